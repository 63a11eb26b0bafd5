//! Table `alerts`: what people should know without looking. A review brings the alerts of a connection in line with what was found: new
//! ones are opened, those found again are brought up to date, those not found any more are settled. What is urgent is told in the same
//! transaction, so that nothing is told twice or forgotten.

use crate::{
    Result, Scope, Store, StoreError,
    codec::{Read, day_code, instant_code, json},
    tellings,
};
use chrono::{DateTime, Utc};
use model::{
    alert::{Alert, AlertKind, AlertState, AlertSubject, Severity, TellingKind},
    date::DateRange,
    id::{AlertId, ConnectionId, RunId},
};
use sqlx::{SqliteConnection, SqliteExecutor, sqlite::SqliteRow};
use std::collections::BTreeMap;

/// Something that a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which kind.
    pub kind: AlertKind,
    /// Which stream, when it is about one.
    pub stream: Option<String>,
    /// Which days, when it is about some.
    pub days: Option<DateRange>,
    /// How urgent it is.
    pub severity: Severity,
    /// Parameters of its text.
    pub params: BTreeMap<String, String>,
}

/// What a review did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reviewed {
    /// Alerts that are new.
    pub opened: u32,
    /// Alerts that say something else than before.
    pub changed: u32,
    /// Alerts whose facts are over.
    pub settled: u32,
    /// What people outside are told at once.
    pub told: u32,
}

impl Reviewed {
    /// Whether anything is different now.
    pub fn is_change(&self) -> bool {
        *self != Self::default()
    }
}

/// An alert with what the database knows of it besides.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    pub(crate) num: i64,
    pub(crate) alert: Alert,
    pub(crate) client_name: String,
    pub(crate) connector: String,
    pub(crate) account_name: String,
    told: bool,
}

pub(crate) fn read(row: &SqliteRow) -> Result<Kept> {
    let settled_at = row.instant_or_none("settled_at")?;
    let muted_at = row.instant_or_none("muted_at")?;
    let stream: String = row.value("stream")?;
    Ok(Kept {
        num: row.value("num")?,
        alert: Alert {
            id: row.word("id")?,
            subject: AlertSubject {
                kind: row.word("kind")?,
                connection_id: row.word("connection_id")?,
                stream: Some(stream).filter(|stream| !stream.is_empty()),
                days: row.range("days_from", "days_to")?,
            },
            client_id: row.word("client_id")?,
            severity: row.word("severity")?,
            state: match (settled_at, muted_at) {
                (Some(_), _) => AlertState::Settled,
                (None, Some(_)) => AlertState::Muted,
                (None, None) => AlertState::Open,
            },
            params: row.json("params")?,
            run_id: row.value::<Option<&str>>("run_id")?.map(|_| row.word("run_id")).transpose()?,
            opened_at: row.instant("opened_at")?,
            settled_at,
        },
        client_name: row.value("client_name")?,
        connector: row.value("connector")?,
        account_name: row.value("account_name")?,
        told: row.value::<Option<i64>>("told_at")?.is_some(),
    })
}

/// What every read of alerts begins with.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT a.*, c.id AS connection_id, c.client_id, c.connector, c.account_name, l.name AS client_name, r.id AS run_id
             FROM alerts AS a JOIN connections AS c ON c.num = a.connection JOIN clients AS l ON l.id = c.client_id
             LEFT JOIN runs AS r ON r.num = a.run ",
            $rest
        )
    };
}
pub(crate) use select;

async fn living(executor: impl SqliteExecutor<'_>, id: ConnectionId, judged: &[AlertKind]) -> Result<Vec<Kept>> {
    let rows = sqlx::query(select!("WHERE c.id = ? AND a.settled_at IS NULL ORDER BY a.num"))
        .bind(id.to_string())
        .fetch_all(executor)
        .await?;
    let kept: Vec<Kept> = rows.iter().map(read).collect::<Result<_>>()?;
    Ok(kept.into_iter().filter(|kept| judged.contains(&kept.alert.subject.kind)).collect())
}

fn same(alert: &Alert, found: &Found) -> bool {
    let subject = &alert.subject;
    (subject.kind, &subject.stream, subject.days) == (found.kind, &found.stream, found.days)
}

impl Store {
    /// Brings the alerts of a connection in line with what was found. `judged` are the kinds that were looked at: living alerts of these
    /// kinds that were not found are settled, those of other kinds stay. A muted alert stays muted as long as it is found. An open
    /// critical alert that was not told yet is told in the same transaction.
    pub async fn review_alerts(
        &self,
        id: ConnectionId,
        judged: &[AlertKind],
        found: &[Found],
        run: Option<RunId>,
        at: DateTime<Utc>,
    ) -> Result<Reviewed> {
        if found.iter().any(|found| !judged.contains(&found.kind)) {
            return Err(StoreError::Misuse("what was found is of a kind that was judged"));
        }
        // Most reviews find nothing where nothing was: they do not queue among the writers.
        if found.is_empty() && living(&self.readers, id, judged).await?.is_empty() {
            return Ok(Reviewed::default());
        }
        self.located(async {
            let mut transaction = self.begin().await?;
            let num = crate::connections::num_of(&mut *transaction, id).await?;
            let run = match run {
                Some(run) => Some(crate::runs::num_of(&mut *transaction, run).await?),
                None => None,
            };
            let mut reviewed = Reviewed::default();
            for before in living(&mut *transaction, id, judged).await? {
                match found.iter().find(|found| same(&before.alert, found)) {
                    Some(found) if before.alert.params != found.params || before.alert.severity != found.severity => {
                        sqlx::query("UPDATE alerts SET params = ?, severity = ?, run = coalesce(?, run) WHERE num = ?")
                            .bind(json(&found.params)?)
                            .bind(found.severity.as_str())
                            .bind(run)
                            .bind(before.num)
                            .execute(&mut *transaction)
                            .await?;
                        reviewed.changed += 1;
                    }
                    Some(_) => {}
                    None => {
                        sqlx::query("UPDATE alerts SET settled_at = ? WHERE num = ?")
                            .bind(instant_code(at))
                            .bind(before.num)
                            .execute(&mut *transaction)
                            .await?;
                        reviewed.settled += 1;
                    }
                }
            }
            for found in found {
                reviewed.opened += open(&mut transaction, num, found, run, at).await?;
            }
            for urgent in living(&mut *transaction, id, judged).await? {
                let alert = &urgent.alert;
                if alert.severity != Severity::Critical || alert.state != AlertState::Open || urgent.told {
                    continue;
                }
                let (client, told) = (alert.client_id, [tellings::told(&urgent)]);
                tellings::add(&mut transaction, client, TellingKind::Critical, None, at, &told).await?;
                sqlx::query("UPDATE alerts SET told_at = ? WHERE num = ?")
                    .bind(instant_code(at))
                    .bind(urgent.num)
                    .execute(&mut *transaction)
                    .await?;
                reviewed.told += 1;
            }
            transaction.commit().await?;
            Ok(reviewed)
        })
        .await
    }

    /// Alerts that are open or muted, and those settled since an instant: the newest first.
    pub async fn alerts(&self, scope: Scope, settled_since: DateTime<Utc>) -> Result<Vec<Alert>> {
        let rows = sqlx::query(select!(
            "WHERE (?1 IS NULL OR c.client_id = ?1) AND (a.settled_at IS NULL OR a.settled_at >= ?2) ORDER BY a.num DESC"
        ))
        .bind(scope.bound())
        .bind(instant_code(settled_since))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok(read(row)?.alert)).collect()
    }

    /// One alert, or `NotFound`.
    pub async fn alert(&self, id: AlertId) -> Result<Alert> {
        let row = sqlx::query(select!("WHERE a.id = ?")).bind(id.to_string()).fetch_optional(&self.readers).await?;
        Ok(read(&row.ok_or(StoreError::NotFound { what: "alert" })?)?.alert)
    }

    /// Says that a person wants to hear no more of an alert, or does again. One that is settled stays as it is.
    pub async fn mute_alert(&self, id: AlertId, muted: bool, at: DateTime<Utc>) -> Result<()> {
        self.located(async {
            let mute = sqlx::query(
                "UPDATE alerts SET muted_at = CASE WHEN settled_at IS NOT NULL THEN muted_at WHEN ?2 THEN coalesce(muted_at, ?3) END
                 WHERE id = ?1",
            )
            .bind(id.to_string())
            .bind(muted)
            .bind(instant_code(at));
            if self.execute(mute).await? == 0 { Err(StoreError::NotFound { what: "alert" }) } else { Ok(()) }
        })
        .await
    }
}

/// Opens an alert unless one of its subject is alive. Answers how many were opened.
async fn open(
    connection: &mut SqliteConnection,
    num: i64,
    found: &Found,
    run: Option<i64>,
    at: DateTime<Utc>,
) -> Result<u32> {
    let done = sqlx::query(
        "INSERT INTO alerts (id, connection, kind, stream, days_from, days_to, severity, params, run, opened_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (connection, kind, stream, ifnull(days_from, -1), ifnull(days_to, -1)) WHERE settled_at IS NULL DO NOTHING",
    )
    .bind(AlertId::new().to_string())
    .bind(num)
    .bind(found.kind.as_str())
    .bind(found.stream.as_deref().unwrap_or_default())
    .bind(found.days.map(|days| day_code(days.from())))
    .bind(found.days.map(|days| day_code(days.to())))
    .bind(found.severity.as_str())
    .bind(json(&found.params)?)
    .bind(run)
    .bind(instant_code(at))
    .execute(connection)
    .await?;
    Ok(u32::from(done.rows_affected() > 0))
}
