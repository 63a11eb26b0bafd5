//! Table `run_log`: what a run did, in our words with parameters. The newest [`KEPT`] lines of a run stay.

use crate::{
    Result, Store,
    bulk::{Bulk, pieces},
    codec::{Read, instant_code, json},
    runs,
};
use chrono::{DateTime, Utc};
use model::id::RunId;
use std::collections::BTreeMap;

/// Lines kept per run.
pub const KEPT: u32 = 1_000;

/// A line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: DateTime<Utc>,
    /// What, in one of our words: `slice_started`, `waiting`, `ended` ...
    pub event: String,
    /// Its values by name.
    pub params: BTreeMap<String, String>,
}

impl Store {
    /// Adds lines, oldest first.
    pub async fn append_run_log(&self, run: RunId, lines: &[LogLine]) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = runs::num_of(&mut *transaction, run).await?;
            let bulk = Bulk::new("INSERT INTO run_log (run, at, event, params) VALUES", 4, "");
            for chunk in pieces(lines) {
                let mut query = bulk.statement(chunk.len());
                for line in chunk {
                    query =
                        query.bind(num).bind(instant_code(line.at)).bind(line.event.clone()).bind(json(&line.params)?);
                }
                query.execute(&mut *transaction).await?;
            }
            sqlx::query(
                "DELETE FROM run_log WHERE run = ?1 AND num <=
                     (SELECT num FROM run_log WHERE run = ?1 ORDER BY num DESC LIMIT 1 OFFSET ?2)",
            )
            .bind(num)
            .bind(i64::from(KEPT))
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// The kept lines of a run, newest first.
    pub async fn run_log(&self, run: RunId) -> Result<Vec<LogLine>> {
        let rows = sqlx::query(
            "SELECT l.at, l.event, l.params FROM run_log AS l JOIN runs AS r ON r.num = l.run WHERE r.id = ? ORDER BY l.num DESC",
        )
        .bind(run.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| Ok(LogLine { at: row.instant("at")?, event: row.value("event")?, params: row.json("params")? }))
            .collect()
    }
}
