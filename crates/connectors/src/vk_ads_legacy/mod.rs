//! The former advertising cabinet of VKontakte (vk.com/ads, methods `ads.*`): names and daily statistics of campaigns and ads.
//!
//! The manifest says what is read and signs with the token that a person gave. Rust says what a refusal under the status 200 means.

mod errors;

use crate::{System, folder};
use kit::{http::Http, policy::Policy, session::Session};
use manifest::source::Native;
use model::failure::Failure;
use std::sync::Arc;

/// The connector.
pub const SYSTEM: System = System { id: "vk_ads_legacy", files: folder!(), native: || Arc::new(Cabinet) };

struct Cabinet;

impl Native for Cabinet {
    fn signed_in(&self, _: &Session) -> Result<Option<Http>, Failure> {
        Ok(None)
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(errors::Methods))
    }
}

#[cfg(test)]
mod tests;
