//! Where tokens are kept. Access tokens of most sign-ins live as long as a run, as the format has it; rotated refresh tokens are
//! durable before they are used, and tokens of a `refresh_token_updater` lie in the configuration's own places.

use super::{lock, oauth::Refresh};
use crate::{json::Json, read::Run};
use async_trait::async_trait;
use kit::{
    session::{Credentials, SecretChanges},
    signin::TokenNames,
};
use model::{
    failure::Failure,
    secret::{Secret, SecretFields},
};
use std::sync::{Arc, Mutex};

/// Credentials that end with the run.
#[derive(Default)]
pub(super) struct Memory {
    fields: Mutex<SecretFields>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[async_trait]
impl Credentials for Memory {
    async fn load(&self) -> Result<SecretFields, Failure> {
        Ok(lock(&self.fields).clone())
    }
    async fn change(&self, changes: SecretChanges) -> Result<(), Failure> {
        changes.apply(&mut lock(&self.fields));
        Ok(())
    }
    fn turn(&self) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(&self.turn)
    }
}

/// One sign-in's view of a connection's credentials.
pub(super) struct Kept {
    real: Arc<dyn Credentials>,
    names: TokenNames,
    /// What the configuration says where the credentials say nothing.
    seeds: SecretFields,
    /// Access token, its beginning and its end, when they are not kept.
    memory: Option<Mutex<SecretFields>>,
}

impl Kept {
    /// For tokens that end with the run.
    pub(super) fn in_memory(real: Arc<dyn Credentials>, names: TokenNames) -> Self {
        Self { real, names, seeds: SecretFields::new(), memory: Some(Mutex::default()) }
    }

    /// For tokens that are renewed.
    pub(super) fn for_oauth(real: Arc<dyn Credentials>, flow: &Refresh, run: &Run) -> Result<Self, Failure> {
        let names = flow.names();
        let mut seeds = SecretFields::new();
        for (name, text) in flow.first_tokens(&run.scope())? {
            seeds.insert(name, Secret::new(run.http.reveal(&text)?.to_string()));
        }
        let memory = (!flow.rotates()).then(|| {
            // Nothing but these is ever taken from the memory, so a token from the manifest starts there.
            let first = seeds
                .iter()
                .filter(|(name, _)| access(&names).contains(name))
                .map(|(name, seed)| (name.clone(), seed.clone()));
            Mutex::new(first.collect())
        });
        Ok(Self { real, names, seeds, memory })
    }
}

#[async_trait]
impl Credentials for Kept {
    async fn load(&self) -> Result<SecretFields, Failure> {
        let mut fields = self.real.load().await?;
        match &self.memory {
            None => {
                for (name, seed) in &self.seeds {
                    if fields.get(name).is_none_or(Secret::is_empty) {
                        fields.insert(name.clone(), seed.clone());
                    }
                }
            }
            Some(memory) => {
                fields.retain(|name, _| !access(&self.names).contains(&name));
                fields.extend(lock(memory).clone());
            }
        }
        Ok(fields)
    }

    async fn change(&self, changes: SecretChanges) -> Result<(), Failure> {
        let Some(memory) = &self.memory else { return self.real.change(changes).await };
        let (passing, mut lasting): (Vec<_>, Vec<_>) =
            changes.fields.into_iter().partition(|(name, _)| access(&self.names).contains(&name));
        // A refresh token that stays the same is no reason to open the vault.
        let kept = self.real.load().await?;
        lasting.retain(|(name, value)| kept.get(name) != value.as_ref());
        if !lasting.is_empty() {
            self.real.change(SecretChanges { fields: lasting, own: changes.own }).await?;
        }
        SecretChanges { fields: passing, own: changes.own }.apply(&mut lock(memory));
        Ok(())
    }

    fn turn(&self) -> Arc<tokio::sync::Mutex<()>> {
        self.real.turn()
    }
}

/// The names of the access token and of what belongs to it.
fn access(names: &TokenNames) -> [&String; 3] {
    [&names.access_token, &names.access_expires_at, &names.access_issued_at]
}

/// What stands under a dotted path.
pub(super) fn at<'a>(config: &'a Json, name: &str) -> Option<&'a Json> {
    name.split('.').try_fold(config, |place, segment| place.get(segment))
}
