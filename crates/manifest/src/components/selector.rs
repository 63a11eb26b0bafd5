//! Selectors: extraction, expansion and filter of records (connector-format.md, 6.2 and 6.3).

use super::{Built, Fault, Retriever, Stream, Text, part::Part, retriever::retriever};
use crate::{decode::is_glob, json::Json};
use std::sync::Arc;

/// `DpathExtractor`, with its expander.
#[derive(Debug, Clone)]
pub struct Extractor {
    /// The path to the records.
    pub path: Vec<Text>,
    /// Records inside records.
    pub expander: Option<Expander>,
    /// Several extractors instead of a path.
    pub combined: Option<Combined>,
}

/// `CombinedExtractor`.
#[derive(Debug, Clone)]
pub struct Combined {
    /// In this order.
    pub extractors: Vec<Extractor>,
    /// Only the records of the first one that finds any.
    pub first_match: bool,
    /// Null and empty records are left out.
    pub skip_empty: bool,
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
    /// Where a parent says that its list is cut off.
    pub truncation: Option<Vec<Text>>,
    /// How the whole list is fetched then; templates see the parent as `stream_slice.parent_record`.
    pub whole_list: Option<Arc<Stream>>,
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
    /// Brings values to the types of the stream's schema.
    pub normalise: bool,
}

pub(super) fn selector(part: &Part<'_>) -> Built<Selector> {
    if part.kind()? != "RecordSelector" {
        return Err(part.unsupported(part.name()));
    }
    // A class of the author may be left out: types are then told from the records.
    let normalise = match part.get("schema_normalization") {
        None | Some(Json::Object(_)) => false,
        Some(kind) if *kind == "Default" => true,
        Some(kind) if *kind == "None" => false,
        Some(other) => {
            return Err(part.invalid("schema_normalization", format!("{other} is neither Default nor None")));
        }
    };
    let extractor = extractor(&part.child("extractor")?)?;
    let filter = if part.get("record_filter").is_none() {
        None
    } else {
        let filter = part.child("record_filter")?;
        if filter.kind()? != "RecordFilter" {
            return Err(filter.unsupported(filter.name()));
        }
        filter.text("condition")?
    };
    Ok(Selector { extractor, filter, transform_first: part.flag("transform_before_filtering")?, normalise })
}

/// An extractor of any kind.
pub(super) fn extractor(part: &Part<'_>) -> Built<Extractor> {
    match part.kind()? {
        "DpathExtractor" => Ok(Extractor {
            path: part.texts("field_path")?,
            expander: match part.get("record_expander") {
                None => None,
                Some(_) => Some(expander(&part.child("record_expander")?)?),
            },
            combined: None,
        }),
        "CombinedExtractor" => {
            let extractors = part.children("extractors")?.iter().map(extractor).collect::<Built<Vec<_>>>()?;
            if extractors.is_empty() {
                return Err(part.invalid("extractors", "at least one extractor was expected"));
            }
            if let Some(at) = extractors.iter().position(fetches) {
                let path = part.at(&format!("extractors/{at}/record_expander/truncated_list_retriever"));
                return Err(Fault::Unsupported { component: "truncated_list_retriever".to_owned(), path });
            }
            let first_match = match part.plain("mode")?.as_deref() {
                None | Some("union") => false,
                Some("first_match") => true,
                Some(other) => {
                    return Err(part.invalid("mode", format!("{other:?} is neither union nor first_match")));
                }
            };
            let skip_empty = part.flag("skip_empty_records")?;
            Ok(Extractor {
                path: Vec::new(),
                expander: None,
                combined: Some(Combined { extractors, first_match, skip_empty }),
            })
        }
        _ => Err(part.unsupported(part.name())),
    }
}

fn fetches(extractor: &Extractor) -> bool {
    extractor.expander.as_ref().is_some_and(|expander| expander.whole_list.is_some())
}

fn expander(part: &Part<'_>) -> Built<Expander> {
    let mut parent_fields = Vec::new();
    for field in part.children("parent_fields")? {
        let pair = (field.texts("parent_path")?, field.texts("record_path")?);
        if pair.0.is_empty() || pair.1.is_empty() {
            return Err(field.invalid("parent_path", "both paths need at least one segment"));
        }
        if pair.0.iter().chain(&pair.1).any(|segment| is_glob(segment.template().source())) {
            return Err(field.invalid("parent_path", "a path to one field was expected, without *, ? and ["));
        }
        parent_fields.push(pair);
    }
    let path = part.texts("expand_records_from_field")?;
    let plain = |path: &[Text]| !path.iter().any(|segment| is_glob(segment.template().source()));
    let truncation =
        part.get("truncation_indicator_path").map(|_| part.texts("truncation_indicator_path")).transpose()?;
    if truncation.as_deref().is_some_and(|path| !plain(path)) {
        return Err(part.invalid("truncation_indicator_path", "a path to one field was expected, without *, ? and ["));
    }
    let whole_list = match part.get("truncated_list_retriever") {
        None => None,
        Some(_) if truncation.is_none() => {
            return Err(part.invalid("truncation_indicator_path", "truncated_list_retriever needs it"));
        }
        Some(_) if !plain(&path) => {
            return Err(
                part.invalid("expand_records_from_field", "truncated_list_retriever needs a path without globs")
            );
        }
        Some(_) => Some(Arc::new(whole_list(part)?)),
    };
    Ok(Expander {
        path,
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
        truncation,
        whole_list,
    })
}

/// The retriever of a whole list as a stream of its own.
fn whole_list(part: &Part<'_>) -> Built<Stream> {
    let inner = part.child("truncated_list_retriever")?;
    // Refused in this place, not for retrievers as such.
    part.child("truncated_list_retriever")?
        .known_as("truncated_list_retriever")
        .refuse(&["partition_router", "pagination_reset"])?;
    let retriever: Retriever = retriever(&inner)?;
    Ok(Stream::helper("record_expander_truncated_list", retriever))
}
