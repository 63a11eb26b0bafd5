//! The reading loop: slices, partitions, pages (connector-format.md, sections 3, 5 and 10).
//!
//! Partitions of a slice are read by a few workers at once; each parses and maps its own pages, so that parsing, the network
//! and the store work at the same time. What bounds memory is the channel between them: a handful of batches.

mod pages;
mod partitions;
mod stream;

pub use pages::Pages;
pub use partitions::{ParentCache, Partition};
pub use stream::{Job, read_streams};

use crate::json::Json;
use crate::{
    components::Stream,
    records::RecordError,
    retry::ManifestPolicy,
    template::{Scope, SliceView, TemplateError, Value},
    wire::WireError,
};
use chrono::{DateTime, Utc};
use kit::{http::Http, policy::Policy, session::CancellationToken};
use model::{
    ad::Batch,
    failure::{Code, Failure},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{sync::mpsc, task::JoinSet};

/// How many partitions of a slice are read at once. The account's budget slows them down further if need be.
const WORKERS: usize = 4;

/// Batches between the workers and the sink.
const WAITING_BATCHES: usize = 4;

/// What a run lends to the reading loop.
#[derive(Clone)]
pub struct Run {
    /// Configuration as templates see it; secrets are placeholders.
    pub config: Arc<Json>,
    /// Signed-in HTTP, or HTTP that knows the secrets.
    pub http: Http,
    /// Whether `http` signs requests itself.
    pub signed_in: bool,
    /// The connector's own judgement of answers, where a requester declares no error handler.
    pub native_policy: Option<Arc<dyn Policy>>,
    /// Whether a body that is not JSON fails. Public manifests take it for "no records", as the reference does.
    pub strict: bool,
    /// When a person stops it.
    pub cancel: CancellationToken,
    /// Now, as templates see it.
    pub now: DateTime<Utc>,
    /// Parents that were read in this session.
    pub parents: Arc<ParentCache>,
}

/// A time window in the cursor's own terms, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Start.
    pub start: DateTime<Utc>,
    /// End.
    pub end: DateTime<Utc>,
}

/// Which fields of records somebody reads; `None`: all.
pub type Wanted = Option<Vec<Vec<String>>>;

impl Run {
    /// A run of an imported manifest: requests are signed by its own authenticators, and a body that is not JSON counts as no
    /// records. `http` knows the secrets that `config` holds placeholders for; time is its clock's.
    pub fn new(config: Json, http: Http, cancel: CancellationToken) -> Self {
        Self {
            config: Arc::new(config),
            now: http.clock().now(),
            http,
            signed_in: false,
            native_policy: None,
            strict: false,
            cancel,
            parents: Arc::new(ParentCache::default()),
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope::new(self.now).with("config", Value::from_json(&self.config))
    }

    fn manifest_failure(&self, stream: &Stream, place: &str, error: &dyn std::fmt::Display) -> Failure {
        let detail = kit::placeholder::mask(&error.to_string());
        Failure::new(Code::ManifestInvalid)
            .with("path", format!("streams/{}/{place}", stream.name))
            .detail(self.http.redactor().text(&detail))
    }
    fn template_failure(&self, stream: &Stream, place: &str, error: &TemplateError) -> Failure {
        self.manifest_failure(stream, place, error)
    }
    fn wire_failure(&self, stream: &Stream, error: &WireError) -> Failure {
        self.manifest_failure(stream, "retriever/requester", error)
    }
    fn record_failure(&self, stream: &Stream, error: &RecordError) -> Failure {
        if let RecordError::Absent(what) = error {
            return self.http.failure(Code::VendorChanged).with("what", what).detail(format!("stream {}", stream.name));
        }
        self.manifest_failure(stream, "retriever/record_selector", error)
    }

    fn policy(&self, stream: &Stream) -> Arc<dyn Policy> {
        match (&stream.retriever.requester.errors, &self.native_policy) {
            (None, Some(native)) => Arc::clone(native),
            (handler, _) => Arc::new(ManifestPolicy::new(handler.clone(), Arc::clone(&self.config), self.now)),
        }
    }
}

/// Turns the records of a page into rows.
pub type Mapper = Arc<dyn Fn(Vec<Json>) -> Batch + Send + Sync>;

/// Reads all given slices with a few workers; `take` gets each page's batch, in no particular order.
/// The first failure ends everything.
pub async fn read_slices(
    run: &Run,
    stream: &Arc<Stream>,
    slices: Vec<SliceView>,
    wanted: &Wanted,
    mapper: &Mapper,
    batches: &mut (dyn BatchTaker + Send),
) -> Result<(), Failure> {
    let workers = WORKERS.min(slices.len()).max(1);
    let queue = Arc::new(Mutex::new(VecDeque::from(slices)));
    let (sender, mut receiver) = mpsc::channel::<Batch>(WAITING_BATCHES);
    // Dropping the set ends the workers, so no request outlives a failed or stopped slice.
    let mut set: JoinSet<Result<(), Failure>> = JoinSet::new();
    for _ in 0..workers {
        let (run, stream, wanted, mapper) = (run.clone(), Arc::clone(stream), wanted.clone(), Arc::clone(mapper));
        let (queue, sender) = (Arc::clone(&queue), sender.clone());
        set.spawn(async move {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(slice) = next else { return Ok(()) };
                let mut pages = Pages::new(run.clone(), Arc::clone(&stream), slice, &wanted)?;
                while let Some(records) = pages.next().await? {
                    let batch = mapper(records);
                    if !batch.is_empty() && sender.send(batch).await.is_err() {
                        return Ok(());
                    }
                }
            }
        });
    }
    drop(sender);
    loop {
        tokio::select! {
            batch = receiver.recv() => match batch {
                Some(batch) => batches.take(batch).await?,
                None => break,
            },
            Some(ended) = set.join_next() => joined(ended)?,
        }
    }
    while let Some(ended) = set.join_next().await {
        joined(ended)?;
    }
    Ok(())
}

fn joined(ended: Result<Result<(), Failure>, tokio::task::JoinError>) -> Result<(), Failure> {
    ended.unwrap_or_else(|panic| Err(Failure::new(Code::Internal).detail("a reading worker broke").caused_by(panic)))
}

/// Takes batches over as they are ready.
#[async_trait::async_trait]
pub trait BatchTaker {
    /// Takes one.
    async fn take(&mut self, batch: Batch) -> Result<(), Failure>;
}
