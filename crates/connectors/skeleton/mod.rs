//! skeleton (api.skeleton.example): statistics of campaigns by day.
//!
//! The manifest says it all; there is no Rust of its own.

use crate::{System, folder, nothing};

/// The connector.
pub const SYSTEM: System = System { id: "skeleton", files: folder!(), native: nothing };

#[cfg(test)]
mod tests;
