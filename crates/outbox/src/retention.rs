//! What is erased from this machine, and when.
//!
//! The organiser's retention (`keep_days` of the join's answer) counts from the receipt: then what was
//! said is erased here, and only the receipt stays, which is the candidate's proof. What has no receipt is
//! never erased, unless the organiser erased the interview: then it counts from the day on which this computer learned of that.
//! What was damaged and put aside may be the only copy of something: it goes when nothing waits any more.

use std::io::Read as _;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::Row as _;

use crate::store::millis;
use crate::{Outbox, OutboxError, damage};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// What a candidate needs in an interview that was never joined is erased after this: no link is good for longer.
pub(crate) const NEVER_JOINED: TimeDelta = TimeDelta::days(90);

impl Outbox {
    /// Erases what was delivered long enough ago; gives the number of interviews.
    ///
    /// # Errors
    /// The database failed.
    pub async fn erase_due(&self, now: DateTime<Utc>) -> Result<usize, OutboxError> {
        let due = sqlx::query(
            "SELECT join_id FROM records JOIN joins USING (join_id)
             WHERE state IN ('delivered', 'parked') AND length(body) > 0 AND delivered_at + keep_days * ? <= ?",
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
                "UPDATE records SET body = x'', again = 0 WHERE join_id = ?",
                "UPDATE joins SET client_token = '', title = '', head = NULL, adjustment = NULL WHERE join_id = ?",
            ] {
                sqlx::query(sql).bind(&join_id).execute(&mut *transaction).await?;
            }
            fail::fail_point!("persist");
            transaction.commit().await?;
        }
        let never = sqlx::query(
            "UPDATE joins SET adjustment = NULL WHERE adjustment IS NOT NULL AND interview_id IS NULL AND created_at < ?",
        );
        let never = never.bind((now - NEVER_JOINED).to_rfc3339()).execute(&self.pool).await?.rows_affected();
        let aside = self.erase_put_aside(now).await?;
        if !due.is_empty() || aside || never > 0 {
            // The write-ahead log holds copies of what was overwritten.
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.pool).await?;
        }
        Ok(due.len())
    }

    /// Erases what was damaged and put aside, once nothing on this computer waits for its delivery any more (it may be all
    /// that is left of it) and the longest time of any organiser has passed. Gives whether there was something in the database.
    async fn erase_put_aside(&self, now: DateTime<Utc>) -> Result<bool, OutboxError> {
        let row = sqlx::query(
            "SELECT COALESCE(MAX(keep_days), 7) AS longest,
               (SELECT COUNT(*) FROM joins LEFT JOIN records USING (join_id)
                WHERE joins.interview_id IS NOT NULL AND COALESCE(records.state, '') <> 'delivered'
                AND NOT (COALESCE(records.state, '') = 'parked' AND records.delivered_at IS NOT NULL)) AS waiting FROM joins",
        )
        .fetch_one(&self.pool)
        .await?;
        if row.try_get::<i64, _>("waiting")? > 0 {
            return Ok(false);
        }
        let before = now - TimeDelta::days(row.try_get("longest")?);
        let erased = sqlx::query("DELETE FROM quarantine WHERE at <= ?")
            .bind(millis(before))
            .execute(&self.pool)
            .await?
            .rows_affected();
        if let Some(folder) = self.file.as_ref().and_then(|(path, _)| path.parent()) {
            // One that can't be removed must not keep the others, or what was erased in the database.
            for path in damage::put_aside_before(folder, before).unwrap_or_default() {
                if let Err(error) = overwrite_and_remove(&path) {
                    tracing::warn!(%error, path = %path.display(), "what was put aside can't be erased");
                }
            }
        }
        Ok(erased > 0)
    }
}

/// Removes a file, and what was in it.
fn overwrite_and_remove(path: &Path) -> std::io::Result<()> {
    let mut file = std::fs::File::options().write(true).open(path)?;
    let length = file.metadata()?.len();
    std::io::copy(&mut std::io::repeat(0).take(length), &mut file)?;
    file.sync_all()?;
    drop(file);
    std::fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Join;
    use adjourn_protocol::{Entry, InviteLink, Line, Record, RecordHead, Role, Turn};

    fn head() -> RecordHead {
        let (id, build) = ("i".to_owned(), "0".to_owned());
        RecordHead { interview_id: id.clone(), attempt: 1, room: id, build, policy_sha256: String::new() }
    }

    /// An interview in which something was said, with its record, which waits.
    async fn said(folder: &Path, link: &InviteLink, now: DateTime<Utc>) -> (Outbox, Join) {
        let (outbox, _) = Outbox::open(folder).await.unwrap();
        let join = outbox.join_for(link).await.unwrap();
        let turn = Turn { id: "a".into(), role: Role::Candidate, text: "a secret of mine".into(), at: now };
        let entry = Entry { at: now, mono_ms: 0, line: Line::Said(turn) };
        outbox.append(&join.join_id, std::slice::from_ref(&entry)).await.unwrap();
        let record = Record::from_journal(head(), vec![entry], None, now);
        outbox.commit(&join.join_id, &record, &[]).await.unwrap();
        (outbox, join)
    }

    #[tokio::test]
    async fn what_was_said_is_erased_after_its_time_and_the_receipt_stays() {
        let folder = tempfile::tempdir().unwrap();
        let link = InviteLink::new("http://127.0.0.1:9", "K7QF-9M2X").unwrap();
        let now = Utc::now();
        let (outbox, join) = said(folder.path(), &link, now).await;
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

    #[tokio::test]
    async fn what_an_organiser_erased_goes_from_here_too_and_what_is_only_refused_stays() {
        let folder = tempfile::tempdir().unwrap();
        let link = InviteLink::new("http://127.0.0.1:9", "K7QF-9M2X").unwrap();
        let (now, week) = (Utc::now(), TimeDelta::days(7));
        let (outbox, join) = said(folder.path(), &link, now).await;
        assert!(outbox.undelivered().await.unwrap());
        outbox.parked(&join.join_id, "refused", None).await.unwrap();
        assert!(outbox.undelivered().await.unwrap(), "it arrived nowhere");
        assert_eq!(outbox.erase_due(now + week * 100).await.unwrap(), 0, "it is the only copy");
        outbox.parked(&join.join_id, "erased", Some(now)).await.unwrap();
        assert!(!outbox.undelivered().await.unwrap());
        assert_eq!(outbox.erase_due(now + week - TimeDelta::seconds(1)).await.unwrap(), 0);
        assert_eq!(outbox.erase_due(now + week).await.unwrap(), 1);
        outbox.close().await;
        let bytes = std::fs::read(folder.path().join("outbox.db")).unwrap();
        assert!(!bytes.windows(8).any(|w| w == b"a secret"));
    }

    #[tokio::test]
    async fn what_was_put_aside_is_erased_too_once_nothing_waits() {
        let folder = tempfile::tempdir().unwrap();
        let (outbox, _) = Outbox::open(folder.path()).await.unwrap();
        let link = InviteLink::new("http://127.0.0.1:9", "K7QF-9M2X").unwrap();
        let join = outbox.join_for(&link).await.unwrap();
        let now = Utc::now();
        sqlx::query("UPDATE joins SET interview_id = 'i', attempt = 1, title = 't', client_token = 't', receipt_keys = '{}'")
            .execute(&outbox.pool)
            .await
            .unwrap();
        sqlx::query("INSERT INTO quarantine (origin, body, reason, at) VALUES ('journal', ?, 'checksum', ?)")
            .bind(&b"a CANARY row"[..])
            .bind(millis(now))
            .execute(&outbox.pool)
            .await
            .unwrap();
        let name = format!("outbox.damaged-{}.db", now.format("%Y%m%dT%H%M%S%3f"));
        let files = [folder.path().join(&name), folder.path().join(format!("{name}-wal"))];
        for file in &files {
            std::fs::write(file, b"a CANARY file").unwrap();
        }
        let other = folder.path().join("outbox.damaged-by-hand.db");
        std::fs::write(&other, b"not ours").unwrap();
        let (later, week) = (TimeDelta::days(400), TimeDelta::days(7));
        // An interview without a record: what was put aside may be all that there is of it.
        outbox.erase_due(now + later).await.unwrap();
        assert!(files.iter().all(|file| file.exists()));
        let record = Record::from_journal(head(), Vec::new(), None, now);
        outbox.commit(&join.join_id, &record, &[]).await.unwrap();
        outbox.erase_due(now + later).await.unwrap();
        assert!(files.iter().all(|file| file.exists()), "it waits");
        sqlx::query("UPDATE records SET state = 'delivered', receipt = 'jws', delivered_at = ?")
            .bind(millis(now))
            .execute(&outbox.pool)
            .await
            .unwrap();
        outbox.erase_due(now + week - TimeDelta::minutes(1)).await.unwrap();
        assert!(files.iter().all(|file| file.exists()), "not yet");
        outbox.erase_due(now + week + TimeDelta::minutes(1)).await.unwrap();
        assert!(!files.iter().any(|file| file.exists()) && other.exists());
        outbox.close().await;
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(6).any(|window| window == b"CANARY"));
        }
    }
}
