//! Clients come, change and go with everything that is theirs and nothing that is another's.

use crate::{Home, a_client, connected, day, days, key, stat, write};
use model::{ad::Level, id::ClientId};
use store::{Options, Scope, Store, StoreError, clients::DeletedClient, workspace::Workspace};

#[tokio::test]
async fn the_workspace_has_one_row_of_settings() {
    let home = Home::new().await;
    assert_eq!(home.store.workspace().await.unwrap(), None);
    let mut workspace = Workspace {
        id: model::id::WorkspaceId::new(),
        name: "Агентство «Север»".to_owned(),
        currency: model::money::Currency::RUB,
        time_zone: "Europe/Moscow".to_owned(),
        demo: false,
        created_at: crate::noon(),
    };
    home.store.set_workspace(&workspace).await.unwrap();
    workspace.name = "North".to_owned();
    workspace.demo = true;
    home.store.set_workspace(&workspace).await.unwrap();
    let home = home.reopened().await;
    assert_eq!(home.store.workspace().await.unwrap(), Some(workspace));
}

#[tokio::test]
async fn a_client_is_added_changed_and_found_again() {
    let home = Home::new().await;
    let mut acme = a_client("Acme \u{0} '; DROP TABLE clients; -- «ёж»");
    home.store.insert_client(&acme).await.unwrap();
    assert!(matches!(home.store.insert_client(&acme).await, Err(StoreError::Conflict { what: "client" })));
    acme.name = "Acme".to_owned();
    acme.currency = "KZT".parse().unwrap();
    home.store.update_client(&acme).await.unwrap();
    assert_eq!(home.store.client(acme.id).await.unwrap(), acme);
    assert_eq!(home.store.clients().await.unwrap(), [acme]);

    let nobody = a_client("nobody");
    assert!(matches!(home.store.client(nobody.id).await, Err(StoreError::NotFound { what: "client" })));
    assert!(matches!(home.store.update_client(&nobody).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(home.store.delete_client(ClientId::new()).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn deleting_a_client_takes_all_of_it_and_leaves_the_others() {
    let home = Home::new().await;
    let store = &home.store;
    let (acme, cabinet) = connected(store, "acme").await;
    let (other, other_cabinet) = connected(store, "other").await;
    for connection in [cabinet, other_cabinet] {
        write(store, connection, Level::Campaign, days(1, 2), vec![stat("1", day(1), 5), stat("1", day(2), 7)]).await;
    }
    store.put_client_key(acme, &[7; 32]).await.unwrap();
    store.put_client_key(other, &[8; 32]).await.unwrap();
    let backup = store.back_up().await.unwrap();

    let deleted = store.delete_client(acme).await.unwrap();
    assert_eq!(deleted, DeletedClient { connections: 1, stats: 2, runs: 1, backups: 1 });
    assert!(matches!(store.client(acme).await, Err(StoreError::NotFound { .. })));
    assert_eq!(store.client_key(acme).await.unwrap(), None);
    assert!(store.connections(Scope::Client(acme)).await.unwrap().is_empty());
    assert!(store.client_sums(Scope::Client(acme), days(1, 30)).await.unwrap().is_empty());

    assert_eq!(store.client_key(other).await.unwrap(), Some(vec![8; 32]));
    assert_eq!(store.stat_counts(Scope::Portfolio).await.unwrap(), [(other_cabinet, 2)]);
    let report = store.check().await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());

    // The copy made before still has the client's rows, but not the key of its credentials.
    let copy = home.dir.path().join("copy.db");
    std::fs::copy(backup, &copy).unwrap();
    let copy = Store::open(&copy, &key(), Options::default()).await.unwrap();
    assert!(copy.client(acme).await.is_ok());
    assert_eq!(copy.client_key(acme).await.unwrap(), None);
    assert_eq!(copy.client_key(other).await.unwrap(), Some(vec![8; 32]));
}

#[tokio::test]
async fn a_key_is_replaced_and_needs_its_client() {
    let home = Home::new().await;
    let client = a_client("acme");
    assert!(home.store.put_client_key(client.id, &[1; 32]).await.is_err());
    home.store.insert_client(&client).await.unwrap();
    for key in [[1_u8; 32], [2; 32]] {
        home.store.put_client_key(client.id, &key).await.unwrap();
        assert_eq!(home.store.client_key(client.id).await.unwrap(), Some(key.to_vec()));
    }
}
