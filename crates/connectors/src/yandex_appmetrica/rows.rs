//! How a row of AppMetrica's reports becomes ours: a tracker is known by the numbers of its partner and its own, because trackers of one
//! partner may share a name.

use crate::metrica_engine::rows::{Row, record, text};
use manifest::json::Json;

/// What makes a tracker.
const TRACKER: [&str; 2] = [":publisher", ":campaign"];

/// Rows of an application's or a tracker's days, and trackers with their names. A record that is no row stays as it is, and is put aside for
/// want of an id.
pub fn rows(records: Vec<Json>) -> Vec<Json> {
    let row = |found: Json| match Row::of(&found) {
        Some(row) => one(&row, &found),
        None => found,
    };
    records.into_iter().map(row).collect()
}

fn one(row: &Row<'_>, found: &Json) -> Json {
    let plain = |name: &str| row.metric(name).cloned().unwrap_or(Json::Null);
    record([
        ("app", found.pointer("/apps/0").cloned().unwrap_or(Json::Null)),
        ("date", text(row.value(":date"))),
        ("tracker", text(row.numbered(&TRACKER))),
        ("name", text(row.joined(&TRACKER))),
        ("sessions", plain("ym:ge:sessions")),
        ("users", plain("ym:ge:users")),
        ("installs", plain("ym:i:installDevices")),
    ])
}

#[cfg(test)]
mod tests {
    use super::rows;
    use manifest::json;

    #[test]
    fn trackers_are_told_apart_by_their_numbers() {
        let found = json!({
            "apps": [1111], "dimension_names": ["ym:i:date", "ym:i:publisher", "ym:i:campaign"], "metric_names": ["ym:i:installDevices"],
            "dimensions": [
                {"id": "2026-03-01", "name": "2026-03-01"}, {"id": "43", "name": "Yandex.Direct"}, {"id": 1181, "name": "Весна"},
            ],
            "metrics": [5.0],
        });
        let row = json!({
            "app": 1111, "date": "2026-03-01", "tracker": "43:1181", "name": "Yandex.Direct / Весна", "installs": 5.0,
        });
        assert_eq!(rows(vec![found]), [row]);
    }
}
