//! How a row of Metrica's reports becomes ours. Bounces come as a percentage of visits, goals as two metrics each, whose names hold the
//! goal's number: `ym:s:goal345678reaches` and `ym:s:goal345678converted<currency>Revenue`.

use crate::metrica_engine::rows::{Row, decimal, record, share, text};
use manifest::json::Json;
use model::money::Micros;

const VISITS: &str = "ym:s:visits";
const USERS: &str = "ym:s:users";
const PAGE_VIEWS: &str = "ym:s:pageviews";
const BOUNCE_RATE: &str = "ym:s:bounceRate";
/// Reaches of all goals together, asked for when nobody chose any.
const ANY_GOAL: &str = "ym:s:sumGoalReachesAny";
/// Revenue of shop orders.
const SHOP: &str = "ym:s:ecommerce";

/// What makes a campaign, and an ad in it.
const CAMPAIGN: [&str; 3] = ["UTMSource", "UTMMedium", "UTMCampaign"];
const AD: [&str; 4] = ["UTMSource", "UTMMedium", "UTMCampaign", "UTMContent"];

/// What a metric of a goal counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Reaches,
    Revenue,
}

/// The goal of a metric.
fn goal(name: &str) -> Option<(&str, Of)> {
    let rest = name.strip_prefix("ym:s:goal")?;
    let (goal, what) = rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit())?);
    match what {
        "reaches" => Some((goal, Of::Reaches)),
        what if what.starts_with("converted") && what.ends_with("Revenue") => Some((goal, Of::Revenue)),
        _ => None,
    }
    .filter(|_| !goal.is_empty())
}

fn counts(name: &str, what: Of) -> bool {
    goal(name).is_some_and(|(_, of)| of == what)
}

/// Rows of days: of the counter, of a campaign or of an ad. A record that is no row stays as it is, and is put aside for want of an id.
pub fn whole(records: Vec<Json>) -> Vec<Json> {
    let row = |found: Json| match Row::of(&found) {
        Some(row) => one(&row, &found),
        None => found,
    };
    records.into_iter().map(row).collect()
}

fn one(row: &Row<'_>, found: &Json) -> Json {
    let plain = |name: &str| row.metric(name).cloned().unwrap_or(Json::Null);
    let (visits, rate) = (plain(VISITS), plain(BOUNCE_RATE));
    // A rate that is no number is put aside with its row.
    let bounces =
        if visits.is_null() || rate.is_null() { Json::Null } else { share(&visits, &rate).map_or(rate, Json::from) };
    record([
        ("counter", found.pointer("/counters/0").cloned().unwrap_or(Json::Null)),
        ("date", text(row.value(":date"))),
        ("campaign", text(row.joined(&CAMPAIGN))),
        ("ad", text(row.joined(&AD))),
        ("visits", visits),
        ("users", plain(USERS)),
        ("page_views", plain(PAGE_VIEWS)),
        ("bounces", bounces),
        ("conversions", row.sum(|name| name == ANY_GOAL || counts(name, Of::Reaches))),
        ("revenue", row.sum(|name| name.starts_with(SHOP) || counts(name, Of::Revenue))),
    ])
}

/// A row for each goal that was reached by a campaign on a day.
pub fn by_goal(records: Vec<Json>) -> Vec<Json> {
    let mut rows = Vec::new();
    for found in records {
        match Row::of(&found) {
            Some(row) => rows.extend(goals(&row)),
            None => rows.push(found),
        }
    }
    rows
}

fn goals(row: &Row<'_>) -> Vec<Json> {
    let nothing = |value: &Json| decimal(value) == Some(Micros::ZERO);
    let reached = row.metrics().filter_map(|(name, value)| match goal(name)? {
        (goal, Of::Reaches) => Some((goal, value)),
        _ => None,
    });
    let rows = reached.filter_map(|(number, reaches)| {
        let revenue = row.metrics().find(|(name, _)| goal(name) == Some((number, Of::Revenue)));
        let revenue = revenue.map_or(Json::Null, |(_, value)| value.clone());
        if nothing(reaches) && (revenue.is_null() || nothing(&revenue)) {
            return None;
        }
        Some(record([
            ("date", text(row.value(":date"))),
            ("campaign", text(row.joined(&CAMPAIGN))),
            ("goal", Json::from(number)),
            ("conversions", reaches.clone()),
            ("revenue", revenue),
        ]))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use manifest::json;

    #[test]
    fn a_row_of_several_goals_becomes_whole_and_apart() {
        let names = json!([
            "ym:s:visits",
            "ym:s:bounceRate",
            "ym:s:goal7reaches",
            "ym:s:goal7converted<currency>Revenue",
            "ym:s:goal8reaches",
            "ym:s:goal8convertedRUBRevenue",
            "ym:s:goal9reaches",
            "ym:s:goal9users"
        ]);
        let row = json!({
            "dimension_names": ["ym:s:date", "ym:s:lastsignUTMSource", "ym:s:lastsignUTMMedium", "ym:s:lastsignUTMCampaign"],
            "metric_names": names, "counters": [101],
            "dimensions": [{"name": "2026-03-01"}, {"name": "vk"}, {"name": null}, {"name": ""}],
            "metrics": [8.0, 37.5, 2.0, 0.1, 1.0, 0.2, 0.0, 5.0],
        });
        let whole = whole(vec![row.clone(), json!({"dimensions": "odd"})]);
        assert_eq!(
            whole,
            [
                json!({
                    "counter": 101, "date": "2026-03-01", "campaign": "vk / (undefined) / ", "visits": 8.0, "bounces": 3,
                    "conversions": "3", "revenue": "0.3",
                }),
                json!({"dimensions": "odd"}),
            ]
        );
        let goal = |goal: &str, conversions: f64, revenue: f64| {
            json!({
                "date": "2026-03-01", "campaign": "vk / (undefined) / ", "goal": goal, "conversions": conversions, "revenue": revenue,
            })
        };
        assert_eq!(by_goal(vec![row]), [goal("7", 2.0, 0.1), goal("8", 1.0, 0.2)]);
    }
}
