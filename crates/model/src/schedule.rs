//! When a connection is collected by itself, as a person says it. The times are those of the client's zone; `sync` turns them into instants.

use crate::run::words;
use chrono::NaiveTime;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

words! {
    /// A day of the week.
    Weekday {
        /// Monday.
        Monday = "mon",
        /// Tuesday.
        Tuesday = "tue",
        /// Wednesday.
        Wednesday = "wed",
        /// Thursday.
        Thursday = "thu",
        /// Friday.
        Friday = "fri",
        /// Saturday.
        Saturday = "sat",
        /// Sunday.
        Sunday = "sun",
    }
}

/// When a connection is collected by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// Never: only when a person asks.
    Off,
    /// Several times a day, at full hours.
    Hourly {
        /// Hours between two starts, counted from midnight: 1, 2, 3, 4, 6, 8 or 12.
        every: u8,
    },
    /// Once on some days of the week.
    Daily {
        /// The time, `HH:MM`.
        #[serde(with = "hours_and_minutes")]
        #[ts(type = "string")]
        at: NaiveTime,
        /// The days; at least one.
        days: Vec<Weekday>,
    },
    /// What the others cannot say.
    Cron {
        /// Five fields: minute, hour, day of the month, month, day of the week.
        expression: String,
    },
}

impl Default for Schedule {
    /// Every morning, early enough for the nine o'clock look and late enough for most platforms to have closed the day.
    fn default() -> Self {
        Self::Daily { at: NaiveTime::from_hms_opt(6, 0, 0).unwrap_or_default(), days: Weekday::ALL.to_vec() }
    }
}

/// A time of the day as `HH:MM`, for serde.
pub(crate) mod hours_and_minutes {
    use chrono::NaiveTime;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    const FORMAT: &str = "%H:%M";

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over by reference")]
    pub(crate) fn serialize<S: Serializer>(at: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&at.format(FORMAT))
    }
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        NaiveTime::parse_from_str(&text, FORMAT).map_err(D::Error::custom)
    }
}
