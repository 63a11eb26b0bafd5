//! The proofs that cross every room: the surface is driven as a screen drives it, a real HTTP server stands in for the vendor, and what
//! comes out is compared with what the simulator knows to be true.
//!
//! One program with six parts, because linking is most of the cost: `journey` (what must work), `failures` (what must be survived),
//! `answers` (what must be noticed), `laboratory` (what nobody thought of),
//! `secrets` (what must never be written), `demo` (what needs whole processes).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "a test tells its seed, and what it could not try here")]

mod answers;
mod demo;
mod failures;
mod harness;
mod journey;
mod laboratory;
mod process;
mod secrets;
