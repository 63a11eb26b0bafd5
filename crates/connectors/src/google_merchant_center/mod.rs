//! Google Merchant Center (merchantapi.googleapis.com): clicks and impressions of a shop's products by day, in ads and in free listings.
//!
//! The manifest says what is read and how to sign in. In Rust stands what it has no words for: what a Cloud project hears that was never
//! registered with the shop (`errors.rs`), and offers that stand in several feeds (`offers.rs`).

mod errors;
mod offers;

use crate::{System, folder};
use kit::{http::Http, policy::Policy, session::Session};
use manifest::{json::Json, source::Native};
use model::failure::Failure;
use std::sync::Arc;

/// The connector.
pub const SYSTEM: System = System { id: "google_merchant_center", files: folder!(), native: || Arc::new(Merchant) };

struct Merchant;

impl Native for Merchant {
    fn signed_in(&self, _: &Session) -> Result<Option<Http>, Failure> {
        Ok(None)
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(errors::MerchantPolicy))
    }
    fn taken_apart(&self, stream: &str) -> Option<fn(Vec<Json>) -> Vec<Json>> {
        (stream == "products").then_some(offers::once)
    }
}

#[cfg(test)]
mod tests;
