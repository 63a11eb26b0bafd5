//! `bench`: how fast a first sync is, beside a hand-written loop that does the least any program must (fetch, parse, multi-row upsert
//! into the same encrypted schema). Both run as processes of their own against the same simulator, at release speed, one after the other,
//! three times in turn; the best of each counts, because whatever else the machine does only ever makes a run slower. Then as many rows
//! divided among fifty connections that sync at once, beside one of the fifty alone; and where a window can be driven, a person walks
//! about in it meanwhile. `bench/read.rs` does the same for a manifest read as messages, and `bench/screens.rs` asks for the screens of a
//! large agency.
//!
//! Fifty small connections are no fiftieth of a large one each: every connection signs in, reads its names, compares its sums and commits
//! some forty windows, whatever is in them. What is promised is therefore beside one of their own kind; beside a single connection with as
//! many rows the number is printed as well, for whoever wants to know what these windows cost.

mod read;
mod screens;

use crate::{
    commands::test::in_windows,
    shell::{cargo, run as start, target},
};
use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// We promise at least this share of the speed of the loop, and the backend below this size.
const LEAST_RATIO: f64 = 0.6;
const MOST_MEGABYTES: f64 = 250.0;
/// Connections that sync at once, how many times as fast as one of them alone they are together at least, and the backend's size meanwhile.
const MANY: usize = 50;
const LEAST_GAIN_OF_MANY: f64 = 0.8;
const MOST_MEGABYTES_OF_MANY: f64 = 350.0;
/// Milliseconds from a press to its effect on the screen, at most in the middle of many, while they sync.
const MOST_MILLIS: u32 = 100;
/// Milliseconds from the start of the program to an Overview of the large agency that answers.
const MOST_START_MILLIS: u32 = 1_500;
/// Days of the first sync: what the platform keeps of a year.
const DAYS: usize = 365;
/// The simulated day; any will do, as long as both see the same.
const TODAY: &str = "2026-11-20";
const FROM: &str = "2025-11-20";
const TO: &str = "2026-11-19";

/// What to measure.
#[derive(Args)]
pub(crate) struct Arguments {
    /// One part only.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Rows of ad statistics to sync.
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// How often each is run.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A first sync, fifty at once, and a manifest read as messages.
    Sync,
    /// The screens of a large agency.
    Screens,
    /// A person in the window while connections sync.
    Window,
}

/// One run of one of the two.
struct Measured {
    rows: f64,
    secs: f64,
    /// Most memory the process ever held, where the system tells.
    megabytes: Option<f64>,
}

impl Measured {
    fn rate(&self) -> f64 {
        self.rows / self.secs
    }
}

/// Which time of a sync counts.
#[derive(Clone, Copy)]
enum Timed {
    /// From nothing to a connected, synced and closed workspace.
    Program,
    /// From the start of the first run to the end of the last: a program's own start would flatter many runs beside one.
    Runs,
}

/// Measures what is asked for, prints it, and fails when a promise is broken.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let wants = |part: Part| arguments.only.is_none_or(|only| only == part);
    if wants(Part::Screens) && !screens::run()? {
        bail!("a promise about screens was broken, see above");
    }
    if wants(Part::Sync) {
        sync(arguments)?;
    }
    if wants(Part::Window) && cfg!(target_os = "linux") { window() } else { Ok(()) }
}

/// Builds and runs ours and the loop, then many connections, then a manifest.
fn sync(arguments: &Arguments) -> Result<()> {
    start(cargo().args(["build", "--release", "-p", "cli", "-p", "simulators", "--bins"]))?;
    start(cargo().args(["build", "--release", "-p", "store", "--example", "by_hand"]))?;
    // Only a part of the simulated days is read; the simulator is asked for as many ads as fill the wanted rows in these days.
    let world = (arguments.rows / DAYS).div_ceil(200) * 200 * 500;
    let (mut best, mut by_hand): (Option<Measured>, Option<Measured>) = (None, None);
    for _ in 0..arguments.rounds.max(1) {
        let platform = Platform::start(world, None)?;
        keep_faster(&mut by_hand, platform.by_hand()?);
        keep_faster(&mut best, platform.syncdeck(None, Timed::Program)?);
    }
    let (ours, theirs) = best.zip(by_hand).context("nothing was measured")?;
    let ratio = ours.rate() / theirs.rate();
    println!("by hand   {:>9.0} rows in {:6.2} s  {:>8.0} rows/s", theirs.rows, theirs.secs, theirs.rate());
    println!("syncdeck  {:>9.0} rows in {:6.2} s  {:>8.0} rows/s", ours.rows, ours.secs, ours.rate());
    println!("ratio     {ratio:.2} (at least {LEAST_RATIO})");
    if let Some(megabytes) = ours.megabytes {
        println!("memory    {megabytes:.0} MB at most (below {MOST_MEGABYTES})");
        if megabytes >= MOST_MEGABYTES {
            bail!("the backend took {megabytes:.0} MB");
        }
    }
    let gain = many(world, ours.rate(), arguments.rounds)?;
    let kept = read::run(arguments.rounds)?;
    if ratio < LEAST_RATIO {
        bail!("a first sync has less than {LEAST_RATIO} of the speed of a hand-written loop");
    }
    if gain < LEAST_GAIN_OF_MANY {
        bail!("{MANY} connections at once are less than {LEAST_GAIN_OF_MANY} times as fast as one of them alone");
    }
    if !kept {
        bail!("a promise about reading was broken, see above");
    }
    Ok(())
}

/// A person walks about in the real window while the connections sync, and opens the large agency. The profile is the release's without
/// optimisation across crates, which takes longest to build; what a person downloads may be a little quicker.
fn window() -> Result<()> {
    let tests =
        ["the_window_answers_while_fifty_connections_sync", "a_large_agency_is_there_at_once_and_its_rows_scroll"];
    let mut command = in_windows();
    command
        .args(["test", "--profile", "bench", "--test", "window", "--", "--nocapture", "--test-threads=1"])
        .args(tests);
    command
        .env("SYNCDECK_WINDOW_MILLIS", MOST_MILLIS.to_string())
        .env("SYNCDECK_WINDOW_WORKSPACE", screens::workspace()?)
        .env("SYNCDECK_WINDOW_START_MILLIS", MOST_START_MILLIS.to_string());
    start(&mut command)
}

/// As many rows in many connections at once; the answer is how many times as fast they are as one of them alone.
fn many(world: usize, large: f64, rounds: u32) -> Result<f64> {
    let (mut best, mut single) = (None, None);
    for _ in 0..rounds.max(1) {
        let platform = Platform::start(world, Some(MANY))?;
        keep_faster(&mut single, platform.syncdeck(Some(&platform.cabinet), Timed::Runs)?);
        keep_faster(&mut best, platform.syncdeck(None, Timed::Runs)?);
    }
    let (many, single) = best.zip(single).context("nothing was measured")?;
    let gain = many.rate() / single.rate();
    for (name, measured) in [("one alone", &single), (&format!("{MANY} at once"), &many)] {
        println!(
            "{name:<10}{:>8.0} rows in {:6.2} s  {:>8.0} rows/s while syncing",
            measured.rows,
            measured.secs,
            measured.rate()
        );
    }
    println!(
        "gain      {gain:.2} (at least {LEAST_GAIN_OF_MANY}); {:.2} of one connection with as many rows",
        many.rate() / large
    );
    if let Some(megabytes) = many.megabytes {
        println!("memory    {megabytes:.0} MB at most (below {MOST_MEGABYTES_OF_MANY})");
        if megabytes >= MOST_MEGABYTES_OF_MANY {
            bail!("the backend took {megabytes:.0} MB with {MANY} connections at once");
        }
    }
    Ok(gain)
}

fn keep_faster(best: &mut Option<Measured>, new: Measured) {
    if best.as_ref().is_none_or(|best| new.rate() > best.rate()) {
        *best = Some(new);
    }
}

/// The simulated platform, in a process of its own. Every round has a new one: each of its programs signs in anew, and a user has five tokens.
struct Platform {
    process: Child,
    url: String,
    client_id: String,
    client_secret: String,
    /// The vendor's id of the first account.
    cabinet: String,
}

impl Drop for Platform {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Platform {
    fn start(rows: usize, cabinets: Option<usize>) -> Result<Self> {
        let (rows, cabinets) = (rows.to_string(), cabinets.map(|cabinets| cabinets.to_string()));
        let mut arguments = vec!["vk-ads", "--scenario", "large", "--rows", &rows, "--now", TODAY];
        arguments.extend(cabinets.iter().flat_map(|cabinets| ["--cabinets", cabinets]));
        let told = Command::new(built("syncdeck-simulator")).args(&arguments).arg("--truth").output()?;
        let told: Value = serde_json::from_slice(&told.stdout).context("the simulator's truth")?;
        let key = &told["keys"][0];
        let text = |name: &str| key[name].as_str().map(str::to_owned).with_context(|| format!("the key's {name}"));
        let mut process = Command::new(built("syncdeck-simulator")).args(&arguments).stdout(Stdio::piped()).spawn()?;
        let mut url = String::new();
        BufReader::new(process.stdout.take().context("the simulator's output")?).read_line(&mut url)?;
        Ok(Self {
            process,
            url: url.trim().to_owned(),
            client_id: text("client_id")?,
            client_secret: text("client_secret")?,
            cabinet: key["cabinets"][0]["id"].to_string(),
        })
    }

    fn by_hand(&self) -> Result<Measured> {
        let folder = Folder::fresh()?;
        let printed = Command::new(built("examples/by_hand"))
            .args([&self.url, &self.client_id, FROM, TO])
            .arg(folder.0.join("by_hand.db"))
            .env("SYNCDECK_BENCH_SECRET", &self.client_secret)
            .stderr(Stdio::inherit())
            .output()?;
        let printed: Value = serde_json::from_slice(&printed.stdout).context("what the loop printed")?;
        let number = |name: &str| printed[name].as_f64().with_context(|| format!("the loop's {name}"));
        Ok(Measured { rows: number("rows")?, secs: number("secs")?, megabytes: None })
    }

    /// The first sync of one account, or of all.
    fn syncdeck(&self, account: Option<&str>, timed: Timed) -> Result<Measured> {
        let folder = Folder::fresh()?;
        let made = self.ctl(&folder.0).args(["create", "--name", "bench", "--lock", "passphrase"]).output()?;
        if !made.status.success() {
            bail!("the workspace was not made: {}", String::from_utf8_lossy(&made.stdout));
        }
        // From nothing to a connected, synced and closed workspace: opening, signing in and looking into the account count too.
        let began = Instant::now();
        let mut process = self
            .ctl(&folder.0)
            .args(["connect", "vk_ads", "--first-load-days", &DAYS.to_string()])
            .args(account.map_or(vec!["--all"], |account| vec!["--account", account]))
            .args([
                "--set",
                &format!("client_id={}", self.client_id),
                "--secret",
                "client_secret=env:SYNCDECK_BENCH_SECRET",
            ])
            .env("SYNCDECK_BENCH_SECRET", &self.client_secret)
            .stdout(Stdio::piped())
            .spawn()?;
        let watch = watch_memory(process.id());
        let output = process.stdout.take().context("the output of syncdeckctl")?;
        let printed: Value = serde_json::from_reader(output).context("what syncdeckctl printed")?;
        process.wait()?;
        let secs = began.elapsed().as_secs_f64();
        let runs = printed["runs"].as_array().filter(|runs| !runs.is_empty());
        let runs = runs.with_context(|| format!("nothing was synced: {printed}"))?;
        let (mut rows, mut first, mut last) = (0.0, DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC);
        for run in runs {
            let at = |name: &str| -> Result<DateTime<Utc>> { Ok(run[name].as_str().context("a moment")?.parse()?) };
            (first, last) = (first.min(at("started_at")?), last.max(at("ended_at")?));
            if run["state"] != "done" {
                bail!("a sync ended otherwise: {run}");
            }
            rows += run["progress"]["rows"].as_f64().context("the run's rows")?;
        }
        let megabytes = watch.join().ok().flatten();
        let secs = match timed {
            Timed::Program => secs,
            Timed::Runs => (last - first).as_seconds_f64(),
        };
        Ok(Measured { rows, secs, megabytes })
    }

    fn ctl(&self, folder: &Path) -> Command {
        let mut command = Command::new(built("syncdeckctl"));
        command
            .args(["--json", "--url-map", &format!("https://ads.vk.com={}", self.url), "--workspace"])
            .arg(folder)
            .env("SYNCDECK_PASSPHRASE", "a passphrase for measuring");
        command
    }
}

/// A folder of our own that goes with us.
struct Folder(PathBuf);

impl Folder {
    fn fresh() -> Result<Self> {
        let folder = kept_in(&std::process::id().to_string());
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A leftover lies in `target` and is removed by the next run.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A folder of the bench that stays.
fn kept_in(name: &str) -> PathBuf {
    target().join("bench").join(name)
}

fn built(name: &str) -> PathBuf {
    target().join("release").join(Path::new(name).with_extension(std::env::consts::EXE_EXTENSION))
}

/// Notes the most memory a process ever held until it ends. Linux tells; elsewhere nothing is printed.
fn watch_memory(process: u32) -> thread::JoinHandle<Option<f64>> {
    thread::spawn(move || {
        let mut most = None;
        while let Ok(status) = fs::read_to_string(format!("/proc/{process}/status")) {
            let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let Some(kilobytes) = peak.and_then(|text| text.trim().trim_end_matches(" kB").parse::<f64>().ok()) else {
                break;
            };
            most = Some(kilobytes / 1024.0);
            thread::sleep(Duration::from_millis(50));
        }
        most
    })
}
