//! The workspace itself: its state, making it, opening it, getting back in.

use super::{alerts, convert::small};
use crate::{
    folder::{Lock, NewWorkspace, keychain_status},
    host::Host,
    wire::{
        self, AppStatus, BatterySaver, Empty, KeychainState, NewWorkspaceDraft, RecoverWorkspace, UnlockWorkspace,
        WorkspaceCreated, WorkspaceState,
    },
};
use insight::portfolio;
use model::{
    audit::AuditAction,
    failure::{Code, Failure},
    money::Currency,
    run::Health,
};
use store::Scope;
use vault::keychain::KeychainStatus;

/// Longest name of a workspace or a client, in characters.
pub(crate) const NAME_CHARS: usize = 120;
/// The time zone of a new workspace when the system does not say.
const TIME_ZONE: &str = "Europe/Moscow";

pub(crate) async fn app_status(host: &Host, _: Empty) -> Result<AppStatus, Failure> {
    status(host).await
}

pub(crate) async fn app_pressed(host: &Host, _: Empty) -> Result<Empty, Failure> {
    host.workspace().await?.engine.pressed();
    Ok(Empty {})
}

pub(crate) async fn battery_saver_get(host: &Host, _: Empty) -> Result<BatterySaver, Failure> {
    Ok(host.workspace().await?.store.battery_saver().await?)
}

pub(crate) async fn battery_saver_update(host: &Host, saver: BatterySaver) -> Result<BatterySaver, Failure> {
    let workspace = host.workspace().await?;
    if !saver.is_sound() {
        return Err(Failure::new(Code::SettingInvalid).with("field", "percent"));
    }
    workspace.store.set_battery_saver(saver).await?;
    let subject = if saver.enabled { format!("{} %", saver.percent) } else { "off".to_owned() };
    workspace.audit(host.now(), AuditAction::BatterySaverChanged, &subject).await?;
    Ok(saver)
}

pub(crate) async fn status(host: &Host) -> Result<AppStatus, Failure> {
    let now = host.now();
    let mut status = AppStatus {
        workspace: WorkspaceState::Absent,
        workspace_name: None,
        lock: None,
        demo: false,
        keychain: keychain(keychain_status().await),
        failure: None,
        currency: Currency::RUB,
        time_zone: TIME_ZONE.to_owned(),
        today: model::date::today(now, TIME_ZONE),
        clients: 0,
        connections: 0,
        problems: 0,
        alerts: 0,
        running: 0,
        on_duty: None,
        next_sync_at: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    match host.workspace().await {
        Ok(workspace) => {
            let views = portfolio::connections(&workspace.store, Scope::Portfolio, now).await?;
            status.workspace = WorkspaceState::Open;
            status.workspace_name = Some(workspace.row.name.clone());
            status.lock = Some(wire_lock(workspace.lock));
            status.demo = workspace.row.demo;
            status.currency = workspace.row.currency;
            status.today = model::date::today(now, &workspace.row.time_zone);
            status.time_zone.clone_from(&workspace.row.time_zone);
            status.clients = small(workspace.store.clients().await?.len() as u64);
            status.connections = small(views.len() as u64);
            status.problems = small(views.iter().filter(|view| view.diagnosis.health == Health::Act).count() as u64);
            status.alerts = alerts::bell(host, &workspace).await?;
            status.next_sync_at = views.iter().filter_map(|view| view.turn.at()).min();
            let unfinished = workspace.store.unfinished_runs(Scope::Portfolio).await?;
            status.running =
                small(unfinished.iter().filter(|run| run.state.is_under_way() && !run.is_parked()).count() as u64);
            let lease = workspace.store.lease().await?;
            status.on_duty = lease.holder.filter(|_| workspace.engine.on_duty().is_none());
        }
        Err(failure) if failure.code == Code::WorkspaceMissing => {}
        Err(failure) => {
            status.workspace = WorkspaceState::Locked;
            status.lock = host.folder().header().ok().flatten().map(|header| wire_lock(header.lock));
            status.failure = Some((&failure).into());
        }
    }
    Ok(status)
}

pub(crate) async fn workspace_draft(host: &Host, _: Empty) -> Result<NewWorkspaceDraft, Failure> {
    let recovery_key = host.draft_recovery()?;
    Ok(NewWorkspaceDraft {
        recovery_key,
        currency: Currency::RUB,
        time_zone: iana_time_zone::get_timezone().unwrap_or_else(|_| TIME_ZONE.to_owned()),
        keychain: keychain(keychain_status().await),
    })
}

pub(crate) async fn workspace_create(host: &Host, request: wire::NewWorkspace) -> Result<WorkspaceCreated, Failure> {
    let new = NewWorkspace {
        name: name(&request.name)?,
        currency: request.currency,
        time_zone: time_zone(&request.time_zone)?,
        demo: None,
        lock: lock(request.lock),
        passphrase: request.passphrase.map(Into::into),
        created_at: host.now(),
    };
    host.create(new).await?;
    let workspace = host.workspace().await?;
    workspace.audit(host.now(), AuditAction::WorkspaceCreated, &workspace.row.name).await?;
    Ok(WorkspaceCreated { status: status(host).await? })
}

pub(crate) async fn workspace_unlock(host: &Host, request: UnlockWorkspace) -> Result<AppStatus, Failure> {
    host.open(request.passphrase.map(Into::into)).await?;
    status(host).await
}

pub(crate) async fn workspace_recover(host: &Host, request: RecoverWorkspace) -> Result<AppStatus, Failure> {
    host.recover(request.recovery_key.into(), lock(request.lock), request.passphrase.map(Into::into)).await?;
    let workspace = host.workspace().await?;
    workspace.audit(host.now(), AuditAction::WorkspaceRecovered, &workspace.row.name).await?;
    status(host).await
}

pub(crate) async fn workspace_open_demo(host: &Host, _: Empty) -> Result<AppStatus, Failure> {
    host.open_demo().await?;
    status(host).await
}

/// A name a person typed: trimmed, not empty, not endless.
pub(crate) fn name(typed: &str) -> Result<String, Failure> {
    let name = typed.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS {
        return Err(Failure::new(Code::SettingInvalid).with("field", "name"));
    }
    Ok(name.to_owned())
}

/// A time zone a person chose.
pub(crate) fn time_zone(chosen: &str) -> Result<String, Failure> {
    match chosen.parse::<chrono_tz::Tz>() {
        Ok(zone) => Ok(zone.name().to_owned()),
        Err(_) => Err(Failure::new(Code::SettingInvalid).with("field", "time_zone")),
    }
}

fn keychain(status: KeychainStatus) -> KeychainState {
    match status {
        KeychainStatus::Available => KeychainState::Available,
        KeychainStatus::Locked => KeychainState::Locked,
        KeychainStatus::Missing => KeychainState::Missing,
        KeychainStatus::Denied => KeychainState::Denied,
    }
}

fn lock(lock: wire::Lock) -> Lock {
    match lock {
        wire::Lock::Keychain => Lock::Keychain,
        wire::Lock::Passphrase => Lock::Passphrase,
    }
}

fn wire_lock(lock: Lock) -> wire::Lock {
    match lock {
        Lock::Keychain => wire::Lock::Keychain,
        Lock::Passphrase => wire::Lock::Passphrase,
    }
}
