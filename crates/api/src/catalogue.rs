//! `docs/connectors.md`: the catalogue on paper, from what `connectors_list` answers.

use crate::{handlers::connectors::built_in, wire::Connector};
use std::fmt::Write;

/// The systems of this build as Markdown, in the order of the catalogue.
pub fn markdown() -> String {
    let systems = built_in();
    let mut page = "| System | Id | Can do | Streams | History | Final after |\n|---|---|---|---|---|---|\n".to_owned();
    for system in &systems {
        let history = days(system.max_history_days);
        let settled = days(system.final_after_days);
        let (name, id) = (&system.name.en, &system.id);
        let can = capabilities(system);
        let _ =
            writeln!(page, "| [{name}](#{id}) | `{id}` | {can} | {} | {history} | {settled} |", system.streams.len());
    }
    for system in &systems {
        page.push_str(&section(system));
    }
    page
}

fn section(system: &Connector) -> String {
    let mut text = format!("\n## {} <a id=\"{}\"></a>\n\n{}\n", system.name.en, system.id, system.summary.en);
    if !system.sign_in_help.en.is_empty() {
        let _ = write!(text, "\n{}\n", system.sign_in_help.en);
    }
    if !system.streams.is_empty() {
        text.push_str(
            "\n| Stream | What | On by default | Read again every time | Once a week |\n|---|---|---|---|---|\n",
        );
    }
    for stream in &system.streams {
        let (daily, weekly) = match stream.lookback {
            Some(lookback) => (days(lookback.days), days(lookback.weekly_days)),
            None => ("whole".to_owned(), "whole".to_owned()),
        };
        let on = if stream.on_by_default { "yes" } else { "no" };
        let _ = writeln!(text, "| `{}` | {} | {on} | {daily} | {weekly} |", stream.name, stream.title.en);
    }
    if let Some(files) = system.files.as_ref().filter(|files| !files.columns.is_empty()) {
        text.push_str("\n| Column | Its usual headers |\n|---|---|\n");
        for column in &files.columns {
            let _ = writeln!(text, "| `{}` | {} |", column.field, column.headers.join(", "));
        }
    }
    if system.declarative {
        let folder = format!("../crates/connectors/src/{}", system.id);
        let vendor = system.docs_url.as_ref().map(|url| format!("; [the vendor's documentation]({url})"));
        let _ = write!(
            text,
            "\n[What it rests on, its failures, and what is not verified]({folder}/README.md); [manifest]({folder}/manifest.yaml), \
             [mapping]({folder}/mapping.yaml){}.\n",
            vendor.unwrap_or_default()
        );
    }
    text
}

fn days(count: u32) -> String {
    match count {
        0 => "-".to_owned(),
        1 => "1 day".to_owned(),
        _ => format!("{count} days"),
    }
}

fn capabilities(system: &Connector) -> String {
    system.capabilities.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
