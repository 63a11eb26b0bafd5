//! Whole streams: their slices read by a few workers, their records and states handed over in order (connector-format.md,
//! sections 3, 9.3 and 13).
//!
//! Partitions are found, slices are read and records are handed over at the same time. Everything that is read passes one
//! channel, and its receiver alone talks to the outlet. So a state can never overtake the records it stands for, and the
//! channel's few places bound what lies in memory.

use super::{
    Pages, Partition, Run, Wanted, Window,
    partitions::Walk,
    tracker::{Seen, Task, Tracker},
};
use crate::json::Json;
use crate::{components::Stream, connector::Limits};
use async_trait::async_trait;
use model::failure::{Code, Failure, FailureKind};
use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::{JoinError, JoinSet},
};

/// Pages between the workers and the outlet.
const WAITING_PAGES: usize = 4;

/// Partitions that are found ahead of being read.
const WAITING_PARTITIONS: usize = 16;

/// A stream to read.
#[derive(Debug, Clone)]
pub struct Job {
    /// The stream.
    pub stream: Arc<Stream>,
    /// Where to continue; `None` = from the beginning.
    pub state: Option<Json>,
    /// The windows to read, if somebody else keeps account of them.
    pub windows: Option<Vec<Window>>,
    /// Which fields somebody reads.
    pub wanted: Wanted,
    /// Streams that have one of these in common are not read at the same time.
    pub groups: Vec<String>,
    /// Bounds of a test read.
    pub limits: Limits,
}

impl Job {
    /// A stream from the beginning to the end.
    pub fn new(stream: Arc<Stream>) -> Self {
        Self { stream, state: None, windows: None, wanted: None, groups: Vec::new(), limits: Limits::default() }
    }
}

/// What happens to a job.
#[derive(Debug)]
pub enum Flow<T> {
    /// It begins.
    Started,
    /// A slice of it begins; its keys.
    Slice(Json),
    /// A page was read.
    Page(T),
    /// Where to continue.
    State(Json),
    /// It is over.
    Ended(Result<(), Failure>),
}

/// Makes of a page's records what is handed over; `None`: nothing. Runs in the workers.
pub type Convert<T> = Arc<dyn Fn(Vec<Json>) -> Option<T> + Send + Sync>;

/// Takes over what was read, job by its number.
#[async_trait]
pub trait Taker<T>: Send {
    /// Takes one thing. A failure ends everything.
    async fn take(&mut self, job: usize, flow: Flow<T>) -> Result<(), Failure>;
}

/// Reads streams, a few at a time, those of a group one after the other.
pub async fn read_streams<T: Send + 'static>(
    run: &Run,
    jobs: Vec<Job>,
    convert: &Convert<T>,
    taker: &mut dyn Taker<T>,
) -> Result<(), Failure> {
    let (sender, mut receiver) = mpsc::channel(WAITING_PAGES);
    let workers = Arc::new(Semaphore::new(run.workers));
    let mut waiting: VecDeque<(usize, Arc<Job>)> = jobs.into_iter().map(Arc::new).enumerate().collect();
    let mut active: HashMap<usize, Arc<Job>> = HashMap::new();
    // Dropping the set ends the readers, so no request outlives a read that failed or was stopped.
    let mut set: JoinSet<()> = JoinSet::new();
    loop {
        while active.len() < run.workers {
            let free =
                |job: &Job| active.values().all(|other| other.groups.iter().all(|group| !job.groups.contains(group)));
            let Some(next) = waiting.iter().position(|(_, job)| free(job)).and_then(|at| waiting.remove(at)) else {
                break;
            };
            let (number, job) = next;
            active.insert(number, Arc::clone(&job));
            let out = Out { number, sender: sender.clone() };
            let (run, convert, workers) = (run.clone(), Arc::clone(convert), Arc::clone(&workers));
            set.spawn(async move {
                let outcome = match out.send(Flow::Started).await {
                    Ok(()) => read_stream(&run, &job, &convert, &workers, &out).await,
                    Err(failure) => Err(failure),
                };
                // Nobody listens any more if this fails.
                let _ = out.send(Flow::Ended(outcome)).await;
            });
        }
        if active.is_empty() {
            return Ok(());
        }
        tokio::select! {
            biased;
            flow = receiver.recv() => {
                let Some((number, flow)) = flow else { return Ok(()) };
                if matches!(flow, Flow::Ended(_)) {
                    active.remove(&number);
                }
                taker.take(number, flow).await?;
            }
            Some(Err(broken)) = set.join_next() => return Err(panicked(broken)),
        }
    }
}

/// Where a job's things go.
struct Out<T> {
    number: usize,
    sender: mpsc::Sender<(usize, Flow<T>)>,
}

impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        Self { number: self.number, sender: self.sender.clone() }
    }
}

impl<T> Out<T> {
    async fn send(&self, flow: Flow<T>) -> Result<(), Failure> {
        self.sender.send((self.number, flow)).await.map_err(|_| Failure::new(Code::Cancelled))
    }
}

/// What the search for partitions brings.
enum Found {
    One(Partition, Option<Arc<Json>>),
    End(Option<Arc<Json>>),
    Failed(Failure),
}

/// How a task ended: its task if it was read completely, and what was seen.
type Read = Result<Option<(Task, Seen)>, Failure>;

async fn read_stream<T: Send + 'static>(
    run: &Run,
    job: &Job,
    convert: &Convert<T>,
    workers: &Arc<Semaphore>,
    out: &Out<T>,
) -> Result<(), Failure> {
    let (stream, clock) = (&job.stream, run.http.clock());
    let mut tracker = Tracker::new(run, stream, job.state.as_ref(), job.windows.as_deref())?;
    let workers = &run.places(stream, workers);
    let (mut finder, mut found) = search(Walk::new(run, stream, job.state.as_ref())?);
    let mut tasks: VecDeque<Task> = VecDeque::new();
    let mut readers: JoinSet<Read> = JoinSet::new();
    let left = job.limits.records.map(|records| Arc::new(AtomicU64::new(records)));
    let (mut begun, mut searching, mut complete) = (0, true, true);
    let mut parents = None;
    let mut failure: Option<Failure> = None;
    loop {
        let enough = job.limits.slices.is_some_and(|most| begun >= most);
        let stopped = failure.as_ref().is_some_and(|failure| ends_stream(run, failure));
        if enough || stopped {
            complete &= tasks.is_empty() && !searching;
            searching = false;
            tasks.clear();
        }
        tokio::select! {
            biased;
            Some(ended) = readers.join_next() => match ended.unwrap_or_else(|broken| Err(panicked(broken))) {
                Ok(Some((task, seen))) => {
                    if tracker.close(&task, &seen, clock.now())
                        && let Some(state) = tracker.state()
                    {
                        out.send(Flow::State(state)).await?;
                    }
                }
                Ok(None) => complete = false,
                Err(error) => {
                    complete = false;
                    failure.get_or_insert(error);
                }
            },
            permit = Arc::clone(workers).acquire_owned(), if !tasks.is_empty() => {
                let (Ok(permit), Some(task)) = (permit, tasks.pop_front()) else { continue };
                begun += 1;
                let (run, stream, wanted, limits) = (run.clone(), Arc::clone(stream), job.wanted.clone(), job.limits);
                let (convert, left, out) = (Arc::clone(convert), left.clone(), out.clone());
                readers.spawn(async move {
                    let read = read_task(run, stream, task, &wanted, limits, left, &convert, &out).await;
                    drop(permit);
                    read
                });
            }
            next = found.recv(), if searching && tasks.is_empty() => match next {
                Some(Found::One(partition, parents)) => tasks = tracker.open(stream, partition, parents)?,
                Some(Found::End(last)) => (parents, searching) = (last, false),
                Some(Found::Failed(error)) => {
                    (complete, searching) = (false, false);
                    failure.get_or_insert(error);
                }
                None => {
                    (complete, searching) = (false, false);
                    if let Some(Err(broken)) = finder.join_next().await {
                        failure.get_or_insert(panicked(broken));
                    }
                }
            },
            else => break,
        }
    }
    tracker.finish(parents, complete, clock.now());
    if let Some(state) = tracker.state() {
        out.send(Flow::State(state)).await?;
    }
    failure.map_or(Ok(()), Err)
}

/// Whether the rest of the stream is not worth asking for. A slice that fails does not end the others: what they bring is
/// right. For our own connectors it does, because they repeat the whole slice.
fn ends_stream(run: &Run, failure: &Failure) -> bool {
    run.strict
        || failure.code == Code::ManifestInvalid
        || matches!(failure.kind(), FailureKind::SignInAgain | FailureKind::Cancelled | FailureKind::OurFault)
}

/// Looks for partitions in a task of its own. Dropping the set ends it.
fn search(mut walk: Walk) -> (JoinSet<()>, mpsc::Receiver<Found>) {
    let (sender, receiver) = mpsc::channel(WAITING_PARTITIONS);
    let mut set = JoinSet::new();
    set.spawn(async move {
        loop {
            let (found, over) = match walk.next().await {
                Ok(Some(partition)) => (Found::One(partition, walk.state()), false),
                Ok(None) => (Found::End(walk.state()), true),
                Err(failure) => (Found::Failed(failure), true),
            };
            if sender.send(found).await.is_err() || over {
                return;
            }
        }
    });
    (set, receiver)
}

#[allow(clippy::too_many_arguments, reason = "it is the body of a task and takes what the task owns")]
async fn read_task<T>(
    run: Run,
    stream: Arc<Stream>,
    task: Task,
    wanted: &Wanted,
    limits: Limits,
    left: Option<Arc<AtomicU64>>,
    convert: &Convert<T>,
    out: &Out<T>,
) -> Read {
    let view = task.view();
    out.send(Flow::Slice(view.all.clone())).await?;
    let mut pages = Pages::new(run, stream, view, wanted)?.keeping(task.gauge.keeper());
    let mut seen = Seen::new(task.gauge.clone());
    let mut number = 0;
    loop {
        let enough = left.as_ref().is_some_and(|left| left.load(Ordering::Relaxed) == 0);
        let another = pages.between();
        if enough || (another && limits.pages_per_slice.is_some_and(|most| number >= most)) {
            return Ok(None);
        }
        let Some(mut records) = pages.next().await? else { return Ok(Some((task, seen))) };
        number += u32::from(another);
        if let Some(left) = &left {
            let less = |left: u64| Some(left.saturating_sub(records.len() as u64));
            let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).unwrap_or_default();
            records.truncate(usize::try_from(before).unwrap_or(usize::MAX));
        }
        seen.look(&records);
        if let Some(page) = convert(records) {
            out.send(Flow::Page(page)).await?;
        }
    }
}

fn panicked(broken: JoinError) -> Failure {
    Failure::new(Code::Internal).detail("a reading worker broke").caused_by(broken)
}
