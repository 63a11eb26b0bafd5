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

/// Failed attempts in a row after which a person should know, although time alone may heal it.
const ALARMING: u32 = 3;

/// Looks at a connection. `latest` is its newest run, `failures` how many of its attempts have failed in a row, `data_through` the last day
/// up to which it is complete, `today` its today.
pub fn of_connection(
    connection: &Connection,
    latest: Option<&Run>,
    failures: u32,
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
        let alarming = failure.kind().needs_person() || failures >= ALARMING;
        let health = if alarming { Health::Act } else { Health::Watch };
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

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use chrono::{DateTime, Utc};
    use model::{
        id::{ClientId, ConnectionId, RunId},
        money::Currency,
        run::{Progress, RunTrigger},
    };

    fn connection(state: ConnectionState) -> Connection {
        Connection {
            id: ConnectionId::new(),
            client_id: ClientId::new(),
            connector: "vk_ads".to_owned(),
            account_external_id: "1".to_owned(),
            account_name: "romashka".to_owned(),
            currency: Currency::RUB,
            time_zone: "Europe/Moscow".to_owned(),
            config: serde_json::Map::new(),
            state,
            first_load_days: 90,
            settings: model::settings::Settings::default(),
            follows: None,
            created_at: DateTime::<Utc>::MIN_UTC,
        }
    }

    pub(crate) fn run(state: RunState, code: Option<Code>, trigger: RunTrigger) -> Run {
        Run {
            id: RunId::new(),
            connection_id: ConnectionId::new(),
            client_id: ClientId::new(),
            trigger,
            range: None,
            state,
            started_at: DateTime::<Utc>::MIN_UTC,
            ended_at: None,
            waiting_until: None,
            streams: None,
            wish: None,
            progress: Progress::default(),
            failure: code.map(plain),
        }
    }

    #[test]
    fn health_of_a_connection() {
        use ConnectionState::{Active, Paused, SignInNeeded};
        use RunState::{Done, DoneWithRemarks, Failed, Running, Stopped};
        let manual = |state, code| Some(run(state, code, RunTrigger::Manual));
        let (yesterday, last_week) = (Some("2026-11-19"), Some("2026-11-12"));
        for (what, state, latest, through, health, code) in [
            ("all is well", Active, manual(Done, None), yesterday, Health::Good, None),
            ("old data after a good run", Active, manual(Done, None), last_week, Health::Watch, None),
            ("an old file", Active, Some(run(Done, None, RunTrigger::Import)), last_week, Health::Good, None),
            ("rows in quarantine", Active, manual(DoneWithRemarks, None), yesterday, Health::Watch, None),
            ("never ran", Active, None, None, Health::Off, None),
            ("its first run is under way", Active, manual(Running, None), None, Health::Good, None),
            ("stopped by a person", Active, manual(Stopped, None), yesterday, Health::Good, None),
            (
                "platform down",
                Active,
                manual(Failed, Some(Code::PlatformDown)),
                yesterday,
                Health::Watch,
                Some(Code::PlatformDown),
            ),
            ("quota", Active, manual(Failed, Some(Code::QuotaWait)), yesterday, Health::Watch, Some(Code::QuotaWait)),
            (
                "format changed",
                Active,
                manual(Failed, Some(Code::NotJson)),
                yesterday,
                Health::Act,
                Some(Code::NotJson),
            ),
            (
                "no rights",
                Active,
                manual(Failed, Some(Code::PermissionDenied)),
                yesterday,
                Health::Act,
                Some(Code::PermissionDenied),
            ),
            ("disk full", Active, manual(Failed, Some(Code::DiskFull)), yesterday, Health::Act, Some(Code::DiskFull)),
            (
                "revoked",
                SignInNeeded,
                manual(Failed, Some(Code::SignInRevoked)),
                yesterday,
                Health::Act,
                Some(Code::SignInRevoked),
            ),
            (
                "revoked, then tried while down",
                SignInNeeded,
                manual(Failed, Some(Code::PlatformDown)),
                yesterday,
                Health::Act,
                Some(Code::SignInRejected),
            ),
            ("paused", Paused, manual(Failed, Some(Code::NotJson)), last_week, Health::Off, None),
        ] {
            let through = through.map(|date: &str| date.parse().unwrap());
            let found = of_connection(&connection(state), latest.as_ref(), 1, through, "2026-11-20".parse().unwrap());
            assert_eq!((found.health, found.failure.map(|failure| failure.code)), (health, code), "{what}");
        }
        let down = manual(Failed, Some(Code::PlatformDown));
        for (failures, health) in [(0, Health::Watch), (2, Health::Watch), (3, Health::Act), (9, Health::Act)] {
            let found =
                of_connection(&connection(Active), down.as_ref(), failures, None, "2026-11-20".parse().unwrap());
            assert_eq!(found.health, health, "down for {failures} attempts");
        }
    }

    #[test]
    fn a_client_is_as_well_as_its_worst_connection() {
        for (connections, expected) in [
            (vec![], Health::Off),
            (vec![Health::Good, Health::Off], Health::Good),
            (vec![Health::Good, Health::Watch], Health::Watch),
            (vec![Health::Good, Health::Watch, Health::Act], Health::Act),
        ] {
            assert_eq!(of_client(connections.clone()), expected, "{connections:?}");
        }
    }

    #[test]
    fn a_day_is_final_only_when_all_of_it_is() {
        use DayState::{Failed, Final, Missing, Moving, Partial};
        for (states, expected) in [
            (vec![], Missing),
            (vec![Final, Final], Final),
            (vec![Final, Moving], Moving),
            (vec![Final, Failed], Partial),
            (vec![Moving, Missing], Partial),
            (vec![Failed, Failed], Failed),
            (vec![Missing, Missing], Missing),
            (vec![Final, Partial], Partial),
        ] {
            assert_eq!(of_day(&states), expected, "{states:?}");
        }
    }
}
