//! Reports on order, and platforms that want their requests smaller, fewer or later: what is asked, when, and what comes out.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod desk;

use desk::{Desk, Reply, Seen, Server, desk, ok};
use manifest::{
    components::{self, Fault, Stream},
    document,
    read::{Convert, Flow, Job, Run, Taker, read_streams},
};
use manifest::{json, json::Json};
use model::failure::{Code, Failure};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// A whole document whose addresses are `BASE`, plain.
fn plain(server: &Server, streams: &str, top: &str) -> Json {
    let text = format!("version: 6.0.0\ncheck: {{type: CheckStream, stream_names: []}}\n{top}\nstreams:\n{streams}")
        .replace("BASE", &server.base);
    document::load(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn built(server: &Server, yaml: &str) -> Result<Arc<Stream>, Fault> {
    let plain = plain(server, yaml, "");
    let listed = plain["streams"].as_array().unwrap();
    components::stream(listed.last().unwrap(), "streams/0").map(Arc::new)
}

fn stream(server: &Server, yaml: &str) -> Arc<Stream> {
    built(server, yaml).unwrap_or_else(|fault| panic!("{fault}\n{yaml}"))
}

fn simple_yaml(requester: &str, retriever: &str, more: &str) -> String {
    format!(
        "- type: DeclarativeStream\n  name: s\n  {more}\n  retriever:\n    type: SimpleRetriever\n    {retriever}\n    \
         requester: {{type: HttpRequester, url_base: BASE, path: /items{requester}}}\n    \
         record_selector: {{extractor: {{type: DpathExtractor, field_path: [items]}}}}\n"
    )
}

/// Reads slices one after the other: records so far, and how it ended.
async fn read(run: &Run, stream: &Arc<Stream>) -> (Vec<Json>, Result<(), Failure>) {
    let run = Run { workers: 1, ..run.clone() };
    let mut basket = Basket { records: Vec::new(), outcome: Ok(()) };
    let convert: Convert<Vec<Json>> = Arc::new(Some);
    let all = read_streams(&run, vec![Job::new(Arc::clone(stream))], &convert, &mut basket).await;
    (basket.records, all.and(basket.outcome))
}

struct Basket {
    records: Vec<Json>,
    outcome: Result<(), Failure>,
}

#[async_trait::async_trait]
impl Taker<Vec<Json>> for Basket {
    async fn take(&mut self, _: usize, flow: Flow<Vec<Json>>) -> Result<(), Failure> {
        match flow {
            Flow::Page(records) => self.records.extend(records),
            Flow::Ended(outcome) => self.outcome = outcome,
            Flow::Started | Flow::Slice(_) | Flow::State(_) => {}
        }
        Ok(())
    }
}

fn seconds(desk: &Desk) -> Vec<u64> {
    desk.clock.slept().iter().map(Duration::as_secs).collect()
}

/// A stream whose records are reports of `POST /jobs`, `GET /jobs/{id}` and `GET {target}`.
fn report(more: &str) -> String {
    format!(
        r#"- type: DeclarativeStream
  name: r
  retriever:
    type: AsyncRetriever
    status_mapping: {{type: AsyncJobStatusMap, running: [wait], completed: [done], failed: [bad], timeout: [late], skipped: [none]}}
    status_extractor: {{type: DpathExtractor, field_path: [state]}}
    creation_requester: {{type: HttpRequester, url_base: BASE, path: jobs, http_method: POST, request_body_json: {{day: "{{{{ stream_slice.day or 'all' }}}}"}}, authenticator: {{type: BearerAuthenticator, api_token: "{{{{ config.token }}}}"}}}}
    polling_requester: {{type: HttpRequester, url_base: BASE, path: "jobs/{{{{ creation_response.id }}}}", authenticator: {{type: BearerAuthenticator, api_token: "{{{{ config.token }}}}"}}}}
    download_requester: {{type: HttpRequester, url_base: "{{{{ download_target }}}}", authenticator: {{type: BearerAuthenticator, api_token: "{{{{ config.token }}}}"}}}}
    download_target_extractor: {{type: DpathExtractor, field_path: [files]}}
    abort_requester: {{type: HttpRequester, url_base: BASE, path: "jobs/{{{{ creation_response.id }}}}/stop", http_method: POST}}
    delete_requester: {{type: HttpRequester, url_base: BASE, path: "jobs/{{{{ stream_slice.extra_fields.creation_response.id }}}}", http_method: DELETE}}
    record_selector: {{type: RecordSelector, extractor: {{type: DpathExtractor, field_path: [unused]}}, record_filter: {{type: RecordFilter, condition: "{{{{ record.id != 3 }}}}"}}}}
{more}"#
    )
}

/// A platform of reports. `states` are the answers to polls in turn, the last one for ever.
async fn platform(states: &'static [&'static str]) -> Server {
    let (jobs, polls) = (AtomicUsize::new(0), AtomicUsize::new(0));
    Server::start(move |seen, _| {
        let host = seen.header("host").unwrap().to_owned();
        match seen.target.as_str() {
            "/jobs" => ok(&json!({"id": jobs.fetch_add(1, Ordering::SeqCst) + 1})),
            target if target.starts_with("/file") => {
                let first = if target == "/file/a" { 1 } else { 3 };
                ok(&json!([{"id": first}, {"id": first + 1}]))
            }
            target if target.ends_with("/stop") => ok(&json!({})),
            _ => {
                let state = states[polls.fetch_add(1, Ordering::SeqCst).min(states.len() - 1)];
                let files = [format!("http://{host}/file/a"), format!("http://{host}/file/b")];
                ok(&json!({"state": state, "files": files}))
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_report_is_ordered_awaited_downloaded_and_thrown_away() {
    let server = platform(&["wait", "wait", "done"]).await;
    let desk = desk(&json!({"token": kit::placeholder::field("token")}));
    let (records, ended) = read(&desk.run, &stream(&server, &report(""))).await;
    ended.unwrap();
    assert_eq!(Json::from(records), json!([{"id": 1}, {"id": 2}, {"id": 4}]));
    assert_eq!(server.targets(), ["/jobs", "/jobs/1", "/jobs/1", "/jobs/1", "/file/a", "/file/b", "/jobs/1"]);
    // Asked at once, after a second, after two, and so on up to five.
    assert_eq!(seconds(&desk), [1, 2]);
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen[0].body, r#"{"day":"all"}"#);
    assert_eq!(seen[0].header("authorization"), Some("Bearer s3cret-1e5"));
}

/// What was made takes room on the platform, whether it could be fetched or not.
#[tokio::test]
async fn a_report_that_could_not_be_read_is_thrown_away_all_the_same() {
    let server = Server::start(|seen, _| {
        let host = seen.header("host").unwrap().to_owned();
        match seen.target.as_str() {
            "/jobs" => ok(&json!({"id": 1})),
            "/file/a" => ok(&json!([{"id": 1}])),
            "/file/b" => (403, vec![], "{}".to_owned()),
            _ => {
                let files = [format!("http://{host}/file/a"), format!("http://{host}/file/b")];
                ok(&json!({"state": "done", "files": files}))
            }
        }
    })
    .await;
    let desk = desk(&json!({}));
    let (records, ended) = read(&desk.run, &stream(&server, &report(""))).await;
    assert_eq!((records.len(), ended.unwrap_err().code), (1, Code::PermissionDenied));
    // It happens in the background.
    for _ in 0..200 {
        if server.targets().len() > 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.targets(), ["/jobs", "/jobs/1", "/file/a", "/file/b", "/jobs/1"]);
}

#[tokio::test]
async fn a_report_that_fails_is_ordered_three_times_and_one_that_is_late_is_stopped() {
    for (states, more, targets, sleeps, code) in [
        // Failed: nothing runs any more, so there is nothing to stop.
        (
            &["bad"][..],
            "",
            &["/jobs", "/jobs/1", "/jobs", "/jobs/2", "/jobs", "/jobs/3"][..],
            &[5, 5][..],
            Code::PlatformDown,
        ),
        (
            &["bad"],
            "    failed_retry_wait_time_in_seconds: '{{ config.wait }}'\n",
            &["/jobs", "/jobs/1", "/jobs", "/jobs/2", "/jobs", "/jobs/3"],
            &[35, 35],
            Code::PlatformDown,
        ),
        // Late by its own word.
        (
            &["late"],
            "",
            &[
                "/jobs",
                "/jobs/1",
                "/jobs/1/stop",
                "/jobs",
                "/jobs/2",
                "/jobs/2/stop",
                "/jobs",
                "/jobs/3",
                "/jobs/3/stop",
            ],
            &[5, 5],
            Code::Timeout,
        ),
        // A word nobody knows: the job is stopped, and ordering another would not teach it.
        (&["wait", "odd"], "", &["/jobs", "/jobs/1", "/jobs/1", "/jobs/1/stop"], &[1], Code::VendorChanged),
    ] {
        let server = platform(states).await;
        let desk = desk(&json!({"wait": 30}));
        let (records, ended) = read(&desk.run, &stream(&server, &report(more))).await;
        assert!(records.is_empty());
        assert_eq!(ended.unwrap_err().code, code, "{states:?}");
        assert_eq!(server.targets(), targets, "{states:?}");
        assert_eq!(seconds(&desk), sleeps, "{states:?}");
    }
    // Late by our clock: after the given minute, that is 1, 2, 4 and eleven times 5 seconds, and 5 between the attempts.
    let server = platform(&["wait"]).await;
    let desk = desk(&json!({}));
    let (_, ended) = read(&desk.run, &stream(&server, &report("    polling_job_timeout: 1\n"))).await;
    assert_eq!(ended.unwrap_err().code, Code::Timeout);
    assert_eq!(desk.clock.slept().iter().sum::<Duration>(), Duration::from_secs(3 * 62 + 2 * 5));
    assert_eq!(server.targets().iter().filter(|target| target.ends_with("/stop")).count(), 3);
}

#[tokio::test]
async fn a_second_attempt_and_a_skipped_report_are_no_failures() {
    let server = platform(&["bad", "done"]).await;
    let (records, ended) = read(&desk(&json!({})).run, &stream(&server, &report(""))).await;
    ended.unwrap();
    assert_eq!(records.len(), 3);
    let server = platform(&["none"]).await;
    let (records, ended) = read(&desk(&json!({})).run, &stream(&server, &report(""))).await;
    ended.unwrap();
    assert!(records.is_empty());
    assert_eq!(server.targets(), ["/jobs", "/jobs/1"]);
}

#[tokio::test]
async fn a_refused_order_is_tried_again_but_not_what_a_person_must_mend() {
    for (status, orders, code) in
        [(400, 3, Code::RequestRefused), (403, 1, Code::PermissionDenied), (401, 1, Code::SignInRejected)]
    {
        let server = Server::start(move |_, _| (status, vec![], "{}".to_owned())).await;
        let (_, ended) = read(&desk(&json!({})).run, &stream(&server, &report(""))).await;
        assert_eq!(ended.unwrap_err().code, code);
        assert_eq!(server.targets().len(), orders, "{status}");
    }
}

#[tokio::test]
async fn jobs_of_all_slices_share_their_places_and_a_stopped_run_stops_its_job() {
    let server = platform(&["wait"]).await;
    let desk = desk(&json!({}));
    let days = "    partition_router: {type: ListPartitionRouter, cursor_field: day, values: [mon, tue]}\n";
    let stream = stream(&server, &report(days));
    desk.clock.freeze();
    let run = desk.run.clone();
    let reader = tokio::spawn(async move { read(&run, &stream).await });
    while desk.clock.slept().is_empty() {
        tokio::task::yield_now().await;
    }
    // One place: the other day has not been ordered.
    assert_eq!(server.targets(), ["/jobs", "/jobs/1"]);
    desk.run.cancel.cancel();
    let (_, ended) = reader.await.unwrap();
    assert_eq!(ended.unwrap_err().code, Code::Cancelled);
    assert_eq!(server.targets(), ["/jobs", "/jobs/1", "/jobs/1/stop"]);
}

#[tokio::test]
async fn a_reader_that_goes_away_stops_its_job() {
    let server = platform(&["wait"]).await;
    let desk = desk(&json!({}));
    let stream = stream(&server, &report(""));
    desk.clock.freeze();
    let run = desk.run.clone();
    let reader = tokio::spawn(async move { read(&run, &stream).await });
    while desk.clock.slept().is_empty() {
        tokio::task::yield_now().await;
    }
    reader.abort();
    while server.targets().len() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.targets(), ["/jobs", "/jobs/1", "/jobs/1/stop"]);
}

#[tokio::test]
async fn a_download_on_a_foreign_host_is_not_signed() {
    let foreign = Server::start(|_, _| ok(&json!([{"id": 1}]))).await;
    let address = foreign.base.clone();
    let server = Server::start(move |seen, _| match seen.target.as_str() {
        "/jobs" => ok(&json!({"id": 1})),
        _ => ok(&json!({"state": "done", "files": [address]})),
    })
    .await;
    // Entered by the person, so that this computer may be reached at all; that does not make it a host of the vendor.
    let config = json!({"token": kit::placeholder::field("token"), "files": foreign.base});
    let (records, ended) = read(&desk(&config).run, &stream(&server, &report(""))).await;
    ended.unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(foreign.seen.lock().unwrap()[0].header("authorization"), None);
    assert!(server.seen.lock().unwrap()[0].header("authorization").is_some());
}

#[tokio::test]
async fn large_tables_are_read_row_by_row() {
    let rows: Vec<String> = (0..5_000).map(|id| format!("{id},\"a, \"\"b\"\"\",NA,\n")).collect();
    let big = rows.concat();
    for (body, content_type, more, expected) in [
        (
            "\u{feff}id,name,note,none\n1,x,NA,\n2,\"y\nz\"\n".to_owned(),
            "text/csv",
            "",
            json!([
                {"id": "1", "name": "x", "note": null, "none": null},
                {"id": "2", "name": "y\nz", "note": null, "none": null},
            ]),
        ),
        (
            "id,id,\n1,2,3\n".to_owned(),
            "text/csv; charset=utf-8",
            "",
            json!([{"id": "1", "id.1": "2", "Unnamed: 2": "3"}]),
        ),
        (
            "id,note\n1,NA\n2,\n".to_owned(),
            "text/csv",
            ", preserve_na_values: true",
            json!([
                {"id": "1", "note": "NA"},
                {"id": "2", "note": null},
            ]),
        ),
        (String::new(), "text/csv", "", json!([])),
    ] {
        let server = Server::start(move |seen, _| match seen.target.as_str() {
            "/jobs" => ok(&json!({"id": 1})),
            "/file" => (200, vec![("content-type", content_type.to_owned())], body.clone()),
            _ => ok(&json!({"state": "done", "files": format!("http://{}/file", seen.header("host").unwrap())})),
        })
        .await;
        let extractor = format!("    download_extractor: {{type: ResponseToFileExtractor{more}}}\n");
        let stream = stream(&server, &report(&extractor).replace("record.id != 3", "true"));
        let (records, ended) = read(&desk(&json!({})).run, &stream).await;
        ended.unwrap();
        assert_eq!(Json::from(records), expected);
    }
    let table = format!("id,name,note,none\n{big}");
    let broken = format!("{table}1,2,3,4,5\n");
    for (body, found, fails) in [(table, 5_000, false), (broken, 4_000, true)] {
        let server = Server::start(move |seen, _| match seen.target.as_str() {
            "/jobs" => ok(&json!({"id": 1})),
            "/file" => (200, vec![], body.clone()),
            _ => ok(&json!({"state": "done", "files": format!("http://{}/file", seen.header("host").unwrap())})),
        })
        .await;
        let extractor = "    download_extractor: {type: ResponseToFileExtractor}\n";
        let stream = stream(&server, &report(extractor).replace("record.id != 3", "true"));
        let (records, ended) = read(&desk(&json!({})).run, &stream).await;
        assert_eq!((records.len(), ended.is_err()), (found, fails), "{ended:?}");
        assert_eq!(records[7]["name"], json!("a, \"b\""));
        if let Err(failure) = ended {
            assert_eq!(failure.code, Code::VendorChanged);
        }
    }
}

#[test]
fn mistakes_around_reports_are_found_when_they_are_loaded() {
    let server = Server { base: "http://127.0.0.1:1".to_owned(), seen: Arc::default() };
    for (from, to, path) in [
        ("failed: [bad]", "failed: [done]", "streams/0/retriever/status_mapping/failed"),
        (
            "    download_target_extractor: {type: DpathExtractor, field_path: [files]}\n",
            "    download_target_requester: {type: HttpRequester, url_base: BASE}\n",
            "streams/0/retriever/download_target_extractor",
        ),
        (
            "    status_extractor: {type: DpathExtractor, field_path: [state]}\n",
            "",
            "streams/0/retriever/status_extractor",
        ),
        (
            "path: jobs, http_method: POST,",
            "path: jobs, http_method: POST, error_handler: {type: DefaultErrorHandler, response_filters: [{type: HttpResponseFilter, action: RESET_PAGINATION, http_codes: [400]}]},",
            "streams/0/retriever/creation_requester/error_handler",
        ),
    ] {
        let yaml = report("");
        assert!(yaml.contains(from), "{from}");
        match built(&server, &yaml.replace(from, to)) {
            Err(Fault::Invalid(error)) => assert_eq!(error.path, path, "{error}"),
            other => panic!("{to}: {other:?}"),
        }
    }
}

fn filter(action: &str, codes: &str) -> String {
    format!(
        ", error_handler: {{type: DefaultErrorHandler, response_filters: [{{type: HttpResponseFilter, http_codes: [{codes}], action: {action}, error_message: 'too much'}}]}}"
    )
}

#[tokio::test]
async fn a_refused_page_is_asked_for_again_smaller() {
    // The platform takes pages of at most 3 records.
    let server = Server::start(|seen, _| {
        let number = |name: &str| seen.query(name).and_then(|text| text.parse::<u64>().ok());
        let (limit, offset) = (number("limit").unwrap(), number("offset").unwrap_or(0));
        if limit > 3 {
            return (413, vec![], "{}".to_owned());
        }
        let items: Vec<Json> = (offset..(offset + limit).min(7)).map(|id| json!({"id": id})).collect();
        ok(&json!({"items": items}))
    })
    .await;
    let paginator = "paginator: {type: DefaultPaginator, page_size_option: {type: RequestOption, inject_into: request_parameter, field_name: limit}, \
                     page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: offset}, pagination_strategy: {type: OffsetIncrement, page_size: 12}}";
    let with = |options: &str| {
        let reduction = format!("{paginator}\n    page_size_reduction: {{type: PageSizeReduction{options}}}");
        simple_yaml(&filter("REDUCE_PAGE_SIZE", "413"), &reduction, "")
    };
    let run = desk(&json!({}));
    let (records, ended) = read(&run.run, &stream(&server, &with(""))).await;
    ended.unwrap();
    assert_eq!(records.len(), 7);
    assert_eq!(
        server.targets(),
        ["/items?limit=12", "/items?limit=6", "/items?limit=3", "/items?limit=3&offset=3", "/items?limit=3&offset=6"]
    );
    assert_eq!(run.clock.slept(), [Duration::from_millis(500), Duration::from_secs(1)]);

    for (options, requests) in [
        (", minimum_page_size: 5", 3),
        (", max_attempts: 1", 2),
        (", minimum_page_size: 12, retries_at_minimum_page_size: 2", 3),
    ] {
        let server = Server::start(|_, _| (413, vec![], "{}".to_owned())).await;
        let (_, ended) = read(&desk(&json!({})).run, &stream(&server, &with(options))).await;
        let failure = ended.unwrap_err();
        let code = if options.contains("12") { Code::ManifestInvalid } else { Code::PlatformDown };
        assert_eq!((failure.code, server.targets().len()), (code, requests), "{options}");
    }
    for (retriever, requester) in [
        (paginator.to_owned(), filter("REDUCE_PAGE_SIZE", "413")),
        (format!("{paginator}\n    page_size_reduction: {{type: PageSizeReduction}}"), String::new()),
        ("page_size_reduction: {type: PageSizeReduction}".to_owned(), filter("REDUCE_PAGE_SIZE", "413")),
    ] {
        match built(&server, &simple_yaml(&requester, &retriever, "")) {
            Err(Fault::Invalid(error)) => assert_eq!(error.path, "streams/0/retriever/page_size_reduction"),
            other => panic!("{retriever}: {other:?}"),
        }
    }
}

const CURSOR: &str = "incremental_sync: {type: DatetimeBasedCursor, cursor_field: at, datetime_format: '%Y-%m-%d', start_datetime: '2024-05-01', end_datetime: '2024-05-08', step: P1M, cursor_granularity: P1D, \
                      start_time_option: {type: RequestOption, inject_into: request_parameter, field_name: from}, end_time_option: {type: RequestOption, inject_into: request_parameter, field_name: to}}";

/// One record per day, and at most so many days in one request.
fn days(seen: &Seen, most: i64) -> Reply {
    let day = |name: &str| seen.query(name).unwrap()[8..].parse::<i64>().unwrap();
    let (from, to) = (day("from"), day("to"));
    if to - from >= most {
        return (422, vec![], "{}".to_owned());
    }
    let items: Vec<Json> = (from..=to).map(|day| json!({"at": format!("2024-05-{day:02}")})).collect();
    ok(&json!({"total": items.len(), "items": items}))
}

/// Every half has a total of its own, and each is held to it.
#[tokio::test]
async fn halves_are_counted_by_themselves() {
    let places = "paginator: {type: DefaultPaginator, page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: offset}, pagination_strategy: {type: OffsetIncrement, page_size: 9}}";
    for paginator in ["", places] {
        let splitting = format!("request_window_splitting: {{type: RequestWindowSplitting}}\n    {paginator}");
        let yaml = simple_yaml(&filter("SPLIT_REQUEST_WINDOW", "422"), &splitting, CURSOR);
        for (lie, ends) in [(false, None), (true, Some(Code::TotalMismatch))] {
            let server = Server::start(move |seen, _| {
                let (status, headers, body) = days(seen, 2);
                // Only the last half lies.
                let lies = lie && seen.query("from") == Some("2024-05-07");
                (status, headers, if lies { body.replace("\"total\":2", "\"total\":3") } else { body })
            })
            .await;
            let mut stream = stream(&server, &yaml);
            Arc::get_mut(&mut stream).unwrap().total = Some(vec!["total".to_owned()]);
            let (records, ended) = read(&desk(&json!({})).run, &stream).await;
            assert_eq!(ended.err().map(|failure| failure.code), ends, "{paginator} {lie}");
            assert!(ends.is_some() || records.len() == 8, "{records:?}");
        }
    }
}

#[tokio::test]
async fn a_refused_window_is_read_in_halves() {
    let server = Server::start(|seen, _| days(seen, 2)).await;
    let splitting = "request_window_splitting: {type: RequestWindowSplitting, failure_message: ask less}";
    let yaml = simple_yaml(&filter("SPLIT_REQUEST_WINDOW", "422"), splitting, CURSOR);
    let (records, ended) = read(&desk(&json!({})).run, &stream(&server, &yaml)).await;
    ended.unwrap();
    let found: Vec<&str> = records.iter().map(|record| &record["at"].as_str().unwrap()[8..]).collect();
    assert_eq!(found, ["01", "02", "03", "04", "05", "06", "07", "08"]);
    let windows: Vec<String> = server
        .targets()
        .iter()
        .map(|target| target.replace("/items?from=2024-05-", "").replace("&to=2024-05-", "-"))
        .collect();
    assert_eq!(windows, ["01-08", "01-04", "01-02", "03-04", "05-08", "05-06", "07-08"]);

    let never = Server::start(|_, _| (422, vec![], "{}".to_owned())).await;
    let (_, ended) = read(&desk(&json!({})).run, &stream(&never, &yaml)).await;
    let failure = ended.unwrap_err();
    assert_eq!(failure.code, Code::PlatformDown);
    assert!(failure.detail.as_deref().unwrap().contains("too much; ask less"), "{failure:?}");
    assert_eq!(never.targets().len(), 4);

    match built(&server, &simple_yaml(&filter("SPLIT_REQUEST_WINDOW", "422"), splitting, "")) {
        Err(Fault::Invalid(error)) => assert_eq!(error.path, "streams/0/retriever/request_window_splitting"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn pages_start_again_after_the_newest_record() {
    // Two records a page, and after the fourth the platform wants a fresh search.
    let server = Server::start(|seen, _| {
        let from = seen.query("from").unwrap()[8..].parse::<i64>().unwrap();
        let page = seen.query("page").map_or(0, |page| page.parse::<i64>().unwrap());
        if page >= 2 {
            return (400, vec![], json!({"error": "search window"}).to_string());
        }
        let first = from + page * 2;
        let items: Vec<Json> =
            (first..(first + 2).min(9)).map(|day| json!({"at": format!("2024-05-{day:02}")})).collect();
        ok(&json!({"items": items}))
    })
    .await;
    let paginator = "paginator: {type: DefaultPaginator, page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: page}, pagination_strategy: {type: PageIncrement, page_size: 2}}";
    let with = |reset: &str| {
        let retriever = format!("{paginator}\n    pagination_reset: {reset}");
        simple_yaml(&filter("RESET_PAGINATION", "400"), &retriever, CURSOR)
    };
    let (records, ended) =
        read(&desk(&json!({})).run, &stream(&server, &with("{type: PaginationReset, action: SPLIT_USING_CURSOR}")))
            .await;
    ended.unwrap();
    let found: Vec<&str> = records.iter().map(|record| &record["at"].as_str().unwrap()[8..]).collect();
    assert_eq!(found, ["01", "02", "03", "04", "04", "05", "06", "07", "07", "08"]);

    // By the limit of records, which is reached before the platform complains.
    let limited = "{type: PaginationReset, action: SPLIT_USING_CURSOR, limits: {type: PaginationResetLimits, number_of_records: 4}}";
    let before = server.targets().len();
    let (records, ended) = read(&desk(&json!({})).run, &stream(&server, &with(limited))).await;
    ended.unwrap();
    assert_eq!(records.len(), 10);
    assert!(server.targets()[before..].iter().all(|target| !target.contains("page=2")));

    // Without a cursor it is done once, to get over a hiccup.
    let stuck = Server::start(|_, _| (400, vec![], "{}".to_owned())).await;
    for (reset, requests) in
        [("{type: PaginationReset, action: RESET}", 2), ("{type: PaginationReset, action: SPLIT_USING_CURSOR}", 1)]
    {
        let before = stuck.targets().len();
        let (_, ended) = read(&desk(&json!({})).run, &stream(&stuck, &with(reset))).await;
        assert_eq!((ended.unwrap_err().code, stuck.targets().len() - before), (Code::PagingLoop, requests), "{reset}");
    }
}

#[tokio::test]
async fn bodies_may_be_typed() {
    let server = Server::start(|_, _| ok(&json!({"items": []}))).await;
    for (body, expected, kind) in [
        ("{type: RequestBodyPlainText, value: 'hello {{ config.name }}'}", "hello world", None),
        (
            "{type: RequestBodyUrlEncodedForm, value: {a: 'b c', n: '{{ config.name }}'}}",
            "a=b+c&n=world",
            Some("application/x-www-form-urlencoded"),
        ),
        (
            "{type: RequestBodyJsonObject, value: {a: {b: '{{ config.name }}', n: 1}}}",
            r#"{"a":{"b":"world","n":1}}"#,
            Some("application/json"),
        ),
        (
            "{type: RequestBodyGraphQL, value: {query: 'query { user(name: \"{{ config.name }}\") { id } }', variables: {n: 1}}}",
            r#"{"query":"query { user(name: \"world\") { id } }","variables":{"n":1}}"#,
            Some("application/json"),
        ),
    ] {
        let stream = stream(&server, &simple_yaml(&format!(", http_method: POST, request_body: {body}"), "", ""));
        read(&desk(&json!({"name": "world"})).run, &stream).await.1.unwrap();
        let seen = server.seen.lock().unwrap().last().cloned().unwrap();
        assert_eq!((seen.body.as_str(), seen.header("content-type")), (expected, kind), "{body}");
    }
}

#[tokio::test]
async fn fields_are_asked_for_in_chunks_and_their_records_put_together() {
    let server = Server::start(|seen, _| {
        if seen.target.starts_with("/fields") {
            return ok(&json!({"items": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}));
        }
        let record = |id: u64| {
            let names = seen.query("fields").unwrap_or_default().split(',');
            let mut record: Vec<(String, Json)> = names.map(|name| (name.to_owned(), json!({name: id}))).collect();
            record.push(("id".to_owned(), json!(id)));
            Json::Object(record.into_iter().collect())
        };
        ok(&json!({"items": [record(1).general(), record(2).general()]}))
    })
    .await;
    let endpoint = "{type: PropertiesFromEndpoint, property_field_path: [name], retriever: {type: SimpleRetriever, requester: {type: HttpRequester, url_base: BASE, path: fields}, record_selector: {extractor: {type: DpathExtractor, field_path: [items]}}}}";
    for (properties, targets) in [
        ("property_list: [a, b]".to_owned(), vec!["/items?fields=a,b"]),
        (
            "property_list: [a, b, c], always_include_properties: [id], property_chunking: {type: PropertyChunking, property_limit_type: property_count, property_limit: 2}".to_owned(),
            vec!["/items?fields=id,a,b", "/items?fields=id,c"],
        ),
        (
            "property_list: [aa, b, c], property_chunking: {type: PropertyChunking, property_limit_type: characters, property_limit: 9}".to_owned(),
            vec!["/items?fields=aa,b", "/items?fields=c"],
        ),
        (format!("property_list: {endpoint}"), vec!["/fields", "/items?fields=a,b,c"]),
    ] {
        let before = server.targets().len();
        let parameters = format!(", request_parameters: {{fields: {{type: QueryProperties, {properties}}}}}");
        let (records, ended) = read(&desk(&json!({})).run, &stream(&server, &simple_yaml(&parameters, "", ""))).await;
        ended.unwrap();
        assert_eq!(server.targets()[before..], targets, "{properties}");
        assert_eq!(records.len(), 2, "{properties}");
        for name in ["b", "c"].iter().filter(|name| targets.iter().any(|target| target.contains(*name) && target.contains("items"))) {
            assert!(records[1].get(*name).is_some(), "{properties}: {records:?}");
        }
    }

    // The catalogue's schema chooses among them.
    let selector = ", request_parameters: {fields: {type: QueryProperties, property_list: [a, b, c], property_selector: {type: JsonSchemaPropertySelector}}}";
    let stream = stream(&server, &simple_yaml(selector, "", ""));
    let schemas = HashMap::from([("s".to_owned(), json!({"properties": {"c": {}, "a": {}}}))]);
    let run = desk(&json!({})).run.governed(&components::Traffic::default(), schemas, false).unwrap();
    read(&run, &stream).await.1.unwrap();
    assert_eq!(server.targets().last().unwrap(), "/items?fields=a,c");
}

#[tokio::test]
async fn a_child_begins_inside_its_parents_record() {
    let server = Server::start(|seen, _| match seen.target.as_str() {
        "/parents" => ok(&json!({"items": [
            {"id": 1, "kids": {"items": [{"k": 1}, {"k": 2}], "next": "x"}},
            {"id": 2, "kids": {"items": [{"k": 5}]}},
            {"id": 3},
        ]})),
        _ => ok(&json!({"items": [{"k": 3}]})),
    })
    .await;
    let yaml = "- type: DeclarativeStream
  name: kids
  retriever:
    type: SimpleRetriever
    requester: {type: HttpRequester, url_base: BASE, path: 'kids/{{ stream_slice.parent }}'}
    record_selector: {extractor: {type: DpathExtractor, field_path: [items]}}
    paginator: {type: DefaultPaginator, page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: after}, pagination_strategy: {type: CursorPagination, cursor_value: '{{ response.next }}'}}
    partition_router:
      type: SubstreamPartitionRouter
      parent_stream_configs:
      - type: ParentStreamConfig
        parent_key: id
        partition_field: parent
        lazy_read_pointer: [kids]
        stream:
          type: DeclarativeStream
          name: parents
          retriever:
            type: SimpleRetriever
            requester: {type: HttpRequester, url_base: BASE, path: parents}
            record_selector: {extractor: {type: DpathExtractor, field_path: [items]}}
";
    let (records, ended) = read(&desk(&json!({})).run, &stream(&server, yaml)).await;
    ended.unwrap();
    assert_eq!(Json::from(records), json!([{"k": 1}, {"k": 2}, {"k": 3}, {"k": 5}]));
    assert_eq!(server.targets(), ["/parents", "/kids/1?after=x"]);
}

#[tokio::test]
async fn pages_that_come_again_and_again_end_the_stream() {
    let paginator = "paginator: {type: DefaultPaginator, page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: after}, pagination_strategy: {type: CursorPagination, cursor_value: '{{ response.next }}'}}";
    for (items, requests) in [(json!([{"id": 1}]), 3), (json!([]), 3)] {
        let server = Server::start(move |_, _| ok(&json!({"items": items.general(), "next": "x"}))).await;
        let (records, ended) = read(&desk(&json!({})).run, &stream(&server, &simple_yaml("", paginator, ""))).await;
        assert_eq!(ended.unwrap_err().code, Code::PagingLoop);
        assert_eq!(server.targets().len(), requests);
        assert!(records.len() <= 2);
    }
    // A search that runs dry for a while and then finds something is not a loop.
    let server = Server::start(|_, number| {
        let items = if number < 20 { json!([]) } else { json!([{"id": 1}]) };
        ok(&json!({"items": items.general(), "next": if number < 20 { json!(number).general() } else { Json::Null.general() }}))
    })
    .await;
    let (records, ended) = read(&desk(&json!({})).run, &stream(&server, &simple_yaml("", paginator, ""))).await;
    ended.unwrap();
    assert_eq!((records.len(), server.targets().len()), (1, 20));
}

#[tokio::test]
async fn a_document_declares_its_pace() {
    let server = Server::start(|_, _| ok(&json!({"items": []}))).await;
    let top = "max_concurrent_async_job_count: '{{ config.jobs }}'
concurrency_level: {type: ConcurrencyLevel, default_concurrency: '{{ config.workers }}', max_concurrency: 3}
api_budget:
  type: HTTPAPIBudget
  policies:
  - {type: UnlimitedCallRatePolicy, matchers: [{type: HttpRequestRegexMatcher, url_path_pattern: '^/free$'}]}
  - {type: FixedWindowCallRatePolicy, period: PT1M, call_limit: 2, matchers: [{type: HttpRequestRegexMatcher, method: get, url_base: BASE, url_path_pattern: items, params: {a: 1}, headers: {x: y}, weight: 2}]}
  - {type: MovingWindowCallRatePolicy, rates: [{type: Rate, limit: '{{ config.limit }}', interval: PT1H}], matchers: []}";
    let document = plain(&server, "- {type: DeclarativeStream, name: x}", top);
    let (traffic, faults) = components::traffic(&document);
    assert!(faults.is_empty(), "{faults:?}");
    for (wished, workers) in [(2, 2), (9, 3)] {
        let config = json!({"jobs": 2, "workers": wished, "limit": 1});
        assert_eq!(desk(&config).run.governed(&traffic, HashMap::new(), false).unwrap().workers, workers);
    }
    let config = json!({"jobs": 2, "workers": 1, "limit": 1});
    for (requester, waits) in [
        // Two at a time, each of weight two.
        (", request_parameters: {a: '1'}, request_headers: {x: y}", &[60, 60][..]),
        (", request_parameters: {a: '2'}, request_headers: {x: y}", &[3600, 3600]),
        (", request_parameters: {a: '1'}", &[3600, 3600]),
        (", http_method: POST, request_parameters: {a: '1'}, request_headers: {x: y}", &[3600, 3600]),
    ] {
        let desk = desk(&config);
        let run = desk.run.governed(&traffic, HashMap::new(), false).unwrap();
        let stream = stream(&server, &simple_yaml(requester, "", ""));
        for _ in 0..3 {
            read(&run, &stream).await.1.unwrap();
        }
        assert_eq!(seconds(&desk), waits, "{requester}");
    }
    let failure =
        desk(&json!({"jobs": "many", "limit": 1})).run.governed(&traffic, HashMap::new(), false).err().unwrap();
    assert_eq!(failure.code, Code::ManifestInvalid);

    // What is wrong is left out by itself.
    for (top, path, parts) in [
        (
            "api_budget: {type: HTTPAPIBudget, policies: [{type: MovingWindowCallRatePolicy, rates: []}]}",
            "api_budget/policies/0/rates",
            (true, false),
        ),
        (
            "api_budget: {type: HTTPAPIBudget, policies: [{type: FixedWindowCallRatePolicy, period: soon, call_limit: 1}]}",
            "api_budget/policies/0/period",
            (true, false),
        ),
        ("api_budget: {type: HTTPAPIBudget, policies: [{type: OtherPolicy}]}", "api_budget/policies/0", (true, false)),
    ] {
        let top = format!("{top}\nconcurrency_level: {{type: ConcurrencyLevel, default_concurrency: 2}}");
        let (traffic, faults) = components::traffic(&plain(&server, "- {type: DeclarativeStream, name: x}", &top));
        let found = match &faults[..] {
            [Fault::Invalid(error)] => error.path.as_str(),
            [Fault::Unsupported { path, .. }] => path.as_str(),
            other => panic!("{other:?}"),
        };
        assert_eq!((found, traffic.concurrency.is_some(), traffic.budget.is_some()), (path, parts.0, parts.1));
    }
}

#[tokio::test]
async fn waits_are_those_of_the_reference() {
    let backoff = |strategies: &str| format!("backoff_strategies: [{strategies}]");
    // The virtual clock says 2024-06-01T12:34:56Z, that is 1717245296. Every strategy's answer gets a second more.
    for (handler, header, waits) in [
        (String::new(), None, &[1.0, 2.0, 4.0][..]),
        (backoff("{type: ConstantBackoffStrategy, backoff_time_in_seconds: 0.5}"), None, &[1.5, 1.5, 1.5]),
        (
            backoff("{type: ConstantBackoffStrategy, backoff_time_in_seconds: '{{ config.wait }}'}"),
            None,
            &[3.0, 3.0, 3.0],
        ),
        // The dice of the desk say a half: half of twice the range.
        (
            backoff("{type: ConstantBackoffStrategy, backoff_time_in_seconds: 1, jitter_range_in_seconds: 4}"),
            None,
            &[6.0, 6.0, 6.0],
        ),
        (backoff("{type: ExponentialBackoffStrategy, factor: 0.5}"), None, &[2.0, 3.0, 5.0]),
        (backoff("{type: ExponentialBackoffStrategy, jitter_range_in_seconds: 1}"), None, &[12.0, 22.0, 42.0]),
        (backoff("{type: WaitTimeFromHeader, header: retry-after}"), Some("1"), &[2.0, 2.0, 2.0]),
        (
            backoff(
                "{type: WaitTimeFromHeader, header: x-none}, {type: ConstantBackoffStrategy, backoff_time_in_seconds: 3}",
            ),
            None,
            &[4.0, 4.0, 4.0],
        ),
        (
            backoff(
                "{type: WaitTimeFromHeader, header: retry-after, max_waiting_time_in_seconds: '{{ config.wait }}'}",
            ),
            Some("2"),
            &[],
        ),
        (
            backoff("{type: WaitUntilTimeFromHeader, header: retry-after, min_wait: 4}"),
            Some("1717245298"),
            &[5.0, 5.0, 5.0],
        ),
        (backoff("{type: WaitUntilTimeFromHeader, header: retry-after}"), Some("1717245297.5"), &[2.5, 2.0, 4.0]),
        (
            backoff("{type: WaitUntilTimeFromHeader, header: retry-after, max_waiting_time_in_seconds: 5}"),
            Some("1717245306"),
            &[],
        ),
        (backoff("{type: WaitTimeFromResponse, wait_time_in_seconds: '{{ response.wait }}'}"), None, &[8.0, 8.0, 8.0]),
        ("max_retries: '{{ config.tries }}'".to_owned(), None, &[1.0]),
        ("max_retries: 0".to_owned(), None, &[]),
    ] {
        let server = Server::start(move |_, number| {
            let headers = header.map(|value| ("retry-after", value.to_owned())).into_iter().collect();
            if number <= 3 {
                (503, headers, json!({"wait": 7}).to_string())
            } else {
                ok(&json!({"items": [{"id": 1}]}))
            }
        })
        .await;
        let handler = if handler.is_empty() {
            handler
        } else {
            format!(", error_handler: {{type: DefaultErrorHandler, {handler}}}")
        };
        let desk = desk(&json!({"wait": 2, "tries": 1}));
        let (records, ended) = read(&desk.run, &stream(&server, &simple_yaml(&handler, "", ""))).await;
        let slept: Vec<f64> = desk.clock.slept().iter().map(Duration::as_secs_f64).collect();
        assert_eq!(slept, waits, "{handler}");
        assert_eq!((records.len(), ended.is_ok()), if waits.len() == 3 { (1, true) } else { (0, false) }, "{handler}");
    }
    // Ten minutes of waits in all, and not one more.
    let server = Server::start(|_, _| (503, vec![], "{}".to_owned())).await;
    let handler = ", error_handler: {type: DefaultErrorHandler, max_retries: 50, backoff_strategies: [{type: ConstantBackoffStrategy, backoff_time_in_seconds: 199}]}";
    let desk = desk(&json!({}));
    let (_, ended) = read(&desk.run, &stream(&server, &simple_yaml(handler, "", ""))).await;
    assert_eq!((ended.unwrap_err().code, seconds(&desk)), (Code::PlatformDown, vec![200, 200, 200]));
}

#[tokio::test]
async fn addresses_are_joined_as_the_standard_says() {
    use manifest::wire::join;
    for (base, path, expected) in [
        ("https://h/api", "x", "https://h/api/x"),
        ("https://h/api/", "?a=b", "https://h/api/?a=b"),
        ("https://h/api", "/x", "https://h/x"),
        ("https://h/api", "../x", "https://h/x"),
        ("https://h/api", "//cdn/x", "https://cdn/x"),
        ("https://h/api", "https://o/x", "https://o/x"),
        ("https://h/api", "a/../b", "https://h/api/b"),
        ("https://h/api?k=1", "x", "https://h/x"),
        ("https://h/api", " x", "https://h/api/x"),
        ("https://h/a", "./b", "https://h/a/b"),
        ("https://h/a/", "v1//b/", "https://h/a/v1/b/"),
        ("https://h/api", "v1/x:action", "https://h/api/v1/x:action"),
        ("https://h", "x?next=https://o/y", "https://h/x?next=https://o/y"),
        ("https://h/api", "", "https://h/api"),
    ] {
        assert_eq!(join(base, path), expected, "{base} {path}");
    }
    // A path of the manifest lies below its base; one that the platform names begins at the host.
    let server = Server::start(|seen, _| {
        let next = if seen.target == "/v1/items" { json!("/v2/more?page=2") } else { Json::Null };
        ok(&json!({"items": [], "next": next.general()}))
    })
    .await;
    let paginator = "paginator: {type: DefaultPaginator, page_token_option: {type: RequestPath}, pagination_strategy: {type: CursorPagination, cursor_value: '{{ response.next }}'}}";
    let yaml = simple_yaml("", paginator, "").replace("url_base: BASE", "url_base: BASE/v1");
    read(&desk(&json!({})).run, &stream(&server, &yaml)).await.1.unwrap();
    assert_eq!(server.targets(), ["/v1/items", "/v2/more?page=2"]);
}
