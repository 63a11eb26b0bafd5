//! A connector of ours: what its Rust part may do that the manifest cannot say, and answers without a body.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod desk;

use desk::Server;
use kit::{
    http::{Http, HttpOptions},
    policy::Policy,
    session::{CancellationToken, Session},
    source::{Sink, Source, StreamKind},
    testing::{CollectSink, MemoryCredentials, VirtualClock},
};
use manifest::{
    json,
    json::Json,
    source::{Files, ManifestSource, Native},
};
use model::{ad::Batch, date::DateRange, failure::Failure, money::Micros};
use std::sync::Arc;

const MANIFEST: &str = r"
version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [days]}
streams:
  - type: DeclarativeStream
    name: days
    primary_key: [date]
    retriever:
      type: SimpleRetriever
      requester:
        type: HttpRequester
        url_base: BASE
        path: days
        request_parameters: {from: '{{ stream_interval.start_time }}'}
      record_selector: {extractor: {type: DpathExtractor, field_path: []}}
    incremental_sync:
      type: DatetimeBasedCursor
      cursor_field: date
      datetime_format: '%Y-%m-%d'
      start_datetime: '2024-01-01'
      step: P1D
      cursor_granularity: P1D
metadata:
  syncdeck:
    id: nested
    category: ads
    capabilities: [statistics, costs]
    lookback_days: 1
    first_load_days: 1
    max_history_days: 10
    final_after_days: 1
    streams: [{name: days, on_by_default: true, required: true}]
    looks:
      - step: sample
        stream:
          type: DeclarativeStream
          name: spent
          retriever:
            type: SimpleRetriever
            requester: {type: HttpRequester, url_base: BASE, path: spent}
            record_selector: {extractor: {type: DpathExtractor, field_path: []}}
";

const MAPPING: &str = r"
streams:
  days:
    to: campaign_stats
    level: campaign
    required: [clicks]
    fields: {external_id: id, date: date, clicks: clicks}
";

/// Rows lie two lists deep.
struct Deep;

impl Native for Deep {
    fn signed_in(&self, _: &Session) -> Result<Option<Http>, Failure> {
        Ok(None)
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        None
    }
    fn taken_apart(&self, stream: &str) -> Option<fn(Vec<Json>) -> Vec<Json>> {
        fn rows(records: Vec<Json>) -> Vec<Json> {
            let list = |value: &Json, name: &str| value.get(name).and_then(Json::as_array).cloned().unwrap_or_default();
            let days = records.into_iter().flat_map(|record| list(&record, "days"));
            days.flat_map(|day| list(&day, "rows")).collect()
        }
        fn spent(records: Vec<Json>) -> Vec<Json> {
            let all = rows(records);
            all.iter().map(|row| json!({"syncdeck": {"sample": {"spend": row["spent"]}}})).collect()
        }
        match stream {
            "days" => Some(rows),
            "spent" => Some(spent),
            _ => None,
        }
    }
}

/// The source with or without a mapping.
fn source(server: &Server, mapping: &str) -> ManifestSource {
    let mut manifest = MANIFEST.replace("BASE", &server.base);
    if mapping != MAPPING {
        manifest = manifest.replace("{name: days,", "{name: days, records: true,");
    }
    let files = Files { manifest: &manifest, mapping, texts: &[], icon: "" };
    ManifestSource::new(&files, Arc::new(Deep)).unwrap()
}

fn session() -> Session {
    let clock = VirtualClock::at("2024-06-01T12:00:00Z".parse().unwrap());
    let mut options = HttpOptions::new("nested", "shop");
    options.clock = clock.clone();
    Session {
        config: Arc::new(serde_json::json!({"currency": "EUR"}).as_object().unwrap().clone()),
        credentials: MemoryCredentials::of(&[]),
        http: Http::new(options).unwrap(),
        clock,
        cancel: CancellationToken::new(),
    }
}

/// Keeps records and where their stream stands.
#[derive(Default)]
struct Kept {
    records: Vec<(Option<String>, serde_json::Value)>,
    stands: Option<serde_json::Value>,
}

#[async_trait::async_trait]
impl Sink for Kept {
    async fn batch(&mut self, batch: Batch) -> Result<(), Failure> {
        let parsed = |text: &str| serde_json::from_str(text).unwrap();
        self.records.extend(batch.records.into_iter().map(|record| (record.key, parsed(&record.data))));
        Ok(())
    }
    fn resume_from(&self) -> Option<&serde_json::Value> {
        self.stands.as_ref()
    }
    async fn cursor(&mut self, state: serde_json::Value) -> Result<(), Failure> {
        self.stands = Some(state);
        Ok(())
    }
}

#[tokio::test]
async fn a_stream_without_a_mapping_is_kept_as_it_comes_and_goes_on_where_it_stood() {
    let server = Server::start(|seen, _| match seen.query("from") {
        Some(day @ ("2024-05-30" | "2024-05-31")) => desk::ok(&json!([{"date": day, "who": {"name": "Анна"}}])),
        _ => desk::ok(&json!([])),
    })
    .await;
    let (source, session) = (source(&server, "streams: {}"), session());
    let stream = &source.descriptor().streams[0];
    assert_eq!((stream.kind, stream.breakdown.as_deref()), (StreamKind::Records { incremental: true }, None));
    let range = DateRange::new("2024-05-01".parse().unwrap(), "2024-05-03".parse().unwrap()).unwrap();
    let slices = source.slices("days", range).unwrap();
    assert_eq!(slices.iter().map(|slice| slice.window).collect::<Vec<_>>(), [None]);
    let mut kept = Kept::default();
    source.read(&session, &slices[0], &mut kept).await.unwrap();
    let record = |day: &str| {
        let data = serde_json::json!({"date": day, "who": {"name": "Анна"}});
        (Some(format!("[\"{day}\"]")), data)
    };
    kept.records.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(kept.records, [record("2024-05-30"), record("2024-05-31")]);
    let (before, mut again) = (server.targets().len(), Kept { stands: kept.stands, ..Kept::default() });
    source.read(&session, &slices[0], &mut again).await.unwrap();
    assert!(before > 100, "everything since the begin: {before}");
    assert_eq!(server.targets()[before..], ["/days?from=2024-05-31", "/days?from=2024-06-01"]);
    assert_eq!(again.records, [record("2024-05-31")]);
}

#[tokio::test]
async fn records_are_taken_apart_before_they_are_mapped_and_an_answer_without_content_has_none() {
    let server = Server::start(|seen, _| match seen.query("from") {
        Some("2024-05-01") => (204, vec![], String::new()),
        day => {
            let row = |id: i64, clicks: i64| json!({"id": id, "date": day, "clicks": clicks, "spent": (id + clicks).to_string()});
            let days = json!([{"rows": [row(1, 5), row(2, 0)]}, {"rows": [row(3, 7)]}, {"rows": null}]);
            desk::ok(&json!([{"days": days}]))
        }
    })
    .await;
    let (source, session) = (source(&server, MAPPING), session());
    let range = DateRange::new("2024-05-01".parse().unwrap(), "2024-05-03".parse().unwrap()).unwrap();
    let mut sink = CollectSink::default();
    for slice in source.slices("days", range).unwrap() {
        source.read(&session, &slice, &mut sink).await.unwrap();
    }
    assert_eq!(server.targets(), ["/days?from=2024-05-01", "/days?from=2024-05-02"]);
    let rows = sink.batch.stats.iter().map(|row| (row.external_id.as_str(), row.date.to_string(), row.clicks));
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    let day = "2024-05-02".to_owned();
    assert_eq!(rows, [("1", day.clone(), Some(5)), ("2", day.clone(), Some(0)), ("3", day, Some(7))]);
    assert!(sink.batch.rejected.is_empty(), "{:?}", sink.batch.rejected);
    let sample = source.sample(&session, range.to()).await.unwrap();
    assert_eq!(sample.spend_30d, Micros::whole(18), "what a look finds is taken apart, too");
}
