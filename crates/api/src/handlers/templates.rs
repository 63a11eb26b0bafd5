//! Templates: saving a connection's settings under a name, giving them to others, and saying before what that would change.
//!
//! What a preview says and what applying does come from the same plan. Between the two lies a person's decision, and meanwhile a connection,
//! or the template, may have been changed; the preview's stamp stands for the whole plan, so that nothing else than what was read is done.

use super::{connections, convert::small};
use crate::{
    host::{Host, Workspace},
    wire::{
        ById, ConnectionDetail, Empty, FollowedTemplate, Follower, NewTemplate, TemplateApply, TemplateChange,
        TemplatePreview, TemplateRow, TemplateUpdate, TemplateUse,
    },
};
use model::{
    audit::AuditAction,
    connection::Connection,
    failure::{Code, Failure},
    id::{ClientId, ConnectionId, TemplateId},
    settings::Settings,
    template::{Giving, Planned, Template},
};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};
use store::Scope;

/// The longest name of a template, characters.
const NAME_CHARS: usize = 80;

pub(crate) async fn templates_list(host: &Host, _: Empty) -> Result<Vec<TemplateRow>, Failure> {
    let workspace = host.workspace().await?;
    let templates = workspace.store.templates().await?;
    rows(&workspace, templates).await
}

pub(crate) async fn template_create(host: &Host, request: NewTemplate) -> Result<TemplateRow, Failure> {
    let workspace = host.workspace().await?;
    let from = workspace.store.connection(request.from).await?;
    let name = named(&workspace, &request.name, &from.connector, None).await?;
    let template = Template {
        id: TemplateId::new(),
        connector: from.connector.clone(),
        name,
        settings: Settings { lookbacks: connections::own_lookbacks(&workspace, &from), ..from.settings.clone() },
        created_at: host.now(),
    };
    let first = template.plan(from, &Giving { keep_own: false, ..Giving::roll_out() });
    let account = first.before.account_name.clone();
    workspace.store.insert_template(&template, &[first]).await?;
    workspace.audit(host.now(), AuditAction::TemplateCreated, &template.name).await?;
    workspace.audit(host.now(), AuditAction::ConnectionUpdated, &account).await?;
    row(&workspace, template).await
}

pub(crate) async fn template_update(host: &Host, request: TemplateUpdate) -> Result<TemplateRow, Failure> {
    let workspace = host.workspace().await?;
    let mut template = workspace.store.template(request.id).await?;
    if let Some(name) = request.name {
        template.name = named(&workspace, &name, &template.connector, Some(template.id)).await?;
    }
    let source = workspace.registry.get(&template.connector);
    let change = connections::checked(source.as_ref().map(|source| source.descriptor()), request.settings)?;
    template.settings = change.of(&template.settings);
    workspace.store.update_template(&template).await?;
    workspace.audit(host.now(), AuditAction::TemplateUpdated, &template.name).await?;
    row(&workspace, template).await
}

pub(crate) async fn template_preview(host: &Host, request: TemplateUse) -> Result<TemplatePreview, Failure> {
    let workspace = host.workspace().await?;
    let (template, planned) = plan(&workspace, &request).await?;
    let clients = client_names(&workspace).await?;
    let others: HashMap<TemplateId, String> =
        workspace.store.templates().await?.into_iter().map(|other| (other.id, other.name)).collect();
    let stamp = stamp(&template, &planned)?;
    let count = |counted: fn(&Planned) -> bool| small(planned.iter().filter(|planned| counted(planned)).count() as u64);
    let (changed, kept) = (count(|planned| !planned.changed.is_empty()), count(|planned| !planned.kept.is_empty()));
    let (unchanged, written) = (count(|planned| planned.changed.is_empty()), count(|planned| !planned.is_idle()));
    let mut rows: Vec<TemplateChange> = planned
        .into_iter()
        .map(|planned| {
            let followed = planned.before.follows.as_ref().map(|follows| follows.template);
            TemplateChange {
                connection_id: planned.before.id,
                client_id: planned.before.client_id,
                client_name: clients.get(&planned.before.client_id).cloned().unwrap_or_default(),
                account_name: planned.before.account_name,
                before: planned.before.settings,
                after: planned.after.settings,
                changed: planned.changed,
                kept: planned.kept,
                joins: followed != Some(template.id),
                leaves: followed.filter(|id| *id != template.id).and_then(|id| others.get(&id).cloned()),
            }
        })
        .collect();
    rows.sort_by_cached_key(|row| {
        (row.changed.is_empty(), row.client_name.to_lowercase(), row.account_name.to_lowercase())
    });
    Ok(TemplatePreview { rows, changed, unchanged, kept, written, stamp })
}

pub(crate) async fn template_apply(host: &Host, request: TemplateApply) -> Result<TemplateRow, Failure> {
    let workspace = host.workspace().await?;
    let (template, mut planned) = plan(&workspace, &request.of).await?;
    if stamp(&template, &planned)? != request.stamp {
        return Err(Failure::new(Code::ChangedMeanwhile).with("what", "template"));
    }
    planned.retain(|planned| !planned.is_idle());
    workspace.store.give_template(&template, &planned).await?;
    workspace.audit(host.now(), AuditAction::TemplateApplied, &template.name).await?;
    for planned in &planned {
        // The screen shows the new time at once, not at the scheduler's next look.
        workspace.scheduler.look_at(planned.after.id).await?;
        workspace.audit(host.now(), AuditAction::ConnectionUpdated, &planned.after.account_name).await?;
    }
    row(&workspace, template).await
}

pub(crate) async fn template_leave(host: &Host, request: ById<ConnectionId>) -> Result<ConnectionDetail, Failure> {
    let workspace = host.workspace().await?;
    let connection = Connection { follows: None, ..workspace.store.connection(request.id).await? };
    workspace.store.update_connection(&connection).await?;
    workspace.audit(host.now(), AuditAction::ConnectionUpdated, &connection.account_name).await?;
    connections::detail(host, &workspace, connection.id).await
}

pub(crate) async fn template_delete(host: &Host, request: ById<TemplateId>) -> Result<Empty, Failure> {
    let workspace = host.workspace().await?;
    let template = workspace.store.template(request.id).await?;
    workspace.store.delete_template(template.id).await?;
    workspace.audit(host.now(), AuditAction::TemplateDeleted, &template.name).await?;
    Ok(Empty {})
}

/// What a connection's screen says of its template.
pub(crate) async fn followed(
    workspace: &Workspace,
    connection: &Connection,
) -> Result<Option<FollowedTemplate>, Failure> {
    let Some(follows) = &connection.follows else { return Ok(None) };
    let template = workspace.store.template(follows.template).await?;
    Ok(Some(FollowedTemplate {
        behind: template.behind(connection),
        own: follows.own.iter().copied().collect(),
        id: template.id,
        name: template.name,
        settings: template.settings,
    }))
}

/// The template for new connections of a system.
pub(crate) async fn of_system(workspace: &Workspace, id: TemplateId, connector: &str) -> Result<Template, Failure> {
    let template = workspace.store.template(id).await?;
    if template.connector == connector { Ok(template) } else { Err(foreign("template")) }
}

fn foreign(field: &'static str) -> Failure {
    Failure::new(Code::BadRequest).with("field", field).detail("of another system")
}

/// What the request would do, in the order of the connections. All of them are looked up before anything is decided: a list with a stranger
/// in it does nothing.
async fn plan(workspace: &Workspace, request: &TemplateUse) -> Result<(Template, Vec<Planned>), Failure> {
    let template = workspace.store.template(request.id).await?;
    let giving = Giving { settings: request.settings.iter().copied().collect(), keep_own: request.keep_own };
    let mut connections = workspace.store.connections(Scope::Portfolio).await?;
    match &request.to {
        None => connections.retain(|one| one.follows.as_ref().is_some_and(|follows| follows.template == template.id)),
        Some(to) => {
            if to.iter().any(|id| connections.iter().all(|one| one.id != *id)) {
                return Err(Failure::new(Code::NotFound).with("what", "connection"));
            }
            connections.retain(|one| to.contains(&one.id));
        }
    }
    if connections.iter().any(|one| one.connector != template.connector) {
        return Err(foreign("to"));
    }
    let planned = connections.into_iter().map(|connection| template.plan(connection, &giving)).collect();
    Ok((template, planned))
}

/// Stands for a plan. It outlives a dialog and nothing else, so it need not be the same in another version.
fn stamp(template: &Template, planned: &[Planned]) -> Result<String, Failure> {
    let mut hasher = DefaultHasher::new();
    let mut add = |settings: &Settings| -> Result<(), Failure> {
        let text = serde_json::to_string(settings)
            .map_err(|error| Failure::new(Code::Internal).detail(&error).caused_by(error))?;
        text.hash(&mut hasher);
        Ok(())
    };
    add(&template.settings)?;
    for planned in planned {
        add(&planned.before.settings)?;
        add(&planned.after.settings)?;
    }
    for planned in planned {
        planned.before.id.hash(&mut hasher);
        for follows in [&planned.before.follows, &planned.after.follows] {
            follows.as_ref().map(|follows| (follows.template, &follows.own)).hash(&mut hasher);
        }
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// A name that can be told apart from the others of the system.
async fn named(
    workspace: &Workspace,
    typed: &str,
    connector: &str,
    except: Option<TemplateId>,
) -> Result<String, Failure> {
    let name = typed.trim();
    let invalid = || Failure::new(Code::SettingInvalid).with("field", "name");
    if name.is_empty() || name.chars().count() > NAME_CHARS {
        return Err(invalid());
    }
    let lower = name.to_lowercase();
    let mut others = workspace.store.templates().await?.into_iter().filter(|one| one.connector == connector);
    if others.any(|one| Some(one.id) != except && one.name.to_lowercase() == lower) {
        return Err(invalid().with("taken", name));
    }
    Ok(name.to_owned())
}

async fn client_names(workspace: &Workspace) -> Result<HashMap<ClientId, String>, Failure> {
    Ok(workspace.store.clients().await?.into_iter().map(|client| (client.id, client.name)).collect())
}

async fn row(workspace: &Workspace, template: Template) -> Result<TemplateRow, Failure> {
    rows(workspace, vec![template]).await?.pop().ok_or_else(|| Failure::new(Code::Internal))
}

async fn rows(workspace: &Workspace, templates: Vec<Template>) -> Result<Vec<TemplateRow>, Failure> {
    let clients = client_names(workspace).await?;
    let connections = workspace.store.connections(Scope::Portfolio).await?;
    let follower = |template: &Template, one: &Connection| {
        let follows = one.follows.as_ref().filter(|follows| follows.template == template.id)?;
        Some(Follower {
            connection_id: one.id,
            client_name: clients.get(&one.client_id).cloned().unwrap_or_default(),
            account_name: one.account_name.clone(),
            own: follows.own.iter().copied().collect(),
            behind: template.behind(one),
        })
    };
    let row = |template: Template| {
        let mut followers: Vec<Follower> = connections.iter().filter_map(|one| follower(&template, one)).collect();
        followers.sort_by_cached_key(|one| (one.client_name.to_lowercase(), one.account_name.to_lowercase()));
        TemplateRow {
            behind: small(followers.iter().filter(|one| !one.behind.is_empty()).count() as u64),
            followers,
            id: template.id,
            connector: template.connector,
            name: template.name,
            settings: template.settings,
            created_at: template.created_at,
        }
    };
    Ok(templates.into_iter().map(row).collect())
}
