//! JSON as this room holds it: the same shape as [`serde_json::Value`], made for records.
//!
//! A sync builds and drops millions of small maps with a dozen short keys. Here a map is a list of pairs in the order they came
//! (a search through a dozen short keys beats hashing them), and texts up to 24 bytes, which nearly all keys and most values
//! are, need no allocation. Parsing takes half the time of the general type. Large maps get an index, so that a map with ten
//! thousand keys stays a map. Of duplicate keys the last one counts, in the place of the first, as in the reference.

use compact_str::CompactString;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{Number, Value as General};
use std::{collections::HashMap, fmt, ops::Index};

/// Text inside JSON; short ones lie inline.
pub type JsonText = CompactString;

/// A JSON value.
#[derive(Clone, Default, PartialEq)]
pub enum Json {
    /// Null.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A number; integers of 64 bits are exact.
    Number(Number),
    /// Text.
    String(JsonText),
    /// A list.
    Array(Vec<Json>),
    /// A map.
    Object(Map),
}

/// Builds [`Json`] from a literal, as `serde_json::json!` does for the general type.
#[macro_export]
macro_rules! json {
    ($($literal:tt)+) => { $crate::json::Json::from(::serde_json::json!($($literal)+)) };
}

static NULL: Json = Json::Null;

impl Json {
    /// The member of that name, or the element of that position.
    pub fn get<I: JsonIndex>(&self, index: I) -> Option<&Self> {
        index.of(self)
    }
    /// [`Json::get`], to change it.
    pub fn get_mut<I: JsonIndex>(&mut self, index: I) -> Option<&mut Self> {
        index.of_mut(self)
    }
    /// What lies under a JSON pointer (RFC 6901).
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, segment| match value {
            Self::Object(map) if segment.contains('~') => map.get(&segment.replace("~1", "/").replace("~0", "~")),
            Self::Object(map) => map.get(segment),
            Self::Array(items) => items.get(segment.parse::<usize>().ok()?),
            _ => None,
        })
    }
    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
    /// Whether it is a map.
    pub fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }
    /// Whether it is a list.
    pub fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }
    /// Whether it is text.
    pub fn is_string(&self) -> bool {
        matches!(self, Self::String(_))
    }
    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }
    /// Whether it is true or false.
    pub fn is_boolean(&self) -> bool {
        matches!(self, Self::Bool(_))
    }
    /// The text.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }
    /// True or false.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }
    /// The whole number, if it is one.
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Number(number) = self { number.as_i64() } else { None }
    }
    /// The whole number, if it is one and not negative.
    pub fn as_u64(&self) -> Option<u64> {
        if let Self::Number(number) = self { number.as_u64() } else { None }
    }
    /// The number.
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Number(number) = self { number.as_f64() } else { None }
    }
    /// The list.
    pub fn as_array(&self) -> Option<&Vec<Self>> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }
    /// The list, to change it.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Self>> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }
    /// The map.
    pub fn as_object(&self) -> Option<&Map> {
        if let Self::Object(map) = self { Some(map) } else { None }
    }
    /// The map, to change it.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        if let Self::Object(map) = self { Some(map) } else { None }
    }
    /// Takes the value out and leaves null.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }
    /// Reads JSON.
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }
    /// As the general type, for other rooms.
    pub fn general(&self) -> General {
        match self {
            Self::Null => General::Null,
            Self::Bool(value) => General::Bool(*value),
            Self::Number(number) => General::Number(number.clone()),
            Self::String(text) => General::String(text.to_string()),
            Self::Array(items) => General::Array(items.iter().map(Self::general).collect()),
            Self::Object(map) => General::Object(map.general()),
        }
    }
}

/// What [`Json::get`] takes.
pub trait JsonIndex {
    /// The value there.
    fn of(self, json: &Json) -> Option<&Json>;
    /// The value there, to change it.
    fn of_mut(self, json: &mut Json) -> Option<&mut Json>;
}

impl<T: AsRef<str> + ?Sized> JsonIndex for &T {
    fn of(self, json: &Json) -> Option<&Json> {
        json.as_object()?.get(self.as_ref())
    }
    fn of_mut(self, json: &mut Json) -> Option<&mut Json> {
        json.as_object_mut()?.get_mut(self.as_ref())
    }
}

impl JsonIndex for usize {
    fn of(self, json: &Json) -> Option<&Json> {
        json.as_array()?.get(self)
    }
    fn of_mut(self, json: &mut Json) -> Option<&mut Json> {
        json.as_array_mut()?.get_mut(self)
    }
}

impl Index<&str> for Json {
    type Output = Self;
    fn index(&self, key: &str) -> &Self {
        self.get(key).unwrap_or(&NULL)
    }
}

impl Index<usize> for Json {
    type Output = Self;
    fn index(&self, index: usize) -> &Self {
        self.get(index).unwrap_or(&NULL)
    }
}

/// The JSON text, without spaces.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq<str> for Json {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<&str> for Json {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == Some(*other)
    }
}

impl PartialEq<String> for Json {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<General> for Json {
    fn eq(&self, other: &General) -> bool {
        self.general() == *other
    }
}

impl From<General> for Json {
    fn from(value: General) -> Self {
        match value {
            General::Null => Self::Null,
            General::Bool(value) => Self::Bool(value),
            General::Number(number) => Self::Number(number),
            General::String(text) => Self::String(text.into()),
            General::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            General::Object(map) => Self::Object(map.into()),
        }
    }
}

impl From<Json> for General {
    fn from(value: Json) -> Self {
        value.general()
    }
}

impl From<serde_json::Map<String, General>> for Map {
    fn from(map: serde_json::Map<String, General>) -> Self {
        map.into_iter().map(|(key, value)| (key, Json::from(value))).collect()
    }
}

macro_rules! from_whole_numbers {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Json {
            fn from(value: $kind) -> Self {
                Self::Number(value.into())
            }
        }
    )*};
}
from_whole_numbers!(i32, i64, u16, u32, u64, usize);

/// A number that is not finite has no JSON and becomes null.
impl From<f64> for Json {
    fn from(value: f64) -> Self {
        Number::from_f64(value).map_or(Self::Null, Self::Number)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<&String> for Json {
    fn from(text: &String) -> Self {
        Self::String(text.as_str().into())
    }
}

impl From<JsonText> for Json {
    fn from(text: JsonText) -> Self {
        Self::String(text)
    }
}

impl From<Map> for Json {
    fn from(map: Map) -> Self {
        Self::Object(map)
    }
}

impl<T: Into<Json>> From<Vec<T>> for Json {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Json>> FromIterator<T> for Json {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

/// Maps up to this size are searched, larger ones are indexed.
const SEARCHED: usize = 32;

/// A map in the order its keys came.
#[derive(Clone, Default)]
pub struct Map {
    entries: Vec<(JsonText, Json)>,
    /// Positions by key, once there are many.
    #[allow(clippy::box_collection, reason = "nearly no map has one, and a value should stay small")]
    index: Option<Box<HashMap<JsonText, usize>>>,
}

impl Map {
    /// An empty map.
    pub const fn new() -> Self {
        Self { entries: Vec::new(), index: None }
    }
    /// An empty map with room.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { entries: Vec::with_capacity(capacity), index: None }
    }
    /// How many keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
    fn position(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self.entries.iter().position(|(found, _)| found == key),
        }
    }
    /// A value.
    pub fn get<K: AsRef<str> + ?Sized>(&self, key: &K) -> Option<&Json> {
        self.position(key.as_ref()).map(|at| &self.entries[at].1)
    }
    /// A value, to change it.
    pub fn get_mut<K: AsRef<str> + ?Sized>(&mut self, key: &K) -> Option<&mut Json> {
        self.position(key.as_ref()).map(|at| &mut self.entries[at].1)
    }
    /// Whether the key is there.
    pub fn contains_key<K: AsRef<str> + ?Sized>(&self, key: &K) -> bool {
        self.position(key.as_ref()).is_some()
    }
    /// Sets a value and returns the one that was there.
    pub fn insert(&mut self, key: impl Into<JsonText>, value: Json) -> Option<Json> {
        let key = key.into();
        if let Some(at) = self.position(&key) {
            return Some(std::mem::replace(&mut self.entries[at].1, value));
        }
        self.push(key, value);
        None
    }
    /// Adds a key that is not there.
    fn push(&mut self, key: JsonText, value: Json) {
        if let Some(index) = &mut self.index {
            index.insert(key.clone(), self.entries.len());
        }
        self.entries.push((key, value));
        if self.index.is_none() && self.entries.len() > SEARCHED {
            self.reindex();
        }
    }
    fn reindex(&mut self) {
        let many = self.entries.len() > SEARCHED;
        self.index = many.then(|| {
            let places = self.entries.iter().enumerate().map(|(at, (key, _))| (key.clone(), at));
            Box::new(places.collect())
        });
    }
    /// Removes a key; the others keep their order.
    pub fn shift_remove<K: AsRef<str> + ?Sized>(&mut self, key: &K) -> Option<Json> {
        self.shift_remove_entry(key).map(|(_, value)| value)
    }
    /// [`Map::shift_remove`], with the key.
    pub fn shift_remove_entry<K: AsRef<str> + ?Sized>(&mut self, key: &K) -> Option<(JsonText, Json)> {
        let at = self.position(key.as_ref())?;
        let removed = self.entries.remove(at);
        self.reindex();
        Some(removed)
    }
    /// Removes a key; the others keep their order.
    pub fn remove<K: AsRef<str> + ?Sized>(&mut self, key: &K) -> Option<Json> {
        self.shift_remove(key)
    }
    /// Removes everything.
    pub fn clear(&mut self) {
        *self = Self::new();
    }
    /// Keeps some.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Json) -> bool) {
        self.entries.retain_mut(|(key, value)| keep(key, value));
        self.reindex();
    }
    /// The place of a key, filled first if it is empty.
    pub fn entry(&mut self, key: impl Into<JsonText>) -> Entry<'_> {
        Entry { map: self, key: key.into() }
    }
    /// Keys and values in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.entries.iter())
    }
    /// Keys, and values to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&JsonText, &mut Json)> {
        self.entries.iter_mut().map(|(key, value)| (&*key, value))
    }
    /// Keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &JsonText> {
        self.entries.iter().map(|(key, _)| key)
    }
    /// Values in order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Json> {
        self.entries.iter().map(|(_, value)| value)
    }
    /// Values in order, to change them.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Json> {
        self.entries.iter_mut().map(|(_, value)| value)
    }
    /// Reads the entries of a map that is being parsed.
    pub(crate) fn visit<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut map = Self::new();
        while let Some(key) = entries.next_key_seed(Key)? {
            map.insert(key, entries.next_value()?);
        }
        Ok(map)
    }
    /// As the general type, for other rooms.
    pub fn general(&self) -> serde_json::Map<String, General> {
        self.entries.iter().map(|(key, value)| (key.to_string(), value.general())).collect()
    }
}

/// A place in a map.
pub struct Entry<'m> {
    map: &'m mut Map,
    key: JsonText,
}

impl<'m> Entry<'m> {
    /// The value there, or this one put there.
    pub fn or_insert(self, value: Json) -> &'m mut Json {
        self.or_insert_with(|| value)
    }
    /// The value there, or one made and put there.
    pub fn or_insert_with(self, value: impl FnOnce() -> Json) -> &'m mut Json {
        let at = self.map.position(&self.key).unwrap_or_else(|| {
            self.map.push(self.key, value());
            self.map.entries.len() - 1
        });
        &mut self.map.entries[at].1
    }
}

/// Keys and values of a map in order.
#[derive(Debug, Clone)]
pub struct Iter<'m>(std::slice::Iter<'m, (JsonText, Json)>);

impl<'m> Iterator for Iter<'m> {
    type Item = (&'m JsonText, &'m Json);
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key, value))
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, value)| (key, value))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'m> IntoIterator for &'m Map {
    type Item = (&'m JsonText, &'m Json);
    type IntoIter = Iter<'m>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'m> IntoIterator for &'m mut Map {
    type Item = (&'m JsonText, &'m mut Json);
    type IntoIter = std::iter::Map<
        std::slice::IterMut<'m, (JsonText, Json)>,
        fn(&'m mut (JsonText, Json)) -> (&'m JsonText, &'m mut Json),
    >;
    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter_mut().map(|(key, value)| (&*key, value))
    }
}

impl IntoIterator for Map {
    type Item = (JsonText, Json);
    type IntoIter = std::vec::IntoIter<(JsonText, Json)>;
    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<K: Into<JsonText>> FromIterator<(K, Json)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, Json)>>(entries: I) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

impl<K: Into<JsonText>> Extend<(K, Json)> for Map {
    fn extend<I: IntoIterator<Item = (K, Json)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl Index<&str> for Map {
    type Output = Json;
    fn index(&self, key: &str) -> &Json {
        self.get(key).unwrap_or(&NULL)
    }
}

/// Equal maps have equal values under equal keys, in any order.
impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => items.serialize(serializer),
            Self::Object(map) => map.serialize(serializer),
        }
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self {
            map.serialize_entry(key.as_str(), value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Object(map) => Ok(map),
            _ => Err(serde::de::Error::custom("a map was expected")),
        }
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_none<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        Json::deserialize(deserializer)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::from(value))
    }
    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.into()))
    }
    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text.into()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Json, A::Error> {
        Map::visit(entries).map(Json::Object)
    }
}

/// A key, read without going through a `String`.
struct Key;

impl<'de> serde::de::DeserializeSeed<'de> for Key {
    type Value = JsonText;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<JsonText, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = JsonText;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<JsonText, E> {
        Ok(key.into())
    }
    fn visit_string<E>(self, key: String) -> Result<JsonText, E> {
        Ok(key.into())
    }
    // Keys of YAML may be numbers or words of truth; they are texts to everybody who reads them.
    fn visit_i64<E>(self, key: i64) -> Result<JsonText, E> {
        Ok(compact_str::format_compact!("{key}"))
    }
    fn visit_u64<E>(self, key: u64) -> Result<JsonText, E> {
        Ok(compact_str::format_compact!("{key}"))
    }
    fn visit_bool<E>(self, key: bool) -> Result<JsonText, E> {
        Ok(compact_str::format_compact!("{key}"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn it_reads_and_writes_what_the_general_type_does() {
        for text in [
            "null",
            "[1,-2,18446744073709551615,1.5,1e300,\"é\\n\\u0000\",true,{}]",
            r#"{"b":1,"a":{"x":[{"y":null}]},"b":2,"":3}"#,
            r#"{"a text that is longer than what lies inline":"and its value, which is longer than that as well"}"#,
        ] {
            let (ours, general): (Json, General) = (Json::parse(text).unwrap(), serde_json::from_str(text).unwrap());
            assert_eq!(ours.to_string(), general.to_string());
            assert_eq!(ours.general(), general);
            assert_eq!(Json::from(general), ours);
        }
        assert!(Json::parse("{\"a\":1} x").is_err());
        assert!(Json::parse(&"[".repeat(100_000)).is_err(), "depth is bounded");
    }

    #[test]
    fn a_number_is_read_to_its_last_digit() {
        // The first was found by fuzzing.
        for text in [
            "666666666666666666662666666662666666666666666666666666666666666666666666",
            "122.416294033786585",
            "0.1",
            "1e23",
            "5e-324",
        ] {
            let read = Json::parse(text).unwrap();
            assert_eq!(read.as_f64(), text.parse::<f64>().ok(), "{text}");
            assert_eq!(Json::parse(&read.to_string()).unwrap(), read, "{text}");
        }
    }

    #[test]
    fn a_large_map_finds_its_keys_and_keeps_their_order() {
        let mut map: Map = (0..1000).map(|i| (format!("key {i}"), Json::from(i))).collect();
        assert_eq!(map.insert("key 7", Json::Null), Some(Json::from(7)));
        assert_eq!(map.shift_remove("key 0"), Some(Json::from(0)));
        assert_eq!(map.get("key 999"), Some(&Json::from(999)));
        assert_eq!(map.get("key 0"), None);
        assert_eq!(map.keys().next().unwrap(), "key 1");
        map.retain(|key, _| key.ends_with('9'));
        assert_eq!((map.len(), map.get("key 19")), (100, Some(&Json::from(19))));
        assert_eq!(*map.entry("new").or_insert(Json::from(1)), Json::from(1));
        let mut other: Map = map.clone().into_iter().rev().collect();
        assert_eq!(map, other);
        other.insert("new", Json::from(2));
        assert_ne!(map, other);
    }

    #[test]
    fn places_are_found_by_key_position_and_pointer() {
        let json = json!({"a/b": [{"c": "d"}]});
        assert_eq!(json["a/b"][0]["c"], "d");
        assert_eq!(json.pointer("/a~1b/0/c").and_then(Json::as_str), Some("d"));
        assert_eq!((json.pointer("/nope"), json.get(0)), (None, None));
        assert!(json["nope"][1].is_null());
    }
}
