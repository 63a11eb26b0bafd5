//! Table `lease`: which of the programs that have the workspace open is on duty, and whether anybody has changed something.
//!
//! No clock decides who is on duty. The holder's beat grows, with every write of its duty and by [`Store::renew_lease`] when it has nothing
//! to write; a program that sees it stand still takes over ([`Store::take_lease`]) with a greater token. The handle it gets names this
//! token in every write, in the write's own transaction: a program that slept through its replacement, or whose clock was set, is
//! refused with [`StoreError::OffDuty`] and has written nothing.

use crate::{Result, Store, StoreError, codec::Read};
use sqlx::{Sqlite, SqliteConnection, SqliteExecutor, Transaction};
use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

/// The lease at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Which program is on duty; `None`: nobody.
    pub holder: Option<String>,
    /// Whether it stays and looks at schedules.
    pub stays: bool,
    /// Whether one that stays waits for it to hand over.
    pub wanted: bool,
    /// Which duty it is: every taking over has a greater one.
    pub token: i64,
    /// Grows while the holder lives.
    pub beat: i64,
    /// How often other programs have changed the database. Only its changes mean something.
    pub others: i64,
}

/// What a handle of the program on duty carries.
#[derive(Debug)]
pub(crate) struct Duty {
    token: i64,
    lost: AtomicBool,
}

/// A write: a transaction that gives way to a [`SqliteConnection`] and is counted as ours when it is committed.
pub(crate) struct Write {
    transaction: Transaction<'static, Sqlite>,
    written: Arc<AtomicI64>,
}

impl Write {
    pub(crate) async fn commit(self) -> Result<()> {
        self.transaction.commit().await?;
        self.written.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Deref for Write {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        &self.transaction
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }
}

impl Store {
    /// Begins a write: every change of the database begins here or in [`Store::execute`]. For the program on duty this is where it is
    /// checked that it still is.
    pub(crate) async fn begin(&self) -> Result<Write> {
        let mut transaction = self.transaction().await?;
        // A database made by an older build's migrations, as the upgrade tests make it, has no such table yet.
        if self.leased {
            let token = self.duty.as_ref().map(|duty| duty.token);
            let done = sqlx::query(
                "UPDATE lease SET revision = revision + 1, beat = beat + (?1 IS NOT NULL) WHERE ?1 IS NULL OR token = ?1",
            )
            .bind(token)
            .execute(&mut *transaction)
            .await?;
            if done.rows_affected() == 0 {
                return Err(self.replaced());
            }
        }
        Ok(Write { transaction, written: Arc::clone(&self.written) })
    }

    /// A write of one statement.
    pub(crate) async fn execute(
        &self,
        statement: sqlx::query::Query<'_, Sqlite, sqlx::sqlite::SqliteArguments>,
    ) -> Result<u64> {
        let mut write = self.begin().await?;
        let done = statement.execute(&mut *write).await?;
        write.commit().await?;
        Ok(done.rows_affected())
    }

    fn replaced(&self) -> StoreError {
        if let Some(duty) = &self.duty {
            duty.lost.store(true, Ordering::SeqCst);
        }
        StoreError::OffDuty
    }

    /// The lease now.
    pub async fn lease(&self) -> Result<Lease> {
        let ours = self.written.load(Ordering::SeqCst);
        let row = sqlx::query("SELECT holder, stays, wanted, token, beat, revision FROM lease")
            .fetch_one(&self.readers)
            .await?;
        Ok(Lease {
            holder: row.value("holder")?,
            stays: row.value("stays")?,
            wanted: row.value("wanted")?,
            token: row.value("token")?,
            beat: row.value("beat")?,
            others: row.value::<i64>("revision")? - ours,
        })
    }

    /// Goes on duty under this name, to stay or for the time of one command, if the lease still stands as it was `seen`: free, or without a beat since. Answers with the handle
    /// through which everything of this duty is to be written; `None`: somebody is on duty.
    pub async fn take_lease(&self, holder: &str, stays: bool, seen: &Lease) -> Result<Option<Self>> {
        self.located(async {
            let mut transaction = self.transaction().await?;
            let token: Option<i64> = sqlx::query_scalar(
                "UPDATE lease SET holder = ?1, stays = ?4, wanted = 0, token = token + 1, beat = beat + 1
                 WHERE token = ?2 AND beat = ?3 RETURNING token",
            )
            .bind(holder)
            .bind(seen.token)
            .bind(seen.beat)
            .bind(stays)
            .fetch_optional(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(token.map(|token| {
                let duty = Duty { token, lost: AtomicBool::new(false) };
                Self { duty: Some(Arc::new(duty)), ..self.clone() }
            }))
        })
        .await
    }

    /// Asks a program on duty that does not stay to hand over.
    pub async fn want_lease(&self) -> Result<()> {
        self.located(async {
            let mut transaction = self.transaction().await?;
            sqlx::query("UPDATE lease SET wanted = 1 WHERE stays = 0").execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// Says that the program on duty lives. [`StoreError::OffDuty`]: another one has taken over.
    pub async fn renew_lease(&self) -> Result<()> {
        self.change_lease("UPDATE lease SET beat = beat + 1 WHERE token = ?").await
    }

    /// Goes off duty; whoever looks next takes over at once. Nothing happens when somebody has done so already.
    pub async fn release_lease(&self) -> Result<()> {
        match self.change_lease("UPDATE lease SET holder = NULL, beat = beat + 1 WHERE token = ?").await {
            Err(StoreError::OffDuty) => Ok(()),
            done => done,
        }
    }

    async fn change_lease(&self, change: &'static str) -> Result<()> {
        let Some(duty) = &self.duty else { return Err(StoreError::Misuse("only the program on duty has a lease")) };
        self.located(async {
            let mut transaction = self.transaction().await?;
            let done = sqlx::query(change).bind(duty.token).execute(&mut *transaction).await?;
            transaction.commit().await?;
            if done.rows_affected() == 0 { Err(self.replaced()) } else { Ok(()) }
        })
        .await
    }

    /// Whether this handle's duty was found to have ended: another program has taken over.
    pub fn off_duty(&self) -> bool {
        self.duty.as_ref().is_some_and(|duty| duty.lost.load(Ordering::SeqCst))
    }
}

/// Frees the lease. Only for a program that is known to be the only one: then its holder is dead.
pub(crate) async fn vacate(executor: impl SqliteExecutor<'_>) -> Result<()> {
    sqlx::query("UPDATE lease SET holder = NULL, beat = beat + 1").execute(executor).await?;
    Ok(())
}
