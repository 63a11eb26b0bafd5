//! Streams that a configuration, a list or the platform itself decides on (connector-format.md, section 12).

use super::{Built, Fault, Stream, Text, part::Part, retriever::retriever, stream};
use crate::{json::Json, template::Allowed};
use std::sync::Arc;

/// `DynamicDeclarativeStream`: a template of which each found map makes a stream.
#[derive(Debug, Clone)]
pub struct DynamicStream {
    /// Its name; streams have their own.
    pub name: String,
    /// Where it stands.
    pub path: String,
    /// The template.
    pub template: Json,
    /// Whether `$parameters` from outside the template win over its own.
    pub use_parent_parameters: bool,
    /// Where the maps come from.
    pub source: ComponentSource,
    /// What is put where.
    pub mappings: Vec<ComponentMapping>,
}

/// A components resolver.
#[derive(Debug, Clone)]
pub enum ComponentSource {
    /// `HttpComponentsResolver`: the records of a retriever.
    Http(Arc<Stream>),
    /// `ConfigComponentsResolver`: every combination of elements of lists in the configuration, with further ones.
    Config(Vec<(Vec<Text>, Vec<Json>)>),
    /// `ParametrizedComponentsResolver`: a list in the document.
    Listed(Vec<Json>),
}

/// `ComponentMappingDefinition`.
#[derive(Debug, Clone)]
pub struct ComponentMapping {
    /// Where in the template, with globs.
    pub path: Vec<Text>,
    /// What; sees `components_values`, `stream_template_config` and `stream_slice`.
    pub value: Text,
    /// The literals it may be.
    pub allowed: Allowed,
    /// Only where it holds.
    pub condition: Option<Text>,
    /// Put there even if nothing is there yet.
    pub create: bool,
}

/// `StateDelegatingStream`: one way to read everything, another to continue.
#[derive(Debug, Clone)]
pub struct Delegate {
    /// Reads everything.
    pub full: Arc<Stream>,
    /// Continues from a state.
    pub incremental: Arc<Stream>,
    /// How far the platform's memory reaches, an ISO duration; an older state is worth nothing.
    pub retention: Option<Text>,
}

/// Builds a `DynamicDeclarativeStream`.
pub fn dynamic_stream(value: &Json, path: &str) -> Result<DynamicStream, Fault> {
    let part = Part::new(value, path)?;
    if part.kind()? != "DynamicDeclarativeStream" {
        return Err(part.unsupported(part.name()));
    }
    let resolver = part.child("components_resolver")?;
    let kind = resolver.kind()?;
    let source = match kind {
        "HttpComponentsResolver" => {
            let retriever = retriever(&resolver.child("retriever")?)?;
            ComponentSource::Http(Arc::new(Stream::helper("__http_components_resolver", retriever)))
        }
        "ConfigComponentsResolver" => {
            let mut lists = Vec::new();
            for list in resolver.children("stream_config")? {
                let more = list.get("default_values").and_then(Json::as_array).cloned().unwrap_or_default();
                lists.push((list.texts("configs_pointer")?, more));
            }
            if lists.is_empty() {
                return Err(resolver.invalid("stream_config", "missing"));
            }
            ComponentSource::Config(lists)
        }
        "ParametrizedComponentsResolver" => {
            let list = resolver.child("stream_parameters")?;
            let found = list.need("list_of_parameters_for_stream")?.as_array();
            let found = found.ok_or_else(|| list.invalid("list_of_parameters_for_stream", "a list was expected"))?;
            ComponentSource::Listed(found.clone())
        }
        _ => return Err(resolver.unsupported(resolver.name())),
    };
    let mut mappings = Vec::new();
    for mapping in resolver.children("components_mapping")? {
        let allowed = match mapping.plain("value_type")?.as_deref() {
            None => Allowed::Any,
            Some("string") => Allowed::Strings,
            Some("number") => Allowed::Floats,
            Some("integer") => Allowed::Integers,
            Some("boolean") => Allowed::Booleans,
            Some(other) => return Err(mapping.invalid("value_type", format!("{other:?} is not a type"))),
        };
        let condition = mapping.text("condition")?.filter(|text| !text.template().source().is_empty());
        if condition.is_some() && kind != "ConfigComponentsResolver" {
            return Err(mapping.invalid("condition", "only a ConfigComponentsResolver has conditions"));
        }
        mappings.push(ComponentMapping {
            path: mapping.texts("field_path")?,
            value: mapping.need_text("value")?,
            allowed,
            condition,
            create: mapping.flag("create_or_update")? && kind != "HttpComponentsResolver",
        });
    }
    Ok(DynamicStream {
        name: part.plain("name")?.unwrap_or_default(),
        path: path.to_owned(),
        template: part.need("stream_template")?.clone(),
        use_parent_parameters: part.get("use_parent_parameters").is_none_or(|flag| *flag != Json::Bool(false)),
        source,
        mappings,
    })
}

/// Builds a `StateDelegatingStream`.
pub fn delegate(value: &Json, path: &str) -> Result<Delegate, Fault> {
    let part = Part::new(value, path)?;
    let name = part.plain("name")?;
    let side = |field: &str| -> Built<Arc<Stream>> {
        let found = stream(part.need(field)?, &part.at(field))?;
        if Some(&found.name) == name.as_ref() {
            Ok(Arc::new(found))
        } else {
            Err(part.invalid(&format!("{field}/name"), "the name has to be that of the whole, for they share a state"))
        }
    };
    let retention = part.text("api_retention_period")?.filter(|text| !text.template().source().is_empty());
    let (full, incremental) = (side("full_refresh_stream")?, side("incremental_stream")?);
    if retention.is_some() && (full.counter.is_some() || incremental.counter.is_some()) {
        return Err(part.invalid("api_retention_period", "a counting cursor has no dates to compare with"));
    }
    Ok(Delegate { full, incremental, retention })
}

/// A condition over the configuration, of `ConditionalStreams`.
pub fn condition(value: &Json, path: &str) -> Result<Text, Fault> {
    let part = Part::new(value, path)?;
    part.need("streams")?;
    part.need_text("condition")
}
