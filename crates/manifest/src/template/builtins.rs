//! The functions, filters, tests and methods of the template language (connector-format.md, 2.6).

use super::{
    eval::{Eval, MAX_OUTPUT, Outcome, Raise, contains, now, owned_list, owned_map, put, wrapped},
    value::{Number, Value, float_text, iso_text, owned_json},
};
use crate::datetime::{self, DateError, IsoDuration, Moment};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{Datelike, NaiveDate, TimeDelta, Timelike};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use regex::Regex;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use std::{borrow::Cow, cell::RefCell, cmp::Ordering, collections::HashMap, fmt::Write, sync::Arc};

/// Evaluated arguments.
#[derive(Debug, Default)]
pub struct Called<'a> {
    /// By position.
    pub positional: Vec<Value<'a>>,
    /// By name.
    pub named: Vec<(&'a str, Value<'a>)>,
}

impl<'a> Called<'a> {
    /// The argument at a position or by its name.
    fn get(&self, index: usize, name: &str) -> Option<&Value<'a>> {
        self.positional
            .get(index)
            .or_else(|| self.named.iter().find(|(found, _)| *found == name).map(|(_, value)| value))
    }
    fn need(&self, index: usize, name: &str) -> Outcome<&Value<'a>> {
        self.get(index, name).ok_or(Raise::Type)
    }
    fn text(&self, index: usize, name: &str) -> Outcome<Option<&str>> {
        match self.get(index, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(Raise::Type),
        }
    }
    fn int(&self, index: usize, name: &str) -> Outcome<Option<i128>> {
        match self.get(index, name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.number() {
                Some(Number::Int(value)) => Ok(Some(value)),
                _ => Err(Raise::Type),
            },
        }
    }
    fn flag(&self, index: usize, name: &str) -> bool {
        self.get(index, name).is_some_and(Value::truthy)
    }
    fn at_most(&self, count: usize) -> Outcome<()> {
        if self.positional.len() + self.named.len() <= count { Ok(()) } else { Err(Raise::Type) }
    }
}

const FUNCTIONS: [&str; 16] = [
    "now_utc",
    "today_utc",
    "today_with_timezone",
    "timestamp",
    "str_to_datetime",
    "day_delta",
    "duration",
    "format_datetime",
    "max",
    "min",
    "sanitize_url",
    "camel_case_to_snake_case",
    "generate_uuid",
    "namespace",
    "dict",
    "json_loads",
];

/// Whether a name is a global function, or Jinja's own `self`, so that it is no free variable.
pub fn is_function(name: &str) -> bool {
    name == "self" || (name != "json_loads" && FUNCTIONS.contains(&name))
}

/// The function's own name.
pub fn function(name: &str, json_loads: bool) -> Option<&'static str> {
    FUNCTIONS.iter().find(|found| **found == name && (json_loads || name != "json_loads")).copied()
}

fn invalid(error: &DateError) -> Raise {
    Raise::Invalid(error.to_string())
}
fn date_overflow() -> Raise {
    Raise::Invalid("date value out of range".to_owned())
}

/// Calls a global function.
pub fn call<'a>(eval: &mut Eval<'a>, name: &str, args: Called<'a>) -> Outcome<Value<'a>> {
    let moment_of =
        |text: &str| datetime::parse_iso(text).map(|at| at.or_utc().to_utc()).map_err(|error| invalid(&error));
    Ok(match name {
        "now_utc" => Value::Moment(now(eval.scope)),
        "today_utc" => Value::Date(now(eval.scope).local.date()),
        "today_with_timezone" => {
            let zone = args.text(0, "timezone")?.ok_or(Raise::Type)?;
            let zone: chrono_tz::Tz =
                zone.parse().map_err(|_| Raise::Invalid(format!("{zone:?} is not a time zone")))?;
            Value::Date(now(eval.scope).instant().with_timezone(&zone).date_naive())
        }
        "timestamp" => match args.need(0, "dt")? {
            Value::Text(text) => Value::Float(moment_of(text)?.timestamp()),
            Value::Undefined => return Err(Raise::Undefined("timestamp".to_owned())),
            other => match other.number().ok_or(Raise::Type)? {
                Number::Int(value) => Value::Int(value),
                Number::Float(value) => Value::Int(truncated(value)?),
            },
        },
        "str_to_datetime" => match args.need(0, "s")? {
            Value::Text(text) => Value::Moment(moment_of(text)?),
            other => return Err(undefined_or_type(other)),
        },
        "day_delta" => {
            let days = match args.need(0, "num_days")?.number().ok_or(Raise::Type)? {
                Number::Int(value) => value as f64,
                Number::Float(value) => value,
            };
            let shift = TimeDelta::try_milliseconds(
                i64::try_from(truncated(days * 86_400_000.0)?).map_err(|_| date_overflow())?,
            );
            let at = shift.and_then(|shift| now(eval.scope).shifted(shift)).ok_or_else(date_overflow)?;
            Value::text(datetime::strftime(at, args.text(1, "format")?.unwrap_or("%Y-%m-%dT%H:%M:%S.%f%z")))
        }
        "duration" => {
            let text = args.text(0, "datestring")?.ok_or(Raise::Type)?;
            Value::Span(IsoDuration::parse(text).map_err(|error| invalid(&error))?)
        }
        "format_datetime" => {
            let format = args.text(1, "format")?.ok_or(Raise::Type)?;
            let input = args.text(2, "input_format")?.filter(|input| !input.is_empty());
            match args.need(0, "dt")? {
                Value::Moment(at) => Value::text(datetime::strftime(*at, format)),
                Value::Text(text) => {
                    let at = match input {
                        Some(input) => datetime::strptime(text, input).map_err(|error| invalid(&error))?,
                        None => moment_of(text)?,
                    };
                    Value::text(datetime::format(at.or_utc(), format))
                }
                Value::Undefined if input.is_none() => return Err(Raise::Undefined("the date".to_owned())),
                other => match other.number() {
                    Some(Number::Int(value)) => {
                        let at = datetime::parse(&value.to_string(), input.unwrap_or("%s"));
                        Value::text(datetime::format(at.map_err(|error| invalid(&error))?, format))
                    }
                    _ => return Err(Raise::Type),
                },
            }
        }
        "max" | "min" => {
            let wanted = if name == "max" { Ordering::Greater } else { Ordering::Less };
            let items = match args.positional.as_slice() {
                [] => return Err(Raise::Type),
                [one] => one.walk().ok_or(Raise::Type)?,
                several => several.to_vec(),
            };
            eval.count(items.len())?;
            extreme(items, wanted)?.ok_or_else(|| Raise::Invalid(format!("{name}() of nothing")))?
        }
        "sanitize_url" => Value::text(percent_encode(args.text(0, "value")?.ok_or(Raise::Type)?, "", true)),
        "camel_case_to_snake_case" => {
            let mut out = String::new();
            for (index, c) in args.text(0, "value")?.ok_or(Raise::Type)?.chars().enumerate() {
                if index > 0 && c.is_ascii_uppercase() {
                    out.push('_');
                }
                out.extend(c.to_lowercase());
            }
            Value::text(out)
        }
        "generate_uuid" => Value::text(uuid::Uuid::new_v4().to_string()),
        "namespace" | "dict" => {
            let mut entries = match args.positional.first() {
                None => Vec::new(),
                Some(map) if map.is_map() => map.entries().unwrap_or_default(),
                Some(pairs) => pairs_of(pairs)?,
            };
            for (key, value) in args.named {
                put(&mut entries, Value::Text(Cow::Borrowed(key)), value);
            }
            Value::map(entries)
        }
        "json_loads" => {
            let text = args.text(0, "s")?.ok_or(Raise::Type)?;
            let json = crate::json::Json::parse(text).map_err(|error| Raise::Invalid(error.to_string()))?;
            owned_json(&json)
        }
        _ => return Err(Raise::Type),
    })
}

fn pairs_of<'a>(pairs: &Value<'a>) -> Outcome<Vec<(Value<'a>, Value<'a>)>> {
    let mut entries = Vec::new();
    for pair in pairs.walk().ok_or(Raise::Type)? {
        match pair.walk().ok_or(Raise::Type)?.as_slice() {
            [key, value] => put(&mut entries, key.clone(), value.clone()),
            _ => return Err(Raise::Invalid("a map is made of pairs".to_owned())),
        }
    }
    Ok(entries)
}

fn extreme<'a>(items: Vec<Value<'a>>, wanted: Ordering) -> Outcome<Option<Value<'a>>> {
    let mut best: Option<Value<'a>> = None;
    for item in items {
        let better = match &best {
            None => true,
            Some(_) if matches!(item, Value::Undefined) => return Err(Raise::Undefined("what is compared".to_owned())),
            Some(best) => item.compare(best).ok_or(Raise::Type)? == wanted,
        };
        if better {
            best = Some(item);
        }
    }
    Ok(best)
}

#[allow(clippy::cast_possible_truncation, reason = "the range is checked before the cast")]
fn truncated(value: f64) -> Outcome<i128> {
    if value.is_finite() && value.abs() < 1e38 {
        Ok(value.trunc() as i128)
    } else {
        Err(Raise::Invalid("a number is too large".to_owned()))
    }
}

/// Percent encoding; `safe` characters stay, a space becomes `+` if asked.
fn percent_encode(text: &str, safe: &str, plus: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if byte.is_ascii_alphanumeric() || "_.-~".contains(c) || (byte.is_ascii() && safe.contains(c)) {
            out.push(c);
        } else if plus && byte == b' ' {
            out.push('+');
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A value under a dotted path, as `attribute=` arguments name it.
fn dotted<'a>(value: &Value<'a>, path: &Value<'a>) -> Outcome<Value<'a>> {
    let Value::Text(path) = path else {
        return match path.number() {
            Some(Number::Int(index)) => super::eval::item(value, &Value::Int(index)),
            _ => Err(Raise::Type),
        };
    };
    let mut found = value.clone();
    for part in path.split('.') {
        let key = match part.parse::<i128>() {
            Ok(index) => Value::Int(index),
            Err(_) => Value::text(part),
        };
        found = super::eval::item(&found, &key)?;
    }
    Ok(found)
}

/// Applies a filter.
pub fn filter<'a>(eval: &mut Eval<'a>, name: &str, value: Value<'a>, args: Called<'a>) -> Outcome<Value<'a>> {
    let walk = |eval: &mut Eval<'a>, value: &Value<'a>| -> Outcome<Vec<Value<'a>>> {
        let items = value.walk().ok_or(Raise::Type)?;
        eval.count(items.len())?;
        Ok(items)
    };
    let text = |value: &Value<'a>| value.print().into_owned();
    Ok(match name {
        "default" | "d" => {
            let missing = matches!(value, Value::Undefined) || (args.flag(1, "boolean") && !value.truthy());
            if missing { args.get(0, "default_value").cloned().unwrap_or_else(|| Value::text("")) } else { value }
        }
        "int" => to_int(&value, &args)?,
        "float" => to_float(&value, &args)?,
        "length" | "count" => Value::Int(value.length().and_then(|len| i128::try_from(len).ok()).ok_or(Raise::Type)?),
        "string" => match value {
            Value::Text(_) => value,
            other => Value::text(format!("\"\"\"{}\"\"\"", json_text(&other, false)?)),
        },
        "tojson" => {
            let json = json_text(&value, true)?;
            let escaped =
                json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace('\'', "\\u0027");
            Value::text(escaped)
        }
        "list" => Value::list(walk(eval, &value)?),
        "first" => walk(eval, &value)?.into_iter().next().unwrap_or(Value::Undefined),
        "last" => walk(eval, &value)?.pop().unwrap_or(Value::Undefined),
        "reverse" => {
            if let Value::Text(text) = &value {
                Value::text(text.chars().rev().collect::<String>())
            } else {
                let mut items = walk(eval, &value)?;
                items.reverse();
                Value::Generator(Arc::new(items))
            }
        }
        "join" => {
            let between = args.get(0, "d").map(text).unwrap_or_default();
            let items = walk(eval, &value)?;
            let parts = items.into_iter().map(|item| match args.get(1, "attribute") {
                Some(path) => dotted(&item, path).map(|item| text(&item)),
                None => Ok(text(&item)),
            });
            Value::text(joined(parts, &between)?)
        }
        "map" => {
            let items = walk(eval, &value)?;
            let mut mapped = Vec::with_capacity(items.len());
            let by_attribute = args.named.iter().find(|(name, _)| *name == "attribute").map(|(_, path)| path);
            if let Some(path) = by_attribute {
                let default = args.named.iter().find(|(name, _)| *name == "default").map(|(_, value)| value);
                for item in &items {
                    let found = dotted(item, path)?;
                    mapped.push(match (found, default) {
                        (Value::Undefined, Some(default)) => default.clone(),
                        (found, _) => found,
                    });
                }
            } else {
                let filter_name = args.text(0, "name")?.ok_or(Raise::Type)?.to_owned();
                let rest = Called { positional: args.positional[1..].to_vec(), named: args.named };
                for item in items {
                    let args = Called { positional: rest.positional.clone(), named: rest.named.clone() };
                    mapped.push(filter(eval, &filter_name, item, args)?);
                }
            }
            Value::Generator(Arc::new(mapped))
        }
        "select" | "reject" | "selectattr" | "rejectattr" => {
            let by_attribute = name.ends_with("attr");
            let keep = name.starts_with("select");
            let test_at = usize::from(by_attribute);
            let mut kept = Vec::new();
            for item in walk(eval, &value)? {
                let subject = if by_attribute { dotted(&item, args.need(0, "attribute")?)? } else { item.clone() };
                let passes = match args.positional.get(test_at) {
                    None => subject.truthy(),
                    Some(Value::Text(name)) => test(name, &subject, &args.positional[test_at + 1..])?,
                    Some(_) => return Err(Raise::Type),
                };
                if passes == keep {
                    kept.push(item);
                }
            }
            Value::Generator(Arc::new(kept))
        }
        "unique" => {
            let mut seen: Vec<Value<'a>> = Vec::new();
            let mut kept = Vec::new();
            for item in walk(eval, &value)? {
                let key = sort_key(&item, &args, 1, args.flag(0, "case_sensitive"))?;
                eval.count(seen.len() / 16)?;
                if !seen.iter().any(|found| found.equals(&key)) {
                    seen.push(key);
                    kept.push(item);
                }
            }
            Value::Generator(Arc::new(kept))
        }
        "sort" => {
            let reverse = args.flag(0, "reverse");
            let mut keyed = Vec::new();
            for item in walk(eval, &value)? {
                keyed.push((sort_key(&item, &args, 2, args.flag(1, "case_sensitive"))?, item));
            }
            Value::list(sorted(keyed, reverse)?)
        }
        "min" | "max" => {
            let wanted = if name == "max" { Ordering::Greater } else { Ordering::Less };
            let items = walk(eval, &value)?;
            extreme(items, wanted)?.unwrap_or(Value::Undefined)
        }
        "sum" => {
            let mut total = args.get(1, "start").cloned().unwrap_or(Value::Int(0));
            for item in walk(eval, &value)? {
                let item = match args.get(0, "attribute") {
                    None | Some(Value::Null) => item,
                    Some(path) => dotted(&item, path)?,
                };
                total = match (total.number(), item.number()) {
                    _ if matches!(item, Value::Undefined) => return Err(Raise::Undefined("what is summed".to_owned())),
                    (Some(Number::Int(a)), Some(Number::Int(b))) => Value::Int(a.checked_add(b).ok_or(Raise::Type)?),
                    (Some(a), Some(b)) => Value::Float(a.float() + b.float()),
                    _ => return Err(Raise::Type),
                };
            }
            total
        }
        "items" => Value::Generator(Arc::new(match &value {
            Value::Undefined => Vec::new(),
            map => pairs(map.entries().ok_or(Raise::Type)?),
        })),
        "dictsort" => {
            let by_value = args.text(1, "by")?.is_some_and(|by| by == "value");
            let mut keyed = Vec::new();
            for (key, entry) in value.entries().ok_or(Raise::Type)? {
                let by = if by_value { entry.clone() } else { key.clone() };
                let by = if args.flag(0, "case_sensitive") { by } else { folded(&by) };
                keyed.push((by, Value::Tuple(Arc::new(vec![key, entry]))));
            }
            Value::list(sorted(keyed, args.flag(2, "reverse"))?)
        }
        "groupby" => {
            let mut keyed = Vec::new();
            for item in walk(eval, &value)? {
                keyed.push((dotted(&item, args.need(0, "attribute")?)?, item));
            }
            let mut groups: Vec<(Value<'a>, Vec<Value<'a>>)> = Vec::new();
            let ordered = sorted(
                keyed.into_iter().map(|(key, item)| (key.clone(), Value::Tuple(Arc::new(vec![key, item])))).collect(),
                false,
            )?;
            for pair in ordered {
                if let Value::Tuple(pair) = pair {
                    match groups.last_mut() {
                        Some((key, items)) if key.equals(&pair[0]) => items.push(pair[1].clone()),
                        _ => groups.push((pair[0].clone(), vec![pair[1].clone()])),
                    }
                }
            }
            let group = |(key, items)| {
                let entry = |name: &'static str, value| (Value::Text(Cow::Borrowed(name)), value);
                Value::map(vec![entry("grouper", key), entry("list", Value::list(items))])
            };
            Value::list(groups.into_iter().map(group).collect())
        }
        "batch" => {
            let size = args.int(0, "linecount")?.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
            let size = size.ok_or(Raise::Type)?;
            let fill = args.get(1, "fill_with").filter(|fill| !matches!(fill, Value::Null)).cloned();
            let items = walk(eval, &value)?;
            let groups = items.chunks(size).map(|chunk| {
                let mut chunk = chunk.to_vec();
                if let Some(fill) = &fill {
                    chunk.resize(size, fill.clone());
                }
                Value::list(chunk)
            });
            Value::Generator(Arc::new(groups.collect()))
        }
        "abs" => match value.number().ok_or_else(|| undefined_or_type(&value))? {
            Number::Int(value) => Value::Int(value.checked_abs().ok_or(Raise::Type)?),
            Number::Float(value) => Value::Float(value.abs()),
        },
        "round" => round(&value, &args)?,
        "lower" => Value::text(text(&value).to_lowercase()),
        "upper" => Value::text(text(&value).to_uppercase()),
        "title" => Value::text(title(&text(&value))),
        "capitalize" => Value::text(capitalized(&text(&value))),
        "trim" => match args.text(0, "chars")? {
            Some(chars) => Value::text(text(&value).trim_matches(|c| chars.contains(c))),
            None => Value::text(text(&value).trim()),
        },
        "replace" => {
            let (old, new) = (text(args.need(0, "old")?), text(args.need(1, "new")?));
            Value::text(replaced(&text(&value), &old, &new, args.int(2, "count")?)?)
        }
        "truncate" => {
            let length = args.int(0, "length")?.and_then(|length| usize::try_from(length).ok()).unwrap_or(255);
            let whole = text(&value);
            if whole.chars().count() <= length + 5 {
                Value::text(whole)
            } else {
                let kept: String = whole.chars().take(length.saturating_sub(3)).collect();
                let kept = if args.flag(1, "killwords") {
                    kept
                } else {
                    kept.rsplit_once(' ').map_or(kept.clone(), |(words, _)| words.to_owned())
                };
                Value::text(kept + "...")
            }
        }
        "urlencode" => urlencode(&value)?,
        "hash" => {
            let kind = args.text(0, "hash_type")?.unwrap_or("md5");
            let mut input = text(&value).into_bytes();
            if let Some(salt) = args.get(1, "salt").filter(|salt| salt.truthy()) {
                input.extend_from_slice(text(salt).as_bytes());
            }
            Value::text(hash(kind, &input).ok_or_else(|| Raise::Invalid(format!("no hash function named {kind}")))?)
        }
        "hmac" => {
            let kind = args.text(1, "hash_type")?.unwrap_or("sha256");
            if kind != "sha256" {
                return Err(Raise::Invalid(format!("hash type {kind:?} is not allowed; allowed: sha256")));
            }
            let key = text(args.need(0, "key")?);
            // A secret is only a placeholder here: the signature is made when the request is built.
            if kit::placeholder::present(&key) || kit::placeholder::present(&text(&value)) {
                return Ok(Value::text(kit::placeholder::hmac_sha256(&text(&value), &key)));
            }
            let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|_| Raise::Type)?;
            mac.update(text(&value).as_bytes());
            Value::text(HEXLOWER.encode(&mac.finalize().into_bytes()))
        }
        // A secret is only a placeholder here: its encoding happens when the request is built.
        "base64encode" | "base64binascii_decode" => match &value {
            Value::Text(text) if kit::placeholder::present(text) => Value::text(kit::placeholder::base64(text)),
            Value::Text(text) => Value::text(STANDARD.encode(text.as_bytes())),
            other => return Err(undefined_or_type(other)),
        },
        "base64decode" => match &value {
            Value::Text(text) => {
                let bytes = STANDARD.decode(text.as_bytes()).map_err(|error| Raise::Invalid(error.to_string()))?;
                Value::text(String::from_utf8(bytes).map_err(|error| Raise::Invalid(error.to_string()))?)
            }
            other => return Err(undefined_or_type(other)),
        },
        "regex_search" => {
            let Value::Text(hay) = &value else { return Err(Raise::Type) };
            let regex = regex(args.text(0, "regex")?.ok_or(Raise::Type)?)?;
            let found = regex.captures(hay);
            match found.and_then(|found| found.get(1).map(|group| group.as_str().to_owned())) {
                Some(group) => Value::text(group),
                None => Value::text(""),
            }
        }
        "regex_replace" => {
            let Value::Text(hay) = &value else { return Err(Raise::Type) };
            let regex = regex(args.text(0, "regex")?.ok_or(Raise::Type)?)?;
            let template = args.text(1, "replacement")?.ok_or(Raise::Type)?;
            Value::text(regex_replace(&regex, hay, template))
        }
        "safe" | "e" | "escape" | "forceescape" | "pprint" | "striptags" | "indent" | "wordcount" | "center"
        | "format" => {
            return simple_text_filter(name, &value, &args);
        }
        "attr" => dotted(&value, args.need(0, "name")?)?,
        "slice" => return Err(Raise::Invalid("the filter slice is not supported".to_owned())),
        other => return Err(Raise::Invalid(format!("no filter named {other:?}"))),
    })
}

fn simple_text_filter<'a>(name: &str, value: &Value<'a>, args: &Called<'a>) -> Outcome<Value<'a>> {
    let text = value.print();
    Ok(match name {
        "e" | "escape" | "forceescape" => Value::text(
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('\'', "&#39;")
                .replace('"', "&#34;"),
        ),
        "wordcount" => Value::Int(i128::try_from(text.split_whitespace().count()).map_err(|_| Raise::Type)?),
        "format" => percent(&text, &Value::Tuple(Arc::new(args.positional.clone())))?,
        "safe" => Value::text(text.into_owned()),
        other => return Err(Raise::Invalid(format!("the filter {other:?} is not supported"))),
    })
}

fn undefined_or_type(value: &Value<'_>) -> Raise {
    if matches!(value, Value::Undefined) { Raise::Undefined("what is filtered".to_owned()) } else { Raise::Type }
}

fn sort_key<'a>(item: &Value<'a>, args: &Called<'a>, at: usize, case_sensitive: bool) -> Outcome<Value<'a>> {
    let key = match args.get(at, "attribute") {
        None | Some(Value::Null) => item.clone(),
        Some(path) => dotted(item, path)?,
    };
    Ok(if case_sensitive { key } else { folded(&key) })
}

fn folded<'a>(value: &Value<'a>) -> Value<'a> {
    match value {
        Value::Text(text) => Value::text(text.to_lowercase()),
        other => other.clone(),
    }
}

/// A stable sort whose comparisons may fail.
fn sorted<'a>(mut keyed: Vec<(Value<'a>, Value<'a>)>, reverse: bool) -> Outcome<Vec<Value<'a>>> {
    let mut failed = false;
    keyed.sort_by(|(a, _), (b, _)| {
        let order = a.compare(b).unwrap_or_else(|| {
            failed = true;
            Ordering::Equal
        });
        if reverse { order.reverse() } else { order }
    });
    if failed { Err(Raise::Type) } else { Ok(keyed.into_iter().map(|(_, item)| item).collect()) }
}

fn pairs<'a>(entries: Vec<(Value<'a>, Value<'a>)>) -> Vec<Value<'a>> {
    entries.into_iter().map(|(key, value)| Value::Tuple(Arc::new(vec![key, value]))).collect()
}

fn to_int<'a>(value: &Value<'a>, args: &Called<'a>) -> Outcome<Value<'a>> {
    let default = || args.get(0, "default").cloned().unwrap_or(Value::Int(0));
    Ok(match value {
        Value::Undefined => return Err(Raise::Undefined("what is made an integer".to_owned())),
        Value::Text(text) => {
            let base = args.int(1, "base")?.unwrap_or(10);
            let plain = text.trim().replace('_', "");
            let (digits, radix) = match (base, plain.get(..2)) {
                (16, Some("0x" | "0X")) | (8, Some("0o" | "0O")) | (2, Some("0b" | "0B")) => (&plain[2..], base),
                _ => (plain.as_str(), base),
            };
            let radix = u32::try_from(radix).ok().filter(|radix| (2..=36).contains(radix)).ok_or(Raise::Type)?;
            match i128::from_str_radix(digits, radix) {
                Ok(value) => Value::Int(value),
                Err(_) => match python_float(text).and_then(|value| truncated(value).ok()) {
                    Some(value) => Value::Int(value),
                    None => default(),
                },
            }
        }
        other => match other.number() {
            Some(Number::Int(value)) => Value::Int(value),
            Some(Number::Float(value)) => truncated(value).map_or_else(|_| default(), Value::Int),
            None => default(),
        },
    })
}

fn to_float<'a>(value: &Value<'a>, args: &Called<'a>) -> Outcome<Value<'a>> {
    let default = || args.get(0, "default").cloned().unwrap_or(Value::Float(0.0));
    Ok(match value {
        Value::Undefined => return Err(Raise::Undefined("what is made a float".to_owned())),
        Value::Text(text) => python_float(text).map_or_else(default, Value::Float),
        other => other.number().map_or_else(default, |number| Value::Float(number.float())),
    })
}

/// Python's `float(text)`.
fn python_float(text: &str) -> Option<f64> {
    let text = text.trim();
    let underscores_ok = !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
    if !underscores_ok || text.is_empty() {
        return None;
    }
    text.replace('_', "").parse().ok()
}

#[allow(clippy::cast_possible_truncation, reason = "the exponent is bounded before the cast")]
fn round<'a>(value: &Value<'a>, args: &Called<'a>) -> Outcome<Value<'a>> {
    let precision = args.int(0, "precision")?.unwrap_or(0).clamp(-30, 30);
    let method = args.text(1, "method")?.unwrap_or("common").to_owned();
    let number = value.number().ok_or_else(|| undefined_or_type(value))?;
    match (method.as_str(), number) {
        ("common", Number::Int(value)) if precision >= 0 => Ok(Value::Int(value)),
        ("common", number) if precision >= 0 => {
            let places = usize::try_from(precision).unwrap_or(0);
            let rounded = format!("{:.places$}", number.float()).parse().map_err(|_| Raise::Type)?;
            Ok(Value::Float(rounded))
        }
        (method, number) => {
            let factor = 10f64.powi(precision as i32);
            let scaled = number.float() * factor;
            let rounded = match method {
                "common" => scaled.round_ties_even(),
                "ceil" => scaled.ceil(),
                "floor" => scaled.floor(),
                _ => return Err(Raise::Invalid("round takes common, ceil or floor".to_owned())),
            };
            Ok(Value::Float(rounded / factor))
        }
    }
}

fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        start = c.is_whitespace() || "-([{<".contains(c);
    }
    out
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        None => String::new(),
        Some(first) => first.to_uppercase().collect::<String>() + &chars.as_str().to_lowercase(),
    }
}

fn replaced(text: &str, old: &str, new: &str, count: Option<i128>) -> Outcome<String> {
    let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
    let found = text.matches(old).take(count).count();
    if found.saturating_mul(new.len()) > MAX_OUTPUT {
        return Err(Raise::Limit("a replaced text is too long"));
    }
    Ok(text.replacen(old, new, count))
}

/// Texts with another one between them.
fn joined<T: AsRef<str>>(parts: impl IntoIterator<Item = Outcome<T>>, between: &str) -> Outcome<String> {
    let mut out = String::new();
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            out.push_str(between);
        }
        out.push_str(part?.as_ref());
        if out.len() > MAX_OUTPUT {
            return Err(Raise::Limit("a joined text is too long"));
        }
    }
    Ok(out)
}

fn urlencode<'a>(value: &Value<'a>) -> Outcome<Value<'a>> {
    let pairs = if value.is_map() { value.entries() } else { None };
    let pairs = match (pairs, value) {
        (Some(pairs), _) => pairs,
        (None, list) if list.elements().is_some() => pairs_of(list)?,
        (None, scalar) => return Ok(Value::text(percent_encode(&scalar.print(), "/", false))),
    };
    let encoded: Vec<String> = pairs
        .iter()
        .map(|(key, value)| {
            format!("{}={}", percent_encode(&key.print(), "", true), percent_encode(&value.print(), "", true))
        })
        .collect();
    Ok(Value::text(encoded.join("&")))
}

fn hash(kind: &str, input: &[u8]) -> Option<String> {
    Some(match kind {
        "md5" => HEXLOWER.encode(&Md5::digest(input)),
        "sha1" => HEXLOWER.encode(&Sha1::digest(input)),
        "sha224" => HEXLOWER.encode(&Sha224::digest(input)),
        "sha256" => HEXLOWER.encode(&Sha256::digest(input)),
        "sha384" => HEXLOWER.encode(&Sha384::digest(input)),
        "sha512" => HEXLOWER.encode(&Sha512::digest(input)),
        _ => return None,
    })
}

thread_local! {
    static REGEXES: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
}

/// A compiled expression. The engine is linear in time, so an imported manifest cannot hang us with one.
fn regex(source: &str) -> Outcome<Regex> {
    if let Some(found) = REGEXES.with_borrow(|regexes| regexes.get(source).cloned()) {
        return Ok(found);
    }
    let compiled = Regex::new(source).map_err(|error| Raise::Invalid(error.to_string()))?;
    REGEXES.with_borrow_mut(|regexes| {
        if regexes.len() >= 256 {
            regexes.clear();
        }
        regexes.insert(source.to_owned(), compiled.clone());
    });
    Ok(compiled)
}

/// Python writes groups as `\1` and `\g<name>`.
fn regex_replace(regex: &Regex, hay: &str, template: &str) -> String {
    // Beyond what a template may print nothing is added; the result is refused for its length.
    let mut made = 0;
    let replace = |found: &regex::Captures<'_>| {
        let mut out = String::new();
        let mut rest = template;
        while let Some(at) = rest.find('\\').filter(|_| made + out.len() <= MAX_OUTPUT) {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(named) = rest.strip_prefix("g<")
                && let Some((name, after)) = named.split_once('>')
            {
                let group = name.parse().map_or_else(|_| found.name(name), |index| found.get(index));
                out.push_str(group.map_or("", |group| group.as_str()));
                rest = after;
                continue;
            }
            let digits = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
            if digits > 0 {
                let group = rest[..digits].parse().ok().and_then(|index| found.get(index));
                out.push_str(group.map_or("", |group| group.as_str()));
                rest = &rest[digits..];
            } else if let Some(c) = rest.chars().next() {
                out.push(match c {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                });
                rest = &rest[c.len_utf8()..];
            }
        }
        if made <= MAX_OUTPUT {
            out.push_str(rest);
        }
        made += out.len();
        out
    };
    regex.replace_all(hay, replace).into_owned()
}

/// JSON as Python's `json.dumps` writes it: `", "` and `": "` between things, other alphabets escaped.
fn json_text(value: &Value<'_>, sort_keys: bool) -> Outcome<String> {
    let mut out = String::new();
    write_json(&mut out, value, sort_keys)?;
    Ok(out)
}

fn write_json(out: &mut String, value: &Value<'_>, sort_keys: bool) -> Outcome<()> {
    if out.len() > MAX_OUTPUT {
        return Err(Raise::Limit("its JSON is longer than 1 MiB"));
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => {
            let _ = write!(out, "{value}");
        }
        Value::Float(value) if value.is_nan() => out.push_str("NaN"),
        Value::Float(value) if value.is_infinite() => out.push_str(if *value > 0.0 { "Infinity" } else { "-Infinity" }),
        Value::Float(value) => out.push_str(&float_text(*value)),
        Value::Text(text) => json_quote(out, text),
        map if map.is_map() => {
            let mut entries = map.entries().ok_or(Raise::Type)?;
            if sort_keys {
                entries.sort_by(|(a, _), (b, _)| a.print().cmp(&b.print()));
            }
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                let key = match key {
                    Value::Null => Cow::Borrowed("null"),
                    Value::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
                    other => other.print(),
                };
                json_quote(out, &key);
                out.push_str(": ");
                write_json(out, value, sort_keys)?;
            }
            out.push('}');
        }
        list => {
            out.push('[');
            for (index, item) in list.elements().ok_or(Raise::Type)?.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_json(out, item, sort_keys)?;
            }
            out.push(']');
        }
    }
    Ok(())
}

fn json_quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        let _ = match c {
            '"' => write!(out, "\\\""),
            '\\' => write!(out, "\\\\"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            '\x08' => write!(out, "\\b"),
            '\x0c' => write!(out, "\\f"),
            // Placeholders of secrets stay whole, or they could not be swapped later.
            ' '..='~' | '\u{e000}'..='\u{e003}' => write!(out, "{c}"),
            other => other.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}")),
        };
    }
    out.push('"');
}

/// Applies a test.
pub fn test(name: &str, value: &Value<'_>, args: &[Value<'_>]) -> Outcome<bool> {
    let other = || args.first().ok_or(Raise::Type);
    let number = || match value {
        Value::Undefined => Err(Raise::Undefined("what is tested".to_owned())),
        value => match value.number() {
            Some(Number::Int(value)) => Ok(value),
            _ => Err(Raise::Type),
        },
    };
    let ordered = |accept: fn(Ordering) -> bool| {
        let other = other()?;
        if matches!(value, Value::Undefined) || matches!(other, Value::Undefined) {
            return Err(Raise::Undefined("what is compared".to_owned()));
        }
        value.compare(other).map(accept).ok_or(Raise::Type)
    };
    Ok(match name {
        "none" => matches!(value, Value::Null),
        "true" => matches!(value, Value::Bool(true)),
        "false" => matches!(value, Value::Bool(false)),
        "defined" => !matches!(value, Value::Undefined),
        "undefined" => matches!(value, Value::Undefined),
        "string" => matches!(value, Value::Text(_)),
        "number" => value.number().is_some(),
        "integer" => matches!(value, Value::Int(_)),
        "float" => matches!(value, Value::Float(_)),
        "boolean" => matches!(value, Value::Bool(_)),
        "mapping" => value.is_map(),
        "sequence" => value.length().is_some() && !matches!(value, Value::Set(_)),
        "iterable" => value.walk().is_some(),
        "callable" => matches!(value, Value::Function(_) | Value::Method(_)),
        "even" => number()?.rem_euclid(2) == 0,
        "odd" => number()?.rem_euclid(2) == 1,
        "divisibleby" => match other()?.number() {
            Some(Number::Int(0) | Number::Float(_)) | None => return Err(Raise::Type),
            Some(Number::Int(by)) => number()? % by == 0,
        },
        "lower" => value.print().chars().all(|c| !c.is_uppercase()) && value.print().chars().any(char::is_lowercase),
        "upper" => value.print().chars().all(|c| !c.is_lowercase()) && value.print().chars().any(char::is_uppercase),
        "in" => contains(other()?, value)?,
        "eq" | "==" | "equalto" => value.equals(other()?),
        "ne" | "!=" => !value.equals(other()?),
        "sameas" => value.type_name() == other()?.type_name() && value.equals(other()?),
        "lt" | "<" | "lessthan" => ordered(Ordering::is_lt)?,
        "le" | "<=" => ordered(Ordering::is_le)?,
        "gt" | ">" | "greaterthan" => ordered(Ordering::is_gt)?,
        "ge" | ">=" => ordered(Ordering::is_ge)?,
        other => return Err(Raise::Invalid(format!("no test named {other:?}"))),
    })
}

const TEXT_METHODS: [&str; 27] = [
    "split",
    "rsplit",
    "join",
    "replace",
    "strip",
    "lstrip",
    "rstrip",
    "lower",
    "upper",
    "title",
    "capitalize",
    "startswith",
    "endswith",
    "format",
    "find",
    "rfind",
    "index",
    "count",
    "isdigit",
    "isnumeric",
    "isalpha",
    "isalnum",
    "zfill",
    "encode",
    "splitlines",
    "removeprefix",
    "removesuffix",
];
const MAP_METHODS: [&str; 8] = ["get", "items", "keys", "values", "update", "pop", "setdefault", "copy"];
const LIST_METHODS: [&str; 10] =
    ["append", "extend", "index", "count", "insert", "pop", "remove", "reverse", "sort", "copy"];
const MOMENT_METHODS: [&str; 9] =
    ["strftime", "isoformat", "timestamp", "replace", "weekday", "isoweekday", "date", "astimezone", "utcoffset"];

/// Whether the value's type has a method of that name.
pub fn has_method(value: &Value<'_>, name: &str) -> bool {
    match value {
        Value::Text(_) => TEXT_METHODS.contains(&name),
        Value::List(_) | Value::Json(crate::json::Json::Array(_)) => LIST_METHODS.contains(&name),
        Value::Tuple(_) => matches!(name, "index" | "count"),
        Value::Moment(_) => MOMENT_METHODS.contains(&name),
        Value::Date(_) => {
            MOMENT_METHODS.contains(&name) && !matches!(name, "timestamp" | "date" | "astimezone" | "utcoffset")
        }
        Value::Span(span) => name == "total_seconds" && span.months == 0,
        map if map.is_map() => MAP_METHODS.contains(&name),
        _ => false,
    }
}

/// Whether a method changes its receiver.
pub fn mutates(name: &str) -> bool {
    matches!(name, "append" | "extend" | "insert" | "update" | "pop" | "setdefault" | "remove" | "reverse" | "sort")
}

/// Parts of dates and durations that are read without a call.
pub fn date_attribute<'a>(value: &Value<'_>, name: &str) -> Option<Value<'a>> {
    let int = |value: u32| Some(Value::Int(i128::from(value)));
    let of_date = |date: NaiveDate| match name {
        "year" => Some(Value::Int(i128::from(date.year()))),
        "month" => int(date.month()),
        "day" => int(date.day()),
        _ => None,
    };
    match value {
        Value::Date(date) => of_date(*date),
        Value::Moment(at) => of_date(at.local.date()).or_else(|| match name {
            "hour" => int(at.local.hour()),
            "minute" => int(at.local.minute()),
            "second" => int(at.local.second()),
            "microsecond" => int(at.local.and_utc().timestamp_subsec_micros()),
            _ => None,
        }),
        Value::Span(span) if span.months == 0 => {
            let micros = span.exact.num_microseconds()?;
            let part = match name {
                "days" => micros.div_euclid(86_400_000_000),
                "seconds" => micros.rem_euclid(86_400_000_000) / 1_000_000,
                "microseconds" => micros.rem_euclid(1_000_000),
                _ => return None,
            };
            Some(Value::Int(i128::from(part)))
        }
        _ => None,
    }
}

/// Calls a method that leaves its receiver as it is; a mutating one works on a copy that nobody sees.
pub fn method<'a>(receiver: &Value<'a>, name: &str, args: Called<'a>) -> Outcome<Value<'a>> {
    match receiver {
        Value::Text(text) => text_method(text, name, &args),
        Value::Moment(at) => moment_method(*at, name, &args),
        Value::Date(date) => match name {
            "isoformat" => Ok(Value::text(date.format("%Y-%m-%d").to_string())),
            "replace" => replace_parts(Moment { local: date.and_time(chrono::NaiveTime::MIN), offset: None }, &args)
                .map(|at| Value::Date(at.local.date())),
            _ => moment_method(Moment { local: date.and_time(chrono::NaiveTime::MIN), offset: None }, name, &args),
        },
        Value::Span(span) => {
            args.at_most(0)?;
            let micros = span.exact.num_microseconds().ok_or_else(date_overflow)?;
            Ok(Value::Float(micros as f64 / 1e6))
        }
        other if mutates(name) => mutate(&mut other.clone(), name, args),
        map if map.is_map() => Ok(match name {
            "get" => {
                args.at_most(2)?;
                let key = args.need(0, "key")?;
                map.get(key).unwrap_or_else(|| args.get(1, "default").cloned().unwrap_or(Value::Null))
            }
            "items" => Value::list(pairs(map.entries().ok_or(Raise::Type)?)),
            "keys" => Value::list(map.walk().ok_or(Raise::Type)?),
            "values" => Value::list(map.entries().ok_or(Raise::Type)?.into_iter().map(|(_, value)| value).collect()),
            _ => map.clone(),
        }),
        list => {
            let items = list.elements().ok_or(Raise::Type)?;
            Ok(match name {
                "index" => {
                    let wanted = args.need(0, "value")?;
                    let at = items.iter().position(|item| item.equals(wanted));
                    Value::Int(
                        at.and_then(|at| i128::try_from(at).ok())
                            .ok_or_else(|| Raise::Invalid("not in list".to_owned()))?,
                    )
                }
                "count" => {
                    let wanted = args.need(0, "value")?;
                    Value::Int(i128::try_from(items.iter().filter(|item| item.equals(wanted)).count()).unwrap_or(0))
                }
                _ => list.clone(),
            })
        }
    }
}

/// Calls a method that changes its receiver.
pub fn mutate<'a>(place: &mut Value<'a>, name: &str, args: Called<'a>) -> Outcome<Value<'a>> {
    if place.is_map() {
        let entries = owned_map(place).ok_or(Raise::Type)?;
        match name {
            "update" => {
                let more = match args.positional.first() {
                    None => Vec::new(),
                    Some(map) if map.is_map() => map.entries().ok_or(Raise::Type)?,
                    Some(list) => pairs_of(list)?,
                };
                for (key, value) in more {
                    put(entries, key, value);
                }
                for (key, value) in args.named {
                    put(entries, Value::Text(Cow::Borrowed(key)), value);
                }
            }
            "pop" => {
                let key = args.need(0, "key")?;
                return match entries.iter().position(|(found, _)| found.equals(key)) {
                    Some(at) => Ok(entries.remove(at).1),
                    None => {
                        args.get(1, "default").cloned().ok_or_else(|| Raise::Invalid(format!("no key {}", key.print())))
                    }
                };
            }
            "setdefault" => {
                let key = args.need(0, "key")?.clone();
                if let Some((_, found)) = entries.iter().find(|(found, _)| found.equals(&key)) {
                    return Ok(found.clone());
                }
                let value = args.get(1, "default").cloned().unwrap_or(Value::Null);
                entries.push((key, value.clone()));
                return Ok(value);
            }
            _ => return Err(Raise::Type),
        }
        return Ok(Value::Null);
    }
    let items = owned_list(place).ok_or(Raise::Type)?;
    match name {
        "append" => items.push(args.need(0, "object")?.clone()),
        "extend" => items.extend(args.need(0, "iterable")?.walk().ok_or(Raise::Type)?),
        "insert" => {
            let len = i128::try_from(items.len()).map_err(|_| Raise::Type)?;
            let at = args.int(0, "index")?.ok_or(Raise::Type)?;
            let at = if at < 0 { (at + len).max(0) } else { at.min(len) };
            items.insert(usize::try_from(at).map_err(|_| Raise::Type)?, args.need(1, "object")?.clone());
        }
        "pop" => {
            let at = args.int(0, "index")?.unwrap_or(-1);
            let at = wrapped(at, items.len()).ok_or_else(|| Raise::Invalid("pop index out of range".to_owned()))?;
            return Ok(items.remove(at));
        }
        "remove" => {
            let wanted = args.need(0, "value")?;
            let at = items.iter().position(|item| item.equals(wanted));
            items.remove(at.ok_or_else(|| Raise::Invalid("not in list".to_owned()))?);
        }
        "reverse" => items.reverse(),
        "sort" => {
            let keyed = std::mem::take(items).into_iter().map(|item| (item.clone(), item)).collect();
            *items = sorted(keyed, args.flag(9, "reverse"))?;
        }
        _ => return Err(Raise::Type),
    }
    Ok(Value::Null)
}

fn text_method<'a>(text: &str, name: &str, args: &Called<'a>) -> Outcome<Value<'a>> {
    let need = |index: usize, name: &str| args.text(index, name)?.ok_or(Raise::Type);
    let count =
        |at: Option<usize>| Value::Int(at.and_then(|at| i128::try_from(text[..at].chars().count()).ok()).unwrap_or(-1));
    let strip = |start: bool, end: bool| -> Outcome<Value<'a>> {
        let chars = args.text(0, "chars")?;
        let cut = |c: char| chars.map_or_else(|| c.is_whitespace(), |chars| chars.contains(c));
        let rest = if start { text.trim_start_matches(cut) } else { text };
        Ok(Value::text(if end { rest.trim_end_matches(cut) } else { rest }))
    };
    let fixes = |accept: fn(&str, &str) -> bool| -> Outcome<Value<'a>> {
        let found = match args.need(0, "prefix")? {
            Value::Text(part) => accept(text, part),
            Value::Tuple(parts) => {
                let mut found = false;
                for part in parts.iter() {
                    let Value::Text(part) = part else { return Err(Raise::Type) };
                    found |= accept(text, part);
                }
                found
            }
            // Given undefined, too, this is a plain type error in Python.
            _ => return Err(Raise::Type),
        };
        Ok(Value::Bool(found))
    };
    let all = |test: fn(char) -> bool| Value::Bool(!text.is_empty() && text.chars().all(test));
    Ok(match name {
        "lower" => Value::text(text.to_lowercase()),
        "upper" => Value::text(text.to_uppercase()),
        "title" => Value::text(python_title(text)),
        "capitalize" => Value::text(capitalized(text)),
        "strip" => strip(true, true)?,
        "lstrip" => strip(true, false)?,
        "rstrip" => strip(false, true)?,
        "split" | "rsplit" => split(text, args, name == "rsplit")?,
        "splitlines" => Value::list(text.lines().map(Value::text).collect()),
        "join" => {
            let parts = args.need(0, "iterable")?.walk().ok_or(Raise::Type)?;
            let parts = parts.into_iter().map(|part| match part {
                Value::Text(part) => Ok(part),
                _ => Err(Raise::Type),
            });
            Value::text(joined(parts, text)?)
        }
        "replace" => Value::text(replaced(text, need(0, "old")?, need(1, "new")?, args.int(2, "count")?)?),
        "startswith" => fixes(|text, part| text.starts_with(part))?,
        "endswith" => fixes(|text, part| text.ends_with(part))?,
        "removeprefix" => Value::text(text.strip_prefix(need(0, "prefix")?).unwrap_or(text)),
        "removesuffix" => Value::text(text.strip_suffix(need(0, "suffix")?).unwrap_or(text)),
        "find" => count(text.find(need(0, "sub")?)),
        "rfind" => count(text.rfind(need(0, "sub")?)),
        "index" => match text.find(need(0, "sub")?) {
            Some(at) => count(Some(at)),
            None => return Err(Raise::Invalid("substring not found".to_owned())),
        },
        "count" => {
            let part = need(0, "sub")?;
            let found = if part.is_empty() { text.chars().count() + 1 } else { text.matches(part).count() };
            Value::Int(i128::try_from(found).unwrap_or(0))
        }
        "isdigit" => all(|c| c.is_ascii_digit() || (c.is_numeric() && c.to_digit(10).is_none() && !c.is_alphabetic())),
        "isnumeric" => all(char::is_numeric),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "zfill" => {
            let width = usize::try_from(args.int(0, "width")?.ok_or(Raise::Type)?.clamp(0, 100_000)).unwrap_or(0);
            let (sign, digits) = if text.starts_with(['+', '-']) { text.split_at(1) } else { ("", text) };
            let missing = width.saturating_sub(text.chars().count());
            Value::text(format!("{sign}{}{digits}", "0".repeat(missing)))
        }
        "format" => Value::text(format_method(text, args)?),
        // Bytes do not exist in this language; text stands for its own encoding.
        "encode" => Value::text(text),
        _ => return Err(Raise::Type),
    })
}

fn python_title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        start = !c.is_alphabetic();
    }
    out
}

fn split<'a>(text: &str, args: &Called<'a>, from_right: bool) -> Outcome<Value<'a>> {
    if matches!(args.get(0, "sep"), Some(Value::Undefined)) {
        return Err(Raise::Type);
    }
    let limit = args
        .int(1, "maxsplit")?
        .and_then(|limit| usize::try_from(limit).ok())
        .map_or(usize::MAX, |limit| limit.saturating_add(1));
    let mut parts: Vec<&str> = match args.text(0, "sep")? {
        Some("") => return Err(Raise::Invalid("empty separator".to_owned())),
        Some(between) if from_right => text.rsplitn(limit, between).collect(),
        Some(between) => text.splitn(limit, between).collect(),
        None => {
            let mut parts = Vec::new();
            let mut rest = text.trim_start();
            while !rest.is_empty() {
                if parts.len() + 1 == limit {
                    parts.push(rest.trim_end());
                    break;
                }
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                parts.push(&rest[..end]);
                rest = rest[end..].trim_start();
            }
            parts
        }
    };
    if from_right && args.text(0, "sep")?.is_some() {
        parts.reverse();
    }
    Ok(Value::list(parts.into_iter().map(Value::text).collect()))
}

fn moment_method<'a>(at: Moment, name: &str, args: &Called<'a>) -> Outcome<Value<'a>> {
    Ok(match name {
        "strftime" => Value::text(datetime::strftime(at, args.text(0, "format")?.ok_or(Raise::Type)?)),
        "isoformat" => {
            let separator = args.text(0, "sep")?.and_then(|sep| sep.chars().next()).unwrap_or('T');
            Value::text(iso_text(at, separator, args.text(1, "timespec")?))
        }
        "timestamp" => Value::Float(at.timestamp()),
        "weekday" => Value::Int(i128::from(at.local.weekday().num_days_from_monday())),
        "isoweekday" => Value::Int(i128::from(at.local.weekday().number_from_monday())),
        "date" => Value::Date(at.local.date()),
        "replace" => Value::Moment(replace_parts(at, args)?),
        "astimezone" => Value::Moment(at.to_utc()),
        "utcoffset" => match at.offset {
            None => Value::Null,
            Some(offset) => {
                Value::Span(IsoDuration { months: 0, exact: TimeDelta::seconds(i64::from(offset.local_minus_utc())) })
            }
        },
        _ => return Err(Raise::Type),
    })
}

fn replace_parts(at: Moment, args: &Called<'_>) -> Outcome<Moment> {
    let part = |index: usize, name: &str, old: u32| match args.int(index, name)? {
        None => Ok(old),
        Some(value) => u32::try_from(value).map_err(|_| date_overflow()),
    };
    let local = at.local;
    let year = match args.int(0, "year")? {
        None => local.year(),
        Some(year) => i32::try_from(year).map_err(|_| date_overflow())?,
    };
    let date = NaiveDate::from_ymd_opt(year, part(1, "month", local.month())?, part(2, "day", local.day())?);
    let time = chrono::NaiveTime::from_hms_micro_opt(
        part(3, "hour", local.hour())?,
        part(4, "minute", local.minute())?,
        part(5, "second", local.second())?,
        part(6, "microsecond", local.and_utc().timestamp_subsec_micros())?,
    );
    let (Some(date), Some(time)) = (date, time) else { return Err(date_overflow()) };
    let offset = match args.get(7, "tzinfo") {
        Some(Value::Null) => None,
        _ => at.offset,
    };
    Ok(Moment { local: date.and_time(time), offset })
}

/// `'{} {name} {0:02d}'.format(...)`.
fn format_method(format: &str, args: &Called<'_>) -> Outcome<String> {
    let mut out = String::new();
    let mut next = 0;
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let mark = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(mark) {
            out.push_str(mark);
            rest = after;
            continue;
        }
        let ("{", Some((field, after))) = (mark, rest.split_once('}')) else {
            return Err(Raise::Invalid("single brace in format text".to_owned()));
        };
        rest = after;
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let value = if name.is_empty() {
            next += 1;
            args.positional.get(next - 1).cloned()
        } else if let Ok(index) = name.parse::<usize>() {
            args.positional.get(index).cloned()
        } else {
            args.named.iter().find(|(found, _)| *found == name).map(|(_, value)| value.clone())
        };
        let value = value.ok_or_else(|| Raise::Invalid(format!("no argument for {{{name}}}")))?;
        out.push_str(&formatted(spec, &value)?);
    }
    out.push_str(rest);
    Ok(out)
}

/// A value by a format specification: `[[fill]align][sign][0][width][.precision][kind]`.
fn formatted(spec: &str, value: &Value<'_>) -> Outcome<String> {
    let letters: Vec<char> = spec.chars().collect();
    let is_align = |c: Option<&char>| c.is_some_and(|c| "<>^".contains(*c));
    let (fill, align, rest) = if is_align(letters.get(1)) {
        (letters[0], Some(letters[1]), &letters[2..])
    } else if is_align(letters.first()) {
        (' ', Some(letters[0]), &letters[1..])
    } else {
        (' ', None, &letters[..])
    };
    let (rest, kind) = match rest.split_last() {
        Some((kind, rest)) if kind.is_alphabetic() => (rest, *kind),
        _ => (rest, 's'),
    };
    let rest: String = rest.iter().collect();
    let Some(align) = align else {
        // Without an alignment text stands left and numbers stand right, as `%` pads them.
        let left = kind == 's' && value.number().is_none();
        let flags = if left && rest.starts_with(|c: char| c.is_ascii_digit()) { "-" } else { "" };
        return padded(&format!("{flags}{rest}"), kind, value);
    };
    let digits = rest.chars().position(|c| c == '.').unwrap_or(rest.chars().count());
    let (width, precision) = rest.split_at(digits);
    let body = padded(precision, kind, value)?;
    let width: usize = if width.is_empty() { 0 } else { width.parse().map_err(|_| Raise::Type)? };
    if width > 100_000 {
        return Err(Raise::Limit("a padded text is too long"));
    }
    let missing = width.saturating_sub(body.chars().count());
    let before = match align {
        '<' => 0,
        '>' => missing,
        _ => missing / 2,
    };
    let fill = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
    Ok(fill(before) + &body + &fill(missing - before))
}

/// `'%02d' % value`.
pub fn percent<'a>(format: &str, values: &Value<'_>) -> Outcome<Value<'a>> {
    let items = match values {
        Value::Tuple(items) => items.to_vec(),
        one => vec![one.clone()],
    };
    let mut used = 0;
    let mut out = String::new();
    let mut rest = format;
    let mut named = false;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let mut value = None;
        if let Some(after) = rest.strip_prefix('(') {
            let (name, after) = after.split_once(')').ok_or(Raise::Type)?;
            value = Some(values.get(&Value::text(name)).ok_or_else(|| Raise::Invalid(format!("no key {name:?}")))?);
            rest = after;
            named = true;
        }
        let spec_end = rest.find(|c: char| c.is_alphabetic()).ok_or(Raise::Type)?;
        let (spec, after) = rest.split_at(spec_end);
        let kind = after.chars().next().ok_or(Raise::Type)?;
        rest = &after[kind.len_utf8()..];
        let value = if let Some(value) = value {
            value
        } else {
            used += 1;
            items.get(used - 1).cloned().ok_or(Raise::Type)?
        };
        out.push_str(&padded(spec, kind, &value)?);
    }
    out.push_str(rest);
    if !named && used < items.len() && !values.is_map() {
        return Err(Raise::Type);
    }
    Ok(Value::text(out))
}

fn padded(spec: &str, kind: char, value: &Value<'_>) -> Outcome<String> {
    let flags: String = spec.chars().take_while(|c| "-+ 0#".contains(*c)).collect();
    let (width, precision) = spec[flags.len()..].split_once('.').unwrap_or((&spec[flags.len()..], ""));
    let width: usize = if width.is_empty() { 0 } else { width.parse().map_err(|_| Raise::Type)? };
    let places: Option<usize> =
        if precision.is_empty() { None } else { Some(precision.parse().map_err(|_| Raise::Type)?) };
    if width > 100_000 || places.is_some_and(|places| places > 1000) {
        return Err(Raise::Limit("a padded text is too long"));
    }
    let number = || value.number().ok_or_else(|| undefined_or_type(value));
    let whole = || match number()? {
        Number::Int(value) => Ok(value),
        Number::Float(value) => truncated(value),
    };
    let body = match kind {
        's' => value.print().chars().take(places.unwrap_or(usize::MAX)).collect(),
        'r' => {
            let mut out = String::new();
            value.repr(&mut out);
            out
        }
        'd' | 'i' | 'u' => whole()?.to_string(),
        'x' => format!("{:x}", whole()?),
        'X' => format!("{:X}", whole()?),
        'o' => format!("{:o}", whole()?),
        'f' | 'F' => format!("{:.*}", places.unwrap_or(6), number()?.float()),
        'e' => {
            let text = format!("{:.*e}", places.unwrap_or(6), number()?.float());
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or(0);
            format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
        'g' => float_text(number()?.float()).trim_end_matches(".0").to_owned(),
        _ => return Err(Raise::Invalid(format!("unsupported format character {kind:?}"))),
    };
    let body = match (flags.contains('+'), kind != 's' && kind != 'r' && !body.starts_with('-')) {
        (true, true) => format!("+{body}"),
        _ => body,
    };
    let missing = width.saturating_sub(body.chars().count());
    Ok(if flags.contains('-') {
        body + &" ".repeat(missing)
    } else if flags.contains('0') && kind != 's' {
        let (sign, digits) = if body.starts_with(['+', '-']) { body.split_at(1) } else { ("", body.as_str()) };
        format!("{sign}{}{digits}", "0".repeat(missing))
    } else {
        " ".repeat(missing) + &body
    })
}
