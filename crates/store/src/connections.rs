//! Table `connections`: one account of one system for one client. Inside, `num` stands for its id in the large tables.

use crate::{
    Result, Scope, Store, StoreError,
    codec::{Read, instant_code, json, level_code, vat_code},
    streams,
};
use model::{
    ad::Level,
    connection::{Connection, ConnectionState},
    id::ConnectionId,
    settings::Settings,
    template::Following,
};
use sqlx::{
    Sqlite, SqliteConnection, SqliteExecutor,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

/// A connection with its streams, as [`read`] wants it.
macro_rules! connections_where {
    ($rest:literal) => {
        sqlx::query(concat!(
            "SELECT c.*, (SELECT json_group_array(json_object('name', s.name, 'on', json(iif(s.enabled, 'true', 'false'))))
                 FROM (SELECT * FROM streams WHERE connection = c.num ORDER BY position) AS s) AS streams
             FROM connections AS c ",
            $rest
        ))
    };
}

fn read(row: &SqliteRow) -> Result<Connection> {
    Ok(Connection {
        id: row.word("id")?,
        client_id: row.word("client_id")?,
        connector: row.value("connector")?,
        account_external_id: row.value("account_external_id")?,
        account_name: row.value("account_name")?,
        currency: row.word("currency")?,
        time_zone: row.value("time_zone")?,
        config: row.json("config")?,
        state: row.word("state")?,
        first_load_days: row.small("first_load_days")?,
        settings: Settings {
            streams: row.json("streams")?,
            schedule: row.json("schedule")?,
            lookbacks: row.json("lookbacks")?,
            vat: row.vat("vat")?,
            zero_rows: row.word("zero_rows")?,
            in_totals: row.word("in_totals")?,
        },
        follows: match row.value::<Option<&str>>("template")? {
            Some(_) => Some(Following { template: row.word("template")?, own: row.json("overrides")? }),
            None => None,
        },
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

/// One connection, or `NotFound`.
pub(crate) async fn one(executor: impl SqliteExecutor<'_>, id: ConnectionId) -> Result<Connection> {
    let row = connections_where!("WHERE c.id = ?").bind(id.to_string()).fetch_optional(executor).await?;
    read(&row.ok_or(StoreError::NotFound { what: "connection" })?)
}

/// Writes the settings of a connection and which template it follows.
pub(crate) async fn write_settings(transaction: &mut SqliteConnection, connection: &Connection) -> Result<()> {
    let Settings { streams, schedule, lookbacks, vat, zero_rows, in_totals } = &connection.settings;
    let num = num_of(&mut *transaction, connection.id).await?;
    let follows = connection.follows.as_ref();
    sqlx::query(
        "UPDATE connections SET schedule = ?, lookbacks = ?, vat = ?, zero_rows = ?, in_totals = ?, template = ?, overrides = ? WHERE num = ?",
    )
    .bind(json(schedule)?)
    .bind(json(lookbacks)?)
    .bind(vat_code(*vat))
    .bind(zero_rows.as_str())
    .bind(in_totals.as_str())
    .bind(follows.map(|follows| follows.template.to_string()))
    .bind(match follows {
        Some(follows) => json(&follows.own)?,
        None => "[]".to_owned(),
    })
    .bind(num)
    .execute(&mut *transaction)
    .await?;
    streams::replace(transaction, num, streams).await
}

impl Store {
    /// Adds a connection with its streams. `totals_level` is the level whose rows are its totals (campaigns, for most).
    /// The same account of the same system twice under one client is a `Conflict`.
    pub async fn insert_connection(&self, connection: &Connection, totals_level: Level) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let clients: i64 = sqlx::query_scalar("SELECT count(*) FROM clients WHERE id = ?")
                .bind(connection.client_id.to_string())
                .fetch_one(&mut *transaction)
                .await?;
            if clients == 0 {
                return Err(StoreError::NotFound { what: "client" });
            }
            // Its settings follow at once; what stands in their columns until then is nobody's choice.
            sqlx::query(
                "INSERT INTO connections (id, client_id, connector, account_external_id, account_name, currency, vat, time_zone,
                     config, state, first_load_days, totals_level, created_at)
                 VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)",
            )
            .bind(connection.id.to_string())
            .bind(connection.client_id.to_string())
            .bind(&connection.connector)
            .bind(&connection.account_external_id)
            .bind(&connection.account_name)
            .bind(connection.currency.as_str())
            .bind(&connection.time_zone)
            .bind(json(&connection.config)?)
            .bind(connection.state.as_str())
            .bind(i64::from(connection.first_load_days))
            .bind(level_code(totals_level))
            .bind(instant_code(connection.created_at))
            .execute(&mut *transaction)
            .await
            .map_err(|error| StoreError::from(error).or_conflict("connection"))?;
            write_settings(&mut transaction, connection).await?;
            transaction.commit().await
        })
        .await
    }

    /// One connection, or `NotFound`.
    pub async fn connection(&self, id: ConnectionId) -> Result<Connection> {
        one(&self.readers, id).await
    }

    /// The connections of a client or of everybody, in the order they were created.
    pub async fn connections(&self, scope: Scope) -> Result<Vec<Connection>> {
        let rows = connections_where!("WHERE (?1 IS NULL OR c.client_id = ?1) ORDER BY c.num")
            .bind(scope.bound())
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Changes a connection: names, currency, time zone, configuration, state, settings and the template it follows. Client, connector and
    /// account stay: they say whose data its rows are. VAT and currency apply to rows read from now on; data of a stream that is switched
    /// off stay.
    pub async fn update_connection(&self, connection: &Connection) -> Result<()> {
        let config = json(&connection.config)?;
        self.located(async {
            let mut transaction = self.begin().await?;
            write_settings(&mut transaction, connection).await?;
            sqlx::query(
                "UPDATE connections SET account_name = ?, currency = ?, time_zone = ?, config = ?, state = ?,
                     first_load_days = ? WHERE id = ?",
            )
            .bind(&connection.account_name)
            .bind(connection.currency.as_str())
            .bind(&connection.time_zone)
            .bind(config)
            .bind(connection.state.as_str())
            .bind(i64::from(connection.first_load_days))
            .bind(connection.id.to_string())
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await
        })
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
