//! What of the format this room runs, found out by watching it: while a manifest is built, every option that a component is
//! asked for is written down, and every option that is refused. `docs/connector-format.md` is made from that over the manifests
//! of our own corpus, so that the page cannot promise what the code does not read.

use crate::json::{Json, JsonText};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

/// Components and options of the format, one component a line: its type, then its options. Facts of the format's public schema
/// (`declarative_component_schema.yaml` of the reference, version 7.39.1, MIT); the helper words `type` and `$parameters`,
/// which every component has, are left out.
const FORMAT: &str = include_str!("inventory/format.txt");

/// Options that nobody needs to read, and why; `*` stands for every component.
const HARMLESS: &[(&str, &str, &str)] = &[
    ("*", "$options", "the older name of `$parameters`; no public manifest uses it"),
    ("*", "description", "for people"),
    (
        "DeclarativeSource",
        "definitions",
        "a place for what references point at; they are resolved before anything is built",
    ),
    (
        "DeclarativeSource",
        "schemas",
        "a place for what references point at; they are resolved before anything is built",
    ),
    ("DeclarativeSource", "metadata", "the format's free space; our own additions stand there, under `syncdeck`"),
    (
        "HttpRequester",
        "connect_timeout_in_seconds",
        "a connection is given up after 30 seconds, whatever the connector",
    ),
    ("HttpRequester", "use_tcp_keepalive", "connections are kept alive as our own client sees fit"),
    (
        "DatetimeBasedCursor",
        "allow_catalog_defined_cursor_field",
        "whoever reads cannot choose another cursor; it is always the manifest's own",
    ),
    (
        "IncrementingCountCursor",
        "allow_catalog_defined_cursor_field",
        "whoever reads cannot choose another cursor; it is always the manifest's own",
    ),
    (
        "OAuthConfigSpecification",
        "oauth_user_input_from_connector_config_specification",
        "the consent is not run from the manifest; its places in the form are shown instead",
    ),
    (
        "OAuthConfigSpecification",
        "complete_oauth_server_input_specification",
        "the consent is not run from the manifest; its places in the form are shown instead",
    ),
];

/// What makes a stream unavailable by its name, or is left out with a note, and why; `Custom*` stands for all custom classes.
pub const REFUSED: &[(&str, &str)] = &[
    (
        "Custom*",
        "a class in Python of one connector's author. A custom state migration, normalisation, validation, schema loader, error \
         handler or backoff is left out with a note; anything else makes its streams unavailable",
    ),
    ("DeclarativeStream.file_uploader", "files are not records; no advertising platform is read that way"),
    (
        "JsonFileSchemaLoader",
        "a file beside a connector's own package: left out with a note, types are told from the records",
    ),
    ("QuotaStatusSource", "a part of RateLimitedMultipleTokenAuthenticator"),
    ("RateLimitedMultipleTokenAuthenticator", "no public connector uses it; a connection here has one account"),
    ("Schemas", "no component: a place for what references point at"),
    ("TokenQuota", "a part of RateLimitedMultipleTokenAuthenticator"),
];

/// What was seen while manifests were built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Options that components were asked for, by type.
    pub read: BTreeMap<String, BTreeSet<String>>,
    /// Options that lead to a refusal, by type.
    pub refused: BTreeMap<String, BTreeSet<String>>,
    /// Options that stood in the manifests, by type.
    pub present: BTreeMap<String, BTreeSet<String>>,
}

thread_local! {
    static WATCHED: RefCell<Option<Inventory>> = const { RefCell::new(None) };
}

/// Does something and writes down what was read meanwhile, on this thread.
pub fn take_stock<T>(act: impl FnOnce() -> T) -> (T, Inventory) {
    WATCHED.with_borrow_mut(|watched| *watched = Some(Inventory::default()));
    let done = act();
    (done, WATCHED.with_borrow_mut(|watched| watched.take().unwrap_or_default()))
}

/// A component is about to be built from these options.
pub(crate) fn built<'o>(kind: &str, options: impl Iterator<Item = &'o str>) {
    WATCHED.with_borrow_mut(|watched| {
        if let Some(inventory) = watched {
            inventory.present.entry(kind.to_owned()).or_default().extend(options.map(str::to_owned));
        }
    });
}

/// A component is asked for an option.
pub(crate) fn read(kind: &str, option: &str) {
    WATCHED.with_borrow_mut(|watched| {
        if let Some(inventory) = watched {
            inventory.read.entry(kind.to_owned()).or_default().insert(option.to_owned());
        }
    });
}

/// An option of a component that is read as it stands, such as the document itself.
pub(crate) fn look<'j>(value: &'j Json, option: &str) -> Option<&'j Json> {
    let map = value.as_object()?;
    let kind = map.get("type").and_then(Json::as_str).unwrap_or_default();
    built(kind, map.keys().map(JsonText::as_str));
    read(kind, option);
    map.get(option).filter(|value| !value.is_null())
}

/// A component would be refused for an option.
pub(crate) fn refused(kind: &str, option: &str) {
    WATCHED.with_borrow_mut(|watched| {
        if let Some(inventory) = watched {
            inventory.refused.entry(kind.to_owned()).or_default().insert(option.to_owned());
        }
    });
}

/// What becomes of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is read, and a manifest of the corpus uses it.
    Supported,
    /// It is read, but no manifest of the corpus uses it.
    Unproven,
    /// Streams that use it are unavailable by its name.
    Refused,
    /// It changes nothing that leaves this room.
    Harmless(&'static str),
    /// Nobody asks for it: it would be ignored in silence, which must not happen.
    Overlooked,
}

impl Inventory {
    /// Every component of the format with its options and what becomes of them.
    pub fn fates(&self) -> Vec<(&'static str, Vec<(&'static str, Fate)>)> {
        let has = |map: &BTreeMap<String, BTreeSet<String>>, kind: &str, option: &str| {
            map.get(kind).is_some_and(|options| options.contains(option))
        };
        let fate = |kind: &'static str, option: &'static str| {
            let harmless = HARMLESS.iter().find(|(of, name, _)| (*of == "*" || *of == kind) && *name == option);
            match harmless {
                _ if has(&self.refused, kind, option) => Fate::Refused,
                _ if !self.present.contains_key(kind) => Fate::Refused,
                _ if has(&self.read, kind, option) && has(&self.present, kind, option) => Fate::Supported,
                _ if has(&self.read, kind, option) => Fate::Unproven,
                Some((_, _, why)) => Fate::Harmless(why),
                None => Fate::Overlooked,
            }
        };
        let lines = FORMAT.lines().filter(|line| !line.trim().is_empty());
        lines
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                let kind = words.next()?;
                Some((kind, words.map(|option| (option, fate(kind, option))).collect()))
            })
            .collect()
    }

    /// Whether the corpus builds a component of this type.
    pub fn builds(&self, kind: &str) -> bool {
        self.present.contains_key(kind)
    }

    /// The table of the documentation with the numbers above and the reasons below, as Markdown.
    pub fn table(&self) -> String {
        let fates = self.fates();
        let built = fates.iter().filter(|(kind, _)| self.builds(kind)).count();
        let all = || fates.iter().flat_map(|(_, options)| options).map(|(_, fate)| fate);
        let supported = |fate: &&Fate| matches!(fate, Fate::Supported | Fate::Unproven);
        let harmless = |fate: &&Fate| matches!(fate, Fate::Harmless(_));
        let mut table = format!(
            "{built} of {} components run, {} of their {} options; {} more change nothing and are left out.\n\n",
            fates.len(),
            all().filter(supported).count(),
            all().count(),
            all().filter(harmless).count()
        );
        table.push_str("| Component | Supported | Refused | Left out |\n|---|---|---|---|\n");
        for (kind, options) in &fates {
            let of = |wanted: fn(&Fate) -> bool| {
                let names: Vec<String> =
                    options.iter().filter(|(_, fate)| wanted(fate)).map(|(name, _)| format!("`{name}`")).collect();
                names.join(", ")
            };
            let refused =
                if self.builds(kind) { of(|fate| *fate == Fate::Refused) } else { "the component".to_owned() };
            let mut supported = of(|fate| matches!(fate, Fate::Supported | Fate::Unproven));
            if supported.is_empty() && self.builds(kind) {
                "yes".clone_into(&mut supported);
            }
            let left_out = of(|fate| matches!(fate, Fate::Harmless(_)));
            // Writing to text cannot fail.
            let _ = writeln!(table, "| `{kind}` | {supported} | {refused} | {left_out} |");
        }
        table.push_str("\n### Why refused\n");
        for (name, why) in REFUSED {
            let _ = writeln!(table, "- `{name}`: {why}.");
        }
        table.push_str("\n### Why left out\n");
        for (kind, option, why) in HARMLESS.iter().filter(|(kind, ..)| *kind != "*") {
            let _ = writeln!(table, "- `{kind}.{option}`: {why}.");
        }
        table
    }
}
