//! Starts, queues, stops and resumes runs. A few run at the same time; one connection has one run at a time.
//!
//! A run that a dead process left behind goes on under its own id from the first slice that is not committed: that is why slices are
//! planned in the database before anything is read.

use crate::{
    live::{Live, Snapshot, SyncEvent},
    plan::{self, Reach},
    run::Runner,
};
use async_trait::async_trait;
use kit::{
    clock::Clock,
    observe::Observer,
    session::Session,
    source::{Source, StreamKind},
};
use model::{
    ad::Level,
    connection::Connection,
    date::DateRange,
    failure::{Code, Failure},
    id::{ConnectionId, RunId},
    run::{Progress, RunState, RunTrigger},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use store::{Scope, Store, runs::NewRun, slices::NewSlice};
use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Runs that read at the same time: enough to hide one platform's slowness, few enough for two cores.
const WORKERS: usize = 3;
/// How many of them may be first loads and days that are collected again. One place is always left for what is new today: a person who
/// fills up a year for twenty clients still has this morning's numbers this morning.
const LONG_WORKERS: usize = WORKERS - 1;
/// How long quitting waits for runs to stop by themselves.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the rooms above lend: connectors by name, and a session for a connection.
#[async_trait]
pub trait Wiring: Send + Sync {
    /// The connector with this id.
    fn source(&self, connector: &str) -> Option<Arc<dyn Source>>;
    /// A session with the connection's credentials, watched by `observer`, ended by `cancel`.
    async fn session(
        &self,
        connection: &Connection,
        observer: Arc<dyn Observer>,
        cancel: CancellationToken,
    ) -> Result<Session, Failure>;
}

/// The engine of one open workspace. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    wiring: Arc<dyn Wiring>,
    clock: Arc<dyn Clock>,
    tell: Arc<dyn Fn(SyncEvent) + Send + Sync>,
    workers: Arc<Semaphore>,
    long_workers: Arc<Semaphore>,
    active: Mutex<HashMap<RunId, Active>>,
    /// Set when the program quits: runs then stop without an end, so that the next start goes on with them.
    quitting: AtomicBool,
}

struct Active {
    live: Arc<Live>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Engine {
    /// An engine that runs nothing yet.
    pub fn new(
        store: Store,
        wiring: Arc<dyn Wiring>,
        clock: Arc<dyn Clock>,
        tell: Arc<dyn Fn(SyncEvent) + Send + Sync>,
    ) -> Self {
        let inner = Inner {
            store,
            wiring,
            clock,
            tell,
            workers: Arc::new(Semaphore::new(WORKERS)),
            long_workers: Arc::new(Semaphore::new(LONG_WORKERS)),
            active: Mutex::default(),
            quitting: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    fn active(&self) -> MutexGuard<'_, HashMap<RunId, Active>> {
        self.inner.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with the runs that a dead or quitted process left behind. Call once after opening.
    pub async fn resume(&self) -> Result<Vec<RunId>, Failure> {
        let mut resumed = Vec::new();
        for run in self.inner.store.unfinished_runs(Scope::Portfolio).await? {
            let connection = self.inner.store.connection(run.connection_id).await?;
            if self.inner.wiring.source(&connection.connector).is_none() {
                let gone = Failure::new(Code::NotFound).with("what", &connection.connector);
                self.inner.store.finish_run(run.id, RunState::Failed, Some(&gone), self.inner.clock.now()).await?;
                continue;
            }
            // What was read in memory when the process died was not durable: counters come from committed slices.
            self.spawn(run.id, connection, run.trigger, run.progress);
            resumed.push(run.id);
        }
        Ok(resumed)
    }

    /// Plans and starts a run. A connection that runs already answers with that run, unless other days are asked for.
    pub async fn start(
        &self,
        connection_id: ConnectionId,
        trigger: RunTrigger,
        asked: Option<DateRange>,
    ) -> Result<RunId, Failure> {
        self.start_days(connection_id, trigger, asked.as_slice()).await
    }

    /// [`Engine::start`] for days that do not all follow each other. Without any it is an ordinary run.
    pub async fn start_days(
        &self,
        connection_id: ConnectionId,
        trigger: RunTrigger,
        asked: &[DateRange],
    ) -> Result<RunId, Failure> {
        if let Some(running) = self.run_of(connection_id) {
            let ending = self.active().get(&running).is_none_or(|active| active.live.snapshot().state.is_over());
            if !ending {
                return if asked.is_empty() { Ok(running) } else { Err(Failure::new(Code::AlreadyRunning)) };
            }
            // Its end is told already; whoever starts again at once means a new run, not the one that has just failed.
            self.finished(running).await;
        }
        let connection = self.inner.store.connection(connection_id).await?;
        let source = self
            .inner
            .wiring
            .source(&connection.connector)
            .ok_or_else(|| Failure::new(Code::NotFound).with("what", &connection.connector))?;
        let slices = self.plan(&connection, &*source, asked).await?;
        let windows = slices.iter().filter_map(|slice| slice.window);
        let range = windows.reduce(|all, window| {
            DateRange::new(all.from().min(window.from()), all.to().max(window.to())).unwrap_or(all)
        });
        let id = RunId::new();
        let started_at = self.inner.clock.now();
        let run = NewRun { id, connection_id, trigger, range, state: RunState::Queued, started_at };
        self.inner.store.create_run(&run).await?;
        self.inner.store.plan_slices(id, &slices).await?;
        let total = u32::try_from(slices.len()).unwrap_or(u32::MAX);
        self.spawn(id, connection, trigger, Progress { slices_total: total, ..Progress::default() });
        (self.inner.tell)(SyncEvent::Runs);
        Ok(id)
    }

    /// Stops a run: what is committed stays, what was being read is dropped. Returns when it has stopped.
    pub async fn cancel(&self, id: RunId) -> Result<(), Failure> {
        let token = self.active().get(&id).map(|active| active.cancel.clone());
        let Some(token) = token else {
            return if self.inner.store.run(id).await?.state.is_over() { Ok(()) } else { Err(not_running()) };
        };
        token.cancel();
        self.finished(id).await;
        Ok(())
    }

    /// Waits until a run is over, however it ends.
    pub async fn finished(&self, id: RunId) {
        while self.active().contains_key(&id) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Says that something about runs to come has changed.
    pub(crate) fn tell_screens(&self) {
        (self.inner.tell)(SyncEvent::Runs);
    }

    /// The runs of this process at this moment.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        self.active().values().map(|active| active.live.snapshot()).collect()
    }

    /// The run of a connection, if one is under way or queued.
    pub fn run_of(&self, connection: ConnectionId) -> Option<RunId> {
        self.active().iter().find(|(_, active)| active.live.connection_id() == connection).map(|(id, _)| *id)
    }

    /// Stops everything for quitting; the runs go on at the next start.
    pub async fn shutdown(&self) {
        self.inner.quitting.store(true, Ordering::SeqCst);
        let tasks: Vec<_> = self.active().drain().map(|(_, active)| (active.cancel, active.task)).collect();
        for (cancel, _) in &tasks {
            cancel.cancel();
        }
        for (_, mut task) in tasks {
            if tokio::time::timeout(PATIENCE, &mut task).await.is_err() {
                task.abort();
            }
        }
    }

    async fn plan(
        &self,
        connection: &Connection,
        source: &dyn Source,
        asked: &[DateRange],
    ) -> Result<Vec<NewSlice>, Failure> {
        let descriptor = source.descriptor();
        let chosen = self.inner.store.streams(connection.id).await?;
        let cursors = self.inner.store.cursors(connection.id).await?;
        let now = self.inner.clock.now();
        let today = model::date::today(now, &connection.time_zone);
        let long_read_at = self.inner.store.turn(connection.id).await?.long_read_at;
        let lookback_days = plan::lookback(connection.lookback_days, descriptor.final_after_days, long_read_at, now);
        let mut planned = Vec::new();
        for stream in &descriptor.streams {
            if !stream.required && !chosen.iter().any(|choice| choice.name == stream.name && choice.on) {
                continue;
            }
            let (level, ranges) = match stream.kind {
                // A dictionary has no days; one day stands in for "now".
                StreamKind::Dictionary { level } => (level, vec![DateRange::day(today)]),
                // Records have neither level nor days; where their stream stands is asked when they are read.
                StreamKind::Records { .. } => (Level::Account, vec![DateRange::day(today)]),
                StreamKind::Statistics { level } => {
                    let cursor = cursors.iter().find(|cursor| cursor.stream == stream.name);
                    let reach = Reach {
                        today,
                        data_through: cursor.and_then(|cursor| cursor.data_through),
                        lookback_days,
                        first_load_days: connection.first_load_days,
                        max_history_days: descriptor.max_history_days,
                    };
                    let ranges = match asked {
                        [] => reach.ordinary().into_iter().collect(),
                        asked => asked.iter().filter_map(|asked| reach.recollect(*asked)).collect(),
                    };
                    (level, ranges)
                }
            };
            for range in ranges {
                for slice in source.slices(&stream.name, range)? {
                    planned.push(NewSlice { stream: slice.stream, level, window: slice.window });
                }
            }
        }
        Ok(planned)
    }

    fn spawn(&self, id: RunId, connection: Connection, trigger: RunTrigger, progress: Progress) {
        let cancel = CancellationToken::new();
        let live = Arc::new(Live::new(id, connection.id, connection.client_id, progress));
        let engine = self.clone();
        let (token, shared) = (cancel.clone(), Arc::clone(&live));
        // The map is locked until the task is in it, so that a task that ends at once still finds itself there.
        let mut active = self.active();
        let task = tokio::spawn(async move {
            engine.work(id, connection, trigger, shared, token).await;
            engine.active().remove(&id);
            (engine.inner.tell)(SyncEvent::Runs);
        });
        active.insert(id, Active { live, cancel, task });
    }

    async fn work(
        &self,
        id: RunId,
        connection: Connection,
        trigger: RunTrigger,
        live: Arc<Live>,
        cancel: CancellationToken,
    ) {
        let long = matches!(trigger, RunTrigger::First | RunTrigger::Recollect);
        let admission = async {
            let among_long = if long { Some(self.inner.long_workers.acquire().await.ok()?) } else { None };
            Some((among_long, self.inner.workers.acquire().await.ok()?))
        };
        let permit = tokio::select! {
            permit = admission => permit,
            () = cancel.cancelled() => None,
        };
        let runner = Runner {
            store: self.inner.store.clone(),
            wiring: Arc::clone(&self.inner.wiring),
            clock: Arc::clone(&self.inner.clock),
            tell: Arc::clone(&self.inner.tell),
            id,
            connection,
            live,
            cancel,
        };
        runner.run(permit.is_some(), &self.inner.quitting).await;
    }
}

fn not_running() -> Failure {
    Failure::new(Code::NotFound).with("what", "run")
}
