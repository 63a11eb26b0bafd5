//! What a developer does repeatedly, as Rust: `cargo xtask run | test | check | gen | bench | conformance | faults | month | fuzz | setup | new connector NAME`.
//!
//! In Rust and not in shell scripts, so that it runs the same on Linux, macOS and Windows and needs nothing installed first.
//! One file per command in `commands/`; `shell.rs` starts programs and `report.rs` times stages and sums up.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool talks to its terminal")]

mod commands;
mod report;
mod shell;

use clap::{Parser, Subcommand};
use commands::{bench, check, conformance, faults, fuzz, r#gen, month, new, run, setup, test};
use std::process::ExitCode;

/// Syncdeck's developer commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Opens the console on the demo workspace; without a display prints the demo's summary and serves it to a browser.
    Run,
    /// Everything that must hold: checks, all tests, the real window. What CI runs.
    Test,
    /// Formatting, lints, generated files, file headers, UI lint and types.
    Check,
    /// Writes the files that are generated from Rust.
    Gen(r#gen::Arguments),
    /// Measures sync speed against a hand-written loop.
    Bench(bench::Arguments),
    /// Compares our runtime of manifests with the reference.
    Conformance(conformance::Arguments),
    /// Lets a dice make thousands of faults, and looks whether anything is lost, doubled or hangs.
    Faults(faults::Arguments),
    /// Lives through a month of an agency with two hundred connections, in minutes.
    Month(month::Arguments),
    /// Lets a machine look for manifests, templates and bodies that break us; needs a nightly compiler.
    Fuzz(fuzz::Arguments),
    /// Installs what building and testing need, when it is missing.
    Setup,
    /// Writes the skeleton of a new part.
    New(new::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run => run::run(),
        Command::Test => test::run(),
        Command::Check => check::run(),
        Command::Gen(arguments) => r#gen::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Conformance(arguments) => conformance::run(&arguments),
        Command::Faults(arguments) => faults::run(&arguments),
        Command::Month(arguments) => month::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Setup => setup::run(),
        Command::New(arguments) => new::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}
