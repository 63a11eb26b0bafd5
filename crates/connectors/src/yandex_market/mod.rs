//! Yandex Market for sellers (api.partner.market.yandex.ru): what promotion cost and brought by day, stores, and orders.
//!
//! The manifest says what is asked; in Rust are what refusals mean (`errors`) and how rows are found in reports, each of which has sheets
//! of its own (`reports`).

mod errors;
mod reports;

use crate::{System, folder};
use kit::{http::Http, policy::Policy, session::Session};
use manifest::{json::Json, source::Native};
use model::failure::Failure;
use std::sync::Arc;

/// The connector.
pub const SYSTEM: System = System { id: "yandex_market", files: folder!(), native: || Arc::new(Market) };

/// What the manifest cannot say.
struct Market;

impl Native for Market {
    fn signed_in(&self, _: &Session) -> Result<Option<Http>, Failure> {
        Ok(None)
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(errors::MarketPolicy))
    }
    fn taken_apart(&self, stream: &str) -> Option<fn(Vec<Json>) -> Vec<Json>> {
        Some(match stream {
            "campaigns" => reports::campaigns,
            "campaign_stats" => reports::campaign_days,
            "offers" => reports::offers,
            "offer_stats" => reports::offer_days,
            "spent" => reports::spent,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
