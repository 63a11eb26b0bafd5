//! Table `request_budgets`: what is known of how many requests platforms still allow, as `kit` tells it.

use crate::{
    Result, Store,
    codec::{Read, instant_code, json},
};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// The state of one budget.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestBudget {
    /// System and account.
    pub account: String,
    /// What `kit` keeps.
    pub state: Value,
}

impl Store {
    /// Keeps the state of budgets. Budgets that are not among them stay as they were.
    pub async fn save_request_budgets(&self, budgets: &[RequestBudget], at: DateTime<Utc>) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            for budget in budgets {
                sqlx::query(
                    "INSERT INTO request_budgets (account, state, saved_at) VALUES (?, ?, ?)
                     ON CONFLICT (account) DO UPDATE SET state = excluded.state, saved_at = excluded.saved_at",
                )
                .bind(&budget.account)
                .bind(json(&budget.state)?)
                .bind(instant_code(at))
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// All budgets that were kept, by account.
    pub async fn request_budgets(&self) -> Result<Vec<RequestBudget>> {
        let rows =
            sqlx::query("SELECT account, state FROM request_budgets ORDER BY account").fetch_all(&self.readers).await?;
        rows.iter().map(|row| Ok(RequestBudget { account: row.value("account")?, state: row.json("state")? })).collect()
    }
}
