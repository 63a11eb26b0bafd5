//! How results and failures are printed: text for people, JSON for programs, never both. Progress goes to standard error. Whoever reads may
//! go away at any moment (`| head`): that is no failure, and `serve` goes on serving.

use api::wire::ApiError;
use serde::Serialize;
use std::{
    fmt,
    io::{self, ErrorKind, Write},
};

/// A failure of the surface, as an error of this program.
#[derive(Debug)]
pub struct Refused(pub ApiError);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code.as_str())?;
        for (name, value) in &self.0.params {
            write!(f, " {name}={value:?}")?;
        }
        match &self.0.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refused {}

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// Whether programs read it.
    pub json: bool,
}

impl Output {
    /// Prints a result: as JSON, or the text that `text` makes of it.
    pub fn result<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        let text = if self.json { serde_json::to_string_pretty(value)? } else { text(value) };
        Ok(line(io::stdout(), text.trim_end())?)
    }

    /// Prints a line about something under way.
    pub fn progress(self, text: impl fmt::Display) {
        if !self.json {
            // What cannot be said does not hold up what is done.
            let _ = line(io::stderr(), text);
        }
    }

    /// Prints why the command failed.
    pub fn error(self, error: &anyhow::Error) {
        let refused = error.downcast_ref::<Refused>().map(|refused| serde_json::json!(refused.0));
        // The exit code tells it in any case.
        let _ = if self.json {
            let told = refused.unwrap_or_else(|| serde_json::json!({ "detail": format!("{error:#}") }));
            line(io::stdout(), serde_json::json!({ "error": told }))
        } else {
            line(io::stderr(), format_args!("syncdeckctl: {error:#}"))
        };
    }
}

fn line(mut to: impl Write, text: impl fmt::Display) -> io::Result<()> {
    match writeln!(to, "{text}").and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// A table for people: columns as wide as their widest cell; numbers (all but the first `left` columns) to the right.
pub fn table(head: &[&str], left: usize, rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([head[column].chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells
            .zip(&widths)
            .enumerate()
            .map(
                |(column, (cell, width))| {
                    if column < left { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                },
            )
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut head.iter().copied())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

/// A value that may be unknown.
pub fn known<T: fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
