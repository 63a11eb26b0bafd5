//! Google Analytics 4 (analyticsdata.googleapis.com): visits of a property by day, source, campaign and content, with key events.
//!
//! The manifest says what is read and how to sign in. In Rust stands what it has no words for: reports whose rows name nothing (`rows.rs`),
//! and quotas that are told in sentences (`quota.rs`).

mod quota;
mod rows;

use crate::{System, folder};
use kit::{http::Http, policy::Policy, session::Session};
use manifest::{json::Json, source::Native};
use model::failure::Failure;
use std::sync::Arc;

/// The connector.
pub const SYSTEM: System = System { id: "google_analytics_4", files: folder!(), native: || Arc::new(Analytics) };

struct Analytics;

impl Native for Analytics {
    fn signed_in(&self, _: &Session) -> Result<Option<Http>, Failure> {
        Ok(None)
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(quota::AnalyticsPolicy))
    }
    fn taken_apart(&self, stream: &str) -> Option<fn(Vec<Json>) -> Vec<Json>> {
        // Every stream that people see is a report; what finds accounts is none.
        let report = stream.ends_with("_stats") || matches!(stream, "campaigns" | "ads" | "campaign_key_events");
        report.then_some(rows::by_name)
    }
}

#[cfg(test)]
mod tests;
