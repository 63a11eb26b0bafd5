//! What Google's interfaces say when they refuse, whichever of them it is: `{"error":{"code","message","status","details"}}`. `status` is a
//! word of google.rpc, and a detail may give the reason (`ErrorInfo`, such as `SERVICE_DISABLED`) and how long to wait (`RetryInfo`).
//!
//! Sources: googleapis/googleapis (google/rpc/code.proto, error_details.proto), cloud.google.com/apis/design/errors.

use kit::{
    http::HttpResponse,
    policy::{self, Attempt, Decision, DefaultPolicy, Outcome, Policy},
};
use model::failure::{Code, Failure};
use serde_json::Value;
use std::time::Duration;

/// A refusal as it came.
pub struct Refusal {
    /// The status it stands for; that of the answer may be another.
    pub status: u16,
    error: Value,
}

impl Refusal {
    /// The refusal in an answer. A good answer is only looked at where it begins like one.
    pub fn of(response: &HttpResponse) -> Option<Self> {
        let body = response.json_bytes().trim_ascii_start();
        let inside = || body.strip_prefix(b"{").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\"error\""));
        if response.status < 400 && !inside() {
            return None;
        }
        let error = response.json().ok()?.get_mut("error").filter(|error| error.is_object())?.take();
        let told = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        Some(Self { status: told.filter(|code| *code >= 400).unwrap_or(response.status), error })
    }

    /// What it says to people.
    pub fn message(&self) -> &str {
        self.error.get("message").and_then(Value::as_str).unwrap_or_default()
    }

    /// What it says to programs, by type.
    pub fn details(&self) -> impl Iterator<Item = &Value> {
        self.error.get("details").and_then(Value::as_array).into_iter().flatten()
    }

    /// Whether it is a quota that is used up, which some interfaces tell with 403.
    fn is_quota(&self) -> bool {
        self.status == 429 || self.error.get("status").is_some_and(|word| word == "RESOURCE_EXHAUSTED")
    }

    /// How long it asks to wait.
    pub fn delay(&self) -> Option<Duration> {
        self.details().find_map(|detail| seconds(detail.get("retryDelay")?.as_str()?))
    }
}

/// A duration as JSON has it: `30s`, `1.5s`.
pub fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.strip_suffix('s')?.parse().ok()?).ok()
}

/// What a status means where nothing more is known.
pub fn meaning(status: u16) -> Code {
    match status {
        401 => Code::SignInRejected,
        403 => Code::PermissionDenied,
        404 | 410 => Code::VendorChanged,
        429 => Code::TooManyRequests,
        408 | 500.. => Code::PlatformDown,
        _ => Code::RequestRefused,
    }
}

/// A failure with the parameters of its text. `status` is what the refusal stands for.
pub fn failure(code: Code, status: u16, attempt: &Attempt<'_>, response: &HttpResponse) -> Failure {
    let failure = Failure::new(code).with("system", attempt.system);
    match code {
        Code::PlatformDown | Code::RequestRefused => failure.with("status", status),
        Code::VendorChanged => failure.with("what", &response.url),
        Code::TooManyRequests => failure,
        _ => failure.with("account", attempt.account),
    }
}

/// Decides about answers of those interfaces that have no error codes of their own.
#[derive(Debug, Clone, Copy)]
pub struct GooglePolicy {
    /// How long a refusal asks to wait in words, where no detail says it.
    pub in_words: fn(&str) -> Option<Duration>,
}

impl Policy for GooglePolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let Outcome::Response(response) = attempt.outcome else { return DefaultPolicy::default().decide(attempt) };
        let Some(refusal) = Refusal::of(response) else { return DefaultPolicy::default().decide(attempt) };
        match refusal.status {
            _ if refusal.is_quota() => {
                let told = refusal.delay().or_else(|| policy::told_wait(response, attempt.now));
                let wait = told.or_else(|| (self.in_words)(refusal.message()));
                Decision::RateLimited { wait, known: wait.is_some() }
            }
            401 => Decision::RefreshThenRetry,
            408 | 500.. => Decision::Retry { wait: policy::retry_after(response, attempt.now) },
            _ => Decision::Fail(self.exhausted(attempt)),
        }
    }

    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        let Outcome::Response(response) = attempt.outcome else { return policy::classify(attempt) };
        let Some(refusal) = Refusal::of(response) else { return policy::classify(attempt) };
        let code = if refusal.is_quota() { Code::TooManyRequests } else { meaning(refusal.status) };
        let failure = failure(code, refusal.status, attempt, response);
        policy::vendor_message(response).into_iter().fold(failure, Failure::detail)
    }
}

#[cfg(test)]
pub mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use chrono::Utc;
    use kit::{http::HttpRequest, testing::response};
    use serde_json::json;

    /// What a policy makes of an answer, and what that ends in.
    pub fn decide(policy: &dyn Policy, status: u16, body: &str) -> String {
        let response = response("google", status, &[], body);
        let request = HttpRequest::get("https://www.googleapis.com/v1/things");
        let attempt = Attempt {
            number: 1,
            request: &request,
            outcome: Outcome::Response(&response),
            now: Utc::now(),
            dice: 0.0,
            refreshed: false,
            system: "google",
            account: "shop",
        };
        let end = policy.exhausted(&attempt).code.as_str();
        match policy.decide(&attempt) {
            Decision::Fail(failure) => failure.code.as_str().to_owned(),
            Decision::Retry { .. } => format!("retry or {end}"),
            Decision::RateLimited { wait, known } => format!("wait {wait:?} {known} or {end}"),
            Decision::RefreshThenRetry => format!("refresh or {end}"),
            Decision::Success => "success".to_owned(),
            Decision::Ignore => "ignore".to_owned(),
            Decision::Pending { .. } => "in the making".to_owned(),
        }
    }

    /// The body of a refusal.
    pub fn refused(status: u16, word: &str, message: &str, details: &Value) -> String {
        json!({"error": {"code": status, "message": message, "status": word, "details": details}}).to_string()
    }

    #[test]
    fn a_refusal_has_its_meaning_whichever_status_brings_it() {
        let policy = GooglePolicy { in_words: |_| None };
        let info = |reason: &str| json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]);
        for (status, word, reason, decision) in [
            (400, "INVALID_ARGUMENT", "x", "request_refused"),
            (401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED", "refresh or sign_in_rejected"),
            (403, "PERMISSION_DENIED", "SERVICE_DISABLED", "permission_denied"),
            (403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "permission_denied"),
            (403, "RESOURCE_EXHAUSTED", "x", "wait None false or too_many_requests"),
            (404, "NOT_FOUND", "x", "vendor_changed"),
            (410, "x", "x", "vendor_changed"),
            (429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", "wait None false or too_many_requests"),
            (500, "INTERNAL", "x", "retry or platform_down"),
            (503, "UNAVAILABLE", "x", "retry or platform_down"),
        ] {
            assert_eq!(
                decide(&policy, status, &refused(status, word, "m", &info(reason))),
                decision,
                "{status} {word}"
            );
        }
        let late = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"}]);
        let waits = "wait Some(1.5s) true or too_many_requests";
        assert_eq!(decide(&policy, 429, &refused(429, "RESOURCE_EXHAUSTED", "m", &late)), waits);
        assert_eq!(decide(&policy, 200, &refused(503, "UNAVAILABLE", "m", &json!([]))), "retry or platform_down");
        assert_eq!(decide(&policy, 200, r#"{"rows": []}"#), "success");
        assert_eq!(decide(&policy, 404, "<html>"), "vendor_changed");
    }
}
