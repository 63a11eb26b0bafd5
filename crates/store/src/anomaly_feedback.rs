//! Table `anomaly_feedback`: what people said of days that were told as anomalies. Anomalies themselves are never stored: they follow from
//! the days, which may be read again.

use crate::{
    Result, Scope, Store,
    codec::{Read, day_code, instant_code},
    connections,
};
use chrono::{DateTime, NaiveDate, Utc};
use model::{
    anomaly::{AnomalyMetric, AnomalyVerdict},
    date::DateRange,
    id::ConnectionId,
    money::Micros,
};

/// Which anomaly: a metric of a connection's day has at most one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AnomalyKey {
    /// Of which connection.
    pub connection_id: ConnectionId,
    /// Of which metric.
    pub metric: AnomalyMetric,
    /// Of which day.
    pub date: NaiveDate,
}

/// What a person said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnomalyFeedback {
    /// Of which.
    pub key: AnomalyKey,
    /// What.
    pub verdict: AnomalyVerdict,
    /// The day's value as a factor of its usual, as it was told; unknown when usual was nothing.
    pub factor: Option<Micros>,
}

impl Store {
    /// Keeps what a person says of an anomaly, instead of what was said before.
    pub async fn put_anomaly_feedback(&self, feedback: &AnomalyFeedback, now: DateTime<Utc>) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = connections::num_of(&mut *transaction, feedback.key.connection_id).await?;
            sqlx::query(
                "INSERT INTO anomaly_feedback (connection, metric, date, verdict, factor_micros, decided_at) VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT (connection, metric, date) DO UPDATE SET verdict = excluded.verdict,
                     factor_micros = excluded.factor_micros, decided_at = excluded.decided_at",
            )
            .bind(num)
            .bind(feedback.key.metric.as_str())
            .bind(day_code(feedback.key.date))
            .bind(feedback.verdict.as_str())
            .bind(feedback.factor.map(|factor| factor.0))
            .bind(instant_code(now))
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// Takes back what was said of an anomaly.
    pub async fn drop_anomaly_feedback(&self, key: &AnomalyKey) -> Result<()> {
        self.located(async {
            let drop = sqlx::query(
                "DELETE FROM anomaly_feedback
                 WHERE connection = (SELECT num FROM connections WHERE id = ?) AND metric = ? AND date = ?",
            )
            .bind(key.connection_id.to_string())
            .bind(key.metric.as_str())
            .bind(day_code(key.date));
            self.execute(drop).await?;
            Ok(())
        })
        .await
    }

    /// What was said of the anomalies of a range of days, by connection, metric and day.
    pub async fn anomaly_feedback(&self, scope: Scope, range: DateRange) -> Result<Vec<AnomalyFeedback>> {
        let rows = sqlx::query(
            "SELECT c.id, f.metric, f.date, f.verdict, f.factor_micros
             FROM anomaly_feedback AS f JOIN connections AS c ON c.num = f.connection
             WHERE (?1 IS NULL OR c.client_id = ?1) AND f.date BETWEEN ?2 AND ?3
             ORDER BY f.connection, f.metric, f.date",
        )
        .bind(scope.bound())
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                let key =
                    AnomalyKey { connection_id: row.word("id")?, metric: row.word("metric")?, date: row.day("date")? };
                Ok(AnomalyFeedback { key, verdict: row.word("verdict")?, factor: row.micros("factor_micros")? })
            })
            .collect()
    }
}
