//! Alerts: what a person should know without looking. The rules are pure ([`days`], [`answers`], [`standing`]); here their facts are
//! gathered and what they found is kept.
//!
//! A connection is looked at after each of its runs, because runs bring new facts. What comes to light because time passes (nothing was
//! read) is looked at every few minutes for all connections, and at nine in the morning of each client its digest is made.

pub mod answers;
pub mod days;
pub mod standing;
#[cfg(test)]
mod tests;

use crate::{engine::Wiring, schedule};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use kit::source::StreamKind;
use model::{
    alert::{Alert, AlertKind, AlertRule, AlertState, Threshold},
    connection::Connection,
    date::{self, DateRange},
    failure::Failure,
    id::{ClientId, ConnectionId},
    reconcile::DayPair,
};
use standing::Standing;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};
use store::{
    Scope, Store, StoreError, StoredFailure,
    alert_facts::LastEnd,
    alerts::Found,
    runs::{RunEnd, RunQuery},
    turns::Turn,
};

/// The rules in force.
pub type Rules = BTreeMap<AlertKind, AlertRule>;

/// What this room finds by itself; the rules that a person can change.
pub const KINDS: &[AlertKind] = &[
    AlertKind::SignInNeeded,
    AlertKind::Failing,
    AlertKind::Stale,
    AlertKind::EmptyDay,
    AlertKind::UnusualVolume,
    AlertKind::RepeatedDay,
    AlertKind::ShrunkDay,
    AlertKind::SpendWithoutConversions,
    AlertKind::QuarantineGrowing,
    AlertKind::ErrorShare,
    AlertKind::SchemaDrift,
    AlertKind::TotalsDiffer,
];
/// What is looked at because time passes.
const STANDING: &[AlertKind] = &[AlertKind::SignInNeeded, AlertKind::Failing, AlertKind::Stale];

/// Between two looks at all connections.
const EVERY: TimeDelta = TimeDelta::minutes(5);
/// A longer pause between two looks was a sleep: what it missed is being caught up, and nobody is to blame yet.
const SLEEP: TimeDelta = TimeDelta::minutes(5);
/// How long after waking the digest waits for what the sleep missed.
const CATCHING_UP: TimeDelta = TimeDelta::minutes(10);
/// When the digest of the day is made, in the client's zone.
const DIGEST_HOUR: u32 = 9;
/// Runs among which good ones are looked for.
const RUNS: u32 = 30;

/// What a rule found.
fn found(rule: &AlertRule, days: Option<DateRange>, params: BTreeMap<String, String>) -> Found {
    Found { kind: rule.kind, stream: None, days, severity: rule.severity, params }
}

/// Looks at a connection after a run, or after a rule was changed. Answers whether any alert is different now.
pub async fn review(store: &Store, wiring: &dyn Wiring, id: ConnectionId, now: DateTime<Utc>) -> Result<bool, Failure> {
    let rules = store.alert_rules().await?;
    let connection = store.connection(id).await?;
    let client = store.client(connection.client_id).await?;
    let scope = Scope::Client(client.id);
    let end = store.last_ends(scope).await?.into_iter().find(|end| end.connection_id == id);
    let through = store.data_through(scope).await?.into_iter().find(|through| through.connection_id == id);
    let turn = store.turn(id).await?;
    let watched = store.folder_failures(scope).await?;
    // That a start was missed is for the clock to say: it knows how long this computer has been awake.
    let promised = promised(wiring, &connection, &client.time_zone, &rules, now);
    let failure = trouble(&watched, id, end.as_ref());
    let standing = stands(&connection, end.as_ref(), failure, &turn, promised, through.map(|through| through.date));
    let mut judged: Vec<AlertKind> = KINDS.to_vec();
    let mut all: Vec<Found> = standing::judge(&standing, &rules).into_iter().collect();
    if standing::is_stale(&standing) {
        judged.retain(|kind| *kind != AlertKind::Stale);
        all.retain(|found| found.kind != AlertKind::Stale);
    }

    let living: Vec<Alert> = store
        .alerts(scope, now)
        .await?
        .into_iter()
        .filter(|alert| alert.subject.connection_id == id && alert.state != AlertState::Settled)
        .collect();
    let today = date::today(now, &connection.time_zone);
    let read = store.read_days(id, DateRange::ending(today, days::MEMORY_DAYS).from()).await?;
    let mut shifts = BTreeMap::new();
    let facts = days::Facts {
        days: &read,
        time_zone: &connection.time_zone,
        currency: connection.currency,
        living: &living,
        shifts: &BTreeMap::new(),
    };
    for (level, date) in days::suspects(&facts, &rules) {
        shifts.insert((level, date), store.shift(id, level, date, days::SHIFT_DAYS).await?);
    }
    let troubled = days::judge(&days::Facts { shifts: &shifts, ..facts }, &rules);

    all.extend(answers::changed(&store.drifts(scope, Some(id), false).await?, &rules));
    let mut pairs = pairs(store, &connection, now).await?;
    // One trouble is one alert: a day that is told for what it lacks is collected again by that alert's button.
    pairs.retain(|pair| !troubled.iter().any(|found| days::of(found).is_some_and(|days| days.contains(pair.date))));
    all.extend(answers::differing(&pairs, &living, connection.currency, &rules));
    all.extend(troubled);

    let query = RunQuery { scope, connection_id: Some(id), end: RunEnd::All, before: None, limit: RUNS };
    let runs = store.runs(query).await?;
    all.extend(rules.get(&AlertKind::QuarantineGrowing).and_then(|rule| standing::quarantine_growing(&runs, rule)));
    if let (Some(end), Some(rule)) = (&end, rules.get(&AlertKind::ErrorShare)) {
        all.extend(standing::error_share(&store.requests(end.run_id).await?, rule));
    }
    Ok(store.review_alerts(id, &judged, &all, end.map(|end| end.run_id), now).await?.is_change())
}

/// Looks at what waits for a decision about a connection's answers, after somebody decided. Answers whether any alert is different now.
pub async fn review_forms(store: &Store, id: ConnectionId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let rules = store.alert_rules().await?;
    let found = answers::changed(&store.drifts(Scope::Portfolio, Some(id), false).await?, &rules);
    Ok(store.review_alerts(id, &[AlertKind::SchemaDrift], &found, None, now).await?.is_change())
}

/// The days of a connection beside the platform's own sums of them.
pub(crate) async fn pairs(
    store: &Store,
    connection: &Connection,
    now: DateTime<Utc>,
) -> Result<Vec<DayPair>, StoreError> {
    let days = DateRange::ending(date::today(now, &connection.time_zone), answers::DAYS);
    let all = store.day_pairs(Scope::Client(connection.client_id), days).await?;
    Ok(all.into_iter().filter(|day| day.connection_id == connection.id).map(|day| day.pair).collect())
}

/// What is wrong with a connection now. Of a folder that is all that lies in it: a good file beside a bad one does not mend it, and a bad
/// one that is gone needs no good one.
fn trouble(
    watched: &HashMap<ConnectionId, Option<StoredFailure>>,
    id: ConnectionId,
    end: Option<&LastEnd>,
) -> Option<StoredFailure> {
    watched.get(&id).map_or_else(|| end.and_then(|end| end.failure.clone()), Clone::clone)
}

fn stands(
    connection: &Connection,
    end: Option<&LastEnd>,
    failure: Option<StoredFailure>,
    turn: &Turn,
    promised: Option<NaiveDate>,
    data_through: Option<NaiveDate>,
) -> Standing {
    Standing {
        state: connection.state,
        failure,
        failures: turn.failures,
        promised,
        data_through,
        running: end.is_some_and(|end| end.running),
    }
}

/// The day up to which a connection would have data if it had kept every start until `now` less the patience of the rule.
fn promised(
    wiring: &dyn Wiring,
    connection: &Connection,
    zone: &str,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Option<NaiveDate> {
    let source = wiring.source(&connection.connector)?;
    let streams = &source.descriptor().streams;
    if !streams.iter().any(|stream| matches!(stream.kind, StreamKind::Statistics { .. })) {
        return None;
    }
    let patience = TimeDelta::hours(i64::from(rules.get(&AlertKind::Stale)?.number(Threshold::Hours)));
    let start = schedule::last(&connection.settings.schedule, zone, connection.id, now - patience)?;
    // What was not connected yet was not promised.
    if start <= connection.created_at {
        return None;
    }
    date::today(start, &connection.time_zone).pred_opt()
}

/// When what was looked at.
#[derive(Debug, Default)]
struct Pace {
    last_look: Option<DateTime<Utc>>,
    awake_since: Option<DateTime<Utc>>,
    reviewed_at: Option<DateTime<Utc>>,
    /// The last day of each client for which the hour of the digest has come.
    digested: HashMap<ClientId, NaiveDate>,
}

/// Looks at what time brings to light, for one open workspace.
pub(crate) struct Watch {
    store: Store,
    wiring: Arc<dyn Wiring>,
    pace: Mutex<Pace>,
}

impl Watch {
    pub(crate) fn new(store: Store, wiring: Arc<dyn Wiring>) -> Self {
        Self { store, wiring, pace: Mutex::default() }
    }

    /// Looks at all connections when it is time to, and makes the digests whose hour has come. Answers whether any alert is different.
    pub(crate) async fn look(&self, now: DateTime<Utc>) -> Result<bool, Failure> {
        let (awake_since, due) = {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            // A clock that was set back counts as a sleep, too.
            let slept = pace.last_look.is_none_or(|last| now - last > SLEEP || now < last);
            if slept {
                pace.awake_since = Some(now);
            }
            pace.last_look = Some(now);
            let due = slept || pace.reviewed_at.is_none_or(|at| now - at >= EVERY);
            if due {
                pace.reviewed_at = Some(now);
            }
            (pace.awake_since.unwrap_or(now), due)
        };
        let changed = if due { self.review_all(awake_since, now).await? } else { false };
        if now - awake_since >= CATCHING_UP {
            self.digest(now).await?;
        }
        Ok(changed)
    }

    async fn review_all(&self, awake_since: DateTime<Utc>, now: DateTime<Utc>) -> Result<bool, Failure> {
        let rules = self.store.alert_rules().await?;
        let zones: HashMap<ClientId, String> =
            self.store.clients().await?.into_iter().map(|client| (client.id, client.time_zone)).collect();
        let ends: HashMap<ConnectionId, LastEnd> =
            self.store.last_ends(Scope::Portfolio).await?.into_iter().map(|end| (end.connection_id, end)).collect();
        let turns: HashMap<ConnectionId, Turn> =
            self.store.turns(Scope::Portfolio).await?.into_iter().map(|turn| (turn.connection_id, turn)).collect();
        let through: HashMap<ConnectionId, NaiveDate> = self
            .store
            .data_through(Scope::Portfolio)
            .await?
            .into_iter()
            .map(|through| (through.connection_id, through.date))
            .collect();
        let alive: HashSet<ConnectionId> = self
            .store
            .alerts(Scope::Portfolio, now)
            .await?
            .into_iter()
            .filter(|alert| STANDING.contains(&alert.subject.kind))
            .map(|alert| alert.subject.connection_id)
            .collect();
        let watched = self.store.folder_failures(Scope::Portfolio).await?;
        let patience = rules.get(&AlertKind::Stale).map_or(0, |rule| i64::from(rule.number(Threshold::Hours)));
        let was_awake = now - awake_since >= TimeDelta::hours(patience);
        let mut changed = false;
        for connection in self.store.connections(Scope::Portfolio).await? {
            let id = connection.id;
            let Some(turn) = turns.get(&id) else { continue };
            let zone = zones.get(&connection.client_id).map_or("UTC", String::as_str);
            let promised = promised(&*self.wiring, &connection, zone, &rules, now);
            let failure = trouble(&watched, id, ends.get(&id));
            let standing = stands(&connection, ends.get(&id), failure, turn, promised, through.get(&id).copied());
            let mut judged = STANDING.to_vec();
            let mut found: Vec<Found> = standing::judge(&standing, &rules).into_iter().collect();
            // What a sleeping computer missed is being caught up; an alert that stands meanwhile stays.
            if !was_awake && standing::is_stale(&standing) {
                judged.retain(|kind| *kind != AlertKind::Stale);
                found.retain(|found| found.kind != AlertKind::Stale);
            }
            if found.is_empty() && !alive.contains(&id) {
                continue;
            }
            let run = ends.get(&id).map(|end| end.run_id);
            changed |= self.store.review_alerts(id, &judged, &found, run, now).await?.is_change();
        }
        Ok(changed)
    }

    /// Makes the digest of each client whose hour has come today, once; what was slept through is made up for once.
    async fn digest(&self, now: DateTime<Utc>) -> Result<(), Failure> {
        let hour = NaiveTime::from_hms_opt(DIGEST_HOUR, 0, 0).unwrap_or_default();
        for client in self.store.clients().await? {
            let zone: chrono_tz::Tz = client.time_zone.parse().unwrap_or(chrono_tz::UTC);
            let local = now.with_timezone(&zone);
            let today = local.date_naive();
            let known = |pace: &Pace| pace.digested.get(&client.id) == Some(&today);
            if local.time() < hour || known(&self.pace.lock().unwrap_or_else(PoisonError::into_inner)) {
                continue;
            }
            self.store.make_digest(client.id, today, now).await?;
            self.pace.lock().unwrap_or_else(PoisonError::into_inner).digested.insert(client.id, today);
        }
        Ok(())
    }
}
