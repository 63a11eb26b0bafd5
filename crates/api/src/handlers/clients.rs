//! Clients of the agency.

use super::{
    convert::{connection_row, newest, small},
    workspace::{name, time_zone},
};
use crate::{
    host::{Host, Workspace},
    wire::{ById, ClientDeleted, ClientDetail, ClientRow, DeleteClient, Empty, NewClient, UpdateClient},
};
use insight::{
    health,
    metric::Sums,
    portfolio::{self, ConnectionView},
};
use model::{
    audit::AuditAction,
    connection::Client,
    date::{self, DateRange},
    failure::{Code, Failure},
    id::ClientId,
    money::Micros,
    run::Health,
};
use std::collections::HashMap;
use store::Scope;

/// Days of the spend shown in the list.
const SPEND_DAYS: u32 = 30;

pub(crate) async fn clients_list(host: &Host, _: Empty) -> Result<Vec<ClientRow>, Failure> {
    let workspace = host.workspace().await?;
    rows(host, &workspace, Scope::Portfolio).await
}

pub(crate) async fn client_get(host: &Host, request: ById<ClientId>) -> Result<ClientDetail, Failure> {
    let workspace = host.workspace().await?;
    let scope = Scope::Client(request.id);
    let client = only(rows(host, &workspace, scope).await?)?;
    let views = portfolio::connections(&workspace.store, scope, host.now()).await?;
    Ok(ClientDetail { client, connections: views.iter().map(connection_row).collect() })
}

pub(crate) async fn client_create(host: &Host, request: NewClient) -> Result<ClientRow, Failure> {
    let workspace = host.workspace().await?;
    let client = create(host, &workspace, &request).await?;
    only(rows(host, &workspace, Scope::Client(client.id)).await?)
}

/// Adds a client with its sealing key.
pub(crate) async fn create(host: &Host, workspace: &Workspace, request: &NewClient) -> Result<Client, Failure> {
    let name = name(&request.name)?;
    unique(workspace, &name, None).await?;
    let client = Client {
        id: ClientId::new(),
        currency: request.currency.unwrap_or(workspace.row.currency),
        time_zone: match &request.time_zone {
            Some(zone) => time_zone(zone)?,
            None => workspace.row.time_zone.clone(),
        },
        created_at: host.now(),
        name,
    };
    workspace.store.insert_client(&client).await?;
    crate::folder::client_key(&workspace.store, client.id).await?;
    workspace.audit(host.now(), AuditAction::ClientCreated, &client.name).await?;
    Ok(client)
}

pub(crate) async fn client_update(host: &Host, request: UpdateClient) -> Result<ClientRow, Failure> {
    let workspace = host.workspace().await?;
    let before = workspace.store.client(request.id).await?;
    let name = name(&request.name)?;
    unique(&workspace, &name, Some(request.id)).await?;
    let client = Client { name, currency: request.currency, time_zone: time_zone(&request.time_zone)?, ..before };
    workspace.store.update_client(&client).await?;
    workspace.audit(host.now(), AuditAction::ClientUpdated, &client.name).await?;
    only(rows(host, &workspace, Scope::Client(client.id)).await?)
}

pub(crate) async fn client_delete(host: &Host, request: DeleteClient) -> Result<ClientDeleted, Failure> {
    let workspace = host.workspace().await?;
    let client = workspace.store.client(request.id).await?;
    if request.confirm_name.trim() != client.name {
        return Err(Failure::new(Code::SettingInvalid).with("field", "confirm_name"));
    }
    let connections = workspace.store.connections(Scope::Client(client.id)).await?;
    for connection in &connections {
        stop(&workspace, connection.id).await?;
    }
    let sign_ins = workspace.wires.sign_ins.ids().await?;
    // The key goes first: from this moment nothing opens the credentials, whatever happens to the rest.
    let deleted = workspace.store.delete_client(client.id).await?;
    for connection in &connections {
        super::connections::forget(&workspace, connection.id).await;
    }
    workspace.wires.sign_ins.forget_gone(&sign_ins).await?;
    workspace.audit(host.now(), AuditAction::ClientDeleted, &client.name).await?;
    Ok(ClientDeleted { connections: small(deleted.connections), rows: deleted.stats })
}

/// Stops the run of a connection that is about to go.
pub(crate) async fn stop(workspace: &Workspace, connection: model::id::ConnectionId) -> Result<(), Failure> {
    workspace.engine.stop_all(connection).await
}

/// Two clients of one name could not be told apart in a list.
async fn unique(workspace: &Workspace, name: &str, except: Option<ClientId>) -> Result<(), Failure> {
    let lower = name.to_lowercase();
    let taken = workspace.store.clients().await?;
    if taken.iter().any(|client| Some(client.id) != except && client.name.to_lowercase() == lower) {
        return Err(Failure::new(Code::SettingInvalid).with("field", "name").with("taken", name));
    }
    Ok(())
}

async fn rows(host: &Host, workspace: &Workspace, scope: Scope) -> Result<Vec<ClientRow>, Failure> {
    let now = host.now();
    let today = date::today(now, &workspace.row.time_zone);
    let period = DateRange::ending(today.pred_opt().unwrap_or(today), SPEND_DAYS);
    let mut views: HashMap<ClientId, Vec<ConnectionView>> = HashMap::new();
    for view in portfolio::connections(&workspace.store, scope, now).await? {
        views.entry(view.connection.client_id).or_default().push(view);
    }
    let clients = match scope {
        Scope::Portfolio => workspace.store.clients().await?,
        Scope::Client(id) => vec![workspace.store.client(id).await?],
    };
    let sums = workspace.store.client_sums(scope, period).await?;
    Ok(clients
        .into_iter()
        .map(|client| {
            let own = sums.iter().filter(|row| row.client_id == client.id && row.currency == client.currency);
            let spend: Sums = own.map(|row| Sums::from(row.sums)).sum();
            let views = views.remove(&client.id).unwrap_or_default();
            row(client, &views, spend.spend)
        })
        .collect())
}

fn row(client: Client, views: &[ConnectionView], spend_30d: Option<Micros>) -> ClientRow {
    let mut connectors: Vec<String> = views.iter().map(|view| view.connection.connector.clone()).collect();
    connectors.sort();
    connectors.dedup();
    ClientRow {
        health: health::of_client(views.iter().map(|view| view.diagnosis.health)),
        connections: small(views.len() as u64),
        problems: small(views.iter().filter(|view| view.diagnosis.health == Health::Act).count() as u64),
        connectors,
        spend_30d,
        data_through: views.iter().filter(|view| view.latest.is_some()).map(|view| view.data_through).min().flatten(),
        synced_at: newest(views.iter().map(|view| view.latest.as_ref()?.synced_at)),
        id: client.id,
        name: client.name,
        currency: client.currency,
        time_zone: client.time_zone,
        created_at: client.created_at,
    }
}

fn only(mut rows: Vec<ClientRow>) -> Result<ClientRow, Failure> {
    rows.pop().ok_or_else(|| Failure::new(Code::NotFound).with("what", "client"))
}
