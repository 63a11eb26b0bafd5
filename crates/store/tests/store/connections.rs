//! Connections, their streams and their totals level.

use crate::{Home, a_client, a_connection, connected, day, days, noon, stat, streams, write};
use chrono::TimeDelta;
use model::{
    ad::Level,
    connection::ConnectionState,
    id::ConnectionId,
    money::VatState,
    schedule::Schedule,
    settings::{InTotals, Lookback, Settings, StreamChoice, ZeroRows},
};
use store::{Scope, StoreError, request_budgets::RequestBudget, turns::Turn};

#[tokio::test]
async fn a_connection_reads_back_as_it_was_written() {
    let home = Home::new().await;
    let client = a_client("acme");
    home.store.insert_client(&client).await.unwrap();
    let mut connection = a_connection(client.id, "1");
    connection.settings.streams = streams(&["zeta", "alpha"]);
    home.store.insert_connection(&connection, Level::Ad).await.unwrap();
    assert_eq!(home.store.connection(connection.id).await.unwrap(), connection);
    assert_eq!(home.store.totals_level(connection.id).await.unwrap(), Level::Ad);
    // The form shows settings in their order.
    let read = home.store.connection(connection.id).await.unwrap();
    assert_eq!(read.config.keys().collect::<Vec<_>>(), ["agency_client_name", "z", "a"]);

    connection.account_name = "Renamed".to_owned();
    connection.settings = Settings {
        vat: VatState::Excluded,
        zero_rows: ZeroRows::LeaveOut,
        in_totals: InTotals::Apart,
        lookbacks: [("alpha".to_owned(), Lookback { days: 3, weekly_days: 28 })].into(),
        schedule: Schedule::Cron { expression: "0 7 * * 1-5".to_owned() },
        streams: vec![StreamChoice { name: "alpha".to_owned(), on: false }],
    };
    home.store.update_connection(&connection).await.unwrap();
    home.store.set_connection_state(connection.id, ConnectionState::SignInNeeded).await.unwrap();
    connection.state = ConnectionState::SignInNeeded;
    let home = home.reopened().await;
    assert_eq!(home.store.connections(Scope::Client(client.id)).await.unwrap(), [connection]);
}

#[tokio::test]
async fn turns_and_attempts_are_kept_apart_and_go_with_their_connection() {
    let home = Home::new().await;
    let (client, id) = connected(&home.store, "acme").await;
    let (_, other) = connected(&home.store, "other").await;
    assert_eq!(home.store.turn(id).await.unwrap(), Turn::none(id));
    let (next, retry) = (noon() + TimeDelta::hours(18), noon() + TimeDelta::minutes(5));
    home.store.set_attempts(id, 2, Some(retry)).await.unwrap();
    home.store.set_next_turn(id, Some(next)).await.unwrap();
    home.store.set_long_read(id, noon()).await.unwrap();
    let turn =
        Turn { connection_id: id, next_at: Some(next), retry_at: Some(retry), failures: 2, long_read_at: Some(noon()) };
    let home = home.reopened().await;
    assert_eq!(home.store.turns(Scope::Client(client)).await.unwrap(), [turn]);
    assert_eq!(turn.at(), Some(retry));
    home.store.set_attempts(id, 0, None).await.unwrap();
    home.store.set_next_turn(id, None).await.unwrap();
    assert_eq!(home.store.turn(id).await.unwrap(), Turn { long_read_at: Some(noon()), ..Turn::none(id) });
    home.store.delete_connection(id).await.unwrap();
    assert_eq!(home.store.turns(Scope::Portfolio).await.unwrap(), [Turn::none(other)]);
    assert!(matches!(home.store.set_attempts(id, 1, None).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn request_budgets_are_kept_by_account() {
    let home = Home::new().await;
    let budget = |account: &str, used: u64| RequestBudget {
        account: account.to_owned(),
        state: serde_json::json!({ "account": account, "windows": [{ "used": used }] }),
    };
    home.store.save_request_budgets(&[budget("vk_ads/2", 5), budget("vk_ads/1", 1)], noon()).await.unwrap();
    home.store.save_request_budgets(&[budget("vk_ads/1", 9)], noon()).await.unwrap();
    let home = home.reopened().await;
    assert_eq!(home.store.request_budgets().await.unwrap(), [budget("vk_ads/1", 9), budget("vk_ads/2", 5)]);
}

#[tokio::test]
async fn the_same_account_twice_under_one_client_is_refused() {
    let home = Home::new().await;
    let (client, _) = connected(&home.store, "acme").await;
    let again = a_connection(client, "acme");
    assert!(matches!(
        home.store.insert_connection(&again, Level::Campaign).await,
        Err(StoreError::Conflict { what: "connection" })
    ));
    let other = a_client("other");
    home.store.insert_client(&other).await.unwrap();
    home.store.insert_connection(&a_connection(other.id, "acme"), Level::Campaign).await.unwrap();
    assert_eq!(home.store.connections(Scope::Portfolio).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let home = Home::new().await;
    let store = &home.store;
    let ghost = a_connection(a_client("ghost").id, "1");
    let not_found = |result: Result<(), StoreError>| matches!(result, Err(StoreError::NotFound { .. }));
    assert!(not_found(store.insert_connection(&ghost, Level::Campaign).await));
    assert!(not_found(store.update_connection(&ghost).await));
    assert!(not_found(store.set_connection_state(ghost.id, ConnectionState::Paused).await));
    assert!(not_found(store.set_totals_level(ghost.id, Level::Ad).await));
    assert!(not_found(store.connection(ghost.id).await.map(|_| ())));
    assert!(not_found(store.delete_connection(ConnectionId::new()).await.map(|_| ())));
}

#[tokio::test]
async fn totals_follow_the_level_and_levels_are_never_added_up() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    write(&home.store, connection, Level::Campaign, days(1, 1), vec![stat("c", day(1), 10)]).await;
    let mut ad = stat("a", day(1), 9);
    ad.level = Level::Ad;
    write(&home.store, connection, Level::Ad, days(1, 1), vec![ad]).await;

    let clicks = async || {
        home.store
            .client_sums(Scope::Client(client), days(1, 1))
            .await
            .unwrap()
            .iter()
            .map(|s| s.sums.clicks)
            .collect::<Vec<_>>()
    };
    assert_eq!(clicks().await, [Some(10)]);
    home.store.set_totals_level(connection, Level::Ad).await.unwrap();
    assert_eq!(clicks().await, [Some(9)]);
}

#[tokio::test]
async fn deleting_a_connection_counts_its_rows_and_never_gives_its_number_again() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    write(&home.store, connection, Level::Campaign, days(1, 2), vec![stat("1", day(1), 5), stat("2", day(2), 7)]).await;
    assert_eq!(home.store.delete_connection(connection).await.unwrap(), 2);
    let next = a_connection(client, "next");
    home.store.insert_connection(&next, Level::Campaign).await.unwrap();
    assert_eq!(home.store.stat_counts(Scope::Portfolio).await.unwrap(), [(next.id, 0)]);
    assert!(home.store.client_sums(Scope::Portfolio, days(1, 30)).await.unwrap().is_empty());
    assert_eq!(home.store.check().await.unwrap().problems, Vec::<String>::new());
}
