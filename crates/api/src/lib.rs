//! THE ONLY SURFACE of Syncdeck: commands, wire types, events. Both hosts (the desktop shell and `syncdeckctl`) call
//! [`Host::call`] and nothing else; the TypeScript client is generated from the same list (`cargo xtask gen`).

pub mod contract;
pub mod generate;
pub mod wire;
