//! The shapes of alerts and their rules.

use chrono::{DateTime, Utc};
use model::{
    alert::{AlertAction, AlertKind, AlertRule, AlertState, Severity, Threshold},
    date::DateRange,
    id::{AlertId, ClientId, ConnectionId, RunId},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

wire! {
    /// Whose alerts.
    AlertList {
        /// One client's, or everybody's.
        client_id: Option<ClientId>,
    }
    /// Alerts that are open or muted, and those settled lately.
    Alerts {
        /// By client: whose is worst first.
        groups: Vec<AlertGroup>,
        /// How many are open.
        open: u32,
    }
    /// The alerts of one client, the open ones first, and among them the worst.
    AlertGroup {
        /// Which client.
        client_id: ClientId,
        /// Its name.
        client_name: String,
        /// Its alerts.
        alerts: Vec<AlertRow>,
    }
    /// An alert.
    AlertRow {
        /// Its id.
        id: AlertId,
        /// What it is about.
        kind: AlertKind,
        /// How urgent it is.
        severity: Severity,
        /// Where it stands.
        state: AlertState,
        /// Whose.
        client_id: ClientId,
        /// The client's name.
        client_name: String,
        /// Which connection.
        connection_id: ConnectionId,
        /// Its connector.
        connector: String,
        /// Its account's name.
        account_name: String,
        /// The days it is about: those that its action collects again.
        days: Option<DateRange>,
        /// Parameters of its text, by the names that `AlertKind` tells.
        params: BTreeMap<String, String>,
        /// The run that brought it to light, if it is still kept.
        run_id: Option<RunId>,
        /// The one thing to do about it.
        action: AlertAction,
        /// When it was found.
        opened_at: DateTime<Utc>,
        /// When its facts were over.
        settled_at: Option<DateTime<Utc>>,
    }
    /// Whether a person wants to hear of an alert.
    AlertMute {
        /// Which one.
        id: AlertId,
        /// Hear no more of it, or again.
        muted: bool,
    }
    /// A rule and how far it can be changed.
    AlertRuleRow {
        /// The rule in force.
        rule: AlertRule,
        /// What it does by itself.
        default: AlertRule,
        /// Its numbers.
        numbers: Vec<RuleNumber>,
    }
    /// A number of a rule.
    RuleNumber {
        /// Which number.
        threshold: Threshold,
        /// The smallest that makes sense.
        least: u32,
        /// The largest that makes sense.
        most: u32,
    }
}
