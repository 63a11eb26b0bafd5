//! Files handed over for import, kept in memory until they are written or the program ends: their text may hold a client's figures, so it
//! is never put on the disk in the clear.

use crate::wire;
use connectors::file_import::{self, Field, Import, Kind, Layout, Mapping, Preset, Table, preset, source};
use model::{
    connection::Connection,
    failure::{Code, Failure},
    id::UploadId,
    money::VatState,
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

/// Whether statistics of this connector come as files.
pub(crate) fn by_file(connector: &str) -> bool {
    connector == source::ANY || preset(connector).is_some()
}

/// What is known of a connector's files; `None` when it is asked over the network.
pub(crate) fn files(connector: &str) -> Option<wire::FileSystem> {
    let known = |preset: &Preset| wire::FileSystem {
        level: Some(preset.level),
        currency: preset.currency,
        asks_currency: preset.currency.is_none(),
        asks_vat: preset.asks_vat,
        columns: preset
            .columns
            .iter()
            .map(|column| wire::FileColumn { field: word(column.field), headers: column.headers.clone() })
            .collect(),
    };
    let any =
        wire::FileSystem { level: None, currency: None, asks_currency: false, asks_vat: false, columns: Vec::new() };
    preset(connector).map(known).or_else(|| (connector == source::ANY).then_some(any))
}

/// The sources whose earlier files had the same headers as this one.
pub(crate) fn known(table: &Table, connections: Vec<Connection>) -> Vec<wire::KnownSource> {
    let sources = connections.into_iter().filter(|connection| by_file(&connection.connector));
    let known = sources.filter_map(|connection| {
        let fields = Layout::of_config(&connection.config)?.recognises(table)?;
        Some(wire::KnownSource {
            connection_id: connection.id,
            client_id: connection.client_id,
            connector: connection.connector,
            source_name: connection.account_name,
            fields: fields.into_iter().map(word).collect(),
            currency: connection.currency,
            vat: connection.settings.vat,
        })
    });
    known.collect()
}

/// What a file holds and what its columns probably mean.
pub(crate) fn preview(
    upload_id: UploadId,
    table: &Table,
    system: Option<&Preset>,
    known: Vec<wire::KnownSource>,
) -> wire::ImportPreview {
    let guesses = system.map_or_else(|| file_import::guess(table), |system| system.guess(table));
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
        known,
    }
}

/// What the person agreed about the columns of a file.
pub(crate) fn layout(table: &Table, check: &wire::ImportCheck) -> Layout {
    Layout::of(table, &check.fields.iter().copied().map(field).collect::<Vec<_>>())
}

/// Types the rows of a file with the person's mapping. May take a moment for a large file.
pub(crate) async fn typed(table: Arc<Table>, check: &wire::ImportCheck) -> Result<Import, Failure> {
    let money = [wire::ImportField::Cost, wire::ImportField::CostMicros, wire::ImportField::Revenue];
    let unsaid = check.vat == VatState::Unknown && check.fields.iter().any(|field| money.contains(field));
    if unsaid && preset(&check.connector).is_some_and(|preset| preset.asks_vat) {
        return Err(Failure::new(Code::SettingInvalid).with("field", "vat"));
    }
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
