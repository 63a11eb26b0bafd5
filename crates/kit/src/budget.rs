//! Request budgets. A platform counts requests per account (VK: per user) in several windows at once, so every run and every check that
//! speaks for the same account shares one [`Budget`], and it knows all windows. The limits themselves differ from user to user; they are
//! learned from the headers of each reply, and a reply's "remaining" is believed over our own count, because the account may be used by
//! other programs too.
//!
//! Windows are calendar windows (`period` aligned to the clock): that is how the platforms that publish theirs count, and for a sliding
//! window it errs on the side of one more 429, which is waited out like any other. A ready-made limiter (governor) was looked at: it has
//! one fixed rate per limiter and cannot be corrected from outside, so it fits neither the learned limits nor several windows.

use crate::{
    clock::Clock,
    http::{HttpRequest, HttpResponse},
    observe::WaitReason,
    waiting::Waiting,
};
use chrono::{DateTime, TimeDelta, Utc};
use model::failure::{Code, Failure};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
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

/// How long a request that nobody waits for any more may still be on its way.
const STRAY: TimeDelta = TimeDelta::seconds(2);
/// After how long a request asks again whether one of those under way was answered.
const LOOK_AGAIN: TimeDelta = TimeDelta::milliseconds(50);

/// How fast requests may follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pace {
    /// As fast as they like.
    Unlimited,
    /// So many per period; a period begins with its first request, or when the platform says so.
    Fixed {
        /// Requests.
        limit: u64,
        /// Length.
        period: TimeDelta,
    },
    /// So many within any stretch of time of each length. A request counts until so long after its answer.
    Moving(Vec<(u64, TimeDelta)>),
}

/// Tells what a request counts under a rule; `None`: the rule is not about it.
pub type Weigh = Arc<dyn Fn(&HttpRequest) -> Option<u64> + Send + Sync>;

/// Requests that a connector counts together, and their pace.
#[derive(Clone)]
pub struct Rule {
    /// Which requests, and how much each counts.
    pub weigh: Weigh,
    /// The pace.
    pub pace: Pace,
}

/// The limits that a connector declares for its platform. The first rule that is about a request counts it.
#[derive(Clone)]
pub struct Rules {
    /// What makes these rules these rules: declaring the same again keeps the counts.
    pub identity: String,
    /// In order.
    pub rules: Vec<Rule>,
    /// How many requests may be under way at the same time.
    pub at_once: Option<u64>,
    /// Reply header with the instant at which the count begins anew, in epoch seconds or seconds from now.
    pub reset_header: String,
    /// Reply header with what is left.
    pub remaining_header: String,
    /// Statuses that say that nothing is left.
    pub hit_statuses: Vec<u16>,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rules({})", self.identity)
    }
}

/// Rules with what was counted.
#[derive(Debug)]
struct Counted {
    rules: Rules,
    counts: Vec<Count>,
}

/// What was counted under one rule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Count {
    /// Of a fixed pace: used in this period, and when the period ends.
    used: u64,
    resets: Option<DateTime<Utc>>,
    /// Of a moving pace: what was answered when, oldest first.
    sent: VecDeque<(DateTime<Utc>, u64)>,
    /// Of a moving pace: what is not answered yet, and when it was sent. Nobody knows when the platform sees it, so it counts all the time.
    #[serde(skip)]
    under_way: Vec<(DateTime<Utc>, u64)>,
}

impl Count {
    /// When a request of this weight may go; `None`: now.
    fn ready(&mut self, pace: &Pace, weight: u64, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.resets.is_some_and(|resets| resets <= now) {
            self.used = 0;
            self.resets = None;
        }
        match pace {
            Pace::Unlimited => None,
            Pace::Fixed { limit, .. } => {
                (self.used > 0 && self.used + weight > *limit).then_some(self.resets).flatten()
            }
            Pace::Moving(rates) => {
                if let Some(resets) = self.resets {
                    return Some(resets);
                }
                let longest = rates.iter().map(|(_, span)| *span).max().unwrap_or_default();
                while self.sent.front().is_some_and(|(at, _)| *at + longest <= now) {
                    self.sent.pop_front();
                }
                rates.iter().filter_map(|(limit, span)| self.free(*limit, *span, weight, now)).max()
            }
        }
    }

    /// When so much weight fits into the last `span` again; `None`: now.
    fn free(&self, limit: u64, span: TimeDelta, weight: u64, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let recent = || self.sent.iter().filter(|(at, _)| *at + span > now);
        let under_way = self.weight_under_way();
        let mut used: u64 = under_way + recent().map(|(_, weight)| weight).sum::<u64>();
        for (at, past) in recent() {
            if used + weight <= limit {
                return None;
            }
            used -= past;
            // Enough has left the window once this one has; a request heavier than the limit goes alone.
            if used + weight <= limit || used == 0 {
                return Some(*at + span);
            }
        }
        // What is under way alone leaves no room: it will have been answered, and left the window, no earlier than that.
        (under_way > 0 && under_way + weight > limit).then_some(now + span)
    }

    fn weight_under_way(&self) -> u64 {
        self.under_way.iter().map(|(_, weight)| weight).sum()
    }

    fn took(&mut self, pace: &Pace, weight: u64, now: DateTime<Utc>) {
        match pace {
            Pace::Unlimited => {}
            Pace::Fixed { period, .. } => {
                self.used += weight;
                self.resets.get_or_insert(now + *period);
            }
            Pace::Moving(_) => self.under_way.push((now, weight)),
        }
    }

    /// A request that was sent then is answered, or nobody waits for its answer any more. When it came to the platform nobody knows, but not
    /// later than now: counted from now, no delay on the way makes the platform see more of them at once than it allows.
    fn arrived(&mut self, taken: (DateTime<Utc>, u64), now: DateTime<Utc>) {
        if let Some(place) = self.under_way.iter().position(|sent| *sent == taken) {
            self.under_way.remove(place);
            self.sent.push_back((now, taken.1));
        }
    }

    /// As it can be kept: what is under way when the program ends was sent.
    fn kept(&self) -> Self {
        let mut kept = self.clone();
        kept.sent.extend(kept.under_way.drain(..));
        kept
    }

    /// Believes the platform, unless it allows more than the rule does.
    fn learn(&mut self, pace: &Pace, left: Option<u64>, resets: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        match pace {
            Pace::Fixed { limit, period } => {
                if let Some(left) = left {
                    self.used = self.used.max(limit.saturating_sub(left));
                }
                if resets.is_some() {
                    self.resets = resets;
                } else if self.used > 0 {
                    self.resets.get_or_insert(now + *period);
                }
            }
            Pace::Moving(rates) if left == Some(0) => {
                if resets.is_some() {
                    self.resets = resets;
                } else if let Some(room) = rates.iter().map(|(limit, span)| self.room(*limit, *span, now)).min() {
                    self.sent.push_back((now, room));
                }
            }
            Pace::Unlimited | Pace::Moving(_) => {}
        }
    }

    /// What is left of a limit in the last `span`.
    fn room(&self, limit: u64, span: TimeDelta, now: DateTime<Utc>) -> u64 {
        let recent = self.sent.iter().filter(|(at, _)| *at + span > now);
        limit.saturating_sub(self.weight_under_way() + recent.map(|(_, weight)| weight).sum::<u64>())
    }
}

/// An instant that a header tells, in epoch seconds or in seconds from now: no wait lasts thirty years.
pub(crate) fn instant(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    const EPOCH_FROM: f64 = 1_000_000_000.0;
    let value = text.trim().parse::<f64>().ok().filter(|value| value.is_finite())?;
    if value > EPOCH_FROM {
        #[allow(clippy::cast_possible_truncation, reason = "milliseconds of a date; a float too large saturates")]
        let millis = (value * 1000.0) as i64;
        return DateTime::from_timestamp_millis(millis);
    }
    now.checked_add_signed(TimeDelta::from_std(Duration::try_from_secs_f64(value).ok()?).ok()?)
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
    /// End: then all of them are free again.
    pub ends: DateTime<Utc>,
}

/// What is known about one budget, as it can be kept between two starts of the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BudgetSnapshot {
    /// The budget's key.
    pub account: String,
    /// Until when the platform wants to hear nothing.
    pub paused_until: Option<DateTime<Utc>>,
    /// Its windows, by scope and length.
    pub windows: Vec<WindowSnapshot>,
    /// What was counted under the rules that the connector declares: which rules, and their counts in order.
    declared: Option<(String, Vec<Count>)>,
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

    /// All that is known, to be kept; budgets of which nothing is known are left out.
    pub fn snapshot(&self) -> Vec<BudgetSnapshot> {
        let mut all: Vec<BudgetSnapshot> = lock(&self.accounts)
            .iter()
            .map(|(account, budget)| budget.snapshot(account))
            .filter(|known| known.paused_until.is_some() || !known.windows.is_empty() || known.declared.is_some())
            .collect();
        all.sort_by(|a, b| a.account.cmp(&b.account));
        all
    }

    /// Takes up again what was kept. A window that has ended meanwhile starts empty at its first use.
    pub fn restore(&self, kept: Vec<BudgetSnapshot>) {
        for one in kept {
            let budget = self.account(&one.account);
            let mut state = lock(&budget.state);
            state.paused_until = one.paused_until;
            state.kept_counts = one.declared;
            for kept in one.windows {
                let Some(window) = COMMON_WINDOWS.into_iter().find(|window| window.period_secs == kept.period_secs)
                else {
                    continue;
                };
                let known = Known { window, limit: kept.limit, used: kept.used, told: 0, started: kept.started };
                state.windows.insert((kept.scope, kept.period_secs), known);
            }
        }
    }
}

/// The budget of one account.
#[derive(Debug, Default)]
pub struct Budget {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    windows: BTreeMap<(String, i64), Known>,
    /// How a connector corrects the common windows (the zone of the platform's day).
    corrected: Vec<Window>,
    /// Requests sent and not yet answered, by scope.
    in_flight: HashMap<String, u64>,
    /// What the connector itself says about its platform's limits.
    declared: Option<Counted>,
    /// Counts of an earlier start of the program, until the connector declares the same rules again.
    kept_counts: Option<(String, Vec<Count>)>,
    paused_until: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    window: Window,
    limit: u64,
    used: u64,
    /// The most that the platform told to be used in this window. Replies overtake each other, and a count only grows.
    told: u64,
    started: DateTime<Utc>,
}

impl Known {
    /// Starts anew when the window has turned over. Requests that are on their way meanwhile may be counted by the platform in the new
    /// window, so they count in ours.
    fn turn(&mut self, in_flight: u64, now: DateTime<Utc>) {
        let started = self.window.start(now);
        if started != self.started {
            self.started = started;
            self.used = in_flight;
            self.told = 0;
        }
    }
}

impl Counted {
    /// The place of the rule that is about a request, and how much the request counts under it; `None` when none is.
    fn weighed(&self, request: &HttpRequest) -> Option<(usize, u64)> {
        self.rules.rules.iter().enumerate().find_map(|(place, rule)| Some((place, (rule.weigh)(request)?)))
    }
}

impl State {
    /// Takes one request out of every window, or says when to ask again. What it weighs under the declared rule that is about it.
    fn take(&mut self, request: &HttpRequest, now: DateTime<Utc>) -> Result<Option<(usize, u64)>, DateTime<Utc>> {
        let scope = request.scope.as_str();
        if let Some(until) = self.paused_until {
            if until > now {
                return Err(until);
            }
            self.paused_until = None;
        }
        let mut until = None;
        for ((of, _), known) in &mut self.windows {
            if of.is_empty() || of == scope {
                known.turn(on_their_way(&self.in_flight, of), now);
                if known.used >= known.limit {
                    until = until.max(Some(known.window.end(now)));
                }
            }
        }
        let most = self.declared.as_ref().and_then(|declared| declared.rules.at_once);
        if most.is_some_and(|most| on_their_way(&self.in_flight, "") >= most) {
            // Nobody knows when one of them will be answered.
            until = until.max(Some(now + LOOK_AGAIN));
        }
        let mut taken = None;
        if let Some(declared) = &mut self.declared
            && let Some((place, weight)) = declared.weighed(request)
            && let (Some(rule), Some(count)) = (declared.rules.rules.get(place), declared.counts.get_mut(place))
        {
            until = until.max(count.ready(&rule.pace, weight, now));
            if until.is_none() {
                count.took(&rule.pace, weight, now);
                taken = Some((place, weight));
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
        Ok(taken)
    }
}

impl Budget {
    fn snapshot(&self, account: &str) -> BudgetSnapshot {
        let state = lock(&self.state);
        let windows = state.windows.iter().map(|((scope, period_secs), known)| WindowSnapshot {
            scope: scope.clone(),
            period_secs: *period_secs,
            limit: known.limit,
            used: known.used,
            started: known.started,
            ends: known.started + TimeDelta::seconds(*period_secs),
        });
        let declared = state
            .declared
            .as_ref()
            .map(|declared| (declared.rules.identity.clone(), declared.counts.iter().map(Count::kept).collect()));
        BudgetSnapshot {
            account: account.to_owned(),
            paused_until: state.paused_until,
            windows: windows.collect(),
            declared: declared.or_else(|| state.kept_counts.clone()),
        }
    }

    /// Corrects one of the common windows for this account's platform, recognised by its period.
    pub fn correct(&self, window: Window) {
        let mut state = lock(&self.state);
        state.corrected.retain(|known| known.period_secs != window.period_secs);
        state.corrected.push(window);
    }

    /// Declares the limits a connector knows of. The same rules again keep what was counted.
    pub fn declare(&self, rules: Rules) {
        let mut state = lock(&self.state);
        if state.declared.as_ref().is_none_or(|known| known.rules.identity != rules.identity) {
            let kept = state.kept_counts.take().filter(|(identity, _)| *identity == rules.identity);
            let mut counts = kept.map(|(_, counts)| counts).unwrap_or_default();
            counts.resize_with(rules.rules.len(), Count::default);
            state.declared = Some(Counted { rules, counts });
        }
    }

    /// Sends nobody before `until`: the platform has said so.
    pub fn pause(&self, until: DateTime<Utc>) {
        let mut state = lock(&self.state);
        state.paused_until = state.paused_until.max(Some(until));
    }

    /// Waits for a request's turn. `quota_wait` when the turn comes later than `patience` from now, `cancelled` when a person stops.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        request: &HttpRequest,
        patience: Duration,
        system: &str,
        clock: &Arc<dyn Clock>,
        waiting: Waiting<'_>,
    ) -> Result<Permit, Failure> {
        let mut waited = Duration::ZERO;
        loop {
            let now = waiting.clock.now();
            let until = match lock(&self.state).take(request, now) {
                Ok(taken) => {
                    let (budget, clock) = (Arc::clone(self), Arc::clone(clock));
                    return Ok(Permit { budget, clock, scope: request.scope.clone(), taken, taken_at: now });
                }
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
pub(crate) struct Permit {
    budget: Arc<Budget>,
    clock: Arc<dyn Clock>,
    scope: String,
    /// The place of the declared rule that counts it, and its weight there.
    taken: Option<(usize, u64)>,
    taken_at: DateTime<Utc>,
}

impl Permit {
    /// Corrects what the connector declared by what a reply of any status says.
    pub fn correct(&self, response: &HttpResponse, now: DateTime<Utc>) {
        let mut state = lock(&self.budget.state);
        let Some(declared) = &mut state.declared else { return };
        let hit = declared.rules.hit_statuses.contains(&response.status);
        let left = number(response, &declared.rules.remaining_header).or(hit.then_some(0));
        let resets = response.header(&declared.rules.reset_header).and_then(|text| instant(text, now));
        if let Some((place, _)) = self.taken
            && let (Some(rule), Some(count)) = (declared.rules.rules.get(place), declared.counts.get_mut(place))
        {
            count.learn(&rule.pace, left, resets, now);
        }
    }

    /// Its answer is there, or will not come. Said once: another request may have been sent at the same moment.
    pub fn arrived(&mut self, now: DateTime<Utc>) {
        let mut state = lock(&self.budget.state);
        if let (Some((place, weight)), Some(declared)) = (self.taken.take(), &mut state.declared)
            && let Some(count) = declared.counts.get_mut(place)
        {
            count.arrived((self.taken_at, weight), now);
        }
    }

    /// Corrects the windows by what a reply says.
    pub fn learn(&self, response: &HttpResponse, now: DateTime<Utc>) {
        let mut guard = lock(&self.budget.state);
        let state = &mut *guard;
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
                told: 0,
                started: window.start(now),
            });
            known.window = window;
            known.turn(on_their_way(&state.in_flight, &self.scope), now);
            known.limit = limit;
            // The reply to a request that was on its way while the window turned over may tell what is left of the old one.
            let same = window.start(self.taken_at) == window.start(now);
            if let Some(remaining) = remaining.filter(|_| same) {
                known.told = known.told.max(limit.saturating_sub(remaining));
                known.used = known.told + others;
            }
        }
    }
}

/// Requests that a window of this scope has to count as under way: without a scope, all of them.
fn on_their_way(in_flight: &HashMap<String, u64>, scope: &str) -> u64 {
    if scope.is_empty() { in_flight.values().sum() } else { in_flight.get(scope).copied().unwrap_or_default() }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // One that was cancelled may still be on its way; one whose answer came is not under way any more.
        self.arrived(self.clock.now() + STRAY);
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
