//! Which days a run reads. Pure: today, the settings and the cursor go in, a range comes out.
//!
//! A run reads what is missing since the day up to which a stream is complete, and reads the lookback days again because platforms
//! correct them. Once a week it looks back as far as the platform still corrects at all: fraud is taken off and goals arrive weeks later. Today is not read: it is not over, and a half day beside whole ones looks like a collapse of the numbers.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use kit::source::{StreamDescriptor, StreamKind};
use model::{date::DateRange, settings::Lookback};
use store::slices::Part;

/// Which rows of its days a stream replaces: all of its level's, whatever they were split by before somebody changed the mapping, unless
/// another stream gives other ones of the same level.
pub fn part(streams: &[StreamDescriptor], stream: &StreamDescriptor) -> Part {
    let level = |stream: &StreamDescriptor| match stream.kind {
        StreamKind::Statistics { level, .. } => Some(level),
        StreamKind::Dictionary { .. } | StreamKind::Records { .. } => None,
    };
    if streams.iter().all(|other| level(other) != level(stream) || other.breakdown == stream.breakdown) {
        return Part::All;
    }
    stream.breakdown.clone().map_or(Part::Whole, Part::Split)
}

/// What decides the days of one stream.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// Today in the account's calendar.
    pub today: NaiveDate,
    /// The last day up to which the stream is complete, if it was ever read.
    pub data_through: Option<NaiveDate>,
    /// Past days that are read again.
    pub lookback_days: u32,
    /// Days of the first run.
    pub first_load_days: u32,
    /// Days back beyond which the platform has nothing.
    pub max_history_days: u32,
}

impl Reach {
    /// The days of an ordinary run; `None` when nothing is to be read.
    pub fn ordinary(&self) -> Option<DateRange> {
        let yesterday = self.today.pred_opt()?;
        let from = match self.data_through {
            None => DateRange::ending(yesterday, self.first_load_days).from(),
            Some(through) => {
                let next = through.succ_opt()?;
                next.min(DateRange::ending(yesterday, self.lookback_days).from())
            }
        };
        self.clipped(DateRange::new(from, yesterday).ok()?)
    }

    /// The same beside a first load that is on its way to the end of its days: they count as read.
    #[must_use]
    pub fn beside(self, first_load: Option<DateRange>) -> Self {
        Self { data_through: self.data_through.max(first_load.map(|days| days.to())), ..self }
    }

    /// The same, and the days that a first load has `left`, unless they were `read` since. What a person stopped in the middle is
    /// completed by the next run, also when newer days were read meanwhile.
    #[must_use]
    pub fn completing(self, left: impl Iterator<Item = DateRange>, read: &[DateRange]) -> Self {
        let is_read =
            |window: &DateRange| read.iter().any(|range| range.from() <= window.from() && window.to() <= range.to());
        let missing = left
            .filter_map(|window| self.clipped(window))
            .filter(|window| !is_read(window))
            .min_by_key(DateRange::from);
        match (missing.and_then(|window| window.from().pred_opt()), self.data_through) {
            (Some(before), Some(through)) => Self { data_through: Some(through.min(before)), ..self },
            // A stream that has nothing yet begins with its first load anyway.
            _ => self,
        }
    }

    /// The days a person asked for, as far as they are over and the platform still has them.
    pub fn recollect(&self, asked: DateRange) -> Option<DateRange> {
        self.clipped(asked)
    }

    fn clipped(&self, range: DateRange) -> Option<DateRange> {
        let yesterday = self.today.pred_opt()?;
        range.intersection(&DateRange::ending(yesterday, self.max_history_days))
    }
}

/// How long a long lookback is enough.
const LONG_LOOKBACK_EVERY: TimeDelta = TimeDelta::hours(6 * 24 + 12);

/// How many past days a run at this moment reads again. `long_read_at` is when its connection last looked back far.
pub fn lookback(lookback: Lookback, long_read_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> u32 {
    // A moment that is still to come was written while the clock was wrong.
    let recent = long_read_at.is_some_and(|at| at <= now && now - at < LONG_LOOKBACK_EVERY);
    if recent { lookback.days } else { lookback.days.max(lookback.weekly_days) }
}

/// Whether the days that a run read of a stream are all that it looks back once a week.
pub fn is_long(read: &[DateRange], today: NaiveDate, lookback: Lookback) -> bool {
    let Some(yesterday) = today.pred_opt() else { return false };
    let mut back = DateRange::ending(yesterday, lookback.weekly_days).days();
    back.all(|day| read.iter().any(|range| range.contains(day)))
}

/// Days before this one no longer change: the platform's attribution window has closed.
pub fn final_before(today: NaiveDate, final_after_days: u32) -> NaiveDate {
    today.checked_sub_days(Days::new(u64::from(final_after_days))).unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use model::ad::Level;

    #[test]
    fn a_stream_shares_its_level_only_with_one_that_gives_other_rows() {
        let stream = |level, breakdown: Option<&str>| StreamDescriptor {
            name: String::new(),
            kind: StreamKind::Statistics { level, lookback: Lookback { days: 7, weekly_days: 30 } },
            breakdown: breakdown.map(str::to_owned),
            on_by_default: true,
            required: false,
        };
        let parts = |streams: &[StreamDescriptor]| streams.iter().map(|it| part(streams, it)).collect::<Vec<_>>();
        let [ad, campaign, goals] =
            [stream(Level::Ad, None), stream(Level::Campaign, None), stream(Level::Campaign, Some("goal"))];
        let split = Part::Split("goal".to_owned());
        assert_eq!(parts(&[ad.clone(), campaign, goals.clone()]), [Part::All, Part::Whole, split]);
        assert_eq!(parts(&[ad, goals]), [Part::All, Part::All]);
    }

    #[test]
    fn once_a_week_the_lookback_is_long() {
        let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
        for (days_ago, expected) in
            [(None, 30), (Some(0), 7), (Some(6), 7), (Some(7), 30), (Some(400), 30), (Some(-3), 30)]
        {
            let at = days_ago.map(|days| now - TimeDelta::days(days));
            assert_eq!(lookback(Lookback { days: 7, weekly_days: 30 }, at, now), expected, "{days_ago:?} days ago");
        }
        assert_eq!(lookback(Lookback { days: 60, weekly_days: 30 }, None, now), 60, "a person wants more");
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let table: [(&[(&str, &str)], bool); 6] = [
            (&[("2026-10-21", "2026-11-19")], true),
            (&[("2026-08-01", "2026-11-19")], true),
            (&[("2026-11-01", "2026-11-19"), ("2026-08-01", "2026-11-02")], true),
            (&[("2026-10-22", "2026-11-19")], false),
            (&[("2026-08-01", "2026-11-18")], false),
            (&[("2026-08-01", "2026-11-01"), ("2026-11-03", "2026-11-19")], false),
        ];
        for (read, long) in table {
            let read: Vec<_> = read.iter().map(|(from, to)| DateRange::new(day(from), day(to)).unwrap()).collect();
            assert_eq!(is_long(&read, day("2026-11-20"), Lookback { days: 7, weekly_days: 30 }), long, "{read:?}");
        }
    }

    #[test]
    fn days_of_a_run() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let reach = |through: Option<&str>, lookback, first| Reach {
            today: day("2026-11-20"),
            data_through: through.map(day),
            lookback_days: lookback,
            first_load_days: first,
            max_history_days: 366,
        };
        for (what, reach, asked, expected) in [
            ("first run", reach(None, 7, 90), None, Some(("2026-08-22", "2026-11-19"))),
            ("first run of one day", reach(None, 7, 1), None, Some(("2026-11-19", "2026-11-19"))),
            (
                "first run deeper than the platform's memory",
                reach(None, 7, 900),
                None,
                Some(("2025-11-19", "2026-11-19")),
            ),
            ("daily run", reach(Some("2026-11-18"), 7, 90), None, Some(("2026-11-13", "2026-11-19"))),
            ("again on the same day", reach(Some("2026-11-19"), 7, 90), None, Some(("2026-11-13", "2026-11-19"))),
            (
                "again without lookback still reads yesterday",
                reach(Some("2026-11-19"), 0, 90),
                None,
                Some(("2026-11-19", "2026-11-19")),
            ),
            ("after a holiday", reach(Some("2026-10-31"), 7, 90), None, Some(("2026-11-01", "2026-11-19"))),
            ("after a year on the shelf", reach(Some("2025-01-01"), 7, 90), None, Some(("2025-11-19", "2026-11-19"))),
            ("clock set back", reach(Some("2026-12-24"), 7, 90), None, Some(("2026-11-13", "2026-11-19"))),
            (
                "asked days",
                reach(Some("2026-11-19"), 7, 90),
                Some(("2026-11-10", "2026-11-11")),
                Some(("2026-11-10", "2026-11-11")),
            ),
            (
                "asked days that are not over",
                reach(None, 7, 90),
                Some(("2026-11-18", "2026-11-25")),
                Some(("2026-11-18", "2026-11-19")),
            ),
            ("asked days beyond memory", reach(None, 7, 90), Some(("2020-01-01", "2020-02-01")), None),
            ("asked today", reach(None, 7, 90), Some(("2026-11-20", "2026-11-20")), None),
        ] {
            let range = |(from, to)| DateRange::new(day(from), day(to)).unwrap();
            let found = match asked {
                None => reach.ordinary(),
                Some(asked) => reach.recollect(range(asked)),
            };
            assert_eq!(found, expected.map(range), "{what}");
        }
    }
}
