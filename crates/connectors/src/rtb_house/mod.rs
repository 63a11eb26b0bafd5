//! RTB House (panel.rtbhouse.com): statistics of campaigns and creatives by day.
//!
//! The manifest says it all; there is no Rust of its own.

use crate::{System, folder, nothing};

/// The connector.
pub const SYSTEM: System = System { id: "rtb_house", files: folder!(), native: nothing };

#[cfg(test)]
mod tests;
