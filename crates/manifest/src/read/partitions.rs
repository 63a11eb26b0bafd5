//! Partitions of a stream: what its routers give, found while they are being read (connector-format.md, section 10).
//!
//! A parent is a complete stream with its own slices, filters and cursor, and possibly parents of its own. Its pages are asked
//! for as its children need partitions, and its state goes along with each partition, so that a child knows when what it made
//! of a parent's records is done.

use super::{
    Pages, Run,
    tracker::{Seen, Task, Tracker},
};
use crate::{
    components::{Field, Parent, Router, Stream},
    records::{self, RecordError},
    template::TemplateError,
};
use crate::{
    json,
    json::{Json, JsonText, Map},
};
use futures::future::BoxFuture;
use model::failure::{Code, Failure};
use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    vec::IntoIter,
};

/// What a slice hands down when the parent's record holds the first page of the child.
pub(super) const FIRST_PAGE: &str = "child_response";

/// One partition: its keys, and what parents handed down beside them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Partition {
    pub(super) keys: Map,
    pub(super) extra: Map,
}

/// The partitions of a stream, one after the other.
pub(super) struct Walk {
    run: Run,
    child: Arc<Stream>,
    way: Way,
}

enum Way {
    /// Without a router there is one partition, and it is empty.
    One(Option<Partition>),
    Values(IntoIter<Partition>),
    Parents {
        parents: Vec<ParentWalk>,
        at: usize,
        state: Arc<Json>,
    },
    Groups {
        inner: Box<Walk>,
        size: usize,
        seen: Option<HashSet<String>>,
        state: Option<Arc<Json>>,
    },
    Union {
        inner: Vec<Walk>,
        at: usize,
        key: String,
        seen: HashSet<String>,
        state: Arc<Json>,
    },
    Product {
        first: Box<Walk>,
        others: Vec<Walk>,
        /// What the others give together, once it is known.
        tails: Option<Vec<Partition>>,
        head: Partition,
        /// The next tail for the head.
        at: usize,
    },
}

impl Walk {
    /// Of a stream's own routers. `state` is that of the stream itself, where parents find theirs.
    pub(super) fn new(run: &Run, child: &Arc<Stream>, state: Option<&Json>) -> Result<Self, Failure> {
        let retriever = &child.retriever;
        let mut all = retriever.routers.iter().map(|router| Self::router(run, child, router, state));
        let Some(first) = all.next().transpose()? else {
            return Ok(Self::of(run, child, Way::One(Some(Partition::default()))));
        };
        if !retriever.product {
            return Ok(first);
        }
        let others = all.collect::<Result<_, _>>()?;
        let head = Partition::default();
        Ok(Self::of(run, child, Way::Product { first: Box::new(first), others, tails: None, head, at: 0 }))
    }

    fn of(run: &Run, child: &Arc<Stream>, way: Way) -> Self {
        Self { run: run.clone(), child: Arc::clone(child), way }
    }

    fn router(run: &Run, child: &Arc<Stream>, router: &Router, state: Option<&Json>) -> Result<Self, Failure> {
        let failed = |error: TemplateError| run.template_failure(child, "retriever/partition_router", &error);
        let way = match router {
            Router::List { values, key, .. } => {
                let key = key.text(&run.scope()).map_err(failed)?;
                let one = |value: Json| Partition { keys: Map::from_iter([(key.clone(), value)]), extra: Map::new() };
                let values: Vec<Partition> = run.list(values).map_err(failed)?.into_iter().map(one).collect();
                Way::Values(values.into_iter())
            }
            Router::Substream(parents) => {
                let parents = parents.iter().map(|parent| ParentWalk::new(run, child, parent, state));
                Way::Parents { parents: parents.collect::<Result<_, _>>()?, at: 0, state: Arc::new(json!({})) }
            }
            Router::Grouping { size, inner, deduplicate } => Way::Groups {
                inner: Box::new(Self::router(run, child, inner, state)?),
                size: *size,
                seen: deduplicate.then(HashSet::new),
                state: Some(Arc::new(json!({}))),
            },
            Router::Union { routers, key } => Way::Union {
                inner: routers
                    .iter()
                    .map(|router| Self::router(run, child, router, state))
                    .collect::<Result<_, _>>()?,
                at: 0,
                key: key.text(&run.scope()).map_err(failed)?,
                seen: HashSet::new(),
                state: Arc::new(json!({})),
            },
        };
        Ok(Self::of(run, child, way))
    }

    /// The next partition.
    pub(super) fn next(&mut self) -> BoxFuture<'_, Result<Option<Partition>, Failure>> {
        Box::pin(async move {
            match &mut self.way {
                Way::One(partition) => Ok(partition.take()),
                Way::Values(values) => Ok(values.next()),
                Way::Parents { parents, at, .. } => {
                    while let Some(parent) = parents.get_mut(*at) {
                        if let Some(partition) = parent.next().await? {
                            return Ok(Some(partition));
                        }
                        *at += 1;
                    }
                    Ok(None)
                }
                Way::Groups { inner, size, seen, state } => {
                    let mut group = Vec::new();
                    while group.len() < *size {
                        let Some(partition) = inner.next().await? else { break };
                        let key = single_key(&partition).ok_or_else(|| {
                            let detail = "a grouping router expects partitions with one key";
                            self.run.manifest_failure(&self.child, "retriever/partition_router", &detail)
                        })?;
                        let value = partition.keys.get(key).unwrap_or(&Json::Null).to_string();
                        if seen.as_mut().is_none_or(|seen| seen.insert(value)) {
                            group.push(partition);
                        }
                    }
                    *state = inner.state();
                    Ok((!group.is_empty()).then(|| grouped(&group)))
                }
                Way::Union { inner, at, key, seen, .. } => {
                    while let Some(walk) = inner.get_mut(*at) {
                        while let Some(mut partition) = walk.next().await? {
                            let Some(value) = partition.keys.shift_remove(key) else {
                                let detail = format!("a partition without the key {key:?}");
                                return Err(self.run.manifest_failure(
                                    &self.child,
                                    "retriever/partition_router",
                                    &detail,
                                ));
                            };
                            if seen.insert(value.to_string()) {
                                let mut extra = partition.extra;
                                extra.extend(partition.keys);
                                return Ok(Some(Partition { keys: Map::from_iter([(key.clone(), value)]), extra }));
                            }
                        }
                        *at += 1;
                    }
                    Ok(None)
                }
                Way::Product { first, others, tails, head, at } => loop {
                    if let Some(tail) = tails.as_ref().and_then(|tails| tails.get(*at)) {
                        *at += 1;
                        return Ok(Some(united(head, tail)));
                    }
                    let Some(next) = first.next().await? else { return Ok(None) };
                    (*head, *at) = (next, 0);
                    if tails.is_none() {
                        *tails = Some(product(others).await?);
                    }
                    if tails.as_ref().is_some_and(Vec::is_empty) {
                        return Ok(None);
                    }
                },
            }
        })
    }

    /// The state of the parents as of the partition given last; `None`: there are no parents whose state could be kept.
    pub(super) fn state(&mut self) -> Option<Arc<Json>> {
        match &mut self.way {
            Way::One(_) | Way::Values(_) | Way::Product { .. } => None,
            Way::Groups { state, .. } => state.clone(),
            Way::Parents { parents, state, .. } => {
                if parents.iter().any(|parent| parent.moved) {
                    let mut all = Map::new();
                    for parent in parents.iter_mut().filter(|parent| parent.incremental) {
                        parent.moved = false;
                        all.insert(
                            parent.reading.stream.name.clone(),
                            parent.reading.tracker.state().unwrap_or_default(),
                        );
                    }
                    *state = Arc::new(Json::Object(all));
                }
                Some(Arc::clone(state))
            }
            Way::Union { inner, state, .. } => {
                let mut all = Map::new();
                for walk in inner {
                    if let Some(one) = walk.state()
                        && let Json::Object(one) = &*one
                    {
                        all.extend(one.clone());
                    }
                }
                if state.as_object() != Some(&all) {
                    *state = Arc::new(Json::Object(all));
                }
                Some(Arc::clone(state))
            }
        }
    }
}

/// Keys of both; the first wins.
fn united(first: &Partition, second: &Partition) -> Partition {
    let mut both = first.clone();
    for (into, from) in [(&mut both.keys, &second.keys), (&mut both.extra, &second.extra)] {
        for (name, value) in from {
            if !into.contains_key(name) {
                into.insert(name.clone(), value.clone());
            }
        }
    }
    both
}

async fn product(walks: &mut [Walk]) -> Result<Vec<Partition>, Failure> {
    let mut product = vec![Partition::default()];
    for walk in walks {
        let mut each = Vec::new();
        while let Some(partition) = walk.next().await? {
            each.push(partition);
        }
        product = product.iter().flat_map(|left| each.iter().map(move |right| united(left, right))).collect();
    }
    Ok(product)
}

fn single_key(partition: &Partition) -> Option<&JsonText> {
    let mut keys = partition.keys.keys().filter(|key| *key != "parent_slice");
    keys.next().filter(|_| keys.next().is_none())
}

/// Values of the same keys as lists; extra fields likewise.
fn grouped(group: &[Partition]) -> Partition {
    let lists = |names: &mut dyn Iterator<Item = &JsonText>, of: fn(&Partition) -> &Map| {
        let mut lists = Map::new();
        for name in names {
            if !lists.contains_key(name) {
                let values = group.iter().map(|one| of(one).get(name).cloned().unwrap_or(Json::Null));
                lists.insert(name.clone(), values.collect());
            }
        }
        lists
    };
    Partition {
        keys: lists(&mut group.iter().take(1).flat_map(|one| one.keys.keys()), |one| &one.keys),
        extra: lists(&mut group.iter().flat_map(|one| one.extra.keys()), |one| &one.extra),
    }
}

impl Run {
    /// The values of a list router: a list, or a template that gives one; a single text is one value.
    fn list(&self, values: &Field) -> Result<Vec<Json>, TemplateError> {
        let values = match values {
            Field::Text(text) => text.value(&self.scope())?.to_json(),
            Field::Other(other) => other.clone(),
            Field::Map(_) | Field::List(_) => Json::Null,
        };
        Ok(match values {
            Json::Array(items) => items,
            Json::Null => Vec::new(),
            single => vec![single],
        })
    }
}

/// A parent, and the partitions its records make.
struct ParentWalk {
    reading: Reading,
    key: Vec<String>,
    field: String,
    extra: Vec<Vec<String>>,
    /// Where its records hold the first page of the child; empty: they do not.
    lazy: Vec<String>,
    incremental: bool,
    /// Its state is another one than when it was asked for last.
    moved: bool,
    /// Partitions not yet given. The last one is held back until it is known whether its slice is over, so that the state
    /// that goes along with it says so.
    found: VecDeque<Partition>,
    over: bool,
}

impl ParentWalk {
    fn new(run: &Run, child: &Arc<Stream>, parent: &Parent, state: Option<&Json>) -> Result<Self, Failure> {
        let scope = run.scope();
        let failed = |error: RecordError| run.record_failure(child, &error);
        let key = records::segments(&parent.key, &scope, "parent_key").map_err(failed)?;
        let field = parent
            .partition_field
            .text(&scope)
            .map_err(|error| run.template_failure(child, "partition_field", &error))?;
        let mut extra = Vec::new();
        for path in &parent.extra_fields {
            extra.push(records::segments(path, &scope, "extra_fields").map_err(failed)?);
        }
        let mut wanted = extra.clone();
        wanted.push(key.clone());
        // What a child has read before, it asks for itself: only then its state can go into the request.
        let lazy = if state.is_some() { Vec::new() } else { parent.lazy.clone() };
        let lazy = records::segments(&lazy, &scope, "lazy_read_pointer").map_err(failed)?;
        if !lazy.is_empty() {
            wanted.push(lazy.clone());
        }
        let state = if parent.incremental { parent_state(run, child, &parent.stream, state)? } else { None };
        if let Some(cursor) = &parent.stream.cursor {
            let cursor = cursor.field.text(&scope);
            wanted.push(vec![cursor.map_err(|error| run.template_failure(child, "incremental_sync", &error))?]);
        }
        Ok(Self {
            reading: Reading::new(run, &parent.stream, state.as_ref(), wanted)?,
            key,
            field,
            extra,
            lazy,
            incremental: parent.incremental,
            moved: parent.incremental,
            found: VecDeque::new(),
            over: false,
        })
    }

    async fn next(&mut self) -> Result<Option<Partition>, Failure> {
        loop {
            if self.over || self.found.len() > 1 {
                return Ok(self.found.pop_front());
            }
            let page = self.reading.page().await?;
            self.moved |= self.incremental;
            let Some((slice, records)) = page else {
                self.over = true;
                continue;
            };
            for record in records {
                let Some(value) = records::walk(&record, &self.key).filter(|value| !value.is_null()) else { continue };
                let mut keys = Map::new();
                keys.insert(self.field.clone(), value.clone());
                keys.insert("parent_slice".to_owned(), slice.clone());
                let extra = self
                    .extra
                    .iter()
                    .map(|path| (path.join("."), records::walk(&record, path).cloned().unwrap_or(Json::Null)));
                let mut extra: Map = extra.collect();
                if !self.lazy.is_empty() {
                    let page = records::walk(&record, &self.lazy).cloned().unwrap_or(Json::Array(Vec::new()));
                    extra.entry(FIRST_PAGE).or_insert(page);
                }
                self.found.push_back(Partition { keys, extra });
            }
        }
    }
}

/// What a child's state says about a parent: the parent's own entry, else the child's state for all partitions, else the one
/// value of an old flat state.
fn parent_state(run: &Run, child: &Stream, parent: &Stream, state: Option<&Json>) -> Result<Option<Json>, Failure> {
    let Some(state) = state.and_then(Json::as_object) else { return Ok(None) };
    if let Some(own) = state.get("parent_state").and_then(|parents| parents.get(&parent.name)) {
        return Ok(Some(own.clone()));
    }
    if let Some(global) = state.get("state") {
        return Ok(Some(global.clone()));
    }
    let mut values = state.values();
    match (values.next(), values.next(), &parent.cursor) {
        (Some(value @ (Json::String(_) | Json::Number(_))), None, Some(cursor)) => {
            let field = cursor.field.text(&run.scope());
            let field = field.map_err(|error| run.template_failure(child, "incremental_sync", &error))?;
            Ok(Some(json!({field: value})))
        }
        _ => Ok(None),
    }
}

/// A stream being read page by page, its tasks one after the other.
struct Reading {
    run: Run,
    stream: Arc<Stream>,
    wanted: Vec<Vec<String>>,
    walk: Walk,
    tracker: Tracker,
    tasks: VecDeque<Task>,
    begun: u32,
    open: Option<Slice>,
}

/// A task of it that is being read.
struct Slice {
    task: Task,
    partition: Json,
    pages: Pages,
    seen: Seen,
    count: u32,
}

impl Reading {
    fn new(run: &Run, stream: &Arc<Stream>, state: Option<&Json>, wanted: Vec<Vec<String>>) -> Result<Self, Failure> {
        Ok(Self {
            walk: Walk::new(run, stream, state)?,
            tracker: Tracker::new(run, stream, state, None)?,
            run: run.clone(),
            stream: Arc::clone(stream),
            wanted,
            tasks: VecDeque::new(),
            begun: 0,
            open: None,
        })
    }

    /// The next page of records, and the partition it is of.
    async fn page(&mut self) -> Result<Option<(Json, Vec<Json>)>, Failure> {
        loop {
            if let Some(slice) = &mut self.open {
                let another = slice.pages.between();
                let more = !another || self.run.limits.pages_per_slice.is_none_or(|most| slice.count < most);
                let records = if more { slice.pages.next().await? } else { None };
                if let Some(records) = records {
                    slice.count += u32::from(another);
                    slice.seen.look(&records);
                    return Ok(Some((slice.partition.clone(), records)));
                }
                if let Some(slice) = self.open.take() {
                    self.tracker.close(&slice.task, &slice.seen, self.run.http.clock().now());
                }
            }
            let Some(task) = self.task().await? else {
                self.tracker.finish(self.walk.state(), true, self.run.http.clock().now());
                return Ok(None);
            };
            let view = task.view();
            let partition = view.partition.clone();
            let pages = Pages::new(self.run.clone(), Arc::clone(&self.stream), view, &Some(self.wanted.clone()))?;
            let seen = Seen::new(task.gauge.clone());
            self.open = Some(Slice { pages: pages.keeping(task.gauge.keeper()), task, partition, seen, count: 0 });
        }
    }

    async fn task(&mut self) -> Result<Option<Task>, Failure> {
        if self.run.cancel.is_cancelled() {
            return Err(Failure::new(Code::Cancelled));
        }
        if self.run.limits.slices.is_some_and(|most| self.begun >= most) {
            return Ok(None);
        }
        while self.tasks.is_empty() {
            let Some(partition) = self.walk.next().await? else { return Ok(None) };
            let parents = self.walk.state();
            self.tasks = self.tracker.open(&self.stream, partition, parents)?;
        }
        self.begun += 1;
        Ok(self.tasks.pop_front())
    }
}
