//! The fault laboratory: scenarios that a dice makes instead of somebody who thought of them. Each is one to three faults of the platform,
//! somewhere in the middle of a run, together with something that happens to the program or the computer meanwhile. Whatever it is, the
//! run ends, and either everything is true or the person is told why not and has what they had before; and when the fault is over,
//! one ordinary run makes everything true.
//!
//! A short cut runs with every test; `cargo xtask faults` runs thousands. A scenario is made of its seed and number alone, so that the
//! one that failed can be run again by itself.

use crate::harness::{Office, Seen, Wish, small, today};
use anyhow::{Context, Result, bail, ensure};
use api::wire::{DraftCommitted, DraftState, RunDetail};
use chrono::{Days, NaiveDate, TimeDelta};
use kit::clock::Clock as _;
use model::{
    ad::Level,
    connection::ConnectionState,
    failure::{Code, FailureKind},
    id::{ClientId, ConnectionId, RunId},
    run::RunState,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind},
    vk_ads::Key,
    world,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Scenarios of an ordinary test run.
const SHORT: u64 = 100;
/// Scenarios that one workspace lives through, before a fresh one takes its place.
const LIFE_OF_A_SHOP: u64 = 50;
/// Workspaces at a time.
const SHOPS: usize = 3;
/// Days that each connection has, all of them read again by every run.
const DAYS: u32 = 10;
/// More requests than this in one run are a storm.
const STORM: u64 = 1_000;

/// What happens besides the faults.
#[derive(Debug, Clone, Copy)]
enum Life {
    Nothing,
    /// The program is quit after so many requests, and started again.
    Quit(u64),
    /// A person stops the run after so many requests.
    Stop(u64),
    /// The clock jumps by so many minutes after so many requests.
    ClockJump(i64, u64),
    /// A day has passed: a new one is read, and the old ones have changed.
    DayPasses,
    /// Only some days are asked for, so many and so long ago.
    Recollect(u64, u64),
    /// The button is pressed again and again.
    Impatience,
}

/// One scenario.
#[derive(Debug)]
struct Scenario {
    faults: Vec<Fault>,
    life: Life,
}

impl Scenario {
    /// The scenario of this number; the same for the same seed.
    fn of(seed: u64, number: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let life = match dice.random_range(0..12) {
            0 | 1 => Life::Quit(dice.random_range(1..20)),
            2 => Life::Stop(dice.random_range(1..20)),
            3 | 4 => Life::ClockJump(dice.random_range(-4_320..4_320), dice.random_range(1..12)),
            5 => Life::DayPasses,
            6 | 7 => Life::Recollect(dice.random_range(1..u64::from(DAYS)), dice.random_range(1..5)),
            8 => Life::Impatience,
            _ => Life::Nothing,
        };
        let count = dice.random_range(1..=3);
        Self { faults: (0..count).map(|_| fault(&mut dice)).collect(), life }
    }
}

fn fault(dice: &mut StdRng) -> Fault {
    let status = [500, 502, 503, 504][dice.random_range(0..4)];
    let kind = match dice.random_range(0..24) {
        0 => FaultKind::RevokeToken,
        1 => FaultKind::ExpireToken,
        2 => FaultKind::ExpireAllTokens,
        3 => FaultKind::WrongKey,
        4 | 5 => FaultKind::Throttle { retry_after: Some(dice.random_range(0..5_000)) },
        6 => FaultKind::Throttle { retry_after: None },
        7..=9 => FaultKind::ServerError { status },
        10 => FaultKind::Slow { millis: dice.random_range(1..60) },
        11 | 12 => FaultKind::TruncatedBody,
        13 => FaultKind::BrokenJson,
        14 | 15 => FaultKind::Reset,
        16 => FaultKind::Html { status: [200, 403, 502][dice.random_range(0..3)] },
        17 => FaultKind::LyingTotal { delta: dice.random_range(-5..=5) },
        18 => FaultKind::HugePage { bytes: dice.random_range(1..3 << 20) },
        19 => FaultKind::UnknownEnum,
        20 => FaultKind::NewFields,
        21 => FaultKind::DuplicateRows,
        22 => FaultKind::EmptyAccount,
        _ => FaultKind::MissingField {
            field: ["rows", "items", "id", "spent", "date"][dice.random_range(0..5)].to_owned(),
        },
    };
    let paths = ["", "statistics/", "statistics/banners", "ad_plans.json", "ad_groups.json", "banners.json", "oauth2/"];
    let fault = Fault::always(kind).on(paths[dice.random_range(0..paths.len())]).after(dice.random_range(0..6));
    if dice.random_range(0..5) == 0 { fault } else { fault.times(dice.random_range(1..5)) }
}

/// One connection with healthy data, to which everything happens.
struct Shop {
    office: Office,
    client: ClientId,
    connection: ConnectionId,
    key: Key,
    /// Days that have passed.
    passed: u32,
}

type ByDay = BTreeMap<(String, NaiveDate), Seen>;

impl Shop {
    async fn open() -> Result<Self> {
        let office = Office::open(small()).await?;
        let key = office.platform().keys().remove(0);
        let client = office.client("Кофейни Север").await?.id;
        let wish = Wish { key: &key, cabinets: &[0], client, first_load_days: DAYS, lookback_days: DAYS };
        let committed = office.connect(&wish).await?;
        office.done(&committed.run_ids).await?;
        Ok(Self { client, connection: committed.connection_ids[0], office, key, passed: 0 })
    }

    fn yesterday(&self) -> NaiveDate {
        today() + Days::new(u64::from(self.passed)) - Days::new(1)
    }

    /// The days that every run reads again.
    fn days(&self) -> (NaiveDate, NaiveDate) {
        (self.yesterday() - Days::new(u64::from(DAYS) - 1), self.yesterday())
    }

    /// What is shown, level by level and day by day.
    async fn shown(&self) -> Result<ByDay> {
        let (from, to) = self.days();
        let mut shown = ByDay::new();
        for level in [Level::Campaign, Level::AdGroup, Level::Ad] {
            for day in self.office.stats(self.client, level, from, to).await?.days {
                shown.insert((level.to_string(), day.date), Seen::of(&day.sums));
            }
        }
        Ok(shown)
    }

    /// What the platform knows, by day. It is the same at each level.
    fn truth(&self) -> Result<BTreeMap<NaiveDate, Seen>> {
        let (from, to) = self.days();
        let days = self.office.platform().truth().days(self.key.cabinets[0].id, from, to).context("days")?;
        Ok(days.into_iter().map(|(day, figures): (NaiveDate, world::Figures)| (day, figures.into())).collect())
    }

    async fn is_true(&self) -> Result<()> {
        let (from, to) = self.days();
        self.office.is_true(self.client, &[self.key.cabinets[0].id], from, to).await
    }

    /// Each day is as it was or as it is in truth, and nothing between.
    async fn is_whole(&self, before: &ByDay) -> Result<()> {
        let truth = self.truth()?;
        for ((level, day), seen) in self.shown().await? {
            let was = before.get(&(level.clone(), day)).copied().unwrap_or_default();
            let is = truth.get(&day).copied().unwrap_or_default();
            ensure!(seen == was || seen == is, "{day} at {level}: shown {seen:?}, before {was:?}, in truth {is:?}");
        }
        Ok(())
    }

    /// Lives through a scenario; whether it can live through another.
    async fn suffers(&mut self, scenario: &Scenario) -> Result<bool> {
        if matches!(scenario.life, Life::DayPasses) {
            self.office.advance_days(1);
            self.passed += 1;
        }
        let now = self.office.clock.now();
        let before = self.shown().await?;
        let switches = self.office.platform().faults();
        for fault in &scenario.faults {
            switches.add(fault.clone());
        }
        let requests = self.office.platform().requests().count_of("");
        let range = match scenario.life {
            Life::Recollect(back, length) => {
                let from = self.yesterday() - Days::new(back - 1);
                Some((from, (from + Days::new(length - 1)).min(self.yesterday())))
            }
            _ => None,
        };
        let run = self.office.start(self.connection, range).await?;
        let run = self.lives(scenario.life, run, requests).await?;
        self.office.ended(run).await?;
        let detail = self.office.run(run).await?;
        let sent = self.office.platform().requests().count_of("") - requests;
        ensure!(sent < STORM, "{sent} requests in one run");
        self.ends_well(&detail, range.is_some(), &before).await.with_context(|| told(&detail))?;
        // However long it waited or its clock jumped: for the platform no time has passed.
        self.office.clock.set(now);
        self.heals().await.context("after the faults")
    }

    /// What happens while the run is under way; the answer is the run that is looked at afterwards.
    async fn lives(&mut self, life: Life, run: RunId, requests: u64) -> Result<RunId> {
        match life {
            Life::Nothing | Life::DayPasses | Life::Recollect(..) => {}
            Life::Quit(after) => {
                self.until(run, requests + after).await?;
                self.office.restart().await;
            }
            Life::Stop(after) => {
                self.until(run, requests + after).await?;
                // It may have ended a moment ago, which is as good.
                let _: Value = self.office.ask("run_cancel", json!({ "id": run })).await?;
            }
            Life::ClockJump(minutes, after) => {
                self.until(run, requests + after).await?;
                self.office.clock.set(self.office.clock.now() + TimeDelta::minutes(minutes));
            }
            Life::Impatience => {
                for _ in 0..5 {
                    let again = self.office.call(
                        "run_start",
                        json!({ "connection_id": self.connection, "client_id": null, "range": null }),
                    );
                    // A connection that needs a sign-in says so.
                    if let Ok(started) = again.await {
                        let latest: RunId = serde_json::from_value(started["run_ids"][0].clone())?;
                        self.office.ended(run).await?;
                        return Ok(latest);
                    }
                }
            }
        }
        Ok(run)
    }

    /// Waits until so many requests have arrived, or the run is over.
    async fn until(&self, run: RunId, requests: u64) -> Result<()> {
        let until = tokio::time::Instant::now() + Duration::from_mins(1);
        while self.office.platform().requests().count_of("") < requests
            && !self.office.run(run).await?.run.state.is_over()
        {
            ensure!(tokio::time::Instant::now() < until, "the run neither asks nor ends");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    async fn ends_well(&self, detail: &RunDetail, some_days: bool, before: &ByDay) -> Result<()> {
        match detail.run.state {
            RunState::Done if some_days => self.is_whole(before).await,
            RunState::Done => self.is_true().await,
            RunState::DoneWithRemarks => {
                ensure!(detail.run.progress.quarantined > 0 && !detail.quarantine.is_empty(), "remarks about nothing");
                Ok(())
            }
            RunState::Stopped => self.is_whole(before).await,
            RunState::Failed => {
                let failure = detail.run.failure.as_ref().context("no reason is told")?;
                ensure!(failure.kind != FailureKind::OurFault && failure.code != Code::Internal, "{failure:?}");
                ensure!(failure.params.get("system").is_some_and(|system| system == "vk_ads"), "{failure:?}");
                ensure!((failure.kind == FailureKind::WaitUntil) == failure.retry_at.is_some(), "{failure:?}");
                let row = self.office.connection(self.connection).await?.connection;
                let needs_person = failure.kind == FailureKind::SignInAgain;
                ensure!(
                    (row.state == ConnectionState::SignInNeeded) == needs_person,
                    "{} after {failure:?}",
                    row.state
                );
                self.is_whole(before).await
            }
            state => bail!("{state} is no end"),
        }
    }

    /// The faults are over: after signing in where that is asked for, one ordinary run makes everything true. Whether signing in was possible.
    async fn heals(&mut self) -> Result<bool> {
        self.office.platform().faults().clear();
        // Waits that the faults caused are over, too.
        self.office.clock.advance(Duration::from_hours(2));
        if self.office.connection(self.connection).await?.connection.state == ConnectionState::SignInNeeded {
            let draft = self.office.tested(&self.key, Some(self.connection)).await?;
            // The platform gives so many tokens to a user and no more until some end; only its own cabinet can help then.
            let codes = draft.steps.iter().filter_map(|step| Some(step.failure.as_ref()?.code));
            if codes.clone().any(|code| code == Code::TokenLimit) {
                return Ok(false);
            }
            ensure!(draft.state == DraftState::Ready, "{draft:?}");
            let request = json!({
                "draft_id": draft.id, "picks": [], "streams": [], "lookback_days": 1, "first_load_days": 1, "vat": "unknown",
            });
            let again: DraftCommitted = self.office.ask("draft_commit", request).await?;
            self.office.done(&again.run_ids).await?;
        } else {
            self.office.sync(self.connection).await?;
        }
        self.office.clock.advance(Duration::from_hours(22));
        self.office.platform().calendar().advance_days(1);
        self.passed += 1;
        self.office.sync(self.connection).await?;
        self.is_true().await?;
        Ok(true)
    }
}

fn told(detail: &RunDetail) -> String {
    format!("{} {:?}", detail.run.state, detail.run.failure)
}

/// A number from the environment.
fn wish(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_the_run_ends_nothing_is_lost_and_nothing_doubled() -> Result<()> {
    let seed = wish("SYNCDECK_FAULT_SEED").unwrap_or_else(rand::random);
    let count = wish("SYNCDECK_FAULT_SCENARIOS").unwrap_or(SHORT);
    let first = wish("SYNCDECK_FAULT_FIRST").unwrap_or(0);
    println!("{count} scenarios from number {first} with seed {seed}");
    let next = Arc::new(AtomicU64::new(first));
    let workers: Vec<_> = (0..SHOPS).map(|_| tokio::spawn(work(seed, Arc::clone(&next), first + count))).collect();
    let mut wrong = Vec::new();
    for worker in workers {
        wrong.extend(worker.await??);
    }
    ensure!(wrong.is_empty(), "{} of {count} scenarios of seed {seed}:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// Takes scenarios until there are no more; tells those that went wrong.
async fn work(seed: u64, next: Arc<AtomicU64>, end: u64) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut lived = 0;
    let mut shop = Shop::open().await?;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            shop.office.host.shutdown().await;
            return Ok(wrong);
        }
        let scenario = Scenario::of(seed, number);
        lived += 1;
        let outcome = shop.suffers(&scenario).await;
        if let Err(error) = &outcome {
            println!("number {number}: {scenario:?}: {error:#}");
            wrong.push(format!("number {number}: {scenario:?}: {error:#}"));
        }
        if !outcome.unwrap_or(false) || lived % LIFE_OF_A_SHOP == 0 {
            shop.office.host.shutdown().await;
            shop = Shop::open().await?;
        }
    }
}
