//! A session: everything one connection lends to a source while it reads. Credentials, HTTP with the account's budget, the clock,
//! and the wish of a person to stop.

use crate::clock::Clock;
use async_trait::async_trait;
use model::{failure::Failure, secret::SecretFields};
use std::sync::Arc;
pub use tokio_util::sync::CancellationToken;

/// The secrets of one connection. Implemented over the vault for connections and in memory for a sign-in being tested.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// All secret fields, by the names of the form and of the sign-in (`client_secret`, `refresh_token`, `access_token` ...).
    async fn load(&self) -> Result<SecretFields, Failure>;
    /// Replaces all fields at once. When this returns, the new ones survive a crash and the old ones are gone: a rotated refresh
    /// token is stored here **before** the access token that came with it is first used.
    async fn replace(&self, fields: SecretFields) -> Result<(), Failure>;
}

/// What a source works with.
#[derive(Clone)]
pub struct Session {
    /// Settings that are not secret, by the names of the form.
    pub config: Arc<serde_json::Map<String, serde_json::Value>>,
    /// Secrets.
    pub credentials: Arc<dyn Credentials>,
    /// Requests: budget, retry, log.
    pub http: crate::http::Http,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Cancelled when a person stops the run or the program quits.
    pub cancel: CancellationToken,
}
