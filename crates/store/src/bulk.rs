//! Many rows in one statement. One statement per row is ten times slower than a thousand rows in one.
//!
//! Rows are written in pieces whose sizes are powers of two, so that a table has eleven statements in all: each is parsed once per
//! connection and kept. With one statement for every number of rows, parsing thousands of question marks took about as long as writing them.
//!
//! The only place with SQL that is not a literal. It is safe because nothing but the number of rows is put into the text: both halves
//! are `&'static str` of this crate and what is repeated are question marks. Values are always bound.

use sqlx::{AssertSqlSafe, Sqlite, query::Query, sqlite::SqliteArguments};
use std::fmt::Write;

/// Rows per statement at most. Seventeen columns of as many rows stay under SQLite's 32,766 parameters, and larger gains nothing.
const MOST: usize = 1 << 10;
/// Statements that a connection keeps: those of all tables and sizes beside the literal ones.
pub(crate) const KEPT_STATEMENTS: usize = 400;

/// Cuts rows into pieces for one statement each, the largest first.
pub(crate) fn pieces<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut left = rows;
    std::iter::from_fn(move || {
        let size = 1 << left.len().min(MOST).checked_ilog2()?;
        let (piece, rest) = left.split_at(size);
        left = rest;
        Some(piece)
    })
}

/// An `INSERT` of several rows.
#[derive(Clone, Copy)]
pub(crate) struct Bulk {
    head: &'static str,
    columns: usize,
    tail: &'static str,
}

impl Bulk {
    /// `head` ends before the rows, `tail` follows them; each row has `columns` parameters.
    pub(crate) const fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        Self { head, columns, tail }
    }

    /// The statement for a piece of this many rows.
    pub(crate) fn statement<'q>(&self, rows: usize) -> Query<'q, Sqlite, SqliteArguments> {
        sqlx::query(AssertSqlSafe(text(self.head, self.columns, rows, self.tail)))
    }
}

fn text(head: &str, columns: usize, rows: usize, tail: &str) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    let mut text = String::with_capacity(head.len() + tail.len() + rows * (row.len() + 1) + 2);
    let _ = write!(text, "{head} ");
    for number in 0..rows {
        if number > 0 {
            text.push(',');
        }
        text.push_str(&row);
    }
    let _ = write!(text, " {tail}");
    text
}
