//! A watched folder over real files and a clock that the test sets: each file is taken once, whatever happens to it and to the program.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod house;

use chrono::DateTime;
use house::{Battery, House, Scripted, Wires, idle};
use kit::{clock::Clock, testing::VirtualClock};
use model::{
    alert::{AlertKind, AlertState},
    failure::Code,
    run::{RunState, RunTrigger},
    schedule::Schedule,
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use store::{
    Scope, Store,
    runs::{Run, RunEnd, RunQuery},
};
use sync::{engine::Engine, scheduler::Scheduler};

/// A workspace with a connection that watches a folder, and the scheduler of the program on duty.
struct Desk {
    house: House,
    clock: Arc<VirtualClock>,
    scheduler: Scheduler,
    folder: PathBuf,
    _dir: tempfile::TempDir,
}

fn scheduler(store: &Store, source: &Arc<Scripted>, engine: &Engine, clock: &Arc<VirtualClock>) -> Scheduler {
    let wires = Arc::new(Wires(Arc::clone(source)));
    Scheduler::new(store.clone(), engine.clone(), wires, Arc::new(Battery::default()), Arc::clone(clock) as _)
}

impl Desk {
    async fn open() -> Self {
        let clock = VirtualClock::at(DateTime::parse_from_rfc3339("2026-11-20T09:00:00Z").unwrap().to_utc());
        clock.freeze();
        let house = House::with_clock(Arc::clone(&clock) as Arc<dyn Clock>).await;
        let mut connection = house.store.connection(house.connection).await.unwrap();
        connection.settings.schedule = Schedule::Off;
        house.store.update_connection(&connection).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("отчёты");
        fs::create_dir(&folder).unwrap();
        house.store.watch_folder(house.connection, folder.to_str()).await.unwrap();
        let scheduler = scheduler(&house.store, &house.source, &house.engine, &clock);
        Self { house, clock, scheduler, folder, _dir: dir }
    }

    /// Another start of the program: what it knew without the database is gone.
    fn restart(&mut self) {
        self.scheduler = scheduler(&self.house.store, &self.house.source, &self.house.engine, &self.clock);
    }

    /// Writes a file as it was changed at a minute; `rows` are day and clicks.
    fn put(&self, name: &str, minute: u64, rows: &[(u32, i64)]) {
        self.put_text(name, minute, "день;клики", rows);
    }

    fn put_text(&self, name: &str, minute: u64, header: &str, rows: &[(u32, i64)]) {
        let rows: Vec<String> = rows.iter().map(|(day, clicks)| format!("2026-11-{day:02};{clicks}\n")).collect();
        fs::write(self.folder.join(name), format!("{header}\n{}", rows.concat())).unwrap();
        touch(&self.folder.join(name), minute);
    }

    async fn look(&self) {
        self.clock.advance(Duration::from_secs(15));
        self.scheduler.look().await.unwrap();
    }

    /// Looks as often as a file needs to be taken.
    async fn settle(&self) {
        for _ in 0..3 {
            self.look().await;
        }
    }

    /// All runs, oldest first.
    async fn runs(&self) -> Vec<Run> {
        let query =
            RunQuery { scope: Scope::Portfolio, connection_id: None, end: RunEnd::All, before: None, limit: 1_000 };
        let mut runs = self.house.store.runs(query).await.unwrap();
        runs.reverse();
        assert!(runs.iter().all(|run| run.trigger == RunTrigger::Import));
        runs
    }

    /// How many runs there are, how the last of them ended, and the clicks in the database.
    async fn stands(&self) -> (usize, Option<RunState>, i64) {
        let runs = self.runs().await;
        (runs.len(), runs.last().map(|run| run.state), self.house.clicks().await)
    }

    async fn failing(&self) -> Option<String> {
        let alerts = self.house.store.alerts(Scope::Portfolio, self.clock.now()).await.unwrap();
        let alive = alerts
            .into_iter()
            .find(|alert| alert.subject.kind == AlertKind::Failing && alert.state != AlertState::Settled);
        alive.map(|alert| alert.params["code"].clone())
    }
}

fn touch(path: &Path, minute: u64) {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000 + minute * 60);
    File::options().append(true).open(path).unwrap().set_modified(at).unwrap();
}

const DONE: Option<RunState> = Some(RunState::Done);
const FAILED: Option<RunState> = Some(RunState::Failed);

#[tokio::test]
async fn a_file_is_taken_once_when_it_has_stopped_growing_and_anew_when_it_was_changed() {
    let mut desk = Desk::open().await;
    for name in [".hidden.csv", "~$open.xlsx", "notes.pdf", "no_ending"] {
        desk.put(name, 0, &[(1, 1_000)]);
    }
    fs::create_dir(desk.folder.join("folder.csv")).unwrap();
    desk.settle().await;
    assert_eq!(desk.stands().await, (0, None, 0), "none of these is a report");

    desk.put("a.csv", 1, &[(1, 5)]);
    desk.look().await;
    desk.put("a.csv", 1, &[(1, 5), (2, 6)]);
    desk.look().await;
    assert_eq!(desk.stands().await.0, 0, "it grew, though its time did not say so");
    touch(&desk.folder.join("a.csv"), 2);
    desk.look().await;
    assert_eq!(desk.stands().await.0, 0, "its time says that somebody writes");
    desk.look().await;
    assert_eq!(desk.stands().await, (1, DONE, 11));

    for (what, minute, act, expected) in [
        ("nothing happens", 0, None, (1, 11)),
        ("the same bytes are written again", 3, Some(("a.csv", vec![(1, 5), (2, 6)])), (1, 11)),
        ("the same bytes come under another name", 4, Some(("copy.csv", vec![(1, 5), (2, 6)])), (1, 11)),
        ("a day is corrected", 5, Some(("a.csv", vec![(1, 5), (2, 7)])), (2, 12)),
        ("the correction is taken back", 6, Some(("a.csv", vec![(1, 5), (2, 6)])), (3, 11)),
        ("a new day comes as a file of its own", 7, Some(("b.csv", vec![(3, 100)])), (4, 111)),
        ("a file with the time of another one and other bytes", 7, Some(("c.TXT", vec![(4, 1_000)])), (5, 1_111)),
    ] {
        if let Some((name, rows)) = act {
            desk.put(name, minute, &rows);
        }
        for again in ["", " (after a restart)"] {
            desk.settle().await;
            let (runs, _, clicks) = desk.stands().await;
            assert_eq!((runs, clicks), expected, "{what}{again}");
            desk.restart();
        }
    }
    let text = fs::read_to_string(desk.folder.join("b.csv")).unwrap();
    assert_eq!(text, "день;клики\n2026-11-03;100\n", "nobody's file is touched");
    assert_eq!(fs::read_dir(&desk.folder).unwrap().count(), 9);

    // What was taken stays taken: gone and back, and with the folder named anew.
    let aside = desk.folder.parent().unwrap().join("aside.csv");
    fs::rename(desk.folder.join("b.csv"), &aside).unwrap();
    desk.settle().await;
    fs::rename(&aside, desk.folder.join("b.csv")).unwrap();
    for path in [None, desk.folder.to_str()] {
        desk.house.store.watch_folder(desk.house.connection, path).await.unwrap();
        desk.settle().await;
    }
    assert_eq!(desk.stands().await, (5, DONE, 1_111));
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_followed_to_files_and_lead_nowhere_else() {
    use std::os::unix::fs::symlink;
    let desk = Desk::open().await;
    desk.put("real.pdf", 1, &[(1, 5)]);
    symlink(desk.folder.join("real.pdf"), desk.folder.join("link.csv")).unwrap();
    symlink(&desk.folder, desk.folder.join("round.csv")).unwrap();
    symlink(desk.folder.join("nobody"), desk.folder.join("nowhere.csv")).unwrap();
    symlink("/dev/zero", desk.folder.join("endless.csv")).unwrap();
    desk.settle().await;
    assert_eq!(desk.stands().await, (1, DONE, 5));
}

#[tokio::test]
async fn a_full_folder_is_taken_in_beat_by_beat_with_the_oldest_file_first() {
    let desk = Desk::open().await;
    // Each corrects the same day; the newest, which is the first by name, must have the last word.
    for file in 0..30_u32 {
        desk.put(&format!("{:02}.csv", 30 - file), u64::from(file), &[(1, i64::from(file) + 1)]);
    }
    let mut after = Vec::new();
    for _ in 0..6 {
        desk.look().await;
        after.push(desk.stands().await.0);
    }
    assert_eq!(after, [0, 8, 16, 24, 30, 30]);
    assert_eq!(desk.stands().await, (30, DONE, 30));
}

#[tokio::test]
async fn a_program_that_was_replaced_while_it_read_writes_nothing_and_the_next_one_takes_the_file_once() {
    let desk = Desk::open().await;
    let store = &desk.house.store;
    desk.put("a.csv", 1, &[(1, 5)]);
    desk.look().await;
    // Another program is on duty now, and this one has not noticed yet.
    let seen = store.lease().await.unwrap();
    let duty = store.take_lease("other", true, &seen).await.unwrap().unwrap();
    desk.clock.advance(Duration::from_secs(15));
    // Whether the look ends well does not matter; that it writes nothing does.
    let _ = desk.scheduler.look().await;
    assert_eq!(desk.stands().await, (0, None, 0));
    assert_eq!(store.watched_files(desk.house.connection).await.unwrap(), vec![]);

    let other = idle(store, &desk.house.source, Arc::clone(&desk.clock) as _);
    other.take(duty).await.unwrap();
    let next = scheduler(store, &desk.house.source, &other, &desk.clock);
    for _ in 0..3 {
        next.look().await.unwrap();
    }
    assert_eq!(desk.stands().await, (1, DONE, 5));
    let files = store.watched_files(desk.house.connection).await.unwrap();
    assert_eq!(
        files.iter().map(|file| (file.name.as_str(), file.run_id)).collect::<Vec<_>>(),
        [("a.csv", Some(desk.runs().await[0].id))]
    );
}

#[tokio::test]
async fn a_file_that_does_not_fit_is_told_once_and_until_it_is_mended_and_keeps_no_other_waiting() {
    let mut desk = Desk::open().await;
    desk.put_text("bad.csv", 1, "день;клики;расход", &[(1, 900)]);
    desk.put("good.csv", 2, &[(2, 5)]);
    desk.settle().await;
    assert_eq!(desk.stands().await, (2, FAILED, 5), "the good one is taken, the bad one is the last word");
    let failed = desk.runs().await.pop().unwrap();
    let failure = failed.failure.unwrap();
    assert_eq!((failure.code, failure.params["file"].as_str()), (Code::FileColumnsChanged, "bad.csv"));
    assert_eq!(desk.failing().await.as_deref(), Some("file_columns_changed"));

    desk.restart();
    desk.put("later.csv", 3, &[(3, 6)]);
    desk.settle().await;
    assert_eq!(desk.stands().await, (3, DONE, 11), "what was refused is not refused again");
    assert_eq!(desk.failing().await.as_deref(), Some("file_columns_changed"), "a good file mends no bad one");

    // Gone, it is nobody's trouble; back, it is again.
    let (bad, aside) = (desk.folder.join("bad.csv"), desk.folder.join("bad.aside"));
    fs::rename(&bad, &aside).unwrap();
    desk.settle().await;
    assert_eq!(desk.failing().await, None);
    fs::rename(&aside, &bad).unwrap();
    desk.settle().await;
    assert_eq!(desk.stands().await, (4, FAILED, 11));

    // The person says what the columns are: it is taken without anybody touching it.
    let mut connection = desk.house.store.connection(desk.house.connection).await.unwrap();
    connection.config.insert("header".to_owned(), "день;клики;расход".into());
    desk.house.store.update_connection(&connection).await.unwrap();
    desk.house.store.forget_refused_files(connection.id).await.unwrap();
    desk.settle().await;
    assert_eq!(desk.stands().await, (5, DONE, 911));
    assert_eq!(desk.failing().await, None);

    // One that cannot be read is tried every time and told once.
    fs::write(desk.folder.join("huge.csv"), "x".repeat(1_001)).unwrap();
    desk.settle().await;
    desk.settle().await;
    assert_eq!(desk.stands().await, (6, FAILED, 911));
    assert_eq!(desk.failing().await.as_deref(), Some("file_too_large"));
    fs::remove_file(desk.folder.join("huge.csv")).unwrap();
    desk.settle().await;
    assert_eq!(desk.failing().await, None);
}

#[tokio::test]
async fn a_folder_that_is_away_is_told_and_taken_up_again_when_it_is_back() {
    let desk = Desk::open().await;
    let moved = desk.folder.with_extension("moved");
    desk.put("a.csv", 1, &[(1, 5)]);
    desk.settle().await;
    fs::rename(&desk.folder, &moved).unwrap();
    desk.settle().await;
    assert_eq!(desk.failing().await.as_deref(), Some("file_access"));
    assert_eq!(desk.stands().await, (1, DONE, 5), "a folder that is away is no run");
    fs::rename(&moved, &desk.folder).unwrap();
    desk.put("b.csv", 2, &[(2, 6)]);
    desk.settle().await;
    assert_eq!((desk.failing().await, desk.stands().await), (None, (2, DONE, 11)));

    // A connection that is held takes nothing until it is let go.
    let (store, id) = (&desk.house.store, desk.house.connection);
    store.set_connection_state(id, model::connection::ConnectionState::Paused).await.unwrap();
    desk.put("c.csv", 3, &[(3, 7)]);
    desk.settle().await;
    assert_eq!(desk.stands().await.0, 2);
    store.set_connection_state(id, model::connection::ConnectionState::Active).await.unwrap();
    desk.settle().await;
    assert_eq!(desk.stands().await, (3, DONE, 18));
}
