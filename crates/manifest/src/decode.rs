//! Bodies to JSON (connector-format.md, 6.1), and the shortcut that makes it fast: when nobody looks at whole records, only
//! the fields somebody reads are built and everything else is skipped while parsing.

mod bodies;
mod charset;
mod csv;
mod places;
mod xml;

pub use bodies::{DecodeError, decode, decode_each, pages_see_it, streams};
pub use charset::Charset;
pub use places::places;

use crate::json::{Json, JsonText, Map};
use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::fmt;

/// Which fields of a document are built.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Projection {
    /// Wanted keys; `None`: everything from here on.
    fields: Option<Vec<(JsonText, Projection)>>,
    /// How many elements of the list here are built whole for certain (see [`is_shown`]), so that somebody can see what else there is.
    whole: usize,
}

static ALL: Projection = Projection { fields: None, whole: 0 };

impl Projection {
    /// Everything.
    pub fn all() -> Self {
        ALL.clone()
    }
    /// Nothing yet.
    pub fn none() -> Self {
        Self { fields: Some(Vec::new()), whole: 0 }
    }
    /// Wants what lies under a path. Lists on the way are walked through; a segment with a glob wants everything from there.
    pub fn want<S: AsRef<str>>(&mut self, path: &[S]) {
        let Some(fields) = &mut self.fields else { return };
        let Some((first, rest)) = path.split_first() else {
            self.fields = None;
            return;
        };
        let first = first.as_ref();
        if is_glob(first) || first.trim_start_matches('-').parse::<u64>().is_ok() {
            self.fields = None;
            return;
        }
        if let Some((_, inner)) = fields.iter_mut().find(|(name, _)| name == first) {
            inner.want(rest);
        } else {
            let mut inner = Self::none();
            inner.want(rest);
            fields.push((first.into(), inner));
        }
    }
    /// Builds the first elements of the list under a path of plain keys whole. What is one element instead of a list is built whole.
    pub fn show(&mut self, path: &[String], count: usize) {
        let Some((first, rest)) = path.split_first() else {
            self.whole = count;
            return;
        };
        let fields = self.fields.iter_mut().flatten();
        if let Some((_, inner)) = fields.into_iter().find(|(name, _)| name == first.as_str()) {
            inner.show(rest, count);
        }
    }
    /// What is wanted of the elements of a list under a path of plain keys.
    #[must_use]
    pub fn below(&self, path: &[String]) -> Self {
        let Some((first, rest)) = path.split_first() else { return self.clone() };
        let Some(fields) = &self.fields else { return Self::all() };
        let field = fields.iter().find(|(name, _)| name == first.as_str());
        field.map_or_else(Self::none, |(_, inner)| inner.below(rest))
    }
    /// Parses a document, building only what is wanted.
    pub fn parse(&self, bytes: &[u8]) -> serde_json::Result<Json> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let value = Seed(self, self.whole).deserialize(&mut reader)?;
        reader.end()?;
        Ok(value)
    }
}

/// Whether an element of a list is built whole: the first ones, and ever fewer of the others, because the oldest come first on many
/// platforms and nothing happens in them any more.
pub(crate) fn is_shown(index: usize, first: usize) -> bool {
    first > 0 && (index < first || index.is_power_of_two())
}

/// Whether a path segment stands for several names.
pub fn is_glob(segment: &str) -> bool {
    segment.contains(['*', '?', '['])
}

/// A projection, and how many elements are built whole: those of the list itself, not of lists inside of it.
#[derive(Clone, Copy)]
struct Seed<'p>(&'p Projection, usize);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        if self.0.fields.is_none() {
            serde::Deserialize::deserialize(deserializer)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::from(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::from(value))
    }
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        serde_json::Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("a number is not finite"))
    }
    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::from(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        let (whole, rest) = (Self(&ALL, 0), Self(self.0, 0));
        while let Some(item) = list.next_element_seed(if is_shown(items.len(), self.1) { whole } else { rest })? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        if self.1 > 0 {
            return Map::visit(entries).map(Json::Object);
        }
        let fields = self.0.fields.as_deref().unwrap_or_default();
        let mut map = Map::with_capacity(fields.len());
        while let Some(found) = entries.next_key_seed(KeySeed(fields))? {
            match found.and_then(|index| fields.get(index)) {
                Some((name, inner)) => {
                    let value = entries.next_value_seed(Seed(inner, inner.whole))?;
                    map.insert(name.clone(), value);
                }
                None => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Json::Object(map))
    }
}

/// A key as its position among the wanted ones, without building it.
struct KeySeed<'p>(&'p [(JsonText, Projection)]);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Option<usize>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|(name, _)| name == key))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::json;

    #[test]
    fn only_what_is_wanted_is_built() {
        let body = br#"{"count":2,"noise":{"a":[1,{"b":2}]},"items":[{"id":1,"rows":[{"date":"d","base":{"shows":5,"cpm":"1"}}],"total":{}},{"id":2}]}"#;
        let mut projection = Projection::none();
        projection.want(&["items", "id"]);
        projection.want(&["items", "rows", "base", "shows"]);
        assert_eq!(
            projection.parse(body).unwrap(),
            json!({"items": [{"id": 1, "rows": [{"base": {"shows": 5}}]}, {"id": 2}]})
        );
        projection.want(&["items", "*"]);
        assert_eq!(projection.parse(body).unwrap()["items"][0]["total"], json!({}));
        assert!(Projection::all().parse(b"{\"a\":1} x").is_err());
        let record = projection.below(&["items".to_owned()]);
        assert_eq!(
            record.parse(br#"{"id":1,"total":2}"#).unwrap(),
            json!({"id": 1, "total": 2}),
            "everything since the glob"
        );
        assert_eq!(projection.below(&["noise".to_owned()]).parse(br#"{"a":1}"#).unwrap(), json!({}));
    }
}
