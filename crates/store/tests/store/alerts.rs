//! Alerts, their rules and what is told: one living alert per subject, one digest a day, and nothing told twice.

use crate::{Home, a_commit, a_run, a_slice, connected, day, days, noon, object, stat, write};
use chrono::{DateTime, TimeDelta, Utc};
use model::{
    ad::{AdObject, Level, ObjectStatus},
    alert::{AlertAction, AlertKind, AlertState, Severity, TellingKind, Threshold},
    failure::{Code, Failure},
    id::{ConnectionId, RunId},
    money::Micros,
    run::{DayState, RunState},
    settings::ZeroRows,
};
use std::collections::BTreeMap;
use store::{
    Scope, Store, StoreError,
    alerts::{Found, Reviewed},
    commit::SliceCommit,
};

const JUDGED: &[AlertKind] = &[AlertKind::EmptyDay, AlertKind::Stale];

fn empty_day(number: u32, usual: &str) -> Found {
    Found {
        kind: AlertKind::EmptyDay,
        stream: None,
        days: Some(days(number, number)),
        severity: Severity::Critical,
        params: BTreeMap::from([("usual".to_owned(), usual.to_owned())]),
    }
}

fn stale() -> Found {
    Found { kind: AlertKind::Stale, stream: None, days: None, severity: Severity::Warning, params: BTreeMap::new() }
}

fn after(hours: i64) -> DateTime<Utc> {
    noon() + TimeDelta::hours(hours)
}

async fn review(store: &Store, id: ConnectionId, found: &[Found], hours: i64) -> Reviewed {
    store.review_alerts(id, JUDGED, found, None, after(hours)).await.unwrap()
}

async fn shown(store: &Store) -> Vec<(AlertKind, AlertState)> {
    let alerts = store.alerts(Scope::Portfolio, noon()).await.unwrap();
    alerts.iter().map(|alert| (alert.subject.kind, alert.state)).collect()
}

#[tokio::test]
async fn the_same_facts_are_one_alert_until_they_are_over() {
    let home = Home::new().await;
    let store = &home.store;
    let (client, id) = connected(store, "acme").await;
    let run = a_run(store, id).await;
    assert_eq!(review(store, id, &[], 0).await, Reviewed::default());

    let found = [empty_day(18, "900"), stale()];
    let first = store.review_alerts(id, JUDGED, &found, Some(run), after(0)).await.unwrap();
    assert_eq!(first, Reviewed { opened: 2, told: 1, ..Reviewed::default() });
    assert_eq!(review(store, id, &found, 1).await, Reviewed::default(), "nothing is new");
    let other = [empty_day(18, "905"), empty_day(19, "900"), stale()];
    assert_eq!(review(store, id, &other, 2).await, Reviewed { opened: 1, changed: 1, told: 1, settled: 0 });

    let alerts = store.alerts(Scope::Client(client), noon()).await.unwrap();
    let oldest = alerts.iter().rfind(|alert| alert.subject.kind == AlertKind::EmptyDay).unwrap();
    assert_eq!((oldest.opened_at, oldest.run_id, oldest.subject.days), (after(0), Some(run), Some(days(18, 18))));
    assert_eq!(oldest.params["usual"], "905");

    // Another rule's findings are not settled by one that did not look for them.
    let only_stale = store.review_alerts(id, &[AlertKind::Stale], &[], None, after(3)).await.unwrap();
    assert_eq!(only_stale, Reviewed { settled: 1, ..Reviewed::default() });
    assert_eq!(review(store, id, &[], 4).await, Reviewed { settled: 2, ..Reviewed::default() });
    assert_eq!(review(store, id, &[], 5).await, Reviewed::default());
    assert_eq!(store.alerts(Scope::Portfolio, after(4)).await.unwrap().len(), 2, "settled since the fourth hour");

    // What comes again is another alert.
    assert_eq!(
        review(store, id, &[empty_day(18, "900")], 6).await,
        Reviewed { opened: 1, told: 1, ..Reviewed::default() }
    );
    assert!(matches!(
        store.review_alerts(id, &[AlertKind::Stale], &[empty_day(18, "1")], None, noon()).await,
        Err(StoreError::Misuse(_))
    ));
    assert!(matches!(
        store.review_alerts(id, JUDGED, &[stale()], Some(RunId::new()), noon()).await,
        Err(StoreError::NotFound { what: "run" })
    ));
}

#[tokio::test]
async fn what_a_person_muted_stays_quiet_until_its_facts_are_over() {
    let home = Home::new().await;
    let store = &home.store;
    let (client, id) = connected(store, "acme").await;
    review(store, id, &[stale()], 0).await;
    let alert = store.alerts(Scope::Portfolio, noon()).await.unwrap().remove(0);
    store.mute_alert(alert.id, true, after(1)).await.unwrap();
    assert_eq!(store.alert(alert.id).await.unwrap().state, AlertState::Muted);

    // It becomes urgent while nobody wants to hear of it.
    let urgent = Found { severity: Severity::Critical, ..stale() };
    assert_eq!(
        review(store, id, std::slice::from_ref(&urgent), 2).await,
        Reviewed { changed: 1, ..Reviewed::default() }
    );
    assert!(!store.make_digest(client, day(20), after(3)).await.unwrap());
    store.mute_alert(alert.id, false, after(4)).await.unwrap();
    assert_eq!(review(store, id, std::slice::from_ref(&urgent), 5).await, Reviewed { told: 1, ..Reviewed::default() });

    store.mute_alert(alert.id, true, after(6)).await.unwrap();
    review(store, id, &[], 7).await;
    store.mute_alert(alert.id, false, after(8)).await.unwrap();
    assert_eq!(shown(store).await, [(AlertKind::Stale, AlertState::Settled)]);
    assert_eq!(review(store, id, &[urgent], 9).await, Reviewed { opened: 1, told: 1, ..Reviewed::default() });
    let gone = model::id::AlertId::new();
    assert!(matches!(store.mute_alert(gone, true, noon()).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn what_is_urgent_is_told_once_and_the_rest_once_a_day() {
    let home = Home::new().await;
    let store = &home.store;
    let (client, id) = connected(store, "acme").await;
    assert!(!store.make_digest(client, day(20), after(0)).await.unwrap(), "nothing to tell");
    review(store, id, &[stale()], 0).await;
    review(store, id, &[], 1).await;
    assert!(!store.make_digest(client, day(20), after(1)).await.unwrap(), "over before anybody heard of it");

    review(store, id, &[stale(), empty_day(18, "900")], 2).await;
    assert!(store.make_digest(client, day(20), after(3)).await.unwrap());
    review(store, id, &[empty_day(18, "900"), empty_day(19, "900")], 4).await;
    assert!(!store.make_digest(client, day(20), after(5)).await.unwrap(), "one a day");
    assert!(store.make_digest(client, day(21), after(24)).await.unwrap());
    review(store, id, &[], 25).await;
    assert!(store.make_digest(client, day(22), after(48)).await.unwrap(), "what is over is news, too");
    assert!(!store.make_digest(client, day(23), after(72)).await.unwrap());
    assert_eq!(store.digest_days().await.unwrap(), [(client, day(22))]);

    let tellings = store.tellings_after(0, 100).await.unwrap();
    let told: Vec<_> = tellings
        .iter()
        .map(|telling| {
            let alerts: Vec<_> = telling.alerts.iter().map(|alert| (alert.kind, alert.state)).collect();
            (telling.kind, telling.date, alerts)
        })
        .collect();
    let (empty, stale, open, settled) = (AlertKind::EmptyDay, AlertKind::Stale, AlertState::Open, AlertState::Settled);
    assert_eq!(
        told,
        [
            (TellingKind::Critical, None, vec![(empty, open)]),
            (TellingKind::Digest, Some(day(20)), vec![(empty, open), (stale, open)]),
            (TellingKind::Critical, None, vec![(empty, open)]),
            (TellingKind::Digest, Some(day(21)), vec![(empty, open), (empty, open), (stale, settled)]),
            (TellingKind::Digest, Some(day(22)), vec![(empty, settled), (empty, settled)]),
        ]
    );
    let first = &tellings[0].alerts[0];
    assert_eq!((first.client_name.as_str(), first.account_name.as_str()), ("acme", "Cabinet acme"));
    assert_eq!((first.connector.as_str(), first.action), ("vk_ads", AlertAction::Recollect));
    assert_eq!((first.days, first.connection_id), (Some(days(18, 18)), id));
    assert_eq!(store.tellings_after(tellings[1].number, 2).await.unwrap(), tellings[2..4]);

    // A client takes what was told of it along.
    store.delete_connection(id).await.unwrap();
    assert_eq!(store.tellings_after(0, 100).await.unwrap().len(), 5, "a message needs no connection");
    store.delete_client(client).await.unwrap();
    assert!(store.tellings_after(0, 100).await.unwrap().is_empty());
}

#[tokio::test]
async fn rules_are_what_a_person_made_of_them() {
    let home = Home::new().await;
    let store = &home.store;
    let rules = store.alert_rules().await.unwrap();
    assert_eq!(rules.len(), AlertKind::ALL.len());
    assert!(rules.iter().all(|(kind, rule)| *rule == kind.rule() && rule.check().is_ok()));

    let mut mine = AlertKind::Failing.rule();
    mine.enabled = false;
    mine.severity = Severity::Notice;
    mine.thresholds.insert(Threshold::Failures, 5);
    store.set_alert_rule(&mine).await.unwrap();
    store.set_alert_rule(&mine).await.unwrap();
    let rules = store.alert_rules().await.unwrap();
    assert_eq!(rules[&AlertKind::Failing], mine);
    assert_eq!(rules[&AlertKind::Stale], AlertKind::Stale.rule());

    for (what, threshold, value) in [
        ("zero attempts", Threshold::Failures, 0),
        ("more than allowed", Threshold::Failures, 21),
        ("not its number", Threshold::Percent, 50),
    ] {
        let mut wrong = AlertKind::Failing.rule();
        wrong.thresholds.insert(threshold, value);
        assert_eq!(wrong.check(), Err(threshold), "{what}");
        assert!(matches!(store.set_alert_rule(&wrong).await, Err(StoreError::Misuse(_))), "{what}");
    }
    let mut short = AlertKind::ErrorShare.rule();
    short.thresholds.remove(&Threshold::Percent);
    assert_eq!(short.check(), Err(Threshold::Percent));

    // A number from another version that this one does not allow.
    let mut raw = home.raw().await;
    sqlx::query("UPDATE alert_rules SET thresholds = '{\"failures\":9000,\"moons\":2}'")
        .execute(&mut raw)
        .await
        .unwrap();
    let read = store.alert_rules().await.unwrap().remove(&AlertKind::Failing).unwrap();
    assert_eq!((read.enabled, read.number(Threshold::Failures)), (false, 3));
}

#[tokio::test]
async fn a_jump_is_explained_by_what_ended_what_pauses_and_what_is_new() {
    let home = Home::new().await;
    let (_, id) = connected(&home.store, "acme").await;
    let run = a_run(&home.store, id).await;
    let seq = a_slice(&home.store, run, Level::Campaign, days(1, 10)).await;
    let of = |name: &str, status| AdObject { status, ..object(Level::Campaign, name, name) };
    let mut commit = a_commit(run, seq, vec![]);
    commit.objects = vec![
        of("steady", ObjectStatus::Active),
        of("paused", ObjectStatus::Active),
        of("vanished", ObjectStatus::Active),
        of("stopped", ObjectStatus::Stopped),
        of("deleted", ObjectStatus::Deleted),
        of("new", ObjectStatus::Active),
    ];
    for number in 1..=10 {
        let mut on = |name: &str, roubles: i64| commit.stats.push(stat(name, day(number), roubles));
        on("steady", 50);
        on("paused", if number == 10 { 0 } else { 20 });
        if number < 10 {
            on("vanished", 30);
            on("stopped", 10);
        }
        // It delivered on three days only: what it brought on those is what is gone.
        on("deleted", if number < 4 { 7 } else { 0 });
        if number == 10 {
            on("new", 90);
        }
    }
    home.store.commit_slice(commit).await.unwrap();
    let shift = home.store.shift(id, Level::Campaign, day(10), 28).await.unwrap();
    let spent = |sums: store::daily_rollups::Sums| (sums.cost, sums.rows);
    assert_eq!(spent(shift.ended), (Micros::whole(17), 1), "only one of the two has no row");
    assert_eq!(spent(shift.idle), (Micros::whole(20), 0), "what vanished without a word is explained by nothing");
    assert_eq!(spent(shift.fresh), (Micros::whole(90), 1));
    assert_eq!(shift.ended.impressions, Some(1700));
    let mut leaves = home.store.connection(id).await.unwrap();
    leaves.settings.zero_rows = ZeroRows::LeaveOut;
    home.store.update_connection(&leaves).await.unwrap();
    let shift = home.store.shift(id, Level::Campaign, day(10), 28).await.unwrap();
    assert_eq!(
        spent(shift.idle),
        (Micros::whole(50), 0),
        "where zeros are left out, no row is as good as one of zeros"
    );
    assert_eq!(spent(shift.ended), (Micros::whole(17), 1));
    assert_eq!(home.store.shift(id, Level::Ad, day(10), 28).await.unwrap(), store::alert_facts::Shift::default());
}

#[tokio::test]
async fn days_are_read_with_their_totals_and_what_they_were() {
    let home = Home::new().await;
    let (_, id) = connected(&home.store, "acme").await;
    write(&home.store, id, Level::Campaign, days(16, 17), vec![stat("1", day(16), 5), stat("2", day(16), 6)]).await;
    write(&home.store, id, Level::Campaign, days(16, 16), vec![stat("1", day(16), 3)]).await;
    write(&home.store, id, Level::Ad, days(17, 17), vec![]).await;
    let read = home.store.read_days(id, day(10)).await.unwrap();
    let brief: Vec<_> = read
        .iter()
        .map(|day| {
            (
                day.stream.as_str(),
                day.date,
                day.is_total,
                day.sums.rows,
                day.sums.cost,
                day.before.map(|sums| sums.cost),
            )
        })
        .collect();
    assert_eq!(
        brief,
        [
            ("ad_stats", day(17), false, 0, None, None),
            ("campaign_stats", day(16), true, 1, Micros::whole(3), Some(Micros::whole(11))),
            ("campaign_stats", day(17), true, 0, None, None),
        ]
    );
    assert!(read.iter().all(|day| day.state == DayState::Final));
    let mut fewer = home.store.connection(id).await.unwrap();
    fewer.settings.streams = crate::streams(&["campaigns", "campaign_stats"]);
    home.store.update_connection(&fewer).await.unwrap();
    assert_eq!(
        home.store.read_days(id, day(17)).await.unwrap().len(),
        2,
        "a stream that the connection forgot still has days"
    );
}

#[tokio::test]
async fn a_day_whose_rows_were_left_out_is_another_one_than_an_empty_day() {
    let home = Home::new().await;
    let (_, id) = connected(&home.store, "acme").await;
    let window = days(16, 18);
    let run = a_run(&home.store, id).await;
    let seq = a_slice(&home.store, run, Level::Campaign, window).await;
    let left_out = [(day(16), 40), (day(17), 3), (day(25), 9)].into();
    let commit = SliceCommit { left_out, ..a_commit(run, seq, vec![stat("1", day(16), 3)]) };
    home.store.commit_slice(commit).await.unwrap();
    let brief = async || -> Vec<_> {
        let read = home.store.read_days(id, day(10)).await.unwrap();
        read.iter().map(|day| (day.date, day.sums.rows, day.sums.cost, day.sums.impressions.is_some())).collect()
    };
    let nothing = Micros::whole(0);
    let told = [(day(16), 41, Micros::whole(3), true), (day(17), 3, nothing, true), (day(18), 0, None, false)];
    assert_eq!(brief().await, told);
    // Read again and kept: what was left out before is no part of it.
    write(&home.store, id, Level::Campaign, days(17, 17), vec![stat("1", day(17), 0)]).await;
    assert_eq!(brief().await[1], (day(17), 1, nothing, true));
}

#[tokio::test]
async fn how_the_last_attempt_ended() {
    let home = Home::new().await;
    let (client, id) = connected(&home.store, "acme").await;
    let (store, scope) = (&home.store, Scope::Client(client));
    assert_eq!(store.last_ends(scope).await.unwrap(), []);
    let ended = async |state: RunState, failure: Option<Failure>, hours: i64| {
        let run = a_run(store, id).await;
        store.finish_run(run, state, failure.as_ref(), after(hours)).await.unwrap();
        run
    };
    ended(RunState::Done, None, 1).await;
    let failed = ended(RunState::Failed, Some(Failure::new(Code::PlatformDown)), 2).await;
    ended(RunState::Stopped, None, 3).await;
    let last = store.last_ends(scope).await.unwrap().remove(0);
    assert_eq!(
        (last.run_id, last.state, last.running),
        (failed, RunState::Failed, false),
        "a stopped attempt says nothing"
    );
    assert_eq!((last.synced_at, last.failure.unwrap().code), (Some(after(1)), Code::PlatformDown));
    a_run(store, id).await;
    let last = store.last_ends(scope).await.unwrap().remove(0);
    assert_eq!((last.run_id, last.running), (failed, true));
}
