//! Anomalies on the wire: days of a connection that are far from what such days are.

use super::{Unit, Verdict};
use chrono::NaiveDate;
use model::{
    anomaly::{AnomalyMetric, AnomalyVerdict},
    date::DateRange,
    id::{ClientId, ConnectionId},
    money::{Currency, Micros},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

wire! {
    /// Which anomalies.
    AnomalyList {
        /// Of one client, or of all.
        client_id: Option<ClientId>,
        /// Every settled day of a period; without one the newest settled day of each connection, which is what the overview counts.
        period: Option<DateRange>,
    }
    /// A day of a connection that is far from its usual.
    AnomalyRow {
        /// The client.
        client_id: ClientId,
        /// Its name.
        client_name: String,
        /// The connection.
        connection_id: ConnectionId,
        /// Its connector.
        connector: String,
        /// Its account.
        account_name: String,
        /// Of which metric.
        metric: AnomalyMetric,
        /// How to print it.
        unit: Unit,
        /// Currency of money in it.
        currency: Currency,
        /// The day.
        date: NaiveDate,
        /// Its value.
        value: Micros,
        /// The median of its weekday over the weeks before.
        usual: Micros,
        /// Value by usual; unknown when usual is nothing.
        factor: Option<Micros>,
        /// Robust z-score, told beyond 3.5; negative below the usual.
        score: Micros,
        /// From how many days of its weekday the usual is known.
        weeks: u32,
        /// Whether it is good news.
        verdict: Verdict,
        /// What a person said of it.
        feedback: Option<AnomalyVerdict>,
    }
    /// What a person says of an anomaly.
    AnomalyAnswer {
        /// Of which connection.
        connection_id: ConnectionId,
        /// Of which metric.
        metric: AnomalyMetric,
        /// Of which day.
        date: NaiveDate,
        /// What; nothing takes back what was said.
        feedback: Option<AnomalyVerdict>,
    }
    /// The worst of a client's anomalies of which nobody has said anything.
    WorstAnomaly {
        /// Of which metric.
        metric: AnomalyMetric,
        /// Value by usual; unknown when usual is nothing.
        factor: Option<Micros>,
        /// Whether it is good news.
        verdict: Verdict,
    }
}
