//! Whole streams: their slices read by a few workers, their records and states handed over in order (connector-format.md,
//! sections 3 and 9.3).
//!
//! Everything that is read passes one channel, and its receiver alone talks to the outlet. So a state can never overtake the
//! records it stands for, and the channel's few places bound what lies in memory.

use super::{Pages, Run, joined};
use crate::{
    components::Stream,
    connector::{Event, Limits, Outlet, Summary},
    template::SliceView,
};
use crate::{json, json::Json};
use model::failure::{Code, Failure};
use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

/// How many slices are read at once, over all streams. The account's budget slows them down further if need be.
const WORKERS: usize = 4;

/// Events between the workers and the outlet.
const WAITING_EVENTS: usize = 4;

/// A stream to read and where to continue.
#[derive(Debug, Clone)]
pub struct Job {
    /// The stream.
    pub stream: Arc<Stream>,
    /// Its state; `None` = from the beginning.
    pub state: Option<Json>,
}

/// Reads streams, a few at a time. Failures of a stream are in the summary; an error is a failure of the outlet or a wish to stop.
pub async fn read_streams(
    run: &Run,
    jobs: Vec<Job>,
    limits: &Limits,
    outlet: &mut dyn Outlet,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let (sender, mut receiver) = mpsc::channel::<Event>(WAITING_EVENTS);
    let (workers, queue) = (Arc::new(Semaphore::new(WORKERS)), Arc::new(Mutex::new(VecDeque::from(jobs))));
    // Dropping the set ends the workers, so no request outlives a read that was stopped.
    let mut set: JoinSet<Result<(), Failure>> = JoinSet::new();
    for _ in 0..WORKERS {
        let (run, limits, sender) = (run.clone(), *limits, sender.clone());
        let (workers, queue) = (Arc::clone(&workers), Arc::clone(&queue));
        set.spawn(async move {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(job) = next else { return Ok(()) };
                let stream = job.stream.name.clone();
                let told = sender.send(Event::Started { stream: stream.clone() }).await;
                let outcome = read_stream(&run, &job, &limits, &workers, &sender).await;
                let ended = sender.send(Event::Ended { stream, outcome }).await;
                if told.is_err() || ended.is_err() {
                    return Ok(());
                }
            }
        });
    }
    drop(sender);
    let mut counts: HashMap<String, u64> = HashMap::new();
    while let Some(event) = receiver.recv().await {
        match &event {
            Event::Records { stream, records } => {
                *counts.entry(stream.clone()).or_default() += records.len() as u64;
            }
            Event::Ended { stream, outcome } => {
                let count = counts.get(stream).copied().unwrap_or_default();
                summary.streams.push((stream.clone(), count, outcome.clone()));
            }
            Event::Started { .. } | Event::Slice { .. } | Event::State { .. } => {}
        }
        outlet.event(event).await?;
    }
    while let Some(ended) = set.join_next().await {
        joined(ended)?;
    }
    if run.cancel.is_cancelled() { Err(Failure::new(Code::Cancelled)) } else { Ok(()) }
}

/// Records a test read may still take.
type Allowance = Option<Arc<AtomicU64>>;

async fn read_stream(
    run: &Run,
    job: &Job,
    limits: &Limits,
    workers: &Arc<Semaphore>,
    sender: &mpsc::Sender<Event>,
) -> Result<(), Failure> {
    let slices = run.slices(&job.stream, None).await?;
    let allowance: Allowance = limits.records.map(|records| Arc::new(AtomicU64::new(records)));
    let most = limits.slices.map_or(usize::MAX, |slices| usize::try_from(slices).unwrap_or(usize::MAX));
    let mut set: JoinSet<Result<(), Failure>> = JoinSet::new();
    for slice in slices.into_iter().take(most) {
        let permit = Arc::clone(workers).acquire_owned().await.map_err(closed)?;
        while let Some(ended) = set.try_join_next() {
            joined(ended)?;
        }
        let (run, stream, sender) = (run.clone(), Arc::clone(&job.stream), sender.clone());
        let (allowance, limits) = (allowance.clone(), *limits);
        set.spawn(async move {
            let read = read_slice(&run, &stream, slice, &limits, &allowance, &sender).await;
            drop(permit);
            read
        });
    }
    while let Some(ended) = set.join_next().await {
        joined(ended)?;
    }
    let state = json!({"__ab_no_cursor_state_message": true});
    sender.send(Event::State { stream: job.stream.name.clone(), state }).await.map_err(closed)
}

async fn read_slice(
    run: &Run,
    stream: &Arc<Stream>,
    slice: SliceView,
    limits: &Limits,
    allowance: &Allowance,
    sender: &mpsc::Sender<Event>,
) -> Result<(), Failure> {
    let told = Event::Slice { stream: stream.name.clone(), slice: slice.all.clone() };
    sender.send(told).await.map_err(closed)?;
    let mut pages = Pages::new(run.clone(), Arc::clone(stream), slice, &None)?;
    let mut number = 0;
    while limits.pages_per_slice.is_none_or(|most| number < most) {
        if allowance.as_ref().is_some_and(|left| left.load(Ordering::Relaxed) == 0) {
            return Ok(());
        }
        let Some(mut records) = pages.next().await? else { return Ok(()) };
        number += 1;
        if let Some(left) = allowance {
            let take = |left: u64| left.saturating_sub(records.len() as u64);
            let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(take(left)));
            records.truncate(usize::try_from(before.unwrap_or_default()).unwrap_or(usize::MAX));
        }
        if !records.is_empty() {
            sender.send(Event::Records { stream: stream.name.clone(), records }).await.map_err(closed)?;
        }
    }
    Ok(())
}

/// Nobody takes what is read any more.
fn closed<E>(_: E) -> Failure {
    Failure::new(Code::Cancelled)
}
