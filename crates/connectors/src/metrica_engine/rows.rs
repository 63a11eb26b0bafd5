//! Rows of a report: values of dimensions and numbers of metrics, each in the order of the request, whose names stand in the answer's own
//! `query`. The manifests hand these names to every row as `dimension_names` and `metric_names`, so that a number is what the platform says
//! it is and not what stands at its place.
//!
//! Sums are made of decimals, never of floats.

use manifest::json::{Json, Map};
use model::money::Micros;

/// What stands for a value that the platform calls undefined, which is null in its answers.
pub const UNDEFINED: &str = "(undefined)";

/// A row under the names of its request.
pub struct Row<'a> {
    dimensions: Vec<(&'a str, &'a Json)>,
    metrics: Vec<(&'a str, &'a Json)>,
}

impl<'a> Row<'a> {
    /// A record as a row; none when it is not what was documented.
    pub fn of(record: &'a Json) -> Option<Self> {
        let list = |name: &str| record.get(name).and_then(Json::as_array);
        let names = |name: &str| list(name)?.iter().map(Json::as_str).collect::<Option<Vec<&str>>>();
        let (dimension_names, metric_names) = (names("dimension_names")?, names("metric_names")?);
        let (values, metrics) = (list("dimensions")?, list("metrics")?);
        if dimension_names.len() != values.len() || metric_names.len() != metrics.len() {
            return None;
        }
        Some(Self {
            dimensions: dimension_names.into_iter().zip(values).collect(),
            metrics: metric_names.into_iter().zip(metrics).collect(),
        })
    }

    /// The value of the dimension whose name ends so; none when it is undefined, or was not asked for.
    pub fn value(&self, ends: &str) -> Option<&'a str> {
        named(self.dimension(ends)?)
    }

    /// The dimension whose name ends so.
    fn dimension(&self, ends: &str) -> Option<&'a Json> {
        self.dimensions.iter().find(|(name, _)| name.ends_with(ends)).map(|(_, value)| *value)
    }

    /// The values of these dimensions in one word, such as `google / cpc / brand`; none when one of them was not asked for.
    pub fn joined(&self, ends: &[&str]) -> Option<String> {
        let values: Option<Vec<&str>> =
            ends.iter().map(|end| Some(named(self.dimension(end)?).unwrap_or(UNDEFINED))).collect();
        Some(values?.join(" / "))
    }

    /// The numbers that the platform gives these values, such as `43:1181`; the value itself where it has none. None when one of them was
    /// not asked for.
    pub fn numbered(&self, ends: &[&str]) -> Option<String> {
        let number = |end: &&str| {
            let value = self.dimension(end)?;
            Some(match value.get("id") {
                Some(Json::String(id)) => id.to_string(),
                Some(Json::Number(id)) => id.to_string(),
                _ => named(value).unwrap_or(UNDEFINED).to_owned(),
            })
        };
        Some(ends.iter().map(number).collect::<Option<Vec<String>>>()?.join(":"))
    }

    /// The metric of this name.
    pub fn metric(&self, name: &str) -> Option<&'a Json> {
        self.metrics.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The sum of the metrics whose names fit: decimal text; the first of them that is no number; nothing when none fits.
    pub fn sum(&self, fits: impl Fn(&str) -> bool) -> Json {
        let mut sum = None;
        for (_, value) in self.metrics.iter().filter(|(name, _)| fits(name)) {
            match decimal(value) {
                Some(more) => sum = Some(sum.unwrap_or(Micros::ZERO) + more),
                None => return (*value).clone(),
            }
        }
        sum.map_or(Json::Null, |sum| Json::from(sum.to_string()))
    }

    /// Metrics by name, in the order of the request.
    pub fn metrics(&self) -> impl Iterator<Item = (&'a str, &'a Json)> {
        self.metrics.iter().copied()
    }
}

/// The name of a value; none when it is undefined.
fn named(value: &Json) -> Option<&str> {
    value.get("name").and_then(Json::as_str)
}

/// A number as decimal.
pub fn decimal(value: &Json) -> Option<Micros> {
    match value {
        Json::Number(number) => Micros::parse(&number.to_string()).ok(),
        Json::String(text) => Micros::parse(text.trim()).ok(),
        _ => None,
    }
}

/// So many percent of a count, as a whole number: half a one rounds up.
pub fn share(count: &Json, percent: &Json) -> Option<i64> {
    let (count, percent) = (decimal(count)?.0, decimal(percent)?.0);
    // Millionths of millionths, and percent of a hundred.
    let whole = (i128::from(count) * i128::from(percent) + 50_000_000_000_000) / 100_000_000_000_000;
    i64::try_from(whole).ok()
}

/// A record of ours out of some members, those that are null left out.
pub fn record(members: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
    let known = members.into_iter().filter(|(_, value)| !value.is_null());
    Json::Object(known.map(|(name, value)| (name.to_owned(), value)).collect::<Map>())
}

/// A text, or null.
pub fn text(value: Option<impl Into<String>>) -> Json {
    value.map_or(Json::Null, |value| Json::from(value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use manifest::json;

    #[test]
    fn numbers_are_what_the_answer_calls_them_and_sums_are_exact() {
        let record = json!({
            "dimension_names": ["ym:s:date", "ym:s:lastsignUTMSource"], "metric_names": ["a", "b", "c"],
            "dimensions": [{"name": "2026-03-01", "id": 7}, {"name": null}], "metrics": [0.1, 0.2, "много"],
        });
        let row = Row::of(&record).unwrap_or_else(|| panic!("a row"));
        assert_eq!(row.value("date"), Some("2026-03-01"));
        assert_eq!(row.value("UTMSource"), None);
        assert_eq!(row.joined(&["UTMSource", "date"]).as_deref(), Some("(undefined) / 2026-03-01"));
        assert_eq!(row.joined(&["UTMSource", "UTMMedium"]), None);
        assert_eq!(row.numbered(&["date", "UTMSource"]).as_deref(), Some("7:(undefined)"));
        assert_eq!(row.sum(|name| name != "c"), Json::from("0.3"));
        assert_eq!(row.sum(|_| true), Json::from("много"));
        assert_eq!(row.sum(|_| false), Json::Null);
        let short = json!({"dimension_names": [], "metric_names": ["a"], "dimensions": [], "metrics": []});
        assert!(Row::of(&short).is_none());
    }

    #[test]
    fn a_share_is_a_whole_number_again() {
        for (count, percent, whole) in
            [(7.0, 42.857_142_86, Some(3)), (13.0, 38.461_538_46, Some(5)), (0.0, 0.0, Some(0)), (1.0, 50.0, Some(1))]
        {
            assert_eq!(share(&Json::from(count), &Json::from(percent)), whole, "{count} {percent}");
        }
        assert_eq!(share(&Json::from("x"), &Json::from(1)), None);
    }
}
