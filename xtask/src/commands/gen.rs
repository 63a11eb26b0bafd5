//! `gen`: writes the files that are generated from Rust, or checks that they are fresh.

use crate::shell::{built, cargo, program, read, root, run as start};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::fs;

/// The TypeScript side of the surface.
const CONTRACT: &str = "ui/src/gen/contract.ts";

/// Without a flag, files are written.
#[derive(Args)]
#[group(multiple = false)]
pub(crate) struct Arguments {
    /// Fail when a generated file is stale; write nothing.
    #[arg(long)]
    check: bool,
    /// Print instead of writing.
    #[arg(long)]
    print: bool,
}

impl Arguments {
    /// As `cargo xtask check` runs it.
    pub(crate) const CHECK: Self = Self { check: true, print: false };
}

/// Writes, checks or prints.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let fresh = contract()?;
    if arguments.print {
        print!("{fresh}");
        return Ok(());
    }
    let path = root().join(CONTRACT);
    let current = fs::read_to_string(&path).unwrap_or_default();
    if current == fresh {
        return Ok(());
    }
    if arguments.check {
        bail!("{CONTRACT} is stale: {}. Run `cargo xtask gen` and commit the result.", difference(&current, &fresh));
    }
    fs::write(&path, fresh).with_context(|| format!("{CONTRACT} could not be written"))?;
    println!("Wrote {CONTRACT}");
    Ok(())
}

/// The contract as the Rust side has it now.
fn contract() -> Result<String> {
    // `--workspace` although one example is wanted: cargo then resolves features as for everything else and builds nothing twice.
    start(cargo().args(["build", "--quiet", "--workspace", "--example", "generate"]))?;
    read(&mut program(built("examples/generate")))
}

/// The first line that differs: enough to see which type moved.
fn difference(current: &str, fresh: &str) -> String {
    let line = current.lines().zip(fresh.lines()).take_while(|(a, b)| a == b).count();
    let at = |text: &str| text.lines().nth(line).unwrap_or("(end of file)").trim().to_owned();
    format!("line {} is `{}` and should be `{}`", line + 1, at(current), at(fresh))
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn names_the_first_line_that_differs() {
        let rows = [
            ("a\nb\n", "a\nc\n", "line 2 is `b` and should be `c`"),
            ("a\n", "a\nc\n", "line 2 is `(end of file)` and should be `c`"),
            ("", "x\n", "line 1 is `(end of file)` and should be `x`"),
        ];
        for (current, fresh, text) in rows {
            assert_eq!(difference(current, fresh), text);
        }
    }
}
