//! Creating, opening, upgrading, checking and closing the database.
//!
//! Opening tells apart what SQLCipher does not: "file is not a database" is its answer both to a wrong key and to a damaged first page.
//! A small file beside the database (`<name>.check`) holds a salted SHA-256 of the key; the key is 256 random bits, so the hash gives
//! nothing away. When the database does not open and the hash matches, the file is damaged; when it does not match, the key is wrong.
//!
//! Several programs may have it open. Each holds a share of the file `<name>.lock`; whoever needs the database alone (to create it, to
//! upgrade it, to look it over after a crash, and always while it opens and nobody else is there) takes the whole lock for that time.

use crate::{Result, Store, StoreError, backup, bulk::KEPT_STATEMENTS, lease};
use data_encoding::HEXLOWER;
use model::secret::Secret;
use sha2::{Digest, Sha256};
use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection, SqliteExecutor,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

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
    /// Whether nobody else may have it open, now and until it is closed: for what changes the workspace as a whole.
    pub alone: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4, max_bytes: None, migrations: None, alone: false }
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
    /// Free space on the disk of the database; `None` when the system does not say.
    pub fn free_bytes(&self) -> Option<u64> {
        fs4::available_space(self.path.parent()?).ok()
    }

    /// Creates a new database and opens it. It is made under another name and renamed when it is complete, so that a crash leaves
    /// either a whole database or none.
    pub async fn create(path: &Path, key_hex: &Secret, options: Options) -> Result<Self> {
        awake().await?;
        let key = Key::new(path, key_hex)?;
        let lock = Lock::whole(path)?;
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

    /// Opens an existing database: upgrades it (after a backup) when it is older, refuses when it is newer or damaged, or when others
    /// have it open and it has to be upgraded or is wanted alone.
    pub async fn open(path: &Path, key_hex: &Secret, options: Options) -> Result<Self> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.to_path_buf() });
        }
        awake().await?;
        let key = Key::new(path, key_hex)?;
        let lock = Lock::enter(path, options.alone).await;
        let lock = match lock {
            Err(StoreError::Busy { .. }) => return Err(busy(path, &key.connect(path)).await),
            lock => lock?,
        };
        Self::open_locked(path, &key, lock, &options).await
    }

    async fn open_locked(path: &Path, key: &Key, lock: Lock, options: &Options) -> Result<Self> {
        let connect = key.connect(path);
        if let Err(error) = prepare(path, &connect, options, lock.whole).await {
            return Err(explain(path, key, &connect, error).await);
        }
        key.write_check_if_needed(path)?;

        // A pool that opens its connections late would meet a damaged or vanished file in the middle of a screen. A connection is a thread
        // of ours, which needs no asking whether it still lives each time it is used.
        let writer = SqlitePoolOptions::new()
            .min_connections(1)
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(Duration::from_mins(10))
            .test_before_acquire(false)
            // On a full disk SQLite rolls back by itself, and the driver, which then has nothing to roll back, goes on counting a
            // transaction. With such a connection nothing could be written until the next start, however much room there is.
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
            .connect_with(
                limited(connect.clone(), options)
                    .pragma("cache_size", "-24000")
                    .statement_cache_capacity(KEPT_STATEMENTS),
            )
            .await?;
        let readers = SqlitePoolOptions::new()
            .min_connections(1)
            .max_connections(options.readers.max(1))
            .idle_timeout(Duration::from_mins(5))
            .acquire_timeout(Duration::from_mins(1))
            .test_before_acquire(false)
            .connect_with(connect.clone().pragma("query_only", "ON").pragma("cache_size", "-8000"))
            .await?;
        let leased = has_table(&mut *readers.acquire().await?, "lease").await?;
        if lock.whole {
            if leased {
                lease::vacate(&writer).await?;
            }
            if !options.alone {
                lock.share(path).await?;
            }
        }
        let lock = Arc::new(lock);
        let (written, duty) = (Arc::default(), None);
        Ok(Self { path: path.into(), connect: Arc::new(connect), writer, readers, lock, leased, written, duty })
    }

    /// Writes everything into the main file and closes it. Not calling this (a crash, `kill -9`) loses nothing that was committed; the
    /// next opening checks the file.
    pub async fn close(self) {
        // While others have it open the log is theirs to fold in as well: no reason to wait for them.
        let fold = "PRAGMA busy_timeout = 200; PRAGMA wal_checkpoint(TRUNCATE)";
        if let Err(error) = sqlx::raw_sql(fold).execute(&self.writer).await {
            tracing::warn!(%error, "the log of the workspace database was not folded in; it will be at the next opening");
        }
        self.readers.close().await;
        self.writer.close().await;
        // A clone that somebody forgot reads and writes nothing any more; it must not keep others out either.
        self.lock.release();
    }

    /// Lets others open it too, after it was opened `alone`.
    pub async fn share(&self) -> Result<()> {
        self.lock.share(&self.path).await
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

/// Lets the first connection of the process be opened with no other beside it. SQLite says that it is ready before SQLCipher, which
/// it prepares last, is: a second connection opened in that moment is told that its key is wrong ("sqlcipher not initialized").
///
/// OpenSSL is begun by name before it, which leaves out the clearing up that it would do when the program ends: that does not wait for
/// threads of sqlx that still read, and they would read memory that is gone.
async fn awake() -> Result<()> {
    static AWAKE: OnceCell<()> = OnceCell::const_new();
    let first = async {
        openssl_sys::init();
        Ok(SqliteConnectOptions::new().in_memory(true).connect().await?.close().await?)
    };
    AWAKE.get_or_try_init(|| first).await.copied()
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

/// How long a program that opens waits for another one that opens, upgrades or checks the file.
const PATIENCE: Duration = Duration::from_secs(30);

/// An advisory lock of the operating system: gone with the process, however it ends. It is released by name and not by closing the file
/// alone: a program that is being started by another thread holds a copy of every open file until it runs, and the lock with it.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    /// Whether nobody else has a share.
    whole: bool,
}

impl Lock {
    fn file(path: &Path) -> Result<File> {
        let name = beside(path, ".lock");
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&name);
        file.map_err(|error| StoreError::file(&name, error))
    }

    /// The whole lock, now.
    fn whole(path: &Path) -> Result<Self> {
        let file = Self::file(path)?;
        told(path, file.try_lock())?;
        Ok(Self { file, whole: true })
    }

    /// The whole lock when nobody else is there. Otherwise, unless it must be `alone`, a share.
    async fn enter(path: &Path, alone: bool) -> Result<Self> {
        match Self::whole(path) {
            Err(StoreError::Busy { .. }) if !alone => {}
            lock => return lock,
        }
        Self::shared(path).await
    }

    /// Gives the whole back and keeps a share. The system does not do this in one step; whoever comes between opens as if alone, which
    /// does no harm: it looks the file over and waits for nobody.
    async fn share(&self, path: &Path) -> Result<()> {
        self.release();
        wait_for(path, || self.file.try_lock_shared()).await
    }

    /// A share, as soon as nobody has the whole.
    async fn shared(path: &Path) -> Result<Self> {
        let file = Self::file(path)?;
        wait_for(path, || file.try_lock_shared()).await?;
        Ok(Self { file, whole: false })
    }

    /// Lets others in. Releasing it again changes nothing.
    fn release(&self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "the lock of the workspace stays until this program ends");
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.release();
    }
}

async fn wait_for(path: &Path, lock: impl Fn() -> std::result::Result<(), TryLockError>) -> Result<()> {
    let since = Instant::now();
    loop {
        match told(path, lock()) {
            Err(StoreError::Busy { .. }) if since.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            locked => return locked,
        }
    }
}

fn told(path: &Path, locked: std::result::Result<(), TryLockError>) -> Result<()> {
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(StoreError::Busy { path: path.to_path_buf(), by: None }),
        Err(TryLockError::Error(error)) => Err(StoreError::file(beside(path, ".lock"), error)),
    }
}

/// The refusal because of others, with the name of the one on duty where it can be read.
async fn busy(path: &Path, connect: &SqliteConnectOptions) -> StoreError {
    let holder = async {
        let mut connection = connect.clone().pragma("query_only", "ON").connect().await?;
        sqlx::query_scalar::<_, Option<String>>("SELECT holder FROM lease").fetch_one(&mut connection).await
    };
    StoreError::Busy { path: path.to_path_buf(), by: holder.await.ok().flatten() }
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

/// Everything that must be right before the pools open: readable, whole after a crash, of a known version, upgraded. Where others have
/// it open, whoever came first has looked.
async fn prepare(path: &Path, connect: &SqliteConnectOptions, options: &Options, alone: bool) -> Result<()> {
    let migrations = migrations(options).await?;
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    if fs::metadata(path).map_err(|error| StoreError::file(path, error))?.len() == 0 {
        // SQLite would take an empty file for a new database and a person would find an empty workspace.
        return Err(StoreError::Damaged { backup: None, detail: "the file is empty".to_owned() });
    }
    let crashed = alone && fs::metadata(beside(path, "-wal")).is_ok_and(|wal| wal.len() > 0);

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
        Some(found) if found < known && !alone => return Err(busy(path, connect).await),
        Some(found) if found < known => {
            let backup = backup::write(path, &mut connection, found).await?;
            tracing::info!(found, known, backup = %backup.display(), "upgrading the workspace database");
            upgrade(&mut connection, &migrations).await.map_err(|error| match error {
                StoreError::Upgrade { source, .. } => StoreError::Upgrade { backup: Some(backup), source },
                other => other,
            })?;
        }
        // The same version: still compared by hash, so that an edited migration does not go unnoticed.
        Some(_) if alone => upgrade(&mut connection, &migrations).await?,
        Some(_) => {}
    }
    connection.close().await?;
    Ok(())
}

async fn has_table(executor: impl SqliteExecutor<'_>, name: &str) -> Result<bool> {
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = ?")
        .bind(name.to_owned())
        .fetch_one(executor)
        .await?;
    Ok(tables > 0)
}

/// The newest migration that the file has seen; `None` when the file has no table of migrations.
async fn schema_of(connection: &mut SqliteConnection) -> Result<Option<i64>> {
    if !has_table(&mut *connection, "_sqlx_migrations").await? {
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
        let lock = Lock::whole(&path).unwrap();
        let inherited = lock.file.try_clone().unwrap();
        assert!(matches!(Lock::whole(&path), Err(StoreError::Busy { .. })));
        drop(lock);
        Lock::whole(&path).unwrap();
        drop(inherited);
    }
}
