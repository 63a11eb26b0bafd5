//! Whether all is well: of a connection from its state, its last run and the age of its data; of a client from its connections.

use chrono::NaiveDate;
use model::{
    connection::{Connection, ConnectionState},
    failure::{Code, FailureKind},
    run::{DayState, Health, RunState, RunTrigger},
};
use store::{StoredFailure, runs::Run};

/// Days that the newest data may be old before it is worth a look: yesterday is normal in the morning, the day before is not.
const FRESH_DAYS: i64 = 2;

/// Health of a connection, and why when it is not good.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// How well it is.
    pub health: Health,
    /// Why not better.
    pub failure: Option<StoredFailure>,
}

/// Looks at a connection. `latest` is its newest run, `data_through` the last day up to which it is complete, `today` its today.
pub fn of_connection(
    connection: &Connection,
    latest: Option<&Run>,
    data_through: Option<NaiveDate>,
    today: NaiveDate,
) -> Diagnosis {
    let failed = latest.filter(|run| run.state == RunState::Failed).and_then(|run| run.failure.clone());
    if connection.state == ConnectionState::SignInNeeded {
        let rejected = failed.filter(|failure| failure.kind() == FailureKind::SignInAgain);
        return Diagnosis {
            health: Health::Act,
            failure: Some(rejected.unwrap_or_else(|| plain(Code::SignInRejected))),
        };
    }
    if connection.state == ConnectionState::Paused {
        return Diagnosis { health: Health::Off, failure: None };
    }
    if let Some(failure) = failed {
        let health = if needs_person(failure.kind()) { Health::Act } else { Health::Watch };
        return Diagnosis { health, failure: Some(failure) };
    }
    // Nobody reads a file again by itself: its days do not grow old, they are what was handed over.
    let read_by_itself = latest.is_some_and(|run| run.trigger != RunTrigger::Import);
    let health = match (latest, data_through) {
        (None, _) => Health::Off,
        (Some(run), _) if run.state == RunState::DoneWithRemarks => Health::Watch,
        (Some(run), Some(through))
            if read_by_itself && run.state == RunState::Done && (today - through).num_days() > FRESH_DAYS =>
        {
            Health::Watch
        }
        _ => Health::Good,
    };
    Diagnosis { health, failure: None }
}

/// Whether only a person can mend it: the rest needs time.
pub fn needs_person(kind: FailureKind) -> bool {
    match kind {
        FailureKind::SignInAgain | FailureKind::FixSettings | FailureKind::VendorChanged | FailureKind::OurFault => {
            true
        }
        FailureKind::WaitUntil | FailureKind::Retry | FailureKind::Cancelled => false,
    }
}

/// Health of a client: that of its worst connection; a connection that is off says nothing about the others.
pub fn of_client(connections: impl IntoIterator<Item = Health>) -> Health {
    connections.into_iter().min().unwrap_or(Health::Off)
}

/// State of a day from those of the connections that were read: all failed is failed, some failed or missing is partial.
pub fn of_day(states: &[DayState]) -> DayState {
    let all = |wanted: DayState| states.iter().all(|state| *state == wanted);
    let any = |wanted: DayState| states.contains(&wanted);
    if states.is_empty() || all(DayState::Missing) {
        DayState::Missing
    } else if all(DayState::Failed) {
        DayState::Failed
    } else if any(DayState::Failed) || any(DayState::Partial) || any(DayState::Missing) {
        DayState::Partial
    } else if any(DayState::Moving) {
        DayState::Moving
    } else {
        DayState::Final
    }
}

fn plain(code: Code) -> StoredFailure {
    StoredFailure { code, params: std::collections::BTreeMap::new(), detail: None, retry_at: None }
}
