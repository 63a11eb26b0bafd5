//! What platforms' answers say beside their numbers: their form has changed, or the platform's own sums of days are not ours. Pure:
//! changes and days in, findings out.

use super::{Rules, days::in_a_row, found};
use chrono::NaiveDate;
use model::{
    alert::{Alert, AlertKind},
    date::DateRange,
    money::Currency,
    reconcile::{DayPair, Difference},
    shape::Drift,
};
use std::collections::BTreeMap;
use store::alerts::Found;

/// Days back in which differences are told: what is older is not collected again by a button.
pub const DAYS: u32 = 400;

/// What is compared, by weight: a day that lacks money lacks impressions, too, and money is what is said.
const METRICS: [&str; 3] = ["cost", "impressions", "clicks"];

/// Changes that wait for a decision: one finding for each stream.
pub fn changed(drifts: &[Drift], rules: &Rules) -> Vec<Found> {
    let Some(rule) = rules.get(&AlertKind::SchemaDrift).filter(|rule| rule.enabled) else { return Vec::new() };
    let mut changes: BTreeMap<&str, u32> = BTreeMap::new();
    for drift in drifts {
        *changes.entry(&drift.stream).or_default() += 1;
    }
    changes
        .into_iter()
        .map(|(stream, changes)| {
            let params = [("stream", stream.to_owned()), ("changes", changes.to_string())];
            let params = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            Found { stream: Some(stream.to_owned()), ..found(rule, None, params) }
        })
        .collect()
}

/// Days whose sums are not the platform's: those that follow each other are one finding, which keeps the day it began with for as long
/// as it lasts, and says the weightiest number over all of its days.
pub fn differing(pairs: &[DayPair], living: &[Alert], currency: Currency, rules: &Rules) -> Vec<Found> {
    let Some(rule) = rules.get(&AlertKind::TotalsDiffer).filter(|rule| rule.enabled) else { return Vec::new() };
    let differing: BTreeMap<NaiveDate, Difference> =
        pairs.iter().filter_map(|pair| Some((pair.date, pair.difference()?))).collect();
    let own = |range: DateRange| {
        let alive = living.iter().filter(|alert| alert.subject.kind == AlertKind::TotalsDiffer);
        alive.filter_map(|alert| alert.subject.days).map(|days| days.from()).filter(|day| range.contains(*day)).min()
    };
    in_a_row(&differing.keys().copied().collect())
        .into_iter()
        .filter_map(|range| {
            let days: Vec<&Difference> = differing.range(range.from()..=range.to()).map(|(_, it)| it).collect();
            let metric = METRICS.into_iter().find(|metric| days.iter().any(|day| day.metric == *metric))?;
            let said = days.iter().filter(|day| day.metric == metric);
            let (ours, theirs) = said.fold((0, 0), |(ours, theirs), day| (ours + day.ours, theirs + day.theirs));
            let mut params: BTreeMap<String, String> = [
                ("date", range.from().to_string()),
                ("through", range.to().to_string()),
                ("metric", metric.to_owned()),
                ("ours", ours.to_string()),
                ("theirs", theirs.to_string()),
            ]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
            if metric == "cost" {
                params.insert("currency".to_owned(), currency.as_str().to_owned());
            }
            Some(found(rule, Some(DateRange::day(own(range).unwrap_or(range.from()))), params))
        })
        .collect()
}
