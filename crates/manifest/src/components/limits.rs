//! What a document says about the pace of all its streams together: `concurrency_level`, `api_budget` and
//! `max_concurrent_async_job_count` (connector-format.md, sections 11 and 13).

use super::{Built, Fault, Field, part::Part};
use crate::datetime::IsoDuration;
use crate::json::Json;
use chrono::TimeDelta;

/// The pace of a document.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    /// `ConcurrencyLevel`: how many slices are read at once at most.
    pub concurrency: Option<Concurrency>,
    /// `max_concurrent_async_job_count`; absent: 1.
    pub jobs: Option<Field>,
    /// `HTTPAPIBudget`.
    pub budget: Option<ApiBudget>,
}

/// `ConcurrencyLevel`.
#[derive(Debug, Clone)]
pub struct Concurrency {
    /// How many.
    pub wished: Field,
    /// Not more than.
    pub most: Option<u64>,
}

/// `HTTPAPIBudget`.
#[derive(Debug, Clone)]
pub struct ApiBudget {
    /// In order; the first that is about a request counts it.
    pub policies: Vec<CallPolicy>,
    /// Reply header with the instant of the next period.
    pub reset_header: String,
    /// Reply header with what is left.
    pub remaining_header: String,
    /// Statuses that say that nothing is left.
    pub hit_statuses: Vec<u16>,
    /// The component as text: the same text is the same budget.
    pub identity: String,
}

/// A call rate policy.
#[derive(Debug, Clone)]
pub struct CallPolicy {
    /// Its pace.
    pub pace: CallPace,
    /// Which requests; none: all.
    pub matchers: Vec<Matcher>,
}

/// How fast.
#[derive(Debug, Clone)]
pub enum CallPace {
    /// `UnlimitedCallRatePolicy`.
    Unlimited,
    /// `FixedWindowCallRatePolicy`.
    Fixed {
        /// Requests.
        limit: Field,
        /// Per this time.
        period: TimeDelta,
    },
    /// `MovingWindowCallRatePolicy`.
    Moving(Vec<(Field, TimeDelta)>),
}

/// `HttpRequestRegexMatcher`. Everything that is given must fit.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// The verb in capitals.
    pub method: Option<String>,
    /// Scheme and host without a slash at the end.
    pub base: Option<String>,
    /// Found somewhere in the path.
    pub path: Option<regex::Regex>,
    /// Parameters that must be there.
    pub params: Vec<(String, String)>,
    /// Headers that must be there, names in lower case.
    pub headers: Vec<(String, String)>,
    /// What a request counts; absent: 1.
    pub weight: Option<Field>,
}

/// Builds the pace of a document, and says what of it is wrong or not known. Such a part is left out: without it the streams
/// read the same, only faster or slower.
pub fn traffic(document: &Json) -> (Traffic, Vec<Fault>) {
    let mut faults = Vec::new();
    let traffic = Part::new(document, "").map(|part| Traffic {
        concurrency: built(&part, "concurrency_level", concurrency, &mut faults),
        jobs: part.field("max_concurrent_async_job_count").unwrap_or_else(|fault| {
            faults.push(fault);
            None
        }),
        budget: built(&part, "api_budget", budget, &mut faults),
    });
    let traffic = traffic.unwrap_or_else(|fault| {
        faults.push(fault);
        Traffic::default()
    });
    (traffic, faults)
}

fn built<T>(part: &Part<'_>, field: &str, build: fn(&Part<'_>) -> Built<T>, faults: &mut Vec<Fault>) -> Option<T> {
    part.get(field)?;
    part.child(field).and_then(|inner| build(&inner)).map_err(|fault| faults.push(fault)).ok()
}

fn concurrency(part: &Part<'_>) -> Built<Concurrency> {
    let wished = part.field_of("default_concurrency", part.need("default_concurrency")?)?;
    let most = part.get("max_concurrency").and_then(Json::as_u64);
    if let (Field::Text(text), None) = (&wished, most)
        && text.template().reads("config")
    {
        return Err(part.invalid("max_concurrency", "missing; it bounds what a person may wish for"));
    }
    Ok(Concurrency { wished, most })
}

fn budget(part: &Part<'_>) -> Built<ApiBudget> {
    if !matches!(part.kind()?, "HTTPAPIBudget" | "HttpAPIBudget") {
        return Err(part.unsupported(part.name()));
    }
    let mut hit_statuses = Vec::new();
    for status in part.get("status_codes_for_ratelimit_hit").and_then(Json::as_array).into_iter().flatten() {
        let number = status.as_u64().and_then(|status| u16::try_from(status).ok());
        hit_statuses.push(
            number
                .ok_or_else(|| part.invalid("status_codes_for_ratelimit_hit", format!("{status} is not a status")))?,
        );
    }
    if hit_statuses.is_empty() {
        hit_statuses.push(429);
    }
    let header = |field: &str, usual: &str| Ok::<_, Fault>(part.plain(field)?.unwrap_or_else(|| usual.to_owned()));
    Ok(ApiBudget {
        policies: part.children("policies")?.iter().map(policy).collect::<Built<_>>()?,
        reset_header: header("ratelimit_reset_header", "ratelimit-reset")?,
        remaining_header: header("ratelimit_remaining_header", "ratelimit-remaining")?,
        hit_statuses,
        identity: Json::Object(part.map.clone()).to_string(),
    })
}

fn policy(part: &Part<'_>) -> Built<CallPolicy> {
    let pace = match part.kind()? {
        "UnlimitedCallRatePolicy" => CallPace::Unlimited,
        "FixedWindowCallRatePolicy" => CallPace::Fixed {
            limit: part.field_of("call_limit", part.need("call_limit")?)?,
            period: span(part, "period")?,
        },
        "MovingWindowCallRatePolicy" => {
            let rates = part.children("rates")?;
            if rates.is_empty() {
                return Err(part.invalid("rates", "at least one rate was expected"));
            }
            let rate = |rate: Part<'_>| {
                let rate = rate.known_as("Rate");
                Ok((rate.field_of("limit", rate.need("limit")?)?, span(&rate, "interval")?))
            };
            CallPace::Moving(rates.into_iter().map(rate).collect::<Built<_>>()?)
        }
        _ => return Err(part.unsupported(part.name())),
    };
    Ok(CallPolicy { pace, matchers: part.children("matchers")?.into_iter().map(matcher).collect::<Built<_>>()? })
}

fn span(part: &Part<'_>, field: &str) -> Built<TimeDelta> {
    const MONTH_DAYS: i64 = 30;
    let text =
        part.plain(field)?.ok_or_else(|| part.invalid(field, "missing; a duration such as PT1M was expected"))?;
    let duration = IsoDuration::parse(&text).map_err(|error| part.invalid(field, error.to_string()))?;
    let span = duration.exact + TimeDelta::days(duration.months.saturating_mul(MONTH_DAYS).clamp(0, 36_500));
    if span <= TimeDelta::zero() {
        Err(part.invalid(field, "a time longer than nothing was expected"))
    } else {
        Ok(span)
    }
}

fn matcher(part: Part<'_>) -> Built<Matcher> {
    let part = part.known_as("HttpRequestRegexMatcher");
    let path = match part.plain("url_path_pattern")? {
        None => None,
        Some(source) => Some(
            regex::Regex::new(&source)
                .map_err(|error| part.invalid("url_path_pattern", format!("the expression is broken: {error}")))?,
        ),
    };
    let pairs = |field: &str| {
        let map = part.get(field).and_then(Json::as_object).into_iter().flatten();
        map.filter(|(name, _)| *name != "$parameters").map(|(name, value)| {
            let text = match value {
                Json::String(text) => text.to_string(),
                // As Python prints them.
                Json::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
                other => other.to_string(),
            };
            (name.to_string(), text)
        })
    };
    Ok(Matcher {
        method: part.plain("method")?.map(|method| method.to_ascii_uppercase()),
        base: part.plain("url_base")?.map(|base| base.trim_end_matches('/').to_owned()),
        path,
        params: pairs("params").collect(),
        headers: pairs("headers").map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
        weight: part.field("weight")?,
    })
}
