//! `syncdeckctl source spec|check|discover|read`: a manifest as a connector of the ecosystem. This file reads the files that the
//! protocol passes by path; everything else is `api::protocol`.

use anyhow::Context;
use api::protocol::{self, Command, Manifest, Request};
use clap::{Args as Arguments, ValueEnum};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Arguments of `source`. The names of the first four are the protocol's.
#[derive(Arguments)]
pub struct Args {
    /// What to do.
    command: What,
    /// Configuration, JSON.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Configured catalog, JSON: which streams to read, and how.
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// States of an earlier read, JSON.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Manifest, YAML or JSON, or the id of a connector of ours. Without it the configuration carries one.
    #[arg(long, visible_alias = "manifest-path", value_name = "FILE|ID")]
    manifest: Option<PathBuf>,
    /// The moment taken for now, such as 2024-06-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// Most records of a stream, for a test read.
    #[arg(long, value_name = "N")]
    limit_records: Option<u64>,
    /// Most pages of a slice, for a test read.
    #[arg(long, value_name = "N")]
    limit_pages: Option<u32>,
    /// Most slices of a stream, for a test read.
    #[arg(long, value_name = "N")]
    limit_slices: Option<u32>,
    /// Tell every request and every slice, too.
    #[arg(long)]
    debug: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Prints the form.
    Spec,
    /// Tries the configuration.
    Check,
    /// Prints the catalog of streams.
    Discover,
    /// Prints records and states.
    Read,
}

/// Runs it. Everything it has to say is a message on standard output, except that a file cannot be read.
pub async fn run(args: Args, url_map: Vec<(String, String)>) -> ExitCode {
    let command = match args.command {
        What::Spec => Command::Spec,
        What::Check => Command::Check,
        What::Discover => Command::Discover,
        What::Read => Command::Read,
    };
    let good = match request(args, url_map) {
        Ok(request) => protocol::run(command, request, io::stdout()).await,
        Err(error) => {
            eprintln!("syncdeckctl: {error:#}");
            false
        }
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn request(args: Args, url_map: Vec<(String, String)>) -> anyhow::Result<Request> {
    let manifest = match args.manifest {
        Some(path) if path.is_file() => Some(Manifest::Text(text(&path)?)),
        // An id has no folder and no ending; everything else is a file that is missed.
        Some(path) if path.extension().is_none() && path.components().count() == 1 => {
            Some(Manifest::BuiltIn(path.to_string_lossy().into_owned()))
        }
        Some(path) => Some(Manifest::Text(text(&path)?)),
        None => None,
    };
    let read = |path: Option<PathBuf>| path.as_deref().map(text).transpose();
    Ok(Request {
        manifest,
        config: read(args.config)?,
        catalog: read(args.catalog)?,
        state: read(args.state)?,
        url_map,
        now: args.now,
        limit_records: args.limit_records,
        limit_pages: args.limit_pages,
        limit_slices: args.limit_slices,
        debug: args.debug,
    })
}

fn text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}
