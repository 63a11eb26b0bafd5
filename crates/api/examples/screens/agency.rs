//! The made-up agency whose screens are measured: 120 clients, three hundred accounts, three years, at campaign and ad level. Always the
//! same: every number comes from a hash of what it is about. Levels agree, accounts differ in size as they do in life, some rest, count
//! goals, keep other currencies or stand apart from totals, and one sells a catalogue with an ad for every thing in it.
//!
//! Written through the path of every sync (`Store::commit_slice`), so that whatever production keeps beside rows is kept here too.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use model::{
    ad::{AdObject, CampaignStat, Level, ObjectStatus, Visits},
    connection::{Client, Connection, ConnectionState},
    date::DateRange,
    failure::{Code, Failure},
    id::{ClientId, ConnectionId, RunId, SignInId},
    money::{Currency, Micros, VatState},
    run::{RunState, RunTrigger},
    schedule::Schedule,
    settings::{InTotals, Settings, StreamChoice},
};
use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
};
use store::{
    Store,
    commit::{Effort, SliceCommit, SliceFailure},
    runs::NewRun,
    sign_ins::SignIn,
    slices::{NewSlice, Part},
};

pub type Outcome<T> = Result<T, Box<dyn Error>>;

const CLIENTS: usize = 120;
/// Three years, one of them with a 29 February.
const DAYS: u32 = 1_096;
/// Days of a slice of a first load.
const WINDOW: u32 = 92;
/// Days that every morning reads again, and those of them that may still change.
const LOOKBACK: u32 = 7;
const MOVING: u64 = 3;
/// Mornings that are in the history.
const MORNINGS: i64 = 30;
/// Ads of a campaign, and of one of the catalogue, whose ads live for two days.
const ADS: u32 = 4;
const CATALOGUE_ADS: u32 = 40;
/// The client with the catalogue: over a year more than a hundred thousand ads.
const CATALOGUE: usize = 5;

const AD_SYSTEMS: [&str; 9] = [
    "yandex_direct",
    "vk_ads",
    "google_ads",
    "meta_ads",
    "my_target",
    "telegram_ads",
    "tiktok_ads",
    "ozon_performance",
    "apple_ads",
];
const COUNTER: &str = "yandex_metrika";

/// Nine in the morning of the simulated day.
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_154_400, 0).unwrap_or_default()
}

/// All days there are.
pub fn days() -> DateRange {
    DateRange::ending(now().date_naive() - Days::new(1), DAYS)
}

/// A client by its place, the largest first.
pub fn name(client: usize) -> String {
    const WHAT: [&str; 12] =
        ["Мебель", "Клиника", "Школа", "Окна", "Сад", "Банк", "Стройка", "Аптека", "Кухни", "Туры", "Обувь", "Шины"];
    const WHOSE: [&str; 10] =
        ["Полюс", "Ромашка", "Вега", "Север", "Лотос", "Гранит", "Маяк", "Орион", "Тайга", "Волна"];
    format!("{} {}", WHAT[client % WHAT.len()], WHOSE[client / WHAT.len() % WHOSE.len()])
}

/// An account of the agency, as a recipe.
struct Account {
    number: u64,
    client: usize,
    connector: &'static str,
    currency: Currency,
    vat: VatState,
    /// Campaigns that run at a time.
    lanes: u32,
    /// Ads of each at a time.
    ads: u32,
    /// Whether conversions are split by goal besides.
    goals: bool,
}

impl Account {
    fn counts(&self) -> bool {
        self.connector != COUNTER
    }

    fn rows_per_day(&self) -> u32 {
        self.lanes * (1 + self.ads + if self.goals { 2 } else { 0 })
    }

    fn streams(&self) -> Vec<(&'static str, Level, Part)> {
        let mut streams = vec![("campaign_stats", Level::Campaign, Part::Whole)];
        if self.ads > 0 {
            streams.push(("ad_stats", Level::Ad, Part::Whole));
        }
        if self.goals {
            streams.push(("goal_stats", Level::Campaign, Part::Split("goal".to_owned())));
        }
        streams
    }
}

/// A number from what it is about (splitmix64 over the parts).
fn hash(parts: &[u64]) -> u64 {
    parts.iter().fold(0x5eed, |state, part| {
        let mut mixed = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// A number within bounds, both included.
fn between(least: u64, most: u64, parts: &[u64]) -> u64 {
    least + hash(parts) % (most - least + 1)
}

fn currency(client: usize, place: usize) -> Currency {
    let code = match (client % 20, place) {
        (7, _) => "KZT",
        (13, _) | (3, 1) => "USD",
        _ => return Currency::RUB,
    };
    code.parse().unwrap_or(Currency::RUB)
}

/// The accounts whose rows are `rows` or a few more. Each client has two or three; the larger the client, the more runs in them.
fn accounts(rows: u32) -> Vec<Account> {
    let of = |unit: f64| {
        let mut accounts = Vec::new();
        for client in 0..CLIENTS {
            for place in 0..if client < CLIENTS / 2 { 3 } else { 2 } {
                let number = accounts.len();
                let catalogue = client == CATALOGUE && place == 0;
                let connector = match place {
                    2 if client % 2 == 0 => COUNTER,
                    _ => AD_SYSTEMS[(client + 2 * place + place * place) % AD_SYSTEMS.len()],
                };
                let share = unit / (client + 12) as f64 / (place + 1) as f64;
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
                let lanes = share.round().max(1.0) as u32;
                let (lanes, ads) = match (catalogue, connector) {
                    (true, _) => (rows.div_ceil(715_000), CATALOGUE_ADS),
                    (_, COUNTER) => (lanes, 0),
                    _ => (lanes, ADS),
                };
                accounts.push(Account {
                    number: number as u64,
                    client,
                    connector,
                    currency: currency(client, place),
                    vat: if matches!(connector, "google_ads" | "meta_ads") {
                        VatState::Excluded
                    } else {
                        VatState::Included
                    },
                    lanes,
                    ads,
                    goals: number % 6 == 2 && connector != COUNTER && !catalogue,
                });
            }
        }
        accounts
    };
    let mut unit = 1.0;
    loop {
        let accounts = of(unit);
        let found: u64 = accounts.iter().map(|account| u64::from(account.rows_per_day()) * u64::from(DAYS)).sum();
        if found >= u64::from(rows) {
            return accounts;
        }
        unit *= 1.002;
    }
}

/// What an ad, a campaign or a goal did on a day.
#[derive(Clone, Copy, Default)]
struct Did {
    impressions: u64,
    clicks: u64,
    /// Hundredths of the currency, as platforms bill.
    cents: u64,
    conversions: u64,
    revenue_cents: u64,
}

impl std::ops::AddAssign for Did {
    fn add_assign(&mut self, other: Self) {
        self.impressions += other.impressions;
        self.clicks += other.clicks;
        self.cents += other.cents;
        self.conversions += other.conversions;
        self.revenue_cents += other.revenue_cents;
    }
}

/// A place in the account through which campaigns run one after another, and the ads in each of them.
struct Lane<'a> {
    account: &'a Account,
    lane: u64,
}

impl Lane<'_> {
    /// The campaign that runs on a day since the first, by its number in the lane.
    fn campaign(&self, day: u64) -> u64 {
        let key = [1, self.account.number, self.lane];
        (day + between(0, 200, &[&key[..], &[1]].concat())) / between(25, 95, &key)
    }

    fn campaign_id(&self, day: u64) -> String {
        format!("{}{:03}{:02}", 100 + self.account.number, self.lane, self.campaign(day))
    }

    /// The ad in a slot on a day: none outlives its campaign.
    fn ad_id(&self, slot: u64, day: u64) -> String {
        let life = if self.account.ads == CATALOGUE_ADS {
            2
        } else {
            between(20, 60, &[2, self.account.number, self.lane, slot])
        };
        format!("{}{:02}{:03}", self.campaign_id(day), slot, (day + slot) / life)
    }

    fn ad(&self, slot: u64, day: u64, weekday: u64) -> Did {
        let account = self.account.number;
        let key = [3, account, self.lane, slot, day];
        // One in forty rests for the day.
        if hash(&key).is_multiple_of(40) {
            return Did::default();
        }
        // Weekends are weaker, and business grows by a half over three years.
        let week = [104, 108, 106, 103, 96, 72, 78][usize::try_from(weekday % 7).unwrap_or(0)];
        let grown = 100 + day * 50 / u64::from(DAYS);
        let usual = between(400, 9_000, &[4, account, self.lane, slot]);
        let impressions = usual * week * grown * between(80, 120, &key) / 1_000_000;
        let clicks = impressions * between(6, 32, &[5, account, self.lane]) / 1_000;
        let cents = clicks * between(900, 6_500, &[6, account]) * between(90, 110, &[&key[..], &[1]].concat()) / 100;
        let conversions = clicks * between(5, 70, &[7, account, self.lane]) / 1_000 + u64::from(hash(&key) % 7 == 1);
        Did {
            impressions,
            clicks,
            cents,
            conversions,
            revenue_cents: conversions * between(60_000, 900_000, &[8, account]),
        }
    }

    /// What its campaign did: what its ads did.
    fn all(&self, day: u64, weekday: u64) -> Did {
        let mut all = Did::default();
        // A counter has no ads; what it saw is made in the same way.
        for slot in 0..u64::from(self.account.ads.max(1)) {
            all += self.ad(slot, day, weekday);
        }
        all
    }
}

fn whole(count: u64) -> Option<i64> {
    i64::try_from(count).ok()
}

fn stat(
    account: &Account,
    level: Level,
    external_id: String,
    date: NaiveDate,
    breakdown: &str,
    did: Did,
) -> CampaignStat {
    let cents = |cents: u64| i64::try_from(cents * 10_000).ok().map(Micros);
    let seen = account.connector == COUNTER;
    let ad = |value: Option<i64>| value.filter(|_| !seen && breakdown.is_empty());
    CampaignStat {
        level,
        external_id,
        date,
        breakdown: breakdown.to_owned(),
        impressions: ad(whole(did.impressions)),
        clicks: ad(whole(did.clicks)),
        cost: cents(did.cents).filter(|_| !seen && breakdown.is_empty()),
        currency: account.currency,
        vat: account.vat,
        conversions: whole(did.conversions).and_then(Micros::whole),
        // Not every platform hears what was sold.
        revenue: cents(did.revenue_cents).filter(|_| !matches!(account.connector, "telegram_ads" | "tiktok_ads")),
        visits: if seen {
            Visits {
                count: whole(did.clicks),
                users: whole(did.clicks * 4 / 5),
                page_views: whole(did.clicks * 3),
                bounces: whole(did.clicks / 5),
            }
        } else {
            Visits::default()
        },
    }
}

/// The rows of a stream's window and the names of what is in them.
fn window(account: &Account, level: Level, part: &Part, range: DateRange) -> (Vec<AdObject>, Vec<CampaignStat>) {
    let (mut objects, mut stats): (HashMap<String, AdObject>, _) = (HashMap::new(), Vec::new());
    let end = days().to();
    for lane in 0..u64::from(account.lanes) {
        let lane = Lane { account, lane };
        for date in range.days() {
            let since = |date: NaiveDate| u64::try_from((date - days().from()).num_days()).unwrap_or(0);
            let (day, weekday) = (since(date), u64::from(date.weekday().num_days_from_monday()));
            let campaign = lane.campaign_id(day);
            let status =
                if campaign == lane.campaign_id(since(end)) { ObjectStatus::Active } else { ObjectStatus::Stopped };
            let mut known = |level, external_id: &str, parent: Option<String>, name: String| {
                let object = || AdObject {
                    level,
                    external_id: external_id.to_owned(),
                    parent_external_id: parent,
                    name,
                    status,
                    landing_url: None,
                };
                objects.entry(format!("{level}{external_id}")).or_insert_with(object);
            };
            if level == Level::Ad {
                for slot in 0..u64::from(account.ads) {
                    let id = lane.ad_id(slot, day);
                    let group = format!("{campaign}{}", slot / 2);
                    known(Level::AdGroup, &group, Some(campaign.clone()), format!("Группа {}", slot / 2 + 1));
                    known(Level::Ad, &id, Some(group), format!("Объявление {id}"));
                    stats.push(stat(account, level, id, date, "", lane.ad(slot, day, weekday)));
                }
                continue;
            }
            let kind = ["Поиск", "Сети", "Ретаргетинг", "Бренд"][usize::try_from(lane.lane % 4).unwrap_or(0)];
            known(Level::Campaign, &campaign, None, format!("{kind} {}", &campaign[3..]));
            let all = lane.all(day, weekday);
            if *part == Part::Whole {
                stats.push(stat(account, level, campaign, date, "", all));
                continue;
            }
            for (goal, conversions) in [("order", all.conversions), ("call", all.conversions / 3)] {
                let did = Did { conversions, ..Did::default() };
                stats.push(CampaignStat {
                    revenue: None,
                    ..stat(account, level, campaign.clone(), date, &format!("goal={goal}"), did)
                });
            }
        }
    }
    let mut objects: Vec<AdObject> = objects.into_values().collect();
    objects.sort_by(|one, other| (one.level, &one.external_id).cmp(&(other.level, &other.external_id)));
    (objects, stats)
}

fn connection(account: &Account, client: ClientId) -> Connection {
    let streams = account.streams();
    let streams = streams.into_iter().map(|(name, ..)| StreamChoice { name: name.to_owned(), on: true }).collect();
    Connection {
        id: ConnectionId::new(),
        client_id: client,
        connector: account.connector.to_owned(),
        account_external_id: (1_000_000 + account.number).to_string(),
        account_name: format!("{} {}", name(account.client), account.number % 3 + 1),
        currency: account.currency,
        time_zone: "Europe/Moscow".to_owned(),
        config: serde_json::Map::new(),
        state: if account.number % 75 == 7 { ConnectionState::SignInNeeded } else { ConnectionState::Active },
        first_load_days: DAYS,
        // Nothing is collected by itself: there is no platform behind it.
        settings: Settings {
            streams,
            vat: account.vat,
            schedule: Schedule::Off,
            in_totals: if account.counts() { InTotals::Counts } else { InTotals::Apart },
            ..Settings::default()
        },
        follows: None,
        created_at: now() - TimeDelta::days(i64::from(DAYS)),
    }
}

/// A run that reads these windows of all streams of an account.
async fn run(
    store: &Store,
    (account, id): (&Account, ConnectionId),
    trigger: RunTrigger,
    windows: &[DateRange],
    at: DateTime<Utc>,
) -> Outcome<RunId> {
    let run = RunId::new();
    let range = windows.first().zip(windows.last()).map(|(first, last)| DateRange::new(first.from(), last.to()));
    let new = NewRun {
        id: run,
        connection_id: id,
        trigger,
        range: range.transpose()?,
        streams: None,
        state: RunState::Running,
        started_at: at,
    };
    store.create_run(&new).await?;
    let plan: Vec<NewSlice> = windows
        .iter()
        .flat_map(|window| {
            account.streams().into_iter().map(|(stream, level, part)| NewSlice {
                stream: stream.to_owned(),
                level,
                window: Some(*window),
                part,
            })
        })
        .collect();
    store.plan_slices(run, &plan).await?;
    for (slice_seq, slice) in (0..).zip(&plan) {
        let Some(range) = slice.window else { continue };
        let (objects, stats) = window(account, slice.level, &slice.part, range);
        let commit = SliceCommit {
            run_id: run,
            slice_seq,
            objects,
            stats,
            rejected: Vec::new(),
            rejected_more: BTreeMap::new(),
            left_out: BTreeMap::new(),
            read_at: at,
            final_before: days().to() - Days::new(MOVING - 1),
            effort: Effort { requests: 4, retries: 0, millis: 900 },
        };
        store.commit_slice(commit).await?;
    }
    Ok(run)
}

/// Writes the agency into an empty workspace; answers with the rows of statistics.
pub async fn write(store: &Store, rows: u32) -> Outcome<u64> {
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let client = Client {
            id: ClientId::new(),
            name: name(number),
            currency: currency(number, 0),
            time_zone: "Europe/Moscow".to_owned(),
            created_at: now() - TimeDelta::days(i64::from(DAYS)),
        };
        store.insert_client(&client).await?;
        clients.push(client.id);
    }
    let all: Vec<_> =
        accounts(rows).into_iter().map(|account| (connection(&account, clients[account.client]), account)).collect();
    for (connection, account) in &all {
        // Every fifth is read by ads alone, as some platforms are.
        let by_ads = account.number % 5 == 4 && account.ads > 0;
        store.insert_connection(connection, if by_ads { Level::Ad } else { Level::Campaign }).await?;
    }
    // An agency signs in to each platform once.
    for system in AD_SYSTEMS.into_iter().chain([COUNTER]) {
        let members: Vec<ConnectionId> = all
            .iter()
            .filter(|(_, account)| account.connector == system)
            .map(|(connection, _)| connection.id)
            .collect();
        let sign_in = SignIn {
            id: SignInId::new(),
            connector: system.to_owned(),
            owner: None,
            scopes: None,
            issued_at: now() - TimeDelta::days(i64::from(DAYS)),
            access_until: None,
            ends_at: None,
            used_at: None,
            refreshed_at: None,
        };
        store.put_sign_in(&sign_in, &[], &members).await?;
    }
    for (number, (connection, account)) in all.iter().enumerate() {
        let of = (account, connection.id);
        let began = now() - TimeDelta::days(MORNINGS + 1);
        let first = run(store, of, RunTrigger::First, &days().windows(WINDOW), began).await?;
        store.finish_run(first, RunState::Done, None, began + TimeDelta::minutes(40)).await?;
        for morning in (1..MORNINGS).rev() {
            let at = now() - TimeDelta::days(morning) - TimeDelta::hours(3);
            let past = run(store, of, RunTrigger::Schedule, &[], at).await?;
            store.finish_run(past, RunState::Done, None, at + TimeDelta::minutes(2)).await?;
        }
        this_morning(store, of).await?;
        if number % 50 == 49 {
            println!("{} of {} accounts", number + 1, all.len());
        }
    }
    Ok(store.stat_counts(store::Scope::Portfolio).await?.into_iter().map(|(_, rows)| rows).sum())
}

/// The run of the day: nearly all are done, some failed, as on any morning.
async fn this_morning(store: &Store, (account, id): (&Account, ConnectionId)) -> Outcome<()> {
    let at = now() - TimeDelta::hours(3);
    let (state, failure) = match account.number {
        number if number % 75 == 7 => (RunState::Failed, Some(Failure::new(Code::SignInRejected))),
        number if number % 60 == 11 => (RunState::Failed, Some(Failure::new(Code::PlatformDown).with("status", 503))),
        _ => (RunState::Done, None),
    };
    let window = DateRange::ending(days().to(), LOOKBACK);
    let run = match &failure {
        None => run(store, (account, id), RunTrigger::Schedule, &[window], at).await?,
        Some(failure) => {
            let failing = run(store, (account, id), RunTrigger::Schedule, &[], at).await?;
            let slice = NewSlice {
                stream: "campaign_stats".to_owned(),
                level: Level::Campaign,
                window: Some(window),
                part: Part::Whole,
            };
            let slice_seq = store.plan_slices(failing, &[slice]).await?;
            let effort = Effort { requests: 3, retries: 2, millis: 9_000 };
            let failed = SliceFailure { run_id: failing, slice_seq, failure: failure.clone(), tried_at: at, effort };
            store.fail_slice(failed).await?;
            failing
        }
    };
    store.finish_run(run, state, failure.as_ref(), at + TimeDelta::minutes(2)).await?;
    Ok(())
}
