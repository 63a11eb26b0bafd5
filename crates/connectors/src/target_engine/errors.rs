//! What the engine says when it refuses, in our words. The vendor's codes stay in this folder.
//!
//! Sources: ads.vk.com/doc/api/info and target.my.com/doc/api/info (errors, limits), and what production clients saw. An error comes as `{"error":{"code","message"}}`
//! or bare as `{"code","message"}` or, from the sign-in, as `{"error":"code","error_description":".."}`; for 401 the code also stands
//! in `WWW-Authenticate: Bearer realm="api", error="..."`.

use chrono::{DateTime, Utc};
use kit::{
    budget::{COMMON_WINDOWS, Window},
    http::HttpResponse,
    policy::{self, Attempt, Decision, DefaultPolicy, Outcome, Policy},
};
use model::failure::{Code, Failure};
use serde_json::Value;
use std::time::Duration;

/// Moscow has kept UTC+3 without summer time since 2014; the platform's day begins at 21:00 UTC.
const MOSCOW_DAY_OFFSET_SECS: i64 = -3 * 3600;

/// After this many attempts a long wait that only the counters ask for is believed.
const PROBES: u32 = 3;

/// Decides about answers of the resources (statistics, dictionaries, clients).
#[derive(Debug, Clone, Copy, Default)]
pub struct EnginePolicy;

impl Policy for EnginePolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let Outcome::Response(response) = attempt.outcome else { return DefaultPolicy::default().decide(attempt) };
        if let Some(refusal) = refusal_inside(response) {
            return self.decide(&Attempt { outcome: Outcome::Response(&refusal), ..*attempt });
        }
        match response.status {
            401 => match code(response).as_deref() {
                // The secret is wrong, the application or the user is blocked, consent was taken back: a new token would not help.
                Some("invalid_client" | "invalid_user" | "revoked_token") => Decision::Fail(failure(attempt, response)),
                // `expired_token` is refreshed; `invalid_token` ("Unknown access token") is refreshed or issued anew, once.
                _ => Decision::RefreshThenRetry,
            },
            429 => limited(attempt, response),
            400..=499 if response.status != 408 => Decision::Fail(failure(attempt, response)),
            _ => DefaultPolicy::default().decide(attempt),
        }
    }

    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        match attempt.outcome {
            Outcome::Response(response) => match refusal_inside(response) {
                Some(refusal) => self.exhausted(&Attempt { outcome: Outcome::Response(&refusal), ..*attempt }),
                None => failure(attempt, response),
            },
            Outcome::Error(failure) => failure.clone(),
        }
    }
}

/// A refusal that came under a good status, under the status that its code usually has.
fn refusal_inside(response: &HttpResponse) -> Option<HttpResponse> {
    let body = response.json_bytes().trim_ascii_start();
    let opens = |member: &str| body.get(1..).is_some_and(|rest| rest.trim_ascii_start().starts_with(member.as_bytes()));
    if !(200..300).contains(&response.status) || body.first() != Some(&b'{') || !opens("\"error\"") {
        return None;
    }
    let mut refusal = response.clone();
    refusal.status = match code(response)?.as_str() {
        "invalid_token" | "expired_token" | "revoked_token" | "invalid_client" | "invalid_user" | "unauthorized" => 401,
        "token_limit_exceeded" | "forbidden" | "ERR_ACCESS_DENIED" => 403,
        "ERR_INTERNAL" => 500,
        _ => 400,
    };
    Some(refusal)
}

/// Decides about answers of the token endpoint. A 401 there is about the key or the refresh token itself, so there is nothing to
/// refresh. An answer that got lost is not asked for again: the token it carried may exist, and a user has five
/// (`token_limit_exceeded` beyond). Freeing tokens cuts off every other program of the client, so only a person does that.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokenPolicy;

impl Policy for TokenPolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        match attempt.outcome {
            Outcome::Response(response) if matches!(response.status, 400..=407 | 409..=428) => {
                Decision::Fail(self.exhausted(attempt))
            }
            Outcome::Response(response) if response.status < 400 && response.looks_like_json().is_err() => {
                Decision::Fail(self.exhausted(attempt))
            }
            Outcome::Error(failure) if matches!(failure.code, Code::Timeout | Code::BodyTruncated) => {
                Decision::Fail(failure.clone())
            }
            _ => EnginePolicy.decide(attempt),
        }
    }

    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        let failure = EnginePolicy.exhausted(attempt);
        let Outcome::Response(response) = attempt.outcome else { return failure };
        // OAuth's own word for a refresh token that is used up or unknown; it comes with 400.
        if response.status == 400 && code(response).as_deref() == Some("invalid_grant") {
            return sign_in(Code::SignInRejected, attempt, response);
        }
        failure
    }
}

/// The windows of this platform that differ from the common ones.
pub fn day_window() -> Window {
    Window { offset_secs: MOSCOW_DAY_OFFSET_SECS, ..COMMON_WINDOWS[3] }
}

/// A refusal as our failure.
fn failure(attempt: &Attempt<'_>, response: &HttpResponse) -> Failure {
    match (response.status, code(response).as_deref()) {
        (401, Some("revoked_token")) => sign_in(Code::SignInRevoked, attempt, response),
        (403, Some("token_limit_exceeded")) => sign_in(Code::TokenLimit, attempt, response),
        _ => policy::classify(attempt),
    }
}

fn sign_in(code: Code, attempt: &Attempt<'_>, response: &HttpResponse) -> Failure {
    let failure = Failure::new(code).with("system", attempt.system).with("account", attempt.account);
    match policy::vendor_message(response) {
        Some(message) => failure.detail(message),
        None => failure,
    }
}

/// 429: what headers say if they do, else until the exhausted window turns over. A short window is simply waited for. A long one is
/// first doubted with a few quick probes: the shape of this body is not documented (it was seen in clients of the same engine), and
/// believing it wrongly would stop the account for a day.
fn limited(attempt: &Attempt<'_>, response: &HttpResponse) -> Decision {
    const SHORT: Duration = Duration::from_mins(1);
    if let Some(wait) = policy::told_wait(response, attempt.now) {
        return Decision::RateLimited { wait: Some(wait), known: true };
    }
    let there = policy::time_there(response, attempt.now);
    let Some(until) = exhausted_until(response, there) else {
        return Decision::RateLimited { wait: None, known: false };
    };
    let wait = (until - there).to_std().unwrap_or_default();
    if wait > SHORT && attempt.number <= PROBES {
        return Decision::RateLimited { wait: None, known: false };
    }
    Decision::RateLimited { wait: Some(wait), known: true }
}

/// When the longest window whose rest is zero turns over, from the body `{"limits":{"1":..},"remaining":{"1":..,"3600":..}}`.
fn exhausted_until(response: &HttpResponse, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let body = response.json().ok()?;
    let remaining = body.get("remaining")?.as_object()?;
    let used_up = |window: &Window| {
        let left = remaining.get(&window.period_secs.to_string());
        left.is_some_and(|left| left.as_i64() == Some(0) || left.as_str() == Some("0"))
    };
    let [second, minute, hour, _] = COMMON_WINDOWS;
    [day_window(), hour, minute, second].iter().find(|window| used_up(window)).map(|window| window.end(now))
}

/// The vendor's code of a refusal.
fn code(response: &HttpResponse) -> Option<String> {
    let in_header = response.header("www-authenticate").and_then(|header| {
        let (_, after) = header.split_once("error=\"")?;
        Some(after.split_once('"')?.0.to_owned())
    });
    let in_body = || {
        let body = response.json().ok()?;
        let at = |path: &str| body.pointer(path).and_then(Value::as_str).map(str::to_owned);
        at("/error/code").or_else(|| at("/code")).or_else(|| at("/error"))
    };
    in_header.or_else(in_body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use chrono::TimeZone;
    use kit::{http::HttpRequest, testing::response};

    fn at_noon() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, 10, 12, 30, 15).unwrap()
    }

    fn decide(policy: &dyn Policy, number: u32, status: u16, headers: &[(&str, &str)], body: &str) -> String {
        let response = response("vk_ads", status, headers, body);
        let request = HttpRequest::get("https://ads.vk.com/api/v2/ad_plans.json");
        let outcome = Outcome::Response(&response);
        let attempt = Attempt {
            number,
            request: &request,
            outcome,
            now: at_noon(),
            dice: 0.0,
            refreshed: false,
            system: "vk_ads",
            account: "shop",
        };
        match policy.decide(&attempt) {
            Decision::Success => "success".into(),
            Decision::Ignore => "ignore".into(),
            Decision::Fail(failure) => failure.code.as_str().into(),
            Decision::Retry { wait } => format!("retry {wait:?} or {}", policy.exhausted(&attempt).code.as_str()),
            Decision::RateLimited { wait, known } => {
                format!("wait {:?} {}", wait.map(|wait| wait.as_secs()), if known { "known" } else { "guessed" })
            }
            Decision::Pending { wait } => format!("pending {wait:?}"),
            Decision::RefreshThenRetry => "refresh".into(),
        }
    }

    #[test]
    fn the_vendors_refusals_in_our_words() {
        let header = |code: &str| format!("Bearer realm=\"api\", error=\"{code}\"");
        let rows = [
            (200, "", "{}", "success"),
            (200, "", "<html>", "retry None or not_json"),
            (200, "", r#"{"error":{"code":"ERR_INTERNAL","message":"m"}}"#, "retry None or platform_down"),
            (200, "", r#" { "error":{"code":"expired_token"}}"#, "refresh"),
            (200, "", r#"{"error":{"code":"ERR_ACCESS_DENIED"}}"#, "permission_denied"),
            (200, "", r#"{"error":{"code":"ERR_WRONG_DATE"}}"#, "request_refused"),
            (200, "", r#"{"items":[],"error":null}"#, "success"),
            (401, "expired_token", "", "refresh"),
            (401, "invalid_token", "", "refresh"),
            (401, "", r#"{"error":{"code":"expired_token","message":"m"}}"#, "refresh"),
            (401, "invalid_client", "", "sign_in_rejected"),
            (401, "", r#"{"code":"invalid_user","message":"blocked"}"#, "sign_in_rejected"),
            (401, "revoked_token", "", "sign_in_revoked"),
            (401, "", r#"{"error":"revoked_token"}"#, "sign_in_revoked"),
            (400, "", r#"{"error":{"code":"ERR_LIMIT_EXCEEDED","message":"m"}}"#, "request_refused"),
            (400, "", r#"{"error":{"code":"ERR_WRONG_BANNERS","message":"m"}}"#, "request_refused"),
            (403, "", r#"{"error":{"code":"token_limit_exceeded"}}"#, "token_limit"),
            (403, "", r#"{"code":"token_limit_exceeded"}"#, "token_limit"),
            (403, "", r#"{"error":{"code":"ERR_ACCESS_DENIED"}}"#, "permission_denied"),
            (404, "", r#"{"error":{"code":"ERR_WRONG_RESOURCE"}}"#, "vendor_changed"),
            (405, "", "{}", "request_refused"),
            (408, "", "", "retry None or platform_down"),
            (413, "", "", "request_refused"),
            (500, "", r#"{"error":{"code":"ERR_INTERNAL"}}"#, "retry None or platform_down"),
            (503, "", "<html>", "retry None or platform_down"),
        ];
        for (status, code, body, decision) in rows {
            let challenge = header(code);
            let headers = [("WWW-Authenticate", challenge.as_str())];
            let headers = if code.is_empty() { &[][..] } else { &headers[..] };
            assert_eq!(decide(&EnginePolicy, 1, status, headers, body), decision, "{status} {code} {body}");
        }
    }

    #[test]
    fn the_token_endpoint_is_not_asked_twice_for_what_may_exist() {
        let rows = [
            (200, "{}", "success"),
            (200, r#"{"access_token":"abc"#, "body_truncated"),
            (200, "<html>", "not_json"),
            (400, r#"{"error":"invalid_grant"}"#, "sign_in_rejected"),
            (400, r#"{"error":{"code":"required"}}"#, "request_refused"),
            (401, r#"{"code":"invalid_token"}"#, "sign_in_rejected"),
            (401, r#"{"code":"revoked_token"}"#, "sign_in_revoked"),
            (403, r#"{"code":"token_limit_exceeded"}"#, "token_limit"),
            (500, "", "retry None or platform_down"),
        ];
        for (status, body, decision) in rows {
            assert_eq!(decide(&TokenPolicy, 1, status, &[], body), decision, "{status} {body}");
        }
    }

    #[test]
    fn a_limit_waits_for_the_window_that_is_used_up() {
        let left = |second: &str, hour: &str, day: &str| {
            format!(r#"{{"limits":{{}},"remaining":{{"1":{second},"3600":{hour},"86400":{day}}}}}"#)
        };
        let rows = [
            (1, left("0", "5", "9"), "wait Some(1) known"),
            (4, left("0", "5", "9"), "wait Some(1) known"),
            (1, left("1", "0", "9"), "wait None guessed"),
            (4, left("1", "0", "9"), "wait Some(1785) known"),
            (4, left("0", "\"0\"", "9"), "wait Some(1785) known"),
            // Midnight in Moscow, not in Greenwich.
            (4, left("0", "0", "0"), "wait Some(30585) known"),
            (1, left("0", "0", "0"), "wait None guessed"),
            (4, left("3", "3", "3"), "wait None guessed"),
            (4, "slow down".to_owned(), "wait None guessed"),
        ];
        for (number, body, decision) in rows {
            assert_eq!(decide(&EnginePolicy, number, 429, &[], &body), decision, "{number} {body}");
        }
        let told = decide(&EnginePolicy, 1, 429, &[("Retry-After", "7")], &left("0", "0", "0"));
        assert_eq!(told, "wait Some(7) known");
        // Our clock says half past twelve; what counts is how late it is there.
        let date = ("Date", "Tue, 10 Mar 2026 09:00:00 GMT");
        for (name, value) in [
            ("Retry-After", "Tue, 10 Mar 2026 09:00:40 GMT"),
            ("X-RateLimit-Reset", "1773133240"),
            ("X-RateLimit-Reset", "40"),
        ] {
            assert_eq!(
                decide(&EnginePolicy, 1, 429, &[date, (name, value)], "{}"),
                "wait Some(40) known",
                "{name}: {value}"
            );
        }
    }
}
