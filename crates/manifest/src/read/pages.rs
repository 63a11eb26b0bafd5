//! The pages of one slice: asking, decoding, selecting records, and finding out what to ask next (connector-format.md,
//! sections 3 to 6).
//!
//! A slice is read in parts when the platform wants it so: the downloads of a report it made, or the halves of a window it refused.
//! Each part has its own pages; records of a part that were handed over before it was refused come again, and the key of the
//! records tells.

use super::{
    Run, Wanted,
    counted::Counted,
    names::Merging,
    partitions::FIRST_PAGE,
    report::{self, Desk, Ready},
    table::Rows,
    tracker::Keeper,
};
use crate::json::{Json, Map};
use crate::{
    components::{Action, Decoder, Field, RequestOption, Router, Strategy, Stream, Text, TokenTarget},
    decode::{self, DecodeError, Projection},
    observe::Observer,
    records::{self, Around, Extraction, RecordError, Taken},
    retry::{self, ManifestPolicy},
    template::{Allowed, Scope, SliceView, TemplateError, Value},
    windows::Plan,
    wire::{self, Injection, WireError},
};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use kit::{
    http::{Http, HttpResponse},
    observe::WaitReason,
    policy::Policy,
};
use model::failure::{Code, Failure};
use std::{
    hash::{BuildHasher, RandomState},
    ops::Range,
    sync::Arc,
};

/// A part of a slice.
struct Part {
    slice: SliceView,
    /// How often its window was halved.
    depth: u32,
}

/// Whether what has to be known or made before the first page is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Fresh,
    Prepared,
}

/// What one request brought.
struct Answer {
    response: HttpResponse,
    /// Records in it before the filter, and those that came through.
    extracted: usize,
    emitted: Vec<Json>,
    /// Kept for the paginator.
    body: Option<Json>,
    /// The records instead, where they are built a few at a time.
    rest: Option<Rest>,
}

/// What is not built yet of a page whose paginator needs no more than the number of its records.
struct Rest {
    body: Bytes,
    /// Where each record stands in the body.
    places: std::vec::IntoIter<Range<usize>>,
    projection: Projection,
    page_token: Json,
    /// Who looks at the records, and how many it could have looked at.
    observer: Option<(Arc<Observer>, usize)>,
}

/// About so many bytes of a page are built at a time.
const BATCH_BYTES: usize = 32 << 10;

impl Rest {
    /// The next records; none when all are built.
    fn next(&mut self) -> Result<Vec<Json>, serde_json::Error> {
        let (mut records, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES
            && let Some(place) = self.places.next()
        {
            bytes += place.len();
            let text = self.body.get(place).unwrap_or_default();
            let shown = self.observer.as_mut().filter(|(observer, met)| decode::is_shown(*met, observer.per_page()));
            let record = if shown.is_some() { Projection::all().parse(text)? } else { self.projection.parse(text)? };
            if let Some((observer, _)) = shown {
                observer.elements(std::iter::once(&record));
            }
            if let Some((_, met)) = &mut self.observer {
                *met += 1;
            }
            records.push(record);
        }
        Ok(records)
    }
}

/// What a request led to.
enum Asked {
    /// Records.
    Answer(Box<Answer>),
    /// An answer without any: the slice ends.
    Nothing,
    /// A page that does not go on from the one before it.
    Moved,
    /// The error handler wants the pages to be asked for differently.
    Steer(Action, Option<String>),
}

/// The pages of one slice.
pub struct Pages {
    run: Run,
    stream: Arc<Stream>,
    policy: Arc<dyn Policy>,
    /// Set when the error handler has actions that steer pages.
    steering: Option<ManifestPolicy>,
    http: Http,
    extraction: Extraction,
    projection: Projection,
    observer: Option<Arc<Observer>>,
    /// The paginator looks into bodies or records, so they are kept whole.
    keep: bool,
    /// What we filter ourselves.
    keeper: Option<Keeper>,
    /// The cursor, where pages start again after the last record or windows are split.
    plan: Option<Plan>,
    /// The part that is read, and those after it, the next one last.
    part: Part,
    parts: Vec<Part>,
    /// The report this slice's pages download.
    report: Option<Ready>,
    stage: Stage,
    /// Names of fields for each request of a page.
    chunks: Option<Arc<Vec<Vec<String>>>>,
    /// The first page, when the parent's record holds it.
    first_page: Option<Json>,
    /// A downloaded table.
    rows: Option<Rows>,
    /// What is wanted of each record, where large pages are built a few records at a time, and what is left of the present one.
    in_parts: Option<Projection>,
    rest: Option<Rest>,
    injections: Vec<Injection>,
    /// The slice as it is asked for: the part's, or begun later after a reset.
    slice: SliceView,
    /// The token of the next request.
    token: Option<Json>,
    first: bool,
    over: bool,
    /// Records so far, and the platform's own number of them.
    extracted: u64,
    total: Option<u64>,
    /// The list, where its records are counted and paged by their places.
    counted: Option<Counted>,
    /// Whether pages repeat themselves.
    loops: Loops,
    hasher: RandomState,
    /// Since pages began: records, the newest cursor value of all, and starts without progress.
    since_reset: u64,
    latest: Option<DateTime<Utc>>,
    stuck: u32,
    /// The page size while it is reduced, reductions in a row, and repetitions at the smallest.
    size: Option<i64>,
    reductions: u32,
    at_minimum: u32,
}

/// How often a window is halved.
const DEEPEST_SPLIT: u32 = 10;

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
        let merges = retriever.requester.properties.is_some() || retriever.reset.is_some();
        let plain = retriever.selector.filter.is_none() && stream.transformations.is_empty() && !keep && !merges;
        let mut projection = match wanted {
            Some(wanted) if plain && extraction.projectable() => projection(&extraction, wanted, &stream),
            _ => Projection::all(),
        };
        let counts_only =
            retriever.paginator.as_ref().is_none_or(|paginator| !matches!(paginator.strategy, Strategy::Cursor { .. }));
        let in_parts = (counts_only
            && !keep
            && !merges
            && retriever.decoder == Decoder::Json
            && retriever.job.is_none()
            && stream.total.is_none()
            && extraction.is_plain())
        .then(|| projection.below(&extraction.path));
        let by_place =
            retriever.paginator.as_ref().is_some_and(|it| matches!(it.strategy, Strategy::Offset { .. })) && !merges;
        let counted = (stream.total.is_some() && by_place).then(|| Counted::new(stream.key.clone()));
        let observer = run.observer.clone().filter(|observer| observer.is_of(&stream.name));
        if let Some(observer) = &observer
            && (retriever.decoder == Decoder::Json || !extraction.path.is_empty())
        {
            projection.show(&extraction.path, observer.per_page());
        }
        let errors = retriever.requester.errors.clone().filter(|errors| errors.steers());
        let plan = match &stream.cursor {
            Some(cursor) if retriever.reset.is_some() || retriever.splitting.is_some() => Some(
                Plan::new(cursor, &scope, run.now)
                    .map_err(|error| run.manifest_failure(&stream, "incremental_sync", &error))?,
            ),
            _ => None,
        };
        let http = run.http_for(&retriever.requester, &retriever.requesters())?;
        let mut pages = Self {
            policy: run.policy(&retriever.requester),
            steering: errors.map(|errors| ManifestPolicy::new(Some(errors), Arc::clone(&run.config), run.now)),
            http,
            injections: Vec::new(),
            extraction,
            projection,
            observer,
            keep,
            keeper: None,
            plan,
            part: Part { slice: slice.clone(), depth: 0 },
            parts: Vec::new(),
            report: None,
            stage: Stage::Fresh,
            chunks: None,
            first_page: slice
                .extra_fields
                .get(FIRST_PAGE)
                .filter(|_| retriever.routers.iter().any(Router::is_lazy))
                .cloned(),
            rows: None,
            in_parts,
            rest: None,
            slice,
            token: None,
            first: true,
            over: false,
            extracted: 0,
            total: None,
            counted,
            loops: Loops::default(),
            hasher: RandomState::new(),
            since_reset: 0,
            latest: None,
            stuck: 0,
            size: None,
            reductions: 0,
            at_minimum: 0,
            run,
            stream,
        };
        pages.restart(pages.part.slice.clone())?;
        Ok(pages)
    }

    /// Leaves out records that are too old.
    #[must_use]
    pub(super) fn keeping(self, keeper: Option<Keeper>) -> Self {
        Self { keeper, ..self }
    }

    /// Whether the next records are those of another page.
    pub(super) fn between(&self) -> bool {
        self.rest.is_none()
    }

    /// The records of the next page, or of the next part of a large one, filtered and transformed; `None` after the last one.
    pub async fn next(&mut self) -> Result<Option<Vec<Json>>, Failure> {
        self.prepare().await?;
        loop {
            if self.run.cancel.is_cancelled() {
                return Err(Failure::new(Code::Cancelled));
            }
            if let Some(records) = self.part()? {
                return Ok(Some(records));
            }
            if let Some(rows) = &mut self.rows {
                let next = rows.next().map_err(|error| self.broken(&error))?;
                let Some(records) = next else {
                    self.rows = None;
                    self.over = true;
                    continue;
                };
                return self.refined(records, &Json::Null).map(Some);
            }
            if self.over {
                let Some(part) = self.parts.pop() else {
                    self.finish().await;
                    return Ok(None);
                };
                self.begin(part)?;
            }
            if let Some(records) = self.page().await? {
                return Ok(Some(records));
            }
        }
    }

    /// The next records of a page that is built in parts.
    fn part(&mut self) -> Result<Option<Vec<Json>>, Failure> {
        let Some(mut rest) = self.rest.take() else { return Ok(None) };
        let found = rest.next().map_err(|error| self.broken(&error))?;
        let refined = self.refined(found, &rest.page_token)?;
        self.rest = (!rest.places.as_slice().is_empty()).then_some(rest);
        Ok(Some(refined))
    }

    /// What has to be known or made before the first page.
    async fn prepare(&mut self) -> Result<(), Failure> {
        if std::mem::replace(&mut self.stage, Stage::Prepared) == Stage::Prepared {
            return Ok(());
        }
        let retriever = &self.stream.retriever;
        if let Some(properties) = &retriever.requester.properties {
            self.chunks = Some(self.run.chunks(&self.stream, properties).await?);
        }
        if retriever.job.is_some() {
            let desk = Desk::new(self.run.clone(), Arc::clone(&self.stream));
            self.report = desk.order(&self.part.slice).await?;
            let downloads = self.report.as_mut().map(|report| std::mem::take(&mut report.parts)).unwrap_or_default();
            self.parts = downloads.into_iter().rev().map(|slice| Part { slice, depth: 0 }).collect();
            self.over = true;
        }
        Ok(())
    }

    /// After the last page.
    async fn finish(&mut self) {
        if let Some(report) = self.report.take() {
            report.delete().await;
        }
    }

    /// Begins with a part of the slice.
    fn begin(&mut self, part: Part) -> Result<(), Failure> {
        self.latest = None;
        self.stuck = 0;
        self.size = None;
        self.reductions = 0;
        self.at_minimum = 0;
        if self.stream.retriever.job.is_none() {
            // The platform's own number is of this part only.
            self.extracted = 0;
            self.total = None;
            self.counted = self.counted.as_ref().map(|_| Counted::new(self.stream.key.clone()));
        }
        self.restart(part.slice.clone())?;
        self.part = part;
        Ok(())
    }

    /// Goes to the first page of a slice.
    fn restart(&mut self, slice: SliceView) -> Result<(), Failure> {
        let retriever = &self.stream.retriever;
        self.loops = Loops::default();
        self.injections.clear();
        let scope = self.run.scope();
        let wire = |error: WireError| self.run.wire_failure(&self.stream, &error);
        let mut injections = Vec::new();
        // The requests around a report get nothing injected, as in the reference: their templates say everything.
        if retriever.job.is_none() {
            for router in &retriever.routers {
                router_injections(router, &slice, &scope, &mut injections).map_err(wire)?;
            }
            if let Some(cursor) = &self.stream.cursor {
                for (option, key) in [(&cursor.start_option, &cursor.start_key), (&cursor.end_option, &cursor.end_key)]
                {
                    let Some(option) = option else { continue };
                    let key = key
                        .text(&scope)
                        .map_err(|error| self.run.template_failure(&self.stream, "incremental_sync", &error))?;
                    let value = slice.cursor.get(&key).cloned().unwrap_or(Json::Null);
                    let injection = Injection::new(option, value, &scope).map_err(wire)?;
                    // The cursor wins over the partition.
                    injections
                        .retain(|other: &Injection| other.place != injection.place || other.path != injection.path);
                    injections.push(injection);
                }
            }
        }
        if let Some(option) = self.stream.counter.as_ref().and_then(|counter| counter.option.as_ref()) {
            let start = slice.cursor.get("start").cloned().unwrap_or(Json::Null);
            injections.push(Injection::new(option, start, &scope).map_err(wire)?);
        }
        self.token = match retriever.paginator.as_ref().map(|paginator| &paginator.strategy) {
            Some(Strategy::Page { start, on_first: true, .. }) => Some(Json::from(*start)),
            Some(Strategy::Offset { on_first: true, .. }) => Some(Json::from(0)),
            _ => None,
        };
        self.injections = injections;
        self.slice = slice;
        self.first = true;
        self.over = false;
        self.since_reset = 0;
        Ok(())
    }

    /// One page. `None`: it has to be asked for again, or differently.
    async fn page(&mut self) -> Result<Option<Vec<Json>>, Failure> {
        let page_token = match &self.token {
            Some(token) => Json::Object(Map::from_iter([("next_page_token".to_owned(), token.clone())])),
            None => Json::Null,
        };
        let asked = match self.chunks.clone() {
            None => self.ask(&page_token).await?,
            Some(chunks) => self.ask_in_chunks(&chunks, &page_token).await?,
        };
        let answer = match asked {
            Asked::Answer(answer) => answer,
            Asked::Nothing => {
                self.over = true;
                return Ok(Some(Vec::new()));
            }
            Asked::Steer(action, message) => {
                self.steer(action, message.as_deref()).await?;
                return Ok(None);
            }
            Asked::Moved => {
                let moved = self.mismatch("the list moves while it is read");
                return self.read_again(moved).map(|()| None);
            }
        };
        self.page_succeeded();
        if answer.response.status >= 400 {
            self.over = true;
            return Ok(Some(answer.emitted));
        }
        if self.stream.retriever.job.as_ref().is_some_and(|job| job.table.is_some()) {
            let table = self.stream.retriever.job.as_ref().and_then(|job| job.table);
            let rows = table.map(|table| Rows::new(&answer.response, table)).transpose();
            self.rows = rows.map_err(|error| self.broken(&error))?;
            return Ok(None);
        }
        self.observe(&answer.emitted);
        if self.stream.retriever.reset.and_then(|reset| reset.records).is_some_and(|most| self.since_reset >= most) {
            self.reset(&answer.response)?;
            return Ok(Some(answer.emitted));
        }
        self.advance(&answer.response, answer.extracted, &answer.emitted, answer.body.as_ref())?;
        if self.over
            && let Err(mismatch) = self.check_total()
        {
            self.read_again(mismatch)?;
        }
        if answer.rest.is_some() {
            self.rest = answer.rest;
            return Ok(None);
        }
        let mut emitted = answer.emitted;
        if let Some(keeper) = self.keeper.as_ref().filter(|keeper| keeper.is_feed()) {
            // Paging has seen the whole page; a feed that has reached what is old gives nothing new any more.
            if emitted.last().is_some_and(|record| !keeper.keeps(record)) {
                self.over = true;
            }
            emitted.retain(|record| keeper.keeps(record));
        }
        Ok(Some(emitted))
    }

    /// The records of a page's documents.
    async fn take(&self, bodies: &mut [Json]) -> Result<Taken, Failure> {
        let failed = |error: RecordError| self.run.record_failure(&self.stream, &error);
        let expander = self.stream.retriever.selector.extractor.expander.as_ref();
        let list = expander.and_then(|expander| expander.whole_list.as_ref());
        let (Some(list), Some(expansion)) = (list, &self.extraction.expansion) else {
            return self.extraction.take_page(bodies, self.run.strict).map_err(failed);
        };
        let mut records = Vec::new();
        for parent in self.extraction.parents(bodies, self.run.strict).map_err(failed)? {
            if expansion.to_fetch(&parent) {
                let items = self.whole_list(list, &parent).await?;
                if !items.is_empty() {
                    records.extend(expansion.fetched(parent, items).map_err(failed)?);
                    continue;
                }
            }
            records.extend(expansion.expand(vec![parent], self.run.strict).map_err(failed)?);
        }
        Ok(Taken { records, dropped: 0 })
    }

    /// All items of a list that an answer holds only the beginning of.
    fn whole_list<'a>(&'a self, list: &'a Arc<Stream>, parent: &'a Json) -> BoxFuture<'a, Result<Vec<Json>, Failure>> {
        Box::pin(async move {
            let keys = Json::Object(Map::from_iter([("parent_record", parent.clone())]));
            let slice = SliceView { all: keys.clone(), partition: keys, ..SliceView::default() };
            let mut pages = Self::new(self.run.clone(), Arc::clone(list), slice, &None)?;
            let mut items = Vec::new();
            while let Some(records) = pages.next().await? {
                items.extend(records);
            }
            Ok(items)
        })
    }

    /// The same page asked for in several requests of some fields each, and its records put together.
    async fn ask_in_chunks(&mut self, chunks: &[Vec<String>], page_token: &Json) -> Result<Asked, Failure> {
        let plain = self.slice.clone();
        let properties = self.stream.retriever.requester.properties.clone();
        let key = properties.as_ref().and_then(|properties| properties.chunking.as_ref()).map(|it| it.key.clone());
        let mut merging = Merging::new(&key.clone().unwrap_or_default());
        let mut last = None;
        let mut records = Vec::new();
        for chunk in chunks {
            self.slice = report::with(&plain, "query_properties", Json::from(chunk.clone()));
            let asked = self.ask(page_token).await;
            self.slice.clone_from(&plain);
            match asked? {
                Asked::Answer(mut answer) => {
                    let emitted = std::mem::take(&mut answer.emitted);
                    if key.is_some() {
                        for record in emitted {
                            merging.add(record);
                        }
                    } else {
                        records.extend(emitted);
                    }
                    last = Some(answer);
                }
                Asked::Nothing => last = None,
                Asked::Moved => return Ok(Asked::Moved),
                Asked::Steer(action, message) => return Ok(Asked::Steer(action, message)),
            }
        }
        records.extend(merging.finish());
        match last {
            Some(answer) => Ok(Asked::Answer(Box::new(Answer { emitted: records, ..*answer }))),
            None if records.is_empty() => Ok(Asked::Nothing),
            // Records of earlier requests count even if the last one brought nothing.
            None => {
                let response = self.http.answer_within(String::new());
                self.over = true;
                Ok(Asked::Answer(Box::new(Answer { response, extracted: 0, emitted: records, body: None, rest: None })))
            }
        }
    }

    /// One request, and the records of its answer.
    async fn ask(&mut self, page_token: &Json) -> Result<Asked, Failure> {
        let response = match self.first_page.take() {
            Some(page) => self.http.answer_within(page.to_string()),
            None => self.request(page_token).await?,
        };
        if let Some((action, message)) = self.steering.as_ref().and_then(|it| it.steers(&response, self.run.now)) {
            return Ok(Asked::Steer(action, message));
        }
        // Refused and ignored, or said to be empty: "204 No Content" has no body to decode.
        if response.status >= 400 || response.status == 204 {
            return Ok(Asked::Nothing);
        }
        if self.stream.retriever.job.as_ref().is_some_and(|job| job.table.is_some()) {
            return Ok(Asked::Answer(Box::new(Answer {
                response,
                extracted: 0,
                emitted: Vec::new(),
                body: None,
                rest: None,
            })));
        }
        if let Some(projection) = self.in_parts.as_ref().filter(|_| self.keeper.is_none())
            && let Some(places) = decode::places(response.body(), &self.extraction.path)
        {
            let extracted = places.len();
            self.extracted += extracted as u64;
            let rest = Rest {
                body: response.body().clone(),
                places: places.into_iter(),
                projection: projection.clone(),
                page_token: page_token.clone(),
                observer: self.observer.clone().map(|observer| (observer, 0)),
            };
            let rest = Some(rest).filter(|_| extracted > 0);
            return Ok(Asked::Answer(Box::new(Answer { response, extracted, emitted: Vec::new(), body: None, rest })));
        }
        let mut bodies = self.decode(&response)?;
        if let Some(observer) = &self.observer {
            observer.page(&bodies, &self.extraction);
        }
        if let Some(path) = &self.stream.total
            && let Some(total) = bodies.first().and_then(|body| records::walk(body, path)).and_then(count)
        {
            self.total = Some(total);
        }
        let body = (self.keep && decode::pages_see_it(&self.stream.retriever.decoder))
            .then(|| bodies.first().cloned().unwrap_or(Json::Null));
        let Taken { records: found, dropped } = self.take(&mut bodies).await?;
        let extracted = found.len() + dropped;
        let shared = Counted::shared(self.page_size(None)?);
        let (further, found) = match &mut self.counted {
            None => (extracted, found),
            Some(counted) => match counted.take(found, shared) {
                Some(taken) => taken,
                None => return Ok(Asked::Moved),
            },
        };
        self.extracted += further as u64;
        let emitted = self.refined(found, page_token)?;
        Ok(Asked::Answer(Box::new(Answer { response, extracted, emitted, body, rest: None })))
    }

    fn refined(&self, found: Vec<Json>, page_token: &Json) -> Result<Vec<Json>, Failure> {
        let around = Around { config: &self.run.config, slice: &self.slice, page_token, now: self.run.now };
        let stream = &self.stream;
        let mut emitted = Vec::with_capacity(found.len());
        for record in found {
            let refined = records::refine(record, &stream.retriever.selector, &stream.transformations, &around)
                .and_then(|record| records::finish(record, stream.normal.as_deref()));
            emitted.extend(refined.map_err(|error| self.run.record_failure(stream, &error))?);
        }
        if let Some(keeper) = self.keeper.as_ref().filter(|keeper| !keeper.is_feed()) {
            emitted.retain(|record| keeper.keeps(record));
        }
        Ok(emitted)
    }

    async fn request(&self, page_token: &Json) -> Result<HttpResponse, Failure> {
        let request = {
            let requester = &self.stream.retriever.requester;
            let scope = self.run.request_scope(&self.slice, page_token);
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
            request.to_file = self.stream.retriever.job.as_ref().is_some_and(|job| job.table.is_some());
            request
        };
        let ask = self.http.send(&request, &*self.policy, &self.run.cancel);
        if self.stream.use_cache.unwrap_or(self.stream.is_parent) && !request.to_file {
            let anew = self.counted.as_ref().is_some_and(Counted::repeats);
            return self.run.answers.get(&request, anew, ask).await;
        }
        ask.await
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> Failure {
        let detail = self.http.redactor().text(&error.to_string());
        self.http.failure(Code::VendorChanged).with("what", &self.stream.name).detail(detail)
    }

    fn decode(&self, response: &HttpResponse) -> Result<Vec<Json>, Failure> {
        let decoder = &self.stream.retriever.decoder;
        match decode::decode(decoder, response.body(), &self.projection) {
            Ok(bodies) => Ok(bodies),
            Err(error) if !self.run.strict && error.counts_as_empty(decoder) => {
                tracing::warn!(stream = %self.stream.name, "an answer is {error} and counts as no records");
                Ok(Vec::new())
            }
            Err(error) => {
                // The answer's own look at itself tells a page of HTML, a broken end and the rest apart; of what is packed, too
                // large, too deep or not even text it knows nothing.
                let plain = *decoder == Decoder::Json && matches!(error, DecodeError::Json(_));
                let seen = if plain { response.json().err() } else { None };
                Err(seen.unwrap_or_else(|| {
                    response
                        .failure(Code::VendorChanged)
                        .with("what", &self.stream.name)
                        .detail(response.redacted(&error.to_string()))
                }))
            }
        }
    }

    fn page_size(&self, response: Option<&Json>) -> Result<Option<i64>, Failure> {
        let Some(paginator) = &self.stream.retriever.paginator else { return Ok(None) };
        let (Strategy::Page { size, .. } | Strategy::Offset { size, .. } | Strategy::Cursor { size, .. }) =
            &paginator.strategy;
        if self.size.is_some() {
            return Ok(self.size);
        }
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
            Strategy::Page { start, .. } => Some(Json::from(previous.unwrap_or(*start).saturating_add(1))),
            Strategy::Offset { .. } => {
                let shared = if self.counted.is_some() { Counted::shared(size) } else { 0 };
                let further = count.saturating_sub(i64::try_from(shared).unwrap_or(0));
                Some(Json::from(previous.unwrap_or(0).saturating_add(further)))
            }
            Strategy::Cursor { value, stop, .. } => {
                self.cursor_token(value, stop.as_deref(), response, size, emitted, body)?
            }
        };
        self.over |= next.is_none();
        if !self.over {
            self.detect_loop(response, extracted, next.as_ref())?;
        }
        self.token = next;
        Ok(())
    }

    /// Ends what would never end: a page that comes again and again, with its token or without a new record in it.
    fn detect_loop(&mut self, response: &HttpResponse, extracted: usize, next: Option<&Json>) -> Result<(), Failure> {
        let page = self.hasher.hash_one(response.body());
        let token = self.hasher.hash_one(next.map(Json::to_string));
        if self.loops.seen(page, token, extracted > 0) { Err(response.failure(Code::PagingLoop)) } else { Ok(()) }
    }

    /// Counts the records of a page, and notes the newest cursor value among them.
    fn observe(&mut self, emitted: &[Json]) {
        self.since_reset += emitted.len() as u64;
        let by_cursor = self.stream.retriever.reset.is_some_and(|reset| reset.by_cursor);
        let (Some(plan), Some(cursor)) = (self.plan.as_ref().filter(|_| by_cursor), &self.stream.cursor) else {
            return;
        };
        let Ok(field) = cursor.field.text(&self.run.scope()) else { return };
        let newest = emitted.iter().filter_map(|record| plan.read(record.get(&field)?)).max();
        self.latest = self.latest.max(newest);
    }

    async fn steer(&mut self, action: Action, message: Option<&str>) -> Result<(), Failure> {
        match action {
            Action::ReducePageSize => self.reduce(message).await,
            Action::SplitWindow => self.split(message),
            _ => {
                let response = self.http.answer_within(String::new());
                self.reset(&response)
            }
        }
    }

    /// `PaginationReset`: the first page again, of what is left of the window if records say how far it was read. Without any
    /// progress this is done once, to get over a hiccup, and not at all where progress is what it is for.
    fn reset(&mut self, response: &HttpResponse) -> Result<(), Failure> {
        let by_cursor = self.stream.retriever.reset.is_some_and(|reset| reset.by_cursor) && self.plan.is_some();
        let next = match (by_cursor, self.latest, &self.plan) {
            (true, Some(latest), Some(plan)) => self.window(&self.part.slice, Some(plan.write(latest)), None)?,
            (true, ..) => self.part.slice.clone(),
            (false, ..) => self.slice.clone(),
        };
        if next.all == self.slice.all {
            self.stuck += 1;
            if by_cursor || self.stuck >= 2 {
                return Err(response.failure(Code::PagingLoop));
            }
        } else {
            self.stuck = 0;
        }
        tracing::info!(stream = %self.stream.name, from = %self.slice.all, to = %next.all, "pages start again");
        self.restart(next)
    }

    /// The slice with other ends of its window.
    fn window(&self, slice: &SliceView, start: Option<String>, end: Option<String>) -> Result<SliceView, Failure> {
        let mut slice = slice.clone();
        let Some(cursor) = &self.stream.cursor else { return Ok(slice) };
        let scope = self.run.scope();
        for (key, value) in [(&cursor.start_key, start), (&cursor.end_key, end)] {
            let Some(value) = value else { continue };
            let key = key
                .text(&scope)
                .map_err(|error| self.run.template_failure(&self.stream, "incremental_sync", &error))?;
            for map in [&mut slice.all, &mut slice.cursor] {
                if let Json::Object(map) = map {
                    map.insert(key.clone(), Json::from(value.as_str()));
                }
            }
        }
        Ok(slice)
    }

    /// The start or end of the window that is read.
    fn edge(&self, plan: &Plan, key: &Text) -> Result<Option<DateTime<Utc>>, Failure> {
        let key = key
            .text(&self.run.scope())
            .map_err(|error| self.run.template_failure(&self.stream, "incremental_sync", &error))?;
        Ok(self.slice.cursor.get(&key).and_then(|value| plan.read(value)))
    }

    /// `RequestWindowSplitting`: the window in two halves, each with its own pages.
    fn split(&mut self, message: Option<&str>) -> Result<(), Failure> {
        let splitting = self.stream.retriever.splitting.clone();
        let own = splitting.as_ref().and_then(|splitting| splitting.message.clone());
        let refused = |what: &str| self.refused(what, message, own.as_deref());
        let (Some(plan), Some(cursor)) = (&self.plan, &self.stream.cursor) else {
            return Err(refused("there is no window to split"));
        };
        if self.part.depth >= DEEPEST_SPLIT {
            return Err(refused("the window was halved ten times and is still refused"));
        }
        let (Some(start), Some(end)) = (self.edge(plan, &cursor.start_key)?, self.edge(plan, &cursor.end_key)?) else {
            return Err(self.run.manifest_failure(&self.stream, "incremental_sync", &"the slice has no window"));
        };
        let step = plan.granularity().filter(|step| step.months == 0 && !step.exact.is_zero()).map(|step| step.exact);
        let smallest = splitting.and_then(|splitting| splitting.smallest).map_or(TimeDelta::zero(), |it| it.exact);
        let Some((first_end, second_start)) = step.and_then(|step| halves(start, end, step, smallest)) else {
            return Err(refused("the window cannot be made smaller"));
        };
        let first = self.window(&self.slice, None, Some(plan.write(first_end)))?;
        let second = self.window(&self.slice, Some(plan.write(second_start)), None)?;
        tracing::info!(stream = %self.stream.name, window = %self.slice.cursor, "a window is read in halves");
        let depth = self.part.depth + 1;
        self.parts.push(Part { slice: second, depth });
        self.begin(Part { slice: first, depth })
    }

    /// `PageSizeReduction`: the same page, smaller, after a little wait.
    async fn reduce(&mut self, message: Option<&str>) -> Result<(), Failure> {
        let reduction = self.stream.retriever.reduction.clone();
        let (Some(reduction), Some(current)) = (reduction, self.page_size(None)?) else {
            return Err(self.refused("there is no page size to reduce", message, None));
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "a page size is small and whole"
        )]
        let smaller = ((current as f64 / reduction.factor).floor() as i64).max(reduction.minimum);
        let count = if smaller < current {
            self.reductions += 1;
            if self.reductions > reduction.attempts {
                return Err(self.refused("pages of every size are refused", message, reduction.message.as_deref()));
            }
            self.size = Some(smaller);
            self.reductions
        } else {
            self.at_minimum += 1;
            if self.at_minimum > reduction.at_minimum {
                if self.size.is_none() && reduction.minimum > 1 {
                    let what = format!("page_size {current} is not above minimum_page_size {}", reduction.minimum);
                    return Err(self.run.manifest_failure(&self.stream, "retriever/page_size_reduction", &what));
                }
                return Err(self.refused("even the smallest page is refused", message, reduction.message.as_deref()));
            }
            self.at_minimum
        };
        tracing::info!(stream = %self.stream.name, current, smaller, "the page is asked for again, smaller");
        self.http.wait(WaitReason::Retry, reduction.backoff * count, &self.run.cancel).await
    }

    /// What the page size remembers after a page that came.
    fn page_succeeded(&mut self) {
        self.reductions = 0;
        self.at_minimum = 0;
        if self.stream.retriever.reduction.as_ref().is_some_and(|reduction| reduction.restore) {
            self.size = None;
        }
    }

    /// The platform refuses whatever size it is asked in: it may not tomorrow.
    fn refused(&self, what: &str, said: Option<&str>, advice: Option<&str>) -> Failure {
        let mut detail = format!("stream {}: {what}", self.stream.name);
        for more in [said, advice].into_iter().flatten() {
            detail.push_str("; ");
            detail.push_str(more);
        }
        let detail = self.http.redactor().text(&kit::placeholder::mask(&detail));
        self.http.failure(Code::PlatformDown).with("status", "refused").detail(detail)
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
        if self.counted.as_ref().is_some_and(Counted::emptied) {
            return Err(self.mismatch("a list that had records is empty"));
        }
        match self.total {
            Some(total) if total != self.extracted => Err(self.mismatch("")),
            _ => Ok(()),
        }
    }

    fn mismatch(&self, what: &str) -> Failure {
        let stream = &self.stream.name;
        let failure = self.http.failure(Code::TotalMismatch).with("found", self.extracted);
        let failure = failure.with("expected", self.total.unwrap_or_default());
        failure.detail(if what.is_empty() { format!("stream {stream}") } else { format!("stream {stream}: {what}") })
    }

    /// Goes back to the beginning of a list that has not kept still, unless that was done often enough.
    fn read_again(&mut self, failure: Failure) -> Result<(), Failure> {
        if !self.counted.as_mut().is_some_and(Counted::again) {
            return Err(failure);
        }
        tracing::info!(stream = %self.stream.name, "a list that has moved is read again");
        self.extracted = 0;
        self.total = None;
        self.restart(self.slice.clone())
    }
}

/// A page with records that comes so often in a row, or any page with the same token, is a loop.
const SAME_PAGES: u32 = 3;

/// So many pages without any record in a row are one, whatever their tokens: some platforms let a search run dry for a while.
const EMPTY_PAGES: u32 = 1000;

/// Watches for pages that never end: one that comes again and again, several that come in turn, or none with a record.
#[derive(Debug, Default)]
struct Loops {
    /// The last page and its token, and how often in a row the page came and both came.
    last: (u64, u64, u32, u32),
    /// Pages without a record in a row.
    empty: u32,
    /// A page and its token that were noted down; how often they came since, and after how many pages others are noted. Twice as late
    /// each time, so that rounds of any length are found with this little memory (Brent's method).
    noted: (u64, u64),
    again: u32,
    since: u64,
    until: u64,
}

impl Loops {
    /// Takes note of a page. Whether it would go on like this for ever.
    fn seen(&mut self, page: u64, token: u64, records: bool) -> bool {
        let (old_page, old_token, pages, both) = self.last;
        let pages = if old_page == page { pages + 1 } else { 1 };
        let both = if old_page == page && old_token == token { both + 1 } else { 1 };
        self.last = (page, token, pages, both);
        self.empty = if records { 0 } else { self.empty + 1 };
        if self.since >= self.until {
            self.noted = (page, token);
            (self.again, self.since, self.until) = (1, 0, (self.until * 2).max(4));
        } else {
            self.since += 1;
            self.again += u32::from(self.noted == (page, token));
        }
        both >= SAME_PAGES || (records && pages >= SAME_PAGES) || self.empty >= EMPTY_PAGES || self.again >= SAME_PAGES
    }
}

/// Where the first half of a window ends and the second begins, on whole steps; `None`: it is too small.
fn halves(
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    step: TimeDelta,
    smallest: TimeDelta,
) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let span = end - start;
    if span <= TimeDelta::zero() || span <= smallest {
        return None;
    }
    let units = span.num_microseconds()?.checked_div(step.num_microseconds()?)? + 1;
    let half = i32::try_from(units / 2).ok().filter(|half| *half > 0)?;
    let first_end = start + step.checked_mul(half)? - step;
    let second_start = first_end + step;
    (start <= first_end && first_end < second_start && second_start <= end).then_some((first_end, second_start))
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

fn projection(extraction: &Extraction, wanted: &[Vec<String>], stream: &Stream) -> Projection {
    let mut projection = Projection::none();
    let key = if let Some(total) = &stream.total {
        projection.want(total);
        &stream.key[..]
    } else {
        &[]
    };
    let mut records = extraction.path.clone();
    // A page without any wanted field must still show its records, because they are counted.
    if let Some(expansion) = &extraction.expansion {
        for (from, _) in &expansion.parent_fields {
            projection.want(&[&records[..], from].concat());
        }
        records.extend(expansion.path.iter().cloned());
    }
    for field in wanted.iter().chain(key) {
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
        Router::Grouping { .. } | Router::Union { .. } => Ok(()),
    }
}
