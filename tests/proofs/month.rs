//! A month of an agency, in minutes: many connections that share accounts, tokens that end at random, days that are corrected late, a
//! platform that is down twice, a laptop that sleeps every night, over a weekend and is restarted now and then. The clock goes from one
//! wake-up to the next as soon as nobody stirs, and the platform reads the same clock, so its windows, tokens and days are the month's own.
//!
//! A week with fewer connections runs with every test; `cargo xtask month` lives through all of it.

use crate::{
    harness::Wish,
    unwatched::{Unwatched, at, first_day, moscow, platform},
};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Datelike, Days, TimeDelta, Utc, Weekday};
use kit::clock::Clock as _;
use model::{
    failure::FailureKind,
    id::{ClientId, ConnectionId},
    run::{RunState, RunTrigger},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::json;
use simulators::{
    faults::{Fault, FaultKind},
    vk_ads::{Limits, Usage},
};
use std::{
    collections::{BTreeSet, HashSet},
    time::Instant,
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
/// The lid is open between these hours of Moscow.
const OPENS: u32 = 9;
const CLOSES: u32 = 19;

struct Month {
    program: Unwatched,
    dice: StdRng,
}

impl Month {
    async fn open(size: Size, seed: u64) -> Result<Self> {
        let program = Unwatched::open(platform(2, size.cabinets, LIMITS), at(first_day(), OPENS)).await?;
        let mut month = Self { program, dice: StdRng::seed_from_u64(seed) };
        for number in 1..=size.clients {
            let client = month.program.office.client(&format!("Клиент {number}")).await?.id;
            month.connect_all(client).await?;
        }
        Ok(month)
    }

    /// Connects every account of the platform for a client.
    async fn connect_all(&mut self, client: ClientId) -> Result<()> {
        for key in self.program.office.platform().keys() {
            let cabinets: Vec<usize> = (0..key.cabinets.len()).collect();
            let wish =
                Wish { key: &key, cabinets: &cabinets, client, first_load_days: FIRST_LOAD, lookback_days: LOOKBACK };
            let connected = self.program.office.connect(&wish).await?;
            for (connection, cabinet) in connected.connection_ids.iter().zip(&key.cabinets) {
                self.program.connections.insert(*connection, (cabinet.id, client));
            }
        }
        Ok(())
    }

    /// Every connection was collected to the end since this moment.
    async fn all_collected_since(&self, since: DateTime<Utc>) -> Result<()> {
        let runs = self.program.runs_since(since).await?;
        let done: HashSet<ConnectionId> =
            runs.iter().filter(|run| run.state == RunState::Done).map(|run| run.connection_id).collect();
        let missed: HashSet<_> =
            self.program.connections.keys().filter(|connection| !done.contains(connection)).collect();
        let instead: Vec<_> = runs.iter().filter(|run| missed.contains(&run.connection_id)).collect();
        ensure!(missed.is_empty(), "{} connections were not collected since {since}: {instead:?}", missed.len());
        Ok(())
    }

    /// Collects long past days of one account again and again until its quota is used up for hours; the hours in between are used.
    async fn uses_its_quota(&self, until: DateTime<Utc>) -> Result<Vec<Usage>> {
        let (account, _) = *self.program.connections.values().next().context("an account")?;
        let began = self.program.office.clock.now();
        let to = moscow(began).date() - Days::new(1);
        let sharing: Vec<ConnectionId> =
            self.program.connections.iter().filter(|(_, it)| it.0 == account).map(|(id, _)| *id).collect();
        let mut pressed = 0;
        while self.program.office.clock.now() < until {
            for connection in &sharing {
                let range = json!({ "from": to - Days::new(LONG_AGO), "to": to });
                let request = json!({ "connection_id": connection, "client_id": null, "range": range });
                // One that still runs, or waits for its quota, says so.
                pressed += usize::from(self.program.office.call("run_start", request).await.is_ok());
            }
            self.program.until(self.program.office.clock.now() + TimeDelta::minutes(5)).await;
        }
        ensure!(pressed > sharing.len(), "nothing could be collected again");
        let hour = |at: DateTime<Utc>| moscow(at).and_utc().timestamp().div_euclid(3_600);
        let between = hour(began) + 1..hour(until);
        let usage = self.program.office.platform().usage();
        let hours = usage.into_iter().filter(|it| {
            it.user == account && it.resource == "STATISTICS" && it.length == 3_600 && between.contains(&it.number)
        });
        Ok(hours.collect())
    }
}

async fn live(size: Size, seed: u64) -> Result<()> {
    let began = Instant::now();
    let mut month = Month::open(size, seed).await?;
    let connections = month.program.connections.len();
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
        month.program.office.clock.set(opened.max(month.program.office.clock.now()));
        // Some tokens are taken back by the platform in the middle of their life; all others end every day.
        let faults = month.program.office.platform().faults();
        faults.clear();
        let accounts: BTreeSet<u64> = month.program.connections.values().map(|(account, _)| *account).collect();
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
                month.program.until(at(day, 12)).await;
                let down =
                    month.program.office.platform().faults().add(Fault::always(FaultKind::ServerError { status: 503 }));
                month.program.until(at(day, 16)).await;
                month.program.office.platform().faults().remove(down);
                outages.push((at(day, 12), at(day, 16)));
            }
            // Down all day, until the next afternoon.
            16 => {
                let down =
                    month.program.office.platform().faults().add(Fault::always(FaultKind::ServerError { status: 502 }));
                month.program.until(at(day, CLOSES)).await;
                let next = day + Days::new(1);
                month.program.office.clock.set(at(next, OPENS));
                month.program.until(at(next, 14)).await;
                month.program.office.platform().faults().remove(down);
                outages.push((opened, at(next, 14)));
                month.program.until(at(next, CLOSES)).await;
                month.all_collected_since(at(next, 14)).await?;
                continue;
            }
            17 => continue,
            6 => {
                month.program.until(at(day, 11)).await;
                let hours = month.uses_its_quota(at(day, 17)).await?;
                let used: Vec<u32> = hours.iter().map(|hour| hour.used).collect();
                println!("hours in which one account had more to do than its quota of {}: {used:?}", LIMITS.per_hour);
                let enough = used.iter().filter(|used| **used * 100 >= LIMITS.per_hour * 95).count();
                ensure!(enough >= 4, "the quota lay idle: {used:?}");
            }
            _ => {}
        }
        month.program.until(at(day, CLOSES)).await;
        month.all_collected_since(opened).await.with_context(|| format!("on {day}"))?;
        if number % 7 == 6 {
            month.program.restart().await;
        }
    }
    let compared = month.program.is_true().await?;
    let runs = month.program.runs_since(at(first_day(), 0)).await?;
    let counts = month.program.office.platform().requests().counts();
    for run in &runs {
        let Some(failure) = &run.failure else { continue };
        let down = outages.iter().any(|(from, to)| run.started_at >= *from && run.started_at <= *to);
        ensure!(failure.kind == FailureKind::Retry && down, "{run:?}");
    }
    month.program.kept_the_limits(LIMITS)?;
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
