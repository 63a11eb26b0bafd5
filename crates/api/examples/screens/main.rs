//! The screens of a large agency, measured: `cargo xtask bench --only screens` starts this at release speed and judges what it prints.
//!
//! - `screens make FOLDER ROWS` writes the workspace (`agency.rs`) into an empty folder;
//! - `screens export FOLDER FILE` writes its rows as CSV, for the columnar engine;
//! - `screens measure FOLDER` prints a line of JSON per screen: milliseconds of each time the statistics were read ("query") and of each
//!   time its command was answered as JSON ("command"), and what the query added up to.

#![allow(clippy::print_stdout, reason = "an example speaks to the program that runs it")]

mod agency;

use agency::Outcome;
use api::host::{Host, HostOptions};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use insight::pivot::{self, Dimension};
use kit::clock::Clock;
use model::{
    ad::Level,
    date::{DateRange, Grain},
    id::{ClientId, WorkspaceId},
    money::Currency,
    secret::Secret,
    settings::InTotals,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::{self, BufWriter, Write},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use store::{Scope, Store, campaign_stats::StoredStat, daily_rollups::Sums, stat_cells::CellsAsked};
use vault::{credential::Vault, passphrase_file::PassphraseFile};

/// Opens this workspace and nothing else.
const PASSPHRASE: &str = "made-up data, open to everybody";
/// How often a screen is asked for before and while it is measured.
const WARM_UP: u32 = 3;
const TIMES: u32 = 20;

/// The simulated morning, which does not end.
struct Morning;

#[async_trait]
impl Clock for Morning {
    fn now(&self) -> DateTime<Utc> {
        agency::now()
    }
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["make", folder, rows] => make(Path::new(folder), rows.parse()?).await,
        ["export", folder, file] => export(Path::new(folder), Path::new(file)).await,
        ["measure", folder] => measure(Path::new(folder)).await,
        _ => Err("make FOLDER ROWS | export FOLDER FILE | measure FOLDER".into()),
    }
}

async fn host(folder: &Path) -> Host {
    let passphrase = Some(Secret::new(PASSPHRASE));
    Host::start(HostOptions { passphrase, clock: Arc::new(Morning), ..HostOptions::new(folder) }).await
}

/// The database beside the host: a second program, as far as it is concerned.
async fn database(folder: &Path) -> Outcome<Store> {
    let header: Value = serde_json::from_slice(&fs::read(folder.join("workspace.json"))?)?;
    let id: WorkspaceId = serde_json::from_value(header["id"].clone())?;
    let secrets = PassphraseFile::open(&folder.join("vault.sealed"), &Secret::new(PASSPHRASE))?;
    let key = Vault::new(Arc::new(secrets), id).workspace_key()?.ok_or("the workspace has no key")?;
    Ok(Store::open(&folder.join("workspace.db"), &key.to_hex_secret(), store::Options::default()).await?)
}

async fn ask(host: &Host, command: &str, request: Value) -> Outcome<Value> {
    host.call(command, request).await.map_err(|error| format!("{command}: {error:?}").into())
}

async fn make(folder: &Path, rows: u32) -> Outcome<()> {
    let host = host(folder).await;
    let draft = ask(&host, "workspace_draft", json!({})).await?;
    let new = json!({
        "name": "Агентство Полюс", "currency": "RUB", "time_zone": "Europe/Moscow", "lock": "passphrase",
        "passphrase": PASSPHRASE,
    });
    ask(&host, "workspace_create", new).await?;
    host.shutdown().await;
    // With it another lock can be put before the workspace: a window opens without asking for anything when the keychain is one.
    fs::write(folder.join("recovery.txt"), draft["recovery_key"].as_str().unwrap_or_default())?;
    let store = database(folder).await?;
    let written = agency::write(&store, rows).await?;
    let differences = store.rollup_differences().await?;
    store.close().await;
    if differences > 0 {
        return Err(format!("{differences} rollups are not what their rows add up to").into());
    }
    println!("{written} rows of statistics");
    Ok(())
}

async fn export(folder: &Path, file: &Path) -> Outcome<()> {
    let store = database(folder).await?;
    let mut out = BufWriter::new(fs::File::create(file)?);
    writeln!(
        out,
        "client,largest,connection,connector,counts,totals,level,date,object,breakdown,currency,vat,impressions,clicks,cost,conversions,revenue,visits"
    )?;
    let mut connections = HashMap::new();
    for connection in store.connections(Scope::Portfolio).await? {
        connections.insert(connection.id, (connection.connector, store.totals_level(connection.id).await?));
    }
    let largest = agency::name(0);
    let mut failed = None;
    for client in store.clients().await? {
        for level in [Level::Campaign, Level::Ad] {
            let mut write = |row: &StoredStat| -> io::Result<()> {
                let (stat, of) = (&row.stat, connections.get(&row.connection_id));
                let is_total = of.is_some_and(|(_, level)| *level == stat.level) && stat.breakdown.is_empty();
                write!(
                    out,
                    "{},{},{},{},{},{},{},{},{},{},{},{:?}",
                    client.name,
                    u8::from(client.name == largest),
                    row.connection_id,
                    of.map_or("", |(connector, _)| connector),
                    u8::from(row.in_totals == InTotals::Counts),
                    u8::from(is_total),
                    stat.level,
                    stat.date,
                    stat.external_id,
                    stat.breakdown,
                    stat.currency,
                    stat.vat,
                )?;
                let micros = [stat.cost, stat.conversions, stat.revenue].map(|micros| micros.map(|micros| micros.0));
                for value in [stat.impressions, stat.clicks].into_iter().chain(micros).chain([stat.visits.count]) {
                    match value {
                        Some(value) => write!(out, ",{value}")?,
                        None => write!(out, ",")?,
                    }
                }
                writeln!(out)
            };
            let take = |row| {
                if let Err(error) = write(&row) {
                    failed.get_or_insert(error);
                }
            };
            store.each_stat(client.id, Some(level), agency::days(), take).await?;
        }
    }
    out.flush()?;
    store.close().await;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// The dimensions of the tree.
const TREE: [Dimension; 3] = [Dimension::Channel, Dimension::Object(Level::Campaign), Dimension::Time(Grain::Month)];

/// A screen: what is read of statistics for it, and the command that answers it.
enum Screen {
    /// All clients over a period and one to compare it with.
    Overview(DateRange, Option<DateRange>),
    /// A client by campaign over a period.
    Client(DateRange),
    /// A tree of systems, campaigns and months.
    Pivot(DateRange),
}

/// The names by which they are printed, and by which the columnar engine knows the same questions.
fn screens() -> [(&'static str, Screen); 4] {
    let all = agency::days();
    let month = DateRange::ending(all.to(), 30);
    let year = DateRange::ending(all.to(), 365);
    [
        ("overview", Screen::Overview(month, Some(month.previous()))),
        ("client_year", Screen::Client(year)),
        ("pivot", Screen::Pivot(all)),
        ("all_days", Screen::Overview(all, None)),
    ]
}

impl Screen {
    async fn query(&self, store: &Store, client: ClientId) -> Outcome<Vec<Sums>> {
        Ok(match self {
            Self::Overview(period, compare) => {
                let mut sums = Vec::new();
                for range in [Some(*period), *compare].into_iter().flatten() {
                    let days = match insight::portfolio::Points::of(*period) {
                        insight::portfolio::Points::Days => store.client_days(Scope::Portfolio, range).await?,
                        insight::portfolio::Points::Months => store.client_months(Scope::Portfolio, range).await?,
                    };
                    sums.extend(days.into_iter().map(|day| day.sums));
                }
                sums
            }
            Self::Pivot(period) => {
                let pieces = pivot::pieces(*period, Currency::RUB, &TREE);
                let layers = pivot::layers(&TREE);
                let asked = CellsAsked { client, currency: Currency::RUB, range: *period, pieces, layers };
                let found = store.stat_cells(&asked).await?;
                let deepest = found.iter().filter_map(|of| of.layers.last()?.as_ref());
                // What is left of a month in days and the rest of it are cells of their own.
                let mut groups: BTreeMap<_, Sums> = BTreeMap::new();
                for (of, layer) in deepest.enumerate() {
                    for cell in &*layer.cells {
                        let group = groups.entry((of, cell.piece, cell.object)).or_default();
                        *group = plus(*group, cell.sums);
                    }
                }
                groups.into_values().collect()
            }
            Self::Client(period) => {
                let objects = store.client_objects(client, Level::Campaign, *period, 100_000).await?;
                objects.into_iter().map(|object| object.sums).collect()
            }
        })
    }

    fn command(&self, client: ClientId) -> (&'static str, Value) {
        match self {
            Self::Overview(period, compare) => ("overview_get", json!({ "period": period, "compare": compare })),
            Self::Client(period) => (
                "client_stats",
                json!({ "client_id": client, "period": period, "compare": null, "level": "campaign", "grain": "day" }),
            ),
            Self::Pivot(period) => (
                "stats_pivot",
                json!({ "client_id": client, "period": period, "dimensions": ["channel", "campaign", "month"] }),
            ),
        }
    }
}

fn plus(one: Sums, other: Sums) -> Sums {
    fn either<T: std::ops::Add<Output = T>>(one: Option<T>, other: Option<T>) -> Option<T> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        }
    }
    Sums {
        impressions: either(one.impressions, other.impressions),
        clicks: either(one.clicks, other.clicks),
        cost: either(one.cost, other.cost),
        conversions: either(one.conversions, other.conversions),
        revenue: either(one.revenue, other.revenue),
        visits: either(one.visits, other.visits),
        page_views: either(one.page_views, other.page_views),
        bounces: either(one.bounces, other.bounces),
        rows: one.rows + other.rows,
    }
}

/// What a query added up to, and in how many groups: the same in every engine.
fn added(groups: &[Sums]) -> Value {
    let add = |of: fn(&Sums) -> Option<i64>| groups.iter().filter_map(of).map(i128::from).sum::<i128>().to_string();
    json!({
        "groups": groups.len(),
        "rows": groups.iter().map(|sums| sums.rows).sum::<u64>().to_string(),
        "impressions": add(|sums| sums.impressions),
        "clicks": add(|sums| sums.clicks),
        "cost": add(|sums| sums.cost.map(|micros| micros.0)),
        "conversions": add(|sums| sums.conversions.map(|micros| micros.0)),
        "revenue": add(|sums| sums.revenue.map(|micros| micros.0)),
        "visits": add(|sums| sums.visits),
    })
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}

async fn measure(folder: &Path) -> Outcome<()> {
    let began = Instant::now();
    let store = database(folder).await?;
    let (host, database_opened) = (host(folder).await, millis(began));
    let whose = agency::name(0);
    let client = store.clients().await?.into_iter().find(|client| client.name == whose).ok_or("no such client")?;
    for (name, screen) in screens() {
        let (mut queries, mut commands, mut groups, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for turn in 0..WARM_UP + TIMES {
            let began = Instant::now();
            groups = screen.query(&store, client.id).await?;
            if turn >= WARM_UP {
                queries.push(millis(began));
            }
        }
        for turn in 0..WARM_UP + TIMES {
            let (command, request) = screen.command(client.id);
            let began = Instant::now();
            let answer = ask(&host, command, request).await?;
            // As the window gets it.
            bytes = serde_json::to_vec(&answer)?.len();
            if turn >= WARM_UP {
                commands.push(millis(began));
            }
        }
        let added = added(&groups);
        println!(
            "{}",
            json!({ "screen": name, "query": queries, "command": commands, "bytes": bytes, "added": added })
        );
    }
    host.shutdown().await;
    store.close().await;
    let file = fs::metadata(folder.join("workspace.db"))?.len();
    println!("{}", json!({ "memory": peak_memory(), "file": file, "opened": database_opened }));
    Ok(())
}

/// The most memory this process ever held, in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1_024)
}
