//! Request limits of the engine: calendar second, hour and day, counted per user and per resource.
//!
//! Source: ads.vk.com/doc/api/info/Устройство API, "Лимиты на количество запросов в единицу времени": periods are bound to
//! the calendar, the current values travel in headers of every reply and are listed by `throttling.json`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::server::Answer;

/// Requests allowed to one user on one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In a calendar second.
    pub per_second: u32,
    /// In a calendar hour.
    pub per_hour: u32,
    /// In a calendar day (Moscow).
    pub per_day: u32,
}

impl Limits {
    /// What an agency's account is given: quick enough not to be felt in a demo, real enough to be respected.
    pub const USUAL: Self = Self { per_second: 50, per_hour: 20_000, per_day: 200_000 };
    /// As good as none, for measuring.
    pub const NONE: Self = Self { per_second: 1_000_000, per_hour: 100_000_000, per_day: 1_000_000_000 };

    fn windows(self) -> [(i64, u32); 3] {
        [(1, self.per_second), (3_600, self.per_hour), (86_400, self.per_day)]
    }
}

/// Names of the windows in headers.
const HEADERS: [(&str, &str); 3] = [
    ("x-ratelimit-rps-limit", "x-ratelimit-rps-remaining"),
    ("x-ratelimit-hourly-limit", "x-ratelimit-hourly-remaining"),
    ("x-ratelimit-daily-limit", "x-ratelimit-daily-remaining"),
];

/// Uses in the current windows: for each the window's number and the count in it.
type Used = [(i64, u32); 3];

/// How far a window was used. Seconds are not kept, they would be too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Whose requests.
    pub user: u64,
    /// On which resource.
    pub resource: &'static str,
    /// The window's length, seconds: an hour or a day.
    pub length: i64,
    /// Which window it is, counted from a fixed point.
    pub number: i64,
    /// Requests answered in it.
    pub used: u32,
}

/// The counters of one simulator.
#[derive(Debug)]
pub struct Throttle {
    limits: Limits,
    resources: &'static [(&'static str, &'static str)],
    used: Mutex<HashMap<(u64, &'static str), Used>>,
    over: Mutex<Vec<Usage>>,
}

impl Throttle {
    /// Counters at zero.
    pub fn new(limits: Limits, resources: &'static [(&'static str, &'static str)]) -> Self {
        Self { limits, resources, used: Mutex::default(), over: Mutex::default() }
    }

    /// Counts a request; the remaining numbers when it is allowed, or those that refused it. A refused request is not counted.
    pub fn take(&self, user: u64, resource: &'static str, now_secs: i64) -> Result<[u32; 3], [u32; 3]> {
        let mut all = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = all.entry((user, resource)).or_default();
        let windows = self.limits.windows();
        for (slot, (length, _)) in used.iter_mut().zip(windows) {
            let number = now_secs.div_euclid(length);
            if slot.0 != number {
                if length > 1 && slot.1 > 0 {
                    let over = Usage { user, resource, length, number: slot.0, used: slot.1 };
                    self.over.lock().unwrap_or_else(PoisonError::into_inner).push(over);
                }
                *slot = (number, 0);
            }
        }
        let allowed = used.iter().zip(windows).all(|(slot, (_, limit))| slot.1 < limit);
        if allowed {
            for slot in used.iter_mut() {
                slot.1 += 1;
            }
        }
        let remaining = std::array::from_fn(|i| windows[i].1.saturating_sub(used[i].1));
        if allowed { Ok(remaining) } else { Err(remaining) }
    }

    /// The windows that are over and those under way.
    pub fn usage(&self) -> Vec<Usage> {
        let mut all = self.over.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (&(user, resource), used) in self.used.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            for (slot, (length, _)) in used.iter().zip(self.limits.windows()) {
                if length > 1 && slot.1 > 0 {
                    all.push(Usage { user, resource, length, number: slot.0, used: slot.1 });
                }
            }
        }
        all
    }

    /// Puts the limit headers on a reply.
    pub fn label(&self, mut answer: Answer, remaining: [u32; 3]) -> Answer {
        for (((_, limit), left), (limit_name, left_name)) in
            self.limits.windows().into_iter().zip(remaining).zip(HEADERS)
        {
            answer = answer.with(limit_name, limit.to_string()).with(left_name, left.to_string());
        }
        answer
    }

    /// The refusal. Its body is the one seen from the same engine in myTarget clients; no Retry-After is sent.
    pub fn refusal(&self, remaining: [u32; 3]) -> Answer {
        let (limits, left) = self.maps(remaining);
        self.label(Answer::json(429, &json!({ "limits": limits, "remaining": left })), remaining)
    }

    /// `throttling.json` for a user; asking does not count.
    pub fn report(&self, user: u64, now_secs: i64) -> Value {
        let all = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let mut report = Map::new();
        for &(resource, _) in self.resources {
            let used = all.get(&(user, resource)).copied().unwrap_or_default();
            let windows = self.limits.windows();
            let remaining = std::array::from_fn(|i| {
                let (length, limit) = windows[i];
                let current = used[i].0 == now_secs.div_euclid(length);
                limit.saturating_sub(if current { used[i].1 } else { 0 })
            });
            let (limits, left) = self.maps(remaining);
            let read = json!({ "READ": { "limits": limits, "remaining": left } });
            report.insert(resource.to_owned(), json!({ "v2": read, "all": read }));
        }
        Value::Object(report)
    }

    fn maps(&self, remaining: [u32; 3]) -> (Value, Value) {
        let windows = self.limits.windows();
        let limits: Map<String, Value> = windows.iter().map(|(length, n)| (length.to_string(), json!(n))).collect();
        let left: Map<String, Value> =
            windows.iter().zip(remaining).map(|((length, _), n)| (length.to_string(), json!(n))).collect();
        (Value::Object(limits), Value::Object(left))
    }
}
