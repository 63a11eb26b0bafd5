//! `setup`: what building and testing need, installed only when missing. `run` and `test` call it first, so a fresh clone needs
//! one command.

use crate::shell::{exists, npm, program, read, root, run as start};
use anyhow::{Context, Result, bail};
use std::fs;

/// Debian packages that the window needs to build and run.
const BUILD_PACKAGES: &[&str] = &[
    "build-essential",
    "libayatana-appindicator3-dev",
    "libdbus-1-dev",
    "librsvg2-dev",
    "libssl-dev",
    "libwebkit2gtk-4.1-dev",
    "pkg-config",
];

/// Debian packages that tests need: a display, a keychain, and something to drive the window and a browser with.
const TEST_PACKAGES: &[&str] =
    &["chromium", "chromium-driver", "dbus-x11", "gnome-keyring", "webkit2gtk-driver", "xauth", "xdotool", "xvfb"];

/// The oldest Node that Vite builds with.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// Everything, for the command itself and for `test`.
pub(crate) fn run() -> Result<()> {
    packages(&[BUILD_PACKAGES, TEST_PACKAGES].concat())?;
    ui()
}

/// What building needs, for `run`.
pub(crate) fn for_build() -> Result<()> {
    packages(BUILD_PACKAGES)?;
    ui()
}

/// Installs missing system packages where that can be done without asking; elsewhere says what is needed.
fn packages(wanted: &[&str]) -> Result<()> {
    if cfg!(target_os = "macos") {
        if !exists("clang") {
            bail!(
                "The Xcode command line tools are missing. Install them with `xcode-select --install`, then start again."
            );
        }
        return Ok(());
    }
    if cfg!(windows) {
        // WebView2 is part of Windows 11; the C++ build tools announce themselves when rustc does not find a linker.
        println!("On Windows the Microsoft C++ Build Tools, Perl (for OpenSSL) and WebView2 must be installed.");
        return Ok(());
    }
    if !exists("dpkg-query") {
        println!(
            "This is not a Debian-like system, so nothing is installed by itself. Needed are the packages that Debian calls: {}.",
            wanted.join(" ")
        );
        return Ok(());
    }
    // A package that was never heard of makes dpkg-query fail; that is an answer here, not an error.
    let known = program("dpkg-query").args(["-W", "-f=${Package} ${db:Status-Status}\n"]).args(wanted).output()?;
    let missing = missing(wanted, &String::from_utf8_lossy(&known.stdout));
    if missing.is_empty() {
        return Ok(());
    }
    println!("Installing: {}", missing.join(" "));
    apt(&["update"])
        .and_then(|()| apt(&[["install", "--yes", "--no-install-recommends"].as_slice(), &missing].concat()))
        .with_context(|| format!("Please install these packages yourself and start again: {}", missing.join(" ")))
}

/// The wanted packages that dpkg does not list as installed.
fn missing<'a>(wanted: &[&'a str], listed: &str) -> Vec<&'a str> {
    wanted.iter().filter(|name| !listed.lines().any(|line| line == format!("{name} installed"))).copied().collect()
}

fn apt(arguments: &[&str]) -> Result<()> {
    let root = read(program("id").arg("-u"))?.trim() == "0";
    if !root && !exists("sudo") {
        bail!("Installing packages needs root, and there is no sudo.");
    }
    let words = apt_words(root, arguments);
    start(program(words[0]).args(&words[1..]))
}

/// The whole command. apt must not stop to ask, and is told so in the command itself, because sudo drops the environment it is given.
fn apt_words<'a>(root: bool, arguments: &[&'a str]) -> Vec<&'a str> {
    let starter = if root { "env" } else { "sudo" };
    [&[starter, "DEBIAN_FRONTEND=noninteractive", "apt-get"], arguments].concat()
}

/// Node's packages, when the lock file has changed since they were installed.
fn ui() -> Result<()> {
    let version = program("node")
        .arg("--version")
        .output()
        .context("Node is missing: install Node 20.19 or newer (Debian 12's own is too old for Vite)")?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    if node(&version).is_none_or(|found| found < OLDEST_NODE) {
        bail!("Node {version} is too old: install Node {}.{} or newer", OLDEST_NODE.0, OLDEST_NODE.1);
    }
    let lock = fs::read(root().join("ui/package-lock.json")).context("ui/package-lock.json could not be read")?;
    // The stamp lies inside node_modules, so whoever deletes the folder deletes the stamp with it.
    let stamp = root().join("ui/node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    // Not `npm ci`: it refuses a lock without the programs of other systems, which npm itself leaves out when it writes one. This keeps to
    // the locked versions as well, adds this system's own programs, and leaves the lock as it is.
    start(npm().args(["install", "--no-save", "--no-audit", "--no-fund"]))?;
    fs::write(&stamp, lock).with_context(|| format!("{} could not be written", stamp.display()))
}

/// Major and minor of `v20.19.1`.
fn node(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_missing_packages_are_installed() {
        let listed = "xvfb installed\nxauth not-installed\nchromium-driver installed\n";
        let rows: [(&[&str], &[&str]); 4] = [
            (&["xvfb"], &[]),
            (&["xauth"], &["xauth"]),
            (&["chromium"], &["chromium"]),
            (&["xvfb", "never-heard-of", "chromium-driver"], &["never-heard-of"]),
        ];
        for (wanted, expected) in rows {
            assert_eq!(missing(wanted, listed), expected);
        }
    }

    #[test]
    fn apt_never_asks_and_becomes_root_only_when_it_must() {
        let rows = [
            (true, "env DEBIAN_FRONTEND=noninteractive apt-get install x"),
            (false, "sudo DEBIAN_FRONTEND=noninteractive apt-get install x"),
        ];
        for (root, expected) in rows {
            assert_eq!(apt_words(root, &["install", "x"]).join(" "), expected);
        }
    }

    #[test]
    fn node_versions_compare_as_numbers() {
        for (text, enough) in
            [("v20.19.0", true), ("v20.9.0", false), ("v18.19.0", false), ("v100.0.1", true), ("", false)]
        {
            assert_eq!(node(text).is_some_and(|found| found >= OLDEST_NODE), enough, "{text}");
        }
    }
}
