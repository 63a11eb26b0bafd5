//! Slices of a stream: the partitions its routers give, and for each of them the windows of its cursor (connector-format.md,
//! sections 9 and 10).

use super::{Pages, Run, Window};
use crate::json::{Json, Map};
use crate::{
    components::{Field, Parent, Router, Stream, Text},
    datetime,
    records::{self, RecordError},
    template::{SliceView, TemplateError},
    windows::Plan,
};
use futures::future::BoxFuture;
use model::failure::Failure;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OnceCell;

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
    keys: Map,
    extra: Map,
}

impl Run {
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
