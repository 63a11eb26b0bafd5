//! AppsFlyer (hq1.appsflyer.com): what media sources and their campaigns brought to an app by day.
//!
//! The manifest says what is asked; in Rust is what the refusals of reports mean (`errors`), where a limit is told as a missing right, and
//! how columns of events become rows (`events`).

mod errors;
mod events;

use crate::{System, folder};
use kit::{http::Http, policy::Policy, session::Session};
use manifest::{json::Json, source::Native};
use model::failure::Failure;
use std::sync::Arc;

/// The connector.
pub const SYSTEM: System = System { id: "appsflyer", files: folder!(), native: || Arc::new(AppsFlyer) };

/// The part of it that is written in Rust.
struct AppsFlyer;

impl Native for AppsFlyer {
    fn signed_in(&self, _: &Session) -> Result<Option<Http>, Failure> {
        Ok(None)
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(errors::Reports))
    }
    fn taken_apart(&self, stream: &str) -> Option<fn(Vec<Json>) -> Vec<Json>> {
        (stream == "event_stats").then_some(events::in_rows)
    }
}

#[cfg(test)]
mod tests;
