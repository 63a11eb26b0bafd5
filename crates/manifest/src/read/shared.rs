//! What all streams of one run have in common besides the parents they read: the pace the document asks for, the jobs that may run
//! at once, and the fields a platform was asked about (connector-format.md, sections 4, 11 and 13).

use super::Run;
use crate::json::Json;
use crate::{
    components::{ApiBudget, CallPace, Matcher, Stream, Traffic},
    retry,
    template::Scope,
};
use kit::{
    budget::{Pace, Rule, Rules},
    http::HttpRequest,
};
use model::failure::{Code, Failure};
use std::{
    collections::HashMap,
    fmt::{Display, Write as _},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OnceCell, Semaphore};

/// The names of one endpoint, being read or read.
type Names = Arc<OnceCell<Arc<Vec<String>>>>;

/// What the streams of one run share.
#[derive(Debug)]
pub struct Shared {
    /// Places for jobs that run on the platform at the same time.
    pub(super) jobs: Arc<Semaphore>,
    /// Places for slices of such jobs: one more, so that a report is ordered while another is downloaded.
    readers: Arc<Semaphore>,
    /// Whether somebody only tries the connector: jobs get a quarter of an hour and one attempt.
    pub(super) trial: bool,
    schemas: HashMap<String, Json>,
    names: Mutex<HashMap<String, Names>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            jobs: Arc::new(Semaphore::new(1)),
            readers: Arc::new(Semaphore::new(2)),
            trial: false,
            schemas: HashMap::new(),
            names: Mutex::default(),
        }
    }
}

impl Shared {
    /// The schema that the catalogue has for a stream: its properties are the fields somebody chose.
    pub(super) fn schema(&self, stream: &str) -> Option<&Json> {
        self.schemas.get(stream)
    }
    /// The cell for names that are read from the platform once per run.
    pub(super) fn names(&self, identity: &str) -> Names {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(names.entry(identity.to_owned()).or_default())
    }
}

/// More jobs than this at once are nobody's intention.
const MOST_JOBS: f64 = 1000.0;

/// What a document may wish for at all.
const MOST_WORKERS: f64 = 1000.0;

/// What it gets at most. Requests wait for the account's budget anyway; more slices at once only take memory.
const MOST_AT_ONCE: usize = 16;

impl Run {
    /// This run at the pace of a document: its limits are declared to the account's budget, and its streams share places for jobs.
    /// `schemas` are those of the catalogue, by stream, where there is one; `trial` says that somebody only looks.
    /// `manifest_invalid` when a limit cannot be evaluated.
    pub fn governed(&self, traffic: &Traffic, schemas: HashMap<String, Json>, trial: bool) -> Result<Self, Failure> {
        let invalid =
            |path: &str, error: &dyn Display| Failure::new(Code::ManifestInvalid).with("path", path).detail(error);
        let scope = self.scope();
        let whole = |field: Option<&_>, path: &str, most: f64| match field {
            None => Ok(None),
            Some(field) => match retry::number(field, &scope).filter(|number| *number >= 1.0) {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and `most`")]
                Some(number) => Ok(Some(number.min(most) as usize)),
                None => Err(invalid(path, &"a positive whole number was expected")),
            },
        };
        let jobs = whole(traffic.jobs.as_ref(), "max_concurrent_async_job_count", MOST_JOBS)?;
        let wished = traffic.concurrency.as_ref().map(|it| &it.wished);
        let workers = whole(wished, "concurrency_level/default_concurrency", MOST_WORKERS)?;
        if let Some(budget) = &traffic.budget {
            // Slices are read by as many workers, and so may be all of an account's, or of a user's where limits are shared.
            let at_once = workers.map(|workers| workers as u64);
            let rules = rules(budget, at_once, &scope).map_err(|what| invalid("api_budget", &what))?;
            self.http.budget().declare(rules);
        }
        let most = traffic.concurrency.as_ref().and_then(|it| it.most).and_then(|most| usize::try_from(most).ok());
        let jobs = jobs.unwrap_or(1);
        let shared = Shared {
            jobs: Arc::new(Semaphore::new(jobs)),
            readers: Arc::new(Semaphore::new(jobs + 1)),
            trial,
            schemas,
            names: Mutex::default(),
        };
        // The document's wish is an upper bound: whoever runs this may have a smaller one.
        let workers = workers.map_or(self.workers, |workers| workers.min(most.unwrap_or(usize::MAX)).min(MOST_AT_ONCE));
        Ok(Self { shared: Arc::new(shared), workers: workers.max(1), ..self.clone() })
    }

    /// Who may read a slice of this stream: those of reports wait for the platform most of the time, and take no place from others.
    pub(super) fn places(&self, stream: &Stream, workers: &Arc<Semaphore>) -> Arc<Semaphore> {
        Arc::clone(if stream.retriever.job.is_some() { &self.shared.readers } else { workers })
    }
}

fn rules(budget: &ApiBudget, at_once: Option<u64>, scope: &Scope<'_>) -> Result<Rules, String> {
    let limit = |field: &_| match retry::number(field, scope).filter(|number| *number >= 1.0) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive; too large saturates")]
        Some(number) => Ok(number as u64),
        None => Err("a limit is not a positive whole number".to_owned()),
    };
    let mut rules = Vec::with_capacity(budget.policies.len());
    // With the numbers that the settings give, and no other setting: accounts with a budget in common have the same rules.
    let mut identity = budget.identity.clone();
    for policy in &budget.policies {
        let pace = match &policy.pace {
            CallPace::Unlimited => Pace::Unlimited,
            CallPace::Fixed { limit: field, period } => Pace::Fixed { limit: limit(field)?, period: *period },
            CallPace::Moving(rates) => Pace::Moving(
                rates.iter().map(|(field, span)| Ok((limit(field)?, *span))).collect::<Result<_, String>>()?,
            ),
        };
        let mut matchers = Vec::with_capacity(policy.matchers.len());
        for matcher in &policy.matchers {
            matchers.push((matcher.clone(), matcher.weight.as_ref().map(limit).transpose()?.unwrap_or(1)));
        }
        let weights: Vec<u64> = matchers.iter().map(|(_, weight)| *weight).collect();
        let _ = write!(identity, "\n{pace:?} {weights:?}");
        let weigh = move |request: &HttpRequest| {
            if matchers.is_empty() {
                return Some(1);
            }
            matchers.iter().find(|(matcher, _)| fits(matcher, request)).map(|(_, weight)| *weight)
        };
        rules.push(Rule { weigh: Arc::new(weigh), pace });
    }
    Ok(Rules {
        identity: format!("{identity}\n{at_once:?}"),
        rules,
        at_once,
        reset_header: budget.reset_header.clone(),
        remaining_header: budget.remaining_header.clone(),
        hit_statuses: budget.hit_statuses.clone(),
    })
}

fn fits(matcher: &Matcher, request: &HttpRequest) -> bool {
    if matcher.method.as_deref().is_some_and(|method| method != request.method.as_str()) {
        return false;
    }
    let Ok(url) = url::Url::parse(&request.url) else { return false };
    if matcher.base.as_deref().is_some_and(|base| base != url.origin().ascii_serialization()) {
        return false;
    }
    if matcher.path.as_ref().is_some_and(|path| !path.is_match(url.path().trim_end_matches('/'))) {
        return false;
    }
    let in_url = |(name, value): &(String, String)| url.query_pairs().any(|(n, v)| n == *name && v == *value);
    let header = |(name, value): &(String, String)| {
        request.headers.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && v == value)
    };
    matcher.params.iter().all(|pair| in_url(pair) || request.query.contains(pair)) && matcher.headers.iter().all(header)
}
