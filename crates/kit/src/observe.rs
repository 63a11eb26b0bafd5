//! What the outside may watch of a connection's traffic: requests as they end, waits as they begin, retries and why. `sync` turns it
//! into the run log and into "waiting until 14:00" on the screens. Everything here is redacted already.

use chrono::{DateTime, Utc};
use model::failure::Failure;
use std::time::Duration;

/// One request as it went over the wire, redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// `GET`, `POST` ...
    pub method: String,
    /// The address without secrets.
    pub url: String,
    /// The status, or `None` when no answer came.
    pub status: Option<u16>,
    /// Time until the last byte, in milliseconds.
    pub millis: u64,
    /// Size of the answer after decompression, in bytes.
    pub bytes: u64,
    /// Which attempt of the same request it was, from 1.
    pub attempt: u32,
    /// The failure's code and detail when no usable answer came.
    pub failure: Option<String>,
    /// What the platform said of its limits with the answer: headers by name.
    pub limits: Vec<(String, String)>,
}

/// A request and its answer with everything people may see of them: for the test-read panel, where a person looks at what a connector
/// says and hears. Secrets are masked, bodies are cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The line of the log.
    pub record: RequestRecord,
    /// Headers sent.
    pub request_headers: Vec<(String, String)>,
    /// Body sent; empty when there was none.
    pub request_body: String,
    /// Headers received.
    pub response_headers: Vec<(String, String)>,
    /// The beginning of the body received; empty when none came or when it is not text.
    pub response_body: String,
    /// Whether there was more of it.
    pub cut: bool,
}

/// Why nothing happens for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// Our own count says the account's budget of requests is used up.
    Budget,
    /// The platform asked us to slow down.
    RateLimited,
    /// An attempt failed and the next one is a little later.
    Retry,
    /// The platform is still making what was ordered.
    Report,
}

/// A wait that begins now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Why.
    pub reason: WaitReason,
    /// How long.
    pub duration: Duration,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// Watches. Calls come from the middle of requests, so an implementation only notes and returns.
pub trait Observer: Send + Sync {
    /// A request ended, well or not.
    fn request(&self, record: RequestRecord);
    /// How many bytes of bodies it wants to see with each request, if any. Whoever says so gets [`Observer::exchange`] after
    /// [`Observer::request`].
    fn wants_bodies(&self) -> Option<usize> {
        None
    }
    /// A request ended, with its bodies.
    fn exchange(&self, exchange: Exchange) {
        // Only observers that asked for bodies are called.
        drop(exchange);
    }
    /// A wait begins.
    fn waiting(&self, wait: Wait);
    /// Attempt `attempt` failed and another one follows.
    fn retry(&self, attempt: u32, failure: &Failure);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn request(&self, _record: RequestRecord) {}
    fn waiting(&self, _wait: Wait) {}
    fn retry(&self, _attempt: u32, _failure: &Failure) {}
}
