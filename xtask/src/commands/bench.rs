//! `bench`: how fast a sync is, beside a hand-written loop that does the least any program must (fetch, parse, multi-row upsert
//! into the same encrypted schema). Both run against the same simulator at release speed.

use crate::shell::{cargo, run as start};
use anyhow::Result;
use clap::Args;

/// The measuring program.
const PROGRAM: &[&str] = &["run", "--profile", "bench", "--package", "cli", "--example", "bench_sync"];

/// What to measure.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Handed on to the measuring program.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Builds and runs the measuring program.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    start(cargo().args(PROGRAM).arg("--").args(&arguments.rest))
}
