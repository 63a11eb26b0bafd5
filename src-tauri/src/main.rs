//! (being built)
fn main() { syncdeck_lib::run(); }
