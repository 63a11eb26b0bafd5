//! Telegram Ads (promoteapi.telegram.org): daily statistics of ads and of their accounts, an agency's related ones among them.
//!
//! The manifest says what is read; in Rust is what its refusals mean (`errors`), which come under the status 200.

mod errors;

use crate::{System, folder};
use kit::{http::Http, policy::Policy, session::Session};
use manifest::source::Native;
use model::failure::Failure;
use std::sync::Arc;

/// The connector.
pub const SYSTEM: System = System { id: "telegram_ads", files: folder!(), native: || Arc::new(Promote) };

struct Promote;

impl Native for Promote {
    fn signed_in(&self, _: &Session) -> Result<Option<Http>, Failure> {
        Ok(None)
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(errors::Methods))
    }
}

#[cfg(test)]
mod tests;
