//! How a connection stands: whether it can sign in, whether its syncs end well, whether its data are as young as its schedule promises;
//! and what a run says: how many of its requests failed, how many of its rows could not be understood. Pure.

use super::{Rules, found};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use model::{
    alert::{AlertKind, AlertRule, Threshold},
    connection::ConnectionState,
    run::RunState,
};
use std::collections::BTreeMap;
use store::{StoredFailure, alerts::Found, request_log::Request, runs::Run};

/// Minutes within which the share of failed requests is counted.
const SHARE_MINUTES: i64 = 5;
/// Fewer failed requests are no share of anything.
const FEWEST_FAILED: u32 = 5;
/// Good runs that say how many rows usually end in quarantine.
const QUARANTINE_RUNS: usize = 10;

/// How a connection stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Whether it may run.
    pub state: ConnectionState,
    /// Why its last attempt failed; absent when that ended well, or when there was none.
    pub failure: Option<StoredFailure>,
    /// Failed attempts in a row, those of an offline computer not counted.
    pub failures: u32,
    /// The day up to which it would have data if every start of its schedule had been kept; absent when nothing was promised yet, or
    /// when nothing is read by itself.
    pub promised: Option<NaiveDate>,
    /// The day up to which it has data.
    pub data_through: Option<NaiveDate>,
    /// Whether a run is queued or under way.
    pub running: bool,
}

fn params<const N: usize>(pairs: [(&str, String); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What is wrong with a connection: at most one thing, the deepest. Data of a connection that cannot sign in are old for that reason.
pub fn judge(standing: &Standing, rules: &Rules) -> Option<Found> {
    let rule = |kind: AlertKind| rules.get(&kind).filter(|rule| rule.enabled);
    if standing.state == ConnectionState::Paused {
        return None;
    }
    if standing.state == ConnectionState::SignInNeeded {
        let code = standing.failure.as_ref().map_or_else(String::new, |failure| failure.code.to_string());
        return Some(found(rule(AlertKind::SignInNeeded)?, None, params([("code", code)])));
    }
    if let (Some(failure), Some(rule)) = (&standing.failure, rule(AlertKind::Failing))
        // Time heals some failures; those that it does not heal are told at once.
        && (failure.kind().needs_person() || standing.failures >= rule.number(Threshold::Failures))
    {
        let failures = standing.failures.max(1).to_string();
        return Some(found(rule, None, params([("failures", failures), ("code", failure.code.to_string())])));
    }
    is_stale(standing).then(|| {
        let promised = standing.promised.map(|day| day.to_string()).unwrap_or_default();
        let through = standing.data_through.map(|day| day.to_string()).unwrap_or_default();
        Some(found(rule(AlertKind::Stale)?, None, params([("data_through", through), ("expected", promised)])))
    })?
}

/// Whether the data are older than promised, and nobody is about to read them.
pub fn is_stale(standing: &Standing) -> bool {
    let behind =
        standing.promised.is_some_and(|promised| standing.data_through.is_none_or(|through| through < promised));
    behind && !standing.running && standing.state == ConnectionState::Active
}

/// Too many requests failed within some minutes. A platform that asks to wait has answered.
pub fn error_share(requests: &[Request], rule: &AlertRule) -> Option<Found> {
    let failed = |request: &Request| request.status.is_none_or(|status| status >= 400 && status != 429);
    let mut in_order: Vec<(DateTime<Utc>, bool)> =
        requests.iter().map(|request| (request.at, failed(request))).collect();
    in_order.sort_by_key(|(at, _)| *at);
    let (least, percent) = (rule.number(Threshold::Requests), rule.number(Threshold::Percent));
    let mut worst: Option<(u32, u32)> = None;
    let (mut first, mut bad) = (0, 0_u32);
    for (last, (at, is_bad)) in in_order.iter().enumerate() {
        bad += u32::from(*is_bad);
        while *at - in_order[first].0 > TimeDelta::minutes(SHARE_MINUTES) {
            bad -= u32::from(in_order[first].1);
            first += 1;
        }
        let count = u32::try_from(last + 1 - first).unwrap_or(u32::MAX);
        let share = bad.saturating_mul(100) / count;
        if count >= least && bad >= FEWEST_FAILED && share >= percent && worst.is_none_or(|(worst, _)| share > worst) {
            worst = Some((share, count));
        }
    }
    let (percent, requests) = worst.filter(|_| rule.enabled)?;
    Some(found(rule, None, params([("percent", percent.to_string()), ("requests", requests.to_string())])))
}

/// More rows than usual could not be understood. `runs` are the newest first; how many rows a run reads is taken into account, for once
/// a week it reads many days again.
pub fn quarantine_growing(runs: &[Run], rule: &AlertRule) -> Option<Found> {
    let good = |run: &&Run| matches!(run.state, RunState::Done | RunState::DoneWithRemarks);
    let mut good = runs.iter().filter(good);
    let latest = good.next()?.progress;
    let mut shares: Vec<f64> =
        good.take(QUARANTINE_RUNS).map(|run| share(run.progress.quarantined, run.progress.rows)).collect();
    shares.sort_unstable_by(f64::total_cmp);
    let usual = shares.get(shares.len() / 2).copied().unwrap_or_default() * (latest.rows + latest.quarantined) as f64;
    let grown = latest.quarantined as f64 > usual.max(1.0) * f64::from(rule.number(Threshold::Times));
    let enough = latest.quarantined >= u64::from(rule.number(Threshold::Rows));
    (rule.enabled && enough && grown).then(|| {
        found(rule, None, params([("rows", latest.quarantined.to_string()), ("usual", format!("{usual:.0}"))]))
    })
}

fn share(quarantined: u64, rows: u64) -> f64 {
    let all = quarantined + rows;
    if all == 0 { 0.0 } else { quarantined as f64 / all as f64 }
}
