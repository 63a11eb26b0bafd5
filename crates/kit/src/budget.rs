//! Request budgets. A platform counts requests per account (VK: per user) in several windows at once, so every run and every check that
//! speaks for the same account shares one [`Budget`], and it knows all windows. The limits themselves differ from user to user; they are
//! learned from the headers of each reply, and a reply's "remaining" is believed over our own count, because the account may be used by
//! other programs too.
//!
//! Windows are calendar windows (`period` aligned to the clock): that is how the platforms that publish theirs count, and for a sliding
//! window it errs on the side of one more 429, which is waited out like any other. A ready-made limiter (governor) was looked at: it has
//! one fixed rate per limiter and cannot be corrected from outside, so it fits neither the learned limits nor several windows.

use crate::{http::HttpResponse, observe::WaitReason, waiting::Waiting};
use chrono::{DateTime, TimeDelta, Utc};
use model::failure::{Code, Failure};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A window of which a reply may tell limit and rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its length in seconds.
    pub period_secs: i64,
    /// How far its start lies behind the start of the UTC period, in seconds: a day in Moscow starts at 21:00 UTC, that is -10,800.
    pub offset_secs: i64,
    /// Reply header with the limit.
    pub limit_header: &'static str,
    /// Reply header with what is left.
    pub remaining_header: &'static str,
}

/// The windows whose headers are common enough to be understood without a word from the connector.
pub const COMMON_WINDOWS: [Window; 4] = [
    Window {
        period_secs: 1,
        offset_secs: 0,
        limit_header: "x-ratelimit-rps-limit",
        remaining_header: "x-ratelimit-rps-remaining",
    },
    Window {
        period_secs: 60,
        offset_secs: 0,
        limit_header: "x-ratelimit-minute-limit",
        remaining_header: "x-ratelimit-minute-remaining",
    },
    Window {
        period_secs: 3600,
        offset_secs: 0,
        limit_header: "x-ratelimit-hourly-limit",
        remaining_header: "x-ratelimit-hourly-remaining",
    },
    Window {
        period_secs: 86400,
        offset_secs: 0,
        limit_header: "x-ratelimit-daily-limit",
        remaining_header: "x-ratelimit-daily-remaining",
    },
];

impl Window {
    /// When the window that contains `now` ends.
    pub fn end(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.start(now) + TimeDelta::seconds(self.period_secs)
    }

    fn start(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let since = (now.timestamp() - self.offset_secs).rem_euclid(self.period_secs);
        DateTime::from_timestamp(now.timestamp() - since, 0).unwrap_or(now)
    }
}

/// The end of the longest common window that a reply calls used up; `None` when none is.
pub fn exhausted_until(response: &HttpResponse, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    COMMON_WINDOWS
        .iter()
        .rev()
        .find(|window| number(response, window.remaining_header) == Some(0))
        .map(|window| window.end(now))
}

fn number(response: &HttpResponse, header: &str) -> Option<u64> {
    response.header(header)?.trim().parse().ok()
}

/// What is known about one window, as it can be kept between two starts of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowSnapshot {
    /// The budget's key.
    pub account: String,
    /// The part of the platform it counts (empty: all of it).
    pub scope: String,
    /// Length in seconds.
    pub period_secs: i64,
    /// Requests allowed.
    pub limit: u64,
    /// Requests made.
    pub used: u64,
    /// Start.
    pub started: DateTime<Utc>,
}

/// The budgets of all accounts; cheap to clone. One per process.
#[derive(Clone, Default)]
pub struct Budgets {
    accounts: Arc<Mutex<HashMap<String, Arc<Budget>>>>,
}

impl fmt::Debug for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Budgets")
    }
}

impl Budgets {
    /// The budget of an account or application, created at first sight. The key is system and account, such as `vk_ads/17668`.
    pub fn account(&self, key: &str) -> Arc<Budget> {
        lock(&self.accounts).entry(key.to_owned()).or_default().clone()
    }

    /// All that is known, to be kept.
    pub fn snapshot(&self) -> Vec<WindowSnapshot> {
        let mut windows: Vec<WindowSnapshot> = lock(&self.accounts)
            .iter()
            .flat_map(|(account, budget)| {
                let state = lock(&budget.state);
                let windows: Vec<_> = state
                    .windows
                    .iter()
                    .map(|((scope, period_secs), known)| WindowSnapshot {
                        account: account.clone(),
                        scope: scope.clone(),
                        period_secs: *period_secs,
                        limit: known.limit,
                        used: known.used,
                        started: known.started,
                    })
                    .collect();
                windows
            })
            .collect();
        windows.sort_by(|a, b| (&a.account, &a.scope, a.period_secs).cmp(&(&b.account, &b.scope, b.period_secs)));
        windows
    }

    /// Takes up again what was kept. A window that has ended meanwhile starts empty at its first use.
    pub fn restore(&self, windows: Vec<WindowSnapshot>) {
        for kept in windows {
            let Some(window) = COMMON_WINDOWS.into_iter().find(|window| window.period_secs == kept.period_secs) else {
                continue;
            };
            let budget = self.account(&kept.account);
            lock(&budget.state).windows.insert(
                (kept.scope, kept.period_secs),
                Known { window, limit: kept.limit, used: kept.used, started: kept.started },
            );
        }
    }
}

/// The budget of one account.
#[derive(Debug, Default)]
pub struct Budget {
    state: Mutex<State>,
    /// Held while the account's sign-in is renewed.
    sign_in: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    windows: BTreeMap<(String, i64), Known>,
    /// How a connector corrects the common windows (the zone of the platform's day).
    corrected: Vec<Window>,
    /// Requests sent and not yet answered, by scope.
    in_flight: HashMap<String, u64>,
    paused_until: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    window: Window,
    limit: u64,
    used: u64,
    started: DateTime<Utc>,
}

impl Known {
    /// Starts anew when the window has turned over.
    fn turn(&mut self, now: DateTime<Utc>) {
        let started = self.window.start(now);
        if started != self.started {
            self.started = started;
            self.used = 0;
        }
    }
}

impl State {
    /// Takes one request out of every window, or says when to ask again.
    fn take(&mut self, scope: &str, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        if let Some(until) = self.paused_until {
            if until > now {
                return Err(until);
            }
            self.paused_until = None;
        }
        let mut until = None;
        for ((of, _), known) in &mut self.windows {
            if of.is_empty() || of == scope {
                known.turn(now);
                if known.used >= known.limit {
                    until = until.max(Some(known.window.end(now)));
                }
            }
        }
        if let Some(until) = until {
            return Err(until);
        }
        for ((of, _), known) in &mut self.windows {
            if of.is_empty() || of == scope {
                known.used += 1;
            }
        }
        *self.in_flight.entry(scope.to_owned()).or_default() += 1;
        Ok(())
    }
}

impl Budget {
    /// Corrects one of the common windows for this account's platform, recognised by its period.
    pub fn correct(&self, window: Window) {
        let mut state = lock(&self.state);
        state.corrected.retain(|known| known.period_secs != window.period_secs);
        state.corrected.push(window);
    }

    /// Sends nobody before `until`: the platform has said so.
    pub fn pause(&self, until: DateTime<Utc>) {
        let mut state = lock(&self.state);
        state.paused_until = state.paused_until.max(Some(until));
    }

    /// The turn to renew the sign-in. It lies here because this is the one thing that all runs and checks of an account share.
    pub(crate) async fn sign_in_turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.sign_in.lock().await
    }

    /// Waits for a request's turn. `scope` names the part of the platform that counts separately (empty: all). `quota_wait` when the
    /// turn comes later than `patience` from now, `cancelled` when a person stops.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        scope: &str,
        patience: Duration,
        system: &str,
        waiting: Waiting<'_>,
    ) -> Result<Permit, Failure> {
        let mut waited = Duration::ZERO;
        loop {
            let now = waiting.clock.now();
            let until = match lock(&self.state).take(scope, now) {
                Ok(()) => return Ok(Permit { budget: Arc::clone(self), scope: scope.to_owned() }),
                Err(until) => until,
            };
            // A clock that was set back must not turn this into a busy loop.
            let wait = (until - now).to_std().unwrap_or_default().max(Duration::from_millis(1));
            waited += wait;
            if waited > patience {
                return Err(Failure::new(Code::QuotaWait).with("system", system).until(until));
            }
            waiting.wait(WaitReason::Budget, wait).await?;
        }
    }
}

/// The right to one request; held until its answer is there.
#[derive(Debug)]
pub(crate) struct Permit {
    budget: Arc<Budget>,
    scope: String,
}

impl Permit {
    /// Corrects the windows by what a reply says.
    pub fn learn(&self, response: &HttpResponse, now: DateTime<Utc>) {
        let mut state = lock(&self.budget.state);
        // This request is answered; those still under way are not in the reply's "remaining" yet.
        let others = state.in_flight.get(&self.scope).copied().unwrap_or_default().saturating_sub(1);
        for common in COMMON_WINDOWS {
            let window =
                state.corrected.iter().find(|w| w.period_secs == common.period_secs).copied().unwrap_or(common);
            // A limit of zero would stop the account for ever; platforms that send it mean "none".
            let Some(limit) = number(response, window.limit_header).filter(|limit| *limit > 0) else { continue };
            let remaining = number(response, window.remaining_header);
            let known = state.windows.entry((self.scope.clone(), window.period_secs)).or_insert(Known {
                window,
                limit,
                used: 1,
                started: window.start(now),
            });
            known.window = window;
            known.turn(now);
            known.limit = limit;
            if let Some(remaining) = remaining {
                known.used = limit.saturating_sub(remaining) + others;
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = lock(&self.budget.state);
        if let Some(count) = state.in_flight.get_mut(&self.scope) {
            *count = count.saturating_sub(1);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code under these locks can panic half-way, so a poisoned lock still holds whole values.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
