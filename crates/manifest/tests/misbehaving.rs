//! Manifests and platforms that misbehave. Each ends in a clear failure that names its place, within bounded memory and a bounded
//! number of requests, and what was read before stays.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![allow(clippy::type_complexity, reason = "rows of tables")]

mod desk;

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, Bytes},
    http::Request,
    response::Response,
};
use desk::{Desk, desk};
use kit::placeholder;
use manifest::{
    components::Fault,
    connector::{Connector, Event, Limits, Outlet, Wanted},
    json,
    json::Json,
};
use model::failure::{Code, Failure, FailureKind};
use std::{
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// A platform with any body, and what it was asked: paths with queries, and sign-ins.
struct Platform {
    base: String,
    asked: Arc<Mutex<Vec<(String, Option<String>)>>>,
}

impl Platform {
    async fn start(answer: impl Fn(&str, usize) -> Response + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<_>>> = Arc::default();
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        let app = Router::new().fallback(move |request: Request<Body>| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                let target = request.uri().to_string();
                let signed = request.headers().get("authorization").map(|it| it.to_str().unwrap().to_owned());
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push((target.clone(), signed));
                    log.len()
                };
                answer(&target, number)
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { base, asked }
    }
    fn requests(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn body(body: impl Into<Body>) -> Response {
    Response::new(body.into())
}

fn page(items: &Json, next: &Json) -> Response {
    body(json!({"items": items.general(), "next": next.general()}).to_string())
}

/// Counts records and the most that came at once, keeps their `to`, and stops the run after so many.
#[derive(Default)]
struct Basket {
    records: usize,
    largest: usize,
    sums: Vec<i64>,
    stop: Option<(usize, kit::session::CancellationToken)>,
}

#[async_trait]
impl Outlet for Basket {
    async fn event(&mut self, event: Event) -> Result<(), Failure> {
        if let Event::Records { records, .. } = event {
            self.records += records.len();
            self.largest = self.largest.max(records.len());
            self.sums.extend(records.iter().filter_map(|record| record.get("sum")?.as_i64()));
        }
        if let Some((most, cancel)) = &self.stop
            && self.records >= *most
        {
            cancel.cancel();
        }
        Ok(())
    }
}

fn document(stream: &str) -> String {
    format!("version: 6.0.0\ncheck: {{type: CheckStream, stream_names: [s]}}\nstreams:\n- {stream}\n")
}

/// A stream named `s` that reads `/s`.
fn stream(base: &str, requester: &str, retriever: &str, more: &str) -> String {
    let comma = |text: &str| if text.is_empty() { String::new() } else { format!(", {text}") };
    let extractor = if retriever.contains("record_selector:") {
        String::new()
    } else {
        ", record_selector: {extractor: {type: DpathExtractor, field_path: [items]}}".to_owned()
    };
    format!(
        "{{type: DeclarativeStream, name: s{}, retriever: {{type: SimpleRetriever, requester: {{type: HttpRequester, url_base: \"{base}\", path: /s{}}}{extractor}{}}}}}",
        comma(more),
        comma(requester),
        comma(retriever)
    )
}

/// How the stream ended, and how many of its records arrived.
async fn read(desk: &Desk, text: &str, limits: Limits, mut basket: Basket) -> (Result<(), Failure>, usize) {
    let outcome = fill(desk, text, limits, &mut basket).await;
    (outcome, basket.records)
}

async fn fill(desk: &Desk, text: &str, limits: Limits, basket: &mut Basket) -> Result<(), Failure> {
    let connector = Connector::load(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let wanted = vec![Wanted { stream: "s".to_owned(), ..Wanted::default() }];
    connector.read(&desk.run, wanted, &limits, basket).await?.streams.remove(0).2
}

const CURSOR: &str = "paginator: {type: DefaultPaginator, page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: after}, pagination_strategy: {type: CursorPagination, cursor_value: '{{ response.next }}'}}";
const LINKS: &str = "paginator: {type: DefaultPaginator, page_token_option: {type: RequestPath}, pagination_strategy: {type: CursorPagination, cursor_value: '{{ response.next }}'}}";

/// `page_size` of a paginator that counts.
fn offsets(size: &str) -> String {
    format!(
        "paginator: {{type: DefaultPaginator, page_token_option: {{type: RequestOption, inject_into: request_parameter, field_name: at}}, pagination_strategy: {{type: OffsetIncrement, page_size: {size}}}}}"
    )
}

type Answer = Box<dyn Fn(&str, usize) -> Response + Send + Sync>;

fn answer(from: impl Fn(&str, usize) -> Response + Send + Sync + 'static) -> Answer {
    Box::new(from)
}

#[tokio::test]
async fn pages_that_never_end_are_ended() {
    let one = || json!([{"id": 1}]);
    // What it is, the paginator, the platform, how it ends, records, and most requests.
    let rows: Vec<(&str, String, Answer, Option<Code>, usize, usize)> = vec![
        ("the same page", CURSOR.into(), answer(move |_, _| page(&one(), &json!("x"))), Some(Code::PagingLoop), 2, 3),
        (
            "three pages in turn",
            CURSOR.into(),
            answer(|_, n| page(&json!([{"id": n % 3}]), &json!(format!("t{}", n % 3)))),
            Some(Code::PagingLoop),
            11,
            12,
        ),
        (
            "a hundred pages in turn after a start",
            CURSOR.into(),
            answer(|_, n| page(&json!([{"id": if n < 50 { n + 1_000 } else { n % 100 }}]), &json!(format!("t{}", n % 100)))),
            Some(Code::PagingLoop),
            0,
            700,
        ),
        (
            "empty pages with ever new tokens",
            CURSOR.into(),
            answer(|_, n| page(&json!([]), &json!(n))),
            Some(Code::PagingLoop),
            0,
            1_000,
        ),
        (
            "an offset that is not looked at",
            offsets("2"),
            answer(|_, _| page(&json!([{"id": 1}, {"id": 2}]), &Json::Null)),
            Some(Code::PagingLoop),
            4,
            3,
        ),
        (
            "a page size of nothing",
            offsets("0"),
            answer(move |_, _| page(&one(), &Json::Null)),
            Some(Code::PagingLoop),
            2,
            3,
        ),
        ("a page size of less than nothing", offsets("-5"), answer(|_, _| page(&json!([]), &Json::Null)), None, 0, 1),
        (
            "a page number at the end of numbers",
            "paginator: {type: DefaultPaginator, page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: at}, pagination_strategy: {type: PageIncrement, page_size: 1, start_from_page: 9223372036854775807, inject_on_first_request: true}}".into(),
            answer(move |_, _| page(&one(), &Json::Null)),
            Some(Code::PagingLoop),
            2,
            3,
        ),
        (
            "two good pages before a refused one",
            CURSOR.into(),
            answer(|_, n| match n {
                3 => Response::builder().status(400).body(Body::from("no")).unwrap(),
                _ => page(&json!([{"id": n}]), &json!(n)),
            }),
            Some(Code::RequestRefused),
            2,
            3,
        ),
    ];
    for (what, paginator, platform, expected, records, requests) in rows {
        let platform = Platform::start(platform).await;
        let desk = desk(&json!({}));
        let text = document(&stream(&platform.base, "", &paginator, ""));
        let (ended, found) = read(&desk, &text, Limits::default(), Basket::default()).await;
        assert_eq!(ended.err().map(|failure| failure.code), expected, "{what}");
        assert!(platform.requests() <= requests, "{what}: {} requests", platform.requests());
        assert!(found >= records, "{what}: {found} records");
    }
}

#[tokio::test]
async fn pages_that_are_new_for_ever_end_with_the_limits_of_a_test_or_the_wish_of_a_person() {
    let platform = Platform::start(|_, n| page(&json!([{"id": n}]), &json!(n))).await;
    let text = document(&stream(&platform.base, "", CURSOR, ""));
    let limits = Limits { pages_per_slice: Some(5), ..Limits::default() };
    let (ended, records) = read(&desk(&json!({})), &text, limits, Basket::default()).await;
    ended.unwrap();
    assert_eq!((records, platform.requests()), (5, 5));
    let desk = desk(&json!({}));
    let stop = Some((1_500, desk.run.cancel.clone()));
    let (ended, records) = read(&desk, &text, Limits::default(), Basket { stop, ..Basket::default() }).await;
    assert_eq!(ended.unwrap_err().kind(), FailureKind::Cancelled);
    assert!((1_500..1_600).contains(&records), "{records}");
}

#[tokio::test]
async fn a_large_page_is_never_held_as_records_and_counts_as_one_page() {
    const PAGE: i64 = 3_000;
    let records = |from: i64, count: i64| {
        (from..from + count).map(|id| json!({"id": id, "name": "x".repeat(90)})).collect::<Vec<_>>()
    };
    let answer = move |_: &str, number: usize| {
        let number = i64::try_from(number).unwrap();
        page(&Json::Array(records((number - 1) * PAGE, if number < 3 { PAGE } else { 500 })), &Json::Null)
    };
    let retriever = "record_selector: {extractor: {type: DpathExtractor, field_path: [items]}, record_filter: {condition: \"{{ record.id % 7 != 0 }}\"}}, \
        paginator: {type: DefaultPaginator, page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: page}, pagination_strategy: {type: PageIncrement, page_size: 3000}}";
    let more = "transformations: [{type: AddFields, fields: [{path: [sum], value: \"{{ record.id + 1 }}\"}]}]";
    // Most pages, the last id, and requests.
    for (pages, end, requests) in [(None, 2 * PAGE + 500, 3), (Some(2), 2 * PAGE, 2), (Some(1), PAGE, 1)] {
        let platform = Platform::start(answer).await;
        let text = document(&stream(&platform.base, "", retriever, more));
        let mut basket = Basket::default();
        let limits = Limits { pages_per_slice: pages, ..Limits::default() };
        fill(&desk(&json!({})), &text, limits, &mut basket).await.unwrap();
        let expected: Vec<i64> = (0..end).filter(|id| id % 7 != 0).map(|id| id + 1).collect();
        assert_eq!((basket.sums == expected, platform.requests()), (true, requests), "{pages:?} pages");
        assert!(basket.largest < 500, "{} records at once", basket.largest);
    }
}

fn gz(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

/// The most memory this process ever held, where the system tells.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).unwrap_or_default() << 10
}

#[tokio::test]
async fn bodies_that_are_too_much_are_not_held() {
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    // Two gigabytes, in pieces that are counted as they leave.
    let endless = move || {
        let counted = Arc::clone(&counted);
        let piece = Bytes::from(vec![b' '; 1 << 16]);
        body(Body::from_stream(futures::stream::iter((0..1 << 15).map(move |_| {
            counted.fetch_add(1 << 16, Ordering::Relaxed);
            Ok::<_, std::io::Error>(piece.clone())
        }))))
    };
    let large = vec![b' '; 257 << 20];
    let gzip_bomb = gz(&large);
    drop(large);
    let before = peak();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let packed = |kind: &str| format!("decoder: {{type: {kind}, decoder: {{type: JsonDecoder}}}}");
    let rows: Vec<(&str, String, Answer, Code, &str)> = vec![
        ("two gigabytes", String::new(), answer(move |_, _| endless()), Code::BodyTooLarge, ""),
        (
            "two gigabytes that are announced",
            String::new(),
            answer(|_, _| {
                Response::builder()
                    .header("content-length", 2u64 << 30)
                    .body(Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>()))
                    .unwrap()
            }),
            Code::BodyTooLarge,
            "",
        ),
        ("a gzip bomb", packed("GzipDecoder"), answer(move |_, _| body(gzip_bomb.clone())), Code::VendorChanged, "MiB"),
        (
            "a gzip bomb on the way",
            String::new(),
            answer(move |_, _| {
                Response::builder()
                    .header("content-encoding", "gzip")
                    .body(Body::from(gz(&vec![b' '; 65 << 20])))
                    .unwrap()
            }),
            Code::BodyTooLarge,
            "",
        ),
        ("deep nesting", String::new(), answer(move |_, _| body(deep.clone())), Code::VendorChanged, "nested deeper"),
        (
            "text that is not UTF-8",
            String::new(),
            answer(|_, _| body(&b"{\"items\": [{\"a\": \"\xff\"}]}"[..])),
            Code::VendorChanged,
            "UTF-8",
        ),
    ];
    for (what, decoder, platform, expected, told) in rows {
        let platform = Platform::start(platform).await;
        let desk = desk(&json!({}));
        let text = document(&stream(
            &platform.base,
            "error_handler: {type: DefaultErrorHandler, max_retries: 0}",
            &decoder,
            "",
        ));
        let (ended, records) = read(&desk, &text, Limits::default(), Basket::default()).await;
        let failure = ended.expect_err(what);
        assert_eq!((failure.code, records), (expected, 0), "{what}: {failure:?}");
        assert!(failure.to_string().contains(told), "{what}: {failure}");
    }
    let sent = sent.load(Ordering::Relaxed);
    assert!(sent < 256 << 20, "{sent} bytes left the server");
    let grown = peak() - before;
    assert!(grown < 1 << 30, "{} MiB", grown >> 20);
}

#[tokio::test]
async fn a_token_does_not_leave_its_host() {
    let foreign = Platform::start(|_, _| page(&json!([{"id": 2}]), &Json::Null)).await;
    // Another port of the same address is another host here; a redirect that is not trusted goes nowhere in the local network.
    let elsewhere = foreign.base.clone();
    let next = Platform::start(move |_, _| page(&json!([{"id": 1}]), &json!(format!("{elsewhere}/next")))).await;
    let elsewhere = foreign.base.clone();
    let redirecting = Platform::start(move |_, _| {
        Response::builder().status(302).header("location", format!("{elsewhere}/next")).body(Body::empty()).unwrap()
    })
    .await;
    let bearer = "authenticator: {type: BearerAuthenticator, api_token: \"{{ config['token'] }}\"}";
    for (what, platform, code, records) in [
        ("a next page", &next, Some(Code::SettingInvalid), 1),
        ("a redirect", &redirecting, Some(Code::VendorChanged), 0),
    ] {
        let desk = desk(&json!({"token": placeholder::field("token")}));
        let text = document(&stream(&platform.base, bearer, LINKS, ""));
        let (ended, found) = read(&desk, &text, Limits::default(), Basket::default()).await;
        assert_eq!((ended.err().map(|failure| failure.code), found), (code, records), "{what}");
        assert_eq!(platform.asked.lock().unwrap()[0].1.as_deref(), Some("Bearer s3cret-1e5"), "{what}");
        assert!(
            foreign.asked.lock().unwrap().iter().all(|(target, signed)| signed.is_none() && !target.contains("s3cret")),
            "{what}"
        );
        assert!(!desk.log.everything().contains("s3cret"), "{what}");
    }
}

#[tokio::test]
async fn templates_and_numbers_that_are_too_much_end_the_stream() {
    let nested = |times: usize| format!("{}{}{}", "(".repeat(times), 1, ")".repeat(times));
    let loops = "{% for a in [1] * 1000 %}{% for b in [1] * 1000 %}{% for c in [1] * 1000 %}x{% endfor %}{% endfor %}{% endfor %}";
    // Where the text stands, and how the stream ends: when it is loaded, or when it is read.
    let rows: Vec<(&str, String, &str)> = vec![
        ("loops in loops", loops.into(), "too expensive"),
        ("a long text", "{{ 'x' * 100000000000 }}".into(), "too expensive"),
        (
            "a text that doubles",
            "{% set a = 'xxxxxxxxxx' * 100000 %}{% set b = a ~ a ~ a ~ a %}{{ b ~ b ~ b ~ b }}".into(),
            "too expensive",
        ),
        ("a list of lists", "{% set a = [1] * 90000 %}{{ [a, a, a, a] * 90000 }}".into(), "too expensive"),
        ("deep brackets", format!("{{{{ {} }}}}", nested(10_000)), "deep"),
        ("deep signs", format!("{{{{ {}1 }}}}", "-".repeat(100_000)), "deep"),
        ("deep blocks", format!("{}x{}", "{% if 1 %}".repeat(10_000), "{% endif %}".repeat(10_000)), "deep"),
    ];
    for (what, template, told) in rows {
        let platform = Platform::start(|_, _| page(&json!([{"id": 1}]), &Json::Null)).await;
        let parameters = format!("request_parameters: {{a: \"{template}\"}}");
        let text = document(&stream(&platform.base, &parameters, "", ""));
        let connector = Connector::load(&text).unwrap();
        let said = match &connector.declared()[0].stream {
            Err(fault @ Fault::Invalid(error)) => {
                assert!(error.path.contains("request_parameters"), "{what}: {}", error.path);
                fault.to_string()
            }
            Err(fault) => panic!("{what}: {fault}"),
            Ok(_) => {
                let (ended, _) = read(&desk(&json!({})), &text, Limits::default(), Basket::default()).await;
                let failure = ended.expect_err(what);
                assert_eq!(failure.code, Code::ManifestInvalid, "{what}: {failure}");
                failure.to_string()
            }
        };
        assert!(said.contains(told), "{what}: {said}");
        assert_eq!(platform.requests(), 0, "{what}");
    }
    // A hostile pattern takes no longer than its text.
    let platform = Platform::start(|_, _| page(&json!([{"id": 1}]), &Json::Null)).await;
    let hazard = format!("request_parameters: {{a: \"{{{{ '{}!' | regex_search('(a+)+$') }}}}\"}}", "a".repeat(5_000));
    let (ended, records) = read(
        &desk(&json!({})),
        &document(&stream(&platform.base, &hazard, "", "")),
        Limits::default(),
        Basket::default(),
    )
    .await;
    ended.unwrap();
    assert_eq!(records, 1);
}

#[tokio::test]
async fn numbers_without_sense_do_not_make_a_read_endless() {
    let days = "type: DatetimeBasedCursor, cursor_field: at, datetime_format: '%Y-%m-%d', start_datetime: '2024-05-01'";
    let handler = |more: &str| format!("error_handler: {{type: DefaultErrorHandler, {more}}}");
    let rows: Vec<(&str, String, String, u16, Option<Code>)> = vec![
        ("negative repetitions", handler("max_retries: -1"), String::new(), 503, Some(Code::PlatformDown)),
        (
            "very many repetitions",
            handler("max_retries: 99999999999999999999"),
            String::new(),
            503,
            Some(Code::PlatformDown),
        ),
        (
            "a wait of centuries",
            handler(
                "max_retries: 2, backoff_strategies: [{type: ConstantBackoffStrategy, backoff_time_in_seconds: 1.0e+300}]",
            ),
            String::new(),
            503,
            Some(Code::PlatformDown),
        ),
        (
            "a negative wait",
            handler(
                "max_retries: 2, backoff_strategies: [{type: ConstantBackoffStrategy, backoff_time_in_seconds: -5}]",
            ),
            String::new(),
            503,
            Some(Code::PlatformDown),
        ),
        (
            "a step of nothing",
            String::new(),
            format!("incremental_sync: {{{days}, step: P0D, cursor_granularity: P1D}}"),
            200,
            None,
        ),
        (
            "a window that begins after its end",
            String::new(),
            format!("incremental_sync: {{{days}, end_datetime: '2020-01-01', step: P1D, cursor_granularity: P1D}}"),
            200,
            None,
        ),
    ];
    for (what, requester, more, status, expected) in rows {
        let platform = Platform::start(move |_, _| {
            Response::builder()
                .status(status)
                .body(Body::from(r#"{"items": [{"id": 1, "at": "2024-05-03"}]}"#))
                .unwrap()
        })
        .await;
        let text = document(&stream(&platform.base, &requester, "", &more));
        let desk = desk(&json!({}));
        let ended = match &Connector::load(&text).unwrap().declared()[0].stream {
            Ok(_) => read(&desk, &text, Limits::default(), Basket::default()).await.0.err().map(|failure| failure.code),
            Err(_) => Some(Code::ManifestInvalid),
        };
        let refused = expected.is_some() && ended == Some(Code::ManifestInvalid);
        assert!(ended == expected || refused, "{what}: {ended:?}");
        assert!(platform.requests() <= 200, "{what}: {} requests", platform.requests());
    }
}

/// Counts records and keeps the last state.
struct Both<'b>(&'b mut usize, &'b mut Json);
#[async_trait]
impl Outlet for Both<'_> {
    async fn event(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Records { records, .. } => *self.0 += records.len(),
            Event::State { state, .. } => *self.1 = state,
            Event::Ended { outcome, .. } => outcome?,
            Event::Started { .. } | Event::Slice { .. } => {}
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_cursor_that_goes_backwards_keeps_every_record_and_the_newest_state() {
    let platform = Platform::start(|_, n| {
        let at = format!("2024-05-{:02}", 20 - n);
        let next = if n < 5 { json!(n) } else { Json::Null };
        page(&json!([{"id": n, "at": at}]), &next)
    })
    .await;
    let cursor = "incremental_sync: {type: DatetimeBasedCursor, cursor_field: at, datetime_format: '%Y-%m-%d', start_datetime: '2024-05-01'}";
    let connector = Connector::load(&document(&stream(&platform.base, "", CURSOR, cursor))).unwrap();
    let (mut records, mut state) = (0, Json::Null);
    let wanted = vec![Wanted { stream: "s".to_owned(), ..Wanted::default() }];
    let mut outlet = Both(&mut records, &mut state);
    connector.read(&desk(&json!({})).run, wanted, &Limits::default(), &mut outlet).await.unwrap();
    assert_eq!((records, state), (5, json!({"at": "2024-05-19"})));
}

#[test]
fn documents_that_are_too_much_are_refused_with_their_place() {
    let head = "version: 6.0.0\ncheck: {type: CheckStream, stream_names: [s]}\n";
    let laughs = |link: &dyn Fn(usize) -> String| {
        let lines: Vec<String> =
            (1..12).map(|level| format!("  l{level}: [{}]", vec![link(level - 1); 10].join(", "))).collect();
        format!("  l0: [ha]\n{}", lines.join("\n"))
    };
    let references = laughs(&|level| format!("'#/definitions/l{level}'"));
    let anchors: Vec<String> = (1..12)
        .map(|level| format!("  l{level}: &l{level} [{}]", vec![format!("*l{}", level - 1); 10].join(", ")))
        .collect();
    let chain: Vec<String> = (0..5_000).map(|at| format!("  c{at}: '#/definitions/c{}'", at + 1)).collect();
    let tower: Vec<String> =
        (0..5_000).map(|at| format!("  c{at}: {{a: {{a: '#/definitions/c{}'}}}}", at + 1)).collect();
    let inherited: Vec<String> = (0..12).map(|at| format!("p{at}: {{type: X{at}}}")).collect();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_lines: Vec<String> = (1..5_000).map(|at| format!("{}a:", " ".repeat(at))).collect();
    let rows: Vec<(&str, String, &str, &str)> = vec![
        (
            "a circle",
            "definitions: {a: {x: '#/definitions/b'}, b: {y: {$ref: '#/definitions/a'}}}\nstreams: ['#/definitions/a']"
                .into(),
            "definitions/a",
            "leads back to itself",
        ),
        ("a reference to everything", "streams: ['#/streams']".into(), "streams/0", "leads back to itself"),
        (
            "references that laugh",
            format!("definitions:\n{references}\nstreams: ['#/definitions/l11']"),
            "definitions/",
            "more than 1000000 values",
        ),
        (
            "anchors that laugh",
            format!("definitions:\n  l0: &l0 [ha]\n{}\nstreams: [*l11]", anchors.join("\n")),
            "",
            "not readable as YAML",
        ),
        (
            "a chain of references",
            format!("definitions:\n{}\n  c5000: x\nstreams: ['#/definitions/c0']", chain.join("\n")),
            "definitions/c0",
            "lead to each other",
        ),
        (
            "a tower of references",
            format!("definitions:\n{}\n  c5000: x\nstreams: ['#/definitions/c0']", tower.join("\n")),
            "definitions/c0",
            "nested deeper",
        ),
        (
            "parameters that fill each other",
            format!("streams: [{{type: DeclarativeStream, $parameters: {{{}}}}}]", inherited.join(", ")),
            "streams/p0",
            "more than 1000000 values",
        ),
        ("deep brackets", format!("streams: {deep}"), "", "not readable as YAML"),
        ("deep lines", format!("definitions:\n{}", deep_lines.join("\n")), "", "not readable as YAML"),
        ("a NUL", "streams: \"\0\"".into(), "", "not readable as YAML"),
    ];
    let mut complaints = Vec::new();
    for (what, text, path, told) in rows {
        let error = Connector::load(&format!("{head}{text}")).expect_err(what);
        if !error.path.starts_with(path) || !error.message.contains(told) {
            let message: String = error.message.chars().take(300).collect();
            complaints.push(format!("{what}: {}: {message}", error.path));
        }
    }
    assert_eq!(complaints, Vec::<String>::new());
    // Of duplicate keys the last one counts, in both notations, as in the reference.
    for text in ["a: 1\na: {b: 1, b: 2}", r#"{"a": 1, "a": {"b": 1, "b": 2}}"#] {
        assert_eq!(manifest::document::parse(text).unwrap(), json!({"a": {"b": 2}}));
    }
    let grouping = "{type: DeclarativeStream, name: s, retriever: {type: SimpleRetriever, requester: {type: HttpRequester, url_base: 'https://x.example', path: /s}, record_selector: {extractor: {type: DpathExtractor, field_path: []}}, partition_router: {type: GroupingPartitionRouter, group_size: 0, underlying_partition_router: {type: ListPartitionRouter, values: [a], cursor_field: c}}}}";
    let connector = Connector::load(&document(grouping)).unwrap();
    let fault = connector.declared()[0].stream.as_ref().err().unwrap().to_string();
    assert!(fault.contains("partition_router/group_size: a positive whole number"), "{fault}");
}
