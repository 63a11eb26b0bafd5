//! What TikTok says when it refuses, in our words. The vendor's codes stay in this folder.
//!
//! Every answer is `{"code", "message", "request_id", "data"}` under the status 200, and `code` alone tells a refusal. Codes: the vendor's
//! page of return codes (business-api.tiktok.com/portal/docs?id=1737172488964097) as public clients of the interface know it.

use kit::{
    http::HttpResponse,
    policy::{Attempt, Decision, DefaultPolicy, Outcome, Policy, classify},
};
use model::failure::{Code, Failure};
use serde::Deserialize;

/// Decides about answers of the resources. A rejected token may have been given anew meanwhile, so it is looked for once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Resources;

impl Policy for Resources {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        match refusal_inside(attempt) {
            Some(refusal) => DefaultPolicy::default().decide(&as_if(attempt, &refusal)),
            None => DefaultPolicy::default().decide(attempt),
        }
    }
    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        match refusal_inside(attempt) {
            Some(refusal) => classify(&as_if(attempt, &refusal)),
            None => classify(attempt),
        }
    }
}

/// Decides about the exchange of a code for a token. A code works once, so an answer that got lost is not asked for again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tokens;

impl Policy for Tokens {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        match attempt.outcome {
            Outcome::Error(failure) if matches!(failure.code, Code::Timeout | Code::BodyTruncated) => {
                Decision::Fail(failure.clone())
            }
            _ => match Resources.decide(attempt) {
                Decision::RefreshThenRetry => Decision::Fail(self.exhausted(attempt)),
                decision => decision,
            },
        }
    }
    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        Resources.exhausted(attempt)
    }
}

#[derive(Deserialize)]
struct Envelope {
    code: i64,
}

fn as_if<'a>(attempt: &Attempt<'a>, refusal: &'a HttpResponse) -> Attempt<'a> {
    Attempt { outcome: Outcome::Response(refusal), ..*attempt }
}

/// A refusal that came under a good status, under the status that its code would have elsewhere.
fn refusal_inside(attempt: &Attempt<'_>) -> Option<HttpResponse> {
    let Outcome::Response(response) = attempt.outcome else { return None };
    if !(200..300).contains(&response.status) {
        return None;
    }
    let Envelope { code } = serde_json::from_slice(response.json_bytes()).ok()?;
    let status = match code {
        // 20001: a part was done; of a list that is what is there.
        0 | 20001 => return None,
        40101..=40105 | 40110 | 51305 => 401,
        40001 | 40113 => 403,
        40007 => 404,
        40016 | 40100 | 40133 => 429,
        50000.. => 500,
        _ => 400,
    };
    let mut refusal = response.clone();
    refusal.status = status;
    Some(refusal)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use chrono::Utc;
    use kit::{http::HttpRequest, testing::response};

    fn decide(policy: &dyn Policy, status: u16, body: &str) -> String {
        let response = response("tiktok_ads", status, &[], body);
        let request = HttpRequest::get("https://business-api.tiktok.com/open_api/v1.3/campaign/get/");
        let attempt = Attempt {
            number: 1,
            request: &request,
            outcome: Outcome::Response(&response),
            now: Utc::now(),
            dice: 0.0,
            refreshed: false,
            system: "tiktok_ads",
            account: "shop",
        };
        match policy.decide(&attempt) {
            Decision::Success => "success".into(),
            Decision::Ignore => "ignore".into(),
            Decision::Fail(failure) => format!("{}: {}", failure.code.as_str(), failure.detail.unwrap_or_default()),
            Decision::Retry { .. } => format!("retry or {}", policy.exhausted(&attempt).code.as_str()),
            Decision::Pending { wait } => format!("pending {wait:?}"),
            Decision::RateLimited { wait, known } => {
                format!("limited {wait:?} {known} or {}", policy.exhausted(&attempt).code.as_str())
            }
            Decision::RefreshThenRetry => format!("again or {}", policy.exhausted(&attempt).code.as_str()),
        }
    }

    #[test]
    fn the_vendors_codes_in_our_words() {
        let inside = |code: i64| format!(r#"{{"code":{code},"message":"words","request_id":"r","data":{{}}}}"#);
        let rows = [
            (0, "success", "success"),
            (20001, "success", "success"),
            (40001, "permission_denied: words", "permission_denied: words"),
            (40113, "permission_denied: words", "permission_denied: words"),
            (40002, "request_refused: words", "request_refused: words"),
            (40067, "request_refused: words", "request_refused: words"),
            (40700, "request_refused: words", "request_refused: words"),
            (40007, "vendor_changed: words", "vendor_changed: words"),
            (40016, "limited None false or too_many_requests", "limited None false or too_many_requests"),
            (40100, "limited None false or too_many_requests", "limited None false or too_many_requests"),
            (40133, "limited None false or too_many_requests", "limited None false or too_many_requests"),
            (40101, "again or sign_in_rejected", "sign_in_rejected: words"),
            (40102, "again or sign_in_rejected", "sign_in_rejected: words"),
            (40104, "again or sign_in_rejected", "sign_in_rejected: words"),
            (40105, "again or sign_in_rejected", "sign_in_rejected: words"),
            (40110, "again or sign_in_rejected", "sign_in_rejected: words"),
            (51305, "again or sign_in_rejected", "sign_in_rejected: words"),
            (50000, "retry or platform_down", "retry or platform_down"),
            (50002, "retry or platform_down", "retry or platform_down"),
            (51010, "retry or platform_down", "retry or platform_down"),
        ];
        for (code, resources, tokens) in rows {
            assert_eq!(decide(&Resources, 200, &inside(code)), resources, "{code}");
            assert_eq!(decide(&Tokens, 200, &inside(code)), tokens, "{code}");
        }
        assert_eq!(decide(&Resources, 429, ""), "limited None false or too_many_requests");
        assert_eq!(decide(&Resources, 502, "<html>"), "retry or platform_down");
        assert_eq!(decide(&Resources, 200, "<html>"), "retry or not_json");
        assert_eq!(decide(&Resources, 200, r#"{"code":0,"data":{"li"#), "retry or body_truncated");
        assert_eq!(decide(&Resources, 404, "{}"), "vendor_changed: ");
    }
}
