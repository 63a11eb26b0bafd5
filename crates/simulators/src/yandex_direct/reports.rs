//! The Reports service: tables of an advertiser's statistics, made at once or in a queue.
//!
//! Source: yandex.ru/dev/direct/doc/ru/{reports,spec,headers,mode,report-format,restrictions}. A report is fetched by repeating the request
//! that ordered it: 201 when it is taken, 202 while it is made, 200 with the table. A finished one is kept for five hours as it is. A name
//! that stands for another request is refused, as are fields that do not fit the type, days before the past three years, a sixth report in
//! the queue and a twenty-first request in ten seconds.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use chrono::{Datelike, Months, NaiveDate};
use serde_json::Value;

use super::{Direct, Refused, goals_of, header, is_of_wizard, lock, refused_report};
use crate::server::{Answer, Call};
use crate::world::Figures;

/// How much VAT is on top of spend when it is asked for, percent.
pub const VAT_PERCENT: i64 = 22;
/// How long a finished report is kept, seconds.
const KEPT_SECS: i64 = 5 * 3_600;
/// Rows of a table at most.
const MOST_ROWS: u64 = 1_000_000;
/// Goals of a report at most.
const MOST_GOALS: usize = 10;

/// The types of reports that are served, with the fields of objects that fit them. The first one groups.
const TYPES: [(&str, &[&str]); 4] = [
    ("ACCOUNT_PERFORMANCE_REPORT", &[]),
    ("CAMPAIGN_PERFORMANCE_REPORT", &["CampaignId"]),
    ("ADGROUP_PERFORMANCE_REPORT", &["AdGroupId", "CampaignId"]),
    ("AD_PERFORMANCE_REPORT", &["AdId", "CampaignId"]),
];
const METRICS: [&str; 5] = ["Impressions", "Clicks", "Cost", "Conversions", "Revenue"];
/// What a specification of a report may say.
const KNOWN: [&str; 12] = [
    "SelectionCriteria",
    "Goals",
    "AttributionModels",
    "FieldNames",
    "Page",
    "OrderBy",
    "ReportName",
    "ReportType",
    "DateRangeType",
    "Format",
    "IncludeVAT",
    "IncludeDiscount",
];
/// Models of attribution with the share of conversions that they see, permille.
const MODELS: [(&str, i64); 4] = [("AUTO", 1_000), ("LC", 900), ("LSCCD", 950), ("FCCD", 870)];

/// Conversions and their value in kopecks that a goal of a campaign sees of these figures; `goal` counts from 0 ([`goals_of`]).
pub fn counted(figures: &Figures, campaign: u64, goal: usize, model: &str) -> (i64, i64) {
    let own = match goal {
        0 => campaign.is_multiple_of(2),
        1 => !campaign.is_multiple_of(2),
        _ => true,
    };
    let share = MODELS.iter().find(|(name, _)| *name == model).map_or(0, |(_, share)| *share);
    let conversions = if own { figures.conversions * share / 1_000 } else { 0 };
    let value = if figures.conversions == 0 { 0 } else { figures.revenue_kopecks * conversions / figures.conversions };
    (conversions, value)
}

/// The reports of all users.
#[derive(Debug, Default)]
pub struct Desk {
    /// By user and name.
    reports: BTreeMap<(usize, String), Report>,
    /// When a user asked, in seconds.
    asked: BTreeMap<usize, VecDeque<i64>>,
}

#[derive(Debug)]
struct Report {
    /// What it stands for.
    request: String,
    /// How often it was asked for; none for one that was made at once.
    asked: Option<u32>,
    /// The table, once it is finished, and when that was.
    table: Option<(String, i64)>,
}

fn wrong(detail: impl Into<String>) -> Refused {
    (4000, detail.into())
}

/// A report as it was asked for, checked.
struct Question<'a> {
    name: &'a str,
    from: NaiveDate,
    to: NaiveDate,
    /// What groups, besides the day.
    object: Option<&'static str>,
    fields: Vec<&'a str>,
    goals: Vec<&'a str>,
    models: Vec<&'a str>,
    vat: bool,
    limit: usize,
    offset: usize,
}

impl<'a> Question<'a> {
    fn read(body: &'a Value, today: NaiveDate) -> Result<Self, Refused> {
        let params = body.get("params").and_then(Value::as_object).ok_or_else(|| wrong("params are required"))?;
        if let Some(name) = params.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err((8000, format!("params does not know {name}")));
        }
        let word =
            |name: &str| params.get(name).and_then(Value::as_str).ok_or_else(|| wrong(format!("{name} is required")));
        let words = |name: &str| -> Result<Vec<&'a str>, Refused> {
            let Some(value) = params.get(name) else { return Ok(Vec::new()) };
            let all: Option<Vec<&str>> = value.as_array().and_then(|items| items.iter().map(Value::as_str).collect());
            all.filter(|all| !all.is_empty()).ok_or_else(|| (8000, format!("{name} must be an array of texts")))
        };
        let name = word("ReportName")?;
        if name.is_empty() || name.chars().count() > 255 {
            return Err(wrong("ReportName must have 1 to 255 letters"));
        }
        let (_, objects) = *TYPES
            .iter()
            .find(|(of, _)| word("ReportType") == Ok(of))
            .ok_or_else(|| wrong("ReportType is not known"))?;
        if word("Format")? != "TSV" || word("DateRangeType")? != "CUSTOM_DATE" {
            return Err(wrong("Format or DateRangeType is not served"));
        }
        let criteria = params.get("SelectionCriteria").ok_or_else(|| wrong("SelectionCriteria is required"))?;
        let day = |name: &str| {
            let text =
                criteria.get(name).and_then(Value::as_str).ok_or_else(|| wrong(format!("{name} is required")))?;
            NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| wrong(format!("{name} is no day")))
        };
        let (from, to) = (day("DateFrom")?, day("DateTo")?);
        let earliest = today.with_day(1).and_then(|first| first.checked_sub_months(Months::new(36)));
        if from > to || earliest.is_some_and(|earliest| from < earliest) {
            return Err(wrong("The period is out of range"));
        }
        let fields = words("FieldNames")?;
        let fits = |field: &&str| *field == "Date" || objects.contains(field) || METRICS.contains(field);
        if fields.is_empty() || !fields.iter().all(fits) {
            return Err(wrong("FieldNames has a field that does not fit the report"));
        }
        for order in params.get("OrderBy").and_then(Value::as_array).into_iter().flatten() {
            if !order.get("Field").and_then(Value::as_str).is_some_and(|field| fields.contains(&field)) {
                return Err(wrong("OrderBy names a field that is not asked for"));
            }
        }
        let (goals, models) = (words("Goals")?, words("AttributionModels")?);
        let known = |model: &&str| MODELS.iter().any(|(name, _)| name == model);
        if goals.len() > MOST_GOALS
            || goals.iter().any(|goal| goal.parse::<u64>().is_err())
            || !models.iter().all(known)
        {
            return Err(wrong("Goals or AttributionModels are not valid"));
        }
        if objects.is_empty() && !goals.is_empty() {
            return Err(wrong("Goals of the whole account are not served here"));
        }
        let vat = match word("IncludeVAT")? {
            "YES" => true,
            "NO" => false,
            _ => return Err(wrong("IncludeVAT must be YES or NO")),
        };
        let page = |name: &str, usual: u64| match params.get("Page").and_then(|page| page.get(name)) {
            None => Ok(usual),
            Some(value) => value
                .as_u64()
                .filter(|number| *number <= MOST_ROWS)
                .ok_or_else(|| wrong(format!("{name} is not valid"))),
        };
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let (limit, offset) = (count(page("Limit", MOST_ROWS)?), count(page("Offset", 0)?));
        if offset > 0 && params.get("OrderBy").is_none() {
            return Err(wrong("Offset needs OrderBy"));
        }
        let models = if models.is_empty() { vec!["AUTO"] } else { models };
        Ok(Self { name, from, to, object: objects.first().copied(), fields, goals, models, vat, limit, offset })
    }
}

impl Direct {
    /// Answers a request for a report.
    pub fn report(&self, call: &Call, owner: usize, body: &Value) -> Result<Answer, Refused> {
        let place = self.advertiser(call, owner)?;
        let now = self.stage.calendar.now_secs();
        {
            let mut desk = lock(&self.desk);
            let asked = desk.asked.entry(owner).or_default();
            while asked.front().is_some_and(|at| at + 10 <= now) {
                asked.pop_front();
            }
            if asked.len() >= self.rules.reports_in_ten_seconds {
                return Err((56, "More than 20 reports in 10 seconds".to_owned()));
            }
            asked.push_back(now);
        }
        let mode = header(call, "processingmode").unwrap_or("auto");
        if !["auto", "online", "offline"].contains(&mode) {
            return Err(wrong("processingMode is not known"));
        }
        let asked = Question::read(body, self.stage.today())?;
        let request = format!("{place} {mode} {body}");
        let key = (owner, asked.name.to_owned());
        let mut desk = lock(&self.desk);
        desk.reports.retain(|_, report| report.table.as_ref().is_none_or(|(_, at)| at + KEPT_SECS > now));
        if desk.reports.get(&key).is_some_and(|report| report.request != request) {
            return Err(wrong("There is a report of this name with other parameters"));
        }
        let user = Some(self.stage.world.cabinets[place].id);
        if let Some((table, _)) = desk.reports.get(&key).and_then(|report| report.table.as_ref()) {
            return Ok(Answer { user, ..Answer::raw(200, table.clone().into_bytes()) });
        }
        let (rows, table) = self.table(call, place, &asked);
        let queued = desk.reports.get(&key).and_then(|report| report.asked);
        if queued.is_none() && (mode == "online" || (mode == "auto" && rows <= self.rules.online_rows)) {
            desk.reports.insert(key, Report { request, asked: None, table: None });
            return Ok(Answer { user, ..Answer::raw(200, table.into_bytes()) });
        }
        let in_queue = desk.reports.values().filter(|report| report.asked.is_some() && report.table.is_none());
        let in_queue = in_queue.count();
        if queued.is_none() && in_queue >= self.rules.queue {
            return Ok(refused_report(9000, "Five reports are in the queue"));
        }
        let times = queued.unwrap_or(0) + 1;
        let ready = times >= self.rules.askings;
        let kept = ready.then(|| (table.clone(), now));
        desk.reports.insert(key, Report { request, asked: Some(times), table: kept });
        if ready {
            return Ok(Answer { user, ..Answer::raw(200, table.into_bytes()) });
        }
        let waits = Answer { user, ..Answer::raw(if times == 1 { 201 } else { 202 }, Vec::new()) };
        Ok(waits.with("retryin", self.rules.retry_in.to_string()).with("reportsinqueue", in_queue.max(1).to_string()))
    }

    /// The table of a report, and how many rows it has before it is cut into pages.
    fn table(&self, call: &Call, place: usize, asked: &Question<'_>) -> (usize, String) {
        let cabinet = &self.stage.world.cabinets[place];
        let goals = goals_of(cabinet.id);
        let mut rows: BTreeMap<(NaiveDate, Option<u64>, u64), Figures> = BTreeMap::new();
        for day in self.stage.world.days(asked.from, asked.to, self.stage.today()) {
            for ad in &cabinet.ads {
                let figures = self.stage.world.figures(cabinet, ad, &day);
                if figures == Figures::default() {
                    continue;
                }
                let campaign = cabinet.campaigns[ad.campaign].id;
                let shown = Some(()).filter(|()| !is_of_wizard(campaign));
                let object = match asked.object {
                    None => Some(0),
                    Some("CampaignId") => Some(campaign),
                    Some("AdGroupId") => shown.map(|()| cabinet.groups[ad.group].id),
                    Some(_) => shown.map(|()| ad.id),
                };
                let campaign = if asked.object.is_none() { 0 } else { campaign };
                *rows.entry((day.date, object, campaign)).or_default() += figures;
            }
        }
        let count = rows.len();
        let micros = header(call, "returnmoneyinmicros") != Some("false");
        let money = |micros_of: i64| {
            let (whole, hundredths) = (micros_of / 1_000_000, micros_of % 1_000_000 / 10_000);
            if micros { micros_of.to_string() } else { format!("{whole}.{hundredths:02}") }
        };
        let measured = |number: i64, text: String| if number == 0 { "--".to_owned() } else { text };
        // A metric of conversions is one column for each goal and model, if goals were chosen.
        let by_goal = |field: &str| -> Vec<String> {
            let pairs = asked.goals.iter().flat_map(|goal| asked.models.iter().map(move |model| (goal, model)));
            pairs.map(|(goal, model)| format!("{field}_{goal}_{model}")).collect()
        };
        let splits = |field: &str| !asked.goals.is_empty() && matches!(field, "Conversions" | "Revenue");
        let names: Vec<String> = asked
            .fields
            .iter()
            .flat_map(|field| if splits(field) { by_goal(field) } else { vec![(*field).to_owned()] })
            .collect();
        let mut text = String::new();
        if header(call, "skipreportheader") != Some("true") {
            let _ = writeln!(text, "\"{}\" ({} - {})", asked.name, asked.from, asked.to);
        }
        if header(call, "skipcolumnheader") != Some("true") {
            let _ = writeln!(text, "{}", names.join("\t"));
        }
        for ((date, object, campaign), figures) in rows.into_iter().skip(asked.offset).take(asked.limit) {
            let mut cells = Vec::new();
            for field in &asked.fields {
                let metric = |(conversions, value): (i64, i64)| {
                    if *field == "Conversions" {
                        measured(conversions, conversions.to_string())
                    } else {
                        measured(value, money(value * 10_000))
                    }
                };
                match *field {
                    "Date" => cells.push(date.to_string()),
                    "Impressions" => cells.push(figures.impressions.to_string()),
                    "Clicks" => cells.push(figures.clicks.to_string()),
                    "Cost" => {
                        let net = figures.spend_kopecks * 10_000;
                        cells.push(money(if asked.vat { net / 100 * (100 + VAT_PERCENT) } else { net }));
                    }
                    "Conversions" | "Revenue" if splits(field) => {
                        for goal in &asked.goals {
                            let at = goals.iter().position(|known| known.to_string() == **goal);
                            for model in &asked.models {
                                cells.push(metric(at.map_or((0, 0), |at| counted(&figures, campaign, at, model))));
                            }
                        }
                    }
                    "Conversions" | "Revenue" => cells.push(metric((figures.conversions, figures.revenue_kopecks))),
                    "CampaignId" => cells.push(campaign.to_string()),
                    _ => cells.push(object.map_or_else(|| "--".to_owned(), |id| id.to_string())),
                }
            }
            let _ = writeln!(text, "{}", cells.join("\t"));
        }
        if header(call, "skipreportsummary") != Some("true") {
            let _ = writeln!(text, "Total rows: {count}");
        }
        (count, text)
    }
}
