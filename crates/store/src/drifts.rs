//! Tables `contracts` and `drifts`: the form of each stream's answers, and how it changed. A run's look and what follows from it (changes
//! told, the rest learned) are one transaction, so that a change is told exactly once, whatever dies in between.

use crate::{
    Result, Scope, Store,
    codec::{Read, instant_code, json},
    commit::signed,
    connections,
};
use chrono::{DateTime, Utc};
use model::{
    id::{ConnectionId, RunId},
    shape::{Change, Drift, DriftKind, DriftState, Shape},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

/// What a run saw of one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// The stream.
    pub stream: String,
    /// The form of its answers.
    pub seen: Shape,
    /// Whether the stream was read to its end: a first look at half of a stream has not seen every field.
    pub whole: bool,
}

async fn contract(connection: &mut SqliteConnection, num: i64, stream: &str) -> Result<(Shape, bool)> {
    let row = sqlx::query("SELECT shape, settled_at FROM contracts WHERE connection = ? AND stream = ?")
        .bind(num)
        .bind(stream)
        .fetch_optional(connection)
        .await?;
    row.map_or(Ok((Shape::default(), false)), |row| {
        Ok((row.json("shape")?, row.instant_or_none("settled_at")?.is_some()))
    })
}

async fn put_contract(
    connection: &mut SqliteConnection,
    (num, stream): (i64, &str),
    shape: &Shape,
    settled_at: Option<DateTime<Utc>>,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO contracts (connection, stream, shape, settled_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (connection, stream) DO UPDATE SET shape = excluded.shape,
             settled_at = coalesce(contracts.settled_at, excluded.settled_at)",
    )
    .bind(num)
    .bind(stream)
    .bind(json(shape)?)
    .bind(settled_at.map(instant_code))
    .execute(connection)
    .await?;
    Ok(())
}

/// Tells a change once: an open or ignored one is only seen again. Returns whether it is new.
async fn tell(
    connection: &mut SqliteConnection,
    (num, run, stream): (i64, i64, &str),
    change: &Change,
    now: DateTime<Utc>,
) -> Result<bool> {
    let word = change.word.as_deref().unwrap_or_default();
    let known = sqlx::query(
        "UPDATE drifts SET last_seen = ?, record_count = record_count + ?
         WHERE connection = ? AND stream = ? AND kind = ? AND path = ? AND word = ? AND state IN ('open', 'ignored')",
    )
    .bind(instant_code(now))
    .bind(signed(change.records))
    .bind(num)
    .bind(stream)
    .bind(change.kind.as_str())
    .bind(&change.path)
    .bind(word)
    .execute(&mut *connection)
    .await?;
    if known.rows_affected() > 0 {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO drifts (connection, stream, kind, path, word, before, after, learned, record_count, state, run, first_seen, last_seen)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?)",
    )
    .bind(num)
    .bind(stream)
    .bind(change.kind.as_str())
    .bind(&change.path)
    .bind(word)
    .bind(&change.before)
    .bind(&change.after)
    .bind(json(&change.learned)?)
    .bind(signed(change.records))
    .bind(run)
    .bind(instant_code(now))
    .bind(instant_code(now))
    .execute(connection)
    .await?;
    Ok(true)
}

/// Fields that were gone and are there again.
async fn end_what_is_over(
    connection: &mut SqliteConnection,
    (num, stream): (i64, &str),
    seen: &Shape,
    now: DateTime<Utc>,
) -> Result<()> {
    let rows = sqlx::query(
        "SELECT num, path FROM drifts WHERE connection = ? AND stream = ? AND kind = 'removed_field' AND state IN ('open', 'ignored')",
    )
    .bind(num)
    .bind(stream)
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        let path: String = row.value("path")?;
        if seen.fields.get(&path).is_some_and(|field| field.seen > 0) {
            sqlx::query("UPDATE drifts SET state = 'over', decided_at = ? WHERE num = ?")
                .bind(instant_code(now))
                .bind(row.value::<i64>("num")?)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Drift> {
    let word: String = row.value("word")?;
    Ok(Drift {
        number: row.value("num")?,
        connection_id: row.word("connection_id")?,
        client_id: row.word("client_id")?,
        stream: row.value("stream")?,
        change: Change {
            kind: row.word::<DriftKind>("kind")?,
            path: row.value("path")?,
            word: Some(word).filter(|word| !word.is_empty()),
            before: row.value("before")?,
            after: row.value("after")?,
            records: row.count("record_count")?,
            learned: row.json("learned")?,
        },
        state: row.word::<DriftState>("state")?,
        run_id: row.value::<Option<String>>("run_id")?.and_then(|id| id.parse().ok()),
        first_seen: row.instant("first_seen")?,
        last_seen: row.instant("last_seen")?,
    })
}

impl Store {
    /// Compares what a run saw with the form of its connection's streams, tells what changed and learns the rest. Returns how many
    /// changes are new.
    pub async fn note_shapes(&self, run: RunId, looked: &[Looked], now: DateTime<Utc>) -> Result<u64> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let row = sqlx::query("SELECT num, connection FROM runs WHERE id = ?")
                .bind(run.to_string())
                .fetch_one(&mut *transaction)
                .await?;
            let (run, num): (i64, i64) = (row.value("num")?, row.value("connection")?);
            let mut told = 0;
            for Looked { stream, seen, whole } in looked {
                if seen.records == 0 {
                    continue;
                }
                let (mut known, settled) = contract(&mut transaction, num, stream).await?;
                for change in known.changes(seen, settled) {
                    told += u64::from(tell(&mut transaction, (num, run, stream), &change, now).await?);
                }
                end_what_is_over(&mut transaction, (num, stream), seen, now).await?;
                known.learn(seen, settled);
                put_contract(&mut transaction, (num, stream), &known, whole.then_some(now)).await?;
            }
            transaction.commit().await?;
            Ok(told)
        })
        .await
    }

    /// Changes of form of a client's connections or of all, the newest first: those that are open, or with `all` the decided ones too.
    pub async fn drifts(&self, scope: Scope, connection: Option<ConnectionId>, all: bool) -> Result<Vec<Drift>> {
        let rows = sqlx::query(
            "SELECT d.*, c.id AS connection_id, c.client_id, r.id AS run_id
             FROM drifts AS d JOIN connections AS c ON c.num = d.connection LEFT JOIN runs AS r ON r.num = d.run
             WHERE (?1 IS NULL OR c.client_id = ?1) AND (?2 IS NULL OR c.id = ?2) AND (?3 OR d.state = 'open')
             ORDER BY d.num DESC",
        )
        .bind(scope.bound())
        .bind(connection.map(|id| id.to_string()))
        .bind(all)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Makes changes part of their form, or ignores them. One that was decided before may be decided again; one that is over stays.
    /// Returns the connections it was about.
    pub async fn decide_drifts(&self, numbers: &[i64], accept: bool, now: DateTime<Utc>) -> Result<Vec<ConnectionId>> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let mut touched = Vec::new();
            for number in numbers {
                let row = sqlx::query(
                    "SELECT d.*, c.id AS connection_id, c.client_id, NULL AS run_id
                     FROM drifts AS d JOIN connections AS c ON c.num = d.connection
                     WHERE d.num = ? AND d.state IN ('open', 'ignored')",
                )
                .bind(number)
                .fetch_optional(&mut *transaction)
                .await?;
                let Some(drift) = row.as_ref().map(read).transpose()? else { continue };
                if accept {
                    let num = connections::num_of(&mut *transaction, drift.connection_id).await?;
                    let (mut known, _) = contract(&mut transaction, num, &drift.stream).await?;
                    known.accept(&drift.change);
                    put_contract(&mut transaction, (num, &drift.stream), &known, None).await?;
                }
                sqlx::query("UPDATE drifts SET state = ?, decided_at = ? WHERE num = ?")
                    .bind(if accept { DriftState::Accepted } else { DriftState::Ignored }.as_str())
                    .bind(instant_code(now))
                    .bind(number)
                    .execute(&mut *transaction)
                    .await?;
                touched.push(drift.connection_id);
            }
            transaction.commit().await?;
            touched.sort_unstable();
            touched.dedup();
            Ok(touched)
        })
        .await
    }
}
