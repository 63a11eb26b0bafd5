//! Meta Ads (graph.facebook.com): insights of Facebook and Instagram campaigns, ad sets and ads by day.
//!
//! The manifest says what is read. In Rust stands what it has no words for: what error codes mean, because nearly all of them come with
//! status 400.

mod errors;

use crate::{System, folder};
use kit::{http::Http, policy::Policy, session::Session};
use manifest::source::Native;
use model::failure::Failure;
use std::sync::Arc;

/// The connector.
pub const SYSTEM: System = System { id: "meta_ads", files: folder!(), native: || Arc::new(MetaAds) };

struct MetaAds;

impl Native for MetaAds {
    fn signed_in(&self, _: &Session) -> Result<Option<Http>, Failure> {
        Ok(None)
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(errors::GraphPolicy))
    }
}

#[cfg(test)]
mod tests;
