//! Two programs on one workspace: real processes and a host of this one, over one folder and one platform. Whatever each is asked, one of
//! them does it, once; when that one is killed or held, another goes on, and what the held one writes afterwards is refused.

use crate::{
    harness::{PASSPHRASE, PLATFORM, Seen, code},
    process::{answer, command},
};
use anyhow::{Context, Result, anyhow, ensure};
use api::{
    host::{Host, HostOptions},
    wire::{AppStatus, ClientRow, ClientStats, RunDetail, RunPage, RunRow, RunStarted, WorkspaceState},
};
use chrono::{Days, NaiveDate};
use model::{failure::Code, run::RunState};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind},
    vk_ads::{Limits, Running, Scenario, VkAds},
};
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long anything may take: taking over after silence is some nine seconds of it.
const PATIENCE: Duration = Duration::from_secs(90);
const DAYS: u32 = 20;

/// A workspace that programs share, with one connection, and its platform.
struct Shared {
    folder: TempDir,
    platform: Running,
    cabinet: u64,
    today: NaiveDate,
}

impl Shared {
    fn open() -> Result<Self> {
        let today = model::date::today(chrono::Utc::now(), "Europe/Moscow");
        let platform = VkAds::start(Scenario { limits: Limits::NONE, ..Scenario::small(today) })?;
        let key = platform.keys().remove(0);
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("passphrase"), PASSPHRASE)?;
        std::fs::write(folder.path().join("secret"), &key.client_secret)?;
        let shared = Self { folder, platform, cabinet: key.cabinets[0].id, today };
        shared.ends(&["create", "--name", "Агентство Полюс", "--lock", "passphrase"])?;
        shared.ends(&["clients", "add", "Кофейни Север"])?;
        let secret = format!("client_secret=file:{}", shared.folder.path().join("secret").display());
        let (id, account) = (format!("client_id={}", key.client_id), shared.cabinet.to_string());
        let connect = ["connect", "vk_ads", "--set", &id, "--secret", &secret, "--account", &account];
        let days = DAYS.to_string();
        let reach = ["--client", "Кофейни Север", "--first-load-days", &days];
        let lookbacks = ["ad_plan_stats", "ad_group_stats", "banner_stats"]
            .map(|stream| format!("--lookback={stream}={DAYS}/{DAYS}"));
        let lookbacks: Vec<&str> = lookbacks.iter().map(String::as_str).collect();
        shared.ends(&[&connect[..], &reach, &lookbacks].concat())?;
        Ok(shared)
    }

    fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    fn program(&self, arguments: &[&str]) -> Result<Command> {
        let map = format!("{PLATFORM}={}", self.platform.base_url);
        let passphrase = self.folder.path().join("passphrase").display().to_string();
        let common = ["--json", "--url-map", &map, "--passphrase-file", &passphrase];
        let mut command = command(&self.workspace(), common.iter().chain(arguments))?;
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command)
    }

    fn ends(&self, arguments: &[&str]) -> Result<String> {
        answer(&self.program(arguments)?.output()?).with_context(|| arguments.join(" "))
    }

    /// `syncdeckctl serve`, once it serves.
    fn serve(&self) -> Result<Served> {
        let mut child = self.program(&["serve"])?.stderr(Stdio::null()).spawn()?;
        let stdout = BufReader::new(child.stdout.take().context("its output")?);
        let served = Served(child);
        for line in stdout.lines() {
            if line?.contains("url") {
                return Ok(served);
            }
        }
        Err(anyhow!("it ended without serving"))
    }

    /// A program in this process that stays, as the window does.
    async fn host(&self) -> Host {
        let mut options = HostOptions::new(self.workspace());
        options.passphrase = Some(PASSPHRASE.to_owned().into());
        options.url_map = vec![(PLATFORM.to_owned(), self.platform.base_url.clone())];
        options.scheduled = true;
        Host::start(options).await
    }

    /// Whether the numbers are those of the platform.
    async fn is_true(&self, host: &Host) -> Result<()> {
        let (from, to) = (self.today - Days::new(u64::from(DAYS)), self.today - Days::new(1));
        let clients: Vec<ClientRow> = ask(host, "clients_list", json!({})).await?;
        let request =
            json!({ "client_id": clients[0].id, "period": { "from": from, "to": to }, "compare": null, "level": "ad" });
        let stats: ClientStats = ask(host, "client_stats", request).await?;
        let truth = self.platform.truth().totals(self.cabinet, from, to).context("the cabinet")?;
        ensure!(truth.impressions > 0, "this truth would prove nothing");
        let (seen, truth) = (Seen::of(&stats.total), Seen::from(truth));
        ensure!(seen == truth, "{seen:?} is not the truth {truth:?}");
        Ok(())
    }
}

/// A served console that is killed at the end.
struct Served(Child);

impl Served {
    fn signal(&self, name: &str) -> Result<()> {
        let done = Command::new("kill").args([name, &self.0.id().to_string()]).status()?;
        ensure!(done.success(), "kill {name}");
        Ok(())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have been killed already, which is what was wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn ask<A: DeserializeOwned>(host: &Host, command: &str, request: Value) -> Result<A> {
    let answer = host.call(command, request).await.map_err(|refusal| anyhow!("{command}: {refusal:?}"))?;
    serde_json::from_value(answer).with_context(|| format!("the answer of {command}"))
}

/// Which other program is on duty; `None` when it is this one, or nobody.
async fn on_duty(host: &Host) -> Result<Option<String>> {
    Ok(ask::<AppStatus>(host, "app_status", json!({})).await?.on_duty)
}

async fn until(what: &str, patience: Duration, condition: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let since = Instant::now();
    while !condition().await? {
        ensure!(since.elapsed() < patience, "{what}: not within {patience:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn run_of(host: &Host, id: impl ToString) -> Result<RunDetail> {
    ask(host, "run_get", json!({ "id": id.to_string() })).await
}

async fn start(host: &Host) -> Result<String> {
    let everything = json!({ "connection_id": null, "client_id": null, "range": null, "streams": null });
    let started: RunStarted = ask(host, "run_start", everything).await?;
    Ok(started.run_ids.first().context("a run")?.to_string())
}

async fn ended(host: &Host, id: &str) -> Result<RunRow> {
    until("a run ends", PATIENCE, async || Ok(run_of(host, id).await?.run.state.is_over())).await?;
    Ok(run_of(host, id).await?.run)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_are_asked_to_sync_make_one_run() -> Result<()> {
    let shared = Shared::open()?;
    shared.platform.requests().clear();
    shared.platform.faults().add(Fault::always(FaultKind::Slow { millis: 250 }));
    let spawn = || anyhow::Ok(shared.program(&["sync"])?.spawn()?);
    let (first, second) = (spawn()?, spawn()?);
    let ended = |child: Child| -> Result<Vec<RunRow>> {
        let output: Output = child.wait_with_output()?;
        Ok(serde_json::from_str(&answer(&output)?)?)
    };
    let (first, second) = tokio::task::spawn_blocking(move || anyhow::Ok((ended(first)?, ended(second)?))).await??;
    shared.platform.faults().clear();
    ensure!(first.len() == 1 && first[0].id == second[0].id, "each made a run of its own: {first:?} {second:?}");
    ensure!(first[0].state == RunState::Done && second[0].state == RunState::Done, "{first:?} {second:?}");

    let host = shared.host().await;
    let all = json!({ "client_id": null, "connection_id": null, "filter": "all", "before": null, "limit": 50 });
    let page: RunPage = ask(&host, "runs_list", all).await?;
    ensure!(page.runs.len() == 2, "the first load and this one: {:?}", page.runs);
    // Every report was asked for once: as often as the run says, whoever counted. The platform's own sums belong to no slice.
    let detail = run_of(&host, first[0].id).await?;
    let counted: u32 = detail.slices.iter().map(|slice| slice.requests).sum();
    let requests = shared.platform.requests();
    let (sent, tokens) = (requests.count_of(""), requests.count_of("token"));
    let sums = requests.count_of("user.json") + requests.count_of("statistics/users/");
    ensure!(
        u64::from(counted) + tokens + sums >= sent && sums <= 2,
        "{sent} requests were sent, {tokens} of them sign-ins, {sums} for sums, {counted} counted: {:?}",
        requests.entries().iter().map(|it| &it.path).collect::<Vec<_>>()
    );
    shared.is_true(&host).await?;
    host.shutdown().await;
    Ok(())
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_held_or_killed_is_replaced_and_comes_too_late() -> Result<()> {
    let shared = Shared::open()?;
    let served = shared.serve()?;
    let host = shared.host().await;
    let status: AppStatus = ask(&host, "app_status", json!({})).await?;
    ensure!(status.workspace == WorkspaceState::Open, "a second program was not let in: {status:?}");
    ensure!(status.on_duty.as_ref().is_some_and(|by| by.contains("syncdeckctl")), "{status:?}");

    // Asked here, done there.
    let id = start(&host).await?;
    ensure!(ended(&host, &id).await?.state == RunState::Done);

    // Held in the middle of a slice. The signal may meet it while it writes; then nobody can take over, which is tried again.
    let slow = shared.platform.faults().add(Fault::always(FaultKind::Slow { millis: 400 }).on("statistics/"));
    let mut held = None;
    for _ in 0..3 {
        let id = start(&host).await?;
        shared.platform.requests().clear();
        let reports = async || Ok(shared.platform.requests().count_of("statistics/") > 0);
        until("a report is asked for", PATIENCE, reports).await?;
        served.signal("-STOP")?;
        let free = async || Ok(on_duty(&host).await?.is_none());
        if until("it is replaced", Duration::from_secs(25), free).await.is_ok() {
            held = Some(id);
            break;
        }
        served.signal("-CONT")?;
        ended(&host, &id).await?;
    }
    let id = held.context("it could not be held between two writes")?;
    shared.platform.faults().remove(slow);
    ensure!(ended(&host, &id).await?.state == RunState::Done);
    shared.is_true(&host).await?;
    let before = serde_json::to_value(run_of(&host, &id).await?)?;
    served.signal("-CONT")?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    ensure!(serde_json::to_value(run_of(&host, &id).await?)? == before, "it wrote after it was replaced");
    ensure!(on_duty(&host).await?.is_none(), "it took its duty back by itself");
    shared.is_true(&host).await?;

    // It is next when this one quits, and replaced again when it is killed in the middle of a run. It looks once a second, on a busy
    // computer later; whoever opens before it has looked is on duty at once, and has to leave it another while.
    let mut host = host;
    for pause in [4, 8, 16, 32] {
        host.shutdown().await;
        tokio::time::sleep(Duration::from_secs(pause)).await;
        host = shared.host().await;
        if on_duty(&host).await?.is_some() {
            break;
        }
    }
    ensure!(on_duty(&host).await?.is_some(), "the other one never came on duty");
    let slow = shared.platform.faults().add(Fault::always(FaultKind::Slow { millis: 400 }).on("statistics/"));
    shared.platform.requests().clear();
    let id = start(&host).await?;
    until("it reads", PATIENCE, async || Ok(shared.platform.requests().count_of("statistics/") > 1)).await?;
    served.signal("-KILL")?;
    shared.platform.faults().remove(slow);
    let run = ended(&host, &id).await?;
    ensure!(run.state == RunState::Done, "{run:?}");
    ensure!(on_duty(&host).await?.is_none());
    shared.is_true(&host).await?;
    host.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_stops_nothing() -> Result<()> {
    let shared = Shared::open()?;
    let unread = |arguments: &[&str]| -> Result<Child> {
        let mut child = shared.program(arguments)?.spawn()?;
        drop(child.stdout.take());
        Ok(child)
    };
    let listed = unread(&["clients", "list"])?.wait_with_output()?;
    let said = String::from_utf8_lossy(&listed.stderr);
    ensure!(listed.status.success() && said.is_empty(), "{}: {said}", listed.status);

    let _served = Served(unread(&["serve"])?);
    // Whoever opens after it is second, so it goes on; whoever was quicker looks again.
    for pause in [2, 4, 8, 16] {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        let host = shared.host().await;
        let first = on_duty(&host).await?;
        host.shutdown().await;
        if first.is_some_and(|by| by.contains("syncdeckctl")) {
            return Ok(());
        }
    }
    Err(anyhow!("what nobody read ended"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_the_workspace_alone_says_who_has_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (workspace, passphrase) = (folder.path().join("workspace"), folder.path().join("passphrase"));
    std::fs::write(&passphrase, PASSPHRASE)?;
    let passphrase = passphrase.display().to_string();
    let create = ["--json", "--passphrase-file", &passphrase, "create", "--name", "Второе", "--lock", "passphrase"];
    let created = answer(&command(&workspace, create)?.output()?)?;
    let created: Value = serde_json::from_str(&created)?;
    let key = created["recovery_key"].as_str().context("a recovery key")?;
    let mut options = HostOptions::new(&workspace);
    options.passphrase = Some(PASSPHRASE.to_owned().into());
    let first = Host::start(options.clone()).await;
    let second = Host::start(options).await;
    let recover = json!({ "recovery_key": key, "lock": "passphrase", "passphrase": "another long passphrase" });
    let refusal =
        second.call("workspace_recover", recover).await.err().context("it was done beside another program")?;
    ensure!(code(Some(&refusal))? == Code::DatabaseBusy, "{refusal:?}");
    ensure!(refusal.params.get("by").is_some_and(|by| by.contains(&std::process::id().to_string())), "{refusal:?}");
    let _: AppStatus = ask(&first, "app_status", json!({})).await?;
    first.shutdown().await;
    second.shutdown().await;
    Ok(())
}
