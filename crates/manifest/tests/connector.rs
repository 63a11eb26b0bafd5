//! Whole connectors: which streams are there, what is read in which order, and what is handed over.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod desk;

use async_trait::async_trait;
use desk::{Server, desk, ok};
use manifest::connector::{Connector, Event, Limits, Outlet, Summary, Wanted};
use manifest::{json, json::Json};
use model::failure::Failure;
use std::collections::BTreeMap;

/// Keeps what it gets.
#[derive(Default)]
struct Basket {
    events: Vec<Event>,
}

#[async_trait]
impl Outlet for Basket {
    async fn event(&mut self, event: Event) -> Result<(), Failure> {
        self.events.push(event);
        Ok(())
    }
}

impl Basket {
    fn records(&self) -> BTreeMap<&str, Vec<&Json>> {
        let mut found: BTreeMap<&str, Vec<&Json>> = BTreeMap::new();
        for event in &self.events {
            if let Event::Records { stream, records } = event {
                found.entry(stream).or_default().extend(records);
            }
        }
        found
    }
    fn last_state(&self, name: &str) -> Option<&Json> {
        self.events.iter().rev().find_map(|event| match event {
            Event::State { stream, state } if stream == name => Some(state),
            _ => None,
        })
    }
}

fn connector(server: &Server, streams: &str) -> Connector {
    let text = format!("version: 6.0.0\ncheck: {{type: CheckStream, stream_names: [a]}}\nstreams:\n{streams}");
    Connector::load(&text.replace("BASE", &server.base)).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A stream that reads `/name`, with more lines of its own and of its retriever, in flow style.
fn stream(name: &str, more: &str, retriever: &str) -> String {
    format!(
        "- type: DeclarativeStream\n  name: {name}\n  primary_key: [id]\n  {more}\n  retriever:\n    type: SimpleRetriever\n    {retriever}\n    \
         requester: {{type: HttpRequester, url_base: BASE, path: /{name}}}\n    \
         record_selector: {{extractor: {{type: DpathExtractor, field_path: [items]}}}}\n"
    )
}

async fn read(connector: &Connector, desk: &desk::Desk, wanted: &[&str], limits: &Limits) -> (Summary, Basket) {
    let wanted = wanted.iter().map(|name| Wanted { stream: (*name).to_owned(), ..Wanted::default() }).collect();
    let mut basket = Basket::default();
    let summary = connector.read(&desk.run, wanted, limits, &mut basket).await.unwrap();
    (summary, basket)
}

#[tokio::test]
async fn a_broken_stream_ends_alone_and_what_was_read_stays() {
    let server = Server::start(|seen, _| match seen.target.as_str() {
        "/bad" => (400, vec![], r#"{"message": "no"}"#.to_owned()),
        _ => ok(&json!({"items": [{"id": 1}, {"id": 2}]})),
    })
    .await;
    let unknown = "- type: DeclarativeStream\n  name: odd\n  retriever: {class_name: source_x.components.Odd}\n";
    let connector = connector(
        &server,
        &format!("{}{}{unknown}{}", stream("a", "", ""), stream("bad", "", ""), stream("b", "", "")),
    );
    let declared: Vec<&str> = connector.declared().iter().map(|declared| declared.name.as_str()).collect();
    assert_eq!(declared, ["a", "bad", "odd", "b"]);
    assert_eq!(connector.declared()[0].primary_key, [["id"]]);
    let desk = desk(&json!({}));
    let (summary, basket) = read(&connector, &desk, &["a", "bad", "odd", "b", "nope"], &Limits::default()).await;
    let outcome = |name: &str| {
        let (_, count, outcome) = summary.streams.iter().find(|(found, ..)| found == name).unwrap();
        (*count, outcome.as_ref().err().map(|failure| failure.code.as_str()))
    };
    assert_eq!(outcome("a"), (2, None));
    assert_eq!(outcome("b"), (2, None));
    assert_eq!(outcome("bad"), (0, Some("request_refused")));
    assert_eq!(outcome("odd"), (0, Some("manifest_invalid")));
    assert_eq!(outcome("nope"), (0, Some("not_found")));
    assert_eq!(basket.records()["a"], [&json!({"id": 1}), &json!({"id": 2})]);
    assert_eq!(basket.last_state("a"), Some(&json!({"__ab_no_cursor_state_message": true})));
    // The format says a state at the end of every stream, also of one that failed; this one says nothing.
    assert_eq!(basket.last_state("bad"), basket.last_state("a"));
    connector.check(&desk.run).await.unwrap();
}
