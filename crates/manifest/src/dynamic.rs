//! What the streams of a connection are: those of the document whose conditions hold, those made from templates, and the schemas
//! that only the platform knows (connector-format.md, section 12).

use crate::{
    components::{self, ComponentMapping, ComponentSource, Delegate, DynamicSchema, DynamicStream, Stream, Text},
    connector::{Declared, Limits},
    datetime::IsoDuration,
    document,
    json::{Json, Map},
    read::{Convert, Flow, Job, Run, Taker, read_streams},
    records::{self, Around, Normal},
    template::{Scope, SliceView, TemplateError, Value},
    windows::Plan,
};
use crate::{decode::is_glob, json};
use async_trait::async_trait;
use chrono::Months;
use model::failure::{Code, Failure};
use std::{collections::HashSet, sync::Arc};

/// Streams that a template may become. A platform that lists more has sent something else than its streams.
const MOST_STREAMS: usize = 10_000;

/// How a declared stream depends on the connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ways {
    /// It exists only where this holds.
    pub condition: Option<Text>,
    /// It is read in one of two ways.
    pub delegate: Option<Arc<Delegate>>,
    /// Its schema is asked for.
    pub schemas: Vec<Arc<DynamicSchema>>,
    /// The template it was made from.
    pub template: Option<String>,
    /// Its schema could not be found out, and its records cannot do without.
    pub failure: Option<Failure>,
}

impl Declared {
    /// The streams under one entry of `streams`; several for `ConditionalStreams`.
    pub(crate) fn all(entry: &Json, path: &str) -> Vec<Self> {
        if entry.get("type").is_some_and(|kind| *kind == "ConditionalStreams") {
            let condition = components::condition(entry, path);
            let inner = entry.get("streams").and_then(Json::as_array).into_iter().flatten().enumerate();
            return inner
                .flat_map(|(at, stream)| Self::all(stream, &format!("{path}/streams/{at}")))
                .map(|mut declared| {
                    match &condition {
                        Ok(condition) => declared.ways.condition = Some(condition.clone()),
                        Err(fault) => declared.stream = Err(fault.clone()),
                    }
                    declared
                })
                .collect();
        }
        if entry.get("type").is_some_and(|kind| *kind == "StateDelegatingStream") {
            let side = |field: &str| Self::new(entry.get(field).unwrap_or(&Json::Null), &format!("{path}/{field}"));
            let (full, mut declared) = (side("full_refresh_stream"), side("incremental_stream"));
            entry.get("name").and_then(Json::as_str).unwrap_or_default().clone_into(&mut declared.name);
            declared.notes.extend(full.notes);
            match components::delegate(entry, path) {
                Ok(delegate) => {
                    declared.stream = Ok(Arc::clone(&delegate.full));
                    declared.ways.delegate = Some(Arc::new(delegate));
                }
                Err(fault) => declared.stream = Err(fault),
            }
            return vec![declared];
        }
        vec![Self::new(entry, path)]
    }

    /// The stream as it has to be read from a state, and the state that is still worth something.
    pub(crate) fn delegated(&self, run: &Run, state: Option<Json>) -> Result<(Arc<Stream>, Option<Json>), Failure> {
        let stream = self.stream.as_ref().map_err(|fault| fault_failure(&self.name, fault))?;
        if let Some(failure) = &self.ways.failure {
            return Err(failure.clone());
        }
        let Some(delegate) = &self.ways.delegate else { return Ok((Arc::clone(stream), state)) };
        let some = state.as_ref().is_some_and(|state| Value::from_json(state).truthy());
        let Some(state) = state.filter(|_| some) else { return Ok((Arc::clone(&delegate.full), None)) };
        if let Some(retention) = &delegate.retention {
            let scope = run.plain_scope();
            let text = retention.text(&scope).map_err(|error| failure(&self.name, "api_retention_period", &error))?;
            if !text.is_empty() {
                let span = IsoDuration::parse(&text);
                let span = span.map_err(|error| failure(&self.name, "api_retention_period", &error))?;
                let months = Months::new(u32::try_from(span.months).unwrap_or(0));
                let oldest = run.now.checked_sub_months(months).and_then(|at| at.checked_sub_signed(span.exact));
                let at = moment(&delegate.full, &state, run).or_else(|| moment(&delegate.incremental, &state, run));
                if at.is_none_or(|at| oldest.is_some_and(|oldest| at < oldest)) {
                    tracing::warn!(stream = %self.name, "the state is older than the platform remembers; everything is read");
                    return Ok((Arc::clone(&delegate.full), None));
                }
            }
        }
        Ok((Arc::clone(&delegate.incremental), Some(state)))
    }
}

/// The time a state stands for.
fn moment(stream: &Stream, state: &Json, run: &Run) -> Option<chrono::DateTime<chrono::Utc>> {
    let Some(cursor) = &stream.cursor else {
        let ended = state.get("__ab_no_cursor_state_message").is_some_and(|flag| Value::from_json(flag).truthy());
        return ended.then_some(run.now);
    };
    let state = if stream.retriever.routers.is_empty() { state } else { state.get("state")? };
    let scope = run.plain_scope();
    let plan = Plan::new(cursor, &scope, run.now).ok()?;
    if state.get("state_type").is_some_and(|kind| *kind == "date-range") {
        let first = state.get("slices")?.get(0)?;
        let recent = first.get("most_recent_cursor_value").filter(|value| !value.is_null());
        return plan.read(recent.or_else(|| first.get("end"))?);
    }
    plan.read(state.get(&cursor.field.text(&scope).ok()?)?)
}

pub(crate) fn fault_failure(stream: &str, fault: &components::Fault) -> Failure {
    Failure::new(Code::ManifestInvalid).with("path", format!("streams/{stream}")).detail(fault)
}

fn failure(stream: &str, place: &str, error: &dyn std::fmt::Display) -> Failure {
    let detail = kit::placeholder::mask(&error.to_string());
    Failure::new(Code::ManifestInvalid).with("path", format!("streams/{stream}/{place}")).detail(detail)
}

/// All streams of a connection: of those declared the ones whose conditions hold, and what the templates become. `named`: only
/// for these are schemas asked for.
pub(crate) async fn discover(
    run: &Run,
    declared: &[Declared],
    templates: &[Result<DynamicStream, components::Fault>],
    named: Option<&[String]>,
) -> Result<Vec<Declared>, Failure> {
    let mut all = Vec::with_capacity(declared.len());
    for stream in declared {
        let holds = match &stream.ways.condition {
            None => true,
            Some(condition) => {
                condition.condition(&run.plain_scope()).map_err(|error| failure(&stream.name, "condition", &error))?
            }
        };
        if holds {
            all.push(stream.clone());
        }
    }
    let mut seen = HashSet::new();
    for (index, template) in templates.iter().enumerate() {
        let path = format!("dynamic_streams/{index}");
        let template = match template {
            Ok(template) => template,
            Err(fault) => return Err(Failure::new(Code::ManifestInvalid).with("path", path).detail(fault)),
        };
        for stream in made(run, template).await? {
            let mut made = Declared::new(&stream, &path);
            if !seen.insert(made.name.clone()) {
                let code = match template.source {
                    ComponentSource::Config(_) => Code::SettingInvalid,
                    ComponentSource::Http(_) | ComponentSource::Listed(_) => Code::ManifestInvalid,
                };
                let name = &made.name;
                return Err(Failure::new(code)
                    .with("field", name)
                    .with("path", path)
                    .detail(format!("two generated streams have the name {name}")));
            }
            made.ways.template =
                Some(if template.name.is_empty() { format!("dynamic_stream_{index}") } else { template.name.clone() });
            all.push(made);
        }
    }
    for declared in &mut all {
        // A read needs the schema only to bring records to it.
        let normalise = declared.stream.as_ref().is_ok_and(|stream| stream.retriever.selector.normalise);
        let needed = named.is_none_or(|names| normalise && names.contains(&declared.name));
        if declared.ways.schemas.is_empty() || !needed {
            continue;
        }
        let mut properties =
            declared.schema.get("properties").and_then(Json::as_object).cloned().unwrap_or_else(Map::new);
        for loader in declared.ways.schemas.clone() {
            match properties_of(run, &loader, &declared.name).await {
                Ok(found) => {
                    for (name, property) in found {
                        properties.entry(name).or_insert(property);
                    }
                }
                Err(failure) if named.is_some() => declared.ways.failure = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        declared.schema = json!({"$schema": "https://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": true});
        if let Some(schema) = declared.schema.as_object_mut() {
            schema.insert("properties", Json::Object(properties));
        }
        if let Ok(stream) = &mut declared.stream
            && normalise
        {
            *stream = Arc::new(Stream {
                normal: Some(Arc::new(Normal::new(declared.schema.clone()))),
                ..Stream::clone(stream)
            });
        }
    }
    Ok(all)
}

/// Collects records with the slices they belong to.
#[derive(Default)]
struct Collected {
    slice: Json,
    records: Vec<(Json, Json)>,
    outcome: Option<Result<(), Failure>>,
}

#[async_trait]
impl Taker<Vec<Json>> for Collected {
    async fn take(&mut self, _: usize, flow: Flow<Vec<Json>>) -> Result<(), Failure> {
        match flow {
            Flow::Slice(slice) => self.slice = slice,
            Flow::Page(records) => {
                self.records.extend(records.into_iter().map(|record| (self.slice.clone(), record)));
                if self.records.len() > MOST_STREAMS {
                    return Err(Failure::new(Code::VendorChanged)
                        .with("what", "dynamic_streams")
                        .detail(format!("the platform lists more than {MOST_STREAMS} streams")));
                }
            }
            Flow::Ended(outcome) => self.outcome = Some(outcome),
            Flow::Started | Flow::State(_) => {}
        }
        Ok(())
    }
}

/// Reads a helper stream; one slice after the other, so that a record's slice is known.
async fn collect(run: &Run, stream: &Arc<Stream>, limits: Limits) -> Result<Vec<(Json, Json)>, Failure> {
    let run = Run { workers: 1, limits, ..run.clone() };
    let job = Job { limits, ..Job::new(Arc::clone(stream)) };
    let mut collected = Collected::default();
    let all: Convert<Vec<Json>> = Arc::new(Some);
    // Reading may lead here again through the schema of a parent, hence the box.
    Box::pin(read_streams(&run, vec![job], &all, &mut collected)).await?;
    collected.outcome.unwrap_or(Ok(()))?;
    Ok(collected.records)
}

/// The streams a template becomes, as plain documents.
async fn made(run: &Run, template: &DynamicStream) -> Result<Vec<Json>, Failure> {
    let failed = |error: &TemplateError| {
        Failure::new(Code::ManifestInvalid)
            .with("path", format!("{}/components_resolver", template.path))
            .detail(kit::placeholder::mask(&error.to_string()))
    };
    let found: Vec<(Json, Json)> = match &template.source {
        ComponentSource::Http(stream) => collect(run, stream, Limits::default()).await?,
        ComponentSource::Listed(values) => values.iter().map(|values| (json!({}), values.clone())).collect(),
        ComponentSource::Config(lists) => {
            combinations(run, lists).map_err(|error| failed(&error))?.into_iter().map(|it| (json!({}), it)).collect()
        }
    };
    let mut streams = Vec::with_capacity(found.len());
    for (slice, values) in found {
        let slice = SliceView { all: slice.clone(), partition: slice, ..SliceView::default() };
        let mut stream = template.template.clone();
        for mapping in &template.mappings {
            map(run, template, mapping, &values, &slice, &mut stream).map_err(|error| failed(&error))?;
        }
        let stream = document::propagate(stream, "", &Map::new(), template.use_parent_parameters);
        let stream = stream.map_err(|error| {
            Failure::new(Code::ManifestInvalid)
                .with("path", format!("{}/stream_template/{}", template.path, error.path))
                .detail(error.message)
        })?;
        if !stream.get("name").is_some_and(Json::is_string) {
            return Err(Failure::new(Code::ManifestInvalid)
                .with("path", format!("{}/stream_template/name", template.path))
                .detail("a generated stream has no name, or one that is not text"));
        }
        streams.push(stream);
    }
    Ok(streams)
}

/// Every combination of one element of each list, united; an element that is no map stands under `source_config_<number>` with
/// its position.
fn combinations(run: &Run, lists: &[(Vec<Text>, Vec<Json>)]) -> Result<Vec<Json>, TemplateError> {
    let mut all = vec![Map::new()];
    for (number, (pointer, more)) in lists.iter().enumerate() {
        let scope = run.plain_scope();
        let path = pointer.iter().map(|segment| segment.text(&scope)).collect::<Result<Vec<_>, _>>()?;
        let mut elements = match records::walk(&run.config, &path) {
            Some(Json::Array(items)) => items.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        elements.extend(more.iter().cloned());
        let mut next = Vec::with_capacity(all.len() * elements.len());
        for before in &all {
            for (at, element) in elements.iter().enumerate() {
                let mut united = before.clone();
                match element {
                    Json::Object(map) => united.extend(map.iter().map(|(key, value)| (key.clone(), value.clone()))),
                    other => {
                        united
                            .entry(format!("source_config_{number}"))
                            .or_insert_with(|| Json::Array(vec![Json::from(at), other.clone()]));
                    }
                }
                next.push(united);
            }
        }
        all = next;
    }
    Ok(all.into_iter().map(Json::Object).collect())
}

fn map(
    run: &Run,
    template: &DynamicStream,
    mapping: &ComponentMapping,
    values: &Json,
    slice: &SliceView,
    stream: &mut Json,
) -> Result<(), TemplateError> {
    let mut scope = run
        .plain_scope()
        .with("components_values", Value::from_json(values))
        .with("stream_template_config", Value::from_json(&template.template));
    if matches!(template.source, ComponentSource::Http(_)) {
        scope.set("stream_slice", Value::Slice(slice));
    }
    if let Some(condition) = &mapping.condition
        && !condition.condition(&scope)?
    {
        return Ok(());
    }
    let mut value = mapping.value.typed(&scope, mapping.allowed)?.to_json();
    let path = mapping.path.iter().map(|segment| segment.text(&scope)).collect::<Result<Vec<_>, _>>()?;
    let as_text =
        matches!(template.source, ComponentSource::Config(_)) && mapping.allowed == crate::template::Allowed::Strings;
    if !matches!(template.source, ComponentSource::Http(_)) && !as_text {
        value = from_yaml(value);
    }
    if replace(stream, &path, &value) == 0 && mapping.create && Value::from_json(&value).truthy() {
        // What cannot be put there leads to a component that cannot be built, which says so by its name.
        let _ = records::put(stream, &path, value);
    }
    Ok(())
}

/// Text that is YAML is what it says; a template inside it stays text.
fn from_yaml(value: Json) -> Json {
    match &value {
        Json::String(text) if text.is_empty() => Json::Null,
        Json::String(text) if !text.trim_start().starts_with(['{', '%', '@', '`']) || text.contains(':') => {
            if text.trim_start().starts_with("{{") || text.trim_start().starts_with("{%") {
                return value;
            }
            document::parse(text).unwrap_or(value)
        }
        _ => value,
    }
}

/// Replaces what is there under a path with globs, and says how often.
fn replace(value: &mut Json, path: &[String], new: &Json) -> usize {
    let Some((first, rest)) = path.split_first() else { return 0 };
    let act = |inner: &mut Json| {
        if rest.is_empty() {
            *inner = new.clone();
            return 1;
        }
        replace(inner, rest, new)
    };
    match value {
        Json::Object(map) if is_glob(first) => {
            map.iter_mut().filter(|(key, _)| records::glob(first, key)).map(|(_, inner)| act(inner)).sum()
        }
        Json::Object(map) => map.get_mut(first).map_or(0, act),
        Json::Array(items) => {
            let len = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let exact = first.parse::<i64>().ok().map(|at| if at < 0 { at + len } else { at });
            let fits = |at: usize| match exact {
                Some(exact) => usize::try_from(exact) == Ok(at),
                None => records::glob(first, &at.to_string()),
            };
            items.iter_mut().enumerate().filter(|(at, _)| fits(*at)).map(|(_, inner)| act(inner)).sum()
        }
        _ => 0,
    }
}

/// The fields of a stream as the platform describes them.
async fn properties_of(run: &Run, loader: &DynamicSchema, stream: &str) -> Result<Map, Failure> {
    let limits = Limits { records: Some(1), pages_per_slice: None, slices: Some(1) };
    let first = collect(run, &loader.stream, limits).await?.into_iter().next();
    let Some((_, record)) = first else { return Ok(Map::new()) };
    let scope = run.plain_scope();
    let failed = |error: TemplateError| failure(stream, "schema_loader", &error);
    let plain = |path: &[Text]| path.iter().map(|it| it.text(&scope)).collect::<Result<Vec<_>, _>>().map_err(failed);
    let changed =
        |what: String| run.http.failure(Code::VendorChanged).with("what", what).detail(format!("stream {stream}"));
    let at = plain(&loader.fields)?;
    let fields = records::walk(&record, &at).and_then(Json::as_array).ok_or_else(|| changed(at.join(".")))?;
    let (key, kind) = (plain(&loader.key)?, loader.kind.as_deref().map(plain).transpose()?);
    let text = Json::from("string");
    let mut properties = Map::new();
    for field in fields {
        let name = records::walk(field, &key).and_then(Json::as_str).ok_or_else(|| changed(key.join(".")))?;
        let found = kind.as_ref().map_or(&text, |path| records::walk(field, path).unwrap_or(&text));
        let mut target = found;
        for map in &loader.types {
            let scope = run.plain_scope().with("raw_schema", Value::from_json(field));
            let holds = map.condition.as_ref().is_none_or(|condition| condition.condition(&scope).unwrap_or(false));
            if *found == map.current && holds {
                target = &map.target;
                break;
            }
        }
        let schema = field_schema(target, 0).ok_or_else(|| {
            failure(
                stream,
                "schema_loader/schema_type_identifier/types_mapping",
                &format!("the type {target} of {name} is not known"),
            )
        })?;
        properties.insert(name, schema);
    }
    if let Some(filter) = &loader.filter {
        let mut kept = Map::new();
        for (name, property) in properties {
            let one = Json::Object(Map::from_iter([(name.clone(), property.clone())]));
            let nothing = SliceView::default();
            let scope = run
                .plain_scope()
                .with("record", Value::from_json(&one))
                .with("stream_slice", Value::Slice(&nothing))
                .with("next_page_token", Value::Null);
            if filter.condition(&scope).map_err(failed)? {
                kept.insert(name, property);
            }
        }
        properties = kept;
    }
    let (mut properties, nothing) = (Json::Object(properties), SliceView::default());
    let around = Around { config: &run.config, slice: &nothing, page_token: &Json::Null, now: run.now };
    records::change(&mut properties, &loader.transformations, &around)
        .map_err(|error| failure(stream, "schema_loader/schema_transformations", &error))?;
    Ok(properties.as_object().cloned().unwrap_or_default())
}

/// The JSON Schema of a type's name, of two names, or of a list of something.
fn field_schema(kind: &Json, depth: usize) -> Option<Json> {
    match kind {
        Json::String(name) => Some(match name.as_str() {
            "string" | "boolean" | "integer" | "number" | "array" | "object" => {
                json!({"type": ["null", name.as_str()]})
            }
            "date" => json!({"type": ["null", "string"], "format": "date"}),
            "timestamp_with_timezone" => json!({"type": ["null", "string"], "format": "date-time"}),
            "timestamp_without_timezone" => {
                json!({"type": ["null", "string"], "format": "date-time", "airbyte_type": "timestamp_without_timezone"})
            }
            "time_with_timezone" | "time_without_timezone" => {
                json!({"type": ["null", "string"], "format": "time", "airbyte_type": name.as_str()})
            }
            _ => return None,
        }),
        Json::Array(names) if names.len() == 2 && names.iter().all(Json::is_string) => {
            let each: Option<Vec<Json>> = names.iter().map(|name| field_schema(name, depth + 1)).collect();
            Some(Json::Object(Map::from_iter([("oneOf", Json::Array(each?))])))
        }
        Json::Object(complex) if depth < 32 => {
            let mut schema = field_schema(complex.get("field_type").filter(|it| it.is_string())?, depth + 1)?;
            if let Some(items) = complex.get("items").filter(|items| !items.is_null()) {
                schema.as_object_mut()?.insert("items", field_schema(items, depth + 1)?);
            }
            Some(schema)
        }
        _ => None,
    }
}

impl Run {
    /// What templates see that depend on the configuration only.
    pub(crate) fn plain_scope(&self) -> Scope<'_> {
        Scope::new(self.now).with("config", Value::from_json(&self.config))
    }
}
