//! What Direct says when it refuses, in our words, and how a report in the making is waited for.
//!
//! Source: yandex.ru/dev/direct/doc (errors list, limits, modes of reports). An error comes as `{"error": {"error_code", "error_string",
//! "error_detail", "request_id"}}`, from objects under status 200 and from reports under 4xx or 5xx; the code is a number or text. A report
//! is fetched by repeating the request that ordered it: 201 and 202 say that it is being made, and in `retryIn` when to ask again.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use kit::{
    http::HttpResponse,
    policy::{self, Attempt, Decision, DefaultPolicy, Outcome, Policy},
};
use model::failure::{Code, Failure};
use serde_json::Value;
use std::time::Duration;

/// How long to wait when too much was asked at once.
const BREATH: Duration = Duration::from_secs(10);
/// How long to wait for a place among the reports in the making, which five take at most.
const QUEUE: Duration = Duration::from_secs(30);

/// Whether an address is that of reports.
pub fn is_report(url: &str) -> bool {
    url.ends_with("/reports")
}

/// Decides about answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct DirectPolicy;

impl Policy for DirectPolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let Outcome::Response(response) = attempt.outcome else { return DefaultPolicy::default().decide(attempt) };
        let limited = |wait| Decision::RateLimited { wait: Some(wait), known: true };
        if let Some(refusal) = Refusal::of(response) {
            return match refusal.code {
                53 => Decision::RefreshThenRetry,
                52 | 1000..=1002 => Decision::Retry { wait: None },
                56 | 506 => limited(BREATH),
                9000 => limited(retry_in(response).unwrap_or(QUEUE)),
                152 => limited(until_points(policy::time_there(response, attempt.now))),
                _ => Decision::Fail(refusal.failure(attempt, response)),
            };
        }
        match response.status {
            201 | 202 => Decision::Pending { wait: retry_in(response) },
            // What a table has to begin with is what every report of ours asks for first.
            200 if is_report(&attempt.request.url) => match response.body().trim_ascii_start().first() {
                None | Some(b'<') => Decision::Retry { wait: None },
                Some(_) if response.body().starts_with(b"Date\t") => Decision::Success,
                Some(_) => Decision::Fail(response.failure(Code::VendorChanged).with("what", "report")),
            },
            200 if response.looks_like_json().is_ok() && !has_result(response) => {
                Decision::Fail(response.failure(Code::VendorChanged).with("what", "result"))
            }
            _ => DefaultPolicy::default().decide(attempt),
        }
    }

    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        match attempt.outcome {
            Outcome::Response(response) => match Refusal::of(response) {
                Some(refusal) => refusal.failure(attempt, response),
                None => policy::classify(attempt),
            },
            Outcome::Error(failure) => failure.clone(),
        }
    }
}

/// The error of an answer.
struct Refusal {
    code: i64,
    /// The vendor's words.
    words: String,
}

impl Refusal {
    /// The error in an answer, if there is one. A good body may be large, so only one that begins with the error is read.
    fn of(response: &HttpResponse) -> Option<Self> {
        if response.status < 400 && !opens(response, "error") {
            return None;
        }
        let body = response.json().ok()?;
        let error = body.get("error")?;
        let code = error.get("error_code")?;
        let code = code.as_i64().or_else(|| code.as_str()?.trim().parse().ok())?;
        let said = |name: &str| error.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let words: Vec<&str> = [said("error_string"), said("error_detail")].into_iter().flatten().collect();
        Some(Self { code, words: format!("{code}: {}", words.join(": ")) })
    }

    /// The same in our words.
    fn failure(&self, attempt: &Attempt<'_>, response: &HttpResponse) -> Failure {
        let code = match self.code {
            53 => Code::SignInRejected,
            // No right to this client; the application was not approved; the login is not in Direct.
            54 | 58 | 513 | 3000 => Code::PermissionDenied,
            8800 => Code::NotFound,
            52 | 1000..=1002 => Code::PlatformDown,
            56 | 152 | 506 | 9000 => Code::TooManyRequests,
            _ if response.status >= 500 => Code::PlatformDown,
            _ => Code::RequestRefused,
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

/// Whether a body is an object that begins with this member.
fn opens(response: &HttpResponse, member: &str) -> bool {
    let body = response.json_bytes().trim_ascii_start();
    let inside = body.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    inside.is_some_and(|inside| inside.starts_with(format!("\"{member}\"").as_bytes()))
}

/// Whether it is an answer at all: without a result the lists in it would be missing, which is how Direct says "none".
fn has_result(response: &HttpResponse) -> bool {
    opens(response, "result") || response.json().is_ok_and(|body| body.get("result").is_some_and(Value::is_object))
}

/// When to ask again, at least a second from now.
fn retry_in(response: &HttpResponse) -> Option<Duration> {
    let secs: u64 = response.header("retryIn")?.trim().parse().ok()?;
    Some(Duration::from_secs(secs.max(1)))
}

/// Until the next hour there: a twenty-fourth of the day's points is given each hour.
fn until_points(now: DateTime<Utc>) -> Duration {
    let passed = TimeDelta::seconds(i64::from(now.minute() * 60 + now.second()));
    (TimeDelta::hours(1) - passed).to_std().unwrap_or(BREATH)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use chrono::TimeZone;
    use kit::{http::HttpRequest, testing::response};

    /// What an answer leads to, and what becomes of it when that was of no use.
    fn decided(path: &str, status: u16, headers: &[(&str, &str)], body: &str) -> String {
        let response = response("yandex_direct", status, headers, body);
        let request = HttpRequest::get(format!("https://api.direct.yandex.com/json/v501/{path}"));
        let outcome = Outcome::Response(&response);
        let now = Utc.with_ymd_and_hms(2026, 11, 20, 12, 40, 0).unwrap();
        let attempt = Attempt {
            number: 1,
            request: &request,
            outcome,
            now,
            dice: 0.0,
            refreshed: false,
            system: "yandex_direct",
            account: "shop",
        };
        let secs =
            |wait: Option<Duration>| wait.map_or_else(|| "a while".to_owned(), |wait| wait.as_secs().to_string());
        let exhausted = DirectPolicy.exhausted(&attempt);
        match DirectPolicy.decide(&attempt) {
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

    #[test]
    fn the_vendors_codes_in_our_words() {
        let rows = [
            ("52", "again, then platform_down"),
            ("53", "refresh, then sign_in_rejected"),
            ("54", "permission_denied"),
            ("56", "limit 10, then too_many_requests"),
            ("58", "permission_denied"),
            ("152", "limit 1200, then too_many_requests"),
            ("501", "request_refused"),
            ("506", "limit 10, then too_many_requests"),
            ("513", "permission_denied"),
            ("1000", "again, then platform_down"),
            ("1001", "again, then platform_down"),
            ("1002", "again, then platform_down"),
            ("3000", "permission_denied"),
            ("4000", "request_refused"),
            ("8000", "request_refused"),
            ("8800", "not_found"),
            ("9000", "limit 30, then too_many_requests"),
        ];
        for (code, decision) in rows {
            for (status, code) in [(200, code.to_owned()), (400, format!("\"{code}\""))] {
                let body = format!(r#" {{"error":{{"error_code":{code},"error_string":"s","error_detail":"d"}}}}"#);
                for path in ["campaigns", "reports"] {
                    assert_eq!(decided(path, status, &[], &body), decision, "{path} {status} {body}");
                }
            }
        }
        let queue = r#"{"error":{"error_code":"9000","error_string":"queue"}}"#;
        assert_eq!(decided("reports", 400, &[("retryIn", "90")], queue), "limit 90, then too_many_requests");
        let broken = r#"{"error":{"error_code":"7777","error_string":"s"}}"#;
        assert_eq!(decided("reports", 500, &[], broken), "platform_down");
    }

    #[test]
    fn a_report_is_waited_for_and_a_table_is_a_table() {
        let rows = [
            ("reports", 201, "20", "", "in the making 20"),
            ("reports", 202, "0", "", "in the making 1"),
            ("reports", 202, "", "", "in the making a while"),
            ("reports", 200, "", "Date\tCampaignId\n", "success"),
            ("reports", 200, "", "<html>", "again, then not_json"),
            ("reports", 200, "", "", "again, then not_json"),
            ("reports", 200, "", "Total rows: 0", "vendor_changed"),
            ("reports", 502, "", "<html>", "again, then platform_down"),
            ("campaigns", 200, "", r#"{"result":{}}"#, "success"),
            ("campaigns", 200, "", r#"{"warnings":[],"result":{}}"#, "success"),
            ("campaigns", 200, "", r#"{"foo":"bar"}"#, "vendor_changed"),
            ("campaigns", 200, "", "<html>", "again, then not_json"),
            ("campaigns", 404, "", "", "vendor_changed"),
        ];
        for (path, status, retry_in, body, decision) in rows {
            let headers = [("retryIn", retry_in)];
            assert_eq!(decided(path, status, &headers, body), decision, "{path} {status} {body}");
        }
    }
}
