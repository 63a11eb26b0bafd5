//! Yandex Audience (api-audience.yandex.ru): segments of people with their state and size, whom they are shown to, pixels, and delegates.
//!
//! The manifest says what is asked; the sign-in is Yandex ID's (`yandex_id`), and refusals are read as Metrica's (`metrica_engine`). Nothing
//! of it is statistics: its streams are kept as records. How a represented login is asked for is nowhere documented, so whose the answers
//! are is looked at (`owners`).

mod owners;

use crate::{System, folder, yandex_id};
use kit::{http::Http, policy::Policy, session::Session};
use manifest::source::Native;
use model::failure::Failure;
use std::sync::Arc;

/// The connector.
pub const SYSTEM: System = System { id: "yandex_audience", files: folder!(), native: || Arc::new(Audience) };

/// Where its interface is.
const HOST: &str = "https://api-audience.yandex.ru";

/// The part of it that is written in Rust.
struct Audience;

impl Native for Audience {
    fn signed_in(&self, session: &Session) -> Result<Option<Http>, Failure> {
        Ok(Some(yandex_id::signed_in(session, &[HOST, yandex_id::WHOSE], "OAuth")))
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(owners::AudiencePolicy))
    }
}

#[cfg(test)]
mod tests;
