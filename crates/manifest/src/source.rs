//! A declarative connector as a [`Source`]: manifest, mapping, texts and icon go in, accounts, slices and typed rows come out. A stream
//! without a place among our tables has no mapping, and its records are kept as they come.
//!
//! What a manifest cannot say (how this vendor signs in, what its error codes mean) comes from a [`Native`] part written in Rust. A session is one run: what is read once per run (ids of parents, the sign-in) is kept
//! for as long as the session's configuration is alive, and forgotten with it.

use crate::json::{Json, Map};
use crate::{
    accounts::{self, Look, Step},
    auth::{SignIns, secrets_of},
    components::{self, Fault, Router, Stream, Text, Traffic},
    connector::Telling,
    datetime,
    document::{self, DocumentError},
    imported::Handing,
    mapping::{self, Account as RowAccount, Duplicates, Mapping},
    observe::{Glances, Observer},
    read::{self, Convert, Flow, Job, Run, Taker, Window},
    runs::Runs,
    template::{Scope, Value},
    windows::{Plan, Progress},
};
use async_trait::async_trait;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use kit::{
    http::Http,
    policy::Policy,
    session::Session,
    source::{Account, AccountSample, CheckEvent, Descriptor, Sink, Slice, Source, StreamDescriptor, StreamKind},
};
use model::{
    ad::Batch,
    date::DateRange,
    failure::{Code, Failure},
    money::{Currency, VatState},
    reconcile::DayTotal,
    settings::Lookback,
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Rows handed to the sink at a time.
const BATCH_ROWS: usize = 2_000;

/// The capability of a platform that says what was spent.
const COSTS: &str = "costs";

/// The part of a connector that is written in Rust.
pub trait Native: Send + Sync {
    /// The session's HTTP with the vendor's sign-in. `None`: the manifest's authenticators sign. Templates see placeholders of the form's
    /// secrets either way; with a sign-in of its own they reach only the hosts that it names.
    fn signed_in(&self, session: &Session) -> Result<Option<Http>, Failure>;
    /// What the vendor's answers mean, where no filter of the manifest's error handlers says it.
    fn policy(&self) -> Option<Arc<dyn Policy>>;
    /// How records of a stream, or of a look, are taken apart before they are mapped: for a vendor that nests its rows deeper than the
    /// format reaches.
    fn taken_apart(&self, _stream: &str) -> Option<fn(Vec<Json>) -> Vec<Json>> {
        None
    }
}

/// The files of a connector's folder.
pub struct Files<'a> {
    /// `manifest.yaml`.
    pub manifest: &'a str,
    /// `mapping.yaml`.
    pub mapping: &'a str,
    /// `texts.<language>.json` by language.
    pub texts: &'a [(&'a str, &'a str)],
    /// `icon.svg`.
    pub icon: &'a str,
}

/// `metadata.syncdeck` of a manifest: what the format has no word for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extras {
    id: String,
    category: String,
    capabilities: Vec<String>,
    /// How far back streams with days are read again that do not say it themselves: every time, and once a week until they are final.
    lookback_days: u32,
    first_load_days: u32,
    max_history_days: u32,
    final_after_days: u32,
    time_zone: Option<String>,
    /// Whether limits are those of a user or an application and not of an account.
    #[serde(default)]
    shared_limits: bool,
    /// Whether sums contain VAT while nobody has declared it: the requests say so, or the platform.
    #[serde(default)]
    vat: VatState,
    /// The streams people see, in the order they are read.
    streams: Vec<StreamExtras>,
    /// How accounts are found; see [`crate::accounts`].
    looks: Vec<LookExtras>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct LookExtras {
    step: Step,
    stream: serde_json::Value,
    total: Option<String>,
    #[serde(default)]
    budget: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct StreamExtras {
    name: String,
    #[serde(default)]
    on_by_default: bool,
    #[serde(default)]
    required: bool,
    /// Its records are kept as they come; then it has no mapping.
    #[serde(default)]
    records: bool,
    /// How far back it is read again.
    lookback: Option<Lookback>,
    /// Path to the platform's own number of records in a page.
    total: Option<String>,
    /// The part of the platform whose limits count apart.
    #[serde(default)]
    budget: String,
}

impl LookExtras {
    /// What is to be known about its stream, as for streams that people see.
    fn marks(&self) -> StreamExtras {
        let name = self.stream.get("name").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let (total, budget) = (self.total.clone(), self.budget.clone());
        StreamExtras { name, on_by_default: false, required: false, records: false, lookback: None, total, budget }
    }
}

struct Mapped {
    stream: Result<Arc<Stream>, Fault>,
    becomes: Becomes,
}

/// What becomes of a stream's records.
enum Becomes {
    /// Rows of our tables.
    Rows(Arc<Mapping>),
    /// They are kept as they come.
    Records {
        /// Paths of the fields that tell them apart.
        key: Vec<Vec<String>>,
        /// Whether a read goes on where the last one stopped.
        incremental: bool,
    },
}

/// A declarative connector.
pub struct ManifestSource {
    descriptor: Descriptor,
    manifest: String,
    streams: BTreeMap<String, Mapped>,
    looks: Vec<Look>,
    /// Names of the form's secret fields.
    secret_fields: Vec<String>,
    /// The pace that the document asks for.
    traffic: Traffic,
    vat: VatState,
    native: Arc<dyn Native>,
    runs: Runs,
}

impl std::fmt::Debug for ManifestSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ManifestSource({})", self.descriptor.id)
    }
}

impl ManifestSource {
    /// Loads a connector. Fails on what is wrong in its files; a stream that needs an unsupported component is loaded and
    /// says so when it is read.
    pub fn new(files: &Files<'_>, native: Arc<dyn Native>) -> Result<Self, DocumentError> {
        let plain = document::load(files.manifest)?;
        let extras: Extras = plain
            .pointer("/metadata/syncdeck")
            .cloned()
            .ok_or_else(|| DocumentError::new("metadata/syncdeck", "missing"))
            .and_then(|extras| {
                serde_json::from_value(extras.into())
                    .map_err(|error| DocumentError::new("metadata/syncdeck", error.to_string()))
            })?;
        let mut mappings = mapping::load(files.mapping)?;
        let mut streams = BTreeMap::new();
        let mut described = Vec::new();
        let listed = plain.get("streams").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        for extra in &extras.streams {
            let at = listed.iter().position(|stream| stream.get("name").is_some_and(|name| *name == extra.name));
            let path = format!("metadata/syncdeck/streams/{}", extra.name);
            let index = at.ok_or_else(|| DocumentError::new(&path, "there is no stream of this name"))?;
            let becomes = match mappings.remove(&extra.name) {
                Some(mapping) if !extra.records => Becomes::Rows(Arc::new(mapping)),
                None if extra.records => Becomes::Records {
                    key: components::primary_key(listed[index].get("primary_key")),
                    incremental: listed[index].get("incremental_sync").is_some_and(|cursor| !cursor.is_null()),
                },
                found => {
                    let wrong = if found.is_some() { "is kept as records and has a mapping" } else { "has no mapping" };
                    return Err(DocumentError::new("mapping.yaml", format!("the stream {} {wrong}", extra.name)));
                }
            };
            let kind = match &becomes {
                Becomes::Rows(mapping) if mapping.is_statistics() => {
                    let lookback = extra
                        .lookback
                        .unwrap_or(Lookback { days: extras.lookback_days, weekly_days: extras.final_after_days });
                    StreamKind::Statistics { level: mapping.level, lookback: lookback.within(extras.max_history_days) }
                }
                Becomes::Rows(mapping) => StreamKind::Dictionary { level: mapping.level },
                Becomes::Records { incremental, .. } => StreamKind::Records { incremental: *incremental },
            };
            let stream = match components::stream(&listed[index], &format!("streams/{index}")) {
                Err(Fault::Invalid(error)) => return Err(error),
                Err(unsupported) => Err(unsupported),
                Ok(mut stream) => {
                    mark(&mut stream, &extras.streams);
                    Ok(Arc::new(stream))
                }
            };
            described.push(StreamDescriptor {
                name: extra.name.clone(),
                kind,
                breakdown: match &becomes {
                    Becomes::Rows(mapping) => mapping.breakdown().map(str::to_owned),
                    Becomes::Records { .. } => None,
                },
                on_by_default: extra.on_by_default,
                required: extra.required,
            });
            streams.insert(extra.name.clone(), Mapped { stream, becomes });
        }
        if let Some(unused) = mappings.keys().next() {
            return Err(DocumentError::new(
                "mapping.yaml",
                format!("the stream {unused} is not listed under metadata.syncdeck.streams"),
            ));
        }
        let marks: Vec<StreamExtras> = extras.looks.iter().map(LookExtras::marks).collect();
        let looks = extras.looks.iter().enumerate().map(|(at, look)| {
            let path = format!("metadata/syncdeck/looks/{at}/stream");
            Look::new(look.step, Json::from(look.stream.clone()), &path, |stream| {
                mark(stream, &marks);
                native.taken_apart(&stream.name)
            })
        });
        let looks = looks.collect::<Result<_, _>>()?;
        let form = plain.pointer("/spec/connection_specification").cloned().unwrap_or_else(|| Json::Object(Map::new()));
        let mut texts = BTreeMap::new();
        for (language, text) in files.texts {
            let parsed = serde_json::from_str(text)
                .map_err(|error| DocumentError::new(format!("texts.{language}.json"), error.to_string()))?;
            texts.insert((*language).to_owned(), parsed);
        }
        let mut secret_fields = Vec::new();
        secrets_of(&form, "", &mut secret_fields);
        let (traffic, faults) = components::traffic(&plain);
        match faults.into_iter().next() {
            None => {}
            Some(Fault::Invalid(error)) => return Err(error),
            Some(Fault::Unsupported { component, path }) => {
                return Err(DocumentError::new(path, format!("{component} is not supported")));
            }
        }
        Ok(Self {
            descriptor: Descriptor {
                id: extras.id,
                category: extras.category,
                capabilities: extras.capabilities,
                icon_svg: files.icon.to_owned(),
                docs_url: plain.pointer("/spec/documentation_url").and_then(Json::as_str).map(str::to_owned),
                form: form.into(),
                texts,
                streams: described,
                first_load_days: extras.first_load_days,
                max_history_days: extras.max_history_days,
                final_after_days: extras.final_after_days,
                time_zone: extras.time_zone,
                shared_limits: extras.shared_limits,
            },
            manifest: files.manifest.to_owned(),
            streams,
            looks,
            secret_fields,
            traffic,
            vat: extras.vat,
            native,
            runs: Runs::default(),
        })
    }

    /// The text of its manifest.
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    /// Gives a copy an identity of its own: its files were taken from another connector.
    #[must_use]
    pub fn renamed(mut self, id: &str, name: &str) -> Self {
        id.clone_into(&mut self.descriptor.id);
        for texts in self.descriptor.texts.values_mut() {
            texts.insert("name".to_owned(), name.to_owned());
        }
        self
    }

    /// Why a stream cannot be read, if it cannot.
    pub fn unavailable(&self, stream: &str) -> Option<&Fault> {
        self.streams.get(stream).and_then(|mapped| mapped.stream.as_ref().err())
    }

    fn stream(&self, name: &str) -> Result<(&Arc<Stream>, &Becomes), Failure> {
        let mapped = self.streams.get(name).ok_or_else(|| Failure::new(Code::NotFound).with("what", name))?;
        match &mapped.stream {
            Ok(stream) => Ok((stream, &mapped.becomes)),
            Err(fault) => {
                Err(Failure::new(Code::ManifestInvalid).with("path", format!("streams/{name}")).detail(fault))
            }
        }
    }

    /// What the reading loop needs of this session. Prepared once: what is read once per run is kept while the session's
    /// configuration is alive.
    pub async fn run(&self, session: &Session) -> Result<Run, Failure> {
        self.runs.of(session, self.prepare(session)).await
    }

    async fn prepare(&self, session: &Session) -> Result<Run, Failure> {
        let native = self.native.signed_in(session)?;
        let signed_in = native.is_some();
        let mut config = Map::from((*session.config).clone());
        let secrets = session.credentials.load().await?;
        for name in &self.secret_fields {
            if secrets.contains_key(name) {
                put_placeholder(&mut config, name);
            }
        }
        let http = native.unwrap_or_else(|| session.http.clone()).with_secrets(secrets);
        let run = Run {
            signed_in,
            native_policy: self.native.policy(),
            strict: true,
            now: session.clock.now(),
            sign_ins: Arc::new(SignIns::new(Arc::clone(&session.credentials))),
            ..Run::new(Json::Object(config), http, session.cancel.clone())
        };
        run.governed(&self.traffic, HashMap::new(), false)
    }
}

/// Puts what `metadata.syncdeck` says into a stream and all its parents.
fn mark(stream: &mut Stream, extras: &[StreamExtras]) {
    if let Some(extra) = extras.iter().find(|extra| extra.name == stream.name) {
        stream.total = extra.total.as_ref().map(|path| path.split('.').map(str::to_owned).collect());
        stream.budget_scope.clone_from(&extra.budget);
    }
    for router in &mut stream.retriever.routers {
        mark_parents(router, extras);
    }
}

fn mark_parents(router: &mut Router, extras: &[StreamExtras]) {
    match router {
        Router::List { .. } => {}
        Router::Grouping { inner, .. } => mark_parents(inner, extras),
        Router::Union { routers, .. } => routers.iter_mut().for_each(|router| mark_parents(router, extras)),
        Router::Substream(all) => {
            for parent in all {
                if let Some(stream) = Arc::get_mut(&mut parent.stream) {
                    mark(stream, extras);
                }
            }
        }
    }
}

fn put_placeholder(config: &mut Map, name: &str) {
    let (parents, last) = name.rsplit_once('.').map_or((None, name), |(parents, last)| (Some(parents), last));
    let mut place = config;
    for segment in parents.into_iter().flat_map(|parents| parents.split('.')) {
        let inner = place.entry(segment.to_owned()).or_insert_with(|| Json::Object(Map::new()));
        match inner {
            Json::Object(map) => place = map,
            _ => return,
        }
    }
    place.insert(last.to_owned(), Json::from(kit::placeholder::field(name)));
}

/// Hands rows to the sink in batches, duplicates sorted out.
pub(crate) struct Handover<'s> {
    pub(crate) sink: &'s mut dyn Sink,
    pub(crate) stream: &'s str,
    pub(crate) duplicates: Duplicates,
}

#[async_trait]
impl Taker<Batch> for Handover<'_> {
    async fn take(&mut self, _: usize, flow: Flow<Batch>) -> Result<(), Failure> {
        let mut batch = match flow {
            Flow::Page(batch) => batch,
            Flow::Ended(outcome) => return outcome,
            Flow::Started | Flow::Slice(_) | Flow::State(_) => return Ok(()),
        };
        self.duplicates.sort_out(self.stream, &mut batch);
        while batch.len() > BATCH_ROWS {
            let mut rest = BATCH_ROWS;
            let part = Batch {
                objects: split(&mut batch.objects, &mut rest),
                stats: split(&mut batch.stats, &mut rest),
                rejected: split(&mut batch.rejected, &mut rest),
                ..Batch::default()
            };
            self.sink.batch(part).await?;
        }
        if batch.is_empty() { Ok(()) } else { self.sink.batch(batch).await }
    }
}

/// Takes up to `rest` rows from the end.
fn split<T>(rows: &mut Vec<T>, rest: &mut usize) -> Vec<T> {
    let count = rows.len().min(*rest);
    *rest -= count;
    rows.split_off(rows.len() - count)
}

#[async_trait]
impl Source for ManifestSource {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    async fn accounts(
        &self,
        session: &Session,
        tell: &(dyn Fn(CheckEvent) + Send + Sync),
    ) -> Result<Vec<Account>, Failure> {
        accounts::accounts(&self.looks, &self.run(session).await?, tell).await
    }

    async fn sample(&self, session: &Session, today: NaiveDate) -> Result<AccountSample, Failure> {
        let sample = accounts::sample(&self.looks, &self.run(session).await?, today).await?;
        // Where the platform knows of no spend, nothing found is not zero.
        let knows_spend = self.descriptor.capabilities.iter().any(|capability| capability == COSTS);
        Ok(AccountSample { spend_30d: sample.spend_30d.filter(|_| knows_spend), ..sample })
    }

    async fn day_totals(
        &self,
        session: &Session,
        range: DateRange,
    ) -> Result<Option<Vec<(NaiveDate, DayTotal)>>, Failure> {
        accounts::day_totals(&self.looks, &self.run(session).await?, range).await
    }

    fn slices(&self, stream: &str, range: DateRange) -> Result<Vec<Slice>, Failure> {
        let (found, becomes) = self.stream(stream)?;
        if !matches!(becomes, Becomes::Rows(mapping) if mapping.is_statistics()) {
            return Ok(vec![Slice { stream: stream.to_owned(), window: None }]);
        }
        let Some(cursor) = &found.cursor else {
            return Ok(vec![Slice { stream: stream.to_owned(), window: Some(range) }]);
        };
        let config = Json::Object(Map::new());
        let start = midnight(range.from());
        let scope = Scope::new(start).with("config", Value::from_json(&config));
        let plan = Plan::between(cursor, &scope, start, end_of(range.to(), cursor.granularity.as_ref(), &scope));
        let plan = plan.map_err(|error| {
            Failure::new(Code::ManifestInvalid).with("path", format!("streams/{stream}/incremental_sync")).detail(error)
        })?;
        let windows = Progress::new(&plan, None, "").map(|progress| progress.windows(&plan)).unwrap_or_default();
        // A range of one day without a step is no window in the format's terms; for us it is a day to read.
        if windows.is_empty() {
            return Ok(vec![Slice { stream: stream.to_owned(), window: Some(range) }]);
        }
        let days =
            |window: &crate::windows::Interval| DateRange::new(window.start.date_naive(), window.end.date_naive()).ok();
        Ok(windows
            .iter()
            .filter_map(days)
            .map(|window| Slice { stream: stream.to_owned(), window: Some(window) })
            .collect())
    }

    async fn read(&self, session: &Session, slice: &Slice, sink: &mut dyn Sink) -> Result<(), Failure> {
        let (stream, becomes) = self.stream(&slice.stream)?;
        let run = self.run(session).await?;
        let mapping = match becomes {
            Becomes::Rows(mapping) => mapping,
            Becomes::Records { key, incremental } => {
                return tokio::select! {
                    biased;
                    () = session.cancel.cancelled() => Err(Failure::new(Code::Cancelled)),
                    read = records(&run, stream, (key, *incremental), sink) => read,
                };
            }
        };
        let mut account = row_account(session, slice.window)?;
        if account.vat == VatState::Unknown {
            account.vat = self.vat;
        }
        let window = match (slice.window, &stream.cursor) {
            (Some(window), Some(cursor)) => {
                let scope = Scope::new(run.now).with("config", Value::from_json(&run.config));
                let end = end_of(window.to(), cursor.granularity.as_ref(), &scope);
                Some(Window { start: midnight(window.from()), end })
            }
            _ => None,
        };
        let apart = self.native.taken_apart(&slice.stream);
        let convert: Convert<Batch> = {
            let mapping = Arc::clone(mapping);
            Arc::new(move |records: Vec<Json>| {
                let records = match apart {
                    Some(apart) => apart(records),
                    None => records,
                };
                Some(mapping.rows(&records, &account)).filter(|batch| !batch.is_empty())
            })
        };
        let mut handover = Handover { sink, stream: &slice.stream, duplicates: Duplicates::default() };
        let job = Job {
            windows: window.map(|window| vec![window]),
            // What the mapping names is not in a record that is still to be taken apart.
            wanted: apart.is_none().then(|| mapping.wanted()),
            ..Job::new(Arc::clone(stream))
        };
        let observer = Arc::new(Observer::new(&slice.stream, mapping));
        let run = Run { observer: Some(Arc::clone(&observer)), ..run };
        let read = tokio::select! {
            biased;
            () = session.cancel.cancelled() => Err(Failure::new(Code::Cancelled)),
            read = read::read_streams(&run, vec![job], &convert, &mut handover) => read,
        };
        sink.observed(observer.shape());
        read
    }
}

/// Reads a stream whose records are kept as they come, from where the sink says that it stands.
async fn records(
    run: &Run,
    stream: &Arc<Stream>,
    (key, incremental): (&[Vec<String>], bool),
    sink: &mut dyn Sink,
) -> Result<(), Failure> {
    let state = sink.resume_from().filter(|_| incremental).cloned().map(Json::from);
    let mut handing = Handing { sink, key, glances: Glances::default() };
    let convert: Convert<Vec<Json>> = Arc::new(|records| Some(records).filter(|records| !records.is_empty()));
    let mut telling = Telling::of(&mut handing, &stream.name);
    let job = Job { state, ..Job::new(Arc::clone(stream)) };
    let read = read::read_streams(run, vec![job], &convert, &mut telling).await;
    let outcome = telling.outcome();
    let Handing { sink, glances, .. } = handing;
    sink.observed(glances.shape());
    read.and(outcome)
}

pub(crate) fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The last moment of a day in a cursor's terms: the day itself when the cursor counts days, else the next day less the granularity.
pub(crate) fn end_of(day: NaiveDate, granularity: Option<&Text>, scope: &Scope<'_>) -> DateTime<Utc> {
    let span =
        granularity.and_then(|text| text.text(scope).ok()).and_then(|text| datetime::IsoDuration::parse(&text).ok());
    match span {
        Some(span) if span.months == 0 && span.exact < TimeDelta::days(1) && span.exact > TimeDelta::zero() => {
            midnight(day.checked_add_days(Days::new(1)).unwrap_or(day)) - span.exact
        }
        _ => midnight(day),
    }
}

/// Currency and VAT of the connection, which `api` puts into the session's configuration.
pub(crate) fn row_account(session: &Session, window: Option<DateRange>) -> Result<RowAccount, Failure> {
    let code = session.config.get("currency").and_then(|code| code.as_str()).unwrap_or_default();
    let currency: Currency = code.parse().map_err(|_| Failure::new(Code::SettingInvalid).with("field", "currency"))?;
    let vat = session
        .config
        .get("vat")
        .cloned()
        .and_then(|vat| serde_json::from_value(vat).ok())
        .unwrap_or(VatState::Unknown);
    Ok(RowAccount { currency, vat, window })
}
