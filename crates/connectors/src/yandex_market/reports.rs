//! Rows out of reports. A report is an archive with a file for each sheet, and the records of all its sheets come together, so rows are
//! told apart by their columns: the vendor renames sheets and adds columns without notice. Records carry besides which `report` they are
//! from and, where its rows have none, their `day`.
//!
//! Names of what becomes a campaign or an ad have the kind of promotion in front, because each kind counts its numbers by itself:
//! `boost` pays for impressions, `sales` for sales, `shelf` and `banner` are what they are called.

use manifest::json::{Json, Map};
use model::money::Micros;
use std::collections::{BTreeMap, HashSet};

/// A sheet with a row for each campaign and day.
struct Sheet {
    /// The report it is in.
    report: &'static str,
    /// What stands in front of its ids.
    kind: &'static str,
    id: &'static str,
    name: &'static str,
    /// A column that only rows of the report's other sheets have, which have an id, too.
    others: &'static str,
    impressions: &'static str,
    conversions: &'static str,
}

/// Sheets of campaigns; clicks, money and days are called the same everywhere.
const SHEETS: [Sheet; 3] = [
    Sheet {
        report: "shows-boost",
        kind: "boost",
        id: "saleCampaignId",
        name: "saleCampaignName",
        others: "offerId",
        impressions: "shows",
        conversions: "orderedCount",
    },
    Sheet {
        report: "shelf-statistics",
        kind: "shelf",
        id: "incutId",
        name: "title",
        others: "showCategoryName",
        impressions: "impressions",
        conversions: "ordered",
    },
    Sheet {
        report: "banners-statistics",
        kind: "banner",
        id: "campaignId",
        name: "campaignName",
        others: "serviceType",
        impressions: "shows",
        conversions: "orderedCount",
    },
];

/// A sheet with a row for each product.
struct Products {
    report: &'static str,
    kind: &'static str,
    sku: &'static str,
    impressions: &'static str,
    clicks: &'static str,
    cost: &'static str,
    conversions: &'static str,
    revenue: &'static str,
}

const PRODUCTS: [Products; 2] = [
    Products {
        report: "shows-boost",
        kind: "boost",
        sku: "offerId",
        impressions: "shows",
        clicks: "clicks",
        cost: "cost",
        conversions: "orderedCount",
        revenue: "orderedAmount",
    },
    Products {
        report: "boost-consolidated",
        kind: "sales",
        sku: "shopSku",
        impressions: "showsWithFee",
        clicks: "clicksVendorWithFee",
        cost: "billedAmount",
        conversions: "orderItemsDeliveredWithFee",
        revenue: "ordersGvmDeliveredWithFee",
    },
];

/// A column that only charges of the boost with payment for sales have, among the services of Market.
const CHARGE: &str = "postpaid";
/// Members that are ours and not the report's.
const OURS: [&str; 2] = ["report", "day"];

/// The days of campaigns: of boosts, shelves and banners by their own, of charges for sales by store.
pub fn campaign_days(records: Vec<Json>) -> Vec<Json> {
    let mut charges = Charges::default();
    let rows = found(records, |record| {
        if is_charge(record) {
            charges.add(record);
            return Some(None);
        }
        let sheet = SHEETS.iter().find(|sheet| sheet.has(record))?;
        let row = row([
            ("id", named(sheet.kind, record.get(sheet.id))),
            ("date", day(record.get("date"))),
            ("impressions", number(record, sheet.impressions)),
            ("clicks", number(record, "clicks")),
            ("cost", number(record, "realCost")),
            ("conversions", number(record, sheet.conversions)),
            ("revenue", number(record, "orderedAmount")),
        ]);
        Some(happened(row))
    });
    rows.into_iter().chain(charges.days()).collect()
}

/// The names of the same campaigns: those that they had last.
pub fn campaigns(records: Vec<Json>) -> Vec<Json> {
    let mut latest: BTreeMap<String, (String, Json)> = BTreeMap::new();
    let unknown = found(records, |record| {
        let (kind, id, name, date) = if is_charge(record) {
            ("sales", "partnerId", "partnerName", "serviceDate")
        } else {
            let sheet = SHEETS.iter().find(|sheet| sheet.has(record))?;
            (sheet.kind, sheet.id, sheet.name, "date")
        };
        let Json::String(key) = named(kind, record.get(id)) else { return Some(Some(record.clone())) };
        let date = plain(&day(record.get(date)));
        let known = latest.get(key.as_str()).is_some_and(|(known, _)| *known >= date);
        if !known {
            let name = record.get(name).cloned().unwrap_or_default();
            latest.insert(key.to_string(), (date, row([("id", Json::from(key.as_str())), ("name", name)])));
        }
        Some(None)
    });
    unknown.into_iter().chain(latest.into_values().map(|(_, object)| object)).collect()
}

/// The figures of products on a day: the report is one of that day alone.
pub fn offer_days(records: Vec<Json>) -> Vec<Json> {
    found(records, |record| {
        let products = PRODUCTS.iter().find(|products| products.has(record))?;
        let row = row([
            ("id", named(products.kind, record.get(products.sku))),
            ("date", record.get("day").cloned().unwrap_or_default()),
            ("impressions", number(record, products.impressions)),
            ("clicks", number(record, products.clicks)),
            ("cost", number(record, products.cost)),
            ("conversions", number(record, products.conversions)),
            ("revenue", number(record, products.revenue)),
        ]);
        Some(happened(row))
    })
}

/// The names of the same products. One that is promoted by a single campaign belongs to it; charges for sales name no campaign.
pub fn offers(records: Vec<Json>) -> Vec<Json> {
    let mut known = HashSet::new();
    found(records, |record| {
        let products = PRODUCTS.iter().find(|products| products.has(record))?;
        let id = named(products.kind, record.get(products.sku));
        if !known.insert(plain(&id)) {
            return Some(None);
        }
        let campaigns = record.get("salesCampaignIds").map(plain).unwrap_or_default();
        let campaigns = campaigns.trim();
        let single = !campaigns.is_empty() && campaigns.bytes().all(|byte| byte.is_ascii_digit());
        let parent =
            if single && products.kind == "boost" { Json::from(format!("boost:{campaigns}")) } else { Json::Null };
        let name = record.get("offerName").cloned().unwrap_or_default();
        Some(Some(row([("id", id), ("campaign", parent), ("name", name)])))
    })
}

/// What was spent, for a first look.
pub fn spent(records: Vec<Json>) -> Vec<Json> {
    let told = |day: Json| {
        let known = day.get("id").is_some_and(|id| !id.is_null());
        known.then(|| {
            let sample = row([
                ("spend", Json::from(day.get("cost").map(plain).unwrap_or_default())),
                ("last_data", day.get("date").cloned().unwrap_or_default()),
            ]);
            row([("syncdeck", row([("sample", sample)]))])
        })
    };
    campaign_days(records).into_iter().filter_map(told).collect()
}

impl Sheet {
    fn has(&self, record: &Json) -> bool {
        is_of(record, self.report) && record.get(self.id).is_some() && record.get(self.others).is_none()
    }
}

impl Products {
    fn has(&self, record: &Json) -> bool {
        is_of(record, self.report) && record.get(self.sku).is_some()
    }
}

fn is_of(record: &Json, report: &str) -> bool {
    record.get("report").and_then(Json::as_str) == Some(report)
}

fn is_charge(record: &Json) -> bool {
    is_of(record, "united-marketplace-services") && record.get(CHARGE).is_some()
}

/// What `made` makes of each record of a report: a row, nothing, or that it is of a sheet that is not read (`None`). A report of which
/// nothing is understood leaves its records as they are: they have no id and are put aside, where a person sees them.
fn found(records: Vec<Json>, mut made: impl FnMut(&Json) -> Option<Option<Json>>) -> Vec<Json> {
    let (mut rows, mut others, mut understood) = (Vec::new(), Vec::new(), false);
    for record in records {
        match made(&record) {
            Some(row) => {
                understood = true;
                rows.extend(row);
            }
            None if is_of_known_sheet(&record) || is_wrapping(&record) => {}
            None => others.push(record),
        }
    }
    if understood { rows } else { others }
}

/// Whether it is a row of a sheet that is known and not read for this stream.
fn is_of_known_sheet(record: &Json) -> bool {
    let secondary = |sheet: &Sheet| is_of(record, sheet.report) && record.get(sheet.others).is_some();
    SHEETS.iter().any(|sheet| sheet.has(record) || secondary(sheet))
        || PRODUCTS.iter().any(|products| products.has(record))
        // Services of Market besides promotion, of which there are a dozen sheets.
        || (is_of(record, "united-marketplace-services") && record.get("businessId").is_some())
}

/// Whether it is no row but what holds the rows of a sheet.
fn is_wrapping(record: &Json) -> bool {
    let members = record.as_object().into_iter().flat_map(Map::iter);
    members.filter(|(name, _)| !OURS.contains(&name.as_str())).all(|(_, value)| value.is_array())
}

/// Charges for sales by store and day. A row is one product of an order.
#[derive(Default)]
struct Charges(BTreeMap<(String, String), [Tally; 3]>);

/// A sum so far.
enum Tally {
    Known(Micros),
    /// Something that is no number: what it makes of the day is not known, and the mapping says so.
    Broken(Json),
}

impl Default for Tally {
    fn default() -> Self {
        Self::Known(Micros::ZERO)
    }
}

impl Tally {
    fn add(&mut self, more: Result<Micros, Json>) {
        if let Self::Known(sum) = self {
            match more {
                Ok(more) => *sum += more,
                Err(value) => *self = Self::Broken(value),
            }
        }
    }

    fn told(self) -> Json {
        match self {
            Self::Known(sum) => Json::from(sum.to_string()),
            Self::Broken(value) => value,
        }
    }
}

impl Charges {
    fn add(&mut self, charge: &Json) {
        let key = (plain(&named("sales", charge.get("partnerId"))), plain(&day(charge.get("serviceDate"))));
        let [cost, conversions, revenue] = self.0.entry(key).or_default();
        cost.add(amount(charge, "prepaid"));
        cost.add(amount(charge, CHARGE));
        conversions.add(amount(charge, "count"));
        let items = charge.get("count").and_then(Json::as_i64).unwrap_or_default();
        let price = amount(charge, "price");
        revenue
            .add(price.and_then(|Micros(price)| price.checked_mul(items).map(Micros).ok_or(Json::from("too large"))));
    }

    fn days(self) -> impl Iterator<Item = Json> {
        self.0.into_iter().map(|((id, date), [cost, conversions, revenue])| {
            row([
                ("id", Json::from(id)),
                ("date", Json::from(date)),
                ("cost", cost.told()),
                ("conversions", conversions.told()),
                ("revenue", revenue.told()),
            ])
        })
    }
}

/// A number of a charge; nothing is zero, as the empty cell of a table is.
fn amount(charge: &Json, name: &str) -> Result<Micros, Json> {
    let parsed = match charge.get(name) {
        Some(Json::Null) => return Ok(Micros::ZERO),
        Some(Json::Number(number)) => Micros::parse(&number.to_string()),
        Some(Json::String(text)) => Micros::parse(text.trim()),
        other => return Err(other.cloned().unwrap_or_else(absent)),
    };
    parsed.map_err(|_| charge.get(name).cloned().unwrap_or_default())
}

/// A number of a row; nothing is zero there, too.
fn number(record: &Json, name: &str) -> Json {
    match record.get(name) {
        Some(Json::Null) => Json::from(0),
        Some(value) => value.clone(),
        None => absent(),
    }
}

/// What stands for a column that is not there any more: no number, so that the row is put aside instead of being taken for unknown.
fn absent() -> Json {
    Json::from("no such column")
}

/// An id with its kind in front; null when there is none.
fn named(kind: &str, id: Option<&Json>) -> Json {
    match id.map(plain).filter(|id| !id.trim().is_empty()) {
        Some(id) => Json::from(format!("{kind}:{}", id.trim())),
        None => Json::Null,
    }
}

/// A day as reports write it: `2025-05-01`, also with a time behind it, or `01.05.2025`.
fn day(value: Option<&Json>) -> Json {
    let Some(text) = value.and_then(Json::as_str).map(str::trim) else { return value.cloned().unwrap_or_default() };
    let date = text.get(..10).unwrap_or(text);
    match (date.get(0..2), date.get(2..3), date.get(3..5), date.get(5..6), date.get(6..10)) {
        (Some(day), Some("."), Some(month), Some("."), Some(year)) => Json::from(format!("{year}-{month}-{day}")),
        _ => Json::from(date),
    }
}

/// A row on which something happened.
fn happened(row: Json) -> Option<Json> {
    let nothing = ["impressions", "clicks", "cost", "conversions", "revenue"].iter().all(|name| {
        let value = row.get(*name).map(plain).unwrap_or_default();
        Micros::parse(value.trim()) == Ok(Micros::ZERO)
    });
    (!nothing).then_some(row)
}

fn row<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(Map::from_iter(members.map(|(name, value)| (name.to_owned(), value))))
}

/// A number or a text without its quotes; nothing for null.
fn plain(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use manifest::json;

    #[test]
    fn a_report_is_understood_by_its_columns() {
        let boost = |more: Json| {
            let mut row = json!({"report": "shows-boost", "day": "2026-05-01", "shows": 30, "clicks": null, "orderedCount": 3,
                "orderedAmount": 2000.5});
            if let (Some(row), Json::Object(more)) = (row.as_object_mut(), more) {
                row.extend(more.iter().map(|(name, value)| (name.to_string(), value.clone())));
            }
            row
        };
        let campaign =
            boost(json!({"date": "01.05.2026", "saleCampaignId": 20, "saleCampaignName": "Весна", "realCost": 200}));
        let product =
            boost(json!({"offerId": " SKU-1 ", "offerName": "Чайник", "cost": 180, "salesCampaignIds": "20"}));
        let wrapping = json!({"report": "shows-boost", "day": "2026-05-01", "rows": []});
        let all = || vec![campaign.clone(), product.clone(), wrapping.clone()];
        let expected = |id: &str, cost: i64| {
            json!({"id": id, "date": "2026-05-01", "impressions": 30, "clicks": 0, "cost": cost, "conversions": 3,
                "revenue": 2000.5})
        };
        assert_eq!(campaign_days(all()), [expected("boost:20", 200)]);
        assert_eq!(offer_days(all()), [expected("boost:SKU-1", 180)]);
        assert_eq!(campaigns(all()), [json!({"id": "boost:20", "name": "Весна"})]);
        assert_eq!(offers(all()), [json!({"id": "boost:SKU-1", "campaign": "boost:20", "name": "Чайник"})]);
        let sample = json!({"syncdeck": {"sample": {"spend": "200", "last_data": "2026-05-01"}}});
        assert_eq!(spent(all()), [sample]);

        // Nothing of it is what it was: it is handed on and put aside, and not taken for a day without anything.
        let renamed = json!({"report": "shows-boost", "campaign": 20, "shows": 30});
        assert_eq!(campaign_days(vec![renamed.clone()]), [renamed]);
        assert!(campaign_days(vec![wrapping.clone()]).is_empty() && offer_days(vec![wrapping]).is_empty());
        let without = boost(json!({"date": "2026-05-01", "saleCampaignId": 20}));
        assert_eq!(campaign_days(vec![without])[0]["cost"], json!("no such column"));
    }

    #[test]
    fn charges_are_added_up_by_store_and_day() {
        let charge = |store: i64, day: &str, prepaid: Json, postpaid: Json, count: i64| {
            json!({"report": "united-marketplace-services", "businessId": 7, "partnerId": store, "partnerName": "Дом",
                "price": 1000.01, "count": count, "prepaid": prepaid, "postpaid": postpaid, "serviceDate": day})
        };
        let placement = json!({"report": "united-marketplace-services", "businessId": 7, "totalAmount": 5});
        let all = vec![
            charge(21, "2026-05-01", json!(10.1), json!(null), 1),
            charge(21, "2026-05-01", json!("0.2"), json!(5), 2),
            charge(22, "2026-05-02T10:00:00", json!(1), json!(0), 1),
            placement.clone(),
        ];
        let day = |id: &str, date: &str, cost: &str, conversions: &str, revenue: &str| json!({"id": id, "date": date, "cost": cost, "conversions": conversions, "revenue": revenue});
        let expected =
            [day("sales:21", "2026-05-01", "15.3", "3", "3000.03"), day("sales:22", "2026-05-02", "1", "1", "1000.01")];
        let plain: Vec<_> = campaign_days(all.clone());
        let value = |row: &Json, name: &str| Micros::parse(row[name].as_str().unwrap_or_default()).ok();
        for (row, expected) in plain.iter().zip(&expected) {
            assert_eq!((&row["id"], &row["date"]), (&expected["id"], &expected["date"]));
            for name in ["cost", "conversions", "revenue"] {
                assert_eq!(value(row, name), value(expected, name), "{name}");
            }
        }
        assert_eq!(plain.len(), expected.len());
        assert_eq!(campaigns(all)[0], json!({"id": "sales:21", "name": "Дом"}));
        assert!(campaign_days(vec![placement]).is_empty(), "other services are no promotion");
        let broken = charge(21, "2026-05-01", json!("много"), json!(1), 1);
        assert_eq!(campaign_days(vec![broken])[0]["cost"], json!("много"));
    }
}
