//! Date windows: what a datetime cursor still has to read, cut into pieces (connector-format.md, 9.1 to 9.3).
//!
//! The arithmetic is the reference's, oddities included (with step = granularity = P1D the last window holds two days when the
//! end falls on a step boundary), because a window that differs is a request that differs.

use crate::json::Json;
use crate::{
    components::{Clamping, Cursor, MinMax, Text},
    datetime::{self, IsoDuration, Moment},
    template::{Scope, TemplateError},
};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

/// A piece of time that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// From here.
    pub start: DateTime<Utc>,
    /// To here.
    pub end: DateTime<Utc>,
}

/// A cursor with its settings evaluated.
#[derive(Debug, Clone)]
pub struct Plan {
    formats: Vec<String>,
    format: String,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    step: Option<IsoDuration>,
    granularity: Option<IsoDuration>,
    lookback: IsoDuration,
    strict: bool,
    clamping: Option<Clamping>,
}

/// A setting of a cursor cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// A template failed.
    #[error("{field}: {error}")]
    Template {
        /// The field.
        field: &'static str,
        /// Why.
        error: TemplateError,
    },
    /// A date or duration cannot be read.
    #[error("{field}: {error}")]
    Date {
        /// The field.
        field: &'static str,
        /// Why.
        error: datetime::DateError,
    },
}

fn text(field: &'static str, text: &Text, scope: &Scope<'_>) -> Result<String, WindowError> {
    text.text(scope).map_err(|error| WindowError::Template { field, error })
}

fn date(field: &'static str, text: &str, format: &str) -> Result<DateTime<Utc>, WindowError> {
    datetime::parse(text, format).map(Moment::instant).map_err(|error| WindowError::Date { field, error })
}

fn span(field: &'static str, value: Option<&Text>, scope: &Scope<'_>) -> Result<Option<IsoDuration>, WindowError> {
    let Some(value) = value else { return Ok(None) };
    let value = text(field, value, scope)?;
    if value.is_empty() {
        return Ok(None);
    }
    IsoDuration::parse(&value).map(Some).map_err(|error| WindowError::Date { field, error })
}

fn min_max(field: &'static str, value: &MinMax, format: &str, scope: &Scope<'_>) -> Result<DateTime<Utc>, WindowError> {
    let format = value.format.as_deref().unwrap_or(format);
    let mut at = date(field, &text(field, &value.value, scope)?, format)?;
    for (bound, lower) in [(&value.min, true), (&value.max, false)] {
        let Some(bound) = bound else { continue };
        let bound = text(field, bound, scope)?;
        if !bound.is_empty() {
            let bound = date(field, &bound, format)?;
            at = if lower { at.max(bound) } else { at.min(bound) };
        }
    }
    Ok(at)
}

impl Plan {
    /// Evaluates a cursor's settings.
    pub fn new(cursor: &Cursor, scope: &Scope<'_>, now: DateTime<Utc>) -> Result<Self, WindowError> {
        let start = min_max("start_datetime", &cursor.start, &cursor.format, scope)?;
        let end = match &cursor.end {
            None => now,
            Some(end) => min_max("end_datetime", end, &cursor.format, scope)?,
        };
        Self::between(cursor, scope, start, end)
    }

    /// The same with start and end given by the caller.
    pub fn between(
        cursor: &Cursor,
        scope: &Scope<'_>,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> Result<Self, WindowError> {
        let mut formats = cursor.formats.clone();
        formats.push(cursor.format.clone());
        Ok(Self {
            formats,
            format: cursor.format.clone(),
            start,
            end,
            step: span("step", cursor.step.as_ref(), scope)?,
            granularity: span("cursor_granularity", cursor.granularity.as_ref(), scope)?,
            lookback: span("lookback_window", cursor.lookback.as_ref(), scope)?.unwrap_or_default(),
            strict: cursor.strict,
            clamping: cursor.clamping,
        })
    }

    /// Reads a record's or state's value in the accepted formats, in order.
    pub fn read(&self, value: &Json) -> Option<DateTime<Utc>> {
        let text = match value {
            Json::String(text) => text.to_string(),
            Json::Number(number) => number.to_string(),
            _ => return None,
        };
        self.formats.iter().find_map(|format| datetime::parse(&text, format).ok()).map(Moment::instant)
    }

    /// Writes an instant as requests and states want it.
    pub fn write(&self, at: DateTime<Utc>) -> String {
        datetime::format(Moment::utc(at), &self.format)
    }

    /// What was read according to a state: flat (`{cursor_field: value}`) or as intervals. `None`: the state cannot be read.
    pub fn intervals(&self, state: Option<&Json>, field: &str) -> Option<Vec<Interval>> {
        let nothing = vec![Interval { start: self.start, end: self.start }];
        let Some(state) = state else { return Some(nothing) };
        if state.get("state_type").is_some_and(|kind| kind == "date-range") {
            let mut intervals = Vec::new();
            for slice in state.get("slices")?.as_array()? {
                intervals.push(Interval { start: self.read(slice.get("start")?)?, end: self.read(slice.get("end")?)? });
            }
            return Some(if intervals.is_empty() { nothing } else { intervals });
        }
        match state.get(field) {
            None => Some(nothing),
            Some(value) => Some(vec![Interval { start: self.start, end: self.read(value)?.max(self.start) }]),
        }
    }

    /// The windows still to read, oldest first.
    pub fn windows(&self, intervals: &[Interval]) -> Vec<Interval> {
        let mut windows = Vec::new();
        let end = self.floor_end();
        if let Some(first) = intervals.first()
            && self.start < first.start
        {
            self.split(self.start, first.start, end, false, &mut windows);
        }
        for pair in intervals.windows(2) {
            let from = self.granularity.and_then(|by| moved(pair[0].end, by)).unwrap_or(pair[0].end);
            self.split(from, pair[1].start, end, false, &mut windows);
        }
        if let Some(last) = intervals.last() {
            let from = moved(last.end, self.lookback.negated()).unwrap_or(self.start);
            self.split(from, end, end, true, &mut windows);
        }
        windows
    }

    fn split(&self, lo: DateTime<Utc>, hi: DateTime<Utc>, end: DateTime<Utc>, last: bool, windows: &mut Vec<Interval>) {
        if lo > hi || (lo == hi && self.granularity.is_none()) || hi < self.start {
            return;
        }
        let lo = self.clamp(lo.max(self.start));
        if lo > hi || (lo == hi && (self.strict || !last)) {
            return;
        }
        let minus_granularity = |at: DateTime<Utc>| match self.granularity {
            Some(by) => moved(at, by.negated()).unwrap_or(at),
            None => at,
        };
        let Some(step) = self.step.filter(|step| moved(lo, *step).is_some_and(|next| next < hi)) else {
            let hi = if self.granularity.is_none() && hi != end { self.clamp(hi) } else { hi };
            windows.push(Interval { start: lo, end: if last { hi } else { minus_granularity(hi) } });
            return;
        };
        let mut cur = lo;
        loop {
            let Some(up) = moved(cur, step).map(|up| up.min(hi)) else { return };
            let clamped_up = if up == hi { up } else { self.clamp(up) };
            let done = up >= hi || clamped_up == hi;
            let clamped_cur = self.clamp(cur);
            if clamped_cur >= clamped_up {
                return;
            }
            let keep_end = self.granularity.is_none() || (last && done);
            windows.push(Interval {
                start: clamped_cur,
                end: if keep_end { clamped_up } else { minus_granularity(clamped_up) },
            });
            cur = clamped_up;
            // A step of nothing would never end.
            if done || step.is_zero() {
                return;
            }
        }
    }

    /// Up to the next beginning of a period.
    fn clamp(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let Some(clamping) = self.clamping else { return at };
        let date = at.date_naive();
        let day = if at.time() == NaiveTime::MIN { date } else { date.checked_add_days(Days::new(1)).unwrap_or(date) };
        let day = match clamping {
            Clamping::Day => day,
            Clamping::Week(first) => {
                let ahead = (7 + first - day.weekday().num_days_from_monday()) % 7;
                day.checked_add_days(Days::new(u64::from(ahead))).unwrap_or(day)
            }
            Clamping::Month if day.day() == 1 => day,
            Clamping::Month => next_month(day),
        };
        day.and_time(NaiveTime::MIN).and_utc()
    }

    /// The end, rounded down to the period before the one it lies in.
    fn floor_end(&self) -> DateTime<Utc> {
        let Some(clamping) = self.clamping else { return self.end };
        let date = self.end.date_naive();
        let (first, default) = match clamping {
            Clamping::Day => (date, TimeDelta::seconds(1)),
            Clamping::Week(weekday) => {
                let back = (7 + date.weekday().num_days_from_monday() - weekday) % 7;
                (date.checked_sub_days(Days::new(u64::from(back))).unwrap_or(date), TimeDelta::days(1))
            }
            Clamping::Month => (date.with_day(1).unwrap_or(date), TimeDelta::days(1)),
        };
        let by = self.granularity.unwrap_or(IsoDuration { months: 0, exact: default });
        let first = first.and_time(NaiveTime::MIN).and_utc();
        moved(first, by.negated()).unwrap_or(first)
    }
}

fn moved(at: DateTime<Utc>, by: IsoDuration) -> Option<DateTime<Utc>> {
    by.add_to(Moment::utc(at)).map(Moment::instant)
}

fn next_month(day: NaiveDate) -> NaiveDate {
    let first = day.with_day(1).unwrap_or(day);
    first.checked_add_months(chrono::Months::new(1)).unwrap_or(first)
}
