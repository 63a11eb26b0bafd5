//! One run from its first slice to its end. The kind of a failure decides what happens to the rest of the run.

use crate::{
    alerts,
    collect::{Collector, RecordCollector},
    engine::{Duty, Engine, Place, Wiring},
    live::{Live, Share, SyncEvent},
    plan, schedule,
    scribe::{self, Pen, SlicePen},
};
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, stream::FuturesUnordered};
use kit::{
    clock::Clock,
    session::Session,
    source::{Slice, Source, StreamKind},
};
use model::{
    connection::{Connection, ConnectionState},
    date::DateRange,
    failure::{Code, Failure, FailureKind},
    id::RunId,
    run::{RunState, RunTrigger, SliceState},
    shape::Shape,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use store::{
    Store,
    commit::{SliceCommit, SliceFailure},
    drifts::Looked,
    slices::Part,
};
use tokio_util::sync::CancellationToken;

/// Windows of one stream that are read side by side: while one waits for its platform, another one's answers are read. How many requests
/// go out is the budget's to say, and partitions within a window are the source's.
pub(crate) const SIDE_BY_SIDE: usize = 3;

/// How often an end that the disk has no room for is tried again.
const ROOM_AGAIN: Duration = Duration::from_millis(500);

pub(crate) struct Runner {
    pub(crate) engine: Engine,
    /// The duty during which it runs, and its handle: nothing is written through it after another program has taken over.
    pub(crate) duty: Arc<Duty>,
    pub(crate) store: Store,
    pub(crate) wiring: Arc<dyn Wiring>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tell: Arc<dyn Fn(SyncEvent) + Send + Sync>,
    pub(crate) id: RunId,
    /// Whether it steps aside for ordinary runs.
    pub(crate) long: bool,
    pub(crate) connection: Connection,
    pub(crate) live: Arc<Live>,
    pub(crate) cancel: CancellationToken,
    /// Whether it was stopped to be held.
    pub(crate) pause: Arc<AtomicBool>,
}

/// How long a run waits for the platform's own sums.
const PATIENCE_FOR_TOTALS: Duration = Duration::from_mins(1);

/// The form of a run's answers, by stream.
#[derive(Debug, Default)]
struct Looks(BTreeMap<String, (Shape, bool)>);

impl Looks {
    fn add(&mut self, stream: &str, seen: &Shape) {
        self.0.entry(stream.to_owned()).or_insert_with(|| (Shape::default(), true)).0.add(seen);
    }

    fn cut_short(&mut self, stream: &str) {
        if let Some((_, whole)) = self.0.get_mut(stream) {
            *whole = false;
        }
    }

    fn into_looked(self) -> Vec<Looked> {
        self.0.into_iter().map(|(stream, (seen, whole))| Looked { stream, seen, whole }).collect()
    }
}

/// What is left of a run after one of its slices failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// Other slices may well succeed.
    GoOn,
    /// They would fail for the same reason.
    GiveUp,
}

/// The one decision about a failed slice.
fn rest_of_run(failure: &Failure, records: bool) -> Rest {
    // Streams of records stand for themselves: a right or a setting that one of them lacks says nothing about its neighbours.
    if records && matches!(failure.code, Code::PermissionDenied | Code::ManifestInvalid | Code::StreamUnavailable) {
        return Rest::GoOn;
    }
    match failure.kind() {
        FailureKind::VendorChanged | FailureKind::OurFault => Rest::GoOn,
        FailureKind::SignInAgain
        | FailureKind::FixSettings
        | FailureKind::WaitUntil
        | FailureKind::Retry
        | FailureKind::Cancelled => Rest::GiveUp,
    }
}

/// Whether time alone mends it.
fn goes_over(failure: &Failure) -> bool {
    matches!(failure.kind(), FailureKind::Retry | FailureKind::WaitUntil)
}

/// Whether only a person mends it. Beside a platform that is down it is what has to be told: a dead sign-in would be as dead tomorrow.
fn needs_person(failure: &Failure) -> bool {
    matches!(failure.kind(), FailureKind::SignInAgain | FailureKind::FixSettings)
}

/// Whether a stream keeps records, and then whether it goes on where it stopped.
fn records_of(source: &dyn Source, stream: &str) -> Option<bool> {
    let found = source.descriptor().streams.iter().find(|described| described.name == stream);
    match found?.kind {
        StreamKind::Records { incremental } => Some(incremental),
        StreamKind::Dictionary { .. } | StreamKind::Statistics { .. } => None,
    }
}

/// A slice that is over, well or not.
struct Over {
    stream: String,
    /// The form of its answers.
    seen: Shape,
    result: Result<(), Failure>,
}

fn window_text(slice: &store::slices::Slice) -> String {
    slice.window.map(|window| format!("{}..{}", window.from(), window.to())).unwrap_or_default()
}

/// A slice that was begun.
#[derive(Clone, Copy)]
struct Taken<'a> {
    source: &'a dyn Source,
    session: &'a Session,
    slice: &'a store::slices::Slice,
    share: &'a Arc<Share>,
    began: DateTime<Utc>,
    pen: &'a Pen,
}

impl Runner {
    /// Runs to the end, or until it is held or parked, or until another program has taken over.
    pub(crate) async fn run(self) {
        let pen = scribe::start(
            self.store.clone(),
            self.id,
            &self.connection.connector,
            Arc::clone(&self.live),
            Arc::clone(&self.tell),
        );
        let result = self.slices(&pen).await;
        let ended_at = self.clock.now();
        let (state, failure) = match result {
            Ok(()) if self.live.quarantined() > 0 => (RunState::DoneWithRemarks, None),
            Ok(()) => (RunState::Done, None),
            Err(failure) if failure.kind() == FailureKind::Cancelled => {
                (if self.pause.load(Ordering::SeqCst) { RunState::Paused } else { RunState::Stopped }, None)
            }
            // A quota ends nothing: the rest is read when the platform allows it.
            Err(failure) if failure.kind() == FailureKind::WaitUntil => (RunState::Waiting, Some(failure)),
            Err(failure) => (RunState::Failed, Some(failure)),
        };
        let goes_on_at = match failure.as_ref().filter(|_| state == RunState::Waiting) {
            Some(quota) => Some(self.goes_on_at(quota, ended_at).await),
            None => None,
        };
        if let Some(failure) = failure.as_ref().filter(|_| state == RunState::Failed && !self.duty.is_over()) {
            tracing::warn!(run = %self.id, error = %failure, "a run failed");
            pen.line(ended_at, "failed", [("code", failure.code.to_string())]);
        }
        // Whatever a run meets after its duty has ended is not its end. What it has brought to an end by then is its own.
        let interrupted = !matches!(state, RunState::Done | RunState::DoneWithRemarks);
        if self.duty.is_over() && interrupted {
            return pen.end().await;
        }
        if state == RunState::Waiting {
            pen.line(ended_at, "waiting", []);
        } else {
            pen.line(ended_at, "ended", [("state", state.to_string())]);
        }
        pen.end().await;
        if let Some(failure) = failure.as_ref().filter(|failure| failure.kind() == FailureKind::SignInAgain) {
            if let Err(error) = self.wiring.signed_out(&self.connection, failure).await {
                tracing::warn!(%error, "a dead token could not be taken away");
            }
            if let Err(error) = self.store.set_connection_state(self.connection.id, ConnectionState::SignInNeeded).await
            {
                tracing::error!(%error, "the state of a connection could not be written");
            }
        }
        if let Err(error) = self.note_attempt(state, failure.as_ref(), ended_at).await {
            tracing::error!(%error, "when to try again could not be written; the schedule decides");
        }
        let state = loop {
            let written = match (&failure, goes_on_at) {
                (Some(quota), Some(until)) => self.store.park_run(self.id, quota, until, ended_at).await,
                _ if state == RunState::Paused => self.store.pause_run(self.id, ended_at).await.map(|()| state),
                _ => self.store.finish_run(self.id, state, failure.as_ref(), ended_at).await.map(|()| state),
            };
            let error = match written {
                Ok(state) => break state,
                Err(store::StoreError::OffDuty) => return,
                Err(error) => error,
            };
            tracing::error!(%error, "the end of a run could not be written; should the program quit, it goes on at the next start");
            if matches!(error, store::StoreError::NotFound { .. }) || self.duty.is_over() {
                break state;
            }
            // Nobody waits for ever for an end that has no room: until it has, it is told from memory.
            self.live.end_untold(state, failure.clone());
            (self.tell)(SyncEvent::Moved(self.live.snapshot()));
            tokio::time::sleep(ROOM_AGAIN).await;
        };
        match alerts::review(&self.store, &*self.wiring, self.connection.id, ended_at).await {
            Ok(true) => (self.tell)(SyncEvent::Alerts),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "alerts could not be looked at; they are again after the next run"),
        }
        // Only now: whoever sees that it is over finds in the database how it ended.
        match goes_on_at.filter(|_| state == RunState::Waiting) {
            Some(until) => self.live.wait_until(until),
            None => self.live.set_state(state),
        }
        (self.tell)(SyncEvent::Moved(self.live.snapshot()));
    }

    /// When this run goes on after its quota was used up.
    async fn goes_on_at(&self, quota: &Failure, now: DateTime<Utc>) -> DateTime<Utc> {
        let turn = match self.store.turn(self.connection.id).await {
            Ok(turn) => turn.next_at.filter(|_| self.long),
            Err(error) => {
                tracing::warn!(%error, "the next turn is not known; the parked run may go on before it");
                None
            }
        };
        schedule::goes_on_at(quota, self.connection.id, turn, now)
    }

    /// Says what this end means for the connection's next turn.
    async fn note_attempt(
        &self,
        state: RunState,
        failure: Option<&Failure>,
        now: DateTime<Utc>,
    ) -> Result<(), store::StoreError> {
        if matches!(state, RunState::Stopped | RunState::Paused | RunState::Waiting) {
            return Ok(());
        }
        if failure.is_none() && self.looked_back_far(now).await? {
            self.store.set_long_read(self.connection.id, now).await?;
        }
        let before = self.store.turn(self.connection.id).await?;
        let (failures, retry_at) = schedule::after_attempt(before.failures, failure.map_or(Ok(()), Err), now);
        self.store.set_attempts(self.connection.id, failures, retry_at).await
    }

    /// Whether every stream with days that is on was read as far back as it is once a week.
    async fn looked_back_far(&self, now: DateTime<Utc>) -> Result<bool, store::StoreError> {
        let Some(source) = self.wiring.source(&self.connection.connector) else { return Ok(false) };
        // Before a first load there is nothing to correct.
        if self.store.run(self.id).await?.trigger == RunTrigger::First {
            return Ok(true);
        }
        let today = model::date::today(now, &self.connection.time_zone);
        let slices = self.store.slices(self.id).await?;
        let max_history_days = source.descriptor().max_history_days;
        let far = source.descriptor().streams.iter().all(|stream| {
            let StreamKind::Statistics { lookback, .. } = stream.kind else { return true };
            if !stream.required && !self.connection.settings.reads(&stream.name) {
                return true;
            }
            let lookback = self.connection.settings.lookbacks.get(&stream.name).copied().unwrap_or(lookback);
            let read: Vec<DateRange> =
                slices.iter().filter(|slice| slice.stream == stream.name).filter_map(|slice| slice.window).collect();
            plan::is_long(&read, today, lookback.within(max_history_days))
        });
        Ok(far)
    }

    async fn slices(&self, pen: &Pen) -> Result<(), Failure> {
        let slices = self.store.slices(self.id).await?;
        let mut place = Some(self.place().await?);
        let source = self
            .wiring
            .source(&self.connection.connector)
            .ok_or_else(|| Failure::new(Code::NotFound).with("what", &self.connection.connector))?;
        let session = self.wiring.session(&self.connection, Arc::new(pen.clone()), self.cancel.clone()).await?;
        let mut looks = Looks::default();
        let read = self.each_slice(slices, (&*source, &session), pen, &mut looks, &mut place).await;
        self.compare_forms(looks, pen).await;
        read?;
        self.compare_totals(&*source, &session, pen).await
    }

    /// Asks the platform for its own sums of the days that were read, and says which are not ours. The rows are committed already: when
    /// the sums cannot be had, nothing is compared and the run is as good as before.
    async fn compare_totals(&self, source: &dyn Source, session: &Session, pen: &Pen) -> Result<(), Failure> {
        let level = self.store.totals_level(self.connection.id).await?;
        let read = self.store.slices(self.id).await?.into_iter();
        let days: Vec<DateRange> = read
            .filter(|slice| slice.state == SliceState::Done && slice.level == level)
            .filter(|slice| !matches!(slice.part, Part::Split(_)))
            .filter_map(|slice| slice.window)
            .collect();
        let Some(range) = days
            .iter()
            .copied()
            .reduce(|all, next| DateRange::new(all.from().min(next.from()), all.to().max(next.to())).unwrap_or(all))
        else {
            return Ok(());
        };
        // A wait for quota is worth it for rows, not for a check of them.
        let asked = tokio::time::timeout(PATIENCE_FOR_TOTALS, source.day_totals(session, range)).await;
        let now = self.clock.now();
        let totals = match asked {
            Ok(Ok(Some(totals))) => totals,
            Ok(Ok(None)) => return Ok(()),
            // A sign-in that is dead now would be dead in the next run: the person is told while all rows are there.
            Ok(Err(failure)) if matches!(failure.kind(), FailureKind::Cancelled | FailureKind::SignInAgain) => {
                return Err(failure);
            }
            Ok(Err(failure)) => {
                pen.line(now, "totals_unknown", [("code", failure.code.to_string())]);
                return Ok(());
            }
            Err(_) => {
                pen.line(now, "totals_unknown", [("code", Code::QuotaWait.to_string())]);
                return Ok(());
            }
        };
        self.store.put_day_totals(self.connection.id, &days, &totals, now).await?;
        let pairs = alerts::pairs(&self.store, &self.connection, now).await?.into_iter();
        for pair in pairs.filter(|pair| days.iter().any(|read| read.contains(pair.date))) {
            let Some(difference) = pair.difference() else { continue };
            pen.line(
                now,
                "totals_differ",
                [
                    ("date", pair.date.to_string()),
                    ("metric", difference.metric.to_owned()),
                    ("ours", difference.ours.to_string()),
                    ("theirs", difference.theirs.to_string()),
                ],
            );
        }
        Ok(())
    }

    /// Tells how the form of the answers changed; a stream with slices that were not read was not seen whole. What was read is committed
    /// already and stays, whatever becomes of this.
    async fn compare_forms(&self, mut looks: Looks, pen: &Pen) {
        let now = self.clock.now();
        let noted = async {
            for left in self.store.slices(self.id).await?.iter().filter(|slice| slice.state != SliceState::Done) {
                looks.cut_short(&left.stream);
            }
            self.store.note_shapes(self.id, &looks.into_looked(), now).await
        };
        match noted.await {
            Ok(0) | Err(store::StoreError::OffDuty) => {}
            Ok(changes) => pen.line(now, "form_changed", [("changes", changes.to_string())]),
            Err(error) => {
                tracing::error!(%error, "the form of a run's answers could not be compared; the next run compares it");
            }
        }
    }

    /// Reads what is left, in its order; of one stream several windows side by side. After a failure that ends the run nothing more is
    /// begun, and what is being read comes to its own end: what it has brought need not be read again.
    async fn each_slice(
        &self,
        slices: Vec<store::slices::Slice>,
        (source, session): (&dyn Source, &Session),
        pen: &Pen,
        looks: &mut Looks,
        place: &mut Option<Place>,
    ) -> Result<(), Failure> {
        let mut left: VecDeque<_> = slices.into_iter().filter(|slice| slice.state != SliceState::Done).collect();
        let mut reading = FuturesUnordered::new();
        // Names are read alone: what follows may need them.
        let mut stream_being_read = None;
        let (mut first_failure, mut end) = (None, None);
        loop {
            while end.is_none() && reading.len() < SIDE_BY_SIDE {
                let Some(next) = left.front() else { break };
                let own = next.window.is_some().then(|| next.stream.clone());
                if !reading.is_empty() && (own.is_none() || own != stream_being_read) {
                    break;
                }
                if self.cancel.is_cancelled() {
                    end = Some(Failure::new(Code::Cancelled));
                    break;
                }
                if self.engine.is_wanted(self.id) {
                    if !reading.is_empty() {
                        break;
                    }
                    self.step_aside(place).await?;
                }
                stream_being_read = own;
                if let Some(slice) = left.pop_front() {
                    reading.push(self.slice(source, session, slice, pen));
                }
            }
            let Some(over) = reading.next().await else { break };
            looks.add(&over.stream, &over.seen);
            let Err(failure) = over.result else { continue };
            if rest_of_run(&failure, records_of(source, &over.stream).is_some()) == Rest::GiveUp {
                // What ends the run is what has to be mended, whatever failed before it. Of several the first one was there first.
                if end.as_ref().is_none_or(|end| goes_over(end) && needs_person(&failure)) {
                    end = Some(failure);
                }
            } else {
                first_failure.get_or_insert(failure);
            }
        }
        end.or(first_failure).map_or(Ok(()), Err)
    }

    /// Lets somebody else have the place, and waits for one.
    async fn step_aside(&self, place: &mut Option<Place>) -> Result<(), Failure> {
        *place = None;
        self.store.set_run_state(self.id, RunState::Queued).await?;
        self.live.set_state(RunState::Queued);
        (self.tell)(SyncEvent::Moved(self.live.snapshot()));
        *place = Some(self.place().await?);
        Ok(())
    }

    /// Waits for a place, and says that it has one.
    async fn place(&self) -> Result<Place, Failure> {
        let place = self.engine.place(self.id, &self.connection.connector, self.long, &self.cancel).await;
        let place = place.ok_or_else(|| Failure::new(Code::Cancelled))?;
        self.store.set_run_state(self.id, RunState::Running).await?;
        self.live.begin();
        (self.tell)(SyncEvent::Moved(self.live.snapshot()));
        Ok(place)
    }

    /// Refuses an answer without one good row for days that have rows. Platforms were seen to answer "nothing" with status 200 during
    /// their own trouble, and a renamed field makes every row unreadable; either would wipe good numbers for nothing better. Corrections
    /// to zero come as rows, so an honest answer is not met by this.
    async fn believable(&self, slice: &store::slices::Slice, rows: &Collector) -> Result<(), Failure> {
        let Some(window) = slice.window.filter(|_| !rows.any_stats) else { return Ok(()) };
        // Splits have rows where something happened; that nothing did is an answer as long as nothing else came either.
        let nothing_came = matches!(slice.part, Part::Split(_)) && rows.rejected.is_empty();
        if nothing_came || self.store.stats_in_range(self.connection.id, slice.level, &slice.part, window).await? == 0 {
            return Ok(());
        }
        let what = rows.rejected.first().map_or(slice.stream.as_str(), |row| row.field.as_str());
        Err(Failure::new(Code::VendorChanged)
            .with("system", &self.connection.connector)
            .with("account", &self.connection.account_name)
            .with("what", what)
            .detail(format_args!("not one good row in {} for days that have rows", slice.stream)))
    }

    async fn slice(&self, source: &dyn Source, session: &Session, slice: store::slices::Slice, pen: &Pen) -> Over {
        let share = Arc::new(Share::new(Arc::clone(&self.live)));
        let session = session.watched_by(Arc::new(SlicePen { pen: pen.clone(), share: Arc::clone(&share) }));
        let began = self.clock.now();
        let mut seen = Shape::default();
        let committed = match self.store.begin_slice(self.id, slice.seq).await {
            Ok(()) => {
                pen.line(began, "slice_started", [("stream", slice.stream.clone()), ("window", window_text(&slice))]);
                let taken = Taken { source, session: &session, slice: &slice, share: &share, began, pen };
                match records_of(source, &slice.stream) {
                    Some(incremental) => self.records(taken, incremental, &mut seen).await,
                    None => self.rows(taken, &mut seen).await,
                }
            }
            Err(error) => Err(Failure::from(error)),
        };
        let result = self.told(&slice, committed, (began, &share), pen).await;
        Over { stream: slice.stream, seen, result }
    }

    /// Reads and commits a slice of names or of days.
    async fn rows(&self, taken: Taken<'_>, seen: &mut Shape) -> Result<(u64, u64), Failure> {
        let Taken { source, session, slice, share, pen, .. } = taken;
        let zero_rows = self.connection.settings.zero_rows;
        let mut rows = Collector::new(self.store.clone(), self.id, slice.seq, Arc::clone(share), zero_rows);
        let wanted = Slice { stream: slice.stream.clone(), window: slice.window };
        let read = source.read(session, &wanted, &mut rows).await;
        *seen = std::mem::take(&mut rows.seen);
        read?;
        self.believable(slice, &rows).await?;
        if self.cancel.is_cancelled() {
            return Err(Failure::new(Code::Cancelled));
        }
        let read_at = self.clock.now();
        let today = model::date::today(read_at, &self.connection.time_zone);
        let more = rows.rejected_more;
        if more > 0 {
            pen.line(read_at, "quarantine_full", [("more", more.to_string())]);
        }
        let commit = SliceCommit {
            run_id: self.id,
            slice_seq: slice.seq,
            objects: rows.objects,
            stats: rows.stats,
            rejected: rows.rejected,
            rejected_more: rows.lost_more,
            left_out: rows.left_out,
            read_at,
            final_before: plan::final_before(today, source.descriptor().final_after_days),
            effort: share.effort(taken.began, read_at),
        };
        share.give_way().await;
        let committed = self.store.commit_slice(commit).await?;
        Ok((committed.rows + committed.objects, committed.quarantined + more))
    }

    /// Reads a stream of records. What its source declared as reached is durable already when this ends, however it ends.
    async fn records(&self, taken: Taken<'_>, incremental: bool, seen: &mut Shape) -> Result<(u64, u64), Failure> {
        let Taken { source, session, slice, share, .. } = taken;
        let state = if incremental { self.store.stream_state(self.connection.id, &slice.stream).await? } else { None };
        let mut records = RecordCollector::new(
            self.store.clone(),
            (self.id, slice.seq),
            Arc::clone(share),
            Arc::clone(&self.clock),
            incremental,
            state,
        );
        let wanted = Slice { stream: slice.stream.clone(), window: slice.window };
        let read = source.read(session, &wanted, &mut records).await;
        *seen = std::mem::take(&mut records.seen);
        match read {
            Ok(()) => records.end(share.effort(taken.began, self.clock.now())).await,
            Err(failure) => {
                records.keep().await;
                Err(failure)
            }
        }
    }

    /// Says how a slice ended: to the log, the screens and, when it failed, the database.
    async fn told(
        &self,
        slice: &store::slices::Slice,
        committed: Result<(u64, u64), Failure>,
        (began, share): (DateTime<Utc>, &Share),
        pen: &Pen,
    ) -> Result<(), Failure> {
        let (now, window) = (self.clock.now(), window_text(slice));
        match committed {
            Ok((rows, quarantined)) => {
                share.over(true, rows, quarantined);
                pen.line(
                    now,
                    "slice_committed",
                    [
                        ("stream", slice.stream.clone()),
                        ("window", window),
                        ("rows", rows.to_string()),
                        ("quarantined", quarantined.to_string()),
                    ],
                );
                (self.tell)(SyncEvent::Committed(self.connection.client_id));
                Ok(())
            }
            Err(failure) => {
                share.over(false, 0, 0);
                if failure.kind() != FailureKind::Cancelled {
                    let failed = SliceFailure {
                        run_id: self.id,
                        slice_seq: slice.seq,
                        failure: failure.clone(),
                        tried_at: now,
                        effort: share.effort(began, now),
                    };
                    if let Err(error) = self.store.fail_slice(failed).await {
                        tracing::error!(%error, "the failure of a slice could not be written");
                    }
                }
                Err(failure)
            }
        }
    }
}
