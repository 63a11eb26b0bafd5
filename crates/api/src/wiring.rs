//! Joins the rooms: gives a source its session. Credentials come from the vault (for a connection) or from memory (for a sign-in being
//! tested), requests go through one set of budgets for the whole process.

use crate::{
    registry::Registry,
    sign_ins::{SignIns, VaultCredentials},
};
use async_trait::async_trait;
use kit::{
    budget::{BudgetSnapshot, Budgets},
    clock::Clock,
    http::{Exits, Http, HttpOptions},
    observe::Observer,
    session::{Credentials, Session},
    source::Source,
};
use model::{
    connection::Connection,
    failure::{Code, Failure},
};
use serde_json::{Map, Value};
use std::{sync::Arc, time::Duration};
use store::{Store, request_budgets::RequestBudget};
use sync::engine::Wiring;
use tokio_util::sync::CancellationToken;
use vault::credential::Vault;

/// The joints of one open workspace.
pub(crate) struct Wires {
    registry: Registry,
    store: Store,
    pub(crate) sign_ins: Arc<SignIns>,
    budgets: Budgets,
    exits: Exits,
    /// As they lie in the database.
    kept_budgets: tokio::sync::Mutex<Vec<BudgetSnapshot>>,
    wire: Wire,
    clock: Arc<dyn Clock>,
}

/// How this computer reaches platforms.
pub(crate) struct Wire {
    /// Address prefixes and what stands in for them.
    pub(crate) url_map: Vec<(String, String)>,
    /// Longest silence.
    pub(crate) silence: Duration,
}

/// Whose budget an account's requests count for.
fn budget_key(registry: &Registry, connector: &str, account: &str) -> String {
    match registry.get(connector) {
        Some(source) if source.descriptor().shared_limits => format!("{connector}/*"),
        _ => format!("{connector}/{account}"),
    }
}

/// What a session is about: for the account's budget, and for the words of its failures.
pub(crate) struct Named<'a> {
    pub(crate) connector: &'a str,
    /// The vendor's id.
    pub(crate) account: &'a str,
    pub(crate) account_name: &'a str,
}

impl Wires {
    pub(crate) fn new(registry: Registry, store: Store, vault: Arc<Vault>, wire: Wire, clock: Arc<dyn Clock>) -> Self {
        let (budgets, exits, kept_budgets) = (Budgets::default(), Exits::default(), tokio::sync::Mutex::default());
        let sign_ins = SignIns::new(store.clone(), vault, Arc::clone(&clock));
        Self { registry, store, sign_ins, budgets, exits, kept_budgets, wire, clock }
    }

    /// Takes up the request budgets of earlier starts. What cannot be read is left: platforms say again how much is left.
    pub(crate) async fn restore_budgets(&self) -> Result<(), Failure> {
        let kept = self.store.request_budgets().await?;
        let kept: Vec<BudgetSnapshot> =
            kept.into_iter().filter_map(|budget| serde_json::from_value(budget.state).ok()).collect();
        *self.kept_budgets.lock().await = kept.clone();
        self.budgets.restore(kept);
        Ok(())
    }

    /// Keeps the request budgets that have changed since they were last kept, through the handle of the program on duty.
    pub(crate) async fn keep_budgets(&self, duty: &Store) -> Result<(), Failure> {
        let mut kept = self.kept_budgets.lock().await;
        let known = self.budgets.snapshot();
        let mut changed = Vec::new();
        for budget in known.iter().filter(|budget| !kept.contains(budget)) {
            let state = serde_json::to_value(budget)
                .map_err(|error| Failure::new(Code::Internal).detail("a budget is not JSON").caused_by(error))?;
            changed.push(RequestBudget { account: budget.account.clone(), state });
        }
        if !changed.is_empty() {
            duty.save_request_budgets(&changed, self.clock.now()).await?;
        }
        *kept = known;
        Ok(())
    }

    /// What is known of the budget that a connection's requests count for.
    pub(crate) fn budget_of(&self, connection: &Connection) -> Option<BudgetSnapshot> {
        let key = budget_key(&self.registry, &connection.connector, &connection.account_external_id);
        self.budgets.snapshot().into_iter().find(|known| known.account == key)
    }

    /// Which application and account a connection's requests count for: the platform's id of the account, under its connector.
    pub(crate) fn open(
        &self,
        of: &Named<'_>,
        config: Map<String, Value>,
        credentials: Arc<dyn Credentials>,
        observer: Arc<dyn Observer>,
        cancel: CancellationToken,
    ) -> Result<Session, Failure> {
        let options = HttpOptions {
            budget_key: budget_key(&self.registry, of.connector, of.account),
            budgets: self.budgets.clone(),
            exits: self.exits.clone(),
            observer,
            clock: Arc::clone(&self.clock),
            url_map: self.wire.url_map.clone(),
            read_timeout: self.wire.silence,
            ..HttpOptions::new(of.connector, of.account_name)
        };
        Ok(Session {
            config: Arc::new(config),
            credentials,
            http: Http::new(options)?,
            clock: Arc::clone(&self.clock),
            cancel,
        })
    }

    /// The credentials of a connection.
    pub(crate) async fn vaulted(&self, connection: &Connection) -> Result<Arc<VaultCredentials>, Failure> {
        self.sign_ins.credentials(connection.client_id, connection.id).await.map_err(|failure| {
            if failure.code == Code::CredentialMissing {
                failure.with("system", &connection.connector).with("account", &connection.account_name)
            } else {
                failure
            }
        })
    }

    pub(crate) fn url_map(&self) -> &[(String, String)] {
        &self.wire.url_map
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}

#[async_trait]
impl Wiring for Wires {
    fn source(&self, connector: &str) -> Option<Arc<dyn Source>> {
        self.registry.get(connector)
    }

    async fn take_over(&self) -> Result<(), Failure> {
        self.restore_budgets().await
    }

    async fn session(
        &self,
        connection: &Connection,
        observer: Arc<dyn Observer>,
        cancel: CancellationToken,
    ) -> Result<Session, Failure> {
        let credentials = self.vaulted(connection).await?;
        self.sign_ins.note_used(connection.id).await?;
        let imported = self.source(&connection.connector).is_some_and(|source| {
            // A copy of a connector of ours is read like the original.
            source.descriptor().category == "imported"
        });
        let config = session_config(connection, imported);
        let of = Named {
            connector: &connection.connector,
            account: &connection.account_external_id,
            account_name: &connection.account_name,
        };
        self.open(&of, config, credentials, observer, cancel)
    }

    async fn signed_out(&self, connection: &Connection, failure: &Failure) -> Result<(), Failure> {
        let Some(source) = self.source(&connection.connector) else { return Ok(()) };
        match self.sign_ins.clear_dead(connection, &*source, failure).await {
            // Nothing is left to take away.
            Err(failure) if matches!(failure.code, Code::CredentialMissing | Code::SealBroken) => Ok(()),
            outcome => outcome,
        }
    }
}

/// The settings a source sees: the form's answers, and what the person declared of currency and VAT. An imported connector's form may
/// have fields of these names, so for it ours stand apart.
fn session_config(connection: &Connection, imported: bool) -> Map<String, Value> {
    let mut config = connection.config.clone();
    let vat = serde_json::to_value(connection.settings.vat).unwrap_or(Value::Null);
    let own = [("currency", connection.currency.as_str().into()), ("vat", vat)];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    if imported {
        config.insert(manifest::imported::OWN_SETTINGS.to_owned(), Value::Object(own.collect()));
    } else {
        config.extend(own);
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_an_accounts_own_unless_the_platform_counts_them_together() {
        let registry = Registry::new();
        let same = |system: &str| budget_key(&registry, system, "1") == budget_key(&registry, system, "2");
        assert!(!same("vk_ads") && same("tiktok_ads"));
    }
}
