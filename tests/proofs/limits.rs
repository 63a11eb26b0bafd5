//! A day of the mixed agency before platforms that keep all of their limits: every account is collected from nothing after midnight and again
//! every three hours. Nobody asks for more than a platform allows, by the platform's own count, and at night everything is true.
//!
//! The day is simulated: the program and the platforms read one clock, which goes from one wake-up to the next.

use crate::{
    agency::compare,
    unwatched::{Steps, at, first_day},
};
use anyhow::{Context, Result, ensure};
use api::{
    host::{Host, HostOptions},
    wire::{Connector, Draft, DraftState, RunFilter, RunPage},
};
use chrono::{Days, TimeDelta};
use kit::{clock::Clock as _, testing::SteppedClock};
use model::run::RunState;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use simulators::{
    agency::{self, Stand},
    calendar::Watch,
};
use std::{collections::BTreeMap, sync::Arc, time::Instant};

/// Days that the first syncs read.
const FIRST_LOAD: u32 = 30;
/// Hours between two syncs of a connection.
const EVERY: u32 = 3;

struct Day {
    host: Host,
    clock: Arc<SteppedClock>,
    steps: Steps,
    stands: Vec<Stand>,
}

impl Day {
    async fn ask<T: DeserializeOwned>(&self, command: &str, request: Value) -> Result<T> {
        let answer = self.host.call(command, request).await;
        Ok(serde_json::from_value(answer.map_err(|refusal| anyhow::anyhow!("{command}: {refusal:?}"))?)?)
    }

    /// Requests that all platforms had, and those beyond a limit, by system.
    fn requests(&self) -> BTreeMap<&'static str, (u64, u64)> {
        // Several sign-ins may stand before one platform.
        let counts = |stand: &Stand| (stand.system, (stand.counts().total, stand.counts().over_limit));
        self.stands.iter().map(counts).collect()
    }

    async fn pass(&self, time: TimeDelta) {
        let asked = || self.requests().values().map(|(total, _)| total).sum();
        self.steps.until(self.clock.now() + time, &asked).await;
    }

    /// Signs in to a platform and connects all of its accounts, each for its client.
    async fn connect(&self, stand: &Stand, systems: &[Connector]) -> Result<()> {
        let request = json!({ "connector": stand.system, "answers": stand.answers, "connection_id": null });
        let mut draft: Draft = self.ask("draft_start", request).await?;
        for _ in 0..100_000 {
            if draft.state != DraftState::Testing {
                break;
            }
            self.pass(TimeDelta::seconds(1)).await;
            draft = self.ask("draft_get", json!({ "id": draft.id })).await?;
        }
        ensure!(
            draft.state == DraftState::Ready && !draft.accounts.is_empty(),
            "{}: the sign-in failed: {draft:?}",
            stand.system
        );
        let clients: Value = self.ask("clients_list", json!({})).await?;
        let known =
            |name: &str| clients.as_array()?.iter().find(|row| row["name"] == name).map(|row| row["id"].clone());
        let picks: Vec<Value> = stand
            .accounts
            .iter()
            .map(|account| {
                json!({
                    "external_id": account.external_id, "client_id": known(&account.client), "new_client_name": account.client,
                })
            })
            .collect();
        let system = systems.iter().find(|listed| listed.id == stand.system).context("a connector")?;
        let streams: Vec<Value> =
            system.streams.iter().map(|it| json!({ "name": it.name, "on": it.on_by_default || it.required })).collect();
        let request = json!({
            "draft_id": draft.id, "picks": picks, "streams": streams, "vat": stand.vat, "lookbacks": {},
            "first_load_days": FIRST_LOAD.min(system.max_history_days), "schedule": { "kind": "hourly", "every": EVERY },
        });
        let _: Value = self.ask("draft_commit", request).await.with_context(|| {
            let found: Vec<&str> = draft.accounts.iter().map(|account| account.external_id.as_str()).collect();
            format!("{}: found are {found:?}, and there should be {:?}", stand.system, stand.accounts)
        })?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_all_accounts_oversteps_no_limit() -> Result<()> {
    let since = Instant::now();
    let today = first_day() + Days::new(7);
    let clock = SteppedClock::at(at(today, 0) + TimeDelta::minutes(5));
    let led = Arc::clone(&clock);
    let stands = agency::strict(today, Watch(Arc::new(move || led.now())))?;
    let folder = tempfile::tempdir()?;
    let mut options = HostOptions::new(folder.path().join("workspace"));
    options.clock = Arc::clone(&clock) as Arc<dyn kit::clock::Clock>;
    options.scheduled = true;
    options.url_map =
        stands.iter().flat_map(|stand| stand.hosts.iter().map(|(from, to)| ((*from).to_owned(), to.clone()))).collect();
    options.passphrase = Some(crate::harness::PASSPHRASE.to_owned().into());
    let host = Host::start(options).await;
    let _ = host.call("workspace_draft", json!({})).await;
    let new = json!({
        "name": "Агентство Полюс", "currency": "RUB", "time_zone": "Europe/Moscow", "lock": "passphrase",
        "passphrase": crate::harness::PASSPHRASE,
    });
    host.call("workspace_create", new).await.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
    let steps = Steps::of(host.clone(), Arc::clone(&clock)).await;
    let day = Day { host, clock, steps, stands };

    let systems: Vec<Connector> = day.ask("connectors_list", json!({})).await?;
    for stand in &day.stands {
        day.connect(stand, &systems).await?;
    }
    let evening = at(today, 23) + TimeDelta::minutes(30);
    day.pass(evening - day.clock.now()).await;

    let request = json!({
        "client_id": null, "connection_id": null, "filter": RunFilter::All, "before": null, "limit": 5_000,
    });
    let page: RunPage = day.ask("runs_list", request).await?;
    let failed: Vec<_> = page
        .runs
        .iter()
        .filter(|run| !matches!(run.state, RunState::Done))
        .map(|run| format!("{} {}: {} {:?}", run.connector, run.account_name, run.state, run.failure))
        .collect();
    ensure!(failed.is_empty(), "{failed:#?}");
    let requests = day.requests();
    let over: Vec<_> = requests.iter().filter(|(_, (_, over))| *over > 0).collect();
    ensure!(over.is_empty(), "requests beyond a limit, of all: {over:?}");
    let compared = compare(&day.host, &day.stands, today, u64::from(FIRST_LOAD)).await?;
    ensure!(compared.accounts.len() >= 60, "{} accounts", compared.accounts.len());
    day.host.shutdown().await;

    println!(
        "a day of {} accounts of {} systems: {} syncs, {} requests, none beyond a limit, {} sums true; lived through in {:.1?}",
        compared.accounts.len(),
        requests.len(),
        page.runs.len(),
        requests.values().map(|(total, _)| total).sum::<u64>(),
        compared.sums(),
        since.elapsed(),
    );
    for (system, (total, _)) in requests {
        println!("  {system:<20} {total:>6} requests");
    }
    Ok(())
}
