//! Messages of the protocol and the one thread that writes them. Records make up nearly everything that is written, so they go from their
//! own memory into the line; the small messages are built as values.

use kit::observe::{Observer, RequestRecord, Wait, WaitReason};
use model::failure::{Code, Failure, FailureKind};
use serde_json::{Value, json};
use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Chunks of records between the reader and a slow receiver. With pages of a thousand records that is a few megabytes.
const WAITING_CHUNKS: usize = 8;

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

/// Whole lines, and the place they take among those that wait.
struct Chunk {
    lines: Vec<u8>,
    _place: Option<OwnedSemaphorePermit>,
}

/// Writes messages in the order they are given. Cheap to clone.
#[derive(Clone)]
pub(super) struct Printer {
    sender: Arc<Mutex<Option<mpsc::UnboundedSender<Chunk>>>>,
    places: Arc<Semaphore>,
    thread: Arc<Mutex<Option<JoinHandle<bool>>>>,
}

impl Printer {
    pub(super) fn start(mut out: impl Write + Send + 'static) -> Self {
        let (sender, mut receiver) = mpsc::unbounded_channel::<Chunk>();
        let places = Arc::new(Semaphore::new(WAITING_CHUNKS));
        let closing = Arc::clone(&places);
        let thread = std::thread::spawn(move || {
            let mut good = true;
            while let Some(chunk) = receiver.blocking_recv() {
                let written = out.write_all(&chunk.lines);
                // What waits together is written together; nothing waits in a buffer when there is nothing to do.
                let written = if receiver.is_empty() { written.and_then(|()| out.flush()) } else { written };
                if written.is_err() {
                    // Nobody reads any more. Whoever waits for a place learns that before this chunk gives its own back.
                    closing.close();
                    good = false;
                    break;
                }
            }
            good
        });
        Self { sender: Arc::new(Mutex::new(Some(sender))), places, thread: Arc::new(Mutex::new(Some(thread))) }
    }

    fn send(&self, lines: Vec<u8>, place: Option<OwnedSemaphorePermit>) -> bool {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().is_some_and(|sender| sender.send(Chunk { lines, _place: place }).is_ok())
    }

    /// Writes a message. One that cannot be written any more is noticed at the next records, or at the end.
    pub(super) fn message(&self, message: &Value) {
        self.send(format!("{message}\n").into_bytes(), None);
    }

    /// Writes lines of records; waits while too much waits to be written.
    pub(super) async fn records(&self, lines: Vec<u8>) -> Result<(), Failure> {
        let gone = || Failure::new(Code::Cancelled).detail("nobody reads the messages any more");
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| gone())?;
        if self.send(lines, Some(place)) { Ok(()) } else { Err(gone()) }
    }

    pub(super) fn log(&self, level: Level, text: &str) {
        self.message(&json!({"type": "LOG", "log": {"level": level.name(), "message": text}}));
    }

    /// Tells how far a stream is.
    pub(super) fn status(&self, stream: &str, status: &str) {
        let told = json!({"stream_descriptor": {"name": stream}, "status": status});
        let trace = json!({"type": "STREAM_STATUS", "emitted_at": now(), "stream_status": told});
        self.message(&json!({"type": "TRACE", "trace": trace}));
    }

    /// Tells what went wrong, and for which stream.
    pub(super) fn error(&self, failure: &Failure, stream: Option<&str>) {
        let mut told = json!({
            "message": sentence(failure), "internal_message": failure.to_string(), "failure_type": failure_type(failure),
        });
        if let Some(stream) = stream {
            told["stream_descriptor"] = json!({"name": stream});
        }
        let trace = json!({"type": "ERROR", "emitted_at": now(), "error": told});
        self.message(&json!({"type": "TRACE", "trace": trace}));
    }

    /// Hands a changed configuration to the caller. It has left this process when this returns without an error.
    pub(super) async fn control(&self, settings: &Value) -> Result<(), Failure> {
        let told = json!({"type": "CONNECTOR_CONFIG", "emitted_at": now(), "connectorConfig": {"config": settings}});
        let line = format!("{}\n", json!({"type": "CONTROL", "control": told}));
        self.records(line.into_bytes()).await?;
        // All places free: the line has been written, and its buffer flushed with it.
        let all = u32::try_from(WAITING_CHUNKS).unwrap_or(u32::MAX);
        let empty = self.places.acquire_many(all).await;
        empty.map(drop).map_err(|_| Failure::new(Code::Cancelled).detail("nobody reads the messages any more"))
    }

    /// Waits until everything is written; answers whether it was.
    pub(super) async fn finish(self) -> bool {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return false };
        tokio::task::spawn_blocking(move || thread.join().unwrap_or(false)).await.unwrap_or(false)
    }
}

/// Milliseconds since 1970 by this computer's clock: when a message was made, whatever time the source takes for now.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A count as the protocol writes it: a float, because its first receivers had 32-bit integers.
pub(super) fn count(count: u64) -> f64 {
    count as f64
}

/// The protocol's word for a failure's kind.
pub(super) fn failure_type(failure: &Failure) -> &'static str {
    match failure.kind() {
        FailureKind::SignInAgain | FailureKind::FixSettings => "config_error",
        FailureKind::Retry | FailureKind::WaitUntil => "transient_error",
        FailureKind::VendorChanged | FailureKind::OurFault | FailureKind::Cancelled => "system_error",
    }
}

/// A failure for a person who has no screens of ours: the platform's own words where there are any.
pub(super) fn sentence(failure: &Failure) -> String {
    let of = |name: &str| failure.params.get(name).map(String::as_str).unwrap_or_default();
    let what = match failure.code {
        Code::SignInRejected | Code::SignInRevoked => "The platform refused the sign-in.".to_owned(),
        Code::CredentialMissing => "A credential is missing from the configuration.".to_owned(),
        Code::PermissionDenied => "The sign-in lacks a right that reading needs.".to_owned(),
        Code::SettingInvalid => match of("field") {
            "" => "A setting is missing or wrong.".to_owned(),
            field => format!("The setting {field} is missing or wrong."),
        },
        Code::QuotaWait => format!("The platform's quota is used up until {}.", of("until")),
        Code::TooManyRequests => "The platform asks to slow down and did not stop asking.".to_owned(),
        Code::PlatformDown => "The platform answers with a server error.".to_owned(),
        Code::Timeout => "The platform did not answer in time.".to_owned(),
        Code::Offline => "The platform cannot be reached.".to_owned(),
        Code::VendorChanged => format!("Something that should exist does not: {}.", of("what")),
        Code::RequestRefused => format!("The platform refused the request with status {}.", of("status")),
        Code::PagingLoop => "The same page came again and again.".to_owned(),
        Code::ManifestInvalid => format!("The manifest is not valid at {}.", of("path")),
        Code::NotFound => format!("There is no {}.", of("what")),
        Code::BadRequest => format!("--{} is missing or cannot be read.", of("field")),
        Code::Cancelled => "Stopped.".to_owned(),
        code => format!("{}.", code.as_str()),
    };
    match &failure.detail {
        Some(detail) => format!("{what} {detail}"),
        None => what,
    }
}

/// Turns what happens on the wire into log lines. Everything it is given is redacted already.
pub(super) struct Watcher {
    pub(super) printer: Printer,
    pub(super) debug: bool,
}

impl Observer for Watcher {
    fn request(&self, record: RequestRecord) {
        if self.debug {
            let status = record.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let line =
                format!("{} {}: {status}, {} bytes, {} ms", record.method, record.url, record.bytes, record.millis);
            self.printer.log(Level::Debug, &line);
        }
    }
    fn waiting(&self, wait: Wait) {
        let why = match wait.reason {
            WaitReason::Budget => "the budget of requests is used up",
            WaitReason::RateLimited => "the platform asks to slow down",
            WaitReason::Retry => "the last attempt failed",
            WaitReason::Report => "the platform is still making the report",
        };
        self.printer.log(Level::Info, &format!("Waiting {:.1} s: {why}", wait.duration.as_secs_f64()));
    }
    fn retry(&self, attempt: u32, failure: &Failure) {
        self.printer.log(Level::Info, &format!("Attempt {attempt} failed and another one follows: {failure}"));
    }
}
