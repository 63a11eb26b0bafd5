//! The proofs that cross every room: the surface is driven as a screen drives it, a real HTTP server stands in for the vendor, and what
//! comes out is compared with what the simulator knows to be true.
//!
//! One program, because linking is most of the cost. Each part says in its first lines what it proves.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "a test tells its seed, and what it could not try here")]

mod agency;
mod alerts;
mod answers;
mod battery;
mod demo;
mod failures;
mod harness;
mod journey;
mod laboratory;
mod limits;
mod month;
mod parked;
mod process;
mod programs;
mod secrets;
mod shop;
mod sign_ins;
mod templates;
mod unwatched;
