//! `syncdeckctl`: the same surface as the window, headless. It calls `api::host::Host::call` and prints what comes back; everything it
//! can do, the screens can do too, and the other way round.
//!
//! Secrets never come as arguments, which every process on the machine can read: they come from the environment, a file or standard input.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command line program is for")]

mod commands;
mod output;
mod serve;

use api::{
    demo::{Cast, DemoOptions},
    host::{Host, HostOptions},
};
use clap::{Parser, Subcommand};
use cli::source;
use commands::{alerts, clients, connect, connectors, create, demo, doctor, import, recover, stats, sync};
use output::Output;
use std::{path::PathBuf, process::ExitCode};

/// Syncdeck on the command line: reads advertising platforms into an encrypted database on this computer.
#[derive(Parser)]
#[command(name = "syncdeckctl", version, about)]
struct Args {
    /// Folder of the workspace.
    #[arg(long, global = true, value_name = "DIR", env = "SYNCDECK_WORKSPACE")]
    workspace: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    /// File that holds the passphrase of the workspace (or set SYNCDECK_PASSPHRASE).
    #[arg(long, global = true, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Sends requests for addresses that begin with FROM to TO instead: a simulator or a test server.
    #[arg(long, global = true, value_name = "FROM=TO")]
    url_map: Vec<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a manifest as the ecosystem's clients expect of a connector: messages on standard output, no workspace.
    Source(source::Args),
    #[command(flatten)]
    Workspace(WorkspaceCommand),
}

/// What is done with a workspace, and goes through its host.
#[derive(Subcommand)]
enum WorkspaceCommand {
    /// Creates a workspace and prints its recovery key, the only time it is shown.
    Create(create::Args),
    /// Opens a demo workspace over the built-in simulators, syncs it and prints its totals.
    Demo(demo::Args),
    /// Lists, adds or deletes clients.
    Clients(clients::Args),
    /// Lists the systems that can be connected.
    Connectors(connectors::Args),
    /// Signs in to a system, shows the accounts it can see, and connects the chosen ones.
    Connect(connect::Args),
    /// Syncs one connection, one client, or everything, and waits for the end.
    Sync(sync::Args),
    /// Prints or exports the statistics of a client.
    Stats(stats::Args),
    /// Imports campaign statistics from a CSV, TSV or XLSX file.
    Import(import::Args),
    /// Lists what a person should know without looking.
    Alerts(alerts::Args),
    /// Looks the workspace over; fails when something is not as it should be.
    Doctor(doctor::Args),
    /// Brings the workspace's key back with the recovery key.
    Recover(recover::Args),
    /// Serves the console to a browser on this computer.
    Serve(serve::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("SYNCDECK_LOG").unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    let output = Output { json: args.json };
    match run(args, output).await {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args, output: Output) -> anyhow::Result<ExitCode> {
    let command = match args.command {
        Command::Source(source) => return source::hand_over(source, args.url_map).await,
        Command::Workspace(command) => command,
    };
    let url_map = source::url_pairs(&args.url_map)?;
    let dir = args.workspace.unwrap_or_else(HostOptions::default_dir);
    let mut options = HostOptions::new(&dir);
    let passphrase = commands::passphrase(args.passphrase_file.as_deref())?;
    options.passphrase = passphrase.clone().map(Into::into);
    options.url_map = url_map;
    let demo = match &command {
        WorkspaceCommand::Demo(demo) => Some(demo.options()),
        WorkspaceCommand::Serve(serve) => serve.demo.then_some(DemoOptions::of(Cast::Small)),
        _ => None,
    };
    if demo.is_some() {
        options.demo_dir = dir;
        options.demo = demo;
    }
    options.scheduled = matches!(command, WorkspaceCommand::Serve(_));
    let host = Host::start(options).await;
    let done = match command {
        WorkspaceCommand::Create(args) => create::run(&host, output, args, passphrase).await,
        WorkspaceCommand::Demo(_) => demo::run(&host, output).await,
        WorkspaceCommand::Clients(args) => clients::run(&host, output, args).await,
        WorkspaceCommand::Connectors(args) => connectors::run(&host, output, args).await,
        WorkspaceCommand::Connect(args) => connect::run(&host, output, args).await,
        WorkspaceCommand::Sync(args) => sync::run(&host, output, args).await,
        WorkspaceCommand::Stats(args) => stats::run(&host, output, args).await,
        WorkspaceCommand::Import(args) => import::run(&host, output, args).await,
        WorkspaceCommand::Alerts(args) => alerts::run(&host, output, args).await,
        WorkspaceCommand::Doctor(args) => doctor::run(&host, output, args).await,
        WorkspaceCommand::Recover(args) => recover::run(&host, output, args, passphrase).await,
        WorkspaceCommand::Serve(args) => serve::run(&host, output, args).await,
    };
    host.shutdown().await;
    done.map(|()| ExitCode::SUCCESS)
}
