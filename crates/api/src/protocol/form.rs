//! Whether settings fit their form: the part of JSON Schema that forms use. The first complaint is enough for a person, and it names the
//! field, never its value, which may be a secret.

use regex::Regex;
use serde_json::Value;

/// What is wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    /// In words.
    pub(super) message: String,
    /// Whether a field is missing without which nothing can be read. Other complaints may be the form's own fault: public forms have
    /// examples and defaults that do not fit their patterns, and platforms that take them.
    pub(super) missing: bool,
}

/// What is wrong with the settings, if anything is.
pub(super) fn complaint(schema: &Value, value: &Value) -> Option<Complaint> {
    let required = required(schema, value, "").map(|message| Complaint { message, missing: true });
    required.or_else(|| fits(schema, value, "").err().map(|message| Complaint { message, missing: false }))
}

/// The first required field that is missing outside of alternatives.
fn required(schema: &Value, value: &Value, path: &str) -> Option<String> {
    let map = value.as_object()?;
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let missing = names.into_iter().find(|name| !map.contains_key(*name));
    missing.map(|name| format!("'{}' is a required property", below(path, name))).or_else(|| {
        let properties = schema.get("properties")?.as_object()?;
        properties.iter().find_map(|(name, schema)| required(schema, map.get(name)?, &below(path, name)))
    })
}

fn fits(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let shown = if path.is_empty() { "the configuration" } else { path };
    if let Some(wanted) = schema.get("type")
        && !types(wanted).any(|wanted| is(value, wanted))
    {
        let wanted: Vec<&str> = types(wanted).collect();
        return Err(format!("{shown} is not of type {}", wanted.join(" or ")));
    }
    if let Some(constant) = schema.get("const")
        && constant != value
    {
        return Err(format!("{shown} is not {constant}"));
    }
    if let Some(Value::Array(options)) = schema.get("enum")
        && !options.contains(value)
    {
        return Err(format!("{shown} is not one of {}", Value::Array(options.clone())));
    }
    match value {
        Value::String(text) => text_fits(schema, text, shown)?,
        Value::Number(number) => {
            let bound = |name: &str| schema.get(name).and_then(Value::as_f64).zip(number.as_f64());
            if bound("minimum").is_some_and(|(least, number)| number < least) {
                return Err(format!("{shown} is less than {}", schema["minimum"]));
            }
            if bound("maximum").is_some_and(|(most, number)| number > most) {
                return Err(format!("{shown} is more than {}", schema["maximum"]));
            }
        }
        Value::Object(map) => {
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            for name in required.filter_map(Value::as_str) {
                if !map.contains_key(name) {
                    return Err(format!("'{}' is a required property", below(path, name)));
                }
            }
            let properties = schema.get("properties").and_then(Value::as_object);
            for (name, value) in map {
                match properties.and_then(|properties| properties.get(name)) {
                    Some(schema) => fits(schema, value, &below(path, name))?,
                    // Names that begin so are the protocol's own.
                    None if schema.get("additionalProperties") == Some(&Value::Bool(false))
                        && !name.starts_with("__") =>
                    {
                        return Err(format!("'{}' is not a property of the form", below(path, name)));
                    }
                    None => {}
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                if let Some(schema) = schema.get("items").filter(|schema| schema.is_object()) {
                    fits(schema, item, &below(path, &at.to_string()))?;
                }
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
    for name in ["oneOf", "anyOf"] {
        let Some(branches) = schema.get(name).and_then(Value::as_array) else { continue };
        let mut complaints = branches.iter().map(|branch| fits(branch, value, path));
        if !branches.is_empty() && complaints.all(|complaint| complaint.is_err()) {
            return Err(format!("{shown} fits none of its {} forms", branches.len()));
        }
    }
    schema.get("allOf").and_then(Value::as_array).into_iter().flatten().try_for_each(|part| fits(part, value, path))
}

fn text_fits(schema: &Value, text: &str, shown: &str) -> Result<(), String> {
    let length =
        |name: &str| schema.get(name).and_then(Value::as_u64).map(|length| (length, text.chars().count() as u64));
    if length("minLength").is_some_and(|(least, found)| found < least) {
        return Err(format!("{shown} is too short"));
    }
    if length("maxLength").is_some_and(|(most, found)| found > most) {
        return Err(format!("{shown} is too long"));
    }
    // A pattern that our engine does not read (three public forms look around) is no reason to refuse a person's value.
    let pattern =
        schema.get("pattern").and_then(Value::as_str).and_then(|pattern| Regex::new(pattern).ok().zip(Some(pattern)));
    match pattern {
        Some((regex, pattern)) if !regex.is_match(text) => Err(format!("{shown} does not match '{pattern}'")),
        _ => Ok(()),
    }
}

fn types(wanted: &Value) -> impl Iterator<Item = &str> {
    let one = wanted.as_str().into_iter();
    one.chain(wanted.as_array().into_iter().flatten().filter_map(Value::as_str))
}

fn is(value: &Value, wanted: &str) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        // A misspelt type is the form's mistake, not the person's.
        _ => true,
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
