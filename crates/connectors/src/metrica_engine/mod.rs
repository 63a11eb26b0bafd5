//! What Yandex Metrica and AppMetrica have in common beside the sign-in: what refusals and logs in the making mean (`errors`), and how rows
//! of a report, numbers under the names of metrics, become rows of ours (`rows`). Audience refuses in the same words.

pub mod errors;
pub mod rows;

use crate::yandex_id;
use kit::{http::Http, policy::Policy, session::Session};
use manifest::{json::Json, source::Native};
use model::failure::Failure;
use std::sync::Arc;

/// Takes records apart.
pub type Apart = fn(Vec<Json>) -> Vec<Json>;

/// What of a product is written in Rust.
pub struct MetricaEngine {
    /// Where its interface is, such as `https://api-metrika.yandex.net`.
    pub host: &'static str,
    /// How the rows of its streams are taken apart.
    pub apart: fn(&str) -> Option<Apart>,
}

impl Native for MetricaEngine {
    fn signed_in(&self, session: &Session) -> Result<Option<Http>, Failure> {
        Ok(Some(yandex_id::signed_in(session, &[self.host], "OAuth")))
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(errors::EnginePolicy))
    }
    fn taken_apart(&self, stream: &str) -> Option<Apart> {
        (self.apart)(stream)
    }
}
