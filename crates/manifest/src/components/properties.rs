//! Platforms that want to be told which fields to send: `QueryProperties` and its parts (connector-format.md, section 4).

use super::{Built, Stream, Text, Transformation, part::Part, retriever, transformation::transformation};
use crate::json::Json;
use std::sync::Arc;

/// `QueryProperties`.
#[derive(Debug, Clone)]
pub struct QueryProperties {
    /// The request parameter that gets the names, joined by commas; absent: only templates see them.
    pub parameter: Option<String>,
    /// Where the names come from.
    pub names: PropertyNames,
    /// Asked for with every request.
    pub always: Vec<String>,
    /// Several requests of some names each.
    pub chunking: Option<Chunking>,
    /// Only names that the schema of the catalog has, after these changes of its properties.
    pub selector: Option<Vec<Transformation>>,
}

/// Where names come from.
#[derive(Debug, Clone)]
pub enum PropertyNames {
    /// From the manifest.
    List(Vec<String>),
    /// `PropertiesFromEndpoint`: read from the platform, once per run.
    Endpoint {
        /// How it is read.
        stream: Arc<Stream>,
        /// The name in a record.
        path: Vec<Text>,
        /// The component as text: the same text is read once.
        identity: String,
    },
}

/// `PropertyChunking`.
#[derive(Debug, Clone)]
pub struct Chunking {
    /// How much a request takes; absent: everything.
    pub limit: Option<u64>,
    /// Whether characters are counted, not names.
    pub characters: bool,
    /// Records with the same values here are one record.
    pub key: Vec<String>,
}

/// The query properties of a requester: in one of its parameters, or as a field of its own.
pub(super) fn query_properties(part: &Part<'_>) -> Built<Option<Arc<QueryProperties>>> {
    let is_one = |value: &Json| value.get("type").is_some_and(|kind| kind == "QueryProperties");
    let mut found = None;
    for (name, value) in part.get("request_parameters").and_then(Json::as_object).into_iter().flatten() {
        if is_one(value) {
            if found.is_some() {
                return Err(part.invalid("request_parameters", "only one parameter can be QueryProperties"));
            }
            let inner = Part::new(value, &part.at(&format!("request_parameters/{name}")))?;
            found = Some(properties(&inner, Some(name.to_string()))?);
        }
    }
    if found.is_none() && part.get("fetch_properties_from_endpoint").is_some() {
        let names = endpoint(&part.child("fetch_properties_from_endpoint")?)?;
        found = Some(QueryProperties { parameter: None, names, always: Vec::new(), chunking: None, selector: None });
    }
    if found.is_none() && part.get("query_properties").is_some() {
        found = Some(properties(&part.child("query_properties")?, None)?);
    }
    Ok(found.map(Arc::new))
}

fn properties(part: &Part<'_>, parameter: Option<String>) -> Built<QueryProperties> {
    let names = match part.get("property_list") {
        None => PropertyNames::List(Vec::new()),
        Some(Json::Object(_)) => endpoint(&part.child("property_list")?)?,
        Some(_) => PropertyNames::List(plain_list(part, "property_list")?),
    };
    let chunking = match part.get("property_chunking") {
        None => None,
        Some(_) => Some(chunking(&part.child("property_chunking")?)?),
    };
    let selector = if part.get("property_selector").is_none() {
        None
    } else {
        let inner = part.child("property_selector")?;
        if inner.kind()? != "JsonSchemaPropertySelector" {
            return Err(inner.unsupported(inner.name()));
        }
        Some(inner.children("transformations")?.iter().map(transformation).collect::<Built<_>>()?)
    };
    Ok(QueryProperties { parameter, names, always: plain_list(part, "always_include_properties")?, chunking, selector })
}

fn chunking(part: &Part<'_>) -> Built<Chunking> {
    let characters = match part.plain("property_limit_type")?.as_deref() {
        Some("characters") => true,
        None | Some("property_count") => false,
        Some(_) => return Err(part.invalid("property_limit_type", "characters or property_count was expected")),
    };
    let key = if part.get("record_merge_strategy").is_none() {
        vec!["id".to_owned()]
    } else {
        let strategy = part.child("record_merge_strategy")?;
        if strategy.kind()? != "GroupByKeyMergeStrategy" {
            return Err(strategy.unsupported(strategy.name()));
        }
        match strategy.get("key") {
            Some(Json::String(key)) => vec![key.to_string()],
            _ => plain_list(&strategy, "key")?,
        }
    };
    Ok(Chunking {
        limit: part.get("property_limit").and_then(Json::as_u64).filter(|limit| *limit > 0),
        characters,
        key,
    })
}

fn endpoint(part: &Part<'_>) -> Built<PropertyNames> {
    let inner = part.child("retriever")?;
    let stream = Stream::helper("properties", retriever::retriever(&inner)?);
    let identity = Json::Object(part.map.clone()).to_string();
    Ok(PropertyNames::Endpoint { stream: Arc::new(stream), path: part.texts("property_field_path")?, identity })
}

fn plain_list(part: &Part<'_>, field: &str) -> Built<Vec<String>> {
    let items = match part.get(field) {
        None => return Ok(Vec::new()),
        Some(Json::Array(items)) => items,
        Some(_) => return Err(part.invalid(field, "a list of names was expected")),
    };
    let name = |item: &Json| item.as_str().map(str::to_owned).ok_or_else(|| part.invalid(field, "names were expected"));
    items.iter().map(name).collect()
}
