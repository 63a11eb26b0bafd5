//! Yandex PromoPages (promopages.yandex.ru): campaigns, their articles and covers, and the daily statistics of all three.
//!
//! The manifest says what is asked; in Rust are the sign-in, which is that of all of Yandex's systems (`yandex_id`), what an answer's status
//! means (`errors`), and how articles and covers are taken out of the campaigns that contain them (`articles`).

mod articles;
mod errors;

use crate::{System, folder, yandex_id};
use kit::{http::Http, policy::Policy, session::Session};
use manifest::{json::Json, source::Native};
use model::failure::Failure;
use std::sync::Arc;

/// The connector.
pub const SYSTEM: System = System { id: "yandex_promopages", files: folder!(), native: || Arc::new(PromoPages) };

/// Where its interface is.
const HOST: &str = "https://promopages.yandex.ru";

/// The part of it that is written in Rust.
struct PromoPages;

impl Native for PromoPages {
    fn signed_in(&self, session: &Session) -> Result<Option<Http>, Failure> {
        Ok(Some(yandex_id::signed_in(session, &[HOST], "Bearer")))
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(errors::Statuses))
    }
    fn taken_apart(&self, stream: &str) -> Option<fn(Vec<Json>) -> Vec<Json>> {
        match stream {
            "publications" => Some(articles::articles),
            "previews" => Some(articles::covers),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
