//! Table `records`: what streams without a place among our tables left behind, as JSON text. With a primary key a record replaces its
//! older self; a stream that is always read whole is replaced whole.
//!
//! Records without a key are told apart by their text when a stream goes on from a state (reading the same twice changes nothing), and
//! by their place when the whole is replaced (a platform may well mean two equal records).

use crate::{
    Result, Store,
    bulk::{Bulk, pieces},
    codec::{Read, instant_code},
    commit::{self, Effort, signed},
    quarantine, runs, staged_records, stream_states,
};
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use model::{
    ad::Rejected,
    id::{ConnectionId, RunId},
    record::GenericRecord,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{
    Sqlite, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

/// Records to commit, with where their stream stands afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordsCommit {
    /// The run.
    pub run_id: RunId,
    /// The slice's number in it.
    pub slice_seq: u32,
    /// The records, after those that were staged.
    pub records: Vec<GenericRecord>,
    /// The place of the first of them in the whole read, from 0.
    pub first: u64,
    /// Whether they replace everything the stream had. Then the slice is over with this.
    pub replace: bool,
    /// Where the stream stands; `None` leaves what was said before.
    pub state: Option<Value>,
    /// When they were read.
    pub read_at: DateTime<Utc>,
    /// Whether the slice is over, and what it took.
    pub over: Option<RecordsOver>,
}

/// The end of a slice of records.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordsOver {
    /// Rows that could not be kept.
    pub rejected: Vec<Rejected>,
    /// What it took.
    pub effort: Effort,
}

/// A record as it was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRecord {
    /// Its place in the order they came.
    pub number: i64,
    /// Its primary key as JSON text.
    pub key: Option<String>,
    /// It, as JSON text.
    pub data: String,
    /// When it was read last.
    pub read_at: DateTime<Utc>,
}

/// Which records of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordQuery<'a> {
    /// The connection.
    pub connection_id: ConnectionId,
    /// The stream.
    pub stream: &'a str,
    /// Only those that contain this text, in any of the usual cases; within `field` when one is named.
    pub text: Option<&'a str>,
    /// A field as names from the outside in.
    pub field: Option<&'a [String]>,
}

/// A stream that has records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordStream {
    /// Its name.
    pub stream: String,
    /// How many it has.
    pub count: u64,
}

/// What tells a record from the others of its stream.
pub(crate) fn key_hash(record: &GenericRecord, place: Option<u64>) -> Vec<u8> {
    let digest = match (&record.key, place) {
        (Some(key), _) => Sha256::digest(key.as_bytes()),
        (None, Some(place)) => return place.to_be_bytes().to_vec(),
        (None, None) => Sha256::digest(record.data.as_bytes()),
    };
    digest[..16].to_vec()
}

async fn upsert(
    connection: &mut SqliteConnection,
    commit: &RecordsCommit,
    (num, stream, run): (i64, &str, i64),
) -> Result<()> {
    let bulk = Bulk::new(
        "INSERT INTO records (connection, stream, key_hash, key, data, read_at, run) VALUES",
        7,
        "ON CONFLICT (connection, stream, key_hash) DO UPDATE SET data = excluded.data, read_at = excluded.read_at, run = excluded.run",
    );
    let mut place = commit.first;
    for chunk in pieces(&commit.records) {
        let mut query = bulk.statement(chunk.len());
        for record in chunk {
            query = query
                .bind(num)
                .bind(stream.to_owned())
                .bind(key_hash(record, commit.replace.then_some(place)))
                .bind(record.key.clone())
                .bind(record.data.clone())
                .bind(instant_code(commit.read_at))
                .bind(run);
            place += 1;
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn apply(connection: &mut SqliteConnection, commit: RecordsCommit) -> Result<()> {
    let planned = commit::slice(connection, commit.run_id, commit.slice_seq).await?;
    let (num, run, seq) = (planned.connection, planned.run, i64::from(commit.slice_seq));
    if commit.replace {
        sqlx::query("DELETE FROM records WHERE connection = ? AND stream = ?")
            .bind(num)
            .bind(&planned.stream)
            .execute(&mut *connection)
            .await?;
        staged_records::move_in(connection, num, &planned.stream, run, seq, instant_code(commit.read_at)).await?;
    }
    upsert(connection, &commit, (num, &planned.stream, run)).await?;
    if let Some(state) = &commit.state {
        stream_states::put(connection, num, &planned.stream, state, commit.read_at).await?;
    }
    let rows = signed(commit.first + commit.records.len() as u64);
    if let Some(over) = commit.over {
        // What a stream that goes on had refused is not read again by going on.
        if commit.replace {
            quarantine::heal(connection, (num, &planned.stream), None, (run, seq), commit.read_at).await?;
        }
        quarantine::replace(connection, num, (run, seq), &over.rejected).await?;
        sqlx::query(
            "UPDATE slices SET state = 'done', row_count = ?, quarantined = ?, requests = ?, retries = ?, millis = ?, failure = NULL
             WHERE run = ? AND seq = ?",
        )
        .bind(rows)
        .bind(signed(over.rejected.len() as u64))
        .bind(signed(over.effort.requests))
        .bind(signed(over.effort.retries))
        .bind(signed(over.effort.millis))
        .bind(run)
        .bind(seq)
        .execute(&mut *connection)
        .await?;
    } else {
        sqlx::query("UPDATE slices SET row_count = ? WHERE run = ? AND seq = ?")
            .bind(rows)
            .bind(run)
            .bind(seq)
            .execute(&mut *connection)
            .await?;
    }
    runs::count(connection, run).await
}

fn read(row: &SqliteRow) -> Result<StoredRecord> {
    Ok(StoredRecord {
        number: row.value("num")?,
        key: row.value("key")?,
        data: row.value("data")?,
        read_at: row.instant("read_at")?,
    })
}

/// The spellings under which a text is looked for. SQLite knows the cases of Latin letters only.
fn spellings(text: &str) -> [String; 4] {
    let mut letters = text.chars();
    let capital =
        letters.next().map(|first| first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect());
    [text.to_owned(), text.to_lowercase(), text.to_uppercase(), capital.unwrap_or_default()]
}

/// A path in SQLite's words: every name quoted, so that no name can mean more than itself.
fn json_path(field: &[String]) -> String {
    field.iter().fold("$".to_owned(), |path, name| format!("{path}.\"{}\"", name.replace('"', "")))
}

/// A text as it stands inside of JSON text.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// A read over the records that a query means. Text and path are bound, never put into the statement.
macro_rules! matching {
    ($head:literal, $tail:literal) => {
        concat!(
            $head,
            " FROM records AS r
             WHERE r.connection = (SELECT num FROM connections WHERE id = ?1) AND r.stream = ?2
               AND (?3 IS NULL
                    OR (?7 IS NULL AND (instr(r.data, ?3) OR instr(r.data, ?4) OR instr(r.data, ?5) OR instr(r.data, ?6)))
                    OR (?7 IS NOT NULL AND (instr(json_extract(r.data, ?7), ?3) OR instr(json_extract(r.data, ?7), ?4)
                                            OR instr(json_extract(r.data, ?7), ?5) OR instr(json_extract(r.data, ?7), ?6)))) ",
            $tail
        )
    };
}

fn asked(statement: &'static str, query: RecordQuery<'_>) -> Query<'static, Sqlite, SqliteArguments> {
    let spelled = query.text.filter(|text| !text.is_empty()).map(|text| {
        // Within a field values are compared as they are, in the whole record as JSON writes them.
        spellings(text).map(|text| if query.field.is_some() { text } else { escaped(&text) })
    });
    let [first, second, third, fourth] = spelled.map_or([const { None }; 4], |all| all.map(Some));
    sqlx::query(statement)
        .bind(query.connection_id.to_string())
        .bind(query.stream.to_owned())
        .bind(first)
        .bind(second)
        .bind(third)
        .bind(fourth)
        .bind(query.field.map(json_path))
}

impl Store {
    /// Commits records of a slice, and where their stream stands, in one transaction. A slice of a stream that goes on may be committed
    /// many times, and ends with the one that is `over`.
    pub async fn commit_records(&self, commit: RecordsCommit) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            apply(&mut transaction, commit).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// A page of records in the order they came: those after the record with this number, without the first `skip` of them.
    /// A reader that goes from page to page is faster with numbers; one that jumps, such as a scroll bar, only knows how far.
    pub async fn records(
        &self,
        query: RecordQuery<'_>,
        after: Option<i64>,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<StoredRecord>> {
        let rows = asked(
            matching!(
                "SELECT r.num, r.key, r.data, r.read_at",
                "AND (?8 IS NULL OR r.num > ?8) ORDER BY r.num LIMIT ?9 OFFSET ?10"
            ),
            query,
        )
        .bind(after)
        .bind(i64::from(limit))
        .bind(i64::from(skip))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }

    /// How many records a query means.
    pub async fn records_count(&self, query: RecordQuery<'_>) -> Result<u64> {
        asked(matching!("SELECT count(*) AS count", ""), query).fetch_one(&self.readers).await?.count("count")
    }

    /// Hands every record a query means to `take`, in the order they came, one at a time: an export need not fit memory twice.
    pub async fn each_record(&self, query: RecordQuery<'_>, mut take: impl FnMut(StoredRecord)) -> Result<()> {
        let mut rows =
            asked(matching!("SELECT r.num, r.key, r.data, r.read_at", "ORDER BY r.num"), query).fetch(&self.readers);
        while let Some(row) = rows.try_next().await? {
            take(read(&row)?);
        }
        Ok(())
    }

    /// The streams of a connection that have records, by name.
    pub async fn record_streams(&self, connection: ConnectionId) -> Result<Vec<RecordStream>> {
        let rows = sqlx::query(
            "SELECT r.stream, count(*) AS count FROM records AS r
             WHERE r.connection = (SELECT num FROM connections WHERE id = ?) GROUP BY r.stream ORDER BY r.stream",
        )
        .bind(connection.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok(RecordStream { stream: row.value("stream")?, count: row.count("count")? })).collect()
    }
}
