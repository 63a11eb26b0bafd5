//! The nine o'clock screen: every client with its sums, its health and what needs a person. One pass over the portfolio, a handful of
//! queries whatever the number of clients.

use crate::{
    health::{self, Diagnosis},
    metric::{Metric, Sums, Verdict},
    plans::{self, Standing},
};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use model::{
    connection::{Client, Connection},
    date::DateRange,
    id::{ClientId, ConnectionId, RunId},
    money::{Currency, Micros, VatState},
    run::{Health, RunTrigger},
    vat::VatRate,
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
    /// Sums per [`Points`] of the period.
    pub points: Vec<Sums>,
    /// Days at the end of the period that may still change.
    pub moving_days: u32,
    /// Last day up to which all its connections are complete.
    pub data_through: Option<NaiveDate>,
    /// When one of its connections last succeeded.
    pub synced_at: Option<DateTime<Utc>>,
    /// How its plan for the month of the period's last day stands, up to that day; `None`: it has none.
    pub standing: Option<Standing>,
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
    /// Per [`Points`] of the period.
    pub series: Vec<Option<Micros>>,
    /// The same of the comparison.
    pub before_series: Vec<Option<Micros>>,
}

/// Periods of more days than this are drawn by month: a line in a table has no room for more points, and a year of days of three hundred
/// connections takes longer to read than anybody should wait.
const MOST_DAYS: u32 = 184;

/// What the lines of a period have a point for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Points {
    /// Each of its days.
    Days,
    /// Each month that has a day in it.
    Months,
}

impl Points {
    /// Those of a period. A comparison has the same as what it is compared with.
    pub fn of(period: DateRange) -> Self {
        if period.len() > MOST_DAYS { Self::Months } else { Self::Days }
    }

    /// How many a period has.
    fn count(self, range: DateRange) -> usize {
        self.index(range, range.to()) + 1
    }

    /// Which of them a day of the period is in.
    fn index(self, range: DateRange, date: NaiveDate) -> usize {
        let index = match self {
            Self::Days => (date - range.from()).num_days(),
            Self::Months => month_number(date) - month_number(range.from()),
        };
        usize::try_from(index).unwrap_or(usize::MAX)
    }
}

fn month_number(date: NaiveDate) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month())
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
    let points = Points::of(period);
    let mut points_now = by_point(store, points, period, &currencies).await?;
    let mut points_before = match compare {
        Some(compare) => by_point(store, points, compare, &currencies).await?,
        None => HashMap::new(),
    };
    let mut moving: HashMap<ClientId, u32> = store.moving_days(Scope::Portfolio, period).await?.into_iter().collect();
    let mut standings = plans::standings(store, period.to(), &clients, &views, now).await?;

    let nothing = vec![Sums::default(); points.count(period)];
    let mut strip = nothing.clone();
    let mut strip_before = vec![Sums::default(); compare.map_or(0, |compare| points.count(compare))];
    let mut others: HashMap<Currency, OtherCurrency> = HashMap::new();
    let mut rows = Vec::with_capacity(clients.len());
    for client in clients {
        let line = points_now.remove(&client.id).unwrap_or_else(|| nothing.clone());
        let line_before = points_before.remove(&client.id);
        let sums: Sums = line.iter().copied().sum();
        if client.currency == currency {
            add(&mut strip, &line);
            add(&mut strip_before, line_before.as_deref().unwrap_or_default());
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
            before: compare.map(|_| line_before.unwrap_or_default().into_iter().sum()),
            moving_days: moving.remove(&client.id).unwrap_or(0),
            data_through: complete_through(&connections),
            synced_at: connections.iter().filter_map(|view| view.latest.as_ref()?.synced_at).max(),
            standing: standings.remove(&client.id),
            points: line,
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

/// The strip from sums per point.
fn tiles(points: &[Sums], before: Option<&[Sums]>) -> Vec<Tile> {
    let total: Sums = points.iter().copied().sum();
    let total_before: Option<Sums> = before.map(|points| points.iter().copied().sum());
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
                series: points.iter().map(|point| metric.of(point)).collect(),
                before_series: before.unwrap_or_default().iter().map(|point| metric.of(point)).collect(),
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

/// Sums per client and point of a range. Rows in another currency than the client's cannot be added to it and are left out.
async fn by_point(
    store: &Store,
    points: Points,
    range: DateRange,
    currencies: &HashMap<ClientId, Currency>,
) -> Result<HashMap<ClientId, Vec<Sums>>> {
    let rows = match points {
        Points::Days => store.client_days(Scope::Portfolio, range).await?,
        Points::Months => store.client_months(Scope::Portfolio, range).await?,
    };
    let mut lines: HashMap<ClientId, Vec<Sums>> = HashMap::new();
    for row in rows.into_iter().filter(|row| currencies.get(&row.client_id) == Some(&row.currency)) {
        let line = lines.entry(row.client_id).or_insert_with(|| vec![Sums::default(); points.count(range)]);
        if let Some(sums) = line.get_mut(points.index(range, row.date)) {
            *sums = *sums + Sums::counted(row.sums, row.currency, row.vat, row.date);
        }
    }
    Ok(lines)
}

/// Whether the days of a connection say how complete its client is.
pub(crate) fn counts_for_completeness(view: &ConnectionView) -> bool {
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
            ..Self::default()
        }
    }
}

impl Sums {
    /// Sums of rows of one currency and VAT state on days of one rate, of which `day` is one, with what their spend is with VAT and without.
    pub fn counted(sums: daily_rollups::Sums, currency: Currency, vat: VatState, day: NaiveDate) -> Self {
        Self::from(sums).taxed(vat, VatRate::of(currency, day))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
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

    #[test]
    fn a_long_period_has_a_point_for_each_of_its_months() {
        let range = |from: &str, to: &str| DateRange::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();
        let table = [
            (range("2026-11-19", "2026-11-19"), Points::Days, 1),
            (range("2026-10-21", "2026-11-19"), Points::Days, 30),
            (range("2026-01-01", "2026-07-03"), Points::Days, 184),
            (range("2026-01-01", "2026-07-04"), Points::Months, 7),
            (range("2025-11-20", "2026-11-19"), Points::Months, 13),
            (range("2023-11-20", "2026-11-19"), Points::Months, 37),
        ];
        for (period, points, count) in table {
            assert_eq!((Points::of(period), points.count(period)), (points, count), "{period:?}");
            let indexes: Vec<usize> = period.days().map(|date| points.index(period, date)).collect();
            assert!(
                indexes.is_sorted() && indexes.first() == Some(&0) && indexes.last() == Some(&(count - 1)),
                "{period:?}"
            );
        }
    }
}
