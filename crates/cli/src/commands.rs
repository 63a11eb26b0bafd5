//! The commands, one file each, and what they share: calling the surface with types, secrets that are not arguments, waiting for runs.

pub mod alerts;
pub mod clients;
pub mod connect;
pub mod connectors;
pub mod create;
pub mod demo;
pub mod doctor;
pub mod import;
pub mod recover;
pub mod stats;
pub mod sync;

use crate::output::{Output, Refused};
use anyhow::{Context, bail};
use api::{
    host::Host,
    wire::{ClientRow, RunDetail, RunRow},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use std::{
    fs,
    io::{self, Read},
    path::Path,
    time::Duration,
};

/// Calls a command of the surface.
pub async fn call<A: DeserializeOwned>(host: &Host, command: &str, request: impl Serialize) -> anyhow::Result<A> {
    let answer = host.call(command, serde_json::to_value(request)?).await.map_err(Refused)?;
    serde_json::from_value(answer).with_context(|| format!("the answer of {command}"))
}

/// The client with this name or id.
pub async fn client(host: &Host, name: &str) -> anyhow::Result<ClientRow> {
    let clients: Vec<ClientRow> = call(host, "clients_list", json!({})).await?;
    let wanted = name.trim().to_lowercase();
    let found =
        clients.into_iter().find(|client| client.name.to_lowercase() == wanted || client.id.to_string() == wanted);
    found.with_context(|| format!("there is no client {name:?}; `syncdeckctl clients` lists them"))
}

/// Waits until the runs have ended and returns them, telling how far they are. One that is parked until its platform allows more is not
/// waited for: the program that is on duty then goes on with it.
pub async fn finished(host: &Host, output: Output, runs: &[impl ToString]) -> anyhow::Result<Vec<RunRow>> {
    let mut ended = Vec::with_capacity(runs.len());
    for id in runs {
        let mut told = String::new();
        loop {
            let detail: RunDetail = call(host, "run_get", json!({ "id": id.to_string() })).await?;
            let run = detail.run;
            let line = format!(
                "{} · {}: {} of {} slices, {} rows, {}",
                run.connector,
                run.account_name,
                run.progress.slices_done,
                run.progress.slices_total,
                run.progress.rows,
                run.state
            );
            if line != told {
                output.progress(&line);
                told = line;
            }
            let parked = run.waiting_until.is_some() && run.failure.is_some();
            if run.state.is_over() || parked {
                ended.push(run);
                break;
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }
    Ok(ended)
}

/// The passphrase from a file or the environment; `None` when neither is given.
pub fn passphrase(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    if let Some(file) = file {
        let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        return Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned()));
    }
    Ok(std::env::var("SYNCDECK_PASSPHRASE").ok().filter(|text| !text.is_empty()))
}

/// A secret from `env:NAME`, `file:PATH` or `-` (standard input).
pub fn secret(from: &str) -> anyhow::Result<String> {
    let text = if let Some(name) = from.strip_prefix("env:") {
        std::env::var(name).with_context(|| format!("the environment has no {name}"))?
    } else if let Some(path) = from.strip_prefix("file:") {
        fs::read_to_string(path).with_context(|| format!("reading {path}"))?
    } else if from == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).context("reading standard input")?;
        text
    } else {
        bail!("a secret comes as env:NAME, file:PATH or - (standard input), never as an argument");
    };
    Ok(text.trim().to_owned())
}
