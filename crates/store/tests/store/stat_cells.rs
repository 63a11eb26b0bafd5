//! Cells are sums of one level of each connection, whatever else is kept of the same money.

use crate::{Home, a_commit, a_run, a_slice, connected, day, days, object, stat, write};
use model::{
    ad::{CampaignStat, Level},
    date::{DateRange, Grain},
    id::ClientId,
    money::{Currency, Micros},
};
use std::collections::BTreeMap;
use store::{
    Store,
    stat_cells::{Cell, CellsAsked, ConnectionCells, LayerAsked},
};

fn layer(level: Option<Level>, kind: Option<&str>) -> LayerAsked {
    LayerAsked { level, kind: kind.map(str::to_owned) }
}

async fn cells(store: &Store, client: ClientId, range: DateRange, layers: Vec<LayerAsked>) -> Vec<ConnectionCells> {
    let asked = CellsAsked { client, currency: Currency::RUB, range, pieces: range.pieces(Grain::Week), layers };
    store.stat_cells(&asked).await.unwrap()
}

/// Piece, object, split, last day, spend and rows of the cells of a layer.
fn said(connection: &ConnectionCells, layer: usize) -> Vec<String> {
    let Some(layer) = &connection.layers[layer] else { return vec!["nothing".to_owned()] };
    let name = |cell: &Cell| cell.object.map_or("all", |num| connection.objects[&num].external_id.as_str());
    let line = |cell: &Cell| {
        let spend = cell.sums.cost.map_or("?".to_owned(), |it| it.to_string());
        let (last, rows) = (cell.last.format("%d"), cell.sums.rows);
        format!("{} {} {}{} to {last}: {spend} of {rows}", layer.level, cell.piece, name(cell), cell.breakdown)
    };
    let mut lines: Vec<_> = layer.cells.iter().map(line).collect();
    lines.sort();
    lines
}

fn ad(id: &str, number: u32, roubles: i64) -> CampaignStat {
    CampaignStat { level: Level::Ad, ..stat(id, day(number), roubles) }
}

#[tokio::test]
async fn each_layer_is_of_one_level_and_each_piece_of_time_by_itself() {
    let home = Home::new().await;
    let store = &home.store;
    let (client, connection) = connected(store, "acme").await;
    let (_, other) = connected(store, "other").await;
    write(store, other, Level::Campaign, days(1, 20), vec![stat("a", day(3), 1_000)]).await;
    let goal = |of: &str, number: u32| CampaignStat {
        breakdown: format!("goal={of}"),
        conversions: Micros::whole(2),
        cost: None,
        ..stat("a", day(number), 0)
    };
    let tenge = CampaignStat { currency: "KZT".parse().unwrap(), ..stat("b", day(4), 500) };
    // November 2026 begins on a Sunday: the weeks are 1, 2 to 8, 9 to 15, 16 to 20.
    let whole = vec![
        stat("a", day(1), 1),
        stat("a", day(2), 10),
        stat("a", day(8), 20),
        stat("b", day(9), 30),
        tenge,
        goal("1", 2),
        goal("1", 3),
        goal("2", 2),
    ];
    write(store, connection, Level::Campaign, days(1, 20), whole).await;
    write(store, connection, Level::Ad, days(1, 20), vec![ad("x", 2, 7), ad("y", 3, 1), ad("y", 17, 2)]).await;

    let layers = vec![
        layer(None, None),
        layer(Some(Level::Campaign), None),
        layer(Some(Level::AdGroup), None),
        layer(Some(Level::Campaign), Some("goal")),
        layer(None, Some("goal")),
        layer(Some(Level::Ad), Some("goal")),
        layer(None, Some("device")),
    ];
    let found = cells(store, client, days(1, 20), layers).await;
    assert_eq!(found.len(), 1);
    let found = &found[0];
    assert_eq!((found.connection_id, found.moving_from), (connection, Some(day(18))));
    let totals = ["campaign 0 all to 01: 1 of 1", "campaign 1 all to 08: 30 of 2", "campaign 2 all to 09: 30 of 1"];
    assert_eq!(said(found, 0), totals);
    let campaigns = ["campaign 0 a to 01: 1 of 1", "campaign 1 a to 08: 30 of 2", "campaign 2 b to 09: 30 of 1"];
    assert_eq!(said(found, 1), campaigns);
    assert_eq!(
        said(found, 2),
        ["ad 1 x to 02: 7 of 1", "ad 1 y to 03: 1 of 1", "ad 3 y to 17: 2 of 1"],
        "the nearest below"
    );
    assert_eq!(said(found, 3), ["campaign 1 agoal=1 to 03: ? of 2", "campaign 1 agoal=2 to 02: ? of 1"]);
    assert_eq!(said(found, 4), ["campaign 1 allgoal=1 to 03: ? of 2", "campaign 1 allgoal=2 to 02: ? of 1"]);
    assert_eq!(said(found, 5), ["nothing"]);
    assert_eq!(said(found, 6), ["nothing"]);
    assert_eq!(store.breakdown_kinds(client, days(1, 20)).await.unwrap(), ["goal"]);
    assert!(store.breakdown_kinds(client, days(4, 20)).await.unwrap().is_empty());
    assert!(cells(store, client, days(21, 25), vec![layer(None, None)]).await.is_empty());
}

/// Whole months are read as such and the days that still move by themselves; together they are what the rows say.
#[tokio::test]
async fn pieces_over_months_are_the_sum_of_their_days() {
    let home = Home::new().await;
    let store = &home.store;
    let (client, connection) = connected(store, "acme").await;
    let range = |from: &str, to: &str| DateRange::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();
    let all = range("2026-08-20", "2026-11-20");
    let rows: Vec<CampaignStat> = all
        .days()
        .zip(0_i64..)
        .flat_map(|(date, at)| ["a", "b", "c"].into_iter().zip(0_i64..).map(move |(id, nth)| (date, at, id, nth)))
        .filter(|(_, at, _, nth)| (at + nth) % 3 != 0)
        .map(|(date, at, id, nth)| stat(id, date, at * 7 + nth))
        .collect();
    write(store, connection, Level::Campaign, all, rows.clone()).await;
    let some = range("2026-09-10", "2026-11-19");
    for (asked, pieces) in [
        (all, all.pieces(Grain::Month)),
        (all, all.pieces(Grain::Week)),
        (all, vec![all]),
        (some, some.pieces(Grain::Month)),
        (some, vec![some]),
        (range("2026-09-01", "2026-10-31"), vec![range("2026-09-01", "2026-10-31")]),
    ] {
        let mut expected: BTreeMap<(usize, String), (i64, u64)> = BTreeMap::new();
        for row in &rows {
            let piece = pieces.iter().position(|piece| piece.contains(row.date));
            if let Some(piece) = piece.filter(|_| asked.contains(row.date)) {
                let sum = expected.entry((piece, row.external_id.clone())).or_default();
                *sum = (sum.0 + row.cost.unwrap().0, sum.1 + 1);
            }
        }
        let layers = vec![layer(Some(Level::Campaign), None)];
        let question = CellsAsked { client, currency: Currency::RUB, range: asked, pieces: pieces.clone(), layers };
        let found = store.stat_cells(&question).await.unwrap();
        let moving_from = found[0].moving_from;
        let mut sums: BTreeMap<(usize, String), (i64, u64)> = BTreeMap::new();
        for cell in &*found[0].layers[0].as_ref().unwrap().cells {
            let name = found[0].objects[&cell.object.unwrap()].external_id.clone();
            let sum = sums.entry((cell.piece, name)).or_default();
            *sum = (sum.0 + cell.sums.cost.unwrap().0, sum.1 + cell.sums.rows);
            // What does not move is never said to.
            let moves = |row: &CampaignStat| {
                moving_from.is_some_and(|from| row.date >= from) && pieces[cell.piece].contains(row.date)
            };
            assert!(moving_from.is_none_or(|from| cell.last < from) || rows.iter().any(moves), "{cell:?}");
        }
        assert_eq!(sums, expected, "{asked:?} in {} pieces", pieces.len());
    }
}

#[tokio::test]
async fn what_stands_above_an_object_comes_with_it_also_where_a_level_is_skipped() {
    let home = Home::new().await;
    let store = &home.store;
    let (client, connection) = connected(store, "acme").await;
    let run = a_run(store, connection).await;
    let seq = a_slice(store, run, Level::Ad, days(1, 2)).await;
    let under = |level, id: &str, parent: &str| {
        let mut object = object(level, id, &format!("Named {id}"));
        object.parent_external_id = Some(parent.to_owned());
        object
    };
    let mut commit =
        a_commit(run, seq, vec![ad("deep", 1, 1), ad("skips", 1, 2), ad("stray", 2, 3), ad("nameless", 2, 4)]);
    commit.objects = vec![
        object(Level::Campaign, "c", "Campaign"),
        object(Level::Campaign, "unused", "No rows below"),
        under(Level::AdGroup, "g", "c"),
        under(Level::Ad, "deep", "g"),
        under(Level::Ad, "skips", "c"),
        under(Level::Ad, "stray", "gone"),
    ];
    store.commit_slice(commit).await.unwrap();
    let found = cells(store, client, days(1, 2), vec![layer(Some(Level::Ad), None)]).await;
    let objects = &found[0].objects;
    let mut paths: Vec<String> = objects
        .values()
        .map(|object| {
            let mut path = object.name.clone().unwrap_or_else(|| "?".to_owned());
            let mut above = object.parent;
            while let Some(num) = above {
                path = format!("{} > {path}", objects[&num].external_id);
                above = objects[&num].parent;
            }
            path
        })
        .collect();
    paths.sort();
    assert_eq!(paths, ["?", "Campaign", "Named stray", "c > Named g", "c > Named skips", "c > g > Named deep"]);
}
