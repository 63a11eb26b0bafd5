//! Meta Ads (graph.facebook.com, v25.0): ad accounts of a token behind the Graph API.
//!
//! Written from the vendor's reference of the Marketing API and from public clients of it. Served: `me`, `me/adaccounts`, an account,
//! `campaigns`, `adsets`, `ads` with `effective_status` and `summary`, `insights` at once and on order (report runs), cursors, the proof of the
//! app's secret, usage headers and the limits behind them. Not served, because the console does not call it yet: breakdowns other than
//! those of actions, batches, audiences, conversions sent back, leads.
//!
//! Codes, subcodes and shapes are the vendor's, words mostly, too. Made up are the share of link clicks, how conversions fall into
//! attribution windows, and a custom conversion that every campaign has: each campaign of an agency counts something else, and a test needs
//! one that counts all.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, Months, NaiveDate, Utc};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::faults::{FaultKind, Hint};
use crate::noise::hash;
use crate::server::{Answer, Call, Vendor, number_in};
use crate::stage::{Platform, RowNames, Scenario, Stage};
use crate::world::{Aim, Cabinet, Figures, Level, Life, Status};

/// The version that is spoken, and the oldest that still is.
const VERSION: u32 = 25;
const OLDEST: u32 = 23;
/// Rows of a page when nobody says, and at most.
const USUAL_PAGE: usize = 25;
const LARGEST_PAGE: usize = 5_000;
/// Months that insights reach back.
const MONTHS: u32 = 37;
/// The custom conversion that every campaign has.
pub const CUSTOM_CONVERSION: &str = "offsite_conversion.custom.1001";
/// How conversions fall into attribution windows, permille of those under the ad sets' own setting. Views of a week and of a month are no
/// longer told.
const WINDOWS: [(&str, i64); 4] = [("1d_click", 600), ("7d_click", 850), ("28d_click", 900), ("1d_view", 150)];
/// Words of `effective_status`.
const STATUSES: [&str; 12] = [
    "ACTIVE",
    "PAUSED",
    "DELETED",
    "PENDING_REVIEW",
    "DISAPPROVED",
    "PREAPPROVED",
    "PENDING_BILLING_INFO",
    "CAMPAIGN_PAUSED",
    "ARCHIVED",
    "ADSET_PAUSED",
    "IN_PROCESS",
    "WITH_ISSUES",
];
/// Fields of insights that are served.
const FIELDS: [&str; 18] = [
    "account_id",
    "account_name",
    "account_currency",
    "campaign_id",
    "campaign_name",
    "adset_id",
    "adset_name",
    "ad_id",
    "ad_name",
    "impressions",
    "clicks",
    "inline_link_clicks",
    "reach",
    "spend",
    "actions",
    "action_values",
    "date_start",
    "date_stop",
];

/// What faults of content twist.
const NAMES: RowNames =
    RowNames { day: "date_start", counts: &["impressions", "clicks"], money: &["spend"], status: "effective_status" };

/// What the platform allows.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Calls of an account in an hour, of each kind. The vendor gives an app 600 and more, one with advanced access 190,000.
    pub calls_per_hour: usize,
    /// Rows that insights give at once; what would be more has to be ordered or asked for in parts.
    pub rows_at_once: usize,
    /// Whether the app demands the proof of its secret.
    pub proof: bool,
    /// How many report runs fail before one is made.
    pub failing_runs: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self { calls_per_hour: 190_000, rows_at_once: 10_000, proof: false, failing_runs: 0 }
    }
}

/// Who may ask, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The owner's name.
    pub owner: String,
    /// The token of its system user.
    pub token: String,
    /// The secret of its app.
    pub app_secret: String,
    /// Numbers of the ad accounts it sees, which are those of the world.
    pub accounts: Vec<u64>,
}

/// When an account was called within the last hour, oldest first.
type Calls = VecDeque<DateTime<Utc>>;

/// Headers of an answer.
type Headers = Vec<(&'static str, String)>;

/// A report on order.
#[derive(Debug, Clone)]
struct Run {
    account: usize,
    asked: Vec<(String, String)>,
    /// How often it was asked about.
    polls: u32,
    fails: bool,
}

#[derive(Debug)]
struct Graph {
    stage: Stage,
    rules: Rules,
    keys: Vec<Key>,
    /// Owners by token: places of their ad accounts in the world, and the owner's place among the keys.
    tokens: Mutex<BTreeMap<String, (Vec<usize>, usize)>>,
    /// Calls of the last hour by account and kind.
    calls: Mutex<BTreeMap<(usize, &'static str), Calls>>,
    runs: Mutex<Vec<Run>>,
}

/// Starts a platform that stands for `https://graph.facebook.com`.
pub fn start(scenario: &Scenario, rules: Rules) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let (mut keys, mut tokens) = (Vec::new(), BTreeMap::new());
    for owner in stage.owners() {
        let part = |salt| format!("{:016x}", hash(stage.seed, owner.id, salt));
        let token = format!("EAAB{}{}ZD", part(61), part(62));
        tokens.insert(token.clone(), (owner.cabinets.clone().collect(), keys.len()));
        keys.push(Key {
            owner: owner.name,
            token,
            app_secret: format!("{}{}", part(63), part(64)),
            accounts: owner.cabinets.map(|place| stage.world.cabinets[place].id).collect(),
        });
    }
    let graph = Graph {
        stage: stage.clone(),
        rules,
        keys: keys.clone(),
        tokens: Mutex::new(tokens),
        calls: Mutex::default(),
        runs: Mutex::default(),
    };
    stage.serve(Arc::new(graph), keys, 1 << 18)
}

/// How the platform numbers an object of the world.
pub fn id_of(id: u64) -> String {
    format!("1202{id:013}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The envelope of an error.
fn refusal(status: u16, code: i64, subcode: Option<i64>, message: &str) -> Answer {
    let kind = if code == 100 { "GraphMethodException" } else { "OAuthException" };
    let mut error = json!({
        "message": message, "type": kind, "code": code, "is_transient": matches!(code, 1 | 2), "fbtrace_id": "A1b2C3d4E5f",
    });
    if let Some(subcode) = subcode {
        error["error_subcode"] = json!(subcode);
    }
    Answer::json(status, &json!({ "error": error }))
}

fn bad(message: &str) -> Answer {
    refusal(400, 100, None, &format!("(#100) {message}"))
}

/// The token of a call: in its header, or as a parameter.
fn token(call: &Call) -> Option<String> {
    let header = call.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    header.map(str::to_owned).or_else(|| parameter(&asked(call), "access_token").map(str::to_owned))
}

/// Parameters of a call: of the address, and of the form that it posts.
fn asked(call: &Call) -> Vec<(String, String)> {
    let form = url::form_urlencoded::parse(&call.body).map(|(name, value)| (name.into_owned(), value.into_owned()));
    call.query.iter().cloned().chain(form).collect()
}

fn parameter<'a>(asked: &'a [(String, String)], name: &str) -> Option<&'a str> {
    asked.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// A parameter that is a list of words, as JSON or separated by commas.
fn words(asked: &[(String, String)], name: &str) -> Result<Option<Vec<String>>, Answer> {
    let Some(text) = parameter(asked, name) else { return Ok(None) };
    if !text.trim_start().starts_with('[') {
        return Ok(Some(text.split(',').map(|word| word.trim().to_owned()).collect()));
    }
    serde_json::from_str(text).map(Some).map_err(|_| bad(&format!("Param {name} must be an array.")))
}

/// What an object is called by its own switch and those above it.
fn effective(own: Status, above: Option<(&'static str, bool)>) -> &'static str {
    match (own, above) {
        (Status::Deleted, _) => "DELETED",
        (Status::Stopped, _) => "PAUSED",
        (Status::Active, Some((word, false))) => word,
        (Status::Active, _) => "ACTIVE",
    }
}

/// An object of a list, before its fields are chosen.
struct Object {
    status: &'static str,
    told: Map<String, Value>,
}

/// A number in the place of a page.
fn cursor(at: usize) -> String {
    format!("QVFIU{at:x}ZD")
}

fn place(cursor: &str) -> Option<usize> {
    usize::from_str_radix(cursor.strip_prefix("QVFIU")?.strip_suffix("ZD")?, 16).ok()
}

/// A page of a list with what leads to the others. The address of the next one holds the token, as the vendor's does.
fn page(call: &Call, asked: &[(String, String)], all: Vec<Value>) -> Result<Map<String, Value>, Answer> {
    let limit = match parameter(asked, "limit") {
        None => USUAL_PAGE,
        Some(text) => {
            text.parse().ok().filter(|limit| *limit > 0).ok_or_else(|| bad("Param limit must be positive"))?
        }
    };
    let limit = limit.min(LARGEST_PAGE);
    let from = match parameter(asked, "after") {
        None => 0,
        Some(after) => place(after).ok_or_else(|| bad("Invalid cursor"))?,
    };
    let total = all.len();
    let rows: Vec<Value> = all.into_iter().skip(from).take(limit).collect();
    let mut body = Map::new();
    if !rows.is_empty() {
        let to = from + rows.len();
        let mut paging = json!({ "cursors": { "before": cursor(from), "after": cursor(to) } });
        if to < total {
            let token = token(call).unwrap_or_default();
            let next = format!(
                "https://graph.facebook.com{}?access_token={token}&limit={limit}&after={}",
                call.path,
                cursor(to)
            );
            paging["next"] = json!(next);
        }
        body.insert("paging".to_owned(), paging);
    }
    body.insert("data".to_owned(), Value::Array(rows));
    Ok(body)
}

/// What insights are asked for.
struct Question {
    level: Level,
    from: NaiveDate,
    to: NaiveDate,
    daily: bool,
    fields: Vec<String>,
    windows: Vec<String>,
}

impl Question {
    fn read(asked: &[(String, String)], today: NaiveDate) -> Result<Self, Answer> {
        let level = match parameter(asked, "level") {
            None | Some("account") => Level::Cabinet,
            Some("campaign") => Level::Campaign,
            Some("adset") => Level::Group,
            Some("ad") => Level::Ad,
            Some(_) => return Err(bad("Param level must be one of {ad, adset, campaign, account}")),
        };
        let range: Value = parameter(asked, "time_range")
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| bad("Param time_range must be a valid time range"))?;
        let day = |name: &str| {
            let text = range[name].as_str().and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok());
            text.ok_or_else(|| bad(&format!("Must be a date representation in the format YYYY-MM-DD: {name}")))
        };
        let (from, to) = (day("since")?, day("until")?);
        if from > to {
            return Err(bad("since must be before until"));
        }
        if today.checked_sub_months(Months::new(MONTHS)).is_some_and(|oldest| from < oldest) {
            let words = "(#3018) The start date of the time range cannot be beyond 37 months from the current date";
            return Err(refusal(400, 3018, None, words));
        }
        let daily = match parameter(asked, "time_increment") {
            None | Some("all_days") => false,
            Some("1") => true,
            Some(_) => return Err(bad("Param time_increment must be 1..90, monthly or all_days")),
        };
        let fields = words(asked, "fields")?.unwrap_or_else(|| vec!["impressions".to_owned(), "spend".to_owned()]);
        if let Some(unknown) = fields.iter().find(|field| !FIELDS.contains(&field.as_str())) {
            let all = "please check https://developers.facebook.com/docs/marketing-api/reference/ads-insights/ for all valid values";
            return Err(bad(&format!("{unknown} is not valid for fields param. {all}")));
        }
        if let Some(other) =
            words(asked, "action_breakdowns")?.and_then(|all| all.into_iter().find(|it| it != "action_type"))
        {
            return Err(bad(&format!("Current combination of data breakdown columns ({other}) is invalid")));
        }
        if let Some(breakdowns) = parameter(asked, "breakdowns") {
            return Err(bad(&format!("Current combination of data breakdown columns ({breakdowns}) is invalid")));
        }
        let windows = words(asked, "action_attribution_windows")?.unwrap_or_default();
        if let Some(unknown) =
            windows.iter().find(|window| *window != "default" && !WINDOWS.iter().any(|(name, _)| name == *window))
        {
            return Err(bad(&format!(
                "Param action_attribution_windows[0] must be one of 1d_view, 1d_click ...: {unknown}"
            )));
        }
        Ok(Self { level, from, to, daily, fields, windows })
    }
}

/// An entry of `actions` or `action_values`: the value under the ad sets' own setting, and those of the windows asked for.
fn action(kind: &str, whole: i64, decimals: bool, windows: &[String]) -> Value {
    let told = |part: i64| {
        if decimals { json!(format!("{}.{:02}", part / 100, part % 100)) } else { json!(part.to_string()) }
    };
    let mut entry = Map::new();
    entry.insert("action_type".to_owned(), json!(kind));
    entry.insert("value".to_owned(), told(whole));
    for (name, share) in WINDOWS.iter().filter(|(name, _)| windows.iter().any(|window| window == name)) {
        entry.insert((*name).to_owned(), told(whole * share / 1_000));
    }
    Value::Object(entry)
}

/// Clicks that lead to the landing page; the others unfold a text or like it.
fn link_clicks(figures: &Figures) -> i64 {
    figures.clicks * 4 / 5
}

/// What conversions of a campaign are called. The same ones have several names.
fn conversions_of(aim: Aim) -> &'static [&'static str] {
    match aim {
        Aim::Site => &["omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase", CUSTOM_CONVERSION],
        Aim::Leads => &["lead", "onsite_conversion.lead_grouped", CUSTOM_CONVERSION],
        Aim::Community => &["like", CUSTOM_CONVERSION],
    }
}

/// A row of a report: its day, if it has one, and the place of its object.
type RowKey = (usize, Option<NaiveDate>);

/// Sums of a row: all figures, and the conversions and their value by action type.
#[derive(Default)]
struct Row {
    figures: Figures,
    actions: BTreeMap<&'static str, (i64, i64)>,
}

impl Graph {
    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    /// Who asks: the ad accounts it sees, and its key.
    fn owner(&self, call: &Call) -> Result<(Vec<usize>, &Key), Answer> {
        let Some(token) = token(call) else {
            return Err(refusal(400, 104, None, "An access token is required to request this resource."));
        };
        let known = lock(&self.tokens).get(&token).cloned();
        let Some((accounts, at)) = known else {
            return Err(refusal(401, 190, None, "Invalid OAuth access token - Cannot parse access token"));
        };
        let key = &self.keys[at];
        match parameter(&asked(call), "appsecret_proof") {
            None if self.rules.proof => {
                Err(refusal(400, 100, None, "API calls from the server require an appsecret_proof argument"))
            }
            Some(proof) if proof != signature(&key.app_secret, &token) => {
                Err(refusal(400, 100, None, "Invalid appsecret_proof provided in the API argument"))
            }
            _ => Ok((accounts, key)),
        }
    }

    /// Counts a call of an account: the headers that tell its usage, or the refusal when the hour is used up.
    fn count(&self, account: usize, kind: &'static str) -> Result<Headers, Answer> {
        let now = self.now();
        let mut calls = lock(&self.calls);
        let sent = calls.entry((account, kind)).or_default();
        while sent.front().is_some_and(|at| *at + Duration::hours(1) <= now) {
            sent.pop_front();
        }
        let most = self.rules.calls_per_hour;
        if sent.len() >= most {
            let minutes = sent.front().map_or(60, |first| (*first + Duration::hours(1) - now).num_seconds() / 60 + 1);
            return Err(self.limited(account, kind, minutes));
        }
        sent.push_back(now);
        Ok(self.usage(account, kind, sent.len() * 100 / most, 0))
    }

    fn usage(&self, account: usize, kind: &str, percent: usize, minutes: i64) -> Headers {
        let id = self.stage.world.cabinets[account].id.to_string();
        let tier = "standard_access";
        let business = json!({ id: [{
            "type": kind, "call_count": percent, "total_cputime": percent / 2, "total_time": percent / 2,
            "estimated_time_to_regain_access": minutes, "ads_api_access_tier": tier,
        }]});
        let mut headers = vec![
            ("x-business-use-case-usage", business.to_string()),
            ("x-app-usage", json!({ "call_count": 1, "total_time": 1, "total_cputime": 1 }).to_string()),
        ];
        if kind == "ads_insights" {
            let load = json!({ "app_id_util_pct": 0, "acc_id_util_pct": percent, "ads_api_access_tier": tier });
            headers.push(("x-fb-ads-insights-throttle", load.to_string()));
        }
        headers
    }

    fn limited(&self, account: usize, kind: &str, minutes: i64) -> Answer {
        let code = if kind == "ads_insights" { 80_000 } else { 80_004 };
        let words = format!("(#{code}) There have been too many calls from this ad-account. Wait a bit and try again.");
        let refused = refusal(400, code, Some(2_446_079), &words);
        self.usage(account, kind, 100, minutes)
            .into_iter()
            .fold(refused, |answer, (name, value)| answer.with(name, value))
    }

    fn account(&self, place: usize, asked: &[(String, String)]) -> Result<Map<String, Value>, Answer> {
        let cabinet = &self.stage.world.cabinets[place];
        let known = json!({
            "account_id": cabinet.id.to_string(), "name": cabinet.name, "currency": "RUB", "timezone_name": "Europe/Moscow",
            "timezone_offset_hours_utc": 3, "account_status": 1, "business": { "id": "5501", "name": cabinet.name },
        });
        let mut told = chosen(&known, words(asked, "fields")?.unwrap_or_default(), "AdAccount")?;
        told.insert("id".to_owned(), json!(format!("act_{}", cabinet.id)));
        Ok(told)
    }

    /// Objects of an account, one after the other, as far as they exist today.
    fn objects(&self, place: usize, edge: &str, asked: &[(String, String)]) -> Result<Vec<Object>, Answer> {
        let today = self.stage.today();
        let cabinet = &self.stage.world.cabinets[place];
        let is_active = |life: &Life| life.status(today) == Status::Active;
        let of_group = |at: usize| {
            let group = &cabinet.groups[at];
            effective(
                group.life.status(today),
                Some(("CAMPAIGN_PAUSED", is_active(&cabinet.campaigns[group.campaign].life))),
            )
        };
        let node = match edge {
            "campaigns" => "AdCampaignGroup",
            "adsets" => "AdCampaign",
            _ => "Adgroup",
        };
        let fields = words(asked, "fields")?.unwrap_or_default();
        let mut all = Vec::new();
        let mut add = |id: u64, name: &str, life: &Life, minute: u32, status: &'static str, above: Value| {
            let mut known = json!({
                "id": id_of(id), "name": name, "status": effective(life.status(today), None), "effective_status": status,
                "account_id": cabinet.id.to_string(), "start_time": life.created(minute).format("%Y-%m-%dT%H:%M:%S+0300").to_string(),
                "created_time": life.created(minute).format("%Y-%m-%dT%H:%M:%S+0300").to_string(),
                "updated_time": life.updated(today, minute).format("%Y-%m-%dT%H:%M:%S+0300").to_string(),
            });
            if let (Some(known), Value::Object(above)) = (known.as_object_mut(), above) {
                known.extend(above);
            }
            let mut told = chosen(&known, fields.clone(), node)?;
            told.insert("id".to_owned(), json!(id_of(id)));
            all.push(Object { status, told });
            Ok(())
        };
        match edge {
            "campaigns" => {
                for it in cabinet.campaigns.iter().filter(|it| it.life.exists(today)) {
                    let status = effective(it.life.status(today), None);
                    // Budgets are told in the smallest unit of the currency, as text.
                    let more =
                        json!({ "objective": "OUTCOME_SALES", "daily_budget": it.daily_budget_kopecks.to_string() });
                    add(it.id, &it.name, &it.life, it.minute, status, more)?;
                }
            }
            "adsets" => {
                for (at, it) in cabinet.groups.iter().enumerate().filter(|(_, it)| it.life.exists(today)) {
                    let above = json!({ "campaign_id": id_of(cabinet.campaigns[it.campaign].id) });
                    add(it.id, &it.name, &it.life, it.minute, of_group(at), above)?;
                }
            }
            _ => {
                for it in cabinet.ads.iter().filter(|it| it.life.exists(today)) {
                    let above = match of_group(it.group) {
                        "ACTIVE" => None,
                        "CAMPAIGN_PAUSED" => Some(("CAMPAIGN_PAUSED", false)),
                        _ => Some(("ADSET_PAUSED", false)),
                    };
                    let ids = json!({
                        "adset_id": id_of(cabinet.groups[it.group].id), "campaign_id": id_of(cabinet.campaigns[it.campaign].id),
                    });
                    add(it.id, &it.name, &it.life, it.minute, effective(it.life.status(today), above), ids)?;
                }
            }
        }
        Ok(all)
    }

    fn list(&self, call: &Call, account: usize, edge: &str, asked: &[(String, String)]) -> Result<Value, Answer> {
        let wanted = words(asked, "effective_status")?;
        if let Some(unknown) = wanted.iter().flatten().find(|word| !STATUSES.contains(&word.as_str())) {
            return Err(bad(&format!("Param effective_status[0] must be one of {STATUSES:?}, not {unknown}")));
        }
        // Without a word from the caller archived and deleted objects are left out.
        let shown = |status: &str| match &wanted {
            Some(wanted) => wanted.iter().any(|word| word == status),
            None => !matches!(status, "DELETED" | "ARCHIVED"),
        };
        let all = self.objects(account, edge, asked)?;
        let all: Vec<Value> = all.into_iter().filter(|it| shown(it.status)).map(|it| Value::Object(it.told)).collect();
        let total = all.len();
        let mut body = page(call, asked, all)?;
        if words(asked, "summary")?
            .is_some_and(|summary| summary.iter().any(|word| word == "total_count" || word == "true"))
        {
            body.insert("summary".to_owned(), json!({ "total_count": total }));
        }
        Ok(Value::Object(body))
    }

    /// Rows of days and objects with delivery; the others are absent.
    fn rows(&self, account: usize, asked: &Question) -> Vec<Value> {
        let today = self.stage.today();
        let world = &self.stage.world;
        let cabinet = &world.cabinets[account];
        let mut rows: BTreeMap<RowKey, Row> = BTreeMap::new();
        for day in world.days(asked.from, asked.to, today) {
            for (at, ad) in cabinet.ads.iter().enumerate() {
                let figures = world.figures(cabinet, ad, &day);
                if figures == Figures::default() {
                    continue;
                }
                let object = match asked.level {
                    Level::Cabinet => 0,
                    Level::Campaign => ad.campaign,
                    Level::Group => ad.group,
                    Level::Ad => at,
                };
                let row = rows.entry((object, asked.daily.then_some(day.date))).or_default();
                row.figures += figures;
                if figures.conversions > 0 {
                    for kind in conversions_of(cabinet.campaigns[ad.campaign].aim) {
                        let sums = row.actions.entry(kind).or_default();
                        sums.0 += figures.conversions;
                        sums.1 += figures.revenue_kopecks;
                    }
                }
            }
        }
        rows.into_iter().map(|(key, row)| Value::Object(told_row(cabinet, asked, key, &row))).collect()
    }

    fn insights(&self, call: &Call, account: usize, asked: &[(String, String)]) -> Result<Value, Answer> {
        let question = Question::read(asked, self.stage.today())?;
        if call.method == "POST" {
            let mut runs = lock(&self.runs);
            let fails = u32::try_from(runs.len()).is_ok_and(|made| made < self.rules.failing_runs);
            runs.push(Run { account, asked: asked.to_vec(), polls: 0, fails });
            return Ok(json!({ "report_run_id": run_id(runs.len() - 1) }));
        }
        let rows = self.rows(account, &question);
        if rows.len() > self.rules.rows_at_once {
            let words = "Please reduce the amount of data you're asking for, then retry your request";
            return Err(refusal(500, 1, Some(99), words));
        }
        page(call, asked, rows).map(Value::Object)
    }

    /// A report on order: how far it is, or its rows.
    fn run(
        &self,
        call: &Call,
        at: usize,
        of: &str,
        accounts: &[usize],
        asked: &[(String, String)],
    ) -> Result<Value, Answer> {
        let mut runs = lock(&self.runs);
        let run = runs.get_mut(at).filter(|run| accounts.contains(&run.account)).ok_or_else(|| missing(&run_id(at)))?;
        let question = Question::read(&run.asked, self.stage.today())?;
        let account = &self.stage.world.cabinets[run.account];
        if of == "insights" {
            if run.polls < 3 || run.fails {
                return Err(refusal(400, 2601, None, "(#2601) Error accessing adreport job."));
            }
            let account = run.account;
            drop(runs);
            return page(call, asked, self.rows(account, &question)).map(Value::Object);
        }
        if !of.is_empty() {
            return Err(missing(of));
        }
        run.polls += 1;
        let (word, percent) = match run.polls {
            1 => ("Job Not Started", 0),
            2 => ("Job Running", 37),
            _ if run.fails => ("Job Failed", 0),
            _ => ("Job Completed", 100),
        };
        let mut told = json!({
            "id": run_id(at), "account_id": account.id.to_string(), "time_ref": self.now().timestamp(),
            "async_status": word, "async_percent_completion": percent, "date_start": question.from, "date_stop": question.to,
        });
        if word == "Job Failed" {
            told["error_code"] = json!(2);
            told["error_message"] = json!("An unexpected error has occurred. Please retry your request later.");
        }
        Ok(told)
    }

    /// Everything but the sign-in and the version.
    fn asked(&self, call: &Call, path: &str) -> Result<(Value, Headers), Answer> {
        let (accounts, key) = self.owner(call)?;
        let asked = asked(call);
        let (node, edge) = path.split_once('/').unwrap_or((path, ""));
        let plain = |body: Value| Ok((body, Vec::new()));
        match (call.method.as_str(), node, edge) {
            ("GET", "me", "") => plain(json!({ "id": "122", "name": key.owner })),
            ("GET", "me", "adaccounts") => {
                let all = accounts.iter().map(|place| self.account(*place, &asked).map(Value::Object));
                let all = all.collect::<Result<Vec<_>, _>>()?;
                plain(Value::Object(page(call, &asked, all)?))
            }
            (method, node, edge) if node.starts_with("act_") => {
                let world = &self.stage.world;
                let number = node.strip_prefix("act_").and_then(|id| id.parse().ok());
                let place = number.and_then(|id| world.cabinet(id)).ok_or_else(|| missing(node))?;
                if !accounts.contains(&place) {
                    let words = "(#200) Ad account owner has NOT grant ads_management or ads_read permission";
                    return Err(refusal(403, 200, None, words));
                }
                let kind = if edge == "insights" { "ads_insights" } else { "ads_management" };
                let usage = self.count(place, kind)?;
                let body = match (method, edge) {
                    ("GET", "") => Value::Object(self.account(place, &asked)?),
                    ("GET", "campaigns" | "adsets" | "ads") => self.list(call, place, edge, &asked)?,
                    ("GET" | "POST", "insights") => self.insights(call, place, &asked)?,
                    _ => return Err(missing(edge)),
                };
                Ok((body, usage))
            }
            ("GET", node, of) => {
                let at = node.strip_prefix("60239").and_then(|at| at.parse().ok()).ok_or_else(|| missing(node))?;
                plain(self.run(call, at, of, &accounts, &asked)?)
            }
            _ => Err(missing(node)),
        }
    }
}

fn signature(secret: &str, token: &str) -> String {
    // A key of any length is one for this signature.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(token.as_bytes());
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

fn run_id(at: usize) -> String {
    format!("60239{at:08}")
}

fn missing(what: &str) -> Answer {
    let words = format!(
        "Unsupported get request. Object with ID '{what}' does not exist, cannot be loaded due to missing permissions, or does not \
         support this operation."
    );
    refusal(400, 100, Some(33), &words)
}

/// The fields that were asked for.
fn chosen(known: &Value, fields: Vec<String>, node: &str) -> Result<Map<String, Value>, Answer> {
    let mut told = Map::new();
    for field in fields {
        match known.get(&field) {
            Some(value) => told.insert(field, value.clone()),
            None if matches!(field.as_str(), "id" | "stop_time" | "lifetime_budget") => None,
            None => return Err(bad(&format!("Tried accessing nonexisting field ({field}) on node type ({node})"))),
        };
    }
    Ok(told)
}

/// A row as it is told: numbers as text, what is zero of actions and link clicks left out.
fn told_row(cabinet: &Cabinet, asked: &Question, key: RowKey, row: &Row) -> Map<String, Value> {
    let (object, day) = key;
    let figures = &row.figures;
    let ad = (asked.level == Level::Ad).then(|| &cabinet.ads[object]);
    let group = match asked.level {
        Level::Group => Some(object),
        _ => ad.map(|ad| ad.group),
    };
    let campaign = match asked.level {
        Level::Campaign => Some(object),
        _ => group.map(|at| cabinet.groups[at].campaign),
    };
    let (group, campaign) = (group.map(|at| &cabinet.groups[at]), campaign.map(|at| &cabinet.campaigns[at]));
    let links = link_clicks(figures);
    let mut told = Map::new();
    for field in &asked.fields {
        let value = match field.as_str() {
            "account_id" => Some(json!(cabinet.id.to_string())),
            "account_name" => Some(json!(cabinet.name)),
            "account_currency" => Some(json!("RUB")),
            "campaign_id" => campaign.map(|it| json!(id_of(it.id))),
            "campaign_name" => campaign.map(|it| json!(it.name)),
            "adset_id" => group.map(|it| json!(id_of(it.id))),
            "adset_name" => group.map(|it| json!(it.name)),
            "ad_id" => ad.map(|it| json!(id_of(it.id))),
            "ad_name" => ad.map(|it| json!(it.name)),
            "impressions" => Some(json!(figures.impressions.to_string())),
            "reach" => Some(json!((figures.impressions * 7 / 10).to_string())),
            "clicks" => Some(json!(figures.clicks.to_string())),
            "inline_link_clicks" => (links > 0).then(|| json!(links.to_string())),
            "spend" => Some(json!(format!("{}.{:02}", figures.spend_kopecks / 100, figures.spend_kopecks % 100))),
            "actions" => {
                let clicks = (links > 0).then(|| action("link_click", links, false, &asked.windows));
                let others = row.actions.iter().map(|(kind, (count, _))| action(kind, *count, false, &asked.windows));
                let all: Vec<Value> = clicks.into_iter().chain(others).collect();
                (!all.is_empty()).then_some(Value::Array(all))
            }
            "action_values" => {
                let worth = row.actions.iter().filter(|(_, (_, kopecks))| *kopecks > 0);
                let all: Vec<Value> =
                    worth.map(|(kind, (_, kopecks))| action(kind, *kopecks, true, &asked.windows)).collect();
                (!all.is_empty()).then_some(Value::Array(all))
            }
            _ => None,
        };
        told.extend(value.map(|value| (field.clone(), value)));
    }
    told.insert("date_start".to_owned(), json!(day.unwrap_or(asked.from)));
    told.insert("date_stop".to_owned(), json!(day.unwrap_or(asked.to)));
    told
}

impl Vendor for Graph {
    fn answer(&self, call: &Call) -> Answer {
        let version = call.path.strip_prefix("/v").and_then(|rest| rest.split_once(".0/"));
        let Some((version, path)) = version.and_then(|(version, path)| Some((version.parse::<u32>().ok()?, path)))
        else {
            return refusal(400, 2500, None, "Unknown path components: ");
        };
        if !(OLDEST..=VERSION).contains(&version) {
            let words = "(#2635) You are calling a deprecated version of the Ads API. Please update to the latest version: v25.0.";
            return refusal(400, 2635, None, words);
        }
        match self.asked(call, path) {
            Ok((body, usage)) => {
                let answer = Answer::json(200, &body).with("facebook-api-version", format!("v{version}.0"));
                usage.into_iter().fold(answer, |answer, (name, value)| answer.with(name, value))
            }
            Err(refused) => refused,
        }
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        match fault {
            // Cursors are places here: nothing moves between pages. A person's token is not renewed.
            FaultKind::ExpireAllTokens
            | FaultKind::RepeatPage
            | FaultKind::ShuffledPage
            | FaultKind::Vanish
            | FaultKind::Appear => false,
            FaultKind::LyingTotal { .. } => call.param("summary").is_some(),
            FaultKind::NegativeNumbers | FaultKind::GarbageNumbers => call.path.ends_with("/insights"),
            FaultKind::UnknownEnum => !call.path.ends_with("/insights"),
            _ => true,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn is_limit(&self, answer: &Answer) -> bool {
        answer.status == 400 && matches!(number_in(answer, "/error/code"), Some(4 | 17 | 613 | 80_000..80_010))
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::WrongKey => {
                Some(refusal(401, 190, None, "Invalid OAuth access token - Cannot parse access token"))
            }
            FaultKind::ExpireToken => {
                let words = "Error validating access token: Session has expired on Sunday, 01-Nov-26 00:00:00 PDT.";
                Some(refusal(401, 190, Some(463), words))
            }
            FaultKind::RevokeToken => {
                lock(&self.tokens).remove(&token(call)?);
                let words = "Error validating access token: The user has not authorized application 1.";
                Some(refusal(400, 190, Some(458), words))
            }
            FaultKind::Throttle { hint } => {
                let kind = if call.path.ends_with("/insights") { "ads_insights" } else { "ads_management" };
                let minutes = match hint {
                    Hint::After { secs } | Hint::Date { secs } | Hint::ResetAt { secs } | Hint::ResetIn { secs } => {
                        i64::from(secs.div_ceil(60))
                    }
                    Hint::Windows | Hint::Body | Hint::Nonsense => 0,
                };
                Some(self.limited(0, kind, minutes))
            }
            FaultKind::ErrorInside { code } => {
                let (code, subcode) = code.split_once('/').unwrap_or((code, ""));
                Some(refusal(200, code.parse().unwrap_or(1), subcode.parse().ok(), "An error occurred"))
            }
            FaultKind::RevokeScope => {
                let words = "(#200) Ad account owner has NOT grant ads_management or ads_read permission";
                Some(refusal(403, 200, None, words))
            }
            FaultKind::ServerError { status } => {
                let words = "An unexpected error has occurred. Please retry your request later.";
                Some(refusal(*status, 2, None, words))
            }
            _ => None,
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        if let FaultKind::LyingTotal { delta } = fault
            && let Some(total) = body.pointer_mut("/summary/total_count")
        {
            *total = json!(total.as_i64().unwrap_or_default() + delta);
        }
        if let (FaultKind::MissingField { field }, Some(body)) = (fault, body.as_object_mut()) {
            body.shift_remove(field);
        }
        if let Some(rows) = body.get_mut("data").and_then(Value::as_array_mut) {
            NAMES.bend(fault, rows);
        }
    }

    fn control(&self, _call: &Call) -> Option<Answer> {
        None
    }
}
