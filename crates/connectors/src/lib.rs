//! The systems Syncdeck reads from: one folder each, and file import.

pub mod file_import;
pub mod vk_ads;
