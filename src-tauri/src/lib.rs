//! THE DESKTOP SHELL: one window, one command in, one event out.
//!
//! It decides nothing. The page sends `call(command, request)`, which goes word for word to [`Host::call`]; what the backend
//! tells of its own accord goes to the page as the event `syncdeck`. That is why the shell has no list of commands: the list is
//! `crates/api/src/contract.rs`, and `syncdeckctl serve` offers the same one to a browser.
//!
//! The window opens first and the host starts beside it (unlocking a keychain may ask the person something); calls that
//! arrive early wait for it. On close the window goes at once, and the host gets a bounded time to stop its runs cleanly:
//! whatever it did not commit by then is read again by the next run, so the bound costs time and never data.

mod download;
mod options;

use crate::options::Options;
use api::{
    contract::{Event, Tag},
    demo::{Cast, DemoOptions},
    host::{Host, HostOptions},
    wire::ApiError,
};
use model::channel::Language;
use serde_json::Value;
use std::{process::ExitCode, time::Duration};
use tauri::{AppHandle, Emitter, Manager, RunEvent, State, WebviewWindowBuilder};
use tauri_plugin_notification::NotificationExt as _;
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};
use tokio::{
    runtime::Runtime,
    sync::{SetOnce, broadcast::error::RecvError},
};
use tracing_subscriber::EnvFilter;

/// The name of the one event. `ui/src/host/tauri.ts` listens to it.
const EVENT: &str = "syncdeck";

/// How long runs may take to stop after the window was closed.
const SHUTDOWN_BOUND: Duration = Duration::from_secs(10);

/// The priority of the host's threads, of 0 to 99; an ordinary one has about 50. On Linux it is a niceness of 10.
const BACKGROUND: u8 = 25;

/// The host, from the moment it has started.
#[derive(Default)]
struct Backend(SetOnce<Host>);

/// The one command. Calls that come before the host is up wait for it.
#[tauri::command]
async fn call(backend: State<'_, Backend>, command: String, request: Value) -> Result<Value, ApiError> {
    backend.0.wait().await.call(&command, request).await
}

/// Opens the window and runs until it is closed. Failure to open a window at all is the only failure here; it goes to standard
/// error, because there is no window to show it in.
pub fn run() -> ExitCode {
    // A second subscriber can only be refused when one is already there, and then logs go where it wants them.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_env("SYNCDECK_LOG").unwrap_or_else(|_| EnvFilter::new("warn")))
        .with_writer(std::io::stderr)
        .try_init();

    // It lives until the window is closed, and Tauri keeps a handle of it.
    let background = background();
    match &background {
        Ok(background) => tauri::async_runtime::set(background.handle().clone()),
        Err(error) => tracing::warn!("Syncs will not give way to the window: {error}"),
    }
    let options = Options::read(std::env::args_os().skip(1), |name| std::env::var_os(name));
    match build(options) {
        Ok(app) => {
            app.run(on_event);
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!("The window could not be opened: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Where the host works. Its threads, and those that they start, give way to whatever draws a window, ours and others': fifty
/// connections that sync at once must not be felt under a person's hands.
fn background() -> std::io::Result<Runtime> {
    let give_way = || {
        let told = ThreadPriorityValue::try_from(BACKGROUND)
            .map(ThreadPriority::Crossplatform)
            .map(set_current_thread_priority);
        if !matches!(told, Ok(Ok(()))) {
            tracing::warn!("A thread keeps its usual priority: {told:?}");
        }
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().on_thread_start(give_way).build()
}

fn build(options: Options) -> tauri::Result<tauri::App> {
    let context = context();
    let mut builder =
        tauri::Builder::default().manage(Backend::default()).invoke_handler(tauri::generate_handler![call]);
    // Used from here only: no capability opens it to the page.
    builder = builder.plugin(tauri_plugin_notification::init());
    if options.single_instance() {
        // A second start brings the first window forward. Two processes on one workspace are refused by the database's own
        // lock as well, so this is for the person's comfort, not for safety.
        builder = builder.plugin(tauri_plugin_single_instance::init(|app, _args, _dir| focus(app)));
    }
    if context.config().plugins.0.contains_key("updater") {
        // Updates need an address and a signing key that belong to whoever publishes builds. A build without
        // `plugins.updater` in its configuration therefore has no updater at all, rather than one that points nowhere.
        builder = builder.plugin(tauri_plugin_updater::Builder::new().build());
    }
    builder
        .setup(move |app| {
            tauri::async_runtime::spawn(start(app.handle().clone(), options));
            // Made here and not by Tauri from its configuration, because only a builder takes a word on downloads.
            for window in &app.config().app.windows {
                WebviewWindowBuilder::from_config(app.handle(), window)?.on_download(download::decide).build()?;
            }
            #[cfg(unix)]
            tauri::async_runtime::spawn(leave_when_asked(app.handle().clone()));
            Ok(())
        })
        .build(context)
}

/// Everything Tauri bakes into the program: configuration, capabilities, icons and the built UI.
#[allow(clippy::disallowed_methods, reason = "generated code, which ends the program where nothing of ours runs yet")]
fn context() -> tauri::Context {
    tauri::generate_context!()
}

/// Starts the host beside the window and then passes on its events for as long as the program lives.
async fn start(app: AppHandle, options: Options) {
    let host = Host::start(host_options(options)).await;
    let mut events = host.events();
    // The cell is set here only, so a refusal is impossible; were it possible, the first host would be the one to keep.
    let _ = app.state::<Backend>().0.set(host);
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            // The page missed something, so nothing it holds is known to be fresh.
            Err(RecvError::Lagged(_)) => Event::Changed { tags: Tag::ALL.to_vec() },
            Err(RecvError::Closed) => return,
        };
        if let Event::Notify { title, body, .. } = &event {
            // Shown also while the window is in sight: the bell is quiet, and what comes this way was asked for.
            if let Err(error) = app.notification().builder().title(title).body(body).show() {
                tracing::warn!("A notification was not shown: {error}");
            }
            continue;
        }
        if let Err(error) = app.emit(EVENT, event) {
            tracing::warn!("An event did not reach the window: {error}");
        }
    }
}

fn host_options(options: Options) -> HostOptions {
    let mut host = HostOptions::new(options.workspace.unwrap_or_else(HostOptions::default_dir));
    host.demo = options.demo.then_some(DemoOptions::of(Cast::Small));
    host.passphrase = options.passphrase;
    host.url_map = options.url_map;
    host.scheduled = true;
    host.notifies = Some(language(sys_locale::get_locale().as_deref()));
    host
}

/// The language of what the system shows in our name. The page has its own choice; this is for when nobody looks at it.
fn language(locale: Option<&str>) -> Language {
    if locale.is_some_and(|locale| locale.to_ascii_lowercase().starts_with("ru")) { Language::Ru } else { Language::En }
}

fn focus(app: &AppHandle) {
    if let Some(window) = app.get_webview_window("main") {
        for result in [window.unminimize(), window.show(), window.set_focus()] {
            if let Err(error) = result {
                tracing::warn!("The window could not be brought forward: {error}");
            }
        }
    }
}

/// Holds the end of the program back until the host has stopped. The first request to exit carries no code; our own, which
/// follows it, does.
#[allow(clippy::needless_pass_by_value, reason = "the signature of `App::run`'s callback")]
fn on_event(app: &AppHandle, event: RunEvent) {
    if let RunEvent::ExitRequested { api, code: None, .. } = event {
        api.prevent_exit();
        tauri::async_runtime::spawn(leave(app.clone()));
    }
}

/// Stops the host within its bound and ends the program.
async fn leave(app: AppHandle) {
    if let Some(host) = app.state::<Backend>().0.get()
        && tokio::time::timeout(SHUTDOWN_BOUND, host.shutdown()).await.is_err()
    {
        tracing::warn!("Runs did not stop in time; the next start reads what they had not committed again");
    }
    app.exit(0);
}

/// A desktop that logs out or shuts down asks with this signal, and so does whoever stops a service: leave as on closing.
#[cfg(unix)]
async fn leave_when_asked(app: AppHandle) {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut asked) => {
            if asked.recv().await.is_some() {
                leave(app).await;
            }
        }
        Err(error) => tracing::warn!("The request to end will not be heard: {error}"),
    }
}
