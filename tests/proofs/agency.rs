//! The mixed agency, from nothing, by one command: twelve clients on every platform that there is a simulator of. What the console then shows
//! is the platforms' truth for every client, system, day, currency and VAT state.
//!
//! `SYNCDECK_AGENCY_DAYS` says how many days are read; 730 are all of them.

use crate::{
    harness::Seen,
    process::{answer, command},
};
use anyhow::{Context, Result, ensure};
use api::{
    host::{Host, HostOptions},
    wire::{ConnectionRow, Connector, ExportedFile, Overview, SyncBoard},
};
use chrono::{Days, NaiveDate, Utc};
use model::money::Micros;
use serde_json::{Value, json};
use simulators::{
    agency::{self, Stand, Told},
    visits::Visits,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

/// Days that are read unless somebody says otherwise.
const DAYS: u64 = 30;

/// Sums by connection, day, currency and VAT state.
type Cells = BTreeMap<(String, NaiveDate, String, String), Cell>;

/// What is compared of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Cell {
    ads: Seen,
    revenue: i64,
    visits: i64,
    users: i64,
    page_views: i64,
    bounces: i64,
}

#[tokio::test(flavor = "multi_thread")]
async fn twelve_clients_on_every_system_are_the_platforms_truth() -> Result<()> {
    let days = std::env::var("SYNCDECK_AGENCY_DAYS").ok().map_or(Ok(DAYS), |days| days.parse())?;
    let folder = tempfile::tempdir()?;
    let since = Instant::now();
    let mut demo = command(folder.path(), ["--json", "demo", "--mixed", "--days", &days.to_string()])?;
    let printed: Value = serde_json::from_str(&answer(&tokio::task::spawn_blocking(move || demo.output()).await??)?)?;
    let lasted = since.elapsed();

    let clients = printed["clients"].as_array().context("clients")?;
    ensure!(clients.len() == 12, "{} clients", clients.len());
    let connections = clients.iter().filter_map(|client| client["connections"].as_array()).flatten();
    let through: BTreeSet<Option<&str>> = connections.map(|connection| connection["data_through"].as_str()).collect();
    ensure!(through.len() == 1, "data reach to different days: {through:?}");
    let yesterday: NaiveDate = through.first().copied().flatten().context("a day")?.parse()?;
    let today = yesterday + Days::new(1);
    let really = model::date::today(Utc::now(), "Europe/Moscow");
    // Midnight may pass while the test runs.
    ensure!(today == really || today + Days::new(1) == really, "data are through {yesterday}, and today is {really}");
    let stands = agency::mixed(today)?;
    let host = Host::start(HostOptions::new(folder.path())).await;
    let Compared { accounts, truth } = compare(&host, &stands, today, days).await?;
    let from = today - Days::new(days);

    // Overview: every client, all of its systems together, in its currency.
    let overview = json!({ "period": { "from": from, "to": yesterday }, "compare": null });
    let overview: Overview = serde_json::from_value(ask(&host, "overview_get", overview).await?)?;
    ensure!(overview.rows.len() == 12, "{} rows", overview.rows.len());
    for row in &overview.rows {
        let mut sum = Seen::default();
        // What measures the other platforms stands by itself.
        let counts = |connection: &str| {
            let account = &accounts[connection];
            account.client_name == row.client_name && account.stand(&stands).is_ok_and(|stand| stand.in_totals)
        };
        let own = truth.iter().filter(|(key, _)| counts(&key.0));
        let own = own.filter(|(key, _)| key.2 == row.currency.to_string());
        own.for_each(|(_, cell)| sum.add(cell.ads));
        let shown = Seen {
            impressions: row.impressions.unwrap_or_default(),
            clicks: row.clicks.unwrap_or_default(),
            spend: row.spend.unwrap_or_default().0,
            conversions: row.conversions.unwrap_or_default().0,
        };
        ensure!(shown == sum, "{}: found {shown:?}, in truth {sum:?}", row.client_name);
        ensure!(sum.spend > 0, "{} proves nothing", row.client_name);
    }
    host.shutdown().await;
    println!(
        "12 clients, {} systems, {} connections, {days} days from nothing in {lasted:.1?}; {} sums by connection, day, currency and VAT state are true",
        stands.iter().map(|stand| stand.system).collect::<BTreeSet<_>>().len(),
        accounts.len(),
        truth.len(),
    );
    Ok(())
}

/// A connection as it was found.
pub struct Account {
    system: String,
    external_id: String,
    client_name: String,
}

impl Account {
    fn stand<'a>(&self, stands: &'a [Stand]) -> Result<&'a Stand> {
        let has = |stand: &&Stand| {
            stand.system == self.system && stand.accounts.iter().any(|it| it.external_id == self.external_id)
        };
        stands.iter().find(has).with_context(|| format!("{} has no account {}", self.system, self.external_id))
    }
}

/// What was found to be the same.
pub struct Compared {
    /// Connections by their ids.
    pub accounts: BTreeMap<String, Account>,
    truth: Cells,
}

impl Compared {
    /// How many sums.
    pub fn sums(&self) -> usize {
        self.truth.len()
    }
}

/// Compares what a workspace over these platforms keeps of so many days before `today` with what they tell: every account of them, by day,
/// currency and VAT state.
pub async fn compare(host: &Host, stands: &[Stand], today: NaiveDate, days: u64) -> Result<Compared> {
    let board: SyncBoard =
        serde_json::from_value(ask(host, "syncs_board", json!({ "client_id": null, "days": 1 })).await?)?;
    let accounts: BTreeMap<String, Account> = board
        .strips
        .into_iter()
        .map(|strip| {
            let ConnectionRow { id, connector, account_external_id, client_name, .. } = strip.connection;
            (id.to_string(), Account { system: connector, external_id: account_external_id, client_name })
        })
        .collect();
    let expected: usize = stands.iter().map(|stand| stand.accounts.len()).sum();
    ensure!(accounts.len() == expected, "{} connections of {expected}", accounts.len());

    let systems: Vec<Connector> = serde_json::from_value(ask(host, "connectors_list", json!({})).await?)?;
    let mut truth = Cells::new();
    for (connection, account) in &accounts {
        let stand = account.stand(stands)?;
        let listed = systems.iter().find(|listed| listed.id == account.system).context("a connector")?;
        for back in 1..=days.min(u64::from(listed.max_history_days)) {
            let date = today - Days::new(back);
            let told = stand.told(&account.external_id, date).map(cell).unwrap_or_default();
            if told != Cell::default() {
                truth.insert((connection.clone(), date, stand.currency.to_owned(), stand.vat.to_owned()), told);
            }
        }
    }

    let mut kept = Cells::new();
    let text = |value: &Value| value.as_str().map(str::to_owned).with_context(|| format!("no text in {value}"));
    for client in accounts.values().map(|account| &account.client_name).collect::<BTreeSet<_>>() {
        let (from, to) = (today - Days::new(days), today - Days::new(1));
        let mut rows = exported(host, client, "campaign", from, to).await?;
        rows.extend(exported(host, client, "account", from, to).await?);
        for row in rows {
            let account = &accounts[&text(&row["connection_id"])?];
            if row["level"] != account.stand(stands)?.whole {
                continue;
            }
            let key = (
                text(&row["connection_id"])?,
                text(&row["date"])?.parse()?,
                text(&row["currency"])?,
                text(&row["vat"])?,
            );
            if row["breakdown"] == "" {
                add(kept.entry(key).or_default(), &row)?;
            }
        }
    }
    kept.retain(|_, cell| *cell != Cell::default());
    // The first difference of each system, so that one that is wrong does not hide another.
    let mut wrong = BTreeMap::new();
    for (key, told) in &truth {
        let found = kept.get(key).copied().unwrap_or_default();
        if found != *told {
            let account = &accounts[&key.0];
            let first = || format!("{} {key:?}: found {found:?}, in truth {told:?}", account.external_id);
            wrong.entry(&account.system).or_insert_with(first);
        }
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    ensure!(kept.len() == truth.len(), "{} sums that are nobody's truth", kept.len() - truth.len());
    Ok(Compared { accounts, truth })
}

async fn ask(host: &Host, command: &str, request: Value) -> Result<Value> {
    host.call(command, request).await.map_err(|refusal| anyhow::anyhow!("{command}: {refusal:?}"))
}

/// Every row of a client at a level, as it is exported.
async fn exported(host: &Host, client: &str, level: &str, from: NaiveDate, to: NaiveDate) -> Result<Vec<Value>> {
    let clients = ask(host, "clients_list", json!({})).await?;
    let found = clients.as_array().into_iter().flatten().find(|row| row["name"] == client);
    let stats = json!({
        "client_id": found.context("a client")?["id"], "period": { "from": from, "to": to }, "compare": null, "level": level,
    });
    let file: ExportedFile =
        serde_json::from_value(ask(host, "stats_export", json!({ "stats": stats, "kind": "json" })).await?)?;
    Ok(serde_json::from_str(&file.content)?)
}

/// What a platform told, in the surface's units.
fn cell(told: Told) -> Cell {
    let Visits { visits, users, page_views, bounces } = told.visits;
    let revenue = told.figures.revenue_kopecks * 10_000;
    Cell { ads: told.figures.into(), revenue, visits, users, page_views, bounces }
}

/// Adds the numbers of an exported row; unknown counts as nothing.
fn add(to: &mut Cell, row: &Value) -> Result<()> {
    let decimal = |name: &str| -> Result<i64> {
        row[name]
            .as_str()
            .map_or(Ok(0), |text| Ok(Micros::parse(text).map_err(|error| anyhow::anyhow!("{error:?}"))?.0))
    };
    let count = |name: &str| -> Result<i64> { Ok(row[name].as_str().map_or(Ok(0), str::parse)?) };
    to.ads.add(Seen {
        impressions: count("impressions")?,
        clicks: count("clicks")?,
        spend: decimal("spend")?,
        conversions: decimal("conversions")?,
    });
    to.revenue += decimal("revenue")?;
    to.visits += count("visits")?;
    to.users += count("users")?;
    to.page_views += count("page_views")?;
    to.bounces += count("bounces")?;
    Ok(())
}
