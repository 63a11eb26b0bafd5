//! Connectors that a person imports, from the first look at a manifest to the records in the workspace, against a shop on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use api::{
    host::{Host, HostOptions},
    wire::ApiError,
};
use axum::{
    Router,
    body::Body,
    http::{Request, Response, request::Parts},
};
use chrono::{TimeZone, Utc};
use kit::testing::VirtualClock;
use model::failure::Code;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;

const SECRET: &str = "sk-9f27c1d4e8b6a035";
const PASSPHRASE: &str = "nine lanterns along the quay";
/// Nothing is measured against it.
const PATIENCE: Duration = Duration::from_mins(1);

const MANIFEST: &str = r##"# SPDX-License-Identifier: MIT
# https://github.com/someone/manifests/tree/main/corner-shop
version: "6.40.0"
type: DeclarativeSource
check: {type: CheckStream, stream_names: [tags]}
definitions:
  requester:
    type: HttpRequester
    url_base: "{{ config['base'] }}"
    authenticator: {type: BearerAuthenticator, api_token: "{{ config['credentials']['token'] }}"}
  selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: [items]}}
  cursor:
    type: DatetimeBasedCursor
    cursor_field: day
    datetime_format: "%Y-%m-%d"
    cursor_granularity: P1D
    step: P5D
    start_datetime: {type: MinMaxDatetime, datetime: "{{ config['since'] }}", datetime_format: "%Y-%m-%d"}
    end_datetime: {type: MinMaxDatetime, datetime: "{{ today_utc() }}", datetime_format: "%Y-%m-%d"}
    start_time_option: {type: RequestOption, inject_into: request_parameter, field_name: from}
    end_time_option: {type: RequestOption, inject_into: request_parameter, field_name: to}
streams:
  - type: DeclarativeStream
    name: orders
    primary_key: [id]
    incremental_sync: {$ref: "#/definitions/cursor"}
    retriever:
      type: SimpleRetriever
      requester: {$ref: "#/definitions/requester", path: /orders}
      record_selector: {$ref: "#/definitions/selector"}
    schema_loader:
      type: InlineSchemaLoader
      schema: {type: object, properties: {id: {type: integer}, day: {type: string}, buyer: {type: string}}}
  - type: DeclarativeStream
    name: tags
    retriever:
      type: SimpleRetriever
      requester: {$ref: "#/definitions/requester", path: /tags}
      record_selector: {$ref: "#/definitions/selector"}
  - type: DeclarativeStream
    name: shelves
    retriever:
      type: SimpleRetriever
      requester: {type: CustomRequester, class_name: source_shop.components.ShelfRequester}
      record_selector: {$ref: "#/definitions/selector"}
spec:
  type: Spec
  documentation_url: https://docs.example.com/integrations/sources/corner-shop
  connection_specification:
    type: object
    required: [base, credentials]
    properties:
      base: {type: string, title: "Address of the <b>shop</b>"}
      since: {type: string, format: date}
      currency: {type: string, title: Ours is another thing}
      credentials:
        oneOf:
          - type: object
            properties:
              kind: {type: string, const: token}
              token: {type: string, airbyte_secret: true}
"##;

/// A shop that sells by the day.
#[derive(Default)]
struct Shop {
    orders: Mutex<Vec<(u32, String, String)>>,
    tags: Mutex<Vec<String>>,
    seen: Mutex<Vec<String>>,
    /// The first day of a window that is never answered.
    stuck: Mutex<Option<String>>,
}

impl Shop {
    async fn open() -> (Arc<Self>, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shop = Arc::new(Self::default());
        for (id, day) in (1..).zip(["2026-11-02", "2026-11-07", "2026-11-08", "2026-11-12", "2026-11-18"]) {
            shop.sell(id, day, &format!("Buyer {id}"));
        }
        *shop.tags.lock().unwrap() = vec!["new".to_owned(), "new".to_owned(), "Скидка".to_owned()];
        let answering = Arc::clone(&shop);
        let app = Router::new().fallback(move |request: Request<Body>| {
            let shop = Arc::clone(&answering);
            async move { shop.answer(&request.into_parts().0).await }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        (shop, base)
    }

    fn sell(&self, id: u32, day: &str, buyer: &str) {
        self.orders.lock().unwrap().push((id, day.to_owned(), buyer.to_owned()));
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    async fn answer(&self, request: &Parts) -> Response<Body> {
        let reply =
            |status: u16, body: Value| Response::builder().status(status).body(Body::from(body.to_string())).unwrap();
        let signed = request.headers.get("authorization").and_then(|value| value.to_str().ok());
        if signed != Some(&format!("Bearer {SECRET}")) {
            return reply(401, json!({"error": "who are you"}));
        }
        let query = request.uri.query().unwrap_or_default();
        let asked: HashMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        self.seen.lock().unwrap().push(request.uri.to_string());
        if request.uri.path() == "/tags" {
            let tags = self.tags.lock().unwrap().clone();
            let items: Vec<Value> = tags.iter().map(|tag| json!({"tag": tag, "=sum": 1, "seen_by": SECRET})).collect();
            return reply(200, json!({"items": items, "echo": SECRET}));
        }
        let (from, to) = (asked["from"], asked["to"]);
        let stuck = self.stuck.lock().unwrap().clone();
        if stuck.as_deref() == Some(from) {
            tokio::time::sleep(PATIENCE * 2).await;
        }
        let orders = self.orders.lock().unwrap().clone();
        let items = orders.iter().filter(|(_, day, _)| (from..=to).contains(&day.as_str()));
        let items: Vec<Value> = items
            .map(|(id, day, buyer)| json!({"id": id, "day": day, "buyer": buyer, "shows": 10, "spent": "1.50"}))
            .collect();
        reply(200, json!({"items": items}))
    }
}

/// A workspace, and everything it ever answered.
struct Office {
    host: Host,
    options: HostOptions,
    folder: TempDir,
    said: Mutex<String>,
}

impl Office {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = HostOptions::new(folder.path().join("workspace"));
        options.clock = VirtualClock::at(Utc.with_ymd_and_hms(2026, 11, 20, 6, 0, 0).unwrap());
        options.passphrase = Some(PASSPHRASE.to_owned().into());
        let host = Host::start(options.clone()).await;
        let office = Self { host, options, folder, said: Mutex::default() };
        office.ask("workspace_draft", json!({})).await;
        let new = json!({"name": "Office", "currency": "RUB", "time_zone": "Europe/Moscow", "lock": "passphrase", "passphrase": PASSPHRASE});
        office.ask("workspace_create", new).await;
        office
    }

    async fn call(&self, command: &str, request: Value) -> Result<Value, ApiError> {
        let answer = tokio::time::timeout(PATIENCE, self.host.call(command, request)).await.expect("a command hangs");
        let text = match &answer {
            Ok(answer) => answer.to_string(),
            Err(refusal) => serde_json::to_string(refusal).unwrap(),
        };
        self.said.lock().unwrap().push_str(&text);
        answer
    }

    async fn ask(&self, command: &str, request: Value) -> Value {
        self.call(command, request).await.unwrap_or_else(|refusal| panic!("{command}: {refusal:?}"))
    }

    async fn refused(&self, command: &str, request: Value) -> ApiError {
        match self.call(command, request).await {
            Err(refusal) => refusal,
            Ok(answer) => panic!("{command} was not refused: {answer}"),
        }
    }

    async fn import(&self) -> String {
        let request = json!({"manifest": MANIFEST, "mapping": null, "name": "Corner Shop", "licence": "MIT", "origin": "a friend", "copy_of": null});
        self.ask("manifest_import", request).await["connector"].as_str().unwrap().to_owned()
    }

    /// Connects the shop with these streams; returns the connection and its first run.
    async fn connect(&self, connector: &str, base: &str, streams: &[&str]) -> (String, String) {
        let request = json!({"connector": connector, "answers": answers(base), "connection_id": null});
        let mut draft = self.ask("draft_start", request).await;
        while draft["state"] == "testing" {
            tokio::time::sleep(Duration::from_millis(10)).await;
            draft = self.ask("draft_get", json!({"id": draft["id"]})).await;
        }
        assert_eq!(draft["state"], "ready", "{draft}");
        let account = &draft["accounts"][0]["external_id"];
        assert_eq!(account, base);
        // What cannot spend is neither idle nor a part of what was spent.
        let listed = self.ask("connectors_list", json!({})).await;
        let of = listed.as_array().unwrap().iter().find(|one| one["id"] == connector).unwrap();
        let spends = of["capabilities"].as_array().unwrap().iter().any(|word| word == "statistics");
        assert_eq!(draft["accounts"][0]["active"], !spends, "{draft}");
        assert_eq!(of["in_totals"], if spends { "counts" } else { "apart" });
        let streams: Vec<Value> = streams.iter().map(|name| json!({"name": name, "on": true})).collect();
        let request = json!({
            "draft_id": draft["id"], "streams": streams, "vat": "excluded", "lookbacks": {}, "first_load_days": 10,
            "picks": [{"external_id": account, "client_id": null, "new_client_name": "Baker"}],
        });
        let committed = self.ask("draft_commit", request).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&committed["connection_ids"][0]), text(&committed["run_ids"][0]))
    }

    async fn ended(&self, run: &str) -> Value {
        loop {
            let detail = self.ask("run_get", json!({"id": run})).await;
            let state = detail["run"]["state"].as_str().unwrap();
            if !["queued", "running", "waiting"].contains(&state) {
                return detail;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn sync(&self, connection: &str) -> Value {
        let request = json!({"connection_id": connection, "client_id": null, "range": null});
        let started = self.ask("run_start", request).await;
        self.ended(started["run_ids"][0].as_str().unwrap()).await
    }

    async fn records(&self, connection: &str, stream: &str) -> Vec<Value> {
        let filter = json!({"connection_id": connection, "stream": stream, "text": null, "field": null});
        let page = self.ask("records_list", json!({"filter": filter, "after": null, "limit": 100})).await;
        page["records"].as_array().unwrap().iter().map(|record| record["data"].clone()).collect()
    }

    async fn ids(&self, connection: &str) -> Vec<u64> {
        let mut ids: Vec<_> =
            self.records(connection, "orders").await.iter().map(|order| order["id"].as_u64().unwrap()).collect();
        ids.sort_unstable();
        ids
    }

    async fn restart(&mut self) {
        self.host.shutdown().await;
        self.host = Host::start(self.options.clone()).await;
    }
}

fn answers(base: &str) -> Value {
    json!({"base": base, "since": "2026-11-01", "currency": "EUR", "credentials": {"kind": "token", "token": SECRET}})
}

/// Whether the bytes of any file contain the text.
fn anywhere(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return anywhere(&path, text);
        }
        fs::read(path).unwrap_or_default().windows(text.len()).any(|bytes| bytes == text.as_bytes())
    })
}

#[tokio::test]
async fn a_manifest_tells_what_it_would_do_before_it_is_kept() {
    let office = Office::open().await;
    let text = |manifest: &str, mapping: Option<&str>| json!({"manifest": manifest, "mapping": mapping, "file_name": "source-shop.yaml", "copy_of": null});
    let report = office.ask("manifest_inspect", text(MANIFEST, None)).await;
    assert_eq!(report["problems"], json!([]));
    assert_eq!(
        (&report["name"], &report["licence"], &report["version"]),
        (&json!("Corner Shop"), &json!("MIT"), &json!("6.40.0"))
    );
    assert_eq!(report["origin"], "https://github.com/someone/manifests/tree/main/corner-shop");
    assert_eq!(report["secrets"], json!(["credentials.token"]));
    let streams: Vec<_> =
        report["streams"].as_array().unwrap().iter().map(|it| (it["name"].clone(), it["fidelity"].clone())).collect();
    assert_eq!(
        streams,
        [("orders", "runs"), ("tags", "runs"), ("shelves", "unavailable")]
            .map(|(name, fidelity)| (json!(name), json!(fidelity)))
    );
    let shelves = &report["streams"][2]["remarks"][0];
    assert!(shelves["component"].as_str().unwrap().contains("ShelfRequester"), "{shelves}");

    for (manifest, mapping, file, path) in [
        ("version: \"6.0.0\"\nflavour: sweet\n", None, "manifest", "flavour"),
        ("- a list", None, "manifest", ""),
        (
            MANIFEST,
            Some("streams: {prices: {to: ad_objects, level: ad, fields: {external_id: id}}}"),
            "mapping",
            "streams/prices",
        ),
        (
            MANIFEST,
            Some("streams: {orders: {to: campaign_stats, level: campaign, fields: {external_id: id}}}"),
            "mapping",
            "streams/orders/fields/date",
        ),
    ] {
        let report = office.ask("manifest_inspect", text(manifest, mapping)).await;
        let problem = &report["problems"][0];
        assert_eq!((&problem["file"], &problem["path"]), (&json!(file), &json!(path)), "{report}");
        let import = json!({"manifest": manifest, "mapping": mapping, "name": "X", "licence": null, "origin": null, "copy_of": null});
        let refusal = office.refused("manifest_import", import).await;
        assert_eq!(refusal.code, if file == "manifest" { Code::ManifestInvalid } else { Code::MappingInvalid });
    }
}

#[tokio::test]
async fn an_imported_connector_syncs_goes_on_and_leaves() {
    let (shop, base) = Shop::open().await;
    let mut office = Office::open().await;
    let connector = office.import().await;
    let catalogue = office.ask("connectors_list", json!({})).await;
    let card = catalogue.as_array().unwrap().iter().find(|card| card["id"] == *connector).unwrap();
    assert_eq!(
        (&card["category"], &card["imported"]["licence"], &card["imported"]["origin"]),
        (&json!("imported"), &json!("MIT"), &json!("a friend"))
    );
    assert_eq!(card["texts"]["Address of the <b>shop</b>"]["en"], "Address of the shop");
    assert_eq!(card["streams"].as_array().unwrap().len(), 2, "what cannot be read is not offered: {card}");

    let (connection, run) = office.connect(&connector, &base, &["orders", "tags"]).await;
    let detail = office.ended(&run).await;
    assert_eq!(detail["run"]["state"], "done", "{detail}");
    assert_eq!(office.ids(&connection).await, [1, 2, 3, 4, 5]);
    // Two equal records of a stream without a key are two records.
    let tags: Vec<_> = office.records(&connection, "tags").await.iter().map(|tag| tag["tag"].clone()).collect();
    assert_eq!(tags, ["new", "new", "Скидка"]);

    // The second sync goes on: old windows are not asked for again, a changed order replaces itself, a gone tag is gone.
    shop.seen();
    shop.orders.lock().unwrap()[4].2 = "Buyer 5, renamed".to_owned();
    shop.sell(6, "2026-11-20", "Покупатель");
    shop.tags.lock().unwrap().truncate(1);
    office.restart().await;
    let detail = office.sync(&connection).await;
    assert_eq!(detail["run"]["state"], "done", "{detail}");
    assert_eq!(office.ids(&connection).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(office.records(&connection, "tags").await.len(), 1);
    let seen = shop.seen();
    assert!(!seen.iter().any(|url| url.contains("from=2026-11-01") || url.contains("from=2026-11-06")), "{seen:?}");
    let streams = office.ask("record_streams", json!({"id": connection})).await;
    assert_eq!(
        (&streams[0]["stream"], &streams[0]["count"], &streams[0]["incremental"]),
        (&json!("orders"), &json!(6), &json!(true))
    );

    // Searching, in the whole record (names of fields included) and in a field, without regard to case.
    for (text, field, found) in [
        ("renamed", None, 1),
        ("BUYER", None, 6),
        ("BUYER", Some("buyer"), 5),
        ("покупатель", None, 1),
        ("2026-11-1", Some("day"), 2),
        ("Buyer", Some("day"), 0),
    ] {
        let filter = json!({"connection_id": connection, "stream": "orders", "text": text, "field": field});
        let page = office.ask("records_list", json!({"filter": filter, "after": null, "limit": 100})).await;
        assert_eq!(page["total"], found, "{text} {field:?}");
    }
    let all = json!({"connection_id": connection, "stream": "tags", "text": null, "field": null});
    let csv = office.ask("records_export", json!({"filter": all, "kind": "csv"})).await;
    let lines: Vec<&str> = csv["content"].as_str().unwrap().lines().collect();
    assert_eq!((lines[0], lines.len()), ("tag,'=sum,seen_by", 2), "a column must not run as a formula");
    let json = office.ask("records_export", json!({"filter": all, "kind": "json"})).await;
    let parsed: Vec<Value> = serde_json::from_str(json["content"].as_str().unwrap()).unwrap();
    assert_eq!(parsed.len(), 1);

    // The platform itself put the token into records of `tags`: that is its data. Anywhere else it is nowhere.
    let said = office
        .said
        .lock()
        .unwrap()
        .replace(&format!("\"seen_by\":\"{SECRET}\""), "")
        .replace(&format!("new,1,{SECRET}"), "");
    let said = said.replace(&format!("\\\"seen_by\\\":\\\"{SECRET}\\\""), "");
    assert!(!said.contains(SECRET), "{}", &said[said.find(SECRET).unwrap().saturating_sub(200)..]);
    assert!(!anywhere(office.folder.path(), SECRET), "a secret lies on the disk in the clear");
    assert!(!anywhere(office.folder.path(), "Buyer 5"), "records lie on the disk in the clear");

    let refusal = office.refused("manifest_remove", json!({"connector": connector, "revision": null})).await;
    assert_eq!((refusal.code, refusal.params["connections"].as_str()), (Code::ConnectorInUse, "1"));
    office.ask("connection_delete", json!({"id": connection})).await;
    office.ask("manifest_remove", json!({"connector": connector, "revision": null})).await;
    office.restart().await;
    let catalogue = office.ask("connectors_list", json!({})).await;
    assert!(catalogue.as_array().unwrap().iter().all(|card| card["id"] != *connector));
    assert_eq!(
        office.refused("manifest_source", json!({"connector": connector, "revision": null})).await.code,
        Code::NotFound
    );
    let actions = office.ask("audit_list", json!({"before": null, "limit": 100})).await;
    for action in ["connector_imported", "records_exported", "connector_removed"] {
        assert!(actions["entries"].as_array().unwrap().iter().any(|entry| entry["action"] == action), "{action}");
    }
}

#[tokio::test]
async fn an_interrupted_first_sync_goes_on_where_it_stopped() {
    let (shop, base) = Shop::open().await;
    let mut office = Office::open().await;
    let connector = office.import().await;
    *shop.stuck.lock().unwrap() = Some("2026-11-11".to_owned());
    let (connection, run) = office.connect(&connector, &base, &["orders"]).await;
    while !shop.seen.lock().unwrap().iter().any(|url| url.contains("from=2026-11-16")) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    office.host.shutdown().await;
    shop.seen();
    *shop.stuck.lock().unwrap() = None;
    office.restart().await;
    let detail = office.ended(&run).await;
    assert_eq!(detail["run"]["state"], "done", "{detail}");
    assert_eq!(office.ids(&connection).await, [1, 2, 3, 4, 5]);
    let seen = shop.seen();
    // The state of the last whole window is the day of its last order; what was kept before that day is not read again.
    assert!(seen.iter().any(|url| url.contains("from=2026-11-08")), "{seen:?}");
    assert!(
        !seen.iter().any(|url| ["01", "06"].iter().any(|day| url.contains(&format!("from=2026-11-{day}")))),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_test_read_shows_everything_but_secrets() {
    let (_shop, base) = Shop::open().await;
    let office = Office::open().await;
    let test = |stream: &str, more: &Value| {
        let mut request = json!({
            "connector": null, "manifest": MANIFEST, "copy_of": null, "connection_id": null, "answers": answers(&base), "stream": stream,
            "state": null, "records": 3, "pages": 2, "slices": 2,
        });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let read = office.ask("manifest_test_read", test("orders", &json!({}))).await;
    assert_eq!(read["failure"], Value::Null, "{read}");
    let slices = read["slices"].as_array().unwrap();
    assert_eq!(slices.len(), 2);
    assert_eq!(slices[1]["exchanges"][0]["url"], format!("{base}/orders?from=2026-11-06&to=2026-11-10"));
    assert_eq!(
        (slices[0]["records"].as_array().unwrap().len(), slices[1]["records"].as_array().unwrap().len()),
        (1, 2)
    );
    assert!(slices[0]["exchanges"][0]["response_body"].as_str().unwrap().contains("Buyer 1"));
    let paths: Vec<_> =
        read["fields"].as_array().unwrap().iter().map(|field| field["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["id", "day", "buyer", "shows", "spent"]);

    let read = office.ask("manifest_test_read", test("tags", &json!({}))).await;
    let exchange = &read["slices"][0]["exchanges"][0];
    assert!(exchange["request_headers"].as_array().unwrap().contains(&json!(["authorization", "***"])), "{exchange}");
    assert_eq!(read["slices"][0]["records"][0]["seen_by"], "***");
    let read = office.ask("manifest_test_read", test("shelves", &json!({}))).await;
    assert!(!read["failure"].is_null(), "{read}");
    let wrong = json!({"answers": {"base": base, "credentials": {"token": "not-the-token"}}});
    let read = office.ask("manifest_test_read", test("tags", &wrong)).await;
    assert_eq!(read["slices"][0]["exchanges"][0]["status"], 401, "{read}");
    assert!(!office.said.lock().unwrap().contains(SECRET), "a test read showed a secret");

    // A pasted manifest does not get the secrets of a connection.
    let connector = office.import().await;
    let (connection, run) = office.connect(&connector, &base, &["tags"]).await;
    office.ended(&run).await;
    let refusal = office.refused("manifest_test_read", test("tags", &json!({"connection_id": connection}))).await;
    assert_eq!(refusal.code, Code::BadRequest);
    let own = json!({"connection_id": connection, "connector": connector, "manifest": null, "answers": {}});
    let read = office.ask("manifest_test_read", test("tags", &own)).await;
    assert_eq!(read["failure"], Value::Null, "{read}");
}

#[tokio::test]
async fn a_mapping_turns_a_stream_into_our_tables() {
    const MAPPING: &str = r#"{"streams": {"orders": {"to": "campaign_stats", "level": "campaign",
        "fields": {"external_id": "id", "date": "day", "impressions": "shows", "cost": "spent"}}}}"#;
    let (_shop, base) = Shop::open().await;
    let office = Office::open().await;
    let connector = office.import().await;
    let records = json!([{"id": 7, "day": "2026-11-02", "shows": 5, "spent": "2.25"}, {"id": 8, "day": "yesterday"}]);
    let preview =
        json!({"mapping": MAPPING, "stream": "orders", "records": records, "currency": "RUB", "vat": "unknown"});
    let preview = office.ask("mapping_preview", preview).await;
    assert_eq!(
        (&preview["stats"][0]["external_id"], &preview["stats"][0]["cost"]),
        (&json!("7"), &json!(2_250_000)),
        "{preview}"
    );
    assert_eq!(
        (&preview["rejected"][0]["reason"], &preview["rejected"][0]["field"]),
        (&json!("not_a_date"), &json!("date"))
    );

    let update = |revision: u32| json!({"connector": connector, "revision": revision, "manifest": null, "mapping": MAPPING, "name": null, "licence": null, "origin": null});
    let saved = office.ask("manifest_update", update(1)).await;
    assert_eq!((&saved["revision"], &saved["report"]["mapping"][0]["stream"]), (&json!(2), &json!("orders")));
    let refusal = office.refused("manifest_update", update(1)).await;
    assert_eq!(refusal.code, Code::BadRequest, "an edit of an old revision would undo the newer one");
    let source = office.ask("manifest_source", json!({"connector": connector, "revision": 1})).await;
    assert_eq!((&source["mapping"], source["revisions"].as_array().unwrap().len()), (&json!(""), 2));

    let (connection, run) = office.connect(&connector, &base, &["orders"]).await;
    let detail = office.ended(&run).await;
    assert_eq!(detail["run"]["state"], "done", "{detail}");
    let connections = office.ask("connections_list", json!({})).await;
    let client = &connections[0]["client_id"];
    let period = json!({"from": "2026-11-10", "to": "2026-11-19"});
    let stats = office
        .ask("client_stats", json!({"client_id": client, "period": period, "compare": null, "level": "campaign"}))
        .await;
    assert_eq!((&stats["total"]["impressions"], &stats["total"]["spend"]), (&json!(20), &json!(3_000_000)), "{stats}");
    assert_eq!(office.records(&connection, "orders").await.len(), 0);

    // The same by week, and as a tree whose leaves are together the total.
    let by_week = json!({"client_id": client, "period": period, "compare": {"from": "2026-11-01", "to": "2026-11-09"}, "grain": "week"});
    let by_week = office.ask("client_stats", by_week).await;
    let days = |points: &Value| -> Vec<String> {
        points.as_array().unwrap().iter().map(|point| format!("{} {}", point["from"], point["to"])).collect()
    };
    assert_eq!(days(&by_week["points"]), [r#""2026-11-10" "2026-11-15""#, r#""2026-11-16" "2026-11-19""#]);
    let before = [r#""2026-11-01" "2026-11-01""#, r#""2026-11-02" "2026-11-08""#, r#""2026-11-09" "2026-11-09""#];
    assert_eq!(days(&by_week["compare_points"]), before);
    assert_eq!((&by_week["total"], &by_week["objects"]), (&stats["total"], &json!([])));
    let tree = |dimensions: Value| json!({"client_id": client, "period": period, "dimensions": dimensions});
    let pivot = office.ask("stats_pivot", tree(json!(["channel", "week", "campaign", {"breakdown": "goal"}]))).await;
    let nodes = pivot["nodes"].as_array().unwrap();
    let leaves = nodes.iter().filter(|node| node["depth"] == 2);
    let spend: i64 = leaves.map(|node| node["sums"]["spend"].as_i64().unwrap()).sum();
    assert_eq!((spend, &pivot["total"], &nodes[0]["sums"]), (3_000_000, &stats["total"], &stats["total"]), "{pivot}");
    assert_eq!((&nodes[0]["kind"], &nodes[0]["label"]), (&json!("channel"), &json!(connector)));
    let refusal = office.refused("stats_pivot", tree(json!(["ad", "ad"]))).await;
    assert_eq!((refusal.code, refusal.params["field"].as_str()), (Code::BadRequest, "dimensions"));
    assert_eq!(office.ask("stats_breakdowns", json!({"client_id": client, "period": period})).await, json!([]));
}

/// The format knows one lookback for every sync; a manifest of ours may say both for each stream.
#[tokio::test]
async fn how_far_back_a_stream_is_read_again_comes_with_its_connector() {
    const MAPPING: &str = r#"{"streams": {"orders": {"to": "campaign_stats", "level": "campaign", "fields": {"external_id": "id", "date": "day"}}}}"#;
    let office = Office::open().await;
    let lookbacks = async |manifest: String, mapping: &str, copy_of: Value| {
        let import = json!({"manifest": manifest, "mapping": mapping, "name": "X", "licence": null, "origin": null, "copy_of": copy_of});
        let saved = office.ask("manifest_import", import).await;
        let catalogue = office.ask("connectors_list", json!({})).await;
        let card = catalogue.as_array().unwrap().iter().find(|card| card["id"] == saved["connector"]).unwrap();
        let streams = card["streams"].as_array().unwrap().iter();
        streams
            .map(|stream| (stream["name"].as_str().unwrap().to_owned(), stream["lookback"].clone()))
            .collect::<HashMap<_, _>>()
    };
    let of = |days: u32, weekly: u32| json!({"days": days, "weekly_days": weekly});
    let asked = r#""P{{ config.get('back', 0) }}D""#;
    for (window, field, expected) in [
        ("", "", of(7, 7)),
        ("P10D", "", of(10, 10)),
        ("P3D", "", of(3, 7)),
        ("PT36H", "", of(2, 7)),
        ("P1M", "", of(31, 31)),
        ("P900Y", "", of(3_650, 3_650)),
        (asked, "", of(7, 7)),
        (asked, "back: {type: integer, default: 4}", of(4, 7)),
        (asked, "back: {type: string, default: many}", of(7, 7)),
    ] {
        let back = if window.is_empty() { String::new() } else { format!("lookback_window: {window}\n    step: P5D") };
        let manifest = MANIFEST.replace("step: P5D", if back.is_empty() { "step: P5D" } else { &back });
        let manifest = manifest.replace("since: {type", &format!("{field}\n      since: {{type"));
        let found = lookbacks(manifest, MAPPING, Value::Null).await;
        assert_eq!((&found["orders"], &found["tags"]), (&expected, &Value::Null), "{window} {field}");
    }

    let source = office.ask("manifest_source", json!({"connector": "vk_ads", "revision": null})).await;
    let (manifest, mapping) = (source["manifest"].as_str().unwrap(), source["mapping"].as_str().unwrap());
    let banners = "{name: banner_stats, on_by_default: true,";
    assert!(manifest.contains(banners));
    let own = manifest.replace(banners, &format!("{banners} lookback: {{days: 3, weekly_days: 14}},"));
    let found = lookbacks(own, mapping, json!("vk_ads")).await;
    assert_eq!((&found["banner_stats"], &found["ad_plan_stats"]), (&of(3, 14), &of(7, 30)));
    assert_eq!(found["banners"], Value::Null);
}

#[tokio::test]
async fn our_own_connectors_can_be_copied_and_changed() {
    let office = Office::open().await;
    let source = office.ask("manifest_source", json!({"connector": "vk_ads", "revision": null})).await;
    let manifest = source["manifest"].as_str().unwrap().replace("page_size', 250", "page_size', 100");
    assert_ne!(manifest, source["manifest"].as_str().unwrap());
    let text = json!({"manifest": manifest, "mapping": source["mapping"], "file_name": null, "copy_of": "vk_ads"});
    assert_eq!(office.ask("manifest_inspect", text).await["problems"], json!([]));
    let import = json!({"manifest": manifest, "mapping": source["mapping"], "name": "VK, page of a hundred", "licence": null, "origin": null, "copy_of": "vk_ads"});
    let saved = office.ask("manifest_import", import).await;
    let catalogue = office.ask("connectors_list", json!({})).await;
    let by_id = |id: &Value| catalogue.as_array().unwrap().iter().find(|card| card["id"] == *id).unwrap().clone();
    let (copy, ours) = (by_id(&saved["connector"]), by_id(&json!("vk_ads")));
    assert_eq!((&copy["streams"], &copy["form"]), (&ours["streams"], &ours["form"]));
    assert_eq!(
        (&copy["name"]["en"], &copy["category"], &copy["imported"]["copy_of"]),
        (&json!("VK, page of a hundred"), &json!("imported"), &json!("vk_ads"))
    );
    assert_eq!((&ours["declarative"], &ours["imported"]), (&json!(true), &Value::Null));
}
