//! Yandex AppMetrica (api.appmetrica.yandex.com): sessions and users of an application by day, installations by partner and tracker, and raw
//! installations.
//!
//! The manifest says what is asked; the sign-in is Yandex ID's (`yandex_id`), refusals, exports in the making and the rows of a report are
//! read as Metrica's (`metrica_engine`), and how a row of AppMetrica becomes ours stands in `rows`.

mod rows;

use crate::{
    System, folder,
    metrica_engine::{Apart, MetricaEngine},
};
use std::sync::Arc;

/// Where its interface is.
const HOST: &str = "https://api.appmetrica.yandex.com";

/// The connector.
pub const SYSTEM: System =
    System { id: "yandex_appmetrica", files: folder!(), native: || Arc::new(MetricaEngine { host: HOST, apart }) };

fn apart(stream: &str) -> Option<Apart> {
    matches!(stream, "trackers" | "app_stats" | "tracker_stats").then_some(rows::rows)
}

#[cfg(test)]
mod tests;
