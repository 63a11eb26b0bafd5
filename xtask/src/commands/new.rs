//! `new connector NAME`: the skeleton of a connector's folder, so that adding a system begins with filling in and not with
//! copying another one.

use crate::shell::root;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use std::fs;

/// What to begin.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Subcommand)]
enum Kind {
    /// A folder in `crates/connectors/src`.
    Connector {
        /// The system's name, such as `my_target`.
        name: String,
    },
}

/// The folder that is copied. It is a connector itself, whose battery runs with every test of the others.
const SKELETON: &str = "crates/connectors/skeleton";
/// The folder of connectors, and the file that lists them.
const CONNECTORS: &str = "crates/connectors/src";
const REGISTRY: &str = "crates/connectors/src/lib.rs";

/// Copies the skeleton under its new name and lists it.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Kind::Connector { name } = &arguments.kind;
    if !is_name(name) {
        bail!("`{name}` is not a folder name: use lower-case letters, digits and `_`, beginning with a letter");
    }
    let folder = root().join(CONNECTORS).join(name);
    if folder.exists() {
        bail!("{CONNECTORS}/{name} is already there");
    }
    let registry =
        fs::read_to_string(root().join(REGISTRY)).with_context(|| format!("{REGISTRY} could not be read"))?;
    let registry = registered(&registry, name)?;
    fs::create_dir_all(folder.join("evidence")).with_context(|| format!("{} could not be made", folder.display()))?;
    for entry in fs::read_dir(root().join(SKELETON)).with_context(|| format!("{SKELETON} could not be read"))? {
        let file = entry?.path();
        let text = fs::read_to_string(&file).with_context(|| format!("{} could not be read", file.display()))?;
        let target = folder.join(file.file_name().unwrap_or_default());
        fs::write(&target, text.replace("skeleton", name))
            .with_context(|| format!("{} could not be written", target.display()))?;
    }
    fs::write(root().join(REGISTRY), registry).with_context(|| format!("{REGISTRY} could not be written"))?;
    println!(
        "Wrote {CONNECTORS}/{name} and its line in {REGISTRY}; its battery is green (`cargo test --workspace {name}`).\nNext: fill in \
         manifest.yaml from the vendor's pages, then mapping.yaml, texts, icon.svg; put answers that others wrote into evidence/ (without them \
         the tests stay red); say in README.md what it rests on; write its simulator; `cargo xtask gen`."
    );
    Ok(())
}

/// The registry with one connector more: its module in its place, itself at the end of the list.
fn registered(registry: &str, name: &str) -> Result<String> {
    const LIST: &str = "const SYSTEMS: &[System] = &[";
    let lines: Vec<&str> = registry.lines().collect();
    // What stands below an attribute is for tests alone, and the attribute must stay with it.
    let module = |at: &usize| -> Option<&str> {
        let known = lines[*at].strip_prefix("mod ")?.strip_suffix(';')?;
        (*at == 0 || !lines[*at - 1].starts_with("#[")).then_some(known)
    };
    let after = (0..lines.len()).rev().find(|at| module(at).is_some_and(|known| known < name));
    let before = (0..lines.len()).find(|at| module(at).is_some());
    let Some(at) = after.map(|at| at + 1).or(before) else { bail!("{REGISTRY} has no modules") };
    let mut text = String::new();
    for (place, line) in lines.iter().enumerate() {
        if place == at {
            text.extend(["mod ", name, ";\n"]);
        }
        text.push_str(line);
        text.push('\n');
    }
    let Some(start) = text.find(LIST) else { bail!("{REGISTRY} has lost its line `{LIST}`") };
    let Some(length) = text[start..].find("];") else { bail!("the list of {REGISTRY} does not end") };
    let end = start + length;
    let list = text[start + LIST.len()..end].trim_end().trim_end_matches(',').to_owned();
    text.replace_range(start + LIST.len()..end, &format!("{list}, {name}::SYSTEM"));
    Ok(text)
}

/// Whether it can be a Rust module and a folder.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{is_name, registered};

    #[test]
    fn a_connector_is_listed_in_its_place() {
        let registry = "#[cfg(test)]\nmod aa;\nmod alpha;\nmod gamma;\n#[cfg(test)]\nmod proof;\n\nconst SYSTEMS: &[System] = &[alpha::SYSTEM, gamma::SYSTEM];\n";
        for (name, modules) in [
            ("beta", ["alpha", "beta", "gamma"]),
            ("aaa", ["aaa", "alpha", "gamma"]),
            ("zeta", ["alpha", "gamma", "zeta"]),
        ] {
            let text = registered(registry, name).unwrap();
            let found: Vec<_> = text.lines().take_while(|line| !line.is_empty()).collect();
            let expected = modules.map(|module| format!("mod {module};")).join("\n");
            assert_eq!(found.join("\n"), format!("#[cfg(test)]\nmod aa;\n{expected}\n#[cfg(test)]\nmod proof;"));
            assert!(text.ends_with(&format!("&[alpha::SYSTEM, gamma::SYSTEM, {name}::SYSTEM];\n")), "{text}");
        }
        assert!(registered("fn main() {}\n", "beta").is_err());
    }

    #[test]
    fn names_that_can_be_modules() {
        for (name, good) in [("vk_ads", true), ("b2", true), ("VK", false), ("2b", false), ("", false), ("../x", false)]
        {
            assert_eq!(is_name(name), good, "{name}");
        }
    }
}
