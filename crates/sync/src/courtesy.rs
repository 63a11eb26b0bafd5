//! What a person does in the window goes first. Syncs have a lower priority than whatever draws, and still they take caches, memory and
//! the moment at which a processor is wanted from it; for the short while in which a press is answered they begin nothing new.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// How long after a press nothing new is begun: by then its effect is painted.
const WHILE: Duration = Duration::from_millis(150);

/// When a person last pressed something, shared by all runs of a program.
#[derive(Debug, Default)]
pub(crate) struct Courtesy(Mutex<Option<Instant>>);

impl Courtesy {
    /// A person presses something now.
    pub(crate) fn pressed(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Lets a press that is being answered pass. One press is waited for, and not those that follow: whoever presses all the time slows
    /// the syncs down and stops none.
    pub(crate) async fn give_way(&self) {
        let pressed = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(over) = pressed.map(|at| at + WHILE).filter(|over| *over > Instant::now()) {
            sleep_until(over).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[tokio::test]
    async fn a_press_is_let_pass_and_nothing_else_is_waited_for() {
        let courtesy = Courtesy::default();
        assert_eq!(courtesy.give_way().now_or_never(), Some(()), "nobody has pressed anything");
        let before = Instant::now();
        courtesy.pressed();
        assert_eq!(courtesy.give_way().now_or_never(), None);
        courtesy.give_way().await;
        assert!(before.elapsed() >= WHILE);
        assert_eq!(courtesy.give_way().now_or_never(), Some(()), "it is over");
    }
}
