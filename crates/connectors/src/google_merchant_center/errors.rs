//! What Merchant API says when it refuses. It speaks as Google's interfaces do, with one exception: a Cloud project that was never
//! registered with a shop is refused with 401, which a new token does not mend.
//!
//! Sources: developers.google.com/merchant/api/guides/quickstart/registration, public clients that met `GCP_NOT_REGISTERED`.

use crate::google::{self, GooglePolicy, Refusal};
use kit::policy::{self, Attempt, Decision, Outcome, Policy};
use model::failure::{Code, Failure};
use std::time::Duration;

/// Decides about answers of Merchant API.
#[derive(Debug, Clone, Copy)]
pub struct MerchantPolicy;

const GOOGLE: GooglePolicy = GooglePolicy { in_words };

/// No sentence of this platform is known that says how long to wait.
fn in_words(_: &str) -> Option<Duration> {
    None
}

/// The failure of a project that has to be registered first; `None` for any other answer.
fn not_registered(attempt: &Attempt<'_>) -> Option<Failure> {
    let Outcome::Response(response) = attempt.outcome else { return None };
    let refusal = Refusal::of(response).filter(|refusal| refusal.status == 401)?;
    let told = |detail: &serde_json::Value| {
        let named = [detail.get("reason"), detail.pointer("/metadata/REASON")];
        named.into_iter().flatten().any(|reason| reason == "GCP_NOT_REGISTERED")
    };
    refusal.details().any(told).then(|| {
        let failure = google::failure(Code::PermissionDenied, refusal.status, attempt, response);
        policy::vendor_message(response).into_iter().fold(failure, Failure::detail)
    })
}

impl Policy for MerchantPolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        not_registered(attempt).map_or_else(|| GOOGLE.decide(attempt), Decision::Fail)
    }
    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        not_registered(attempt).unwrap_or_else(|| GOOGLE.exhausted(attempt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::google::tests::{decide, refused};
    use serde_json::json;

    #[test]
    fn a_project_that_is_not_registered_is_no_bad_sign_in() {
        let answer = |details: serde_json::Value| {
            decide(&MerchantPolicy, 401, &refused(401, "UNAUTHENTICATED", "not registered", &details))
        };
        assert_eq!(answer(json!([{"reason": "GCP_NOT_REGISTERED"}])), "permission_denied");
        assert_eq!(answer(json!([{"reason": "x", "metadata": {"REASON": "GCP_NOT_REGISTERED"}}])), "permission_denied");
        assert_eq!(answer(json!([{"reason": "ACCESS_TOKEN_EXPIRED"}])), "refresh or sign_in_rejected");
        let quota = refused(429, "RESOURCE_EXHAUSTED", "m", &json!([{"reason": "quota/request_rate_too_high"}]));
        assert_eq!(decide(&MerchantPolicy, 429, &quota), "wait None false or too_many_requests");
    }
}
