//! Sums of the screens always equal the rows, whatever was committed, replaced or deleted, in whatever order.

use crate::{Home, a_client, a_connection, a_run, connected, level_stream, noon, stat, write};
use chrono::{Days, NaiveDate};
use model::{
    ad::{CampaignStat, Level, Visits},
    connection::Connection,
    date::DateRange,
    id::ConnectionId,
    money::{Micros, VatState},
    run::RunState,
    settings::{InTotals, Settings},
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use store::{
    Scope,
    daily_rollups::Sums,
    slices::{NewSlice, Part},
};

/// Days that there can be rows of: from the middle of a month over two whole ones into a fourth.
const DAYS: u64 = 91;

fn on(day: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, 15).unwrap() + Days::new(day)
}

fn from_to(from: u64, length: u64) -> DateRange {
    DateRange::new(on(from), on((from + length).min(DAYS - 1))).unwrap()
}

/// What the store should hold, kept in the simplest way there is.
type Mirror = BTreeMap<(usize, Level, NaiveDate, String, String), CampaignStat>;

/// What happens to one of the connections.
#[derive(Debug, Clone)]
enum Step {
    /// A window is read: rows that were staged, and rows that came with the commit.
    Read { level: Level, part: Part, range: DateRange, staged: Vec<CampaignStat>, stats: Vec<CampaignStat> },
    /// It is removed with all its rows.
    Removed,
}

fn a_level() -> impl Strategy<Value = Level> {
    prop::sample::select(vec![Level::Campaign, Level::Ad])
}

/// A row somewhere in a window, or a little outside of it. Few objects and days, so that rows meet.
fn a_stat(level: Level, part: Part, range: DateRange) -> impl Strategy<Value = CampaignStat> {
    let metric = || prop_oneof![1 => Just(None), 1 => Just(Some(0)), 3 => (1..1_000_i64).prop_map(Some)];
    let breakdowns = match part {
        Part::All => vec!["", "device=1", "device=2", "goal=order", "action=call"],
        Part::Whole => vec![""],
        Part::Split(kind) if kind == "goal" => vec!["goal=order", "goal=call"],
        Part::Split(_) => vec!["device=1", "device=2"],
    };
    let currencies = prop::sample::select(vec!["RUB", "KZT"]);
    let vat = prop::sample::select(vec![VatState::Included, VatState::Unknown]);
    let place = (0..u64::from(range.len()) + 1, 0..4_u8, prop::sample::select(breakdowns));
    (place, metric(), metric(), metric(), metric(), metric(), (currencies, vat)).prop_map(
        move |((day, object, breakdown), impressions, clicks, cost, revenue, visits, (currency, vat))| CampaignStat {
            level,
            external_id: object.to_string(),
            date: range.from() + Days::new(day),
            breakdown: breakdown.to_owned(),
            impressions,
            clicks,
            cost: cost.map(Micros),
            currency: currency.parse().unwrap(),
            vat,
            conversions: clicks.map(Micros),
            revenue: revenue.map(Micros),
            visits: Visits { count: visits, users: clicks, page_views: revenue, bounces: cost },
        },
    )
}

fn a_step() -> impl Strategy<Value = Step> {
    let part = prop_oneof![
        2 => Just(Part::All),
        2 => Just(Part::Whole),
        1 => Just(Part::Split("device".to_owned())),
        1 => Just(Part::Split("goal".to_owned())),
    ];
    // Short windows that many rows share, and long ones over months.
    let range =
        prop_oneof![(20..30_u64, 0..4_u64), (0..DAYS, 0..50_u64)].prop_map(|(from, length)| from_to(from, length));
    let read = (a_level(), part, range).prop_flat_map(|(level, part, range)| {
        let rows = || prop::collection::vec(a_stat(level, part.clone(), range), 0..10);
        (Just((level, part.clone(), range)), rows(), rows())
    });
    let read = read.prop_map(|((level, part, range), staged, stats)| Step::Read { level, part, range, staged, stats });
    prop_oneof![12 => read, 1 => Just(Step::Removed)]
}

fn replaced(part: &Part, breakdown: &str) -> bool {
    match part {
        Part::All => true,
        Part::Whole => breakdown.is_empty(),
        Part::Split(kind) => breakdown.starts_with(&format!("{kind}=")),
    }
}

/// Of a row, unless it is a split whose object's day is there as a whole or whose values overlap.
fn is_total(mirror: &Mirror, (owner, level, date, object, split): &(usize, Level, NaiveDate, String, String)) -> bool {
    let whole = (*owner, *level, *date, object.clone(), String::new());
    let overlaps = split.starts_with("goal=") || split.starts_with("action=");
    split.is_empty() || (!overlaps && !mirror.contains_key(&whole))
}

fn plus(sum: &mut Option<i64>, value: Option<i64>) {
    if let Some(value) = value {
        *sum = Some(sum.unwrap_or(0) + value);
    }
}

fn add(sum: &mut Sums, stat: &CampaignStat) {
    let money = |sum: &mut Option<Micros>, value: Option<Micros>| {
        let mut micros = sum.map(|micros| micros.0);
        plus(&mut micros, value.map(|micros| micros.0));
        *sum = micros.map(Micros);
    };
    plus(&mut sum.impressions, stat.impressions);
    plus(&mut sum.clicks, stat.clicks);
    money(&mut sum.cost, stat.cost);
    money(&mut sum.conversions, stat.conversions);
    money(&mut sum.revenue, stat.revenue);
    plus(&mut sum.visits, stat.visits.count);
    plus(&mut sum.page_views, stat.visits.page_views);
    plus(&mut sum.bounces, stat.visits.bounces);
    sum.rows += 1;
}

/// A connection of the test: its place in the mirror, the level of its totals, whether it counts, and whether it is still there.
struct Owner {
    id: ConnectionId,
    totals: Level,
    counts: bool,
    removed: bool,
}

/// Sums by a key of the total rows of some connections in a range.
fn expected<K: Ord>(
    mirror: &Mirror,
    owners: &[Owner],
    range: DateRange,
    key: impl Fn(usize, &CampaignStat) -> Option<K>,
) -> BTreeMap<K, Sums> {
    let mut sums: BTreeMap<K, Sums> = BTreeMap::new();
    for (place, stat) in mirror {
        let (owner, level, date, ..) = place;
        if *level == owners[*owner].totals
            && range.contains(*date)
            && is_total(mirror, place)
            && let Some(key) = key(*owner, stat)
        {
            add(sums.entry(key).or_default(), stat);
        }
    }
    sums
}

fn apart(client: model::id::ClientId) -> Connection {
    let connection = a_connection(client, "counter");
    let settings = Settings { in_totals: InTotals::Apart, ..connection.settings };
    Connection { settings, ..connection }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn sums_equal_the_rows_after_any_commits(
        steps in prop::collection::vec((0..4_usize, a_step()), 1..12),
        asked in prop::collection::vec((0..DAYS, 0..DAYS), 3),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let home = Home::new().await;
            let store = &home.store;
            let client = a_client("acme");
            store.insert_client(&client).await.unwrap();
            let mut owners = Vec::new();
            for (account, totals) in [("one", Level::Campaign), ("two", Level::Ad)] {
                let connection = a_connection(client.id, account);
                store.insert_connection(&connection, totals).await.unwrap();
                owners.push(Owner { id: connection.id, totals, counts: true, removed: false });
            }
            let counter = apart(client.id);
            store.insert_connection(&counter, Level::Campaign).await.unwrap();
            owners.push(Owner { id: counter.id, totals: Level::Campaign, counts: false, removed: false });
            let (other, id) = connected(store, "other").await;
            owners.push(Owner { id, totals: Level::Campaign, counts: true, removed: false });

            let mut mirror = Mirror::new();
            for (number, step) in steps {
                let owner = &mut owners[number];
                match step {
                    _ if owner.removed => {}
                    Step::Removed => {
                        let gone = mirror.keys().filter(|key| key.0 == number).count() as u64;
                        assert_eq!(store.delete_connection(owner.id).await.unwrap(), gone);
                        owner.removed = true;
                        mirror.retain(|key, _| key.0 != number);
                    }
                    Step::Read { level, part, range, staged, stats } => {
                        mirror.retain(|key, _| {
                            key.0 != number || key.1 != level || !range.contains(key.2) || !replaced(&part, &key.4)
                        });
                        for stat in staged.iter().chain(&stats).filter(|stat| range.contains(stat.date)) {
                            let key = (number, level, stat.date, stat.external_id.clone(), stat.breakdown.clone());
                            mirror.insert(key, stat.clone());
                        }
                        let run = a_run(store, owner.id).await;
                        let slice = NewSlice { stream: level_stream(level).to_owned(), level, window: Some(range), part };
                        let seq = store.plan_slices(run, &[slice]).await.unwrap();
                        store.stage(run, seq, staged).await.unwrap();
                        store.commit_slice(crate::a_commit(run, seq, stats)).await.unwrap();
                        store.finish_run(run, RunState::Done, None, noon()).await.unwrap();
                    }
                }
            }

            assert_eq!(store.rollup_differences().await.unwrap(), 0);
            let kept = store.stat_counts(Scope::Portfolio).await.unwrap();
            assert_eq!(kept.iter().map(|(_, rows)| rows).sum::<u64>(), mirror.len() as u64);

            for (range, level) in [(from_to(0, DAYS), Level::Campaign), (from_to(20, 40), Level::Campaign), (from_to(0, DAYS), Level::Ad)] {
                let found: BTreeMap<_, _> = store.client_objects(client.id, level, range, 1_000).await.unwrap().into_iter()
                    .map(|one| ((one.connection_id, one.external_id, one.currency.to_string(), one.vat as u8), one.sums)).collect();
                let mut wanted: BTreeMap<_, Sums> = BTreeMap::new();
                for (place, stat) in &mirror {
                    if place.0 != 3 && place.1 == level && range.contains(place.2) && is_total(&mirror, place) {
                        let key = (owners[place.0].id, place.3.clone(), stat.currency.to_string(), stat.vat as u8);
                        add(wanted.entry(key).or_default(), stat);
                    }
                }
                assert_eq!(found, wanted, "by object, {range:?}");
            }

            let of = |number: usize| if number == 3 { other } else { client.id };
            let counted = |number: usize| owners[number].counts.then(|| of(number));
            let month = |date: NaiveDate| date.format("%Y-%m").to_string();
            for range in asked.into_iter().map(|(from, length)| from_to(from, length)).chain([from_to(0, DAYS)]) {
                let words = |stat: &CampaignStat| (stat.currency.to_string(), stat.vat as u8);
                for scope in [Scope::Portfolio, Scope::Client(client.id)] {
                    let asked = |number: usize| scope == Scope::Portfolio || number != 3;
                    let found: BTreeMap<_, _> = store.client_sums(scope, range).await.unwrap().into_iter()
                        .map(|one| ((one.client_id, (one.currency.to_string(), one.vat as u8)), one.sums)).collect();
                    let wanted = expected(&mirror, &owners, range, |number, stat| {
                        Some((counted(number).filter(|_| asked(number))?, words(stat)))
                    });
                    assert_eq!(found, wanted, "by client, {range:?}");

                    let found: BTreeMap<_, _> = store.client_days(scope, range).await.unwrap().into_iter()
                        .map(|one| ((one.client_id, one.date, (one.currency.to_string(), one.vat as u8)), one.sums)).collect();
                    let wanted = expected(&mirror, &owners, range, |number, stat| {
                        Some((counted(number).filter(|_| asked(number))?, stat.date, words(stat)))
                    });
                    assert_eq!(found, wanted, "by client and day, {range:?}");

                    let months = store.client_months(scope, range).await.unwrap();
                    assert!(months.iter().all(|one| range.contains(one.date)));
                    let rows = months.len();
                    let found: BTreeMap<_, _> = months.into_iter()
                        .map(|one| ((one.client_id, month(one.date), (one.currency.to_string(), one.vat as u8)), one.sums)).collect();
                    assert_eq!(found.len(), rows, "a month of a client comes once");
                    let wanted = expected(&mirror, &owners, range, |number, stat| {
                        Some((counted(number).filter(|_| asked(number))?, month(stat.date), words(stat)))
                    });
                    assert_eq!(found, wanted, "by client and month, {range:?}");

                    let found: BTreeMap<_, _> = store.connection_sums(scope, range).await.unwrap().into_iter()
                        .map(|one| ((one.connection_id, (one.currency.to_string(), one.vat as u8)), one.sums)).collect();
                    let wanted = expected(&mirror, &owners, range, |number, stat| {
                        asked(number).then(|| (owners[number].id, words(stat)))
                    });
                    assert_eq!(found, wanted, "by connection, {range:?}");
                }
            }
        });
    }
}

/// The doctor finds a month that is not what its days add up to.
#[tokio::test]
async fn a_month_that_differs_from_its_days_is_found() {
    use sqlx::Connection as _;
    let home = Home::new().await;
    let (_, connection) = connected(&home.store, "acme").await;
    write(&home.store, connection, Level::Campaign, from_to(0, 40), vec![stat("a", on(3), 30), stat("a", on(33), 70)])
        .await;
    assert_eq!(home.store.rollup_differences().await.unwrap(), 0);
    let mut raw = home.raw().await;
    let changed =
        sqlx::query("UPDATE monthly_rollups SET clicks = clicks + 1 WHERE clicks = 70").execute(&mut raw).await;
    assert_eq!(changed.unwrap().rows_affected(), 1);
    raw.close().await.unwrap();
    assert_eq!(home.store.rollup_differences().await.unwrap(), 2);
}
