//! What a stream has read and still has to read: its windows and its state, for the whole stream or for each partition
//! (connector-format.md, sections 9 and 10).
//!
//! A tracker hands out tasks (a partition and a window) and learns which of them were read to the end. Only what was closed
//! gets into a state, so a read can stop anywhere and whoever continues from the last state loses nothing.

use super::{Partition, Run, Window};
use crate::{
    components::{Cursor, OwnFilter, Router, Stream},
    datetime,
    template::{SliceView, TemplateError},
    windows::{Interval, Plan, Progress},
};
use crate::{
    json,
    json::{Json, Map},
};
use chrono::{DateTime, TimeDelta, Utc};
use indexmap::IndexMap;
use model::failure::{Code, Failure};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    ops::RangeInclusive,
    sync::Arc,
};

/// The state of a stream that cannot continue.
const NO_CURSOR: &str = "__ab_no_cursor_state_message";

/// With more partitions than this, one state stands for all of them.
const MOST_PARTITIONS: usize = 10_000;

/// How often a state of partitions is told, because it is large.
const STATE_EVERY: TimeDelta = TimeDelta::seconds(600);

/// What to read: a partition, and a window of it.
#[derive(Debug, Clone)]
pub(super) struct Task {
    partition: Arc<Partition>,
    /// Key of the partition among those that have own cursors.
    key: Arc<str>,
    window: Option<Interval>,
    /// The keys that requests and templates see.
    cursor: Map,
    /// What is observed, and what is kept.
    pub(super) gauge: Gauge,
}

impl Task {
    /// As templates see it.
    pub(super) fn view(&self) -> SliceView {
        let mut all = self.partition.keys.clone();
        all.extend(self.cursor.clone());
        SliceView {
            all: Json::Object(all),
            partition: Json::Object(self.partition.keys.clone()),
            cursor: Json::Object(self.cursor.clone()),
            extra_fields: Json::Object(self.partition.extra.clone()),
        }
    }
}

/// What is looked at in records.
#[derive(Debug, Clone)]
pub(super) enum Gauge {
    /// Nothing.
    Nothing,
    /// A date, and which dates are kept if we filter ourselves.
    Time { axis: Arc<Axis>, kept: Option<RangeInclusive<DateTime<Utc>>> },
    /// A number that grows.
    Count { field: Arc<str> },
}

/// Whether a record is new enough, where the platform does not filter.
#[derive(Debug, Clone)]
pub(super) struct Keeper {
    axis: Arc<Axis>,
    kept: RangeInclusive<DateTime<Utc>>,
}

impl Keeper {
    /// Whether paging ends at the first record that is too old; else records are left out page by page.
    pub(super) fn is_feed(&self) -> bool {
        self.axis.filter == Some(OwnFilter::Feed)
    }
    /// A record whose value is missing or unreadable is kept.
    pub(super) fn keeps(&self, record: &Json) -> bool {
        let value = record.get(&*self.axis.field).and_then(|value| self.axis.plan.read(value));
        value.is_none_or(|value| self.kept.contains(&value))
    }
}

impl Gauge {
    /// The filter of a data feed or of a cursor on our side.
    pub(super) fn keeper(&self) -> Option<Keeper> {
        match self {
            Self::Time { axis, kept: Some(kept) } => Some(Keeper { axis: Arc::clone(axis), kept: kept.clone() }),
            _ => None,
        }
    }
}

/// What was seen in the records of a task.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    gauge: Gauge,
    recent: Option<DateTime<Utc>>,
    count: Option<i64>,
    /// The value looked at last: neighbours are often equal.
    last: Json,
}

impl Seen {
    pub(super) fn new(gauge: Gauge) -> Self {
        Self { gauge, recent: None, count: None, last: Json::Null }
    }
    /// Looks at records. A value that is missing or unreadable moves nothing.
    pub(super) fn look(&mut self, records: &[Json]) {
        match &self.gauge {
            Gauge::Nothing => {}
            Gauge::Time { axis, .. } => {
                for record in records {
                    let Some(value) = record.get(&*axis.field).filter(|value| **value != self.last) else { continue };
                    self.recent = self.recent.max(axis.plan.read(value));
                    self.last.clone_from(value);
                }
            }
            Gauge::Count { field } => {
                let counts = records.iter().filter_map(|record| record.get(&**field)?.as_i64());
                self.count = self.count.max(counts.max());
            }
        }
    }
}

/// A datetime cursor with its settings evaluated.
#[derive(Debug)]
pub(super) struct Axis {
    plan: Plan,
    field: String,
    from: String,
    to: String,
    filter: Option<OwnFilter>,
}

impl Axis {
    fn new(run: &Run, stream: &Stream, cursor: &Cursor) -> Result<Self, Failure> {
        let scope = run.scope();
        let failed = |error: TemplateError| run.template_failure(stream, "incremental_sync", &error);
        Ok(Self {
            plan: Plan::new(cursor, &scope, run.now)
                .map_err(|error| run.manifest_failure(stream, "incremental_sync", &error))?,
            field: cursor.field.text(&scope).map_err(failed)?,
            from: cursor.start_key.text(&scope).map_err(failed)?,
            to: cursor.end_key.text(&scope).map_err(failed)?,
            filter: cursor.filter,
        })
    }
    fn progress(&self, stream: &Stream, state: Option<&Json>) -> Result<Progress, Failure> {
        Progress::new(&self.plan, state, &self.field).ok_or_else(|| {
            let detail = format!("the state of the stream {} cannot be read by the formats of its cursor", stream.name);
            Failure::new(Code::BadRequest).with("field", "state").detail(detail)
        })
    }
    fn gauge(self: &Arc<Self>, since: DateTime<Utc>) -> Gauge {
        let kept = self.filter.map(|_| self.plan.kept(since));
        Gauge::Time { axis: Arc::clone(self), kept }
    }
    fn tasks(self: &Arc<Self>, partition: &Arc<Partition>, key: &Arc<str>, progress: &Progress) -> VecDeque<Task> {
        let gauge = self.gauge(progress.since());
        let task = |window: Interval| Task {
            partition: Arc::clone(partition),
            key: Arc::clone(key),
            cursor: self.window_keys(window.start, window.end, |at| self.plan.write(at)),
            window: Some(window),
            gauge: gauge.clone(),
        };
        progress.windows(&self.plan).into_iter().map(task).collect()
    }
    fn window_keys(&self, start: DateTime<Utc>, end: DateTime<Utc>, write: impl Fn(DateTime<Utc>) -> String) -> Map {
        Map::from_iter([(self.from.clone(), Json::from(write(start))), (self.to.clone(), Json::from(write(end)))])
    }
}

/// What a stream has read and still has to read.
#[derive(Debug)]
pub(super) enum Tracker {
    /// Everything, each time.
    Whole { seen: Option<HashSet<u128>> },
    /// Windows somebody else keeps account of.
    Given { windows: Vec<Map> },
    /// Windows of the whole stream.
    Windows { axis: Arc<Axis>, progress: Progress },
    /// A number that grows.
    Count { field: Arc<str>, since: i64, kept: Map },
    /// Windows of each partition.
    Partitions(Box<Partitions>),
}

impl Tracker {
    /// Of a stream that continues from a state, or reads the given windows.
    pub(super) fn new(
        run: &Run,
        stream: &Stream,
        state: Option<&Json>,
        windows: Option<&[Window]>,
    ) -> Result<Self, Failure> {
        let state =
            state.filter(|state| state.get(NO_CURSOR).is_none() && state.as_object().is_some_and(|it| !it.is_empty()));
        if let Some(counter) = &stream.counter {
            let scope = run.scope();
            let failed = |error: TemplateError| run.template_failure(stream, "incremental_sync", &error);
            let field = counter.field.text(&scope).map_err(failed)?;
            let start = match &counter.start {
                None => 0,
                Some(start) => start.text(&scope).map_err(failed)?.trim().parse().map_err(|error| {
                    run.manifest_failure(stream, "incremental_sync/start_value", &format!("no whole number: {error}"))
                })?,
            };
            let since = state.and_then(|state| state.get(&field)?.as_i64()).unwrap_or(start).max(start);
            let kept = state.and_then(Json::as_object).cloned().unwrap_or_default();
            return Ok(Self::Count { field: field.into(), since, kept });
        }
        let Some(cursor) = &stream.cursor else {
            // The format reads a partition as often as a parent names it; our own connectors read it once.
            return Ok(Self::Whole { seen: run.strict.then(HashSet::new) });
        };
        if let Some(windows) = windows {
            let scope = run.scope();
            let failed = |error: TemplateError| run.template_failure(stream, "incremental_sync", &error);
            let (from, to) =
                (cursor.start_key.text(&scope).map_err(failed)?, cursor.end_key.text(&scope).map_err(failed)?);
            let write = |at| Json::from(datetime::format(datetime::Moment::utc(at), &cursor.format));
            let keys = |window: &Window| {
                Map::from_iter([(from.clone(), write(window.start)), (to.clone(), write(window.end))])
            };
            return Ok(Self::Given { windows: windows.iter().map(keys).collect() });
        }
        let axis = Arc::new(Axis::new(run, stream, cursor)?);
        if stream.retriever.routers.is_empty() {
            let progress = axis.progress(stream, state)?;
            return Ok(Self::Windows { axis, progress });
        }
        Partitions::new(run, stream, cursor, axis, state).map(|partitions| Self::Partitions(Box::new(partitions)))
    }

    /// The tasks of a partition that was found. `parents`: the state of the parents it was made from.
    pub(super) fn open(
        &mut self,
        stream: &Stream,
        partition: Partition,
        parents: Option<Arc<Json>>,
    ) -> Result<VecDeque<Task>, Failure> {
        let partition = Arc::new(partition);
        let task = |cursor: Map, gauge: Gauge| Task {
            partition: Arc::clone(&partition),
            key: Arc::from(""),
            window: None,
            cursor,
            gauge,
        };
        Ok(match self {
            Self::Whole { seen } => {
                let new = seen.as_mut().is_none_or(|seen| seen.insert(print(&canonical(&partition.keys))));
                if new { VecDeque::from([task(Map::new(), Gauge::Nothing)]) } else { VecDeque::new() }
            }
            Self::Given { windows } => windows.iter().map(|keys| task(keys.clone(), Gauge::Nothing)).collect(),
            Self::Windows { axis, progress } => axis.tasks(&partition, &Arc::from(""), progress),
            Self::Count { field, since, .. } => {
                let cursor = Map::from_iter([("start".to_owned(), Json::from(*since))]);
                VecDeque::from([task(cursor, Gauge::Count { field: Arc::clone(field) })])
            }
            Self::Partitions(partitions) => partitions.open(stream, &partition, parents)?,
        })
    }

    /// A task was read to its end. Whether the state is to be told now.
    pub(super) fn close(&mut self, task: &Task, seen: &Seen, now: DateTime<Utc>) -> bool {
        match (self, task.window) {
            (Self::Windows { axis, progress }, Some(window)) => {
                progress.close(&axis.plan, Interval { recent: seen.recent, ..window });
                true
            }
            (Self::Count { since, .. }, _) => {
                let before = *since;
                *since = before.max(seen.count.unwrap_or(before));
                seen.count.is_some()
            }
            (Self::Partitions(partitions), Some(window)) => {
                partitions.close(task, Interval { recent: seen.recent, ..window }, now)
            }
            _ => false,
        }
    }

    /// Nothing more comes. `parents`: their final state; `complete`: all partitions were found and no task was left out.
    pub(super) fn finish(&mut self, parents: Option<Arc<Json>>, complete: bool, now: DateTime<Utc>) {
        if let Self::Partitions(partitions) = self
            && complete
        {
            partitions.finish(parents, now);
        }
    }

    /// The state as the format writes it; `None`: somebody else keeps account.
    pub(super) fn state(&self) -> Option<Json> {
        Some(match self {
            Self::Given { .. } => return None,
            Self::Whole { .. } => json!({NO_CURSOR: true}),
            Self::Windows { axis, progress } => progress.state(&axis.plan, &axis.field),
            Self::Count { field, since, kept } => {
                let mut state = kept.clone();
                state.insert(field.to_string(), Json::from(*since));
                Json::Object(state)
            }
            Self::Partitions(partitions) => partitions.state(),
        })
    }
}

/// A partition with its own cursor.
#[derive(Debug)]
struct Own {
    partition: Json,
    progress: Progress,
}

/// A partition that is being read.
#[derive(Debug)]
struct Open {
    index: u64,
    tasks: usize,
}

/// Cursors of partitions, and the one cursor that stands for all of them.
#[derive(Debug)]
pub(super) struct Partitions {
    axis: Arc<Axis>,
    own: IndexMap<Arc<str>, Own>,
    /// States of an older form, by the value of the parent's key.
    legacy: HashMap<String, Json>,
    /// How many partitions were seen, in the state and now.
    count: usize,
    use_global: bool,
    /// The greatest value in the last complete sync, and how long that took.
    global: Option<DateTime<Utc>>,
    lookback_secs: i64,
    /// The greatest value so far in this one.
    greatest: Option<DateTime<Utc>>,
    saw_records: bool,
    began: DateTime<Utc>,
    told: Option<DateTime<Utc>>,
    /// Prints of the keys that were found.
    found: HashSet<u128>,
    open: HashMap<Arc<str>, Open>,
    open_indexes: BTreeSet<u64>,
    next_index: u64,
    /// States of the parents, each with the first partition that was made after it.
    pending_parents: VecDeque<(Arc<Json>, u64)>,
    parents: Option<Arc<Json>>,
}

impl Partitions {
    fn new(
        run: &Run,
        stream: &Stream,
        cursor: &Cursor,
        axis: Arc<Axis>,
        state: Option<&Json>,
    ) -> Result<Self, Failure> {
        let grouped = matches!(&stream.retriever.routers[..], [Router::Grouping { .. }]);
        let mut made = Self {
            axis,
            own: IndexMap::new(),
            legacy: HashMap::new(),
            count: 0,
            use_global: cursor.global || grouped,
            global: None,
            lookback_secs: 0,
            greatest: None,
            saw_records: false,
            began: run.http.clock().now(),
            told: None,
            found: HashSet::new(),
            open: HashMap::new(),
            open_indexes: BTreeSet::new(),
            next_index: 0,
            pending_parents: VecDeque::new(),
            parents: None,
        };
        let Some(state) = state else { return Ok(made) };
        if stream.legacy_states
            && let Some(legacy) = legacy(stream, state, &made.axis.field)
        {
            made.legacy = legacy;
            return Ok(made);
        }
        let by_partition = state.get("states").and_then(Json::as_array);
        let global = if by_partition.is_none() && state.get("state").is_none() {
            // An old state of the whole stream stands for all partitions.
            Some(state)
        } else {
            let global = state.get("use_global_cursor").and_then(Json::as_bool).unwrap_or(false);
            made.use_global = global;
            made.lookback_secs = state.get("lookback_window").and_then(whole).unwrap_or(0);
            for one in by_partition.into_iter().flatten() {
                let partition = one.get("partition").cloned().unwrap_or_else(|| json!({}));
                let progress = made.axis.progress(stream, one.get("cursor"))?;
                made.own.insert(Arc::from(canonical_value(&partition)), Own { partition, progress });
                made.count += 1;
            }
            state.get("state")
        };
        if let Some(value) = global.and_then(|global| global.get(&made.axis.field)) {
            // Where it lies before the configured start it is kept as it is: only the windows begin at the start.
            made.global = made.axis.plan.read(value);
            made.greatest = made.global;
            if made.global.is_none() {
                made.axis.progress(stream, global)?;
            }
        }
        made.parents = state
            .get("parent_state")
            .filter(|parents| parents.as_object().is_some_and(|parents| !parents.is_empty()))
            .map(|parents| Arc::new(parents.clone()));
        Ok(made)
    }

    /// Where a partition without an own state begins.
    fn fresh(&self, stream: &Stream, partition: &Partition) -> Result<Progress, Failure> {
        if !self.legacy.is_empty() {
            let values =
                partition.keys.iter().filter(|(name, _)| *name != "parent_slice").map(|(_, value)| print_value(value));
            if let Some(state) = values.into_iter().find_map(|value| self.legacy.get(&value)) {
                return self.axis.progress(stream, Some(state));
            }
        }
        let state = self.global.map(|at| {
            let from = TimeDelta::try_seconds(self.lookback_secs).and_then(|back| at.checked_sub_signed(back));
            json!({&self.axis.field: self.axis.plan.write(from.unwrap_or(at))})
        });
        self.axis.progress(stream, state.as_ref())
    }

    fn open(
        &mut self,
        stream: &Stream,
        partition: &Arc<Partition>,
        parents: Option<Arc<Json>>,
    ) -> Result<VecDeque<Task>, Failure> {
        self.use_global |= self.count > MOST_PARTITIONS;
        let key: Arc<str> = Arc::from(canonical(&partition.keys));
        if !self.found.insert(print(&key)) {
            return Ok(VecDeque::new());
        }
        let tasks = if let Some(own) = self.own.get(&key) {
            self.axis.tasks(partition, &key, &own.progress)
        } else {
            let progress = self.fresh(stream, partition)?;
            self.count += 1;
            let tasks = self.axis.tasks(partition, &key, &progress);
            if !self.use_global {
                self.own.insert(Arc::clone(&key), Own { partition: sorted(&partition.keys), progress });
            }
            tasks
        };
        let index = self.next_index;
        self.next_index += 1;
        if let Some(parents) = parents
            && self.pending_parents.back().is_none_or(|(last, _)| !Arc::ptr_eq(last, &parents) && **last != *parents)
        {
            self.pending_parents.push_back((parents, index));
        }
        if !tasks.is_empty() {
            self.open.insert(key, Open { index, tasks: tasks.len() });
            self.open_indexes.insert(index);
        }
        Ok(tasks)
    }

    fn close(&mut self, task: &Task, window: Interval, now: DateTime<Utc>) -> bool {
        self.saw_records |= window.recent.is_some();
        self.greatest = self.greatest.max(window.recent);
        let over = match self.open.get_mut(&task.key) {
            Some(open) => {
                open.tasks -= 1;
                open.tasks == 0
            }
            None => false,
        };
        if !self.use_global
            && let Some(own) = self.own.get_mut(&task.key)
        {
            own.progress.close(&self.axis.plan, window);
            if over {
                self.greatest = self.greatest.max(Some(own.progress.recent(&self.axis.plan)));
            }
        }
        if over && let Some(open) = self.open.remove(&task.key) {
            self.open_indexes.remove(&open.index);
        }
        // A parent's state counts once no partition is open that was made before or with it.
        while let Some((_, index)) = self.pending_parents.front()
            && self.open_indexes.first().is_none_or(|open| open > index)
        {
            self.parents = self.pending_parents.pop_front().map(|(parents, _)| parents);
        }
        if self.told.is_some_and(|told| now - told <= STATE_EVERY) {
            return false;
        }
        self.told = Some(now);
        // One state for all says nothing new before the end, unless parents have moved on.
        let parents_moved = self.parents.as_ref().is_some_and(|it| it.as_object().is_some_and(|it| !it.is_empty()));
        !self.use_global || parents_moved
    }

    fn finish(&mut self, parents: Option<Arc<Json>>, now: DateTime<Utc>) {
        if !self.open.is_empty() {
            return;
        }
        if self.saw_records {
            self.global = self.greatest;
            let took = now - self.began;
            self.lookback_secs = (took.num_seconds() + i64::from(took.subsec_nanos() > 0)).max(1);
        }
        self.parents = parents;
    }

    fn state(&self) -> Json {
        let mut state = Map::from_iter([("use_global_cursor".to_owned(), Json::Bool(self.use_global))]);
        if !self.use_global {
            let one = |own: &Own| json!({"partition": own.partition, "cursor": own.progress.state(&self.axis.plan, &self.axis.field)});
            state.insert("states".to_owned(), self.own.values().map(one).collect());
        }
        if let Some(global) = self.global {
            state.insert("state".to_owned(), json!({&self.axis.field: self.axis.plan.write(global)}));
        }
        state.insert("lookback_window".to_owned(), Json::from(self.lookback_secs));
        if let Some(parents) = &self.parents {
            state.insert("parent_state".to_owned(), (**parents).clone());
        }
        Json::Object(state)
    }
}

/// A state of the older form `{"<value of the parent's key>": {cursor_field: value}}`.
fn legacy(stream: &Stream, state: &Json, field: &str) -> Option<HashMap<String, Json>> {
    let one_parent = match &stream.retriever.routers[..] {
        [Router::Substream(parents)] => parents.len() == 1,
        [Router::Union { .. }] => true,
        _ => false,
    };
    let state = state.as_object().filter(|_| one_parent)?;
    let fits = |value: &Json| value.as_object().is_some_and(|map| map.len() == 1 && map.contains_key(field));
    state.values().all(fits).then(|| state.iter().map(|(value, state)| (value.to_string(), state.clone())).collect())
}

fn whole(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn print_value(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A key's print: what was found is remembered for as long as the run lasts, so it must be small.
fn print(key: &str) -> u128 {
    let digest: [u8; 32] = Sha256::digest(key).into();
    digest.iter().take(16).fold(0, |print, byte| print << 8 | u128::from(*byte))
}

/// A partition as compact JSON with sorted keys: what it is recognised by in a state.
fn canonical(keys: &Map) -> String {
    sorted(keys).to_string()
}

fn canonical_value(value: &Json) -> String {
    sorted_value(value).to_string()
}

fn sorted(keys: &Map) -> Json {
    let mut entries: Vec<_> = keys.iter().collect();
    entries.sort_by_key(|(name, _)| *name);
    Json::Object(entries.into_iter().map(|(name, value)| (name.clone(), sorted_value(value))).collect())
}

fn sorted_value(value: &Json) -> Json {
    match value {
        Json::Object(map) => sorted(map),
        Json::Array(items) => items.iter().map(sorted_value).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use kit::{
        http::{Http, HttpOptions},
        session::CancellationToken,
    };

    #[test]
    fn more_than_ten_thousand_partitions_share_one_state() {
        let component = json!({
            "type": "DeclarativeStream", "name": "s",
            "incremental_sync": {"type": "DatetimeBasedCursor", "cursor_field": "at", "datetime_format": "%Y-%m-%d", "start_datetime": "2024-05-01", "end_datetime": "2024-06-01"},
            "retriever": {
                "type": "SimpleRetriever",
                "requester": {"type": "HttpRequester", "url_base": "https://a.example"},
                "record_selector": {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": []}},
                "partition_router": {"type": "ListPartitionRouter", "values": [], "cursor_field": "v"},
            },
        });
        let stream = crate::components::stream(&component, "streams/0").unwrap();
        let http = Http::new(HttpOptions::new("test", "account")).unwrap();
        let run = Run::new(json!({}), http, CancellationToken::new());
        let mut tracker = Tracker::new(&run, &stream, None, None).unwrap();
        let partition = |v: usize| Partition { keys: Map::from_iter([("v", Json::from(v))]), extra: Map::new() };
        for v in 0..10_002 {
            let tasks = tracker.open(&stream, partition(v), None).unwrap();
            let mut one = Seen::new(tasks[0].gauge.clone());
            one.look(&[json!({"at": "2024-05-20"})]);
            tracker.close(&tasks[0], &one, run.now);
            if v >= 10_000 {
                // The partition that is one too many is the first to see the switch.
                let states = tracker.state().unwrap()["states"].as_array().map(Vec::len);
                assert_eq!(states, (v == 10_000).then_some(10_001));
            }
            if v == 3 {
                assert!(tracker.open(&stream, partition(v), None).unwrap().is_empty(), "a partition is read once");
            }
        }
        tracker.finish(None, true, run.now);
        let state = json!({"use_global_cursor": true, "state": {"at": "2024-05-20"}, "lookback_window": 1});
        assert_eq!(tracker.state(), Some(state));
    }
}
