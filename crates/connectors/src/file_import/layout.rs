//! What the columns of a source's files mean, as a person agreed: kept with the connection, so that its next file needs no mapping.

use super::{Field, Table};
use model::failure::{Code, Failure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where a layout stands in a connection's configuration.
const KEY: &str = "columns";

/// The columns of a source's files with their meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Layout {
    columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Column {
    header: String,
    field: Field,
}

impl Layout {
    /// What was agreed about a file.
    pub fn of(table: &Table, fields: &[Field]) -> Self {
        let columns = table.headers.iter().zip(fields);
        Self { columns: columns.map(|(header, field)| Column { header: header.clone(), field: *field }).collect() }
    }

    /// What was agreed about the files of a connection; `None` when no file was brought yet.
    pub fn of_config(config: &Map<String, Value>) -> Option<Self> {
        serde_json::from_value(config.get(KEY)?.clone()).ok()
    }

    /// Keeps it in a connection's configuration.
    pub fn keep_in(&self, config: &mut Map<String, Value>) {
        let columns =
            self.columns.iter().map(|column| serde_json::json!({ "header": column.header, "field": column.field }));
        config.insert(KEY.to_owned(), columns.collect());
    }

    /// The meaning of a file's columns, in its own order. A file fits when it has the same headers and no other: a new one may say what
    /// an old one said, and nobody has looked at it yet.
    ///
    /// # Errors
    /// `FileColumnsChanged` with the headers that are `missing` and those that are `added`.
    pub fn fields(&self, table: &Table) -> Result<Vec<Field>, Failure> {
        let mut left: Vec<Option<&Column>> = self.columns.iter().map(Some).collect();
        let mut added = Vec::new();
        let mut fields = Vec::with_capacity(table.headers.len());
        for header in &table.headers {
            // Headers that stand twice are told apart by their order.
            let same = left.iter_mut().find(|column| column.is_some_and(|column| column.header == *header));
            match same.and_then(Option::take) {
                Some(column) => fields.push(column.field),
                None => added.push(header.as_str()),
            }
        }
        let missing: Vec<&str> = left.into_iter().flatten().map(|column| column.header.as_str()).collect();
        if missing.is_empty() && added.is_empty() {
            return Ok(fields);
        }
        Err(Failure::new(Code::FileColumnsChanged).with("missing", list(&missing)).with("added", list(&added)))
    }

    /// Whether a file that nobody has named a source for is one of this layout. Letters in place of headers prove nothing.
    pub fn recognises(&self, table: &Table) -> Option<Vec<Field>> {
        if table.header_line == 0 { None } else { self.fields(table).ok() }
    }
}

/// Headers as a sentence names them; a file may have hundreds.
fn list(headers: &[&str]) -> String {
    const SHOWN: usize = 8;
    let mut text = headers.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if headers.len() > SHOWN {
        text.push_str(", …");
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::file_import::{guess, open};

    fn table(headers: &str) -> Table {
        let values: Vec<_> =
            headers.split(';').map(|header| if header == "Дата" { "01.11.2026" } else { "5" }).collect();
        open("a.csv", format!("{headers}\n{}\n", values.join(";")).as_bytes()).unwrap()
    }

    #[test]
    fn a_file_fits_when_it_has_the_same_headers_and_no_other() {
        let known = table("Дата;Показы;Клики;Клики;Расход");
        let fields = [Field::Date, Field::Impressions, Field::Clicks, Field::Ignore, Field::Cost];
        let mut config = Map::new();
        Layout::of(&known, &fields).keep_in(&mut config);
        let layout = Layout::of_config(&config).unwrap();
        for (headers, expected) in [
            ("Дата;Показы;Клики;Клики;Расход", Ok(fields.to_vec())),
            // In another order; of two that are named alike the first keeps its meaning.
            (
                "Клики;Расход;Дата;Клики;Показы",
                Ok(vec![Field::Clicks, Field::Cost, Field::Date, Field::Ignore, Field::Impressions]),
            ),
            ("Дата;Показы;Клики;Клики", Err(("Расход", ""))),
            ("Дата;Показы;Клики;Клики;Расход;Расход с НДС", Err(("", "Расход с НДС"))),
            ("Дата;Показы;Клики;Расход", Err(("Клики", ""))),
            ("Дата;Показы;Переходы;Клики;Расход", Err(("Клики", "Переходы"))),
        ] {
            let found = layout.fields(&table(headers));
            let found = found.map_err(|failure| {
                assert_eq!(failure.code, Code::FileColumnsChanged);
                (failure.params["missing"].clone(), failure.params["added"].clone())
            });
            assert_eq!(found, expected.map_err(|(missing, added)| (missing.to_owned(), added.to_owned())), "{headers}");
        }
    }

    #[test]
    fn a_file_without_headers_is_recognised_as_nothing() {
        let bare = open("a.csv", "01.11.2026;5;7\n02.11.2026;6;8\n".as_bytes()).unwrap();
        assert_eq!(bare.header_line, 0);
        let layout = Layout::of(&bare, &guess(&bare));
        assert!(layout.fields(&bare).is_ok(), "its own source can still be named");
        assert_eq!(layout.recognises(&bare), None);
    }
}
