//! What is left of an interview that was erased: that it was there, and what proves what had been received.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

use crate::store::{Store, Tx, known_time, millis, now};

/// It is kept for so long: as long as the audit log that tells who did it.
const KEPT: Duration = Duration::days(400);
/// Tombstones of which it is noted at a time that their interviews are overwritten.
const AT_ONCE: i64 = 1_000;

/// What is left of an interview that was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tombstone {
    /// The interview.
    pub interview_id: String,
    /// When it was erased.
    pub erased_at: DateTime<Utc>,
    /// The receipts of its records, as they were given (compact JWS): ids, a time and a digest, nothing that was said.
    pub receipts: Vec<String>,
    /// Whether what its rows left in the database's files was overwritten, too: some seconds later. Never on Postgres, which frees their
    /// space by itself and overwrites it as it needs it.
    pub overwritten: bool,
}

impl Tombstone {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let receipts: String = row.try_get("receipts")?;
        let overwritten: Option<i64> = row.try_get("overwritten_at")?;
        Ok(Self {
            interview_id: row.try_get("id")?,
            erased_at: known_time(row, "erased_at")?,
            receipts: serde_json::from_str(&receipts)
                .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            overwritten: overwritten.is_some(),
        })
    }

    /// Of that interview, if it was erased.
    pub(crate) async fn of(
        database: impl sqlx::Executor<'_, Database = sqlx::Any>,
        id: &str,
    ) -> Result<Option<Self>, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM erased WHERE id = $1").bind(id).fetch_optional(database).await?;
        row.as_ref().map(Self::read).transpose()
    }

    /// Of the interview that had that code, kept as it was.
    pub(crate) async fn of_code(store: &Store, kept: &str) -> Result<Option<Self>, sqlx::Error> {
        let row = sqlx::query("SELECT erased.* FROM erased_codes JOIN erased ON erased.id = erased_codes.id WHERE code_hash = $1")
            .bind(kept)
            .fetch_optional(store.read())
            .await?;
        row.as_ref().map(Self::read).transpose()
    }

    /// Writes it.
    pub(crate) async fn write(&self, tx: &mut Tx) -> Result<(), sqlx::Error> {
        let receipts =
            serde_json::to_string(&self.receipts).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        sqlx::query("INSERT INTO erased (id, erased_at, receipts) VALUES ($1, $2, $3)")
            .bind(&self.interview_id)
            .bind(millis(self.erased_at))
            .bind(receipts)
            .execute(&mut **tx)
            .await
            .map(drop)
    }
}

/// Those whose bytes may still be there, and are to be overwritten.
pub(crate) async fn pending(store: &Store) -> Result<Vec<String>, sqlx::Error> {
    if !store.overwrites() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query("SELECT id FROM erased WHERE overwritten_at IS NULL LIMIT $1").bind(AT_ONCE);
    rows.fetch_all(store.read()).await?.iter().map(|row| row.try_get(0)).collect()
}

/// Notes that nothing of these is left in the files.
pub(crate) async fn overwritten(store: &Store, ids: &[String]) -> Result<(), sqlx::Error> {
    let mut tx = store.write().await?;
    for id in ids {
        sqlx::query("UPDATE erased SET overwritten_at = $1 WHERE id = $2")
            .bind(millis(now()))
            .bind(id)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await
}

/// Forgets what is old.
pub(crate) async fn forget(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    for delete in [
        "DELETE FROM erased_codes WHERE id IN (SELECT id FROM erased WHERE erased_at < $1)",
        "DELETE FROM erased WHERE erased_at < $1",
    ] {
        sqlx::query(delete).bind(millis(now - KEPT)).execute(&mut **tx).await?;
    }
    Ok(())
}
