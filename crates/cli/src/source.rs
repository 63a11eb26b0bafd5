//! `source spec|check|discover|read`: a manifest as a connector of the ecosystem. This file reads the files that the protocol passes by
//! path; everything else is `api::protocol`.
//!
//! The command is a program of its own, `syncdeck-source`, and `syncdeckctl source` goes on as that program where it lies beside it. An
//! orchestrator starts dozens of connectors at a time, and each needs a fifth of the memory when workspace, database and vault are not
//! linked into it; a program that others start has no business with a keychain anyway.

use anyhow::Context;
use api::protocol::{self, Command, Manifest, Request};
use clap::{Args as Arguments, ValueEnum};
use std::{
    env::consts::EXE_SUFFIX,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::{self, ExitCode},
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

impl What {
    fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl Args {
    /// The same as arguments of a program.
    fn to_arguments(&self, url_map: &[String]) -> Vec<OsString> {
        let Self { command, config, catalog, state, manifest, now, limit_records, limit_pages, limit_slices, debug } =
            self;
        let mut arguments = vec![command.word().into()];
        let mut add = |name: &str, value: Option<OsString>| {
            if let Some(value) = value {
                arguments.extend([name.into(), value]);
            }
        };
        for (name, path) in [("--config", config), ("--catalog", catalog), ("--state", state), ("--manifest", manifest)]
        {
            add(name, path.as_ref().map(OsString::from));
        }
        add("--now", now.as_ref().map(OsString::from));
        add("--limit-records", limit_records.map(|most| most.to_string().into()));
        add("--limit-pages", limit_pages.map(|most| most.to_string().into()));
        add("--limit-slices", limit_slices.map(|most| most.to_string().into()));
        for pair in url_map {
            add("--url-map", Some(pair.into()));
        }
        if *debug {
            arguments.push("--debug".into());
        }
        arguments
    }
}

/// Pairs of `FROM=TO`.
pub fn url_pairs(pairs: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    let split = |pair: &String| {
        let (from, to) = pair.split_once('=').with_context(|| format!("not FROM=TO: {pair:?}"))?;
        Ok((from.to_owned(), to.to_owned()))
    };
    pairs.iter().map(split).collect()
}

/// Goes on as `syncdeck-source`, or does its work here where that program is missing.
pub async fn hand_over(args: Args, url_map: Vec<String>) -> anyhow::Result<ExitCode> {
    let beside = std::env::current_exe()?.with_file_name(format!("syncdeck-source{EXE_SUFFIX}"));
    if beside.is_file() {
        return become_program(process::Command::new(beside).args(args.to_arguments(&url_map)));
    }
    run(args, url_map).await
}

/// This process turns into the program: its caller keeps the process it knows, with its streams and signals.
#[cfg(unix)]
fn become_program(command: &mut process::Command) -> anyhow::Result<ExitCode> {
    Err(std::os::unix::process::CommandExt::exec(command)).context("starting syncdeck-source")
}

/// Elsewhere it waits for the program and ends as it does.
#[cfg(not(unix))]
fn become_program(command: &mut process::Command) -> anyhow::Result<ExitCode> {
    let status = command.status().context("starting syncdeck-source")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs it. Everything it has to say is a message on standard output, except that a file cannot be read.
pub async fn run(args: Args, url_map: Vec<String>) -> anyhow::Result<ExitCode> {
    let command = match args.command {
        What::Spec => Command::Spec,
        What::Check => Command::Check,
        What::Discover => Command::Discover,
        What::Read => Command::Read,
    };
    let request = request(args, url_pairs(&url_map)?)?;
    let good = protocol::run(command, request, io::stdout()).await;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[arg(long)]
        url_map: Vec<String>,
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn what_is_handed_over_is_what_was_asked() {
        for line in [
            "source spec",
            "source check --config c.json --manifest m.yaml",
            "source read --config c --catalog k --state s --manifest m --now 2026-11-21T00:00:00Z --limit-records 1 --limit-pages 2 \
             --limit-slices 3 --url-map https://a=http://b --url-map c=d --debug",
        ] {
            let asked: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            let parsed = Line::parse_from(&asked);
            let mut handed = vec![OsString::from("source")];
            handed.extend(parsed.args.to_arguments(&parsed.url_map));
            assert_eq!(handed, asked);
        }
    }
}
