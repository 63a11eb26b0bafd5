//! (being built)
pub fn run() {}
