//! The desktop program in its real window, with a real keychain and a real server in the vendor's place.
//!
//! `cargo xtask test` starts these inside a message bus, a display and a keychain of their own and sets
//! `SYNCDECK_WINDOW_TESTS=1`. Without it each says that it was skipped: a developer's own screen and keychain are left alone.
//! `SYNCDECK_SCREENSHOTS=1` writes the pictures of the README.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stderr, reason = "a test that does not run says so")]

mod harness;

use anyhow::{Context, Result, ensure};
use chrono::{Days, NaiveDate, TimeDelta, Utc};
use harness::{Start, Window, comes_true};
use model::money::Micros;
use serde_json::Value;
use simulators::{
    faults::{Fault, FaultKind},
    vk_ads::{Scenario, VkAds},
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
    let (from, to) = (today - Days::new(30), today - Days::new(1));
    let truth = platform.truth().totals(cabinet.id, from, to).context("the cabinet has figures")?;
    ensure!(truth.spend_kopecks > 0 && truth.conversions > 0, "a world without figures proves nothing");

    let url_map = format!("https://ads.vk.com={}", platform.base_url);
    let window = Window::open(&Start { workspace: folder.path(), demo: false, url_map: url_map.clone() }).await?;
    window.prefer("en", "light").await?;

    // A workspace, with its key in the keychain.
    window.fill("Workspace name", "Polyus Agency").await?;
    window.press("I have saved the key").await?;
    window.press("Create workspace").await?;

    // A client.
    window.reads("There are no clients yet").await?;
    window.press("Clients").await?;
    window.press("Add a client").await?;
    window.fill("Name", &cabinet.name).await?;
    window.press("Add").await?;
    window.mentions(&cabinet.name).await?;

    // The connection, tested before anything is saved.
    window.press("Integrations").await?;
    window.press("Connect: VK Реклама").await?;
    window.fill("Key (client_id)", &key.client_id).await?;
    window.fill("Secret (client_secret)", &key.client_secret).await?;
    window.press("Test the sign-in").await?;
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
        let share =
            window.script("document.querySelector('[role=progressbar]')?.getAttribute('aria-valuenow') ?? ''").await;
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
    window.close().await
}

/// The figures of Overview's strip, exact: each is a `<data>` element whose value is the whole number of kopecks or events.
async fn figures(window: &Window) -> Result<Value> {
    window
        .script(
            "(tiles => tiles.some(tile => tile.querySelector('data')) && Object.fromEntries(tiles.map(tile => \
             [tile.dataset.metric, tile.querySelector('data')?.value ?? null])))\
             ([...document.querySelectorAll('[data-metric]')])",
        )
        .await
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
        .script("[...document.querySelectorAll('main time')].map(time => time.dateTime).filter(day => day.length === 10).sort()[0]")
        .await?;
    Ok(day.as_str().context("no day")?.parse()?)
}
