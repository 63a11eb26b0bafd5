//! The reading loop: slices, partitions, pages (connector-format.md, sections 3, 5 and 10).
//!
//! Slices are read by a few workers at once; each parses and maps its own pages, so that parsing, the network and the store
//! work at the same time. What bounds memory is the channel between them: a handful of pages.

mod answers;
mod counted;
mod names;
mod pages;
mod partitions;
mod report;
mod shared;
mod stream;
mod table;
mod tracker;

pub use crate::json::Json;
use answers::Answers;
pub use pages::Pages;
pub use partitions::Partition;
pub use shared::Shared;
pub use stream::{Convert, Flow, Job, Taker, read_streams};

use crate::{
    auth::SignIns,
    components::{Requester, Stream},
    connector::Limits,
    observe::Observer,
    records::RecordError,
    retry::{Layered, ManifestPolicy},
    template::{Scope, SliceView, TemplateError, Value},
    wire::WireError,
};
use chrono::{DateTime, Utc};
use kit::{
    http::Http,
    policy::Policy,
    session::{CancellationToken, Credentials},
};
use model::failure::{Code, Failure};
use std::sync::Arc;

/// How many slices are read at once unless the manifest says less. The account's budget slows them down further if need be.
const WORKERS: usize = 4;

/// What a run lends to the reading loop.
#[derive(Clone)]
pub struct Run {
    /// Configuration as templates see it; secrets are placeholders.
    pub config: Arc<Json>,
    /// Signed-in HTTP, or HTTP that knows the secrets.
    pub http: Http,
    /// Whether `http` signs requests itself.
    pub signed_in: bool,
    /// The connector's own judgement of answers, where no filter of a requester's error handler matches.
    pub native_policy: Option<Arc<dyn Policy>>,
    /// Whether a body that is not JSON fails. Public manifests take it for "no records", as the reference does.
    pub strict: bool,
    /// When a person stops it.
    pub cancel: CancellationToken,
    /// Now, as templates see it.
    pub now: DateTime<Utc>,
    /// Answers that several streams need.
    pub answers: Arc<Answers>,
    /// How many slices are read at once.
    pub workers: usize,
    /// Bounds of a test read; they hold for parents, too.
    pub limits: Limits,
    /// What fetches tokens for requesters.
    pub sign_ins: Arc<SignIns>,
    /// What else the streams of this run share.
    pub shared: Arc<Shared>,
    /// Who looks at the whole answers of a stream.
    pub observer: Option<Arc<Observer>>,
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

/// What a slice hands down that templates also know by its own name.
const HANDED_DOWN: [&str; 4] = ["creation_response", "polling_response", "download_target", "query_properties"];

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
            answers: Arc::default(),
            workers: WORKERS,
            limits: Limits::default(),
            sign_ins: Arc::default(),
            shared: Arc::default(),
            observer: None,
        }
    }

    /// The same with somewhere to keep rotated refresh tokens; see [`SignIns::new`].
    #[must_use]
    pub fn with_credentials(self, credentials: Arc<dyn Credentials>) -> Self {
        Self { sign_ins: Arc::new(SignIns::new(credentials)), ..self }
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
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

    fn policy(&self, requester: &Requester) -> Arc<dyn Policy> {
        let by_manifest =
            |handler: &Option<_>| ManifestPolicy::new(handler.clone(), Arc::clone(&self.config), self.now);
        match (&requester.errors, &self.native_policy) {
            (None, Some(native)) => Arc::clone(native),
            (handler @ Some(_), Some(native)) => {
                Arc::new(Layered { manifest: by_manifest(handler), native: Arc::clone(native) })
            }
            (handler, None) => Arc::new(by_manifest(handler)),
        }
    }

    /// What the templates of a request see.
    fn request_scope<'a>(&'a self, slice: &'a SliceView, page_token: &'a Json) -> Scope<'a> {
        let mut scope = self
            .scope()
            .with("stream_slice", Value::Slice(slice))
            .with("next_page_token", Value::from_json(page_token));
        for name in HANDED_DOWN {
            if let Some(value) = slice.extra_fields.get(name) {
                scope.set(name, Value::from_json(value));
            }
        }
        scope
    }
}
