//! The connect wizard's side of the surface.

use super::{
    clients,
    connections::{MAX_DAYS, lookbacks},
    templates,
};
use crate::{
    drafts::{Answers, Draft, Found, Known},
    host::{Host, Workspace},
    sign_ins::{Given, asked},
    wire::{self, ById, DraftCommit, DraftCommitted, DraftStart, Empty, NewClient},
};
use kit::source::{Source, StreamDescriptor, StreamKind};
use model::{
    ad::Level,
    audit::AuditAction,
    connection::{Connection, ConnectionState},
    failure::{Code, Failure},
    id::{ClientId, ConnectionId, DraftId, SignInId},
    money::Currency,
    run::RunTrigger,
    settings::Settings,
    template::Giving,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use store::Scope;
use sync::engine::Asked;

pub(crate) async fn draft_start(host: &Host, request: DraftStart) -> Result<wire::Draft, Failure> {
    let workspace = host.workspace().await?;
    let source = source(&workspace, &request.connector)?;
    let mut answers = request.answers;
    if let Some(id) = request.connection_id {
        // What the person does not enter anew stays. What selects the account is left out: the sign-in is tested as a whole.
        let mut config = asked(&source.descriptor().form, &workspace.store.connection(id).await?.config);
        config.extend(answers);
        answers = config;
    }
    let answers = Answers::part(&source.descriptor().form, answers)?;
    let sign_ins = &workspace.wires.sign_ins;
    let joins = match request.connection_id {
        Some(id) => workspace.store.sign_in_of(id).await?.map(|sign_in| sign_in.id),
        None => sign_ins.same(&*source, &answers.config, &answers.secrets).await?,
    };
    let taken = match joins {
        // Whatever is the matter with the old one, the new one can be tried.
        Some(id) => sign_ins.taken_over(&*source, &answers.config, id).await.unwrap_or_else(|failure| {
            tracing::info!(error = %failure, "nothing could be taken over from a sign-in");
            None
        }),
        None => None,
    };
    let connected = workspace.store.connections(Scope::Portfolio).await?;
    let connected = connected.into_iter().filter(|connection| connection.connector == request.connector);
    let known = Known {
        clients: workspace.store.clients().await?,
        connected: connected
            .map(|connection| (connection.account_external_id, connection.id))
            .collect::<HashMap<_, _>>(),
        joins,
        taken,
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
pub(crate) async fn commit(host: &Host, mut request: DraftCommit) -> Result<DraftCommitted, Failure> {
    request.schedule.as_ref().map_or(Ok(()), sync::schedule::check)?;
    let workspace = host.workspace().await?;
    let draft = workspace.drafts.get(request.draft_id)?;
    if draft.wire().state != wire::DraftState::Ready {
        return Err(Failure::new(Code::BadRequest).with("field", "draft_id"));
    }
    let (connection_ids, run_ids) = if let Some(id) = draft.connection_id {
        let repaired = sign_in_again(host, &workspace, &draft, id).await?;
        let mut run_ids = Vec::with_capacity(repaired.len());
        for repaired in &repaired {
            // Where a run was stopped it goes on; the connection that was asked for is read in any case.
            if let Some(run) = workspace.engine.go_on(*repaired).await? {
                run_ids.push(run);
            } else if *repaired == id {
                run_ids.push(workspace.engine.start(id, RunTrigger::Manual, Asked::due()).await?);
            }
        }
        (repaired, run_ids)
    } else {
        let source = source(&workspace, &draft.connector)?;
        request.lookbacks = lookbacks(source.descriptor(), request.lookbacks)?;
        let made = connect(host, &workspace, &draft, &request).await?;
        let mut run_ids = Vec::with_capacity(made.len());
        for id in &made {
            run_ids.push(workspace.engine.start(*id, RunTrigger::First, Asked::due()).await?);
        }
        (made, run_ids)
    };
    workspace.drafts.discard(draft.id);
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
    let picked: Vec<&str> = request.picks.iter().map(|pick| pick.external_id.as_str()).collect();
    let given = given(host, draft, draft.joins.filter(|_| draft.base.goes_on()), &picked).await?;
    let mut taken: HashSet<&str> = HashSet::new();
    let template = match request.template {
        Some(id) => Some(templates::of_system(workspace, id, &draft.connector).await?),
        None => None,
    };
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
        let connection = match &template {
            // What the person chose stands, whatever it was that they began with.
            Some(template) => template.plan(connection, &Giving::nothing()).after,
            None => connection,
        };
        // One account for two clients: the tokens of the first are not the second's, which gets its own when it is read.
        let own = found.credentials.own_to_keep().filter(|_| taken.insert(&pick.external_id)).unwrap_or_default();
        workspace.wires.sign_ins.keep_own(client, connection.id, own).await?;
        let level = totals_level(&*source, &connection.settings);
        if let Err(error) = workspace.store.insert_connection(&connection, level).await {
            super::connections::forget(workspace, connection.id).await;
            return Err(error.into());
        }
        workspace.wires.sign_ins.give(&given, &[(client, connection.id)]).await?;
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
        time_zone: source.descriptor().time_zone.clone().unwrap_or_else(|| workspace.row.time_zone.clone()),
        config,
        state: ConnectionState::Active,
        first_load_days: request.first_load_days.clamp(1, MAX_DAYS),
        settings: Settings {
            streams: request.streams.clone(),
            schedule: request.schedule.clone().unwrap_or_default(),
            lookbacks: request.lookbacks.clone(),
            vat: request.vat,
            zero_rows: request.zero_rows.unwrap_or_default(),
            in_totals: request.in_totals.unwrap_or(source.descriptor().in_totals()),
        },
        follows: None,
        created_at: host.now(),
    }
}

/// What the draft gives: a sign-in of its own, or in place of the one with this id. The tokens of accounts that are not picked now are kept
/// with what is shared, so that picking them later costs the platform's few tokens no more; those of the picked ones are theirs alone.
async fn given(host: &Host, draft: &Draft, id: Option<SignInId>, picked: &[&str]) -> Result<Given, Failure> {
    let mut shared = draft.base.shared_to_keep().await?;
    for found in draft.accounts() {
        let Some(own) = found.credentials.own_to_keep() else { continue };
        if picked.contains(&found.account.external_id.as_str()) {
            shared.retain(|name, _| !own.contains_key(name));
        } else {
            shared.extend(own.into_iter().filter(|(name, _)| !kit::signin::is_access(name)));
        }
    }
    Ok(Given {
        id: id.unwrap_or_else(SignInId::new),
        connector: draft.connector.clone(),
        owner: draft.wire().signed_in_as,
        shared,
        issued_at: host.now(),
    })
}

/// Puts the new sign-in in place of the old one, for every connection that lives by it; answers which are repaired. A person who signs in
/// as somebody else repairs the connections that this one sees; the others keep what they have.
async fn sign_in_again(
    host: &Host,
    workspace: &Workspace,
    draft: &Draft,
    id: ConnectionId,
) -> Result<Vec<ConnectionId>, Failure> {
    let connection = workspace.store.connection(id).await?;
    let accounts = draft.accounts();
    let seen = |connection: &Connection| {
        accounts.iter().find(|found| found.account.external_id == connection.account_external_id)
    };
    // Another agency's key may be perfectly valid and still see other accounts.
    if seen(&connection).is_none() {
        return Err(Failure::new(Code::PermissionDenied)
            .with("system", &connection.connector)
            .with("account", &connection.account_name));
    }
    let living = workspace.store.sign_ins_of_connections().await?;
    let before = living.get(&id).copied();
    let mut sharing = workspace.store.connections(Scope::Portfolio).await?;
    sharing.retain(|other| other.id == id || (before.is_some() && living.get(&other.id).copied() == before));
    let in_place = draft.base.goes_on() || sharing.iter().all(|other| seen(other).is_some());
    let picked: Vec<&str> = sharing.iter().map(|other| other.account_external_id.as_str()).collect();
    let given = given(host, draft, before.filter(|_| in_place), &picked).await?;
    let sign_ins = &workspace.wires.sign_ins;
    let mut repaired = Vec::new();
    let mut to = Vec::new();
    for other in &sharing {
        let Some(found) = seen(other).filter(|found| other.id == id || found.state == wire::StepState::Done) else {
            continue;
        };
        if let Some(own) = found.credentials.own_to_keep() {
            sign_ins.keep_own(other.client_id, other.id, own).await?;
        }
        to.push((other.client_id, other.id));
        if other.id == id || other.state == ConnectionState::SignInNeeded {
            repaired.push((other, found));
        }
    }
    sign_ins.give(&given, &to).await?;
    for (other, found) in &repaired {
        let mut config = other.config.clone();
        config.extend(draft.config.clone());
        config.extend(found.account.config.clone());
        let changed = Connection { config, state: ConnectionState::Active, ..(*other).clone() };
        workspace.store.update_connection(&changed).await?;
        workspace.scheduler.look_at(other.id).await?;
        workspace.audit(host.now(), AuditAction::CredentialReplaced, &other.account_name).await?;
    }
    Ok(repaired.into_iter().map(|(other, _)| other.id).collect())
}

fn currency(found: &Found) -> Option<Currency> {
    found.sample.as_ref().and_then(|sample| sample.currency).or(found.account.currency)
}

/// The level whose rows are the totals, out of those that every connection of the system has to read, else out of those that this one does:
/// campaigns where they are among them, else the highest. A system whose campaigns are not the whole (Telegram Ads forgets deleted ones)
/// requires its accounts alone.
fn totals_level(source: &dyn Source, settings: &Settings) -> Level {
    let streams = || source.descriptor().streams.iter();
    let level = |stream: &StreamDescriptor| match stream.kind {
        StreamKind::Statistics { level, .. } => Some(level),
        StreamKind::Dictionary { .. } | StreamKind::Records { .. } => None,
    };
    let mut levels: Vec<Level> = streams().filter(|stream| stream.required).filter_map(level).collect();
    if levels.is_empty() {
        levels = streams().filter(|stream| settings.reads(&stream.name)).filter_map(level).collect();
    }
    levels.sort();
    if levels.contains(&Level::Campaign) { Level::Campaign } else { levels.first().copied().unwrap_or(Level::Campaign) }
}

fn source(workspace: &Workspace, connector: &str) -> Result<Arc<dyn Source>, Failure> {
    workspace.registry.get(connector).ok_or_else(|| Failure::new(Code::NotFound).with("what", connector))
}
