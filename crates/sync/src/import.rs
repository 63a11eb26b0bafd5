//! Writing an imported file: a run like any other, with one slice whose window is the days of the file. So it shows in the history, its
//! bad rows are in quarantine, and it replaces its days in one transaction. What a person brings any program writes by itself, on duty or
//! not; what lies in a watched folder is written by the one on duty.

use chrono::{DateTime, NaiveDate, Utc};
use kit::source::FileRows;
use model::{
    failure::Failure,
    id::{ConnectionId, RunId},
    run::{RunState, RunTrigger},
};
use std::collections::BTreeMap;
use store::{
    Store,
    commit::{Effort, SliceCommit},
    runs::NewRun,
    slices::{NewSlice, Part},
    watched_folders::WatchedFile,
};

/// The stream's name under which imported rows stand.
pub const STREAM: &str = "file";

/// Writes the rows of a file in one transaction and returns the run that did it. On a failure nothing of the file is kept.
pub async fn commit(
    store: &Store,
    connection_id: ConnectionId,
    rows: FileRows,
    now: DateTime<Utc>,
) -> Result<RunId, Failure> {
    let id = RunId::new();
    let (run, slice, commit) = parts(id, connection_id, rows, now);
    store.commit_run(&run, &slice, commit).await?;
    Ok(id)
}

/// Writes the rows of a file of a watched folder, and that it was taken by this run, in one transaction.
pub(crate) async fn take(
    duty: &Store,
    connection_id: ConnectionId,
    id: RunId,
    rows: FileRows,
    now: DateTime<Utc>,
    file: &WatchedFile,
) -> Result<(), Failure> {
    let (run, slice, commit) = parts(id, connection_id, rows, now);
    duty.take_file(&run, &slice, commit, file).await?;
    Ok(())
}

fn parts(
    id: RunId,
    connection_id: ConnectionId,
    rows: FileRows,
    now: DateTime<Utc>,
) -> (NewRun, NewSlice, SliceCommit) {
    let run = NewRun {
        id,
        connection_id,
        trigger: RunTrigger::Import,
        range: Some(rows.range),
        streams: None,
        state: if rows.rejected.is_empty() { RunState::Done } else { RunState::DoneWithRemarks },
        started_at: now,
    };
    let slice = NewSlice { stream: STREAM.to_owned(), level: rows.level, window: Some(rows.range), part: Part::All };
    let commit = SliceCommit {
        run_id: id,
        slice_seq: 0,
        objects: rows.objects,
        stats: rows.stats,
        rejected: rows.rejected,
        rejected_more: BTreeMap::new(),
        left_out: BTreeMap::new(),
        read_at: now,
        // Nobody will read a file again by itself: its days are as final as they get.
        final_before: NaiveDate::MAX,
        effort: Effort::default(),
    };
    (run, slice, commit)
}
