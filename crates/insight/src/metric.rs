//! The metrics, each defined once. Every value is an integer of millionths; what cannot be known (a missing part, a division
//! by zero) is `None`, and a screen prints it as unknown, never as 0.
//!
//! Three words for "does it pay" are told apart, because people mean different things by them. ROAS is revenue per spend. ROMI is what the
//! revenue leaves over the spend, per spend, which is ROAS less one: it leaves out what the goods cost, as Russian agencies count it
//! (<https://blog.bcs.ru/chto-takoe-roi>: the formula of ROI with the marketing costs alone). ROI counts all that was paid, the goods and the
//! advertising (Google Ads, <https://support.google.com/google-ads/answer/1722066>), and is unknown until the client's margin is told.

use model::{
    money::{Micros, VatState},
    vat::{Taxed, VatRate},
};

/// What is added up: over days, ad objects, connections, clients of one currency. A part that no row said stays unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Times shown.
    pub impressions: Option<i64>,
    /// Clicks.
    pub clicks: Option<i64>,
    /// Spend, as the platforms say it.
    pub spend: Option<Micros>,
    /// Spend with VAT.
    pub with_vat: Whole,
    /// Spend without VAT.
    pub without_vat: Whole,
    /// Conversions.
    pub conversions: Option<Micros>,
    /// Revenue.
    pub revenue: Option<Micros>,
    /// What was sold for that revenue has cost this much; unknown until the client's margin is told ([`Sums::at_margin`]).
    pub goods: Option<Micros>,
    /// Visits.
    pub visits: Option<i64>,
    /// Pages or screens seen.
    pub page_views: Option<i64>,
    /// Visits that ended where they began.
    pub bounces: Option<i64>,
}

/// A sum that is worth nothing without one of its parts: spend with VAT, where a connection has not said whether its sums contain it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whole {
    /// No row said anything.
    #[default]
    Silent,
    /// All parts are known.
    Known(Micros),
    /// Some part is not.
    Unknown,
}

/// The metrics of the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Spend, as the platforms say it: some with VAT, some without.
    Spend,
    /// Spend with VAT, at the rate of its day; unknown where a connection does not say whether its sums contain it.
    SpendWithVat,
    /// Spend without VAT.
    SpendWithoutVat,
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
    /// Spend per thousand impressions.
    Cpm,
    /// Conversions per click.
    Cr,
    /// Spend per conversion.
    Cpa,
    /// Revenue per spend.
    Roas,
    /// What revenue leaves over all that was paid, the goods and the spend, per all that was paid.
    Roi,
    /// What revenue leaves over the spend, per spend.
    Romi,
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
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Spend,
        Self::SpendWithVat,
        Self::SpendWithoutVat,
        Self::Impressions,
        Self::Clicks,
        Self::Conversions,
        Self::Revenue,
        Self::Ctr,
        Self::Cpc,
        Self::Cpm,
        Self::Cr,
        Self::Cpa,
        Self::Roas,
        Self::Roi,
        Self::Romi,
        Self::Drr,
        Self::Visits,
        Self::PageViews,
        Self::BounceRate,
    ];

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
            Self::Spend
            | Self::SpendWithVat
            | Self::SpendWithoutVat
            | Self::Revenue
            | Self::Cpc
            | Self::Cpm
            | Self::Cpa => Unit::Money,
            Self::Impressions | Self::Clicks | Self::Conversions | Self::Visits | Self::PageViews => Unit::Count,
            Self::Ctr | Self::Cr | Self::Roi | Self::Romi | Self::Drr | Self::BounceRate => Unit::Percent,
            Self::Roas => Unit::Ratio,
        }
    }

    /// The word for it, as on the wire and in formulas.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spend => "spend",
            Self::SpendWithVat => "spend_with_vat",
            Self::SpendWithoutVat => "spend_without_vat",
            Self::Impressions => "impressions",
            Self::Clicks => "clicks",
            Self::Conversions => "conversions",
            Self::Revenue => "revenue",
            Self::Ctr => "ctr",
            Self::Cpc => "cpc",
            Self::Cpm => "cpm",
            Self::Cr => "cr",
            Self::Cpa => "cpa",
            Self::Roas => "roas",
            Self::Roi => "roi",
            Self::Romi => "romi",
            Self::Drr => "drr",
            Self::Visits => "visits",
            Self::PageViews => "page_views",
            Self::BounceRate => "bounce_rate",
        }
    }

    /// Its value for these sums.
    pub fn of(self, sums: &Sums) -> Option<Micros> {
        let (part, whole) = self.parts(sums);
        ratio(part, whole)
    }

    /// What is divided by what: the definition of the metric. A sum is divided by one.
    pub fn parts(self, sums: &Sums) -> (Option<Micros>, Option<Micros>) {
        let count = |value: Option<i64>| value.and_then(Micros::whole);
        let sum = |sum| (sum, Some(Micros::ONE));
        match self {
            Self::Spend => sum(sums.spend),
            Self::SpendWithVat => sum(sums.with_vat.known()),
            Self::SpendWithoutVat => sum(sums.without_vat.known()),
            Self::Impressions => sum(count(sums.impressions)),
            Self::Clicks => sum(count(sums.clicks)),
            Self::Conversions => sum(sums.conversions),
            Self::Revenue => sum(sums.revenue),
            Self::Ctr => (count(sums.clicks), count(sums.impressions)),
            Self::Cpc => (sums.spend, count(sums.clicks)),
            // A thousandth of the count: so many thousands.
            Self::Cpm => (sums.spend, sums.impressions.and_then(|shown| shown.checked_mul(1_000)).map(Micros)),
            Self::Cr => (sums.conversions, count(sums.clicks)),
            Self::Cpa => (sums.spend, sums.conversions),
            Self::Roas => (sums.revenue, sums.spend),
            Self::Roi => returned(sums.revenue, sums.spend.zip(sums.goods).map(|(spend, goods)| spend + goods)),
            Self::Romi => returned(sums.revenue, sums.spend),
            Self::Drr => (sums.spend, sums.revenue),
            Self::Visits => sum(count(sums.visits)),
            Self::PageViews => sum(count(sums.page_views)),
            Self::BounceRate => (count(sums.bounces), count(sums.visits)),
        }
    }

    /// The change from `before` to `now` in millionths: relative for counts, money and plain ratios, the difference for
    /// metrics in percent (12.9 % after 13.2 % is -0.3 points, not -2.3 %). Unknown when either side is, or when nothing was before.
    pub fn change(self, now: Option<Micros>, before: Option<Micros>) -> Option<Micros> {
        let (now, before) = (now?, before?);
        match self {
            Self::Drr | Self::BounceRate | Self::Roi | Self::Romi => Some(now - before),
            _ => ratio(Some(now - before), Some(before)),
        }
    }

    /// Whether a change is good: more results and cheaper results are, and spend is neither.
    pub fn verdict(self, change: Option<Micros>) -> Verdict {
        let rising_is_good = match self {
            Self::Spend | Self::SpendWithVat | Self::SpendWithoutVat => return Verdict::Neutral,
            Self::Impressions
            | Self::Clicks
            | Self::Conversions
            | Self::Revenue
            | Self::Ctr
            | Self::Cr
            | Self::Roas
            | Self::Roi
            | Self::Romi
            | Self::Visits
            | Self::PageViews => true,
            Self::Cpc | Self::Cpm | Self::Cpa | Self::Drr | Self::BounceRate => false,
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

/// What `revenue` leaves over `paid`, per `paid`.
fn returned(revenue: Option<Micros>, paid: Option<Micros>) -> (Option<Micros>, Option<Micros>) {
    (revenue.zip(paid).map(|(revenue, paid)| revenue - paid), paid)
}

/// The sum of two parts of which either may be unknown: unknown only if both are.
fn plus<T: std::ops::Add<Output = T>>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one + other),
        (one, other) => one.or(other),
    }
}

impl Whole {
    /// The sum, when it is one.
    pub fn known(self) -> Option<Micros> {
        match self {
            Self::Known(sum) => Some(sum),
            Self::Silent | Self::Unknown => None,
        }
    }

    /// What a row says of it.
    fn of(said: Option<Micros>) -> Self {
        said.map_or(Self::Unknown, Self::Known)
    }
}

impl std::ops::Add for Whole {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        match (self, other) {
            (Self::Known(one), Self::Known(other)) => Self::Known(one + other),
            (Self::Silent, other) => other,
            (one, Self::Silent) => one,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
        }
    }
}

impl Sums {
    /// The same with what its spend is with VAT and without it. All of it has one state and belongs to days of one rate; the tax is rounded
    /// once, on the sum.
    #[must_use]
    pub fn taxed(self, state: VatState, rate: Option<VatRate>) -> Self {
        let Some(spend) = self.spend else { return self };
        let Taxed { with, without } = Taxed::of(spend, state, rate);
        Self { with_vat: Whole::of(with), without_vat: Whole::of(without), ..self }
    }

    /// The same with what its goods have cost, where `margin` is the share of revenue that the client keeps of it.
    #[must_use]
    pub fn at_margin(self, margin: Option<Micros>) -> Self {
        let kept = |(revenue, margin): (Micros, Micros)| {
            let exact = i128::from(revenue.0) * i128::from(Micros::ONE.0 - margin.0);
            i64::try_from((exact + exact.signum() * 500_000) / 1_000_000).ok().map(Micros)
        };
        Self { goods: self.revenue.zip(margin).and_then(kept), ..self }
    }
}

impl std::ops::Add for Sums {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            impressions: plus(self.impressions, other.impressions),
            clicks: plus(self.clicks, other.clicks),
            spend: plus(self.spend, other.spend),
            with_vat: self.with_vat + other.with_vat,
            without_vat: self.without_vat + other.without_vat,
            conversions: plus(self.conversions, other.conversions),
            revenue: plus(self.revenue, other.revenue),
            goods: plus(self.goods, other.goods),
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
            goods: Micros::parse("99820000").ok(),
            with_vat: Whole::Unknown,
            without_vat: Whole::Unknown,
            visits: Some(1_004_000),
            page_views: Some(3_012_000),
            bounces: Some(251_000),
        }
    }

    /// As a vendor or a textbook gives them: what is known, the metric, and its value.
    #[test]
    fn each_metric_has_its_textbook_value() {
        let units = |units| Micros::whole(units);
        let none = Sums::default();
        // <https://support.google.com/google-ads/answer/1722066>: six products that cost 100 dollars each and sell for 200, and clicks for
        // 200 dollars: (1,200 - (600 + 200)) / (600 + 200) is a return of 50 %. Half of the revenue is the margin.
        let shop = Sums { spend: units(200), revenue: units(1_200), ..none }.at_margin(Micros::parse("0.5").ok());
        // <https://expertppcservices.com/?p=1743>: 250 dollars for 125,000 impressions are 2 dollars for a thousand.
        let display = Sums { spend: units(250), impressions: Some(125_000), ..none };
        // <http://www.trainmehub.com/basic-formula-in-digital-marketing/>: 5 clicks of 100 impressions are 5 %.
        let clicked = Sums { clicks: Some(5), impressions: Some(100), ..none };
        // <https://support.google.com/google-ads/answer/2684489>: 50 conversions from 1,000 interactions are 5 %.
        let bought = Sums { clicks: Some(1_000), conversions: units(50), ..none };
        // The share 22/122 of the Tax Code, article 164, paragraph 4.
        let taxed = Sums { spend: units(122), ..none }.taxed(VatState::Included, Some(VatRate(22)));
        let untaxed = Sums { spend: units(100), ..none }.taxed(VatState::Excluded, Some(VatRate(22)));
        for (sums, metric, expected) in [
            (shop, Metric::Roi, "0.5"),
            (shop, Metric::Romi, "5"),
            (shop, Metric::Roas, "6"),
            (display, Metric::Cpm, "2"),
            (clicked, Metric::Ctr, "0.05"),
            (bought, Metric::Cr, "0.05"),
            (taxed, Metric::SpendWithoutVat, "100"),
            (taxed, Metric::SpendWithVat, "122"),
            (taxed + untaxed, Metric::SpendWithoutVat, "200"),
            (taxed + untaxed, Metric::SpendWithVat, "244"),
            (taxed + untaxed, Metric::Spend, "222"),
            // The strip of the mock-up.
            (strip(), Metric::Spend, "18426310"),
            (strip(), Metric::Impressions, "214800000"),
            (strip(), Metric::Clicks, "1096000"),
            (strip(), Metric::Conversions, "21384"),
            (strip(), Metric::Revenue, "142600000"),
            (strip(), Metric::Ctr, "0.005102"),
            (strip(), Metric::Cpc, "16.812327"),
            (strip(), Metric::Cpm, "85.783566"),
            (strip(), Metric::Cr, "0.019511"),
            (strip(), Metric::Cpa, "861.686775"),
            (strip(), Metric::Roas, "7.738934"),
            (strip(), Metric::Roi, "0.205957"),
            (strip(), Metric::Romi, "6.738934"),
            (strip(), Metric::Drr, "0.129217"),
            (strip(), Metric::Visits, "1004000"),
            (strip(), Metric::PageViews, "3012000"),
            (strip(), Metric::BounceRate, "0.25"),
        ] {
            assert_eq!(metric.of(&sums).map(|m| m.to_string()).as_deref(), Some(expected), "{metric:?} of {sums:?}");
        }
    }

    #[test]
    fn unknown_and_zero_are_told_apart() {
        let nothing = Sums::default();
        let idle = Sums { impressions: Some(0), clicks: Some(0), spend: Some(Micros::ZERO), ..nothing };
        for metric in Metric::ALL {
            assert_eq!(metric.of(&nothing), None, "{metric:?}");
        }
        assert_eq!(Metric::Spend.of(&idle), Some(Micros::ZERO));
        assert_eq!(Metric::Ctr.of(&idle), None, "nothing shown: no rate");
        assert_eq!((idle + strip()).spend, strip().spend);
        assert_eq!((nothing + nothing).clicks, None);
        assert_eq!(Metric::Romi.of(&idle), None, "nothing paid: no return");
        assert_eq!(Metric::Roi.of(&strip().at_margin(None)), None, "no margin: what the goods cost is not known");
        let rate = Some(VatRate(22));
        let said = strip().taxed(VatState::Included, rate);
        let unsaid = strip().taxed(VatState::Unknown, rate);
        assert_eq!(Metric::SpendWithoutVat.of(&(said + unsaid)), None, "a part without its tax would be no total");
        let nil = idle.taxed(VatState::Unknown, rate);
        assert_eq!(
            Metric::SpendWithoutVat.of(&(said + nil)),
            Metric::SpendWithoutVat.of(&said),
            "nothing holds no tax"
        );
    }

    #[test]
    fn changes_are_relative_but_points_for_shares() {
        let m = |text: &str| Micros::parse(text).ok();
        for (metric, now, before, change, verdict) in [
            (Metric::Spend, m("106.2"), m("100"), m("0.062"), Verdict::Neutral),
            (Metric::Cpa, m("862"), m("885.92"), m("-0.027"), Verdict::Better),
            (Metric::Ctr, m("0.0051"), m("0.00542"), m("-0.059041"), Verdict::Worse),
            (Metric::Drr, m("0.129"), m("0.132"), m("-0.003"), Verdict::Better),
            (Metric::Romi, m("0.2"), m("-0.1"), m("0.3"), Verdict::Better),
            (Metric::Cr, m("0.02"), m("0.04"), m("-0.5"), Verdict::Worse),
            (Metric::Cpm, m("90"), m("60"), m("0.5"), Verdict::Worse),
            (Metric::SpendWithoutVat, m("90"), m("60"), m("0.5"), Verdict::Neutral),
            (Metric::Clicks, m("5"), m("0"), None, Verdict::Neutral),
            (Metric::Clicks, None, m("5"), None, Verdict::Neutral),
            (Metric::Clicks, m("5"), m("5"), m("0"), Verdict::Neutral),
        ] {
            let found = metric.change(now, before);
            assert_eq!((found, metric.verdict(found)), (change, verdict), "{metric:?}");
        }
    }

    prop_compose! {
        /// A row as a platform might give it, with holes.
        fn any_row()(
            counts in prop::array::uniform5(prop::option::of(0i64..1_000_000_000)),
            sums in prop::array::uniform3(prop::option::of(-1_000_000_000i64..1_000_000_000_000)),
            state in prop::sample::select(vec![VatState::Included, VatState::Excluded, VatState::Unknown]),
            rate in prop::sample::select(vec![18, 20, 22]),
            margin in prop::option::of(0i64..1_000_000),
        ) -> Sums {
            let [impressions, clicks, visits, page_views, bounces] = counts;
            let [spend, conversions, revenue] = sums.map(|sum| sum.map(Micros));
            Sums { impressions, clicks, spend, conversions, revenue, visits, page_views, bounces, ..Sums::default() }
                .taxed(state, Some(VatRate(rate)))
                .at_margin(margin.map(Micros))
        }
    }

    proptest! {
        #[test]
        fn sums_over_any_partition_are_the_total(rows in prop::collection::vec((any_row(), 0usize..4), 0..40)) {
            let total: Sums = rows.iter().map(|(row, _)| *row).sum();
            let part = |wanted| rows.iter().filter(|(_, part)| *part == wanted).map(|(row, _)| *row).sum::<Sums>();
            let parts: Vec<Sums> = (0..4).map(part).collect();
            prop_assert_eq!(parts.iter().copied().sum::<Sums>(), total);
            prop_assert_eq!(parts.iter().rev().copied().sum::<Sums>(), total);
            for metric in Metric::ALL {
                prop_assert_eq!(metric.of(&parts.iter().copied().sum()), metric.of(&total));
            }
        }

        #[test]
        fn a_ratio_is_the_nearest_millionth(part in -10_000_000_000i64..10_000_000_000, whole in 1i64..10_000_000_000) {
            let found = ratio(Some(Micros(part)), Some(Micros(whole))).unwrap();
            let error = i128::from(found.0) * i128::from(whole) - i128::from(part) * 1_000_000;
            prop_assert!(error.abs() * 2 <= i128::from(whole));
        }
    }
}
