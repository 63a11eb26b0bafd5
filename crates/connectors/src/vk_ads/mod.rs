//! VK Реклама (ads.vk.com): statistics of plans, groups and banners by day.
//!
//! `manifest.yaml` says how it is read, `mapping.yaml` how it becomes our tables. In Rust stands only what a manifest cannot
//! say: which cabinets a key sees (`accounts`), the sign-in with its few tokens (`signin`), the vendor's error words (`errors`).

pub mod accounts;
pub mod errors;
pub mod signin;

use manifest::{
    document::DocumentError,
    source::{Files, ManifestSource},
};
use std::sync::Arc;

/// The connector. Its files are part of the program, so an error here is a defect that a test finds.
pub fn source() -> Result<ManifestSource, DocumentError> {
    from_files(&files())
}

/// The files of this folder.
pub fn files() -> Files<'static> {
    Files {
        manifest: include_str!("manifest.yaml"),
        mapping: include_str!("mapping.yaml"),
        texts: &[("en", include_str!("texts.en.json")), ("ru", include_str!("texts.ru.json"))],
        icon: include_str!("icon.svg"),
    }
}

/// The connector over other files: a copy that a person changed.
pub fn from_files(files: &Files<'_>) -> Result<ManifestSource, DocumentError> {
    ManifestSource::new(files, Arc::new(accounts::VkAds))
}

#[cfg(test)]
mod tests;
