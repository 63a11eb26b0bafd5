//! Google Ads (googleads.googleapis.com): metrics of campaigns, ad groups and ads by day.
//!
//! The manifest says what is read and how to sign in. In Rust stands what it has no words for: what the platform's error codes mean.

mod errors;

use crate::{System, folder};
use kit::{http::Http, policy::Policy, session::Session};
use manifest::source::Native;
use model::failure::Failure;
use std::sync::Arc;

/// The connector.
pub const SYSTEM: System = System { id: "google_ads", files: folder!(), native: || Arc::new(GoogleAds) };

struct GoogleAds;

impl Native for GoogleAds {
    fn signed_in(&self, _: &Session) -> Result<Option<Http>, Failure> {
        Ok(None)
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(errors::AdsPolicy))
    }
}

#[cfg(test)]
mod tests;
