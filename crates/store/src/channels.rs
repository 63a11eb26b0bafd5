//! Tables `channels` and `channel_clients`: the ways in which alerts reach people, and how each of them does. Their secrets are in the
//! vault; here is only the key that seals them.

use crate::{
    Result, Store, StoreError, StoredFailure,
    channel_deliveries::enqueue,
    codec::{Read, instant_code, json},
};
use chrono::{DateTime, NaiveTime, Timelike, Utc};
use model::{
    alert::Severity,
    channel::{Channel, ChannelSettings, ChannelWants, QuietHours},
    id::{ChannelId, ClientId},
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::collections::HashMap;

/// A channel and how it does.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptChannel {
    /// The channel.
    pub channel: Channel,
    /// Why the last attempt failed; `None` after one that did not.
    pub failure: Option<StoredFailure>,
    /// When that was.
    pub failed_at: Option<DateTime<Utc>>,
    /// Failed attempts in a row.
    pub failures: u32,
    /// When it is tried again; with a failure and without this a person has to mend it first.
    pub retry_at: Option<DateTime<Utc>>,
    /// When it last carried something.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Tellings that wait for it.
    pub waiting: u64,
}

impl KeptChannel {
    /// Whether it carries nothing until a person mends it.
    pub fn stopped(&self) -> bool {
        self.failure.is_some() && self.retry_at.is_none()
    }
}

fn minutes(time: NaiveTime) -> i64 {
    i64::from(time.num_seconds_from_midnight() / 60)
}

fn time(row: &SqliteRow, column: &'static str) -> Result<Option<NaiveTime>> {
    let Some(code) = row.value::<Option<i64>>(column)? else { return Ok(None) };
    let time = u32::try_from(code).ok().and_then(|code| NaiveTime::from_num_seconds_from_midnight_opt(code * 60, 0));
    time.map(Some).ok_or_else(|| StoreError::Unreadable { column, value: code.to_string() })
}

fn read(row: &SqliteRow, clients: &mut HashMap<i64, Vec<ClientId>>) -> Result<KeptChannel> {
    let quiet = match (time(row, "quiet_from")?, time(row, "quiet_to")?) {
        (Some(from), Some(to)) => Some(QuietHours { from, to }),
        _ => None,
    };
    let digest: Option<&str> = row.value("wants_digest")?;
    let all: bool = row.value("all_clients")?;
    Ok(KeptChannel {
        channel: Channel {
            id: row.word("id")?,
            name: row.value("name")?,
            settings: row.json("settings")?,
            language: row.word("language")?,
            time_zone: row.value("time_zone")?,
            quiet,
            critical_at_night: row.value("critical_at_night")?,
            wants: ChannelWants {
                critical: row.value("wants_critical")?,
                digest: digest.map(|_| row.word::<Severity>("wants_digest")).transpose()?,
                clients: (!all).then(|| clients.remove(&row.get("num")).unwrap_or_default()),
            },
            enabled: row.value("enabled")?,
            created_at: row.instant("created_at")?,
        },
        failure: row.json_or_none("failure")?,
        failed_at: row.instant_or_none("failed_at")?,
        failures: row.small("failures")?,
        retry_at: row.instant_or_none("retry_at")?,
        delivered_at: row.instant_or_none("delivered_at")?,
        waiting: row.count("waiting")?,
    })
}

impl Store {
    /// All channels in the order in which they were made.
    pub async fn channels(&self) -> Result<Vec<KeptChannel>> {
        self.channels_where(None).await
    }

    /// One channel, or `NotFound`.
    pub async fn channel(&self, id: ChannelId) -> Result<KeptChannel> {
        self.channels_where(Some(id)).await?.pop().ok_or(StoreError::NotFound { what: "channel" })
    }

    async fn channels_where(&self, id: Option<ChannelId>) -> Result<Vec<KeptChannel>> {
        let rows = sqlx::query(
            "SELECT c.*, (SELECT count(*) FROM channel_deliveries AS d WHERE d.channel = c.num AND d.state = 'waiting') AS waiting
             FROM channels AS c WHERE ?1 IS NULL OR c.id = ?1 ORDER BY c.num",
        )
        .bind(id.map(|id| id.to_string()))
        .fetch_all(&self.readers)
        .await?;
        let chosen = sqlx::query("SELECT channel, client_id FROM channel_clients ORDER BY channel, client_id")
            .fetch_all(&self.readers)
            .await?;
        let mut clients: HashMap<i64, Vec<ClientId>> = HashMap::new();
        for row in &chosen {
            clients.entry(row.value("channel")?).or_default().push(row.word("client_id")?);
        }
        rows.iter().map(|row| read(row, &mut clients)).collect()
    }

    /// The key that seals a channel's secret, or `NotFound`.
    pub async fn channel_key(&self, id: ChannelId) -> Result<Vec<u8>> {
        let row = sqlx::query("SELECT key FROM channels WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.ok_or(StoreError::NotFound { what: "channel" })?.value("key")
    }

    /// Keeps a new channel. It wants what is told from now on.
    pub async fn insert_channel(&self, channel: &Channel, key: &[u8]) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            sqlx::query(
                "INSERT INTO channels (id, name, settings, language, time_zone, critical_at_night, wants_critical, all_clients,
                     enabled, created_at, key, after_telling)
                 VALUES (?, '', '{}', '', '', 0, 0, 1, 1, ?, ?, 0)",
            )
            .bind(channel.id.to_string())
            .bind(instant_code(channel.created_at))
            .bind(key)
            .execute(&mut *transaction)
            .await?;
            write(&mut transaction, channel).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// Changes a channel. What was told so far reaches whom it was for; from now on it carries what it wants now. Saved settings are
    /// tried at once, whatever failed before; a channel that was switched off passes over what it had not carried.
    pub async fn update_channel(&self, channel: &Channel, at: DateTime<Utc>) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            enqueue(&mut transaction).await?;
            write(&mut transaction, channel).await?;
            sqlx::query(
                "UPDATE channels SET failure = NULL, failed_at = NULL, failures = 0, retry_at = NULL WHERE id = ?",
            )
            .bind(channel.id.to_string())
            .execute(&mut *transaction)
            .await?;
            if !channel.enabled {
                sqlx::query(
                    "UPDATE channel_deliveries SET state = 'passed', at = ?2
                     WHERE state = 'waiting' AND channel = (SELECT num FROM channels WHERE id = ?1)",
                )
                .bind(channel.id.to_string())
                .bind(instant_code(at))
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// Writes down that the place of a channel has moved; everything else stays.
    pub async fn move_channel(&self, id: ChannelId, settings: &ChannelSettings) -> Result<()> {
        self.change_channel(
            sqlx::query("UPDATE channels SET settings = ?2 WHERE id = ?1").bind(id.to_string()).bind(json(settings)?),
        )
        .await
    }

    /// Says that an attempt failed and when the next one is; without a time a person has to mend the channel first.
    pub async fn channel_failed(
        &self,
        id: ChannelId,
        failure: &StoredFailure,
        retry_at: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    ) -> Result<()> {
        self.change_channel(
            sqlx::query(
                "UPDATE channels SET failure = ?2, failed_at = ?3, failures = failures + 1, retry_at = ?4 WHERE id = ?1",
            )
            .bind(id.to_string())
            .bind(json(failure)?)
            .bind(instant_code(at))
            .bind(retry_at.map(instant_code)),
        )
        .await
    }

    /// Says that the channel works: what failed before is forgotten, and what waits is due.
    pub async fn channel_works(&self, id: ChannelId) -> Result<()> {
        self.change_channel(
            sqlx::query(
                "UPDATE channels SET failure = NULL, failed_at = NULL, failures = 0, retry_at = NULL WHERE id = ?1",
            )
            .bind(id.to_string()),
        )
        .await
    }

    /// Gives every channel that a person had to mend one more chance: a keychain may be open again, a chat may be back.
    pub async fn retry_stopped_channels(&self, at: DateTime<Utc>) -> Result<()> {
        self.located(async {
            let change = sqlx::query("UPDATE channels SET retry_at = ? WHERE failure IS NOT NULL AND retry_at IS NULL");
            self.execute(change.bind(instant_code(at))).await?;
            Ok(())
        })
        .await
    }

    /// Deletes a channel with its key and its deliveries.
    pub async fn delete_channel(&self, id: ChannelId) -> Result<()> {
        self.change_channel(sqlx::query("DELETE FROM channels WHERE id = ?1").bind(id.to_string())).await
    }

    async fn change_channel(
        &self,
        change: sqlx::query::Query<'_, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>,
    ) -> Result<()> {
        self.located(async {
            if self.execute(change).await? == 0 { Err(StoreError::NotFound { what: "channel" }) } else { Ok(()) }
        })
        .await
    }
}

/// Writes what a person says of a channel, and from which telling on it holds.
async fn write(connection: &mut SqliteConnection, channel: &Channel) -> Result<()> {
    let wants = &channel.wants;
    let done = sqlx::query(
        "UPDATE channels SET name = ?2, settings = ?3, language = ?4, time_zone = ?5, quiet_from = ?6, quiet_to = ?7,
             critical_at_night = ?8, wants_critical = ?9, wants_digest = ?10, all_clients = ?11, enabled = ?12,
             after_telling = (SELECT ifnull(max(num), 0) FROM tellings)
         WHERE id = ?1",
    )
    .bind(channel.id.to_string())
    .bind(&channel.name)
    .bind(json(&channel.settings)?)
    .bind(channel.language.as_str())
    .bind(&channel.time_zone)
    .bind(channel.quiet.map(|quiet| minutes(quiet.from)))
    .bind(channel.quiet.map(|quiet| minutes(quiet.to)))
    .bind(channel.critical_at_night)
    .bind(wants.critical)
    .bind(wants.digest.map(Severity::as_str))
    .bind(wants.clients.is_none())
    .bind(channel.enabled)
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound { what: "channel" });
    }
    sqlx::query("DELETE FROM channel_clients WHERE channel = (SELECT num FROM channels WHERE id = ?)")
        .bind(channel.id.to_string())
        .execute(&mut *connection)
        .await?;
    for client in wants.clients.iter().flatten() {
        // A client that was deleted meanwhile is not chosen any more.
        sqlx::query(
            "INSERT OR IGNORE INTO channel_clients (channel, client_id)
             SELECT c.num, l.id FROM channels AS c JOIN clients AS l ON l.id = ?2 WHERE c.id = ?1",
        )
        .bind(channel.id.to_string())
        .bind(client.to_string())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
