//! Signing in with tokens that expire. [`TokenSession`] keeps one access token per credential fresh; a [`TokenFlow`] says how one vendor
//! hands tokens out.
//!
//! Three rules, each paid for by somebody's lost access. One renewal at a time per credential: vendors kill the old token at once, so a
//! second renewal would use a dead refresh token. A rotated refresh token is durable before the access token that came with it is first
//! used. And a renewal that has begun runs to its end in a task of its own, even when the person stops the run in the middle: otherwise
//! the rotated token would be lost between the vendor's answer and the keychain.

use crate::{
    budget::Budget,
    http::{Authorizer, Http},
    session::Credentials,
};
use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use model::{
    failure::{Code, Failure},
    secret::{Secret, SecretFields},
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Name of the access token among a connection's secret fields; `access_token:cabinet` for a subject (see [`TokenFlow::subject`]).
pub const ACCESS_TOKEN: &str = "access_token";
/// Name of the refresh token.
pub const REFRESH_TOKEN: &str = "refresh_token";
/// Name of the access token's end, RFC 3339. It lies with the secrets because it changes together with them.
pub const ACCESS_EXPIRES_AT: &str = "access_expires_at";

/// A token is renewed when less than this is left of it, or half its life if that is shorter.
const MARGIN: Duration = Duration::from_mins(5);

/// What a vendor handed out.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The new access token.
    pub access_token: Secret,
    /// The new refresh token, if there is one; otherwise the old one stays.
    pub refresh_token: Option<Secret>,
    /// How long the access token lives, if the vendor says.
    pub expires_in: Option<Duration>,
}

/// How one vendor hands out tokens. The given [`Http`] knows the connection's secrets as placeholders (`client_secret`,
/// `refresh_token`) and sends no sign-in of its own.
#[async_trait]
pub trait TokenFlow: Send + Sync + 'static {
    /// A first token, from what the person entered. A flow that needs the person for it answers `sign_in_rejected`.
    async fn issue(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure>;
    /// A new access token from the refresh token. `sign_in_rejected` means that only [`TokenFlow::issue`] can help.
    async fn refresh(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure>;
    /// For whom the token is, when one set of secrets signs in for several (an agency for itself and for each cabinet): tokens of
    /// different subjects lie side by side and are never mixed up. Empty: for the connection itself.
    fn subject(&self) -> String {
        String::new()
    }
    /// Under which names the tokens lie among the connection's secret fields. By default those of this module with the subject.
    fn names(&self) -> TokenNames {
        TokenNames::of(&self.subject())
    }
    /// Whether [`TokenFlow::issue`] has anything to offer once the platform has rejected the refresh token.
    fn issues_anew(&self) -> bool {
        true
    }
    /// Whether a kept token without a known end counts as ended. By default it is tried.
    fn needs_end(&self) -> bool {
        false
    }
    /// How the token is shown to the platform.
    fn header(&self, token: &Secret) -> (String, Secret) {
        ("Authorization".to_owned(), Secret::new(format!("Bearer {}", token.expose())))
    }
}

/// A token in use.
#[derive(Clone)]
struct Current {
    token: Secret,
    /// When to renew; `None`: only when the platform rejects it.
    renew_at: Option<DateTime<Utc>>,
}

/// The sign-in of one connection; clone it freely. Give it to [`Http::with_authorizer`].
pub struct TokenSession<F> {
    inner: Arc<Inner<F>>,
    cancel: CancellationToken,
}

struct Inner<F> {
    flow: F,
    http: Http,
    credentials: Arc<dyn Credentials>,
    current: Mutex<Option<Current>>,
    /// The turn of a session that shares its tokens with nobody.
    own_turn: Option<tokio::sync::Mutex<()>>,
}

impl<F> Clone for TokenSession<F> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), cancel: self.cancel.clone() }
    }
}

impl<F: TokenFlow> TokenSession<F> {
    /// A session over the connection's secrets. `http` names the hosts that may see them ([`Http::with_hosts`]).
    pub fn new(flow: F, http: Http, credentials: Arc<dyn Credentials>, cancel: CancellationToken) -> Self {
        Self::made(flow, http, credentials, cancel, None)
    }

    /// The same for tokens that nobody else has: renewals wait for those of this session only. A sign-in whose own requests are signed by
    /// another sign-in of the account needs this, because it would otherwise wait for itself.
    pub fn alone(flow: F, http: Http, credentials: Arc<dyn Credentials>, cancel: CancellationToken) -> Self {
        Self::made(flow, http, credentials, cancel, Some(tokio::sync::Mutex::new(())))
    }

    fn made(
        flow: F,
        http: Http,
        credentials: Arc<dyn Credentials>,
        cancel: CancellationToken,
        own_turn: Option<tokio::sync::Mutex<()>>,
    ) -> Self {
        let current = Mutex::new(None);
        Self { inner: Arc::new(Inner { flow, http, credentials, current, own_turn }), cancel }
    }

    /// A token that is good for at least a while, and is not `rejected`.
    pub async fn token(&self, rejected: Option<&Secret>) -> Result<Secret, Failure> {
        if let Some(token) = self.inner.good(rejected) {
            return Ok(token);
        }
        if self.cancel.is_cancelled() {
            return Err(Failure::new(Code::Cancelled));
        }
        let inner = Arc::clone(&self.inner);
        let rejected = rejected.cloned();
        let renewal = tokio::spawn(async move { inner.renewed(rejected.as_ref()).await });
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Failure::new(Code::Cancelled)),
            renewed = renewal => renewed
                .unwrap_or_else(|panic| Err(Failure::new(Code::Internal).detail("the sign-in broke").caused_by(panic))),
        }
    }
}

impl<F: TokenFlow> Inner<F> {
    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn good(&self, rejected: Option<&Secret>) -> Option<Secret> {
        let now = self.http.clock().now();
        let current = self.current();
        let good = current.as_ref().filter(|current| {
            Some(&current.token) != rejected && current.renew_at.is_none_or(|renew_at| renew_at > now)
        })?;
        Some(good.token.clone())
    }

    /// Waits for its turn, looks whether somebody else has renewed meanwhile (another session of the same connection writes to the same
    /// credentials), and only then asks the vendor.
    async fn renewed(&self, rejected: Option<&Secret>) -> Result<Secret, Failure> {
        let budget: &Budget = self.http.budget();
        let _turn = match &self.own_turn {
            Some(own) => own.lock().await,
            None => budget.sign_in_turn().await,
        };
        if let Some(token) = self.good(rejected) {
            return Ok(token);
        }
        let mut fields = self.credentials.load().await?;
        let names = self.flow.names();
        let stored = stored(&fields, &names, self.http.clock().now(), self.flow.needs_end())
            .filter(|stored| Some(&stored.token) != rejected);
        if let Some(stored) = stored {
            let token = stored.token.clone();
            *self.current() = Some(stored);
            return Ok(token);
        }
        let grant = self.ask(&fields, &names).await?;
        let now = self.http.clock().now();
        self.http.redactor().learn(&grant.access_token);
        fields.insert(names.access_token, grant.access_token.clone());
        if let Some(refresh_token) = grant.refresh_token {
            self.http.redactor().learn(&refresh_token);
            fields.insert(names.refresh_token, refresh_token);
        }
        let life = grant.expires_in.and_then(|life| TimeDelta::from_std(life).ok());
        match life {
            Some(life) => {
                let end = (now + life).to_rfc3339_opts(SecondsFormat::Secs, true);
                fields.insert(names.access_expires_at, Secret::new(end));
            }
            None => {
                fields.remove(&names.access_expires_at);
            }
        }
        self.credentials.replace(fields).await?;
        let renew_at = life.map(|life| now + life - margin(life));
        *self.current() = Some(Current { token: grant.access_token.clone(), renew_at });
        Ok(grant.access_token)
    }

    async fn ask(&self, fields: &SecretFields, names: &TokenNames) -> Result<Grant, Failure> {
        let refresh_token = fields.get(&names.refresh_token).filter(|token| !token.is_empty());
        // The run's wish to stop does not reach in here; see the top of the file.
        let uncancelled = CancellationToken::new();
        if let Some(refresh_token) = refresh_token {
            let mut lent = fields.clone();
            // The flow knows it by its plain name, whoever it is for.
            lent.insert(REFRESH_TOKEN.to_owned(), refresh_token.clone());
            match self.flow.refresh(&self.http.lending(lent), &uncancelled).await {
                Err(failure) if failure.code == Code::SignInRejected && self.flow.issues_anew() => {}
                outcome => return outcome,
            }
        }
        self.flow.issue(&self.http.lending(fields.clone()), &uncancelled).await
    }
}

/// Under which names tokens lie among a connection's secret fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenNames {
    /// The access token.
    pub access_token: String,
    /// The refresh token.
    pub refresh_token: String,
    /// The access token's end.
    pub access_expires_at: String,
}

impl TokenNames {
    /// The names of this module, with the subject behind a colon.
    pub fn of(subject: &str) -> Self {
        let name = |name: &str| if subject.is_empty() { name.to_owned() } else { format!("{name}:{subject}") };
        Self {
            access_token: name(ACCESS_TOKEN),
            refresh_token: name(REFRESH_TOKEN),
            access_expires_at: name(ACCESS_EXPIRES_AT),
        }
    }
}

/// When the access token in use ends: the latest end among the fields. It tells nothing about the token itself.
pub fn access_until(fields: &SecretFields) -> Option<DateTime<Utc>> {
    let ends = fields.iter().filter(|(name, _)| plain_name(name) == ACCESS_EXPIRES_AT);
    ends.filter_map(|(_, end)| DateTime::parse_from_rfc3339(end.expose()).ok()).map(|end| end.with_timezone(&Utc)).max()
}

/// The fields a person entered, without the tokens that signing in has added.
pub fn entered(fields: &SecretFields) -> SecretFields {
    let token = |name: &str| [ACCESS_TOKEN, REFRESH_TOKEN, ACCESS_EXPIRES_AT].contains(&plain_name(name));
    fields.iter().filter(|(name, _)| !token(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The name of a field without the subject it is for.
fn plain_name(name: &str) -> &str {
    name.split_once(':').map_or(name, |(name, _)| name)
}

fn margin(life: TimeDelta) -> TimeDelta {
    TimeDelta::from_std(MARGIN).unwrap_or_default().min(life / 2)
}

/// The token among the fields, if it is good for a while yet. Without a known end it is tried: the platform will say.
fn stored(fields: &SecretFields, names: &TokenNames, now: DateTime<Utc>, needs_end: bool) -> Option<Current> {
    let token = fields.get(&names.access_token).filter(|token| !token.is_empty())?.clone();
    let end = fields.get(&names.access_expires_at).and_then(|end| instant(end.expose()));
    if needs_end && end.is_none() {
        return None;
    }
    let renew_at = end.map(|end| end - TimeDelta::from_std(MARGIN).unwrap_or_default());
    renew_at.is_none_or(|renew_at| renew_at > now).then_some(Current { token, renew_at })
}

/// An instant as we write it, or as others do: with a space, or in epoch seconds.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    match text.parse::<i64>() {
        Ok(secs) => DateTime::from_timestamp(secs, 0),
        Err(_) => DateTime::parse_from_rfc3339(text).ok().map(|end| end.with_timezone(&Utc)),
    }
}

#[async_trait]
impl<F: TokenFlow> Authorizer for TokenSession<F> {
    async fn headers(&self) -> Result<Vec<(String, Secret)>, Failure> {
        let token = self.token(None).await?;
        Ok(vec![self.inner.flow.header(&token)])
    }

    async fn rejected(&self, used: &[(String, Secret)]) -> Result<(), Failure> {
        let current = self.inner.current().as_ref().map(|current| current.token.clone());
        // If the current token would make other headers than those rejected, somebody has renewed since.
        let Some(token) = current.filter(|token| used.contains(&self.inner.flow.header(token))) else { return Ok(()) };
        self.token(Some(&token)).await.map(drop)
    }
}
