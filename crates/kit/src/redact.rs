//! Nothing secret leaves in a log, an error or on a screen. Three nets, one behind the other: placeholders are masked before a secret is
//! ever put in; names that sound like a secret have their values masked; and the exact secrets of the connection, once used, are
//! searched for in their plain, percent-encoded and base64 forms, because vendors like to quote a request back in their errors.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use model::secret::Secret;
use regex::Regex;
use std::{
    borrow::Cow,
    fmt,
    sync::{LazyLock, PoisonError, RwLock},
};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

/// What stands where a secret stood.
pub const MASK: &str = "***";

/// Words that make a name secret when they are one of its parts (`api_key`, `X-Auth-Token`, `clientSecret`).
const SECRET_WORDS: [&str; 22] = [
    "apikey",
    "apitoken",
    "accesstoken",
    "assertion",
    "auth",
    "authorization",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "key",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "session",
    "sig",
    "sign",
    "signature",
    "token",
];

/// Whether a query parameter, header or field of this name carries a secret, by its sound.
pub fn sounds_secret(name: &str) -> bool {
    // The authorization code of OAuth is as good as a token for an hour, yet "code" is part of many harmless names.
    if name.eq_ignore_ascii_case("code") {
        return true;
    }
    let mut word = String::new();
    let mut previous_lower = false;
    for letter in name.chars().chain(['_']) {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && previous_lower) {
            if SECRET_WORDS.contains(&word.as_str()) {
                return true;
            }
            word.clear();
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
        previous_lower = letter.is_lowercase();
    }
    false
}

/// Masks. One per connection, shared by everything that speaks for it; it learns secrets as they are used.
#[derive(Default)]
pub struct Redactor {
    literals: RwLock<Vec<Zeroizing<String>>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// Shorter values are not searched for: they would mask half of every text, and are no secrets.
    const SHORTEST: usize = 4;

    /// Learns a secret: from now on its plain, percent-encoded, JSON-escaped and base64 forms are masked.
    pub fn learn(&self, secret: &Secret) {
        self.learn_text(secret.expose());
    }

    pub(crate) fn learn_text(&self, text: &str) {
        let text = text.trim();
        if text.len() < Self::SHORTEST {
            return;
        }
        let mut literals = self.literals.write().unwrap_or_else(PoisonError::into_inner);
        if literals.iter().any(|known| known.as_str() == text) {
            return;
        }
        let form: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let mut forms = vec![
            text.to_owned(),
            form.replace('+', "%20"),
            form.to_lowercase(),
            form,
            STANDARD.encode(text),
            STANDARD_NO_PAD.encode(text),
            URL_SAFE.encode(text),
            URL_SAFE_NO_PAD.encode(text),
        ];
        if let Ok(json) = serde_json::to_string(text) {
            forms.push(json.trim_matches('"').to_owned());
        }
        literals.extend(forms.into_iter().map(Zeroizing::new));
        // Longest first, so that the padded form goes before the unpadded one leaves its `=` standing.
        literals.sort_by_key(|form| std::cmp::Reverse(form.len()));
        literals.dedup();
    }

    /// An address for the log: no user info, no secret query values, no known secret in its path.
    pub fn url(&self, url: &str) -> String {
        let masked = crate::placeholder::mask(url);
        let Ok(mut parsed) = Url::parse(&masked) else { return self.literals(&masked).into_owned() };
        // Only addresses that cannot have user info refuse this.
        let _ = parsed.set_password(None);
        let _ = parsed.set_username("");
        let query = parsed.query().map(|_| {
            let pairs = parsed.query_pairs().map(|(name, value)| {
                let value = if sounds_secret(&name) { Cow::Borrowed(MASK) } else { value };
                let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                format!("{}={}", encode(&name), encode(&value))
            });
            pairs.collect::<Vec<_>>().join("&")
        });
        parsed.set_query(query.as_deref());
        self.literals(parsed.as_str()).into_owned()
    }

    /// Free text, such as a vendor's message or a body for the log.
    pub fn text(&self, text: &str) -> String {
        let masked = crate::placeholder::mask(text);
        let masked = self.literals(&masked);
        let masked = SCHEMES.replace_all(&masked, "$1 ***");
        let masked = QUOTED.replace_all(&masked, r#"$1"***""#);
        UNQUOTED.replace_all(&masked, "$1$2***").into_owned()
    }

    /// A header's value for the log.
    pub fn header(&self, name: &str, value: &str) -> String {
        if sounds_secret(name) { MASK.to_owned() } else { self.text(value) }
    }

    fn literals<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let literals = self.literals.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = Cow::Borrowed(text);
        for literal in literals.iter() {
            if text.contains(literal.as_str()) {
                text = Cow::Owned(text.replace(literal.as_str(), MASK));
            }
        }
        text
    }
}

/// The path of an address, without host and query: what a failure names as missing.
pub fn path_of(url: &str) -> String {
    Url::parse(url).map_or_else(|_| String::new(), |url| url.path().to_owned())
}

static SCHEMES: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9\-._~+/]{6,}=*"));

/// `"access_token": "..."`, escaped quotes (a body quoted inside a body) included.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(\\?"[a-z0-9_\-]*(?:token|secret|passw|api_?key|signature|authorization|assertion|credential|cookie)[a-z0-9_\-]*\\?"\s*:\s*)\\?"[^"]*""#,
    )
});

/// `token=...` of forms and queries. A colon in prose ("token: expired") is left alone unless something long follows.
static UNQUOTED: LazyLock<Regex> = LazyLock::new(|| {
    const NAME: &str = r"\b[a-z0-9_\-]*(?:token|secret|passw(?:or)?d|api_?key|signature|assertion)";
    const VALUE: &str = r#"[^\s&,;"'<>}*]"#;
    pattern(&format!(r"(?i)({NAME}=){VALUE}+|({NAME}\s*:\s*){VALUE}{{16,}}"))
});

fn pattern(text: &str) -> Regex {
    #[expect(clippy::expect_used, reason = "the three patterns above are literals and a test uses each")]
    Regex::new(text).expect("a valid pattern")
}
