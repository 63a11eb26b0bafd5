//! THE ONLY SURFACE of Syncdeck: commands, wire types, events. Both hosts (the desktop shell and `syncdeckctl`) call
//! [`host::Host::call`] and nothing else; the TypeScript client is generated from the same list (`cargo xtask gen`).

pub mod catalogue;
pub mod contract;
pub mod generate;
pub mod host;
pub mod protocol;
pub mod wire;

pub mod demo;
mod diagnostics;
mod drafts;
mod folder;
mod handlers;
mod imports;
mod post;
mod power;
mod pseudonyms;
mod registry;
mod sign_ins;
mod wiring;

pub use handlers::COMMANDS;
