//! Alerts: what a person should know without looking. A rule raises one, the same facts raise it once, and it settles by itself when the
//! facts are over. Texts live where a person reads them (the UI, messages); here are the words and the two decisions that hang on a
//! kind: how urgent it is unless a rule says otherwise, and the one action that stands beside it.

use crate::{
    date::DateRange,
    id::{AlertId, ClientId, ConnectionId, RunId},
    run::words,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

words! {
    /// What an alert is about.
    AlertKind {
        /// Only a person can let it in again. `code`.
        SignInNeeded = "sign_in_needed",
        /// Several syncs in a row failed. `failures`, `code`.
        Failing = "failing",
        /// A sign-in ends for good soon. `until`.
        SignInEnds = "sign_in_ends",
        /// The data are older than the schedule promises. `data_through`, `expected`.
        Stale = "stale",
        /// A day has no rows, where days like it always have some. `date`, `usual`.
        EmptyDay = "empty_day",
        /// A day is far from what such days usually are. `date`, `metric`, `found`, `usual`.
        UnusualVolume = "unusual_volume",
        /// A day is a copy of another one, number by number. `date`, `same_as`.
        RepeatedDay = "repeated_day",
        /// A day that was complete has much less after it was read again. `date`, `metric`, `before`, `after`.
        ShrunkDay = "shrunk_day",
        /// Money is spent and nothing converts, where it did. `days`, `spend`, `currency`.
        SpendWithoutConversions = "spend_without_conversions",
        /// More rows than usual could not be understood. `rows`, `usual`.
        QuarantineGrowing = "quarantine_growing",
        /// Too many requests to a platform fail. `percent`, `requests`.
        ErrorShare = "error_share",
        /// The platform's answers have changed their form. `stream`, `changes`.
        SchemaDrift = "schema_drift",
        /// Our sum of a day is not the platform's own. `date`, `metric`, `ours`, `theirs`.
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
