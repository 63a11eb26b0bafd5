//! Wildberries promotion (advert-api.wildberries.ru, and common-api for the seller's name): one seller per token.
//!
//! Written from the vendor's OpenAPI descriptions (requests, limits, examples of answers and refusals) and from what public clients of it
//! expect. Served: the name of the seller, the list of campaigns by kind and status, their settings with products, statistics by day, app
//! and product, and write-offs. Not served, because the console does not call it: bids, budgets, search phrases, media campaigns.
//!
//! Sums are roubles as numbers. Limits are buckets per seller and method that fill up again with time; each answer says what is left. Days
//! on which a campaign was not shown are left out, and campaigns and statistics tell their currency, as newer clients have it. Which
//! campaigns statistics may be asked for is documented by status; the words for another cabinet's campaign are those for a wrong number,
//! which is made up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::faults::{FaultKind, Hint};
use crate::noise::hash;
use crate::server::{Answer, Call, Vendor};
use crate::stage::{Platform, RowNames, Scenario, Stage};
use crate::world::{Ad, Cabinet, Campaign, Figures, Status};

/// Most campaigns and days of a question.
const MOST_CAMPAIGNS: usize = 50;
const MOST_DAYS: i64 = 31;
/// Site, Android, iOS.
const APPS: [i64; 3] = [1, 32, 64];
/// Campaigns that have, or may have, statistics: ended, active, paused.
const WITH_STATISTICS: [i64; 3] = [7, 9, 11];

/// What faults of content twist.
const NAMES: RowNames = RowNames { day: "date", counts: &["views", "clicks"], money: &["sum"], status: "status" };

/// Whether requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limits {
    /// As documented for a personal token.
    Vendor,
    /// Not at all; for tests in which time does not pass.
    Off,
}

/// A campaign, or a product in one, as the platform tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its number; that of a product is its article.
    pub id: u64,
    /// The campaign of a product.
    pub campaign: Option<u64>,
    /// Its name; that of a product is its subject's.
    pub name: String,
    /// Its status; a product has none.
    pub status: i64,
}

/// What a person copies out of the cabinet's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The token.
    pub token: String,
    /// Number of the seller.
    pub sid: String,
    /// Name of the shop.
    pub shop: String,
    /// Number of the cabinet in the world.
    pub cabinet: u64,
    /// Its campaigns.
    pub campaigns: Vec<Told>,
    /// Products that are in them now.
    pub products: Vec<Told>,
    /// Campaign and article of everything they ever promoted.
    pub promoted: Vec<(u64, u64)>,
}

/// How many requests a method lets through at once, and how soon one more.
#[derive(Debug, Clone, Copy)]
struct Pace {
    burst: u32,
    every_millis: u32,
}

/// What is left of a method's requests, and since when.
#[derive(Debug)]
struct Bucket {
    left: f64,
    at: NaiveDateTime,
}

#[derive(Debug)]
struct Promotion {
    stage: Stage,
    limits: Limits,
    keys: Vec<Key>,
    buckets: Mutex<HashMap<(usize, &'static str), Bucket>>,
}

/// Starts a platform that stands for `https://advert-api.wildberries.ru` and `https://common-api.wildberries.ru`.
pub fn start(scenario: &Scenario, limits: Limits) -> anyhow::Result<Platform<Key>> {
    let stage = Stage::build(scenario);
    let today = stage.today();
    let keys: Vec<Key> = stage.world.cabinets.iter().map(|cabinet| key(cabinet, stage.seed, today)).collect();
    let vendor = Promotion { stage: stage.clone(), limits, keys: keys.clone(), buckets: Mutex::default() };
    stage.serve(Arc::new(vendor), keys, 1 << 16)
}

fn key(cabinet: &Cabinet, seed: u64, today: NaiveDate) -> Key {
    let part = |salt| hash(seed, cabinet.id, salt);
    let campaigns = cabinet.campaigns.iter();
    let products = campaigns.clone().flat_map(|campaign| {
        let shown = promoted(cabinet, campaign, today);
        shown.map(|ad| Told { id: ad.id, campaign: Some(campaign.id), name: ad.name.clone(), status: 0 })
    });
    let ever = campaigns.clone().flat_map(|campaign| {
        let ads = cabinet.ads[campaign.ads.clone()].iter().filter(|ad| ad.life.exists(today));
        ads.map(|ad| (campaign.id, ad.id))
    });
    Key {
        token: format!("eyJ{:016x}.eyJ{:016x}{:016x}.{:016x}", part(41), part(42), part(43), part(44)),
        sid: format!("{:08x}-0000-4000-8000-{:012x}", part(45) >> 32, cabinet.id),
        shop: cabinet.name.clone(),
        cabinet: cabinet.id,
        products: products.collect(),
        promoted: ever.collect(),
        campaigns: campaigns
            .map(|it| Told { id: it.id, campaign: None, name: it.name.clone(), status: status(it, today) })
            .collect(),
    }
}

/// Products that are in a campaign now.
fn promoted<'c>(cabinet: &'c Cabinet, campaign: &Campaign, today: NaiveDate) -> impl Iterator<Item = &'c Ad> {
    let ads = cabinet.ads[campaign.ads.clone()].iter();
    ads.filter(move |ad| ad.life.exists(today) && ad.life.status(today) != Status::Deleted)
}

/// A campaign that has not begun is ready to begin.
fn status(campaign: &Campaign, today: NaiveDate) -> i64 {
    match campaign.life.status(today) {
        _ if !campaign.life.exists(today) => 4,
        Status::Active => 9,
        Status::Stopped => 11,
        Status::Deleted => 7,
    }
}

/// A moment in Moscow.
fn moment(at: NaiveDateTime) -> String {
    format!("{}+03:00", at.format("%Y-%m-%dT%H:%M:%S%.6f"))
}

/// Roubles as a number.
fn roubles(kopecks: i64) -> Value {
    format!("{}.{:02}", kopecks / 100, kopecks % 100).parse::<f64>().map_or(Value::Null, Value::from)
}

/// Figures in the vendor's words; ratios are left out, nobody reads them.
fn figures(of: Figures) -> serde_json::Map<String, Value> {
    let told = json!({
        "views": of.impressions, "clicks": of.clicks, "atbs": 0, "canceled": 0, "orders": of.conversions,
        "shks": of.conversions, "sum": roubles(of.spend_kopecks), "sum_price": roubles(of.revenue_kopecks),
    });
    told.as_object().cloned().unwrap_or_default()
}

/// A figure's part in each app.
fn shared(of: Figures) -> [Figures; 3] {
    let part = |by: i64| Figures {
        impressions: of.impressions / by,
        clicks: of.clicks / by,
        spend_kopecks: of.spend_kopecks / by,
        conversions: of.conversions / by,
        revenue_kopecks: of.revenue_kopecks / by,
    };
    let (first, second) = (part(2), part(3));
    let rest = Figures {
        impressions: of.impressions - first.impressions - second.impressions,
        clicks: of.clicks - first.clicks - second.clicks,
        spend_kopecks: of.spend_kopecks - first.spend_kopecks - second.spend_kopecks,
        conversions: of.conversions - first.conversions - second.conversions,
        revenue_kopecks: of.revenue_kopecks - first.revenue_kopecks - second.revenue_kopecks,
    };
    [first, second, rest]
}

/// A refusal of the service itself.
fn refusal(status: u16, detail: &str) -> Answer {
    let body = json!({
        "detail": detail, "origin": "camp-api-public-cache", "request_id": "00000000000000000000000000000000",
        "status": status, "title": "invalid payload",
    });
    Answer::json(status, &body)
}

/// A refusal of the gate in front of all services.
fn gate(status: u16, title: &str, detail: &str, words: &str) -> Answer {
    let body = json!({
        "title": title, "detail": detail, "code": "00000000-0000-0000-0000-000000000000",
        "requestId": "00000000000000000000000000000000", "origin": "s2s-api-auth-catalog", "status": status,
        "statusText": words, "timestamp": "2024-09-30T06:52:38Z",
    });
    Answer::json(status, &body)
}

fn not_signed_in() -> Answer {
    let detail =
        "token problem; token is malformed: could not base64 decode signature: illegal base64 data at input byte 84";
    gate(401, "unauthorized", detail, "Unauthorized")
}

fn too_many() -> Answer {
    gate(429, "too many requests", "limited by c122a060-a7fb-4bb4-abb0-32fd4e18d489", "Too Many Requests")
}

/// The token of a request, with or without the usual word in front of it.
fn token(call: &Call) -> Option<&str> {
    let value = call.headers.get(AUTHORIZATION)?.to_str().ok()?;
    Some(value.strip_prefix("Bearer ").unwrap_or(value))
}

/// Refuses a parameter that the resource does not have.
fn only(call: &Call, known: &[&str]) -> Result<(), Answer> {
    match call.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => Err(refusal(400, &format!("unknown parameter {name}"))),
        None => Ok(()),
    }
}

/// Numbers with commas between them.
fn numbers<T: std::str::FromStr>(call: &Call, name: &str) -> Result<Option<Vec<T>>, Answer> {
    let parsed = call.param(name).map(|text| text.split(',').map(str::parse).collect::<Result<Vec<T>, _>>());
    parsed.transpose().map_err(|_| refusal(400, &format!("invalid {name}")))
}

/// First and last day of a question.
fn days(call: &Call, first: &str, last: &str) -> Result<(NaiveDate, NaiveDate), Answer> {
    let day = |name: &str| {
        let parsed = call.param(name).map(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d"));
        parsed.and_then(Result::ok).ok_or_else(|| refusal(400, &format!("invalid {name}")))
    };
    let (from, to) = (day(first)?, day(last)?);
    let count = (to - from).num_days() + 1;
    if (1..=MOST_DAYS).contains(&count) { Ok((from, to)) } else { Err(refusal(400, "invalid period")) }
}

impl Promotion {
    fn cabinet(&self, place: usize) -> &Cabinet {
        &self.stage.world.cabinets[place]
    }

    /// The seller that asks.
    fn owner(&self, call: &Call) -> Result<usize, Answer> {
        let said = token(call).ok_or_else(not_signed_in)?;
        self.keys.iter().position(|key| key.token == said).ok_or_else(not_signed_in)
    }

    /// Takes one request out of a method's bucket: what is left, or a refusal that says when to come back.
    fn take(&self, place: usize, method: &'static str, pace: Pace) -> Result<u32, Answer> {
        let now = self.stage.calendar.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let burst = f64::from(pace.burst);
        let bucket = buckets.entry((place, method)).or_insert(Bucket { left: burst, at: now });
        let every = f64::from(pace.every_millis) / 1_000.0;
        let passed = (now - bucket.at).as_seconds_f64().max(0.0);
        bucket.left = (bucket.left + passed / every).min(burst);
        bucket.at = now;
        // Thousandths of seconds do not add up to whole requests exactly.
        if bucket.left < 0.999 {
            let (retry, reset) = ((1.0 - bucket.left) * every, (burst - bucket.left) * every);
            return Err(too_many()
                .with("x-ratelimit-retry", format!("{retry:.3}"))
                .with("x-ratelimit-limit", pace.burst.to_string())
                .with("x-ratelimit-reset", format!("{reset:.3}")));
        }
        bucket.left = (bucket.left - 1.0).max(0.0);
        Ok((0..pace.burst).rev().find(|whole| f64::from(*whole) <= bucket.left).unwrap_or_default())
    }

    fn seller(&self, place: usize, call: &Call) -> Result<Answer, Answer> {
        only(call, &[])?;
        let key = &self.keys[place];
        let body =
            json!({ "name": format!("ИП {}", key.shop), "sid": key.sid, "tin": "123456789012", "tradeMark": key.shop });
        Ok(Answer::json(200, &body))
    }

    /// Numbers of all campaigns, by status.
    fn lists(&self, place: usize, call: &Call) -> Result<Answer, Answer> {
        only(call, &[])?;
        let today = self.stage.today();
        let campaigns = &self.cabinet(place).campaigns;
        let groups: Vec<Value> = [4, 7, 9, 11]
            .iter()
            .filter_map(|wanted| {
                let list: Vec<Value> = campaigns
                    .iter()
                    .filter(|it| status(it, today) == *wanted)
                    .map(|it| json!({ "advertId": it.id, "changeTime": moment(it.life.updated(today, it.minute)) }))
                    .collect();
                let count = list.len();
                (count > 0).then(|| json!({ "type": 9, "status": wanted, "count": count, "advert_list": list }))
            })
            .collect();
        let adverts = if groups.is_empty() { Value::Null } else { Value::Array(groups) };
        Ok(Answer::json(200, &json!({ "adverts": adverts, "all": campaigns.len() })))
    }

    /// Names, products and settings of campaigns.
    fn adverts(&self, place: usize, call: &Call) -> Result<Answer, Answer> {
        only(call, &["ids", "statuses", "payment_type"])?;
        let (ids, statuses) = (numbers::<u64>(call, "ids")?, numbers::<i64>(call, "statuses")?);
        if ids.as_ref().is_some_and(|ids| ids.len() > MOST_CAMPAIGNS) {
            return Err(refusal(400, "invalid ids"));
        }
        let (today, cabinet) = (self.stage.today(), self.cabinet(place));
        let chosen = cabinet.campaigns.iter().filter(|it| {
            ids.as_ref().is_none_or(|ids| ids.contains(&it.id))
                && statuses.as_ref().is_none_or(|all| all.contains(&status(it, today)))
                && call.param("payment_type").is_none_or(|kind| kind == "cpm")
        });
        let told: Vec<Value> = chosen
            .map(|it| {
                let products = promoted(cabinet, it, today).map(|ad| {
                    json!({
                        "bids_kopecks": { "recommendations": 11_200, "search": 25_000 }, "nm_id": ad.id,
                        "subject": { "id": 52, "name": ad.name },
                    })
                });
                json!({
                    "bid_type": "manual", "currency": "RUB", "id": it.id, "nm_settings": products.collect::<Vec<_>>(),
                    "settings": {
                        "name": it.name, "payment_type": "cpm", "placements": { "recommendations": false, "search": true },
                    },
                    "status": status(it, today),
                    "timestamps": {
                        "created": moment(it.life.created(it.minute)), "deleted": "2100-01-01T00:00:00+03:00",
                        "started": null, "updated": moment(it.life.updated(today, it.minute)),
                    },
                })
            })
            .collect();
        Ok(Answer::json(200, &json!({ "adverts": told })))
    }

    /// Statistics by day, app and product.
    fn statistics(&self, place: usize, call: &Call) -> Result<Answer, Answer> {
        only(call, &["ids", "beginDate", "endDate"])?;
        let ids = numbers::<u64>(call, "ids")?.filter(|ids| (1..=MOST_CAMPAIGNS).contains(&ids.len()));
        let ids = ids.ok_or_else(|| refusal(400, "invalid ids"))?;
        let (from, to) = days(call, "beginDate", "endDate")?;
        let (today, cabinet) = (self.stage.today(), self.cabinet(place));
        let mut told = Vec::new();
        for id in ids {
            let known = cabinet.campaigns.iter().find(|it| it.id == id);
            let campaign = known.filter(|it| WITH_STATISTICS.contains(&status(it, today)));
            let campaign = campaign.ok_or_else(|| refusal(400, "invalid ids"))?;
            let (mut sum, mut by_day) = (Figures::default(), Vec::new());
            for day in self.stage.world.days(from, to, today) {
                let mut whole = Figures::default();
                let mut in_apps = [Figures::default(); 3];
                let mut products: [Vec<Value>; 3] = [vec![], vec![], vec![]];
                for ad in &cabinet.ads[campaign.ads.clone()] {
                    let own = self.stage.world.figures(cabinet, ad, &day);
                    whole += own;
                    for (app, part) in shared(own).into_iter().enumerate().filter(|(_, it)| *it != Figures::default()) {
                        in_apps[app] += part;
                        let mut product = figures(part);
                        product.insert("name".to_owned(), json!(ad.title));
                        product.insert("nmId".to_owned(), json!(ad.id));
                        products[app].push(Value::Object(product));
                    }
                }
                if whole == Figures::default() {
                    continue;
                }
                sum += whole;
                let apps = APPS.into_iter().zip(in_apps).zip(products).filter(|(_, products)| !products.is_empty());
                let apps = apps.map(|((kind, sum), products)| {
                    let mut app = figures(sum);
                    app.insert("appType".to_owned(), json!(kind));
                    app.insert("nms".to_owned(), Value::Array(products));
                    Value::Object(app)
                });
                let mut row = figures(whole);
                row.insert("apps".to_owned(), apps.collect());
                row.insert("date".to_owned(), json!(format!("{}T00:00:00Z", day.date)));
                by_day.push(Value::Object(row));
            }
            if !by_day.is_empty() {
                let mut one = figures(sum);
                one.insert("advertId".to_owned(), json!(id));
                one.insert("boosterStats".to_owned(), json!([]));
                one.insert("currency".to_owned(), json!("RUB"));
                one.insert("days".to_owned(), Value::Array(by_day));
                told.push(Value::Object(one));
            }
        }
        if told.is_empty() {
            return Err(refusal(400, "there are no statistics for this advertising period"));
        }
        Ok(Answer::json(200, &Value::Array(told)))
    }

    /// What was written off, once a day and campaign here.
    fn spent(&self, place: usize, call: &Call) -> Result<Answer, Answer> {
        only(call, &["from", "to"])?;
        let (from, to) = days(call, "from", "to")?;
        let (today, cabinet) = (self.stage.today(), self.cabinet(place));
        let mut told = Vec::new();
        for day in self.stage.world.days(from, to, today) {
            for campaign in &cabinet.campaigns {
                let ads = cabinet.ads[campaign.ads.clone()].iter();
                let kopecks: i64 = ads.map(|ad| self.stage.world.figures(cabinet, ad, &day).spend_kopecks).sum();
                if kopecks > 0 {
                    told.push(json!({
                        "updNum": 0, "updTime": format!("{}T23:59:00+03:00", day.date), "updSum": roubles(kopecks),
                        "advertId": campaign.id, "campName": campaign.name, "advertType": 9, "paymentType": "Баланс",
                        "advertStatus": status(campaign, today),
                    }));
                }
            }
        }
        Ok(Answer::json(200, &Value::Array(told)))
    }

    fn asked(&self, call: &Call) -> Result<Answer, Answer> {
        type Method = fn(&Promotion, usize, &Call) -> Result<Answer, Answer>;
        let (pace, method): (_, Method) = match call.path.as_str() {
            "/api/v1/seller-info" => (("seller", Pace { burst: 10, every_millis: 60_000 }), Self::seller),
            "/adv/v1/promotion/count" => (("count", Pace { burst: 5, every_millis: 200 }), Self::lists),
            "/api/advert/v2/adverts" => (("adverts", Pace { burst: 5, every_millis: 200 }), Self::adverts),
            "/adv/v3/fullstats" => (("fullstats", Pace { burst: 1, every_millis: 20_000 }), Self::statistics),
            "/adv/v1/upd" => (("upd", Pace { burst: 5, every_millis: 1_000 }), Self::spent),
            _ => return Err(gate(404, "path not found", "Please consult the documentation", "Not Found")),
        };
        if call.method != "GET" {
            return Err(refusal(405, "Method Not Allowed"));
        }
        let place = self.owner(call)?;
        if self.limits == Limits::Off {
            return method(self, place, call);
        }
        let left = self.take(place, pace.0, pace.1)?;
        let answer = method(self, place, call).unwrap_or_else(|refused| refused);
        Ok(answer.with("x-ratelimit-remaining", left.to_string()))
    }
}

impl Vendor for Promotion {
    fn answer(&self, call: &Call) -> Answer {
        self.asked(call).unwrap_or_else(|refused| refused)
    }

    fn meets(&self, fault: &FaultKind, call: &Call) -> bool {
        match fault {
            FaultKind::UnknownEnum => call.path.ends_with("/adverts"),
            FaultKind::NegativeNumbers | FaultKind::GarbageNumbers => call.path.ends_with("/fullstats"),
            // Lists come whole, and a token lives for half a year.
            FaultKind::RepeatPage
            | FaultKind::ShuffledPage
            | FaultKind::Vanish
            | FaultKind::Appear
            | FaultKind::ExpireToken
            | FaultKind::ExpireAllTokens
            | FaultKind::LyingTotal { .. } => false,
            _ => true,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.now()
    }

    fn refuse(&self, fault: &FaultKind, _call: &Call) -> Option<Answer> {
        match fault {
            FaultKind::WrongKey | FaultKind::RevokeToken => Some(not_signed_in()),
            FaultKind::Throttle { hint } => Some(match hint {
                Hint::After { secs } => too_many()
                    .with("x-ratelimit-retry", secs.to_string())
                    .with("x-ratelimit-limit", "1")
                    .with("x-ratelimit-reset", secs.to_string()),
                _ => too_many(),
            }),
            FaultKind::ErrorInside { code } => Some(Answer::json(200, &json!({ "error": code }))),
            FaultKind::RevokeScope => Some(gate(403, "request forbidden", "access denied", "Forbidden")),
            FaultKind::ServerError { status } => {
                Some(gate(*status, "internal server error", "", "Internal Server Error"))
            }
            _ => None,
        }
    }

    fn bend(&self, fault: &FaultKind, body: &mut Value) {
        if let Some(adverts) = body.get_mut("adverts").and_then(Value::as_array_mut) {
            return NAMES.bend(fault, adverts);
        }
        let Some(records) = body.as_array_mut() else { return };
        // Days are twisted where they are, and so are products.
        let of_days = matches!(fault, FaultKind::MissingDay { .. } | FaultKind::LostRows);
        if !of_days {
            NAMES.bend(fault, records);
        }
        for record in records {
            let Some(days) = record.get_mut("days").and_then(Value::as_array_mut) else { continue };
            NAMES.bend(fault, days);
            if of_days {
                continue;
            }
            for apps in days.iter_mut().filter_map(|day| day.get_mut("apps")?.as_array_mut()) {
                if matches!(fault, FaultKind::DuplicateRows) {
                    continue;
                }
                NAMES.bend(fault, apps);
                for products in apps.iter_mut().filter_map(|app| app.get_mut("nms")?.as_array_mut()) {
                    NAMES.bend(fault, products);
                }
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
    use chrono::Duration;

    fn open(limits: Limits) -> (Platform<Key>, Key, reqwest::Client) {
        let mut scenario = Scenario::small(moscow_today());
        scenario.time = TimeFlow::Manual;
        let platform = start(&scenario, limits).unwrap();
        let key = platform.keys[0].clone();
        (platform, key, reqwest::Client::new())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn statistics_add_up_and_foreign_or_too_much_is_refused() {
        let (platform, key, client) = open(Limits::Off);
        let get = |path: String| {
            client.get(format!("{}{path}", platform.base_url)).header("Authorization", &key.token).send()
        };
        let today = platform.calendar().today();
        let id = key.campaigns.iter().find(|it| it.status == 9).unwrap().id;
        let path = |ids: &str, days: i64| {
            format!("/adv/v3/fullstats?ids={ids}&beginDate={}&endDate={today}", today - Duration::days(days - 1))
        };
        let told: Value = get(path(&id.to_string(), 31)).await.unwrap().json().await.unwrap();
        let number = |value: &Value| value["views"].as_i64().unwrap();
        let whole = &told[0];
        let days: i64 = whole["days"].as_array().unwrap().iter().map(number).sum();
        assert!(days > 0 && days == number(whole));
        let apps = whole["days"][0]["apps"].as_array().unwrap();
        assert_eq!(apps.iter().map(number).sum::<i64>(), number(&whole["days"][0]));
        let products = apps.iter().flat_map(|app| app["nms"].as_array().unwrap());
        assert_eq!(products.map(number).sum::<i64>(), number(&whole["days"][0]));
        assert_eq!(get(path(&id.to_string(), 32)).await.unwrap().status(), 400, "32 days are too many");
        let many = vec![id.to_string(); 51].join(",");
        assert_eq!(get(path(&many, 7)).await.unwrap().status(), 400, "51 campaigns are too many");
        let foreign = platform.keys[1].campaigns[0].id.to_string();
        assert_eq!(get(path(&foreign, 7)).await.unwrap().status(), 400, "a foreign campaign");
        let wrong = client.get(format!("{}/adv/v1/promotion/count", platform.base_url)).header("Authorization", "no");
        assert_eq!(wrong.send().await.unwrap().status(), 401);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_bucket_fills_up_with_time() {
        let (platform, key, client) = open(Limits::Vendor);
        let path = |name: &str| format!("{}{name}", platform.base_url);
        let get = |name: &str| client.get(path(name)).header("Authorization", format!("Bearer {}", key.token)).send();
        let left = |answer: &reqwest::Response, name: &str| {
            answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        for expected in ["4", "3", "2", "1", "0"] {
            let answer = get("/adv/v1/promotion/count").await.unwrap();
            assert_eq!(left(&answer, "x-ratelimit-remaining").as_deref(), Some(expected));
        }
        let refused = get("/adv/v1/promotion/count").await.unwrap();
        assert_eq!((refused.status().as_u16(), left(&refused, "x-ratelimit-retry").as_deref()), (429, Some("0.200")));
        assert_eq!(get("/api/advert/v2/adverts").await.unwrap().status(), 200, "each method has its own");
        platform.calendar().advance_seconds(1);
        assert_eq!(get("/adv/v1/promotion/count").await.unwrap().status(), 200);
    }
}
