//! What a run will take, before it is started. Learned from the slices that were read before, of this connection where there are any and
//! otherwise of its system; what was never read is unknown, and then no number is told. Pure: slices and efforts go in, an estimate comes out.

use chrono::{DateTime, TimeDelta, Utc};
use kit::budget::WindowSnapshot;
use store::slices::{NewSlice, SliceEffort};

/// Windows of a quota shorter than this are part of how long slices take.
const SHORTEST_SECS: i64 = 60;
/// Slices that were read before, at most, from which one stream's effort is learned: the newest.
const LEARNED: usize = 50;

/// What a run will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// Slices.
    pub slices: u32,
    /// Requests, if they can be known.
    pub requests: Option<u64>,
    /// Milliseconds of reading, without waiting for a quota, if they can be known.
    pub millis: Option<u64>,
    /// Where the quota stops it on the way, if it does.
    pub pause: Option<Pause>,
}

/// A quota that is used up before the run is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// When it is used up, about.
    pub at: DateTime<Utc>,
    /// When it is free again, and the run goes on.
    pub until: DateTime<Utc>,
}

/// Estimates a run over these slices that would start now. `windows` are those of the account's quota.
pub fn estimate(
    slices: &[NewSlice],
    efforts: &[SliceEffort],
    windows: &[WindowSnapshot],
    now: DateTime<Utc>,
) -> Estimate {
    let mut sums = Some((0_u64, 0_u64));
    for slice in slices {
        let learned = learned(&slice.stream, efforts);
        sums = sums.zip(learned).map(|(sum, one)| (sum.0 + one.0, sum.1 + one.1));
    }
    let (requests, millis) = sums.unzip();
    let pause = sums.and_then(|(requests, millis)| {
        let kept = windows.iter().filter(|window| window.period_secs >= SHORTEST_SECS);
        kept.filter_map(|window| pause(window, requests, millis, now)).max_by_key(|pause| pause.until)
    });
    Estimate { slices: u32::try_from(slices.len()).unwrap_or(u32::MAX), requests, millis, pause }
}

/// Requests and milliseconds of the middle slice of a stream. The middle and not the mean: one slice that waited for a quota over night
/// says nothing about the next.
fn learned(stream: &str, efforts: &[SliceEffort]) -> Option<(u64, u64)> {
    let of_stream = || efforts.iter().filter(|effort| effort.stream == stream);
    let own = of_stream().any(|effort| effort.own);
    let known: Vec<_> = of_stream().filter(|effort| effort.own == own).take(LEARNED).collect();
    let middle = |of: fn(&SliceEffort) -> u64| {
        let mut all: Vec<u64> = known.iter().map(|effort| of(effort)).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    };
    middle(|effort| effort.requests).zip(middle(|effort| effort.millis))
}

fn pause(window: &WindowSnapshot, requests: u64, millis: u64, now: DateTime<Utc>) -> Option<Pause> {
    let period = TimeDelta::seconds(window.period_secs);
    // What has ended meanwhile is free.
    let (left, ends) = if window.ends > now {
        (window.limit.saturating_sub(window.used), window.ends)
    } else {
        (window.limit, now + period)
    };
    let end = now + TimeDelta::milliseconds(i64::try_from(millis).ok()?);
    // A quota that is free again before the rest of it is used up stops nobody.
    let at = now
        + TimeDelta::milliseconds(
            i64::try_from(u128::from(millis) * u128::from(left) / u128::from(requests.max(1))).ok()?,
        );
    (requests > left && at < ends && at < end).then_some(Pause { at, until: ends })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use model::ad::Level;
    use store::slices::Part;

    fn effort(stream: &str, own: bool, requests: u64, millis: u64) -> SliceEffort {
        SliceEffort { stream: stream.to_owned(), own, requests, millis }
    }

    #[test]
    fn what_is_known_is_told_and_nothing_else() {
        let slices = |streams: &[&str]| -> Vec<NewSlice> {
            let slice = |stream: &&str| NewSlice {
                stream: (*stream).to_owned(),
                level: Level::Ad,
                window: None,
                part: Part::Whole,
            };
            streams.iter().map(slice).collect()
        };
        let efforts = [
            effort("ads", true, 2, 1_000),
            effort("ads", true, 4, 3_000),
            effort("ads", true, 3, 86_400_000),
            effort("ads", false, 900, 900_000),
            effort("groups", false, 10, 5_000),
        ];
        let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(11);
        for (what, streams, expected) in [
            ("nothing to read", vec![], (Some(0), Some(0))),
            ("of the connection, and the middle", vec!["ads", "ads"], (Some(6), Some(6_000))),
            ("of the system where the connection has none", vec!["ads", "groups"], (Some(13), Some(8_000))),
            ("one that was never read makes the whole unknown", vec!["ads", "leads"], (None, None)),
        ] {
            let found = estimate(&slices(&streams), &efforts, &[], now);
            assert_eq!((found.requests, found.millis), expected, "{what}");
            assert_eq!(found.slices as usize, streams.len(), "{what}");
        }

        let window = |period_secs, limit, used, ends_in_min| WindowSnapshot {
            scope: String::new(),
            period_secs,
            limit,
            used,
            started: now - TimeDelta::hours(1),
            ends: now + TimeDelta::minutes(ends_in_min),
        };
        // Ten slices of groups: a hundred requests in fifty seconds.
        let groups = slices(&["groups"; 10]);
        for (what, windows, expected) in [
            ("enough is left", vec![window(86_400, 1_000, 900, 60)], None),
            ("half is left", vec![window(86_400, 1_000, 950, 60)], Some((25, 60))),
            ("nothing is left", vec![window(86_400, 1_000, 1_000, 780)], Some((0, 780))),
            ("a window that has ended", vec![window(86_400, 1_000, 1_000, -5)], None),
            ("the longest wait counts", vec![window(3_600, 50, 0, 20), window(86_400, 60, 0, 780)], Some((30, 780))),
            ("seconds are part of the time", vec![window(1, 1, 0, 1)], None),
            ("nothing is known of a quota", vec![], None),
        ] {
            let found = estimate(&groups, &efforts, &windows, now).pause;
            let expected = expected.map(|(secs, minutes)| Pause {
                at: now + TimeDelta::seconds(secs),
                until: now + TimeDelta::minutes(minutes),
            });
            assert_eq!(found, expected, "{what}");
        }
    }
}
