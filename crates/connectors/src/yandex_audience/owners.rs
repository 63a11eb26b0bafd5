//! Whose segments an answer holds. That `ulogin` names the login whose lists are wanted stands on no public page: were it not heeded, an
//! agency's own segments would be kept as a client's.

use crate::metrica_engine::errors::EnginePolicy;
use kit::{
    http::{HttpRequest, HttpResponse},
    policy::{Attempt, Decision, Outcome, Policy},
};
use model::failure::{Code, Failure};
use serde::Deserialize;

/// Decides about answers as for Metrica, and refuses lists of segments that are somebody else's.
pub struct AudiencePolicy;

impl Policy for AudiencePolicy {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        match (EnginePolicy.decide(attempt), attempt.outcome) {
            (Decision::Success, Outcome::Response(response)) if is_of_another(attempt.request, response) => {
                Decision::Fail(response.failure(Code::VendorChanged).with("what", "ulogin"))
            }
            (decision, _) => decision,
        }
    }
    fn exhausted(&self, attempt: &Attempt<'_>) -> Failure {
        EnginePolicy.exhausted(attempt)
    }
}

#[derive(Deserialize)]
struct List {
    segments: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    owner: Option<String>,
    /// Whether it is only shown to the login.
    #[serde(default)]
    guest: bool,
}

/// Whether a list that was asked for a login has segments that others own and only they see.
fn is_of_another(request: &HttpRequest, response: &HttpResponse) -> bool {
    let asked = request.query.iter().find(|(name, _)| name == "ulogin").map(|(_, login)| plain(login));
    let Some(asked) = asked.filter(|_| request.url.ends_with("/segments")) else { return false };
    let Ok(list) = serde_json::from_slice::<List>(response.body()) else { return false };
    let own = list.segments.iter().filter(|it| !it.guest).filter_map(|it| it.owner.as_deref());
    own.map(plain).any(|owner| owner != asked)
}

/// Yandex takes logins that differ in capitals, or in points and hyphens, for the same.
fn plain(login: &str) -> String {
    login.to_lowercase().replace('.', "-")
}
