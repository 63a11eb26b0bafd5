//! A product of the engine on its simulator: what the tests of the products share.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use crate::trial::{self, Shown, Trial};
use kit::{battery, session::Session, source::Source};
use model::{ad::Level, date::DateRange};
use serde_json::{Value, json};
use simulators::{
    vk_ads::{Key, Running, Scenario},
    world,
};

pub use crate::trial::read;

/// A product as its tests know it.
pub struct Product {
    /// Its connector's id.
    pub id: &'static str,
    /// The address that the simulator stands in for.
    pub host: &'static str,
    /// Starts its simulator.
    pub start: fn(Scenario) -> Running,
}

/// A simulator and a way to open sessions over it.
pub struct Desk {
    /// The sessions.
    pub trial: Trial,
    /// The simulator.
    pub platform: Running,
    /// The key that sessions sign in with.
    pub key: Key,
}

impl Desk {
    /// With the key of an agency or of an advertiser.
    pub fn open(product: &Product, agency: bool, change: impl FnOnce(&mut Scenario)) -> Self {
        let today = chrono::Utc::now().date_naive();
        let mut scenario = Scenario::small(today);
        // Every session here signs in anew, which a program must not do; the limit itself is tested with the sign-in.
        scenario.tokens.per_user = 1_000;
        change(&mut scenario);
        let platform = (product.start)(scenario);
        let own = |key: &Key| key.cabinets[0].id == key.owner_id;
        let key = platform.keys().into_iter().find(|key| own(key) != agency).unwrap();
        let (config, secrets) = (json!({"client_id": key.client_id}), [("client_secret", key.client_secret.as_str())]);
        let trial = Trial { today, ..Trial::new(product.id, (product.host, &platform.base_url), &config, &secrets) };
        Self { trial, platform, key }
    }

    /// A session over the simulator with these settings besides.
    pub fn session(&self, more: &Value) -> Session {
        self.trial.session(more)
    }

    /// So many days up to the simulated one.
    pub fn range(&self, days: u64) -> DateRange {
        self.trial.range(days)
    }
}

/// Runs the battery over a product with an advertiser's key; `streams` are its statistics and their levels. Answers what went wrong.
pub async fn battery(source: &dyn Source, product: &Product, streams: &[(&str, world::Level, Level)]) -> Vec<String> {
    let desk = Desk::open(product, false, |_| {});
    let cabinet = desk.key.cabinets[0].id;
    let days = desk.range(40);
    let platform = desk.platform.truth();
    let mut truth =
        battery::Truth { accounts: [cabinet.to_string()].into(), days: Some(days), ..battery::Truth::default() };
    for &(stream, of, level) in streams {
        let mut rows = Vec::new();
        for id in platform.objects(of, cabinet).unwrap() {
            for day in days.days() {
                rows.push(trial::row(level, id.to_string(), day, platform.object(of, id, day, day).unwrap()));
            }
        }
        truth.stats.insert(stream.to_owned(), rows);
    }
    let bench = trial::Bench {
        trial: desk.trial.clone(),
        faults: desk.platform.faults(),
        reports: "statistics",
        shows: &|fault| match fault {
            // The simulator has no account without rights and no resource that was taken away.
            battery::Fault::Forbidden | battery::Fault::Gone => Shown::Never,
            _ => Shown::Usual,
        },
        planted: &|| desk.platform.token_secrets(),
    };
    battery::run(source, &bench, &truth, desk.trial.today).await
}
