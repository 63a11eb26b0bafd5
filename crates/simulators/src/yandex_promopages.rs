//! Yandex PromoPages (promopages.yandex.ru/api/promo/v1) with its sign-in (oauth.yandex.ru), both at one address here.
//!
//! Written from the vendor's pages (get-user, get-campaigns, post-reports, get-reports) and from public clients of the interface, whose
//! schemas name the members of campaigns, articles and covers. Served: `permissions/user`, `campaigns` page by page, and reports on order by
//! campaign, article (publication) and cover (preview). Not served, because the console does not call it: clients and balances, reports in
//! other formats than JSON, filters by type and strategy, reports split by the source of traffic.
//!
//! How far a report is, is told by its status: 202 while it is made, until somebody has asked often enough or [`SLOWEST_SECS`] have passed.
//! Of an owner's reports the last thousand are kept. Every second campaign begins with the article that the campaign before it begins with,
//! under a cover of its own. Refusals have the vendor's statuses; their words are made up, and so is that unknown parameters are refused.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use crate::faults::{FaultKind, Hint};
use crate::server::{Answer, Call, Vendor, http_date};
use crate::stage::{Owner, Platform, RowNames, Scenario, Stage};
use crate::world::{Cabinet, Campaign, Figures, Group, Level, Life, Status};
use crate::yandex_id::{self, Tokens};

pub use crate::yandex_id::Pair;

/// The right that applications need.
const SCOPE: &str = "promopages:api";
/// Most campaigns of a page and of a list of ids.
const MOST_CAMPAIGNS: usize = 200;
/// Reports of an owner that are kept.
const KEPT_REPORTS: usize = 1_000;
/// A report that nobody asks about is ready after this.
const SLOWEST_SECS: i64 = 40;

/// What faults of content twist.
const NAMES: RowNames =
    RowNames { day: "mskDate", counts: &["impressions", "clickouts"], money: &["budget"], status: "isArchived" };

/// What is otherwise than usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How often one asks until a report is ready.
    pub askings: u32,
    /// Requests that an owner may send in a second; the vendor does not tell its limit.
    pub per_second: Option<usize>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { askings: 2, per_second: None }
    }
}

/// What an object is called and how it is, told from the world and not from answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// A campaign, an article in it (a group of the world), or a cover of that (an ad).
    pub level: Level,
    /// Its number in the world.
    pub of: u64,
    /// Its id; that of an article or a cover after the campaign's and a colon, for an article may be in several campaigns.
    pub id: String,
    /// The id of what it belongs to.
    pub parent: Option<String>,
    /// Its title. An article has none and goes by its first cover's here.
    pub name: String,
    /// How it is.
    pub status: Status,
}

/// Who may ask, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its application.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: String,
    /// Codes that a person was shown; each is good once.
    pub codes: Vec<String>,
    /// Tokens of earlier sign-ins.
    pub pairs: Vec<Pair>,
    /// Channels that it may read: an agency's clients, or the advertiser's own.
    pub publishers: Vec<String>,
    /// Numbers of the same cabinets in the world.
    pub cabinets: Vec<u64>,
    /// What is in each of them.
    pub objects: Vec<Vec<Told>>,
}

/// What the rows of a report are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Campaigns,
    Articles,
    Covers,
}

#[derive(Debug)]
struct Report {
    owner: usize,
    place: usize,
    about: About,
    campaigns: Vec<String>,
    from: NaiveDate,
    to: NaiveDate,
    ordered_at: DateTime<Utc>,
    asked: u32,
}

#[derive(Debug, Default)]
struct Desk {
    reports: BTreeMap<String, Report>,
    /// Ids of reports in their order.
    order: VecDeque<String>,
    ordered: u64,
    /// Requests of the last second, by owner.
    sent: BTreeMap<usize, VecDeque<DateTime<Utc>>>,
}

#[derive(Debug)]
struct Promo {
    stage: Stage,
    rules: Rules,
    owners: Vec<Owner>,
    tokens: Mutex<Tokens>,
    desk: Mutex<Desk>,
}

/// Starts a platform that stands for `https://promopages.yandex.ru` and for `https://oauth.yandex.ru`.
pub fn start(scenario: &Scenario, rules: Rules) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let today = stage.today();
    let owners = stage.owners();
    let mut all = Tokens::new(stage.seed, SCOPE);
    let keys = owners.iter().enumerate().map(|(place, owner)| {
        let (client_id, client_secret) = all.application(place, owner.id);
        let cabinets = || stage.world.cabinets[owner.cabinets.clone()].iter();
        Key {
            client_id,
            client_secret,
            codes: (0..3).map(|_| all.code(place)).collect(),
            pairs: (0..3).map(|_| all.issue(place)).collect(),
            publishers: cabinets().map(|cabinet| id_of(CHANNEL, cabinet.id)).collect(),
            cabinets: cabinets().map(|cabinet| cabinet.id).collect(),
            objects: cabinets().map(|cabinet| told(cabinet, today)).collect(),
        }
    });
    let keys = keys.collect();
    let tokens = Mutex::new(all);
    let vendor = Promo { stage: stage.clone(), rules, owners, tokens, desk: Mutex::default() };
    stage.serve(Arc::new(vendor), keys, 1 << 16)
}

/// Kinds of ids.
const CHANNEL: u64 = 1;
const CAMPAIGN: u64 = 2;
const ARTICLE: u64 = 3;
const COVER: u64 = 4;
const REPORT: u64 = 5;
/// A channel that was deleted, and one that the user may not read.
const DELETED: u64 = 6;
const CLOSED: u64 = 7;

/// An id as the platform writes them, 24 hexadecimal digits; these are of a kind that a careless client takes for a number (`61e...`).
fn id_of(kind: u64, id: u64) -> String {
    format!("6{kind}e{:05}{id:016}", (id ^ kind).wrapping_mul(2_654_435_761) % 100_000)
}

/// The article of a group.
fn article_of(cabinet: &Cabinet, group: &Group) -> String {
    let campaign = group.campaign;
    let first = |campaign: usize| cabinet.campaigns[campaign].groups.clone().next();
    let shared = campaign % 2 == 1 && first(campaign).is_some_and(|at| cabinet.groups[at].id == group.id);
    let before = shared.then(|| first(campaign - 1)).flatten();
    id_of(ARTICLE, before.map_or(group.id, |at| cabinet.groups[at].id))
}

fn told(cabinet: &Cabinet, today: NaiveDate) -> Vec<Told> {
    let mut all = Vec::new();
    for campaign in cabinet.campaigns.iter().filter(|it| it.life.exists(today)) {
        let of = id_of(CAMPAIGN, campaign.id);
        all.push(Told {
            level: Level::Campaign,
            of: campaign.id,
            id: of.clone(),
            parent: None,
            name: campaign.name.clone(),
            status: campaign.life.status(today),
        });
        for group in cabinet.groups[campaign.groups.clone()].iter().filter(|it| it.life.exists(today)) {
            let article = article_of(cabinet, group);
            let covers = || cabinet.ads[group.ads.clone()].iter().filter(|it| it.life.exists(today));
            let id = format!("{of}:{article}");
            all.push(Told {
                level: Level::Group,
                of: group.id,
                id: id.clone(),
                parent: Some(of.clone()),
                name: covers().next().map_or(article, |cover| cover.name.clone()),
                status: group.life.status(today),
            });
            all.extend(covers().map(|cover| Told {
                level: Level::Ad,
                of: cover.id,
                id: format!("{of}:{}", id_of(COVER, cover.id)),
                parent: Some(id.clone()),
                name: cover.name.clone(),
                status: cover.life.status(today),
            }));
        }
    }
    all
}

fn refusal(status: u16, words: &str) -> Answer {
    Answer::json(status, &json!({ "error": { "code": status, "message": words } }))
}

fn not_signed_in() -> Answer {
    refusal(401, "The token is not valid")
}

fn closed() -> Answer {
    refusal(403, "There are no rights to this channel")
}

/// The token of a request; clients were seen to call it either name.
fn token_of(call: &Call) -> Option<&str> {
    let header = call.headers.get(AUTHORIZATION)?.to_str().ok()?;
    header.strip_prefix("Bearer ").or_else(|| header.strip_prefix("OAuth "))
}

/// Refuses a parameter that the resource does not have.
fn only(call: &Call, known: &[&str]) -> Result<(), Answer> {
    match call.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => Err(refusal(400, &format!("unknown parameter {name}"))),
        None => Ok(()),
    }
}

/// Roubles as a report writes them: a number with hundredths.
fn roubles(kopecks: i64) -> Value {
    json!(kopecks as f64 / 100.0)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether something is still shown, and whether it is still there; members that are not so are left out.
fn marked(mut object: Value, life: &Life, today: NaiveDate) -> Value {
    let mark = match life.status(today) {
        Status::Active => return object,
        Status::Stopped => "isDisabled",
        Status::Deleted => "isDeleted",
    };
    object[mark] = json!(true);
    object
}

impl Promo {
    /// Whose token it is; its requests of this second are counted.
    fn owner(&self, call: &Call) -> Result<usize, Answer> {
        let owner = token_of(call).and_then(|token| lock(&self.tokens).owner(token)).ok_or_else(not_signed_in)?;
        if let Some(most) = self.rules.per_second {
            let now = self.stage.now();
            let mut desk = lock(&self.desk);
            let sent = desk.sent.entry(owner).or_default();
            while sent.front().is_some_and(|at| *at <= now - Duration::seconds(1)) {
                sent.pop_front();
            }
            if sent.len() >= most {
                return Err(refusal(429, "Too many requests"));
            }
            sent.push_back(now);
        }
        Ok(owner)
    }

    fn user(&self, owner: usize, call: &Call) -> Result<Answer, Answer> {
        only(call, &[])?;
        let owner = &self.owners[owner];
        let row = |id: String, name: &str, deleted: bool, reads: bool| {
            json!({
                "publisher": {
                    "id": id, "name": name, "logoUrl": "https://avatars.mds.yandex.net/get-promo/1/logo", "isDeleted": deleted,
                },
                "canRead": reads, "canWrite": false,
            })
        };
        let cabinets = self.stage.world.cabinets[owner.cabinets.clone()].iter();
        let mut rows: Vec<Value> =
            cabinets.map(|cabinet| row(id_of(CHANNEL, cabinet.id), &cabinet.name, false, true)).collect();
        rows.push(row(id_of(DELETED, owner.id), "Удалённый канал", true, true));
        rows.push(row(id_of(CLOSED, owner.id), "Закрытый канал", false, false));
        Ok(Answer::json(200, &json!({ "userPermissions": rows })))
    }

    /// The channel of a request, as the place of its cabinet.
    fn channel(&self, owner: usize, id: Option<&str>) -> Result<usize, Answer> {
        let id = id.ok_or_else(|| refusal(400, "publisherId is required"))?;
        let mut own = self.owners[owner].cabinets.clone();
        own.find(|place| id_of(CHANNEL, self.stage.world.cabinets[*place].id) == id).ok_or_else(closed)
    }

    fn cabinet(&self, place: usize) -> &Cabinet {
        &self.stage.world.cabinets[place]
    }

    /// The campaigns of a channel, the newest first.
    fn listed(&self, place: usize) -> impl Iterator<Item = &Campaign> {
        let today = self.stage.today();
        self.cabinet(place).campaigns.iter().rev().filter(move |it| it.life.exists(today))
    }

    fn campaigns(&self, owner: usize, call: &Call) -> Result<Answer, Answer> {
        only(call, &["publisherId", "pageLimit", "pageLastId", "campaignIds"])?;
        let place = self.channel(owner, call.param("publisherId"))?;
        let told = |campaign: &Campaign| self.campaign(place, campaign);
        if let Some(ids) = call.param("campaignIds") {
            let ids: Vec<&str> = ids.split(',').collect();
            if call.param("pageLastId").is_some() || ids.len() > MOST_CAMPAIGNS {
                return Err(refusal(400, "campaignIds are at most 200 and have no pages"));
            }
            let chosen = self.listed(place).filter(|it| ids.contains(&id_of(CAMPAIGN, it.id).as_str()));
            return Ok(Answer::json(200, &json!({ "campaigns": chosen.map(told).collect::<Vec<_>>() })));
        }
        let limit = call.param("pageLimit").and_then(|limit| limit.parse::<usize>().ok());
        let limit = limit.filter(|limit| (1..=MOST_CAMPAIGNS).contains(limit));
        let limit = limit.ok_or_else(|| refusal(400, "pageLimit is a number from 1 to 200"))?;
        let mut rest: Vec<&Campaign> = self.listed(place).collect();
        if let Some(last) = call.param("pageLastId") {
            let at = rest.iter().position(|it| id_of(CAMPAIGN, it.id) == last);
            rest.drain(..=at.ok_or_else(|| refusal(400, "there is no such pageLastId"))?);
        }
        let page = &rest[..limit.min(rest.len())];
        let mut body = json!({ "campaigns": page.iter().map(|it| told(it)).collect::<Vec<_>>() });
        if rest.len() > limit {
            body["hasNextPage"] = json!(true);
            body["pageLastId"] = json!(page.last().map(|it| id_of(CAMPAIGN, it.id)));
        } else {
            body["hasNextPage"] = json!(false);
        }
        Ok(Answer::json(200, &body))
    }

    /// A campaign with its articles and their covers.
    fn campaign(&self, place: usize, campaign: &Campaign) -> Value {
        let (cabinet, today) = (self.cabinet(place), self.stage.today());
        let groups = cabinet.groups[campaign.groups.clone()].iter().filter(|it| it.life.exists(today));
        let articles = groups.map(|group| {
            let covers = cabinet.ads[group.ads.clone()].iter().filter(|it| it.life.exists(today));
            let covers = covers.map(|cover| {
                let body = json!({
                    "id": id_of(COVER, cover.id), "title": cover.name, "imageId": format!("{:x}", cover.id),
                    "imageUrl": format!("https://avatars.mds.yandex.net/get-promo/{:x}/orig", cover.id),
                });
                marked(body, &cover.life, today)
            });
            let body = json!({
                "id": article_of(cabinet, group), "type": "article", "previews": covers.collect::<Vec<_>>(),
            });
            marked(body, &group.life, today)
        });
        // The day ends in Moscow. What runs on after its last day has no end, but no money left.
        let instant = |day: NaiveDate| format!("{day}T21:00:00Z");
        let end = campaign.life.ends.filter(|end| *end >= today || campaign.life.status(today) != Status::Active);
        let mut told = json!({
            "id": id_of(CAMPAIGN, campaign.id), "title": campaign.name, "type": "article",
            "start": campaign.life.starts.pred_opt().map(instant), "end": end.map(instant),
            "strategy": { "name": "cpm", "maxDailyMoney": roubles(campaign.daily_budget_kopecks), "cpm": 100 },
            "targeting": { "geo": [{ "id": 225, "name": "Россия" }], "os": [], "gender": [], "age": [] },
            "publications": articles.collect::<Vec<_>>(),
        });
        if campaign.life.status(today) == Status::Deleted {
            told["isArchived"] = json!(true);
        }
        told
    }

    fn order(&self, owner: usize, about: About, call: &Call) -> Result<Answer, Answer> {
        only(call, &[])?;
        let body: Value = serde_json::from_slice(&call.body).map_err(|_| refusal(400, "the body is no JSON"))?;
        let known = ["publisherId", "campaignIds", "mskDateFrom", "mskDateTo", "trafficSource"];
        if let Some(name) = body.as_object().and_then(|map| map.keys().find(|name| !known.contains(&name.as_str()))) {
            return Err(refusal(400, &format!("unknown field {name}")));
        }
        let place = self.channel(owner, body["publisherId"].as_str())?;
        let ids = body["campaignIds"].as_array().map(|ids| ids.iter().map(|id| id.as_str().map(str::to_owned)));
        let campaigns: Vec<String> =
            ids.and_then(Iterator::collect).ok_or_else(|| refusal(400, "campaignIds is a list of ids"))?;
        let own = |id: &String| self.listed(place).any(|it| id_of(CAMPAIGN, it.id) == *id);
        if campaigns.is_empty() || !campaigns.iter().all(own) {
            return Err(refusal(400, "campaignIds are ids of the channel's campaigns"));
        }
        let day = |name: &str| {
            let text = body[name].as_str().unwrap_or_default();
            NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| refusal(400, &format!("{name} is no day")))
        };
        let (from, to) = (day("mskDateFrom")?, day("mskDateTo")?);
        if from > to {
            return Err(refusal(400, "mskDateFrom is after mskDateTo"));
        }
        if !matches!(body["trafficSource"].as_str(), None | Some("total")) {
            return Err(refusal(400, "this simulator reports on all traffic together"));
        }
        let mut desk = lock(&self.desk);
        desk.ordered += 1;
        let id = id_of(REPORT, desk.ordered);
        let ordered_at = self.stage.now();
        desk.reports.insert(id.clone(), Report { owner, place, about, campaigns, from, to, ordered_at, asked: 0 });
        desk.order.push_back(id.clone());
        let own = desk.reports.values().filter(|report| report.owner == owner).count();
        if own > KEPT_REPORTS
            && let Some(at) = desk.order.iter().position(|id| desk.reports[id].owner == owner)
            && let Some(oldest) = desk.order.remove(at)
        {
            desk.reports.remove(&oldest);
        }
        Ok(Answer::json(200, &json!({ "reportId": id })))
    }

    fn report(&self, owner: usize, id: &str, call: &Call) -> Result<Answer, Answer> {
        only(call, &["format"])?;
        if call.param("format") != Some("json") {
            return Err(refusal(400, "this simulator writes reports in JSON only"));
        }
        let mut desk = lock(&self.desk);
        let report = desk.reports.get_mut(id).filter(|report| report.owner == owner);
        let report = report.ok_or_else(|| refusal(404, "There is no such report"))?;
        report.asked = report.asked.saturating_add(1);
        let late = self.stage.now() - report.ordered_at >= Duration::seconds(SLOWEST_SECS);
        if report.asked < self.rules.askings && !late {
            return Ok(Answer::raw(202, Vec::new()));
        }
        let word = match report.about {
            About::Campaigns => "campaigns-daily-stats",
            About::Articles => "campaigns-publications-daily-stats",
            About::Covers => "campaigns-previews-daily-stats",
        };
        Ok(Answer::json(200, &json!({ "type": word, "statistics": self.statistics(report) })))
    }

    /// Days on which something happened.
    fn statistics(&self, report: &Report) -> Vec<Value> {
        let cabinet = self.cabinet(report.place);
        let mut rows = Vec::new();
        for day in self.stage.world.days(report.from, report.to, self.stage.today()) {
            for campaign in &cabinet.campaigns {
                let id = id_of(CAMPAIGN, campaign.id);
                if !report.campaigns.contains(&id) {
                    continue;
                }
                let mut row = |of: Option<(&str, String)>, ads: Range<usize>| {
                    let mut sum = Figures::default();
                    for ad in &cabinet.ads[ads] {
                        sum += self.stage.world.figures(cabinet, ad, &day);
                    }
                    if sum != Figures::default() {
                        rows.push(row_of(&id, of, day.date, &sum));
                    }
                };
                match report.about {
                    About::Campaigns => row(None, campaign.ads.clone()),
                    About::Articles => {
                        for group in &cabinet.groups[campaign.groups.clone()] {
                            row(Some(("publicationId", article_of(cabinet, group))), group.ads.clone());
                        }
                    }
                    About::Covers => {
                        for at in campaign.ads.clone() {
                            row(Some(("previewId", id_of(COVER, cabinet.ads[at].id))), at..at + 1);
                        }
                    }
                }
            }
        }
        rows
    }

    fn asked(&self, call: &Call) -> Result<Answer, Answer> {
        let path = call.path.strip_prefix("/api/promo/v1/").ok_or_else(|| refusal(404, "Not found"))?;
        let owner = self.owner(call)?;
        match (call.method.as_str(), path) {
            ("GET", "permissions/user") => self.user(owner, call),
            ("GET", "campaigns") => self.campaigns(owner, call),
            ("POST", "reports/campaigns-daily-stats") => self.order(owner, About::Campaigns, call),
            ("POST", "reports/campaigns-publications-daily-stats") => self.order(owner, About::Articles, call),
            ("POST", "reports/campaigns-previews-daily-stats") => self.order(owner, About::Covers, call),
            ("GET", path) => match path.strip_prefix("reports/") {
                Some(id) => self.report(owner, id, call),
                None => Err(refusal(404, "Not found")),
            },
            _ => Err(refusal(405, "Method not allowed")),
        }
    }
}

/// A row of a report. A click on a cover opens the article; one in the article leads to the site.
fn row_of(campaign: &str, of: Option<(&str, String)>, date: NaiveDate, figures: &Figures) -> Value {
    let (out, visits) = (figures.clicks, figures.conversions);
    let clicks = (out * 2).min(figures.impressions).max(out);
    let share = |part: i64, whole: i64| if whole == 0 { 0 } else { part * 100 / whole };
    let each = |count: i64| roubles(if count == 0 { 0 } else { figures.spend_kopecks / count });
    let mut row = Map::new();
    row.insert("campaignId".to_owned(), json!(campaign));
    if let Some((name, id)) = of {
        row.insert(name.to_owned(), json!(id));
    }
    row.insert("mskDate".to_owned(), json!(date));
    for (name, value) in [
        ("impressions", json!(figures.impressions)),
        ("reach", json!(figures.impressions * 4 / 5)),
        ("budget", roubles(figures.spend_kopecks)),
        ("cpm", each((figures.impressions + 999) / 1_000)),
        ("clicks", json!(clicks)),
        ("ctr", roubles(share(clicks * 100, figures.impressions))),
        ("views", json!(clicks - clicks / 9)),
        ("fullReads", json!(clicks / 2)),
        ("fullReadPercent", json!(share(clicks / 2, clicks))),
        ("clickouts", json!(out)),
        ("clickoutPercent", json!(share(out, clicks))),
        ("clickoutCost", each(out)),
        ("videoExpands", json!(0)),
        ("metricaVisits", json!(visits)),
        ("metricaVisitPercent", json!(share(visits, out))),
        ("metricaVisitCost", each(visits)),
    ] {
        row.insert(name.to_owned(), value);
    }
    Value::Object(row)
}

impl Vendor for Promo {
    fn answer(&self, call: &Call) -> Answer {
        if call.path == "/token" {
            return if call.method == "POST" { lock(&self.tokens).asked(call) } else { Answer::raw(405, Vec::new()) };
        }
        self.asked(call).unwrap_or_else(|refused| refused)
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        let signs_in = call.path == "/token";
        let shows = call.method == "GET" && call.path.contains("/reports/");
        match fault {
            FaultKind::WrongKey => signs_in,
            FaultKind::ExpireToken | FaultKind::RevokeToken => !signs_in && token_of(call).is_some(),
            FaultKind::Throttle { .. } | FaultKind::RevokeScope => !signs_in,
            FaultKind::NegativeNumbers
            | FaultKind::GarbageNumbers
            | FaultKind::LostRows
            | FaultKind::MissingDay { .. } => shows,
            FaultKind::NewFields
            | FaultKind::MissingField { .. }
            | FaultKind::OtherType { .. }
            | FaultKind::DuplicateRows
            | FaultKind::EmptyAccount => !signs_in && call.method == "GET",
            // Lists have no totals, states are yes or no, and no refusal comes under a good status.
            FaultKind::ExpireAllTokens
            | FaultKind::LyingTotal { .. }
            | FaultKind::UnknownEnum
            | FaultKind::ErrorInside { .. }
            | FaultKind::RepeatPage
            | FaultKind::ShuffledPage
            | FaultKind::Vanish
            | FaultKind::Appear
            | FaultKind::HalfDay { .. }
            | FaultKind::CopiedDay { .. } => false,
            _ => true,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::WrongKey => Some(yandex_id::refusal("invalid_client", "Wrong client secret")),
            FaultKind::ExpireToken | FaultKind::RevokeToken => {
                lock(&self.tokens).end(token_of(call)?, *fault == FaultKind::RevokeToken);
                Some(not_signed_in())
            }
            FaultKind::Throttle { hint } => {
                let answer = refusal(429, "Too many requests");
                // The platform itself was not seen to name a time.
                Some(match hint {
                    Hint::After { secs } => answer.with("retry-after", secs.to_string()),
                    Hint::Date { secs } => {
                        answer.with("retry-after", http_date(self.stage.now() + Duration::seconds(i64::from(*secs))))
                    }
                    _ => answer,
                })
            }
            FaultKind::RevokeScope => Some(closed()),
            FaultKind::ServerError { status } => Some(refusal(*status, "Internal error")),
            _ => None,
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        for name in ["userPermissions", "campaigns", "statistics"] {
            if let Some(rows) = body.get_mut(name).and_then(Value::as_array_mut) {
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
    use crate::calendar::{TimeFlow, moscow_today};

    struct Visitor {
        platform: Platform<Key>,
        client: reqwest::Client,
    }

    impl Visitor {
        fn of(rules: Rules) -> Self {
            let mut scenario = Scenario::small(moscow_today());
            scenario.time = TimeFlow::Manual;
            Self { platform: start(&scenario, rules).unwrap(), client: reqwest::Client::new() }
        }

        fn url(&self, path: &str) -> String {
            format!("{}/api/promo/v1/{path}", self.platform.base_url)
        }

        async fn get(&self, path: &str) -> (u16, Value) {
            let token = &self.platform.keys[0].pairs[0].access;
            let answer = self.client.get(self.url(path)).bearer_auth(token).send().await.unwrap();
            (answer.status().as_u16(), answer.json().await.unwrap_or_default())
        }

        async fn order(&self, about: &str, body: &Value) -> (u16, Value) {
            let token = &self.platform.keys[0].pairs[0].access;
            let request = self.client.post(self.url(&format!("reports/{about}-daily-stats"))).json(body);
            let answer = request.header("Authorization", format!("OAuth {token}")).send().await.unwrap();
            (answer.status().as_u16(), answer.json().await.unwrap_or_default())
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn campaigns_come_page_by_page_with_what_is_in_them() {
        let visitor = Visitor::of(Rules::default());
        let publisher = &visitor.platform.keys[0].publishers[0];
        let (mut found, mut last) = (Vec::new(), String::new());
        loop {
            let (status, page) = visitor.get(&format!("campaigns?publisherId={publisher}&pageLimit=2{last}")).await;
            assert_eq!(status, 200, "{page}");
            found.extend(page["campaigns"].as_array().unwrap().clone());
            if page["hasNextPage"] != json!(true) {
                assert!(page.get("pageLastId").is_none());
                break;
            }
            last = format!("&pageLastId={}", page["pageLastId"].as_str().unwrap());
        }
        let told = &visitor.platform.keys[0].objects[0];
        assert_eq!(found.len(), told.iter().filter(|it| it.level == Level::Campaign).count());
        assert!(found.len() > 2 && found.iter().any(|it| !it["publications"].as_array().unwrap().is_empty()));
        // One article is in two campaigns.
        let articles: Vec<&str> =
            told.iter().filter(|it| it.level == Level::Group).map(|it| it.id.split_once(':').unwrap().1).collect();
        let mut once = articles.clone();
        once.sort_unstable();
        once.dedup();
        assert!(once.len() < articles.len());
        for (query, status) in [
            (format!("publisherId={publisher}"), 400),
            (format!("publisherId={publisher}&pageLimit=201"), 400),
            (format!("publisherId={publisher}&pageLimit=200&page=2"), 400),
            ("pageLimit=200".to_owned(), 400),
            (format!("publisherId={}&pageLimit=200", visitor.platform.keys[1].publishers[0]), 403),
        ] {
            assert_eq!(visitor.get(&format!("campaigns?{query}")).await.0, status, "{query}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_report_is_ordered_made_and_fetched() {
        let visitor = Visitor::of(Rules { askings: 3, ..Rules::default() });
        let (key, today) = (&visitor.platform.keys[0], visitor.platform.calendar().today());
        let campaign = &key.objects[0][0].id;
        let body = |ids: &[&String], more: (&str, Value)| {
            let mut body = json!({
                "publisherId": key.publishers[0], "campaignIds": ids, "mskDateFrom": today - Duration::days(89),
                "mskDateTo": today, "trafficSource": "total",
            });
            body[more.0] = more.1;
            body
        };
        let total = ("trafficSource", json!("total"));
        let foreign = &key.objects[1][0].id;
        for (body, status) in [
            (body(&[], total.clone()), 400),
            (body(&[foreign], total.clone()), 400),
            (body(&[campaign], ("mskDateFrom", json!("20.05.2025"))), 400),
            (body(&[campaign], ("mskDateFrom", json!(today + Duration::days(1)))), 400),
            (body(&[campaign], ("format", json!("json"))), 400),
            (body(&[campaign], ("publisherId", json!(visitor.platform.keys[1].publishers[0]))), 403),
        ] {
            assert_eq!(visitor.order("campaigns", &body).await.0, status, "{body}");
        }
        let (_, ordered) = visitor.order("campaigns-previews", &body(&[campaign], total.clone())).await;
        let path = format!("reports/{}?format=json", ordered["reportId"].as_str().unwrap());
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(visitor.get(&path).await.0);
        }
        assert_eq!(statuses, [202, 202, 200]);
        let (_, report) = visitor.get(&path).await;
        let rows = report["statistics"].as_array().unwrap();
        assert!(!rows.is_empty() && rows.iter().all(|row| row["campaignId"] == json!(campaign)));
        assert!(rows.iter().all(|row| row["previewId"].is_string() && row["budget"].is_number()));
        assert_eq!(visitor.get("reports/655bc606985e8d44fb3f3fa7?format=json").await.0, 404);

        // Nobody asks often, and it is ready all the same.
        let (_, ordered) = visitor.order("campaigns", &body(&[campaign], total)).await;
        visitor.platform.calendar().advance_seconds(u32::try_from(SLOWEST_SECS).unwrap());
        let path = format!("reports/{}?format=json", ordered["reportId"].as_str().unwrap());
        assert_eq!(visitor.get(&path).await.0, 200);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn too_many_requests_are_refused_until_the_second_is_over() {
        let visitor = Visitor::of(Rules { per_second: Some(2), ..Rules::default() });
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(visitor.get("permissions/user").await.0);
        }
        assert_eq!(statuses, [200, 200, 429]);
        visitor.platform.calendar().advance_seconds(1);
        assert_eq!(visitor.get("permissions/user").await.0, 200);
    }
}
