//! The error envelopes of the engine (ads.vk.com/doc/api/info/Устройство API, "Базовые ошибки").

use serde_json::{Map, Value, json};

use crate::server::Answer;

/// `{"error":{"code","message"}}`.
pub fn plain(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({ "error": { "code": code, "message": message } }))
}

/// A validation failure that names one field.
pub fn field(field: &str, code: &str, message: &str) -> Answer {
    let mut fields = Map::new();
    fields.insert(field.to_owned(), json!({ "code": code, "message": message }));
    let body = json!({
        "error": { "code": "validation_failed", "message": "Validation failed", "fields": Value::Object(fields) }
    });
    Answer::json(400, &body)
}
