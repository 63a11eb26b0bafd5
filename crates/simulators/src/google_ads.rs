//! Google Ads (googleads.googleapis.com, v25): customers below a manager account, asked in the Google Ads Query Language, and the token
//! endpoint (oauth2.googleapis.com/token) on the same address.
//!
//! Written from googleapis/googleapis (google/ads/googleads/v25) and the vendor's pages on queries, access levels and quotas. Served:
//! `customers:listAccessibleCustomers`, `googleAds:search` and `googleAds:searchStream` over `customer`, `customer_client`, `campaign`,
//! `ad_group` and `ad_group_ad`, with what the queries of a console need of the language; refusals of fields, of segments beside metrics
//! they do not go with, of metrics of a manager, of page sizes, of wrong managers; the day's operations. Not served, because the console
//! does not call it yet: mutations, audiences, conversions sent back, keywords, clicks, campaigns without ad groups (Performance Max).
//!
//! Made up are the two conversion actions and their shares, and what of all conversions is a primary one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::{Map, Value, json};

use crate::faults::{FaultKind, Hint};
use crate::google::{self, SignIn, Tokens};
use crate::noise::hash;
use crate::server::{Answer, Call, Vendor};
use crate::stage::{Platform, RowNames, Scenario, Stage};
use crate::world::{Cabinet, Figures, Life, Status};

/// The version that is spoken, and the oldest that still is.
const VERSION: u32 = 25;
const OLDEST: u32 = 23;
/// Rows of a page. The vendor's is fixed, too.
pub const PAGE: usize = 10_000;
/// A customer that was closed and is still listed for those who had it.
const CLOSED: u64 = 1_999_999_999;
/// Conversion actions: number, name, and share of the conversions in percent.
pub const ACTIONS: [(u64, &str, i64); 2] = [(7_001, "Заказ на сайте", 60), (7_002, "Звонок", 40)];
/// What all conversions are of the primary ones, percent.
const ALL_CONVERSIONS: i64 = 150;

const METRICS: [&str; 7] = [
    "metrics.impressions",
    "metrics.clicks",
    "metrics.cost_micros",
    "metrics.conversions",
    "metrics.conversions_value",
    "metrics.all_conversions",
    "metrics.all_conversions_value",
];
const SEGMENTS: [&str; 3] = ["segments.date", "segments.conversion_action", "segments.conversion_action_name"];
const CUSTOMER: [&str; 6] = [
    "customer.id",
    "customer.descriptive_name",
    "customer.currency_code",
    "customer.time_zone",
    "customer.manager",
    "customer.status",
];
const CLIENT: [&str; 10] = [
    "customer_client.id",
    "customer_client.client_customer",
    "customer_client.level",
    "customer_client.manager",
    "customer_client.descriptive_name",
    "customer_client.currency_code",
    "customer_client.time_zone",
    "customer_client.status",
    "customer_client.hidden",
    "customer_client.test_account",
];
const CAMPAIGN: [&str; 4] = ["campaign.id", "campaign.name", "campaign.status", "campaign.advertising_channel_type"];
const GROUP: [&str; 3] = ["ad_group.id", "ad_group.name", "ad_group.status"];
const AD: [&str; 5] = [
    "ad_group_ad.ad.id",
    "ad_group_ad.ad.name",
    "ad_group_ad.ad.type",
    "ad_group_ad.ad.responsive_search_ad.headlines",
    "ad_group_ad.status",
];

/// What faults of content twist, in each part of a row.
const NAMES: RowNames =
    RowNames { day: "date", counts: &["impressions", "clicks"], money: &["costMicros"], status: "status" };

/// What the platform allows.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Operations of the Cloud project within 24 hours: 2,880 with Explorer access, 15,000 with Basic.
    pub operations_per_day: usize,
    /// Rows of a page.
    pub page: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self { operations_per_day: 15_000, page: PAGE }
    }
}

/// Who may ask, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The owner's name.
    pub owner: String,
    /// The OAuth client's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The refresh token of a person.
    pub refresh_token: String,
    /// Number of the manager account; none for an advertiser of its own.
    pub manager: Option<u64>,
    /// Numbers of the accounts with campaigns.
    pub customers: Vec<u64>,
    /// Numbers of the same cabinets in the world.
    pub cabinets: Vec<u64>,
}

impl Key {
    fn sign_in(&self) -> SignIn {
        let (client_id, client_secret) = (self.client_id.clone(), self.client_secret.clone());
        SignIn { client_id, client_secret, refresh_token: self.refresh_token.clone() }
    }
}

#[derive(Debug)]
struct Ads {
    stage: Stage,
    rules: Rules,
    keys: Vec<Key>,
    tokens: Arc<Tokens>,
    /// When the project's operations of the last day were, oldest first.
    operations: Mutex<VecDeque<DateTime<Utc>>>,
}

/// Starts a platform that stands for `https://googleads.googleapis.com` and for `https://oauth2.googleapis.com`.
pub fn start(scenario: &Scenario, rules: Rules) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let mut keys = Vec::new();
    for owner in stage.owners() {
        let SignIn { client_id, client_secret, refresh_token } = SignIn::made_up(stage.seed, owner.id);
        let cabinets: Vec<u64> = owner.cabinets.clone().map(|place| stage.world.cabinets[place].id).collect();
        keys.push(Key {
            manager: stage.world.agencies.iter().any(|agency| agency.id == owner.id).then(|| customer_of(owner.id)),
            owner: owner.name,
            client_id,
            client_secret,
            refresh_token,
            customers: cabinets.iter().map(|id| customer_of(*id)).collect(),
            cabinets,
        });
    }
    let sign_ins = keys.iter().map(Key::sign_in).collect();
    let tokens = Tokens::new(sign_ins, "https://www.googleapis.com/auth/adwords");
    let ads = Ads { stage: stage.clone(), rules, keys: keys.clone(), tokens, operations: Mutex::default() };
    stage.serve(Arc::new(ads), keys, 1 << 16)
}

/// How the platform numbers an account of the world: ten digits.
pub fn customer_of(id: u64) -> u64 {
    1_000_000_000 + id
}

/// The access token that is handed out as the `turn`th for a refresh token, from 1.
pub fn access_token(refresh_token: &str, turn: u64) -> String {
    google::access_token(refresh_token, turn)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The envelope of an error whose details come from Google Ads.
fn refusal(status: u16, family: &str, code: &str, message: &str) -> Answer {
    failure(status, family, code, message, json!({}))
}

fn failure(status: u16, family: &str, code: &str, message: &str, details: Value) -> Answer {
    let mut error = json!({ "errorCode": { family: code }, "message": message });
    if details.as_object().is_some_and(|details| !details.is_empty()) {
        error["details"] = details;
    }
    let detail = json!({
        "@type": format!("type.googleapis.com/google.ads.googleads.v{VERSION}.errors.GoogleAdsFailure"),
        "errors": [error], "requestId": "abcDEF123",
    });
    envelope(status, &[detail])
}

/// The envelope of an error that came from before Google Ads.
fn outside(status: u16, reason: &str) -> Answer {
    google::refusal(status, reason, "").with("request-id", "abcDEF123")
}

fn envelope(status: u16, details: &[Value]) -> Answer {
    google::envelope(status, "", details).with("request-id", "abcDEF123")
}

fn query_error(code: &str, message: &str) -> Answer {
    refusal(400, "queryError", code, message)
}

/// A piece of a query.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Word(String),
    Text(String),
    Sign(String),
}

/// The pieces of a query: words, quoted texts, signs.
fn pieces(query: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\'' | '"' => {
                let inner = &rest[1..];
                let end = inner.find(first).unwrap_or(inner.len());
                pieces.push(Piece::Text(inner[..end].to_owned()));
                (end + 2).min(rest.len())
            }
            '(' | ')' | ',' => {
                pieces.push(Piece::Sign(first.to_string()));
                1
            }
            '=' | '!' | '<' | '>' => {
                let end = rest.find(|sign| !"=!<>".contains(sign)).unwrap_or(rest.len());
                pieces.push(Piece::Sign(rest[..end].to_owned()));
                end
            }
            _ => {
                let ends = |letter: char| letter.is_whitespace() || "(),=!<>'\"".contains(letter);
                let end = rest.find(ends).unwrap_or(rest.len());
                pieces.push(Piece::Word(rest[..end].to_owned()));
                end
            }
        };
        rest = rest[taken..].trim_start();
    }
    pieces
}

/// A condition: a field, what it is compared by, and with what.
#[derive(Debug)]
struct Condition {
    field: String,
    by: String,
    with: Vec<String>,
}

impl Condition {
    fn holds(&self, value: &str) -> bool {
        let first = self.with.first().map_or("", String::as_str);
        match self.by.as_str() {
            "=" => value == first,
            "!=" => value != first,
            ">=" => value >= first,
            "<=" => value <= first,
            "BETWEEN" => value >= first && self.with.get(1).is_some_and(|last| value <= last.as_str()),
            _ => self.with.iter().any(|one| one == value),
        }
    }
}

/// A query as far as it is served.
#[derive(Debug)]
struct Query {
    fields: Vec<String>,
    from: String,
    conditions: Vec<Condition>,
    limit: Option<usize>,
}

impl Query {
    fn read(text: &str) -> Result<Self, Answer> {
        let wrong = |what: &str| query_error("UNEXPECTED_INPUT", &format!("Error in query: unexpected input {what}."));
        let mut pieces = pieces(text).into_iter().peekable();
        let is = |piece: &Piece, word: &str| matches!(piece, Piece::Word(found) if found.eq_ignore_ascii_case(word));
        if !pieces.next().is_some_and(|piece| is(&piece, "SELECT")) {
            return Err(query_error("EXPECTED_SELECT", "Error in query: SELECT is missing."));
        }
        let mut fields = Vec::new();
        loop {
            match pieces.next() {
                Some(Piece::Word(field)) => fields.push(field),
                other => return Err(wrong(&format!("{other:?}"))),
            }
            match pieces.next() {
                Some(Piece::Sign(sign)) if sign == "," => {}
                Some(piece) if is(&piece, "FROM") => break,
                other => return Err(wrong(&format!("{other:?}"))),
            }
        }
        let Some(Piece::Word(from)) = pieces.next() else { return Err(wrong("after FROM")) };
        let (mut conditions, mut limit) = (Vec::new(), None);
        while let Some(piece) = pieces.next() {
            if is(&piece, "LIMIT") {
                let Some(Piece::Word(number)) = pieces.next() else { return Err(wrong("after LIMIT")) };
                limit = Some(number.parse().map_err(|_| wrong(&number))?);
                continue;
            }
            if !is(&piece, if conditions.is_empty() { "WHERE" } else { "AND" }) {
                return Err(wrong(&format!("{piece:?}")));
            }
            let Some(Piece::Word(field)) = pieces.next() else { return Err(wrong("in a condition")) };
            let by = match pieces.next() {
                Some(Piece::Sign(sign)) if ["=", "!=", ">=", "<="].contains(&sign.as_str()) => sign,
                Some(Piece::Word(word)) if ["BETWEEN", "IN"].contains(&word.to_ascii_uppercase().as_str()) => {
                    word.to_ascii_uppercase()
                }
                other => return Err(wrong(&format!("{other:?}"))),
            };
            let mut with = Vec::new();
            let mut value = |piece: Option<Piece>| match piece {
                Some(Piece::Text(text) | Piece::Word(text)) => {
                    with.push(text);
                    Ok(())
                }
                other => Err(wrong(&format!("{other:?}"))),
            };
            if by == "IN" {
                while let Some(sign) = pieces.next() {
                    match sign {
                        Piece::Sign(sign) if sign == ")" => break,
                        Piece::Sign(_) => value(pieces.next())?,
                        other => return Err(wrong(&format!("{other:?}"))),
                    }
                }
            } else {
                value(pieces.next())?;
                if by == "BETWEEN" {
                    if !pieces.next().is_some_and(|piece| is(&piece, "AND")) {
                        return Err(wrong("in BETWEEN"));
                    }
                    value(pieces.next())?;
                }
            }
            conditions.push(Condition { field, by, with });
        }
        let query = Self { fields, from, conditions, limit };
        query.check()?;
        Ok(query)
    }

    /// Refuses what the language knows and does not allow.
    fn check(&self) -> Result<(), Answer> {
        let own: Vec<&str> = match self.from.as_str() {
            "customer" => CUSTOMER.to_vec(),
            "customer_client" => [&CUSTOMER[..], &CLIENT[..]].concat(),
            "campaign" => [&CUSTOMER[..], &CAMPAIGN[..]].concat(),
            "ad_group" => [&CUSTOMER[..], &CAMPAIGN[..], &GROUP[..]].concat(),
            "ad_group_ad" => [&CUSTOMER[..], &CAMPAIGN[..], &GROUP[..], &AD[..]].concat(),
            other => {
                let words = format!("Error in query: {other} is not a valid resource name.");
                return Err(query_error("BAD_RESOURCE_TYPE_IN_FROM_CLAUSE", &words));
            }
        };
        let counted = self.from != "customer_client";
        let known = |field: &&String| {
            own.contains(&field.as_str())
                || (counted && (METRICS.contains(&field.as_str()) || SEGMENTS.contains(&field.as_str())))
        };
        let asked = || self.fields.iter().chain(self.conditions.iter().map(|condition| &condition.field));
        if let Some(unknown) = asked().find(|field| !known(field)) {
            let words = format!("Unrecognized field in the query: '{unknown}'.");
            return Err(query_error("UNRECOGNIZED_FIELD", &words));
        }
        let selected = |field: &str| self.fields.iter().any(|found| found == field);
        if self.by_action() && self.fields.iter().any(|field| METRICS[..3].contains(&field.as_str())) {
            let words = "Cannot select or filter on the following segments: 'conversion_action', since segment is incompatible with: \
                         'metrics.clicks, metrics.cost_micros, metrics.impressions'.";
            return Err(query_error("PROHIBITED_SEGMENT_WITH_METRIC_IN_SELECT_OR_WHERE_CLAUSE", words));
        }
        if let Some(hidden) =
            self.conditions.iter().find(|it| SEGMENTS[1..].contains(&it.field.as_str()) && !selected(&it.field))
        {
            let words = format!("The following field must be present in SELECT clause: '{}'.", hidden.field);
            return Err(query_error("EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE", &words));
        }
        if selected("segments.date") {
            self.days()?;
        }
        Ok(())
    }

    fn metrics(&self) -> bool {
        self.fields.iter().any(|field| METRICS.contains(&field.as_str()))
    }

    fn by_action(&self) -> bool {
        self.fields.iter().any(|field| SEGMENTS[1..].contains(&field.as_str()))
    }

    /// First and last day of the filter, which has to be finite.
    fn days(&self) -> Result<(NaiveDate, NaiveDate), Answer> {
        let words = "There should be a finite date range filter on 'segments.date'.";
        let missing = || query_error("EXPECTED_FILTERS_ON_DATE_RANGE", words);
        let (mut from, mut to) = (None, None);
        for condition in self.conditions.iter().filter(|condition| condition.field == "segments.date") {
            let day = |at: usize| {
                let text = condition.with.get(at).map_or("", String::as_str);
                NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| {
                    query_error("INVALID_VALUE_WITH_BETWEEN_OPERATOR", &format!("Invalid date: '{text}'."))
                })
            };
            match condition.by.as_str() {
                "BETWEEN" => (from, to) = (Some(day(0)?), Some(day(1)?)),
                "=" => (from, to) = (Some(day(0)?), Some(day(0)?)),
                ">=" => from = Some(day(0)?),
                "<=" => to = Some(day(0)?),
                _ => return Err(missing()),
            }
        }
        from.zip(to).ok_or_else(missing)
    }
}

/// A row before its fields are chosen: the value of every field that can be selected, by its name in the language.
type Row = BTreeMap<&'static str, Value>;

/// What a row of metrics is of: the object's place, and the day and conversion action where it was split by them.
type RowKey = (usize, Option<NaiveDate>, Option<usize>);

/// Who asks and for which account.
struct Asked<'a> {
    key: &'a Key,
    customer: u64,
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Active => "ENABLED",
        Status::Stopped => "PAUSED",
        Status::Deleted => "REMOVED",
    }
}

/// A name as JSON has it.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        let (head, tail) = part.split_at(part.len().min(1));
        format!("{all}{}{tail}", head.to_ascii_uppercase())
    })
}

/// A row as it is told: fields in their places, and each resource with its name.
fn told(row: &Row, query: &Query, customer: u64) -> Value {
    let mut told = Map::new();
    let number = |field: &str| row.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut name = |resource: &str, rest: String| {
        let place = told.entry(camel(resource)).or_insert_with(|| json!({}));
        place["resourceName"] = json!(format!("customers/{customer}{rest}"));
    };
    let touches =
        |prefix: &str| query.from == prefix || query.fields.iter().any(|field| field.split('.').next() == Some(prefix));
    for resource in ["customer", "customer_client", "campaign", "ad_group", "ad_group_ad"] {
        if !touches(resource) {
            continue;
        }
        let rest = match resource {
            "customer" => String::new(),
            "customer_client" => format!("/customerClients/{}", number("customer_client.id")),
            "campaign" => format!("/campaigns/{}", number("campaign.id")),
            "ad_group" => format!("/adGroups/{}", number("ad_group.id")),
            _ => format!("/adGroupAds/{}~{}", number("ad_group.id"), number("ad_group_ad.ad.id")),
        };
        name(resource, rest);
    }
    for field in &query.fields {
        // What is empty in the platform's own model is left out.
        let Some(value) = row.get(field.as_str()).filter(|value| !value.is_null()) else { continue };
        let mut segments: Vec<String> = field.split('.').map(camel).collect();
        let last = segments.pop().unwrap_or_default();
        let mut place = &mut told;
        for segment in segments {
            let inner = place.entry(segment).or_insert_with(|| json!({}));
            match inner {
                Value::Object(map) => place = map,
                _ => return Value::Object(told),
            }
        }
        place.insert(last, value.clone());
    }
    Value::Object(told)
}

fn add_campaign(row: &mut Row, cabinet: &Cabinet, at: usize, status: impl Fn(&Life) -> &'static str) {
    let campaign = &cabinet.campaigns[at];
    row.insert("campaign.id", json!(campaign.id.to_string()));
    row.insert("campaign.name", json!(campaign.name));
    row.insert("campaign.status", json!(status(&campaign.life)));
    row.insert("campaign.advertising_channel_type", json!("SEARCH"));
}

fn add_group(row: &mut Row, cabinet: &Cabinet, at: usize, status: impl Fn(&Life) -> &'static str) {
    let group = &cabinet.groups[at];
    row.insert("ad_group.id", json!(group.id.to_string()));
    row.insert("ad_group.name", json!(group.name));
    row.insert("ad_group.status", json!(status(&group.life)));
}

/// Numbers as the platform writes them: counts as text, conversions and their value as doubles.
fn add_metrics(row: &mut Row, figures: &Figures, share: i64) {
    let part = |whole: i64, percent: i64| whole as f64 * (percent as f64 / 100.0);
    row.insert("metrics.impressions", json!(figures.impressions.to_string()));
    row.insert("metrics.clicks", json!(figures.clicks.to_string()));
    row.insert("metrics.cost_micros", json!((figures.spend_kopecks * 10_000).to_string()));
    row.insert("metrics.conversions", json!(part(figures.conversions, share)));
    row.insert("metrics.conversions_value", json!(part(figures.revenue_kopecks, share) / 100.0));
    row.insert("metrics.all_conversions", json!(part(figures.conversions, share * ALL_CONVERSIONS / 100)));
    row.insert(
        "metrics.all_conversions_value",
        json!(part(figures.revenue_kopecks, share * ALL_CONVERSIONS / 100) / 100.0),
    );
}

impl Ads {
    /// Numbers that a person was given: the manager of an agency with one of its clients and a closed account, or the own account.
    fn given(key: &Key) -> Vec<u64> {
        match key.manager {
            Some(manager) => [manager].into_iter().chain(key.customers.first().copied()).chain([CLOSED]).collect(),
            None => key.customers.clone(),
        }
    }

    /// Whether the account may be asked the way it is asked.
    fn admitted<'a>(call: &Call, key: &'a Key, customer: &str) -> Result<Asked<'a>, Answer> {
        let number = |text: &str| text.parse().ok().filter(|_| text.len() == 10);
        let words = format!("Invalid customer ID '{customer}'.");
        let customer: u64 =
            number(customer).ok_or_else(|| refusal(400, "requestError", "INVALID_CUSTOMER_ID", &words))?;
        let through = match call.headers.get("login-customer-id").map(|value| value.to_str().unwrap_or_default()) {
            None => customer,
            Some(text) => number(text).ok_or_else(|| {
                refusal(
                    400,
                    "headerError",
                    "INVALID_LOGIN_CUSTOMER_ID",
                    "The login customer ID could not be validated.",
                )
            })?,
        };
        let given = Self::given(key);
        let below = key.manager == Some(through) && key.customers.contains(&customer);
        if !given.contains(&through) || (through != customer && !below) {
            let words = "User doesn't have permission to access customer. Note: If you're accessing a client customer, the manager's customer \
                         id must be set in the 'login-customer-id' header.";
            return Err(refusal(403, "authorizationError", "USER_PERMISSION_DENIED", words));
        }
        if customer == CLOSED {
            let words = "The customer account can't be accessed because it is not yet enabled or has been deactivated.";
            return Err(refusal(403, "authorizationError", "CUSTOMER_NOT_ENABLED", words));
        }
        Ok(Asked { key, customer })
    }

    /// Counts an operation; refused when the day's are used up.
    fn operate(&self) -> Result<(), Answer> {
        let now = self.stage.now();
        let mut operations = lock(&self.operations);
        while operations.front().is_some_and(|at| *at + Duration::hours(24) <= now) {
            operations.pop_front();
        }
        if operations.len() >= self.rules.operations_per_day {
            let free = operations.front().map_or(now, |first| *first + Duration::hours(24));
            return Err(exhausted("RESOURCE_EXHAUSTED", Some((free - now).num_seconds() + 1)));
        }
        operations.push_back(now);
        Ok(())
    }

    /// Place of the account's cabinet; none for a manager.
    fn place(&self, customer: u64) -> Option<usize> {
        self.stage.world.cabinets.iter().position(|cabinet| customer_of(cabinet.id) == customer)
    }

    fn rows(&self, asked: &Asked<'_>, query: &Query) -> Result<Vec<Row>, Answer> {
        let today = self.stage.today();
        let world = &self.stage.world;
        let customer = |row: &mut Row| {
            row.insert("customer.id", json!(asked.customer.to_string()));
            row.insert("customer.currency_code", json!("RUB"));
            row.insert("customer.time_zone", json!("Europe/Moscow"));
            row.insert("customer.status", json!("ENABLED"));
            row.insert("customer.manager", json!(asked.key.manager == Some(asked.customer)));
        };
        if query.from == "customer_client" {
            return Ok(self.clients(asked));
        }
        let Some(cabinet) = self.place(asked.customer).map(|place| &world.cabinets[place]) else {
            if query.metrics() {
                let words = "Metrics cannot be requested for a manager account. To retrieve metrics, issue separate requests against each \
                             client account under the manager account.";
                return Err(query_error("REQUESTED_METRICS_FOR_MANAGER", words));
            }
            let mut row = Row::new();
            customer(&mut row);
            row.insert("customer.descriptive_name", json!(asked.key.owner));
            return Ok(if query.from == "customer" { vec![row] } else { Vec::new() });
        };
        let status = |life: &Life| status_word(life.status(today));
        let object = |at: usize| {
            let mut row = Row::new();
            customer(&mut row);
            row.insert("customer.descriptive_name", json!(cabinet.name));
            match query.from.as_str() {
                "campaign" => add_campaign(&mut row, cabinet, at, status),
                "ad_group" => {
                    add_group(&mut row, cabinet, at, status);
                    add_campaign(&mut row, cabinet, cabinet.groups[at].campaign, status);
                }
                "ad_group_ad" => {
                    let ad = &cabinet.ads[at];
                    add_group(&mut row, cabinet, ad.group, status);
                    add_campaign(&mut row, cabinet, ad.campaign, status);
                    row.insert("ad_group_ad.ad.id", json!(ad.id.to_string()));
                    row.insert("ad_group_ad.status", json!(status(&ad.life)));
                    row.insert("ad_group_ad.ad.type", json!("RESPONSIVE_SEARCH_AD"));
                    // Every third ad has a name of its own; the others have their headlines.
                    row.insert("ad_group_ad.ad.name", if ad.id % 3 == 0 { json!(ad.name) } else { Value::Null });
                    let headlines = json!([{ "text": ad.title }, { "text": ad.text }]);
                    row.insert("ad_group_ad.ad.responsive_search_ad.headlines", headlines);
                }
                _ => {}
            }
            row
        };
        if !query.metrics() {
            let exists = |life: &Life| life.exists(today);
            let places: Vec<usize> = match query.from.as_str() {
                "customer" => vec![0],
                "campaign" => (0..cabinet.campaigns.len()).filter(|at| exists(&cabinet.campaigns[*at].life)).collect(),
                "ad_group" => (0..cabinet.groups.len()).filter(|at| exists(&cabinet.groups[*at].life)).collect(),
                _ => (0..cabinet.ads.len()).filter(|at| exists(&cabinet.ads[*at].life)).collect(),
            };
            return Ok(places.into_iter().map(object).collect());
        }
        let (from, to) = query.days().unwrap_or((world.first_day, today));
        let by_day = query.fields.iter().any(|field| field == "segments.date");
        let mut sums: BTreeMap<RowKey, Figures> = BTreeMap::new();
        for day in world.days(from, to, today) {
            for (at, ad) in cabinet.ads.iter().enumerate() {
                let figures = world.figures(cabinet, ad, &day);
                let place = match query.from.as_str() {
                    "customer" => 0,
                    "campaign" => ad.campaign,
                    "ad_group" => ad.group,
                    _ => at,
                };
                let actions: &[Option<usize>] = if query.by_action() { &[Some(0), Some(1)] } else { &[None] };
                for action in actions {
                    *sums.entry((place, by_day.then_some(day.date), *action)).or_default() += figures;
                }
            }
        }
        let nothing = |figures: &Figures, action: Option<usize>| {
            *figures == Figures::default() || (action.is_some() && figures.conversions == 0)
        };
        let shown = sums.into_iter().filter(|((_, _, action), figures)| !nothing(figures, *action));
        Ok(shown
            .map(|((place, day, action), figures)| {
                let mut row = object(place);
                row.insert("segments.date", json!(day));
                let action = action.map(|at| ACTIONS[at]);
                if let Some((number, name, _)) = action {
                    let resource = format!("customers/{}/conversionActions/{number}", asked.customer);
                    row.insert("segments.conversion_action", json!(resource));
                    row.insert("segments.conversion_action_name", json!(name));
                }
                add_metrics(&mut row, &figures, action.map_or(100, |(_, _, share)| share));
                row
            })
            .collect())
    }

    /// The account itself and, below a manager, its clients.
    fn clients(&self, asked: &Asked<'_>) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut add = |id: u64, name: &str, level: u32, manager: bool| {
            rows.push(Row::from([
                ("customer.id", json!(asked.customer.to_string())),
                ("customer_client.id", json!(id.to_string())),
                ("customer_client.client_customer", json!(format!("customers/{id}"))),
                ("customer_client.level", json!(level.to_string())),
                ("customer_client.manager", json!(manager)),
                ("customer_client.descriptive_name", json!(name)),
                ("customer_client.currency_code", json!("RUB")),
                ("customer_client.time_zone", json!("Europe/Moscow")),
                ("customer_client.status", json!("ENABLED")),
                ("customer_client.hidden", json!(false)),
                ("customer_client.test_account", json!(false)),
            ]));
        };
        let clients = asked.key.cabinets.iter().filter_map(|id| self.stage.world.cabinet(*id));
        let clients = clients.map(|place| &self.stage.world.cabinets[place]);
        if asked.key.manager == Some(asked.customer) {
            add(asked.customer, &asked.key.owner, 0, true);
            for cabinet in clients {
                add(customer_of(cabinet.id), &cabinet.name, 1, false);
            }
        } else if let Some(cabinet) = clients.into_iter().find(|cabinet| customer_of(cabinet.id) == asked.customer) {
            add(asked.customer, &cabinet.name, 0, false);
        }
        rows
    }

    fn search(&self, call: &Call, key: &Key, customer: &str, stream: bool) -> Result<Value, Answer> {
        let asked = Self::admitted(call, key, customer)?;
        let body: Map<String, Value> = serde_json::from_slice(&call.body).map_err(|_| outside(400, "INVALID_JSON"))?;
        let allowed: &[&str] =
            if stream { &["query"] } else { &["query", "pageToken", "searchSettings", "validateOnly"] };
        if body.contains_key("pageSize") {
            let words =
                "Setting the page size is not supported. Search Responses will have fixed page size of '10000' rows.";
            return Err(refusal(400, "requestError", "PAGE_SIZE_NOT_SUPPORTED", words));
        }
        if body.keys().any(|name| !allowed.contains(&name.as_str())) {
            return Err(outside(400, "INVALID_JSON"));
        }
        let text = body.get("query").and_then(Value::as_str).unwrap_or_default();
        let query = Query::read(text)?;
        let mark = format!("{:08x}", text.bytes().fold(7, |sum, byte| hash(sum, u64::from(byte), 78)) >> 32);
        let from = match body.get("pageToken").and_then(Value::as_str).filter(|token| !token.is_empty()) {
            None => {
                self.operate()?;
                0
            }
            Some(token) => {
                let place = token.strip_prefix("CPii").and_then(|rest| rest.strip_suffix(&mark)?.parse::<usize>().ok());
                place.ok_or_else(|| refusal(400, "requestError", "INVALID_PAGE_TOKEN", "The page token is invalid."))?
            }
        };
        let matches = |row: &Row| {
            query.conditions.iter().filter(|condition| condition.field != "segments.date").all(|condition| {
                let value = match row.get(condition.field.as_str()) {
                    Some(Value::String(text)) => text.clone(),
                    Some(Value::Bool(flag)) => flag.to_string().to_uppercase(),
                    Some(other) => other.to_string(),
                    None => String::new(),
                };
                condition.holds(&value)
            })
        };
        let mut rows = self.rows(&asked, &query)?;
        rows.retain(|row| matches(row));
        let total = rows.len();
        rows.truncate(query.limit.unwrap_or(usize::MAX));
        let limited = rows.len();
        let size = if stream { usize::MAX } else { self.rules.page };
        let page: Vec<Value> = rows.iter().skip(from).take(size).map(|row| told(row, &query, asked.customer)).collect();
        let to = from + page.len();
        let mut answer = Map::new();
        if !page.is_empty() {
            answer.insert("results".to_owned(), Value::Array(page));
        }
        if to < limited {
            answer.insert("nextPageToken".to_owned(), json!(format!("CPii{to}{mark}")));
        }
        if body.get("searchSettings").is_some_and(|settings| settings["returnTotalResultsCount"] == true) {
            answer.insert("totalResultsCount".to_owned(), json!(total.to_string()));
        }
        let mask: Vec<String> =
            query.fields.iter().map(|field| field.split('.').map(camel).collect::<Vec<_>>().join(".")).collect();
        answer.insert("fieldMask".to_owned(), json!(mask.join(",")));
        answer.insert("queryResourceConsumption".to_owned(), json!("322"));
        let answer = Value::Object(answer);
        Ok(if stream { json!([answer]) } else { answer })
    }
}

/// A quota that is used up, with the wait that it asks for.
fn exhausted(code: &str, secs: Option<i64>) -> Answer {
    let details = match secs {
        None => json!({}),
        Some(secs) => json!({ "quotaErrorDetails": {
            "rateScope": "DEVELOPER", "rateName": "Number of operations for basic access", "retryDelay": format!("{secs}s"),
        }}),
    };
    failure(429, "quotaError", code, "Too many requests.", details)
}

impl Vendor for Ads {
    fn answer(&self, call: &Call) -> Answer {
        if call.path == google::TOKEN_PATH {
            return self.tokens.hand_out(call, self.stage.now());
        }
        let version = call.path.strip_prefix("/v").and_then(|rest| rest.split_once('/'));
        let Some((version, path)) = version.and_then(|(version, path)| Some((version.parse::<u32>().ok()?, path)))
        else {
            return Answer::raw(404, b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>".to_vec());
        };
        let key = match self.tokens.owner(call, self.stage.now()) {
            Ok(owner) => &self.keys[owner],
            Err(refused) => return refused,
        };
        if !(OLDEST..=VERSION).contains(&version) {
            let words = format!("Version v{version} is deprecated. Requests to this version will be blocked.");
            return refusal(400, "requestError", "UNSUPPORTED_VERSION", &words);
        }
        let found = match (call.method.as_str(), path.strip_prefix("customers")) {
            ("GET", Some(":listAccessibleCustomers")) => self.operate().map(|()| {
                let names: Vec<String> = Self::given(key).iter().map(|id| format!("customers/{id}")).collect();
                json!({ "resourceNames": names })
            }),
            ("POST", Some(rest)) => match rest.strip_prefix('/').and_then(|rest| rest.split_once('/')) {
                Some((customer, "googleAds:search")) => self.search(call, key, customer, false),
                Some((customer, "googleAds:searchStream")) => self.search(call, key, customer, true).map_err(in_list),
                _ => Err(envelope(404, &[])),
            },
            _ => Err(envelope(404, &[])),
        };
        match found {
            Ok(body) => Answer::json(200, &body).with("request-id", "abcDEF123"),
            Err(refused) => refused,
        }
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        let signs_in = call.path == google::TOKEN_PATH;
        match fault {
            FaultKind::WrongKey => signs_in,
            FaultKind::ExpireAllTokens => true,
            // Pages are cut out of one answer here: nothing moves between them.
            FaultKind::RepeatPage | FaultKind::ShuffledPage | FaultKind::Vanish | FaultKind::Appear => false,
            FaultKind::LyingTotal { .. } => !signs_in && call.body.windows(5).any(|part| part == b"Total"),
            _ => !signs_in,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::RevokeToken => {
                self.tokens.refuse(&FaultKind::ExpireToken, call)?;
                Some(refusal(401, "authenticationError", "OAUTH_TOKEN_REVOKED", "The OAuth token has been revoked."))
            }
            FaultKind::Throttle { hint } => Some(match hint {
                Hint::After { secs } | Hint::Date { secs } | Hint::ResetAt { secs } | Hint::ResetIn { secs } => {
                    exhausted("RESOURCE_EXHAUSTED", Some(i64::from(*secs)))
                }
                Hint::Windows | Hint::Body | Hint::Nonsense => exhausted("RESOURCE_TEMPORARILY_EXHAUSTED", None),
            }),
            FaultKind::ErrorInside { code } => {
                let (family, code) = code.split_once('/').unwrap_or(("requestError", code));
                let status = match family {
                    "authenticationError" => 401,
                    "authorizationError" => 403,
                    "internalError" => 500,
                    _ => 400,
                };
                Some(Answer { status: 200, ..refusal(status, family, code, "The request was refused.") })
            }
            FaultKind::RevokeScope => {
                let words = "User doesn't have permission to access customer.";
                Some(refusal(403, "authorizationError", "USER_PERMISSION_DENIED", words))
            }
            FaultKind::ServerError { status } => {
                Some(refusal(*status, "internalError", "TRANSIENT_ERROR", "A transient error has occurred."))
            }
            _ => self.tokens.refuse(fault, call),
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        if let FaultKind::LyingTotal { delta } = fault
            && let Some(total) = body.get_mut("totalResultsCount")
        {
            let count: i64 = total.as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
            *total = json!((count + delta).to_string());
        }
        let Some(rows) = body.get_mut("results").and_then(Value::as_array_mut) else { return };
        if let FaultKind::MissingDay { date } = fault {
            let date = date.to_string();
            rows.retain(|row| row["segments"]["date"] != json!(date));
            return;
        }
        NAMES.bend(fault, rows);
        // Figures and states stand one step deeper.
        let parts =
            rows.iter_mut().filter_map(Value::as_object_mut).flat_map(|row| row.iter_mut().map(|(_, part)| part));
        for part in parts.filter(|part| part.is_object()) {
            let mut alone = vec![part.take()];
            if !matches!(fault, FaultKind::EmptyAccount | FaultKind::DuplicateRows | FaultKind::LostRows) {
                NAMES.bend(fault, &mut alone);
            }
            *part = alone.pop().unwrap_or_default();
        }
    }

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}

/// A refusal as a stream has it: in a list.
fn in_list(refused: Answer) -> Answer {
    let body = [b"[", refused.body.as_slice(), b"]"].concat();
    Answer { body, ..refused }
}
