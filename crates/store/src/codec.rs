//! How the words of the domain stand in the database, in both directions. Everything read is checked: a word this build does not
//! know is an error that names the column, never a default.

use crate::{Result, StoreError};
use chrono::{DateTime, Days, NaiveDate, Utc};
use model::{
    ad::Level,
    date::DateRange,
    failure::{Code, Failure, FailureKind},
    money::{Micros, VatState},
};
use serde::{Deserialize, Serialize};
use sqlx::{ColumnIndex, Decode, Row, Sqlite, Type, sqlite::SqliteRow};
use std::{collections::BTreeMap, str::FromStr};

/// A failure as it was kept. Its parameters are owned text, because names that were static when it happened are data now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFailure {
    /// What happened.
    pub code: Code,
    /// Parameters of its text.
    pub params: BTreeMap<String, String>,
    /// For the specialist; redacted.
    pub detail: Option<String>,
    /// When waiting ends.
    pub retry_at: Option<DateTime<Utc>>,
}

impl StoredFailure {
    /// What it asks for.
    pub fn kind(&self) -> FailureKind {
        self.code.kind()
    }
}

impl From<&Failure> for StoredFailure {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.code,
            params: failure.params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            detail: failure.detail.clone(),
            retry_at: failure.retry_at,
        }
    }
}

pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Unreadable { column: "json", value: error.to_string() })
}

pub(crate) fn level_code(level: Level) -> i64 {
    match level {
        Level::Account => 1,
        Level::Campaign => 2,
        Level::AdGroup => 3,
        Level::Ad => 4,
    }
}

pub(crate) fn vat_code(vat: VatState) -> i64 {
    match vat {
        VatState::Unknown => 0,
        VatState::Included => 1,
        VatState::Excluded => 2,
    }
}

const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();

pub(crate) fn day_code(date: NaiveDate) -> i64 {
    (date - EPOCH).num_days()
}

pub(crate) fn instant_code(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

pub(crate) fn day_from(code: i64) -> Option<NaiveDate> {
    match u64::try_from(code) {
        Ok(days) => EPOCH.checked_add_days(Days::new(days)),
        Err(_) => EPOCH.checked_sub_days(Days::new(code.unsigned_abs())),
    }
}

/// Typed reading of a row by column name.
pub(crate) trait Read {
    /// A plain value.
    fn value<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(&'r self, column: &'static str) -> Result<T>;
    /// A count that cannot be negative.
    fn count(&self, column: &'static str) -> Result<u64>;
    /// A small count.
    fn small(&self, column: &'static str) -> Result<u32>;
    /// A word of a closed list, an id, a currency.
    fn word<T: FromStr>(&self, column: &'static str) -> Result<T>;
    /// A level.
    fn level(&self, column: &'static str) -> Result<Level>;
    /// A VAT state.
    fn vat(&self, column: &'static str) -> Result<VatState>;
    /// A day.
    fn day(&self, column: &'static str) -> Result<NaiveDate>;
    /// A day that may be absent.
    fn day_or_none(&self, column: &'static str) -> Result<Option<NaiveDate>>;
    /// An instant.
    fn instant(&self, column: &'static str) -> Result<DateTime<Utc>>;
    /// An instant that may be absent.
    fn instant_or_none(&self, column: &'static str) -> Result<Option<DateTime<Utc>>>;
    /// Millionths that may be unknown.
    fn micros(&self, column: &'static str) -> Result<Option<Micros>>;
    /// A range that may be absent.
    fn range(&self, from: &'static str, to: &'static str) -> Result<Option<DateRange>>;
    /// JSON text.
    fn json<T: for<'a> Deserialize<'a>>(&self, column: &'static str) -> Result<T>;
    /// JSON text that may be absent.
    fn json_or_none<T: for<'a> Deserialize<'a>>(&self, column: &'static str) -> Result<Option<T>>;
}

fn unreadable(column: &'static str, value: &impl ToString) -> StoreError {
    StoreError::Unreadable { column, value: value.to_string().chars().take(80).collect() }
}

impl Read for SqliteRow
where
    &'static str: ColumnIndex<Self>,
{
    fn value<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(&'r self, column: &'static str) -> Result<T> {
        Ok(self.try_get(column)?)
    }
    fn count(&self, column: &'static str) -> Result<u64> {
        let value: i64 = self.value(column)?;
        u64::try_from(value).map_err(|_| unreadable(column, &value))
    }
    fn small(&self, column: &'static str) -> Result<u32> {
        let value: i64 = self.value(column)?;
        u32::try_from(value).map_err(|_| unreadable(column, &value))
    }
    fn word<T: FromStr>(&self, column: &'static str) -> Result<T> {
        let text: &str = self.value(column)?;
        text.parse().map_err(|_| unreadable(column, &text))
    }
    fn level(&self, column: &'static str) -> Result<Level> {
        match self.value::<i64>(column)? {
            1 => Ok(Level::Account),
            2 => Ok(Level::Campaign),
            3 => Ok(Level::AdGroup),
            4 => Ok(Level::Ad),
            other => Err(unreadable(column, &other)),
        }
    }
    fn vat(&self, column: &'static str) -> Result<VatState> {
        match self.value::<i64>(column)? {
            0 => Ok(VatState::Unknown),
            1 => Ok(VatState::Included),
            2 => Ok(VatState::Excluded),
            other => Err(unreadable(column, &other)),
        }
    }
    fn day(&self, column: &'static str) -> Result<NaiveDate> {
        let code: i64 = self.value(column)?;
        day_from(code).ok_or_else(|| unreadable(column, &code))
    }
    fn day_or_none(&self, column: &'static str) -> Result<Option<NaiveDate>> {
        let code: Option<i64> = self.value(column)?;
        code.map(|code| day_from(code).ok_or_else(|| unreadable(column, &code))).transpose()
    }
    fn instant(&self, column: &'static str) -> Result<DateTime<Utc>> {
        let code: i64 = self.value(column)?;
        DateTime::from_timestamp_millis(code).ok_or_else(|| unreadable(column, &code))
    }
    fn instant_or_none(&self, column: &'static str) -> Result<Option<DateTime<Utc>>> {
        let code: Option<i64> = self.value(column)?;
        code.map(|code| DateTime::from_timestamp_millis(code).ok_or_else(|| unreadable(column, &code))).transpose()
    }
    fn micros(&self, column: &'static str) -> Result<Option<Micros>> {
        Ok(self.value::<Option<i64>>(column)?.map(Micros))
    }
    fn range(&self, from: &'static str, to: &'static str) -> Result<Option<DateRange>> {
        match (self.day_or_none(from)?, self.day_or_none(to)?) {
            (Some(first), Some(last)) => {
                DateRange::new(first, last).map(Some).map_err(|error| unreadable(from, &error))
            }
            _ => Ok(None),
        }
    }
    fn json<T: for<'a> Deserialize<'a>>(&self, column: &'static str) -> Result<T> {
        let text: &str = self.value(column)?;
        serde_json::from_str(text).map_err(|error| unreadable(column, &error))
    }
    fn json_or_none<T: for<'a> Deserialize<'a>>(&self, column: &'static str) -> Result<Option<T>> {
        let text: Option<&str> = self.value(column)?;
        text.map(|text| serde_json::from_str(text).map_err(|error| unreadable(column, &error))).transpose()
    }
}
