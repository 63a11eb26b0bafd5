//! Our sums against the platform's own: when two numbers of a day are the same, and when a person should know that they are not.
//!
//! Equal is not to the last kopeck: every row of ours was rounded by the platform before we added it up. A day that the platform still
//! changes may change between the two requests, so there a little more is allowed; what is final has to fit.

use crate::money::Micros;
use chrono::NaiveDate;

/// What is compared of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayTotal {
    /// Impressions; `None`: not said.
    pub impressions: Option<i64>,
    /// Clicks.
    pub clicks: Option<i64>,
    /// Spend in the account's currency.
    pub cost: Option<Micros>,
}

/// A day as we have it and as the platform says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayPair {
    /// The day.
    pub date: NaiveDate,
    /// The sum of our rows. A day that was read without a row has zeros.
    pub ours: DayTotal,
    /// The platform's own.
    pub theirs: DayTotal,
    /// Our rows.
    pub rows: u64,
    /// Whether the platform still changes the day.
    pub moving: bool,
}

/// A number of a day that is not the platform's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// `cost`, `impressions` or `clicks`.
    pub metric: &'static str,
    /// Ours: a count, or millionths.
    pub ours: i64,
    /// The platform's.
    pub theirs: i64,
}

/// Half a hundredth, in millionths: the most that rounding takes from or adds to one row.
const ROUNDING: i64 = 5_000;
/// One hundredth of the currency, in millionths: rounding of the platform's own sum.
const SMALLEST: i64 = 10_000;
/// The part of a number that may differ on a day that still changes: one in so many.
const MOVING_PART: i64 = 200;

impl DayPair {
    /// The first number that differs by more than rounding explains: money before counts. `None`: the day fits.
    pub fn difference(&self) -> Option<Difference> {
        let rows = i64::try_from(self.rows).unwrap_or(i64::MAX / ROUNDING);
        let rounding = rows.saturating_mul(ROUNDING).saturating_add(SMALLEST);
        let micros = |total: DayTotal| total.cost.map(|cost| cost.0);
        [
            ("cost", micros(self.ours), micros(self.theirs), rounding),
            ("impressions", self.ours.impressions, self.theirs.impressions, 0),
            ("clicks", self.ours.clicks, self.theirs.clicks, 0),
        ]
        .into_iter()
        .find_map(|(metric, ours, theirs, allowed)| {
            let (ours, theirs) = (ours?, theirs?);
            let moving = if self.moving { theirs.abs() / MOVING_PART } else { 0 };
            let differs = ours.abs_diff(theirs) > allowed.saturating_add(moving).unsigned_abs();
            differs.then_some(Difference { metric, ours, theirs })
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn what_rounding_and_a_moving_day_explain_is_no_difference() {
        let total = |cost: Option<&str>, impressions, clicks| DayTotal {
            impressions,
            clicks,
            cost: cost.map(|text| Micros::parse(text).unwrap()),
        };
        let whole = total(Some("12400.00"), Some(10_000), Some(500));
        for (what, ours, rows, moving, expected) in [
            ("equal", whole, 40, false, None),
            ("rounding of forty rows", total(Some("12400.20"), Some(10_000), Some(500)), 40, false, None),
            ("more than rounding", total(Some("12400.22"), Some(10_000), Some(500)), 40, false, Some("cost")),
            ("less money", total(Some("12345.67"), Some(10_000), Some(500)), 40, false, Some("cost")),
            ("less money on a day that moves", total(Some("12345.67"), Some(10_000), Some(500)), 40, true, None),
            (
                "too little for a day that moves",
                total(Some("12300.00"), Some(10_000), Some(500)),
                40,
                true,
                Some("cost"),
            ),
            ("one impression", total(Some("12400.00"), Some(9_999), Some(500)), 40, false, Some("impressions")),
            ("clicks", total(Some("12400.00"), Some(10_000), Some(499)), 40, false, Some("clicks")),
            ("nothing of ours", total(Some("0"), Some(0), Some(0)), 0, true, Some("cost")),
            ("unknown is not compared", total(None, None, Some(500)), 40, false, None),
        ] {
            let date = "2026-11-19".parse().unwrap();
            let found = DayPair { date, ours, theirs: whole, rows, moving }.difference();
            assert_eq!(found.map(|it| it.metric), expected, "{what}");
        }
    }
}
