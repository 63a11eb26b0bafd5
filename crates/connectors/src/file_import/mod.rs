//! File import of campaign statistics: the manual way in when a platform is down or has no interface.
//!
//! Three pure steps over bytes in memory, so that the person sees each before the next: [`open`] finds the table in the
//! file, [`guess`] proposes what its columns mean, [`read`] turns its rows into our words under the mapping the person
//! agreed to. Nothing is written here; the caller shows what would be replaced and commits.
//!
//! A guess is only ever a proposal. Where the file can be read in two ways (day or month first, thousands or decimals) the
//! choice is reported as a [`Note`], and a row that cannot be read exactly is rejected with its line, never repaired.

mod cell;
mod encoding;
mod headers;
mod layout;
mod presets;
mod read;
mod sniff;
pub mod source;
mod table;
mod text;
mod workbook;

#[cfg(test)]
mod tests;

pub use headers::{guess, hints};
pub use layout::Layout;
pub use presets::{Column, Preset, preset, presets};
pub use read::read;
pub use table::Table;

use kit::source::FileRows;
use model::{
    ad::{AdObject, CampaignStat, Level, Rejected},
    date::DateRange,
    failure::{Code, Failure},
    money::{Currency, Micros, VatState},
};
use serde::{Deserialize, Serialize};

/// The largest file that is opened, in bytes.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The name under which imported rows stand in quarantine and in run logs.
pub const STREAM: &str = "file";

/// What kind of table a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text separated by comma, semicolon or bar.
    Csv,
    /// Text separated by tabs.
    Tsv,
    /// Excel workbook.
    Xlsx,
}

/// What a column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Not used.
    Ignore,
    /// The day.
    Date,
    /// Campaign id.
    CampaignId,
    /// Campaign name.
    CampaignName,
    /// Ad group id.
    AdGroupId,
    /// Ad group name.
    AdGroupName,
    /// Ad id.
    AdId,
    /// Ad name.
    AdName,
    /// Impressions.
    Impressions,
    /// Clicks.
    Clicks,
    /// Spend in currency units.
    Cost,
    /// Spend in millionths of a currency unit (Google Ads exports).
    CostMicros,
    /// Conversions.
    Conversions,
    /// Revenue in currency units.
    Revenue,
    /// ISO 4217 code.
    Currency,
    /// A split such as device; kept as breakdown.
    Breakdown,
}

impl Field {
    /// All of them, in the order of the declaration.
    pub const ALL: &'static [Self] = &[
        Self::Ignore,
        Self::Date,
        Self::CampaignId,
        Self::CampaignName,
        Self::AdGroupId,
        Self::AdGroupName,
        Self::AdId,
        Self::AdName,
        Self::Impressions,
        Self::Clicks,
        Self::Cost,
        Self::CostMicros,
        Self::Conversions,
        Self::Revenue,
        Self::Currency,
        Self::Breakdown,
    ];

    /// The word for it in failures and in quarantine.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Date => "date",
            Self::CampaignId => "campaign_id",
            Self::CampaignName => "campaign_name",
            Self::AdGroupId => "ad_group_id",
            Self::AdGroupName => "ad_group_name",
            Self::AdId => "ad_id",
            Self::AdName => "ad_name",
            Self::Impressions => "impressions",
            Self::Clicks => "clicks",
            Self::Cost => "cost",
            Self::CostMicros => "cost_micros",
            Self::Conversions => "conversions",
            Self::Revenue => "revenue",
            Self::Currency => "currency",
            Self::Breakdown => "breakdown",
        }
    }
}

/// What the person agreed the file means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The meaning of each column, in the order of the columns.
    pub fields: Vec<Field>,
    /// The currency of rows that do not name their own.
    pub currency: Currency,
    /// Whether the sums contain VAT.
    pub vat: VatState,
    /// The platform or account the file is from; the external id of its rows when the file names no campaign.
    pub source_name: String,
}

/// What the headers and cells say about the money in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hints {
    /// The currency named in the header of the cost column or in its cells.
    pub currency: Option<Currency>,
    /// Whether that header says that sums contain VAT.
    pub vat: VatState,
}

/// Something the person should know about how the file was read. Texts live in the UI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The file has no header line; its columns are named by letters.
    NoHeader,
    /// Some characters could not be decoded and stand as U+FFFD.
    Undecodable {
        /// How many.
        chars: u64,
    },
    /// Lines with totals were left out, since they repeat the rows above them.
    TotalsSkipped {
        /// How many.
        count: u64,
        /// The first twenty of them.
        lines: Vec<u64>,
    },
    /// Every date can be read in two ways; this one was chosen for the whole column.
    DayOrderAssumed {
        /// Whether the day comes before the month.
        day_first: bool,
    },
    /// Numbers such as `1,234` were read as thousands, and nothing else in the file proves it.
    ThousandsAssumed {
        /// How many cells.
        cells: u64,
    },
    /// The file is finer than a day of an object: its rows were added up.
    RowsMerged {
        /// Good rows of the file.
        rows: u64,
        /// Days of objects they became.
        into: u64,
        /// Cells without a value among rows that were added; the sums are of what is known.
        unknown: u64,
    },
    /// The file has no ids at this level, so names stand for them: a renamed object becomes a new one.
    NamesAsIds {
        /// The level.
        level: Level,
    },
}

/// Sums over the good rows. Each is unknown when no row says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Times shown.
    pub impressions: Option<i64>,
    /// Clicks.
    pub clicks: Option<i64>,
    /// Spend; unknown also when the rows are in several currencies, which cannot be added.
    pub cost: Option<Micros>,
    /// Conversions.
    pub conversions: Option<Micros>,
    /// Revenue; unknown also when the rows are in several currencies.
    pub revenue: Option<Micros>,
}

/// What a file becomes under a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// One row for each day of each object, and one more for each value of a mapped breakdown.
    pub stats: Vec<CampaignStat>,
    /// The objects named in the file, with those above them.
    pub objects: Vec<AdObject>,
    /// The rows that cannot be written, in the order of the file, with their lines.
    pub rejected: Vec<Rejected>,
    /// How many rows of the file can be written.
    pub good: u64,
    /// From the first to the last day of the good rows: the days that will be replaced.
    pub range: Option<DateRange>,
    /// The deepest level that is mapped.
    pub level: Level,
    /// Sums of the good rows.
    pub totals: Totals,
    /// What the person should know.
    pub notes: Vec<Note>,
}

impl Import {
    /// What is written of it.
    ///
    /// # Errors
    /// `FileFormat` when it has no good row.
    pub fn rows(self) -> Result<FileRows, Failure> {
        let range = self.range.ok_or_else(|| Failure::new(Code::FileFormat).with("found", "no_rows"))?;
        let Self { level, objects, stats, rejected, .. } = self;
        Ok(FileRows { level, range, objects, stats, rejected })
    }
}

/// Finds the table in a file: its kind by content first and name second, encoding, separator, sheet, header and data rows.
///
/// # Errors
/// `FileTooLarge` above [`MAX_BYTES`] (or when a workbook unpacks beyond reason); `FileFormat` with `found` naming what the
/// file is when it is not a table this program reads.
pub fn open(name: &str, bytes: &[u8]) -> Result<Table, Failure> {
    if bytes.len() > MAX_BYTES {
        return Err(Failure::new(Code::FileTooLarge).with("bytes", bytes.len()).with("limit", MAX_BYTES));
    }
    match sniff::content(name, bytes)? {
        sniff::Content::Workbook => workbook::open(bytes),
        sniff::Content::Text => text::open(name, bytes),
    }
}
