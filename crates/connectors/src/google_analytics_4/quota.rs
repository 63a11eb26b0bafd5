//! Quotas of the Data API. They are counted in tokens by property and Cloud project, by hour and by day, together with everything else that
//! reads the property. A refusal says in a sentence when they come back, and a good answer says how many are left.
//!
//! Sources: developers.google.com/analytics/devguides/reporting/data/v1/quotas, .../rest/v1beta/PropertyQuota.

use crate::google::GooglePolicy;
use kit::{
    http::HttpResponse,
    policy::{Attempt, Decision, Policy},
};
use model::failure::Failure;
use serde::Deserialize;
use std::time::Duration;

/// Decides about answers of Google Analytics.
#[derive(Debug, Clone, Copy)]
pub struct AnalyticsPolicy;

const GOOGLE: GooglePolicy = GooglePolicy { in_words };
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

impl Policy for AnalyticsPolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        GOOGLE.decide(attempt)
    }
    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        GOOGLE.exhausted(attempt)
    }
    /// With nothing left the next request would be refused and be told to wait as long.
    fn rest(&self, response: &HttpResponse) -> Option<Duration> {
        let quota = quota_of(response.json_bytes())?;
        let spent = |state: &Option<State>| state.as_ref().is_some_and(|state| state.remaining <= 0);
        if spent(&quota.day) {
            return Some(DAY);
        }
        (spent(&quota.hour) || spent(&quota.project)).then_some(HOUR)
    }
}

/// `These quota tokens will return in under an hour.`: at the latest then.
fn in_words(message: &str) -> Option<Duration> {
    let rest = message.split_once("return in under ")?.1;
    let mut words = rest.split(|letter: char| letter == '.' || letter.is_whitespace());
    let count = match words.next()? {
        "a" | "an" => 1,
        number => number.parse().ok()?,
    };
    let unit = match words.next()?.trim_end_matches('s') {
        "minute" => Duration::from_mins(1),
        "hour" => HOUR,
        "day" => DAY,
        _ => return None,
    };
    unit.checked_mul(count)
}

/// Tokens that are left.
#[derive(Deserialize)]
struct Quota {
    #[serde(rename = "tokensPerDay")]
    day: Option<State>,
    #[serde(rename = "tokensPerHour")]
    hour: Option<State>,
    /// Of the Cloud project alone.
    #[serde(rename = "tokensPerProjectPerHour")]
    project: Option<State>,
}

#[derive(Deserialize)]
struct State {
    /// Zero is left out.
    #[serde(default)]
    remaining: i64,
}

/// What an answer says of quotas. It stands behind the rows, of which there may be many; only the end is read.
fn quota_of(body: &[u8]) -> Option<Quota> {
    const NAME: &[u8] = b"\"propertyQuota\"";
    let at = body.windows(NAME.len()).rposition(|part| part == NAME)?;
    let rest = body[at + NAME.len()..].trim_ascii_start().strip_prefix(b":")?;
    serde_json::Deserializer::from_slice(rest).into_iter().next()?.ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::google::tests::{decide, refused};
    use kit::testing::response;
    use serde_json::json;

    #[test]
    fn a_sentence_says_when_tokens_are_back() {
        for (message, secs) in [
            (
                "Exhausted property tokens for a project per hour. These quota tokens will return in under an hour. To learn more",
                Some(3_600),
            ),
            ("Exhausted property tokens per day. These quota tokens will return in under 24 hours.", Some(86_400)),
            ("Exhausted client errors quota. These quota tokens will return in under 15 minutes.", Some(900)),
            ("Exhausted concurrent requests quota. Please retry later.", None),
            ("return in under some time", None),
            ("return in under ", None),
        ] {
            assert_eq!(in_words(message), secs.map(Duration::from_secs), "{message}");
            let wait = secs.map(Duration::from_secs);
            let decision = decide(&AnalyticsPolicy, 429, &refused(429, "RESOURCE_EXHAUSTED", message, &json!([])));
            assert_eq!(decision, format!("wait {wait:?} {} or too_many_requests", wait.is_some()), "{message}");
        }
    }

    #[test]
    fn an_answer_that_leaves_nothing_is_rested_after() {
        let rest = |quota: serde_json::Value| {
            let rows = json!([{"dimensionValues": [{"value": "\"propertyQuota\""}]}]);
            let body = json!({"rows": rows, "propertyQuota": quota, "kind": "analyticsData#runReport"});
            AnalyticsPolicy.rest(&response(
                "google_analytics_4",
                200,
                &[],
                &serde_json::to_string_pretty(&body).unwrap(),
            ))
        };
        let left = |count: i64| json!({"consumed": 5, "remaining": count});
        assert_eq!(rest(json!({"tokensPerDay": left(9), "tokensPerHour": left(1)})), None);
        assert_eq!(rest(json!({"tokensPerDay": left(9), "tokensPerProjectPerHour": {"consumed": 5}})), Some(HOUR));
        assert_eq!(rest(json!({"tokensPerDay": left(0), "tokensPerHour": left(0)})), Some(DAY));
        assert_eq!(rest(json!({"concurrentRequests": left(0)})), None);
        assert_eq!(AnalyticsPolicy.rest(&response("google_analytics_4", 200, &[], "{}")), None);
    }
}
