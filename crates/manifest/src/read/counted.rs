//! Lists that move while they are read. A platform that pages by offset counts places: when an object goes or comes before the place
//! that is read, every later one moves, and one of them is skipped or comes twice, while the platform's own total may be right all the
//! same. So each page of a counted list begins with the last record of the page before it. When another one stands there, or a record
//! comes again, the list has moved and is read from its beginning. What was handed over once is not handed over again.

use crate::{json::Json, records};
use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

/// How often a list is read until it keeps still.
const PASSES: u32 = 4;

/// A counted list, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Counted {
    key: Vec<Vec<String>>,
    hasher: RandomState,
    /// The last record of the page before.
    last: Option<u64>,
    /// Records of this pass, and those that were handed over in any.
    met: HashSet<u64>,
    handed: HashSet<u64>,
    passes: u32,
}

impl Counted {
    /// Nothing is read yet of a list whose records have this key.
    pub(super) fn new(key: Vec<Vec<String>>) -> Self {
        Self { key, passes: 1, ..Self::default() }
    }

    /// How many records a page of this size shares with the page before it.
    pub(super) fn shared(size: Option<i64>) -> usize {
        usize::from(size.is_some_and(|size| size > 1))
    }

    /// Takes a page that begins with so many records of the page before it. `None`: the list has moved. Else how many records are
    /// further ones, and which of them were not handed over yet.
    pub(super) fn take(&mut self, records: Vec<Json>, shared: usize) -> Option<(usize, Vec<Json>)> {
        let ids: Vec<u64> = records.iter().map(|record| self.id(record)).collect();
        let shared = if self.last.is_some() { shared } else { 0 };
        if shared > 0 && ids.first().copied() != self.last {
            return None;
        }
        let further = ids.get(shared..).unwrap_or_default();
        if !further.iter().all(|id| self.met.insert(*id)) {
            return None;
        }
        self.last = ids.last().copied().or(self.last);
        let count = further.len();
        let new = records.into_iter().zip(ids).skip(shared).filter(|(_, id)| self.handed.insert(*id));
        Some((count, new.map(|(record, _)| record).collect()))
    }

    /// Goes to the beginning; `false` when that was done often enough.
    pub(super) fn again(&mut self) -> bool {
        self.passes += 1;
        self.last = None;
        self.met.clear();
        self.passes <= PASSES
    }

    /// Whether the list had records in an earlier pass and has none in this one. A platform in trouble answers "nothing" with status 200;
    /// what was handed over already would pass for the whole list.
    pub(super) fn emptied(&self) -> bool {
        self.met.is_empty() && !self.handed.is_empty()
    }

    /// Whether this is not the first pass: answers of an earlier one are of no use any more.
    pub(super) fn repeats(&self) -> bool {
        self.passes > 1
    }

    /// A record's key; the whole record where it has none.
    fn id(&self, record: &Json) -> u64 {
        let key: Option<Vec<String>> =
            self.key.iter().map(|path| records::walk(record, path).map(Json::to_string)).collect();
        match key.filter(|key| !key.is_empty()) {
            Some(key) => self.hasher.hash_one(key),
            None => self.hasher.hash_one(record.to_string()),
        }
    }
}
