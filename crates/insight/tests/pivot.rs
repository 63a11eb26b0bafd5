//! The table of a client's statistics: each row of one level, and the parts of every row together the row.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{DateTime, Days, NaiveDate, Utc};
use insight::{
    metric::Sums,
    pivot::{Dimension, Kind, MOST_NODES, Material, Node, Pivot, layers, makes_sense, pieces, table},
};
use model::{
    ad::Level,
    connection::{Connection, ConnectionState},
    date::{DateRange, Grain},
    id::{ClientId, ConnectionId},
    money::{Currency, Micros, VatState},
    settings::{InTotals, Settings},
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};
use store::{
    ad_objects::Landing,
    daily_rollups,
    stat_cells::{Cell, CellObject, ConnectionCells, Layer, LayerAsked},
};

const FIRST: &str = "2026-10-20";

fn range(days: u32) -> DateRange {
    let from: NaiveDate = FIRST.parse().unwrap();
    DateRange::new(from, from + Days::new(u64::from(days) - 1)).unwrap()
}

fn connection(connector: &str, account: &str, in_totals: InTotals) -> Connection {
    Connection {
        id: ConnectionId::new(),
        client_id: ClientId::new(),
        connector: connector.to_owned(),
        account_external_id: account.to_owned(),
        account_name: format!("Cabinet {account}"),
        currency: Currency::RUB,
        time_zone: "Europe/Moscow".to_owned(),
        config: serde_json::Map::new(),
        state: ConnectionState::Active,
        first_load_days: 90,
        settings: Settings { in_totals, ..Settings::default() },
        follows: None,
        created_at: DateTime::<Utc>::MIN_UTC,
    }
}

/// A kept row: of an object on a day, whole or a split.
#[derive(Debug, Clone)]
struct Row {
    level: Level,
    object: i64,
    day: u32,
    breakdown: &'static str,
    spend: Option<i64>,
    conversions: Option<i64>,
}

/// What a platform's tree and rows are.
#[derive(Debug, Clone)]
struct Account {
    totals: Level,
    objects: HashMap<i64, CellObject>,
    rows: Vec<Row>,
}

impl Account {
    fn sum<'a>(rows: impl Iterator<Item = &'a Row>) -> daily_rollups::Sums {
        let mut sums = daily_rollups::Sums::default();
        for row in rows {
            sums.cost = row.spend.map_or(sums.cost, |more| Some(Micros(sums.cost.unwrap_or_default().0 + more)));
            sums.conversions = row
                .conversions
                .map_or(sums.conversions, |more| Some(Micros(sums.conversions.unwrap_or_default().0 + more)));
            sums.rows += 1;
        }
        sums
    }

    /// What the store answers, the long way round.
    fn cells(&self, id: ConnectionId, layers: &[LayerAsked], pieces: &[DateRange]) -> ConnectionCells {
        let layer = |asked: &LayerAsked| {
            let of_kind = |row: &Row| match &asked.kind {
                None => row.breakdown.is_empty(),
                Some(kind) => row.breakdown.split_once('=').is_some_and(|(of, _)| of == kind),
            };
            let mut levels: Vec<Level> = self.rows.iter().filter(|row| of_kind(row)).map(|row| row.level).collect();
            levels.sort_unstable();
            let level = match asked.level {
                None if levels.contains(&self.totals) || asked.kind.is_none() => self.totals,
                None => *levels.first()?,
                Some(wanted) => levels.into_iter().find(|level| *level >= wanted)?,
            };
            let mut cells: BTreeMap<(usize, Option<i64>, &str), Vec<&Row>> = BTreeMap::new();
            for row in self.rows.iter().filter(|row| row.level == level && of_kind(row)) {
                let date = range(60).from() + Days::new(u64::from(row.day));
                let piece = pieces.iter().position(|piece| piece.contains(date))?;
                cells.entry((piece, asked.level.map(|_| row.object), row.breakdown)).or_default().push(row);
            }
            let cell = |((piece, object, breakdown), rows): ((usize, Option<i64>, &str), Vec<&Row>)| {
                let last = rows.iter().map(|row| row.day).max().unwrap();
                let last = range(60).from() + Days::new(u64::from(last));
                Cell {
                    piece,
                    object,
                    breakdown: breakdown.to_owned(),
                    vat: VatState::Included,
                    last,
                    sums: Self::sum(rows.into_iter()),
                }
            };
            Some(Layer { level, cells: Arc::new(cells.into_iter().map(cell).collect()) })
        };
        ConnectionCells {
            connection_id: id,
            moving_from: None,
            layers: layers.iter().map(layer).collect(),
            objects: self.objects.clone(),
        }
    }
}

fn object(level: Level, id: &str, parent: Option<i64>) -> CellObject {
    CellObject { level, external_id: id.to_owned(), name: None, landing: Landing::default(), parent }
}

fn row(level: Level, object: i64, day: u32, spend: i64) -> Row {
    Row { level, object, day, breakdown: "", spend: Some(spend), conversions: None }
}

fn made(accounts: &[(Connection, Account)], dimensions: &[Dimension], days: u32, most: usize) -> Pivot {
    let (pieces, layers) = (pieces(range(days), Currency::RUB, dimensions), layers(dimensions));
    let connections: Vec<_> = accounts.iter().map(|(connection, _)| connection.clone()).collect();
    let read: Vec<_> = accounts.iter().map(|(of, account)| account.cells(of.id, &layers, &pieces)).collect();
    let material = Material {
        connections: &connections,
        read: &read,
        layers: &layers,
        pieces: &pieces,
        range: range(days),
        currency: Currency::RUB,
    };
    table(&material, dimensions, most)
}

fn drawn(pivot: &Pivot) -> Vec<String> {
    let name = |node: &Node| match node.kind {
        Kind::NotSplit => "not split".to_owned(),
        Kind::Apart => "apart".to_owned(),
        _ => node.label.clone(),
    };
    let sum = |sum: Option<Micros>| sum.map_or("?".to_owned(), |sum| sum.0.to_string());
    let line = |node: &Node| {
        let mark = if node.kind == Kind::Breakdown { "of which " } else { "" };
        format!(
            "{}{mark}{} {} {}",
            "  ".repeat(node.depth),
            name(node),
            sum(node.sums.spend),
            sum(node.sums.conversions)
        )
    };
    pivot.nodes.iter().map(line).collect()
}

const BY_CAMPAIGN: Dimension = Dimension::Object(Level::Campaign);
const BY_GROUP: Dimension = Dimension::Object(Level::AdGroup);
const BY_AD: Dimension = Dimension::Object(Level::Ad);
const BY_MONTH: Dimension = Dimension::Time(Grain::Month);

fn by_goal() -> Dimension {
    Dimension::Breakdown("goal".to_owned())
}

/// An account of 100 whose campaigns explain 90 and whose ads explain 50 of the 60 of the first, beside one that has ads alone.
fn two() -> Vec<(Connection, Account)> {
    let campaigns = [(1, object(Level::Campaign, "c1", None)), (2, object(Level::Campaign, "c2", None))];
    let ads = [(3, object(Level::Ad, "a1", Some(1))), (4, object(Level::Ad, "a2", Some(1)))];
    let stray = (5, object(Level::Ad, "a3", None));
    let whole = Account {
        totals: Level::Account,
        objects: campaigns.into_iter().chain(ads).chain([stray.clone()]).collect(),
        rows: vec![
            row(Level::Account, 0, 0, 70),
            row(Level::Account, 0, 20, 30),
            row(Level::Campaign, 1, 0, 40),
            row(Level::Campaign, 1, 20, 20),
            row(Level::Campaign, 2, 1, 30),
            Row { breakdown: "goal=1", spend: None, conversions: Some(7), ..row(Level::Campaign, 1, 0, 0) },
            Row { breakdown: "goal=2", spend: None, conversions: Some(5), ..row(Level::Campaign, 1, 0, 0) },
            row(Level::Ad, 3, 0, 35),
            row(Level::Ad, 4, 20, 15),
            row(Level::Ad, 5, 20, 8),
        ],
    };
    let loose = Account { totals: Level::Ad, objects: HashMap::from([stray]), rows: vec![row(Level::Ad, 5, 3, 11)] };
    vec![
        (connection("vk_ads", "one", InTotals::Counts), whole),
        (connection("my_target", "two", InTotals::Counts), loose),
    ]
}

#[test]
fn a_node_takes_its_sums_from_one_level_and_says_what_is_not_split() {
    let accounts = two();
    for (dimensions, expected) in [
        (vec![Dimension::Channel], vec!["vk_ads 100 ?", "my_target 11 ?"]),
        (
            vec![Dimension::Account, BY_CAMPAIGN, BY_AD],
            vec![
                "Cabinet one 100 ?",
                "  c1 60 ?",
                "    a1 35 ?",
                "    a2 15 ?",
                "    not split 10 ?",
                "  c2 30 ?",
                "  not split 10 ?",
                "Cabinet two 11 ?",
                "  not split 11 ?",
                "    a3 11 ?",
            ],
        ),
        (
            vec![BY_MONTH, BY_CAMPAIGN],
            vec![
                "2026-10-01 81 ?",
                "  c1 40 ?",
                "  c2 30 ?",
                "  not split 11 ?",
                "2026-11-01 30 ?",
                "  c1 20 ?",
                "  not split 10 ?",
            ],
        ),
        (
            vec![BY_CAMPAIGN, by_goal()],
            vec!["c1 60 ?", "  of which 1 ? 7", "  of which 2 ? 5", "c2 30 ?", "not split 21 ?"],
        ),
        (vec![by_goal(), BY_CAMPAIGN], vec!["of which 1 ? 7", "  c1 ? 7", "of which 2 ? 5", "  c1 ? 5"]),
        (vec![BY_AD], vec!["a1 35 ?", "a2 15 ?", "a3 11 ?", "a3 8 ?", "not split 42 ?"]),
    ] {
        assert_eq!(drawn(&made(&accounts, &dimensions, 60, MOST_NODES)), expected, "{dimensions:?}");
    }
    let pivot = made(&accounts, &[BY_AD], 60, MOST_NODES);
    assert_eq!((pivot.total.spend, pivot.nodes[0].above.as_slice()), (Some(Micros(111)), &["c1".to_owned()][..]));
}

#[test]
fn what_does_not_count_stands_by_itself_account_by_account() {
    let mut accounts = two();
    accounts[0].0.settings.in_totals = InTotals::Apart;
    let pivot = made(&accounts, &[Dimension::Channel, BY_CAMPAIGN], 60, MOST_NODES);
    assert_eq!(pivot.total.spend, Some(Micros(11)));
    let expected = [
        "my_target 11 ?",
        "  not split 11 ?",
        "apart ? ?",
        "  Cabinet one 100 ?",
        "    c1 60 ?",
        "    c2 30 ?",
        "    not split 10 ?",
    ];
    assert_eq!(drawn(&pivot), expected);
}

#[test]
fn a_table_that_is_too_long_loses_its_deepest_dimension_and_a_list_its_smallest_rows() {
    let accounts = two();
    let pivot = made(&accounts, &[Dimension::Account, BY_CAMPAIGN, BY_AD], 60, 7);
    assert_eq!((pivot.dimensions.len(), pivot.nodes.len()), (2, 6));
    let list = made(&accounts, &[BY_AD], 60, 3);
    assert_eq!(drawn(&list), ["a1 35 ?", "a2 15 ?", "not split 61 ?"]);
}

#[test]
fn dimensions_that_make_no_table_are_refused() {
    for (dimensions, sense) in [
        (vec![], false),
        (vec![Dimension::Channel; 2], false),
        (vec![Dimension::Channel, Dimension::Account, BY_CAMPAIGN, BY_GROUP], true),
        (vec![Dimension::Channel, Dimension::Account, BY_CAMPAIGN, BY_GROUP, BY_AD], false),
        (vec![by_goal(), BY_MONTH], true),
        (vec![by_goal(), Dimension::Breakdown("device".to_owned())], false),
        (vec![Dimension::Breakdown("goal=1".to_owned())], false),
        (vec![Dimension::Object(Level::Account)], false),
    ] {
        assert_eq!(makes_sense(&dimensions), sense, "{dimensions:?}");
    }
}

fn account() -> impl Strategy<Value = Account> {
    let level = |number: usize| [Level::Account, Level::Campaign, Level::AdGroup, Level::Ad][number];
    // Six objects a level, each of which may know what stands above it, one level up or two.
    let parents = prop::collection::vec(prop::option::weighted(0.8, (0i64..6, any::<bool>())), 24);
    let known = || prop::option::weighted(0.85, -5i64..50);
    let rows = prop::collection::vec((0usize..4, 0i64..6, 0u32..60, 0usize..8, known(), known()), 0..120);
    let levels = prop::collection::vec(any::<bool>(), 4);
    (parents, rows, levels, 0usize..4).prop_map(move |(parents, rows, there, totals)| {
        let mut objects = HashMap::new();
        for (at, parent) in parents.into_iter().enumerate() {
            let depth = at / 6;
            let parent = parent.filter(|_| depth > 1).map(|(of, skips)| {
                let up = if skips && depth > 2 { 2 } else { 1 };
                i64::try_from(depth - up).unwrap() * 6 + of
            });
            objects.insert(i64::try_from(at).unwrap(), object(level(depth), &format!("{at}"), parent));
        }
        let row = |(depth, of, day, split, spend, conversions): (usize, i64, u32, usize, _, _)| Row {
            level: level(depth),
            object: i64::try_from(depth).unwrap() * 6 + of,
            day,
            breakdown: ["", "", "", "", "", "", "goal=1", "goal=2"][split],
            spend,
            conversions,
        };
        Account { totals: level(totals), objects, rows: rows.into_iter().filter(|it| there[it.0]).map(row).collect() }
    })
}

fn every_dimension() -> Vec<Dimension> {
    let times = [Grain::Day, Grain::Week, Grain::Month].map(Dimension::Time);
    [Dimension::Channel, Dimension::Account, BY_CAMPAIGN, BY_GROUP, BY_AD, by_goal()].into_iter().chain(times).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// The sums over any partition equal the total.
    #[test]
    fn the_parts_of_every_node_are_together_the_node(
        accounts in prop::collection::vec((account(), 0usize..2, any::<bool>()), 1..4),
        order in Just(every_dimension()).prop_shuffle(),
        length in 1usize..=4,
    ) {
        let accounts: Vec<_> = accounts
            .into_iter()
            .enumerate()
            .map(|(at, (account, system, apart))| {
                let in_totals = if apart { InTotals::Apart } else { InTotals::Counts };
                (connection(["vk_ads", "my_target"][system], &at.to_string(), in_totals), account)
            })
            .collect();
        let dimensions = &order[..length];
        prop_assume!(makes_sense(dimensions));
        let pivot = made(&accounts, dimensions, 60, MOST_NODES);

        // The total is that of the totals levels, and of nothing else.
        let whole: Sums = accounts
            .iter()
            .filter(|(of, _)| of.settings.in_totals == InTotals::Counts)
            .map(|(_, of)| {
                let rows = of.rows.iter().filter(|row| row.level == of.totals && row.breakdown.is_empty());
                Sums::from(Account::sum(rows))
            })
            .sum();
        // All of it contains VAT; what it is without is rounded by cell.
        prop_assert_eq!(pivot.total.with_vat.known(), pivot.total.spend);
        prop_assert_eq!(Sums { with_vat: whole.with_vat, without_vat: whole.without_vat, ..pivot.total }, whole);

        for (at, node) in pivot.nodes.iter().enumerate() {
            prop_assert!(node.parent.is_none_or(|parent| parent < at && pivot.nodes[parent].depth + 1 == node.depth));
            prop_assert_eq!(node.parent.is_none(), node.depth == 0);
        }
        let parts_of = |parent: Option<usize>| -> Vec<&Node> {
            pivot.nodes.iter().filter(|it| it.parent == parent && it.kind != Kind::Apart).collect()
        };
        let places = std::iter::once((None, pivot.total)).chain(
            pivot.nodes.iter().enumerate().filter(|(_, it)| it.kind != Kind::Apart).map(|(at, it)| (Some(at), it.sums)),
        );
        for (at, sums) in places {
            let parts = parts_of(at);
            let keys: HashSet<_> = parts.iter().map(|part| &part.key).collect();
            prop_assert_eq!(keys.len(), parts.len(), "two siblings with one key");
            if parts.is_empty() || parts.iter().any(|part| part.kind == Kind::Breakdown) {
                continue;
            }
            let told: Sums = parts.iter().map(|part| part.sums).sum();
            for (node, parts) in [(sums.spend, told.spend), (sums.conversions, told.conversions)] {
                if let Some(node) = node {
                    prop_assert_eq!(parts.unwrap_or_default(), node);
                }
            }
        }
    }
}
