//! The advertising engine of VK group, on which VK Реклама and myTarget stand: its sign-in with few tokens (`signin`) and its error words
//! (`errors`), which no manifest can say. Trees, statistics and their history differ and stand in each product's own manifest.

#[cfg(test)]
#[path = "tests/desk.rs"]
pub mod desk;
pub mod errors;
pub mod signin;

use kit::{http::Http, policy::Policy, session::Session};
use manifest::source::Native;
use model::failure::Failure;
use std::sync::Arc;

/// What of a product on the engine is written in Rust.
pub struct TargetEngine {
    /// Where its interface is when a connection does not say otherwise, such as `https://ads.vk.com`.
    pub host: &'static str,
}

impl Native for TargetEngine {
    fn signed_in(&self, session: &Session) -> Result<Option<Http>, Failure> {
        signin::signed_in(session, self.host).map(Some)
    }
    fn policy(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(errors::EnginePolicy))
    }
}
