//! Two programs on one workspace: what is asked for in one is done in the other, and one goes on when the other is gone or asleep. And
//! what a person may do to a long run: hold it, over restarts, while what is new goes before it. Each program here is a store, an engine
//! and a watch of its own over one file; whole processes are tried across rooms.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod house;

use chrono::Utc;
use house::{Act, House, KEY, Scripted, ZONE, idle};
use model::{
    date::{DateRange, today},
    failure::Code,
    id::RunId,
    run::{RunState, RunTrigger},
    secret::Secret,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use store::{Scope, Store};
use sync::{
    duty::{SILENCE, Watch},
    engine::{Asked, Engine},
};

/// Another program that has the workspace of a house open.
struct Program {
    store: Store,
    engine: Engine,
    watch: Watch,
    source: Arc<Scripted>,
    heard: Arc<AtomicU32>,
}

impl Program {
    async fn open(house: &House, name: &str) -> Self {
        Self::of(house, name, true).await
    }

    async fn of(house: &House, name: &str, stays: bool) -> Self {
        let path = house.dir.path().join("workspace.db");
        let store = Store::open(&path, &Secret::new(KEY), store::Options::default()).await.unwrap();
        let source = Scripted::new();
        let engine = idle(&store, &source, Arc::clone(&house.clock));
        let heard = Arc::new(AtomicU32::new(0));
        let hears = Arc::clone(&heard);
        let hear = Arc::new(move || {
            hears.fetch_add(1, Ordering::SeqCst);
        });
        let watch = Watch::new(store.clone(), engine.clone(), name.to_owned(), stays, hear);
        Self { store, engine, watch, source, heard }
    }

    async fn looks(&self, times: u32) {
        for _ in 0..times {
            self.watch.look().await.unwrap();
        }
    }
}

/// The watch of the house's own program.
fn watch(house: &House) -> Watch {
    Watch::new(house.store.clone(), house.engine.clone(), "house".to_owned(), true, Arc::new(|| {}))
}

async fn state(store: &Store, run: RunId) -> RunState {
    store.run(run).await.unwrap().state
}

async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect(what);
}

#[tokio::test]
async fn what_one_program_asks_for_the_other_does() {
    let house = House::build().await;
    let here = watch(&house);
    let other = Program::open(&house, "other").await;
    other.looks(3).await;
    here.look().await.unwrap();
    assert!(other.engine.on_duty().is_none(), "somebody is");

    let id = other.engine.start(house.connection, RunTrigger::Manual, Asked::due()).await.unwrap();
    let again = house.engine.start(house.connection, RunTrigger::Manual, Asked::due()).await.unwrap();
    assert_eq!(again, id, "both asked for the same");
    house.engine.finished(id).await;
    assert_eq!(house.outcome(id).await, (RunState::Done, 6, 10));
    assert_eq!((house.source.windows(), other.source.windows()), (5, 0), "each window was read once, and by one");
    other.looks(1).await;
    assert!(other.heard.load(Ordering::SeqCst) > 0, "its screens learn of it");

    // Hold, go on and stop, from the other program.
    house.source.all_since(1, &Act::Hang);
    let days = Asked::days(DateRange::ending(today(Utc::now(), ZONE).pred_opt().unwrap(), 6));
    let id = other.engine.start(house.connection, RunTrigger::Recollect, days).await.unwrap();
    here.look().await.unwrap();
    house.hangs_at(id, 1, 3).await;
    let (asked, done) = tokio::join!(other.engine.pause(id), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        here.look().await
    });
    asked.unwrap();
    done.unwrap();
    house.source.acts([]);
    assert_eq!(state(&other.store, id).await, RunState::Paused);
    other.engine.resume(id).await.unwrap();
    here.look().await.unwrap();
    until("it goes on to its end", async || state(&other.store, id).await == RunState::Done).await;
}

#[tokio::test]
async fn a_program_that_is_gone_or_asleep_is_replaced_and_its_late_writes_are_refused() {
    let house = House::build().await;
    let here = watch(&house);
    house.source.all_since(3, &Act::Hang);
    let id = house.engine.start(house.connection, RunTrigger::First, Asked::due()).await.unwrap();
    house.hangs_at(id, 3, 5).await;

    let other = Program::open(&house, "other").await;
    // A sign now and then is enough.
    for _ in 0..2 {
        other.looks(SILENCE - 1).await;
        here.look().await.unwrap();
        here.look().await.unwrap();
    }
    assert!(other.engine.on_duty().is_none());
    // Now the first one sleeps. After silence the other takes over and goes on with the same run.
    other.looks(SILENCE + 1).await;
    assert!(other.engine.on_duty().is_some());
    other.engine.finished(id).await;
    assert_eq!(house.outcome(id).await, (RunState::Done, 6, 10));
    assert_eq!(other.source.windows(), 2, "what was committed is not read again");

    // It wakes up in the middle of its slice and goes on as if nothing had been.
    let before = other.store.slices(id).await.unwrap();
    *house.source.clicks.lock().unwrap() = 1_000;
    house.source.acts([]);
    house.source.let_go();
    until("it notices", async || house.engine.snapshots().is_empty()).await;
    assert!(house.engine.on_duty().is_none());
    assert_eq!(house.outcome(id).await, (RunState::Done, 6, 10), "its rows came too late");
    assert_eq!(other.store.slices(id).await.unwrap(), before);
    here.look().await.unwrap();
    assert!(house.engine.leave().await.is_none(), "its duty is over");

    // Given back, the lease is taken at the next look.
    other.engine.leave().await.unwrap().release_lease().await.unwrap();
    here.look().await.unwrap();
    assert!(house.engine.on_duty().is_some());
}

#[tokio::test]
async fn a_command_hands_over_to_a_program_that_stays() {
    let house = House::build().await;
    house.engine.leave().await.unwrap().release_lease().await.unwrap();
    let command = Program::of(&house, "command", false).await;
    command.looks(1).await;
    command.source.all_since(3, &Act::Hang);
    let id = command.engine.start(house.connection, RunTrigger::First, Asked::due()).await.unwrap();
    until("it reads", async || command.source.windows() == 5).await;
    until("it reads", async || house.clicks().await == 6).await;

    // The window is opened meanwhile: a look of each, and it is on duty; the run of the command goes on there.
    let window = Program::open(&house, "window").await;
    window.looks(1).await;
    assert!(command.engine.on_duty().is_some() && window.engine.on_duty().is_none());
    command.looks(2).await;
    assert!(command.engine.on_duty().is_none(), "it does not take back what it gave away");
    window.looks(1).await;
    window.engine.finished(id).await;
    assert_eq!(house.outcome(id).await, (RunState::Done, 6, 10));
    assert_eq!(window.source.windows(), 2);
    assert_eq!(state(&command.store, id).await, RunState::Done, "the command follows it");

    // A window that wanted it and is gone does not keep the command from its work.
    window.engine.leave().await.unwrap().release_lease().await.unwrap();
    command.looks(1).await;
    assert!(command.engine.on_duty().is_some());
    window.looks(1).await;
    command.looks(SILENCE + 2).await;
    assert!(command.engine.on_duty().is_some());
}

#[tokio::test]
async fn a_held_run_stays_held_over_a_restart_and_goes_on_where_it_stood() {
    let house = House::build().await;
    house.source.all_since(2, &Act::Hang);
    let id = house.engine.start(house.connection, RunTrigger::First, Asked::due()).await.unwrap();
    house.hangs_at(id, 2, 5).await;
    house.engine.pause(id).await.unwrap();
    assert_eq!(house.outcome(id).await, (RunState::Paused, 3, 4));
    assert!(house.engine.snapshots().is_empty(), "its place is free");

    // A fresh run meanwhile reads what is new and not the whole first load.
    house.source.acts([]);
    let fresh = house.engine.start(house.connection, RunTrigger::Schedule, Asked::due()).await.unwrap();
    house.engine.finished(fresh).await;
    assert_eq!(state(&house.store, fresh).await, RunState::Done);
    assert_eq!(house.source.windows(), 3, "the five days that may still change");

    house.engine.leave().await;
    let seen = house.store.lease().await.unwrap();
    let duty = house.store.take_lease("house", true, &seen).await.unwrap().unwrap();
    assert_eq!(house.engine.take(duty).await.unwrap(), [], "nobody takes up what is held");
    assert_eq!(state(&house.store, id).await, RunState::Paused);
    house.source.acts([]);
    house.engine.resume(id).await.unwrap();
    house.engine.finished(id).await;
    assert_eq!(house.outcome(id).await, (RunState::Done, 6, 10));
    assert_eq!(house.source.windows(), 3, "what was committed before is not read again");

    // One that is held can be stopped, too.
    house.source.all_since(0, &Act::Hang);
    let again = house.engine.start(house.connection, RunTrigger::Manual, Asked::due()).await.unwrap();
    house.hangs_at(again, 0, 2).await;
    house.engine.pause(again).await.unwrap();
    house.engine.cancel(again).await.unwrap();
    assert_eq!(state(&house.store, again).await, RunState::Stopped);
    assert!(house.store.unfinished_runs(Scope::Portfolio).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_long_run_steps_aside_for_what_is_new_of_its_own_connection() {
    let house = House::build().await;
    house.source.all_since(1, &Act::Hang);
    let long = house.engine.start(house.connection, RunTrigger::First, Asked::due()).await.unwrap();
    house.hangs_at(long, 1, 4).await;
    let fresh = house.engine.start(house.connection, RunTrigger::Schedule, Asked::due()).await.unwrap();
    assert_ne!(fresh, long);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(house.source.windows(), 4, "one connection is read by one run at a time");
    // The slices that were being read are finished; then the fresh run goes first, and the long one after it.
    house.source.acts.lock().unwrap().clear();
    house.source.let_go();
    house.engine.finished(fresh).await;
    assert_eq!(state(&house.store, fresh).await, RunState::Done);
    let of_fresh = house.store.slices(fresh).await.unwrap().len();
    house.engine.finished(long).await;
    assert_eq!(house.outcome(long).await, (RunState::Done, 6, 10));
    let order: Vec<_> = house.source.reads.lock().unwrap().iter().map(|slice| slice.stream == "campaigns").collect();
    // The dictionary of the long run, its first windows, then the fresh run from its dictionary on.
    assert_eq!(order.iter().position(|dictionary| *dictionary).unwrap(), 0);
    assert_eq!(order.iter().skip(1).position(|dictionary| *dictionary).unwrap(), 4);
    assert_eq!(order.len(), 6 + of_fresh, "nothing was read twice");
}

#[tokio::test]
async fn what_a_stopped_first_load_left_is_completed_though_newer_days_were_read_meanwhile() {
    let house = House::build().await;
    house.source.all_since(1, &Act::Hang);
    let long = house.engine.start(house.connection, RunTrigger::First, Asked::due()).await.unwrap();
    house.hangs_at(long, 1, 4).await;
    house.engine.pause(long).await.unwrap();
    house.source.acts([]);
    house.run().await;
    assert!(house.clicks().await < 10, "there is a gap");
    house.engine.cancel(long).await.unwrap();
    house.run().await;
    assert_eq!(house.clicks().await, 10);
    house.source.acts([]);
    house.run().await;
    assert_eq!(house.source.windows(), 2, "and then it is an ordinary run again");
}

#[tokio::test]
async fn one_stream_is_read_when_one_is_asked_for() {
    let house = House::build().await;
    house.run().await;
    house.source.acts([]);
    let days = DateRange::ending(today(Utc::now(), ZONE).pred_opt().unwrap(), 4);
    let asked = Asked { days: vec![days], streams: Some(vec!["campaign_stats".to_owned()]) };
    let planned = house.engine.estimate(house.connection, &asked, &[]).await.unwrap();
    assert_eq!((planned.slices, planned.requests), (2, Some(0)), "the scripted source sends none");
    let id = house.engine.start(house.connection, RunTrigger::Recollect, asked).await.unwrap();
    house.engine.finished(id).await;
    let reads = house.source.reads.lock().unwrap().clone();
    assert!(reads.iter().all(|slice| slice.stream == "campaign_stats"), "{reads:?}");
    let windows: Vec<_> = reads.iter().filter_map(|slice| slice.window).collect();
    assert_eq!((windows[0].from(), windows[1].to()), (days.from(), days.to()));
    let none = Asked { days: vec![], streams: Some(vec!["no_such".to_owned()]) };
    let refused = house.engine.start(house.connection, RunTrigger::Manual, none).await.unwrap_err();
    assert_eq!(refused.code, Code::BadRequest);
}
