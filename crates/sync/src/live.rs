//! What a run under way is doing right now, in memory. The database learns of it slice by slice; screens learn of it five times a second.

use chrono::{DateTime, Utc};
use model::{
    failure::Failure,
    id::{ClientId, ConnectionId, RunId},
    run::{Progress, RunState},
};
use std::sync::{Mutex, MutexGuard, PoisonError};
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
}

#[derive(Debug)]
struct Moving {
    state: RunState,
    progress: Progress,
    /// Rows of the slice being read: shown, but not yet durable.
    slice_rows: u64,
    waiting_until: Option<DateTime<Utc>>,
    failure: Option<Failure>,
    /// When this process began to read, and how many slices and rows were done by then: rates count from here.
    began: Option<(Instant, u32, u64)>,
}

impl Live {
    /// A run that has not begun.
    pub(crate) fn new(run_id: RunId, connection_id: ConnectionId, client_id: ClientId, progress: Progress) -> Self {
        let state = Moving {
            state: RunState::Queued,
            progress,
            slice_rows: 0,
            waiting_until: None,
            failure: None,
            began: None,
        };
        Self { run_id, connection_id, client_id, state: Mutex::new(state) }
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
    pub(crate) fn collected(&self, rows: u64) {
        self.lock().slice_rows += rows;
    }
    /// The slice is durable, or given up.
    pub(crate) fn slice_over(&self, done: bool, rows: u64, quarantined: u64) {
        let mut moving = self.lock();
        moving.slice_rows = 0;
        if done {
            moving.progress.slices_done += 1;
            moving.progress.rows += rows;
            moving.progress.quarantined += quarantined;
        }
    }
    /// Requests and repeated requests so far, to charge a slice with its share.
    pub(crate) fn traffic(&self) -> (u64, u64) {
        let moving = self.lock();
        (moving.progress.requests, moving.progress.retries)
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
