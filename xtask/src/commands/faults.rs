//! `faults`: the fault laboratory at length. A dice makes scenarios of what platforms, networks, computers and people do to a sync; after
//! each, all is true, or the person knows why not and has what they had. The laboratory itself is `tests/proofs/laboratory.rs`, its kinds are
//! listed in `docs/laboratory.md`; a hundred scenarios of it are part of `cargo xtask test`.

use crate::shell::{cargo, run as start};
use anyhow::Result;
use clap::Args;

/// How many, and which.
#[derive(Args)]
pub(crate) struct Arguments {
    /// How many scenarios.
    #[arg(long, default_value_t = 2_000)]
    scenarios: u64,
    /// Makes the same scenarios again; without it they are new ones.
    #[arg(long)]
    seed: Option<u64>,
    /// The number of the first one.
    #[arg(long, default_value_t = 0)]
    first: u64,
}

/// Runs them; fails when one went wrong, with the seed and the number that make it again.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    // Its processes are those of today.
    start(cargo().args(["build", "--package", "cli"]))?;
    let mut command = cargo();
    command
        .args(["test", "--test", "proofs", "--", "laboratory", "--nocapture"])
        .env("SYNCDECK_FAULT_SCENARIOS", arguments.scenarios.to_string())
        .env("SYNCDECK_FAULT_FIRST", arguments.first.to_string());
    if let Some(seed) = arguments.seed {
        command.env("SYNCDECK_FAULT_SEED", seed.to_string());
    }
    start(&mut command)
}
