//! Articles (publications) and covers (previews) out of the campaigns that contain them.
//!
//! `{"id", "publications": [{"id", "isDisabled", "isDeleted", "previews": [{"id", "title", ...}]}]}`. An article may be in several campaigns,
//! each with figures of its own, so it goes by `<campaign>:<article>`, and a cover by `<campaign>:<cover>`. An article has no title: it goes
//! by its first cover's.

use manifest::json::{Json, Map};

/// The articles of some campaigns.
pub fn articles(campaigns: Vec<Json>) -> Vec<Json> {
    each(campaigns, |campaign| {
        listed(campaign, "publications").map(|all| all.iter().map(|article| article_of(campaign, article)).collect())
    })
}

/// The covers of some campaigns' articles.
pub fn covers(campaigns: Vec<Json>) -> Vec<Json> {
    each(campaigns, |campaign| {
        let mut rows = Vec::new();
        for article in listed(campaign, "publications")? {
            let parent = joined(campaign, article);
            rows.extend(listed(article, "previews")?.iter().map(|cover| {
                let name = cover.get("title").and_then(Json::as_str);
                object(joined(campaign, cover), ("article", parent.clone()), name, cover)
            }));
        }
        Some(rows)
    })
}

/// What is in each campaign. One that is not what was documented stays as it stands, has no key and is put aside.
fn each(campaigns: Vec<Json>, inside: impl Fn(&Json) -> Option<Vec<Json>>) -> Vec<Json> {
    campaigns.into_iter().flat_map(|campaign| inside(&campaign).unwrap_or_else(|| vec![campaign])).collect()
}

/// A list of things inside of another one; none is as good as an empty one.
fn listed<'a>(of: &'a Json, name: &str) -> Option<&'a [Json]> {
    match of.get(name) {
        None | Some(Json::Null) => Some(&[]),
        Some(list) => list.as_array().map(Vec::as_slice),
    }
}

fn article_of(campaign: &Json, article: &Json) -> Json {
    let first = listed(article, "previews").and_then(<[Json]>::first);
    let name = first.and_then(|cover| cover.get("title")?.as_str()).or_else(|| article.get("id")?.as_str());
    let parent = campaign.get("id").and_then(Json::as_str).map(str::to_owned);
    object(joined(campaign, article), ("campaign", parent), name, article)
}

/// The key of something in a campaign; without an id on either side there is none.
fn joined(campaign: &Json, thing: &Json) -> Option<String> {
    let id = |of: &Json| of.get("id").and_then(Json::as_str).filter(|id| !id.is_empty()).map(str::to_owned);
    Some(format!("{}:{}", id(campaign)?, id(thing)?))
}

fn object(key: Option<String>, parent: (&str, Option<String>), name: Option<&str>, thing: &Json) -> Json {
    let is = |mark: &str| thing.get(mark).and_then(Json::as_bool) == Some(true);
    let state = if is("isDeleted") {
        "deleted"
    } else if is("isDisabled") {
        "disabled"
    } else {
        "shown"
    };
    let mut map = Map::new();
    for (member, value) in [("key", key), (parent.0, parent.1), ("name", name.map(str::to_owned))] {
        if let Some(value) = value {
            map.insert(member, Json::from(value));
        }
    }
    map.insert("state", Json::from(state));
    Json::Object(map)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    fn rows(take: fn(Vec<Json>) -> Vec<Json>, campaign: &str) -> String {
        let rows = take(vec![Json::parse(campaign).unwrap()]);
        rows.iter().map(|row| row.general().to_string()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_in_a_campaign_goes_by_its_campaign_too() {
        let campaign = r#"{"id":"c","publications":[
            {"id":"a","isDisabled":true,"previews":[{"id":"p","title":"Как выбрать шины"},{"id":"q","isDeleted":true}]},
            {"id":"b","isDeleted":true,"isDisabled":true,"previews":null}]}"#;
        assert_eq!(
            rows(articles, campaign),
            "{\"key\":\"c:a\",\"campaign\":\"c\",\"name\":\"Как выбрать шины\",\"state\":\"disabled\"}\n\
             {\"key\":\"c:b\",\"campaign\":\"c\",\"name\":\"b\",\"state\":\"deleted\"}"
        );
        assert_eq!(
            rows(covers, campaign),
            "{\"key\":\"c:p\",\"article\":\"c:a\",\"name\":\"Как выбрать шины\",\"state\":\"shown\"}\n\
             {\"key\":\"c:q\",\"article\":\"c:a\",\"state\":\"deleted\"}"
        );
    }

    #[test]
    fn what_is_not_understood_is_put_aside_and_nothing_is_nothing() {
        for empty in [r#"{"id":"c"}"#, r#"{"id":"c","publications":null}"#, r#"{"id":"c","publications":[]}"#] {
            assert_eq!(rows(articles, empty), "");
            assert_eq!(rows(covers, empty), "");
        }
        let odd = r#"{"id":"c","publications":{"a":1}}"#;
        assert_eq!(rows(articles, odd), odd);
        let nameless = r#"{"id":"c","publications":[{"previews":[{"title":"t"}]}]}"#;
        assert!(!rows(covers, nameless).contains("key"));
    }
}
