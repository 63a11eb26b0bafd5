//! Where tokens are kept. Access tokens of most sign-ins live as long as a run, as the format has it; rotated refresh tokens are
//! durable before they are used, and tokens of a `refresh_token_updater` lie in the configuration's own places.

use super::{lock, oauth::Refresh};
use crate::{json::Json, read::Run};
use async_trait::async_trait;
use kit::{session::Credentials, signin::TokenNames};
use model::{
    failure::Failure,
    secret::{Secret, SecretFields},
};
use std::sync::{Arc, Mutex};

/// Credentials that end with the run.
#[derive(Default)]
pub(super) struct Memory(Mutex<SecretFields>);

#[async_trait]
impl Credentials for Memory {
    async fn load(&self) -> Result<SecretFields, Failure> {
        Ok(lock(&self.0).clone())
    }
    async fn replace(&self, fields: SecretFields) -> Result<(), Failure> {
        *lock(&self.0) = fields;
        Ok(())
    }
}

/// One sign-in's view of a connection's credentials.
pub(super) struct Kept {
    real: Arc<dyn Credentials>,
    names: TokenNames,
    /// What the configuration says where the credentials say nothing.
    seeds: SecretFields,
    /// Access token and its end, when they are not kept.
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
            // Nothing but these two is ever taken from the memory, so a token from the manifest starts there.
            let own = |name: &String| *name == names.access_token || *name == names.access_expires_at;
            let first = seeds.iter().filter(|(name, _)| own(name)).map(|(name, seed)| (name.clone(), seed.clone()));
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
                fields.remove(&self.names.access_token);
                fields.remove(&self.names.access_expires_at);
                fields.extend(lock(memory).clone());
            }
        }
        Ok(fields)
    }

    async fn replace(&self, mut fields: SecretFields) -> Result<(), Failure> {
        let Some(memory) = &self.memory else { return self.real.replace(fields).await };
        let names = [&self.names.access_token, &self.names.access_expires_at];
        let tokens = names.iter().filter_map(|name| Some(((*name).clone(), fields.remove(*name)?))).collect();
        if let Some(rotated) = fields.remove(&self.names.refresh_token) {
            let mut real = self.real.load().await?;
            if real.get(&self.names.refresh_token) != Some(&rotated) {
                real.insert(self.names.refresh_token.clone(), rotated);
                self.real.replace(real).await?;
            }
        }
        *lock(memory) = tokens;
        Ok(())
    }
}

/// What stands under a dotted path.
pub(super) fn at<'a>(config: &'a Json, name: &str) -> Option<&'a Json> {
    name.split('.').try_fold(config, |place, segment| place.get(segment))
}
