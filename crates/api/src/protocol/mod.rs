//! A connector as the ecosystem's clients know one: a program that is given files and answers with messages, one JSON object a line,
//! on standard output. So PyAirbyte, an orchestrator or a test of somebody else's can drive our runtime in place of a connector's own.
//!
//! The four commands are `spec`, `check`, `discover` and `read`. Nothing of a workspace is opened for them: no database, no keychain, no
//! certificates before the first request. What goes wrong is said in messages of the protocol, and the caller turns the answer of
//! [`run`] into an exit code: success also for a check that failed because of the settings, because a message says so.
//!
//! The configuration is in the clear here, as the protocol demands. Every value under an `airbyte_secret` of the form is known to the
//! redactor before anything is sent, so that neither a log line nor an error repeats it.

mod config;
mod form;
mod messages;
mod outlet;

use crate::sign_ins::DraftCredentials;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kit::{
    clock::{Clock, SystemClock},
    http::{Http, HttpOptions},
    session::{CancellationToken, Credentials, SecretChanges, Session},
};
use manifest::{
    connector::{Connector, Declared, Limits, Wanted},
    read::Run,
    source::ManifestSource,
};
use messages::{Level, Printer};
use model::{
    failure::{Code, Failure, FailureKind},
    secret::SecretFields,
};
use serde_json::{Value, json};
use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What is asked of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Its form.
    Spec,
    /// Whether the settings work.
    Check,
    /// Its streams.
    Discover,
    /// Records.
    Read,
}

/// Which source, and what it is given. The texts are the contents of the files that the protocol passes by path.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The manifest's text, or the id of a connector of ours. `None`: it lies in the configuration, under
    /// `__injected_declarative_manifest`.
    pub manifest: Option<Manifest>,
    /// The configuration; not needed for `spec`.
    pub config: Option<String>,
    /// The configured catalog: which streams to read, and how. Needed for `read`.
    pub catalog: Option<String>,
    /// States of an earlier read.
    pub state: Option<String>,
    /// Address prefixes and what stands in for them.
    pub url_map: Vec<(String, String)>,
    /// The moment the source takes for now, as RFC 3339; its clock goes on from there.
    pub now: Option<String>,
    /// Most records of a stream.
    pub limit_records: Option<u64>,
    /// Most pages of a slice.
    pub limit_pages: Option<u32>,
    /// Most slices of a stream.
    pub limit_slices: Option<u32>,
    /// Whether every request and slice is told, too.
    pub debug: bool,
}

/// Where a manifest comes from.
#[derive(Debug, Clone)]
pub enum Manifest {
    /// The text of a file.
    Text(String),
    /// The id of a connector of this build.
    BuiltIn(String),
}

/// Does what was asked and writes messages to `out`; answers whether the caller ends with success.
pub async fn run(command: Command, request: Request, out: impl Write + Send + 'static) -> bool {
    let printer = Printer::start(out);
    let cancel = CancellationToken::new();
    let watch = tokio::spawn({
        let cancel = cancel.clone();
        async move {
            // Where signals cannot be heard the program ends the hard way, as it would have without this.
            if tokio::signal::ctrl_c().await.is_ok() {
                cancel.cancel();
            }
        }
    });
    let done = match Source::open(command, request, &printer, cancel).await {
        Ok(source) => source.run(command, &printer).await,
        Err(failure) => Err(failure),
    };
    watch.abort();
    if let Err(failure) = &done {
        printer.log(Level::Fatal, &failure.to_string());
        printer.error(failure, None);
    }
    // A reader that went away in the middle has not got everything, whatever else went well.
    let written = printer.finish().await;
    done.is_ok_and(|good| good) && written
}

/// A source that is ready to be asked.
struct Source {
    connector: Connector,
    /// How it reaches the platform; not there for `spec`.
    run: Option<Run>,
    wanted: Vec<Wanted>,
    limits: Limits,
    debug: bool,
    /// What is wrong with the settings by the form.
    complaint: Option<form::Complaint>,
}

impl Source {
    async fn open(
        command: Command,
        request: Request,
        printer: &Printer,
        cancel: CancellationToken,
    ) -> Result<Self, Failure> {
        let mut settings = request.config.as_deref().map(config::object).transpose()?;
        let (text, built_in) = manifest(request.manifest, settings.as_mut())?;
        let connector = Connector::load(&text)
            .map_err(|error| Failure::new(Code::ManifestInvalid).with("path", &error.path).detail(&error.message))?;
        let limits = Limits {
            records: request.limit_records,
            pages_per_slice: request.limit_pages,
            slices: request.limit_slices,
        };
        let mut source =
            Self { connector, run: None, wanted: Vec::new(), limits, debug: request.debug, complaint: None };
        if command == Command::Spec {
            return Ok(source);
        }
        let settings = settings.ok_or_else(|| Failure::new(Code::BadRequest).with("field", "config"))?;
        if command == Command::Read {
            let catalog = request.catalog.as_deref();
            let catalog = catalog.ok_or_else(|| Failure::new(Code::BadRequest).with("field", "catalog"))?;
            source.wanted = config::wanted(catalog, request.state.as_deref())?;
        }
        let form = source.connector.form().general();
        source.complaint = form::complaint(&form, &Value::Object(settings.clone()));
        let secrets = config::secrets(&form, &settings);
        let now = request.now.as_deref().map(moment).transpose()?;
        let http = Http::new(HttpOptions {
            url_map: request.url_map,
            clock: now.map_or_else(|| Arc::new(SystemClock) as Arc<dyn Clock>, |now| Arc::new(SetClock::new(now))),
            observer: Arc::new(messages::Watcher { printer: printer.clone(), debug: request.debug }),
            ..HttpOptions::new("source", "source")
        })?;
        let run = if let Some(native) = built_in {
            // Its sign-in is written in Rust and takes the secrets from the credentials.
            let session = Session {
                config: Arc::new(config::without(&settings, &secrets)),
                credentials: Rotation::new(settings, secrets, printer.clone()),
                http,
                clock: now.map_or_else(|| Arc::new(SystemClock) as Arc<dyn Clock>, |now| Arc::new(SetClock::new(now))),
                cancel,
            };
            native.run(&session).await?
        } else {
            let http = http.with_secrets(secrets.clone());
            let veiled = source.connector.veil().config(&Value::Object(settings.clone()).into(), &http)?;
            Run::new(veiled, http, cancel).with_credentials(Rotation::new(settings, secrets, printer.clone()))
        };
        source.run = Some(Run { now: now.unwrap_or(run.now), ..run });
        Ok(source)
    }

    async fn run(self, command: Command, printer: &Printer) -> Result<bool, Failure> {
        let Some(run) = &self.run else {
            printer.message(&self.specification());
            return Ok(true);
        };
        if let Some(complaint) = &self.complaint {
            let message = format!("Config validation error: {}", complaint.message);
            match command {
                Command::Check => {
                    printer.message(&status(Some(&message)));
                    return Ok(true);
                }
                _ if complaint.missing => return Err(Failure::new(Code::SettingInvalid).detail(message)),
                _ => printer.log(Level::Warn, &message),
            }
        }
        match command {
            Command::Spec => Ok(true),
            Command::Check => Ok(self.check(run, printer).await),
            Command::Discover => {
                let streams = self.connector.discover(run).await?;
                for stream in &streams {
                    tell(stream, printer);
                }
                let streams: Vec<Value> = streams.iter().map(catalog_entry).collect();
                printer.message(&json!({"type": "CATALOG", "catalog": {"streams": streams}}));
                Ok(true)
            }
            Command::Read => self.read(run, printer).await,
        }
    }

    fn specification(&self) -> Value {
        let spec = self.connector.document().get("spec");
        let of = |name: &str| spec.and_then(|spec| spec.get(name)).filter(|value| !value.is_null()).cloned();
        let mut told = json!({
            "connectionSpecification": self.connector.form().general(), "supportsNormalization": false, "supportsDBT": false,
        });
        for (theirs, ours) in [("documentation_url", "documentationUrl"), ("advanced_auth", "advanced_auth")] {
            if let Some(value) = of(theirs) {
                told[ours] = value.into();
            }
        }
        json!({"type": "SPEC", "spec": told})
    }

    async fn check(&self, run: &Run, printer: &Printer) -> bool {
        match self.connector.check(run).await {
            Ok(()) => {
                printer.log(Level::Info, "Check succeeded");
                printer.message(&status(None));
                true
            }
            Err(failure) => {
                printer.log(Level::Error, &format!("Check failed: {failure}"));
                printer.message(&status(Some(&messages::sentence(&failure))));
                // The status says it all, except when the defect is ours.
                failure.kind() != FailureKind::OurFault
            }
        }
    }

    async fn read(&self, run: &Run, printer: &Printer) -> Result<bool, Failure> {
        for stream in self.connector.declared() {
            if self.wanted.iter().any(|wanted| wanted.stream == stream.name) {
                tell(stream, printer);
            }
        }
        let mut outlet = outlet::Lines::new(printer.clone(), self.debug, Arc::clone(run.http.clock()));
        let summary = self.connector.read(run, self.wanted.clone(), &self.limits, &mut outlet).await?;
        let failed: Vec<&str> = summary
            .streams
            .iter()
            .filter(|(.., outcome)| outcome.is_err())
            .map(|(stream, ..)| stream.as_str())
            .collect();
        if !failed.is_empty() {
            printer.log(Level::Error, &format!("These streams were not read to their end: {}", failed.join(", ")));
        }
        Ok(failed.is_empty())
    }
}

/// The manifest's text, and our connector if it is one of ours.
fn manifest(
    from: Option<Manifest>,
    settings: Option<&mut serde_json::Map<String, Value>>,
) -> Result<(String, Option<ManifestSource>), Failure> {
    match from {
        Some(Manifest::Text(text)) => Ok((text, None)),
        Some(Manifest::BuiltIn(id)) => {
            let source = connectors::declarative(&id);
            let source = source.ok_or_else(|| Failure::new(Code::NotFound).with("what", &id))?.map_err(|error| {
                Failure::new(Code::ManifestInvalid).with("path", &error.path).detail(&error.message)
            })?;
            Ok((source.manifest().to_owned(), Some(source)))
        }
        None => {
            let injected = settings.and_then(|settings| settings.shift_remove(config::INJECTED));
            let injected = injected.ok_or_else(|| Failure::new(Code::BadRequest).with("field", "manifest"))?;
            Ok((injected.as_str().map_or_else(|| injected.to_string(), str::to_owned), None))
        }
    }
}

fn moment(text: &str) -> Result<DateTime<Utc>, Failure> {
    let parsed = DateTime::parse_from_rfc3339(text);
    parsed
        .map(|at| at.to_utc())
        .map_err(|error| Failure::new(Code::BadRequest).with("field", "now").detail(format!("{text}: {error}")))
}

fn status(problem: Option<&str>) -> Value {
    match problem {
        None => json!({"type": "CONNECTION_STATUS", "connectionStatus": {"status": "SUCCEEDED"}}),
        Some(message) => {
            json!({"type": "CONNECTION_STATUS", "connectionStatus": {"status": "FAILED", "message": message}})
        }
    }
}

/// Says what of a stream is left out, or why it cannot be read.
fn tell(stream: &Declared, printer: &Printer) {
    if let Err(fault) = &stream.stream {
        printer.log(Level::Warn, &format!("The stream {} is not available: {fault}", stream.name));
    }
    for note in &stream.notes {
        let line = format!("The stream {} is read without {} ({})", stream.name, note.component, note.path);
        printer.log(Level::Warn, &line);
    }
}

fn catalog_entry(stream: &Declared) -> Value {
    let mut entry = json!({
        "name": stream.name,
        "json_schema": stream.schema,
        "supported_sync_modes": ["full_refresh"],
        "is_resumable": stream.incremental,
        "is_file_based": false,
    });
    if stream.incremental {
        entry["supported_sync_modes"] = json!(["full_refresh", "incremental"]);
        entry["source_defined_cursor"] = json!(true);
        if let Some(field) = &stream.cursor_field {
            entry["default_cursor_field"] = json!([field]);
        }
    }
    if !stream.primary_key.is_empty() {
        entry["source_defined_primary_key"] = json!(stream.primary_key);
    }
    entry
}

/// A clock that was set to a moment and goes on from there. It does not stand still, because waits for a budget end by it.
struct SetClock {
    at: DateTime<Utc>,
    since: Instant,
}

impl SetClock {
    fn new(at: DateTime<Utc>) -> Self {
        Self { at, since: Instant::now() }
    }
}

#[async_trait]
impl Clock for SetClock {
    fn now(&self) -> DateTime<Utc> {
        self.at + TimeDelta::from_std(self.since.elapsed()).unwrap_or_default()
    }
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Credentials that live as long as the process. What rotates is told to the caller, whose configuration would otherwise hold a dead
/// token the next time.
struct Rotation {
    fields: Arc<DraftCredentials>,
    settings: Mutex<serde_json::Map<String, Value>>,
    printer: Printer,
}

impl Rotation {
    fn new(settings: serde_json::Map<String, Value>, fields: SecretFields, printer: Printer) -> Arc<Self> {
        Arc::new(Self { fields: DraftCredentials::new(fields), settings: Mutex::new(settings), printer })
    }
}

#[async_trait]
impl Credentials for Rotation {
    async fn load(&self) -> Result<SecretFields, Failure> {
        self.fields.load().await
    }
    async fn change(&self, changes: SecretChanges) -> Result<(), Failure> {
        let mut fields = self.fields.load().await?;
        changes.apply(&mut fields);
        let told = {
            let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
            let before = settings.clone();
            config::put(&mut settings, &fields);
            (before != *settings).then(|| Value::Object(settings.clone()))
        };
        self.fields.change(changes).await?;
        match told {
            Some(told) => self.printer.control(&told).await,
            None => Ok(()),
        }
    }
    fn turn(&self) -> Arc<tokio::sync::Mutex<()>> {
        self.fields.turn()
    }
}

#[cfg(test)]
mod tests;
