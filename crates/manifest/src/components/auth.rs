//! Authenticators (connector-format.md, section 7).

use super::{Built, Place, RequestOption, Text, part::Part, request::request_option};

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

pub(super) fn authenticator(part: &Part<'_>) -> Built<Auth> {
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
        "SelectiveAuthenticator" => {
            let Some(choices) = part.need("authenticators")?.as_object() else {
                return Err(part.invalid("authenticators", "a map of authenticators was expected"));
            };
            let mut built = Vec::new();
            for (name, choice) in choices.iter().filter(|(name, _)| *name != "$parameters") {
                built.push((
                    name.to_string(),
                    authenticator(&Part::new(choice, &part.at(&format!("authenticators/{name}")))?)?,
                ));
            }
            let path = part.texts("authenticator_selection_path")?;
            Auth::Selective {
                path: path.iter().map(|text| text.template().source().to_owned()).collect(),
                choices: built,
            }
        }
        _ => return Err(part.unsupported(part.name())),
    })
}
