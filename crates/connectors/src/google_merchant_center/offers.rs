//! Offers out of products. A product is an offer in a language and for a country, and figures are told by offer alone; so is its name.

use manifest::json::{Json, Map};

/// The offers of a page, sorted by the platform, each once: that of its first product, allowed to be shown where any of them is.
pub fn once(products: Vec<Json>) -> Vec<Json> {
    let mut offers: Vec<Json> = Vec::new();
    for product in products {
        let (offer, status) = (word(&product, "offerId"), word(&product, STATUS));
        match offers.last_mut() {
            Some(last) if !offer.is_empty() && word(last, "offerId") == offer => {
                if rank(&status) < rank(&word(last, STATUS))
                    && let Some(view) = last.get_mut(VIEW).and_then(Json::as_object_mut)
                {
                    view.insert(STATUS, Json::from(status));
                }
            }
            _ => offers.push(product),
        }
    }
    offers
}

const VIEW: &str = "productView";
const STATUS: &str = "aggregatedReportingContextStatus";

/// The better, the lower.
fn rank(status: &str) -> usize {
    let known = ["ELIGIBLE", "ELIGIBLE_LIMITED", "PENDING", "NOT_ELIGIBLE_OR_DISAPPROVED"];
    known.iter().position(|word| *word == status).unwrap_or(known.len())
}

fn word(product: &Json, name: &str) -> String {
    let view: Option<&Map> = product.get(VIEW).and_then(Json::as_object);
    view.and_then(|view| view.get(name)?.as_str()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{once, word};
    use manifest::json;

    #[test]
    fn an_offer_in_several_feeds_is_one_and_as_good_as_its_best() {
        let product = |offer: &str, status: &str| {
            let view = serde_json::json!({"offerId": offer, "aggregatedReportingContextStatus": status});
            json!({"productView": view})
        };
        let offers = once(vec![
            product("a", "NOT_ELIGIBLE_OR_DISAPPROVED"),
            product("a", "ELIGIBLE"),
            product("a", "PENDING"),
            product("b", "PENDING"),
            json!({"productView": {}}),
            json!({"productView": {}}),
        ]);
        let told: Vec<_> = offers
            .iter()
            .map(|it| format!("{} {}", word(it, "offerId"), word(it, "aggregatedReportingContextStatus")))
            .collect();
        // What has no number is left to be put aside, each by itself.
        assert_eq!(told, ["a ELIGIBLE", "b PENDING", " ", " "]);
    }
}
