//! Partition routers (connector-format.md, section 10).

use super::{Built, Field, RequestOption, Stream, Text, part::Part, request::optional_request_option, stream};
use crate::json::Json;
use std::sync::Arc;

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
    /// `UnionPartitionRouter`.
    Union {
        /// One after the other.
        routers: Vec<Router>,
        /// The one key they share.
        key: Box<Text>,
    },
}

impl Router {
    /// Whether the first pages of partitions lie inside the parent's records.
    pub fn is_lazy(&self) -> bool {
        match self {
            Self::Substream(parents) => parents.iter().any(|parent| !parent.lazy.is_empty()),
            _ => false,
        }
    }
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
    /// The parent continues from a state, which the child keeps for it.
    pub incremental: bool,
    /// Where a record of the parent holds the first page of the child.
    pub lazy: Vec<Text>,
}

pub(super) fn router(part: &Part<'_>) -> Built<Router> {
    Ok(match part.kind()? {
        "ListPartitionRouter" => Router::List {
            // Only a single text is a template; the elements of a list are taken as they stand.
            values: Box::new(match part.need("values")? {
                text @ Json::String(_) => part.field_of("values", text)?,
                other => Field::Other(other.clone()),
            }),
            key: Box::new(part.need_text("cursor_field")?),
            option: optional_request_option(part, "request_option")?,
        },
        "SubstreamPartitionRouter" => {
            let mut parents = Vec::new();
            for parent in part.children("parent_stream_configs")? {
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
                let lazy = parent.texts("lazy_read_pointer")?;
                if lazy.iter().any(|segment| segment.template().source().contains('*')) {
                    return Err(parent.invalid("lazy_read_pointer", "a plain path without * was expected"));
                }
                parents.push(Parent {
                    stream: Arc::new(Stream {
                        is_parent: true,
                        ..stream(parent.need("stream")?, &parent.at("stream"))?
                    }),
                    key: key.split('/').map(|segment| parent.compile("parent_key", segment)).collect::<Built<_>>()?,
                    partition_field: parent.need_text("partition_field")?,
                    option: optional_request_option(&parent, "request_option")?,
                    extra_fields,
                    incremental: parent.flag("incremental_dependency")?,
                    lazy,
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
        "UnionPartitionRouter" => Router::Union {
            routers: part.children("partition_routers")?.iter().map(router).collect::<Built<_>>()?,
            key: Box::new(part.need_text("partition_field")?),
        },
        _ => return Err(part.unsupported(part.name())),
    })
}

impl Router {
    fn names(&self, found: &mut Vec<String>) {
        match self {
            Self::List { .. } => {}
            Self::Grouping { inner, .. } => inner.names(found),
            Self::Union { routers, .. } => routers.iter().for_each(|router| router.names(found)),
            Self::Substream(parents) => {
                for parent in parents {
                    found.push(parent.stream.name.clone());
                    found.extend(parent.stream.ancestors());
                }
            }
        }
    }
}

impl Stream {
    /// Names of the streams it needs for its partitions, and of those that they need.
    pub fn ancestors(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.retriever.routers.iter().for_each(|router| router.names(&mut found));
        found
    }
}
