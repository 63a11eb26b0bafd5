//! What tests of reading share: a server on loopback that remembers what it was asked, and a run with a virtual clock.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
    response::Response,
};
use chrono::{DateTime, Utc};
use kit::{
    http::{Http, HttpOptions},
    session::CancellationToken,
    testing::{Recorder, VirtualClock},
};
use manifest::json::Json;
use manifest::read::Run;
use model::secret::Secret;
use std::sync::{Arc, Mutex};

/// A request as the server saw it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Path and decoded query, such as `/items?page=2&q=a b`.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

pub type Reply = (u16, Vec<(&'static str, String)>, String);

pub fn ok(body: &Json) -> Reply {
    (200, vec![], body.to_string())
}

/// A server on loopback, and what it saw.
pub struct Server {
    pub base: String,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub async fn start(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        let app = Router::new().fallback(move |request: Request<Body>| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                let (parts, body) = request.into_parts();
                let query: Vec<String> = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                let mark = if query.is_empty() { "" } else { "?" };
                let one = Seen {
                    target: format!("{}{mark}{}", parts.uri.path(), query.join("&")),
                    headers: parts
                        .headers
                        .iter()
                        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                        .collect(),
                    body: String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap(),
                };
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push(one.clone());
                    log.len()
                };
                let (status, headers, body) = answer(&one, number);
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                response.body(Body::from(body)).unwrap()
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { base, seen }
    }

    pub fn targets(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|seen| seen.target.clone()).collect()
    }
}

pub struct Desk {
    pub run: Run,
    pub clock: Arc<VirtualClock>,
    pub log: Arc<Recorder>,
}

pub fn desk(config: &Json) -> Desk {
    let now: DateTime<Utc> = "2024-06-01T12:34:56Z".parse().unwrap();
    let (clock, log) = (VirtualClock::at(now), Recorder::shared());
    let mut options = HttpOptions::new("test", "account");
    options.clock = clock.clone();
    options.observer = log.clone();
    options.dice = Arc::new(|| 0.5);
    let secrets = [("token".to_owned(), Secret::new("s3cret-1e5")), ("password".to_owned(), Secret::new("pa:ss"))];
    let http = Http::new(options).unwrap().with_secrets(secrets.into());
    // One worker, so that the order of requests is known.
    let run = Run { workers: 1, ..Run::new(config.clone(), http, CancellationToken::new()) };
    Desk { run, clock, log }
}
