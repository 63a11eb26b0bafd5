//! TikTok Ads (business-api.tiktok.com/open_api/v1.3): developers' applications, the consents given to them, and the advertisers behind.
//!
//! Written from the vendor's pages of `campaign/get` and `report/integrated/get` and from public clients' fixtures. Served: the exchange of
//! a code for a lasting token, `oauth2/advertiser/get`, `advertiser/info`, the three lists of objects, and the synchronous basic report by
//! day. Not served, because the console does not call it: other reports, hours and lifetimes, asynchronous reports, audiences.
//!
//! Everything is answered under the status 200 with a `code`. Codes are the vendor's, the words of most refusals are made up. Money is the
//! world's kopecks read as cents of the advertiser's currency; of each cabinet the campaigns for a community are bought as Reach & Frequency.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::{Map, Value, json};

use crate::faults::FaultKind;
use crate::noise::hash;
use crate::server::{Answer, Call, Vendor, number_in};
use crate::stage::{Owner, Platform, RowNames, Scenario, Stage};
use crate::world::{Aim, Cabinet, Figures, Level, Life, Place, Status};

/// Where its paths begin.
const ROOT: &str = "/open_api/v1.3/";
/// Currency and zone of all advertisers.
pub const CURRENCY: &str = "EUR";
const TIME_ZONE: &str = "Europe/Berlin";
/// How long the code of a consent is good.
const CODE_MINUTES: i64 = 60;
/// The most rows of a page, advertisers of a question, ids of a filter, and days of a daily and of another report.
const MOST_ROWS: usize = 1_000;
const MOST_ADVERTISERS: usize = 100;
const MOST_IDS: usize = 100;
const MOST_DAYS: i64 = 30;
const MOST_DAYS_WITHOUT_TIME: i64 = 365;

/// What faults of content twist.
const NAMES: RowNames = RowNames {
    day: "stat_time_day",
    counts: &["impressions", "clicks"],
    money: &["spend"],
    status: "operation_status",
};

/// A kind of object and its words.
struct Kind {
    level: Level,
    /// In paths, fields and filters, such as `adgroup`.
    word: &'static str,
    /// What its secondary statuses begin with.
    status: &'static str,
    data_level: &'static str,
    parent: Option<&'static str>,
}

const KINDS: [Kind; 4] = [
    Kind {
        level: Level::Cabinet,
        word: "advertiser",
        status: "ADVERTISER_STATUS",
        data_level: "AUCTION_ADVERTISER",
        parent: None,
    },
    Kind {
        level: Level::Campaign,
        word: "campaign",
        status: "CAMPAIGN_STATUS",
        data_level: "AUCTION_CAMPAIGN",
        parent: None,
    },
    Kind {
        level: Level::Group,
        word: "adgroup",
        status: "ADGROUP_STATUS",
        data_level: "AUCTION_ADGROUP",
        parent: Some("campaign"),
    },
    Kind { level: Level::Ad, word: "ad", status: "AD_STATUS", data_level: "AUCTION_AD", parent: Some("adgroup") },
];

/// Metrics that are served; the vendor has some hundred more.
const METRICS: [&str; 9] = [
    "spend",
    "impressions",
    "clicks",
    "conversion",
    "complete_payment",
    "total_complete_payment_rate",
    "ctr",
    "currency",
    "campaign_name",
];

/// What a person has after creating an application and consenting to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Whose it is.
    pub owner: String,
    /// The application.
    pub app_id: String,
    /// Its secret.
    pub secret: String,
    /// The code that the consent ended with, not exchanged yet.
    pub auth_code: String,
    /// A token that came from another consent.
    pub token: String,
    /// Ids of the advertisers it sees.
    pub advertisers: Vec<String>,
    /// Numbers of the same cabinets in the world.
    pub cabinets: Vec<u64>,
}

#[derive(Debug)]
struct Consent {
    owner: usize,
    given_at: DateTime<Utc>,
}

/// What is refused because it is too much; by default nothing is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Requests that an application may send in a second.
    pub per_second: Option<usize>,
    /// Rows of a report, all its pages together.
    pub report_rows: Option<usize>,
}

#[derive(Debug)]
struct Business {
    stage: Stage,
    owners: Vec<Owner>,
    keys: Vec<Key>,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    codes: BTreeMap<String, Consent>,
    /// Owners by token.
    tokens: BTreeMap<String, usize>,
    exchanged: u64,
    /// Requests of the last second, by owner.
    sent: BTreeMap<usize, VecDeque<DateTime<Utc>>>,
}

/// Starts a platform that stands for `https://business-api.tiktok.com`.
pub fn start(scenario: &Scenario, limits: Limits) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let owners = stage.owners();
    let mut state = State::default();
    let mut keys = Vec::new();
    for (at, owner) in owners.iter().enumerate() {
        let part = |salt| format!("{:016x}", hash(stage.seed, owner.id, salt));
        let cabinets: Vec<u64> = owner.cabinets.clone().map(|place| stage.world.cabinets[place].id).collect();
        let key = Key {
            owner: owner.name.clone(),
            app_id: (7_300_000_000_000_000_000 + owner.id).to_string(),
            secret: format!("{}{}", part(21), part(22)),
            auth_code: format!("{}{}", part(23), part(24)),
            token: format!("{}{}", part(25), part(26)),
            advertisers: cabinets.iter().map(|id| id_of(Level::Cabinet, *id)).collect(),
            cabinets,
        };
        state.codes.insert(key.auth_code.clone(), Consent { owner: at, given_at: stage.now() });
        state.tokens.insert(key.token.clone(), at);
        keys.push(key);
    }
    let business = Business { stage: stage.clone(), owners, keys: keys.clone(), limits, state: Mutex::new(state) };
    stage.serve(Arc::new(business), keys, 1 << 16)
}

/// How the platform numbers an object of the world: beyond what a float can hold.
pub fn id_of(level: Level, id: u64) -> String {
    let base: u64 = if level == Level::Cabinet { 7_100_000_000_000_000_000 } else { 1_790_000_000_000_000_001 };
    (base + id).to_string()
}

fn envelope(code: i64, message: &str, data: Value) -> Answer {
    let mut body = Map::new();
    body.insert("code".to_owned(), json!(code));
    body.insert("message".to_owned(), json!(message));
    body.insert("request_id".to_owned(), json!("2026112301000000000000000000000A"));
    body.insert("data".to_owned(), data);
    Answer::json(200, &Value::Object(body))
}

fn refusal(code: i64, message: &str) -> Answer {
    envelope(code, message, json!({}))
}

fn bad(message: impl AsRef<str>) -> Answer {
    refusal(40002, message.as_ref())
}

fn no_token() -> Answer {
    refusal(40105, "Access token is incorrect or has been revoked.")
}

fn no_right() -> Answer {
    refusal(40001, "No permission to operate advertiser")
}

/// A parameter that is a list of words in JSON.
fn words(call: &Call, name: &str) -> Result<Option<Vec<String>>, Answer> {
    let Some(text) = call.param(name) else { return Ok(None) };
    serde_json::from_str(text).map(Some).map_err(|_| bad(format!("{name}: Not a valid list: {text}")))
}

fn number(call: &Call, name: &str, usual: usize, most: usize) -> Result<usize, Answer> {
    let Some(text) = call.param(name) else { return Ok(usual) };
    let found = text.parse().ok().filter(|number| (1..=most).contains(number));
    found.ok_or_else(|| bad(format!("{name}: Must be between 1 and {most}")))
}

fn decimal(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn buying_type(aim: Aim) -> &'static str {
    if aim == Aim::Community { "RESERVATION_RF" } else { "AUCTION" }
}

/// An object of a list: its number, its life, its campaign, its name and its parent.
struct Object<'a> {
    id: u64,
    life: &'a Life,
    campaign: usize,
    name: &'a str,
    parent: Option<String>,
}

fn objects(cabinet: &Cabinet, level: Level) -> Vec<Object<'_>> {
    match level {
        Level::Cabinet => Vec::new(),
        Level::Campaign => {
            let all = cabinet.campaigns.iter().enumerate();
            all.map(|(at, it)| Object { id: it.id, life: &it.life, campaign: at, name: &it.name, parent: None })
                .collect()
        }
        Level::Group => {
            let parent = |campaign: usize| Some(id_of(Level::Campaign, cabinet.campaigns[campaign].id));
            let all = cabinet.groups.iter();
            all.map(|it| Object {
                id: it.id,
                life: &it.life,
                campaign: it.campaign,
                name: &it.name,
                parent: parent(it.campaign),
            })
            .collect()
        }
        Level::Ad => {
            let parent = |group: usize| Some(id_of(Level::Group, cabinet.groups[group].id));
            let all = cabinet.ads.iter();
            all.map(|it| Object {
                id: it.id,
                life: &it.life,
                campaign: it.campaign,
                name: &it.name,
                parent: parent(it.group),
            })
            .collect()
        }
    }
}

/// Which of deleted and other objects are wanted, from a status of a filter.
fn wanted(word: &str) -> Option<fn(Status) -> bool> {
    Some(match word {
        "ALL" => |_| true,
        "NOT_DELETE" => |status| status != Status::Deleted,
        "DELETE" => |status| status == Status::Deleted,
        "ENABLE" | "DELIVERY_OK" => |status| status == Status::Active,
        "DISABLE" => |status| status == Status::Stopped,
        _ => return None,
    })
}

impl Business {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A code for a token. The code is good once.
    fn exchange(&self, call: &Call) -> Answer {
        let Ok(body) = serde_json::from_slice::<Value>(&call.body) else { return bad("The body is not JSON") };
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let app = self.keys.iter().position(|key| key.app_id == text("app_id") && key.secret == text("secret"));
        let Some(app) = app else { return refusal(40101, "Invalid App ID or secret") };
        let mut state = self.state();
        let late = self.stage.now() - Duration::minutes(CODE_MINUTES);
        let good = state.codes.get(text("auth_code")).is_some_and(|it| it.owner == app && it.given_at > late);
        if !good {
            return refusal(40110, "Auth_code is expired, has been used, or is not of this app");
        }
        state.codes.remove(text("auth_code"));
        state.exchanged += 1;
        let token = format!("{:016x}{:016x}", hash(self.stage.seed, app as u64, 31), state.exchanged);
        state.tokens.insert(token.clone(), app);
        let advertisers = &self.keys[app].advertisers;
        envelope(0, "OK", json!({ "access_token": token, "advertiser_ids": advertisers, "scope": [4, 200, 210] }))
    }

    fn token_of(call: &Call) -> Option<&str> {
        call.headers.get("access-token")?.to_str().ok()
    }

    /// Whose token it is; its requests of this second are counted.
    fn owner(&self, call: &Call) -> Result<usize, Answer> {
        let mut state = self.state();
        let owner = Self::token_of(call).and_then(|token| state.tokens.get(token).copied()).ok_or_else(no_token)?;
        if let Some(most) = self.limits.per_second {
            let now = self.stage.now();
            let sent = state.sent.entry(owner).or_default();
            while sent.front().is_some_and(|at| *at <= now - Duration::seconds(1)) {
                sent.pop_front();
            }
            if sent.len() >= most {
                return Err(refusal(40100, "App reaches the QPS limit."));
            }
            sent.push_back(now);
        }
        Ok(owner)
    }

    /// The place of the cabinet that is asked about.
    fn cabinet(&self, owner: usize, call: &Call) -> Result<usize, Answer> {
        let asked =
            call.param("advertiser_id").ok_or_else(|| bad("advertiser_id: Missing data for required field."))?;
        let mut places = self.owners[owner].cabinets.clone();
        let found = places.find(|place| id_of(Level::Cabinet, self.stage.world.cabinets[*place].id) == asked);
        found.ok_or_else(no_right)
    }

    fn advertisers(&self, owner: usize, call: &Call) -> Answer {
        let key = &self.keys[owner];
        if call.param("app_id") != Some(&key.app_id) || call.param("secret") != Some(&key.secret) {
            return refusal(40101, "Invalid App ID or secret");
        }
        let places = self.owners[owner].cabinets.clone().map(|place| &self.stage.world.cabinets[place]);
        let list: Vec<_> = places
            .map(|it| json!({ "advertiser_id": id_of(Level::Cabinet, it.id), "advertiser_name": it.name }))
            .collect();
        envelope(0, "OK", json!({ "list": list }))
    }

    fn info(&self, owner: usize, call: &Call) -> Result<Answer, Answer> {
        let ids =
            words(call, "advertiser_ids")?.ok_or_else(|| bad("advertiser_ids: Missing data for required field."))?;
        if ids.is_empty() || ids.len() > MOST_ADVERTISERS {
            return Err(bad(format!("advertiser_ids: Length must be between 1 and {MOST_ADVERTISERS}.")));
        }
        let mut list = Vec::new();
        for id in ids {
            let mut places = self.owners[owner].cabinets.clone();
            let place = places.find(|place| id_of(Level::Cabinet, self.stage.world.cabinets[*place].id) == id);
            let cabinet = &self.stage.world.cabinets[place.ok_or_else(no_right)?];
            let whole = json!({
                "advertiser_id": id, "name": cabinet.name, "company": cabinet.name, "currency": CURRENCY,
                "timezone": TIME_ZONE, "display_timezone": TIME_ZONE, "status": "STATUS_ENABLE", "country": "DE",
                "role": "ROLE_ADVERTISER", "balance": cabinet.balance_kopecks / 100, "advertiser_account_type": "AUCTION",
            });
            list.push(chosen(whole, words(call, "fields")?)?);
        }
        Ok(envelope(0, "OK", json!({ "list": list })))
    }

    fn list(&self, kind: &Kind, place: usize, call: &Call) -> Result<Answer, Answer> {
        let today = self.stage.today();
        let cabinet = &self.stage.world.cabinets[place];
        let mut statuses = wanted("NOT_DELETE");
        let mut bought = vec!["AUCTION".to_owned(), "RESERVATION_RF".to_owned()];
        if let Some(text) = call.param("filtering") {
            let filter: Map<String, Value> =
                serde_json::from_str(text).map_err(|_| bad(format!("filtering: Not a valid mapping type: {text}")))?;
            for (name, value) in filter {
                match name.as_str() {
                    "secondary_status" => {
                        let word = value.as_str().and_then(|word| word.strip_prefix(kind.status)?.strip_prefix('_'));
                        statuses =
                            Some(word.and_then(wanted).ok_or_else(|| bad(format!("filtering.{name}: {value}")))?);
                    }
                    "buying_types" => {
                        bought =
                            serde_json::from_value(value).map_err(|_| bad("filtering.buying_types: not a list"))?;
                        let known = ["AUCTION", "RESERVATION_RF", "RESERVATION_TOP_VIEW"];
                        let top = bought.iter().any(|it| it == "RESERVATION_TOP_VIEW");
                        if bought.iter().any(|it| !known.contains(&it.as_str())) || (top && bought.len() > 1) {
                            return Err(bad(format!("filtering.buying_types: {bought:?}")));
                        }
                    }
                    _ => return Err(bad(format!("filtering.{name}: Unknown field."))),
                }
            }
        }
        let fields = words(call, "fields")?;
        let mut rows = Vec::new();
        for object in objects(cabinet, kind.level) {
            let campaign = &cabinet.campaigns[object.campaign];
            let status = object.life.status(today);
            let fits = object.life.exists(today)
                && statuses.is_none_or(|fits| fits(status))
                && bought.iter().any(|it| it == buying_type(campaign.aim));
            if fits {
                rows.push(chosen(self.object(kind, place, &object, status), fields.clone())?);
            }
        }
        page(rows, call)
    }

    fn object(&self, kind: &Kind, place: usize, object: &Object<'_>, status: Status) -> Value {
        // An old interface wrote ids as numbers, and its fixtures are still about; ads come that way here.
        let id = id_of(kind.level, object.id);
        let id = if kind.level == Level::Ad { json!(id.parse::<u64>().unwrap_or_default()) } else { json!(id) };
        let word = match status {
            Status::Active if kind.level == Level::Campaign => "ENABLE",
            Status::Active => "DELIVERY_OK",
            Status::Stopped => "DISABLE",
            Status::Deleted => "DELETE",
        };
        // A deleted object keeps the position of its switch.
        let on = status == Status::Active || (status == Status::Deleted && object.id.is_multiple_of(2));
        let mut row = Map::new();
        row.insert(format!("{}_id", kind.word), id);
        row.insert(format!("{}_name", kind.word), json!(object.name));
        let advertiser = id_of(Level::Cabinet, self.stage.world.cabinets[place].id);
        row.insert("advertiser_id".to_owned(), json!(advertiser));
        row.insert("operation_status".to_owned(), json!(if on { "ENABLE" } else { "DISABLE" }));
        row.insert("secondary_status".to_owned(), json!(format!("{}_{word}", kind.status)));
        row.insert("create_time".to_owned(), json!(object.life.created(600).format("%Y-%m-%d %H:%M:%S").to_string()));
        if let Some((name, parent)) = kind.parent.zip(object.parent.clone()) {
            row.insert(format!("{name}_id"), json!(parent));
        }
        Value::Object(row)
    }

    fn report(&self, place: usize, call: &Call) -> Result<Answer, Answer> {
        let asked = Question::read(call)?;
        let world = &self.stage.world;
        let cabinet = &world.cabinets[place];
        let today = self.stage.today();
        let mut rows: BTreeMap<(usize, Option<NaiveDate>), Figures> = BTreeMap::new();
        for day in world.days(asked.from, asked.to, today) {
            for at in world.ads_under(Level::Cabinet, Place { cabinet: place, index: 0 }) {
                let ad = &cabinet.ads[at];
                let (object, id, status) = match asked.kind.level {
                    Level::Cabinet => (0, cabinet.id, Status::Active),
                    Level::Campaign => {
                        let it = &cabinet.campaigns[ad.campaign];
                        (ad.campaign, it.id, it.life.status(today))
                    }
                    Level::Group => {
                        let it = &cabinet.groups[ad.group];
                        (ad.group, it.id, it.life.status(today))
                    }
                    Level::Ad => (at, ad.id, ad.life.status(today)),
                };
                let named = asked.ids.as_ref().is_none_or(|ids| ids.contains(&id_of(asked.kind.level, id)));
                if !(asked.statuses)(status) || !named {
                    continue;
                }
                let figures = world.figures(cabinet, ad, &day);
                if figures != Figures::default() {
                    *rows.entry((object, asked.by_day.then_some(day.date))).or_default() += figures;
                }
            }
        }
        if self.limits.report_rows.is_some_and(|most| rows.len() > most) {
            let words = "Your query is too large, please reduce the query size (e.g. fewer metrics or time range) and retry after a while.";
            return Err(refusal(40067, words));
        }
        let told = rows.into_iter().map(|((object, date), figures)| {
            let (id, name) = match asked.kind.level {
                Level::Cabinet => (cabinet.id, "-"),
                Level::Campaign => (cabinet.campaigns[object].id, cabinet.campaigns[object].name.as_str()),
                Level::Group => {
                    (cabinet.groups[object].id, cabinet.campaigns[cabinet.groups[object].campaign].name.as_str())
                }
                Level::Ad => (cabinet.ads[object].id, cabinet.campaigns[cabinet.ads[object].campaign].name.as_str()),
            };
            let mut dimensions = Map::new();
            dimensions.insert(format!("{}_id", asked.kind.word), json!(id_of(asked.kind.level, id)));
            if let Some(date) = date {
                dimensions.insert("stat_time_day".to_owned(), json!(format!("{date} 00:00:00")));
            }
            let metrics: Map<String, Value> =
                asked.metrics.iter().map(|metric| (metric.clone(), json!(value(metric, &figures, name)))).collect();
            json!({ "dimensions": dimensions, "metrics": metrics })
        });
        page(told.collect(), call)
    }

    fn asked(&self, call: &Call, path: &str) -> Result<Answer, Answer> {
        let owner = self.owner(call)?;
        match path {
            "oauth2/advertiser/get/" => return Ok(self.advertisers(owner, call)),
            "advertiser/info/" => return self.info(owner, call),
            "report/integrated/get/" => return self.report(self.cabinet(owner, call)?, call),
            _ => {}
        }
        let kind = KINDS.iter().skip(1).find(|kind| path == format!("{}/get/", kind.word));
        match kind {
            Some(kind) => self.list(kind, self.cabinet(owner, call)?, call),
            None => Err(Answer::raw(404, b"404 page not found".to_vec())),
        }
    }
}

/// The members that were asked for; all without a wish.
fn chosen(whole: Value, fields: Option<Vec<String>>) -> Result<Value, Answer> {
    let (Value::Object(whole), Some(fields)) = (&whole, fields) else { return Ok(whole) };
    let mut row = Map::new();
    for field in fields {
        let value = whole.get(&field).ok_or_else(|| bad(format!("fields: unknown field {field}")))?;
        row.insert(field, value.clone());
    }
    Ok(Value::Object(row))
}

/// The page that was asked for.
fn page(rows: Vec<Value>, call: &Call) -> Result<Answer, Answer> {
    let size = number(call, "page_size", 10, MOST_ROWS)?;
    let number = number(call, "page", 1, usize::MAX)?;
    let total = rows.len();
    let list: Vec<Value> = rows.into_iter().skip((number - 1).saturating_mul(size)).take(size).collect();
    let info = json!({ "page": number, "page_size": size, "total_number": total, "total_page": total.div_ceil(size) });
    Ok(envelope(0, "OK", json!({ "list": list, "page_info": info })))
}

/// What a report is about.
struct Question {
    kind: &'static Kind,
    from: NaiveDate,
    to: NaiveDate,
    by_day: bool,
    metrics: Vec<String>,
    statuses: fn(Status) -> bool,
    ids: Option<Vec<String>>,
}

impl Question {
    fn read(call: &Call) -> Result<Self, Answer> {
        let need =
            |name: &str| call.param(name).ok_or_else(|| bad(format!("{name}: Missing data for required field.")));
        if need("report_type")? != "BASIC" {
            return Err(bad("report_type: this report is not served here"));
        }
        if !matches!(call.param("service_type"), None | Some("AUCTION")) {
            return Err(bad("service_type: must be AUCTION"));
        }
        let level = need("data_level")?;
        let kind = KINDS.iter().find(|kind| kind.data_level == level);
        let kind = kind.ok_or_else(|| bad(format!("data_level: {level}")))?;
        let dimensions =
            words(call, "dimensions")?.ok_or_else(|| bad("dimensions: Missing data for required field."))?;
        let by_day = dimensions.iter().any(|it| it == "stat_time_day");
        let own = format!("{}_id", kind.word);
        let others = dimensions.iter().filter(|it| *it != "stat_time_day");
        if others.collect::<Vec<_>>() != [&own] {
            return Err(bad(format!("dimensions: {dimensions:?} are not supported with {level}")));
        }
        let metrics = words(call, "metrics")?.unwrap_or_else(|| vec!["spend".to_owned(), "impressions".to_owned()]);
        if let Some(unknown) = metrics.iter().find(|metric| !METRICS.contains(&metric.as_str())) {
            return Err(bad(format!("Invalid metric fields: ['{unknown}']")));
        }
        let day = |name: &str| {
            let text = need(name)?;
            NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| bad(format!("{name}: Not a valid date.")))
        };
        let (from, to) = (day("start_date")?, day("end_date")?);
        let most = if by_day { MOST_DAYS } else { MOST_DAYS_WITHOUT_TIME };
        if from > to || (to - from).num_days() >= most {
            return Err(bad(format!("The time span of start_date and end_date cannot exceed {most} days")));
        }
        let mut asked =
            Self { kind, from, to, by_day, metrics, statuses: |status| status != Status::Deleted, ids: None };
        asked.filter(call)?;
        Ok(asked)
    }

    fn filter(&mut self, call: &Call) -> Result<(), Answer> {
        let Some(text) = call.param("filtering") else { return Ok(()) };
        let filters: Vec<BTreeMap<String, String>> =
            serde_json::from_str(text).map_err(|_| bad(format!("filtering: Not a valid list: {text}")))?;
        for filter in filters {
            let part = |name: &str| filter.get(name).map(String::as_str).unwrap_or_default();
            let field = part("field_name");
            let values: Vec<String> = serde_json::from_str(part("filter_value"))
                .map_err(|_| bad(format!("filtering.filter_value of {field}: Not a valid JSON array")))?;
            if part("filter_type") != "IN" || filter.len() != 3 {
                return Err(bad(format!("filtering: {filter:?}")));
            }
            // An advertiser has no status to filter by, and an ad is not found by its campaign's.
            if field == format!("{}_status", self.kind.word) && self.kind.level != Level::Cabinet {
                let [value] = values.as_slice() else { return Err(bad("filtering: one status at a time")) };
                let known = value.strip_prefix("STATUS_").and_then(wanted);
                self.statuses = known.ok_or_else(|| bad(format!("filtering: {value}")))?;
            } else if field == format!("{}_ids", self.kind.word) {
                if values.len() > MOST_IDS {
                    return Err(bad(format!("filtering: at most {MOST_IDS} ids")));
                }
                self.ids = Some(values);
            } else {
                return Err(bad(format!("filtering: {field} is not supported with {}", self.kind.data_level)));
            }
        }
        Ok(())
    }
}

/// A metric as the vendor writes it; `-` is what cannot be said.
fn value(metric: &str, figures: &Figures, campaign: &str) -> String {
    match metric {
        "spend" => decimal(figures.spend_kopecks),
        "impressions" => figures.impressions.to_string(),
        "clicks" => figures.clicks.to_string(),
        "conversion" | "complete_payment" => figures.conversions.to_string(),
        "total_complete_payment_rate" if figures.conversions > 0 => decimal(figures.revenue_kopecks),
        "ctr" if figures.impressions > 0 => decimal(figures.clicks * 10_000 / figures.impressions),
        "currency" => CURRENCY.to_owned(),
        "campaign_name" => campaign.to_owned(),
        _ => "-".to_owned(),
    }
}

impl Vendor for Business {
    fn answer(&self, call: &Call) -> Answer {
        let known = call.path.strip_prefix(ROOT).filter(|path| path.ends_with('/'));
        match (call.method.as_str(), known) {
            ("POST", Some("oauth2/access_token/")) => self.exchange(call),
            ("GET", Some(path)) => self.asked(call, path).unwrap_or_else(|refused| refused),
            _ => Answer::raw(404, b"404 page not found".to_vec()),
        }
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        let paged = !call.path.contains("advertiser") && !call.path.contains("oauth2");
        match fault {
            // A token does not end and is not refreshed; how pages may shift was not seen.
            FaultKind::ExpireAllTokens
            | FaultKind::RepeatPage
            | FaultKind::ShuffledPage
            | FaultKind::Vanish
            | FaultKind::Appear => false,
            FaultKind::LyingTotal { .. } => paged,
            FaultKind::NegativeNumbers | FaultKind::GarbageNumbers => call.path.contains("report"),
            FaultKind::UnknownEnum => paged && !call.path.contains("report"),
            _ => true,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn is_limit(&self, answer: &Answer) -> bool {
        number_in(answer, "/code") == Some(40100)
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::WrongKey if call.path.contains("oauth2") => Some(refusal(40101, "Invalid App ID or secret")),
            FaultKind::WrongKey => Some(no_token()),
            FaultKind::RevokeToken | FaultKind::ExpireToken => {
                self.state().tokens.remove(Self::token_of(call)?);
                Some(no_token())
            }
            FaultKind::Throttle { .. } => {
                Some(refusal(40100, "Due to too many requests, requests from App are temporarily restricted."))
            }
            FaultKind::ErrorInside { code } => Some(refusal(code.parse().ok()?, "Request is not processed")),
            FaultKind::RevokeScope => Some(no_right()),
            // The system's own errors come under 200, those of what stands before it do not.
            FaultKind::ServerError { status: 500 } => Some(refusal(50000, "System error.")),
            FaultKind::ServerError { status } => Some(Answer::raw(*status, b"upstream error".to_vec())),
            _ => None,
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        if let FaultKind::LyingTotal { delta } = fault {
            if let Some(total) = body.pointer_mut("/data/page_info/total_number") {
                *total = json!(total.as_i64().unwrap_or_default() + delta);
            }
            return;
        }
        let Some(rows) = body.pointer_mut("/data/list").and_then(Value::as_array_mut) else { return };
        let reported = rows.first().is_some_and(|row| row["metrics"].is_object());
        if !reported {
            return NAMES.bend(fault, rows);
        }
        // Rows of reports are bent as if they were flat.
        let mut dimensions = Vec::new();
        for row in rows.iter_mut() {
            let (Some(of), Some(metrics)) = (row["dimensions"].as_object(), row["metrics"].as_object()) else { return };
            dimensions = of.keys().cloned().collect();
            *row = Value::Object(of.iter().chain(metrics).map(|(name, value)| (name.clone(), value.clone())).collect());
        }
        NAMES.bend(fault, rows);
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            let all = std::mem::take(row);
            let (of, metrics): (Map<_, _>, Map<_, _>) =
                all.into_iter().partition(|(name, _)| dimensions.contains(name));
            row.insert("dimensions".to_owned(), Value::Object(of));
            row.insert("metrics".to_owned(), Value::Object(metrics));
        }
    }

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}
