//! A slice enters the database: all of it or nothing, and twice is the same as once.
//!
//! One transaction replaces the slice's window of statistics, writes names, quarantine, sums of the touched days, the state of each day,
//! the cursor, and the slice and run themselves. What a slice covers (connection, stream, level, window) was planned with the run and is
//! read from there, so a commit cannot replace days it did not read.

use crate::{
    Result, Store, StoreError, StoredFailure, ad_objects, campaign_stats,
    codec::{Read, instant_code, json, level_code},
    cursors, daily_rollups,
    day_reads::{self, NotKept},
    monthly_objects, quarantine,
    runs::{self, NewRun},
    slices::{self, NewSlice, Part},
    staged_records, staged_stats,
};
use chrono::{DateTime, NaiveDate, Utc};
use model::{
    ad::{AdObject, CampaignStat, Level, Rejected},
    date::DateRange,
    failure::{Failure, FailureKind},
    id::RunId,
};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

/// What a slice read.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceCommit {
    /// The run.
    pub run_id: RunId,
    /// The slice's number in it.
    pub slice_seq: u32,
    /// Names and tree, of any level.
    pub objects: Vec<AdObject>,
    /// Statistics of the slice's level, added to those that were staged. Rows outside of the window go to quarantine.
    pub stats: Vec<CampaignStat>,
    /// Rows that could not be typed, and those that staging gave back.
    pub rejected: Vec<Rejected>,
    /// Days of rejected rows that were too many to be kept, with how many.
    pub rejected_more: BTreeMap<NaiveDate, u64>,
    /// Rows by day in which nothing happened, which the connection does not keep.
    pub left_out: BTreeMap<NaiveDate, u64>,
    /// When it was read.
    pub read_at: DateTime<Utc>,
    /// Days before this one will not change any more.
    pub final_before: NaiveDate,
    /// What it took.
    pub effort: Effort,
}

/// What reading a slice took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effort {
    /// Requests, repeats included.
    pub requests: u64,
    /// Requests that were repeats.
    pub retries: u64,
    /// Milliseconds; of the time in which others were read beside it, its share.
    pub millis: u64,
}

/// What a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Committed {
    /// Rows of statistics now in the window.
    pub rows: u64,
    /// Names written or found unchanged.
    pub objects: u64,
    /// Rows put into quarantine.
    pub quarantined: u64,
    /// Rows of statistics that stood in the window before.
    pub replaced: u64,
}

/// A slice that could not be read.
#[derive(Debug, Clone)]
pub struct SliceFailure {
    /// The run.
    pub run_id: RunId,
    /// The slice's number in it.
    pub slice_seq: u32,
    /// Why.
    pub failure: Failure,
    /// When it was tried.
    pub tried_at: DateTime<Utc>,
    /// What it took.
    pub effort: Effort,
}

/// What was planned for a slice.
pub(crate) struct Planned {
    pub(crate) run: i64,
    pub(crate) connection: i64,
    pub(crate) stream: String,
    pub(crate) level: Level,
    pub(crate) part: Part,
    window: Option<DateRange>,
}

impl Planned {
    /// The window; a slice of names has none and takes no statistics.
    pub(crate) fn window(&self) -> Result<DateRange> {
        self.window.ok_or(StoreError::Misuse("a slice without a window takes no statistics"))
    }
}

pub(crate) async fn slice(connection: &mut SqliteConnection, run: RunId, seq: u32) -> Result<Planned> {
    let row = sqlx::query(
        "SELECT r.num, r.connection, s.stream, s.level, s.window_from, s.window_to, s.breakdown
         FROM runs AS r JOIN slices AS s ON s.run = r.num AND s.seq = ?2 WHERE r.id = ?1",
    )
    .bind(run.to_string())
    .bind(i64::from(seq))
    .fetch_optional(connection)
    .await?
    .ok_or(StoreError::NotFound { what: "slice" })?;
    Ok(Planned {
        run: row.value("num")?,
        connection: row.value("connection")?,
        stream: row.value("stream")?,
        level: row.level("level")?,
        part: Part::read(row.value("breakdown")?),
        window: row.range("window_from", "window_to")?,
    })
}

pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Store {
    /// Commits a slice. For statistics the window is replaced: rows that the platform no longer reports are gone afterwards.
    pub async fn commit_slice(&self, commit: SliceCommit) -> Result<Committed> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let committed = apply(&mut transaction, commit).await?;
            transaction.commit().await?;
            Ok(committed)
        })
        .await
    }

    /// A run that is over as soon as it is written: it, its one slice and the slice's rows, in one transaction.
    pub async fn commit_run(&self, run: &NewRun, slice: &NewSlice, commit: SliceCommit) -> Result<Committed> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let committed = whole_run(&mut transaction, run, slice, commit).await?;
            transaction.commit().await?;
            Ok(committed)
        })
        .await
    }

    /// Notes that a slice could not be read. Data stay as they are; days without older data are marked failed. A slice that was
    /// cancelled or waits for a quota is pending again and its days are not marked: nothing went wrong with them.
    pub async fn fail_slice(&self, failed: SliceFailure) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let planned = slice(&mut transaction, failed.run_id, failed.slice_seq).await?;
            let failure = StoredFailure::from(&failed.failure);
            // Nothing was learned about its days: it is read again, by this run.
            let put_off = matches!(failure.kind(), FailureKind::Cancelled | FailureKind::WaitUntil);
            let seq = i64::from(failed.slice_seq);
            sqlx::query(
                "UPDATE slices SET state = ?, failure = ?, requests = ?, retries = ?, millis = ? WHERE run = ? AND seq = ?",
            )
            .bind(if put_off { "pending" } else { "failed" })
            .bind(if put_off { None } else { Some(json(&failure)?) })
            .bind(signed(failed.effort.requests))
            .bind(signed(failed.effort.retries))
            .bind(signed(failed.effort.millis))
            .bind(planned.run)
            .bind(seq)
            .execute(&mut *transaction)
            .await?;
            staged_stats::drop_slice(&mut transaction, planned.run, seq).await?;
            staged_records::drop_slice(&mut transaction, planned.run, seq).await?;
            if let (Some(window), false) = (planned.window, put_off) {
                let (num, stream) = (planned.connection, &planned.stream);
                day_reads::mark_failed(&mut transaction, num, stream, window, failed.tried_at, &failure).await?;
                cursors::recompute(&mut transaction, num, stream).await?;
            }
            runs::count(&mut transaction, planned.run).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}

/// Writes a run that is over with its one slice and its rows.
pub(crate) async fn whole_run(
    transaction: &mut SqliteConnection,
    run: &NewRun,
    slice: &NewSlice,
    commit: SliceCommit,
) -> Result<Committed> {
    let num = runs::insert(&mut *transaction, run).await?;
    slices::plan(&mut *transaction, num, std::slice::from_ref(slice)).await?;
    let ended_at = instant_code(commit.read_at);
    let committed = apply(&mut *transaction, commit).await?;
    sqlx::query("UPDATE runs SET ended_at = ? WHERE num = ?")
        .bind(ended_at)
        .bind(num)
        .execute(&mut *transaction)
        .await?;
    Ok(committed)
}

async fn apply(connection: &mut SqliteConnection, mut commit: SliceCommit) -> Result<Committed> {
    let planned = slice(connection, commit.run_id, commit.slice_seq).await?;
    let (num, run, seq, level) =
        (planned.connection, planned.run, i64::from(commit.slice_seq), level_code(planned.level));
    ad_objects::upsert(connection, num, &commit.objects).await?;

    let (mut rows, mut replaced) = (0, 0);
    if let Some(window) = planned.window {
        let (ready, misfits) = campaign_stats::ready(connection, &planned, window, &commit.stats).await?;
        commit.rejected.extend(misfits);
        replaced = campaign_stats::delete_window(connection, &planned, window).await?;
        staged_stats::move_in(connection, num, run, seq, level, window).await?;
        campaign_stats::insert(connection, num, level, &ready).await?;
        day_reads::keep_totals(connection, &planned, window).await?;
        daily_rollups::recompute(connection, num, level, window).await?;
        monthly_objects::recompute(connection, num, planned.level, window).await?;
        rows = day_reads::mark_read(connection, &planned, window, commit.read_at, commit.final_before).await?;
        let mut not_kept: BTreeMap<NaiveDate, NotKept> = BTreeMap::new();
        for (date, rows) in &commit.rejected_more {
            not_kept.entry(*date).or_default().rejected += rows;
        }
        for (date, rows) in &commit.left_out {
            not_kept.entry(*date).or_default().left_out += rows;
        }
        for row in commit.rejected.iter().filter(|row| row.reason.loses_row()) {
            // A row without a readable day may belong to any of them; its reason says so in quarantine, no day can.
            if let Some(date) = row.date {
                not_kept.entry(date).or_default().rejected += 1;
            }
        }
        day_reads::mark_not_kept(connection, &planned, &not_kept).await?;
        cursors::advance(connection, num, &planned.stream, window).await?;
    } else if !commit.stats.is_empty() {
        return Err(StoreError::Misuse("a slice without a window takes no statistics"));
    }
    quarantine::heal(connection, (num, &planned.stream), planned.window, (run, seq), commit.read_at).await?;
    quarantine::replace(connection, num, (run, seq), &commit.rejected).await?;

    let (objects, quarantined) = (commit.objects.len() as u64, commit.rejected.len() as u64);
    let written = if planned.window.is_some() { rows } else { objects };
    sqlx::query(
        "UPDATE slices SET state = 'done', row_count = ?, quarantined = ?, requests = ?, retries = ?, millis = ?, failure = NULL
         WHERE run = ? AND seq = ?",
    )
    .bind(signed(written))
    .bind(signed(quarantined))
    .bind(signed(commit.effort.requests))
    .bind(signed(commit.effort.retries))
    .bind(signed(commit.effort.millis))
    .bind(run)
    .bind(seq)
    .execute(&mut *connection)
    .await?;
    runs::count(connection, run).await?;
    Ok(Committed { rows, objects, quarantined, replaced })
}
