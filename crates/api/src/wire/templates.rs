//! Templates as the screens see them, and what applying one would do before it does it.

use chrono::{DateTime, Utc};
use model::{
    id::{ClientId, ConnectionId, TemplateId},
    settings::{Setting, Settings, SettingsChange},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

wire! {
    /// A template and who follows it.
    TemplateRow {
        /// Its id.
        id: TemplateId,
        /// Of which system.
        connector: String,
        /// Its name, which no other of the system has.
        name: String,
        /// What it gives.
        settings: Settings,
        /// The connections that follow it, by the names of their clients.
        followers: Vec<Follower>,
        /// How many of them still have something of what it said formerly.
        behind: u32,
        /// When it was saved first.
        created_at: DateTime<Utc>,
    }
    /// A connection that follows a template.
    Follower {
        /// Which.
        connection_id: ConnectionId,
        /// Its client's name.
        client_name: String,
        /// The account's name.
        account_name: String,
        /// The settings in which it keeps a value of its own.
        own: Vec<Setting>,
        /// The settings in which it still has what the template said formerly.
        behind: Vec<Setting>,
    }
    /// The template of a connection.
    FollowedTemplate {
        /// Its id.
        id: TemplateId,
        /// Its name.
        name: String,
        /// What it gives.
        settings: Settings,
        /// The settings in which the connection keeps a value of its own.
        own: Vec<Setting>,
        /// The settings in which the connection still has what the template said formerly.
        behind: Vec<Setting>,
    }
    /// Saves a connection's settings as a template.
    NewTemplate {
        /// Whose settings.
        from: ConnectionId,
        /// Its name.
        name: String,
    }
    /// Changes of a template; absent fields stay.
    TemplateUpdate {
        /// Which.
        id: TemplateId,
        /// Its name.
        name: Option<String>,
        /// The settings.
        #[serde(flatten)]
        settings: SettingsChange,
    }
    /// A template for connections.
    TemplateUse {
        /// Which.
        id: TemplateId,
        /// For whom: connections of its system; absent: those that follow it, which rolls a changed template out.
        to: Option<Vec<ConnectionId>>,
        /// Which settings are given; the others stay as they are, as the connection's own where they differ.
        settings: Vec<Setting>,
        /// Whether connections keep their own values; otherwise these are replaced.
        keep_own: bool,
    }
    /// What applying a template would do.
    TemplatePreview {
        /// Connection by connection, those that change first, then by the names of their clients.
        rows: Vec<TemplateChange>,
        /// Connections whose settings change.
        changed: u32,
        /// Connections whose settings do not.
        unchanged: u32,
        /// Connections that keep a value of their own.
        kept: u32,
        /// Connections that anything is written to: those that change, and those that only begin to follow it or lose a value of their own.
        written: u32,
        /// Stands for all of this: applying names it, and is refused when it would do something else by then.
        stamp: String,
    }
    /// What applying a template would do to one connection.
    TemplateChange {
        /// Which.
        connection_id: ConnectionId,
        /// Whose.
        client_id: ClientId,
        /// Its client's name.
        client_name: String,
        /// The account's name.
        account_name: String,
        /// Its settings now.
        before: Settings,
        /// And then.
        after: Settings,
        /// The settings that change.
        changed: Vec<Setting>,
        /// The settings in which it keeps a value of its own, other than the template's.
        kept: Vec<Setting>,
        /// Whether it does not follow the template yet.
        joins: bool,
        /// The name of the template that it leaves for this one.
        leaves: Option<String>,
    }
    /// Applies a template as it was previewed.
    TemplateApply {
        /// What was previewed.
        #[serde(flatten)]
        of: TemplateUse,
        /// The stamp of the preview.
        stamp: String,
    }
}
