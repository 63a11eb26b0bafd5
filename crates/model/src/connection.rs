//! Clients of the agency and their connections, as every room above the store knows them.

use crate::{
    id::{ClientId, ConnectionId},
    money::{Currency, VatState},
    run::words,
    schedule::Schedule,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// A client of the agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Identity.
    pub id: ClientId,
    /// The name people use.
    pub name: String,
    /// The currency its totals are shown in.
    pub currency: Currency,
    /// IANA time zone, such as `Europe/Moscow`.
    pub time_zone: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

words! {
    /// Whether a connection may run.
    ConnectionState {
        /// Runs on schedule and on demand.
        Active = "active",
        /// Paused by a person.
        Paused = "paused",
        /// Waits for a person to sign in again; data are kept.
        SignInNeeded = "sign_in_needed",
    }
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

/// One account of one system, connected for one client.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// Identity.
    pub id: ConnectionId,
    /// Whose it is.
    pub client_id: ClientId,
    /// The connector's id, such as `vk_ads`.
    pub connector: String,
    /// The vendor's id of the account.
    pub account_external_id: String,
    /// The account's name in the platform.
    pub account_name: String,
    /// Currency of the account.
    pub currency: Currency,
    /// Whether the platform's sums contain VAT, as the person declared.
    pub vat: VatState,
    /// IANA time zone of the account's calendar days.
    pub time_zone: String,
    /// Settings that are not secret, by the names of the connector's form.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// Whether it may run.
    pub state: ConnectionState,
    /// How far back streams are read again where a person wants it otherwise than their connector suggests, by stream.
    pub lookbacks: BTreeMap<String, Lookback>,
    /// How many days the first run reads.
    pub first_load_days: u32,
    /// When it is collected by itself.
    pub schedule: Schedule,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}
