//! The HTTP side every simulator shares: a real listener, faults, the request log, compression and the control paths.
//!
//! A vendor is a pure function from `Call` to `Answer`; everything that can happen to bytes between it and a client happens
//! here. Each simulator runs on a runtime of its own: stopping it cuts every connection at once, as when a machine dies, and
//! a busy simulator does not slow the scheduler of the program that started it.
//!
//! Control paths, for tests in other processes: `POST /__sim/faults` (a `Fault` as JSON; answers its `id`), `GET` and
//! `DELETE` of the same (`?id=` for one), `GET` and `DELETE /__sim/requests`; a vendor adds its own, such as `/__sim/truth`.
//! They are neither logged nor struck by faults.

use std::convert::Infallible;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt as _;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::archive;
use crate::faults::{Fault, FaultKind, Faults};
use crate::requests::{RequestLog, Seen};

/// A request as a vendor sees it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub method: Method,
    pub path: String,
    /// Decoded pairs, in order, repeated names kept.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    /// The first value of a query parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A reply before compression and faults.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// The account whose token was used, for the log.
    pub user: Option<u64>,
}

impl Answer {
    /// A JSON reply.
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: Vec::new(), body: body.to_string().into_bytes(), user: None }
    }

    /// A JSON reply that is already written.
    pub fn raw(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: Vec::new(), body, user: None }
    }

    /// The reply with one more header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The number under a path of a JSON body, such as a vendor's own code of an error.
pub(crate) fn number_in(answer: &Answer, pointer: &str) -> Option<i64> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let found = body.pointer(pointer)?;
    found.as_i64().or_else(|| found.as_str()?.parse().ok())
}

/// One vendor's behaviour. Synchronous: answers are computed, not waited for.
pub(crate) trait Vendor: Send + Sync + 'static {
    /// Answers a request as the healthy vendor would.
    fn answer(&self, call: &Call) -> Answer;

    /// Whether a fault can do anything to this request.
    fn meets(&self, _fault: &FaultKind, _call: &Call) -> bool {
        true
    }

    /// Reads a request as somebody else's, for a fault of paging.
    fn twist(&self, _fault: &FaultKind, _call: &mut Call) {}

    /// The simulated present, for the `Date` of replies.
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    /// Answers in the vendor's words for a fault of sign-in, throttling or server; none when the fault does not apply here.
    fn refuse(&self, fault: &FaultKind, call: &Call) -> Option<Answer>;

    /// On behalf of which account a request comes, when that is known before it is answered.
    fn account_of(&self, _call: &Call) -> Option<u64> {
        None
    }

    /// Whether an answer says that a limit was overstepped. Most vendors have a status for it.
    fn is_limit(&self, answer: &Answer) -> bool {
        matches!(answer.status, 420 | 429)
    }

    /// Twists a good body for a fault of content.
    fn bend(&self, fault: &FaultKind, body: &mut Value);

    /// Answers a control path (below `/__sim/`) that is about this vendor.
    fn control(&self, call: &Call) -> Option<Answer>;
}

/// How a simulator is reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerOptions {
    /// Port on 127.0.0.1; 0 picks a free one.
    pub port: u16,
    /// Whether replies are compressed for clients that accept it.
    pub gzip: bool,
    /// Largest accepted request body, bytes.
    pub max_body_bytes: usize,
}

struct Hub {
    vendor: Arc<dyn Vendor>,
    faults: Arc<Faults>,
    log: Arc<RequestLog>,
    options: ServerOptions,
}

/// A listening simulator. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Server {
    pub address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Server {
    /// Binds and serves.
    pub fn start(
        vendor: Arc<dyn Vendor>,
        faults: Arc<Faults>,
        log: Arc<RequestLog>,
        options: ServerOptions,
    ) -> anyhow::Result<Self> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, options.port))
            .with_context(|| format!("cannot listen on 127.0.0.1:{}", options.port))?;
        listener.set_nonblocking(true).context("cannot make the listener asynchronous")?;
        let address = listener.local_addr().context("the listener has no address")?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("simulator")
            .enable_all()
            .build()
            .context("cannot start the simulator's runtime")?;
        let router = Router::new().fallback(serve).with_state(Arc::new(Hub { vendor, faults, log, options }));
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener).context("cannot hand the listener over")?
        };
        runtime.spawn(async move {
            let service = router.into_make_service_with_connect_info::<Line>();
            // Serving ends only with the runtime; the listener itself retries failed accepts.
            let _ended = axum::serve(WireListener(listener), service).await;
        });
        Ok(Self { address, runtime: Some(runtime) })
    }

    /// Stops listening and cuts every open connection.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn serve(
    State(hub): State<Arc<Hub>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Result<Response, Infallible> {
    let (parts, body) = request.into_parts();
    let query_text = parts.uri.query().unwrap_or("").to_owned();
    let query =
        url::form_urlencoded::parse(query_text.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    let read = axum::body::to_bytes(body, hub.options.max_body_bytes).await;
    let too_large = read.is_err();
    let call = Call {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query,
        headers: parts.headers,
        body: read.unwrap_or_default(),
    };
    if call.path.starts_with("/__sim/") {
        let answer = control(&hub, &call);
        return Ok(response(answer.status, &answer.headers, Body::from(answer.body)));
    }
    let account = hub.vendor.account_of(&call);
    let faults = hub.faults.strike(&call.path, account, |fault| hub.vendor.meets(fault, &call));
    let mut seen = Seen {
        number: 0,
        method: call.method.to_string(),
        path: call.path.clone(),
        query: query_text,
        user: None,
        status: 0,
        faults: faults.iter().map(|fault| fault.name().to_owned()).collect(),
    };
    for fault in &faults {
        match fault {
            FaultKind::Slow { millis } => tokio::time::sleep(Duration::from_millis(*millis)).await,
            FaultKind::Hang => {
                hub.log.note(seen);
                return std::future::pending().await;
            }
            FaultKind::Reset => {
                hub.log.note(seen);
                line.cut();
                return Ok(response(200, &[], Body::empty()));
            }
            FaultKind::Html { status } => {
                seen.status = *status;
                hub.log.note(seen);
                return Ok(html(*status));
            }
            FaultKind::EmptyBody => {
                seen.status = 200;
                hub.log.note(seen);
                return Ok(response(200, &[], Body::empty()));
            }
            FaultKind::Redirect { to } => {
                seen.status = 302;
                hub.log.note(seen);
                let to = if to.is_empty() { parts.uri.to_string() } else { to.clone() };
                return Ok(response(302, &[(LOCATION.as_str(), to)], Body::empty()));
            }
            _ => {}
        }
    }
    if call.path == SIGN_IN_PAGE {
        hub.log.note(Seen { status: 200, ..seen });
        return Ok(html(200));
    }
    let accepts_gzip = hub.options.gzip
        && call.headers.get(ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("gzip"));
    let hub_for_work = Arc::clone(&hub);
    let kinds = faults.clone();
    // A report can take milliseconds of computing; it must not hold the thread that serves other connections.
    let worked = tokio::task::spawn_blocking(move || {
        let answer = if too_large { body_too_large() } else { answer(&hub_for_work, &call, &kinds) };
        if kinds.is_empty() && hub_for_work.vendor.is_limit(&answer) {
            hub_for_work.log.over_limit();
        }
        let plain = (answer.status, answer.user);
        let packed = if accepts_gzip { gzip(&answer.body) } else { None };
        let answer = answer.with("date", http_date(hub_for_work.vendor.now()));
        (plain, answer, packed)
    })
    .await;
    let Ok(((status, user), mut answer, packed)) = worked else {
        seen.status = 500;
        hub.log.note(seen);
        return Ok(response(500, &[], Body::from("the simulator itself failed")));
    };
    seen.status = status;
    seen.user = user;
    hub.log.note(seen);
    if faults.contains(&FaultKind::LostAnswer) {
        line.cut();
        return Ok(response(200, &[], Body::empty()));
    }
    let lies = faults.contains(&FaultKind::WrongEncoding);
    let body = match packed {
        Some(packed) if !lies => {
            answer.headers.push((CONTENT_ENCODING.as_str(), "gzip".to_owned()));
            packed
        }
        _ => answer.body,
    };
    if lies {
        answer.headers.push((CONTENT_ENCODING.as_str(), "gzip".to_owned()));
    }
    let whole = body.len();
    for fault in &faults {
        let (sent, promised) = match fault {
            FaultKind::TruncatedBody => (whole / 2, whole),
            FaultKind::WrongLength => (whole, whole + 9),
            FaultKind::Drip { bytes, millis } => {
                let drops = drops(Bytes::from(body), (*bytes).max(1), Duration::from_millis(*millis));
                return Ok(response(status, &answer.headers, Body::from_stream(drops)));
            }
            _ => continue,
        };
        let begin = Bytes::from(body).slice(..sent);
        let mut reply = response(status, &answer.headers, Body::from_stream(cut_short(begin)));
        reply.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(promised));
        return Ok(reply);
    }
    Ok(response(status, &answer.headers, Body::from(body)))
}

/// Where a vendor sends those who it thinks are not signed in, or a network those who have not paid: a page for people.
const SIGN_IN_PAGE: &str = "/hq/login";

/// An instant as HTTP writes it.
pub(crate) fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A body whose end comes before its promised length: the server closes the connection after this much of it.
fn cut_short(begin: Bytes) -> impl futures::Stream<Item = io::Result<Bytes>> {
    // The pause lets it leave the buffer; without it the client would see no body at all.
    let breaks = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the simulated line broke"))
    };
    futures::stream::iter([Ok(begin)]).chain(futures::stream::once(breaks))
}

/// A body that comes a little at a time.
fn drops(body: Bytes, size: usize, pause: Duration) -> impl futures::Stream<Item = io::Result<Bytes>> {
    futures::stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        let next = rest.split_to(size.min(rest.len()));
        tokio::time::sleep(pause).await;
        Some((Ok(next), rest))
    })
}

/// The vendor's answer after every fault that speaks through it.
fn answer(hub: &Hub, call: &Call, faults: &[FaultKind]) -> Answer {
    for fault in faults {
        if let Some(refusal) = hub.vendor.refuse(fault, call) {
            return refusal;
        }
    }
    let mut twisted = call.clone();
    for fault in faults {
        hub.vendor.twist(fault, &mut twisted);
    }
    let mut answer = hub.vendor.answer(&twisted);
    let content: Vec<&FaultKind> = faults.iter().filter(|fault| bends(fault)).collect();
    if answer.status == 200 && !content.is_empty() {
        let bend = |value: &mut Value| {
            for fault in &content {
                if let FaultKind::HugePage { bytes } = fault {
                    value["padding"] = Value::String("0".repeat(*bytes));
                } else {
                    hub.vendor.bend(fault, value);
                }
            }
        };
        if let Ok(mut value) = serde_json::from_slice::<Value>(&answer.body) {
            bend(&mut value);
            answer.body = value.to_string().into_bytes();
        } else if let Some(mut sheets) = archive::sheets(&answer.body) {
            for (_, sheet) in &mut sheets {
                bend(sheet);
            }
            // What was unpacked can be packed again; if not, the healthy answer stays.
            if let Ok(packed) = archive::pack(&sheets) {
                answer.body = packed;
            }
        }
    }
    if faults.contains(&FaultKind::BrokenJson) {
        let half = answer.body.len() / 2;
        answer.body.truncate(half);
    }
    if faults.contains(&FaultKind::MalformedText)
        && let Some(text) = answer.body.windows(2).rposition(|pair| pair == b":\"")
    {
        answer.body.insert(text + 2, 0xFF);
    }
    answer
}

/// Whether the fault changes the content of a good reply.
fn bends(fault: &FaultKind) -> bool {
    matches!(
        fault,
        FaultKind::LyingTotal { .. }
            | FaultKind::HugePage { .. }
            | FaultKind::UnknownEnum
            | FaultKind::NewFields
            | FaultKind::NegativeNumbers
            | FaultKind::GarbageNumbers
            | FaultKind::MissingField { .. }
            | FaultKind::EmptyAccount
            | FaultKind::DuplicateRows
            | FaultKind::MissingDay { .. }
            | FaultKind::HalfDay { .. }
            | FaultKind::CopiedDay { .. }
            | FaultKind::Vanish
            | FaultKind::Appear
            | FaultKind::LostRows
            | FaultKind::OtherType { .. }
    )
}

fn control(hub: &Hub, call: &Call) -> Answer {
    match (call.method.as_str(), call.path.as_str()) {
        ("POST", "/__sim/faults") => match serde_json::from_slice::<Fault>(&call.body) {
            Ok(fault) => Answer::json(201, &json!({ "id": hub.faults.add(fault) })),
            Err(error) => Answer::json(400, &json!({ "error": format!("not a fault: {error}") })),
        },
        ("GET", "/__sim/faults") => Answer::json(200, &json!({ "faults": hub.faults.list() })),
        ("DELETE", "/__sim/faults") => {
            match call.param("id").and_then(|id| id.parse().ok()) {
                Some(id) => hub.faults.remove(id),
                None => hub.faults.clear(),
            }
            Answer::json(200, &json!({}))
        }
        ("GET", "/__sim/requests") => {
            let counts = hub.log.counts();
            Answer::json(200, &json!({ "counts": counts, "entries": hub.log.entries() }))
        }
        ("DELETE", "/__sim/requests") => {
            hub.log.clear();
            Answer::json(200, &json!({}))
        }
        _ => hub
            .vendor
            .control(call)
            .unwrap_or_else(|| Answer::json(404, &json!({ "error": "the simulator has no such control path" }))),
    }
}

fn body_too_large() -> Answer {
    Answer::json(413, &json!({ "error": { "code": "request_too_large", "message": "Request body is too large" } }))
}

fn html(status: u16) -> Response {
    let page = "<!DOCTYPE html><html><head><title>Технические работы</title></head>\
        <body><h1>Сервис временно недоступен</h1><p>Мы уже чиним.</p></body></html>";
    let mut reply = response(status, &[], Body::from(page));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    reply
}

fn response(status: u16, headers: &[(&'static str, String)], body: Body) -> Response {
    let mut reply = Response::new(body);
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), HeaderValue::from_str(value)) {
            reply.headers_mut().insert(name, value);
        }
    }
    reply
}

/// Below this size compression only costs time, as in real servers.
const GZIP_FROM_BYTES: usize = 1_024;

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < GZIP_FROM_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 6), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// One accepted connection, as far as a handler may touch it.
#[derive(Debug, Clone, Default)]
struct Line(Arc<AtomicBool>);

impl Line {
    /// The next write fails and the connection ends with a reset instead of a goodbye.
    fn cut(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, WireListener>> for Line {
    fn connect_info(stream: IncomingStream<'_, WireListener>) -> Self {
        Self(Arc::clone(&stream.io().cut))
    }
}

struct WireListener(TcpListener);

impl Listener for WireListener {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Replies are written whole; waiting to fill packets only makes them late. Without it they are merely slower.
        let _kept = stream.set_nodelay(true);
        (Wire { stream, cut: Arc::default() }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A TCP stream that can be told to break.
struct Wire {
    stream: TcpStream,
    cut: Arc<AtomicBool>,
}

impl Wire {
    fn check(&self) -> io::Result<()> {
        if self.cut.load(Ordering::SeqCst) {
            // Zero linger makes the close a reset; if the system refuses, the client still sees an early end.
            let _set = self.stream.set_zero_linger();
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.get_mut().stream).poll_write(cx, data)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
