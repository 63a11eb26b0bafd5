//! Where the schema of a stream comes from (connector-format.md, 6.5 and 12). A schema in the document is known at once; a
//! dynamic one is made from the first record of a retriever when somebody asks for the streams of a connection.

use super::{Built, Stream, Text, Transformation, part::Part, retriever::retriever, transformation::transformation};
use crate::json::{Json, Map};
use crate::{connector::Note, json};
use std::sync::Arc;

/// `DynamicSchemaLoader`.
#[derive(Debug, Clone)]
pub struct DynamicSchema {
    /// Its first record describes the fields.
    pub stream: Arc<Stream>,
    /// Where the list of fields is in the record.
    pub fields: Vec<Text>,
    /// Where the name is in a field.
    pub key: Vec<Text>,
    /// Where the type is in a field; without it all are text.
    pub kind: Option<Vec<Text>>,
    /// What the platform's types mean, in order.
    pub types: Vec<TypesMap>,
    /// Which fields are kept; sees each as `record`, a map of one entry.
    pub filter: Option<Text>,
    /// Changes of the map of fields.
    pub transformations: Vec<Transformation>,
}

/// `TypesMap`.
#[derive(Debug, Clone)]
pub struct TypesMap {
    /// A type as the platform writes it.
    pub current: Json,
    /// The type it means: text, two of them, or a map with `field_type` and `items`.
    pub target: Json,
    /// Only where it holds; sees the field as `raw_schema`.
    pub condition: Option<Text>,
}

/// The schema of a stream as far as the document says it, and the loaders that have to ask the platform.
pub fn schema(loader: Option<&Json>, path: &str, notes: &mut Vec<Note>) -> Built<(Json, Vec<DynamicSchema>)> {
    match loader {
        None | Some(Json::Null) => Ok((json!({}), Vec::new())),
        Some(Json::Array(loaders)) => {
            let (mut properties, mut dynamic) = (Map::new(), Vec::new());
            for (at, loader) in loaders.iter().enumerate() {
                let (found, asked) = schema(Some(loader), &format!("{path}/{at}"), notes)?;
                dynamic.extend(asked);
                lay_under(&mut properties, &found);
            }
            let mut merged = json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": ["null", "object"]});
            if let Some(merged) = merged.as_object_mut() {
                merged.insert("properties", Json::Object(properties));
            }
            Ok((merged, dynamic))
        }
        Some(loader) => {
            let part = Part::new(loader, path)?;
            let kind = part.name();
            match kind.as_str() {
                "InlineSchemaLoader" => {
                    let found = part.get("schema").filter(|schema| schema.is_object());
                    Ok((found.cloned().unwrap_or_else(|| json!({})), Vec::new()))
                }
                "DynamicSchemaLoader" => Ok((json!({}), vec![dynamic(&part)?])),
                _ => {
                    // A file beside the connector, or a class of its author: types are then told from the records.
                    notes.push(Note { component: kind, path: path.to_owned() });
                    Ok((json!({}), Vec::new()))
                }
            }
        }
    }
}

/// Adds the properties of a further schema; those of an earlier one stay as they are.
pub fn lay_under(properties: &mut Map, schema: &Json) {
    for (name, property) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
        properties.entry(name.clone()).or_insert_with(|| property.clone());
    }
}

fn dynamic(part: &Part<'_>) -> Built<DynamicSchema> {
    let mut retriever = retriever(&part.child("retriever")?)?;
    // One record is enough, and it is read as if there were no partitions.
    retriever.routers.clear();
    let identifier = part.child("schema_type_identifier")?.known_as("SchemaTypeIdentifier");
    let mut types = Vec::new();
    for map in identifier.children("types_mapping")? {
        let map = map.known_as("TypesMap");
        if map.need("target_type")?.is_object() {
            let target = map.child("target_type")?.known_as("ComplexFieldType");
            target.need("field_type")?;
            target.get("items");
        }
        types.push(TypesMap {
            current: map.need("current_type")?.clone(),
            target: map.need("target_type")?.clone(),
            condition: map.text("condition")?,
        });
    }
    identifier.need("key_pointer")?;
    Ok(DynamicSchema {
        stream: Arc::new(Stream::helper("dynamic_properties", retriever)),
        fields: identifier.texts("schema_pointer")?,
        key: identifier.texts("key_pointer")?,
        kind: identifier.get("type_pointer").map(|_| identifier.texts("type_pointer")).transpose()?,
        types,
        filter: filter(part)?,
        transformations: part.children("schema_transformations")?.iter().map(transformation).collect::<Built<_>>()?,
    })
}

fn filter(part: &Part<'_>) -> Built<Option<Text>> {
    if part.get("schema_filter").is_none() {
        return Ok(None);
    }
    let filter = part.child("schema_filter")?;
    if filter.kind()? != "RecordFilter" {
        return Err(filter.unsupported(filter.name()));
    }
    filter.text("condition")
}
