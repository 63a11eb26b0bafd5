//! The document: text to ordered JSON, references resolved, types and `$parameters` propagated (connector-format.md, section 1).
//!
//! After this step the document is plain: no `$ref`, every component says its type, and each component carries under
//! `$parameters` what its templates see as `parameters`. Everything later reads that plain form.

use crate::json::{Json, Map};
use std::collections::HashMap;

/// The document cannot be used. `path` says where, such as `streams/0/retriever`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct DocumentError {
    /// Where, as segments joined by `/`; empty for the whole document.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
}

impl DocumentError {
    /// An error at a place.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

/// The newest major version of the format that this runtime was written for.
const NEWEST_MAJOR: u64 = 7;

/// Most values a plain document may have, and the deepest it may be nested. Public manifests stay below a tenth of both; references
/// to references and parameters within parameters could otherwise fill the memory from a page of text.
const MAX_VALUES: usize = 1_000_000;
const MAX_DEPTH: usize = 120;

/// The keys the top level accepts.
const TOP_LEVEL: [&str; 14] = [
    "type",
    "version",
    "check",
    "streams",
    "dynamic_streams",
    "definitions",
    "schemas",
    "spec",
    "concurrency_level",
    "api_budget",
    "max_concurrent_async_job_count",
    "stream_groups",
    "metadata",
    "description",
];

/// Reads YAML or JSON into ordered JSON. Of duplicate keys the last one counts.
pub fn parse(text: &str) -> Result<Json, DocumentError> {
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| DocumentError::new("", format!("the text is not readable as YAML: {error}")))
}

/// Parses a manifest and makes it plain.
pub fn load(text: &str) -> Result<Json, DocumentError> {
    let raw = parse(text)?;
    let Json::Object(top) = &raw else {
        return Err(DocumentError::new("", "a manifest is a map with version, check and streams"));
    };
    if let Some(key) = top.keys().find(|key| !TOP_LEVEL.contains(&key.as_str())) {
        return Err(DocumentError::new(
            key.as_str(),
            "unknown key at the top level; our own additions belong under metadata",
        ));
    }
    check_version(top)?;
    let (mut resolved, _) =
        Resolver { root: &raw, done: HashMap::new(), open: Vec::new(), room: Room::default() }.node(&raw, "", 0)?;
    if let Some(top) = resolved.as_object_mut() {
        top.entry("type").or_insert_with(|| Json::from("DeclarativeSource"));
        // Definitions are only targets of references; dropping them keeps the rest of the loading proportional to what is used.
        top.shift_remove("definitions");
    }
    propagate(resolved, "", &Map::new(), false)
}

/// What a document may still grow by.
struct Room {
    values: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { values: MAX_VALUES }
    }
}

impl Room {
    /// Takes room for values whose deepest lies at a depth.
    fn take(&mut self, values: usize, depth: usize, path: &str) -> Result<(), DocumentError> {
        if depth > MAX_DEPTH {
            return Err(DocumentError::new(path, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.values = self.values.checked_sub(values).ok_or_else(|| {
            let message = format!("with its references and parameters it has more than {MAX_VALUES} values");
            DocumentError::new(path, message)
        })?;
        Ok(())
    }
}

/// Values and levels of a piece of a document.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    values: usize,
    depth: usize,
}

impl Extent {
    fn of(node: &Json) -> Self {
        let mut all = Self { values: 1, depth: 0 };
        match node {
            Json::Array(items) => items.iter().for_each(|item| all.hold(Self::of(item))),
            Json::Object(map) => map.values().for_each(|value| all.hold(Self::of(value))),
            _ => {}
        }
        all
    }
    fn hold(&mut self, inner: Self) {
        self.values += inner.values;
        self.depth = self.depth.max(inner.depth + 1);
    }
}

fn check_version(top: &Map) -> Result<(), DocumentError> {
    crate::inventory::read("DeclarativeSource", "version");
    let version = top
        .get("version")
        .and_then(Json::as_str)
        .ok_or_else(|| DocumentError::new("version", "missing; a text such as \"6.48.0\" was expected"))?;
    let major: u64 = version
        .split('.')
        .next()
        .and_then(|major| major.trim().parse().ok())
        .ok_or_else(|| DocumentError::new("version", format!("{version:?} is not a version such as \"6.48.0\"")))?;
    if major > NEWEST_MAJOR {
        let message =
            format!("this manifest needs version {version} of the format; this program knows up to {NEWEST_MAJOR}");
        return Err(DocumentError::new("version", message));
    }
    Ok(())
}

struct Resolver<'a> {
    root: &'a Json,
    /// Targets that were resolved before: public manifests refer to the same requester dozens of times.
    done: HashMap<&'a str, (Json, Extent)>,
    /// References being followed, to recognise a cycle.
    open: Vec<&'a str>,
    room: Room,
}

impl<'a> Resolver<'a> {
    /// The node without references, and how large it is.
    fn node(&mut self, node: &'a Json, path: &str, depth: usize) -> Result<(Json, Extent), DocumentError> {
        self.room.take(1, depth, path)?;
        let mut extent = Extent { values: 1, depth: 0 };
        match node {
            Json::Object(map) => {
                let mut own = Map::new();
                for (key, value) in map {
                    if key == "$ref" {
                        continue;
                    }
                    // Overrides of the configuration for a check are the user's values, not parts of the document.
                    let (resolved, inner) = if key == "config_overrides" {
                        (value.clone(), Extent::of(value))
                    } else {
                        self.node(value, &join(path, key), depth + 1)?
                    };
                    extent.hold(inner);
                    own.insert(key.clone(), resolved);
                }
                let Some(reference) = map.get("$ref") else { return Ok((Json::Object(own), extent)) };
                let (target, inner) = self.node(reference, path, depth)?;
                extent = Extent { values: extent.values + inner.values, depth: extent.depth.max(inner.depth) };
                match target {
                    Json::Object(mut target) => {
                        for (key, value) in own {
                            target.insert(key, value);
                        }
                        Ok((Json::Object(target), extent))
                    }
                    other => Ok((other, extent)),
                }
            }
            Json::Array(items) => {
                let mut resolved = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    let (item, inner) = self.node(item, &join(path, &at.to_string()), depth + 1)?;
                    extent.hold(inner);
                    resolved.push(item);
                }
                Ok((Json::Array(resolved), extent))
            }
            Json::String(text) if text.starts_with("#/") => self.reference(text, path, depth),
            scalar => Ok((scalar.clone(), extent)),
        }
    }

    fn reference(&mut self, reference: &'a str, path: &str, depth: usize) -> Result<(Json, Extent), DocumentError> {
        if let Some((done, extent)) = self.done.get(reference) {
            self.room.take(extent.values, depth + extent.depth, path)?;
            return Ok((done.clone(), *extent));
        }
        if self.open.contains(&reference) {
            let message = format!("the reference {reference} leads back to itself through {}", self.open.join(" -> "));
            return Err(DocumentError::new(path, message));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(DocumentError::new(path, format!("more than {MAX_DEPTH} references lead to each other")));
        }
        let target = look_up(self.root, &reference[2..])
            .ok_or_else(|| DocumentError::new(path, format!("the reference {reference} has no target")))?;
        self.open.push(reference);
        let (resolved, extent) = self.node(target, path, depth)?;
        self.open.pop();
        self.done.insert(reference, (resolved.clone(), extent));
        Ok((resolved, extent))
    }
}

/// At each level the whole rest is tried as one key first, because keys may contain slashes.
fn look_up<'a>(root: &'a Json, path: &str) -> Option<&'a Json> {
    let (mut node, mut rest) = (root, path);
    while !rest.is_empty() {
        if let Some(found) = node.as_object().and_then(|map| map.get(rest)) {
            return Some(found);
        }
        let (head, tail) = rest.split_once('/').unwrap_or((rest, ""));
        node = match node {
            Json::Object(map) => map.get(head)?,
            Json::Array(items) => items.get(head.parse::<usize>().ok()?)?,
            _ => return None,
        };
        rest = tail;
    }
    Some(node)
}

fn join(path: &str, segment: &str) -> String {
    if path.is_empty() { segment.to_owned() } else { format!("{path}/{segment}") }
}

/// The type of a component that does not name it, by its parent's type and the field it stands in.
fn default_type(parent: &str, field: &str) -> Option<&'static str> {
    Some(match (parent, field) {
        ("DeclarativeSource", "check") => "CheckStream",
        ("DeclarativeSource", "spec") => "Spec",
        ("DeclarativeSource", "streams")
        | ("ParentStreamConfig", "stream")
        | ("DynamicDeclarativeStream", "stream_template") => "DeclarativeStream",
        ("DeclarativeStream" | "HttpComponentsResolver" | "DynamicSchemaLoader", "retriever") => "SimpleRetriever",
        ("DeclarativeStream", "schema_loader") => "JsonFileSchemaLoader",
        ("SimpleRetriever", "requester") => "HttpRequester",
        ("SimpleRetriever", "record_selector") => "RecordSelector",
        ("SimpleRetriever", "paginator") => "NoPagination",
        ("RecordSelector", "extractor") => "DpathExtractor",
        ("RecordSelector", "record_filter") => "RecordFilter",
        ("HttpRequester" | "DefaultErrorHandler" | "CompositeErrorHandler", "error_handler" | "error_handlers") => {
            "DefaultErrorHandler"
        }
        ("HttpRequester" | "DefaultErrorHandler" | "CompositeErrorHandler", "response_filters") => "HttpResponseFilter",
        ("DefaultPaginator" | "CursorPagination" | "DpathExtractor", "decoder") => "JsonDecoder",
        ("DefaultPaginator", "page_size_option")
        | ("DatetimeBasedCursor", "start_time_option" | "end_time_option")
        | ("ParentStreamConfig" | "ListPartitionRouter", "request_option") => "RequestOption",
        ("DpathExtractor", "record_expander") => "RecordExpander",
        ("DatetimeBasedCursor", "start_datetime" | "end_datetime") => "MinMaxDatetime",
        ("SubstreamPartitionRouter" | "CustomPartitionRouter", "parent_stream_configs") => "ParentStreamConfig",
        ("AddFields", "fields") => "AddedFieldDefinition",
        ("RecordExpander", "parent_fields") => "ParentFieldPath",
        (
            "HttpComponentsResolver" | "ConfigComponentsResolver" | "ParametrizedComponentsResolver",
            "components_mapping",
        ) => "ComponentMappingDefinition",
        ("ConfigComponentsResolver", "stream_config") => "StreamConfig",
        _ => return None,
    })
}

/// The `Custom*` type of a map that has only a class name.
fn custom_type(field: &str) -> Option<&'static str> {
    Some(match field {
        "retriever" => "CustomRetriever",
        "transformations" => "CustomTransformation",
        "pagination_strategy" => "CustomPaginationStrategy",
        "authenticator" => "CustomAuthenticator",
        "error_handler" => "CustomErrorHandler",
        "backoff_strategies" => "CustomBackoffStrategy",
        "extractor" => "CustomRecordExtractor",
        "partition_router" => "CustomPartitionRouter",
        _ => return None,
    })
}

fn is_component(value: &Json) -> bool {
    value.get("type").is_some_and(|kind| !matches!(kind, Json::Null) && kind.as_str() != Some(""))
}

fn falsy(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Bool(value) => !value,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.is_empty(),
    }
}

/// Gives components their types and their effective parameters. `field` is `ParentType.field`.
pub fn propagate(node: Json, field: &str, inherited: &Map, inherited_wins: bool) -> Result<Json, DocumentError> {
    Propagation { room: Room::default(), path: Vec::new() }.component(node, field, inherited, inherited_wins)
}

struct Propagation {
    room: Room,
    /// Fields on the way, for errors.
    path: Vec<String>,
}

impl Propagation {
    fn take(&mut self, values: usize) -> Result<(), DocumentError> {
        self.room.take(values, self.path.len(), &self.path.join("/"))
    }

    fn below(
        &mut self,
        name: &str,
        value: Json,
        field: &str,
        inherited: &Map,
        inherited_wins: bool,
    ) -> Result<Json, DocumentError> {
        self.path.push(name.to_owned());
        let done = self.component(value, field, inherited, inherited_wins)?;
        self.path.pop();
        Ok(done)
    }

    fn component(
        &mut self,
        node: Json,
        field: &str,
        inherited: &Map,
        inherited_wins: bool,
    ) -> Result<Json, DocumentError> {
        let Json::Object(mut map) = node else { return Ok(node) };
        self.take(1)?;
        let (parent, name) = field.split_once('.').unwrap_or(("", field));
        if !map.contains_key("type") {
            let kind = if map.contains_key("class_name") { custom_type(name) } else { default_type(parent, name) };
            if let Some(kind) = kind {
                map.insert("type".to_owned(), Json::from(kind));
            }
        }
        let own = match map.shift_remove("$parameters") {
            Some(Json::Object(own)) => own,
            _ => Map::new(),
        };
        let mut effective = inherited.clone();
        for (key, value) in own {
            if !inherited_wins || !effective.contains_key(&key) {
                effective.insert(key, value);
            }
        }
        // A `type` that is "object", a list or a map belongs to a JSON schema.
        let Some(kind) = map.get("type") else {
            if map.values().any(|value| value.is_object() && is_component(value)) {
                for (name, value) in &mut map {
                    if value.is_object() && is_component(value) {
                        *value = self.below(name, value.take(), field, &effective, inherited_wins)?;
                    }
                }
            }
            return Ok(Json::Object(map));
        };
        let kind = match kind.as_str() {
            Some(kind) if kind != "object" => kind.to_owned(),
            _ => return Ok(Json::Object(map)),
        };
        let inherited_wins = if kind == "DynamicDeclarativeStream" {
            map.get("use_parent_parameters").is_none_or(|flag| !falsy(flag))
        } else {
            inherited_wins
        };
        for (key, value) in &effective {
            if map.get(key).is_none_or(falsy) {
                self.take(Extent::of(value).values)?;
                map.insert(key.clone(), value.clone());
            }
        }
        for (name, value) in &mut map {
            // A parameter with the name of the field is not handed down into it: it would never end.
            let mut descend = |value: Json, field: &str| {
                if effective.contains_key(name) {
                    let mut without = effective.clone();
                    without.shift_remove(name);
                    self.below(name, value, field, &without, inherited_wins)
                } else {
                    self.below(name, value, field, &effective, inherited_wins)
                }
            };
            let field = format!("{kind}.{name}");
            match value {
                Json::Object(_) => *value = descend(value.take(), &field)?,
                Json::Array(items) => {
                    for item in items.iter_mut().filter(|item| item.is_object()) {
                        *item = descend(item.take(), &field)?;
                    }
                }
                _ => {}
            }
        }
        if !effective.is_empty() {
            self.take(effective.values().map(|value| Extent::of(value).values).sum())?;
            map.insert("$parameters".to_owned(), Json::Object(effective));
        }
        Ok(Json::Object(map))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::json;

    #[test]
    fn references_merge_shallowly_and_report_cycles_and_missing_targets() {
        let document = |body: &str| load(&format!("version: 6.0.0\ncheck: {{stream_names: [a]}}\n{body}"));
        let loaded = document(
            "definitions:\n  a/b: {type: X, whole: true}\n  base: {type: HttpRequester, http_method: GET, request_headers: {A: '1', B: '2'}}\n  \
             list: [zero, one]\nstreams:\n- name: s\n  retriever:\n    type: SimpleRetriever\n    requester: {$ref: '#/definitions/base', request_headers: {C: '3'}}\n    \
             decoder: '#/definitions/a/b'\n    second: '#/definitions/list/1'\n",
        )
        .unwrap();
        let retriever = &loaded["streams"][0]["retriever"];
        assert_eq!(
            retriever["requester"],
            json!({"type": "HttpRequester", "http_method": "GET", "request_headers": {"C": "3"}})
        );
        assert_eq!(retriever["decoder"], json!({"type": "X", "whole": true}));
        assert_eq!(retriever["second"], "one");
        let cycle =
            document("definitions: {a: '#/definitions/b', b: {x: '#/definitions/a'}}\nstreams: ['#/definitions/a']\n");
        assert!(cycle.unwrap_err().message.contains("leads back to itself"));
        let missing = document("streams: ['#/definitions/nope']\n").unwrap_err();
        assert_eq!(
            (missing.path.as_str(), missing.message.as_str()),
            ("streams/0", "the reference #/definitions/nope has no target")
        );
    }

    #[test]
    fn parameters_fill_what_is_missing_and_do_not_enter_the_field_of_their_name() {
        let loaded = load(
            "version: 6.0.0\ncheck: {stream_names: [users]}\nstreams:\n- $parameters: {name: users, path: /users, requester: {nope: 1}}\n  \
             retriever:\n    requester: {type: HttpRequester, url_base: 'https://x'}\n    record_selector: {extractor: {field_path: []}}\n",
        )
        .unwrap();
        let stream = &loaded["streams"][0];
        assert_eq!((stream["type"].as_str(), stream["name"].as_str()), (Some("DeclarativeStream"), Some("users")));
        let requester = &stream["retriever"]["requester"];
        assert_eq!(requester["path"], "/users");
        assert_eq!(requester["$parameters"], json!({"name": "users", "path": "/users"}));
        assert_eq!(stream["retriever"]["record_selector"]["extractor"]["type"], "DpathExtractor");
    }

    #[test]
    fn what_is_no_manifest_is_refused_with_its_place() {
        for (text, path) in [
            ("[1]", ""),
            ("a: [", ""),
            ("version: 6.0.0\nstreams: []\nnonsense: 1", "nonsense"),
            ("streams: []", "version"),
            ("version: 99.0.0\nstreams: []", "version"),
        ] {
            assert_eq!(load(text).unwrap_err().path, path, "{text}");
        }
        assert_eq!(parse("a: 1\na: 2\nb: yes\nc: '1e5'").unwrap(), json!({"a": 2, "b": "yes", "c": "1e5"}));
    }
}
