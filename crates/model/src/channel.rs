//! Channels: the ways in which alerts reach people outside the window. Settings that may be shown are here; the one secret of a channel
//! (a bot's token, a mailbox's password, a webhook's address) lies in the vault and never in these types.

use crate::{
    alert::Severity,
    id::{ChannelId, ClientId},
    run::words,
    schedule::hours_and_minutes,
};
use chrono::{DateTime, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

words! {
    /// A way to reach people.
    ChannelKind {
        /// The operating system's notifications, on this computer.
        Desktop = "desktop",
        /// A chat of Telegram.
        Telegram = "telegram",
        /// Mail.
        Email = "email",
        /// A channel of Slack.
        Slack = "slack",
    }
    /// A language messages are written in.
    Language {
        /// Russian.
        Ru = "ru",
        /// English.
        En = "en",
    }
    /// How a mail server is spoken to. There is no third way: a password is not sent in the clear.
    MailTls {
        /// Encrypted from the first byte; usually port 465.
        Implicit = "implicit",
        /// Encrypted after a greeting in the clear, or not at all; usually port 587.
        Starttls = "starttls",
    }
    /// What became of a telling for one channel.
    DeliveryState {
        /// To be delivered.
        Waiting = "waiting",
        /// Delivered.
        Done = "done",
        /// Passed over: what it tells is over or was told by a newer one, or the channel was switched off.
        Passed = "passed",
        /// The service refused the message itself, again and again.
        Refused = "refused",
    }
}

/// Where a channel leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ChannelSettings {
    /// This computer.
    Desktop {},
    /// A chat that a bot writes into.
    Telegram {
        /// The chat's number or `@name`.
        chat_id: String,
        /// The topic of a group that has topics.
        #[ts(type = "number | null")]
        topic: Option<i64>,
        /// Another server of the same interface, for networks that do not reach Telegram's own; its address.
        server: Option<String>,
    },
    /// Mailboxes.
    Email {
        /// The server's name.
        host: String,
        /// Its port.
        port: u16,
        /// How it is spoken to.
        tls: MailTls,
        /// Who signs in; often the address itself.
        user: String,
        /// The sender's address.
        from: String,
        /// The readers' addresses.
        to: Vec<String>,
    },
    /// The channel that a webhook belongs to; the webhook's address is the secret.
    Slack {},
}

impl ChannelSettings {
    /// Which way it is.
    pub fn kind(&self) -> ChannelKind {
        match self {
            Self::Desktop {} => ChannelKind::Desktop,
            Self::Telegram { .. } => ChannelKind::Telegram,
            Self::Email { .. } => ChannelKind::Email,
            Self::Slack {} => ChannelKind::Slack,
        }
    }
}

/// The hours of the day in which a channel is silent, in its time zone. `from` may be later than `to`: then they go over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct QuietHours {
    /// The first silent minute, `HH:MM`.
    #[serde(with = "hours_and_minutes")]
    #[ts(type = "string")]
    pub from: NaiveTime,
    /// The first minute that is not, `HH:MM`. The same as `from`: silent round the clock.
    #[serde(with = "hours_and_minutes")]
    #[ts(type = "string")]
    pub to: NaiveTime,
}

impl QuietHours {
    /// When the silence ends that holds at this moment; `None` when none does. An unknown zone counts as UTC.
    pub fn end(&self, zone: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
        let here = now.with_timezone(&zone).naive_local();
        let time = here.time();
        let silent = if self.from < self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        };
        if !silent {
            return None;
        }
        let today = here.date().and_time(self.to);
        let end = if today > here { today } else { today + TimeDelta::days(1) };
        Some(instant(zone, end).max(now + TimeDelta::minutes(1)))
    }
}

/// The instant of a local time. One that a change of the clock leaves out is the first that exists after it.
fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    let mut steps = (0..8).map(|quarter| local + TimeDelta::minutes(15 * quarter));
    let found = steps.find_map(|at| zone.from_local_datetime(&at).earliest());
    found.map_or_else(|| local.and_utc(), |at| at.with_timezone(&Utc))
}

/// Which alerts a channel carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ChannelWants {
    /// Critical alerts at once.
    pub critical: bool,
    /// A digest a day per client with alerts of at least this severity; `None`: no digest.
    pub digest: Option<Severity>,
    /// Of these clients only; `None`: of all, also of those to come.
    pub clients: Option<Vec<ClientId>>,
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Identity.
    pub id: ChannelId,
    /// The name people gave it.
    pub name: String,
    /// Where it leads.
    pub settings: ChannelSettings,
    /// What its messages are written in.
    pub language: Language,
    /// IANA time zone of its quiet hours and of the times in its messages.
    pub time_zone: String,
    /// When it is silent.
    pub quiet: Option<QuietHours>,
    /// Whether a critical alert may break the silence.
    pub critical_at_night: bool,
    /// What it carries.
    pub wants: ChannelWants,
    /// Whether it carries anything now.
    pub enabled: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_end_when_they_say() {
        let quiet = |from: &str, to: &str| QuietHours {
            from: NaiveTime::parse_from_str(from, "%H:%M").unwrap(),
            to: NaiveTime::parse_from_str(to, "%H:%M").unwrap(),
        };
        for (from, to, zone, now, end) in [
            ("22:00", "08:00", "Europe/Moscow", "2026-11-20T18:59:00Z", None),
            ("22:00", "08:00", "Europe/Moscow", "2026-11-20T19:00:00Z", Some("2026-11-21T05:00:00Z")),
            ("22:00", "08:00", "Europe/Moscow", "2026-11-21T04:59:30Z", Some("2026-11-21T05:00:30Z")),
            ("22:00", "08:00", "Europe/Moscow", "2026-11-21T05:00:00Z", None),
            ("13:00", "14:00", "UTC", "2026-11-20T13:30:00Z", Some("2026-11-20T14:00:00Z")),
            ("13:00", "14:00", "UTC", "2026-11-20T12:59:59Z", None),
            ("09:00", "09:00", "UTC", "2026-11-20T10:00:00Z", Some("2026-11-21T09:00:00Z")),
            // Half past two does not exist in Berlin on this night: it ends at three.
            ("23:00", "02:30", "Europe/Berlin", "2026-03-29T00:30:00Z", Some("2026-03-29T01:00:00Z")),
            ("22:00", "08:00", "No/Where", "2026-11-20T22:30:00Z", Some("2026-11-21T08:00:00Z")),
        ] {
            let now: DateTime<Utc> = now.parse().unwrap();
            let end = end.map(|end| end.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(quiet(from, to).end(zone, now), end, "{from} to {to} in {zone} at {now}");
        }
    }
}
