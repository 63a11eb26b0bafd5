//! The files that the protocol passes: configuration, configured catalog, states. Each of them was written by another program, so each
//! is read leniently where the protocol has had several forms, and refused by name where it is something else.

use manifest::connector::Wanted;
use model::{
    failure::{Code, Failure},
    secret::{Secret, SecretFields},
};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Where a configuration may carry the manifest itself.
pub(super) const INJECTED: &str = "__injected_declarative_manifest";

fn bad(field: &'static str, what: impl std::fmt::Display) -> Failure {
    Failure::new(Code::BadRequest).with("field", field).detail(what)
}

/// The configuration.
pub(super) fn object(text: &str) -> Result<Map<String, Value>, Failure> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(bad("config", "the configuration is not a JSON object")),
        // The parser's own words could quote a secret.
        Err(error) => Err(bad("config", format!("not JSON at line {}, column {}", error.line(), error.column()))),
    }
}

/// The streams of a configured catalog with their states.
pub(super) fn wanted(catalog: &str, state: Option<&str>) -> Result<Vec<Wanted>, Failure> {
    let catalog: Value = serde_json::from_str(catalog).map_err(|error| bad("catalog", error))?;
    let streams = catalog.get("streams").and_then(Value::as_array);
    let streams = streams.ok_or_else(|| bad("catalog", "`streams` is missing"))?;
    let mut states = state.map(states).transpose()?.unwrap_or_default();
    let mut wanted = Vec::with_capacity(streams.len());
    for stream in streams {
        let name = stream.pointer("/stream/name").and_then(Value::as_str);
        let name = name.ok_or_else(|| bad("catalog", "a stream without `stream.name`"))?;
        wanted.push(Wanted {
            stream: name.to_owned(),
            state: states.remove(name).map(Into::into),
            full_refresh: stream.get("sync_mode").and_then(Value::as_str) == Some("full_refresh"),
            schema: stream.pointer("/stream/json_schema").filter(|schema| schema.is_object()).cloned().map(Into::into),
        });
    }
    Ok(wanted)
}

/// States by stream. Written as a list of messages, as one message (of a stream, global or legacy), or as a map of streams.
fn states(text: &str) -> Result<HashMap<String, Value>, Failure> {
    if text.trim().is_empty() {
        return Ok(HashMap::new());
    }
    let parsed: Value = serde_json::from_str(text).map_err(|error| bad("state", error))?;
    let mut found = HashMap::new();
    match parsed {
        Value::Array(messages) => {
            for message in messages {
                one(message, &mut found);
            }
        }
        message @ Value::Object(_) => one(message, &mut found),
        Value::Null => {}
        _ => return Err(bad("state", "neither a list of states nor a map of streams")),
    }
    Ok(found)
}

fn one(message: Value, found: &mut HashMap<String, Value>) {
    let Value::Object(mut map) = message else { return };
    // The envelope of a message, as it comes from standard output.
    if map.get("type").and_then(Value::as_str) == Some("STATE")
        && let Some(inner) = map.shift_remove("state")
    {
        return one(inner, found);
    }
    match map.get("type").and_then(Value::as_str) {
        Some("STREAM") => stream_state(map.shift_remove("stream"), found),
        Some("GLOBAL") => {
            let all =
                map.shift_remove("global").and_then(|mut global| global.get_mut("stream_states").map(Value::take));
            if let Some(Value::Array(states)) = all {
                for state in states {
                    stream_state(Some(state), found);
                }
            }
        }
        Some("LEGACY") => {
            if let Some(Value::Object(data)) = map.shift_remove("data") {
                found.extend(data);
            }
        }
        _ if map.contains_key("stream_descriptor") => stream_state(Some(Value::Object(map)), found),
        _ => found.extend(map),
    }
}

fn stream_state(state: Option<Value>, found: &mut HashMap<String, Value>) {
    let Some(mut state) = state else { return };
    let name = state.pointer("/stream_descriptor/name").and_then(Value::as_str).map(str::to_owned);
    let value = state.get_mut("stream_state").map(Value::take).filter(|value| !value.is_null());
    if let (Some(name), Some(value)) = (name, value) {
        found.insert(name, value);
    }
}

/// Every text under an `airbyte_secret` of the form, by its path with points.
pub(super) fn secrets(form: &Value, settings: &Map<String, Value>) -> SecretFields {
    let mut found = SecretFields::new();
    collect(form, &Value::Object(settings.clone()), "", false, &mut found);
    found
}

fn collect(schema: &Value, value: &Value, path: &str, secret: bool, found: &mut SecretFields) {
    let secret = secret || schema.get("airbyte_secret").and_then(Value::as_bool) == Some(true);
    for branch in ["oneOf", "anyOf", "allOf"] {
        for schema in schema.get(branch).and_then(Value::as_array).into_iter().flatten() {
            collect(schema, value, path, secret, found);
        }
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let schema = schema.get("properties").and_then(|properties| properties.get(name));
                collect(schema.unwrap_or(&Value::Null), value, &below(name), secret, found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                collect(schema.get("items").unwrap_or(&Value::Null), item, &below(&at.to_string()), secret, found);
            }
        }
        Value::String(text) if secret => {
            found.insert(path.to_owned(), Secret::new(text));
        }
        Value::Number(number) if secret => {
            found.insert(path.to_owned(), Secret::new(number.to_string()));
        }
        _ => {}
    }
}

/// The settings without the secrets.
pub(super) fn without(settings: &Map<String, Value>, secrets: &SecretFields) -> Map<String, Value> {
    let mut left = settings.clone();
    for path in secrets.keys() {
        let (parent, name) = path.rsplit_once('.').map_or(("", path.as_str()), |(parent, name)| (parent, name));
        let mut segments = parent.split('.').filter(|segment| !segment.is_empty());
        let place = segments.try_fold(&mut left, |place, segment| place.get_mut(segment)?.as_object_mut());
        if let Some(place) = place {
            place.shift_remove(name);
        }
    }
    left
}

/// Puts new secrets to their places, as the next run is to find them. A name with a colon has no place in a configuration.
pub(super) fn put(settings: &mut Map<String, Value>, secrets: &SecretFields) {
    for (path, secret) in secrets.iter().filter(|(path, _)| !path.contains(':')) {
        let mut place = &mut *settings;
        let (parent, name) = path.rsplit_once('.').map_or(("", path.as_str()), |(parent, name)| (parent, name));
        for segment in parent.split('.').filter(|segment| !segment.is_empty()) {
            let inner = place.entry(segment).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            let Value::Object(map) = inner else { return };
            place = map;
        }
        place.insert(name.to_owned(), Value::from(secret.expose()));
    }
}
