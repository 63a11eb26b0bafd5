//! Where a source puts the rows of one slice until the slice is whole. Memory is bounded: beyond a limit rows are staged in the encrypted
//! database, where they stay invisible until the slice is committed.

use crate::live::Live;
use async_trait::async_trait;
use kit::source::Sink;
use model::{
    ad::{AdObject, Batch, CampaignStat, Rejected},
    failure::Failure,
    id::RunId,
};
use std::sync::Arc;
use store::Store;

/// Rows kept in memory for one slice; some 25 MB. Staging writes each row twice, so a month of three thousand ads should fit.
const IN_MEMORY: usize = 120_000;
/// Rejected rows kept with their raw text for one slice. A wholly wrong page would otherwise fill memory and disk with copies of itself.
const REJECTED: usize = 2_000;

/// The rows of one slice.
pub(crate) struct Collector {
    store: Store,
    run: RunId,
    seq: u32,
    live: Arc<Live>,
    pub(crate) objects: Vec<AdObject>,
    pub(crate) stats: Vec<CampaignStat>,
    /// Whether any statistics came, staged ones included.
    pub(crate) any_stats: bool,
    pub(crate) rejected: Vec<Rejected>,
    /// Rejected rows beyond those kept.
    pub(crate) rejected_more: u64,
}

impl Collector {
    pub(crate) fn new(store: Store, run: RunId, seq: u32, live: Arc<Live>) -> Self {
        Self {
            store,
            run,
            seq,
            live,
            objects: vec![],
            stats: vec![],
            any_stats: false,
            rejected: vec![],
            rejected_more: 0,
        }
    }

    fn reject(&mut self, rows: Vec<Rejected>) {
        for row in rows {
            if self.rejected.len() < REJECTED {
                self.rejected.push(row);
            } else {
                self.rejected_more += 1;
            }
        }
    }
}

#[async_trait]
impl Sink for Collector {
    async fn batch(&mut self, batch: Batch) -> Result<(), Failure> {
        self.live.collected((batch.stats.len() + batch.objects.len()) as u64);
        self.any_stats |= !batch.stats.is_empty();
        self.objects.extend(batch.objects);
        self.stats.extend(batch.stats);
        self.reject(batch.rejected);
        if self.stats.len() >= IN_MEMORY {
            let given_back = self.store.stage(self.run, self.seq, std::mem::take(&mut self.stats)).await?;
            self.reject(given_back);
        }
        Ok(())
    }
}
