//! The test-read panel: a little of one stream, with everything that was said on the way. Nothing is kept, nothing secret is shown.

use super::manifests::{failure, fields, original};
use crate::{
    drafts::Answers,
    folder::blocking,
    host::{Host, Workspace, changed},
    registry::Loaded,
    sign_ins::DraftCredentials,
    wire::{ApiError, TestExchange, TestRead, TestReadRequest, TestSlice},
    wiring::Named,
};
use async_trait::async_trait;
use kit::{
    observe::{Exchange, Observer, RequestRecord, Wait},
    redact::Redactor,
    session::{Credentials, Session},
};
use manifest::{
    connector::{Connector, Event, Limits, Outlet, Wanted},
    json::Json,
    read::Run,
    report::fields_of,
};
use model::failure::{Code, Failure};
use serde_json::{Map, Value};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Bounds of a test read, and what they are unless the person asks for less.
const RECORDS: u32 = 1_000;
const PAGES: u32 = 20;
const SLICES: u32 = 20;
/// Requests shown.
const EXCHANGES: usize = 300;
/// Characters of a body shown.
const BODY: usize = 32 * 1024;
/// How long a person is kept waiting.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) async fn manifest_test_read(host: &Host, request: TestReadRequest) -> Result<TestRead, Failure> {
    let workspace = host.workspace().await?;
    let began = Instant::now();
    let (manifest, loaded) = load(&workspace, &request).await?;
    let desk = Arc::new(Desk::default());
    let cancel = CancellationToken::new();
    let session =
        session(&workspace, &request, &loaded, Arc::clone(&desk) as Arc<dyn Observer>, cancel.clone()).await?;
    let redact = session.http.clone();
    let limits = Limits {
        records: Some(request.records.unwrap_or(RECORDS).clamp(1, RECORDS).into()),
        pages_per_slice: Some(request.pages.unwrap_or(PAGES).clamp(1, PAGES)),
        slices: Some(request.slices.unwrap_or(SLICES).clamp(1, SLICES)),
    };
    let wanted = Wanted {
        stream: request.stream,
        full_refresh: request.state.is_none(),
        state: request.state.map(Json::from),
        schema: None,
    };
    let reading = async {
        // One slice after the other, so that requests can be told apart; and parents within the same bounds.
        let run = Run { workers: 1, limits, ..run(&loaded, &session).await? };
        let summary = manifest.read(&run, vec![wanted], &limits, &mut Panel(Arc::clone(&desk))).await?;
        summary.streams.into_iter().try_for_each(|(_, _, outcome)| outcome)
    };
    let ended = if let Ok(ended) = tokio::time::timeout(PATIENCE, reading).await {
        ended
    } else {
        cancel.cancel();
        Err(Failure::new(Code::Timeout)
            .with("system", &loaded.source().descriptor().id)
            .with("secs", PATIENCE.as_secs()))
    };
    // A sign-in may have rotated the tokens of the connection.
    if request.connection_id.is_some() {
        changed(&host.inner.events, &[crate::contract::Tag::Connections]);
    }
    Ok(shown(&desk, redact.redactor(), ended.err().as_ref(), began))
}

/// The manifest to read with: the one being edited, else the connector's own.
async fn load(workspace: &Workspace, request: &TestReadRequest) -> Result<(Connector, Loaded), Failure> {
    let copy_of = match request.copy_of.as_ref().or(request.connector.as_ref()) {
        Some(of) => original(workspace, of)?,
        None => None,
    };
    let imported = request.connector.as_deref().and_then(|id| workspace.registry.imported(id));
    let own = request.connector.as_deref().and_then(connectors::files);
    let original = copy_of.as_deref().and_then(connectors::files);
    let manifest = match (&request.manifest, &imported, &own) {
        (Some(manifest), ..) => manifest.clone(),
        (None, Some(imported), _) => imported.saved.manifest.clone(),
        (None, None, Some(own)) => own.manifest.to_owned(),
        (None, None, None) => return Err(Failure::new(Code::BadRequest).with("field", "manifest")),
    };
    // A copy is loaded whole, and therefore with a mapping; which one does not matter to a test read.
    let mapping = match (&imported, &original) {
        (Some(imported), Some(_)) => imported.saved.mapping.clone(),
        (None, Some(original)) => original.mapping.to_owned(),
        (_, None) => String::new(),
    };
    let id = request.connector.clone().unwrap_or_else(|| "test".to_owned());
    blocking(move || {
        let connector = Connector::load(&manifest).map_err(|error| failure(&error))?;
        let loaded =
            Loaded::load(&id, &id, (&manifest, &mapping), copy_of.as_deref()).map_err(|error| failure(&error))?;
        Ok((connector, loaded))
    })
    .await
}

async fn run(loaded: &Loaded, session: &Session) -> Result<Run, Failure> {
    match loaded {
        Loaded::Own(source) => source.run(session).await,
        Loaded::Copy(source) => source.run(session).await,
    }
}

/// The answers and secrets to read with: those of a connection, those that were typed, or the first overlaid by the second.
async fn session(
    workspace: &Workspace,
    request: &TestReadRequest,
    loaded: &Loaded,
    observer: Arc<dyn Observer>,
    cancel: CancellationToken,
) -> Result<Session, Failure> {
    let source = loaded.source();
    let descriptor = source.descriptor();
    let (mut config, credentials, account): (Map<String, Value>, Arc<dyn Credentials>, String) = if let Some(id) =
        request.connection_id
    {
        let connection = workspace.store.connection(id).await?;
        let of = request.connector.as_deref().or(request.copy_of.as_deref());
        let lent = match of {
            Some(of) => of == connection.connector || original(workspace, of)?.as_ref() == Some(&connection.connector),
            None => false,
        };
        if !lent {
            // A pasted manifest must not carry another connector's secrets to a host of its own.
            return Err(Failure::new(Code::BadRequest).with("field", "connection_id"));
        }
        let credentials: Arc<dyn Credentials> = workspace.wires.vaulted(&connection).await?;
        (connection.config, credentials, connection.account_external_id)
    } else {
        let answers = Answers::part(&descriptor.form, request.answers.clone())?;
        (answers.config, DraftCredentials::new(answers.secrets), "test".to_owned())
    };
    if request.connection_id.is_some() {
        let mut typed = request.answers.clone();
        Answers::forget_secrets(&descriptor.form, &mut typed);
        config.extend(typed);
    }
    let of = Named { connector: &descriptor.id, account: &account, account_name: &account };
    workspace.wires.open(&of, config, credentials, observer, cancel)
}

fn shown(desk: &Desk, redactor: &Redactor, failure: Option<&Failure>, began: Instant) -> TestRead {
    let mut seen = desk.lock();
    let masked = |value: Value| match serde_json::from_str(&redactor.text(&value.to_string())) {
        Ok(masked) => masked,
        // A mask that broke the text apart was in the right: better nothing than a piece of a secret.
        Err(_) => Value::from(kit::redact::MASK),
    };
    for slice in &mut seen.slices {
        slice.slice = masked(slice.slice.take());
        for record in &mut slice.records {
            *record = masked(record.take());
        }
        slice.state = slice.state.take().map(&masked);
    }
    let state = seen.state.take().map(masked);
    let records: Vec<Value> = seen.slices.iter().flat_map(|slice| slice.records.iter().cloned()).collect();
    TestRead {
        before: std::mem::take(&mut seen.before),
        slices: std::mem::take(&mut seen.slices),
        state,
        fields: fields(&fields_of(&records)),
        failure: failure.map(ApiError::from),
        millis: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX),
    }
}

/// What was seen so far.
#[derive(Default)]
struct Desk(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    before: Vec<TestExchange>,
    slices: Vec<TestSlice>,
    state: Option<Value>,
    exchanges: usize,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Desk {
    fn request(&self, _record: RequestRecord) {
        // Comes again with its bodies.
    }
    fn wants_bodies(&self) -> Option<usize> {
        Some(BODY)
    }
    fn exchange(&self, exchange: Exchange) {
        let mut seen = self.lock();
        seen.exchanges += 1;
        if seen.exchanges > EXCHANGES {
            return;
        }
        let record = exchange.record;
        let shown = TestExchange {
            at: record.at,
            method: record.method,
            url: record.url,
            request_headers: exchange.request_headers,
            request_body: exchange.request_body,
            status: record.status,
            response_headers: exchange.response_headers,
            response_body: exchange.response_body,
            cut: exchange.cut,
            bytes: record.bytes,
            millis: u32::try_from(record.millis).unwrap_or(u32::MAX),
            attempt: record.attempt,
        };
        // Slices of a test read come one after the other, so a request belongs to the newest.
        match seen.slices.last_mut() {
            Some(slice) => slice.exchanges.push(shown),
            None => seen.before.push(shown),
        }
    }
    fn waiting(&self, _wait: Wait) {
        // Waits show as the time between requests.
    }
    fn retry(&self, _attempt: u32, _failure: &Failure) {
        // Every attempt is an exchange of its own.
    }
}

/// Puts slices, records and states where the requests are.
struct Panel(Arc<Desk>);

#[async_trait]
impl Outlet for Panel {
    async fn event(&mut self, event: Event) -> Result<(), Failure> {
        let mut seen = self.0.lock();
        match event {
            Event::Slice { slice, .. } => {
                seen.slices.push(TestSlice { slice: slice.general(), exchanges: vec![], records: vec![], state: None });
            }
            Event::Records { records, .. } => {
                if let Some(slice) = seen.slices.last_mut() {
                    slice.records.extend(records.iter().map(Json::general));
                }
            }
            Event::State { state, .. } => {
                let state = state.general();
                if let Some(slice) = seen.slices.last_mut() {
                    slice.state = Some(state.clone());
                }
                seen.state = Some(state);
            }
            Event::Started { .. } | Event::Ended { .. } => {}
        }
        Ok(())
    }
}
