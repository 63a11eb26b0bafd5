//! Reading the fields of one component of the plain document, with errors that say where and what was expected instead.

use super::{Built, Fault, Field, Text};
use crate::json::{Json, JsonText, Map};
use crate::{document::DocumentError, inventory, template::Template};
use std::sync::Arc;

/// A component of the plain document.
pub(super) struct Part<'a> {
    pub(super) map: &'a Map,
    pub(super) path: String,
    pub(super) parameters: Arc<Json>,
    /// What it is where the format does not ask for a type.
    usual: &'static str,
}

impl<'a> Part<'a> {
    pub(super) fn new(value: &'a Json, path: &str) -> Built<Self> {
        let map = value
            .as_object()
            .ok_or_else(|| DocumentError::new(path, "a component (a map with a type) was expected"))?;
        let parameters = Arc::new(map.get("$parameters").cloned().unwrap_or_else(|| Json::Object(Map::new())));
        let part = Self { map, path: path.to_owned(), parameters, usual: "" };
        inventory::built(part.type_name(), map.keys().map(JsonText::as_str));
        Ok(part)
    }
    /// The same where its place alone says what it is.
    pub(super) fn known_as(self, usual: &'static str) -> Self {
        inventory::built(usual, self.map.keys().map(JsonText::as_str));
        Self { usual, ..self }
    }
    fn type_name(&self) -> &'a str {
        if self.usual.is_empty() { self.map.get("type").and_then(Json::as_str).unwrap_or_default() } else { self.usual }
    }
    pub(super) fn at(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}/{field}", self.path) }
    }
    pub(super) fn invalid(&self, field: &str, message: impl Into<String>) -> Fault {
        Fault::Invalid(DocumentError::new(self.at(field), message))
    }
    pub(super) fn unsupported(&self, component: impl Into<String>) -> Fault {
        Fault::Unsupported { component: component.into(), path: self.path.clone() }
    }
    pub(super) fn kind(&self) -> Built<&'a str> {
        self.map
            .get("type")
            .and_then(Json::as_str)
            .ok_or_else(|| self.invalid("type", "the component does not say its type"))
    }
    /// The component's class name, for custom ones, else its type.
    pub(super) fn name(&self) -> String {
        let name = self.map.get("class_name").or_else(|| self.map.get("type"));
        name.and_then(Json::as_str).unwrap_or("a component without a type").to_owned()
    }
    pub(super) fn get(&self, field: &str) -> Option<&'a Json> {
        inventory::read(self.type_name(), field);
        self.map.get(field).filter(|value| !value.is_null())
    }
    pub(super) fn need(&self, field: &str) -> Built<&'a Json> {
        self.get(field).ok_or_else(|| self.invalid(field, "missing"))
    }
    pub(super) fn child(&self, field: &str) -> Built<Part<'a>> {
        Part::new(self.need(field)?, &self.at(field))
    }
    pub(super) fn children(&self, field: &str) -> Built<Vec<Part<'a>>> {
        match self.get(field) {
            None => Ok(Vec::new()),
            Some(Json::Array(items)) => {
                items.iter().enumerate().map(|(i, item)| Part::new(item, &self.at(&format!("{field}/{i}")))).collect()
            }
            Some(one) => Ok(vec![Part::new(one, &self.at(field))?]),
        }
    }
    pub(super) fn compile(&self, field: &str, source: &str) -> Built<Text> {
        let template =
            Template::new(source).map_err(|error| self.invalid(field, format!("the template is broken: {error}")))?;
        Ok(Text { template, parameters: Arc::clone(&self.parameters) })
    }
    pub(super) fn text_of(&self, field: &str, value: &Json) -> Built<Text> {
        match value {
            Json::String(text) => self.compile(field, text),
            Json::Number(number) => self.compile(field, &number.to_string()),
            Json::Bool(value) => self.compile(field, if *value { "True" } else { "False" }),
            _ => Err(self.invalid(field, "text was expected")),
        }
    }
    pub(super) fn text(&self, field: &str) -> Built<Option<Text>> {
        self.get(field).map(|value| self.text_of(field, value)).transpose()
    }
    pub(super) fn need_text(&self, field: &str) -> Built<Text> {
        self.text_of(field, self.need(field)?)
    }
    pub(super) fn plain(&self, field: &str) -> Built<Option<String>> {
        match self.get(field) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.to_string())),
            Some(_) => Err(self.invalid(field, "text was expected")),
        }
    }
    pub(super) fn texts(&self, field: &str) -> Built<Vec<Text>> {
        match self.get(field) {
            None => Ok(Vec::new()),
            Some(Json::Array(items)) => items.iter().map(|item| self.text_of(field, item)).collect(),
            Some(one) => Ok(vec![self.text_of(field, one)?]),
        }
    }
    pub(super) fn field_of(&self, field: &str, value: &Json) -> Built<Field> {
        Ok(match value {
            Json::String(text) => Field::Text(self.compile(field, text)?),
            Json::Object(map) => {
                // Query properties are read by their own component.
                let properties = |value: &Json| value.get("type").is_some_and(|kind| kind == "QueryProperties");
                let entries = map.iter().filter(|(key, value)| *key != "$parameters" && !properties(value));
                let each = entries.map(|(key, value)| Ok((self.compile(field, key)?, self.field_of(field, value)?)));
                Field::Map(each.collect::<Built<_>>()?)
            }
            Json::Array(items) => {
                Field::List(items.iter().map(|item| self.field_of(field, item)).collect::<Built<_>>()?)
            }
            other => Field::Other(other.clone()),
        })
    }
    pub(super) fn field(&self, field: &str) -> Built<Option<Field>> {
        self.get(field).map(|value| self.field_of(field, value)).transpose()
    }
    pub(super) fn flag(&self, field: &str) -> Built<bool> {
        match self.get(field) {
            None => Ok(false),
            Some(Json::Bool(value)) => Ok(*value),
            Some(_) => Err(self.invalid(field, "true or false was expected")),
        }
    }
    pub(super) fn refuse(&self, fields: &[&str]) -> Built<()> {
        for field in fields {
            inventory::refused(self.type_name(), field);
        }
        let given =
            |field: &str| self.map.get(field).is_some_and(|value| !matches!(value, Json::Null | Json::Bool(false)));
        match fields.iter().find(|field| given(field)) {
            None => Ok(()),
            Some(field) => {
                Err(Fault::Unsupported { component: format!("{}.{field}", self.name()), path: self.at(field) })
            }
        }
    }
}
