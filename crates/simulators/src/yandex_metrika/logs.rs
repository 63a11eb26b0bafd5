//! The Logs API: a log of visits is ordered, asked about, downloaded in parts and thrown away.
//!
//! Source: yandex.ru/dev/metrika/logs. A log that is ready takes room until it is cleaned or grows old; without room none is made. The day
//! that is not over cannot be asked for. Every visit of [`crate::visits::Visits`] is a row, and rows add up to it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{Duration, NaiveDate};
use serde_json::{Value, json};

use super::{Metrika, goals_of, model, reached, tags_of};
use crate::metrica::{lock, refusal, wrong};
use crate::noise::hash;
use crate::server::{Answer, Call};
use crate::visits::Visits;
use crate::world::Cabinet;

/// Rows of a part. The vendor's parts are much larger.
const PART_ROWS: usize = 60;
/// Room for logs of a counter that are ready. The vendor's is 10 GB.
const ROOM: usize = 64 << 20;
/// Letters of the list of fields.
const MOST_LETTERS: usize = 3_000;

/// The fields that are served.
const FIELDS: [&str; 15] = [
    "ym:s:visitID",
    "ym:s:date",
    "ym:s:dateTime",
    "ym:s:clientID",
    "ym:s:isNewUser",
    "ym:s:startURL",
    "ym:s:pageViews",
    "ym:s:visitDuration",
    "ym:s:bounce",
    "ym:s:goalsID",
    "ym:s:<attribution>TrafficSource",
    "ym:s:<attribution>UTMSource",
    "ym:s:<attribution>UTMMedium",
    "ym:s:<attribution>UTMCampaign",
    "ym:s:<attribution>UTMContent",
];

/// A log.
#[derive(Debug)]
struct Log {
    counter: u64,
    from: NaiveDate,
    to: NaiveDate,
    fields: Vec<String>,
    attribution: &'static str,
    status: &'static str,
    asked: u32,
    parts: Vec<String>,
}

/// Everything that was ordered.
#[derive(Debug)]
pub(super) struct Shelf {
    making: u32,
    logs: BTreeMap<u64, Log>,
}

impl Shelf {
    /// Nothing yet.
    pub fn new(making: u32) -> Self {
        Self { making, logs: BTreeMap::new() }
    }
}

impl Log {
    fn told(&self, id: u64) -> Value {
        let mut told = json!({
            "request_id": id, "counter_id": self.counter, "source": "visits", "date1": self.from, "date2": self.to,
            "fields": self.fields, "status": self.status, "attribution": self.attribution.to_uppercase(),
        });
        if self.status == "processed" {
            told["size"] = json!(self.size());
            let parts = self.parts.iter().enumerate();
            told["parts"] = parts.map(|(at, part)| json!({ "part_number": at, "size": part.len() })).collect();
        }
        json!({ "log_request": told })
    }

    fn size(&self) -> usize {
        self.parts.iter().map(String::len).sum()
    }
}

impl Metrika {
    /// Answers what is below a counter's `logrequests` and `logrequest`.
    pub(super) fn log(&self, call: &Call, cabinet: &Cabinet, rest: &str) -> Answer {
        let post = call.method == "POST";
        if rest == "logrequests" && post {
            return self.order(call, cabinet).unwrap_or_else(|refused| refused);
        }
        let Some((id, what)) = rest
            .strip_prefix("logrequest/")
            .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
            .and_then(|(id, what)| Some((id.parse::<u64>().ok()?, what)))
        else {
            return Answer::raw(404, Vec::new());
        };
        let mut shelf = lock(&self.logs);
        let making = shelf.making;
        let Some(log) = shelf.logs.get_mut(&id).filter(|log| log.counter == cabinet.id) else {
            return refusal(404, "not_found", "Entity not found");
        };
        match (what, post) {
            ("", false) => {
                if log.status == "created" {
                    log.asked += 1;
                    if log.asked >= making {
                        log.status = "processed";
                        log.parts = self.parts(cabinet, log);
                    }
                }
            }
            ("clean", true) if log.status == "processed" => {
                log.status = "cleaned_by_user";
                log.parts.clear();
            }
            ("cancel", true) if log.status == "created" => log.status = "canceled",
            ("clean" | "cancel", true) => return wrong("requestId", "the log is in another status"),
            (what, false) if log.status == "processed" => {
                let number = what.strip_prefix("part/").and_then(|rest| rest.strip_suffix("/download"));
                let part = number.and_then(|number| log.parts.get(number.parse::<usize>().ok()?));
                return match part {
                    Some(part) => Answer::raw(200, part.clone().into_bytes()),
                    None => refusal(400, "invalid_parameter", "Incorrect part number"),
                };
            }
            _ => {
                let words = "Only log of requests in status 'processed' can be downloaded";
                return refusal(400, "invalid_parameter", words);
            }
        }
        Answer::json(200, &log.told(id))
    }

    fn order(&self, call: &Call, cabinet: &Cabinet) -> Result<Answer, Answer> {
        let day = |name: &str| {
            let text = call.param(name).ok_or_else(|| refusal(400, "missing_parameter", name))?;
            NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| wrong(name, &format!("value: {text}")))
        };
        let (from, to) = (day("date1")?, day("date2")?);
        if from > to || to - from > Duration::days(366) {
            return Err(wrong("date1", "the period is not valid"));
        }
        if to >= self.stage.today() {
            return Err(wrong("date2", "the day is not over"));
        }
        if call.param("source") != Some("visits") {
            return Err(wrong("source", "only visits are served here"));
        }
        let text = call.param("fields").ok_or_else(|| refusal(400, "missing_parameter", "fields"))?;
        let fields: Vec<String> = text.split(',').map(str::to_owned).collect();
        if text.len() > MOST_LETTERS {
            return Err(wrong("fields", "the list is too long"));
        }
        if let Some(unknown) = fields.iter().find(|field| !FIELDS.contains(&field.as_str())) {
            return Err(wrong("fields", &format!("value: {unknown}")));
        }
        let named = call.param("attribution").unwrap_or("LASTSIGN").to_lowercase();
        let attribution = model(&named).ok_or_else(|| wrong("attribution", &format!("value: {named}")))?;
        let mut shelf = lock(&self.logs);
        let taken: usize = shelf.logs.values().filter(|log| log.counter == cabinet.id).map(Log::size).sum();
        if taken > ROOM {
            return Err(refusal(400, "invalid_parameter", "There is no room for logs of this counter"));
        }
        let id = 700 + shelf.logs.len() as u64;
        let counter = cabinet.id;
        let log = Log { counter, from, to, fields, attribution, status: "created", asked: 0, parts: Vec::new() };
        let told = log.told(id);
        shelf.logs.insert(id, log);
        Ok(Answer::json(200, &told))
    }

    /// The tables of a log: each begins with the names of the fields.
    fn parts(&self, cabinet: &Cabinet, log: &Log) -> Vec<String> {
        let header = format!("{}\n", log.fields.join("\t"));
        let mut parts = vec![header.clone()];
        let mut rows = 0;
        for day in self.stage.world.days(log.from, log.to, self.stage.today()) {
            for ad in &cabinet.ads {
                let figures = self.stage.world.figures(cabinet, ad, &day);
                let visits = Visits::of(&figures);
                let campaign = cabinet.campaigns[ad.campaign].id;
                let tags = tags_of(campaign, ad.id, log.attribution);
                let goals: Vec<String> = (goals_of(cabinet.id).iter().enumerate())
                    .filter(|(place, _)| reached(&figures, campaign, *place).0 > 0)
                    .map(|(_, goal)| goal.to_string())
                    .collect();
                for number in 0..visits.visits {
                    if rows == PART_ROWS {
                        rows = 0;
                        parts.push(header.clone());
                    }
                    rows += 1;
                    let bounces = number < visits.bounces;
                    let converts = number >= visits.visits - figures.conversions;
                    let second = hash(self.stage.seed, ad.id, number.unsigned_abs()) % 86_400;
                    let id = hash(ad.id, number.unsigned_abs(), u64::from(day.date.to_epoch_days().unsigned_abs()));
                    let cell = |field: &str| match field {
                        "ym:s:visitID" => id.to_string(),
                        "ym:s:date" => day.date.to_string(),
                        "ym:s:dateTime" => {
                            let (hours, minutes) = (second / 3_600, second / 60 % 60);
                            format!("{} {hours:02}:{minutes:02}:{:02}", day.date, second % 60)
                        }
                        "ym:s:clientID" => (id / 3).to_string(),
                        "ym:s:isNewUser" => u8::from(number % 3 == 0).to_string(),
                        "ym:s:startURL" => ad.url.clone(),
                        "ym:s:pageViews" => if bounces { "1" } else { "3" }.to_owned(),
                        "ym:s:visitDuration" => if bounces { "4" } else { "95" }.to_owned(),
                        "ym:s:bounce" => u8::from(bounces).to_string(),
                        "ym:s:goalsID" if converts => format!("[{}]", goals.join(",")),
                        "ym:s:goalsID" => "[]".to_owned(),
                        "ym:s:<attribution>TrafficSource" => if tags[0].is_some() { "ad" } else { "direct" }.to_owned(),
                        "ym:s:<attribution>UTMSource" => tags[0].clone().unwrap_or_default(),
                        "ym:s:<attribution>UTMMedium" => tags[1].clone().unwrap_or_default(),
                        "ym:s:<attribution>UTMCampaign" => tags[2].clone().unwrap_or_default(),
                        _ => tags[3].clone().unwrap_or_default(),
                    };
                    let cells: Vec<String> = log.fields.iter().map(|field| cell(field)).collect();
                    if let Some(part) = parts.last_mut() {
                        let _ = writeln!(part, "{}", cells.join("\t"));
                    }
                }
            }
        }
        parts
    }
}
