//! The values templates compute with: Python's, because the format's results are defined by what Python prints.
//!
//! Context (config, record, response) is borrowed JSON and is never cloned into the evaluator; only what a template builds
//! itself is owned. Lists and maps are copied on write.

use super::eval::MAX_OUTPUT;
use crate::datetime::{IsoDuration, Moment};
use crate::json::Json;
use chrono::{NaiveDate, TimeDelta};
use std::{borrow::Cow, cmp::Ordering, fmt::Write, sync::Arc};

/// A slice as templates see it: one map for `[]`, `.get` and `.`, and its parts as attributes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SliceView {
    /// Partition keys and window keys together.
    pub all: Json,
    /// Partition keys only.
    pub partition: Json,
    /// Window keys only.
    pub cursor: Json,
    /// What parents handed down without making it part of the partition.
    pub extra_fields: Json,
}

/// One Python value.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// A missing name, key or index.
    Undefined,
    /// None.
    Null,
    /// True or False.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A float.
    Float(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// A borrowed array or object; never a scalar (see [`Value::from_json`]).
    Json(&'a Json),
    /// The slice.
    Slice(&'a SliceView),
    /// A list built by the template.
    List(Arc<Vec<Value<'a>>>),
    /// A tuple.
    Tuple(Arc<Vec<Value<'a>>>),
    /// A set.
    Set(Arc<Vec<Value<'a>>>),
    /// A generator: it can be walked, it has no length, and it is true even when it yields nothing.
    Generator(Arc<Vec<Value<'a>>>),
    /// A map built by the template, in the order of insertion.
    Map(Arc<Vec<(Value<'a>, Value<'a>)>>),
    /// A datetime.
    Moment(Moment),
    /// A date.
    Date(NaiveDate),
    /// A duration.
    Span(IsoDuration),
    /// A global function, by name.
    Function(&'static str),
    /// A method bound to its receiver.
    Method(Arc<(Value<'a>, Cow<'a, str>)>),
}

impl<'a> Value<'a> {
    /// Borrows JSON.
    pub fn from_json(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => number_value(number),
            Json::String(text) => Self::Text(Cow::Borrowed(text)),
            Json::Array(_) | Json::Object(_) => Self::Json(json),
        }
    }
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Cow::Owned(text.into()))
    }
    /// A list.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(items))
    }
    /// A map.
    pub fn map(entries: Vec<(Self, Self)>) -> Self {
        Self::Map(Arc::new(entries))
    }

    /// What the type is called in messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::Null => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "str",
            Self::Json(Json::Array(_)) | Self::List(_) => "list",
            Self::Json(_) | Self::Map(_) => "dict",
            Self::Slice(_) => "StreamSlice",
            Self::Tuple(_) => "tuple",
            Self::Set(_) => "set",
            Self::Generator(_) => "generator",
            Self::Moment(_) => "datetime",
            Self::Date(_) => "date",
            Self::Span(_) => "timedelta",
            Self::Function(_) | Self::Method(_) => "function",
        }
    }

    /// Python's `bool(value)`.
    pub fn truthy(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Json(json) => json_len(json) != 0,
            Self::Slice(slice) => json_len(&slice.all) != 0,
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => !items.is_empty(),
            Self::Map(entries) => !entries.is_empty(),
            Self::Span(span) => !span.is_zero(),
            Self::Generator(_) | Self::Moment(_) | Self::Date(_) | Self::Function(_) | Self::Method(_) => true,
        }
    }

    /// Python's `len(value)`, where it has one. Undefined has none of anything, so its length is 0.
    pub fn length(&self) -> Option<usize> {
        match self {
            Self::Undefined => Some(0),
            Self::Text(text) => Some(text.chars().count()),
            Self::Json(json) => Some(json_len(json)),
            Self::Slice(slice) => Some(json_len(&slice.all)),
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => Some(items.len()),
            Self::Map(entries) => Some(entries.len()),
            _ => None,
        }
    }

    /// What a `for` would walk: elements, characters, or a map's keys.
    pub fn walk(&self) -> Option<Vec<Value<'a>>> {
        match self {
            Self::Undefined => Some(Vec::new()),
            Self::Text(text) => Some(text.chars().map(|c| Value::text(c.to_string())).collect()),
            Self::Json(Json::Array(items)) => Some(items.iter().map(Value::from_json).collect()),
            Self::List(items) | Self::Tuple(items) | Self::Set(items) | Self::Generator(items) => Some(items.to_vec()),
            Self::Json(_) | Self::Slice(_) | Self::Map(_) => {
                Some(self.entries()?.into_iter().map(|(key, _)| key).collect())
            }
            _ => None,
        }
    }

    /// The entries of a map.
    pub fn entries(&self) -> Option<Vec<(Value<'a>, Value<'a>)>> {
        let object = match self {
            Self::Map(entries) => return Some(entries.to_vec()),
            Self::Json(Json::Object(object)) => object,
            Self::Slice(slice) => match &slice.all {
                Json::Object(object) => object,
                _ => return Some(Vec::new()),
            },
            _ => return None,
        };
        Some(
            object
                .iter()
                .map(|(key, value)| (Value::Text(Cow::Borrowed(key.as_str())), Value::from_json(value)))
                .collect(),
        )
    }

    /// Elements of a list-like value; not of text and not of maps.
    pub fn elements(&self) -> Option<Vec<Value<'a>>> {
        match self {
            Self::Json(Json::Array(_)) | Self::List(_) | Self::Tuple(_) => self.walk(),
            _ => None,
        }
    }

    /// A map's value under `key`.
    pub fn get(&self, key: &Value<'_>) -> Option<Value<'a>> {
        let object = match self {
            Self::Map(entries) => {
                return entries.iter().find(|(found, _)| found.equals(key)).map(|(_, value)| value.clone());
            }
            Self::Json(json) => json.as_object()?,
            Self::Slice(slice) => slice.all.as_object()?,
            _ => return None,
        };
        match key {
            Value::Text(key) => object.get(&**key).map(Value::from_json),
            _ => None,
        }
    }

    /// Whether it is a map.
    pub fn is_map(&self) -> bool {
        matches!(self, Self::Map(_) | Self::Slice(_) | Self::Json(Json::Object(_)))
    }

    /// The number, booleans included.
    pub fn number(&self) -> Option<Number> {
        match self {
            Self::Bool(value) => Some(Number::Int(i128::from(*value))),
            Self::Int(value) => Some(Number::Int(*value)),
            Self::Float(value) => Some(Number::Float(*value)),
            _ => None,
        }
    }

    /// Python's `==`.
    pub fn equals(&self, other: &Value<'_>) -> bool {
        if let (Some(a), Some(b)) = (self.number(), other.number()) {
            return a.compare(b) == Some(Ordering::Equal);
        }
        match (self, other) {
            (Self::Undefined, Value::Undefined) | (Self::Null, Value::Null) => true,
            (Self::Text(a), Value::Text(b)) => a == b,
            (Self::Moment(a), Value::Moment(b)) => {
                a.offset.is_some() == b.offset.is_some() && a.instant() == b.instant()
            }
            (Self::Date(a), Value::Date(b)) => a == b,
            (Self::Span(a), Value::Span(b)) => a == b,
            (Self::Tuple(a), Value::Tuple(b)) => all_equal(a, b),
            (Self::Tuple(_), _) | (_, Value::Tuple(_)) => false,
            (Self::Set(a), Value::Set(b)) => a.len() == b.len() && a.iter().all(|x| b.iter().any(|y| x.equals(y))),
            _ => {
                if let (Some(a), Some(b)) = (self.entries(), other.entries()) {
                    return a.len() == b.len()
                        && a.iter().all(|(key, value)| other.get(key).is_some_and(|v| v.equals(value)));
                }
                match (self.elements(), other.elements()) {
                    (Some(a), Some(b)) => all_equal(&a, &b),
                    _ => false,
                }
            }
        }
    }

    /// Python's `<` family; `None` where Python raises a type error.
    pub fn compare(&self, other: &Value<'_>) -> Option<Ordering> {
        if let (Some(a), Some(b)) = (self.number(), other.number()) {
            // Not-a-number compares as false in every direction; the nearest total answer is "greater".
            return Some(a.compare(b).unwrap_or(Ordering::Greater));
        }
        match (self, other) {
            (Self::Text(a), Value::Text(b)) => Some(a.chars().cmp(b.chars())),
            (Self::Moment(a), Value::Moment(b)) if a.offset.is_some() == b.offset.is_some() => {
                Some(a.instant().cmp(&b.instant()))
            }
            (Self::Date(a), Value::Date(b)) => Some(a.cmp(b)),
            (Self::Span(a), Value::Span(b)) if a.months == 0 && b.months == 0 => Some(a.exact.cmp(&b.exact)),
            _ if matches!(self, Self::Tuple(_)) == matches!(other, Value::Tuple(_)) => {
                let (a, b) = (self.elements()?, other.elements()?);
                for (x, y) in a.iter().zip(&b) {
                    if !x.equals(y) {
                        return x.compare(y);
                    }
                }
                Some(a.len().cmp(&b.len()))
            }
            _ => None,
        }
    }

    /// Python's `str(value)`.
    pub fn print(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Undefined => Cow::Borrowed(""),
            Self::Null => Cow::Borrowed("None"),
            other => {
                let mut out = String::new();
                other.repr(&mut out);
                Cow::Owned(out)
            }
        }
    }

    /// Python's `repr(value)`, except that dates print as `str` does: templates only ever meet them alone. It breaks off where it is
    /// longer than a template may print, which is found out by whoever uses it: lists within lists may share what they hold, and
    /// would be endless as text.
    pub fn repr(&self, out: &mut String) {
        if out.len() > MAX_OUTPUT {
            return;
        }
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Undefined => write!(out, "Undefined"),
            Self::Null => write!(out, "None"),
            Self::Bool(true) => write!(out, "True"),
            Self::Bool(false) => write!(out, "False"),
            Self::Int(value) => write!(out, "{value}"),
            Self::Float(value) => write!(out, "{}", float_text(*value)),
            Self::Text(text) => {
                quote(out, text);
                Ok(())
            }
            Self::Json(json) => {
                repr_json(out, json);
                Ok(())
            }
            Self::Slice(slice) => {
                repr_json(out, &slice.all);
                Ok(())
            }
            Self::List(items) => {
                repr_items(out, items, "[", "]");
                Ok(())
            }
            Self::Tuple(items) if items.len() == 1 => {
                repr_items(out, items, "(", ",)");
                Ok(())
            }
            Self::Tuple(items) => {
                repr_items(out, items, "(", ")");
                Ok(())
            }
            Self::Set(items) if items.is_empty() => write!(out, "set()"),
            Self::Set(items) => {
                repr_items(out, items, "{", "}");
                Ok(())
            }
            Self::Map(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    key.repr(out);
                    out.push_str(": ");
                    value.repr(out);
                }
                out.push('}');
                Ok(())
            }
            Self::Moment(moment) => write!(out, "{}", iso_text(*moment, ' ', None)),
            Self::Date(date) => write!(out, "{}", date.format("%Y-%m-%d")),
            Self::Span(span) => {
                span_text(out, *span);
                Ok(())
            }
            Self::Generator(_) => write!(out, "<generator object>"),
            Self::Function(name) => write!(out, "<function {name}>"),
            Self::Method(bound) => write!(out, "<built-in method {}>", bound.1),
        };
    }

    /// As JSON: tuples and sets become arrays, what has no JSON form becomes its text.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Undefined | Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(value) => {
                let number = i64::try_from(*value).map(serde_json::Number::from);
                let number = number.or_else(|_| u64::try_from(*value).map(serde_json::Number::from));
                number.map_or_else(|_| Json::from(value.to_string()), Json::Number)
            }
            Self::Float(value) => {
                serde_json::Number::from_f64(*value).map_or_else(|| Json::from(float_text(*value)), Json::Number)
            }
            Self::Text(text) => Json::from(&**text),
            Self::Json(json) => (*json).clone(),
            Self::Slice(slice) => slice.all.clone(),
            Self::List(items) | Self::Tuple(items) | Self::Set(items) | Self::Generator(items) => {
                Json::Array(items.iter().map(Value::to_json).collect())
            }
            Self::Map(entries) => {
                Json::Object(entries.iter().map(|(key, value)| (key.print().into_owned(), value.to_json())).collect())
            }
            other => Json::from(&*other.print()),
        }
    }

    /// The same value without borrowing anything, so that it can outlive its context.
    pub fn into_owned(self) -> Value<'static> {
        let all = |items: &[Value<'a>]| Arc::new(items.iter().cloned().map(Value::into_owned).collect::<Vec<_>>());
        match self {
            Self::Undefined => Value::Undefined,
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float(value) => Value::Float(value),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Json(_) | Self::Slice(_) => owned_json(&self.to_json()),
            Self::List(items) => Value::List(all(&items)),
            Self::Tuple(items) => Value::Tuple(all(&items)),
            Self::Set(items) => Value::Set(all(&items)),
            Self::Generator(items) => Value::Generator(all(&items)),
            Self::Map(entries) => Value::map(
                entries.iter().map(|(key, value)| (key.clone().into_owned(), value.clone().into_owned())).collect(),
            ),
            Self::Moment(moment) => Value::Moment(moment),
            Self::Date(date) => Value::Date(date),
            Self::Span(span) => Value::Span(span),
            Self::Function(name) => Value::Function(name),
            Self::Method(bound) => {
                Value::Method(Arc::new((bound.0.clone().into_owned(), Cow::Owned(bound.1.clone().into_owned()))))
            }
        }
    }
}

/// JSON as an owned value.
pub fn owned_json(json: &Json) -> Value<'static> {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number_value(number),
        Json::String(text) => Value::text(text.clone()),
        Json::Array(items) => Value::list(items.iter().map(owned_json).collect()),
        Json::Object(object) => {
            Value::map(object.iter().map(|(key, value)| (Value::text(key.clone()), owned_json(value))).collect())
        }
    }
}

fn number_value<'a>(number: &serde_json::Number) -> Value<'a> {
    if let Some(value) = number.as_i64() {
        Value::Int(i128::from(value))
    } else if let Some(value) = number.as_u64() {
        Value::Int(i128::from(value))
    } else {
        Value::Float(number.as_f64().unwrap_or(f64::NAN))
    }
}

fn json_len(json: &Json) -> usize {
    match json {
        Json::Array(items) => items.len(),
        Json::Object(object) => object.len(),
        _ => 0,
    }
}

fn all_equal(a: &[Value<'_>], b: &[Value<'_>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.equals(y))
}

/// A number in one of Python's two kinds.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// Whole.
    Int(i128),
    /// Floating.
    Float(f64),
}

impl Number {
    /// As a float.
    pub fn float(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }
    fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(&b)),
            _ => self.float().partial_cmp(&other.float()),
        }
    }
}

/// A float as Python prints it: the shortest digits that read back the same, with `.0` for whole numbers and an exponent
/// outside 1e-4 to 1e16.
pub fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// A text in Python's quotes.
pub fn quote(out: &mut String, text: &str) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(mark);
    for c in text.chars() {
        let _ = match c {
            '\\' => write!(out, "\\\\"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            _ if c == mark => write!(out, "\\{c}"),
            _ if c.is_control() || matches!(c, '\u{a0}' | '\u{ad}') => write!(out, "\\x{:02x}", u32::from(c)),
            '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{feff}' => {
                write!(out, "\\u{:04x}", u32::from(c))
            }
            _ => write!(out, "{c}"),
        };
    }
    out.push(mark);
}

fn repr_items(out: &mut String, items: &[Value<'_>], open: &str, close: &str) {
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        item.repr(out);
    }
    out.push_str(close);
}

fn repr_json(out: &mut String, json: &Json) {
    match json {
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                repr_json(out, item);
            }
            out.push(']');
        }
        Json::Object(object) => {
            out.push('{');
            for (index, (key, value)) in object.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                quote(out, key);
                out.push_str(": ");
                repr_json(out, value);
            }
            out.push('}');
        }
        scalar => Value::from_json(scalar).repr(out),
    }
}

/// A moment as Python's `isoformat` writes it; `timespec` is `seconds`, `milliseconds` ... or absent for "as needed".
pub fn iso_text(moment: Moment, separator: char, timespec: Option<&str>) -> String {
    let mut text = moment.local.format(&format!("%Y-%m-%d{separator}%H:%M:%S")).to_string();
    let micros = moment.local.and_utc().timestamp_subsec_micros();
    let _ = match timespec {
        Some("hours") => {
            text.truncate(13);
            Ok(())
        }
        Some("minutes") => {
            text.truncate(16);
            Ok(())
        }
        Some("seconds") => Ok(()),
        Some("milliseconds") => write!(text, ".{:03}", micros / 1000),
        Some("microseconds") => write!(text, ".{micros:06}"),
        _ if micros == 0 => Ok(()),
        _ => write!(text, ".{micros:06}"),
    };
    if let Some(offset) = moment.offset {
        let _ = write!(text, "{offset}");
    }
    text
}

fn span_text(out: &mut String, span: IsoDuration) {
    let plural = |count: i64| if count.abs() == 1 { "" } else { "s" };
    let mut parts = Vec::new();
    let (years, months) = (span.months / 12, span.months % 12);
    if years != 0 {
        parts.push(format!("{years} year{}", plural(years)));
    }
    if months != 0 {
        parts.push(format!("{months} month{}", plural(months)));
    }
    let micros = span.exact.num_microseconds().unwrap_or(0);
    let day = TimeDelta::days(1).num_microseconds().unwrap_or(1);
    let (days, rest) = (micros.div_euclid(day), micros.rem_euclid(day));
    if days != 0 {
        parts.push(format!("{days} day{}", plural(days)));
    }
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let mut clock = format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction != 0 {
        let _ = write!(clock, ".{fraction:06}");
    }
    parts.push(clock);
    out.push_str(&parts.join(", "));
}
