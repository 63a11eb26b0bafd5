//! Clients of the agency and their connections, as every room above the store knows them.

use crate::{
    id::{ClientId, ConnectionId},
    money::Currency,
    run::words,
    settings::Settings,
    template::Following,
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
    /// IANA time zone of the account's calendar days.
    pub time_zone: String,
    /// Answers of the connector's form that are not secret, by their names there.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// Whether it may run.
    pub state: ConnectionState,
    /// How many days the first run reads.
    pub first_load_days: u32,
    /// What others of the same system may share with it.
    pub settings: Settings,
    /// The template it follows.
    pub follows: Option<Following>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}
