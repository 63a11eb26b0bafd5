//! Secrets in templates. A template never sees a secret: it sees a placeholder, an opaque piece of text that names the field, and
//! may put it wherever the vendor wants it. [`crate::http::Http`] swaps it for the secret while it builds the wire request, and for
//! `***` whenever the request is shown to anyone.
//!
//! The delimiters are private-use characters, so a placeholder cannot be confused with a value, survives templates, JSON and form
//! maps, and is visible at once when it leaks somewhere it should not be. Encoding has to happen after the swap, therefore a second
//! pair of delimiters says "what is between here goes out in base64" (basic sign-in, the `base64encode` filter). A third pair marks
//! text that is known in clear and yet secret, such as a key that a template had to take apart. What is signed with a secret goes out as
//! its signature (the `hmac` filter).

use crate::redact::MASK;
use base64::{Engine, engine::general_purpose::STANDARD};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::{
    failure::{Code, Failure},
    secret::SecretFields,
};
use sha2::Sha256;
use zeroize::Zeroizing;

const FIELD_OPEN: char = '\u{E000}';
const FIELD_CLOSE: char = '\u{E001}';
const BASE64_OPEN: char = '\u{E002}';
const BASE64_CLOSE: char = '\u{E003}';
const GUARD_OPEN: char = '\u{E004}';
const GUARD_CLOSE: char = '\u{E005}';
const SIGNED_OPEN: char = '\u{E006}';
const SIGNED_BY: char = '\u{E007}';
const SIGNED_CLOSE: char = '\u{E008}';

/// The placeholder of the secret field `name`, the name it has in [`SecretFields`].
pub fn field(name: &str) -> String {
    format!("{FIELD_OPEN}{name}{FIELD_CLOSE}")
}

/// Text that leaves base64-encoded once the placeholders in it are swapped.
pub fn base64(text: &str) -> String {
    format!("{BASE64_OPEN}{text}{BASE64_CLOSE}")
}

/// What leaves as the HMAC-SHA256 of a text under a key, in hexadecimal digits; either may be or contain placeholders.
pub fn hmac_sha256(text: &str, key: &str) -> String {
    format!("{SIGNED_OPEN}{text}{SIGNED_BY}{key}{SIGNED_CLOSE}")
}

/// Text that goes out as it is and is treated as a secret: masked wherever it is shown, kept from hosts that may not see secrets.
pub fn guarded(text: &str) -> String {
    format!("{GUARD_OPEN}{text}{GUARD_CLOSE}")
}

/// Whether there is secret text known in clear in it.
pub(crate) fn is_guarded(text: &str) -> bool {
    text.contains(GUARD_OPEN)
}

/// The value of an `Authorization` header for basic sign-in; user and password may be or contain placeholders.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(&format!("{user}:{password}")))
}

/// Whether a placeholder is in the text.
pub fn present(text: &str) -> bool {
    text.contains([FIELD_OPEN, BASE64_OPEN, GUARD_OPEN, SIGNED_OPEN])
}

/// The text as people and logs may see it: every placeholder is `***`.
pub fn mask(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut depth = 0_usize;
    for letter in text.chars() {
        match letter {
            FIELD_OPEN | BASE64_OPEN | GUARD_OPEN | SIGNED_OPEN => {
                if depth == 0 {
                    shown.push_str(MASK);
                }
                depth += 1;
            }
            FIELD_CLOSE | BASE64_CLOSE | GUARD_CLOSE | SIGNED_CLOSE => depth = depth.saturating_sub(1),
            _ if depth == 0 => shown.push(letter),
            _ => {}
        }
    }
    shown
}

/// The text with every placeholder swapped for its secret. The result is wiped from memory when dropped.
/// Fails with `credential_missing` when the connection has no such field.
pub(crate) fn reveal(text: &str, secrets: &SecretFields) -> Result<Zeroizing<String>, Failure> {
    if !present(text) {
        return Ok(Zeroizing::new(text.to_owned()));
    }
    let mut clear = Zeroizing::new(String::with_capacity(text.len() + 64));
    let mut encoded: Option<Zeroizing<String>> = None;
    let mut rest = text;
    while let Some(at) = rest.find([
        FIELD_OPEN,
        BASE64_OPEN,
        BASE64_CLOSE,
        GUARD_OPEN,
        GUARD_CLOSE,
        SIGNED_OPEN,
        SIGNED_BY,
        SIGNED_CLOSE,
    ]) {
        let (before, from) = rest.split_at(at);
        encoded.as_mut().unwrap_or(&mut clear).push_str(before);
        let mut letters = from.chars();
        let mark = letters.next();
        rest = letters.as_str();
        match mark {
            Some(FIELD_OPEN) => {
                let (name, after) = rest.split_once(FIELD_CLOSE).ok_or_else(|| broken(text))?;
                let secret =
                    secrets.get(name).ok_or_else(|| Failure::new(Code::CredentialMissing).with("account", name))?;
                encoded.as_mut().unwrap_or(&mut clear).push_str(secret.expose());
                rest = after;
            }
            Some(BASE64_OPEN) if encoded.is_none() => encoded = Some(Zeroizing::new(String::new())),
            Some(BASE64_CLOSE) => {
                let inner = encoded.take().ok_or_else(|| broken(text))?;
                clear.push_str(&Zeroizing::new(STANDARD.encode(inner.as_bytes())));
            }
            Some(GUARD_OPEN | GUARD_CLOSE) => {}
            Some(SIGNED_OPEN) => {
                let (inner, after) = rest.split_once(SIGNED_CLOSE).ok_or_else(|| broken(text))?;
                let (signed, key) = inner.split_once(SIGNED_BY).ok_or_else(|| broken(text))?;
                let (signed, key) = (reveal(signed, secrets)?, reveal(key, secrets)?);
                let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|_| broken(text))?;
                mac.update(signed.as_bytes());
                let digits = Zeroizing::new(HEXLOWER.encode(&mac.finalize().into_bytes()));
                encoded.as_mut().unwrap_or(&mut clear).push_str(&digits);
                rest = after;
            }
            _ => return Err(broken(text)),
        }
    }
    if encoded.is_some() {
        return Err(broken(text));
    }
    clear.push_str(rest);
    Ok(clear)
}

/// A template cut a placeholder apart: the manifest asks for something that cannot be done with a secret.
fn broken(text: &str) -> Failure {
    Failure::new(Code::ManifestInvalid)
        .with("path", "secret")
        .detail(format!("a secret was cut or encoded twice by a template: {}", mask(text)))
}
