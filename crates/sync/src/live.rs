//! What a run under way is doing right now, in memory. The database learns of it slice by slice; screens learn of it five times a second.

use crate::courtesy::Courtesy;
use chrono::{DateTime, Utc};
use model::{
    failure::Failure,
    id::{ClientId, ConnectionId, RunId},
    run::{Progress, RunState},
};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};
use store::commit::Effort;
use tokio::time::Instant;

/// Something the screens should know.
#[derive(Debug, Clone)]
pub enum SyncEvent {
    /// A run moved or ended.
    Moved(Snapshot),
    /// Statistics or names of a client were committed.
    Committed(ClientId),
    /// The list of runs changed, or a connection's state did.
    Runs,
    /// Alerts changed.
    Alerts,
}

/// A run at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Which run.
    pub run_id: RunId,
    /// Of which connection.
    pub connection_id: ConnectionId,
    /// Of which client.
    pub client_id: ClientId,
    /// What it does.
    pub state: RunState,
    /// How far it is.
    pub progress: Progress,
    /// Until when it waits.
    pub waiting_until: Option<DateTime<Utc>>,
    /// Why it ended, while the database has no room to say so.
    pub failure: Option<Failure>,
}

/// The moving numbers of one run, shared by the source that reads, the writer of logs and the screens.
#[derive(Debug)]
pub struct Live {
    run_id: RunId,
    connection_id: ConnectionId,
    client_id: ClientId,
    state: Mutex<Moving>,
    /// Rows of all its slices that lie in memory.
    held: AtomicUsize,
    /// Slices being read.
    reading: AtomicUsize,
    courtesy: Arc<Courtesy>,
}

#[derive(Debug)]
struct Moving {
    state: RunState,
    progress: Progress,
    /// Rows of the slices being read: shown, but not yet durable.
    slice_rows: u64,
    waiting_until: Option<DateTime<Utc>>,
    failure: Option<Failure>,
    /// When this process began to read, and how many slices and rows were done by then: rates count from here.
    began: Option<(Instant, u32, u64)>,
}

impl Live {
    /// A run that has not begun.
    pub(crate) fn new(
        run_id: RunId,
        (connection_id, client_id): (ConnectionId, ClientId),
        progress: Progress,
        courtesy: Arc<Courtesy>,
    ) -> Self {
        let state = Moving {
            state: RunState::Queued,
            progress,
            slice_rows: 0,
            waiting_until: None,
            failure: None,
            began: None,
        };
        Self {
            run_id,
            connection_id,
            client_id,
            state: Mutex::new(state),
            held: AtomicUsize::new(0),
            reading: AtomicUsize::new(0),
            courtesy,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Moving> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection it reads.
    pub fn connection_id(&self) -> ConnectionId {
        self.connection_id
    }

    pub(crate) fn begin(&self) {
        let mut moving = self.lock();
        moving.began = Some((Instant::now(), moving.progress.slices_done, moving.progress.rows));
        moving.state = RunState::Running;
    }
    pub(crate) fn set_state(&self, state: RunState) {
        let mut moving = self.lock();
        moving.state = state;
        moving.waiting_until = None;
    }
    /// It has ended, and the database does not know it yet.
    pub(crate) fn end_untold(&self, state: RunState, failure: Option<Failure>) {
        self.set_state(state);
        self.lock().failure = failure;
    }
    pub(crate) fn wait_until(&self, until: DateTime<Utc>) {
        let mut moving = self.lock();
        moving.state = RunState::Waiting;
        moving.waiting_until = Some(until);
    }
    /// A request went out: nothing waits any more.
    pub(crate) fn requested(&self, retry: bool) {
        let mut moving = self.lock();
        moving.progress.requests += 1;
        moving.progress.retries += u64::from(retry);
        if moving.state == RunState::Waiting {
            moving.state = RunState::Running;
            moving.waiting_until = None;
        }
    }
    /// A slice is durable, or given up; it had shown so many rows.
    fn slice_over(&self, done: bool, rows: u64, quarantined: u64, shown: u64) {
        let mut moving = self.lock();
        moving.slice_rows = moving.slice_rows.saturating_sub(shown);
        if done {
            moving.progress.slices_done += 1;
            moving.progress.rows += rows;
            moving.progress.quarantined += quarantined;
        }
    }
    pub(crate) fn quarantined(&self) -> u64 {
        self.lock().progress.quarantined
    }

    /// The run at this moment, with its rate since this process began to read it.
    pub fn snapshot(&self) -> Snapshot {
        let moving = self.lock();
        let mut progress = moving.progress;
        progress.rows += moving.slice_rows;
        if let Some((since, slices, rows)) = moving.began {
            let secs = since.elapsed().as_secs_f64();
            let read = progress.rows.saturating_sub(rows);
            let done = progress.slices_done.saturating_sub(slices);
            if secs > 0.5 && !moving.state.is_over() {
                progress.rows_per_sec = Some(read as f64 / secs);
                let left = progress.slices_total.saturating_sub(progress.slices_done);
                progress.remaining_secs = (done > 0).then(|| secs / f64::from(done) * f64::from(left));
            }
        }
        Snapshot {
            run_id: self.run_id,
            connection_id: self.connection_id,
            client_id: self.client_id,
            state: moving.state,
            progress,
            waiting_until: moving.waiting_until,
            failure: moving.failure.clone(),
        }
    }
}

/// What one slice has of its run: slices are read side by side, and each is charged with its own.
#[derive(Debug)]
pub(crate) struct Share {
    live: Arc<Live>,
    requests: AtomicU64,
    retries: AtomicU64,
    /// Rows shown.
    rows: AtomicU64,
    /// Rows in memory.
    held: AtomicUsize,
}

impl Share {
    pub(crate) fn new(live: Arc<Live>) -> Self {
        live.reading.fetch_add(1, Ordering::Relaxed);
        Self {
            live,
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            held: AtomicUsize::new(0),
        }
    }
    /// Lets a person's press pass before anything new is begun.
    pub(crate) async fn give_way(&self) {
        self.live.courtesy.give_way().await;
    }
    /// A request of its own went out.
    pub(crate) fn requested(&self, retry: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.retries.fetch_add(u64::from(retry), Ordering::Relaxed);
    }
    /// What it took so far.
    pub(crate) fn effort(&self, began: DateTime<Utc>, now: DateTime<Utc>) -> Effort {
        let beside = self.live.reading.load(Ordering::Relaxed).max(1) as u64;
        Effort {
            requests: self.requests.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            millis: (now - began).num_milliseconds().unsigned_abs() / beside,
        }
    }
    pub(crate) fn collected(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.live.lock().slice_rows += rows;
    }
    /// So many of its rows lie in memory now; answers with those of the whole run.
    pub(crate) fn holds(&self, rows: usize) -> usize {
        let before = self.held.swap(rows, Ordering::Relaxed);
        let all = &self.live.held;
        if rows >= before {
            all.fetch_add(rows - before, Ordering::Relaxed) + (rows - before)
        } else {
            all.fetch_sub(before - rows, Ordering::Relaxed).saturating_sub(before - rows)
        }
    }
    /// It is durable, or given up.
    pub(crate) fn over(&self, done: bool, rows: u64, quarantined: u64) {
        self.holds(0);
        self.live.reading.fetch_sub(1, Ordering::Relaxed);
        self.live.slice_over(done, rows, quarantined, self.rows.load(Ordering::Relaxed));
    }
}
