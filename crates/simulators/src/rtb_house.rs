//! RTB House (api.panel.rtbhouse.com/v5): advertisers of an agency behind the panel's interface.
//!
//! Written from the vendor's own client and its tests (rtbhouse-apps/rtbhouse-python-sdk). Served: `user/info`, `advertisers`, `campaigns`
//! (which are called sub-campaigns in reports), `rtb-creatives`, `rtb-stats`, `summary-stats`, and the life of a token (`tokens/current`,
//! rotation in the four days before its end). Not served, because the console does not call it yet: conversions one by one, billing,
//! offers. Figures are the world's; conversions beyond the attributed ones are shares of these.
//!
//! The status of a refusal is the vendor's, its words are made up. Rotation has no test yet, because no connector rotates.
//!
//! Resources are limited, not requests: an hour of work per account, told in `X-Resource-Usage` with every answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, NaiveDate, SecondsFormat, Utc};
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use crate::faults::{FaultKind, Hint};
use crate::noise::hash;
use crate::server::{Answer, Call, Vendor, http_date};
use crate::stage::{Owner, Platform, RowNames, Scenario, Stage};
use crate::world::{Figures, Level, Place, Status};

/// The version of the interface that is spoken.
const VERSION: &str = "v5";
/// How long a token lives, and before its end how long it may be rotated. The life is not documented.
const TOKEN_LIFE_DAYS: i64 = 30;
const ROTATION_DAYS: i64 = 4;
/// What reports can be grouped by, and what of it is served.
const GROUPS: [&str; 3] = ["day", "subcampaign", "creative"];
/// What can be counted.
const METRICS: [&str; 5] = ["campaignCost", "impsCount", "clicksCount", "conversionsCount", "conversionsValue"];
/// How conversions are counted, and the share of the attributed ones, permille.
const CONVENTIONS: [(&str, i64); 4] =
    [("ATTRIBUTED", 1_000), ("POST_VIEW", 400), ("ALL_POST_CLICK", 1_250), ("ALL_CONVERSIONS", 1_700)];

/// Rows of reports that an account may ask for in a calendar hour, when nothing else is wished. The vendor does not tell its limit.
pub const ROWS_PER_HOUR: u64 = 10_000_000;

/// What faults of content twist.
const NAMES: RowNames =
    RowNames { day: "day", counts: &["impsCount", "clicksCount"], money: &["campaignCost"], status: "status" };

/// Who may ask, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The owner's name.
    pub owner: String,
    /// The token, as a person would copy it from the panel.
    pub token: String,
    /// Hashes of the advertisers it sees.
    pub advertisers: Vec<String>,
    /// Numbers of the same cabinets in the world.
    pub cabinets: Vec<u64>,
}

/// A token as the panel keeps it.
#[derive(Debug, Clone)]
struct Token {
    owner: Owner,
    ends_at: DateTime<Utc>,
    /// How often it was rotated.
    turn: u64,
}

#[derive(Debug)]
struct Panel {
    stage: Stage,
    rows_per_hour: u64,
    tokens: Mutex<BTreeMap<String, Token>>,
    /// Rows reported in the present hour: the hour's number and the count.
    used: Mutex<(i64, u64)>,
}

/// Starts a platform that stands for `https://api.panel.rtbhouse.com`. `rows_per_hour`: what an account may ask for.
pub fn start(scenario: &Scenario, rows_per_hour: u64) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let mut keys = Vec::new();
    let mut tokens = BTreeMap::new();
    for owner in stage.owners() {
        let token = token(stage.seed, owner.id, 0);
        let ids: Vec<u64> = owner.cabinets.clone().map(|place| stage.world.cabinets[place].id).collect();
        keys.push(Key {
            owner: owner.name.clone(),
            token: token.clone(),
            advertisers: ids.iter().map(|id| hash_of(*id)).collect(),
            cabinets: ids,
        });
        let ends_at = stage.now() + Duration::days(TOKEN_LIFE_DAYS);
        tokens.insert(token, Token { owner, ends_at, turn: 0 });
    }
    let panel = Panel { stage: stage.clone(), rows_per_hour, tokens: Mutex::new(tokens), used: Mutex::default() };
    stage.serve(Arc::new(panel), keys, 1 << 16)
}

/// How the platform names an object of the world: twenty letters and digits.
pub fn hash_of(id: u64) -> String {
    format!("{:020x}", u128::from(hash(1, id, 5)))[..20].replace('0', "k")
}

/// A token of 43 characters; the vendor's client refuses any other length.
fn token(seed: u64, owner: u64, turn: u64) -> String {
    let part = |salt| format!("{:016x}", hash(seed, owner, salt + 10 * turn));
    format!("{}{}{}", part(1), part(2), part(3))[..43].to_owned()
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({ "status": "error", "appCode": code, "message": message, "errors": {} }))
}

fn good(data: Value) -> Answer {
    let mut body = Map::new();
    body.insert("status".to_owned(), json!("ok"));
    body.insert("data".to_owned(), data);
    Answer::json(200, &Value::Object(body))
}

fn bearer(call: &Call) -> Option<&str> {
    call.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Active => "ACTIVE",
        Status::Stopped => "PAUSED",
        Status::Deleted => "ARCHIVED",
    }
}

/// What is said of a token; the token itself only when it is new.
fn told(token: Option<&str>, ends_at: DateTime<Utc>) -> Answer {
    let mut data = Map::new();
    if let Some(token) = token {
        data.insert("token".to_owned(), json!(token));
    }
    data.insert("expiresAt".to_owned(), json!(ends_at.to_rfc3339_opts(SecondsFormat::Micros, false)));
    good(Value::Object(data))
}

/// What a row of a report is of: day, campaign and ad, where it was grouped by them.
type RowKey = (Option<NaiveDate>, Option<usize>, Option<usize>);

/// What a report is about.
struct Question<'a> {
    from: NaiveDate,
    to: NaiveDate,
    groups: Vec<&'a str>,
    metrics: Vec<&'a str>,
    share: i64,
}

impl<'a> Question<'a> {
    fn read(call: &'a Call) -> Result<Self, Answer> {
        let bad = |message: String| refusal(400, "VALIDATION_ERROR", &message);
        for (name, _) in &call.query {
            if !["dayFrom", "dayTo", "groupBy", "metrics", "countConvention", "utcOffsetHours"].contains(&name.as_str())
            {
                return Err(bad(format!("unknown parameter {name}")));
            }
        }
        let day = |name: &str| {
            let text = call.param(name).ok_or_else(|| bad(format!("{name} is required")))?;
            NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| bad(format!("{name} is not a day: {text}")))
        };
        let list = |name: &str, known: &[&str]| -> Result<Vec<&'a str>, Answer> {
            let text = call.param(name).ok_or_else(|| bad(format!("{name} is required")))?;
            let words: Vec<&str> = text.split('-').collect();
            match words.iter().find(|word| !known.contains(word)) {
                Some(word) => Err(bad(format!("{name} does not know {word}"))),
                None => Ok(words),
            }
        };
        let (from, to) = (day("dayFrom")?, day("dayTo")?);
        let (groups, metrics) = (list("groupBy", &GROUPS)?, list("metrics", &METRICS)?);
        let counted = metrics.iter().any(|metric| metric.starts_with("conversions"));
        let share = match call.param("countConvention") {
            None if counted => return Err(bad("countConvention is required for conversions".to_owned())),
            None => 0,
            Some(word) => {
                let known = CONVENTIONS.iter().find(|(name, _)| *name == word);
                known.ok_or_else(|| bad(format!("countConvention does not know {word}")))?.1
            }
        };
        if from > to {
            return Err(bad("dayFrom is after dayTo".to_owned()));
        }
        Ok(Self { from, to, groups, metrics, share })
    }
}

impl Panel {
    fn tokens(&self) -> MutexGuard<'_, BTreeMap<String, Token>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_utc(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    /// Who asks; an ended or unknown token is refused.
    fn owner(&self, call: &Call) -> Result<Token, Answer> {
        let known = bearer(call).and_then(|token| self.tokens().get(token).cloned());
        known
            .filter(|token| token.ends_at > self.now_utc())
            .ok_or_else(|| refusal(401, "UNAUTHORIZED", "Invalid or expired API token"))
    }

    /// A new token in the place of the old one, in the days before its end.
    fn rotate(&self, call: &Call, old: &Token) -> Answer {
        let now = self.now_utc();
        if now < old.ends_at - Duration::days(ROTATION_DAYS) {
            return refusal(400, "TOKEN_NOT_IN_ROTATION_WINDOW", "The token cannot be rotated yet");
        }
        let mut tokens = self.tokens();
        if let Some(known) = bearer(call) {
            tokens.remove(known);
        }
        let turn = old.turn + 1;
        let fresh = token(self.stage.seed, old.owner.id, turn);
        let ends_at = now + Duration::days(TOKEN_LIFE_DAYS);
        tokens.insert(fresh.clone(), Token { ends_at, turn, ..old.clone() });
        told(Some(&fresh), ends_at)
    }

    fn advertiser(&self, place: usize) -> Value {
        let cabinet = &self.stage.world.cabinets[place];
        json!({
            "hash": hash_of(cabinet.id),
            "status": "ACTIVE",
            "name": cabinet.name,
            "currency": "RUB",
            "url": format!("https://{}.example", cabinet.login),
            "createdAt": format!("{}T09:00:00.000000+00:00", self.stage.world.first_day),
            "features": { "enabled": [] },
            "properties": {},
        })
    }

    fn campaigns(&self, place: usize, call: &Call) -> Answer {
        let today = self.stage.today();
        let hides = call.param("excludeArchived") == Some("true");
        let cabinet = &self.stage.world.cabinets[place];
        let all = cabinet.campaigns.iter().filter(|it| it.life.exists(today));
        let shown = all.filter(|it| !hides || it.life.status(today) != Status::Deleted);
        good(shown
            .map(|campaign| {
                json!({
                    "hash": hash_of(campaign.id),
                    "name": campaign.name,
                    "creativeIds": cabinet.ads[campaign.ads.clone()].iter().map(|ad| ad.id).collect::<Vec<_>>(),
                    "status": status_word(campaign.life.status(today)),
                    "updatedAt": campaign.life.updated(today, campaign.minute).and_utc().to_rfc3339(),
                    "rateCardId": "E76",
                    "isEditable": true,
                    "advertiserLimits": { "budgetDaily": campaign.daily_budget_kopecks / 100, "budgetMonthly": null },
                })
            })
            .collect())
    }

    fn creatives(&self, place: usize) -> Answer {
        let today = self.stage.today();
        let all = self.stage.world.cabinets[place].ads.iter().filter(|it| it.life.exists(today));
        good(
            all.map(|ad| {
                json!({
                    "hash": hash_of(ad.id),
                    "status": status_word(ad.life.status(today)),
                    "previews": [{ "width": 300, "height": 250, "offersNumber": 4, "previewUrl": ad.url }],
                })
            })
            .collect(),
        )
    }

    /// Rows of days and objects with delivery; the others are absent.
    fn report(&self, place: usize, call: &Call) -> Result<(Answer, u64), Answer> {
        let asked = Question::read(call)?;
        let today = self.stage.today();
        let cabinet = &self.stage.world.cabinets[place];
        let mut rows: BTreeMap<RowKey, Figures> = BTreeMap::new();
        let has = |group: &str| asked.groups.contains(&group);
        for day in self.stage.world.days(asked.from, asked.to, today) {
            for at in self.stage.world.ads_under(Level::Cabinet, Place { cabinet: place, index: 0 }) {
                let ad = &cabinet.ads[at];
                let figures = self.stage.world.figures(cabinet, ad, &day);
                if figures == Figures::default() {
                    continue;
                }
                let key = (
                    has("day").then_some(day.date),
                    has("subcampaign").then_some(ad.campaign),
                    has("creative").then_some(at),
                );
                *rows.entry(key).or_default() += figures;
            }
        }
        let count = rows.len() as u64;
        let told = rows.into_iter().map(|((day, campaign, creative), figures)| {
            let mut row = Map::new();
            if let Some(day) = day {
                row.insert("day".to_owned(), json!(day));
            }
            if let Some(campaign) = campaign.map(|at| &cabinet.campaigns[at]) {
                row.insert("subcampaign".to_owned(), json!(campaign.name));
                row.insert("subcampaignHash".to_owned(), json!(hash_of(campaign.id)));
            }
            if let Some(creative) = creative.map(|at| &cabinet.ads[at]) {
                row.insert("creative".to_owned(), json!(hash_of(creative.id)));
            }
            for metric in &asked.metrics {
                row.insert((*metric).to_owned(), value(metric, &figures, asked.share));
            }
            Value::Object(row)
        });
        Ok((good(told.collect()), count))
    }

    /// Counts rows against the hour; what was used before, and whether more may be.
    fn spend(&self, rows: u64) -> (u64, bool) {
        let hour = self.now_utc().timestamp().div_euclid(3_600);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.0 != hour {
            *used = (hour, 0);
        }
        let open = used.1 < self.rows_per_hour;
        if open {
            used.1 += rows;
        }
        (used.1, open)
    }

    fn usage(&self, used: u64) -> String {
        format!("WORKER_TIME-3600={used}/{};BQ_TB_BILLED-3600=0.2/500;BQ_TB_BILLED-86400=1.5/5000", self.rows_per_hour)
    }

    fn limited(&self, used: u64) -> Answer {
        refusal(429, "RESOURCE_USAGE_LIMIT", "Resource usage limit reached").with("x-resource-usage", self.usage(used))
    }

    fn asked(&self, call: &Call, token: &Token, path: &str) -> Answer {
        match path {
            "user/info" => {
                return good(json!({
                    "hashId": hash_of(token.owner.id), "login": token.owner.login, "email": "agency@mail.example",
                    "isClientUser": true, "isDemoUser": false, "isForceLoggedIn": false, "permissions": ["LOGIN_API"],
                    "countConvention": null,
                }));
            }
            "advertisers" => return good(token.owner.cabinets.clone().map(|place| self.advertiser(place)).collect()),
            "tokens/current" => return told(None, token.ends_at),
            _ => {}
        }
        let Some((advertiser, what)) = path.strip_prefix("advertisers/").and_then(|rest| rest.split_once('/')) else {
            return refusal(404, "NOT_FOUND", "There is no such resource");
        };
        let found =
            token.owner.cabinets.clone().find(|place| hash_of(self.stage.world.cabinets[*place].id) == advertiser);
        let Some(place) = found else {
            return refusal(403, "FORBIDDEN", "You have no access to this advertiser");
        };
        match what {
            "campaigns" => self.campaigns(place, call),
            "rtb-creatives" => self.creatives(place),
            "rtb-stats" | "summary-stats" => {
                let (used, open) = self.spend(0);
                if !open {
                    return self.limited(used);
                }
                match self.report(place, call) {
                    Ok((answer, rows)) => answer.with("x-resource-usage", self.usage(self.spend(rows).0)),
                    Err(refused) => refused,
                }
            }
            _ => refusal(404, "NOT_FOUND", "There is no such resource"),
        }
    }
}

/// A metric as the vendor writes it: money as a number in the advertiser's currency.
fn value(metric: &str, figures: &Figures, share: i64) -> Value {
    let money = |kopecks: i64| json!(kopecks as f64 / 100.0);
    match metric {
        "campaignCost" => money(figures.spend_kopecks),
        "impsCount" => json!(figures.impressions),
        "clicksCount" => json!(figures.clicks),
        "conversionsCount" => json!(figures.conversions * share / 1_000),
        _ => money(figures.revenue_kopecks * share / 1_000),
    }
}

impl Vendor for Panel {
    fn answer(&self, call: &Call) -> Answer {
        let Some(path) = call.path.strip_prefix("/v5/") else {
            return Answer::raw(410, Vec::new()).with("x-current-api-version", VERSION);
        };
        let answer = match self.owner(call) {
            Err(refused) => refused,
            Ok(token) => match (call.method.as_str(), path) {
                ("POST", "tokens/current/rotate") => self.rotate(call, &token),
                ("GET", path) => self.asked(call, &token, path),
                _ => refusal(405, "METHOD_NOT_ALLOWED", "Method not allowed"),
            },
        };
        answer.with("x-current-api-version", VERSION)
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        match fault {
            // Tokens are given by a person: nothing signs in and nothing is refreshed; lists have neither pages nor totals.
            FaultKind::ExpireAllTokens
            | FaultKind::LyingTotal { .. }
            | FaultKind::RepeatPage
            | FaultKind::ShuffledPage
            | FaultKind::Vanish
            | FaultKind::Appear => false,
            FaultKind::NegativeNumbers | FaultKind::GarbageNumbers => call.path.ends_with("-stats"),
            FaultKind::UnknownEnum => !call.path.ends_with("-stats"),
            _ => true,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.now_utc()
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::WrongKey => Some(refusal(401, "UNAUTHORIZED", "Invalid or expired API token")),
            FaultKind::RevokeToken | FaultKind::ExpireToken => {
                self.tokens().remove(bearer(call)?);
                Some(refusal(401, "UNAUTHORIZED", "Invalid or expired API token"))
            }
            FaultKind::Throttle { hint } => {
                let answer = self.limited(self.rows_per_hour);
                Some(match hint {
                    Hint::After { secs } => answer.with("retry-after", secs.to_string()),
                    Hint::Date { secs } => {
                        answer.with("retry-after", http_date(self.now_utc() + Duration::seconds(i64::from(*secs))))
                    }
                    _ => answer,
                })
            }
            FaultKind::ErrorInside { code } => Some(refusal(200, code, "Request is not processed")),
            FaultKind::RevokeScope => Some(refusal(403, "FORBIDDEN", "You have no access to this advertiser")),
            FaultKind::ServerError { status } => Some(refusal(*status, "INTERNAL_ERROR", "Internal error")),
            _ => None,
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        if let Some(rows) = body.get_mut("data").and_then(Value::as_array_mut) {
            NAMES.bend(fault, rows);
        }
    }

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}
