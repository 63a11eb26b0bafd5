//! How fast a manifest is read as messages, beside the reference runtime on the same pages: 200 pages of 1,000 records with 15
//! fields, as they are and with three added fields. The server, the manifest and the peer's driver are the conformance material's;
//! without the material this part is left out, without the peer (`cargo xtask conformance` installs it) only our numbers are printed.

use super::{Folder, Measured, built, keep_faster, watch_memory};
use crate::shell::{exists, root};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// What is read, and at least how many times the peer's records per second we promise.
const STREAMS: [(&str, &str, f64); 2] = [("items", "plain", 6.0), ("items_transformed", "added fields", 12.0)];
const PAGES: u32 = 200;
const RECORDS: f64 = 200_000.0;
/// We promise at most this share of the peer's memory.
const MOST_MEMORY: f64 = 0.2;
/// We promise to have answered within this time from the start of the process.
const MOST_START: Duration = Duration::from_millis(50);

/// Measures, prints, and tells whether every promise was kept.
pub(super) fn run(rounds: u32) -> Result<bool> {
    let material = root().join("../shared/conformance");
    if !material.is_dir() || !exists("python3") {
        println!("read      skipped: the conformance material beside the repository or Python is missing");
        return Ok(true);
    }
    let folder = Folder::fresh()?;
    let bench = Bench::new(&material, &folder.0)?;
    let mut kept = true;
    let mut promise = |what: &str, holds: bool| {
        if !holds {
            println!("broken    {what}");
            kept = false;
        }
    };
    for (stream, title, least) in STREAMS {
        // Fills the server's cache for both, and proves that what is timed below is complete.
        bench.complete(stream)?;
        let (mut ours, mut peer): (Option<Measured>, Option<Measured>) = (None, None);
        for _ in 0..rounds.max(1) {
            keep_faster(&mut ours, bench.ours(stream)?);
            if let Some(measured) = bench.peer(stream)? {
                keep_faster(&mut peer, measured);
            }
        }
        let ours = ours.context("nothing was measured")?;
        let megabytes = ours.megabytes.unwrap_or_default();
        println!("read      {title:<13} {:>8.0} records/s  {megabytes:>5.1} MB", ours.rate());
        if let Some(peer) = peer {
            let (times, memory) = (ours.rate() / peer.rate(), peer.megabytes.unwrap_or_default());
            println!("peer      {title:<13} {:>8.0} records/s  {memory:>5.1} MB", peer.rate());
            println!(
                "ratio     {times:.1} (at least {least}), memory {:.2} (at most {MOST_MEMORY})",
                megabytes / memory
            );
            promise("records per second", times >= least);
            promise("memory", megabytes <= memory * MOST_MEMORY);
        }
    }
    let start = bench.start()?;
    println!("start     {} ms (at most {} ms)", start.as_millis(), MOST_START.as_millis());
    promise("start-up", start <= MOST_START);
    Ok(kept)
}

struct Bench {
    server: Child,
    material: PathBuf,
    folder: PathBuf,
    base: String,
    /// The peer's Python, where it was installed.
    python: Option<PathBuf>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Bench {
    fn new(material: &Path, folder: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let server = Command::new("python3")
            .arg(material.join("mock_server.py"))
            .args(["--port", &port.to_string()])
            .stderr(Stdio::null())
            .spawn()?;
        let bench = Self {
            server,
            material: material.to_owned(),
            folder: folder.to_owned(),
            base: format!("http://127.0.0.1:{port}"),
            python: Some(root().join("target/conformance/reference/bin/python")).filter(|python| python.exists()),
        };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            ensure!(began.elapsed() < Duration::from_secs(20), "the server of the conformance material does not start");
            thread::sleep(Duration::from_millis(50));
        }
        fs::write(bench.config(), json!({"token": "a token for measuring", "pages": PAGES}).to_string())?;
        for (stream, ..) in STREAMS {
            let stream_description =
                json!({"name": stream, "json_schema": {}, "supported_sync_modes": ["full_refresh"]});
            let catalog = json!({"streams": [{
                "stream": stream_description,
                "sync_mode": "full_refresh",
                "destination_sync_mode": "append",
            }]});
            fs::write(bench.catalog(stream), catalog.to_string())?;
        }
        Ok(bench)
    }

    fn config(&self) -> PathBuf {
        self.folder.join("config.json")
    }

    fn catalog(&self, stream: &str) -> PathBuf {
        self.folder.join(format!("{stream}.json"))
    }

    fn manifest(&self) -> PathBuf {
        self.material.join("bulk_manifest.yaml")
    }

    fn command(&self, stream: &str) -> Command {
        let mut command = Command::new(built("syncdeckctl"));
        command
            .args(["source", "read", "--manifest"])
            .arg(self.manifest())
            .arg("--config")
            .arg(self.config())
            .arg("--catalog")
            .arg(self.catalog(stream))
            .args(["--url-map", &format!("https://={}/__https/", self.base)]);
        command
    }

    fn complete(&self, stream: &str) -> Result<()> {
        let output = self.command(stream).output()?;
        let found = output.stdout.split(|byte| *byte == b'\n').filter(|line| line.starts_with(br#"{"type":"RECORD""#));
        let found = found.count();
        ensure!(
            found as f64 == RECORDS,
            "{found} records of {stream} came: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// The whole process, from its start to its end.
    fn ours(&self, stream: &str) -> Result<Measured> {
        let began = Instant::now();
        let mut process = self.command(stream).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let watch = watch_memory(process.id());
        let status = process.wait()?;
        let secs = began.elapsed().as_secs_f64();
        ensure!(status.success(), "reading {stream} failed");
        Ok(Measured { rows: RECORDS, secs, megabytes: watch.join().ok().flatten() })
    }

    /// The peer's own count of its reading, without its start and without writing records.
    fn peer(&self, stream: &str) -> Result<Option<Measured>> {
        let Some(python) = &self.python else { return Ok(None) };
        let output = Command::new(python)
            .arg(self.material.join("oracle_run.py"))
            .arg("--manifest")
            .arg(self.manifest())
            .arg("--config")
            .arg(self.config())
            .args(["--streams", stream, "--base", &self.base, "--full-refresh", "--quiet"])
            .output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        let summary: Value = told
            .lines()
            .rev()
            .find_map(|line| serde_json::from_str(line).ok())
            .with_context(|| format!("the peer's summary: {told}"))?;
        let number = |name: &str| summary[name].as_f64().with_context(|| format!("the peer's {name}"));
        if number("records")? != RECORDS {
            bail!("the peer read {summary}");
        }
        Ok(Some(Measured { rows: RECORDS, secs: number("read_s")?, megabytes: Some(number("peak_rss_mib")?) }))
    }

    /// From the start of the process to its answer, the best of ten.
    fn start(&self) -> Result<Duration> {
        let mut best = Duration::MAX;
        for _ in 0..10 {
            let began = Instant::now();
            let output = Command::new(built("syncdeckctl"))
                .args(["source", "spec", "--manifest"])
                .arg(self.manifest())
                .output()?;
            ensure!(output.status.success(), "source spec failed");
            best = best.min(began.elapsed());
        }
        Ok(best)
    }
}
