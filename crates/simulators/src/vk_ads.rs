//! VK Реклама (ads.vk.com): the engine of VK group's advertising with ad plans, ad groups and banners.

pub use crate::target_engine::{CabinetName, Key, Limits, Running, Scenario, TokenRules, Usage};
use crate::target_engine::{Product, start};
pub use crate::truth::{CabinetTruth, Rows, Truth};

/// Starts simulators of VK Реклама.
#[derive(Debug, Clone, Copy)]
pub struct VkAds;

impl VkAds {
    /// Builds the world and listens on 127.0.0.1. Fails when the port is taken.
    pub fn start(scenario: Scenario) -> anyhow::Result<Running> {
        start(Product::VkAds, scenario)
    }
}
