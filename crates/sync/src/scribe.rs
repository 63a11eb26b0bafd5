//! Writes down what a run does: requests, waits and log lines, in batches, while the run goes on. It also turns the moving numbers into
//! events, at most five a second, so that a fast run does not flood the screens.
//!
//! A log that cannot be written (full disk) never fails a run: it is said once in the program's own log.

use crate::live::{Live, Share, SyncEvent};
use chrono::{DateTime, Utc};
use kit::observe::{Observer, RequestRecord, Wait, WaitReason};
use model::{
    failure::{Code, Failure},
    id::RunId,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use store::{Store, request_log::Request, run_log::LogLine};
use tokio::{
    sync::{mpsc, oneshot},
    time::MissedTickBehavior,
};

/// Shortest time between two events of one run.
const BEAT: Duration = Duration::from_millis(200);
/// Requests that wait to be written at most.
const PENDING: usize = 500;

enum Note {
    Request(RequestRecord),
    Wait(Wait),
    Line(LogLine),
    /// Write everything and stop: nothing of the run is noted after this.
    End(oneshot::Sender<()>),
}

/// The pen: hand it to whoever does something worth noting. Noting never waits.
#[derive(Clone)]
pub(crate) struct Pen {
    notes: mpsc::UnboundedSender<Note>,
    live: Arc<Live>,
    system: String,
}

impl Pen {
    /// Notes an event of the run by one of our words.
    pub(crate) fn line<const N: usize>(&self, at: DateTime<Utc>, event: &str, params: [(&str, String); N]) {
        let params: BTreeMap<String, String> =
            params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.note(Note::Line(LogLine { at, event: event.to_owned(), params }));
    }

    /// Ends the writing and waits until everything is written. Other pens of the run may live on in sessions that a source keeps; what
    /// they note after this is about nothing any more.
    pub(crate) async fn end(&self) {
        let (done, written) = oneshot::channel();
        self.note(Note::End(done));
        // The writer is gone only when it was ended before; then everything is written.
        let _ = written.await;
    }

    fn note(&self, note: Note) {
        // After the end of the run nobody reads notes any more.
        let _ = self.notes.send(note);
    }
}

impl Observer for Pen {
    fn request(&self, record: RequestRecord) {
        self.live.requested(record.attempt > 1);
        self.note(Note::Request(record));
    }
    fn waiting(&self, wait: Wait) {
        self.live.wait_until(wait.until);
        self.note(Note::Wait(wait));
    }
    fn retry(&self, attempt: u32, failure: &Failure) {
        self.line(
            Utc::now(),
            "retry",
            [
                ("attempt", attempt.to_string()),
                ("system", self.system.clone()),
                ("code", failure.code.to_string()),
                ("detail", failure.detail.clone().unwrap_or_default()),
            ],
        );
    }
}

/// The pen of one slice, which is charged with what it notes.
pub(crate) struct SlicePen {
    pub(crate) pen: Pen,
    pub(crate) share: Arc<Share>,
}

impl Observer for SlicePen {
    fn request(&self, record: RequestRecord) {
        self.share.requested(record.attempt > 1);
        self.pen.request(record);
    }
    fn waiting(&self, wait: Wait) {
        self.pen.waiting(wait);
    }
    fn retry(&self, attempt: u32, failure: &Failure) {
        self.pen.retry(attempt, failure);
    }
}

/// Starts writing for one run, until [`Pen::end`] or until every pen is gone.
pub(crate) fn start(
    store: Store,
    run: RunId,
    system: &str,
    live: Arc<Live>,
    tell: Arc<dyn Fn(SyncEvent) + Send + Sync>,
) -> Pen {
    let (notes, inbox) = mpsc::unbounded_channel();
    let pen = Pen { notes, live: Arc::clone(&live), system: system.to_owned() };
    let desk = Desk {
        store,
        run,
        system: system.to_owned(),
        live,
        tell,
        requests: Vec::new(),
        lines: Vec::new(),
        waiting: false,
    };
    tokio::spawn(desk.write(inbox));
    pen
}

struct Desk {
    store: Store,
    run: RunId,
    system: String,
    live: Arc<Live>,
    tell: Arc<dyn Fn(SyncEvent) + Send + Sync>,
    requests: Vec<Request>,
    lines: Vec<LogLine>,
    waiting: bool,
}

impl Desk {
    async fn write(mut self, mut inbox: mpsc::UnboundedReceiver<Note>) {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stirred = false;
        loop {
            tokio::select! {
                note = inbox.recv() => match note {
                    Some(Note::End(done)) => {
                        self.flush().await;
                        // Nobody waits any more when the run was dropped.
                        let _ = done.send(());
                        return;
                    }
                    Some(note) => {
                        stirred = true;
                        self.take(note).await;
                    }
                    None => break,
                },
                _ = beat.tick() => {
                    if std::mem::take(&mut stirred) {
                        self.flush().await;
                        (self.tell)(SyncEvent::Moved(self.live.snapshot()));
                    }
                }
            }
        }
        self.flush().await;
    }

    async fn take(&mut self, note: Note) {
        match note {
            Note::Request(record) => {
                if std::mem::take(&mut self.waiting) {
                    Self::said(self.store.end_wait(self.run, record.at).await);
                }
                if self.requests.len() >= PENDING {
                    // Every request counts for the day's counters, also one that the log will not keep.
                    self.flush().await;
                }
                self.requests.push(Request {
                    at: record.at,
                    method: record.method,
                    url: record.url,
                    status: record.status,
                    millis: record.millis,
                    bytes: record.bytes,
                    attempt: record.attempt,
                    limits: record.limits,
                    failure: record.failure,
                });
            }
            // A report in the making is work, not waiting: the run goes on as before.
            Note::Wait(wait) if wait.reason == WaitReason::Report => {}
            Note::Wait(wait) => {
                self.waiting = true;
                let code = match wait.reason {
                    WaitReason::Budget | WaitReason::RateLimited => Code::QuotaWait,
                    WaitReason::Retry | WaitReason::Report => Code::PlatformDown,
                };
                let reason = Failure::new(code).with("system", &self.system).until(wait.until);
                let at = wait.until - chrono::TimeDelta::from_std(wait.duration).unwrap_or_default();
                Self::said(self.store.begin_wait(self.run, &reason, at).await);
                (self.tell)(SyncEvent::Moved(self.live.snapshot()));
            }
            Note::Line(line) => self.lines.push(line),
            // Taken care of where notes are received.
            Note::End(_) => {}
        }
    }

    async fn flush(&mut self) {
        if !self.requests.is_empty() {
            Self::said(self.store.append_requests(self.run, &std::mem::take(&mut self.requests)).await);
        }
        if !self.lines.is_empty() {
            Self::said(self.store.append_run_log(self.run, &std::mem::take(&mut self.lines)).await);
        }
    }

    fn said(written: store::Result<()>) {
        if let Err(error) = written {
            tracing::warn!(%error, "the log of a run could not be written");
        }
    }
}
