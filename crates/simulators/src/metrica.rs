//! What Yandex Metrica and AppMetrica have in common: the sign-in, the envelope of refusals, quotas, and reports of metrics by dimensions.
//!
//! Source: yandex.ru/dev/metrika (errors, quotas, table, parametrisation) and appmetrica.yandex.ru/docs/mobile-api (the same of its own). A
//! product brings its names and what they count; everything around them is read, refused, cut into pages and written here. Messages are
//! made up unless a public client quotes them, types of errors are the vendor's.

use std::collections::{BTreeMap, VecDeque};
use std::ops::AddAssign;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::NaiveDate;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::faults::{FaultKind, Hint};
use crate::server::{Answer, Call};
use crate::yandex_id::Tokens;

/// The vendor's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Requests from one address in a second.
    pub in_a_second: usize,
    /// Reports for a user in five minutes.
    pub reports_in_five_minutes: usize,
    /// Requests for a user in a day.
    pub in_a_day: usize,
    /// Requests for a user at once.
    pub at_once: usize,
    /// Rows of a report that an answer has at most, whatever was asked for.
    pub most_rows: usize,
    /// Days of a report that the vendor still finds simple.
    pub most_days: i64,
    /// Whether reports are made of a sample although all was asked for.
    pub samples: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            in_a_second: 30,
            reports_in_five_minutes: 200,
            in_a_day: 5_000,
            at_once: 3,
            most_rows: MOST_ROWS,
            most_days: 370,
            samples: false,
        }
    }
}

impl Rules {
    /// No quotas: for a client whose time is not this simulator's.
    pub const PATIENT: Self = Self {
        in_a_second: usize::MAX,
        reports_in_five_minutes: usize::MAX,
        in_a_day: usize::MAX,
        at_once: usize::MAX,
        most_rows: MOST_ROWS,
        most_days: 370,
        samples: false,
    };
}

/// The largest page.
const MOST_ROWS: usize = 100_000;
/// Metrics and dimensions of a report.
const MOST_METRICS: usize = 20;
const MOST_DIMENSIONS: usize = 10;

/// A refusal in the vendor's envelope.
pub(crate) fn refusal(code: u16, error_type: &str, message: &str) -> Answer {
    let error = json!({ "error_type": error_type, "message": message });
    Answer::json(code, &json!({ "errors": [error], "code": code, "message": message }))
}

/// A refusal of a parameter.
pub(crate) fn wrong(name: &str, message: &str) -> Answer {
    let message = format!("Wrong parameter: '{name}', {message}");
    let error = json!({ "error_type": "invalid_parameter", "message": message, "location": name });
    Answer::json(400, &json!({ "errors": [error], "code": 400, "message": message }))
}

/// What stands in the header, if it is a token in one of the two ways that the vendor takes.
pub(crate) fn token(call: &Call) -> Option<&str> {
    let header = call.headers.get(AUTHORIZATION)?.to_str().ok()?;
    header.strip_prefix("OAuth ").or_else(|| header.strip_prefix("Bearer "))
}

/// The same as it fails under a fault, where the products do not differ.
pub(crate) fn refuse(fault: &FaultKind, call: &Call, tokens: &Mutex<Tokens>) -> Option<Answer> {
    match fault {
        FaultKind::WrongKey => Some(crate::yandex_id::refusal("invalid_client", "Wrong client secret")),
        FaultKind::ExpireToken | FaultKind::RevokeToken => {
            lock(tokens).end(token(call)?, *fault == FaultKind::RevokeToken);
            Some(refusal(403, "invalid_token", "Invalid oauth_token"))
        }
        FaultKind::Throttle { hint } => {
            let answer = refusal(429, "quota_parallel_requests", "Quota of parallel requests is exceeded");
            Some(match hint {
                Hint::After { secs } => answer.with("retry-after", secs.to_string()),
                _ => answer,
            })
        }
        FaultKind::RevokeScope => Some(refusal(403, "access_denied", "Access is denied")),
        FaultKind::ServerError { status: 404 } => Some(Answer::raw(404, b"<html>Not found</html>".to_vec())),
        FaultKind::ServerError { status: 503 } => Some(refusal(503, "backend_error", "Backend error")),
        FaultKind::ServerError { status } => Some(Answer::raw(*status, b"<html>Internal error</html>".to_vec())),
        FaultKind::ErrorInside { code } => Some(refusal(400, code, "As was wished")),
        _ => None,
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was asked when, in seconds.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    asked: Mutex<VecDeque<i64>>,
    reports: Mutex<VecDeque<i64>>,
    /// The day and its requests.
    today: Mutex<(i64, usize)>,
    under_way: AtomicUsize,
}

/// A request under way.
pub(crate) struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Quotas {
    /// Counts a request, or refuses it.
    pub fn take(&self, rules: &Rules, is_report: bool, now: i64) -> Result<UnderWay<'_>, Answer> {
        let under_way = UnderWay(&self.under_way);
        if self.under_way.fetch_add(1, Ordering::SeqCst) >= rules.at_once {
            return Err(refusal(429, "quota_parallel_requests", "Quota of parallel requests is exceeded"));
        }
        if !fits(&mut lock(&self.asked), rules.in_a_second, 1, now) {
            return Err(refusal(429, "quota_requests_by_ip", "Quota of requests by IP is exceeded"));
        }
        if is_report && !fits(&mut lock(&self.reports), rules.reports_in_five_minutes, 300, now) {
            return Err(refusal(429, "quota_requests_by_uid", "Quota of requests by user is exceeded"));
        }
        let mut today = lock(&self.today);
        let day = now.div_euclid(86_400);
        if today.0 != day {
            *today = (day, 0);
        }
        today.1 += 1;
        if today.1 > rules.in_a_day {
            return Err(refusal(429, "quota_requests_by_uid", "Quota of requests by user is exceeded"));
        }
        Ok(under_way)
    }
}

/// Whether one more fits into the last seconds.
pub(crate) fn fits(seen: &mut VecDeque<i64>, limit: usize, seconds: i64, now: i64) -> bool {
    while seen.front().is_some_and(|at| *at + seconds <= now) {
        seen.pop_front();
    }
    let free = seen.len() < limit;
    if free && limit < usize::MAX {
        seen.push_back(now);
    }
    free
}

/// What a report is asked for.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    /// The counter or application.
    pub id: u64,
    pub metrics: Vec<&'a str>,
    pub dimensions: Vec<&'a str>,
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// Descending, and by what.
    sort: Vec<(bool, &'a str)>,
    limit: usize,
    offset: usize,
    /// Whether all is counted, and not a part of it.
    is_full: bool,
    undefined: bool,
}

impl<'a> Query<'a> {
    /// Reads a request, or refuses it. `knows` tells dimensions (true) and metrics of the product.
    pub fn read(call: &'a Call, rules: &Rules, knows: impl Fn(&str, bool) -> bool) -> Result<Self, Answer> {
        let list = |name: &str| -> Vec<&'a str> {
            call.param(name).map(|text| text.split(',').map(str::trim).collect()).unwrap_or_default()
        };
        let ids = list("ids");
        let [id] = ids[..] else { return Err(refusal(400, "missing_parameter", "One counter in ids is served here")) };
        let id = id.parse().map_err(|_| wrong("ids", "a number was expected"))?;
        let (metrics, dimensions) = (list("metrics"), list("dimensions"));
        if metrics.is_empty() {
            return Err(refusal(400, "missing_parameter", "Missing parameter: metrics"));
        }
        if metrics.len() > MOST_METRICS {
            return Err(wrong("metrics", "at most 20 are allowed"));
        }
        if dimensions.len() > MOST_DIMENSIONS {
            return Err(wrong("dimensions", "at most 10 are allowed"));
        }
        for (names, what, is_dimension) in [(&metrics, "metrics", false), (&dimensions, "dimensions", true)] {
            if let Some(unknown) = names.iter().find(|name| !knows(name, is_dimension)) {
                return Err(wrong(what, &format!("value: {unknown}")));
            }
        }
        let day = |name: &str| {
            let text =
                call.param(name).ok_or_else(|| refusal(400, "missing_parameter", "A period is expected here"))?;
            NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| wrong(name, &format!("value: {text}")))
        };
        let (from, to) = (day("date1")?, day("date2")?);
        if from > to {
            return Err(wrong("date1", "is later than date2"));
        }
        if (to - from).num_days() >= rules.most_days {
            let words = "Query is too complicated. Please reduce the date interval or sampling.";
            return Err(refusal(400, "query_error", words));
        }
        let count = |name: &str, usual: usize| match call.param(name).map(str::parse::<usize>) {
            None => Ok(usual),
            Some(Ok(number)) if number > 0 => Ok(number),
            Some(_) => Err(wrong(name, "a number from 1 was expected")),
        };
        let limit = count("limit", 100)?;
        if limit > MOST_ROWS {
            return Err(wrong("limit", "at most 100000 are allowed"));
        }
        let sort: Vec<(bool, &str)> = list("sort")
            .into_iter()
            .map(|name| name.strip_prefix('-').map_or((false, name), |name| (true, name)))
            .collect();
        if let Some((_, stray)) = sort.iter().find(|(_, name)| !metrics.contains(name) && !dimensions.contains(name)) {
            return Err(wrong("sort", &format!("value: {stray}")));
        }
        let accuracy = call.param("accuracy").unwrap_or("medium");
        let share: Option<f64> = accuracy.parse().ok();
        if !matches!(accuracy, "low" | "medium" | "high" | "full") && !share.is_some_and(|it| it > 0.0 && it <= 1.0) {
            return Err(wrong("accuracy", &format!("value: {accuracy}")));
        }
        Ok(Self {
            id,
            metrics,
            dimensions,
            from,
            to,
            sort,
            limit: limit.min(rules.most_rows),
            offset: count("offset", 1)?,
            is_full: !rules.samples && (accuracy == "full" || share == Some(1.0)),
            undefined: call.param("include_undefined") == Some("true"),
        })
    }

    /// The report. `groups` are sums by the values of the dimensions in their order, of which an undefined one is none; `metric` is the value
    /// of the metric at this place, and `shown` the value of a dimension. `more` are members of `query` that only this product has.
    pub fn table<S: Default + Copy + AddAssign>(
        &self,
        mut groups: BTreeMap<Vec<Option<String>>, S>,
        metric: impl Fn(&S, usize) -> f64,
        shown: impl Fn(usize, Option<&str>) -> Value,
        more: &[(&str, &str)],
    ) -> Answer {
        if !self.undefined {
            groups.retain(|values, _| values.first().is_none_or(Option::is_some));
        }
        let mut sum = S::default();
        for group in groups.values() {
            sum += *group;
        }
        // A sample is counted and multiplied: what is left of it are round numbers.
        let counted = |value: f64| if self.is_full { value } else { (value / 10.0).round() * 10.0 };
        let values = |of: &S| -> Vec<f64> { (0..self.metrics.len()).map(|at| counted(metric(of, at))).collect() };
        let mut rows: Vec<(Vec<Option<String>>, Vec<f64>)> =
            groups.iter().map(|(names, group)| (names.clone(), values(group))).collect();
        let by_default = vec![(true, self.metrics[0])];
        let sort = if self.sort.is_empty() { &by_default } else { &self.sort };
        rows.sort_by(|a, b| {
            let order = sort.iter().map(|(descending, name)| {
                let dimension = self.dimensions.iter().position(|it| it == name);
                let metric = self.metrics.iter().position(|it| it == name);
                let order = match (dimension, metric) {
                    (Some(at), _) => a.0[at].cmp(&b.0[at]),
                    (None, Some(at)) => a.1[at].total_cmp(&b.1[at]),
                    (None, None) => std::cmp::Ordering::Equal,
                };
                if *descending { order.reverse() } else { order }
            });
            order.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        let total = rows.len();
        let extreme = |pick: fn(f64, f64) -> f64| -> Vec<f64> {
            let columns = (0..self.metrics.len()).map(|at| rows.iter().map(move |row| row.1[at]).reduce(pick));
            columns.map(Option::unwrap_or_default).collect()
        };
        let (min, max) = (extreme(f64::min), extreme(f64::max));
        let page = rows.into_iter().skip(self.offset - 1).take(self.limit);
        let data: Vec<Value> = page
            .map(|(names, metrics)| {
                let dimensions: Vec<Value> =
                    names.iter().enumerate().map(|(at, name)| shown(at, name.as_deref())).collect();
                json!({ "dimensions": dimensions, "metrics": metrics })
            })
            .collect();
        let sort: Vec<String> =
            sort.iter().map(|(descending, name)| format!("{}{name}", if *descending { "-" } else { "" })).collect();
        let mut query = json!({
            "ids": [self.id], "dimensions": self.dimensions, "metrics": self.metrics, "sort": sort,
            "date1": self.from, "date2": self.to, "limit": self.limit, "offset": self.offset,
        });
        for (name, value) in more {
            query[*name] = json!(value);
        }
        let share = if self.is_full { 1.0 } else { 0.1 };
        let body = json!({
            "query": query, "data": data, "total_rows": total, "total_rows_rounded": false, "sampled": !self.is_full,
            "contains_sensitive_data": false, "sample_share": share, "sample_size": 4_990, "sample_space": 49_900, "data_lag": 60,
            "totals": values(&sum), "min": min, "max": max,
        });
        Answer::json(200, &body)
    }
}

/// Money as the vendor writes it.
pub(crate) fn money(kopecks: i64) -> f64 {
    kopecks as f64 / 100.0
}

/// Faults that can do something here: what of them the products share. `reports` tells requests whose answers are rows.
pub(crate) fn meets(fault: &FaultKind, call: &Call, is_report: bool) -> bool {
    let signs_in = call.path == "/token";
    match fault {
        FaultKind::WrongKey => signs_in,
        FaultKind::ExpireToken | FaultKind::RevokeToken => !signs_in && token(call).is_some(),
        FaultKind::Throttle { .. } | FaultKind::RevokeScope | FaultKind::ErrorInside { .. } => !signs_in,
        FaultKind::NewFields | FaultKind::EmptyAccount | FaultKind::DuplicateRows | FaultKind::GarbageNumbers => {
            is_report
        }
        // Rows have no members of their own names; lists are not asked for in pages that a client could count.
        FaultKind::ExpireAllTokens
        | FaultKind::LyingTotal { .. }
        | FaultKind::RepeatPage
        | FaultKind::ShuffledPage
        | FaultKind::Vanish
        | FaultKind::Appear
        | FaultKind::UnknownEnum
        | FaultKind::NegativeNumbers
        | FaultKind::MissingField { .. }
        | FaultKind::OtherType { .. }
        | FaultKind::LostRows
        | FaultKind::MissingDay { .. }
        | FaultKind::HalfDay { .. }
        | FaultKind::CopiedDay { .. } => false,
        _ => true,
    }
}

/// Twists a report for a fault of content.
pub(crate) fn bend(fault: &FaultKind, body: &mut Value) {
    let Some(rows) = body.get_mut("data").and_then(Value::as_array_mut) else { return };
    match fault {
        FaultKind::EmptyAccount => rows.clear(),
        FaultKind::DuplicateRows => {
            if let Some(first) = rows.first().cloned() {
                rows.insert(0, first);
            }
        }
        FaultKind::NewFields => {
            for row in rows.iter_mut() {
                row["brandNewMember"] = json!([1, "два", null]);
                for value in row["dimensions"].as_array_mut().into_iter().flatten() {
                    value["icon_id"] = json!("17");
                }
            }
        }
        FaultKind::GarbageNumbers => {
            for value in rows.iter_mut().filter_map(|row| row["metrics"].as_array_mut()).flatten() {
                *value = json!("много");
            }
        }
        _ => {}
    }
}
