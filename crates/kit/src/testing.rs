//! For tests of connectors and of everything above them: virtual time, credentials in memory, an observer and a sink that remember.
//! It lies in the library and not behind a feature because four crates test with it and none of it can do harm.

use crate::{
    clock::Clock,
    http::HttpResponse,
    observe::{Observer, RequestRecord, Wait},
    session::{Credentials, SecretChanges},
    source::Sink,
};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use model::{
    ad::Batch,
    failure::Failure,
    secret::{Secret, SecretFields},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::oneshot;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Time that passes only by waiting: a sleep moves it forward and returns at once.
#[derive(Debug)]
pub struct VirtualClock {
    now: Mutex<DateTime<Utc>>,
    slept: Mutex<Vec<Duration>>,
    frozen: AtomicBool,
}

impl VirtualClock {
    /// Starts at `now`.
    pub fn at(now: DateTime<Utc>) -> Arc<Self> {
        Arc::new(Self { now: Mutex::new(now), slept: Mutex::default(), frozen: AtomicBool::new(false) })
    }
    /// From now on a sleep never ends, so that a test can cancel it.
    pub fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }
    /// Lets time pass without anybody waiting.
    pub fn advance(&self, duration: Duration) {
        *lock(&self.now) += TimeDelta::from_std(duration).unwrap_or_default();
    }
    /// Sets the clock, as a person or a time server does.
    pub fn set(&self, now: DateTime<Utc>) {
        *lock(&self.now) = now;
    }
    /// All sleeps so far.
    pub fn slept(&self) -> Vec<Duration> {
        lock(&self.slept).clone()
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> DateTime<Utc> {
        *lock(&self.now)
    }
    async fn sleep(&self, duration: Duration) {
        lock(&self.slept).push(duration);
        if self.frozen.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        {
            let mut now = lock(&self.now);
            *now += TimeDelta::from_std(duration).unwrap_or_default();
        }
        tokio::task::yield_now().await;
    }
}

/// Time that stands still until the test takes it on, from one wake-up to the next: what sleeps on it wakes when its moment has come, as
/// the programs of a laptop do whose lid is opened.
#[derive(Debug)]
pub struct SteppedClock {
    inner: Mutex<Stepped>,
}

#[derive(Debug)]
struct Stepped {
    now: DateTime<Utc>,
    /// Who sleeps until when; the number tells sleepers of one moment apart.
    sleepers: BTreeMap<(DateTime<Utc>, u64), oneshot::Sender<()>>,
    slept: u64,
}

impl SteppedClock {
    /// Stands at `now`.
    pub fn at(now: DateTime<Utc>) -> Arc<Self> {
        Arc::new(Self { inner: Mutex::new(Stepped { now, sleepers: BTreeMap::new(), slept: 0 }) })
    }
    /// When the next sleeper wakes.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        lock(&self.inner).sleepers.keys().next().map(|(at, _)| *at)
    }
    /// How many sleep now, and how often anybody went to sleep so far: unchanged numbers mean that nobody stirs.
    pub fn sleepers(&self) -> (usize, u64) {
        let inner = lock(&self.inner);
        (inner.sleepers.len(), inner.slept)
    }
    /// It is `now`; whoever should have woken by then wakes.
    pub fn set(&self, now: DateTime<Utc>) {
        let due = {
            let mut inner = lock(&self.inner);
            inner.now = now;
            let later = inner.sleepers.split_off(&(now + TimeDelta::nanoseconds(1), 0));
            std::mem::replace(&mut inner.sleepers, later)
        };
        for wake in due.into_values() {
            // A sleeper that was cancelled meanwhile hears nothing.
            let _ = wake.send(());
        }
    }
}

#[async_trait]
impl Clock for SteppedClock {
    fn now(&self) -> DateTime<Utc> {
        lock(&self.inner).now
    }
    async fn sleep(&self, duration: Duration) {
        let (woken, key) = {
            let mut inner = lock(&self.inner);
            inner.slept += 1;
            let (wake, woken) = oneshot::channel();
            let key = (inner.now + TimeDelta::from_std(duration).unwrap_or_default(), inner.slept);
            inner.sleepers.insert(key, wake);
            (woken, key)
        };
        let _bed = Bed { clock: self, key };
        let _ = woken.await;
    }
}

/// A sleeper's place; given up when the sleep is cancelled.
struct Bed<'a> {
    clock: &'a SteppedClock,
    key: (DateTime<Utc>, u64),
}

impl Drop for Bed<'_> {
    fn drop(&mut self) {
        lock(&self.clock.inner).sleepers.remove(&self.key);
    }
}

/// An answer that no server gave, for tables of a policy's decisions. A header that is not one is left out.
pub fn response(system: &str, status: u16, headers: &[(&str, &str)], body: &str) -> HttpResponse {
    HttpResponse::made(system, status, headers, body)
}

/// Credentials in memory; remembers every state it was given.
#[derive(Debug, Default)]
pub struct MemoryCredentials {
    states: Mutex<Vec<SecretFields>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl MemoryCredentials {
    /// Begins with these fields.
    pub fn new(fields: SecretFields) -> Arc<Self> {
        Arc::new(Self { states: Mutex::new(vec![fields]), turn: Arc::default() })
    }
    /// Begins with these fields, as plain text.
    pub fn of(fields: &[(&str, &str)]) -> Arc<Self> {
        Self::new(fields.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect())
    }
    /// All states, oldest first; the first is the beginning.
    pub fn states(&self) -> Vec<SecretFields> {
        lock(&self.states).clone()
    }
}

#[async_trait]
impl Credentials for MemoryCredentials {
    async fn load(&self) -> Result<SecretFields, Failure> {
        Ok(lock(&self.states).last().cloned().unwrap_or_default())
    }
    async fn change(&self, changes: SecretChanges) -> Result<(), Failure> {
        let mut states = lock(&self.states);
        let mut fields = states.last().cloned().unwrap_or_default();
        changes.apply(&mut fields);
        states.push(fields);
        Ok(())
    }
    fn turn(&self) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(&self.turn)
    }
}

/// Remembers what was observed.
#[derive(Debug, Default)]
pub struct Recorder {
    requests: Mutex<Vec<RequestRecord>>,
    waits: Mutex<Vec<Wait>>,
    retries: Mutex<Vec<String>>,
}

impl Recorder {
    /// A new one, ready to be shared.
    pub fn shared() -> Arc<Self> {
        Arc::default()
    }
    /// Requests so far.
    pub fn requests(&self) -> Vec<RequestRecord> {
        lock(&self.requests).clone()
    }
    /// Waits so far.
    pub fn waits(&self) -> Vec<Wait> {
        lock(&self.waits).clone()
    }
    /// Failures that were followed by another attempt, as text.
    pub fn retries(&self) -> Vec<String> {
        lock(&self.retries).clone()
    }
    /// Everything it saw, as one text: what a leak test searches.
    pub fn everything(&self) -> String {
        format!("{:?}\n{:?}\n{:?}", self.requests(), self.waits(), self.retries())
    }
}

impl Observer for Recorder {
    fn request(&self, record: RequestRecord) {
        lock(&self.requests).push(record);
    }
    fn waiting(&self, wait: Wait) {
        lock(&self.waits).push(wait);
    }
    fn retry(&self, attempt: u32, failure: &Failure) {
        lock(&self.retries).push(format!("{attempt}: {failure}"));
    }
}

/// Collects everything a source hands over.
#[derive(Debug, Default)]
pub struct CollectSink {
    /// All batches as one.
    pub batch: Batch,
    /// Sizes of the batches as they came.
    pub sizes: Vec<usize>,
}

#[async_trait]
impl Sink for CollectSink {
    async fn batch(&mut self, batch: Batch) -> Result<(), Failure> {
        self.sizes.push(batch.len());
        self.batch.objects.extend(batch.objects);
        self.batch.stats.extend(batch.stats);
        self.batch.records.extend(batch.records);
        self.batch.rejected.extend(batch.rejected);
        Ok(())
    }
}
