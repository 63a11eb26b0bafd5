//! How fast slices enter the encrypted database: a million rows in windows, straight and staged, and once more over the same windows.
//!
//! `cargo run --profile bench -p store --example commit_speed [rows]`

#![allow(clippy::print_stdout, reason = "an example speaks to the person who runs it")]

use chrono::{Days, NaiveDate, Utc};
use model::{
    ad::{CampaignStat, Level},
    connection::{Client, Connection, ConnectionState},
    date::DateRange,
    id::{ClientId, ConnectionId, RunId},
    money::{Currency, Micros, VatState},
    run::{RunState, RunTrigger},
    secret::Secret,
};
use std::{collections::BTreeMap, error::Error, time::Instant};
use store::{
    Options, Scope, Store,
    commit::{Effort, SliceCommit},
    runs::NewRun,
    slices::{NewSlice, Part},
};

/// Ads of the account; with thirty days to a window it makes windows of sixty thousand rows.
const ADS: u32 = 2_000;
/// Rows handed over at a time when staging, as a sink does.
const BATCH: usize = 5_000;

fn window_rows(window: DateRange) -> Vec<CampaignStat> {
    // Object by object, as platforms answer, and not in the order of the table.
    (0..ADS)
        .flat_map(|ad| {
            window.days().map(move |date| CampaignStat {
                level: Level::Ad,
                external_id: (90_000_000 + ad).to_string(),
                date,
                breakdown: String::new(),
                impressions: Some(i64::from(ad) * 17 + 1),
                clicks: Some(i64::from(ad) % 90),
                cost: Some(Micros(i64::from(ad) * 1_234_567)),
                currency: Currency::RUB,
                vat: VatState::Included,
                conversions: Some(Micros(i64::from(ad) % 5 * 1_000_000)),
                revenue: None,
                visits: model::ad::Visits::default(),
            })
        })
        .collect()
}

async fn pass(
    store: &Store,
    connection: ConnectionId,
    windows: &[DateRange],
    staged: bool,
) -> Result<f64, Box<dyn Error>> {
    let run = RunId::new();
    store
        .create_run(&NewRun {
            id: run,
            connection_id: connection,
            trigger: RunTrigger::Manual,
            range: None,
            streams: None,
            state: RunState::Running,
            started_at: Utc::now(),
        })
        .await?;
    let slices: Vec<_> = windows
        .iter()
        .map(|window| NewSlice {
            stream: "ad_stats".to_owned(),
            level: Level::Ad,
            window: Some(*window),
            part: Part::Whole,
        })
        .collect();
    store.plan_slices(run, &slices).await?;
    let mut seconds = 0.0;
    for (slice_seq, window) in (0..).zip(windows) {
        let mut stats = window_rows(*window);
        let start = Instant::now();
        store.begin_slice(run, slice_seq).await?;
        if staged {
            for batch in stats.chunks(BATCH) {
                store.stage(run, slice_seq, batch.to_vec()).await?;
            }
            stats.clear();
        }
        store
            .commit_slice(SliceCommit {
                run_id: run,
                slice_seq,
                objects: Vec::new(),
                stats,
                rejected: Vec::new(),
                rejected_more: BTreeMap::new(),
                left_out: BTreeMap::new(),
                read_at: Utc::now(),
                final_before: window.from(),
                effort: Effort::default(),
            })
            .await?;
        seconds += start.elapsed().as_secs_f64();
    }
    store.finish_run(run, RunState::Done, None, Utc::now()).await?;
    Ok(seconds)
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown here").to_owned()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let rows: u32 = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("workspace.db");
    let store = Store::create(&path, &Secret::new("5a".repeat(32)), Options::default()).await?;
    let client = Client {
        id: ClientId::new(),
        name: "Acme".to_owned(),
        currency: Currency::RUB,
        time_zone: "Europe/Moscow".to_owned(),
        created_at: Utc::now(),
    };
    store.insert_client(&client).await?;
    let first = NaiveDate::from_ymd_opt(2025, 1, 1).ok_or("a date")?;
    let range = DateRange::ending(first + Days::new(u64::from(rows / ADS)), rows / ADS);
    let windows = range.windows(30);
    for (name, staged) in [("straight", false), ("staged", true)] {
        let connection = Connection {
            id: ConnectionId::new(),
            client_id: client.id,
            connector: "vk_ads".to_owned(),
            account_external_id: name.to_owned(),
            account_name: name.to_owned(),
            currency: Currency::RUB,
            time_zone: "Europe/Moscow".to_owned(),
            config: serde_json::Map::new(),
            state: ConnectionState::Active,
            first_load_days: 365,
            settings: model::settings::Settings { vat: VatState::Included, ..model::settings::Settings::default() },
            follows: None,
            created_at: Utc::now(),
        };
        store.insert_connection(&connection, Level::Ad).await?;
        for turn in ["first", "again"] {
            let seconds = pass(&store, connection.id, &windows, staged).await?;
            let per_second = f64::from(range.len() * ADS) / seconds;
            println!("{name:9} {turn:6} {per_second:9.0} rows/s  {seconds:6.2} s  {}", peak_memory());
        }
    }
    let start = Instant::now();
    let sums = store.client_days(Scope::Portfolio, range).await?;
    println!("portfolio by day: {} rows in {:.1} ms", sums.len(), start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    let objects = store.client_objects(client.id, Level::Ad, DateRange::ending(range.to(), 30), 200).await?;
    println!("objects of 30 days: {} rows in {:.1} ms", objects.len(), start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    let report = store.check().await?;
    println!(
        "check: {} problems, {} MB in {:.1} s",
        report.problems.len(),
        report.bytes >> 20,
        start.elapsed().as_secs_f64()
    );
    store.close().await;
    Ok(())
}
