//! Table `workspace`: the one row of settings of the whole workspace.

use crate::{
    Result, Store,
    codec::{Read, instant_code},
};
use chrono::{DateTime, Utc};
use model::{id::WorkspaceId, money::Currency};

/// Settings of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Identity; also names its entry in the keychain.
    pub id: WorkspaceId,
    /// The name people see.
    pub name: String,
    /// Currency of totals and of new clients.
    pub currency: Currency,
    /// IANA time zone of new clients and of "today".
    pub time_zone: String,
    /// Whether it is the demo.
    pub demo: bool,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

impl Store {
    /// The settings; `None` until they were first set.
    pub async fn workspace(&self) -> Result<Option<Workspace>> {
        let row = sqlx::query("SELECT id, name, currency, time_zone, demo, created_at FROM workspace")
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| {
            Ok(Workspace {
                id: row.word("id")?,
                name: row.value("name")?,
                currency: row.word("currency")?,
                time_zone: row.value("time_zone")?,
                demo: row.value("demo")?,
                created_at: row.instant("created_at")?,
            })
        })
        .transpose()
    }

    /// Sets the settings, replacing those before.
    pub async fn set_workspace(&self, workspace: &Workspace) -> Result<()> {
        self.located(async {
            let set = sqlx::query(
                "INSERT INTO workspace (one, id, name, currency, time_zone, demo, created_at) VALUES (1, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT (one) DO UPDATE SET id = excluded.id, name = excluded.name, currency = excluded.currency,
                     time_zone = excluded.time_zone, demo = excluded.demo, created_at = excluded.created_at",
            )
            .bind(workspace.id.to_string())
            .bind(&workspace.name)
            .bind(workspace.currency.as_str())
            .bind(&workspace.time_zone)
            .bind(workspace.demo)
            .bind(instant_code(workspace.created_at));
            self.execute(set).await?;
            Ok(())
        })
        .await
    }
}
