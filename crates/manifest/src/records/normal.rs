//! `schema_normalization: Default`: values brought to the types that the stream's schema names (connector-format.md, 6.5).
//! What cannot be converted stays as it is; a record is never refused for its schema.

use crate::{
    json::{Json, Map},
    template::Value,
};

/// How deep references in a schema may lead.
const MAX_DEPTH: usize = 64;

/// A schema that records are brought to.
#[derive(Debug, Clone, Default)]
pub struct Normal {
    schema: Json,
}

impl Normal {
    /// For a JSON Schema.
    pub fn new(schema: Json) -> Self {
        Self { schema }
    }
    /// Converts in place.
    pub fn apply(&self, record: &mut Json) {
        self.inside(record, &self.schema, 0);
    }

    /// Walks the keywords in the order in which the schema has them, as the reference does.
    fn inside(&self, value: &mut Json, schema: &Json, depth: usize) {
        let Json::Object(keywords) = schema else { return };
        if depth > MAX_DEPTH {
            return;
        }
        for (keyword, under) in keywords {
            match (keyword.as_str(), under, &mut *value) {
                ("$ref", Json::String(reference), value) => {
                    let target = reference.strip_prefix('#').and_then(|pointer| self.schema.pointer(pointer));
                    if let Some(target) = target {
                        self.inside(value, target, depth + 1);
                    }
                }
                ("properties", Json::Object(properties), Json::Object(map)) => {
                    for (name, schema) in properties {
                        if let Some(inner) = map.get_mut(name) {
                            convert(inner, schema);
                        }
                    }
                    for (name, schema) in properties {
                        if let Some(inner) = map.get_mut(name) {
                            self.inside(inner, schema, depth + 1);
                        }
                    }
                }
                ("items", Json::Object(_), Json::Array(items)) => {
                    for item in items {
                        convert(item, under);
                        self.inside(item, under, depth + 1);
                    }
                }
                ("items", Json::Array(schemas), Json::Array(items)) => {
                    for (item, schema) in items.iter_mut().zip(schemas) {
                        self.inside(item, schema, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }
}

const SIMPLE: [&str; 5] = ["string", "number", "integer", "boolean", "null"];

fn convert(value: &mut Json, schema: &Json) {
    let target = match schema.get("type") {
        Some(Json::String(kind)) if value.is_null() && kind.contains("null") => return,
        Some(Json::String(kind)) => kind.as_str(),
        Some(Json::Array(kinds)) => {
            if value.is_null() && kinds.iter().any(|kind| *kind == "null") {
                return;
            }
            let mut kinds = kinds.iter().filter_map(Json::as_str).filter(|kind| *kind != "null");
            match (kinds.next(), kinds.next()) {
                (Some(kind), None) => kind,
                _ => return,
            }
        }
        _ => return,
    };
    let converted = match target {
        "string" if value.is_string() => None,
        "string" => Some(Json::from(&*Value::from_json(value).print())),
        "number" => float(value).map(Json::from),
        "integer" => whole(value),
        "boolean" => match &*value {
            Json::String(text) => match text.to_lowercase().trim() {
                "y" | "yes" | "t" | "true" | "on" | "1" => Some(Json::Bool(true)),
                "n" | "no" | "f" | "false" | "off" | "0" => Some(Json::Bool(false)),
                _ => None,
            },
            other => Some(Json::Bool(Value::from_json(other).truthy())),
        },
        "array" if !value.is_array() && !value.is_object() && simple_items(schema) => {
            Some(Json::Array(vec![value.take()]))
        }
        _ => None,
    };
    if let Some(converted) = converted {
        *value = converted;
    }
}

/// Whether the items are simple: their types are a list of simple ones, or not named. A single type in the schema is a text,
/// whose letters the reference takes for types; so it is not simple.
fn simple_items(schema: &Json) -> bool {
    let empty = Json::Object(Map::new());
    match schema.get("items").unwrap_or(&empty).get("type") {
        None => !schema.get("items").is_some_and(Json::is_array),
        Some(Json::Array(kinds)) => kinds.iter().all(|kind| kind.as_str().is_some_and(|kind| SIMPLE.contains(&kind))),
        Some(Json::String(kind)) => kind.is_empty(),
        Some(_) => false,
    }
}

/// Python's `float(value)`.
fn float(value: &Json) -> Option<f64> {
    match value {
        Json::Bool(value) => Some(f64::from(u8::from(*value))),
        Json::Number(number) => number.as_f64(),
        Json::String(text) => {
            let text = digits(text)?;
            let bare = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
            // Not a number and infinities become null on their way out.
            if ["nan", "inf", "infinity"].contains(&bare.as_str()) {
                return (text.len() - bare.len() <= 1).then_some(f64::NAN);
            }
            text.parse().ok()
        }
        _ => None,
    }
}

/// Python's `int(value)`.
fn whole(value: &Json) -> Option<Json> {
    match value {
        Json::Bool(value) => Some(Json::from(i64::from(*value))),
        Json::Number(number) if number.is_f64() => whole_text(&format!("{:.0}", number.as_f64()?.trunc())),
        Json::String(text) => whole_text(&digits(text)?),
        _ => None,
    }
}

/// Beyond 64 bits there is no whole number, and the value stays what it is.
fn whole_text(text: &str) -> Option<Json> {
    let number = text.parse::<i64>().map(Json::from);
    number.or_else(|_| text.parse::<u64>().map(Json::from)).ok()
}

/// The text of a number without spaces around it and without underscores between digits.
fn digits(text: &str) -> Option<String> {
    let text = text.trim();
    let lone = |at: usize| {
        let digit = |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_digit);
        !(digit(at.checked_sub(1)) && digit(Some(at + 1)))
    };
    if text.match_indices('_').any(|(at, _)| lone(at)) {
        return None;
    }
    Some(text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::json;

    fn normal(schema: &Json, value: &Json) -> Json {
        let mut record = json!({"v": value.general()});
        Normal::new(json!({"type": "object", "properties": {"v": schema.general()}})).apply(&mut record);
        record["v"].clone()
    }

    // Every row was observed with the reference, airbyte-cdk 7.39.1.
    #[test]
    fn values_become_what_the_schema_says() {
        let rows = include_str!("normal.rows.json");
        let rows: Vec<(Json, Json, Json)> = serde_json::from_str(rows).unwrap();
        assert!(rows.len() > 80);
        for (schema, value, expected) in rows {
            assert_eq!(normal(&schema, &value), expected, "{schema} {value}");
        }
    }

    #[test]
    fn nested_values_references_and_keys_beyond_the_schema() {
        let schema = json!({
            "definitions": {"money": {"type": "object", "properties": {"amount": {"type": "number"}, "next": {"$ref": "#/definitions/money"}}}},
            "type": "object",
            "properties": {
                "price": {"$ref": "#/definitions/money"},
                "rows": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": ["null", "integer"]}}}},
                "tags": {"type": ["array", "null"], "items": {"type": "string"}},
                "any": true,
            },
        });
        let mut record = json!({"price": {"amount": "1.5", "next": {"amount": "2"}}, "rows": [{"id": "7", "x": "8"}, 1], "tags": [1, null], "any": "1", "more": "1"});
        Normal::new(schema).apply(&mut record);
        assert_eq!(
            record,
            json!({"price": {"amount": 1.5, "next": {"amount": 2.0}}, "rows": [{"id": 7, "x": "8"}, 1], "tags": ["1", "None"], "any": "1", "more": "1"})
        );
    }
}
