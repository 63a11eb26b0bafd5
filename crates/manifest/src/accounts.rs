//! Which accounts a sign-in sees, and a first look into one, as a manifest of ours tells it under `metadata.syncdeck.looks`: streams of
//! the format whose records carry what was found: `user`, `account` and `sample` below `syncdeck`.

use crate::{
    components::{self, Fault, Stream},
    document::{self, DocumentError},
    json::{Json, Map},
    read::{Convert, Flow, Job, Run, Taker, read_streams},
};
use async_trait::async_trait;
use chrono::{Days, NaiveDate};
use kit::source::{Account, AccountSample, CheckEvent};
use model::{
    date::DateRange,
    failure::{Code, Failure},
    money::Micros,
    reconcile::DayTotal,
};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

/// Days of spend shown as evidence. Their first and last stand in the configuration as `sample.from` and `sample.to`.
const SAMPLE_DAYS: u64 = 30;

/// Where records carry it: a name no platform uses.
const FOUND: &str = "syncdeck";

/// When a look is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// First: its records name the user. The `account` of a record counts as one of the accounts.
    SignIn,
    /// Then: accounts, in the order of the streams.
    Accounts,
    /// For an account that somebody picks.
    Sample,
    /// After a sync: the platform's own sums of the days between `totals.from` and `totals.to`, as `total` of its records. Where a record
    /// is only a `part` of its day, such as one campaign, the parts of a day are added up.
    Totals,
}

/// Streams to be read at a step.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) step: Step,
    pub(crate) stream: Arc<Stream>,
    /// How its records are taken apart before it is seen what they carry.
    apart: Option<Apart>,
}

/// See [`crate::source::Native::taken_apart`].
pub(crate) type Apart = fn(Vec<Json>) -> Vec<Json>;

impl Look {
    /// Builds the stream of a look. `path` is where it stands; `finish` adds what the format has no word for, and says how the stream's
    /// records are taken apart.
    pub(crate) fn new(
        step: Step,
        stream: Json,
        path: &str,
        finish: impl FnOnce(&mut Stream) -> Option<Apart>,
    ) -> Result<Self, DocumentError> {
        // Metadata is nobody's component, so parameters have not come down into it.
        let stream = document::propagate(stream, "", &Map::new(), false)?;
        let mut stream = components::stream(&stream, path).map_err(|fault| match fault {
            Fault::Invalid(error) => error,
            Fault::Unsupported { component, path } => DocumentError::new(path, format!("{component} is not supported")),
        })?;
        // What others read for their partitions is asked for once.
        stream.is_parent = true;
        let apart = finish(&mut stream);
        Ok(Self { step, stream: Arc::new(stream), apart })
    }
}

#[derive(Deserialize)]
struct FoundAccount {
    external_id: String,
    name: String,
    #[serde(default)]
    currency: String,
    #[serde(default)]
    config: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct FoundSample {
    currency: Option<String>,
    campaigns: Option<u32>,
    spend: Option<String>,
    last_data: Option<NaiveDate>,
}

#[derive(Deserialize)]
struct FoundTotal {
    date: NaiveDate,
    /// What of the day it is the sum of; nothing: all of it.
    #[serde(default)]
    part: String,
    impressions: Option<i64>,
    clicks: Option<i64>,
    spend: Option<String>,
}

/// Signs in and lists accounts; see [`kit::source::Source::accounts`].
pub(crate) async fn accounts(
    looks: &[Look],
    run: &Run,
    tell: &(dyn Fn(CheckEvent) + Send + Sync),
) -> Result<Vec<Account>, Failure> {
    tell(CheckEvent::Started { step: "sign_in" });
    let first = gather(looks, Step::SignIn, run).await?;
    let name: String = found(&first, "user", run)?.into_iter().next().unwrap_or_default();
    tell(CheckEvent::Done { step: "sign_in", params: BTreeMap::from([("user", name.clone()), ("name", name)]) });
    tell(CheckEvent::Started { step: "accounts" });
    let mut all: Vec<FoundAccount> = found(&first, "account", run)?;
    all.extend(found(&gather(looks, Step::Accounts, run).await?, "account", run)?);
    // Several ways may lead to an account; the first one is taken.
    let mut known = HashSet::new();
    all.retain(|account| known.insert(account.external_id.clone()));
    tell(CheckEvent::Done { step: "accounts", params: BTreeMap::from([("count", all.len().to_string())]) });
    let account = |it: FoundAccount| Account {
        external_id: it.external_id,
        name: it.name,
        currency: it.currency.parse().ok(),
        config: it.config,
    };
    Ok(all.into_iter().map(account).collect())
}

/// Looks into an account; see [`kit::source::Source::sample`]. Spend is summed up, of the rest the last word counts.
pub(crate) async fn sample(looks: &[Look], run: &Run, today: NaiveDate) -> Result<AccountSample, Failure> {
    let from = today.checked_sub_days(Days::new(SAMPLE_DAYS - 1)).unwrap_or(today);
    let run = with_days(run, "sample", from, today);
    let records = gather(looks, Step::Sample, &run).await?;
    let mut sample = AccountSample { spend_30d: Some(Micros::ZERO), ..AccountSample::default() };
    for part in found::<FoundSample>(&records, "sample", &run)? {
        sample.currency = part.currency.and_then(|code| code.parse().ok()).or(sample.currency);
        sample.campaigns = part.campaigns.or(sample.campaigns);
        sample.last_data = part.last_data.max(sample.last_data);
        if let Some(text) = part.spend {
            let changed = |_| run.http.failure(Code::VendorChanged).with("what", "sample/spend");
            sample.spend_30d = Some(sample.spend_30d.unwrap_or_default() + Micros::parse(&text).map_err(changed)?);
        }
    }
    Ok(sample)
}

/// The platform's own sums of days; see [`kit::source::Source::day_totals`]. `None` without such a look.
pub(crate) async fn day_totals(
    looks: &[Look],
    run: &Run,
    range: DateRange,
) -> Result<Option<Vec<(NaiveDate, DayTotal)>>, Failure> {
    if !looks.iter().any(|look| look.step == Step::Totals) {
        return Ok(None);
    }
    let run = with_days(run, "totals", range.from(), range.to());
    let mut parts = Vec::new();
    for it in found::<FoundTotal>(&gather(looks, Step::Totals, &run).await?, "total", &run)? {
        let changed = |_| run.http.failure(Code::VendorChanged).with("what", "total/spend");
        let cost = it.spend.map(|text| Micros::parse(&text)).transpose().map_err(changed)?;
        parts.push((it.date, it.part, DayTotal { impressions: it.impressions, clicks: it.clicks, cost }));
    }
    Ok(Some(added_up(parts)))
}

/// Sums of days from their parts. Of two of the same part the first counts; a number that one part does not say is not known of the day.
fn added_up(parts: Vec<(NaiveDate, String, DayTotal)>) -> Vec<(NaiveDate, DayTotal)> {
    let mut seen = BTreeSet::new();
    let mut days: BTreeMap<NaiveDate, DayTotal> = BTreeMap::new();
    for (date, part, more) in parts {
        if !seen.insert((date, part)) {
            continue;
        }
        days.entry(date)
            .and_modify(|sum| {
                sum.impressions = sum.impressions.zip(more.impressions).map(|(sum, more)| sum + more);
                sum.clicks = sum.clicks.zip(more.clicks).map(|(sum, more)| sum + more);
                sum.cost = sum.cost.zip(more.cost).map(|(sum, more)| sum + more);
            })
            .or_insert(more);
    }
    days.into_iter().collect()
}

/// A run whose configuration names days.
fn with_days(run: &Run, name: &str, from: NaiveDate, to: NaiveDate) -> Run {
    let days = [("from", from), ("to", to)].map(|(name, day)| (name.to_owned(), Json::from(day.to_string())));
    let mut config = Json::clone(&run.config);
    if let Some(config) = config.as_object_mut() {
        config.insert(name.to_owned(), Json::Object(Map::from_iter(days)));
    }
    Run { config: Arc::new(config), ..run.clone() }
}

/// What records carry under a name, typed.
fn found<T: DeserializeOwned>(records: &[Json], name: &str, run: &Run) -> Result<Vec<T>, Failure> {
    let typed = |value: &Json| {
        serde_json::from_value(value.general())
            .map_err(|error| run.http.failure(Code::VendorChanged).with("what", name).detail(error))
    };
    records.iter().filter_map(|record| record.get(FOUND)?.get(name)).map(typed).collect()
}

/// The records of a step, stream by stream.
async fn gather(looks: &[Look], step: Step, run: &Run) -> Result<Vec<Json>, Failure> {
    let looks = || looks.iter().filter(|look| look.step == step);
    let jobs: Vec<Job> = looks().map(|look| Job::new(Arc::clone(&look.stream))).collect();
    let convert: Convert<Vec<Json>> = Arc::new(Some);
    let mut gathered = Gathered(looks().map(|look| (look.apart, Vec::new())).collect());
    tokio::select! {
        biased;
        () = run.cancel.cancelled() => return Err(Failure::new(Code::Cancelled)),
        read = read_streams(run, jobs, &convert, &mut gathered) => read?,
    }
    Ok(gathered.0.into_iter().flat_map(|(_, records)| records).collect())
}

/// How records of each job are taken apart, and those that there are.
struct Gathered(Vec<(Option<Apart>, Vec<Json>)>);

#[async_trait]
impl Taker<Vec<Json>> for Gathered {
    async fn take(&mut self, job: usize, flow: Flow<Vec<Json>>) -> Result<(), Failure> {
        match flow {
            Flow::Page(records) => {
                if let Some((apart, kept)) = self.0.get_mut(job) {
                    kept.extend(match apart {
                        Some(apart) => apart(records),
                        None => records,
                    });
                }
            }
            Flow::Ended(outcome) => return outcome,
            Flow::Started | Flow::Slice(_) | Flow::State(_) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_day_are_added_up_and_each_counts_once() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap_or_default();
        let total =
            |impressions, spend: i64| DayTotal { impressions, clicks: Some(1), cost: Some(Micros(spend * 1_000_000)) };
        let parts = vec![
            (day(1), "a".to_owned(), total(Some(5), 10)),
            (day(1), "b".to_owned(), total(Some(7), 20)),
            (day(1), "b".to_owned(), total(Some(7), 20)),
            (day(2), String::new(), total(Some(3), 4)),
            (day(2), String::new(), total(Some(9), 9)),
            (day(3), "a".to_owned(), total(Some(3), 4)),
            (day(3), "b".to_owned(), total(None, 4)),
        ];
        let sums: Vec<_> =
            added_up(parts).into_iter().map(|(date, sum)| (date, sum.impressions, sum.clicks, sum.cost)).collect();
        let whole = |roubles: i64| Some(Micros(roubles * 1_000_000));
        let expected = [
            (day(1), Some(12), Some(2), whole(30)),
            (day(2), Some(3), Some(1), whole(4)),
            (day(3), None, Some(2), whole(8)),
        ];
        assert_eq!(sums, expected);
    }
}
