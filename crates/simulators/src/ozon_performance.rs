//! Ozon Performance (api-performance.ozon.ru): the advertising cabinet of a seller, one cabinet per key.
//!
//! Written from answers that clients of the interface recorded (campaigns, their products, `daily` and `expense`, reports in JSON), from the
//! words of refusals they quote, and from the documented limits. Served: tokens of half an hour, campaigns, products of a campaign, daily
//! figures and expenses, and reports on order. Not served, because the console does not call it: bids and budgets, reports in CSV, orders
//! of pay-per-order promotion, media and external traffic. A report of a campaign that is not one of products is refused here, though the
//! platform makes one with other columns.
//!
//! Sums are roubles as text with a comma, budgets millionths of a rouble. Of an account one report is made at a time, of ten campaigns and
//! 62 days at most; how far it is, is told by asking (or by a minute of waiting), so that tests need no real time. Words of a refusal of
//! which no record was found (403, 404, the day's quota) are made up.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, NaiveDate, SecondsFormat, Utc};
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use crate::faults::{FaultKind, Hint};
use crate::noise::hash;
use crate::server::{Answer, Call, Vendor, http_date};
use crate::stage::{Platform, RowNames, Scenario, Stage};
use crate::world::{Aim, Cabinet, Campaign, Figures, Level, Place, Status};

/// How long a token lives.
const TOKEN_LIFE_SECS: i64 = 1_800;
/// Most campaigns and days of a report.
const MOST_CAMPAIGNS: usize = 10;
const MOST_DAYS: i64 = 62;
/// Exports in a day: so many per active campaign, and never more than that. A campaign in a report is an export.
const EXPORTS_PER_CAMPAIGN: usize = 240;
const MOST_EXPORTS: usize = 2_000;
/// A report that nobody asks about is ready after this.
const SLOWEST_SECS: i64 = 60;
/// What a service account's name ends with.
const SUFFIX: &str = "@advertising.performance.ozon.ru";

/// What faults of content twist.
const NAMES: RowNames = RowNames { day: "date", counts: &["views", "clicks"], money: &["moneySpent"], status: "state" };

/// How reports are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Making {
    /// How often one asks until a report is ready.
    pub asks: u32,
    /// So many orders are refused first: another program's report is being made.
    pub busy: u32,
    /// So many reports end in an error first.
    pub errors: u32,
}

impl Making {
    /// On a quiet day.
    pub const USUAL: Self = Self { asks: 3, busy: 0, errors: 0 };
}

/// What an object is called and how it is, told from the world and not from answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its number; that of a product is its SKU.
    pub id: u64,
    /// The campaign of a product.
    pub campaign: Option<u64>,
    /// Its name.
    pub name: String,
    /// How it is.
    pub status: Status,
}

/// What a person copies out of the cabinet's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Name of the service account.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Number of the cabinet in the world.
    pub cabinet: u64,
    /// Its campaigns.
    pub campaigns: Vec<Told>,
    /// Those of them that promote products for a price per click: the only ones with figures of products.
    pub by_products: Vec<u64>,
    /// Products of those that are not archived.
    pub products: Vec<Told>,
    /// Campaign and SKU of everything those campaigns ever promoted.
    pub promoted: Vec<(u64, u64)>,
}

#[derive(Debug)]
struct Token {
    cabinet: usize,
    ends_at: DateTime<Utc>,
}

/// A report on order.
#[derive(Debug)]
struct Report {
    cabinet: usize,
    campaigns: Vec<u64>,
    from: NaiveDate,
    to: NaiveDate,
    ordered_at: DateTime<Utc>,
    asked: u32,
    fails: bool,
}

#[derive(Debug, Default)]
struct Desk {
    tokens: HashMap<String, Token>,
    issued: u64,
    reports: BTreeMap<String, Report>,
    ordered: u64,
    refused: u32,
    /// Exports of a day and cabinet.
    exports: HashMap<(NaiveDate, usize), usize>,
}

#[derive(Debug)]
struct Performance {
    stage: Stage,
    making: Making,
    /// Service account, secret, place of the cabinet.
    accounts: Vec<(String, String, usize)>,
    desk: Mutex<Desk>,
}

/// Starts a platform that stands for `https://api-performance.ozon.ru`.
pub fn start(scenario: &Scenario, making: Making) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let today = stage.today();
    let mut keys = Vec::new();
    let mut accounts = Vec::new();
    for (place, cabinet) in stage.world.cabinets.iter().enumerate() {
        let client_id = format!("{}-{}{SUFFIX}", 90_000_000 + cabinet.id % 1_000_000, 1_700_000_000_000 + cabinet.id);
        let client_secret =
            format!("{:016x}{:016x}", hash(stage.seed, cabinet.id, 11), hash(stage.seed, cabinet.id, 12));
        accounts.push((client_id.clone(), client_secret.clone(), place));
        let campaigns = cabinet.campaigns.iter().filter(|it| it.life.exists(today));
        let by_products: Vec<&Campaign> = campaigns.clone().filter(|it| kind(it).0 == "SKU").collect();
        let kept = by_products.iter().filter(|it| it.life.status(today) != Status::Deleted);
        let products = kept.flat_map(|campaign| {
            let ads = cabinet.ads[campaign.ads.clone()].iter();
            let shown = ads.filter(|ad| ad.life.exists(today) && ad.life.status(today) != Status::Deleted);
            shown.map(|ad| Told {
                id: ad.id,
                campaign: Some(campaign.id),
                name: ad.name.clone(),
                status: ad.life.status(today),
            })
        });
        let promoted = by_products.iter().flat_map(|campaign| {
            let ads = cabinet.ads[campaign.ads.clone()].iter().filter(|ad| ad.life.exists(today));
            ads.map(|ad| (campaign.id, ad.id))
        });
        keys.push(Key {
            client_id,
            client_secret,
            cabinet: cabinet.id,
            products: products.collect(),
            promoted: promoted.collect(),
            by_products: by_products.iter().map(|it| it.id).collect(),
            campaigns: campaigns
                .map(|it| Told { id: it.id, campaign: None, name: it.name.clone(), status: it.life.status(today) })
                .collect(),
        });
    }
    let vendor = Performance { stage: stage.clone(), making, accounts, desk: Mutex::default() };
    stage.serve(Arc::new(vendor), keys, 1 << 16)
}

/// What a campaign advertises, and what it pays for.
fn kind(campaign: &Campaign) -> (&'static str, &'static str) {
    match campaign.aim {
        Aim::Site => ("SKU", "CPC"),
        Aim::Leads => ("SEARCH_PROMO", "CPO"),
        Aim::Community => ("BANNER", "CPM"),
    }
}

fn state_word(status: Status) -> &'static str {
    match status {
        Status::Active => "CAMPAIGN_STATE_RUNNING",
        Status::Stopped => "CAMPAIGN_STATE_INACTIVE",
        Status::Deleted => "CAMPAIGN_STATE_ARCHIVED",
    }
}

fn refusal(status: u16, words: &str) -> Answer {
    Answer::json(status, &json!({ "error": words }))
}

fn not_signed_in() -> Answer {
    refusal(401, "Запрос не аутентифицирован")
}

/// Roubles as statistics write them.
fn roubles(kopecks: i64) -> String {
    format!("{},{:02}", kopecks / 100, kopecks % 100)
}

fn bearer(call: &Call) -> Option<&str> {
    call.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Refuses a parameter that the resource does not have.
fn only(call: &Call, known: &[&str]) -> Result<(), Answer> {
    match call.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => Err(refusal(400, &format!("unknown parameter {name}"))),
        None => Ok(()),
    }
}

fn day(text: &str, name: &str) -> Result<NaiveDate, Answer> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| refusal(400, &format!("invalid {name}: {text}")))
}

/// Numbers of a repeated parameter; a list in one value is not understood.
fn numbers(call: &Call, name: &str) -> Result<Vec<u64>, Answer> {
    let values = call.query.iter().filter(|(key, _)| key == name);
    let parsed = values.map(|(_, value)| {
        let wrong = || format!("parsing list \"{name}\": strconv.ParseUint: parsing \"{value}\": invalid syntax");
        value.parse().map_err(|_| refusal(400, &wrong()))
    });
    parsed.collect()
}

/// A page of a list, when one is asked for.
fn page_of<T>(call: &Call, rows: Vec<T>) -> Result<Vec<T>, Answer> {
    let number = |name: &str| match call.param(name) {
        None => Ok(None),
        Some(text) => match text.parse::<usize>() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(refusal(400, &format!("invalid {name}: {text}"))),
        },
    };
    let (page, size) = (number("page")?, number("pageSize")?);
    if page.is_none() && size.is_none() {
        return Ok(rows);
    }
    let size = size.unwrap_or(100);
    Ok(rows.into_iter().skip((page.unwrap_or(1) - 1) * size).take(size).collect())
}

impl Performance {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cabinet(&self, place: usize) -> &Cabinet {
        &self.stage.world.cabinets[place]
    }

    /// Hands out a token.
    fn token(&self, call: &Call) -> Answer {
        let Ok(body) = serde_json::from_slice::<Value>(&call.body) else {
            return refusal(400, "invalid_request");
        };
        let said = |name: &str| body[name].as_str().unwrap_or_default();
        if said("grant_type") != "client_credentials" {
            return refusal(400, "unsupported_grant_type");
        }
        let known =
            self.accounts.iter().find(|(id, secret, _)| id == said("client_id") && secret == said("client_secret"));
        let Some((_, _, place)) = known else { return wrong_key() };
        let mut desk = self.desk();
        desk.issued += 1;
        let part = |salt| format!("{:016x}", hash(self.stage.seed ^ desk.issued, *place as u64, salt));
        let token = format!("eyJ{}.{}.{}", part(21), part(22), part(23));
        let ends_at = self.stage.now() + Duration::seconds(TOKEN_LIFE_SECS);
        desk.tokens.insert(token.clone(), Token { cabinet: *place, ends_at });
        Answer::json(200, &json!({ "access_token": token, "expires_in": TOKEN_LIFE_SECS, "token_type": "Bearer" }))
    }

    /// The cabinet that asks; an ended or unknown token is refused.
    fn owner(&self, call: &Call) -> Result<usize, Answer> {
        let now = self.stage.now();
        let desk = self.desk();
        let token = bearer(call).and_then(|token| desk.tokens.get(token)).filter(|token| token.ends_at > now);
        token.map(|token| token.cabinet).ok_or_else(not_signed_in)
    }

    fn campaigns(&self, place: usize, call: &Call) -> Result<Answer, Answer> {
        only(call, &["campaignIds", "advObjectType", "state", "page", "pageSize"])?;
        let ids = numbers(call, "campaignIds")?;
        let today = self.stage.today();
        let has = |name: &str, value: &str| call.param(name).is_none_or(|wanted| wanted == value);
        let all = self.cabinet(place).campaigns.iter().rev().filter(|it| it.life.exists(today));
        let chosen: Vec<&Campaign> = all
            .filter(|it| ids.is_empty() || ids.contains(&it.id))
            .filter(|it| has("advObjectType", kind(it).0) && has("state", state_word(it.life.status(today))))
            .collect();
        let total = chosen.len();
        let list: Vec<Value> = page_of(call, chosen)?
            .into_iter()
            .map(|it| {
                let instant = |at: chrono::NaiveDateTime| at.and_utc().to_rfc3339_opts(SecondsFormat::Micros, true);
                let (object, payment) = kind(it);
                json!({
                    "id": it.id.to_string(), "title": it.name, "state": state_word(it.life.status(today)),
                    "advObjectType": object, "fromDate": it.life.starts, "toDate": "", "dailyBudget": "0",
                    "placement": ["PLACEMENT_SEARCH_AND_CATEGORY"], "budget": "0",
                    "createdAt": instant(it.life.created(it.minute)),
                    "updatedAt": instant(it.life.updated(today, it.minute)),
                    "productCampaignMode": "PRODUCT_CAMPAIGN_MODE_AUTO", "productAutopilotStrategy": "TARGET_BIDS",
                    "autopilot": null, "PaymentType": payment, "expenseStrategy": "DAILY_BUDGET",
                    "weeklyBudget": (it.daily_budget_kopecks * 7 * 10_000).to_string(),
                    "budgetType": "PRODUCT_CAMPAIGN_BUDGET_TYPE_WEEKLY", "isAutocreated": false,
                    "autostopStatus": "AUTOSTOP_STATUS_NONE",
                })
            })
            .collect();
        Ok(Answer::json(200, &json!({ "list": list, "total": total.to_string() })))
    }

    /// A campaign of the cabinet, as its place.
    fn campaign(&self, place: usize, id: u64) -> Result<&Campaign, Answer> {
        let today = self.stage.today();
        let found = self.cabinet(place).campaigns.iter().find(|it| it.id == id && it.life.exists(today));
        found.ok_or_else(|| refusal(404, "Кампания не найдена"))
    }

    fn products(&self, place: usize, id: &str, call: &Call) -> Result<Answer, Answer> {
        only(call, &["page", "pageSize"])?;
        let id = id.parse().map_err(|_| refusal(400, "invalid campaignId"))?;
        let campaign = self.campaign(place, id)?;
        let today = self.stage.today();
        if campaign.life.status(today) == Status::Deleted {
            return Err(refusal(400, "Товары перенесены в архив"));
        }
        let ads = self.cabinet(place).ads[campaign.ads.clone()].iter();
        let shown = ads.filter(|ad| {
            kind(campaign).0 == "SKU" && ad.life.exists(today) && ad.life.status(today) != Status::Deleted
        });
        let rows = shown
            .map(|ad| json!({ "sku": ad.id.to_string(), "bid": "5000000", "title": ad.name, "targetCir": 0 }))
            .collect();
        Ok(Answer::json(200, &json!({ "products": page_of(call, rows)? })))
    }

    /// The days of a question; the past week when it names none.
    fn asked_days(&self, call: &Call) -> Result<(NaiveDate, NaiveDate), Answer> {
        let today = self.stage.today();
        let edge = |name: &str, usual: NaiveDate| call.param(name).map_or(Ok(usual), |text| day(text, name));
        let (from, to) = (edge("dateFrom", today - Duration::days(6))?, edge("dateTo", today)?);
        if from > to { Err(refusal(400, "dateFrom is after dateTo")) } else { Ok((from, to)) }
    }

    /// Figures of campaigns by day, those with delivery only.
    fn by_day(
        &self,
        place: usize,
        call: &Call,
        shown: impl Fn(&mut Map<String, Value>, &Figures),
    ) -> Result<Answer, Answer> {
        only(call, &["campaignIds", "dateFrom", "dateTo"])?;
        let ids = numbers(call, "campaignIds")?;
        let (from, to) = self.asked_days(call)?;
        let cabinet = self.cabinet(place);
        let mut rows = Vec::new();
        for day in self.stage.world.days(from, to, self.stage.today()) {
            for (index, campaign) in cabinet.campaigns.iter().enumerate() {
                if !ids.is_empty() && !ids.contains(&campaign.id) {
                    continue;
                }
                let mut sum = Figures::default();
                for at in self.stage.world.ads_under(Level::Campaign, Place { cabinet: place, index }) {
                    sum += self.stage.world.figures(cabinet, &cabinet.ads[at], &day);
                }
                if sum == Figures::default() {
                    continue;
                }
                let mut row = Map::new();
                row.insert("id".to_owned(), json!(campaign.id.to_string()));
                row.insert("title".to_owned(), json!(campaign.name));
                row.insert("date".to_owned(), json!(day.date));
                row.insert("moneySpent".to_owned(), json!(roubles(sum.spend_kopecks)));
                shown(&mut row, &sum);
                rows.push(Value::Object(row));
            }
        }
        Ok(Answer::json(200, &json!({ "rows": rows })))
    }

    fn daily(&self, place: usize, call: &Call) -> Result<Answer, Answer> {
        self.by_day(place, call, |row, sum| {
            for (name, count) in [("views", sum.impressions), ("clicks", sum.clicks), ("orders", sum.conversions)] {
                row.insert(name.to_owned(), json!(count.to_string()));
            }
            row.insert("ordersMoney".to_owned(), json!(roubles(sum.revenue_kopecks)));
        })
    }

    fn expense(&self, place: usize, call: &Call) -> Result<Answer, Answer> {
        self.by_day(place, call, |row, _| {
            row.insert("bonusSpent".to_owned(), json!("0,00"));
            row.insert("prepaymentSpent".to_owned(), json!("0,00"));
        })
    }

    /// Whether a report is ready by now.
    fn ready(&self, report: &Report) -> bool {
        report.asked >= self.making.asks || self.stage.now() - report.ordered_at >= Duration::seconds(SLOWEST_SECS)
    }

    fn order(&self, place: usize, call: &Call) -> Result<Answer, Answer> {
        let body: Value = serde_json::from_slice(&call.body).map_err(|_| refusal(400, "invalid body"))?;
        let known = ["campaigns", "dateFrom", "dateTo", "groupBy"];
        if let Some(name) = body.as_object().and_then(|map| map.keys().find(|name| !known.contains(&name.as_str()))) {
            return Err(refusal(400, &format!("unknown field \"{name}\"")));
        }
        let listed = body["campaigns"].as_array().ok_or_else(|| refusal(400, "empty campaigns"))?;
        let ids = listed.iter().map(|id| id.as_str().and_then(|text| text.parse().ok()));
        let ids: Vec<u64> = ids.collect::<Option<_>>().ok_or_else(|| refusal(400, "invalid campaigns"))?;
        if ids.is_empty() {
            return Err(refusal(400, "empty campaigns"));
        }
        if ids.len() > MOST_CAMPAIGNS {
            return Err(refusal(400, "Превышен лимит по количеству кампаний (максимум 10)"));
        }
        for id in &ids {
            if kind(self.campaign(place, *id)?).0 != "SKU" {
                return Err(refusal(400, "this simulator reports on campaigns of products only"));
            }
        }
        let edge = |name: &str| day(body[name].as_str().unwrap_or_default(), name);
        let (from, to) = (edge("dateFrom")?, edge("dateTo")?);
        if from > to || (to - from).num_days() + 1 > MOST_DAYS {
            return Err(refusal(400, "Период отчёта не может быть больше 62 дней"));
        }
        if body["groupBy"] != "DATE" {
            return Err(refusal(400, "this simulator groups by DATE only"));
        }
        let mut desk = self.desk();
        let others = desk.reports.values().any(|report| report.cabinet == place && !self.ready(report));
        if others || desk.refused < self.making.busy {
            desk.refused += u32::from(!others);
            return Err(refusal(429, "Превышен лимит активных запросов (максимум 1)"));
        }
        let today = self.stage.today();
        let active = self.cabinet(place).campaigns.iter().filter(|it| it.life.status(today) == Status::Active).count();
        let exports = desk.exports.entry((today, place)).or_default();
        if *exports + ids.len() > (active.max(1) * EXPORTS_PER_CAMPAIGN).min(MOST_EXPORTS) {
            return Err(refusal(429, "Превышен лимит выгрузок за сутки"));
        }
        *exports += ids.len();
        desk.ordered += 1;
        let part = |salt| hash(self.stage.seed ^ desk.ordered, place as u64, salt);
        let (high, low) = (part(31), part(32));
        let uuid = format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xFFFF,
            high & 0xFFF,
            low >> 52,
            low & 0xFFFF_FFFF_FFFF
        );
        let fails = desk.ordered <= u64::from(self.making.errors);
        let ordered_at = self.stage.now();
        desk.reports
            .insert(uuid.clone(), Report { cabinet: place, campaigns: ids, from, to, ordered_at, asked: 0, fails });
        Ok(Answer::json(200, &json!({ "UUID": uuid, "vendor": false })))
    }

    fn state(&self, place: usize, uuid: &str) -> Result<Answer, Answer> {
        let mut desk = self.desk();
        let found = desk.reports.get_mut(uuid).filter(|report| report.cabinet == place);
        let report = found.ok_or_else(|| refusal(404, "report not found"))?;
        report.asked = report.asked.saturating_add(1);
        let (state, link) = match (self.ready(report), report.fails) {
            (true, true) => ("ERROR", String::new()),
            (true, false) => ("OK", format!("/api/client/statistics/report?UUID={uuid}")),
            (false, _) if report.asked == 1 => ("NOT_STARTED", String::new()),
            (false, _) => ("IN_PROGRESS", String::new()),
        };
        let instant = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
        Ok(Answer::json(
            200,
            &json!({
                "UUID": uuid, "state": state, "createdAt": instant(report.ordered_at),
                "updatedAt": instant(self.stage.now()), "error": if state == "ERROR" { "internal error" } else { "" },
                "link": link, "kind": "STATS",
                "request": { "campaigns": report.campaigns.iter().map(u64::to_string).collect::<Vec<_>>(), "groupBy": "DATE" },
            }),
        ))
    }

    fn report(&self, place: usize, call: &Call) -> Result<Answer, Answer> {
        only(call, &["UUID"])?;
        let desk = self.desk();
        let report = call.param("UUID").and_then(|uuid| desk.reports.get(uuid));
        let report = report.filter(|report| report.cabinet == place && self.ready(report) && !report.fails);
        let report = report.ok_or_else(|| refusal(404, "report not found"))?;
        let shown = |day: NaiveDate| day.format("%d.%m.%Y").to_string();
        let mut told = Map::new();
        for id in &report.campaigns {
            let title =
                format!("Кампания по продвижению товаров № {id}, период {}-{}", shown(report.from), shown(report.to));
            let (rows, totals) = self.rows(place, *id, report.from, report.to);
            told.insert(id.to_string(), json!({ "title": title, "report": { "rows": rows, "totals": totals } }));
        }
        Ok(Answer::json(200, &Value::Object(told)))
    }

    /// Rows of a campaign's products by day, and their sum.
    fn rows(&self, place: usize, id: u64, from: NaiveDate, to: NaiveDate) -> (Vec<Value>, Value) {
        let cabinet = self.cabinet(place);
        let mut rows = Vec::new();
        let mut total = Figures::default();
        let Some(at) = self.stage.world.find(Level::Campaign, id) else { return (rows, json!({})) };
        for day in self.stage.world.days(from, to, self.stage.today()) {
            for ad in &cabinet.ads[self.stage.world.ads_under(Level::Campaign, at)] {
                let figures = self.stage.world.figures(cabinet, ad, &day);
                if figures == Figures::default() {
                    continue;
                }
                total += figures;
                let mut row = Map::new();
                row.insert("search_query".to_owned(), json!(""));
                row.insert("date".to_owned(), json!(day.date.format("%d.%m.%Y").to_string()));
                row.insert("sku".to_owned(), json!(ad.id.to_string()));
                row.insert("title".to_owned(), json!(ad.name));
                row.insert("price".to_owned(), json!("2221,00"));
                counted(&mut row, &figures);
                rows.push(Value::Object(row));
            }
        }
        let mut sums = Map::new();
        sums.insert("search_query".to_owned(), json!(""));
        counted(&mut sums, &total);
        (rows, Value::Object(sums))
    }

    fn asked(&self, call: &Call, place: usize, path: &str) -> Result<Answer, Answer> {
        match (call.method.as_str(), path) {
            ("GET", "campaign") => self.campaigns(place, call),
            ("GET", "statistics/daily/json") => self.daily(place, call),
            ("GET", "statistics/expense/json") => self.expense(place, call),
            ("POST", "statistics/json") => self.order(place, call),
            ("GET", "statistics/report") => self.report(place, call),
            ("GET", path) => {
                let products = path.strip_prefix("campaign/").and_then(|rest| rest.strip_suffix("/v2/products"));
                match (products, path.strip_prefix("statistics/")) {
                    (Some(id), _) => self.products(place, id, call),
                    (None, Some(uuid)) => self.state(place, uuid),
                    (None, None) => Err(refusal(404, "Not Found")),
                }
            }
            _ => Err(refusal(405, "Method Not Allowed")),
        }
    }
}

fn wrong_key() -> Answer {
    let words = "Client authentication failed (e.g., unknown client, no client authentication included)";
    Answer::json(401, &json!({ "error": "invalid_client", "error_description": words }))
}

/// Figures as a report writes them: counts that are zero are left out, orders of other models of the product stand apart.
fn counted(row: &mut Map<String, Value>, figures: &Figures) {
    let own = figures.conversions / 3;
    let models = figures.conversions - own;
    let each = if figures.conversions == 0 { 0 } else { figures.revenue_kopecks / figures.conversions };
    for (name, count) in
        [("views", figures.impressions), ("clicks", figures.clicks), ("orders", own), ("models", models)]
    {
        if count != 0 {
            row.insert(name.to_owned(), json!(count.to_string()));
        }
    }
    row.insert("moneySpent".to_owned(), json!(roubles(figures.spend_kopecks)));
    row.insert("ordersMoney".to_owned(), json!(roubles(own * each)));
    row.insert("modelsMoney".to_owned(), json!(roubles(figures.revenue_kopecks - own * each)));
}

/// Where tokens are handed out.
const TOKEN_PATH: &str = "/api/client/token";

impl Vendor for Performance {
    fn answer(&self, call: &Call) -> Answer {
        if call.path == TOKEN_PATH {
            return if call.method == "POST" { self.token(call) } else { refusal(405, "Method Not Allowed") };
        }
        let Some(path) = call.path.strip_prefix("/api/client/") else { return refusal(404, "Not Found") };
        let answer = self.owner(call).and_then(|place| self.asked(call, place, path));
        answer.unwrap_or_else(|refused| refused)
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        let signs_in = call.path == TOKEN_PATH;
        match fault {
            FaultKind::WrongKey => signs_in,
            FaultKind::RevokeToken | FaultKind::ExpireToken | FaultKind::ExpireAllTokens | FaultKind::RevokeScope => {
                !signs_in
            }
            FaultKind::LyingTotal { .. } | FaultKind::UnknownEnum => call.path.ends_with("/campaign"),
            FaultKind::NegativeNumbers | FaultKind::GarbageNumbers => call.path.contains("/statistics/"),
            // Lists come whole.
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
            FaultKind::Throttle { hint } => {
                let answer = refusal(429, "Превышен лимит активных запросов (максимум 1)");
                // The platform itself names no time.
                Some(match hint {
                    Hint::After { secs } => answer.with("retry-after", secs.to_string()),
                    Hint::Date { secs } => {
                        answer.with("retry-after", http_date(self.stage.now() + Duration::seconds(i64::from(*secs))))
                    }
                    _ => answer,
                })
            }
            FaultKind::ErrorInside { code } => Some(refusal(200, code)),
            FaultKind::RevokeScope => Some(refusal(403, "Нет доступа")),
            FaultKind::ServerError { status } => {
                let words = json!({ "code": 13, "message": "internal error", "details": [] });
                Some(Answer::json(*status, &words))
            }
            _ => None,
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        if let FaultKind::LyingTotal { delta } = fault {
            let total = body["total"].as_str().and_then(|total| total.parse::<i64>().ok());
            if let Some(total) = total {
                body["total"] = json!((total + delta).to_string());
            }
            return;
        }
        for name in ["list", "rows", "products"] {
            if let Some(rows) = body.get_mut(name).and_then(Value::as_array_mut) {
                NAMES.bend(fault, rows);
                return;
            }
        }
        for report in body.as_object_mut().into_iter().flat_map(|map| map.values_mut()) {
            if let Some(rows) = report.pointer_mut("/report/rows").and_then(Value::as_array_mut) {
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

    fn open() -> (Platform<Key>, Key, reqwest::Client) {
        let platform = start(&Scenario::small(crate::calendar::moscow_today()), Making::USUAL).unwrap();
        let key = platform.keys[0].clone();
        (platform, key, reqwest::Client::new())
    }

    async fn signed_in(platform: &Platform<Key>, key: &Key, client: &reqwest::Client) -> String {
        let body = json!({
            "client_id": key.client_id, "client_secret": key.client_secret, "grant_type": "client_credentials",
        });
        let answer = client.post(format!("{}{TOKEN_PATH}", platform.base_url)).json(&body).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_report_is_ordered_alone_watched_and_fetched() {
        let (platform, key, client) = open();
        let token = signed_in(&platform, &key, &client).await;
        let at = |path: &str| format!("{}/api/client/{path}", platform.base_url);
        let order = |body: Value| client.post(at("statistics/json")).bearer_auth(&token).json(&body).send();
        let today = platform.calendar().today();
        let ids: Vec<String> = key.by_products.iter().take(2).map(u64::to_string).collect();
        let body = |days: i64, ids: &[String]| json!({ "campaigns": ids, "dateFrom": today - Duration::days(days - 1), "dateTo": today, "groupBy": "DATE" });
        assert_eq!(order(body(63, &ids)).await.unwrap().status(), 400, "63 days are too many");
        let many = vec![ids[0].clone(); 11];
        assert_eq!(order(body(7, &many)).await.unwrap().status(), 400, "eleven campaigns are too many");
        let foreign = platform.keys[1].by_products[0].to_string();
        assert_eq!(order(body(7, &[foreign])).await.unwrap().status(), 404, "a foreign campaign");

        let ordered: Value = order(body(62, &ids)).await.unwrap().json().await.unwrap();
        let uuid = ordered["UUID"].as_str().unwrap();
        assert_eq!(order(body(7, &ids)).await.unwrap().status(), 429, "one report at a time");
        let get = |path: String| client.get(at(&path)).bearer_auth(&token).send();
        assert_eq!(get(format!("statistics/report?UUID={uuid}")).await.unwrap().status(), 404, "it is not ready");
        let mut states = Vec::new();
        for _ in 0..3 {
            let told: Value = get(format!("statistics/{uuid}")).await.unwrap().json().await.unwrap();
            states.push(told["state"].as_str().unwrap().to_owned());
        }
        assert_eq!(states, ["NOT_STARTED", "IN_PROGRESS", "OK"]);
        let report: Value = get(format!("statistics/report?UUID={uuid}")).await.unwrap().json().await.unwrap();
        assert_eq!(report.as_object().unwrap().len(), ids.len());
        assert!(report[&ids[0]]["title"].as_str().unwrap().contains(&format!("№ {}", ids[0])));
        assert_eq!(order(body(7, &ids)).await.unwrap().status(), 200, "the place is free again");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_token_belongs_to_one_cabinet_and_ends() {
        let mut scenario = Scenario::small(crate::calendar::moscow_today());
        scenario.time = crate::calendar::TimeFlow::Manual;
        let platform = start(&scenario, Making::USUAL).unwrap();
        let (key, client) = (platform.keys[0].clone(), reqwest::Client::new());
        let token = signed_in(&platform, &key, &client).await;
        let list = || client.get(format!("{}/api/client/campaign", platform.base_url)).bearer_auth(&token).send();
        let told: Value = list().await.unwrap().json().await.unwrap();
        assert_eq!(told["total"], json!(key.campaigns.len().to_string()));
        platform.calendar().advance_seconds(u32::try_from(TOKEN_LIFE_SECS).unwrap());
        assert_eq!(list().await.unwrap().status(), 401);
        let short = Key { client_id: key.client_id.replace(SUFFIX, ""), ..key };
        let body = json!({ "client_id": short.client_id, "client_secret": short.client_secret, "grant_type": "client_credentials" });
        let answer = client.post(format!("{}{TOKEN_PATH}", platform.base_url)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 401, "the service account's whole name is asked for");
    }
}
