//! Cursors of incremental streams (connector-format.md, section 9).

use super::{Built, Fault, RequestOption, Text, part::Part, request::optional_request_option};
use crate::json::Json;

/// `DatetimeBasedCursor`.
#[derive(Debug, Clone)]
pub struct Cursor {
    /// The record's field.
    pub field: Text,
    /// Format of windows and requests.
    pub format: String,
    /// Formats of records and states, tried before `format`.
    pub formats: Vec<String>,
    /// Start.
    pub start: MinMax,
    /// End; absent: now.
    pub end: Option<MinMax>,
    /// Length of a window.
    pub step: Option<Text>,
    /// Distance between the end of a window and the start of the next.
    pub granularity: Option<Text>,
    /// How far back to read again.
    pub lookback: Option<Text>,
    /// Name of a window's start in the slice.
    pub start_key: Text,
    /// Name of its end.
    pub end_key: Text,
    /// Where the start goes.
    pub start_option: Option<RequestOption>,
    /// Where the end goes.
    pub end_option: Option<RequestOption>,
    /// Windows without length are skipped.
    pub strict: bool,
    /// Windows are rounded to periods.
    pub clamping: Option<Clamping>,
    /// What we filter ourselves because the platform does not.
    pub filter: Option<OwnFilter>,
    /// One state for all partitions.
    pub global: bool,
}

/// How old records are left out where the platform knows no date filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnFilter {
    /// It gives the newest first: paging stops at the first old record.
    Feed,
    /// It gives them in any order: everything is read.
    All,
}

/// `IncrementingCountCursor`: a number that only grows, such as an id.
#[derive(Debug, Clone)]
pub struct Counter {
    /// The record's field.
    pub field: Text,
    /// Where to begin without a state.
    pub start: Option<Text>,
    /// Where the number goes.
    pub option: Option<RequestOption>,
}

/// Rounding of windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clamping {
    /// To days.
    Day,
    /// To weeks that begin on this day, 0 = Monday.
    Week(u32),
    /// To months.
    Month,
}

/// `MinMaxDatetime`.
#[derive(Debug, Clone)]
pub struct MinMax {
    /// The date.
    pub value: Text,
    /// Its format; absent: the cursor's.
    pub format: Option<String>,
    /// Not before.
    pub min: Option<Text>,
    /// Not after.
    pub max: Option<Text>,
}

/// Builds a datetime cursor from its component.
pub fn datetime_cursor(value: &Json) -> Result<Cursor, Fault> {
    cursor(&Part::new(value, "incremental_sync")?)
}

pub(super) fn cursor(part: &Part<'_>) -> Built<Cursor> {
    if part.kind()? != "DatetimeBasedCursor" {
        return Err(part.unsupported(part.name()));
    }
    let format = part.plain("datetime_format")?.ok_or_else(|| part.invalid("datetime_format", "missing"))?;
    let formats = part.get("cursor_datetime_formats").and_then(Json::as_array).into_iter().flatten();
    let step = part.text("step")?;
    let granularity = part.text("cursor_granularity")?;
    if step.is_some() != granularity.is_some() {
        return Err(part.invalid("step", "step and cursor_granularity are given together or not at all"));
    }
    let key = |field: &str, default: &str| part.text(field)?.map_or_else(|| part.compile(field, default), Ok);
    let clamping = match part.get("clamping") {
        None => None,
        Some(clamping) => {
            let target = clamping.get("target").and_then(Json::as_str).unwrap_or_default();
            let weekday = clamping.pointer("/target_details/weekday").and_then(Json::as_str).unwrap_or("MONDAY");
            let days = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];
            match (target, days.iter().position(|day| day.eq_ignore_ascii_case(weekday))) {
                ("DAY", _) => Some(Clamping::Day),
                ("MONTH", _) => Some(Clamping::Month),
                ("WEEK", Some(day)) => Some(Clamping::Week(u32::try_from(day).unwrap_or(0))),
                _ => return Err(part.invalid("clamping", "DAY, WEEK with a weekday, or MONTH was expected")),
            }
        }
    };
    Ok(Cursor {
        field: part.need_text("cursor_field")?,
        format,
        formats: formats.filter_map(Json::as_str).map(str::to_owned).collect(),
        start: min_max(part, "start_datetime")?.ok_or_else(|| part.invalid("start_datetime", "missing"))?,
        end: min_max(part, "end_datetime")?,
        step,
        granularity,
        lookback: part.text("lookback_window")?,
        start_key: key("partition_field_start", "start_time")?,
        end_key: key("partition_field_end", "end_time")?,
        start_option: optional_request_option(part, "start_time_option")?,
        end_option: optional_request_option(part, "end_time_option")?,
        strict: part.flag("is_compare_strictly")?,
        clamping,
        filter: match (part.flag("is_data_feed")?, part.flag("is_client_side_incremental")?) {
            (true, _) => Some(OwnFilter::Feed),
            (false, true) => Some(OwnFilter::All),
            (false, false) => None,
        },
        global: part.flag("global_substream_cursor")?,
    })
}

pub(super) fn counter(part: &Part<'_>) -> Built<Counter> {
    Ok(Counter {
        field: part.need_text("cursor_field")?,
        start: part.text("start_value")?,
        option: optional_request_option(part, "start_value_option")?,
    })
}

fn min_max(part: &Part<'_>, field: &str) -> Built<Option<MinMax>> {
    match part.get(field) {
        None => Ok(None),
        Some(Json::Object(_)) => {
            let inner = part.child(field)?;
            Ok(Some(MinMax {
                value: inner.need_text("datetime")?,
                format: inner.plain("datetime_format")?.filter(|format| !format.is_empty()),
                min: inner.text("min_datetime")?,
                max: inner.text("max_datetime")?,
            }))
        }
        Some(value) => Ok(Some(MinMax { value: part.text_of(field, value)?, format: None, min: None, max: None })),
    }
}
