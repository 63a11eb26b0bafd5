//! How money runs against a plan: what should have been spent by now, how that compares with what was, and where the month will end.
//! Pure functions over days; [`crate::plans`] finds the days.
//!
//! **Expected to date** is the planned sum of the days that are over, **pacing** is spend to date by expected to date
//! (<https://support.adpulse.app/en/articles/10224019-how-is-budget-pacing-calculated>). Up to a tenth off is on plan, the first of the
//! thresholds that are usual (10, 20 and 30 %, <https://pi-automate.com/resources/guides/google-ads-budget-pacing>).
//!
//! **The forecast** is spend to date and, for the days to come, the rate of the last seven days
//! (<https://www.ppchero.com/3-step-diy-ppc-budget-pacing-tool/>), distributed by the weekdays of the last two to four weeks: a month that has
//! three Sundays to go ends elsewhere than one with none. With less than two weeks behind there are no weekdays to know, and all days weigh the same.
//!
//! **The interval** holds the end of the month with a probability of 80 %, if days go on to scatter around the rate as they did. With residuals of
//! the spread `s`, `h` days to come and a rate that is the mean of `n` days, the error of the sum has the spread `s * sqrt(h + h * h / n)`:
//! the days' own scatter, and the error of the rate, which all of them share. For one day that is `s * sqrt(1 + 1 / n)`, the mean method of
//! Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, section 5.5, as is the multiplier, here Student's
//! because the days are few. What was spent does not come back: the lower end is never below it.

use crate::metric::ratio;
use model::{date::Month, money::Micros, plan::Phasing};

/// Days of a week.
const WEEK: usize = 7;
/// Weeks from which weekdays are learned.
const WEEKS: usize = 4;
/// How far pacing may be from 1 and still be on plan.
const CORRIDOR: i64 = 100_000;

/// How a plan is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Within a tenth of what was to be spent by now.
    OnPlan,
    /// Less.
    Under,
    /// More.
    Over,
}

/// Where the spend of the plan's days will end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// The likeliest sum.
    pub value: Micros,
    /// Between these two it ends with a probability of 80 %. Unknown after a single day, which has no scatter.
    pub interval: Option<(Micros, Micros)>,
}

/// A plan and what has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The whole plan.
    pub plan: Micros,
    /// Spend of the days that are over.
    pub spent: Micros,
    /// What the plan had for them.
    pub expected: Micros,
    /// Spend by expected; unknown where nothing was expected.
    pub pacing: Option<Micros>,
    /// The word for it; `None` before the first day is over.
    pub course: Option<Course>,
    /// The end; unknown while nothing was ever spent.
    pub forecast: Option<Forecast>,
    /// The word for the end against the whole plan.
    pub outcome: Option<Course>,
}

/// A plan's sum for each day of its month. The days add up to it exactly: each takes what its share of the whole so far leaves.
pub fn daily(amount: Micros, phasing: &Phasing, month: Month) -> Vec<Micros> {
    let even = || vec![1; month.days().len() as usize];
    divide(amount, &phasing.weights(month).unwrap_or_else(even))
}

/// A sum divided by weights of which not all are 0, without a remainder.
fn divide(amount: Micros, weights: &[u64]) -> Vec<Micros> {
    let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    let mut so_far = 0;
    let mut given = 0;
    let mut days = Vec::with_capacity(weights.len());
    for weight in weights {
        so_far += i128::from(*weight);
        let due = if whole == 0 { 0 } else { i128::from(amount.0) * so_far / whole };
        days.push(Micros(i64::try_from(due - given).unwrap_or_default()));
        given = due;
    }
    days
}

/// Compares a plan with what happened. `planned` is the plan day by day, of which the first `elapsed` are over; `history` is the spend day by
/// day up to the last of these, and may begin before the plan or, where nothing was known yet, after its beginning.
pub fn pace(planned: &[Micros], elapsed: usize, history: &[Micros]) -> Pace {
    let elapsed = elapsed.min(planned.len());
    let expected: Micros = planned.iter().take(elapsed).copied().sum();
    let spent: Micros = history.iter().rev().take(elapsed).copied().sum();
    let plan = planned.iter().copied().sum();
    let pacing = ratio(Some(spent), Some(expected));
    let forecast = forecast(spent, history, planned.len() - elapsed);
    let outcome = forecast.map(|end| course(ratio(Some(end.value), Some(plan)), end.value));
    Pace { plan, spent, expected, pacing, course: (elapsed > 0).then(|| course(pacing, spent)), forecast, outcome }
}

/// The word for a pacing. Where nothing was to be spent, anything is too much.
fn course(pacing: Option<Micros>, spent: Micros) -> Course {
    match pacing {
        Some(Micros(pacing)) if pacing > Micros::ONE.0 + CORRIDOR => Course::Over,
        Some(Micros(pacing)) if pacing < Micros::ONE.0 - CORRIDOR => Course::Under,
        None if spent > Micros::ZERO => Course::Over,
        _ => Course::OnPlan,
    }
}

/// What the days to come will bring, and how far that may be wrong.
struct Rest {
    /// Their likeliest sum.
    value: f64,
    /// The spread of a day around the rate, with the degrees of freedom that it was found with; unknown after one day.
    spread: Option<(f64, usize)>,
    /// Of how many days the rate is the mean.
    rate_of: usize,
}

/// The end of a period of which `spent` is spent and `to_come` days are left, from the spend of the days before them.
fn forecast(spent: Micros, history: &[Micros], to_come: usize) -> Option<Forecast> {
    if to_come == 0 {
        return Some(Forecast { value: spent, interval: Some((spent, spent)) });
    }
    let weeks = (history.len() / WEEK).min(WEEKS);
    let rest = if weeks < 2 { plain(history, to_come)? } else { seasonal(history, weeks, to_come) };
    let days = to_come as f64;
    let value = spent + whole(rest.value);
    let interval = rest.spread.map(|(spread, freedom)| {
        let error = whole(multiplier(freedom) * spread * (days + days * days / rest.rate_of as f64).sqrt());
        (spent.max(value - error), value + error)
    });
    Some(Forecast { value, interval })
}

/// Days that all weigh the same.
fn plain(history: &[Micros], to_come: usize) -> Option<Rest> {
    let days = last(history, WEEK);
    let count = days.len() as f64;
    if days.is_empty() {
        return None;
    }
    let mean = days.iter().sum::<f64>() / count;
    let squares: f64 = days.iter().map(|day| (day - mean).powi(2)).sum();
    let freedom = days.len() - 1;
    let spread = (freedom > 0).then(|| ((squares / freedom as f64).sqrt(), freedom));
    Some(Rest { value: mean * to_come as f64, spread, rate_of: days.len() })
}

/// Days that weigh as their weekday did in whole weeks, at the rate of the last week. A day is modelled as its week's sum times its weekday's
/// share of all weeks.
fn seasonal(history: &[Micros], weeks: usize, to_come: usize) -> Rest {
    let days = last(history, weeks * WEEK);
    let total: f64 = days.iter().sum();
    let of_weekday = |weekday: usize| days.iter().skip(weekday % WEEK).step_by(WEEK).sum::<f64>();
    let share = |weekday: usize| if total == 0.0 { 0.0 } else { of_weekday(weekday) / total };
    let sums: Vec<f64> = days.chunks(WEEK).map(|week| week.iter().sum()).collect();
    let rate = sums.last().copied().unwrap_or_default();
    let squares: f64 = days
        .chunks(WEEK)
        .zip(&sums)
        .flat_map(|(week, sum)| week.iter().enumerate().map(move |(weekday, day)| (weekday, *day, *sum)))
        .map(|(weekday, day, sum)| (day - sum * share(weekday)).powi(2))
        .sum();
    // Of the days, a sum for each week and a share for each weekday but the last were taken to fit them.
    let freedom = (weeks - 1) * (WEEK - 1);
    // The history ends the day before the days to come begin, so their weekdays go on where its last week began.
    let value = (0..to_come).map(|day| rate * share(day)).sum();
    Rest { value, spread: Some(((squares / freedom as f64).sqrt(), freedom)), rate_of: WEEK }
}

/// The last days of a history, oldest first.
fn last(history: &[Micros], days: usize) -> Vec<f64> {
    history.iter().skip(history.len().saturating_sub(days)).map(|day| day.0 as f64).collect()
}

/// The nearest millionth.
#[allow(clippy::cast_possible_truncation, reason = "what does not fit becomes the largest that does")]
fn whole(value: f64) -> Micros {
    Micros(value.round() as i64)
}

/// How many spreads hold 80 % around the middle: the 0.9 quantile of Student's distribution
/// (<https://www.itl.nist.gov/div898/handbook/eda/section3/eda3672.htm>). There are no other degrees of freedom than these.
fn multiplier(freedom: usize) -> f64 {
    match freedom {
        0 | 1 => 3.078,
        2 => 1.886,
        3 => 1.638,
        4 => 1.533,
        5 => 1.476,
        6..=11 => 1.440,
        12..=17 => 1.356,
        _ => 1.330,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use proptest::prelude::*;

    fn units(units: i64) -> Micros {
        Micros::whole(units).unwrap()
    }

    fn m(text: &str) -> Micros {
        Micros::parse(text).unwrap()
    }

    /// A plan divided evenly, the days that are over, the same spend on each of them, and what a published example says of it.
    #[test]
    fn pacing_is_spend_to_date_by_expected_to_date() {
        for (source, plan, days, elapsed, each, expected, pacing, course, ends) in [
            // 20,000 dollars, 20 days, 8 elapsed, 9,500 spent: 8,000 expected, projected spend by days elapsed times total days.
            (
                "https://searchespilot.com/articles/how-to-calculate-budget-pacing-for-ad-campaigns",
                "20000",
                20,
                8,
                "1187.5",
                "8000",
                "1.1875",
                Course::Over,
                "23750",
            ),
            // Half through the period and 50, 75 and 25 % of the budget spent: 100, 150 and 50 %.
            (
                "https://support.adpulse.app/en/articles/10224019-how-is-budget-pacing-calculated",
                "3000",
                30,
                15,
                "100",
                "1500",
                "1",
                Course::OnPlan,
                "3000",
            ),
            ("the same", "3000", 30, 15, "150", "1500", "1.5", Course::Over, "4500"),
            ("the same", "3000", 30, 15, "50", "1500", "0.5", Course::Under, "1500"),
            ("a tenth is on plan", "3000", 30, 15, "110", "1500", "1.1", Course::OnPlan, "3300"),
            ("a tenth is on plan", "3000", 30, 15, "90", "1500", "0.9", Course::OnPlan, "2700"),
            ("more is not", "3000", 30, 15, "110.001", "1500", "1.10001", Course::Over, "3300.03"),
        ] {
            let planned = divide(m(plan), &vec![1; days]);
            let found = pace(&planned, elapsed, &vec![m(each); elapsed]);
            assert_eq!((found.plan, found.expected), (m(plan), m(expected)), "{source}");
            assert_eq!((found.pacing, found.course), (Some(m(pacing)), Some(course)), "{source}");
            let forecast = found.forecast.unwrap();
            assert_eq!(
                (forecast.value, forecast.interval),
                (m(ends), Some((m(ends), m(ends)))),
                "{source}: no scatter"
            );
        }
    }

    #[test]
    fn a_plan_before_its_first_day_and_after_its_last() {
        let planned = divide(units(300), &[1; 30]);
        let nothing = pace(&planned, 0, &[]);
        assert_eq!((nothing.pacing, nothing.course, nothing.forecast), (None, None, None));
        // The last month says where this one will end, though nothing of it is over.
        let before = pace(&planned, 0, &[units(12); 14]);
        assert_eq!((before.spent, before.course), (Micros::ZERO, None));
        assert_eq!(before.forecast.unwrap().value, units(360));
        let after = pace(&planned, 30, &[units(9); 40]);
        assert_eq!((after.spent, after.course), (units(270), Some(Course::OnPlan)));
        assert_eq!(after.forecast, Some(Forecast { value: units(270), interval: Some((units(270), units(270))) }));
        // Nothing was to be spent on the days that are over, and something was.
        let late = divide(units(300), &[0, 0, 1]);
        assert_eq!(pace(&late, 2, &[units(1), units(0)]).course, Some(Course::Over));
        assert_eq!(pace(&late, 2, &[units(0), units(0)]).course, Some(Course::OnPlan));
    }

    #[test]
    fn a_month_is_phased() {
        let month: Month = "2026-11".parse().unwrap();
        // November 2026 begins on a Sunday and has five of them, and five Mondays; four of each other day.
        let weekends_off = Phasing::Weekdays { weights: [1, 1, 1, 1, 1, 0, 0] };
        let days = daily(units(21_000), &weekends_off, month);
        let expected = |through: usize| days.iter().take(through).copied().sum::<Micros>();
        assert_eq!(
            (expected(1), expected(2), expected(7), expected(30)),
            (units(0), units(1_000), units(5_000), units(21_000))
        );
        let launch = Phasing::Days { weights: vec![50, 50] };
        assert_eq!(
            daily(units(10), &launch, month).iter().take(3).copied().collect::<Vec<_>>(),
            [units(5), units(5), units(0)]
        );
        let impossible = Phasing::Days { weights: vec![0; 31] };
        assert_eq!(daily(units(30), &impossible, month), [units(1); 30]);
    }

    /// Two weeks of 5 days of 100 and 2 of 30: on a Friday evening the weekend that follows is expected to be a weekend. The rate is the last
    /// seven days', 560; twice as much in the last week doubles what follows.
    #[test]
    fn the_forecast_knows_weekdays_and_the_last_weeks_rate() {
        let week = [30, 30, 100, 100, 100, 100, 100];
        for (times, days, ends) in [(1, 1, 30), (1, 2, 60), (1, 3, 160), (1, 9, 620), (2, 3, 320)] {
            let history: Vec<Micros> =
                week.iter().map(|day| units(*day)).chain(week.iter().map(|day| units(day * times))).collect();
            let found = forecast(Micros::ZERO, &history, days).unwrap();
            assert_eq!(found.value, units(ends), "{times} {days}");
            assert_eq!(found.interval, Some((found.value, found.value)), "weeks alike have no scatter");
        }
    }

    /// By hand: 1 to 7 have the mean 4 and the spread sqrt(28 / 6) = 2.160247 with 6 degrees of freedom. One day to come has the error
    /// 2.160247 * sqrt(1 + 1/7) = 2.309401 (section 5.5 of the book), seven have 2.160247 * sqrt(7 + 7) = 8.082904; 1.440 times these.
    #[test]
    fn the_interval_is_the_textbooks() {
        let history: Vec<Micros> = (1..=7).map(units).collect();
        for (days, value, error) in [(1, 4, 3.325_538), (7, 28, 11.639_381)] {
            let found = forecast(units(100), &history, days).unwrap();
            let (low, high) = found.interval.unwrap();
            assert_eq!(found.value, units(100 + value));
            assert!(((high - found.value).as_f64() - error).abs() < 1e-5, "{high}");
            assert_eq!(low, units(100).max(found.value - (high - found.value)), "what is spent stays spent");
        }
        assert_eq!(forecast(units(1), &[units(1)], 3).unwrap(), Forecast { value: units(4), interval: None });
    }

    /// A made-up client whose days scatter around their weekday: the true end lies in the interval in about 80 of 100 months.
    #[test]
    fn the_interval_holds_what_it_promises() {
        let mut state = 7_u64;
        let mut uniform = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let weekdays = [1.2, 1.1, 1.0, 1.0, 0.9, 0.5, 0.4];
        let mut day = |at: usize| {
            // Twelve uniform numbers less six are nearly normal.
            let noise: f64 = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            whole(1e9 * (weekdays[at % WEEK] + 0.08 * noise))
        };
        for (behind, to_come) in [(28, 3), (28, 10), (28, 25), (14, 10), (21, 16)] {
            let months = 2_000;
            let held = (0..months)
                .filter(|_| {
                    let days: Vec<Micros> = (0..behind + to_come).map(&mut day).collect();
                    let (known, coming) = days.split_at(behind);
                    let end: Micros = coming.iter().copied().sum();
                    let (low, high) = forecast(Micros::ZERO, known, to_come).unwrap().interval.unwrap();
                    (low..=high).contains(&end)
                })
                .count();
            let share = held * 100 / months;
            assert!((74..=88).contains(&share), "{share} % after {behind} days with {to_come} to come");
        }
    }

    fn any_phasing() -> impl Strategy<Value = Phasing> {
        prop_oneof![
            Just(Phasing::Even),
            prop::array::uniform7(any::<u16>()).prop_map(|weights| Phasing::Weekdays { weights }),
            prop::collection::vec(any::<u16>(), 0..40).prop_map(|weights| Phasing::Days { weights }),
        ]
    }

    proptest! {
        #[test]
        fn the_days_of_a_month_are_the_plan(
            amount in 1i64..9_000_000_000_000_000_000,
            phasing in any_phasing(),
            start in 0u32..120_000,
            spent in prop::collection::vec(0i64..1_000_000_000_000, 0..60),
        ) {
            let day = chrono::NaiveDate::from_ymd_opt(1900, 1, 1).unwrap() + chrono::Days::new(u64::from(start));
            let month = Month::of(day);
            let days = daily(Micros(amount), &phasing, month);
            prop_assert_eq!(days.len(), month.days().len() as usize);
            prop_assert_eq!(days.iter().copied().sum::<Micros>(), Micros(amount));
            let weights = phasing.weights(month).unwrap_or_else(|| vec![1; days.len()]);
            let whole: u64 = weights.iter().sum();
            for (day, weight) in days.iter().zip(&weights) {
                let exact = i128::from(amount) * i128::from(*weight);
                let off = i128::from(day.0) * i128::from(whole) - exact;
                prop_assert!(off.abs() < i128::from(whole), "a day is off its share by less than a millionth");
            }
            let history: Vec<Micros> = spent.into_iter().map(Micros).collect();
            let mut before = Micros::ZERO;
            for elapsed in 0..=days.len() {
                let found = pace(&days, elapsed, &history);
                prop_assert!(found.expected >= before, "what is expected never falls");
                before = found.expected;
                if let Some(Forecast { value, interval: Some((low, high)) }) = found.forecast {
                    prop_assert!(found.spent <= low && low <= value && value <= high);
                }
            }
            prop_assert_eq!(before, Micros(amount));
        }
    }
}
