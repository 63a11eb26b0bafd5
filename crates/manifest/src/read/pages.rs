//! The pages of one slice: asking, decoding, selecting records, and finding out what to ask next (connector-format.md,
//! sections 3 to 6).

use super::{Run, Wanted, tracker::Keeper};
use crate::json::{Json, Map};
use crate::{
    components::{Field, RequestOption, Router, Strategy, Stream, Text, TokenTarget},
    decode::{self, Projection},
    records::{self, Around, Extraction, RecordError, Taken},
    retry,
    template::{Allowed, Scope, SliceView, TemplateError, Value},
    wire::{self, Injection, WireError},
};
use futures::future::BoxFuture;
use kit::{
    http::{Http, HttpResponse},
    policy::Policy,
};
use model::failure::{Code, Failure};
use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

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
    /// What we filter ourselves.
    keeper: Option<Keeper>,
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
        if let Some(option) = stream.counter.as_ref().and_then(|counter| counter.option.as_ref()) {
            let start = slice.cursor.get("start").cloned().unwrap_or(Json::Null);
            injections.push(Injection::new(option, start, &scope).map_err(wire)?);
        }
        let token = match retriever.paginator.as_ref().map(|paginator| &paginator.strategy) {
            Some(Strategy::Page { start, on_first: true, .. }) => Some(Json::from(*start)),
            Some(Strategy::Offset { on_first: true, .. }) => Some(Json::from(0)),
            _ => None,
        };
        let http = run.http_for(&retriever.requester, &[])?;
        Ok(Self {
            policy: run.policy(&stream),
            http,
            injections,
            extraction,
            projection,
            keep,
            keeper: None,
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

    /// Leaves out records that are too old.
    #[must_use]
    pub(super) fn keeping(self, keeper: Option<Keeper>) -> Self {
        Self { keeper, ..self }
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
        let Taken { records: found, dropped } = self.take(&mut bodies).await?;
        let extracted = found.len() + dropped;
        self.extracted += extracted as u64;
        let mut emitted = Vec::with_capacity(extracted);
        {
            let around =
                Around { config: &self.run.config, slice: &self.slice, page_token: &page_token, now: self.run.now };
            let stream = &self.stream;
            for record in found {
                let refined = records::refine(record, &stream.retriever.selector, &stream.transformations, &around)
                    .and_then(|record| records::finish(record, stream.normal.as_deref()));
                emitted.extend(refined.map_err(|error| self.run.record_failure(stream, &error))?);
            }
        }
        if let Some(keeper) = self.keeper.as_ref().filter(|keeper| !keeper.is_feed()) {
            emitted.retain(|record| keeper.keeps(record));
        }
        self.advance(&response, extracted, &emitted, kept_body.as_ref())?;
        if self.over {
            self.check_total()?;
        }
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
        let ask = self.http.send(&request, &*self.policy, &self.run.cancel);
        if self.stream.use_cache.unwrap_or(self.stream.is_parent) {
            return self.run.answers.get(&request, ask).await;
        }
        ask.await
    }

    fn decode(&self, response: &HttpResponse) -> Result<Vec<Json>, Failure> {
        let decoder = &self.stream.retriever.decoder;
        match decode::decode(decoder, response.body(), &self.projection) {
            Ok(bodies) => Ok(bodies),
            Err(error) if !self.run.strict && error.counts_as_empty(decoder) => {
                tracing::warn!(stream = %self.stream.name, "an answer is {error} and counts as no records");
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
        Router::Grouping { .. } | Router::Union { .. } => Ok(()),
    }
}
