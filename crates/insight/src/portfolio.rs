//! The nine o'clock screen: every client with its sums, its health and what needs a person. One pass over the portfolio, a handful of
//! queries whatever the number of clients.

use crate::{
    health::{self, Diagnosis},
    metric::{Metric, Sums, Verdict},
};
use chrono::{DateTime, NaiveDate, Utc};
use model::{
    connection::{Client, Connection},
    date::DateRange,
    id::{ClientId, ConnectionId, RunId},
    money::{Currency, Micros},
    run::{DayState, Health, RunTrigger},
};
use std::collections::HashMap;
use store::{Result, Scope, Store, StoredFailure, daily_rollups, runs::LatestRun, turns::Turn};

/// A connection with what is known of it.
#[derive(Debug, Clone)]
pub struct ConnectionView {
    /// The connection.
    pub connection: Connection,
    /// Its client's name.
    pub client_name: String,
    /// How well it is.
    pub diagnosis: Diagnosis,
    /// Last day up to which it is complete.
    pub data_through: Option<NaiveDate>,
    /// Its newest run, and when it last succeeded.
    pub latest: Option<LatestRun>,
    /// When it is collected next.
    pub turn: Turn,
}

/// A client with its sums.
#[derive(Debug, Clone)]
pub struct ClientView {
    /// The client.
    pub client: Client,
    /// Health of its worst connection.
    pub health: Health,
    /// Sums over the period in the client's currency.
    pub sums: Sums,
    /// Sums over the comparison period.
    pub before: Option<Sums>,
    /// Sums per day of the period.
    pub days: Vec<Sums>,
    /// Days at the end of the period that may still change.
    pub moving_days: u32,
    /// Last day up to which all its connections are complete.
    pub data_through: Option<NaiveDate>,
    /// When one of its connections last succeeded.
    pub synced_at: Option<DateTime<Utc>>,
    /// Its connections.
    pub connections: Vec<ConnectionView>,
}

/// One tile of the strip.
#[derive(Debug, Clone)]
pub struct Tile {
    /// Which metric.
    pub metric: Metric,
    /// Over the period.
    pub value: Option<Micros>,
    /// Over the comparison period.
    pub before: Option<Micros>,
    /// The change.
    pub change: Option<Micros>,
    /// Whether it is good.
    pub verdict: Verdict,
    /// Per day.
    pub series: Vec<Option<Micros>>,
    /// Per day of the comparison.
    pub before_series: Vec<Option<Micros>>,
}

/// Clients in a currency for which no exchange rate is known.
#[derive(Debug, Clone, Copy)]
pub struct OtherCurrency {
    /// The currency.
    pub currency: Currency,
    /// How many clients.
    pub clients: u32,
    /// Their spend.
    pub spend: Option<Micros>,
}

/// Something that needs a person.
#[derive(Debug, Clone)]
pub struct Need {
    /// The client.
    pub client_id: ClientId,
    /// Its name.
    pub client_name: String,
    /// The connection.
    pub connection: Connection,
    /// What happened.
    pub failure: StoredFailure,
    /// The run that failed.
    pub run_id: Option<RunId>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Last day with data.
    pub data_through: Option<NaiveDate>,
}

/// The whole screen.
#[derive(Debug, Clone)]
pub struct Portfolio {
    /// Clients, worst health first, then by spend.
    pub clients: Vec<ClientView>,
    /// The strip, in the workspace's currency.
    pub tiles: Vec<Tile>,
    /// Clients the strip leaves out.
    pub left_out: Vec<OtherCurrency>,
    /// What needs a person, oldest first.
    pub needs: Vec<Need>,
    /// The last day up to which every connection that may run is complete.
    pub complete_through: Option<NaiveDate>,
    /// Whether sums are lower bounds, because some connection failed before the period was complete.
    pub partial: bool,
}

/// Connections of a client or of everybody, with their health.
pub async fn connections(store: &Store, scope: Scope, now: DateTime<Utc>) -> Result<Vec<ConnectionView>> {
    let names: HashMap<ClientId, String> =
        store.clients().await?.into_iter().map(|client| (client.id, client.name)).collect();
    let mut latest: HashMap<ConnectionId, LatestRun> =
        store.latest_runs(scope).await?.into_iter().map(|run| (run.connection_id, run)).collect();
    let through: HashMap<ConnectionId, NaiveDate> =
        store.data_through(scope).await?.into_iter().map(|at| (at.connection_id, at.date)).collect();
    let mut turns: HashMap<ConnectionId, Turn> =
        store.turns(scope).await?.into_iter().map(|turn| (turn.connection_id, turn)).collect();
    let all = store.connections(scope).await?;
    Ok(all
        .into_iter()
        .map(|connection| {
            let latest = latest.remove(&connection.id);
            let data_through = through.get(&connection.id).copied();
            let today = model::date::today(now, &connection.time_zone);
            let run = latest.as_ref().map(|latest| &latest.run);
            let turn = turns.remove(&connection.id).unwrap_or(Turn::none(connection.id));
            ConnectionView {
                turn,
                diagnosis: health::of_connection(&connection, run, turn.failures, data_through, today),
                client_name: names.get(&connection.client_id).cloned().unwrap_or_default(),
                data_through,
                latest,
                connection,
            }
        })
        .collect())
}

/// Computes the screen. Sums of a client count rows in the client's currency; the strip counts clients in `currency`.
pub async fn portfolio(
    store: &Store,
    period: DateRange,
    compare: Option<DateRange>,
    currency: Currency,
    now: DateTime<Utc>,
) -> Result<Portfolio> {
    let mut views: HashMap<ClientId, Vec<ConnectionView>> = HashMap::new();
    for view in connections(store, Scope::Portfolio, now).await? {
        views.entry(view.connection.client_id).or_default().push(view);
    }
    let clients = store.clients().await?;
    let currencies: HashMap<ClientId, Currency> = clients.iter().map(|client| (client.id, client.currency)).collect();
    let mut days = by_day(store, period, &currencies).await?;
    let mut days_before = match compare {
        Some(compare) => by_day(store, compare, &currencies).await?,
        None => HashMap::new(),
    };
    let mut moving = moving_days(store, period).await?;

    let mut strip = vec![Sums::default(); period.len() as usize];
    let mut strip_before = vec![Sums::default(); compare.map_or(0, |compare| compare.len() as usize)];
    let mut others: HashMap<Currency, OtherCurrency> = HashMap::new();
    let mut rows = Vec::with_capacity(clients.len());
    for client in clients {
        let per_day = days.remove(&client.id).unwrap_or_else(|| vec![Sums::default(); period.len() as usize]);
        let before_per_day = days_before.remove(&client.id);
        let sums: Sums = per_day.iter().copied().sum();
        if client.currency == currency {
            add(&mut strip, &per_day);
            add(&mut strip_before, before_per_day.as_deref().unwrap_or_default());
        } else {
            let other = others.entry(client.currency).or_insert(OtherCurrency {
                currency: client.currency,
                clients: 0,
                spend: None,
            });
            other.clients += 1;
            other.spend = (Sums { spend: other.spend, ..Sums::default() } + sums).spend;
        }
        let connections = views.remove(&client.id).unwrap_or_default();
        rows.push(ClientView {
            health: health::of_client(connections.iter().map(|view| view.diagnosis.health)),
            before: compare.map(|_| before_per_day.unwrap_or_default().into_iter().sum()),
            moving_days: moving.remove(&client.id).unwrap_or(0),
            data_through: complete_through(&connections),
            synced_at: connections.iter().filter_map(|view| view.latest.as_ref()?.synced_at).max(),
            days: per_day,
            sums,
            connections,
            client,
        });
    }
    rows.sort_by(|one, other| {
        let spend = |row: &ClientView| std::cmp::Reverse(row.sums.spend);
        (one.health, spend(one), &one.client.name).cmp(&(other.health, spend(other), &other.client.name))
    });
    let all = || rows.iter().flat_map(|row| &row.connections);
    let complete = all().filter(|view| view.diagnosis.health != Health::Off && counts_for_completeness(view));
    let partial = all()
        .any(|view| view.diagnosis.failure.is_some() && view.data_through.is_none_or(|through| through < period.to()));
    let mut left_out: Vec<_> = others.into_values().collect();
    left_out.sort_by_key(|other| other.currency);
    Ok(Portfolio {
        tiles: tiles(&strip, compare.map(|_| strip_before.as_slice())),
        left_out,
        needs: needs(&rows),
        complete_through: complete.map(|view| view.data_through).min().flatten(),
        partial,
        clients: rows,
    })
}

/// The strip from sums per day.
fn tiles(days: &[Sums], before: Option<&[Sums]>) -> Vec<Tile> {
    let total: Sums = days.iter().copied().sum();
    let total_before: Option<Sums> = before.map(|days| days.iter().copied().sum());
    Metric::STRIP
        .into_iter()
        .map(|metric| {
            let value = metric.of(&total);
            let was = total_before.and_then(|sums| metric.of(&sums));
            let change = metric.change(value, was);
            Tile {
                metric,
                value,
                before: was,
                change,
                verdict: metric.verdict(change),
                series: days.iter().map(|day| metric.of(day)).collect(),
                before_series: before.unwrap_or_default().iter().map(|day| metric.of(day)).collect(),
            }
        })
        .collect()
}

fn needs(rows: &[ClientView]) -> Vec<Need> {
    let mut needs: Vec<Need> = rows
        .iter()
        .flat_map(|row| row.connections.iter().map(move |view| (row, view)))
        .filter(|(_, view)| view.diagnosis.health == Health::Act)
        .filter_map(|(row, view)| {
            let run = view.latest.as_ref().map(|latest| &latest.run);
            Some(Need {
                client_id: row.client.id,
                client_name: row.client.name.clone(),
                failure: view.diagnosis.failure.clone()?,
                run_id: run.map(|run| run.id),
                since: run.map_or(view.connection.created_at, |run| run.ended_at.unwrap_or(run.started_at)),
                data_through: view.data_through,
                connection: view.connection.clone(),
            })
        })
        .collect();
    needs.sort_by_key(|need| need.since);
    needs
}

/// Sums per client and day of a range. Rows in another currency than the client's cannot be added to it and are left out.
async fn by_day(
    store: &Store,
    range: DateRange,
    currencies: &HashMap<ClientId, Currency>,
) -> Result<HashMap<ClientId, Vec<Sums>>> {
    let mut days: HashMap<ClientId, Vec<Sums>> = HashMap::new();
    for day in store.client_days(Scope::Portfolio, range).await? {
        if currencies.get(&day.client_id) != Some(&day.currency) {
            continue;
        }
        let index = usize::try_from((day.date - range.from()).num_days()).unwrap_or(usize::MAX);
        let all = days.entry(day.client_id).or_insert_with(|| vec![Sums::default(); range.len() as usize]);
        if let Some(sums) = all.get_mut(index) {
            *sums = *sums + Sums::from(day.sums);
        }
    }
    Ok(days)
}

/// How many days at the end of the period may still change, by client.
async fn moving_days(store: &Store, period: DateRange) -> Result<HashMap<ClientId, u32>> {
    let owners: HashMap<ConnectionId, ClientId> = store
        .connections(Scope::Portfolio)
        .await?
        .into_iter()
        .map(|connection| (connection.id, connection.client_id))
        .collect();
    let mut moving: HashMap<ClientId, std::collections::BTreeSet<NaiveDate>> = HashMap::new();
    for cell in store.day_cells(Scope::Portfolio, period).await? {
        if cell.state == DayState::Moving
            && let Some(client) = owners.get(&cell.connection_id)
        {
            moving.entry(*client).or_default().insert(cell.date);
        }
    }
    Ok(moving.into_iter().map(|(client, days)| (client, u32::try_from(days.len()).unwrap_or(u32::MAX))).collect())
}

/// Whether the days of a connection say how complete its client is.
fn counts_for_completeness(view: &ConnectionView) -> bool {
    view.latest.as_ref().is_some_and(|latest| says_days(latest, view.data_through))
}

/// Whether a connection has days that were read, and not handed over in a file. One that was read well and has none keeps only records.
fn says_days(latest: &LatestRun, data_through: Option<NaiveDate>) -> bool {
    latest.run.trigger != RunTrigger::Import && (data_through.is_some() || latest.synced_at.is_none())
}

/// The last day up to which all connections are complete.
fn complete_through(connections: &[ConnectionView]) -> Option<NaiveDate> {
    let counted = connections.iter().filter(|view| counts_for_completeness(view));
    counted.map(|view| view.data_through).min().flatten()
}

fn add(to: &mut [Sums], from: &[Sums]) {
    for (one, other) in to.iter_mut().zip(from) {
        *one = *one + *other;
    }
}

impl From<daily_rollups::Sums> for Sums {
    fn from(sums: daily_rollups::Sums) -> Self {
        Self {
            impressions: sums.impressions,
            clicks: sums.clicks,
            spend: sums.cost,
            conversions: sums.conversions,
            revenue: sums.revenue,
            visits: sums.visits,
            page_views: sums.page_views,
            bounces: sums.bounces,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::tests::run;
    use model::run::RunState;

    #[test]
    fn only_connections_with_days_say_how_complete_a_client_is() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 19);
        let at = Some(DateTime::<Utc>::MIN_UTC);
        for (what, trigger, synced_at, through, says) in [
            ("read", RunTrigger::Schedule, at, day, true),
            ("failed for the first time", RunTrigger::First, None, None, true),
            ("failed since", RunTrigger::Schedule, at, day, true),
            ("a file", RunTrigger::Import, at, day, false),
            ("nothing but records", RunTrigger::Schedule, at, None, false),
        ] {
            let run = run(RunState::Done, None, trigger);
            let latest = LatestRun { connection_id: run.connection_id, run, synced_at };
            assert_eq!(says_days(&latest, through), says, "{what}");
        }
    }
}
