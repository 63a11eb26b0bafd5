//! The typed components of a manifest. Building them compiles every template and refuses what is wrong, with its place.
//!
//! A component we do not run is not an error of the document but of the streams that reach it: [`Fault::Unsupported`] names
//! it, and the other streams run (connector-format.md, 1.3 and 18). One file per section of the format; each holds the types of
//! its components and the functions that build them from a [`Part`] of the plain document.

mod auth;
mod check;
mod cursor;
mod decoder;
mod dynamic;
mod errors;
mod job;
mod limits;
mod paging;
mod part;
mod partition;
mod properties;
mod request;
mod retriever;
mod schema;
mod selector;
mod spec;
mod steering;
mod transformation;

pub use auth::{Auth, Jwt, LegacySession, OAuth, Refusal, SessionLogin, Updater};
pub use check::{Check, Group, check, groups};
pub use cursor::{Clamping, Counter, Cursor, MinMax, OwnFilter, datetime_cursor};
pub use decoder::Decoder;
pub use dynamic::{ComponentMapping, ComponentSource, Delegate, DynamicStream, condition, delegate, dynamic_stream};
pub use errors::{Action, Backoff, ErrorChild, ErrorHandler, ResponseFilter};
pub use job::{Job, JobStatus, Table};
pub use limits::{ApiBudget, CallPace, CallPolicy, Concurrency, Matcher, Traffic, traffic};
pub use paging::{Paginator, Strategy, TokenTarget};
pub use partition::{Parent, Router};
pub use properties::{Chunking, PropertyNames, QueryProperties};
pub use request::{BodySpec, Place, RequestOption, Requester};
pub use retriever::Retriever;
pub use schema::{DynamicSchema, TypesMap, lay_under, schema};
pub use selector::{Combined, Expander, Extractor, Selector};
pub use spec::{ConfigChange, SignIn, Spec, Validation, ValidationTarget, spec};
pub use steering::{Reduction, Reset, Splitting};
pub use transformation::Transformation;

use crate::json::Json;
use crate::{
    document::DocumentError,
    records::Normal,
    template::{Allowed, Scope, Template, TemplateError, Value},
};
use part::Part;
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

/// `DeclarativeStream`.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// How it is read.
    pub retriever: Retriever,
    /// Windows.
    pub cursor: Option<Cursor>,
    /// Or a number that only grows.
    pub counter: Option<Counter>,
    /// Changes of its records.
    pub transformations: Vec<Transformation>,
    /// What tells its records apart, as paths.
    pub key: Vec<Vec<String>>,
    /// Where the platform's own number of all records stands in a page (`metadata.syncdeck.total` of our connectors).
    pub total: Option<Vec<String>>,
    /// The part of the platform whose request limits count apart (`metadata.syncdeck.budget`); empty: the account as a whole.
    pub budget_scope: String,
    /// Whether states of an older form, one per value of a parent's key, are understood (`LegacyToPerPartitionStateMigration`).
    pub legacy_states: bool,
    /// Whether answers are kept for the rest of the run; absent: if others read the stream for their partitions.
    pub use_cache: Option<bool>,
    /// Whether other streams read it for their partitions.
    pub is_parent: bool,
    /// The schema its records are brought to.
    pub normal: Option<Arc<Normal>>,
}

impl Stream {
    /// A retriever that is read for something else than its records, such as the streams or fields a platform has.
    pub fn helper(name: &str, retriever: Retriever) -> Self {
        Self {
            name: name.to_owned(),
            cursor: None,
            counter: None,
            transformations: Vec::new(),
            key: Vec::new(),
            total: None,
            budget_scope: String::new(),
            legacy_states: false,
            use_cache: retriever.requester.use_cache,
            retriever,
            is_parent: false,
            normal: None,
        }
    }
}

/// A key is a field, a list of fields, or a list of paths.
pub fn primary_key(value: Option<&Json>) -> Vec<Vec<String>> {
    let path = |value: &Json| match value {
        Json::String(field) => vec![field.to_string()],
        Json::Array(segments) => segments.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let paths = match value {
        Some(Json::String(field)) if !field.is_empty() => vec![vec![field.to_string()]],
        Some(Json::Array(keys)) => keys.iter().map(path).collect(),
        _ => Vec::new(),
    };
    paths.into_iter().filter(|path: &Vec<String>| !path.is_empty()).collect()
}

/// Builds a stream from the plain document. `path` is where it stands.
pub fn stream(value: &Json, path: &str) -> Result<Stream, Fault> {
    let part = Part::new(value, path)?;
    // Whoever is a parent for others is read as a whole.
    if part.kind()? == "StateDelegatingStream" {
        return Ok(Arc::unwrap_or_clone(delegate(value, path)?.full));
    }
    if part.kind()? != "DeclarativeStream" {
        return Err(part.unsupported(part.name()));
    }
    part.refuse(&["file_uploader"])?;
    let mut retriever = retriever::retriever(&part.child("retriever")?)?;
    let (mut cursor, mut counter) = (None, None);
    if part.get("incremental_sync").is_some() {
        let incremental = part.child("incremental_sync")?;
        if incremental.kind()? == "IncrementingCountCursor" {
            counter = Some(cursor::counter(&incremental)?);
            if !retriever.routers.is_empty() {
                return Err(part.invalid("incremental_sync", "a counting cursor does not go together with partitions"));
            }
        } else {
            cursor = Some(cursor::cursor(&incremental)?);
        }
    }
    // Records are compared as they leave, so a cursor that filters on our side wants them transformed first.
    if value.pointer("/incremental_sync/is_client_side_incremental") == Some(&Json::Bool(true))
        && value.pointer("/retriever/record_selector/transform_before_filtering").is_none_or(Json::is_null)
    {
        retriever.selector.transform_first = true;
    }
    steering::check_cursor(&part, retriever.splitting.as_ref(), cursor.as_ref())?;
    let transformations =
        part.children("transformations")?.iter().map(transformation::transformation).collect::<Built<Vec<_>>>()?;
    let name = part.plain("name")?.unwrap_or_default();
    let legacy_states = part
        .children("state_migrations")?
        .iter()
        .any(|migration| migration.kind() == Ok("LegacyToPerPartitionStateMigration"));
    let normal = if retriever.selector.normalise {
        let (schema, _) = schema(part.get("schema_loader"), &part.at("schema_loader"), &mut Vec::new())?;
        Some(Arc::new(Normal::new(schema)))
    } else {
        None
    };
    Ok(Stream {
        name,
        cursor,
        counter,
        transformations,
        key: primary_key(part.get("primary_key")),
        total: None,
        budget_scope: String::new(),
        legacy_states,
        use_cache: retriever.requester.use_cache,
        retriever,
        is_parent: false,
        normal,
    })
}
