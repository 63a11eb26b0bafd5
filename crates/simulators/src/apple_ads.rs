//! Apple Ads (appleid.apple.com and api.ads.apple.com/v1): API users with their keys, and the ad accounts that they were given.
//!
//! Written from the vendor's pages of the Apple Ads Platform API 1.0.0. Served: tokens of an hour for a client secret that was signed with
//! the user's key, `me`, `acls`, `ad-accounts/{id}`, the three lists of objects and the three reports of App Store campaigns, by day or as
//! totals. Not served, because the console does not call it: keywords, search terms, Apple Maps, other granularities, groups, sorting.
//!
//! Deleted objects are listed only for who asks for them. Reports are of one campaign; a range of days begins in the last ninety and has more
//! than one of them, days without anything are left out. The codes of errors are the vendor's where its pages name one, the words are made
//! up. Money is the world's kopecks read as cents.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, Utc};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use crate::faults::{FaultKind, Hint};
use crate::noise::hash;
use crate::server::{Answer, Call, Vendor, http_date};
use crate::stage::{Owner, Platform, RowNames, Scenario, Stage};
use crate::world::{Cabinet, Figures, Level, Life, Place, Status};

/// Currency and zone of all accounts.
pub const CURRENCY: &str = "USD";
const TIME_ZONE: &str = "Europe/Moscow";
/// Where tokens are handed out.
const TOKEN_PATH: &str = "/auth/oauth2/token";
const AUDIENCE: &str = "https://appleid.apple.com";
const SCOPE: &str = "searchadsorg";
const TOKEN_LIFE_SECS: i64 = 3_600;
/// The longest life of a client secret.
const SECRET_LIFE_SECS: i64 = 180 * 86_400;
/// Days that a report by day reaches back, today among them.
const MOST_DAYS: i64 = 90;
/// Largest pages, of lists and of reports.
const MOST_OBJECTS: usize = 1_000;
const MOST_ROWS: usize = 5_000;
const USUAL_PAGE: usize = 100;

/// What faults of content twist in lists.
const OBJECTS: RowNames = RowNames { day: "date", counts: &[], money: &[], status: "status" };
/// The same in the days of a report; money is an object with this text in it.
const DAYS: RowNames = RowNames { day: "date", counts: &["impressions", "taps"], money: &["localSpend"], status: "" };

/// What the platform permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Requests of a minute.
    pub per_minute: usize,
    /// Largest page, when it is smaller than the vendor's.
    pub page: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self { per_minute: 100_000, page: MOST_ROWS }
    }
}

/// What an object is called and how it is, told from the world and not from answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its account.
    pub account: u64,
    /// What it is.
    pub level: Level,
    /// Its number.
    pub id: u64,
    /// The number of what it is in; none for a campaign.
    pub parent: Option<u64>,
    /// Its name.
    pub name: String,
    /// How it is.
    pub status: Status,
}

/// What an API user has after the public half of a key was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// `clientId`.
    pub client_id: String,
    /// `teamId`.
    pub team_id: String,
    /// `keyId`.
    pub key_id: String,
    /// The private key, as `openssl ecparam -genkey` writes it.
    pub private_key: String,
    /// Ad accounts it was given, which are cabinets of the world.
    pub accounts: Vec<u64>,
    /// Everything in them.
    pub objects: Vec<Told>,
}

#[derive(Debug)]
struct Token {
    owner: usize,
    ends_at: DateTime<Utc>,
}

#[derive(Debug, Default)]
struct Desk {
    tokens: BTreeMap<String, Token>,
    issued: u64,
    /// Beginning of the running minute, and requests in it.
    minute: (Option<DateTime<Utc>>, usize),
}

#[derive(Debug)]
struct AppleAds {
    stage: Stage,
    owners: Vec<Owner>,
    keys: Vec<Key>,
    /// Public keys, by owner.
    public: Vec<Vec<u8>>,
    rules: Rules,
    desk: Mutex<Desk>,
}

/// The token that an API user is handed out as its `turn`-th of all.
pub fn access_token(client_id: &str, turn: u64) -> String {
    let name = client_id.bytes().fold(7, |sum: u64, byte| hash(sum, u64::from(byte), 40));
    format!("eyJhbGciOiJkaXIi..{:016x}{:016x}", hash(name, turn, 41), hash(name, turn, 42))
}

/// A private key that the next start makes again, in PEM, and its public half.
fn key_pair(seed: u64, owner: u64) -> anyhow::Result<(String, Vec<u8>)> {
    let mut der = vec![0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20];
    for part in 0..4 {
        // Below the order of the curve.
        let limb = hash(seed, owner, 50 + part) >> u32::from(part == 0);
        der.extend(limb.to_be_bytes());
    }
    // The curve prime256v1.
    der.extend([0xA0, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]);
    let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der)
        .map_err(|error| anyhow::anyhow!("the key of {owner} is refused: {error}"))?;
    let text = BASE64.encode(&der);
    let (first, rest) = text.split_at(64);
    let pem = format!("-----BEGIN EC PRIVATE KEY-----\n{first}\n{rest}\n-----END EC PRIVATE KEY-----\n");
    Ok((pem, pair.public_key().as_ref().to_vec()))
}

/// Starts a platform that stands for `https://api.ads.apple.com` and `https://appleid.apple.com`.
pub fn start(scenario: &Scenario, rules: Rules) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let owners = stage.owners();
    let (mut keys, mut public) = (Vec::new(), Vec::new());
    for owner in &owners {
        let id = |salt| {
            let (high, low) = (hash(stage.seed, owner.id, salt), hash(stage.seed, owner.id, salt + 1));
            let (one, two, three) = (high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF);
            format!("{one:08x}-{two:04x}-{three:04x}-{:04x}-{:012x}", low >> 48, low & 0xFFFF_FFFF_FFFF)
        };
        let (private_key, verifying) = key_pair(stage.seed, owner.id)?;
        public.push(verifying);
        keys.push(Key {
            client_id: format!("SEARCHADS.{}", id(61)),
            team_id: format!("SEARCHADS.{}", id(63)),
            key_id: id(65),
            private_key,
            accounts: owner.cabinets.clone().map(|place| stage.world.cabinets[place].id).collect(),
            objects: owner
                .cabinets
                .clone()
                .flat_map(|place| told(&stage.world.cabinets[place], stage.today()))
                .collect(),
        });
    }
    let vendor = AppleAds { stage: stage.clone(), owners, keys: keys.clone(), public, rules, desk: Mutex::default() };
    stage.serve(Arc::new(vendor), keys, 1 << 16)
}

/// All objects of a cabinet.
fn told(cabinet: &Cabinet, today: NaiveDate) -> Vec<Told> {
    let one = |level, id, parent, name: &str, life: &Life| {
        let told = Told { account: cabinet.id, level, id, parent, name: name.to_owned(), status: life.status(today) };
        life.exists(today).then_some(told)
    };
    let campaigns = cabinet.campaigns.iter().map(|it| one(Level::Campaign, it.id, None, &it.name, &it.life));
    let groups = cabinet.groups.iter().map(|it| {
        let parent = Some(cabinet.campaigns[it.campaign].id);
        one(Level::Group, it.id, parent, &it.name, &it.life)
    });
    let ads = cabinet.ads.iter().map(|it| {
        let parent = Some(cabinet.groups[it.group].id);
        one(Level::Ad, it.id, parent, &it.name, &it.life)
    });
    campaigns.chain(groups).chain(ads).flatten().collect()
}

/// An error of the interface.
fn refusal(status: u16, code: &str, detail: &str, words: &str) -> Answer {
    let details = json!([{ "code": detail, "message": words }]);
    Answer::json(status, &json!({ "error": { "code": code, "message": words, "details": details } }))
}

fn invalid(words: &str) -> Answer {
    refusal(400, "INVALID_ARGUMENT", "INVALID_VALUE", words)
}

fn not_signed_in() -> Answer {
    refusal(401, "UNAUTHENTICATED", "INVALID_TOKEN", "The access token is missing, invalid or expired.")
}

fn no_right() -> Answer {
    refusal(403, "PERMISSION_DENIED", "FORBIDDEN", "The caller does not have access to this ad account.")
}

fn not_found() -> Answer {
    refusal(404, "NOT_FOUND", "NOT_FOUND", "The resource was not found.")
}

fn wrong_key() -> Answer {
    Answer::json(400, &json!({ "error": "invalid_client", "error_description": "The client secret is not valid." }))
}

fn money(cents: i64) -> Value {
    json!({ "amount": format!("{}.{:02}", cents / 100, cents % 100), "currency": CURRENCY })
}

fn instant(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

fn bearer(call: &Call) -> Option<&str> {
    call.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Refuses a member that an object of a request does not have.
fn only(object: &Value, known: &[&str]) -> Result<(), Answer> {
    let members = object.as_object().ok_or_else(|| invalid("An object was expected."))?;
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(invalid(&format!("Unrecognized field '{name}'."))),
        None => Ok(()),
    }
}

/// Figures as a report writes them; a third of the installs followed a view.
fn metrics(figures: &Figures) -> Map<String, Value> {
    let view = figures.conversions / 3;
    let mut row = Map::new();
    row.insert("localSpend".to_owned(), money(figures.spend_kopecks));
    row.insert("impressions".to_owned(), json!(figures.impressions));
    row.insert("taps".to_owned(), json!(figures.clicks));
    row.insert("tapInstalls".to_owned(), json!(figures.conversions - view));
    row.insert("viewInstalls".to_owned(), json!(view));
    row.insert("totalInstalls".to_owned(), json!(figures.conversions));
    if figures.clicks > 0 {
        row.insert("cpt".to_owned(), money(figures.spend_kopecks / figures.clicks));
    }
    row
}

/// An object of a list or a report.
struct Object<'a> {
    level: Level,
    place: Place,
    id: u64,
    name: &'a str,
    life: &'a Life,
    minute: u32,
    campaign: usize,
    group: usize,
}

fn objects(cabinet: &Cabinet, at: usize, level: Level) -> Vec<Object<'_>> {
    let place = |index| Place { cabinet: at, index };
    match level {
        Level::Cabinet => Vec::new(),
        Level::Campaign => {
            let all = cabinet.campaigns.iter().enumerate();
            all.map(|(index, it)| Object {
                level,
                place: place(index),
                id: it.id,
                name: &it.name,
                life: &it.life,
                minute: it.minute,
                campaign: index,
                group: 0,
            })
            .collect()
        }
        Level::Group => {
            let all = cabinet.groups.iter().enumerate();
            all.map(|(index, it)| Object {
                level,
                place: place(index),
                id: it.id,
                name: &it.name,
                life: &it.life,
                minute: it.minute,
                campaign: it.campaign,
                group: index,
            })
            .collect()
        }
        Level::Ad => {
            let all = cabinet.ads.iter().enumerate();
            all.map(|(index, it)| Object {
                level,
                place: place(index),
                id: it.id,
                name: &it.name,
                life: &it.life,
                minute: it.minute,
                campaign: it.campaign,
                group: it.group,
            })
            .collect()
        }
    }
}

fn level_of(word: &str) -> Result<Level, Answer> {
    match word {
        "campaigns" => Ok(Level::Campaign),
        "adgroups" => Ok(Level::Group),
        "ads" => Ok(Level::Ad),
        _ => Err(not_found()),
    }
}

/// A page of a list.
struct Page {
    offset: usize,
    size: usize,
    counted: bool,
}

impl Page {
    fn of(body: &Value, most: usize, ours: usize, counted: bool) -> Result<Self, Answer> {
        let asked = &body["pagination"];
        if asked.is_null() {
            return Ok(Self { offset: 0, size: USUAL_PAGE.min(ours), counted });
        }
        only(asked, if counted { &["offset", "pageSize"] } else { &["offset", "pageSize", "fetchTotalCount"] })?;
        let number = |name: &str, usual: usize| match &asked[name] {
            Value::Null => Ok(usual),
            value => value
                .as_u64()
                .and_then(|number| usize::try_from(number).ok())
                .ok_or_else(|| invalid(&format!("'{name}' must be a non-negative integer."))),
        };
        let size = number("pageSize", USUAL_PAGE)?;
        if size == 0 || size > most {
            return Err(invalid(&format!("'pageSize' must be between 1 and {most}.")));
        }
        let counted = counted || asked["fetchTotalCount"] == true;
        Ok(Self { offset: number("offset", 0)?, size: size.min(ours), counted })
    }

    fn cut(&self, rows: Vec<Value>) -> (Vec<Value>, Value) {
        let mut pagination = json!({ "offset": self.offset, "pageSize": self.size });
        if self.counted {
            pagination["totalCount"] = json!(rows.len());
        }
        (rows.into_iter().skip(self.offset).take(self.size).collect(), pagination)
    }
}

impl AppleAds {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose client secret this is: header, claims and signature fit.
    fn signer(&self, client_id: &str, secret: &str) -> Option<usize> {
        let (signed, signature) = secret.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let read = |part: &str| -> Option<Value> {
            serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).ok()?).ok()
        };
        let (header, claims) = (read(header)?, read(claims)?);
        let owner = self.keys.iter().position(|key| key.client_id == client_id)?;
        let key = &self.keys[owner];
        let (issued, ends) = (claims["iat"].as_i64()?, claims["exp"].as_i64()?);
        let now = self.stage.now().timestamp();
        let fits = header["alg"] == "ES256"
            && header["kid"] == key.key_id.as_str()
            && claims["sub"] == client_id
            && claims["iss"] == key.team_id.as_str()
            && claims["aud"] == AUDIENCE
            && ends > now
            && ends - issued <= SECRET_LIFE_SECS;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.public[owner]);
        (fits && public.verify(signed.as_bytes(), &signature).is_ok()).then_some(owner)
    }

    /// Hands out a token. The form may stand in the query, too.
    fn token(&self, call: &Call) -> Answer {
        if call.method != "POST" {
            return Answer::json(405, &json!({ "error": "invalid_request" }));
        }
        let form: BTreeMap<String, String> =
            url::form_urlencoded::parse(&call.body).into_owned().chain(call.query.iter().cloned()).collect();
        let said = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if said("grant_type") != "client_credentials" {
            return Answer::json(400, &json!({ "error": "unsupported_grant_type" }));
        }
        if said("scope") != SCOPE {
            return Answer::json(400, &json!({ "error": "invalid_scope" }));
        }
        let Some(owner) = self.signer(said("client_id"), said("client_secret")) else { return wrong_key() };
        let mut desk = self.desk();
        desk.issued += 1;
        let token = access_token(&self.keys[owner].client_id, desk.issued);
        let ends_at = self.stage.now() + Duration::seconds(TOKEN_LIFE_SECS);
        desk.tokens.insert(token.clone(), Token { owner, ends_at });
        let told = json!({
            "access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE_SECS, "scope": SCOPE,
        });
        Answer::json(200, &told)
    }

    /// Who asks; an ended or unknown token is refused.
    fn owner(&self, call: &Call) -> Result<usize, Answer> {
        let now = self.stage.now();
        let desk = self.desk();
        let token = bearer(call).and_then(|token| desk.tokens.get(token)).filter(|token| token.ends_at > now);
        token.map(|token| token.owner).ok_or_else(not_signed_in)
    }

    /// Counts a request: what is left of this minute and when it ends, or a refusal.
    fn counted(&self) -> Result<(usize, i64), Answer> {
        let now = self.stage.now();
        let mut desk = self.desk();
        let begun = match desk.minute.0 {
            Some(begun) if now < begun + Duration::minutes(1) => begun,
            _ => {
                desk.minute = (Some(now), 0);
                now
            }
        };
        let reset = 60 - (now - begun).num_seconds();
        if desk.minute.1 >= self.rules.per_minute {
            return Err(throttled().with("retry-after", reset.to_string()));
        }
        desk.minute.1 += 1;
        Ok((self.rules.per_minute - desk.minute.1, reset))
    }

    /// The cabinet that the context names.
    fn account(&self, owner: usize, call: &Call) -> Result<usize, Answer> {
        let context = call.headers.get("x-ap-context").and_then(|value| value.to_str().ok());
        let id = context.and_then(|context| context.strip_prefix("adAccountId="));
        let words = "The header X-AP-Context is missing or invalid.";
        let id = id.and_then(|id| id.parse::<u64>().ok());
        let id = id.ok_or_else(|| refusal(403, "PERMISSION_DENIED", "INVALID_CONTEXT", words))?;
        let mut places = self.owners[owner].cabinets.clone();
        places.find(|place| self.stage.world.cabinets[*place].id == id).ok_or_else(no_right)
    }

    fn acls(&self, owner: usize) -> Answer {
        let owner = &self.owners[owner];
        let each = owner.cabinets.clone().map(|place| {
            let cabinet = &self.stage.world.cabinets[place];
            let account = json!({ "id": cabinet.id, "name": cabinet.name, "orgId": owner.id });
            json!({ "adAccount": account, "roles": ["API Account Read Only"] })
        });
        Answer::json(200, &json!({ "result": { "acls": each.collect::<Vec<_>>() } }))
    }

    fn ad_account(&self, owner: usize, place: usize) -> Answer {
        let cabinet = &self.stage.world.cabinets[place];
        let told = json!({
            "id": cabinet.id, "name": cabinet.name, "orgId": self.owners[owner].id, "timezone": TIME_ZONE,
            "currency": CURRENCY, "paymentModel": "LOC", "systemStatus": "ACTIVE", "systemStatusReasons": [],
            "productFeatures": ["APPSTORE_APP_MANUAL"],
        });
        Answer::json(200, &json!({ "result": told }))
    }

    /// An object as lists tell it, and as the metadata of a report.
    fn told(&self, cabinet: &Cabinet, object: &Object<'_>) -> Value {
        let today = self.stage.today();
        let status = object.life.status(today);
        let mut told = json!({
            "id": object.id, "name": object.name, "adAccountId": cabinet.id,
            "status": if status == Status::Stopped { "PAUSED" } else { "ENABLED" },
            "systemStatus": if status == Status::Active { "RUNNING" } else { "NOT_RUNNING" },
            "deleted": status == Status::Deleted,
            "creationTime": instant(object.life.created(object.minute)),
            "modificationTime": instant(object.life.updated(today, object.minute)),
        });
        if object.level == Level::Campaign {
            told["promotedObjectType"] = json!("APPSTORE_APP");
            told["promotedObjectId"] = json!((900_000_000 + cabinet.id).to_string());
            told["billingEvent"] = json!("TAPS");
        } else {
            told["campaignId"] = json!(cabinet.campaigns[object.campaign].id);
        }
        if object.level == Level::Ad {
            told["adGroupId"] = json!(cabinet.groups[object.group].id);
        }
        told
    }

    fn list(&self, place: usize, word: &str, body: &Value) -> Result<Answer, Answer> {
        let level = level_of(word)?;
        only(body, &["filters", "pagination"])?;
        let mut deleted = false;
        for filter in body["filters"].as_array().into_iter().flatten() {
            only(filter, &["field", "operator", "value"])?;
            match (filter["field"].as_str(), filter["operator"].as_str(), filter["value"].as_bool()) {
                (Some("deleted"), Some("EQUALS"), Some(value)) => deleted = value,
                _ => return Err(invalid(&format!("The filter {filter} is not supported."))),
            }
        }
        let page = Page::of(body, MOST_OBJECTS, self.rules.page, false)?;
        let today = self.stage.today();
        let cabinet = &self.stage.world.cabinets[place];
        let all = objects(cabinet, place, level).into_iter().filter(|it| it.life.exists(today));
        let chosen = all.filter(|it| (it.life.status(today) == Status::Deleted) == deleted);
        let (rows, pagination) = page.cut(chosen.map(|it| self.told(cabinet, &it)).collect());
        Ok(Answer::json(200, &json!({ "result": rows, "pagination": pagination })))
    }

    /// The campaign that a report is of.
    fn campaign(&self, place: usize, body: &Value) -> Result<usize, Answer> {
        let mut id = None;
        for filter in body["filters"].as_array().into_iter().flatten() {
            only(filter, &["field", "operator", "value"])?;
            let value = match &filter["value"] {
                Value::Array(values) if values.len() == 1 => values[0].as_str(),
                value => value.as_str(),
            };
            match (filter["field"].as_str(), filter["operator"].as_str(), value) {
                (Some("campaignId"), Some("EQUALS"), Some(value)) => id = value.parse::<u64>().ok(),
                _ => return Err(invalid(&format!("The filter {filter} is not supported."))),
            }
        }
        let words = "A filter by 'campaignId' is required.";
        let id = id.ok_or_else(|| refusal(400, "INVALID_ARGUMENT", "MISSING_REQUIRED_FIELD", words))?;
        let found = self.stage.world.find(Level::Campaign, id).filter(|found| found.cabinet == place);
        let found = found.filter(|found| self.stage.world.exists(Level::Campaign, *found, self.stage.today()));
        found.map(|found| found.index).ok_or_else(not_found)
    }

    /// First and last day of a report, and whether its days are told.
    fn range(&self, body: &Value) -> Result<(NaiveDate, NaiveDate, bool), Answer> {
        let range = &body["timeRange"];
        only(range, &["start", "end", "timeZone", "granularity"])?;
        let day = |name: &str| {
            let text = range[name].as_str().unwrap_or_default();
            NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| invalid(&format!("'{name}' is not a date.")))
        };
        let (start, end) = (day("start")?, day("end")?);
        if end < start {
            return Err(invalid("'end' is before 'start'."));
        }
        if range["timeZone"] != "ORTZ" {
            return Err(invalid("'timeZone' must be ORTZ or UTC."));
        }
        let daily = match range["granularity"].as_str() {
            None if range["granularity"].is_null() => false,
            Some("DAILY") if start == end => return Err(invalid("DAILY needs a range of more than one day.")),
            Some("DAILY") if start <= self.stage.today() - Duration::days(MOST_DAYS) => {
                return Err(invalid("DAILY must start within the last 90 days."));
            }
            Some("DAILY") => true,
            _ => return Err(invalid("'granularity' is not supported.")),
        };
        Ok((start, end, daily))
    }

    fn report(&self, place: usize, word: &str, body: &Value) -> Result<Answer, Answer> {
        let level = level_of(word)?;
        only(body, &["filters", "pagination", "timeRange"])?;
        let campaign = self.campaign(place, body)?;
        let (start, end, daily) = self.range(body)?;
        let page = Page::of(body, MOST_ROWS, self.rules.page, true)?;
        let world = &self.stage.world;
        let (today, cabinet) = (self.stage.today(), &world.cabinets[place]);
        let days = world.days(start, end, today);
        let mut rows = Vec::new();
        let all = objects(cabinet, place, level).into_iter().filter(|it| it.life.exists(today));
        for object in all.filter(|it| it.campaign == campaign) {
            let (mut total, mut granular) = (Figures::default(), Vec::new());
            for day in &days {
                let mut sum = Figures::default();
                for ad in &cabinet.ads[world.ads_under(level, object.place)] {
                    sum += world.figures(cabinet, ad, day);
                }
                if sum != Figures::default() {
                    let mut row = metrics(&sum);
                    row.insert("date".to_owned(), json!(day.date));
                    granular.push(Value::Object(row));
                    total += sum;
                }
            }
            // Without any activity there is no row.
            if total != Figures::default() {
                let mut row = json!({ "metadata": self.told(cabinet, &object), "totalMetrics": metrics(&total) });
                if daily {
                    row["granularMetrics"] = json!(granular);
                }
                rows.push(row);
            }
        }
        let (rows, pagination) = page.cut(rows);
        Ok(Answer::json(200, &json!({ "result": { "rows": rows }, "pagination": pagination })))
    }

    fn asked(&self, call: &Call, path: &str) -> Result<Answer, Answer> {
        let owner = self.owner(call)?;
        let (method, path) = (call.method.as_str(), path.split('/').collect::<Vec<_>>());
        let body = || {
            let whole = if call.body.is_empty() { Ok(json!({})) } else { serde_json::from_slice(&call.body) };
            whole.map_err(|_| invalid("The body is not JSON."))
        };
        match (method, path.as_slice()) {
            ("GET", ["me"]) => {
                let told = json!({ "userId": 3_000_000 + owner, "orgId": self.owners[owner].id });
                Ok(Answer::json(200, &json!({ "result": told })))
            }
            ("GET", ["acls"]) => Ok(self.acls(owner)),
            ("GET", ["ad-accounts", id]) => {
                let place = self.account(owner, call)?;
                let same = id.parse() == Ok(self.stage.world.cabinets[place].id);
                if same { Ok(self.ad_account(owner, place)) } else { Err(no_right()) }
            }
            ("POST", [list, "query"]) => self.list(self.account(owner, call)?, list, &body()?),
            ("POST", ["reports", "apps", list, "query"]) => self.report(self.account(owner, call)?, list, &body()?),
            _ => Err(not_found()),
        }
    }
}

fn throttled() -> Answer {
    refusal(429, "RESOURCE_EXHAUSTED", "rate_limit_exceeded", "Rate limit exceeded.")
}

impl Vendor for AppleAds {
    fn answer(&self, call: &Call) -> Answer {
        if call.path == TOKEN_PATH {
            return self.token(call);
        }
        let Some(path) = call.path.strip_prefix("/v1/") else { return not_found() };
        match self.counted() {
            Err(refused) => refused,
            Ok((left, reset)) => {
                let answer = self.asked(call, path).unwrap_or_else(|refused| refused);
                answer
                    .with("ratelimit-limit", self.rules.per_minute.to_string())
                    .with("ratelimit-remaining", left.to_string())
                    .with("ratelimit-reset", reset.to_string())
            }
        }
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        let signs_in = call.path == TOKEN_PATH;
        let reports = call.path.contains("/reports/");
        match fault {
            FaultKind::WrongKey => signs_in,
            FaultKind::RevokeToken | FaultKind::ExpireToken | FaultKind::ExpireAllTokens | FaultKind::RevokeScope => {
                !signs_in
            }
            FaultKind::LyingTotal { .. } | FaultKind::UnknownEnum => call.path.ends_with("/query") && !reports,
            FaultKind::NegativeNumbers | FaultKind::GarbageNumbers => reports,
            FaultKind::RepeatPage | FaultKind::ShuffledPage | FaultKind::Vanish | FaultKind::Appear => false,
            _ => true,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::WrongKey => Some(wrong_key()),
            FaultKind::RevokeToken | FaultKind::ExpireToken => {
                self.desk().tokens.remove(bearer(call)?);
                Some(not_signed_in())
            }
            FaultKind::ExpireAllTokens => {
                self.desk().tokens.clear();
                Some(not_signed_in())
            }
            FaultKind::Throttle { hint } => Some(match hint {
                Hint::After { secs } => throttled().with("retry-after", secs.to_string()),
                Hint::Date { secs } => {
                    let at = self.stage.now() + Duration::seconds(i64::from(*secs));
                    throttled().with("retry-after", http_date(at))
                }
                Hint::ResetIn { secs } => {
                    throttled().with("ratelimit-remaining", "0").with("ratelimit-reset", secs.to_string())
                }
                _ => throttled(),
            }),
            FaultKind::ErrorInside { code } => Some(refusal(200, code, code, "The request could not be processed.")),
            FaultKind::RevokeScope => Some(no_right()),
            FaultKind::ServerError { status } => {
                Some(refusal(*status, "INTERNAL", "INTERNAL_ERROR", "An internal error occurred."))
            }
            _ => None,
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        if let FaultKind::LyingTotal { delta } = fault {
            if let Some(total) = body["pagination"]["totalCount"].as_i64() {
                body["pagination"]["totalCount"] = json!(total + delta);
            }
            return;
        }
        if let Some(rows) = body["result"].as_array_mut() {
            OBJECTS.bend(fault, rows);
            return;
        }
        for row in body.pointer_mut("/result/rows").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(days) = row.get_mut("granularMetrics").and_then(Value::as_array_mut) {
                DAYS.bend(fault, days);
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
    use aws_lc_rs::rand::SystemRandom;

    /// A client secret as its owner signs it.
    fn secret(key: &Key, change: impl FnOnce(&mut Value)) -> String {
        let now = Utc::now().timestamp();
        let mut claims =
            json!({ "iss": key.team_id, "sub": key.client_id, "aud": AUDIENCE, "iat": now, "exp": now + 600 });
        change(&mut claims);
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&json!({ "alg": "ES256", "kid": key.key_id })), part(&claims));
        let body: String = key.private_key.lines().filter(|line| !line.starts_with('-')).collect();
        let der = BASE64.decode(body.as_bytes()).unwrap();
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).unwrap();
        let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }

    fn open(rules: Rules) -> (Platform<Key>, Key, reqwest::Client) {
        let platform = start(&Scenario::small(crate::calendar::moscow_today()), rules).unwrap();
        let key = platform.keys[0].clone();
        (platform, key, reqwest::Client::new())
    }

    async fn ask_token(platform: &Platform<Key>, client_id: &str, secret: &str) -> (u16, Value) {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials").append_pair("scope", SCOPE);
        form.append_pair("client_id", client_id).append_pair("client_secret", secret);
        let request = reqwest::Client::new().post(format!("{}{TOKEN_PATH}", platform.base_url)).body(form.finish());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_token_takes_the_users_own_signature() {
        let (platform, key, client) = open(Rules::default());
        let (status, told) = ask_token(&platform, &key.client_id, &secret(&key, |_| {})).await;
        assert_eq!((status, told["expires_in"].as_i64()), (200, Some(3_600)), "{told}");
        let token = told["access_token"].as_str().unwrap().to_owned();
        assert_eq!(token, access_token(&key.client_id, 1));
        let other = Key { private_key: platform.keys[1].private_key.clone(), ..key.clone() };
        let late = |claims: &mut Value| claims["exp"] = json!(Utc::now().timestamp() - 1);
        let long = |claims: &mut Value| claims["exp"] = json!(Utc::now().timestamp() + 181 * 86_400);
        let team = |claims: &mut Value| claims["iss"] = json!("SEARCHADS.other");
        let wrong =
            [secret(&other, |_| {}), secret(&key, late), secret(&key, long), secret(&key, team), "a.b.c".into()];
        for wrong in wrong {
            let (status, told) = ask_token(&platform, &key.client_id, &wrong).await;
            assert_eq!((status, told["error"].as_str()), (400, Some("invalid_client")), "{wrong}");
        }
        let get = |path: &str| client.get(format!("{}/v1/{path}", platform.base_url)).bearer_auth(&token);
        let acls: Value = get("acls").send().await.unwrap().json().await.unwrap();
        assert_eq!(acls["result"]["acls"].as_array().unwrap().len(), key.accounts.len());
        let path = format!("ad-accounts/{}", key.accounts[0]);
        assert_eq!(get(&path).send().await.unwrap().status(), 403, "without a context");
        let context = |id: u64| get(&path).header("x-ap-context", format!("adAccountId={id}")).send();
        assert_eq!(context(key.accounts[0]).await.unwrap().status(), 200);
        assert_eq!(context(platform.keys[1].accounts[0]).await.unwrap().status(), 403, "somebody else's");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn reports_are_refused_as_the_pages_say() {
        let (platform, key, client) = open(Rules { per_minute: 12, ..Rules::default() });
        let (_, told) = ask_token(&platform, &key.client_id, &secret(&key, |_| {})).await;
        let token = told["access_token"].as_str().unwrap().to_owned();
        let post = |path: &str, body: Value| {
            let request = client.post(format!("{}/v1/{path}", platform.base_url)).bearer_auth(&token);
            request.header("x-ap-context", format!("adAccountId={}", key.accounts[0])).json(&body).send()
        };
        let campaigns: Value = post("campaigns/query", json!({})).await.unwrap().json().await.unwrap();
        assert!(campaigns["pagination"]["totalCount"].is_null(), "it was not asked for");
        let id = campaigns["result"][0]["id"].to_string();
        let today = platform.calendar().today();
        let range = |back: i64, days: i64| {
            let start = today - Duration::days(back);
            json!({ "start": start, "end": start + Duration::days(days - 1), "timeZone": "ORTZ", "granularity": "DAILY" })
        };
        let of = |range: Value| json!({ "filters": [{ "field": "campaignId", "operator": "EQUALS", "value": id }], "timeRange": range });
        let path = "reports/apps/campaigns/query";
        let status = |body: Value| async move { post(path, body).await.unwrap().status().as_u16() };
        assert_eq!(status(of(range(89, 90))).await, 200);
        assert_eq!(status(of(range(90, 90))).await, 400, "it begins too early");
        assert_eq!(status(of(range(3, 1))).await, 400, "a single day");
        assert_eq!(status(json!({ "timeRange": range(7, 7) })).await, 400, "of no campaign");
        let mut unknown = of(range(7, 7));
        unknown["returnRowTotals"] = json!(true);
        assert_eq!(status(unknown).await, 400, "a member of the older interface");
        let mut large = of(range(7, 7));
        large["pagination"] = json!({ "pageSize": 5_001 });
        assert_eq!(status(large).await, 400, "too large a page");
        assert_eq!(
            post("campaigns/query", json!({ "pagination": { "pageSize": 1_001 } })).await.unwrap().status(),
            400
        );
        let mut total = of(range(7, 1));
        total["timeRange"].as_object_mut().unwrap().shift_remove("granularity");
        let answer = post(path, total).await.unwrap();
        assert_eq!(answer.headers()["ratelimit-remaining"], "3");
        for _ in 0..3 {
            assert_eq!(status(of(range(7, 7))).await, 200);
        }
        let refused = post(path, of(range(7, 7))).await.unwrap();
        assert_eq!(refused.status(), 429);
        assert!(refused.headers().contains_key("retry-after"));
    }
}
