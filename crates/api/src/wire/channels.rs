//! Channels as they cross the surface. A secret crosses once, inwards; whether there is one is all that comes back.

use super::ApiError;
use chrono::{DateTime, Utc};
use model::{
    channel::{ChannelKind, ChannelSettings, ChannelWants, Language, QuietHours},
    id::ChannelId,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

wire_enum! {
    /// How a channel does.
    ChannelState {
        /// Switched off by a person.
        Off,
        /// It has not carried anything yet.
        New,
        /// The last message arrived.
        Works,
        /// The last attempt failed; it is tried again by itself.
        Trying,
        /// A person has to mend it.
        Broken,
    }
}

wire! {
    /// A channel and how it does.
    ChannelRow {
        /// Identity.
        id: ChannelId,
        /// Which way it is.
        kind: ChannelKind,
        /// The name people gave it.
        name: String,
        /// Where it leads, without its secret.
        settings: ChannelSettings,
        /// What its messages are written in.
        language: Language,
        /// IANA time zone of its quiet hours.
        time_zone: String,
        /// When it is silent.
        quiet: Option<QuietHours>,
        /// Whether a critical alert may break the silence.
        critical_at_night: bool,
        /// What it carries.
        wants: ChannelWants,
        /// Whether it carries anything now.
        enabled: bool,
        /// How it does.
        state: ChannelState,
        /// Why the last attempt failed.
        failure: Option<ApiError>,
        /// When that was.
        failed_at: Option<DateTime<Utc>>,
        /// When it is tried again.
        retry_at: Option<DateTime<Utc>>,
        /// When a message last arrived.
        delivered_at: Option<DateTime<Utc>>,
        /// Messages that wait for it.
        waiting: u64,
    }
    /// A channel as a person wants it.
    ChannelSave {
        /// Which one; absent for a new one.
        id: Option<ChannelId>,
        /// Its name.
        name: String,
        /// Where it leads.
        settings: ChannelSettings,
        /// The bot's token, the password or the webhook's address; absent to keep the one that is stored.
        secret: Option<String>,
        /// What its messages are written in.
        language: Language,
        /// IANA time zone of its quiet hours.
        time_zone: String,
        /// When it is silent.
        quiet: Option<QuietHours>,
        /// Whether a critical alert may break the silence.
        critical_at_night: bool,
        /// What it carries.
        wants: ChannelWants,
        /// Whether it carries anything now.
        enabled: bool,
    }
    /// Which bot is asked for its chats.
    ChannelChats {
        /// The channel whose stored token is used when none is given.
        id: Option<ChannelId>,
        /// Another server of the same interface.
        server: Option<String>,
        /// The bot's token.
        secret: Option<String>,
    }
    /// A chat that has written to a bot.
    TelegramChat {
        /// Its number.
        id: String,
        /// Its title, or the person's name.
        title: String,
        /// Whether it is a conversation with one person.
        private: bool,
    }
}
