//! What became of the scenarios, kind by kind: the table at the end.

use anyhow::Result;
use std::{
    collections::BTreeMap,
    fmt::{self, Debug, Display, Formatter},
};

/// How the disturbed run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// In spite of everything: all is true.
    True,
    /// All that could be read is read; what could not stands aside with its reason.
    Remarks,
    /// With a reason, and the person has what they had.
    Failed,
    /// A person or a quit program ended it, and the person has what they had.
    Stopped,
    /// It rests until the platform allows more, and the person has what they had.
    Parked,
}

/// What a scenario met.
#[derive(Debug)]
pub struct Met {
    /// Its kinds of trouble, and whether each really struck.
    pub kinds: Vec<(String, bool)>,
    /// How its run ended.
    pub ended: Ended,
    /// Whether one ordinary run made everything true afterwards; otherwise only the platform's own cabinet can.
    pub healed: bool,
}

/// Counts of one kind.
#[derive(Debug, Default, Clone, Copy)]
struct Row {
    scenarios: u64,
    struck: u64,
    in_spite: u64,
    remarks: u64,
    failed: u64,
    stopped: u64,
    parked: u64,
    healed: u64,
}

impl Row {
    fn cells(&self) -> [u64; 8] {
        [self.scenarios, self.struck, self.in_spite, self.remarks, self.failed, self.stopped, self.parked, self.healed]
    }

    fn count(&mut self, struck: bool, met: &Met) {
        self.scenarios += 1;
        if !struck {
            return;
        }
        self.struck += 1;
        self.healed += u64::from(met.healed);
        match met.ended {
            Ended::True => self.in_spite += 1,
            Ended::Remarks => self.remarks += 1,
            Ended::Failed => self.failed += 1,
            Ended::Stopped => self.stopped += 1,
            Ended::Parked => self.parked += 1,
        }
    }

    fn merge(&mut self, other: &Self) {
        self.scenarios += other.scenarios;
        self.struck += other.struck;
        self.in_spite += other.in_spite;
        self.remarks += other.remarks;
        self.failed += other.failed;
        self.stopped += other.stopped;
        self.parked += other.parked;
        self.healed += other.healed;
    }
}

/// All of it. After the first column only scenarios count in which the kind really struck.
#[derive(Debug, Default)]
pub struct Tally {
    kinds: BTreeMap<String, Row>,
    all: Row,
    /// Scenarios that went wrong, each with what is needed to play it again.
    pub wrong: Vec<String>,
}

impl Tally {
    /// Takes note of a scenario.
    pub fn add(&mut self, number: u64, scenario: &impl Debug, outcome: Result<Met>) {
        match outcome {
            Ok(met) => {
                let mut kinds = BTreeMap::<&String, bool>::new();
                for (kind, struck) in &met.kinds {
                    *kinds.entry(kind).or_default() |= struck;
                }
                self.all.count(kinds.values().any(|struck| *struck), &met);
                for (kind, struck) in kinds {
                    self.kinds.entry(kind.clone()).or_default().count(struck, &met);
                }
            }
            Err(error) => {
                self.all.scenarios += 1;
                let wrong = format!("number {number}: {scenario:?}: {error:#}");
                println!("{wrong}");
                self.wrong.push(wrong);
            }
        }
    }

    pub fn merge(&mut self, other: Self) {
        for (kind, row) in other.kinds {
            self.kinds.entry(kind).or_default().merge(&row);
        }
        self.all.merge(&other.all);
        self.wrong.extend(other.wrong);
    }

    pub fn scenarios(&self) -> u64 {
        self.all.scenarios
    }
}

impl Display for Tally {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let heads = ["scenarios", "struck", "in spite", "remarks", "failed", "stopped", "parked", "healed"];
        let line = |f: &mut Formatter<'_>, name: &str, cells: [String; 8]| {
            write!(f, "{name:<42}")?;
            cells.iter().try_for_each(|cell| write!(f, "{cell:>10}"))?;
            writeln!(f)
        };
        line(f, "kind", heads.map(str::to_owned))?;
        for (kind, row) in &self.kinds {
            line(f, kind, row.cells().map(|cell| cell.to_string()))?;
        }
        line(f, "all", self.all.cells().map(|cell| cell.to_string()))
    }
}
