//! Waiting, in one place: it is announced before it begins, goes through the injected clock, and ends at once when a person stops.

use crate::{
    clock::Clock,
    observe::{Observer, Wait, WaitReason},
};
use model::failure::{Code, Failure};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What a wait needs.
#[derive(Clone, Copy)]
pub(crate) struct Waiting<'a> {
    pub clock: &'a dyn Clock,
    pub observer: &'a dyn Observer,
    pub cancel: &'a CancellationToken,
}

impl Waiting<'_> {
    /// Waits, or fails with `cancelled`.
    pub async fn wait(&self, reason: WaitReason, duration: Duration) -> Result<(), Failure> {
        if self.cancel.is_cancelled() {
            return Err(Failure::new(Code::Cancelled));
        }
        if duration.is_zero() {
            return Ok(());
        }
        let until = self.clock.now() + chrono::Duration::from_std(duration).unwrap_or(chrono::Duration::days(365));
        self.observer.waiting(Wait { reason, duration, until });
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Failure::new(Code::Cancelled)),
            () = self.clock.sleep(duration) => Ok(()),
        }
    }
}
