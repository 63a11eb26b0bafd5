//! Yandex Market for sellers (api.partner.market.yandex.ru): one cabinet per key, its stores, reports on order and orders.
//!
//! Written from the vendor's documentation (methods, columns of reports, limits, errors) and from what public clients of it read (names of
//! files, columns the documentation leaves out, a last day that may not lie in the future). Served: the key itself, stores, the reports on
//! boosts, shelves, banners and services, and statistics of orders. Not served, because the console does not call it: goods, prices,
//! bids, and reports in other formats than JSON.
//!
//! Campaigns of the world are promoted in one way each ([`kind`]). Products of neighbouring boosts share their first one, as a seller
//! promotes a product twice, and a part of the campaigns is paid for with bonuses, too, which are no money. Words of a refusal are the
//! documented ones; that a bucket of limits begins with the calendar's hour or minute is from a recorded header.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, NaiveDate, SecondsFormat, Utc};
use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use crate::archive;
use crate::faults::{FaultKind, Hint};
use crate::noise::hash;
use crate::server::{Answer, Call, Vendor, http_date};
use crate::stage::{Platform, RowNames, Scenario, Stage};
use crate::world::{Ad, Aim, Cabinet, Campaign, Day, Figures};

/// Where finished reports lie.
pub const STORAGE: &str = "https://storage.yandexcloud.net";
/// How long a link to a report is good.
const LINK_SECS: i64 = 3_600;
/// A report that nobody asks about is ready after this.
const SLOWEST_SECS: i64 = 60;
/// Most days of a report.
const MOST_DAYS: i64 = 400;
/// Most orders of a page.
const MOST_ORDERS: usize = 200;
/// Requests at once.
const MOST_AT_ONCE: usize = 2;
/// Days of orders that are kept.
const DAYS_OF_ORDERS: i64 = 120;

/// What faults of content twist; a report has its own names for each kind of promotion.
const NAMES: RowNames = RowNames {
    day: "date",
    counts: &["shows", "impressions", "showsWithFee", "clicks", "clicksVendorWithFee", "count"],
    money: &["realCost", "cost", "billedAmount", "postpaid"],
    status: "apiAvailability",
};

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How often one asks until a report is ready.
    pub asks: u32,
    /// So many reports end in an error first.
    pub errors: u32,
    /// Whether requests are counted, and refused when they are too many.
    pub limits: bool,
    /// How long an answer takes, so that requests can come at once. Milliseconds.
    pub slow: u64,
    /// Whether the rows of a sheet lie under a name.
    pub wrapped: bool,
    /// Whether the key may read orders.
    pub orders: bool,
}

impl Rules {
    /// On a quiet day.
    pub const USUAL: Self = Self { asks: 3, errors: 0, limits: false, slow: 0, wrapped: false, orders: true };
}

/// How a campaign is promoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The boost that pays for impressions.
    Boost,
    /// The boost that pays for sales: charged to stores.
    Sales,
    /// A shelf.
    Shelf,
    /// A banner.
    Banner,
}

impl Kind {
    /// What the connector puts in front of its ids, told here because no answer tells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Boost => "boost",
            Self::Sales => "sales",
            Self::Shelf => "shelf",
            Self::Banner => "banner",
        }
    }
}

/// A store of a cabinet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Its number in the interface.
    pub id: u64,
    /// Its other number, which reports call it by.
    pub partner: u64,
    /// Its name.
    pub name: String,
    /// Whether the interface answers for it.
    pub active: bool,
}

/// A product that is promoted in one way, told from the world and not from answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// How.
    pub kind: Kind,
    /// The seller's number of it.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// The ads of the world that promote it, with their campaigns.
    pub ads: Vec<(u64, u64)>,
}

/// An order as it is on the simulated day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its number.
    pub id: u64,
    /// The store, by its number in the interface.
    pub store: u64,
    /// The day it was made.
    pub created: NaiveDate,
    /// The day it last changed.
    pub changed: NaiveDate,
    /// How it is.
    pub status: &'static str,
    /// Whether somebody only tried the shop.
    pub fake: bool,
    /// What the buyer paid, kopecks.
    pub total_kopecks: i64,
}

/// What a person copies out of the cabinet's settings, and what there is to be found with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The token.
    pub api_key: String,
    /// The token's name.
    pub name: String,
    /// Number of the cabinet here and in the world.
    pub cabinet: u64,
    /// Its name.
    pub cabinet_name: String,
    /// Its stores.
    pub stores: Vec<Store>,
    /// Its campaigns: how they are promoted, their number and name.
    pub campaigns: Vec<(Kind, u64, String)>,
    /// Promoted products; the first two ways only.
    pub offers: Vec<Offer>,
    /// The store that is charged for an ad, for sales; by the number reports use.
    pub charged: Vec<(u64, u64)>,
    /// Orders of active stores.
    pub orders: Vec<Order>,
}

/// A report on order.
#[derive(Debug)]
struct Report {
    cabinet: usize,
    kind: String,
    from: NaiveDate,
    to: NaiveDate,
    ordered_at: DateTime<Utc>,
    asked: u32,
    fails: bool,
}

#[derive(Debug, Default)]
struct Desk {
    reports: BTreeMap<String, Report>,
    ordered: u64,
    /// Requests of a cabinet and resource in a bucket of time.
    counted: HashMap<(usize, String, i64), u64>,
    at_once: HashMap<usize, usize>,
}

#[derive(Debug)]
struct Market {
    stage: Stage,
    rules: Rules,
    keys: Vec<Key>,
    desk: Mutex<Desk>,
}

/// Starts a platform that stands for `https://api.partner.market.yandex.ru` and for [`STORAGE`].
pub fn start(scenario: &Scenario, rules: Rules) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let keys: Vec<Key> = stage.world.cabinets.iter().map(|cabinet| key_of(&stage, cabinet)).collect();
    let market = Market { stage: stage.clone(), rules, keys: keys.clone(), desk: Mutex::default() };
    stage.serve(Arc::new(market), keys, 512 << 10)
}

/// How a campaign is promoted.
pub fn kind(aim: Aim, campaign: u64) -> Kind {
    match aim {
        Aim::Leads => Kind::Shelf,
        Aim::Community => Kind::Sales,
        Aim::Site if campaign.is_multiple_of(3) => Kind::Banner,
        Aim::Site => Kind::Boost,
    }
}

/// What bonuses pay for besides, of what a campaign spends: a tenth of it in every fourth campaign. They are no money.
pub fn bonus(campaign: u64, spend_kopecks: i64) -> i64 {
    if campaign % 4 == 1 { spend_kopecks / 10 } else { 0 }
}

fn kind_of(campaign: &Campaign) -> Kind {
    kind(campaign.aim, campaign.id)
}

fn key_of(stage: &Stage, cabinet: &Cabinet) -> Key {
    let part = |salt| hash(stage.seed, cabinet.id, salt);
    let store = |number: u64, name: &str, active| Store {
        id: cabinet.id * 10 + number,
        partner: 4_000_000 + cabinet.id % 1_000_000 * 10 + number,
        name: format!("{} {name}", cabinet.name),
        active,
    };
    let stores = vec![store(1, "FBS", true), store(2, "FBY", true), store(3, "DBS (закрыт)", false)];
    let existing = || cabinet.campaigns.iter().filter(|it| it.life.exists(stage.today()));
    let charged = cabinet.ads.iter().filter(|ad| kind_of(&cabinet.campaigns[ad.campaign]) == Kind::Sales);
    let charged = charged.map(|ad| (ad.id, stores[usize::from(!ad.id.is_multiple_of(2))].partner)).collect();
    Key {
        api_key: format!("ACMA:{:016x}{:016x}{:08x}:{:08x}", part(1), part(2), part(3) >> 32, part(4) >> 32),
        name: "Агентская отчётность".to_owned(),
        cabinet: cabinet.id,
        cabinet_name: cabinet.name.clone(),
        campaigns: existing().map(|it| (kind_of(it), it.id, it.name.clone())).collect(),
        offers: offers_of(cabinet),
        charged,
        orders: stores.iter().filter(|store| store.active).flat_map(|store| orders_of(stage, store.id)).collect(),
        stores,
    }
}

/// Products of boosts. Every second boost of a kind promotes the first product of the one before it, too.
fn offers_of(cabinet: &Cabinet) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    for kind in [Kind::Boost, Kind::Sales] {
        let campaigns = cabinet.campaigns.iter().filter(|it| kind_of(it) == kind);
        let mut first: Option<usize> = None;
        for (place, campaign) in campaigns.enumerate() {
            for (at, ad) in cabinet.ads[campaign.ads.clone()].iter().enumerate() {
                let shared = first.filter(|_| at == 0 && place % 2 == 1);
                if let Some(shared) = shared {
                    offers[shared].ads.push((ad.id, campaign.id));
                    continue;
                }
                let sku = format!("АРТ-{}/{}", ad.id, kind.word());
                offers.push(Offer { kind, sku, name: ad.name.clone(), ads: vec![(ad.id, campaign.id)] });
                if at == 0 && place % 2 == 0 {
                    first = Some(offers.len() - 1);
                }
            }
        }
    }
    offers
}

/// Orders of a store: a few a day, which are packed, delivered, and sometimes come back.
fn orders_of(stage: &Stage, store: u64) -> Vec<Order> {
    let today = stage.today();
    let mut orders = Vec::new();
    for ago in (0..DAYS_OF_ORDERS).rev() {
        let created = today - Duration::days(ago);
        let number = u64::try_from((created - NaiveDate::default()).num_days()).unwrap_or_default();
        for place in 0..hash(stage.seed, store, number) % 4 {
            let luck = hash(stage.seed, store ^ (place << 32), number + 1);
            let (status, after) = match (luck % 11, ago) {
                (0, _) => ("CANCELLED_BEFORE_PROCESSING", 0),
                (1, 12..) => ("RETURNED", 12),
                (_, 0) => ("PROCESSING", 0),
                (_, 1..=2) => ("DELIVERY", 1),
                _ => ("DELIVERED", 3),
            };
            orders.push(Order {
                id: (store % 1_000_000) * 1_000_000 + number * 10 + place,
                store,
                created,
                changed: created + Duration::days(after),
                status,
                fake: luck % 13 == 5,
                total_kopecks: i64::try_from(luck % 900_000).unwrap_or_default() + 10_000,
            });
        }
    }
    orders
}

fn refusal(status: u16, code: &str, words: &str) -> Answer {
    Answer::json(status, &json!({ "status": "ERROR", "errors": [{ "code": code, "message": words }] }))
}

fn bad(words: &str) -> Answer {
    refusal(400, "BAD_REQUEST", words)
}

fn good(result: &Value) -> Answer {
    Answer::json(200, &json!({ "status": "OK", "result": result }))
}

/// Roubles as reports write them: a number.
fn roubles(kopecks: i64) -> Value {
    let text = format!("{}.{:02}", kopecks / 100, kopecks % 100);
    serde_json::from_str(&text).unwrap_or_default()
}

/// Refuses a parameter that the resource does not have.
fn only(call: &Call, known: &[&str]) -> Result<(), Answer> {
    match call.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => Err(bad(&format!("unknown parameter {name}"))),
        None => Ok(()),
    }
}

/// The body as a map of known members.
fn body(call: &Call, known: &[&str]) -> Result<Map<String, Value>, Answer> {
    let json = call.headers.get("content-type").and_then(|kind| kind.to_str().ok());
    match json {
        None => return Err(refusal(415, "UNSUPPORTED_MEDIA_TYPE", "Missing Content-Type")),
        Some(kind) if !kind.starts_with("application/json") => {
            let words = format!("Content type '{kind}' not supported");
            return Err(refusal(415, "UNSUPPORTED_MEDIA_TYPE", &words));
        }
        Some(_) => {}
    }
    let Ok(Value::Object(body)) = serde_json::from_slice(&call.body) else {
        return Err(bad("Unexpected end of content"));
    };
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(bad(&format!("Unrecognized field \"{name}\""))),
        None => Ok(body),
    }
}

fn day_of(body: &Map<String, Value>, name: &str) -> Result<Option<NaiveDate>, Answer> {
    let Some(value) = body.get(name) else { return Ok(None) };
    let day = value.as_str().and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok());
    day.map(Some).ok_or_else(|| bad(&format!("Value of field {name} must be a date")))
}

/// A resource as limits count it: its name, requests and seconds.
fn resource(path: &str) -> (String, u64, i64) {
    let hour = 3_600;
    match path {
        "campaigns" => (path.to_owned(), 1_000, hour),
        "auth/token" => (path.to_owned(), 100, hour),
        path if path.ends_with("/generate") => (path.to_owned(), 100, hour),
        path if path.starts_with("reports/info/") => ("reports/info/{reportId}".to_owned(), 100, 60),
        _ => ("campaigns/{campaignId}/stats/orders".to_owned(), 1_000_000, hour),
    }
}

impl Market {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose key it is.
    fn owner(&self, call: &Call) -> Result<usize, Answer> {
        let refused = |words: &str| refusal(401, "UNAUTHORIZED", words);
        let token = call.headers.get("api-key").and_then(|token| token.to_str().ok());
        let token = token.ok_or_else(|| refused("Credentials are not specified"))?;
        if !token.starts_with("ACMA:") {
            return Err(refused("Api-Key token prefix invalid"));
        }
        self.keys.iter().position(|key| key.api_key == token).ok_or_else(|| refused("Api-Key token is invalid"))
    }

    /// Counts a request; the headers with what is left, or the refusal.
    fn count(&self, place: usize, path: &str) -> Result<[(&'static str, String); 3], Answer> {
        let (name, limit, period) = resource(path);
        let now = self.stage.now();
        let bucket = now.timestamp().div_euclid(period);
        let until = DateTime::from_timestamp((bucket + 1) * period, 0).unwrap_or(now);
        let mut desk = self.desk();
        let used = desk.counted.entry((place, name.clone(), bucket)).or_default();
        let over = self.rules.limits && *used >= limit;
        if !over {
            *used += 1;
        }
        let headers = [
            ("x-ratelimit-resource-limit", limit.to_string()),
            ("x-ratelimit-resource-until", http_date(until)),
            ("x-ratelimit-resource-remaining", limit.saturating_sub(*used).to_string()),
        ];
        if !over {
            return Ok(headers);
        }
        let span = if period == 60 { "1 minute" } else { "1 hour" };
        let words = format!("Hit rate limit of {limit} requests per {span} for resource {name}");
        Err(with(refusal(420, "METHOD_FAILURE", &words), headers))
    }

    fn asked(&self, place: usize, path: &str, call: &Call) -> Result<Answer, Answer> {
        let parts: Vec<&str> = path.split('/').collect();
        match (call.method.as_str(), &parts[..]) {
            ("POST", ["auth", "token"]) => {
                let mut scopes = vec!["FINANCE_AND_ACCOUNTING"];
                scopes.extend(self.rules.orders.then_some("INVENTORY_AND_ORDER_PROCESSING_READ_ONLY"));
                Ok(good(&json!({ "apiKey": { "name": self.keys[place].name, "authScopes": scopes } })))
            }
            ("GET", ["campaigns"]) => self.stores(place, call),
            ("POST", ["campaigns", store, "stats", "orders"]) => self.orders(place, store, call),
            ("POST", ["reports", kind, "generate"]) => self.order(place, kind, call),
            ("GET", ["reports", "info", id]) => self.info(place, id),
            _ => Err(refusal(404, "NOT_FOUND", "Not found")),
        }
    }

    fn stores(&self, place: usize, call: &Call) -> Result<Answer, Answer> {
        only(call, &["page", "pageSize"])?;
        let number = |name: &str, usual: usize| match call.param(name) {
            None => Ok(usual),
            Some(text) => text
                .parse()
                .ok()
                .filter(|number| (1..=10_000).contains(number))
                .ok_or_else(|| bad(&format!("Value of {name} must be between 1 and 10000"))),
        };
        let (page, size) = (number("page", 1)?, number("pageSize", 50)?.min(50));
        let key = &self.keys[place];
        let from = (page - 1) * size;
        let shown: Vec<Value> = key
            .stores
            .iter()
            .skip(from)
            .take(size)
            .map(|store| {
                json!({
                    "domain": store.name, "id": store.id, "clientId": store.partner + 9_000_000,
                    "business": { "id": key.cabinet, "name": key.cabinet_name }, "placementType": "FBS",
                    "apiAvailability": if store.active { "AVAILABLE" } else { "DISABLED_BY_INACTIVITY" },
                })
            })
            .collect();
        let total = key.stores.len();
        let pager = json!({
            "total": total, "from": from + 1, "to": from + shown.len(), "currentPage": page,
            "pagesCount": total.div_ceil(size), "pageSize": size,
        });
        Ok(Answer::json(200, &json!({ "campaigns": shown, "pager": pager })))
    }

    fn orders(&self, place: usize, store: &str, call: &Call) -> Result<Answer, Answer> {
        only(call, &["limit", "page_token"])?;
        let key = &self.keys[place];
        let words = format!("Campaign not found: '{store}'");
        let store =
            key.stores.iter().find(|it| it.id.to_string() == store).ok_or_else(|| refusal(404, "NOT_FOUND", &words))?;
        if !self.rules.orders {
            let words = "Token does not have any of the scopes to access the API method: \
                inventory-and-order-processing, inventory-and-order-processing:read-only, all-methods, all-methods:read-only";
            return Err(refusal(403, "FORBIDDEN", words));
        }
        if !store.active {
            let words = format!("Access denied for campaign '{}' because it is not active", store.id);
            return Err(refusal(403, "FORBIDDEN", &words));
        }
        let body = body(call, &["dateFrom", "dateTo", "updateFrom", "updateTo", "orders", "statuses", "hasCis"])?;
        let [date_from, date_to, update_from, update_to] =
            ["dateFrom", "dateTo", "updateFrom", "updateTo"].map(|name| day_of(&body, name));
        let (created, changed) = ((date_from?, date_to?), (update_from?, update_to?));
        let set = |days: (Option<NaiveDate>, Option<NaiveDate>)| days.0.is_some() || days.1.is_some();
        if set(created) && set(changed) {
            return Err(bad("Parameters dateFrom, dateTo cannot be used together with updateFrom, updateTo"));
        }
        let inside = |day: NaiveDate, days: (Option<NaiveDate>, Option<NaiveDate>)| {
            days.0.is_none_or(|from| from <= day) && days.1.is_none_or(|to| day <= to)
        };
        let limit = match call.param("limit") {
            None => MOST_ORDERS,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MOST_ORDERS).contains(limit))
                .ok_or_else(|| bad("Value of limit must be between 1 and 200"))?,
        };
        let from = match call.param("page_token") {
            None => 0,
            Some(token) => opened(token).ok_or_else(|| bad("Invalid page token"))?,
        };
        let of_store = key.orders.iter().filter(|order| order.store == store.id);
        let all: Vec<&Order> =
            of_store.filter(|order| inside(order.created, created) && inside(order.changed, changed)).collect();
        let shown: Vec<Value> = all.iter().skip(from).take(limit).map(|order| shown(order)).collect();
        let mut paging = Map::new();
        if from + shown.len() < all.len() {
            let token = BASE64.encode(json!({ "nextId": from + shown.len() }).to_string().as_bytes());
            paging.insert("nextPageToken".to_owned(), Value::String(token));
        }
        Ok(good(&json!({ "orders": shown, "paging": paging })))
    }

    /// Takes an order for a report.
    fn order(&self, place: usize, kind: &str, call: &Call) -> Result<Answer, Answer> {
        only(call, &["format"])?;
        let dated = ["businessId", "dateFrom", "dateTo"];
        let (known, counted): (&[&str], bool) = match kind {
            "shows-boost" | "shelf-statistics" => (&["businessId", "dateFrom", "dateTo", "attributionType"], true),
            "banners-statistics" | "boost-consolidated" => (&dated, false),
            "united-marketplace-services" => (
                &[
                    "businessId",
                    "dateFrom",
                    "dateTo",
                    "yearFrom",
                    "monthFrom",
                    "yearTo",
                    "monthTo",
                    "campaignIds",
                    "inns",
                    "placementPrograms",
                ],
                false,
            ),
            _ => return Err(refusal(404, "NOT_FOUND", "Not found")),
        };
        if call.param("format") != Some("JSON") {
            return Err(bad("this simulator makes reports in JSON only"));
        }
        let body = body(call, known)?;
        if body.get("businessId").and_then(Value::as_u64) != Some(self.keys[place].cabinet) {
            return Err(refusal(403, "FORBIDDEN", "Access denied"));
        }
        if counted
            && !["CLICKS", "SHOWS"].contains(&body.get("attributionType").and_then(Value::as_str).unwrap_or_default())
        {
            return Err(bad("Value of field attributionType must be one of CLICKS, SHOWS"));
        }
        let missing = || bad("Value of fields dateFrom, dateTo must not be null");
        let from = day_of(&body, "dateFrom")?.ok_or_else(missing)?;
        let to = day_of(&body, "dateTo")?.ok_or_else(missing)?;
        if from > to || to > self.stage.today() {
            return Err(bad("Value of field dateTo must be less than or equal to today and not before dateFrom"));
        }
        if (to - from).num_days() + 1 > MOST_DAYS {
            return Err(bad(&format!("Too long time period. Maximum is {MOST_DAYS} days")));
        }
        let mut desk = self.desk();
        desk.ordered += 1;
        let part = |salt| hash(self.stage.seed ^ desk.ordered, place as u64, salt);
        let id = format!("{:016x}-{:016x}", part(41), part(42));
        let fails = desk.ordered <= u64::from(self.rules.errors);
        let ordered_at = self.stage.now();
        let report = Report { cabinet: place, kind: kind.to_owned(), from, to, ordered_at, asked: 0, fails };
        desk.reports.insert(id.clone(), report);
        Ok(good(&json!({ "reportId": id, "estimatedGenerationTime": 10_000 })))
    }

    /// How far a report is.
    fn info(&self, place: usize, id: &str) -> Result<Answer, Answer> {
        let mut desk = self.desk();
        let found = desk.reports.get_mut(id).filter(|report| report.cabinet == place);
        let report = found.ok_or_else(|| refusal(404, "NOT_FOUND", "Report not found"))?;
        report.asked = report.asked.saturating_add(1);
        let now = self.stage.now();
        let instant = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let ready = report.asked >= self.rules.asks || now - report.ordered_at >= Duration::seconds(SLOWEST_SECS);
        let mut told = Map::new();
        told.insert("generationRequestedAt".to_owned(), json!(instant(report.ordered_at)));
        let status = match (ready, report.fails) {
            (false, _) if report.asked == 1 => "PENDING",
            (false, _) => "PROCESSING",
            (true, true) => "FAILED",
            (true, false) => {
                told.insert("generationFinishedAt".to_owned(), json!(instant(now)));
                if self.is_empty(report) {
                    told.insert("subStatus".to_owned(), json!("NO_DATA"));
                    // Both were seen.
                    if report.kind == "shelf-statistics" { "DONE" } else { "FAILED" }
                } else {
                    let ends = now.timestamp() + LINK_SECS;
                    told.insert("file".to_owned(), json!(format!("{STORAGE}/market-reports/{id}.zip?expires={ends}")));
                    "DONE"
                }
            }
        };
        told.insert("status".to_owned(), json!(status));
        Ok(good(&Value::Object(told)))
    }

    /// A finished report, for whoever has the link.
    fn download(&self, id: &str, call: &Call) -> Answer {
        let denied = |words: &str| Answer::raw(403, format!("<Error><Code>{words}</Code></Error>").into_bytes());
        if call.headers.contains_key("api-key") {
            return denied("AKeyThatIsNoneOfTheStoragesBusiness");
        }
        let ends = call.param("expires").and_then(|ends| ends.parse::<i64>().ok()).unwrap_or_default();
        if ends < self.stage.now().timestamp() {
            return denied("AccessDenied");
        }
        let desk = self.desk();
        let Some(report) = desk.reports.get(id) else {
            return Answer::raw(404, b"<Error><Code>NoSuchKey</Code></Error>".to_vec());
        };
        let mut sheets = self.sheets(report);
        if self.rules.wrapped {
            for (_, rows) in &mut sheets {
                *rows = json!({ "rows": rows.take() });
            }
        }
        archive::pack(&sheets)
            .map_or_else(|_| refusal(500, "INTERNAL_ERROR", "Internal error"), |packed| Answer::raw(200, packed))
    }

    fn is_empty(&self, report: &Report) -> bool {
        let main = self.sheets(report).into_iter().next();
        main.is_none_or(|(_, rows)| rows.as_array().is_none_or(Vec::is_empty))
    }

    /// The sheets of a report, the one it is about first.
    fn sheets(&self, report: &Report) -> Vec<(String, Value)> {
        let cabinet = &self.stage.world.cabinets[report.cabinet];
        let days = self.stage.world.days(report.from, report.to, self.stage.today());
        let sheet = |name: &str, rows: Vec<Value>| (format!("{name}.json"), Value::Array(rows));
        match report.kind.as_str() {
            "shows-boost" => vec![
                sheet("business_shows_boost_consolidated_campaigns", self.by_campaign(cabinet, &days, Kind::Boost)),
                sheet("business_shows_boost_consolidated_offers", self.by_offer(report.cabinet, &days, Kind::Boost)),
            ],
            "boost-consolidated" => {
                vec![sheet("business_boost_consolidated", self.by_offer(report.cabinet, &days, Kind::Sales))]
            }
            "shelf-statistics" => {
                let rows = self.by_campaign(cabinet, &days, Kind::Shelf);
                let split = rows.iter().map(|row| split(row, "showCategoryName", "Детские товары")).collect();
                vec![sheet("shelfs_statistics_summary", rows), sheet("shelfs_statistics_by_category", split)]
            }
            "banners-statistics" => {
                let rows = self.by_campaign(cabinet, &days, Kind::Banner);
                let split = rows.iter().map(|row| split(row, "serviceType", "MARKET")).collect();
                vec![
                    sheet("banners_statistics_report_consolidated", rows),
                    sheet("banners_statistics_report_by_service_type", split),
                ]
            }
            _ => vec![
                sheet("boost", self.charges(report.cabinet, &days)),
                sheet(
                    "placement",
                    vec![json!({
                        "businessId": cabinet.id, "partnerId": self.keys[report.cabinet].stores[0].partner, "orderId": 1,
                        "serviceName": "Размещение товаров на витрине", "totalAmount": 57.0,
                    })],
                ),
            ],
        }
    }

    /// A row for each campaign and day.
    fn by_campaign(&self, cabinet: &Cabinet, days: &[Day], kind: Kind) -> Vec<Value> {
        let mut rows = Vec::new();
        for day in days {
            for campaign in cabinet.campaigns.iter().filter(|it| kind_of(it) == kind) {
                let mut sum = Figures::default();
                let mut paid_with_bonuses = 0;
                for ad in &cabinet.ads[campaign.ads.clone()] {
                    let figures = self.stage.world.figures(cabinet, ad, day);
                    paid_with_bonuses += bonus(campaign.id, figures.spend_kopecks);
                    sum += figures;
                }
                if sum == Figures::default() {
                    continue;
                }
                let (id, name, shows, ordered) = match kind {
                    Kind::Shelf => ("incutId", "title", "impressions", "ordered"),
                    Kind::Banner => ("campaignId", "campaignName", "shows", "orderedCount"),
                    Kind::Boost | Kind::Sales => ("saleCampaignId", "saleCampaignName", "shows", "orderedCount"),
                };
                let mut row = Map::new();
                let mut put = |name: &str, value: Value| row.insert(name.to_owned(), value);
                put("date", json!(day.date));
                put(id, json!(campaign.id));
                put(name, json!(campaign.name));
                put(shows, json!(sum.impressions));
                put("coverage", json!(sum.impressions / 2));
                // A table has an empty cell where nobody clicked.
                put("clicks", if sum.clicks == 0 { Value::Null } else { json!(sum.clicks) });
                put(ordered, json!(sum.conversions));
                put("orderedAmount", roubles(sum.revenue_kopecks));
                put("cost", roubles(sum.spend_kopecks + paid_with_bonuses));
                put("realCost", roubles(sum.spend_kopecks));
                put("deductedBonuses", roubles(paid_with_bonuses));
                if kind == Kind::Banner {
                    put("campaignType", json!("BANNER"));
                }
                rows.push(Value::Object(row));
            }
        }
        rows
    }

    /// A row for each product, all days together.
    fn by_offer(&self, place: usize, days: &[Day], kind: Kind) -> Vec<Value> {
        let cabinet = &self.stage.world.cabinets[place];
        let mut rows = Vec::new();
        for offer in self.keys[place].offers.iter().filter(|offer| offer.kind == kind) {
            let mut sum = Figures::default();
            let mut paid_with_bonuses = 0;
            let mut by: BTreeSet<u64> = BTreeSet::new();
            for (ad, campaign) in ads_of(cabinet, offer) {
                for day in days {
                    let figures = self.stage.world.figures(cabinet, ad, day);
                    if figures != Figures::default() {
                        by.insert(campaign);
                    }
                    paid_with_bonuses += bonus(campaign, figures.spend_kopecks);
                    sum += figures;
                }
            }
            if by.is_empty() {
                continue;
            }
            let name = |id: &u64| cabinet.campaigns.iter().find(|it| it.id == *id).map_or("", |it| it.name.as_str());
            let ids = by.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
            let names = by.iter().map(name).collect::<Vec<_>>().join(", ");
            let row = if kind == Kind::Boost {
                json!({
                    "offerId": offer.sku, "offerName": offer.name, "shows": sum.impressions, "clicks": sum.clicks,
                    "cartAddition": sum.conversions * 2, "orderedCount": sum.conversions,
                    "cost": roubles(sum.spend_kopecks + paid_with_bonuses), "orderedAmount": roubles(sum.revenue_kopecks),
                    "salesCampaignIds": ids, "salesCampaignNames": names,
                })
            } else {
                json!({
                    "shopSku": offer.sku, "offerName": offer.name, "showsWithFee": sum.impressions,
                    "shows": sum.impressions * 3, "clicksVendorWithFee": sum.clicks, "clicksVendor": sum.clicks * 2,
                    "orderItemsWithFee": sum.conversions + 1, "orderItemsDeliveredWithFee": sum.conversions,
                    "ordersGvmDeliveredWithFee": roubles(sum.revenue_kopecks), "billedAmount": roubles(sum.spend_kopecks),
                    "deductedBonuses": 0, "salesCampaignIds": ids, "salesCampaignNames": names,
                })
            };
            rows.push(row);
        }
        rows
    }

    /// What stores were charged for sales: a row for each item sold, half of it paid in advance; what is charged without a sale stands alone.
    fn charges(&self, place: usize, days: &[Day]) -> Vec<Value> {
        let (cabinet, key) = (&self.stage.world.cabinets[place], &self.keys[place]);
        let mut rows = Vec::new();
        for day in days {
            for (id, partner) in &key.charged {
                let Some(ad) = cabinet.ads.iter().find(|ad| ad.id == *id) else { continue };
                let figures = self.stage.world.figures(cabinet, ad, day);
                if figures == Figures::default() {
                    continue;
                }
                let store = key.stores.iter().find(|store| store.partner == *partner);
                let sold = figures.conversions;
                let share = |whole: i64, item: i64| {
                    let items = sold.max(1);
                    whole * (item + 1) / items - whole * item / items
                };
                for item in 0..sold.max(1) {
                    let spend = share(figures.spend_kopecks, item);
                    let prepaid = spend / 2;
                    rows.push(json!({
                        "businessId": key.cabinet, "partnerId": partner, "partnerName": store.map(|store| &store.name),
                        "orderId": ad.id * 1_000 + u64::try_from(item).unwrap_or_default(), "shopSku": format!("АРТ-{}", ad.id),
                        "offerName": ad.name, "price": roubles(if sold == 0 { 0 } else { share(figures.revenue_kopecks, item) }),
                        "count": i64::from(sold > 0), "serviceName": "Буст продаж, оплата за продажи", "bet": 5.7,
                        "prepaid": if prepaid == 0 { Value::Null } else { roubles(prepaid) },
                        "postpaid": roubles(spend - prepaid), "bonusPaid": 0,
                        "actDate": day.date, "serviceDate": day.date,
                    }));
                }
            }
        }
        rows
    }
}

/// The ads that promote a product, with their campaigns.
fn ads_of<'w>(cabinet: &'w Cabinet, offer: &Offer) -> Vec<(&'w Ad, u64)> {
    let ads = offer.ads.iter();
    ads.filter_map(|(id, campaign)| Some((cabinet.ads.iter().find(|ad| ad.id == *id)?, *campaign))).collect()
}

/// A row of the sheet beside the main one: the same without charges, with one column more.
fn split(row: &Value, column: &str, value: &str) -> Value {
    let mut row = row.clone();
    if let Some(row) = row.as_object_mut() {
        row.shift_remove("realCost");
        row.shift_remove("deductedBonuses");
        row.insert(column.to_owned(), json!(value));
    }
    row
}

/// An order as statistics show it.
fn shown(order: &Order) -> Value {
    let total = roubles(order.total_kopecks);
    json!({
        "id": order.id, "creationDate": order.created, "statusUpdateDate": format!("{}T12:00:00Z", order.changed),
        "status": order.status, "partnerOrderId": format!("A-{}", order.id), "paymentType": "PREPAID", "fake": order.fake,
        "currency": "RUR", "deliveryRegion": { "id": 213, "name": "Москва" },
        "items": [{
            "offerName": "Чайник «Ёлочка» 🫖", "marketSku": 1, "shopSku": "АРТ-1", "count": 1, "initialCount": 1, "bidFee": 570,
            "prices": [{ "type": "BUYER", "costPerItem": total, "total": total }],
        }],
        "payments": [], "commissions": [{ "type": "AUCTION_PROMOTION", "actual": roubles(order.total_kopecks / 20) }],
        "subsidies": [],
    })
}

/// Where a page begins, as its token says.
fn opened(token: &str) -> Option<usize> {
    let text = BASE64.decode(token.as_bytes()).ok()?;
    let at = serde_json::from_slice::<Value>(&text).ok()?["nextId"].as_u64()?;
    usize::try_from(at).ok()
}

fn with(mut answer: Answer, headers: [(&'static str, String); 3]) -> Answer {
    answer.headers.extend(headers);
    answer
}

/// The report a storage's path names.
fn report_of(path: &str) -> Option<&str> {
    path.strip_prefix("/market-reports/")?.strip_suffix(".zip")
}

impl Vendor for Market {
    fn answer(&self, call: &Call) -> Answer {
        if let Some(id) = report_of(&call.path) {
            return self.download(id, call);
        }
        let place = match self.owner(call) {
            Ok(place) => place,
            Err(refused) => return refused,
        };
        let Some(path) = call.path.strip_prefix("/v2/") else { return refusal(404, "NOT_FOUND", "Not found") };
        let at_once = {
            let mut desk = self.desk();
            let at_once = desk.at_once.entry(place).or_default();
            *at_once += 1;
            *at_once
        };
        let counted = if self.rules.limits && at_once > MOST_AT_ONCE {
            let words = format!("Hit rate limit of {MOST_AT_ONCE} parallel requests");
            Err(refusal(420, "METHOD_FAILURE", &words))
        } else {
            self.count(place, path)
        };
        let answer = counted.map(|headers| {
            std::thread::sleep(std::time::Duration::from_millis(self.rules.slow));
            with(self.asked(place, path, call).unwrap_or_else(|refused| refused), headers)
        });
        *self.desk().at_once.entry(place).or_default() -= 1;
        answer.unwrap_or_else(|refused| refused)
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        let of_storage = report_of(&call.path).is_some();
        match fault {
            FaultKind::WrongKey | FaultKind::RevokeToken | FaultKind::RevokeScope | FaultKind::Throttle { .. } => !of_storage,
            FaultKind::LyingTotal { .. } | FaultKind::UnknownEnum => call.path == "/v2/campaigns",
            FaultKind::NegativeNumbers
            | FaultKind::GarbageNumbers
            | FaultKind::DuplicateRows
            | FaultKind::LostRows
            | FaultKind::EmptyAccount => of_storage,
            FaultKind::RepeatPage
            | FaultKind::ShuffledPage
            | FaultKind::Vanish
            | FaultKind::Appear
            // A key does not run out.
            | FaultKind::ExpireToken
            | FaultKind::ExpireAllTokens => false,
            _ => true,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::WrongKey => Some(refusal(401, "UNAUTHORIZED", "Api-Key token is invalid")),
            FaultKind::RevokeToken => Some(refusal(401, "UNAUTHORIZED", "Api-Key token is revoked")),
            FaultKind::RevokeScope => {
                let words = "Token does not have any of the scopes to access the API method";
                Some(refusal(403, "FORBIDDEN", words))
            }
            FaultKind::Throttle { hint } => {
                let until = |secs: u32| http_date(self.stage.now() + Duration::seconds(i64::from(secs)));
                Some(match hint {
                    Hint::After { secs } | Hint::Date { secs } | Hint::ResetAt { secs } | Hint::ResetIn { secs } => {
                        let words = "Hit rate limit of 100 requests per 1 hour for resource reports";
                        refusal(420, "METHOD_FAILURE", words).with("x-ratelimit-resource-until", until(*secs))
                    }
                    Hint::Windows | Hint::Body => {
                        refusal(420, "METHOD_FAILURE", "Hit rate limit of 2 parallel requests")
                    }
                    Hint::Nonsense => refusal(420, "METHOD_FAILURE", "").with("x-ratelimit-resource-until", "soon"),
                })
            }
            FaultKind::ErrorInside { code } => {
                Some(Answer::json(200, &json!({ "status": "ERROR", "errors": [{ "code": code }] })))
            }
            FaultKind::ServerError { status } if report_of(&call.path).is_some() => {
                Some(Answer::raw(*status, b"<Error><Code>InternalError</Code></Error>".to_vec()))
            }
            FaultKind::ServerError { status } => Some(refusal(*status, "INTERNAL_ERROR", "Internal server error")),
            _ => None,
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        if let FaultKind::LyingTotal { delta } = fault {
            if let Some(total) = body.pointer("/pager/total").and_then(Value::as_i64) {
                body["pager"]["total"] = json!(total + delta);
            }
            return;
        }
        for place in ["", "/rows", "/campaigns", "/result/orders"] {
            if let Some(rows) = body.pointer_mut(place).and_then(Value::as_array_mut) {
                return NAMES.bend(fault, rows);
            }
        }
    }

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::calendar::TimeFlow;

    struct Seller {
        platform: Platform<Key>,
        key: Key,
        client: reqwest::Client,
    }

    impl Seller {
        fn open(rules: Rules) -> Self {
            let mut scenario = Scenario::small(crate::calendar::moscow_today());
            scenario.size.campaigns = 8;
            scenario.time = TimeFlow::Manual;
            let platform = start(&scenario, rules).unwrap();
            Self { key: platform.keys[0].clone(), platform, client: reqwest::Client::new() }
        }

        async fn ask(&self, path: &str, body: Option<Value>) -> (u16, Value, reqwest::header::HeaderMap) {
            let url = format!("{}{path}", self.platform.base_url);
            let request = match &body {
                Some(body) => self.client.post(url).json(body),
                None => self.client.get(url),
            };
            let answer = request.header("Api-Key", &self.key.api_key).send().await.unwrap();
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            (status, answer.json().await.unwrap_or_default(), headers)
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_report_is_ordered_watched_and_fetched_without_the_key() {
        let seller = Seller::open(Rules { asks: 3, limits: true, ..Rules::USUAL });
        let today = seller.platform.calendar().today();
        let body = |days: i64, more: Value| {
            let mut body = json!({ "businessId": seller.key.cabinet, "dateFrom": today - Duration::days(days - 1), "dateTo": today });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Some(body)
        };
        let path = "/v2/reports/shows-boost/generate?format=JSON";
        let clicks = json!({ "attributionType": "CLICKS" });
        for wrong in [
            body(30, json!({})),
            body(401, clicks.clone()),
            body(30, json!({ "attributionType": "CLICKS", "fields": [] })),
            body(30, json!({ "attributionType": "CLICKS", "dateTo": today + Duration::days(1) })),
        ] {
            assert_eq!(seller.ask(path, wrong.clone()).await.0, 400, "{wrong:?}");
        }
        let foreign = json!({ "attributionType": "CLICKS", "businessId": seller.platform.keys[1].cabinet });
        assert_eq!(seller.ask(path, body(30, foreign)).await.0, 403);
        let (status, ordered, headers) = seller.ask(path, body(30, clicks.clone())).await;
        assert_eq!((status, headers["x-ratelimit-resource-remaining"].to_str().unwrap()), (200, "94"));
        let info = format!("/v2/reports/info/{}", ordered["result"]["reportId"].as_str().unwrap());
        let mut states = Vec::new();
        let mut file = String::new();
        for _ in 0..3 {
            let (_, told, _) = seller.ask(&info, None).await;
            states.push(told["result"]["status"].as_str().unwrap().to_owned());
            file = told["result"]["file"].as_str().unwrap_or_default().replace(STORAGE, &seller.platform.base_url);
        }
        assert_eq!(states, ["PENDING", "PROCESSING", "DONE"]);
        let with_key = seller.client.get(&file).header("Api-Key", &seller.key.api_key).send().await.unwrap();
        assert_eq!(with_key.status(), 403);
        let packed = seller.client.get(&file).send().await.unwrap().bytes().await.unwrap();
        let sheets = archive::sheets(&packed).unwrap();
        assert_eq!(sheets.len(), 2);
        assert!(sheets[0].1.as_array().unwrap().iter().all(|row| row["saleCampaignId"].is_u64()));
        seller.platform.calendar().advance_seconds(3_700);
        assert_eq!(seller.client.get(&file).send().await.unwrap().status(), 403, "the link is over");

        for _ in 0..100 {
            assert_eq!(seller.ask(path, body(1, clicks.clone())).await.0, 200);
        }
        let (status, refused, headers) = seller.ask(path, body(1, clicks)).await;
        assert_eq!(status, 420);
        assert!(
            refused["errors"][0]["message"].as_str().unwrap().starts_with("Hit rate limit of 100 requests per 1 hour")
        );
        assert!(headers.contains_key("x-ratelimit-resource-until"));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn orders_come_in_pages_by_the_day_they_changed() {
        let seller = Seller::open(Rules::USUAL);
        let store = seller.key.stores[0].id;
        let today = seller.platform.calendar().today();
        let path = |more: &str| format!("/v2/campaigns/{store}/stats/orders?limit=20{more}");
        let days = json!({ "updateFrom": today - Duration::days(60), "updateTo": today });
        let mut found = Vec::new();
        let mut more = String::new();
        loop {
            let (status, page, _) = seller.ask(&path(&more), Some(days.clone())).await;
            assert_eq!(status, 200, "{page}");
            found
                .extend(page["result"]["orders"].as_array().unwrap().iter().map(|order| order["id"].as_u64().unwrap()));
            match page.pointer("/result/paging/nextPageToken").and_then(Value::as_str) {
                Some(token) => more = format!("&page_token={}", token.replace('=', "%3D")),
                None => break,
            }
        }
        let from = today - Duration::days(60);
        let expected = seller.key.orders.iter().filter(|order| order.store == store && order.changed >= from);
        let expected: Vec<u64> = expected.map(|order| order.id).collect();
        assert!(expected.len() > 40);
        assert_eq!(found, expected);
        let both = json!({ "updateFrom": today, "dateFrom": today });
        assert_eq!(seller.ask(&path(""), Some(both)).await.0, 400);
        let closed = seller.key.stores[2].id;
        assert_eq!(seller.ask(&format!("/v2/campaigns/{closed}/stats/orders"), Some(days)).await.0, 403);
    }
}
