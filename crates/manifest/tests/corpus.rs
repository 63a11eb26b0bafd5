//! Our own corpus: made-up connectors that together use every component and option of the format that we run. What the reference
//! made of them is recorded beside them (`tests/conformance/record.py` says how); here they are replayed without it, over a server on loopback
//! and with a virtual clock. Requests are compared as a set, records as multisets per stream, and the last state of each stream.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic and talks to its reader"
)]

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{Request, request::Parts, response::Builder},
    response::Response,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use kit::{
    http::{Http, HttpOptions},
    session::CancellationToken,
    testing::VirtualClock,
};
use manifest::{
    connector::{Connector, Event, Limits, Outlet, Wanted},
    inventory::{Fate, Inventory, REFUSED, take_stock},
    read::Run,
};
use model::failure::Failure;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

/// Headers that say nothing about the runtime above the HTTP library.
const LIBRARY_HEADERS: &[&str] =
    &["host", "user-agent", "accept-encoding", "accept", "connection", "content-length", "transfer-encoding", "cookie"];
const PREFIX: &str = "/__https/";
const NOW: [&str; 2] = ["2024-06-01T12:34:56Z", "2024-06-03T08:00:00Z"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// Names of the topics, in order.
fn topics() -> Vec<String> {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.filter_map(|file| file.strip_suffix(".yaml").map(str::to_owned)).collect();
    names.sort();
    names
}

fn manifest_of(topic: &str) -> String {
    fs::read_to_string(folder().join(format!("{topic}.yaml"))).unwrap()
}

fn json_of(name: &str) -> Option<Value> {
    let text = fs::read_to_string(folder().join(name)).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn pairs(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// A path against a pattern with `*`.
fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    let mut open = false;
    for part in parts {
        open = true;
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || open && pattern.ends_with('*')
}

/// Signed tokens are replaced by what they claim; times by lifetimes, as the recording does.
fn unsign(text: &str) -> String {
    let pattern = regex::Regex::new(r"eyJ[\w-]+\.[\w-]+\.[\w-]*").unwrap();
    let claims = |found: &regex::Captures<'_>| {
        let part = |at: usize| -> Option<Map<String, Value>> {
            let bytes = URL_SAFE_NO_PAD.decode(found[0].split('.').nth(at)?).ok()?;
            serde_json::from_slice(&bytes).ok()
        };
        let (Some(head), Some(mut claims)) = (part(0), part(1)) else { return found[0].to_owned() };
        let time = |name: &str| claims.get(name).and_then(Value::as_i64).unwrap_or(0);
        let lifetime = time("exp") - time("iat");
        claims.insert("exp".to_owned(), json!(lifetime));
        claims.remove("iat");
        claims.remove("nbf");
        sorted(&json!([head, claims])).to_string()
    };
    pattern.replace_all(text, claims).into_owned()
}

/// The same with the keys of maps in order, so that texts can be compared.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let ordered: BTreeMap<&String, Value> = map.iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(ordered.into_iter().map(|(key, value)| (key.clone(), value)).collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        // A whole number and a float of the same worth are told apart in records.
        other => other.clone(),
    }
}

struct Script {
    answers: Vec<(Value, u64)>,
    sync: u64,
    log: BTreeSet<String>,
    base: String,
}

impl Script {
    fn answer(&mut self, method: &str, place: &str, query: &[(String, String)], body: &str) -> Value {
        let sync = self.sync;
        let found = self.answers.iter_mut().find(|(answer, left)| {
            let when = answer["when"].as_str().unwrap();
            let (verb, when) = when.split_once(' ').map_or((method, when), |(verb, when)| (verb, when));
            let (path, need) = when.split_once('?').unwrap_or((when, ""));
            verb == method
                && matches(path, place)
                && pairs(need).iter().all(|pair| query.contains(pair))
                && answer.get("sync").is_none_or(|wanted| *wanted == sync)
                && answer.get("body").is_none_or(|part| body.contains(part.as_str().unwrap()))
                && *left > 0
        });
        match found {
            None => json!({"status": 404, "json": {}}),
            Some((answer, left)) => {
                *left -= 1;
                answer.clone()
            }
        }
    }

    fn respond(&mut self, parts: &Parts, body: &Bytes) -> Response {
        let text = String::from_utf8_lossy(body).into_owned();
        let place = parts.uri.path().strip_prefix(PREFIX).unwrap_or(parts.uri.path()).to_owned();
        let query = pairs(parts.uri.query().unwrap_or_default());
        let mut row = Map::new();
        row.insert("request".to_owned(), json!(format!("{} {place}", parts.method)));
        let unsigned = |mut pairs: Vec<(String, String)>| -> Value {
            for (_, value) in &mut pairs {
                *value = unsign(value);
            }
            pairs.sort();
            json!(pairs)
        };
        if !query.is_empty() {
            row.insert("query".to_owned(), unsigned(query.clone()));
        }
        let headers: BTreeMap<&str, String> = parts
            .headers
            .iter()
            .filter(|(name, _)| !LIBRARY_HEADERS.contains(&name.as_str()))
            .map(|(name, value)| (name.as_str(), unsign(value.to_str().unwrap())))
            .collect();
        let form = headers.get("content-type").is_some_and(|kind| kind.contains("x-www-form-urlencoded"));
        if !headers.is_empty() {
            row.insert("headers".to_owned(), json!(headers));
        }
        if !text.is_empty() {
            let body = match serde_json::from_str::<Value>(&text) {
                Ok(body) => body,
                Err(_) if form => unsigned(pairs(&text)),
                Err(_) => json!(text),
            };
            row.insert("body".to_owned(), body);
        }
        self.log.insert(sorted(&Value::Object(row)).to_string());
        let answer = self.answer(parts.method.as_str(), &place, &query, &text);
        let here = |text: &str| text.replace("https://", &self.base);
        let body = match (answer.get("base64"), answer.get("json"), answer.get("text")) {
            (Some(body), ..) => STANDARD.decode(body.as_str().unwrap()).unwrap(),
            (_, Some(body), _) => here(&body.to_string()).into_bytes(),
            (.., Some(body)) => here(body.as_str().unwrap()).into_bytes(),
            _ => Vec::new(),
        };
        let status = answer.get("status").and_then(Value::as_u64).unwrap_or(200);
        let mut headers = Map::from_iter([("Content-Type".to_owned(), json!("application/json"))]);
        headers.extend(answer.get("headers").and_then(Value::as_object).cloned().unwrap_or_default());
        let response = Response::builder().status(u16::try_from(status).unwrap());
        let add =
            |response: Builder, (name, value): (&String, &Value)| response.header(name, here(value.as_str().unwrap()));
        headers.iter().fold(response, add).body(Body::from(body)).unwrap()
    }
}

async fn serve(scenario: &Value) -> Arc<Mutex<Script>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}{PREFIX}", listener.local_addr().unwrap());
    let times = |answer: &Value| answer.get("times").and_then(Value::as_u64).unwrap_or(u64::MAX);
    let answers = scenario["answers"].as_array().unwrap();
    let answers = answers.iter().map(|answer| (answer.clone(), times(answer))).collect();
    let script = Arc::new(Mutex::new(Script { answers, sync: 1, log: BTreeSet::new(), base }));
    let desk = Arc::clone(&script);
    let app = Router::new().fallback(move |request: Request<Body>| {
        let desk = Arc::clone(&desk);
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, 1 << 20).await.unwrap();
            desk.lock().unwrap().respond(&parts, &body)
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    script
}

#[derive(Default)]
struct Basket {
    records: BTreeMap<String, Vec<String>>,
    states: BTreeMap<String, Value>,
}

#[async_trait]
impl Outlet for Basket {
    async fn event(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Records { stream, records } => {
                let texts = records.into_iter().map(|record| sorted(&record.general()).to_string());
                self.records.entry(stream).or_default().extend(texts);
            }
            Event::State { stream, state } => {
                self.states.insert(stream, state.general());
            }
            Event::Started { .. } | Event::Slice { .. } | Event::Ended { .. } => {}
        }
        Ok(())
    }
}

/// How long a sync took is not ours to repeat, and partitions finish in any order.
fn settled(state: &Value) -> Value {
    match state {
        Value::Object(map) => {
            let mut map: Map<String, Value> = map.iter().map(|(key, value)| (key.clone(), settled(value))).collect();
            if let Some(lookback) = map.get_mut("lookback_window") {
                *lookback = json!("some seconds");
            }
            if let Some(Value::Array(states)) = map.get_mut("states") {
                states.sort_by_key(ToString::to_string);
            }
            sorted(&Value::Object(map))
        }
        other => other.clone(),
    }
}

fn differ(found: &[String], expected: &[String], what: &str, differences: &mut Vec<String>) {
    let count = |of: &[String], row: &String| of.iter().filter(|other| *other == row).count();
    let rows: BTreeSet<&String> = found.iter().chain(expected).collect();
    for row in rows {
        let (ours, theirs) = (count(found, row), count(expected, row));
        if ours != theirs {
            differences.push(format!("{what}: {ours} times instead of {theirs}: {row}"));
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().map(|rows| rows.iter().map(|row| sorted(row).to_string()).collect()).unwrap_or_default()
}

/// Replays a topic; what differs from the recording.
async fn replay(topic: &str, scenario: &Value, recorded: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    let script = serve(scenario).await;
    let base = script.lock().unwrap().base.clone();
    let connector = Connector::load(&manifest_of(topic)).unwrap_or_else(|error| panic!("{topic}: {error}"));
    let skipped = |name: &str| scenario["skip"].get(name).is_some();
    let plain = |text: String| text.replace(&base, "https://");
    let mut states = scenario.get("states").cloned().unwrap_or_else(|| json!({}));
    for (number, expected) in recorded.as_array().unwrap().iter().enumerate() {
        let now = scenario["now"].get(number).and_then(Value::as_str).unwrap_or(NOW[number]);
        let mut options = HttpOptions::new("corpus", topic);
        options.clock = VirtualClock::at(now.parse().unwrap());
        options.url_map = vec![("https://".to_owned(), base.clone())];
        let http = Http::new(options).unwrap();
        let run = || Run {
            workers: 1,
            ..Run::new(scenario["config"].clone().into(), http.clone(), CancellationToken::new())
        };
        script.lock().unwrap().sync = number as u64 + 1;
        if number == 0 {
            let found = connector.discover(&run()).await;
            let found = found.unwrap_or_else(|failure| panic!("{topic} is not discovered: {failure:?}"));
            let row = |it: manifest::connector::Declared| {
                let row = json!({
                    "name": it.name, "incremental": it.incremental, "primary_key": it.primary_key, "cursor": it.cursor_field,
                    "schema": it.schema.general(),
                });
                sorted(&row).to_string()
            };
            let found: Vec<String> = found.into_iter().map(row).collect();
            differ(&found, &texts(&expected["streams"]), "streams", &mut differences);
            let good = connector.check(&run()).await;
            if good.is_ok() != (expected["check"] == "SUCCEEDED") {
                differences.push(format!("check: {good:?} instead of {}", expected["check"]));
            }
        }
        script.lock().unwrap().log.clear();
        let names: Vec<&String> = expected["records"].as_object().unwrap().keys().collect();
        let wanted = names.iter().map(|name| {
            let state = states.get(name.as_str()).filter(|state| !state.is_null());
            Wanted {
                stream: (*name).clone(),
                state: state.map(|state| state.clone().into()),
                full_refresh: false,
                schema: None,
            }
        });
        let (mut basket, limits) = (Basket::default(), Limits::default());
        let summary = connector.read(&run(), wanted.collect(), &limits, &mut basket).await.unwrap();
        let at = |what: &str| format!("sync {}, {what}", number + 1);
        let requests: Vec<String> = script.lock().unwrap().log.iter().cloned().map(plain).collect();
        let apart = |request: &String| {
            let row: Value = serde_json::from_str(request).unwrap();
            scenario["apart"].get(row["request"].as_str().unwrap()).is_none()
        };
        let compared = |requests: Vec<String>| requests.into_iter().filter(apart).collect::<Vec<_>>();
        let (requests, theirs) = (compared(requests), compared(texts(&expected["requests"])));
        differ(&requests, &theirs, &at("requests"), &mut differences);
        for name in names {
            if skipped(name) {
                continue;
            }
            let records: Vec<String> = basket.records.remove(name).unwrap_or_default().into_iter().map(plain).collect();
            differ(&records, &texts(&expected["records"][name]), &at(&format!("records of {name}")), &mut differences);
            let state = basket.states.get(name).map_or(Value::Null, settled);
            let wanted = settled(&expected["states"][name]);
            if state != wanted && scenario["apart"].get(format!("state of {name}")).is_none() {
                differences.push(format!("{} {state} instead of {wanted}", at(&format!("state of {name}:"))));
            }
            let outcome = summary.streams.iter().find(|(found, ..)| found == name).map(|(.., outcome)| outcome.clone());
            let complete = matches!(outcome, Some(Ok(())));
            if complete != (expected["ends"][name] == "COMPLETE") {
                differences.push(format!(
                    "{} {outcome:?} instead of {}",
                    at(&format!("end of {name}:")),
                    expected["ends"][name]
                ));
            }
        }
        states = expected["states"].clone();
    }
    differences
}

#[tokio::test]
async fn our_corpus_is_read_as_the_reference_reads_it() {
    let only = std::env::var("TOPIC").ok();
    let mut differences = Vec::new();
    for topic in topics().into_iter().filter(|topic| only.as_ref().is_none_or(|only| only == topic)) {
        let Some(scenario) = json_of(&format!("{topic}.json")) else { continue };
        let recorded = json_of(&format!("{topic}.recorded.json")).unwrap_or_else(|| panic!("{topic} is not recorded"));
        let found = replay(&topic, &scenario, &recorded).await;
        println!("{topic}: {} differences", found.len());
        differences.extend(found.into_iter().map(|difference| format!("{topic}: {difference}")));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// What was seen while all manifests of the corpus were built.
fn inventory() -> Inventory {
    let load = |topic: &String| {
        let connector = Connector::load(&manifest_of(topic)).unwrap_or_else(|error| panic!("{topic}: {error}"));
        let broken = connector.declared().iter().find_map(|stream| stream.stream.as_ref().err());
        assert!(broken.is_none(), "{topic}: {broken:?}");
    };
    take_stock(|| topics().iter().for_each(load)).1
}

#[test]
fn nothing_of_the_format_is_overlooked_and_what_we_promise_is_in_the_corpus() {
    let inventory = inventory();
    let (mut wrong, mut refused) = (Vec::new(), BTreeSet::new());
    for (kind, options) in inventory.fates() {
        if !inventory.builds(kind) {
            refused.insert(if kind.starts_with("Custom") { "Custom*".to_owned() } else { kind.to_owned() });
            continue;
        }
        for (option, fate) in options {
            match fate {
                Fate::Overlooked | Fate::Unproven => wrong.push(format!("{kind}.{option}: {fate:?}")),
                Fate::Refused => drop(refused.insert(format!("{kind}.{option}"))),
                Fate::Supported | Fate::Harmless(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let listed: BTreeSet<String> = REFUSED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(refused, listed);
}
