//! VK Реклама (ads.vk.com).

pub mod errors;
pub mod signin;
