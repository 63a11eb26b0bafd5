//! A scripted vendor: each request is shown to a closure that answers with raw bytes; the connection is then closed.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Notify,
};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `GET /path?query`.
    pub line: String,
    /// Everything, headers in lower case names as sent, and the body.
    pub raw: String,
}

impl Seen {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.raw.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
    /// What follows the headers.
    pub fn body(&self) -> &str {
        self.raw.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub enum Answer {
    /// These bytes, then close.
    Bytes(Vec<u8>),
    /// Nothing, for as long as the client waits.
    Silence,
    /// These bytes, the body so many at a time with a pause after each.
    Drip(Vec<u8>, usize, Duration),
    /// These bytes, once the test says so.
    Held(Arc<Notify>, Vec<u8>),
}

impl Answer {
    /// The same answer, kept back until `gate` is notified.
    pub fn held(self, gate: &Arc<Notify>) -> Self {
        match self {
            Self::Bytes(bytes) | Self::Held(_, bytes) => Self::Held(Arc::clone(gate), bytes),
            other => other,
        }
    }
    /// The same answer, its body so many bytes at a time with a pause after each.
    pub fn dripping(self, size: usize, pause: Duration) -> Self {
        match self {
            Self::Bytes(bytes) => Self::Drip(bytes, size, pause),
            other => other,
        }
    }
}

/// A running server; it ends with the test.
#[derive(Clone)]
pub struct Server {
    pub base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts one on a free port. The closure gets the request and its number, from 1.
    pub async fn start(answer: impl Fn(&Seen, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let all = Arc::clone(&seen);
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (all, answer) = (Arc::clone(&all), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut raw = Vec::new();
                    let mut buffer = [0_u8; 8192];
                    loop {
                        let read = socket.read(&mut buffer).await.unwrap_or(0);
                        raw.extend_from_slice(&buffer[..read]);
                        let text = String::from_utf8_lossy(&raw).into_owned();
                        let request = Seen { line: text.lines().next().unwrap_or_default().to_owned(), raw: text };
                        let length = request.header("content-length").map_or(0, |text| text.parse().unwrap());
                        if request.raw.contains("\r\n\r\n") && request.body().len() >= length {
                            let number = {
                                let mut all = all.lock().unwrap();
                                all.push(request.clone());
                                all.len()
                            };
                            let bytes = match answer(&request, number) {
                                Answer::Bytes(bytes) => bytes,
                                Answer::Held(gate, bytes) => {
                                    gate.notified().await;
                                    bytes
                                }
                                Answer::Drip(bytes, size, pause) => {
                                    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
                                    let (head, body) = bytes.split_at(head);
                                    let _ = socket.write_all(head).await;
                                    for drop in body.chunks(size) {
                                        tokio::time::sleep(pause).await;
                                        if socket.write_all(drop).await.is_err() {
                                            return;
                                        }
                                    }
                                    Vec::new()
                                }
                                Answer::Silence => return tokio::time::sleep(Duration::from_mins(10)).await,
                            };
                            // A client that has seen enough may close first; that is its right.
                            let _ = socket.write_all(&bytes).await;
                            let _ = socket.shutdown().await;
                            return;
                        }
                        if read == 0 {
                            return;
                        }
                    }
                });
            }
        });
        Self { base, seen }
    }

    /// Requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// A proper answer.
pub fn reply(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let mut head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head.push_str("\r\n");
    Answer::Bytes([head.as_bytes(), body].concat())
}

/// A good answer with JSON.
pub fn ok(body: &str) -> Answer {
    reply(200, &[("Content-Type", "application/json")], body)
}

/// Exactly these bytes.
pub fn raw(text: impl Into<Vec<u8>>) -> Answer {
    Answer::Bytes(text.into())
}
