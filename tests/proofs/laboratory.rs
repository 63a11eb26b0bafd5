//! The fault laboratory: scenarios that a dice makes instead of somebody who thought of them. Each is one to three faults of the platform,
//! somewhere in the middle of a run, together with something that happens to the program or the computer meanwhile. Whatever it is, the
//! run ends or is parked until the platform allows more, and either everything is true or the person is told why not and has what they had
//! before; and when the fault is over, one ordinary run makes everything true.
//!
//! A short cut runs with every test; `cargo xtask faults` runs thousands and says which kinds there were and how they ended. A scenario is
//! made of its seed and number alone, so that the one that failed can be run again by itself. One in ten is about whole processes
//! (`processes`): they are killed, meet a full disk, or are two.

mod processes;
mod tally;

use crate::{
    harness::{Office, is_at_rest, small, today},
    shop::{ByDay, Shop},
};
use anyhow::{Context, Result, bail, ensure};
use api::wire::RunDetail;
use chrono::{Days, TimeDelta};
use kit::clock::Clock as _;
use model::{
    connection::ConnectionState,
    failure::{Code, FailureKind},
    id::RunId,
    run::RunState,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind, Hint},
    vk_ads::{Scenario as World, TokenRules},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tally::{Ended, Met, Tally};

/// Scenarios of an ordinary test run.
const SHORT: u64 = 100;
/// Of so many scenarios one is about processes.
const ONE_IN: u64 = 10;
/// Scenarios that one workspace lives through, before a fresh one takes its place.
const LIFE_OF_A_SHOP: u64 = 50;
/// Workspaces at a time, besides those of processes.
const SHOPS: usize = 3;
/// Workspaces at a time whose processes are disturbed.
const HOUSES: usize = 2;
/// Days that each connection has, all of them read again by every run.
const DAYS: u32 = 10;
/// Objects on a page of the platform: its lists have several.
const PAGE: u32 = 7;
/// Silence after which a platform does not answer. Short, because it passes in real time.
const SILENCE: Duration = Duration::from_millis(1_500);
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

impl Life {
    fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Nothing => return None,
            Self::Quit(_) => "life: quit and started again",
            Self::Stop(_) => "life: stopped by a person",
            Self::ClockJump(..) => "life: clock jumps",
            Self::DayPasses => "life: a day passes",
            Self::Recollect(..) => "life: some days read again",
            Self::Impatience => "life: button pressed again and again",
        })
    }
}

/// One scenario.
#[derive(Debug)]
struct Scenario {
    faults: Vec<Fault>,
    life: Life,
}

/// The dice of this scenario; the same for the same seed.
fn dice(seed: u64, number: u64) -> StdRng {
    StdRng::seed_from_u64(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

impl Scenario {
    /// The scenario of this number.
    fn of(seed: u64, number: u64) -> Self {
        let mut dice = dice(seed, number);
        let life = match dice.random_range(0..12) {
            0 | 1 => Life::Quit(dice.random_range(1..30)),
            2 => Life::Stop(dice.random_range(1..30)),
            3 | 4 => Life::ClockJump(dice.random_range(-4_320..4_320), dice.random_range(1..20)),
            5 => Life::DayPasses,
            6 | 7 => Life::Recollect(dice.random_range(1..u64::from(DAYS)), dice.random_range(1..5)),
            8 => Life::Impatience,
            _ => Life::Nothing,
        };
        let count = dice.random_range(1..=3);
        let mut faults: Vec<Fault> = (0..count).map(|_| fault(&mut dice)).collect();
        // What is said while a token is renewed is heard only when one has to be.
        if faults.iter().any(|fault| fault.path.as_deref() == Some(SIGN_IN)) {
            faults.push(Fault::once(FaultKind::ExpireToken).after(dice.random_range(0..12)));
        }
        Self { faults, life }
    }
}

/// Where tokens are handed out.
const SIGN_IN: &str = "oauth2/";

fn fault(dice: &mut StdRng) -> Fault {
    use FaultKind::{
        Appear, BrokenJson, Drip, DuplicateRows, EmptyAccount, EmptyBody, ErrorInside, ExpireAllTokens, ExpireToken,
        Hang, Html, HugePage, LostAnswer, LyingTotal, MalformedText, MissingField, NewFields, Redirect, RepeatPage,
        Reset, RevokeScope, RevokeToken, ServerError, ShuffledPage, Slow, Throttle, TruncatedBody, UnknownEnum, Vanish,
        WrongEncoding, WrongKey, WrongLength,
    };
    let status = [500, 502, 503, 504][dice.random_range(0..4)];
    let kind = match dice.random_range(0..44) {
        0 => RevokeToken,
        1 => ExpireToken,
        2 => ExpireAllTokens,
        3 => WrongKey,
        4..=8 => Throttle { hint: hint(dice) },
        9..=12 => ServerError { status },
        13 => Slow { millis: dice.random_range(1..60) },
        14 | 15 => TruncatedBody,
        16 => BrokenJson,
        17 | 18 => Reset,
        19 => Html { status: [200, 403, 502][dice.random_range(0..3)] },
        20 => LyingTotal { delta: dice.random_range(-5..=5) },
        21 => HugePage { bytes: dice.random_range(1..3 << 20) },
        22 => UnknownEnum,
        23 => NewFields,
        24 => DuplicateRows,
        25 => EmptyAccount,
        26 => Hang,
        27 => Drip { bytes: dice.random_range(1..60), millis: dice.random_range(5..50) },
        28 => {
            let codes = ["ERR_INTERNAL", "ERR_ACCESS_DENIED", "ERR_WRONG_DATE", "expired_token", "no_such_code"];
            ErrorInside { code: codes[dice.random_range(0..codes.len())].to_owned() }
        }
        29 => RevokeScope,
        30 => WrongLength,
        31 => WrongEncoding,
        32 => EmptyBody,
        33 => MalformedText,
        34 | 35 => LostAnswer,
        36 => {
            let places = ["", "/hq/login", "http://192.168.88.1/login", "https://"];
            Redirect { to: places[dice.random_range(0..places.len())].to_owned() }
        }
        37 => RepeatPage,
        38 => ShuffledPage,
        39 | 40 => Vanish,
        41 => Appear,
        _ => MissingField { field: ["rows", "items", "id", "spent", "date"][dice.random_range(0..5)].to_owned() },
    };
    let paths = ["", "statistics/", "statistics/banners", "ad_plans.json", "ad_groups.json", "banners.json", SIGN_IN];
    let path = match kind {
        // Only lists have pages.
        RepeatPage | ShuffledPage | Vanish | Appear => ["", "banners.json", "ad_groups.json"][dice.random_range(0..3)],
        WrongKey => SIGN_IN,
        _ => paths[dice.random_range(0..paths.len())],
    };
    let fault = Fault::always(kind).on(path).after(dice.random_range(0..6));
    match dice.random_range(0..10) {
        0 | 1 => fault,
        // A burst that outlasts the usual repetitions of several requests.
        2 => fault.times(dice.random_range(5..16)),
        _ => fault.times(dice.random_range(1..5)),
    }
}

/// All the ways in which a platform says when to come back.
fn hint(dice: &mut StdRng) -> Hint {
    let secs = if dice.random_range(0..4) == 0 { 0 } else { dice.random_range(1..5_000) };
    match dice.random_range(0..8) {
        0 | 1 => Hint::After { secs },
        2 => Hint::Date { secs },
        3 => Hint::ResetAt { secs },
        4 => Hint::ResetIn { secs },
        5 => Hint::Windows,
        6 => Hint::Body,
        _ => Hint::Nonsense,
    }
}

/// The world of the laboratory: refresh tokens are rotated, the harder of the vendor's two rules.
fn world() -> World {
    World { tokens: TokenRules { rotate_refresh: true, ..TokenRules::default() }, ..small() }
}

async fn open() -> Result<Shop> {
    let mut office = Office::open(world()).await?;
    office.page_size = Some(PAGE);
    office.impatient(SILENCE).await;
    Shop::open(office, today(), DAYS).await
}

impl Shop {
    /// Lives through a scenario: how it ended, and whether it can live through another.
    async fn suffers(&mut self, scenario: &Scenario) -> Result<Met> {
        if matches!(scenario.life, Life::DayPasses) {
            self.office.advance_days(1);
            self.today = self.today + Days::new(1);
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
                let yesterday = self.range().1;
                let from = yesterday - Days::new(back - 1);
                Some((from, (from + Days::new(length - 1)).min(yesterday)))
            }
            _ => None,
        };
        let run = self.office.start(self.connection, range).await?;
        let run = self.lives(scenario.life, run, requests).await?;
        self.office.ended(run).await?;
        let detail = self.office.run(run).await?;
        let sent = self.office.platform().requests().count_of("") - requests;
        ensure!(sent < STORM, "{sent} requests in one run");
        let struck: Vec<(String, bool)> = self
            .office
            .platform()
            .faults()
            .list()
            .iter()
            .map(|armed| (label(&armed.fault.kind), armed.struck > 0))
            .collect();
        let ended = self.ends_well(&detail, range.is_some(), &before).await.with_context(|| told(&detail))?;
        // However long it waited or its clock jumped: for the platform no time has passed.
        self.office.clock.set(now);
        // A token may have died in an answer that got lost. The next run meets it and says so.
        let killed = scenario.faults.iter().any(|fault| fault.kind == FaultKind::RevokeToken);
        if killed && scenario.faults.len() > 1 && !self.is_signed_out().await? {
            self.office.platform().faults().clear();
            let run = self.office.start(self.connection, None).await?;
            let ended = self.office.ended(run).await?;
            let said = ended.failure.is_some_and(|failure| failure.kind == FailureKind::SignInAgain);
            ensure!(said == self.is_signed_out().await?, "a dead sign-in is not told");
        }
        let healed = self.heals().await.context("after the faults")?;
        let life = scenario.life.name().map(|name| (name.to_owned(), true));
        Ok(Met { kinds: struck.into_iter().chain(life).collect(), ended, healed })
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
        while self.office.platform().requests().count_of("") < requests && !is_at_rest(&self.office.run(run).await?.run)
        {
            ensure!(tokio::time::Instant::now() < until, "the run neither asks nor ends");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    async fn ends_well(&self, detail: &RunDetail, some_days: bool, before: &ByDay) -> Result<Ended> {
        match detail.run.state {
            RunState::Done => {
                if some_days {
                    self.is_whole(before).await?;
                } else {
                    self.is_true().await?;
                }
                Ok(Ended::True)
            }
            RunState::DoneWithRemarks => {
                ensure!(detail.run.progress.quarantined > 0 && !detail.quarantine.is_empty(), "remarks about nothing");
                Ok(Ended::Remarks)
            }
            RunState::Stopped => {
                self.is_whole(before).await?;
                Ok(Ended::Stopped)
            }
            RunState::Failed => {
                let failure = detail.run.failure.as_ref().context("no reason is told")?;
                ensure!(failure.kind != FailureKind::OurFault && failure.code != Code::Internal, "{failure:?}");
                ensure!(failure.params.get("system").is_some_and(|system| system == "vk_ads"), "{failure:?}");
                ensure!(failure.kind != FailureKind::WaitUntil && failure.retry_at.is_none(), "{failure:?}");
                let row = self.office.connection(self.connection).await?.connection;
                let needs_person = failure.kind == FailureKind::SignInAgain;
                ensure!(
                    (row.state == ConnectionState::SignInNeeded) == needs_person,
                    "{} after {failure:?}",
                    row.state
                );
                self.is_whole(before).await?;
                Ok(Ended::Failed)
            }
            RunState::Waiting => {
                let quota = detail.run.failure.as_ref().context("no reason is told")?;
                ensure!(quota.kind == FailureKind::WaitUntil && quota.retry_at.is_some(), "{quota:?}");
                ensure!(detail.run.waiting_until > quota.retry_at, "{:?}", detail.run);
                let row = self.office.connection(self.connection).await?.connection;
                let said = row.failure.as_ref().is_some_and(|said| said.kind == FailureKind::WaitUntil);
                ensure!(row.state == ConnectionState::Active && said && row.running.is_none(), "{row:?}");
                self.is_whole(before).await?;
                Ok(Ended::Parked)
            }
            state => bail!("{state} is no end"),
        }
    }

    /// The faults are over, a day has passed, and everything is true again. Whether signing in was possible where it was needed.
    async fn heals(&mut self) -> Result<bool> {
        self.office.platform().faults().clear();
        // Waits that the faults caused are over, too.
        self.office.clock.advance(Duration::from_hours(2));
        if !self.in_order().await? {
            return Ok(false);
        }
        self.is_true().await.context("after one ordinary run")?;
        self.office.clock.advance(Duration::from_hours(22));
        self.office.platform().calendar().advance_days(1);
        self.today = self.today + Days::new(1);
        self.office.sync(self.connection).await?;
        self.is_true().await?;
        Ok(true)
    }
}

/// A kind of fault in the table at the end.
fn label(kind: &FaultKind) -> String {
    match kind {
        FaultKind::Throttle { hint } => {
            let style = match hint {
                Hint::After { .. } => "Retry-After in seconds",
                Hint::Date { .. } => "Retry-After as a date",
                Hint::ResetAt { .. } => "X-RateLimit-Reset, an instant",
                Hint::ResetIn { .. } => "RateLimit-Reset, seconds",
                Hint::Windows => "the vendor's headers and body",
                Hint::Body => "the vendor's body alone",
                Hint::Nonsense => "headers nobody can read",
            };
            format!("429: {style}")
        }
        kind => kind.name().replace('_', " "),
    }
}

fn told(detail: &RunDetail) -> String {
    format!("{} {:?}", detail.run.state, detail.run.failure)
}

/// A number from the environment.
fn wish(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Whether the scenario of this number is about processes.
fn is_about_processes(number: u64) -> bool {
    number % ONE_IN == ONE_IN - 1
}

/// The numbers of the scenarios still to come, for several to take from.
struct Numbers {
    next: AtomicU64,
    end: u64,
    about_processes: bool,
}

impl Numbers {
    fn take(&self) -> Option<u64> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.end {
                return None;
            }
            if is_about_processes(number) == self.about_processes {
                return Some(number);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_the_run_ends_nothing_is_lost_and_nothing_doubled() -> Result<()> {
    let seed = wish("SYNCDECK_FAULT_SEED").unwrap_or_else(rand::random);
    let count = wish("SYNCDECK_FAULT_SCENARIOS").unwrap_or(SHORT);
    let first = wish("SYNCDECK_FAULT_FIRST").unwrap_or(0);
    println!("{count} scenarios from number {first} with seed {seed}");
    let begun = Instant::now();
    let numbers = |about_processes| {
        Arc::new(Numbers { next: AtomicU64::new(first), end: first.saturating_add(count), about_processes })
    };
    let (of_shops, of_houses) = (numbers(false), numbers(true));
    let shops = (0..SHOPS).map(|_| tokio::spawn(in_shops(seed, Arc::clone(&of_shops))));
    let houses = (0..HOUSES).map(|_| tokio::spawn(processes::in_houses(seed, Arc::clone(&of_houses))));
    let workers: Vec<_> = shops.chain(houses).collect();
    let mut tally = Tally::default();
    for worker in workers {
        tally.merge(worker.await??);
    }
    println!("{tally}in {:.0?}, seed {seed}", begun.elapsed());
    ensure!(
        tally.wrong.is_empty(),
        "{} of {count} scenarios of seed {seed}:\n{}",
        tally.wrong.len(),
        tally.wrong.join("\n")
    );
    ensure!(tally.scenarios() == count, "{} of {count} scenarios were played", tally.scenarios());
    Ok(())
}

/// Takes scenarios until there are no more.
async fn in_shops(seed: u64, numbers: Arc<Numbers>) -> Result<Tally> {
    let (mut tally, mut lived) = (Tally::default(), 0);
    let mut shop: Option<Shop> = None;
    while let Some(number) = numbers.take() {
        let scenario = Scenario::of(seed, number);
        let mut present = match shop.take() {
            Some(shop) => shop,
            None => open().await?,
        };
        lived += 1;
        let outcome = present.suffers(&scenario).await;
        let goes_on = outcome.as_ref().is_ok_and(|met| met.healed) && lived % LIFE_OF_A_SHOP != 0;
        tally.add(number, &scenario, outcome);
        if goes_on {
            shop = Some(present);
        } else {
            present.office.host.shutdown().await;
        }
    }
    if let Some(shop) = shop {
        shop.office.host.shutdown().await;
    }
    Ok(tally)
}
