//! The products on the engine, and all that tells them apart.
//!
//! Sources: ads.vk.com/doc/api and target.my.com/doc/api (resources, objects).

use crate::world::Level;

/// A product of VK group's advertising.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// VK Реклама: ad plan > ad group > banner.
    VkAds,
    /// myTarget: campaign > banner. The engine's groups were called campaigns before there were plans.
    MyTarget,
}

impl Product {
    /// The limited resources: (name in `throttling.json`, path below `/api/v2/`).
    pub(super) fn resources(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::VkAds => &[
                ("USER", "user.json"),
                ("AGENCYCLIENTS", "agency/clients.json"),
                ("ADPLANS", "ad_plans.json"),
                ("ADGROUPS", "ad_groups.json"),
                ("BANNERS", "banners.json"),
                ("STATISTICS", "statistics/"),
            ],
            Self::MyTarget => &[
                ("USER", "user.json"),
                ("AGENCYCLIENTS", "agency/clients.json"),
                ("CAMPAIGNS", "campaigns.json"),
                ("BANNERS", "banners.json"),
                ("STATISTICS", "statistics/"),
            ],
        }
    }

    /// The level of a kind of objects in statistics, and how foreign ones are refused.
    pub(super) fn level(self, objects: &str) -> Option<(Level, &'static str)> {
        match (self, objects) {
            (_, "banners") => Some((Level::Ad, "ERR_WRONG_BANNERS")),
            (_, "users") => Some((Level::Cabinet, "ERR_WRONG_USERS")),
            (Self::VkAds, "ad_groups") => Some((Level::Group, "ERR_WRONG_ADGROUPS")),
            (Self::VkAds, "ad_plans") => Some((Level::Campaign, "ERR_WRONG_ADPLANS")),
            (Self::MyTarget, "campaigns") => Some((Level::Campaign, "ERR_WRONG_CAMPAIGNS")),
            _ => None,
        }
    }
}
