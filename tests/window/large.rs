//! The window over a large agency, which `cargo xtask bench` makes: how long the program takes to be of use, and whether a hundred
//! thousand rows move as lightly as an empty page.

use crate::{
    allowed,
    harness::{Start, Window},
};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::{env, fs, path::Path};

/// How often the program is started.
const STARTS: usize = 5;
/// At least this part of the frames that an empty page draws while it scrolls.
const LEAST_SHARE: f64 = 0.8;
/// The client that sells a catalogue, and a period in which it had more than a hundred thousand ads.
const CLIENT: &str = "Банк Полюс";
const PERIOD: &str = "2025-11-20..2026-11-19";
const ROWS: u64 = 100_000;

/// What is measured in milliseconds may take as long as the environment says; without a word it is printed alone.
fn promised(name: &str) -> Option<f64> {
    env::var(name).ok()?.parse().ok()
}

/// A copy of the workspace, which no bench that comes later shall find changed.
fn copied(from: &Path) -> Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    for file in ["workspace.db", "workspace.db.check", "workspace.json", "recovery.sealed", "vault.sealed"] {
        fs::copy(from.join(file), folder.path().join(file))
            .with_context(|| format!("{file} is not in the workspace"))?;
    }
    Ok(folder)
}

/// Frames per second of two seconds in which an element scrolls by a page with each frame; twice in between `press` is pressed.
async fn frames(window: &Window, element: &str, press: &str) -> Result<f64> {
    let script = format!(
        "const done = arguments[0];
         const moved = {element}, pressed = {press};
         const began = performance.now();
         let frames = 0, presses = 0;
         const step = () => {{
           const passed = performance.now() - began;
           if (passed > 2000) return done(frames / (passed / 1000));
           frames += 1;
           moved.scrollTop = (moved.scrollTop + moved.clientHeight) % (moved.scrollHeight - moved.clientHeight);
           if (pressed && passed > 500 * (presses + 1) && presses < 2) {{
             presses += 1;
             pressed.click();
           }}
           requestAnimationFrame(step);
         }};
         requestAnimationFrame(step);"
    );
    window.measure_script(&script).await
}

#[tokio::test]
async fn a_large_agency_is_there_at_once_and_its_rows_scroll() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let Some(made) = env::var_os("SYNCDECK_WINDOW_WORKSPACE") else {
        eprintln!("skipped: needs the workspace that `cargo xtask bench --only screens` makes");
        return Ok(());
    };
    let made = Path::new(&made);
    let folder = copied(made)?;
    let start = Start { workspace: folder.path(), demo: false, url_map: String::new() };
    // Its key goes into the keychain of the test, as most people have it: nothing is typed at a start.
    let window = Window::open(&start).await?;
    let recovery_key = fs::read_to_string(made.join("recovery.txt"))?;
    let recover = json!({ "recovery_key": recovery_key, "lock": "keychain", "passphrase": null });
    window.ask("workspace_recover", &recover).await?;
    window.close().await?;

    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let window = Window::open(&start).await?;
        window.script("inSight('main [data-metric]').length > 0 && inSight('main [data-row]').length > 0").await?;
        // Drawn, and free to answer: two frames have come.
        window
            .measure_script(
                "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(0)))",
            )
            .await?;
        starts.push(window.age_millis()?);
        window.close().await?;
    }
    starts.sort_by(f64::total_cmp);
    let median = starts[STARTS / 2];
    eprintln!("window start median {median:.0} ms, worst {:.0} ms ({STARTS} times)", starts[STARTS - 1]);

    let window = Window::open(&start).await?;
    window.prefer_period("en", "light", PERIOD).await?;
    window.press("Clients").await?;
    window.press(CLIENT).await?;
    window.press("Statistics").await?;
    window.press("Ads").await?;
    let grid = "[...document.querySelectorAll('[role=treegrid]')].find((grid) => grid.offsetParent !== null && \
                Number(grid.ariaRowCount) > 1000)";
    let rows = window.script(&format!("{grid}?.ariaRowCount")).await?;
    let rows: u64 = rows.as_str().context("a number of rows")?.parse()?;
    ensure!(rows >= ROWS, "{rows} rows");
    let head = format!("{grid}.querySelector('[role=columnheader] button')");
    let scrolling = frames(&window, grid, "null").await?;
    let sorting = frames(&window, grid, &head).await?;
    let empty = "(() => {
        const page = document.body.appendChild(document.createElement('div'));
        page.style = 'position:fixed;inset:0;overflow:auto;background:#fff;z-index:9999';
        page.appendChild(document.createElement('div')).style.height = '3200000px';
        return page;
    })()";
    let most = frames(&window, empty, "null").await?;
    eprintln!(
        "window frames per second: {scrolling:.0} scrolling {rows} rows, {sorting:.0} sorting them, {most:.0} on an empty page"
    );
    window.close().await?;
    if let Some(millis) = promised("SYNCDECK_WINDOW_START_MILLIS") {
        ensure!(median < millis, "the program took {median:.0} ms to be there, which is not below {millis}");
        for (what, reached) in [("scrolling", scrolling), ("sorting", sorting)] {
            ensure!(reached >= most * LEAST_SHARE, "{what} reached {reached:.0} frames per second of {most:.0}");
        }
    }
    Ok(())
}
