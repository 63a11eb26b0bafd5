//! What to do with an answer. [`Policy`] is the one decision point: it looks at an attempt and says success, ignore, fail, retry, wait
//! for the limit, or refresh the sign-in. [`DefaultPolicy`] is the house rule for our own connectors; a connector with its own error
//! words wraps it, and the manifest runtime brings a policy made from a manifest's error handler.

use crate::{http::HttpRequest, http::HttpResponse, redact};
use chrono::{DateTime, Utc};
use model::failure::{Code, Failure, FailureKind};
use serde_json::Value;
use std::time::Duration;

/// What came back from one attempt.
#[derive(Clone, Copy)]
pub enum Outcome<'a> {
    /// An answer, of whatever status.
    Response(&'a HttpResponse),
    /// No whole answer: `timeout`, `offline`, `body_truncated`, `body_too_large`.
    Error(&'a Failure),
}

/// One attempt, as a policy sees it.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// Which attempt of this request, from 1.
    pub number: u32,
    /// What was asked; secrets in it are placeholders.
    pub request: &'a HttpRequest,
    /// What came back.
    pub outcome: Outcome<'a>,
    /// Now.
    pub now: DateTime<Utc>,
    /// A random number in `0.0..1.0`, for the jitter of a wait.
    pub dice: f64,
    /// Whether the sign-in was already refreshed for this request.
    pub refreshed: bool,
    /// The system's name for failures, such as `vk_ads`.
    pub system: &'a str,
    /// The account's name for failures.
    pub account: &'a str,
}

/// What happens next.
#[derive(Debug)]
pub enum Decision {
    /// The answer goes to the caller.
    Success,
    /// The answer goes to the caller, marked [`HttpResponse::ignored`]. Without an answer there is nothing to ignore: it fails.
    Ignore,
    /// The request has failed.
    Fail(Failure),
    /// Wait (`None`: [`Policy::backoff`]), then again.
    Retry {
        /// How long.
        wait: Option<Duration>,
    },
    /// The platform's limit: wait (with all requests of the account, see [`Limits::limited_counts`]), then again.
    RateLimited {
        /// How long (`None`: [`Policy::backoff`]).
        wait: Option<Duration>,
        /// Whether the platform told the time, so that a wait that is too long for this run can be shown as "wait until".
        known: bool,
    },
    /// The platform is still making what was ordered: wait, then ask the same again. Neither a failure nor a limit, so it counts as no
    /// repetition and other requests go on; what is not ready within the run's patience ends as `timeout`.
    Pending {
        /// How long (`None`: [`Policy::backoff`]).
        wait: Option<Duration>,
    },
    /// Refresh the sign-in, once per request, then again at once; a second time this is `sign_in_rejected`.
    RefreshThenRetry,
}

/// How often and how long a request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Repetitions after the first attempt.
    pub retries: u32,
    /// Total time in [`Decision::Retry`] waits.
    pub retry_time: Duration,
    /// Whether a [`Decision::RateLimited`] wait is this request's own affair: it counts as a repetition, and other requests go on, as the
    /// reference does it for manifests. If not, only the run's patience bounds it, and the whole account waits.
    pub limited_counts: bool,
}

/// Decides. Stateless: everything it may consider is in the attempt.
pub trait Policy: Send + Sync {
    /// What to do with this attempt.
    fn decide(&self, attempt: &Attempt<'_>) -> Decision;

    /// How often.
    fn limits(&self) -> Limits {
        Limits { retries: 3, retry_time: Duration::from_mins(10), limited_counts: false }
    }

    /// The wait after attempt `number` when the decision names none; `unit` is a random number in `0.0..1.0`.
    fn backoff(&self, number: u32, unit: f64) -> Duration {
        exponential(number, unit)
    }

    /// How long the account rests after a good answer that says that its limit is near. For platforms that tell in percent how much is
    /// used, and not how many requests are left.
    fn rest(&self, _response: &HttpResponse) -> Option<Duration> {
        None
    }

    /// The failure when repetitions are used up.
    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        classify(attempt)
    }
}

/// 1, 2, 4 ... 64 seconds, each 20 % more or less so that clients do not come back in step.
pub fn exponential(number: u32, unit: f64) -> Duration {
    let base = f64::from(1_u32 << number.saturating_sub(1).min(6));
    Duration::from_secs_f64(base * (0.8 + 0.4 * unit.clamp(0.0, 1.0)))
}

/// The house rule: success below 400; `Retry-After` and limit headers honoured; 429 waits; 408, 5xx, a broken or missing answer is
/// repeated after 1, 2 and 4 seconds; 401 refreshes once; 403, 404 and other 4xx fail with their own code.
#[derive(Debug, Clone, Copy)]
pub struct DefaultPolicy {
    /// Whether a good answer has to look like a JSON object or array. An HTML page of a proxy or a body cut at its end is then
    /// repeated like a server error, and ends as `not_json` or `body_truncated`.
    pub expect_json: bool,
}

impl Default for DefaultPolicy {
    fn default() -> Self {
        Self { expect_json: true }
    }
}

impl Policy for DefaultPolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let response = match attempt.outcome {
            Outcome::Response(response) => response,
            Outcome::Error(failure) if failure.kind() == FailureKind::Retry => return Decision::Retry { wait: None },
            Outcome::Error(failure) => return Decision::Fail(failure.clone()),
        };
        match response.status {
            429 => {
                let wait = limit_wait(response, attempt.now);
                Decision::RateLimited { wait, known: wait.is_some() }
            }
            408 | 500..=599 => Decision::Retry { wait: retry_after(response, attempt.now) },
            401 => Decision::RefreshThenRetry,
            400.. => Decision::Fail(classify(attempt)),
            _ if self.expect_json && response.looks_like_json().is_err() => Decision::Retry { wait: None },
            _ => Decision::Success,
        }
    }
}

/// Our word for what this attempt says, with the vendor's message as detail.
pub fn classify(attempt: &Attempt<'_>) -> Failure {
    let response = match attempt.outcome {
        Outcome::Response(response) => response,
        Outcome::Error(failure) => return failure.clone(),
    };
    let failure = |code| Failure::new(code).with("system", attempt.system);
    let failure = match response.status {
        401 => failure(Code::SignInRejected).with("account", attempt.account),
        403 => failure(Code::PermissionDenied).with("account", attempt.account),
        404 | 410 => failure(Code::VendorChanged).with("what", redact::path_of(&response.url)),
        429 => failure(Code::TooManyRequests),
        status @ (408 | 500..=599) => failure(Code::PlatformDown).with("status", status),
        status @ 400.. => failure(Code::RequestRefused).with("status", status),
        _ => match response.looks_like_json() {
            Err(failure) => failure,
            Ok(()) => failure(Code::RequestRefused).with("status", response.status),
        },
    };
    match vendor_message(response) {
        Some(message) => failure.detail(message),
        None => failure,
    }
}

/// What time it is at the platform, as its answer says; without a word from it, our own time. A laptop's clock may be hours off, and an
/// instant that the platform names is meant by its own.
pub fn time_there(response: &HttpResponse, now: DateTime<Utc>) -> DateTime<Utc> {
    let date = response.header("date").and_then(|date| DateTime::parse_from_rfc2822(date.trim()).ok());
    date.map_or(now, |date| date.with_timezone(&Utc))
}

/// `Retry-After`, in seconds or as an HTTP date, as a wait from now.
pub fn retry_after(response: &HttpResponse, now: DateTime<Utc>) -> Option<Duration> {
    let value = response.header("retry-after")?.trim();
    if let Ok(secs) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(secs).ok();
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?;
    Some((at.with_timezone(&Utc) - time_there(response, now)).to_std().unwrap_or_default())
}

/// How long the platform says to wait: `Retry-After`, or a reset header.
pub fn told_wait(response: &HttpResponse, now: DateTime<Utc>) -> Option<Duration> {
    let there = time_there(response, now);
    let reset = || {
        let names = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"];
        let until = names.iter().find_map(|name| crate::budget::instant(response.header(name)?, there))?;
        Some((until - there).to_std().unwrap_or_default())
    };
    retry_after(response, now).or_else(reset)
}

/// How long the platform wants us to wait: what it says, or the end of the longest window whose rest is zero.
pub fn limit_wait(response: &HttpResponse, now: DateTime<Utc>) -> Option<Duration> {
    let there = time_there(response, now);
    let window = || crate::budget::exhausted_until(response, there);
    told_wait(response, now).or_else(|| Some((window()? - there).to_std().unwrap_or_default()))
}

/// The vendor's own words in an answer: the first non-empty of the usual keys, searched through nested maps and lists, or the text of
/// the body. Cut at 500 characters; secrets masked.
pub fn vendor_message(response: &HttpResponse) -> Option<String> {
    let text = if let Ok(body) = serde_json::from_slice::<Value>(response.body()) {
        message_in(&body, 0)?
    } else {
        let body = response.body();
        String::from_utf8_lossy(&body[..body.len().min(4096)]).trim().to_owned()
    };
    let text: String = response.redacted(&text).chars().take(500).collect();
    (!text.is_empty()).then_some(text)
}

/// The order is that of the reference runtime of the manifest format.
const MESSAGE_KEYS: [&str; 13] = [
    "message",
    "messages",
    "error",
    "errors",
    "failures",
    "failure",
    "detail",
    "err",
    "error_message",
    "msg",
    "reason",
    "status_message",
    "error_description",
];

fn message_in(value: &Value, depth: usize) -> Option<String> {
    const DEEPEST: usize = 16;
    if depth > DEEPEST {
        return None;
    }
    match value {
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().filter_map(|item| message_in(item, depth + 1)).collect();
            (!texts.is_empty()).then(|| texts.join(", "))
        }
        Value::Object(map) => MESSAGE_KEYS.iter().find_map(|key| message_in(map.get(*key)?, depth + 1)),
        _ => None,
    }
}
