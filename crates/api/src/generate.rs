//! Writes the TypeScript side of the surface: every type, every command with its tags, every closed list.
//!
//! It is generated so that a renamed field or a forgotten command is a type error in the UI, and checked for staleness by
//! `cargo xtask check`, so that nobody edits it by hand.

use crate::contract::{Event, Tag};
use std::{any::TypeId, collections::BTreeMap, fmt::Write};
use ts_rs::{Config, TS, TypeVisitor};

/// Collects the declaration of a type and of everything it mentions.
struct Declarations {
    config: Config,
    seen: std::collections::HashSet<TypeId>,
    by_name: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        if T::output_path().is_some() {
            let docs = T::docs().unwrap_or_default();
            let declaration = format!("{docs}export {}", T::decl(&self.config));
            self.by_name.insert(T::ident(&self.config), declaration);
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

/// One line of the list of commands, as TypeScript needs it.
struct Line {
    docs: String,
    kind: &'static str,
    name: &'static str,
    request: String,
    response: String,
    tags: Vec<&'static str>,
}

macro_rules! describe {
    ($($(#[doc = $doc:literal])* $kind:ident $name:ident($request:ty) -> $response:ty [$($tag:ident),*];)*) => {
        fn lines(all: &mut Declarations) -> Vec<Line> {
            #[allow(clippy::wildcard_imports, reason = "the list names every wire type there is")]
            use crate::wire::*;
            use model::id::{ChannelId, ClientId, ConnectionId, DraftId, RunId, TemplateId};
            vec![$({
                all.visit::<$request>();
                all.visit::<$response>();
                Line {
                    docs: [$($doc),*].join(" ").trim().to_owned(),
                    kind: stringify!($kind),
                    name: stringify!($name),
                    request: <$request as TS>::name(&all.config),
                    response: <$response as TS>::name(&all.config),
                    tags: vec![$(stringify!($tag)),*],
                }
            }),*]
        }
    };
}
crate::with_commands!(describe);

/// Snake case of a tag's Rust name, as serde writes it.
fn tag(name: &str) -> String {
    name.to_ascii_lowercase()
}

macro_rules! closed_lists {
    ($out:ident: $($name:ident = $list:expr),* $(,)?) => {$(
        let words: Vec<String> = $list.iter().map(|w| format!("\"{w}\"")).collect();
        let _ = writeln!($out, "/** Every `{}`, in the order of its declaration. */", stringify!($name));
        let _ = writeln!($out, "export const all{0}: readonly {0}[] = [{1}];\n", stringify!($name), words.join(", "));
    )*};
}

/// The whole text of `ui/src/gen/contract.ts`.
pub fn typescript() -> String {
    use model::{
        ad::{Level, RejectReason},
        alert::{AlertKind, Severity},
        anomaly::AnomalyMetric,
        audit::AuditAction,
        channel::ChannelKind,
        failure::{Code, FailureKind},
        run::{DayState, Health, RunState, RunTrigger, SliceState},
        settings::Setting,
    };
    let mut all = Declarations {
        config: Config::new().with_large_int("number"),
        seen: std::collections::HashSet::default(),
        by_name: BTreeMap::new(),
    };
    let lines = lines(&mut all);
    all.visit::<Event>();
    all.visit::<Tag>();
    all.visit::<crate::wire::ApiError>();
    all.visit::<AuditAction>();
    all.visit::<ChannelKind>();
    all.visit::<crate::wire::MappingField>();

    let mut out = String::from(
        "/**\n * The surface of the backend: generated from `crates/api/src/contract.rs` by `cargo xtask gen`. Do not edit:\n * `cargo xtask check` compares it with the Rust side.\n */\n\n",
    );
    for declaration in all.by_name.values() {
        let _ = writeln!(out, "{declaration}\n");
    }
    out.push_str("/** Every command: what it takes, what it answers, and whether it reads or changes. */\nexport interface Commands {\n");
    for line in &lines {
        let _ = writeln!(
            out,
            "  /** {} */\n  {}: {{ request: {}; response: {}; kind: \"{}\" }};",
            line.docs, line.name, line.request, line.response, line.kind
        );
    }
    out.push_str("}\n\n/** Whether a command reads or changes, and which cached answers are concerned. */\nexport const commands = {\n");
    for line in &lines {
        let tags: Vec<String> = line.tags.iter().map(|name| format!("\"{}\"", tag(name))).collect();
        let _ = writeln!(out, "  {}: {{ kind: \"{}\", tags: [{}] }},", line.name, line.kind, tags.join(", "));
    }
    out.push_str("} as const satisfies { [Name in keyof Commands]: { kind: Commands[Name][\"kind\"]; tags: readonly Tag[] } };\n\n");
    closed_lists!(out:
        Code = Code::ALL,
        FailureKind = FailureKind::ALL,
        Level = Level::ALL,
        RejectReason = RejectReason::ALL,
        RunState = RunState::ALL,
        RunTrigger = RunTrigger::ALL,
        SliceState = SliceState::ALL,
        DayState = DayState::ALL,
        Health = Health::ALL,
        AuditAction = AuditAction::ALL,
        ChannelKind = ChannelKind::ALL,
        AlertKind = AlertKind::ALL,
        AnomalyMetric = AnomalyMetric::ALL,
        Severity = Severity::ALL,
        Setting = Setting::ALL,
    );
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}
