//! What it takes to be read from. A connector implements [`Source`]; `sync` drives it and knows nothing else about it.
//!
//! Contract in one paragraph: `sync` asks for the accounts a sign-in can see, plans which days to read, lets the source cut them into
//! [`Slice`]s, and asks for them one after the other, or for some windows of one stream at once. Within a slice the source pages, splits ids
//! and repeats requests as the vendor demands, and hands over typed rows in batches. A slice is all or nothing: `sync` replaces the
//! window of the slice in one transaction once `read` has returned `Ok`. A source keeps no state between calls besides caches.
//!
//! Streams of generic records are the exception to "all or nothing": they have no days to replace, so they advance by the state that
//! the source hands over with [`Sink::cursor`], and each advance is durable by itself.

use crate::session::Session;
use async_trait::async_trait;
use chrono::NaiveDate;
use model::{
    ad::{AdObject, Batch, CampaignStat, Level, Rejected},
    connection::Connection,
    date::DateRange,
    failure::Failure,
    money::{Currency, Micros},
    reconcile::DayTotal,
    settings::{InTotals, Lookback},
    shape::Shape,
};
use std::collections::BTreeMap;

/// What a connector is, for the catalogue, the wizard and the planner. Read once at start.
#[derive(Debug, Clone)]
pub struct Descriptor {
    /// Its id, such as `vk_ads`; never changes.
    pub id: String,
    /// Shelf of the catalogue: `ads`, `analytics`, `audiences`, `crm`, `files`.
    pub category: String,
    /// Words of what it can do: `statistics`, `costs`, `audiences`, `leads`, `webhooks`.
    pub capabilities: Vec<String>,
    /// An SVG of ours.
    pub icon_svg: String,
    /// JSON Schema of the connection form; secret fields carry `airbyte_secret: true`.
    pub form: serde_json::Value,
    /// Texts by language (`ru`, `en`), by key: `name`, `summary`, `sign_in_help`, `form.<field>.title`, `form.<field>.help`, `stream.<name>`.
    pub texts: BTreeMap<String, BTreeMap<String, String>>,
    /// The streams in the order they are read: dictionaries first.
    pub streams: Vec<StreamDescriptor>,
    /// Days the first run reads.
    pub first_load_days: u32,
    /// Days back beyond which the platform refuses.
    pub max_history_days: u32,
    /// After how many days the platform no longer changes a day (its attribution window).
    pub final_after_days: u32,
    /// IANA zone of the account's days, when the platform has one for all.
    pub time_zone: Option<String>,
    /// Whether the platform counts requests of all accounts together, by user or by application, and not each account's.
    pub shared_limits: bool,
    /// The vendor's documentation.
    pub docs_url: Option<String>,
}

impl Descriptor {
    /// Whether its connections count toward their clients' totals unless a person says otherwise. Analytics systems measure what ad
    /// platforms sell, and would count the same twice; records are not added up at all.
    pub fn in_totals(&self) -> InTotals {
        if self.category == "analytics" || !self.keeps_statistics() { InTotals::Apart } else { InTotals::Counts }
    }

    /// Whether it has daily rows, read or out of files. What keeps nothing but records has neither days nor money.
    pub fn keeps_statistics(&self) -> bool {
        self.capabilities.iter().any(|word| word == "statistics")
    }
}

/// A stream of a connector.
#[derive(Debug, Clone)]
pub struct StreamDescriptor {
    /// Its name.
    pub name: String,
    /// Whether it is names or daily rows.
    pub kind: StreamKind,
    /// What its daily rows are split by, such as `goal`; `None`: they are whole. Two streams of one level replace each other's days unless
    /// they differ in this.
    pub breakdown: Option<String>,
    /// Whether it is on unless the person says otherwise.
    pub on_by_default: bool,
    /// Whether other streams need it.
    pub required: bool,
}

/// How a stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
    /// Names and tree of one level; read whole.
    Dictionary {
        /// The level of its objects.
        level: Level,
    },
    /// Daily rows of one level; read in windows.
    Statistics {
        /// The level of its rows.
        level: Level,
        /// How far back it is read again unless a person wants it otherwise.
        lookback: Lookback,
    },
    /// Records kept as they come. Their stream is one slice.
    Records {
        /// Whether a read goes on where the last one stopped. If not, what was read replaces everything before it.
        incremental: bool,
    },
}

/// An account that a sign-in can see.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The vendor's id.
    pub external_id: String,
    /// Its name.
    pub name: String,
    /// Its currency, if known at this point.
    pub currency: Option<Currency>,
    /// Settings that select this account (such as `agency_client_name`), merged into the connection's configuration.
    pub config: serde_json::Map<String, serde_json::Value>,
}

/// What a look into an account found, for the wizard's evidence.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AccountSample {
    /// Its currency.
    pub currency: Option<Currency>,
    /// Campaigns, deleted ones not counted.
    pub campaigns: Option<u32>,
    /// Spend of the last 30 days.
    pub spend_30d: Option<Micros>,
    /// Last day with a row.
    pub last_data: Option<NaiveDate>,
}

/// A step of the test as it happens. Ids: `sign_in`, `permissions`, `accounts`, `budget`, `sample`, `totals`.
#[derive(Debug, Clone)]
pub enum CheckEvent {
    /// A step began.
    Started {
        /// Which.
        step: &'static str,
    },
    /// A step ended well, with the values of its sentence.
    Done {
        /// Which.
        step: &'static str,
        /// Values by name.
        params: BTreeMap<&'static str, String>,
    },
}

/// A piece of a stream that is read, committed and repeated as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The stream.
    pub stream: String,
    /// Its days; `None` for a dictionary and for records.
    pub window: Option<DateRange>,
}

/// Where a source puts what it read.
#[async_trait]
pub trait Sink: Send {
    /// Takes a batch of at most a few thousand rows over. May wait: that is the back pressure. An error ends the slice.
    async fn batch(&mut self, batch: Batch) -> Result<(), Failure>;

    /// Takes the form of the answers that were read, once per slice and also when the slice fails. A few records of each page are enough.
    fn observed(&mut self, shape: Shape) {
        // Sinks that compare nothing, such as a test's, need not look.
        drop(shape);
    }

    /// Where a stream of records that goes on stood when it was last committed, in the source's own words; `None`: from the beginning.
    fn resume_from(&self) -> Option<&serde_json::Value> {
        None
    }

    /// Says where such a stream stands after the records handed over so far. They and this become durable together, and stay even
    /// when the rest of the slice fails: the next read goes on from here.
    async fn cursor(&mut self, state: serde_json::Value) -> Result<(), Failure> {
        // Sinks that keep nothing, such as a test's, need not remember.
        drop(state);
        Ok(())
    }
}

/// The rows of a file, typed.
#[derive(Debug, Clone, PartialEq)]
pub struct FileRows {
    /// The level of the statistics.
    pub level: Level,
    /// The days that are replaced.
    pub range: DateRange,
    /// Names.
    pub objects: Vec<AdObject>,
    /// Statistics.
    pub stats: Vec<CampaignStat>,
    /// Bad rows.
    pub rejected: Vec<Rejected>,
}

/// Reads files of a system whose statistics come so. Blocks while it reads a large one.
pub trait FileReader: Send + Sync {
    /// The largest file it reads, in bytes.
    fn most_bytes(&self) -> u64;

    /// Reads a file as was agreed about the files of this connection.
    ///
    /// # Errors
    /// What it is when it is no table; `FileColumnsChanged` when it has other columns than those agreed.
    fn read_file(&self, connection: &Connection, name: &str, bytes: &[u8]) -> Result<FileRows, Failure>;
}

/// A system that can be read.
#[async_trait]
pub trait Source: Send + Sync {
    /// What it is.
    fn descriptor(&self) -> &Descriptor;

    /// Signs in and lists the accounts, telling each step as it happens. Demands no right that reading does not need.
    async fn accounts(
        &self,
        session: &Session,
        tell: &(dyn Fn(CheckEvent) + Send + Sync),
    ) -> Result<Vec<Account>, Failure>;

    /// Looks into one account (the session's configuration already selects it).
    async fn sample(&self, session: &Session, today: NaiveDate) -> Result<AccountSample, Failure>;

    /// The platform's own sums of days, in the connection's currency, to be compared with ours; days without anything may be left out.
    /// `None`: it has none. Costs as little as the platform allows, because every run asks.
    async fn day_totals(
        &self,
        _session: &Session,
        _range: DateRange,
    ) -> Result<Option<Vec<(NaiveDate, DayTotal)>>, Failure> {
        Ok(None)
    }

    /// What reads its files, when its statistics come as files.
    fn files(&self) -> Option<&dyn FileReader> {
        None
    }

    /// Cuts the days to read into slices, oldest first. A dictionary yields one slice without a window.
    fn slices(&self, stream: &str, range: DateRange) -> Result<Vec<Slice>, Failure>;

    /// Reads one slice. On `Err` nothing of the slice is kept; on cancellation it returns [`model::failure::Code::Cancelled`].
    async fn read(&self, session: &Session, slice: &Slice, sink: &mut dyn Sink) -> Result<(), Failure>;
}
