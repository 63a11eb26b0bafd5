//! VK Реклама (ads.vk.com): statistics of plans, groups and banners by day.
//!
//! `manifest.yaml` says how cabinets are found and read, `mapping.yaml` how they become our tables. What a manifest cannot say is the
//! engine's.

use crate::{System, folder, target_engine::TargetEngine};
use std::sync::Arc;

/// The interface's address. The same one answers at `https://ads.vk.ru`.
const HOST: &str = "https://ads.vk.com";

/// The connector.
pub const SYSTEM: System = System { id: "vk_ads", files: folder!(), native: || Arc::new(TargetEngine { host: HOST }) };

#[cfg(test)]
mod tests;
