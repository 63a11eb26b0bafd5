//! `syncdeckctl serve`: the same console in a browser on this computer. The surface is the desktop's, over loopback HTTP.
//!
//! Who may call: whoever has the session cookie, which is given once, in exchange for the token in the printed address. Requests must name
//! this very address as their host (a page elsewhere that resolves its own name to 127.0.0.1 does not), and come from no other origin.

use crate::output::Output;
use anyhow::Context;
use api::host::Host;
use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, Path, Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response, Sse, sse},
    routing::{get, post},
};
use data_encoding::BASE64URL_NOPAD;
use futures::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;
use tokio_stream::wrappers::BroadcastStream;

/// An imported file of 64 MiB in base64, and the rest of its request.
const MAX_BODY: usize = 96 << 20;
/// Name of the session cookie.
const COOKIE: &str = "syncdeck";
/// What a page of ours may load: itself.
const CSP: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

#[derive(clap::Args)]
pub struct Args {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Serves the demo workspace.
    #[arg(long)]
    pub demo: bool,
}

/// The built user interface.
#[derive(rust_embed::Embed)]
#[folder = "../../ui/dist"]
struct Ui;

struct Shared {
    host: Host,
    /// Taken by the first who shows it.
    token: Mutex<Option<String>>,
    session: String,
    /// `127.0.0.1:PORT` and `localhost:PORT`.
    names: [String; 2],
    /// Becomes true when the program is asked to end.
    ending: watch::Receiver<bool>,
}

pub async fn run(host: &Host, output: Output, args: Args) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await.context("taking the port")?;
    let port = listener.local_addr()?.port();
    let token = random()?;
    let (end, ending) = watch::channel(false);
    let shared = Arc::new(Shared {
        host: host.clone(),
        token: Mutex::new(Some(token.clone())),
        session: random()?,
        names: [format!("127.0.0.1:{port}"), format!("localhost:{port}")],
        ending,
    });
    let address = json!({ "url": format!("http://127.0.0.1:{port}/?token={token}") });
    output.result(&address, |address| {
        format!(
            "Open {} in a browser on this computer. The address works once.",
            address["url"].as_str().unwrap_or_default()
        )
    })?;
    let asked_to_end = async move {
        stopped().await;
        // Nobody receives when no screen is open.
        let _ = end.send(true);
    };
    axum::serve(listener, router(shared)).with_graceful_shutdown(asked_to_end).await.context("serving")
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/api/call/{command}", post(call))
        .route("/api/events", get(events))
        .fallback(get(page))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard))
        .with_state(shared)
}

/// Lets through whoever may call, and says to the browser what a page may do.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let foreign = origin.is_some_and(|origin| !shared.names.iter().any(|name| origin == format!("http://{name}")));
    if !shared.names.iter().any(|name| name == host) || foreign {
        return StatusCode::FORBIDDEN.into_response();
    }
    if request.uri().path().starts_with("/api/") && !signed_in(headers, &shared.session) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn signed_in(headers: &HeaderMap, session: &str) -> bool {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    cookies.flat_map(|cookies| cookies.split(';')).any(|cookie| {
        cookie
            .trim()
            .split_once('=')
            .is_some_and(|(name, value)| name == COOKIE && value.len() == session.len() && same(value, session))
    })
}

/// Compares in a time that does not tell how much fits.
fn same(one: &str, other: &str) -> bool {
    one.bytes().zip(other.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

async fn call(State(shared): State<Arc<Shared>>, Path(command): Path<String>, Json(request): Json<Value>) -> Response {
    match shared.host.call(&command, request).await {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, Json(error)).into_response(),
    }
}

async fn events(State(shared): State<Arc<Shared>>) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
    let events = BroadcastStream::new(shared.host.events()).filter_map(|event| async move {
        // A screen that fell behind lost events, and reads everything again.
        let event = event.ok().map_or_else(
            || json!({ "type": "changed", "tags": ["workspace", "clients", "connections", "runs", "stats", "audit", "drafts"] }),
            |event| serde_json::to_value(event).unwrap_or(Value::Null),
        );
        sse::Event::default().json_data(event).ok().map(Ok)
    });
    // An open screen listens for ever, and the program would wait for it for ever.
    let mut ending = shared.ending.clone();
    let ended = async move { ending.wait_for(|ending| *ending).await.map(drop).unwrap_or_default() };
    let events = events.take_until(Box::pin(ended));
    Sse::new(events).keep_alive(sse::KeepAlive::default())
}

#[derive(Deserialize)]
struct Entry {
    token: Option<String>,
}

/// A file of the user interface; anything else is a screen, and screens are all one page.
async fn page(State(shared): State<Arc<Shared>>, Query(entry): Query<Entry>, headers: HeaderMap, uri: Uri) -> Response {
    if let Some(token) = entry.token {
        let mut kept = shared.token.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.as_ref().is_some_and(|known| known.len() == token.len() && same(known, &token)) {
            return (StatusCode::FORBIDDEN, "This address was used already. Start `syncdeckctl serve` again.")
                .into_response();
        }
        *kept = None;
        let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/", shared.session);
        return ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response();
    }
    if !signed_in(&headers, &shared.session) {
        return (StatusCode::FORBIDDEN, "Open the address that `syncdeckctl serve` printed.").into_response();
    }
    let path = uri.path().trim_start_matches('/');
    let (path, file) = match Ui::get(path) {
        Some(file) => (path, file),
        None => match Ui::get("index.html") {
            Some(file) => ("index.html", file),
            None => return StatusCode::NOT_FOUND.into_response(),
        },
    };
    ([(header::CONTENT_TYPE, mime(path))], Body::from(file.data.into_owned())).into_response()
}

fn mime(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}

fn random() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 24];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system gave no random bytes: {error}"))?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// Ends on Ctrl+C, or on the signal with which a service is stopped.
async fn stopped() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
