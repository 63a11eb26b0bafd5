//! UTM tags: what an advertiser writes into the address of a landing page, so that a counter on the site knows which ad brought a visit.
//!
//! They are kept as they stand in the address. Words in braces that a platform fills in at a click (`{campaign_id}` in Yandex Direct,
//! `{{campaign_id}}` in VK Реклама) stay as they are: only the platform knows what it put there.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use url::form_urlencoded;

/// The five tags, `None` where the address has none or an empty one
/// (<https://support.google.com/analytics/answer/10917952>, <https://yandex.ru/support/metrica/general/utm-tags.html>).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
pub struct Utm {
    /// `utm_source`: the site or platform.
    pub source: Option<String>,
    /// `utm_medium`: the kind of advertising.
    pub medium: Option<String>,
    /// `utm_campaign`: the campaign.
    pub campaign: Option<String>,
    /// `utm_content`: the ad.
    pub content: Option<String>,
    /// `utm_term`: the keyword.
    pub term: Option<String>,
}

impl Utm {
    /// The tags in an address. Of a tag that stands there twice the first counts. An address that is none has no tags.
    pub fn of(address: &str) -> Self {
        let mut found = Self::default();
        let without_fragment = address.split_once('#').map_or(address, |(before, _)| before);
        let Some((_, query)) = without_fragment.split_once('?') else { return found };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let tag = match &*name {
                "utm_source" => &mut found.source,
                "utm_medium" => &mut found.medium,
                "utm_campaign" => &mut found.campaign,
                "utm_content" => &mut found.content,
                "utm_term" => &mut found.term,
                _ => continue,
            };
            if tag.is_none() && !value.trim().is_empty() {
                *tag = Some(value.trim().to_owned());
            }
        }
        found
    }

    /// Itself, unless there is no tag at all.
    pub fn known(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_they_stand_in_the_address() {
        let utm = |tags: [&str; 5]| {
            let [source, medium, campaign, content, term] = tags.map(|tag| (!tag.is_empty()).then(|| tag.to_owned()));
            Utm { source, medium, campaign, content, term }
        };
        for (address, tags) in [
            ("https://romashka.example/?utm_source=yandex&utm_medium=cpc", ["yandex", "cpc", "", "", ""]),
            // Cyrillic as a browser writes it, a plus for a space, and a place for the platform's own number.
            (
                "https://romashka.example/p?a=1&utm_campaign=%D0%A0%D0%B5%D0%BC%D0%BE%D0%BD%D1%82&utm_content={ad_id}&utm_term=new+house",
                ["", "", "Ремонт", "{ad_id}", "new house"],
            ),
            (
                "https://xn--80aa.example/?utm_campaign={{campaign_id}}#utm_source=no",
                ["", "", "{{campaign_id}}", "", ""],
            ),
            // Twice, empty, in capitals, half an escape, no value at all.
            ("https://a.example/?utm_source=one&utm_source=two&utm_medium=&UTM_TERM=x", ["one", "", "", "", ""]),
            ("https://a.example/?utm_source=&utm_source=two", ["two", "", "", "", ""]),
            ("https://a.example/?utm_source=100%&utm_medium", ["100%", "", "", "", ""]),
            ("https://a.example/", ["", "", "", "", ""]),
            ("", ["", "", "", "", ""]),
            ("not an address", ["", "", "", "", ""]),
        ] {
            assert_eq!(Utm::of(address), utm(tags), "{address}");
            assert_eq!(Utm::of(address).known().is_none(), tags.iter().all(|tag| tag.is_empty()), "{address}");
        }
    }
}
