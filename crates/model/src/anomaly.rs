//! Anomalies: which metrics of a connection's days are watched, and what a person says of a day that was told. How a day is judged stands
//! in `insight`; the words are here because they stand in the database, on the wire and on the screens.

use crate::run::words;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

words! {
    /// A metric whose days are watched. Impressions and clicks are not among them: an account that spends as usual and whose CTR and CPC are
    /// as usual has as many as usual.
    AnomalyMetric {
        /// Spend.
        Spend = "spend",
        /// Conversions.
        Conversions = "conversions",
        /// Revenue.
        Revenue = "revenue",
        /// Clicks per impression.
        Ctr = "ctr",
        /// Spend per click.
        Cpc = "cpc",
        /// Conversions per click.
        Cr = "cr",
        /// Spend per conversion.
        Cpa = "cpa",
        /// Revenue per spend.
        Roas = "roas",
    }
    /// What a person says of an anomaly.
    AnomalyVerdict {
        /// Not worth telling. About this day alone; nothing is learned.
        Ignored = "ignored",
        /// There is a reason for it. Up to its level days are as they should be for as long as the baseline needs to learn by itself.
        Expected = "expected",
    }
}
