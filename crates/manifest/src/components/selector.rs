//! Selectors: extraction, expansion and filter of records (connector-format.md, 6.2 and 6.3).

use super::{Built, Fault, Text, part::Part};

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

pub(super) fn selector(part: &Part<'_>) -> Built<Selector> {
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
