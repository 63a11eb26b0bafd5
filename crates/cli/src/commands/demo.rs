//! `syncdeckctl demo`: opens a demo workspace, syncs it, prints its totals.

use super::{call, finished};
use crate::output::{Output, known, table};
use api::{
    demo::{Cast, DemoOptions},
    host::Host,
    wire::{
        AppStatus, ClientDetail, ClientRow, ClientStats, ConnectionDetail, RunStarted, StatsSums, SyncBoard,
        WorkspaceState,
    },
};
use serde::Serialize;
use serde_json::{Value, json};

/// Which demo.
#[derive(clap::Args)]
pub struct Args {
    /// The mixed agency: twelve clients on every system that there is a simulator of, 24 months. A demo that is there already stays what it is.
    #[arg(long)]
    mixed: bool,
    /// Days that the first syncs read; as many as there are without it.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    days: Option<u32>,
}

impl Args {
    pub fn options(&self) -> DemoOptions {
        DemoOptions { cast: if self.mixed { Cast::Mixed } else { Cast::Small }, days: self.days }
    }
}

/// A day before every ad system.
const FIRST_DAY: &str = "2000-01-01";

/// Totals of the demo workspace.
#[derive(Serialize)]
struct Totals {
    clients: Vec<ClientTotals>,
}

/// Totals of a client.
#[derive(Serialize)]
struct ClientTotals {
    name: String,
    currency: String,
    #[serde(flatten)]
    sums: Sums,
    connections: Vec<ConnectionTotals>,
}

/// Totals of a connection.
#[derive(Serialize)]
struct ConnectionTotals {
    id: String,
    connector: String,
    account_external_id: String,
    account_name: String,
    /// First and last day that was ever asked for.
    data_through: Option<String>,
    /// Statistics rows of every level.
    rows: u64,
    #[serde(flatten)]
    sums: Sums,
}

/// Sums as exact decimal text; unknown is null.
#[derive(Default, Serialize)]
struct Sums {
    impressions: Option<i64>,
    clicks: Option<i64>,
    spend: Option<String>,
    conversions: Option<String>,
}

impl From<&StatsSums> for Sums {
    fn from(sums: &StatsSums) -> Self {
        Self {
            impressions: sums.impressions,
            clicks: sums.clicks,
            spend: sums.spend.map(|spend| spend.to_string()),
            conversions: sums.conversions.map(|conversions| conversions.to_string()),
        }
    }
}

pub async fn run(host: &Host, output: Output) -> anyhow::Result<()> {
    let status: AppStatus = call(host, "app_status", json!({})).await?;
    if status.workspace != WorkspaceState::Open {
        // Reading anything tells why it is not open.
        call::<Value>(host, "clients_list", json!({})).await?;
    }
    sync(host, output).await?;
    let totals = totals(host, &status.today.to_string()).await?;
    output.result(&totals, |totals| {
        let mut rows = Vec::new();
        for client in &totals.clients {
            for connection in &client.connections {
                rows.push(vec![
                    client.name.clone(),
                    format!("{} {}", connection.connector, connection.account_external_id),
                    connection.rows.to_string(),
                    known(connection.sums.spend.as_ref()),
                    client.currency.clone(),
                    known(connection.sums.clicks),
                    known(connection.sums.conversions.as_ref()),
                    known(connection.data_through.as_ref()),
                ]);
            }
        }
        table(&["client", "connection", "rows", "spend", "currency", "clicks", "conversions", "data through"], 2, &rows)
    })
}

/// Waits for runs that are under way (the first ones, or those of a run that was killed), and starts one for each connection.
async fn sync(host: &Host, output: Output) -> anyhow::Result<()> {
    let board: SyncBoard = call(host, "syncs_board", json!({ "client_id": null, "days": 1 })).await?;
    let mut ids: Vec<_> = board.running.iter().chain(&board.queued).map(|run| run.id).collect();
    if ids.is_empty() {
        let everything = json!({ "connection_id": null, "client_id": null, "range": null });
        let started: RunStarted = call(host, "run_start", everything).await?;
        ids = started.run_ids;
    }
    let runs = finished(host, output, &ids).await?;
    match runs.into_iter().find_map(|run| run.failure) {
        Some(failure) => Err(crate::output::Refused(failure).into()),
        None => Ok(()),
    }
}

async fn totals(host: &Host, today: &str) -> anyhow::Result<Totals> {
    let mut totals = Totals { clients: Vec::new() };
    let clients: Vec<ClientRow> = call(host, "clients_list", json!({})).await?;
    for client in clients {
        let request = json!({
            "client_id": client.id,
            "period": { "from": FIRST_DAY, "to": today },
            "compare": null,
            "level": "campaign",
        });
        let stats: ClientStats = call(host, "client_stats", request).await?;
        let detail: ClientDetail = call(host, "client_get", json!({ "id": client.id })).await?;
        let mut connections = Vec::new();
        for row in detail.connections {
            // An account may have done nothing in all its days.
            let sums = stats.connections.iter().find(|sums| sums.connection_id == row.id);
            let connection: ConnectionDetail = call(host, "connection_get", json!({ "id": row.id })).await?;
            connections.push(ConnectionTotals {
                id: row.id.to_string(),
                connector: row.connector,
                account_external_id: row.account_external_id,
                account_name: row.account_name,
                data_through: row.data_through.map(|date| date.to_string()),
                rows: connection.rows,
                sums: sums.map(|row| Sums::from(&row.sums)).unwrap_or_default(),
            });
        }
        totals.clients.push(ClientTotals {
            name: client.name,
            currency: client.currency.to_string(),
            sums: Sums::from(&stats.total),
            connections,
        });
    }
    Ok(totals)
}
