//! `syncdeckctl sync`.

use super::{call, client, finished};
use crate::output::{Output, known, table};
use anyhow::bail;
use api::{
    host::Host,
    wire::{RunRow, RunStarted},
};
use serde_json::{Value, json};

#[derive(clap::Args)]
pub struct Args {
    /// Only this client.
    #[arg(long)]
    client: Option<String>,
    /// Only this connection, by its id.
    #[arg(long)]
    connection: Option<String>,
    /// First day to read again (YYYY-MM-DD), with --to.
    #[arg(long, requires = "to")]
    from: Option<String>,
    /// Last day to read again, with --from.
    #[arg(long, requires = "from")]
    to: Option<String>,
}

pub async fn run(host: &Host, output: Output, args: Args) -> anyhow::Result<()> {
    let client_id = match &args.client {
        Some(name) => Some(client(host, name).await?.id),
        None => None,
    };
    let range: Option<Value> = args.from.zip(args.to).map(|(from, to)| json!({ "from": from, "to": to }));
    let request = json!({ "connection_id": args.connection, "client_id": client_id, "range": range });
    let started: RunStarted = call(host, "run_start", request).await?;
    let runs = finished(host, output, &started.run_ids).await?;
    output.result(&runs, |runs| summary(runs))?;
    match runs.iter().find(|run| run.failure.is_some()) {
        Some(run) => bail!("{} of {} {}", run.connector, run.account_name, run.state),
        None => Ok(()),
    }
}

fn summary(runs: &[RunRow]) -> String {
    let rows: Vec<_> = runs
        .iter()
        .map(|run| {
            vec![
                run.client_name.clone(),
                run.account_name.clone(),
                run.state.to_string(),
                run.progress.rows.to_string(),
                run.progress.quarantined.to_string(),
                known(run.failure.as_ref().map(|failure| failure.code)),
            ]
        })
        .collect();
    table(&["client", "account", "state", "rows", "quarantined", "failure"], 3, &rows)
}
