//! Carries what was told to the people who want to hear it. A telling is lined up once for each channel that wants it and stays in line
//! until it was delivered, over restarts and nights without a network; what is due for a channel at one moment goes as one message.
//!
//! Between the delivery and the note of it lies an instant in which a crash makes the message come twice. None of the services knows a
//! message again, so the other way round it could be lost; twice is better than never.
//!
//! How a message is written and sent is met as a trait object ([`Post`]) that whoever wires the rooms lends, as connectors are.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kit::clock::Clock;
use model::{
    alert::{Telling, TellingKind},
    channel::{Channel, ChannelKind, ChannelSettings, DeliveryState},
    failure::{Failure, FailureKind},
};
use std::{sync::Arc, time::Duration};
use store::{Store, StoredFailure, channels::KeptChannel};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Between two looks at the clock when nothing is told. A laptop sleeps and its clock is set, as `scheduler` says.
const BEAT: Duration = Duration::from_secs(15);
/// Tellings that go into one message at most.
const AT_ONCE: u32 = 500;
/// Attempts after which a message that the service refuses is given up.
const REFUSALS: u32 = 3;
/// Minutes until the next attempt, by the attempts that have failed.
const PAUSES: [i64; 6] = [1, 2, 5, 15, 30, 60];

/// Writes messages and sends them.
#[async_trait]
pub trait Post: Send + Sync {
    /// Whether this program can reach such a channel: only one with a window shows notifications.
    fn reaches(&self, kind: ChannelKind) -> bool;

    /// Carries these tellings to the readers of a channel as one message; also well when nothing in them is for the channel.
    /// Answers where the channel leads now when it has moved.
    async fn carry(
        &self,
        channel: &Channel,
        tellings: &[Telling],
        cancel: &CancellationToken,
    ) -> Result<Option<ChannelSettings>, Failure>;
}

/// The deliveries of one open workspace.
pub struct Outbox {
    store: Store,
    post: Arc<dyn Post>,
    clock: Arc<dyn Clock>,
    stirred: Notify,
    /// One look at a time: two would carry the same telling twice.
    turn: tokio::sync::Mutex<()>,
    /// Tells the screens that a channel does otherwise than before.
    tell: Arc<dyn Fn() + Send + Sync>,
}

impl Outbox {
    /// The deliveries of a workspace.
    pub fn new(
        store: Store,
        post: Arc<dyn Post>,
        clock: Arc<dyn Clock>,
        tell: Arc<dyn Fn() + Send + Sync>,
    ) -> Arc<Self> {
        let (stirred, turn) = (Notify::new(), tokio::sync::Mutex::default());
        Arc::new(Self { store, post, clock, stirred, turn, tell })
    }

    /// Something was told, or a channel was mended: look now.
    pub fn stir(&self) {
        self.stirred.notify_one();
    }

    /// Delivers what is due until it is told to stop, while this program is the one on duty.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken, on_duty: impl Fn() -> bool + Send) {
        if let Err(error) = self.store.retry_stopped_channels(self.clock.now()).await {
            tracing::warn!(error = %error, "stopped channels could not be given another chance");
        }
        loop {
            if on_duty()
                && let Err(failure) = self.look(&stop).await
            {
                tracing::warn!(error = %failure, "deliveries could not be looked at; they are again in a moment");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.stirred.notified() => {}
                () = self.clock.sleep(BEAT) => {}
            }
        }
    }

    /// Delivers what is due at this moment. Channels do not wait for each other.
    pub async fn look(self: &Arc<Self>, cancel: &CancellationToken) -> Result<(), Failure> {
        let _turn = self.turn.lock().await;
        self.store.enqueue_deliveries().await?;
        let mut channels = JoinSet::new();
        for kept in self.store.channels().await? {
            let (outbox, cancel) = (Arc::clone(self), cancel.clone());
            channels.spawn(async move {
                let id = kept.channel.id;
                if let Err(failure) = outbox.deliver(kept, &cancel).await {
                    tracing::warn!(channel = %id, error = %failure, "a delivery could not be looked at");
                }
            });
        }
        while channels.join_next().await.is_some() {}
        Ok(())
    }

    /// Carries what is due for one channel. An error here is one of the workspace; what the service says is written down.
    async fn deliver(&self, kept: KeptChannel, cancel: &CancellationToken) -> Result<(), Failure> {
        let (channel, now) = (&kept.channel, self.clock.now());
        let pausing = kept.retry_at.is_some_and(|at| at > now);
        if !channel.enabled || kept.waiting == 0 || !self.post.reaches(channel.settings.kind()) {
            return Ok(());
        }
        let waiting = self.store.waiting_deliveries(channel.id, AT_ONCE).await?;
        // An older digest says nothing that the newer one does not; an alarm about what is over rings for nothing.
        let (old, waiting): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|one| one.outdated || (one.over && one.telling.kind == TellingKind::Critical));
        if !old.is_empty() {
            let numbers: Vec<i64> = old.iter().map(|one| one.telling.number).collect();
            self.store.close_deliveries(channel.id, &numbers, DeliveryState::Passed, now).await?;
        }
        if pausing || kept.stopped() {
            return Ok(());
        }
        let silent = channel.quiet.and_then(|quiet| quiet.end(&channel.time_zone, now)).is_some();
        let rings = |kind| !silent || (kind == TellingKind::Critical && channel.critical_at_night);
        let mut due: Vec<_> = waiting.into_iter().filter(|one| rings(one.telling.kind)).collect();
        // After a refusal one at a time: the others are not given up with the one that cannot be said.
        let refused = kept.failure.as_ref().is_some_and(|failure| is_refusal(failure.kind()));
        if refused {
            due.truncate(1);
        }
        let Some(attempts) = due.iter().map(|one| one.attempts).max() else { return Ok(()) };
        let numbers: Vec<i64> = due.iter().map(|one| one.telling.number).collect();
        let tellings: Vec<Telling> = due.into_iter().map(|one| one.telling).collect();
        let carried = self.post.carry(channel, &tellings, cancel).await;
        let now = self.clock.now();
        match carried {
            Ok(moved) => {
                self.store.close_deliveries(channel.id, &numbers, DeliveryState::Done, now).await?;
                if let Some(settings) = moved {
                    self.store.move_channel(channel.id, &settings).await?;
                }
                if refused {
                    self.stir();
                }
            }
            Err(failure) if failure.kind() == FailureKind::Cancelled => return Ok(()),
            Err(failure) => {
                tracing::info!(channel = %channel.id, error = %failure, "a message was not delivered");
                let given_up = is_refusal(failure.kind()) && numbers.len() == 1 && attempts + 1 >= REFUSALS;
                let state = if given_up { DeliveryState::Refused } else { DeliveryState::Waiting };
                let stored = StoredFailure::from(&failure);
                self.store.deliveries_failed(channel.id, &numbers, state, &stored, now).await?;
                self.store.channel_failed(channel.id, &stored, again_at(&failure, kept.failures, now), now).await?;
            }
        }
        (self.tell)();
        Ok(())
    }
}

/// Whether the service said no to the message and not to the channel.
fn is_refusal(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::VendorChanged | FailureKind::OurFault)
}

/// When a channel is tried again after so many failures before this one; `None` when a person has to mend it. The kind alone decides.
fn again_at(failure: &Failure, failures: u32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let place = usize::try_from(failures).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    let pause = now + TimeDelta::minutes(PAUSES[place]);
    match failure.kind() {
        FailureKind::SignInAgain | FailureKind::FixSettings => None,
        FailureKind::WaitUntil => Some(failure.retry_at.unwrap_or(pause)),
        FailureKind::Retry | FailureKind::VendorChanged | FailureKind::OurFault | FailureKind::Cancelled => Some(pause),
    }
}
