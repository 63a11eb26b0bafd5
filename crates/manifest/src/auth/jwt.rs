//! `JwtAuthenticator`: tokens that we sign with the person's own key (RFC 7519).
//!
//! Signing is computing with a secret, so this is the one place where templates see the configuration in the clear: keys come out of a
//! service account's JSON by way of `json_loads`. Nothing but the signed token leaves. The library is the one under our TLS; it signs
//! by every algorithm the format names, which the usual token libraries do not (ES512, ES256K).

use super::oauth::invalid;
use crate::{
    components::{Jwt, Text},
    json::{Json, Map},
    template::{Allowed, Scope, Value},
    wire::{WireError, nested},
};
use aws_lc_rs::{
    hmac, rand,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RSA_PKCS1_SHA256,
        RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use kit::{http::Http, placeholder};
use model::{
    failure::{Code, Failure},
    secret::Secret,
};
use zeroize::Zeroizing;

/// How a token is signed, by the names of RFC 7518 and 8037.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Algorithm(&'static str);

impl Algorithm {
    /// All that the format names.
    const ALL: [&'static str; 14] = [
        "HS256", "HS384", "HS512", "ES256", "ES256K", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384",
        "PS512", "EdDSA",
    ];

    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|known| **known == name).map(|known| Self(known))
    }

    fn kind(self) -> Kind {
        match self.0 {
            "HS384" => Kind::Hmac(hmac::HMAC_SHA384),
            "HS512" => Kind::Hmac(hmac::HMAC_SHA512),
            "ES256" => Kind::Curve(&ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES256K" => Kind::Curve(&ECDSA_P256K1_SHA256_FIXED_SIGNING),
            "ES384" => Kind::Curve(&ECDSA_P384_SHA384_FIXED_SIGNING),
            "ES512" => Kind::Curve(&ECDSA_P521_SHA512_FIXED_SIGNING),
            "RS256" => Kind::Rsa(&RSA_PKCS1_SHA256),
            "RS384" => Kind::Rsa(&RSA_PKCS1_SHA384),
            "RS512" => Kind::Rsa(&RSA_PKCS1_SHA512),
            "PS256" => Kind::Rsa(&RSA_PSS_SHA256),
            "PS384" => Kind::Rsa(&RSA_PSS_SHA384),
            "PS512" => Kind::Rsa(&RSA_PSS_SHA512),
            "EdDSA" => Kind::Edwards,
            _ => Kind::Hmac(hmac::HMAC_SHA256),
        }
    }
}

enum Kind {
    Hmac(hmac::Algorithm),
    Curve(&'static EcdsaSigningAlgorithm),
    Rsa(&'static dyn RsaEncoding),
    Edwards,
}

/// A token for now, with its prefix. Secrets in `config` are placeholders that `http` knows.
pub(super) fn signed(jwt: &Jwt, config: &Json, http: &Http) -> Result<Zeroizing<String>, Failure> {
    let clear = revealed(config, http)?;
    let now = http.clock().now();
    let scope = Scope::new(now).with("config", Value::from_json(&clear)).with_json_loads();
    let (claims, key) = claims(jwt, &scope, now.timestamp()).map_err(|error| {
        // What went wrong in a template may quote what it saw.
        invalid(&WireError::new(error.field, http.redactor().text(&error.message)))
    })?;
    http.redactor().learn(&Secret::new(key.text.as_str()));
    let signature = key.sign(jwt.algorithm, claims.as_bytes()).map_err(|what| {
        Failure::new(Code::SettingInvalid)
            .with("field", "secret_key")
            .detail(format!("the token cannot be signed: {what}"))
    })?;
    let token = format!("{claims}.{}", URL_SAFE_NO_PAD.encode(signature));
    Ok(Zeroizing::new(if key.prefix.is_empty() { token } else { format!("{} {token}", key.prefix) }))
}

/// The configuration with its secrets in place.
fn revealed(config: &Json, http: &Http) -> Result<Json, Failure> {
    Ok(match config {
        Json::String(text) if placeholder::present(text) => Json::from(http.reveal(text)?.as_str()),
        Json::Array(items) => Json::Array(items.iter().map(|item| revealed(item, http)).collect::<Result<_, _>>()?),
        Json::Object(map) => {
            let each = map.iter().map(|(name, item)| Ok((name.clone(), revealed(item, http)?)));
            Json::Object(each.collect::<Result<_, Failure>>()?)
        }
        other => other.clone(),
    })
}

/// What signs.
struct Key {
    text: Zeroizing<String>,
    passphrase: Zeroizing<String>,
    prefix: String,
}

/// Header and payload as they are signed, and the key. Their bytes are those that the reference signs for the same claims.
fn claims(jwt: &Jwt, scope: &Scope<'_>, now: i64) -> Result<(String, Key), WireError> {
    // Keys and names are text, whatever they look like.
    let text = |text: &Text, field: &'static str| super::secret(text, scope, field);
    let optional =
        |found: &Option<Text>, field| found.as_ref().map_or_else(|| Ok(String::new()), |found| text(found, field));
    let more = |field| match nested(field, scope)? {
        Some(Json::Object(map)) => Ok(map),
        None => Ok(Map::new()),
        Some(_) => Err(WireError::new("authenticator.additional_jwt_payload", "a map was expected")),
    };
    let mut header = more(&jwt.more_headers)?;
    header.insert("alg", Json::from(jwt.algorithm.0));
    header.insert("typ", Json::from("JWT"));
    for (name, value) in &jwt.headers {
        let value = text(value, "authenticator.jwt_headers")?;
        if value.is_empty() {
            header.remove(*name);
        } else {
            header.insert(*name, Json::from(value));
        }
    }
    let mut payload = more(&jwt.more_payload)?;
    for (name, value) in &jwt.payload {
        // An audience may be a list; the other two are text.
        let allowed = if *name == "aud" { Allowed::Lists } else { Allowed::Text };
        let value = value.typed(scope, allowed).map_err(WireError::template("authenticator.jwt_payload"))?;
        payload.insert(*name, value.to_json());
    }
    payload.insert("iat", Json::from(now));
    payload.insert("exp", Json::from(now + jwt.duration));
    payload.insert("nbf", Json::from(now));
    let mut header: Vec<_> = header.into_iter().collect();
    header.sort_by(|(a, _), (b, _)| a.cmp(b));
    let part = |map| URL_SAFE_NO_PAD.encode(ascii(&Json::Object(map).to_string()));
    let mut key = Zeroizing::new(text(&jwt.key, "authenticator.secret_key")?);
    let passphrase = Zeroizing::new(optional(&jwt.passphrase, "authenticator.passphrase")?);
    let wrapped = match &jwt.base64_key {
        Some(flag) => flag.condition(scope).map_err(WireError::template("authenticator.base64_encode_secret_key"))?,
        None => false,
    };
    if wrapped && passphrase.is_empty() {
        key = Zeroizing::new(STANDARD.encode(key.as_bytes()));
    }
    let prefix = optional(&jwt.prefix, "authenticator.header_prefix")?;
    Ok((format!("{}.{}", part(header.into_iter().collect()), part(payload)), Key { text: key, passphrase, prefix }))
}

/// JSON in ASCII, as Python writes it.
fn ascii(json: &str) -> String {
    let escaped = json.encode_utf16().map(|unit| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
        _ => format!("\\u{unit:04x}"),
    });
    escaped.collect()
}

impl Key {
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, String> {
        let unfit = |_| format!("the key does not fit {}", algorithm.0);
        let random = rand::SystemRandom::new();
        match algorithm.kind() {
            Kind::Hmac(kind) => {
                let key = hmac::Key::new(kind, self.text.as_bytes());
                Ok(hmac::sign(&key, message).as_ref().to_vec())
            }
            Kind::Curve(curve) => {
                let der = self.private_key()?;
                let key = EcdsaKeyPair::from_private_key_der(curve, der.bytes()).map_err(unfit)?;
                Ok(key.sign(&random, message).map_err(|_| "the library refused".to_owned())?.as_ref().to_vec())
            }
            Kind::Rsa(encoding) => {
                let key = match self.private_key()? {
                    PrivateKey::Pkcs1(der) => RsaKeyPair::from_der(&der),
                    PrivateKey::Pkcs8(der) | PrivateKey::Sec1(der) => RsaKeyPair::from_pkcs8(&der),
                }
                .map_err(unfit)?;
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(encoding, &random, message, &mut signature).map_err(|_| "the library refused".to_owned())?;
                Ok(signature)
            }
            Kind::Edwards => {
                let der = self.private_key()?;
                let key = Ed25519KeyPair::from_pkcs8(der.bytes()).map_err(unfit)?;
                Ok(key.sign(message).as_ref().to_vec())
            }
        }
    }

    /// The private key in the PEM text. Line breaks may have been lost on the way through a form, or be written as `\n`.
    fn private_key(&self) -> Result<PrivateKey, String> {
        let text = Zeroizing::new(self.text.replace("\\n", "\n"));
        let begin = text.find("-----BEGIN ").ok_or("the key is not in PEM (-----BEGIN PRIVATE KEY-----)")?;
        let rest = &text[begin + "-----BEGIN ".len()..];
        let (label, rest) = rest.split_once("-----").ok_or("the PEM text ends too early")?;
        let (body, _) = rest.split_once("-----END").ok_or("the PEM text ends too early")?;
        if body.contains("Proc-Type") {
            return Err(
                "this old form of passphrase is not supported; convert the key with `openssl pkcs8 -topk8`".to_owned()
            );
        }
        let body: Zeroizing<String> = Zeroizing::new(body.chars().filter(|letter| !letter.is_whitespace()).collect());
        let der = Zeroizing::new(STANDARD.decode(body.as_bytes()).map_err(|_| "the PEM text is not base64")?);
        Ok(match label {
            "ENCRYPTED PRIVATE KEY" => {
                let locked =
                    pkcs8::EncryptedPrivateKeyInfoRef::try_from(&der[..]).map_err(|_| "the PEM text is broken")?;
                let open =
                    locked.decrypt(self.passphrase.as_bytes()).map_err(|_| "the passphrase does not open the key")?;
                PrivateKey::Pkcs8(Zeroizing::new(open.as_bytes().to_vec()))
            }
            "PRIVATE KEY" => PrivateKey::Pkcs8(der),
            "RSA PRIVATE KEY" => PrivateKey::Pkcs1(der),
            "EC PRIVATE KEY" => PrivateKey::Sec1(der),
            other => return Err(format!("{other} is not a private key")),
        })
    }
}

/// A private key, by how it is written.
enum PrivateKey {
    Pkcs8(Zeroizing<Vec<u8>>),
    Pkcs1(Zeroizing<Vec<u8>>),
    Sec1(Zeroizing<Vec<u8>>),
}

impl PrivateKey {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Pkcs8(der) | Self::Pkcs1(der) | Self::Sec1(der) => der,
        }
    }
}
