//! Transformations of records (connector-format.md, 6.4).

use super::{Built, Field, Text, part::Part};
use crate::json::Json;
use crate::template::Allowed;

/// A change of records.
#[derive(Debug, Clone)]
pub enum Transformation {
    /// `AddFields`.
    Add {
        /// Path, value and the literals accepted.
        fields: Vec<(Vec<String>, Field, Allowed)>,
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

pub(super) fn transformation(part: &Part<'_>) -> Built<Transformation> {
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
                // Paths are taken as they stand: the reference does not look for templates in them.
                let segments = field.need("path")?.as_array();
                let segments = segments.ok_or_else(|| field.invalid("path", "a list of segments was expected"))?;
                let segment = |segment: &Json| segment.as_str().map_or_else(|| segment.to_string(), str::to_owned);
                let path: Vec<String> = segments.iter().map(segment).collect();
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
