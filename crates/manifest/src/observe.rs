//! Looks at what a platform's answers really contain: every field, also those that nobody reads.
//!
//! Reading is fast because only wanted fields are built, so a look costs what it builds besides. Therefore only a few elements of
//! each page are built whole and looked at, and of lists inside of them the first ones: every page is seen, and a million rows cost as
//! much as a few thousand. What is seen is the record as it came, before it is filtered or changed.

use crate::{
    decode::is_shown,
    json::Json,
    mapping::Mapping,
    records::{Extraction, walk},
};
use model::shape::{Field, Shape, ValueKind, name_of};
use std::sync::{Mutex, PoisonError};

/// First elements of a page of statistics that are looked at. One may hold a month of days.
const OF_STATISTICS: usize = 2;
/// Elements of a page of names. Pages are small, and a word in any of them may be new.
const OF_NAMES: usize = 1_000;
/// Records of an element that holds several.
const OF_NESTED: usize = 4;
/// Elements of a list inside a record.
const OF_LISTS: usize = 8;
/// How deep.
const DEEPEST: usize = 8;
/// Records of a stream without a mapping that are all looked at, and then one in so many.
const ALL_OF_FIRST: u64 = 500;
const ONE_IN: u64 = 50;

/// Looks at one stream while one slice of it is read.
#[derive(Debug)]
pub struct Observer {
    stream: String,
    per_page: usize,
    seen: Mutex<Shape>,
}

impl Observer {
    /// For a stream with a mapping.
    pub(crate) fn new(stream: &str, mapping: &Mapping) -> Self {
        let per_page = if mapping.is_statistics() { OF_STATISTICS } else { OF_NAMES };
        let mut seen = Shape::default();
        if let Some((path, words)) = mapping.words() {
            seen.declare(&path.join("."), words);
        }
        Self { stream: stream.to_owned(), per_page, seen: Mutex::new(seen) }
    }

    /// Whether it is this stream that is looked at; its parents are read on the way.
    pub(crate) fn is_of(&self, stream: &str) -> bool {
        self.stream == stream
    }

    /// How many elements of a page are to be whole.
    pub(crate) fn per_page(&self) -> usize {
        self.per_page
    }

    /// Looks at the first elements of decoded bodies.
    pub(crate) fn page(&self, bodies: &[Json], extraction: &Extraction) {
        let shown = |list| items(list).iter().enumerate().filter(|(at, _)| is_shown(*at, self.per_page));
        let elements = bodies.iter().filter_map(|body| extraction.elements(body)).flat_map(shown).map(|(_, it)| it);
        match extraction.nested() {
            None => self.elements(elements),
            Some(path) => {
                let lists = elements.filter_map(|element| walk(element, path));
                self.elements(lists.flat_map(|list| items(list).iter().take(OF_NESTED)));
            }
        }
    }

    /// Looks at whole elements.
    pub(crate) fn elements<'a>(&self, elements: impl Iterator<Item = &'a Json>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        elements.for_each(|element| look(&mut seen, element));
    }

    /// What was seen.
    pub(crate) fn shape(&self) -> Shape {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        seen.close();
        seen
    }
}

/// Looks at records of a stream that is kept as it comes.
#[derive(Debug, Default)]
pub(crate) struct Glances {
    met: u64,
    seen: Shape,
}

impl Glances {
    pub(crate) fn records(&mut self, records: &[Json]) {
        for record in records {
            self.met += 1;
            if self.met <= ALL_OF_FIRST || self.met.is_multiple_of(ONE_IN) {
                look(&mut self.seen, record);
            }
        }
    }

    pub(crate) fn shape(mut self) -> Shape {
        self.seen.close();
        self.seen
    }
}

fn items(value: &Json) -> &[Json] {
    match value {
        Json::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

fn look(shape: &mut Shape, record: &Json) {
    let Json::Object(map) = record else { return };
    shape.records += 1;
    let mut path = String::new();
    for (key, value) in map {
        below(shape, &mut path, key, value, 1);
    }
}

fn below(shape: &mut Shape, path: &mut String, key: &str, value: &Json, depth: usize) {
    let length = path.len();
    if length > 0 {
        path.push('.');
    }
    path.push_str(name_of(key));
    note(shape, path, value, depth);
    path.truncate(length);
}

fn note(shape: &mut Shape, path: &mut String, value: &Json, depth: usize) {
    let Some(field) = shape.field(path) else { return };
    let mut is = |kind| {
        let Field { kinds, seen, objects, .. } = field;
        *seen += 1;
        *objects += u64::from(kind == ValueKind::Object);
        kinds.insert(kind);
    };
    match value {
        Json::Null => field.nulls += 1,
        Json::Bool(_) => is(ValueKind::Truth),
        // Platforms say zero where they have no value, also in fields whose values are text otherwise.
        Json::Number(number) if number.as_f64() == Some(0.0) => field.seen += 1,
        Json::Number(number) if number.is_f64() => is(ValueKind::Fraction),
        Json::Number(_) => is(ValueKind::Whole),
        Json::String(text) => {
            is(ValueKind::Text);
            shape.note_text(path, text);
        }
        Json::Array(items) => {
            is(ValueKind::List);
            if depth < DEEPEST {
                path.push_str("[]");
                items.iter().take(OF_LISTS).for_each(|item| note(shape, path, item, depth + 1));
                path.truncate(path.len() - 2);
            }
        }
        Json::Object(map) => {
            is(ValueKind::Object);
            if depth < DEEPEST {
                for (key, value) in map {
                    below(shape, path, key, value, depth + 1);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::json;

    #[test]
    fn places_in_lists_and_names_that_are_data_are_merged() {
        let mut shape = Shape::default();
        let records = [
            json!({"id": 7, "rows": [{"date": "2026-11-20", "base": {"spent": "1.5", "x": null}}, {"date": "2026-11-21"}]}),
            json!({"id": 8, "cpa": 0, "rows": [], "by_day": {"20261120": 1, "20261121": 2.5}}),
            json!("not a record"),
        ];
        for record in &records {
            look(&mut shape, record);
        }
        shape.close();
        let seen: Vec<String> = shape
            .fields
            .iter()
            .map(|(path, it)| format!("{path} {:?} {}+{}/{}", it.kinds, it.seen, it.nulls, it.within))
            .collect();
        assert_eq!(
            seen,
            [
                "by_day {Object} 1+0/2",
                "by_day.* {Whole, Fraction} 2+0/1",
                "cpa {} 1+0/2",
                "id {Whole} 2+0/2",
                "rows {List} 2+0/2",
                "rows[] {Object} 2+0/0",
                "rows[].base {Object} 1+0/2",
                "rows[].base.spent {Text} 1+0/1",
                "rows[].base.x {} 0+1/1",
                "rows[].date {Text} 2+0/2",
            ]
        );
        assert!(!serde_json::to_string(&shape).unwrap().contains("2026"), "no value is kept");
    }
}
