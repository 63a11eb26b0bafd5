//! The systems Syncdeck reads from: one folder each, and file import.
//!
//! A connector is a folder and one line in [`registry`]. What a vendor calls things stays in its folder.

pub mod file_import;
pub mod vk_ads;

use kit::source::Source;
use manifest::{
    document::DocumentError,
    source::{Files, ManifestSource},
};
use std::sync::Arc;

/// Loads a connector from its folder.
type Load = fn() -> Result<ManifestSource, DocumentError>;

/// The connectors that are manifests, by id.
const DECLARATIVE: [(&str, Load); 1] = [("vk_ads", vk_ads::source)];

/// A connector of this build that is a manifest; `None` when there is none of this id.
pub fn declarative(id: &str) -> Option<Result<ManifestSource, DocumentError>> {
    DECLARATIVE.iter().find(|(known, _)| *known == id).map(|(_, source)| source())
}

/// Every connector of this build, in the order of the catalogue.
pub fn registry() -> Vec<Arc<dyn Source>> {
    let mut sources: Vec<Arc<dyn Source>> = DECLARATIVE.iter().filter_map(|(_, source)| loaded(source())).collect();
    sources.push(Arc::new(file_import::source::FileImport::new()));
    sources
}

/// The files of a declarative connector of this build: to be read, copied and changed.
pub fn files(id: &str) -> Option<Files<'static>> {
    match id {
        "vk_ads" => Some(vk_ads::files()),
        _ => None,
    }
}

/// A copy of a declarative connector with another manifest and mapping. What a manifest cannot say, the sign-in above all, stays that of
/// the original. `None` when there is no such connector.
pub fn copy(of: &str, manifest: &str, mapping: &str) -> Option<Result<ManifestSource, DocumentError>> {
    match of {
        "vk_ads" => Some(vk_ads::from_files(&Files { manifest, mapping, ..vk_ads::files() })),
        _ => None,
    }
}

/// A connector whose files are broken is left out and named in the log; a test makes sure that none is.
fn loaded(source: Result<ManifestSource, DocumentError>) -> Option<Arc<dyn Source>> {
    match source {
        Ok(source) => Some(Arc::new(source)),
        Err(error) => {
            tracing::error!(%error, "a connector of this build cannot be loaded");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

    #[test]
    fn every_connector_is_loaded_and_speaks_both_languages() {
        let sources = super::registry();
        let ids: Vec<_> = sources.iter().map(|source| source.descriptor().id.as_str()).collect();
        assert_eq!(ids, ["vk_ads", "file_import"]);
        for source in &sources {
            let descriptor = source.descriptor();
            let (ru, en) = (&descriptor.texts["ru"], &descriptor.texts["en"]);
            assert_eq!(ru.keys().collect::<Vec<_>>(), en.keys().collect::<Vec<_>>(), "{}", descriptor.id);
            for (key, text) in ru.iter().chain(en) {
                assert!(!text.trim().is_empty(), "{} {key}", descriptor.id);
            }
            let streams = descriptor.streams.iter().map(|stream| format!("stream.{}", stream.name));
            let fields = descriptor.form["properties"].as_object().unwrap().iter();
            let shown = fields.filter(|(_, field)| field["airbyte_hidden"] != true);
            let titles = shown.flat_map(|(_, field)| [&field["title"], &field["description"]]);
            let titles = titles.filter_map(|title| title.as_str()).map(str::to_owned);
            for key in streams.chain(titles).chain(["name".to_owned(), "summary".to_owned()]) {
                assert!(ru.contains_key(&key), "{}: no text {key}", descriptor.id);
            }
            assert!(descriptor.icon_svg.contains("<svg"));
        }
    }
}
