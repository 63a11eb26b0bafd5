//! What Metrica, AppMetrica and Audience say when they refuse, in our words, and how logs in the making are waited for.
//!
//! Source: yandex.ru/dev/metrika (errors, quotas, Logs API), appmetrica.yandex.ru/docs/mobile-api and yandex.ru/dev/audience (the same of
//! their own). A refusal is
//! `{"errors": [{"error_type", "message", "location"}], "code", "message"}` under its own status; quotas come as 429, in older pages as 420,
//! and name no time. AppMetrica's logs are fetched by repeating the request that ordered them, and their refusals are plain text.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use kit::{
    http::HttpResponse,
    policy::{self, Attempt, Decision, DefaultPolicy, Outcome, Policy},
};
use model::failure::{Code, Failure};
use serde::Deserialize;
use std::time::Duration;

/// After too many requests in a second from this computer.
const SECOND: Duration = Duration::from_secs(1);
/// After too many requests at once for this user.
const AT_ONCE: Duration = Duration::from_secs(5);
/// Reports are counted in five minutes, and free again five minutes after there were too many.
const REPORTS: Duration = Duration::from_mins(5);
/// When somebody else's requests stand in a queue before ours.
const QUEUE: Duration = Duration::from_mins(1);
/// How often a user's quota is taken for that of five minutes; after that it is the day's.
const PATIENCE: u32 = 2;
/// Audience has one word for its limit of a second and for that of a day: how often it is taken for the second's.
const SECONDS: u32 = 3;
/// Audience's day begins at midnight in Moscow, which keeps three hours before Greenwich all year.
const MOSCOW: TimeDelta = TimeDelta::hours(3);
/// Between two questions about a log in the making.
const LOG: Duration = Duration::from_secs(20);
/// The same of AppMetrica's, where the question is the order.
const EXPORT: Duration = Duration::from_secs(10);

/// States of a log in which there is nothing to do but to wait.
const IN_THE_MAKING: [&[u8]; 2] = [br#""status":"created""#, br#""status":"awaiting_retry""#];

/// Decides about answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnginePolicy;

impl Policy for EnginePolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let Outcome::Response(response) = attempt.outcome else { return DefaultPolicy::default().decide(attempt) };
        let limited = |ours| {
            let wait = policy::told_wait(response, attempt.now).unwrap_or(ours);
            Decision::RateLimited { wait: Some(wait), known: true }
        };
        if let Some(refusal) = Refusal::of(response) {
            return match refusal.error_type.as_str() {
                "unauthorized" | "invalid_token" => Decision::RefreshThenRetry,
                "quota_requests_by_ip" => limited(SECOND),
                "quota_parallel_requests" => limited(AT_ONCE),
                "quota_requests_by_uid" if is_report(response) && attempt.number <= PATIENCE => limited(REPORTS),
                "quota" if attempt.number <= SECONDS => limited(SECOND),
                "quota" => limited(until_midnight(policy::time_there(response, attempt.now) + MOSCOW)),
                kind if kind.starts_with("quota_") => {
                    limited(until_midnight(policy::time_there(response, attempt.now)))
                }
                _ if matches!(response.status, 420 | 429) => limited(QUEUE),
                _ if response.status >= 500 => Decision::Retry { wait: policy::retry_after(response, attempt.now) },
                _ => Decision::Fail(refusal.failure(attempt, response)),
            };
        }
        match response.status {
            202 => Decision::Pending { wait: Some(EXPORT) },
            420 | 429 => limited(QUEUE),
            200 if is_table(response) => match response.body().trim_ascii_start().first() {
                None | Some(b'<') => Decision::Retry { wait: None },
                Some(_) => Decision::Success,
            },
            200 if is_log(response) && IN_THE_MAKING.iter().any(|state| has(response, state)) => {
                Decision::Pending { wait: Some(LOG) }
            }
            200 if is_report(response) && response.looks_like_json().is_ok() => {
                if !has(response, br#""data""#) {
                    Decision::Fail(response.failure(Code::VendorChanged).with("what", "data"))
                } else if has(response, br#""sampled":true"#) {
                    // All was asked for. Estimates would be shown as if somebody had counted them.
                    Decision::Fail(response.failure(Code::VendorChanged).with("what", "sampled"))
                } else {
                    Decision::Success
                }
            }
            _ => DefaultPolicy::default().decide(attempt),
        }
    }

    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        match attempt.outcome {
            Outcome::Response(response) => match Refusal::of(response) {
                Some(refusal) => refusal.failure(attempt, response),
                None if response.status == 420 => response.failure(Code::TooManyRequests),
                None => policy::classify(attempt),
            },
            Outcome::Error(failure) => failure.clone(),
        }
    }
}

/// Path of the address that answered.
fn path(response: &HttpResponse) -> &str {
    response.url.split('?').next().unwrap_or_default()
}

fn is_report(response: &HttpResponse) -> bool {
    path(response).ends_with("/stat/v1/data")
}

/// A downloaded log.
fn is_table(response: &HttpResponse) -> bool {
    let path = path(response);
    path.ends_with("/download") || path.contains("/logs/v1/export/")
}

/// The state of a log.
fn is_log(response: &HttpResponse) -> bool {
    let path = path(response);
    path.rsplit_once('/').is_some_and(|(before, id)| {
        before.ends_with("/logrequest") && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether this stands in a body. Bodies may be large, and a quotation mark inside of a text has a backslash before it.
fn has(response: &HttpResponse, words: &[u8]) -> bool {
    response.body().windows(words.len()).any(|part| part == words)
}

/// The day's requests are counted from midnight: that of the clock that `now` is read from.
fn until_midnight(now: DateTime<Utc>) -> Duration {
    let next = now.date_naive().checked_add_days(Days::new(1)).map(|day| day.and_time(NaiveTime::MIN).and_utc());
    next.and_then(|next| (next - now).to_std().ok()).unwrap_or(REPORTS)
}

/// A refusal in the vendor's envelope.
struct Refusal {
    error_type: String,
    /// The vendor's words.
    words: String,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    errors: Vec<Problem>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    error_type: String,
    message: Option<String>,
}

impl Refusal {
    fn of(response: &HttpResponse) -> Option<Self> {
        if response.status < 400 {
            return None;
        }
        let envelope: Envelope = serde_json::from_slice(response.body()).ok()?;
        let first = envelope.errors.into_iter().next();
        let (error_type, said) = first.map_or((String::new(), None), |first| (first.error_type, first.message));
        let said = said.or(envelope.message).unwrap_or_default();
        (!error_type.is_empty()).then(|| Self { words: format!("{error_type}: {said}"), error_type })
    }

    /// The same in our words.
    fn failure(&self, attempt: &Attempt<'_>, response: &HttpResponse) -> Failure {
        let code = match self.error_type.as_str() {
            "unauthorized" | "invalid_token" => Code::SignInRejected,
            "access_denied" | "counter_in_connect" => Code::PermissionDenied,
            "not_found" => Code::NotFound,
            kind if kind == "quota" || kind.starts_with("quota_") => Code::TooManyRequests,
            _ => match response.status {
                401 => Code::SignInRejected,
                403 => Code::PermissionDenied,
                404 => Code::NotFound,
                420 | 429 => Code::TooManyRequests,
                500.. => Code::PlatformDown,
                _ => Code::RequestRefused,
            },
        };
        let failure = response.failure(code).with("account", attempt.account);
        let failure = match code {
            Code::PlatformDown | Code::RequestRefused => failure.with("status", response.status),
            Code::NotFound => failure.with("what", attempt.account),
            _ => failure,
        };
        failure.detail(response.redacted(&self.words))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use chrono::TimeZone;
    use kit::{http::HttpRequest, testing::response};

    /// What an answer leads to, and what becomes of it when that was of no use.
    fn decided(path: &str, number: u32, status: u16, headers: &[(&str, &str)], body: &str) -> String {
        let url = format!("https://api.example/{path}?ids=1");
        let mut response = response("yandex_metrika", status, headers, body);
        response.url.clone_from(&url);
        let request = HttpRequest::get(url);
        let outcome = Outcome::Response(&response);
        let now = Utc.with_ymd_and_hms(2026, 11, 20, 22, 30, 0).unwrap();
        let (system, account) = ("yandex_metrika", "shop");
        let attempt = Attempt { number, request: &request, outcome, now, dice: 0.0, refreshed: false, system, account };
        let secs =
            |wait: Option<Duration>| wait.map_or_else(|| "a while".to_owned(), |wait| wait.as_secs().to_string());
        let exhausted = EnginePolicy.exhausted(&attempt);
        match EnginePolicy.decide(&attempt) {
            Decision::Success => "success".to_owned(),
            Decision::Ignore => "ignore".to_owned(),
            Decision::Fail(failure) => failure.code.as_str().to_owned(),
            Decision::Retry { .. } => format!("again, then {}", exhausted.code.as_str()),
            Decision::RateLimited { wait, known: true } => {
                format!("limit {}, then {}", secs(wait), exhausted.code.as_str())
            }
            Decision::RateLimited { wait, known: false } => format!("limit {}?", secs(wait)),
            Decision::Pending { wait } => format!("in the making {}", secs(wait)),
            Decision::RefreshThenRetry => format!("refresh, then {}", exhausted.code.as_str()),
        }
    }

    const REPORT: &str = "stat/v1/data";

    #[test]
    fn the_vendors_types_in_our_words() {
        let midnight = "limit 5400, then too_many_requests";
        let rows = [
            (401, "unauthorized", "refresh, then sign_in_rejected"),
            (403, "invalid_token", "refresh, then sign_in_rejected"),
            (403, "access_denied", "permission_denied"),
            (403, "counter_in_connect", "permission_denied"),
            (404, "not_found", "not_found"),
            (429, "quota_requests_by_ip", "limit 1, then too_many_requests"),
            (420, "quota_parallel_requests", "limit 5, then too_many_requests"),
            (429, "quota_requests_by_uid", "limit 300, then too_many_requests"),
            (429, "quota_requests_by_counter_id", midnight),
            (429, "quota", "limit 1, then too_many_requests"),
            (429, "something_new", "limit 60, then too_many_requests"),
            (400, "invalid_parameter", "request_refused"),
            (400, "query_error", "request_refused"),
            (400, "too_much_rows", "request_refused"),
            (409, "conflict", "request_refused"),
            (503, "backend_error", "again, then platform_down"),
            (504, "timeout", "again, then platform_down"),
        ];
        for (status, kind, decision) in rows {
            let body =
                format!(r#"{{"errors":[{{"error_type":"{kind}","message":"m"}}],"code":{status},"message":"m"}}"#);
            assert_eq!(decided(REPORT, 1, status, &[], &body), decision, "{kind}");
        }
        let by_user = r#"{"errors":[{"error_type":"quota_requests_by_uid","message":"m"}],"code":429,"message":"m"}"#;
        // It did not help to wait five minutes twice, or it is no report: the day's requests are used up.
        assert_eq!(decided(REPORT, 3, 429, &[], by_user), midnight);
        assert_eq!(decided("management/v1/counters", 1, 429, &[], by_user), midnight);
        // It did not help to wait a second three times. In Moscow it is half past one, and the day has just begun.
        let audience = r#"{"errors":[{"error_type":"quota","message":"m"}],"code":429,"message":"m"}"#;
        assert_eq!(decided("v1/management/segments", 4, 429, &[], audience), "limit 81000, then too_many_requests");
        assert_eq!(
            decided(REPORT, 1, 429, &[("retry-after", "7")], by_user),
            "limit 7, then too_many_requests",
            "the platform's own word counts"
        );
    }

    #[test]
    fn a_report_is_whole_and_logs_are_waited_for() {
        let log = "management/v1/counter/1/logrequest/777";
        let rows = [
            (REPORT, 200, r#"{"data":[],"sampled":false}"#, "success"),
            (REPORT, 200, r#"{"data":[{"name":"\"sampled\":true"}],"sampled":false}"#, "success"),
            (REPORT, 200, r#"{"data":[],"sampled":true}"#, "vendor_changed"),
            (REPORT, 200, r#"{"rows":[]}"#, "vendor_changed"),
            (REPORT, 200, "<html>", "again, then not_json"),
            (REPORT, 420, "", "limit 60, then too_many_requests"),
            (REPORT, 404, "", "vendor_changed"),
            ("management/v1/counters", 200, r#"{"counters":[]}"#, "success"),
            (log, 200, r#"{"log_request":{"status":"created"}}"#, "in the making 20"),
            (log, 200, r#"{"log_request":{"status":"processed"}}"#, "success"),
            ("management/v1/counter/1/logrequest/777/part/0/download", 200, "ym:s:date\n", "success"),
            ("management/v1/counter/1/logrequest/777/part/0/download", 200, "<html>", "again, then not_json"),
            ("logs/v1/export/installations.csv", 200, "install_datetime\n", "success"),
            ("logs/v1/export/installations.csv", 202, "Progress is 3%.", "in the making 10"),
            ("logs/v1/export/installations.csv", 429, "Too many requests", "limit 60, then too_many_requests"),
            ("logs/v1/export/installations.csv", 400, "Try to use more parts.", "request_refused"),
            ("logs/v1/export/installations.csv", 200, "", "again, then not_json"),
        ];
        for (path, status, body, decision) in rows {
            assert_eq!(decided(path, 1, status, &[], body), decision, "{path} {status} {body}");
        }
    }
}
