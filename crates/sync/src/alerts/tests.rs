//! The rules of alerts over made-up months: what must be found on the first morning, and what must never be cried about.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::{
    Rules, answers, days,
    standing::{self, Standing},
};
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use model::{
    ad::Level,
    alert::{Alert, AlertKind, AlertState, AlertSubject, Severity, Threshold},
    connection::ConnectionState,
    date::DateRange,
    failure::{Code, Failure},
    id::{AlertId, ClientId, ConnectionId, RunId},
    money::{Currency, Micros},
    reconcile::{DayPair, DayTotal},
    run::{DayState, Progress, RunState, RunTrigger},
    shape::{Change, Drift, DriftKind, DriftState, Shape},
};
use std::collections::BTreeMap;
use store::{
    StoredFailure,
    alert_facts::{Shift, StatDay},
    alerts::Found,
    daily_rollups::Sums,
    request_log::Request,
    runs::Run,
};

const LAST: &str = "2026-11-19";

fn last() -> NaiveDate {
    LAST.parse().unwrap()
}

fn ago(days: u64) -> NaiveDate {
    last() - Days::new(days)
}

fn rules() -> Rules {
    AlertKind::ALL.iter().map(|kind| (*kind, kind.rule())).collect()
}

/// A number from 0 to 1 that is always the same for the same day and purpose.
fn chance(date: NaiveDate, purpose: u64) -> f64 {
    let mut state = u64::from(date.num_days_from_ce().unsigned_abs()) ^ (purpose << 32);
    for _ in 0..3 {
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    (state % 10_000) as f64 / 10_000.0
}

/// An account: objects, impressions of an object on an average day, how quiet its weekends are, how much its days scatter.
#[derive(Clone, Copy)]
struct Account {
    objects: u64,
    impressions: f64,
    weekend: f64,
    scatter: f64,
    seed: u64,
}

const SHOP: Account = Account { objects: 12, impressions: 900.0, weekend: 0.8, scatter: 0.25, seed: 1 };

fn sums(rows: u64, impressions: f64) -> Sums {
    #[allow(clippy::cast_possible_truncation, reason = "some thousands")]
    let impressions = impressions.round() as i64;
    Sums {
        impressions: Some(impressions),
        clicks: Some(impressions / 80),
        cost: Some(Micros(impressions * 190_000)),
        conversions: Some(Micros(impressions / 2000 * 1_000_000)),
        revenue: None,
        rows,
        ..Sums::default()
    }
}

impl Account {
    fn day(self, date: NaiveDate) -> Sums {
        let weekend = if date.weekday().num_days_from_monday() >= 5 { self.weekend } else { 1.0 };
        let scatter = 1.0 + self.scatter * (2.0 * chance(date, self.seed) - 1.0);
        let rows = if weekend == 0.0 { 0 } else { self.objects };
        if rows == 0 { Sums::default() } else { sums(rows, self.objects as f64 * self.impressions * weekend * scatter) }
    }

    /// Its last days, all of them read the morning after.
    fn days(self, count: u64) -> Vec<StatDay> {
        (0..count).rev().map(|back| stat_day("campaign_stats", ago(back), self.day(ago(back)))).collect()
    }
}

fn stat_day(stream: &str, date: NaiveDate, sums: Sums) -> StatDay {
    let level = if stream == "campaign_stats" { Level::Campaign } else { Level::Ad };
    StatDay {
        stream: stream.to_owned(),
        level,
        is_total: level == Level::Campaign,
        date,
        state: DayState::Moving,
        read_at: date.and_hms_opt(3, 0, 0).unwrap().and_utc() + TimeDelta::days(1),
        sums,
        before: None,
    }
}

fn judged(days: &[StatDay], living: &[Alert], shifts: &BTreeMap<(Level, NaiveDate), Shift>) -> Vec<Found> {
    let facts = days::Facts { days, time_zone: "Europe/Moscow", currency: Currency::RUB, living, shifts };
    days::judge(&facts, &rules())
}

fn kinds(days: &[StatDay]) -> Vec<(AlertKind, NaiveDate)> {
    let found = judged(days, &[], &BTreeMap::new());
    found.iter().map(|found| (found.kind, found.days.map_or(NaiveDate::MIN, |days| days.from()))).collect()
}

fn living(found: &Found) -> Alert {
    Alert {
        id: AlertId::new(),
        subject: AlertSubject { kind: found.kind, connection_id: ConnectionId::new(), stream: None, days: found.days },
        client_id: ClientId::new(),
        severity: Severity::Critical,
        state: AlertState::Open,
        params: found.params.clone(),
        run_id: None,
        opened_at: DateTime::<Utc>::UNIX_EPOCH,
        settled_at: None,
    }
}

#[test]
fn months_without_a_fault_are_silent() {
    for (what, account) in [
        ("a shop", SHOP),
        ("an office that sleeps at weekends", Account { weekend: 0.0, ..SHOP }),
        ("an office that dozes at weekends", Account { weekend: 0.15, ..SHOP }),
        ("a small account", Account { objects: 2, impressions: 20.0, scatter: 0.9, ..SHOP }),
        ("an account of some impressions a day", Account { objects: 1, impressions: 4.0, scatter: 1.0, ..SHOP }),
        ("a wild account", Account { scatter: 0.5, ..SHOP }),
    ] {
        for seed in 0..20 {
            for count in [1, 6, 8, 20, 35, 90] {
                let days = Account { seed, ..account }.days(count);
                assert_eq!(kinds(&days), [], "{what}, seed {seed}, {count} days");
            }
        }
    }
}

#[test]
fn what_happens_in_honest_accounts_is_not_cried_about() {
    let with = |change: &dyn Fn(u64, &mut StatDay)| {
        let mut days = SHOP.days(90);
        let count = days.len() as u64;
        for (place, day) in (0_u64..).zip(&mut days) {
            change(count - 1 - place, day);
        }
        kinds(&days)
    };
    let scaled = |day: &mut StatDay, by: f64| {
        day.sums = sums(day.sums.rows, day.sums.impressions.unwrap() as f64 * by);
    };
    let none: Vec<(AlertKind, NaiveDate)> = vec![];
    assert_eq!(
        with(&|back, day| if back < 25 {
            scaled(day, 1.9);
        }),
        none,
        "the budget was raised"
    );
    assert_eq!(
        with(&|back, day| if back < 3 {
            scaled(day, 2.6);
        }),
        none,
        "a burst of three days"
    );
    assert_eq!(
        with(&|back, day| if back < 40 {
            scaled(day, 0.45);
        }),
        none,
        "the budget was cut six weeks ago"
    );
    assert_eq!(
        with(&|back, day| if back % 7 == 0 {
            scaled(day, 0.2);
        }),
        none,
        "one weekday is always poor"
    );
    assert_eq!(
        with(&|back, day| if back > 8 {
            day.sums = Sums::default();
        }),
        none,
        "the account began last week"
    );
    let unfinished = with(&|back, day| {
        if back == 0 {
            scaled(day, 0.1);
            day.read_at = day.date.and_hms_opt(9, 0, 0).unwrap().and_utc();
        }
    });
    assert_eq!(unfinished, none, "a day that was not over");
    let failed = with(&|back, day| {
        if back < 2 {
            day.sums = Sums::default();
            day.state = DayState::Failed;
        }
    });
    assert_eq!(failed, none, "days that were not read");
    let unknown = with(&|_, day| {
        day.sums = Sums { rows: 12, ..Sums::default() };
    });
    assert_eq!(unknown, none, "a platform that says neither impressions nor spend");
}

#[test]
fn faults_are_found_on_the_first_morning() {
    let with = |count: u64, change: &dyn Fn(u64, &mut StatDay)| {
        let mut days = SHOP.days(count);
        for (place, day) in (0_u64..).zip(&mut days) {
            change(count - 1 - place, day);
        }
        kinds(&days)
    };
    let half = |day: &mut StatDay| {
        day.sums = sums(day.sums.rows / 2, day.sums.impressions.unwrap() as f64 * 0.62);
    };
    for count in [12, 35, 90] {
        assert_eq!(
            with(count, &|back, day| if back == 0 {
                day.sums = Sums::default();
            }),
            [(AlertKind::EmptyDay, ago(0))],
            "nothing came, after {count} days"
        );
        assert_eq!(
            with(count, &|back, day| if back == 0 {
                half(day);
            }),
            [(AlertKind::UnusualVolume, ago(0))],
            "half of the rows, after {count} days"
        );
    }
    let zeros = with(90, &|back, day| {
        if back == 1 {
            day.sums = sums(12, 0.0);
        }
    });
    assert_eq!(zeros, [(AlertKind::EmptyDay, ago(1))], "rows full of nothing");
    let copied = with(90, &|back, day| {
        if back == 0 {
            day.sums = SHOP.day(ago(1));
        }
    });
    assert_eq!(copied, [(AlertKind::RepeatedDay, ago(0))]);
    let much = with(90, &|back, day| {
        if back == 0 {
            day.sums = sums(12, day.sums.impressions.unwrap() as f64 * 8.0);
        }
    });
    assert_eq!(much, [(AlertKind::UnusualVolume, ago(0))], "eight times as much");
    let shrunk = with(90, &|back, day| {
        if back == 20 {
            day.before = Some(day.sums);
            day.sums = sums(8, day.sums.impressions.unwrap() as f64 * 0.6);
        }
    });
    assert_eq!(shrunk, [(AlertKind::ShrunkDay, ago(20))]);
    let twice = sums(12, SHOP.day(ago(1)).impressions.unwrap() as f64 * 2.0);
    let mended = with(90, &|back, day| match back {
        0 => day.before = Some(twice),
        1 => day.sums = twice,
        _ => {}
    });
    assert_eq!(mended, [], "what it had before was a copy of the day before it");
    let corrected = with(90, &|back, day| {
        if back < 3 {
            day.before = Some(sums(12, day.sums.impressions.unwrap() as f64 * 1.1));
        }
    });
    assert_eq!(corrected, [], "fraud is taken off");
    // The same impressions, for less: four of twelve clicks were fraud, or a third of many is gone.
    for (clicks, told) in [(12, vec![]), (120, vec![(AlertKind::ShrunkDay, ago(2))])] {
        let cheaper = with(90, &|back, day| {
            if back == 2 {
                day.before = Some(Sums { clicks: Some(clicks), ..day.sums });
                let cost = day.sums.cost.map(|cost| Micros(cost.0 * 2 / 3));
                day.sums = Sums { clicks: Some(clicks * 2 / 3), cost, ..day.sums };
            }
        });
        assert_eq!(cheaper, told, "{clicks} clicks");
    }
    let days_in_a_row = with(90, &|back, day| {
        if back < 3 {
            day.sums = Sums::default();
        }
    });
    assert_eq!(days_in_a_row, [(AlertKind::EmptyDay, ago(2))], "three days are one alert");
}

#[test]
fn a_level_that_is_empty_alone_is_found_without_any_history() {
    let mut days = SHOP.days(2);
    days.push(stat_day("ad_stats", ago(1), Sums::default()));
    days.push(stat_day("ad_stats", ago(0), Sums::default()));
    days.sort_by(|a, b| (&a.stream, a.date).cmp(&(&b.stream, b.date)));
    let found = judged(&days, &[], &BTreeMap::new());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].days.unwrap().from()), (AlertKind::EmptyDay, ago(1)));
    assert_eq!((found[0].params["streams"].as_str(), found[0].params["through"].as_str()), ("ad_stats", LAST));
}

#[test]
fn campaigns_that_ended_or_began_explain_a_jump() {
    let mut days = SHOP.days(90);
    let usual = SHOP.impressions * 12.0;
    let newest = days.last_mut().unwrap();
    newest.sums = sums(5, usual * 0.4);
    let facts = |shifts: &BTreeMap<(Level, NaiveDate), Shift>| judged(&days, &[], shifts);
    assert_eq!(facts(&BTreeMap::new()).len(), 1);
    let shift = |gone: Sums| BTreeMap::from([((Level::Campaign, ago(0)), Shift { ended: gone, ..Shift::default() })]);
    assert_eq!(facts(&shift(sums(7, usual * 0.58))), [], "seven of twelve campaigns were stopped");
    assert_eq!(facts(&shift(sums(1, usual * 0.05))).len(), 1, "one campaign does not explain it");

    // A platform that says zero of campaigns that may deliver: some were paused; all at once is no pause.
    let idle = Shift { idle: Sums { rows: 0, ..sums(0, usual * 0.58) }, ..Shift::default() };
    let idle = BTreeMap::from([((Level::Campaign, ago(0)), idle)]);
    let mut paused = SHOP.days(90);
    paused.last_mut().unwrap().sums = sums(12, usual * 0.4);
    assert_eq!(judged(&paused, &[], &idle), []);
    paused.last_mut().unwrap().sums = sums(12, 0.0);
    assert_eq!(judged(&paused, &[], &idle).len(), 1);

    let mut ended = SHOP.days(90);
    ended.last_mut().unwrap().sums = Sums::default();
    assert_eq!(judged(&ended, &[], &BTreeMap::new()).len(), 1);
    assert_eq!(judged(&ended, &[], &shift(sums(12, usual * 1.02))), [], "everything was stopped");

    let mut began = SHOP.days(90);
    began.last_mut().unwrap().sums = sums(40, usual * 6.0);
    let fresh = Shift { fresh: sums(28, usual * 5.0), ..Shift::default() };
    assert_eq!(judged(&began, &[], &BTreeMap::new()).len(), 1);
    assert_eq!(judged(&began, &[], &BTreeMap::from([((Level::Campaign, ago(0)), fresh)])), []);
}

#[test]
fn an_alert_keeps_its_day_and_settles_when_its_facts_are_over() {
    // Empty for days in a row: a new day makes no new alert, and the first day healed leaves the rest.
    let mut days = SHOP.days(90);
    days[88].sums = Sums::default();
    let first = judged(&days, &[], &BTreeMap::new()).remove(0);
    days[89].sums = Sums::default();
    let alive = [living(&first)];
    let second = judged(&days, &alive, &BTreeMap::new());
    assert_eq!((second.len(), second[0].days), (1, first.days));
    assert_eq!(second[0].params["through"], LAST);
    days[88].sums = SHOP.day(ago(1));
    let third = judged(&days, &alive, &BTreeMap::new());
    assert_eq!((third.len(), third[0].days.unwrap().from()), (1, ago(0)));
    days[89].sums = SHOP.day(ago(0));
    assert_eq!(judged(&days, &alive, &BTreeMap::new()), []);

    // Two days that lost rows: reading them again finds the same and forgets nothing.
    let mut days = SHOP.days(90);
    for (place, left) in [(70, 3000.0), (71, 2900.0)] {
        days[place].before = Some(days[place].sums);
        days[place].sums = sums(4, left);
    }
    let shrunk = judged(&days, &[], &BTreeMap::new()).remove(0);
    assert_eq!((shrunk.kind, shrunk.params["after"].as_str()), (AlertKind::ShrunkDay, "5900"));
    for place in [70, 71] {
        days[place].before = Some(days[place].sums);
    }
    let alive = [living(&shrunk)];
    let again = judged(&days, &alive, &BTreeMap::new());
    assert_eq!(
        again.iter().map(|found| (found.kind, found.days)).collect::<Vec<_>>(),
        [(AlertKind::ShrunkDay, shrunk.days)]
    );
    assert_eq!(again[0].params, shrunk.params);
    for (place, back) in [(70, 19), (71, 18)] {
        days[place].sums = SHOP.day(ago(back));
    }
    assert_eq!(judged(&days, &alive, &BTreeMap::new()), []);
}

#[test]
fn money_that_brings_nothing() {
    let read_as = |state: DayState, conversions: i64, from: usize, history: i64| {
        let mut days = SHOP.days(60);
        for (place, day) in days.iter_mut().enumerate() {
            let each = if place >= from { conversions } else { history };
            day.sums.conversions = Some(Micros(each * 1_000_000));
            day.state = state;
        }
        kinds(&days).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>()
    };
    let with = |conversions: i64, from: usize, history: i64| read_as(DayState::Moving, conversions, from, history);
    let alert = [AlertKind::SpendWithoutConversions];
    assert_eq!(with(0, 57, 5), alert);
    assert_eq!(with(0, 58, 5), [], "two days are luck");
    assert_eq!(with(1, 57, 5), []);
    assert_eq!(with(0, 57, 1), [], "too few to know");
    assert_eq!(with(0, 0, 0), [], "an account that never converts");
    assert_eq!(with(0, 57, 3), [], "platforms attribute late: of the nine that are usual half may not be known yet");
    assert_eq!(read_as(DayState::Final, 0, 57, 3), alert, "what is final is known");
    let mut unknown = SHOP.days(60);
    for day in &mut unknown[57..] {
        day.sums.conversions = None;
    }
    assert_eq!(kinds(&unknown), [], "unknown is not zero");
}

#[test]
fn how_a_connection_stands() {
    let failure = |code: Code| Some(StoredFailure::from(&Failure::new(code)));
    let good = Standing {
        state: ConnectionState::Active,
        failure: None,
        failures: 0,
        promised: Some(last()),
        data_through: Some(last()),
        running: false,
    };
    let cases = [
        ("all is well", good.clone(), None),
        ("down once", Standing { failure: failure(Code::PlatformDown), failures: 1, ..good.clone() }, None),
        (
            "down three times",
            Standing { failure: failure(Code::PlatformDown), failures: 3, ..good.clone() },
            Some(AlertKind::Failing),
        ),
        ("a laptop offline for days", Standing { failure: failure(Code::Offline), ..good.clone() }, None),
        (
            "time does not heal a changed platform",
            Standing { failure: failure(Code::VendorChanged), failures: 1, ..good.clone() },
            Some(AlertKind::Failing),
        ),
        (
            "signed out",
            Standing {
                state: ConnectionState::SignInNeeded,
                failure: failure(Code::SignInRevoked),
                failures: 1,
                data_through: None,
                ..good.clone()
            },
            Some(AlertKind::SignInNeeded),
        ),
        ("behind", Standing { data_through: Some(ago(1)), ..good.clone() }, Some(AlertKind::Stale)),
        ("never read", Standing { data_through: None, ..good.clone() }, Some(AlertKind::Stale)),
        ("behind and being read", Standing { data_through: Some(ago(1)), running: true, ..good.clone() }, None),
        ("nothing promised", Standing { data_through: None, promised: None, ..good.clone() }, None),
        (
            "behind because it fails",
            Standing { data_through: Some(ago(5)), failure: failure(Code::NotJson), failures: 4, ..good.clone() },
            Some(AlertKind::Failing),
        ),
        (
            "paused",
            Standing {
                state: ConnectionState::Paused,
                data_through: None,
                failure: failure(Code::NotJson),
                ..good.clone()
            },
            None,
        ),
    ];
    for (what, standing, expected) in cases {
        assert_eq!(standing::judge(&standing, &rules()).map(|found| found.kind), expected, "{what}");
    }
    let mut off = rules();
    off.get_mut(&AlertKind::Failing).unwrap().enabled = false;
    let failing = Standing { failure: failure(Code::NotJson), failures: 9, ..good.clone() };
    assert_eq!(standing::judge(&failing, &off), None);
    let mut patient = rules();
    patient.get_mut(&AlertKind::Failing).unwrap().thresholds.insert(Threshold::Failures, 10);
    let down = Standing { failure: failure(Code::PlatformDown), failures: 9, ..good };
    assert_eq!(standing::judge(&down, &patient), None);
    assert_eq!(standing::judge(&down, &rules()).unwrap().params["failures"], "9");
}

#[test]
fn the_share_of_failed_requests_is_counted_within_five_minutes() {
    let requests = |count: i64, secs_apart: i64, failed: &dyn Fn(i64) -> Option<u16>| -> Vec<Request> {
        let request = |number: i64| Request {
            at: DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(number * secs_apart),
            method: "GET".to_owned(),
            url: "https://ads.example/x".to_owned(),
            status: failed(number),
            millis: 5,
            bytes: 10,
            attempt: 1,
            limits: Vec::new(),
            failure: None,
        };
        (0..count).rev().map(request).collect()
    };
    let every = |nth: i64, status: Option<u16>| move |number: i64| if number % nth == 0 { status } else { Some(200) };
    let rule = AlertKind::ErrorShare.rule();
    for (what, requests, expected) in [
        ("all good", requests(400, 1, &|_| Some(200)), false),
        ("every tenth", requests(100, 1, &every(10, Some(500))), true),
        ("every tenth without an answer", requests(100, 1, &every(10, None)), true),
        ("every hundredth", requests(400, 1, &every(100, Some(500))), false),
        ("asked to wait", requests(100, 1, &every(2, Some(429))), false),
        ("too few to say", requests(15, 1, &every(2, Some(500))), false),
        ("too seldom to say", requests(100, 60, &every(2, Some(500))), false),
        ("a bad minute in an hour", requests(400, 9, &|number| if number < 6 { Some(503) } else { Some(200) }), true),
        ("none", vec![], false),
    ] {
        assert_eq!(standing::error_share(&requests, &rule).is_some(), expected, "{what}");
    }
}

#[test]
fn quarantine_is_compared_with_what_is_usual() {
    let run = |rows: u64, quarantined: u64| Run {
        id: RunId::new(),
        connection_id: ConnectionId::new(),
        client_id: ClientId::new(),
        trigger: RunTrigger::Schedule,
        range: None,
        streams: None,
        wish: None,
        state: if quarantined > 0 { RunState::DoneWithRemarks } else { RunState::Done },
        started_at: DateTime::<Utc>::UNIX_EPOCH,
        ended_at: None,
        waiting_until: None,
        progress: Progress { rows, quarantined, ..Progress::default() },
        failure: None,
    };
    let after = |newest: Run, before: &[(u64, u64)]| {
        let mut runs = vec![newest];
        runs.extend(before.iter().map(|(rows, quarantined)| run(*rows, *quarantined)));
        standing::quarantine_growing(&runs, &AlertKind::QuarantineGrowing.rule()).is_some()
    };
    assert!(after(run(1000, 40), &[(1000, 0); 5]));
    assert!(!after(run(1000, 12), &[(1000, 0); 5]), "a handful");
    assert!(!after(run(1000, 40), &[(1000, 38); 5]), "as always");
    assert!(!after(run(4000, 160), &[(1000, 38); 5]), "the weekly run reads four times as many days");
    assert!(after(run(1000, 200), &[(1000, 38); 5]));
    assert!(after(run(1000, 200), &[]), "the first run");
    assert!(!after(Run { state: RunState::Failed, ..run(0, 900) }, &[(1000, 0)]), "a failed run says nothing");
}

#[test]
fn days_that_are_not_the_platforms_are_told_by_their_weightiest_number() {
    let whole = DayTotal { impressions: Some(10_000), clicks: Some(500), cost: Some(Micros(12_400_000_000)) };
    let pair = |back: u64, ours: DayTotal| DayPair { date: ago(back), ours, theirs: whole, rows: 4, moving: false };
    let good = |back| pair(back, whole);
    let poor = |back| pair(back, DayTotal { cost: Some(Micros(12_000_000_000)), impressions: Some(9_000), ..whole });
    let unseen = |back| pair(back, DayTotal { impressions: Some(9_990), ..whole });
    let told = |pairs: &[DayPair], living: &[Alert]| {
        answers::differing(pairs, living, Currency::RUB, &rules())
            .into_iter()
            .map(|found| {
                let param = |name: &str| found.params.get(name).cloned().unwrap_or_default();
                let days = (param("date"), param("through"));
                (found.days.unwrap(), days, ["metric", "ours", "theirs", "currency"].map(param).join(" "))
            })
            .collect::<Vec<_>>()
    };
    let one = |from: u64, date: u64, through: u64, text: &str| {
        (DateRange::day(ago(from)), (ago(date).to_string(), ago(through).to_string()), text.to_owned())
    };
    assert_eq!(told(&[good(2), good(1), good(0)], &[]), []);
    assert_eq!(told(&[good(2), poor(1), good(0)], &[]), [one(1, 1, 1, "cost 12000000000 12400000000 RUB")]);
    assert_eq!(told(&[unseen(2), good(1)], &[]), [one(2, 2, 2, "impressions 9990 10000 ")], "a count has no currency");
    assert_eq!(
        told(&[unseen(3), poor(2), poor(1), good(0)], &[]),
        [one(3, 3, 1, "cost 24000000000 24800000000 RUB")],
        "days in a row are one, and money speaks for them"
    );
    assert_eq!(
        told(&[poor(4), good(3), poor(1)], &[]),
        [one(4, 4, 4, "cost 12000000000 12400000000 RUB"), one(1, 1, 1, "cost 12000000000 12400000000 RUB")]
    );
    let first = answers::differing(&[poor(2)], &[], Currency::RUB, &rules());
    assert_eq!(
        told(&[poor(3), poor(2), poor(1)], &[living(&first[0])]),
        [one(2, 3, 1, "cost 36000000000 37200000000 RUB")],
        "it stays the alert that it was while days join it"
    );
    let mut off = rules();
    off.get_mut(&AlertKind::TotalsDiffer).unwrap().enabled = false;
    assert_eq!(answers::differing(&[poor(1)], &[], Currency::RUB, &off), []);
}

#[test]
fn changes_of_answers_are_one_alert_for_each_stream() {
    let drift = |stream: &str, path: &str| Drift {
        number: 1,
        connection_id: ConnectionId::new(),
        client_id: ClientId::new(),
        stream: stream.to_owned(),
        change: Change {
            kind: DriftKind::NewField,
            path: path.to_owned(),
            word: None,
            before: String::new(),
            after: "text".to_owned(),
            records: 3,
            learned: Shape::default(),
        },
        state: DriftState::Open,
        run_id: None,
        first_seen: DateTime::<Utc>::UNIX_EPOCH,
        last_seen: DateTime::<Utc>::UNIX_EPOCH,
    };
    let drifts = [drift("ads", "a"), drift("campaigns", "b"), drift("ads", "c")];
    let found = answers::changed(&drifts, &rules());
    let told: Vec<_> =
        found.iter().map(|found| (found.stream.as_deref().unwrap(), &*found.params["changes"])).collect();
    assert_eq!(told, [("ads", "2"), ("campaigns", "1")]);
    assert!(found.iter().all(|found| found.kind == AlertKind::SchemaDrift && found.severity == Severity::Notice));
    assert_eq!(answers::changed(&[], &rules()), []);
}
