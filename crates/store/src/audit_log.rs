//! Table `audit_log`: who did what, in a chain of hashes. Each entry's hash covers its fields and the hash before it, and the end of the
//! chain is kept apart, so that a changed, removed, inserted or cut-off entry is noticed. Entries stay when a client is deleted.

use crate::{
    Result, Store,
    codec::{Read, instant_code},
};
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use sha2::{Digest, Sha256};

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from 1 without gaps.
    pub number: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who: the operating system's user.
    pub actor: String,
    /// What: `client_created`, `connection_deleted` ...
    pub action: String,
    /// Of what, in words; never a secret.
    pub subject: String,
}

/// Whether the chain is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditCheck {
    /// Entries that were followed.
    pub entries: u64,
    /// The first number at which the chain does not hold; one beyond the last when entries are missing at its end.
    pub broken_at: Option<i64>,
}

impl AuditCheck {
    /// Whether nothing was changed.
    pub fn is_intact(&self) -> bool {
        self.broken_at.is_none()
    }
}

/// The hash before the first entry.
const ROOT: [u8; 32] = [0; 32];

/// Every field with its length before it, so that text cannot move from one field into its neighbour.
fn hash(prev: &[u8], number: i64, at: i64, texts: [&str; 3]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(prev);
    hash.update(number.to_be_bytes());
    hash.update(at.to_be_bytes());
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().into()
}

impl Store {
    /// Adds an entry and returns its number.
    pub async fn append_audit(&self, at: DateTime<Utc>, actor: &str, action: &str, subject: &str) -> Result<i64> {
        self.located(async {
            let mut transaction = self.begin().await?;
            let head = sqlx::query("SELECT number, hash FROM audit_head").fetch_optional(&mut *transaction).await?;
            let (last, prev) = match &head {
                Some(row) => (row.value::<i64>("number")?, row.value::<Vec<u8>>("hash")?),
                None => (0, ROOT.to_vec()),
            };
            let (number, at) = (last + 1, instant_code(at));
            let hash = hash(&prev, number, at, [actor, action, subject]).to_vec();
            sqlx::query(
                "INSERT INTO audit_log (number, at, actor, action, subject, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(number)
            .bind(at)
            .bind(actor)
            .bind(action)
            .bind(subject)
            .bind(prev)
            .bind(hash.clone())
            .execute(&mut *transaction)
            .await?;
            sqlx::query(
                "INSERT INTO audit_head (one, number, hash) VALUES (1, ?, ?)
                 ON CONFLICT (one) DO UPDATE SET number = excluded.number, hash = excluded.hash",
            )
            .bind(number)
            .bind(hash)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(number)
        })
        .await
    }

    /// Entries before a number (or the newest), newest first.
    pub async fn audit(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditEntry>> {
        let rows = sqlx::query(
            "SELECT number, at, actor, action, subject FROM audit_log WHERE ?1 IS NULL OR number < ?1 ORDER BY number DESC LIMIT ?2",
        )
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(AuditEntry {
                    number: row.value("number")?,
                    at: row.instant("at")?,
                    actor: row.value("actor")?,
                    action: row.value("action")?,
                    subject: row.value("subject")?,
                })
            })
            .collect()
    }

    /// Follows the chain from its beginning to its end.
    pub async fn verify_audit(&self) -> Result<AuditCheck> {
        // One transaction, so that an entry added meanwhile is in both or in neither.
        let mut transaction = self.readers.begin().await?;
        let (mut prev, mut number) = (ROOT.to_vec(), 0_i64);
        {
            let mut rows = sqlx::query(
                "SELECT number, at, actor, action, subject, prev_hash, hash FROM audit_log ORDER BY number",
            )
            .fetch(&mut *transaction);
            while let Some(row) = rows.try_next().await? {
                let texts = [row.value("actor")?, row.value("action")?, row.value("subject")?];
                let expected = hash(&prev, number + 1, row.value("at")?, texts).to_vec();
                let kept: Vec<u8> = row.value("hash")?;
                let before: Vec<u8> = row.value("prev_hash")?;
                if row.value::<i64>("number")? != number + 1 || before != prev || kept != expected {
                    return Ok(AuditCheck { entries: number.unsigned_abs(), broken_at: Some(number + 1) });
                }
                (prev, number) = (kept, number + 1);
            }
        }
        let head = sqlx::query("SELECT number, hash FROM audit_head").fetch_optional(&mut *transaction).await?;
        let whole = match &head {
            Some(row) => row.value::<i64>("number")? == number && row.value::<Vec<u8>>("hash")? == prev,
            None => number == 0,
        };
        Ok(AuditCheck { entries: number.unsigned_abs(), broken_at: (!whole).then_some(number + 1) })
    }
}
