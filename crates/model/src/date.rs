//! Calendar dates of an ad account's own time zone, and ranges of them. Instants are `DateTime<Utc>` and never mix with these.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use ts_rs::TS;

/// Today in an account's calendar. An unknown zone counts as UTC: at worst a day begins some hours late.
pub fn today(now: DateTime<Utc>, time_zone: &str) -> NaiveDate {
    let zone: chrono_tz::Tz = time_zone.parse().unwrap_or(chrono_tz::UTC);
    now.with_timezone(&zone).date_naive()
}

/// Whole days from `from` to `to`, both included. An empty range cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(try_from = "RawRange")]
pub struct DateRange {
    /// First day.
    #[ts(type = "string")]
    from: NaiveDate,
    /// Last day.
    #[ts(type = "string")]
    to: NaiveDate,
}

#[derive(Deserialize)]
struct RawRange {
    from: NaiveDate,
    to: NaiveDate,
}

impl TryFrom<RawRange> for DateRange {
    type Error = EmptyRange;
    fn try_from(raw: RawRange) -> Result<Self, EmptyRange> {
        Self::new(raw.from, raw.to)
    }
}

/// How long a piece of time is that sums are shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Grain {
    /// A day.
    #[default]
    Day,
    /// A week from Monday to Sunday, as ISO 8601 has it.
    Week,
    /// A calendar month.
    Month,
}

impl Grain {
    /// The first day of the piece that holds this day.
    pub fn first_day(self, date: NaiveDate) -> NaiveDate {
        let back = match self {
            Self::Day => 0,
            Self::Week => date.weekday().num_days_from_monday(),
            Self::Month => date.day0(),
        };
        date.checked_sub_days(Days::new(back.into())).unwrap_or(date)
    }

    /// The whole piece that holds this day.
    pub fn piece(self, date: NaiveDate) -> DateRange {
        let from = self.first_day(date);
        let next = match self {
            Self::Day => from.succ_opt(),
            Self::Week => from.checked_add_days(Days::new(7)),
            Self::Month => from.checked_add_months(Months::new(1)),
        };
        DateRange { from, to: next.and_then(|next| next.pred_opt()).unwrap_or(date).max(from) }
    }
}

/// The last day lies before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the range ends on {to}, before it begins on {from}")]
pub struct EmptyRange {
    /// First day asked for.
    pub from: NaiveDate,
    /// Last day asked for.
    pub to: NaiveDate,
}

impl DateRange {
    /// The days from `from` to `to`, both included.
    pub fn new(from: NaiveDate, to: NaiveDate) -> Result<Self, EmptyRange> {
        if from <= to { Ok(Self { from, to }) } else { Err(EmptyRange { from, to }) }
    }
    /// One single day.
    pub fn day(date: NaiveDate) -> Self {
        Self { from: date, to: date }
    }
    /// The `days` days that end on `to`; at least one.
    pub fn ending(to: NaiveDate, days: u32) -> Self {
        let back = Days::new(u64::from(days.max(1) - 1));
        Self { from: to.checked_sub_days(back).unwrap_or(to), to }
    }
    /// First day.
    pub fn from(&self) -> NaiveDate {
        self.from
    }
    /// Last day.
    pub fn to(&self) -> NaiveDate {
        self.to
    }
    /// How many days, at least 1.
    pub fn len(&self) -> u32 {
        u32::try_from((self.to - self.from).num_days() + 1).unwrap_or(u32::MAX)
    }
    /// Never: an empty range cannot be built. Present because a `len` without it surprises readers.
    pub fn is_empty(&self) -> bool {
        false
    }
    /// Whether the day lies inside.
    pub fn contains(&self, date: NaiveDate) -> bool {
        self.from <= date && date <= self.to
    }
    /// Every day, in order.
    pub fn days(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        self.from.iter_days().take(self.len() as usize)
    }
    /// The common days, if any.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        Self::new(self.from.max(other.from), self.to.min(other.to)).ok()
    }
    /// The range cut into windows of at most `days` days, oldest first.
    pub fn windows(&self, days: u32) -> Vec<Self> {
        let step = days.max(1);
        let mut windows = Vec::new();
        let mut from = self.from;
        while from <= self.to {
            let last = from.checked_add_days(Days::new(u64::from(step - 1))).unwrap_or(self.to).min(self.to);
            windows.push(Self { from, to: last });
            match last.succ_opt() {
                Some(next) => from = next,
                None => break,
            }
        }
        windows
    }
    /// The range cut where days, weeks or months begin, oldest first. The first and the last piece may be shorter than a whole one.
    pub fn pieces(&self, grain: Grain) -> Vec<Self> {
        let mut pieces = Vec::new();
        let mut from = self.from;
        while from <= self.to {
            let to = grain.piece(from).to.min(self.to);
            pieces.push(Self { from, to });
            match to.succ_opt() {
                Some(next) => from = next,
                None => break,
            }
        }
        pieces
    }
    /// The range of equal length that ends the day before this one begins.
    #[must_use]
    pub fn previous(&self) -> Self {
        let to = self.from.pred_opt().unwrap_or(self.from);
        Self::ending(to, self.len())
    }
}

/// A month of the calendar, `2026-11` as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(try_from = "String", into = "String")]
#[ts(type = "string")]
pub struct Month {
    /// Its first day.
    first: NaiveDate,
}

/// The text is not a year and a month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a month: {0:?}")]
pub struct ParseMonthError(String);

impl Month {
    /// The month of a day.
    pub fn of(date: NaiveDate) -> Self {
        Self { first: date.with_day(1).unwrap_or(date) }
    }
    /// Its days.
    pub fn days(self) -> DateRange {
        let last = self.first.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt());
        DateRange { from: self.first, to: last.unwrap_or(self.first) }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}
impl FromStr for Month {
    type Err = ParseMonthError;
    fn from_str(text: &str) -> Result<Self, ParseMonthError> {
        let first = (text.len() == 7).then(|| format!("{text}-01").parse().ok()).flatten();
        first.map(|first| Self { first }).ok_or_else(|| ParseMonthError(text.chars().take(12).collect()))
    }
}
impl TryFrom<String> for Month {
    type Error = ParseMonthError;
    fn try_from(text: String) -> Result<Self, ParseMonthError> {
        text.parse()
    }
}
impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn windows_cover_the_range_once(start in 0i32..40_000, len in 1u32..900, step in 1u32..400) {
            let from = NaiveDate::from_num_days_from_ce_opt(700_000 + start).expect("a date");
            let range = DateRange::ending(from, len);
            let days: Vec<_> = range.windows(step).iter().flat_map(DateRange::days).collect();
            prop_assert_eq!(days, range.days().collect::<Vec<_>>());
            prop_assert_eq!(range.len(), len);
        }
    }

    proptest! {
        #[test]
        fn pieces_cover_the_range_once(start in 0i32..40_000, len in 1u32..900) {
            let from = NaiveDate::from_num_days_from_ce_opt(700_000 + start).expect("a date");
            let range = DateRange::ending(from, len);
            for (grain, longest) in [(Grain::Day, 1), (Grain::Week, 7), (Grain::Month, 31)] {
                let pieces = range.pieces(grain);
                prop_assert!(pieces.iter().all(|piece| piece.len() <= longest));
                prop_assert!(pieces.iter().skip(1).all(|piece| grain.first_day(piece.from()) == piece.from()));
                let days: Vec<_> = pieces.iter().flat_map(DateRange::days).collect();
                prop_assert_eq!(days, range.days().collect::<Vec<_>>());
            }
        }
    }

    /// ISO 8601 counts Monday as the first day of a week: 2026-W01 begins on 29 December 2025, 2026-W53 on 28 December 2026
    /// (<https://en.wikipedia.org/wiki/ISO_week_date>).
    #[test]
    fn weeks_begin_on_monday_and_months_on_their_first() {
        let range = |from: &str, to: &str| DateRange::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();
        let cut = |grain| range("2025-12-27", "2026-01-06").pieces(grain);
        assert_eq!(
            cut(Grain::Week),
            [range("2025-12-27", "2025-12-28"), range("2025-12-29", "2026-01-04"), range("2026-01-05", "2026-01-06")]
        );
        assert_eq!(cut(Grain::Month), [range("2025-12-27", "2025-12-31"), range("2026-01-01", "2026-01-06")]);
        assert_eq!(Grain::Week.first_day("2027-01-03".parse().unwrap()).to_string(), "2026-12-28");
        assert_eq!(Grain::Month.first_day("2028-02-29".parse().unwrap()).to_string(), "2028-02-01");
    }

    #[test]
    fn a_reversed_range_is_refused_when_read() {
        let error = serde_json::from_str::<DateRange>(r#"{"from":"2026-11-20","to":"2026-11-19"}"#).unwrap_err();
        assert_eq!(error.to_string(), "the range ends on 2026-11-19, before it begins on 2026-11-20");
    }

    #[test]
    fn a_month_has_its_days() {
        for (text, days) in [
            ("2026-11", Some("2026-11-01 2026-11-30")),
            ("2028-02", Some("2028-02-01 2028-02-29")),
            ("2026-12", Some("2026-12-01 2026-12-31")),
            ("2026-13", None),
            ("2026-1", None),
            ("26-01-1", None),
            ("", None),
        ] {
            let month: Option<Month> = text.parse().ok();
            let found = month.map(Month::days).map(|days| format!("{} {}", days.from(), days.to()));
            assert_eq!(found.as_deref(), days, "{text:?}");
            if let Some(month) = month {
                assert_eq!((month.to_string().as_str(), Month::of(month.days().to())), (text, month));
            }
        }
    }

    #[test]
    fn today_is_the_accounts_today() {
        let now = "2026-11-20T21:30:00Z".parse().expect("an instant");
        for (zone, expected) in
            [("Europe/Moscow", "2026-11-21"), ("America/New_York", "2026-11-20"), ("nowhere", "2026-11-20")]
        {
            assert_eq!(today(now, zone).to_string(), expected, "{zone}");
        }
    }
}
