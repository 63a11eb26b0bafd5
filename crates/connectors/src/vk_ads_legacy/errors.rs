//! What VK's methods say when they refuse, in our words. The vendor's codes stay in this folder.
//!
//! Everything is answered under the status 200: `{"response": ...}` or `{"error": {"error_code", "error_msg", ...}}`, and nothing tells how
//! long to wait. Codes: VKCOM/vk-api-schema 5.199, `errors.json`; waits: what production clients do.

use kit::{
    http::HttpResponse,
    policy::{Attempt, Decision, DefaultPolicy, Outcome, Policy, classify},
};
use model::failure::Failure;
use serde::Deserialize;
use std::time::Duration;

/// After too many requests in a second.
const SECOND: Duration = Duration::from_secs(1);
/// After a flood or a limit of a method.
const FLOOD: Duration = Duration::from_mins(1);
/// When the account's actions are used up: they come back within an hour.
const USED_UP: Duration = Duration::from_mins(10);

/// Decides about answers of the methods.
#[derive(Debug, Clone, Copy, Default)]
pub struct Methods;

impl Policy for Methods {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let Some(refusal) = Refusal::inside(attempt) else { return DefaultPolicy::default().decide(attempt) };
        let limited = |wait| Decision::RateLimited { wait: Some(wait), known: false };
        match (refusal.error_code, refusal.status()) {
            (6, _) => limited(SECOND),
            (601, _) => limited(USED_UP),
            (_, 429) => limited(FLOOD),
            (_, 500) => Decision::Retry { wait: None },
            _ => Decision::Fail(self.exhausted(attempt)),
        }
    }
    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        match (Refusal::inside(attempt), attempt.outcome) {
            (Some(refusal), Outcome::Response(response)) => refusal.failure(attempt, response),
            _ => classify(attempt),
        }
    }
}

/// A refusal usually lies below `error`; a production client meets it bare, too.
#[derive(Deserialize)]
struct Envelope {
    error: Option<Refusal>,
    error_code: Option<i64>,
    #[serde(default)]
    error_msg: String,
}

#[derive(Deserialize)]
struct Refusal {
    error_code: i64,
    #[serde(default)]
    error_msg: String,
}

impl Refusal {
    /// The refusal in an answer, if it is one.
    fn inside(attempt: &Attempt<'_>) -> Option<Self> {
        let Outcome::Response(response) = attempt.outcome else { return None };
        if !(200..300).contains(&response.status) {
            return None;
        }
        let Envelope { error, error_code, error_msg } = serde_json::from_slice(response.json_bytes()).ok()?;
        error.or_else(|| Some(Self { error_code: error_code?, error_msg }))
    }

    /// The status that the code would have elsewhere.
    fn status(&self) -> u16 {
        match self.error_code {
            // The token is wrong or the user is blocked; a person has to enter a captcha or to confirm a sign-in.
            4 | 5 | 14 | 16 | 17 | 18 | 27 | 28 | 37 => 401,
            // 42: the token is bound to other addresses.
            7 | 15 | 20 | 21 | 42 | 203 | 600 => 403,
            // No such method any more, or its object was deleted.
            3 | 23 | 34 | 104 | 629 => 404,
            6 | 9 | 29 | 32 | 601 | 603 => 429,
            1 | 10 | 36 | 43 => 500,
            _ => 400,
        }
    }

    /// It as our failure, in the platform's words and without the request that it repeats.
    fn failure(&self, attempt: &Attempt<'_>, response: &HttpResponse) -> Failure {
        let mut elsewhere = response.clone();
        elsewhere.status = self.status();
        let failure = classify(&Attempt { outcome: Outcome::Response(&elsewhere), ..*attempt });
        failure.detail(response.redacted(&format!("{} ({})", self.error_msg, self.error_code)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use chrono::Utc;
    use kit::{http::HttpRequest, testing::response};

    fn decide(status: u16, body: &str) -> String {
        let response = response("vk_ads_legacy", status, &[], body);
        let request = HttpRequest::get("https://api.vk.com/method/ads.getCampaigns");
        let attempt = Attempt {
            number: 1,
            request: &request,
            outcome: Outcome::Response(&response),
            now: Utc::now(),
            dice: 0.0,
            refreshed: false,
            system: "vk_ads_legacy",
            account: "shop",
        };
        let exhausted = || Methods.exhausted(&attempt).code.as_str();
        match Methods.decide(&attempt) {
            Decision::Success => "success".into(),
            Decision::Ignore => "ignore".into(),
            Decision::Fail(failure) => format!("{}: {}", failure.code.as_str(), failure.detail.unwrap_or_default()),
            Decision::Retry { .. } => format!("retry or {}", exhausted()),
            Decision::Pending { wait } => format!("pending {wait:?}"),
            Decision::RateLimited { wait, known } => {
                format!("{:?} s {known} or {}", wait.map(|wait| wait.as_secs()), exhausted())
            }
            Decision::RefreshThenRetry => "refresh".into(),
        }
    }

    #[test]
    fn the_vendors_codes_in_our_words() {
        for (code, decision) in [
            (1, "retry or platform_down"),
            (10, "retry or platform_down"),
            (5, "sign_in_rejected: words (5)"),
            (14, "sign_in_rejected: words (14)"),
            (17, "sign_in_rejected: words (17)"),
            (6, "Some(1) s false or too_many_requests"),
            (9, "Some(60) s false or too_many_requests"),
            (29, "Some(60) s false or too_many_requests"),
            (603, "Some(60) s false or too_many_requests"),
            (601, "Some(600) s false or too_many_requests"),
            (15, "permission_denied: words (15)"),
            (600, "permission_denied: words (600)"),
            (100, "request_refused: words (100)"),
            (602, "request_refused: words (602)"),
            (629, "vendor_changed: words (629)"),
            (3, "vendor_changed: words (3)"),
            (12_345, "request_refused: words (12345)"),
        ] {
            let body = format!(r#"{{"error":{{"error_code":{code},"error_msg":"words","request_params":[]}}}}"#);
            assert_eq!(decide(200, &body), decision, "{code}");
        }
        assert_eq!(decide(200, r#"{"error_code":15,"error_msg":"words"}"#), "permission_denied: words (15)");
        assert_eq!(decide(200, r#"{"response":[]}"#), "success");
        assert_eq!(decide(200, "<html>"), "retry or not_json");
        assert_eq!(decide(502, "<html>"), "retry or platform_down");
        assert_eq!(decide(414, ""), "request_refused: ");
    }
}
