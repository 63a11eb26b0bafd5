//! Value added tax: the rate of a day, and a sum with it and without it. Platforms of one client disagree about whether their sums contain it,
//! so sums can be compared only after one of the two was worked out.

use crate::{
    date::DateRange,
    money::{Currency, Micros, VatState},
};
use chrono::NaiveDate;

/// A rate in whole percent of the sum without tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VatRate(pub u32);

/// The standard rates of Russia with the year from whose first day each holds, newest first. Tax Code, article 164, paragraph 3: 22 % by
/// Federal Law 425-FZ of 28 November 2025, 20 % by 303-FZ of 3 August 2018, 18 % by 117-FZ of 7 July 2003. Before 2004 there is no data of anybody.
const RUSSIA: [(i32, VatRate); 3] = [(2026, VatRate(22)), (2019, VatRate(20)), (2004, VatRate(18))];

impl VatRate {
    /// The rate at which advertising in a currency is taxed on a day. Only sums in roubles are known to be taxed in Russia; of any other
    /// currency the country is not known, and with it the rate.
    pub fn of(currency: Currency, date: NaiveDate) -> Option<Self> {
        use chrono::Datelike;
        if currency != Currency::RUB {
            return None;
        }
        RUSSIA.into_iter().find(|(year, _)| date.year() >= *year).map(|(_, rate)| rate)
    }

    /// A sum without the tax that it contains: 100/122 of it at 22 % (article 164, paragraph 4), to the nearest millionth.
    pub fn without(self, with: Micros) -> Micros {
        scaled(with, 100, 100 + i128::from(self.0))
    }

    /// A sum with the tax that comes on top, to the nearest millionth.
    pub fn with(self, without: Micros) -> Micros {
        scaled(without, 100 + i128::from(self.0), 100)
    }
}

/// `sum * up / down`, rounded half away from zero; a sum too large for its own tax stays at the largest.
fn scaled(sum: Micros, up: i128, down: i128) -> Micros {
    let exact = i128::from(sum.0) * up;
    let rounded = (exact.abs() + down / 2) / down * exact.signum();
    Micros(i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX }))
}

/// What a sum is with tax and without it; `None` where that cannot be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taxed {
    /// With VAT.
    pub with: Option<Micros>,
    /// Without VAT.
    pub without: Option<Micros>,
}

impl Taxed {
    /// Works out a sum that belongs to some days of one rate. Nothing is nothing with tax and without, whatever was declared.
    pub fn of(sum: Micros, state: VatState, rate: Option<VatRate>) -> Self {
        match state {
            _ if sum == Micros::ZERO => Self { with: Some(sum), without: Some(sum) },
            VatState::Included => Self { with: Some(sum), without: rate.map(|rate| rate.without(sum)) },
            VatState::Excluded => Self { with: rate.map(|rate| rate.with(sum)), without: Some(sum) },
            VatState::Unknown => Self { with: None, without: None },
        }
    }
}

/// The range cut where the rate of a currency changes, oldest first; in nearly all cases the range itself.
pub fn windows(range: DateRange, currency: Currency) -> Vec<DateRange> {
    let mut from = range.from();
    let mut windows = Vec::with_capacity(1);
    if currency == Currency::RUB {
        for (year, _) in RUSSIA.into_iter().rev() {
            if let Some(turn) = NaiveDate::from_ymd_opt(year, 1, 1)
                && let Some(eve) = turn.pred_opt()
                && turn <= range.to()
                && let Ok(window) = DateRange::new(from, eve)
            {
                windows.push(window);
                from = turn;
            }
        }
    }
    windows.extend(DateRange::new(from, range.to()));
    windows
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use proptest::prelude::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// What is declared, the day, the sum, and what it is with tax and without.
    type Case = (VatState, &'static str, &'static str, Option<&'static str>, Option<&'static str>);

    /// 122 roubles hold 22 of tax, 120 held 20: the shares 22/122 and 20/120 that article 164, paragraph 4, prescribes.
    #[test]
    fn tax_is_taken_out_and_put_on_at_the_rate_of_the_day() {
        use VatState::{Excluded, Included, Unknown};
        let rows: [Case; 9] = [
            (Included, "2026-01-01", "122", Some("122"), Some("100")),
            (Included, "2025-12-31", "120", Some("120"), Some("100")),
            (Included, "2018-12-31", "118", Some("118"), Some("100")),
            (Excluded, "2026-11-20", "1000.5", Some("1220.61"), Some("1000.5")),
            (Excluded, "2019-01-01", "1000.5", Some("1200.6"), Some("1000.5")),
            (Included, "2026-11-20", "1", Some("1"), Some("0.819672")),
            (Included, "2026-11-20", "-122", Some("-122"), Some("-100")),
            (Unknown, "2026-11-20", "122", None, None),
            (Unknown, "2026-11-20", "0", Some("0"), Some("0")),
        ];
        let sum = |text| Micros::parse(text).unwrap();
        for (state, day, amount, with, without) in rows {
            let found = Taxed::of(sum(amount), state, VatRate::of(Currency::RUB, date(day)));
            assert_eq!(found, Taxed { with: with.map(sum), without: without.map(sum) }, "{state:?} {amount} on {day}");
        }
        let dollars = VatRate::of("USD".parse().unwrap(), date("2026-11-20"));
        assert_eq!(Taxed::of(sum("5"), Included, dollars), Taxed { with: Some(sum("5")), without: None });
        assert_eq!(Taxed::of(sum("5"), Excluded, dollars), Taxed { with: None, without: Some(sum("5")) });
    }

    #[test]
    fn a_range_is_cut_where_the_rate_changes() {
        for (from, to, cuts) in [
            ("2026-11-01", "2026-11-30", vec!["2026-11-01 2026-11-30"]),
            ("2025-12-31", "2026-01-01", vec!["2025-12-31 2025-12-31", "2026-01-01 2026-01-01"]),
            ("2026-01-01", "2026-01-01", vec!["2026-01-01 2026-01-01"]),
            (
                "2018-06-01",
                "2026-02-01",
                vec!["2018-06-01 2018-12-31", "2019-01-01 2025-12-31", "2026-01-01 2026-02-01"],
            ),
        ] {
            let range = DateRange::new(date(from), date(to)).unwrap();
            let found: Vec<_> =
                windows(range, Currency::RUB).iter().map(|cut| format!("{} {}", cut.from(), cut.to())).collect();
            assert_eq!(found, cuts);
            assert_eq!(windows(range, "USD".parse().unwrap()), [range]);
        }
    }

    proptest! {
        #[test]
        fn tax_put_on_comes_off_again(sum in -1_000_000_000_000_000i64..1_000_000_000_000_000, rate in 1u32..40) {
            let rate = VatRate(rate);
            let back = rate.without(rate.with(Micros(sum)));
            prop_assert_eq!(back, Micros(sum));
        }

        #[test]
        fn one_rate_holds_in_a_window(start in 0i32..9_000, days in 1u32..4_000) {
            let from = date("2004-01-01") + chrono::Days::new(u64::from(start.unsigned_abs()));
            let range = DateRange::ending(from + chrono::Days::new(u64::from(days)), days);
            let windows = windows(range, Currency::RUB);
            let all: Vec<_> = windows.iter().flat_map(DateRange::days).collect();
            prop_assert_eq!(all, range.days().collect::<Vec<_>>());
            for window in windows {
                prop_assert_eq!(VatRate::of(Currency::RUB, window.from()), VatRate::of(Currency::RUB, window.to()));
            }
        }
    }
}
