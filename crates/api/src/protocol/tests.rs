//! The protocol from the outside: files in, lines out. What a client sees of a manifest, of settings that do not fit, of streams that
//! fail, of a receiver that goes away.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use super::{Command, Manifest, Request, config, form, messages::Printer, run};
use model::secret::Secret;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
};

const MANIFEST: &str = r##"
version: 6.48.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [good]}
definitions:
  good:
    type: DeclarativeStream
    name: good
    primary_key: id
    schema_loader: {type: InlineSchemaLoader, schema: {type: object, properties: {id: {type: integer}}}}
    retriever:
      type: SimpleRetriever
      requester:
        type: HttpRequester
        url_base: "https://api.example.com"
        path: good
        authenticator: {type: BearerAuthenticator, api_token: "{{ config['credentials']['token'] }}"}
      record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: [data]}}
streams:
  - $ref: "#/definitions/good"
  - $ref: "#/definitions/good"
    name: bad
    retriever:
      $ref: "#/definitions/good/retriever"
      requester: {$ref: "#/definitions/good/retriever/requester", path: bad}
  - $ref: "#/definitions/good"
    name: odd
    retriever: {type: CustomRetriever, class_name: source_odd.components.Odd}
spec:
  type: Spec
  documentation_url: https://docs.example.com
  connection_specification:
    type: object
    required: [credentials]
    properties:
      credentials:
        type: object
        required: [token]
        properties: {token: {type: string, airbyte_secret: true}}
      shop: {type: string, pattern: "^[a-z]+$"}
"##;

const TOKEN: &str = "PLANTED-token";

/// A platform with two resources; remembers the lines of what was asked.
fn platform() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            let (status, body) = if head.contains("/good") {
                ("200 OK", r#"{"data": [{"id": 1, "name": "a \"quoted\" name"}, {"id": 9007199254740993}]}"#.to_owned())
            } else {
                // Vendors like to quote a request back.
                ("403 Forbidden", format!(r#"{{"message": "no right for {TOKEN}"}}"#))
            };
            asked.lock().unwrap().push(head);
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (base, seen)
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
    fn messages(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
    fn of(&self, kind: &str) -> Vec<Value> {
        self.messages().into_iter().filter(|message| message["type"] == kind).collect()
    }
}

fn request(base: &str, settings: &Value, streams: &[&str]) -> Request {
    let streams: Vec<Value> =
        streams.iter().map(|name| json!({"stream": {"name": name}, "sync_mode": "full_refresh"})).collect();
    Request {
        manifest: Some(Manifest::Text(MANIFEST.to_owned())),
        config: Some(settings.to_string()),
        catalog: Some(json!({"streams": streams}).to_string()),
        url_map: vec![("https://".to_owned(), format!("{base}/__https/"))],
        now: Some("2024-06-01T00:00:00Z".to_owned()),
        ..Request::default()
    }
}

async fn asked(command: Command, request: Request) -> (bool, Lines) {
    let lines = Lines::default();
    let good = run(command, request, lines.clone()).await;
    (good, lines)
}

fn settings() -> Value {
    json!({"credentials": {"token": TOKEN}})
}

#[tokio::test]
async fn a_client_sees_form_streams_and_status() {
    let (base, seen) = platform();
    let (good, lines) =
        asked(Command::Spec, Request { manifest: Some(Manifest::Text(MANIFEST.to_owned())), ..Request::default() })
            .await;
    assert!(good);
    let spec = &lines.of("SPEC")[0]["spec"];
    assert_eq!(spec["connectionSpecification"]["required"], json!(["credentials"]));
    assert_eq!(spec["documentationUrl"], "https://docs.example.com");

    let (good, lines) = asked(Command::Discover, request(&base, &settings(), &[])).await;
    assert!(good);
    let streams = lines.of("CATALOG")[0]["catalog"]["streams"].clone();
    assert_eq!(streams.as_array().unwrap().len(), 3);
    assert_eq!(streams[0]["source_defined_primary_key"], json!([["id"]]));
    assert_eq!(streams[0]["json_schema"]["properties"]["id"]["type"], "integer");
    assert_eq!(streams[0]["supported_sync_modes"], json!(["full_refresh"]));
    let warned = lines.of("LOG");
    assert!(warned.iter().any(|log| log["log"]["message"].as_str().unwrap().contains("source_odd.components.Odd")));
    assert!(seen.lock().unwrap().is_empty(), "nothing is asked for a fixed list of streams");

    let (good, lines) = asked(Command::Check, request(&base, &settings(), &[])).await;
    assert!(good);
    assert_eq!(lines.of("CONNECTION_STATUS")[0]["connectionStatus"], json!({"status": "SUCCEEDED"}));
    assert!(seen.lock().unwrap()[0].contains("Bearer PLANTED-token"));
}

#[tokio::test]
async fn a_failed_stream_leaves_the_others_alone_and_shows_no_secret() {
    let (base, _) = platform();
    let (good, lines) = asked(Command::Read, request(&base, &settings(), &["bad", "good", "odd", "absent"])).await;
    assert!(!good);
    assert!(!lines.text().contains("PLANTED"), "{}", lines.text());
    let records: Vec<Value> = lines.of("RECORD").into_iter().map(|message| message["record"].clone()).collect();
    assert_eq!(records.len(), 2);
    assert_eq!((&records[0]["stream"], &records[0]["data"]["name"]), (&json!("good"), &json!("a \"quoted\" name")));
    assert_eq!(records[1]["data"]["id"], json!(9_007_199_254_740_993_u64));
    assert!(records[0]["emitted_at"].is_u64());
    // Every stream that was begun ends with a state, the failed one too, as the reference has it.
    let states = lines.of("STATE");
    let of =
        |name: &str| states.iter().map(|it| &it["state"]).find(|it| it["stream"]["stream_descriptor"]["name"] == name);
    for (name, count) in [("good", 2.0), ("bad", 0.0)] {
        let state = of(name).unwrap();
        assert_eq!((&state["type"], &state["sourceStats"]), (&json!("STREAM"), &json!({"recordCount": count})));
    }

    let (mut statuses, mut errors) = (HashMap::<String, Vec<String>>::new(), HashMap::new());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for message in lines.of("TRACE") {
        let trace = &message["trace"];
        if trace["type"] == "ERROR" {
            errors.insert(text(&trace["error"]["stream_descriptor"]["name"]), text(&trace["error"]["failure_type"]));
        } else {
            let told = &trace["stream_status"];
            statuses.entry(text(&told["stream_descriptor"]["name"])).or_default().push(text(&told["status"]));
        }
    }
    assert_eq!(statuses["good"], ["STARTED", "RUNNING", "COMPLETE"]);
    for stream in ["bad", "odd", "absent"] {
        assert_eq!(statuses[stream], ["STARTED", "INCOMPLETE"], "{stream}");
        assert_eq!(errors[stream], "config_error", "{stream}");
    }
}

#[tokio::test]
async fn settings_that_do_not_fit_are_told_before_anything_is_asked() {
    let (base, seen) = platform();
    for (given, status) in [
        (json!({}), "Config validation error: 'credentials' is a required property"),
        (json!({"credentials": {}}), "Config validation error: 'credentials.token' is a required property"),
        (json!({"credentials": {"token": 7}}), "Config validation error: credentials.token is not of type string"),
    ] {
        let (good, lines) = asked(Command::Check, request(&base, &given, &[])).await;
        assert!(good, "{given}");
        let told = json!({"status": "FAILED", "message": status});
        assert_eq!(lines.of("CONNECTION_STATUS")[0]["connectionStatus"], told);
    }
    let (good, lines) = asked(Command::Read, request(&base, &json!({}), &["good"])).await;
    assert!(!good);
    let error = &lines.of("TRACE")[0]["trace"]["error"];
    assert_eq!((&error["failure_type"], error.get("stream_descriptor")), (&json!("config_error"), None));
    assert!(seen.lock().unwrap().is_empty());
    // A pattern may be the form's own mistake: it is told, and reading goes on.
    let odd = json!({"credentials": {"token": TOKEN}, "shop": "UPPER"});
    let (good, lines) = asked(Command::Read, request(&base, &odd, &["good"])).await;
    assert!(good);
    assert!(lines.of("LOG").iter().any(|log| log["log"]["message"].as_str().unwrap().contains("shop does not match")));
}

#[tokio::test]
async fn what_is_not_a_source_is_an_error_message() {
    let manifest = |text: &str| Some(Manifest::Text(text.to_owned()));
    let whole = || Request { config: Some("{}".to_owned()), ..Request::default() };
    for (command, request, word) in [
        (Command::Spec, Request { manifest: manifest("streams: ["), ..whole() }, "manifest"),
        (Command::Spec, Request { manifest: manifest("foo: 1"), ..whole() }, "manifest"),
        (Command::Spec, whole(), "manifest"),
        (Command::Check, Request { manifest: Some(Manifest::BuiltIn("no_such".to_owned())), ..whole() }, "no_such"),
        (Command::Check, Request { manifest: manifest(MANIFEST), config: Some("[]".to_owned()), ..whole() }, "config"),
        (Command::Check, Request { manifest: manifest(MANIFEST), config: None, ..whole() }, "config"),
        (Command::Read, Request { manifest: manifest(MANIFEST), ..whole() }, "catalog"),
        (
            Command::Read,
            Request {
                manifest: manifest(MANIFEST),
                now: Some("today".to_owned()),
                catalog: Some(r#"{"streams":[]}"#.to_owned()),
                ..whole()
            },
            "now",
        ),
    ] {
        let (good, lines) = asked(command, request).await;
        assert!(!good, "{command:?} {word}");
        let told = lines.of("TRACE")[0]["trace"]["error"]["internal_message"].to_string();
        assert!(told.contains(word), "{told} should speak of {word}");
    }
}

#[tokio::test]
async fn a_manifest_may_lie_in_the_configuration() {
    let (base, _) = platform();
    let mut settings = settings();
    settings["__injected_declarative_manifest"] = json!(MANIFEST);
    let (good, lines) = asked(Command::Check, Request { manifest: None, ..request(&base, &settings, &[]) }).await;
    assert!(good);
    assert_eq!(lines.of("CONNECTION_STATUS")[0]["connectionStatus"]["status"], "SUCCEEDED");
}

#[tokio::test]
async fn our_own_connector_is_one_of_them() {
    let request = Request { manifest: Some(Manifest::BuiltIn("vk_ads".to_owned())), ..Request::default() };
    let (good, lines) = asked(Command::Spec, request).await;
    assert!(good);
    let form = &lines.of("SPEC")[0]["spec"]["connectionSpecification"];
    assert_eq!(form["properties"]["client_secret"]["airbyte_secret"], true);
}

/// Takes a number of writes and is gone.
struct Leaving(usize);

impl Write for Leaving {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.0 -= 1;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_receiver_that_goes_away_ends_the_read() {
    let (base, _) = platform();
    for writes in 0..4 {
        assert!(!run(Command::Read, request(&base, &settings(), &["good"]), Leaving(writes)).await, "{writes}");
    }
    // Records beyond the places wait for nobody.
    let printer = Printer::start(Leaving(0));
    let mut failed = None;
    for _ in 0..100 {
        if let Err(failure) = printer.records(b"x\n".to_vec()).await {
            failed = Some(failure);
            break;
        }
    }
    assert!(failed.is_some());
    assert!(!printer.finish().await);
}

#[tokio::test]
async fn a_changed_configuration_has_left_before_it_counts_as_kept() {
    let lines = Lines::default();
    let printer = Printer::start(lines.clone());
    printer.control(&json!({"a": 1})).await.unwrap();
    assert_eq!(lines.of("CONTROL")[0]["control"]["connectorConfig"], json!({"config": {"a": 1}}));
    assert!(printer.finish().await);
    let printer = Printer::start(Leaving(0));
    assert!(printer.control(&json!({})).await.is_err());
}

#[test]
fn states_are_read_in_every_form() {
    let catalog = json!({"streams": [
        {"stream": {"name": "a"}, "sync_mode": "incremental"}, {"stream": {"name": "b"}, "sync_mode": "full_refresh"},
    ]});
    let a = json!({"stream_descriptor": {"name": "a"}, "stream_state": {"at": "2024"}});
    for state in [
        json!([{"type": "STREAM", "stream": a}]),
        json!([{"type": "STATE", "state": {"type": "STREAM", "stream": a}}]),
        json!({"type": "STREAM", "stream": a}),
        json!([{"type": "GLOBAL", "global": {"shared_state": {}, "stream_states": [a]}}]),
        json!({"type": "LEGACY", "data": {"a": {"at": "2024"}}}),
        json!({"a": {"at": "2024"}}),
        json!([a]),
    ] {
        let wanted = config::wanted(&catalog.to_string(), Some(&state.to_string())).unwrap();
        assert_eq!(wanted[0].state, Some(json!({"at": "2024"}).into()), "{state}");
        assert_eq!((wanted[0].full_refresh, wanted[1].full_refresh), (false, true));
        assert_eq!(wanted[1].state, None);
    }
    for state in ["", "null", "{}", "[]"] {
        assert!(config::wanted(&catalog.to_string(), Some(state)).unwrap().iter().all(|it| it.state.is_none()));
    }
    assert!(config::wanted(&catalog.to_string(), Some("7")).is_err());
    assert!(config::wanted("{}", None).is_err());
}

#[test]
fn every_secret_of_a_form_is_known_wherever_it_lies() {
    let secret = json!({"type": "string", "airbyte_secret": true});
    let form = json!({"properties": {
        "key": secret,
        "way": {"oneOf": [{"properties": {"kind": {"const": "a"}, "token": secret}}, {"properties": {"pin": {"type": "integer", "airbyte_secret": true}}}]},
        "many": {"type": "array", "items": {"properties": {"password": secret, "user": {"type": "string"}}}},
        "whole": {"type": "object", "airbyte_secret": true},
        "open": {"type": "string"},
    }});
    let given = json!({
        "key": "1", "open": "o", "way": {"token": "2", "pin": 3}, "many": [{"password": "4", "user": "u"}],
        "whole": {"inner": {"x": "5"}}, "unknown": "n",
    });
    let given = given.as_object().unwrap().clone();
    let found = config::secrets(&form, &given);
    let shown: Vec<_> = found.iter().map(|(path, secret)| format!("{path}={}", secret.expose())).collect();
    assert_eq!(shown, ["key=1", "many.0.password=4", "way.pin=3", "way.token=2", "whole.inner.x=5"]);
    let mut left = config::without(&given, &found);
    assert_eq!((left.get("key"), &left["way"], &left["open"]), (None, &json!({}), &json!("o")));
    config::put(
        &mut left,
        &[("way.token".to_owned(), Secret::new("6")), ("new.deep".to_owned(), Secret::new("7"))].into(),
    );
    assert_eq!((&left["way"]["token"], &left["new"]["deep"]), (&json!("6"), &json!("7")));
}

#[test]
fn forms_say_what_does_not_fit() {
    let form = json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": {
            "a": {"type": ["string", "null"], "minLength": 2, "maxLength": 3},
            "n": {"type": "integer", "minimum": 1, "maximum": 5},
            "e": {"enum": ["x", "y"]}, "c": {"const": 1}, "l": {"type": "array", "items": {"type": "string"}},
            "o": {"oneOf": [{"properties": {"k": {"const": "a"}}, "required": ["k"]}, {"properties": {"k": {"const": "b"}, "t": {"type": "string"}}}]},
            "look": {"pattern": "(?=a)b"}, "p": {"type": "string", "pattern": "^[0-9]+$"},
        },
    });
    for (given, complaint) in [
        (json!({"a": "ok"}), None),
        (json!({"a": null, "n": 5.0, "e": "y", "c": 1, "l": [], "look": "zzz", "p": "12", "__dpath": 1}), None),
        (json!({"a": "ok", "o": {"k": "b", "t": "x"}}), None),
        (json!([]), Some("the configuration is not of type object")),
        (json!({}), Some("'a' is a required property")),
        (json!({"a": "x"}), Some("a is too short")),
        (json!({"a": "xxxx"}), Some("a is too long")),
        (json!({"a": "ok", "n": 0}), Some("n is less than 1")),
        (json!({"a": "ok", "n": 6}), Some("n is more than 5")),
        (json!({"a": "ok", "n": 1.5}), Some("n is not of type integer")),
        (json!({"a": "ok", "e": "z"}), Some(r#"e is not one of ["x","y"]"#)),
        (json!({"a": "ok", "c": 2}), Some("c is not 1")),
        (json!({"a": "ok", "l": ["x", 1]}), Some("l.1 is not of type string")),
        (json!({"a": "ok", "o": {"k": "c"}}), Some("o fits none of its 2 forms")),
        (json!({"a": "ok", "p": "secret"}), Some("p does not match '^[0-9]+$'")),
        (json!({"a": "ok", "zz": 1}), Some("'zz' is not a property of the form")),
    ] {
        assert_eq!(form::complaint(&form, &given).map(|it| it.message).as_deref(), complaint, "{given}");
    }
}
