//! Plans of spend as the screens see them.

use chrono::NaiveDate;
use model::{
    date::Month,
    id::ClientId,
    money::{Currency, Micros},
    plan::{Phasing, PlanScope},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

wire_enum! {
    /// How money runs against a plan.
    Course {
        /// Within a tenth.
        OnPlan,
        /// Less than planned.
        Under,
        /// More than planned.
        Over,
    }
}

wire! {
    /// A month's plan and what has become of it. Shares and ratios are of the plan, in millionths.
    Pace {
        /// The whole month's plan.
        plan: Micros,
        /// Spend of the days of the month up to `through`.
        spent: Micros,
        /// What the plan had for these days.
        expected: Micros,
        /// Spend by plan.
        spent_share: Option<Micros>,
        /// Expected by plan.
        expected_share: Option<Micros>,
        /// Spend by expected; unknown where nothing was expected.
        pacing: Option<Micros>,
        /// The word for it; absent before the first day is over.
        course: Option<Course>,
        /// Spend of the whole month, if it goes on as it does.
        forecast: Option<Micros>,
        /// The lower end of what holds it with a probability of 80 %.
        forecast_low: Option<Micros>,
        /// The upper end.
        forecast_high: Option<Micros>,
        /// Forecast by plan.
        forecast_share: Option<Micros>,
        /// The word for the forecast.
        outcome: Option<Course>,
        /// The last day that was compared: up to it all that the plan is about was read.
        through: Option<NaiveDate>,
        /// Whether that day is too long ago to trust the comparison.
        stale: bool,
    }
    /// Whose plans of which month.
    PlanList {
        /// The client.
        client_id: ClientId,
        /// The month, as `2026-11`.
        month: Month,
    }
    /// The plans of a client in a month.
    ClientPlans {
        /// The month.
        month: Month,
        /// The client's currency, in which a new plan is made.
        currency: Currency,
        /// The systems of which a plan can be made: those that count toward the client's totals.
        channels: Vec<String>,
        /// The share of its revenue that the client keeps after what was sold has cost, in millionths; absent: nobody said.
        margin: Option<Micros>,
        /// The client's own plan first, then those of its systems, then of campaigns.
        plans: Vec<PlanRow>,
    }
    /// A plan.
    PlanRow {
        /// Of what.
        scope: PlanScope,
        /// The name of its campaign, where it has one.
        campaign: Option<String>,
        /// How much.
        amount: Micros,
        /// In which currency.
        currency: Currency,
        /// Divided how.
        phasing: Phasing,
        /// How it stands.
        pace: Pace,
    }
    /// A plan to make, or to take back.
    PlanSet {
        /// Whose.
        client_id: ClientId,
        /// Of which month.
        month: Month,
        /// Of what.
        scope: PlanScope,
        /// How much, in the client's currency; absent: it is taken back.
        amount: Option<Micros>,
        /// Divided how.
        phasing: Phasing,
    }
    /// The share of its revenue that a client keeps.
    MarginSet {
        /// Whose.
        client_id: ClientId,
        /// In millionths, from 0 to 1; absent: nobody knows.
        margin: Option<Micros>,
    }
}
