//! Table `ad_objects`: names and tree of campaigns, groups and ads. Statistics refer to a row here by a compact number; one that was not
//! read yet stands without a name until its dictionary is.

use crate::{
    Result, Store,
    bulk::{Bulk, pieces},
    codec::{Read, json, level_code},
};
use model::{
    ad::{AdObject, Level, ObjectStatus},
    id::ConnectionId,
    utm::Utm,
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use std::collections::HashMap;

/// An ad object as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// How deep in the tree.
    pub level: Level,
    /// The vendor's id.
    pub external_id: String,
    /// The vendor's id of the object one level up.
    pub parent_external_id: Option<String>,
    /// Its name; `None` until its dictionary was read.
    pub name: Option<String>,
    /// Whether it delivers.
    pub status: ObjectStatus,
    /// Where it leads.
    pub landing: Landing,
}

/// Where an ad leads, as statistics show it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Landing {
    /// Address of the page; `None`: the platform did not say.
    pub url: Option<String>,
    /// Its UTM tags.
    pub utm: Utm,
}

impl Landing {
    /// Of a row of `ad_objects`, or one that has its columns.
    pub(crate) fn read(row: &SqliteRow) -> Result<Self> {
        let utm = Utm {
            source: row.value("utm_source")?,
            medium: row.value("utm_medium")?,
            campaign: row.value("utm_campaign")?,
            content: row.value("utm_content")?,
            term: row.value("utm_term")?,
        };
        Ok(Self { url: row.value("landing_url")?, utm })
    }
}

/// Writes objects; those that are the same already are not touched.
pub(crate) async fn upsert(connection: &mut SqliteConnection, num: i64, objects: &[AdObject]) -> Result<()> {
    let bulk = Bulk::new(
        "INSERT INTO ad_objects (connection, level, external_id, parent_external_id, name, status, landing_url, utm_source, utm_medium,
             utm_campaign, utm_content, utm_term) VALUES",
        12,
        "ON CONFLICT (connection, level, external_id) DO UPDATE SET name = excluded.name, status = excluded.status,
             parent_external_id = coalesce(excluded.parent_external_id, ad_objects.parent_external_id),
             landing_url = excluded.landing_url, utm_source = excluded.utm_source, utm_medium = excluded.utm_medium,
             utm_campaign = excluded.utm_campaign, utm_content = excluded.utm_content, utm_term = excluded.utm_term
         WHERE (ad_objects.name, ad_objects.status, ad_objects.landing_url) IS NOT (excluded.name, excluded.status, excluded.landing_url)
            OR (excluded.parent_external_id IS NOT NULL AND ad_objects.parent_external_id IS NOT excluded.parent_external_id)",
    );
    for chunk in pieces(objects) {
        let mut query = bulk.statement(chunk.len());
        for object in chunk {
            let utm = object.landing_url.as_deref().map(Utm::of).unwrap_or_default();
            query = query
                .bind(num)
                .bind(level_code(object.level))
                .bind(object.external_id.clone())
                .bind(object.parent_external_id.clone())
                .bind(object.name.clone())
                .bind(object.status.as_str())
                .bind(object.landing_url.clone())
                .bind(utm.source)
                .bind(utm.medium)
                .bind(utm.campaign)
                .bind(utm.content)
                .bind(utm.term);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// The numbers of these vendor ids; ids that are new get a row without a name. Two statements whatever the number of ids.
pub(crate) async fn nums(
    connection: &mut SqliteConnection,
    num: i64,
    level: i64,
    external_ids: &[&str],
) -> Result<HashMap<String, i64>> {
    let list = json(&external_ids)?;
    sqlx::query(
        "INSERT INTO ad_objects (connection, level, external_id, status)
         SELECT ?1, ?2, value, 'unknown' FROM json_each(?3) AS ids
         WHERE NOT EXISTS (SELECT 1 FROM ad_objects AS o WHERE o.connection = ?1 AND o.level = ?2 AND o.external_id = ids.value)
         ON CONFLICT DO NOTHING",
    )
    .bind(num)
    .bind(level)
    .bind(list.clone())
    .execute(&mut *connection)
    .await?;
    // CROSS JOIN is SQLite's way to fix the order: the other one would read the whole list for each object.
    let rows = sqlx::query(
        "SELECT o.external_id, o.num FROM json_each(?3) AS ids
         CROSS JOIN ad_objects AS o ON o.connection = ?1 AND o.level = ?2 AND o.external_id = ids.value",
    )
    .bind(num)
    .bind(level)
    .bind(list)
    .fetch_all(connection)
    .await?;
    let mut nums = HashMap::with_capacity(rows.len());
    for row in &rows {
        nums.insert(row.value::<String>("external_id")?, row.value::<i64>("num")?);
    }
    Ok(nums)
}

impl Store {
    /// The objects of one level of a connection, by the vendor's id.
    pub async fn ad_objects(&self, connection: ConnectionId, level: Level) -> Result<Vec<StoredObject>> {
        let rows = sqlx::query(
            "SELECT o.* FROM ad_objects AS o JOIN connections AS c ON c.num = o.connection WHERE c.id = ? AND o.level = ?
             ORDER BY o.external_id",
        )
        .bind(connection.to_string())
        .bind(level_code(level))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(StoredObject {
                    level: row.level("level")?,
                    external_id: row.value("external_id")?,
                    parent_external_id: row.value("parent_external_id")?,
                    name: row.value("name")?,
                    status: row.word("status")?,
                    landing: Landing::read(row)?,
                })
            })
            .collect()
    }
}
