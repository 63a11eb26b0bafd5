//! `check`: everything that can be said about the source without running it.

use crate::{
    commands::{r#gen, setup},
    report::Report,
    shell::{cargo, npm, root, run as start},
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders with source of our own.
const SOURCE: &[&str] =
    &["crates", "src-tauri", "xtask", "fuzz/fuzz_targets", "tests", "ui/src", "ui/tests", "ui/harness"];

/// Marks of unfinished work, put together so that this file does not contain them itself.
const UNFINISHED: &[&str] = &[
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
];

/// The command itself.
pub(crate) fn run() -> Result<()> {
    let mut report = Report::default();
    if report.stage("setup", setup::for_build) {
        // The shell embeds the built UI, so clippy on the shell needs one; the build includes the types check.
        report.stage("UI types and build", || start(npm().args(["run", "build"])));
        stages(&mut report);
    }
    report.finish()
}

/// The stages that `test` shares, for a UI that has been built.
pub(crate) fn stages(report: &mut Report) {
    report.stage("format", || start(cargo().args(["fmt", "--all", "--check"])));
    report.stage("file headers", tidy);
    report.stage("UI lint", || start(npm().args(["run", "lint"])));
    report.stage("lints", || {
        start(cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
    });
    report.stage("generated files", || r#gen::run(&r#gen::Arguments::CHECK));
}

/// Every source file says what it is for, and none is unfinished.
fn tidy() -> Result<()> {
    let mut complaints = Vec::new();
    let mut count = 0;
    for folder in SOURCE {
        let folder = root().join(folder);
        if !folder.is_dir() {
            continue;
        }
        for file in files(&folder)? {
            let text = fs::read_to_string(&file).with_context(|| format!("{} could not be read", file.display()))?;
            let name = file.strip_prefix(root()).unwrap_or(&file).display().to_string();
            count += 1;
            complaints.extend(complain(&name, &text));
        }
    }
    if !complaints.is_empty() {
        bail!("{}", complaints.join("\n"));
    }
    println!("{count} files say what they are for");
    Ok(())
}

/// Rust and TypeScript files below a folder, without what is built or installed there.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{} could not be read", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            if !["node_modules", "target", "dist"].iter().any(|skip| path.ends_with(skip)) {
                found.extend(files(&path)?);
            }
        } else if path.extension().is_some_and(|end| ["rs", "ts", "tsx"].iter().any(|known| end == *known)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What is wrong with one file.
fn complain(name: &str, text: &str) -> Vec<String> {
    let opening = if Path::new(name).extension().is_some_and(|end| end == "rs") { "//!" } else { "/**" };
    let mut complaints = Vec::new();
    if !text.starts_with(opening) {
        complaints.push(format!("{name}: does not open with `{opening}` saying what it is for"));
    }
    for (number, line) in text.lines().enumerate() {
        complaints.extend(
            UNFINISHED
                .iter()
                .filter(|mark| line.contains(**mark))
                .map(|mark| format!("{name}:{}: `{mark}` marks unfinished work", number + 1)),
        );
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_unfinished_work() {
        let unfinished = UNFINISHED[0];
        let rows = [
            ("a.rs", "//! For this.\n".to_owned(), 0),
            ("a.rs", "use std::fs;\n".to_owned(), 1),
            ("a.rs", "/** Not how Rust does it. */".to_owned(), 1),
            ("a.tsx", "/** For this. */\n".to_owned(), 0),
            ("a.ts", "import x from 'x';\n".to_owned(), 1),
            ("a.rs", format!("//! For this.\nfn f() {{ {unfinished}) }}\n"), 1),
            ("a.rs", String::new(), 1),
        ];
        for (name, text, complaints) in rows {
            assert_eq!(complain(name, &text).len(), complaints, "{text}");
        }
    }
}
