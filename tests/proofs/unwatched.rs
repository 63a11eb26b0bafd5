//! A program that nobody watches: its clock goes from one wake-up to the next as soon as nobody stirs, and the platform reads the same
//! clock, so that windows, tokens and days are those of the time that passes. Days take seconds.

use crate::harness::{Office, Seen, is_parked};
use anyhow::{Context, Result, ensure};
use api::{
    contract::Event,
    host::Host,
    wire::{DayCell, RunDetail, RunPage, RunRow, SyncBoard},
};
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use kit::{clock::Clock as _, testing::SteppedClock};
use model::{
    ad::Level,
    date::DateRange,
    id::{ClientId, ConnectionId, RunId},
    run::RunState,
};
use serde_json::json;
use simulators::{
    calendar::{TimeFlow, Watch},
    vk_ads::{Limits, Scenario, TokenRules},
    world::WorldSize,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// When nobody works, the clock goes on by this much: often enough for what happens by the hour, and less than what counts as a sleep.
const GRAIN: TimeDelta = TimeDelta::minutes(4);
/// Somebody who neither asks nor sleeps for so long, in real time, may rest.
const QUIET: Duration = Duration::from_millis(50);
/// One that does so while another run sleeps waits for that one, as for a sign-in that it renews. In an outage each of many thousand
/// steps takes so long.
const HELD: Duration = Duration::from_millis(25);
/// A run that neither asks nor sleeps for so long is not waited for: somewhere a word of it was lost.
const STILL: Duration = Duration::from_secs(5);

/// The first day: a Monday.
pub fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 2).unwrap()
}

/// An hour of a day in Moscow.
pub fn at(day: NaiveDate, hour: u32) -> DateTime<Utc> {
    Utc.from_utc_datetime(&day.and_hms_opt(hour, 0, 0).unwrap()) - TimeDelta::hours(3)
}

/// What a clock on a wall in Moscow shows.
pub fn moscow(at: DateTime<Utc>) -> NaiveDateTime {
    (at + TimeDelta::hours(3)).naive_utc()
}

/// A small platform with seventy days of history before the first day, so many agencies with so many cabinets each, and these limits.
pub fn platform(agencies: usize, cabinets: usize, limits: Limits) -> Scenario {
    Scenario {
        first_day: Some(first_day() - Days::new(70)),
        size: WorldSize {
            agencies,
            cabinets_per_agency: cabinets,
            advertisers: 0,
            campaigns: 6,
            groups: 2,
            ads: 3,
            varied_over_days: Some(100),
        },
        limits,
        tokens: TokenRules { rotate_refresh: true, ..TokenRules::default() },
        gzip: false,
        ..Scenario::demo()
    }
}

/// The runs under way, as the events tell them.
type Active = Arc<Mutex<HashMap<RunId, RunState>>>;

/// The stream of the totals, which the days of every level are shown with.
const TOTALS: &str = "ad_plan_stats";

/// Days of a connection's totals, and when they were read.
struct TotalsRead {
    connection: ConnectionId,
    days: DateRange,
    at: DateTime<Utc>,
}

/// What takes the clock of a program on, from one wake-up to the next.
pub struct Steps {
    clock: Arc<SteppedClock>,
    host: Host,
    active: Active,
    /// Loops of the program that sleep when nothing is to be done.
    loops: usize,
}

impl Steps {
    /// Of a program that has just started.
    pub async fn of(host: Host, clock: Arc<SteppedClock>) -> Self {
        let active = Active::default();
        let (mut events, told) = (host.events(), Arc::clone(&active));
        tokio::spawn(async move {
            use tokio::sync::broadcast::error::RecvError;
            loop {
                match events.recv().await {
                    Ok(Event::RunProgress { run_id, state, .. }) => {
                        let mut active = told.lock().unwrap();
                        let _ = if state.is_over() { active.remove(&run_id) } else { active.insert(run_id, state) };
                    }
                    // What was lost may have been the end of a run; those under way tell themselves again.
                    Err(RecvError::Lagged(_)) => told.lock().unwrap().clear(),
                    Ok(_) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
        // What sleeps while nothing is to be done are the program's loops.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let loops = clock.sleepers().0;
        Self { clock, host, active, loops }
    }

    /// Whether a run is under way.
    pub fn is_busy(&self) -> bool {
        !self.active.lock().unwrap().is_empty()
    }

    /// Whoever works comes to an end, goes to sleep or is parked. `asked` is how many requests platforms have had.
    async fn settle(&self, asked: &(dyn Fn() -> u64 + Sync)) {
        let signs = || (self.clock.sleepers(), asked());
        let (mut seen, mut since, mut forgot) = (signs(), Instant::now(), false);
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let awake = self.active.lock().unwrap().values().filter(|state| **state != RunState::Queued).count();
            let asleep = self.clock.sleepers().0;
            let idle = asleep >= self.loops + awake;
            let patience = if asleep > self.loops { HELD } else { STILL };
            let now = signs();
            if now != seen {
                (seen, since, forgot) = (now, Instant::now(), false);
            } else if idle || (awake > 0 && since.elapsed() > patience) {
                return;
            } else if !forgot && since.elapsed() > QUIET {
                self.forget_parked().await;
                forgot = true;
            }
        }
    }

    /// Events say that a run waits, not whether anybody waits with it.
    async fn forget_parked(&self) {
        let waiting: Vec<RunId> = {
            let active = self.active.lock().unwrap();
            active.iter().filter(|(_, state)| **state == RunState::Waiting).map(|(id, _)| *id).collect()
        };
        for id in waiting {
            let Ok(answer) = self.host.call("run_get", json!({ "id": id })).await else { continue };
            if serde_json::from_value::<RunDetail>(answer).is_ok_and(|detail| is_parked(&detail.run)) {
                self.active.lock().unwrap().remove(&id);
            }
        }
    }

    /// Lets time pass with the lid open.
    pub async fn until(&self, to: DateTime<Utc>, asked: &(dyn Fn() -> u64 + Sync)) {
        loop {
            self.settle(asked).await;
            let now = self.clock.now();
            if now >= to {
                return;
            }
            let next = self.clock.next().unwrap_or(to);
            self.clock.set(if self.is_busy() { next } else { next.max(now + GRAIN) }.min(to));
        }
    }
}

/// The program, its platform and its clock.
pub struct Unwatched {
    pub office: Office<SteppedClock>,
    /// Connections with their account and client.
    pub connections: BTreeMap<ConnectionId, (u64, ClientId)>,
    steps: Steps,
}

impl Unwatched {
    /// A new workspace at an instant, over a platform whose clock is its own.
    pub async fn open(platform: Scenario, now: DateTime<Utc>) -> Result<Self> {
        let clock = SteppedClock::at(now);
        let led = Arc::clone(&clock);
        let platform = Scenario { time: TimeFlow::Led(Watch(Arc::new(move || led.now()))), ..platform };
        let office = Office::open_at(platform, tempfile::tempdir()?, "Агентство Полюс", clock, true).await?;
        let steps = Steps::of(office.host.clone(), Arc::clone(&office.clock)).await;
        Ok(Self { office, connections: BTreeMap::new(), steps })
    }

    /// Quits and is started again.
    pub async fn restart(&mut self) {
        self.office.restart().await;
        self.steps = Steps::of(self.office.host.clone(), Arc::clone(&self.office.clock)).await;
    }

    /// Lets time pass with the lid open.
    pub async fn until(&self, to: DateTime<Utc>) {
        self.steps.until(to, &|| self.office.platform().requests().counts().total).await;
    }

    /// Runs that began since then, newest first.
    pub async fn runs_since(&self, since: DateTime<Utc>) -> Result<Vec<RunRow>> {
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

    /// Every day that is shown is what the platform said on the day it was last read, to the kopeck, at every level. How many days of
    /// all levels were compared.
    pub async fn is_true(&self) -> Result<usize> {
        let truth = self.office.platform().truth();
        let clients: BTreeSet<ClientId> = self.connections.values().map(|(_, client)| *client).collect();
        let over_days = self.read_over_days().await?;
        let mut compared = 0;
        for client in clients {
            let request = json!({ "client_id": client, "days": 60 });
            let board: SyncBoard = self.office.ask("syncs_board", request).await?;
            let mut days: BTreeMap<NaiveDate, Seen> = BTreeMap::new();
            for strip in &board.strips {
                let (cabinet, _) = self.connections[&strip.connection.id];
                for DayCell { date, read_at, .. } in &strip.cells {
                    let Some(last) = read_at else { continue };
                    let own = over_days
                        .iter()
                        .rev()
                        .find(|read| read.connection == strip.connection.id && read.days.contains(*date));
                    let told = truth.as_of(moscow(own.map_or(*last, |read| read.at)).date());
                    let figures = told.days(cabinet, *date, *date).context("days")?;
                    let figures = figures.get(date).copied().unwrap_or_default();
                    days.entry(*date).or_default().add(figures.into());
                }
            }
            let (from, to) = (board.days.from(), board.days.to());
            for level in [Level::Campaign, Level::AdGroup, Level::Ad] {
                for day in self.office.stats(client, level, from, to).await?.points {
                    let is = days.get(&day.from).copied().unwrap_or_default();
                    let shown = Seen::of(&day.sums);
                    ensure!(shown == is, "{} at {level}: shown {shown:?}, the platform said {is:?}", day.from);
                    compared += 1;
                }
            }
        }
        Ok(compared)
    }

    /// What was read of connections that had a run parked, which reads the levels of one day on different days.
    async fn read_over_days(&self) -> Result<Vec<TotalsRead>> {
        let mut reads = Vec::new();
        let runs = self.runs_since(at(first_day(), 0)).await?;
        let over_night =
            |run: &&RunRow| run.ended_at.is_some_and(|end| moscow(end).date() > moscow(run.started_at).date());
        let parked: BTreeSet<ConnectionId> = runs.iter().filter(over_night).map(|run| run.connection_id).collect();
        for run in runs.iter().filter(|run| parked.contains(&run.connection_id)) {
            for line in self.office.run(run.id).await?.log.iter().filter(|line| line.event == "slice_committed") {
                if line.params["stream"] != TOTALS {
                    continue;
                }
                let (from, to) = line.params["window"].split_once("..").context("a window")?;
                let days = DateRange::new(from.parse()?, to.parse()?)?;
                reads.push(TotalsRead { connection: run.connection_id, days, at: line.at });
            }
        }
        reads.sort_by_key(|read| read.at);
        Ok(reads)
    }

    /// Nobody asked for more than the platform allows, by its own count: it refused nothing, and no window was overstepped.
    pub fn kept_the_limits(&self, limits: Limits) -> Result<()> {
        let refused = self.office.platform().requests().counts().by_status.get(&429).copied().unwrap_or_default();
        ensure!(refused == 0, "{refused} requests beyond a limit");
        let allowed = |length: i64| if length == 3_600 { limits.per_hour } else { limits.per_day };
        let over = self.office.platform().usage().into_iter().find(|it| it.used > allowed(it.length));
        ensure!(over.is_none(), "{over:?}");
        Ok(())
    }
}
