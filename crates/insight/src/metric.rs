//! The metrics, each defined once. Every value is an integer of millionths; what cannot be known (a missing part, a division
//! by zero) is `None`, and a screen prints it as unknown, never as 0.

use model::money::Micros;

/// What is added up: over days, ad objects, connections, clients of one currency. A part that no row said stays unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Times shown.
    pub impressions: Option<i64>,
    /// Clicks.
    pub clicks: Option<i64>,
    /// Spend.
    pub spend: Option<Micros>,
    /// Conversions.
    pub conversions: Option<Micros>,
    /// Revenue.
    pub revenue: Option<Micros>,
    /// Visits.
    pub visits: Option<i64>,
    /// Pages or screens seen.
    pub page_views: Option<i64>,
    /// Visits that ended where they began.
    pub bounces: Option<i64>,
}

/// The metrics of the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Spend.
    Spend,
    /// Times shown.
    Impressions,
    /// Clicks.
    Clicks,
    /// Conversions.
    Conversions,
    /// Revenue.
    Revenue,
    /// Clicks per impression.
    Ctr,
    /// Spend per click.
    Cpc,
    /// Spend per conversion.
    Cpa,
    /// Revenue per spend.
    Roas,
    /// Spend per revenue; in Russian practice ДРР, the advertising share of revenue.
    Drr,
    /// Visits, as a counter saw them.
    Visits,
    /// Pages or screens seen.
    PageViews,
    /// Visits that ended where they began, per visit.
    BounceRate,
}

/// How a metric is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// In the currency beside it.
    Money,
    /// A count.
    Count,
    /// A ratio in percent.
    Percent,
    /// A ratio as it is.
    Ratio,
}

/// Whether a change is good news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Favourable.
    Better,
    /// Unfavourable.
    Worse,
    /// Neither.
    Neutral,
}

impl Metric {
    /// Those of the strip, in its order.
    pub const STRIP: [Self; 10] = [
        Self::Spend,
        Self::Impressions,
        Self::Clicks,
        Self::Conversions,
        Self::Revenue,
        Self::Ctr,
        Self::Cpc,
        Self::Cpa,
        Self::Roas,
        Self::Drr,
    ];

    /// How it is printed.
    pub fn unit(self) -> Unit {
        match self {
            Self::Spend | Self::Revenue | Self::Cpc | Self::Cpa => Unit::Money,
            Self::Impressions | Self::Clicks | Self::Conversions | Self::Visits | Self::PageViews => Unit::Count,
            Self::Ctr | Self::Drr | Self::BounceRate => Unit::Percent,
            Self::Roas => Unit::Ratio,
        }
    }

    /// Its value for these sums.
    pub fn of(self, sums: &Sums) -> Option<Micros> {
        let count = |value: Option<i64>| value.and_then(Micros::whole);
        match self {
            Self::Spend => sums.spend,
            Self::Impressions => count(sums.impressions),
            Self::Clicks => count(sums.clicks),
            Self::Conversions => sums.conversions,
            Self::Revenue => sums.revenue,
            Self::Ctr => ratio(count(sums.clicks), count(sums.impressions)),
            Self::Cpc => ratio(sums.spend, count(sums.clicks)),
            Self::Cpa => ratio(sums.spend, sums.conversions),
            Self::Roas => ratio(sums.revenue, sums.spend),
            Self::Drr => ratio(sums.spend, sums.revenue),
            Self::Visits => count(sums.visits),
            Self::PageViews => count(sums.page_views),
            Self::BounceRate => ratio(count(sums.bounces), count(sums.visits)),
        }
    }

    /// The change from `before` to `now` in millionths: relative for counts, money and plain ratios, the difference for
    /// metrics in percent (12.9 % after 13.2 % is -0.3 points, not -2.3 %). Unknown when either side is, or when nothing was before.
    pub fn change(self, now: Option<Micros>, before: Option<Micros>) -> Option<Micros> {
        let (now, before) = (now?, before?);
        match self {
            Self::Drr | Self::BounceRate => Some(now - before),
            _ => ratio(Some(now - before), Some(before)),
        }
    }

    /// Whether a change is good: more results and cheaper results are, and spend is neither.
    pub fn verdict(self, change: Option<Micros>) -> Verdict {
        let rising_is_good = match self {
            Self::Spend => return Verdict::Neutral,
            Self::Impressions
            | Self::Clicks
            | Self::Conversions
            | Self::Revenue
            | Self::Ctr
            | Self::Roas
            | Self::Visits
            | Self::PageViews => true,
            Self::Cpc | Self::Cpa | Self::Drr | Self::BounceRate => false,
        };
        match change {
            None | Some(Micros::ZERO) => Verdict::Neutral,
            Some(change) if (change > Micros::ZERO) == rising_is_good => Verdict::Better,
            Some(_) => Verdict::Worse,
        }
    }
}

/// `part / whole` in millionths, rounded half away from zero; unknown when either is, when `whole` is zero, or when it does not fit.
pub fn ratio(part: Option<Micros>, whole: Option<Micros>) -> Option<Micros> {
    let (part, whole) = (i128::from(part?.0), i128::from(whole?.0));
    if whole == 0 {
        return None;
    }
    let scaled = part * 1_000_000;
    let half = whole.abs() / 2;
    let rounded = if (scaled < 0) == (whole < 0) { scaled.abs() + half } else { -(scaled.abs() + half) } / whole.abs();
    i64::try_from(rounded).ok().map(Micros)
}

/// The sum of two parts of which either may be unknown: unknown only if both are.
fn plus<T: std::ops::Add<Output = T>>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one + other),
        (one, other) => one.or(other),
    }
}

impl std::ops::Add for Sums {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            impressions: plus(self.impressions, other.impressions),
            clicks: plus(self.clicks, other.clicks),
            spend: plus(self.spend, other.spend),
            conversions: plus(self.conversions, other.conversions),
            revenue: plus(self.revenue, other.revenue),
            visits: plus(self.visits, other.visits),
            page_views: plus(self.page_views, other.page_views),
            bounces: plus(self.bounces, other.bounces),
        }
    }
}

impl std::iter::Sum for Sums {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), std::ops::Add::add)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use proptest::prelude::*;

    /// The worked example of the mock-up's strip: 18.43 M ₽, 214.8 M impressions, 1.096 M clicks, 21,384 conversions, 142.6 M ₽.
    fn strip() -> Sums {
        Sums {
            impressions: Some(214_800_000),
            clicks: Some(1_096_000),
            spend: Micros::parse("18426310").ok(),
            conversions: Micros::whole(21_384),
            revenue: Micros::parse("142600000").ok(),
            visits: Some(1_004_000),
            page_views: Some(3_012_000),
            bounces: Some(251_000),
        }
    }

    #[test]
    fn each_metric_has_its_textbook_value() {
        for (metric, expected) in [
            (Metric::Spend, "18426310"),
            (Metric::Impressions, "214800000"),
            (Metric::Clicks, "1096000"),
            (Metric::Conversions, "21384"),
            (Metric::Revenue, "142600000"),
            (Metric::Ctr, "0.005102"),
            (Metric::Cpc, "16.812327"),
            (Metric::Cpa, "861.686775"),
            (Metric::Roas, "7.738934"),
            (Metric::Drr, "0.129217"),
            (Metric::Visits, "1004000"),
            (Metric::PageViews, "3012000"),
            (Metric::BounceRate, "0.25"),
        ] {
            assert_eq!(metric.of(&strip()).map(|m| m.to_string()).as_deref(), Some(expected), "{metric:?}");
        }
    }

    #[test]
    fn unknown_and_zero_are_told_apart() {
        let nothing = Sums::default();
        let idle = Sums { impressions: Some(0), clicks: Some(0), spend: Some(Micros::ZERO), ..nothing };
        for metric in Metric::STRIP {
            assert_eq!(metric.of(&nothing), None, "{metric:?}");
        }
        assert_eq!(Metric::Spend.of(&idle), Some(Micros::ZERO));
        assert_eq!(Metric::Ctr.of(&idle), None, "nothing shown: no rate");
        assert_eq!((idle + strip()).spend, strip().spend);
        assert_eq!((nothing + nothing).clicks, None);
    }

    #[test]
    fn changes_are_relative_but_points_for_shares() {
        let m = |text: &str| Micros::parse(text).ok();
        for (metric, now, before, change, verdict) in [
            (Metric::Spend, m("106.2"), m("100"), m("0.062"), Verdict::Neutral),
            (Metric::Cpa, m("862"), m("885.92"), m("-0.027"), Verdict::Better),
            (Metric::Ctr, m("0.0051"), m("0.00542"), m("-0.059041"), Verdict::Worse),
            (Metric::Drr, m("0.129"), m("0.132"), m("-0.003"), Verdict::Better),
            (Metric::Clicks, m("5"), m("0"), None, Verdict::Neutral),
            (Metric::Clicks, None, m("5"), None, Verdict::Neutral),
            (Metric::Clicks, m("5"), m("5"), m("0"), Verdict::Neutral),
        ] {
            let found = metric.change(now, before);
            assert_eq!((found, metric.verdict(found)), (change, verdict), "{metric:?}");
        }
    }

    proptest! {
        #[test]
        fn a_ratio_is_the_nearest_millionth(part in -10_000_000_000i64..10_000_000_000, whole in 1i64..10_000_000_000) {
            let found = ratio(Some(Micros(part)), Some(Micros(whole))).unwrap();
            let error = i128::from(found.0) * i128::from(whole) - i128::from(part) * 1_000_000;
            prop_assert!(error.abs() * 2 <= i128::from(whole));
        }
    }
}
