//! Tables `plans` and `client_margins`: what clients mean to spend in a month and what they keep of their revenue, and the spend that plans are
//! compared with.

use crate::{
    Result, Scope, Store,
    codec::{Read, day_code, json},
    connections,
};
use chrono::NaiveDate;
use model::{
    date::{DateRange, Month},
    id::{ClientId, ConnectionId},
    money::{Currency, Micros},
    plan::{Plan, PlanScope},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use std::collections::HashMap;

/// Spend of a client's connections of one system on one day in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelDay {
    /// Whose.
    pub client_id: ClientId,
    /// In which system.
    pub connector: String,
    /// The day.
    pub date: NaiveDate,
    /// Currency of the spend.
    pub currency: Currency,
    /// The spend; `None`: no row said it.
    pub spend: Option<Micros>,
}

fn read(row: &SqliteRow) -> Result<Plan> {
    let scope = match (row.value("connector")?, row.value("external_id")?) {
        (Some(connector), _) => PlanScope::Channel { connector },
        (None, Some(external_id)) => PlanScope::Campaign { connection_id: row.word("connection_id")?, external_id },
        (None, None) => PlanScope::Client,
    };
    Ok(Plan {
        client_id: row.word("client_id")?,
        month: row.word("month")?,
        scope,
        amount: row.micros("amount_micros")?.unwrap_or_default(),
        currency: row.word("currency")?,
        phasing: row.json("phasing")?,
    })
}

/// A scope as its columns: system, connection, campaign.
async fn columns(
    transaction: &mut SqliteConnection,
    scope: &PlanScope,
) -> Result<(Option<String>, Option<i64>, Option<String>)> {
    Ok(match scope {
        PlanScope::Client => (None, None, None),
        PlanScope::Channel { connector } => (Some(connector.clone()), None, None),
        PlanScope::Campaign { connection_id, external_id } => {
            (None, Some(connections::num_of(transaction, *connection_id).await?), Some(external_id.clone()))
        }
    })
}

/// Takes a plan out, if there is one.
async fn remove(transaction: &mut SqliteConnection, client: ClientId, month: Month, scope: &PlanScope) -> Result<()> {
    let (connector, connection, external_id) = columns(transaction, scope).await?;
    sqlx::query(
        "DELETE FROM plans WHERE client_id = ? AND month = ? AND connector IS ? AND connection IS ? AND external_id IS ?",
    )
    .bind(client.to_string())
    .bind(month.to_string())
    .bind(connector)
    .bind(connection)
    .bind(external_id)
    .execute(transaction)
    .await?;
    Ok(())
}

impl Store {
    /// The plans of a month: the client's own first, then those of its systems, then of campaigns.
    pub async fn plans(&self, scope: Scope, month: Month) -> Result<Vec<Plan>> {
        let rows = sqlx::query(
            "SELECT p.*, c.id AS connection_id FROM plans AS p LEFT JOIN connections AS c ON c.num = p.connection
             WHERE p.month = ?2 AND (?1 IS NULL OR p.client_id = ?1)
             ORDER BY p.client_id, p.connection IS NOT NULL, p.connector, p.connection, p.external_id",
        )
        .bind(scope.bound())
        .bind(month.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Makes a plan, in place of what was planned of the same before.
    pub async fn set_plan(&self, plan: &Plan) -> Result<()> {
        let phasing = json(&plan.phasing)?;
        self.located(async {
            let mut transaction = self.begin().await?;
            remove(&mut transaction, plan.client_id, plan.month, &plan.scope).await?;
            let (connector, connection, external_id) = columns(&mut transaction, &plan.scope).await?;
            sqlx::query(
                "INSERT INTO plans (client_id, month, connector, connection, external_id, amount_micros, currency, phasing)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(plan.client_id.to_string())
            .bind(plan.month.to_string())
            .bind(connector)
            .bind(connection)
            .bind(external_id)
            .bind(plan.amount.0)
            .bind(plan.currency.as_str())
            .bind(phasing)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await
        })
        .await
    }

    /// Takes a plan back. One that is not there is no error: nothing is planned, as was wanted.
    pub async fn delete_plan(&self, client: ClientId, month: Month, scope: &PlanScope) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            remove(&mut transaction, client, month, scope).await?;
            transaction.commit().await
        })
        .await
    }

    /// The margins that are known.
    pub async fn margins(&self, scope: Scope) -> Result<HashMap<ClientId, Micros>> {
        let rows = sqlx::query("SELECT * FROM client_margins WHERE (?1 IS NULL OR client_id = ?1)")
            .bind(scope.bound())
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(|row| Ok((row.word("client_id")?, row.micros("margin_micros")?.unwrap_or_default()))).collect()
    }

    /// Says what share of its revenue a client keeps, or that nobody knows.
    pub async fn set_margin(&self, client: ClientId, margin: Option<Micros>) -> Result<()> {
        self.located(async {
            let id = client.to_string();
            match margin {
                Some(margin) => {
                    let upsert = sqlx::query(
                        "INSERT INTO client_margins (client_id, margin_micros) VALUES (?, ?)
                         ON CONFLICT (client_id) DO UPDATE SET margin_micros = excluded.margin_micros",
                    );
                    self.execute(upsert.bind(id).bind(margin.0)).await?
                }
                None => self.execute(sqlx::query("DELETE FROM client_margins WHERE client_id = ?").bind(id)).await?,
            };
            Ok(())
        })
        .await
    }

    /// Spend per client, system and day over a period, of the connections that count toward totals: what a plan of a client or of a system is
    /// compared with. Days without rows are absent.
    pub async fn channel_days(&self, scope: Scope, range: DateRange) -> Result<Vec<ChannelDay>> {
        let rows = sqlx::query(
            "SELECT c.client_id, c.connector, r.date, r.currency, sum(r.cost_micros) AS cost_micros
             FROM connections AS c
             CROSS JOIN daily_rollups AS r ON r.connection = c.num AND r.level = c.totals_level AND r.date BETWEEN ?2 AND ?3
             WHERE (?1 IS NULL OR c.client_id = ?1) AND c.in_totals = 'counts'
             GROUP BY c.client_id, c.connector, r.date, r.currency ORDER BY c.client_id, c.connector, r.date, r.currency",
        )
        .bind(scope.bound())
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(ChannelDay {
                    client_id: row.word("client_id")?,
                    connector: row.value("connector")?,
                    date: row.day("date")?,
                    currency: row.word("currency")?,
                    spend: row.micros("cost_micros")?,
                })
            })
            .collect()
    }

    /// Spend per day of one campaign over a period, in one currency. Days without rows are absent.
    pub async fn campaign_days(
        &self,
        connection: ConnectionId,
        external_id: &str,
        range: DateRange,
        currency: Currency,
    ) -> Result<Vec<(NaiveDate, Option<Micros>)>> {
        // 2 is the level of campaigns.
        let rows = sqlx::query(
            "SELECT s.date, sum(s.cost_micros) AS cost_micros FROM connections AS c
             JOIN ad_objects AS o ON o.connection = c.num AND o.level = 2 AND o.external_id = ?2
             JOIN total_stats AS s ON s.connection = c.num AND s.level = 2 AND s.date BETWEEN ?3 AND ?4 AND s.object = o.num
             WHERE c.id = ?1 AND s.currency = ?5 GROUP BY s.date ORDER BY s.date",
        )
        .bind(connection.to_string())
        .bind(external_id)
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .bind(currency.as_str())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok((row.day("date")?, row.micros("cost_micros")?))).collect()
    }

    /// Whether a connection has ever named or counted this campaign.
    pub async fn has_campaign(&self, connection: ConnectionId, external_id: &str) -> Result<bool> {
        let found: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM ad_objects AS o JOIN connections AS c ON c.num = o.connection
             WHERE c.id = ? AND o.level = 2 AND o.external_id = ?",
        )
        .bind(connection.to_string())
        .bind(external_id)
        .fetch_optional(&self.readers)
        .await?;
        Ok(found.is_some())
    }

    /// The name of a campaign of a connection; `None` while its dictionary was not read.
    pub async fn campaign_name(&self, connection: ConnectionId, external_id: &str) -> Result<Option<String>> {
        let row = sqlx::query(
            "SELECT o.name FROM ad_objects AS o JOIN connections AS c ON c.num = o.connection
             WHERE c.id = ? AND o.level = 2 AND o.external_id = ?",
        )
        .bind(connection.to_string())
        .bind(external_id)
        .fetch_optional(&self.readers)
        .await?;
        row.map_or(Ok(None), |row| row.value("name"))
    }
}
