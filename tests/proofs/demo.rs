//! The demo as a newcomer starts it: its totals are the truth, killing it at any moment loses and doubles nothing, and the console in a
//! browser lets in whoever was let in and nobody else.

use crate::{
    harness::Seen,
    process::{answer, command, copy},
};
use anyhow::{Context, Result, ensure};
use chrono::{Days, NaiveDate, Utc};
use model::{failure::Code, id::WorkspaceId, run::SliceState, secret::Secret};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use simulators::vk_ads::{Scenario, VkAds};
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use vault::{credential::Vault, passphrase_file::PassphraseFile};

/// What the demo is opened with; it is published, because its data are made up.
const PASSPHRASE: &str = "made-up data, open to everybody";
/// Days that the demo's first sync reads.
const DAYS: u64 = 120;
/// Kills of a sync.
const KILLS: usize = 20;

#[test]
fn the_demo_prints_the_truth_and_a_second_run_changes_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let first = totals(folder.path())?;
    is_true(&first)?;
    let second = totals(folder.path())?;
    ensure!(first == second, "a second run changed the totals:\n{first:#}\n{second:#}");
    Ok(())
}

#[test]
fn killing_a_sync_at_any_moment_loses_nothing_and_doubles_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let template = folder.path().join("template");
    begun(&template)?;

    // How long the whole of it takes here, from start to totals.
    let whole = folder.path().join("whole");
    copy(&template, &whole)?;
    let since = Instant::now();
    let expected = totals(&whole)?;
    let lasts = since.elapsed();
    is_true(&expected)?;

    let seed = rand::random::<u64>();
    println!("seed {seed}, a sync lasts {lasts:?}");
    let mut dice = StdRng::seed_from_u64(seed);
    let (mut untouched, mut in_the_middle, mut over) = (0, 0, 0);
    for kill in 0..KILLS {
        let dir = folder.path().join(format!("killed-{kill}"));
        copy(&template, &dir)?;
        // One kill in each twentieth of the sync, so that its beginning, middle and end are all met.
        let part = (f64::from(u32::try_from(kill)?) + dice.random::<f64>()) / f64::from(u32::try_from(KILLS)?);
        let moment = lasts.mul_f64(part);
        let mut sync = demo(&dir)?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        std::thread::sleep(moment);
        sync.kill()?;
        sync.wait()?;
        let (done, all) = slices_of_unfinished_runs(&dir)?;
        match (done, all) {
            (_, 0) => over += 1,
            (0, _) => untouched += 1,
            _ => in_the_middle += 1,
        }
        let found = totals(&dir)?;
        ensure!(
            found == expected,
            "killed after {moment:?} (seed {seed}) with {done} of {all} slices done, the totals became\n{found:#}\ninstead of\n{expected:#}"
        );
        std::fs::remove_dir_all(&dir)?;
    }
    println!("{untouched} kills before anything was committed, {in_the_middle} in the middle, {over} after the end");
    ensure!(
        in_the_middle >= 3,
        "only {in_the_middle} of {KILLS} kills met a sync in its middle: this proved too little"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_in_a_browser_is_for_the_one_who_was_let_in() -> Result<()> {
    let folder = tempfile::tempdir()?;
    totals(folder.path())?;
    let mut process = Killed(
        command(folder.path(), ["--json", "serve", "--demo"])?.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?,
    );
    let printed = first_json(process.0.stdout.take().context("its output")?)?;
    let address = printed["url"].as_str().context("an address")?.to_owned();
    let (base, token) = address.split_once("/?token=").context("a token")?;
    ensure!(base.starts_with("http://127.0.0.1:"), "{base} is not this computer alone");
    let own = base.trim_start_matches("http://").to_owned();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let status = async |request: reqwest::RequestBuilder| -> Result<StatusCode> { Ok(request.send().await?.status()) };
    let call = |name: &str| http.post(format!("{base}/api/call/{name}")).json(&json!({}));

    // Strangers.
    ensure!(status(call("clients_list")).await? == StatusCode::UNAUTHORIZED);
    ensure!(status(http.get(format!("{base}/api/events"))).await? == StatusCode::UNAUTHORIZED);
    ensure!(status(http.get(base)).await? == StatusCode::FORBIDDEN, "the page is shown to a stranger");
    ensure!(status(http.get(format!("{base}/?token=guess"))).await? == StatusCode::FORBIDDEN);
    ensure!(status(call("clients_list").header(header::COOKIE, "syncdeck=guess")).await? == StatusCode::UNAUTHORIZED);

    // Another name for this address must not spend the token.
    for name in ["evil.example", "127.0.0.1", "127.0.0.1:1"] {
        ensure!(
            status(http.get(&address).header(header::HOST, name)).await? == StatusCode::FORBIDDEN,
            "{name} was let in"
        );
    }
    let entered = http.get(&address).send().await?;
    ensure!(entered.status().is_redirection(), "{}", entered.status());
    let cookie = entered.headers().get(header::SET_COOKIE).context("a cookie")?.to_str()?.to_owned();
    ensure!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    ensure!(!cookie.contains(token), "the token lives on in the cookie");
    ensure!(status(http.get(&address)).await? == StatusCode::FORBIDDEN, "the token works twice");
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let inside = |request: reqwest::RequestBuilder| request.header(header::COOKIE, &cookie);

    // Inside: the page with its policy, a command, an unknown command, a wrong request.
    let page = inside(http.get(base)).send().await?;
    let policy = page.headers().get(header::CONTENT_SECURITY_POLICY).context("a policy")?.to_str()?.to_owned();
    ensure!(policy.contains("default-src 'self'") && !policy.contains("unsafe-eval"), "{policy}");
    ensure!(page.text().await?.contains("<div id=\"root\""), "not the console's page");
    let clients: Value = inside(call("clients_list")).send().await?.json().await?;
    ensure!(clients.as_array().is_some_and(|clients| clients.len() == 3), "{clients}");
    let unknown: Value = inside(call("no_such_command")).send().await?.json().await?;
    ensure!(unknown["code"] == Code::BadRequest.as_str() || unknown["code"] == Code::NotFound.as_str(), "{unknown}");
    ensure!(status(inside(call("client_get"))).await? == StatusCode::UNPROCESSABLE_ENTITY);

    // With the cookie, but from another place: a page elsewhere, or a name that resolves to here.
    for (name, value) in
        [(header::ORIGIN, "https://evil.example"), (header::ORIGIN, "null"), (header::HOST, "evil.example")]
    {
        let told = status(inside(call("clients_list")).header(&name, value)).await?;
        ensure!(told == StatusCode::FORBIDDEN, "{name}: {value} got {told}");
    }
    let at_home = inside(call("clients_list")).header(header::ORIGIN, format!("http://{own}"));
    ensure!(status(at_home).await? == StatusCode::OK, "our own page was refused");
    ensure!(status(inside(http.get(format!("{base}/api/call/clients_list")))).await? == StatusCode::METHOD_NOT_ALLOWED);

    // Events come by themselves.
    let mut events = inside(http.get(format!("{base}/api/events"))).send().await?;
    ensure!(events.status() == StatusCode::OK);
    let started: Value = inside(http.post(format!("{base}/api/call/run_start")))
        .json(&json!({ "connection_id": null, "client_id": null, "range": null }))
        .send()
        .await?
        .json()
        .await?;
    let run = started["run_ids"][0].as_str().context("a run")?.to_owned();
    let mut heard = String::new();
    let listening = async {
        while !(heard.contains(&run) && heard.contains("run_progress")) {
            let chunk = events.chunk().await?.context("the events ended")?;
            heard.push_str(&String::from_utf8_lossy(&chunk));
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_mins(1), listening).await.context("no event of the run came")??;

    // A wish to end is a clean end: the database is closed, nothing is left in its log.
    let pid = process.0.id().to_string();
    ensure!(std::process::Command::new("kill").args(["-TERM", &pid]).status()?.success());
    let ended = tokio::task::spawn_blocking(move || process.0.wait()).await??;
    ensure!(ended.success(), "{ended}");
    Ok(())
}

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn demo(dir: &Path) -> Result<std::process::Command> {
    command(dir, ["--json", "demo"])
}

/// What the demo prints.
fn totals(dir: &Path) -> Result<Value> {
    Ok(serde_json::from_str(&answer(&demo(dir)?.output()?)?)?)
}

/// Leaves a demo workspace whose first sync has just begun.
fn begun(dir: &Path) -> Result<()> {
    let mut process = Killed(command(dir, ["demo"])?.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?);
    let lines = BufReader::new(process.0.stderr.take().context("its progress")?).lines();
    for line in lines {
        if line?.contains(" slices, ") {
            process.0.kill()?;
            process.0.wait()?;
            return Ok(());
        }
    }
    anyhow::bail!("the demo ended before it told of its sync")
}

/// Reads the first whole JSON value of a stream that goes on.
fn first_json(stream: impl Read) -> Result<Value> {
    let mut values = serde_json::Deserializer::from_reader(stream).into_iter();
    Ok(values.next().context("nothing was printed")??)
}

/// Compares what was printed with the simulator: its own copy of the same world, asked for its truth.
fn is_true(printed: &Value) -> Result<()> {
    let through = printed["clients"][0]["connections"][0]["data_through"].as_str().context("data through")?;
    let to: NaiveDate = through.parse()?;
    let today = to + Days::new(1);
    let really = model::date::today(Utc::now(), "Europe/Moscow");
    // Midnight may pass while the test runs.
    ensure!(today == really || today + Days::new(1) == really, "data are through {to}, and today is {really}");
    let from = today - Days::new(DAYS);
    let platform = VkAds::start(Scenario { today: Some(today), ..Scenario::demo() })?;
    let truth = platform.truth();

    let keys = platform.keys();
    let cabinets: Vec<_> =
        [(0, 2), (1, 1)].into_iter().flat_map(|(key, count)| keys[key].cabinets.iter().take(count)).collect();
    let clients = printed["clients"].as_array().context("clients")?;
    ensure!(clients.len() == cabinets.len(), "{} clients of {}", clients.len(), cabinets.len());
    for cabinet in cabinets {
        let client =
            clients.iter().find(|client| client["name"] == cabinet.name.as_str()).context("a client is missing")?;
        let connection = &client["connections"][0];
        ensure!(connection["account_external_id"].as_str() == Some(&cabinet.id.to_string()), "{connection}");
        ensure!(connection["data_through"] == through, "{connection}");
        let told = truth.cabinet(cabinet.id, from, to).context("its truth")?;
        let expected = Seen::from(told.totals);
        ensure!(expected.spend > 0 && expected.conversions > 0, "this truth proves nothing: {told:?}");
        ensure!(printed_sums(connection)? == expected, "{connection}\nin truth {told:?}");
        ensure!(printed_sums(client)? == expected, "{client}\nin truth {told:?}");
        let rows = told.campaigns.rows + told.ad_groups.rows + told.ads.rows;
        ensure!(connection["rows"] == rows, "{} rows, in truth {rows}: {told:?}", connection["rows"]);
    }
    platform.stop();
    Ok(())
}

fn printed_sums(value: &Value) -> Result<Seen> {
    let decimal = |name: &str| -> Result<i64> {
        let text = value[name].as_str().with_context(|| format!("no {name} in {value}"))?;
        Ok(model::money::Micros::parse(text)?.0)
    };
    let count = |name: &str| value[name].as_i64().with_context(|| format!("no {name} in {value}"));
    Ok(Seen {
        impressions: count("impressions")?,
        clicks: count("clicks")?,
        spend: decimal("spend")?,
        conversions: decimal("conversions")?,
    })
}

/// How many slices of runs without an end are committed, and how many there are. Looked up in a copy, so that what the killed process
/// left is met by the program and not by this test first.
fn slices_of_unfinished_runs(dir: &Path) -> Result<(usize, usize)> {
    let probe = tempfile::tempdir()?;
    copy(dir, probe.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let header: Value = serde_json::from_slice(&std::fs::read(probe.path().join("workspace.json"))?)?;
        let workspace: WorkspaceId = serde_json::from_value(header["id"].clone())?;
        let secrets = PassphraseFile::open(&probe.path().join("vault.sealed"), &Secret::new(PASSPHRASE))?;
        let key = Vault::new(Arc::new(secrets), workspace).workspace_key()?.context("a key")?;
        let database = probe.path().join("workspace.db");
        let store = store::Store::open(&database, &key.to_hex_secret(), store::Options::default()).await?;
        let (mut done, mut all) = (0, 0);
        for run in store.unfinished_runs(store::Scope::Portfolio).await? {
            let slices = store.slices(run.id).await?;
            done += slices.iter().filter(|slice| slice.state == SliceState::Done).count();
            all += slices.len();
        }
        store.close().await;
        Ok((done, all))
    })
}
