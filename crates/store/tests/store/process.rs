//! The beginning and the end of a program: several databases opened at once by threads that are the first to need SQLCipher, and a
//! program that ends while its databases are still read.
//!
//! The child is this test binary again, running [`opens_at_once_and_ends_at_once`], which does nothing unless it is told a folder.

use crate::key;
use std::{
    path::Path,
    process::Command,
    sync::{Barrier, mpsc},
    thread,
};
use store::{Options, Scope, Store};

const FOLDER: &str = "SYNCDECK_STORE_PROCESS_FOLDER";
const DATABASES: usize = 6;
const PROGRAMS: usize = 10;

#[test]
#[ignore = "the child of the test below"]
fn opens_at_once_and_ends_at_once() {
    static TOGETHER: Barrier = Barrier::new(DATABASES);
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let (opened, open) = mpsc::channel();
    for number in 0..DATABASES {
        let (opened, path) = (opened.clone(), Path::new(&folder).join(format!("{number}.db")));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                TOGETHER.wait();
                let store = Store::create(&path, &key(), Options::default()).await;
                opened.send(store.as_ref().map(|_| ()).map_err(ToString::to_string)).unwrap();
                // Until the program ends, whatever that makes of the answers.
                if let Ok(store) = store {
                    while store.connections(Scope::Portfolio).await.is_ok() {}
                }
            });
        });
    }
    drop(opened);
    for number in 0..DATABASES {
        assert_eq!(open.recv(), Ok(Ok(())), "{number} of {DATABASES} were opened");
    }
}

#[test]
fn programs_open_several_databases_at_once_and_end_while_they_are_read() {
    for program in 0..PROGRAMS {
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["process::opens_at_once_and_ends_at_once", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success(), "program {program}: {}: {said}", child.status);
        assert!(!said.contains("ERROR"), "program {program}: {said}");
    }
}
