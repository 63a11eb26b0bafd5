//! `fuzz`: lets a machine write manifests, templates, bodies and JSON until something of ours breaks. The targets lie in `fuzz/`, outside
//! the workspace, because they need a nightly compiler; what they found before lies in `fuzz/corpus` and is built upon.

use crate::shell::{exists, program, root, run as start};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::{fs, path::Path};

/// All of them.
const TARGETS: [&str; 4] = ["manifest", "template", "decoders", "json"];

/// What to break.
#[derive(Args)]
pub(crate) struct Arguments {
    /// How long each target runs.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// One target: manifest, template, decoders or json; without it all, one after the other.
    target: Option<String>,
}

/// Runs the targets; fails at the first input that breaks one, which is kept in `fuzz/artifacts`.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let wanted: Vec<&str> = match &arguments.target {
        None => TARGETS.to_vec(),
        Some(name) => {
            let known = TARGETS.iter().find(|target| *target == name);
            vec![known.with_context(|| format!("there is no target {name}, only {}", TARGETS.join(", ")))?]
        }
    };
    ready()?;
    for target in wanted {
        seed(target)?;
        // One process, and no more memory than a laptop can spare: an input that needs more is a finding.
        let limits = [
            format!("-max_total_time={}", arguments.minutes * 60),
            "-rss_limit_mb=2048".to_owned(),
            // With every check of the sanitizer on, a template that uses up all its steps takes a while on a busy computer.
            "-timeout=180".to_owned(),
            "-print_final_stats=1".to_owned(),
        ];
        // Not the cargo that runs us: that one is stable.
        start(program("cargo").args(["+nightly", "fuzz", "run", target, "--"]).args(&limits))
            .with_context(|| format!("the input that broke it lies in fuzz/artifacts/{target}"))?;
    }
    Ok(())
}

/// The nightly compiler, and cargo-fuzz, which is installed when it is missing.
fn ready() -> Result<()> {
    let nightly = program("cargo").args(["+nightly", "--version"]).output();
    if !nightly.is_ok_and(|output| output.status.success()) {
        bail!(
            "Fuzzing needs the nightly compiler. Install it with `rustup toolchain install nightly`, then start again."
        );
    }
    if !exists("cargo-fuzz") {
        start(program("cargo").args(["+nightly", "install", "cargo-fuzz", "--locked"]))?;
    }
    Ok(())
}

/// Puts what our tests know into the corpus of a target.
fn seed(target: &str) -> Result<()> {
    let corpus = root().join("fuzz/corpus").join(target);
    fs::create_dir_all(&corpus).with_context(|| format!("{} could not be made", corpus.display()))?;
    for (number, text) in seeds(target)?.into_iter().enumerate() {
        fs::write(corpus.join(format!("seed-{number}")), text)?;
    }
    Ok(())
}

fn seeds(target: &str) -> Result<Vec<Vec<u8>>> {
    let tests = root().join("crates/manifest/tests");
    let manifests = texts(&tests.join("corpus"), "yaml")?;
    Ok(match target {
        "manifest" => manifests.into_iter().map(String::into_bytes).collect(),
        "template" => {
            let mut all: Vec<String> =
                manifests.iter().chain(&texts(&tests, "rs")?).flat_map(|text| templates(text)).collect();
            all.sort();
            all.dedup();
            all.into_iter()
                .map(|text| {
                    format!("{text}\0{{\"id\": 1, \"name\": \"x\", \"items\": [1.5, null, true]}}").into_bytes()
                })
                .collect()
        }
        "json" => texts(&tests.join("corpus"), "json")?.into_iter().map(String::into_bytes).collect(),
        // The first byte picks the decoder, the second what is wanted.
        _ => [
            &b"\x00\x02{\"a\": {\"b\": [1, 2.5, \"x\"]}}"[..],
            b"\x01\x00{\"a\": 1}\n{\"a\": 2}\n",
            b"\x02\x00{\"a\": [{\"b\": [1, 2]}, {\"b\": []}]}",
            b"\x03\x00a,b\r\n1,\"x \"\"y\"\"\"\r\nnull,\r\n",
            b"\x04\x00<?xml version=\"1.0\"?><a k=\"v\"><b>1</b><b><![CDATA[x]]>&lt;</b></a>",
            b"\x05\x00one\ntwo\r\n",
            b"\x06\x00\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabVJT\xb22\xac\x05\x00\xed\xfd\x97\x41\x07\x00\x00\x00",
            b"\x0c\x00PK\x03\x04\x14\x00\x00\x00\x00\x00",
        ]
        .map(<[u8]>::to_vec)
        .to_vec(),
    })
}

/// Files of a folder that end so.
fn texts(folder: &Path, end: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{} could not be read", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == end) {
            found.push(fs::read_to_string(&path).with_context(|| format!("{} could not be read", path.display()))?);
        }
    }
    Ok(found)
}

/// The templates in a text, each from its first tag to the last of its line.
fn templates(text: &str) -> Vec<String> {
    let of = |line: &str| {
        let from = ["{{", "{%"].iter().filter_map(|tag| line.find(tag)).min()?;
        let to = ["}}", "%}"].iter().filter_map(|tag| line.rfind(tag)).max()? + 2;
        (from < to).then(|| line[from..to].to_owned())
    };
    text.lines().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_found_in_lines() {
        let rows: [(&str, &[&str]); 4] = [
            ("a: '{{ config.a }}x{{ b }}'", &["{{ config.a }}x{{ b }}"]),
            ("{% if a %}b{% endif %}\nnone\n}} {{", &["{% if a %}b{% endif %}"]),
            ("{a: {b: 1}}", &[]),
            ("", &[]),
        ];
        for (text, expected) in rows {
            assert_eq!(templates(text), expected, "{text}");
        }
    }
}
