//! What a run, a slice of it and a day of data can be. These are the words on the Syncs screen, in the database and in TypeScript.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)* }
        impl $name {
            /// All of them, in the order of the declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
            /// The word as it stands in the database and on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
        impl std::str::FromStr for $name {
            type Err = $crate::run::UnknownWord;
            fn from_str(text: &str) -> Result<Self, $crate::run::UnknownWord> {
                match text { $($text => Ok(Self::$variant),)* _ => Err($crate::run::UnknownWord(text.to_owned())) }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
    )*};
}
pub(crate) use words;

/// A word read from the database or the wire that this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown word {0:?}")]
pub struct UnknownWord(pub String);

words! {
    /// What a run is doing or how it ended.
    RunState {
        /// Waits for a free worker.
        Queued = "queued",
        /// Reads and writes.
        Running = "running",
        /// Waits until the platform's quota is free again; continues by itself.
        Waiting = "waiting",
        /// Held by a person until it is resumed or stopped; what was committed before stays.
        Paused = "paused",
        /// Everything was read and written.
        Done = "done",
        /// Everything was read, some rows are in quarantine.
        DoneWithRemarks = "done_with_remarks",
        /// Ended by a failure; what was committed before stays.
        Failed = "failed",
        /// Ended by a person or by quitting the program; what was committed before stays.
        Stopped = "stopped",
    }
    /// Why a run was started.
    RunTrigger {
        /// The first sync after connecting.
        First = "first",
        /// A person pressed the button.
        Manual = "manual",
        /// The schedule.
        Schedule = "schedule",
        /// A range of days was asked for again.
        Recollect = "recollect",
        /// A file was imported.
        Import = "import",
    }
    /// What one slice of a run is doing.
    SliceState {
        /// Not begun.
        Pending = "pending",
        /// Being read.
        Running = "running",
        /// Committed.
        Done = "done",
        /// Ended by a failure; the old data of its window are untouched.
        Failed = "failed",
    }
    /// How far a day of data of one connection can be trusted.
    DayState {
        /// Never read.
        Missing = "missing",
        /// Read, but still inside the platform's attribution window: it will be read again and may change.
        Moving = "moving",
        /// Some streams of the connection were read and some failed.
        Partial = "partial",
        /// Read after the attribution window had closed.
        Final = "final",
        /// The last attempt to read it failed and nothing older is there.
        Failed = "failed",
    }
    /// Health of a client or a connection, in the order of sorting.
    Health {
        /// A person is needed now.
        Act = "act",
        /// Worth a look.
        Watch = "watch",
        /// Nothing to do.
        Good = "good",
        /// No connection or no data yet.
        Off = "off",
    }
}

impl RunState {
    /// Whether it reads, or will without anybody's doing.
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Waiting)
    }

    /// Whether the run has ended.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::DoneWithRemarks | Self::Failed | Self::Stopped)
    }
}

impl RunTrigger {
    /// Whether such a run may be long: what is new today goes before it.
    pub fn is_long(self) -> bool {
        matches!(self, Self::First | Self::Recollect)
    }
}

/// How far a run is. `total` is unknown until the platform said it; a bar without a total shows slices instead.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, TS)]
pub struct Progress {
    /// Slices committed.
    pub slices_done: u32,
    /// Slices planned.
    pub slices_total: u32,
    /// Rows written so far.
    #[ts(type = "number")]
    pub rows: u64,
    /// Rows put into quarantine so far.
    #[ts(type = "number")]
    pub quarantined: u64,
    /// Requests sent so far, repeats included.
    #[ts(type = "number")]
    pub requests: u64,
    /// Requests that had to be repeated.
    #[ts(type = "number")]
    pub retries: u64,
    /// Rows per second over the last seconds, if known.
    pub rows_per_sec: Option<f64>,
    /// Seconds left at the present rate, if known.
    pub remaining_secs: Option<f64>,
}
