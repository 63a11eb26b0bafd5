//! Reports on order: the job of a slice is created, asked about until it has an end, and handed to the pages that download it
//! (`AsyncRetriever`, connector-format.md, section 11).
//!
//! Nothing that was ordered is left running: a job that failed here, took too long, was cancelled or whose reader went away is
//! aborted on the platform if the manifest says how. Nor is a report left lying: one that is ready takes room there until it is thrown
//! away, which happens after it was read and just as well when it could not be.

use super::Run;
use crate::json;
use crate::json::{Json, Map};
use crate::{
    components::{Job, JobStatus, Requester, Stream},
    decode::{self, Projection},
    records::Extraction,
    retry,
    template::{SliceView, Value},
    wire,
};
use kit::{http::HttpResponse, observe::WaitReason, session::CancellationToken};
use model::failure::{Code, Failure, FailureKind};
use std::{sync::Arc, time::Duration};

/// Between two questions about a job, once it has proved to be a long one.
const POLL: Duration = Duration::from_secs(5);

/// Before the second question about a job; then twice as long each time, up to [`POLL`]. Small reports are ready in a moment.
const FIRST_POLL: Duration = Duration::from_secs(1);

/// How often a job is started for one slice.
const ATTEMPTS: u32 = 3;

/// Minutes until a job counts as timed out.
const TIMEOUT_MINUTES: f64 = 60.0;

/// The same when somebody only tries the connector.
const TRIAL_MINUTES: f64 = 15.0;

/// A report that is ready. Dropped before it was deleted, it is thrown away in the background.
pub(super) struct Ready {
    /// Its downloads: the slice with `download_target`, `creation_response` and `polling_response`.
    pub parts: Vec<SliceView>,
    /// The slice as the creation left it, for the deletion.
    ordered: SliceView,
    desk: Desk,
    lies_there: bool,
}

impl Ready {
    /// Throws a report away that was read.
    pub async fn delete(mut self) {
        self.lies_there = false;
        self.desk.delete(&self.ordered, &self.desk.run.cancel).await;
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if self.lies_there
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (desk, ordered) = (self.desk.clone(), std::mem::take(&mut self.ordered));
            runtime.spawn(async move { desk.delete(&ordered, &CancellationToken::new()).await });
        }
    }
}

/// How one attempt to make a report ended.
enum Made {
    Ready {
        ordered: SliceView,
        polled: Json,
    },
    Skipped,
    /// The platform did not take the order.
    Refused(Failure),
    /// The platform's word, and whether the job may still run there.
    Not {
        word: String,
        status: JobStatus,
    },
}

/// A job that may run on the platform. Dropped while armed, it is aborted in the background.
struct Running<'a> {
    desk: &'a Desk,
    ordered: SliceView,
    armed: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if self.armed
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (desk, ordered) = (self.desk.clone(), std::mem::take(&mut self.ordered));
            runtime.spawn(async move { desk.abort(&ordered).await });
        }
    }
}

/// Everything that concerns the reports of one stream.
#[derive(Clone)]
pub(super) struct Desk {
    run: Run,
    stream: Arc<Stream>,
}

impl Desk {
    pub fn new(run: Run, stream: Arc<Stream>) -> Self {
        Self { run, stream }
    }

    fn job(&self) -> Option<&Job> {
        self.stream.retriever.job.as_deref()
    }

    /// Has a slice's report made. `None`: the platform says that there is nothing to report.
    pub async fn order(&self, slice: &SliceView) -> Result<Option<Ready>, Failure> {
        let Some(job) = self.job() else { return Ok(None) };
        let scope = self.run.scope();
        let minutes = job.timeout_minutes.as_ref().and_then(|field| retry::number(field, &scope));
        let usual = if self.run.shared.trial { TRIAL_MINUTES } else { TIMEOUT_MINUTES };
        let minutes = minutes.filter(|minutes| *minutes > 0.0).unwrap_or(usual);
        let timeout = Duration::try_from_secs_f64(minutes * 60.0).unwrap_or(Duration::from_hours(1));
        let pause = job.retry_wait_secs.as_ref().and_then(|field| retry::number(field, &scope)).unwrap_or(0.0);
        let pause = Duration::try_from_secs_f64(pause).unwrap_or_default();
        let place = tokio::select! {
            biased;
            () = self.run.cancel.cancelled() => return Err(Failure::new(Code::Cancelled)),
            place = self.run.shared.jobs.acquire() => place.map_err(|_| Failure::new(Code::Internal))?,
        };
        let mut attempt = 1;
        let last = if self.run.shared.trial { 1 } else { ATTEMPTS };
        let (ordered, polled) = loop {
            let mut wait = POLL + pause;
            let failure = match self.make(job, slice, timeout).await {
                Ok(Made::Ready { ordered, polled }) => break (ordered, polled),
                Ok(Made::Skipped) => return Ok(None),
                Ok(Made::Not { word, status: JobStatus::TimedOut }) => self
                    .run
                    .http
                    .failure(Code::Timeout)
                    .with("secs", timeout.as_secs())
                    .detail(self.run.http.redactor().text(&format!("the report is not ready: {word}"))),
                Ok(Made::Not { word, .. }) => self
                    .run
                    .http
                    .failure(Code::PlatformDown)
                    .with("status", &word)
                    .detail(format!("the platform did not make the report, {attempt} of {last} attempts")),
                Ok(Made::Refused(failure)) => {
                    wait = POLL;
                    failure
                }
                Err(failure) if failure.kind() == FailureKind::Retry => failure,
                Err(failure) => return Err(failure),
            };
            if attempt >= last {
                return Err(failure);
            }
            attempt += 1;
            tracing::warn!(stream = %self.stream.name, %failure, "a report is ordered again");
            self.wait(wait).await?;
        };
        // The place is free as soon as the platform is done: downloading needs none.
        drop(place);
        self.targets(job, ordered, &polled).await.map(Some)
    }

    async fn wait(&self, duration: Duration) -> Result<(), Failure> {
        self.run.http.wait(WaitReason::Report, duration, &self.run.cancel).await
    }

    /// Creates a job and asks until it has an end.
    async fn make(&self, job: &Job, slice: &SliceView, timeout: Duration) -> Result<Made, Failure> {
        let began = self.run.http.clock().now();
        let (request, created) = match self.ask(&job.creation, slice, &self.run.cancel).await {
            Ok(created) => created,
            // What a person must mend, or has stopped, is not tried again.
            Err(failure) if matches!(failure.kind(), FailureKind::Retry | FailureKind::VendorChanged) => {
                return Ok(Made::Refused(failure));
            }
            Err(failure) => return Err(failure),
        };
        if created.status >= 400 {
            let refused = created.failure(Code::RequestRefused).with("status", created.status);
            return Ok(Made::Refused(refused));
        }
        let ordered = with(slice, "creation_response", context(&request, &created));
        let mut running = Running { desk: self, ordered, armed: true };
        let outcome = self.watch(job, &running.ordered, began, timeout).await;
        running.armed = false;
        let left = match &outcome {
            Ok(Made::Not { status, .. }) => *status == JobStatus::TimedOut,
            Ok(_) => false,
            Err(_) => true,
        };
        if left {
            self.abort(&running.ordered).await;
        }
        outcome
    }

    async fn watch(
        &self,
        job: &Job,
        ordered: &SliceView,
        began: chrono::DateTime<chrono::Utc>,
        timeout: Duration,
    ) -> Result<Made, Failure> {
        let mut poll = FIRST_POLL;
        loop {
            let (request, polled) = self.ask(&job.polling, ordered, &self.run.cancel).await?;
            let word = self.word(job, &polled)?;
            let known = job.words.iter().find(|(known, _)| *known == word);
            match known.map(|(_, status)| *status) {
                Some(JobStatus::Completed) => {
                    let polled = context(&request, &polled);
                    return Ok(Made::Ready { ordered: ordered.clone(), polled });
                }
                Some(JobStatus::Skipped) => return Ok(Made::Skipped),
                Some(status @ (JobStatus::Failed | JobStatus::TimedOut)) => return Ok(Made::Not { word, status }),
                Some(JobStatus::Running) => {}
                None => {
                    let what = format!("the state {word:?} of a report is none of status_mapping");
                    return Err(polled
                        .failure(Code::VendorChanged)
                        .with("what", "status_mapping")
                        .detail(polled.redacted(&what)));
                }
            }
            let spent = (self.run.http.clock().now() - began).to_std().unwrap_or_default();
            if spent > timeout {
                return Ok(Made::Not { word, status: JobStatus::TimedOut });
            }
            self.wait(poll).await?;
            poll = POLL.min(poll * 2);
        }
    }

    /// The platform's word for the state of a job.
    fn word(&self, job: &Job, response: &HttpResponse) -> Result<String, Failure> {
        let found = self.extracted(job, &job.status, response)?;
        Ok(found.first().map_or_else(|| "None".to_owned(), |word| Value::from_json(word).print().into_owned()))
    }

    fn extracted(
        &self,
        job: &Job,
        extractor: &crate::components::Extractor,
        response: &HttpResponse,
    ) -> Result<Vec<Json>, Failure> {
        let failed = |error| self.run.record_failure(&self.stream, &error);
        let extraction = Extraction::new(extractor, &self.run.scope()).map_err(failed)?;
        let mut bodies = decode::decode(&job.decoder, response.body(), &Projection::all()).map_err(|error| {
            response.failure(Code::VendorChanged).with("what", "report").detail(response.redacted(&error.to_string()))
        })?;
        extraction.take(&mut bodies, false).map_err(failed)
    }

    /// The downloads of a finished report.
    async fn targets(&self, job: &Job, ordered: SliceView, polled: &Json) -> Result<Ready, Failure> {
        let finished = with(&ordered, "polling_response", polled.clone());
        let mut ready = Ready { parts: Vec::new(), ordered, desk: self.clone(), lies_there: true };
        let targets = match (&job.targets, &job.targets_from) {
            (None, _) => vec![Json::from("")],
            (Some(extractor), Some(requester)) => {
                let (_, response) = self.ask(requester, &finished, &self.run.cancel).await?;
                self.extracted(job, extractor, &response)?
            }
            (Some(extractor), None) => {
                let failed = |error| self.run.record_failure(&self.stream, &error);
                let extraction = Extraction::new(extractor, &self.run.scope()).map_err(failed)?;
                extraction.take(&mut [polled.clone()], false).map_err(failed)?
            }
        };
        ready.parts = targets.into_iter().map(|target| with(&finished, "download_target", target)).collect();
        Ok(ready)
    }

    /// Throws a report away. Nothing depends on it, so a platform that will not do it is only noted.
    async fn delete(&self, ordered: &SliceView, cancel: &CancellationToken) {
        if let Some(requester) = self.job().and_then(|job| job.delete.as_ref())
            && let Err(failure) = self.ask(requester, ordered, cancel).await
        {
            tracing::warn!(stream = %self.stream.name, %failure, "a report could not be deleted");
        }
    }

    /// Stops a job on the platform; also when this run was cancelled, which is why it does not listen to that.
    async fn abort(&self, ordered: &SliceView) {
        if let Some(requester) = self.job().and_then(|job| job.abort.as_ref())
            && let Err(failure) = self.ask(requester, ordered, &CancellationToken::new()).await
        {
            tracing::warn!(stream = %self.stream.name, %failure, "a report could not be aborted");
        }
    }

    async fn ask(
        &self,
        requester: &Requester,
        slice: &SliceView,
        cancel: &CancellationToken,
    ) -> Result<(kit::http::HttpRequest, HttpResponse), Failure> {
        let request = {
            let scope = self.run.request_scope(slice, &Json::Null);
            let built = wire::build(requester, &scope, &[], None, !self.run.signed_in);
            let mut request = built.map_err(|error| self.run.wire_failure(&self.stream, &error))?;
            request.scope.clone_from(&self.stream.budget_scope);
            request
        };
        let http = self.run.http_for(requester, &self.stream.retriever.requesters())?;
        let response = http.send(&request, &*self.run.policy(requester), cancel).await?;
        Ok((request, response))
    }
}

/// The slice with one thing more handed down.
pub(super) fn with(slice: &SliceView, name: &str, value: Json) -> SliceView {
    let mut slice = slice.clone();
    match &mut slice.extra_fields {
        Json::Object(map) => {
            map.insert(name.to_owned(), value);
        }
        other => *other = Json::Object(Map::from_iter([(name.to_owned(), value)])),
    }
    slice
}

/// What templates see of an answer about a job: its body, with `headers` and `request` beside it.
fn context(request: &kit::http::HttpRequest, response: &HttpResponse) -> Json {
    let body = response.json().map_or(Json::Null, Json::from);
    let mut map = if let Json::Object(map) = body { map } else { Map::new() };
    map.entry("headers").or_insert_with(|| retry::headers(response));
    map.entry("request").or_insert_with(|| {
        let headers: Map =
            request.headers.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect();
        json!({"url": request.url, "method": request.method.as_str(), "headers": headers})
    });
    Json::Object(map)
}
