//! Campaign statistics: the one table that every ad platform ends up in, and the names of the things it counts.

use crate::{
    money::{Currency, Micros, VatState},
    record::GenericRecord,
    run::words,
};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

words! {
    /// The depth of a row in a platform's tree. Platforms name them differently (VK: ad plan, group, banner); these are ours.
    Level {
        /// The cabinet itself.
        Account = "account",
        /// Campaign (VK: ad plan).
        Campaign = "campaign",
        /// Ad group.
        AdGroup = "ad_group",
        /// Ad (VK: banner).
        Ad = "ad",
    }
    /// Whether an ad object is delivering, as far as the platform says.
    ObjectStatus {
        /// Allowed to deliver.
        Active = "active",
        /// Stopped by a person, a limit or moderation.
        Stopped = "stopped",
        /// Deleted in the platform; its past statistics stay.
        Deleted = "deleted",
        /// The platform sent a word we do not know; the word is kept in quarantine.
        Unknown = "unknown",
    }
}

/// A campaign, ad group or ad: its name, and what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdObject {
    /// How deep in the tree.
    pub level: Level,
    /// The vendor's id; opaque text.
    pub external_id: String,
    /// The vendor's id of the object one level up, if the vendor says.
    pub parent_external_id: Option<String>,
    /// The name a person gave it.
    pub name: String,
    /// Whether it delivers.
    pub status: ObjectStatus,
    /// Address of the page it leads to, as the advertiser wrote it; of ads alone.
    pub landing_url: Option<String>,
}

/// What a counter on a site, or in an application, saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Visits {
    /// Visits of the site or sessions of the application. `None` = not said.
    pub count: Option<i64>,
    /// People who made them. They come back, so the people of two days or two sources are fewer than the sum, and nothing adds them up.
    pub users: Option<i64>,
    /// Pages or screens seen.
    pub page_views: Option<i64>,
    /// Visits that ended where they began.
    pub bounces: Option<i64>,
}

/// One day of one ad object, optionally split by a breakdown. In analytics systems the account is the counter (property, application),
/// and what stands below is where its visitors came from: `campaign` is the source, medium and campaign of the UTM tags together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignStat {
    /// How deep in the tree `external_id` stands.
    pub level: Level,
    /// The vendor's id of the object; opaque text.
    pub external_id: String,
    /// The day in the account's time zone.
    pub date: NaiveDate,
    /// The value of the breakdown (device, goal ...) as `kind=value`; empty for the row that is the whole.
    pub breakdown: String,
    /// Times shown. `None` = the platform did not say, which is not zero.
    pub impressions: Option<i64>,
    /// Clicks.
    pub clicks: Option<i64>,
    /// Spend in `currency`.
    pub cost: Option<Micros>,
    /// Currency of `cost` and `revenue`.
    pub currency: Currency,
    /// Whether `cost` contains VAT.
    pub vat: VatState,
    /// Conversions, in millionths because attribution may split one.
    pub conversions: Option<Micros>,
    /// Revenue attributed by the platform, in `currency`.
    pub revenue: Option<Micros>,
    /// What a counter saw; all unknown in an ad platform.
    pub visits: Visits,
}

impl CampaignStat {
    /// Whether nothing happened in it: the platform says something of it, and all of that is zero. A row of which nothing is known is no zero.
    pub fn is_zero(&self) -> bool {
        let Visits { count, users, page_views, bounces } = self.visits;
        let counts = [self.impressions, self.clicks, count, users, page_views, bounces];
        let sums = [self.cost, self.conversions, self.revenue].map(|sum| sum.map(|sum| sum.0));
        let mut known = counts.into_iter().chain(sums).flatten().peekable();
        known.peek().is_some() && known.all(|value| value == 0)
    }
}

/// A row that could not be turned into our tables. It is kept, with the reason and the raw value, and the run goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejected {
    /// The stream it came from.
    pub stream: String,
    /// The day it belongs to, if that much could be read.
    pub date: Option<NaiveDate>,
    /// Why, in one of our words.
    pub reason: RejectReason,
    /// The field that was wrong.
    pub field: String,
    /// What stood there, cut at 500 characters.
    pub value: String,
    /// Where it stood, for files: the line number, from 1.
    pub line: Option<u64>,
    /// The row as it came, cut at 4,000 characters.
    pub raw: String,
}

words! {
    /// Why a row was rejected.
    RejectReason {
        /// A field that the row cannot do without is absent.
        Missing = "missing",
        /// Not a number.
        NotANumber = "not_a_number",
        /// Not a date in the expected form.
        NotADate = "not_a_date",
        /// A count or a sum below zero.
        Negative = "negative",
        /// A word from a closed list that we do not know.
        UnknownWord = "unknown_word",
        /// Too large for the column.
        TooLarge = "too_large",
        /// The currency is not the account's.
        CurrencyMismatch = "currency_mismatch",
        /// The day lies outside the window that was asked for.
        OutsideWindow = "outside_window",
        /// The same object and day came twice in one window.
        Duplicate = "duplicate",
        /// Another number of columns than the header has.
        WrongShape = "wrong_shape",
    }
}

impl RejectReason {
    /// Whether the day lacks a row because of it. A second coming of a row and a row of another day are no loss.
    pub fn loses_row(self) -> bool {
        !matches!(self, Self::Duplicate | Self::OutsideWindow)
    }
}

/// What one call of a source hands over: typed rows ready for the store, and what could not be typed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Names and tree.
    pub objects: Vec<AdObject>,
    /// Daily statistics.
    pub stats: Vec<CampaignStat>,
    /// Records of streams that are kept as they come.
    pub records: Vec<GenericRecord>,
    /// Rows for quarantine.
    pub rejected: Vec<Rejected>,
}

impl Batch {
    /// Rows of all kinds.
    pub fn len(&self) -> usize {
        self.objects.len() + self.stats.len() + self.records.len() + self.rejected.len()
    }
    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
