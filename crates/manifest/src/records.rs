//! From a decoded body to records: extraction, expansion, filter and transformations (connector-format.md, 6.2 to 6.4).
//! Records are moved out of the body, not copied, unless a template still needs the body afterwards.

use crate::json::{Json, JsonText, Map};
use crate::{
    components::{Expander, Extractor, Field, Selector, Text, Transformation},
    decode::is_glob,
    template::{Allowed, Scope, SliceView, TemplateError, Value},
};
use chrono::{DateTime, Utc};

/// A record could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A template failed.
    #[error("{place}: {error}")]
    Template {
        /// Which component.
        place: &'static str,
        /// Why.
        error: TemplateError,
    },
    /// A path leads through something that holds no fields.
    #[error("{0}")]
    Path(String),
    /// What should hold records is not in the answer.
    #[error("{0} is missing in the answer")]
    Absent(String),
}

/// What templates around records see besides the record.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Configuration; secrets are placeholders.
    pub config: &'a Json,
    /// The slice.
    pub slice: &'a SliceView,
    /// `{"next_page_token": ...}` or null.
    pub page_token: &'a Json,
    /// Now.
    pub now: DateTime<Utc>,
}

impl<'a> Around<'a> {
    /// A scope with everything that is known around a record.
    pub fn scope(&self) -> Scope<'a> {
        Scope::new(self.now)
            .with("config", Value::from_json(self.config))
            .with("stream_slice", Value::Slice(self.slice))
            .with("next_page_token", Value::from_json(self.page_token))
    }
}

fn failed(place: &'static str) -> impl Fn(TemplateError) -> RecordError {
    move |error| RecordError::Template { place, error }
}

/// A path of templates over the configuration, as plain segments.
pub fn segments(path: &[Text], scope: &Scope<'_>, place: &'static str) -> Result<Vec<String>, RecordError> {
    path.iter().map(|segment| segment.text(scope).map_err(failed(place))).collect()
}

/// An extractor with its paths evaluated; they depend on the configuration only.
#[derive(Debug, Clone)]
pub struct Extraction {
    /// Path to the records.
    pub path: Vec<String>,
    /// Expansion.
    pub expansion: Option<Expansion>,
}

/// An expander with its paths evaluated.
#[derive(Debug, Clone)]
pub struct Expansion {
    /// Path to the nested list.
    pub path: Vec<String>,
    /// From where in the parent, to where in the item.
    pub parent_fields: Vec<(Vec<String>, Vec<String>)>,
    keep_original: bool,
    merge_parent: bool,
    emit_parent: bool,
}

impl Extraction {
    /// Evaluates the paths.
    pub fn new(extractor: &Extractor, scope: &Scope<'_>) -> Result<Self, RecordError> {
        let expansion = match &extractor.expander {
            None => None,
            Some(expander) => Some(Expansion::new(expander, scope)?),
        };
        Ok(Self { path: segments(&extractor.path, scope, "field_path")?, expansion })
    }

    /// Whether records keep only what is named: then the rest need not be parsed.
    pub fn projectable(&self) -> bool {
        let whole_parent =
            self.expansion.as_ref().is_some_and(|it| it.keep_original || it.merge_parent || it.emit_parent);
        !whole_parent
    }

    /// The records of decoded bodies, moved out of them. When `strict`, a body without the place of the records is an error:
    /// taking a changed answer for "no records" would replace good numbers by nothing.
    pub fn take(&self, bodies: &mut [Json], strict: bool) -> Result<Vec<Json>, RecordError> {
        let mut records = Vec::new();
        for body in bodies {
            if self.path.iter().any(|segment| is_glob(segment)) {
                let mut found = Vec::new();
                matches(body, &self.path, &mut |value| found.push(value.take()));
                // All matches together are one list, as in the reference.
                push_records(Json::Array(found), &mut records);
            } else if let Some(found) = walk_mut(body, &self.path) {
                push_records(found.take(), &mut records);
            } else if strict {
                return Err(RecordError::Absent(self.path.join(".")));
            }
        }
        match &self.expansion {
            None => Ok(records),
            Some(expansion) => expansion.expand(records, strict),
        }
    }
}

/// A list is its elements, a map is one record unless it is empty, anything missing or empty is none.
fn push_records(value: Json, records: &mut Vec<Json>) {
    match value {
        Json::Array(items) if records.is_empty() => *records = items,
        Json::Array(items) => records.extend(items),
        Json::Object(map) if map.is_empty() => {}
        Json::Null => {}
        other => records.push(other),
    }
}

impl Expansion {
    fn new(expander: &Expander, scope: &Scope<'_>) -> Result<Self, RecordError> {
        let mut parent_fields = Vec::new();
        for (from, to) in &expander.parent_fields {
            parent_fields.push((segments(from, scope, "parent_path")?, segments(to, scope, "record_path")?));
        }
        Ok(Self {
            path: segments(&expander.path, scope, "expand_records_from_field")?,
            parent_fields,
            keep_original: expander.keep_original,
            merge_parent: expander.merge_parent,
            emit_parent: expander.emit_parent,
        })
    }

    fn expand(&self, parents: Vec<Json>, strict: bool) -> Result<Vec<Json>, RecordError> {
        let mut records = Vec::with_capacity(parents.len());
        for mut parent in parents {
            let mut items = Vec::new();
            let original = self.keep_original.then(|| parent.clone());
            if self.path.iter().any(|segment| is_glob(segment)) {
                matches(&mut parent, &self.path, &mut |value| {
                    if value.is_array() {
                        push_records(value.take(), &mut items);
                    }
                });
            } else {
                match walk_mut(&mut parent, &self.path) {
                    Some(list) if list.is_array() => push_records(list.take(), &mut items),
                    None if strict && !self.emit_parent => return Err(RecordError::Absent(self.path.join("."))),
                    _ => {}
                }
            }
            if items.is_empty() {
                if self.emit_parent {
                    records.push(original.unwrap_or(parent));
                }
                continue;
            }
            if self.merge_parent {
                remove(&mut parent, &self.path);
            }
            for mut item in items {
                if self.merge_parent
                    && let (Json::Object(own), Json::Object(over)) = (&mut item, &parent)
                {
                    let mut merged = over.clone();
                    merged.extend(std::mem::take(own));
                    *own = merged;
                }
                for (from, to) in &self.parent_fields {
                    let value = walk(&parent, from).cloned().unwrap_or(Json::Null);
                    put(&mut item, to, value)?;
                }
                if let (Some(original), Json::Object(map)) = (&original, &mut item) {
                    map.insert("original_record".to_owned(), original.clone());
                }
                records.push(item);
            }
        }
        Ok(records)
    }
}

fn index_of(segment: &str, len: usize) -> Option<usize> {
    let index: i64 = segment.parse().ok()?;
    let len = i64::try_from(len).ok()?;
    usize::try_from(if index < 0 { index + len } else { index })
        .ok()
        .filter(|index| *index < usize::try_from(len).unwrap_or(0))
}

/// What lies under a plain path.
pub fn walk<'a>(value: &'a Json, path: &[String]) -> Option<&'a Json> {
    path.iter().try_fold(value, |value, segment| match value {
        Json::Object(map) => map.get(segment),
        Json::Array(items) => items.get(index_of(segment, items.len())?),
        _ => None,
    })
}

fn walk_mut<'a>(value: &'a mut Json, path: &[String]) -> Option<&'a mut Json> {
    path.iter().try_fold(value, |value, segment| match value {
        Json::Object(map) => map.get_mut(segment),
        Json::Array(items) => {
            let index = index_of(segment, items.len())?;
            items.get_mut(index)
        }
        _ => None,
    })
}

/// Calls for every value under a path with globs (`*`, `?`, `[ab]`, and `**` for any depth).
fn matches(value: &mut Json, path: &[String], found: &mut dyn FnMut(&mut Json)) {
    let Some((first, rest)) = path.split_first() else {
        found(value);
        return;
    };
    if first == "**" {
        matches(value, rest, found);
        match value {
            Json::Object(map) => map.values_mut().for_each(|inner| matches(inner, path, found)),
            Json::Array(items) => items.iter_mut().for_each(|inner| matches(inner, path, found)),
            _ => {}
        }
        return;
    }
    match value {
        Json::Object(map) => {
            for (key, inner) in map.iter_mut() {
                if glob(first, key) {
                    matches(inner, rest, found);
                }
            }
        }
        Json::Array(items) => {
            let exact = index_of(first, items.len());
            for (index, inner) in items.iter_mut().enumerate() {
                if exact == Some(index) || (exact.is_none() && glob(first, &index.to_string())) {
                    matches(inner, rest, found);
                }
            }
        }
        _ => {}
    }
}

/// Shell-style matching of one path segment.
pub fn glob(pattern: &str, text: &str) -> bool {
    fn go(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skip| go(rest, &text[skip..])),
            Some(('?', rest)) => !text.is_empty() && go(rest, &text[1..]),
            Some(('[', rest)) => match rest.iter().position(|c| *c == ']') {
                Some(end) if end > 0 => {
                    let (negated, set) = match rest[..end].split_first() {
                        Some(('!', set)) => (true, set),
                        _ => (false, &rest[..end]),
                    };
                    let Some((c, text)) = text.split_first() else { return false };
                    let ranges = set.windows(3).any(|window| window[1] == '-' && window[0] <= *c && *c <= window[2]);
                    (set.contains(c) || ranges) != negated && go(&rest[end + 1..], text)
                }
                _ => text.first() == Some(&'[') && go(rest, &text[1..]),
            },
            Some((c, rest)) => text.first() == Some(c) && go(rest, &text[1..]),
        }
    }
    if !is_glob(pattern) {
        return pattern == text;
    }
    go(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>())
}

/// Writes under a path, creating what is missing: a list where the next segment is a number, a map elsewhere.
pub fn put(record: &mut Json, path: &[String], value: Json) -> Result<(), RecordError> {
    let Some((last, parents)) = path.split_last() else { return Err(RecordError::Path("an empty path".to_owned())) };
    let mut place = record;
    for (depth, segment) in parents.iter().enumerate() {
        let next = &path[depth + 1];
        let fresh = || if next.parse::<usize>().is_ok() { Json::Array(Vec::new()) } else { Json::Object(Map::new()) };
        place = match place {
            Json::Object(map) => map.entry(segment.clone()).or_insert_with(fresh),
            Json::Array(items) => {
                let index = list_index(segment, items, path)?;
                if items[index].is_null() {
                    items[index] = fresh();
                }
                &mut items[index]
            }
            _ => return Err(through(path)),
        };
    }
    match place {
        Json::Object(map) => {
            map.insert(last.clone(), value);
        }
        Json::Array(items) => {
            let index = list_index(last, items, path)?;
            items[index] = value;
        }
        _ => return Err(through(path)),
    }
    Ok(())
}

/// Longest list that a path may create.
const MAX_PADDED: usize = 10_000;

fn list_index(segment: &str, items: &mut Vec<Json>, path: &[String]) -> Result<usize, RecordError> {
    let index: usize = segment.parse().map_err(|_| through(path))?;
    if index >= MAX_PADDED {
        return Err(RecordError::Path(format!("the path {} asks for a list of {index} elements", path.join("/"))));
    }
    if items.len() <= index {
        items.resize(index + 1, Json::Null);
    }
    Ok(index)
}

fn through(path: &[String]) -> RecordError {
    RecordError::Path(format!("the path {} leads through a value that has no fields", path.join("/")))
}

fn remove(value: &mut Json, path: &[String]) {
    let Some((last, parents)) = path.split_last() else { return };
    if let Some(Json::Object(map)) = walk_mut(value, parents) {
        map.shift_remove(last);
    }
}

/// Applies the filter and the transformations in the order the selector asks for. `None`: the record is left out.
pub fn refine(
    record: Json,
    selector: &Selector,
    transformations: &[Transformation],
    around: &Around<'_>,
) -> Result<Option<Json>, RecordError> {
    if selector.filter.is_none() && transformations.is_empty() {
        return Ok(Some(record));
    }
    let keep = |record: &Json| match &selector.filter {
        None => Ok(true),
        Some(filter) => {
            let scope = around.scope().with("record", Value::from_json(record));
            filter.condition(&scope).map_err(failed("record_filter"))
        }
    };
    let mut record = record;
    if !selector.transform_first && !keep(&record)? {
        return Ok(None);
    }
    for transformation in transformations {
        transform(&mut record, transformation, around)?;
    }
    if selector.transform_first && !keep(&record)? {
        return Ok(None);
    }
    Ok(Some(record))
}

fn transform(record: &mut Json, transformation: &Transformation, around: &Around<'_>) -> Result<(), RecordError> {
    match transformation {
        Transformation::Add { fields, condition } => {
            for (path, value, allowed) in fields {
                let (path, value) = {
                    let scope = around.scope().with("record", Value::from_json(record));
                    let path = segments(path, &scope, "AddFields.path")?;
                    let value = added(value, &scope, *allowed)?;
                    if let Some(condition) = condition {
                        let owned_path = Json::from(path.clone());
                        let scope =
                            scope.with("value", Value::from_json(&value)).with("path", Value::from_json(&owned_path));
                        if !condition.condition(&scope).map_err(failed("AddFields.condition"))? {
                            continue;
                        }
                    }
                    (path, value)
                };
                put(record, &path, value)?;
            }
        }
        Transformation::Remove { pointers, condition } => {
            for pointer in pointers {
                if pointer.len() == 1 && pointer[0] == "**" {
                    *record = Json::Object(Map::new());
                    continue;
                }
                remove_matches(record, pointer, condition.as_ref(), around)?;
            }
        }
        Transformation::Flatten { lists } => {
            if let Json::Object(map) = record {
                *record = Json::Object(flattened(std::mem::take(map), *lists));
            }
        }
        Transformation::Lift { path, delete_origin, replace_record, affix } => {
            let scope = around.scope();
            let path = segments(path, &scope, "DpathFlattenFields.field_path")?;
            let affix = match affix {
                None => (String::new(), String::new()),
                Some((prefix, suffix)) => {
                    let side = |text: &Text| text.text(&scope).map_err(failed("key_transformation"));
                    (side(prefix)?, side(suffix)?)
                }
            };
            lift(record, &path, *delete_origin, *replace_record, &affix);
        }
        Transformation::KeysToLower => {
            if let Json::Object(map) = record {
                *map = std::mem::take(map).into_iter().map(|(key, value)| (key.to_lowercase(), value)).collect();
            }
        }
        Transformation::KeysToSnakeCase => rename(record, &snake_case),
        Transformation::KeysReplace { old, new } => {
            let (old, new) = {
                let scope = around.scope().with("record", Value::from_json(record));
                let part = |text: &Text| text.text(&scope).map_err(failed("KeysReplace"));
                (part(old)?, part(new)?)
            };
            rename(record, &|key: &str| key.replace(&old, &new));
        }
    }
    Ok(())
}

fn added(value: &Field, scope: &Scope<'_>, allowed: Allowed) -> Result<Json, RecordError> {
    Ok(match value {
        Field::Text(text) => text.typed(scope, allowed).map_err(failed("AddFields.value"))?.to_json(),
        Field::Other(json) => json.clone(),
        Field::List(items) => {
            Json::Array(items.iter().map(|item| added(item, scope, allowed)).collect::<Result<_, _>>()?)
        }
        Field::Map(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                map.insert(key.text(scope).map_err(failed("AddFields.value"))?, added(value, scope, allowed)?);
            }
            Json::Object(map)
        }
    })
}

fn remove_matches(
    value: &mut Json,
    pointer: &[String],
    condition: Option<&Text>,
    around: &Around<'_>,
) -> Result<(), RecordError> {
    let Some((first, rest)) = pointer.split_first() else { return Ok(()) };
    let goes = |property: &Json| match condition {
        None => Ok(true),
        Some(condition) => {
            let scope = around.scope().with("property", Value::from_json(property));
            condition.condition(&scope).map_err(failed("RemoveFields.condition"))
        }
    };
    match value {
        Json::Object(map) if rest.is_empty() => {
            let keys: Vec<JsonText> = map.keys().filter(|key| glob(first, key)).cloned().collect();
            for key in keys {
                if map.get(&key).map(&goes).transpose()?.unwrap_or(false) {
                    map.shift_remove(&key);
                }
            }
        }
        Json::Object(map) => {
            for (key, inner) in map.iter_mut() {
                if glob(first, key) {
                    remove_matches(inner, rest, condition, around)?;
                }
            }
        }
        Json::Array(items) => {
            let exact = index_of(first, items.len());
            for (index, inner) in items.iter_mut().enumerate() {
                if exact == Some(index) || (exact.is_none() && glob(first, &index.to_string())) {
                    if !rest.is_empty() {
                        remove_matches(inner, rest, condition, around)?;
                    } else if goes(inner)? {
                        // An element is blanked, not cut out: the others keep their places.
                        *inner = Json::Null;
                    }
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Leaves under their own key, or under `parent.key` when that is taken or once a list was met; read depth-first from a stack,
/// last key first, as the reference does.
fn flattened(record: Map, lists: bool) -> Map {
    let mut flat = Map::new();
    let mut stack: Vec<(Json, JsonText, bool)> = vec![(Json::Object(record), JsonText::default(), false)];
    while let Some((value, path, in_list)) = stack.pop() {
        match value {
            Json::Object(map) if !map.is_empty() => {
                for (key, inner) in map {
                    let name = if path.is_empty() || (!in_list && !flat.contains_key(&key)) {
                        key
                    } else {
                        format!("{path}.{key}").into()
                    };
                    stack.push((inner, name, in_list));
                }
            }
            Json::Array(items) if lists && !items.is_empty() => {
                for (index, inner) in items.into_iter().enumerate() {
                    stack.push((inner, format!("{path}.{index}").into(), true));
                }
            }
            leaf => {
                flat.insert(path, leaf);
            }
        }
    }
    flat
}

fn lift(record: &mut Json, path: &[String], delete_origin: bool, replace: bool, (prefix, suffix): &(String, String)) {
    let Some(Json::Object(found)) = walk(record, path).cloned() else { return };
    let found: Map = found.into_iter().map(|(key, value)| (format!("{prefix}{key}{suffix}"), value)).collect();
    if replace {
        *record = Json::Object(found);
        return;
    }
    let Json::Object(map) = &*record else { return };
    if found.keys().any(|key| map.contains_key(key)) {
        return;
    }
    if delete_origin {
        remove(record, path);
    }
    if let Json::Object(map) = record {
        map.extend(found);
    }
}

/// New names for all keys of nested maps; lists are left alone.
fn rename(value: &mut Json, name: &dyn Fn(&str) -> String) {
    if let Json::Object(map) = value {
        let old = std::mem::take(map);
        for (key, mut inner) in old {
            rename(&mut inner, name);
            map.insert(name(&key), inner);
        }
    }
}

/// `CamelCase` to `camel_case`, `HTTPServer` to `httpserver`, `a1b2` to `a_1_b_2`, `1a` to `_1_a`.
fn snake_case(key: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut kind = 0;
    let mut previous = ' ';
    for c in key.chars() {
        let now = if c.is_ascii_digit() { 2 } else { i32::from(c.is_alphabetic()) };
        let camel = c.is_uppercase() && previous.is_lowercase();
        if (now != kind || camel || now == 0) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if now != 0 {
            word.extend(c.to_lowercase());
        }
        kind = now;
        previous = c;
    }
    if !word.is_empty() {
        words.push(word);
    }
    let snake = words.join("_");
    if snake.starts_with(|c: char| c.is_ascii_digit()) { format!("_{snake}") } else { snake }
}
