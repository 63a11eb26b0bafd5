//! Yandex Metrica (api-metrika.yandex.net) with its sign-in (oauth.yandex.ru), both at one address here.
//!
//! Written from yandex.ru/dev/metrika and public clients of it. Served: counters, a counter's goals, tables of the Reporting API by day and UTM
//! tags, the Logs API of visits (`logs`), and Yandex ID's `token` endpoint. Not served, because the console does not call it: grants,
//! segments, uploads of any kind, hits, other dimensions and formats.
//!
//! Each client of the world has a counter on its site, which saw the people that its ads brought ([`Visits`]). Whose they are, only the UTM
//! tags of the landing page tell ([`tags_of`]): two campaigns may share one, and some have none. A counter has a dozen goals ([`GOALS`]).

mod logs;

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::faults::FaultKind;
use crate::metrica::{self, Query, Quotas, lock, money, refusal, token, wrong};
use crate::server::{Answer, Call, Vendor};
use crate::stage::{Owner, Platform, Scenario, Stage};
use crate::visits::Visits;
use crate::world::{Cabinet, Figures};
use crate::yandex_id::Tokens;

pub use crate::metrica::Rules;
pub use crate::yandex_id::Pair;

/// Goals of a counter. Every conversion is a reach of one of them, and which it is hangs on the campaign.
pub const GOALS: usize = 12;

/// Who may ask, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The owner's login.
    pub owner: String,
    /// Whether it is an agency, which has guest access to its clients' counters.
    pub agency: bool,
    /// Its application.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: String,
    /// Codes that a person was shown; each is good once.
    pub codes: Vec<String>,
    /// Tokens of earlier sign-ins.
    pub pairs: Vec<Pair>,
    /// Counters it sees: the number of each is that of the cabinet in the world.
    pub counters: Vec<u64>,
}

#[derive(Debug)]
struct Metrika {
    stage: Stage,
    rules: Rules,
    owners: Vec<Owner>,
    tokens: Mutex<Tokens>,
    quotas: Quotas,
    logs: Mutex<logs::Shelf>,
}

/// Starts a platform that stands for `https://api-metrika.yandex.net` and for `https://oauth.yandex.ru`. `making` is how often a log in the
/// making is asked for until it is ready.
pub fn start(scenario: &Scenario, rules: Rules, making: u32) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let owners = stage.owners();
    let mut all = Tokens::new(stage.seed, "metrika:read");
    let keys = owners.iter().enumerate().map(|(place, owner)| {
        let application = all.application(place, owner.id);
        let cabinets = &stage.world.cabinets[owner.cabinets.clone()];
        Key {
            owner: owner.login.clone(),
            agency: owner.agency,
            client_id: application.0,
            client_secret: application.1,
            codes: (0..3).map(|_| all.code(place)).collect(),
            pairs: (0..3).map(|_| all.issue(place)).collect(),
            counters: cabinets.iter().map(|cabinet| cabinet.id).collect(),
        }
    });
    let keys = keys.collect();
    let metrika = Metrika {
        stage: stage.clone(),
        rules,
        owners,
        tokens: Mutex::new(all),
        quotas: Quotas::default(),
        logs: Mutex::new(logs::Shelf::new(making)),
    };
    stage.serve(Arc::new(metrika), keys, 1 << 20)
}

/// Source, medium, campaign and content in the UTM tags of an ad's landing page, as this model of attribution finds them. A campaign
/// without tags is undefined; under `last`, so is one whose people come back by themselves.
pub fn tags_of(campaign: u64, ad: u64, attribution: &str) -> [Option<String>; 4] {
    let comes_back = attribution == "last" && campaign % 7 == 1;
    if campaign.is_multiple_of(7) || comes_back {
        return [None, None, None, None];
    }
    let of_three = |words: [&str; 3]| words[usize::try_from(campaign % 3).unwrap_or_default()].to_owned();
    [
        Some(of_three(["yandex", "vk", "google"])),
        (!campaign.is_multiple_of(4)).then(|| "cpc".to_owned()),
        // Tags are written by hand: neighbours share one.
        Some(format!("{} / {}", of_three(["весна −30 %", "Brand & Co", "лид-форма 🌷"]), campaign / 2)),
        (!ad.is_multiple_of(4)).then(|| ad.to_string()),
    ]
}

/// Numbers of a counter's goals.
pub fn goals_of(counter: u64) -> [u64; GOALS] {
    std::array::from_fn(|place| counter * 100 + place as u64 + 1)
}

/// How often the goal at this place was reached by a campaign's conversions, and what they were worth in kopecks.
pub fn reached(figures: &Figures, campaign: u64, place: usize) -> (i64, i64) {
    if place == 0 || campaign % 11 == place as u64 - 1 {
        (figures.conversions, figures.revenue_kopecks)
    } else {
        (0, 0)
    }
}

/// What a counter counted.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    visits: Visits,
    /// Of shop orders.
    revenue_kopecks: i64,
    goals: [(i64, i64); GOALS],
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.visits += other.visits;
        self.revenue_kopecks += other.revenue_kopecks;
        for (mine, more) in self.goals.iter_mut().zip(other.goals) {
            *mine = (mine.0 + more.0, mine.1 + more.1);
        }
    }
}

impl Count {
    fn of(figures: &Figures, campaign: u64) -> Self {
        Self {
            visits: Visits::of(figures),
            revenue_kopecks: figures.revenue_kopecks,
            goals: std::array::from_fn(|place| reached(figures, campaign, place)),
        }
    }
}

/// A metric that is served.
#[derive(Debug, Clone, Copy)]
enum Metric {
    Visits,
    Users,
    PageViews,
    BounceRate,
    AnyGoal,
    EcommerceRevenue,
    /// Of the goal with this number.
    Reaches(u64),
    Revenue(u64),
}

impl Metric {
    fn named(name: &str) -> Option<Self> {
        let name = name.strip_prefix("ym:s:")?;
        let of_goal = || {
            let rest = name.strip_prefix("goal")?;
            let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
            let goal = rest[..end].parse().ok()?;
            match &rest[end..] {
                "reaches" => Some(Self::Reaches(goal)),
                "converted<currency>Revenue" | "convertedRUBRevenue" => Some(Self::Revenue(goal)),
                _ => None,
            }
        };
        match name {
            "visits" => Some(Self::Visits),
            "users" => Some(Self::Users),
            "pageviews" => Some(Self::PageViews),
            "bounceRate" => Some(Self::BounceRate),
            "sumGoalReachesAny" => Some(Self::AnyGoal),
            "ecommerce<currency>ConvertedRevenue" | "ecommerceRUBConvertedRevenue" => Some(Self::EcommerceRevenue),
            _ => of_goal(),
        }
    }

    fn value(self, count: &Count, counter: u64) -> f64 {
        let of_goal = |goal: u64| {
            let place = goals_of(counter).iter().position(|it| *it == goal);
            place.map_or((0, 0), |place| count.goals[place])
        };
        match self {
            Self::Visits => count.visits.visits as f64,
            Self::Users => count.visits.users as f64,
            Self::PageViews => count.visits.page_views as f64,
            Self::BounceRate => {
                let share = count.visits.bounces as f64 / (count.visits.visits as f64).max(1.0);
                (share * 1e10).round() / 1e8
            }
            Self::AnyGoal => count.goals.iter().map(|(reaches, _)| *reaches).sum::<i64>() as f64,
            Self::EcommerceRevenue => money(count.revenue_kopecks),
            Self::Reaches(goal) => of_goal(goal).0 as f64,
            Self::Revenue(goal) => money(of_goal(goal).1),
        }
    }
}

/// The dimension of days; others are tags.
const DAY: &str = "ym:s:date";

/// The place of a tag in [`tags_of`].
fn tag_of(dimension: &str) -> Option<usize> {
    match dimension {
        "ym:s:<attribution>UTMSource" => Some(0),
        "ym:s:<attribution>UTMMedium" => Some(1),
        "ym:s:<attribution>UTMCampaign" => Some(2),
        "ym:s:<attribution>UTMContent" => Some(3),
        _ => None,
    }
}

/// The model that a request means: since June 2026 there are four, and the names of others mean their nearest.
fn model(named: &str) -> Option<&'static str> {
    match named {
        "first" | "cross_device_first" => Some("cross_device_first"),
        "last" | "cross_device_last" => Some("last"),
        "lastsign" | "cross_device_last_significant" => Some("cross_device_last_significant"),
        "last_yandex_direct_click" | "cross_device_last_yandex_direct_click" | "automatic" => Some("automatic"),
        _ => None,
    }
}

impl Metrika {
    /// The place of a counter in the world, if its owner may see it.
    fn counter(&self, id: u64, owner: usize) -> Result<usize, Answer> {
        match self.stage.world.cabinet(id) {
            None => Err(refusal(404, "not_found", "Entity not found")),
            Some(place) if self.owners[owner].cabinets.contains(&place) => Ok(place),
            Some(_) => Err(refusal(403, "access_denied", "Access is denied")),
        }
    }

    fn brief(cabinet: &Cabinet, owner: &Owner) -> Value {
        let site = format!("{}.example", cabinet.login.replace('_', "-"));
        json!({
            "id": cabinet.id, "status": "Active", "owner_login": cabinet.login, "activity_status": "high", "name": cabinet.name,
            "type": "simple", "favorite": false, "permission": if owner.agency { "view" } else { "own" },
            "create_time": "2020-01-01T10:00:00+03:00", "time_zone_name": "Europe/Moscow", "time_zone_offset": 180,
            "site": site, "site2": { "site": site },
        })
    }

    fn counters(&self, call: &Call, owner: usize) -> Answer {
        let number = |name: &str, usual: usize, most: usize| match call.param(name).map(str::parse::<usize>) {
            None => Ok(usual),
            Some(Ok(number)) if (1..=most).contains(&number) => Ok(number),
            Some(_) => Err(wrong(name, "is out of range")),
        };
        let (per_page, offset) = match (number("per_page", 1_000, 10_000), number("offset", 1, 100_000)) {
            (Ok(per_page), Ok(offset)) => (per_page, offset),
            (Err(refused), _) | (_, Err(refused)) => return refused,
        };
        let owner = &self.owners[owner];
        let permission = if owner.agency { "view" } else { "own" };
        let wanted = call.param("permission").is_none_or(|words| words.split(',').any(|word| word == permission));
        let all = self.stage.world.cabinets[owner.cabinets.clone()].iter().filter(|_| wanted);
        let counters: Vec<Value> = all.map(|cabinet| Self::brief(cabinet, owner)).collect();
        let page: Vec<&Value> = counters.iter().skip(offset - 1).take(per_page).collect();
        Answer::json(200, &json!({ "rows": counters.len(), "counters": page }))
    }

    fn goals(place: &Cabinet) -> Answer {
        let goals = goals_of(place.id).into_iter().enumerate().map(|(at, id)| {
            let (kind, name) = if at == 0 { ("e_purchase", "Заказ".to_owned()) } else { ("action", format!("Цель № {at}")) };
            let conditions = [json!({ "type": "exact", "url": format!("target-{at}") })];
            json!({
                "id": id, "name": name, "type": kind, "default_price": 0.0, "is_retargeting": 0, "goal_source": "user", "is_favorite": 0,
                "prev_goal_id": 0, "conditions": conditions,
            })
        });
        Answer::json(200, &json!({ "goals": goals.collect::<Vec<_>>() }))
    }

    fn report(&self, call: &Call, owner: usize) -> Result<Answer, Answer> {
        let knows = |name: &str, dimension: bool| {
            if dimension { name == DAY || tag_of(name).is_some() } else { Metric::named(name).is_some() }
        };
        let query = Query::read(call, &self.rules, knows)?;
        let named = call.param("attribution").unwrap_or("cross_device_last_significant");
        let model = model(named).ok_or_else(|| wrong("attribution", &format!("value: {named}")))?;
        // Sums of another currency would be other numbers; clients of the world earn roubles.
        let currency = call.param("currency").unwrap_or("RUB");
        if currency != "RUB" {
            return Err(wrong("currency", &format!("value: {currency}")));
        }
        let cabinet = &self.stage.world.cabinets[self.counter(query.id, owner)?];
        let mut groups: BTreeMap<Vec<Option<String>>, Count> = BTreeMap::new();
        for day in self.stage.world.days(query.from, query.to, self.stage.today()) {
            for ad in &cabinet.ads {
                let figures = self.stage.world.figures(cabinet, ad, &day);
                if Visits::of(&figures).visits == 0 {
                    continue;
                }
                let campaign = cabinet.campaigns[ad.campaign].id;
                let tags = tags_of(campaign, ad.id, model);
                let key = query.dimensions.iter().map(|name| match tag_of(name) {
                    None => Some(day.date.to_string()),
                    Some(place) => tags[place].clone(),
                });
                *groups.entry(key.collect()).or_default() += Count::of(&figures, campaign);
            }
        }
        let metrics: Vec<Metric> = query.metrics.iter().filter_map(|name| Metric::named(name)).collect();
        let value = |count: &Count, at: usize| metrics[at].value(count, cabinet.id);
        let named = |_, name: Option<&str>| json!({ "name": name });
        Ok(query.table(groups, value, named, &[("attribution", model), ("currency", currency), ("group", "Week")]))
    }

    fn asked(&self, call: &Call) -> Answer {
        let is_report = call.path == "/stat/v1/data";
        let _under_way = match self.quotas.take(&self.rules, is_report, self.stage.calendar.now_secs()) {
            Ok(under_way) => under_way,
            Err(refused) => return refused,
        };
        let Some(token) = token(call) else { return refusal(401, "unauthorized", "Unauthorized") };
        let Some(owner) = lock(&self.tokens).owner(token) else {
            return refusal(403, "invalid_token", "Invalid oauth_token");
        };
        let answer = match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/stat/v1/data") => self.report(call, owner).unwrap_or_else(|refused| refused),
            ("GET", "/management/v1/counters") => self.counters(call, owner),
            (method, path) => {
                let Some(rest) = path.strip_prefix("/management/v1/counter/") else {
                    return Answer::raw(404, Vec::new());
                };
                let (id, rest) = rest.split_once('/').unwrap_or((rest, ""));
                let Ok(id) = id.parse() else { return wrong("counterId", "a number was expected") };
                let place = match self.counter(id, owner) {
                    Ok(place) => place,
                    Err(refused) => return refused,
                };
                let cabinet = &self.stage.world.cabinets[place];
                match (method, rest) {
                    ("GET", "") => Answer::json(200, &json!({ "counter": Self::brief(cabinet, &self.owners[owner]) })),
                    ("GET", "goals") => Self::goals(cabinet),
                    _ => self.log(call, cabinet, rest),
                }
            }
        };
        Answer { user: Some(self.owners[owner].id), ..answer }
    }
}

impl Vendor for Metrika {
    fn answer(&self, call: &Call) -> Answer {
        if call.path == "/token" {
            return if call.method == "POST" { lock(&self.tokens).asked(call) } else { Answer::raw(405, Vec::new()) };
        }
        self.asked(call)
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        metrica::meets(fault, call, call.path == "/stat/v1/data")
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        metrica::refuse(fault, call, &self.tokens)
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        metrica::bend(fault, body);
    }

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}
