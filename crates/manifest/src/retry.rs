//! What an answer means and how long to wait (connector-format.md, section 8), as a policy that `kit` asks after each attempt.
//! Waiting itself, cancelling and the total of all waits are `kit`'s.

use crate::json::{Json, Map};
use crate::{
    components::{Action, Backoff, ErrorChild, ErrorHandler, Field, ResponseFilter, Text},
    template::{Scope, Value},
};
use chrono::{DateTime, Utc};
use kit::{
    http::HttpResponse,
    policy::{self, Attempt, Decision, Limits, Outcome, Policy},
};
use model::failure::{Code, Failure, FailureKind};
use std::{sync::Arc, time::Duration};

/// The policy of one requester.
#[derive(Debug)]
pub struct ManifestPolicy {
    handler: Option<Arc<ErrorHandler>>,
    config: Arc<Json>,
    retries: u32,
}

/// Repetitions when the manifest does not say.
const DEFAULT_RETRIES: u32 = 5;

/// What one child says.
struct Verdict<'h> {
    action: Action,
    filter: Option<&'h ResponseFilter>,
}

/// What templates see of an answer.
struct Seen {
    response: Json,
    headers: Json,
    url: Json,
}

impl Seen {
    fn of(response: &HttpResponse) -> Self {
        let url = response.url.split(['?', '#']).next().unwrap_or_default();
        Self {
            response: response.json().map_or_else(|_| Json::Object(Map::new()), Json::from),
            headers: headers(response),
            url: Json::from(url),
        }
    }
    fn scope<'a>(&'a self, now: DateTime<Utc>, config: &'a Json) -> Scope<'a> {
        Scope::new(now)
            .with("config", Value::from_json(config))
            .with("response", Value::from_json(&self.response))
            .with("headers", Value::from_json(&self.headers))
            .with("request_url", Value::from_json(&self.url))
    }
}

/// Headers for templates: under the lower-case name and under the usual spelling (`X-Next-Page`), because vendors and authors
/// use either; `link` is the parsed Link header.
pub fn headers(response: &HttpResponse) -> Json {
    let mut map = Map::new();
    for (name, value) in response.headers() {
        let usual: Vec<String> = name
            .split('-')
            .map(|part| {
                let mut letters = part.chars();
                letters
                    .next()
                    .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
            })
            .collect();
        map.insert(usual.join("-"), Json::from(value));
        map.insert(name.to_owned(), Json::from(value));
    }
    if let Some(link) = response.header("link") {
        map.insert("link".to_owned(), links(link));
    }
    Json::Object(map)
}

/// `<https://x?page=2>; rel="next", ...` as a map by relation.
fn links(header: &str) -> Json {
    let mut map = Map::new();
    for part in header.split(',').map(str::trim) {
        let Some((url, rest)) = part.strip_prefix('<').and_then(|part| part.split_once('>')) else { continue };
        let mut link = Map::new();
        link.insert("url".to_owned(), Json::from(url));
        for parameter in rest.split(';') {
            if let Some((name, value)) = parameter.split_once('=') {
                link.insert(name.trim().to_owned(), Json::from(value.trim().trim_matches(['"', '\''])));
            }
        }
        let key = link.get("rel").and_then(Json::as_str).unwrap_or(url).to_owned();
        map.insert(key, Json::Object(link));
    }
    Json::Object(map)
}

/// The table for what no filter matched.
fn default_action(status: u16) -> Action {
    match status {
        0..=399 => Action::Success,
        429 => Action::RateLimited,
        400 | 401 | 403 | 404 | 405 => Action::Fail,
        _ => Action::Retry,
    }
}

impl ManifestPolicy {
    /// The policy of an error handler; without one the default table decides.
    pub fn new(handler: Option<Arc<ErrorHandler>>, config: Arc<Json>, now: DateTime<Utc>) -> Self {
        let field = handler.as_ref().and_then(|handler| handler.children.first()?.max_retries.as_ref());
        let scope = Scope::new(now).with("config", Value::from_json(&config));
        let retries = field.and_then(|field| number(field, &scope)).unwrap_or(f64::from(DEFAULT_RETRIES));
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range is checked in the same line"
        )]
        let retries = retries.clamp(0.0, 100.0) as u32;
        Self { handler, config, retries }
    }

    /// The action that the reading of pages has to answer, and what the author says about it; `None`: there is nothing to steer.
    pub fn steers(&self, response: &HttpResponse, now: DateTime<Utc>) -> Option<(Action, Option<String>)> {
        if !response.ignored || !self.handler.as_ref().is_some_and(|handler| handler.steers()) {
            return None;
        }
        let seen = Seen::of(response);
        let verdict = self.verdict(response, &seen, now);
        let message = verdict.filter.and_then(|filter| filter.message.as_ref());
        let message = message.and_then(|message| message.text(&seen.scope(now, &self.config)).ok());
        verdict.action.steers().then_some((verdict.action, message.filter(|text| !text.is_empty())))
    }

    fn child<'h>(child: &'h ErrorChild, response: &HttpResponse, seen: &Seen, now: DateTime<Utc>) -> Verdict<'h> {
        let matched = child.filters.iter().find(|filter| {
            let in_codes = filter.http_codes.contains(&response.status);
            // In a predicate the configuration is null.
            let by_predicate = || {
                filter.predicate.as_ref().is_some_and(|it| it.condition(&seen.scope(now, &Json::Null)).unwrap_or(false))
            };
            let by_message = || {
                filter.message_contains.as_ref().is_some_and(|part| {
                    policy::vendor_message(response).is_some_and(|message| message.contains(part.as_str()))
                })
            };
            in_codes || by_predicate() || by_message()
        });
        let action = matched.and_then(|filter| filter.action).unwrap_or_else(|| default_action(response.status));
        Verdict { action, filter: matched }
    }

    fn verdict(&self, response: &HttpResponse, seen: &Seen, now: DateTime<Utc>) -> Verdict<'_> {
        let Some(handler) = &self.handler else {
            return Verdict { action: default_action(response.status), filter: None };
        };
        let mut last = Verdict { action: default_action(response.status), filter: None };
        for child in &handler.children {
            last = Self::child(child, response, seen, now);
            if matches!(last.action, Action::Success | Action::Retry | Action::Ignore) || last.action.steers() {
                break;
            }
        }
        last
    }

    fn failure(&self, attempt: &Attempt<'_>, response: &HttpResponse, verdict: &Verdict<'_>, seen: &Seen) -> Failure {
        let kind =
            verdict.filter.filter(|_| verdict.action == Action::Fail).and_then(|filter| filter.failure.as_deref());
        let failure = match kind {
            Some("config_error") if response.status == 403 => {
                Failure::new(Code::PermissionDenied).with("system", attempt.system).with("account", attempt.account)
            }
            Some("config_error") => {
                Failure::new(Code::SignInRejected).with("system", attempt.system).with("account", attempt.account)
            }
            Some("transient_error") => {
                Failure::new(Code::PlatformDown).with("system", attempt.system).with("status", response.status)
            }
            _ => policy::classify(attempt),
        };
        let message = verdict.filter.and_then(|filter| filter.message.as_ref());
        match message
            .and_then(|message| message.text(&seen.scope(attempt.now, &self.config)).ok())
            .filter(|text| !text.is_empty())
        {
            Some(text) => failure.detail(response.redacted(&kit::placeholder::mask(&text))),
            None => failure,
        }
    }

    /// The wait after this attempt: the first strategy that gives one, plus a second; without strategies 1, 2, 4, 8, 16 s.
    /// `None`: the wait is longer than the manifest allows.
    fn wait(&self, attempt: &Attempt<'_>, seen: Option<&Seen>) -> Option<Duration> {
        let children = self.handler.as_ref().map_or(&[][..], |handler| &handler.children);
        let mut strategies = children.iter().flat_map(|child| &child.backoffs).peekable();
        if strategies.peek().is_none() {
            return Some(Duration::from_secs(1 << attempt.number.saturating_sub(1).min(10)));
        }
        let nothing = Seen { response: Json::Object(Map::new()), headers: Json::Object(Map::new()), url: Json::Null };
        let scope = seen.unwrap_or(&nothing).scope(attempt.now, &self.config);
        let response = match attempt.outcome {
            Outcome::Response(response) => Some(response),
            Outcome::Error(_) => None,
        };
        for strategy in strategies {
            let found = match strategy {
                Backoff::Constant { secs, jitter_secs } => {
                    number(secs, &scope).map(|secs| jittered(secs, *jitter_secs, attempt.dice))
                }
                Backoff::Exponential { factor, jitter_secs } => {
                    let factor = optional_number(factor.as_ref(), &scope).unwrap_or(5.0);
                    let secs = factor * 2f64.powi(i32::try_from(attempt.number.min(20)).unwrap_or(20));
                    Some(jittered(secs, *jitter_secs, attempt.dice))
                }
                Backoff::Header { name, regex, .. } => header_number(response, name, regex.as_ref(), &scope),
                Backoff::UntilHeader { name, regex, min_secs, .. } => {
                    let min_secs = optional_number(min_secs.as_ref(), &scope).filter(|min| *min != 0.0);
                    let until = header_number(response, name, regex.as_ref(), &scope).filter(|until| *until != 0.0);
                    match until.map(|until| until - attempt.now.timestamp_millis() as f64 / 1000.0) {
                        None => min_secs,
                        Some(left) => Some(min_secs.map_or(left, |min| left.max(min))),
                    }
                }
                Backoff::Response { secs, .. } => {
                    secs.value(&scope).ok().and_then(|value| value.number().map(crate::template::Number::float))
                }
            };
            let cap = match strategy {
                Backoff::Header { cap_secs, .. }
                | Backoff::UntilHeader { cap_secs, .. }
                | Backoff::Response { cap_secs, .. } => optional_number(cap_secs.as_ref(), &scope),
                Backoff::Constant { .. } | Backoff::Exponential { .. } => None,
            };
            if found.zip(cap).is_some_and(|(found, cap)| found > 0.0 && found >= cap) {
                return None;
            }
            if let Some(secs) = found.filter(|secs| *secs > 0.0) {
                return Duration::try_from_secs_f64(secs + 1.0).ok();
            }
        }
        Some(Duration::from_secs(1 << attempt.number.saturating_sub(1).min(10)))
    }
}

/// A wait, and up to twice the range at random.
fn jittered(secs: f64, range: Option<f64>, dice: f64) -> f64 {
    secs + range.unwrap_or(0.0) * 2.0 * dice.clamp(0.0, 1.0)
}

fn optional_number(field: Option<&Field>, scope: &Scope<'_>) -> Option<f64> {
    number(field?, scope)
}

fn header_number(
    response: Option<&HttpResponse>,
    name: &Text,
    regex: Option<&regex::Regex>,
    scope: &Scope<'_>,
) -> Option<f64> {
    let name = name.text(scope).ok()?;
    let value = response?.header(&name)?;
    let value = match regex {
        None => value,
        Some(regex) => regex.find(value)?.as_str(),
    };
    value.trim().parse().ok()
}

/// A number: given as one, or as text, or as a template that gives either.
pub fn number(field: &Field, scope: &Scope<'_>) -> Option<f64> {
    match field {
        Field::Text(text) => {
            let value = text.value(scope).ok()?;
            value.number().map(crate::template::Number::float)
        }
        Field::Other(json) => json.as_f64(),
        Field::Map(_) | Field::List(_) => None,
    }
}

/// A connector's own judgement with a manifest's error handler in front of it: what one of its filters matches is answered as the filter
/// says, all else by the connector.
pub struct Layered {
    /// The error handler.
    pub manifest: ManifestPolicy,
    /// The connector's own.
    pub native: Arc<dyn Policy>,
}

impl Policy for Layered {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let matched = |response: &HttpResponse| {
            self.manifest.verdict(response, &Seen::of(response), attempt.now).filter.is_some()
        };
        match attempt.outcome {
            Outcome::Response(response) if matched(response) => self.manifest.decide(attempt),
            _ => self.native.decide(attempt),
        }
    }
    fn limits(&self) -> Limits {
        self.native.limits()
    }
    fn backoff(&self, number: u32, unit: f64) -> Duration {
        self.native.backoff(number, unit)
    }
    fn rest(&self, response: &HttpResponse) -> Option<Duration> {
        self.native.rest(response)
    }
    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        self.native.exhausted(attempt)
    }
}

impl Policy for ManifestPolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let response = match attempt.outcome {
            Outcome::Response(response) => response,
            Outcome::Error(failure) if failure.kind() == FailureKind::Retry => {
                return match self.wait(attempt, None) {
                    Some(wait) => Decision::Retry { wait: Some(wait) },
                    None => Decision::Fail(failure.clone()),
                };
            }
            Outcome::Error(failure) => return Decision::Fail(failure.clone()),
        };
        if self.handler.is_none() && response.status < 400 {
            return Decision::Success;
        }
        let seen = Seen::of(response);
        let verdict = self.verdict(response, &seen, attempt.now);
        let fail = || Decision::Fail(self.failure(attempt, response, &verdict, &seen));
        match verdict.action {
            Action::Success => Decision::Success,
            // Nobody said what to do about it, and a token may have been taken back before its time. A sign-in that cannot be
            // renewed fails at once.
            Action::Fail if response.status == 401 && verdict.filter.is_none() => Decision::RefreshThenRetry,
            // What steers pages is answered by who reads them (see `steers`).
            Action::Ignore | Action::ResetPagination | Action::ReducePageSize | Action::SplitWindow => Decision::Ignore,
            Action::Fail => fail(),
            Action::RefreshToken => Decision::RefreshThenRetry,
            Action::Retry => {
                self.wait(attempt, Some(&seen)).map_or_else(fail, |wait| Decision::Retry { wait: Some(wait) })
            }
            Action::RateLimited => {
                let known =
                    self.handler.as_ref().is_some_and(|it| it.children.iter().any(|child| !child.backoffs.is_empty()));
                self.wait(attempt, Some(&seen))
                    .map_or_else(fail, |wait| Decision::RateLimited { wait: Some(wait), known })
            }
        }
    }

    fn limits(&self) -> Limits {
        Limits { retries: self.retries, retry_time: Duration::from_mins(10), limited_counts: true }
    }
}
