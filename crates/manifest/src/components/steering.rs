//! Answers to a platform that refuses pages or windows of a size: `PaginationReset`, `PageSizeReduction` and
//! `RequestWindowSplitting` (connector-format.md, section 5). An error handler's action says when; these say how.

use super::{Built, Cursor, ErrorHandler, Paginator, Strategy, TokenTarget, part::Part};
use crate::datetime::IsoDuration;
use crate::json::Json;
use std::time::Duration;

/// `PaginationReset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// Go on after the last record that was seen, instead of from the start of the window.
    pub by_cursor: bool,
    /// Start again after so many records, even if nothing was refused.
    pub records: Option<u64>,
}

/// `PageSizeReduction`.
#[derive(Debug, Clone)]
pub struct Reduction {
    /// A page is divided by this.
    pub factor: f64,
    /// Never smaller.
    pub minimum: i64,
    /// Reductions without a page in between.
    pub attempts: u32,
    /// The wait before the page is asked for again is this x the number of reductions in a row.
    pub backoff: Duration,
    /// The smallest page is asked for so many times more.
    pub at_minimum: u32,
    /// The page has its usual size again after one that succeeded.
    pub restore: bool,
    /// What the author tells people when nothing helps.
    pub message: Option<String>,
}

/// `RequestWindowSplitting`.
#[derive(Debug, Clone)]
pub struct Splitting {
    /// A window of this length or less is not split.
    pub smallest: Option<IsoDuration>,
    /// What the author tells people when nothing helps.
    pub message: Option<String>,
}

pub(super) fn reset(part: &Part<'_>) -> Built<Reset> {
    let by_cursor = match part.plain("action")?.as_deref() {
        Some("RESET") => false,
        Some("SPLIT_USING_CURSOR") => true,
        _ => return Err(part.invalid("action", "RESET or SPLIT_USING_CURSOR was expected")),
    };
    let records = if part.get("limits").is_some() {
        let limits = part.child("limits")?;
        let positive = || limits.invalid("number_of_records", "a positive whole number was expected");
        let number = |value: &Json| value.as_u64().filter(|number| *number > 0).ok_or_else(positive);
        limits.get("number_of_records").map(number).transpose()?
    } else {
        None
    };
    Ok(Reset { by_cursor, records })
}

pub(super) fn reduction(part: &Part<'_>) -> Built<Reduction> {
    let number = |field: &str, usual: f64| match part.get(field) {
        None => Ok(usual),
        Some(value) => {
            value.as_f64().filter(|value| value.is_finite()).ok_or_else(|| part.invalid(field, "a number was expected"))
        }
    };
    let whole = |field: &str, usual: u64, least: u64| match part.get(field) {
        None => Ok(usual),
        Some(value) => value
            .as_u64()
            .filter(|value| *value >= least && u32::try_from(*value).is_ok())
            .ok_or_else(|| part.invalid(field, format!("a whole number of at least {least} was expected"))),
    };
    let factor = number("reduction_factor", 2.0)?;
    if factor <= 1.0 {
        return Err(part.invalid("reduction_factor", "a number above 1 was expected"));
    }
    let backoff = Duration::try_from_secs_f64(number("backoff_seconds", 0.5)?)
        .map_err(|_| part.invalid("backoff_seconds", "seconds were expected"))?;
    Ok(Reduction {
        factor,
        minimum: i64::try_from(whole("minimum_page_size", 1, 1)?).unwrap_or(i64::MAX),
        attempts: u32::try_from(whole("max_attempts", 5, 1)?).unwrap_or(u32::MAX),
        backoff,
        at_minimum: u32::try_from(whole("retries_at_minimum_page_size", 0, 0)?).unwrap_or(u32::MAX),
        restore: match part.plain("reset_policy")?.as_deref() {
            None | Some("NEVER") => false,
            Some("AFTER_SUCCESSFUL_PAGE") => true,
            Some(_) => return Err(part.invalid("reset_policy", "NEVER or AFTER_SUCCESSFUL_PAGE was expected")),
        },
        message: part.plain("failure_message")?,
    })
}

pub(super) fn splitting(part: &Part<'_>) -> Built<Splitting> {
    let smallest = match part.plain("min_split_window")? {
        None => None,
        Some(text) => {
            Some(IsoDuration::parse(&text).map_err(|error| part.invalid("min_split_window", error.to_string()))?)
        }
    };
    Ok(Splitting { smallest, message: part.plain("failure_message")? })
}

/// Whether the pages can be made smaller at all; told when the connector is loaded, not in the middle of a sync.
pub(super) fn check_reduction(
    part: &Part<'_>,
    errors: Option<&ErrorHandler>,
    paginator: Option<&Paginator>,
) -> Built<()> {
    let invalid = |message: &str| Err(part.invalid("page_size_reduction", message));
    let uses = errors.is_some_and(|errors| errors.acts(super::Action::ReducePageSize));
    let defined = part.get("page_size_reduction").is_some();
    match (uses, defined) {
        (false, false) => return Ok(()),
        (true, false) => return invalid("missing; an error handler answers REDUCE_PAGE_SIZE"),
        (false, true) => return invalid("no error handler answers REDUCE_PAGE_SIZE"),
        (true, true) => {}
    }
    let Some(paginator) = paginator else { return invalid("a DefaultPaginator is needed") };
    if paginator.size_option.is_none() {
        return invalid("the paginator needs page_size_option, else the platform does not hear of the smaller page");
    }
    if matches!(paginator.token, TokenTarget::Path) {
        return invalid("with RequestPath the platform's own links keep the page size");
    }
    if matches!(paginator.strategy, Strategy::Page { .. }) {
        return invalid("page numbers count pages of one size; use OffsetIncrement or CursorPagination");
    }
    Ok(())
}

/// The same for windows.
pub(super) fn check_splitting(part: &Part<'_>, errors: Option<&ErrorHandler>) -> Built<()> {
    let uses = errors.is_some_and(|errors| errors.acts(super::Action::SplitWindow));
    match (uses, part.get("request_window_splitting").is_some()) {
        (true, false) => {
            Err(part.invalid("request_window_splitting", "missing; an error handler answers SPLIT_REQUEST_WINDOW"))
        }
        (false, true) => Err(part.invalid("request_window_splitting", "no error handler answers SPLIT_REQUEST_WINDOW")),
        _ => Ok(()),
    }
}

/// Whether the stream's cursor has windows that can be split.
pub(super) fn check_cursor(part: &Part<'_>, splitting: Option<&Splitting>, cursor: Option<&Cursor>) -> Built<()> {
    if splitting.is_some() && cursor.is_none_or(|cursor| cursor.granularity.is_none()) {
        let message = "a DatetimeBasedCursor with step and cursor_granularity is needed to split its windows";
        return Err(part.invalid("retriever/request_window_splitting", message));
    }
    Ok(())
}

/// Whether a component is declared and not switched off.
pub(super) fn given(part: &Part<'_>, field: &str) -> bool {
    part.get(field).is_some_and(|value| *value != Json::Bool(false))
}
