//! Signing requests (connector-format.md, sections 7, 15.1 and 15.2): what the authenticators of [`crate::components`] do.
//!
//! A request is built without waiting and is sent perhaps several times; a token may have to be fetched, and may be another one at the
//! next attempt. So [`place`] puts a placeholder where the token belongs, and `kit` asks the requester's sign-in for the token of the
//! day at each attempt. That way one mechanism serves headers, parameters and bodies, and a host that may not see secrets gets none:
//! [`Run::http_for`] names those that may.
//!
//! Sign-ins are kept per run and shared by all requesters with the same authenticator, so that many streams log in once.

mod jwt;
mod keep;
mod login;
mod oauth;
mod veil;

pub use jwt::Algorithm;
pub(crate) use veil::secrets_of;
pub use veil::{Computed, Veil};

use crate::{
    components::{Auth, Jwt, Requester, Text},
    json::{Json, Map},
    read::Run,
    template::{Allowed, Scope, SliceView, Value},
    wire::{Injection, WireError, join},
};
use async_trait::async_trait;
use keep::{Kept, Memory};
use kit::{
    http::{Authorizer, Http},
    placeholder,
    session::{CancellationToken, Credentials},
    signin::{Grant, TokenFlow, TokenNames, TokenSession},
};
use login::{Legacy, Login};
use model::{
    failure::{Code, Failure},
    secret::{Secret, SecretFields},
};
use oauth::Refresh;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The name under which a sign-in lends its token.
const TOKEN: &str = "sign_in:token";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under these locks can panic half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A secret field as text, even where a value such as `1e5` could be read as a number (15.1).
fn secret(text: &Text, scope: &Scope<'_>, field: &'static str) -> Result<String, WireError> {
    let value = text.typed(scope, Allowed::Text).map_err(WireError::template(field))?;
    Ok(value.print().into_owned())
}

/// A secret on its way into a request. One that is known in clear is marked as such.
fn marked(text: String) -> String {
    if placeholder::present(&text) { text } else { placeholder::guarded(&text) }
}

/// The authenticator that the configuration picks. Its error names the field of the choice.
fn chosen<'a>(auth: &'a Auth, scope: &Scope<'_>) -> Result<&'a Auth, WireError> {
    let Auth::Selective { path, choices } = auth else { return Ok(auth) };
    let picked = picked(path, scope).unwrap_or_default();
    match choices.iter().find(|(name, _)| *name == picked) {
        Some((_, auth)) => chosen(auth, scope),
        None => Err(WireError::new(SELECTION, format!("{picked:?} is not one of the ways to sign in"))),
    }
}

const SELECTION: &str = "authenticator_selection_path";

fn picked(path: &[String], scope: &Scope<'_>) -> Option<String> {
    let mut value = scope.variable("config")?.clone();
    for segment in path {
        value = value.get(&Value::text(segment.clone()))?;
    }
    Some(value.print().into_owned())
}

/// Puts the sign-in into a request: a key or password itself (as a placeholder if the configuration holds one), or the
/// placeholder of a token that is fetched when the request is sent.
pub(crate) fn place(
    auth: &Auth,
    scope: &Scope<'_>,
    headers: &mut Vec<(String, Json)>,
    injections: &mut Vec<Injection>,
) -> Result<(), WireError> {
    let token = || placeholder::field(TOKEN);
    let authorization = |value: String| ("Authorization".to_owned(), Json::from(value));
    match chosen(auth, scope)? {
        Auth::None | Auth::Native | Auth::Selective { .. } => {}
        Auth::Bearer(text) => {
            let text = secret(text, scope, "authenticator.api_token")?;
            headers.push(authorization(format!("Bearer {}", marked(text))));
        }
        Auth::Basic { user, password } => {
            let user = secret(user, scope, "authenticator.username")?;
            let password = match password {
                Some(password) => secret(password, scope, "authenticator.password")?,
                None => String::new(),
            };
            headers.push(authorization(placeholder::basic(&user, &password)));
        }
        Auth::ApiKey { token, option } => {
            let text = secret(token, scope, "authenticator.api_token")?;
            if !text.is_empty() {
                injections.push(Injection::new(option, Json::from(marked(text)), scope)?);
            }
        }
        Auth::OAuth(oauth) => {
            let text = match (&oauth.endpoint, &oauth.access_token) {
                (None, Some(text)) => marked(secret(text, scope, "authenticator.access_token_value")?),
                _ => token(),
            };
            headers.push(authorization(format!("Bearer {text}")));
        }
        Auth::Session(login) => match &login.shown {
            None => headers.push(authorization(format!("Bearer {}", token()))),
            Some((text, option)) => {
                let scope = scope.clone().with("session_token", Value::text(token()));
                let text = secret(text, &scope, "authenticator.request_authentication.api_token")?;
                injections.push(Injection::new(option, Json::from(marked(text)), &scope)?);
            }
        },
        Auth::LegacySession(session) => {
            let name = session.header.text(scope).map_err(WireError::template("authenticator.header"))?;
            headers.push((name, Json::from(token())));
        }
        Auth::Jwt(jwt) => injections.push(Injection::new(&jwt.option, Json::from(token()), scope)?),
    }
    Ok(())
}

/// The sign-ins of one run.
pub struct SignIns {
    credentials: Arc<dyn Credentials>,
    made: Mutex<HashMap<String, Arc<SignIn>>>,
}

impl fmt::Debug for SignIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignIns")
    }
}

impl Default for SignIns {
    /// Tokens are forgotten with the run.
    fn default() -> Self {
        Self::new(Arc::new(Memory::default()))
    }
}

impl SignIns {
    /// `credentials` keep rotated refresh tokens, under the dotted path that they have in the configuration
    /// (`credentials.refresh_token`), or under a name with a colon when the manifest names no place for them.
    pub fn new(credentials: Arc<dyn Credentials>) -> Self {
        Self { credentials, made: Mutex::default() }
    }

    /// The sign-in that fetches tokens for this authenticator, if it needs one.
    fn get(&self, auth: &Auth, run: &Run) -> Result<Option<Arc<SignIn>>, Failure> {
        let identity = match auth {
            Auth::OAuth(oauth) if oauth.endpoint.is_some() => &oauth.identity,
            Auth::Session(login) => &login.identity,
            Auth::LegacySession(session) => &session.identity,
            Auth::Jwt(jwt) => &jwt.identity,
            _ => return Ok(None),
        };
        if let Some(made) = lock(&self.made).get(identity) {
            return Ok(Some(Arc::clone(made)));
        }
        // A login's own requester may need another sign-in, so nothing is locked here; of two that were made at once one is dropped
        // unused.
        let made = Arc::new(self.make(auth, run)?);
        Ok(Some(Arc::clone(lock(&self.made).entry(identity.clone()).or_insert(made))))
    }

    fn make(&self, auth: &Auth, run: &Run) -> Result<SignIn, Failure> {
        let config = Arc::clone(&run.config);
        let real = Arc::clone(&self.credentials);
        // The run's wish to stop ends the waiting for a token in `kit`; a renewal itself is never left half-way.
        let never = CancellationToken::new();
        let source = match auth {
            Auth::OAuth(oauth) => {
                let flow = Refresh::new(Arc::clone(oauth), config);
                let http = run.reaching(flow.hosts(&run.scope())?);
                let kept = Kept::for_oauth(real, &flow, run)?;
                Source::Tokens(TokenSession::new(Flow::Refresh(flow), http, Arc::new(kept), never))
            }
            Auth::Session(login) => {
                let http = run.http_for(&login.requester, &[])?;
                let flow = Flow::Login(Login::new(Arc::clone(login), config, run.now));
                if login.life.is_some() {
                    let kept = Kept::in_memory(real, flow.names());
                    Source::Tokens(TokenSession::alone(flow, http, Arc::new(kept), never))
                } else {
                    Source::EachTime(Box::new((flow, http)))
                }
            }
            Auth::LegacySession(session) => {
                let flow = Legacy::new(Arc::clone(session), config);
                let http = run.reaching(flow.hosts(&run.scope())?);
                let kept = Kept::in_memory(real, TokenNames::of(&subject(&session.identity)));
                Source::Tokens(TokenSession::alone(Flow::Legacy(flow), http, Arc::new(kept), never))
            }
            Auth::Jwt(jwt) => Source::Signed(Box::new((Arc::clone(jwt), config, run.http.clone()))),
            _ => return Err(Failure::new(Code::Internal).detail("this authenticator has no token")),
        };
        Ok(SignIn { source, rejected: Mutex::new(None) })
    }
}

/// A name for an authenticator among a connection's secret fields.
fn subject(identity: &str) -> String {
    use sha2::Digest as _;
    data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(identity)[..6])
}

/// One authenticator's sign-in.
pub(crate) struct SignIn {
    source: Source,
    /// The last token that the platform rejected.
    rejected: Mutex<Option<Secret>>,
}

enum Source {
    /// Tokens that are good for a while.
    Tokens(TokenSession<Flow>),
    /// A token for each request.
    EachTime(Box<(Flow, Http)>),
    /// Tokens that we sign.
    Signed(Box<(Arc<Jwt>, Arc<Json>, Http)>),
}

/// The ways to tokens, so that one session type serves all.
enum Flow {
    Refresh(Refresh),
    Login(Login),
    Legacy(Legacy),
}

#[async_trait]
impl TokenFlow for Flow {
    async fn issue(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure> {
        match self {
            Self::Refresh(flow) => flow.issue(http, cancel).await,
            Self::Login(flow) => flow.issue(http, cancel).await,
            Self::Legacy(flow) => flow.issue(http, cancel).await,
        }
    }
    async fn refresh(&self, http: &Http, cancel: &CancellationToken) -> Result<Grant, Failure> {
        match self {
            Self::Refresh(flow) => flow.refresh(http, cancel).await,
            // These have no refresh tokens; whoever kept one meant a login.
            Self::Login(_) | Self::Legacy(_) => self.issue(http, cancel).await,
        }
    }
    fn names(&self) -> TokenNames {
        match self {
            Self::Refresh(flow) => flow.names(),
            Self::Login(flow) => TokenNames::of(&subject(flow.identity())),
            Self::Legacy(flow) => TokenNames::of(&subject(flow.identity())),
        }
    }
    fn issues_anew(&self) -> bool {
        match self {
            Self::Refresh(flow) => flow.issues_anew(),
            Self::Login(_) | Self::Legacy(_) => true,
        }
    }
    fn needs_end(&self) -> bool {
        matches!(self, Self::Refresh(flow) if flow.rotates())
    }
}

#[async_trait]
impl Authorizer for SignIn {
    async fn headers(&self) -> Result<Vec<(String, Secret)>, Failure> {
        Ok(Vec::new())
    }
    async fn lent(&self) -> Result<SecretFields, Failure> {
        let token = match &self.source {
            Source::Tokens(session) => {
                let rejected = lock(&self.rejected).clone();
                session.token(rejected.as_ref()).await?
            }
            Source::EachTime(login) => login.0.issue(&login.1, &CancellationToken::new()).await?.access_token,
            Source::Signed(signed) => {
                let (jwt, config, http) = &**signed;
                Secret::new(jwt::signed(jwt, config, http)?.to_string())
            }
        };
        Ok(SecretFields::from([(TOKEN.to_owned(), token)]))
    }
    async fn rejected(&self, used: &[(String, Secret)]) -> Result<(), Failure> {
        // The next attempt asks for another one; if somebody else has renewed since, that is the one.
        let token = used.iter().find(|(name, _)| name == TOKEN).map(|(_, token)| token.clone());
        *lock(&self.rejected) = token;
        Ok(())
    }
    fn renewable(&self) -> bool {
        !matches!(self.source, Source::Signed(_))
    }
}

impl Run {
    /// The HTTP for one requester: signed, and with its secrets kept from hosts it does not name. `siblings` are requesters of the same
    /// stream whose hosts are as good (those that create and poll a report, for the one that downloads it).
    pub(crate) fn http_for(&self, requester: &Requester, siblings: &[&Requester]) -> Result<Http, Failure> {
        if self.signed_in {
            return Ok(self.http.clone());
        }
        let scope = self.scope();
        let failure = |error: WireError| {
            if error.field == SELECTION {
                return Failure::new(Code::SettingInvalid).with("field", error.field).detail(&error);
            }
            let path = format!("{}/{}", requester.path_in_document, error.field);
            Failure::new(Code::ManifestInvalid).with("path", path).detail(placeholder::mask(&error.message))
        };
        let hosts = std::iter::once(requester).chain(siblings.iter().copied()).flat_map(|it| named_hosts(it, &scope));
        let http = self.reaching(hosts.collect());
        let auth = chosen(&requester.auth, &scope).map_err(failure)?;
        Ok(match self.sign_ins.get(auth, self)? {
            Some(sign_in) => http.with_authorizer(sign_in),
            None => http,
        })
    }

    /// The HTTP with secrets for these hosts. What an imported manifest asks for stays out of the local network.
    fn reaching(&self, hosts: Vec<String>) -> Http {
        if self.strict {
            return self.http.with_hosts(hosts);
        }
        let mut entered = Vec::new();
        entered_hosts(&self.config, &mut entered);
        self.http.with_domains(hosts).bounded(entered)
    }
}

/// The addresses a requester names by itself. What answers of the platform put into them is left blank, so a host that comes from
/// an answer is not among them.
fn named_hosts(requester: &Requester, scope: &Scope<'_>) -> Vec<String> {
    let empty = Json::Object(Map::new());
    let part = || empty.clone();
    let blank = SliceView { all: part(), partition: part(), cursor: part(), extra_fields: part() };
    let mut scope = scope.clone().with("stream_slice", Value::Slice(&blank));
    for name in
        ["next_page_token", "creation_response", "polling_response", "download_target", "stream_template_config"]
    {
        scope.set(name, Value::from_json(&empty));
    }
    let base = requester.base.text(&scope).unwrap_or_default();
    let path = requester.path.as_ref().and_then(|path| path.text(&scope).ok()).unwrap_or_default();
    let whole = join(&base, &path);
    vec![base, whole]
}

/// Hosts in the texts of a configuration: a person entered them.
fn entered_hosts(config: &Json, found: &mut Vec<String>) {
    match config {
        Json::String(text)
            if !text.is_empty() && !text.contains(char::is_whitespace) && !placeholder::present(text) =>
        {
            let url = url::Url::parse(text).ok().filter(url::Url::has_host);
            let url = url.or_else(|| url::Url::parse(&format!("https://{text}")).ok());
            found.extend(url.and_then(|url| url.host_str().map(str::to_owned)));
        }
        Json::Array(items) => items.iter().for_each(|item| entered_hosts(item, found)),
        Json::Object(map) => map.values().for_each(|item| entered_hosts(item, found)),
        _ => {}
    }
}
