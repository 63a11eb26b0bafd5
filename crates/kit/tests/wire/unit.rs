//! The parts that need no socket: what is masked, how windows are counted, how long a wait is.

use crate::{
    http::{noon, rig},
    server::{Server, ok, reply},
};
use chrono::{TimeZone, Utc};
use kit::{
    budget::{Budgets, COMMON_WINDOWS, Pace, Rule, Rules, Window},
    clock::Clock as _,
    http::HttpRequest,
    observe::WaitReason,
    placeholder,
    policy::{DefaultPolicy, exponential},
    redact::{Redactor, sounds_secret},
};
use model::{failure::Code, secret::Secret};
use std::{io::Read, sync::Arc, time::Duration};
use tokio::sync::Notify;

#[test]
fn names_that_sound_secret() {
    for name in [
        "token",
        "access_token",
        "accessToken",
        "X-Auth-Token",
        "api_key",
        "apikey",
        "Authorization",
        "client_secret",
        "PASSWORD",
        "pwd",
        "sign",
        "X-Signature",
        "Cookie",
        "set-cookie",
        "code",
        "next_page_token",
    ] {
        assert!(sounds_secret(name), "{name}");
    }
    for name in
        ["id", "keyword", "design", "assign", "author", "postcode", "status_code", "monkey", "passage", "date_from"]
    {
        assert!(!sounds_secret(name), "{name}");
    }
}

#[test]
fn addresses_and_texts_are_masked() {
    let redactor = Redactor::default();
    redactor.learn(&Secret::new("PLANTED/+ value"));
    redactor.learn(&Secret::new("abc"));
    let urls = [
        ("https://u:p@x.ru/a?token=1&page=2", "https://x.ru/a?token=***&page=2"),
        ("https://x.ru/PLANTED%2F%2B%20value/abc", "https://x.ru/***/abc"),
        ("https://x.ru/?q=PLANTED%2F%2B+value", "https://x.ru/?q=***"),
        ("https://x.ru/?a=1&a=%D1%8F", "https://x.ru/?a=1&a=%D1%8F"),
        ("\u{E000}host\u{E001}.ru/x", "***.ru/x"),
    ];
    for (url, shown) in urls {
        assert_eq!(redactor.url(url), shown);
    }
    let texts = [
        ("said PLANTED/+ value twice: PLANTED/+ value", "said *** twice: ***"),
        ("UExBTlRFRC8rIHZhbHVl", "***"),
        ("Authorization: Bearer abcdef.ghij", "Authorization: Bearer ***"),
        (r#"{"access_token":"xyz","n":1}"#, r#"{"access_token":"***","n":1}"#),
        (r#"{\"refresh_token\": \"xyz\"}"#, r#"{\"refresh_token\": "***"}"#),
        ("a=1&client_secret=xyz&b=2", "a=1&client_secret=***&b=2"),
        ("api_key=0123456789abcdef0 rejected", "api_key=*** rejected"),
        ("invalid_token: Unknown access token", "invalid_token: Unknown access token"),
        ("abc is short and stays", "abc is short and stays"),
    ];
    for (text, shown) in texts {
        assert_eq!(redactor.text(text), shown);
    }
    assert_eq!(redactor.header("X-Api-Key", "v"), "***");
    assert_eq!(redactor.header("Accept", "v"), "v");
}

#[test]
fn a_placeholder_is_masked_wherever_it_is() {
    let basic = placeholder::basic(&placeholder::field("user"), "p");
    assert_eq!(placeholder::mask(&basic), "Basic ***");
    assert_eq!(placeholder::mask(&format!("a{}b", placeholder::field("x"))), "a***b");
    assert!(placeholder::present(&basic) && !placeholder::present("***"));
}

#[test]
fn waits_double_and_stop_growing() {
    let secs: Vec<u64> = (1..=9).map(|number| exponential(number, 0.5).as_secs()).collect();
    assert_eq!(secs, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
}

#[test]
fn a_window_ends_where_the_platforms_clock_says() {
    let now = Utc.with_ymd_and_hms(2026, 3, 10, 22, 30, 15).unwrap();
    let [_, minute, hour, day] = COMMON_WINDOWS;
    let moscow = Window { offset_secs: -3 * 3600, ..day };
    let ends = [minute, hour, day, moscow].map(|window| window.end(now).format("%d %H:%M:%S").to_string());
    assert_eq!(ends, ["10 22:31:00", "10 23:00:00", "11 00:00:00", "11 21:00:00"]);
}

/// A vendor that tells limits: two a second, and 5 left in this hour.
#[tokio::test]
async fn limits_are_learned_from_replies_and_kept_to() {
    let server = Server::start(|_, number| {
        let left = 5_usize.saturating_sub(number).to_string();
        let per_second = if number % 2 == 1 { "1" } else { "0" };
        let headers = [
            ("X-RateLimit-RPS-Limit", "2"),
            ("X-RateLimit-RPS-Remaining", per_second),
            ("X-RateLimit-Hourly-Limit", "200"),
            ("X-RateLimit-Hourly-Remaining", left.as_str()),
        ];
        reply(200, &headers, "{}")
    })
    .await;
    let rig = rig(|_| {});
    for _ in 0..6 {
        rig.get(server.base.clone()).await.unwrap();
    }
    let waits: Vec<(WaitReason, u64)> =
        rig.log.waits().iter().map(|wait| (wait.reason, wait.duration.as_secs())).collect();
    // After requests 2 and 4 the second is used up; after 5 the hour is.
    assert_eq!(waits, [(WaitReason::Budget, 1), (WaitReason::Budget, 1), (WaitReason::Budget, 3598)]);
    assert_eq!(rig.clock.now(), noon() + chrono::Duration::hours(1));
}

/// The platform counts a request when it arrives: one that left in the last moment of an hour belongs to the next, and what its reply
/// says is left may be of either.
#[tokio::test]
async fn a_request_on_its_way_counts_in_the_hour_that_begins_meanwhile() {
    let hour = |left: &str| {
        let headers = [("X-RateLimit-Hourly-Limit", "3"), ("X-RateLimit-Hourly-Remaining", left)];
        reply(200, &headers, "{}")
    };
    // What the late reply says is left, and of which hour that is, must not matter.
    for late in ["0", "1", "2"] {
        let gate = Arc::new(Notify::new());
        let held = Arc::clone(&gate);
        let server = Server::start(move |_, number| match number {
            1 => hour("2"),
            2 => hour(late).held(&held),
            // The second one came in this hour.
            _ => hour(&4_usize.saturating_sub(number).to_string()),
        })
        .await;
        let rig = Arc::new(rig(|_| {}));
        rig.get(server.base.clone()).await.unwrap();
        let (other, base) = (Arc::clone(&rig), server.base.clone());
        let on_its_way = tokio::spawn(async move { other.get(base).await });
        while server.seen().len() < 2 {
            tokio::task::yield_now().await;
        }
        rig.clock.advance(Duration::from_hours(1));
        gate.notify_one();
        on_its_way.await.unwrap().unwrap();
        rig.get(server.base.clone()).await.unwrap();
        rig.get(server.base.clone()).await.unwrap();
        assert!(rig.log.waits().is_empty(), "{late}: {:?}", rig.log.waits());
        rig.get(server.base.clone()).await.unwrap();
        let waits: Vec<u64> = rig.log.waits().iter().map(|wait| wait.duration.as_secs()).collect();
        assert_eq!(waits, [3_600], "{late}");
    }
}

#[tokio::test]
async fn an_early_reply_that_comes_late_gives_nothing_back() {
    let gate = Arc::new(Notify::new());
    let held = Arc::clone(&gate);
    let server = Server::start(move |_, number| {
        let left = 2_usize.saturating_sub(number).to_string();
        let headers = [("X-RateLimit-Hourly-Limit", "2"), ("X-RateLimit-Hourly-Remaining", left.as_str())];
        let answer = reply(200, &headers, "{}");
        if number == 1 { answer.held(&held) } else { answer }
    })
    .await;
    let rig = Arc::new(rig(|_| {}));
    let (first, base) = (Arc::clone(&rig), server.base.clone());
    let first = tokio::spawn(async move { first.get(base).await });
    while server.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    rig.get(server.base.clone()).await.unwrap();
    gate.notify_one();
    first.await.unwrap().unwrap();
    rig.get(server.base.clone()).await.unwrap();
    let waits: Vec<u64> = rig.log.waits().iter().map(|wait| wait.duration.as_secs()).collect();
    assert_eq!(waits, [3_600]);
}

#[tokio::test]
async fn a_budget_is_shared_by_account_and_counted_by_scope_and_survives_a_restart() {
    let server = Server::start(|request, _| {
        let left = if request.line.contains("/a") { "0" } else { "9" };
        reply(200, &[("X-RateLimit-Daily-Limit", "10"), ("X-RateLimit-Daily-Remaining", left)], "{}")
    })
    .await;
    let budgets = Budgets::default();
    let rig_of = |key: &str, budgets: &Budgets| {
        rig(|options| {
            options.budgets = budgets.clone();
            options.budget_key = key.to_owned();
        })
    };
    let scoped =
        |scope: &str| HttpRequest { scope: scope.to_owned(), ..HttpRequest::get(format!("{}/{scope}", server.base)) };
    let (one, two, other) = (rig_of("vk/1", &budgets), rig_of("vk/1", &budgets), rig_of("vk/2", &budgets));
    let policy = DefaultPolicy::default();
    one.http.send(&scoped("a"), &policy, &one.cancel).await.unwrap();
    let used_up = two.http.send(&scoped("a"), &policy, &two.cancel).await.unwrap_err();
    assert_eq!(used_up.code, Code::QuotaWait);
    assert_eq!(used_up.retry_at, Some(Utc.with_ymd_and_hms(2026, 3, 11, 0, 0, 0).unwrap()));
    two.http.send(&scoped("b"), &policy, &two.cancel).await.unwrap();
    other.http.send(&scoped("a"), &policy, &other.cancel).await.unwrap();

    let kept = serde_json::to_string(&budgets.snapshot()).unwrap();
    let restarted = Budgets::default();
    restarted.restore(serde_json::from_str(&kept).unwrap());
    let again = rig_of("vk/1", &restarted);
    assert_eq!(again.http.send(&scoped("a"), &policy, &again.cancel).await.unwrap_err().code, Code::QuotaWait);
    again.clock.advance(Duration::from_hours(12));
    again.http.send(&scoped("a"), &policy, &again.cancel).await.unwrap();
}

#[tokio::test]
async fn what_was_counted_under_declared_rules_survives_a_restart_under_the_same_rules() {
    let server = Server::start(|_, _| reply(200, &[], "{}")).await;
    let request = HttpRequest::get(format!("{}/paced", server.base));
    let two_an_hour = Pace::Fixed { limit: 2, period: chrono::TimeDelta::hours(1) };
    let (policy, mut budgets) = (DefaultPolicy::default(), Budgets::default());
    for (identity, sent) in [("one", 2), ("one", 0), ("another", 2)] {
        let desk = rig(|options| {
            options.budgets = budgets.clone();
            options.patience = Duration::from_mins(1);
        });
        desk.http.budget().declare(declared(identity, two_an_hour.clone()));
        for _ in 0..sent {
            desk.http.send(&request, &policy, &desk.cancel).await.unwrap();
        }
        assert_eq!(
            desk.http.send(&request, &policy, &desk.cancel).await.unwrap_err().code,
            Code::QuotaWait,
            "{identity}"
        );
        let kept = serde_json::to_string(&budgets.snapshot()).unwrap();
        budgets = Budgets::default();
        budgets.restore(serde_json::from_str(&kept).unwrap());
    }
}

/// What a connector declares: one rule for addresses with `/paced`, in which `heavy` ones count three.
fn declared(identity: &str, pace: Pace) -> Rules {
    let weigh = |request: &HttpRequest| {
        request.url.contains("/paced").then_some(if request.url.contains("heavy") { 3 } else { 1 })
    };
    Rules {
        identity: identity.to_owned(),
        rules: vec![Rule { weigh: Arc::new(weigh), pace }],
        at_once: None,
        reset_header: "x-reset".to_owned(),
        remaining_header: "x-left".to_owned(),
        hit_statuses: vec![429, 420],
    }
}

#[tokio::test]
async fn the_limits_a_connector_declares_are_kept_and_corrected() {
    let (second, minute) = (chrono::TimeDelta::seconds(1), chrono::TimeDelta::minutes(1));
    let (fixed, moving) = (Pace::Fixed { limit: 3, period: minute }, Pace::Moving(vec![(1, second), (3, minute)]));
    // Each row: the pace, what is asked for, what the platform says about it, and the waits in seconds.
    for (pace, paths, header, waits) in [
        (fixed.clone(), &["paced"; 7][..], None, &[60, 60][..]),
        // Six weights: the heavy one waits for a new period, and what follows for the next.
        (fixed.clone(), &["paced", "paced/heavy", "paced"], None, &[60, 60]),
        // Heavier than the limit: it goes alone instead of never.
        (Pace::Fixed { limit: 2, period: minute }, &["paced", "paced/heavy", "paced"], None, &[60, 60]),
        (fixed.clone(), &["else"; 9], None, &[]),
        (Pace::Unlimited, &["paced"; 9], None, &[]),
        // The platform allows fewer, and says when it counts anew.
        (fixed.clone(), &["paced"; 2], Some(("x-left", "0")), &[60]),
        (fixed, &["paced"; 2], Some(("x-left", "9")), &[]),
        (moving.clone(), &["paced"; 5], None, &[1, 1, 58, 1]),
        // Nothing is left, so the strictest rate counts as used up.
        (moving, &["paced"; 2], Some(("x-left", "0")), &[1]),
        (Pace::Moving(vec![(3, minute)]), &["paced"; 2], Some(("x-left", "0")), &[60]),
    ] {
        let server = Server::start(move |_, number| match header {
            Some(header) if number == 1 => reply(200, &[header], "{}"),
            _ => ok("{}"),
        })
        .await;
        let rig = rig(|options| options.patience = Duration::from_hours(2));
        rig.http.budget().declare(declared("a", pace.clone()));
        for path in paths {
            // Declaring the same again, as every run does, keeps the counts.
            rig.http.budget().declare(declared("a", pace.clone()));
            rig.get(format!("{}/{path}", server.base)).await.unwrap();
        }
        let found: Vec<u64> = rig.log.waits().iter().map(|wait| wait.duration.as_secs()).collect();
        assert_eq!(found, waits, "{pace:?} {paths:?} {header:?}");
    }
}

#[tokio::test]
async fn a_request_that_is_long_on_its_way_counts_until_so_long_after_its_answer() {
    let rig = rig(|_| {});
    let clock = Arc::clone(&rig.clock);
    // The first answer takes 700 ms: nobody knows when within them the platform counted the request.
    let server = Server::start(move |_, number| {
        if number == 1 {
            clock.advance(Duration::from_millis(700));
        }
        ok("{}")
    })
    .await;
    rig.http.budget().declare(declared("a", Pace::Moving(vec![(1, chrono::TimeDelta::seconds(1))])));
    for _ in 0..2 {
        rig.get(format!("{}/paced", server.base)).await.unwrap();
    }
    let waits: Vec<Duration> = rig.log.waits().iter().map(|wait| wait.duration).collect();
    assert_eq!(waits, [Duration::from_secs(1)], "and not the 300 ms since it was sent");
}

#[tokio::test]
async fn of_requests_sent_at_one_moment_the_one_under_way_keeps_counting() {
    let (rig, gate) = (rig(|_| {}), Arc::new(Notify::new()));
    let kept_back = Arc::clone(&gate);
    let server = Server::start(
        move |request, _| {
            if request.line.contains("held") { ok("{}").held(&kept_back) } else { ok("{}") }
        },
    )
    .await;
    rig.http.budget().declare(declared("a", Pace::Moving(vec![(2, chrono::TimeDelta::seconds(1))])));
    let get = |path: &str| rig.get(format!("{}/{path}", server.base));
    let held = get("paced/held");
    tokio::pin!(held);
    let others = async {
        get("paced").await.unwrap();
        rig.clock.advance(Duration::from_secs(2));
        for _ in 0..2 {
            get("paced").await.unwrap();
        }
        gate.notify_one();
    };
    tokio::select! {
        biased;
        outcome = &mut held => panic!("answered before its time: {}", outcome.is_ok()),
        () = others => {}
    }
    held.await.unwrap();
    let waits: Vec<Duration> = rig.log.waits().iter().map(|wait| wait.duration).collect();
    assert_eq!(waits, [Duration::from_secs(1)], "beside the one under way there is room for one");
}

#[tokio::test]
async fn a_reset_header_and_a_refusal_correct_what_was_declared() {
    let server = Server::start(|_, number| match number {
        1 => reply(200, &[("x-left", "0"), ("x-reset", "90")], "{}"),
        2 => reply(420, &[], "{}"),
        _ => ok("{}"),
    })
    .await;
    let rig = rig(|_| {});
    rig.http.budget().declare(declared("a", Pace::Fixed { limit: 5, period: chrono::TimeDelta::minutes(1) }));
    for expected in [true, false, true] {
        assert_eq!(rig.get(format!("{}/paced", server.base)).await.is_ok(), expected);
    }
    let waits: Vec<u64> = rig.log.waits().iter().map(|wait| wait.duration.as_secs()).collect();
    assert_eq!(waits, [90, 60]);
}

#[tokio::test]
async fn a_large_answer_goes_to_a_file_and_no_further_than_allowed() {
    let body = "0123456789".repeat(400_000);
    let sent = body.clone();
    let server =
        Server::start(
            move |request, _| {
                if request.line.contains("/bad") { reply(400, &[], r#"{"message":"no"}"#) } else { ok(&sent) }
            },
        )
        .await;
    let rig_of = |most: u64| {
        rig(|options| {
            options.max_body_bytes = 1 << 10;
            options.max_file_bytes = most;
        })
    };
    let policy = DefaultPolicy { expect_json: false };
    let request = |path: &str| HttpRequest { to_file: true, ..HttpRequest::get(format!("{}/{path}", server.base)) };
    let rig = rig_of(8 << 20);
    let response = rig.http.send(&request(""), &policy, &rig.cancel).await.unwrap();
    assert!(response.body().is_empty());
    for _ in 0..2 {
        let mut read = String::new();
        response.reader().read_to_string(&mut read).unwrap();
        assert_eq!(read.len(), body.len());
    }
    let refused = rig.http.send(&request("bad"), &policy, &rig.cancel).await.unwrap_err();
    assert_eq!(refused.detail.as_deref(), Some("no"));
    let rig = rig_of(1 << 20);
    let failure = rig.http.send(&request(""), &policy, &rig.cancel).await.unwrap_err();
    assert_eq!(failure.code, Code::BodyTooLarge);
}

#[tokio::test]
async fn the_vendors_words_reach_the_specialist_short_and_clean() {
    let long = "x".repeat(900);
    let rows = [
        (
            r#"{"error":{"code":"required","message":"File content is required"}}"#.to_owned(),
            "File content is required".to_owned(),
        ),
        (r#"{"errors":[{"msg":"one"},{"detail":"two"}]}"#.to_owned(), "one, two".to_owned()),
        (
            r#"{"message":"","error":"denied for access_token=abcdefghijklmnopqrst"}"#.to_owned(),
            "denied for access_token=***".to_owned(),
        ),
        ("plain words".to_owned(), "plain words".to_owned()),
        (format!(r#"{{"reason":"{long}"}}"#), long[..500].to_owned()),
    ];
    for (body, detail) in rows {
        let server = Server::start(move |_, _| reply(400, &[], &body)).await;
        let failure = rig(|_| {}).get(server.base.clone()).await.unwrap_err();
        assert_eq!(failure.detail, Some(detail));
    }
    let server = Server::start(|_, _| ok("{}")).await;
    let rig = rig(|_| {});
    rig.get(format!("{}/x?api_key=v&n=1", server.base)).await.unwrap();
    let record = &rig.log.requests()[0];
    assert_eq!((record.status, record.bytes, record.attempt), (Some(200), 2, 1));
    assert!(record.url.ends_with("/x?api_key=***&n=1"), "{}", record.url);
}
