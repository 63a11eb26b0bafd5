//! What connectors are made of: the traits a system implements, and the HTTP, sign-in, budget, retry and classification they share.
//!
//! `kit` knows `model` only. It never touches the keychain or the database: secrets come through [`session::Credentials`], rows leave
//! through [`source::Sink`], time comes from [`clock::Clock`], so that simulators and virtual time work.

pub mod battery;
pub mod budget;
pub mod clock;
pub mod http;
pub mod observe;
pub mod placeholder;
pub mod policy;
pub mod redact;
pub mod session;
pub mod signin;
pub mod source;
pub mod testing;
mod waiting;
