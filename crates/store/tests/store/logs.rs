//! Logs of a run: lines, requests, waits and quarantine, each with its limit.

use crate::{Home, a_commit, a_run, a_slice, at, connected, day, days, noon, runs::a_reject};
use chrono::TimeDelta;
use model::{
    ad::{Level, RejectReason},
    date::DateRange,
    failure::{Code, Failure},
    id::RunId,
    run::{RunState, SliceState},
};
use std::collections::BTreeMap;
use store::{
    Scope, StoreError,
    commit::{Effort, SliceFailure},
    quarantine,
    request_log::{self, Request},
    run_log::{self, LogLine},
    runs::Wish,
    traffic::Tally,
};

#[tokio::test]
async fn the_newest_lines_and_requests_stay() {
    let home = Home::new().await;
    let (_, connection) = connected(&home.store, "acme").await;
    let (run, other) = (a_run(&home.store, connection).await, a_run(&home.store, connection).await);
    let line = |number: usize| LogLine {
        at: noon() + TimeDelta::seconds(i64::try_from(number).unwrap()),
        event: "page_read".to_owned(),
        params: BTreeMap::from([("page".to_owned(), number.to_string())]),
    };
    let request = |number: usize| Request {
        at: noon(),
        method: "GET".to_owned(),
        url: format!("https://ads.example/{number}"),
        status: number.is_multiple_of(2).then_some(200),
        millis: 12,
        bytes: 1 << 33,
        attempt: 1 + u32::try_from(number % 3 / 2).unwrap(),
        limits: vec![("x-ratelimit-remaining".to_owned(), number.to_string())],
        failure: (number % 2 == 1).then(|| "timeout".to_owned()),
    };
    home.store.append_run_log(other, &[line(1)]).await.unwrap();
    home.store.append_requests(other, &[request(1)]).await.unwrap();
    home.store.append_run_log(run, &(0..1_700).map(line).collect::<Vec<_>>()).await.unwrap();
    home.store.append_run_log(run, &(1_700..2_300).map(line).collect::<Vec<_>>()).await.unwrap();
    home.store.append_requests(run, &(0..2_300).map(request).collect::<Vec<_>>()).await.unwrap();

    let lines = home.store.run_log(run).await.unwrap();
    assert_eq!(lines, (2_300 - run_log::KEPT as usize..2_300).rev().map(line).collect::<Vec<_>>());
    let requests = home.store.requests(run).await.unwrap();
    assert_eq!(requests, (2_300 - request_log::KEPT as usize..2_300).rev().map(request).collect::<Vec<_>>());
    // The counters know of all of them, the log of the newest.
    let day = DateRange::day(noon().date_naive());
    let [traffic] = home.store.traffic(Some(connection), day).await.unwrap()[..] else { panic!("one day has traffic") };
    assert_eq!(
        traffic.tally,
        Tally { requests: 2_301, bytes: 2_301 << 33, retries: 766, errors: 1_151 },
        "every third from the second is a repeat, every second has no answer"
    );
    assert_eq!(home.store.traffic(None, DateRange::day(noon().date_naive().succ_opt().unwrap())).await.unwrap(), []);
    assert_eq!(home.store.newest_addresses().await.unwrap().len(), 1);
    assert_eq!(home.store.run_log(other).await.unwrap(), [line(1)]);
    assert_eq!(home.store.requests(other).await.unwrap(), [request(1)]);
    assert!(matches!(
        home.store.append_run_log(RunId::new(), &[line(1)]).await,
        Err(StoreError::NotFound { what: "run" })
    ));
}

#[tokio::test]
async fn a_run_waits_and_goes_on() {
    let home = Home::new().await;
    let (_, connection) = connected(&home.store, "acme").await;
    let run = a_run(&home.store, connection).await;
    let until = at("2026-11-20T13:00:00Z");
    let reason = Failure::new(Code::QuotaWait).with("system", "VK").until(until);
    home.store.begin_wait(run, &reason, noon()).await.unwrap();
    let waiting = home.store.run(run).await.unwrap();
    assert_eq!((waiting.state, waiting.waiting_until), (RunState::Waiting, Some(until)));
    home.store.end_wait(run, noon() + TimeDelta::milliseconds(1_500)).await.unwrap();
    assert!(matches!(home.store.end_wait(run, until).await, Err(StoreError::NotFound { what: "wait" })));
    // A second wait that the end of the run cuts short, with a clock that went back.
    home.store.begin_wait(run, &reason, noon()).await.unwrap();
    home.store.finish_run(run, RunState::Stopped, None, noon() - TimeDelta::hours(1)).await.unwrap();
    let waits = home.store.waits(run).await.unwrap();
    assert_eq!(waits.iter().map(|wait| wait.millis).collect::<Vec<_>>(), [Some(0), Some(1_500)]);
    assert_eq!((waits[0].reason.code, waits[0].until), (Code::QuotaWait, Some(until)));
    assert_eq!(home.store.run(run).await.unwrap().waiting_until, None);
}

#[tokio::test]
async fn a_parked_run_rests_with_its_reason_and_goes_on_from_its_slices() {
    let home = Home::new().await;
    let store = &home.store;
    let (_, connection) = connected(store, "acme").await;
    let until = at("2026-11-20T21:00:00Z");
    let quota = Failure::new(Code::QuotaWait).with("system", "VK").until(until);
    for (wish, state) in
        [(None, RunState::Waiting), (Some(Wish::Stop), RunState::Stopped), (Some(Wish::Pause), RunState::Paused)]
    {
        let run = a_run(store, connection).await;
        let seq = a_slice(store, run, Level::Campaign, days(1, 2)).await;
        store.begin_slice(run, seq).await.unwrap();
        // What it waited for before in the same go is over.
        store.begin_wait(run, &quota, noon()).await.unwrap();
        assert!(!store.run(run).await.unwrap().is_parked(), "somebody has it in hand");
        store.unpark_run(run, noon()).await.unwrap();
        assert_eq!(store.run(run).await.unwrap().state, RunState::Waiting, "it is not parked");
        let failure = SliceFailure {
            run_id: run,
            slice_seq: seq,
            failure: quota.clone(),
            tried_at: noon(),
            effort: Effort::default(),
        };
        store.fail_slice(failure).await.unwrap();
        assert_eq!(store.day_cells(Scope::Portfolio, days(1, 2)).await.unwrap(), [], "nothing is wrong with its days");
        if let Some(wish) = wish {
            store.wish_run(run, wish).await.unwrap();
        }
        let later = noon() + TimeDelta::minutes(2);
        assert_eq!(store.park_run(run, &quota, until, later).await.unwrap(), state, "{wish:?}");
        let parked = store.run(run).await.unwrap();
        assert_eq!((parked.state, parked.is_parked(), parked.wish), (state, wish.is_none(), None), "{wish:?}");
        assert_eq!(parked.waiting_until, wish.is_none().then_some(until), "{wish:?}");
        assert_eq!(parked.ended_at.is_some(), state == RunState::Stopped);
        assert_eq!(store.slices(run).await.unwrap()[0].state, SliceState::Pending, "{wish:?}");
        let open = |waits: &[store::waits::Wait]| waits.iter().filter(|wait| wait.millis.is_none()).count();
        assert_eq!(open(&store.waits(run).await.unwrap()), usize::from(wish.is_none()), "{wish:?}");
        store.unpark_run(run, until).await.unwrap();
        let went_on = store.run(run).await.unwrap();
        assert_eq!(went_on.state, if wish.is_none() { RunState::Queued } else { state }, "{wish:?}");
        if wish.is_none() {
            assert_eq!((went_on.waiting_until, went_on.failure), (None, None));
            let waits = store.waits(run).await.unwrap();
            assert_eq!((open(&waits), waits[0].millis), (0, Some((until - later).num_milliseconds().unsigned_abs())));
        }
    }
}

#[tokio::test]
async fn quarantine_counts_all_keeps_the_first_and_groups_them() {
    let home = Home::new().await;
    let (_, connection) = connected(&home.store, "acme").await;
    let run = a_run(&home.store, connection).await;
    let seq = a_slice(&home.store, run, Level::Campaign, days(1, 2)).await;
    let mut rejected = vec![a_reject(RejectReason::UnknownWord, &"ё".repeat(900))];
    rejected.extend((0..quarantine::KEPT + 500).map(|number| a_reject(RejectReason::Negative, &format!("-{number}"))));
    let mut commit = a_commit(run, seq, Vec::new());
    commit.rejected = rejected;
    let committed = home.store.commit_slice(commit).await.unwrap();
    assert_eq!(committed.quarantined, quarantine::KEPT as u64 + 501);
    assert_eq!(home.store.run(run).await.unwrap().progress.quarantined, committed.quarantined);
    assert_eq!(home.store.quarantine_kept(run).await.unwrap(), quarantine::KEPT as u64);

    let page = home.store.quarantine(run, 1, 3).await.unwrap();
    assert_eq!(page.iter().map(|row| row.value.as_str()).collect::<Vec<_>>(), ["-0", "-1", "-2"]);
    assert_eq!((page[0].line, page[0].date, page[0].raw.as_str()), (Some(7), Some(day(1)), r#"{"clicks":"-0"}"#));
    assert_eq!(home.store.quarantine(run, 0, 1).await.unwrap()[0].value.chars().count(), 500);
    let groups = home.store.quarantine_groups(run).await.unwrap();
    assert_eq!(
        groups.iter().map(|group| (group.reason, group.count)).collect::<Vec<_>>(),
        [(RejectReason::Negative, quarantine::KEPT as u64 - 1), (RejectReason::UnknownWord, 1)]
    );
}
