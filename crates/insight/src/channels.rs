//! Channels of a client side by side: what each takes of the spend and gives of the result, and what the next result would cost there.
//! Pure: sums of weeks in, a comparison out.
//!
//! **Shares.** A channel that takes 60 % of the spend and gives 40 % of the conversions has the index 0.67: below 1 it gives less than it
//! takes. Shares are of what is known; a channel whose spend or result nobody knows has none.
//!
//! **Marginal CPA.** The average CPA says what conversions cost so far, the marginal one what the next would cost: the slope of the line of
//! least squares through (spend, conversions) of whole weeks, turned over. Weeks even out weekdays and most of the delay between a
//! click and its conversion. The interval is that of the slope by Student's t at 95 %, turned over likewise: where the slope may be zero
//! the marginal CPA has no upper end (Draper and Smith, *Applied Regression Analysis*, 3rd ed., Wiley 1998, 1.4).
//!
//! **When it is not said.** A line needs [`FEWEST_WEEKS`] weeks and spends that differ: with a coefficient of variation below
//! [`LEAST_VARIATION`] the slope rests on chance. A slope that cannot be told from zero is [`Marginal::Unclear`]. The line says what went
//! together, not what caused what: a season that brings budgets and buyers alike makes it steeper. Whoever needs to be sure changes one budget on
//! purpose and compares.

use crate::metric::ratio;
use model::money::Micros;

/// Whole weeks below which no line is drawn.
pub const FEWEST_WEEKS: usize = 8;
/// Deviation of the weekly spends, as a share of their mean, below which they hardly differ.
pub const LEAST_VARIATION: f64 = 0.1;

/// Sums of a whole week of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week {
    /// Its spend.
    pub spend: Micros,
    /// Its conversions.
    pub conversions: Micros,
}

/// A channel: its sums over the period, and its whole weeks.
#[derive(Debug, Clone, Default)]
pub struct Channel {
    /// Spend of the period.
    pub spend: Option<Micros>,
    /// Conversions of the period.
    pub conversions: Option<Micros>,
    /// The whole weeks of which both are known.
    pub weeks: Vec<Week>,
}

/// What the next conversion would cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marginal {
    /// As far as the weeks say.
    Known {
        /// The estimate.
        cpa: Micros,
        /// Its interval at 95 %: not less than this.
        low: Micros,
        /// And not more than this.
        high: Micros,
        /// From how many weeks.
        weeks: u32,
    },
    /// There are too few whole weeks.
    FewWeeks,
    /// The weeks spent nearly the same.
    LittleVariation,
    /// Weeks of more spend did not surely have more conversions.
    Unclear,
}

/// A channel among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// Its share of the spend.
    pub spend_share: Option<Micros>,
    /// Its share of the conversions.
    pub result_share: Option<Micros>,
    /// Share of the conversions by share of the spend: 1 gives what it takes.
    pub index: Option<Micros>,
    /// Spend by conversion so far.
    pub cpa: Option<Micros>,
    /// Spend by conversion from here on.
    pub marginal: Marginal,
}

/// Compares the channels of a client, all in one currency; one answer per channel in their order.
pub fn compare(channels: &[Channel]) -> Vec<Compared> {
    let sum = |part: fn(&Channel) -> Option<Micros>| channels.iter().filter_map(part).reduce(|one, other| one + other);
    let (spend, conversions) = (sum(|channel| channel.spend), sum(|channel| channel.conversions));
    channels
        .iter()
        .map(|channel| {
            let spend_share = ratio(channel.spend, spend);
            let result_share = ratio(channel.conversions, conversions);
            Compared {
                spend_share,
                result_share,
                index: ratio(result_share, spend_share),
                cpa: ratio(channel.spend, channel.conversions),
                marginal: marginal(&channel.weeks),
            }
        })
        .collect()
}

/// The marginal CPA of some weeks.
pub fn marginal(weeks: &[Week]) -> Marginal {
    if weeks.len() < FEWEST_WEEKS {
        return Marginal::FewWeeks;
    }
    let points: Vec<(f64, f64)> = weeks.iter().map(|week| (week.spend.as_f64(), week.conversions.as_f64())).collect();
    let Some(line) = Line::through(&points) else { return Marginal::LittleVariation };
    if line.variation < LEAST_VARIATION {
        return Marginal::LittleVariation;
    }
    let (low, high) = line.interval();
    let turned = |slope: f64| {
        let micros = (1e6 / slope).round();
        #[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
        (micros < 1e18).then_some(Micros(micros as i64))
    };
    let known = || {
        Some(Marginal::Known {
            cpa: turned(line.slope)?,
            low: turned(high)?,
            high: turned(low)?,
            weeks: u32::try_from(weeks.len()).ok()?,
        })
    };
    if low <= 0.0 { Marginal::Unclear } else { known().unwrap_or(Marginal::Unclear) }
}

/// A line of least squares.
#[derive(Debug, Clone, Copy)]
struct Line {
    slope: f64,
    /// Standard error of the slope.
    error: f64,
    /// Half of the interval's width in standard errors.
    reach: f64,
    /// Coefficient of variation of what it is drawn over.
    variation: f64,
}

impl Line {
    /// Nothing where a line is not determined: all points stand above each other, or there are fewer than three.
    fn through(points: &[(f64, f64)]) -> Option<Self> {
        let freedom = points.len().checked_sub(2).filter(|freedom| *freedom > 0)?;
        let count = points.len() as f64;
        let mean = |part: fn(&(f64, f64)) -> f64| points.iter().map(part).sum::<f64>() / count;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let products =
            |part: &dyn Fn(f64, f64) -> f64| points.iter().map(|point| part(point.0 - x, point.1 - y)).sum::<f64>();
        let (xx, xy) = (products(&|x, _| x * x), products(&|x, y| x * y));
        if xx <= 0.0 || x <= 0.0 {
            return None;
        }
        let slope = xy / xx;
        let rest = products(&|x, y| (y - slope * x).powi(2));
        Some(Self {
            slope,
            error: (rest / freedom as f64 / xx).sqrt(),
            reach: student(freedom),
            variation: (xx / (count - 1.0)).sqrt() / x,
        })
    }

    /// Between which slopes it lies at 95 %.
    fn interval(&self) -> (f64, f64) {
        (self.slope - self.reach * self.error, self.slope + self.reach * self.error)
    }
}

/// The 0.975 quantile of Student's t: <https://www.itl.nist.gov/div898/handbook/eda/section3/eda3672.htm>.
fn student(freedom: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];
    // Beyond the table it falls slowly to 1.960; its last value is on the safe side.
    TABLE[freedom.clamp(1, TABLE.len()) - 1]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    #![allow(clippy::cast_possible_truncation, reason = "figures of a test are small")]
    use super::*;
    use proptest::prelude::*;

    /// Height and mass of fifteen women: slope 61.272 with the standard error 1.776 and the interval 57.4 to 65.1 at 95 %
    /// (<https://en.wikipedia.org/wiki/Simple_linear_regression#Numerical_example>).
    #[test]
    fn the_line_is_that_of_the_books() {
        let heights = [1.47, 1.50, 1.52, 1.55, 1.57, 1.60, 1.63, 1.65, 1.68, 1.70, 1.73, 1.75, 1.78, 1.80, 1.83];
        let masses =
            [52.21, 53.12, 54.48, 55.84, 57.20, 58.57, 59.93, 61.29, 63.11, 64.47, 66.28, 68.10, 69.92, 72.19, 74.46];
        let points: Vec<(f64, f64)> = heights.into_iter().zip(masses).collect();
        let line = Line::through(&points).unwrap();
        let (low, high) = line.interval();
        for (found, expected, digits) in
            [(line.slope, 61.272, 1e-3), (line.error, 1.776, 1e-3), (low, 57.4, 0.05), (high, 65.1, 0.05)]
        {
            assert!((found - expected).abs() < digits, "{found} instead of {expected}");
        }
    }

    fn micros(units: f64) -> Micros {
        Micros((units * 1e6).round() as i64)
    }

    fn week(spend: f64, conversions: f64) -> Week {
        Week { spend: micros(spend), conversions: micros(conversions) }
    }

    /// Twenty conversions come anyway, and one for every 800 spent: average and marginal CPA differ.
    fn straight(count: u32) -> Vec<Week> {
        (0..count)
            .map(|at| 8_000.0 + 800.0 * f64::from(at % 7))
            .map(|spend| week(spend, 20.0 + spend / 800.0))
            .collect()
    }

    #[test]
    fn the_next_conversion_costs_what_the_weeks_say() {
        let noisy = |weeks: Vec<Week>, noise: f64| -> Vec<Week> {
            let by = |at: usize| micros(noise * if at.is_multiple_of(3) { 1.0 } else { -0.5 });
            weeks
                .into_iter()
                .enumerate()
                .map(|(at, week)| Week { conversions: week.conversions + by(at), ..week })
                .collect()
        };
        let exact = Marginal::Known { cpa: micros(800.0), low: micros(800.0), high: micros(800.0), weeks: 12 };
        for (what, weeks, expected) in [
            ("on a line", straight(12), exact),
            ("seven weeks", straight(7), Marginal::FewWeeks),
            ("the same spend each week", vec![week(9_000.0, 31.0); 12], Marginal::LittleVariation),
            (
                "nearly the same",
                (0..12).map(|at| week(9_000.0 + f64::from(at), f64::from(at))).collect(),
                Marginal::LittleVariation,
            ),
            ("nothing spent", vec![week(0.0, 3.0); 12], Marginal::LittleVariation),
            (
                "more spend, no more conversions",
                straight(12).iter().map(|each| Week { conversions: micros(30.0), ..*each }).collect(),
                Marginal::Unclear,
            ),
            ("chance drowns it", noisy(straight(12), 40.0), Marginal::Unclear),
        ] {
            assert_eq!(marginal(&weeks), expected, "{what}");
        }
        let Marginal::Known { cpa, low, high, .. } = marginal(&noisy(straight(21), 1.0)) else { unreachable!() };
        assert!(low < cpa && cpa < high && low < micros(800.0) && micros(800.0) < high, "{low} {cpa} {high}");
    }

    #[test]
    fn a_channel_takes_and_gives() {
        let channel = |spend: Option<f64>, conversions: Option<f64>| Channel {
            spend: spend.map(micros),
            conversions: conversions.map(micros),
            weeks: Vec::new(),
        };
        let shares = |channels: &[Channel]| {
            let said = |value: Option<Micros>| value.map(|value| value.to_string());
            let row = |row: Compared| [said(row.spend_share), said(row.result_share), said(row.index), said(row.cpa)];
            compare(channels).into_iter().map(row).collect::<Vec<_>>()
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            shares(&[channel(Some(600.0), Some(4.0)), channel(Some(400.0), Some(6.0)), channel(None, None)]),
            [
                [text("0.6"), text("0.4"), text("0.666667"), text("150")],
                [text("0.4"), text("0.6"), text("1.5"), text("66.666667")],
                [None, None, None, None],
            ]
        );
        assert_eq!(
            shares(&[channel(Some(0.0), Some(0.0))]),
            [[None, None, None, None]],
            "shares of nothing are unknown"
        );
    }

    proptest! {
        #[test]
        fn shares_add_up_to_the_whole(values in prop::collection::vec((0_i64..1_000_000_000_000, 0_i64..1_000_000_000), 1..20)) {
            let channels: Vec<Channel> = values.iter()
                .map(|(spend, conversions)| Channel { spend: Some(Micros(*spend)), conversions: Some(Micros(*conversions)), weeks: Vec::new() })
                .collect();
            let compared = compare(&channels);
            for share in [|row: &Compared| row.spend_share, |row: &Compared| row.result_share] {
                let known: Vec<i64> = compared.iter().filter_map(share).map(|share| share.0).collect();
                prop_assert!(known.is_empty() || (known.iter().sum::<i64>() - 1_000_000).unsigned_abs() <= known.len() as u64);
            }
        }

        /// In another currency the next conversion costs as much.
        #[test]
        fn another_unit_is_another_number_of_the_same(weeks in prop::collection::vec((1_i64..1_000_000, 0_i64..1_000), 8..30), scale in 2_i64..90) {
            let made = |scale: i64| weeks.iter()
                .map(|(spend, conversions)| Week { spend: Micros(spend * 1_000_000 * scale), conversions: Micros(conversions * 1_000_000) })
                .collect::<Vec<_>>();
            match (marginal(&made(1)), marginal(&made(scale))) {
                (Marginal::Known { cpa, low, high, .. }, Marginal::Known { cpa: cpa_scaled, low: low_scaled, high: high_scaled, .. }) => {
                    for (one, other) in [(cpa, cpa_scaled), (low, low_scaled), (high, high_scaled)] {
                        let expected = one.0 as f64 * scale as f64;
                        // An interval that nearly reaches zero turns rounding into large numbers.
                        prop_assert!((expected - other.0 as f64).abs() <= scale as f64 + expected * 1e-4, "{one} {other}");
                    }
                }
                (one, other) => prop_assert_eq!(one, other),
            }
        }
    }
}
