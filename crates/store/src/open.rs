//! Creating, opening, upgrading, checking and closing the database.
//!
//! Opening tells apart what SQLCipher does not: "file is not a database" is its answer both to a wrong key and to a damaged first page.
//! A small file beside the database (`<name>.check`) holds a salted SHA-256 of the key; the key is 256 random bits, so the hash gives
//! nothing away. When the database does not open and the hash matches, the file is damaged; when it does not match, the key is wrong.

use crate::{Result, Store, StoreError, backup};
use data_encoding::HEXLOWER;
use model::secret::Secret;
use sha2::{Digest, Sha256};
use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// The migrations of this build.
static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// How to open the database.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections that read at the same time.
    pub readers: u32,
    /// The size beyond which the database refuses to grow, in bytes; `None` leaves it to the disk.
    pub max_bytes: Option<u64>,
    /// A folder of migrations to use in place of those in this build: how the upgrade tests make old and newer databases.
    pub migrations: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4, max_bytes: None, migrations: None }
    }
}

/// What a check of the whole file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What is wrong, in SQLite's words; empty when everything is right.
    pub problems: Vec<String>,
    /// Schema version.
    pub schema: i64,
    /// Size of the database without its log, in bytes.
    pub bytes: u64,
}

impl Store {
    /// Creates a new database and opens it. It is made under another name and renamed when it is complete, so that a crash leaves
    /// either a whole database or none.
    pub async fn create(path: &Path, key_hex: &Secret, options: Options) -> Result<Self> {
        let key = Key::new(path, key_hex)?;
        let lock = Lock::take(path)?;
        if path.exists() {
            return Err(StoreError::Exists { path: path.to_path_buf() });
        }
        let fresh = beside(path, ".new");
        for leftover in [fresh.clone(), beside(&fresh, "-journal"), beside(path, "-wal"), beside(path, "-shm")] {
            remove_if_there(&leftover)?;
        }
        let made = async {
            let migrations = migrations(&options).await?;
            let connect = limited(key.connect(&fresh), &options).create_if_missing(true).foreign_keys(false);
            let mut connection = connect.connect().await?;
            let upgraded = upgrade(&mut connection, &migrations).await;
            // Waited for also after a failure: a connection that is only dropped goes on in the background, and would remove the journal
            // of the next attempt.
            let closed = connection.close().await;
            upgraded?;
            closed?;
            key.write_check(path)?;
            fs::rename(&fresh, path).map_err(|error| StoreError::file(path, error))
        };
        if let Err(error) = made.await {
            // Best effort: the leftover is removed by the next attempt in any case, and the first error is the one worth telling.
            let _ = fs::remove_file(&fresh);
            return Err(match error {
                StoreError::DiskFull { path: None } => StoreError::DiskFull { path: Some(path.to_path_buf()) },
                other => other,
            });
        }
        Self::open_locked(path, &key, lock, &options).await
    }

    /// Opens an existing database: upgrades it (after a backup) when it is older, refuses when it is newer, damaged or in use.
    pub async fn open(path: &Path, key_hex: &Secret, options: Options) -> Result<Self> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.to_path_buf() });
        }
        let lock = Lock::take(path)?;
        let key = Key::new(path, key_hex)?;
        Self::open_locked(path, &key, lock, &options).await
    }

    async fn open_locked(path: &Path, key: &Key, lock: Lock, options: &Options) -> Result<Self> {
        let connect = key.connect(path);
        if let Err(error) = prepare(path, &connect, options).await {
            return Err(explain(path, key, &connect, error).await);
        }
        key.write_check_if_needed(path)?;

        // A pool that opens its connections late would meet a damaged or vanished file in the middle of a screen.
        let writer = SqlitePoolOptions::new()
            .min_connections(1)
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(Duration::from_mins(10))
            .connect_with(limited(connect.clone(), options).pragma("cache_size", "-24000"))
            .await?;
        let readers = SqlitePoolOptions::new()
            .min_connections(1)
            .max_connections(options.readers.max(1))
            .idle_timeout(Duration::from_mins(5))
            .acquire_timeout(Duration::from_mins(1))
            .connect_with(connect.clone().pragma("query_only", "ON").pragma("cache_size", "-8000"))
            .await?;
        let store = Self { path: path.into(), connect: Arc::new(connect), writer, readers, lock: Arc::new(lock) };
        store.clear_staged().await?;
        Ok(store)
    }

    /// Writes everything into the main file and closes it. Not calling this (a crash, `kill -9`) loses nothing that was committed; the
    /// next opening checks the file.
    pub async fn close(self) {
        if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await {
            tracing::warn!(%error, "the log of the workspace database was not folded in; it will be at the next opening");
        }
        self.readers.close().await;
        self.writer.close().await;
        // A clone that somebody forgot reads and writes nothing any more; it must not keep others out either.
        self.lock.release();
    }

    /// Checks the whole file: the seal of every page, the structure, references, and rows that belong to nothing.
    pub async fn check(&self) -> Result<Report> {
        self.located(async {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await?;
            let mut connection = self.readers.acquire().await?;
            let mut problems: Vec<String> =
                sqlx::query_scalar("PRAGMA cipher_integrity_check").fetch_all(&mut *connection).await?;
            if problems.is_empty() {
                let structure: Vec<String> =
                    sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut *connection).await?;
                problems.extend(structure.into_iter().filter(|line| line != "ok"));
                for row in sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut *connection).await? {
                    problems.push(format!("a row of {} refers to nothing", row.try_get::<String, _>(0)?));
                }
                let orphans: i64 = sqlx::query_scalar(
                    "SELECT count(*) FROM campaign_stats WHERE connection NOT IN (SELECT num FROM connections)
                     OR object NOT IN (SELECT num FROM ad_objects)",
                )
                .fetch_one(&mut *connection)
                .await?;
                if orphans > 0 {
                    problems.push(format!("{orphans} rows of campaign_stats belong to nothing"));
                }
            }
            let schema = schema_of(&mut connection).await?.unwrap_or(0);
            let bytes = fs::metadata(&*self.path).map_err(|error| StoreError::file(&*self.path, error))?.len();
            Ok(Report { problems, schema, bytes })
        })
        .await
    }
}

/// The checked key, and what is derived from it.
struct Key(Secret);

impl Key {
    fn new(path: &Path, key_hex: &Secret) -> Result<Self> {
        // The one place where the store needs the key in the clear: SQLCipher takes it as text of a pragma.
        let hex = key_hex.expose();
        if hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(key_hex.clone()))
        } else {
            Err(StoreError::WrongKey { path: path.to_path_buf() })
        }
    }

    /// How every connection to a database of this key is opened. Statement logging is off, because the first statement is the key.
    fn connect(&self, path: &Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            // sqlx puts its own pragmas right behind the key and they read the first page. SQLCipher reports a page that does not open
            // to standard error, which is not ours to write to; therefore the log is switched off in the same breath as the key.
            .pragma("key", format!("\"x'{}'\"; PRAGMA cipher_log_level = NONE", self.0.expose()))
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(30))
            .pragma("temp_store", "MEMORY")
            .pragma("journal_size_limit", "67108864")
            .disable_statement_logging()
    }

    fn digest(&self, salt: &[u8]) -> String {
        let mut hash = Sha256::new();
        hash.update(b"syncdeck workspace key check 1\0");
        hash.update(salt);
        hash.update(self.0.expose().to_ascii_lowercase().as_bytes());
        HEXLOWER.encode(&hash.finalize())
    }

    fn write_check(&self, path: &Path) -> Result<()> {
        let salt = uuid::Uuid::new_v4();
        let text = format!("{} {}\n", salt.simple(), self.digest(salt.as_bytes()));
        let check = beside(path, ".check");
        fs::write(&check, text).map_err(|error| StoreError::file(check, error))
    }

    fn write_check_if_needed(&self, path: &Path) -> Result<()> {
        if self.matches_check(path) == Some(true) { Ok(()) } else { self.write_check(path) }
    }

    /// Whether this is the key the check file was written with; `None` when there is no readable check file.
    fn matches_check(&self, path: &Path) -> Option<bool> {
        let text = fs::read_to_string(beside(path, ".check")).ok()?;
        let (salt, digest) = text.trim_end().split_once(' ')?;
        let salt = uuid::Uuid::parse_str(salt).ok()?;
        (digest.len() == 64).then(|| self.digest(salt.as_bytes()) == digest)
    }
}

/// `workspace.db` + `.lock` = `workspace.db.lock`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::file(path, error)),
        _ => Ok(()),
    }
}

/// An advisory lock of the operating system: gone with the process, however it ends. It is released by name and not by closing the file
/// alone: a program that is being started by another thread holds a copy of every open file until it runs, and the lock with it.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    fn take(path: &Path) -> Result<Self> {
        let name = beside(path, ".lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&name)
            .map_err(|error| StoreError::file(&name, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::Busy { path: path.to_path_buf() }),
            Err(TryLockError::Error(error)) => Err(StoreError::file(&name, error)),
        }
    }

    /// Lets others in. Releasing it again changes nothing.
    fn release(&self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock of the workspace stays until this program ends");
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.release();
    }
}

fn limited(connect: SqliteConnectOptions, options: &Options) -> SqliteConnectOptions {
    match options.max_bytes {
        Some(bytes) => connect.pragma("max_page_count", (bytes / 4096).max(1).to_string()),
        None => connect,
    }
}

async fn migrations(options: &Options) -> Result<Migrator> {
    match &options.migrations {
        Some(folder) => {
            Migrator::new(folder.as_path()).await.map_err(|source| StoreError::Upgrade { backup: None, source })
        }
        None => Ok(Migrator { migrations: MIGRATIONS.migrations.clone(), ..Migrator::DEFAULT }),
    }
}

/// Everything that must be right before the pools open: readable, whole after a crash, of a known version, upgraded.
async fn prepare(path: &Path, connect: &SqliteConnectOptions, options: &Options) -> Result<()> {
    let migrations = migrations(options).await?;
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    if fs::metadata(path).map_err(|error| StoreError::file(path, error))?.len() == 0 {
        // SQLite would take an empty file for a new database and a person would find an empty workspace.
        return Err(StoreError::Damaged { backup: None, detail: "the file is empty".to_owned() });
    }
    let crashed = fs::metadata(beside(path, "-wal")).is_ok_and(|wal| wal.len() > 0);

    let mut connection =
        limited(connect.clone(), options).journal_mode(SqliteJournalMode::Wal).foreign_keys(false).connect().await?;
    if crashed {
        let lines: Vec<String> = sqlx::query_scalar("PRAGMA quick_check").fetch_all(&mut connection).await?;
        if let Some(detail) = lines.into_iter().find(|line| line != "ok") {
            return Err(StoreError::Damaged { backup: None, detail });
        }
    }
    match schema_of(&mut connection).await? {
        None => return Err(StoreError::Damaged { backup: None, detail: "there is no schema in the file".to_owned() }),
        Some(found) if found > known => return Err(StoreError::Newer { found, known }),
        Some(found) if found < known => {
            let backup = backup::write(path, &mut connection, found).await?;
            tracing::info!(found, known, backup = %backup.display(), "upgrading the workspace database");
            upgrade(&mut connection, &migrations).await.map_err(|error| match error {
                StoreError::Upgrade { source, .. } => StoreError::Upgrade { backup: Some(backup), source },
                other => other,
            })?;
        }
        // The same version: still compared by hash, so that an edited migration does not go unnoticed.
        Some(_) => upgrade(&mut connection, &migrations).await?,
    }
    connection.close().await?;
    Ok(())
}

/// The newest migration that the file has seen; `None` when the file has no table of migrations.
async fn schema_of(connection: &mut SqliteConnection) -> Result<Option<i64>> {
    let table: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
        .fetch_one(&mut *connection)
        .await?;
    if table == 0 {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(connection).await?)
}

/// All pending migrations in one transaction, so that a failing one leaves the database as it was. References are not enforced
/// meanwhile, because SQLite changes a table by copying it; they are checked as a whole before the commit.
async fn upgrade(connection: &mut SqliteConnection, migrations: &Migrator) -> Result<()> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    match migrations.run_direct(None, &mut *transaction, false).await {
        Ok(()) => {}
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            return Err(match StoreError::from(error) {
                StoreError::Sql(error) => StoreError::Upgrade { backup: None, source: MigrateError::Execute(error) },
                told_apart => told_apart,
            });
        }
        Err(source) => return Err(StoreError::Upgrade { backup: None, source }),
    }
    if let Some(row) = sqlx::query("PRAGMA foreign_key_check").fetch_optional(&mut *transaction).await? {
        let table: String = row.try_get(0)?;
        let cause = format!("after the upgrade a row of {table} refers to nothing");
        return Err(StoreError::Upgrade { backup: None, source: MigrateError::Source(cause.into()) });
    }
    transaction.commit().await?;
    Ok(())
}

/// Completes the error of an opening: wrong key or damage, which backup is good, which disk is full.
async fn explain(path: &Path, key: &Key, connect: &SqliteConnectOptions, error: StoreError) -> StoreError {
    match error {
        StoreError::Damaged { detail, .. } => {
            let backup = backup::newest_good(path, connect).await;
            match key.matches_check(path) {
                Some(true) => StoreError::Damaged { backup, detail },
                // The check file is gone. A backup that this key opens says that the key is right.
                None if backup.is_some() => StoreError::Damaged { backup, detail },
                Some(false) | None => StoreError::WrongKey { path: path.to_path_buf() },
            }
        }
        StoreError::DiskFull { path: None } => StoreError::DiskFull { path: Some(path.to_path_buf()) },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_lock_given_up_is_free_though_a_starting_program_still_has_the_file_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        let lock = Lock::take(&path).unwrap();
        let inherited = lock.0.try_clone().unwrap();
        assert!(matches!(Lock::take(&path), Err(StoreError::Busy { .. })));
        drop(lock);
        Lock::take(&path).unwrap();
        drop(inherited);
    }
}
