//! Made-up agencies: what a person would type to connect each platform, whose the accounts are, and the truth of all of it by account and
//! day. What demo workspaces show and what a whole workspace is compared with.
//!
//! Two casts: a few clients on one platform ([`small`]), and twelve clients on every platform there is a simulator of ([`mixed`]). A platform
//! joins the second with a function that starts it and its place in [`PLATFORMS`].

use std::fmt;
use std::sync::Arc;

use chrono::{Duration, NaiveDate};
use serde_json::{Value, json};

use crate::calendar::{TimeFlow, Watch};
use crate::noise::hash;
use crate::requests::Counts;
use crate::stage::{Platform, Scenario};
use crate::target_engine::{self, CabinetName, Limits, Product, TokenRules};
use crate::truth::Truth;
use crate::visits::Visits;
use crate::world::{Figures, Level, WorldSize};
use crate::{
    apple_ads, appsflyer, google_ads, google_analytics_4, meta_ads, ozon_performance, rtb_house, telegram_ads,
    tiktok_ads, vk_ads_legacy, wildberries, yandex_appmetrica, yandex_direct, yandex_market, yandex_metrika,
    yandex_promopages,
};

/// Days of the mixed agency's past: 24 months.
const DAYS: i64 = 730;
/// How many of the mixed agency's clients have an account on a platform.
const ACCOUNTS: usize = 5;

/// The mixed agency's clients.
const CLIENTS: [&str; 12] = [
    "Кофейни «Север»",
    "Клиника «Доктор Рядом»",
    "Мебель Дубрава",
    "Автосалон Магистраль",
    "Садовый центр «Зелёный двор»",
    "Школа языков Babel & Co",
    "Пекарня «Ржаной край»",
    "Фитнес-клуб Импульс",
    "Окна Панорама",
    "Зоомаркет «Хвост и лапы»",
    "Турбюро Меридиан",
    "Ювелирный дом Яхонт",
];

/// Where VK Реклама is.
const VK_ADS: &str = "https://ads.vk.com";

/// Starts a platform of this system in such a world: a stand for every sign-in.
type Start = fn(&'static str, &Scenario) -> anyhow::Result<Vec<Stand>>;

/// The platforms, in the order of the catalogue. Their worlds hang on their names, so that one that joins changes nothing for the others:
/// a demo workspace of yesterday can still sign in to them.
const PLATFORMS: &[(&str, Start)] = &[
    ("yandex_direct", yandex_direct),
    ("yandex_metrika", yandex_metrika),
    ("vk_ads", vk_ads),
    ("vk_ads_legacy", vk_ads_legacy),
    ("my_target", my_target),
    ("google_ads", google_ads),
    ("google_analytics_4", google_analytics_4),
    ("meta_ads", meta_ads),
    ("tiktok_ads", tiktok_ads),
    ("telegram_ads", telegram_ads),
    ("ozon_performance", ozon_performance),
    ("wildberries", wildberries),
    ("yandex_appmetrica", yandex_appmetrica),
    ("yandex_market", yandex_market),
    ("appsflyer", appsflyer),
    ("apple_ads", apple_ads),
    ("yandex_promopages", yandex_promopages),
    ("rtb_house", rtb_house),
];

/// A platform that is running, and what it takes to connect it.
pub struct Stand {
    /// The connector's id.
    pub system: &'static str,
    /// The vendor's addresses and what stands in for each.
    pub hosts: Vec<(&'static str, String)>,
    /// What a person types into the connection form, secrets included: made up like everything here.
    pub answers: Value,
    /// The accounts of the sign-in.
    pub accounts: Vec<StandAccount>,
    /// The currency of its sums; ISO 4217.
    pub currency: &'static str,
    /// Whether they contain VAT: `included`, `excluded`, `unknown`.
    pub vat: &'static str,
    /// Whether they are added to the clients' totals; what measures the other platforms is not.
    pub in_totals: bool,
    /// The level whose rows are all that happened: `campaign`, or `account` where campaigns are forgotten.
    pub whole: &'static str,
    tells: Tells,
    truth: Truth,
    running: Box<dyn Running>,
}

/// A platform that runs until it is dropped.
trait Running: Send + Sync {
    /// What was asked of it.
    fn counts(&self) -> Counts;
}

impl<K: Send + Sync> Running for Arc<Platform<K>> {
    fn counts(&self) -> Counts {
        self.requests().counts()
    }
}

impl Running for Arc<target_engine::Running> {
    fn counts(&self) -> Counts {
        self.requests().counts()
    }
}

impl fmt::Debug for Stand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stand").field("system", &self.system).finish_non_exhaustive()
    }
}

/// What a platform tells of all that happened.
type Tells = fn(Figures, Visits) -> Told;

/// What an account told of a day: what it leaves out is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// What an ad platform tells.
    pub figures: Figures,
    /// What a counter tells.
    pub visits: Visits,
}

/// An ad platform tells of ads.
fn of_ads(figures: Figures, _: Visits) -> Told {
    Told { figures, ..Told::default() }
}

/// Who sells attention does not know what it earns.
fn without_revenue(figures: Figures, _: Visits) -> Told {
    Told { figures: Figures { revenue_kopecks: 0, ..figures }, ..Told::default() }
}

/// A counter tells of visits, and what was done in them.
fn of_visits(figures: Figures, visits: Visits) -> Told {
    Told { figures: Figures { impressions: 0, clicks: 0, spend_kopecks: 0, ..figures }, visits }
}

/// A counter whose goals are reached twice by each conversion: by the goal of all of them, and by one of the campaign's own.
fn of_reaches(figures: Figures, visits: Visits) -> Told {
    let told = of_visits(figures, visits);
    Told { figures: Figures { conversions: figures.conversions * 2, ..told.figures }, ..told }
}

/// A tracker of installations tells of these alone: every conversion is one.
fn of_installs(figures: Figures, _: Visits) -> Told {
    Told { figures: Figures { conversions: figures.conversions, ..Figures::default() }, ..Told::default() }
}

/// An account and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandAccount {
    /// The vendor's id.
    pub external_id: String,
    /// The client.
    pub client: String,
    /// Its number in the world.
    cabinet: u64,
}

impl Stand {
    /// A sign-in to a running platform. `accounts` are the vendor's ids and their cabinets.
    fn new<K: Send + Sync + 'static>(
        system: &'static str,
        host: &'static str,
        platform: &Arc<Platform<K>>,
        answers: Value,
        accounts: impl IntoIterator<Item = (String, u64)>,
    ) -> Self {
        let accounts = accounts.into_iter();
        Self {
            system,
            hosts: vec![(host, platform.base_url.clone())],
            answers,
            accounts: accounts
                .map(|(external_id, cabinet)| StandAccount { external_id, client: String::new(), cabinet })
                .collect(),
            currency: "RUB",
            vat: "excluded",
            in_totals: true,
            whole: "campaign",
            tells: of_ads,
            truth: platform.truth(),
            running: Box::new(Arc::clone(platform)),
        }
    }

    /// What was asked of its platform so far, by all sign-ins.
    pub fn counts(&self) -> Counts {
        self.running.counts()
    }

    /// It measures what others sell, and is not added to them.
    fn apart(self) -> Self {
        Self { in_totals: false, ..self }
    }

    /// What an account of this platform tells of a day; nothing when the account is not one of its.
    pub fn told(&self, external_id: &str, date: NaiveDate) -> Option<Told> {
        let account = self.accounts.iter().find(|account| account.external_id == external_id)?;
        let figures = self.truth.totals(account.cabinet, date, date)?;
        Some((self.tells)(figures, self.truth.visits(Level::Cabinet, account.cabinet, date, date)?))
    }
}

/// Two agencies' sign-ins to one platform, with three cabinets that are clients of their own name.
pub fn small(today: NaiveDate) -> anyhow::Result<Vec<Stand>> {
    let scenario = target_engine::Scenario { today: Some(today), ..target_engine::Scenario::demo() };
    let running = Arc::new(target_engine::start(Product::VkAds, scenario)?);
    let agencies = running.keys().into_iter().filter(|key| key.cabinets.len() > 1);
    let stands = agencies.zip([2, 1]).map(|(key, cabinets)| {
        let accounts = key.cabinets.iter().take(cabinets).map(|cabinet| StandAccount {
            external_id: cabinet.id.to_string(),
            client: cabinet.name.clone(),
            cabinet: cabinet.id,
        });
        Stand {
            system: "vk_ads",
            hosts: vec![(VK_ADS, running.base_url.clone())],
            answers: json!({ "client_id": key.client_id, "client_secret": key.client_secret }),
            accounts: accounts.collect(),
            currency: "RUB",
            vat: "excluded",
            in_totals: true,
            whole: "campaign",
            tells: of_ads,
            truth: running.truth(),
            running: Box::new(Arc::clone(&running)),
        }
    });
    Ok(stands.collect())
}

/// Twelve clients, every platform, on this day, for somebody who does not wait. The same day gives the same agency.
pub fn mixed(today: NaiveDate) -> anyhow::Result<Vec<Stand>> {
    cast(today, &TimeFlow::Real, true)
}

/// The same agency before platforms that keep all their limits, on this watch.
pub fn strict(today: NaiveDate, watch: Watch) -> anyhow::Result<Vec<Stand>> {
    cast(today, &TimeFlow::Led(watch), false)
}

fn cast(today: NaiveDate, time: &TimeFlow, hurried: bool) -> anyhow::Result<Vec<Stand>> {
    let scenario = |seed| Scenario {
        seed,
        today: Some(today),
        first_day: Some(today - Duration::days(DAYS - 1)),
        size: WorldSize {
            agencies: 1,
            cabinets_per_agency: ACCOUNTS,
            advertisers: 0,
            campaigns: 6,
            groups: 1,
            ads: 2,
            varied_over_days: Some(730),
        },
        time: time.clone(),
        hurried,
        port: 0,
    };
    let mut all = Vec::new();
    for (place, (system, start)) in PLATFORMS.iter().enumerate() {
        let seed = system.bytes().fold(1, |seed, letter| hash(seed, u64::from(letter), 1));
        let mut stands = start(system, &scenario(seed))?;
        // Not the same clients on every platform.
        let first = place * 5 % CLIENTS.len();
        let accounts = stands.iter_mut().flat_map(|stand| &mut stand.accounts);
        for (account, client) in accounts.zip(CLIENTS.iter().cycle().skip(first)) {
            (*client).clone_into(&mut account.client);
        }
        all.append(&mut stands);
    }
    Ok(all)
}

fn engine(scenario: &Scenario) -> target_engine::Scenario {
    target_engine::Scenario {
        seed: scenario.seed,
        today: scenario.today,
        first_day: scenario.first_day,
        size: scenario.size,
        limits: if scenario.hurried { Limits::NONE } else { Limits::USUAL },
        tokens: TokenRules::default(),
        time: scenario.time.clone(),
        ..target_engine::Scenario::demo()
    }
}

fn on_engine(
    system: &'static str,
    host: &'static str,
    product: Product,
    scenario: &Scenario,
) -> anyhow::Result<Vec<Stand>> {
    let running = target_engine::start(product, engine(scenario))?;
    let key = running.keys().remove(0);
    let account = |cabinet: &CabinetName| StandAccount {
        external_id: cabinet.id.to_string(),
        client: String::new(),
        cabinet: cabinet.id,
    };
    Ok(vec![Stand {
        system,
        hosts: vec![(host, running.base_url.clone())],
        answers: json!({ "client_id": key.client_id, "client_secret": key.client_secret }),
        accounts: key.cabinets.iter().map(account).collect(),
        currency: "RUB",
        vat: "excluded",
        in_totals: true,
        whole: "campaign",
        tells: of_ads,
        truth: running.truth(),
        running: Box::new(Arc::new(running)),
    }])
}

fn vk_ads(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    on_engine(system, VK_ADS, Product::VkAds, scenario)
}

fn my_target(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    on_engine(system, "https://target.my.com", Product::MyTarget, scenario)
}

/// Reports are made in a second: nobody who looks at a demo waits for a queue.
fn yandex_direct(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let vendor = yandex_direct::Rules::default();
    let rules = if scenario.hurried { yandex_direct::Rules { askings: 1, retry_in: 1, ..vendor } } else { vendor };
    let platform = Arc::new(yandex_direct::start(scenario, rules)?);
    let key = &platform.keys[0];
    // A code is good once; a token is known to the platform of the next start, too.
    let answers = json!({ "access_token": key.pairs[0].access });
    let accounts: Vec<_> = key.logins.iter().cloned().zip(key.cabinets.iter().copied()).collect();
    let mut stand = Stand::new(system, "https://api.direct.yandex.com", &platform, answers, accounts);
    stand.hosts.push(("https://oauth.yandex.ru", platform.base_url.clone()));
    Ok(vec![stand])
}

fn yandex_promopages(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let vendor = yandex_promopages::Rules::default();
    let rules = if scenario.hurried { yandex_promopages::Rules { askings: 1, ..vendor } } else { vendor };
    let platform = Arc::new(yandex_promopages::start(scenario, rules)?);
    let key = &platform.keys[0];
    // A code is good once; a token is known to the platform of the next start, too.
    let answers = json!({ "access_token": key.pairs[0].access });
    let accounts: Vec<_> = key.publishers.iter().cloned().zip(key.cabinets.iter().copied()).collect();
    let mut stand = Stand::new(system, "https://promopages.yandex.ru", &platform, answers, accounts);
    stand.hosts.push(("https://oauth.yandex.ru", platform.base_url.clone()));
    Ok(vec![Stand { tells: without_revenue, ..stand }])
}

fn vk_ads_legacy(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let vendor = vk_ads_legacy::Limits { per_second: Some(3), actions: Some(10_000) };
    let limits = if scenario.hurried { vk_ads_legacy::Limits::default() } else { vendor };
    let platform = Arc::new(vk_ads_legacy::start(scenario, limits)?);
    let key = &platform.keys[0];
    let answers = json!({ "access_token": key.token });
    let accounts: Vec<_> = key.clients.iter().cloned().zip(key.cabinets.iter().copied()).collect();
    Ok(vec![Stand::new(system, "https://api.vk.com", &platform, answers, accounts)])
}

fn google_ads(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let platform = Arc::new(google_ads::start(scenario, google_ads::Rules::default())?);
    let key = &platform.keys[0];
    let answers = json!({
        "client_id": key.client_id, "client_secret": key.client_secret, "refresh_token": key.refresh_token,
    });
    let customers = key.customers.iter().map(u64::to_string);
    let accounts: Vec<_> = customers.zip(key.cabinets.iter().copied()).collect();
    let mut stand = Stand::new(system, "https://googleads.googleapis.com", &platform, answers, accounts);
    stand.hosts.push(("https://oauth2.googleapis.com", platform.base_url.clone()));
    Ok(vec![stand])
}

fn meta_ads(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let platform = Arc::new(meta_ads::start(scenario, meta_ads::Rules::default())?);
    let key = &platform.keys[0];
    let answers = json!({ "access_token": key.token, "conversion_action": meta_ads::CUSTOM_CONVERSION });
    let accounts: Vec<_> = key.accounts.iter().map(|id| (id.to_string(), *id)).collect();
    Ok(vec![Stand::new(system, "https://graph.facebook.com", &platform, answers, accounts)])
}

fn tiktok_ads(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let vendor = tiktok_ads::Limits { per_second: Some(10), ..tiktok_ads::Limits::default() };
    let limits = if scenario.hurried { tiktok_ads::Limits::default() } else { vendor };
    let platform = Arc::new(tiktok_ads::start(scenario, limits)?);
    let key = &platform.keys[0];
    let answers = json!({ "app_id": key.app_id, "secret": key.secret, "access_token": key.token });
    let accounts: Vec<_> = key.advertisers.iter().cloned().zip(key.cabinets.iter().copied()).collect();
    let stand = Stand::new(system, "https://business-api.tiktok.com", &platform, answers, accounts);
    Ok(vec![Stand { currency: tiktok_ads::CURRENCY, ..stand }])
}

fn apple_ads(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let platform = Arc::new(apple_ads::start(scenario, apple_ads::Rules::default())?);
    let key = &platform.keys[0];
    let answers = json!({
        "client_id": key.client_id, "team_id": key.team_id, "key_id": key.key_id, "private_key": key.private_key,
    });
    let accounts: Vec<_> = key.accounts.iter().map(|id| (id.to_string(), *id)).collect();
    let mut stand = Stand::new(system, "https://api.ads.apple.com", &platform, answers, accounts);
    stand.hosts.push(("https://appleid.apple.com", platform.base_url.clone()));
    Ok(vec![Stand { currency: apple_ads::CURRENCY, tells: without_revenue, ..stand }])
}

/// Every seller has a service account of its own.
fn ozon_performance(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let asks = if scenario.hurried { 1 } else { ozon_performance::Making::USUAL.asks };
    let making = ozon_performance::Making { asks, ..ozon_performance::Making::USUAL };
    let platform = Arc::new(ozon_performance::start(scenario, making)?);
    let stand = |key: &ozon_performance::Key| {
        let answers = json!({ "client_id": key.client_id, "client_secret": key.client_secret });
        let number = key.client_id.split('@').next().unwrap_or_default().to_owned();
        Stand::new(system, "https://api-performance.ozon.ru", &platform, answers, [(number, key.cabinet)])
    };
    Ok(platform.keys.iter().map(stand).collect())
}

/// Every seller has a token of its own.
fn wildberries(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let platform = Arc::new(wildberries::start(scenario, wildberries::Limits::Vendor)?);
    let stand = |key: &wildberries::Key| {
        let account = [(key.sid.clone(), key.cabinet)];
        let answers = json!({ "api_token": key.token });
        let mut stand = Stand::new(system, "https://advert-api.wildberries.ru", &platform, answers, account);
        stand.hosts.push(("https://common-api.wildberries.ru", platform.base_url.clone()));
        stand
    };
    Ok(platform.keys.iter().map(stand).collect())
}

/// Every seller has a key of its own.
fn yandex_market(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let vendor = yandex_market::Rules::USUAL;
    let rules = if scenario.hurried { yandex_market::Rules { asks: 1, ..vendor } } else { vendor };
    let platform = Arc::new(yandex_market::start(scenario, rules)?);
    let stand = |key: &yandex_market::Key| {
        let account = [(key.cabinet.to_string(), key.cabinet)];
        let answers = json!({ "api_key": key.api_key });
        let host = "https://api.partner.market.yandex.ru";
        let mut stand = Stand::new(system, host, &platform, answers, account);
        stand.hosts.push((yandex_market::STORAGE, platform.base_url.clone()));
        Stand { vat: "included", ..stand }
    };
    Ok(platform.keys.iter().map(stand).collect())
}

fn rtb_house(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let platform = Arc::new(rtb_house::start(scenario, rtb_house::ROWS_PER_HOUR)?);
    let key = &platform.keys[0];
    let answers = json!({ "api_token": key.token });
    let accounts: Vec<_> = key.advertisers.iter().cloned().zip(key.cabinets.iter().copied()).collect();
    Ok(vec![Stand::new(system, "https://api.panel.rtbhouse.com", &platform, answers, accounts)])
}

/// Quotas of a day would make a demo of two years wait for tomorrow.
fn appsflyer(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let rules = if scenario.hurried { appsflyer::Rules::FREE } else { appsflyer::Rules::default() };
    let platform = Arc::new(appsflyer::start(scenario, rules)?);
    let key = &platform.keys[0];
    let answers = json!({ "api_token": key.token });
    let accounts: Vec<_> = key.apps.iter().map(|app| (app.id.clone(), app.cabinet)).collect();
    Ok(vec![Stand::new(system, "https://hq1.appsflyer.com", &platform, answers, accounts).apart()])
}

fn telegram_ads(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let rules = telegram_ads::Rules::default();
    let platform = Arc::new(telegram_ads::start(scenario, rules)?);
    let key = &platform.keys[0];
    let answers = json!({ "access_token": key.token });
    let accounts: Vec<_> = key.accounts.iter().cloned().zip(key.cabinets.iter().copied()).collect();
    let stand = Stand::new(system, "https://promoteapi.telegram.org", &platform, answers, accounts);
    Ok(vec![Stand { currency: rules.currency, whole: "account", tells: without_revenue, ..stand }])
}

fn google_analytics_4(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let platform = Arc::new(google_analytics_4::start(scenario, google_analytics_4::Rules::default())?);
    let key = &platform.keys[0];
    let answers = json!({
        "client_id": key.sign_in.client_id, "client_secret": key.sign_in.client_secret,
        "refresh_token": key.sign_in.refresh_token,
    });
    let properties = key.properties.iter().map(u64::to_string);
    let accounts: Vec<_> = properties.zip(key.cabinets.iter().copied()).collect();
    let host = "https://analyticsdata.googleapis.com";
    let mut stand = Stand::new(system, host, &platform, answers, accounts).apart();
    stand.hosts.push(("https://analyticsadmin.googleapis.com", platform.base_url.clone()));
    stand.hosts.push(("https://oauth2.googleapis.com", platform.base_url.clone()));
    Ok(vec![Stand { tells: of_visits, ..stand }])
}

fn yandex_metrika(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let (rules, asks) =
        if scenario.hurried { (yandex_metrika::Rules::PATIENT, 1) } else { (yandex_metrika::Rules::default(), 3) };
    let platform = Arc::new(yandex_metrika::start(scenario, rules, asks)?);
    let key = &platform.keys[0];
    // A code is good once; a token is known to the platform of the next start, too.
    let answers = json!({ "access_token": key.pairs[0].access });
    let accounts: Vec<_> = key.counters.iter().map(|id| (id.to_string(), *id)).collect();
    let mut stand = Stand::new(system, "https://api-metrika.yandex.net", &platform, answers, accounts).apart();
    stand.hosts.push(("https://oauth.yandex.ru", platform.base_url.clone()));
    Ok(vec![Stand { tells: of_reaches, ..stand }])
}

fn yandex_appmetrica(system: &'static str, scenario: &Scenario) -> anyhow::Result<Vec<Stand>> {
    let vendor = yandex_appmetrica::Exports::USUAL;
    let exports = if scenario.hurried { yandex_appmetrica::Exports { asks: 1, ..vendor } } else { vendor };
    let rules = if scenario.hurried { yandex_appmetrica::Rules::PATIENT } else { yandex_appmetrica::Rules::default() };
    let platform = Arc::new(yandex_appmetrica::start(scenario, rules, exports)?);
    let key = &platform.keys[0];
    let answers = json!({ "access_token": key.pairs[0].access });
    let accounts: Vec<_> = key.apps.iter().map(|id| (id.to_string(), *id)).collect();
    let mut stand = Stand::new(system, "https://api.appmetrica.yandex.com", &platform, answers, accounts).apart();
    stand.hosts.push(("https://oauth.yandex.ru", platform.base_url.clone()));
    Ok(vec![Stand { tells: of_installs, ..stand }])
}
