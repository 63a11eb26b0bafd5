//! Prints the catalogue as Markdown; `cargo xtask gen` puts it into `docs/connectors.md`.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

fn main() {
    print!("{}", api::catalogue::markdown());
}
