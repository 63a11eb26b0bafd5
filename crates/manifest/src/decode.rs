//! Bodies to JSON (connector-format.md, 6.1), and the shortcut that makes it fast: when nobody looks at whole records, only
//! the fields somebody reads are built and everything else is skipped while parsing.

use crate::components::Decoder;
use crate::json::{Json, Map};
use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{fmt, io::Read};

/// Which fields of a document are built.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Projection {
    /// Wanted keys; `None`: everything from here on.
    fields: Option<Vec<(String, Projection)>>,
}

impl Projection {
    /// Everything.
    pub fn all() -> Self {
        Self { fields: None }
    }
    /// Nothing yet.
    pub fn none() -> Self {
        Self { fields: Some(Vec::new()) }
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
            fields.push((first.to_owned(), inner));
        }
    }
    /// Parses a document, building only what is wanted.
    pub fn parse(&self, bytes: &[u8]) -> serde_json::Result<Json> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let value = Seed(self).deserialize(&mut reader)?;
        reader.end()?;
        Ok(value)
    }
}

/// Whether a path segment stands for several names.
pub fn is_glob(segment: &str) -> bool {
    segment.contains(['*', '?', '['])
}

#[derive(Clone, Copy)]
struct Seed<'p>(&'p Projection);

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
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let fields = self.0.fields.as_deref().unwrap_or_default();
        let mut map = Map::with_capacity(fields.len());
        while let Some(found) = entries.next_key_seed(KeySeed(fields))? {
            match found.and_then(|index| fields.get(index)) {
                Some((name, inner)) => {
                    let value = entries.next_value_seed(Seed(inner))?;
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
struct KeySeed<'p>(&'p [(String, Projection)]);

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

/// A body could not be decoded at all.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Broken compression or text.
    #[error("{0}")]
    Broken(String),
    /// Not JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Whether pagination may look into bodies of this decoder: streamed ones are not kept (section 5).
pub fn pages_see_it(decoder: &Decoder) -> bool {
    *decoder == Decoder::Json
}

/// The documents of a body. A top-level array is one document per element.
pub fn decode(decoder: &Decoder, body: &[u8], projection: &Projection) -> Result<Vec<Json>, DecodeError> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    match decoder {
        Decoder::Json => match projection.parse(body)? {
            Json::Array(items) => Ok(items),
            other => Ok(vec![other]),
        },
        // Bad lines are skipped, as in the reference; a note says how many.
        Decoder::Jsonl => {
            let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
            let (mut documents, mut bad) = (Vec::new(), 0usize);
            for line in lines {
                match projection.parse(line) {
                    Ok(document) => documents.push(document),
                    Err(_) => bad += 1,
                }
            }
            if bad > 0 {
                tracing::warn!(bad, "lines that are not JSON were skipped");
            }
            Ok(documents)
        }
        Decoder::Csv { delimiter, nulls } => csv_documents(body, *delimiter, nulls),
        Decoder::Gzip(inner) => {
            if !body.starts_with(&[0x1f, 0x8b]) {
                return decode(inner, body, projection);
            }
            let mut plain = Vec::new();
            let mut reader = flate2::read::MultiGzDecoder::new(body).take(MAX_UNPACKED + 1);
            reader
                .read_to_end(&mut plain)
                .map_err(|error| DecodeError::Broken(format!("the gzip body is broken: {error}")))?;
            if plain.len() as u64 > MAX_UNPACKED {
                return Err(DecodeError::Broken("the gzip body is larger than 1 GiB when unpacked".to_owned()));
            }
            decode(inner, &plain, projection)
        }
    }
}

/// A gzip body may not grow beyond this: a small one can unpack to more than any computer has.
const MAX_UNPACKED: u64 = 1 << 30;

fn csv_documents(body: &[u8], delimiter: u8, nulls: &[String]) -> Result<Vec<Json>, DecodeError> {
    let broken = |error: csv::Error| DecodeError::Broken(format!("the CSV body is broken: {error}"));
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(body);
    let headers = reader.headers().map_err(broken)?.clone();
    let mut documents = Vec::new();
    for row in reader.records() {
        let row = row.map_err(broken)?;
        let entries = headers.iter().enumerate().map(|(index, name)| {
            let value = match row.get(index) {
                Some(value) if !nulls.iter().any(|null| null == value) => Json::from(value),
                _ => Json::Null,
            };
            (name.to_owned(), value)
        });
        documents.push(Json::Object(entries.collect()));
    }
    Ok(documents)
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
    }

    #[test]
    fn bodies_are_decoded_as_their_decoder_says() {
        let all = Projection::all();
        let csv = Decoder::Csv { delimiter: b';', nulls: vec!["-".to_owned()] };
        let gz = {
            use std::io::Write;
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            writer.write_all(b"{\"a\":1}\nnope\n\n{\"a\":2}").unwrap();
            writer.finish().unwrap()
        };
        let lines = Decoder::Gzip(Box::new(Decoder::Jsonl));
        for (decoder, body, expected) in [
            (&Decoder::Json, b"\xEF\xBB\xBF{\"a\":1}".to_vec(), json!([{"a": 1}])),
            (&Decoder::Json, b"[{\"a\":1},2]".to_vec(), json!([{"a": 1}, 2])),
            (&csv, "a;b\n1;\"x;y\"\n-;z\n".into(), json!([{"a": "1", "b": "x;y"}, {"a": null, "b": "z"}])),
            (&lines, gz, json!([{"a": 1}, {"a": 2}])),
            (&lines, b"{\"a\":1}".to_vec(), json!([{"a": 1}])),
        ] {
            assert_eq!(Json::Array(decode(decoder, &body, &all).unwrap()), expected);
        }
        assert!(decode(&Decoder::Json, b"<html>", &all).is_err());
        assert!(decode(&lines, b"\x1f\x8b broken", &all).is_err());
    }
}
