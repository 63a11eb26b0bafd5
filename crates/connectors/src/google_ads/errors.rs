//! What Google Ads says when it refuses, in our words. Its codes stay in this folder.
//!
//! Sources: developers.google.com/google-ads/api/docs/best-practices/error-types, .../quotas and googleapis/googleapis
//! (google/ads/googleads/v25/errors). An error comes as `{"error":{"code","message","status","details"}}`; what is wrong stands in a detail,
//! as `{"errors":[{"errorCode":{"quotaError":"RESOURCE_EXHAUSTED"},"message","details"}]}`, or, where the request did not get as far as
//! Google Ads, as `{"reason":"ACCESS_TOKEN_EXPIRED"}`.

use crate::google;
use kit::http::HttpResponse;
use kit::policy::{self, Attempt, Decision, DefaultPolicy, Outcome, Policy};
use model::failure::{Code, Failure};
use serde_json::Value;
use std::time::Duration;

/// Decides about answers of Google Ads.
#[derive(Debug, Clone, Copy)]
pub struct AdsPolicy;

/// A refusal.
#[derive(Default)]
struct Refusal {
    /// The status it stands for; that of the answer may be another.
    status: u16,
    /// The code of the first error, such as `USER_PERMISSION_DENIED`; empty where Google Ads itself has not spoken.
    code: String,
    /// Its message, which says more than that of the envelope.
    message: Option<String>,
    /// How long to wait, for quotas.
    delay: Option<Duration>,
}

impl Refusal {
    fn of(response: &HttpResponse) -> Option<Self> {
        let refusal = google::Refusal::of(response)?;
        let first = refusal.details().find_map(|detail| detail.get("errors")?.as_array()?.first());
        let delay = first.and_then(|first| first.pointer("/details/quotaErrorDetails/retryDelay")?.as_str());
        Some(Self {
            status: refusal.status,
            code: first.and_then(code_of).unwrap_or_default(),
            message: first.and_then(|first| Some(first.get("message")?.as_str()?.to_owned())),
            delay: delay.and_then(google::seconds),
        })
    }

    /// What it ends in; `None`: it does not end here, or the status decides.
    fn ends(&self) -> Option<Code> {
        Some(match (self.status, self.code.as_str()) {
            (_, "OAUTH_TOKEN_REVOKED") => Code::SignInRevoked,
            // Another person has to sign in: this one has no Google Ads, or must protect their account first.
            (401, "NOT_ADS_USER" | "TWO_STEP_VERIFICATION_NOT_ENROLLED" | "OAUTH_TOKEN_DISABLED") => {
                Code::SignInRejected
            }
            // The sign-in is good, the account is not, or not for it.
            (
                _,
                "CUSTOMER_NOT_FOUND"
                | "CLIENT_CUSTOMER_ID_INVALID"
                | "CLIENT_CUSTOMER_ID_IS_REQUIRED"
                | "INVALID_CUSTOMER_ID",
            )
            | (403, _) => Code::PermissionDenied,
            (_, "UNSUPPORTED_VERSION") => Code::VendorChanged,
            _ => return None,
        })
    }
}

/// The value of an error's one-membered `errorCode`.
fn code_of(error: &Value) -> Option<String> {
    Some(error.get("errorCode")?.as_object()?.values().next()?.as_str()?.to_owned())
}

impl Policy for AdsPolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let Outcome::Response(response) = attempt.outcome else { return DefaultPolicy::default().decide(attempt) };
        let Some(refusal) = Refusal::of(response) else { return DefaultPolicy::default().decide(attempt) };
        if refusal.ends().is_some() {
            return Decision::Fail(self.exhausted(attempt));
        }
        match refusal.status {
            401 => Decision::RefreshThenRetry,
            429 => Decision::RateLimited { wait: refusal.delay, known: refusal.delay.is_some() },
            408 | 500.. => Decision::Retry { wait: None },
            _ => Decision::Fail(self.exhausted(attempt)),
        }
    }

    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        let Outcome::Response(response) = attempt.outcome else { return policy::classify(attempt) };
        let Some(refusal) = Refusal::of(response) else { return policy::classify(attempt) };
        let code = refusal.ends().unwrap_or_else(|| google::meaning(refusal.status));
        let failure = google::failure(code, refusal.status, attempt, response);
        let message = match &refusal.message {
            Some(message) => Some(response.redacted(&format!("{}: {message}", refusal.code))),
            None => policy::vendor_message(response),
        };
        message.into_iter().fold(failure, Failure::detail)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use serde_json::json;

    fn decide(status: u16, body: &str) -> String {
        google::tests::decide(&AdsPolicy, status, body)
    }

    fn refused(status: u16, family: &str, code: &str) -> String {
        let error = json!({"errorCode": {family: code}, "message": "m"});
        let body = json!({"error": {"code": status, "message": "e", "details": [{"@type": "x"}, {"errors": [error]}]}});
        decide(status, &body.to_string())
    }

    #[test]
    fn every_code_of_the_vendors_tables_has_its_meaning() {
        for (status, family, code, decision) in [
            (401, "authenticationError", "OAUTH_TOKEN_EXPIRED", "refresh or sign_in_rejected"),
            (401, "authenticationError", "OAUTH_TOKEN_INVALID", "refresh or sign_in_rejected"),
            (401, "authenticationError", "OAUTH_TOKEN_REVOKED", "sign_in_revoked"),
            (401, "authenticationError", "NOT_ADS_USER", "sign_in_rejected"),
            (401, "authenticationError", "TWO_STEP_VERIFICATION_NOT_ENROLLED", "sign_in_rejected"),
            (401, "authenticationError", "CUSTOMER_NOT_FOUND", "permission_denied"),
            (400, "authenticationError", "CLIENT_CUSTOMER_ID_INVALID", "permission_denied"),
            (400, "requestError", "INVALID_CUSTOMER_ID", "permission_denied"),
            (403, "authorizationError", "USER_PERMISSION_DENIED", "permission_denied"),
            (403, "authorizationError", "CUSTOMER_NOT_ENABLED", "permission_denied"),
            (403, "authorizationError", "CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION", "permission_denied"),
            (403, "authorizationError", "DEVELOPER_TOKEN_NOT_APPROVED", "permission_denied"),
            (400, "queryError", "UNRECOGNIZED_FIELD", "request_refused"),
            (400, "queryError", "REQUESTED_METRICS_FOR_MANAGER", "request_refused"),
            (400, "requestError", "UNSUPPORTED_VERSION", "vendor_changed"),
            (429, "quotaError", "RESOURCE_TEMPORARILY_EXHAUSTED", "wait None false or too_many_requests"),
            (500, "internalError", "INTERNAL_ERROR", "retry or platform_down"),
            (503, "internalError", "TRANSIENT_ERROR", "retry or platform_down"),
        ] {
            assert_eq!(refused(status, family, code), decision, "{status} {code}");
        }
        let reason = |status: u16, reason: &str| {
            let body = json!({"error": {"code": status, "message": "e", "details": [{"reason": reason}]}});
            decide(status, &body.to_string())
        };
        assert_eq!(reason(401, "ACCESS_TOKEN_EXPIRED"), "refresh or sign_in_rejected");
        assert_eq!(reason(403, "SERVICE_DISABLED"), "permission_denied");
        assert_eq!(decide(200, r#"{"results":[]}"#), "success");
        assert_eq!(decide(200, r#"{"error":{"code":503,"message":"m"}}"#), "retry or platform_down");
        assert_eq!(decide(404, "<html>"), "vendor_changed");
        assert_eq!(decide(502, "<html>"), "retry or platform_down");
    }

    #[test]
    fn a_quota_waits_as_long_as_it_says() {
        let quota = |delay: &str| {
            let details =
                json!({"quotaErrorDetails": {"rateScope": "DEVELOPER", "rateName": "n", "retryDelay": delay}});
            let error = json!({"errorCode": {"quotaError": "RESOURCE_EXHAUSTED"}, "details": details});
            decide(429, &json!({"error": {"code": 429, "details": [{"errors": [error]}]}}).to_string())
        };
        assert_eq!(quota("8962s"), "wait Some(8962s) true or too_many_requests");
        assert_eq!(quota("1.5s"), "wait Some(1.5s) true or too_many_requests");
        assert_eq!(quota("soon"), "wait None false or too_many_requests");
    }
}
