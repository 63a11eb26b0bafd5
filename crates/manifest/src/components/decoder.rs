//! Decoders of bodies (connector-format.md, 6.1).

use super::{Built, part::Part};
use crate::decode::Charset;
use crate::json::Json;

/// How a body is read.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoder {
    /// One JSON document.
    Json,
    /// A JSON document per line.
    Jsonl,
    /// The elements of one array of a JSON document.
    JsonItems {
        /// Where the array is; the segment `item` stands for all elements of an array on the way.
        path: Vec<String>,
        /// Of the text.
        charset: Charset,
    },
    /// Text with delimiters.
    Csv {
        /// Between fields.
        delimiter: u8,
        /// Values that mean null.
        nulls: Vec<String>,
        /// Of the text.
        charset: Charset,
    },
    /// Compressed, around another one.
    Gzip(Box<Decoder>),
    /// An archive whose members are read one after the other.
    Zip(Box<Decoder>),
    /// XML.
    Xml,
    /// A map with the text of a line per line.
    Iterable,
}

pub(super) fn decoder(part: &Part<'_>) -> Built<Decoder> {
    Ok(match part.kind()? {
        "JsonDecoder" => Decoder::Json,
        "JsonlDecoder" => Decoder::Jsonl,
        "JsonItemsDecoder" => {
            let path = part.plain("items_path")?.filter(|path| !path.is_empty());
            let path = path.ok_or_else(|| part.invalid("items_path", "the place of the array was expected, as a.b"))?;
            Decoder::JsonItems { path: path.split('.').map(str::to_owned).collect(), charset: charset(part)? }
        }
        "GzipDecoder" => Decoder::Gzip(Box::new(decoder(&part.child("decoder")?)?)),
        "ZipfileDecoder" => Decoder::Zip(Box::new(decoder(&part.child("decoder")?)?)),
        "XmlDecoder" => Decoder::Xml,
        "IterableDecoder" => Decoder::Iterable,
        "CsvDecoder" => {
            let delimiter = part.plain("delimiter")?.unwrap_or_else(|| ",".to_owned());
            let delimiter = unescaped(&delimiter).filter(u8::is_ascii);
            let delimiter = delimiter.ok_or_else(|| {
                part.invalid("delimiter", "one ASCII character was expected, or one escaped as \\t or \\x1f")
            })?;
            let nulls = part.get("set_values_to_none").and_then(Json::as_array).into_iter().flatten();
            let nulls = nulls.filter_map(Json::as_str).map(str::to_owned).collect();
            Decoder::Csv { delimiter, nulls, charset: charset(part)? }
        }
        _ => return Err(part.unsupported(part.name())),
    })
}

fn charset(part: &Part<'_>) -> Built<Charset> {
    let name = part.plain("encoding")?.unwrap_or_else(|| "utf-8".to_owned());
    Charset::of(&name).ok_or_else(|| part.invalid("encoding", format!("{name:?} is not an encoding, such as utf-8")))
}

/// A single character, or one that is written with a backslash in front as in Python.
fn unescaped(text: &str) -> Option<u8> {
    let number = |digits: &str, radix| u8::from_str_radix(digits, radix).ok();
    match text.strip_prefix('\\') {
        None => <[u8; 1]>::try_from(text.as_bytes()).ok().map(|[byte]| byte),
        Some("t") => Some(b'\t'),
        Some("n") => Some(b'\n'),
        Some("r") => Some(b'\r'),
        Some("v") => Some(0x0b),
        Some("f") => Some(0x0c),
        Some("a") => Some(0x07),
        Some("b") => Some(0x08),
        Some("\\" | "") => Some(b'\\'),
        Some("'") => Some(b'\''),
        Some("\"") => Some(b'"'),
        Some(code) => match code.split_at_checked(1)? {
            ("x", digits) if digits.len() == 2 => number(digits, 16),
            ("u", digits) if digits.len() == 4 => number(digits.strip_prefix("00")?, 16),
            _ if code.len() <= 3 => number(code, 8),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::json;

    fn built(value: &Json) -> Built<Decoder> {
        decoder(&Part::new(value, "decoder").unwrap())
    }

    #[test]
    fn delimiters_and_encodings_are_read_as_python_reads_them() {
        for (delimiter, expected) in [
            (json!(";"), Some(b';')),
            (json!("\\t"), Some(b'\t')),
            (json!("\t"), Some(b'\t')),
            (json!("\\x1f"), Some(0x1f)),
            (json!("\\u0001"), Some(1)),
            (json!("\\001"), Some(1)),
            (json!("||"), None),
            (json!("§"), None),
            (json!("\\xff"), None),
        ] {
            let found = built(&json!({"type": "CsvDecoder", "delimiter": delimiter})).ok();
            let found = found.map(|it| if let Decoder::Csv { delimiter, .. } = it { delimiter } else { 0 });
            assert_eq!(found, expected, "{delimiter}");
        }
        for (name, known) in
            [("UTF_8", true), ("utf-8-sig", true), ("cp1252", true), ("iso8859_1", true), ("klingon", false)]
        {
            let found = built(&json!({"type": "CsvDecoder", "encoding": name}));
            assert_eq!(found.is_ok(), known, "{name}");
        }
        let error =
            built(&json!({"type": "GzipDecoder", "decoder": {"type": "CustomDecoder", "class_name": "a.b.Decoder"}}));
        assert_eq!(error.unwrap_err().to_string(), "decoder/decoder: a.b.Decoder is not supported by this version");
        assert_eq!(
            built(&json!({"type": "JsonItemsDecoder"})).unwrap_err().to_string().split(':').next(),
            Some("decoder/items_path")
        );
    }
}
