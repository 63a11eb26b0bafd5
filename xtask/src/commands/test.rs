//! `test`: everything that must hold, in the order that builds each thing once and tells of the cheapest failure first.

use crate::{
    commands::{check, setup},
    report::Report,
    shell::{cargo, npm, program, root, run as start},
};
use anyhow::Result;
use std::process::Command;

/// The errors of tests say where and why in words; with traces of calls behind each, nobody finds the words.
const LIB_BACKTRACE: &str = "RUST_LIB_BACKTRACE";

/// The whole of it, with one summary.
pub(crate) fn run() -> Result<()> {
    let mut report = Report::default();
    if report.stage("setup", setup::run) {
        // First, because the shell and `syncdeckctl` embed what it makes.
        report.stage("UI types and build", || start(npm().args(["run", "build"])));
        report.stage("UI tests", || start(npm().arg("test")));
        check::stages(&mut report);
        // All targets at once: tests, examples and programs then share one resolution of features, and the programs that some
        // tests start are there.
        report.stage("build", || start(cargo().args(["build", "--workspace", "--all-targets"])));
        report.stage("Rust tests", rust);
        report.stage("UI in a browser", || start(npm().args(["run", "test:browser"])));
        window(&mut report);
    }
    report.finish()
}

/// All Rust tests. The keychain's states can be tried where a message bus of its own can be had.
fn rust() -> Result<()> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]).env(LIB_BACKTRACE, "0");
    if cfg!(target_os = "linux") {
        command.env("SYNCDECK_TEST_KEYCHAIN", "1");
    }
    start(&mut command)
}

/// The desktop program in a real window with a real keychain.
fn window(report: &mut Report) {
    const NAME: &str = "real window and keychain";
    if !cfg!(target_os = "linux") {
        report.impossible(NAME, "there is no WebDriver for this system's web view; the same screens ran in a browser");
        return;
    }
    report.stage(NAME, || {
        start(in_windows().args(["test", "--workspace", "--test", "window", "--", "--nocapture", "--test-threads=1"]))
    });
}

/// A cargo whose tests may open windows. `dbus-run-session` gives them a private bus, so neither the developer's own keychain nor an
/// open Syncdeck is touched.
pub(crate) fn in_windows() -> Command {
    let mut command = program("dbus-run-session");
    command
        .args(["--", "xvfb-run", "--auto-servernum", "--server-args=-screen 0 1600x1000x24", "--", "bash"])
        .arg(root().join("tests/window/with-keychain.sh"))
        .arg(cargo().get_program())
        .env("SYNCDECK_WINDOW_TESTS", "1")
        .env(LIB_BACKTRACE, "0")
        // No screen reader is there to listen, and its bus would be missed at length.
        .env("NO_AT_BRIDGE", "1");
    command
}
