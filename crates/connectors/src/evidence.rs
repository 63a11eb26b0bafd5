//! Every connector reads answers that this project did not write. They lie in its folder under `evidence/`, each file a few pages from a
//! vendor's documentation or a public client's fixtures with their source, and what a reading of them has to give. Beside them lies the
//! connector's page, which says what rests on them and what is not verified.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use crate::{SYSTEMS, trial::Trial};
use chrono::NaiveDate;
use kit::{source::Source, testing::CollectSink};
use model::{ad::Visits, date::DateRange, money::Micros};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use simulators::recorded::{Page, Recorded};
use std::{collections::BTreeMap, fs, path::Path};

/// Fewest readings of a connector, one of which ends in a refusal.
const FEWEST: usize = 3;

/// A file of `evidence/`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Evidence {
    /// Where the pages are from, and what was left out of them.
    source: String,
    /// The vendor's address, for which the pages answer.
    host: String,
    /// Its other addresses.
    #[serde(default)]
    other_hosts: Vec<String>,
    /// Settings of the connection.
    #[serde(default)]
    config: Map<String, Value>,
    /// Its secrets, made up.
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    /// The stream that is read.
    stream: String,
    /// First and last day.
    days: (NaiveDate, NaiveDate),
    pages: Vec<Page>,
    /// What arrives: the members that matter of each object or row.
    #[serde(default)]
    gives: Vec<Value>,
    /// The failure it ends in instead.
    fails: Option<String>,
}

/// The rows, objects and records of a reading, money and counts as decimal text.
fn told(sink: &CollectSink) -> Vec<Value> {
    let decimal = |number: Option<Micros>| {
        number.map(|Micros(micros)| {
            let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        })
    };
    let objects = sink.batch.objects.iter().map(|object| {
        json!({
            "level": object.level.as_str(), "external_id": object.external_id, "name": object.name,
            "status": object.status.as_str(), "parent": object.parent_external_id,
        })
    });
    let stats = sink.batch.stats.iter().map(|row| {
        let mut told = json!({
            "level": row.level.as_str(), "external_id": row.external_id, "date": row.date, "breakdown": row.breakdown,
            "impressions": row.impressions, "clicks": row.clicks, "cost": decimal(row.cost),
            "conversions": decimal(row.conversions), "revenue": decimal(row.revenue),
        });
        // Only where a counter said it.
        let Visits { count, users, page_views, bounces } = row.visits;
        for (name, number) in [("visits", count), ("users", users), ("page_views", page_views), ("bounces", bounces)] {
            if let Some(number) = number {
                told[name] = json!(number);
            }
        }
        told
    });
    // What has no place among our tables is told as it is kept.
    let records = sink.batch.records.iter().map(|record| serde_json::from_str(&record.data).unwrap());
    objects.chain(stats).chain(records).collect()
}

async fn reading(source: &dyn Source, id: &'static str, evidence: &Evidence, what: &str) {
    let platform = Recorded::start(evidence.pages.clone()).unwrap();
    let secrets: Vec<_> = evidence.secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut config = evidence.config.clone();
    config.entry("vat").or_insert(json!("unknown"));
    let mut trial = Trial::new(id, (&evidence.host, &platform.base_url), &Value::Object(config), &secrets);
    trial.hosts.extend(evidence.other_hosts.iter().map(|host| (host.clone(), platform.base_url.clone())));
    let session = trial.session(&json!({}));
    let days = DateRange::new(evidence.days.0, evidence.days.1).unwrap();
    let mut sink = CollectSink::default();
    let mut outcome = Ok(());
    for slice in source.slices(&evidence.stream, days).unwrap() {
        outcome = outcome.and(source.read(&session, &slice, &mut sink).await);
    }
    match (&outcome, &evidence.fails) {
        (Ok(()), None) => {
            // Partitions are read side by side, in whichever order they come.
            let in_order = |mut told: Vec<Value>| {
                told.sort_by_key(Value::to_string);
                told
            };
            assert_eq!(in_order(told(&sink)), in_order(evidence.gives.clone()), "{what}");
            assert!(sink.batch.rejected.is_empty(), "{what}: {:?}", sink.batch.rejected);
        }
        (Err(failure), Some(code)) => assert_eq!(failure.code.as_str(), code, "{what}: {failure}"),
        (Ok(()), Some(code)) => panic!("{what}: went well and should have ended in {code}"),
        (Err(failure), None) => panic!("{what}: {failure}"),
    }
    assert_eq!(platform.left(), [""; 0], "{what}: pages that nobody asked for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_connector_reads_pages_that_others_wrote() {
    for system in SYSTEMS {
        let source = system.source().unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(system.id).join("evidence");
        let mut refusals = 0;
        let mut readings = 0;
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let what = path.display().to_string();
            let evidence: Evidence =
                serde_json::from_slice(&fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(evidence.source.contains("://"), "{what}: the source is no address");
            reading(&source, system.id, &evidence, &what).await;
            readings += 1;
            refusals += usize::from(evidence.fails.is_some());
        }
        let page = fs::read_to_string(folder.with_file_name("README.md")).unwrap_or_default();
        for part in ["## What is read", "## Sign-in", "## When it fails", "## What it rests on", "## Not verified"] {
            assert!(page.contains(part), "{}: README.md has no part `{part}`", system.id);
        }
        assert!(readings >= FEWEST && refusals > 0, "{}: {readings} readings, {refusals} refusals", system.id);
    }
}
