//! Events of an app stand in columns of a report, three for each, and not in rows: taken apart here.

use manifest::json::{Json, Map};

/// How the column of an event's count ends.
const COUNT: &str = " (Event counter)";

/// A row for each event that happened, from rows of `partners_by_date_report`.
pub fn in_rows(records: Vec<Json>) -> Vec<Json> {
    let mut rows = Vec::new();
    for record in records {
        let Json::Object(cells) = record else { continue };
        for (column, count) in &cells {
            let column = column.to_string();
            let Some(event) = column.strip_suffix(COUNT) else { continue };
            if count.is_null() || count.as_str() == Some("0") {
                continue;
            }
            // The last column of an event names the currency: `af_purchase (Sales in USD)`.
            let sales = format!("{event} (Sales in ");
            let revenue = cells.iter().find(|(column, _)| column.to_string().starts_with(&sales));
            let mut row = Map::default();
            for name in ["id", "Date"] {
                row.insert(name, cells.get(name).cloned().unwrap_or(Json::Null));
            }
            row.insert("event", Json::from(event));
            row.insert("count", count.clone());
            row.insert("revenue", revenue.map_or(Json::Null, |(_, sum)| sum.clone()));
            rows.push(Json::Object(row));
        }
    }
    rows
}
