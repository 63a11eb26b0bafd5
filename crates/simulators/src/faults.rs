//! Faults that can be switched on while a simulator runs: everything vendors and networks were seen doing to a client.
//!
//! A fault says which requests it meets (`path`), from which on (`after_requests`) and how often (`times`), and counts how
//! often it struck, so that a test can be sure that what it survived really happened. A request that the fault could do nothing
//! to, such as a first page for one of later pages, is not counted.

use std::sync::{Mutex, PoisonError};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// The sign-in endpoint refuses the key, as if its secret had been changed.
    WrongKey,
    /// The token of the request is revoked, for good, together with its refresh token.
    RevokeToken,
    /// The token of the request has expired; its refresh token still works.
    ExpireToken,
    /// All tokens expire at once.
    ExpireAllTokens,
    /// Too many requests (429), in the vendor's words.
    Throttle {
        /// How the client is told when to come back.
        hint: Hint,
    },
    /// An error of the vendor's server (500, 502, 503, 504), in the vendor's words.
    ServerError {
        /// HTTP status.
        status: u16,
    },
    /// Status 200, and in the body the envelope of an error with this code of the vendor's.
    ErrorInside {
        /// The vendor's code.
        code: String,
    },
    /// The right to this resource was taken back (403); the token goes on working for others.
    RevokeScope,
    /// The reply comes late.
    Slow {
        /// Delay, milliseconds.
        millis: u64,
    },
    /// The reply comes a few bytes at a time: no single wait is long, all of them are.
    Drip {
        /// Bytes that come at once.
        bytes: usize,
        /// Pause after them, milliseconds.
        millis: u64,
    },
    /// The reply never comes; the connection stays open.
    Hang,
    /// Half of the body arrives under a Content-Length that promises all of it, then the connection closes.
    TruncatedBody,
    /// Half of the body arrives under an honest Content-Length: valid HTTP, broken JSON.
    BrokenJson,
    /// The whole body arrives, but its Content-Length promises more, and then the connection closes.
    WrongLength,
    /// The body is said to be packed and is not.
    WrongEncoding,
    /// A good status with nothing behind it.
    EmptyBody,
    /// A byte that is no UTF-8 stands in the middle of a text.
    MalformedText,
    /// The connection is reset before any answer; the vendor has not seen the request.
    Reset,
    /// The vendor does what it was asked to, and the connection is reset before its answer arrives: a token is rotated, and nobody knows it.
    LostAnswer,
    /// The client is sent elsewhere (302): a sign-in page, a portal of the hotel's network, round in circles.
    Redirect {
        /// `Location`; empty: the same address again.
        to: String,
    },
    /// A page for people instead of data, as a proxy or a maintenance mode sends it.
    Html {
        /// HTTP status, often 200.
        status: u16,
    },
    /// The reported total is wrong by this many.
    LyingTotal {
        /// Added to the true total; negative hides rows.
        delta: i64,
    },
    /// The page is blown up to this size with a member nobody asked for.
    HugePage {
        /// Size of the reply, bytes.
        bytes: usize,
    },
    /// A status no one has heard of.
    UnknownEnum,
    /// New members appear in objects and rows.
    NewFields,
    /// Counts and money below zero.
    NegativeNumbers,
    /// Words where numbers should be.
    GarbageNumbers,
    /// Every member of this name is left out.
    MissingField {
        /// Name of the member, at any depth.
        field: String,
    },
    /// Collections and reports are empty.
    EmptyAccount,
    /// The first row and the first object arrive twice.
    DuplicateRows,
    /// The object with the most impressions is left out of reports, while sums still count it.
    LostRows,
    /// Every member of this name becomes text, or a number when it is text.
    OtherType {
        /// Name of the member, at any depth.
        field: String,
    },
    /// A day has no rows, and nothing says so.
    MissingDay {
        /// Which day.
        date: NaiveDate,
    },
    /// Every second object has no row of a day, and nothing says so.
    HalfDay {
        /// Which day.
        date: NaiveDate,
    },
    /// A day is a copy of the day before, as long as that one is asked for, too.
    CopiedDay {
        /// Which day.
        date: NaiveDate,
    },
    /// A later page is the page before it once more.
    RepeatPage,
    /// A later page is cut out of the list in another order.
    ShuffledPage,
    /// Between the pages the first object of the list has gone, and every other one has moved up.
    Vanish,
    /// Between the pages an object has come in front of all others: the first page does not have it yet. A list of a single page is read
    /// before it came or after, and both are the platform's truth.
    Appear,
}

/// How a refusal says when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "style", rename_all = "snake_case")]
pub enum Hint {
    /// `Retry-After` in seconds.
    After {
        /// Seconds.
        secs: u32,
    },
    /// `Retry-After` as a date.
    Date {
        /// Seconds from now.
        secs: u32,
    },
    /// `X-RateLimit-Reset` as an instant, epoch seconds.
    ResetAt {
        /// Seconds from now.
        secs: u32,
    },
    /// `RateLimit-Reset` in seconds from now.
    ResetIn {
        /// Seconds.
        secs: u32,
    },
    /// The vendor's own headers and body: nothing is left of any window.
    Windows,
    /// The vendor's own body, without headers.
    Body,
    /// Headers that say nothing anybody can read, and no body.
    Nonsense,
}

impl FaultKind {
    /// The name used in JSON and in the request log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::WrongKey => "wrong_key",
            Self::RevokeToken => "revoke_token",
            Self::ExpireToken => "expire_token",
            Self::ExpireAllTokens => "expire_all_tokens",
            Self::Throttle { .. } => "throttle",
            Self::ServerError { .. } => "server_error",
            Self::ErrorInside { .. } => "error_inside",
            Self::RevokeScope => "revoke_scope",
            Self::Slow { .. } => "slow",
            Self::Drip { .. } => "drip",
            Self::Hang => "hang",
            Self::TruncatedBody => "truncated_body",
            Self::BrokenJson => "broken_json",
            Self::WrongLength => "wrong_length",
            Self::WrongEncoding => "wrong_encoding",
            Self::EmptyBody => "empty_body",
            Self::MalformedText => "malformed_text",
            Self::Reset => "reset",
            Self::LostAnswer => "lost_answer",
            Self::Redirect { .. } => "redirect",
            Self::Html { .. } => "html",
            Self::LyingTotal { .. } => "lying_total",
            Self::HugePage { .. } => "huge_page",
            Self::UnknownEnum => "unknown_enum",
            Self::NewFields => "new_fields",
            Self::NegativeNumbers => "negative_numbers",
            Self::GarbageNumbers => "garbage_numbers",
            Self::MissingField { .. } => "missing_field",
            Self::EmptyAccount => "empty_account",
            Self::DuplicateRows => "duplicate_rows",
            Self::MissingDay { .. } => "missing_day",
            Self::HalfDay { .. } => "half_day",
            Self::CopiedDay { .. } => "copied_day",
            Self::RepeatPage => "repeat_page",
            Self::ShuffledPage => "shuffled_page",
            Self::Vanish => "vanish",
            Self::Appear => "appear",
            Self::LostRows => "lost_rows",
            Self::OtherType { .. } => "other_type",
        }
    }
}

/// A fault and when it strikes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// Only requests whose path contains this text; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only requests on behalf of this account; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<u64>,
    /// How many matching requests pass unharmed first.
    #[serde(default)]
    pub after_requests: u32,
    /// How often it strikes; without it, until it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

impl Fault {
    /// A fault that strikes every request until it is removed.
    pub fn always(kind: FaultKind) -> Self {
        Self { kind, path: None, account: None, after_requests: 0, times: None }
    }

    /// A fault that strikes the next request only.
    pub fn once(kind: FaultKind) -> Self {
        Self { times: Some(1), ..Self::always(kind) }
    }

    /// The same fault, only for paths that contain this text.
    #[must_use]
    pub fn on(mut self, path_part: &str) -> Self {
        self.path = Some(path_part.to_owned());
        self
    }

    /// The same fault, only for requests on behalf of this account.
    #[must_use]
    pub fn of(mut self, account: u64) -> Self {
        self.account = Some(account);
        self
    }

    /// The same fault, after this many matching requests went well.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.after_requests = requests;
        self
    }

    /// The same fault, this many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }
}

/// A fault with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Armed {
    /// Number given when it was switched on.
    pub id: u64,
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
    /// Matching requests it has met.
    pub seen: u32,
    /// How often it struck.
    pub struck: u32,
}

/// The faults of one simulator.
#[derive(Debug, Default)]
pub struct Faults {
    inner: Mutex<(u64, Vec<Armed>)>,
}

impl Faults {
    /// Switches a fault on and returns its number.
    pub fn add(&self, fault: Fault) -> u64 {
        let mut inner = self.lock();
        inner.0 += 1;
        let id = inner.0;
        inner.1.push(Armed { id, fault, seen: 0, struck: 0 });
        id
    }

    /// Switches one fault off.
    pub fn remove(&self, id: u64) {
        self.lock().1.retain(|armed| armed.id != id);
    }

    /// Switches all faults off.
    pub fn clear(&self) {
        self.lock().1.clear();
    }

    /// All faults with their counts, worn-out ones included.
    pub fn list(&self) -> Vec<Armed> {
        self.lock().1.clone()
    }

    /// How often the fault of this number struck; none when it was removed.
    pub fn struck(&self, id: u64) -> Option<u32> {
        self.lock().1.iter().find(|armed| armed.id == id).map(|armed| armed.struck)
    }

    /// The faults that strike a request to this path on behalf of this account; counts them. A request that a fault `can` do nothing to
    /// is not met by it.
    pub(crate) fn strike(&self, path: &str, account: Option<u64>, can: impl Fn(&FaultKind) -> bool) -> Vec<FaultKind> {
        let mut striking = Vec::new();
        for armed in &mut self.lock().1 {
            let elsewhere = armed.fault.path.as_deref().is_some_and(|part| !path.contains(part))
                || (armed.fault.account.is_some() && armed.fault.account != account);
            if elsewhere || !can(&armed.fault.kind) {
                continue;
            }
            armed.seen = armed.seen.saturating_add(1);
            let worn_out = armed.fault.times.is_some_and(|times| armed.struck >= times);
            if armed.seen > armed.fault.after_requests && !worn_out {
                armed.struck += 1;
                striking.push(armed.fault.kind.clone());
            }
        }
        striking
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (u64, Vec<Armed>)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
