//! What Telegram Ads says when it refuses, in our words. The vendor's words stay in this folder.
//!
//! An answer is `{"ok": true, "result": ...}` or `{"ok": false, "error": "AD_ID_INVALID"}`, both under the status 200 (a client reckons with
//! others, too). Words: those that public clients of promoteapi.telegram.org know, and their pattern, `WHAT_INVALID`.

use kit::{
    http::HttpResponse,
    policy::{Attempt, Decision, DefaultPolicy, Outcome, Policy, classify},
};
use model::failure::Failure;
use serde::Deserialize;
use std::time::Duration;

/// What a refusal for too many requests begins with; the seconds to wait follow.
const FLOOD: &str = "FLOOD_WAIT_";

/// Decides about answers of the methods. Nothing renews a token, so a rejected one is final.
#[derive(Debug, Clone, Copy, Default)]
pub struct Methods;

impl Policy for Methods {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let Some((word, refusal)) = refusal_inside(attempt) else { return DefaultPolicy::default().decide(attempt) };
        let told = word.strip_prefix(FLOOD).and_then(|secs| secs.parse().ok()).map(Duration::from_secs);
        match (refusal.status, told) {
            (429, Some(wait)) => Decision::RateLimited { wait: Some(wait), known: true },
            (401, _) => Decision::Fail(self.exhausted(attempt)),
            _ => DefaultPolicy::default().decide(&as_if(attempt, &refusal)),
        }
    }
    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        match refusal_inside(attempt) {
            Some((_, refusal)) => classify(&as_if(attempt, &refusal)),
            None => classify(attempt),
        }
    }
}

#[derive(Deserialize)]
struct Envelope {
    ok: bool,
    #[serde(default)]
    error: String,
}

fn as_if<'a>(attempt: &Attempt<'a>, refusal: &'a HttpResponse) -> Attempt<'a> {
    Attempt { outcome: Outcome::Response(refusal), ..*attempt }
}

/// The word of a refusal, and the answer under the status that the word would have elsewhere.
fn refusal_inside(attempt: &Attempt<'_>) -> Option<(String, HttpResponse)> {
    let Outcome::Response(response) = attempt.outcome else { return None };
    let Envelope { ok: false, error } = serde_json::from_slice(response.json_bytes()).ok()? else { return None };
    let status = match error.as_str() {
        word if word.starts_with("ACCESS_TOKEN_") => 401,
        word if word.starts_with(FLOOD) || word == "TOO_MANY_REQUESTS" => 429,
        "INTERNAL_SERVER_ERROR" => 500,
        // No account of this token's, or no longer.
        word if word.starts_with("ACCOUNT_ID_") || word.ends_with("_FORBIDDEN") || word.ends_with("_DENIED") => 403,
        word if word.starts_with("METHOD_") => 404,
        _ => 400,
    };
    let mut refusal = response.clone();
    refusal.status = status;
    Some((error, refusal))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use chrono::Utc;
    use kit::{http::HttpRequest, testing::response};

    fn decide(status: u16, body: &str) -> String {
        let response = response("telegram_ads", status, &[], body);
        let request = HttpRequest::get("https://promoteapi.telegram.org/getAdsList");
        let attempt = Attempt {
            number: 1,
            request: &request,
            outcome: Outcome::Response(&response),
            now: Utc::now(),
            dice: 0.0,
            refreshed: false,
            system: "telegram_ads",
            account: "shop",
        };
        match Methods.decide(&attempt) {
            Decision::Success => "success".into(),
            Decision::Ignore => "ignore".into(),
            Decision::Fail(failure) => format!("{}: {}", failure.code.as_str(), failure.detail.unwrap_or_default()),
            Decision::Retry { .. } => format!("retry or {}", Methods.exhausted(&attempt).code.as_str()),
            Decision::Pending { wait } => format!("pending {wait:?}"),
            Decision::RateLimited { wait, known } => {
                format!("limited {wait:?} {known} or {}", Methods.exhausted(&attempt).code.as_str())
            }
            Decision::RefreshThenRetry => format!("again or {}", Methods.exhausted(&attempt).code.as_str()),
        }
    }

    #[test]
    fn the_vendors_words_in_ours() {
        for (word, decision) in [
            ("ACCESS_TOKEN_INVALID", "sign_in_rejected: ACCESS_TOKEN_INVALID"),
            ("ACCESS_TOKEN_REQUIRED", "sign_in_rejected: ACCESS_TOKEN_REQUIRED"),
            ("ACCESS_TOKEN_EXPIRED", "sign_in_rejected: ACCESS_TOKEN_EXPIRED"),
            ("FLOOD_WAIT_12", "limited Some(12s) true or too_many_requests"),
            ("FLOOD_WAIT_X", "limited None false or too_many_requests"),
            ("TOO_MANY_REQUESTS", "limited None false or too_many_requests"),
            ("INTERNAL_SERVER_ERROR", "retry or platform_down"),
            ("ACCOUNT_ID_INVALID", "permission_denied: ACCOUNT_ID_INVALID"),
            ("METHOD_INVALID", "vendor_changed: METHOD_INVALID"),
            ("AD_ID_INVALID", "request_refused: AD_ID_INVALID"),
            ("SOMETHING_NEW", "request_refused: SOMETHING_NEW"),
        ] {
            let body = format!(r#"{{"ok":false,"error":"{word}"}}"#);
            assert_eq!(decide(200, &body), decision, "{word}");
            assert_eq!(decide(400, &body), decision, "{word} under 400");
        }
        assert_eq!(decide(200, r#"{"ok":true,"result":[]}"#), "success");
        assert_eq!(decide(429, ""), "limited None false or too_many_requests");
        assert_eq!(decide(502, "<html>Bad gateway</html>"), "retry or platform_down");
        assert_eq!(decide(200, "<html>"), "retry or not_json");
        assert_eq!(decide(200, r#"{"ok":true,"result":["#), "retry or body_truncated");
        assert_eq!(decide(404, "Not Found"), "vendor_changed: Not Found");
    }
}
