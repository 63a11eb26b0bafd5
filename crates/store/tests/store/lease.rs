//! One program on duty: what decides it, and that whoever was replaced writes nothing, however it writes.

use crate::{Home, a_client, a_commit, a_run, a_slice, connected, day, days, key, noon, stat};
use model::{
    ad::Level,
    connection::ConnectionState,
    failure::{Code, Failure},
    id::RunId,
    run::{RunState, RunTrigger},
};
use store::{
    Options, Scope, Store, StoreError,
    commit::{Effort, SliceFailure},
    lease::Lease,
    run_log::LogLine,
    runs::{NewRun, Wish},
};

async fn seen(store: &Store) -> Lease {
    store.lease().await.unwrap()
}

#[tokio::test]
async fn a_lease_is_taken_once_and_only_as_it_was_seen() {
    let home = Home::new().await;
    let other = Store::open(&home.path(), &key(), Options::default()).await.unwrap();
    let free = seen(&home.store).await;
    assert_eq!(free.holder, None);
    let first = home.store.take_lease("first", true, &free).await.unwrap().expect("it was free");
    assert!(other.take_lease("second", true, &free).await.unwrap().is_none(), "both saw it free, one was first");
    let still = seen(&other).await;
    assert_eq!((still.holder.as_deref(), still.token > free.token), (Some("first"), true));
    // A sign of life, or any write of the duty, is newer than what the other has seen.
    first.renew_lease().await.unwrap();
    assert!(other.take_lease("second", true, &still).await.unwrap().is_none());
    let still = seen(&other).await;
    first.insert_client(&a_client("acme")).await.unwrap();
    assert!(other.take_lease("second", true, &still).await.unwrap().is_none());
    // Nothing since.
    let still = seen(&other).await;
    let second = other.take_lease("second", true, &still).await.unwrap().expect("nothing was heard of the first");
    assert!(matches!(first.renew_lease().await, Err(StoreError::OffDuty)));
    assert!(first.off_duty() && !second.off_duty());
    first.release_lease().await.expect("giving up what is gone is not an error");
    assert_eq!(seen(&other).await.holder.as_deref(), Some("second"));
    second.release_lease().await.unwrap();
    assert_eq!(seen(&home.store).await.holder, None);
    second.insert_client(&a_client("given back, not replaced")).await.unwrap();
}

#[tokio::test]
async fn what_others_write_is_heard_and_what_one_writes_oneself_is_not() {
    let home = Home::new().await;
    let other = Store::open(&home.path(), &key(), Options::default()).await.unwrap();
    let mine = home.store.take_lease("first", true, &seen(&home.store).await).await.unwrap().unwrap();
    let (here, there) = (seen(&home.store).await.others, seen(&other).await.others);
    mine.insert_client(&a_client("acme")).await.unwrap();
    assert_eq!(seen(&home.store).await.others, here);
    assert!(seen(&other).await.others > there);
    mine.renew_lease().await.unwrap();
    let there = seen(&other).await.others;
    mine.renew_lease().await.unwrap();
    assert_eq!(seen(&other).await.others, there, "a sign of life is no change");
    other.insert_client(&a_client("other")).await.unwrap();
    assert!(seen(&home.store).await.others > here);
}

/// Everything that a run, the scheduler and the budgets write, each by a program that was replaced in between.
#[tokio::test]
async fn whoever_was_replaced_writes_nothing() {
    let home = Home::new().await;
    let (_, connection) = connected(&home.store, "acme").await;
    let run = a_run(&home.store, connection).await;
    let seq = a_slice(&home.store, run, Level::Campaign, days(1, 3)).await;
    home.store.commit_slice(a_commit(run, seq, vec![stat("1", day(1), 7)])).await.unwrap();
    let next = a_slice(&home.store, run, Level::Campaign, days(4, 6)).await;
    let old = home.store.take_lease("old", true, &seen(&home.store).await).await.unwrap().unwrap();
    old.begin_slice(run, next).await.unwrap();
    home.store.take_lease("new", true, &seen(&home.store).await).await.unwrap().unwrap();

    let before = (
        home.store.run(run).await.unwrap(),
        home.store.slices(run).await.unwrap(),
        home.store.turn(connection).await.unwrap(),
        home.store.stat_counts(Scope::Portfolio).await.unwrap(),
    );
    let failure = SliceFailure {
        run_id: run,
        slice_seq: next,
        failure: Failure::new(Code::Timeout),
        tried_at: noon(),
        effort: Effort::default(),
    };
    let asked = NewRun {
        id: RunId::new(),
        connection_id: connection,
        trigger: RunTrigger::Schedule,
        range: None,
        streams: None,
        state: RunState::Queued,
        started_at: noon(),
    };
    let line = LogLine { at: noon(), event: "ended".to_owned(), params: [].into() };
    let refused = [
        ("commit", old.commit_slice(a_commit(run, next, vec![stat("1", day(4), 9)])).await.err()),
        ("stage", old.stage(run, next, vec![stat("1", day(4), 9)]).await.err()),
        ("begin", old.begin_slice(run, next).await.err()),
        ("fail", old.fail_slice(failure).await.err()),
        ("state", old.set_run_state(run, RunState::Queued).await.err()),
        ("finish", old.finish_run(run, RunState::Done, None, noon()).await.err()),
        ("pause", old.pause_run(run, noon()).await.err()),
        ("wait", old.begin_wait(run, &Failure::new(Code::QuotaWait), noon()).await.err()),
        ("park", old.park_run(run, &Failure::new(Code::QuotaWait), noon(), noon()).await.err()),
        ("unpark", old.unpark_run(run, noon()).await.err()),
        ("log", old.append_run_log(run, &[line]).await.err()),
        ("attempts", old.set_attempts(connection, 9, None).await.err()),
        ("turn", old.set_next_turn(connection, Some(noon())).await.err()),
        ("long read", old.set_long_read(connection, noon()).await.err()),
        ("connection", old.set_connection_state(connection, ConnectionState::SignInNeeded).await.err()),
        ("ask", old.ask_run(&asked, &[]).await.err()),
        ("staged", old.clear_staged().await.err()),
    ];
    for (what, refusal) in refused {
        assert!(matches!(refusal, Some(StoreError::OffDuty)), "{what}: {refusal:?}");
    }
    let after = (
        home.store.run(run).await.unwrap(),
        home.store.slices(run).await.unwrap(),
        home.store.turn(connection).await.unwrap(),
        home.store.stat_counts(Scope::Portfolio).await.unwrap(),
    );
    assert_eq!(before, after);
    assert!(home.store.run_log(run).await.unwrap().is_empty());
    assert_eq!(home.store.connection(connection).await.unwrap().state, ConnectionState::Active);
}

#[tokio::test]
async fn a_connection_has_one_long_run_and_one_of_the_day() {
    let home = Home::new().await;
    let (_, connection) = connected(&home.store, "acme").await;
    let ask = |trigger| {
        let run = NewRun {
            id: RunId::new(),
            connection_id: connection,
            trigger,
            range: Some(days(1, 3)),
            streams: Some(vec!["campaign_stats".to_owned()]),
            state: RunState::Queued,
            started_at: noon(),
        };
        let store = home.store.clone();
        async move { (run.id, store.ask_run(&run, &[]).await.unwrap()) }
    };
    let (first, there) = ask(RunTrigger::First).await;
    assert_eq!(there, None);
    assert_eq!(home.store.run(first).await.unwrap().streams, Some(vec!["campaign_stats".to_owned()]));
    assert_eq!(ask(RunTrigger::Recollect).await.1, Some(first));
    let (fresh, there) = ask(RunTrigger::Schedule).await;
    assert_eq!(there, None);
    assert_eq!(ask(RunTrigger::Manual).await.1, Some(fresh));

    // Held, it waits for a person and not for its turn.
    assert!(home.store.wish_run(first, Wish::Pause).await.unwrap());
    assert_eq!(home.store.run(first).await.unwrap().wish, Some(Wish::Pause));
    home.store.pause_run(first, noon()).await.unwrap();
    let held = home.store.run(first).await.unwrap();
    assert_eq!((held.state, held.wish, held.ended_at), (RunState::Paused, None, None));
    assert!(home.store.resume_run(first).await.unwrap());
    assert_eq!(home.store.run(first).await.unwrap().state, RunState::Queued);
    assert!(!home.store.resume_run(fresh).await.unwrap(), "it was not held");
    home.store.finish_run(fresh, RunState::Done, None, noon()).await.unwrap();
    assert!(!home.store.wish_run(fresh, Wish::Stop).await.unwrap(), "it is over");
    assert_eq!(ask(RunTrigger::Manual).await.1, None);
}
