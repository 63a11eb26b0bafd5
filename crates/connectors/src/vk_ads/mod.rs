//! VK Реклама (ads.vk.com): statistics of plans, groups and banners by day.
//!
//! `manifest.yaml` says how cabinets are found and read, `mapping.yaml` how they become our tables. In Rust stands only what a manifest
//! cannot say: the sign-in with its few tokens (`signin`), the vendor's error words (`errors`).

pub mod errors;
pub mod signin;

use kit::{http::Http, policy::Policy, session::Session};
use manifest::{
    document::DocumentError,
    source::{Files, ManifestSource, Native},
};
use model::failure::Failure;
use std::sync::Arc;

/// What of VK Реклама is written in Rust.
struct InRust;

impl Native for InRust {
    fn signed_in(&self, session: &Session) -> Result<Option<Http>, Failure> {
        signin::signed_in(session).map(Some)
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(errors::VkPolicy))
    }
}

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
    ManifestSource::new(files, Arc::new(InRust))
}

#[cfg(test)]
mod tests;
