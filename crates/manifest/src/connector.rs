//! A connector of any author: a manifest loaded as a whole, its streams as the format describes them, and the three things one
//! does with it: check, discover, read (connector-format.md, sections 3, 9, 10, 13 and 18).
//!
//! Our own connectors turn records into typed rows and are driven window by window (`source.rs`). Here records leave as they
//! are and the state is the format's own, so that an imported manifest continues where another runtime stopped. What a stream
//! needs and this version does not run makes that stream unavailable by name; the others are read.

use crate::{
    auth::Veil,
    components::{self, Check, DynamicStream, Fault, Group, Spec, Stream, Traffic},
    document::{self, DocumentError},
    dynamic::{self, Ways},
    inventory::look,
    read::{Convert, Flow, Job, Run, Taker, read_streams},
};
use crate::{
    json,
    json::{Json, Map},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::failure::{Code, Failure};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// A loaded manifest.
#[derive(Debug)]
pub struct Connector {
    document: Json,
    spec: Result<Spec, Fault>,
    declared: Vec<Declared>,
    templates: Vec<Result<DynamicStream, Fault>>,
    veil: Veil,
    traffic: Traffic,
    /// Streams by the group within which they are not read at the same time.
    groups: HashMap<String, String>,
    check: Result<Check, Fault>,
}

/// A stream as people and catalogues see it.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// Paths of the fields that tell records apart; empty when there are none.
    pub primary_key: Vec<Vec<String>>,
    /// The record's field that a state counts by.
    pub cursor_field: Option<String>,
    /// Whether it can continue from a state.
    pub incremental: bool,
    /// JSON Schema of its records; an empty map when the manifest has none.
    pub schema: Json,
    /// How it is read, or why this version cannot.
    pub stream: Result<Arc<Stream>, Fault>,
    /// Parts that are left out without making the records wrong, for the fidelity report.
    pub notes: Vec<Note>,
    /// How it depends on the connection.
    pub(crate) ways: Ways,
}

/// A part of a stream that is left out, or that a person should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its type, class name or field; `secret x` for a secret that a template computes with, so that it is held in the clear.
    pub component: String,
    /// Where it stands in the document.
    pub path: String,
}

impl Note {
    fn of(fault: &Fault) -> Self {
        match fault {
            Fault::Unsupported { component, path } => Self { component: component.clone(), path: path.clone() },
            Fault::Invalid(error) => Self { component: error.message.clone(), path: error.path.clone() },
        }
    }
}

/// A stream somebody wants.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Its name.
    pub stream: String,
    /// Where to continue, as the format writes it; `None` = from the beginning.
    pub state: Option<Json>,
    /// Whether everything is read again even if there is a state.
    pub full_refresh: bool,
    /// The catalogue's schema, whose properties are the fields somebody chose; `None` = all.
    pub schema: Option<Json>,
}

/// Bounds of a test read; the default is no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Records per stream.
    pub records: Option<u64>,
    /// Pages per slice.
    pub pages_per_slice: Option<u32>,
    /// Slices per stream.
    pub slices: Option<u32>,
}

impl Limits {
    /// Whether there is any, that is: whether somebody only tries the connector.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// What happens during a read.
#[derive(Debug, Clone)]
pub enum Event {
    /// A stream begins.
    Started {
        /// Which.
        stream: String,
    },
    /// A slice of it begins.
    Slice {
        /// Of which.
        stream: String,
        /// Its keys.
        slice: Json,
    },
    /// Records of one page.
    Records {
        /// Of which stream.
        stream: String,
        /// They.
        records: Vec<Json>,
    },
    /// Where a later read can continue. The records it stands for were handed over before.
    State {
        /// Of which stream.
        stream: String,
        /// It, as the format writes it.
        state: Json,
    },
    /// A stream is over.
    Ended {
        /// Which.
        stream: String,
        /// Complete, or why not. What came before a failure is right and stays.
        outcome: Result<(), Failure>,
    },
}

/// Takes what is read. An event counts as durable when this has returned; a failure ends the whole read.
#[async_trait]
pub trait Outlet: Send {
    /// Takes one event.
    async fn event(&mut self, event: Event) -> Result<(), Failure>;
}

/// How a read ended.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Each stream with its number of records and its end, in the order they ended.
    pub streams: Vec<(String, u64, Result<(), Failure>)>,
}

/// The form a document has; an empty map for none.
fn form_of(document: &Json) -> &Json {
    static NONE: Json = Json::Object(Map::new());
    document.pointer("/spec/connection_specification").filter(|form| form.is_object()).unwrap_or(&NONE)
}

impl Connector {
    /// Loads a manifest. Fails on what is wrong with the document as a whole; a broken or unsupported stream is listed with
    /// its fault.
    pub fn load(text: &str) -> Result<Self, DocumentError> {
        let document = document::load(text)?;
        let spec = match components::spec(&document) {
            Err(Fault::Invalid(error)) => return Err(error),
            other => other,
        };
        let listed = look(&document, "streams").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let each = listed.iter().enumerate();
        let veil = Veil::of(&document, form_of(&document));
        let declared = each.flat_map(|(at, stream)| {
            let path = format!("streams/{at}");
            let mut all = Declared::all(stream, &path);
            let below = |found: &str| found.strip_prefix(&path).is_some_and(|rest| rest.starts_with('/'));
            for computed in veil.computed().iter().filter(|computed| below(&computed.path)) {
                let note = Note { component: format!("secret {}", computed.field), path: computed.path.clone() };
                for declared in &mut all {
                    declared.notes.push(note.clone());
                }
            }
            all
        });
        let mut declared: Vec<_> = declared.collect();
        let templates = look(&document, "dynamic_streams").and_then(Json::as_array).into_iter().flatten().enumerate();
        let templates = templates.map(|(at, it)| components::dynamic_stream(it, &format!("dynamic_streams/{at}")));
        let templates = templates.collect();
        // Without its pace a stream reads the same records, only faster or slower.
        let (traffic, faults) = components::traffic(&document);
        let notes: Vec<Note> = faults.iter().map(Note::of).collect();
        for one in &mut declared {
            one.notes.extend(notes.iter().cloned());
        }
        // What others read for their partitions is asked for once, also when it is a stream of its own.
        let built = declared.iter().filter_map(|declared| declared.stream.as_deref().ok());
        let parents: HashSet<String> = built.flat_map(Stream::ancestors).collect();
        for declared in declared.iter_mut().filter(|declared| parents.contains(&declared.name)) {
            if let Ok(stream) = &mut declared.stream {
                Arc::make_mut(stream).is_parent = true;
            }
        }
        let groups = match components::groups(&document) {
            Ok(groups) => groups.into_iter().flat_map(Group::members).collect(),
            Err(Fault::Invalid(error)) => return Err(error),
            // Without a rule of its own a group says nothing.
            Err(Fault::Unsupported { .. }) => HashMap::new(),
        };
        for declared in &declared {
            let Some((group, stream)) = groups.get(&declared.name).zip(declared.stream.as_deref().ok()) else {
                continue;
            };
            if let Some(parent) = stream.ancestors().into_iter().find(|parent| groups.get(parent) == Some(group)) {
                let path = format!("stream_groups/{group}");
                let message =
                    format!("{} and its parent {parent} would wait for each other; take one out", declared.name);
                return Err(DocumentError::new(path, message));
            }
        }
        Ok(Self { check: components::check(&document), document, spec, declared, templates, veil, traffic, groups })
    }
    /// How its templates treat the secrets of its form: what a run's configuration has to look like.
    pub fn veil(&self) -> &Veil {
        &self.veil
    }
    /// The plain document: references resolved, types and parameters filled in.
    pub fn document(&self) -> &Json {
        &self.document
    }
    /// The form of the connection, a JSON Schema; an empty map when the manifest has none.
    pub fn form(&self) -> &Json {
        form_of(&self.document)
    }
    /// The form with what belongs to it: how to sign in, and the rules for settings. A rule that this version does not run is
    /// a fault of all streams, because all of them see the settings.
    pub fn spec(&self) -> Result<&Spec, &Fault> {
        self.spec.as_ref()
    }
    /// The settings in the newest shape the manifest knows, if that is another than they have. Whoever keeps settings keeps
    /// these; a run brings them up to date by itself.
    pub fn migrated(&self, config: &Json, now: DateTime<Utc>) -> Result<Option<Json>, Failure> {
        self.rules()?.migrated(config, now)
    }
    fn rules(&self) -> Result<&Spec, Failure> {
        self.spec.as_ref().map_err(|fault| Failure::new(Code::ManifestInvalid).with("path", "spec").detail(fault))
    }
    /// A run with settings as templates see them.
    fn ready(&self, run: &Run) -> Result<Run, Failure> {
        let rules = self.rules()?;
        if rules.is_plain() {
            return Ok(run.clone());
        }
        let config = rules.configured(&run.config, run.now)?;
        rules.validate(&config, run.now)?;
        Ok(Run { config: Arc::new(config), ..run.clone() })
    }
    /// The streams the document lists, in its order.
    pub fn declared(&self) -> &[Declared] {
        &self.declared
    }
    /// Names of the streams a check reads; those that the platform generates are found out by [`Connector::discover`].
    pub fn check_names(&self) -> Vec<String> {
        self.check.as_ref().map(|check| check.names.clone()).unwrap_or_default()
    }
    /// The templates that become streams of a connection; what they become, only [`Connector::discover`] knows.
    pub fn templates(&self) -> &[Result<DynamicStream, Fault>] {
        &self.templates
    }
    /// All streams that this configuration has: those of the document whose conditions hold, then those that templates become.
    pub async fn discover(&self, run: &Run) -> Result<Vec<Declared>, Failure> {
        let run = self.ready(run)?.governed(&self.traffic, HashMap::new(), false)?;
        dynamic::discover(&run, &self.declared, &self.templates, None).await
    }
    /// Whether the platform can be read: each stream of the manifest's check gives its first record, or ends without any.
    pub async fn check(&self, run: &Run) -> Result<(), Failure> {
        let mut run = self.ready(run)?;
        let check = self.check.as_ref();
        let check = check.map_err(|fault| Failure::new(Code::ManifestInvalid).with("path", "check").detail(fault))?;
        if !check.overrides.is_empty() {
            let mut config = Json::clone(&run.config);
            if let Some(config) = config.as_object_mut() {
                config.extend(check.overrides.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            run.config = Arc::new(config);
        }
        let mut names = check.names.clone();
        let asked = check.first.is_some() || !check.generated.is_empty();
        let templates = if asked { self.templates.as_slice() } else { &[] };
        let streams = dynamic::discover(&run, &self.declared, templates, Some(&names)).await?;
        if !check.reads {
            return Ok(());
        }
        if let Some(first) = check.first {
            names = streams.iter().take(first).map(|it| it.name.clone()).collect();
            if names.is_empty() {
                return Err(Failure::new(Code::NotFound).with("what", "streams"));
            }
        }
        for (template, first) in &check.generated {
            let of = streams.iter().filter(|it| it.ways.template.as_deref() == Some(template));
            let before = names.len();
            names.extend(of.take(first.unwrap_or(usize::MAX)).map(|it| it.name.clone()));
            if names.len() == before {
                return Err(Failure::new(Code::NotFound).with("what", template));
            }
        }
        let limits = Limits { records: Some(1), slices: Some(1), ..Limits::default() };
        for name in names {
            let wanted = vec![Wanted { stream: name, ..Wanted::default() }];
            let summary = self.read_of(&run, &streams, wanted, &limits, &mut Nowhere).await?;
            for (.., outcome) in summary.streams {
                outcome?;
            }
        }
        Ok(())
    }

    /// Reads streams. A stream that fails does not end the others; the summary says how each ended.
    pub async fn read(
        &self,
        run: &Run,
        wanted: Vec<Wanted>,
        limits: &Limits,
        outlet: &mut dyn Outlet,
    ) -> Result<Summary, Failure> {
        let chosen = wanted.iter().filter_map(|wanted| Some((wanted.stream.clone(), wanted.schema.clone()?)));
        let run =
            &Run { limits: *limits, ..self.ready(run)? }.governed(&self.traffic, chosen.collect(), limits.any())?;
        let names: Vec<String> = wanted.iter().map(|wanted| wanted.stream.clone()).collect();
        // Templates are asked for only when the document itself does not have what is wanted.
        let templates = if names.iter().all(|name| self.declared.iter().any(|it| it.name == *name)) {
            &[]
        } else {
            self.templates.as_slice()
        };
        let all = dynamic::discover(run, &self.declared, templates, Some(&names)).await?;
        self.read_of(run, &all, wanted, limits, outlet).await
    }

    async fn read_of(
        &self,
        run: &Run,
        all: &[Declared],
        wanted: Vec<Wanted>,
        limits: &Limits,
        outlet: &mut dyn Outlet,
    ) -> Result<Summary, Failure> {
        let mut summary = Summary::default();
        let mut jobs = Vec::new();
        for wanted in wanted {
            let found = all.iter().find(|declared| declared.name == wanted.stream);
            let stream = match found {
                None => Err(Failure::new(Code::NotFound).with("what", &wanted.stream)),
                Some(declared) => declared.delegated(run, wanted.state.filter(|_| !wanted.full_refresh)),
            };
            match stream {
                Ok((stream, state)) => {
                    let own = self.groups.get(&stream.name);
                    let parents = stream.ancestors();
                    let groups = own.into_iter().chain(parents.iter().filter_map(|parent| self.groups.get(parent)));
                    let groups = groups.cloned().collect();
                    jobs.push(Job { state, groups, limits: *limits, ..Job::new(stream) });
                }
                Err(failure) => {
                    let stream = wanted.stream;
                    outlet.event(Event::Started { stream: stream.clone() }).await?;
                    outlet.event(Event::Ended { stream: stream.clone(), outcome: Err(failure.clone()) }).await?;
                    summary.streams.push((stream, 0, Err(failure)));
                }
            }
        }
        let names = jobs.iter().map(|job| (job.stream.name.clone(), 0)).collect();
        let mut telling = Telling { outlet, names, summary };
        let convert: Convert<Vec<Json>> = Arc::new(|records| Some(records).filter(|records| !records.is_empty()));
        let reading = read_streams(run, jobs, &convert, &mut telling);
        tokio::select! {
            biased;
            () = run.cancel.cancelled() => return Err(Failure::new(Code::Cancelled)),
            read = reading => read?,
        }
        Ok(telling.summary)
    }
}

/// Tells the outlet what happens, under the names of streams.
pub(crate) struct Telling<'o> {
    outlet: &'o mut dyn Outlet,
    /// Names by the number of the job, with records so far.
    names: Vec<(String, u64)>,
    summary: Summary,
}

impl<'o> Telling<'o> {
    /// Of one stream.
    pub(crate) fn of(outlet: &'o mut dyn Outlet, stream: &str) -> Self {
        Self { outlet, names: vec![(stream.to_owned(), 0)], summary: Summary::default() }
    }

    /// How it ended.
    pub(crate) fn outcome(self) -> Result<(), Failure> {
        self.summary.streams.into_iter().try_for_each(|(_, _, outcome)| outcome)
    }
}

#[async_trait]
impl Taker<Vec<Json>> for Telling<'_> {
    async fn take(&mut self, job: usize, flow: Flow<Vec<Json>>) -> Result<(), Failure> {
        let Some((name, count)) = self.names.get_mut(job) else { return Ok(()) };
        let stream = name.clone();
        let event = match flow {
            Flow::Started => Event::Started { stream },
            Flow::Slice(slice) => Event::Slice { stream, slice },
            Flow::Page(records) => {
                *count += records.len() as u64;
                Event::Records { stream, records }
            }
            Flow::State(state) => Event::State { stream, state },
            Flow::Ended(outcome) => {
                self.summary.streams.push((stream.clone(), *count, outcome.clone()));
                Event::Ended { stream, outcome }
            }
        };
        self.outlet.event(event).await
    }
}

/// Takes nothing: for a check.
struct Nowhere;

#[async_trait]
impl Outlet for Nowhere {
    async fn event(&mut self, _: Event) -> Result<(), Failure> {
        Ok(())
    }
}

impl Declared {
    /// Reads what the document says about a stream. `path` is where it stands.
    pub fn new(stream: &Json, path: &str) -> Self {
        let name = stream.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
        let cursor_field = stream.pointer("/incremental_sync/cursor_field").and_then(Json::as_str);
        let mut notes = Vec::new();
        let without = soft_parts(stream, path, &mut notes).then(|| {
            let mut without = stream.clone();
            leave_out(&mut without);
            without
        });
        let stream = without.as_ref().unwrap_or(stream);
        let built = components::stream(stream, path);
        let schema = components::schema(look(stream, "schema_loader"), &format!("{path}/schema_loader"), &mut notes);
        let (schema, dynamic, built) = match schema {
            Ok((schema, dynamic)) => (schema, dynamic, built),
            Err(fault) => (json!({}), Vec::new(), built.and(Err(fault))),
        };
        Self {
            name,
            primary_key: components::primary_key(look(stream, "primary_key")),
            cursor_field: cursor_field.map(str::to_owned),
            incremental: stream.get("incremental_sync").is_some_and(|cursor| !cursor.is_null()),
            schema,
            stream: built.map(Arc::new),
            notes,
            ways: Ways { schemas: dynamic.into_iter().map(Arc::new).collect(), ..Ways::default() },
        }
    }
}

/// Custom classes that may be left out: without them states of older forms are not understood, types are inferred, and the
/// usual rules for errors and waits hold (connector-format.md, section 14).
const SOFT: [&str; 5] = [
    "CustomStateMigration",
    "CustomSchemaNormalization",
    "CustomValidationStrategy",
    "CustomErrorHandler",
    "CustomBackoffStrategy",
];

fn is_soft(value: &Json) -> bool {
    value.get("type").and_then(Json::as_str).is_some_and(|kind| SOFT.contains(&kind))
}

/// Notes the parts that may be left out, in a stream and its parents. Whether there are any.
fn soft_parts(value: &Json, path: &str, notes: &mut Vec<Note>) -> bool {
    let before = notes.len();
    let mut look = |at: &str, value: &Json| {
        let path = format!("{path}/{at}");
        if is_soft(value) {
            let class = value.get("class_name").or_else(|| value.get("type")).and_then(Json::as_str);
            notes.push(Note { component: class.unwrap_or_default().to_owned(), path });
        } else {
            soft_parts(value, &path, notes);
        }
    };
    match value {
        // A schema is large and holds no components.
        Json::Object(map) => {
            map.iter().filter(|(key, _)| *key != "schema_loader").for_each(|(key, value)| look(key, value));
        }
        Json::Array(items) => items.iter().enumerate().for_each(|(at, value)| look(&at.to_string(), value)),
        _ => {}
    }
    notes.len() > before
}

fn leave_out(value: &mut Json) {
    match value {
        Json::Object(map) => {
            map.retain(|_, value| !is_soft(value));
            map.values_mut().for_each(leave_out);
        }
        Json::Array(items) => {
            items.retain(|value| !is_soft(value));
            items.iter_mut().for_each(leave_out);
        }
        _ => {}
    }
}
