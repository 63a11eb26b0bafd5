//! Clients of the agency and their connections, as every room above the store knows them.

use crate::{
    id::{ClientId, ConnectionId},
    money::{Currency, VatState},
    run::words,
    schedule::Schedule,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
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
    /// How many past days each run reads again, because the platform corrects them.
    pub lookback_days: u32,
    /// How many days the first run reads.
    pub first_load_days: u32,
    /// When it is collected by itself.
    pub schedule: Schedule,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}
