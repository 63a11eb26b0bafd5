//! Requests: address, parameters, headers, body, and values injected from elsewhere (connector-format.md, section 4).

use super::{
    Auth, Built, ErrorHandler, Field, QueryProperties, Text, auth::authenticator, errors::error_handler, part::Part,
    properties::query_properties,
};
use crate::json::Json;
use std::sync::Arc;

/// Where a request option goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The query.
    Parameter,
    /// A header.
    Header,
    /// The form.
    BodyData,
    /// The JSON body.
    BodyJson,
}

/// `RequestOption`.
#[derive(Debug, Clone)]
pub struct RequestOption {
    /// Where it goes.
    pub place: Place,
    /// Its name; more than one segment only in a JSON body.
    pub path: Vec<Text>,
}

/// A request's body.
#[derive(Debug, Clone)]
pub enum BodySpec {
    /// None of its own.
    None,
    /// A form; or, as one template, raw text.
    Data(Field),
    /// JSON.
    Json(Field),
}

/// `HttpRequester`.
#[derive(Debug, Clone)]
pub struct Requester {
    /// `url_base` or `url`.
    pub base: Text,
    /// `path`.
    pub path: Option<Text>,
    /// The verb.
    pub method: http::Method,
    /// Query parameters: a map, or one template that renders a map.
    pub parameters: Field,
    /// Headers.
    pub headers: Field,
    /// Body.
    pub body: BodySpec,
    /// Which fields the platform is asked for.
    pub properties: Option<Arc<QueryProperties>>,
    /// Sign-in.
    pub auth: Auth,
    /// What answers mean; absent: the default table.
    pub errors: Option<Arc<ErrorHandler>>,
    /// Whether answers are kept for the rest of the run, if the document says so.
    pub use_cache: Option<bool>,
    /// Longest silence, in seconds.
    pub read_timeout_secs: Option<u64>,
    /// Where it stands in the document.
    pub path_in_document: String,
}

pub(super) fn requester(part: &Part<'_>) -> Built<Requester> {
    if part.kind()? != "HttpRequester" {
        return Err(part.unsupported(part.name()));
    }
    let (base, whole) = (part.text("url_base")?, part.text("url")?);
    let base = base.or(whole).ok_or_else(|| part.invalid("url_base", "missing; an address was expected"))?;
    let method = part.plain("http_method")?.unwrap_or_else(|| "GET".to_owned());
    let method: http::Method = match method.to_ascii_uppercase().as_str() {
        known @ ("GET" | "POST" | "PUT" | "PATCH" | "DELETE") => {
            known.parse().map_err(|_| part.invalid("http_method", "not a verb"))?
        }
        other => return Err(part.invalid("http_method", format!("{other:?} is not GET, POST, PUT, PATCH or DELETE"))),
    };
    let empty = || Field::Map(Vec::new());
    let body = body(part)?;
    let headers = part.field("request_headers")?.unwrap_or_else(empty);
    let auth = match part.get("authenticator") {
        None => Auth::None,
        Some(_) => authenticator(&part.child("authenticator")?, &base)?,
    };
    if let (Some(signed), Field::Map(headers)) = (auth.header(), &headers)
        && headers.iter().any(|(name, _)| name.template().source().eq_ignore_ascii_case(&signed))
    {
        return Err(part.invalid("request_headers", format!("the header {signed} is set by the authenticator, too")));
    }
    Ok(Requester {
        base,
        path: part.text("path")?,
        method,
        parameters: part.field("request_parameters")?.unwrap_or_else(empty),
        headers,
        body,
        properties: query_properties(part)?,
        auth,
        errors: match part.get("error_handler") {
            None => None,
            Some(_) => Some(Arc::new(error_handler(&part.child("error_handler")?)?)),
        },
        use_cache: part.get("use_cache").and_then(Json::as_bool),
        read_timeout_secs: part.get("read_timeout_in_seconds").and_then(Json::as_u64),
        path_in_document: part.path.clone(),
    })
}

/// The body in its older forms (`request_body_data`, `request_body_json`) or as a typed `request_body`, which wins.
fn body(part: &Part<'_>) -> Built<BodySpec> {
    let filled = |field: &Field| !matches!(field, Field::Map(fields) if fields.is_empty());
    let mut data = part.field("request_body_data")?.filter(filled);
    let mut json = part.field("request_body_json")?.filter(filled);
    if part.get("request_body").is_some() {
        let typed = part.child("request_body")?;
        let text = || match typed.need("value")? {
            Json::String(text) => Ok(Field::Text(typed.compile("value", text)?)),
            _ => Err(typed.invalid("value", "text was expected")),
        };
        let map = || match typed.need("value")? {
            map @ Json::Object(_) => typed.field_of("value", map),
            _ => Err(typed.invalid("value", "a map was expected")),
        };
        match typed.kind()? {
            "RequestBodyPlainText" => data = Some(text()?),
            "RequestBodyUrlEncodedForm" => data = Some(map()?),
            "RequestBodyJsonObject" => json = Some(map()?),
            "RequestBodyGraphQL" => {
                let query = typed.child("value")?.known_as("RequestBodyGraphQlQuery");
                if !query.get("query").is_some_and(Json::is_string) {
                    return Err(query.invalid("query", "missing; the text of a GraphQL query was expected"));
                }
                json = Some(map()?);
            }
            _ => return Err(typed.unsupported(typed.name())),
        }
    }
    match (data, json) {
        (Some(_), Some(_)) => Err(part.invalid("request_body_json", "a request has a form or JSON, not both")),
        (Some(data), None) => Ok(BodySpec::Data(data)),
        (None, Some(json)) => Ok(BodySpec::Json(json)),
        (None, None) => Ok(BodySpec::None),
    }
}

pub(super) fn request_option(part: &Part<'_>) -> Built<RequestOption> {
    let place = match part.plain("inject_into")?.as_deref() {
        Some("request_parameter") => Place::Parameter,
        Some("header") => Place::Header,
        Some("body_data") => Place::BodyData,
        Some("body_json") => Place::BodyJson,
        _ => return Err(part.invalid("inject_into", "request_parameter, header, body_data or body_json was expected")),
    };
    let path = match (part.text("field_name")?, part.texts("field_path")?) {
        (Some(name), path) if path.is_empty() => vec![name],
        (None, path) if !path.is_empty() && place == Place::BodyJson => path,
        (None, path) if path.len() == 1 => path,
        _ => return Err(part.invalid("field_name", "either field_name or (in a JSON body) field_path was expected")),
    };
    Ok(RequestOption { place, path })
}

pub(super) fn optional_request_option(part: &Part<'_>, field: &str) -> Built<Option<RequestOption>> {
    match part.get(field) {
        None => Ok(None),
        Some(_) => request_option(&part.child(field)?).map(Some),
    }
}
