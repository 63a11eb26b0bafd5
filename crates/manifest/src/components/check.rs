//! What a check of the connection reads, and which streams are never read at the same time (connector-format.md, section 13).

use super::{Built, Fault, part::Part};
use crate::json::{Json, Map};

/// `CheckStream` or `CheckDynamicStream`.
#[derive(Debug, Clone, Default)]
pub struct Check {
    /// Streams of the document whose first record is read.
    pub names: Vec<String>,
    /// Templates, and how many of the streams that each becomes are read; `None` = all.
    pub generated: Vec<(String, Option<usize>)>,
    /// So many of all generated streams are read (`CheckDynamicStream`).
    pub first: Option<usize>,
    /// Whether streams are read at all; without it, listing them is the check.
    pub reads: bool,
    /// Settings that are others during the check.
    pub overrides: Map,
}

/// Builds the check of a document; one without a check reads nothing.
pub fn check(document: &Json) -> Result<Check, Fault> {
    let Some(value) = crate::inventory::look(document, "check") else {
        return Ok(Check { reads: true, ..Check::default() });
    };
    let part = Part::new(value, "check")?;
    let count = |part: &Part<'_>| part.get("stream_count").and_then(Json::as_u64).and_then(|it| it.try_into().ok());
    let overrides = part.get("config_overrides").and_then(Json::as_object).cloned().unwrap_or_default();
    match part.kind()? {
        "CheckDynamicStream" => Ok(Check {
            first: Some(count(&part).unwrap_or(1)),
            reads: part.get("use_check_availability") != Some(&Json::Bool(false)),
            overrides,
            ..Check::default()
        }),
        "CheckStream" => {
            let names = part.get("stream_names").and_then(Json::as_array).into_iter().flatten();
            let mut generated = Vec::new();
            for config in part.children("dynamic_streams_check_configs")? {
                generated.push((config.plain("dynamic_stream_name")?.unwrap_or_default(), count(&config)));
            }
            let names = names.filter_map(Json::as_str).map(str::to_owned).collect();
            Ok(Check { names, generated, reads: true, overrides, ..Check::default() })
        }
        _ => Err(part.unsupported(part.name())),
    }
}

/// `StreamGroup` with `BlockSimultaneousSyncsAction`.
#[derive(Debug, Clone)]
pub struct Group {
    name: String,
    streams: Vec<String>,
}

impl Group {
    /// Its streams, each with the group's name.
    pub fn members(self) -> impl Iterator<Item = (String, String)> {
        let Self { name, streams } = self;
        streams.into_iter().map(move |stream| (stream, name.clone()))
    }
}

/// Builds the groups of a document.
pub fn groups(document: &Json) -> Built<Vec<Group>> {
    let groups = crate::inventory::look(document, "stream_groups").and_then(Json::as_object).into_iter().flatten();
    let group = |(name, value): (&_, &Json)| {
        let name: &crate::json::JsonText = name;
        let part = Part::new(value, &format!("stream_groups/{name}"))?.known_as("StreamGroup");
        if part.get("action").is_some() {
            let action = part.child("action")?;
            if action.kind()? != "BlockSimultaneousSyncsAction" {
                return Err(action.unsupported(action.name()));
            }
        }
        let streams = part.get("streams").and_then(Json::as_array).into_iter().flatten();
        let streams = streams.filter_map(|stream| stream.get("name")?.as_str().map(str::to_owned)).collect();
        Ok(Group { name: name.to_string(), streams })
    };
    groups.filter(|(name, _)| *name != "$parameters").map(group).collect()
}
