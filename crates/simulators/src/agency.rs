//! Made-up agencies: what a person would type to connect each platform, whose the accounts are, and the truth of all of it by account and
//! day. What demo workspaces show and what a whole workspace is compared with.
//!
//! Two casts: a few clients on one platform ([`small`]), and twelve clients on every platform there is a simulator of ([`mixed`]). A platform
//! joins the second with a function that starts it and its line in [`PLATFORMS`].

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use chrono::{Duration, NaiveDate};
use serde_json::{Value, json};

use crate::calendar::TimeFlow;
use crate::noise::hash;
use crate::rtb_house;
use crate::stage::Scenario;
use crate::target_engine::{self, Limits, Product, TokenRules};
use crate::truth::Truth;
use crate::world::{Figures, WorldSize};

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

/// Starts a platform in such a world.
type Start = fn(&Scenario) -> anyhow::Result<Stand>;

/// The platforms, in the order of the catalogue.
const PLATFORMS: &[Start] = &[vk_ads, my_target, rtb_house];

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
    truth: Truth,
    /// Stops the platform when it is dropped.
    _running: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for Stand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stand").field("system", &self.system).finish_non_exhaustive()
    }
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
    /// A running platform of the mixed agency. `accounts` are the vendor's ids and their cabinets; which clients they belong to depends on the
    /// system.
    pub(crate) fn new<P: Any + Send + Sync>(
        system: &'static str,
        hosts: Vec<(&'static str, String)>,
        answers: Value,
        accounts: impl IntoIterator<Item = (String, u64)>,
        truth: Truth,
        running: P,
    ) -> Self {
        // Not the same five clients on every platform, and the same ones on every start.
        let first = system.bytes().fold(0_u64, |sum, byte| hash(sum, u64::from(byte), 1));
        let clients = CLIENTS.iter().cycle().skip(usize::try_from(first % 12).unwrap_or_default());
        let accounts = accounts
            .into_iter()
            .zip(clients)
            .map(|((external_id, cabinet), client)| StandAccount { external_id, client: (*client).to_owned(), cabinet })
            .collect();
        Self { system, hosts, answers, accounts, currency: "RUB", vat: "excluded", truth, _running: Box::new(running) }
    }

    /// What an account of this platform really did on a day; nothing when the account is not one of its.
    pub fn figures(&self, external_id: &str, date: NaiveDate) -> Option<Figures> {
        let account = self.accounts.iter().find(|account| account.external_id == external_id)?;
        self.truth.totals(account.cabinet, date, date)
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
            truth: running.truth(),
            _running: Box::new(Arc::clone(&running)),
        }
    });
    Ok(stands.collect())
}

/// Twelve clients, every platform, on this day. The same day gives the same agency.
pub fn mixed(today: NaiveDate) -> anyhow::Result<Vec<Stand>> {
    let scenario = |seed| Scenario {
        seed,
        today: Some(today),
        first_day: Some(today - Duration::days(DAYS - 1)),
        size: WorldSize {
            agencies: 1,
            cabinets_per_agency: ACCOUNTS,
            advertisers: 0,
            campaigns: 4,
            groups: 1,
            ads: 2,
            varied_over_days: Some(1_000),
        },
        time: TimeFlow::Real,
        port: 0,
    };
    (1_u64..).zip(PLATFORMS).map(|(seed, start)| start(&scenario(seed))).collect()
}

fn engine(scenario: &Scenario) -> target_engine::Scenario {
    target_engine::Scenario {
        seed: scenario.seed,
        today: scenario.today,
        first_day: scenario.first_day,
        size: scenario.size,
        limits: Limits::NONE,
        tokens: TokenRules::default(),
        time: scenario.time.clone(),
        ..target_engine::Scenario::demo()
    }
}

fn on_engine(system: &'static str, host: &'static str, product: Product, scenario: &Scenario) -> anyhow::Result<Stand> {
    let running = target_engine::start(product, engine(scenario))?;
    let key = running.keys().remove(0);
    let accounts: Vec<_> = key.cabinets.iter().map(|cabinet| (cabinet.id.to_string(), cabinet.id)).collect();
    let answers = json!({ "client_id": key.client_id, "client_secret": key.client_secret });
    let hosts = vec![(host, running.base_url.clone())];
    Ok(Stand::new(system, hosts, answers, accounts, running.truth(), running))
}

fn vk_ads(scenario: &Scenario) -> anyhow::Result<Stand> {
    on_engine("vk_ads", VK_ADS, Product::VkAds, scenario)
}

fn my_target(scenario: &Scenario) -> anyhow::Result<Stand> {
    on_engine("my_target", "https://target.my.com", Product::MyTarget, scenario)
}

fn rtb_house(scenario: &Scenario) -> anyhow::Result<Stand> {
    let platform = rtb_house::start(scenario, rtb_house::ROWS_PER_HOUR)?;
    let key = &platform.keys[0];
    let accounts: Vec<_> = key.advertisers.iter().cloned().zip(key.cabinets.iter().copied()).collect();
    let answers = json!({ "api_token": key.token });
    let hosts = vec![("https://api.panel.rtbhouse.com", platform.base_url.clone())];
    Ok(Stand::new("rtb_house", hosts, answers, accounts, platform.truth(), platform))
}
