//! The compliance battery: what every connector must be able to do, asked of it from outside. A connector's test brings its simulator as
//! a [`Bench`] and the truth the simulator was built from; the battery reads through the connector's [`Source`] and compares. The same
//! questions for every system are what lets `sync` treat them all alike.
//!
//! Each check returns the first thing that is wrong in words that name the stream and the row, so that a failing test needs no debugger.

use crate::{
    session::Session,
    source::{CheckEvent, Source},
    testing::CollectSink,
};
use async_trait::async_trait;
use chrono::NaiveDate;
use model::{
    ad::{AdObject, Batch, CampaignStat},
    date::DateRange,
    failure::{Code, Failure},
    record::GenericRecord,
};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    sync::{Mutex, PoisonError},
};

/// What the bench makes the platform do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Some requests get 429 and pass later.
    Throttled,
    /// Some requests get 500 and pass when repeated.
    Flaky,
    /// Answers carry fields nobody has documented.
    UnknownFields,
    /// The access token has run out and can be renewed.
    ExpiredToken,
    /// The key is wrong.
    WrongKey,
    /// The access was taken back.
    Revoked,
    /// The sign-in lacks the right to read.
    Forbidden,
    /// The resource is gone (404).
    Gone,
    /// The platform answers 500 for good.
    Down,
    /// A web page instead of JSON.
    Html,
    /// JSON that ends too early.
    Truncated,
    /// The platform's own count does not fit its rows.
    LyingTotal,
}

impl Fault {
    /// Those that a connector must get over, with nothing lost.
    pub const SURVIVED: [Self; 4] = [Self::Throttled, Self::Flaky, Self::UnknownFields, Self::ExpiredToken];
    /// Those that end a read.
    pub const FATAL: [Self; 8] = [
        Self::WrongKey,
        Self::Revoked,
        Self::Forbidden,
        Self::Gone,
        Self::Down,
        Self::Html,
        Self::Truncated,
        Self::LyingTotal,
    ];

    /// The code a read must end with; `None` when it must not fail.
    pub fn code(self) -> Option<Code> {
        Some(match self {
            Self::None | Self::Throttled | Self::Flaky | Self::UnknownFields | Self::ExpiredToken => return None,
            Self::WrongKey => Code::SignInRejected,
            Self::Revoked => Code::SignInRevoked,
            Self::Forbidden => Code::PermissionDenied,
            Self::Gone => Code::VendorChanged,
            Self::Down => Code::PlatformDown,
            Self::Html => Code::NotJson,
            Self::Truncated => Code::BodyTruncated,
            Self::LyingTotal => Code::TotalMismatch,
        })
    }
}

/// Where a connector is tested: a simulator and the way to it.
#[async_trait]
pub trait Bench: Send + Sync {
    /// A fresh session over a platform that does `fault`; `None` when this platform cannot show it. Time in it is virtual.
    async fn session(&self, fault: Fault) -> Option<Session>;
    /// Everything observed in sessions so far, for the leak check.
    fn observed(&self) -> String;
    /// The secrets planted in sessions so far.
    fn planted(&self) -> Vec<String>;
    /// What the platform holds of streams whose records are kept as they come.
    fn records(&self) -> Records {
        Records::new()
    }
}

/// Records by stream and key (the values of the key as JSON text, such as `[7]`): the members that matter of each.
pub type Records = BTreeMap<String, BTreeMap<String, Map<String, Value>>>;

/// What the platform holds.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// Accounts the sign-in sees.
    pub accounts: BTreeSet<String>,
    /// Objects by dictionary stream.
    pub objects: BTreeMap<String, Vec<AdObject>>,
    /// Rows by statistics stream, of `days`.
    pub stats: BTreeMap<String, Vec<CampaignStat>>,
    /// The days of `stats`.
    pub days: Option<DateRange>,
}

/// A check's result: `Err` says what is wrong.
pub type Verdict = Result<(), String>;

/// Signing in lists exactly the accounts that are there, and every step that began ended.
pub async fn discovers(source: &dyn Source, bench: &dyn Bench, truth: &Truth) -> Verdict {
    let session = bench.session(Fault::None).await.ok_or("the bench has no healthy platform")?;
    let steps = Mutex::new(Vec::new());
    let tell = |event: CheckEvent| steps.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    let accounts = source.accounts(&session, &tell).await.map_err(|failure| format!("accounts: {failure}"))?;
    let found: BTreeSet<String> = accounts.into_iter().map(|account| account.external_id).collect();
    if found != truth.accounts {
        return Err(format!("accounts {found:?}, expected {:?}", truth.accounts));
    }
    let mut open = Vec::new();
    for event in steps.into_inner().unwrap_or_else(PoisonError::into_inner) {
        match event {
            CheckEvent::Started { step } => open.push(step),
            CheckEvent::Done { step, .. } if open.contains(&step) => open.retain(|started| *started != step),
            CheckEvent::Done { step, .. } => return Err(format!("the step {step} ended without having begun")),
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("the steps {open:?} never ended")) }
}

/// A look into an account works and does not claim a day in the future.
pub async fn samples(source: &dyn Source, bench: &dyn Bench, today: NaiveDate) -> Verdict {
    let session = bench.session(Fault::None).await.ok_or("the bench has no healthy platform")?;
    let sample = source.sample(&session, today).await.map_err(|failure| format!("sample: {failure}"))?;
    match sample.last_data {
        Some(day) if day > today => Err(format!("the sample has data of {day}, and today is {today}")),
        _ => Ok(()),
    }
}

/// Slices of a range cover each of its days exactly once, oldest first.
pub fn slices_cover(source: &dyn Source, range: DateRange) -> Verdict {
    for stream in &source.descriptor().streams {
        let slices = source.slices(&stream.name, range).map_err(|failure| format!("{}: {failure}", stream.name))?;
        let windows: Vec<DateRange> = slices.iter().filter_map(|slice| slice.window).collect();
        if windows.is_empty() && slices.len() == 1 {
            continue;
        }
        let mut next = range.from();
        for window in &windows {
            if window.from() != next {
                return Err(format!("{}: a slice is {window:?}, and the next day wanted is {next}", stream.name));
            }
            next = window.to().succ_opt().ok_or("the end of time")?;
        }
        if windows.len() != slices.len() || Some(next) != range.to().succ_opt() {
            return Err(format!("{}: slices {windows:?} do not cover {range:?}", stream.name));
        }
    }
    Ok(())
}

/// Everything is read as it is, with nothing rejected, also while the platform does `fault`.
pub async fn reads_truth(source: &dyn Source, bench: &dyn Bench, truth: &Truth, fault: Fault) -> Verdict {
    let Some(session) = bench.session(fault).await else { return Ok(()) };
    let expected = bench.records();
    let read = read_all(source, &session, truth, &expected).await;
    let (batch, records) = read.map_err(|failure| format!("under {fault:?}: {failure}"))?;
    if let Some(rejected) = batch.rejected.first() {
        return Err(format!("under {fault:?}: {} rows rejected, the first: {rejected:?}", batch.rejected.len()));
    }
    let key_object = |object: &AdObject| (object.level, object.external_id.clone());
    let key_stat = |stat: &CampaignStat| (stat.level, stat.external_id.clone(), stat.date, stat.breakdown.clone());
    same(&batch.objects, &truth.objects, key_object).map_err(|what| format!("under {fault:?}: {what}"))?;
    same(&batch.stats, &truth.stats, key_stat).map_err(|what| format!("under {fault:?}: {what}"))?;
    same_records(&records, &expected).map_err(|what| format!("under {fault:?}: {what}"))
}

/// A fault that cannot be got over ends the read with the code that belongs to it.
pub async fn fails_as(source: &dyn Source, bench: &dyn Bench, truth: &Truth, fault: Fault) -> Verdict {
    let Some(session) = bench.session(fault).await else { return Ok(()) };
    match (read_all(source, &session, truth, &bench.records()).await, fault.code()) {
        (Err(failure), Some(code)) if failure.code == code => Ok(()),
        (Err(failure), expected) => Err(format!("under {fault:?}: {failure}, expected {expected:?}")),
        (Ok(_), expected) => Err(format!("under {fault:?}: the read went well, expected {expected:?}")),
    }
}

/// A stopped session reads nothing and says so.
pub async fn stops(source: &dyn Source, bench: &dyn Bench, truth: &Truth) -> Verdict {
    let session = bench.session(Fault::None).await.ok_or("the bench has no healthy platform")?;
    session.cancel.cancel();
    match read_all(source, &session, truth, &bench.records()).await {
        Err(failure) if failure.code == Code::Cancelled => Ok(()),
        Err(failure) => Err(format!("a stopped read failed with {failure}")),
        Ok(_) => Err("a stopped read went on".to_owned()),
    }
}

/// None of the planted secrets was observed.
pub fn kept_secret(bench: &dyn Bench) -> Verdict {
    let observed = bench.observed();
    let planted = bench.planted();
    if observed.is_empty() || planted.is_empty() {
        return Err("there is nothing to search, or nothing to search for".to_owned());
    }
    match planted.iter().position(|secret| observed.contains(secret.as_str())) {
        None => Ok(()),
        Some(index) => Err(format!("the planted secret number {index} is in the log")),
    }
}

/// All checks. The list of everything that is wrong; empty is good.
pub async fn run(source: &dyn Source, bench: &dyn Bench, truth: &Truth, today: NaiveDate) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut note = |verdict: Verdict| wrong.extend(verdict.err());
    note(discovers(source, bench, truth).await);
    note(samples(source, bench, today).await);
    if let Some(days) = truth.days {
        note(slices_cover(source, days));
    }
    note(reads_truth(source, bench, truth, Fault::None).await);
    for fault in Fault::SURVIVED {
        note(reads_truth(source, bench, truth, fault).await);
    }
    for fault in Fault::FATAL {
        note(fails_as(source, bench, truth, fault).await);
    }
    note(stops(source, bench, truth).await);
    note(kept_secret(bench));
    wrong
}

/// Reads every stream of which there is a truth, in the connector's order; records by stream.
async fn read_all(
    source: &dyn Source,
    session: &Session,
    truth: &Truth,
    kept: &Records,
) -> Result<(Batch, BTreeMap<String, Vec<GenericRecord>>), Failure> {
    let mut sink = CollectSink::default();
    let mut records = BTreeMap::new();
    for stream in &source.descriptor().streams {
        let known = truth.objects.contains_key(&stream.name) || truth.stats.contains_key(&stream.name);
        if !known && !kept.contains_key(&stream.name) {
            continue;
        }
        let today = session.clock.now().date_naive();
        let range = truth.days.unwrap_or(DateRange::day(today));
        for slice in source.slices(&stream.name, range)? {
            source.read(session, &slice, &mut sink).await?;
        }
        records.insert(stream.name.clone(), std::mem::take(&mut sink.batch.records));
    }
    Ok((sink.batch, records))
}

/// The same records, whatever the order, each with the members that matter.
fn same_records(found: &BTreeMap<String, Vec<GenericRecord>>, expected: &Records) -> Verdict {
    let none = BTreeMap::new();
    for (stream, records) in found {
        let expected = expected.get(stream).unwrap_or(&none);
        let mut read = BTreeMap::new();
        for record in records {
            let key = record.key.clone().ok_or_else(|| format!("{stream}: a record without a key, {}", record.data))?;
            let data: Value = serde_json::from_str(&record.data).map_err(|error| format!("{stream}: {error}"))?;
            if read.insert(key.clone(), data).is_some() {
                return Err(format!("{stream}: {key} was read twice"));
            }
        }
        for (key, members) in expected {
            let data = read.remove(key).ok_or_else(|| format!("{stream}: {key} is missing"))?;
            if let Some((name, value)) = members.iter().find(|(name, value)| data.get(name.as_str()) != Some(*value)) {
                return Err(format!("{stream}: {key} has {name} {:?}, the platform holds {value}", data.get(name)));
            }
        }
        if let Some(key) = read.keys().next() {
            return Err(format!("{stream}: {} records too many, such as {key}", read.len()));
        }
    }
    Ok(())
}

/// Both hold the same rows, whatever the order.
fn same<T: PartialEq + Debug, K: Ord + Debug>(
    found: &[T],
    truth: &BTreeMap<String, Vec<T>>,
    key: impl Fn(&T) -> K,
) -> Verdict {
    let mut rows = BTreeMap::new();
    for row in found {
        if rows.insert(key(row), row).is_some() {
            return Err(format!("{:?} was read twice", key(row)));
        }
    }
    for (stream, expected) in truth {
        for row in expected {
            match rows.remove(&key(row)) {
                Some(found) if found == row => {}
                Some(found) => return Err(format!("{stream}: read {found:?}, the platform holds {row:?}")),
                None => return Err(format!("{stream}: {:?} is missing", key(row))),
            }
        }
    }
    match rows.keys().next() {
        None => Ok(()),
        Some(extra) => Err(format!("{} rows too many, such as {extra:?}", rows.len())),
    }
}
