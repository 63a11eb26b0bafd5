//! `gen`: writes the files that are generated from Rust, or checks that they are fresh. Four there are: the TypeScript side of the
//! surface, the table of states in the glossary, what of the connector format is supported, and the catalogue of connectors.

use crate::shell::{built, cargo, program, read, root, run as start};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;
use std::{fmt::Write, fs};

/// The TypeScript side of the surface.
const CONTRACT: &str = "ui/src/gen/contract.ts";

/// The glossary, of which everything below [`MARK`] is generated.
const GLOSSARY: &str = "docs/glossary.md";

/// The page on the connector format, likewise.
const FORMAT: &str = "docs/connector-format.md";

/// The catalogue, likewise.
const CATALOGUE: &str = "docs/connectors.md";

/// What ends the part of a page that is written by hand.
const MARK: &str = "<!-- generated below -->\n";

/// Closed lists of the contract, and where their words stand in the texts shared by all screens.
const LISTS: &[(&str, &str)] =
    &[("RunState", "run"), ("RunTrigger", "trigger"), ("DayState", "day"), ("Health", "health"), ("Level", "level")];

/// Without a flag, files are written.
#[derive(Args)]
#[group(multiple = false)]
pub(crate) struct Arguments {
    /// Fail when a generated file is stale; write nothing.
    #[arg(long)]
    check: bool,
    /// Print the contract instead of writing.
    #[arg(long)]
    print: bool,
}

impl Arguments {
    /// As `cargo xtask check` runs it.
    pub(crate) const CHECK: Self = Self { check: true, print: false };
}

/// Writes, checks or prints.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let contract = contract()?;
    if arguments.print {
        print!("{contract}");
        return Ok(());
    }
    let text = |path: &str| fs::read_to_string(root().join(path)).with_context(|| format!("{path} could not be read"));
    let words = |language: &str| -> Result<Value> {
        let path = format!("ui/src/shared/texts/{language}.json");
        serde_json::from_str(&text(&path)?).with_context(|| format!("{path} is not JSON"))
    };
    let glossary = glossary(&text(GLOSSARY)?, &contract, &words("ru")?, &words("en")?)?;
    let format = page(FORMAT, &text(FORMAT)?, &read(&mut program(built("examples/format")))?)?;
    let catalogue = page(CATALOGUE, &text(CATALOGUE)?, &read(&mut program(built("examples/catalogue")))?)?;
    for (path, fresh) in [(CONTRACT, contract), (GLOSSARY, glossary), (FORMAT, format), (CATALOGUE, catalogue)] {
        let current = text(path).unwrap_or_default();
        if current == fresh {
            continue;
        }
        if arguments.check {
            bail!("{path} is stale: {}. Run `cargo xtask gen` and commit the result.", difference(&current, &fresh));
        }
        fs::write(root().join(path), fresh).with_context(|| format!("{path} could not be written"))?;
        println!("Wrote {path}");
    }
    Ok(())
}

/// The contract as the Rust side has it now.
fn contract() -> Result<String> {
    // `--workspace` although three examples are wanted: cargo then resolves features as for everything else and builds nothing twice.
    start(cargo().args([
        "build",
        "--quiet",
        "--workspace",
        "--example",
        "generate",
        "--example",
        "format",
        "--example",
        "catalogue",
    ]))?;
    read(&mut program(built("examples/generate")))
}

/// The glossary with a fresh table of states. Fails when a state has no word in a language.
fn glossary(current: &str, contract: &str, ru: &Value, en: &Value) -> Result<String> {
    let Some((written, _)) = current.split_once(MARK) else {
        bail!("{GLOSSARY} has lost its line `{}`", MARK.trim());
    };
    let mut fresh = format!("{written}{MARK}\n| List | Word | RU | EN |\n|---|---|---|---|\n");
    for (list, key) in LISTS {
        for word in closed_list(contract, list)? {
            let text = |language: &Value| {
                let text = language[key][word].as_str().map(str::to_owned);
                text.with_context(|| format!("`{key}.{word}` is missing in the texts shared by all screens"))
            };
            writeln!(fresh, "| `{list}` | `{word}` | {} | {} |", text(ru)?, text(en)?)?;
        }
    }
    Ok(fresh)
}

/// A page with a fresh part below what is written by hand.
fn page(path: &str, current: &str, generated: &str) -> Result<String> {
    let Some((written, _)) = current.split_once(MARK) else {
        bail!("{path} has lost its line `{}`", MARK.trim());
    };
    Ok(format!("{written}{MARK}\n{generated}"))
}

/// The words of a closed list, in the order of its declaration.
fn closed_list<'a>(contract: &'a str, name: &str) -> Result<Vec<&'a str>> {
    let opening = format!("export const all{name}: readonly {name}[] = [");
    let list = contract.lines().find_map(|line| line.strip_prefix(opening.as_str())?.strip_suffix("];"));
    let list = list.with_context(|| format!("the contract has no list of every `{name}`"))?;
    Ok(list.split(", ").map(|word| word.trim_matches('"')).collect())
}

/// The first line that differs: enough to see what moved.
fn difference(current: &str, fresh: &str) -> String {
    let line = current.lines().zip(fresh.lines()).take_while(|(a, b)| a == b).count();
    let at = |text: &str| text.lines().nth(line).unwrap_or("(end of file)").trim().to_owned();
    format!("line {} is `{}` and should be `{}`", line + 1, at(current), at(fresh))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

    use super::*;
    use serde_json::json;

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

    #[test]
    fn a_page_keeps_what_is_written_by_hand() {
        let fresh = page(FORMAT, &format!("By hand.\n{MARK}old"), "| new |\n").unwrap();
        assert_eq!(fresh, format!("By hand.\n{MARK}\n| new |\n"));
        assert_eq!(page(FORMAT, &fresh, "| new |\n").unwrap(), fresh);
        assert!(page(FORMAT, "no mark", "").is_err());
    }

    #[test]
    fn the_table_of_states_follows_the_contract_and_needs_every_word() {
        let words = json!({ "a": "A", "b": "B" });
        let texts = json!({ "run": words, "trigger": words, "day": words, "health": words, "level": words });
        let list = |(name, _): &(&str, &str)| format!("export const all{name}: readonly {name}[] = [\"b\", \"a\"];\n");
        let contract = LISTS.iter().map(list).collect::<Vec<_>>().concat();
        let current = format!("By hand.\n{MARK}old");
        let fresh = glossary(&current, &contract, &texts, &texts).unwrap();
        assert!(fresh.starts_with("By hand.\n"));
        assert!(fresh.contains("| `RunState` | `b` | B | B |\n| `RunState` | `a` | A | A |\n"), "{fresh}");
        assert!(!fresh.contains("old"));
        assert_eq!(glossary(&fresh, &contract, &texts, &texts).unwrap(), fresh);

        let poor = json!({ "run": { "a": "A" } });
        assert!(glossary(&current, &contract, &poor, &texts).is_err());
        assert!(glossary(&current, "", &texts, &texts).is_err());
        assert!(glossary("no mark", &contract, &texts, &texts).is_err());
    }
}
