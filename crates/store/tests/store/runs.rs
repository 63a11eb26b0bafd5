//! Runs and their slices: history, what a dead process left, and counters that count a repeated slice once.

use crate::{Home, a_commit, a_run, a_slice, connected, day, days, noon, stat};
use model::{
    ad::{Level, RejectReason, Rejected},
    failure::{Code, Failure},
    id::RunId,
    run::{RunState, SliceState},
};
use store::{
    Scope, StoreError,
    commit::{Effort, SliceFailure},
    runs::{RunEnd, RunQuery},
    slices::Part,
};

fn history(scope: Scope) -> RunQuery {
    RunQuery { scope, connection_id: None, end: RunEnd::All, before: None, limit: 100 }
}

pub fn a_reject(reason: RejectReason, value: &str) -> Rejected {
    Rejected {
        stream: "campaign_stats".to_owned(),
        date: Some(day(1)),
        reason,
        field: "clicks".to_owned(),
        value: value.to_owned(),
        line: Some(7),
        raw: format!("{{\"clicks\":\"{value}\"}}"),
    }
}

#[tokio::test]
async fn history_is_filtered_and_paged() {
    let home = Home::new().await;
    let store = &home.store;
    let (acme, cabinet) = connected(store, "acme").await;
    let (_, other) = connected(store, "other").await;
    let mut ids = Vec::new();
    let ends = [RunState::Done, RunState::Failed, RunState::DoneWithRemarks, RunState::Stopped];
    for (number, end) in ends.into_iter().cycle().take(8).enumerate() {
        let id = a_run(store, if number % 2 == 0 { cabinet } else { other }).await;
        let failure = Failure::new(Code::QuotaWait).with("system", "VK").until(noon()).detail("limit");
        store.finish_run(id, end, (end == RunState::Failed).then_some(&failure), noon()).await.unwrap();
        ids.push(id);
    }
    let found = async |query: RunQuery| store.runs(query).await.unwrap().iter().map(|run| run.id).collect::<Vec<_>>();
    ids.reverse();
    assert_eq!(found(history(Scope::Portfolio)).await, ids);
    assert_eq!(found(history(Scope::Client(acme))).await, [ids[1], ids[3], ids[5], ids[7]]);
    assert_eq!(
        found(RunQuery { connection_id: Some(other), ..history(Scope::Portfolio) }).await,
        [ids[0], ids[2], ids[4], ids[6]]
    );
    assert_eq!(found(RunQuery { end: RunEnd::Failed, ..history(Scope::Portfolio) }).await, [ids[2], ids[6]]);
    assert_eq!(found(RunQuery { end: RunEnd::Remarks, ..history(Scope::Portfolio) }).await, [ids[1], ids[5]]);
    assert_eq!(found(RunQuery { before: Some(ids[2]), limit: 3, ..history(Scope::Portfolio) }).await, ids[3..6]);
    // A page after a run that is gone ends instead of beginning anew.
    assert!(found(RunQuery { before: Some(RunId::new()), ..history(Scope::Portfolio) }).await.is_empty());

    let failed = store.run(ids[2]).await.unwrap().failure.unwrap();
    assert_eq!((failed.code, failed.params["system"].as_str()), (Code::QuotaWait, "VK"));
    assert_eq!((failed.retry_at, failed.detail.as_deref()), (Some(noon()), Some("limit")));

    let latest = store.latest_runs(Scope::Portfolio).await.unwrap();
    assert_eq!(
        latest.iter().map(|l| (l.run.id, l.synced_at.is_some())).collect::<Vec<_>>(),
        [(ids[1], true), (ids[0], false)]
    );
}

#[tokio::test]
async fn runs_of_a_dead_process_are_found_with_the_slices_that_are_left() {
    let home = Home::new().await;
    let (_, connection) = connected(&home.store, "acme").await;
    let ended = a_run(&home.store, connection).await;
    home.store.finish_run(ended, RunState::Done, None, noon()).await.unwrap();
    let run = a_run(&home.store, connection).await;
    for window in [days(1, 5), days(6, 10), days(11, 15)] {
        a_slice(&home.store, run, Level::Campaign, window).await;
    }
    home.store.commit_slice(a_commit(run, 0, vec![stat("1", day(1), 1)])).await.unwrap();
    home.store.begin_slice(run, 1).await.unwrap();
    home.store.stage(run, 1, vec![stat("1", day(6), 1)]).await.unwrap();

    let home = home.reopened().await;
    home.store.clear_staged().await.unwrap();
    let left = home.store.unfinished_runs(Scope::Portfolio).await.unwrap();
    assert_eq!(left.iter().map(|run| (run.id, run.state)).collect::<Vec<_>>(), [(run, RunState::Running)]);
    let states: Vec<_> =
        home.store.slices(run).await.unwrap().iter().map(|slice| (slice.seq, slice.window, slice.state)).collect();
    assert_eq!(
        states,
        [
            (0, Some(days(1, 5)), SliceState::Done),
            (1, Some(days(6, 10)), SliceState::Running),
            (2, Some(days(11, 15)), SliceState::Pending)
        ]
    );
    // What the dead run had staged is gone: committing the slice with nothing else leaves nothing.
    assert_eq!(home.store.commit_slice(a_commit(run, 1, Vec::new())).await.unwrap().rows, 0);
    home.store.finish_run(run, RunState::Stopped, None, noon()).await.unwrap();
    assert!(home.store.unfinished_runs(Scope::Portfolio).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_repeated_slice_is_counted_once() {
    let home = Home::new().await;
    let (_, connection) = connected(&home.store, "acme").await;
    let run = a_run(&home.store, connection).await;
    let first = a_slice(&home.store, run, Level::Campaign, days(1, 2)).await;
    let second = a_slice(&home.store, run, Level::Campaign, days(3, 4)).await;
    assert_eq!((first, second), (0, 1));
    let failure = SliceFailure {
        run_id: run,
        slice_seq: second,
        failure: Failure::new(Code::Timeout).with("secs", 30),
        tried_at: noon(),
        effort: Effort { requests: 4, retries: 3, millis: 9 },
    };
    home.store.fail_slice(failure).await.unwrap();
    for _ in 0..3 {
        let mut commit = a_commit(run, first, vec![stat("1", day(1), 1), stat("1", day(2), 1)]);
        commit.rejected = vec![a_reject(RejectReason::NotANumber, "x")];
        home.store.commit_slice(commit).await.unwrap();
    }
    let progress = home.store.run(run).await.unwrap().progress;
    assert_eq!((progress.slices_done, progress.slices_total), (1, 2));
    assert_eq!((progress.rows, progress.quarantined, progress.requests, progress.retries), (2, 1, 6, 4));
    assert_eq!(home.store.quarantine(run, 0, 10).await.unwrap().len(), 1);

    let slices = home.store.slices(run).await.unwrap();
    assert_eq!((slices[0].state, slices[0].millis, slices[0].failure.is_none()), (SliceState::Done, Some(40), true));
    let reason = slices[1].failure.as_ref().unwrap();
    assert_eq!(
        (slices[1].state, reason.code, reason.params["secs"].as_str()),
        (SliceState::Failed, Code::Timeout, "30")
    );
}

#[tokio::test]
async fn misuse_is_refused_and_changes_nothing() {
    let home = Home::new().await;
    let store = &home.store;
    let (_, connection) = connected(store, "acme").await;
    let run = a_run(store, connection).await;
    assert!(matches!(store.finish_run(run, RunState::Waiting, None, noon()).await, Err(StoreError::Misuse(_))));
    assert!(matches!(
        store.finish_run(RunId::new(), RunState::Done, None, noon()).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(matches!(store.begin_slice(run, 0).await, Err(StoreError::NotFound { what: "slice" })));
    assert!(matches!(store.commit_slice(a_commit(run, 0, vec![])).await, Err(StoreError::NotFound { what: "slice" })));
    assert!(matches!(store.stage(run, 0, vec![stat("1", day(1), 1)]).await, Err(StoreError::NotFound { .. })));
    let again = store::runs::NewRun {
        id: run,
        connection_id: connection,
        trigger: model::run::RunTrigger::Manual,
        range: None,
        streams: None,
        state: RunState::Queued,
        started_at: noon(),
    };
    assert!(matches!(store.create_run(&again).await, Err(StoreError::Conflict { what: "run" })));

    let names = store::slices::NewSlice {
        stream: "campaigns".to_owned(),
        level: Level::Campaign,
        window: None,
        part: Part::Whole,
    };
    let seq = store.plan_slices(run, &[names]).await.unwrap();
    let mut commit = a_commit(run, seq, vec![stat("1", day(1), 1)]);
    commit.objects = vec![crate::object(Level::Campaign, "1", "One")];
    assert!(matches!(store.commit_slice(commit).await, Err(StoreError::Misuse(_))));
    assert!(store.ad_objects(connection, Level::Campaign).await.unwrap().is_empty());
}
