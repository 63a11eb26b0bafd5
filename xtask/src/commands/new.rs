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

/// Writes the skeleton.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Kind::Connector { name } = &arguments.kind;
    if !is_name(name) {
        bail!("`{name}` is not a folder name: use lower-case letters, digits and `_`, beginning with a letter");
    }
    let folder = root().join("crates/connectors/src").join(name);
    if folder.exists() {
        bail!("crates/connectors/src/{name} is already there");
    }
    fs::create_dir_all(folder.join("fixtures")).with_context(|| format!("{} could not be made", folder.display()))?;
    for (file, text) in skeleton(name) {
        fs::write(folder.join(file), text).with_context(|| format!("{file} could not be written"))?;
    }
    println!(
        "Wrote crates/connectors/src/{name}. Next: fill in manifest.yaml from the vendor's pages, then mapping.yaml, the texts and \
         an icon.svg, add its line to the registry, and write its simulator."
    );
    Ok(())
}

/// Whether it can be a Rust module and a folder.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

/// The files of a new connector.
fn skeleton(name: &str) -> [(&'static str, String); 4] {
    let texts = "{\n  \"name\": \"\",\n  \"summary\": \"\"\n}\n";
    [
        (
            "manifest.yaml",
            format!(
                "# How {name} is read. Every fact carries the vendor page it comes from.\nversion: \"6.0.0\"\ntype: DeclarativeSource\n"
            ),
        ),
        ("mapping.yaml", format!("# How the streams of {name} become campaign_stats.\n")),
        ("texts.en.json", texts.to_owned()),
        ("texts.ru.json", texts.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names_that_can_be_modules() {
        for (name, good) in [("vk_ads", true), ("b2", true), ("VK", false), ("2b", false), ("", false), ("../x", false)]
        {
            assert_eq!(is_name(name), good, "{name}");
        }
    }
}
