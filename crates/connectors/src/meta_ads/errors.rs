//! What the Graph API says when it refuses, in our words. Its codes stay in this folder.
//!
//! Sources: developers.facebook.com/docs/graph-api/guides/error-handling, .../docs/graph-api/overview/rate-limiting and the error tables of
//! the Marketing API's reference. An error comes as `{"error":{"message","type","code","error_subcode","is_transient","fbtrace_id"}}`, and
//! its status says little: a dead token, a limit and a wrong parameter are all 400.

use kit::{
    http::HttpResponse,
    policy::{self, Attempt, Decision, DefaultPolicy, Outcome, Policy},
};
use model::failure::{Code, Failure};
use serde_json::Value;
use std::time::Duration;

/// How much of a limit may be used before requests slow down, and before they pause, in percent. Meta advises to begin no reports at 70.
const NEAR: f64 = 75.0;
const FULL: f64 = 90.0;
/// Rests after an answer that says so. Usage is counted over an hour, so it sinks slowly.
const SLOW: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_mins(1);
/// Wait for a limit of which nobody says when it ends: a minute at first, never more than five.
const LIMIT_FROM: Duration = Duration::from_mins(1);
const LIMIT_TO: Duration = Duration::from_mins(5);

/// Decides about answers of the Graph API.
#[derive(Debug, Clone, Copy)]
pub struct GraphPolicy;

/// An error of the Graph API.
struct GraphError {
    code: i64,
    subcode: i64,
    is_transient: bool,
}

/// What an error asks for.
enum Meaning {
    /// It passes.
    Transient,
    /// Too many calls.
    Limit,
    /// It fails as this.
    Ends(Code),
    /// Nobody told us; the status decides.
    Unknown,
}

impl GraphError {
    /// The error in an answer. A good answer is only looked at where it begins like one.
    fn of(response: &HttpResponse) -> Option<Self> {
        let body = response.json_bytes().trim_ascii_start();
        let inside = || body.strip_prefix(b"{").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\"error\""));
        if response.status < 400 && !inside() {
            return None;
        }
        let body = response.json().ok()?;
        let error = body.get("error")?;
        let number = |name: &str| error.get(name).and_then(Value::as_i64).unwrap_or_default();
        let is_transient = error.get("is_transient").and_then(Value::as_bool).unwrap_or_default();
        Some(Self { code: error.get("code")?.as_i64()?, subcode: number("error_subcode"), is_transient })
    }

    fn meaning(&self) -> Meaning {
        match (self.code, self.subcode) {
            // The person took the app's access back.
            (190, 458) => Meaning::Ends(Code::SignInRevoked),
            // A changed password, an ended or a damaged token, no token at all.
            (190 | 102 | 104, _) => Meaning::Ends(Code::SignInRejected),
            // Rights of the token, access levels of the app, accounts that are not shared (any more), a blocked app.
            (3 | 10 | 200..=299 | 368, _) | (100, 33) => Meaning::Ends(Code::PermissionDenied),
            // The version is over, or the path is no path.
            (2500 | 2635, _) => Meaning::Ends(Code::VendorChanged),
            (4 | 17 | 32 | 613 | 80_000..=80_014, _) => Meaning::Limit,
            (1 | 2, _) => Meaning::Transient,
            _ if self.is_transient => Meaning::Transient,
            _ => Meaning::Unknown,
        }
    }
}

impl Policy for GraphPolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let Outcome::Response(response) = attempt.outcome else { return DefaultPolicy::default().decide(attempt) };
        let Some(error) = GraphError::of(response) else { return DefaultPolicy::default().decide(attempt) };
        match error.meaning() {
            Meaning::Transient => Decision::Retry { wait: None },
            Meaning::Limit => {
                let told = free_again(response);
                let doubled = LIMIT_FROM * 2_u32.pow(attempt.number.saturating_sub(1).min(8));
                Decision::RateLimited { wait: Some(told.unwrap_or(doubled.min(LIMIT_TO))), known: told.is_some() }
            }
            Meaning::Ends(_) => Decision::Fail(self.exhausted(attempt)),
            // An error under a good status has no status that could decide.
            Meaning::Unknown if response.status < 400 => Decision::Fail(self.exhausted(attempt)),
            Meaning::Unknown => DefaultPolicy::default().decide(attempt),
        }
    }

    fn rest(&self, response: &HttpResponse) -> Option<Duration> {
        match used(response) {
            used if used >= FULL => Some(PAUSE),
            used if used >= NEAR => Some(SLOW),
            _ => None,
        }
    }

    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        let Outcome::Response(response) = attempt.outcome else { return policy::classify(attempt) };
        let code = match GraphError::of(response).map(|error| error.meaning()) {
            Some(Meaning::Transient) => Code::PlatformDown,
            Some(Meaning::Limit) => Code::TooManyRequests,
            Some(Meaning::Ends(code)) => code,
            Some(Meaning::Unknown) if response.status < 400 => Code::RequestRefused,
            _ => return policy::classify(attempt),
        };
        let failure = Failure::new(code).with("system", attempt.system);
        let failure = match code {
            Code::PlatformDown | Code::RequestRefused => failure.with("status", response.status),
            Code::VendorChanged => failure.with("what", &response.url),
            Code::TooManyRequests => failure,
            _ => failure.with("account", attempt.account),
        };
        match policy::vendor_message(response) {
            Some(message) => failure.detail(message),
            None => failure,
        }
    }
}

/// The header of this name as JSON.
fn told(response: &HttpResponse, name: &str) -> Option<Value> {
    serde_json::from_str(response.header(name)?).ok()
}

/// Usage of the business' accounts: a list of kinds of calls for each.
fn business_usage(response: &HttpResponse) -> Vec<Value> {
    let usage = told(response, "x-business-use-case-usage");
    let accounts = usage.as_ref().and_then(Value::as_object).into_iter().flat_map(|accounts| accounts.values());
    accounts.filter_map(Value::as_array).flatten().cloned().collect()
}

/// When the longest block ends, if the answer says so. Blocks are told in minutes.
fn free_again(response: &HttpResponse) -> Option<Duration> {
    let minutes = |usage: &Value| usage.get("estimated_time_to_regain_access").and_then(Value::as_u64);
    let longest = business_usage(response).iter().filter_map(minutes).max().filter(|minutes| *minutes > 0);
    longest.map(|minutes| Duration::from_secs(minutes.saturating_mul(60)))
}

/// How much of the nearest limit is used, in percent.
fn used(response: &HttpResponse) -> f64 {
    let apart = ["x-fb-ads-insights-throttle", "x-ad-account-usage", "x-app-usage"];
    let apart = apart.iter().filter_map(|name| told(response, name));
    let names = ["app_id_util_pct", "acc_id_util_pct", "call_count", "total_cputime", "total_time"];
    let percents = |usage: Value| names.map(|name| usage.get(name).and_then(Value::as_f64).unwrap_or_default());
    apart.chain(business_usage(response)).flat_map(percents).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use chrono::Utc;
    use kit::{http::HttpRequest, testing::response};

    fn decide(number: u32, status: u16, headers: &[(&str, &str)], body: &str) -> String {
        let response = response("meta_ads", status, headers, body);
        let request = HttpRequest::get("https://graph.facebook.com/v25.0/act_1/insights");
        let outcome = Outcome::Response(&response);
        let (system, account) = ("meta_ads", "shop");
        let attempt = Attempt {
            number,
            request: &request,
            outcome,
            now: Utc::now(),
            dice: 0.0,
            refreshed: false,
            system,
            account,
        };
        match GraphPolicy.decide(&attempt) {
            Decision::Fail(failure) => failure.code.as_str().to_owned(),
            Decision::Retry { .. } => format!("retry or {}", GraphPolicy.exhausted(&attempt).code.as_str()),
            Decision::RateLimited { wait, known } => {
                let end = GraphPolicy.exhausted(&attempt).code.as_str();
                format!("wait {} {} or {end}", wait.unwrap().as_secs(), if known { "known" } else { "guessed" })
            }
            Decision::Success => "success".to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn every_code_of_the_vendors_tables_has_its_meaning() {
        let rows = [
            (200, r#"{"data":[]}"#, "success"),
            (200, r#"{"error":{"code":190}}"#, "sign_in_rejected"),
            (200, r#"{"error":{"code":12345}}"#, "request_refused"),
            (400, r#"{"error":{"code":190,"error_subcode":460}}"#, "sign_in_rejected"),
            (401, r#"{"error":{"code":190,"error_subcode":463}}"#, "sign_in_rejected"),
            (401, r#"{"error":{"code":190,"error_subcode":467}}"#, "sign_in_rejected"),
            (400, r#"{"error":{"code":190,"error_subcode":458}}"#, "sign_in_revoked"),
            (400, r#"{"error":{"code":102}}"#, "sign_in_rejected"),
            (400, r#"{"error":{"code":104}}"#, "sign_in_rejected"),
            (400, r#"{"error":{"code":10}}"#, "permission_denied"),
            (403, r#"{"error":{"code":200}}"#, "permission_denied"),
            (400, r#"{"error":{"code":294}}"#, "permission_denied"),
            (400, r#"{"error":{"code":3}}"#, "permission_denied"),
            (400, r#"{"error":{"code":368}}"#, "permission_denied"),
            (400, r#"{"error":{"code":100,"error_subcode":33}}"#, "permission_denied"),
            (400, r#"{"error":{"code":100}}"#, "request_refused"),
            (400, r#"{"error":{"code":3018}}"#, "request_refused"),
            (400, r#"{"error":{"code":2635}}"#, "vendor_changed"),
            (400, r#"{"error":{"code":2500}}"#, "vendor_changed"),
            (500, r#"{"error":{"code":1}}"#, "retry or platform_down"),
            (503, r#"{"error":{"code":2}}"#, "retry or platform_down"),
            (400, r#"{"error":{"code":99999,"is_transient":true}}"#, "retry or platform_down"),
            (502, "<html>", "retry or platform_down"),
            (400, r#"{"error":{"code":4}}"#, "wait 60 guessed or too_many_requests"),
            (400, r#"{"error":{"code":17,"error_subcode":2446079}}"#, "wait 60 guessed or too_many_requests"),
            (400, r#"{"error":{"code":32}}"#, "wait 60 guessed or too_many_requests"),
            (400, r#"{"error":{"code":613}}"#, "wait 60 guessed or too_many_requests"),
            (403, r#"{"error":{"code":80000}}"#, "wait 60 guessed or too_many_requests"),
            (400, r#"{"error":{"code":80004}}"#, "wait 60 guessed or too_many_requests"),
        ];
        for (status, body, decision) in rows {
            assert_eq!(decide(1, status, &[], body), decision, "{status} {body}");
        }
    }

    #[test]
    fn a_limit_waits_as_long_as_its_header_says() {
        let body = r#"{"error":{"code":80000}}"#;
        let usage = r#"{"1":[{"type":"ads_insights","estimated_time_to_regain_access":7}],"2":[{"estimated_time_to_regain_access":3}]}"#;
        let headers = [("X-Business-Use-Case-Usage", usage)];
        assert_eq!(decide(1, 400, &headers, body), "wait 420 known or too_many_requests");
        let none = [("X-Business-Use-Case-Usage", r#"{"1":[{"estimated_time_to_regain_access":0}]}"#)];
        assert_eq!(decide(2, 400, &none, body), "wait 120 guessed or too_many_requests");
        assert_eq!(decide(9, 400, &[], body), "wait 300 guessed or too_many_requests");
    }

    #[test]
    fn usage_near_a_limit_slows_down() {
        let rows = [
            ("X-FB-Ads-Insights-Throttle", r#"{"app_id_util_pct":74.9,"acc_id_util_pct":10}"#, None),
            ("X-FB-Ads-Insights-Throttle", r#"{"app_id_util_pct":0,"acc_id_util_pct":75}"#, Some(SLOW)),
            ("X-FB-Ads-Insights-Throttle", r#"{"app_id_util_pct":90.5}"#, Some(PAUSE)),
            ("X-Business-Use-Case-Usage", r#"{"1":[{"call_count":3,"total_cputime":99,"total_time":4}]}"#, Some(PAUSE)),
            ("X-Ad-Account-Usage", r#"{"acc_id_util_pct":9.67,"reset_time_duration":100}"#, None),
            ("X-App-Usage", r#"{"call_count":28,"total_time":80,"total_cputime":25}"#, Some(SLOW)),
            ("X-App-Usage", "95", None),
        ];
        for (name, value, rest) in rows {
            assert_eq!(GraphPolicy.rest(&response("meta_ads", 200, &[(name, value)], "{}")), rest, "{name} {value}");
        }
    }
}
