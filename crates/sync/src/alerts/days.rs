//! What the days of a connection's statistics say: a day without anything, a day far from what such days are, a day that is a copy of
//! another, a day that lost what it had, money that brings nothing. Pure: days in, findings out.
//!
//! These rules are made to be silent. A day is compared with the same weekday of the last weeks and with the last days, and must be out
//! of the ordinary for both; what campaigns that ended or began explain is taken off first; days that were not over when they were read,
//! days with too little before them and accounts that are too small for statistics are not judged. Days in a row with the same trouble
//! are one finding, which keeps the day it began with for as long as it lasts.

use super::{Rules, found};
use chrono::{Days, NaiveDate};
use model::{
    ad::Level,
    alert::{Alert, AlertKind, AlertRule, Threshold},
    date::{self, DateRange},
    money::Currency,
    run::DayState,
};
use std::collections::{BTreeMap, BTreeSet};
use store::{
    alert_facts::{Shift, StatDay},
    alerts::Found,
    daily_rollups::Sums,
};

/// Days that are looked at: eight weeks to learn from beside those that are judged.
pub const MEMORY_DAYS: u32 = 91;
/// Days before a jump among which its explanation is looked for.
pub const SHIFT_DAYS: u32 = 28;
/// How far back trouble is news: four weeks that have four weeks before them.
const NEWS_DAYS: i64 = 28;
/// Weeks of the same weekday, and days before, that a day is compared with.
const WEEKS: u64 = 8;
const RECENT: u64 = 14;
/// Fewer days before it say nothing about a day.
const FEWEST: usize = 7;
/// Same weekdays that are enough to know a weekday by.
const KNOWN_WEEKDAYS: usize = 4;
/// How many spreads a day must lie away.
const SPREADS: f64 = 2.5;
/// A spread is never taken for less than this share of the usual: three equal days are luck, not a law.
const LEAST_SPREAD: f64 = 0.05;
/// How many times the usual is too much. Good days are twice as good as others, bursts are no faults.
const TOO_MUCH: f64 = 3.0;
/// Rows below which their number says nothing.
const FEWEST_ROWS: f64 = 6.0;
/// Days within which a copy is looked for.
const COPY_DAYS: u64 = 7;
/// Clicks below which a day's spend alone says nothing: fraud is taken off click by click, and of few it may be a third.
const FEWEST_CLICKS: i64 = 30;
/// Days that say how often spend converts.
const CONVERSION_DAYS: i64 = 28;

/// What the rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Days of all streams of statistics, by stream and day.
    pub days: &'a [StatDay],
    /// The account's zone: a day that was read before it was over is not judged.
    pub time_zone: &'a str,
    /// The account's currency.
    pub currency: Currency,
    /// Alerts of the connection that are alive.
    pub living: &'a [Alert],
    /// What explains jumps, as far as it was asked for.
    pub shifts: &'a BTreeMap<(Level, NaiveDate), Shift>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Measure {
    Rows,
    Impressions,
    Spend,
}

impl Measure {
    fn of(self, sums: &Sums) -> Option<f64> {
        // A day without rows had nothing of anything.
        let known = |value: Option<i64>| if sums.rows == 0 { Some(0.0) } else { value.map(|value| value as f64) };
        match self {
            Self::Rows => Some(sums.rows as f64),
            Self::Impressions => known(sums.impressions),
            Self::Spend => known(sums.cost.map(|cost| cost.0)),
        }
    }
    fn word(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Impressions => "impressions",
            Self::Spend => "spend",
        }
    }
}

/// One day of one stream that is not as it should be.
#[derive(Debug, Clone, PartialEq)]
struct Flag {
    kind: AlertKind,
    date: NaiveDate,
    stream: String,
    level: Level,
    is_total: bool,
    /// What its text needs besides the days and the streams.
    params: BTreeMap<String, String>,
    /// Before and after, of a day that lost what it had.
    lost: Option<(f64, f64)>,
}

/// The days of one stream that can be judged and learned from.
struct Series<'a> {
    stream: &'a str,
    level: Level,
    is_total: bool,
    days: BTreeMap<NaiveDate, &'a StatDay>,
}

fn series<'a>(facts: &Facts<'a>) -> Vec<Series<'a>> {
    let mut all: Vec<Series<'a>> = Vec::new();
    for day in facts.days {
        let over = date::today(day.read_at, facts.time_zone) > day.date;
        if !over || !matches!(day.state, DayState::Moving | DayState::Final) || day.stream == crate::import::STREAM {
            continue;
        }
        match all.last_mut().filter(|series| series.stream == day.stream) {
            Some(series) => {
                series.days.insert(day.date, day);
            }
            None => all.push(Series {
                stream: &day.stream,
                level: day.level,
                is_total: day.is_total,
                days: BTreeMap::from([(day.date, day)]),
            }),
        }
    }
    all
}

fn back(date: NaiveDate, days: u64) -> Option<NaiveDate> {
    date.checked_sub_days(Days::new(days))
}

/// The middle of some values; 0 for none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// How far some values lie apart, as a share of their middle: robust, and for a bell curve the same as its deviation.
fn scatter(values: &[f64]) -> f64 {
    let middle = median(values.to_vec());
    let apart = median(values.iter().map(|value| (value - middle).abs()).collect());
    if middle > 0.0 { 1.4826 * apart / middle } else { 0.0 }
}

/// What a day is measured against.
struct Usual {
    /// What such a day usually is.
    value: f64,
    /// How far such days usually lie apart.
    spread: f64,
    /// What the last days let expect of this weekday.
    expected: f64,
    /// The lowest and the highest that such days lately were, one outlier left aside below.
    precedents: (f64, f64),
    /// Which part of a bar a day must be under: less as long as few days are known, for they may all have been good ones by luck. The number
    /// of rows knows less luck.
    strict: f64,
}

impl Series<'_> {
    fn value(&self, date: Option<NaiveDate>, measure: Measure) -> Option<f64> {
        measure.of(&self.days.get(&date?)?.sums)
    }

    fn usual(&self, date: NaiveDate, measure: Measure) -> Option<Usual> {
        let weekdays: Vec<f64> = (1..=WEEKS).filter_map(|week| self.value(back(date, 7 * week), measure)).collect();
        let recent: Vec<f64> = (1..=RECENT).filter_map(|days| self.value(back(date, days), measure)).collect();
        if recent.len() < FEWEST || weekdays.is_empty() {
            return None;
        }
        let known = weekdays.len() >= KNOWN_WEEKDAYS;
        let all: Vec<f64> = (1..=7 * WEEKS).filter_map(|days| self.value(back(date, days), measure)).collect();
        let (of_weekday, of_recent, of_all) = (median(weekdays.clone()), median(recent.clone()), median(all.clone()));
        let value = if known { of_weekday } else { of_weekday.min(of_recent) };
        // Some equal weekdays may be luck: all days together say as well how far days lie apart.
        let spread = scatter(&weekdays).max(scatter(&all)) * value;
        let factor = if known && of_all > 0.0 { of_weekday / of_all } else { 1.0 };
        let mut lately: Vec<f64> = weekdays.iter().copied().take(KNOWN_WEEKDAYS).collect();
        lately.sort_unstable_by(f64::total_cmp);
        // Before a weekday is known, only what was never seen is low.
        let low = if known { lately[1] } else { recent.iter().copied().fold(lately[0], f64::min) };
        let high = lately.iter().chain(&recent).copied().fold(0.0, f64::max);
        Some(Usual {
            value,
            spread: spread.max(value * LEAST_SPREAD),
            expected: of_recent * factor,
            precedents: (low, high),
            strict: match measure {
                _ if known => 1.0,
                Measure::Rows => 0.75,
                Measure::Impressions | Measure::Spend => 0.6,
            },
        })
    }

    /// Whether a day is lower than it may be, and what it usually is.
    fn is_low(&self, date: NaiveDate, measure: Measure, share: f64, least: f64, gone: f64) -> Option<(f64, f64)> {
        let found = self.value(Some(date), measure)?;
        let usual = self.usual(date, measure)?;
        let value = usual.value - gone;
        let low = |bar: f64| found < (1.0 - share) * usual.strict * (bar - gone);
        let far = value - found > SPREADS * usual.spread;
        (value >= least && far && low(usual.value) && low(usual.expected) && low(usual.precedents.0))
            .then_some((found, value))
    }

    /// Whether a day is higher than it may be, and what it usually is.
    fn is_high(&self, date: NaiveDate, measure: Measure, least: f64, fresh: f64) -> Option<(f64, f64)> {
        let found = self.value(Some(date), measure)?;
        let usual = self.usual(date, measure)?;
        let old = found - fresh;
        let high = old > TOO_MUCH * usual.value.max(least) && old > TOO_MUCH * usual.precedents.1;
        (high && old - usual.value > SPREADS * usual.spread).then_some((found, usual.value))
    }
}

fn share(rule: &AlertRule) -> f64 {
    f64::from(rule.number(Threshold::Percent)) / 100.0
}

fn least(rule: &AlertRule) -> f64 {
    f64::from(rule.number(Threshold::Impressions))
}

/// A whole number as a parameter.
fn whole(value: f64) -> String {
    format!("{value:.0}")
}

/// Parameters of a measure that was compared.
fn measured(measure: Measure, values: [(&str, f64); 2], currency: Currency) -> BTreeMap<String, String> {
    let mut params: BTreeMap<String, String> =
        values.into_iter().map(|(name, value)| (name.to_owned(), whole(value))).collect();
    params.insert("metric".to_owned(), measure.word().to_owned());
    if measure == Measure::Spend {
        params.insert("currency".to_owned(), currency.as_str().to_owned());
    }
    params
}

/// What two days have in common that are copies of each other: impressions, clicks and spend. `None` when something of it is nothing.
fn print(sums: &Sums) -> Option<(i64, i64, i64)> {
    let (impressions, clicks, cost) = (sums.impressions?, sums.clicks?, sums.cost?.0);
    (impressions > 0 && clicks > 0 && cost > 0).then_some((impressions, clicks, cost))
}

/// A copy of one of the days before: all of impressions, clicks and spend are the same, and none is nothing.
fn copy(series: &Series<'_>, date: NaiveDate, rule: &AlertRule) -> Option<BTreeMap<String, String>> {
    let key = |date: NaiveDate| {
        print(&series.days.get(&date)?.sums).filter(|(impressions, ..)| *impressions as f64 >= least(rule))
    };
    let own = key(date)?;
    let same = (1..=COPY_DAYS).filter_map(|days| back(date, days)).find(|earlier| key(*earlier) == Some(own))?;
    Some(BTreeMap::from([("same_as".to_owned(), same.to_string())]))
}

/// Nothing at all, where such days have something or where another stream of the connection has something on the very day.
fn empty(
    series: &Series<'_>,
    others: &[Series<'_>],
    date: NaiveDate,
    rule: &AlertRule,
    gone: f64,
) -> Option<BTreeMap<String, String>> {
    let day = series.days.get(&date)?;
    let nothing = [Measure::Impressions, Measure::Spend].iter().all(|it| it.of(&day.sums).unwrap_or_default() == 0.0);
    // Neither impressions nor spend were ever said: what is unknown is not empty.
    let unknown = day.sums.rows > 0 && day.sums.impressions.is_none() && day.sums.cost.is_none();
    if !nothing || unknown {
        return None;
    }
    let usual = series.is_low(date, Measure::Impressions, 0.0, least(rule), gone).map(|(_, usual)| usual);
    // Levels describe the same impressions: a level that is empty alone was not delivered.
    let beside = || {
        let elsewhere = others.iter().filter_map(|other| other.value(Some(date), Measure::Impressions));
        elsewhere.reduce(f64::max).filter(|impressions| *impressions >= least(rule))
    };
    usual.or_else(beside).map(|usual| BTreeMap::from([("usual".to_owned(), whole(usual))]))
}

/// Whether what a day had before was a copy of an earlier day: that it is one no more is no loss.
fn was_copy(series: &Series<'_>, date: NaiveDate, before: &Sums) -> bool {
    let Some(own) = print(before) else { return false };
    let earlier = (1..=COPY_DAYS).filter_map(|days| series.days.get(&back(date, days)?));
    earlier.flat_map(|day| [Some(&day.sums), day.before.as_ref()]).flatten().any(|sums| print(sums) == Some(own))
}

/// Less than it had before it was read again.
fn lost(series: &Series<'_>, date: NaiveDate, rule: &AlertRule) -> Option<(Measure, f64, f64)> {
    let day = series.days.get(&date)?;
    let before = day.before.as_ref()?;
    if (before.impressions? as f64) < least(rule) || was_copy(series, date, before) {
        return None;
    }
    let few = before.clicks.is_some_and(|clicks| clicks < FEWEST_CLICKS);
    [
        (Measure::Impressions, before.impressions.map(|value| value as f64)),
        (Measure::Spend, before.cost.filter(|_| !few).map(|cost| cost.0 as f64)),
    ]
    .into_iter()
    .find_map(|(measure, before)| {
        let (before, after) = (before?, measure.of(&day.sums).unwrap_or_default());
        (before > 0.0 && after < (1.0 - share(rule)) * before).then_some((measure, before, after))
    })
}

/// Far from what such days are.
fn unusual(series: &Series<'_>, date: NaiveDate, rule: &AlertRule, shift: &Shift) -> Option<(Measure, f64, f64)> {
    let of = |measure: Measure, sums: &Sums| match measure {
        Measure::Rows => sums.rows as f64,
        Measure::Impressions => sums.impressions.unwrap_or_default() as f64,
        Measure::Spend => sums.cost.unwrap_or_default().0 as f64,
    };
    // The number of rows is steadier than what stands in them, and half of them missing may be the smaller half.
    let bars = [
        (Measure::Rows, share(rule) * 2.0 / 3.0, FEWEST_ROWS),
        (Measure::Impressions, share(rule), least(rule)),
        (Measure::Spend, share(rule), 0.0),
    ];
    let big = series.usual(date, Measure::Impressions).is_some_and(|usual| usual.value >= least(rule));
    bars.into_iter().filter(|(measure, ..)| *measure != Measure::Spend || big).find_map(|(measure, share, least)| {
        // What the platform says of an object, and be it that it brought nothing, was not lost on the way.
        let gone = of(measure, &shift.ended) + of(measure, &shift.idle);
        let low = series.is_low(date, measure, share, least, gone);
        let high = || {
            // A new campaign has many rows, and nobody minds.
            let counted = measure != Measure::Rows && big;
            counted.then(|| series.is_high(date, measure, least, of(measure, &shift.fresh))).flatten()
        };
        low.or_else(high).map(|(found, usual)| (measure, found, usual))
    })
}

fn flags(facts: &Facts<'_>, rules: &Rules) -> Vec<Flag> {
    let all = series(facts);
    let mut flags = Vec::new();
    let rule = |kind: AlertKind| rules.get(&kind).filter(|rule| rule.enabled);
    for (place, series) in all.iter().enumerate() {
        let (others_before, others_after) = (&all[..place], &all[place + 1..]);
        for &date in series.days.keys() {
            let shift = facts.shifts.get(&(series.level, date)).copied().unwrap_or_default();
            let gone = shift.ended.impressions.unwrap_or_default() as f64;
            let flag = |kind, params, lost| Flag {
                kind,
                date,
                stream: series.stream.to_owned(),
                level: series.level,
                is_total: series.is_total,
                params,
                lost,
            };
            let copied =
                || Some(flag(AlertKind::RepeatedDay, copy(series, date, rule(AlertKind::RepeatedDay)?)?, None));
            let emptied = || {
                let rule = rule(AlertKind::EmptyDay)?;
                let params = empty(series, others_before, date, rule, gone)
                    .or_else(|| empty(series, others_after, date, rule, gone))?;
                Some(flag(AlertKind::EmptyDay, params, None))
            };
            let shrunk = || {
                let (measure, before, after) = lost(series, date, rule(AlertKind::ShrunkDay)?)?;
                let params = measured(measure, [("before", before), ("after", after)], facts.currency);
                Some(flag(AlertKind::ShrunkDay, params, Some((before, after))))
            };
            let jumped = || {
                let (measure, found, usual) = unusual(series, date, rule(AlertKind::UnusualVolume)?, &shift)?;
                let params = measured(measure, [("found", found), ("usual", usual)], facts.currency);
                Some(flag(AlertKind::UnusualVolume, params, None))
            };
            flags.extend(copied().or_else(emptied).or_else(shrunk).or_else(jumped));
        }
    }
    flags
}

/// The days whose findings may be explained by campaigns that ended or began: ask for their shifts and judge again.
pub fn suspects(facts: &Facts<'_>, rules: &Rules) -> BTreeSet<(Level, NaiveDate)> {
    let news = news(facts);
    flags(facts, rules)
        .into_iter()
        .filter(|flag| matches!(flag.kind, AlertKind::EmptyDay | AlertKind::UnusualVolume))
        .filter(|flag| {
            news.is_some_and(|news| flag.date >= news)
                || facts.living.iter().any(|alert| alert.subject.kind == flag.kind)
        })
        .map(|flag| (flag.level, flag.date))
        .collect()
}

/// The first day that is news.
fn news(facts: &Facts<'_>) -> Option<NaiveDate> {
    let newest = series(facts).iter().filter_map(|series| series.days.keys().next_back().copied()).max()?;
    newest.checked_sub_signed(chrono::TimeDelta::days(NEWS_DAYS - 1))
}

/// What the days say.
pub fn judge(facts: &Facts<'_>, rules: &Rules) -> Vec<Found> {
    let Some(news) = news(facts) else { return Vec::new() };
    let flags = flags(facts, rules);
    let mut all = Vec::new();
    let kept = rules
        .get(&AlertKind::ShrunkDay)
        .filter(|rule| rule.enabled)
        .map_or_else(Vec::new, |rule| still_lost(facts, rule));
    for kind in [AlertKind::RepeatedDay, AlertKind::EmptyDay, AlertKind::UnusualVolume, AlertKind::ShrunkDay] {
        let Some(rule) = rules.get(&kind).filter(|rule| rule.enabled) else { continue };
        let mut dates: BTreeSet<NaiveDate> =
            flags.iter().filter(|flag| flag.kind == kind).map(|flag| flag.date).collect();
        // A day that is known to have lost what it had is low for that reason.
        dates.retain(|date| !kept.iter().any(|(range, _)| range.contains(*date)));
        if kind == AlertKind::ShrunkDay {
            all.extend(
                kept.clone().into_iter().map(|(range, params)| found(rule, Some(DateRange::day(range.from())), params)),
            );
        }
        for range in in_a_row(&dates) {
            let own =
                facts.living.iter().filter(|alert| alert.subject.kind == kind).filter_map(|alert| alert.subject.days);
            let known = own.map(|days| days.from()).filter(|day| range.contains(*day)).min();
            if known.is_none() && range.to() < news {
                continue;
            }
            // The totals speak for the other levels.
            let mut troubled: Vec<&Flag> =
                flags.iter().filter(|flag| flag.kind == kind && range.contains(flag.date)).collect();
            troubled.sort_by_key(|flag| (!flag.is_total, flag.date));
            let Some(first) = troubled.first() else { continue };
            let mut params = first.params.clone();
            if let Some((before, after)) = sums_lost(&troubled, first) {
                params.insert("before".to_owned(), whole(before));
                params.insert("after".to_owned(), whole(after));
            }
            let streams: BTreeSet<&str> = troubled.iter().map(|flag| flag.stream.as_str()).collect();
            params.insert("streams".to_owned(), streams.into_iter().collect::<Vec<_>>().join(","));
            params.insert("stream".to_owned(), first.stream.clone());
            params.insert("date".to_owned(), range.from().to_string());
            params.insert("through".to_owned(), range.to().to_string());
            all.push(found(rule, Some(DateRange::day(known.unwrap_or(range.from()))), params));
        }
    }
    all.extend(rules.get(&AlertKind::SpendWithoutConversions).and_then(|rule| without_conversions(facts, rule)));
    all
}

/// Before and after over all days of the stream that speaks.
fn sums_lost(troubled: &[&Flag], first: &Flag) -> Option<(f64, f64)> {
    let own = troubled
        .iter()
        .filter(|flag| flag.stream == first.stream && flag.params.get("metric") == first.params.get("metric"));
    own.filter_map(|flag| flag.lost).reduce(|all, one| (all.0 + one.0, all.1 + one.1))
}

/// Days that lost what they had and did not get it back: reading them once more finds the same and says nothing about what was before.
fn still_lost(facts: &Facts<'_>, rule: &AlertRule) -> Vec<(DateRange, BTreeMap<String, String>)> {
    let all = series(facts);
    let shrunk = facts.living.iter().filter(|alert| alert.subject.kind == AlertKind::ShrunkDay);
    shrunk
        .filter_map(|alert| {
            let param = |name: &str| alert.params.get(name);
            let day = |name: &str| param(name)?.parse::<NaiveDate>().ok();
            let range = DateRange::new(day("date")?, day("through")?).ok()?;
            let series = all.iter().find(|series| Some(series.stream) == param("stream").map(String::as_str))?;
            let before: f64 = param("before")?.parse().ok()?;
            let measure = if param("metric")? == Measure::Spend.word() { Measure::Spend } else { Measure::Impressions };
            let now: f64 = range.days().filter_map(|date| series.value(Some(date), measure)).sum();
            let mut params = alert.params.clone();
            params.insert("after".to_owned(), whole(now));
            (now < (1.0 - share(rule)) * before).then_some((range, params))
        })
        .collect()
}

/// The days that a finding is about by now.
pub(super) fn of(found: &Found) -> Option<DateRange> {
    let day = |name: &str| found.params.get(name)?.parse::<NaiveDate>().ok();
    DateRange::new(day("date")?, day("through")?).ok()
}

/// Days that follow each other as ranges.
pub(super) fn in_a_row(dates: &BTreeSet<NaiveDate>) -> Vec<DateRange> {
    let mut ranges: Vec<DateRange> = Vec::new();
    for &date in dates {
        match ranges.last_mut() {
            Some(last) if last.to().succ_opt() == Some(date) => {
                *last = DateRange::new(last.from(), date).unwrap_or(*last);
            }
            _ => ranges.push(DateRange::day(date)),
        }
    }
    ranges
}

/// Money was spent on the last days and nothing converted, where it used to often enough.
fn without_conversions(facts: &Facts<'_>, rule: &AlertRule) -> Option<Found> {
    if !rule.enabled {
        return None;
    }
    let all = series(facts);
    let totals = all.iter().find(|series| series.is_total)?;
    let newest = *totals.days.keys().next_back()?;
    let days = i64::from(rule.number(Threshold::Days));
    let first = newest.checked_sub_signed(chrono::TimeDelta::days(days - 1))?;
    let of = |from: NaiveDate, to: NaiveDate| {
        let found: Vec<&Sums> = totals.days.range(from..=to).map(|(_, day)| &day.sums).collect();
        let conversions: Vec<i64> = found.iter().filter_map(|sums| sums.conversions).map(|it| it.0).collect();
        let spend: i64 = found.iter().filter_map(|sums| sums.cost).map(|cost| cost.0).sum();
        (found.len(), conversions.len(), conversions.iter().sum::<i64>(), spend)
    };
    let (read, said, conversions, spend) = of(first, newest);
    if i64::try_from(read).ok()? < days || said < read || conversions > 0 || spend == 0 {
        return None;
    }
    let before = first.pred_opt()?;
    let from = before.checked_sub_signed(chrono::TimeDelta::days(CONVERSION_DAYS - 1))?;
    let (history, _, used_to, spent) = of(from, before);
    if history < usize::try_from(CONVERSION_DAYS / 2).ok()? || spent == 0 {
        return None;
    }
    let usual = used_to as f64 / 1_000_000.0 * (spend as f64 / spent as f64);
    // Of a day that still moves half of its conversions may not be known yet: platforms attribute for weeks.
    let moving = totals.days.range(first..=newest).any(|(_, day)| day.state == DayState::Moving);
    let known = if moving { usual / 2.0 } else { usual };
    if known < f64::from(rule.number(Threshold::Conversions)) {
        return None;
    }
    let params = [
        ("days", days.to_string()),
        ("spend", spend.to_string()),
        ("currency", facts.currency.as_str().to_owned()),
        ("usual", whole(usual)),
    ];
    Some(found(rule, None, params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}
