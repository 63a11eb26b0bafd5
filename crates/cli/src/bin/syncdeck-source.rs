//! `syncdeck-source`: runs a manifest as a connector of the ecosystem, and nothing else. See `cli::source` for why it is a program of its own.
#![allow(clippy::print_stderr, reason = "printing is what a command line program is for")]

use clap::Parser;
use cli::source;
use std::process::ExitCode;

/// Runs a manifest as the ecosystem's clients expect of a connector: messages on standard output.
#[derive(Parser)]
#[command(name = "syncdeck-source", version, about)]
struct Line {
    /// Sends requests for addresses that begin with FROM to TO instead: a simulator or a test server.
    #[arg(long, value_name = "FROM=TO")]
    url_map: Vec<String>,
    #[command(flatten)]
    source: source::Args,
}

// One worker asks and builds while the main thread writes. More would each hold memory of their own without being any faster, for what
// they wait for is the platform.
#[tokio::main(worker_threads = 1)]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("SYNCDECK_LOG").unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .init();
    let line = Line::parse();
    match source::run(line.source, line.url_map).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("syncdeck-source: {error:#}");
            ExitCode::FAILURE
        }
    }
}
