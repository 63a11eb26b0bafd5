//! TikTok Ads (business-api.tiktok.com): names and daily statistics of campaigns, ad groups and ads.
//!
//! The manifest says what is read. Rust says what it cannot: how a consent becomes a token (`signin`), and that a refusal comes under the
//! status 200 (`errors`).

mod errors;
mod signin;

use crate::{System, folder};
use kit::{http::Http, policy::Policy, session::Session};
use manifest::source::Native;
use model::failure::Failure;
use std::sync::Arc;

/// The connector.
pub const SYSTEM: System = System { id: "tiktok_ads", files: folder!(), native: || Arc::new(TikTok) };

/// Where its interface is.
const HOST: &str = "https://business-api.tiktok.com";

struct TikTok;

impl Native for TikTok {
    fn signed_in(&self, session: &Session) -> Result<Option<Http>, Failure> {
        Ok(Some(signin::signed_in(session)))
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(errors::Resources))
    }
}

#[cfg(test)]
mod tests;
