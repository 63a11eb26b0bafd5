//! Telegram Ads (promoteapi.telegram.org): advertiser accounts, an agency's related ones, their ads, and statistics by day.
//!
//! Written from public clients of the interface that follow the vendor's page (ads.telegram.org/docs/api): methods, parameters, members of
//! answers, the words of refusals of a token, of a flood and of the server. Served: `getCurrentAccount`, `getRelatedAccountsList`,
//! `getAccountsById`, `getAdsList`, `getAdStats` and `getAccountStats` by day. Not served, because the console does not call it: whatever
//! writes, five-minute intervals, monthly reports, audiences, pixels, targets.
//!
//! Everything is answered under the status 200 with `ok`. Words of refusals that no client quotes are made up after their pattern
//! (`AD_ID_INVALID`), and so is that unknown parameters are refused. An ad that was deleted is in no list and has no statistics of its own;
//! those of its account still count it. Money is the world's kopecks read as hundredths of the account's currency. An interval begins at
//! midnight of Greenwich, and the world's days are taken for such days.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use crate::faults::{FaultKind, Hint};
use crate::noise::hash;
use crate::server::{Answer, Call, Vendor, http_date};
use crate::stage::{Owner, Platform, RowNames, Scenario, Stage};
use crate::world::{Ad, Cabinet, Figures, Status};

/// The only interval that is served, in seconds.
const DAY: i64 = 86_400;
/// Most intervals of a question.
const MOST_INTERVALS: i64 = 1_000;
/// Most ads of a page.
const MOST_ADS: u64 = 100;
/// The currencies an account may have.
const CURRENCIES: [&str; 3] = ["EUR", "TON", "XTR"];

/// What faults of content twist. A row's day is its `from_time`, which is a number.
const NAMES: RowNames =
    RowNames { day: "from_time", counts: &["views", "clicks", "actions"], money: &["spent_budget"], status: "status" };

/// What is otherwise than usual.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Currency of all accounts.
    pub currency: &'static str,
    /// Requests that a token may send in a second; the vendor does not tell its limit.
    pub per_second: Option<usize>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { currency: "EUR", per_second: None }
    }
}

/// An ad as the platform tells it, from the world and not from answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its number.
    pub id: u64,
    /// Its title.
    pub title: String,
    /// How it is; deleted ones are not told.
    pub status: Status,
}

/// What a person copies out of the account's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Whose account it is.
    pub owner: String,
    /// The access token.
    pub token: String,
    /// The account that the token belongs to: an agency's own, which has no ads, or an advertiser's.
    pub account: String,
    /// Accounts with ads: an agency's related ones, or the advertiser's own.
    pub accounts: Vec<String>,
    /// Numbers of the same cabinets in the world.
    pub cabinets: Vec<u64>,
    /// Ads of the same accounts that the platform lists.
    pub ads: Vec<Vec<Told>>,
}

#[derive(Debug, Default)]
struct State {
    /// Owners by token.
    tokens: BTreeMap<String, usize>,
    /// Requests of the last second, by owner.
    sent: BTreeMap<usize, VecDeque<DateTime<Utc>>>,
}

#[derive(Debug)]
struct Promote {
    stage: Stage,
    owners: Vec<Owner>,
    keys: Vec<Key>,
    rules: Rules,
    state: Mutex<State>,
}

/// Starts a platform that stands for `https://promoteapi.telegram.org`.
pub fn start(scenario: &Scenario, rules: Rules) -> anyhow::Result<Platform<Key>> {
    anyhow::ensure!(CURRENCIES.contains(&rules.currency), "no account is kept in {}", rules.currency);
    let stage = Stage::build(scenario);
    let today = stage.today();
    let owners = stage.owners();
    let mut state = State::default();
    let mut keys = Vec::new();
    for (at, owner) in owners.iter().enumerate() {
        let cabinets: Vec<&Cabinet> = owner.cabinets.clone().map(|place| &stage.world.cabinets[place]).collect();
        let part = |salt| format!("{:016x}", hash(stage.seed, owner.id, salt));
        let told = |ad: &Ad| Told { id: ad.id, title: ad.name.clone(), status: ad.life.status(today) };
        let key = Key {
            owner: owner.name.clone(),
            token: format!("{}{}", part(41), part(42)),
            account: account_of(if owner.agency { owner.id } else { cabinets[0].id }),
            accounts: cabinets.iter().map(|cabinet| account_of(cabinet.id)).collect(),
            cabinets: cabinets.iter().map(|cabinet| cabinet.id).collect(),
            ads: cabinets.iter().map(|cabinet| listed(cabinet, today).map(told).collect()).collect(),
        };
        state.tokens.insert(key.token.clone(), at);
        keys.push(key);
    }
    let vendor = Promote { stage: stage.clone(), owners, keys: keys.clone(), rules, state: Mutex::new(state) };
    stage.serve(Arc::new(vendor), keys, 1 << 16)
}

/// How the platform names an account. Digits alone, so that a client that takes them for a number shows.
fn account_of(id: u64) -> String {
    format!("4{id:011}")
}

/// The ads that a list has: those that were not deleted.
fn listed(cabinet: &Cabinet, today: NaiveDate) -> impl Iterator<Item = &Ad> {
    cabinet.ads.iter().filter(move |ad| ad.life.exists(today) && ad.life.status(today) != Status::Deleted)
}

fn good(result: &Value) -> Answer {
    Answer::json(200, &json!({ "ok": true, "result": result }))
}

fn refusal(error: &str) -> Answer {
    Answer::json(200, &json!({ "ok": false, "error": error }))
}

fn bearer(call: &Call) -> Option<&str> {
    call.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Hundredths as a number with decimals.
fn decimal(hundredths: i64) -> Value {
    json!(hundredths as f64 / 100.0)
}

fn midnight(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp()
}

/// The parameters of a call, as it was sent: a JSON body, or a query.
struct Asked(Map<String, Value>);

impl Asked {
    fn read(call: &Call, known: &[&str]) -> Result<Self, Answer> {
        let mut all: Map<String, Value> = call.query.iter().map(|(name, text)| (name.clone(), json!(text))).collect();
        if !call.body.is_empty() {
            let body: Map<String, Value> =
                serde_json::from_slice(&call.body).map_err(|_| refusal("REQUEST_BODY_INVALID"))?;
            all.extend(body);
        }
        match all.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(refusal(&format!("{}_UNKNOWN", name.to_uppercase()))),
            None => Ok(Self(all)),
        }
    }

    fn text(&self, name: &str) -> Result<Option<&str>, Answer> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| refusal(&format!("{}_INVALID", name.to_uppercase()))),
        }
    }

    /// A whole number, which a query writes as text.
    fn number(&self, name: &str) -> Result<Option<i64>, Answer> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
        number.map(Some).ok_or_else(|| refusal(&format!("{}_INVALID", name.to_uppercase())))
    }

    fn need(&self, name: &str) -> Result<i64, Answer> {
        self.number(name)?.ok_or_else(|| refusal(&format!("{}_REQUIRED", name.to_uppercase())))
    }

    /// The days of a question: from the beginning of the first to the end of the last, each rounded down.
    fn days(&self) -> Result<(NaiveDate, NaiveDate), Answer> {
        if self.number("interval")?.is_some_and(|interval| interval != DAY) {
            return Err(refusal("INTERVAL_INVALID"));
        }
        let (from, to) = (self.need("from_time")?.div_euclid(DAY), self.need("to_time")?.div_euclid(DAY));
        if from >= to {
            return Err(refusal("PERIOD_EMPTY"));
        }
        if to - from > MOST_INTERVALS {
            return Err(refusal("PERIOD_TOO_LONG"));
        }
        let day = |number: i64| DateTime::from_timestamp(number * DAY, 0).map(|at| at.date_naive());
        day(from).zip(day(to - 1)).ok_or_else(|| refusal("FROM_TIME_INVALID"))
    }
}

impl Promote {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose token it is; its requests of this second are counted.
    fn owner(&self, call: &Call) -> Result<usize, Answer> {
        let token = bearer(call).ok_or_else(|| refusal("ACCESS_TOKEN_REQUIRED"))?;
        let mut state = self.state();
        let owner = state.tokens.get(token).copied().ok_or_else(|| refusal("ACCESS_TOKEN_INVALID"))?;
        if let Some(most) = self.rules.per_second {
            let now = self.stage.now();
            let sent = state.sent.entry(owner).or_default();
            while sent.front().is_some_and(|at| *at <= now - Duration::seconds(1)) {
                sent.pop_front();
            }
            if sent.len() >= most {
                return Err(refusal("FLOOD_WAIT_1"));
            }
            sent.push_back(now);
        }
        Ok(owner)
    }

    /// The cabinet behind an account that this owner may read; none behind an agency's own account.
    fn cabinet(&self, owner: usize, account: Option<&str>) -> Result<Option<usize>, Answer> {
        let key = &self.keys[owner];
        let account = account.unwrap_or(&key.account);
        match key.accounts.iter().position(|known| known == account) {
            Some(at) => Ok(Some(self.owners[owner].cabinets.start + at)),
            None if account == key.account => Ok(None),
            None => Err(refusal("ACCOUNT_ID_INVALID")),
        }
    }

    fn account(&self, account: &str, title: &str, cabinet: Option<usize>) -> Value {
        let spent = cabinet.map_or(0, |place| self.total(place, |_| true).spend_kopecks);
        let left = cabinet.map_or(0, |place| self.stage.world.cabinets[place].balance_kopecks);
        json!({
            "account_id": account, "title": title, "currency": self.rules.currency, "spent_budget": decimal(spent),
            "remaining_budget": decimal(left), "ads_budget": decimal(left / 2),
        })
    }

    fn current(&self, owner: usize) -> Value {
        let key = &self.keys[owner];
        let own = (!self.owners[owner].agency).then(|| self.owners[owner].cabinets.start);
        self.account(&key.account, &key.owner, own)
    }

    fn related(&self, owner: usize, call: &Call) -> Result<Value, Answer> {
        let asked = Asked::read(call, &["offset", "limit"])?;
        if !self.owners[owner].agency {
            return Err(refusal("MAIN_ACCOUNT_REQUIRED"));
        }
        let from = usize::try_from(asked.number("offset")?.unwrap_or(0)).map_err(|_| refusal("OFFSET_INVALID"))?;
        let limit = asked.number("limit")?.map_or(Ok(usize::MAX), usize::try_from);
        let limit = limit.map_err(|_| refusal("LIMIT_INVALID"))?;
        let all = self.keys[owner].accounts.iter().zip(self.owners[owner].cabinets.clone());
        let accounts = all.skip(from).take(limit);
        let accounts: Vec<Value> =
            accounts.map(|(id, place)| self.account(id, &self.stage.world.cabinets[place].name, Some(place))).collect();
        Ok(json!({ "total_count": self.keys[owner].accounts.len(), "accounts": accounts }))
    }

    /// Everything that some ads of a cabinet ever did.
    fn total(&self, place: usize, wanted: impl Fn(&Ad) -> bool) -> Figures {
        let world = &self.stage.world;
        let cabinet = &world.cabinets[place];
        let mut sum = Figures::default();
        for day in world.days(world.first_day, self.stage.today(), self.stage.today()) {
            for ad in cabinet.ads.iter().filter(|ad| wanted(ad)) {
                sum += world.figures(cabinet, ad, &day);
            }
        }
        sum
    }

    /// A page of ads, the newest first. Its end is told by the last ad of the page, so what comes or goes meanwhile moves nothing.
    fn ads(&self, owner: usize, call: &Call) -> Result<Value, Answer> {
        let asked = Asked::read(call, &["account_id", "offset", "limit", "return_target"])?;
        let cabinet = self.cabinet(owner, asked.text("account_id")?)?;
        let limit = u64::try_from(asked.number("limit")?.unwrap_or(100)).ok().filter(|limit| *limit <= MOST_ADS);
        let limit = usize::try_from(limit.ok_or_else(|| refusal("LIMIT_INVALID"))?).unwrap_or_default();
        let after = match asked.text("offset")? {
            None | Some("") => None,
            Some(text) => {
                let id = text.strip_prefix("ad_").and_then(|rest| u64::from_str_radix(rest, 16).ok());
                Some(id.ok_or_else(|| refusal("OFFSET_INVALID"))?)
            }
        };
        let today = self.stage.today();
        let Some(place) = cabinet else { return Ok(json!({ "total_count": 0, "ads": [] })) };
        let mut all: Vec<&Ad> = listed(&self.stage.world.cabinets[place], today).collect();
        all.sort_by_key(|ad| std::cmp::Reverse(ad.id));
        let rest: Vec<&Ad> = all.iter().copied().filter(|ad| after.is_none_or(|after| ad.id < after)).collect();
        let page: Vec<Value> = rest.iter().take(limit).map(|ad| self.ad(place, ad)).collect();
        let mut result = json!({ "total_count": all.len(), "ads": page });
        if let Some(last) = rest.get(limit.wrapping_sub(1)).filter(|_| rest.len() > limit) {
            result["next_offset"] = json!(format!("ad_{:x}", last.id));
        }
        Ok(result)
    }

    fn ad(&self, place: usize, ad: &Ad) -> Value {
        let sum = self.total(place, |other| other.id == ad.id);
        let status = match ad.life.status(self.stage.today()) {
            Status::Active => "active",
            // One was stopped by its owner, another has no money left.
            _ if ad.id.is_multiple_of(2) => "stopped",
            _ => "on_hold",
        };
        json!({
            "ad_id": ad.id, "title": ad.name, "currency": self.rules.currency, "text": ad.text,
            "promote_url": "https://t.me/example", "cpm": 2.5, "placement": "channel_post",
            "spent_budget": decimal(sum.spend_kopecks), "remaining_budget": 5, "views": sum.impressions, "opens": 0,
            "clicks": sum.clicks, "actions": sum.conversions,
            "action_type": if ad.id.is_multiple_of(3) { "start_bot" } else { "join" },
            "created_date": ad.life.created(ad.minute).and_utc().timestamp(), "is_paused": status == "stopped",
            "status": status,
        })
    }

    /// A day for each interval up to the present one, also where nothing happened.
    fn stats(&self, owner: usize, call: &Call, of_ad: bool) -> Result<Value, Answer> {
        let known = ["account_id", "from_time", "to_time", "interval", "ad_id"];
        let asked = Asked::read(call, if of_ad { &known } else { &known[..4] })?;
        let cabinet = self.cabinet(owner, asked.text("account_id")?)?;
        let ad = if of_ad { Some(asked.need("ad_id")?) } else { None };
        let (from, to) = asked.days()?;
        let today = self.stage.today();
        let world = &self.stage.world;
        let known = cabinet.map(|place| &world.cabinets[place]);
        let chosen = match (ad, known) {
            (None, known) => known.map(|cabinet| (cabinet, cabinet.ads.iter().collect::<Vec<_>>())),
            (Some(id), Some(cabinet)) => {
                let found = listed(cabinet, today).find(|ad| u64::try_from(id) == Ok(ad.id));
                Some((cabinet, vec![found.ok_or_else(|| refusal("AD_ID_INVALID"))?]))
            }
            (Some(_), None) => return Err(refusal("AD_ID_INVALID")),
        };
        let mut rows = Vec::new();
        for day in world.days(from, to, today) {
            let mut sum = Figures::default();
            if let Some((cabinet, ads)) = &chosen {
                for ad in ads {
                    sum += world.figures(cabinet, ad, &day);
                }
            }
            let begins = midnight(day.date);
            rows.push(json!({
                "from_time": begins, "to_time": begins + DAY, "views": sum.impressions, "opens": 0,
                "clicks": sum.clicks, "actions": sum.conversions, "currency": self.rules.currency,
                "spent_budget": decimal(sum.spend_kopecks),
            }));
        }
        Ok(Value::Array(rows))
    }

    fn by_id(&self, owner: usize, call: &Call) -> Result<Value, Answer> {
        let asked = Asked::read(call, &["account_ids"])?;
        let ids: Vec<String> = asked
            .0
            .get("account_ids")
            .cloned()
            .and_then(|ids| serde_json::from_value(ids).ok())
            .ok_or_else(|| refusal("ACCOUNT_IDS_INVALID"))?;
        let mut found = Vec::new();
        for id in ids {
            found.push(match self.cabinet(owner, Some(&id))? {
                Some(place) => self.account(&id, &self.stage.world.cabinets[place].name, Some(place)),
                None => self.current(owner),
            });
        }
        Ok(Value::Array(found))
    }

    fn asked(&self, call: &Call) -> Result<Value, Answer> {
        let owner = self.owner(call)?;
        match call.path.trim_start_matches('/') {
            "getCurrentAccount" => Asked::read(call, &[]).map(|_| self.current(owner)),
            "getRelatedAccountsList" => self.related(owner, call),
            "getAccountsById" => self.by_id(owner, call),
            "getAdsList" => self.ads(owner, call),
            "getAdStats" => self.stats(owner, call, true),
            "getAccountStats" => self.stats(owner, call, false),
            _ => Err(refusal("METHOD_INVALID")),
        }
    }
}

impl Vendor for Promote {
    fn answer(&self, call: &Call) -> Answer {
        match call.method.as_str() {
            "GET" | "POST" => self.asked(call).map_or_else(|refused| refused, |result| good(&result)),
            _ => Answer::raw(405, b"Method Not Allowed".to_vec()),
        }
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        match fault {
            // A token is given by a person and not renewed; how pages may shift was not seen.
            FaultKind::ExpireAllTokens
            | FaultKind::RepeatPage
            | FaultKind::ShuffledPage
            | FaultKind::Vanish
            | FaultKind::Appear
            // Rows carry their day as a number.
            | FaultKind::MissingDay { .. }
            | FaultKind::HalfDay { .. }
            | FaultKind::CopiedDay { .. } => false,
            FaultKind::LyingTotal { .. } | FaultKind::UnknownEnum => call.path.ends_with("getAdsList"),
            FaultKind::NegativeNumbers | FaultKind::GarbageNumbers | FaultKind::LostRows => {
                call.path.ends_with("Stats")
            }
            _ => true,
        }
    }

    fn is_limit(&self, answer: &Answer) -> bool {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        body["error"].as_str().is_some_and(|error| error.starts_with("FLOOD_WAIT_"))
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::WrongKey => Some(refusal("ACCESS_TOKEN_INVALID")),
            FaultKind::RevokeToken | FaultKind::ExpireToken => {
                self.state().tokens.remove(bearer(call)?);
                Some(refusal("ACCESS_TOKEN_INVALID"))
            }
            FaultKind::Throttle { hint } => Some(match hint {
                Hint::After { secs } => refusal(&format!("FLOOD_WAIT_{secs}")),
                Hint::Date { secs } => Answer::raw(429, Vec::new())
                    .with("retry-after", http_date(self.stage.now() + Duration::seconds(i64::from(*secs)))),
                Hint::Body => refusal("TOO_MANY_REQUESTS"),
                _ => Answer::raw(429, Vec::new()),
            }),
            FaultKind::ErrorInside { code } => Some(refusal(code)),
            FaultKind::RevokeScope => Some(refusal("ACCOUNT_ID_INVALID")),
            // The interface's own errors come under 200, those of what stands before it do not.
            FaultKind::ServerError { status: 500 } => Some(refusal("INTERNAL_SERVER_ERROR")),
            FaultKind::ServerError { status } => Some(Answer::raw(*status, b"<html>nginx</html>".to_vec())),
            _ => None,
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        if let FaultKind::LyingTotal { delta } = fault {
            if let Some(total) = body.pointer_mut("/result/total_count") {
                *total = json!(total.as_i64().unwrap_or_default() + delta);
            }
            return;
        }
        for rows in ["/result", "/result/ads", "/result/accounts"] {
            if let Some(rows) = body.pointer_mut(rows).and_then(Value::as_array_mut) {
                NAMES.bend(fault, rows);
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

    async fn ask(platform: &Platform<Key>, token: &str, method: &str, body: Value) -> Value {
        let client = reqwest::Client::new();
        let request = client.post(format!("{}/{method}", platform.base_url)).bearer_auth(token).json(&body);
        request.send().await.unwrap().json().await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_the_platform_refuses_is_refused_under_a_good_status() {
        let platform = start(&Scenario::small(crate::calendar::moscow_today()), Rules::default()).unwrap();
        let (key, other) = (&platform.keys[0], &platform.keys[1]);
        let account = key.accounts[0].as_str();
        let day = midnight(platform.calendar().today());
        let stats =
            |from: i64, to: i64| json!({ "account_id": account, "from_time": from, "to_time": to, "interval": DAY });
        for (token, method, body, error) in [
            ("nobody", "getCurrentAccount", json!({}), "ACCESS_TOKEN_INVALID"),
            (&key.token, "getCurrentAcount", json!({}), "METHOD_INVALID"),
            (&key.token, "getAdsList", json!({ "account_id": other.accounts[0] }), "ACCOUNT_ID_INVALID"),
            (&key.token, "getAdsList", json!({ "account_id": 400_017_600_010_u64 }), "ACCOUNT_ID_INVALID"),
            (&key.token, "getAdsList", json!({ "limit": 101 }), "LIMIT_INVALID"),
            (&key.token, "getAdsList", json!({ "page": 1 }), "PAGE_UNKNOWN"),
            (&other.token, "getRelatedAccountsList", json!({}), "MAIN_ACCOUNT_REQUIRED"),
            (&key.token, "getAccountStats", json!({ "from_time": day }), "TO_TIME_REQUIRED"),
            (&key.token, "getAccountStats", stats(day - 1_001 * DAY, day), "PERIOD_TOO_LONG"),
            (&key.token, "getAccountStats", stats(day, day), "PERIOD_EMPTY"),
            (&key.token, "getAdStats", stats(day, day + DAY), "AD_ID_REQUIRED"),
        ] {
            let told = ask(&platform, token, method, body).await;
            assert_eq!((&told["ok"], told["error"].as_str()), (&json!(false), Some(error)), "{method}");
        }
        let told = ask(&platform, &key.token, "getAccountStats", stats(day - 1_000 * DAY, day)).await;
        assert_eq!(told["ok"], json!(true));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn pages_are_cut_behind_an_ad_and_the_last_one_names_no_other() {
        let platform = start(&Scenario::small(crate::calendar::moscow_today()), Rules::default()).unwrap();
        let key = &platform.keys[0];
        let (mut found, mut offset) = (Vec::new(), None);
        loop {
            let mut body = json!({ "account_id": key.accounts[0], "limit": 3 });
            if let Some(offset) = &offset {
                body["offset"] = json!(offset);
            }
            let told = ask(&platform, &key.token, "getAdsList", body).await;
            assert_eq!(told["result"]["total_count"], json!(key.ads[0].len()));
            found.extend(told["result"]["ads"].as_array().unwrap().iter().map(|ad| ad["ad_id"].as_u64().unwrap()));
            offset = told["result"]["next_offset"].as_str().map(str::to_owned);
            if offset.is_none() {
                break;
            }
        }
        let mut listed: Vec<u64> = key.ads[0].iter().map(|ad| ad.id).collect();
        listed.sort_unstable_by_key(|id| std::cmp::Reverse(*id));
        assert!(listed.len() > 6);
        assert_eq!(found, listed);
    }
}
