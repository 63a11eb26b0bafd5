//! Google Merchant Center (merchantapi.googleapis.com, v1): shops below an advanced account, and reports of their products in the Merchant
//! Center Query Language.
//!
//! Written from googleapis/googleapis (google/shopping/merchant, v1) and the vendor's pages on reports. Served: `accounts`,
//! `accounts/*:listSubaccounts` and `reports:search` over `product_performance_view` and `product_view`, with what is refused there: fields
//! and views that are none, a report without a range of days, other people's shops, a Cloud project that was never registered. Rows of
//! products come in no order unless one is asked for. Not served, because the console does not call it yet: products and their inputs, data
//! sources, inventories, other views and conditions.
//!
//! Every ad of the world is an offer here; every second one is shown in ads and the others in free listings, whose conversions alone
//! the platform knows; every third one stands in two feeds. All that is made up.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde_json::{Map, Value, json};

use crate::faults::{FaultKind, Hint};
use crate::google::{self, SignIn, Tokens, envelope};
use crate::noise::hash;
use crate::server::{Answer, Call, Vendor};
use crate::stage::{Platform, RowNames, Scenario, Stage};
use crate::world::{Ad, Cabinet, Figures, Status};

const METRICS: [&str; 4] = ["impressions", "clicks", "conversions", "conversion_value"];
const PERFORMANCE: [&str; 4] = ["date", "offer_id", "title", "marketing_method"];
const PRODUCT: [&str; 6] =
    ["id", "offer_id", "title", "feed_label", "language_code", "aggregated_reporting_context_status"];
/// Rows of a page without a word about it, and most of them.
const USUAL_ROWS: usize = 1_000;
const MOST_ROWS: usize = 100_000;

/// What faults of content twist in the part of a row that is its view.
const NAMES: RowNames = RowNames {
    day: "date",
    counts: &["impressions", "clicks"],
    money: &["conversionValue"],
    status: "aggregatedReportingContextStatus",
};

/// What the platform allows.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Most rows of a page.
    pub page: usize,
    /// Whether the Cloud project was registered with a shop.
    pub registered: bool,
    /// Whether every second offer is shown in ads, and not in free listings.
    pub in_ads: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { page: MOST_ROWS, registered: true, in_ads: true }
    }
}

/// Who may ask, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The owner's name.
    pub owner: String,
    /// How they sign in.
    pub sign_in: SignIn,
    /// Number of the advanced account; none for a shop of its own.
    pub provider: Option<u64>,
    /// Numbers of the shops.
    pub shops: Vec<u64>,
    /// Numbers of the same clients' cabinets in the world.
    pub cabinets: Vec<u64>,
}

#[derive(Debug)]
struct Merchant {
    stage: Stage,
    rules: Rules,
    keys: Vec<Key>,
    tokens: Arc<Tokens>,
}

/// Starts a platform that stands for `https://merchantapi.googleapis.com` and for `https://oauth2.googleapis.com`.
pub fn start(scenario: &Scenario, rules: Rules) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let owners = stage.owners().into_iter().map(|owner| {
        let cabinets: Vec<u64> = owner.cabinets.clone().map(|place| stage.world.cabinets[place].id).collect();
        Key {
            sign_in: SignIn::made_up(stage.seed ^ 8, owner.id),
            provider: owner.agency.then_some(500_000_000 + owner.id),
            shops: cabinets.iter().map(|id| shop_of(*id)).collect(),
            owner: owner.name,
            cabinets,
        }
    });
    let keys: Vec<Key> = owners.collect();
    let sign_ins = keys.iter().map(|key| key.sign_in.clone()).collect();
    let tokens = Tokens::new(sign_ins, "https://www.googleapis.com/auth/content");
    let merchant = Merchant { stage: stage.clone(), rules, keys: keys.clone(), tokens };
    stage.serve(Arc::new(merchant), keys, 1 << 16)
}

/// How the platform numbers a client's shop.
pub fn shop_of(cabinet: u64) -> u64 {
    600_000_000 + cabinet
}

/// What the shop calls the offer of an ad.
pub fn offer_of(ad: u64) -> String {
    format!("sku-{ad}")
}

/// Whether an ad's offer is shown in free listings where others are shown in ads.
pub fn is_free(ad: u64) -> bool {
    ad.is_multiple_of(2)
}

fn invalid(message: &str) -> Answer {
    envelope(400, message, &[])
}

/// A query as far as it is served.
#[derive(Debug)]
struct Query {
    fields: Vec<String>,
    view: String,
    days: Option<(NaiveDate, NaiveDate)>,
    sorted: bool,
}

impl Query {
    fn read(text: &str) -> Result<Self, Answer> {
        let wrong = || invalid(&format!("Error in query: {text}"));
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (fields, rest) = text
            .strip_prefix("SELECT")
            .and_then(|rest| rest.strip_prefix(' ')?.split_once(" FROM "))
            .ok_or_else(wrong)?;
        let (rest, order) = rest.split_once(" ORDER BY ").map_or((rest, None), |(rest, order)| (rest, Some(order)));
        let (view, filter) = rest.split_once(" WHERE ").map_or((rest, None), |(view, filter)| (view, Some(filter)));
        let fields: Vec<String> = fields.split(',').map(|field| field.trim().to_owned()).collect();
        let known = match view {
            "product_performance_view" => [&PERFORMANCE[..], &METRICS[..]].concat(),
            "product_view" => PRODUCT.to_vec(),
            _ => return Err(invalid(&format!("Unknown table '{view}' in FROM clause."))),
        };
        if let Some(unknown) = fields.iter().find(|field| !known.contains(&field.as_str())) {
            return Err(invalid(&format!("Field '{unknown}' is not available in table '{view}'.")));
        }
        let days = filter.map(|filter| days(filter).ok_or_else(wrong)).transpose()?;
        let selected = |name: &str| fields.iter().any(|field| field == name);
        if view == "product_performance_view" {
            if days.is_none() {
                return Err(invalid("A condition on date is required in the WHERE clause."));
            }
            if !METRICS.iter().any(|metric| selected(metric)) {
                return Err(invalid("Segments cannot be selected without a metric."));
            }
        } else if !selected("id") {
            return Err(invalid("The field id must be in the SELECT clause."));
        }
        if order.is_some_and(|order| order != "offer_id" || !selected("offer_id")) {
            return Err(wrong());
        }
        Ok(Self { view: view.to_owned(), days, sorted: order.is_some(), fields })
    }

    fn has(&self, field: &str) -> bool {
        self.fields.iter().any(|name| name == field)
    }
}

/// `date BETWEEN '2026-10-01' AND '2026-10-07'`
fn days(filter: &str) -> Option<(NaiveDate, NaiveDate)> {
    let (from, to) = filter.strip_prefix("date BETWEEN ")?.split_once(" AND ")?;
    let day = |text: &str| text.strip_prefix('\'')?.strip_suffix('\'')?.parse::<NaiveDate>().ok();
    day(from).zip(day(to)).filter(|(from, to)| from <= to)
}

/// What was counted of products, and of those in free listings.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    all: Figures,
    free: Option<Figures>,
}

/// The values of the segments that were asked for.
type Row = (Option<NaiveDate>, Option<String>, Option<String>, Option<&'static str>);

impl Merchant {
    fn performance(&self, cabinet: &Cabinet, query: &Query) -> Vec<Value> {
        let world = &self.stage.world;
        let Some((from, to)) = query.days else { return Vec::new() };
        let mut sums: BTreeMap<Row, Sum> = BTreeMap::new();
        for day in world.days(from, to, self.stage.today()) {
            for ad in &cabinet.ads {
                let figures = world.figures(cabinet, ad, &day);
                let free = is_free(ad.id) || !self.rules.in_ads;
                let method = if free { "ORGANIC" } else { "ADS" };
                let row = (
                    query.has("date").then_some(day.date),
                    query.has("offer_id").then(|| offer_of(ad.id)),
                    query.has("title").then(|| ad.title.clone()),
                    query.has("marketing_method").then_some(method),
                );
                let sum = sums.entry(row).or_default();
                sum.all += figures;
                if free {
                    *sum.free.get_or_insert_default() += figures;
                }
            }
        }
        let mut rows = Vec::new();
        for ((date, offer, title, method), sum) in sums {
            let free = sum.free.unwrap_or_default();
            if sum.all.impressions == 0 && sum.all.clicks == 0 && free.conversions == 0 {
                continue;
            }
            let mut row = Map::new();
            let mut tell = |name: &str, field: &str, value: Option<Value>| {
                if let Some(value) = value.filter(|_| query.has(field)) {
                    row.insert(name.to_owned(), value);
                }
            };
            let day = date.map(|date| json!({ "year": date.year(), "month": date.month(), "day": date.day() }));
            tell("date", "date", day);
            tell("offerId", "offer_id", offer.map(Value::from));
            tell("title", "title", title.map(Value::from));
            tell("marketingMethod", "marketing_method", method.map(Value::from));
            tell("impressions", "impressions", Some(json!(sum.all.impressions.to_string())));
            tell("clicks", "clicks", Some(json!(sum.all.clicks.to_string())));
            let value = sum.free.map(
                |free| json!({ "amountMicros": (free.revenue_kopecks * 10_000).to_string(), "currencyCode": "RUB" }),
            );
            tell("conversions", "conversions", sum.free.map(|free| json!(free.conversions as f64)));
            tell("conversionValue", "conversion_value", value);
            rows.push(json!({ "productPerformanceView": row }));
        }
        rows
    }

    fn products(&self, cabinet: &Cabinet, query: &Query) -> Vec<Value> {
        let today = self.stage.today();
        let status = |ad: &Ad| ad.life.status(today);
        // What was removed is not in the inventory.
        let ads = cabinet.ads.iter().filter(|ad| ad.life.exists(today) && status(ad) != Status::Deleted);
        let mut rows = Vec::new();
        for ad in ads {
            let feeds: &[(&str, &str)] =
                if ad.id.is_multiple_of(3) { &[("ru", "KZ"), ("ru", "RU")] } else { &[("ru", "RU")] };
            for (language, label) in feeds {
                // Abroad it is still looked at.
                let word = match (status(ad), *label) {
                    (Status::Active, "RU") => "ELIGIBLE",
                    (Status::Active, _) => "PENDING",
                    _ => "NOT_ELIGIBLE_OR_DISAPPROVED",
                };
                let offer = offer_of(ad.id);
                let mut row = Map::new();
                for (name, field, value) in [
                    ("id", "id", json!(format!("{language}~{label}~{offer}"))),
                    ("offerId", "offer_id", json!(offer)),
                    ("title", "title", json!(ad.title)),
                    ("feedLabel", "feed_label", json!(label)),
                    ("languageCode", "language_code", json!(language)),
                    ("aggregatedReportingContextStatus", "aggregated_reporting_context_status", json!(word)),
                ] {
                    if query.has(field) {
                        row.insert(name.to_owned(), value);
                    }
                }
                rows.push((hash(7, ad.id, label.len() as u64 + u64::from(label.as_bytes()[0])), offer, row));
            }
        }
        rows.sort_by(|a, b| if query.sorted { a.1.cmp(&b.1) } else { a.0.cmp(&b.0) });
        rows.into_iter().map(|(_, _, row)| json!({ "productView": row })).collect()
    }

    fn search(&self, call: &Call, key: &Key, account: &str) -> Result<Value, Answer> {
        let number = account.parse::<u64>().ok();
        if number.is_some() && number == key.provider {
            return Err(invalid("Reports are not available for an advanced account."));
        }
        let shop = number.filter(|number| key.shops.contains(number));
        let shop = shop.ok_or_else(|| envelope(403, "The caller does not have access to the accounts.", &[]))?;
        let body: Map<String, Value> =
            serde_json::from_slice(&call.body).map_err(|_| invalid("Invalid JSON payload received."))?;
        if let Some(unknown) = body.keys().find(|name| !["query", "pageSize", "pageToken"].contains(&name.as_str())) {
            return Err(invalid(&format!(
                "Invalid JSON payload received. Unknown name \"{unknown}\": Cannot find field."
            )));
        }
        let query = Query::read(body.get("query").and_then(Value::as_str).unwrap_or_default())?;
        let size = body
            .get("pageSize")
            .and_then(Value::as_u64)
            .map_or(USUAL_ROWS, |size| usize::try_from(size).unwrap_or(MOST_ROWS));
        let size = size.clamp(1, MOST_ROWS.min(self.rules.page));
        let from = match body.get("pageToken").and_then(Value::as_str).filter(|token| !token.is_empty()) {
            None => 0,
            Some(token) => {
                let place = token.strip_prefix("CAE").and_then(|place| place.parse::<usize>().ok());
                place.ok_or_else(|| invalid("The page token is invalid."))?
            }
        };
        let cabinet = self.stage.world.cabinets.iter().find(|cabinet| shop_of(cabinet.id) == shop);
        let rows = match (cabinet, query.view.as_str()) {
            (None, _) => Vec::new(),
            (Some(cabinet), "product_view") => self.products(cabinet, &query),
            (Some(cabinet), _) => self.performance(cabinet, &query),
        };
        let page: Vec<&Value> = rows.iter().skip(from).take(size).collect();
        let to = from + page.len();
        let mut answer = Map::new();
        if !page.is_empty() {
            answer.insert("results".to_owned(), json!(page));
        }
        if to < rows.len() {
            answer.insert("nextPageToken".to_owned(), json!(format!("CAE{to}")));
        }
        Ok(Value::Object(answer))
    }

    fn accounts(&self, key: &Key, below: Option<&str>) -> Result<Value, Answer> {
        let world = &self.stage.world;
        let account = |number: u64, name: &str| {
            json!({
                "name": format!("accounts/{number}"), "accountId": number.to_string(), "accountName": name,
                "timeZone": { "id": "Europe/Moscow" }, "languageCode": "ru",
            })
        };
        let clients = key.cabinets.iter().filter_map(|id| world.cabinet(*id)).map(|place| &world.cabinets[place]);
        let shops = clients.map(|cabinet| account(shop_of(cabinet.id), &cabinet.name));
        let listed: Vec<Value> = match (below, key.provider) {
            (None, None) => shops.collect(),
            // One of the shops was given directly, too.
            (None, Some(number)) => [account(number, &key.owner)].into_iter().chain(shops.take(1)).collect(),
            (Some(asked), Some(number)) if asked == number.to_string() => shops.collect(),
            (Some(_), _) => return Err(envelope(403, "The account is not an advanced account.", &[])),
        };
        Ok(json!({ "accounts": listed }))
    }
}

impl Vendor for Merchant {
    fn answer(&self, call: &Call) -> Answer {
        if call.path == google::TOKEN_PATH {
            return self.tokens.hand_out(call, self.stage.now());
        }
        let key = match self.tokens.owner(call, self.stage.now()) {
            Ok(owner) => &self.keys[owner],
            Err(refused) => return refused,
        };
        if !self.rules.registered {
            let words = "The GCP project is not registered with the merchant account.";
            return google::refusal(401, "GCP_NOT_REGISTERED", words);
        }
        let account = |prefix: &str, suffix: &str| call.path.strip_prefix(prefix)?.strip_suffix(suffix);
        let found = match call.method.as_str() {
            "GET" if call.path == "/accounts/v1/accounts" => self.accounts(key, None),
            "GET" => match account("/accounts/v1/accounts/", ":listSubaccounts") {
                Some(account) => self.accounts(key, Some(account)),
                None => Err(envelope(404, "", &[])),
            },
            "POST" => match account("/reports/v1/accounts/", "/reports:search") {
                Some(account) => self.search(call, key, account),
                None => Err(envelope(404, "", &[])),
            },
            _ => Err(envelope(404, "", &[])),
        };
        found.map_or_else(|refused| refused, |body| Answer::json(200, &body))
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        let signs_in = call.path == google::TOKEN_PATH;
        match fault {
            FaultKind::WrongKey => signs_in,
            FaultKind::ExpireAllTokens => true,
            // Pages are cut out of one answer here, and nobody says how many rows there are.
            FaultKind::RepeatPage
            | FaultKind::ShuffledPage
            | FaultKind::Vanish
            | FaultKind::Appear
            | FaultKind::LyingTotal { .. } => false,
            _ => !signs_in,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::Throttle { hint } => {
                let secs = match hint {
                    Hint::After { secs } | Hint::Date { secs } | Hint::ResetAt { secs } | Hint::ResetIn { secs } => {
                        Some(*secs)
                    }
                    Hint::Windows | Hint::Body | Hint::Nonsense => None,
                };
                let wait = secs.map(|secs| {
                    json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{secs}s") })
                });
                let reason = json!({ "reason": "quota/request_rate_too_high", "domain": "merchantapi.googleapis.com" });
                Some(envelope(429, "", &[reason].into_iter().chain(wait).collect::<Vec<_>>()))
            }
            FaultKind::ErrorInside { code } => {
                Some(Answer { status: 200, ..envelope(code.parse().unwrap_or(400), "", &[]) })
            }
            FaultKind::RevokeScope => Some(envelope(403, "", &[])),
            FaultKind::ServerError { status } => Some(envelope(*status, "", &[])),
            _ => self.tokens.refuse(fault, call),
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        let Some(rows) = body.get_mut("results").and_then(Value::as_array_mut) else { return };
        if matches!(fault, FaultKind::EmptyAccount | FaultKind::DuplicateRows) {
            NAMES.bend(fault, rows);
            return;
        }
        // Figures and states stand one step deeper.
        for part in rows.iter_mut().filter_map(Value::as_object_mut).flat_map(|row| row.values_mut()) {
            let mut alone = vec![part.take()];
            NAMES.bend(fault, &mut alone);
            *part = alone.pop().unwrap_or_default();
        }
    }

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}
