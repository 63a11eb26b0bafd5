//! Date windows: what a datetime cursor still has to read, cut into pieces, and what it has read (connector-format.md, 9.1 to
//! 9.3).
//!
//! The arithmetic is the reference's, oddities included (with step = granularity = P1D the last window holds two days when the
//! end falls on a step boundary), because a window that differs is a request that differs.

use crate::json::{Json, Map};
use crate::{
    components::{Clamping, Cursor, MinMax, Text},
    datetime::{self, IsoDuration, Moment},
    template::{Scope, TemplateError},
};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use std::ops::RangeInclusive;

/// A piece of time that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// From here.
    pub start: DateTime<Utc>,
    /// To here.
    pub end: DateTime<Utc>,
    /// The greatest value that records of it had.
    pub recent: Option<DateTime<Utc>>,
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
    // A span of nothing counts as none, as in the reference: with `cursor_granularity: PT0S` a window may not be empty.
    let parsed = IsoDuration::parse(&value).map_err(|error| WindowError::Date { field, error })?;
    Ok(Some(parsed).filter(|span| !span.is_zero()))
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

/// The days that a cursor looks back on every sync, begun ones whole; `None` where it does not, or does not say it in this scope.
pub fn lookback_days(cursor: &Cursor, scope: &Scope<'_>) -> Option<u32> {
    let back = span("lookback_window", cursor.lookback.as_ref(), scope).ok().flatten()?;
    let days = back.months.checked_mul(31)?.checked_add((back.exact.num_seconds() + 86_399) / 86_400)?;
    u32::try_from(days).ok()
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

    /// The distance between the end of a window and the start of the next.
    pub fn granularity(&self) -> Option<IsoDuration> {
        self.granularity
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
            windows.push(Interval { start: lo, end: if last { hi } else { minus_granularity(hi) }, recent: None });
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
                recent: None,
            });
            cur = clamped_up;
            // A step of nothing would never end.
            if done || step.is_zero() {
                return;
            }
        }
    }

    /// The start of everything, as configured.
    pub fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// What a filter on our side keeps, given where the cursor stands: from then, less the lookback but never before the
    /// configured start, up to the end of the last window.
    pub fn kept(&self, since: DateTime<Utc>) -> RangeInclusive<DateTime<Utc>> {
        let from = if self.lookback.is_zero() {
            since
        } else {
            moved(since, self.lookback.negated()).unwrap_or(self.start).max(since.min(self.start))
        };
        from..=self.floor_end()
    }

    /// Sorts intervals and joins those that touch: the next begins at most one unit after the end of the one before.
    fn merge(&self, intervals: &mut Vec<Interval>) {
        let unit = self.granularity.unwrap_or(IsoDuration { months: 0, exact: TimeDelta::milliseconds(1) });
        intervals.sort_by_key(|interval| (interval.start, interval.end));
        let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
        for interval in intervals.drain(..) {
            match merged.last_mut() {
                Some(last) if moved(last.end, unit).is_none_or(|next| next >= interval.start) => {
                    last.end = last.end.max(interval.end);
                    last.recent = last.recent.max(interval.recent);
                }
                _ => merged.push(interval),
            }
        }
        *intervals = merged;
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

/// How far one cursor has come: what was read as intervals, and how a state says it (connector-format.md, 9.3).
///
/// The written state is flat, as the format wants it: the greatest value of the first interval. What lies behind a gap is read
/// again by whoever continues from it; within a run the gaps are known.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    intervals: Vec<Interval>,
    since: DateTime<Utc>,
    /// Other keys of the state it began with.
    kept: Map,
}

impl Progress {
    /// From a state, flat (`{field: value}`) or as intervals; nothing read yet without one. `None`: it cannot be read.
    pub fn new(plan: &Plan, state: Option<&Json>, field: &str) -> Option<Self> {
        let start = plan.start;
        let since_then = |since: DateTime<Utc>, kept| Self {
            intervals: vec![Interval { start, end: since, recent: Some(since) }],
            since,
            kept,
        };
        let Some(state) = state.and_then(Json::as_object) else { return Some(since_then(start, Map::new())) };
        if state.get("state_type").is_some_and(|kind| kind == "date-range") {
            let mut intervals = Vec::new();
            for slice in state.get("slices")?.as_array()? {
                let recent = slice.get("most_recent_cursor_value").filter(|value| !value.is_null());
                intervals.push(Interval {
                    start: plan.read(slice.get("start")?)?,
                    end: plan.read(slice.get("end")?)?,
                    recent: match recent {
                        None => None,
                        Some(value) => Some(plan.read(value)?),
                    },
                });
            }
            let Some(first) = intervals.first() else { return Some(since_then(start, Map::new())) };
            let since = first.recent.unwrap_or(first.end);
            let mut progress = Self { intervals, since, kept: Map::new() };
            plan.merge(&mut progress.intervals);
            return Some(progress);
        }
        let since = match state.get(field).filter(|value| !value.is_null()) {
            None => start,
            Some(value) => plan.read(value)?.max(start),
        };
        Some(since_then(since, state.clone()))
    }

    /// The windows still to read, oldest first.
    pub fn windows(&self, plan: &Plan) -> Vec<Interval> {
        plan.windows(&self.intervals)
    }

    /// Where it stood when it was made.
    pub fn since(&self) -> DateTime<Utc> {
        self.since
    }

    /// A window was read to its end.
    pub fn close(&mut self, plan: &Plan, window: Interval) {
        // What a state or a request says is what counts, and a format may say less than the instant.
        let said = |at: DateTime<Utc>| plan.read(&Json::from(plan.write(at))).unwrap_or(at);
        self.intervals.push(Interval { start: said(window.start), end: said(window.end), recent: window.recent });
        plan.merge(&mut self.intervals);
    }

    /// Up to where everything was read.
    pub fn recent(&self, plan: &Plan) -> DateTime<Utc> {
        self.intervals.first().map_or(plan.start, |first| first.recent.unwrap_or(first.start))
    }

    /// The flat state; other keys of the state it began with stay.
    pub fn state(&self, plan: &Plan, field: &str) -> Json {
        let mut state = self.kept.clone();
        state.insert(field, Json::from(plan.write(self.recent(plan))));
        Json::Object(state)
    }
}

fn moved(at: DateTime<Utc>, by: IsoDuration) -> Option<DateTime<Utc>> {
    by.add_to(Moment::utc(at)).map(Moment::instant)
}

fn next_month(day: NaiveDate) -> NaiveDate {
    let first = day.with_day(1).unwrap_or(day);
    first.checked_add_months(chrono::Months::new(1)).unwrap_or(first)
}
