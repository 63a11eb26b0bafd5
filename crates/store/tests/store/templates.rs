//! Templates, the connections that follow them, and writes that come too late.

use crate::{Home, a_client, a_connection, connected, noon};
use model::{
    ad::Level,
    id::{ConnectionId, TemplateId},
    money::VatState,
    schedule::Schedule,
    settings::{InTotals, Lookback, Setting, Settings, ZeroRows},
    template::{Following, Giving, Planned, Template},
};
use std::collections::BTreeMap;
use store::{Scope, Store, StoreError};

fn days(days: u32) -> BTreeMap<String, Lookback> {
    BTreeMap::from([("zeta".to_owned(), Lookback { days, weekly_days: 30 })])
}

fn a_template(name: &str) -> Template {
    Template {
        id: TemplateId::new(),
        connector: "vk_ads".to_owned(),
        name: name.to_owned(),
        settings: Settings {
            streams: crate::streams(&["zeta", "campaigns"]),
            schedule: Schedule::Hourly { every: 4 },
            lookbacks: days(14),
            vat: VatState::Excluded,
            zero_rows: ZeroRows::LeaveOut,
            in_totals: InTotals::Apart,
        },
        created_at: noon(),
    }
}

async fn plan(store: &Store, template: &Template, id: ConnectionId) -> Planned {
    template.plan(store.connection(id).await.unwrap(), &Giving::roll_out())
}

#[tokio::test]
async fn a_template_and_what_follows_it_read_back_as_they_were_written() {
    let home = Home::new().await;
    let (_, id) = connected(&home.store, "acme").await;
    let (_, other) = connected(&home.store, "other").await;
    let mut template = a_template("Магазины");
    let first = plan(&home.store, &template, id).await;
    home.store.insert_template(&template, std::slice::from_ref(&first)).await.unwrap();
    let home = home.reopened().await;
    assert_eq!(home.store.templates().await.unwrap(), [template.clone()]);
    assert_eq!(home.store.connection(id).await.unwrap(), first.after);
    assert_eq!(home.store.connection(other).await.unwrap().follows, None);

    // An override, a new name and other settings: the connection keeps what it has.
    let mut own = first.after.clone();
    own.follows = Some(Following { template: template.id, own: [Setting::Vat, Setting::Streams].into() });
    home.store.update_connection(&own).await.unwrap();
    template.name = "Shops".to_owned();
    template.settings.lookbacks = days(30);
    home.store.update_template(&template).await.unwrap();
    assert_eq!(home.store.template(template.id).await.unwrap(), template);
    assert_eq!(home.store.connection(id).await.unwrap(), own);

    // Rolled out, and given to another, at once.
    let planned = [plan(&home.store, &template, id).await, plan(&home.store, &template, other).await];
    home.store.give_template(&template, &planned).await.unwrap();
    let home = home.reopened().await;
    let connections = home.store.connections(Scope::Portfolio).await.unwrap();
    assert_eq!(connections, planned.map(|planned| planned.after));
    assert_eq!(connections[0].settings.lookbacks, days(30));

    home.store.delete_template(template.id).await.unwrap();
    assert_eq!(home.store.templates().await.unwrap(), []);
    for connection in connections {
        let left = home.store.connection(connection.id).await.unwrap();
        assert_eq!((left.settings, left.follows), (connection.settings, None));
    }
    assert_eq!(home.store.check().await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_connection_that_goes_leaves_its_template() {
    let home = Home::new().await;
    let (client, id) = connected(&home.store, "acme").await;
    let template = a_template("Shops");
    home.store.insert_template(&template, &[plan(&home.store, &template, id).await]).await.unwrap();
    home.store.delete_connection(id).await.unwrap();
    assert_eq!(home.store.templates().await.unwrap(), std::slice::from_ref(&template));
    let born = a_connection(client, "born");
    let born = template.plan(born, &Giving::nothing()).after;
    home.store.insert_connection(&born, Level::Campaign).await.unwrap();
    assert_eq!(home.store.connection(born.id).await.unwrap(), born);
    home.store.delete_client(client).await.unwrap();
    assert_eq!(home.store.templates().await.unwrap(), [template]);
}

#[tokio::test]
async fn what_was_planned_with_something_else_is_not_written_at_all() {
    let home = Home::new().await;
    let store = &home.store;
    let (_, first) = connected(store, "first").await;
    let (_, second) = connected(store, "second").await;
    let template = a_template("Shops");
    store.insert_template(&template, &[]).await.unwrap();
    let planned = [plan(store, &template, first).await, plan(store, &template, second).await];
    let untouched = store.connections(Scope::Portfolio).await.unwrap();

    // The template was changed since.
    let mut later = template.clone();
    later.settings.lookbacks = days(15);
    store.update_template(&later).await.unwrap();
    let refused = store.give_template(&template, &planned).await;
    assert!(matches!(refused, Err(StoreError::Changed { what: "template" })), "{refused:?}");
    assert_eq!(store.connections(Scope::Portfolio).await.unwrap(), untouched);
    store.update_template(&template).await.unwrap();

    // The last connection was: of the first nothing may be written either.
    let mut moved = planned[1].before.clone();
    moved.settings.vat = VatState::Unknown;
    store.update_connection(&moved).await.unwrap();
    let refused = store.give_template(&template, &planned).await;
    assert!(matches!(refused, Err(StoreError::Changed { what: "connection" })), "{refused:?}");
    assert_eq!(store.connections(Scope::Portfolio).await.unwrap(), [untouched[0].clone(), moved]);

    // It is gone, or the template is.
    store.delete_connection(second).await.unwrap();
    let refused = store.give_template(&template, &planned).await;
    assert!(matches!(refused, Err(StoreError::NotFound { what: "connection" })), "{refused:?}");
    store.delete_template(template.id).await.unwrap();
    let refused = store.give_template(&template, &planned[..1]).await;
    assert!(matches!(refused, Err(StoreError::NotFound { what: "template" })), "{refused:?}");
    assert_eq!(store.connections(Scope::Portfolio).await.unwrap(), &untouched[..1]);
}

#[tokio::test]
async fn a_name_belongs_to_one_template_of_a_system() {
    let home = Home::new().await;
    let store = &home.store;
    let (_, id) = connected(store, "acme").await;
    let template = a_template("Shops");
    store.insert_template(&template, &[]).await.unwrap();
    let other = a_template("Shops");
    let refused = store.insert_template(&other, &[plan(store, &other, id).await]).await;
    assert!(matches!(refused, Err(StoreError::Conflict { what: "template" })), "{refused:?}");
    assert_eq!(store.connection(id).await.unwrap().follows, None);
    let elsewhere = Template { connector: "own_shop".to_owned(), ..other.clone() };
    store.insert_template(&elsewhere, &[]).await.unwrap();
    let another = a_template("Others");
    store.insert_template(&another, &[]).await.unwrap();
    let refused = store.update_template(&Template { name: "Shops".to_owned(), ..another.clone() }).await;
    assert!(matches!(refused, Err(StoreError::Conflict { what: "template" })), "{refused:?}");
    assert_eq!(store.template(another.id).await.unwrap(), another);

    let gone = a_template("Gone");
    assert!(matches!(store.template(gone.id).await, Err(StoreError::NotFound { what: "template" })));
    assert!(matches!(store.update_template(&gone).await, Err(StoreError::NotFound { what: "template" })));
    assert!(matches!(store.delete_template(gone.id).await, Err(StoreError::NotFound { what: "template" })));
    // A connection cannot follow what is not there.
    let client = a_client("ghosts");
    store.insert_client(&client).await.unwrap();
    let stray = gone.plan(a_connection(client.id, "1"), &Giving::nothing()).after;
    assert!(store.insert_connection(&stray, Level::Campaign).await.is_err());
}
