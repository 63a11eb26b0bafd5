//! myTarget (target.my.com): statistics of campaigns and banners by day.
//!
//! The elder product on VK group's engine, with a tree of two levels: most advertisers moved to VK Реклама, their history did not. Its own
//! are the manifest, the mapping and the address; what a manifest cannot say is the engine's.

use crate::{System, folder, target_engine::TargetEngine};
use std::sync::Arc;

/// The interface's address.
const HOST: &str = "https://target.my.com";

/// The connector.
pub const SYSTEM: System =
    System { id: "my_target", files: folder!(), native: || Arc::new(TargetEngine { host: HOST }) };

#[cfg(test)]
mod tests;
