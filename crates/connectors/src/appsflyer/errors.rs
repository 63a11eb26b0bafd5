//! What AppsFlyer's reports say when they refuse, in our words.
//!
//! A report is CSV. A limit is told under 403 as the text "Limit reached for partners-daily-report" (under 400 with another text where the
//! interface is newer) and without a time: windows of up to two days may be asked for once a minute, longer ones 24 times a day for an app
//! and 120 times for an account, and the day begins at 00:00 UTC. So a first refusal of a long window is waited for a minute, and if that
//! was of no use, until the day's end.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use kit::{
    http::{HttpRequest, HttpResponse},
    policy::{self, Attempt, Decision, DefaultPolicy, Outcome, Policy},
};
use model::failure::{Code, Failure};
use std::time::Duration;

/// How long a report rests after a window of up to two days.
const MINUTE: Duration = Duration::from_mins(1);
/// The longest window, in days, that is limited by the minute and not by the day.
const SHORT: i64 = 2;
/// What stands in a refusal that is a limit, by its status.
const LIMITS: [(u16, &[u8]); 3] =
    [(403, b"Limit reached for"), (400, b"limit has been reached"), (400, b"calls limit has been reached")];

/// Decides about answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reports;

impl Policy for Reports {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let usual = || DefaultPolicy::default().decide(attempt);
        let Outcome::Response(response) = attempt.outcome else { return usual() };
        if limited(response) {
            let wait = if attempt.number == 1 || days(attempt.request).is_some_and(|days| days <= SHORT) {
                MINUTE
            } else {
                until_midnight(policy::time_there(response, attempt.now))
            };
            return Decision::RateLimited { wait: Some(wait), known: true };
        }
        if !attempt.request.url.contains("/agg-data/export/") {
            return usual();
        }
        match response.status {
            200 => table(attempt, response),
            404 => {
                let gone = response.failure(Code::NotFound).with("what", attempt.account);
                Decision::Fail(match policy::vendor_message(response) {
                    Some(words) => gone.detail(words),
                    None => gone,
                })
            }
            _ => usual(),
        }
    }

    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        match attempt.outcome {
            Outcome::Response(response) if limited(response) => {
                let words = policy::vendor_message(response).unwrap_or_default();
                response.failure(Code::TooManyRequests).detail(words)
            }
            _ => policy::classify(attempt),
        }
    }
}

/// Whether a refusal is a limit.
fn limited(response: &HttpResponse) -> bool {
    let said = |text: &[u8]| response.body().windows(text.len()).any(|part| part == text);
    LIMITS.iter().any(|(status, text)| response.status == *status && said(text))
}

/// A table has the columns that tell its rows apart. Nothing at all is how a report without rows may come, but a broken answer looks the
/// same, so it is asked for once more.
fn table(attempt: &Attempt<'_>, response: &HttpResponse) -> Decision {
    let body = response.body();
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body).trim_ascii_start();
    let header = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let header = String::from_utf8_lossy(header);
    let wanted: &[&str] = if attempt.request.url.contains("/partners_by_date_report/") {
        &["Date", "Media Source (pid)", "Campaign (c)"]
    } else {
        &["Media Source (pid)", "Campaign (c)"]
    };
    match body.first() {
        None if attempt.number == 1 => Decision::Retry { wait: None },
        None => Decision::Success,
        Some(b'<') => Decision::Retry { wait: None },
        Some(_) if wanted.iter().all(|name| header.split(',').any(|column| column.trim() == *name)) => {
            Decision::Success
        }
        Some(_) => Decision::Fail(response.failure(Code::VendorChanged).with("what", "report")),
    }
}

/// The days of the window that was asked for.
fn days(request: &HttpRequest) -> Option<i64> {
    let day = |name: &str| {
        let (_, text) = request.query.iter().find(|(key, _)| key == name)?;
        NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
    };
    Some((day("to")? - day("from")?).num_days() + 1)
}

/// Until the vendor's next day.
fn until_midnight(now: DateTime<Utc>) -> Duration {
    let next = now.date_naive().checked_add_days(Days::new(1)).map(|day| day.and_time(NaiveTime::MIN).and_utc());
    next.and_then(|next| (next - now).to_std().ok()).unwrap_or(MINUTE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use chrono::TimeZone;
    use kit::testing::response;

    /// What an answer leads to, and what becomes of it when that was of no use.
    fn decided(number: u32, path: &str, to: &str, status: u16, body: &str) -> String {
        let response = response("appsflyer", status, &[], body);
        let mut request = HttpRequest::get(format!("https://hq1.appsflyer.com/api/{path}"));
        request.query = vec![("from".to_owned(), "2026-11-01".to_owned()), ("to".to_owned(), to.to_owned())];
        let attempt = Attempt {
            number,
            request: &request,
            outcome: Outcome::Response(&response),
            now: Utc.with_ymd_and_hms(2026, 11, 20, 23, 40, 0).unwrap(),
            dice: 0.0,
            refreshed: false,
            system: "appsflyer",
            account: "shop",
        };
        let exhausted = Reports.exhausted(&attempt);
        match Reports.decide(&attempt) {
            Decision::Success => "success".to_owned(),
            Decision::Fail(failure) => failure.code.as_str().to_owned(),
            Decision::Retry { .. } => format!("again, then {}", exhausted.code.as_str()),
            Decision::RateLimited { wait, .. } => {
                format!("limit {:?}, then {}", wait.map(|wait| wait.as_secs()), exhausted.code.as_str())
            }
            Decision::RefreshThenRetry => format!("refresh, then {}", exhausted.code.as_str()),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_limit_is_no_missing_right() {
        let report = "agg-data/export/app/id1/partners_by_date_report/v5";
        let (said, newer) = (
            "Limit reached for partners-daily-report",
            r#"{"message":"Your API call limit has been reached for the given report type"}"#,
        );
        for (number, to, status, body, decision) in [
            (1, "2026-11-02", 403, said, "limit Some(60), then too_many_requests"),
            (2, "2026-11-02", 403, said, "limit Some(60), then too_many_requests"),
            (1, "2026-11-03", 403, said, "limit Some(60), then too_many_requests"),
            (2, "2026-11-03", 403, said, "limit Some(1200), then too_many_requests"),
            (2, "2026-11-03", 400, newer, "limit Some(1200), then too_many_requests"),
            (1, "2026-11-03", 403, "Account problem occurred", "permission_denied"),
            (1, "2026-11-03", 400, r#"{"message":"bad"}"#, "request_refused"),
            (1, "2026-11-03", 404, "<html>", "not_found"),
            (1, "2026-11-03", 401, r#"{"message":"Supplied API token is invalid"}"#, "refresh, then sign_in_rejected"),
            (1, "2026-11-03", 503, "", "again, then platform_down"),
        ] {
            assert_eq!(decided(number, report, to, status, body), decision, "{number} {to} {status} {body}");
        }
        assert_eq!(decided(1, "mng/apps", "2026-11-03", 404, "\"Not found\""), "vendor_changed");
    }

    #[test]
    fn a_table_is_known_by_its_columns() {
        let (by_date, whole) = ("partners_by_date_report", "partners_report");
        let header = "Agency/PMD (af_prt),Media Source (pid),Campaign (c),Impressions";
        for (number, report, body, decision) in [
            (1, by_date, format!("Date,{header}\n"), "success"),
            (1, by_date, format!("\u{feff}Date,{header}\r\n2026-11-01,None,x,y,1\r\n"), "success"),
            (1, by_date, header.to_owned(), "vendor_changed"),
            (1, whole, header.to_owned(), "success"),
            (1, whole, "Token expired".to_owned(), "vendor_changed"),
            (1, whole, "<html>".to_owned(), "again, then not_json"),
            (1, whole, String::new(), "again, then not_json"),
            (2, whole, String::new(), "success"),
        ] {
            let path = format!("agg-data/export/app/id1/{report}/v5");
            assert_eq!(decided(number, &path, "2026-11-03", 200, &body), decision, "{number} {report} {body}");
        }
    }
}
