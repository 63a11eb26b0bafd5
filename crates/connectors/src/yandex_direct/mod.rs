//! Yandex Direct (api.direct.yandex.com): campaigns, groups, ads and their daily statistics, with conversions by goal.
//!
//! The manifest says what is asked; in Rust are the sign-in, where a code becomes tokens (`yandex_id`), and what refusals and reports in the
//! making mean (`errors`).

mod errors;

use crate::{System, folder, yandex_id};
use kit::{
    budget::{Pace, Rule, Rules},
    http::Http,
    policy::Policy,
    session::Session,
};
use manifest::source::Native;
use model::failure::Failure;
use std::sync::Arc;

/// The connector.
pub const SYSTEM: System = System { id: "yandex_direct", files: folder!(), native: || Arc::new(YandexDirect) };

/// Where its interface is.
const HOST: &str = "https://api.direct.yandex.com";

/// The part of it that is written in Rust.
struct YandexDirect;

impl Native for YandexDirect {
    fn signed_in(&self, session: &Session) -> Result<Option<Http>, Failure> {
        let http = yandex_id::signed_in(session, &[HOST], "Bearer");
        http.budget().declare(pace());
        Ok(Some(http))
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(errors::DirectPolicy))
    }
}

/// A user may ask for reports twenty times in ten seconds, asking again for one in the making included.
fn pace() -> Rules {
    let weigh = Arc::new(|request: &kit::http::HttpRequest| errors::is_report(&request.url).then_some(1));
    let pace = Pace::Moving(vec![(20, chrono::TimeDelta::seconds(10))]);
    Rules {
        identity: "yandex_direct: 20 reports in 10 s".to_owned(),
        rules: vec![Rule { weigh, pace }],
        at_once: None,
        reset_header: String::new(),
        remaining_header: String::new(),
        hit_statuses: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
