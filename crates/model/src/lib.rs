//! The words of the domain, shared by every room: ids, dates, money, campaign statistics, failures, states.
//!
//! There is no I/O here and no dependency on another room, so that anything may depend on it. A closed list that people
//! see (a run's state, a failure's code) is an enum here and becomes a TypeScript union from here: one word per thing.

pub mod ad;
pub mod alert;
pub mod anomaly;
pub mod audit;
pub mod channel;
pub mod connection;
pub mod date;
pub mod failure;
pub mod id;
pub mod money;
pub mod plan;
pub mod power;
pub mod reconcile;
pub mod record;
pub mod run;
pub mod schedule;
pub mod secret;
pub mod settings;
pub mod shape;
pub mod sign_in;
pub mod template;
pub mod utm;
pub mod vat;
