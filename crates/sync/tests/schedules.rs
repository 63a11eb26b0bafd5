//! The scheduler over a scripted source and a clock that the test sets: every start comes once, also after nights with the lid closed,
//! and a platform that is down is asked less and less often.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod house;

use chrono::{DateTime, TimeDelta, Utc};
use house::{Act, Battery, House, Wires, ZONE};
use kit::{clock::Clock, testing::VirtualClock};
use model::{
    alert::{AlertKind, AlertState, TellingKind},
    connection::ConnectionState,
    date::{DateRange, today},
    failure::Code,
    id::WorkspaceId,
    money::Currency,
    power::BatterySaver,
    run::{RunState, RunTrigger},
    schedule::Schedule,
};
use std::{sync::Arc, time::Duration};
use store::{
    Scope,
    runs::{RunEnd, RunQuery},
};
use sync::{engine::Asked, scheduler::Scheduler};

/// A workspace, its clock and its scheduler.
struct Office {
    house: House,
    clock: Arc<VirtualClock>,
    battery: Arc<Battery>,
    scheduler: Scheduler,
}

impl Office {
    async fn open(at: &str) -> Self {
        let clock = VirtualClock::at(DateTime::parse_from_rfc3339(at).unwrap().to_utc());
        clock.freeze();
        let house = House::with_clock(Arc::clone(&clock) as Arc<dyn Clock>).await;
        let wires = Arc::new(Wires(Arc::clone(&house.source)));
        let battery = Arc::new(Battery::default());
        let scheduler = Scheduler::new(
            house.store.clone(),
            house.engine.clone(),
            wires,
            Arc::clone(&battery) as _,
            Arc::clone(&clock) as _,
        );
        Self { house, clock, battery, scheduler }
    }

    async fn set(&self, schedule: Schedule) {
        let mut connection = self.house.store.connection(self.house.connection).await.unwrap();
        connection.settings.schedule = schedule;
        self.house.store.update_connection(&connection).await.unwrap();
        self.scheduler.look_at(self.house.connection).await.unwrap();
    }

    /// Lets time pass with a look every so often; how many runs were started, all of them ended.
    async fn awake(&self, span: TimeDelta, every: TimeDelta) -> usize {
        let (mut started, end) = (0, self.clock.now() + span);
        while self.clock.now() < end {
            self.clock.advance(every.to_std().unwrap());
            for run in self.scheduler.look().await.unwrap() {
                tokio::time::timeout(Duration::from_mins(1), self.house.engine.finished(run)).await.unwrap();
                started += 1;
            }
        }
        started
    }

    /// The lid is closed.
    fn asleep(&self, span: TimeDelta) {
        self.clock.advance(span.to_std().unwrap());
    }

    async fn runs(&self) -> Vec<store::runs::Run> {
        let query =
            RunQuery { scope: Scope::Portfolio, connection_id: None, end: RunEnd::All, before: None, limit: 10_000 };
        self.house.store.runs(query).await.unwrap()
    }
}

const MINUTE: TimeDelta = TimeDelta::minutes(1);
const HOUR: TimeDelta = TimeDelta::hours(1);

#[tokio::test]
async fn a_month_of_a_laptop_that_sleeps_every_night_misses_no_day_and_doubles_none() {
    // Every morning at six in Moscow, while the lid is open from nine to seven in the evening.
    let office = Office::open("2026-11-01T06:00:00Z").await;
    assert_eq!(office.awake(HOUR * 10, MINUTE * 5).await, 0, "the first morning is already over");
    let mut days = Vec::new();
    for _ in 0..30 {
        office.asleep(HOUR * 14);
        assert_eq!(office.awake(HOUR * 10, MINUTE * 5).await, 1, "one run a day, on {}", office.clock.now());
        days.push(office.clock.now().date_naive());
    }
    // A holiday: nine days asleep are one run, which reads all of them.
    office.asleep(TimeDelta::days(9) + HOUR * 14);
    office.house.source.acts([]);
    assert_eq!(office.awake(HOUR * 10, MINUTE * 5).await, 1);
    assert_eq!(office.house.source.windows(), 5, "the ten days since the last run in windows of two");
    let runs = office.runs().await;
    assert_eq!(runs.len(), 31);
    assert!(runs.iter().all(|run| run.state == RunState::Done && run.trigger == RunTrigger::Schedule));
}

#[tokio::test]
async fn a_low_battery_holds_what_nobody_waits_for_and_the_plug_catches_it_up_once() {
    // Noon in Moscow; the turns are at six in the morning.
    let office = Office::open("2026-11-02T09:00:00Z").await;
    let (house, store) = (&office.house, &office.house.store);
    let other = house.another("2").await;
    house.run().await;
    office.battery.drained_to(21);
    assert_eq!(office.awake(HOUR * 24, MINUTE * 15).await, 2, "there is enough left");

    office.battery.drained_to(20);
    assert_eq!(office.awake(HOUR * 72, MINUTE * 15).await, 0, "three mornings of two connections wait");
    let waiting = office.scheduler.waiting().await.unwrap().unwrap();
    assert_eq!((waiting.connections.len(), waiting.power.percent, waiting.parked), (2, Some(20), vec![]));
    let by_hand = house.run().await;
    assert_eq!(store.run(by_hand).await.unwrap().state, RunState::Done, "a person is never held");

    office.battery.plugged_in();
    assert_eq!(office.scheduler.waiting().await.unwrap(), None);
    let caught_up = office.scheduler.look().await.unwrap();
    let mut whose = Vec::new();
    for run in caught_up {
        house.engine.finished(run).await;
        let run = store.run(run).await.unwrap();
        assert_eq!((run.trigger, run.state), (RunTrigger::Schedule, RunState::Done));
        whose.push(run.connection_id);
    }
    assert_eq!(whose, [house.connection, other], "one run of each for three mornings");
    assert_eq!(office.awake(HOUR * 12, MINUTE * 15).await, 0, "and no other before the next morning");
    assert_eq!(office.awake(HOUR * 12, MINUTE * 15).await, 2);
    assert_eq!(house.clicks().await, 15 + 14, "every day of both once");

    // Another charge, or none at all: what was held is caught up, and the next morning comes as ever.
    let workspace = store::workspace::Workspace {
        id: WorkspaceId::new(),
        name: "Агентство Полюс".to_owned(),
        currency: Currency::RUB,
        time_zone: ZONE.to_owned(),
        demo: false,
        created_at: office.clock.now(),
    };
    store.set_workspace(&workspace).await.unwrap();
    assert_eq!(store.battery_saver().await.unwrap(), BatterySaver::default());
    office.battery.drained_to(10);
    for (saver, started) in [
        (BatterySaver { enabled: true, percent: 10 }, 0),
        (BatterySaver { enabled: true, percent: 9 }, 2 + 2),
        (BatterySaver { enabled: true, percent: 50 }, 0),
        (BatterySaver { enabled: false, percent: 50 }, 2 + 2),
    ] {
        store.set_battery_saver(saver).await.unwrap();
        assert_eq!(office.awake(HOUR * 24, MINUTE * 15).await, started, "{saver:?}");
    }
    assert!(store.set_battery_saver(BatterySaver { enabled: true, percent: 0 }).await.is_err());
}

#[tokio::test]
async fn a_person_may_start_what_waits_for_power_and_it_is_not_caught_up_again() {
    let office = Office::open("2026-11-02T09:00:00Z").await;
    let (house, store) = (&office.house, &office.house.store);
    let other = house.another("2").await;
    house.run().await;
    office.awake(MINUTE, MINUTE).await;
    assert_eq!(office.scheduler.start_waiting().await.unwrap(), [], "nothing waits");
    // A first load of the other one stops at its quota, which is free again at midnight.
    house.source.all_since(2, &Act::Quota(office.clock.now() + HOUR * 12));
    let long = house.engine.start(other, RunTrigger::First, Asked::due()).await.unwrap();
    house.engine.finished(long).await;
    house.source.acts([]);
    office.battery.drained_to(15);
    assert_eq!(office.awake(HOUR * 40, MINUTE * 15).await, 0);
    assert!(store.run(long).await.unwrap().is_parked(), "what goes on by itself waits too");
    let waiting = office.scheduler.waiting().await.unwrap().unwrap();
    assert_eq!((waiting.connections, waiting.parked), (vec![house.connection, other], vec![(long, other)]));

    let mut started = office.scheduler.start_waiting().await.unwrap();
    for run in &started {
        house.engine.finished(*run).await;
        assert_eq!(store.run(*run).await.unwrap().state, RunState::Done, "{run}");
    }
    assert_eq!(started.pop(), Some(long));
    assert_eq!(started.len(), 2);
    assert_eq!(office.scheduler.waiting().await.unwrap(), None);
    office.battery.plugged_in();
    assert_eq!(office.awake(HOUR, MINUTE * 15).await, 0, "it was done");
    assert_eq!(house.clicks().await, 12 + 12, "every day of both once, also those of the first load");
}

#[tokio::test]
async fn a_parked_run_that_waits_for_power_goes_on_for_whoever_starts_it() {
    let office = Office::open("2026-11-02T09:00:00Z").await;
    let (house, store) = (&office.house, &office.house.store);
    house.source.all_since(0, &Act::Quota(office.clock.now() + HOUR));
    let parked = house.run().await;
    house.source.acts([]);
    office.battery.drained_to(15);
    let asked = async || house.engine.start(house.connection, RunTrigger::Manual, Asked::due()).await.unwrap();
    office.awake(MINUTE * 30, MINUTE).await;
    assert_eq!(asked().await, parked);
    assert!(store.run(parked).await.unwrap().is_parked(), "its platform allows nothing yet, whoever asks");
    office.awake(HOUR, MINUTE).await;
    house.engine.look().await.unwrap();
    assert!(store.run(parked).await.unwrap().is_parked(), "the battery holds it");
    assert_eq!(asked().await, parked);
    house.engine.finished(parked).await;
    assert_eq!(store.run(parked).await.unwrap().state, RunState::Done);
}

#[tokio::test]
async fn a_schedule_holds_from_the_moment_it_is_set() {
    let office = Office::open("2026-11-02T06:00:30Z").await;
    for (schedule, hours, runs) in [
        (Schedule::Off, 48, 0),
        (Schedule::Hourly { every: 4 }, 24, 6),
        (Schedule::Cron { expression: "30 9,18 * * *".to_owned() }, 48, 4),
        (Schedule::default(), 72, 3),
    ] {
        office.set(schedule.clone()).await;
        assert_eq!(office.awake(TimeDelta::hours(hours), MINUTE * 5).await, runs, "{schedule:?}");
    }
    // A clock that was a month ahead left a turn a month ahead.
    office.clock.advance(Duration::from_hours(24 * 30));
    office.scheduler.look().await.unwrap();
    let turn = office.house.store.turn(office.house.connection).await.unwrap();
    let next: DateTime<Utc> = turn.next_at.unwrap();
    assert!(next - office.clock.now() <= TimeDelta::days(1), "{next}");
}

#[tokio::test]
async fn a_platform_that_is_down_is_asked_less_and_less_often_and_at_once_again_when_it_is_back() {
    let office = Office::open("2026-11-02T12:00:00Z").await;
    let down = |code| office.house.source.all_since(0, &Act::Fail(code));
    down(Code::PlatformDown);
    // It is three in the afternoon in Moscow, and nothing is due until six in the morning and a few minutes.
    assert_eq!(office.awake(HOUR * 15, MINUTE).await, 0);
    while office.awake(MINUTE, MINUTE).await == 0 {}
    let started = office.awake(HOUR * 8, MINUTE).await;
    // After 5, 15, 30, 60, 120 and 240 minutes.
    assert_eq!(started, 6);
    let turn = office.house.store.turn(office.house.connection).await.unwrap();
    assert_eq!(turn.failures, 7);
    // An offline laptop is no failure of the platform, and looks every two minutes.
    down(Code::Offline);
    office.asleep(HOUR * 4);
    let started = office.awake(MINUTE * 20, MINUTE).await;
    assert!((9..=11).contains(&started), "{started}");
    assert_eq!(office.house.store.turn(office.house.connection).await.unwrap().failures, 7);
    office.house.source.acts([]);
    assert_eq!(office.awake(MINUTE * 20, MINUTE).await, 1);
    let turn = office.house.store.turn(office.house.connection).await.unwrap();
    assert_eq!((turn.failures, turn.retry_at), (0, None));
    assert_eq!(office.house.clicks().await, 10, "every day once");
}

#[tokio::test]
async fn a_run_whose_quota_is_used_up_rests_and_goes_on_where_it_stopped_after_what_is_new() {
    // Three in the afternoon in Moscow; the quota is free again at midnight, and the turn is at six and a few minutes.
    let office = Office::open("2026-11-02T12:00:00Z").await;
    let (house, store) = (&office.house, &office.house.store);
    house.run().await;
    office.awake(MINUTE, MINUTE).await;
    let midnight = office.clock.now() + HOUR * 9;
    let days = DateRange::ending(today(office.clock.now(), ZONE).pred_opt().unwrap(), 10);
    house.source.all_since(2, &Act::Quota(midnight));
    let long = house.engine.start(house.connection, RunTrigger::Recollect, Asked::days(days)).await.unwrap();
    house.engine.finished(long).await;
    let parked = store.run(long).await.unwrap();
    assert!(parked.is_parked() && parked.ended_at.is_none(), "{parked:?}");
    assert_eq!(house.outcome(long).await.1, 3, "names and two of five windows");
    let turn = store.turn(house.connection).await.unwrap();
    assert_eq!((turn.failures, turn.retry_at), (0, None), "a quota is no failure");
    // The morning's turn is left its share of the fresh quota.
    assert!(parked.waiting_until >= turn.next_at, "{parked:?} {turn:?}");
    assert!(parked.waiting_until < Some(turn.next_at.unwrap() + MINUTE * 5), "{parked:?} {turn:?}");
    // Whoever asks for it again is told of it, and what is new is not held up.
    let again = house.engine.start(house.connection, RunTrigger::Recollect, Asked::days(days)).await.unwrap_err();
    assert_eq!(again.code, Code::AlreadyRunning);
    house.source.acts([]);
    let fresh = house.run().await;
    assert_eq!(store.run(fresh).await.unwrap().state, RunState::Done);

    house.source.acts([]);
    assert_eq!(office.awake(HOUR * 14 + MINUTE * 45, MINUTE).await, 0, "it rests past midnight");
    assert_eq!(store.alerts(Scope::Portfolio, office.clock.now()).await.unwrap(), []);
    // Once the turn of the morning has come, which goes first, both are read. When both come due within one look, the start of the
    // first one takes the other one up as well, and one is counted.
    assert!((1..=2).contains(&office.awake(HOUR, MINUTE).await));
    house.engine.finished(long).await;
    assert_eq!(house.outcome(long).await, (RunState::Done, 6, 11), "every day once, and the new one");
    let runs = office.runs().await;
    let by_schedule = runs.iter().find(|run| run.trigger == RunTrigger::Schedule).unwrap();
    assert!(by_schedule.ended_at <= store.run(long).await.unwrap().ended_at, "{runs:?}");
    assert_eq!(runs.len(), 4, "there was never a second copy: {runs:?}");
    let waits = store.waits(long).await.unwrap();
    assert!(waits.len() == 1 && waits[0].millis > Some(14 * 3_600_000), "{waits:?}");
}

#[tokio::test]
async fn a_turn_whose_quota_is_used_up_stands_for_those_that_find_it_waiting() {
    // Eight in the evening in Moscow, every hour.
    let office = Office::open("2026-11-02T17:00:00Z").await;
    let (house, store) = (&office.house, &office.house.store);
    house.run().await;
    office.set(Schedule::Hourly { every: 1 }).await;
    let free = office.clock.now() + HOUR * 5;
    house.source.all_since(0, &Act::Quota(free));
    office.awake(HOUR * 4 + MINUTE * 50, MINUTE).await;
    let runs = office.runs().await;
    assert_eq!(runs.len(), 2, "one run waits for all turns: {runs:?}");
    assert!(runs[0].is_parked() && runs[0].trigger == RunTrigger::Schedule, "{runs:?}");
    house.source.acts([]);
    office.awake(MINUTE * 20, MINUTE).await;
    assert_eq!(house.outcome(runs[0].id).await.0, RunState::Done);
    assert_eq!(house.clicks().await, 11, "what has come due at midnight is read with it");
    assert_eq!(store.turn(house.connection).await.unwrap().failures, 0);
}

#[tokio::test]
async fn a_parked_run_can_be_stopped_and_held_and_rests_while_its_connection_is_off() {
    for (what, state) in [("stop", RunState::Stopped), ("hold", RunState::Done), ("off", RunState::Done)] {
        let office = Office::open("2026-11-02T12:00:00Z").await;
        let (house, store) = (&office.house, &office.house.store);
        office.set(Schedule::Off).await;
        house.source.all_since(2, &Act::Quota(office.clock.now() + HOUR * 9));
        let id = house.engine.start(house.connection, RunTrigger::First, Asked::due()).await.unwrap();
        house.engine.finished(id).await;
        house.source.acts([]);
        assert!(store.run(id).await.unwrap().is_parked(), "{what}");
        match what {
            "stop" => house.engine.cancel(id).await.unwrap(),
            "hold" => {
                house.engine.pause(id).await.unwrap();
                assert_eq!(office.awake(HOUR * 20, MINUTE * 5).await, 0, "it is held beyond its moment");
                assert_eq!(store.run(id).await.unwrap().state, RunState::Paused);
                house.engine.resume(id).await.unwrap();
                house.engine.finished(id).await;
            }
            _ => {
                store.set_connection_state(house.connection, ConnectionState::Paused).await.unwrap();
                assert_eq!(office.awake(HOUR * 20, MINUTE * 5).await, 0, "it rests beyond its moment");
                store.set_connection_state(house.connection, ConnectionState::Active).await.unwrap();
                assert_eq!(office.awake(MINUTE, MINUTE).await, 1);
            }
        }
        assert_eq!(house.outcome(id).await.0, state, "{what}");
        assert_eq!(house.source.windows(), if state == RunState::Done { 3 } else { 0 }, "{what}: where it stopped");
        assert_eq!(office.awake(HOUR * 20, MINUTE * 5).await, 0, "{what}: nothing is left of it");
    }
}

#[tokio::test]
async fn a_dead_sign_in_stops_the_schedule_until_somebody_signs_in() {
    let office = Office::open("2026-11-02T12:00:00Z").await;
    office.set(Schedule::Hourly { every: 1 }).await;
    office.house.source.acts([(0, Act::Fail(Code::SignInRevoked))]);
    assert_eq!(office.awake(HOUR * 6, MINUTE * 5).await, 1, "it is asked once, not six times");
    let turn = office.house.store.turn(office.house.connection).await.unwrap();
    assert_eq!((turn.next_at, turn.retry_at, turn.failures), (None, None, 1));
    office.house.source.acts([]);
    office.house.store.set_connection_state(office.house.connection, ConnectionState::Active).await.unwrap();
    assert_eq!(office.awake(HOUR * 2 + MINUTE * 10, MINUTE * 5).await, 2);
    assert_eq!(office.house.store.turn(office.house.connection).await.unwrap().failures, 0);
}

#[tokio::test]
async fn data_that_nobody_reads_are_said_and_a_day_has_one_digest() {
    let office = Office::open("2026-11-02T12:00:00Z").await;
    let (store, id) = (&office.house.store, office.house.connection);
    let standing = async || {
        let alerts = store.alerts(Scope::Portfolio, office.clock.now()).await.unwrap();
        let alive = alerts.into_iter().filter(|alert| alert.state != AlertState::Settled);
        alive.map(|alert| (alert.subject.kind, alert.params)).collect::<Vec<_>>()
    };
    let digests = async || {
        let tellings = store.tellings_after(0, 100).await.unwrap();
        assert!(tellings.iter().all(|telling| telling.kind == TellingKind::Digest), "nothing of this is urgent");
        let told = tellings.into_iter().map(|telling| {
            let alerts: Vec<_> = telling.alerts.iter().map(|alert| (alert.kind, alert.state)).collect();
            (telling.date.unwrap().to_string(), alerts)
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(office.awake(HOUR * 24, MINUTE).await, 1);
    assert_eq!((standing().await, digests().await), (vec![], vec![]), "a good day");

    // A platform that is asked again in four days: nothing fails, nothing is read. Patience ends three hours after the start that was missed.
    store.set_attempts(id, 0, Some(office.clock.now() + TimeDelta::days(4))).await.unwrap();
    assert_eq!(office.awake(HOUR * 18, MINUTE).await, 0);
    assert_eq!(standing().await, []);
    assert_eq!(office.awake(MINUTE * 30, MINUTE).await, 0);
    let found = standing().await;
    assert_eq!((found.len(), found[0].0), (1, AlertKind::Stale));
    assert_eq!((found[0].1["data_through"].as_str(), found[0].1["expected"].as_str()), ("2026-11-02", "2026-11-03"));
    assert_eq!(digests().await, [], "at nine in Moscow nobody knew of it");
    let open = vec![(AlertKind::Stale, AlertState::Open)];
    office.awake(HOUR * 26, MINUTE).await;
    assert_eq!(digests().await, [("2026-11-05".to_owned(), open.clone())]);

    // Nine o'clock was slept through. What was missed is given some minutes before the digest is made up for.
    office.asleep(HOUR * 24);
    office.awake(MINUTE * 8, MINUTE).await;
    assert_eq!((standing().await.len(), digests().await.len()), (1, 1));
    office.awake(HOUR * 3, MINUTE).await;
    assert_eq!(digests().await[1..], [("2026-11-06".to_owned(), open)]);

    // It is read again: the alert settles, and that is the news of the next day. Then there is none.
    store.set_attempts(id, 0, None).await.unwrap();
    assert_eq!(office.awake(HOUR * 24, MINUTE).await, 1);
    assert_eq!(standing().await, []);
    office.awake(HOUR * 48, MINUTE).await;
    assert_eq!(digests().await[2..], [("2026-11-07".to_owned(), vec![(AlertKind::Stale, AlertState::Settled)])]);
}

#[tokio::test]
async fn a_computer_that_slept_has_time_to_catch_up_before_anybody_is_blamed() {
    let office = Office::open("2026-11-02T12:00:00Z").await;
    office.awake(HOUR * 24, MINUTE * 5).await;
    let store = &office.house.store;
    store.set_attempts(office.house.connection, 0, Some(office.clock.now() + TimeDelta::days(9))).await.unwrap();
    for _ in 0..3 {
        office.asleep(HOUR * 22);
        office.awake(HOUR * 2, MINUTE).await;
        assert_eq!(store.alerts(Scope::Portfolio, office.clock.now()).await.unwrap(), [], "awake for two hours");
    }
    office.awake(HOUR * 2, MINUTE).await;
    assert_eq!(store.alerts(Scope::Portfolio, office.clock.now()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn three_failures_in_a_row_are_told_once() {
    let office = Office::open("2026-11-02T12:00:00Z").await;
    let store = &office.house.store;
    office.house.source.all_since(0, &Act::Fail(Code::PlatformDown));
    let mut told = Vec::new();
    while told.len() < 6 {
        if office.awake(MINUTE, MINUTE).await > 0 {
            let tellings = store.tellings_after(0, 100).await.unwrap();
            told.push(tellings.iter().filter(|telling| telling.kind == TellingKind::Critical).count());
        }
    }
    assert_eq!(told, [0, 0, 1, 1, 1, 1], "the third, and never again while it lasts");
    let alerts = store.alerts(Scope::Portfolio, office.clock.now()).await.unwrap();
    assert_eq!(
        (alerts.len(), alerts[0].subject.kind, alerts[0].params["failures"].as_str()),
        (1, AlertKind::Failing, "6")
    );
    office.house.source.acts([]);
    while office.awake(MINUTE, MINUTE).await == 0 {}
    let alerts = store.alerts(Scope::Portfolio, office.clock.now()).await.unwrap();
    assert!(alerts.iter().all(|alert| alert.state == AlertState::Settled), "a good sync settles it");
}
