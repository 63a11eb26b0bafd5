//! What Market says when it refuses, in our words.
//!
//! Source: yandex.ru/dev/market/partner-api/doc (error codes, limits, `reports/info`). A refusal is `{"status": "ERROR", "errors":
//! [{"code", "message"}]}` under a status of its own. A limit is 420, never 429; until when a limit of requests holds stands in
//! `X-RateLimit-Resource-Until` as a date, and too many requests at once come without it. Reports lie in a storage that knows no keys.

use chrono::{DateTime, Utc};
use kit::{
    http::HttpResponse,
    policy::{self, Attempt, Decision, DefaultPolicy, Outcome, Policy},
};
use model::failure::{Code, Failure};
use std::time::Duration;

/// Where the interface is; every other address is one of finished reports.
const HOST: &str = "https://api.partner.market.yandex.ru";
/// How long to wait when too many requests came at once.
const BREATH: Duration = Duration::from_secs(1);
/// What an archive begins with.
const ARCHIVE: &[u8] = b"PK";

/// Decides about answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct MarketPolicy;

impl Policy for MarketPolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let Outcome::Response(response) = attempt.outcome else { return DefaultPolicy::default().decide(attempt) };
        let of_interface = attempt.request.url.starts_with(HOST);
        match response.status {
            420 => {
                let until = until(response, attempt.now);
                Decision::RateLimited { wait: Some(until.unwrap_or(BREATH)), known: until.is_some() }
            }
            401 if revoked(response) => Decision::Fail(self.exhausted(attempt)),
            200 if !of_interface && response.body().starts_with(ARCHIVE) => Decision::Success,
            // A page of some proxy is tried again; JSON is not what was ordered.
            200 if !of_interface && response.looks_like_json().is_ok() => Decision::Fail(no_report(response)),
            // A link is good for an hour; the next run orders the report anew.
            400..=499 if !of_interface => {
                Decision::Fail(response.failure(Code::PlatformDown).with("status", response.status))
            }
            200 if is_lost(&attempt.request.url, response) => Decision::Fail(no_report(response)),
            _ => DefaultPolicy::default().decide(attempt),
        }
    }

    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        let Outcome::Response(response) = attempt.outcome else { return policy::classify(attempt) };
        let failure = match response.status {
            420 => response.failure(Code::TooManyRequests),
            401 if revoked(response) => response.failure(Code::SignInRevoked).with("account", attempt.account),
            _ => return policy::classify(attempt),
        };
        match policy::vendor_message(response) {
            Some(words) => failure.detail(words),
            None => failure,
        }
    }
}

/// Until when the limit of this kind of requests holds, at least a second from now.
fn until(response: &HttpResponse, now: DateTime<Utc>) -> Option<Duration> {
    let at = DateTime::parse_from_rfc2822(response.header("x-ratelimit-resource-until")?.trim()).ok()?;
    let there = policy::time_there(response, now);
    Some((at.with_timezone(&Utc) - there).to_std().unwrap_or_default().max(BREATH))
}

/// Whether the key was deleted, which is told apart from a wrong one by its words only.
fn revoked(response: &HttpResponse) -> bool {
    policy::vendor_message(response).is_some_and(|words| words.contains("is revoked"))
}

/// Whether a report is said to be ready and nothing says where it is: no rows at all are another thing, which has a word of its own.
fn is_lost(url: &str, response: &HttpResponse) -> bool {
    let Some(body) = url.contains("/reports/info/").then(|| response.json().ok()).flatten() else { return false };
    let said = |name: &str| body.pointer(&format!("/result/{name}")).and_then(serde_json::Value::as_str);
    said("status") == Some("DONE") && said("subStatus").is_none() && said("file").is_none_or(str::is_empty)
}

fn no_report(response: &HttpResponse) -> Failure {
    response.failure(Code::VendorChanged).with("what", "report")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use chrono::TimeZone;
    use kit::{http::HttpRequest, testing::response};

    /// An address, status, headers and body of an answer, and what it leads to.
    type Row<'a> = (&'a str, u16, &'a [(&'a str, &'a str)], String, &'a str);

    /// What an answer leads to, and what becomes of it when that was of no use.
    fn decided(url: &str, status: u16, headers: &[(&str, &str)], body: &str) -> String {
        let response = response("yandex_market", status, headers, body);
        let request = HttpRequest::get(url);
        let now = Utc.with_ymd_and_hms(2026, 11, 20, 12, 40, 0).unwrap();
        let attempt = Attempt {
            number: 1,
            request: &request,
            outcome: Outcome::Response(&response),
            now,
            dice: 0.0,
            refreshed: false,
            system: "yandex_market",
            account: "shop",
        };
        let exhausted = MarketPolicy.exhausted(&attempt);
        match MarketPolicy.decide(&attempt) {
            Decision::Success => "success".to_owned(),
            Decision::Fail(failure) => failure.code.as_str().to_owned(),
            Decision::Retry { .. } => format!("again, then {}", exhausted.code.as_str()),
            Decision::RateLimited { wait, known } => {
                let secs = wait.unwrap_or_default().as_secs();
                format!("limit {secs}{}, then {}", if known { "" } else { "?" }, exhausted.code.as_str())
            }
            Decision::RefreshThenRetry => format!("refresh, then {}", exhausted.code.as_str()),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn refusals_in_our_words() {
        let stores = "https://api.partner.market.yandex.ru/v2/campaigns";
        let info = "https://api.partner.market.yandex.ru/v2/reports/info/abc";
        let file = "https://storage.yandexcloud.net/report.zip";
        let refusal =
            |message: &str| format!(r#"{{"status":"ERROR","errors":[{{"code":"X","message":"{message}"}}]}}"#);
        let limit = refusal("Hit rate limit of 100 requests per 1 hour for resource reports");
        let told = [("X-RateLimit-Resource-Until", "Fri, 20 Nov 2026 13:00:00 GMT")];
        // Their clock is ten minutes ahead of ours, and so is the moment they name.
        let ahead = [told[0], ("Date", "Fri, 20 Nov 2026 12:50:00 GMT")];
        let over = [("X-RateLimit-Resource-Until", "Fri, 20 Nov 2026 12:00:00 GMT")];
        let parallel = refusal("Hit rate limit of 2 parallel requests");
        let ready = |file: &str| format!(r#"{{"status":"OK","result":{{"status":"DONE"{file}}}}}"#);
        let rows: [Row<'_>; 19] = [
            (stores, 420, &told, limit.clone(), "limit 1200, then too_many_requests"),
            (stores, 420, &ahead, limit.clone(), "limit 600, then too_many_requests"),
            (stores, 420, &over, limit, "limit 1, then too_many_requests"),
            (stores, 420, &[], parallel, "limit 1?, then too_many_requests"),
            (stores, 401, &[], refusal("Api-Key token is revoked"), "sign_in_revoked"),
            (stores, 401, &[], refusal("Api-Key token is invalid"), "refresh, then sign_in_rejected"),
            (stores, 403, &[], refusal("Access denied"), "permission_denied"),
            (stores, 400, &[], refusal("Too long time period"), "request_refused"),
            (stores, 423, &[], refusal("Business is in migration"), "request_refused"),
            (stores, 503, &[], refusal("Service temporarily unavailable"), "again, then platform_down"),
            (stores, 200, &[], "<html>".to_owned(), "again, then not_json"),
            (info, 200, &[], ready(r#","file":"https://storage/x""#), "success"),
            (info, 200, &[], ready(r#","subStatus":"NO_DATA""#), "success"),
            (info, 200, &[], ready(""), "vendor_changed"),
            (info, 200, &[], r#"{"status":"OK","result":{"status":"PENDING"}}"#.to_owned(), "success"),
            (file, 200, &[], "PK..".to_owned(), "success"),
            (file, 200, &[], "[]".to_owned(), "vendor_changed"),
            (file, 200, &[], "<html>".to_owned(), "again, then not_json"),
            (file, 403, &[], "<Error>".to_owned(), "platform_down"),
        ];
        for (url, status, headers, body, expected) in rows {
            assert_eq!(decided(url, status, headers, &body), expected, "{url} {status} {body}");
        }
    }
}
