//! `month`: thirty days of an agency with two hundred connections of forty accounts, in minutes; `tests/proofs/month.rs` says what happens in
//! them. A week of a small agency is part of `cargo xtask test`.

use crate::shell::{cargo, run as start};
use anyhow::Result;
use clap::Args;

/// Which month.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Makes the same month again; without it another one.
    #[arg(long)]
    seed: Option<u64>,
    /// Of an agency with twelve connections: some minutes, and all that happens happens.
    #[arg(long)]
    small: bool,
}

/// Lives through it; fails when anything was missed, refused, asked too often or is not true.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut command = cargo();
    command
        .args(["test", "--test", "proofs", "--", "month", "--nocapture"])
        .env("SYNCDECK_MONTH", if arguments.small { "small" } else { "whole" });
    if let Some(seed) = arguments.seed {
        command.env("SYNCDECK_MONTH_SEED", seed.to_string());
    }
    start(&mut command)
}
