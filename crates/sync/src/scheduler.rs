//! Starts runs when their time has come, and lets those go on that waited for a quota. It looks at the clock a few times a minute instead
//! of sleeping until the next start, because a laptop sleeps too, and its clock is set: what was missed while the lid was closed is caught
//! up once, as one run per connection, and the engine's few workers keep fifty of them from starting together.
//!
//! On a low battery nothing is started that nobody waits for: turns stay as they are, so that they are caught up like those of a night with
//! the lid closed once the plug is in. What a person starts is never held.

use crate::{
    alerts::Watch,
    engine::{Asked, Engine, Wiring},
    folders::Folders,
    power::PowerSource,
    schedule,
};
use chrono::{DateTime, Utc};
use kit::clock::Clock;
use model::{
    connection::{Client, Connection, ConnectionState},
    failure::Failure,
    id::{ClientId, ConnectionId, RunId},
    power::Power,
    run::RunTrigger,
};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use store::{Scope, Store, turns::Turn};
use tokio_util::sync::CancellationToken;

/// Between two looks at the clock.
const BEAT: Duration = Duration::from_secs(15);

/// Watches the clock for one open workspace.
pub struct Scheduler {
    store: Store,
    engine: Engine,
    wiring: Arc<dyn Wiring>,
    power: Arc<dyn PowerSource>,
    clock: Arc<dyn Clock>,
    alerts: Watch,
    folders: Folders,
    /// Whether the last look found too little power.
    saving: AtomicBool,
}

/// What waits until there is more power.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// How the computer is powered.
    pub power: Power,
    /// Connections whose turn has come.
    pub connections: Vec<ConnectionId>,
    /// Parked runs that their platforms allow to go on, and whose they are.
    pub parked: Vec<(RunId, ConnectionId)>,
}

/// What is to be done about a connection at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    /// Whether it is started now.
    start: bool,
    /// When the schedule starts it next.
    next_at: Option<DateTime<Utc>>,
}

/// Decides. `by_schedule` is the first start after now.
fn due(turn: &Turn, by_schedule: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Due {
    let retry_due = turn.retry_at.is_some_and(|at| at <= now);
    // While it waits for a platform to come back, the schedule does not knock at its door.
    let waits = turn.retry_at.is_some_and(|at| at > now);
    let missed = turn.next_at.is_some_and(|at| at <= now) && by_schedule.is_some();
    // A later time than the schedule's own was written before the schedule was changed or the clock was set back.
    let next_at = match turn.next_at {
        Some(at) if at > now => by_schedule.map(|fresh| fresh.min(at)),
        _ => by_schedule,
    };
    Due { start: retry_due || (missed && !waits), next_at }
}

impl Scheduler {
    /// A scheduler of an engine's workspace.
    pub fn new(
        store: Store,
        engine: Engine,
        wiring: Arc<dyn Wiring>,
        power: Arc<dyn PowerSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let alerts = Watch::new(store.clone(), Arc::clone(&wiring));
        let folders = Folders::new(store.clone(), Arc::clone(&wiring));
        Self { store, engine, wiring, power, clock, alerts, folders, saving: AtomicBool::new(false) }
    }

    /// Looks at the clock until it is told to stop.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        loop {
            if let Err(failure) = self.look().await {
                tracing::warn!(error = %failure, "the schedules could not be looked at; they are again in a moment");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.sleep(BEAT) => {}
            }
        }
    }

    /// Starts what is due at this moment, and answers with the runs. Off duty nothing is: another program looks.
    pub async fn look(&self) -> Result<Vec<RunId>, Failure> {
        let saves = self.weigh().await?;
        let Some(duty) = self.engine.on_duty() else { return Ok(Vec::new()) };
        let now = self.clock.now();
        let mut turns: HashMap<ConnectionId, Turn> =
            self.store.turns(Scope::Portfolio).await?.into_iter().map(|turn| (turn.connection_id, turn)).collect();
        let zones: HashMap<ClientId, Client> =
            self.store.clients().await?.into_iter().map(|client| (client.id, client)).collect();
        let mut started = Vec::new();
        for connection in self.store.connections(Scope::Portfolio).await? {
            let Some(turn) = turns.remove(&connection.id) else { continue };
            let zone = zones.get(&connection.client_id).map_or("UTC", |client| client.time_zone.as_str());
            match self.take(&duty, &connection, zone, &turn, (now, saves)).await {
                Ok(run) => started.extend(run),
                // One connection that cannot be started must not keep the others from their turn.
                Err(failure) => {
                    tracing::warn!(connection = %connection.id, error = %failure, "a scheduled run was not started");
                }
            }
        }
        // After what is new: a run that was parked leaves room for it.
        started.extend(self.engine.look().await?);
        self.take_files(&duty, now).await;
        if self.alerts.look(now).await? {
            self.engine.tell_of_alerts();
        }
        Ok(started)
    }

    /// Takes in what lies in watched folders. Trouble with them keeps nobody else waiting.
    async fn take_files(&self, duty: &Store, now: DateTime<Utc>) {
        match self.folders.look(duty, now).await {
            Ok(looked) => {
                if looked.alerts {
                    self.engine.tell_of_alerts();
                }
                if !looked.changed.is_empty() {
                    self.engine.tell_screens();
                }
                for client in looked.changed {
                    self.engine.tell_of_rows(client);
                }
            }
            Err(failure) => {
                tracing::warn!(error = %failure, "watched folders could not be looked at; they are again in a moment");
            }
        }
    }

    /// Whether there is too little power now for what can wait. Parked runs wait with it; screens are told when it changes.
    pub async fn weigh(&self) -> Result<bool, Failure> {
        let saves = self.low_power().await?.is_some();
        self.engine.hold_parked(saves);
        if self.saving.swap(saves, Ordering::SeqCst) != saves {
            self.engine.tell_screens();
        }
        Ok(saves)
    }

    async fn low_power(&self) -> Result<Option<Power>, Failure> {
        let saver = self.store.battery_saver().await?;
        if !saver.enabled {
            return Ok(None);
        }
        Ok(self.power.power().await.filter(|power| saver.waits(*power)))
    }

    /// What waits for power at this moment; `None` while nothing does.
    pub async fn waiting(&self) -> Result<Option<Waiting>, Failure> {
        let Some(power) = self.low_power().await? else { return Ok(None) };
        let now = self.clock.now();
        let under_way = self.store.unfinished_runs(Scope::Portfolio).await?;
        let turns: HashMap<ConnectionId, Turn> =
            self.store.turns(Scope::Portfolio).await?.into_iter().map(|turn| (turn.connection_id, turn)).collect();
        let (mut connections, mut parked) = (Vec::new(), Vec::new());
        for connection in self.store.connections(Scope::Portfolio).await? {
            if connection.state != ConnectionState::Active {
                continue;
            }
            let own = || under_way.iter().filter(|run| run.connection_id == connection.id);
            let free = own().filter(|run| run.is_parked() && run.waiting_until.is_none_or(|until| until <= now));
            parked.extend(free.map(|run| (run.id, connection.id)));
            let Some(turn) = turns.get(&connection.id) else { continue };
            let zone = self.store.client(connection.client_id).await?.time_zone;
            let is_due = due(turn, self.by_schedule(&connection, &zone, now), now).start;
            if is_due && own().all(|run| run.trigger.is_long()) {
                connections.push(connection.id);
            }
        }
        let any = !connections.is_empty() || !parked.is_empty();
        Ok(any.then_some(Waiting { power, connections, parked }))
    }

    /// Starts what waits for power, because a person wants it now; answers with the runs. Their turns are done with it: nothing of them is
    /// caught up when the plug is in again.
    pub async fn start_waiting(&self) -> Result<Vec<RunId>, Failure> {
        let Some(waiting) = self.waiting().await? else { return Ok(Vec::new()) };
        let mut started = Vec::new();
        for id in waiting.connections {
            let turn = self.store.turn(id).await?;
            started.push(self.engine.start(id, RunTrigger::Manual, Asked::due()).await?);
            if turn.retry_at.is_some() {
                self.store.set_attempts(id, turn.failures, None).await?;
            }
            self.look_at(id).await?;
        }
        for (run, _) in waiting.parked {
            self.engine.release(run).await?;
            started.push(run);
        }
        self.engine.tell_screens();
        Ok(started)
    }

    /// Says anew when a connection's turn is, after its schedule was changed; starts nothing.
    pub async fn look_at(&self, id: ConnectionId) -> Result<(), Failure> {
        let connection = self.store.connection(id).await?;
        let zone = self.store.client(connection.client_id).await?.time_zone;
        let next_at = self.by_schedule(&connection, &zone, self.clock.now());
        self.store.set_next_turn(id, next_at).await?;
        Ok(())
    }

    /// The first start after now; `None` also for a connection that may not run, or that nothing can be read from again.
    fn by_schedule(&self, connection: &Connection, zone: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let source = self.wiring.source(&connection.connector)?;
        let runs = connection.state == ConnectionState::Active && !source.descriptor().streams.is_empty();
        runs.then(|| schedule::next(&connection.settings.schedule, zone, connection.id, now)).flatten()
    }

    async fn take(
        &self,
        duty: &Store,
        connection: &Connection,
        zone: &str,
        turn: &Turn,
        (now, saves): (DateTime<Utc>, bool),
    ) -> Result<Option<RunId>, Failure> {
        let mut due = due(turn, self.by_schedule(connection, zone, now), now);
        due.start &= connection.state == ConnectionState::Active;
        if due.start && saves {
            return Ok(None);
        }
        // Written before the start: a program that dies in between has a run to resume, or starts at the next turn; it never starts twice.
        if due.next_at != turn.next_at {
            duty.set_next_turn(connection.id, due.next_at).await?;
            self.engine.tell_screens();
        }
        if !due.start || self.engine.is_fresh(connection.id) {
            return Ok(None);
        }
        if turn.retry_at.is_some() {
            duty.set_attempts(connection.id, turn.failures, None).await?;
        }
        self.engine.start(connection.id, RunTrigger::Schedule, Asked::due()).await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn whose_turn_it_is() {
        let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
        let at = |minutes: Option<i64>| minutes.map(|minutes| now + TimeDelta::minutes(minutes));
        // Minutes from now: next by the turn, retry by the turn, next by the schedule; whether it starts, and when next.
        for (what, next, retry, fresh, start, then) in [
            ("seen for the first time", None, None, Some(600), false, Some(600)),
            ("not yet", Some(600), None, Some(600), false, Some(600)),
            ("now", Some(0), None, Some(1440), true, Some(1440)),
            ("slept three days", Some(-4320), None, Some(600), true, Some(600)),
            ("the schedule was made more frequent", Some(600), None, Some(60), false, Some(60)),
            ("the clock was set back a month", Some(43_200), None, Some(600), false, Some(600)),
            ("switched off", Some(600), None, None, false, None),
            ("switched off and missed", Some(-5), None, None, false, None),
            ("time to try again", Some(600), Some(0), Some(600), true, Some(600)),
            ("waiting for the platform", Some(600), Some(10), Some(600), false, Some(600)),
            ("its hour came while the platform is down", Some(0), Some(10), Some(60), false, Some(60)),
            ("tried again although it runs by hand only", None, Some(-1), None, true, None),
        ] {
            let turn = Turn { next_at: at(next), retry_at: at(retry), failures: 1, ..Turn::none(ConnectionId::new()) };
            assert_eq!(due(&turn, at(fresh), now), Due { start, next_at: at(then) }, "{what}");
        }
    }
}
