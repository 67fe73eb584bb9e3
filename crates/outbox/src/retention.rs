//! What is erased from this machine, and when.
//!
//! The organiser's retention (`keep_days` of the join's answer) counts from the receipt: then what was
//! said is erased here, and only the receipt stays, which is the candidate's proof. What has no receipt is
//! never erased.

use chrono::{DateTime, Utc};
use sqlx::Row as _;

use crate::store::millis;
use crate::{Outbox, OutboxError};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

impl Outbox {
    /// Erases what was delivered long enough ago; gives the number of interviews.
    ///
    /// # Errors
    /// The database failed.
    pub async fn erase_due(&self, now: DateTime<Utc>) -> Result<usize, OutboxError> {
        let due = sqlx::query(
            "SELECT join_id FROM records JOIN joins USING (join_id)
             WHERE state = 'delivered' AND length(body) > 0 AND delivered_at + keep_days * ? <= ?",
        )
        .bind(DAY_MS)
        .bind(millis(now))
        .fetch_all(&self.pool)
        .await?;
        for row in &due {
            let join_id: String = row.try_get("join_id")?;
            let mut transaction = self.pool.begin().await?;
            for sql in [
                "DELETE FROM journal WHERE join_id = ?",
                "UPDATE records SET body = x'' WHERE join_id = ?",
                "UPDATE joins SET client_token = '', title = '', head = NULL WHERE join_id = ?",
            ] {
                sqlx::query(sql).bind(&join_id).execute(&mut *transaction).await?;
            }
            fail::fail_point!("persist");
            transaction.commit().await?;
        }
        if !due.is_empty() {
            // The write-ahead log holds copies of what was overwritten.
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.pool).await?;
        }
        Ok(due.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entry, EntryKind, JoinLink, Record, RecordHead};

    #[tokio::test]
    async fn what_was_said_is_erased_after_its_time_and_the_receipt_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (outbox, _) = Outbox::open(folder.path()).await.unwrap();
        let link = JoinLink::new("http://127.0.0.1:9", "K7QF-9M2X").unwrap();
        let join = outbox.join_for(&link).await.unwrap();
        let now = Utc::now();
        let body = serde_json::json!({"id": "a", "role": "candidate", "text": "a secret of mine", "at": now});
        let entry = Entry { kind: EntryKind::Said, at: now, mono_ms: 0, body };
        outbox.append(&join.join_id, std::slice::from_ref(&entry)).await.unwrap();
        let head = RecordHead::example();
        let record = Record::from_journal(head, vec![entry], None, now);
        outbox.commit(&join.join_id, &record, &[]).await.unwrap();
        let week = chrono::TimeDelta::days(7);
        // Not delivered: kept for ever.
        assert_eq!(outbox.erase_due(now + week * 100).await.unwrap(), 0);
        sqlx::query(
            "UPDATE records SET state = 'delivered', receipt = 'jws', receipt_id = 'R-1', delivered_at = ?",
        )
        .bind(millis(now))
        .execute(&outbox.pool)
        .await
        .unwrap();
        assert_eq!(outbox.erase_due(now + week - chrono::TimeDelta::seconds(1)).await.unwrap(), 0);
        assert_eq!(outbox.erase_due(now + week).await.unwrap(), 1);
        assert_eq!(outbox.erase_due(now + week).await.unwrap(), 0, "once is enough");
        assert!(outbox.journal(&join.join_id).await.unwrap().is_empty());
        let (left, receipt) = outbox.record_of(&link).await.unwrap().unwrap();
        assert_eq!((left.len(), receipt.as_deref()), (0, Some("jws")));
        outbox.close().await;
        let bytes = std::fs::read(folder.path().join("outbox.db")).unwrap();
        assert!(!bytes.windows(8).any(|w| w == b"a secret"), "what was erased is still in the file");
    }
}
