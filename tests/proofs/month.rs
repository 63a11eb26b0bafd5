//! A month of an agency, in minutes: many connections that share accounts, tokens that end at random, days that are corrected late, a
//! platform that is down twice, a laptop that sleeps every night, over a weekend and is restarted now and then. The clock goes from one
//! wake-up to the next as soon as nobody stirs, and the platform reads the same clock, so its windows, tokens and days are the month's own.
//!
//! A week with fewer connections runs with every test; `cargo xtask month` lives through all of it.

use crate::harness::{Office, Seen, Wish};
use anyhow::{Context, Result, ensure};
use api::{
    contract::Event,
    wire::{DayCell, RunPage, RunRow, SyncBoard},
};
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, TimeZone, Utc, Weekday};
use kit::{clock::Clock as _, testing::SteppedClock};
use model::{
    ad::Level,
    failure::FailureKind,
    id::{ClientId, ConnectionId, RunId},
    run::{RunState, RunTrigger},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::json;
use simulators::{
    calendar::{TimeFlow, Watch},
    faults::{Fault, FaultKind},
    vk_ads::{Limits, Scenario, TokenRules, Usage},
    world::WorldSize,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// How much of a month.
#[derive(Debug, Clone, Copy)]
struct Size {
    days: u32,
    /// Cabinets of each of the two agencies.
    cabinets: usize,
    /// Clients that each share all cabinets: so many connections count for one account.
    clients: usize,
}

const SHORT: Size = Size { days: 8, cabinets: 3, clients: 2 };
const WHOLE: Size = Size { days: 30, cabinets: 20, clients: 5 };

/// Requests that a cabinet allows on one resource.
///
/// Seconds are left wide: the clock may go on while a request is on its way, and then it counts for another second than was meant.
const LIMITS: Limits = Limits { per_second: 1_000, per_hour: 40, per_day: 240 };
/// Days that each connection reads at first, and again every morning.
const FIRST_LOAD: u32 = 10;
const LOOKBACK: u32 = 4;
/// Days that are collected again until an account's quota is used up.
const LONG_AGO: u64 = 55;
/// When nobody works, the clock goes on by this much: the scheduler looks more often than anything happens.
const GRAIN: TimeDelta = TimeDelta::minutes(1);
/// A run that neither asks nor sleeps for so long, in real time, is not waited for: somewhere a word of it was lost.
const STILL: Duration = Duration::from_secs(5);
/// The lid is open between these hours of Moscow.
const OPENS: u32 = 9;
const CLOSES: u32 = 19;

/// The first day: a Monday.
fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 2).unwrap()
}

/// An hour of a day in Moscow.
fn at(day: NaiveDate, hour: u32) -> DateTime<Utc> {
    Utc.from_utc_datetime(&day.and_hms_opt(hour, 0, 0).unwrap()) - TimeDelta::hours(3)
}

fn moscow(at: DateTime<Utc>) -> chrono::NaiveDateTime {
    (at + TimeDelta::hours(3)).naive_utc()
}

fn scenario(size: Size, clock: &Arc<SteppedClock>) -> Scenario {
    let clock = Arc::clone(clock);
    let demo = Scenario::demo();
    Scenario {
        first_day: Some(first_day() - Days::new(70)),
        size: WorldSize {
            agencies: 2,
            cabinets_per_agency: size.cabinets,
            advertisers: 0,
            campaigns: 3,
            groups: 1,
            ads: 2,
            varied_over_days: Some(60),
        },
        limits: LIMITS,
        tokens: TokenRules { rotate_refresh: true, ..TokenRules::default() },
        time: TimeFlow::Led(Watch(Arc::new(move || clock.now()))),
        gzip: false,
        ..demo
    }
}

/// The runs under way, as the events tell them.
type Active = Arc<Mutex<HashMap<RunId, RunState>>>;

struct Month {
    office: Office<SteppedClock>,
    clients: Vec<ClientId>,
    /// Connections with their account and client.
    connections: BTreeMap<ConnectionId, (u64, ClientId)>,
    active: Active,
    /// Loops of the program that sleep when nothing is to be done.
    loops: usize,
    dice: StdRng,
}

impl Month {
    async fn open(size: Size, seed: u64) -> Result<Self> {
        let clock = SteppedClock::at(at(first_day(), OPENS));
        let folder = tempfile::tempdir()?;
        let scenario = scenario(size, &clock);
        let office = Office::open_at(scenario, folder, "Агентство Полюс", clock, true).await?;
        let mut month = Self {
            office,
            clients: Vec::new(),
            connections: BTreeMap::new(),
            active: Arc::default(),
            loops: 0,
            dice: StdRng::seed_from_u64(seed),
        };
        month.listen();
        month.count_loops().await;
        for number in 1..=size.clients {
            let client = month.office.client(&format!("Клиент {number}")).await?.id;
            month.clients.push(client);
            for key in month.office.platform().keys() {
                let cabinets: Vec<usize> = (0..key.cabinets.len()).collect();
                let wish = Wish {
                    key: &key,
                    cabinets: &cabinets,
                    client,
                    first_load_days: FIRST_LOAD,
                    lookback_days: LOOKBACK,
                };
                let connected = month.office.connect(&wish).await?;
                for (connection, cabinet) in connected.connection_ids.iter().zip(&key.cabinets) {
                    month.connections.insert(*connection, (cabinet.id, client));
                }
            }
        }
        Ok(month)
    }

    fn listen(&self) {
        let (mut events, active) = (self.office.host.events(), Arc::clone(&self.active));
        tokio::spawn(async move {
            use tokio::sync::broadcast::error::RecvError;
            loop {
                match events.recv().await {
                    Ok(Event::RunProgress { run_id, state, .. }) => {
                        let mut active = active.lock().unwrap();
                        let _ = if state.is_over() { active.remove(&run_id) } else { active.insert(run_id, state) };
                    }
                    // What was lost may have been the end of a run; those under way tell themselves again.
                    Err(RecvError::Lagged(_)) => active.lock().unwrap().clear(),
                    Ok(_) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }

    /// What sleeps while nothing is to be done are the program's loops.
    async fn count_loops(&mut self) {
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.loops = self.office.clock.sleepers().0;
    }

    /// Whoever works comes to an end or goes to sleep.
    async fn settle(&self) {
        let clock = &self.office.clock;
        let signs = || (clock.sleepers(), self.office.platform().requests().counts().total);
        let (mut seen, mut since) = (signs(), Instant::now());
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let awake = self.active.lock().unwrap().values().filter(|state| **state != RunState::Queued).count();
            let idle = clock.sleepers().0 >= self.loops + awake;
            let now = signs();
            if now != seen {
                (seen, since) = (now, Instant::now());
            } else if idle || (awake > 0 && since.elapsed() > STILL) {
                return;
            }
        }
    }

    /// Lets time pass with the lid open.
    async fn until(&self, to: DateTime<Utc>) {
        let clock = &self.office.clock;
        loop {
            self.settle().await;
            let now = clock.now();
            if now >= to {
                return;
            }
            let next = clock.next().unwrap_or(to);
            let quiet = self.active.lock().unwrap().is_empty();
            clock.set(if quiet { next.max(now + GRAIN) } else { next }.min(to));
        }
    }

    async fn runs_since(&self, since: DateTime<Utc>) -> Result<Vec<RunRow>> {
        let mut all: Vec<RunRow> = Vec::new();
        loop {
            let before = all.last().map(|run| run.id);
            let request = json!({
                "client_id": null, "connection_id": null, "filter": "all", "before": before, "limit": 500,
            });
            let page: RunPage = self.office.ask("runs_list", request).await?;
            let more = page.more && page.runs.last().is_some_and(|run| run.started_at >= since);
            all.extend(page.runs.into_iter().filter(|run| run.started_at >= since));
            if !more {
                return Ok(all);
            }
        }
    }

    /// Every connection was collected to the end since this moment.
    async fn all_collected_since(&self, since: DateTime<Utc>) -> Result<()> {
        let runs = self.runs_since(since).await?;
        let done: HashSet<ConnectionId> =
            runs.iter().filter(|run| run.state == RunState::Done).map(|run| run.connection_id).collect();
        let missed: HashSet<_> = self.connections.keys().filter(|connection| !done.contains(connection)).collect();
        let instead: Vec<_> = runs.iter().filter(|run| missed.contains(&run.connection_id)).collect();
        ensure!(missed.is_empty(), "{} connections were not collected since {since}: {instead:?}", missed.len());
        Ok(())
    }

    /// Every day that is shown is what the platform said on the day it was last read, to the kopeck, at every level.
    async fn is_true(&self) -> Result<usize> {
        let truth = self.office.platform().truth();
        let mut compared = 0;
        for client in &self.clients {
            let request = json!({ "client_id": client, "days": 60 });
            let board: SyncBoard = self.office.ask("syncs_board", request).await?;
            let mut days: BTreeMap<NaiveDate, Seen> = BTreeMap::new();
            for strip in &board.strips {
                let (cabinet, _) = self.connections[&strip.connection.id];
                for DayCell { date, read_at, .. } in &strip.cells {
                    let Some(read_at) = read_at else { continue };
                    let told = truth.as_of(moscow(*read_at).date());
                    let figures = told.days(cabinet, *date, *date).context("days")?;
                    let figures = figures.get(date).copied().unwrap_or_default();
                    days.entry(*date).or_default().add(figures.into());
                }
            }
            let (from, to) = (board.days.from(), board.days.to());
            for level in [Level::Campaign, Level::AdGroup, Level::Ad] {
                for day in self.office.stats(*client, level, from, to).await?.days {
                    let is = days.get(&day.date).copied().unwrap_or_default();
                    let shown = Seen::of(&day.sums);
                    ensure!(shown == is, "{} at {level}: shown {shown:?}, the platform said {is:?}", day.date);
                    compared += 1;
                }
            }
        }
        Ok(compared)
    }

    /// Collects long past days of one account again and again until its quota is used up for hours; the hours in between are used.
    async fn uses_its_quota(&self, until: DateTime<Utc>) -> Result<Vec<Usage>> {
        let (account, _) = *self.connections.values().next().context("an account")?;
        let began = self.office.clock.now();
        let to = moscow(began).date() - Days::new(1);
        let sharing: Vec<ConnectionId> =
            self.connections.iter().filter(|(_, it)| it.0 == account).map(|(id, _)| *id).collect();
        let mut pressed = 0;
        while self.office.clock.now() < until {
            for connection in &sharing {
                let range = json!({ "from": to - Days::new(LONG_AGO), "to": to });
                let request = json!({ "connection_id": connection, "client_id": null, "range": range });
                // One that still runs, or waits for its quota, says so.
                pressed += usize::from(self.office.call("run_start", request).await.is_ok());
            }
            self.until(self.office.clock.now() + TimeDelta::minutes(5)).await;
        }
        ensure!(pressed > sharing.len(), "nothing could be collected again");
        let hour = |at: DateTime<Utc>| moscow(at).and_utc().timestamp().div_euclid(3_600);
        let between = hour(began) + 1..hour(until);
        let usage = self.office.platform().usage();
        let hours = usage.into_iter().filter(|it| {
            it.user == account && it.resource == "STATISTICS" && it.length == 3_600 && between.contains(&it.number)
        });
        Ok(hours.collect())
    }
}

async fn live(size: Size, seed: u64) -> Result<()> {
    let began = Instant::now();
    let mut month = Month::open(size, seed).await?;
    let connections = month.connections.len();
    println!("{connections} connections of {} accounts, seed {seed}", size.cabinets * 2);
    let mut outages: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    let mut expired = 0;
    for number in 0..size.days {
        let day = first_day() + Days::new(number.into());
        // The second weekend the laptop stays at work, in a drawer.
        if number >= 7 && matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
            continue;
        }
        let opened = at(day, OPENS);
        month.office.clock.set(opened.max(month.office.clock.now()));
        // Some tokens are taken back by the platform in the middle of their life; all others end every day.
        let faults = month.office.platform().faults();
        faults.clear();
        let accounts: BTreeSet<u64> = month.connections.values().map(|(account, _)| *account).collect();
        let accounts: Vec<u64> = accounts.into_iter().collect();
        let chosen: Vec<u64> = accounts.sample(&mut month.dice, accounts.len() / 3).copied().collect();
        for account in chosen {
            let after = month.dice.random_range(0..8);
            faults.add(Fault::once(FaultKind::ExpireToken).of(account).after(after));
            expired += 1;
        }
        match number {
            // Down over noon.
            4 => {
                month.until(at(day, 12)).await;
                let down = month.office.platform().faults().add(Fault::always(FaultKind::ServerError { status: 503 }));
                month.until(at(day, 16)).await;
                month.office.platform().faults().remove(down);
                outages.push((at(day, 12), at(day, 16)));
            }
            // Down all day, until the next afternoon.
            16 => {
                let down = month.office.platform().faults().add(Fault::always(FaultKind::ServerError { status: 502 }));
                month.until(at(day, CLOSES)).await;
                let next = day + Days::new(1);
                month.office.clock.set(at(next, OPENS));
                month.until(at(next, 14)).await;
                month.office.platform().faults().remove(down);
                outages.push((opened, at(next, 14)));
                month.until(at(next, CLOSES)).await;
                month.all_collected_since(at(next, 14)).await?;
                continue;
            }
            17 => continue,
            6 => {
                month.until(at(day, 11)).await;
                let hours = month.uses_its_quota(at(day, 17)).await?;
                let used: Vec<u32> = hours.iter().map(|hour| hour.used).collect();
                println!("hours in which one account had more to do than its quota of {}: {used:?}", LIMITS.per_hour);
                let enough = used.iter().filter(|used| **used * 100 >= LIMITS.per_hour * 95).count();
                ensure!(enough >= 4, "the quota lay idle: {used:?}");
            }
            _ => {}
        }
        month.until(at(day, CLOSES)).await;
        month.all_collected_since(opened).await.with_context(|| format!("on {day}"))?;
        if number % 7 == 6 {
            month.office.restart().await;
            month.active.lock().unwrap().clear();
            month.listen();
            month.count_loops().await;
        }
    }
    let compared = month.is_true().await?;
    let runs = month.runs_since(at(first_day(), 0)).await?;
    let counts = month.office.platform().requests().counts();
    for run in &runs {
        let Some(failure) = &run.failure else { continue };
        let down = outages.iter().any(|(from, to)| run.started_at >= *from && run.started_at <= *to);
        // A quota is no failure: the rest comes when the platform allows it again.
        if failure.kind == FailureKind::WaitUntil {
            continue;
        }
        ensure!(failure.kind == FailureKind::Retry && down, "{run:?}");
    }
    let refused = counts.by_status.get(&429).copied().unwrap_or_default();
    ensure!(refused == 0, "{refused} requests beyond a limit");
    let over = month
        .office
        .platform()
        .usage()
        .into_iter()
        .find(|it| it.used > if it.length == 3_600 { LIMITS.per_hour } else { LIMITS.per_day });
    ensure!(over.is_none(), "{over:?}");
    ensure!(counts.by_status.get(&401).copied().unwrap_or_default() > 0, "no token ever ended");
    let by_schedule = runs.iter().filter(|run| run.trigger == RunTrigger::Schedule).count();
    println!(
        "{} days in {} s: {} runs ({by_schedule} by schedule), {} requests, {} refused for a token and repeated ({expired} \
         tokens ended early), none beyond a limit, {compared} days compared with what the platform said",
        size.days,
        began.elapsed().as_secs(),
        runs.len(),
        counts.total,
        counts.by_status.get(&401).copied().unwrap_or_default(),
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_nobody_has_to_watch() -> Result<()> {
    let whole = std::env::var_os("SYNCDECK_WHOLE_MONTH").is_some();
    let seed = std::env::var("SYNCDECK_MONTH_SEED").ok().and_then(|seed| seed.parse().ok());
    live(if whole { WHOLE } else { SHORT }, seed.unwrap_or_else(rand::random)).await
}
