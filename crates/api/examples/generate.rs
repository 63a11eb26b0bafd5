//! Prints the generated TypeScript contract; `cargo xtask gen` writes or checks it.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

fn main() {
    print!("{}", api::generate::typescript());
}
