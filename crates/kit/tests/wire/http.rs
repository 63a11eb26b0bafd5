//! What one request does in good and in bad weather.

use crate::server::{Answer, Seen, Server, ok, raw, reply};
use chrono::{DateTime, TimeZone, Utc};
use flate2::{Compression, write::GzEncoder};
use kit::{
    http::{Authorizer, Body, Exits, Http, HttpOptions, HttpRequest, HttpResponse},
    observe::WaitReason,
    placeholder,
    policy::{self, Attempt, Decision, DefaultPolicy, Limits, Outcome, Policy},
    testing::{Recorder, VirtualClock},
};
use model::{
    failure::{Code, Failure, FailureKind},
    secret::{Secret, SecretFields},
};
use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

/// A connection under test.
pub struct Rig {
    pub http: Http,
    pub clock: Arc<VirtualClock>,
    pub log: Arc<Recorder>,
    pub cancel: CancellationToken,
}

pub fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 10, 12, 0, 0).unwrap()
}

pub fn rig(change: impl FnOnce(&mut HttpOptions)) -> Rig {
    let (clock, log) = (VirtualClock::at(noon()), Recorder::shared());
    let mut options = HttpOptions::new("vk_ads", "shop");
    options.clock = clock.clone();
    options.observer = log.clone();
    options.dice = Arc::new(|| 0.5);
    change(&mut options);
    Rig { http: Http::new(options).unwrap(), clock, log, cancel: CancellationToken::new() }
}

impl Rig {
    pub async fn get(&self, url: String) -> Result<HttpResponse, Failure> {
        self.http.send(&HttpRequest::get(url), &DefaultPolicy::default(), &self.cancel).await
    }
    fn waits(&self) -> Vec<(WaitReason, u64)> {
        self.log.waits().iter().map(|wait| (wait.reason, wait.duration.as_secs())).collect()
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// One answer for good, and what the caller gets after how many attempts.
#[tokio::test]
async fn an_answer_becomes_the_failure_that_belongs_to_it() {
    let web_page = "<!doctype html><title>Maintenance</title>";
    let cut_gzip = {
        let whole = gzip(&format!("{{\"items\":[{}]}}", "1,".repeat(5000)));
        reply(200, &[("Content-Encoding", "gzip")], &whole[..whole.len() - 12])
    };
    let rows: Vec<(&str, Answer, Code, FailureKind, usize)> = vec![
        (
            "400",
            reply(400, &[], r#"{"error":{"code":"x","message":"bad"}}"#),
            Code::RequestRefused,
            FailureKind::VendorChanged,
            1,
        ),
        ("401", reply(401, &[], "{}"), Code::SignInRejected, FailureKind::SignInAgain, 1),
        ("403", reply(403, &[], "{}"), Code::PermissionDenied, FailureKind::FixSettings, 1),
        ("404", reply(404, &[], "{}"), Code::VendorChanged, FailureKind::VendorChanged, 1),
        ("408", reply(408, &[], "{}"), Code::PlatformDown, FailureKind::Retry, 4),
        ("413", reply(413, &[], "{}"), Code::RequestRefused, FailureKind::VendorChanged, 1),
        ("500", reply(500, &[], "{}"), Code::PlatformDown, FailureKind::Retry, 4),
        ("503", reply(503, &[], web_page), Code::PlatformDown, FailureKind::Retry, 4),
        ("html", reply(200, &[], web_page), Code::NotJson, FailureKind::VendorChanged, 4),
        ("text", reply(200, &[], "ok"), Code::NotJson, FailureKind::VendorChanged, 4),
        ("empty", reply(200, &[], ""), Code::NotJson, FailureKind::VendorChanged, 4),
        ("cut json", ok(r#"{"items":[{"id":1},{"id""#), Code::BodyTruncated, FailureKind::Retry, 4),
        (
            "short of its length",
            raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"items\":[]}"),
            Code::BodyTruncated,
            FailureKind::Retry,
            4,
        ),
        (
            "cut chunks",
            raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n"),
            Code::BodyTruncated,
            FailureKind::Retry,
            4,
        ),
        ("cut gzip", cut_gzip, Code::BodyTruncated, FailureKind::Retry, 4),
        (
            "cut refusal",
            raw("HTTP/1.1 401 Unauthorized\r\nContent-Length: 500\r\n\r\n{\"err"),
            Code::SignInRejected,
            FailureKind::SignInAgain,
            1,
        ),
        ("hung up", raw(""), Code::Offline, FailureKind::Retry, 4),
        (
            "endless redirect",
            reply(302, &[("Location", "/again")], ""),
            Code::VendorChanged,
            FailureKind::VendorChanged,
            6,
        ),
    ];
    for (name, answer, code, kind, attempts) in rows {
        let server = Server::start(move |_, _| answer.clone()).await;
        let rig = rig(|_| {});
        let failure = rig.get(format!("{}/x.json", server.base)).await.unwrap_err();
        assert_eq!(failure.code, code, "{name}: {failure}");
        assert_eq!(failure.kind(), kind, "{name}");
        assert_eq!(server.seen().len(), attempts, "{name}");
        assert_eq!(failure.params["system"], "vk_ads", "{name}");
    }
}

#[tokio::test]
async fn a_server_error_is_repeated_after_1_2_and_4_seconds_and_then_gives_up() {
    let server = Server::start(|_, number| if number == 4 { ok("{}") } else { reply(500, &[], "") }).await;
    let rig = rig(|_| {});
    rig.get(server.base.clone()).await.unwrap();
    assert_eq!(rig.waits(), [(WaitReason::Retry, 1), (WaitReason::Retry, 2), (WaitReason::Retry, 4)]);
    assert_eq!(rig.log.retries().len(), 3);
}

/// The dice move each wait by a fifth at most, both ways.
#[tokio::test]
async fn jitter_stays_within_a_fifth() {
    for (dice, millis) in [(0.0, [800, 1600, 3200]), (1.0, [1200, 2400, 4800])] {
        let server = Server::start(|_, _| reply(502, &[], "")).await;
        let rig = rig(|options| options.dice = Arc::new(move || dice));
        rig.get(server.base.clone()).await.unwrap_err();
        let slept: Vec<u128> = rig.clock.slept().iter().map(Duration::as_millis).collect();
        assert_eq!(slept, millis);
    }
}

/// Six times the limit, more than a server error would be repeated: a 429 is waited out.
#[tokio::test]
async fn a_limit_is_waited_out_as_the_platform_says() {
    type Headers = Vec<(&'static str, String)>;
    let date = (noon() + chrono::Duration::seconds(90)).to_rfc2822().replace("+0000", "GMT");
    let rows: Vec<(&str, Headers, u64)> = vec![
        ("seconds", vec![("Retry-After", "7".into())], 7),
        ("a date", vec![("Retry-After", date)], 90),
        ("epoch", vec![("X-RateLimit-Reset", (noon().timestamp() + 33).to_string())], 33),
        ("seconds to reset", vec![("RateLimit-Reset", "12".into())], 12),
        ("an hour used up", vec![("X-RateLimit-Hourly-Remaining", "0".into())], 3600),
        ("nothing said", vec![], 1),
        (
            "a date of the platform's, whose watch goes differently",
            vec![
                ("Date", (noon() - chrono::Duration::hours(3)).to_rfc2822().replace("+0000", "GMT")),
                ("Retry-After", (noon() - chrono::Duration::minutes(179)).to_rfc2822().replace("+0000", "GMT")),
            ],
            60,
        ),
    ];
    for (name, headers, first) in rows {
        let server = Server::start(move |_, number| {
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            if number == 1 { reply(429, &headers, r#"{"message":"slow down"}"#) } else { ok("[]") }
        })
        .await;
        let rig = rig(|_| {});
        rig.get(server.base.clone()).await.unwrap();
        assert_eq!(rig.waits()[0], (WaitReason::RateLimited, first), "{name}");
        assert_eq!(server.seen().len(), 2, "{name}");
    }
    let server =
        Server::start(|_, number| if number <= 6 { reply(429, &[("Retry-After", "60")], "") } else { ok("{}") }).await;
    rig(|_| {}).get(server.base.clone()).await.unwrap();
    assert_eq!(server.seen().len(), 7);
}

/// "At once" said for ever, by a header or by a watch that goes wrong, is no storm of requests.
#[tokio::test]
async fn a_wait_that_never_suffices_is_not_believed_for_ever() {
    for header in [("Retry-After", "0"), ("Retry-After", "Wed, 01 Jan 2020 00:00:00 GMT"), ("X-RateLimit-Reset", "1")] {
        let server = Server::start(move |_, _| reply(429, &[header], "")).await;
        let failure = rig(|_| {}).get(server.base.clone()).await.unwrap_err();
        assert_eq!(failure.code, Code::QuotaWait, "{header:?}");
        let asked = server.seen().len();
        assert!((10..100).contains(&asked), "{header:?}: {asked} requests in an hour");
    }
}

#[tokio::test]
async fn patience_ends_with_the_time_if_it_is_known() {
    let known = Server::start(|_, _| reply(429, &[("Retry-After", "7200")], r#"{"message":"daily limit"}"#)).await;
    let rig_known = rig(|_| {});
    let failure = rig_known.get(known.base.clone()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind()), (Code::QuotaWait, FailureKind::WaitUntil));
    assert_eq!(failure.retry_at, Some(noon() + chrono::Duration::hours(2)));
    assert_eq!(failure.detail.as_deref(), Some("daily limit"));
    assert_eq!(known.seen().len(), 1, "waiting for it would have been for nothing");

    let unknown = Server::start(|_, _| reply(429, &[], "")).await;
    let rig_unknown = rig(|options| options.patience = Duration::from_mins(5));
    let failure = rig_unknown.get(unknown.base.clone()).await.unwrap_err();
    assert_eq!(failure.code, Code::TooManyRequests);
    let slept: Duration = rig_unknown.clock.slept().iter().sum();
    assert!(slept > Duration::from_mins(3) && slept <= Duration::from_mins(5), "{slept:?}");
}

#[tokio::test]
async fn a_limit_stops_the_other_requests_of_the_account_too() {
    let server = Server::start(|_, _| reply(429, &[("Retry-After", "30")], "")).await;
    let rig = rig(|_| {});
    rig.clock.freeze();
    let waiting = |count: usize| {
        let log = rig.log.clone();
        async move {
            while log.waits().len() < count {
                tokio::task::yield_now().await;
            }
        }
    };
    let second = async {
        waiting(1).await;
        rig.get(format!("{}/b", server.base)).await
    };
    let stop = async {
        waiting(2).await;
        rig.cancel.cancel();
    };
    let (first, second, ()) = tokio::join!(rig.get(format!("{}/a", server.base)), second, stop);
    assert_eq!([first.unwrap_err().code, second.unwrap_err().code], [Code::Cancelled; 2]);
    assert_eq!(rig.waits(), [(WaitReason::RateLimited, 30), (WaitReason::Budget, 30)]);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let quiet = Server::start(|_, _| Answer::Silence).await;
    let rig = rig(|options| options.read_timeout = Duration::from_millis(50));
    let failure = rig.get(quiet.base.clone()).await.unwrap_err();
    assert_eq!(failure.code, Code::Timeout);
    assert_eq!(quiet.seen().len(), 4);
}

/// A byte now and then is no silence, and yet the answer never ends. A large answer may take its time as long as its end is in sight.
#[tokio::test]
async fn a_drip_is_a_timeout_and_a_slow_answer_is_not() {
    let drip = |size: usize, pause: u64| {
        let answer = ok(&format!("[{}]", " ".repeat(5_000))).dripping(size, Duration::from_millis(pause));
        Server::start(move |_, _| answer.clone())
    };
    let short = |options: &mut HttpOptions| options.read_timeout = Duration::from_millis(200);
    let endless = drip(4, 20).await;
    let begun = std::time::Instant::now();
    let failure = rig(short).get(endless.base.clone()).await.unwrap_err();
    assert_eq!((failure.code, endless.seen().len()), (Code::Timeout, 4));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let slow = drip(500, 50).await;
    let begun = std::time::Instant::now();
    rig(short).get(slow.base.clone()).await.unwrap();
    assert!(begun.elapsed() > Duration::from_millis(400), "it was not slow");
}

#[tokio::test]
async fn connections_are_shared_while_they_are_in_use_and_never_after_a_rest() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, accepted) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut asked = [0; 4096];
                while socket.read(&mut asked).await.is_ok_and(|read| read > 0) {
                    socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
                }
            });
        }
    });
    let (exits, clock) = (Exits::default(), VirtualClock::at(noon()));
    let sharing = || {
        rig(|options| {
            options.exits = exits.clone();
            options.clock = clock.clone();
        })
    };
    let (one, two) = (sharing(), sharing());
    let url = || format!("http://{address}/");
    for (who, rested, connections) in [(&one, 0, 1), (&two, 19, 1), (&one, 19, 1), (&two, 21, 2), (&one, 1, 2)] {
        clock.advance(Duration::from_secs(rested));
        who.get(url()).await.unwrap();
        assert_eq!(accepted.load(Ordering::SeqCst), connections, "after {rested} s");
    }
    rig(|_| {}).get(url()).await.unwrap();
    assert_eq!(accepted.load(Ordering::SeqCst), 3, "one that shares nothing");
}

#[tokio::test]
async fn nobody_there_is_offline() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let failure = rig(|_| {}).get(format!("http://{address}/?token=PLANTED")).await.unwrap_err();
    assert_eq!(failure.code, Code::Offline);
    assert!(!failure.to_string().contains("PLANTED"), "{failure}");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_dropped_early() {
    let announced = Server::start(|_, _| ok(&"x".repeat(2000))).await;
    let unannounced = Server::start(|_, _| {
        raw(format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
            2000,
            "x".repeat(2000)
        ))
    })
    .await;
    let packed = Server::start(|_, _| reply(200, &[("Content-Encoding", "gzip")], gzip(&"x".repeat(1 << 20)))).await;
    for server in [announced, unannounced, packed] {
        let failure = rig(|options| options.max_body_bytes = 1000).get(server.base.clone()).await.unwrap_err();
        assert_eq!(failure.code, Code::BodyTooLarge);
        assert_eq!(failure.params["limit"], "1000");
        assert_eq!(server.seen().len(), 1, "the same answer would come again");
    }
}

#[tokio::test]
async fn a_packed_answer_is_unpacked_and_a_byte_order_mark_is_no_obstacle() {
    let server = Server::start(|request, _| {
        assert!(request.header("accept-encoding").unwrap().contains("gzip"));
        reply(200, &[("Content-Encoding", "gzip"), ("X-Thing", "7")], gzip("\u{FEFF}{\"items\":[1,2]}"))
    })
    .await;
    let response = rig(|_| {}).get(server.base.clone()).await.unwrap();
    assert_eq!(response.json().unwrap()["items"][1], 2);
    assert_eq!(response.header("x-THING"), Some("7"));
}

#[tokio::test]
async fn a_shape_that_does_not_fit_is_a_change_of_the_vendor() {
    #[derive(serde::Deserialize, Debug)]
    struct Page {
        #[expect(dead_code, reason = "only its type matters")]
        count: u32,
    }
    let server = Server::start(|_, _| ok(r#"{"count":"many"}"#)).await;
    let response = rig(|_| {}).get(format!("{}/api/plans.json?a=b", server.base)).await.unwrap();
    let failure = response.json_as::<Page>().unwrap_err();
    assert_eq!(failure.code, Code::VendorChanged);
    assert_eq!(failure.params["what"], "/api/plans.json");
}

#[tokio::test]
async fn stopping_ends_a_wait_and_a_request_at_once() {
    let limited = Server::start(|_, _| reply(429, &[("Retry-After", "600")], "")).await;
    let quiet = Server::start(|_, _| Answer::Silence).await;
    for server in [limited, quiet] {
        let rig = rig(|_| {});
        rig.clock.freeze();
        let stop = async {
            while server.seen().is_empty() {
                tokio::task::yield_now().await;
            }
            // Give the answer time to arrive, so that for the first server it is the wait that is cut.
            tokio::time::sleep(Duration::from_millis(30)).await;
            rig.cancel.cancel();
        };
        let (outcome, ()) = tokio::join!(rig.get(server.base.clone()), stop);
        assert_eq!(outcome.unwrap_err().code, Code::Cancelled);
        assert_eq!(server.seen().len(), 1);
    }
    let rig = rig(|_| {});
    rig.cancel.cancel();
    let server = Server::start(|_, _| ok("{}")).await;
    assert_eq!(rig.get(server.base.clone()).await.unwrap_err().code, Code::Cancelled);
    assert!(server.seen().is_empty(), "a stopped session sends nothing");
}

/// A sign-in that always shows the same.
struct Fixed(AtomicUsize);

#[async_trait::async_trait]
impl Authorizer for Fixed {
    async fn headers(&self) -> Result<Vec<(String, Secret)>, Failure> {
        Ok(vec![("Authorization".into(), Secret::new("Bearer PLANTED-token"))])
    }
    async fn rejected(&self, _used: &[(String, Secret)]) -> Result<(), Failure> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

fn planted() -> SecretFields {
    [("key", "PLANTED-key/+ \u{44f}"), ("user", "PLANTED-user"), ("password", "PLANTED:pass")]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Secret::new(value)))
        .collect()
}

fn signed_request(url: String) -> HttpRequest {
    HttpRequest::get(url)
        .query("api", placeholder::field("key"))
        .query("page", 2)
        .header("X-Thing", placeholder::field("key").replace("key", "user"))
        .header("X-Basic", placeholder::basic(&placeholder::field("user"), &placeholder::field("password")))
        .header("X-Plain", "plain")
}

/// The usual example of HMAC-SHA256, signed with a secret and as one.
#[test]
fn what_is_signed_with_a_secret_goes_out_as_its_signature() {
    let (text, key) = ("The quick brown fox jumps over the lazy dog", "key");
    let signature = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
    let secrets = [("token", text), ("secret", key)].map(|(name, value)| (name.to_owned(), Secret::new(value)));
    let http = rig(|_| {}).http.with_secrets(secrets.into());
    let (token, secret) = (placeholder::field("token"), placeholder::field("secret"));
    for (text, key) in [(token.as_str(), secret.as_str()), (text, secret.as_str()), (token.as_str(), key)] {
        let signed = format!("proof={}!", placeholder::hmac_sha256(text, key));
        assert!(placeholder::present(&signed));
        assert_eq!(placeholder::mask(&signed), "proof=***!");
        assert_eq!(http.reveal(&signed).unwrap().as_str(), format!("proof={signature}!"));
    }
}

#[tokio::test]
async fn a_trusted_host_gets_the_secrets_and_nobody_sees_them() {
    let server = Server::start(|request, number| {
        // A vendor that quotes the request in its error.
        if number == 1 {
            reply(500, &[], &request.raw)
        } else {
            reply(400, &[], format!("{{\"message\":{:?}}}", request.raw))
        }
    })
    .await;
    let rig = rig(|_| {});
    let http = rig.http.with_hosts([&server.base]).with_secrets(planted()).with_authorizer(Arc::new(Fixed(0.into())));
    let request = HttpRequest {
        method: ::http::Method::POST,
        body: Body::Json(serde_json::json!({ "deep": [{ "key": placeholder::field("key") }] })),
        ..signed_request(format!("{}/p/{}/x", server.base, placeholder::field("user")))
    };
    let failure = http.send(&request, &DefaultPolicy::default(), &rig.cancel).await.unwrap_err();
    let seen = &server.seen()[0];
    assert_eq!(seen.line, "POST /p/PLANTED-user/x?api=PLANTED-key%2F%2B+%D1%8F&page=2 HTTP/1.1");
    assert_eq!(seen.header("authorization"), Some("Bearer PLANTED-token"));
    assert_eq!(seen.header("x-thing"), Some("PLANTED-user"));
    assert_eq!(seen.header("x-basic"), Some("Basic UExBTlRFRC11c2VyOlBMQU5URUQ6cGFzcw=="));
    assert_eq!(seen.body(), r#"{"deep":[{"key":"PLANTED-key/+ я"}]}"#);
    let shown = format!("{failure}\n{failure:?}\n{}\n{request:?}\n{http:?}", rig.log.everything());
    assert!(shown.contains("***"), "{shown}");
    for secret in ["PLANTED", "UExBTlRF", "%D1%8F"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn a_foreign_host_gets_no_secret() {
    let server = Server::start(|_, _| ok("{}")).await;
    let rig = rig(|_| {});
    let sign_in = Arc::new(Fixed(0.into()));
    let http = rig.http.with_hosts(["https://ads.vk.com"]).with_secrets(planted()).with_authorizer(sign_in);
    http.send(&signed_request(server.base.clone()), &DefaultPolicy::default(), &rig.cancel).await.unwrap();
    let seen = &server.seen()[0];
    assert!(!seen.raw.contains("PLANTED") && !seen.raw.contains('\u{E000}'), "{}", seen.raw);
    assert_eq!(seen.line, "GET /?page=2 HTTP/1.1");
    assert_eq!(seen.header("x-plain"), Some("plain"));
    assert_eq!(seen.header("authorization"), None);
    for request in [
        HttpRequest::get(format!("{}/{}", server.base, placeholder::field("key"))),
        HttpRequest::post(&server.base, Body::Form(vec![("key".into(), placeholder::field("key"))])),
        HttpRequest::get(format!("https://{}.vk.com/", placeholder::field("user"))),
    ] {
        let failure = http.send(&request, &DefaultPolicy::default(), &rig.cancel).await.unwrap_err();
        assert_eq!(failure.code, Code::SettingInvalid, "{request:?}");
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_redirect_keeps_the_sign_in_at_home() {
    let foreign = Server::start(|_, _| ok("{}")).await;
    let local = format!("{}/local", foreign.base);
    let home = Server::start(move |request, _| {
        let to = |status, location: &str| reply(status, &[("Location", location)], "");
        match request.line.split([' ', '?']).nth(1).unwrap() {
            "/away" => to(302, "https://files.example.com/there?x=1"),
            "/leak" => to(307, "https://files.example.com/there"),
            "/local" => to(302, &local),
            "/plain" => to(302, "http://example.com/"),
            "/kept" => to(307, "/end"),
            _ => ok("{}"),
        }
    })
    .await;
    let rig = rig(|options| options.url_map = vec![("https://files.example.com".into(), foreign.base.clone())]);
    let http = rig.http.with_hosts([&home.base]).with_secrets(planted()).with_authorizer(Arc::new(Fixed(0.into())));
    let send = |request: HttpRequest| {
        let (http, cancel) = (http.clone(), rig.cancel.clone());
        async move { http.send(&request, &DefaultPolicy::default(), &cancel).await }
    };
    let form = || Body::Form(vec![("a".into(), placeholder::field("user"))]);

    send(signed_request(format!("{}/away", home.base))).await.unwrap();
    let away = &foreign.seen()[0];
    assert!(!away.raw.contains("PLANTED") && !away.raw.contains("UExB"), "{}", away.raw);
    assert_eq!(away.line, "GET /there?x=1 HTTP/1.1");
    assert_eq!(away.header("x-plain"), Some("plain"));

    // A body with a secret does not follow; nor does anything into the local network or out of https.
    for (path, code) in [("leak", Code::VendorChanged), ("local", Code::VendorChanged), ("plain", Code::SettingInvalid)]
    {
        let failure = send(HttpRequest::post(format!("{}/{path}", home.base), form())).await.unwrap_err();
        assert_eq!(failure.code, code, "{path}: {failure}");
        assert!(!failure.to_string().contains("PLANTED"));
    }
    assert_eq!(foreign.seen().len(), 1);

    send(HttpRequest::post(format!("{}/kept", home.base), form())).await.unwrap();
    let end: Seen = home.seen().into_iter().find(|seen| seen.line.contains("/end")).unwrap();
    assert_eq!((end.line.as_str(), end.body()), ("POST /end HTTP/1.1", "a=PLANTED-user"));
    assert_eq!(end.header("authorization"), Some("Bearer PLANTED-token"));
}

#[tokio::test]
async fn only_https_is_spoken_except_to_this_computer_and_to_stand_ins() {
    let server = Server::start(|_, _| ok("{}")).await;
    let rig = rig(|options| options.url_map = vec![("https://ads.vk.com".into(), server.base.clone())]);
    rig.get("https://ads.vk.com/api/x.json".into()).await.unwrap();
    assert_eq!(server.seen()[0].line, "GET /api/x.json HTTP/1.1");
    for url in [
        "http://example.com/",
        "http://ads.vk.com/x",
        "http://ads.vk.com.evil.example/",
        "ftp://example.com/",
        "nonsense",
        "mailto:a@b.c",
    ] {
        let failure = rig.get(url.into()).await.unwrap_err();
        assert_eq!(failure.code, Code::SettingInvalid, "{url}");
    }
    assert_eq!(server.seen().len(), 1);
    // The stand-in's own links count as the real host, secrets included.
    let http = rig.http.with_hosts(["https://ads.vk.com"]).with_authorizer(Arc::new(Fixed(0.into())));
    for url in ["https://ads.vk.com/1".to_owned(), format!("{}/2", server.base)] {
        http.send(&HttpRequest::get(url), &DefaultPolicy::default(), &rig.cancel).await.unwrap();
    }
    for seen in &server.seen()[1..] {
        assert_eq!(seen.header("authorization"), Some("Bearer PLANTED-token"), "{}", seen.line);
    }
}

#[tokio::test]
async fn a_map_catches_whole_names_only() {
    let (here, there) = (Server::start(|_, _| ok("{}")).await, Server::start(|_, _| ok("{}")).await);
    let rig = rig(|options| options.url_map = vec![(format!("{}/a", here.base), there.base.clone())]);
    for path in ["a", "a/b?c=d", "a?e", "ab", "b/a"] {
        rig.get(format!("{}/{path}", here.base)).await.unwrap();
    }
    let lines = |server: &Server| server.seen().into_iter().map(|seen| seen.line).collect::<Vec<_>>();
    assert_eq!(lines(&there), ["GET / HTTP/1.1", "GET /b?c=d HTTP/1.1", "GET /?e HTTP/1.1"]);
    assert_eq!(lines(&here), ["GET /ab HTTP/1.1", "GET /b/a HTTP/1.1"]);
}

#[tokio::test]
async fn a_map_of_every_host_keeps_their_names_apart() {
    let server = Server::start(|_, _| ok("{}")).await;
    let base = format!("{}/__https/", server.base);
    let rig = rig(|options| options.url_map = vec![("https://".into(), base.clone())]);
    let http = rig.http.with_hosts(["https://a.example"]).with_authorizer(Arc::new(Fixed(0.into())));
    let rows = [
        ("https://a.example/x?y=1".to_owned(), "GET /__https/a.example/x?y=1 HTTP/1.1", true),
        ("https://b.example".to_owned(), "GET /__https/b.example/ HTTP/1.1", false),
        (format!("{base}a.example/next"), "GET /__https/a.example/next HTTP/1.1", true),
        (format!("{base}b.example/next"), "GET /__https/b.example/next HTTP/1.1", false),
    ];
    for (url, line, trusted) in rows {
        http.send(&HttpRequest::get(url), &DefaultPolicy::default(), &rig.cancel).await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!((seen.line.as_str(), seen.header("authorization").is_some()), (line, trusted));
    }
}

#[test]
fn a_map_of_nonsense_is_refused() {
    for (from, to) in [("ads.vk.com", "http://127.0.0.1:1"), ("https://ads.vk.com", "mailto:a@b.c")] {
        let mut options = HttpOptions::new("vk_ads", "shop");
        options.url_map = vec![(from.to_owned(), to.to_owned())];
        let failure = Http::new(options).unwrap_err();
        assert_eq!((failure.code, failure.params["field"].as_str()), (Code::SettingInvalid, "url_map"));
    }
}

#[tokio::test]
async fn a_401_refreshes_once_and_then_asks_the_person() {
    let server = Server::start(|_, _| reply(401, &[], r#"{"error":"expired"}"#)).await;
    let sign_in = Arc::new(Fixed(0.into()));
    let rig = rig(|_| {});
    let http = rig.http.with_hosts([&server.base]).with_authorizer(sign_in.clone());
    let failure = http.send(&HttpRequest::get(&server.base), &DefaultPolicy::default(), &rig.cancel).await.unwrap_err();
    assert_eq!((failure.code, failure.params["account"].as_str()), (Code::SignInRejected, "shop"));
    assert_eq!((sign_in.0.load(Ordering::SeqCst), server.seen().len()), (1, 2));
}

/// A manifest's policy: 200 with an error inside is repeated, 400 is passed over, limits count as repetitions.
struct Custom;

impl Policy for Custom {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        match attempt.outcome {
            Outcome::Response(response) if response.status == 400 => Decision::Ignore,
            Outcome::Response(response) if response.status == 429 => Decision::RateLimited { wait: None, known: false },
            Outcome::Response(response) if response.body().starts_with(b"{\"error") => {
                Decision::Retry { wait: Some(Duration::from_secs(u64::from(attempt.number) * 10)) }
            }
            Outcome::Response(_) => Decision::Success,
            Outcome::Error(failure) => Decision::Fail(failure.clone()),
        }
    }
    fn limits(&self) -> Limits {
        Limits { retries: 2, retry_time: Duration::from_mins(10), limited_counts: true }
    }
    fn rest(&self, response: &HttpResponse) -> Option<Duration> {
        response.header("x-used")?.parse().ok().filter(|used: &u32| *used > 90).map(|_| Duration::from_secs(40))
    }
    fn exhausted(&self, _attempt: &Attempt<'_>) -> Failure {
        Failure::new(Code::PlatformDown)
    }
}

/// A good answer that says that the limit is near: it goes to the caller at once, and what comes after it waits.
#[tokio::test]
async fn an_account_near_its_limit_rests_after_a_good_answer() {
    let server = Server::start(|_, number| reply(200, &[("X-Used", if number == 2 { "95" } else { "7" })], "{}")).await;
    let rig = rig(|_| {});
    for waits in [vec![], vec![], vec![(WaitReason::Budget, 40)]] {
        let answer = rig.http.send(&HttpRequest::get(&server.base), &Custom, &rig.cancel).await.unwrap();
        assert_eq!((answer.status, rig.waits()), (200, waits));
    }
}

#[tokio::test]
async fn a_policy_of_another_mind_is_followed() {
    let server = Server::start(|request, _| match request.line.as_str() {
        line if line.contains("/ignored") => reply(400, &[], "{}"),
        line if line.contains("/limited") => reply(429, &[], ""),
        _ => ok(r#"{"error":1}"#),
    })
    .await;
    let rig = rig(|_| {});
    let send = |path: &str| {
        let request = HttpRequest::get(format!("{}{path}", server.base));
        let (http, cancel) = (rig.http.clone(), rig.cancel.clone());
        async move { http.send(&request, &Custom, &cancel).await }
    };
    let ignored = send("/ignored").await.unwrap();
    assert!(ignored.ignored && ignored.status == 400);
    assert_eq!(send("/error").await.unwrap_err().code, Code::PlatformDown);
    assert_eq!(rig.waits(), [(WaitReason::Retry, 10), (WaitReason::Retry, 20)]);
    assert_eq!(send("/limited").await.unwrap_err().code, Code::PlatformDown);
    assert_eq!(server.seen().iter().filter(|seen| seen.line.contains("/limited")).count(), 3);
}

/// A platform that makes reports: 202 until it is ready.
struct Reports;

impl Policy for Reports {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        match attempt.outcome {
            Outcome::Response(response) if response.status == 202 => {
                Decision::Pending { wait: policy::retry_after(response, attempt.now) }
            }
            Outcome::Response(_) => Decision::Success,
            Outcome::Error(failure) => Decision::Fail(failure.clone()),
        }
    }
    fn limits(&self) -> Limits {
        Limits { retries: 0, retry_time: Duration::ZERO, limited_counts: false }
    }
}

#[tokio::test]
async fn a_report_in_the_making_is_waited_for_and_holds_nobody_up() {
    let server = Server::start(|request, number| match request.line.as_str() {
        line if line.contains("/never") => reply(202, &[("Retry-After", "600")], ""),
        line if line.contains("/late") && number < 3 => reply(202, &[("Retry-After", "20")], ""),
        _ => ok("{}"),
    })
    .await;
    let rig = rig(|_| {});
    let send = |path: &str| {
        let request = HttpRequest::get(format!("{}{path}", server.base));
        let (http, cancel) = (rig.http.clone(), rig.cancel.clone());
        async move { http.send(&request, &Reports, &cancel).await }
    };
    // Ready or not, it is no repetition: none is allowed here.
    assert_eq!(send("/late").await.unwrap().status, 200);
    assert!(rig.waits().iter().all(|wait| *wait == (WaitReason::Report, 20)) && !rig.waits().is_empty());
    let failure = send("/never").await.unwrap_err();
    assert_eq!((failure.code, failure.params["secs"].as_str()), (Code::Timeout, "3600"));
    assert!(rig.log.retries().is_empty(), "a report in the making is no failure");

    // While one waits, another request of the account goes through.
    rig.clock.freeze();
    let before = rig.waits().len();
    let other = async {
        while rig.waits().len() == before {
            tokio::task::yield_now().await;
        }
        let other = send("/other").await;
        rig.cancel.cancel();
        other
    };
    let (late, other) = tokio::join!(send("/never"), other);
    assert_eq!((late.unwrap_err().code, other.unwrap().status), (Code::Cancelled, 200));
}

#[tokio::test]
async fn forms_go_out_encoded_and_text_as_it_is() {
    let server = Server::start(|_, _| ok("{}")).await;
    let rig = rig(|_| {});
    for body in [Body::Form(vec![("a b".into(), "c&d".into())]), Body::Text("<xml/>".into()), Body::Empty] {
        let request = HttpRequest::post(&server.base, body);
        rig.http.send(&request, &DefaultPolicy::default(), &rig.cancel).await.unwrap();
    }
    let seen = server.seen();
    assert_eq!(seen[0].body(), "a+b=c%26d");
    assert_eq!(seen[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen[1].body(), "<xml/>");
    assert_eq!(seen[2].body(), "");
}
