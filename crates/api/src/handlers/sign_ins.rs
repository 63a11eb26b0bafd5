//! The board of sign-ins: what breaks when one dies, and when that will be.

use super::convert::small;
use crate::{
    host::{Host, Workspace},
    wire::{Empty, SignInRow, SignInUse},
};
use model::{
    connection::ConnectionState,
    failure::Failure,
    id::{ClientId, SignInId},
    sign_in::SignInState,
};
use std::collections::{BTreeSet, HashMap};
use store::Scope;

pub(crate) async fn sign_ins_list(host: &Host, _: Empty) -> Result<Vec<SignInRow>, Failure> {
    let workspace = host.workspace().await?;
    rows(host, &workspace, None).await
}

/// The sign-ins, the most urgent first; or one.
pub(crate) async fn rows(
    host: &Host,
    workspace: &Workspace,
    only: Option<SignInId>,
) -> Result<Vec<SignInRow>, Failure> {
    let store = &workspace.store;
    let clients: HashMap<ClientId, String> =
        store.clients().await?.into_iter().map(|client| (client.id, client.name)).collect();
    let living = store.sign_ins_of_connections().await?;
    let mut uses: HashMap<SignInId, Vec<SignInUse>> = HashMap::new();
    for connection in store.connections(Scope::Portfolio).await? {
        let Some(id) = living.get(&connection.id) else { continue };
        uses.entry(*id).or_default().push(SignInUse {
            connection_id: connection.id,
            client_id: connection.client_id,
            client_name: clients.get(&connection.client_id).cloned().unwrap_or_default(),
            account_name: connection.account_name,
            state: connection.state,
        });
    }
    let now = host.now();
    let known = store.sign_ins().await?.into_iter().filter(|sign_in| only.is_none_or(|only| only == sign_in.id));
    let mut rows: Vec<SignInRow> = known
        .map(|sign_in| {
            let mut uses = uses.remove(&sign_in.id).unwrap_or_default();
            uses.sort_by(|a, b| (&a.client_name, &a.account_name).cmp(&(&b.client_name, &b.account_name)));
            let waits = uses.iter().find(|used| used.state == ConnectionState::SignInNeeded);
            SignInRow {
                state: SignInState::of(waits.is_some(), sign_in.ends_at, now),
                renew: waits.or(uses.first()).map(|used| used.connection_id),
                clients: small(uses.iter().map(|used| used.client_id).collect::<BTreeSet<_>>().len() as u64),
                uses,
                id: sign_in.id,
                connector: sign_in.connector,
                owner: sign_in.owner,
                scopes: sign_in.scopes,
                issued_at: sign_in.issued_at,
                access_until: sign_in.access_until,
                ends_at: sign_in.ends_at,
                used_at: sign_in.used_at,
                refreshed_at: sign_in.refreshed_at,
            }
        })
        .collect();
    let urgency = |row: &SignInRow| match row.state {
        SignInState::Needed => 0,
        SignInState::EndsSoon => 1,
        SignInState::Good => 2,
    };
    rows.sort_by_key(|row| (urgency(row), row.ends_at.is_none(), row.ends_at, std::cmp::Reverse(row.uses.len())));
    Ok(rows)
}
