//! `mapping.yaml`: how the records of a stream become rows of our tables.
//!
//! Deliberately not a language: a field is a path and a type, nothing is evaluated per record. A connector that needs more
//! changes its records in the manifest. What cannot be typed goes to quarantine with its reason, and the run goes on.
//!
//! ```yaml
//! streams:
//!   banner_stats:
//!     to: campaign_stats
//!     level: ad
//!     fields: {external_id: id, date: date, impressions: base.shows, cost: base.spent}
//!   banners:
//!     to: ad_objects
//!     level: ad
//!     fields: {external_id: id, parent: ad_group_id, name: name, landing_url: urls.primary.url}
//!     status: {from: status, words: {active: active, blocked: stopped, deleted: deleted}}
//! ```
//!
//! Money is decimal text or a number without an exponent; it never passes through a float of ours. Where a platform sends whole millionths
//! of the currency instead, `micros: [cost, revenue]` says which fields those are.
//!
//! Analytics systems give `visits`, `users`, `page_views` and `bounces` in the same rows.
//!
//! A record may be no row, but what the platform says of its own rows: that it keeps some of them back, that it has estimated them.
//! `remark: path` says where such a record has it, as `{field, value}`, with the `date` it is about and one of our reasons, `reason`, where
//! there are such. It is kept beside the rows, like those that could not be typed.

use crate::json::Json;
use crate::{document::DocumentError, template::float_text};
use chrono::NaiveDate;
use model::{
    ad::{AdObject, Batch, CampaignStat, Level, ObjectStatus, RejectReason, Rejected, Visits},
    date::DateRange,
    money::{Currency, Micros, VatState},
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashSet},
    hash::{BuildHasher, RandomState},
};

/// Longest value and longest raw row kept in quarantine, in characters.
const MAX_VALUE: usize = 500;
const MAX_RAW: usize = 4_000;

/// The whole file, by stream.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    streams: BTreeMap<String, StreamFile>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct StreamFile {
    to: Table,
    level: Level,
    fields: BTreeMap<String, String>,
    /// Numbers that the platform always gives: a row without one is not a row with an unknown number, but one that is not understood.
    #[serde(default)]
    required: Vec<String>,
    /// Money that comes in whole millionths of the currency.
    #[serde(default)]
    micros: Vec<String>,
    status: Option<StatusFile>,
    breakdown: Option<BreakdownFile>,
    /// Where a record has something to say about rows instead of being one.
    remark: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Table {
    CampaignStats,
    AdObjects,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusFile {
    from: String,
    words: BTreeMap<String, ObjectStatus>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct BreakdownFile {
    kind: String,
    from: String,
}

type Path = Vec<String>;

/// The compiled mapping of one stream.
#[derive(Debug, Clone)]
pub struct Mapping {
    stream: String,
    /// The level of its rows.
    pub level: Level,
    target: Target,
    remark: Option<Path>,
}

#[derive(Debug, Clone)]
enum Target {
    Stats(Box<StatFields>),
    Objects(Box<ObjectFields>),
}

#[derive(Debug, Clone)]
struct StatFields {
    external_id: Path,
    date: Path,
    impressions: Option<Path>,
    clicks: Option<Path>,
    cost: Option<Path>,
    conversions: Option<Path>,
    revenue: Option<Path>,
    currency: Option<Path>,
    visits: Option<Path>,
    users: Option<Path>,
    page_views: Option<Path>,
    bounces: Option<Path>,
    breakdown: Option<(String, Path)>,
    required: Vec<(&'static str, Path)>,
    micros: Vec<&'static str>,
}

/// What may be required of a row of statistics.
const NUMBERS: [&str; 9] =
    ["impressions", "clicks", "cost", "conversions", "revenue", "visits", "users", "page_views", "bounces"];

/// What of it is money.
const MONEY: [&str; 2] = ["cost", "revenue"];

#[derive(Debug, Clone)]
struct ObjectFields {
    external_id: Path,
    parent: Option<Path>,
    name: Option<Path>,
    landing_url: Option<Path>,
    status: Option<(Path, BTreeMap<String, ObjectStatus>)>,
}

/// Reads `mapping.yaml`: mappings by stream.
pub fn load(text: &str) -> Result<BTreeMap<String, Mapping>, DocumentError> {
    let file: File = serde_saphyr::from_str(text)
        .map_err(|error| DocumentError::new("mapping.yaml", format!("the mapping is not valid: {error}")))?;
    file.streams.into_iter().map(|(name, stream)| Ok((name.clone(), compile(name, stream)?))).collect()
}

fn compile(name: String, file: StreamFile) -> Result<Mapping, DocumentError> {
    let at = |field: &str| format!("mapping.yaml/streams/{name}/{field}");
    let mut fields = file.fields;
    let mut required = Vec::new();
    for name in &file.required {
        let known = NUMBERS.into_iter().find(|number| number == name).filter(|_| file.to == Table::CampaignStats);
        let (Some(known), Some(path)) = (known, fields.get(name)) else {
            return Err(DocumentError::new(at("required"), format!("{name} is no number among the fields")));
        };
        required.push((known, path.split('.').map(str::to_owned).collect::<Path>()));
    }
    let mut micros = Vec::new();
    for name in &file.micros {
        let known = MONEY.into_iter().find(|money| money == name).filter(|_| file.to == Table::CampaignStats);
        match known.filter(|known| fields.contains_key(*known)) {
            Some(known) => micros.push(known),
            None => return Err(DocumentError::new(at("micros"), format!("{name} is no money among the fields"))),
        }
    }
    let path = |text: &str| text.split('.').map(str::to_owned).collect::<Path>();
    let mut take = |field: &str| fields.remove(field).map(|text| path(&text));
    let need = |found: Option<Path>, field: &str| {
        found.ok_or_else(|| DocumentError::new(at(&format!("fields/{field}")), "missing"))
    };
    let target = match file.to {
        Table::CampaignStats => {
            if file.status.is_some() {
                return Err(DocumentError::new(at("status"), "statistics have no status"));
            }
            let kind = file.breakdown.as_ref().map(|it| it.kind.as_str());
            if kind.is_some_and(|kind| kind.is_empty() || !kind.bytes().all(|it| it == b'_' || it.is_ascii_lowercase()))
            {
                return Err(DocumentError::new(
                    at("breakdown/kind"),
                    "a word of small latin letters is expected, such as goal",
                ));
            }
            Target::Stats(Box::new(StatFields {
                external_id: need(take("external_id"), "external_id")?,
                date: need(take("date"), "date")?,
                impressions: take("impressions"),
                clicks: take("clicks"),
                cost: take("cost"),
                conversions: take("conversions"),
                revenue: take("revenue"),
                currency: take("currency"),
                visits: take("visits"),
                users: take("users"),
                page_views: take("page_views"),
                bounces: take("bounces"),
                breakdown: file.breakdown.map(|it| (it.kind, path(&it.from))),
                required,
                micros,
            }))
        }
        Table::AdObjects => {
            if file.breakdown.is_some() {
                return Err(DocumentError::new(at("breakdown"), "objects have no breakdown"));
            }
            Target::Objects(Box::new(ObjectFields {
                external_id: need(take("external_id"), "external_id")?,
                parent: take("parent"),
                name: take("name"),
                landing_url: take("landing_url"),
                status: file.status.map(|it| (path(&it.from), it.words)),
            }))
        }
    };
    match fields.keys().next() {
        None => Ok(Mapping { stream: name, level: file.level, target, remark: file.remark.as_deref().map(path) }),
        Some(unknown) => Err(DocumentError::new(at(&format!("fields/{unknown}")), "no such field in our tables")),
    }
}

/// What a mapping needs to know of the account and the slice.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// Currency of sums.
    pub currency: Currency,
    /// Whether sums contain VAT.
    pub vat: VatState,
    /// The days that were asked for; rows of others are rejected.
    pub window: Option<DateRange>,
}

/// A field that cannot be used.
struct Refused {
    reason: RejectReason,
    field: &'static str,
    value: String,
}

type Read<T> = Result<T, Refused>;

impl Mapping {
    /// What its rows are split by; `None` for whole rows and for objects.
    pub fn breakdown(&self) -> Option<&str> {
        match &self.target {
            Target::Stats(fields) => fields.breakdown.as_ref().map(|(kind, _)| kind.as_str()),
            Target::Objects(_) => None,
        }
    }
    /// Whether it gives daily rows.
    pub fn is_statistics(&self) -> bool {
        matches!(self.target, Target::Stats(_))
    }

    /// The fields it reads, so that nothing else need be parsed.
    pub fn wanted(&self) -> Vec<Vec<String>> {
        let mut wanted: Vec<Path> = self.remark.iter().cloned().collect();
        match &self.target {
            Target::Stats(it) => {
                wanted.extend([it.external_id.clone(), it.date.clone()]);
                let ads = [&it.impressions, &it.clicks, &it.cost, &it.conversions, &it.revenue, &it.currency];
                let visits = [&it.visits, &it.users, &it.page_views, &it.bounces];
                let optional = ads.into_iter().chain(visits);
                wanted.extend(optional.flatten().cloned());
                wanted.extend(it.breakdown.iter().map(|(_, path)| path.clone()));
            }
            Target::Objects(it) => {
                wanted.push(it.external_id.clone());
                wanted.extend([&it.parent, &it.name, &it.landing_url].into_iter().flatten().cloned());
                wanted.extend(it.status.iter().map(|(path, _)| path.clone()));
            }
        }
        wanted
    }

    /// The field of a closed list with the words it knows there.
    pub(crate) fn words(&self) -> Option<(&[String], impl Iterator<Item = &str>)> {
        match &self.target {
            Target::Objects(fields) => {
                fields.status.as_ref().map(|(path, words)| (path.as_slice(), words.keys().map(String::as_str)))
            }
            Target::Stats(_) => None,
        }
    }

    /// The rows of some records.
    pub fn rows(&self, records: &[Json], account: &Account) -> Batch {
        let mut batch = Batch::default();
        match &self.target {
            Target::Stats(fields) => {
                batch.stats.reserve_exact(records.len());
                for record in records {
                    if self.remark(record, &mut batch) {
                        continue;
                    }
                    match self.stat(fields, record, account) {
                        Ok(row) => batch.stats.push(row),
                        Err(refused) => {
                            let date = day(record, &fields.date).ok();
                            batch.rejected.push(self.rejected(&refused, date, record));
                        }
                    }
                }
            }
            Target::Objects(fields) => {
                batch.objects.reserve_exact(records.len());
                for record in records {
                    if self.remark(record, &mut batch) {
                        continue;
                    }
                    match self.object(fields, record, &mut batch.rejected) {
                        Ok(row) => batch.objects.push(row),
                        Err(refused) => batch.rejected.push(self.rejected(&refused, None, record)),
                    }
                }
            }
        }
        batch
    }

    fn rejected(&self, refused: &Refused, date: Option<NaiveDate>, record: &Json) -> Rejected {
        Rejected {
            stream: self.stream.clone(),
            date,
            reason: refused.reason,
            field: refused.field.to_owned(),
            value: cut(&refused.value, MAX_VALUE),
            line: None,
            raw: cut(&record.to_string(), MAX_RAW),
        }
    }

    /// Keeps what a record says of the platform's rows, if it is one that does.
    fn remark(&self, record: &Json, batch: &mut Batch) -> bool {
        let Some(told) = self.remark.as_ref().and_then(|path| find(record, path)) else { return false };
        let text = |name: &str| told.get(name).filter(|value| !value.is_null()).map(print).unwrap_or_default();
        batch.rejected.push(Rejected {
            stream: self.stream.clone(),
            date: day(told, &["date".to_owned()]).ok(),
            reason: text("reason").parse().unwrap_or(RejectReason::UnknownWord),
            field: cut(&text("field"), MAX_VALUE),
            value: cut(&text("value"), MAX_VALUE),
            line: None,
            raw: cut(&record.to_string(), MAX_RAW),
        });
        true
    }

    fn stat(&self, fields: &StatFields, record: &Json, account: &Account) -> Read<CampaignStat> {
        if !record.is_object() {
            return Err(refused(RejectReason::WrongShape, "record", record));
        }
        let external_id = id(record, &fields.external_id, "external_id")?;
        let date = day(record, &fields.date)?;
        if account.window.is_some_and(|window| !window.contains(date)) {
            return Err(Refused { reason: RejectReason::OutsideWindow, field: "date", value: date.to_string() });
        }
        if let Some((field, _)) = fields.required.iter().find(|(_, path)| find(record, path).is_none()) {
            return Err(Refused { reason: RejectReason::Missing, field, value: String::new() });
        }
        if let Some(path) = &fields.currency
            && let Some(value) = find(record, path)
        {
            let found: Option<Currency> = value.as_str().and_then(|text| text.parse().ok());
            match found {
                None => return Err(refused(RejectReason::UnknownWord, "currency", value)),
                Some(found) if found != account.currency => {
                    return Err(refused(RejectReason::CurrencyMismatch, "currency", value));
                }
                Some(_) => {}
            }
        }
        let breakdown = match &fields.breakdown {
            None => String::new(),
            Some((kind, path)) => format!("{kind}={}", find(record, path).map(print).unwrap_or_default()),
        };
        Ok(CampaignStat {
            level: self.level,
            external_id,
            date,
            breakdown,
            impressions: count(record, fields.impressions.as_ref(), "impressions")?,
            clicks: count(record, fields.clicks.as_ref(), "clicks")?,
            cost: money(record, fields.cost.as_ref(), "cost", &fields.micros)?,
            currency: account.currency,
            vat: account.vat,
            conversions: decimal(record, fields.conversions.as_ref(), "conversions")?,
            revenue: money(record, fields.revenue.as_ref(), "revenue", &fields.micros)?,
            visits: Visits {
                count: count(record, fields.visits.as_ref(), "visits")?,
                users: count(record, fields.users.as_ref(), "users")?,
                page_views: count(record, fields.page_views.as_ref(), "page_views")?,
                bounces: count(record, fields.bounces.as_ref(), "bounces")?,
            },
        })
    }

    fn object(&self, fields: &ObjectFields, record: &Json, notes: &mut Vec<Rejected>) -> Read<AdObject> {
        if !record.is_object() {
            return Err(refused(RejectReason::WrongShape, "record", record));
        }
        let external_id = id(record, &fields.external_id, "external_id")?;
        let parent_external_id = match &fields.parent {
            Some(path) if find(record, path).is_some() => Some(id(record, path, "parent")?),
            _ => None,
        };
        // An object without a name is still an object: its id stands in, so that its numbers have something to be shown under.
        let name = fields.name.as_ref().and_then(|path| find(record, path)).map(print).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| external_id.clone());
        let status = match &fields.status {
            None => ObjectStatus::Unknown,
            Some((path, words)) => match find(record, path) {
                None => ObjectStatus::Unknown,
                Some(word) => words.get(&print(word)).copied().unwrap_or_else(|| {
                    // The row is kept; the word we do not know is noted beside it.
                    notes.push(self.rejected(&refused(RejectReason::UnknownWord, "status", word), None, record));
                    ObjectStatus::Unknown
                }),
            },
        };
        let landing = fields.landing_url.as_ref().and_then(|path| find(record, path)).map(print);
        let landing_url = landing.map(|url| url.trim().to_owned()).filter(|url| !url.is_empty());
        Ok(AdObject { level: self.level, external_id, parent_external_id, name, status, landing_url })
    }
}

fn refused(reason: RejectReason, field: &'static str, value: &Json) -> Refused {
    Refused { reason, field, value: print(value) }
}

/// What lies under a path; null is nothing.
fn find<'a>(record: &'a Json, path: &[String]) -> Option<&'a Json> {
    let mut value = record;
    for segment in path {
        value = value.as_object()?.get(segment)?;
    }
    (!value.is_null()).then_some(value)
}

fn print(value: &Json) -> String {
    match value {
        Json::String(text) => text.to_string(),
        other => other.to_string(),
    }
}

fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((end, _)) => text[..end].to_owned(),
    }
}

/// A vendor's id: opaque text, or an integer as text.
fn id(record: &Json, path: &[String], field: &'static str) -> Read<String> {
    match find(record, path) {
        None => Err(Refused { reason: RejectReason::Missing, field, value: String::new() }),
        Some(Json::String(text)) if text.trim().is_empty() => {
            Err(Refused { reason: RejectReason::Missing, field, value: text.to_string() })
        }
        Some(Json::String(text)) => Ok(text.to_string()),
        Some(Json::Number(number)) if !number.is_f64() => Ok(number.to_string()),
        Some(other) => Err(refused(RejectReason::WrongShape, field, other)),
    }
}

/// A day: `2026-11-20`, or the day in front of a time of the account's own zone.
fn day(record: &Json, path: &[String]) -> Read<NaiveDate> {
    let Some(value) = find(record, path) else {
        return Err(Refused { reason: RejectReason::Missing, field: "date", value: String::new() });
    };
    let wrong = || refused(RejectReason::NotADate, "date", value);
    let text = value.as_str().ok_or_else(wrong)?.as_bytes();
    let digits = |from: usize, to: usize| {
        text.get(from..to)?
            .iter()
            .try_fold(0u32, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
    };
    let marks =
        text.get(4) == Some(&b'-') && text.get(7) == Some(&b'-') && matches!(text.get(10), None | Some(b' ' | b'T'));
    let parts = digits(0, 4).zip(digits(5, 7)).zip(digits(8, 10));
    match parts {
        Some(((year, month), day)) if marks => {
            NaiveDate::from_ymd_opt(i32::try_from(year).map_err(|_| wrong())?, month, day).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

fn count(record: &Json, path: Option<&Path>, field: &'static str) -> Read<Option<i64>> {
    let Some(value) = path.and_then(|path| find(record, path)) else { return Ok(None) };
    let not_a_number = || refused(RejectReason::NotANumber, field, value);
    let number = match value {
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), ..) => whole,
            (None, Some(_), _) => return Err(refused(RejectReason::TooLarge, field, value)),
            // `3.0` is a count, `3.5` is not.
            (None, None, Some(float)) if float.fract() == 0.0 && float.abs() < 9e15 => {
                format!("{float:.0}").parse().map_err(|_| not_a_number())?
            }
            _ => return Err(not_a_number()),
        },
        Json::String(text) => match text.trim().parse::<i64>() {
            Ok(whole) => whole,
            Err(error)
                if matches!(
                    error.kind(),
                    std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow
                ) =>
            {
                return Err(refused(RejectReason::TooLarge, field, value));
            }
            Err(_) => return Err(not_a_number()),
        },
        _ => return Err(not_a_number()),
    };
    if number < 0 { Err(refused(RejectReason::Negative, field, value)) } else { Ok(Some(number)) }
}

/// A sum, in whole millionths where the platform sends these.
fn money(record: &Json, path: Option<&Path>, field: &'static str, micros: &[&str]) -> Read<Option<Micros>> {
    if micros.contains(&field) { Ok(count(record, path, field)?.map(Micros)) } else { decimal(record, path, field) }
}

fn decimal(record: &Json, path: Option<&Path>, field: &'static str) -> Read<Option<Micros>> {
    let Some(value) = path.and_then(|path| find(record, path)) else { return Ok(None) };
    let parsed = match value {
        Json::String(text) => Micros::parse(text.trim()),
        Json::Number(number) if !number.is_f64() => Micros::parse(&number.to_string()),
        // The shortest digits of a parsed number are the digits that were sent, up to fifteen of them; an exponent is refused below.
        Json::Number(number) => Micros::parse(&float_text(number.as_f64().unwrap_or(f64::NAN))),
        _ => return Err(refused(RejectReason::NotANumber, field, value)),
    };
    match parsed {
        Ok(amount) if amount < Micros::ZERO => Err(refused(RejectReason::Negative, field, value)),
        Ok(amount) => Ok(Some(amount)),
        Err(_) => {
            let digits = print(value).trim().trim_start_matches(['+', '-']).to_owned();
            let numeric = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let large = numeric && digits.split('.').next().is_some_and(|whole| whole.len() > 12);
            Err(refused(if large { RejectReason::TooLarge } else { RejectReason::NotANumber }, field, value))
        }
    }
}

/// Finds rows that came twice in one slice. Rows are remembered as 128-bit fingerprints, so a large slice costs 16 bytes a row.
#[derive(Debug, Default)]
pub struct Duplicates {
    seen: HashSet<u128>,
    first: RandomState,
    second: RandomState,
}

impl Duplicates {
    fn is_new(&mut self, key: impl std::hash::Hash + Copy) -> bool {
        self.seen.insert((u128::from(self.first.hash_one(key)) << 64) | u128::from(self.second.hash_one(key)))
    }

    /// Moves second comings of a row to the rejected ones.
    pub fn sort_out(&mut self, stream: &str, batch: &mut Batch) {
        let reject = |field: &str, value: &str, date: Option<NaiveDate>| Rejected {
            stream: stream.to_owned(),
            date,
            reason: RejectReason::Duplicate,
            field: field.to_owned(),
            value: cut(value, MAX_VALUE),
            line: None,
            raw: String::new(),
        };
        let rejected = &mut batch.rejected;
        batch.stats.retain(|row| {
            let new = self.is_new((&row.external_id, row.date, &row.breakdown));
            if !new {
                rejected.push(reject("external_id", &row.external_id, Some(row.date)));
            }
            new
        });
        batch.objects.retain(|row| {
            let new = self.is_new(&row.external_id);
            if !new {
                rejected.push(reject("external_id", &row.external_id, None));
            }
            new
        });
    }
}
