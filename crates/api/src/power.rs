//! The battery of this computer. Reading it asks drivers, which may take their time, so it happens on a thread of its own and nobody
//! waits long for it.

use async_trait::async_trait;
use model::power::Power;
use starship_battery::{Manager, State};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use sync::power::PowerSource;

/// A driver that takes longer says nothing this time.
const PATIENCE: Duration = Duration::from_secs(2);
/// Where Linux says whether the system saves power; other systems have no file for it.
const PROFILE: &str = "/sys/firmware/acpi/platform_profile";

/// The battery as the operating system knows it.
#[derive(Debug, Default)]
pub(crate) struct SystemPower(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Set while a thread reads: drivers that hang do not get more threads to hang.
    reading: AtomicBool,
    /// What was read last: the answer for whoever asks while another one reads.
    last: Mutex<Option<Power>>,
}

impl Known {
    fn last(&self) -> MutexGuard<'_, Option<Power>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PowerSource for SystemPower {
    async fn power(&self) -> Option<Power> {
        self.asked(read).await
    }
}

impl SystemPower {
    async fn asked(
        &self,
        read: impl FnOnce() -> Result<Option<Power>, starship_battery::Error> + Send + 'static,
    ) -> Option<Power> {
        if self.0.reading.swap(true, Ordering::SeqCst) {
            return *self.0.last();
        }
        let known = Arc::clone(&self.0);
        let task = tokio::task::spawn_blocking(move || {
            let power = read().unwrap_or_else(|error| {
                tracing::debug!(%error, "the battery cannot be read");
                None
            });
            *known.last() = power;
            known.reading.store(false, Ordering::SeqCst);
            power
        });
        if let Ok(Ok(power)) = tokio::time::timeout(PATIENCE, task).await {
            return power;
        }
        // What was true before it hung would hold everything up for as long as it hangs.
        *self.0.last() = None;
        None
    }
}

/// What one battery says.
#[derive(Debug, Clone, Copy)]
struct Cell {
    discharging: bool,
    charging: bool,
    /// Joules in it, and when it is full.
    energy: (f32, f32),
}

fn read() -> Result<Option<Power>, starship_battery::Error> {
    let mut cells = Vec::new();
    for battery in Manager::new()?.batteries()? {
        let battery = battery?;
        cells.push(Cell {
            discharging: matches!(battery.state(), State::Discharging | State::Empty),
            charging: battery.state() == State::Charging,
            energy: (battery.energy().value, battery.energy_full().value),
        });
    }
    let saving = std::fs::read_to_string(PROFILE).is_ok_and(|profile| profile.trim() == "low-power");
    Ok(together(&cells, saving))
}

/// Several batteries are one: a second one that rests while the first is drained counts with what is in it.
fn together(cells: &[Cell], saving: bool) -> Option<Power> {
    if cells.is_empty() {
        return None;
    }
    let (left, full) = cells.iter().fold((0.0, 0.0), |sum, cell| (sum.0 + cell.energy.0, sum.1 + cell.energy.1));
    let percent = (100.0 * left / full).clamp(0.0, 100.0);
    Some(Power {
        on_battery: cells.iter().any(|cell| cell.discharging) && !cells.iter().any(|cell| cell.charging),
        // A battery that does not say what it holds when it is full makes this no number.
        percent: percent.is_finite().then(|| whole(percent)),
        saving,
    })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 0 and 100")]
fn whole(percent: f32) -> u32 {
    percent.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batteries_count_together() {
        let cell = |state: &str, left: f32, full: f32| Cell {
            discharging: state == "discharging",
            charging: state == "charging",
            energy: (left, full),
        };
        let power = |on_battery, percent| Some(Power { on_battery, percent, saving: false });
        for (what, cells, expected) in [
            ("a desktop", vec![], None),
            ("one that is drained", vec![cell("discharging", 30.0, 120.0)], power(true, Some(25))),
            ("plugged in", vec![cell("charging", 6.0, 120.0)], power(false, Some(5))),
            ("full and plugged in", vec![cell("full", 120.0, 120.0)], power(false, Some(100))),
            (
                "the second rests",
                vec![cell("discharging", 10.0, 100.0), cell("unknown", 90.0, 100.0)],
                power(true, Some(50)),
            ),
            (
                "one charges from the wall, the other one is still said to be drained",
                vec![cell("discharging", 10.0, 100.0), cell("charging", 20.0, 100.0)],
                power(false, Some(15)),
            ),
            ("it does not say what it holds", vec![cell("discharging", 0.0, 0.0)], power(true, None)),
            ("it says more than it holds", vec![cell("discharging", 110.0, 100.0)], power(true, Some(100))),
        ] {
            assert_eq!(together(&cells, false), expected, "{what}");
        }
    }

    #[tokio::test]
    async fn the_battery_of_this_computer_can_be_read_or_there_is_none() {
        let source = SystemPower::default();
        for _ in 0..2 {
            let percent = source.power().await.and_then(|power| power.percent);
            assert!(percent.is_none_or(|percent| percent <= 100), "{percent:?}");
            assert!(!source.0.reading.load(Ordering::SeqCst));
        }
    }

    /// The screens and the scheduler ask in the same moment; neither may hear that there is no battery because the other one reads it.
    #[tokio::test]
    async fn who_asks_while_another_one_reads_hears_what_was_read_last() {
        let low = Some(Power { on_battery: true, percent: Some(9), saving: false });
        let source = SystemPower::default();
        assert_eq!(source.asked(move || Ok(low)).await, low);
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let slow = source.asked(move || {
            wait.recv().ok();
            Ok(None)
        });
        let meanwhile = async {
            let heard = source.asked(|| Ok(None)).await;
            go_on.send(()).ok();
            heard
        };
        assert_eq!(tokio::join!(slow, meanwhile), (None, low));
        assert_eq!(source.asked(move || Ok(low)).await, low, "who came later reads anew");
    }
}
