//! Ozon Performance (api-performance.ozon.ru): statistics of campaigns of an Ozon seller and of the products in them by day.
//!
//! The manifest says it all; there is no Rust of its own.

use crate::{System, folder, nothing};

/// The connector.
pub const SYSTEM: System = System { id: "ozon_performance", files: folder!(), native: nothing };

#[cfg(test)]
mod tests;
