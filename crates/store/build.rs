//! Tells cargo that a new migration file changes this crate: the macro that embeds them sees only the files of its last expansion.

fn main() {
    #![allow(clippy::print_stdout, reason = "printing is how a build script speaks to cargo")]
    println!("cargo:rerun-if-changed=../../migrations");
}
