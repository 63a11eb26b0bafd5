//! Runs against a scripted source: what each kind of failure does to the rest of a run, stopping, resuming after a crash, and that what a
//! run left behind is whole. Reading a real platform is tested across rooms, against its simulator.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod house;

use chrono::{TimeDelta, Utc};
use house::{Act, House, KEY, SIDE_BY_SIDE, ZONE, engine};
use model::{
    connection::ConnectionState,
    date::{DateRange, today},
    failure::Code,
    run::{RunState, RunTrigger, SliceState},
    secret::Secret,
    settings::ZeroRows,
};
use std::{sync::Arc, time::Duration};
use store::Store;
use sync::engine::Asked;

/// Ten days in five windows of two, after one dictionary: six slices, of which three windows are read side by side.
#[tokio::test]
async fn what_a_failure_does_to_the_rest_of_a_run() {
    let here = |act: Act| vec![(2, act)];
    let everywhere = |code: Code| (0..5).map(|place| (place, Act::Fail(code))).collect::<Vec<_>>();
    for (acts, state, begun, slices, clicks) in [
        (vec![], RunState::Done, 5, 6, 10),
        (here(Act::Reject), RunState::DoneWithRemarks, 5, 6, 10),
        // Other windows may succeed.
        (here(Act::Fail(Code::VendorChanged)), RunState::Failed, 5, 5, 8),
        (here(Act::Fail(Code::NotJson)), RunState::Failed, 5, 5, 8),
        (here(Act::Fail(Code::Internal)), RunState::Failed, 5, 5, 8),
        (everywhere(Code::Internal), RunState::Failed, 5, 1, 0),
        // They would fail for the same reason: those that were begun come to their end, and no more are begun.
        (everywhere(Code::PlatformDown), RunState::Failed, 3, 1, 0),
        (everywhere(Code::SignInRejected), RunState::Failed, 3, 1, 0),
        (everywhere(Code::PermissionDenied), RunState::Failed, 3, 1, 0),
        (everywhere(Code::Cancelled), RunState::Stopped, 3, 1, 0),
    ] {
        let house = House::build().await;
        let act = acts.first().map(|(_, act)| act.clone());
        house.source.acts(acts);
        let id = house.run().await;
        assert_eq!(house.outcome(id).await, (state, slices, clicks), "{act:?}");
        assert_eq!(house.source.windows(), begun, "{act:?}");
        let run = house.store.run(id).await.unwrap();
        let code = run.failure.map(|failure| failure.code);
        let expected = match act {
            Some(Act::Fail(code)) if code != Code::Cancelled => Some(code),
            _ => None,
        };
        assert_eq!(code, expected, "{act:?}");
        let waits_for_person =
            house.store.connection(house.connection).await.unwrap().state == ConnectionState::SignInNeeded;
        assert_eq!(waits_for_person, expected == Some(Code::SignInRejected), "{act:?}");
        // The next run reads what is missing and nothing is doubled.
        house.source.acts([]);
        let id = house.run().await;
        assert_eq!((house.outcome(id).await.0, house.clicks().await), (RunState::Done, 10), "{act:?}");
    }
}

#[tokio::test]
async fn the_failure_that_has_to_be_mended_is_told_and_not_one_before_it() {
    let dead = || Act::Fail(Code::SignInRevoked);
    for before in [
        Act::Fail(Code::NotJson),
        Act::Fail(Code::BodyTruncated),
        Act::Fail(Code::PlatformDown),
        Act::Quota(Utc::now() + TimeDelta::days(1)),
    ] {
        let house = House::build().await;
        house.source.acts([(0, before.clone()), (1, before.clone()), (2, dead())]);
        let id = house.run().await;
        let run = house.store.run(id).await.unwrap();
        assert_eq!(run.failure.map(|failure| failure.code), Some(Code::SignInRevoked), "{before:?}");
        let state = house.store.connection(house.connection).await.unwrap().state;
        assert_eq!(state, ConnectionState::SignInNeeded, "{before:?}");
    }
}

#[tokio::test]
async fn a_second_run_reads_the_lookback_again_and_replaces_it() {
    let house = House::build().await;
    house.run().await;
    house.source.acts([]);
    *house.source.clicks.lock().unwrap() = 5;
    let id = house.run().await;
    assert_eq!(house.source.windows(), 2, "three days in windows of two");
    assert_eq!(house.outcome(id).await, (RunState::Done, 3, 7 + 3 * 5));
}

/// A platform that takes minutes for its reports keeps two first loads waiting, and a third one for them. The first load of another system
/// goes on meanwhile, and so do the days that are new today.
#[tokio::test]
async fn a_slow_platform_holds_up_its_own_accounts_alone() {
    let house = House::build().await;
    house.source.all_since(0, &Act::Hang);
    let first = async |connection| house.engine.start(connection, RunTrigger::First, Asked::due()).await.unwrap();
    first(house.connection).await;
    first(house.another("2").await).await;
    first(house.another("3").await).await;
    house.has_begun(2 * SIDE_BY_SIDE).await;
    let elsewhere = first(house.elsewhere().await).await;
    house.has_begun(3 * SIDE_BY_SIDE).await;
    let fresh = house.another("4").await;
    house.engine.start(fresh, RunTrigger::Manual, Asked::due()).await.unwrap();
    house.has_begun(4 * SIDE_BY_SIDE).await;
    assert!(!house.store.run(elsewhere).await.unwrap().state.is_over());
    house.engine.leave().await;
}

#[tokio::test]
async fn a_failed_reading_leaves_the_old_days_alone() {
    let house = House::build().await;
    house.run().await;
    *house.source.clicks.lock().unwrap() = 5;
    house.source.all_since(0, &Act::Fail(Code::BodyTruncated));
    let id = house.run().await;
    assert_eq!(house.outcome(id).await, (RunState::Failed, 1, 10));
}

#[tokio::test]
async fn a_stopped_run_keeps_what_it_committed() {
    let house = House::build().await;
    house.source.all_since(3, &Act::Hang);
    let id = house.engine.start(house.connection, RunTrigger::First, Asked::due()).await.unwrap();
    let again = house.engine.start(house.connection, RunTrigger::First, Asked::due()).await.unwrap();
    assert_eq!(again, id, "a connection has one long run at a time");
    let other_days = Asked::days(DateRange::day(today(Utc::now(), ZONE).pred_opt().unwrap()));
    let refused = house.engine.start(house.connection, RunTrigger::Recollect, other_days).await.unwrap_err();
    assert_eq!(refused.code, Code::AlreadyRunning);
    house.hangs_at(id, 3, 5).await;
    house.engine.cancel(id).await.unwrap();
    assert_eq!(house.outcome(id).await, (RunState::Stopped, 4, 6));
    house.engine.cancel(id).await.expect("stopping what has stopped is not an error");
}

#[tokio::test]
async fn what_a_quitted_program_left_goes_on_under_the_same_id() {
    let house = House::build().await;
    house.source.all_since(3, &Act::Hang);
    let id = house.engine.start(house.connection, RunTrigger::First, Asked::due()).await.unwrap();
    house.hangs_at(id, 3, 5).await;
    house.engine.leave().await;
    assert!(!house.store.run(id).await.unwrap().state.is_over(), "quitting is not an end");
    assert_eq!(house.clicks().await, 6);

    let House { dir, source, store, connection, engine: dead, clock } = house;
    drop(dead);
    store.close().await;
    let store =
        Store::open(&dir.path().join("workspace.db"), &Secret::new(KEY), store::Options::default()).await.unwrap();
    source.acts([]);
    let engine = engine(&store, &source, Arc::clone(&clock)).await;
    let house = House { dir, source, store, engine, connection, clock };
    assert_eq!(house.engine.snapshots().iter().map(|run| run.run_id).collect::<Vec<_>>(), [id]);
    house.engine.finished(id).await;
    assert_eq!(house.outcome(id).await, (RunState::Done, 6, 10));
    assert_eq!(house.source.windows(), 2, "what was committed is not read again");
    assert!(house.dir.path().exists());
}

#[tokio::test]
async fn long_loads_leave_a_place_for_what_is_new() {
    let house = House::build().await;
    house.source.all_since(0, &Act::Hang);
    let mut long = Vec::new();
    for account in ["a", "b", "c", "d"] {
        let connection = house.another(account).await;
        long.push(house.engine.start(connection, RunTrigger::First, Asked::due()).await.unwrap());
    }
    until(|| house.source.windows() == 2 * SIDE_BY_SIDE).await;
    let state = |id| house.engine.snapshots().into_iter().find(|run| run.run_id == id).unwrap().state;
    assert_eq!(long.iter().filter(|id| state(**id) == RunState::Queued).count(), 2, "two of them wait");
    house.source.acts([]);
    let fresh = house.engine.start(house.connection, RunTrigger::Schedule, Asked::due()).await.unwrap();
    house.engine.finished(fresh).await;
    assert_eq!(house.store.run(fresh).await.unwrap().state, RunState::Done);
    assert_eq!(long.iter().filter(|id| state(**id) == RunState::Queued).count(), 2, "they still do");
    // A queued run can be stopped like any other, and a place that becomes free is taken.
    house.engine.cancel(long[3]).await.unwrap();
    house.engine.cancel(long[0]).await.unwrap();
    house.engine.finished(long[2]).await;
    assert_eq!(house.store.run(long[2]).await.unwrap().state, RunState::Done);
    house.engine.leave().await;
}

#[tokio::test]
async fn names_are_read_alone_and_windows_side_by_side() {
    let house = House::build().await;
    house.source.all_since(0, &Act::Hang);
    let id = house.engine.start(house.connection, RunTrigger::First, Asked::due()).await.unwrap();
    house.hangs_at(id, 0, SIDE_BY_SIDE).await;
    let slices = house.store.slices(id).await.unwrap();
    assert_eq!((slices[0].state, slices[0].window), (SliceState::Done, None), "names come first");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(house.source.windows(), SIDE_BY_SIDE, "and no more than so many at once");
    // A day that comes first does not wait for the one before it, and each slice is told with its own.
    house.source.acts.lock().unwrap().clear();
    house.source.let_go();
    house.engine.finished(id).await;
    assert_eq!(house.outcome(id).await, (RunState::Done, 6, 10));
}

#[tokio::test]
async fn rows_in_which_nothing_happened_are_kept_or_counted() {
    let house = House::build().await;
    let yesterday = today(Utc::now(), ZONE).pred_opt().unwrap();
    for (zero_rows, kept) in [(ZeroRows::Keep, 5), (ZeroRows::LeaveOut, 2)] {
        let mut connection = house.store.connection(house.connection).await.unwrap();
        connection.settings.zero_rows = zero_rows;
        house.store.update_connection(&connection).await.unwrap();
        house.source.all_since(0, &Act::Rest);
        let days = Asked::days(DateRange::ending(yesterday, 10));
        let id = house.engine.start(house.connection, RunTrigger::Recollect, days).await.unwrap();
        house.engine.finished(id).await;
        assert_eq!(house.outcome(id).await, (RunState::Done, 6, 10), "{zero_rows}: sums stay the same");
        let rows: u64 = house.store.slices(id).await.unwrap().iter().filter_map(|it| it.window.map(|_| it.rows)).sum();
        assert_eq!(rows, 10 * kept, "{zero_rows}");
        let read = house.store.read_days(house.connection, DateRange::ending(yesterday, 10).from()).await.unwrap();
        assert!(read.iter().all(|day| day.sums.rows == 5), "{zero_rows}: what the platform sent is known: {read:?}");
    }
}

async fn until(condition: impl Fn() -> bool) {
    tokio::time::timeout(Duration::from_mins(1), async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}
