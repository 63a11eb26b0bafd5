//! The systems Syncdeck reads from: one folder each, and file import.

pub mod file_import;
pub mod vk_ads;

/// Every connector of this build, in the order of the catalogue.
pub fn registry() -> Vec<std::sync::Arc<dyn kit::source::Source>> {
    vec![std::sync::Arc::new(file_import::source::FileImport::new())]
}
