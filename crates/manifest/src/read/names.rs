//! Which fields a platform is asked for: the names of `QueryProperties`, in chunks of what one request takes (connector-format.md,
//! section 4).

use super::{Pages, Run};
use crate::json::{Json, Map};
use crate::{
    components::{PropertyNames, QueryProperties, Stream},
    records::{self, Around},
    template::{SliceView, Value},
};
use model::failure::Failure;
use std::{collections::HashSet, sync::Arc};

impl Run {
    /// The chunks of names for a stream's requests; at least one.
    pub(super) async fn chunks(
        &self,
        stream: &Stream,
        properties: &QueryProperties,
    ) -> Result<Arc<Vec<Vec<String>>>, Failure> {
        let names = match &properties.names {
            PropertyNames::List(names) => Arc::new(names.clone()),
            PropertyNames::Endpoint { stream: endpoint, path, identity } => {
                let cell = self.shared.names(identity);
                let read = cell.get_or_try_init(|| self.read_names(Arc::clone(endpoint), path));
                Arc::clone(Box::pin(read).await?)
            }
        };
        let chosen = self.chosen(stream, properties)?;
        Ok(Arc::new(chunks(&names, properties, chosen.as_ref())))
    }

    async fn read_names(
        &self,
        endpoint: Arc<Stream>,
        path: &[crate::components::Text],
    ) -> Result<Arc<Vec<String>>, Failure> {
        let path = records::segments(path, &self.scope(), "property_field_path")
            .map_err(|error| self.record_failure(&endpoint, &error))?;
        let slice = SliceView { all: empty(), partition: empty(), cursor: empty(), extra_fields: empty() };
        let mut pages = Pages::new(self.clone(), Arc::clone(&endpoint), slice, &None)?;
        let mut names = Vec::new();
        while let Some(records) = pages.next().await? {
            for record in &records {
                // A record without the name gives the text of an empty list in the reference, which no platform knows.
                if let Some(name) = records::walk(record, &path).filter(|name| !name.is_null()) {
                    names.push(Value::from_json(name).print().into_owned());
                }
            }
        }
        Ok(Arc::new(names))
    }

    /// The names that the catalogue's schema has; `None`: all are wanted.
    fn chosen(&self, stream: &Stream, properties: &QueryProperties) -> Result<Option<HashSet<String>>, Failure> {
        let (Some(transformations), Some(schema)) = (&properties.selector, self.shared.schema(&stream.name)) else {
            return Ok(None);
        };
        let fields = schema.get("properties").cloned().unwrap_or_else(empty);
        let nothing = SliceView::default();
        let around = Around { config: &self.config, slice: &nothing, page_token: &Json::Null, now: self.now };
        let mut fields = fields;
        for transformation in transformations {
            records::transform(&mut fields, transformation, &around)
                .map_err(|error| self.record_failure(stream, &error))?;
        }
        Ok(Some(fields.as_object().into_iter().flatten().map(|(name, _)| name.to_string()).collect()))
    }
}

fn empty() -> Json {
    Json::Object(Map::new())
}

/// What the separator between two names takes when it is encoded.
const SEPARATOR: u64 = 3;

fn chunks(names: &[String], properties: &QueryProperties, chosen: Option<&HashSet<String>>) -> Vec<Vec<String>> {
    let wanted = || names.iter().filter(|name| chosen.is_none_or(|chosen| chosen.contains(*name)));
    let Some(chunking) = &properties.chunking else {
        return vec![properties.always.iter().chain(wanted()).cloned().collect()];
    };
    let Some(limit) = chunking.limit else {
        return vec![names.iter().chain(&properties.always).cloned().collect()];
    };
    let (mut chunks, mut chunk, mut size) = (Vec::new(), properties.always.clone(), 0u64);
    for name in wanted() {
        let weight = if chunking.characters { name.chars().count() as u64 + SEPARATOR } else { 1 };
        if size + weight > limit {
            chunks.push(std::mem::replace(&mut chunk, properties.always.clone()));
            size = 0;
        }
        chunk.push(name.clone());
        size += weight;
    }
    chunks.push(chunk);
    chunks
}

/// The records of several chunks as one: those with the same key are laid over each other, those without stay as they are and
/// come first.
pub(super) struct Merging {
    key: Vec<String>,
    alone: Vec<Json>,
    merged: indexmap::IndexMap<String, Json>,
}

impl Merging {
    pub fn new(key: &[String]) -> Self {
        Self { key: key.to_vec(), alone: Vec::new(), merged: indexmap::IndexMap::new() }
    }
    pub fn add(&mut self, record: Json) {
        let values = self.key.iter().map(|key| {
            let value = record.get(key).map(Value::from_json).filter(Value::truthy)?;
            Some(value.print().into_owned())
        });
        match values.collect::<Option<Vec<_>>>() {
            None => self.alone.push(record),
            Some(values) => overlay(self.merged.entry(values.join(",")).or_insert_with(empty), record),
        }
    }
    pub fn finish(self) -> Vec<Json> {
        let mut records = self.alone;
        records.extend(self.merged.into_values());
        records
    }
}

fn overlay(into: &mut Json, from: Json) {
    match (into, from) {
        (Json::Object(into), Json::Object(from)) => {
            for (key, value) in from {
                match into.get_mut(&key) {
                    Some(old) if old.is_object() && value.is_object() => overlay(old, value),
                    _ => {
                        into.insert(key, value);
                    }
                }
            }
        }
        (into, from) => *into = from,
    }
}
