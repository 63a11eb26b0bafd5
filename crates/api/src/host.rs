//! The host of one workspace: what both shells start. It opens the workspace if it can, answers commands, tells events, and stops cleanly.

use crate::{
    contract::{Event, Tag},
    demo::{Cast, Demo, DemoOptions},
    drafts::Drafts,
    folder::{Folder, NewWorkspace, Opened},
    handlers,
    imports::Uploads,
    post::PostOffice,
    power::SystemPower,
    registry::Registry,
    wire::ApiError,
    wiring::{Wire, Wires},
};
use kit::clock::{Clock, SystemClock};
use model::{
    audit::AuditAction,
    channel::Language,
    failure::{Code, Failure},
    secret::Secret,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::Store;
use sync::{duty::Watch, engine::Engine, live::SyncEvent, outbox::Outbox, power::PowerSource, scheduler::Scheduler};
use tokio::{
    sync::{Notify, RwLock, broadcast},
    task::JoinHandle,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use vault::{credential::Vault, recovery::RecoveryKey};

/// Events that a slow screen may fall behind by before it loses some; it then reads everything again.
const EVENTS_KEPT: usize = 1024;

/// How often it is looked which sign-ins end soon.
const BETWEEN_REVIEWS: Duration = Duration::from_hours(1);

/// How to start a host.
#[derive(Clone)]
pub struct HostOptions {
    /// Folder of the workspace.
    pub workspace_dir: PathBuf,
    /// Folder of the demo workspace.
    pub demo_dir: PathBuf,
    /// The demo workspace to open in place of the person's own.
    pub demo: Option<DemoOptions>,
    /// Who acts, for the audit log: the operating system's user.
    pub actor: String,
    /// The passphrase of a workspace that is locked by one.
    pub passphrase: Option<Secret>,
    /// Address prefixes and what stands in for them: how tests and the demo lead requests to a simulator.
    pub url_map: Vec<(String, String)>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How this computer is powered.
    pub power: Arc<dyn PowerSource>,
    /// Longest silence of a platform before a request counts as lost.
    pub silence: Duration,
    /// Whether connections are collected when their schedule says so, and alerts carried to people. Programs that do one thing and end
    /// leave that to others.
    pub scheduled: bool,
    /// The language of the system's notifications, when this program shows those that come as [`Event::Notify`].
    pub notifies: Option<Language>,
}

impl HostOptions {
    /// The workspace in this folder, with the system's clock and user.
    pub fn new(workspace_dir: impl Into<PathBuf>) -> Self {
        let workspace_dir = workspace_dir.into();
        let user = ["USER", "USERNAME", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
        Self {
            demo_dir: workspace_dir.join("demo"),
            workspace_dir,
            demo: None,
            actor: user.unwrap_or_else(|| "unknown".to_owned()),
            passphrase: None,
            url_map: Vec::new(),
            clock: Arc::new(SystemClock),
            power: Arc::new(SystemPower::default()),
            silence: kit::http::USUAL_SILENCE,
            scheduled: false,
            notifies: None,
        }
    }

    /// Where a person's workspace lies when nobody says otherwise.
    pub fn default_dir() -> PathBuf {
        dirs::data_dir().unwrap_or_else(|| PathBuf::from(".")).join("Syncdeck")
    }
}

/// A running host. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) options: HostOptions,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) registry: Registry,
    state: RwLock<State>,
    /// The recovery key that was shown last and waits for its workspace.
    recovery: Mutex<Option<RecoveryKey>>,
}

enum State {
    /// No workspace in the folder.
    Absent,
    /// There is one, and this is why it is not open.
    Locked(Failure),
    /// Open.
    Open(Arc<Workspace>),
}

/// An open workspace with everything that works on it.
pub struct Workspace {
    pub(crate) folder: Folder,
    pub(crate) lock: crate::folder::Lock,
    pub(crate) row: store::workspace::Workspace,
    pub(crate) store: Store,
    pub(crate) vault: Arc<Vault>,
    pub(crate) engine: Engine,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) post: Arc<PostOffice>,
    pub(crate) outbox: Arc<Outbox>,
    /// Ends everything that watches something for this workspace.
    stop: CancellationToken,
    /// The same when it is dropped.
    _stop: DropGuard,
    /// The watch over the lease.
    watch: Mutex<Option<JoinHandle<()>>>,
    pub(crate) wires: Arc<Wires>,
    /// The connectors of this build and those imported into this workspace.
    pub(crate) registry: Registry,
    pub(crate) drafts: Drafts,
    pub(crate) uploads: Uploads,
    pub(crate) actor: String,
    /// Keeps the demo's platform alive as long as the demo workspace is open.
    demo: Option<Demo>,
}

impl Host {
    /// Starts. Never fails: a locked or missing workspace is a state that `app_status` tells.
    pub async fn start(mut options: HostOptions) -> Self {
        // A demo workspace that is pointed at opens over its own platform, and needs no passphrase from anybody.
        let header = Folder::new(&options.workspace_dir).header().ok().flatten();
        if let Some(cast) = header.and_then(|header| header.cast()).filter(|_| options.demo.is_none()) {
            options.demo = Some(DemoOptions::of(cast));
            options.demo_dir = options.workspace_dir.clone();
        }
        let (events, _) = broadcast::channel(EVENTS_KEPT);
        let inner = Inner {
            registry: Registry::new(),
            options,
            events,
            state: RwLock::new(State::Absent),
            recovery: Mutex::default(),
        };
        let host = Self { inner: Arc::new(inner) };
        if host.inner.options.demo.is_some() {
            if let Err(failure) = host.open_demo().await {
                tracing::warn!(error = %failure, "the demo workspace does not open");
                *host.inner.state.write().await = State::Locked(failure);
            }
        } else {
            // The state tells why it is not open, so there is nothing to do with the failure here.
            let _ = host.open(host.inner.options.passphrase.clone()).await;
        }
        host
    }

    /// Answers a command of the contract.
    pub async fn call(&self, command: &str, request: Value) -> Result<Value, ApiError> {
        handlers::dispatch(self, command, request).await.map_err(|failure| {
            tracing::info!(command, error = %failure, "a command failed");
            ApiError::from(&failure)
        })
    }

    /// Listens to events from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// Stops runs cleanly and closes the workspace. Runs go on at the next start.
    pub async fn shutdown(&self) {
        let state = std::mem::replace(&mut *self.inner.state.write().await, State::Absent);
        if let State::Open(workspace) = state {
            workspace.close().await;
        }
    }

    /// Carries to people what is due at this moment. A program that is `scheduled` does so by itself.
    pub async fn deliver(&self) -> Result<(), Failure> {
        let workspace = self.workspace().await?;
        workspace.outbox.look(&workspace.stop).await
    }

    /// The open workspace, or the reason why there is none.
    pub(crate) async fn workspace(&self) -> Result<Arc<Workspace>, Failure> {
        match &*self.inner.state.read().await {
            State::Open(workspace) => Ok(Arc::clone(workspace)),
            State::Locked(failure) => Err(failure.clone()),
            State::Absent => Err(Failure::new(Code::WorkspaceMissing)),
        }
    }

    pub(crate) fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.inner.options.clock.now()
    }

    /// Tells the screens that answers with these tags are stale.
    pub(crate) fn changed(&self, tags: &[Tag]) {
        changed(&self.inner.events, tags);
    }

    pub(crate) fn folder(&self) -> Folder {
        Folder::new(&self.inner.options.workspace_dir)
    }

    /// Makes the recovery key of a workspace to come.
    pub(crate) fn draft_recovery(&self) -> Result<String, Failure> {
        let key = RecoveryKey::generate()?;
        let text = key.show_once();
        *self.inner.recovery.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
        Ok(text)
    }

    /// Creates the workspace whose recovery key was shown last, and opens it.
    pub(crate) async fn create(&self, new: NewWorkspace) -> Result<(), Failure> {
        let recovery = self.inner.recovery.lock().unwrap_or_else(PoisonError::into_inner).take();
        let recovery = recovery.ok_or_else(|| Failure::new(Code::BadRequest).with("field", "recovery_key"))?;
        let opened = self.folder().create(new, recovery).await?;
        self.enter(self.folder(), opened, self.inner.options.url_map.clone(), None).await
    }

    /// Opens the person's workspace.
    pub(crate) async fn open(&self, passphrase: Option<Secret>) -> Result<(), Failure> {
        let mut state = self.inner.state.write().await;
        if matches!(*state, State::Open(_)) {
            return Ok(());
        }
        let opened = match self.folder().open(passphrase).await {
            Ok(opened) => opened,
            Err(failure) => {
                *state =
                    if failure.code == Code::WorkspaceMissing { State::Absent } else { State::Locked(failure.clone()) };
                return Err(failure);
            }
        };
        drop(state);
        self.enter(self.folder(), opened, self.inner.options.url_map.clone(), None).await
    }

    /// Brings the workspace's key back with the recovery key, and opens it.
    pub(crate) async fn recover(
        &self,
        recovery: Secret,
        lock: crate::folder::Lock,
        passphrase: Option<Secret>,
    ) -> Result<(), Failure> {
        let opened = self.folder().recover(recovery, lock, passphrase).await?;
        self.enter(self.folder(), opened, self.inner.options.url_map.clone(), None).await
    }

    /// Opens the demo workspace, making it when it is not there.
    pub(crate) async fn open_demo(&self) -> Result<(), Failure> {
        if self.workspace().await.is_ok_and(|workspace| workspace.row.demo) {
            return Ok(());
        }
        let folder = Folder::new(&self.inner.options.demo_dir);
        // A folder that is a demo already says which.
        let asked = self.inner.options.demo.unwrap_or(DemoOptions::of(Cast::Small));
        let cast = folder.header()?.and_then(|header| header.cast()).unwrap_or(asked.cast);
        let demo = Demo::start(DemoOptions { cast, ..asked }, self.now())?;
        let url_map = demo.url_map();
        let (opened, fresh) = demo.open(&folder, self.now()).await?;
        self.enter(folder, opened, url_map, Some(demo)).await?;
        if fresh {
            crate::demo::furnish(self).await?;
        }
        Ok(())
    }

    async fn enter(
        &self,
        folder: Folder,
        opened: Opened,
        url_map: Vec<(String, String)>,
        demo: Option<Demo>,
    ) -> Result<(), Failure> {
        let row = opened.store.workspace().await?.ok_or_else(|| Failure::new(Code::DatabaseDamaged))?;
        let clock = Arc::clone(&self.inner.options.clock);
        let registry = self.inner.registry.with_imported(opened.store.imported_connectors().await?);
        let wires = Arc::new(Wires::new(
            registry.clone(),
            opened.store.clone(),
            Arc::clone(&opened.vault),
            Wire { url_map: url_map.clone(), silence: self.inner.options.silence },
            Arc::clone(&clock),
        ));
        wires.restore_budgets().await?;
        let adopting = registry.clone();
        let post = Arc::new(PostOffice {
            registry: registry.clone(),
            store: opened.store.clone(),
            vault: Arc::clone(&opened.vault),
            clock: Arc::clone(&clock),
            url_map,
            events: self.inner.events.clone(),
            notifies: self.inner.options.notifies.is_some(),
        });
        // Made-up alerts of the demo stay within its window unless a person wants them elsewhere.
        if let Some(language) = self.inner.options.notifies.filter(|_| !row.demo) {
            handlers::channels::keep_desktop(&post, language, &row.time_zone, clock.now()).await?;
        }
        let screens = self.inner.events.clone();
        let tell = Arc::new(move || changed(&screens, &[Tag::Channels]));
        let outbox = Outbox::new(opened.store.clone(), Arc::clone(&post) as _, Arc::clone(&clock), tell);
        let events = self.inner.events.clone();
        let stirred = Arc::new(Notify::new());
        let stir = Arc::clone(&stirred);
        let carrier = Arc::clone(&outbox);
        let tell = Arc::new(move |event| {
            if matches!(event, SyncEvent::Alerts) {
                carrier.stir();
            }
            // What was asked for so far is kept with what it brought.
            if !matches!(event, SyncEvent::Moved(_)) {
                stir.notify_one();
            }
            told(&events, event);
        });
        let wiring = Arc::clone(&wires) as Arc<dyn sync::engine::Wiring>;
        let engine = Engine::new(opened.store.clone(), Arc::clone(&wiring), Arc::clone(&clock), tell);
        let power = Arc::clone(&self.inner.options.power);
        let scheduler =
            Arc::new(Scheduler::new(opened.store.clone(), engine.clone(), wiring, power, Arc::clone(&clock)));
        let stop = CancellationToken::new();
        let heard = Arc::new(Notify::new());
        let hear = Arc::clone(&heard);
        let store = opened.store.clone();
        let watch = Arc::new(Watch::new(
            store.clone(),
            engine.clone(),
            program(),
            self.inner.options.scheduled,
            Arc::new(move || hear.notify_one()),
        ));
        let workspace = Arc::new(Workspace {
            folder,
            lock: opened.header.lock,
            row,
            store: opened.store,
            vault: opened.vault,
            engine: engine.clone(),
            scheduler: Arc::clone(&scheduler),
            post,
            outbox: Arc::clone(&outbox),
            stop: stop.clone(),
            _stop: stop.clone().drop_guard(),
            watch: Mutex::default(),
            wires: Arc::clone(&wires),
            registry: registry.clone(),
            drafts: Drafts::new(self.inner.events.clone()),
            uploads: Uploads::default(),
            actor: self.inner.options.actor.clone(),
            demo,
        });
        let before = std::mem::replace(&mut *self.inner.state.write().await, State::Open(Arc::clone(&workspace)));
        if let State::Open(old) = before {
            old.close().await;
        }
        wires.sign_ins.adopt(&adopting).await?;
        // Before anything goes on by itself.
        if self.inner.options.scheduled {
            scheduler.weigh().await?;
        }
        // Whoever is alone is on duty at once: nobody waits for the first beat of a watch.
        watch.look().await?;
        tokio::spawn(review_sign_ins(Arc::clone(&wires), self.inner.events.clone(), stop.clone()));
        tokio::spawn(keep_budgets(Arc::clone(&wires), engine.clone(), stirred, stop.clone()));
        let duty = engine.clone();
        tokio::spawn(listen(store, wires, registry, engine, self.inner.events.clone(), heard, stop.clone()));
        if self.inner.options.scheduled {
            tokio::spawn(scheduler.watch(stop.clone()));
            tokio::spawn(outbox.watch(stop.clone(), move || duty.on_duty().is_some()));
        }
        *workspace.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(tokio::spawn(watch.watch(stop)));
        self.changed(Tag::ALL);
        Ok(())
    }
}

impl Workspace {
    /// Stops runs cleanly and closes it: the runs go on in the program that is on duty next, or at the next start.
    async fn close(&self) {
        self.drafts.clear();
        self.stop.cancel();
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(watch) = watch {
            // It only ends early by breaking, and then there is nothing to wait for.
            let _ = watch.await;
        }
        if let Some(duty) = self.engine.leave().await {
            if let Err(failure) = self.wires.keep_budgets(&duty).await {
                tracing::warn!(error = %failure, "request budgets could not be kept");
            }
            if let Err(error) = duty.release_lease().await {
                tracing::warn!(%error, "the lease of the workspace lapses by itself");
            }
        }
        self.store.clone().close().await;
    }

    /// The simulated platform, in the demo workspace.
    pub(crate) fn demo(&self) -> Option<&Demo> {
        self.demo.as_ref()
    }

    /// Writes an entry of the audit log. What is done is done: a log that cannot be written is said, not undone.
    pub(crate) async fn audit(
        &self,
        at: chrono::DateTime<chrono::Utc>,
        action: AuditAction,
        subject: &str,
    ) -> Result<(), Failure> {
        self.store.append_audit(at, &self.actor, action.as_str(), subject).await?;
        Ok(())
    }
}

/// What this program is called where other programs say who is on duty.
fn program() -> String {
    let name = std::env::current_exe().ok().and_then(|path| Some(path.file_stem()?.to_string_lossy().into_owned()));
    format!("{} ({})", name.as_deref().unwrap_or("syncdeck"), std::process::id())
}

/// Takes in what other programs have changed: connectors that were imported there, budgets that are used up there, and everything that
/// screens show.
async fn listen(
    store: Store,
    wires: Arc<Wires>,
    registry: Registry,
    engine: Engine,
    events: broadcast::Sender<Event>,
    heard: Arc<Notify>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = heard.notified() => {}
        }
        match store.imported_connectors().await {
            Ok(saved) => registry.refresh(saved),
            Err(error) => tracing::warn!(%error, "the imported connectors could not be looked at"),
        }
        if engine.on_duty().is_none()
            && let Err(failure) = wires.restore_budgets().await
        {
            tracing::warn!(error = %failure, "request budgets could not be looked at");
        }
        changed(&events, Tag::ALL);
    }
}

/// Keeps request budgets as runs use them, at most once a second, until the workspace is closed.
async fn keep_budgets(wires: Arc<Wires>, engine: Engine, stirred: Arc<Notify>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = stirred.notified() => {}
        }
        if let Some(duty) = engine.on_duty()
            && let Err(failure) = wires.keep_budgets(&duty).await
        {
            tracing::warn!(error = %failure, "request budgets could not be kept");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Looks once an hour which sign-ins end soon, until the workspace is closed.
async fn review_sign_ins(wires: Arc<Wires>, events: broadcast::Sender<Event>, stop: CancellationToken) {
    loop {
        match wires.sign_ins.review().await {
            Ok(true) => changed(&events, &[Tag::Connections]),
            Ok(false) => {}
            Err(failure) => tracing::warn!(error = %failure, "whether sign-ins end soon could not be looked at"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(BETWEEN_REVIEWS) => {}
        }
    }
}

pub(crate) fn changed(events: &broadcast::Sender<Event>, tags: &[Tag]) {
    if tags.is_empty() {
        return;
    }
    // Nobody listens when no screen is open.
    let _ = events.send(Event::Changed { tags: tags.to_vec() });
}

fn told(events: &broadcast::Sender<Event>, event: SyncEvent) {
    match event {
        SyncEvent::Moved(at) => {
            let _ = events.send(Event::RunProgress {
                run_id: at.run_id,
                connection_id: at.connection_id,
                client_id: at.client_id,
                state: at.state,
                progress: at.progress,
            });
        }
        SyncEvent::Committed(_) => changed(events, &[Tag::Stats]),
        SyncEvent::Alerts => changed(events, &[Tag::Alerts]),
        SyncEvent::Runs => changed(events, &[Tag::Runs, Tag::Connections]),
    }
}

/// Reads a request of the contract, answers, and writes the answer: what `dispatch` does for each command.
pub(crate) async fn answer<Q, A, F>(request: Value, handle: impl FnOnce(Q) -> F) -> Result<Value, Failure>
where
    Q: DeserializeOwned,
    A: Serialize,
    F: Future<Output = Result<A, Failure>>,
{
    let request = serde_json::from_value(request)
        .map_err(|error| Failure::new(Code::BadRequest).with("field", "request").detail(&error).caused_by(error))?;
    let answer = handle(request).await?;
    serde_json::to_value(answer)
        .map_err(|error| Failure::new(Code::Internal).detail("an answer could not be written").caused_by(error))
}
