//! Where the scheduler learns how the computer is powered. A trait, so that a test can pull the plug.

use async_trait::async_trait;
use model::power::Power;

/// Tells how this computer is powered.
#[async_trait]
pub trait PowerSource: Send + Sync {
    /// How it is powered now; `None` where there is no battery or nothing can be learned. Answers soon and blocks nobody: the scheduler
    /// asks at every look.
    async fn power(&self) -> Option<Power>;
}
