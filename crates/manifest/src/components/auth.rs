//! Authenticators (connector-format.md, section 7). How they sign is in [`crate::auth`]; here is what the document says.

use super::{
    Built, Decoder, Field, Place, RequestOption, Requester, Text,
    decoder::decoder,
    part::Part,
    request::{request_option, requester},
};
use crate::{datetime::IsoDuration, json::Json};
use std::sync::Arc;

/// How a request is signed.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Not at all.
    None,
    /// A key in a place of the author's choice.
    ApiKey {
        /// The key.
        token: Text,
        /// Where it goes.
        option: RequestOption,
    },
    /// `Authorization: Bearer`.
    Bearer(Text),
    /// `Authorization: Basic`.
    Basic {
        /// User.
        user: Text,
        /// Password.
        password: Option<Text>,
    },
    /// A token that is handed out for a refresh token or for the client's own key.
    OAuth(Arc<OAuth>),
    /// A token that a login request brings.
    Session(Arc<SessionLogin>),
    /// The same in its older form.
    LegacySession(Arc<LegacySession>),
    /// A token that we sign.
    Jwt(Arc<Jwt>),
    /// One of several, picked by a value of the configuration.
    Selective {
        /// Where the value stands.
        path: Vec<String>,
        /// By value.
        choices: Vec<(String, Auth)>,
    },
    /// Brought by the connector in Rust (`metadata.syncdeck.sign_in: native`).
    Native,
}

/// `OAuthAuthenticator`.
#[derive(Debug, Clone)]
pub struct OAuth {
    /// Where tokens are handed out; absent: [`OAuth::access_token`] is all there is.
    pub endpoint: Option<Text>,
    /// Name and value of the client's id.
    pub client_id: (Text, Option<Text>),
    /// Name and value of the client's secret.
    pub client_secret: (Text, Option<Text>),
    /// Name and value of the refresh token. The name is also that of the new one in the answer.
    pub refresh_token: (Text, Option<Text>),
    /// Name and value of the grant type.
    pub grant_type: (Text, Text),
    /// The rights asked for.
    pub scopes: Vec<String>,
    /// More fields of the request; those above go before them.
    pub body: Field,
    /// Headers of the request.
    pub headers: Field,
    /// Whether the fields go into the query, and the body stays empty.
    pub in_query: bool,
    /// Name of the access token in the answer.
    pub access_token_name: Text,
    /// Name of its lifetime in the answer.
    pub expires_in_name: Text,
    /// Set when the lifetime is an instant and not a number of seconds.
    pub expiry_format: Option<String>,
    /// A token from elsewhere.
    pub access_token: Option<Text>,
    /// When that one ends.
    pub access_token_ends: Option<Text>,
    /// Which answers mean that the person has to sign in again.
    pub refusal: Refusal,
    /// Where rotated tokens are kept in the configuration.
    pub updater: Option<Updater>,
    /// What is shown instead of a refresh token when `use_profile_assertion` holds.
    pub assertion: Option<(Text, Arc<Jwt>)>,
    /// Which authenticators are the same: this one as JSON.
    pub identity: String,
}

/// Answers of a token endpoint that mean "sign in again".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Their statuses.
    pub codes: Vec<u16>,
    /// The key of the body to look at.
    pub key: String,
    /// What stands there.
    pub values: Vec<String>,
}

/// `refresh_token_updater`: refresh tokens that are good for one use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updater {
    /// Name of the new refresh token in the answer.
    pub refresh_token_name: String,
    /// Place of the access token in the configuration.
    pub access_token: Vec<String>,
    /// Place of the refresh token.
    pub refresh_token: Vec<String>,
    /// Place of the access token's end.
    pub ends: Vec<String>,
}

/// `SessionTokenAuthenticator`.
#[derive(Debug, Clone)]
pub struct SessionLogin {
    /// Logs in.
    pub requester: Requester,
    /// Reads the answer.
    pub decoder: Decoder,
    /// Where the token stands in it.
    pub token_path: Vec<String>,
    /// How long it is good; absent: for one request.
    pub life: Option<IsoDuration>,
    /// How it is shown; absent: as a bearer token.
    pub shown: Option<(Text, RequestOption)>,
    /// Which authenticators are the same.
    pub identity: String,
}

/// `LegacySessionTokenAuthenticator`.
#[derive(Debug, Clone)]
pub struct LegacySession {
    /// The requester's base address; the two addresses below are appended to it as they are.
    pub base: Text,
    /// The header that shows the token.
    pub header: Text,
    /// A token the person has.
    pub token: Option<Text>,
    /// Where it is tried.
    pub validate: Text,
    /// Where a new one is asked for.
    pub login: Text,
    /// With what.
    pub user: Option<Text>,
    /// With what.
    pub password: Option<Text>,
    /// The answer's key.
    pub response_key: Text,
    /// Which authenticators are the same.
    pub identity: String,
}

/// `JwtAuthenticator`.
#[derive(Debug, Clone)]
pub struct Jwt {
    /// The key: text, or a private key in PEM.
    pub key: Text,
    /// Whether the key is the base64 form of that text.
    pub base64_key: Option<Text>,
    /// What the private key lies under.
    pub passphrase: Option<Text>,
    /// How it is signed.
    pub algorithm: crate::auth::Algorithm,
    /// How long a token is good, in seconds.
    pub duration: i64,
    /// In front of the token, such as `Bearer`.
    pub prefix: Option<Text>,
    /// `kid`, `typ`, `cty`: those the document names.
    pub headers: Vec<(&'static str, Text)>,
    /// More of them.
    pub more_headers: Field,
    /// `iss`, `sub`, `aud`: those the document names.
    pub payload: Vec<(&'static str, Text)>,
    /// More of them.
    pub more_payload: Field,
    /// Where the token goes.
    pub option: RequestOption,
    /// Which authenticators are the same.
    pub identity: String,
}

impl Auth {
    /// The header it sets, as far as the document tells, for finding clashes.
    pub(super) fn header(&self) -> Option<String> {
        let named = |option: &RequestOption| {
            let name = option.path.first().filter(|_| option.place == Place::Header)?;
            Some(name.template().source().to_ascii_lowercase())
        };
        match self {
            Self::Bearer(_) | Self::Basic { .. } | Self::OAuth(_) => Some("authorization".to_owned()),
            Self::ApiKey { option, .. } => named(option),
            Self::Session(login) => match &login.shown {
                None => Some("authorization".to_owned()),
                Some((_, option)) => named(option),
            },
            Self::LegacySession(session) => Some(session.header.template().source().to_ascii_lowercase()),
            Self::Jwt(jwt) => named(&jwt.option),
            Self::None | Self::Selective { .. } | Self::Native => None,
        }
    }
}

/// `base` is that of the requester it signs for.
pub(super) fn authenticator(part: &Part<'_>, base: &Text) -> Built<Auth> {
    Ok(match part.kind()? {
        "NoAuth" => Auth::None,
        "BearerAuthenticator" => Auth::Bearer(part.need_text("api_token")?),
        "BasicHttpAuthenticator" => Auth::Basic { user: part.need_text("username")?, password: part.text("password")? },
        "ApiKeyAuthenticator" => Auth::ApiKey {
            token: part.text("api_token")?.map_or_else(|| part.compile("api_token", ""), Ok)?,
            option: match (part.get("inject_into"), part.text("header")?) {
                (Some(_), _) => request_option(&part.child("inject_into")?)?,
                (None, Some(header)) => RequestOption { place: Place::Header, path: vec![header] },
                (None, None) => return Err(part.invalid("inject_into", "missing; the place of the key was expected")),
            },
        },
        "OAuthAuthenticator" => Auth::OAuth(Arc::new(oauth(part)?)),
        "SessionTokenAuthenticator" => Auth::Session(Arc::new(session(part)?)),
        "LegacySessionTokenAuthenticator" => Auth::LegacySession(Arc::new(LegacySession {
            base: base.clone(),
            header: part.need_text("header")?,
            token: part.text("session_token")?,
            validate: part.need_text("validate_session_url")?,
            login: part.need_text("login_url")?,
            user: part.text("username")?,
            password: part.text("password")?,
            response_key: part.need_text("session_token_response_key")?,
            identity: format!("{}{}", base.template().source(), identity(part)),
        })),
        "JwtAuthenticator" => Auth::Jwt(Arc::new(jwt(part)?)),
        "SelectiveAuthenticator" => {
            let Some(choices) = part.need("authenticators")?.as_object() else {
                return Err(part.invalid("authenticators", "a map of authenticators was expected"));
            };
            let mut built = Vec::new();
            for (name, choice) in choices.iter().filter(|(name, _)| *name != "$parameters") {
                let choice = Part::new(choice, &part.at(&format!("authenticators/{name}")))?;
                built.push((name.to_string(), authenticator(&choice, base)?));
            }
            Auth::Selective { path: path_of(part, "authenticator_selection_path")?, choices: built }
        }
        _ => return Err(part.unsupported(part.name())),
    })
}

fn identity(part: &Part<'_>) -> String {
    Json::Object(part.map.clone()).to_string()
}

/// A path whose segments are taken as they are.
fn path_of(part: &Part<'_>, field: &str) -> Built<Vec<String>> {
    Ok(part.texts(field)?.iter().map(|text| text.template().source().to_owned()).collect())
}

fn named(part: &Part<'_>, field: &str, default: &str) -> Built<Text> {
    part.text(field)?.map_or_else(|| part.compile(field, default), Ok)
}

fn map(part: &Part<'_>, field: &str) -> Built<Field> {
    let found = part.field(field)?.unwrap_or_else(|| Field::Map(Vec::new()));
    if matches!(found, Field::Map(_) | Field::Text(_)) {
        Ok(found)
    } else {
        Err(part.invalid(field, "a map was expected"))
    }
}

fn oauth(part: &Part<'_>) -> Built<OAuth> {
    let assertion = match (part.get("profile_assertion"), part.text("use_profile_assertion")?) {
        (Some(_), Some(used)) => Some((used, Arc::new(jwt(&part.child("profile_assertion")?)?))),
        (None, Some(used)) if !matches!(used.template().source(), "False" | "false" | "") => {
            return Err(part.invalid("profile_assertion", "missing; use_profile_assertion needs it"));
        }
        _ => None,
    };
    let updater = match part.get("refresh_token_updater") {
        None => None,
        Some(_) => Some(updater(&part.child("refresh_token_updater")?)?),
    };
    let refusal = match part.get("refresh_token_updater") {
        // The older place of the same three fields.
        Some(_) if part.get("refresh_token_error_key").is_none() => refusal(&part.child("refresh_token_updater")?)?,
        _ => refusal(part)?,
    };
    let built = OAuth {
        endpoint: part.text("token_refresh_endpoint")?,
        client_id: (named(part, "client_id_name", "client_id")?, part.text("client_id")?),
        client_secret: (named(part, "client_secret_name", "client_secret")?, part.text("client_secret")?),
        refresh_token: (named(part, "refresh_token_name", "refresh_token")?, part.text("refresh_token")?),
        grant_type: (named(part, "grant_type_name", "grant_type")?, named(part, "grant_type", "refresh_token")?),
        scopes: part.texts("scopes")?.iter().map(|text| text.template().source().to_owned()).collect(),
        body: map(part, "refresh_request_body")?,
        headers: map(part, "refresh_request_headers")?,
        in_query: part.flag("send_refresh_request_as_query_params")?,
        access_token_name: named(part, "access_token_name", "access_token")?,
        expires_in_name: named(part, "expires_in_name", "expires_in")?,
        expiry_format: part.plain("token_expiry_date_format")?,
        access_token: part.text("access_token_value")?,
        access_token_ends: part.text("token_expiry_date")?,
        refusal,
        updater,
        assertion,
        identity: identity(part),
    };
    if built.endpoint.is_none() && built.access_token.is_none() {
        return Err(part.invalid("token_refresh_endpoint", "missing; the address that hands out tokens was expected"));
    }
    let by_refresh_token = built.endpoint.is_some() && built.assertion.is_none() && built.updater.is_none();
    if by_refresh_token && built.refresh_token.1.is_none() && built.grant_type.1.template().source() == "refresh_token"
    {
        return Err(part.invalid("refresh_token", "missing; the grant type refresh_token needs it"));
    }
    Ok(built)
}

fn updater(part: &Part<'_>) -> Built<Updater> {
    let path = |field: &str, default: &str| match path_of(part, field)? {
        empty if empty.is_empty() => Ok(vec!["credentials".to_owned(), default.to_owned()]),
        path => Built::Ok(path),
    };
    Ok(Updater {
        refresh_token_name: part.plain("refresh_token_name")?.unwrap_or_else(|| "refresh_token".to_owned()),
        access_token: path("access_token_config_path", "access_token")?,
        refresh_token: path("refresh_token_config_path", "refresh_token")?,
        ends: path("token_expiry_date_config_path", "token_expiry_date")?,
    })
}

fn refusal(part: &Part<'_>) -> Built<Refusal> {
    let mut codes = Vec::new();
    for code in part.get("refresh_token_error_status_codes").and_then(Json::as_array).into_iter().flatten() {
        let code = code.as_u64().and_then(|code| u16::try_from(code).ok());
        codes.push(code.ok_or_else(|| part.invalid("refresh_token_error_status_codes", "statuses were expected"))?);
    }
    let (key, values) = (part.plain("refresh_token_error_key")?, path_of(part, "refresh_token_error_values")?);
    Ok(match key.filter(|key| !key.is_empty()) {
        Some(key) if !codes.is_empty() && !values.is_empty() => Refusal { codes, key, values },
        _ => Refusal {
            codes: vec![400],
            key: "error".to_owned(),
            values: vec!["invalid_grant".to_owned(), "invalid_permissions".to_owned()],
        },
    })
}

fn session(part: &Part<'_>) -> Built<SessionLogin> {
    let life = match part.plain("expiration_duration")? {
        None => None,
        Some(text) => {
            Some(IsoDuration::parse(&text).map_err(|error| part.invalid("expiration_duration", error.to_string()))?)
        }
    };
    let shown = part.child("request_authentication")?;
    let shown = match shown.kind()? {
        "Bearer" => None,
        "ApiKey" => {
            let shown = shown.known_as("SessionTokenRequestApiKeyAuthenticator");
            let token = named(&shown, "api_token", "{{ session_token }}")?;
            Some((token, request_option(&shown.child("inject_into")?)?))
        }
        other => return Err(shown.invalid("type", format!("{other:?} is not Bearer or ApiKey"))),
    };
    Ok(SessionLogin {
        requester: requester(&part.child("login_requester")?)?,
        decoder: match part.get("decoder") {
            None => Decoder::Json,
            Some(_) => decoder(&part.child("decoder")?)?,
        },
        token_path: path_of(part, "session_token_path")?,
        life,
        shown,
        identity: identity(part),
    })
}

fn jwt(part: &Part<'_>) -> Built<Jwt> {
    let algorithm = part.plain("algorithm")?.unwrap_or_default();
    let algorithm = crate::auth::Algorithm::named(&algorithm)
        .ok_or_else(|| part.invalid("algorithm", format!("{algorithm:?} is not an algorithm of the format")))?;
    let headers = match part.get("jwt_headers") {
        None => Vec::new(),
        Some(_) => texts(&part.child("jwt_headers")?, &["kid", "typ", "cty"])?,
    };
    let payload = match part.get("jwt_payload") {
        None => Vec::new(),
        Some(_) => texts(&part.child("jwt_payload")?, &["iss", "sub", "aud"])?,
    };
    let more = |field: &str, reserved: &[&str]| {
        let found = map(part, field)?;
        if let Field::Map(fields) = &found
            && let Some((name, _)) = fields.iter().find(|(name, _)| reserved.contains(&name.template().source()))
        {
            return Err(part.invalid(field, format!("{} is set in another place", name.template().source())));
        }
        Ok(found)
    };
    Ok(Jwt {
        key: part.need_text("secret_key")?,
        base64_key: part.text("base64_encode_secret_key")?,
        passphrase: part.text("passphrase")?,
        algorithm,
        duration: match part.get("token_duration") {
            None => 1200,
            Some(secs) => {
                secs.as_i64().ok_or_else(|| part.invalid("token_duration", "a number of seconds was expected"))?
            }
        },
        prefix: part.text("header_prefix")?,
        headers,
        more_headers: more("additional_jwt_headers", &["kid", "alg", "typ", "cty"])?,
        payload,
        more_payload: more("additional_jwt_payload", &["iss", "sub", "aud", "iat", "exp", "nbf"])?,
        option: match part.get("request_option") {
            Some(_) => request_option(&part.child("request_option")?)?,
            None => {
                RequestOption { place: Place::Header, path: vec![part.compile("request_option", "Authorization")?] }
            }
        },
        identity: identity(part),
    })
}

fn texts(part: &Part<'_>, names: &[&'static str]) -> Built<Vec<(&'static str, Text)>> {
    let mut found = Vec::new();
    for name in names {
        if let Some(text) = part.text(name)? {
            found.push((*name, text));
        }
    }
    Ok(found)
}
