//! Rows of a report by the names of their columns. A row comes as two lists of values and a report says once what these are; here the
//! names are put to the values, and what the report says of itself becomes remarks: a sum that is not all there is has to be told.

use manifest::json::{Json, Map};

/// What together says where visits came from, from the whole to the part.
const ORIGIN: [&str; 4] = ["sessionSource", "sessionMedium", "sessionCampaignName", "sessionManualAdContent"];
/// What stands between its parts.
const BETWEEN: &str = " / ";

/// What a report may say of itself, of which a person has to hear.
const FLAGS: [&str; 2] = ["subjectToThresholding", "dataLossFromOtherRow"];

/// The rows of a page, and before them remarks on the whole report.
pub fn by_name(page: Vec<Json>) -> Vec<Json> {
    let mut told = Vec::with_capacity(page.len());
    let mut restricted = Vec::new();
    if let Some(metadata) = page.first().and_then(|row| row.get("metadata")) {
        remarks(metadata, &mut told);
        let limits = metadata.pointer("/schemaRestrictionResponse/activeMetricRestrictions").and_then(Json::as_array);
        for limit in limits.into_iter().flatten() {
            if let Some(metric) = limit.get("metricName").and_then(Json::as_str) {
                told.push(remark(metric, limit.get("restrictedMetricTypes").cloned().unwrap_or_default()));
                restricted.push(metric.to_owned());
            }
        }
    }
    for row in page {
        match named(&row) {
            Some(mut named) => {
                // What the person may not see is told as zero, and is not known.
                for metric in &restricted {
                    named.insert(metric, Json::Null);
                }
                told.extend(without_refunds(&mut named));
                told.push(Json::Object(named));
            }
            // It is not what was documented; as it stands it has no id and is put aside.
            None => told.push(row),
        }
    }
    told
}

/// What a report says of itself.
fn remarks(metadata: &Json, told: &mut Vec<Json>) {
    for flag in FLAGS {
        if metadata.get(flag).and_then(Json::as_bool) == Some(true) {
            told.push(remark(flag, Json::from(true)));
        }
    }
    let sampled = metadata.get("samplingMetadatas").and_then(Json::as_array).and_then(|list| list.first());
    if let Some(sample) = sampled {
        told.push(remark("samplingMetadatas", sample.clone()));
    }
}

/// A record that is no row, as the mapping expects it.
fn remark(field: &str, value: Json) -> Json {
    let told = Map::from_iter([("field", Json::from(field)), ("value", value)]);
    Json::Object(Map::from_iter([("remark", Json::Object(told))]))
}

/// A row with names; `None` when its values are not those of the columns.
fn named(row: &Json) -> Option<Map> {
    let mut named = Map::new();
    for (headers, values) in [("dimensionHeaders", "dimensionValues"), ("metricHeaders", "metricValues")] {
        let headers = row.get(headers).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let values = row.get(values).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        if headers.len() != values.len() {
            return None;
        }
        for (header, value) in headers.iter().zip(values) {
            named.insert(header.get("name")?.as_str()?, value.get("value").cloned().unwrap_or_default());
        }
    }
    let origin: Option<Vec<&str>> = ORIGIN.iter().map_while(|name| named.get(name)).map(Json::as_str).collect();
    let origin = origin.filter(|origin| !origin.is_empty());
    let inner = origin.as_ref().filter(|origin| origin.len() == ORIGIN.len());
    let parent = inner.map(|origin| origin[..ORIGIN.len() - 1].join(BETWEEN));
    let id = origin.map(|origin| origin.join(BETWEEN));
    let date = named.get("date").and_then(Json::as_str).and_then(dashed);
    let bounces = count(&named, "sessions").zip(count(&named, "engagedSessions"));
    let bounces = bounces.map(|(all, engaged)| all - engaged).filter(|bounces| *bounces >= 0);
    for (name, value) in [
        ("id", id.map(Json::from)),
        ("parent", parent.map(Json::from)),
        ("date", date.map(Json::from)),
        ("bounces", bounces.map(Json::from)),
        ("currency", row.pointer("/metadata/currencyCode").cloned()),
        ("property", row.get("property").cloned()),
    ] {
        if let Some(value) = value {
            named.insert(name, value);
        }
    }
    Some(named)
}

/// A remark on a day on which more was given back than was bought: there is no revenue below zero here, and without the remark it would
/// go unsaid.
fn without_refunds(named: &mut Map) -> Option<Json> {
    let revenue = named.get("purchaseRevenue")?.as_str().filter(|text| text.starts_with('-'))?.to_owned();
    named.insert("purchaseRevenue", Json::Null);
    let date = named.get("date").cloned().unwrap_or_default();
    let told = [
        ("reason", Json::from("negative")),
        ("field", Json::from("purchaseRevenue")),
        ("value", Json::from(revenue)),
        ("date", date),
    ];
    let told = Json::Object(Map::from_iter(told));
    Some(Json::Object(Map::from_iter([("remark", told), ("row", Json::Object(named.clone()))])))
}

/// `20261001` as `2026-10-01`; `None` for anything else, which the mapping refuses.
fn dashed(text: &str) -> Option<String> {
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]))
}

fn count(named: &Map, metric: &str) -> Option<i64> {
    named.get(metric)?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::by_name;
    use manifest::{json, json::Json};

    /// A row of a report with these columns and metadata.
    fn row(dimensions: &[(&str, &str)], metrics: &[(&str, &str)], metadata: &serde_json::Value) -> Json {
        let names = |all: &[(&str, &str)]| -> Vec<_> {
            all.iter().map(|(name, _)| serde_json::json!({"name": name})).collect()
        };
        let values = |all: &[(&str, &str)]| -> Vec<_> {
            all.iter().map(|(_, value)| serde_json::json!({"value": value})).collect()
        };
        json!({
            "dimensionHeaders": names(dimensions), "metricHeaders": names(metrics), "dimensionValues": values(dimensions),
            "metricValues": values(metrics), "metadata": metadata, "property": "7",
        })
    }

    #[test]
    fn columns_are_taken_by_their_names_and_not_by_their_places() {
        let metadata = serde_json::json!({"currencyCode": "EUR", "timeZone": "Europe/Berlin"});
        let turned = row(
            &[
                ("sessionMedium", "cpc"),
                ("date", "20261001"),
                ("sessionSource", "google"),
                ("sessionCampaignName", "(not set)"),
            ],
            &[("engagedSessions", "7"), ("purchaseRevenue", "530.25"), ("sessions", "10")],
            &metadata,
        );
        let rows = by_name(vec![turned]);
        assert_eq!(rows.len(), 1);
        let told = |name: &str| rows[0].get(name).map(Json::to_string).unwrap_or_default();
        assert_eq!(told("id"), "\"google / cpc / (not set)\"");
        assert_eq!((told("date"), told("bounces")), ("\"2026-10-01\"".to_owned(), "3".to_owned()));
        assert_eq!((told("currency"), told("property")), ("\"EUR\"".to_owned(), "\"7\"".to_owned()));
        assert_eq!((told("purchaseRevenue"), told("parent")), ("\"530.25\"".to_owned(), String::new()));
    }

    #[test]
    fn an_ad_knows_its_campaign_and_an_account_has_no_origin() {
        let origin = [
            ("sessionSource", "vk"),
            ("sessionMedium", "cpc"),
            ("sessionCampaignName", "a"),
            ("sessionManualAdContent", "b"),
        ];
        let none = serde_json::json!({});
        let rows = by_name(vec![row(&origin, &[("sessions", "1")], &none), row(&[("date", "x")], &[], &none)]);
        assert_eq!(rows[0].get("id").and_then(Json::as_str), Some("vk / cpc / a / b"));
        assert_eq!(rows[0].get("parent").and_then(Json::as_str), Some("vk / cpc / a"));
        assert!(rows[1].get("id").is_none() && rows[1].get("date").and_then(Json::as_str) == Some("x"));
    }

    #[test]
    fn what_a_report_keeps_back_is_said() {
        let metadata = serde_json::json!({
            "subjectToThresholding": true, "dataLossFromOtherRow": false,
            "samplingMetadatas": [{"samplesReadCount": "5", "samplingSpaceSize": "10"}],
            "schemaRestrictionResponse": {"activeMetricRestrictions": [
                {"metricName": "purchaseRevenue", "restrictedMetricTypes": ["REVENUE_DATA"]},
            ]},
        });
        let rows = by_name(vec![row(&[("date", "20261001")], &[("purchaseRevenue", "0")], &metadata)]);
        let fields: Vec<_> = rows.iter().filter_map(|row| row.pointer("/remark/field")?.as_str()).collect();
        assert_eq!(fields, ["subjectToThresholding", "samplingMetadatas", "purchaseRevenue"]);
        assert!(rows.last().is_some_and(|row| row.get("purchaseRevenue").is_some_and(Json::is_null)));
    }

    #[test]
    fn a_day_of_refunds_keeps_its_visits_and_says_what_was_given_back() {
        let columns = [("sessions", "4"), ("purchaseRevenue", "-12.50")];
        let rows = by_name(vec![row(&[("date", "20261001")], &columns, &serde_json::json!({}))]);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].pointer("/remark/value").and_then(Json::as_str), Some("-12.50"));
        assert_eq!(rows[0].pointer("/remark/date").and_then(Json::as_str), Some("2026-10-01"));
        assert!(rows[1].get("purchaseRevenue").is_some_and(Json::is_null));
        assert_eq!(rows[1].get("sessions").and_then(Json::as_str), Some("4"));
    }

    #[test]
    fn a_row_that_does_not_fit_its_columns_stays_as_it_came() {
        let odd = json!({"dimensionHeaders": [{"name": "date"}], "dimensionValues": [], "metricValues": []});
        assert_eq!(by_name(vec![odd.clone()]), [odd]);
    }
}
