//! The simulated present: which day it is for the data, and what time it is for limits and tokens.
//!
//! The two are kept apart on purpose. The day changes only when the scenario says so, otherwise a test that runs across
//! midnight would see its truth move. The time of day is the real one, because a client that waits for the next calendar
//! hour reads its own watch; a test that must not wait switches to manual time and turns the hands itself, or lets the simulator
//! read the client's watch: then days, limits and tokens of a whole month pass with it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use chrono::{DateTime, Duration, FixedOffset, NaiveDate, NaiveDateTime, Utc};

/// Moscow has kept UTC+3 without summer time since 2014, so a fixed offset is exact for all dates simulated here.
const MOSCOW_OFFSET_SECS: i32 = 3 * 3600;

/// Somebody else's watch.
#[derive(Clone)]
pub struct Watch(pub Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// How time passes.
#[derive(Debug, Clone, Default)]
pub enum TimeFlow {
    /// As in reality.
    #[default]
    Real,
    /// Only when told to; for tests of windows and expiry.
    Manual,
    /// As on this watch, the date of the data too.
    Led(Watch),
}

/// The clock of one simulator.
#[derive(Debug)]
pub struct Calendar {
    fixed_today: Option<NaiveDate>,
    started: Instant,
    started_at: NaiveDateTime,
    flow: TimeFlow,
    shift_ms: AtomicI64,
    shift_days: AtomicI64,
}

impl Calendar {
    /// A clock showing `today` at the current time of day; without `today`, the real date in Moscow.
    pub fn new(today: Option<NaiveDate>, flow: TimeFlow) -> Self {
        let real = moscow_now();
        let started_at = today.map_or(real, |day| day.and_time(real.time()));
        Self {
            fixed_today: today,
            started: Instant::now(),
            started_at,
            flow,
            shift_ms: AtomicI64::new(0),
            shift_days: AtomicI64::new(0),
        }
    }

    /// The calendar date of the data, in Moscow.
    pub fn today(&self) -> NaiveDate {
        let base = match (&self.flow, self.fixed_today) {
            (TimeFlow::Led(watch), _) => in_moscow((watch.0)()).date(),
            (_, Some(day)) => day,
            (TimeFlow::Real, None) => moscow_now().date(),
            (TimeFlow::Manual, None) => self.started_at.date(),
        };
        base + Duration::days(self.shift_days.load(Ordering::SeqCst))
    }

    /// The simulated moment in Moscow, to the millisecond; what limit windows and token lives are measured with.
    pub fn now(&self) -> NaiveDateTime {
        let told = match &self.flow {
            TimeFlow::Real => {
                self.started_at + Duration::from_std(self.started.elapsed()).unwrap_or_else(|_| Duration::zero())
            }
            TimeFlow::Manual => self.started_at,
            TimeFlow::Led(watch) => in_moscow((watch.0)()),
        };
        told + Duration::milliseconds(self.shift_ms.load(Ordering::SeqCst))
            + Duration::days(self.shift_days.load(Ordering::SeqCst))
    }

    /// The simulated moment.
    pub fn now_utc(&self) -> DateTime<Utc> {
        (self.now() - Duration::seconds(i64::from(MOSCOW_OFFSET_SECS))).and_utc()
    }

    /// Seconds since an arbitrary fixed point, for calendar windows and expiry.
    pub fn now_secs(&self) -> i64 {
        self.now().and_utc().timestamp()
    }

    /// Moves the date (and with it the time) forward: late conversions ripen, corrections settle, tokens age.
    pub fn advance_days(&self, days: u32) {
        self.shift_days.fetch_add(i64::from(days), Ordering::SeqCst);
    }

    /// Moves only the time forward; the data stay on the same day.
    pub fn advance_seconds(&self, seconds: u32) {
        self.shift_ms.fetch_add(i64::from(seconds) * 1000, Ordering::SeqCst);
    }
}

/// The real date and time in Moscow.
fn moscow_now() -> NaiveDateTime {
    in_moscow(Utc::now())
}

fn in_moscow(at: DateTime<Utc>) -> NaiveDateTime {
    FixedOffset::east_opt(MOSCOW_OFFSET_SECS).map_or(at.naive_utc(), |zone| at.with_timezone(&zone).naive_local())
}

/// The real calendar date in Moscow, where the simulated vendors keep their days.
pub fn moscow_today() -> NaiveDate {
    moscow_now().date()
}
