//! The workspace database on a real file in a temporary folder. One binary for all tables, because each would link SQLCipher anew; a
//! file here is named for the file in `src` that it tests.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the crash test's child speaks to its parent; a skipped test says so"
)]

mod alerts;
mod anomaly_feedback;
mod audit_log;
mod campaign_stats;
mod clients;
mod connections;
mod crash;
mod daily_rollups;
mod day_reads;
mod lease;
mod logs;
mod open;
mod plans;
mod process;
mod runs;
mod secrecy;
mod standing_days;
mod stat_cells;
mod templates;
mod upgrade;

use chrono::{DateTime, NaiveDate, Utc};
use model::{
    ad::{AdObject, CampaignStat, Level, ObjectStatus},
    connection::{Client, Connection, ConnectionState},
    date::DateRange,
    id::{ClientId, ConnectionId, RunId},
    money::{Currency, Micros, VatState},
    run::{RunState, RunTrigger},
    secret::Secret,
    settings::{Settings, StreamChoice},
};
use std::{collections::BTreeMap, path::PathBuf};
use store::{
    Options, Store,
    commit::{Committed, Effort, SliceCommit},
    runs::NewRun,
    slices::{NewSlice, Part},
};
use tempfile::TempDir;

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn key() -> Secret {
    Secret::new(KEY)
}

/// A workspace that lives as long as the test.
struct Home {
    dir: TempDir,
    store: Store,
}

impl Home {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }
    async fn with(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(&dir.path().join("workspace.db"), &key(), options).await.unwrap();
        Self { dir, store }
    }
    fn path(&self) -> PathBuf {
        self.dir.path().join("workspace.db")
    }
    /// Closes and opens again.
    async fn reopened(self) -> Self {
        let path = self.path();
        self.store.close().await;
        let store = Store::open(&path, &key(), Options::default()).await.unwrap();
        Self { dir: self.dir, store }
    }
    /// A connection past the store, for damage that no program of ours does.
    async fn raw(&self) -> sqlx::SqliteConnection {
        raw(&self.path()).await
    }
}

async fn raw(path: &std::path::Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions;
    sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .pragma("key", format!("\"x'{KEY}'\""))
        // The secrecy test listens to the whole process, and this connection is not what it is about.
        .disable_statement_logging()
        .connect()
        .await
        .unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn noon() -> DateTime<Utc> {
    at("2026-11-20T12:00:00Z")
}

fn day(number: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, number).unwrap()
}

fn days(from: u32, to: u32) -> DateRange {
    DateRange::new(day(from), day(to)).unwrap()
}

fn a_client(name: &str) -> Client {
    Client {
        id: ClientId::new(),
        name: name.to_owned(),
        currency: Currency::RUB,
        time_zone: "Europe/Moscow".to_owned(),
        created_at: noon(),
    }
}

fn a_connection(client: ClientId, account: &str) -> Connection {
    Connection {
        id: ConnectionId::new(),
        client_id: client,
        connector: "vk_ads".to_owned(),
        account_external_id: account.to_owned(),
        account_name: format!("Cabinet {account}"),
        currency: Currency::RUB,
        time_zone: "Europe/Moscow".to_owned(),
        config: serde_json::from_str(r#"{"agency_client_name":"acme","z":1,"a":2}"#).unwrap(),
        state: ConnectionState::Active,
        first_load_days: 365,
        settings: Settings {
            streams: streams(&["campaigns", "campaign_stats", "ad_stats"]),
            vat: VatState::Included,
            ..Settings::default()
        },
        follows: None,
        created_at: noon(),
    }
}

fn streams(names: &[&str]) -> Vec<StreamChoice> {
    names.iter().map(|name| StreamChoice { name: (*name).to_owned(), on: true }).collect()
}

/// A client with one connection.
async fn connected(store: &Store, name: &str) -> (ClientId, ConnectionId) {
    let client = a_client(name);
    store.insert_client(&client).await.unwrap();
    let connection = a_connection(client.id, name);
    store.insert_connection(&connection, Level::Campaign).await.unwrap();
    (client.id, connection.id)
}

async fn a_run(store: &Store, connection: ConnectionId) -> RunId {
    let id = RunId::new();
    let run = NewRun {
        id,
        connection_id: connection,
        trigger: RunTrigger::Manual,
        range: Some(days(1, 20)),
        streams: None,
        state: RunState::Running,
        started_at: noon(),
    };
    store.create_run(&run).await.unwrap();
    id
}

fn level_stream(level: Level) -> &'static str {
    match level {
        Level::Campaign => "campaign_stats",
        _ => "ad_stats",
    }
}

async fn a_slice(store: &Store, run: RunId, level: Level, window: DateRange) -> u32 {
    let slice = NewSlice { stream: level_stream(level).to_owned(), level, window: Some(window), part: Part::All };
    store.plan_slices(run, &[slice]).await.unwrap()
}

fn a_commit(run: RunId, slice_seq: u32, stats: Vec<CampaignStat>) -> SliceCommit {
    SliceCommit {
        run_id: run,
        slice_seq,
        objects: Vec::new(),
        stats,
        rejected: Vec::new(),
        rejected_more: BTreeMap::new(),
        left_out: BTreeMap::new(),
        read_at: noon(),
        final_before: day(18),
        effort: Effort { requests: 2, retries: 1, millis: 40 },
    }
}

/// A run of one slice that writes these rows.
async fn write(
    store: &Store,
    connection: ConnectionId,
    level: Level,
    window: DateRange,
    stats: Vec<CampaignStat>,
) -> Committed {
    let run = a_run(store, connection).await;
    let seq = a_slice(store, run, level, window).await;
    let committed = store.commit_slice(a_commit(run, seq, stats)).await.unwrap();
    store.finish_run(run, RunState::Done, None, noon()).await.unwrap();
    committed
}

fn stat(id: &str, date: NaiveDate, roubles: i64) -> CampaignStat {
    CampaignStat {
        level: Level::Campaign,
        external_id: id.to_owned(),
        date,
        breakdown: String::new(),
        impressions: Some(roubles * 100),
        clicks: Some(roubles),
        cost: Micros::whole(roubles),
        currency: Currency::RUB,
        vat: VatState::Included,
        conversions: None,
        revenue: None,
        visits: model::ad::Visits::default(),
    }
}

fn object(level: Level, id: &str, name: &str) -> AdObject {
    AdObject {
        level,
        external_id: id.to_owned(),
        parent_external_id: None,
        name: name.to_owned(),
        status: ObjectStatus::Active,
        landing_url: None,
    }
}
