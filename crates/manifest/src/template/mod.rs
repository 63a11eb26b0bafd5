//! Templates: the manifest format's text fields, compiled once and evaluated with Python's semantics
//! (connector-format.md, section 2).
//!
//! Why an evaluator of our own: the format's results are defined by what Python prints and reads back, and by which errors
//! fall back to what (a wrong type makes the template its own result, an undefined value makes it the default). No engine
//! offers that as configuration. There is no I/O here; the time comes in through [`Scope`].

mod builtins;
mod eval;
mod lexer;
pub mod literal;
mod parser;
mod uses;
mod value;

pub use uses::Use;
pub use value::{Number, SliceView, Value, float_text, owned_json};

use chrono::{DateTime, Utc};
use parser::Node;
use std::borrow::Cow;

/// The template cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SyntaxError(pub String);

/// A template could not be evaluated. Types that do not fit are not among these: the format makes them text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// An undefined value was used, and the default is undefined too.
    #[error("{0} is undefined")]
    Undefined(String),
    /// The template reads a variable that does not exist in its place.
    #[error("the variable {0:?} does not exist here")]
    UnknownVariable(String),
    /// `stream_state` was removed from the language.
    #[error("stream_state is not part of the language any more; use stream_interval")]
    StreamState,
    /// A function was given something it cannot work with, such as a text that is not a date.
    #[error("{0}")]
    Invalid(String),
    /// Longer, deeper or slower than allowed.
    #[error("the template is too expensive: {0}")]
    Limit(&'static str),
}

/// Which literals a place accepts; what is not accepted stays the rendered text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Allowed {
    /// All of them.
    #[default]
    Any,
    /// None: the result is always text.
    Text,
    /// Lists only (query parameters and form fields).
    Lists,
    /// Text literals only.
    Strings,
    /// Floats only.
    Floats,
    /// Integers only, booleans included as in Python.
    Integers,
    /// Booleans only.
    Booleans,
}

impl Allowed {
    fn accepts(self, value: &Value<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Text => false,
            Self::Lists => matches!(value, Value::List(_) | Value::Text(_)),
            Self::Strings => matches!(value, Value::Text(_)),
            Self::Floats => matches!(value, Value::Float(_)),
            Self::Integers => matches!(value, Value::Int(_) | Value::Bool(_)),
            Self::Booleans => matches!(value, Value::Bool(_)),
        }
    }
}

/// What a template sees: its variables, and the time.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    now: DateTime<Utc>,
    variables: Vec<(&'static str, Value<'a>)>,
    json_loads: bool,
}

impl<'a> Scope<'a> {
    /// No variables yet.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { now, variables: Vec::with_capacity(8), json_loads: false }
    }
    /// Adds or replaces a variable. `stream_slice` is also known as `stream_partition` and `stream_interval`.
    pub fn set(&mut self, name: &'static str, value: Value<'a>) {
        match self.variables.iter_mut().find(|(found, _)| *found == name) {
            Some((_, old)) => *old = value,
            None => self.variables.push((name, value)),
        }
    }
    /// The same with a variable more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Value<'a>) -> Self {
        self.set(name, value);
        self
    }
    /// The same with the function `json_loads`, which exists only inside a `JwtAuthenticator`.
    #[must_use]
    pub fn with_json_loads(mut self) -> Self {
        self.json_loads = true;
        self
    }
    /// A variable by its name.
    pub fn variable(&self, name: &str) -> Option<&Value<'a>> {
        self.get(name)
    }
    fn get(&self, name: &str) -> Option<&Value<'a>> {
        let name = if matches!(name, "stream_partition" | "stream_interval") { "stream_slice" } else { name };
        self.variables.iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }
}

/// A compiled text field.
#[derive(Debug, Clone)]
pub struct Template {
    source: String,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    /// No tag in it: its value is known. First as rendered, then re-read as a literal.
    Constant(String, Value<'static>),
    /// Tags.
    Nodes { nodes: Vec<Node>, free: Vec<String> },
}

impl Template {
    /// Compiles a text.
    pub fn new(source: &str) -> Result<Self, SyntaxError> {
        let plain = !source.contains("{{") && !source.contains("{%") && !source.contains("{#");
        let body = if plain {
            let mut text = if source.contains('\r') {
                source.replace("\r\n", "\n").replace('\r', "\n")
            } else {
                source.to_owned()
            };
            if text.ends_with('\n') {
                text.pop();
            }
            let value = literal::read(&text).unwrap_or_else(|| Value::text(text.clone()));
            Body::Constant(text, value)
        } else {
            let nodes = parser::parse(source)?;
            let free = parser::free_names(&nodes).into_iter().filter(|name| !builtins::is_function(name)).collect();
            Body::Nodes { nodes, free }
        };
        Ok(Self { source: source.to_owned(), body })
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.source
    }
    /// Whether there is no tag in it.
    pub fn is_constant(&self) -> bool {
        matches!(self.body, Body::Constant(..))
    }
    /// Whether it reads the variable, under any of its names.
    pub fn reads(&self, variable: &str) -> bool {
        match &self.body {
            Body::Constant(..) => false,
            Body::Nodes { free, .. } => free.iter().any(|name| name == variable),
        }
    }

    /// The value in the place of a plain text field: an empty result stays empty, an undefined value is an error.
    pub fn value(&self, scope: &Scope<'_>) -> Result<Value<'static>, TemplateError> {
        match self.evaluate(scope, Allowed::Any) {
            // The default of a plain field is the template itself: rendered once more, it raises the same error.
            Ok(None) => Ok(Value::text("")),
            Ok(Some(value)) => Ok(value),
            Err(error) => Err(error),
        }
    }
    /// [`Template::value`], printed.
    pub fn text(&self, scope: &Scope<'_>) -> Result<String, TemplateError> {
        Ok(self.value(scope)?.print().into_owned())
    }
    /// The value in a map of parameters, headers or a body: empty and undefined are "absent".
    pub fn optional(&self, scope: &Scope<'_>, allowed: Allowed) -> Result<Option<Value<'static>>, TemplateError> {
        match self.evaluate(scope, allowed) {
            Err(TemplateError::Undefined(_)) => Ok(None),
            other => other,
        }
    }
    /// The value, with only the literals that the place accepts; undefined is an error, empty is the empty text.
    pub fn typed(&self, scope: &Scope<'_>, allowed: Allowed) -> Result<Value<'static>, TemplateError> {
        Ok(self.evaluate(scope, allowed)?.unwrap_or_else(|| Value::text("")))
    }
    /// The value in the place of a condition: undefined is false; a list of texts that mean false is false; all else is true.
    pub fn condition(&self, scope: &Scope<'_>) -> Result<bool, TemplateError> {
        let value = match self.evaluate(scope, Allowed::Any) {
            Ok(None) | Err(TemplateError::Undefined(_)) => return Ok(false),
            Ok(Some(value)) => value,
            Err(error) => return Err(error),
        };
        Ok(match &value {
            Value::Text(text) => !matches!(&**text, "" | "False" | "false" | "{}" | "[]" | "()" | "0" | "0.0"),
            other => other.truthy(),
        })
    }

    /// `None` when nothing was rendered.
    fn evaluate(&self, scope: &Scope<'_>, allowed: Allowed) -> Result<Option<Value<'static>>, TemplateError> {
        if self.source.contains("stream_state") {
            return Err(TemplateError::StreamState);
        }
        let (nodes, free) = match &self.body {
            Body::Constant(text, _) if text.is_empty() => return Ok(None),
            Body::Constant(text, value) => {
                return Ok(Some(if allowed.accepts(value) { value.clone() } else { Value::text(text.clone()) }));
            }
            Body::Nodes { nodes, free } => (nodes, free),
        };
        if let Some(unknown) = free.iter().find(|name| scope.get(name).is_none()) {
            return Err(TemplateError::UnknownVariable(unknown.clone()));
        }
        let rendered = match eval::render(nodes, scope) {
            Ok(text) => text,
            Err(eval::Raise::Type) => Cow::Borrowed(self.source.as_str()),
            Err(eval::Raise::Undefined(what)) => return Err(TemplateError::Undefined(what)),
            Err(eval::Raise::Invalid(what)) => return Err(TemplateError::Invalid(what)),
            Err(eval::Raise::Limit(what)) => return Err(TemplateError::Limit(what)),
        };
        if rendered.is_empty() {
            return Ok(None);
        }
        if allowed == Allowed::Text {
            return Ok(Some(Value::Text(Cow::Owned(rendered.into_owned()))));
        }
        match literal::read(&rendered) {
            Some(value) if allowed.accepts(&value) => Ok(Some(value)),
            _ => Ok(Some(Value::Text(Cow::Owned(rendered.into_owned())))),
        }
    }
}
