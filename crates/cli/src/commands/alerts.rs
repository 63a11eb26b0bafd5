//! `syncdeckctl alerts`.

use super::{call, client};
use crate::output::{Output, table};
use api::{
    host::Host,
    wire::{AlertRow, Alerts},
};
use serde_json::json;

#[derive(clap::Args)]
pub struct Args {
    /// Only this client.
    #[arg(long)]
    client: Option<String>,
}

pub async fn run(host: &Host, output: Output, args: Args) -> anyhow::Result<()> {
    let client_id = match &args.client {
        Some(name) => Some(client(host, name).await?.id),
        None => None,
    };
    let alerts: Alerts = call(host, "alerts_list", json!({ "client_id": client_id })).await?;
    output.result(&alerts, |alerts| {
        let rows: Vec<_> = alerts.groups.iter().flat_map(|group| &group.alerts).map(row).collect();
        if rows.is_empty() { "no alerts".to_owned() } else { table(&HEAD, HEAD.len(), &rows) }
    })
}

const HEAD: [&str; 8] = ["client", "account", "severity", "alert", "state", "days", "since", "details"];

fn row(alert: &AlertRow) -> Vec<String> {
    let days = alert.days.map(|days| {
        if days.len() == 1 { days.from().to_string() } else { format!("{} to {}", days.from(), days.to()) }
    });
    let params: Vec<String> = alert.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    vec![
        alert.client_name.clone(),
        alert.account_name.clone(),
        alert.severity.to_string(),
        alert.kind.to_string(),
        alert.state.to_string(),
        days.unwrap_or_else(|| "-".to_owned()),
        alert.opened_at.format("%Y-%m-%d %H:%M").to_string(),
        params.join(" "),
    ]
}
