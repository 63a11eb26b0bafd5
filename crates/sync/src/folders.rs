//! Folders from which connections take files by themselves. The scheduler's beat looks into each; nothing else watches, so a folder on
//! a disk that is plugged in now and then is as good as any other.
//!
//! A file is taken when two looks in a row found it alike and it stayed so while it was read: whoever writes it has ended. What was taken is
//! known by its name, size, time and content, and written down in the transaction that imports it, so that neither a restart nor a
//! death in between imports it twice; a file that was changed is imported anew and replaces its days. A file that does not fit is a
//! run that failed with the reason, and stays a reason for an alert until it is changed, fits, or is gone. Nothing here ever writes into a folder.

use crate::{alerts, engine::Wiring, import};
use chrono::{DateTime, SubsecRound, Utc};
use kit::source::{FileRows, Source};
use model::{
    connection::{Connection, ConnectionState},
    failure::{Code, Failure},
    id::{ClientId, ConnectionId, RunId},
    run::{RunState, RunTrigger},
};
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use store::{
    Scope, Store,
    runs::NewRun,
    watched_folders::{WatchedFile, WatchedFolder},
};
use tokio::time::timeout;

/// What a table may be called. Everything else in a folder is none of ours.
const ENDINGS: [&str; 4] = ["csv", "tsv", "txt", "xlsx"];
/// Files of a folder that are read in one look, so that schedules keep their beat while a full folder is taken in.
const AT_ONCE: usize = 8;
/// A folder that has not answered by then is not there: a network drive that is away keeps its callers waiting for minutes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known between two looks; a restart only makes a file wait for one look more.
pub(crate) struct Folders {
    store: Store,
    wiring: Arc<dyn Wiring>,
    /// How each file looked last time.
    last: Mutex<HashMap<ConnectionId, HashMap<String, Stamp>>>,
    /// Folders that still keep somebody waiting.
    hanging: Arc<Mutex<HashSet<ConnectionId>>>,
}

/// By what a change of a file is seen without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stamp {
    modified_at: DateTime<Utc>,
    size: u64,
}

/// A file that lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    name: String,
    stamp: Stamp,
}

/// What a look changed.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// Clients of whose connections something was written.
    pub(crate) changed: Vec<ClientId>,
    /// Whether any alert is different now.
    pub(crate) alerts: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Folders {
    pub(crate) fn new(store: Store, wiring: Arc<dyn Wiring>) -> Self {
        Self { store, wiring, last: Mutex::default(), hanging: Arc::default() }
    }

    /// Looks into every folder once.
    pub(crate) async fn look(&self, duty: &Store, now: DateTime<Utc>) -> Result<Looked, Failure> {
        let mut looked = Looked::default();
        let folders = self.store.watched_folders(Scope::Portfolio).await?;
        lock(&self.last).retain(|id, _| folders.iter().any(|folder| folder.connection_id == *id));
        for folder in folders {
            let connection = self.store.connection(folder.connection_id).await?;
            if connection.state != ConnectionState::Active {
                continue;
            }
            let client = connection.client_id;
            match self.look_into(duty, &folder, connection, now).await {
                Ok(false) => {}
                Ok(true) => {
                    looked.changed.push(client);
                    looked.alerts |= alerts::review(&self.store, &*self.wiring, folder.connection_id, now).await?;
                }
                // What could not be written down is looked at again; the other folders do not wait for it.
                Err(failure) => {
                    tracing::warn!(connection = %folder.connection_id, error = %failure, "a watched folder could not be dealt with");
                }
            }
        }
        Ok(looked)
    }

    /// Looks into one folder; whether anything was written.
    async fn look_into(
        &self,
        duty: &Store,
        folder: &WatchedFolder,
        connection: Connection,
        now: DateTime<Utc>,
    ) -> Result<bool, Failure> {
        let id = connection.id;
        let found = match self.list(id, Path::new(&folder.path)).await {
            Ok(found) => found,
            Err(failure) => {
                let told = folder.failure.as_ref().is_some_and(|known| known.code == failure.code);
                if !told {
                    duty.note_folder(id, Some(&failure)).await?;
                }
                return Ok(!told);
            }
        };
        let mut changed = folder.failure.is_some();
        if changed {
            duty.note_folder(id, None).await?;
        }
        let mut known = self.store.watched_files(id).await?;
        let gone = |file: &&WatchedFile| file.failure.is_some() && !found.iter().any(|found| found.name == file.name);
        let gone: Vec<&str> = known.iter().filter(gone).map(|file| file.name.as_str()).collect();
        if !gone.is_empty() {
            duty.forget_files(id, &gone).await?;
            changed = true;
        }
        let connection = Arc::new(connection);
        let mut refused = Vec::new();
        for file in self.still(id, found, &known).into_iter().take(AT_ONCE) {
            match self.take(duty, &connection, Path::new(&folder.path), &file, &known, now).await? {
                Taken::Not => {}
                Taken::Written(written) => {
                    known.retain(|file| file.name != written.name);
                    known.push(written);
                    changed = true;
                }
                Taken::Refused(run, written, failure) => refused.push((run, written, failure)),
            }
        }
        // After what is good: the newest run of the history is the one that needs a person.
        for (run_id, file, failure) in refused {
            duty.refuse_file(&run(id, run_id, now), &failure, &file).await?;
            changed = true;
        }
        Ok(changed)
    }

    /// The tables that lie in a folder.
    async fn list(&self, id: ConnectionId, path: &Path) -> Result<Vec<Found>, Failure> {
        let unreachable = |detail: String| Failure::new(Code::FileAccess).with("path", path.display()).detail(detail);
        if !lock(&self.hanging).insert(id) {
            return Err(unreachable("it still does not answer".to_owned()));
        }
        let (owned, hanging) = (path.to_path_buf(), Arc::clone(&self.hanging));
        let listing = tokio::task::spawn_blocking(move || {
            let found = list(&owned);
            lock(&hanging).remove(&id);
            found
        });
        match timeout(PATIENCE, listing).await {
            Ok(Ok(found)) => found.map_err(|error| unreachable(error.to_string()).caused_by(error)),
            Ok(Err(error)) => Err(Failure::new(Code::Internal).detail("a folder could not be read").caused_by(error)),
            Err(_) => Err(unreachable(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }

    /// The files that are to be read: not known as they are, and not changed since the last look. The oldest come first, for a newer one
    /// replaces days of an older.
    fn still(&self, id: ConnectionId, found: Vec<Found>, known: &[WatchedFile]) -> Vec<Found> {
        let now: HashMap<String, Stamp> = found.iter().map(|file| (file.name.clone(), file.stamp)).collect();
        let before = lock(&self.last).insert(id, now).unwrap_or_default();
        let is_new = |file: &Found| {
            let known = known.iter().find(|known| known.name == file.name);
            // One that could not be read may be free by now, and nothing of it says so.
            known.is_none_or(|known| stamp(known) != file.stamp || known.hash.is_none())
        };
        let mut still: Vec<Found> =
            found.into_iter().filter(|file| is_new(file) && before.get(&file.name) == Some(&file.stamp)).collect();
        // One that is tried again keeps nothing new from its turn.
        let again = |file: &Found| known.iter().any(|known| known.name == file.name && stamp(known) == file.stamp);
        still.sort_by(|a, b| (again(a), a.stamp, &a.name).cmp(&(again(b), b.stamp, &b.name)));
        still
    }

    async fn take(
        &self,
        duty: &Store,
        connection: &Arc<Connection>,
        folder: &Path,
        found: &Found,
        known: &[WatchedFile],
        now: DateTime<Utc>,
    ) -> Result<Taken, Failure> {
        let mut file = WatchedFile {
            name: found.name.clone(),
            size: found.stamp.size,
            modified_at: found.stamp.modified_at,
            hash: None,
            failure: None,
            run_id: None,
            seen_at: now,
        };
        let before = known.iter().find(|known| known.name == found.name);
        let outcome = self.read(connection, folder.join(&found.name), found.stamp, known).await?;
        let failure = match outcome {
            Outcome::Moving => return Ok(Taken::Not),
            Outcome::Same(hash, like) => {
                file.hash = Some(hash);
                (file.failure, file.run_id) = like;
                duty.note_file(connection.id, &file).await?;
                return Ok(Taken::Written(file));
            }
            Outcome::Rows(hash, rows) => {
                let id = RunId::new();
                (file.hash, file.run_id) = (Some(hash), Some(id));
                import::take(duty, connection.id, id, *rows, now, &file).await?;
                return Ok(Taken::Written(file));
            }
            Outcome::Refused(hash, failure) => {
                file.hash = hash;
                failure.with("file", &found.name)
            }
        };
        // What could not be read is tried every time and told once.
        let told = |before: &WatchedFile| {
            let same = before.failure.as_ref().is_some_and(|old| old.code == failure.code);
            same && file.hash.is_none() && before.hash.is_none() && stamp(before) == found.stamp
        };
        if before.is_some_and(told) {
            return Ok(Taken::Not);
        }
        let run = RunId::new();
        (file.failure, file.run_id) = (Some((&failure).into()), Some(run));
        Ok(Taken::Refused(run, file, failure))
    }

    /// Reads and understands a file on a thread that may block.
    async fn read(
        &self,
        connection: &Arc<Connection>,
        path: PathBuf,
        stamp: Stamp,
        known: &[WatchedFile],
    ) -> Result<Outcome, Failure> {
        let Some(source) = self.wiring.source(&connection.connector) else {
            return Err(Failure::new(Code::NotFound).with("what", "connector"));
        };
        let (connection, known) = (Arc::clone(connection), known.to_vec());
        let reading = tokio::task::spawn_blocking(move || read(&*source, &connection, &path, stamp, &known));
        reading.await.map_err(|error| Failure::new(Code::Internal).detail("a file could not be read").caused_by(error))
    }
}

enum Taken {
    /// Not yet, or nothing new.
    Not,
    /// It was written down.
    Written(WatchedFile),
    /// It is to be written down as refused, by this run.
    Refused(RunId, WatchedFile, Failure),
}

enum Outcome {
    /// It is still being written.
    Moving,
    /// These bytes were met before, and this became of them.
    Same(Vec<u8>, (Option<store::StoredFailure>, Option<RunId>)),
    Rows(Vec<u8>, Box<FileRows>),
    /// Without a hash when it could not be read.
    Refused(Option<Vec<u8>>, Failure),
}

fn stamp(file: &WatchedFile) -> Stamp {
    Stamp { modified_at: file.modified_at, size: file.size }
}

fn run(connection_id: ConnectionId, id: RunId, now: DateTime<Utc>) -> NewRun {
    NewRun {
        id,
        connection_id,
        trigger: RunTrigger::Import,
        range: None,
        streams: None,
        state: RunState::Running,
        started_at: now,
    }
}

/// The stamp of what a path leads to, a link followed; `None` for what is no file.
fn stamp_of(path: &Path) -> io::Result<Option<Stamp>> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Ok(None);
    }
    let modified_at = DateTime::<Utc>::from(about.modified()?).trunc_subsecs(3);
    Ok(Some(Stamp { modified_at, size: about.len() }))
}

/// Hidden files, and what Office keeps beside an open document, are nobody's report.
fn is_table(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    !name.starts_with(['.', '~']) && ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

fn list(path: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // A name that is no text cannot be told to anybody; such files are not taken.
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !is_table(&name) {
            continue;
        }
        // What vanishes between the two, or is a link to nowhere, is not there. Folders are not entered, so links cannot go round.
        if let Ok(Some(stamp)) = stamp_of(&entry.path()) {
            found.push(Found { name, stamp });
        }
    }
    Ok(found)
}

fn read(source: &dyn Source, connection: &Connection, path: &Path, stamp: Stamp, known: &[WatchedFile]) -> Outcome {
    let Some(reader) = source.files() else {
        return Outcome::Refused(None, Failure::new(Code::BadRequest).with("field", "connector"));
    };
    let limit = reader.most_bytes();
    if stamp.size > limit {
        let failure = Failure::new(Code::FileTooLarge).with("bytes", stamp.size).with("limit", limit);
        return Outcome::Refused(None, failure);
    }
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Outcome::Moving,
        Err(error) => {
            let failure = Failure::new(Code::FileAccess).with("path", path.display()).detail(&error).caused_by(error);
            return Outcome::Refused(None, failure);
        }
    };
    let whole = bytes.len() as u64 == stamp.size && stamp_of(path).is_ok_and(|after| after == Some(stamp));
    if !whole {
        return Outcome::Moving;
    }
    let hash = Sha256::digest(&bytes).to_vec();
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let same = |file: &&WatchedFile| file.hash.as_ref() == Some(&hash);
    // Under its own name the last content counts: what was changed and changed back is new. The same bytes under a name that was not met
    // are a copy.
    let like = match known.iter().find(|file| file.name == name && file.hash.is_some()) {
        Some(before) => Some(before).filter(same),
        None => known.iter().filter(same).find(|file| file.failure.is_none()),
    };
    if let Some(like) = like {
        return Outcome::Same(hash, (like.failure.clone(), like.run_id));
    }
    match reader.read_file(connection, name, &bytes) {
        Ok(rows) => Outcome::Rows(hash, Box::new(rows)),
        Err(failure) => Outcome::Refused(Some(hash), failure),
    }
}
