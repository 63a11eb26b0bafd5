//! HTTP for everything that speaks to a vendor: one request in, one answer or one [`Failure`] out. Between the two lie the account's
//! budget, sign-in, secrets, timeouts, size limits, redirects, repetition, the redacted log, and the wish of a person to stop.
//!
//! Decisions. Redirects are followed here and not in the client, because only here is it known which hosts may see a credential. Time
//! limits are on silence, not on the whole answer: a large report may take minutes as long as bytes come, and come at a pace at which
//! the end is in sight. A body is read up to a limit and the rest is never fetched. Header names are lower case in answers (the client below normalises them); lookups ignore case.

use crate::{
    budget::{Budget, Budgets},
    clock::{Clock, SystemClock},
    observe::{Exchange, Observer, RequestRecord, Unobserved, WaitReason},
    placeholder,
    policy::{Attempt, Decision, Outcome, Policy},
    redact::{MASK, Redactor, sounds_secret},
    waiting::Waiting,
};
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, TimeDelta, Utc};
use model::{
    failure::{Code, Failure},
    secret::{Secret, SecretFields},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    error::Error,
    fmt,
    io::{Read, Seek, SeekFrom, Write},
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tempfile::SpooledTempFile;
use tokio_util::sync::CancellationToken;
use url::{Host, Url, form_urlencoded};
use zeroize::Zeroizing;

/// How much of an answer that goes to a file is kept in memory before the file is made.
const FILE_FROM_BYTES: usize = 1 << 20;

/// Longest silence of a platform when nobody says otherwise.
pub const USUAL_SILENCE: Duration = Duration::from_mins(5);

/// An answer that takes longer than the longest silence has to come at least this fast on average, in bytes a second. A byte now and
/// then is no silence and would never end.
const SLOWEST: f64 = 4096.0;

/// How often in a row a platform is believed how long to wait; after that each wait is at least an ever longer one of ours.
const BELIEVED: u32 = 3;

/// How many redirects are followed.
const MAX_REDIRECTS: u32 = 5;

/// Adds the sign-in to requests. Called for every attempt, so that a repetition carries the newest token.
#[async_trait]
pub trait Authorizer: Send + Sync {
    /// The headers that prove who we are. May refresh an old token, and then waits for it.
    async fn headers(&self) -> Result<Vec<(String, Secret)>, Failure>;
    /// The platform rejected `used`. Refreshes once, unless another request has done so since `used` was handed out.
    async fn rejected(&self, used: &[(String, Secret)]) -> Result<(), Failure>;
    /// Secrets that placeholders in the request stand for, besides those of [`Http::with_secrets`]: a token whose place the request
    /// itself knows. They are among `used` when they are rejected.
    async fn lent(&self) -> Result<SecretFields, Failure> {
        Ok(SecretFields::new())
    }
    /// Whether a rejected sign-in can be renewed at all.
    fn renewable(&self) -> bool {
        true
    }
}

/// What proves who we are in one attempt.
#[derive(Default)]
struct Signed {
    headers: Vec<(String, Secret)>,
    lent: SecretFields,
}

impl Signed {
    fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.lent.is_empty()
    }
    /// All of it, headers first.
    fn used(&self) -> Vec<(String, Secret)> {
        let lent = self.lent.iter().map(|(name, secret)| (name.clone(), secret.clone()));
        self.headers.iter().cloned().chain(lent).collect()
    }
}

/// Everything an [`Http`] is made of. Start from [`HttpOptions::new`] and set what differs.
#[derive(Clone)]
pub struct HttpOptions {
    /// The system's name for failures, such as `vk_ads`.
    pub system: String,
    /// The account's name for failures, such as the cabinet's.
    pub account: String,
    /// The key of the shared request budget; connections that count together have the same one.
    pub budget_key: String,
    /// The budgets of the process.
    pub budgets: Budgets,
    /// The ways out that it shares with others; its own, unless given. Those who share have one user agent and connect timeout.
    pub exits: Exits,
    /// Who watches, unless [`Http::watched_by`] says otherwise.
    pub observer: Arc<dyn Observer>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Address prefixes and what stands in for them (`--url-map`, simulators, tests). The first that fits counts. A bare `https://`
    /// stands for every host: `https://=http://127.0.0.1:8080/__https/` sends `https://a.example/b` to `.../__https/a.example/b`.
    pub url_map: Vec<(String, String)>,
    /// Time until a connection stands.
    pub connect_timeout: Duration,
    /// Longest silence while an answer is awaited or read.
    pub read_timeout: Duration,
    /// Largest answer after decompression, in bytes.
    pub max_body_bytes: u64,
    /// Largest answer that goes [to a file](HttpRequest::to_file), in bytes.
    pub max_file_bytes: u64,
    /// Longest total wait of one request for a quota. Beyond it: `quota_wait` if the end is known, else `too_many_requests`.
    pub patience: Duration,
    /// Random numbers in `0.0..1.0` for the jitter of waits.
    pub dice: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// How we introduce ourselves.
    pub user_agent: String,
}

impl HttpOptions {
    /// The usual: 30 s to connect, 300 s of silence, 64 MiB, an hour of patience, real time, nobody watching.
    pub fn new(system: impl Into<String>, account: impl Into<String>) -> Self {
        let (system, account) = (system.into(), account.into());
        Self {
            budget_key: format!("{system}/{account}"),
            system,
            account,
            budgets: Budgets::default(),
            exits: Exits::default(),
            observer: Arc::new(Unobserved),
            clock: Arc::new(SystemClock),
            url_map: Vec::new(),
            connect_timeout: Duration::from_secs(30),
            read_timeout: USUAL_SILENCE,
            max_body_bytes: 64 << 20,
            max_file_bytes: 8 << 30,
            patience: Duration::from_hours(1),
            dice: Arc::new(rand::random::<f64>),
            user_agent: concat!("Syncdeck/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A request as a connector writes it. Any text in it may hold placeholders (see [`placeholder`]).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HttpRequest {
    /// The verb.
    pub method: Method,
    /// The absolute address.
    pub url: String,
    /// Parameters, appended to those of the address, form-encoded, in this order.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Body,
    /// The part of the platform whose limits count apart (VK counts per resource); empty: the account as a whole.
    pub scope: String,
    /// Another longest silence than the usual.
    pub read_timeout: Option<Duration>,
    /// A good answer may be larger than memory should hold: what is more than a little goes to a temporary file that has no name
    /// and vanishes with the answer. Read it with [`HttpResponse::reader`].
    pub to_file: bool,
}

/// What a request carries.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// JSON, with its content type unless a header says otherwise.
    Json(Value),
    /// A form, with its content type unless a header says otherwise.
    Form(Vec<(String, String)>),
    /// Text as it is; the content type is the caller's.
    Text(String),
}

impl HttpRequest {
    /// A `GET`.
    pub fn get(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }
    /// A `POST`.
    pub fn post(url: impl Into<String>, body: Body) -> Self {
        Self { method: Method::POST, url: url.into(), body, ..Self::default() }
    }
    /// Adds a parameter.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// A whole answer.
#[derive(Clone)]
pub struct HttpResponse {
    /// Status.
    pub status: u16,
    /// The address that answered (after redirects, before the address map), with secrets masked.
    pub url: String,
    /// Whether the policy said that this answer is to be passed over.
    pub ignored: bool,
    /// When it was there.
    pub received_at: DateTime<Utc>,
    headers: HeaderMap,
    body: Bytes,
    /// The body instead, of a request [`HttpRequest::to_file`].
    file: Option<Arc<Mutex<SpooledTempFile>>>,
    system: Arc<str>,
    redactor: Arc<Redactor>,
}

/// The body of an answer, read piece by piece from its begin.
struct BodyReader {
    file: Arc<Mutex<SpooledTempFile>>,
    at: u64,
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let read = file.read(buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl fmt::Debug for HttpResponse {
    /// Without the body: it holds a client's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpResponse({} {}, {} bytes)", self.status, self.url, self.body.len())
    }
}

impl HttpResponse {
    /// An answer made by hand; reached through [`crate::testing::response`].
    pub(crate) fn made(system: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let pairs = headers
            .iter()
            .filter_map(|(name, value)| Some((HeaderName::try_from(*name).ok()?, HeaderValue::try_from(*value).ok()?)));
        Self {
            status,
            url: String::new(),
            ignored: false,
            received_at: DateTime::UNIX_EPOCH,
            headers: pairs.collect(),
            body: Bytes::from(body.to_owned()),
            file: None,
            system: Arc::from(system),
            redactor: Arc::default(),
        }
    }
    /// A header's first value, by name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
    /// All headers that are text, names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }
    /// The body, decompressed; empty when it went [to a file](HttpRequest::to_file).
    pub fn body(&self) -> &Bytes {
        &self.body
    }
    /// The same answer with another body: for whoever keeps answers in another form.
    #[must_use]
    pub fn with_body(self, body: Bytes) -> Self {
        Self { body, ..self }
    }
    /// The body from its begin, wherever it lies.
    pub fn reader(&self) -> Box<dyn Read + Send + Sync> {
        match &self.file {
            Some(file) => Box::new(BodyReader { file: Arc::clone(file), at: 0 }),
            None => Box::new(std::io::Cursor::new(self.body.clone())),
        }
    }
    /// The body as JSON. `body_truncated` when it ends too early, `not_json` when it is something else.
    pub fn json(&self) -> Result<Value, Failure> {
        self.json_as()
    }
    /// The body as JSON of a known shape. A shape that does not fit is `vendor_changed`.
    pub fn json_as<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        self.looks_like_json_text()?;
        serde_json::from_slice(self.json_bytes()).map_err(|error| match error.classify() {
            serde_json::error::Category::Eof => self.failure(Code::BodyTruncated),
            serde_json::error::Category::Data => self
                .failure(Code::VendorChanged)
                .with("what", crate::redact::path_of(&self.url))
                .detail(self.redacted(&error.to_string())),
            _ => self.failure(Code::NotJson).with("found", "text").detail(self.redacted(&error.to_string())),
        })
    }
    /// The body's bytes without a byte order mark, for parsers of the caller's.
    pub fn json_bytes(&self) -> &[u8] {
        self.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&self.body)
    }
    /// A cheap look at both ends of the body: `not_json` unless it begins like an object or array, `body_truncated` unless it ends like one.
    pub fn looks_like_json(&self) -> Result<(), Failure> {
        self.looks_like_json_text()?;
        let body = self.json_bytes().trim_ascii();
        match (body.first(), body.last()) {
            (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')) => Ok(()),
            (Some(b'{' | b'['), _) => Err(self.failure(Code::BodyTruncated)),
            _ => Err(self.failure(Code::NotJson).with("found", "text")),
        }
    }
    fn looks_like_json_text(&self) -> Result<(), Failure> {
        match self.json_bytes().trim_ascii().first() {
            None => Err(self.failure(Code::NotJson).with("found", "empty")),
            Some(b'<') => Err(self.failure(Code::NotJson).with("found", "html")),
            _ => Ok(()),
        }
    }
    /// Text from this answer, fit for a log or a failure's detail.
    pub fn redacted(&self, text: &str) -> String {
        self.redactor.text(text)
    }
    /// A failure of this system.
    pub fn failure(&self, code: Code) -> Failure {
        Failure::new(code).with("system", &self.system)
    }
}

/// A host that may see credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TrustedHost {
    scheme: String,
    host: String,
    /// `None`: the scheme's own.
    port: Option<u16>,
    /// The registrable domain, when all hosts of it may see them.
    domain: Option<String>,
}

impl TrustedHost {
    /// From `https://ads.vk.com`, `https://ads.vk.com/api/` or `ads.vk.com`.
    fn parse(text: &str) -> Option<Self> {
        let url =
            Url::parse(text).ok().filter(Url::has_host).or_else(|| Url::parse(&format!("https://{text}")).ok())?;
        Some(Self { scheme: url.scheme().to_owned(), host: url.host_str()?.to_owned(), port: url.port(), domain: None })
    }
    /// The same with its sister hosts: all that belongs to who registered the domain.
    fn with_domain(self) -> Self {
        let domain = registrable(&self.host).map(str::to_owned);
        Self { domain, ..self }
    }
    /// The host itself and the hosts below it, or those of its registrable domain. A connector of ours names sister hosts by itself.
    fn covers(&self, url: &Url) -> bool {
        let below = |host: &str| {
            matches!(url.host(), Some(Host::Domain(_)))
                && host.strip_suffix(self.host.as_str()).is_some_and(|left| left.ends_with('.'))
        };
        url.scheme() == self.scheme
            && url.port() == self.port
            && url.host_str().is_some_and(|host| {
                host == self.host
                    || below(host)
                    || (self.domain.is_some() && self.domain.as_deref() == registrable(host))
            })
    }
}

/// The part of a host name that somebody registered, by the public suffix list: `shop.example.co.uk` belongs to `example.co.uk`.
/// `None` for addresses, single words and public suffixes themselves.
fn registrable(host: &str) -> Option<&str> {
    match Host::parse(host) {
        Ok(Host::Domain(_)) => psl::domain_str(host),
        _ => None,
    }
}

/// Where requests may go, when the addresses come from somebody we do not trust.
#[derive(Clone, Default)]
struct Reach {
    /// Whether it is bounded at all.
    bounded: bool,
    /// Hosts the person entered: these may lie in the local network and speak plain HTTP.
    entered: Arc<[String]>,
}

/// The HTTP of one connection; cheap to clone, and the `with_*` methods give a changed clone.
#[derive(Clone)]
pub struct Http {
    shared: Arc<Shared>,
    budget: Arc<Budget>,
    hosts: Arc<[TrustedHost]>,
    reach: Reach,
    secrets: Arc<SecretFields>,
    authorizer: Option<Arc<dyn Authorizer>>,
    observer: Arc<dyn Observer>,
}

struct Shared {
    options: HttpOptions,
    system: Arc<str>,
    redactor: Arc<Redactor>,
    /// The address map, read.
    url_map: Vec<StandIn>,
}

/// Ways out that many [`Http`]s share, so that syncs which run at the same time read the computer's certificates once and use
/// connections that stand. What rested for [`RESTED`] is made anew: a laptop that slept, or went home, does not ask into a connection
/// that nobody holds at the other end, and certificates and proxies that it was given meanwhile count.
#[derive(Clone, Default)]
pub struct Exits(Arc<Mutex<[Option<Exit>; 2]>>);

struct Exit {
    client: reqwest::Client,
    /// By the wall clock: others stand still while a computer sleeps.
    used_at: DateTime<Utc>,
}

/// Longest rest of an exit. Servers close what rests longer than a minute.
const RESTED: TimeDelta = TimeDelta::seconds(20);

impl Exits {
    /// The exit for servers elsewhere, or past any proxy (`direct`) for those on this computer.
    fn client(&self, options: &HttpOptions, direct: bool, now: DateTime<Utc>) -> Result<reqwest::Client, Failure> {
        let mut exits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let exit = &mut exits[usize::from(direct)];
        if let Some(exit) = exit.as_mut().filter(|exit| (TimeDelta::zero()..RESTED).contains(&(now - exit.used_at))) {
            exit.used_at = now;
            return Ok(exit.client.clone());
        }
        let client = client(options, direct)?;
        *exit = Some(Exit { client: client.clone(), used_at: now });
        Ok(client)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Http({})", self.shared.options.budget_key)
    }
}

/// Where a body went.
enum Received {
    Memory(Bytes),
    File(SpooledTempFile),
}

impl Received {
    /// The body, or of a file enough of its begin to show so many letters and that there are more.
    fn begin(&mut self, letters: usize) -> Bytes {
        match self {
            Self::Memory(body) => body.clone(),
            Self::File(file) => {
                let mut begin = Vec::new();
                let most = u64::try_from(letters).unwrap_or(u64::MAX).saturating_mul(4).saturating_add(1);
                // What cannot be read again is not shown; whoever needs the body is told.
                if file.rewind().is_ok() && file.take(most).read_to_end(&mut begin).is_err() {
                    begin.clear();
                }
                Bytes::from(begin)
            }
        }
    }
}

/// A temporary file could not be written.
fn unwritten(error: std::io::Error) -> Failure {
    let code = if error.kind() == std::io::ErrorKind::StorageFull { Code::DiskFull } else { Code::FileAccess };
    Failure::new(code).with("path", std::env::temp_dir().display()).detail(error.to_string()).caused_by(error)
}

/// One attempt that did not bring an answer.
enum Broken {
    /// The policy decides about it.
    Transport(Failure),
    /// Nothing to decide: a person stopped it, or the request itself is wrong.
    Final(Failure),
}

impl Http {
    /// Makes one. `setting_invalid` when an entry of the address map is not a pair of addresses.
    pub fn new(options: HttpOptions) -> Result<Self, Failure> {
        let address = |text: &str| {
            parse(text).map_err(|what| {
                Failure::new(Code::SettingInvalid).with("field", "url_map").detail(format!("{text}: {what}"))
            })
        };
        let pairs = options.url_map.iter();
        let url_map = pairs
            .map(|(from, to)| {
                let to = address(to)?;
                Ok(if from == EVERY_HOST { StandIn::Everyone(to) } else { StandIn::For(address(from)?, to) })
            })
            .collect::<Result<_, Failure>>()?;
        let budget = options.budgets.account(&options.budget_key);
        let observer = Arc::clone(&options.observer);
        let shared = Shared { system: Arc::from(options.system.as_str()), options, redactor: Arc::default(), url_map };
        let (hosts, secrets) = (Arc::from([]), Arc::default());
        let shared = Arc::new(shared);
        Ok(Self { shared, budget, hosts, reach: Reach::default(), secrets, authorizer: None, observer })
    }

    /// Names the hosts (as base addresses or host names) that may see secrets and sign-in. Without this call none may: a request with
    /// a placeholder fails, and the authorizer is not asked. Hosts below a named one are included.
    #[must_use]
    pub fn with_hosts<T: AsRef<str>>(&self, hosts: impl IntoIterator<Item = T>) -> Self {
        let hosts = hosts.into_iter().filter_map(|host| TrustedHost::parse(host.as_ref())).collect();
        Self { hosts, ..self.clone() }
    }

    /// As [`Http::with_hosts`], and all hosts of their registrable domains: an imported connector cannot name the sister hosts that
    /// its vendor's next-page links point to.
    #[must_use]
    pub fn with_domains<T: AsRef<str>>(&self, hosts: impl IntoIterator<Item = T>) -> Self {
        let hosts = hosts.into_iter().filter_map(|host| TrustedHost::parse(host.as_ref()));
        Self { hosts: hosts.map(TrustedHost::with_domain).collect(), ..self.clone() }
    }

    /// For addresses that somebody else wrote: keeps out of the local network (loopback excepted where a host is trusted by name), but
    /// for the hosts that the person at this computer `entered`; those may also speak plain HTTP.
    #[must_use]
    pub fn bounded<T: Into<String>>(&self, entered: impl IntoIterator<Item = T>) -> Self {
        let entered = entered.into_iter().map(Into::into).collect();
        Self { reach: Reach { bounded: true, entered }, ..self.clone() }
    }

    /// Lends the secrets that placeholders stand for. They are masked in everything shown from here on.
    #[must_use]
    pub fn with_secrets(&self, secrets: SecretFields) -> Self {
        for secret in secrets.values() {
            self.shared.redactor.learn(secret);
        }
        Self { secrets: Arc::new(secrets), ..self.clone() }
    }

    /// Lends more secrets, which go before those lent so far.
    #[must_use]
    pub(crate) fn lending(&self, secrets: SecretFields) -> Self {
        let mut all = (*self.secrets).clone();
        all.extend(secrets);
        self.with_secrets(all)
    }

    /// Names of the lent secrets.
    pub fn secret_names(&self) -> impl Iterator<Item = String> {
        self.secrets.keys().cloned().collect::<Vec<_>>().into_iter()
    }

    /// Text with its placeholders swapped for the lent secrets; wiped when dropped. Only for what has to compute with a secret, such
    /// as signing a token with a person's key: everything else puts the placeholder into the request.
    pub fn reveal(&self, text: &str) -> Result<Zeroizing<String>, Failure> {
        placeholder::reveal(text, &self.secrets)
    }

    /// Signs every request to a trusted host.
    #[must_use]
    pub fn with_authorizer(&self, authorizer: Arc<dyn Authorizer>) -> Self {
        Self { authorizer: Some(authorizer), ..self.clone() }
    }

    /// Somebody else watches what goes out from here: what is read at the same time over one connection is told apart by it.
    #[must_use]
    pub fn watched_by(&self, observer: Arc<dyn Observer>) -> Self {
        Self { observer, ..self.clone() }
    }

    /// Who watches.
    pub fn observer(&self) -> &Arc<dyn Observer> {
        &self.observer
    }

    /// An answer that lay inside another one: of the same system, without headers of its own.
    pub fn answer_within(&self, body: String) -> HttpResponse {
        HttpResponse {
            status: 200,
            url: String::new(),
            ignored: false,
            received_at: self.clock().now(),
            headers: HeaderMap::new(),
            body: Bytes::from(body),
            file: None,
            system: Arc::clone(&self.shared.system),
            redactor: Arc::clone(&self.shared.redactor),
        }
    }

    /// Lets time pass, and tells who watches; `cancelled` when a person stops meanwhile.
    pub async fn wait(
        &self,
        reason: WaitReason,
        duration: Duration,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let options = &self.shared.options;
        let waiting = Waiting { clock: &*options.clock, observer: &*self.observer, cancel };
        waiting.wait(reason, duration).await
    }

    /// The system's name for failures.
    pub fn system(&self) -> &str {
        &self.shared.options.system
    }
    /// The account's name for failures.
    pub fn account(&self) -> &str {
        &self.shared.options.account
    }
    /// Time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.options.clock
    }
    /// The account's budget, to correct a window.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }
    /// What masks secrets in texts about this connection.
    pub fn redactor(&self) -> &Redactor {
        &self.shared.redactor
    }
    /// A failure of this system and account.
    pub fn failure(&self, code: Code) -> Failure {
        Failure::new(code).with("system", self.system()).with("account", self.account())
    }

    /// Sends, and repeats as the policy says. Cancellation ends it at once, also while waiting.
    pub async fn send(
        &self,
        request: &HttpRequest,
        policy: &dyn Policy,
        cancel: &CancellationToken,
    ) -> Result<HttpResponse, Failure> {
        let options = &self.shared.options;
        let waiting = Waiting { clock: &*options.clock, observer: &*self.observer, cancel };
        let limits = policy.limits();
        let (mut retries, mut refreshed) = (0, false);
        let (mut retry_time, mut limited_time, mut pending_time) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        let mut limited = 0;
        let mut number = 0;
        loop {
            number += 1;
            let mut permit =
                self.budget.acquire(request, options.patience, self.system(), &options.clock, waiting).await?;
            // A token that is being renewed is not abandoned by this: renewals run in tasks of their own.
            let signed = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Failure::new(Code::Cancelled)),
                signed = self.sign_in(request, cancel) => signed?,
            };
            let outcome = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Failure::new(Code::Cancelled)),
                outcome = self.attempt(request, &signed, number) => outcome,
            };
            let outcome = match outcome {
                Ok(response) => {
                    permit.correct(&response, options.clock.now());
                    permit.arrived(options.clock.now());
                    // A refusal says what to wait for in its own way, and the policy reads that; its counters may be of another window.
                    if response.status != 429 {
                        permit.learn(&response, options.clock.now());
                    }
                    Ok(response)
                }
                Err(broken) => {
                    permit.arrived(options.clock.now());
                    match broken {
                        Broken::Transport(failure) => Err(failure),
                        Broken::Final(failure) => return Err(failure),
                    }
                }
            };
            drop(permit);
            let attempt = Attempt {
                number,
                request,
                outcome: match &outcome {
                    Ok(response) => Outcome::Response(response),
                    Err(failure) => Outcome::Error(failure),
                },
                now: options.clock.now(),
                dice: (options.dice)(),
                refreshed,
                system: self.system(),
                account: self.account(),
            };
            let backoff = |wait: Option<Duration>| wait.unwrap_or_else(|| policy.backoff(number, (options.dice)()));
            match policy.decide(&attempt) {
                Decision::Success => {
                    let rest = outcome.as_ref().ok().and_then(|response| policy.rest(response));
                    if let Some(rest) = rest.and_then(|rest| TimeDelta::from_std(rest).ok()) {
                        self.budget.pause(attempt.now + rest);
                    }
                    return outcome;
                }
                Decision::Ignore => return outcome.map(|response| HttpResponse { ignored: true, ..response }),
                Decision::Fail(failure) => return Err(failure),
                Decision::Retry { wait } => {
                    let wait = backoff(wait);
                    if retries >= limits.retries || retry_time + wait > limits.retry_time {
                        return Err(policy.exhausted(&attempt));
                    }
                    retries += 1;
                    retry_time += wait;
                    self.observer.retry(number, &policy.exhausted(&attempt));
                    waiting.wait(WaitReason::Retry, wait).await?;
                }
                Decision::RateLimited { wait, known } => {
                    limited += 1;
                    let mut wait = backoff(wait);
                    // A wait that proved too short again and again, or that a wrong clock makes nothing of, is no longer believed.
                    if !limits.limited_counts && limited > BELIEVED {
                        wait = wait.max(policy.backoff(limited - BELIEVED, (options.dice)()));
                    }
                    let until = attempt.now + chrono::Duration::from_std(wait).unwrap_or(chrono::Duration::days(365));
                    if limited_time + wait > options.patience {
                        let failure = policy.exhausted(&attempt);
                        return Err(if known {
                            let quota = Failure::new(Code::QuotaWait).with("system", self.system()).until(until);
                            keep_detail(quota, &failure)
                        } else {
                            failure
                        });
                    }
                    if limits.limited_counts {
                        if retries >= limits.retries {
                            return Err(policy.exhausted(&attempt));
                        }
                        retries += 1;
                    } else {
                        self.budget.pause(until);
                    }
                    limited_time += wait;
                    self.observer.retry(number, &policy.exhausted(&attempt));
                    waiting.wait(WaitReason::RateLimited, wait).await?;
                }
                Decision::Pending { wait } => {
                    let wait = backoff(wait);
                    if pending_time + wait > options.patience {
                        let late = self.failure(Code::Timeout).with("secs", pending_time.as_secs());
                        return Err(late.detail("the report is not ready"));
                    }
                    pending_time += wait;
                    waiting.wait(WaitReason::Report, wait).await?;
                }
                Decision::RefreshThenRetry => {
                    let Some(authorizer) =
                        self.authorizer.as_ref().filter(|it| !refreshed && !signed.is_empty() && it.renewable())
                    else {
                        let failure = policy.exhausted(&attempt);
                        let rejected = self.failure(Code::SignInRejected);
                        return Err(keep_detail(rejected, &failure));
                    };
                    self.observer.retry(number, &policy.exhausted(&attempt));
                    // Never abandoned half-way, even when a person stops: a rotated token would be lost with it.
                    authorizer.rejected(&signed.used()).await?;
                    refreshed = true;
                }
            }
        }
    }

    /// The sign-in, if this request's host may see it.
    async fn sign_in(&self, request: &HttpRequest, cancel: &CancellationToken) -> Result<Signed, Failure> {
        let Some(authorizer) = &self.authorizer else { return Ok(Signed::default()) };
        if cancel.is_cancelled() {
            return Err(Failure::new(Code::Cancelled));
        }
        if !parse(&placeholder::mask(&request.url)).is_ok_and(|url| self.trusts(&url)) {
            return Ok(Signed::default());
        }
        let signed = Signed { headers: authorizer.headers().await?, lent: authorizer.lent().await? };
        for (_, secret) in &signed.used() {
            // `Bearer abc` is learned as a whole and as `abc`: a vendor quotes either.
            self.shared.redactor.learn(secret);
            if let Some((_, token)) = secret.expose().split_once(' ') {
                self.shared.redactor.learn_text(token);
            }
        }
        Ok(signed)
    }

    /// One attempt: redirects included, repetitions not.
    async fn attempt(&self, request: &HttpRequest, signed: &Signed, number: u32) -> Result<HttpResponse, Broken> {
        let wire = self.wire(request, signed).map_err(Broken::Final)?;
        let mut hop = wire;
        for redirects in 0.. {
            let target = hop.url.clone();
            let (status, headers, received) = self.exchange(hop.clone(), request, number).await?;
            let location = headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
            let (301 | 302 | 303 | 307 | 308, Some(location)) = (status, location) else {
                let (body, file) = match received {
                    Received::Memory(body) => (body, None),
                    Received::File(file) => (Bytes::new(), Some(Arc::new(Mutex::new(file)))),
                };
                return Ok(HttpResponse {
                    status,
                    url: self.shared.redactor.url(target.as_str()),
                    ignored: false,
                    received_at: self.clock().now(),
                    headers,
                    body,
                    file,
                    system: Arc::clone(&self.shared.system),
                    redactor: Arc::clone(&self.shared.redactor),
                });
            };
            let broken = |what: &str| {
                let what = self.shared.redactor.text(what);
                Broken::Final(self.failure(Code::VendorChanged).with("what", "redirect").detail(what))
            };
            if redirects >= MAX_REDIRECTS {
                return Err(broken("too many redirects"));
            }
            let next = target.join(location).map_err(|_| broken(location))?;
            hop = self.redirected(hop, status, next).map_err(|what| broken(&what))?;
        }
        Err(Broken::Final(self.failure(Code::Internal)))
    }

    /// The wire request: secrets in place if the host may see them.
    fn wire(&self, request: &HttpRequest, signed: &Signed) -> Result<Wire, Failure> {
        let invalid = |what: &str| {
            Failure::new(Code::SettingInvalid)
                .with("field", "url")
                .detail(format!("{what}: {}", self.shared.redactor.url(&request.url)))
        };
        let shown = parse(&placeholder::mask(&request.url)).map_err(|what| invalid(&what))?;
        let trusted = self.trusts(&shown);
        if self.out_of_reach(&shown) {
            return Err(invalid("an imported connector does not reach into the local network"));
        }
        let mut merged = SecretFields::new();
        let secrets = match trusted {
            true if signed.lent.is_empty() => &*self.secrets,
            true => {
                merged.clone_from(&self.secrets);
                merged.extend(signed.lent.clone());
                &merged
            }
            false => &merged,
        };
        let foreign = |text: &str| !trusted && placeholder::present(text);
        if foreign(&request.url) || request.body.any_text(&foreign) {
            return Err(invalid("a secret is not sent to this host"));
        }
        let reveal = |text: &str| -> Result<_, Failure> {
            let revealed = placeholder::reveal(text, secrets)?;
            if placeholder::is_guarded(text) {
                self.shared.redactor.learn_text(&revealed);
            }
            Ok(revealed)
        };
        let revealed = reveal(&request.url)?;
        let mut url = parse(&revealed).map_err(|what| invalid(&what))?;
        if url.host() != shown.host() || url.port() != shown.port() || url.scheme() != shown.scheme() {
            return Err(invalid("a secret may not choose the host"));
        }
        if request.query.iter().any(|(_, value)| !foreign(value)) {
            let mut pairs = url.query_pairs_mut();
            for (name, value) in request.query.iter().filter(|(_, value)| !foreign(value)) {
                pairs.append_pair(name, &reveal(value)?);
            }
        }
        let mut headers = HeaderMap::new();
        let mut secret_headers = Vec::new();
        let mut put = |name: &str, value: &str, secret: bool| -> Result<(), Failure> {
            let bad = || Failure::new(Code::SettingInvalid).with("field", name);
            let header_name = HeaderName::try_from(name).map_err(|_| bad())?;
            let mut header_value = HeaderValue::try_from(value).map_err(|_| bad())?;
            header_value.set_sensitive(secret);
            if secret {
                secret_headers.push(header_name.clone());
            }
            headers.insert(header_name, header_value);
            Ok(())
        };
        for (name, value) in request.headers.iter().filter(|(_, value)| !foreign(value)) {
            let secret = placeholder::present(value);
            let revealed = placeholder::reveal(value, secrets)?;
            if secret {
                self.shared.redactor.learn_text(&revealed);
                if let Some((_, encoded)) = revealed.split_once(' ') {
                    self.shared.redactor.learn_text(encoded);
                }
            }
            put(name, &revealed, secret || sounds_secret(name))?;
        }
        if trusted {
            for (name, value) in &signed.headers {
                put(name, value.expose(), true)?;
            }
        }
        let (content_type, body, secret_body) = request.body.wire(secrets)?;
        if let Some(content_type) = content_type
            && !headers.contains_key(header::CONTENT_TYPE)
        {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        Ok(Wire { method: request.method.clone(), url, headers, secret_headers, body, secret_body })
    }

    /// The next hop. A host that is not trusted gets neither secret headers nor a secret body; loopback and plain HTTP only by name.
    fn redirected(&self, hop: Wire, status: u16, url: Url) -> Result<Wire, String> {
        let trusted = self.trusts(&url);
        if (!trusted && is_private(&url) && url.origin() != hop.url.origin()) || self.out_of_reach(&url) {
            return Err(format!("a redirect into the local network: {url}"));
        }
        let mut hop = Wire { url, ..hop };
        let to_get = status == 303 || (matches!(status, 301 | 302) && hop.method == Method::POST);
        if to_get && hop.method != Method::HEAD {
            hop.method = Method::GET;
            hop.body = Bytes::new();
            hop.secret_body = false;
            hop.headers.remove(header::CONTENT_TYPE);
        }
        if !trusted {
            if hop.secret_body {
                return Err(format!("a redirect would carry a secret to {}", hop.url.host_str().unwrap_or_default()));
            }
            for name in &hop.secret_headers {
                hop.headers.remove(name);
            }
        }
        Ok(hop)
    }

    /// One request and its whole answer.
    async fn exchange(
        &self,
        wire: Wire,
        asked: &HttpRequest,
        number: u32,
    ) -> Result<(u16, HeaderMap, Received), Broken> {
        let options = &self.shared.options;
        let mapped = self.map(&wire.url);
        let target = mapped.as_ref().unwrap_or(&wire.url);
        let plain_ok = || mapped.is_some() || is_loopback(target) || self.entered(target);
        let scheme_ok = target.scheme() == "https" || (target.scheme() == "http" && plain_ok());
        if !scheme_ok {
            return Err(Broken::Final(
                Failure::new(Code::SettingInvalid)
                    .with("field", "url")
                    .detail(format!("only https is spoken: {}", self.shared.redactor.url(wire.url.as_str()))),
            ));
        }
        let mut record = RequestRecord {
            at: options.clock.now(),
            method: wire.method.to_string(),
            url: self.shared.redactor.url(wire.url.as_str()),
            status: None,
            millis: 0,
            bytes: 0,
            attempt: number,
            failure: None,
            limits: Vec::new(),
        };
        let begun = std::time::Instant::now();
        let shown = self.observer.wants_bodies().map(|most| (most, wire.headers.clone(), wire.body.clone()));
        let request = options
            .exits
            .client(options, is_loopback(target), options.clock.now())
            .map_err(Broken::Final)?
            .request(wire.method, target.clone())
            .headers(wire.headers)
            .body(wire.body);
        let silence = asked.read_timeout.unwrap_or(options.read_timeout);
        let mut outcome = self.receive(request, silence, asked.to_file, &mut record).await;
        record.millis = begun.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        match &outcome {
            Ok((_, headers, _)) => record.limits = self.limits_said(headers),
            Err(failure) => record.failure = Some(failure.to_string()),
        }
        tracing::debug!(url = record.url, status = record.status, millis = record.millis, "request");
        if let Some((most, headers, body)) = shown {
            self.observer.request(record.clone());
            let received = outcome.as_mut().ok().map(|(_, headers, received)| (&*headers, received.begin(most)));
            self.observer.exchange(self.shown(most, record, (&headers, &body), received));
        } else {
            self.observer.request(record);
        }
        outcome.map_err(Broken::Transport)
    }

    /// What an answer says of the platform's limits, and of the time to wait.
    fn limits_said(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        const WORDS: [&str; 5] = ["retry-after", "ratelimit", "rate-limit", "quota", "units"];
        let said = headers
            .iter()
            .filter(|(name, value)| WORDS.iter().any(|word| name.as_str().contains(word)) && !value.is_sensitive());
        let text = |value: &HeaderValue| -> String {
            self.shared.redactor.text(&String::from_utf8_lossy(value.as_bytes())).chars().take(120).collect()
        };
        said.take(20).map(|(name, value)| (name.to_string(), text(value))).collect()
    }

    /// What a person may see of a request and its answer.
    fn shown(
        &self,
        most: usize,
        record: RequestRecord,
        sent: (&HeaderMap, &Bytes),
        received: Option<(&HeaderMap, Bytes)>,
    ) -> Exchange {
        let redactor = &self.shared.redactor;
        let headers = |headers: &HeaderMap| {
            let shown = headers.iter().map(|(name, value)| {
                let secret = value.is_sensitive() || sounds_secret(name.as_str());
                let value =
                    if secret { MASK.to_owned() } else { redactor.text(&String::from_utf8_lossy(value.as_bytes())) };
                (name.to_string(), value)
            });
            shown.collect::<Vec<_>>()
        };
        // Masked as a whole before it is cut: a secret across the edge would otherwise leave its first half behind.
        let body = |body: &Bytes| {
            let text = std::str::from_utf8(&body[..body.len().min(most.saturating_mul(4))]);
            let text = match &text {
                Ok(text) => *text,
                // The edge may lie within a letter; anything else that is not UTF-8 is not shown.
                Err(error) if body.len() > most => {
                    std::str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default()
                }
                Err(_) => "",
            };
            let masked = redactor.text(text);
            let cut = masked.chars().count() > most;
            (masked.chars().take(most).collect::<String>(), cut || text.len() < body.len())
        };
        let none = HeaderMap::new();
        let (response_headers, response_body) = received.unwrap_or((&none, Bytes::new()));
        let (response_body, cut) = body(&response_body);
        Exchange {
            record,
            request_headers: headers(sent.0),
            request_body: body(sent.1).0,
            response_headers: headers(response_headers),
            response_body,
            cut,
        }
    }

    async fn receive(
        &self,
        request: reqwest::RequestBuilder,
        silence: Duration,
        to_file: bool,
        record: &mut RequestRecord,
    ) -> Result<(u16, HeaderMap, Received), Failure> {
        let timeout = || self.failure(Code::Timeout).with("secs", silence.as_secs());
        let mut response = tokio::time::timeout(silence, request.send())
            .await
            .map_err(|_| timeout())?
            .map_err(|error| self.transport(error, silence, Code::Offline))?;
        record.status = Some(response.status().as_u16());
        // What an error says is short and looked at as a whole.
        let mut file = (to_file && response.status().is_success()).then(|| SpooledTempFile::new(FILE_FROM_BYTES));
        let limit =
            if file.is_some() { self.shared.options.max_file_bytes } else { self.shared.options.max_body_bytes };
        let too_large = |bytes: u64| self.failure(Code::BodyTooLarge).with("bytes", bytes).with("limit", limit);
        // A compressed answer has no length here, so what it says is what would have to be kept.
        let announced = response.content_length();
        if let Some(bytes) = announced.filter(|bytes| *bytes > limit) {
            return Err(too_large(bytes));
        }
        let room = if file.is_some() { 0 } else { announced.unwrap_or_default().min(1 << 20) };
        let mut body = BytesMut::with_capacity(usize::try_from(room).unwrap_or_default());
        let begun = tokio::time::Instant::now();
        loop {
            #[allow(clippy::cast_precision_loss, reason = "a body is far smaller than 2^53 bytes")]
            let earned = Duration::from_secs_f64(record.bytes as f64 / SLOWEST);
            let until = begun + silence + earned;
            let chunk = tokio::time::timeout_at(until.min(tokio::time::Instant::now() + silence), response.chunk());
            let chunk = match chunk.await.map_err(|_| timeout())? {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                // A refusal is one however much of its words has arrived: its status and headers say what is to be done.
                Err(_) if !response.status().is_success() => break,
                Err(error) => return Err(self.transport(error, silence, Code::BodyTruncated)),
            };
            record.bytes += chunk.len() as u64;
            if record.bytes > limit {
                return Err(too_large(record.bytes));
            }
            match &mut file {
                None => body.extend_from_slice(&chunk),
                Some(file) => file.write_all(&chunk).map_err(unwritten)?,
            }
        }
        let received = file.map_or_else(|| Received::Memory(body.freeze()), Received::File);
        Ok((response.status().as_u16(), std::mem::take(response.headers_mut()), received))
    }

    /// The client's error in our words. Its own text would name the address with its secrets, so it goes without.
    fn transport(&self, error: reqwest::Error, silence: Duration, otherwise: Code) -> Failure {
        let error = error.without_url();
        let mut causes = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            causes = format!("{causes}: {inner}");
            cause = inner.source();
        }
        let failure = if error.is_timeout() {
            self.failure(Code::Timeout)
                .with("secs", if error.is_connect() { self.shared.options.connect_timeout } else { silence }.as_secs())
        } else if error.is_builder() {
            self.failure(Code::Internal)
        } else if error.is_body() || error.is_decode() {
            self.failure(Code::BodyTruncated)
        } else {
            self.failure(otherwise)
        };
        failure.detail(self.shared.redactor.text(&causes))
    }

    /// Whether credentials may go there. An address of a stand-in counts as what it stands for, because simulators write their own
    /// address into next-page links.
    fn trusts(&self, url: &Url) -> bool {
        let trusted = |url: &Url| self.hosts.iter().any(|host| host.covers(url));
        trusted(url) || self.shared.url_map.iter().any(|pair| pair.original(url).is_some_and(|url| trusted(&url)))
    }

    /// Whether the person entered this host.
    fn entered(&self, url: &Url) -> bool {
        url.host_str().is_some_and(|host| self.reach.entered.iter().any(|entered| entered == host))
    }

    /// Whether a bounded connector may not go there.
    fn out_of_reach(&self, url: &Url) -> bool {
        let stand_in = || self.shared.url_map.iter().any(|pair| pair.original(url).is_some());
        let own_loopback = || is_loopback(url) && self.trusts(url);
        self.reach.bounded && is_private(url) && !self.entered(url) && !own_loopback() && !stand_in()
    }

    /// The address that stands in for this one. A stand-in stands for itself.
    fn map(&self, url: &Url) -> Option<Url> {
        let mapped = self.shared.url_map.iter().find_map(|pair| pair.mapped(url));
        mapped.or_else(|| self.shared.url_map.iter().any(|pair| pair.original(url).is_some()).then(|| url.clone()))
    }
}

/// The beginning of an address map's entry that is about every host.
const EVERY_HOST: &str = "https://";

/// An entry of the address map.
enum StandIn {
    /// The second stands in for addresses that begin with the first.
    For(Url, Url),
    /// It stands in for every host, each below a path of the host's name.
    Everyone(Url),
}

impl StandIn {
    /// The address that stands in for `url`, if this entry is about it.
    fn mapped(&self, url: &Url) -> Option<Url> {
        match self {
            Self::For(from, to) => {
                let rest = url.as_str().strip_prefix(from.as_str().trim_end_matches('/'))?;
                // `https://ads.vk.com` must not catch `https://ads.vk.com.evil.example`.
                let whole = rest.is_empty() || rest.starts_with(['/', '?']);
                whole.then(|| parse(&format!("{}{rest}", to.as_str().trim_end_matches('/'))).ok())?
            }
            Self::Everyone(to) => {
                let rest = url.as_str().strip_prefix(EVERY_HOST)?;
                parse(&format!("{}/{rest}", to.as_str().trim_end_matches('/'))).ok()
            }
        }
    }

    /// What an address of the stand-in stands for.
    fn original(&self, url: &Url) -> Option<Url> {
        match self {
            Self::For(from, to) => (to.origin() == url.origin()).then(|| from.clone()),
            Self::Everyone(to) => {
                let rest = url.as_str().strip_prefix(to.as_str().trim_end_matches('/'))?.strip_prefix('/')?;
                parse(&format!("{EVERY_HOST}{rest}")).ok()
            }
        }
    }
}

/// A request with its secrets in place; never shown.
#[derive(Clone)]
struct Wire {
    method: Method,
    url: Url,
    headers: HeaderMap,
    secret_headers: Vec<HeaderName>,
    body: Bytes,
    secret_body: bool,
}

impl Body {
    /// Whether any text in it passes `test`.
    fn any_text(&self, test: &dyn Fn(&str) -> bool) -> bool {
        fn any(value: &Value, test: &dyn Fn(&str) -> bool) -> bool {
            match value {
                Value::String(text) => test(text),
                Value::Array(items) => items.iter().any(|item| any(item, test)),
                Value::Object(map) => map.iter().any(|(name, item)| test(name) || any(item, test)),
                _ => false,
            }
        }
        match self {
            Self::Empty => false,
            Self::Json(value) => any(value, test),
            Self::Form(pairs) => pairs.iter().any(|(_, value)| test(value)),
            Self::Text(text) => test(text),
        }
    }

    /// Content type, bytes with the secrets in place, and whether there are any.
    fn wire(&self, secrets: &SecretFields) -> Result<(Option<&'static str>, Bytes, bool), Failure> {
        fn fill(value: &mut Value, secrets: &SecretFields) -> Result<(), Failure> {
            match value {
                Value::String(text) if placeholder::present(text) => {
                    *text = placeholder::reveal(text, secrets)?.to_string();
                }
                Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, secrets))?,
                Value::Object(map) => map.values_mut().try_for_each(|item| fill(item, secrets))?,
                _ => {}
            }
            Ok(())
        }
        let secret = self.any_text(&placeholder::present);
        Ok(match self {
            Self::Empty => (None, Bytes::new(), false),
            Self::Json(value) => {
                let mut value = value.clone();
                fill(&mut value, secrets)?;
                (Some("application/json"), Bytes::from(value.to_string()), secret)
            }
            Self::Form(pairs) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, value) in pairs {
                    form.append_pair(name, &placeholder::reveal(value, secrets)?);
                }
                (Some("application/x-www-form-urlencoded"), Bytes::from(form.finish()), secret)
            }
            Self::Text(text) => (None, Bytes::from(placeholder::reveal(text, secrets)?.to_string()), secret),
        })
    }
}

/// The failure `to` with the vendor's words of `from`.
fn keep_detail(mut to: Failure, from: &Failure) -> Failure {
    to.detail.clone_from(&from.detail);
    to
}

fn client(options: &HttpOptions, direct: bool) -> Result<reqwest::Client, Failure> {
    let builder = reqwest::Client::builder()
        .user_agent(&options.user_agent)
        .connect_timeout(options.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .gzip(true);
    let builder = if direct { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| {
        Failure::new(Code::Internal).detail(format!("the HTTP client could not be made: {error}")).caused_by(error)
    })
}

fn parse(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if url.has_host() => Ok(url),
        Ok(_) => Err("an address without a host".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// An address in the local network, as far as its text tells.
fn is_private(url: &Url) -> bool {
    let v4 = |ip: Ipv4Addr| {
        let shared_by_carrier = ip.octets()[0] == 100 && ip.octets()[1] & 0xC0 == 64;
        let this_network = ip.octets()[0] == 0;
        ip.is_loopback() || ip.is_private() || ip.is_link_local() || shared_by_carrier || this_network
    };
    is_loopback(url)
        || match url.host() {
            Some(Host::Ipv4(ip)) => v4(ip),
            Some(Host::Ipv6(ip)) => {
                ip.is_unique_local()
                    || ip.is_unicast_link_local()
                    || ip.is_unspecified()
                    || ip.to_ipv4_mapped().is_some_and(v4)
            }
            _ => false,
        }
}
