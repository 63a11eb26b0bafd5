//! Days of products out of days of campaigns: each app tells its own figures of a product, and a product is a row once a day.

use manifest::json::{Json, Map};
use model::money::Micros;

/// What is added up over apps.
const FIGURES: [&str; 5] = ["views", "clicks", "orders", "sum", "sum_price"];

/// A figure of a product so far.
enum Tally {
    Sum(Micros),
    /// Something that is no number, or nothing: what it makes of the day is not known, and the mapping says so.
    Broken(Json),
}

impl Tally {
    fn add(&mut self, more: Option<&Json>) {
        if let Self::Sum(sum) = self {
            match more.and_then(amount) {
                Some(more) => *sum += more,
                None => *self = Self::Broken(more.cloned().unwrap_or_default()),
            }
        }
    }

    fn told(self) -> Json {
        match self {
            Self::Sum(sum) => Json::from(sum.to_string()),
            Self::Broken(value) => value,
        }
    }
}

/// A number that can be added to others: decimal and not below zero.
fn amount(value: &Json) -> Option<Micros> {
    let parsed = match value {
        Json::Number(number) => Micros::parse(&number.to_string()),
        Json::String(text) => Micros::parse(text.trim()),
        _ => return None,
    };
    parsed.ok().filter(|amount| *amount >= Micros::ZERO)
}

/// A row for each product and day of some campaigns.
pub fn by_day(campaigns: Vec<Json>) -> Vec<Json> {
    let mut rows = Vec::new();
    for campaign in campaigns {
        match campaign.get("days") {
            Some(Json::Array(days)) => days.iter().for_each(|day| rows_of(&campaign, day, &mut rows)),
            Some(Json::Null) => {}
            // It is not what was documented; as it stands it has no id and is put aside.
            _ => rows.push(campaign),
        }
    }
    rows
}

fn rows_of(campaign: &Json, day: &Json, rows: &mut Vec<Json>) {
    let mut found: Vec<(String, [Tally; FIGURES.len()])> = Vec::new();
    let apps = day.get("apps").and_then(Json::as_array).into_iter().flatten();
    for product in apps.filter_map(|app| app.get("nms")?.as_array()).flatten() {
        // One without a number is a row without an id, which is put aside.
        let id = match (campaign.get("advertId"), product.get("nmId")) {
            (Some(campaign), Some(product)) if !campaign.is_null() && !product.is_null() => {
                format!("{}:{}", plain(campaign), plain(product))
            }
            _ => String::new(),
        };
        let at = found.iter().position(|(known, _)| *known == id).unwrap_or_else(|| {
            found.push((id, std::array::from_fn(|_| Tally::Sum(Micros::ZERO))));
            found.len() - 1
        });
        for (tally, name) in found[at].1.iter_mut().zip(FIGURES) {
            tally.add(product.get(name));
        }
    }
    // Neither is a day understood that cost something and names no product.
    if found.is_empty() && day.get("sum").and_then(amount) != Some(Micros::ZERO) {
        rows.push(day.clone());
    }
    for (id, tallies) in found {
        let id = if id.is_empty() { Json::Null } else { Json::from(id) };
        let mut row = Map::from_iter([("id".to_owned(), id)]);
        for (name, of) in [("date", day), ("currency", campaign)] {
            row.insert(name.to_owned(), of.get(name).cloned().unwrap_or_default());
        }
        for (tally, name) in tallies.into_iter().zip(FIGURES) {
            row.insert(name.to_owned(), tally.told());
        }
        rows.push(Json::Object(row));
    }
}

/// A number or a text without its quotes.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::by_day;
    use manifest::{json, json::Json};

    #[test]
    fn apps_are_added_up_to_the_kopeck_and_what_is_no_number_stays() {
        let product = |id: i64, views: Json, sum: f64| {
            let views: serde_json::Value = views.general();
            json!({"nmId": id, "views": views, "clicks": 1, "orders": 0, "sum": sum, "sum_price": 0})
        };
        let apps = |apps: [Vec<Json>; 2]| {
            let told = apps.map(|products| serde_json::json!({"nms": products}));
            serde_json::json!(told)
        };
        let number = Json::from(7);
        let days = serde_json::json!([
            {"date": "2026-03-01T00:00:00Z", "sum": 0.3, "apps": apps([
                vec![product(5, number.clone(), 0.1), product(6, number.clone(), 0.0)],
                vec![product(5, number.clone(), 0.2), product(6, Json::from("много"), 1.0)],
            ])},
            {"date": "2026-03-02T00:00:00Z", "sum": 0, "apps": null},
            {"date": "2026-03-03T00:00:00Z", "sum": 12.5, "apps": [{"products": []}]},
        ]);
        let rows = by_day(vec![
            json!({"advertId": 9, "currency": "RUB", "days": days}),
            json!({"advertId": 10, "days": null}),
        ]);
        let row = |id: &str, views: &str, sum: &str| {
            json!({
                "id": id, "date": "2026-03-01T00:00:00Z", "currency": "RUB", "views": views, "clicks": "2", "orders": "0",
                "sum": sum, "sum_price": "0",
            })
        };
        let odd = json!({"date": "2026-03-03T00:00:00Z", "sum": 12.5, "apps": [{"products": []}]});
        assert_eq!(rows, [row("9:5", "14", "0.3"), row("9:6", "много", "1"), odd]);
    }
}
