//! What people say of anomalies: the last word counts, it can be taken back, and it goes with its connection.

use crate::{Home, connected, day, days, noon};
use model::{
    anomaly::{AnomalyMetric, AnomalyVerdict},
    id::ConnectionId,
    money::Micros,
};
use store::{
    Scope, StoreError,
    anomaly_feedback::{AnomalyFeedback, AnomalyKey},
};

fn said(connection_id: ConnectionId, metric: AnomalyMetric, date: u32, verdict: AnomalyVerdict) -> AnomalyFeedback {
    let factor = (verdict == AnomalyVerdict::Expected).then_some(Micros(2_300_000));
    AnomalyFeedback { key: AnomalyKey { connection_id, metric, date: day(date) }, verdict, factor }
}

#[tokio::test]
async fn the_last_word_counts_until_it_is_taken_back() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    let (other_client, other) = connected(&home.store, "other").await;
    let store = &home.store;
    let kept = async |client, from, to| store.anomaly_feedback(Scope::Client(client), days(from, to)).await.unwrap();
    assert!(kept(client, 1, 30).await.is_empty());

    let ignored = said(connection, AnomalyMetric::Cpa, 17, AnomalyVerdict::Ignored);
    let expected = said(connection, AnomalyMetric::Cpa, 17, AnomalyVerdict::Expected);
    let spend = said(connection, AnomalyMetric::Spend, 18, AnomalyVerdict::Ignored);
    for feedback in [ignored, spend, expected, said(other, AnomalyMetric::Cpa, 17, AnomalyVerdict::Ignored)] {
        store.put_anomaly_feedback(&feedback, noon()).await.unwrap();
    }
    assert_eq!(kept(client, 1, 30).await, [expected, spend]);
    assert_eq!(kept(client, 18, 18).await, [spend]);
    assert_eq!(store.anomaly_feedback(Scope::Portfolio, days(17, 17)).await.unwrap().len(), 2);

    store.drop_anomaly_feedback(&expected.key).await.unwrap();
    store.drop_anomaly_feedback(&expected.key).await.unwrap();
    assert_eq!((kept(client, 1, 30).await, kept(other_client, 1, 30).await.len()), (vec![spend], 1));

    store.delete_connection(connection).await.unwrap();
    assert!(kept(client, 1, 30).await.is_empty());
    let gone = store.put_anomaly_feedback(&spend, noon()).await;
    assert!(matches!(gone, Err(StoreError::NotFound { what: "connection" })), "{gone:?}");
}
