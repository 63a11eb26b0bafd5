//! Table `imported_connectors`: manifests that a person brought along, with what became of them. Each save is a revision of its own, so
//! that an edit which breaks a connector can be looked up and taken back.

use crate::{
    Result, Store, StoreError,
    codec::{Read, instant_code},
};
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

/// A revision of an imported connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedConnector {
    /// Its id in the catalogue; never changes.
    pub id: String,
    /// From 1; the newest counts.
    pub revision: u32,
    /// The name people see.
    pub name: String,
    /// The manifest as it was handed over.
    pub manifest: String,
    /// How its streams become our tables; empty when every stream is kept as it comes.
    pub mapping: String,
    /// The licence of the manifest, in the words of whoever brought it.
    pub licence: Option<String>,
    /// Where the manifest is from: an address or a name.
    pub origin: Option<String>,
    /// The connector of ours that this is a copy of.
    pub copy_of: Option<String>,
    /// When this revision was saved.
    pub saved_at: DateTime<Utc>,
}

/// A revision in a list, without its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Its number.
    pub revision: u32,
    /// When it was saved.
    pub saved_at: DateTime<Utc>,
}

fn read(row: &SqliteRow) -> Result<ImportedConnector> {
    Ok(ImportedConnector {
        id: row.value("id")?,
        revision: row.small("revision")?,
        name: row.value("name")?,
        manifest: row.value("manifest")?,
        mapping: row.value("mapping")?,
        licence: row.value("licence")?,
        origin: row.value("origin")?,
        copy_of: row.value("copy_of")?,
        saved_at: row.instant("saved_at")?,
    })
}

impl Store {
    /// Saves a revision. One that is there already is a `Conflict`: somebody else saved meanwhile.
    pub async fn save_imported_connector(&self, connector: &ImportedConnector) -> Result<()> {
        self.located(async {
            let save = sqlx::query(
                "INSERT INTO imported_connectors (id, revision, name, manifest, mapping, licence, origin, copy_of, saved_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(&connector.id)
            .bind(i64::from(connector.revision))
            .bind(&connector.name)
            .bind(&connector.manifest)
            .bind(&connector.mapping)
            .bind(&connector.licence)
            .bind(&connector.origin)
            .bind(&connector.copy_of)
            .bind(instant_code(connector.saved_at));
            self.execute(save).await.map_err(|error| error.or_conflict("imported_connector"))?;
            Ok(())
        })
        .await
    }

    /// The newest revision of every imported connector, by id.
    pub async fn imported_connectors(&self) -> Result<Vec<ImportedConnector>> {
        let rows = sqlx::query(
            "SELECT * FROM imported_connectors AS c
             WHERE revision = (SELECT max(revision) FROM imported_connectors AS n WHERE n.id = c.id) ORDER BY id",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }

    /// A revision of an imported connector, the newest unless one is named, or `NotFound`.
    pub async fn imported_connector(&self, id: &str, revision: Option<u32>) -> Result<ImportedConnector> {
        let row = sqlx::query(
            "SELECT * FROM imported_connectors WHERE id = ?1 AND (?2 IS NULL OR revision = ?2) ORDER BY revision DESC LIMIT 1",
        )
        .bind(id)
        .bind(revision.map(i64::from))
        .fetch_optional(&self.readers)
        .await?;
        read(&row.ok_or(StoreError::NotFound { what: "connector" })?)
    }

    /// The revisions of an imported connector, newest first.
    pub async fn connector_revisions(&self, id: &str) -> Result<Vec<Revision>> {
        let rows =
            sqlx::query("SELECT revision, saved_at FROM imported_connectors WHERE id = ? ORDER BY revision DESC")
                .bind(id)
                .fetch_all(&self.readers)
                .await?;
        rows.iter()
            .map(|row| Ok(Revision { revision: row.small("revision")?, saved_at: row.instant("saved_at")? }))
            .collect()
    }

    /// Deletes an imported connector with its revisions. One with connections stays: returns how many it has.
    pub async fn delete_imported_connector(&self, id: &str) -> Result<u64> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let connections: i64 = sqlx::query_scalar("SELECT count(*) FROM connections WHERE connector = ?")
                .bind(id)
                .fetch_one(&mut *transaction)
                .await?;
            if connections > 0 {
                return Ok(connections.unsigned_abs());
            }
            let gone =
                sqlx::query("DELETE FROM imported_connectors WHERE id = ?").bind(id).execute(&mut *transaction).await?;
            if gone.rows_affected() == 0 {
                return Err(StoreError::NotFound { what: "connector" });
            }
            transaction.commit().await?;
            Ok(0)
        })
        .await
    }
}
