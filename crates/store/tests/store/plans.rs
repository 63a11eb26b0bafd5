//! Plans of a month, margins, and the spend that plans are compared with.

use crate::{Home, a_connection, connected, day, days, object, stat, write};
use model::{
    ad::Level,
    date::Month,
    id::{ClientId, ConnectionId},
    money::{Currency, Micros},
    plan::{Phasing, Plan, PlanScope},
    settings::InTotals,
};
use std::collections::HashMap;
use store::{Scope, StoreError};

fn november() -> Month {
    "2026-11".parse().unwrap()
}

fn a_plan(client_id: ClientId, scope: PlanScope, roubles: i64, phasing: Phasing) -> Plan {
    let amount = Micros::whole(roubles).unwrap();
    Plan { client_id, month: november(), scope, amount, currency: Currency::RUB, phasing }
}

fn campaign(connection_id: ConnectionId) -> PlanScope {
    PlanScope::Campaign { connection_id, external_id: "7".to_owned() }
}

fn channel() -> PlanScope {
    PlanScope::Channel { connector: "vk_ads".to_owned() }
}

#[tokio::test]
async fn plans_read_back_as_they_were_made_and_one_replaces_another() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    let (other, _) = connected(&home.store, "other").await;
    let plans = [
        a_plan(client, PlanScope::Client, 900, Phasing::Even),
        a_plan(client, channel(), 600, Phasing::Weekdays { weights: [1, 1, 1, 1, 1, 0, 0] }),
        a_plan(client, campaign(connection), 100, Phasing::Days { weights: vec![5, 5, 90] }),
    ];
    // In another order, and each of them twice.
    for plan in plans.iter().rev() {
        home.store.set_plan(&Plan { amount: Micros::ONE, phasing: Phasing::Even, ..plan.clone() }).await.unwrap();
        home.store.set_plan(plan).await.unwrap();
    }
    home.store.set_plan(&a_plan(other, PlanScope::Client, 5, Phasing::Even)).await.unwrap();
    let home = home.reopened().await;
    let store = &home.store;
    assert_eq!(store.plans(Scope::Client(client), november()).await.unwrap(), plans);
    assert_eq!(store.plans(Scope::Portfolio, november()).await.unwrap().len(), 4);
    assert_eq!(store.plans(Scope::Portfolio, "2026-12".parse().unwrap()).await.unwrap(), []);

    // Taking one back leaves the others; taking it back again changes nothing.
    for _ in 0..2 {
        store.delete_plan(client, november(), &channel()).await.unwrap();
        let left = store.plans(Scope::Client(client), november()).await.unwrap();
        assert_eq!(left, [plans[0].clone(), plans[2].clone()]);
    }
    let nowhere = a_plan(client, campaign(ConnectionId::new()), 1, Phasing::Even);
    let refused = store.set_plan(&nowhere).await;
    assert!(matches!(refused, Err(StoreError::NotFound { what: "connection" })), "{refused:?}");

    // A campaign's plan goes with its connection, the rest with the client.
    store.delete_connection(connection).await.unwrap();
    assert_eq!(store.plans(Scope::Client(client), november()).await.unwrap(), [plans[0].clone()]);
    store.delete_client(client).await.unwrap();
    assert_eq!(store.plans(Scope::Portfolio, november()).await.unwrap().len(), 1);
    assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_margin_is_said_changed_and_taken_back() {
    let home = Home::new().await;
    let (client, _) = connected(&home.store, "acme").await;
    for margin in [Some(Micros(350_000)), Some(Micros::ONE), None, None] {
        home.store.set_margin(client, margin).await.unwrap();
        let expected: HashMap<ClientId, Micros> = margin.map(|margin| (client, margin)).into_iter().collect();
        assert_eq!(home.store.margins(Scope::Portfolio).await.unwrap(), expected);
        assert_eq!(home.store.margins(Scope::Client(client)).await.unwrap(), expected);
        assert_eq!(home.store.margins(Scope::Client(ClientId::new())).await.unwrap(), HashMap::new());
    }
    assert!(home.store.set_margin(client, Some(Micros(1_000_001))).await.is_err(), "more than all of it");
}

/// Plans are compared with what the totals count: the totals level alone, one currency, and no analytics.
#[tokio::test]
async fn the_spend_of_plans_is_that_of_the_totals() {
    let home = Home::new().await;
    let store = &home.store;
    let (client, first) = connected(store, "acme").await;
    let mut second = a_connection(client, "second");
    second.connector = "yandex_direct".to_owned();
    let mut apart = a_connection(client, "counter");
    apart.connector = "yandex_metrika".to_owned();
    apart.settings.in_totals = InTotals::Apart;
    let (second, apart) = {
        store.insert_connection(&second, Level::Campaign).await.unwrap();
        store.insert_connection(&apart, Level::Campaign).await.unwrap();
        (second.id, apart.id)
    };
    let mut tenge = stat("9", day(2), 5_000);
    tenge.currency = "KZT".parse().unwrap();
    let ad = model::ad::CampaignStat { level: Level::Ad, ..stat("70", day(1), 40) };
    let unknown = model::ad::CampaignStat { cost: None, ..stat("7", day(3), 1) };
    let rows = vec![stat("7", day(1), 40), stat("8", day(1), 2), stat("7", day(2), 7), tenge, unknown];
    write(store, first, Level::Campaign, days(1, 20), rows).await;
    write(store, first, Level::Ad, days(1, 20), vec![ad]).await;
    write(store, second, Level::Campaign, days(1, 20), vec![stat("7", day(1), 300)]).await;
    write(store, apart, Level::Campaign, days(1, 20), vec![stat("7", day(1), 9_999)]).await;
    write(store, first, Level::Campaign, days(21, 21), vec![stat("7", day(21), 4)]).await;

    let found: Vec<_> = store
        .channel_days(Scope::Client(client), days(1, 20))
        .await
        .unwrap()
        .into_iter()
        .map(|day| {
            format!("{} {} {} {:?}", day.connector, day.date, day.currency, day.spend.map(|spend| spend.to_string()))
        })
        .collect();
    let expected = [
        "vk_ads 2026-11-01 RUB Some(\"42\")",
        "vk_ads 2026-11-02 KZT Some(\"5000\")",
        "vk_ads 2026-11-02 RUB Some(\"7\")",
        "vk_ads 2026-11-03 RUB None",
        "yandex_direct 2026-11-01 RUB Some(\"300\")",
    ];
    assert_eq!(found, expected);
    assert_eq!(store.channel_days(Scope::Client(ClientId::new()), days(1, 20)).await.unwrap(), []);

    let campaign = store.campaign_days(first, "7", days(1, 20), Currency::RUB).await.unwrap();
    let roubles = Micros::whole;
    assert_eq!(campaign, [(day(1), roubles(40)), (day(2), roubles(7)), (day(3), None)]);
    assert!(store.has_campaign(first, "7").await.unwrap());
    assert!(!store.has_campaign(first, "70").await.unwrap(), "an ad is no campaign");
    assert!(!store.has_campaign(second, "8").await.unwrap(), "another connection's");
    assert_eq!(store.campaign_name(first, "7").await.unwrap(), None);
    let run = crate::a_run(store, first).await;
    let seq = crate::a_slice(store, run, Level::Campaign, days(21, 21)).await;
    let mut named = crate::a_commit(run, seq, vec![stat("7", day(21), 4)]);
    named.objects = vec![object(Level::Campaign, "7", "Brand")];
    store.commit_slice(named).await.unwrap();
    assert_eq!(store.campaign_name(first, "7").await.unwrap().as_deref(), Some("Brand"));
}
