//! The starter of a source of one's own: a manifest with every choice that systems without a connector usually leave open, to be changed in the
//! workbench instead of an empty page. A choice is one line, and its alternatives stand commented under it.
//!
//! The manifest is one; its comments are texts in both languages, put in where it says `#= name`.

use std::{collections::BTreeMap, sync::LazyLock};

const MANIFEST: &str = include_str!("manifest.yaml");
const MAPPING: &str = include_str!("mapping.yaml");
const RU: &str = include_str!("texts.ru.json");
const EN: &str = include_str!("texts.en.json");

/// The starter in one language.
#[derive(Debug)]
pub struct Starter {
    /// The manifest.
    pub manifest: String,
    /// Its mapping.
    pub mapping: String,
}

static STARTERS: LazyLock<[Starter; 2]> = LazyLock::new(|| {
    [RU, EN].map(|texts| {
        // Both files are part of the build, and a test reads them.
        let texts: BTreeMap<String, String> = serde_json::from_str(texts).unwrap_or_default();
        Starter { manifest: commented(MANIFEST, &texts), mapping: commented(MAPPING, &texts) }
    })
});

/// The starter in Russian and in English.
pub fn starters() -> (&'static Starter, &'static Starter) {
    let [ru, en] = &*STARTERS;
    (ru, en)
}

/// Puts the texts in where the file names them.
fn commented(file: &str, texts: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(file.len() * 2);
    for line in file.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        match line.trim_start().strip_prefix("#= ").and_then(|name| texts.get(name)) {
            Some(text) => text.lines().for_each(|text| out.extend([indent, "# ", text, "\n"])),
            None => out.extend([line, "\n"]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn its_comments_are_all_there_in_both_languages() {
        let named: BTreeSet<&str> = [MANIFEST, MAPPING]
            .iter()
            .flat_map(|file| file.lines())
            .filter_map(|line| line.trim().strip_prefix("#= "))
            .collect();
        for texts in [RU, EN] {
            let texts: BTreeMap<String, String> = serde_json::from_str(texts).unwrap();
            let known: BTreeSet<&str> = texts.keys().map(String::as_str).collect();
            assert_eq!(known, named);
            assert!(texts.values().all(|text| !text.trim().is_empty()));
        }
        let (ru, en) = starters();
        for starter in [ru, en] {
            assert!(!starter.manifest.contains("#=") && !starter.mapping.contains("#="));
        }
        assert_ne!(ru.manifest, en.manifest);
    }
}
