//! What a run noticed about a platform's answers becomes alerts: open changes of form, and days whose sums are not the platform's.
//!
//! Everything is asked of the database anew, so that an alert says what holds now, whoever decided or repaired what in between.

use chrono::{DateTime, Utc};
use model::{
    alert::AlertKind,
    connection::Connection,
    date::DateRange,
    id::{ConnectionId, RunId},
    reconcile::{DayPair, Difference},
};
use std::collections::BTreeMap;
use store::{Result, Scope, Store, alerts::Found};

/// Days back in which differences are told.
const DAYS: u32 = 400;

fn found<const N: usize>(
    kind: AlertKind,
    stream: Option<String>,
    days: Option<DateRange>,
    params: [(&str, String); N],
) -> Found {
    let params = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Found { kind, stream, days, severity: kind.severity(), params }
}

/// Brings the alerts about changes of form in line with those that wait for a decision, one for each stream.
pub async fn review_forms(store: &Store, id: ConnectionId, run: Option<RunId>, now: DateTime<Utc>) -> Result<bool> {
    let mut changes: BTreeMap<String, u32> = BTreeMap::new();
    for drift in store.drifts(Scope::Portfolio, Some(id), false).await? {
        *changes.entry(drift.stream).or_default() += 1;
    }
    let found: Vec<Found> = changes
        .into_iter()
        .map(|(stream, changes)| {
            let params = [("stream", stream.clone()), ("changes", changes.to_string())];
            found(AlertKind::SchemaDrift, Some(stream), None, params)
        })
        .collect();
    Ok(store.review_alerts(id, &[AlertKind::SchemaDrift], &found, run, now).await?.is_change())
}

/// Brings the alerts about sums in line with the days that differ: days that follow each other are one alert with the worst of them.
pub(crate) async fn review_totals(
    store: &Store,
    connection: &Connection,
    run: RunId,
    now: DateTime<Utc>,
) -> Result<Vec<(DayPair, Difference)>> {
    let today = model::date::today(now, &connection.time_zone);
    let range = DateRange::ending(today, DAYS);
    let pairs = store.day_pairs(Scope::Client(connection.client_id), range).await?;
    let own = pairs.into_iter().filter(|day| day.connection_id == connection.id);
    let differing: Vec<(DayPair, Difference)> =
        own.filter_map(|day| Some((day.pair, day.pair.difference()?))).collect();
    let follows =
        |one: &(DayPair, Difference), next: &(DayPair, Difference)| one.0.date.succ_opt() == Some(next.0.date);
    let found: Vec<Found> = differing
        .chunk_by(follows)
        .filter_map(|days| {
            let range = DateRange::new(days.first()?.0.date, days.last()?.0.date).ok()?;
            let (pair, worst) = days.iter().max_by_key(|(_, it)| it.ours.abs_diff(it.theirs))?;
            let params = [
                ("date", pair.date.to_string()),
                ("metric", worst.metric.to_owned()),
                ("ours", worst.ours.to_string()),
                ("theirs", worst.theirs.to_string()),
                ("currency", connection.currency.to_string()),
            ];
            Some(found(AlertKind::TotalsDiffer, None, Some(range), params))
        })
        .collect();
    store.review_alerts(connection.id, &[AlertKind::TotalsDiffer], &found, Some(run), now).await?;
    Ok(differing)
}
