//! Many rows in one statement. One statement per row is ten times slower than a thousand rows in one.
//!
//! The only place with SQL that is not a literal. It is safe because nothing but the number of rows is put into the text: both halves
//! are `&'static str` of this crate and what is repeated are question marks. Values are always bound.

use sqlx::{AssertSqlSafe, Sqlite, query::Query, sqlite::SqliteArguments};
use std::{fmt::Write, sync::Arc};

/// Rows per statement. Twelve columns of a thousand rows stay under SQLite's 32,766 parameters, and larger gains nothing.
pub(crate) const ROWS: usize = 1_000;

/// An `INSERT` of several rows.
pub(crate) struct Bulk {
    head: &'static str,
    columns: usize,
    tail: &'static str,
    full: Option<Arc<str>>,
}

impl Bulk {
    /// `head` ends before the rows, `tail` follows them; each row has `columns` parameters.
    pub(crate) fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        Self { head, columns, tail, full: None }
    }

    /// The statement for this many rows, at most [`ROWS`]. The full-sized one is prepared once per connection of the pool;
    /// remainders are of every size, so they are not kept.
    pub(crate) fn statement<'q>(&mut self, rows: usize) -> Query<'q, Sqlite, SqliteArguments> {
        if rows == ROWS {
            let text = self.full.get_or_insert_with(|| text(self.head, self.columns, ROWS, self.tail).into());
            sqlx::query(AssertSqlSafe(Arc::clone(text)))
        } else {
            sqlx::query(AssertSqlSafe(text(self.head, self.columns, rows, self.tail))).persistent(false)
        }
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
