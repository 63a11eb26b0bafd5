//! `syncdeckctl connect`: the wizard without a window.

use super::{call, client, finished, secret};
use crate::output::{Output, known, table};
use anyhow::{Context, bail};
use api::{
    host::Host,
    wire::{ClientRow, Connector, Draft, DraftCommitted, DraftState, Lookback, StepState, StreamChoice},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, time::Duration};

#[derive(clap::Args)]
pub struct Args {
    /// The connector, such as `vk_ads`.
    connector: String,
    /// An answer of the sign-in form that is not secret: NAME=VALUE.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// A secret answer: NAME=env:VARIABLE, NAME=file:PATH or NAME=- for standard input.
    #[arg(long = "secret", value_name = "NAME=FROM")]
    secret: Vec<String>,
    /// The vendor's id of an account to connect; repeat for several. Without any, the accounts are only listed.
    #[arg(long = "account", value_name = "ID")]
    accounts: Vec<String>,
    /// Connects every account found.
    #[arg(long)]
    all: bool,
    /// The client the accounts belong to; without it each account gets a client of its own name.
    #[arg(long)]
    client: Option<String>,
    /// Days the first run reads; the connector's default when absent.
    #[arg(long)]
    first_load_days: Option<u32>,
    /// Past days that a stream is read again, every time and once a week; repeat for several. The connector's own when absent.
    #[arg(long = "lookback", value_name = "STREAM=DAYS/WEEKLY")]
    lookbacks: Vec<String>,
    /// Whether the platform's sums contain VAT.
    #[arg(long, default_value = "unknown", value_parser = ["included", "excluded", "unknown"])]
    vat: String,
    /// Does not wait for the first sync.
    #[arg(long)]
    no_wait: bool,
}

pub async fn run(host: &Host, output: Output, args: Args) -> anyhow::Result<()> {
    let connectors: Vec<Connector> = call(host, "connectors_list", json!({})).await?;
    let connector = connectors.iter().find(|connector| connector.id == args.connector);
    let connector = connector.with_context(|| format!("there is no connector {:?}", args.connector))?;
    let mut answers = Map::new();
    for pair in &args.set {
        let (name, value) = pair.split_once('=').with_context(|| format!("not NAME=VALUE: {pair:?}"))?;
        answers.insert(name.to_owned(), Value::from(value));
    }
    for pair in &args.secret {
        let (name, from) = pair.split_once('=').context("not NAME=FROM")?;
        answers.insert(name.to_owned(), Value::from(secret(from)?));
    }
    let request = json!({ "connector": connector.id, "answers": answers, "connection_id": null });
    let draft = tested(host, output, call(host, "draft_start", request).await?).await?;
    let chosen: Vec<_> =
        draft.accounts.iter().filter(|account| args.all || args.accounts.contains(&account.external_id)).collect();
    if chosen.is_empty() {
        call::<Value>(host, "draft_discard", json!({ "id": draft.id })).await?;
        return output.result(&draft.accounts, |accounts| {
            let rows: Vec<_> = accounts
                .iter()
                .map(|account| {
                    vec![
                        account.external_id.clone(),
                        account.name.clone(),
                        known(account.campaigns),
                        known(account.spend_30d),
                        known(account.last_data),
                    ]
                })
                .collect();
            let list = table(&["account", "name", "campaigns", "spend 30 days", "last data"], 2, &rows);
            format!("{list}\n\nNothing is connected yet: repeat with --account ID or --all.")
        });
    }
    let owner: Option<ClientRow> = match &args.client {
        Some(name) => Some(client(host, name).await?),
        None => None,
    };
    let picks: Vec<_> = chosen
        .iter()
        .map(|account| {
            json!({
                "external_id": account.external_id,
                "client_id": owner.as_ref().map(|client| client.id),
                "new_client_name": owner.is_none().then_some(&account.name),
            })
        })
        .collect();
    let streams: Vec<StreamChoice> = connector
        .streams
        .iter()
        .map(|stream| StreamChoice { name: stream.name.clone(), on: stream.on_by_default || stream.required })
        .collect();
    let lookbacks = args.lookbacks.iter().map(|text| lookback(text)).collect::<anyhow::Result<BTreeMap<_, _>>>()?;
    let request = json!({
        "draft_id": draft.id,
        "picks": picks,
        "streams": streams,
        "lookbacks": lookbacks,
        "first_load_days": args.first_load_days.unwrap_or(connector.first_load_days),
        "vat": args.vat,
    });
    let committed: DraftCommitted = call(host, "draft_commit", request).await?;
    let runs = if args.no_wait { Vec::new() } else { finished(host, output, &committed.run_ids).await? };
    let answer = json!({ "connection_ids": committed.connection_ids, "runs": runs });
    output.result(&answer, |_| format!("Connected {} accounts.", committed.connection_ids.len()))?;
    match runs.iter().find(|run| run.failure.is_some()) {
        Some(run) => bail!("connected, but the first sync of {} ended: {}", run.account_name, run.state),
        None => Ok(()),
    }
}

fn lookback(text: &str) -> anyhow::Result<(String, Lookback)> {
    let read = || {
        let (stream, days) = text.split_once('=')?;
        let (days, weekly_days) = days.split_once('/')?;
        Some((stream.to_owned(), Lookback { days: days.parse().ok()?, weekly_days: weekly_days.parse().ok()? }))
    };
    read().with_context(|| format!("not STREAM=DAYS/WEEKLY: {text:?}"))
}

async fn tested(host: &Host, output: Output, mut draft: Draft) -> anyhow::Result<Draft> {
    loop {
        match draft.state {
            DraftState::Ready => return Ok(draft),
            DraftState::Failed => {
                let step = draft.steps.iter().find(|step| step.state == StepState::Failed);
                match step.and_then(|step| step.failure.clone()) {
                    Some(failure) => return Err(crate::output::Refused(failure).into()),
                    None => bail!("the test failed"),
                }
            }
            DraftState::Testing => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                draft = call(host, "draft_get", json!({ "id": draft.id })).await?;
                if let Some(step) = draft.steps.iter().find(|step| step.state == StepState::Running) {
                    output.progress(format_args!("testing: {}", step.id));
                }
            }
        }
    }
}
