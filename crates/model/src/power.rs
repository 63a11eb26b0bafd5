//! How this computer is powered, and when that is too little for work that can wait.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How a computer with a battery is powered at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Power {
    /// Whether it runs on its battery.
    pub on_battery: bool,
    /// What is left in it, percent; `None`: the system does not say.
    pub percent: Option<u32>,
    /// Whether the system itself saves power.
    pub saving: bool,
}

/// What a person wants to be spared on a low battery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct BatterySaver {
    /// Whether anything waits.
    pub enabled: bool,
    /// The charge at and below which it does, percent.
    pub percent: u32,
}

impl Default for BatterySaver {
    fn default() -> Self {
        Self { enabled: true, percent: 20 }
    }
}

impl BatterySaver {
    /// Whether the charge is one that a battery can have above nothing.
    pub fn is_sound(self) -> bool {
        (1..=100).contains(&self.percent)
    }

    /// Whether work that can wait does so now. A charge that is not known holds nothing up: waiting for ever would be worse.
    pub fn waits(self, power: Power) -> bool {
        let low = power.percent.is_some_and(|percent| percent <= self.percent);
        self.enabled && power.on_battery && (low || power.saving)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_on_a_low_battery() {
        let saver = BatterySaver::default();
        let off = BatterySaver { enabled: false, ..saver };
        for (what, saver, on_battery, percent, saving, waits) in [
            ("low", saver, true, Some(20), false, true),
            ("nearly low", saver, true, Some(21), false, false),
            ("low and plugged in", saver, false, Some(3), false, false),
            ("the system saves", saver, true, Some(90), true, true),
            ("the system saves, plugged in", saver, false, Some(90), true, false),
            ("nobody knows", saver, true, None, false, false),
            ("the system saves and says no charge", saver, true, None, true, true),
            ("a person wants it otherwise", BatterySaver { percent: 50, ..saver }, true, Some(40), false, true),
            ("switched off", off, true, Some(1), true, false),
        ] {
            assert_eq!(saver.waits(Power { on_battery, percent, saving }), waits, "{what}");
        }
    }
}
