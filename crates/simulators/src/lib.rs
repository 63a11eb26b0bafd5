//! Faithful simulators of vendors' interfaces over real HTTP, for every level of tests and for the demo workspace.
//!
//! A connector is proved against these, not against recorded replies: a simulator pages, throttles, expires tokens, corrects
//! yesterday's clicks and attributes conversions late, and on command misbehaves in every way that was seen in practice.
//! It also knows the truth: what the figures are, computed from the world and not from its own replies.
//! The rooms: `world` (clients and what their ads did, in no vendor's language), `calendar` (the simulated present), `server`
//! (HTTP, faults, log), and a folder per vendor that speaks its dialect. Only loopback is ever listened on.

pub mod agency;
pub mod apple_ads;
pub mod appsflyer;
mod archive;
pub mod blank;
pub mod calendar;
pub mod faults;
pub mod google;
pub mod google_ads;
pub mod google_analytics_4;
pub mod google_merchant_center;
pub mod meta_ads;
mod metrica;
pub mod my_target;
mod noise;
pub mod ozon_performance;
pub mod recorded;
pub mod requests;
pub mod rtb_house;
mod server;
pub mod slack;
pub mod smtp;
pub mod stage;
mod target_engine;
pub mod telegram;
pub mod telegram_ads;
pub mod tiktok_ads;
pub mod truth;
pub mod visits;
pub mod vk_ads;
pub mod vk_ads_legacy;
pub mod wildberries;
pub mod world;
pub mod yandex_appmetrica;
pub mod yandex_audience;
pub mod yandex_direct;
mod yandex_id;
pub mod yandex_market;
pub mod yandex_metrika;
pub mod yandex_promopages;
