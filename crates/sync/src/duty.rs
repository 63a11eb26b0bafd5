//! Which of the programs that have a workspace open is on duty: the app's window, `syncdeckctl serve`, a command that ends by itself. The
//! one on duty collects; the others ask it through the database and show what it writes.
//!
//! A look a second. On duty it says "I live" now and then; off duty it counts looks without such a sign and takes over after
//! [`SILENCE`] of them, or at once when the lease is free. Looks are counted, not seconds: a laptop that slept, a clock that was set and a
//! program that was held for an hour all come back with one look, and the other one may just be waking up as well. Whoever was replaced
//! is refused by the database itself ([`store::lease`]), however late it notices.
//!
//! A program that stays looks at schedules; a command that ends by itself does not, so it hands over when one that stays asks for it. Its own
//! runs go on there.

use crate::engine::Engine;
use model::failure::Failure;
use std::{sync::Arc, time::Duration};
use store::{Store, StoreError, lease::Lease};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Looks without a sign of the program on duty after which it counts as gone.
pub const SILENCE: u32 = 8;

/// The watch of one program over one open workspace.
pub struct Watch {
    store: Store,
    engine: Engine,
    name: String,
    stays: bool,
    /// Told when another program has changed something.
    heard: Arc<dyn Fn() + Send + Sync>,
    seen: Mutex<Option<Seen>>,
}

/// What was seen at the last look.
struct Seen {
    lease: Lease,
    /// How many looks in a row were like it.
    looks: u32,
}

impl Watch {
    /// A watch under a name that a person understands, such as `syncdeckctl (4711)`. `stays`: whether this program looks at schedules.
    pub fn new(store: Store, engine: Engine, name: String, stays: bool, heard: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { store, engine, name, stays, heard, seen: Mutex::default() }
    }

    /// Looks once a second until it is told to stop. It then is on duty or not as before.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            if let Err(failure) = self.look().await {
                tracing::warn!(error = %failure, "the lease of the workspace could not be looked at; it is again in a moment");
            }
        }
    }

    /// One look.
    pub async fn look(&self) -> Result<(), Failure> {
        let mut seen = self.seen.lock().await;
        let lease = self.store.lease().await?;
        let before = seen.take();
        let heard = before.as_ref().is_some_and(|before| before.lease.others < lease.others);
        let still = |before: &Seen| (before.lease.token, before.lease.beat) == (lease.token, lease.beat);
        let looks = before.filter(still).map_or(0, |before| before.looks + 1);
        if let Some(duty) = self.engine.on_duty() {
            if lease.wanted && !self.stays {
                tracing::info!("a program that stays takes over");
                self.engine.leave().await;
                duty.release_lease().await?;
                self.engine.tell_screens();
            } else if looks > 0 {
                // Whatever it writes is a sign, too.
                match duty.renew_lease().await {
                    Err(StoreError::OffDuty) => self.replaced(&lease).await,
                    renewed => renewed?,
                }
            }
        } else {
            self.replaced(&lease).await;
            // One that is wanted is left to whoever wants it, unless that one is gone as well.
            let free = lease.holder.is_none() && (self.stays || !lease.wanted);
            if (free || looks >= SILENCE)
                && let Some(duty) = self.store.take_lease(&self.name, self.stays, &lease).await?
            {
                tracing::info!(name = self.name, after = lease.holder, "this program is on duty");
                self.engine.take(duty).await?;
            } else if self.stays && !lease.stays && !lease.wanted {
                self.store.want_lease().await?;
            }
        }
        *seen = Some(Seen { lease, looks });
        drop(seen);
        if heard {
            self.engine.look().await?;
            (self.heard)();
        }
        Ok(())
    }

    /// Ends a duty that another program has taken over.
    async fn replaced(&self, lease: &Lease) {
        if self.engine.leave().await.is_some() {
            tracing::warn!(by = lease.holder, "another program has taken over; the runs go on there");
            self.engine.tell_screens();
        }
    }
}
