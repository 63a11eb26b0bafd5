//! Apple Ads (Apple Ads Platform API v1): campaigns, ad groups and ads of the App Store and their days. The manifest says it all.

use crate::{System, folder, nothing};

/// The connector.
pub const SYSTEM: System = System { id: "apple_ads", files: folder!(), native: nothing };

#[cfg(test)]
mod tests;
