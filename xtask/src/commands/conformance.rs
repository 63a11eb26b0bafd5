//! `conformance`: our runtime beside the reference, on everything the conformance material has: template cases, date windows, whole
//! connectors, the sweep over the catalogue, retry timing, and a client of the ecosystem that drives us as a local executable.
//!
//! The material lies beside the repository and is not part of it; without it there is nothing to compare, and a line says so. The
//! reference is a Python package, installed into `target/`; what it answers is kept there, because it takes minutes and does not change.
//! The scripts in `tests/conformance` do the comparing, this file installs, counts and writes `docs/conformance.md`.

use crate::shell::{built, cargo, exists, npm, program, read, root, run as start};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// The reference, and what freezes its clock.
const REFERENCE: &[&str] = &["airbyte-cdk==7.39.1", "freezegun==1.5.5"];
/// The client of the ecosystem.
const CLIENT: &[&str] = &["airbyte==0.71.3"];

/// Differences that are wanted, by the beginning of the stream's name, with their reasons.
const WANTED: &[(&str, &str)] = &[(
    "convertkit/",
    "the sign-in answers without a token; the reference goes on with `Bearer None`, we say so and send nothing",
)];

/// What to compare.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One part only; nothing is written to the documentation then.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// A folder of manifests to sweep in place of the material's.
    #[arg(long, value_name = "DIR")]
    manifests: Option<PathBuf>,
    /// Ask the reference again, whatever is kept of its answers.
    #[arg(long)]
    fresh: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Template cases.
    Templates,
    /// Date windows.
    Windows,
    /// First and second sync of whole connectors.
    Connectors,
    /// Every manifest of the catalogue against a server that answers anything.
    Sweep,
    /// How long it waits between attempts.
    Retry,
    /// PyAirbyte reads one of our connectors.
    Client,
}

/// A line of the table.
struct Row {
    what: String,
    equal: usize,
    total: usize,
    /// The least share that passes, in per cent; `None`: for information.
    gate: Option<f64>,
}

impl Row {
    fn new(what: impl Into<String>, equal: usize, total: usize, gate: Option<f64>) -> Self {
        Self { what: what.into(), equal, total, gate }
    }
    fn share(&self) -> f64 {
        if self.total == 0 { 100.0 } else { 100.0 * count(self.equal) / count(self.total) }
    }
    /// A gate that nothing went through is not passed.
    fn passed(&self) -> bool {
        self.gate.is_none_or(|gate| self.total > 0 && self.share() >= gate)
    }
}

fn count(number: usize) -> f64 {
    number as f64
}

#[derive(Default)]
struct Found {
    rows: Vec<Row>,
    differences: Vec<String>,
    skipped: Vec<String>,
}

/// The command itself.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let shared = root().join("../shared/conformance");
    if !shared.is_dir() {
        println!("SKIPPED: the conformance material does not lie beside the repository; nothing was compared");
        return Ok(());
    }
    let wants = |part: Part| arguments.only.is_none_or(|only| only == part);
    let mut found = Found::default();
    if wants(Part::Templates) || wants(Part::Windows) {
        tables(&mut found)?;
    }
    let python = ["python3", "python"].into_iter().find(|name| exists(name));
    let rest = [Part::Connectors, Part::Sweep, Part::Retry, Part::Client];
    if let Some(python) = python {
        if rest.into_iter().any(wants) {
            let bench = Bench::new(python, &shared)?;
            if wants(Part::Connectors) {
                bench.connectors(&mut found)?;
            }
            if wants(Part::Sweep) {
                bench.sweep(&mut found, arguments)?;
            }
            if wants(Part::Retry) {
                bench.retry(&mut found)?;
            }
            if wants(Part::Client) {
                bench.client(&mut found)?;
            }
        }
    } else {
        found.skipped.push("there is no Python here, so nothing was compared with the reference itself".to_owned());
    }
    let table = found.table();
    println!("\n{table}");
    for difference in &found.differences {
        println!("{difference}");
    }
    for skipped in &found.skipped {
        println!("SKIPPED: {skipped}");
    }
    if arguments.only.is_none() && arguments.manifests.is_none() && found.skipped.is_empty() {
        fs::write(root().join("docs/conformance.md"), found.page(&table))?;
        println!("docs/conformance.md is written");
    }
    let failed: Vec<&str> = found.rows.iter().filter(|row| !row.passed()).map(|row| row.what.as_str()).collect();
    if failed.is_empty() { Ok(()) } else { bail!("not enough is equal: {}", failed.join(", ")) }
}

impl Found {
    fn table(&self) -> String {
        let mut table = "| What | Equal | Of | Share | Needed |\n| --- | ---: | ---: | ---: | ---: |\n".to_owned();
        for row in &self.rows {
            let needed = row.gate.map_or_else(|| "-".to_owned(), |gate| format!("{gate} %"));
            let mark = if row.passed() { "" } else { " **not reached**" };
            let _ = writeln!(
                table,
                "| {} | {} | {} | {:.2} % | {needed}{mark} |",
                row.what,
                row.equal,
                row.total,
                row.share()
            );
        }
        table
    }

    fn page(&self, table: &str) -> String {
        let mut page = format!(
            "# Conformance\n\n\
             Our runtime of declarative manifests beside the reference, as `cargo xtask conformance` found it on {}: Syncdeck {}, {}.\n\
             What is compared, and how, stands in `tests/conformance`; the material lies beside the repository.\n\n{table}\n\
             The sweep generates a configuration from each form, reads the first three streams of each manifest without custom Python \
             against a server that answers anything (50 records, 2 pages a slice, 3 slices), and counts streams that the reference reads \
             without an error. Requests are compared as sets of method, host, path, query and body; records as multisets; states as the \
             last one, without the duration of the sync. Headers are compared, too, without those of the HTTP library.\n",
            today(),
            env!("CARGO_PKG_VERSION"),
            REFERENCE.iter().chain(CLIENT).map(|pinned| pinned.replace("==", " ")).collect::<Vec<_>>().join(", "),
        );
        if self.differences.is_empty() {
            page.push_str("\nThere is no difference.\n");
        } else {
            page.push_str("\n## Differences\n\n");
            for difference in &self.differences {
                let _ = writeln!(page, "- {}", difference.replace('|', "\\|"));
            }
        }
        page
    }
}

/// The parts that are tests of the manifest room, and print what they found.
fn tables(found: &mut Found) -> Result<()> {
    println!("$ cargo test -p manifest --test conformance");
    let output =
        cargo().args(["test", "--quiet", "-p", "manifest", "--test", "conformance", "--", "--nocapture"]).output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    for (name, what, gate) in [("templates", "Template cases", 99.9), ("windows", "Date windows", 100.0)] {
        // A quiet test run puts a dot before what the next test prints.
        let line = printed.lines().find_map(|line| line.trim_start_matches('.').strip_prefix(&format!("{name}: ")));
        let line = line.with_context(|| {
            format!("the test said nothing of {name}:\n{printed}{}", String::from_utf8_lossy(&output.stderr))
        })?;
        let (equal, total) = counts(line).with_context(|| format!("not two numbers: {line}"))?;
        found.rows.push(Row::new(what, equal, total, Some(gate)));
    }
    let listed = printed.lines().skip_while(|line| !line.starts_with("templates: ")).skip(1);
    let mut listed = listed.take_while(|line| line.starts_with("  ")).map(str::trim);
    while let (Some(template), Some(what)) = (listed.next(), listed.next()) {
        found.differences.push(format!("template {template}: {what}"));
    }
    Ok(())
}

/// `5316 of 5317 equal`.
fn counts(line: &str) -> Option<(usize, usize)> {
    let mut words = line.split_whitespace();
    let equal = words.next()?.parse().ok()?;
    let total = words.nth(1)?.parse().ok()?;
    Some((equal, total))
}

/// Everything that runs in Python.
struct Bench {
    /// The interpreter with the reference.
    python: PathBuf,
    system_python: &'static str,
    shared: PathBuf,
    work: PathBuf,
    program: PathBuf,
}

impl Bench {
    fn new(system_python: &'static str, shared: &Path) -> Result<Self> {
        let work = root().join("target/conformance");
        fs::create_dir_all(&work)?;
        let python = environment(system_python, &work.join("reference"), REFERENCE)?;
        if !root().join("ui/dist").is_dir() {
            // The program embeds the screens, whatever it is built for.
            start(npm().args(["install", "--no-save", "--no-audit", "--no-fund"]))?;
            start(npm().args(["run", "build"]))?;
        }
        start(cargo().args(["build", "--package", "cli", "--package", "simulators", "--bins"]))?;
        Ok(Self { python, system_python, shared: shared.canonicalize()?, work, program: built("syncdeckctl") })
    }

    fn script(&self, name: &str) -> std::process::Command {
        let mut command = program(&self.python);
        command.arg(root().join("tests/conformance").join(name));
        command
    }

    /// The material's manifests, unpacked. They are somebody else's work and stay in `target`.
    fn manifests(&self) -> Result<PathBuf> {
        let folder = self.work.join("manifests");
        if !folder.is_dir() {
            let archive = self.shared.join("manifests.tar.gz");
            start(program(&self.python).args(["-m", "tarfile", "-e"]).args([&archive, &folder]))?;
        }
        Ok(folder)
    }

    fn connectors(&self, found: &mut Found) -> Result<()> {
        let out = self.work.join("connectors.jsonl");
        let manifests = self.manifests()?;
        start(
            self.script("connectors.py")
                .args(["--shared".as_ref(), self.shared.as_os_str(), "--manifests".as_ref(), manifests.as_os_str()])
                .args(["--program".as_ref(), self.program.as_os_str(), "--out".as_ref(), out.as_os_str()])
                .args(["--work".as_ref(), self.work.join("connectors").as_os_str()]),
        )?;
        let rows = lines(&out)?;
        let name = |row: &Value| format!("{}, {} sync", text(row, "case"), text(row, "sync"));
        for row in &rows {
            let what = format!("{}: {} records, {} requests", name(row), row["records"], row["requests"]);
            found.rows.push(Row::new(what, usize::from(row["equal"] == true), 1, Some(100.0)));
            let differences = row["differences"].as_array().into_iter().flatten().filter_map(Value::as_str);
            found.differences.extend(differences.map(|line| format!("{}: {}", name(row), line.trim())));
        }
        Ok(())
    }

    fn sweep(&self, found: &mut Found, arguments: &Arguments) -> Result<()> {
        let manifests = match &arguments.manifests {
            Some(folder) => folder.canonicalize()?,
            None => self.manifests()?,
        };
        let own = if arguments.manifests.is_some() { "other" } else { "catalogue" };
        let reference = self.work.join(format!("{own}.reference.jsonl"));
        let ours = self.work.join(format!("{own}.ours.jsonl"));
        if arguments.fresh || arguments.manifests.is_some() || !reference.is_file() {
            println!("The reference reads the catalogue; that takes a few minutes and is kept.");
            start(
                self.script("catalogue.py")
                    .arg("reference")
                    .args(["--shared".as_ref(), self.shared.as_os_str(), "--manifests".as_ref(), manifests.as_os_str()])
                    .args(["--out".as_ref(), reference.as_os_str()]),
            )?;
        }
        let jobs = std::thread::available_parallelism().map_or(2, usize::from).to_string();
        start(
            self.script("catalogue.py")
                .args(["candidate", "--jobs", &jobs])
                .args(["--shared".as_ref(), self.shared.as_os_str(), "--manifests".as_ref(), manifests.as_os_str()])
                .args(["--reference".as_ref(), reference.as_os_str(), "--program".as_ref(), self.program.as_os_str()])
                .args(["--out".as_ref(), ours.as_os_str()]),
        )?;
        swept(&lines(&ours)?, found);
        Ok(())
    }

    fn retry(&self, found: &mut Found) -> Result<()> {
        let out = self.work.join("retry.jsonl");
        start(
            self.script("retry.py")
                .args(["--shared".as_ref(), self.shared.as_os_str(), "--program".as_ref(), self.program.as_os_str()])
                .args(["--work".as_ref(), self.work.join("retry").as_os_str(), "--out".as_ref(), out.as_os_str()]),
        )?;
        let rows = lines(&out)?;
        let equal = rows.iter().filter(|row| row["equal"] == true).count();
        found.rows.push(Row::new("Retry timing within 50 ms", equal, rows.len(), Some(100.0)));
        for row in rows.iter().filter(|row| row["equal"] != true) {
            found.differences.push(format!(
                "retry {}: the reference waits {}, we wait {}",
                text(row, "case"),
                row["reference"],
                row["ours"]
            ));
        }
        Ok(())
    }

    fn client(&self, found: &mut Found) -> Result<()> {
        let python = environment(self.system_python, &self.work.join("client"), CLIENT)?;
        let output = program(&python)
            .arg(root().join("tests/conformance/client.py"))
            .args(["--program".as_ref(), self.program.as_os_str()])
            .args(["--simulator".as_ref(), built("syncdeck-simulator").as_os_str()])
            .args(["--work".as_ref(), self.work.join("client-work").as_os_str()])
            .output()?;
        let printed = String::from_utf8_lossy(&output.stdout);
        println!("{printed}");
        found.rows.push(Row::new(
            "PyAirbyte: spec, check, discover and read of VK Реклама",
            usize::from(output.status.success()),
            1,
            Some(100.0),
        ));
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            found.differences.push(format!("the client: {}", told.lines().last().unwrap_or_default()));
        }
        Ok(())
    }
}

/// Counts the sweep.
fn swept(rows: &[Value], found: &mut Found) {
    let loaded = rows.iter().filter(|row| row["built"] == true).count();
    found.rows.push(Row::new(
        "Manifests without custom Python that load and list their streams",
        loaded,
        rows.len(),
        Some(100.0),
    ));
    let known: Vec<&Value> = rows.iter().filter(|row| row["built_by_reference"] == true).collect();
    let same = known.iter().filter(|row| row["same_streams"] == true).count();
    found.rows.push(Row::new("Manifests whose list of streams is the reference's", same, known.len(), Some(100.0)));
    for row in rows.iter().filter(|row| row["built"] != true || row["same_streams"] == false) {
        found.differences.push(format!(
            "{}: streams {} are not listed; {}",
            text(row, "manifest"),
            row["missing_streams"],
            text(row, "error")
        ));
    }
    let streams = rows.iter().flat_map(|row| {
        row["streams"].as_array().into_iter().flatten().map(move |stream| (text(row, "manifest"), stream))
    });
    let read: Vec<(&str, &Value)> = streams.filter(|(_, stream)| stream["read_by_reference"] == true).collect();
    let mut differing: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (aspect, what, gate) in [
        ("requests", "Swept streams: requests", Some(97.0)),
        ("records", "Swept streams: records", Some(97.0)),
        ("state", "Swept streams: state", Some(97.0)),
        ("headers", "Swept streams: headers of the requests", None),
    ] {
        let equal = read.iter().filter(|(_, stream)| stream[aspect] == true).count();
        found.rows.push(Row::new(what, equal, read.len(), gate));
        for (manifest, stream) in read.iter().filter(|(_, stream)| stream[aspect] != true) {
            differing.entry(format!("{manifest}/{}", text(stream, "stream"))).or_default().push(aspect);
        }
    }
    for (manifest, stream) in &read {
        let name = format!("{manifest}/{}", text(stream, "stream"));
        if let Some(aspects) = differing.get(&name) {
            let why = stream["error"].as_str().map(|error| format!("; we say {error}")).unwrap_or_default();
            let reason = WANTED.iter().find(|(start, _)| name.starts_with(start)).map(|(_, reason)| *reason);
            let reason = reason.map(|reason| format!(". On purpose: {reason}")).unwrap_or_default();
            found.differences.push(format!("{name}: {} differ{why}{reason}", aspects.join(", ")));
        }
    }
}

/// A Python environment in `target` with exactly these packages, made when it is not there yet.
pub(crate) fn environment(system_python: &str, folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    // The stamp lies inside, so whoever deletes the folder deletes the stamp with it.
    let (stamp, wanted) = (folder.join(".installed"), packages.join("\n"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    start(program(system_python).args(["-m", "venv"]).arg(folder))
        .context("Python's venv is missing (Debian: python3-venv)")?;
    start(program(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages))?;
    let version = read(program(&python).arg("--version"))?;
    println!("{}: {}", version.trim(), packages.join(", "));
    fs::write(stamp, wanted)?;
    Ok(python)
}

fn lines(file: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(file).with_context(|| format!("{} could not be read", file.display()))?;
    text.lines().map(|line| serde_json::from_str(line).context("a line that is not JSON")).collect()
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

/// Today as `2026-11-21`, in UTC. The days since 1970 are turned into a date by Howard Hinnant's well-known method.
fn today() -> String {
    let days = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400;
    let (year, month, day) = civil(days);
    format!("{year}-{month:02}-{day:02}")
}

fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn days_are_dates() {
        for (days, date) in [(0, (1970, 1, 1)), (59, (1970, 3, 1)), (11_016, (2000, 2, 29)), (20_778, (2026, 11, 21))] {
            assert_eq!(civil(days), date);
        }
    }

    #[test]
    fn what_a_test_prints_is_counted() {
        assert_eq!(counts("5315 of 5316 equal (99.98 %)"), Some((5315, 5316)));
        assert_eq!(counts("all equal"), None);
    }

    #[test]
    fn a_gate_needs_something_to_go_through_it() {
        let rows =
            [(97, 100, Some(97.0), true), (96, 100, Some(97.0), false), (0, 0, Some(97.0), false), (0, 9, None, true)];
        for (equal, total, gate, passed) in rows {
            assert_eq!(Row::new("x", equal, total, gate).passed(), passed, "{equal} of {total}");
        }
    }

    #[test]
    fn a_sweep_counts_what_the_reference_reads() {
        let stream = |name: &str, read: bool, requests: bool, error: Value| json!({"stream": name, "read_by_reference": read, "requests": requests, "records": true, "state": true, "headers": true, "error": error});
        let rows = [
            json!({"manifest": "a", "built": true, "built_by_reference": true, "same_streams": true, "missing_streams": [], "streams": [
                stream("x", true, true, Value::Null), stream("y", true, false, json!("no")), stream("z", false, false, Value::Null),
            ]}),
            json!({"manifest": "b", "built": false, "built_by_reference": true, "same_streams": false, "missing_streams": ["s"], "error": "odd", "streams": []}),
            json!({"manifest": "c", "built": true, "built_by_reference": false, "same_streams": null, "streams": []}),
        ];
        let mut found = Found::default();
        swept(&rows, &mut found);
        let counted: Vec<_> = found.rows.iter().map(|row| (row.equal, row.total)).collect();
        assert_eq!(counted, [(2, 3), (1, 2), (1, 2), (2, 2), (2, 2), (2, 2)]);
        assert_eq!(found.differences, ["b: streams [\"s\"] are not listed; odd", "a/y: requests differ; we say no"]);
    }
}
