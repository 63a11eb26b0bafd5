//! Signing in with tokens that expire. [`TokenSession`] keeps one access token per credential fresh; a [`TokenFlow`] says how one vendor
//! hands tokens out.
//!
//! Three rules, each paid for by somebody's lost access. One renewal at a time per sign-in: vendors kill the old token at once, so a
//! second renewal would use a dead refresh token. A rotated refresh token is durable before the access token that came with it is first
//! used. And a renewal that has begun runs to its end in a task of its own, even when the person stops the run in the middle: otherwise
//! the rotated token would be lost between the vendor's answer and the keychain.
//!
//! A token that can be refreshed is refreshed once half of its life is over, while the old one is still good: a platform that is down at
//! that moment then costs nothing.

use crate::{
    http::{Authorizer, Http},
    session::{Credentials, SecretChanges},
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

/// Name of the instant when the access token was handed out, RFC 3339: with its end it tells its life.
pub const ACCESS_ISSUED_AT: &str = "access_issued_at";
/// Name of what the sign-in may do, in the platform's words, parted by spaces.
pub const GRANTED_SCOPES: &str = "granted_scopes";
/// Name of the sign-in's own end, RFC 3339: after it only a person can help.
pub const GRANT_ENDS_AT: &str = "grant_ends_at";

/// A token counts as ended when less than this is left of it, or half its life if that is shorter.
const MARGIN: TimeDelta = TimeDelta::minutes(5);
/// How long a token that could not be refreshed early is used before that is tried again.
const EARLY_PAUSE: TimeDelta = TimeDelta::minutes(10);

/// What a vendor handed out.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The new access token.
    pub access_token: Secret,
    /// The new refresh token, if there is one; otherwise the old one stays.
    pub refresh_token: Option<Secret>,
    /// How long the access token lives, if the vendor says.
    pub expires_in: Option<Duration>,
    /// How long it can be renewed without a person, if the vendor says: the life of the refresh token or of the consent.
    pub ends_in: Option<Duration>,
    /// What it may do, if the vendor says.
    pub scopes: Option<Vec<String>>,
}

impl Grant {
    /// A token of which nothing else is known.
    pub fn of(access_token: Secret) -> Self {
        Self { access_token, refresh_token: None, expires_in: None, ends_in: None, scopes: None }
    }
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
    /// Whether the tokens are this connection's own, though the sign-in that hands them out is shared.
    fn own(&self) -> bool {
        false
    }
    /// Whether [`TokenFlow::issue`] has anything to offer once the platform has rejected the refresh token.
    fn issues_anew(&self) -> bool {
        true
    }
    /// Whether a kept token without a known end counts as ended. By default it is tried.
    fn needs_end(&self) -> bool {
        false
    }
    /// The word in front of the token.
    fn scheme(&self) -> &'static str {
        "Bearer"
    }
    /// How the token is shown to the platform.
    fn header(&self, token: &Secret) -> (String, Secret) {
        ("Authorization".to_owned(), Secret::new(format!("{} {}", self.scheme(), token.expose())))
    }
}

/// A token in use.
#[derive(Clone)]
struct Current {
    token: Secret,
    /// When to refresh it although it is still good; `None`: not before its end.
    early_at: Option<DateTime<Utc>>,
    /// When it counts as ended; `None`: only when the platform rejects it.
    ends_at: Option<DateTime<Utc>>,
}

impl Current {
    /// `refreshable`: whether there is a refresh token. A platform that hands out few tokens is not asked for another one early.
    fn new(token: Secret, issued_at: Option<DateTime<Utc>>, end: Option<DateTime<Utc>>, refreshable: bool) -> Self {
        let half = issued_at.zip(end).map(|(issued_at, end)| (end - issued_at) / 2);
        let margin = half.map_or(MARGIN, |half| half.min(MARGIN));
        let early_at = end.zip(half).map(|(end, half)| end - half).filter(|_| refreshable);
        Self { token, early_at, ends_at: end.map(|end| end - margin) }
    }
    fn ended(&self, now: DateTime<Utc>) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }
    fn due(&self, now: DateTime<Utc>) -> bool {
        self.ended(now) || self.early_at.is_some_and(|early| early <= now)
    }
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
        let good = current.as_ref().filter(|current| Some(&current.token) != rejected && !current.due(now))?;
        Some(good.token.clone())
    }

    /// Waits for its turn, looks whether somebody else has renewed meanwhile (another connection of the same sign-in writes to the same
    /// credentials), and only then asks the vendor.
    async fn renewed(&self, rejected: Option<&Secret>) -> Result<Secret, Failure> {
        let shared;
        let _turn = if let Some(own) = &self.own_turn {
            own.lock().await
        } else {
            shared = self.credentials.turn();
            shared.lock().await
        };
        if let Some(token) = self.good(rejected) {
            return Ok(token);
        }
        let fields = self.credentials.load().await?;
        let names = self.flow.names();
        let now = self.http.clock().now();
        let usable = stored(&fields, &names, now, self.flow.needs_end())
            .filter(|stored| Some(&stored.token) != rejected)
            .map(|stored| self.patient(stored));
        if let Some(stored) = usable.as_ref().filter(|stored| !stored.due(now)) {
            *self.current() = Some(stored.clone());
            return Ok(stored.token.clone());
        }
        match self.ask(&fields, &names, usable.is_some()).await {
            Ok(grant) => self.keep(grant, &fields, names).await,
            // Too early to be in trouble: what is there is good for a while.
            Err(failure) if let Some(mut stored) = usable => {
                tracing::info!(error = %failure, "a token could not be refreshed early; the old one goes on");
                stored.early_at = Some(self.http.clock().now() + EARLY_PAUSE);
                let token = stored.token.clone();
                *self.current() = Some(stored);
                Ok(token)
            }
            Err(failure) => Err(failure),
        }
    }

    /// The stored token, not due before the pause of this session is over.
    fn patient(&self, mut stored: Current) -> Current {
        let early = self.current().as_ref().filter(|current| current.token == stored.token).and_then(|it| it.early_at);
        stored.early_at = stored.early_at.max(early.filter(|_| stored.early_at.is_some()));
        stored
    }

    /// Makes what the vendor handed out durable, and only then the token in use.
    async fn keep(&self, grant: Grant, before: &SecretFields, names: TokenNames) -> Result<Secret, Failure> {
        let now = self.http.clock().now();
        self.http.redactor().learn(&grant.access_token);
        let instant = |at: DateTime<Utc>| Secret::new(at.to_rfc3339_opts(SecondsFormat::Secs, true));
        let after =
            |life: Option<Duration>| life.and_then(|life| TimeDelta::from_std(life).ok()).map(|life| now + life);
        let end = after(grant.expires_in);
        let refreshable =
            grant.refresh_token.is_some() || before.get(&names.refresh_token).is_some_and(|token| !token.is_empty());
        let mut fields = vec![
            (names.access_token, Some(grant.access_token.clone())),
            (names.access_expires_at, end.map(instant)),
            (names.access_issued_at, end.map(|_| instant(now))),
        ];
        if let Some(refresh_token) = grant.refresh_token {
            self.http.redactor().learn(&refresh_token);
            fields.push((names.refresh_token, Some(refresh_token)));
        }
        // A refresh that says nothing of these leaves what is known.
        if let Some(end) = after(grant.ends_in) {
            fields.push((names.grant_ends_at, Some(instant(end))));
        }
        if let Some(scopes) = grant.scopes.filter(|scopes| !scopes.is_empty()) {
            fields.push((names.granted_scopes, Some(Secret::new(scopes.join(" ")))));
        }
        self.credentials.change(SecretChanges { fields, own: self.flow.own() }).await?;
        *self.current() = Some(Current::new(grant.access_token.clone(), Some(now), end, refreshable));
        Ok(grant.access_token)
    }

    /// `early`: the present token is still good, so nothing is issued anew.
    async fn ask(&self, fields: &SecretFields, names: &TokenNames, early: bool) -> Result<Grant, Failure> {
        let refresh_token = fields.get(&names.refresh_token).filter(|token| !token.is_empty());
        // The run's wish to stop does not reach in here; see the top of the file.
        let uncancelled = CancellationToken::new();
        if let Some(refresh_token) = refresh_token {
            let mut lent = fields.clone();
            // The flow knows it by its plain name, whoever it is for.
            lent.insert(REFRESH_TOKEN.to_owned(), refresh_token.clone());
            match self.flow.refresh(&self.http.lending(lent), &uncancelled).await {
                Err(failure) if failure.code == Code::SignInRejected && self.flow.issues_anew() && !early => {}
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
    /// When it was handed out.
    pub access_issued_at: String,
    /// What the sign-in may do.
    pub granted_scopes: String,
    /// The sign-in's own end.
    pub grant_ends_at: String,
}

impl TokenNames {
    /// The names of this module, with the subject behind a colon.
    pub fn of(subject: &str) -> Self {
        let name = |name: &str| if subject.is_empty() { name.to_owned() } else { format!("{name}:{subject}") };
        Self {
            access_token: name(ACCESS_TOKEN),
            refresh_token: name(REFRESH_TOKEN),
            access_expires_at: name(ACCESS_EXPIRES_AT),
            access_issued_at: name(ACCESS_ISSUED_AT),
            granted_scopes: name(GRANTED_SCOPES),
            grant_ends_at: name(GRANT_ENDS_AT),
        }
    }
}

/// What can be said of a sign-in without showing it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignInFacts {
    /// When the access token in use ends: the latest end among the fields.
    pub access_until: Option<DateTime<Utc>>,
    /// When only a person can help: the earliest such end.
    pub ends_at: Option<DateTime<Utc>>,
    /// What it may do, in the platform's words.
    pub scopes: Option<Vec<String>>,
}

impl SignInFacts {
    /// Reads them off secret fields. They tell nothing about the tokens themselves.
    pub fn of(fields: &SecretFields) -> Self {
        let all = |wanted: &'static str| fields.iter().filter(move |(name, _)| plain_name(name) == wanted);
        let instants = |wanted| all(wanted).filter_map(|(_, at)| instant(at.expose()));
        let mut scopes: Vec<String> =
            all(GRANTED_SCOPES).flat_map(|(_, scopes)| scopes.expose().split(' ')).map(str::to_owned).collect();
        scopes.sort();
        scopes.dedup();
        Self {
            access_until: instants(ACCESS_EXPIRES_AT).max(),
            ends_at: instants(GRANT_ENDS_AT).min(),
            scopes: (!scopes.is_empty()).then_some(scopes),
        }
    }
}

/// Whether a field is an access token or what belongs to it, so that it can be taken away and is fetched again when it is needed.
pub fn is_access(name: &str) -> bool {
    [ACCESS_TOKEN, ACCESS_EXPIRES_AT, ACCESS_ISSUED_AT].contains(&plain_name(name))
}

/// Whether a field was added by signing in, and not entered by a person.
pub fn is_token(name: &str) -> bool {
    is_access(name) || [REFRESH_TOKEN, GRANTED_SCOPES, GRANT_ENDS_AT].contains(&plain_name(name))
}

/// The name of a field without the subject it is for.
fn plain_name(name: &str) -> &str {
    name.split_once(':').map_or(name, |(name, _)| name)
}

/// The token among the fields, if it has not ended. Without a known end it is tried: the platform will say.
fn stored(fields: &SecretFields, names: &TokenNames, now: DateTime<Utc>, needs_end: bool) -> Option<Current> {
    let token = fields.get(&names.access_token).filter(|token| !token.is_empty())?.clone();
    let at = |name: &String| fields.get(name).and_then(|at| instant(at.expose()));
    let end = at(&names.access_expires_at);
    if needs_end && end.is_none() {
        return None;
    }
    let refreshable = fields.get(&names.refresh_token).is_some_and(|token| !token.is_empty());
    let stored = Current::new(token, at(&names.access_issued_at), end, refreshable);
    (!stored.ended(now)).then_some(stored)
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
