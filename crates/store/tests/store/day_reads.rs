//! Days and cursors: what is final, what moves, what failed, and how far the data go.

use crate::{Home, a_commit, a_run, a_slice, at, connected, day, days, noon, stat, write};
use model::{
    ad::Level,
    date::DateRange,
    failure::{Code, Failure},
    id::ConnectionId,
    money::Micros,
    run::DayState,
};
use store::{
    Scope, Store,
    commit::{Effort, SliceFailure},
};

async fn read(store: &Store, connection: ConnectionId, level: Level, window: DateRange) {
    let run = a_run(store, connection).await;
    let seq = a_slice(store, run, level, window).await;
    let stats = window.days().map(|date| model::ad::CampaignStat { level, ..stat("1", date, 1) }).collect();
    store.commit_slice(a_commit(run, seq, stats)).await.unwrap();
}

async fn fail(store: &Store, connection: ConnectionId, level: Level, window: DateRange, code: Code) {
    let run = a_run(store, connection).await;
    let seq = a_slice(store, run, level, window).await;
    let failure = SliceFailure {
        run_id: run,
        slice_seq: seq,
        failure: Failure::new(code),
        tried_at: at("2026-11-20T15:00:00Z"),
        effort: Effort::default(),
    };
    store.fail_slice(failure).await.unwrap();
}

async fn strip(store: &Store) -> Vec<(u32, DayState, u32, u64)> {
    use chrono::Datelike;
    let cells = store.day_cells(Scope::Portfolio, days(1, 30)).await.unwrap();
    // Each client here has one connection, so its days that move are its cells that move.
    let moving = store.moving_days(Scope::Portfolio, days(1, 30)).await.unwrap();
    let moving_cells = cells.iter().filter(|cell| cell.state == DayState::Moving).count();
    assert_eq!(moving.iter().map(|(_, days)| *days as usize).sum::<usize>(), moving_cells);
    cells.iter().map(|cell| (cell.date.day(), cell.state, cell.reads, cell.rows)).collect()
}

#[tokio::test]
async fn a_day_is_moving_until_it_was_read_late_enough() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    assert!(strip(&home.store).await.is_empty());
    read(&home.store, connection, Level::Campaign, days(16, 18)).await;
    assert_eq!(
        strip(&home.store).await,
        [(16, DayState::Final, 1, 1), (17, DayState::Final, 1, 1), (18, DayState::Moving, 1, 1)]
    );
    read(&home.store, connection, Level::Campaign, days(18, 19)).await;
    assert_eq!(strip(&home.store).await[2..], [(18, DayState::Moving, 2, 1), (19, DayState::Moving, 1, 1)]);
    let cells = home.store.day_cells(Scope::Client(client), days(19, 19)).await.unwrap();
    assert_eq!((cells.len(), cells[0].read_at, cells[0].connection_id), (1, noon(), connection));
}

#[tokio::test]
async fn a_failure_marks_only_days_without_data_and_holds_the_cursor_back() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    let through = async || {
        let found = home.store.data_through(Scope::Client(client)).await.unwrap();
        found.first().map(|through| through.date)
    };
    assert_eq!(through().await, None);
    read(&home.store, connection, Level::Campaign, days(1, 3)).await;
    let before = home.store.client_days(Scope::Client(client), days(1, 30)).await.unwrap();

    fail(&home.store, connection, Level::Campaign, days(3, 5), Code::PlatformDown).await;
    assert_eq!(home.store.client_days(Scope::Client(client), days(1, 30)).await.unwrap(), before);
    assert_eq!(
        strip(&home.store).await[2..],
        [(3, DayState::Final, 1, 1), (4, DayState::Failed, 0, 0), (5, DayState::Failed, 0, 0)]
    );
    assert_eq!(through().await, Some(day(3)));

    // A later window succeeds: the hole still counts.
    read(&home.store, connection, Level::Campaign, days(6, 8)).await;
    assert_eq!(through().await, Some(day(3)));
    read(&home.store, connection, Level::Campaign, days(4, 5)).await;
    assert_eq!(through().await, Some(day(8)));
    assert_eq!(strip(&home.store).await[3], (4, DayState::Final, 1, 1));
    let cursors = home.store.cursors(connection).await.unwrap();
    assert_eq!((cursors.len(), cursors[0].data_through, cursors[0].read.clone()), (1, Some(day(8)), vec![days(1, 8)]));

    // Somebody pressed stop: nothing is wrong with these days.
    fail(&home.store, connection, Level::Campaign, days(9, 10), Code::Cancelled).await;
    assert_eq!(strip(&home.store).await.len(), 8);
}

#[tokio::test]
async fn streams_together_make_a_cell_and_a_stream_that_is_off_does_not_count() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    read(&home.store, connection, Level::Campaign, days(1, 2)).await;
    fail(&home.store, connection, Level::Ad, days(2, 2), Code::NotJson).await;
    read(&home.store, connection, Level::Ad, days(1, 1)).await;
    assert_eq!(strip(&home.store).await, [(1, DayState::Final, 1, 2), (2, DayState::Partial, 1, 1)]);
    let through = home.store.data_through(Scope::Client(client)).await.unwrap();
    assert_eq!(through[0].date, day(1));

    let mut off = home.store.connection(connection).await.unwrap();
    off.settings.streams[2].on = false;
    home.store.update_connection(&off).await.unwrap();
    assert_eq!(strip(&home.store).await, [(1, DayState::Final, 1, 1), (2, DayState::Final, 1, 1)]);
    assert_eq!(home.store.data_through(Scope::Client(client)).await.unwrap()[0].date, day(2));
}

#[tokio::test]
async fn separate_windows_stay_separate_ranges() {
    let home = Home::new().await;
    let (_, connection) = connected(&home.store, "acme").await;
    for window in [days(10, 12), days(1, 3), days(4, 4), days(20, 21), days(11, 14)] {
        read(&home.store, connection, Level::Campaign, window).await;
    }
    let cursors = home.store.cursors(connection).await.unwrap();
    assert_eq!(cursors[0].read, [days(1, 4), days(10, 14), days(20, 21)]);
}

#[tokio::test]
async fn a_day_knows_how_much_it_changed_when_it_was_read_again() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    let changes = async || {
        let found = home.store.day_changes(Scope::Client(client), days(1, 30)).await.unwrap();
        found
            .into_iter()
            .map(|found| {
                (found.date, found.before.cost, found.after.cost, found.before.impressions, found.after.impressions)
            })
            .collect::<Vec<_>>()
    };
    let rouble = Micros::whole;
    let window = days(16, 17);
    write(&home.store, connection, Level::Campaign, window, vec![stat("1", day(16), 10)]).await;
    assert!(changes().await.is_empty(), "what was read once has not changed");

    // Another level says nothing about the totals.
    let ads = vec![model::ad::CampaignStat { level: Level::Ad, ..stat("7", day(16), 3) }];
    write(&home.store, connection, Level::Ad, window, ads.clone()).await;
    write(&home.store, connection, Level::Ad, window, ads).await;
    assert!(changes().await.is_empty());

    write(&home.store, connection, Level::Campaign, window, vec![stat("1", day(16), 8), stat("2", day(17), 5)]).await;
    assert_eq!(
        changes().await,
        [(day(16), rouble(10), rouble(8), Some(1000), Some(800)), (day(17), rouble(0), rouble(5), Some(0), Some(500))],
        "a day that had nothing had zero"
    );
    fail(&home.store, connection, Level::Campaign, window, Code::PlatformDown).await;
    assert_eq!(changes().await.len(), 2, "a failed attempt changes nothing");
    write(&home.store, connection, Level::Campaign, days(16, 16), vec![]).await;
    assert_eq!(changes().await[0], (day(16), rouble(8), None, Some(800), None), "all rows are gone");
}
