//! Files handed over for import, kept in memory until they are written or the program ends: their text may hold a client's figures, so it
//! is never put on the disk in the clear.

use crate::wire;
use connectors::file_import::{self, Field, Import, Kind, Mapping, Table};
use model::{
    failure::{Code, Failure},
    id::UploadId,
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// Files kept at a time; the oldest makes room.
const KEPT: usize = 3;
/// Rows shown of a file, and bad rows listed.
const SAMPLE: usize = 8;
const BAD_ROWS: usize = 200;

/// The files of an open workspace.
#[derive(Default)]
pub(crate) struct Uploads {
    all: Mutex<VecDeque<(UploadId, Arc<Table>)>>,
}

impl Uploads {
    pub(crate) fn add(&self, table: Table) -> (UploadId, Arc<Table>) {
        let (id, table) = (UploadId::new(), Arc::new(table));
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            all.pop_front();
        }
        all.push_back((id, Arc::clone(&table)));
        (id, table)
    }

    pub(crate) fn get(&self, id: UploadId) -> Result<Arc<Table>, Failure> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.iter().find(|(known, _)| *known == id).map(|(_, table)| Arc::clone(table));
        found.ok_or_else(|| Failure::new(Code::NotFound).with("what", "file"))
    }
}

/// What a file holds and what its columns probably mean.
pub(crate) fn preview(upload_id: UploadId, table: &Table) -> wire::ImportPreview {
    let guesses = file_import::guess(table);
    wire::ImportPreview {
        upload_id,
        kind: match table.kind {
            Kind::Csv => wire::FileKind::Csv,
            Kind::Tsv => wire::FileKind::Tsv,
            Kind::Xlsx => wire::FileKind::Xlsx,
        },
        encoding: table.encoding.clone(),
        delimiter: table.delimiter.map(String::from),
        decimal_comma: table.decimal_comma(),
        sheets: table.sheets.clone(),
        header_line: table.header_line,
        columns: table
            .headers
            .iter()
            .zip(guesses)
            .map(|(header, guess)| wire::ImportColumn { header: header.clone(), guess: word(guess) })
            .collect(),
        sample: table.sample(SAMPLE),
        rows: table.rows() as u64,
    }
}

/// Types the rows of a file with the person's mapping. May take a moment for a large file.
pub(crate) async fn typed(table: Arc<Table>, check: &wire::ImportCheck) -> Result<Import, Failure> {
    let mapping = Mapping {
        fields: check.fields.iter().copied().map(field).collect(),
        currency: check.currency,
        vat: check.vat,
        source_name: check.source_name.trim().to_owned(),
    };
    crate::folder::blocking(move || file_import::read(&table, &mapping)).await
}

/// What writing these rows would do.
pub(crate) fn checked(import: &Import, replaces: u64) -> wire::ImportChecked {
    wire::ImportChecked {
        good: import.good,
        bad: import.rejected.len() as u64,
        bad_rows: import.rejected.iter().take(BAD_ROWS).cloned().map(wire::QuarantineRow::from).collect(),
        range: import.range,
        level: import.range.map(|_| import.level),
        replaces,
        spend: import.totals.cost,
        clicks: import.totals.clicks,
        impressions: import.totals.impressions,
    }
}

/// Our words and the file's are the same list twice: the connector knows nothing of the surface.
macro_rules! same_words {
    ($($name:ident),*) => {
        fn word(field: Field) -> wire::ImportField {
            match field { $(Field::$name => wire::ImportField::$name,)* }
        }
        fn field(word: wire::ImportField) -> Field {
            match word { $(wire::ImportField::$name => Field::$name,)* }
        }
    };
}
same_words!(
    Ignore,
    Date,
    CampaignId,
    CampaignName,
    AdGroupId,
    AdGroupName,
    AdId,
    AdName,
    Impressions,
    Clicks,
    Cost,
    CostMicros,
    Conversions,
    Revenue,
    Currency,
    Breakdown
);
