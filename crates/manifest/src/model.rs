//! The typed components of a manifest. Building them compiles every template and refuses what is wrong, with its place.
//!
//! A component we do not run is not an error of the document but of the streams that reach it: [`Fault::Unsupported`] names
//! it, and the other streams run (connector-format.md, 1.3 and 18).

use crate::{
    document::DocumentError,
    template::{Allowed, Scope, Template, TemplateError, Value},
};
use serde_json::{Map, Value as Json};
use std::sync::Arc;

/// Why a component could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The document is wrong.
    #[error(transparent)]
    Invalid(#[from] DocumentError),
    /// The document is right, but this version does not run the component.
    #[error("{path}: {component} is not supported by this version")]
    Unsupported {
        /// Its type, or the class name of a custom one, or the field with its value.
        component: String,
        /// Where it stands.
        path: String,
    },
}

type Built<T> = Result<T, Fault>;

/// A text field: the compiled template, and what it sees as `parameters`.
#[derive(Debug, Clone)]
pub struct Text {
    template: Template,
    parameters: Arc<Json>,
}

impl Text {
    fn within<T>(&self, scope: &Scope<'_>, act: impl FnOnce(&Scope<'_>) -> T) -> T {
        if self.template.reads("parameters") {
            act(&scope.clone().with("parameters", Value::from_json(&self.parameters)))
        } else {
            act(scope)
        }
    }
    /// The compiled template.
    pub fn template(&self) -> &Template {
        &self.template
    }
    /// See [`Template::value`].
    pub fn value(&self, scope: &Scope<'_>) -> Result<Value<'static>, TemplateError> {
        self.within(scope, |scope| self.template.value(scope))
    }
    /// See [`Template::text`].
    pub fn text(&self, scope: &Scope<'_>) -> Result<String, TemplateError> {
        self.within(scope, |scope| self.template.text(scope))
    }
    /// See [`Template::optional`].
    pub fn optional(&self, scope: &Scope<'_>, allowed: Allowed) -> Result<Option<Value<'static>>, TemplateError> {
        self.within(scope, |scope| self.template.optional(scope, allowed))
    }
    /// See [`Template::typed`].
    pub fn typed(&self, scope: &Scope<'_>, allowed: Allowed) -> Result<Value<'static>, TemplateError> {
        self.within(scope, |scope| self.template.typed(scope, allowed))
    }
    /// See [`Template::condition`].
    pub fn condition(&self, scope: &Scope<'_>) -> Result<bool, TemplateError> {
        self.within(scope, |scope| self.template.condition(scope))
    }
}

/// A field that is text in the YAML (a template) or any other value (taken as it is).
#[derive(Debug, Clone)]
pub enum Field {
    /// A template.
    Text(Text),
    /// A constant of another type.
    Other(Json),
    /// A map or list with templates in it.
    Map(Vec<(Text, Field)>),
    /// A list.
    List(Vec<Field>),
}

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
    /// Sign-in.
    pub auth: Auth,
    /// What answers mean; absent: the default table.
    pub errors: Option<Arc<ErrorHandler>>,
    /// Longest silence, in seconds.
    pub read_timeout_secs: Option<u64>,
    /// Where it stands in the document.
    pub path_in_document: String,
}

/// How a request is signed.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Not at all.
    None,
    /// A key in a place of the author's choice.
    ApiKey {
        /// The key.
        token: Text,
        /// Where it goes.
        option: RequestOption,
    },
    /// `Authorization: Bearer`.
    Bearer(Text),
    /// `Authorization: Basic`.
    Basic {
        /// User.
        user: Text,
        /// Password.
        password: Option<Text>,
    },
    /// One of several, picked by a value of the configuration.
    Selective {
        /// Where the value stands.
        path: Vec<String>,
        /// By value.
        choices: Vec<(String, Auth)>,
    },
    /// Brought by the connector in Rust (`metadata.syncdeck.sign_in: native`).
    Native,
}

/// What an error handler does with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Go on.
    Success,
    /// Go on without records of an error status.
    Ignore,
    /// Fail.
    Fail,
    /// Wait, again.
    Retry,
    /// Wait for the limit, again.
    RateLimited,
    /// Renew the sign-in, again.
    RefreshToken,
}

/// `HttpResponseFilter`.
#[derive(Debug, Clone)]
pub struct ResponseFilter {
    /// What happens when it matches.
    pub action: Option<Action>,
    /// Statuses.
    pub http_codes: Vec<u16>,
    /// Condition over `response` and `headers`.
    pub predicate: Option<Text>,
    /// Part of the vendor's message.
    pub message_contains: Option<String>,
    /// Shown to people.
    pub message: Option<Text>,
    /// `config_error`, `system_error` or `transient_error`; counts only with [`Action::Fail`].
    pub failure: Option<String>,
}

/// A way to find out how long to wait.
#[derive(Debug, Clone)]
pub enum Backoff {
    /// Always the same, in seconds.
    Constant(Field),
    /// Factor x 2^attempt, in seconds.
    Exponential(Option<Field>),
    /// Seconds in a header.
    Header {
        /// The header.
        name: Text,
        /// The part of its value.
        regex: Option<regex::Regex>,
        /// A wait of this many seconds or more ends the stream.
        cap_secs: Option<f64>,
    },
    /// An epoch time in a header.
    UntilHeader {
        /// The header.
        name: Text,
        /// The part of its value.
        regex: Option<regex::Regex>,
        /// At least this many seconds.
        min_secs: Option<f64>,
    },
    /// A template over the answer.
    Response(Text),
}

/// `DefaultErrorHandler`, or several in a `CompositeErrorHandler`.
#[derive(Debug, Clone)]
pub struct ErrorHandler {
    /// The children in order; one for a `DefaultErrorHandler`.
    pub children: Vec<ErrorChild>,
    /// True for a `CompositeErrorHandler`.
    pub composite: bool,
}

/// `DefaultErrorHandler`.
#[derive(Debug, Clone)]
pub struct ErrorChild {
    /// In order; the first match decides.
    pub filters: Vec<ResponseFilter>,
    /// In order; the first that answers decides.
    pub backoffs: Vec<Backoff>,
    /// Repetitions after the first attempt; absent: 5.
    pub max_retries: Option<Field>,
}

/// How pages follow each other.
#[derive(Debug, Clone)]
pub struct Paginator {
    /// How.
    pub strategy: Strategy,
    /// Where the page size goes.
    pub size_option: Option<RequestOption>,
    /// Where the token goes.
    pub token: TokenTarget,
}

/// Where a page token goes.
#[derive(Debug, Clone)]
pub enum TokenTarget {
    /// Only templates see it.
    Nowhere,
    /// It is the address of the next page.
    Path,
    /// Into the request.
    Option(RequestOption),
}

/// A pagination strategy.
#[derive(Debug, Clone)]
pub enum Strategy {
    /// `PageIncrement`.
    Page {
        /// Records of a full page.
        size: Option<Field>,
        /// Number of the first page.
        start: i64,
        /// Whether the first request carries it.
        on_first: bool,
    },
    /// `OffsetIncrement`.
    Offset {
        /// Records of a full page.
        size: Option<Field>,
        /// Whether the first request carries 0.
        on_first: bool,
    },
    /// `CursorPagination`.
    Cursor {
        /// The next token.
        value: Box<Text>,
        /// When to stop.
        stop: Option<Box<Text>>,
        /// Records of a full page.
        size: Option<Field>,
    },
}

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

/// `DpathExtractor`, with its expander.
#[derive(Debug, Clone)]
pub struct Extractor {
    /// The path to the records.
    pub path: Vec<Text>,
    /// Records inside records.
    pub expander: Option<Expander>,
}

/// `RecordExpander`.
#[derive(Debug, Clone)]
pub struct Expander {
    /// The nested list.
    pub path: Vec<Text>,
    /// Keep the parent under `original_record`.
    pub keep_original: bool,
    /// Lay the item over its parent.
    pub merge_parent: bool,
    /// Values copied from the parent: from where, to where.
    pub parent_fields: Vec<(Vec<Text>, Vec<Text>)>,
    /// A parent without items is a record itself.
    pub emit_parent: bool,
}

/// `RecordSelector`.
#[derive(Debug, Clone)]
pub struct Selector {
    /// Finds records.
    pub extractor: Extractor,
    /// Keeps some.
    pub filter: Option<Text>,
    /// Transforms before it filters.
    pub transform_first: bool,
}

/// A change of records.
#[derive(Debug, Clone)]
pub enum Transformation {
    /// `AddFields`.
    Add {
        /// Path, value and the literals accepted.
        fields: Vec<(Vec<Text>, Field, Allowed)>,
        /// Only where it holds.
        condition: Option<Text>,
    },
    /// `RemoveFields`.
    Remove {
        /// Paths with globs.
        pointers: Vec<Vec<String>>,
        /// Only where it holds.
        condition: Option<Text>,
    },
    /// `FlattenFields`.
    Flatten {
        /// Whether lists are flattened, too.
        lists: bool,
    },
    /// `DpathFlattenFields`.
    Lift {
        /// The map that is lifted into the record.
        path: Vec<Text>,
        /// Remove it where it was.
        delete_origin: bool,
        /// It becomes the record.
        replace_record: bool,
        /// Put in front of the lifted keys, and behind them.
        affix: Option<(Text, Text)>,
    },
    /// `KeysToLower`.
    KeysToLower,
    /// `KeysToSnakeCase`.
    KeysToSnakeCase,
    /// `KeysReplace`.
    KeysReplace {
        /// Part of a key.
        old: Text,
        /// What stands there afterwards.
        new: Text,
    },
}

/// `DatetimeBasedCursor`.
#[derive(Debug, Clone)]
pub struct Cursor {
    /// The record's field.
    pub field: Text,
    /// Format of windows and requests.
    pub format: String,
    /// Formats of records and states, tried before `format`.
    pub formats: Vec<String>,
    /// Start.
    pub start: MinMax,
    /// End; absent: now.
    pub end: Option<MinMax>,
    /// Length of a window.
    pub step: Option<Text>,
    /// Distance between the end of a window and the start of the next.
    pub granularity: Option<Text>,
    /// How far back to read again.
    pub lookback: Option<Text>,
    /// Name of a window's start in the slice.
    pub start_key: Text,
    /// Name of its end.
    pub end_key: Text,
    /// Where the start goes.
    pub start_option: Option<RequestOption>,
    /// Where the end goes.
    pub end_option: Option<RequestOption>,
    /// Windows without length are skipped.
    pub strict: bool,
    /// Windows are rounded to periods.
    pub clamping: Option<Clamping>,
}

/// Rounding of windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clamping {
    /// To days.
    Day,
    /// To weeks that begin on this day, 0 = Monday.
    Week(u32),
    /// To months.
    Month,
}

/// `MinMaxDatetime`.
#[derive(Debug, Clone)]
pub struct MinMax {
    /// The date.
    pub value: Text,
    /// Its format; absent: the cursor's.
    pub format: Option<String>,
    /// Not before.
    pub min: Option<Text>,
    /// Not after.
    pub max: Option<Text>,
}

/// A partition router.
#[derive(Debug, Clone)]
pub enum Router {
    /// `ListPartitionRouter`.
    List {
        /// The values.
        values: Box<Field>,
        /// Key in the slice.
        key: Box<Text>,
        /// Where it goes.
        option: Option<RequestOption>,
    },
    /// `SubstreamPartitionRouter`.
    Substream(Vec<Parent>),
    /// `GroupingPartitionRouter`.
    Grouping {
        /// How many.
        size: usize,
        /// Of what.
        inner: Box<Router>,
        /// Each value once.
        deduplicate: bool,
    },
}

/// `ParentStreamConfig`.
#[derive(Debug, Clone)]
pub struct Parent {
    /// The parent.
    pub stream: Arc<Stream>,
    /// The key in its records.
    pub key: Vec<Text>,
    /// Its name in the slice.
    pub partition_field: Text,
    /// Where it goes.
    pub option: Option<RequestOption>,
    /// More fields for templates.
    pub extra_fields: Vec<Vec<Text>>,
}

/// `SimpleRetriever`.
#[derive(Debug, Clone)]
pub struct Retriever {
    /// Asks.
    pub requester: Requester,
    /// Reads the answer.
    pub decoder: Decoder,
    /// Finds records in it.
    pub selector: Selector,
    /// Asks for more.
    pub paginator: Option<Paginator>,
    /// Asks per partition.
    pub routers: Vec<Router>,
    /// Pages after the first leave slice options out.
    pub slice_only_on_first: bool,
}

/// `DeclarativeStream`.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// How it is read.
    pub retriever: Retriever,
    /// Windows.
    pub cursor: Option<Cursor>,
    /// Changes of its records.
    pub transformations: Vec<Transformation>,
    /// Where the platform's own number of all records stands in a page (`metadata.syncdeck.total` of our connectors).
    pub total: Option<Vec<String>>,
    /// The part of the platform whose request limits count apart (`metadata.syncdeck.budget`); empty: the account as a whole.
    pub budget_scope: String,
    /// Which parents are the same: the stream as JSON.
    pub identity: String,
}

/// A component of the plain document.
struct Part<'a> {
    map: &'a Map<String, Json>,
    path: String,
    parameters: Arc<Json>,
}

impl<'a> Part<'a> {
    fn new(value: &'a Json, path: &str) -> Built<Self> {
        let map = value
            .as_object()
            .ok_or_else(|| DocumentError::new(path, "a component (a map with a type) was expected"))?;
        let parameters = Arc::new(map.get("$parameters").cloned().unwrap_or_else(|| Json::Object(Map::new())));
        Ok(Self { map, path: path.to_owned(), parameters })
    }
    fn at(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}/{field}", self.path) }
    }
    fn invalid(&self, field: &str, message: impl Into<String>) -> Fault {
        Fault::Invalid(DocumentError::new(self.at(field), message))
    }
    fn unsupported(&self, component: impl Into<String>) -> Fault {
        Fault::Unsupported { component: component.into(), path: self.path.clone() }
    }
    fn kind(&self) -> Built<&'a str> {
        self.map
            .get("type")
            .and_then(Json::as_str)
            .ok_or_else(|| self.invalid("type", "the component does not say its type"))
    }
    /// The component's class name, for custom ones, else its type.
    fn name(&self) -> String {
        let name = self.map.get("class_name").or_else(|| self.map.get("type"));
        name.and_then(Json::as_str).unwrap_or("a component without a type").to_owned()
    }
    fn get(&self, field: &str) -> Option<&'a Json> {
        self.map.get(field).filter(|value| !value.is_null())
    }
    fn need(&self, field: &str) -> Built<&'a Json> {
        self.get(field).ok_or_else(|| self.invalid(field, "missing"))
    }
    fn child(&self, field: &str) -> Built<Part<'a>> {
        Part::new(self.need(field)?, &self.at(field))
    }
    fn children(&self, field: &str) -> Built<Vec<Part<'a>>> {
        match self.get(field) {
            None => Ok(Vec::new()),
            Some(Json::Array(items)) => {
                items.iter().enumerate().map(|(i, item)| Part::new(item, &self.at(&format!("{field}/{i}")))).collect()
            }
            Some(one) => Ok(vec![Part::new(one, &self.at(field))?]),
        }
    }
    fn compile(&self, field: &str, source: &str) -> Built<Text> {
        let template =
            Template::new(source).map_err(|error| self.invalid(field, format!("the template is broken: {error}")))?;
        Ok(Text { template, parameters: Arc::clone(&self.parameters) })
    }
    fn text_of(&self, field: &str, value: &Json) -> Built<Text> {
        match value {
            Json::String(text) => self.compile(field, text),
            Json::Number(number) => self.compile(field, &number.to_string()),
            Json::Bool(value) => self.compile(field, if *value { "True" } else { "False" }),
            _ => Err(self.invalid(field, "text was expected")),
        }
    }
    fn text(&self, field: &str) -> Built<Option<Text>> {
        self.get(field).map(|value| self.text_of(field, value)).transpose()
    }
    fn need_text(&self, field: &str) -> Built<Text> {
        self.text_of(field, self.need(field)?)
    }
    fn plain(&self, field: &str) -> Built<Option<String>> {
        match self.get(field) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.invalid(field, "text was expected")),
        }
    }
    fn texts(&self, field: &str) -> Built<Vec<Text>> {
        match self.get(field) {
            None => Ok(Vec::new()),
            Some(Json::Array(items)) => items.iter().map(|item| self.text_of(field, item)).collect(),
            Some(one) => Ok(vec![self.text_of(field, one)?]),
        }
    }
    fn field_of(&self, field: &str, value: &Json) -> Built<Field> {
        Ok(match value {
            Json::String(text) => Field::Text(self.compile(field, text)?),
            Json::Object(map)
                if map.contains_key("type") && map.get("type").is_some_and(|kind| kind == "QueryProperties") =>
            {
                return Err(Fault::Unsupported { component: "QueryProperties".to_owned(), path: self.at(field) });
            }
            Json::Object(map) => {
                let entries = map.iter().filter(|(key, _)| *key != "$parameters");
                let each = entries.map(|(key, value)| Ok((self.compile(field, key)?, self.field_of(field, value)?)));
                Field::Map(each.collect::<Built<_>>()?)
            }
            Json::Array(items) => {
                Field::List(items.iter().map(|item| self.field_of(field, item)).collect::<Built<_>>()?)
            }
            other => Field::Other(other.clone()),
        })
    }
    fn field(&self, field: &str) -> Built<Option<Field>> {
        self.get(field).map(|value| self.field_of(field, value)).transpose()
    }
    fn flag(&self, field: &str) -> Built<bool> {
        match self.get(field) {
            None => Ok(false),
            Some(Json::Bool(value)) => Ok(*value),
            Some(_) => Err(self.invalid(field, "true or false was expected")),
        }
    }
    fn refuse(&self, fields: &[&str]) -> Built<()> {
        match fields.iter().find(|field| self.get(field).is_some_and(|value| *value != Json::Bool(false))) {
            None => Ok(()),
            Some(field) => {
                Err(Fault::Unsupported { component: format!("{}.{field}", self.name()), path: self.at(field) })
            }
        }
    }
}

/// Builds a stream from the plain document. `path` is where it stands.
pub fn stream(value: &Json, path: &str) -> Result<Stream, Fault> {
    let part = Part::new(value, path)?;
    if part.kind()? != "DeclarativeStream" {
        return Err(part.unsupported(part.name()));
    }
    part.refuse(&["file_uploader"])?;
    let retriever = retriever(&part.child("retriever")?)?;
    let cursor = match part.get("incremental_sync") {
        None => None,
        Some(_) => Some(cursor(&part.child("incremental_sync")?)?),
    };
    let transformations = part.children("transformations")?.iter().map(transformation).collect::<Built<Vec<_>>>()?;
    let name = part.plain("name")?.unwrap_or_default();
    Ok(Stream {
        name,
        retriever,
        cursor,
        transformations,
        total: None,
        budget_scope: String::new(),
        identity: value.to_string(),
    })
}

fn retriever(part: &Part<'_>) -> Built<Retriever> {
    if part.kind()? != "SimpleRetriever" {
        return Err(part.unsupported(part.name()));
    }
    part.refuse(&["pagination_reset", "page_size_reduction", "request_window_splitting"])?;
    Ok(Retriever {
        requester: requester(&part.child("requester")?)?,
        decoder: match part.get("decoder") {
            None => Decoder::Json,
            Some(_) => decoder(&part.child("decoder")?)?,
        },
        selector: selector(&part.child("record_selector")?)?,
        paginator: match part.get("paginator") {
            None => None,
            Some(_) => paginator(&part.child("paginator")?)?,
        },
        routers: part.children("partition_router")?.iter().map(router).collect::<Built<_>>()?,
        slice_only_on_first: part.flag("ignore_stream_slicer_parameters_on_paginated_requests")?,
    })
}

fn requester(part: &Part<'_>) -> Built<Requester> {
    if part.kind()? != "HttpRequester" {
        return Err(part.unsupported(part.name()));
    }
    part.refuse(&["query_properties", "fetch_properties_from_endpoint", "request_body"])?;
    let base = part.text("url_base")?.map_or_else(|| part.text("url"), |base| Ok(Some(base)))?;
    let base = base.ok_or_else(|| part.invalid("url_base", "missing; an address was expected"))?;
    let method = part.plain("http_method")?.unwrap_or_else(|| "GET".to_owned());
    let method: http::Method = match method.to_ascii_uppercase().as_str() {
        known @ ("GET" | "POST" | "PUT" | "PATCH" | "DELETE") => {
            known.parse().map_err(|_| part.invalid("http_method", "not a verb"))?
        }
        other => return Err(part.invalid("http_method", format!("{other:?} is not GET, POST, PUT, PATCH or DELETE"))),
    };
    let empty = || Field::Map(Vec::new());
    let (data, json) = (part.field("request_body_data")?, part.field("request_body_json")?);
    let body = match (data, json) {
        (Some(_), Some(_)) => return Err(part.invalid("request_body_json", "a request has a form or JSON, not both")),
        (Some(data), None) => BodySpec::Data(data),
        (None, Some(json)) => BodySpec::Json(json),
        (None, None) => BodySpec::None,
    };
    let headers = part.field("request_headers")?.unwrap_or_else(empty);
    let auth = match part.get("authenticator") {
        None => Auth::None,
        Some(_) => authenticator(&part.child("authenticator")?)?,
    };
    let signed = match &auth {
        Auth::Bearer(_) | Auth::Basic { .. } => Some("authorization".to_owned()),
        Auth::ApiKey { option, .. } if option.place == Place::Header => {
            option.path.first().map(|name| name.template().source().to_ascii_lowercase())
        }
        _ => None,
    };
    if let (Some(signed), Field::Map(headers)) = (signed, &headers)
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
        auth,
        errors: match part.get("error_handler") {
            None => None,
            Some(_) => Some(Arc::new(error_handler(&part.child("error_handler")?)?)),
        },
        read_timeout_secs: part.get("read_timeout_in_seconds").and_then(Json::as_u64),
        path_in_document: part.path.clone(),
    })
}

fn request_option(part: &Part<'_>) -> Built<RequestOption> {
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

fn optional_request_option(part: &Part<'_>, field: &str) -> Built<Option<RequestOption>> {
    match part.get(field) {
        None => Ok(None),
        Some(_) => request_option(&part.child(field)?).map(Some),
    }
}

fn authenticator(part: &Part<'_>) -> Built<Auth> {
    Ok(match part.kind()? {
        "NoAuth" => Auth::None,
        "BearerAuthenticator" => Auth::Bearer(part.need_text("api_token")?),
        "BasicHttpAuthenticator" => Auth::Basic { user: part.need_text("username")?, password: part.text("password")? },
        "ApiKeyAuthenticator" => Auth::ApiKey {
            token: part.text("api_token")?.map_or_else(|| part.compile("api_token", ""), Ok)?,
            option: match (part.get("inject_into"), part.text("header")?) {
                (Some(_), _) => request_option(&part.child("inject_into")?)?,
                (None, Some(header)) => RequestOption { place: Place::Header, path: vec![header] },
                (None, None) => return Err(part.invalid("inject_into", "missing; the place of the key was expected")),
            },
        },
        "SelectiveAuthenticator" => {
            let Some(choices) = part.need("authenticators")?.as_object() else {
                return Err(part.invalid("authenticators", "a map of authenticators was expected"));
            };
            let mut built = Vec::new();
            for (name, choice) in choices.iter().filter(|(name, _)| *name != "$parameters") {
                built.push((
                    name.clone(),
                    authenticator(&Part::new(choice, &part.at(&format!("authenticators/{name}")))?)?,
                ));
            }
            let path = part.texts("authenticator_selection_path")?;
            Auth::Selective {
                path: path.iter().map(|text| text.template().source().to_owned()).collect(),
                choices: built,
            }
        }
        _ => return Err(part.unsupported(part.name())),
    })
}

fn error_handler(part: &Part<'_>) -> Built<ErrorHandler> {
    match part.kind()? {
        "DefaultErrorHandler" => Ok(ErrorHandler { children: vec![error_child(part)?], composite: false }),
        "CompositeErrorHandler" => {
            let mut children = Vec::new();
            for child in part.children("error_handlers")? {
                match child.kind()? {
                    "DefaultErrorHandler" => children.push(error_child(&child)?),
                    "CompositeErrorHandler" => children.extend(error_handler(&child)?.children),
                    _ => return Err(child.unsupported(child.name())),
                }
            }
            if children.is_empty() {
                return Err(part.invalid("error_handlers", "at least one error handler was expected"));
            }
            Ok(ErrorHandler { children, composite: true })
        }
        _ => Err(part.unsupported(part.name())),
    }
}

fn error_child(part: &Part<'_>) -> Built<ErrorChild> {
    let filters = part.children("response_filters")?.iter().map(response_filter).collect::<Built<_>>()?;
    let backoffs = part.children("backoff_strategies")?.iter().map(backoff).collect::<Built<_>>()?;
    Ok(ErrorChild { filters, backoffs, max_retries: part.field("max_retries")? })
}

fn response_filter(part: &Part<'_>) -> Built<ResponseFilter> {
    let action = match part.plain("action")?.as_deref() {
        None => None,
        Some("SUCCESS") => Some(Action::Success),
        Some("IGNORE") => Some(Action::Ignore),
        Some("FAIL") => Some(Action::Fail),
        Some("RETRY") => Some(Action::Retry),
        Some("RATE_LIMITED") => Some(Action::RateLimited),
        Some("REFRESH_TOKEN_THEN_RETRY") => Some(Action::RefreshToken),
        Some(other @ ("RESET_PAGINATION" | "REDUCE_PAGE_SIZE" | "SPLIT_REQUEST_WINDOW")) => {
            return Err(Fault::Unsupported { component: format!("action {other}"), path: part.at("action") });
        }
        Some(other) => return Err(part.invalid("action", format!("{other:?} is not an action"))),
    };
    let mut http_codes = Vec::new();
    for code in part.get("http_codes").and_then(Json::as_array).into_iter().flatten() {
        let number = code.as_u64().or_else(|| code.as_str()?.parse().ok()).and_then(|code| u16::try_from(code).ok());
        http_codes.push(number.ok_or_else(|| part.invalid("http_codes", format!("{code} is not a status")))?);
    }
    Ok(ResponseFilter {
        action,
        http_codes,
        predicate: part.text("predicate")?,
        message_contains: part.plain("error_message_contains")?,
        message: part.text("error_message")?,
        failure: part.plain("failure_type")?,
    })
}

fn backoff(part: &Part<'_>) -> Built<Backoff> {
    let regex = |field: &str| match part.plain(field)? {
        None => Ok(None),
        // The reference matches from the start of the value.
        Some(source) => regex::Regex::new(&format!("^(?:{source})"))
            .map(Some)
            .map_err(|error| part.invalid(field, format!("the expression is broken: {error}"))),
    };
    Ok(match part.kind()? {
        "ConstantBackoffStrategy" => {
            part.refuse(&["jitter_range_in_seconds"])?;
            Backoff::Constant(part.field_of("backoff_time_in_seconds", part.need("backoff_time_in_seconds")?)?)
        }
        "ExponentialBackoffStrategy" => Backoff::Exponential(part.field("factor")?),
        "WaitTimeFromHeader" => Backoff::Header {
            name: part.need_text("header")?,
            regex: regex("regex")?,
            cap_secs: part.get("max_waiting_time_in_seconds").and_then(Json::as_f64),
        },
        "WaitUntilTimeFromHeader" => Backoff::UntilHeader {
            name: part.need_text("header")?,
            regex: regex("regex")?,
            min_secs: part.get("min_wait").and_then(|wait| wait.as_f64().or_else(|| wait.as_str()?.parse().ok())),
        },
        "WaitTimeFromResponse" => Backoff::Response(part.need_text("wait_time_in_seconds")?),
        _ => return Err(part.unsupported(part.name())),
    })
}

fn paginator(part: &Part<'_>) -> Built<Option<Paginator>> {
    match part.kind()? {
        "NoPagination" => return Ok(None),
        "DefaultPaginator" => {}
        _ => return Err(part.unsupported(part.name())),
    }
    let inner = part.child("pagination_strategy")?;
    let strategy = match inner.kind()? {
        "PageIncrement" => Strategy::Page {
            size: inner.field("page_size")?,
            start: match inner.get("start_from_page") {
                None => 0,
                Some(start) => {
                    start.as_i64().ok_or_else(|| inner.invalid("start_from_page", "a whole number was expected"))?
                }
            },
            on_first: inner.flag("inject_on_first_request")?,
        },
        "OffsetIncrement" => {
            Strategy::Offset { size: inner.field("page_size")?, on_first: inner.flag("inject_on_first_request")? }
        }
        "CursorPagination" => {
            let size = inner.field("page_size")?;
            let value = Box::new(inner.need_text("cursor_value")?);
            let stop = inner.text("stop_condition")?.map(Box::new);
            let reads = |text: &Text| text.template().reads("page_size");
            if size.is_none() && (reads(&value) || stop.as_deref().is_some_and(reads)) {
                return Err(inner.invalid("page_size", "a template uses it, but it is not declared"));
            }
            Strategy::Cursor { value, stop, size }
        }
        _ => return Err(inner.unsupported(inner.name())),
    };
    let has_size = matches!(
        &strategy,
        Strategy::Page { size: Some(_), .. }
            | Strategy::Offset { size: Some(_), .. }
            | Strategy::Cursor { size: Some(_), .. }
    );
    let size_option = optional_request_option(part, "page_size_option")?;
    if size_option.is_some() && !has_size {
        return Err(part.invalid("page_size_option", "the strategy declares no page_size"));
    }
    let token = if part.get("page_token_option").is_none() {
        TokenTarget::Nowhere
    } else {
        let option = part.child("page_token_option")?;
        if option.kind()? == "RequestPath" { TokenTarget::Path } else { TokenTarget::Option(request_option(&option)?) }
    };
    Ok(Some(Paginator { strategy, size_option, token }))
}

fn decoder(part: &Part<'_>) -> Built<Decoder> {
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

fn selector(part: &Part<'_>) -> Built<Selector> {
    if part.kind()? != "RecordSelector" {
        return Err(part.unsupported(part.name()));
    }
    if part.get("schema_normalization").is_some_and(|kind| kind != "None") {
        return Err(Fault::Unsupported {
            component: "schema_normalization".to_owned(),
            path: part.at("schema_normalization"),
        });
    }
    let inner = part.child("extractor")?;
    if inner.kind()? != "DpathExtractor" {
        return Err(inner.unsupported(inner.name()));
    }
    let filter = if part.get("record_filter").is_none() {
        None
    } else {
        let filter = part.child("record_filter")?;
        if filter.kind()? != "RecordFilter" {
            return Err(filter.unsupported(filter.name()));
        }
        filter.text("condition")?
    };
    let expander = match inner.get("record_expander") {
        None => None,
        Some(_) => Some(expander(&inner.child("record_expander")?)?),
    };
    let extractor = Extractor { path: inner.texts("field_path")?, expander };
    Ok(Selector { extractor, filter, transform_first: part.flag("transform_before_filtering")? })
}

fn expander(part: &Part<'_>) -> Built<Expander> {
    part.refuse(&["truncation_indicator_path", "truncated_list_retriever"])?;
    let mut parent_fields = Vec::new();
    for field in part.children("parent_fields")? {
        let pair = (field.texts("parent_path")?, field.texts("record_path")?);
        if pair.0.is_empty() || pair.1.is_empty() {
            return Err(field.invalid("parent_path", "both paths need at least one segment"));
        }
        parent_fields.push(pair);
    }
    Ok(Expander {
        path: part.texts("expand_records_from_field")?,
        keep_original: part.flag("remain_original_record")?,
        merge_parent: part.flag("merge_parent")?,
        parent_fields,
        emit_parent: match part.plain("on_no_records")?.as_deref() {
            None | Some("skip") => false,
            Some("emit_parent") => true,
            Some(other) => {
                return Err(part.invalid("on_no_records", format!("{other:?} is neither skip nor emit_parent")));
            }
        },
    })
}

fn transformation(part: &Part<'_>) -> Built<Transformation> {
    Ok(match part.kind()? {
        "AddFields" => {
            let mut fields = Vec::new();
            for field in part.children("fields")? {
                let allowed = match field.plain("value_type")?.as_deref() {
                    None => Allowed::Any,
                    Some("string") => Allowed::Strings,
                    Some("number") => Allowed::Floats,
                    Some("integer") => Allowed::Integers,
                    Some("boolean") => Allowed::Booleans,
                    Some(other) => return Err(field.invalid("value_type", format!("{other:?} is not a type"))),
                };
                let path = field.texts("path")?;
                if path.is_empty() {
                    return Err(field.invalid("path", "at least one segment was expected"));
                }
                fields.push((path, field.field_of("value", field.need("value")?)?, allowed));
            }
            Transformation::Add { fields, condition: part.text("condition")? }
        }
        "RemoveFields" => {
            let mut pointers = Vec::new();
            for pointer in part.need("field_pointers")?.as_array().into_iter().flatten() {
                let segments = pointer
                    .as_array()
                    .ok_or_else(|| part.invalid("field_pointers", "lists of segments were expected"))?;
                let segment = |segment: &Json| segment.as_str().map_or_else(|| segment.to_string(), str::to_owned);
                pointers.push(segments.iter().map(segment).collect());
            }
            Transformation::Remove { pointers, condition: part.text("condition")? }
        }
        "FlattenFields" => {
            Transformation::Flatten { lists: part.get("flatten_lists").is_none_or(|flag| *flag != Json::Bool(false)) }
        }
        "DpathFlattenFields" => Transformation::Lift {
            path: part.texts("field_path")?,
            delete_origin: part.flag("delete_origin_value")?,
            replace_record: part.flag("replace_record")?,
            affix: if part.get("key_transformation").is_none() {
                None
            } else {
                let keys = part.child("key_transformation")?;
                let side = |field: &str| keys.text(field)?.map_or_else(|| keys.compile(field, ""), Ok);
                Some((side("prefix")?, side("suffix")?))
            },
        },
        "KeysToLower" => Transformation::KeysToLower,
        "KeysToSnakeCase" => Transformation::KeysToSnakeCase,
        "KeysReplace" => Transformation::KeysReplace { old: part.need_text("old")?, new: part.need_text("new")? },
        _ => return Err(part.unsupported(part.name())),
    })
}

/// Builds a datetime cursor from its component.
pub fn datetime_cursor(value: &Json) -> Result<Cursor, Fault> {
    cursor(&Part::new(value, "incremental_sync")?)
}

fn cursor(part: &Part<'_>) -> Built<Cursor> {
    if part.kind()? != "DatetimeBasedCursor" {
        return Err(part.unsupported(part.name()));
    }
    part.refuse(&["is_data_feed", "is_client_side_incremental"])?;
    let format = part.plain("datetime_format")?.ok_or_else(|| part.invalid("datetime_format", "missing"))?;
    let formats = part.get("cursor_datetime_formats").and_then(Json::as_array).into_iter().flatten();
    let step = part.text("step")?;
    let granularity = part.text("cursor_granularity")?;
    if step.is_some() != granularity.is_some() {
        return Err(part.invalid("step", "step and cursor_granularity are given together or not at all"));
    }
    let key = |field: &str, default: &str| part.text(field)?.map_or_else(|| part.compile(field, default), Ok);
    let clamping = match part.get("clamping") {
        None => None,
        Some(clamping) => {
            let target = clamping.get("target").and_then(Json::as_str).unwrap_or_default();
            let weekday = clamping.pointer("/target_details/weekday").and_then(Json::as_str).unwrap_or("MONDAY");
            let days = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];
            match (target, days.iter().position(|day| day.eq_ignore_ascii_case(weekday))) {
                ("DAY", _) => Some(Clamping::Day),
                ("MONTH", _) => Some(Clamping::Month),
                ("WEEK", Some(day)) => Some(Clamping::Week(u32::try_from(day).unwrap_or(0))),
                _ => return Err(part.invalid("clamping", "DAY, WEEK with a weekday, or MONTH was expected")),
            }
        }
    };
    Ok(Cursor {
        field: part.need_text("cursor_field")?,
        format,
        formats: formats.filter_map(Json::as_str).map(str::to_owned).collect(),
        start: min_max(part, "start_datetime")?.ok_or_else(|| part.invalid("start_datetime", "missing"))?,
        end: min_max(part, "end_datetime")?,
        step,
        granularity,
        lookback: part.text("lookback_window")?,
        start_key: key("partition_field_start", "start_time")?,
        end_key: key("partition_field_end", "end_time")?,
        start_option: optional_request_option(part, "start_time_option")?,
        end_option: optional_request_option(part, "end_time_option")?,
        strict: part.flag("is_compare_strictly")?,
        clamping,
    })
}

fn min_max(part: &Part<'_>, field: &str) -> Built<Option<MinMax>> {
    match part.get(field) {
        None => Ok(None),
        Some(Json::Object(_)) => {
            let inner = part.child(field)?;
            Ok(Some(MinMax {
                value: inner.need_text("datetime")?,
                format: inner.plain("datetime_format")?.filter(|format| !format.is_empty()),
                min: inner.text("min_datetime")?,
                max: inner.text("max_datetime")?,
            }))
        }
        Some(value) => Ok(Some(MinMax { value: part.text_of(field, value)?, format: None, min: None, max: None })),
    }
}

fn router(part: &Part<'_>) -> Built<Router> {
    Ok(match part.kind()? {
        "ListPartitionRouter" => Router::List {
            values: Box::new(part.field_of("values", part.need("values")?)?),
            key: Box::new(part.need_text("cursor_field")?),
            option: optional_request_option(part, "request_option")?,
        },
        "SubstreamPartitionRouter" => {
            let mut parents = Vec::new();
            for parent in part.children("parent_stream_configs")? {
                parent.refuse(&["lazy_read_pointer"])?;
                let key = parent
                    .need("parent_key")?
                    .as_str()
                    .ok_or_else(|| parent.invalid("parent_key", "text was expected"))?;
                let mut extra_fields = Vec::new();
                for extra in parent.get("extra_fields").and_then(Json::as_array).into_iter().flatten() {
                    let segments =
                        extra.as_array().ok_or_else(|| parent.invalid("extra_fields", "lists were expected"))?;
                    let path =
                        segments.iter().map(|segment| parent.text_of("extra_fields", segment)).collect::<Built<_>>()?;
                    extra_fields.push(path);
                }
                parents.push(Parent {
                    stream: Arc::new(stream(parent.need("stream")?, &parent.at("stream"))?),
                    key: key.split('/').map(|segment| parent.compile("parent_key", segment)).collect::<Built<_>>()?,
                    partition_field: parent.need_text("partition_field")?,
                    option: optional_request_option(&parent, "request_option")?,
                    extra_fields,
                });
            }
            if parents.is_empty() {
                return Err(part.invalid("parent_stream_configs", "at least one parent was expected"));
            }
            Router::Substream(parents)
        }
        "GroupingPartitionRouter" => {
            let size =
                part.need("group_size")?.as_u64().and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
            Router::Grouping {
                size: size.ok_or_else(|| part.invalid("group_size", "a positive whole number was expected"))?,
                inner: Box::new(router(&part.child("underlying_partition_router")?)?),
                deduplicate: part.get("deduplicate").is_none_or(|flag| *flag != Json::Bool(false)),
            }
        }
        _ => return Err(part.unsupported(part.name())),
    })
}
