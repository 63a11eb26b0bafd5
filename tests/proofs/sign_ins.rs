//! Sign-ins as a thing of their own: connections that were made from one share it, one renewal repairs them all, a token that one of them
//! rotates is the others' too, and a run that was shut out goes on where it stopped.

use crate::harness::{Office, Wish, days_ago, small};
use anyhow::{Context, Result, ensure};
use api::wire::{DraftCommitted, DraftState, SignInRow};
use kit::clock::Clock;
use model::{
    alert::{AlertKind, AlertState},
    connection::{Connection, ConnectionState},
    id::{ClientId, ConnectionId},
    money::{Currency, VatState},
    run::{RunState, SliceState},
    schedule::Schedule,
    secret::Secret,
    settings::Settings,
    sign_in::SignInState,
};
use serde_json::{Value, json};
use simulators::{
    faults::{Fault, FaultKind},
    vk_ads::{Key, Scenario, TokenRules},
};
use std::time::Duration;
use store::Scope;
use vault::keys::ClientKey;

/// A world whose platform gives each user one token and no second: whoever asks for more than needed is refused.
fn stingy(rotate_refresh: bool) -> Scenario {
    Scenario { tokens: TokenRules { per_user: 1, rotate_refresh, ..TokenRules::default() }, ..small() }
}

fn advertiser(office: &Office) -> Result<Key> {
    let own = office.platform().keys().into_iter().find(|key| key.cabinets[0].id == key.owner_id);
    own.context("this world has no advertiser")
}

fn agency(office: &Office) -> Result<Key> {
    let agency = office.platform().keys().into_iter().find(|key| key.cabinets.len() > 1);
    agency.context("this world has no agency")
}

async fn connect(office: &Office, key: &Key, cabinets: &[usize], client: ClientId) -> Result<Vec<ConnectionId>> {
    let wish = Wish { key, cabinets, client, first_load_days: 12, lookback_days: 3 };
    let committed = office.connect(&wish).await?;
    office.done(&committed.run_ids).await?;
    Ok(committed.connection_ids)
}

async fn board(office: &Office) -> Result<Vec<SignInRow>> {
    office.ask("sign_ins_list", json!({})).await
}

/// Signs in again for one connection; answers which were repaired and which runs go on.
async fn sign_in_again(office: &Office, key: &Key, connection: ConnectionId) -> Result<DraftCommitted> {
    let draft = office.tested(key, Some(connection)).await?;
    ensure!(draft.state == DraftState::Ready, "{draft:?}");
    let request = json!({
        "draft_id": draft.id, "picks": [], "streams": [], "lookbacks": {}, "first_load_days": 1, "vat": "unknown",
    });
    office.ask("draft_commit", request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sign_in_repairs_every_connection_that_shares_it_and_costs_no_token_more_than_needed() -> Result<()> {
    for rotate in [false, true] {
        let office = Office::open(stingy(rotate)).await?;
        let key = agency(&office)?;
        let (first, second) = (office.client("Ромашка").await?.id, office.client("Василёк").await?.id);
        let mut connections = connect(&office, &key, &[0], first).await?;
        // A second walk through the wizard with the same key joins the sign-in: its tokens are gone on with.
        connections.extend(connect(&office, &key, &[1], second).await?);
        let rows = board(&office).await?;
        ensure!(rows.len() == 1 && rows[0].uses.len() == 2 && rows[0].clients == 2, "{rows:?}");
        ensure!(rows[0].state == SignInState::Good && rows[0].owner.is_some(), "{rows:?}");
        ensure!(rows[0].used_at.is_some() && rows[0].access_until.is_some() && rows[0].scopes.is_some(), "{rows:?}");
        let tokens = office.platform().token_secrets().len();

        office.platform().faults().add(Fault::once(FaultKind::ExpireAllTokens));
        office.platform().faults().add(Fault::always(FaultKind::WrongKey));
        for connection in &connections {
            let run = office.start(*connection, None).await?;
            ensure!(office.ended(run).await?.state == RunState::Failed, "the key was changed and nobody noticed");
        }
        let rows = board(&office).await?;
        ensure!(rows[0].state == SignInState::Needed, "{rows:?}");
        ensure!(rows[0].uses.iter().all(|used| used.state == ConnectionState::SignInNeeded), "{rows:?}");
        ensure!(rows[0].renew.is_some_and(|id| connections.contains(&id)), "{rows:?}");

        office.platform().faults().clear();
        let repaired = sign_in_again(&office, &key, connections[0]).await?;
        ensure!(repaired.connection_ids.len() == 2 && repaired.run_ids.len() == 2, "{repaired:?}");
        office.done(&repaired.run_ids).await?;
        for connection in &connections {
            let row = office.connection(*connection).await?.connection;
            ensure!(row.state == ConnectionState::Active && row.failure.is_none(), "{row:?}");
        }
        let rows = board(&office).await?;
        ensure!(rows.len() == 1 && rows[0].state == SignInState::Good, "{rows:?}");
        let after = office.platform().token_secrets().len();
        ensure!(after == tokens, "{after} tokens where {tokens} were enough (rotation {rotate})");
        office.is_true(first, &[key.cabinets[0].id], days_ago(12), days_ago(1)).await?;
        office.is_true(second, &[key.cabinets[1].id], days_ago(12), days_ago(1)).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_one_connection_rotates_is_the_others_too() -> Result<()> {
    let mut office = Office::open(stingy(true)).await?;
    let key = advertiser(&office)?;
    let (first, second) = (office.client("Ромашка").await?.id, office.client("Василёк").await?.id);
    // One account, shown to two clients: one refresh token, good for one use.
    let mut connections = connect(&office, &key, &[0], first).await?;
    connections.extend(connect(&office, &key, &[0], second).await?);
    ensure!(board(&office).await?.len() == 1, "the second does not share the sign-in of the first");
    let tokens = office.platform().token_secrets().len();
    for round in 0..3 {
        // Every token is a day older than it lives, and both connections come at once.
        office.advance_days(2);
        let runs = [office.start(connections[0], None).await?, office.start(connections[1], None).await?];
        office.done(&runs).await.with_context(|| format!("round {round}"))?;
        // And one after the other, as the next morning's program does.
        office.restart().await;
        office.advance_days(1);
        office.sync(connections[round % 2]).await?;
        office.sync(connections[(round + 1) % 2]).await?;
    }
    ensure!(office.platform().token_secrets().len() == tokens, "a token was lost and another one was asked for");
    // A test that is thrown away costs nothing either: what it rotated is kept.
    office.advance_days(2);
    let draft = office.tested(&key, Some(connections[0])).await?;
    ensure!(draft.state == DraftState::Ready, "{draft:?}");
    let _: Value = office.ask("draft_discard", json!({ "id": draft.id })).await?;
    office.sync(connections[0]).await?;
    office.sync(connections[1]).await?;
    ensure!(office.platform().token_secrets().len() == tokens, "the discarded test took the token along");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_shut_out_goes_on_where_it_stopped() -> Result<()> {
    let office = Office::open(small()).await?;
    let key = advertiser(&office)?;
    let client = office.client("Ромашка").await?.id;
    office.platform().faults().add(Fault::once(FaultKind::RevokeToken).on("statistics/").after(3));
    let wish = Wish { key: &key, cabinets: &[0], client, first_load_days: 80, lookback_days: 3 };
    let committed = office.connect(&wish).await?;
    let (connection, run) = (committed.connection_ids[0], committed.run_ids[0]);
    ensure!(office.ended(run).await?.state == RunState::Failed, "the token was revoked and nobody noticed");
    let before = office.run(run).await?;
    let done =
        |detail: &api::wire::RunDetail| detail.slices.iter().filter(|slice| slice.state == SliceState::Done).count();
    ensure!(done(&before) > 0 && done(&before) < before.slices.len(), "this run proves nothing: {:?}", before.slices);
    let row = board(&office).await?.remove(0);
    ensure!(row.access_until.is_none(), "the dead token is still kept: {row:?}");
    office.platform().faults().clear();

    let read_before = office.platform().requests().count_of("statistics/");
    let again = sign_in_again(&office, &key, connection).await?;
    ensure!(again.run_ids == [run], "another run was started: {again:?}");
    office.done(&[run]).await?;
    let after = office.run(run).await?;
    ensure!(done(&after) == before.slices.len() && after.slices.len() == before.slices.len(), "{:?}", after.slices);
    for (before, after) in before.slices.iter().zip(&after.slices).filter(|(it, _)| it.state == SliceState::Done) {
        ensure!((before.requests, before.millis) == (after.requests, after.millis), "a committed slice was read again");
    }
    // What it asked the platform for is what the slices say that were left, and no more than a test of the sign-in besides.
    let asked = office.platform().requests().count_of("statistics/") - read_before;
    let left: u32 = after
        .slices
        .iter()
        .zip(&before.slices)
        .filter(|(_, before)| before.state != SliceState::Done)
        .map(|(after, _)| after.requests)
        .sum();
    ensure!(asked <= u64::from(left) + 2, "{asked} requests for statistics where {left} were left");
    office.is_true(client, &[key.cabinets[0].id], days_ago(80), days_ago(1)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_refreshed_past_half_of_its_life_and_a_platform_that_is_down_then_costs_nothing() -> Result<()> {
    let office = Office::open(small()).await?;
    let key = office.platform().keys().remove(0);
    let client = office.client("Ромашка").await?.id;
    let connection = connect(&office, &key, &[0], client).await?[0];
    let asked = || office.platform().requests().count_of("oauth2/token.json");
    let fresh = asked();
    office.clock.advance(Duration::from_hours(11));
    office.sync(connection).await?;
    ensure!(asked() == fresh, "a token in the first half of its life was refreshed");
    office.clock.advance(Duration::from_hours(2));
    office.platform().faults().add(Fault::always(FaultKind::ServerError { status: 503 }).on("oauth2/token.json"));
    office.sync(connection).await.context("the old token was good for eleven hours more")?;
    ensure!(asked() > fresh, "nobody tried to refresh");
    office.platform().faults().clear();
    let tried = asked();
    office.sync(connection).await?;
    ensure!(asked() == tried + 1, "{} requests for one refresh", asked() - tried);
    office.sync(connection).await?;
    ensure!(asked() == tried + 1, "a fresh token was refreshed");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_ends_is_told_in_time_and_is_quiet_once_it_is_renewed() -> Result<()> {
    let mut office = Office::open(small()).await?;
    let key = agency(&office)?;
    let client = office.client("Ромашка").await?.id;
    let connections = connect(&office, &key, &[0, 1], client).await?;
    let now = Clock::now(&*office.clock);
    let alerts = async |office: &Office| -> Result<Vec<(ConnectionId, AlertState)>> {
        let (_, store) = office.offline().await?;
        let alerts = store.alerts(Scope::Portfolio, now - chrono::TimeDelta::days(30)).await?;
        store.close().await;
        let ends = alerts.into_iter().filter(|alert| alert.subject.kind == AlertKind::SignInEnds);
        Ok(ends.map(|alert| (alert.subject.connection_id, alert.state)).collect())
    };
    // This platform gives sign-ins without an end; another one's word is put in its place.
    office.host.shutdown().await;
    let (_, store) = office.offline().await?;
    let sign_in = store.sign_ins().await?.remove(0);
    let ends_at = Some(now + chrono::TimeDelta::hours(71));
    store.put_sign_in(&store::sign_ins::SignIn { ends_at, ..sign_in }, &[], &[]).await?;
    store.close().await;

    office.restart().await;
    let row = board(&office).await?.remove(0);
    ensure!(row.state == SignInState::EndsSoon && row.ends_at == ends_at && row.renew.is_some(), "{row:?}");
    // The look that raises alerts runs beside everything else; a whole sync is longer.
    office.sync(connections[0]).await?;
    office.host.shutdown().await;
    let told = alerts(&office).await?;
    ensure!(told.len() == 2 && told.iter().all(|(_, state)| *state == AlertState::Open), "{told:?}");

    office.restart().await;
    let again = sign_in_again(&office, &key, connections[1]).await?;
    office.done(&again.run_ids).await?;
    ensure!(board(&office).await?[0].state == SignInState::Good, "the renewed sign-in still ends");
    office.host.shutdown().await;
    let told = alerts(&office).await?;
    ensure!(told.iter().all(|(_, state)| *state == AlertState::Settled), "{told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_before_there_were_sign_ins_get_theirs() -> Result<()> {
    let mut office = Office::open(small()).await?;
    let key = agency(&office)?;
    let clients = [office.client("Ромашка").await?.id, office.client("Василёк").await?.id];
    office.host.shutdown().await;
    // As the versions before left it: each connection with all secrets in an envelope of its own.
    let (vault, store) = office.offline().await?;
    let mut connections = Vec::new();
    for (client, cabinet) in clients.into_iter().zip(&key.cabinets) {
        let config = json!({ "client_id": key.client_id, "agency_client_name": cabinet.username });
        let connection = Connection {
            id: ConnectionId::new(),
            client_id: client,
            connector: "vk_ads".to_owned(),
            account_external_id: cabinet.id.to_string(),
            account_name: cabinet.username.clone(),
            currency: Currency::RUB,
            time_zone: "Europe/Moscow".to_owned(),
            config: config.as_object().cloned().context("an object")?,
            state: ConnectionState::Active,
            first_load_days: 5,
            settings: Settings { schedule: Schedule::Off, vat: VatState::Excluded, ..Settings::default() },
            follows: None,
            created_at: Clock::now(&*office.clock),
        };
        let sealing = store.client_key(client).await?.context("the client's key")?;
        let sealing =
            ClientKey::from_bytes(sealing.try_into().map_err(|_| anyhow::anyhow!("a key of another length"))?);
        let fields = [("client_secret".to_owned(), Secret::new(key.client_secret.clone()))].into();
        vault.seal(&sealing, client, connection.id, &fields, connection.created_at)?;
        store.insert_connection(&connection, model::ad::Level::Campaign).await?;
        connections.push(connection.id);
    }
    store.close().await;
    drop(vault);

    office.restart().await;
    let rows = board(&office).await?;
    ensure!(rows.len() == 1 && rows[0].uses.len() == 2, "the same key is two sign-ins: {rows:?}");
    for connection in &connections {
        office.sync(*connection).await?;
    }
    // And again after another start, when there is nothing left to adopt.
    office.restart().await;
    ensure!(board(&office).await?.len() == 1, "adopted twice");
    office.sync(connections[0]).await?;
    Ok(())
}
