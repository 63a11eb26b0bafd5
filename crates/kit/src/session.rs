//! A session: everything one connection lends to a source while it reads. Credentials, HTTP with the account's budget, the clock,
//! and the wish of a person to stop.

use crate::clock::Clock;
use async_trait::async_trait;
use model::{
    failure::Failure,
    secret::{Secret, SecretFields},
};
use std::sync::Arc;
pub use tokio_util::sync::CancellationToken;

/// Secret fields to be set, or removed where there is no value.
#[derive(Debug, Clone, Default)]
pub struct SecretChanges {
    /// By name.
    pub fields: Vec<(String, Option<Secret>)>,
    /// Whether they are this connection's own. Others of the sign-in that it was made from never see them; all other fields are theirs
    /// too.
    pub own: bool,
}

impl SecretChanges {
    /// Lays the changes over fields.
    pub fn apply(&self, fields: &mut SecretFields) {
        for (name, value) in &self.fields {
            match value {
                Some(value) => fields.insert(name.clone(), value.clone()),
                None => fields.remove(name),
            };
        }
    }
}

/// The secrets of one connection. Implemented over the vault for connections and in memory for a sign-in being tested.
///
/// Several connections may have been made from one sign-in. What they share lies in one place: a refresh token that one of them rotates
/// is the one that the others find.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// All secret fields, by the names of the form and of the sign-in (`client_secret`, `refresh_token`, `access_token` ...).
    async fn load(&self) -> Result<SecretFields, Failure>;
    /// Sets or removes fields; all others stay, whatever anybody did to them since they were loaded. When this returns, the new ones
    /// survive a crash and the old ones are gone: a rotated refresh token is stored here **before** the access token that came with it
    /// is first used.
    async fn change(&self, changes: SecretChanges) -> Result<(), Failure>;
    /// The turn to renew tokens: whoever shares these secrets waits for the same one.
    fn turn(&self) -> Arc<tokio::sync::Mutex<()>>;
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

impl Session {
    /// The same session for a part of its work, watched by somebody of its own.
    #[must_use]
    pub fn watched_by(&self, observer: Arc<dyn crate::observe::Observer>) -> Self {
        Self { http: self.http.watched_by(observer), ..self.clone() }
    }
}
