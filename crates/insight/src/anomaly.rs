//! Days that are far from what such days are. Pure: days in, anomalies out.
//!
//! **The usual.** A day is compared with the same weekday of the eight weeks before it: their median is its usual value, which one
//! odd Tuesday does not move. At least four of them must be known.
//!
//! **How unusual.** The modified z-score of Iglewicz and Hoaglin, `0.6745 (x - median) / MAD`, told beyond 3.5 (*How to Detect and Handle
//! Outliers*, ASQC Quality Press 1993, pp. 11-13; NIST/SEMATECH e-Handbook, 1.3.5.17). Distances are logarithms of factors, the scale on
//! which a day is told ("2.3 times its usual Tuesday"), so that twice and half are equally far. Eight Tuesdays alone say little about
//! their spread, so the MAD is that of all days of the eight weeks, each against the median of the *other* days of its weekday.
//!
//! **Floors.** Three equal days are luck, not a law: a spread is never less than [`LEAST_SPREAD`]. What is counted in events scatters
//! by itself (for `n` events, relatively by `1/√n`: the Poisson law), so the spread is never less than that either; values below
//! [`LEAST_EVENTS`] count as that many, and a ratio is judged only where at least so many events were to be expected: of three
//! clicks nothing can be said. A sum of money below a tenth of a usual day counts as that tenth, which bounds the distance of a day
//! without any.
//!
//! **What is left aside.** Days that still move, are partial, failed or missing, on either side ([`Settled`]).
//!
//! **What a person teaches.** A day that was *expected* has a reason (a sale, a new budget), and whether its level stays nobody knows yet. So
//! for the eight weeks that the baseline needs to learn by itself, everything between the usual and that level is as it should
//! be, and only what lies beyond is measured. A level that stays becomes the usual meanwhile; one that does not is forgotten.
//!
//! Alerts about days (`sync/alerts/days.rs`) are another question: they look for faults of the data, and are made to be silent.

use crate::metric::{Metric, Sums, Unit, Verdict, ratio};
use chrono::{Datelike, NaiveDate};
use model::{anomaly::AnomalyMetric, money::Micros};

/// Days before a day that it is compared with: eight weeks.
pub const MEMORY_DAYS: u32 = 56;
/// Modified z-score beyond which a day is told; Iglewicz and Hoaglin, p. 13.
pub const TOLD: f64 = 3.5;
/// The 0.75 quantile of the normal law: the MAD of normal data is this share of their standard deviation.
const QUANTILE: f64 = 0.6745;
/// Same weekdays that are enough to know a weekday by.
const KNOWN_WEEKDAYS: usize = 4;
/// Days that are enough to know how far days lie apart.
const KNOWN_DAYS: usize = 21;
/// A spread is never taken for less: below some 42 % up or 30 % down nothing is told, however even days were.
pub const LEAST_SPREAD: f64 = 0.1;
/// Events (clicks, conversions) below which nothing can be said of them.
pub const LEAST_EVENTS: u32 = 10;

/// Which of a day's figures no longer change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Settled {
    /// None: it still moves, is partial, failed or missing.
    No,
    /// Impressions, clicks and spend; conversions still come in.
    Delivery,
    /// All of them.
    All,
}

/// A day of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Day {
    /// The day.
    pub date: NaiveDate,
    /// Which of its figures count.
    pub settled: Settled,
    /// Its sums, in one currency.
    pub sums: Sums,
}

/// A level that a person expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The day that had it.
    pub date: NaiveDate,
    /// The day's value as a factor of its usual.
    pub factor: Micros,
}

/// A day far from its usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anomaly {
    /// Of which metric.
    pub metric: AnomalyMetric,
    /// The day.
    pub date: NaiveDate,
    /// Its value.
    pub value: Micros,
    /// The median of its weekday.
    pub usual: Micros,
    /// Value by usual; unknown when usual is nothing.
    pub factor: Option<Micros>,
    /// Robust z-score, beyond what a person expects; negative below the usual.
    pub score: Micros,
    /// From how many days of its weekday the usual is known.
    pub weeks: u32,
    /// Whether it is good news.
    pub verdict: Verdict,
}

/// What a metric counts, and of what.
enum Made {
    /// Money.
    Money,
    /// Money that comes from conversions.
    Sales,
    /// Events, each for itself.
    Events,
    /// Events per something, or something per event.
    Ratio { events: Metric, of: Metric },
}

fn made(metric: AnomalyMetric) -> Made {
    use AnomalyMetric as A;
    match metric {
        A::Spend => Made::Money,
        A::Revenue => Made::Sales,
        A::Conversions => Made::Events,
        A::Ctr => Made::Ratio { events: Metric::Clicks, of: Metric::Impressions },
        A::Cpc => Made::Ratio { events: Metric::Clicks, of: Metric::Spend },
        A::Cr => Made::Ratio { events: Metric::Conversions, of: Metric::Clicks },
        A::Cpa | A::Roas => Made::Ratio { events: Metric::Conversions, of: Metric::Spend },
    }
}

/// Its value for these sums.
pub fn value(metric: AnomalyMetric, sums: &Sums) -> Option<Micros> {
    use AnomalyMetric as A;
    match metric {
        A::Spend => Metric::Spend.of(sums),
        A::Conversions => Metric::Conversions.of(sums),
        A::Revenue => Metric::Revenue.of(sums),
        A::Ctr => Metric::Ctr.of(sums),
        A::Cpc => Metric::Cpc.of(sums),
        A::Cr => Metric::Cr.of(sums),
        A::Cpa => Metric::Cpa.of(sums),
        A::Roas => Metric::Roas.of(sums),
    }
}

/// How it is printed.
pub fn unit(metric: AnomalyMetric) -> Unit {
    use AnomalyMetric as A;
    match metric {
        A::Spend | A::Revenue | A::Cpc | A::Cpa => Unit::Money,
        A::Conversions => Unit::Count,
        A::Ctr | A::Cr => Unit::Percent,
        A::Roas => Unit::Ratio,
    }
}

/// From which days on it is judged: what people do after a click comes in for weeks.
fn needs(metric: AnomalyMetric) -> Settled {
    use AnomalyMetric as A;
    match metric {
        A::Spend | A::Ctr | A::Cpc => Settled::Delivery,
        A::Conversions | A::Revenue | A::Cr | A::Cpa | A::Roas => Settled::All,
    }
}

/// Whether such a distance is good news. Money is planned: more than usual runs the budget away, less delivers too little.
fn verdict(metric: AnomalyMetric, score: f64) -> Verdict {
    use AnomalyMetric as A;
    let good = match metric {
        A::Spend => false,
        A::Conversions | A::Revenue | A::Ctr | A::Cr | A::Roas => score > 0.0,
        A::Cpc | A::Cpa => score < 0.0,
    };
    if good { Verdict::Better } else { Verdict::Worse }
}

/// A settled day of a metric.
#[derive(Debug, Clone, Copy)]
struct Point {
    date: NaiveDate,
    weekday: usize,
    value: Micros,
    /// Events it has, and of how much; both 0 where the metric knows none.
    events: f64,
    of: f64,
}

/// The settled days of one metric of a connection.
#[derive(Debug, Clone)]
pub struct Series {
    metric: AnomalyMetric,
    last: Option<NaiveDate>,
    points: Vec<Point>,
}

impl Series {
    /// From days in their order.
    pub fn new(metric: AnomalyMetric, days: &[Day]) -> Self {
        let settled = || days.iter().filter(|day| day.settled >= needs(metric));
        let point = |day: &Day| {
            let amount = |metric: Metric| metric.of(&day.sums).map(Micros::as_f64);
            let (events, of) = match made(metric) {
                Made::Money => (0.0, 0.0),
                Made::Sales => (amount(Metric::Conversions).unwrap_or(0.0), 1.0),
                Made::Events => (amount(Metric::Conversions)?, 1.0),
                Made::Ratio { events, of } => (amount(events)?, amount(of)?),
            };
            let weekday = day.date.weekday().num_days_from_monday() as usize;
            Some(Point { date: day.date, weekday, value: value(metric, &day.sums)?, events, of })
        };
        Self { metric, last: settled().next_back().map(|day| day.date), points: settled().filter_map(point).collect() }
    }

    /// The newest settled day, whether or not it has a value.
    pub fn last(&self) -> Option<NaiveDate> {
        self.last
    }

    /// Judges a day. Nothing: it is as usual, or it cannot be said.
    pub fn judge(&self, date: NaiveDate, expected: &[Expected]) -> Option<Anomaly> {
        let at = self.points.binary_search_by_key(&date, |point| point.date).ok()?;
        let judged = self.points[at];
        let before = &self.points[..at];
        let before = &before[before.partition_point(|point| (date - point.date).num_days() > i64::from(MEMORY_DAYS))..];
        let rate =
            before.iter().map(|point| point.events).sum::<f64>() / before.iter().map(|point| point.of).sum::<f64>();
        let expected_events = |point: &Point| rate * point.of;
        let enough = |point: &Point| match made(self.metric) {
            Made::Ratio { .. } => expected_events(point) >= f64::from(LEAST_EVENTS),
            // An account that does not count its orders may still know what they brought.
            Made::Sales => rate == 0.0 || rate >= f64::from(LEAST_EVENTS),
            Made::Money | Made::Events => true,
        };
        let alike = before.iter().filter(|point| point.weekday == judged.weekday && enough(point));
        let mut same: Vec<i64> = alike.map(|point| point.value.0).collect();
        if !enough(&judged) || same.len() < KNOWN_WEEKDAYS {
            return None;
        }
        same.sort_unstable();
        let usual = median(same.len(), |index| same[index]);
        // Floors make distances shorter and spreads wider: what is not far without them is not far. Most days end here.
        let far = (judged.value.0 as f64 / usual as f64).ln().abs() > TOLD * LEAST_SPREAD;
        if !far {
            return None;
        }
        let known: Vec<&Point> = before.iter().filter(|point| enough(point)).collect();
        if known.len() < KNOWN_DAYS {
            return None;
        }
        let floor = self.floor(&known)?;
        let mut weekdays: [Vec<i64>; 7] = Default::default();
        for point in &known {
            weekdays[point.weekday].push(point.value.0);
        }
        for values in &mut weekdays {
            values.sort_unstable();
        }
        let apart = |value: i64, usual: i64| (value.max(floor) as f64 / usual.max(floor) as f64).ln();
        let mut residuals: Vec<f64> = Vec::with_capacity(known.len());
        for values in weekdays.iter().filter(|values| values.len() >= KNOWN_WEEKDAYS) {
            residuals.extend((0..values.len()).map(|own| {
                let others = median(values.len() - 1, |index| values[index + usize::from(index >= own)]);
                apart(values[own], others).abs()
            }));
        }
        let mad = middle(&mut residuals)?;
        let chance = match made(self.metric) {
            Made::Money | Made::Sales => 0.0,
            Made::Events => 1.0 / Micros(usual.max(floor)).as_f64().sqrt(),
            Made::Ratio { .. } => 1.0 / expected_events(&judged).sqrt(),
        };
        let mad = mad.max(QUANTILE * LEAST_SPREAD).max(QUANTILE * chance);
        let score = modified_z(beyond(apart(judged.value.0, usual), date, expected), mad);
        if score.abs() <= TOLD {
            return None;
        }
        Some(Anomaly {
            metric: self.metric,
            date,
            value: judged.value,
            usual: Micros(usual),
            factor: ratio(Some(judged.value), Some(Micros(usual))),
            score: micros(score),
            weeks: u32::try_from(same.len()).unwrap_or(u32::MAX),
            verdict: verdict(self.metric, score),
        })
    }

    /// What values below it count as. Nothing when days are mostly without anything: then none of them is usual.
    fn floor(&self, known: &[&Point]) -> Option<i64> {
        let mut values: Vec<i64> = known.iter().map(|point| point.value.0).collect();
        values.sort_unstable();
        let tenth = median(values.len(), |index| values[index]) / 10;
        let floor = match made(self.metric) {
            Made::Events => tenth.max(i64::from(LEAST_EVENTS) * Micros::ONE.0),
            Made::Money | Made::Sales | Made::Ratio { .. } => tenth,
        };
        (floor > 0).then_some(floor)
    }
}

/// The modified z-score of a value that lies `apart` from the median: Iglewicz and Hoaglin (1993).
fn modified_z(apart: f64, mad: f64) -> f64 {
    QUANTILE * apart / mad
}

#[allow(clippy::cast_possible_truncation, reason = "a score too large saturates")]
fn micros(value: f64) -> Micros {
    Micros((value * 1e6).round() as i64)
}

/// How far a day lies beyond the levels that a person expected in the weeks before it.
fn beyond(apart: f64, date: NaiveDate, expected: &[Expected]) -> f64 {
    let alive = |level: &&Expected| (1..=i64::from(MEMORY_DAYS)).contains(&(date - level.date).num_days());
    let levels = expected.iter().filter(alive).map(|level| level.factor.as_f64().ln());
    let (low, high) = levels.fold((0.0_f64, 0.0_f64), |(low, high), level| (low.min(level), high.max(level)));
    apart - apart.clamp(low, high)
}

/// The median of `count` sorted values, at least one; between two, the half rounded down.
fn median(count: usize, value: impl Fn(usize) -> i64) -> i64 {
    let half = count / 2;
    if count % 2 == 1 { value(half) } else { i64::midpoint(value(half - 1), value(half)) }
}

/// The median of some values.
fn middle(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[half]),
        _ => Some(f64::midpoint(values[half - 1], values[half])),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    #![allow(clippy::cast_possible_truncation, reason = "figures of a test are small")]
    use super::*;
    use chrono::Days;
    use proptest::prelude::*;

    /// A Tuesday.
    fn tuesday() -> NaiveDate {
        "2026-11-17".parse().unwrap()
    }

    fn back(days: u64) -> NaiveDate {
        tuesday().checked_sub_days(Days::new(days)).unwrap()
    }

    #[allow(clippy::unnecessary_wraps, reason = "sums hold what may be unknown")]
    fn money(roubles: f64) -> Option<Micros> {
        Some(Micros((roubles * 1e6).round() as i64))
    }

    /// A day that spent so much, with clicks at 20 and conversions at 500 each.
    fn spent(date: NaiveDate, roubles: f64) -> Day {
        let sums = Sums {
            impressions: Some((roubles * 10.0).round() as i64),
            clicks: Some((roubles / 20.0).round() as i64),
            spend: money(roubles),
            conversions: money((roubles / 500.0).round()),
            ..Sums::default()
        };
        Day { date, settled: Settled::All, sums }
    }

    /// Sixty days that end on the Tuesday: 10,000 on working days, half of it at weekends, and by turns five per cent more or less.
    fn weeks() -> Vec<Day> {
        (0..60_u64)
            .rev()
            .map(|days| {
                let date = back(days);
                let level = if date.weekday().num_days_from_monday() >= 5 { 5_000.0 } else { 10_000.0 };
                spent(date, level * if (days / 7) % 2 == 0 { 1.05 } else { 0.95 })
            })
            .collect()
    }

    fn found(metric: AnomalyMetric, days: &[Day], expected: &[Expected]) -> Option<(f64, f64, Verdict)> {
        let found = Series::new(metric, days).judge(tuesday(), expected)?;
        Some((found.usual.as_f64(), found.factor.map_or(f64::INFINITY, Micros::as_f64), found.verdict))
    }

    /// The modified z-scores of 10, 12, 12, 13, 12, 11, 14, 300 (median 12, MAD 1): <https://codingace.net/ds/modified_z_score.html>, by
    /// the formula of Iglewicz and Hoaglin (1993): <https://www.itl.nist.gov/div898/handbook/eda/section3/eda35h.htm>. And the median (2)
    /// and MAD (1) of 1, 1, 2, 2, 4, 6, 9: <https://en.wikipedia.org/wiki/Median_absolute_deviation>.
    #[test]
    fn scores_are_those_of_the_books() {
        let mad = |values: &[i64]| {
            let mut sorted = values.to_vec();
            sorted.sort_unstable();
            let centre = median(sorted.len(), |index| sorted[index]);
            (centre, middle(&mut values.iter().map(|value| (value - centre).abs() as f64).collect::<Vec<_>>()).unwrap())
        };
        assert_eq!(mad(&[1, 1, 2, 2, 4, 6, 9]), (2, 1.0));
        let values = [10, 12, 12, 13, 12, 11, 14, 300];
        let (centre, apart) = mad(&values);
        let scores: Vec<f64> = values.iter().map(|value| modified_z((value - centre) as f64, apart)).collect();
        for (score, expected) in scores.iter().zip([-1.3490, 0.0, 0.0, 0.6745, 0.0, -0.6745, 1.3490, 194.2560]) {
            assert!((score - expected).abs() < 1e-9, "{score} instead of {expected}");
        }
        assert_eq!(scores.iter().filter(|score| score.abs() > TOLD).count(), 1);
    }

    /// By hand: Tuesdays of the eight weeks are 9,500 and 10,500 by turns, their median 10,000. Leaving one out, the others' median is the
    /// opposite one: all distances are ln(10.5/9.5) = 0.1001, the MAD of the series.
    #[test]
    fn a_day_is_measured_by_its_weekday() {
        let mut days = weeks();
        *days.last_mut().unwrap() = spent(tuesday(), 23_000.0);
        let anomaly = Series::new(AnomalyMetric::Spend, &days).judge(tuesday(), &[]).unwrap();
        assert_eq!(
            (anomaly.usual, anomaly.value, anomaly.factor),
            (Micros(10_000_000_000), Micros(23_000_000_000), money(2.3))
        );
        assert_eq!((anomaly.weeks, anomaly.verdict), (8, Verdict::Worse));
        let score = 0.6745 * 2.3_f64.ln() / (10.5_f64 / 9.5).ln();
        assert!((anomaly.score.as_f64() - score).abs() < 1e-5, "{} instead of {score}", anomaly.score);
        // A Sunday that spends as much as any Tuesday.
        let sunday = back(2);
        let place = days.iter().position(|day| day.date == sunday).unwrap();
        days[place] = spent(sunday, 10_000.0);
        let series = Series::new(AnomalyMetric::Spend, &days);
        assert_eq!(series.judge(sunday, &[]).unwrap().usual, Micros(5_000_000_000));
        assert!(
            (1..40).filter(|ago| *ago != 2).all(|ago| series.judge(back(ago), &[]).is_none()),
            "other days are as usual"
        );
    }

    #[test]
    fn what_is_told_of_a_tuesday() {
        use AnomalyMetric as A;
        use Verdict::{Better, Worse};
        let with = |change: fn(&mut Sums)| {
            let mut days = weeks();
            change(&mut days.last_mut().unwrap().sums);
            days
        };
        let silent: Option<(f64, f64, Verdict)> = None;
        for (what, days, metric, expected) in [
            ("as usual", weeks(), A::Spend, silent),
            ("a third more", with(|sums| sums.spend = money(13_300.0)), A::Spend, silent),
            ("half", with(|sums| sums.spend = money(5_000.0)), A::Spend, Some((10_000.0, 0.5, Worse))),
            ("nothing", with(|sums| sums.spend = Some(Micros::ZERO)), A::Spend, Some((10_000.0, 0.0, Worse))),
            ("unknown", with(|sums| sums.spend = None), A::Spend, silent),
            ("dearer", with(|sums| sums.spend = money(24_000.0)), A::Cpc, Some((20.0, 2.285_714, Worse))),
            ("cheaper", with(|sums| sums.spend = money(4_000.0)), A::Cpc, Some((20.0, 0.380_952, Better))),
            ("fewer clicks", with(|sums| sums.clicks = Some(210)), A::Ctr, Some((0.005, 0.4, Worse))),
            ("no conversions", with(|sums| sums.conversions = Some(Micros::ZERO)), A::Cr, Some((0.04, 0.0, Worse))),
            (
                "twenty are usual, sixty came",
                with(|sums| sums.conversions = money(60.0)),
                A::Conversions,
                Some((20.0, 3.0, Better)),
            ),
            ("twenty are usual, by chance twelve", with(|sums| sums.conversions = money(12.0)), A::Conversions, silent),
            ("no revenue is known", weeks(), A::Revenue, silent),
        ] {
            let found = found(metric, &days, &[]);
            match (found, expected) {
                (Some((usual, factor, verdict)), Some((usual_expected, factor_expected, verdict_expected))) => {
                    assert!((usual - usual_expected).abs() < usual_expected * 0.01, "{what}: usual {usual}");
                    assert!((factor - factor_expected).abs() < 0.02, "{what}: factor {factor}");
                    assert_eq!(verdict, verdict_expected, "{what}");
                }
                (found, expected) => assert_eq!(found, expected, "{what}"),
            }
        }
    }

    #[test]
    fn of_three_clicks_nothing_is_said() {
        let small = |scale: f64, last: Sums| {
            let mut days: Vec<Day> =
                weeks().iter().map(|day| spent(day.date, day.sums.spend.unwrap().as_f64() * scale)).collect();
            days.last_mut().unwrap().sums = last;
            days
        };
        // Usually five clicks of a hundred roubles; today three, of which one converts, and dear ones.
        let three = Sums {
            impressions: Some(1_000),
            clicks: Some(3),
            spend: money(150.0),
            conversions: money(1.0),
            ..Sums::default()
        };
        for metric in AnomalyMetric::ALL {
            assert_eq!(found(*metric, &small(0.01, three), &[]), None, "{metric}");
        }
        // The same shape a hundred times larger is an anomaly.
        let many = Sums {
            impressions: Some(100_000),
            clicks: Some(300),
            spend: money(15_000.0),
            conversions: money(100.0),
            ..Sums::default()
        };
        assert!(found(AnomalyMetric::Cr, &small(1.0, many), &[]).is_some());
        assert!(found(AnomalyMetric::Cpc, &small(1.0, many), &[]).is_some());
    }

    #[test]
    fn without_enough_before_it_a_day_is_not_judged() {
        let mut days = weeks();
        *days.last_mut().unwrap() = spent(tuesday(), 50_000.0);
        for (kept, told) in [(60, true), (29, true), (28, false), (8, false), (1, false)] {
            assert_eq!(found(AnomalyMetric::Spend, &days[60 - kept..], &[]).is_some(), told, "{kept} days");
        }
        // Days that do not count are as if they were not there.
        for settled in [Settled::No, Settled::Delivery] {
            let mut moving = days.clone();
            moving[20..59].iter_mut().for_each(|day| day.settled = settled);
            assert_eq!(found(AnomalyMetric::Conversions, &moving, &[]), None, "{settled:?}");
            assert_eq!(found(AnomalyMetric::Spend, &moving, &[]).is_some(), settled == Settled::Delivery);
        }
    }

    #[test]
    fn what_was_expected_is_no_news_for_eight_weeks() {
        let mut days = weeks();
        *days.last_mut().unwrap() = spent(tuesday(), 23_000.0);
        let told = |ago: u64, factor: f64| {
            found(AnomalyMetric::Spend, &days, &[Expected { date: back(ago), factor: money(factor).unwrap() }])
        };
        assert_eq!(told(7, 2.3), None, "the level stays");
        assert_eq!(told(7, 3.0), None, "it lies between the usual and what was expected");
        assert_eq!(told(56, 2.3), None);
        assert!(told(57, 2.3).is_some(), "forgotten");
        assert!(told(0, 2.3).is_some(), "a day is not its own reason");
        assert!(told(7, 0.5).is_some(), "the other direction teaches nothing");
        assert!(told(7, 1.2).is_some(), "far beyond what was expected");
    }

    /// Days of which one in ten is known by nothing, and one in ten is ten times what it should be.
    fn a_series() -> impl Strategy<Value = Vec<Day>> {
        let value = (8_000_i64..16_000, 0_u8..10).prop_map(|(value, odd)| if odd == 0 { value * 10 } else { value });
        prop::collection::vec(prop::option::weighted(0.9, value), 30..70).prop_map(|values| {
            let count = values.len() as u64;
            let day = |(at, value): (u64, Option<i64>)| Day {
                settled: if value.is_some() { Settled::All } else { Settled::No },
                ..spent(back(count - 1 - at), value.unwrap_or(0) as f64)
            };
            (0..count).zip(values).map(day).collect()
        })
    }

    /// Noise is no news: of days that scatter by a quarter, as accounts do, hardly any is told; of those of four times as much most are.
    #[test]
    fn noise_is_not_told_and_news_is() {
        let mut state = 1_u64;
        let mut chance = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1_u32 << 31)
        };
        // Twelve even chances add up to nearly a bell curve of deviation 1.
        let mut noise = move || (0..12).map(|_| chance()).sum::<f64>() - 6.0;
        let (mut judged, mut noisy, mut far) = (0, 0, 0);
        for _ in 0..2_000 {
            let mut days: Vec<Day> =
                (0..57).rev().map(|ago| spent(back(ago), 20_000.0 * (0.25 * noise()).exp())).collect();
            let told =
                |days: &[Day]| u32::from(Series::new(AnomalyMetric::Spend, days).judge(tuesday(), &[]).is_some());
            judged += 1;
            noisy += told(&days);
            let usual = days[56].sums.spend.unwrap().as_f64();
            days[56] = spent(tuesday(), usual * 4.0);
            far += told(&days);
        }
        assert!(noisy * 200 < judged, "{noisy} of {judged} ordinary days were told");
        assert!(far * 10 > judged * 8, "{far} of {judged} days of four times the spend were told");
    }

    proptest! {
        /// Another currency is another unit and no other news.
        #[test]
        fn money_in_another_unit_is_as_unusual(days in a_series(), scale in 2_i64..50) {
            let scaled: Vec<Day> = days.iter().map(|day| {
                let spend = day.sums.spend.map(|spend| Micros(spend.0 * scale));
                Day { sums: Sums { spend, ..day.sums }, ..*day }
            }).collect();
            for metric in [AnomalyMetric::Spend, AnomalyMetric::Cpc, AnomalyMetric::Cpa] {
                let (one, other) = (Series::new(metric, &days), Series::new(metric, &scaled));
                for day in &days {
                    match (one.judge(day.date, &[]), other.judge(day.date, &[])) {
                        (Some(one), Some(other)) => {
                            // Ratios are rounded to the millionth before and after.
                            prop_assert!((one.usual.0 * scale - other.usual.0).abs() <= 2 * scale);
                            prop_assert!((one.score.0 - other.score.0).abs() <= 50 + one.score.0.abs() / 1_000);
                            prop_assert_eq!(one.verdict, other.verdict);
                        }
                        (None, None) => {}
                        // On the edge rounding may decide.
                        (Some(one), None) | (None, Some(one)) => prop_assert!((one.score.as_f64().abs() - TOLD).abs() < 1e-3),
                    }
                }
            }
        }

        /// What still moves says nothing, neither of itself nor of others.
        #[test]
        fn a_moving_day_changes_nothing(days in a_series(), roubles in 0_i64..1_000_000) {
            let mut more = days.clone();
            let date = tuesday().succ_opt().unwrap();
            more.push(Day { settled: Settled::No, ..spent(date, roubles as f64) });
            for metric in AnomalyMetric::ALL {
                let (one, other) = (Series::new(*metric, &days), Series::new(*metric, &more));
                prop_assert_eq!(one.last(), other.last());
                prop_assert_eq!(other.judge(date, &[]), None);
                for day in &days {
                    prop_assert_eq!(one.judge(day.date, &[]), other.judge(day.date, &[]));
                }
            }
        }

        #[test]
        fn a_constant_series_is_never_news(roubles in 0_i64..10_000_000, count in 1_u64..90) {
            let days: Vec<Day> = (0..count).rev().map(|ago| spent(back(ago), roubles as f64)).collect();
            for metric in AnomalyMetric::ALL {
                let series = Series::new(*metric, &days);
                for day in &days {
                    prop_assert_eq!(series.judge(day.date, &[]), None);
                }
            }
        }

        /// What a person expects never makes a day louder.
        #[test]
        fn expectations_only_calm(days in a_series(), ago in 1_u64..70, factor in 1_i64..5_000_000) {
            let expected = [Expected { date: back(ago), factor: Micros(factor) }];
            let series = Series::new(AnomalyMetric::Spend, &days);
            for day in &days {
                let (plain, taught) = (series.judge(day.date, &[]), series.judge(day.date, &expected));
                if let Some(taught) = taught {
                    let plain = plain.unwrap();
                    prop_assert!(taught.score.0.abs() <= plain.score.0.abs());
                    prop_assert_eq!(taught.verdict, plain.verdict);
                }
            }
        }
    }
}
