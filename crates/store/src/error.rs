//! What can go wrong with the workspace database, told apart because a person does something different about each.
//!
//! SQLite's numeric codes are read here and nowhere else: <https://www.sqlite.org/rescode.html>.

use model::failure::{Code, Failure};
use sqlx::migrate::MigrateError;
use std::path::PathBuf;

/// Why the database did not do what was asked. Nothing was half done: every write is one transaction.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no database at this path.
    #[error("there is no workspace at {path}")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is a database at this path already.
    #[error("there is a workspace at {path} already")]
    Exists {
        /// Where it was to be created.
        path: PathBuf,
    },
    /// It is open in another program (or in another part of this one), and what was asked for needs it alone.
    #[error("the workspace at {path} is open in another program{}", by.as_ref().map(|by| format!(": {by}")).unwrap_or_default())]
    Busy {
        /// Which workspace.
        path: PathBuf,
        /// Which program, where it is known.
        by: Option<String>,
    },
    /// Another program is on duty now; what was to be written is its business.
    #[error("another program has taken over")]
    OffDuty,
    /// The key is not the one the database was made with, or not 64 hexadecimal digits.
    #[error("the key does not open the workspace at {path}")]
    WrongKey {
        /// Which workspace.
        path: PathBuf,
    },
    /// Bytes of the file are not what was written.
    #[error("the workspace database is damaged: {detail}")]
    Damaged {
        /// The newest backup that opens and is whole, if there is one.
        backup: Option<PathBuf>,
        /// What SQLite says.
        detail: String,
    },
    /// A newer version of Syncdeck wrote it.
    #[error("the workspace has schema {found}, this version knows up to {known}")]
    Newer {
        /// Schema of the file.
        found: i64,
        /// Newest schema of this build.
        known: i64,
    },
    /// The upgrade did not succeed; the database is as it was.
    #[error("the workspace could not be upgraded: {source}")]
    Upgrade {
        /// The copy that was made before the attempt.
        backup: Option<PathBuf>,
        /// Why.
        #[source]
        source: MigrateError,
    },
    /// No space left; what was being written was rolled back.
    #[error("no space is left for the workspace{}", path.as_ref().map(|path| format!(" at {}", path.display())).unwrap_or_default())]
    DiskFull {
        /// Which file.
        path: Option<PathBuf>,
    },
    /// A file beside the database cannot be read or written.
    #[error("{path} cannot be read or written: {source}")]
    FileAccess {
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// What was asked for is not there (any more).
    #[error("there is no such {what}")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
    },
    /// It is there already: the same account connected twice for one client, the same id twice.
    #[error("{what} is there already")]
    Conflict {
        /// What kind of thing.
        what: &'static str,
    },
    /// It is not any more what was decided about.
    #[error("{what} has been changed in the meantime")]
    Changed {
        /// What kind of thing.
        what: &'static str,
    },
    /// A caller's mistake: the rows do not fit the slice they were handed in for.
    #[error("{0}")]
    Misuse(&'static str),
    /// A value in the database has no meaning in this build.
    #[error("column {column} holds {value:?}, which has no meaning here")]
    Unreadable {
        /// The column.
        column: &'static str,
        /// The value.
        value: String,
    },
    /// Anything else the database says.
    #[error("the database refused: {0}")]
    Sql(#[source] sqlx::Error),
}

/// Results of this crate.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let (code, message) = match &error {
            sqlx::Error::Database(database) => {
                (database.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or(0), database.message())
            }
            sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => {
                return Self::DiskFull { path: None };
            }
            _ => return Self::Sql(error),
        };
        // The low byte is the primary code, the rest says more: SQLITE_IOERR_WRITE = 10 | 3 << 8.
        match (code & 0xff, code) {
            // SQLITE_FULL; SQLITE_IOERR_WRITE, _FSYNC, _TRUNCATE, _SHMSIZE: what a full disk looks like where SQLite cannot name it.
            (13, _) | (_, 778 | 1034 | 1546 | 4874) => Self::DiskFull { path: None },
            // SQLITE_CORRUPT and SQLITE_NOTADB; SQLITE_IOERR_SHORT_READ, a file shorter than its header says.
            (11 | 26, _) | (_, 522) => Self::Damaged { backup: None, detail: error.to_string() },
            // A page whose seal is broken is SQLITE_ERROR without a text of its own from SQLCipher. SQLite's own errors of this code
            // always have one ("no such table: x"), so the bare text tells the two apart.
            (1, _) if message == "SQL logic error" => {
                Self::Damaged { backup: None, detail: "the seal of a page is broken".to_owned() }
            }
            _ => Self::Sql(error),
        }
    }
}

impl StoreError {
    /// The error of a file beside the database; a full disk is recognised.
    pub(crate) fn file(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        let path = path.into();
        if source.kind() == std::io::ErrorKind::StorageFull {
            Self::DiskFull { path: Some(path) }
        } else {
            Self::FileAccess { path, source }
        }
    }

    /// Of a write that broke a uniqueness rule: such a thing is there already.
    pub(crate) fn or_conflict(self, what: &'static str) -> Self {
        match self {
            Self::Sql(sqlx::Error::Database(database)) if database.is_unique_violation() => Self::Conflict { what },
            other => other,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = match &error {
            StoreError::Missing { path } => Self::new(Code::WorkspaceMissing).with("path", path.display()),
            StoreError::Exists { path } => Self::new(Code::WorkspaceExists).with("path", path.display()),
            StoreError::Busy { path, by } => {
                let failure = Self::new(Code::DatabaseBusy).with("path", path.display());
                match by {
                    Some(by) => failure.with("by", by),
                    None => failure,
                }
            }
            // The run that this stops is not over: whoever is on duty goes on with it.
            StoreError::OffDuty => Self::new(Code::Cancelled).detail(&error),
            StoreError::WrongKey { path } => Self::new(Code::DatabaseWrongKey).with("path", path.display()),
            StoreError::Damaged { backup, detail } => {
                let failure = Self::new(Code::DatabaseDamaged).detail(detail);
                match backup {
                    Some(backup) => failure.with("backup", backup.display()),
                    None => failure,
                }
            }
            StoreError::Newer { found, known } => {
                Self::new(Code::DatabaseNewer).with("found", found).with("known", known)
            }
            StoreError::DiskFull { path } => match path {
                Some(path) => Self::new(Code::DiskFull).with("path", path.display()),
                None => Self::new(Code::DiskFull),
            },
            StoreError::FileAccess { path, .. } => {
                Self::new(Code::FileAccess).with("path", path.display()).detail(&error)
            }
            StoreError::NotFound { what } => Self::new(Code::NotFound).with("what", what),
            StoreError::Changed { what } => Self::new(Code::ChangedMeanwhile).with("what", what),
            StoreError::Conflict { what } => Self::new(Code::BadRequest).with("field", what).detail(&error),
            StoreError::Upgrade { backup, source } => {
                let failure = Self::new(Code::Internal).detail(source);
                match backup {
                    Some(backup) => failure.with("backup", backup.display()),
                    None => failure,
                }
            }
            StoreError::Misuse(_) | StoreError::Unreadable { .. } | StoreError::Sql(_) => {
                Self::new(Code::Internal).detail(&error)
            }
        };
        failure.caused_by(error)
    }
}
