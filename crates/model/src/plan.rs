//! A plan: how much a client means to spend in a month, as a whole, in one system or on one campaign, and how the month is to be divided.
//! Only the words; what a plan says of the days and how the money runs against it is `insight`'s.

use crate::{
    date::Month,
    id::{ClientId, ConnectionId},
    money::{Currency, Micros},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a plan is for. A client has one plan of each in a month; they stand beside each other and are not made to agree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PlanScope {
    /// All that counts toward the client's totals.
    Client,
    /// Its connections of one system.
    Channel {
        /// Which system.
        connector: String,
    },
    /// One campaign.
    Campaign {
        /// In which connection.
        connection_id: ConnectionId,
        /// The vendor's id.
        external_id: String,
    },
}

/// How a month's sum is divided among its days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Phasing {
    /// The same each day.
    #[default]
    Even,
    /// By the day of the week.
    Weekdays {
        /// Weights from Monday on; only their proportions matter.
        weights: [u16; 7],
    },
    /// Each day by itself.
    Days {
        /// Weights from the first of the month on; only their proportions matter. A day that is not in the list has none.
        weights: Vec<u16>,
    },
}

/// A plan of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Whose.
    pub client_id: ClientId,
    /// The month.
    pub month: Month,
    /// Of what.
    pub scope: PlanScope,
    /// How much, more than nothing.
    pub amount: Micros,
    /// In the currency that the client had when the plan was made.
    pub currency: Currency,
    /// When.
    pub phasing: Phasing,
}

impl Phasing {
    /// The weight of a day of a month, by its number and its day of the week, both from 0.
    fn weight(&self, day: usize, weekday: usize) -> u64 {
        let found = match self {
            Self::Even => return 1,
            Self::Weekdays { weights } => weights.get(weekday),
            Self::Days { weights } => weights.get(day),
        };
        found.copied().map_or(0, u64::from)
    }

    /// The weights of the days of a month, or why there are none to divide by: every day has the weight 0.
    pub fn weights(&self, month: Month) -> Option<Vec<u64>> {
        use chrono::Datelike;
        let days = month.days().days();
        let weights: Vec<u64> =
            days.enumerate().map(|(at, day)| self.weight(at, day.weekday().num_days_from_monday() as usize)).collect();
        weights.iter().any(|weight| *weight > 0).then_some(weights)
    }
}
