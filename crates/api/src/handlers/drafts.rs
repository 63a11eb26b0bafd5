//! The connect wizard's side of the surface.

use super::{
    clients,
    connections::{MAX_DAYS, stored},
};
use crate::{
    drafts::{Answers, Draft, Found, Known},
    folder::{blocking, client_key},
    host::{Host, Workspace},
    wire::{self, ById, DraftCommit, DraftCommitted, DraftStart, Empty, NewClient},
};
use kit::source::{Source, StreamKind};
use model::{
    ad::Level,
    audit::AuditAction,
    connection::{Connection, ConnectionState},
    failure::{Code, Failure},
    id::{ClientId, ConnectionId, DraftId},
    money::Currency,
    run::RunTrigger,
};
use std::{collections::HashMap, sync::Arc};
use store::Scope;
use sync::engine::Asked;

pub(crate) async fn draft_start(host: &Host, request: DraftStart) -> Result<wire::Draft, Failure> {
    let workspace = host.workspace().await?;
    let source = source(&workspace, &request.connector)?;
    let mut answers = request.answers;
    if let Some(id) = request.connection_id {
        // The account stays the one that is connected; only what the person enters anew replaces it.
        let mut config = workspace.store.connection(id).await?.config;
        config.extend(answers);
        answers = config;
    }
    let answers = Answers::part(&source.descriptor().form, answers)?;
    let connected = workspace.store.connections(Scope::Portfolio).await?;
    let connected = connected.into_iter().filter(|connection| connection.connector == request.connector);
    let known = Known {
        clients: workspace.store.clients().await?,
        connected: connected
            .map(|connection| (connection.account_external_id, connection.id))
            .collect::<HashMap<_, _>>(),
    };
    Ok(workspace.drafts.start(source, Arc::clone(&workspace.wires), answers, request.connection_id, known).wire())
}

pub(crate) async fn draft_get(host: &Host, request: ById<DraftId>) -> Result<wire::Draft, Failure> {
    Ok(host.workspace().await?.drafts.get(request.id)?.wire())
}

pub(crate) async fn draft_discard(host: &Host, request: ById<DraftId>) -> Result<Empty, Failure> {
    host.workspace().await?.drafts.discard(request.id);
    Ok(Empty {})
}

pub(crate) async fn draft_commit(host: &Host, request: DraftCommit) -> Result<DraftCommitted, Failure> {
    commit(host, request).await
}

/// Saves what was tested and starts syncing.
pub(crate) async fn commit(host: &Host, request: DraftCommit) -> Result<DraftCommitted, Failure> {
    request.schedule.as_ref().map_or(Ok(()), sync::schedule::check)?;
    let workspace = host.workspace().await?;
    let draft = workspace.drafts.get(request.draft_id)?;
    if draft.wire().state != wire::DraftState::Ready {
        return Err(Failure::new(Code::BadRequest).with("field", "draft_id"));
    }
    let connection_ids = match draft.connection_id {
        Some(id) => vec![sign_in_again(host, &workspace, &draft, id).await?],
        None => connect(host, &workspace, &draft, &request).await?,
    };
    workspace.drafts.discard(draft.id);
    let trigger = if draft.connection_id.is_some() { RunTrigger::Manual } else { RunTrigger::First };
    let mut run_ids = Vec::with_capacity(connection_ids.len());
    for id in &connection_ids {
        run_ids.push(workspace.engine.start(*id, trigger, Asked::due()).await?);
    }
    Ok(DraftCommitted { connection_ids, run_ids })
}

async fn connect(
    host: &Host,
    workspace: &Workspace,
    draft: &Draft,
    request: &DraftCommit,
) -> Result<Vec<ConnectionId>, Failure> {
    let source = source(workspace, &draft.connector)?;
    let accounts = draft.accounts();
    let mut ids = Vec::with_capacity(request.picks.len());
    let mut made: HashMap<String, ClientId> = HashMap::new();
    for pick in &request.picks {
        let found = accounts.iter().find(|found| found.account.external_id == pick.external_id);
        let found = found.ok_or_else(|| Failure::new(Code::NotFound).with("what", "account"))?;
        let client = match (pick.client_id, &pick.new_client_name) {
            (Some(id), _) => workspace.store.client(id).await?.id,
            // Two cabinets of one new client: the first makes it.
            (None, Some(name)) if made.contains_key(name.trim()) => made[name.trim()],
            (None, Some(name)) => {
                let new = NewClient { name: name.clone(), currency: currency(found), time_zone: None };
                let id = clients::create(host, workspace, &new).await?.id;
                made.insert(name.trim().to_owned(), id);
                id
            }
            (None, None) => return Err(Failure::new(Code::SettingInvalid).with("field", "client")),
        };
        let connection = connection(host, workspace, &*source, draft, found, client, request);
        // The credential first: a connection without one would ask for a sign-in before its first run.
        seal(workspace, client, connection.id, found, host).await?;
        let streams = stored(request.streams.clone());
        if let Err(error) =
            workspace.store.insert_connection(&connection, &streams, totals_level(&*source, &streams)).await
        {
            super::connections::forget(workspace, connection.id).await;
            return Err(error.into());
        }
        workspace.audit(host.now(), AuditAction::ConnectionCreated, &connection.account_name).await?;
        ids.push(connection.id);
    }
    Ok(ids)
}

fn connection(
    host: &Host,
    workspace: &Workspace,
    source: &dyn Source,
    draft: &Draft,
    found: &Found,
    client_id: ClientId,
    request: &DraftCommit,
) -> Connection {
    let mut config = draft.config.clone();
    config.extend(found.account.config.clone());
    Connection {
        id: ConnectionId::new(),
        client_id,
        connector: draft.connector.clone(),
        account_external_id: found.account.external_id.clone(),
        account_name: found.account.name.clone(),
        currency: currency(found).unwrap_or(workspace.row.currency),
        vat: request.vat,
        time_zone: source.descriptor().time_zone.clone().unwrap_or_else(|| workspace.row.time_zone.clone()),
        config,
        state: ConnectionState::Active,
        lookback_days: request.lookback_days.min(MAX_DAYS),
        first_load_days: request.first_load_days.clamp(1, MAX_DAYS),
        schedule: request.schedule.clone().unwrap_or_default(),
        created_at: host.now(),
    }
}

/// Puts the new sign-in in place of the dead one; the connection goes on where it stopped.
async fn sign_in_again(
    host: &Host,
    workspace: &Workspace,
    draft: &Draft,
    id: ConnectionId,
) -> Result<ConnectionId, Failure> {
    let connection = workspace.store.connection(id).await?;
    let accounts = draft.accounts();
    let found = accounts.iter().find(|found| found.account.external_id == connection.account_external_id);
    // Another agency's key may be perfectly valid and still see other accounts.
    let found = found.ok_or_else(|| {
        Failure::new(Code::PermissionDenied)
            .with("system", &connection.connector)
            .with("account", &connection.account_name)
    })?;
    seal(workspace, connection.client_id, id, found, host).await?;
    let mut config = draft.config.clone();
    config.extend(found.account.config.clone());
    workspace
        .store
        .update_connection(&Connection { config, state: ConnectionState::Active, ..connection.clone() })
        .await?;
    workspace.audit(host.now(), AuditAction::CredentialReplaced, &connection.account_name).await?;
    Ok(id)
}

async fn seal(
    workspace: &Workspace,
    client: ClientId,
    id: ConnectionId,
    found: &Found,
    host: &Host,
) -> Result<(), Failure> {
    let key = client_key(&workspace.store, client).await?;
    let (vault, fields, now) = (Arc::clone(&workspace.vault), found.credentials.fields(), host.now());
    blocking(move || Ok(vault.seal(&key, client, id, &fields, now)?)).await
}

fn currency(found: &Found) -> Option<Currency> {
    found.sample.as_ref().and_then(|sample| sample.currency).or(found.account.currency)
}

/// The level whose rows are the totals: campaigns where they are read, else the highest level that is.
fn totals_level(source: &dyn Source, streams: &[store::StreamChoice]) -> Level {
    let on = |name: &str| streams.iter().any(|stream| stream.name == name && stream.on);
    let levels = source.descriptor().streams.iter().filter(|stream| stream.required || on(&stream.name));
    let mut levels: Vec<Level> = levels
        .filter_map(|stream| match stream.kind {
            StreamKind::Statistics { level } => Some(level),
            StreamKind::Dictionary { .. } | StreamKind::Records { .. } => None,
        })
        .collect();
    levels.sort();
    if levels.contains(&Level::Campaign) { Level::Campaign } else { levels.first().copied().unwrap_or(Level::Campaign) }
}

fn source(workspace: &Workspace, connector: &str) -> Result<Arc<dyn Source>, Failure> {
    workspace.registry.get(connector).ok_or_else(|| Failure::new(Code::NotFound).with("what", connector))
}
