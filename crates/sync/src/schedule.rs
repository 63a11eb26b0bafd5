//! When it is a connection's turn. Pure: a schedule, a zone and an instant go in, an instant comes out.
//!
//! Every connection gets a little time of its own after the moment its schedule names, always the same: fifty clients at six o'clock
//! would otherwise meet at the platform's door, and a platform sees an agency as one caller.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use croner::{Cron, parser::CronParser};
use model::{
    failure::{Code, Failure, FailureKind},
    id::ConnectionId,
    schedule::{Schedule, Weekday},
};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

/// No schedule may come more often: platforms count requests, and their numbers do not move faster.
const SHORTEST: TimeDelta = TimeDelta::minutes(15);

/// The pauses after the first, second, ... failed attempt that time alone may heal, in minutes. The last one stays.
const PAUSES: [i64; 6] = [5, 15, 30, 60, 120, 240];
/// How soon an offline computer looks whether it is online again.
const OFFLINE_PAUSE: TimeDelta = TimeDelta::minutes(2);
/// The pause after a failure of this computer that a person may mend at any moment: a full disk, a locked keychain.
const HOUSE_PAUSE: TimeDelta = TimeDelta::minutes(15);
/// A moment that a platform named and that is over by now is not asked again at once.
const SHORTEST_PARK: TimeDelta = TimeDelta::minutes(1);
/// Within which the connections of an account go on one after the other when its quota is free again.
const PARK_SPREAD: TimeDelta = TimeDelta::minutes(5);
/// A run never goes on at the very moment its platform named: what is kept is cut to milliseconds, and whoever comes a fraction of one
/// too early is sent away again.
const AFTER_QUOTA: TimeDelta = TimeDelta::seconds(1);
/// From the moment at which a quota is free to a turn that it is left to.
const NIGHT: TimeDelta = TimeDelta::hours(12);

/// Whether a schedule can be kept; the failure names the field.
pub fn check(schedule: &Schedule) -> Result<(), Failure> {
    let wrong = |why: &str| Failure::new(Code::SettingInvalid).with("field", "schedule").detail(why);
    match schedule {
        Schedule::Hourly { every } if [1, 2, 3, 4, 6, 8, 12].contains(every) => Ok(()),
        Schedule::Hourly { .. } => Err(wrong("hours that do not divide a day")),
        Schedule::Daily { days, .. } if days.is_empty() => Err(wrong("no day of the week")),
        Schedule::Off | Schedule::Daily { .. } => Ok(()),
        Schedule::Cron { expression } => {
            let cron = parsed(expression).map_err(|why| wrong(&why))?;
            // Two hundred starts show every rhythm of minutes and hours; the year is fixed so that the answer is, too.
            let mut before = None;
            for at in cron.iter_after(DateTime::<Utc>::UNIX_EPOCH).take(200) {
                if before.is_some_and(|before| at - before < SHORTEST) {
                    return Err(wrong("more often than every 15 minutes"));
                }
                before = Some(at);
            }
            if before.is_none() { Err(wrong("it never comes")) } else { Ok(()) }
        }
    }
}

/// Expressions that were read before. Reading one costs more than asking it for its next moment, and the scheduler asks for every
/// connection several times a minute, nearly all with the same few expressions.
static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Cron>>>> = LazyLock::new(Mutex::default);
/// More than this many different ones are forgotten and read anew.
const MOST_KNOWN: usize = 200;

fn parsed(expression: &str) -> Result<Arc<Cron>, String> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(cron) = known.get(expression) {
        return Ok(Arc::clone(cron));
    }
    let cron = Arc::new(read(expression)?);
    if known.len() >= MOST_KNOWN {
        known.clear();
    }
    known.insert(expression.to_owned(), Arc::clone(&cron));
    Ok(cron)
}

fn read(expression: &str) -> Result<Cron, String> {
    // Seconds and years are left to programs that need them.
    if expression.split_whitespace().count() != 5 {
        return Err("five fields are wanted: minute, hour, day, month, day of the week".to_owned());
    }
    CronParser::new().parse(expression).map_err(|error| error.to_string())
}

/// The first start after an instant; `None` for a schedule that is off, or that cannot be kept.
pub fn next(schedule: &Schedule, time_zone: &str, id: ConnectionId, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (expression, spread) = match schedule {
        Schedule::Off => return None,
        Schedule::Hourly { every } => (format!("0 */{every} * * *"), TimeDelta::minutes(5)),
        Schedule::Daily { at, days } => {
            let days: Vec<&str> = days.iter().copied().map(Weekday::as_str).collect();
            (format!("{} {} * * {}", at.minute(), at.hour(), days.join(",")), TimeDelta::minutes(10))
        }
        Schedule::Cron { expression } => (expression.clone(), TimeDelta::minutes(2)),
    };
    let cron = parsed(&expression).ok()?;
    let zone: chrono_tz::Tz = time_zone.parse().unwrap_or(chrono_tz::UTC);
    let own = own_share(id, spread);
    // The moment that the schedule names may lie before `after` and the connection's own start behind it.
    let named = cron.find_next_occurrence(&(after - own).with_timezone(&zone), false).ok()?;
    Some(named.to_utc() + own)
}

/// The last start at or before an instant; `None` for a schedule that is off, that cannot be kept, or that came longer than a year ago.
/// It is looked for forwards from some time before, so that it is a start that [`next`] has named, also in nights that have an hour twice.
pub fn last(schedule: &Schedule, time_zone: &str, id: ConnectionId, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let starts = |from: DateTime<Utc>| {
        let after = |at: &DateTime<Utc>| next(schedule, time_zone, id, *at);
        std::iter::successors(after(&from), after).take_while(|at| *at <= until)
    };
    [2, 26, 8 * 24, 63 * 24, 400 * 24].into_iter().find_map(|hours| starts(until - TimeDelta::hours(hours)).last())
}

/// The connection's own share of a stretch of time, spread evenly over connections and always the same for one.
fn own_share(id: ConnectionId, spread: TimeDelta) -> TimeDelta {
    // The end of an id is random.
    let chance = id.as_bytes().iter().rev().take(4).fold(0_i64, |all, byte| (all << 8) | i64::from(*byte));
    TimeDelta::seconds(chance % spread.num_seconds().max(1))
}

/// When a run goes on that its platform's quota has stopped: at the moment that the platform named, and each connection a little later by
/// a time of its own, as its schedule is. A long run that would take the night's fresh quota away from the turn of the morning (`turn`)
/// goes on after it.
pub fn goes_on_at(quota: &Failure, id: ConnectionId, turn: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
    let allowed = quota.retry_at.unwrap_or(now + HOUSE_PAUSE).max(now + SHORTEST_PARK);
    let before = turn.filter(|turn| *turn > allowed && *turn - allowed <= NIGHT);
    before.unwrap_or(allowed) + AFTER_QUOTA + own_share(id, PARK_SPREAD)
}

/// What an ended attempt means for the next one: failed attempts in a row, and when to try again before the schedule does.
pub fn after_attempt(failures: u32, ended: Result<(), &Failure>, now: DateTime<Utc>) -> (u32, Option<DateTime<Utc>>) {
    let Err(failure) = ended else { return (0, None) };
    let counted = failures.saturating_add(1);
    match failure.kind() {
        // A laptop without a network says nothing about the platform.
        FailureKind::Retry if failure.code == Code::Offline => (failures, Some(now + OFFLINE_PAUSE)),
        FailureKind::Retry => {
            let at = usize::try_from(failures).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
            (counted, Some(now + TimeDelta::minutes(PAUSES[at])))
        }
        FailureKind::FixSettings
            if matches!(failure.code, Code::DiskFull | Code::KeychainLocked | Code::KeychainDenied) =>
        {
            (counted, Some(now + HOUSE_PAUSE))
        }
        FailureKind::SignInAgain | FailureKind::FixSettings | FailureKind::VendorChanged | FailureKind::OurFault => {
            (counted, None)
        }
        // Whoever stopped it knows why, and nothing was learned. What waits for a quota has not ended: it is parked.
        FailureKind::Cancelled | FailureKind::WaitUntil => (failures, None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use chrono::NaiveTime;

    fn daily(at: &str, days: &[Weekday]) -> Schedule {
        Schedule::Daily { at: NaiveTime::parse_from_str(at, "%H:%M").unwrap(), days: days.to_vec() }
    }
    fn cron(expression: &str) -> Schedule {
        Schedule::Cron { expression: expression.to_owned() }
    }
    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn the_next_start_in_the_clients_zone() {
        let id: ConnectionId = "0190a5b0-0000-7000-8000-000000000000".parse().unwrap();
        assert_eq!(
            own_share(id, TimeDelta::minutes(10)),
            TimeDelta::zero(),
            "this one has no share, so the table reads plainly"
        );
        let all = Weekday::ALL;
        for (schedule, zone, after, expected) in [
            (daily("06:00", all), "Europe/Moscow", "2026-11-21T02:59:00Z", "2026-11-21T03:00:00Z"),
            (daily("06:00", all), "Europe/Moscow", "2026-11-21T03:00:00Z", "2026-11-22T03:00:00Z"),
            (daily("00:30", all), "Asia/Vladivostok", "2026-11-21T10:00:00Z", "2026-11-21T14:30:00Z"),
            // 21 November 2026 is a Saturday.
            (daily("06:00", &[Weekday::Monday]), "UTC", "2026-11-21T12:00:00Z", "2026-11-23T06:00:00Z"),
            (daily("06:00", &[Weekday::Sunday]), "UTC", "2026-11-21T12:00:00Z", "2026-11-22T06:00:00Z"),
            // The night of 29 March 2026 has no 02:30 in Berlin, that of 25 October has two; each day has one start.
            (daily("02:30", all), "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
            (daily("02:30", all), "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"),
            (daily("02:30", all), "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
            (daily("02:30", all), "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
            (Schedule::Hourly { every: 1 }, "UTC", "2026-11-21T12:00:01Z", "2026-11-21T13:00:00Z"),
            (Schedule::Hourly { every: 6 }, "Europe/Moscow", "2026-11-21T12:00:00Z", "2026-11-21T15:00:00Z"),
            (cron("15 7 1 * *"), "UTC", "2026-11-21T12:00:00Z", "2026-12-01T07:15:00Z"),
            (cron("*/15 9-18 * * mon-fri"), "UTC", "2026-11-21T12:00:00Z", "2026-11-23T09:00:00Z"),
            (daily("06:00", all), "Nowhere/At_All", "2026-11-21T12:00:00Z", "2026-11-22T06:00:00Z"),
        ] {
            assert_eq!(next(&schedule, zone, id, at(after)), Some(at(expected)), "{schedule:?} {zone} after {after}");
            // The start that came is the last one from its moment on, until the next one.
            assert_eq!(last(&schedule, zone, id, at(expected)), Some(at(expected)), "{schedule:?} {zone}");
            assert!(
                last(&schedule, zone, id, at(expected) - TimeDelta::seconds(1)).unwrap() <= at(after),
                "{schedule:?} {zone}"
            );
        }
        assert_eq!(next(&Schedule::Off, "UTC", id, at("2026-11-21T12:00:00Z")), None);
    }

    #[test]
    fn fifty_clients_do_not_meet_at_the_door_and_each_comes_every_day() {
        let schedule = Schedule::default();
        let mut starts = std::collections::BTreeSet::new();
        for _ in 0..50 {
            let id = ConnectionId::new();
            let (mut now, mut days) = (at("2026-11-20T12:00:00Z"), Vec::new());
            for _ in 0..3 {
                now = next(&schedule, "UTC", id, now).unwrap();
                let named = now.date_naive().and_hms_opt(6, 0, 0).unwrap().and_utc();
                assert!((TimeDelta::zero()..TimeDelta::minutes(10)).contains(&(now - named)), "{now}");
                days.push(now.date_naive().to_string());
            }
            assert_eq!(days, ["2026-11-21", "2026-11-22", "2026-11-23"]);
            starts.insert(now);
        }
        assert!(starts.len() > 30, "only {} different moments", starts.len());
    }

    #[test]
    fn schedules_that_cannot_be_kept_are_refused() {
        for (schedule, good) in [
            (Schedule::Off, true),
            (Schedule::default(), true),
            (daily("06:00", &[]), false),
            (Schedule::Hourly { every: 8 }, true),
            (Schedule::Hourly { every: 5 }, false),
            (Schedule::Hourly { every: 0 }, false),
            (cron("0 6 * * 1-5"), true),
            (cron("*/15 * * * *"), true),
            (cron("*/10 * * * *"), false),
            (cron("0,5 6 * * *"), false),
            (cron("* * * * *"), false),
            (cron("0 6 30 2 *"), false),
            (cron("0 0 6 * * *"), false),
            (cron("six in the morning"), false),
            (cron("61 6 * * *"), false),
            (cron(""), false),
        ] {
            assert_eq!(check(&schedule).is_ok(), good, "{schedule:?}");
        }
    }

    #[test]
    fn after_an_attempt() {
        let now = at("2026-11-21T12:00:00Z");
        let in_minutes = |minutes| Some(now + TimeDelta::minutes(minutes));
        let failed = |code| Err(Failure::new(code));
        for (what, before, ended, failures, retry) in [
            ("well", 4, Ok(()), 0, None),
            ("down for the first time", 0, failed(Code::PlatformDown), 1, in_minutes(5)),
            ("down for the third time", 2, failed(Code::Timeout), 3, in_minutes(30)),
            ("down for days", 40, failed(Code::PlatformDown), 41, in_minutes(240)),
            ("the laptop is offline", 1, failed(Code::Offline), 1, in_minutes(2)),
            ("disk full", 0, failed(Code::DiskFull), 1, in_minutes(15)),
            ("keychain locked", 0, failed(Code::KeychainLocked), 1, in_minutes(15)),
            ("signed out", 0, failed(Code::SignInRevoked), 1, None),
            ("no rights", 0, failed(Code::PermissionDenied), 1, None),
            ("not JSON", 2, failed(Code::NotJson), 3, None),
            ("stopped", 2, failed(Code::Cancelled), 2, None),
        ] {
            assert_eq!(after_attempt(before, ended.as_ref().copied(), now), (failures, retry), "{what}");
        }
    }

    #[test]
    fn after_a_quota_connections_go_on_one_after_the_other() {
        let now = at("2026-11-21T12:00:00Z");
        let midnight = at("2026-11-21T21:00:00Z");
        let quota = |until: Option<DateTime<Utc>>| {
            let failure = Failure::new(Code::QuotaWait);
            until.map_or(failure.clone(), |until| failure.until(until))
        };
        let (noon, morning) = (at("2026-11-21T09:00:00Z"), at("2026-11-22T03:04:00Z"));
        for (what, until, turn, from) in [
            ("at midnight", Some(midnight), None, midnight),
            ("nobody knows when", None, None, now + HOUSE_PAUSE),
            ("over already", Some(now - TimeDelta::hours(1)), None, now + SHORTEST_PARK),
            ("the morning's turn goes before it", Some(midnight), Some(morning), morning),
            ("a turn that comes while it waits", Some(midnight), Some(noon), midnight),
            ("a turn next week", Some(midnight), Some(morning + TimeDelta::days(6)), midnight),
        ] {
            let moments: std::collections::BTreeSet<DateTime<Utc>> =
                (0..2_000).map(|_| goes_on_at(&quota(until), ConnectionId::new(), turn, now)).collect();
            assert!(moments.iter().all(|at| *at > from && *at <= from + PARK_SPREAD), "{what}: {moments:?}");
            assert!(moments.len() > 30, "{what}: only {} different moments", moments.len());
        }
    }
}
