//! Error handlers and backoff strategies (connector-format.md, section 8).

use super::{Built, Field, Text, part::Part};
use crate::json::Json;

/// What an error handler does with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Go on.
    Success,
    /// Go on without records of an error status.
    Ignore,
    /// Fail.
    Fail,
    /// Wait, again.
    Retry,
    /// Wait for the limit, again.
    RateLimited,
    /// Renew the sign-in, again.
    RefreshToken,
    /// Start again at the first page (`PaginationReset`).
    ResetPagination,
    /// The same page, smaller (`PageSizeReduction`).
    ReducePageSize,
    /// The window in two halves (`RequestWindowSplitting`).
    SplitWindow,
}

impl Action {
    /// Whether the reading of pages answers it, and not the repetition of one request.
    pub fn steers(self) -> bool {
        matches!(self, Self::ResetPagination | Self::ReducePageSize | Self::SplitWindow)
    }
}

/// `HttpResponseFilter`.
#[derive(Debug, Clone)]
pub struct ResponseFilter {
    /// What happens when it matches.
    pub action: Option<Action>,
    /// Statuses.
    pub http_codes: Vec<u16>,
    /// Condition over `response` and `headers`.
    pub predicate: Option<Text>,
    /// Part of the vendor's message.
    pub message_contains: Option<String>,
    /// Shown to people.
    pub message: Option<Text>,
    /// `config_error`, `system_error` or `transient_error`; counts only with [`Action::Fail`].
    pub failure: Option<String>,
}

/// A way to find out how long to wait.
#[derive(Debug, Clone)]
pub enum Backoff {
    /// Always the same, in seconds.
    Constant {
        /// How long.
        secs: Field,
        /// Up to twice this is added at random.
        jitter_secs: Option<f64>,
    },
    /// Factor x 2^attempt, in seconds.
    Exponential {
        /// The factor; absent: 5.
        factor: Option<Field>,
        /// Up to twice this is added at random.
        jitter_secs: Option<f64>,
    },
    /// Seconds in a header.
    Header {
        /// The header.
        name: Text,
        /// The part of its value.
        regex: Option<regex::Regex>,
        /// A wait of this many seconds or more ends the stream.
        cap_secs: Option<Field>,
    },
    /// An epoch time in a header.
    UntilHeader {
        /// The header.
        name: Text,
        /// The part of its value.
        regex: Option<regex::Regex>,
        /// At least this many seconds.
        min_secs: Option<Field>,
        /// A wait of this many seconds or more ends the stream.
        cap_secs: Option<Field>,
    },
    /// A template over the answer.
    Response {
        /// Seconds.
        secs: Text,
        /// A wait of this many seconds or more ends the stream.
        cap_secs: Option<Field>,
    },
}

/// `DefaultErrorHandler`, or several in a `CompositeErrorHandler`.
#[derive(Debug, Clone)]
pub struct ErrorHandler {
    /// The children in order; one for a `DefaultErrorHandler`.
    pub children: Vec<ErrorChild>,
    /// True for a `CompositeErrorHandler`.
    pub composite: bool,
}

/// `DefaultErrorHandler`.
#[derive(Debug, Clone)]
pub struct ErrorChild {
    /// In order; the first match decides.
    pub filters: Vec<ResponseFilter>,
    /// In order; the first that answers decides.
    pub backoffs: Vec<Backoff>,
    /// Repetitions after the first attempt; absent: 5.
    pub max_retries: Option<Field>,
}

impl ErrorHandler {
    /// Whether one of its filters answers with this action.
    pub fn acts(&self, action: Action) -> bool {
        self.children.iter().flat_map(|child| &child.filters).any(|filter| filter.action == Some(action))
    }
    /// Whether one of its filters answers with an action that steers pages.
    pub fn steers(&self) -> bool {
        self.children.iter().flat_map(|child| &child.filters).any(|filter| filter.action.is_some_and(Action::steers))
    }
}

pub(super) fn error_handler(part: &Part<'_>) -> Built<ErrorHandler> {
    match part.kind()? {
        "DefaultErrorHandler" => Ok(ErrorHandler { children: vec![error_child(part)?], composite: false }),
        "CompositeErrorHandler" => {
            let mut children = Vec::new();
            for child in part.children("error_handlers")? {
                match child.kind()? {
                    "DefaultErrorHandler" => children.push(error_child(&child)?),
                    "CompositeErrorHandler" => children.extend(error_handler(&child)?.children),
                    _ => return Err(child.unsupported(child.name())),
                }
            }
            if children.is_empty() {
                return Err(part.invalid("error_handlers", "at least one error handler was expected"));
            }
            Ok(ErrorHandler { children, composite: true })
        }
        _ => Err(part.unsupported(part.name())),
    }
}

fn error_child(part: &Part<'_>) -> Built<ErrorChild> {
    let filters = part.children("response_filters")?.iter().map(response_filter).collect::<Built<_>>()?;
    let backoffs = part.children("backoff_strategies")?.iter().map(backoff).collect::<Built<_>>()?;
    Ok(ErrorChild { filters, backoffs, max_retries: part.field("max_retries")? })
}

fn response_filter(part: &Part<'_>) -> Built<ResponseFilter> {
    let action = match part.plain("action")?.as_deref() {
        None => None,
        Some("SUCCESS") => Some(Action::Success),
        Some("IGNORE") => Some(Action::Ignore),
        Some("FAIL") => Some(Action::Fail),
        Some("RETRY") => Some(Action::Retry),
        Some("RATE_LIMITED") => Some(Action::RateLimited),
        Some("REFRESH_TOKEN_THEN_RETRY") => Some(Action::RefreshToken),
        Some("RESET_PAGINATION") => Some(Action::ResetPagination),
        Some("REDUCE_PAGE_SIZE") => Some(Action::ReducePageSize),
        Some("SPLIT_REQUEST_WINDOW") => Some(Action::SplitWindow),
        Some(other) => return Err(part.invalid("action", format!("{other:?} is not an action"))),
    };
    let mut http_codes = Vec::new();
    for code in part.get("http_codes").and_then(Json::as_array).into_iter().flatten() {
        let number = code.as_u64().or_else(|| code.as_str()?.parse().ok()).and_then(|code| u16::try_from(code).ok());
        http_codes.push(number.ok_or_else(|| part.invalid("http_codes", format!("{code} is not a status")))?);
    }
    Ok(ResponseFilter {
        action,
        http_codes,
        predicate: part.text("predicate")?,
        message_contains: part.plain("error_message_contains")?,
        message: part.text("error_message")?,
        failure: part.plain("failure_type")?,
    })
}

fn backoff(part: &Part<'_>) -> Built<Backoff> {
    let regex = |field: &str| match part.plain(field)? {
        None => Ok(None),
        // The reference matches from the start of the value.
        Some(source) => regex::Regex::new(&format!("^(?:{source})"))
            .map(Some)
            .map_err(|error| part.invalid(field, format!("the expression is broken: {error}"))),
    };
    let jitter = || match part.get("jitter_range_in_seconds") {
        None => Ok(None),
        Some(range) => match range.as_f64().filter(|range| range.is_finite() && *range >= 0.0) {
            Some(range) => Ok(Some(range)),
            None => Err(part.invalid("jitter_range_in_seconds", "seconds were expected")),
        },
    };
    Ok(match part.kind()? {
        "ConstantBackoffStrategy" => {
            let secs = part.field_of("backoff_time_in_seconds", part.need("backoff_time_in_seconds")?)?;
            Backoff::Constant { secs, jitter_secs: jitter()? }
        }
        "ExponentialBackoffStrategy" => Backoff::Exponential { factor: part.field("factor")?, jitter_secs: jitter()? },
        "WaitTimeFromHeader" => Backoff::Header {
            name: part.need_text("header")?,
            regex: regex("regex")?,
            cap_secs: part.field("max_waiting_time_in_seconds")?,
        },
        "WaitUntilTimeFromHeader" => Backoff::UntilHeader {
            name: part.need_text("header")?,
            regex: regex("regex")?,
            min_secs: part.field("min_wait")?,
            cap_secs: part.field("max_waiting_time_in_seconds")?,
        },
        "WaitTimeFromResponse" => Backoff::Response {
            secs: part.need_text("wait_time_in_seconds")?,
            cap_secs: part.field("max_waiting_time_in_seconds")?,
        },
        _ => return Err(part.unsupported(part.name())),
    })
}
