//! A connector that a person brought along, as a [`Source`]: any manifest of the public format, with or without a mapping.
//!
//! A stream with a mapping becomes rows of our tables and is read in windows of days, like the streams of our own connectors. A stream
//! without one is kept as it comes: records and the format's own state are handed over, and the next read goes on from that state.
//!
//! The manifest's check stands for the account: a format without accounts has one per configuration.

use crate::{
    components::{Cursor, Stream},
    connector::{Connector, Declared, Event, Limits, Outlet, Wanted as WantedStream},
    document::DocumentError,
    json::{Json, Map},
    mapping::{self, Duplicates, Mapping},
    observe::{Glances, Observer},
    read::{self, Convert, Job, Run, Window},
    runs::Runs,
    source::{Handover, end_of, midnight, row_account},
    template::{Scope, Value},
    windows::{self, Plan, Progress},
};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate};
use kit::{
    session::Session,
    source::{Account, AccountSample, CheckEvent, Descriptor, Sink, Slice, Source, StreamDescriptor, StreamKind},
};
use model::{
    ad::Batch,
    date::DateRange,
    failure::{Code, Failure},
    record::GenericRecord,
    settings::Lookback,
};
use serde_json::Value as General;
use std::{collections::BTreeMap, sync::Arc};

/// Records handed to the sink at a time.
const BATCH_RECORDS: usize = 2_000;

/// Where the connection's own settings (currency, VAT) stand in a session's configuration. The form of somebody else's connector may have
/// fields of the same names, and its templates must see those.
pub const OWN_SETTINGS: &str = "__syncdeck";

/// Days that mapped statistics read again, read first, and at most; a person changes them per connection.
const LOOKBACK_DAYS: u32 = 7;
const FIRST_LOAD_DAYS: u32 = 90;
const MAX_HISTORY_DAYS: u32 = 3_650;
/// Days of mapped statistics that are read and committed together.
const SLICE_DAYS: u32 = 31;

/// What an imported connector is made of.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// Its id in the catalogue.
    pub id: &'a str,
    /// The name people see.
    pub name: &'a str,
    /// The manifest.
    pub manifest: &'a str,
    /// The mapping; empty: every stream is kept as it comes.
    pub mapping: &'a str,
    /// An SVG of ours.
    pub icon: &'a str,
}

/// An imported connector.
pub struct ImportedSource {
    descriptor: Descriptor,
    connector: Connector,
    mappings: BTreeMap<String, Arc<Mapping>>,
    runs: Runs,
}

impl std::fmt::Debug for ImportedSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ImportedSource({})", self.descriptor.id)
    }
}

impl ImportedSource {
    /// Loads one. Fails on what is wrong with the manifest as a whole and on any mistake in the mapping; streams that cannot be read
    /// are left out of the descriptor.
    pub fn new(files: &Files<'_>) -> Result<Self, DocumentError> {
        let connector = Connector::load(files.manifest)?;
        let mappings = load_mapping(files.mapping, &connector)?;
        let form = connector.form().general();
        let defaults = defaults(&form);
        let readable =
            connector.declared().iter().filter(|declared| declared.stream.is_ok() && !declared.name.is_empty());
        let mut streams: Vec<StreamDescriptor> = readable
            .map(|declared| StreamDescriptor {
                name: declared.name.clone(),
                kind: match mappings.get(&declared.name) {
                    Some(mapping) if mapping.is_statistics() => {
                        StreamKind::Statistics { level: mapping.level, lookback: lookback(declared, &defaults) }
                    }
                    Some(mapping) => StreamKind::Dictionary { level: mapping.level },
                    None => StreamKind::Records { incremental: declared.incremental },
                },
                breakdown: mappings.get(&declared.name).and_then(|mapping| mapping.breakdown()).map(str::to_owned),
                on_by_default: true,
                required: false,
            })
            .collect();
        streams.sort_by_key(|stream| match stream.kind {
            StreamKind::Dictionary { .. } => 0,
            StreamKind::Statistics { .. } => 1,
            StreamKind::Records { .. } => 2,
        });
        let lookbacks = streams.iter().filter_map(|stream| match stream.kind {
            StreamKind::Statistics { lookback, .. } => Some(lookback.weekly_days),
            StreamKind::Dictionary { .. } | StreamKind::Records { .. } => None,
        });
        let corrected = lookbacks.max();
        let has_statistics = corrected.is_some();
        let final_after_days = corrected.unwrap_or(LOOKBACK_DAYS);
        let document = connector.document();
        Ok(Self {
            descriptor: Descriptor {
                id: files.id.to_owned(),
                category: "imported".to_owned(),
                capabilities: if has_statistics { vec!["statistics".to_owned()] } else { Vec::new() },
                icon_svg: files.icon.to_owned(),
                docs_url: document.pointer("/spec/documentation_url").and_then(Json::as_str).map(str::to_owned),
                texts: texts(files.name, &form, &streams),
                form,
                streams,
                first_load_days: FIRST_LOAD_DAYS,
                max_history_days: MAX_HISTORY_DAYS,
                final_after_days,
                time_zone: None,
                shared_limits: false,
            },
            connector,
            mappings,
            runs: Runs::default(),
        })
    }

    /// The manifest.
    pub fn connector(&self) -> &Connector {
        &self.connector
    }

    /// What this session has already prepared.
    pub async fn run(&self, session: &Session) -> Result<Run, Failure> {
        self.runs.of(session, self.prepare(session)).await
    }

    async fn prepare(&self, session: &Session) -> Result<Run, Failure> {
        let mut config = Map::from((*session.config).clone());
        config.remove(OWN_SETTINGS);
        let secrets = session.credentials.load().await?;
        let http = session.http.with_secrets(secrets);
        let config = self.connector.veil().config(&Json::Object(config), &http)?;
        Ok(Run::new(config, http, session.cancel.clone()).with_credentials(Arc::clone(&session.credentials)))
    }

    fn stream(&self, name: &str) -> Result<&Arc<Stream>, Failure> {
        let declared = self.connector.declared().iter().find(|declared| declared.name == name);
        let declared = declared.ok_or_else(|| Failure::new(Code::NotFound).with("what", name))?;
        declared.stream.as_ref().map_err(|fault| {
            let remark = crate::report::remark(fault);
            match remark.component {
                Some(component) => Failure::new(Code::StreamUnavailable)
                    .with("stream", name)
                    .with("component", component)
                    .with("path", remark.path),
                None => Failure::new(Code::ManifestInvalid).with("path", remark.path).detail(remark.message),
            }
        })
    }

    async fn read_typed(
        &self,
        session: &Session,
        slice: &Slice,
        mapping: &Arc<Mapping>,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        let stream = self.stream(&slice.stream)?;
        let run = self.run(session).await?;
        let own = session.config.get(OWN_SETTINGS).and_then(General::as_object).cloned().unwrap_or_default();
        let account = row_account(&Session { config: Arc::new(own), ..session.clone() }, slice.window)?;
        let windows = match (slice.window, &stream.cursor) {
            (Some(days), Some(cursor)) => Some(cut(days, cursor, &slice.stream, &run)?),
            _ => None,
        };
        // A stream that cannot be asked for days sends all it has; what lies outside of the window is not wrong.
        let trim = slice.window.filter(|_| windows.is_none());
        let account = mapping::Account { window: account.window.filter(|_| trim.is_none()), ..account };
        let convert: Convert<Batch> = {
            let mapping = Arc::clone(mapping);
            Arc::new(move |records: Vec<Json>| {
                let mut batch = mapping.rows(&records, &account);
                if let Some(days) = trim {
                    batch.stats.retain(|row| days.contains(row.date));
                }
                Some(batch).filter(|batch| !batch.is_empty())
            })
        };
        let mut handover = Handover { sink, stream: &slice.stream, duplicates: Duplicates::default() };
        let job = Job { windows, wanted: Some(mapping.wanted()), ..Job::new(Arc::clone(stream)) };
        let observer = Arc::new(Observer::new(&slice.stream, mapping));
        let run = Run { observer: Some(Arc::clone(&observer)), ..run };
        let read = read::read_streams(&run, vec![job], &convert, &mut handover).await;
        sink.observed(observer.shape());
        read
    }

    async fn read_records(&self, session: &Session, slice: &Slice, sink: &mut dyn Sink) -> Result<(), Failure> {
        self.stream(&slice.stream)?;
        let declared = self.connector.declared().iter().find(|declared| declared.name == slice.stream);
        let declared = declared.ok_or_else(|| Failure::new(Code::NotFound).with("what", &slice.stream))?;
        let run = self.run(session).await?;
        let state = sink.resume_from().cloned().map(Json::from);
        let wanted =
            WantedStream { stream: slice.stream.clone(), full_refresh: !declared.incremental, state, schema: None };
        let mut handing = Handing { sink, key: &declared.primary_key, glances: Glances::default() };
        let read = self.connector.read(&run, vec![wanted], &Limits::default(), &mut handing).await;
        let Handing { sink, glances, .. } = handing;
        sink.observed(glances.shape());
        let summary = read?;
        summary.streams.into_iter().try_for_each(|(_, _, outcome)| outcome)
    }
}

/// What a form's fields are when nobody fills them in.
fn defaults(form: &General) -> Json {
    let fields = form.get("properties").and_then(General::as_object).into_iter().flatten();
    let given = fields.filter_map(|(name, field)| Some((name.clone(), field.get("default")?.clone())));
    Json::from(General::Object(given.collect()))
}

/// How far back a manifest reads a stream again by itself; the format knows one lookback for every sync, so that the long one of a week
/// is ours. Where it says nothing, or leaves it to an answer of the form that has no default, ours are both.
fn lookback(declared: &Declared, defaults: &Json) -> Lookback {
    let scope = Scope::new(DateTime::UNIX_EPOCH).with("config", Value::from_json(defaults));
    let cursor = declared.stream.as_ref().ok().and_then(|stream| stream.cursor.as_ref());
    let days = cursor.and_then(|cursor| windows::lookback_days(cursor, &scope)).unwrap_or(LOOKBACK_DAYS);
    Lookback { days, weekly_days: LOOKBACK_DAYS }.within(MAX_HISTORY_DAYS)
}

/// The windows of some days, cut as the manifest's cursor says.
fn cut(days: DateRange, cursor: &Cursor, stream: &str, run: &Run) -> Result<Vec<Window>, Failure> {
    let scope = Scope::new(run.now).with("config", Value::from_json(&run.config));
    let whole = Window { start: midnight(days.from()), end: end_of(days.to(), cursor.granularity.as_ref(), &scope) };
    let plan = Plan::between(cursor, &scope, whole.start, whole.end).map_err(|error| {
        Failure::new(Code::ManifestInvalid).with("path", format!("streams/{stream}/incremental_sync")).detail(error)
    })?;
    let windows = Progress::new(&plan, None, "").map(|progress| progress.windows(&plan)).unwrap_or_default();
    // A range of one day without a step is no window in the format's terms; for us it is a day to read.
    if windows.is_empty() {
        return Ok(vec![whole]);
    }
    Ok(windows.into_iter().map(|window| Window { start: window.start, end: window.end }).collect())
}

/// Reads the mapping of a manifest. Every stream it names has to be there.
pub fn load_mapping(text: &str, connector: &Connector) -> Result<BTreeMap<String, Arc<Mapping>>, DocumentError> {
    if text.trim().is_empty() {
        return Ok(BTreeMap::new());
    }
    let mappings = mapping::load(text)?;
    if let Some(stray) = mappings.keys().find(|name| !connector.declared().iter().any(|it| it.name == **name)) {
        return Err(DocumentError::new(
            format!("mapping.yaml/streams/{stray}"),
            "the manifest has no stream of this name",
        ));
    }
    Ok(mappings.into_iter().map(|(name, mapping)| (name, Arc::new(mapping))).collect())
}

/// Names of a form's secret fields, the whole depth of its choices; nested ones with points.
pub fn secret_fields(form: &General) -> Vec<String> {
    fn collect(schema: &General, prefix: &str, found: &mut Vec<String>) {
        for (name, field) in schema.get("properties").and_then(General::as_object).into_iter().flatten() {
            let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            if field.get("airbyte_secret").and_then(General::as_bool) == Some(true) {
                if !found.contains(&name) {
                    found.push(name);
                }
            } else {
                collect(field, &name, found);
            }
        }
        for choice in ["oneOf", "anyOf", "allOf"] {
            for branch in schema.get(choice).and_then(General::as_array).into_iter().flatten() {
                collect(branch, prefix, found);
            }
        }
    }
    let mut found = Vec::new();
    collect(form, "", &mut found);
    found
}

/// Titles and descriptions of the form are their own keys, so that the screens show them as they are, without the markup that some
/// authors put into them.
fn texts(name: &str, form: &General, streams: &[StreamDescriptor]) -> BTreeMap<String, BTreeMap<String, String>> {
    fn collect(node: &General, found: &mut BTreeMap<String, String>) {
        match node {
            General::Object(map) => {
                for (key, value) in map {
                    match value {
                        General::String(text) if key == "title" || key == "description" => {
                            found.insert(text.clone(), without_markup(text));
                        }
                        other => collect(other, found),
                    }
                }
            }
            General::Array(items) => items.iter().for_each(|item| collect(item, found)),
            _ => {}
        }
    }
    let mut all = BTreeMap::new();
    collect(form, &mut all);
    all.insert("name".to_owned(), name.to_owned());
    all.insert("summary".to_owned(), String::new());
    for stream in streams {
        all.insert(format!("stream.{}", stream.name), stream.name.clone());
    }
    ["ru", "en"].into_iter().map(|language| (language.to_owned(), all.clone())).collect()
}

fn without_markup(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let after = rest[at + 1..].chars().next();
        let tag = after.is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '/');
        plain.push_str(&rest[..at]);
        if let Some(end) = rest[at..].find('>').filter(|_| tag) {
            rest = &rest[at + end + 1..];
        } else {
            plain.push('<');
            rest = &rest[at + 1..];
        }
    }
    plain.push_str(rest);
    plain
}

/// What tells one configuration from another without a secret: the required answers that a person typed, less dates.
fn identity(form: &General, config: &serde_json::Map<String, General>) -> String {
    let required = form.get("required").and_then(General::as_array).into_iter().flatten().filter_map(General::as_str);
    let told = required.filter_map(|name| {
        let field = form.pointer("/properties")?.get(name)?;
        let secret = field.get("airbyte_secret").and_then(General::as_bool) == Some(true);
        let date = field.get("format").and_then(General::as_str).is_some_and(|format| format.starts_with("date"));
        let value = config.get(name)?.as_str()?.trim();
        let day = value.get(..10).is_some_and(|day| day.parse::<NaiveDate>().is_ok());
        (!secret && !date && !day && !value.is_empty()).then(|| value.to_owned())
    });
    told.collect::<Vec<_>>().join(" · ").chars().take(120).collect()
}

/// The values of a record's key as JSON text; `None` when it has none of them.
fn key_of(record: &Json, paths: &[Vec<String>]) -> Option<String> {
    let values: Vec<&Json> = paths
        .iter()
        .map(|path| path.iter().try_fold(record, |value, name| value.get(name)).unwrap_or(&Json::Null))
        .collect();
    let known = values.iter().any(|value| !value.is_null());
    known.then(|| serde_json::to_string(&values).ok()).flatten()
}

/// Hands records and states over to a sink.
pub(crate) struct Handing<'s> {
    pub(crate) sink: &'s mut dyn Sink,
    pub(crate) key: &'s [Vec<String>],
    pub(crate) glances: Glances,
}

#[async_trait]
impl Outlet for Handing<'_> {
    async fn event(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Records { records, .. } => {
                self.glances.records(&records);
                for chunk in records.chunks(BATCH_RECORDS) {
                    let records = chunk
                        .iter()
                        .map(|record| GenericRecord { key: key_of(record, self.key), data: record.to_string() });
                    self.sink.batch(Batch { records: records.collect(), ..Batch::default() }).await?;
                }
                Ok(())
            }
            Event::State { state, .. } => self.sink.cursor(state.general()).await,
            Event::Started { .. } | Event::Slice { .. } | Event::Ended { .. } => Ok(()),
        }
    }
}

#[async_trait]
impl Source for ImportedSource {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    async fn accounts(
        &self,
        session: &Session,
        tell: &(dyn Fn(CheckEvent) + Send + Sync),
    ) -> Result<Vec<Account>, Failure> {
        tell(CheckEvent::Started { step: "sign_in" });
        let run = self.run(session).await?;
        self.connector.check(&run).await?;
        let identity = identity(&self.descriptor.form, &session.config);
        let name = self.descriptor.texts.get("en").and_then(|texts| texts.get("name")).cloned().unwrap_or_default();
        let name = if identity.is_empty() { name } else { format!("{name} · {identity}") };
        tell(CheckEvent::Done { step: "sign_in", params: BTreeMap::from([("name", name.clone())]) });
        tell(CheckEvent::Started { step: "accounts" });
        tell(CheckEvent::Done { step: "accounts", params: BTreeMap::from([("count", "1".to_owned())]) });
        let external_id = if identity.is_empty() { "main".to_owned() } else { identity };
        Ok(vec![Account { external_id, name, currency: None, config: serde_json::Map::new() }])
    }

    async fn sample(&self, _session: &Session, _today: NaiveDate) -> Result<AccountSample, Failure> {
        // What its records mean is known to the mapping at most; the check was the evidence.
        Ok(AccountSample::default())
    }

    fn slices(&self, stream: &str, range: DateRange) -> Result<Vec<Slice>, Failure> {
        let whole = |window| vec![Slice { stream: stream.to_owned(), window }];
        let found = self.stream(stream)?;
        if !self.mappings.get(stream).is_some_and(|mapping| mapping.is_statistics()) {
            return Ok(whole(None));
        }
        if found.cursor.is_none() {
            return Ok(whole(Some(range)));
        }
        // The manifest's own step, which may depend on the configuration, cuts each of these further when they are read.
        let windows = range.windows(SLICE_DAYS).into_iter();
        Ok(windows.map(|window| Slice { stream: stream.to_owned(), window: Some(window) }).collect())
    }

    async fn read(&self, session: &Session, slice: &Slice, sink: &mut dyn Sink) -> Result<(), Failure> {
        let reading = async {
            match self.mappings.get(&slice.stream) {
                Some(mapping) => self.read_typed(session, slice, mapping, sink).await,
                None => self.read_records(session, slice, sink).await,
            }
        };
        tokio::select! {
            biased;
            () = session.cancel.cancelled() => Err(Failure::new(Code::Cancelled)),
            read = reading => read,
        }
    }
}
