//! Streams, schemas and settings that only a connection decides on (connector-format.md, sections 12 and 13).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod desk;

use async_trait::async_trait;
use desk::{Desk, Reply, Seen, Server, desk, ok};
use manifest::connector::{Connector, Event, Limits, Outlet, Wanted};
use manifest::{json, json::Json};
use model::failure::{Code, Failure};

#[derive(Default)]
struct Basket(Vec<Json>);

#[async_trait]
impl Outlet for Basket {
    async fn event(&mut self, event: Event) -> Result<(), Failure> {
        if let Event::Records { records, .. } = event {
            self.0.extend(records);
        }
        Ok(())
    }
}

fn load(server: &Server, text: &str) -> Connector {
    let text = format!("version: 6.0.0\ncheck: {{type: CheckStream, stream_names: [plain]}}\n{text}");
    Connector::load(&text.replace("BASE", &server.base)).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn retriever(path: &str, more: &str) -> String {
    format!(
        "{{type: SimpleRetriever, requester: {{type: HttpRequester, url_base: BASE, path: '{path}'}}, \
         record_selector: {{extractor: {{type: DpathExtractor, field_path: [items]}}}}{more}}}"
    )
}

async fn read(connector: &Connector, desk: &Desk, name: &str, state: Option<Json>) -> Result<Vec<Json>, Failure> {
    let mut basket = Basket::default();
    let wanted = vec![Wanted { stream: name.to_owned(), state, ..Wanted::default() }];
    let summary = connector.read(&desk.run, wanted, &Limits::default(), &mut basket).await?;
    summary.streams.into_iter().find(|(found, ..)| found == name).unwrap().2?;
    Ok(basket.0)
}

fn echo(seen: &Seen, _: usize) -> Reply {
    match seen.target.as_str() {
        "/boards" => ok(&json!({"items": [{"id": 7, "title": "Seven"}, {"id": 8, "title": "Eight"}]})),
        other => ok(&json!({"items": [{"at": other}]})),
    }
}

async fn names(connector: &Connector, config: Json) -> Result<Vec<String>, Failure> {
    let found = connector.discover(&desk(&config).run).await?;
    for declared in &found {
        declared.stream.as_ref().unwrap_or_else(|fault| panic!("{}: {fault}", declared.name));
    }
    Ok(found.into_iter().map(|declared| declared.name).collect())
}

#[tokio::test]
async fn streams_come_from_conditions_lists_settings_and_the_platform() {
    let server = Server::start(echo).await;
    let (plain, board) = (retriever("/plain", ""), retriever("PLACE", ""));
    let listed = retriever("/listed/{{ parameters.kind }}", "");
    let boards = retriever("/boards", "");
    let text = format!(
        "streams:\n- {{name: plain, retriever: {plain}}}\n- type: ConditionalStreams\n  condition: \"{{{{ config.beta }}}}\"\n  streams: [{{type: DeclarativeStream, name: beta, retriever: {plain}}}]\n\
         dynamic_streams:\n\
         - type: DynamicDeclarativeStream\n  name: boards\n  stream_template: {{type: DeclarativeStream, name: '', retriever: {board}}}\n  components_resolver:\n    type: HttpComponentsResolver\n    retriever: {boards}\n    components_mapping:\n\
         \x20   - {{type: ComponentMappingDefinition, field_path: [name], value: \"{{{{ components_values['title'] | lower }}}}\"}}\n\
         \x20   - {{type: ComponentMappingDefinition, field_path: ['**', requester, path], value: 'nothing is at two depths'}}\n\
         \x20   - {{type: ComponentMappingDefinition, field_path: [retriever, '*', path], value: \"/board/{{{{ components_values.id }}}}\"}}\n\
         \x20   - {{type: ComponentMappingDefinition, field_path: [primary_key], value: 'not there, not put there'}}\n\
         - type: DynamicDeclarativeStream\n  stream_template: {{type: DeclarativeStream, name: x, $parameters: {{kind: ''}}, retriever: {listed}}}\n  components_resolver:\n    type: ParametrizedComponentsResolver\n    stream_parameters:\n      type: StreamParametersDefinition\n      list_of_parameters_for_stream: [{{name: one, key: [id], kind: a}}, {{name: two, key: [x, y], kind: b}}]\n    components_mapping:\n\
         \x20   - {{type: ComponentMappingDefinition, field_path: [name], value: \"{{{{ components_values.name }}}}\"}}\n\
         \x20   - {{type: ComponentMappingDefinition, field_path: [primary_key], value: \"{{{{ components_values.key }}}}\", create_or_update: true}}\n\
         \x20   - {{type: ComponentMappingDefinition, field_path: [$parameters, kind], value: \"{{{{ components_values.kind }}}}\", create_or_update: true}}\n\
         - type: DynamicDeclarativeStream\n  stream_template: {{type: DeclarativeStream, name: x, retriever: {plain}}}\n  components_resolver:\n    type: ConfigComponentsResolver\n    stream_config:\n    - {{type: StreamConfig, configs_pointer: [reports], default_values: [{{name: standing}}]}}\n    - {{type: StreamConfig, configs_pointer: [regions]}}\n    components_mapping:\n\
         \x20   - {{type: ComponentMappingDefinition, field_path: [name], value: \"{{{{ components_values.name }}}}_{{{{ components_values.source_config_1[1] }}}}\", value_type: string}}\n\
         \x20   - {{type: ComponentMappingDefinition, field_path: [retriever, requester, http_method], value: POST, create_or_update: true, condition: \"{{{{ components_values.post }}}}\"}}\n"
    );
    let connector = load(&server, &text);
    let config = json!({"beta": true, "reports": [{"name": "r", "post": true}], "regions": ["eu", "us"]});
    let expected = ["plain", "beta", "seven", "eight", "one", "two", "r_eu", "r_us", "standing_eu", "standing_us"]
        .map(str::to_owned);
    assert_eq!(names(&connector, config.clone()).await.unwrap(), expected);
    assert_eq!(names(&connector, json!({})).await.unwrap(), ["plain", "seven", "eight", "one", "two"]);
    let twice = json!({"reports": [{"name": "r"}, {"name": "r"}], "regions": ["eu"]});
    assert_eq!(names(&connector, twice).await.unwrap_err().code, Code::SettingInvalid);

    let desk = desk(&config);
    for (name, at) in [("eight", "/board/8"), ("two", "/listed/b"), ("r_eu", "/plain"), ("beta", "/plain")] {
        assert_eq!(read(&connector, &desk, name, None).await.unwrap(), [json!({"at": at})], "{name}");
    }
    let found = connector.discover(&desk.run).await.unwrap();
    let keys = |name: &str| found.iter().find(|it| it.name == name).unwrap().primary_key.clone();
    assert_eq!(
        (keys("one"), keys("two"), keys("seven")),
        (vec![vec!["id".to_owned()]], vec![vec!["x".to_owned()], vec!["y".to_owned()]], vec![])
    );
    // What stands in the document is read without asking for the rest.
    let asked = |server: &Server| server.targets().iter().filter(|target| *target == "/boards").count();
    let before = asked(&server);
    read(&connector, &desk, "plain", None).await.unwrap();
    assert_eq!(asked(&server), before);
}

#[tokio::test]
async fn a_schema_is_made_of_what_the_platform_says_and_records_are_brought_to_it() {
    let server = Server::start(|seen, _| match seen.target.as_str() {
        "/fields" => ok(&json!({"items": [{"fields": [
            {"n": {"id": "Amount"}, "kind": "money"}, {"n": {"id": "When"}, "kind": "timestamp_with_timezone"}, {"n": {"id": "hidden"}, "kind": "string"},
            {"n": {"id": "Tags"}, "kind": "list", "multi": true}, {"n": {"id": "Plain"}}, {"n": {"id": "Either"}, "kind": "either"},
        ]}, {"fields": "of the first record only"}]})),
        _ => ok(&json!({"items": [{"amount": "1.5", "known": 7, "tags": "x", "other": 1}]})),
    })
    .await;
    let loader = format!(
        "{{type: DynamicSchemaLoader, retriever: {}, schema_filter: {{type: RecordFilter, condition: \"{{{{ 'hidden' not in record }}}}\"}}, schema_transformations: [{{type: KeysToLower}}], \
         schema_type_identifier: {{type: SchemaTypeIdentifier, schema_pointer: [fields], key_pointer: [n, id], type_pointer: [kind], types_mapping: [{{target_type: string, current_type: money, condition: \"{{{{ raw_schema.multi }}}}\"}}, \
         {{target_type: number, current_type: money}}, {{target_type: {{field_type: array, items: string}}, current_type: list}}, {{target_type: [string, integer], current_type: either}}]}}}}",
        retriever("/fields", "")
    );
    let normal =
        retriever("/plain", "").replace("field_path: [items]}", "field_path: [items]}, schema_normalization: Default");
    let inline = "{type: InlineSchemaLoader, schema: {type: object, properties: {known: {type: string}, amount: {type: string}}}}";
    let connector = load(
        &server,
        &format!(
            "streams:\n- {{name: plain, schema_loader: {loader}, retriever: {normal}}}\n- {{name: both, schema_loader: [{inline}, {loader}], retriever: {normal}}}\n- {{name: file, schema_loader: {{type: JsonFileSchemaLoader, file_path: x.json}}, retriever: {normal}}}\n"
        ),
    );
    let desk = desk(&json!({}));
    let found = connector.discover(&desk.run).await.unwrap();
    let text = json!({"type": ["null", "string"]});
    assert_eq!(
        found[0].schema["properties"],
        json!({
            "amount": {"type": ["null", "number"]}, "when": {"type": ["null", "string"], "format": "date-time"},
            "tags": {"type": ["null", "array"], "items": text.general()}, "plain": text.general(),
            "either": {"oneOf": [text.general(), {"type": ["null", "integer"]}]},
        })
    );
    assert_eq!(
        (&found[1].schema["properties"]["amount"], &found[1].schema["properties"]["plain"]),
        (&json!({"type": "string"}), &text)
    );
    assert_eq!(found[2].notes[0].component, "JsonFileSchemaLoader");
    let row = |amount: Json, known: Json, tags: Json| json!({"amount": amount.general(), "known": known.general(), "tags": tags.general(), "other": 1});
    assert_eq!(read(&connector, &desk, "plain", None).await.unwrap(), [row(json!(1.5), json!(7), json!(["x"]))]);
    assert_eq!(read(&connector, &desk, "both", None).await.unwrap(), [row(json!("1.5"), json!("7"), json!(["x"]))]);
    assert_eq!(read(&connector, &desk, "file", None).await.unwrap(), [row(json!("1.5"), json!(7), json!("x"))]);
}

#[tokio::test]
async fn a_state_decides_how_a_stream_is_read_unless_it_is_older_than_the_platform_remembers() {
    let server = Server::start(echo).await;
    let cursor = "incremental_sync: {type: DatetimeBasedCursor, cursor_field: at, datetime_format: '%Y-%m-%d', start_datetime: '2024-01-01'}";
    let text = format!(
        "streams:\n- type: StateDelegatingStream\n  name: plain\n  api_retention_period: \"{{{{ config.keeps }}}}\"\n  full_refresh_stream: {{type: DeclarativeStream, name: plain, retriever: {}}}\n  incremental_stream: {{type: DeclarativeStream, name: plain, {cursor}, retriever: {}}}\n",
        retriever("/full", ""),
        retriever("/changes", "")
    );
    let connector = load(&server, &text);
    assert!(connector.declared()[0].incremental);
    for (keeps, state, expected) in [
        ("", None, "/full"),
        ("", Some(json!({})), "/full"),
        ("", Some(json!({"at": "2020-01-01"})), "/changes"),
        ("P30D", Some(json!({"at": "2024-05-20"})), "/changes"),
        ("P30D", Some(json!({"at": "2024-04-20"})), "/full"),
        ("P1M", Some(json!({"at": "2024-05-02"})), "/changes"),
        ("P30D", Some(json!({"at": "unreadable"})), "/full"),
        ("P30D", Some(json!({"__ab_no_cursor_state_message": true})), "/changes"),
    ] {
        let desk = desk(&json!({"keeps": keeps}));
        let found = read(&connector, &desk, "plain", state.clone()).await.unwrap();
        assert_eq!(found[0]["at"].as_str(), Some(expected), "{keeps} {state:?}");
    }
    let odd = text.replacen("name: plain, retriever", "name: other, retriever", 1);
    let fault = load(&server, &odd).declared()[0].stream.as_ref().unwrap_err().to_string();
    assert!(fault.starts_with("streams/0/full_refresh_stream/name: "), "{fault}");
}

#[tokio::test]
async fn nested_lists_are_fetched_when_they_are_cut_off_and_extractors_are_combined() {
    let server = Server::start(|seen, _| match seen.target.as_str() {
        "/lists" => ok(&json!({"items": [
            {"id": 1, "lines": {"data": [{"n": 1}], "more": true}}, {"id": 2, "lines": {"data": [{"n": 3}, 4], "more": false}},
            {"id": 3, "lines": {"data": [{"n": 5}], "more": true}}, {"id": 4},
        ]})),
        "/lines/1" => ok(&json!({"items": [{"n": 1}, {"n": 2}]})),
        "/shapes" => ok(&json!({"a": [{"x": 1}, null, {}], "b": {"x": 2}, "c": [{"x": 3}]})),
        _ => ok(&json!({"items": []})),
    })
    .await;
    let expander = |more: &str| {
        retriever("/lists", "").replace(
            "field_path: [items]}",
            &format!("field_path: [items], record_expander: {{expand_records_from_field: [lines, data], {more}}}}}"),
        )
    };
    let whole = retriever("/lines/{{ stream_slice.parent_record.id }}", "");
    let combined = |more: &str| {
        let path = |at: &str| format!("{{type: DpathExtractor, field_path: [{at}]}}");
        retriever("/shapes", "").replace(
            &path("items"),
            &format!(
                "{{type: CombinedExtractor, extractors: [{}, {}, {}], {more}}}",
                path("none"),
                path("a"),
                path("b")
            ),
        )
    };
    for (retriever, expected) in [
        (
            expander(&format!(
                "parent_fields: [{{parent_path: [id], record_path: [of, id]}}], truncation_indicator_path: [lines, more], truncated_list_retriever: {whole}"
            )),
            json!([{"n": 1, "of": {"id": 1}}, {"n": 2, "of": {"id": 1}}, {"n": 3, "of": {"id": 2}}, {"value": 4, "of": {"id": 2}}, {"n": 5, "of": {"id": 3}}]),
        ),
        (
            expander("merge_parent: true, on_no_records: emit_parent"),
            json!([
                {"id": 1, "lines": {"more": true}, "n": 1}, {"id": 2, "lines": {"more": false}, "n": 3}, {"id": 2, "lines": {"more": false}, "value": 4},
                {"id": 3, "lines": {"more": true}, "n": 5}, {"id": 4},
            ]),
        ),
        (combined("mode: union, skip_empty_records: true"), json!([{"x": 1}, {"x": 2}])),
        (combined("mode: first_match, skip_empty_records: true"), json!([{"x": 1}])),
    ] {
        let connector = load(&server, &format!("streams:\n- {{name: plain, retriever: {retriever}}}\n"));
        let found = read(&connector, &desk(&json!({})), "plain", None).await.unwrap();
        assert_eq!(Json::Array(found), expected, "{retriever}");
    }
    // A record that is no map is an error that says so.
    let connector = load(&server, &format!("streams:\n- {{name: plain, retriever: {}}}\n", combined("mode: union")));
    let failure = read(&connector, &desk(&json!({})), "plain", None).await.unwrap_err();
    assert!(format!("{failure:?}").contains("NoneType"), "{failure:?}");
}

#[tokio::test]
async fn settings_are_brought_up_to_date_and_checked_before_anything_is_asked() {
    let server = Server::start(echo).await;
    let rules = r"
spec:
  type: Spec
  documentation_url: https://example.com
  connection_specification: {type: object, properties: {api_key: {type: string, airbyte_secret: true}}}
  advanced_auth:
    auth_flow_type: oauth2.0
    predicate_key: [credentials, kind]
    predicate_value: oauth
    oauth_config_specification:
      oauth_connector_input_specification: {consent_url: 'https://x/{{ client_id_key }}', access_token_url: https://x/token}
      complete_oauth_output_specification: {properties: {refresh_token: {type: string, path_in_connector_config: [credentials, refresh_token]}}}
      complete_oauth_server_output_specification: {properties: {client_id: {type: string, path_in_connector_config: [credentials, client_id]}}}
  config_normalization_rules:
    type: ConfigNormalizationRules
    config_migrations:
    - type: ConfigMigration
      transformations:
      - {type: ConfigAddFields, fields: [{type: AddedFieldDefinition, path: [credentials, api_key], value: '{{ config.api_key }}'}], condition: '{{ config.api_key is defined }}'}
      - {type: ConfigRemoveFields, field_pointers: [[api_key]]}
    transformations:
    - {type: ConfigRemapField, field_path: [region], map: {eu: 'europe-{{ config.zone }}', us: america}}
    - {type: ConfigAddFields, fields: [{type: AddedFieldDefinition, path: [region], value: world}], condition: '{{ config.region is not defined }}'}
    validations:
    - {type: DpathValidator, field_path: [accounts, '*', id], validation_strategy: {type: ValidateAdheresToSchema, base_schema: {type: integer, minimum: 1}}}
    - {type: DpathValidator, field_path: [never], validation_strategy: {type: ValidateAdheresToSchema, base_schema: {type: integer}}}
    - {type: DpathValidator, field_path: [x], validation_strategy: {type: CustomValidationStrategy, class_name: source_x.V}}
";
    let connector = load(
        &server,
        &format!(
            "{rules}streams:\n- {{name: plain, retriever: {}}}\n",
            retriever("/{{ config.region }}/{{ config.credentials.api_key }}", "")
        ),
    );
    let spec = connector.spec().unwrap();
    let sign_in = spec.sign_in.as_ref().unwrap();
    assert_eq!(
        (sign_in.flow.as_str(), sign_in.consent_url.as_deref()),
        ("oauth2.0", Some("https://x/{{ client_id_key }}"))
    );
    assert_eq!(
        sign_in.results,
        [("refresh_token".to_owned(), vec!["credentials".to_owned(), "refresh_token".to_owned()])]
    );
    assert_eq!(
        (spec.notes[0].component.as_str(), spec.notes[0].path.as_str()),
        ("source_x.V", "spec/config_normalization_rules/validations/2/validation_strategy")
    );
    let desk_now = desk(&json!({})).run.now;
    let old = json!({"api_key": "k", "region": "eu", "zone": 2});
    assert_eq!(
        connector.migrated(&old, desk_now).unwrap(),
        Some(json!({"region": "eu", "zone": 2, "credentials": {"api_key": "k"}}))
    );
    assert_eq!(connector.migrated(&json!({"credentials": {"api_key": "k"}}), desk_now).unwrap(), None);
    for (config, expected) in [
        (old, Ok("/europe-2/k")),
        (json!({"credentials": {"api_key": "n"}, "region": "asia", "accounts": [{"id": 1}, {}]}), Ok("/asia/n")),
        (json!({"credentials": {"api_key": "n"}}), Ok("/world/n")),
        (json!({"api_key": "k", "accounts": [{"id": 1}, {"id": 0}]}), Err(Code::SettingInvalid)),
        (json!({"api_key": "k", "accounts": [{"id": "no number"}]}), Err(Code::SettingInvalid)),
    ] {
        let asked = server.targets().len();
        let found = read(&connector, &desk(&config), "plain", None).await;
        let found = found.map(|records| records[0]["at"].clone()).map_err(|failure| failure.code);
        assert_eq!(found, expected.map(Json::from), "{config}");
        assert_eq!(server.targets().len() - asked, usize::from(expected.is_ok()), "{config}");
    }
}

#[tokio::test]
async fn a_check_reads_generated_streams_and_sees_its_own_settings() {
    let server = Server::start(|seen, number| match seen.target.as_str() {
        "/two" => (403, vec![], String::new()),
        _ => echo(seen, number),
    })
    .await;
    let plain = retriever("/{{ config.place }}", "");
    let template = format!(
        "streams:\n- {{name: plain, retriever: {plain}}}\ndynamic_streams:\n- type: DynamicDeclarativeStream\n  name: lists\n  stream_template: {{type: DeclarativeStream, name: x, retriever: {}}}\n  components_resolver:\n    type: ParametrizedComponentsResolver\n    stream_parameters: {{list_of_parameters_for_stream: [{{name: one}}, {{name: two}}]}}\n    components_mapping:\n    - {{field_path: [name], value: '{{{{ components_values.name }}}}'}}\n    - {{field_path: [retriever, requester, path], value: '/{{{{ components_values.name }}}}'}}\n",
        retriever("/x", "")
    );
    for (check, asked, fine) in [
        ("{type: CheckStream, stream_names: [plain], config_overrides: {place: checked}}", vec!["/checked"], true),
        ("{type: CheckStream, stream_names: [plain]}", vec!["/set"], true),
        (
            "{type: CheckStream, stream_names: [], dynamic_streams_check_configs: [{dynamic_stream_name: lists, stream_count: 1}]}",
            vec!["/one"],
            true,
        ),
        (
            "{type: CheckStream, dynamic_streams_check_configs: [{dynamic_stream_name: lists, stream_count: 5}]}",
            vec!["/one", "/two"],
            false,
        ),
        (
            "{type: CheckStream, dynamic_streams_check_configs: [{dynamic_stream_name: nope, stream_count: 5}]}",
            vec![],
            false,
        ),
        ("{type: CheckDynamicStream, stream_count: 2}", vec!["/set", "/one"], true),
        ("{type: CheckStream, stream_names: [nope]}", vec![], false),
    ] {
        let text = format!("version: 6.0.0\ncheck: {check}\n{template}").replace("BASE", &server.base);
        let connector = Connector::load(&text).unwrap();
        let before = server.targets().len();
        let outcome = connector.check(&desk(&json!({"place": "set"})).run).await;
        assert_eq!(outcome.is_ok(), fine, "{check}: {outcome:?}");
        assert_eq!(server.targets()[before..], asked, "{check}");
    }
}
