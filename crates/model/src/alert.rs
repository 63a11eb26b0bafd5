//! Alerts: what a person should know without looking. A rule raises one, the same facts raise it once, and it settles by itself when the
//! facts are over. Texts live where a person reads them (the UI, messages); here are the words and the two decisions that hang on a
//! kind: how urgent it is unless a rule says otherwise, and the one action that stands beside it.

use crate::{
    date::DateRange,
    id::{AlertId, ClientId, ConnectionId, RunId, TellingId},
    run::words,
};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

words! {
    /// What an alert is about.
    AlertKind {
        /// Only a person can let it in again. `code` is a failure's.
        SignInNeeded = "sign_in_needed",
        /// Several syncs in a row failed, or one in a way that time does not heal. `failures`, `code`.
        Failing = "failing",
        /// A sign-in ends for good soon. `until`.
        SignInEnds = "sign_in_ends",
        /// The data are older than the schedule promises. `data_through` (empty: there are none), `expected`: days.
        Stale = "stale",
        /// A day has nothing, where days like it always have something. `usual`: impressions.
        ///
        /// This and the other kinds about days: trouble that lasts goes from `date` `through`; `stream` speaks for all `streams` that have it,
        /// which are joined by commas. `metric` is `rows`, `impressions` or `spend`, and with spend the values beside it are millionths of
        /// `currency`.
        EmptyDay = "empty_day",
        /// A day is far from what such days usually are. `metric`, `found`, `usual`.
        UnusualVolume = "unusual_volume",
        /// A day is a copy of another one, number by number. `same_as`: a day.
        RepeatedDay = "repeated_day",
        /// A day that was complete has much less after it was read again. `metric`, `before`, `after`.
        ShrunkDay = "shrunk_day",
        /// Money is spent and nothing converts, where it did. `days`, `spend` in millionths of `currency`, `usual`: conversions.
        SpendWithoutConversions = "spend_without_conversions",
        /// More rows than usual could not be understood. `rows`, `usual`.
        QuarantineGrowing = "quarantine_growing",
        /// Too many requests to a platform fail. `percent`, `requests`.
        ErrorShare = "error_share",
        /// The platform's answers have changed their form. `stream`, `changes`.
        SchemaDrift = "schema_drift",
        /// Our sums of days are not the platform's own. `date`, `through`, `ours`, `theirs`; `metric` is `cost`, `impressions` or `clicks`,
        /// and with cost the values are millionths of `currency`.
        TotalsDiffer = "totals_differ",
    }
    /// How urgent an alert is.
    Severity {
        /// Told at once.
        Critical = "critical",
        /// In the day's digest.
        Warning = "warning",
        /// In the list and the digest, without a mark of its own.
        Notice = "notice",
    }
    /// Where an alert stands.
    AlertState {
        /// Its facts hold.
        Open = "open",
        /// A person has seen it and wants to hear no more of it; its facts hold.
        Muted = "muted",
        /// Its facts are over.
        Settled = "settled",
    }
    /// How people outside are told.
    TellingKind {
        /// One alert, at once.
        Critical = "critical",
        /// What is open and what is newly over, once a day.
        Digest = "digest",
    }
    /// A number by which a rule decides.
    Threshold {
        /// Failed attempts in a row.
        Failures = "failures",
        /// Hours after the time at which data were promised.
        Hours = "hours",
        /// Per cent.
        Percent = "percent",
        /// Impressions that such a day usually has.
        Impressions = "impressions",
        /// Days.
        Days = "days",
        /// Conversions that the spend usually brings.
        Conversions = "conversions",
        /// Rows in quarantine.
        Rows = "rows",
        /// Times the usual.
        Times = "times",
        /// Requests.
        Requests = "requests",
    }
    /// The one thing to do about an alert.
    AlertAction {
        /// Sign in again.
        SignIn = "sign_in",
        /// Sync now.
        SyncNow = "sync_now",
        /// Collect the alert's days again.
        Recollect = "recollect",
        /// Look at the run.
        OpenRun = "open_run",
        /// Look at the connection's changes of form.
        OpenDrift = "open_drift",
        /// Look at the client's statistics.
        OpenClient = "open_client",
    }
}

impl AlertKind {
    /// How urgent it is unless a rule says otherwise.
    pub fn severity(self) -> Severity {
        match self {
            Self::SignInNeeded | Self::Failing | Self::EmptyDay | Self::RepeatedDay | Self::ShrunkDay => {
                Severity::Critical
            }
            Self::SignInEnds
            | Self::Stale
            | Self::UnusualVolume
            | Self::SpendWithoutConversions
            | Self::QuarantineGrowing
            | Self::ErrorShare
            | Self::TotalsDiffer => Severity::Warning,
            Self::SchemaDrift => Severity::Notice,
        }
    }

    /// The one thing to do about it.
    pub fn action(self) -> AlertAction {
        match self {
            Self::SignInNeeded | Self::SignInEnds => AlertAction::SignIn,
            Self::Failing | Self::ErrorShare | Self::QuarantineGrowing => AlertAction::OpenRun,
            Self::Stale => AlertAction::SyncNow,
            Self::EmptyDay | Self::UnusualVolume | Self::RepeatedDay | Self::ShrunkDay | Self::TotalsDiffer => {
                AlertAction::Recollect
            }
            Self::SpendWithoutConversions => AlertAction::OpenClient,
            Self::SchemaDrift => AlertAction::OpenDrift,
        }
    }
}

/// What makes two findings the same alert: while one with this subject is open, finding it again changes the open one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertSubject {
    /// What it is about.
    pub kind: AlertKind,
    /// Which connection.
    pub connection_id: ConnectionId,
    /// Which stream, when it is about one.
    pub stream: Option<String>,
    /// Which days, when it is about some.
    pub days: Option<DateRange>,
}

/// An alert as it is kept and shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// What it is about.
    pub subject: AlertSubject,
    /// Whose connection it is.
    pub client_id: ClientId,
    /// How urgent it is.
    pub severity: Severity,
    /// Where it stands.
    pub state: AlertState,
    /// Parameters of its text, by the names in the comment of its kind.
    pub params: BTreeMap<String, String>,
    /// The run that brought it to light.
    pub run_id: Option<RunId>,
    /// When it was found first.
    pub opened_at: DateTime<Utc>,
    /// When its facts were over.
    pub settled_at: Option<DateTime<Utc>>,
}

/// What a rule of one kind does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AlertRule {
    /// Which kind.
    pub kind: AlertKind,
    /// Whether it looks at all.
    pub enabled: bool,
    /// How urgent what it finds is.
    pub severity: Severity,
    /// Its numbers, all of [`AlertKind::thresholds`].
    pub thresholds: BTreeMap<Threshold, u32>,
}

/// A number of a rule: what it is unless a person says otherwise, and how far a person may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThresholdRange {
    /// Which number.
    pub threshold: Threshold,
    /// What it is by itself.
    pub default: u32,
    /// The smallest that makes sense.
    pub least: u32,
    /// The largest that makes sense.
    pub most: u32,
}

const fn number(threshold: Threshold, default: u32, least: u32, most: u32) -> ThresholdRange {
    ThresholdRange { threshold, default, least, most }
}

impl AlertKind {
    /// The numbers by which its rule decides.
    pub fn thresholds(self) -> &'static [ThresholdRange] {
        match self {
            Self::Failing => const { &[number(Threshold::Failures, 3, 1, 20)] },
            Self::SignInEnds => const { &[number(Threshold::Days, 7, 1, 60)] },
            Self::Stale => const { &[number(Threshold::Hours, 3, 1, 168)] },
            Self::EmptyDay | Self::RepeatedDay => const { &[number(Threshold::Impressions, 200, 1, 1_000_000)] },
            Self::UnusualVolume => {
                const { &[number(Threshold::Percent, 45, 15, 95), number(Threshold::Impressions, 1000, 1, 1_000_000)] }
            }
            Self::ShrunkDay => {
                const { &[number(Threshold::Percent, 25, 5, 95), number(Threshold::Impressions, 200, 1, 1_000_000)] }
            }
            Self::SpendWithoutConversions => {
                const { &[number(Threshold::Days, 3, 1, 30), number(Threshold::Conversions, 6, 3, 1000)] }
            }
            Self::QuarantineGrowing => {
                const { &[number(Threshold::Rows, 20, 1, 100_000), number(Threshold::Times, 3, 2, 100)] }
            }
            Self::ErrorShare => {
                const { &[number(Threshold::Percent, 5, 1, 100), number(Threshold::Requests, 20, 5, 500)] }
            }
            Self::SignInNeeded | Self::SchemaDrift | Self::TotalsDiffer => &[],
        }
    }

    /// What its rule does unless a person says otherwise.
    pub fn rule(self) -> AlertRule {
        let thresholds = self.thresholds().iter().map(|range| (range.threshold, range.default)).collect();
        AlertRule { kind: self, enabled: true, severity: self.severity(), thresholds }
    }
}

impl AlertRule {
    /// One of its numbers; what it is by itself when the rule does not say, and 0 for a number that its kind does not have.
    pub fn number(&self, threshold: Threshold) -> u32 {
        let by_itself = || self.kind.thresholds().iter().find(|range| range.threshold == threshold);
        self.thresholds.get(&threshold).copied().unwrap_or_else(|| by_itself().map_or(0, |range| range.default))
    }

    /// Whether it can be kept: every number of its kind and no other, each within its range. Answers with the number that is wrong.
    pub fn check(&self) -> Result<(), Threshold> {
        let ranges = self.kind.thresholds();
        for (&threshold, &value) in &self.thresholds {
            let range = ranges.iter().find(|range| range.threshold == threshold).ok_or(threshold)?;
            if !(range.least..=range.most).contains(&value) {
                return Err(threshold);
            }
        }
        ranges
            .iter()
            .find(|range| !self.thresholds.contains_key(&range.threshold))
            .map_or(Ok(()), |range| Err(range.threshold))
    }
}

/// An alert as people outside are told of it: a copy of everything that a message needs, so that it can be delivered when the connection
/// is long gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldAlert {
    /// Which alert.
    pub id: AlertId,
    /// What it is about.
    pub kind: AlertKind,
    /// How urgent it is.
    pub severity: Severity,
    /// Open, or settled since the last digest.
    pub state: AlertState,
    /// The client's name.
    pub client_name: String,
    /// Which connection.
    pub connection_id: ConnectionId,
    /// Its connector.
    pub connector: String,
    /// Its account's name.
    pub account_name: String,
    /// Which stream, when it is about one.
    pub stream: Option<String>,
    /// Which days, when it is about some.
    pub days: Option<DateRange>,
    /// Parameters of its text.
    pub params: BTreeMap<String, String>,
    /// The run that brought it to light.
    pub run_id: Option<RunId>,
    /// The one thing to do about it.
    pub action: AlertAction,
    /// When it was found.
    pub opened_at: DateTime<Utc>,
    /// When its facts were over.
    pub settled_at: Option<DateTime<Utc>>,
}

/// Something that shall be told to people outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// Its number: tellings are made in this order, and numbers are never given twice.
    pub number: i64,
    /// Its id, for whoever must recognise it when it comes twice.
    pub id: TellingId,
    /// Whose.
    pub client_id: ClientId,
    /// How it is told.
    pub kind: TellingKind,
    /// The day of a digest, in the client's zone.
    pub date: Option<NaiveDate>,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// What it tells: one alert when it is critical, at least one in a digest, the most urgent first.
    pub alerts: Vec<ToldAlert>,
}
