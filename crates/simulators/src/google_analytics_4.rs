//! Google Analytics 4 (analyticsdata.googleapis.com and analyticsadmin.googleapis.com, v1beta): properties of the clients' sites and reports of
//! the visits that the world's ads brought there.
//!
//! Written from googleapis/googleapis (google/analytics/data/v1beta, google/analytics/admin/v1beta) and the vendor's pages on reports and
//! quotas. Served: `accountSummaries`, `properties` (list and get) and `runReport`, with what is refused there: unknown members, dimensions
//! and metrics, more of them than allowed, days before the first one, other people's properties, tokens and server errors that are used up.
//! Rows that nobody asked to be sorted come in another order on each page. On demand the platform keeps back rows of few people, and puts
//! what is too many together as `(other)`. Not served, because the console does not call it yet: several date ranges, batches, pivots,
//! realtime and funnels, filters of dimensions, other dimensions and metrics, the Measurement Protocol.
//!
//! Made up are the two key events and their shares, the price of a report in tokens, and which campaigns are tagged by Google itself.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::{Map, Value, json};

use crate::faults::{FaultKind, Hint};
use crate::google::{self, SignIn, Tokens, envelope};
use crate::noise::hash;
use crate::server::{Answer, Call, Vendor};
use crate::stage::{Platform, RowNames, Scenario, Stage};
use crate::visits::Visits;
use crate::world::Cabinet;

/// Key events: name, and share of the conversions in percent. Revenue comes with the first.
pub const KEY_EVENTS: [(&str, i64); 2] = [("purchase", 60), ("generate_lead", 40)];

/// What is known of a session's origin, in the order in which it is asked for.
const TRAFFIC: [&str; 4] = ["sessionSource", "sessionMedium", "sessionCampaignName", "sessionManualAdContent"];
const METRICS: [(&str, &str); 6] = [
    ("sessions", "TYPE_INTEGER"),
    ("engagedSessions", "TYPE_INTEGER"),
    ("totalUsers", "TYPE_INTEGER"),
    ("screenPageViews", "TYPE_INTEGER"),
    ("keyEvents", "TYPE_FLOAT"),
    ("purchaseRevenue", "TYPE_CURRENCY"),
];
const MEMBERS: [&str; 10] = [
    "dateRanges",
    "dimensions",
    "metrics",
    "metricFilter",
    "orderBys",
    "limit",
    "offset",
    "keepEmptyRows",
    "returnPropertyQuota",
    "currencyCode",
];
/// Most of a request.
const MOST_DIMENSIONS: usize = 9;
const MOST_METRICS: usize = 10;
const MOST_ROWS: usize = 250_000;
/// Rows without a word about it.
const USUAL_ROWS: usize = 10_000;
/// The first day that may be asked for.
const EARLIEST: &str = "2015-08-14";
/// Server errors of a project and property within an hour.
const SERVER_ERRORS: usize = 10;
const LEARN_MORE: &str =
    "To learn more, see https://developers.google.com/analytics/devguides/reporting/data/v1/quotas";
const NOT_YOURS: &str = "User does not have sufficient permissions for this property. To learn more about Property ID, see \
                         https://developers.google.com/analytics/devguides/reporting/data/v1/property-id.";

/// What faults of content twist in a row. Days and figures stand deeper, see `bend`.
const NAMES: RowNames = RowNames { day: "", counts: &[], money: &[], status: "" };

/// What the platform allows and keeps back.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Tokens of a Cloud project on a property within an hour; a standard property's.
    pub tokens_per_project_per_hour: i64,
    /// Most accounts or properties of a page.
    pub listed: usize,
    /// Rows of fewer people than these are kept back.
    pub fewest_users: i64,
    /// More origins than these on a day are put together as `(other)`.
    pub origins: usize,
    /// Refunds of a day in kopecks, taken from the first row of a report.
    pub refunds_kopecks: i64,
    /// Whether the person may not see revenue.
    pub no_revenue: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            tokens_per_project_per_hour: 14_000,
            listed: 200,
            fewest_users: 0,
            origins: usize::MAX,
            refunds_kopecks: 0,
            no_revenue: false,
        }
    }
}

/// Who may ask, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The owner's name.
    pub owner: String,
    /// How they sign in.
    pub sign_in: SignIn,
    /// Numbers of the properties that they see.
    pub properties: Vec<u64>,
    /// Numbers of the same clients' cabinets in the world.
    pub cabinets: Vec<u64>,
    /// How the clients' ads are tagged: source, medium, campaign and content, by the number of the ad.
    pub tags: BTreeMap<u64, [String; 4]>,
}

/// What was used of a property's quotas, oldest first.
#[derive(Debug, Default)]
struct Used {
    tokens: VecDeque<(DateTime<Utc>, i64)>,
    errors: VecDeque<DateTime<Utc>>,
}

#[derive(Debug)]
struct Analytics {
    stage: Stage,
    rules: Rules,
    keys: Vec<Key>,
    tokens: Arc<Tokens>,
    used: Mutex<BTreeMap<u64, Used>>,
}

/// Starts a platform that stands for the Data API, the Admin API and `https://oauth2.googleapis.com`.
pub fn start(scenario: &Scenario, rules: Rules) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let owners = stage.owners().into_iter().map(|owner| {
        let cabinets: Vec<u64> = owner.cabinets.clone().map(|place| stage.world.cabinets[place].id).collect();
        let properties = cabinets.iter().map(|id| property_of(*id)).collect();
        let tags = owner.cabinets.flat_map(|place| tags_of(&stage.world.cabinets[place])).collect();
        Key { sign_in: SignIn::made_up(stage.seed ^ 4, owner.id), owner: owner.name, properties, cabinets, tags }
    });
    let keys: Vec<Key> = owners.collect();
    let sign_ins = keys.iter().map(|key| key.sign_in.clone()).collect();
    let tokens = Tokens::new(sign_ins, "https://www.googleapis.com/auth/analytics.readonly");
    let analytics = Analytics { stage: stage.clone(), rules, keys: keys.clone(), tokens, used: Mutex::default() };
    stage.serve(Arc::new(analytics), keys, 1 << 16)
}

/// How the platform numbers a client's property.
pub fn property_of(cabinet: u64) -> u64 {
    300_000_000 + cabinet
}

/// How it numbers the account that the property lies in.
fn account_of(cabinet: u64) -> u64 {
    100_000_000 + cabinet
}

/// Source, medium, campaign and content of the visits that ads bring. Google tags its own campaigns, and knows no content of theirs.
fn tags_of(cabinet: &Cabinet) -> impl Iterator<Item = (u64, [String; 4])> {
    cabinet.ads.iter().map(|ad| {
        let campaign = &cabinet.campaigns[ad.campaign];
        let own = ad.campaign % 2 == 1;
        let (source, content) = if own { ("google", "(not set)".to_owned()) } else { ("vk", ad.id.to_string()) };
        (ad.id, [source.to_owned(), "cpc".to_owned(), campaign.name.clone(), content])
    })
}

fn invalid(message: &str) -> Answer {
    envelope(400, message, &[])
}

/// What a row adds up.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sum {
    visits: Visits,
    /// Hundredths of conversions.
    conversions: i64,
    revenue_kopecks: i64,
}

impl Sum {
    fn add(&mut self, more: Self) {
        self.visits += more.visits;
        self.conversions += more.conversions;
        self.revenue_kopecks += more.revenue_kopecks;
    }

    /// The hundredfold of a metric.
    fn hundredths(&self, metric: &str) -> i64 {
        match metric {
            "sessions" => self.visits.visits * 100,
            "engagedSessions" => (self.visits.visits - self.visits.bounces) * 100,
            "totalUsers" => self.visits.users * 100,
            "screenPageViews" => self.visits.page_views * 100,
            "keyEvents" => self.conversions,
            _ => self.revenue_kopecks,
        }
    }
}

/// The values of the dimensions, and what they have in common.
type Row = (Vec<String>, Sum);

/// A number as the platform writes it: whole, or with as many digits as tell doubles apart.
fn written(hundredths: i64) -> String {
    if hundredths % 100 == 0 {
        return (hundredths / 100).to_string();
    }
    let whole = (hundredths / 100).unsigned_abs().to_string().len();
    let text = format!("{:.*}", 17_usize.saturating_sub(whole), hundredths as f64 / 100.0);
    text.trim_end_matches('0').to_owned()
}

/// A request for a report.
#[derive(Debug)]
struct Question {
    from: NaiveDate,
    to: NaiveDate,
    dimensions: Vec<String>,
    metrics: Vec<String>,
    /// What rows have to exceed.
    above: Option<(String, f64)>,
    /// Places among the dimensions and whether the largest comes first.
    order: Vec<(usize, bool)>,
    limit: usize,
    offset: usize,
    empty_rows: bool,
    quota: bool,
}

impl Question {
    fn read(body: &[u8], today: NaiveDate) -> Result<Self, Answer> {
        let body: Map<String, Value> =
            serde_json::from_slice(body).map_err(|_| invalid("Invalid JSON payload received."))?;
        if let Some(unknown) = body.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            let words = format!("Invalid JSON payload received. Unknown name \"{unknown}\": Cannot find field.");
            return Err(invalid(&words));
        }
        let list = |name: &str| body.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let names = |name: &str| -> Vec<String> {
            let names = list(name).iter().map(|it| it["name"].as_str().unwrap_or_default());
            names.map(str::to_owned).collect()
        };
        let (dimensions, metrics) = (names("dimensions"), names("metrics"));
        if dimensions.len() > MOST_DIMENSIONS {
            return Err(invalid("Requests are limited to 9 dimensions."));
        }
        if metrics.len() > MOST_METRICS {
            return Err(invalid("Requests are limited to 10 metrics."));
        }
        if metrics.is_empty() && dimensions.is_empty() {
            return Err(invalid("A request requires at least one dimension or metric."));
        }
        for (what, names, known) in [
            ("dimension", &dimensions, [&["date", "eventName"], &TRAFFIC[..]].concat()),
            ("metric", &metrics, METRICS.map(|(name, _)| name).to_vec()),
        ] {
            if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
                let words = format!(
                    "Field {unknown} is not a valid {what}. For a list of valid dimensions and metrics, see \
                     https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema"
                );
                return Err(invalid(&words));
            }
        }
        let number = |name: &str| -> Result<Option<usize>, Answer> {
            let told = body.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            let wrong = |_| invalid(&format!("Invalid value at '{name}' (TYPE_INT64)."));
            told.map(|text| text.parse().map_err(wrong)).transpose()
        };
        let [range] = list("dateRanges") else { return Err(invalid("One date range is served here.")) };
        let (from, to) = (day(range, "startDate", today)?, day(range, "endDate", today)?);
        if from > to {
            return Err(invalid("The start date must not be after the end date."));
        }
        let above = match body.get("metricFilter").map(|filter| &filter["filter"]) {
            None => None,
            Some(filter) => {
                let name = filter["fieldName"].as_str().filter(|name| metrics.iter().any(|metric| metric == name));
                let name = name.ok_or_else(|| invalid("The metric filter names no metric of the request."))?;
                let value = &filter["numericFilter"]["value"];
                let than = match (&value["int64Value"], &value["doubleValue"]) {
                    (Value::String(text), Value::Null) => text.parse().ok(),
                    (Value::Null, Value::Number(number)) => number.as_f64(),
                    _ => None,
                };
                let than = than.filter(|_| filter["numericFilter"]["operation"] == "GREATER_THAN");
                Some((name.to_owned(), than.ok_or_else(|| invalid("Invalid numeric filter."))?))
            }
        };
        let mut order = Vec::new();
        for by in list("orderBys") {
            let place = by["dimension"]["dimensionName"].as_str();
            let place = place.and_then(|name| dimensions.iter().position(|dimension| dimension == name));
            let place = place.ok_or_else(|| invalid("A dimension in orderBys is not a dimension of the request."))?;
            order.push((place, by["desc"] == true));
        }
        let limit = number("limit")?.unwrap_or(USUAL_ROWS);
        if limit == 0 {
            return Err(invalid("The limit must be positive."));
        }
        let flag = |name: &str| body.get(name).is_some_and(|value| value == true);
        Ok(Self {
            from,
            to,
            dimensions,
            metrics,
            above,
            order,
            limit: limit.min(MOST_ROWS),
            offset: number("offset")?.unwrap_or_default(),
            empty_rows: flag("keepEmptyRows"),
            quota: flag("returnPropertyQuota"),
        })
    }

    fn has(&self, dimension: &str) -> bool {
        self.dimensions.iter().any(|name| name == dimension)
    }

    fn by_origin(&self) -> bool {
        TRAFFIC.iter().any(|name| self.has(name))
    }
}

/// A day of a range: `2026-10-01`, `today`, `yesterday`, `7daysAgo`.
fn day(range: &Value, name: &str, today: NaiveDate) -> Result<NaiveDate, Answer> {
    let text = range[name].as_str().unwrap_or_default();
    let ago = |days: i64| today - Duration::days(days);
    let found = match text {
        "today" => Some(today),
        "yesterday" => Some(ago(1)),
        _ => match text.strip_suffix("daysAgo") {
            Some(days) => days.parse().ok().map(ago),
            None => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
        },
    };
    let words = format!("Invalid {name}: {text}. The date format should be YYYY-MM-DD, and not before {EARLIEST}.");
    found.filter(|day| day.to_string().as_str() >= EARLIEST).ok_or_else(|| invalid(&words))
}

/// What an ad's day is in a row, and which of the conversions.
fn parts(origin: &[String; 4], question: &Question) -> Vec<(Vec<String>, i64, bool)> {
    let value = |dimension: &String, event: &str| match TRAFFIC.iter().position(|name| name == dimension) {
        Some(place) => origin[place].clone(),
        None if dimension == "eventName" => event.to_owned(),
        // The day is filled in later.
        None => String::new(),
    };
    let row = |event: &str| question.dimensions.iter().map(|dimension| value(dimension, event)).collect();
    if !question.has("eventName") {
        return vec![(row(""), 100, true)];
    }
    KEY_EVENTS.iter().map(|(event, share)| (row(event), *share, *event == KEY_EVENTS[0].0)).collect()
}

impl Analytics {
    /// The client's cabinet of a property that the person sees.
    fn place(&self, key: &Key, property: &str) -> Result<(u64, &Cabinet), Answer> {
        let number = property.parse::<u64>().ok().filter(|number| key.properties.contains(number));
        let cabinet = number.and_then(|number| {
            let mut all = self.stage.world.cabinets.iter();
            Some((number, all.find(|cabinet| property_of(cabinet.id) == number)?))
        });
        cabinet.ok_or_else(|| envelope(403, NOT_YOURS, &[]))
    }

    /// Rows of a report before they are sorted and cut, and what is said of them.
    fn rows(&self, cabinet: &Cabinet, question: &Question) -> (Vec<Row>, Map<String, Value>) {
        let world = &self.stage.world;
        let dated = question.dimensions.iter().position(|name| name == "date");
        let mut sums: BTreeMap<Vec<String>, Sum> = BTreeMap::new();
        let tags: BTreeMap<u64, [String; 4]> = tags_of(cabinet).collect();
        for day in world.days(question.from, question.to, self.stage.today()) {
            for ad in &cabinet.ads {
                let figures = world.figures(cabinet, ad, &day);
                for (mut row, share, sold) in parts(&tags[&ad.id], question) {
                    if let Some(place) = dated {
                        row[place] = day.date.format("%Y%m%d").to_string();
                    }
                    sums.entry(row).or_default().add(Sum {
                        visits: Visits::of(&figures),
                        conversions: figures.conversions * share,
                        revenue_kopecks: if sold { figures.revenue_kopecks } else { 0 },
                    });
                }
            }
        }
        let mut said = Map::new();
        if question.by_origin() {
            if self.together(question, dated, &mut sums) {
                said.insert("dataLossFromOtherRow".to_owned(), json!(true));
            }
            if self.rules.fewest_users > 0 {
                sums.retain(|_, sum| sum.visits.users >= self.rules.fewest_users);
                said.insert("subjectToThresholding".to_owned(), json!(true));
            }
        }
        if self.rules.no_revenue && question.metrics.iter().any(|metric| metric == "purchaseRevenue") {
            for sum in sums.values_mut() {
                sum.revenue_kopecks = 0;
            }
            let restricted = json!([{ "metricName": "purchaseRevenue", "restrictedMetricTypes": ["REVENUE_DATA"] }]);
            said.insert("schemaRestrictionResponse".to_owned(), json!({ "activeMetricRestrictions": restricted }));
        }
        let shown = |sum: &Sum| match &question.above {
            Some((metric, than)) => sum.hundredths(metric) as f64 > than * 100.0,
            None => question.empty_rows || question.metrics.iter().any(|metric| sum.hundredths(metric) != 0),
        };
        let mut rows: Vec<_> = sums.into_iter().filter(|(_, sum)| shown(sum)).collect();
        if let Some((_, sum)) = rows.first_mut() {
            sum.revenue_kopecks -= self.rules.refunds_kopecks;
        }
        (rows, said)
    }

    /// Puts together the origins of a day that are too many; whether there were such.
    fn together(&self, question: &Question, dated: Option<usize>, sums: &mut BTreeMap<Vec<String>, Sum>) -> bool {
        let mut days: BTreeMap<String, Vec<(i64, Vec<String>)>> = BTreeMap::new();
        for (row, sum) in sums.iter() {
            let day = dated.map(|place| row[place].clone()).unwrap_or_default();
            days.entry(day).or_default().push((sum.visits.visits, row.clone()));
        }
        let mut lost = false;
        for mut rows in days.into_values() {
            rows.sort_by_key(|(visits, row)| (Reverse(*visits), row.clone()));
            for (_, row) in rows.into_iter().skip(self.rules.origins) {
                let Some(sum) = sums.remove(&row) else { continue };
                let named = row.into_iter().zip(&question.dimensions);
                let other = named.map(|(value, name)| if name == "date" { value } else { "(other)".to_owned() });
                sums.entry(other.collect()).or_default().add(sum);
                lost = true;
            }
        }
        lost
    }

    /// Takes tokens of a property; what is used of this hour and day then.
    fn pay(&self, property: u64, tokens: i64) -> Result<(i64, i64), Answer> {
        let mut all = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = all.entry(property).or_default();
        let now = self.stage.now();
        used.tokens.retain(|(at, _)| *at + Duration::hours(24) > now);
        used.errors.retain(|at| *at + Duration::hours(1) > now);
        let exhausted = |what: &str| {
            let words = format!("Exhausted {what}. These quota tokens will return in under an hour. {LEARN_MORE}");
            envelope(429, &words, &[])
        };
        if used.errors.len() >= SERVER_ERRORS {
            return Err(exhausted("server errors quota"));
        }
        let last_hour = used.tokens.iter().filter(|(at, _)| *at + Duration::hours(1) > now);
        let spent: i64 = last_hour.map(|(_, tokens)| tokens).sum();
        if spent >= self.rules.tokens_per_project_per_hour {
            return Err(exhausted("property tokens for a project per hour"));
        }
        used.tokens.push_back((now, tokens));
        Ok((spent + tokens, used.tokens.iter().map(|(_, tokens)| tokens).sum()))
    }

    fn report(&self, call: &Call, key: &Key, property: &str) -> Result<Value, Answer> {
        let (property, cabinet) = self.place(key, property)?;
        let question = Question::read(&call.body, self.stage.today())?;
        let (mut rows, said) = self.rows(cabinet, &question);
        // Without a wish every page is cut out of an order of its own.
        let mark = |row: &[String]| {
            let bytes = row.iter().flat_map(|value| value.bytes());
            bytes.fold(question.offset as u64, |sum, byte| hash(sum, u64::from(byte), 79))
        };
        rows.sort_by(|(a, _), (b, _)| {
            let sorted = question.order.iter().map(|(place, down)| {
                let order = a[*place].cmp(&b[*place]);
                if *down { order.reverse() } else { order }
            });
            sorted.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then).then_with(|| mark(a).cmp(&mark(b)))
        });
        let total = rows.len();
        let days = (question.to - question.from).num_days() + 1;
        let page: Vec<_> = rows.into_iter().skip(question.offset).take(question.limit).collect();
        let price = 1 + days / 10 + i64::try_from(page.len()).unwrap_or_default() / 50;
        let (hour, today) = self.pay(property, price)?;
        let named = |names: &[String]| names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>();
        let mut metrics = named(&question.metrics);
        for (header, name) in metrics.iter_mut().zip(&question.metrics) {
            header["type"] = json!(METRICS.iter().find(|(metric, _)| metric == name).map(|(_, kind)| kind));
        }
        let values = |texts: Vec<String>| texts.into_iter().map(|text| json!({ "value": text })).collect::<Vec<_>>();
        let told = page.into_iter().map(|(row, sum)| {
            let numbers = question.metrics.iter().map(|metric| written(sum.hundredths(metric))).collect();
            json!({ "dimensionValues": values(row), "metricValues": values(numbers) })
        });
        let told: Vec<Value> = told.collect();
        let mut metadata = said;
        metadata.insert("currencyCode".to_owned(), json!("RUB"));
        metadata.insert("timeZone".to_owned(), json!("Europe/Moscow"));
        // What is empty or zero is left out.
        let mut answer = Map::new();
        let mut tell = |name: &str, value: Value| answer.insert(name.to_owned(), value);
        if !question.dimensions.is_empty() {
            tell("dimensionHeaders", json!(named(&question.dimensions)));
        }
        tell("metricHeaders", json!(metrics));
        if !told.is_empty() {
            tell("rows", json!(told));
        }
        if total > 0 {
            tell("rowCount", json!(total));
        }
        tell("metadata", Value::Object(metadata));
        if question.quota {
            let state = |used: i64, most: i64| json!({ "consumed": price, "remaining": (most - used).max(0) });
            tell(
                "propertyQuota",
                json!({
                    "tokensPerDay": state(today, 200_000),
                    "tokensPerHour": state(hour, 40_000),
                    "concurrentRequests": { "remaining": 10 },
                    "serverErrorsPerProjectPerHour": { "remaining": 10 },
                    "potentiallyThresholdedRequestsPerHour": { "remaining": 120 },
                    "tokensPerProjectPerHour": state(hour, self.rules.tokens_per_project_per_hour),
                }),
            );
        }
        tell("kind", json!("analyticsData#runReport"));
        Ok(Value::Object(answer))
    }

    /// A page of a list.
    fn page(&self, call: &Call, name: &str, all: &[Value]) -> Result<Value, Answer> {
        let wished = match call.param("pageSize") {
            None => Some(50),
            Some(text) => text.parse::<usize>().ok(),
        };
        let size = wished.ok_or_else(|| invalid("Invalid page size."))?.clamp(1, self.rules.listed);
        let from = match call.param("pageToken").filter(|token| !token.is_empty()) {
            None => Some(0),
            Some(token) => token.strip_prefix("ABC").and_then(|place| place.parse().ok()),
        };
        let from: usize = from.ok_or_else(|| invalid("The page token is invalid."))?;
        let page: Vec<&Value> = all.iter().skip(from).take(size).collect();
        let mut answer = Map::new();
        let to = from + page.len();
        if !page.is_empty() {
            answer.insert(name.to_owned(), json!(page));
        }
        if to < all.len() {
            answer.insert("nextPageToken".to_owned(), json!(format!("ABC{to}")));
        }
        Ok(Value::Object(answer))
    }

    fn clients<'a>(&'a self, key: &'a Key) -> impl Iterator<Item = &'a Cabinet> {
        let world = &self.stage.world;
        key.cabinets.iter().filter_map(|id| world.cabinet(*id)).map(|place| &world.cabinets[place])
    }

    fn administer(&self, call: &Call, key: &Key, path: &str) -> Result<Value, Answer> {
        let property = |cabinet: &Cabinet| {
            let account = format!("accounts/{}", account_of(cabinet.id));
            json!({
                "name": format!("properties/{}", property_of(cabinet.id)), "propertyType": "PROPERTY_TYPE_ORDINARY",
                "createTime": "2021-03-01T10:00:00Z", "updateTime": "2024-02-01T10:00:00Z", "parent": account, "account": account,
                "displayName": format!("{} GA4", cabinet.login), "timeZone": "Europe/Moscow", "currencyCode": "RUB",
                "serviceLevel": "GOOGLE_ANALYTICS_STANDARD",
            })
        };
        match path.split_once('/') {
            None if path == "accountSummaries" => {
                let summaries = self.clients(key).map(|cabinet| {
                    let id = account_of(cabinet.id);
                    let whole = property(cabinet);
                    let short = json!({
                        "property": whole["name"], "displayName": whole["displayName"], "propertyType": whole["propertyType"],
                        "parent": whole["parent"],
                    });
                    json!({
                        "name": format!("accountSummaries/{id}"), "account": format!("accounts/{id}"),
                        "displayName": cabinet.name, "propertySummaries": [short],
                    })
                });
                self.page(call, "accountSummaries", &summaries.collect::<Vec<_>>())
            }
            None if path == "properties" => {
                let filter = call.param("filter").unwrap_or_default();
                let account = filter.strip_prefix("ancestor:").or_else(|| filter.strip_prefix("parent:"));
                let account = account.filter(|account| account.starts_with("accounts/"));
                let account = account.ok_or_else(|| invalid("The filter is required and invalid."))?;
                let all = self.clients(key).map(property).filter(|it| it["account"] == account);
                self.page(call, "properties", &all.collect::<Vec<_>>())
            }
            Some(("properties", number)) => self.place(key, number).map(|(_, cabinet)| property(cabinet)),
            _ => Err(envelope(404, "", &[])),
        }
    }
}

impl Vendor for Analytics {
    fn answer(&self, call: &Call) -> Answer {
        if call.path == google::TOKEN_PATH {
            return self.tokens.hand_out(call, self.stage.now());
        }
        let key = match self.tokens.owner(call, self.stage.now()) {
            Ok(owner) => &self.keys[owner],
            Err(refused) => return refused,
        };
        let path = call.path.strip_prefix("/v1beta/").unwrap_or_default();
        let found = match call.method.as_str() {
            "GET" => self.administer(call, key, path),
            "POST" => match path.strip_prefix("properties/").and_then(|rest| rest.strip_suffix(":runReport")) {
                Some(property) => self.report(call, key, property),
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
            // Pages are cut out of one answer here: nothing moves between them.
            FaultKind::RepeatPage | FaultKind::ShuffledPage | FaultKind::Vanish | FaultKind::Appear => false,
            FaultKind::LyingTotal { .. } => call.path.ends_with(":runReport"),
            _ => !signs_in,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::Throttle { hint } => {
                let (words, secs) = match hint {
                    Hint::After { secs } | Hint::Date { secs } | Hint::ResetAt { secs } | Hint::ResetIn { secs } => {
                        ("Exhausted concurrent requests quota. Please retry later.".to_owned(), Some(*secs))
                    }
                    Hint::Windows => (
                        format!(
                            "Exhausted property tokens per day. These quota tokens will return in under 24 hours. {LEARN_MORE}"
                        ),
                        None,
                    ),
                    Hint::Body | Hint::Nonsense => {
                        (format!("Exhausted concurrent requests quota. Please retry later. {LEARN_MORE}"), None)
                    }
                };
                let wait = secs.map(|secs| {
                    json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{secs}s") })
                });
                Some(envelope(429, &words, wait.as_slice()))
            }
            FaultKind::ErrorInside { code } => {
                let status = code.parse().unwrap_or(400);
                Some(Answer { status: 200, ..envelope(status, "", &[]) })
            }
            FaultKind::RevokeScope => Some(envelope(403, NOT_YOURS, &[])),
            FaultKind::ServerError { status } => {
                let property = call.path.strip_prefix("/v1beta/properties/").and_then(|rest| rest.split_once(':'));
                if let Some(property) = property.and_then(|(number, _)| number.parse().ok()) {
                    let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
                    used.entry(property).or_default().errors.push_back(self.stage.now());
                }
                Some(envelope(*status, "", &[]))
            }
            _ => self.tokens.refuse(fault, call),
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        if let FaultKind::LyingTotal { delta } = fault
            && let Some(total) = body.get_mut("rowCount")
        {
            *total = json!(total.as_i64().unwrap_or_default() + delta);
        }
        let Some(rows) = body.get_mut("rows").and_then(Value::as_array_mut) else { return };
        if let FaultKind::MissingDay { date } = fault {
            let date = json!(date.format("%Y%m%d").to_string());
            rows.retain(|row| row["dimensionValues"][0]["value"] != date);
            return;
        }
        NAMES.bend(fault, rows);
        let number = match fault {
            FaultKind::NegativeNumbers => "-5",
            FaultKind::GarbageNumbers => "много",
            _ => return,
        };
        let values = rows.iter_mut().filter_map(|row| row.get_mut("metricValues")?.as_array_mut());
        for value in values.flatten() {
            value["value"] = json!(number);
        }
    }

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}
