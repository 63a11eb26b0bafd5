//! The walls of the house, read from `cargo metadata` and from the source: who may depend on whom, who may touch a secret, a
//! database, the window. `ARCHITECTURE.md` explains them; this test keeps them true.
//!
//! Each rule is a function from facts to complaints, and each is shown bad examples below, so that a rule which has stopped
//! noticing anything fails too.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use cargo_metadata::{DependencyKind, MetadataCommand};
use regex::Regex;
use std::{
    fs,
    path::{Component, Path, PathBuf},
};

/// Which rooms a room may depend on. A room that is not in the list may not exist.
const DOORS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("vault", &["model"]),
    ("store", &["model"]),
    ("kit", &["model"]),
    ("manifest", &["model", "kit"]),
    ("connectors", &["model", "kit", "manifest"]),
    // Carries messages to people; what is told when, and to whom, is `sync`'s.
    ("notify", &["model", "kit"]),
    // Never `connectors`: they meet a connector only as a trait object from the registry that `api` wires in.
    ("sync", &["model", "store", "kit"]),
    ("insight", &["model", "store", "kit"]),
    // Vendors' side of the wire; what they know of us is the words of the domain.
    ("simulators", &["model"]),
    // `simulators` because the demo workspace is synced from them.
    ("api", &["model", "vault", "store", "kit", "manifest", "connectors", "sync", "insight", "notify", "simulators"]),
    ("cli", &["model", "api"]),
    ("syncdeck", &["model", "api"]),
    ("xtask", &[]),
];

/// Libraries that only one room may know, by the beginning of their name.
const OWNED_LIBRARIES: &[(&str, &str)] = &[
    ("tauri", "syncdeck"),
    ("keyring", "vault"),
    ("secret-service", "vault"),
    ("zbus", "vault"),
    ("security-framework", "vault"),
    ("sqlx", "store"),
    ("libsqlite3-sys", "store"),
    ("lettre", "notify"),
    ("starship-battery", "api"),
];

/// Where the clear text of a secret may be taken out of its wrapper.
const EXPOSING: &[&str] = &[
    // Sealing, unsealing and the keychain itself.
    "crates/vault/",
    // Signing requests and sign-in flows.
    "crates/kit/",
    // A webhook's address is taken apart; the library for mail signs in with a password that is text.
    "crates/notify/src/slack.rs",
    "crates/notify/src/email.rs",
    // The ecosystem's protocol hands rotated tokens back to its caller, on standard output.
    "crates/api/src/protocol/config.rs",
    // The database key goes into `PRAGMA key`, which has no other form than text.
    "crates/store/src/open.rs",
];

/// Where else than in its own folder the name of a system may stand: the registry, which lists it and the simulators.
const SYSTEMS_NAMED: &[&str] = &["crates/connectors/src/lib.rs", "crates/simulators/"];

/// One dependency of one of our packages.
struct Door {
    from: String,
    to: String,
    for_tests: bool,
}

fn rooms() -> Vec<&'static str> {
    DOORS.iter().map(|(room, _)| *room).collect()
}

/// Complaints about dependencies.
fn doors(all: &[Door]) -> Vec<String> {
    let mut complaints = Vec::new();
    for Door { from, to, for_tests } in all {
        let Some((_, allowed)) = DOORS.iter().find(|(room, _)| room == from) else {
            complaints.push(format!("{from} is not in the list of rooms"));
            continue;
        };
        // Any test may start a simulator, and the root's tests are those that cross rooms.
        let open_for_tests = *for_tests && (to == "simulators" || from == "syncdeck");
        if rooms().contains(&to.as_str()) && !allowed.contains(&to.as_str()) && !open_for_tests {
            complaints.push(format!("{from} must not depend on {to}"));
        }
        for (library, owner) in OWNED_LIBRARIES {
            // They put a service of the system in another one's place, such as a desktop that shows notifications.
            let open_for_tests = *for_tests && from == "syncdeck";
            if to.starts_with(library) && from != owner && !open_for_tests {
                complaints.push(format!("only {owner} may know {library}, not {from} ({to})"));
            }
        }
    }
    complaints
}

/// Complaints about one Rust file. `path` is relative to the root, with `/`.
fn rust(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let in_tests = path.split('/').any(|part| part == "tests" || part == "tests.rs");
    if text.contains(".expose(") && !in_tests && !EXPOSING.iter().any(|open| path.starts_with(open)) {
        complaints.push(format!("{path}: takes a secret out of its wrapper"));
    }
    let sql = Regex::new(
        r#""\s*(SELECT\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|(CREATE|ALTER|DROP)\s+(TABLE|INDEX|TRIGGER|VIEW)\s|PRAGMA\s|WITH\s+\w+\s+AS\s)"#,
    )
    .unwrap();
    if sql.is_match(text) && !path.starts_with("crates/store/") && path != "tests/walls.rs" {
        complaints.push(format!("{path}: contains SQL"));
    }
    // A write past the lease would be neither heard by other programs nor refused to one that was replaced.
    let past_the_lease = |line: &&str| line.contains(".execute(&self.writer)") && !line.contains("PRAGMA");
    if path.starts_with("crates/store/src/") && !path.ends_with("/open.rs") {
        complaints
            .extend(text.lines().filter(past_the_lease).map(|line| format!("{path}: writes past the lease: {line}")));
    }
    complaints
}

/// Complaints about one file that knows a system it should not know: whoever adds a system touches its folder and the registry.
fn systems(path: &str, text: &str, ids: &[String]) -> Vec<String> {
    let part_of_tests = ["/tests", "/examples/", ".test."].iter().any(|part| path.contains(part));
    if part_of_tests || SYSTEMS_NAMED.iter().any(|open| path.starts_with(open)) {
        return Vec::new();
    }
    let code = text.split_once("#[cfg(test)]").map_or(text, |(code, _)| code);
    let known = ids.iter().filter(|id| {
        let named = [format!("\"{id}\""), format!("{id}::")].iter().any(|name| code.contains(name.as_str()));
        named && !path.starts_with(&format!("crates/connectors/src/{id}/"))
    });
    known.map(|id| format!("{path}: knows the system {id}")).collect()
}

/// Complaints about one file of the UI.
fn ui(path: &str, text: &str) -> Vec<String> {
    let import = Regex::new(r#"(?:\bfrom\s*|\bimport\s*\(?\s*)["']([^"']+)["']"#).unwrap();
    let backend = Regex::new(r"\b(fetch\(|new (EventSource|WebSocket|XMLHttpRequest)\b|__TAURI_)").unwrap();
    let in_host = path.starts_with("ui/src/host/");
    let mut complaints = Vec::new();
    for found in import.captures_iter(text) {
        let name = &found[1];
        if name.starts_with("@tauri-apps") && !in_host {
            complaints.push(format!("{path}: only ui/src/host may import {name}"));
        }
        if ["@tanstack/react-table", "@tanstack/react-virtual"].iter().any(|grid| name.starts_with(grid))
            && !path.starts_with("ui/src/shared/ui/")
        {
            complaints.push(format!("{path}: the grid is shared/ui's DataGrid; {name} is its own affair"));
        }
        if name.starts_with("echarts") && !path.starts_with("ui/src/shared/chart/") {
            complaints.push(format!("{path}: only ui/src/shared/chart draws with {name}"));
        }
        let target = if let Some(inside) = name.strip_prefix("@/") {
            format!("ui/src/{inside}")
        } else if name.starts_with('.') {
            join(Path::new(path).parent().unwrap(), name)
        } else {
            continue;
        };
        let (from, to) = (area(path), area(&target));
        let closed = match (from.0, to.0) {
            ("features", "features") => from.1 != to.1,
            ("features", "app") => true,
            ("shared" | "host" | "gen", area) => matches!(area, "features" | "app"),
            _ => false,
        };
        if closed {
            complaints.push(format!("{path}: must not import {target}"));
        }
    }
    if backend.is_match(text) && !in_host {
        complaints.push(format!("{path}: only ui/src/host knows how the backend is reached"));
    }
    complaints
}

/// `features/overview/parts/x.tsx` is in `features`, of the feature `overview`.
fn area(path: &str) -> (&str, &str) {
    let mut parts = path.strip_prefix("ui/src/").unwrap_or_default().split('/');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// The path that `name` means in `folder`.
fn join(folder: &Path, name: &str) -> String {
    let mut path = PathBuf::new();
    for part in folder.join(name).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    path.to_string_lossy().replace('\\', "/")
}

/// Complaints about the window's content security policy: `directive -> sources`.
fn policy(directives: &[(String, String)]) -> Vec<String> {
    let mut complaints = Vec::new();
    if !directives.iter().any(|(name, sources)| name == "default-src" && sources == "'self'") {
        complaints.push("default-src is not 'self'".to_owned());
    }
    for (name, sources) in directives {
        for source in sources.split_whitespace() {
            let good = match source {
                "'self'" | "'none'" => true,
                "'unsafe-inline'" => name == "style-src",
                "data:" => name == "img-src",
                "ipc:" | "http://ipc.localhost" => name == "connect-src",
                _ => false,
            };
            if !good {
                complaints.push(format!("{name} allows {source}"));
            }
        }
    }
    complaints
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` with one of these endings, as (path from the root, text).
fn sources(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| endings.iter().any(|known| end == *known)) {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn rooms_have_only_the_doors_of_the_plan() {
    let house = MetadataCommand::new().no_deps().exec().unwrap();
    let all: Vec<Door> = house
        .packages
        .iter()
        .flat_map(|package| {
            package.dependencies.iter().map(|dependency| Door {
                from: package.name.to_string(),
                to: dependency.name.clone(),
                for_tests: dependency.kind == DependencyKind::Development,
            })
        })
        .collect();
    assert!(all.len() > 50, "cargo metadata told of {} dependencies only", all.len());
    let mut complaints = doors(&all);
    for package in &house.packages {
        if !rooms().contains(&package.name.as_str()) {
            complaints.push(format!("{} is not in the list of rooms", package.name));
        }
        // The workspace forbids `unsafe` and sets the lints; a package that does not inherit them is outside the walls.
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        if !manifest.contains("[lints]\nworkspace = true") {
            complaints.push(format!("{} does not inherit the workspace's lints", package.name));
        }
    }
    none(&complaints);
}

#[test]
fn secrets_and_sql_stay_in_their_rooms() {
    let files: Vec<_> =
        ["crates", "src-tauri", "xtask", "tests"].iter().flat_map(|dir| sources(dir, &["rs"])).collect();
    assert!(files.len() > 30, "{} files found", files.len());
    none(&files.iter().flat_map(|(path, text)| rust(path, text)).collect::<Vec<_>>());
}

#[test]
fn a_system_is_its_folder_and_its_line_in_the_registry() {
    let folder = root().join("crates/connectors/src");
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let ids: Vec<String> = entries
        .filter(|path| path.join("manifest.yaml").exists())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(ids.len() > 1, "{ids:?}");
    let registry = fs::read_to_string(folder.join("lib.rs")).unwrap();
    for id in &ids {
        let named = Regex::new(&format!(r"\b{id}\b")).unwrap();
        let lines: Vec<_> = registry.lines().filter(|line| named.is_match(line)).collect();
        // Its module, and the list of all.
        assert_eq!(lines.len(), 2, "{id} stands in the registry elsewhere, too: {lines:#?}");
    }
    let files: Vec<_> =
        ["crates", "src-tauri", "ui/src"].iter().flat_map(|dir| sources(dir, &["rs", "ts", "tsx"])).collect();
    none(&files.iter().flat_map(|(path, text)| systems(path, text, &ids)).collect::<Vec<_>>());
}

#[test]
fn screens_reach_the_backend_through_the_host_only() {
    let files = sources("ui/src", &["ts", "tsx"]);
    assert!(files.len() > 5, "{} files found", files.len());
    none(&files.iter().flat_map(|(path, text)| ui(path, text)).collect::<Vec<_>>());
}

#[test]
fn the_window_may_do_nothing_but_call_and_listen() {
    let json = |path: &str| -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(root().join(path)).unwrap()).unwrap()
    };
    let config = json("tauri.conf.json");
    let directives: Vec<(String, String)> = config["app"]["security"]["csp"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, sources)| (name.clone(), sources.as_str().unwrap().to_owned()))
        .collect();
    none(&policy(&directives));
    assert_eq!(config["app"]["withGlobalTauri"], false);
    assert_eq!(config["app"]["security"]["capabilities"], serde_json::json!(["main"]));
    let capability = json("src-tauri/capabilities/main.json");
    let wanted = serde_json::json!(["allow-call", "core:event:allow-listen", "core:event:allow-unlisten"]);
    assert_eq!(capability["permissions"], wanted);
    assert_eq!(capability.get("remote"), None);
    assert_eq!(fs::read_dir(root().join("src-tauri/capabilities")).unwrap().count(), 1);
}

/// The rules themselves: each must see what it is for.
mod rules {
    use super::*;

    #[test]
    fn a_system_that_is_known_elsewhere_is_seen() {
        let ids = ["acme_ads".to_owned()];
        for (path, text, complaints) in [
            ("crates/sync/src/run.rs", "if connector == \"acme_ads\" {}", 1),
            ("crates/api/src/wiring.rs", "connectors::acme_ads::signin()", 1),
            ("ui/src/features/syncs/x.tsx", "id === \"acme_ads\"", 1),
            ("crates/connectors/src/other/mod.rs", "use crate::acme_ads::HOST;", 1),
            ("crates/connectors/src/acme_ads/mod.rs", "id: \"acme_ads\"", 0),
            ("crates/connectors/src/lib.rs", "acme_ads::SYSTEM", 0),
            ("crates/sync/src/run.rs", "#[cfg(test)]\nmod tests { \"acme_ads\" }", 0),
            ("crates/sync/tests/run.rs", "\"acme_ads\"", 0),
        ] {
            assert_eq!(systems(path, text, &ids).len(), complaints, "{path}: {text}");
        }
    }

    #[test]
    fn about_doors() {
        let rows = [
            ("store", "model", false, 0),
            ("model", "store", false, 1),
            ("sync", "connectors", false, 1),
            ("sync", "connectors", true, 1),
            ("sync", "notify", false, 1),
            ("notify", "store", false, 1),
            ("api", "lettre", false, 1),
            ("kit", "simulators", false, 1),
            ("kit", "simulators", true, 0),
            ("api", "simulators", false, 0),
            ("cli", "store", false, 1),
            ("syncdeck", "store", false, 1),
            ("syncdeck", "store", true, 0),
            ("newcomer", "serde", false, 1),
            ("api", "serde", false, 0),
            ("syncdeck", "tauri-plugin-updater", false, 0),
            ("api", "tauri", false, 1),
            ("sync", "sqlx", false, 1),
            ("connectors", "keyring-core", false, 1),
            ("syncdeck", "zbus", false, 1),
            ("syncdeck", "zbus", true, 0),
            ("api", "zbus", true, 1),
        ];
        for (from, to, for_tests, complaints) in rows {
            let door = Door { from: from.to_owned(), to: to.to_owned(), for_tests };
            assert_eq!(doors(&[door]).len(), complaints, "{from} -> {to}");
        }
    }

    #[test]
    fn about_rust() {
        let rows = [
            ("crates/vault/src/cipher.rs", "key.expose()", 0),
            ("crates/kit/src/signin.rs", "key.expose()", 0),
            ("crates/store/src/open.rs", "key.expose()", 0),
            ("crates/store/src/clients.rs", "key.expose()", 1),
            ("crates/notify/src/slack.rs", "hook.expose()", 0),
            ("crates/notify/src/message.rs", "hook.expose()", 1),
            ("crates/api/src/host.rs", "key.expose()", 1),
            ("crates/api/tests/host.rs", "key.expose()", 0),
            ("crates/connectors/src/vk_ads/tests.rs", "key.expose()", 0),
            ("crates/store/src/clients.rs", r#"query("SELECT 1 FROM clients")"#, 0),
            ("crates/store/src/clients.rs", "sqlx::query(insert)\n.execute(&self.writer)\n.await?", 1),
            ("crates/store/src/clients.rs", r#"sqlx::query("PRAGMA x").execute(&self.writer).await?"#, 0),
            ("crates/store/src/clients.rs", "self.execute(insert).await?", 0),
            ("crates/insight/src/metric.rs", r#"query("SELECT 1 FROM clients")"#, 1),
            ("crates/insight/src/metric.rs", "query(r\"\n    DELETE FROM clients\n\")", 1),
            ("crates/insight/src/metric.rs", r#"query("INSERT OR IGNORE INTO clients VALUES (1)")"#, 1),
            ("crates/insight/src/metric.rs", r#"say("SELECTED") // SELECT nothing"#, 0),
        ];
        for (path, text, complaints) in rows {
            assert_eq!(rust(path, text).len(), complaints, "{path}: {text}");
        }
    }

    #[test]
    fn about_screens() {
        let overview = "ui/src/features/overview/screens/Overview.tsx";
        let rows = [
            ("ui/src/host/tauri.ts", r#"import { invoke } from "@tauri-apps/api/core";"#, 0),
            (overview, r#"import { invoke } from "@tauri-apps/api/core";"#, 1),
            (overview, r#"import { init } from "echarts/core";"#, 1),
            ("ui/src/shared/chart/engine.ts", r#"import { init } from "echarts/core";"#, 0),
            (overview, r#"const core = await import("@tauri-apps/api/core");"#, 1),
            (overview, r#"import { x } from "@/features/clients/api";"#, 1),
            (overview, r#"import { x } from "../../clients/api";"#, 1),
            (overview, r#"import { x } from "../api/overview";"#, 0),
            (overview, r#"import { x } from "@/shared/ui/DataGrid";"#, 0),
            (overview, r#"import { x } from "@/app/router";"#, 1),
            (overview, r#"import { useReactTable } from "@tanstack/react-table";"#, 1),
            ("ui/src/shared/ui/DataGrid.tsx", r#"import { useReactTable } from "@tanstack/react-table";"#, 0),
            ("ui/src/shared/ui/DataGrid.tsx", r#"import "../../features/overview/x.css";"#, 1),
            ("ui/src/app/router.tsx", r#"import { Overview } from "@/features/overview";"#, 0),
            (overview, r#"await fetch("/api/call/x")"#, 1),
            (overview, "query.refetch()", 0),
            (overview, "query.prefetch(x)", 0),
        ];
        for (path, text, complaints) in rows {
            assert_eq!(ui(path, text).len(), complaints, "{path}: {text}");
        }
    }

    #[test]
    fn about_the_policy() {
        let good = ("default-src", "'self'");
        let rows: [(&[(&str, &str)], usize); 6] = [
            (&[good, ("connect-src", "ipc: http://ipc.localhost")], 0),
            (&[("default-src", "*")], 2),
            (&[good, ("script-src", "'self' 'unsafe-inline'")], 1),
            (&[good, ("script-src", "'self' 'unsafe-eval'")], 1),
            (&[good, ("img-src", "https://example.com")], 1),
            (&[], 1),
        ];
        for (directives, complaints) in rows {
            let directives: Vec<_> =
                directives.iter().map(|(name, sources)| ((*name).to_owned(), (*sources).to_owned())).collect();
            assert_eq!(policy(&directives).len(), complaints, "{directives:?}");
        }
    }
}
