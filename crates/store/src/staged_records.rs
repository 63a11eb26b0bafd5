//! Table `staged_records`: records of a read that will replace its stream, on their way. Out of sight until the slice is committed; what a
//! dead run left is dropped by whoever goes on duty.

use crate::{
    Result, Store,
    bulk::{Bulk, pieces},
    commit,
    records::key_hash,
};
use model::{id::RunId, record::GenericRecord};
use sqlx::SqliteConnection;

impl Store {
    /// Puts a part of a slice's records aside; `first` is the place of the first one in the whole read, from 0.
    /// [`Store::commit_records`] takes them in.
    pub async fn stage_records(&self, run: RunId, slice_seq: u32, first: u64, records: &[GenericRecord]) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let slice = commit::slice(&mut transaction, run, slice_seq).await?;
            let bulk = Bulk::new("INSERT INTO staged_records (run, seq, place, key_hash, key, data) VALUES", 6, "");
            let mut place = first;
            for chunk in pieces(records) {
                let mut query = bulk.statement(chunk.len());
                for record in chunk {
                    query = query
                        .bind(slice.run)
                        .bind(i64::from(slice_seq))
                        .bind(place.cast_signed())
                        .bind(key_hash(record, Some(place)))
                        .bind(record.key.clone())
                        .bind(record.data.clone());
                    place += 1;
                }
                query.execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}

/// Moves the records of a slice into place. Of two with one key the later counts.
pub(crate) async fn move_in(
    connection: &mut SqliteConnection,
    num: i64,
    stream: &str,
    run: i64,
    seq: i64,
    at: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO records (connection, stream, key_hash, key, data, read_at, run)
         SELECT ?1, ?2, key_hash, key, data, ?5, ?3 FROM staged_records WHERE run = ?3 AND seq = ?4 ORDER BY place
         ON CONFLICT (connection, stream, key_hash) DO UPDATE SET data = excluded.data",
    )
    .bind(num)
    .bind(stream)
    .bind(run)
    .bind(seq)
    .bind(at)
    .execute(&mut *connection)
    .await?;
    drop_slice(connection, run, seq).await
}

/// Drops the staged records of a slice.
pub(crate) async fn drop_slice(connection: &mut SqliteConnection, run: i64, seq: i64) -> Result<()> {
    sqlx::query("DELETE FROM staged_records WHERE run = ? AND seq = ?").bind(run).bind(seq).execute(connection).await?;
    Ok(())
}
