//! Faults that can be switched on while a simulator runs: everything vendors and networks were seen doing to a client.
//!
//! A fault says which requests it meets (`path`), from which on (`after_requests`) and how often (`times`), and counts how
//! often it struck, so that a test can be sure that what it survived really happened.

use std::sync::{Mutex, PoisonError};

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
    /// Too many requests, in the vendor's words; with `retry_after` seconds in a header, or without the header.
    Throttle {
        /// Seconds for `Retry-After`; no header without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// An error of the vendor's server (500, 502, 503, 504), in the vendor's words.
    ServerError {
        /// HTTP status.
        status: u16,
    },
    /// The reply comes late.
    Slow {
        /// Delay, milliseconds.
        millis: u64,
    },
    /// The reply never comes; the connection stays open.
    Hang,
    /// Half of the body arrives under a Content-Length that promises all of it, then the connection closes.
    TruncatedBody,
    /// Half of the body arrives under an honest Content-Length: valid HTTP, broken JSON.
    BrokenJson,
    /// The connection is reset before any answer.
    Reset,
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
            Self::Slow { .. } => "slow",
            Self::Hang => "hang",
            Self::TruncatedBody => "truncated_body",
            Self::BrokenJson => "broken_json",
            Self::Reset => "reset",
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
        Self { kind, path: None, after_requests: 0, times: None }
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

    /// The faults that strike a request to this path; counts them.
    pub(crate) fn strike(&self, path: &str) -> Vec<FaultKind> {
        let mut striking = Vec::new();
        for armed in &mut self.lock().1 {
            if armed.fault.path.as_deref().is_some_and(|part| !path.contains(part)) {
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
