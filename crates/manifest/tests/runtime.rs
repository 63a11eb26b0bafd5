//! The reading loop over real HTTP: what is asked, in which order, with which waits, and what comes out.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod desk;

use desk::{Reply, Seen, Server, desk, ok};
use kit::placeholder;
use manifest::{
    components::{self, Fault, Stream},
    document,
    read::{Convert, Flow, Job, Run, Taker, read_streams},
};
use manifest::{json, json::Json};
use model::failure::{Code, Failure};
use std::{sync::Arc, time::Duration};

/// A manifest of the given streams (YAML list items), whose addresses are `BASE`.
fn streams(server: &Server, yaml: &str) -> Vec<Result<Arc<Stream>, Fault>> {
    let text = format!("version: 6.0.0\ncheck: {{type: CheckStream, stream_names: []}}\nstreams:\n{yaml}")
        .replace("BASE", &server.base);
    let plain = document::load(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let listed = plain["streams"].as_array().unwrap();
    listed.iter().enumerate().map(|(at, one)| components::stream(one, &format!("streams/{at}")).map(Arc::new)).collect()
}

fn stream(server: &Server, yaml: &str) -> Arc<Stream> {
    streams(server, yaml).pop().unwrap().unwrap_or_else(|fault| panic!("{fault}"))
}

/// One stream `s` whose requester and retriever get more lines, in flow style.
fn simple(server: &Server, requester: &str, retriever: &str, more: &str) -> Arc<Stream> {
    stream(
        server,
        &format!(
            "- type: DeclarativeStream\n  name: s\n  {more}\n  retriever:\n    type: SimpleRetriever\n    {retriever}\n    \
             requester: {{type: HttpRequester, url_base: BASE, path: /items{requester}}}\n    \
             record_selector: {{extractor: {{type: DpathExtractor, field_path: [items]}}}}\n"
        ),
    )
}

async fn read(run: &Run, stream: &Arc<Stream>) -> Result<Vec<Json>, Failure> {
    let mut basket = Basket(Vec::new());
    let convert: Convert<Vec<Json>> = Arc::new(Some);
    read_streams(run, vec![Job::new(Arc::clone(stream))], &convert, &mut basket).await?;
    Ok(basket.0)
}

struct Basket(Vec<Json>);

#[async_trait::async_trait]
impl Taker<Vec<Json>> for Basket {
    async fn take(&mut self, _: usize, flow: Flow<Vec<Json>>) -> Result<(), Failure> {
        match flow {
            Flow::Page(records) => self.0.extend(records),
            Flow::Ended(outcome) => return outcome,
            Flow::Started | Flow::Slice(_) | Flow::State(_) => {}
        }
        Ok(())
    }
}

fn items(from: u64, count: u64) -> Json {
    (from..from + count).map(|id| json!({"id": id})).collect()
}

/// Seven items, served by page number (from 1), by offset or by token, as the request asks.
fn seven(seen: &Seen, _: usize) -> Reply {
    let number = |name: &str| seen.query(name).and_then(|text| text.parse::<u64>().ok());
    let size = number("limit").unwrap_or(3);
    let from = match (number("page"), number("offset"), number("after")) {
        (Some(page), ..) => page.saturating_sub(1) * size,
        (_, Some(offset), _) => offset,
        (.., Some(after)) => after,
        _ => 0,
    };
    let count = size.min(7u64.saturating_sub(from));
    let next = from + count;
    let more = next < 7;
    let mut headers = vec![("X-Next-Page", if more { next.to_string() } else { String::new() })];
    if more {
        headers.push(("Link", format!("<http://{}/items?after={next}>; rel=\"next\"", seen.header("host").unwrap())));
    }
    let body = json!({"items": items(from, count), "next": if more { json!(next) } else { Json::Null }, "more": more});
    (200, headers, body.to_string())
}

#[tokio::test]
async fn pages_follow_each_other_as_the_strategy_says() {
    let option = |name: &str| format!("{{type: RequestOption, inject_into: request_parameter, field_name: {name}}}");
    let (page, offset, after, limit) = (option("page"), option("offset"), option("after"), option("limit"));
    for (strategy, token, size, expected) in [
        ("{type: PageIncrement, page_size: 3, start_from_page: 1}", &page, false, vec!["", "?page=2", "?page=3"]),
        (
            "{type: PageIncrement, page_size: 3, start_from_page: 1, inject_on_first_request: true}",
            &page,
            true,
            vec!["?limit=3&page=1", "?limit=3&page=2", "?limit=3&page=3"],
        ),
        ("{type: PageIncrement, start_from_page: 1}", &page, false, vec!["", "?page=2", "?page=3", "?page=4"]),
        ("{type: OffsetIncrement, page_size: 3}", &offset, false, vec!["", "?offset=3", "?offset=6"]),
        (
            "{type: OffsetIncrement, page_size: '{{ config.size }}', inject_on_first_request: true}",
            &offset,
            true,
            vec!["?limit=4&offset=0", "?limit=4&offset=4"],
        ),
        (
            "{type: CursorPagination, cursor_value: '{{ response.next }}'}",
            &after,
            false,
            vec!["", "?after=3", "?after=6"],
        ),
        (
            "{type: CursorPagination, cursor_value: '{{ last_record.id + 1 }}', stop_condition: '{{ not response.more }}'}",
            &after,
            false,
            vec!["", "?after=3", "?after=6"],
        ),
        (
            "{type: CursorPagination, cursor_value: '{{ headers[\"X-Next-Page\"] }}', page_size: 3, stop_condition: '{{ last_page_size < page_size }}'}",
            &after,
            true,
            vec!["?limit=3", "?limit=3&after=3", "?limit=3&after=6"],
        ),
        (
            "{type: CursorPagination, cursor_value: '{{ headers.link.next.url }}'}",
            &"{type: RequestPath}".to_owned(),
            false,
            vec!["", "?after=3", "?after=6"],
        ),
    ] {
        let server = Server::start(seven).await;
        let size = if size { format!(", page_size_option: {limit}") } else { String::new() };
        let paginator = format!(
            "paginator: {{type: DefaultPaginator, pagination_strategy: {strategy}, page_token_option: {token}{size}}}"
        );
        // A filter neither ends the pagination nor shortens the offset.
        let stream = simple(&server, "", &paginator, "");
        let records = read(&desk(&json!({"size": 4})).run, &stream)
            .await
            .unwrap_or_else(|failure| panic!("{strategy}: {failure}"));
        assert_eq!(records, *items(0, 7).as_array().unwrap(), "{strategy}");
        let expected: Vec<String> = expected.into_iter().map(|query| format!("/items{query}")).collect();
        assert_eq!(server.targets(), expected, "{strategy}");
    }
}

#[tokio::test]
async fn a_filter_does_not_end_the_pages_and_a_vendor_that_repeats_itself_does() {
    let server = Server::start(seven).await;
    let yaml = "- type: DeclarativeStream\n  name: s\n  retriever:\n    type: SimpleRetriever\n    paginator: {type: DefaultPaginator, \
                pagination_strategy: {type: OffsetIncrement, page_size: 3}, page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: offset}}\n    \
                requester: {type: HttpRequester, url_base: BASE, path: items}\n    \
                record_selector: {extractor: {type: DpathExtractor, field_path: [items]}, record_filter: {type: RecordFilter, condition: '{{ record.id > 4 }}'}}\n";
    let records = read(&desk(&json!({})).run, &stream(&server, yaml)).await.unwrap();
    assert_eq!((records, server.targets().len()), (items(5, 2).as_array().unwrap().clone(), 3));

    let stubborn = Server::start(|_, _| ok(&json!({"items": items(0, 3), "next": "x"}))).await;
    let paginator = "paginator: {type: DefaultPaginator, pagination_strategy: {type: CursorPagination, cursor_value: '{{ response.next }}'}}";
    let failure = read(&desk(&json!({})).run, &simple(&stubborn, "", paginator, "")).await.unwrap_err();
    assert_eq!((failure.code, stubborn.targets().len()), (Code::PagingLoop, 3));
}

#[tokio::test]
async fn sign_in_reaches_the_server_and_nobody_else() {
    let config = json!({"token": placeholder::field("token"), "password": placeholder::field("password"), "user": "me", "kind": "key"});
    for (auth, header, value) in [
        ("{type: BearerAuthenticator, api_token: \"{{ config['token'] }}\"}", "authorization", "Bearer s3cret-1e5"),
        (
            "{type: BasicHttpAuthenticator, username: \"{{ config.user }}\", password: \"{{ config.password }}\"}",
            "authorization",
            "Basic bWU6cGE6c3M=",
        ),
        (
            "{type: ApiKeyAuthenticator, api_token: \"{{ config.token }}\", inject_into: {type: RequestOption, inject_into: header, field_name: X-Key}}",
            "x-key",
            "s3cret-1e5",
        ),
        (
            "{type: ApiKeyAuthenticator, api_token: \"Token {{ config.token }}\", header: X-Key}",
            "x-key",
            "Token s3cret-1e5",
        ),
        (
            "{type: SelectiveAuthenticator, authenticator_selection_path: [kind], authenticators: {none: {type: NoAuth}, key: {type: BearerAuthenticator, api_token: \"{{ config.token }}\"}}}",
            "authorization",
            "Bearer s3cret-1e5",
        ),
    ] {
        let server = Server::start(|_, _| ok(&json!({"items": []}))).await;
        let desk = desk(&config);
        read(&desk.run, &simple(&server, &format!(", authenticator: {auth}"), "", ""))
            .await
            .unwrap_or_else(|failure| panic!("{auth}: {failure}"));
        let seen = server.seen.lock().unwrap()[0].clone();
        assert_eq!(seen.header(header), Some(value), "{auth}");
        assert!(!desk.log.everything().contains("s3cret"), "{auth}");
    }
    let server = Server::start(|_, _| ok(&json!({"items": []}))).await;
    let auth = ", authenticator: {type: ApiKeyAuthenticator, api_token: \"{{ config.token }}\", inject_into: {type: RequestOption, inject_into: request_parameter, field_name: key}}";
    let desk = desk(&config);
    read(&desk.run, &simple(&server, auth, "", "")).await.unwrap();
    assert_eq!(server.targets(), ["/items?key=s3cret-1e5"]);
    assert!(!desk.log.everything().contains("s3cret"));
}

#[tokio::test]
async fn requests_are_assembled_by_the_rules() {
    let config = json!({"n": null, "i": 5, "l": ["a", "b"], "empty": "", "csv": "1,2", "deep": {"x": true}});
    for (requester, target, body) in [
        (
            ", request_parameters: {a: '{{ config.i }}', b: '{{ config.l }}', c: '{{ config.empty }}', d: '{{ config.n }}', e: true, f: null}",
            "/items?a=5&b=a&b=b&d=None&e=True",
            "",
        ),
        (
            ", request_parameters: {a: '{{ config.nope.x }}', ids: '{{ config.csv }}', '{{ config.i }}': y}",
            "/items?ids=1,2&5=y",
            "",
        ),
        (", request_parameters: \"{{ {'a': 1, 'b': 'x y'} }}\"", "/items?a=1&b=x y", ""),
        (
            ", http_method: POST, request_body_json: {a: '{{ config.i }}', gone: '{{ config.n }}', list: ['{{ config.n }}', 1], deep: {k: '{{ config.deep }}'}}",
            "/items",
            r#"{"a":5,"list":[null,1],"deep":{"k":{"x":true}}}"#,
        ),
        (", http_method: POST, request_body_data: {a: '{{ config.i }}', b: 'x y'}", "/items", "a=5&b=x+y"),
        (", http_method: POST, request_body_data: 'plain {{ config.i }}'", "/items", "plain 5"),
    ] {
        let server = Server::start(|_, _| ok(&json!({"items": []}))).await;
        read(&desk(&config).run, &simple(&server, requester, "", ""))
            .await
            .unwrap_or_else(|failure| panic!("{requester}: {failure}"));
        let seen = server.seen.lock().unwrap()[0].clone();
        assert_eq!((seen.target.as_str(), seen.body.as_str()), (target, body), "{requester}");
    }
    let server = Server::start(|_, _| ok(&json!({"items": []}))).await;
    let clash = simple(
        &server,
        ", request_parameters: {page: 1}",
        "paginator: {type: DefaultPaginator, page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: page}, pagination_strategy: {type: PageIncrement, inject_on_first_request: true}}",
        "",
    );
    assert_eq!(read(&desk(&json!({})).run, &clash).await.unwrap_err().code, Code::ManifestInvalid);
}

/// A connector that knows its vendor's statuses.
struct Native;

impl kit::policy::Policy for Native {
    fn decide(&self, attempt: &kit::policy::Attempt<'_>) -> kit::policy::Decision {
        match attempt.outcome {
            kit::policy::Outcome::Response(response) if response.status >= 400 => {
                kit::policy::Decision::Fail(Failure::new(Code::SignInRevoked))
            }
            _ => kit::policy::Decision::Success,
        }
    }
}

#[tokio::test]
async fn what_no_filter_of_a_manifest_matches_is_the_connectors_own_to_judge() {
    let handler =
        ", error_handler: {type: DefaultErrorHandler, response_filters: [{http_codes: [404], action: IGNORE}]}";
    for (handler, status, outcome) in [
        (handler, 404, Ok(0)),
        (handler, 403, Err(Code::SignInRevoked)),
        (handler, 200, Ok(1)),
        ("", 404, Err(Code::SignInRevoked)),
    ] {
        let server = Server::start(move |_, _| (status, vec![], json!({"items": [{"id": 1}]}).to_string())).await;
        let stream = simple(&server, handler, "", "");
        let run = Run { native_policy: Some(Arc::new(Native)), ..desk(&json!({})).run };
        let read = read(&run, &stream).await.map(|records| records.len()).map_err(|failure| failure.code);
        assert_eq!(read, outcome, "{handler} {status}");
    }
}

#[tokio::test]
async fn answers_mean_what_the_error_handler_says_and_waits_are_as_long_as_it_says() {
    let composite = ", error_handler: {type: CompositeErrorHandler, error_handlers: [\
        {type: DefaultErrorHandler, response_filters: [{http_codes: [404], action: IGNORE}]}, \
        {type: DefaultErrorHandler, response_filters: [{predicate: \"{{ response.code == 'slow' }}\", action: RETRY}], backoff_strategies: [{type: ConstantBackoffStrategy, backoff_time_in_seconds: 4}]}]}";
    let slow = r#"{"code":"slow"}"#;
    for (handler, replies, outcome, waits) in [
        ("", vec![(503, "", ""), (503, "", ""), (200, "", "")], Ok(1), vec![1.0, 2.0]),
        ("", vec![(429, "7", ""), (200, "", "")], Ok(1), vec![1.0]),
        ("", vec![(401, "", "")], Err(Code::SignInRejected), vec![]),
        ("", vec![(403, "", "")], Err(Code::PermissionDenied), vec![]),
        ("", vec![(404, "", "")], Err(Code::VendorChanged), vec![]),
        ("", vec![(500, "", ""); 6], Err(Code::PlatformDown), vec![1.0, 2.0, 4.0, 8.0, 16.0]),
        (
            ", error_handler: {type: DefaultErrorHandler, max_retries: 1}",
            vec![(500, "", ""); 2],
            Err(Code::PlatformDown),
            vec![1.0],
        ),
        (
            ", error_handler: {type: DefaultErrorHandler, backoff_strategies: [{type: ConstantBackoffStrategy, backoff_time_in_seconds: 0.5}]}",
            vec![(503, "", ""), (200, "", "")],
            Ok(1),
            vec![1.5],
        ),
        (
            ", error_handler: {type: DefaultErrorHandler, backoff_strategies: [{type: ExponentialBackoffStrategy, factor: 0.5}]}",
            vec![(503, "", ""), (503, "", ""), (503, "", ""), (200, "", "")],
            Ok(1),
            vec![2.0, 3.0, 5.0],
        ),
        (
            ", error_handler: {type: DefaultErrorHandler, backoff_strategies: [{type: WaitTimeFromHeader, header: retry-after}]}",
            vec![(429, "1", ""), (200, "", "")],
            Ok(1),
            vec![2.0],
        ),
        (
            ", error_handler: {type: DefaultErrorHandler, backoff_strategies: [{type: WaitTimeFromHeader, header: retry-after, max_waiting_time_in_seconds: 60}]}",
            vec![(503, "60", "")],
            Err(Code::PlatformDown),
            vec![],
        ),
        (
            ", error_handler: {type: DefaultErrorHandler, response_filters: [{http_codes: [404], action: IGNORE}]}",
            vec![(404, "", "")],
            Ok(0),
            vec![],
        ),
        (
            ", error_handler: {type: DefaultErrorHandler, response_filters: [{error_message_contains: gone for, action: FAIL, failure_type: config_error, error_message: 'No: {{ response.error }}'}]}",
            vec![(400, "", r#"{"error":"gone for good"}"#)],
            Err(Code::SignInRejected),
            vec![],
        ),
        (composite, vec![(404, "", "")], Ok(0), vec![]),
        (composite, vec![(400, "", slow), (200, "", "")], Ok(1), vec![5.0]),
        // A predicate in a second child never sees a good answer.
        (composite, vec![(200, "", r#"{"code":"slow","items":[{"id":1}]}"#)], Ok(1), vec![]),
    ] {
        let script = replies.clone();
        let server = Server::start(move |_, number| {
            let (status, after, body) = script.get(number - 1).copied().unwrap_or((418, "", ""));
            let headers = if after.is_empty() { vec![] } else { vec![("Retry-After", after.to_owned())] };
            let body = if body.is_empty() && status == 200 {
                json!({"items": [{"id": 1}]}).to_string()
            } else {
                body.to_owned()
            };
            (status, headers, body)
        })
        .await;
        let desk = desk(&json!({}));
        let found = read(&desk.run, &simple(&server, handler, "", "")).await;
        let what = format!("{handler} {replies:?}: {found:?}");
        match (&found, outcome) {
            (Ok(records), Ok(count)) => assert_eq!(records.len(), count, "{what}"),
            (Err(failure), Err(code)) => assert_eq!(failure.code, code, "{what}"),
            _ => panic!("{what}"),
        }
        assert_eq!(server.targets().len(), replies.len(), "{what}");
        let slept: Vec<f64> = desk.clock.slept().iter().map(Duration::as_secs_f64).collect();
        assert_eq!(slept, waits, "{what}");
    }
}

#[tokio::test]
async fn partitions_are_lists_parents_groups_and_their_products() {
    let answer = |seen: &Seen, _: usize| match seen.target.split('?').next() {
        Some("/parents") => {
            ok(&json!({"items": [{"id": 1, "a": {"b": "x"}}, {"id": 2}, {"id": null}, {"id": 1}, {"id": 3}]}))
        }
        _ => ok(&json!({"items": [{"at": seen.target}]})),
    };
    let parent = "{type: DeclarativeStream, name: parents, retriever: {type: SimpleRetriever, requester: {type: HttpRequester, url_base: BASE, path: parents}, record_selector: {extractor: {type: DpathExtractor, field_path: [items]}}}}";
    let substream = format!(
        "{{type: SubstreamPartitionRouter, parent_stream_configs: [{{type: ParentStreamConfig, parent_key: id, partition_field: pid, extra_fields: [[a, b]], stream: {parent}}}]}}"
    );
    for (router, parameters, expected) in [
        (
            "[{type: ListPartitionRouter, cursor_field: x, values: [1, b]}, {type: ListPartitionRouter, cursor_field: y, values: '{{ config.l }}', request_option: {type: RequestOption, inject_into: request_parameter, field_name: why}}]".to_owned(),
            "{x: '{{ stream_partition.x }}'}",
            vec!["x=1&why=p", "x=1&why=q", "x=b&why=p", "x=b&why=q"],
        ),
        (
            substream.clone(),
            "{id: '{{ stream_slice.pid }}', up: \"{{ stream_slice.extra_fields['a.b'] }}\"}",
            // The format reads a partition as often as a parent names it.
            vec!["id=1&up=x", "id=2&up=None", "id=1&up=None", "id=3&up=None"],
        ),
        (
            format!("{{type: UnionPartitionRouter, partition_field: pid, partition_routers: [{{type: ListPartitionRouter, cursor_field: pid, values: [3, 4]}}, {substream}]}}"),
            "{id: '{{ stream_slice.pid }}', up: \"{{ stream_slice.extra_fields['a.b'] }}\"}",
            vec!["id=3", "id=4", "id=1&up=x", "id=2&up=None"],
        ),
        (
            format!("{{type: GroupingPartitionRouter, group_size: 2, underlying_partition_router: {substream}}}"),
            "{ids: \"{{ stream_partition.pid | join(',') }}\"}",
            vec!["ids=1,2", "ids=3"],
        ),
    ] {
        let server = Server::start(answer).await;
        let stream = simple(&server, &format!(", request_parameters: {parameters}"), &format!("partition_router: {router}"), "");
        let desk = desk(&json!({"l": ["p", "q"]}));
        let expected: Vec<Json> = expected.into_iter().map(|query| json!({"at": format!("/items?{query}")})).collect();
        assert_eq!(read(&desk.run, &stream).await.unwrap(), expected, "{router}");
        read(&desk.run, &stream).await.unwrap();
        let parents = server.targets().iter().filter(|target| target.starts_with("/parents")).count();
        assert!(parents <= 1, "{router}: the parent was read {parents} times");
        // Our own connectors read a partition once.
        let own = Run { strict: true, ..desk.run.clone() };
        let mut once = expected;
        once.retain(|at| !at.to_string().contains("id=1&up=None"));
        assert_eq!(read(&own, &stream).await.unwrap(), once, "{router}");
    }
}

#[tokio::test]
async fn windows_of_a_cursor_reach_the_request() {
    let server = Server::start(|_, _| ok(&json!({"items": []}))).await;
    let cursor = "incremental_sync: {type: DatetimeBasedCursor, cursor_field: at, datetime_format: '%Y-%m-%d', start_datetime: '2024-05-28', end_datetime: '2024-05-31', step: P2D, cursor_granularity: P1D, \
                  start_time_option: {type: RequestOption, inject_into: request_parameter, field_name: from}, end_time_option: {type: RequestOption, inject_into: request_parameter, field_name: to}}";
    read(&desk(&json!({})).run, &simple(&server, "", "", cursor)).await.unwrap();
    assert_eq!(server.targets(), ["/items?from=2024-05-28&to=2024-05-29", "/items?from=2024-05-30&to=2024-05-31"]);
}

#[tokio::test]
async fn what_is_not_supported_is_named_with_its_place_and_the_other_streams_run() {
    let server = Server::start(seven).await;
    let with = |lines: &str| {
        format!(
            "- type: DeclarativeStream\n  name: s\n  retriever:\n    type: SimpleRetriever\n    requester: {{type: HttpRequester, url_base: BASE, path: items}}\n    record_selector: {{extractor: {{type: DpathExtractor, field_path: [items]}}}}\n{lines}"
        )
    };
    for (lines, component, path) in [
        (
            "    paginator: {class_name: source_x.components.P, type: CustomPaginator}\n",
            "source_x.components.P",
            "streams/0/retriever/paginator",
        ),
        ("    decoder: {type: CustomDecoder, class_name: source_x.D}\n", "source_x.D", "streams/0/retriever/decoder"),
        (
            "  incremental_sync: {class_name: source_x.components.C, type: CustomIncrementalSync}\n",
            "source_x.components.C",
            "streams/0/incremental_sync",
        ),
        (
            "  transformations:\n  - {type: AddFields, fields: [{path: [a], value: b}]}\n  - class_name: source_x.T\n",
            "source_x.T",
            "streams/0/transformations/1",
        ),
    ] {
        let both = streams(&server, &format!("{}{}", with(lines), with("")));
        match &both[0] {
            Err(Fault::Unsupported { component: found, path: at }) => {
                assert_eq!((found.as_str(), at.as_str()), (component, path));
            }
            other => panic!("{lines}: {other:?}"),
        }
        assert!(both[1].is_ok());
    }
    for (lines, path) in [
        (
            "    paginator: {type: DefaultPaginator, page_size_option: {type: RequestOption, inject_into: header, field_name: a}, pagination_strategy: {type: PageIncrement}}\n",
            "streams/0/retriever/paginator/page_size_option",
        ),
        (
            "  incremental_sync: {type: DatetimeBasedCursor, cursor_field: a, datetime_format: '%s', start_datetime: '0', step: P1D}\n",
            "streams/0/incremental_sync/step",
        ),
        (
            "  transformations: [{type: AddFields, fields: [{path: [a], value: '{{ broken'}]}]\n",
            "streams/0/transformations/0/fields/0/value",
        ),
    ] {
        match streams(&server, &with(lines)).remove(0) {
            Err(Fault::Invalid(error)) => assert_eq!(error.path, path, "{error}"),
            other => panic!("{lines}: {other:?}"),
        }
    }
}
