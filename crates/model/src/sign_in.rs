//! How a sign-in stands: what a person has to know of it before connections stop.

use crate::run::words;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

words! {
    /// How a sign-in stands.
    SignInState {
        /// It works and renews itself.
        Good = "good",
        /// It works, and ends for good within three days.
        EndsSoon = "ends_soon",
        /// A connection was let in no more, or its end has come: a person must sign in again.
        Needed = "needed",
    }
}

/// How long before its end a sign-in is said to end: over a weekend.
pub const ENDS_SOON: TimeDelta = TimeDelta::hours(72);

impl SignInState {
    /// `stopped`: whether a connection that lives by it was let in no more. `ends_at`: when it ends for good.
    pub fn of(stopped: bool, ends_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        if stopped || ends_at.is_some_and(|end| end <= now) {
            Self::Needed
        } else if ends_at.is_some_and(|end| end - now <= ENDS_SOON) {
            Self::EndsSoon
        } else {
            Self::Good
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_person_is_asked() {
        let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
        for (stopped, hours, expected) in [
            (false, None, SignInState::Good),
            (true, None, SignInState::Needed),
            (false, Some(73), SignInState::Good),
            (false, Some(72), SignInState::EndsSoon),
            (true, Some(72), SignInState::Needed),
            (false, Some(1), SignInState::EndsSoon),
            (false, Some(0), SignInState::Needed),
            (false, Some(-1), SignInState::Needed),
        ] {
            let ends_at = hours.map(|hours| now + TimeDelta::hours(hours));
            assert_eq!(SignInState::of(stopped, ends_at, now), expected, "{stopped} {hours:?}");
        }
    }
}
