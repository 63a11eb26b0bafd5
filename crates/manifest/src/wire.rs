//! Builds one request from its component (connector-format.md, sections 4 and 7): address, parameters, headers, body, sign-in.
//!
//! Secrets never appear here: the configuration holds placeholders which `kit` swaps while it builds the wire request.

use crate::json::{Json, Map};
use crate::{
    auth,
    components::{BodySpec, Field, Place, RequestOption, Requester, Text},
    template::{Allowed, Scope, TemplateError, Value},
};
use kit::http::{Body, HttpRequest};

/// A request could not be built. `path` is the field below the requester.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct WireError {
    /// The field.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
}

impl WireError {
    /// An error in a field.
    pub fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
    pub(crate) fn template(field: &'static str) -> impl Fn(TemplateError) -> Self {
        move |error| Self::new(field, error.to_string())
    }
}

/// A value that slices and pagination inject.
#[derive(Debug, Clone)]
pub struct Injection {
    /// Where.
    pub place: Place,
    /// Under which name; more than one segment only in a JSON body.
    pub path: Vec<String>,
    /// What.
    pub value: Json,
}

impl Injection {
    /// Evaluates an option's name.
    pub fn new(option: &RequestOption, value: Json, scope: &Scope<'_>) -> Result<Self, WireError> {
        let name = |text: &Text| text.text(scope).map_err(WireError::template("request_option"));
        Ok(Self { place: option.place, path: option.path.iter().map(name).collect::<Result<_, _>>()?, value })
    }
}

/// Builds the request. `next` is the address or path of the next page when the pagination says so.
pub fn build(
    requester: &Requester,
    scope: &Scope<'_>,
    injections: &[Injection],
    next: Option<&str>,
    read_auth: bool,
) -> Result<HttpRequest, WireError> {
    let base = requester.base.text(scope).map_err(WireError::template("url_base"))?;
    let path = match (next, &requester.path) {
        (Some(next), _) => Some(next.to_owned()),
        // A path of the manifest lies below the base even if it begins with a slash.
        (None, Some(path)) => {
            Some(path.text(scope).map_err(WireError::template("path"))?.trim().trim_start_matches('/').to_owned())
        }
        (None, None) => None,
    };
    let url = join(&base, path.as_deref().unwrap_or_default());
    let mut query = own(&requester.parameters, scope, "request_parameters", Allowed::Lists)?;
    let names = scope.variable("query_properties").map(Value::to_json);
    if let (Some(properties), Some(Json::Array(names))) = (&requester.properties, names)
        && let Some(parameter) = &properties.parameter
    {
        let names: Vec<&str> = names.iter().filter_map(Json::as_str).collect();
        query.retain(|(name, _)| name != parameter);
        query.push((parameter.clone(), Json::from(names.join(","))));
    }
    let mut headers = own(&requester.headers, scope, "request_headers", Allowed::Any)?;
    let mut form = Vec::new();
    let mut raw = None;
    let mut json = Json::Object(Map::new());
    match &requester.body {
        BodySpec::None => {}
        BodySpec::Data(Field::Text(text)) => {
            let value = text.optional(scope, Allowed::Any).map_err(WireError::template("request_body_data"))?;
            match value {
                Some(map) if map.is_map() => form = entries(&map),
                Some(other) => raw = Some(other.print().into_owned()),
                None => {}
            }
        }
        BodySpec::Data(field) => form = own(field, scope, "request_body_data", Allowed::Lists)?,
        BodySpec::Json(field) => json = nested(field, scope)?.unwrap_or_else(|| Json::Object(Map::new())),
    }
    let mut injections = injections.to_vec();
    if read_auth {
        auth::place(&requester.auth, scope, &mut headers, &mut injections)?;
    }
    for injection in injections {
        match injection.place {
            Place::BodyJson => inject_json(&mut json, &injection)?,
            Place::Parameter => inject(&mut query, injection, "request_parameters")?,
            Place::Header => inject(&mut headers, injection, "request_headers")?,
            Place::BodyData if raw.is_some() => {
                return Err(WireError::new("request_body_data", "a text body cannot take injected options"));
            }
            Place::BodyData => inject(&mut form, injection, "request_body_data")?,
        }
    }
    let mut request = HttpRequest { method: requester.method.clone(), url, ..HttpRequest::default() };
    let present: Vec<(String, String)> = url::Url::parse(&request.url)
        .map(|url| url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
        .unwrap_or_default();
    for (name, value) in query {
        for text in printed(&value, "request_parameters")? {
            if !present.iter().any(|(n, v)| *n == name && *v == text) {
                request.query.push((name.clone(), text));
            }
        }
    }
    for (name, value) in headers {
        if !value.is_null() && value != "" {
            request.headers.push((name, Value::from_json(&value).print().into_owned()));
        }
    }
    let empty_json = json.as_object().is_some_and(Map::is_empty);
    request.body = match raw {
        Some(text) => Body::Text(text),
        None if !form.is_empty() => {
            let mut pairs = Vec::new();
            for (name, value) in form {
                pairs.extend(printed(&value, "request_body_data")?.into_iter().map(|text| (name.clone(), text)));
            }
            Body::Form(pairs)
        }
        None if empty_json => Body::Empty,
        None => Body::Json(json.into()),
    };
    request.read_timeout = requester.read_timeout_secs.map(std::time::Duration::from_secs);
    Ok(request)
}

/// The address of a path under a base, after RFC 3986: the base counts as a folder, an absolute address or one that begins with
/// `//` replaces it, `/x` begins at the host, `..` goes up. Done on text, because placeholders of secrets are not yet what an
/// address may hold.
pub fn join(base: &str, path: &str) -> String {
    let path: String = path.trim().chars().filter(|letter| !matches!(letter, '\t' | '\r' | '\n')).collect();
    if path.is_empty() {
        return base.to_owned();
    }
    if scheme(&path).is_some() {
        return path;
    }
    let (base_scheme, rest) = base.split_once("://").unwrap_or(("https", base));
    if path.starts_with("//") {
        return format!("{base_scheme}:{path}");
    }
    let plain = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, folder) = plain.split_at(plain.find('/').unwrap_or(plain.len()));
    // A base that goes on after its path is not a folder, so its last segment is replaced.
    let folder = if plain.len() < rest.len() { folder.rsplit_once('/').map_or("", |(above, _)| above) } else { folder };
    let (path, tail) = path.split_at(path.find(['?', '#']).unwrap_or(path.len()));
    let mut segments: Vec<&str> = Vec::new();
    if path.starts_with('/') {
        segments.extend(path.split('/').skip(1));
    } else {
        // Doubled slashes in what is put together are one.
        segments.extend(folder.split('/').filter(|segment| !segment.is_empty()));
        let own: Vec<&str> = path.split('/').collect();
        let last = own.len().saturating_sub(1);
        segments.extend(own.iter().enumerate().filter(|(at, one)| *at == last || !one.is_empty()).map(|(_, one)| *one));
    }
    let mut resolved: Vec<&str> = Vec::new();
    for segment in &segments {
        match *segment {
            ".." => {
                resolved.pop();
            }
            "." => {}
            other => resolved.push(other),
        }
    }
    if matches!(segments.last(), Some(&("." | ".."))) {
        resolved.push("");
    }
    format!("{base_scheme}://{host}/{}{tail}", resolved.join("/"))
}

/// The scheme of an absolute address.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let mut letters = scheme.chars();
    let first = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic());
    let plain = letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.'));
    (first && plain).then_some(scheme)
}

fn entries(map: &Value<'_>) -> Vec<(String, Json)> {
    let entries = map.entries().unwrap_or_default();
    entries.into_iter().map(|(key, value)| (key.print().into_owned(), value.to_json())).collect()
}

/// A map of parameters, headers or form fields; or one template that renders a map.
pub(crate) fn own(
    field: &Field,
    scope: &Scope<'_>,
    place: &'static str,
    allowed: Allowed,
) -> Result<Vec<(String, Json)>, WireError> {
    let mut own = Vec::new();
    match field {
        Field::Map(fields) => {
            for (name, value) in fields {
                let name = name.text(scope).map_err(WireError::template(place))?;
                let value = match value {
                    Field::Text(text) => {
                        text.optional(scope, allowed).map_err(WireError::template(place))?.map(|v| v.to_json())
                    }
                    Field::Other(Json::Null) => None,
                    Field::Other(other) => Some(other.clone()),
                    nested_field => nested(nested_field, scope)?,
                };
                if let Some(value) = value.filter(|value| value != "") {
                    own.push((name, value));
                }
            }
        }
        Field::Text(text) => match text.optional(scope, Allowed::Any).map_err(WireError::template(place))? {
            Some(map) if map.is_map() => own = entries(&map),
            None => {}
            Some(_) => return Err(WireError::new(place, "the template must give a map")),
        },
        Field::Other(_) | Field::List(_) => return Err(WireError::new(place, "a map was expected")),
    }
    Ok(own)
}

/// A nested body: keys and text values are templates at every depth; nulls leave maps but stay in lists.
pub(crate) fn nested(field: &Field, scope: &Scope<'_>) -> Result<Option<Json>, WireError> {
    Ok(match field {
        Field::Text(text) => {
            let value = text.optional(scope, Allowed::Any).map_err(WireError::template("request_body_json"))?;
            value.map(|value| value.to_json()).filter(|value| !value.is_null())
        }
        Field::Other(Json::Null) => None,
        Field::Other(other) => Some(other.clone()),
        Field::List(items) => {
            let each = items.iter().map(|item| Ok(nested(item, scope)?.unwrap_or(Json::Null)));
            Some(Json::Array(each.collect::<Result<_, WireError>>()?))
        }
        Field::Map(fields) => {
            let mut map = Map::new();
            for (key, value) in fields {
                let key = key.text(scope).map_err(WireError::template("request_body_json"))?;
                if let Some(value) = nested(value, scope)? {
                    map.insert(key, value);
                }
            }
            Some(Json::Object(map))
        }
    })
}

fn inject(into: &mut Vec<(String, Json)>, injection: Injection, place: &'static str) -> Result<(), WireError> {
    let name = injection.path.into_iter().next().unwrap_or_default();
    if injection.value.is_null() {
        return Ok(());
    }
    if into.iter().any(|(found, _)| *found == name) {
        return Err(WireError::new(place, format!("{name:?} comes from two sources")));
    }
    into.push((name, injection.value));
    Ok(())
}

fn inject_json(body: &mut Json, injection: &Injection) -> Result<(), WireError> {
    let clash =
        || WireError::new("request_body_json", format!("{:?} comes from two sources", injection.path.join("/")));
    let mut place = body;
    for segment in &injection.path {
        let Json::Object(map) = place else { return Err(clash()) };
        place = map.entry(segment.clone()).or_insert(Json::Object(Map::new()));
    }
    if *place == Json::Object(Map::new()) || *place == injection.value {
        *place = injection.value.clone();
        Ok(())
    } else {
        Err(clash())
    }
}

/// A value as texts: a list repeats its name, null is dropped, a map is an error.
pub(crate) fn printed(value: &Json, place: &'static str) -> Result<Vec<String>, WireError> {
    match value {
        Json::Null => Ok(Vec::new()),
        Json::Array(items) => {
            let mut texts = Vec::new();
            for item in items {
                texts.extend(printed(item, place)?);
            }
            Ok(texts)
        }
        Json::Object(_) => Err(WireError::new(place, "a value cannot be a map")),
        scalar => Ok(vec![Value::from_json(scalar).print().into_owned()]),
    }
}
