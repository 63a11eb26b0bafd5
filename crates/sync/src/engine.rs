//! Starts, queues, holds, stops and resumes runs. A few run at the same time; one connection is read by one run at a time.
//!
//! What is asked for is written to the database, by whichever program a person uses, and taken up by the program on duty
//! ([`Engine::take`], [`Engine::look`]): that is how two programs share one workspace. A run that a dead program left behind goes on under
//! its own id from the first slice that is not committed, because slices are planned in the database before anything is read.
//!
//! A run whose platform allows no more for long is parked: it gives its place away and rests in the database until the moment the platform
//! named, and the next look after it takes it up like any other.
//!
//! Long runs (first loads, days collected again) leave room for what is new: they take fewer places among the workers, and between two
//! slices they step aside for an ordinary run of their own connection.

use crate::{
    courtesy::Courtesy,
    estimate::{Estimate, estimate},
    live::{Live, Snapshot, SyncEvent},
    plan::{self, Reach},
    run::Runner,
};
use async_trait::async_trait;
use kit::{
    budget::WindowSnapshot,
    clock::Clock,
    observe::Observer,
    session::Session,
    source::{Source, StreamKind},
};
use model::{
    ad::Level,
    connection::{Connection, ConnectionState},
    date::DateRange,
    failure::{Code, Failure, FailureKind},
    id::{ClientId, ConnectionId, RunId},
    run::{RunState, RunTrigger, SliceState},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use store::{
    Scope, Store,
    runs::{NewRun, Run, RunEnd, RunQuery, Wish},
    slices::NewSlice,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// Runs that read at the same time. Nearly all of a run is waiting for its platform, so there are more of them than cores.
const WORKERS: usize = 12;
/// How many of them may be of one system: a platform that makes reports for minutes holds up its own accounts and no other system's.
const OF_A_SYSTEM: usize = 3;
/// How many of them may be first loads and days that are collected again, of all systems and of one. A place is always left for what is
/// new today: a person who fills up a year for twenty clients still has this morning's numbers this morning.
const LONG: usize = WORKERS - 2;
const LONG_OF_A_SYSTEM: usize = OF_A_SYSTEM - 1;
/// How long quitting waits for runs to stop by themselves.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks of somebody who waits for another run of this program.
const GLANCE: Duration = Duration::from_millis(20);
/// How long a person who asked something of a run waits for another program to do it. It is done later all the same.
const ANSWER: Duration = Duration::from_secs(5);

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
    /// The platform let the connection in no more, for this reason: its dead tokens are taken away.
    async fn signed_out(&self, connection: &Connection, failure: &Failure) -> Result<(), Failure>;
    /// Takes up what the program that was on duty before has left, before anything runs.
    async fn take_over(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// What a run is to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// These days, which need not follow each other; none: what is missing, and the lookback.
    pub days: Vec<DateRange>,
    /// These streams; `None`: all that are on.
    pub streams: Option<Vec<String>>,
}

impl Asked {
    /// What is due.
    pub fn due() -> Self {
        Self::default()
    }
    /// These days of every stream.
    pub fn days(days: DateRange) -> Self {
        Self { days: vec![days], streams: None }
    }
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
    workers: Places,
    /// By system.
    lanes: Mutex<HashMap<String, Places>>,
    active: Mutex<HashMap<RunId, Active>>,
    duty: Mutex<Option<Arc<Duty>>>,
    /// Whether parked runs stay where they are, though their platform allows more.
    holds_parked: AtomicBool,
    courtesy: Arc<Courtesy>,
    /// Held while runs are taken up, so that two who look do not take up one run twice.
    looking: tokio::sync::Mutex<()>,
}

/// The time during which this program is on duty.
pub(crate) struct Duty {
    /// The handle through which its runs write.
    pub(crate) store: Store,
    /// Set when it ends: runs then stop without an end, so that whoever is on duty next goes on with them.
    over: AtomicBool,
}

impl Duty {
    /// Whether its runs are somebody else's business now.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst) || self.store.off_duty()
    }
}

struct Active {
    live: Arc<Live>,
    long: bool,
    /// Whether it has its place among the workers, and its connection to itself.
    reading: bool,
    cancel: CancellationToken,
    /// Whether it was stopped to be held.
    pause: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

/// Places for runs, of which some may be long ones.
#[derive(Clone)]
struct Places {
    all: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

impl Places {
    fn new(all: usize, long: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), long: Arc::new(Semaphore::new(long)) }
    }

    /// Waits for one.
    async fn take(&self, long: bool) -> Option<(Option<OwnedSemaphorePermit>, OwnedSemaphorePermit)> {
        let among_long = if long { Some(Arc::clone(&self.long).acquire_owned().await.ok()?) } else { None };
        Some((among_long, Arc::clone(&self.all).acquire_owned().await.ok()?))
    }
}

/// A place among the workers, and a connection to oneself; given back when it is dropped.
pub(crate) struct Place {
    engine: Engine,
    run: RunId,
    _permits: [(Option<OwnedSemaphorePermit>, OwnedSemaphorePermit); 2],
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(active) = self.engine.active().get_mut(&self.run) {
            active.reading = false;
        }
    }
}

impl Engine {
    /// An engine that runs nothing until it is on duty.
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
            workers: Places::new(WORKERS, LONG),
            lanes: Mutex::default(),
            active: Mutex::default(),
            duty: Mutex::default(),
            holds_parked: AtomicBool::new(false),
            courtesy: Arc::default(),
            looking: tokio::sync::Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    fn active(&self) -> MutexGuard<'_, HashMap<RunId, Active>> {
        self.inner.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn duty(&self) -> MutexGuard<'_, Option<Arc<Duty>>> {
        self.inner.duty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on duty with the handle of the lease, and takes up the runs that the program before left behind.
    pub async fn take(&self, store: Store) -> Result<Vec<RunId>, Failure> {
        store.clear_staged().await?;
        self.inner.wiring.take_over().await?;
        *self.duty() = Some(Arc::new(Duty { store, over: AtomicBool::new(false) }));
        self.look().await
    }

    /// The handle of the present duty; `None` when another program is on duty.
    pub fn on_duty(&self) -> Option<Store> {
        self.duty().as_ref().filter(|duty| !duty.is_over()).map(|duty| duty.store.clone())
    }

    /// Says that rows of a client were written.
    pub(crate) fn tell_of_rows(&self, client: ClientId) {
        (self.inner.tell)(SyncEvent::Committed(client));
    }

    /// Says that alerts have changed.
    pub(crate) fn tell_of_alerts(&self) {
        (self.inner.tell)(SyncEvent::Alerts);
    }

    /// Goes off duty, to quit or because another program has taken over: runs stop without an end and go on elsewhere or at the next
    /// start. Returns the handle of the duty that has ended.
    pub async fn leave(&self) -> Option<Store> {
        let _nobody_looks = self.inner.looking.lock().await;
        let duty = self.duty().take()?;
        duty.over.store(true, Ordering::SeqCst);
        let tasks: Vec<_> = self.active().drain().map(|(_, active)| (active.cancel, active.task)).collect();
        for (cancel, _) in &tasks {
            cancel.cancel();
        }
        for (_, mut task) in tasks {
            if tokio::time::timeout(PATIENCE, &mut task).await.is_err() {
                task.abort();
            }
        }
        Some(duty.store.clone())
    }

    /// Takes up what was asked for, here or in another program: runs that wait, and what is wished of those under way. Nothing happens
    /// off duty. Answers with the runs that were taken up.
    pub async fn look(&self) -> Result<Vec<RunId>, Failure> {
        let _one_at_a_time = self.inner.looking.lock().await;
        let Some(duty) = self.duty().clone() else { return Ok(Vec::new()) };
        let mut taken = Vec::new();
        let now = self.inner.clock.now();
        let mut runs = duty.store.unfinished_runs(Scope::Portfolio).await?;
        runs.sort_by_key(|run| run.trigger.is_long());
        for run in runs {
            let held = self.inner.holds_parked.load(Ordering::SeqCst);
            let rests = run.is_parked() && (held || run.waiting_until.is_some_and(|until| until > now));
            if let Some(wish) = run.wish {
                self.grant(&duty, &run, wish).await?;
            } else if run.state != RunState::Paused && !rests {
                if self.is_leaving(run.id) {
                    self.finished(run.id).await;
                }
                if !duty.is_over() && !self.active().contains_key(&run.id) {
                    taken.extend(self.take_up(&duty, run).await?);
                }
            }
        }
        if !taken.is_empty() {
            self.tell_screens();
        }
        Ok(taken)
    }

    /// Whether a run was put down and has not left yet. One that was held and is let go again at once is met so, and nobody would look for
    /// it a second time.
    fn is_leaving(&self, run: RunId) -> bool {
        self.active().get(&run).is_some_and(|own| own.cancel.is_cancelled())
    }

    async fn take_up(&self, duty: &Arc<Duty>, run: Run) -> Result<Option<RunId>, Failure> {
        let connection = match duty.store.connection(run.connection_id).await {
            // Deleted between the two questions, and the run with it.
            Err(store::StoreError::NotFound { .. }) => return Ok(None),
            connection => connection?,
        };
        if self.inner.wiring.source(&connection.connector).is_none() {
            let gone = Failure::new(Code::NotFound).with("what", &connection.connector);
            duty.store.finish_run(run.id, RunState::Failed, Some(&gone), self.inner.clock.now()).await?;
            return Ok(None);
        }
        let run = if run.is_parked() {
            // Nothing can be read for a connection that is off or not signed in: it rests until that is mended.
            if connection.state != ConnectionState::Active {
                return Ok(None);
            }
            self.unpark(&duty.store, run, &connection).await?
        } else {
            run
        };
        // What was read in memory when a program died was not durable: counters come from committed slices.
        self.spawn(Arc::clone(duty), &run, connection);
        Ok(Some(run.id))
    }

    /// Lets a parked run go on; an ordinary one also with what has come due since, because it stands for the turns that found it waiting.
    async fn unpark(&self, store: &Store, run: Run, connection: &Connection) -> Result<Run, Failure> {
        if !run.trigger.is_long()
            && let Err(failure) = self.plan_since(&run, connection).await
        {
            tracing::warn!(run = %run.id, error = %failure, "what has come due meanwhile waits for the next turn");
        }
        store.unpark_run(run.id, self.inner.clock.now()).await?;
        Ok(store.run(run.id).await?)
    }

    /// Adds to a run of an earlier day what has come due since and is not among its slices.
    async fn plan_since(&self, run: &Run, connection: &Connection) -> Result<(), Failure> {
        let began = model::date::today(run.started_at, &connection.time_zone);
        if model::date::today(self.inner.clock.now(), &connection.time_zone) <= began {
            return Ok(());
        }
        let mut left = self.inner.store.slices(run.id).await?;
        left.retain(|slice| slice.state != SliceState::Done);
        let mut due = self.plan(connection, &Asked::due()).await?;
        due.retain(|new| !left.iter().any(|old| old.stream == new.stream && covers(old.window, new.window)));
        self.inner.store.plan_slices(run.id, &due).await?;
        Ok(())
    }

    /// Does what is wished of a run.
    async fn grant(&self, duty: &Duty, run: &Run, wish: Wish) -> Result<(), Failure> {
        if let Some(active) = self.active().get(&run.id) {
            active.pause.store(wish == Wish::Pause, Ordering::SeqCst);
            active.cancel.cancel();
            return Ok(());
        }
        let now = self.inner.clock.now();
        match wish {
            Wish::Stop => duty.store.finish_run(run.id, RunState::Stopped, None, now).await?,
            Wish::Pause => duty.store.pause_run(run.id, now).await?,
        }
        self.tell_screens();
        Ok(())
    }

    /// Plans a run and asks for it. A connection that has one of the kind (long or not) under way answers with that run, unless days or
    /// streams are asked for.
    pub async fn start(
        &self,
        connection_id: ConnectionId,
        trigger: RunTrigger,
        asked: Asked,
    ) -> Result<RunId, Failure> {
        let connection = self.inner.store.connection(connection_id).await?;
        let slices = self.plan(&connection, &asked).await?;
        let windows = slices.iter().filter_map(|slice| slice.window);
        let range = windows.reduce(|all, window| {
            DateRange::new(all.from().min(window.from()), all.to().max(window.to())).unwrap_or(all)
        });
        let (id, started_at) = (RunId::new(), self.inner.clock.now());
        let particular = asked != Asked::due();
        let run =
            NewRun { id, connection_id, trigger, range, streams: asked.streams, state: RunState::Queued, started_at };
        if let Some(there) = self.inner.store.ask_run(&run, &slices).await? {
            if particular {
                return Err(Failure::new(Code::AlreadyRunning));
            }
            if trigger == RunTrigger::Schedule {
                // It may have been asked for in another program a moment ago.
                self.look().await?;
            } else {
                self.release(there).await?;
            }
            return Ok(there);
        }
        self.look().await?;
        self.tell_screens();
        Ok(id)
    }

    /// Goes on with the run that ended because the connection was let in no more: its committed slices stay, all others are read, and with
    /// them what has come due since. `None` when there is nothing to go on with.
    pub async fn go_on(&self, connection_id: ConnectionId) -> Result<Option<RunId>, Failure> {
        let store = &self.inner.store;
        let under_way = store.unfinished_runs(Scope::Portfolio).await?;
        if under_way.iter().any(|run| run.connection_id == connection_id && !run.is_parked()) {
            return Ok(None);
        }
        let newest = RunQuery {
            scope: Scope::Portfolio,
            connection_id: Some(connection_id),
            end: RunEnd::All,
            before: None,
            limit: 1,
        };
        let stopped = store.runs(newest).await?.into_iter().next().filter(|run| {
            let let_in = run.failure.as_ref().is_none_or(|failure| failure.kind() != FailureKind::SignInAgain);
            run.state == RunState::Failed && !let_in
        });
        let connection = store.connection(connection_id).await?;
        let Some(run) = stopped.filter(|_| self.inner.wiring.source(&connection.connector).is_some()) else {
            return Ok(None);
        };
        self.plan_since(&run, &connection).await?;
        store.set_run_state(run.id, RunState::Queued).await?;
        self.look().await?;
        self.tell_screens();
        Ok(Some(run.id))
    }

    /// From now on, parked runs go on by themselves when their platform allows more, or stay parked until a person wants them.
    pub(crate) fn hold_parked(&self, hold: bool) {
        self.inner.holds_parked.store(hold, Ordering::SeqCst);
    }

    /// Lets a parked run go on that nothing but this computer holds up any more.
    pub(crate) async fn release(&self, id: RunId) -> Result<(), Failure> {
        let run = self.inner.store.run(id).await?;
        if run.is_parked() && run.waiting_until.is_none_or(|until| until <= self.inner.clock.now()) {
            let connection = self.inner.store.connection(run.connection_id).await?;
            self.unpark(&self.inner.store, run, &connection).await?;
        }
        self.look().await?;
        Ok(())
    }

    /// Stops a run: what is committed stays, what was being read is dropped. Returns when it has stopped; when another program is on
    /// duty and does not answer, the wish stays and this returns.
    pub async fn cancel(&self, id: RunId) -> Result<(), Failure> {
        self.wish(id, Wish::Stop).await
    }

    /// Holds a run until [`Engine::resume`]: it gives its place away and stays held over restarts. What is committed stays.
    pub async fn pause(&self, id: RunId) -> Result<(), Failure> {
        self.wish(id, Wish::Pause).await
    }

    /// Lets a held run wait for its turn again.
    pub async fn resume(&self, id: RunId) -> Result<(), Failure> {
        if !self.inner.store.resume_run(id).await? && self.inner.store.run(id).await?.state.is_over() {
            return Err(Failure::new(Code::NotFound).with("what", "run"));
        }
        self.look().await?;
        self.tell_screens();
        Ok(())
    }

    /// Stops every run of a connection that is about to go.
    pub async fn stop_all(&self, connection: ConnectionId) -> Result<(), Failure> {
        for run in self.inner.store.unfinished_runs(Scope::Portfolio).await? {
            if run.connection_id == connection {
                self.cancel(run.id).await?;
            }
        }
        Ok(())
    }

    async fn wish(&self, id: RunId, wish: Wish) -> Result<(), Failure> {
        if !self.inner.store.wish_run(id, wish).await? {
            // It has ended meanwhile, or there never was one.
            return self.inner.store.run(id).await.map(drop).map_err(Failure::from);
        }
        self.look().await?;
        let asked = tokio::time::Instant::now();
        while asked.elapsed() < ANSWER || self.on_duty().is_some() {
            if !self.active().contains_key(&id) {
                if self.inner.store.run(id).await?.wish.is_none() {
                    break;
                }
                // It was put down by itself before it could hear.
                self.look().await?;
            }
            tokio::time::sleep(GLANCE).await;
        }
        self.tell_screens();
        Ok(())
    }

    /// Waits until a run of this program is over, however it ends.
    pub async fn finished(&self, id: RunId) {
        while self.active().contains_key(&id) {
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// A person presses something in the window: for a moment the runs of this program begin nothing new.
    pub fn pressed(&self) {
        self.inner.courtesy.pressed();
    }

    /// Says that something about runs to come has changed.
    pub(crate) fn tell_screens(&self) {
        (self.inner.tell)(SyncEvent::Runs);
    }

    /// The runs of this program at this moment; those of another one are known from the database.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        self.active().values().map(|active| active.live.snapshot()).collect()
    }

    /// Whether an ordinary run of a connection is under way or queued in this program.
    pub(crate) fn is_fresh(&self, connection: ConnectionId) -> bool {
        self.active().values().any(|active| !active.long && active.live.connection_id() == connection)
    }

    /// Waits for a place among the workers; `None` when the run is stopped before.
    pub(crate) async fn place(
        &self,
        run: RunId,
        system: &str,
        long: bool,
        cancel: &CancellationToken,
    ) -> Option<Place> {
        let lane = {
            let mut lanes = self.inner.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            let lane = lanes.entry(system.to_owned()).or_insert_with(|| Places::new(OF_A_SYSTEM, LONG_OF_A_SYSTEM));
            lane.clone()
        };
        let wait = async {
            loop {
                while !self.enter(run, false) {
                    tokio::time::sleep(GLANCE).await;
                }
                // First among its own: who waits for others of its system keeps nobody else from a place.
                let permits = [lane.take(long).await?, self.inner.workers.take(long).await?];
                if self.enter(run, true) {
                    return Some(Place { engine: self.clone(), run, _permits: permits });
                }
            }
        };
        tokio::select! {
            place = wait => place,
            () = cancel.cancelled() => None,
        }
    }

    /// Whether a run may read its connection now; if so and if it `takes` it, nobody else may.
    fn enter(&self, run: RunId, takes: bool) -> bool {
        let mut active = self.active();
        let Some(own) = active.get(&run) else { return false };
        let (connection, long) = (own.live.connection_id(), own.long);
        let mut others = active.iter().filter(|(id, other)| **id != run && other.live.connection_id() == connection);
        let free = others.all(|(_, other)| !other.reading && (other.long || !long));
        if let Some(own) = active.get_mut(&run).filter(|_| free && takes) {
            own.reading = true;
        }
        free
    }

    /// Whether an ordinary run waits for this long one to step aside.
    pub(crate) fn is_wanted(&self, run: RunId) -> bool {
        let active = self.active();
        let Some(own) = active.get(&run).filter(|own| own.long) else { return false };
        active.values().any(|other| !other.long && other.live.connection_id() == own.live.connection_id())
    }

    /// What such a run would take if it started now; `windows` are those of the account's quota.
    pub async fn estimate(
        &self,
        connection: ConnectionId,
        asked: &Asked,
        windows: &[WindowSnapshot],
    ) -> Result<Estimate, Failure> {
        let slices = self.plan(&self.inner.store.connection(connection).await?, asked).await?;
        let efforts = self.inner.store.slice_efforts(connection).await?;
        Ok(estimate(&slices, &efforts, windows, self.inner.clock.now()))
    }

    async fn plan(&self, connection: &Connection, asked: &Asked) -> Result<Vec<NewSlice>, Failure> {
        let source = self
            .inner
            .wiring
            .source(&connection.connector)
            .ok_or_else(|| Failure::new(Code::NotFound).with("what", &connection.connector))?;
        let descriptor = source.descriptor();
        let cursors = self.inner.store.cursors(connection.id).await?;
        let left = self.inner.store.first_load_left(connection.id).await?;
        let unfinished = self.inner.store.unfinished_runs(Scope::Client(connection.client_id)).await?;
        let first_load =
            unfinished.iter().find(|run| run.connection_id == connection.id && run.trigger == RunTrigger::First);
        let now = self.inner.clock.now();
        let today = model::date::today(now, &connection.time_zone);
        let long_read_at = self.inner.store.turn(connection.id).await?.long_read_at;
        let unknown =
            asked.streams.iter().flatten().find(|name| descriptor.streams.iter().all(|known| known.name != **name));
        if let Some(unknown) = unknown {
            return Err(Failure::new(Code::BadRequest).with("field", "streams").with("found", unknown));
        }
        let mut planned = Vec::new();
        for stream in &descriptor.streams {
            let is_asked = asked.streams.as_ref().map(|names| names.contains(&stream.name));
            let is_on = || stream.required || connection.settings.reads(&stream.name);
            if !is_asked.unwrap_or_else(is_on) {
                continue;
            }
            let (level, ranges) = match stream.kind {
                // A dictionary has no days; one day stands in for "now".
                StreamKind::Dictionary { level } => (level, vec![DateRange::day(today)]),
                // Records have neither level nor days; where their stream stands is asked when they are read.
                StreamKind::Records { .. } => (Level::Account, vec![DateRange::day(today)]),
                StreamKind::Statistics { level, lookback } => {
                    let lookback = connection.settings.lookbacks.get(&stream.name).copied().unwrap_or(lookback);
                    let cursor = cursors.iter().find(|cursor| cursor.stream == stream.name);
                    let left = left.iter().filter(|(of, _)| *of == stream.name).map(|(_, window)| *window);
                    let read = cursor.map(|cursor| cursor.read.as_slice()).unwrap_or_default();
                    let reach = Reach {
                        today,
                        data_through: cursor.and_then(|cursor| cursor.data_through),
                        lookback_days: plan::lookback(lookback, long_read_at, now),
                        first_load_days: connection.first_load_days,
                        max_history_days: descriptor.max_history_days,
                    };
                    let reach = match first_load {
                        // Its days are on their way.
                        Some(run) => reach.beside(run.range),
                        None => reach.completing(left, read),
                    };
                    let ranges = match asked.days.as_slice() {
                        [] => reach.ordinary().into_iter().collect(),
                        days => days.iter().filter_map(|days| reach.recollect(*days)).collect(),
                    };
                    (level, ranges)
                }
            };
            for range in ranges {
                for slice in source.slices(&stream.name, range)? {
                    let part = plan::part(&descriptor.streams, stream);
                    planned.push(NewSlice { stream: slice.stream, level, window: slice.window, part });
                }
            }
        }
        Ok(planned)
    }

    fn spawn(&self, duty: Arc<Duty>, run: &Run, connection: Connection) {
        let cancel = CancellationToken::new();
        let pause = Arc::new(AtomicBool::new(false));
        let live = Arc::new(Live::new(
            run.id,
            (connection.id, connection.client_id),
            run.progress,
            Arc::clone(&self.inner.courtesy),
        ));
        let (id, long) = (run.id, run.trigger.is_long());
        let runner = Runner {
            engine: self.clone(),
            store: duty.store.clone(),
            duty,
            wiring: Arc::clone(&self.inner.wiring),
            clock: Arc::clone(&self.inner.clock),
            tell: Arc::clone(&self.inner.tell),
            id,
            long,
            connection,
            live: Arc::clone(&live),
            cancel: cancel.clone(),
            pause: Arc::clone(&pause),
        };
        let engine = self.clone();
        // Screens that saw it held learn that it waits.
        (self.inner.tell)(SyncEvent::Moved(live.snapshot()));
        // The map is locked until the task is in it, so that a task that ends at once still finds itself there.
        let mut active = self.active();
        let task = tokio::spawn(async move {
            runner.run().await;
            engine.active().remove(&id);
            engine.tell_screens();
        });
        active.insert(id, Active { live, long, reading: false, cancel, pause, task });
    }
}

/// Whether reading one window reads the other. Names and records have none: reading them once is enough.
fn covers(old: Option<DateRange>, new: Option<DateRange>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => old.from() <= new.from() && new.to() <= old.to(),
        (old, new) => old == new,
    }
}
