//! myTarget (target.my.com): the engine of VK group's advertising with campaigns and banners.

pub use crate::target_engine::{CabinetName, Key, Limits, Running, Scenario, TokenRules, Usage};
use crate::target_engine::{Product, start};
pub use crate::truth::{CabinetTruth, Rows, Truth};

/// Starts simulators of myTarget.
#[derive(Debug, Clone, Copy)]
pub struct MyTarget;

impl MyTarget {
    /// Builds the world and listens on 127.0.0.1. Fails when the port is taken.
    pub fn start(scenario: Scenario) -> anyhow::Result<Running> {
        start(Product::MyTarget, scenario)
    }
}
