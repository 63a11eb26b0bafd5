//! Statistics v2: `statistics/{banners|ad_groups|ad_plans|campaigns|users}/{day|summary}.json`.
//!
//! Source: ads.vk.com/doc/api/info/Statistics. There are no pages: up to 200 objects and 366 days in one reply, every day
//! present, money as text in rubles. A reply can hold 70,000 rows, so it is written by serde straight from small structs;
//! trees of values would cost ten times the memory and time.
//! Left out because the console does not read them: video, carousel, ad_offers, tps, playable, custom_event, social_network
//! (accepted as metrics, answered without a block), v3, goals, in-app, offline and fast statistics.

use std::collections::HashSet;

use chrono::{Duration, NaiveDate};
use serde::{Serialize, Serializer};

use crate::server::{Answer, Call};
use crate::target_engine::{Product, errors};
use crate::world::{Aim, Day, Figures, Level, Place, World};

/// Objects in one call.
const MAX_IDS: usize = 200;
/// Days in one call.
const MAX_DAYS: i64 = 366;

/// Metric sets the vendor knows.
const METRICS: [&str; 13] = [
    "all",
    "base",
    "events",
    "video",
    "carousel",
    "ad_offers",
    "uniques",
    "uniques_video",
    "tps",
    "romi",
    "playable",
    "custom_event",
    "social_network",
];

/// Which sets of metrics a reply carries.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent word of the `metrics` parameter")]
struct Sets {
    base: bool,
    events: bool,
    uniques: bool,
    romi: bool,
}

/// Everything a report depends on.
pub struct Question<'a> {
    /// Whose statistics.
    pub product: Product,
    /// The world.
    pub world: &'a World,
    /// The simulated day.
    pub today: NaiveDate,
    /// Days back from today that can be asked; none for all.
    pub horizon_days: Option<u32>,
    /// Place of the cabinet whose token asks.
    pub cabinet: usize,
}

/// Money, written as the vendor does: text in rubles, and a bare zero for nothing.
#[derive(Clone, Copy)]
struct Rubles(i64);

impl Serialize for Rubles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 0 {
            return serializer.serialize_str("0");
        }
        // Written backwards into a buffer of its own: formatting would dominate a reply with five prices in each row.
        let mut buffer = [0_u8; 24];
        let mut at = buffer.len();
        let mut rest = self.0.unsigned_abs();
        let mut digits = 0;
        while rest > 0 || digits < 3 {
            if digits == 2 {
                at -= 1;
                buffer[at] = b'.';
            }
            at -= 1;
            buffer[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            digits += 1;
        }
        if self.0 < 0 {
            at -= 1;
            buffer[at] = b'-';
        }
        serializer.serialize_str(std::str::from_utf8(&buffer[at..]).unwrap_or("0"))
    }
}

/// A share: exactly 0 is written as an integer, as the vendor does.
#[derive(Clone, Copy)]
struct Share(f64);

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 0.0 { serializer.serialize_u8(0) } else { serializer.serialize_f64(self.0) }
    }
}

/// Cost per goal inside `vk`: the vendor writes a number when there is nothing and text otherwise.
#[derive(Clone, Copy)]
struct CostOrZero(i64);

impl Serialize for CostOrZero {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 0 { serializer.serialize_u8(0) } else { Rubles(self.0).serialize(serializer) }
    }
}

#[derive(Serialize)]
struct Vk {
    goals: i64,
    cpa: CostOrZero,
    cr: Share,
}

#[derive(Serialize)]
struct Base {
    shows: i64,
    clicks: i64,
    goals: i64,
    spent: Rubles,
    /// myTarget alone tells spend once more, by where the money came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    a_amount: Option<Rubles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n_amount: Option<Rubles>,
    cpm: Rubles,
    cpc: Rubles,
    cpa: Rubles,
    ctr: Share,
    cr: Share,
    /// The goals of VK Реклама's own cabinet; `goals` is the old counter there.
    #[serde(skip_serializing_if = "Option::is_none")]
    vk: Option<Vk>,
}

#[derive(Serialize)]
struct Events {
    opening_app: i64,
    opening_post: i64,
    moving_into_group: i64,
    clicks_on_external_url: i64,
    launching_video: i64,
    comments: i64,
    joinings: i64,
    likes: i64,
    shares: i64,
    votings: i64,
    sending_form: i64,
}

#[derive(Serialize)]
struct Uniques {
    reach: i64,
    total: i64,
    increment: i64,
    initial_total: i64,
    frequency: Share,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the vendor repeats the name of the set in its member")]
struct Romi {
    value: Rubles,
    romi: Share,
    adv_cost_share: Share,
}

/// A row (with its date) or a total (without).
#[derive(Serialize)]
struct Metrics<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<Base>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Events>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uniques: Option<Uniques>,
    #[serde(skip_serializing_if = "Option::is_none")]
    romi: Option<Romi>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: u64,
    total: Metrics<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<Metrics<'a>>>,
}

#[derive(Serialize)]
struct Report<'a> {
    items: Vec<Item<'a>>,
    total: Metrics<'a>,
}

/// Figures of an object with what the vendor derives from each ad's aim.
#[derive(Clone, Copy, Default)]
struct Sum {
    figures: Figures,
    old_goals: i64,
    forms: i64,
    joins: i64,
    outward_clicks: i64,
}

impl Sum {
    fn add(&mut self, aim: Aim, figures: Figures) {
        self.figures += figures;
        match aim {
            Aim::Site => {
                // The site counter of the old engine misses more than half: a client that reads it is visibly wrong.
                self.old_goals += figures.conversions * 2 / 5;
                self.outward_clicks += figures.clicks - figures.clicks / 16;
            }
            Aim::Leads => self.forms += figures.conversions,
            Aim::Community => self.joins += figures.conversions,
        }
    }

    fn merge(&mut self, other: &Self) {
        self.figures += other.figures;
        self.old_goals += other.old_goals;
        self.forms += other.forms;
        self.joins += other.joins;
        self.outward_clicks += other.outward_clicks;
    }
}

/// People reached grow slower than impressions, and the slower the higher the level: ads share their audience.
fn reach_permille(level: Level) -> i64 {
    match level {
        Level::Ad => 620,
        Level::Group => 560,
        Level::Campaign => 480,
        Level::Cabinet => 400,
    }
}

/// Impressions before and after a period, from which uniques are told.
#[derive(Clone, Copy)]
struct Shown {
    before: i64,
    after: i64,
}

fn metrics<'a>(
    product: Product,
    sets: Sets,
    level: Level,
    date: Option<&'a str>,
    sum: &Sum,
    shown: Shown,
) -> Metrics<'a> {
    let it = &sum.figures;
    let old = product == Product::MyTarget;
    let goals = if old { it.conversions } else { sum.old_goals };
    Metrics {
        date,
        base: sets.base.then(|| Base {
            shows: it.impressions,
            clicks: it.clicks,
            goals,
            spent: Rubles(it.spend_kopecks),
            a_amount: old.then_some(Rubles(it.spend_kopecks)),
            n_amount: old.then_some(Rubles(0)),
            cpm: Rubles(rounded(it.spend_kopecks * 1000, it.impressions)),
            cpc: Rubles(rounded(it.spend_kopecks, it.clicks)),
            cpa: Rubles(rounded(it.spend_kopecks, goals)),
            ctr: percent(it.clicks, it.impressions),
            cr: percent(goals, it.clicks),
            vk: (!old).then(|| Vk {
                goals: it.conversions,
                cpa: CostOrZero(rounded(it.spend_kopecks, it.conversions)),
                cr: percent(it.conversions, it.clicks),
            }),
        }),
        events: sets.events.then(|| Events {
            opening_app: 0,
            opening_post: it.clicks / 40,
            moving_into_group: sum.joins * 3,
            clicks_on_external_url: sum.outward_clicks,
            launching_video: it.impressions / 90,
            comments: it.clicks / 120,
            joinings: sum.joins,
            likes: it.clicks / 14,
            shares: it.clicks / 70,
            votings: 0,
            sending_form: sum.forms,
        }),
        uniques: sets.uniques.then(|| {
            let (first, last) =
                (shown.before * reach_permille(level) / 1000, shown.after * reach_permille(level) / 1000);
            Uniques {
                reach: 0,
                total: last,
                increment: last - first,
                initial_total: first,
                frequency: if last > first {
                    Share(rounded(it.impressions * 100, last - first) as f64 / 100.0)
                } else {
                    Share(0.0)
                },
            }
        }),
        romi: sets.romi.then(|| Romi {
            value: Rubles(it.revenue_kopecks),
            romi: percent(it.revenue_kopecks - it.spend_kopecks, it.spend_kopecks),
            adv_cost_share: percent(it.spend_kopecks, it.revenue_kopecks),
        }),
    }
}

/// Quotient rounded half up; nothing over nothing is nothing, as the vendor shows it.
fn rounded(part: i64, whole: i64) -> i64 {
    if whole == 0 { 0 } else { (part + whole / 2) / whole }
}

/// Percent with four decimals.
fn percent(part: i64, whole: i64) -> Share {
    Share(rounded(part * 1_000_000, whole) as f64 / 10_000.0)
}

/// Answers `{objects}/{period}.json`.
pub fn answer(question: &Question<'_>, objects: &str, period: &str, call: &Call) -> Answer {
    match report(question, objects, period, call) {
        Ok(answer) | Err(answer) => answer,
    }
}

fn report(question: &Question<'_>, objects: &str, period: &str, call: &Call) -> Result<Answer, Answer> {
    let (level, wrong_ids) = question
        .product
        .level(objects)
        .ok_or_else(|| errors::plain(404, "ERR_WRONG_RESOURCE", "Resource does not exist"))?;
    let daily = match period {
        "day.json" => true,
        "summary.json" => false,
        _ => return Err(errors::plain(404, "ERR_WRONG_RESOURCE", "Resource does not exist")),
    };
    for (name, _) in &call.query {
        if !["id", "date_from", "date_to", "metrics", "attribution"].contains(&name.as_str()) {
            return Err(errors::plain(400, "ERR_WRONG_PARAMETER", &format!("Unknown parameter: {name}")));
        }
    }
    let sets = sets(call.param("metrics"))?;
    if !matches!(call.param("attribution"), None | Some("conversion" | "impression")) {
        return Err(errors::plain(400, "ERR_WRONG_PARAMETER", "Wrong value of attribution"));
    }
    let places = places(question, level, wrong_ids, call)?;
    let (from, to) = if daily { range(question, call)? } else { (question.world.first_day, question.today) };
    let days = question.world.days(from, to, question.today);
    let dates: Vec<String> = days.iter().map(|day| day.date.to_string()).collect();
    let earlier = if sets.uniques && from > question.world.first_day {
        question.world.days(question.world.first_day, from - Duration::days(1), question.today)
    } else {
        Vec::new()
    };
    let mut grand = Sum::default();
    let mut grand_shown = Shown { before: 0, after: 0 };
    let mut items = Vec::with_capacity(places.len());
    for (id, place) in places {
        let before: i64 =
            earlier.iter().map(|day| object_day(question.world, level, place, day).figures.impressions).sum();
        let mut shown = Shown { before, after: before };
        let mut total = Sum::default();
        let mut rows = Vec::with_capacity(if daily { days.len() } else { 0 });
        for (day, date) in days.iter().zip(&dates) {
            let sum = object_day(question.world, level, place, day);
            total.merge(&sum);
            if daily {
                let step = Shown { before: shown.after, after: shown.after + sum.figures.impressions };
                rows.push(metrics(question.product, sets, level, Some(date), &sum, step));
            }
            shown.after += sum.figures.impressions;
        }
        grand.merge(&total);
        grand_shown.before += shown.before;
        grand_shown.after += shown.after;
        items.push(Item {
            id,
            total: metrics(question.product, sets, level, None, &total, shown),
            rows: daily.then_some(rows),
        });
    }
    let report = Report { items, total: metrics(question.product, sets, level, None, &grand, grand_shown) };
    let body = serde_json::to_vec(&report).map_err(|error| errors::plain(500, "ERR_INTERNAL", &error.to_string()))?;
    Ok(Answer::raw(200, body))
}

/// What an object did on a day: the sum of the ads under it, those removed since included.
fn object_day(world: &World, level: Level, place: Place, day: &Day) -> Sum {
    let cabinet = &world.cabinets[place.cabinet];
    let mut sum = Sum::default();
    for ad in &cabinet.ads[world.ads_under(level, place)] {
        sum.add(cabinet.campaigns[ad.campaign].aim, world.figures(cabinet, ad, day));
    }
    sum
}

fn sets(metrics: Option<&str>) -> Result<Sets, Answer> {
    let mut sets = Sets::default();
    for name in metrics.unwrap_or("base").split(',') {
        if !METRICS.contains(&name) {
            return Err(errors::plain(400, "ERR_WRONG_PARAMETER", &format!("Unknown metrics: {name}")));
        }
        let all = name == "all";
        sets.base |= all || name == "base";
        sets.events |= all || name == "events";
        sets.uniques |= all || name == "uniques";
        sets.romi |= all || name == "romi";
    }
    Ok(sets)
}

/// The objects asked for; one that is not the asker's fails the whole call.
fn places(question: &Question<'_>, level: Level, wrong_ids: &str, call: &Call) -> Result<Vec<(u64, Place)>, Answer> {
    let mut places = Vec::new();
    let mut met = HashSet::new();
    let texts = call.query.iter().filter(|(name, _)| name == "id").flat_map(|(_, value)| value.split(','));
    for text in texts {
        let id: u64 = text
            .trim()
            .parse()
            .map_err(|_| errors::plain(400, "ERR_WRONG_PARAMETER", &format!("Wrong value of id: {text}")))?;
        if met.insert(id) {
            let place = question.world.find(level, id).filter(|place| {
                place.cabinet == question.cabinet && question.world.exists(level, *place, question.today)
            });
            places.push((id, place));
        }
    }
    if places.is_empty() {
        return Err(errors::plain(400, "ERR_WRONG_PARAMETER", "Parameter id is required"));
    }
    if places.len() > MAX_IDS {
        return Err(errors::plain(400, "ERR_LIMIT_EXCEEDED", "Too many objects requested, at most 200 are allowed"));
    }
    places
        .into_iter()
        .map(|(id, place)| {
            place
                .map(|place| (id, place))
                .ok_or_else(|| errors::plain(400, wrong_ids, &format!("Objects are not available: {id}")))
        })
        .collect()
}

fn range(question: &Question<'_>, call: &Call) -> Result<(NaiveDate, NaiveDate), Answer> {
    let date = |name: &str| match call.param(name) {
        None => Ok(None),
        Some(text) => NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map(Some)
            .map_err(|_| errors::plain(400, "ERR_WRONG_DATE", &format!("Wrong value of {name}: {text}"))),
    };
    let from = date("date_from")?
        .ok_or_else(|| errors::plain(400, "ERR_WRONG_PARAMETER", "Parameter date_from is required"))?;
    let to = date("date_to")?.unwrap_or(question.today);
    if from > to {
        return Err(errors::plain(400, "ERR_WRONG_DATE", "date_from is after date_to"));
    }
    if (to - from).num_days() + 1 > MAX_DAYS {
        return Err(errors::plain(400, "ERR_LIMIT_EXCEEDED", "Too many days requested, at most 366 are allowed"));
    }
    if let Some(horizon) = question.horizon_days
        && from < question.today - Duration::days(i64::from(horizon))
    {
        return Err(errors::plain(400, "ERR_WRONG_DATE", &format!("Only the last {horizon} days are kept")));
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn money_is_written_as_the_vendor_does() {
        for (kopecks, text) in [
            (0, "0"),
            (1, "0.01"),
            (10, "0.10"),
            (99, "0.99"),
            (100, "1.00"),
            (2_332_892, "23328.92"),
            (-5, "-0.05"),
            (-123_456, "-1234.56"),
            (i64::MAX, "92233720368547758.07"),
            (i64::MIN, "-92233720368547758.08"),
        ] {
            assert_eq!(serde_json::to_string(&Rubles(kopecks)).unwrap(), format!("\"{text}\""));
        }
    }

    #[test]
    fn shares_are_rounded_once() {
        for (part, whole, text) in [
            (0, 10, "0"),
            (5, 0, "0"),
            (1, 3, "33.3333"),
            (2, 3, "66.6667"),
            (270, 75_881, "0.3558"),
            (10, 10, "100.0"),
        ] {
            assert_eq!(serde_json::to_string(&percent(part, whole)).unwrap(), text, "{part}/{whole}");
        }
    }
}
