//! Wildberries promotion (advert-api.wildberries.ru): statistics of a seller's campaigns and of the products in them by day.

mod products;

use crate::{System, folder};
use kit::{http::Http, policy::Policy, session::Session};
use manifest::{json::Json, source::Native};
use model::failure::Failure;
use std::sync::Arc;

/// The connector.
pub const SYSTEM: System = System { id: "wildberries", files: folder!(), native: || Arc::new(Promotion) };

/// What the manifest cannot say: products lie below days and apps.
struct Promotion;

impl Native for Promotion {
    fn signed_in(&self, _: &Session) -> Result<Option<Http>, Failure> {
        Ok(None)
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        None
    }
    fn taken_apart(&self, stream: &str) -> Option<fn(Vec<Json>) -> Vec<Json>> {
        (stream == "product_stats").then_some(products::by_day)
    }
}

#[cfg(test)]
mod tests;
