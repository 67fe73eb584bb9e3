//! Interviewers that were sent away: who is to go, and whose reports are nobody's.

use std::collections::BTreeSet;

use adjourn_protocol::Source;
use chrono::{DateTime, Utc};
use sqlx::Row as _;

use crate::serving::{identity_of, is_of_a_job, job_of};
use crate::store::{Store, Tx, millis, now};

/// Who was told to go before a time and is not known to be gone.
pub(crate) const PENDING: &str =
    "SELECT interview_id, identity FROM sent_away WHERE gone_at IS NULL AND at < $1 ORDER BY at LIMIT 500";

/// Whether somebody of that name was sent away; if so, whether it had served before.
pub(crate) async fn was(
    database: impl sqlx::Executor<'_, Database = sqlx::Any>,
    id: &str,
    identity: &str,
) -> Result<Option<bool>, sqlx::Error> {
    if !is_of_a_job(identity) {
        return Ok(None);
    }
    let row = sqlx::query("SELECT served FROM sent_away WHERE interview_id = $1 AND identity = $2")
        .bind(id)
        .bind(identity)
        .fetch_optional(database)
        .await?;
    row.map(|row| Ok(row.try_get::<i64, _>("served")? != 0)).transpose()
}

/// Everybody who was sent away from that interview's room, and comes back under that name alone.
pub(crate) async fn all(store: &Store, id: &str) -> Result<BTreeSet<String>, sqlx::Error> {
    let rows = sqlx::query("SELECT identity FROM sent_away WHERE interview_id = $1").bind(id);
    let rows = rows.fetch_all(store.read()).await?;
    let all = rows.iter().map(|row| row.try_get("identity")).collect::<Result<BTreeSet<String>, _>>()?;
    Ok(all.into_iter().filter(|identity| is_of_a_job(identity)).collect())
}

/// Notes that one is sent away, in the transaction that found it out; `served`: it was the interviewer once, and what it told
/// counts.
pub(crate) async fn note(
    tx: &mut Tx,
    id: &str,
    identity: &str,
    served: bool,
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    metrics::counter!("adjourn_interviewers_sent_away").increment(1);
    // One that comes once more is to go once more.
    sqlx::query(
        "INSERT INTO sent_away (interview_id, identity, at, served) VALUES ($1, $2, $3, $4)
         ON CONFLICT (interview_id, identity) DO UPDATE SET at = $3, gone_at = NULL",
    )
    .bind(id)
    .bind(identity)
    .bind(millis(at))
    .bind(i64::from(served))
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Notes that one is out of the room.
pub(crate) async fn gone(store: &Store, room: &str, identity: &str) -> Result<(), sqlx::Error> {
    let mut tx = store.write().await?;
    sqlx::query("UPDATE sent_away SET gone_at = $1 WHERE interview_id = $2 AND identity = $3")
        .bind(millis(now()))
        .bind(room)
        .bind(identity)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

/// Sources (`agent:<job id>`) whose word is nobody's: they were sent away. livekit-agents calls a job's participant
/// `agent-<job id>`; one that chose another name is not told apart here.
pub(crate) async fn in_vain(store: &Store, id: &str) -> Result<BTreeSet<Source>, sqlx::Error> {
    let rows = sqlx::query("SELECT identity FROM sent_away WHERE interview_id = $1 AND served = 0")
        .bind(id)
        .fetch_all(store.read())
        .await?;
    let mut sources = BTreeSet::new();
    for row in &rows {
        let identity: String = row.try_get("identity")?;
        sources.extend(job_of(&identity).map(|job| Source::Agent(job.to_owned())));
    }
    Ok(sources)
}

/// The same of one source, within a transaction.
pub(crate) async fn is_in_vain(tx: &mut Tx, id: &str, source: &Source) -> Result<bool, sqlx::Error> {
    let Some(job) = source.job() else { return Ok(false) };
    let found =
        sqlx::query("SELECT 1 FROM sent_away WHERE interview_id = $1 AND identity = $2 AND served = 0")
            .bind(id)
            .bind(identity_of(job))
            .fetch_optional(&mut **tx)
            .await?;
    Ok(found.is_some())
}
