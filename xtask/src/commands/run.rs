//! `run`: from a fresh clone to a living console in one command.
//!
//! The demo lies in `target/`, so trying Syncdeck never touches a workspace of the person's own. It is synced over real HTTP from
//! the simulator built into the program; nothing leaves the computer.

use crate::{
    commands::setup,
    shell::{built, cargo, npm, program, root, run as start},
};
use anyhow::Result;

/// Opens the window, or without a display prints the summary and serves a browser.
pub(crate) fn run() -> Result<()> {
    setup::for_build()?;
    start(npm().args(["run", "build"]))?;
    let workspace = root().join("target/demo");
    if has_display() {
        start(cargo().args(["build", "--workspace", "--bin", "syncdeck"]))?;
        return start(program(built("syncdeck")).arg("--demo").arg("--workspace").arg(&workspace));
    }
    println!("There is no display, so the demo comes as a summary and as a page for a browser.");
    start(cargo().args(["build", "--workspace", "--bin", "syncdeckctl"]))?;
    let ctl =
        |arguments: &[&str]| start(program(built("syncdeckctl")).args(arguments).arg("--workspace").arg(&workspace));
    ctl(&["demo"])?;
    ctl(&["serve", "--demo"])
}

/// Whether a window can be shown. macOS and Windows always have a screen to show it on.
fn has_display() -> bool {
    cfg!(any(target_os = "macos", windows))
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
