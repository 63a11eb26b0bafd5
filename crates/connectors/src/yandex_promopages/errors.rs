//! What an answer's status means here. Nothing is known of the bodies of refusals, so that is all there is to go by.
//!
//! Source: yandex.ru/dev/promopages-api (429: repeat after a few minutes) and public clients of the interface (202: the report is being made).

use kit::policy::{Attempt, Decision, DefaultPolicy, Outcome, Policy};
use std::time::Duration;

/// How long to wait for a report before it is asked for again; clients wait 15 to 40 seconds.
const MAKING: Duration = Duration::from_secs(15);
/// How long to wait when too much was asked at once and no time is named.
const BREATH: Duration = Duration::from_mins(1);

/// Decides about answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Statuses;

impl Policy for Statuses {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        if let Outcome::Response(response) = attempt.outcome
            && response.status == 202
            && attempt.request.method == "GET"
        {
            return Decision::Pending { wait: Some(MAKING) };
        }
        match DefaultPolicy::default().decide(attempt) {
            Decision::RateLimited { wait: None, .. } => Decision::RateLimited { wait: Some(BREATH), known: false },
            decision => decision,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use kit::{
        http::{Body, HttpRequest},
        testing::response,
    };

    fn decided(request: &HttpRequest, status: u16, headers: &[(&str, &str)]) -> Decision {
        let response = response("yandex_promopages", status, headers, "{}");
        let attempt = Attempt {
            number: 1,
            request,
            outcome: Outcome::Response(&response),
            now: chrono::Utc::now(),
            dice: 0.0,
            refreshed: false,
            system: "yandex_promopages",
            account: "shop",
        };
        Statuses.decide(&attempt)
    }

    #[test]
    fn a_report_in_the_making_is_waited_for_and_so_is_a_limit() {
        let get = HttpRequest::get("https://promopages.yandex.ru/api/promo/v1/reports/1?format=json".to_owned());
        let order =
            HttpRequest::post("https://promopages.yandex.ru/api/promo/v1/reports/x".to_owned(), Body::Form(Vec::new()));
        let secs = Duration::from_secs;
        assert!(matches!(decided(&get, 202, &[]), Decision::Pending { wait: Some(wait) } if wait == secs(15)));
        assert!(matches!(decided(&order, 202, &[]), Decision::Success), "an order that was taken");
        assert!(matches!(decided(&get, 200, &[]), Decision::Success));
        let limited = |decision, secs_: u64, told| match decision {
            Decision::RateLimited { wait, known } => wait == Some(secs(secs_)) && known == told,
            _ => false,
        };
        assert!(limited(decided(&get, 429, &[]), 60, false));
        assert!(limited(decided(&get, 429, &[("retry-after", "7")]), 7, true));
        assert!(matches!(decided(&get, 401, &[]), Decision::RefreshThenRetry));
        assert!(matches!(decided(&get, 403, &[]), Decision::Fail(_)));
    }
}
