//! The settings of a connection that others of the same system may share: what is read, when, how far back, and what is known of VAT.
//! Never whose they are: account, client and sign-in are no settings.
//!
//! One type serves a connection, a template and everything between them, and the list below is the only one: a setting is added by its line
//! here and its column in `store`, and is then compared, applied, overridden and rolled out like the others.

use crate::{money::VatState, run::words, schedule::Schedule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// Whether a stream is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct StreamChoice {
    /// Its name.
    pub name: String,
    /// On or off.
    pub on: bool,
}

/// How far back a stream is read again, because its platform corrects past days: a little every time, and far enough for what comes
/// late (goals, fraud taken off) once a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Lookback {
    /// Past days that every run reads again.
    pub days: u32,
    /// Past days that a run reads again once a week.
    pub weekly_days: u32,
}

impl Lookback {
    /// Within what a platform remembers, and once a week no less than every time. Yesterday is read in any case.
    #[must_use]
    pub fn within(self, most: u32) -> Self {
        let most = most.max(1);
        let days = self.days.clamp(1, most);
        Self { days, weekly_days: self.weekly_days.clamp(days, most) }
    }
}

words! {
    /// What becomes of rows in which nothing happened: no spend, no impressions, no clicks, no conversions and no revenue.
    ZeroRows {
        /// They are kept like all others.
        Keep = "keep",
        /// They are counted and not kept. Sums stay what they are.
        LeaveOut = "leave_out",
    }
}

words! {
    /// Whether what a connection says is added to its client's totals.
    InTotals {
        /// It is.
        Counts = "counts",
        /// It stands by itself: analytics and attribution repeat what ad platforms say, and would count it twice.
        Apart = "apart",
    }
}

#[expect(clippy::derivable_impls, reason = "as below")]
impl Default for InTotals {
    fn default() -> Self {
        Self::Counts
    }
}

#[expect(clippy::derivable_impls, reason = "the list above derives the same for every list of words")]
impl Default for ZeroRows {
    fn default() -> Self {
        Self::Keep
    }
}

/// Whether two values of a setting mean the same.
trait Same: PartialEq {
    fn same(&self, other: &Self) -> bool {
        self == other
    }
}

impl Same for Schedule {}
impl Same for BTreeMap<String, Lookback> {}
impl Same for VatState {}
impl Same for ZeroRows {}
impl Same for InTotals {}
impl Same for Vec<StreamChoice> {
    /// A stream that one of them does not know is off, and the order is only how they are shown.
    fn same(&self, other: &Self) -> bool {
        let covered = |these: &Self, by: &Self| {
            these.iter().all(|it| !it.on || by.iter().any(|one| one.on && one.name == it.name))
        };
        covered(self, other) && covered(other, self)
    }
}

macro_rules! settings {
    ($($(#[$doc:meta])* $field:ident: $type:ty = $setting:ident $word:literal,)*) => {
        words! {
            /// One of the settings.
            Setting { $($(#[$doc])* $setting = $word,)* }
        }

        /// The settings of a connection, or those that a template gives. One that a template does not have yet, because it was saved before
        /// there was such a setting, is as it is without anybody's choice.
        #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
        #[serde(default)]
        pub struct Settings { $($(#[$doc])* pub $field: $type,)* }

        /// Changes of settings; absent ones stay.
        #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
        pub struct SettingsChange { $($(#[$doc])* pub $field: Option<$type>,)* }

        impl Settings {
            /// Whether one setting means something else there.
            pub fn differs(&self, other: &Self, setting: Setting) -> bool {
                match setting { $(Setting::$setting => !self.$field.same(&other.$field),)* }
            }
            /// Takes one setting over from there.
            pub fn take(&mut self, from: &Self, setting: Setting) {
                match setting { $(Setting::$setting => self.$field.clone_from(&from.$field),)* }
            }
        }

        impl SettingsChange {
            /// What it would make of settings.
            #[must_use]
            pub fn of(self, before: &Settings) -> Settings {
                Settings { $($field: self.$field.unwrap_or_else(|| before.$field.clone()),)* }
            }
            /// Which settings it names, changed or not.
            pub fn named(&self) -> Vec<Setting> {
                [$(self.$field.is_some().then_some(Setting::$setting),)*].into_iter().flatten().collect()
            }
        }
    };
}

settings! {
    /// Which streams are read, in the order of the connector.
    streams: Vec<StreamChoice> = Streams "streams",
    /// When it is collected by itself, in the client's time zone.
    schedule: Schedule = Schedule "schedule",
    /// How far back streams are read again where a person wants it otherwise than their connector suggests, by stream.
    lookbacks: BTreeMap<String, Lookback> = Lookbacks "lookbacks",
    /// Whether the platform's sums contain VAT, as the person declared.
    vat: VatState = Vat "vat",
    /// What becomes of rows in which nothing happened.
    zero_rows: ZeroRows = ZeroRows "zero_rows",
    /// Whether it is added to its client's totals.
    in_totals: InTotals = InTotals "in_totals",
}

impl Settings {
    /// The settings that mean something else there.
    pub fn differences(&self, other: &Self) -> Vec<Setting> {
        Setting::ALL.iter().copied().filter(|setting| self.differs(other, *setting)).collect()
    }
    /// Whether a stream is read.
    pub fn reads(&self, stream: &str) -> bool {
        self.streams.iter().any(|choice| choice.on && choice.name == stream)
    }
}
