//! From a decoded body to records: extraction, expansion, filter and transformations (connector-format.md, 6.2 to 6.4).
//! Records are moved out of the body, not copied, unless a template still needs the body afterwards.

mod change;
mod normal;

pub use normal::Normal;

use crate::json::{Json, Map};
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

impl RecordError {
    fn several(place: &str, path: &[String], places: usize) -> Self {
        Self::Path(format!("{place} {} fits {places} places instead of one", path.join("/")))
    }
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
    /// Several extractions instead of a path.
    combined: Option<Combination>,
}

/// A combination of extractors with their paths evaluated.
#[derive(Debug, Clone)]
struct Combination {
    parts: Vec<Extraction>,
    first_match: bool,
    skip_empty: bool,
}

/// Records of a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Taken {
    /// The records.
    pub records: Vec<Json>,
    /// Empty ones that were left out; a full page stays full with them.
    pub dropped: usize,
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
    /// Where a parent says that its list is cut off, and whether the whole list can be fetched then.
    truncation: Option<(Vec<String>, bool)>,
}

impl Extraction {
    /// Evaluates the paths.
    pub fn new(extractor: &Extractor, scope: &Scope<'_>) -> Result<Self, RecordError> {
        let expansion = match &extractor.expander {
            None => None,
            Some(expander) => Some(Expansion::new(expander, scope)?),
        };
        let combined = match &extractor.combined {
            None => None,
            Some(all) => Some(Combination {
                parts: all.extractors.iter().map(|part| Self::new(part, scope)).collect::<Result<_, _>>()?,
                first_match: all.first_match,
                skip_empty: all.skip_empty,
            }),
        };
        Ok(Self { path: segments(&extractor.path, scope, "field_path")?, expansion, combined })
    }

    /// Whether records keep only what is named: then the rest need not be parsed.
    pub fn projectable(&self) -> bool {
        let whole_parent = self
            .expansion
            .as_ref()
            .is_some_and(|it| it.keep_original || it.merge_parent || it.emit_parent || it.truncation.is_some());
        !whole_parent && self.combined.is_none()
    }

    /// Whether records are the elements of one list under plain keys, and nothing is done with them.
    pub fn is_plain(&self) -> bool {
        self.expansion.is_none() && self.combined.is_none() && !self.path.iter().any(|segment| is_glob(segment))
    }

    /// What holds the elements of a body, or is the only one, where they lie under plain keys.
    pub(crate) fn elements<'b>(&self, body: &'b Json) -> Option<&'b Json> {
        let plain = self.combined.is_none() && !self.path.iter().any(|segment| is_glob(segment));
        if plain { walk(body, &self.path) } else { None }
    }

    /// Where the records lie in an element that holds several, under plain keys.
    pub(crate) fn nested(&self) -> Option<&[String]> {
        let path = &self.expansion.as_ref()?.path;
        (!path.is_empty() && !path.iter().any(|segment| is_glob(segment))).then_some(path)
    }

    /// The records of decoded bodies, moved out of them. When `strict`, a body without the place of the records is an error:
    /// taking a changed answer for "no records" would replace good numbers by nothing.
    pub fn take(&self, bodies: &mut [Json], strict: bool) -> Result<Vec<Json>, RecordError> {
        self.take_page(bodies, strict).map(|taken| taken.records)
    }

    /// [`Extraction::take`], with what a paginator has to count besides.
    pub fn take_page(&self, bodies: &mut [Json], strict: bool) -> Result<Taken, RecordError> {
        let Some(all) = &self.combined else {
            let records = self.parents(bodies, strict)?;
            let records = match &self.expansion {
                None => records,
                Some(expansion) => expansion.expand(records, strict)?,
            };
            return Ok(Taken { records, dropped: 0 });
        };
        let mut taken = Taken::default();
        for (at, part) in all.parts.iter().enumerate() {
            // Extractors may look at the same place, so each but the last gets its own copy.
            let mut found = if at + 1 == all.parts.len() {
                part.take_page(bodies, strict && all.parts.len() == 1)?
            } else {
                part.take_page(&mut bodies.to_vec(), false)?
            };
            if all.skip_empty {
                let before = found.records.len();
                found.records.retain(|record| Value::from_json(record).truthy());
                found.dropped += before - found.records.len();
            }
            if all.first_match {
                if !found.records.is_empty() {
                    return Ok(found);
                }
                continue;
            }
            taken.records.append(&mut found.records);
            taken.dropped += found.dropped;
        }
        Ok(taken)
    }

    /// The records before they are expanded.
    pub fn parents(&self, bodies: &mut [Json], strict: bool) -> Result<Vec<Json>, RecordError> {
        let mut records = Vec::new();
        for body in bodies {
            if self.path.iter().any(|segment| segment == "*") {
                // Every match is a record, also when it is a list.
                matches(body, &self.path, &mut |value| records.push(value.take()));
            } else if self.path.iter().any(|segment| is_glob(segment)) {
                let mut found = Vec::new();
                matches(body, &self.path, &mut |value| found.push(value.clone()));
                if found.len() > 1 {
                    return Err(RecordError::several("field_path", &self.path, found.len()));
                }
                for value in found {
                    push_records(value, &mut records);
                }
            } else if let Some(found) = walk_mut(body, &self.path) {
                push_records(found.take(), &mut records);
            } else if strict {
                return Err(RecordError::Absent(self.path.join(".")));
            }
        }
        Ok(records)
    }
}

/// A list is its elements, a map is one record unless it is empty, anything missing or empty is none.
fn push_records(value: Json, records: &mut Vec<Json>) {
    match value {
        Json::Array(items) if records.is_empty() => *records = items,
        Json::Array(items) => records.extend(items),
        other if !Value::from_json(&other).truthy() => {}
        other => records.push(other),
    }
}

impl Expansion {
    fn new(expander: &Expander, scope: &Scope<'_>) -> Result<Self, RecordError> {
        let mut parent_fields = Vec::new();
        for (from, to) in &expander.parent_fields {
            parent_fields.push((segments(from, scope, "parent_path")?, segments(to, scope, "record_path")?));
        }
        let truncation = expander.truncation.as_ref().map(|path| segments(path, scope, "truncation_indicator_path"));
        Ok(Self {
            path: segments(&expander.path, scope, "expand_records_from_field")?,
            parent_fields,
            keep_original: expander.keep_original,
            merge_parent: expander.merge_parent,
            emit_parent: expander.emit_parent,
            truncation: truncation.transpose()?.map(|path| (path, expander.whole_list.is_some())),
        })
    }

    /// Whether the parent says that its list is cut off and the whole list can be fetched instead.
    pub fn to_fetch(&self, parent: &Json) -> bool {
        self.can_fetch() && self.is_truncated(parent)
    }

    fn can_fetch(&self) -> bool {
        self.truncation.as_ref().is_some_and(|(_, fetched)| *fetched)
    }

    fn is_truncated(&self, parent: &Json) -> bool {
        let says = self.truncation.as_ref().and_then(|(path, _)| walk(parent, path));
        says.is_some_and(|value| Value::from_json(value).truthy())
    }

    /// The items of parents.
    pub fn expand(&self, parents: Vec<Json>, strict: bool) -> Result<Vec<Json>, RecordError> {
        let mut records = Vec::with_capacity(parents.len());
        let mut told = self.can_fetch();
        for mut parent in parents {
            if !parent.is_object() || self.path.is_empty() {
                records.push(parent);
                continue;
            }
            if !told && self.is_truncated(&parent) {
                told = true;
                tracing::warn!(path = %self.path.join("/"), "a nested list is cut off; only the items in the answer are read");
            }
            // The original and the merged parent are copies, because the list is moved out of it.
            let original = (self.keep_original || self.emit_parent).then(|| parent.clone());
            let mut items = Vec::new();
            let mut lists = 0;
            matches(&mut parent, &self.path, &mut |value| {
                if let Json::Array(list) = value {
                    lists += 1;
                    items.append(list);
                }
            });
            let plain = !self.path.iter().any(|segment| is_glob(segment));
            if strict && lists == 0 && !self.emit_parent && plain && walk(&parent, &self.path).is_none() {
                return Err(RecordError::Absent(self.path.join(".")));
            }
            if items.is_empty() {
                if self.emit_parent {
                    records.extend(original);
                }
                continue;
            }
            self.dress(items, parent, original, &mut records)?;
        }
        Ok(records)
    }

    /// The items fetched for a parent whose own list is cut off.
    pub fn fetched(&self, parent: Json, items: Vec<Json>) -> Result<Vec<Json>, RecordError> {
        let mut records = Vec::with_capacity(items.len());
        let original = self.keep_original.then(|| parent.clone());
        self.dress(items, parent, original, &mut records)?;
        Ok(records)
    }

    /// Gives items what they carry from their parent.
    fn dress(
        &self,
        items: Vec<Json>,
        mut parent: Json,
        original: Option<Json>,
        records: &mut Vec<Json>,
    ) -> Result<(), RecordError> {
        let original = original.filter(|_| self.keep_original);
        let context = self.keep_original || self.merge_parent || !self.parent_fields.is_empty();
        let values: Vec<Json> = self
            .parent_fields
            .iter()
            .map(|(from, _)| walk(original.as_ref().unwrap_or(&parent), from).cloned().unwrap_or(Json::Null))
            .collect();
        if self.merge_parent {
            change::remove_lists(&mut parent, &self.path);
        }
        for mut item in items {
            if context && !item.is_object() {
                item = Json::Object(Map::from_iter([("value", item)]));
            }
            if self.merge_parent
                && let (Json::Object(own), Json::Object(over)) = (&mut item, &parent)
            {
                let mut merged = over.clone();
                merged.extend(std::mem::take(own));
                *own = merged;
            }
            for ((_, to), value) in self.parent_fields.iter().zip(&values) {
                put(&mut item, to, value.clone())?;
            }
            if let (Some(original), Json::Object(map)) = (&original, &mut item) {
                map.insert("original_record", original.clone());
            }
            records.push(item);
        }
        Ok(())
    }
}

fn index_of(segment: &str, len: usize) -> Option<usize> {
    let index: i64 = segment.parse().ok()?;
    let len = i64::try_from(len).ok()?;
    usize::try_from(if index < 0 { index + len } else { index })
        .ok()
        .filter(|index| *index < usize::try_from(len).unwrap_or(0))
}

/// Removes what lies under a path with globs.
pub fn remove(record: &mut Json, path: &[String]) {
    change::remove(record, path);
}

/// What lies under a path with globs.
pub fn all<'a>(value: &'a Json, path: &[String]) -> Vec<&'a Json> {
    let Some((first, rest)) = path.split_first() else { return vec![value] };
    match value {
        Json::Object(map) if is_glob(first) => {
            map.iter().filter(|(key, _)| glob(first, key)).flat_map(|(_, inner)| all(inner, rest)).collect()
        }
        Json::Object(map) => map.get(first).map(|inner| all(inner, rest)).unwrap_or_default(),
        Json::Array(items) if is_glob(first) => {
            let fitting = items.iter().enumerate().filter(|(at, _)| glob(first, &at.to_string()));
            fitting.flat_map(|(_, inner)| all(inner, rest)).collect()
        }
        Json::Array(items) => index_of(first, items.len()).map(|at| all(&items[at], rest)).unwrap_or_default(),
        _ => Vec::new(),
    }
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
        let fresh = || if is_number(next) { Json::Array(Vec::new()) } else { Json::Object(Map::new()) };
        place = match place {
            Json::Object(map) => map.entry(segment.clone()).or_insert_with(fresh),
            Json::Array(items) => {
                let before = items.len();
                let index = list_index(segment, items, path)?;
                if index >= before {
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

fn is_number(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit())
}

/// Longest list that a path may create.
const MAX_PADDED: usize = 10_000;

fn list_index(segment: &str, items: &mut Vec<Json>, path: &[String]) -> Result<usize, RecordError> {
    let index: usize = segment.parse().ok().filter(|_| is_number(segment)).ok_or_else(|| through(path))?;
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

/// The last look at a record before it leaves: it is a map, and its values have the types of the schema if the stream asks for
/// that.
pub fn finish(record: Option<Json>, normal: Option<&Normal>) -> Result<Option<Json>, RecordError> {
    let Some(mut record) = record else { return Ok(None) };
    if !record.is_object() {
        let kind = Value::from_json(&record).type_name();
        return Err(RecordError::Path(format!("a record is of the kind {kind} instead of a map of fields")));
    }
    if let Some(normal) = normal {
        normal.apply(&mut record);
    }
    Ok(Some(record))
}

/// Applies transformations to a map that is no record of a page.
pub fn change(record: &mut Json, transformations: &[Transformation], around: &Around<'_>) -> Result<(), RecordError> {
    transformations.iter().try_for_each(|transformation| transform(record, transformation, around))
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

/// Applies one transformation to a record.
pub fn transform(record: &mut Json, transformation: &Transformation, around: &Around<'_>) -> Result<(), RecordError> {
    match transformation {
        Transformation::Add { fields, condition } => {
            for (path, value, allowed) in fields {
                let value = {
                    let scope = around.scope().with("record", Value::from_json(record));
                    let value = added(value, &scope, *allowed)?;
                    if let Some(condition) = condition {
                        let owned_path = Json::from(path.clone());
                        let scope =
                            scope.with("value", Value::from_json(&value)).with("path", Value::from_json(&owned_path));
                        if !condition.condition(&scope).map_err(failed("AddFields.condition"))? {
                            continue;
                        }
                    }
                    value
                };
                put(record, path, value)?;
            }
        }
        Transformation::Remove { pointers, condition: None } => {
            for pointer in pointers {
                change::remove(record, pointer);
            }
        }
        Transformation::Remove { condition: Some(condition), .. } => {
            change::remove_leaves(record, &mut |leaf| {
                let scope = Scope::new(around.now)
                    .with("config", Value::from_json(around.config))
                    .with("property", Value::from_json(leaf));
                condition.condition(&scope).map_err(failed("RemoveFields.condition"))
            })?;
        }
        Transformation::Flatten { lists } => {
            if let Json::Object(map) = record {
                *record = Json::Object(change::flattened(std::mem::take(map), *lists));
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
            change::lift(record, &path, (*delete_origin, *replace_record), &affix)?;
        }
        Transformation::KeysToLower => {
            if let Json::Object(map) = record {
                *map = std::mem::take(map).into_iter().map(|(key, value)| (key.to_lowercase(), value)).collect();
            }
        }
        Transformation::KeysToSnakeCase => change::rename(record, &change::snake_case),
        Transformation::KeysReplace { old, new } => {
            let (old, new) = {
                let scope = around.scope().with("record", Value::from_json(record));
                let part = |text: &Text| text.text(&scope).map_err(failed("KeysReplace"));
                (part(old)?, part(new)?)
            };
            change::rename(record, &|key: &str| key.replace(&old, &new));
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
