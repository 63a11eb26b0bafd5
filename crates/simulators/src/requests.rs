//! What was asked of a simulator: the memory with which a test proves that a client paged completely, kept to its budget
//! and did not sign in more often than needed. Query texts are kept; headers and bodies are not, they carry secrets.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// How many single requests are remembered; counts are kept for all.
const REMEMBERED: usize = 20_000;

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    /// Its number, from 1.
    pub number: u64,
    /// Method.
    pub method: String,
    /// Path.
    pub path: String,
    /// Query as sent, still percent-encoded.
    pub query: String,
    /// Account on whose behalf it came, when its token was known.
    pub user: Option<u64>,
    /// Status answered; 0 when the connection was cut instead.
    pub status: u16,
    /// Faults that took part, by name.
    pub faults: Vec<String>,
}

/// Counts of all requests.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Counts {
    /// All requests.
    pub total: u64,
    /// By path.
    pub by_path: BTreeMap<String, u64>,
    /// By status.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests that were refused because they went beyond a limit of the vendor, and not because a fault was told to.
    pub over_limit: u64,
    /// Tokens handed out (new ones and refreshed ones).
    pub tokens_issued: u64,
}

/// The log of one simulator.
#[derive(Debug, Default)]
pub struct RequestLog {
    inner: Mutex<(Counts, VecDeque<Seen>)>,
}

impl RequestLog {
    /// Counts so far.
    pub fn counts(&self) -> Counts {
        self.lock().0.clone()
    }

    /// The remembered requests, oldest first.
    pub fn entries(&self) -> Vec<Seen> {
        self.lock().1.iter().cloned().collect()
    }

    /// How many requests had a path that contains this text.
    pub fn count_of(&self, path_part: &str) -> u64 {
        self.lock().0.by_path.iter().filter(|(path, _)| path.contains(path_part)).map(|(_, count)| count).sum()
    }

    /// Forgets everything, so that a test can count one step alone.
    pub fn clear(&self) {
        *self.lock() = (Counts::default(), VecDeque::new());
    }

    /// Notes that a token was handed out.
    pub(crate) fn token_issued(&self) {
        self.lock().0.tokens_issued += 1;
    }

    /// Notes that a request went beyond a limit.
    pub(crate) fn over_limit(&self) {
        self.lock().0.over_limit += 1;
    }

    /// Notes a finished request; its number is given here.
    pub(crate) fn note(&self, mut seen: Seen) {
        let mut inner = self.lock();
        let (counts, entries) = &mut *inner;
        counts.total += 1;
        *counts.by_path.entry(seen.path.clone()).or_default() += 1;
        *counts.by_status.entry(seen.status).or_default() += 1;
        seen.number = counts.total;
        if entries.len() == REMEMBERED {
            entries.pop_front();
        }
        entries.push_back(seen);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Counts, VecDeque<Seen>)> {
        // A thread that panicked while counting leaves counts that are still readable.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
