//! Where the records of a large JSON body stand in it, found without building any of them, so that a page is held as its text and a
//! few records at a time. Only plain answers are looked at; of all others [`places`] says nothing, and they are decoded as a whole.

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{fmt, ops::Range};

/// Smaller bodies are not worth it.
const SMALLEST: usize = 32 << 10;

/// More records in one body are left to the decoder, which says that they are too many or holds them.
const MOST: usize = 1 << 20;

/// The places of the records under a path of plain keys, in the order of the body; `None`: decode it as a whole, which also says what
/// is wrong with it.
pub fn places(body: &[u8], path: &[String]) -> Option<Vec<Range<usize>>> {
    let start = if body.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let text = body.get(start..)?;
    if text.len() < SMALLEST {
        return None;
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let found = Way(path).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    let base = text.as_ptr() as usize;
    let places = found.into_iter().map(|raw| {
        let raw = raw.get();
        // Elements of a list without a place of its own are documents, of which only a map that is not empty is one record.
        let record = !path.is_empty() || raw.strip_prefix('{').is_some_and(|rest| !rest.trim_start().starts_with('}'));
        let from = start + (raw.as_ptr() as usize).checked_sub(base)?;
        record.then_some(from..from + raw.len())
    });
    places.collect()
}

/// The way to the list.
struct Way<'p>(&'p [String]);

impl<'de> DeserializeSeed<'de> for Way<'_> {
    type Value = Vec<&'de RawValue>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() { deserializer.deserialize_seq(self) } else { deserializer.deserialize_map(self) }
    }
}

impl<'de> Visitor<'de> for Way<'_> {
    type Value = Vec<&'de RawValue>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some(raw) = list.next_element()? {
            if found.len() == MOST {
                return Err(A::Error::custom("too many records"));
            }
            found.push(raw);
        }
        Ok(found)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let absent = || A::Error::custom("no records");
        let (first, rest) = self.0.split_first().ok_or_else(absent)?;
        let mut found = None;
        while let Some(key) = entries.next_key::<std::borrow::Cow<'de, str>>()? {
            // Of a key that comes twice the last one counts, as everywhere.
            if key == first.as_str() {
                found = Some(entries.next_value_seed(Way(rest))?);
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        found.ok_or_else(absent)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    /// A body, the path, and what is found.
    type Row = (&'static str, &'static [&'static str], Option<&'static [&'static str]>);

    #[test]
    fn records_are_found_where_the_whole_decoder_finds_them() {
        let long = " ".repeat(SMALLEST);
        let rows: [Row; 17] = [
            (r#"{"a":1,"data":[{"x":1}, {"y":[2]},3]}"#, &["data"], Some(&[r#"{"x":1}"#, r#"{"y":[2]}"#, "3"])),
            (r#"{"a":{"b":[null]},"z":{}}"#, &["a", "b"], Some(&["null"])),
            (r#"{"d\u0061ta":["é"]}"#, &["data"], Some(&["\"é\""])),
            (r#"{"data":[1],"data":[2]}"#, &["data"], Some(&["2"])),
            (r#"{"data":[]}"#, &["data"], Some(&[])),
            (r#"[{"x":1},{"x":2}]"#, &[], Some(&[r#"{"x":1}"#, r#"{"x":2}"#])),
            ("\u{feff}{\"data\":[1]}", &["data"], Some(&["1"])),
            (r#"[{"x":1},{ }]"#, &[], None),
            (r#"[[{"x":1}]]"#, &[], None),
            (r#"[{"data":[1]}]"#, &["data"], None),
            (r#"{"data":{"x":1}}"#, &["data"], None),
            (r#"{"data":null}"#, &["data"], None),
            (r#"{"rows":[1]}"#, &["data"], None),
            (r#"{"data":[1]"#, &["data"], None),
            (r#"{"data":[1]} x"#, &["data"], None),
            (r#"{"data":[NaN]}"#, &["data"], None),
            (r#"{"data":{"0":[1]}}"#, &["data", "1"], None),
        ];
        for (body, path, expected) in rows {
            let path: Vec<String> = path.iter().map(|it| (*it).to_owned()).collect();
            let body = format!("{body}{long}");
            let found = places(body.as_bytes(), &path);
            let found = found.map(|places| places.into_iter().map(|place| &body[place]).collect::<Vec<_>>());
            assert_eq!(found.as_deref(), expected, "{body}");
        }
        assert_eq!(places(br#"{"data":[1]}"#, &["data".to_owned()]), None, "a small body");
        let broken = [&b"{\"data\":[\"\xff\"]}"[..], long.as_bytes()].concat();
        assert_eq!(places(&broken, &["data".to_owned()]), None, "not UTF-8");
    }
}
