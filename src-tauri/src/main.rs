//! The program `syncdeck`. Everything is in the library beside it, so that tests can reach it.

// Without this, Windows opens a console behind the window of a release build.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    syncdeck_lib::run()
}
