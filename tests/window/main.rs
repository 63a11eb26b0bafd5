//! The desktop program in its real window, with a real keychain and a real server in the vendor's place.
//!
//! `cargo xtask test` starts these inside a message bus, a display and a keychain of their own and sets
//! `SYNCDECK_WINDOW_TESTS=1`. Without it each says that it was skipped: a developer's own screen and keychain are left alone.
//! `SYNCDECK_SCREENSHOTS=1` writes the pictures of the README.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stderr, reason = "a test that does not run says so")]

mod desk;
mod harness;
mod large;
mod many;
mod report;

use anyhow::{Context, Result, ensure};
use chrono::{Days, NaiveDate, TimeDelta, Utc};
use harness::{Start, Window, comes_true};
use model::money::Micros;
use report::{PRESS, Taken};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind},
    vk_ads::{Key, Scenario, VkAds},
    world::{Figures, WorldSize},
};

/// Whether the tests may open windows here.
fn allowed() -> bool {
    let allowed = std::env::var("SYNCDECK_WINDOW_TESTS").is_ok_and(|wish| wish == "1");
    if !allowed {
        eprintln!("skipped: needs a display and a keychain of its own; `cargo xtask test` provides both");
    }
    allowed
}

#[tokio::test]
async fn an_empty_folder_opens_on_the_first_run_screen() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let window = Window::open(&Start { workspace: folder.path(), demo: false, url_map: String::new() }).await?;
    for (language, text) in [("en", "Create your workspace"), ("ru", "Создайте рабочее пространство")]
    {
        window.prefer(language, "light").await?;
        window.reads(text).await?;
        window.picture(&format!("first-run-light-{language}")).await?;
    }
    window.close().await
}

/// The whole way of a specialist and a manager: from nothing to figures that are the platform's own to the kopeck, and the same
/// figures when neither platform nor network is there any more.
#[tokio::test]
async fn figures_reach_the_screen_and_stay_without_the_platform() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let today = (Utc::now() + TimeDelta::hours(3)).date_naive();
    let small = Scenario::small(today);
    let platform = VkAds::start(Scenario { size: WorldSize { cabinets_per_agency: 6, ..small.size }, ..small })?;
    // Slow enough that a person sees the sync move.
    platform.faults().add(Fault::always(FaultKind::Slow { millis: 60 }));
    let key = platform.keys().into_iter().next().context("the platform has a key")?;
    let cabinet = key.cabinets.first().context("the agency has a cabinet")?.clone();
    let url_map = format!("https://ads.vk.com={}", platform.base_url);
    let window = Window::open(&Start { workspace: folder.path(), demo: false, url_map: url_map.clone() }).await?;
    window.prefer("en", "light").await?;

    add_client(&window, &cabinet.name).await?;

    // The connection, tested before anything is saved.
    sign_in(&window, &key).await?;
    window.mentions("Found 6 cabinets").await?;
    window.mentions("Ready").await?;
    window.reads("Continue with 1 cabinet").await?;
    window.picture("wizard-light-en").await?;
    ensure!(!window.source().await?.contains(&key.client_secret), "the secret came back to the page");
    window.press("Continue with 1 cabinet").await?;
    window.press("Save and start the first sync").await?;

    // Progress moves, and ends.
    let mut seen = Vec::new();
    while !window.text().await?.contains("The numbers are on Overview") {
        let share = window.script("inSight('[role=progressbar]')[0]?.getAttribute('aria-valuenow') ?? ''").await;
        if let Ok(Value::String(share)) = share
            && !seen.contains(&share)
        {
            seen.push(share);
        }
        ensure!(!window.text().await?.contains("Failed"), "the sync failed:\n{}", window.text().await?);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    ensure!(seen.len() >= 3, "progress was seen at {seen:?} only");
    window.press("Open Overview").await?;

    // To the kopeck.
    let (from, to) = last_thirty(&window).await?;
    let truth = platform.truth().totals(cabinet.id, from, to).context("the cabinet has figures")?;
    ensure!(truth.spend_kopecks > 0 && truth.conversions > 0, "a world without figures proves nothing");
    comes_true(async || compare(&figures(&window).await?, &truth)).await?;
    let through = data_through(&window).await?;
    ensure!(through >= to, "data through {through}, though {to} was read");
    window.close().await?;

    // Neither platform nor network: the same figures, at once.
    platform.stop();
    let window = Window::open(&Start { workspace: folder.path(), demo: false, url_map }).await?;
    comes_true(async || compare(&figures(&window).await?, &truth)).await?;
    ensure!(data_through(&window).await? == through, "\"data through\" changed without the platform");
    window.mentions(&cabinet.name).await?;
    window.close().await
}

/// Days of the first sync of [`the_window_answers_while_a_large_account_syncs`]: the deepest the wizard offers.
const DAYS: usize = 365;

/// Rows of ads that it syncs without a word from `SYNCDECK_WINDOW_ROWS`: a year of eight hundred ads.
const ROWS: usize = 292_000;

/// A person walks about the console while a large account is synced: every press is answered with the sync still under way, what is
/// shown moves, the page's heart keeps beating, and the program stays small. What was measured is printed, because how fast this
/// computer is decides nothing here.
#[tokio::test]
async fn the_window_answers_while_a_large_account_syncs() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let rows = match std::env::var("SYNCDECK_WINDOW_ROWS") {
        Ok(wish) => wish.parse().context("SYNCDECK_WINDOW_ROWS is a number of rows")?,
        Err(_) => ROWS,
    };
    let folder = tempfile::tempdir()?;
    let today = (Utc::now() + TimeDelta::hours(3)).date_naive();
    // The world has five hundred days, of which the sync reads a part; as many ads as fill the wanted rows in that part.
    let world = rows.div_ceil(DAYS).div_ceil(200) * 200 * 500;
    let platform = VkAds::start(Scenario::large(world, today))?;
    let key = platform.keys().into_iter().next().context("the platform has a key")?;
    let cabinet = key.cabinets.first().context("the key has a cabinet")?.clone();
    let url_map = format!("https://ads.vk.com={}", platform.base_url);
    let window = Window::open(&Start { workspace: folder.path(), demo: false, url_map }).await?;
    window.prefer("en", "light").await?;
    add_client(&window, &cabinet.name).await?;
    sign_in(&window, &key).await?;
    window.press("Continue with 1 cabinet").await?;
    window.choose("First load", "365 days").await?;
    window.press("Save and start the first sync").await?;
    window.press("Show syncs").await?;
    window.measure().await?;

    let name = serde_json::to_string(&cabinet.name)?;
    let on =
        |title: &str, part: &str| format!("inSight('h1')[0]?.textContent === {title} && inSight({part:?}).length > 0");
    let mut taken = Taken::default();
    let mut seen = Vec::new();
    let mut rounds = 0;
    // A round counts when the sync was under way before it and after it.
    while under_way(&window).await? {
        let overview = window.time("inSight('main [data-metric]').length > 0", window.press("Overview")).await?;
        let clients = window.time(&on("'Clients'", "main [data-row]"), window.press("Clients")).await?;
        let client =
            window.time(&on(&name, "main [role=tablist]"), window.press_first("main [role=grid] [data-row]")).await?;
        let syncs = window.time(&on("'Syncs'", "main [data-testid^=run-]"), window.press("Syncs")).await?;
        if !under_way(&window).await? {
            break;
        }
        let opened = on("'Syncs'", "[data-testid=run-drawer]");
        let run = window.time(&opened, window.press_first("main [data-testid^=run-] a")).await?;
        let tally = window.script("document.querySelector('[data-testid=run-drawer] dl')?.innerText").await?;
        let screen = window.text().await?;
        ensure!(!screen.contains("NaN"), "a number is not one:\n{screen}");
        if !under_way(&window).await? {
            break;
        }
        if !seen.contains(&tally) {
            seen.push(tally);
        }
        rounds += 1;
        for (name, millis) in
            [("overview", overview), ("clients", clients), ("client", client), ("syncs", syncs), ("run", run)]
        {
            taken.add(&format!("{PRESS}{name}"), millis);
        }
    }
    let kept = taken.page(&window.measured().await?)?;
    taken.print(None)?;

    // A computer that is busy with other work drops beats too; a page that stalls keeps next to none.
    ensure!(kept >= 0.25, "the page kept {:.0} % of its heartbeats", kept * 100.0);
    ensure!(rounds >= 2, "the sync was over after {rounds} rounds; more rows are needed on this computer");
    ensure!(seen.len() >= 2, "progress stood still at {seen:?}");
    let newest = json!({ "client_id": null, "connection_id": null, "filter": "all", "before": null, "limit": 1 });
    // Its end is written a moment before it is told: what it brought to light is looked at in between.
    comes_true(async || {
        let run = window.ask("runs_list", &newest).await?["runs"][0].clone();
        ensure!(run["state"] == "done", "the sync ended otherwise: {run}");
        Ok(())
    })
    .await?;
    let run = window.ask("runs_list", &newest).await?["runs"][0].clone();
    let written = run["progress"]["rows"].as_u64().context("no rows")?;
    ensure!(written >= rows as u64, "only {written} rows were written");
    window.press("Overview").await?;
    let (from, to) = last_thirty(&window).await?;
    let truth = platform.truth().totals(cabinet.id, from, to).context("figures")?;
    comes_true(async || compare(&figures(&window).await?, &truth)).await?;
    let (peak, files) = window.memory()?;
    eprintln!(
        "window wrote {written} rows in {rounds} rounds; the program held {peak:.0} MB at most, {files:.0} MB of it files"
    );
    // A debug build maps a file of two hundred megabytes, which says nothing about the sync.
    ensure!(peak - files < 250.0, "the program held {peak:.0} MB, {files:.0} MB of it files");
    window.close().await
}

/// Whether a sync is under way.
async fn under_way(window: &Window) -> Result<bool> {
    let board = window.ask("syncs_board", &json!({ "client_id": null, "days": 1 })).await?;
    Ok(board["running"].as_array().is_some_and(|running| !running.is_empty()))
}

/// The demo workspace, as the README shows it.
#[tokio::test]
async fn the_demo_opens_on_a_living_console() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let window = Window::open(&Start { workspace: folder.path(), demo: true, url_map: String::new() }).await?;
    window.prefer("ru", "light").await?;
    window.press("Синхронизации").await?;
    window.mentions("Подключения, последние 30 дней").await?;
    window.picture("syncs-running-light-ru").await?;
    window.mentions("Сейчас ничего не идёт").await?;
    window.press_first("[data-testid^='run-'][data-state='done']").await?;
    window.reads("Срезы").await?;
    window.press("Синхронизировать все").await?;
    window.picture("syncs-light-ru").await?;
    window.mentions("Сейчас ничего не идёт").await?;
    for (language, theme) in [("ru", "light"), ("en", "light"), ("en", "dark"), ("ru", "dark")] {
        window.prefer(language, theme).await?;
        window.press(if language == "ru" { "Обзор" } else { "Overview" }).await?;
        figures(&window).await?;
        window.picture(&format!("overview-{theme}-{language}")).await?;
    }
    // The frame keeps to the window, however long the page in it is.
    window.press("Клиенты").await?;
    window.press_first("main [role=grid] [data-row]").await?;
    window.reads("Подключения").await?;
    for (width, height) in [(1440, 900), (1100, 700)] {
        window.resize(width, height).await?;
        window.script("inSight('main [data-testid=chart] svg').length > 0").await?;
        window.picture(&format!("client-dark-ru-{width}")).await?;
        window
            .script(
                "inSight('main [data-row]').length > 0 && document.scrollingElement.scrollTop === 0 \
                 && document.querySelector('nav').parentElement.lastElementChild.getBoundingClientRect().bottom <= innerHeight",
            )
            .await?;
    }
    window.close().await
}

/// From the first-run screen to a workspace, its key in the keychain, with one client.
async fn add_client(window: &Window, name: &str) -> Result<()> {
    window.fill("Workspace name", "Polyus Agency").await?;
    window.press("I have saved the key").await?;
    window.press("Create workspace").await?;
    window.reads("There are no clients yet").await?;
    window.press("Clients").await?;
    window.press("Add a client").await?;
    window.fill("Name", name).await?;
    window.press("Add").await?;
    window.mentions(name).await
}

/// Opens the wizard and has the platform's key tested.
async fn sign_in(window: &Window, key: &Key) -> Result<()> {
    window.press("Integrations").await?;
    window.press("Connect: VK Реклама").await?;
    window.fill("Key (client_id)", &key.client_id).await?;
    window.fill("Secret (client_secret)", &key.client_secret).await?;
    window.press("Test the sign-in").await
}

/// The figures of Overview's strip, exact: each is a `<data>` element whose value is the whole number of kopecks or events.
async fn figures(window: &Window) -> Result<Value> {
    window
        .script(
            "(tiles => tiles.some(tile => tile.querySelector('data')) && Object.fromEntries(tiles.map(tile => \
             [tile.dataset.metric, tile.querySelector('data')?.value ?? null])))\
             (inSight('[data-metric]'))",
        )
        .await
}

/// The thirty days that the screens show: they end yesterday in the workspace's time zone, which need not be the platform's.
async fn last_thirty(window: &Window) -> Result<(NaiveDate, NaiveDate)> {
    let status = window.ask("app_status", &json!({})).await?;
    let today: NaiveDate = status["today"].as_str().context("today")?.parse()?;
    Ok((today - Days::new(30), today - Days::new(1)))
}

fn compare(shown: &Value, truth: &Figures) -> Result<()> {
    let kopecks = |amount: i64| Micros(amount * 10_000);
    let whole = |count: i64| Micros(count * 1_000_000);
    for (metric, expected) in [
        ("spend", kopecks(truth.spend_kopecks)),
        ("revenue", kopecks(truth.revenue_kopecks)),
        ("impressions", whole(truth.impressions)),
        ("clicks", whole(truth.clicks)),
        ("conversions", whole(truth.conversions)),
    ] {
        let text = shown[metric].as_str().with_context(|| format!("no {metric} in {shown}"))?;
        let found = Micros::parse(text).with_context(|| format!("{metric} is {text}"))?;
        ensure!(found == expected, "{metric} is {found:?} on the screen and {expected:?} in truth");
    }
    Ok(())
}

/// The earliest "data through" of the portfolio.
async fn data_through(window: &Window) -> Result<NaiveDate> {
    let day = window
        .script("inSight('main time').map(time => time.dateTime).filter(day => day.length === 10).sort()[0]")
        .await?;
    Ok(day.as_str().context("no day")?.parse()?)
}
