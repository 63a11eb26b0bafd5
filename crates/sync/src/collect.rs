//! Where a source puts the rows of one slice until the slice is whole. Memory is bounded: beyond a limit rows are staged in the encrypted
//! database, where they stay invisible until the slice is committed.
//!
//! Records of streams that go on from a state are different: each state that the source hands over commits what came before it, so that
//! an interrupted first read of a million records goes on and does not begin again.

use crate::{live::Share, run::SIDE_BY_SIDE};
use async_trait::async_trait;
use chrono::NaiveDate;
use kit::{clock::Clock, source::Sink};
use model::{
    ad::{AdObject, Batch, CampaignStat, Rejected},
    failure::{Code, Failure},
    id::RunId,
    record::GenericRecord,
    settings::ZeroRows,
    shape::Shape,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use store::{
    Store,
    commit::Effort,
    records::{RecordsCommit, RecordsOver},
};

/// Rows kept in memory for the slices of one run; some 25 MB. Staging writes each row twice, so a month of three thousand ads should fit.
const IN_MEMORY: usize = 120_000;
/// Bytes of records kept in memory for one slice.
const IN_MEMORY_BYTES: usize = 24 << 20;
/// Shortest time between two commits of one slice: what a crash costs at most, besides the page being read.
const BETWEEN_COMMITS: Duration = Duration::from_millis(500);
/// Rejected rows kept with their raw text for one slice. A wholly wrong page would otherwise fill memory and disk with copies of itself.
const REJECTED: usize = 2_000;

/// The rows of one slice.
pub(crate) struct Collector {
    store: Store,
    run: RunId,
    seq: u32,
    share: Arc<Share>,
    pub(crate) objects: Vec<AdObject>,
    pub(crate) stats: Vec<CampaignStat>,
    /// Whether any statistics came, staged ones included.
    pub(crate) any_stats: bool,
    pub(crate) rejected: Vec<Rejected>,
    /// Rejected rows beyond those kept.
    pub(crate) rejected_more: u64,
    /// Days that lack rows because of those, with how many.
    pub(crate) lost_more: BTreeMap<NaiveDate, u64>,
    zero_rows: ZeroRows,
    /// Rows by day that are not kept, because nothing happened in them.
    pub(crate) left_out: BTreeMap<NaiveDate, u64>,
    /// The form of the answers.
    pub(crate) seen: Shape,
}

impl Collector {
    pub(crate) fn new(store: Store, run: RunId, seq: u32, share: Arc<Share>, zero_rows: ZeroRows) -> Self {
        Self {
            store,
            run,
            seq,
            share,
            objects: vec![],
            stats: vec![],
            any_stats: false,
            rejected: vec![],
            rejected_more: 0,
            lost_more: BTreeMap::new(),
            zero_rows,
            left_out: BTreeMap::new(),
            seen: Shape::default(),
        }
    }

    fn reject(&mut self, rows: Vec<Rejected>) {
        for row in rows {
            if self.rejected.len() < REJECTED {
                self.rejected.push(row);
                continue;
            }
            self.rejected_more += 1;
            if let Some(date) = row.date.filter(|_| row.reason.loses_row()) {
                *self.lost_more.entry(date).or_default() += 1;
            }
        }
    }
}

#[async_trait]
impl Sink for Collector {
    async fn batch(&mut self, mut batch: Batch) -> Result<(), Failure> {
        self.any_stats |= !batch.stats.is_empty();
        if self.zero_rows == ZeroRows::LeaveOut {
            for row in batch.stats.extract_if(.., |row| row.is_zero()) {
                *self.left_out.entry(row.date).or_default() += 1;
            }
        }
        self.share.collected((batch.stats.len() + batch.objects.len()) as u64);
        self.objects.extend(batch.objects);
        self.stats.extend(batch.stats);
        self.reject(batch.rejected);
        self.share.give_way().await;
        let all = self.share.holds(self.stats.len());
        if all >= IN_MEMORY && self.stats.len() >= IN_MEMORY / SIDE_BY_SIDE {
            self.share.holds(0);
            let given_back = self.store.stage(self.run, self.seq, std::mem::take(&mut self.stats)).await?;
            self.reject(given_back);
        }
        Ok(())
    }

    fn observed(&mut self, shape: Shape) {
        self.seen.add(&shape);
    }
}

/// The records of one slice.
pub(crate) struct RecordCollector {
    store: Store,
    slice: (RunId, u32),
    share: Arc<Share>,
    clock: Arc<dyn Clock>,
    incremental: bool,
    /// Where the stream stood when the slice began.
    state: Option<Value>,
    /// Where it stands after the records handed over so far, not yet committed.
    reached: Option<Value>,
    committed_at: Instant,
    records: Vec<GenericRecord>,
    bytes: usize,
    /// Records that left memory: committed, or staged when the whole stream is replaced.
    gone: u64,
    rejected: Vec<Rejected>,
    rejected_more: u64,
    /// The form of the answers.
    pub(crate) seen: Shape,
}

impl RecordCollector {
    pub(crate) fn new(
        store: Store,
        slice: (RunId, u32),
        share: Arc<Share>,
        clock: Arc<dyn Clock>,
        incremental: bool,
        state: Option<Value>,
    ) -> Self {
        Self {
            store,
            slice,
            share,
            clock,
            incremental,
            state,
            reached: None,
            committed_at: Instant::now(),
            records: Vec::new(),
            bytes: 0,
            gone: 0,
            rejected: Vec::new(),
            rejected_more: 0,
            seen: Shape::default(),
        }
    }

    fn take(&mut self) -> Vec<GenericRecord> {
        self.bytes = 0;
        std::mem::take(&mut self.records)
    }

    async fn commit(&mut self, over: Option<RecordsOver>) -> Result<(), Failure> {
        let records = self.take();
        let count = records.len() as u64;
        let commit = RecordsCommit {
            run_id: self.slice.0,
            slice_seq: self.slice.1,
            records,
            first: self.gone,
            replace: !self.incremental,
            state: self.reached.take(),
            read_at: self.clock.now(),
            over,
        };
        self.store.commit_records(commit).await?;
        self.gone += count;
        self.committed_at = Instant::now();
        Ok(())
    }

    /// Keeps what a failed or stopped slice of a stream that goes on has read: the next run continues from there.
    pub(crate) async fn keep(mut self) {
        if self.incremental
            && (self.reached.is_some() || !self.records.is_empty())
            && let Err(error) = self.commit(None).await
        {
            tracing::warn!(%error, "what an interrupted slice had read was not kept; it is read again");
        }
    }

    /// Commits what is left; returns how many records the slice had and how many rows were rejected.
    pub(crate) async fn end(mut self, effort: Effort) -> Result<(u64, u64), Failure> {
        let rejected = std::mem::take(&mut self.rejected);
        let quarantined = rejected.len() as u64 + self.rejected_more;
        self.commit(Some(RecordsOver { rejected, effort })).await?;
        Ok((self.gone, quarantined))
    }
}

#[async_trait]
impl Sink for RecordCollector {
    async fn batch(&mut self, batch: Batch) -> Result<(), Failure> {
        if !batch.stats.is_empty() || !batch.objects.is_empty() {
            return Err(Failure::new(Code::Internal).detail("a stream of records handed over typed rows"));
        }
        self.share.collected(batch.records.len() as u64);
        self.share.give_way().await;
        for row in batch.rejected {
            if self.rejected.len() < REJECTED {
                self.rejected.push(row);
            } else {
                self.rejected_more += 1;
            }
        }
        self.bytes += batch.records.iter().map(GenericRecord::size).sum::<usize>();
        self.records.extend(batch.records);
        if self.bytes < IN_MEMORY_BYTES {
            return Ok(());
        }
        if self.incremental {
            // Records without their state do no harm: they are read again and replace themselves.
            return self.commit(None).await;
        }
        let records = self.take();
        self.store.stage_records(self.slice.0, self.slice.1, self.gone, &records).await?;
        self.gone += records.len() as u64;
        Ok(())
    }

    fn observed(&mut self, shape: Shape) {
        self.seen.add(&shape);
    }

    fn resume_from(&self) -> Option<&Value> {
        self.state.as_ref()
    }

    async fn cursor(&mut self, state: Value) -> Result<(), Failure> {
        // A stream that is always read whole has nothing to remember.
        if !self.incremental {
            return Ok(());
        }
        self.reached = Some(state);
        // A stream of ten thousand small partitions would otherwise be as many transactions.
        if self.committed_at.elapsed() < BETWEEN_COMMITS { Ok(()) } else { self.commit(None).await }
    }
}
