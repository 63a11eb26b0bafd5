//! What the simulated platforms stand on, so that a vendor's file is its dialect alone: a world, the present, and a server around them.
//!
//! A vendor's module has a `Key` (what a person would copy out of the cabinet) and a function `start` that builds the [`Stage`], answers
//! over it as the vendor does, and gives a [`Platform`]. Faults of content that every list of rows can show are bent here, too.

use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::{Map, Value, json};

use crate::calendar::{Calendar, TimeFlow};
use crate::faults::{FaultKind, Faults};
use crate::requests::RequestLog;
use crate::server::{Server, ServerOptions, Vendor};
use crate::truth::Truth;
use crate::world::{World, WorldSize, default_first_day};

/// What is simulated, in no vendor's words.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Decides everything that looks accidental.
    pub seed: u64,
    /// The simulated day; the real day in Moscow without it.
    pub today: Option<NaiveDate>,
    /// The first day with figures; eighteen months ago without it.
    pub first_day: Option<NaiveDate>,
    /// How many objects there are.
    pub size: WorldSize,
    /// How the clock runs.
    pub time: TimeFlow,
    /// Whether somebody looks at it who does not wait: reports are made at once, and quotas are wide. For demos.
    pub hurried: bool,
    /// Port on 127.0.0.1; 0 picks a free one.
    pub port: u16,
}

impl Scenario {
    /// An agency with two clients and an advertiser of its own, ninety days.
    pub fn small(today: NaiveDate) -> Self {
        Self {
            seed: 77,
            today: Some(today),
            first_day: Some(today - Duration::days(89)),
            size: WorldSize {
                agencies: 1,
                cabinets_per_agency: 2,
                advertisers: 1,
                campaigns: 5,
                groups: 2,
                ads: 2,
                varied_over_days: Some(100),
            },
            time: TimeFlow::Real,
            hurried: false,
            port: 0,
        }
    }
}

/// A world and the present in it.
#[derive(Debug, Clone)]
pub struct Stage {
    pub(crate) world: Arc<World>,
    pub(crate) calendar: Arc<Calendar>,
    pub(crate) seed: u64,
    port: u16,
}

/// Who owns a sign-in: an agency with its clients, or an advertiser with its one cabinet.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub name: String,
    pub login: String,
    pub id: u64,
    /// Places of its cabinets in the world.
    pub cabinets: Range<usize>,
    /// Whether it is an agency.
    pub agency: bool,
}

impl Stage {
    /// Builds the world.
    pub(crate) fn build(scenario: &Scenario) -> Self {
        let calendar = Arc::new(Calendar::new(scenario.today, scenario.time.clone()));
        let first_day = scenario.first_day.unwrap_or_else(|| default_first_day(calendar.today()));
        let world = Arc::new(World::build(scenario.seed, first_day, &scenario.size));
        Self { world, calendar, seed: scenario.seed, port: scenario.port }
    }

    /// Agencies first, then advertisers without one.
    pub(crate) fn owners(&self) -> Vec<Owner> {
        let agencies = self.world.agencies.iter().map(|agency| Owner {
            name: agency.name.clone(),
            login: agency.login.clone(),
            id: agency.id,
            cabinets: agency.cabinets.clone(),
            agency: true,
        });
        let alone = self.world.cabinets.iter().enumerate().filter(|(_, cabinet)| cabinet.agency.is_none());
        let alone = alone.map(|(place, cabinet)| Owner {
            name: cabinet.name.clone(),
            login: cabinet.login.clone(),
            id: cabinet.id,
            cabinets: place..place + 1,
            agency: false,
        });
        agencies.chain(alone).collect()
    }

    /// The simulated day of the data.
    pub(crate) fn today(&self) -> NaiveDate {
        self.calendar.today()
    }

    /// The simulated moment.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.calendar.now_utc()
    }

    /// Serves this vendor on 127.0.0.1. `max_body_bytes` is the largest request it takes.
    pub(crate) fn serve<K>(
        &self,
        vendor: Arc<dyn Vendor>,
        keys: Vec<K>,
        max_body_bytes: usize,
    ) -> anyhow::Result<Platform<K>> {
        let (faults, log) = (Arc::new(Faults::default()), Arc::new(RequestLog::default()));
        let options = ServerOptions { port: self.port, gzip: true, max_body_bytes };
        let server = Server::start(vendor, Arc::clone(&faults), Arc::clone(&log), options)?;
        let base_url = format!("http://{}", server.address);
        Ok(Platform { base_url, keys, stage: self.clone(), faults, log, _server: server })
    }
}

/// A running simulator; dropping it stops it.
#[derive(Debug)]
pub struct Platform<K> {
    /// Stands for the vendor's address, without a slash at the end.
    pub base_url: String,
    /// Its keys: agencies first, then advertisers.
    pub keys: Vec<K>,
    stage: Stage,
    faults: Arc<Faults>,
    log: Arc<RequestLog>,
    _server: Server,
}

impl<K> Platform<K> {
    /// What the figures really are.
    pub fn truth(&self) -> Truth {
        Truth::new(Arc::clone(&self.stage.world), self.stage.today())
    }

    /// The switches of faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What was asked so far.
    pub fn requests(&self) -> &RequestLog {
        &self.log
    }

    /// The simulated present.
    pub fn calendar(&self) -> &Calendar {
        &self.stage.calendar
    }
}

/// What a vendor calls the members of its rows that faults of content twist.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowNames {
    /// The day of a row of statistics.
    pub day: &'static str,
    /// Counts, that of impressions first.
    pub counts: &'static [&'static str],
    /// Money.
    pub money: &'static [&'static str],
    /// The word that says how an object is.
    pub status: &'static str,
}

impl RowNames {
    /// Twists the rows of a list or a report for a fault of content.
    pub fn bend(&self, fault: &FaultKind, rows: &mut Vec<Value>) {
        match fault {
            FaultKind::EmptyAccount => rows.clear(),
            FaultKind::DuplicateRows => {
                if let Some(first) = rows.first().cloned() {
                    rows.insert(0, first);
                }
            }
            FaultKind::LostRows => {
                let shown = |row: &Value| self.counts.first().and_then(|name| number(&row[*name])).unwrap_or(-1);
                if let Some(most) = (0..rows.len()).max_by_key(|at| shown(&rows[*at])) {
                    rows.remove(most);
                }
            }
            FaultKind::MissingDay { date } => {
                let date = date.to_string();
                rows.retain(|row| !row[self.day].as_str().is_some_and(|day| day.starts_with(&date)));
            }
            _ => rows.iter_mut().filter_map(Value::as_object_mut).for_each(|row| self.bend_row(fault, row)),
        }
    }

    /// Twists one row or object.
    fn bend_row(&self, fault: &FaultKind, row: &mut Map<String, Value>) {
        let numbers = |row: &mut Map<String, Value>, count: &Value, money: &Value| {
            for (name, value) in row.iter_mut() {
                if self.counts.contains(&name.as_str()) {
                    value.clone_from(count);
                } else if self.money.contains(&name.as_str()) {
                    value.clone_from(money);
                }
            }
        };
        match fault {
            FaultKind::NewFields => {
                row.insert("brandNewMember".to_owned(), json!([1, "два", null]));
            }
            FaultKind::UnknownEnum => {
                if let Some(status) = row.get_mut(self.status) {
                    *status = json!("HIBERNATING");
                }
            }
            FaultKind::NegativeNumbers => numbers(row, &json!(-5), &json!(-12.34)),
            FaultKind::GarbageNumbers => numbers(row, &json!("много"), &json!("12,34 руб.")),
            FaultKind::MissingField { field } => {
                row.shift_remove(field);
            }
            FaultKind::OtherType { field } => {
                if let Some(value) = row.get_mut(field) {
                    *value = match &*value {
                        Value::String(text) => json!(text.len()),
                        other => json!(other.to_string()),
                    };
                }
            }
            _ => {}
        }
    }
}

/// A number that may be written as text.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
