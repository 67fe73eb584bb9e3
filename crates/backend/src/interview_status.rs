//! Where an interview stands, from the database.

use adjourn_protocol::{Happened, HistoryEntry, InterviewStatus, Teller};
use sqlx::Row as _;

use crate::api_error::ApiError;
use crate::lifecycle_store;
use crate::store::{Store, known_time, word};

/// The whole status from the database.
pub(crate) async fn read(store: &Store, id: &str) -> Result<InterviewStatus, ApiError> {
    let lifecycle = lifecycle_store::read(&lifecycle_store::row(store, id).await?)?;
    let records: i64 = sqlx::query("SELECT COUNT(*) FROM records WHERE interview_id = $1")
        .bind(id)
        .fetch_one(store.read())
        .await?
        .try_get(0)?;
    let interviewer = lifecycle.serving.state();
    let interviewer_died = lifecycle.serving.died.clone();
    let by_organiser = lifecycle.ended_by.as_deref() == Some("organiser");
    Ok(InterviewStatus {
        id: id.to_owned(),
        state: lifecycle.state(),
        attempt: lifecycle.attempt,
        ended_by_organiser: lifecycle.ended_at.filter(|_| by_organiser),
        client_record: lifecycle.client,
        agent_report: lifecycle.agent,
        records,
        outcome: lifecycle.outcome,
        client_outcome: lifecycle.client_outcome,
        confirmed: lifecycle.confirmed,
        interviewer,
        interviewer_died,
        room: None,
        history: history(store, id, 0).await?,
    })
}

/// What happened after that revision.
pub(crate) async fn history(store: &Store, id: &str, after: i64) -> Result<Vec<HistoryEntry>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT revision, at, what, source FROM history WHERE interview_id = $1 AND revision > $2 ORDER BY revision",
    )
    .bind(id)
    .bind(after)
    .fetch_all(store.read())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(HistoryEntry {
                revision: row.try_get("revision")?,
                at: known_time(row, "at")?,
                // Another replica may be newer, and tell what this one has no word for.
                what: word(row, "what").unwrap_or(Happened::Newer),
                source: word(row, "source").unwrap_or(Teller::Newer),
            })
        })
        .collect()
}
