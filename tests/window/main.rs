//! The desktop program in its real window, with a real keychain and a real server in the vendor's place.
//!
//! `cargo xtask test` starts these inside a message bus, a display and a keychain of their own and sets
//! `SYNCDECK_WINDOW_TESTS=1`. Without it each says that it was skipped: a developer's own screen and keychain are left alone.
//! `SYNCDECK_SCREENSHOTS=1` writes the pictures of the README.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stderr, reason = "a test that does not run says so")]

mod harness;

use anyhow::Result;
use harness::{Start, Window};

/// Whether the tests may open windows here.
fn allowed() -> bool {
    let allowed = std::env::var("SYNCDECK_WINDOW_TESTS").is_ok_and(|wish| wish == "1");
    if !allowed {
        eprintln!("skipped: needs a display and a keychain of its own; `cargo xtask test` provides both");
    }
    allowed
}

#[tokio::test]
async fn an_empty_folder_opens_on_the_first_run_screen() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let window = Window::open(&Start { workspace: folder.path(), demo: false, url_map: String::new() }).await?;
    for (language, text) in [("en", "Welcome"), ("ru", "Добро пожаловать")] {
        window.prefer(language, "light").await?;
        window.mentions(text).await?;
        window.picture(&format!("first-run-light-{language}")).await?;
    }
    window.close().await
}
