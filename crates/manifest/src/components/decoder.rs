//! Decoders of bodies (connector-format.md, 6.1).

use super::{Built, Fault, part::Part};
use crate::json::Json;

/// How a body is read.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoder {
    /// One JSON document.
    Json,
    /// A JSON document per line.
    Jsonl,
    /// Text with delimiters.
    Csv {
        /// Between fields.
        delimiter: u8,
        /// Values that mean null.
        nulls: Vec<String>,
    },
    /// Compressed, around another one.
    Gzip(Box<Decoder>),
}

pub(super) fn decoder(part: &Part<'_>) -> Built<Decoder> {
    Ok(match part.kind()? {
        "JsonDecoder" => Decoder::Json,
        "JsonlDecoder" => Decoder::Jsonl,
        "GzipDecoder" => Decoder::Gzip(Box::new(decoder(&part.child("decoder")?)?)),
        "CsvDecoder" => {
            let encoding = part.plain("encoding")?.unwrap_or_else(|| "utf-8".to_owned());
            if !matches!(encoding.to_ascii_lowercase().as_str(), "utf-8" | "utf8" | "utf-8-sig" | "ascii") {
                return Err(Fault::Unsupported {
                    component: format!("CsvDecoder.encoding {encoding}"),
                    path: part.at("encoding"),
                });
            }
            let delimiter = part.plain("delimiter")?.unwrap_or_else(|| ",".to_owned());
            let delimiter = match delimiter.as_str() {
                "\\t" => "\t",
                other => other,
            };
            let [delimiter] = delimiter.as_bytes() else {
                return Err(part.invalid("delimiter", "one character was expected"));
            };
            let nulls = part.get("set_values_to_none").and_then(Json::as_array).into_iter().flatten();
            Decoder::Csv { delimiter: *delimiter, nulls: nulls.filter_map(Json::as_str).map(str::to_owned).collect() }
        }
        _ => return Err(part.unsupported(part.name())),
    })
}
