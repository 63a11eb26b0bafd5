//! Table `connections`: one account of one system for one client. Inside, `num` stands for its id in the large tables.

use crate::{
    Result, Scope, Store, StoreError, StreamChoice,
    codec::{Read, instant_code, json, level_code, vat_code},
    streams,
};
use model::{
    ad::Level,
    connection::{Connection, ConnectionState},
    id::ConnectionId,
};
use sqlx::{
    Sqlite, SqliteExecutor,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

fn read(row: &SqliteRow) -> Result<Connection> {
    Ok(Connection {
        id: row.word("id")?,
        client_id: row.word("client_id")?,
        connector: row.value("connector")?,
        account_external_id: row.value("account_external_id")?,
        account_name: row.value("account_name")?,
        currency: row.word("currency")?,
        vat: row.vat("vat")?,
        time_zone: row.value("time_zone")?,
        config: row.json("config")?,
        state: row.word("state")?,
        lookbacks: row.json("lookbacks")?,
        first_load_days: row.small("first_load_days")?,
        schedule: row.json("schedule")?,
        created_at: row.instant("created_at")?,
    })
}

/// The compact number of a connection.
pub(crate) async fn num_of(executor: impl SqliteExecutor<'_>, id: ConnectionId) -> Result<i64> {
    let num: Option<i64> = sqlx::query_scalar("SELECT num FROM connections WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(executor)
        .await?;
    num.ok_or(StoreError::NotFound { what: "connection" })
}

impl Store {
    /// Adds a connection with its streams. `totals_level` is the level whose rows are its totals (campaigns, for most).
    /// The same account of the same system twice under one client is a `Conflict`.
    pub async fn insert_connection(
        &self,
        connection: &Connection,
        streams: &[StreamChoice],
        totals_level: Level,
    ) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let clients: i64 = sqlx::query_scalar("SELECT count(*) FROM clients WHERE id = ?")
                .bind(connection.client_id.to_string())
                .fetch_one(&mut *transaction)
                .await?;
            if clients == 0 {
                return Err(StoreError::NotFound { what: "client" });
            }
            let inserted = sqlx::query(
                "INSERT INTO connections (id, client_id, connector, account_external_id, account_name, currency, vat, time_zone,
                     config, state, lookbacks, first_load_days, schedule, totals_level, created_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(connection.id.to_string())
            .bind(connection.client_id.to_string())
            .bind(&connection.connector)
            .bind(&connection.account_external_id)
            .bind(&connection.account_name)
            .bind(connection.currency.as_str())
            .bind(vat_code(connection.vat))
            .bind(&connection.time_zone)
            .bind(json(&connection.config)?)
            .bind(connection.state.as_str())
            .bind(json(&connection.lookbacks)?)
            .bind(i64::from(connection.first_load_days))
            .bind(json(&connection.schedule)?)
            .bind(level_code(totals_level))
            .bind(instant_code(connection.created_at))
            .execute(&mut *transaction)
            .await;
            let num = match inserted {
                Err(error) => return Err(StoreError::from(error).or_conflict("connection")),
                Ok(done) => done.last_insert_rowid(),
            };
            streams::replace(&mut transaction, num, streams).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// One connection, or `NotFound`.
    pub async fn connection(&self, id: ConnectionId) -> Result<Connection> {
        let row = sqlx::query("SELECT * FROM connections WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        read(&row.ok_or(StoreError::NotFound { what: "connection" })?)
    }

    /// The connections of a client or of everybody, in the order they were created.
    pub async fn connections(&self, scope: Scope) -> Result<Vec<Connection>> {
        let rows = sqlx::query("SELECT * FROM connections WHERE (?1 IS NULL OR client_id = ?1) ORDER BY num")
            .bind(scope.bound())
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Changes the settings of a connection: names, currency, VAT, time zone, configuration, state, lookbacks, day
    /// counts and schedule. Client, connector and
    /// account stay: they say whose data its rows are. VAT and currency apply to rows read from now on.
    pub async fn update_connection(&self, connection: &Connection) -> Result<()> {
        let (settings, schedule) = (json(&connection.config)?, json(&connection.schedule)?);
        let lookbacks = json(&connection.lookbacks)?;
        self.change_connection(
            sqlx::query(
                "UPDATE connections SET account_name = ?, currency = ?, vat = ?, time_zone = ?, config = ?, state = ?,
                     lookbacks = ?, first_load_days = ?, schedule = ? WHERE id = ?",
            )
            .bind(&connection.account_name)
            .bind(connection.currency.as_str())
            .bind(vat_code(connection.vat))
            .bind(&connection.time_zone)
            .bind(settings)
            .bind(connection.state.as_str())
            .bind(lookbacks)
            .bind(i64::from(connection.first_load_days))
            .bind(schedule)
            .bind(connection.id.to_string()),
        )
        .await
    }

    /// Lets a connection run, pauses it, or says that a sign-in is needed.
    pub async fn set_connection_state(&self, id: ConnectionId, state: ConnectionState) -> Result<()> {
        self.change_connection(
            sqlx::query("UPDATE connections SET state = ? WHERE id = ?").bind(state.as_str()).bind(id.to_string()),
        )
        .await
    }

    /// The level whose rows are the connection's totals.
    pub async fn totals_level(&self, id: ConnectionId) -> Result<Level> {
        let row = sqlx::query("SELECT totals_level FROM connections WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.ok_or(StoreError::NotFound { what: "connection" })?.level("totals_level")
    }

    /// Chooses the level whose rows are the connection's totals. Rollups hold every level, so nothing is read again.
    pub async fn set_totals_level(&self, id: ConnectionId, level: Level) -> Result<()> {
        self.change_connection(
            sqlx::query("UPDATE connections SET totals_level = ? WHERE id = ?")
                .bind(level_code(level))
                .bind(id.to_string()),
        )
        .await
    }

    async fn change_connection(&self, change: Query<'_, Sqlite, SqliteArguments>) -> Result<()> {
        self.located(async {
            if self.execute(change).await? == 0 { Err(StoreError::NotFound { what: "connection" }) } else { Ok(()) }
        })
        .await
    }

    /// Deletes a connection with its data and runs in one transaction; returns how many rows of statistics it had.
    pub async fn delete_connection(&self, id: ConnectionId) -> Result<u64> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = num_of(&mut *transaction, id).await?;
            sqlx::query("DELETE FROM staged_stats WHERE run IN (SELECT num FROM runs WHERE connection = ?)")
                .bind(num)
                .execute(&mut *transaction)
                .await?;
            sqlx::query("DELETE FROM staged_records WHERE run IN (SELECT num FROM runs WHERE connection = ?)")
                .bind(num)
                .execute(&mut *transaction)
                .await?;
            let stats = sqlx::query("DELETE FROM campaign_stats WHERE connection = ?")
                .bind(num)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
            sqlx::query("DELETE FROM connections WHERE num = ?").bind(num).execute(&mut *transaction).await?;
            crate::sign_ins::sweep(&mut transaction).await?;
            transaction.commit().await?;
            Ok(stats)
        })
        .await
    }
}
