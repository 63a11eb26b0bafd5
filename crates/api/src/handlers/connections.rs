//! Connections: their list, settings and end.

use super::convert::{connection_row, small};
use crate::{
    folder::blocking,
    host::{Host, Workspace},
    wire::{
        ById, ConnectionDetail, ConnectionRow, ConnectionUpdate, CredentialHealth, Empty, QuotaWindow, SettingsChange,
        TrafficDay,
    },
};
use chrono::{DateTime, Utc};
use insight::portfolio;
use kit::{
    session::Credentials,
    source::{Descriptor, StreamDescriptor, StreamKind},
};
use model::{
    audit::AuditAction,
    connection::{Connection, ConnectionState},
    date::DateRange,
    failure::{Code, Failure},
    id::ConnectionId,
    settings::{Lookback, Settings},
};
use std::{collections::BTreeMap, sync::Arc};
use store::Scope;

/// The longest first load.
pub(crate) const MAX_DAYS: u32 = 3_660;

pub(crate) async fn connections_list(host: &Host, _: Empty) -> Result<Vec<ConnectionRow>, Failure> {
    let workspace = host.workspace().await?;
    let views = portfolio::connections(&workspace.store, Scope::Portfolio, host.now()).await?;
    Ok(views.iter().map(connection_row).collect())
}

pub(crate) async fn connection_get(host: &Host, request: ById<ConnectionId>) -> Result<ConnectionDetail, Failure> {
    let workspace = host.workspace().await?;
    detail(host, &workspace, request.id).await
}

pub(crate) async fn connection_update(host: &Host, request: ConnectionUpdate) -> Result<ConnectionDetail, Failure> {
    let workspace = host.workspace().await?;
    let before = workspace.store.connection(request.id).await?;
    let state = match (before.state, request.paused) {
        (ConnectionState::Active, Some(true)) => ConnectionState::Paused,
        (ConnectionState::Paused, Some(false)) => ConnectionState::Active,
        // A connection that needs a sign-in is mended by signing in, not by a switch.
        (state, _) => state,
    };
    let returned = request.returned.unwrap_or_default();
    let template = match &before.follows {
        Some(follows) => Some(workspace.store.template(follows.template).await?),
        None => None,
    };
    let source = workspace.registry.get(&before.connector);
    let change = checked(source.as_ref().map(|source| source.descriptor()), request.settings)?;
    let connection = match template {
        Some(template) => template.with_changes(&before, change, &returned),
        None => Connection { settings: change.of(&before.settings), ..before },
    };
    let connection = Connection { state, ..connection };
    workspace.store.update_connection(&connection).await?;
    // The screen shows the new time at once, not at the scheduler's next look.
    workspace.scheduler.look_at(connection.id).await?;
    workspace.audit(host.now(), AuditAction::ConnectionUpdated, &connection.account_name).await?;
    detail(host, &workspace, connection.id).await
}

/// Settings that a person has chosen: a schedule that can be kept, and lookbacks of streams with days, within what the platform remembers.
/// Of a connector that is gone nothing is read, and nothing is known to check it by.
pub(crate) fn checked(descriptor: Option<&Descriptor>, change: SettingsChange) -> Result<SettingsChange, Failure> {
    change.schedule.as_ref().map_or(Ok(()), sync::schedule::check)?;
    let lookbacks = match (change.lookbacks, descriptor) {
        (Some(asked), Some(descriptor)) => Some(lookbacks(descriptor, asked)?),
        (_, _) => None,
    };
    Ok(SettingsChange { lookbacks, ..change })
}

pub(crate) async fn connection_delete(host: &Host, request: ById<ConnectionId>) -> Result<Empty, Failure> {
    let workspace = host.workspace().await?;
    let connection = workspace.store.connection(request.id).await?;
    super::clients::stop(&workspace, connection.id).await?;
    let sign_ins = workspace.wires.sign_ins.ids().await?;
    workspace.store.delete_connection(connection.id).await?;
    forget(&workspace, connection.id).await;
    workspace.wires.sign_ins.forget_gone(&sign_ins).await?;
    workspace.audit(host.now(), AuditAction::ConnectionDeleted, &connection.account_name).await?;
    Ok(Empty {})
}

/// Removes a credential from the vault. The connection is gone already, so a keychain that refuses is said, not shown as a failure.
pub(crate) async fn forget(workspace: &Workspace, id: ConnectionId) {
    let vault = Arc::clone(&workspace.vault);
    if let Err(failure) = blocking(move || Ok(vault.forget(id)?)).await {
        tracing::warn!(connection = %id, error = %failure, "a credential of a deleted connection is still in the keychain");
    }
}

/// Lookbacks of a person's own, as they are kept: of streams with days alone, and within what the platform remembers.
pub(crate) fn lookbacks(
    descriptor: &Descriptor,
    asked: BTreeMap<String, Lookback>,
) -> Result<BTreeMap<String, Lookback>, Failure> {
    let kept = asked.into_iter().map(|(stream, own)| {
        if has_days(descriptor, &stream) {
            Ok((stream, own.within(descriptor.max_history_days)))
        } else {
            Err(Failure::new(Code::BadRequest).with("field", "lookbacks").with("found", stream))
        }
    });
    kept.collect()
}

fn has_days(descriptor: &Descriptor, stream: &str) -> bool {
    let of_days = |known: &&StreamDescriptor| matches!(known.kind, StreamKind::Statistics { .. });
    descriptor.streams.iter().filter(of_days).any(|known| known.name == stream)
}

/// What stands besides the connector's own; a manifest that was changed since may have other streams.
pub(crate) fn own_lookbacks(workspace: &Workspace, connection: &Connection) -> BTreeMap<String, Lookback> {
    let Some(source) = workspace.registry.get(&connection.connector) else { return BTreeMap::new() };
    let mut own = connection.settings.lookbacks.clone();
    own.retain(|stream, _| has_days(source.descriptor(), stream));
    own
}

pub(crate) async fn detail(host: &Host, workspace: &Workspace, id: ConnectionId) -> Result<ConnectionDetail, Failure> {
    let connection = workspace.store.connection(id).await?;
    let scope = Scope::Client(connection.client_id);
    let views = portfolio::connections(&workspace.store, scope, host.now()).await?;
    let view = views.iter().find(|view| view.connection.id == id);
    let view = view.ok_or_else(|| Failure::new(Code::NotFound).with("what", "connection"))?;
    let counts = workspace.store.stat_counts(scope).await?;
    Ok(ConnectionDetail {
        connection: connection_row(view),
        settings: Settings { lookbacks: own_lookbacks(workspace, &connection), ..connection.settings.clone() },
        template: super::templates::followed(workspace, &connection).await?,
        first_load_days: connection.first_load_days,
        time_zone: workspace.store.client(connection.client_id).await?.time_zone,
        rows: counts.into_iter().find(|(of, _)| *of == id).map_or(0, |(_, rows)| rows),
        credential: credential(host, workspace, &connection).await?,
        files: super::imports::file_source(workspace, &connection).await?,
        quota: quota(workspace, &connection, host.now()),
        traffic: traffic(workspace, id, host.now()).await?,
    })
}

/// Days of traffic shown.
const TRAFFIC_DAYS: u32 = 30;

async fn traffic(workspace: &Workspace, id: ConnectionId, now: DateTime<Utc>) -> Result<Vec<TrafficDay>, Failure> {
    let days = DateRange::ending(now.date_naive(), TRAFFIC_DAYS);
    let days = workspace.store.traffic(Some(id), days).await?.into_iter().map(|day| TrafficDay {
        date: day.date,
        requests: small(day.tally.requests),
        bytes: day.tally.bytes,
        retries: small(day.tally.retries),
        errors: small(day.tally.errors),
        waited_millis: day.waited_millis,
    });
    Ok(days.collect())
}

/// The windows of the account's request budget that are still open; of those that have ended everything is free, which needs no words.
fn quota(workspace: &Workspace, connection: &Connection, now: DateTime<Utc>) -> Vec<QuotaWindow> {
    let windows = workspace.wires.budget_of(connection).map(|known| known.windows).unwrap_or_default();
    let mut open: Vec<QuotaWindow> = windows
        .into_iter()
        // A second is over before anybody has read its number.
        .filter(|window| window.ends > now && window.period_secs >= 60)
        .map(|window| QuotaWindow {
            scope: window.scope,
            period_secs: window.period_secs,
            limit: window.limit,
            used: window.used.min(window.limit),
            ends: window.ends,
        })
        .collect();
    open.sort_by(|a, b| (a.period_secs, &a.scope).cmp(&(b.period_secs, &b.scope)));
    open
}

/// What can be said of the sign-in without showing it. A locked keychain says nothing, which is not the same as "absent", but the screen
/// tells that beside it.
async fn credential(host: &Host, workspace: &Workspace, connection: &Connection) -> Result<CredentialHealth, Failure> {
    let read = async { workspace.wires.vaulted(connection).await?.load().await };
    let present = match read.await {
        Ok(fields) => !fields.is_empty(),
        Err(failure) => {
            tracing::info!(error = %failure, "a credential could not be looked at");
            false
        }
    };
    let sign_in = match workspace.store.sign_in_of(connection.id).await? {
        Some(sign_in) => super::sign_ins::rows(host, workspace, Some(sign_in.id)).await?.pop(),
        None => None,
    };
    Ok(CredentialHealth { present, sign_in })
}
