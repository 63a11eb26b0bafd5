//! Scenarios of whole processes over one workspace: `syncdeckctl sync` is killed at any moment and started again, meets a disk without
//! room, or is not the only one. Afterwards the workspace is opened here and looked at.
//!
//! A full disk is a limit on the size of files that an ordinary user may set for a child (`ulimit -f`): the write that would go beyond
//! it fails in the middle of whatever it belongs to, a commit or the growth of the log, and when the limit is gone there is room again.

use super::{
    DAYS, Numbers, PAGE, dice,
    tally::{Ended, Met, Tally},
    world,
};
use crate::{
    harness::{Office, PASSPHRASE, PLATFORM},
    process::{command, syncdeckctl},
    shop::{ByDay, Shop},
};
use anyhow::{Context, Result, bail, ensure};
use api::wire::RunPage;
use chrono::{Days, Utc};
use rand::RngExt as _;
use serde_json::{Value, json};
use simulators::{
    calendar::moscow_today,
    faults::{Fault, FaultKind},
    vk_ads::Scenario as World,
};
use std::{
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

/// Scenarios that one house lives through.
const LIFE_OF_A_HOUSE: u64 = 20;
/// Longest time that a process may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// What happens to processes.
#[derive(Debug)]
enum Trouble {
    /// Killed again and again: after so many requests each time, and so many microseconds more.
    Kill(Vec<(u64, u64)>),
    /// No file may grow beyond so many KiB.
    DiskFull(u64),
    /// Two at once, the second so many milliseconds later.
    Two(u64),
}

/// One scenario.
#[derive(Debug)]
struct Scenario {
    trouble: Trouble,
    /// How late the platform answers, which stretches a sync.
    slow_millis: u64,
}

impl Scenario {
    fn of(seed: u64, number: u64) -> Self {
        let mut dice = dice(seed, number);
        let trouble = match dice.random_range(0..10) {
            0..=4 => {
                let kills = dice.random_range(1..=3);
                Trouble::Kill((0..kills).map(|_| (dice.random_range(0..25), dice.random_range(0..40_000))).collect())
            }
            // An ulimit is a thing of Unix.
            5..=7 if cfg!(unix) => Trouble::DiskFull(dice.random_range(0..400)),
            _ => Trouble::Two(dice.random_range(0..400)),
        };
        Self { trouble, slow_millis: dice.random_range(0..15) }
    }
}

/// A shop that is open only between scenarios; during them its workspace belongs to processes.
struct House {
    shop: Shop,
    passphrase: PathBuf,
}

impl House {
    async fn open() -> Result<Self> {
        // Processes go by the computer's own clock.
        let today = moscow_today();
        let first_day = Some(today - Days::new(89));
        let mut office = Office::open(World { today: Some(today), first_day, ..world() }).await?;
        office.page_size = Some(PAGE);
        let passphrase = office.folder.path().join("passphrase");
        std::fs::write(&passphrase, PASSPHRASE)?;
        let shop = Shop::open(office, today, DAYS).await?;
        Ok(Self { shop, passphrase })
    }

    /// A sync of its connection as a process of its own.
    fn sync(&self) -> Result<Command> {
        let office = &self.shop.office;
        let map = format!("{PLATFORM}={}", office.platform().base_url);
        let mut command = command(office.dir(), ["--json", "--url-map", &map, "--passphrase-file"])?;
        command.arg(&self.passphrase).args(["sync", "--connection", &self.shop.connection.to_string()]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        Ok(command)
    }

    /// The same, where no file may grow beyond so many KiB.
    fn sync_without_room(&self, kib: u64) -> Result<Command> {
        let sync = self.sync()?;
        let mut command = Command::new("sh");
        // Unless it is ignored, the signal that comes with a write beyond the limit kills. A shell counts in halves of a KiB.
        command.args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"", &(kib * 2).to_string()]);
        command.arg(syncdeckctl()?).args(sync.get_args());
        for (name, value) in sync.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        Ok(command)
    }

    fn requests(&self) -> u64 {
        self.shop.office.platform().requests().count_of("")
    }

    async fn suffers(&mut self, scenario: &Scenario) -> Result<Met> {
        let before = self.shop.shown().await?;
        self.shop.office.host.shutdown().await;
        // Conversions have come in since, so that there is something to read.
        let platform = self.shop.office.platform();
        platform.calendar().advance_days(1);
        platform.faults().clear();
        platform.faults().add(Fault::always(FaultKind::Slow { millis: scenario.slow_millis }));
        let met = match &scenario.trouble {
            Trouble::Kill(moments) => self.killed(moments).await,
            Trouble::DiskFull(kib) => self.without_room(*kib).await,
            Trouble::Two(gap) => self.two(*gap).await,
        };
        self.shop.office.platform().faults().clear();
        let met = met?;
        self.shop.office.clock.set(Utc::now());
        // The workspace opens by itself, whatever was done to it; what was under way goes on.
        self.shop.office.restart().await;
        self.is_well(&met, &before).await?;
        let healed = self.shop.in_order().await.context("after the trouble")?;
        if healed {
            self.shop.is_true().await.context("after one ordinary run")?;
        }
        let request = json!({ "client_id": null, "connection_id": null, "filter": "all", "before": null, "limit": 20 });
        let page: RunPage = self.shop.office.ask("runs_list", request).await?;
        let left = page.runs.iter().find(|run| !run.state.is_over());
        ensure!(left.is_none(), "a run was left behind: {left:?}");
        Ok(Met { healed, ..met })
    }

    async fn is_well(&self, met: &Met, before: &ByDay) -> Result<()> {
        match met.ended {
            Ended::True => self.shop.is_true().await,
            _ => self.shop.is_whole(before).await,
        }
    }

    /// Killed at these moments of its life.
    async fn killed(&self, moments: &[(u64, u64)]) -> Result<Met> {
        let mut struck = false;
        for (requests, micros) in moments {
            let until = self.requests() + requests;
            let mut sync = Guarded(self.sync()?.stdout(Stdio::null()).spawn()?);
            let begun = Instant::now();
            while self.requests() < until && sync.0.try_wait()?.is_none() {
                ensure!(begun.elapsed() < PATIENCE, "a process neither asks nor ends");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_micros(*micros)).await;
            struck |= sync.0.try_wait()?.is_none();
            sync.0.kill()?;
            sync.0.wait()?;
        }
        Ok(Met { kinds: vec![("process: killed".to_owned(), struck)], ended: Ended::Stopped, healed: false })
    }

    async fn without_room(&self, kib: u64) -> Result<Met> {
        let output = ended(self.sync_without_room(kib)?.spawn()?).await?;
        let codes = codes(&output)?;
        ensure!(
            output.status.success() || (!codes.is_empty() && codes.iter().all(|code| code == "disk_full")),
            "{kib} KiB: {}: {codes:?}: {}",
            output.status,
            String::from_utf8_lossy(&output.stdout)
        );
        let ended = if output.status.success() { Ended::True } else { Ended::Failed };
        let struck = !output.status.success();
        Ok(Met { kinds: vec![("process: disk full".to_owned(), struck)], ended, healed: false })
    }

    async fn two(&self, gap: u64) -> Result<Met> {
        let mut first = Guarded(self.sync()?.spawn()?);
        tokio::time::sleep(Duration::from_millis(gap)).await;
        let together = first.0.try_wait()?.is_none();
        let second = self.sync()?.spawn()?;
        let (first, second) = tokio::try_join!(ended_guarded(first), ended(second))?;
        for output in [&first, &second] {
            let codes = codes(output)?;
            let polite = ["database_busy", "already_running"];
            ensure!(
                output.status.success() || (!codes.is_empty() && codes.iter().all(|code| polite.contains(&&**code))),
                "{}: {codes:?}: {}",
                output.status,
                String::from_utf8_lossy(&output.stdout)
            );
        }
        ensure!(first.status.success() || second.status.success(), "neither of two could sync");
        Ok(Met { kinds: vec![("process: two at once".to_owned(), together)], ended: Ended::True, healed: false })
    }
}

/// A process that does not outlive its scenario.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn ended(child: Child) -> Result<Output> {
    ended_guarded(Guarded(child)).await
}

/// Waits for the end of a process and what it printed.
async fn ended_guarded(mut child: Guarded) -> Result<Output> {
    let mut stdout = child.0.stdout.take().context("its output")?;
    let printed = tokio::task::spawn_blocking(move || {
        let mut printed = Vec::new();
        std::io::Read::read_to_end(&mut stdout, &mut printed).map(|_| printed)
    });
    let stdout = match tokio::time::timeout(PATIENCE, printed).await {
        Ok(printed) => printed??,
        Err(_) => bail!("a process hangs"),
    };
    Ok(Output { status: child.0.wait()?, stdout, stderr: Vec::new() })
}

/// The codes of all failures that a program told.
fn codes(output: &Output) -> Result<Vec<String>> {
    let told: Value = serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter::<Value>()
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{}: not JSON: {}", output.status, String::from_utf8_lossy(&output.stdout)))?
        .into();
    let mut codes = Vec::new();
    let mut rest = vec![&told];
    while let Some(value) = rest.pop() {
        match value {
            Value::Object(members) => {
                for name in ["error", "failure"] {
                    codes.extend(members.get(name).and_then(|it| it["code"].as_str()).map(str::to_owned));
                }
                rest.extend(members.values());
            }
            Value::Array(items) => rest.extend(items),
            _ => {}
        }
    }
    Ok(codes)
}

/// Takes scenarios until there are no more.
pub async fn in_houses(seed: u64, numbers: Arc<Numbers>) -> Result<Tally> {
    let (mut tally, mut lived) = (Tally::default(), 0);
    let mut house: Option<House> = None;
    while let Some(number) = numbers.take() {
        let scenario = Scenario::of(seed, number);
        let mut present = match house.take() {
            Some(house) => house,
            None => House::open().await?,
        };
        lived += 1;
        let outcome = present.suffers(&scenario).await;
        let goes_on = outcome.as_ref().is_ok_and(|met| met.healed) && lived % LIFE_OF_A_HOUSE != 0;
        tally.add(number, &scenario, outcome);
        if goes_on {
            house = Some(present);
        } else {
            present.shop.office.host.shutdown().await;
        }
    }
    if let Some(house) = house {
        house.shop.office.host.shutdown().await;
    }
    Ok(tally)
}
