//! A month of an agency, in minutes: many connections that share accounts, tokens that end at random, days that are corrected late, a
//! platform that is down twice and silently wrong now and then, a laptop that sleeps every night, over a weekend and is restarted. What
//! people are told arrives in a chat, and nothing else does.
//!
//! A week with fewer connections runs with every test; `cargo xtask month` lives through all of it, with `--small` of a small agency.

use crate::{
    harness::{Wish, is_parked},
    unwatched::{Unwatched, at, first_day, moscow, platform},
};
use anyhow::{Context, Result, bail, ensure};
use api::wire::{Alerts, RunStarted};
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc, Weekday};
use kit::clock::Clock as _;
use model::{
    alert::{AlertKind, AlertState},
    date::DateRange,
    failure::FailureKind,
    id::{ClientId, ConnectionId, RunId},
    run::{RunState, RunTrigger},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind},
    telegram::Telegram,
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
const SMALL: Size = Size { days: 30, ..SHORT };
const WHOLE: Size = Size { days: 30, cabinets: 20, clients: 5 };

/// Requests that a cabinet allows on one resource.
///
/// Seconds are left wide: the clock may go on while a request is on its way, and then it counts for another second than was meant.
const LIMITS: Limits = Limits { per_second: 1_000, per_hour: 40, per_day: 240 };
/// Days that each connection reads at first, enough to know each weekday by, and again every morning.
const FIRST_LOAD: u32 = 28;
const LOOKBACK: u32 = 4;
/// Days that are collected again until an account's quota is used up.
const LONG_AGO: u64 = 55;
/// The lid is open between these hours of Moscow.
const OPENS: u32 = 9;
const CLOSES: u32 = 19;

/// The bot and the chat that alerts arrive in.
const TOKEN: &str = "700100:AAE-seven-horses-under-a-paper-moon";
const CHAT: i64 = -100_700;
/// How many minutes after the lid was opened everything is read, and what is wrong is said.
const MORNING: i64 = 60;

struct Month {
    program: Unwatched,
    dice: StdRng,
    clients: Vec<String>,
    telegram: Telegram,
    /// Messages that arrived before today.
    told: usize,
    digests: usize,
    alarms: usize,
    /// Accounts and days that are out of the ordinary by themselves, such as one with a single ad that lost its day to moderation: that
    /// they are told is right, and rare.
    remarkable: BTreeSet<(u64, NaiveDate)>,
}

/// What the platform does silently wrong with yesterday on a day of the month, where, and how that is said.
fn silent(number: u32, date: NaiveDate) -> Option<(FaultKind, &'static str, AlertKind)> {
    Some(match number {
        1 | 10 | 22 => (FaultKind::MissingDay { date }, "statistics/banners/", AlertKind::EmptyDay),
        // Half of a day that is large by itself is no small day: whether it is said depends on the account.
        2 => (FaultKind::HalfDay { date }, "statistics/", AlertKind::UnusualVolume),
        3 | 11 | 24 => (FaultKind::CopiedDay { date }, "statistics/", AlertKind::RepeatedDay),
        5 | 14 => (FaultKind::EmptyAccount, "statistics/", AlertKind::Failing),
        _ => return None,
    })
}

/// Trouble of one account on one day.
struct Trouble {
    account: u64,
    date: NaiveDate,
    kind: AlertKind,
}

impl Month {
    async fn open(size: Size, seed: u64) -> Result<Self> {
        let program = Unwatched::open(platform(2, size.cabinets, LIMITS), at(first_day(), OPENS)).await?;
        let telegram = Telegram::start(TOKEN)?;
        telegram.chat(CHAT, "Отчёты");
        let mut month = Self {
            program,
            dice: StdRng::seed_from_u64(seed),
            clients: Vec::new(),
            telegram,
            told: 0,
            digests: 0,
            alarms: 0,
            remarkable: BTreeSet::new(),
        };
        let channel = json!({
            "id": null, "name": "Отчёты", "secret": TOKEN, "language": "en", "time_zone": "Europe/Moscow", "quiet": null,
            "settings": { "kind": "telegram", "chat_id": CHAT.to_string(), "topic": null, "server": month.telegram.base_url },
            "critical_at_night": true, "wants": { "critical": true, "digest": "notice", "clients": null }, "enabled": true,
        });
        let _: Value = month.program.office.ask("channel_save", channel).await?;
        for number in 1..=size.clients {
            let name = format!("Клиент {number}");
            let client = month.program.office.client(&name).await?.id;
            month.connect_all(client).await?;
            month.clients.push(name);
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

    /// The account whose quota is used up one day.
    fn busy(&self) -> Result<u64> {
        Ok(self.program.connections.values().next().context("an account")?.0)
    }

    /// Something goes silently wrong today with one account, in its turn.
    fn goes_wrong(&self, number: u32, day: NaiveDate, accounts: &[u64]) -> Result<Option<Trouble>> {
        let date = day - Days::new(1);
        let Some((fault, path, kind)) = silent(number, date) else { return Ok(None) };
        let busy = self.busy()?;
        let others: Vec<u64> = accounts.iter().copied().filter(|account| *account != busy).collect();
        let account = others[number as usize % others.len()];
        self.program.office.platform().faults().add(Fault::always(fault).on(path).of(account));
        Ok(Some(Trouble { account, date, kind }))
    }

    /// What is said is exactly today's trouble, since the morning, of every connection of its account and of no other: earlier trouble is
    /// settled, for its days were read again. Days that are remarkable in truth may be told, too.
    async fn is_said(&mut self, trouble: Option<&Trouble>, before: &[Trouble], opened: DateTime<Utc>) -> Result<()> {
        let listed: Alerts = self.program.office.ask("alerts_list", json!({ "client_id": null })).await?;
        let open = listed.groups.iter().flat_map(|group| &group.alerts).filter(|alert| alert.state == AlertState::Open);
        let mut missing: BTreeSet<ConnectionId> = self
            .program
            .connections
            .iter()
            .filter(|(_, it)| trouble.is_some_and(|trouble| trouble.account == it.0))
            .map(|(id, _)| *id)
            .collect();
        for alert in open {
            let expected = trouble.is_some_and(|trouble| {
                let day =
                    alert.days.map_or(trouble.kind == AlertKind::Failing, |days| days == DateRange::day(trouble.date));
                let in_time = alert.opened_at - opened <= TimeDelta::minutes(MORNING);
                alert.kind == trouble.kind && day && in_time && missing.remove(&alert.connection_id)
            });
            let account = self.program.connections[&alert.connection_id].0;
            let struck = |date| trouble.into_iter().chain(before).any(|it| it.account == account && it.date == date);
            // What is shown was compared with the platform's truth: of these kinds every alert is true, and has to be rare.
            let remarkable = match alert.kind {
                AlertKind::EmptyDay | AlertKind::UnusualVolume => alert.days.filter(|days| !days.days().any(struck)),
                AlertKind::SpendWithoutConversions => Some(DateRange::day(moscow(alert.opened_at).date())),
                _ => None,
            };
            if let Some(days) = remarkable {
                self.remarkable.extend(days.days().map(|date| (account, date)));
            } else if !expected {
                let changes = json!({ "client_id": null, "connection_id": null, "all": true });
                let changes: Value = self.program.office.ask("drift_list", changes).await.unwrap_or_default();
                bail!("{alert:?} {changes}");
            }
        }
        ensure!(missing.is_empty(), "nobody says what is wrong with {missing:?}");
        Ok(())
    }

    /// What arrived in the chat today: of each client at most one digest; alarms come when there are some.
    fn hears(&mut self) -> Result<()> {
        let messages = self.telegram.messages();
        let today = messages.get(self.told..).unwrap_or_default();
        let is_digest = |text: &str| text.contains("Digest of");
        for client in &self.clients {
            let own = today.iter().filter(|message| is_digest(&message.text) && message.text.contains(client));
            ensure!(own.clone().count() <= 1, "{client}: {:?}", own.collect::<Vec<_>>());
        }
        let digests = today.iter().filter(|message| is_digest(&message.text)).count();
        self.digests += digests;
        self.alarms += today.len() - digests;
        self.told = messages.len();
        Ok(())
    }

    /// Every connection was collected to the end since this moment, but for those whose platform sends nothing.
    async fn all_collected_since(&self, since: DateTime<Utc>, trouble: Option<&Trouble>) -> Result<()> {
        let runs = self.program.runs_since(since).await?;
        let done: HashSet<ConnectionId> =
            runs.iter().filter(|run| run.state == RunState::Done).map(|run| run.connection_id).collect();
        let silent = trouble.filter(|trouble| trouble.kind == AlertKind::Failing).map(|trouble| trouble.account);
        let missed = self.program.connections.iter().filter(|(id, it)| !done.contains(id) && Some(it.0) != silent);
        let missed: HashSet<_> = missed.map(|(id, _)| id).collect();
        let instead: Vec<_> = runs.iter().filter(|run| missed.contains(&run.connection_id)).collect();
        ensure!(missed.is_empty(), "{} connections were not collected since {since}: {instead:?}", missed.len());
        Ok(())
    }

    /// How many of these runs are parked.
    async fn parked(&self, runs: &[RunId]) -> Result<usize> {
        let mut parked = 0;
        for run in runs {
            parked += usize::from(is_parked(&self.program.office.run(*run).await?.run));
        }
        Ok(parked)
    }

    /// Collects long past days of one account again and again until its quota is used up for hours and then for the day; the hours in
    /// between are used. The answer is what was pressed, too.
    async fn uses_its_quota(&self, until: DateTime<Utc>) -> Result<(Vec<Usage>, Vec<RunId>)> {
        let account = self.busy()?;
        let began = self.program.office.clock.now();
        let to = moscow(began).date() - Days::new(1);
        let sharing: Vec<ConnectionId> =
            self.program.connections.iter().filter(|(_, it)| it.0 == account).map(|(id, _)| *id).collect();
        let mut pressed: Vec<RunId> = Vec::new();
        while self.program.office.clock.now() < until {
            for connection in &sharing {
                let range = json!({ "from": to - Days::new(LONG_AGO), "to": to });
                let request = json!({ "connection_id": connection, "client_id": null, "range": range });
                // One that still runs, or waits for its quota, says so.
                if let Ok(started) = self.program.office.ask::<RunStarted>("run_start", request).await {
                    pressed.extend(started.run_ids);
                }
            }
            self.program.until(self.program.office.clock.now() + TimeDelta::minutes(5)).await;
        }
        ensure!(pressed.len() > sharing.len(), "nothing could be collected again");
        let hour = |at: DateTime<Utc>| moscow(at).and_utc().timestamp().div_euclid(3_600);
        let between = hour(began) + 1..hour(until);
        let usage = self.program.office.platform().usage();
        let hours = usage.into_iter().filter(|it| {
            it.user == account && it.resource == "STATISTICS" && it.length == 3_600 && between.contains(&it.number)
        });
        Ok((hours.collect(), pressed))
    }
}

async fn live(size: Size, seed: u64) -> Result<()> {
    let began = Instant::now();
    let mut month = Month::open(size, seed).await?;
    let connections = month.program.connections.len();
    println!("{connections} connections of {} accounts, seed {seed}", size.cabinets * 2);
    let mut outages: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    let (mut expired, mut pressed) = (0, Vec::new());
    let mut troubles: Vec<Trouble> = Vec::new();
    for number in 0..size.days {
        let day = first_day() + Days::new(number.into());
        // The second weekend the laptop stays at work, in a drawer.
        if number >= 7 && matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
            continue;
        }
        let opened = at(day, OPENS);
        println!("{day} after {} s", began.elapsed().as_secs());
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
        let trouble = month.goes_wrong(number, day, &accounts)?;
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
                month.hears()?;
                let next = day + Days::new(1);
                month.program.office.clock.set(at(next, OPENS));
                month.program.until(at(next, 14)).await;
                month.program.office.platform().faults().remove(down);
                outages.push((opened, at(next, 14)));
                month.program.until(at(next, CLOSES)).await;
                month.all_collected_since(at(next, 14), None).await?;
                month.is_said(None, &troubles, opened).await.with_context(|| format!("on {next}"))?;
                month.hears()?;
                continue;
            }
            17 => continue,
            6 => {
                month.program.until(at(day, 11)).await;
                let hours;
                (hours, pressed) = month.uses_its_quota(at(day, 17)).await?;
                let parked = month.parked(&pressed).await?;
                ensure!(parked > 0, "the quota of the day was not used up");
                println!(
                    "{} times days were collected again; {parked} of them wait for tomorrow's quota",
                    pressed.len()
                );
                let used: Vec<u32> = hours.iter().map(|hour| hour.used).collect();
                println!("hours in which one account had more to do than its quota of {}: {used:?}", LIMITS.per_hour);
                let enough = used.iter().filter(|used| **used * 100 >= LIMITS.per_hour * 95).count();
                ensure!(enough >= 4, "the quota lay idle: {used:?}");
            }
            _ => {}
        }
        month.program.until(at(day, CLOSES)).await;
        month.all_collected_since(opened, trouble.as_ref()).await.with_context(|| format!("on {day}"))?;
        month.is_said(trouble.as_ref(), &troubles, opened).await.with_context(|| format!("on {day}"))?;
        month.hears().with_context(|| format!("on {day}"))?;
        troubles.extend(trouble);
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
        let (account, _) = month.program.connections[&run.connection_id];
        let silent = troubles.iter().any(|trouble| {
            let then = trouble.date + Days::new(1) == moscow(run.started_at).date();
            trouble.kind == AlertKind::Failing && trouble.account == account && then
        });
        let expected = match failure.kind {
            FailureKind::Retry => down,
            FailureKind::VendorChanged => silent,
            _ => false,
        };
        ensure!(expected, "{run:?}");
    }
    // What was pressed came to its end by itself, however many days its quota took.
    let left: Vec<_> = runs.iter().filter(|run| pressed.contains(&run.id) && run.state != RunState::Done).collect();
    ensure!(!pressed.is_empty() && left.is_empty(), "{left:?}");
    ensure!(month.digests > 0 && month.alarms > 0, "{} digests and {} alarms", month.digests, month.alarms);
    month.program.kept_the_limits(LIMITS)?;
    ensure!(counts.by_status.get(&401).copied().unwrap_or_default() > 0, "no token ever ended");
    let days_lived = month.program.connections.values().map(|(account, _)| *account).collect::<BTreeSet<_>>().len()
        * (size.days + FIRST_LOAD) as usize;
    ensure!(month.remarkable.len() * 200 <= days_lived.max(200), "{:?} of {days_lived}", month.remarkable);
    let by_schedule = runs.iter().filter(|run| run.trigger == RunTrigger::Schedule).count();
    println!(
        "{} days in {} s: {} runs ({by_schedule} by schedule), {} requests, {} refused for a token and repeated ({expired} \
         tokens ended early), none beyond a limit, {} silent faults, all said, {} of {days_lived} days told that are remarkable in \
         truth, {} digests and {} alarms in the chat, {compared} days compared with what the platform said",
        size.days,
        began.elapsed().as_secs(),
        runs.len(),
        counts.total,
        counts.by_status.get(&401).copied().unwrap_or_default(),
        troubles.len(),
        month.remarkable.len(),
        month.digests,
        month.alarms,
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_nobody_has_to_watch() -> Result<()> {
    let size = match std::env::var("SYNCDECK_MONTH").as_deref() {
        Ok("whole") => WHOLE,
        Ok("small") => SMALL,
        _ => SHORT,
    };
    let seed = std::env::var("SYNCDECK_MONTH_SEED").ok().and_then(|seed| seed.parse().ok());
    live(size, seed.unwrap_or_else(rand::random)).await
}
