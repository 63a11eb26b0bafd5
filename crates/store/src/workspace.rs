//! Table `workspace`: the one row of settings of the whole workspace.

use crate::{
    Result, Store, StoreError,
    codec::{Read, instant_code},
};
use chrono::{DateTime, Utc};
use model::{id::WorkspaceId, money::Currency, power::BatterySaver};

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

    /// What waits on a low battery.
    pub async fn battery_saver(&self) -> Result<BatterySaver> {
        let row =
            sqlx::query("SELECT saves_battery, battery_percent FROM workspace").fetch_optional(&self.readers).await?;
        row.map_or(Ok(BatterySaver::default()), |row| {
            Ok(BatterySaver { enabled: row.value("saves_battery")?, percent: row.small("battery_percent")? })
        })
    }

    /// Changes what waits on a low battery.
    pub async fn set_battery_saver(&self, saver: BatterySaver) -> Result<()> {
        if !saver.is_sound() {
            return Err(StoreError::Misuse("a charge is a percentage above nothing"));
        }
        self.located(async {
            let set = sqlx::query("UPDATE workspace SET saves_battery = ?, battery_percent = ?");
            let changed = self.execute(set.bind(saver.enabled).bind(i64::from(saver.percent))).await?;
            if changed == 0 { Err(StoreError::NotFound { what: "workspace" }) } else { Ok(()) }
        })
        .await
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
