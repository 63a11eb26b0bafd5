//! Yandex Metrica (api-metrika.yandex.net): what a site's counter saw by day, source and ad, conversions by goal, and raw visits.
//!
//! The manifest says what is asked; the sign-in is Yandex ID's (`yandex_id`), refusals and the rows of a report are read as AppMetrica's
//! (`metrica_engine`), and how a row of Metrica becomes ours stands in `rows`.

mod rows;

use crate::{
    System, folder,
    metrica_engine::{Apart, MetricaEngine},
};
use std::sync::Arc;

/// Where its interface is.
const HOST: &str = "https://api-metrika.yandex.net";

/// The connector.
pub const SYSTEM: System =
    System { id: "yandex_metrika", files: folder!(), native: || Arc::new(MetricaEngine { host: HOST, apart }) };

fn apart(stream: &str) -> Option<Apart> {
    match stream {
        "counter_stats" | "campaign_stats" | "ad_stats" => Some(rows::whole),
        "goal_stats" => Some(rows::by_goal),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
