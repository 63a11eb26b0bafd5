//! The room that runs declarative connectors: a document in the public low-code manifest format (`manifest.yaml`) says how a
//! system is read, `mapping.yaml` says how what was read becomes our tables, and this crate turns both into a [`kit::source::Source`].
//!
//! The format is specified in connector-format.md (section numbers in comments refer to it). Invariants: there is no I/O of
//! its own here (requests, waiting, secrets and time come from `kit`); templates never see a secret, only a placeholder;
//! what is not supported is reported per stream by component and path, never ignored; money never becomes a float.

mod accounts;
pub mod auth;
pub mod components;
pub mod connector;
pub mod datetime;
pub mod decode;
pub mod document;
mod dynamic;
pub mod imported;
pub mod inventory;
pub mod json;
pub mod mapping;
pub mod observe;
pub mod read;
pub mod records;
pub mod report;
pub mod retry;
mod runs;
mod settings;
pub mod source;
pub mod template;
pub mod windows;
pub mod wire;
