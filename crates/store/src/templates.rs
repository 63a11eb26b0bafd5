//! Table `templates`: settings with a name, and the writes that give them to connections. What is given was planned before and shown to a
//! person; it is written whole or, when anything it was planned with has changed since, not at all.

use crate::{
    Result, Store, StoreError,
    codec::{Read, instant_code, json},
    connections::{self, write_settings},
};
use model::{
    id::TemplateId,
    template::{Planned, Template},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

fn read(row: &SqliteRow) -> Result<Template> {
    Ok(Template {
        id: row.word("id")?,
        connector: row.value("connector")?,
        name: row.value("name")?,
        settings: row.json("settings")?,
        created_at: row.instant("created_at")?,
    })
}

async fn one(executor: &mut SqliteConnection, id: TemplateId) -> Result<Template> {
    let row = sqlx::query("SELECT * FROM templates WHERE id = ?").bind(id.to_string()).fetch_optional(executor).await?;
    read(&row.ok_or(StoreError::NotFound { what: "template" })?)
}

/// Writes what was planned for connections that are still what it was planned for.
async fn give(transaction: &mut SqliteConnection, planned: &[Planned]) -> Result<()> {
    for planned in planned {
        let now = connections::one(&mut *transaction, planned.before.id).await?;
        if now.settings != planned.before.settings || now.follows != planned.before.follows {
            return Err(StoreError::Changed { what: "connection" });
        }
        write_settings(&mut *transaction, &planned.after).await?;
    }
    Ok(())
}

impl Store {
    /// All templates, by their names.
    pub async fn templates(&self) -> Result<Vec<Template>> {
        let rows = sqlx::query("SELECT * FROM templates ORDER BY connector, name, id").fetch_all(&self.readers).await?;
        rows.iter().map(read).collect()
    }

    /// One template, or `NotFound`.
    pub async fn template(&self, id: TemplateId) -> Result<Template> {
        one(&mut *self.readers.acquire().await?, id).await
    }

    /// Keeps a new template and gives it to its first connections. A name that the system has already is a `Conflict`.
    pub async fn insert_template(&self, template: &Template, planned: &[Planned]) -> Result<()> {
        let settings = json(&template.settings)?;
        self.located(async {
            let mut transaction = self.begin().await?;
            sqlx::query("INSERT INTO templates (id, connector, name, settings, created_at) VALUES (?, ?, ?, ?, ?)")
                .bind(template.id.to_string())
                .bind(&template.connector)
                .bind(&template.name)
                .bind(settings)
                .bind(instant_code(template.created_at))
                .execute(&mut *transaction)
                .await
                .map_err(|error| StoreError::from(error).or_conflict("template"))?;
            give(&mut transaction, planned).await?;
            transaction.commit().await
        })
        .await
    }

    /// Changes the name and the settings of a template. Its connections keep what they have until it is given to them.
    pub async fn update_template(&self, template: &Template) -> Result<()> {
        let change = sqlx::query("UPDATE templates SET name = ?, settings = ? WHERE id = ?")
            .bind(&template.name)
            .bind(json(&template.settings)?)
            .bind(template.id.to_string());
        self.located(async {
            match self.execute(change).await.map_err(|error| error.or_conflict("template"))? {
                0 => Err(StoreError::NotFound { what: "template" }),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Gives a template to connections, all of them in one transaction. `Changed` when the template or one of them is not what was planned
    /// with any more.
    pub async fn give_template(&self, template: &Template, planned: &[Planned]) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            if one(&mut transaction, template.id).await?.settings != template.settings {
                return Err(StoreError::Changed { what: "template" });
            }
            give(&mut transaction, planned).await?;
            transaction.commit().await
        })
        .await
    }

    /// Deletes a template. Its connections keep their settings and follow nothing.
    pub async fn delete_template(&self, id: TemplateId) -> Result<()> {
        self.located(async {
            let mut transaction = self.begin().await?;
            sqlx::query("UPDATE connections SET template = NULL, overrides = '[]' WHERE template = ?")
                .bind(id.to_string())
                .execute(&mut *transaction)
                .await?;
            let done = sqlx::query("DELETE FROM templates WHERE id = ?")
                .bind(id.to_string())
                .execute(&mut *transaction)
                .await?;
            if done.rows_affected() == 0 {
                return Err(StoreError::NotFound { what: "template" });
            }
            transaction.commit().await
        })
        .await
    }
}
