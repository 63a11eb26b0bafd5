//! AppsFlyer (hq1.appsflyer.com): apps of an account and the aggregate reports of the Pull API.
//!
//! Written from dev.appsflyer.com and support.appsflyer.com (app list, Pull API of aggregate data, quotas) and public clients of them.
//! Served: `mng/apps` with its pages, `partners_by_date_report` and `partners_report` as CSV. Not served, because the console does not call
//! it: reports by country, raw data, the Master API, everything that writes.
//!
//! A campaign of the world is a media source, an agency and a name here: reports know no ids, so two of the same name are one row. What
//! brings installs without an advertisement stands there, too, as `Organic`. Every table has the columns of an event of the app
//! ([`EVENT`]). Days are those of the app's zone; a report of another zone, which the vendor would make, is refused.
//! The status of a refusal is the vendor's; words are, too, of a wrong token and of a limit, the others are made up.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc};
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use crate::faults::FaultKind;
use crate::noise::hash;
use crate::server::{Answer, Call, Vendor};
use crate::stage::{Owner, Platform, RowNames, Scenario, Stage};
use crate::world::{Cabinet, Campaign, Figures, Level, Place};

/// Where the vendor is; pages of the list of apps name each other by it.
const ADDRESS: &str = "https://hq1.appsflyer.com";
/// The zone of every app.
pub const ZONE: &str = "Europe/Moscow";
/// The event that every app tells besides installs.
pub const EVENT: &str = "af_purchase";
/// Days of a window that are limited by the minute and not by the day.
const SHORT: i64 = 2;
/// Media sources.
const SOURCES: [&str; 4] = ["googleadwords_int", "yandexdirect_int", "Facebook Ads", "vkads_int"];
/// What faults of content twist in the list of apps; tables are no JSON and are left alone.
const NAMES: RowNames = RowNames { day: "date", counts: &[], money: &[], status: "platform" };
/// The columns that every table has after its dimensions.
const COLUMNS: &str = "Impressions,Clicks,CTR,Installs,Conversion Rate,Sessions,Loyal Users,Loyal Users/Installs,Total Revenue,\
    Total Cost,ROI,ARPU,Average eCPI";

/// What the platform allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Reports of three days and more that may be asked for in a day, of one app.
    pub long_of_an_app: u32,
    /// The same, of an account.
    pub long_of_an_account: u32,
    /// Seconds between two reports of up to two days, of the same kind and app.
    pub gap_secs: i64,
    /// Apps that a page of the list has at most.
    pub apps_a_page: usize,
}

impl Rules {
    /// No quotas: what reads much in no time, such as a demo, would stand still for days.
    pub const FREE: Self =
        Self { long_of_an_app: u32::MAX, long_of_an_account: u32::MAX, gap_secs: 0, apps_a_page: 1_000 };
}

impl Default for Rules {
    fn default() -> Self {
        Self { long_of_an_app: 24, long_of_an_account: 120, gap_secs: 60, apps_a_page: 1_000 }
    }
}

/// Who may ask, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The owner's name.
    pub owner: String,
    /// The API token V2.0.
    pub token: String,
    /// The apps it sees.
    pub apps: Vec<App>,
}

/// An app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its id in a store.
    pub id: String,
    /// Its number in the world.
    pub cabinet: u64,
    /// Its campaigns as reports show them, each with its number in the world.
    pub campaigns: Vec<(u64, Attributed)>,
}

/// What tells rows apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attributed {
    /// The agency; `None` without one.
    pub agency: &'static str,
    /// The media source.
    pub source: &'static str,
    /// The campaign's name.
    pub campaign: String,
}

impl Attributed {
    fn of(campaign: &Campaign) -> Self {
        let place = usize::try_from(campaign.id % 4).unwrap_or_default();
        let agency = if campaign.id.is_multiple_of(3) { "None" } else { "northmedia" };
        Self { agency, source: SOURCES[place], campaign: campaign.name.clone() }
    }
}

/// How many of the people who installed the app bought something.
pub fn purchases(installs: i64) -> i64 {
    installs * 2 / 5
}

/// What was asked for so far.
#[derive(Debug, Default)]
struct Asked {
    /// Long reports of a day: of each app, and of each owner.
    of_app: HashMap<(NaiveDate, usize), u32>,
    of_owner: HashMap<(NaiveDate, u64), u32>,
    /// When a short one was last asked for, by its kind and app.
    short: HashMap<(Report, usize), DateTime<Utc>>,
}

#[derive(Debug)]
struct Hq {
    stage: Stage,
    rules: Rules,
    tokens: BTreeMap<String, Owner>,
    asked: Mutex<Asked>,
}

/// A kind of report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Report {
    Partners,
    PartnersByDate,
}

impl Report {
    fn named(name: &str) -> Option<Self> {
        match name {
            "partners_report" => Some(Self::Partners),
            "partners_by_date_report" => Some(Self::PartnersByDate),
            _ => None,
        }
    }

    /// What a refusal calls it.
    fn word(self) -> &'static str {
        match self {
            Self::Partners => "partners-report",
            Self::PartnersByDate => "partners-daily-report",
        }
    }
}

/// Starts a platform that stands for `https://hq1.appsflyer.com`.
pub fn start(scenario: &Scenario, rules: Rules) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let mut keys = Vec::new();
    let mut tokens = BTreeMap::new();
    for owner in stage.owners() {
        let part = |salt| format!("{:016x}", hash(stage.seed, owner.id, salt));
        let token = format!("eyJhbGciOiJBMjU2S1ci.{}{}.{}", part(61), part(62), part(63));
        let app = |cabinet: &Cabinet| App {
            id: app_of(cabinet),
            cabinet: cabinet.id,
            campaigns: cabinet.campaigns.iter().map(|it| (it.id, Attributed::of(it))).collect(),
        };
        keys.push(Key {
            owner: owner.name.clone(),
            token: token.clone(),
            apps: stage.world.cabinets[owner.cabinets.clone()].iter().map(app).collect(),
        });
        tokens.insert(token, owner);
    }
    let hq = Hq { stage: stage.clone(), rules, tokens, asked: Mutex::default() };
    stage.serve(Arc::new(hq), keys, 1 << 16)
}

/// Every second app is one for Android, the others are for iOS.
fn app_of(cabinet: &Cabinet) -> String {
    if cabinet.id.is_multiple_of(2) { format!("id{}", cabinet.id) } else { format!("ru.shop.app{}", cabinet.id) }
}

fn said(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({ "message": message }))
}

fn text(status: u16, words: &str) -> Answer {
    Answer::raw(status, words.as_bytes().to_vec()).with("content-type", "text/plain; charset=utf-8")
}

fn invalid_token(call: &Call) -> Answer {
    if call.path.ends_with("/mng/apps") {
        Answer::json(401, &json!("Unauthorized"))
    } else {
        said(401, "Supplied API token is invalid")
    }
}

/// A text as a cell.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// Money as the vendor writes it: four digits after the point.
fn money(kopecks: i64) -> String {
    format!("{}.{:02}00", kopecks / 100, kopecks % 100)
}

/// A share, four digits after the point; nothing of nothing is not known.
fn share(part: i64, whole: i64) -> String {
    if whole == 0 {
        return "N/A".to_owned();
    }
    let share = part * 10_000 / whole;
    format!("{}.{:04}", share / 10_000, share % 10_000)
}

/// The cells after the dimensions of a campaign's row.
fn cells(figures: &Figures) -> String {
    let Figures { impressions, clicks, spend_kopecks, conversions: installs, revenue_kopecks, .. } = *figures;
    let bought = purchases(installs);
    format!(
        "{impressions},{clicks},{},{installs},{},{},{},{},{},{},{},{},{},{bought},{bought},{}",
        share(clicks, impressions),
        share(installs, clicks),
        installs * 3,
        installs / 2,
        share(installs / 2, installs),
        money(revenue_kopecks),
        money(spend_kopecks),
        share(revenue_kopecks, spend_kopecks),
        share(revenue_kopecks, installs * 100),
        share(spend_kopecks, installs * 100),
        money(revenue_kopecks),
    )
}

/// What a report is about.
struct Question {
    from: NaiveDate,
    to: NaiveDate,
}

impl Question {
    fn read(call: &Call) -> Result<Self, Answer> {
        if let Some((name, _)) =
            call.query.iter().find(|(name, _)| !["from", "to", "timezone"].contains(&name.as_str()))
        {
            return Err(text(400, &format!("Parameter {name} is not simulated")));
        }
        let day = |name: &str| {
            let day = call.param(name).and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
            day.ok_or_else(|| text(400, "Unrecognized date format."))
        };
        let (from, to) = (day("from")?, day("to")?);
        if from > to {
            return Err(text(400, "From date can't be after To date."));
        }
        if call.param("timezone") != Some(ZONE) {
            return Err(text(400, "A zone that is not the app's is not simulated"));
        }
        Ok(Self { from, to })
    }
}

impl Hq {
    fn owner(&self, call: &Call) -> Option<&Owner> {
        self.tokens.get(call.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?)
    }

    /// A page of the list of apps.
    fn apps(&self, owner: &Owner, call: &Call) -> Answer {
        let number = |name: &str, usual: usize| match call.param(name) {
            None => Some(usual),
            Some(text) => text.parse().ok(),
        };
        let (Some(limit), Some(offset)) = (number("limit", 1_000), number("offset", 0)) else {
            return Answer::json(400, &json!("Bad request"));
        };
        let limit = limit.clamp(1, self.rules.apps_a_page);
        let cabinets = &self.stage.world.cabinets[owner.cabinets.clone()];
        let page = cabinets.iter().skip(offset).take(limit).map(|cabinet| {
            let id = app_of(cabinet);
            let platform = if id.starts_with("id") { "ios" } else { "android" };
            json!({
                "id": id,
                "type": "app",
                "attributes": {
                    "name": cabinet.name, "platform": platform, "currency": "RUB", "time_zone": ZONE,
                    "enable_retargetting": false,
                },
            })
        });
        let page: Vec<Value> = page.collect();
        let at = |offset: usize| json!(format!("{ADDRESS}/api/mng/apps?limit={limit}&offset={offset}"));
        let mut links = Map::new();
        if offset > 0 {
            links.insert("prev".to_owned(), at(offset.saturating_sub(limit)));
        }
        links.insert("self".to_owned(), at(offset));
        if offset + limit < cabinets.len() {
            links.insert("next".to_owned(), at(offset + limit));
        }
        Answer::json(200, &json!({ "data": page, "meta": { "total_items": cabinets.len() }, "links": links }))
    }

    /// Counts a report against the quotas; whether it may be made.
    fn may(&self, report: Report, place: usize, owner: &Owner, asked: &Question) -> bool {
        let now = self.stage.now();
        let mut counts = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if (asked.to - asked.from).num_days() < SHORT {
            let rests = Duration::seconds(self.rules.gap_secs);
            let free = counts.short.get(&(report, place)).is_none_or(|last| now - *last >= rests);
            if free {
                counts.short.insert((report, place), now);
            }
            return free;
        }
        let (app, account) = ((now.date_naive(), place), (now.date_naive(), owner.id));
        let of_app = counts.of_app.get(&app).copied().unwrap_or_default();
        let of_owner = counts.of_owner.get(&account).copied().unwrap_or_default();
        let free = of_app < self.rules.long_of_an_app && of_owner < self.rules.long_of_an_account;
        if free {
            counts.of_app.insert(app, of_app + 1);
            counts.of_owner.insert(account, of_owner + 1);
        }
        free
    }

    /// A table: rows that have something, by day where the report is, and what came without an advertisement.
    fn table(&self, report: Report, place: usize, asked: &Question) -> Answer {
        let today = self.stage.today();
        let cabinet = &self.stage.world.cabinets[place];
        let by_date = report == Report::PartnersByDate;
        let mut rows: BTreeMap<(Option<NaiveDate>, Attributed), Figures> = BTreeMap::new();
        let mut organic: BTreeMap<Option<NaiveDate>, u64> = BTreeMap::new();
        let from = asked.from.max(self.stage.world.first_day);
        for day in self.stage.world.days(from, asked.to, today) {
            let date = by_date.then_some(day.date);
            *organic.entry(date).or_default() +=
                5 + hash(self.stage.seed, cabinet.id, u64::from(day.date.num_days_from_ce().unsigned_abs())) % 40;
            for at in self.stage.world.ads_under(Level::Cabinet, Place { cabinet: place, index: 0 }) {
                let ad = &cabinet.ads[at];
                let figures = self.stage.world.figures(cabinet, ad, &day);
                if figures != Figures::default() {
                    *rows.entry((date, Attributed::of(&cabinet.campaigns[ad.campaign]))).or_default() += figures;
                }
            }
        }
        let mut table = String::from(if by_date { "Date," } else { "" });
        let _ = writeln!(
            table,
            "Agency/PMD (af_prt),Media Source (pid),Campaign (c),{COLUMNS},{EVENT} (Unique users),{EVENT} (Event counter),\
             {EVENT} (Sales in RUB)"
        );
        let day = |date: Option<NaiveDate>| date.map(|date| format!("{date},")).unwrap_or_default();
        for ((date, Attributed { agency, source, campaign }), figures) in &rows {
            let _ = writeln!(table, "{}{agency},{source},{},{}", day(*date), cell(campaign), cells(figures));
        }
        for (date, installs) in organic {
            let _ = writeln!(
                table,
                "{}None,Organic,None,N/A,N/A,N/A,{installs},N/A,{installs},0,0.0000,0.0000,N/A,N/A,0.0000,N/A,N/A,N/A,N/A",
                day(date)
            );
        }
        Answer::raw(200, table.into_bytes()).with("content-type", "text/csv; charset=utf-8")
    }

    fn report(&self, owner: &Owner, rest: &str, call: &Call) -> Answer {
        let mut parts = rest.split('/');
        let (app, name, version, end) = (parts.next(), parts.next(), parts.next(), parts.next());
        let place = owner.cabinets.clone().find(|at| Some(app_of(&self.stage.world.cabinets[*at]).as_str()) == app);
        let (Some(place), Some(report), Some("v5"), None) = (place, name.and_then(Report::named), version, end) else {
            return said(404, "AppsFlyer 404 error message page displays");
        };
        let asked = match Question::read(call) {
            Ok(asked) => asked,
            Err(refused) => return refused,
        };
        if !self.may(report, place, owner, &asked) {
            return text(403, &format!("Limit reached for {}", report.word()));
        }
        self.table(report, place, &asked)
    }
}

impl Vendor for Hq {
    fn answer(&self, call: &Call) -> Answer {
        let Some(owner) = self.owner(call) else { return invalid_token(call) };
        if call.method != "GET" {
            return said(405, "Method not allowed");
        }
        if call.path == "/api/mng/apps" {
            return self.apps(owner, call);
        }
        match call.path.strip_prefix("/api/agg-data/export/app/") {
            Some(rest) => self.report(owner, rest, call),
            None => Answer::json(404, &json!("Not found")),
        }
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        match fault {
            // A token is given by a person: nothing signs in and nothing is refreshed. Nothing is paged but the list of apps.
            FaultKind::ExpireAllTokens
            | FaultKind::ExpireToken
            | FaultKind::RevokeToken
            | FaultKind::LyingTotal { .. }
            | FaultKind::RepeatPage
            | FaultKind::ShuffledPage
            | FaultKind::Vanish
            | FaultKind::Appear
            | FaultKind::ErrorInside { .. } => false,
            FaultKind::NewFields | FaultKind::UnknownEnum | FaultKind::MissingField { .. } => {
                call.path == "/api/mng/apps"
            }
            _ => true,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn is_limit(&self, answer: &Answer) -> bool {
        answer.status == 429 || (answer.status == 403 && answer.body.starts_with(b"Limit reached"))
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        let report = call.path.split('/').find_map(Report::named);
        match fault {
            FaultKind::WrongKey => Some(invalid_token(call)),
            FaultKind::Throttle { .. } => Some(match report {
                Some(report) => text(403, &format!("Limit reached for {}", report.word())),
                None => Answer::json(429, &json!("Too many requests")),
            }),
            FaultKind::RevokeScope => Some(text(403, "Account problem occurred")),
            FaultKind::ServerError { status } => Some(said(*status, "Internal server error")),
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
