//! The reading loop: slices, partitions, pages (connector-format.md, sections 3, 5 and 10).
//!
//! Partitions of a slice are read by a few workers at once; each parses and maps its own pages, so that parsing, the network
//! and the store work at the same time. What bounds memory is the channel between them: a handful of batches.

use crate::{
    datetime,
    decode::{self, Projection},
    model::{Decoder, Field, Parent, RequestOption, Router, Strategy, Stream, Text, TokenTarget},
    records::{self, Around, Extraction, RecordError},
    retry::{self, ManifestPolicy},
    template::{Allowed, Scope, SliceView, TemplateError, Value},
    windows::Plan,
    wire::{self, Injection, WireError},
};
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use kit::{
    http::{Http, HttpResponse},
    policy::Policy,
    session::CancellationToken,
};
use model::{
    ad::Batch,
    failure::{Code, Failure},
};
use serde_json::{Map, Value as Json};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    sync::{OnceCell, mpsc},
    task::JoinSet,
};

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

/// The keys of one parent, being read or read.
type Reading = Arc<OnceCell<Arc<Vec<Partition>>>>;

/// Keys of parents, read once per session and shared by all windows and streams.
#[derive(Debug, Default)]
pub struct ParentCache {
    read: Mutex<HashMap<String, Reading>>,
}

impl ParentCache {
    fn cell(&self, key: String) -> Reading {
        Arc::clone(self.read.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default())
    }
}

/// One partition: its keys, and what parents handed down beside them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Partition {
    keys: Map<String, Json>,
    extra: Map<String, Json>,
}

impl Run {
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

    /// The partitions of a stream; one empty partition when it has no router.
    pub fn partitions<'a>(
        &'a self,
        stream: &'a Stream,
        routers: &'a [Router],
    ) -> BoxFuture<'a, Result<Vec<Partition>, Failure>> {
        Box::pin(async move {
            let mut product = vec![Partition::default()];
            for router in routers {
                let each = self.router(stream, router).await?;
                let mut next = Vec::with_capacity(product.len() * each.len());
                for left in &product {
                    for right in &each {
                        let mut joined = left.clone();
                        joined.keys.extend(right.keys.clone());
                        joined.extra.extend(right.extra.clone());
                        next.push(joined);
                    }
                }
                product = next;
            }
            let mut seen = HashSet::new();
            product.retain(|partition| seen.insert(Json::Object(partition.keys.clone()).to_string()));
            Ok(product)
        })
    }

    fn router<'a>(&'a self, stream: &'a Stream, router: &'a Router) -> BoxFuture<'a, Result<Vec<Partition>, Failure>> {
        Box::pin(async move {
            let failed = |error: TemplateError| self.template_failure(stream, "retriever/partition_router", &error);
            match router {
                Router::List { values, key, .. } => {
                    let key = key.text(&self.scope()).map_err(failed)?;
                    let values = self.list(values).map_err(failed)?;
                    let one =
                        |value: Json| Partition { keys: Map::from_iter([(key.clone(), value)]), extra: Map::new() };
                    Ok(values.into_iter().map(one).collect())
                }
                Router::Substream(parents) => {
                    let mut all = Vec::new();
                    for parent in parents {
                        all.extend(self.parent(stream, parent).await?.iter().cloned());
                    }
                    Ok(all)
                }
                Router::Grouping { size, inner, deduplicate } => {
                    let partitions = self.router(stream, inner).await?;
                    Ok(grouped(&partitions, *size, *deduplicate))
                }
            }
        })
    }

    /// The values of a list router: a list, or a template that gives one; a single text is one value.
    fn list(&self, values: &Field) -> Result<Vec<Json>, TemplateError> {
        let scope = self.scope();
        let one = |text: &Text| text.value(&scope).map(|value| value.to_json());
        Ok(match values {
            Field::List(items) => {
                let mut list = Vec::new();
                for item in items {
                    list.push(match item {
                        Field::Text(text) => one(text)?,
                        Field::Other(other) => other.clone(),
                        Field::Map(_) | Field::List(_) => Json::Null,
                    });
                }
                list
            }
            Field::Text(text) => match one(text)? {
                Json::Array(items) => items,
                single => vec![single],
            },
            Field::Other(other) => vec![other.clone()],
            Field::Map(_) => Vec::new(),
        })
    }

    /// Reads a parent's keys, once per session.
    async fn parent(&self, child: &Stream, parent: &Parent) -> Result<Arc<Vec<Partition>>, Failure> {
        let scope = self.scope();
        let failed = |error: RecordError| self.record_failure(child, &error);
        let key = records::segments(&parent.key, &scope, "parent_key").map_err(failed)?;
        let field = parent
            .partition_field
            .text(&scope)
            .map_err(|error| self.template_failure(child, "partition_field", &error))?;
        let mut extra = Vec::new();
        for path in &parent.extra_fields {
            extra.push(records::segments(path, &scope, "extra_fields").map_err(failed)?);
        }
        let identity = format!("{}\n{field}\n{}\n{extra:?}", parent.stream.identity, key.join("/"));
        let cell = self.parents.cell(identity);
        let read = cell.get_or_try_init(|| self.read_parent(Arc::clone(&parent.stream), key, field, extra)).await?;
        Ok(Arc::clone(read))
    }

    async fn read_parent(
        &self,
        stream: Arc<Stream>,
        key: Vec<String>,
        field: String,
        extra: Vec<Vec<String>>,
    ) -> Result<Arc<Vec<Partition>>, Failure> {
        let mut wanted = extra.clone();
        wanted.push(key.clone());
        let mut partitions = Vec::new();
        for slice in self.slices(&stream, None).await? {
            let parent_slice = slice.partition.clone();
            let mut pages = Pages::new(self.clone(), Arc::clone(&stream), slice, &Some(wanted.clone()))?;
            while let Some(records) = pages.next().await? {
                for record in records {
                    let Some(value) = records::walk(&record, &key).filter(|value| !value.is_null()) else { continue };
                    let mut keys = Map::new();
                    keys.insert(field.clone(), value.clone());
                    keys.insert("parent_slice".to_owned(), parent_slice.clone());
                    let extra = extra
                        .iter()
                        .map(|path| (path.join("."), records::walk(&record, path).cloned().unwrap_or(Json::Null)));
                    partitions.push(Partition { keys, extra: extra.collect() });
                }
            }
        }
        Ok(Arc::new(partitions))
    }

    /// All slices of a stream: for each partition its windows. Without a given window, a cursor's own windows from its start.
    pub async fn slices(&self, stream: &Stream, window: Option<Window>) -> Result<Vec<SliceView>, Failure> {
        let partitions = self.partitions(stream, &stream.retriever.routers).await?;
        let mut cursors = vec![Map::new()];
        if let Some(cursor) = &stream.cursor {
            let scope = self.scope();
            let failed = |error: TemplateError| self.template_failure(stream, "incremental_sync", &error);
            let (from, to) =
                (cursor.start_key.text(&scope).map_err(failed)?, cursor.end_key.text(&scope).map_err(failed)?);
            let windows = if let Some(window) = window {
                vec![window]
            } else {
                let plan = Plan::new(cursor, &scope, self.now)
                    .map_err(|error| self.manifest_failure(stream, "incremental_sync", &error))?;
                let intervals = plan.intervals(None, "").unwrap_or_default();
                plan.windows(&intervals).into_iter().map(|it| Window { start: it.start, end: it.end }).collect()
            };
            let write = |at| Json::from(datetime::format(datetime::Moment::utc(at), &cursor.format));
            cursors = windows
                .into_iter()
                .map(|window| Map::from_iter([(from.clone(), write(window.start)), (to.clone(), write(window.end))]))
                .collect();
        }
        let mut slices = Vec::with_capacity(partitions.len() * cursors.len());
        for partition in partitions {
            for cursor in &cursors {
                let mut all = partition.keys.clone();
                all.extend(cursor.clone());
                slices.push(SliceView {
                    all: Json::Object(all),
                    partition: Json::Object(partition.keys.clone()),
                    cursor: Json::Object(cursor.clone()),
                    extra_fields: Json::Object(partition.extra.clone()),
                });
            }
        }
        Ok(slices)
    }
}

/// Values of a single-key partition, so many at a time; extra fields likewise.
fn grouped(partitions: &[Partition], size: usize, deduplicate: bool) -> Vec<Partition> {
    let key =
        partitions.iter().flat_map(|it| it.keys.keys()).find(|key| *key != "parent_slice").cloned().unwrap_or_default();
    let mut seen = HashSet::new();
    let kept: Vec<&Partition> = partitions
        .iter()
        .filter(|partition| !deduplicate || seen.insert(partition.keys.get(&key).unwrap_or(&Json::Null).to_string()))
        .collect();
    kept.chunks(size)
        .map(|group| {
            let values =
                group.iter().map(|partition| partition.keys.get(&key).cloned().unwrap_or(Json::Null)).collect();
            let mut extra = Map::new();
            for name in group.iter().flat_map(|partition| partition.extra.keys()) {
                if !extra.contains_key(name) {
                    let all = group.iter().map(|it| it.extra.get(name).cloned().unwrap_or(Json::Null)).collect();
                    extra.insert(name.clone(), Json::Array(all));
                }
            }
            Partition { keys: Map::from_iter([(key.clone(), Json::Array(values))]), extra }
        })
        .collect()
}

/// The pages of one slice.
pub struct Pages {
    run: Run,
    stream: Arc<Stream>,
    slice: SliceView,
    policy: Arc<dyn Policy>,
    http: Http,
    injections: Vec<Injection>,
    extraction: Extraction,
    projection: Projection,
    /// The paginator looks into bodies or records, so they are kept whole.
    keep: bool,
    /// The token of the next request.
    token: Option<Json>,
    first: bool,
    over: bool,
    /// Records so far, and the platform's own number of them.
    extracted: u64,
    total: Option<u64>,
    /// Fingerprint of the last page, and how often in a row it came.
    fingerprint: (u64, u32),
    hasher: RandomState,
}

impl Pages {
    /// Prepares reading; nothing is sent yet.
    pub fn new(run: Run, stream: Arc<Stream>, slice: SliceView, wanted: &Wanted) -> Result<Self, Failure> {
        let retriever = &stream.retriever;
        let scope = run.scope();
        let extraction = Extraction::new(&retriever.selector.extractor, &scope)
            .map_err(|error| run.record_failure(&stream, &error))?;
        let keep = retriever.paginator.as_ref().is_some_and(|paginator| match &paginator.strategy {
            Strategy::Cursor { value, stop, .. } => {
                let reads = |text: &Text| text.template().reads("response") || text.template().reads("last_record");
                reads(value) || stop.as_deref().is_some_and(reads)
            }
            Strategy::Offset { size: Some(Field::Text(size)), .. } => size.template().reads("response"),
            Strategy::Page { .. } | Strategy::Offset { .. } => false,
        });
        let plain = retriever.selector.filter.is_none() && stream.transformations.is_empty() && !keep;
        let projection = match wanted {
            Some(wanted) if plain && extraction.projectable() => projection(&extraction, wanted, stream.total.as_ref()),
            _ => Projection::all(),
        };
        let mut injections = Vec::new();
        let wire = |error: WireError| run.wire_failure(&stream, &error);
        for router in &retriever.routers {
            router_injections(router, &slice, &scope, &mut injections).map_err(wire)?;
        }
        if let Some(cursor) = &stream.cursor {
            for (option, key) in [(&cursor.start_option, &cursor.start_key), (&cursor.end_option, &cursor.end_key)] {
                let Some(option) = option else { continue };
                let key =
                    key.text(&scope).map_err(|error| run.template_failure(&stream, "incremental_sync", &error))?;
                let injection = Injection::new(option, slice.cursor.get(&key).cloned().unwrap_or(Json::Null), &scope)
                    .map_err(wire)?;
                // The cursor wins over the partition.
                injections.retain(|other: &Injection| other.place != injection.place || other.path != injection.path);
                injections.push(injection);
            }
        }
        let token = match retriever.paginator.as_ref().map(|paginator| &paginator.strategy) {
            Some(Strategy::Page { start, on_first: true, .. }) => Some(Json::from(*start)),
            Some(Strategy::Offset { on_first: true, .. }) => Some(Json::from(0)),
            _ => None,
        };
        let http = if run.signed_in {
            run.http.clone()
        } else {
            let base = retriever
                .requester
                .base
                .text(&scope)
                .map_err(|error| run.template_failure(&stream, "url_base", &error))?;
            run.http.with_hosts([base])
        };
        Ok(Self {
            policy: run.policy(&stream),
            http,
            injections,
            extraction,
            projection,
            keep,
            token,
            first: true,
            over: false,
            extracted: 0,
            total: None,
            fingerprint: (0, 0),
            hasher: RandomState::new(),
            run,
            slice,
            stream,
        })
    }

    /// The records of the next page, filtered and transformed; `None` after the last one.
    pub async fn next(&mut self) -> Result<Option<Vec<Json>>, Failure> {
        if self.over {
            return Ok(None);
        }
        if self.run.cancel.is_cancelled() {
            return Err(Failure::new(Code::Cancelled));
        }
        let page_token = match &self.token {
            Some(token) => Json::Object(Map::from_iter([("next_page_token".to_owned(), token.clone())])),
            None => Json::Null,
        };
        let response = self.ask(&page_token).await?;
        if response.status >= 400 {
            self.over = true;
            return Ok(Some(Vec::new()));
        }
        let mut bodies = self.decode(&response)?;
        if let Some(path) = &self.stream.total
            && let Some(total) = bodies.first().and_then(|body| records::walk(body, path)).and_then(count)
        {
            self.total = Some(total);
        }
        let kept_body = (self.keep && decode::pages_see_it(&self.stream.retriever.decoder))
            .then(|| bodies.first().cloned().unwrap_or(Json::Null));
        let found = self
            .extraction
            .take(&mut bodies, self.run.strict)
            .map_err(|error| self.run.record_failure(&self.stream, &error))?;
        let extracted = found.len();
        self.extracted += extracted as u64;
        let mut emitted = Vec::with_capacity(extracted);
        {
            let around =
                Around { config: &self.run.config, slice: &self.slice, page_token: &page_token, now: self.run.now };
            let stream = &self.stream;
            for record in found {
                let refined = records::refine(record, &stream.retriever.selector, &stream.transformations, &around);
                emitted.extend(refined.map_err(|error| self.run.record_failure(stream, &error))?);
            }
        }
        self.advance(&response, extracted, &emitted, kept_body.as_ref())?;
        if self.over {
            self.check_total()?;
        }
        Ok(Some(emitted))
    }

    async fn ask(&mut self, page_token: &Json) -> Result<HttpResponse, Failure> {
        let request = {
            let requester = &self.stream.retriever.requester;
            let scope = Scope::new(self.run.now)
                .with("config", Value::from_json(&self.run.config))
                .with("stream_slice", Value::Slice(&self.slice))
                .with("next_page_token", Value::from_json(page_token));
            let wire = |error: WireError| self.run.wire_failure(&self.stream, &error);
            let leave_out = !self.first && self.stream.retriever.slice_only_on_first;
            let mut injections = if leave_out { Vec::new() } else { self.injections.clone() };
            let mut next = None;
            if let Some(paginator) = &self.stream.retriever.paginator {
                if let Some(option) = &paginator.size_option
                    && let Some(size) = self.page_size(None)?
                {
                    united(&mut injections, Injection::new(option, Json::from(size), &scope).map_err(wire)?);
                }
                match (&paginator.token, &self.token) {
                    (TokenTarget::Option(option), Some(token)) => {
                        united(&mut injections, Injection::new(option, token.clone(), &scope).map_err(wire)?);
                    }
                    (TokenTarget::Path, Some(token)) => next = Some(Value::from_json(token).print().into_owned()),
                    _ => {}
                }
            }
            let mut request =
                wire::build(requester, &scope, &injections, next.as_deref(), !self.run.signed_in).map_err(wire)?;
            request.scope.clone_from(&self.stream.budget_scope);
            request
        };
        self.http.send(&request, &*self.policy, &self.run.cancel).await
    }

    fn decode(&self, response: &HttpResponse) -> Result<Vec<Json>, Failure> {
        let decoder = &self.stream.retriever.decoder;
        match decode::decode(decoder, response.body(), &self.projection) {
            Ok(bodies) => Ok(bodies),
            Err(decode::DecodeError::Json(_)) if !self.run.strict && *decoder == Decoder::Json => {
                tracing::warn!(stream = %self.stream.name, "an answer is not JSON and counts as no records");
                Ok(Vec::new())
            }
            // The answer's own look at itself tells a page of HTML, a broken end and the rest apart.
            Err(error) => Err(match response.json() {
                Err(failure) => failure,
                Ok(_) => response
                    .failure(Code::VendorChanged)
                    .with("what", &self.stream.name)
                    .detail(response.redacted(&error.to_string())),
            }),
        }
    }

    fn page_size(&self, response: Option<&Json>) -> Result<Option<i64>, Failure> {
        let Some(paginator) = &self.stream.retriever.paginator else { return Ok(None) };
        let (Strategy::Page { size, .. } | Strategy::Offset { size, .. } | Strategy::Cursor { size, .. }) =
            &paginator.strategy;
        match size {
            Some(Field::Other(number)) => Ok(number.as_i64()),
            Some(Field::Text(text)) => {
                let empty = Json::Object(Map::new());
                let scope = self.run.scope().with("response", Value::from_json(response.unwrap_or(&empty)));
                let value = text.optional(&scope, Allowed::Any);
                let value =
                    value.map_err(|error| self.run.template_failure(&self.stream, "paginator/page_size", &error))?;
                Ok(value.and_then(|value| value.to_json().as_i64()))
            }
            None | Some(Field::Map(_) | Field::List(_)) => Ok(None),
        }
    }

    /// Decides whether there is another page and with which token.
    fn advance(
        &mut self,
        response: &HttpResponse,
        extracted: usize,
        emitted: &[Json],
        body: Option<&Json>,
    ) -> Result<(), Failure> {
        self.first = false;
        let Some(paginator) = &self.stream.retriever.paginator else {
            self.over = true;
            return Ok(());
        };
        let size = self.page_size(body)?;
        let last_page =
            extracted == 0 || size.is_some_and(|size| i64::try_from(extracted).is_ok_and(|found| found < size));
        let previous = self.token.as_ref().and_then(Json::as_i64);
        let count = i64::try_from(extracted).unwrap_or(i64::MAX);
        let next = match &paginator.strategy {
            Strategy::Page { .. } | Strategy::Offset { .. } if last_page => None,
            Strategy::Page { start, .. } => Some(Json::from(previous.unwrap_or(*start) + 1)),
            Strategy::Offset { .. } => Some(Json::from(previous.unwrap_or(0) + count)),
            Strategy::Cursor { value, stop, .. } => {
                self.cursor_token(value, stop.as_deref(), response, size, emitted, body)?
            }
        };
        let print = self.hasher.hash_one(response.body());
        let same = self.fingerprint.0 == print && extracted > 0;
        self.fingerprint = (print, if same { self.fingerprint.1 + 1 } else { 1 });
        if next.is_some() && self.fingerprint.1 >= 3 {
            return Err(response.failure(Code::PagingLoop));
        }
        self.over = next.is_none();
        self.token = next;
        Ok(())
    }

    fn cursor_token(
        &self,
        value: &Text,
        stop: Option<&Text>,
        response: &HttpResponse,
        size: Option<i64>,
        emitted: &[Json],
        body: Option<&Json>,
    ) -> Result<Option<Json>, Failure> {
        let empty = Json::Object(Map::new());
        let headers = retry::headers(response);
        let mut scope = self
            .run
            .scope()
            .with("stream_slice", Value::Slice(&self.slice))
            .with("response", Value::from_json(body.unwrap_or(&empty)))
            .with("headers", Value::from_json(&headers))
            .with("last_record", emitted.last().map_or(Value::Null, Value::from_json))
            .with("last_page_size", Value::Int(i128::try_from(emitted.len()).unwrap_or(i128::MAX)));
        if let Some(size) = size {
            scope.set("page_size", Value::Int(i128::from(size)));
        }
        let failed = |error: TemplateError| self.run.template_failure(&self.stream, "paginator", &error);
        if let Some(stop) = stop
            && stop.condition(&scope).map_err(failed)?
        {
            return Ok(None);
        }
        let token = value.optional(&scope, Allowed::Any).map_err(failed)?;
        Ok(token.filter(Value::truthy).map(|token| token.to_json()))
    }

    /// The platform's own number against what it sent.
    fn check_total(&self) -> Result<(), Failure> {
        match self.total {
            Some(total) if total != self.extracted => Err(self
                .http
                .failure(Code::TotalMismatch)
                .with("expected", total)
                .with("found", self.extracted)
                .detail(format!("stream {}", self.stream.name))),
            _ => Ok(()),
        }
    }
}

/// A platform's count: a number, or its text.
fn count(value: &Json) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Adds an injection unless slices inject the same already: paginator and slice options are united.
fn united(injections: &mut Vec<Injection>, injection: Injection) {
    if !injections.iter().any(|other| other.place == injection.place && other.path == injection.path) {
        injections.push(injection);
    }
}

fn projection(extraction: &Extraction, wanted: &[Vec<String>], total: Option<&Vec<String>>) -> Projection {
    let mut projection = Projection::none();
    if let Some(total) = total {
        projection.want(total);
    }
    let mut records = extraction.path.clone();
    // A page without any wanted field must still show its records, because they are counted.
    if let Some(expansion) = &extraction.expansion {
        for (from, _) in &expansion.parent_fields {
            projection.want(&[&records[..], from].concat());
        }
        records.extend(expansion.path.iter().cloned());
    }
    for field in wanted {
        projection.want(&[&records[..], field].concat());
    }
    projection
}

fn router_injections(
    router: &Router,
    slice: &SliceView,
    scope: &Scope<'_>,
    injections: &mut Vec<Injection>,
) -> Result<(), WireError> {
    let mut add = |option: &Option<RequestOption>, key: &Text| -> Result<(), WireError> {
        let Some(option) = option else { return Ok(()) };
        let key = key.text(scope).map_err(|error| WireError::new("partition_router", error.to_string()))?;
        match slice.partition.get(&key) {
            Some(value) if Value::from_json(value).truthy() => {
                united(injections, Injection::new(option, value.clone(), scope)?);
                Ok(())
            }
            _ => Ok(()),
        }
    };
    match router {
        Router::List { key, option, .. } => add(option, key),
        Router::Substream(parents) => {
            parents.iter().try_for_each(|parent| add(&parent.option, &parent.partition_field))
        }
        Router::Grouping { .. } => Ok(()),
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
