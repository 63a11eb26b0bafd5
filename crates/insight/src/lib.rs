//! Turns what was synced into answers. Metrics are defined here once and used by screen, export and command line alike.
//!
//! Everything reads the local database, so it works with no network. No SQL here: `store` returns sums, this room derives.

pub mod anomalies;
pub mod anomaly;
pub mod channels;
pub mod formula;
pub mod health;
pub mod metric;
pub mod pacing;
pub mod pivot;
pub mod plans;
pub mod portfolio;
