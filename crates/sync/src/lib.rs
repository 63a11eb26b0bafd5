//! Syncs: which days a run reads, how it reads them slice by slice, and what happens when something fails.
//!
//! A connector is met as a trait object that whoever wires the rooms lends ([`engine::Wiring`]); this room names none. Rows are durable
//! slice by slice, so that a run may die at any moment and go on later without a lost or doubled row.

pub mod alerts;
pub mod duty;
pub mod engine;
pub mod estimate;
pub mod import;
pub mod live;
pub mod outbox;
pub mod plan;
pub mod power;
pub mod schedule;
pub mod scheduler;

mod collect;
mod courtesy;
mod folders;
mod run;
mod scribe;
