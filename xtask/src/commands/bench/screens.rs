//! The screens of a large agency: 120 clients, three years, ten million rows of statistics in an encrypted workspace (`crates/api/examples/screens`).
//! Each is asked for twenty times; the median of reading its statistics and of its command, from the call to the answer as JSON, are
//! promised. Beside them stand the same questions to an embedded columnar engine on the same rows, where Python can install one, and what
//! both add up to must be the same.
//!
//! The workspace takes minutes to write and is kept in `target` while its recipe is the same.

use super::kept_in;
use crate::{
    commands::conformance::environment,
    shell::{cargo, exists, program, read, root, run as start},
};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Rows of statistics, and whose.
const ROWS: u32 = 10_000_000;
/// The recipe: what is not made by this text is made anew.
const RECIPE: &str = "crates/api/examples/screens/agency.rs";
/// Milliseconds that we promise: reading a screen's statistics, and its command from the call to the answer.
const MOST_QUERY: f64 = 40.0;
const MOST_COMMAND: f64 = 80.0;
/// The columnar engine, and what speaks to it.
const ENGINE: &[&str] = &["duckdb==2.0.0"];
const SCRIPT: &str = "xtask/src/commands/bench/columnar.py";

/// Measures, prints, and tells whether every promise was kept.
pub(super) fn run() -> Result<bool> {
    let workspace = workspace()?;
    let (mut kept, ours) = (true, lines(example().arg("measure").arg(&workspace))?);
    let peer = columnar(&workspace)?;
    for screen in ours.iter().filter(|line| line["screen"].is_string()) {
        let name = screen["screen"].as_str().unwrap_or_default();
        let (query, command) = (median(&screen["query"])?, median(&screen["command"])?);
        println!(
            "screen {name} median {query:.1} ms query (below {MOST_QUERY}), {command:.1} ms command (below {MOST_COMMAND}), {:.0} kB",
            screen["bytes"].as_f64().unwrap_or_default() / 1e3
        );
        if query >= MOST_QUERY || command >= MOST_COMMAND {
            println!("broken    {name} takes too long");
            kept = false;
        }
        let Some(same) = peer.get(name) else { continue };
        println!("columnar {name} median {:.1} ms query", median(&same["query"])?);
        if same["added"] != screen["added"] {
            println!("broken    {name}: ours {}, the columnar engine's {}", screen["added"], same["added"]);
            kept = false;
        }
    }
    for (whose, told) in [("screens", ours.last()), ("columnar", peer.get(""))] {
        let Some(told) = told else { continue };
        let megabytes = |name: &str| told[name].as_f64().map_or("?".to_owned(), |bytes| format!("{:.0}", bytes / 1e6));
        println!("{whose:<9} memory {} MB at most, file {} MB", megabytes("memory"), megabytes("file"));
    }
    Ok(kept)
}

/// The workspace, made when there is none of this recipe.
pub(super) fn workspace() -> Result<PathBuf> {
    start(cargo().args(["build", "--profile", "bench", "-p", "api", "--example", "screens"]))?;
    let folder = kept_in("screens");
    let (workspace, stamp, recipe) = (folder.join("workspace"), folder.join("recipe"), fs::read(root().join(RECIPE))?);
    if fs::read(&stamp).is_ok_and(|made| made == recipe) {
        return Ok(workspace);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&workspace)?;
    start(example().arg("make").arg(&workspace).arg(ROWS.to_string()))?;
    fs::write(stamp, recipe)?;
    Ok(workspace)
}

fn example() -> Command {
    program(super::built("examples/screens"))
}

/// The columnar engine's answers by screen, and what it says of itself under an empty name; none where there is no engine.
fn columnar(workspace: &Path) -> Result<HashMap<String, Value>> {
    let Some(python) = ["python3", "python"].into_iter().find(|name| exists(name)) else {
        println!("columnar  skipped: there is no Python to run an embedded columnar engine with");
        return Ok(HashMap::new());
    };
    let python = match environment(python, &kept_in("columnar"), ENGINE) {
        Ok(python) => python,
        Err(error) => {
            println!("columnar  skipped: {} cannot be installed ({error:#})", ENGINE.join(", "));
            return Ok(HashMap::new());
        }
    };
    let beside = |name: &str| workspace.with_file_name(name);
    let (database, half, rows) = (beside("columnar.db"), beside("columnar.new"), beside("rows.csv"));
    if !database.exists() {
        start(example().arg("export").arg(workspace).arg(&rows))?;
        start(program(&python).arg(root().join(SCRIPT)).arg(&half).arg(&rows))?;
        fs::rename(half, &database)?;
        fs::remove_file(rows)?;
    }
    let told = lines(program(python).arg(root().join(SCRIPT)).arg(database))?;
    Ok(told.into_iter().map(|line| (line["screen"].as_str().unwrap_or_default().to_owned(), line)).collect())
}

fn lines(command: &mut Command) -> Result<Vec<Value>> {
    read(command)?.lines().map(|line| serde_json::from_str(line).context("a line that is not JSON")).collect()
}

/// The middle one of an odd or even number of values.
fn median(values: &Value) -> Result<f64> {
    let mut values: Vec<f64> = values.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    ensure!(!values.is_empty(), "nothing was measured");
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    Ok(if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_middle_is_neither_the_best_nor_the_mean() -> Result<()> {
        for (values, expected) in [(json!([3.0, 1.0, 100.0]), 3.0), (json!([4, 1, 2, 100]), 3.0), (json!([7.5]), 7.5)] {
            assert!((median(&values)? - expected).abs() < 1e-9, "{values}");
        }
        assert!(median(&json!([])).is_err());
        Ok(())
    }
}
