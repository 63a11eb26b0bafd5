//! States: what is asked for, what is written, and that a read that stops anywhere loses nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod desk;

use async_trait::async_trait;
use desk::{Desk, Seen, Server, desk, ok};
use manifest::{
    connector::{Connector, Event, Limits, Outlet, Wanted},
    json,
    json::Json,
    read::Run,
};
use model::failure::{Code, Failure};
use std::collections::{BTreeMap, BTreeSet};

/// Keeps what it gets; breaks down after so many events, as a laptop does.
struct Basket {
    left: usize,
    /// Records by stream, each as text.
    records: BTreeMap<String, BTreeSet<String>>,
    states: BTreeMap<String, Json>,
}

impl Basket {
    fn new(left: usize) -> Self {
        Self { left, records: BTreeMap::new(), states: BTreeMap::new() }
    }
}

#[async_trait]
impl Outlet for Basket {
    async fn event(&mut self, event: Event) -> Result<(), Failure> {
        self.left = self.left.checked_sub(1).ok_or_else(|| Failure::new(Code::DiskFull))?;
        match event {
            Event::Records { stream, records } => {
                self.records.entry(stream).or_default().extend(records.iter().map(ToString::to_string));
            }
            Event::State { stream, state } => {
                self.states.insert(stream, state);
            }
            Event::Ended { outcome, .. } => outcome?,
            Event::Started { .. } | Event::Slice { .. } => {}
        }
        Ok(())
    }
}

/// A day and hour of May 2024, so many hours after its beginning.
fn at(hours: u64) -> String {
    format!("2024-05-{:02}T{:02}:00:00Z", 1 + hours / 24, hours % 24)
}

/// The platform: four parents, each with its children, pages of four, filtered by `since` and `until`. Children come newest
/// first for even parents, so that their dates go backwards.
fn platform(seen: &Seen, _: usize) -> desk::Reply {
    let segments: Vec<&str> = seen.target.split(['/', '?']).collect();
    let (path, parent) = (segments[1], segments.get(2).and_then(|id| id.parse::<u64>().ok()));
    let rows: Vec<Json> = match (path, parent) {
        ("parents", Some(parent)) => {
            let mut rows: Vec<Json> =
                (0..7).map(|n| json!({"id": format!("{parent}.{n}"), "at": at(n * 60 + parent), "n": n})).collect();
            if parent % 2 == 0 {
                rows.reverse();
            }
            rows
        }
        ("parents", None) => (1..5).map(|id| json!({"id": id, "at": at(id * 100)})).collect(),
        ("feed", _) => (0..18).rev().map(|n| json!({"id": n, "at": at(n * 40)})).collect(),
        ("count", _) => (1..30).map(|id| json!({"id": id})).collect(),
        _ => (0..30).map(|n| json!({"id": n, "at": at(n * 20)})).collect(),
    };
    let within = |row: &&Json| {
        let date = row["at"].as_str().unwrap_or_default();
        let number = row["id"].as_i64().unwrap_or_default();
        seen.query("since").is_none_or(|since| date >= since)
            && seen.query("until").is_none_or(|until| date <= until)
            && seen.query("after").and_then(|after| after.parse().ok()).is_none_or(|after: i64| number >= after)
    };
    let offset = seen.query("offset").and_then(|offset| offset.parse().ok()).unwrap_or(0);
    let page: Vec<Json> = rows.iter().filter(within).skip(offset).take(4).cloned().collect();
    ok(&json!({"items": page}))
}

const CURSOR: &str = "type: DatetimeBasedCursor, cursor_field: at, datetime_format: '%Y-%m-%dT%H:%M:%SZ', start_datetime: '2024-05-02T00:00:00Z'";
const ASK: &str = "start_time_option: {type: RequestOption, inject_into: request_parameter, field_name: since}, end_time_option: {type: RequestOption, inject_into: request_parameter, field_name: until}";
const STEP: &str = "step: P6D, cursor_granularity: PT1S";

fn stream(name: &str, path: &str, cursor: &str, retriever: &str) -> String {
    let cursor = if cursor.is_empty() { String::new() } else { format!(", incremental_sync: {{{cursor}}}") };
    let retriever = if retriever.is_empty() { String::new() } else { format!(", {retriever}") };
    let option = |name: &str| format!("{{type: RequestOption, inject_into: request_parameter, field_name: {name}}}");
    format!(
        "{{type: DeclarativeStream, name: {name}{cursor}, retriever: {{type: SimpleRetriever, \
         requester: {{type: HttpRequester, url_base: BASE, path: \"{path}\"}}, \
         record_selector: {{extractor: {{type: DpathExtractor, field_path: [items]}}}}, \
         paginator: {{type: DefaultPaginator, page_token_option: {}, pagination_strategy: {{type: OffsetIncrement, page_size: 4}}}}{retriever}}}}}",
        option("offset")
    )
}

/// Children of parents, which may continue from a state themselves.
fn child(name: &str, cursor: &str, parent: &str, incremental: bool) -> String {
    let router = format!(
        "partition_router: {{type: SubstreamPartitionRouter, parent_stream_configs: [{{type: ParentStreamConfig, parent_key: id, partition_field: pid, incremental_dependency: {incremental}, stream: {parent}}}]}}"
    );
    stream(name, "parents/{{ stream_partition.pid }}", cursor, &router)
}

fn connector(server: &Server, streams: &[String], more: &str) -> Connector {
    let listed = streams.join("\n- ");
    let text = format!("version: 6.0.0\ncheck: {{type: CheckStream, stream_names: []}}\n{more}\nstreams:\n- {listed}");
    Connector::load(&text.replace("BASE", &server.base)).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

async fn read(connector: &Connector, run: &Run, states: &BTreeMap<String, Json>, left: usize) -> Basket {
    let wanted = connector.declared().iter().map(|declared| Wanted {
        stream: declared.name.clone(),
        state: states.get(&declared.name).cloned(),
        full_refresh: false,
        schema: None,
    });
    let mut basket = Basket::new(left);
    let outcome = connector.read(run, wanted.collect(), &Limits::default(), &mut basket).await;
    match outcome {
        Ok(summary) => summary.streams.into_iter().for_each(|(name, _, outcome)| outcome.expect(&name)),
        Err(failure) => assert_eq!(failure.code, Code::DiskFull, "{failure:?}"),
    }
    basket
}

/// What is new in a run of the same session is asked for again: each run is its own.
fn fresh(desk: &Desk, workers: usize) -> Run {
    Run { workers, answers: std::sync::Arc::default(), ..desk.run.clone() }
}

#[tokio::test]
async fn wherever_a_read_stops_the_next_one_brings_the_rest() {
    let server = Server::start(platform).await;
    let (flat, whole) = (format!("{CURSOR}, {ASK}, step: P12D, cursor_granularity: PT1S"), format!("{CURSOR}, {ASK}"));
    let parents = stream("parents", "parents", &flat, "");
    let streams = [
        stream("flat", "flat", &flat, ""),
        stream("one_window", "flat", &whole, ""),
        stream("feed", "feed", &format!("{CURSOR}, is_data_feed: true"), ""),
        stream("ours", "flat", &format!("{CURSOR}, is_client_side_incremental: true"), ""),
        stream(
            "count",
            "count",
            "type: IncrementingCountCursor, cursor_field: id, start_value_option: {type: RequestOption, inject_into: request_parameter, field_name: after}",
            "",
        ),
        child("children", &flat, &parents, false),
        child("dependent", &flat, &parents, true),
        child("together", &format!("{flat}, global_substream_cursor: true"), &parents, true),
        child(
            "grand",
            &whole,
            &child("middle", &flat, &parents, true).replace("/{{ stream_partition.pid }}", ""),
            true,
        ),
        child("plain", "", &parents, false),
    ];
    let desk = desk(&json!({}));
    for one in &streams {
        let connector = connector(&server, std::slice::from_ref(one), "");
        let name = connector.declared()[0].name.clone();
        let expected = read(&connector, &fresh(&desk, 1), &BTreeMap::new(), usize::MAX).await;
        assert!(expected.records[&name].len() > 10, "{name}");
        for (workers, step) in [(1, 1), (4, 7)] {
            let mut stop = 0;
            loop {
                let first = read(&connector, &fresh(&desk, workers), &BTreeMap::new(), stop).await;
                let over = first.left > 0;
                let mut second = read(&connector, &fresh(&desk, workers), &first.states, usize::MAX).await;
                let mut both = first.records.get(&name).cloned().unwrap_or_default();
                both.extend(second.records.remove(&name).unwrap_or_default());
                assert_eq!(both, expected.records[&name], "{name} stopped after {stop} events, {:?}", first.states);
                assert_eq!(second.states[&name]["state"], expected.states[&name]["state"], "{name} after {stop}");
                if over {
                    break;
                }
                stop += step;
            }
            assert!(stop > 3, "{name} has too few points to stop at");
        }
    }
}

#[tokio::test]
async fn states_are_read_and_written_as_the_format_has_them() {
    let server = Server::start(platform).await;
    let (flat, whole) = (format!("{CURSOR}, {ASK}, {STEP}"), format!("{CURSOR}, {ASK}"));
    let parents = stream("parents", "parents", &whole, "");
    let of = |pid: u64, at: &str| json!({"partition": {"parent_slice": {}, "pid": pid}, "cursor": {"at": at}});
    let greatest = [at(361), at(362), at(363), at(364)];
    let all = || -> Vec<Json> { (1..5).zip(&greatest).map(|(pid, at)| of(pid, at)).collect() };
    // The stream, the state it begins with, what it asks for first (without paging), and the state it ends with.
    for (what, stream, before, asks, after) in [
        (
            "flat",
            stream("s", "flat", &flat, ""),
            json!(null),
            vec!["since=2024-05-02T00:00:00Z&until=2024-05-07T23:59:59Z"],
            json!({"at": at(580)}),
        ),
        (
            "other keys stay",
            stream("s", "flat", &whole, ""),
            json!({"at": at(500), "x": 1}),
            vec!["since=2024-05-21T20:00:00Z"],
            json!({"at": at(580), "x": 1}),
        ),
        (
            "before the start",
            stream("s", "flat", &whole, ""),
            json!({"at": "2024-01-01T00:00:00Z"}),
            vec!["since=2024-05-02T00:00:00Z"],
            json!({"at": at(580)}),
        ),
        (
            "lookback",
            stream("s", "flat", &format!("{whole}, lookback_window: P1D"), ""),
            json!({"at": at(500)}),
            vec!["since=2024-05-20T20:00:00Z"],
            json!({"at": at(580)}),
        ),
        (
            "read everything again",
            stream("s", "flat", &whole, ""),
            json!({"__ab_no_cursor_state_message": true}),
            vec!["since=2024-05-02T00:00:00Z"],
            json!({"at": at(580)}),
        ),
        (
            "nothing new",
            stream("s", "flat", &whole, ""),
            json!({"at": "2024-05-30T00:00:00Z"}),
            vec!["since=2024-05-30T00:00:00Z"],
            json!({"at": "2024-05-30T00:00:00Z"}),
        ),
        (
            "intervals",
            stream("s", "flat", &flat, ""),
            json!({"state_type": "date-range", "slices": [{"start": at(24), "end": at(240), "most_recent_cursor_value": at(230)}, {"start": at(300), "end": at(739)}]}),
            vec!["since=2024-05-11T00:00:01Z&until=2024-05-13T11:59:59Z", "since=2024-05-31T19:00:00Z"],
            json!({"at": at(280)}),
        ),
        (
            "per partition",
            child("s", &whole, &parents, false),
            json!({"states": [of(2, &at(300)), of(9, &at(30))], "state": {"at": at(200)}, "lookback_window": 3600}),
            vec!["", "since=2024-05-09T07:00:00Z", "since=2024-05-13T12:00:00Z", "since=2024-05-09T07:00:00Z"],
            json!({"use_global_cursor": false, "states": [of(2, &at(362)), of(9, &at(30)), of(1, &at(361)), of(3, &at(363)), of(4, &at(364))], "state": {"at": at(364)}, "lookback_window": 1, "parent_state": {}}),
        ),
        (
            "an old state of the whole stream stands for all partitions",
            child("s", &whole, &parents, false),
            json!({"at": at(350)}),
            vec!["", "since=2024-05-15T14:00:00Z"],
            json!({"use_global_cursor": false, "states": all(), "state": {"at": at(364)}, "lookback_window": 1, "parent_state": {}}),
        ),
        (
            "one state per value of the parent's key",
            child("s", &whole, &parents, false).replace(
                "type: DeclarativeStream, name: s,",
                "type: DeclarativeStream, name: s, state_migrations: [{type: LegacyToPerPartitionStateMigration}],",
            ),
            json!({"1": {"at": at(350)}, "3": {"at": at(355)}}),
            vec!["", "since=2024-05-15T14:00:00Z", "since=2024-05-02T00:00:00Z", "", "", "since=2024-05-15T19:00:00Z"],
            json!({"use_global_cursor": false, "states": all(), "state": {"at": at(364)}, "lookback_window": 1, "parent_state": {}}),
        ),
        (
            "one state for all, and that of the parent",
            child("s", &format!("{whole}, global_substream_cursor: true"), &parents, true),
            json!({"use_global_cursor": true, "state": {"at": at(350)}, "lookback_window": 3600, "parent_state": {"parents": {"at": at(250)}}}),
            vec!["since=2024-05-11T10:00:00Z", "since=2024-05-15T13:00:00Z", "since=2024-05-15T13:00:00Z"],
            json!({"use_global_cursor": true, "state": {"at": at(364)}, "lookback_window": 1, "parent_state": {"parents": {"at": at(400)}}}),
        ),
        (
            "counting",
            stream(
                "s",
                "count",
                "type: IncrementingCountCursor, cursor_field: id, start_value: 5, start_value_option: {type: RequestOption, inject_into: request_parameter, field_name: after}",
                "",
            ),
            json!({"id": 20}),
            vec!["after=20"],
            json!({"id": 29}),
        ),
    ] {
        server.seen.lock().unwrap().clear();
        let connector = connector(&server, &[stream], "");
        let states = if before.is_null() { BTreeMap::new() } else { BTreeMap::from([("s".to_owned(), before)]) };
        let basket = read(&connector, &desk(&json!({})).run, &states, usize::MAX).await;
        assert_eq!(basket.states["s"], after, "{what}");
        let targets = server.targets();
        let first = targets.iter().filter(|target| !target.contains("offset="));
        for (asked, expected) in first.zip(asks) {
            assert!(asked.contains(expected), "{what}: {asked} instead of {expected}");
        }
    }
    // A state in another form than the cursor's is refused and not taken for nothing.
    let connector = connector(&server, &[stream("s", "flat", &whole, "")], "");
    let wanted = vec![Wanted { stream: "s".to_owned(), state: Some(json!({"at": "yesterday"})), ..Wanted::default() }];
    let summary =
        connector.read(&desk(&json!({})).run, wanted, &Limits::default(), &mut Basket::new(9)).await.unwrap_err();
    assert_eq!(summary.code, Code::BadRequest);
}

#[tokio::test]
async fn a_partition_that_fails_keeps_its_place_and_the_others_are_read() {
    let server = Server::start(|seen, number| match seen.target.split('?').next() {
        Some("/parents/2") => (404, vec![], "{}".to_owned()),
        _ => platform(seen, number),
    })
    .await;
    let parents = stream("parents", "parents", "", "");
    let connector = connector(&server, &[child("s", &format!("{CURSOR}, {ASK}, {STEP}"), &parents, false)], "");
    let mut basket = Basket::new(usize::MAX);
    let wanted = vec![Wanted { stream: "s".to_owned(), ..Wanted::default() }];
    let failure = connector.read(&desk(&json!({})).run, wanted, &Limits::default(), &mut basket).await.unwrap_err();
    assert_eq!(failure.code, Code::VendorChanged);
    let state = &basket.states["s"];
    let of = |at: usize| state["states"][at]["cursor"]["at"].as_str().unwrap();
    assert_eq!((of(0), of(1), of(2)), ("2024-05-16T01:00:00Z", "2024-05-02T00:00:00Z", "2024-05-16T03:00:00Z"));
    // Without the failed one there is nothing that all of them have reached.
    assert!(state["state"].is_null(), "{state}");
}

#[tokio::test]
async fn what_several_streams_need_is_asked_for_once_and_groups_wait_for_each_other() {
    let server = Server::start(platform).await;
    let parents = stream("parents", "parents", "", "");
    let streams = [child("a", "", &parents, false), parents.clone(), child("b", "", &parents, false)];
    let desk = desk(&json!({}));
    let counted = |server: &Server| server.targets().iter().filter(|target| !target.contains("/parents/")).count();
    let run = Run { workers: 4, ..desk.run.clone() };
    read(&connector(&server, &streams, ""), &fresh(&desk, 4), &BTreeMap::new(), usize::MAX).await;
    assert_eq!(counted(&server), 2, "two pages");
    server.seen.lock().unwrap().clear();
    let never = streams.map(|one| one.replace("path: \"parents\"", "path: \"parents\", use_cache: false"));
    read(&connector(&server, &never, ""), &run, &BTreeMap::new(), usize::MAX).await;
    assert_eq!(counted(&server), 6, "each reads its own");

    server.seen.lock().unwrap().clear();
    let groups = "stream_groups: {g: {streams: [{name: x}, {name: y}], action: {type: BlockSimultaneousSyncsAction}}}";
    let grouped = connector(&server, &[stream("x", "x", "", ""), stream("y", "y", "", "")], groups);
    read(&grouped, &run, &BTreeMap::new(), usize::MAX).await;
    let order: Vec<String> = server.targets().iter().map(|target| target[1..2].to_owned()).collect();
    assert!(order.is_sorted(), "{order:?}");
    let text = format!(
        "version: 6.0.0\nstream_groups: {{g: {{streams: [{{name: a}}, {{name: parents}}]}}}}\nstreams:\n- {}",
        child("a", "", &parents, false)
    );
    assert_eq!(Connector::load(&text).unwrap_err().path, "stream_groups/g");
}

#[tokio::test]
async fn a_check_reads_the_first_record_of_each_named_stream() {
    let server = Server::start(|seen, number| match seen.target.split('?').next() {
        Some("/bad") => (401, vec![], "{}".to_owned()),
        Some("/empty") => ok(&json!({"items": []})),
        _ => platform(seen, number),
    })
    .await;
    let streams: String = ["flat", "empty", "bad"].map(|name| format!("- {}\n", stream(name, name, "", ""))).concat();
    for (check, asked, outcome) in [
        ("{type: CheckStream, stream_names: [flat, empty]}", 2, Ok(())),
        ("{type: CheckStream, stream_names: [flat, bad]}", 2, Err(Code::SignInRejected)),
        ("{type: CheckStream, stream_names: [nope]}", 0, Err(Code::NotFound)),
        ("{type: CheckStream, stream_names: [bad], config_overrides: {path: flat}}", 1, Err(Code::SignInRejected)),
        ("{type: CheckDynamicStream, stream_count: 1}", 1, Ok(())),
        ("{type: CheckDynamicStream, stream_count: 9}", 3, Err(Code::SignInRejected)),
        ("{type: CheckDynamicStream, stream_count: 9, use_check_availability: false}", 0, Ok(())),
    ] {
        server.seen.lock().unwrap().clear();
        let text = format!("version: 6.0.0\ncheck: {check}\nstreams:\n{streams}").replace("BASE", &server.base);
        let found = Connector::load(&text).unwrap().check(&desk(&json!({})).run).await;
        assert_eq!(found.map_err(|failure| failure.code), outcome, "{check}");
        assert_eq!(server.targets().len(), asked, "{check}");
    }
}
