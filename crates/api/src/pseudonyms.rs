//! Names of people and businesses, taken out of a text that leaves the computer. Each gets a stable word in its place, such as `client-1`, so
//! that whoever reads the text can still tell two of them apart. What is unknown but has the form of something private (an address, a
//! path of a home folder, a long number, whatever stands in quotes) is masked by its form.

use regex::{Captures, Regex, RegexBuilder};
use std::collections::BTreeMap;
use url::Url;

/// Names shorter than this would be found in the middle of ordinary words.
const SHORTEST: usize = 3;
/// Names of this length are found within longer words too.
const LONG: usize = 7;

/// The names of one workspace and what stands in for them.
pub(crate) struct Pseudonyms {
    /// By the name in small letters.
    known: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, u32>,
    /// Hosts that everybody may know: those of the platforms that this build reads.
    public_hosts: Vec<String>,
    names: Option<Regex>,
    forms: Forms,
}

struct Forms {
    address: Option<Regex>,
    mail: Option<Regex>,
    home: Option<Regex>,
    quoted: Option<Regex>,
    number: Option<Regex>,
}

impl Pseudonyms {
    pub(crate) fn new(public_hosts: Vec<String>) -> Self {
        // These are ours and valid; were one not, what it would mask is hidden as a whole, see `text`.
        let form = |pattern: &str| Regex::new(pattern).ok();
        Self {
            known: BTreeMap::new(),
            counts: BTreeMap::new(),
            public_hosts,
            names: None,
            forms: Forms {
                address: form(r#"(?i)https?://[^\s"'<>«»]+"#),
                mail: form(r"[^\s@<>()\[\],;:]+@[^\s@<>()\[\],;:]+\.[^\s@<>()\[\],;:.]+"),
                home: form(r"(?i)(?:/home/|/users/|[a-z]:\\users\\)[^\s/\\]+"),
                quoted: form(r#""[^"]*"|«[^»]*»|“[^”]*”|'[^']*'|`[^`]*`"#),
                number: form(r"\d{5,}"),
            },
        }
    }

    /// The word for a name; the same name has the same word.
    pub(crate) fn of(&mut self, kind: &'static str, name: &str) -> String {
        let small = name.trim().to_lowercase();
        if let Some(known) = self.known.get(&small) {
            return known.clone();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let word = format!("{kind}-{count}");
        self.known.insert(small, word.clone());
        self.names = None;
        word
    }

    /// A text of which nothing is known, with everything private in it replaced.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let forms = [&self.forms.address, &self.forms.mail, &self.forms.home, &self.forms.quoted, &self.forms.number];
        let [Some(address), Some(mail), Some(home), Some(quoted), Some(number)] = forms.map(Option::clone) else {
            return "***".to_owned();
        };
        let text = address.replace_all(text, |found: &Captures<'_>| self.address(&found[0])).into_owned();
        let text = mail.replace_all(&text, |found: &Captures<'_>| self.of("email", &found[0])).into_owned();
        let text = home.replace_all(&text, "~").into_owned();
        let text = self.known_names(&text);
        let text = quoted.replace_all(&text, "\"…\"").into_owned();
        number.replace_all(&text, "#").into_owned()
    }

    /// An address with its path, without what its parameters say.
    pub(crate) fn address(&mut self, address: &str) -> String {
        let Ok(url) = Url::parse(address) else { return "***".to_owned() };
        let host = url.host_str().unwrap_or_default().to_lowercase();
        let public = self.public_hosts.iter().any(|known| *known == host || host.ends_with(&format!(".{known}")));
        let host = if public { host } else { self.of("host", &host) };
        let path = self.known_names(url.path());
        let path: Vec<String> = path
            .split('/')
            .map(|part| {
                // Words of an interface are short and plain; what else stands in a path are ids and names.
                let plain =
                    part.len() <= 40 && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
                if plain && part.bytes().filter(u8::is_ascii_digit).count() < 5 {
                    part.to_owned()
                } else {
                    "*".to_owned()
                }
            })
            .collect();
        let mut shown = format!("{}://{host}{}", url.scheme(), path.join("/"));
        for (place, (name, _)) in url.query_pairs().enumerate() {
            shown.push(if place == 0 { '?' } else { '&' });
            shown.push_str(&self.known_names(&name));
            shown.push_str("=*");
        }
        shown
    }

    /// Names that are known, wherever they stand.
    pub(crate) fn known_names(&mut self, text: &str) -> String {
        if self.names.is_none() {
            let mut names: Vec<&String> = self.known.keys().filter(|name| name.chars().count() >= SHORTEST).collect();
            names.sort_by_key(|name| std::cmp::Reverse(name.len()));
            let pattern: Vec<String> = names.into_iter().map(|name| in_words(name)).collect();
            if pattern.is_empty() {
                return text.to_owned();
            }
            let built = RegexBuilder::new(&pattern.join("|")).case_insensitive(true).size_limit(256 << 20).build();
            let Ok(built) = built else { return "***".to_owned() };
            self.names = Some(built);
        }
        let Some(names) = &self.names else { return "***".to_owned() };
        let word = |found: &Captures<'_>| {
            self.known.get(&found[0].to_lowercase()).cloned().unwrap_or_else(|| "***".to_owned())
        };
        names.replace_all(text, word).into_owned()
    }
}

/// A pattern that finds a name; a short one only as a word of its own.
fn in_words(name: &str) -> String {
    let escaped = regex::escape(name);
    if name.chars().count() >= LONG { escaped } else { format!(r"\b{escaped}\b") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_is_replaced_and_what_helps_stays() {
        let mut names = Pseudonyms::new(vec!["ads.vk.com".to_owned()]);
        assert_eq!(names.of("client", "Кофейни Север"), "client-1");
        assert_eq!(names.of("client", " кофейни север "), "client-1");
        assert_eq!(names.of("account", "Кофейни Север, Пермь"), "account-1");
        for (text, expected) in [
            ("401 for КОФЕЙНИ СЕВЕР", "401 for client-1"),
            ("Кофейни Север, Пермь: expired_token", "account-1: expired_token"),
            ("write to anna@klient.example", "write to email-1"),
            ("again anna@klient.example.", "again email-1."),
            ("the value \"Распродажа\" of spent is no number", "the value \"…\" of spent is no number"),
            ("no room in /home/anna/.local/share", "no room in ~/.local/share"),
            (r"C:\Users\Анна\AppData is full", r"~\AppData is full"),
            ("user 17668 called +79011234567", "user # called +#"),
            ("2026-11-20: 503 after 300 ms", "2026-11-20: 503 after 300 ms"),
            (
                "GET https://ads.vk.com/api/v2/statistics/banners/day.json?id=1,2&date_from=2026-11-01 failed",
                "GET https://ads.vk.com/api/v2/statistics/banners/day.json?id=*&date_from=* failed",
            ),
            ("https://shop-romashka.example/orders/8812345/anna", "https://host-1/orders/*/anna"),
        ] {
            assert_eq!(names.text(text), expected, "{text}");
        }
    }
}
