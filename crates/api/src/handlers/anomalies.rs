//! Anomalies: the list of them, and what people say of them.

use crate::{
    host::Host,
    wire::{AnomalyAnswer, AnomalyList, AnomalyRow, Empty},
};
use insight::{
    anomalies::{self, Judged, Told},
    anomaly,
};
use model::{
    audit::AuditAction,
    connection::Connection,
    failure::{Code, Failure},
    id::{ClientId, ConnectionId},
};
use std::collections::HashMap;
use store::{
    Scope,
    anomaly_feedback::{AnomalyFeedback, AnomalyKey},
};

pub(crate) async fn anomalies_list(host: &Host, request: AnomalyList) -> Result<Vec<AnomalyRow>, Failure> {
    let store = &host.workspace().await?.store;
    let scope = request.client_id.map_or(Scope::Portfolio, Scope::Client);
    let told = anomalies::told(store, scope, request.period.map_or(Judged::Newest, Judged::Within), host.now()).await?;
    let connections: HashMap<ConnectionId, Connection> =
        store.connections(scope).await?.into_iter().map(|connection| (connection.id, connection)).collect();
    let clients: HashMap<ClientId, String> =
        store.clients().await?.into_iter().map(|client| (client.id, client.name)).collect();
    // An anomaly whose connection was deleted between two queries is gone with it.
    let row = |told: Told| {
        let (connection, anomaly) = (connections.get(&told.connection_id)?, told.anomaly);
        Some(AnomalyRow {
            client_id: told.client_id,
            client_name: clients.get(&told.client_id)?.clone(),
            connection_id: connection.id,
            connector: connection.connector.clone(),
            account_name: connection.account_name.clone(),
            metric: anomaly.metric,
            unit: anomaly::unit(anomaly.metric).into(),
            currency: told.currency,
            date: anomaly.date,
            value: anomaly.value,
            usual: anomaly.usual,
            factor: anomaly.factor,
            score: anomaly.score,
            weeks: anomaly.weeks,
            verdict: anomaly.verdict.into(),
            feedback: told.verdict,
        })
    };
    Ok(told.into_iter().filter_map(row).collect())
}

/// Only what is told can be answered: the factor that an expected day teaches is ours, not the page's.
pub(crate) async fn anomaly_feedback(host: &Host, answer: AnomalyAnswer) -> Result<Empty, Failure> {
    let (workspace, now) = (host.workspace().await?, host.now());
    let store = &workspace.store;
    let connection = store.connection(answer.connection_id).await?;
    let key = AnomalyKey { connection_id: connection.id, metric: answer.metric, date: answer.date };
    match answer.feedback {
        None => store.drop_anomaly_feedback(&key).await?,
        Some(verdict) => {
            let told = anomalies::find(store, connection.client_id, key, now).await?;
            let told = told.ok_or_else(|| Failure::new(Code::BadRequest).with("field", "date"))?;
            let feedback = AnomalyFeedback { key, verdict, factor: told.anomaly.factor };
            store.put_anomaly_feedback(&feedback, now).await?;
        }
    }
    workspace.audit(now, AuditAction::AnomalyJudged, &connection.account_name).await?;
    Ok(Empty {})
}
