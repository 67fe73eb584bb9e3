//! Where interviews stand, in the database: read under the row's lock, written back with their history.

use adjourn_protocol::{Arrival, Outcome};
use chrono::{DateTime, Duration, Utc};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::api_error::ApiError;
use crate::feed;
use crate::lifecycle::Lifecycle;
use crate::serving::{Presence, Serving};
use crate::store::{Store, Tx, millis, time};
use crate::tombstone::Tombstone;

/// The row of an interview; a refusal if there is none.
pub(crate) async fn row(store: &Store, id: &str) -> Result<AnyRow, ApiError> {
    let row =
        sqlx::query("SELECT * FROM interviews WHERE id = $1").bind(id).fetch_optional(store.read()).await?;
    match row {
        Some(row) => Ok(row),
        None => Err(gone(store.read(), id).await?),
    }
}

/// What is said of an interview that is not there: it was erased, or there never was one.
pub(crate) async fn gone(
    database: impl sqlx::Executor<'_, Database = sqlx::Any>,
    id: &str,
) -> Result<ApiError, sqlx::Error> {
    let tombstone = Tombstone::of(database, id).await?;
    Ok(tombstone.map_or_else(ApiError::not_found, |it| ApiError::erased(it.erased_at)))
}

/// Changes one interview under its lock, and gives what `by` gives. `None`: there is no such interview.
pub(crate) async fn change<T>(
    store: &Store,
    id: &str,
    now: DateTime<Utc>,
    by: impl FnOnce(&mut Lifecycle) -> T,
) -> Result<Option<T>, sqlx::Error> {
    let mut tx = store.write().await?;
    let given = change_in(&mut tx, id, now, by).await?;
    tx.commit().await?;
    Ok(given)
}

/// The same within a transaction. What did not change is not written.
pub(crate) async fn change_in<T>(
    tx: &mut Tx,
    id: &str,
    now: DateTime<Utc>,
    by: impl FnOnce(&mut Lifecycle) -> T,
) -> Result<Option<T>, sqlx::Error> {
    let Some(mut lifecycle) = lock(tx, id).await? else { return Ok(None) };
    let before = lifecycle.clone();
    let given = by(&mut lifecycle);
    if lifecycle != before {
        save(tx, id, &lifecycle, now).await?;
    }
    Ok(Some(given))
}

/// Notes that an attempt's room was closed, within a transaction. In one statement: every record's room is closed.
pub(crate) async fn room_closed(
    tx: &mut Tx,
    room: &str,
    attempt: i64,
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE interviews SET room_closed_at = $1, closing_at = NULL WHERE id = $2 AND attempt = $3 AND room_closed_at IS NULL",
    )
        .bind(millis(at))
        .bind(room)
        .bind(attempt)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// The same of many rows, each with its interview's id.
pub(crate) fn lifecycles_of(rows: &[AnyRow]) -> Result<Vec<(String, Lifecycle)>, sqlx::Error> {
    rows.iter().map(|row| Ok((row.try_get("id")?, read(row)?))).collect()
}

/// The lifecycle of a row of `interviews`.
pub(crate) fn read(row: &AnyRow) -> Result<Lifecycle, sqlx::Error> {
    let confirmed: i64 = row.try_get("confirmed")?;
    let waits = waits(row)?;
    Ok(Lifecycle {
        waits_for: waits.never_started.and_then(Duration::try_milliseconds),
        attempt: row.try_get("attempt")?,
        room_sid: row.try_get("room_sid")?,
        room_attempt: row.try_get("room_attempt")?,
        length: Duration::try_minutes(row.try_get("max_minutes")?),
        ends_at: time(row, "ends_at")?,
        started_at: time(row, "started_at")?,
        ended_at: time(row, "ended_at")?,
        ended_by: row.try_get("ended_by")?,
        outcome: outcome(row, "outcome")?,
        client_outcome: outcome(row, "client_outcome")?,
        confirmed: confirmed != 0,
        client: arrival(row, "client_record")?,
        agent: arrival(row, "agent_report")?,
        agent_seen_at: time(row, "agent_seen_at")?,
        serving: serving(row, waits.interviewer_returns)?,
        room_missing_since: time(row, "room_missing_since")?,
        room_closed_at: time(row, "room_closed_at")?,
        closing_at: time(row, "closing_at")?,
        completed_at: time(row, "completed_at")?,
        revision: row.try_get("revision")?,
        changes: Vec::new(),
    })
}

/// What the server has to wait as long for as a candidate's client, in milliseconds, where the interview's policy says so.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Waits {
    never_started: Option<i64>,
    interviewer_returns: Option<i64>,
}

fn waits(row: &AnyRow) -> Result<Waits, sqlx::Error> {
    let policy: String = row.try_get("policy")?;
    serde_json::from_str(&policy).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn arrival(row: &AnyRow, column: &str) -> Result<Arrival, sqlx::Error> {
    let text: String = row.try_get(column)?;
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// A word for how it ended. An early version kept whatever a client said: what is no such word is nobody's.
fn outcome(row: &AnyRow, column: &str) -> Result<Option<Outcome>, sqlx::Error> {
    let text: Option<String> = row.try_get(column)?;
    let read = |text: String| {
        text.parse()
            .inspect_err(|error| tracing::error!(%error, column, "an interview's outcome can't be read"))
            .ok()
    };
    Ok(text.and_then(read))
}

fn serving(row: &AnyRow, awaited_for_ms: Option<i64>) -> Result<Serving, sqlx::Error> {
    let presence = |identity, sid| -> Result<Option<Presence>, sqlx::Error> {
        let (identity, sid): (Option<String>, Option<String>) = (row.try_get(identity)?, row.try_get(sid)?);
        Ok(identity.zip(sid).map(|(identity, sid)| Presence { identity, sid }))
    };
    Ok(Serving {
        interviewer: presence("agent_identity", "agent_sid")?,
        left_at: time(row, "agent_left_at")?,
        awaited_since: time(row, "agent_awaited_since")?,
        back_at: time(row, "agent_back_at")?,
        next: presence("agent_next_identity", "agent_next_sid")?,
        given_up: row.try_get("agent_given_up")?,
        replaced: row.try_get("agent_replaced")?,
        succeeded_at: time(row, "agent_succeeded_at")?,
        died: row.try_get("agent_died")?,
        awaited_for: awaited_for_ms.and_then(Duration::try_milliseconds),
    })
}

/// Locks an interview until the transaction ends, and reads it. `None` if there is none.
pub(crate) async fn lock(tx: &mut Tx, id: &str) -> Result<Option<Lifecycle>, sqlx::Error> {
    // An update that changes nothing locks the row on Postgres; SQLite has one writer anyway.
    let row = sqlx::query("UPDATE interviews SET revision = revision WHERE id = $1 RETURNING *")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?;
    row.as_ref().map(read).transpose()
}

const INSERT_ONE: &str =
    "INSERT INTO history (interview_id, at, revision, what, source) VALUES ($1, $2, $3, $4, $5)";
/// Most records change two things: that they are there, and that the interview is over.
const INSERT_TWO: &str = "INSERT INTO history (interview_id, at, revision, what, source)
     VALUES ($1, $2, $3, $4, $5), ($1, $2, $6, $7, $8)";

/// Writes an interview that was locked, what changed, and the events that this is.
pub(crate) async fn save(
    tx: &mut Tx,
    id: &str,
    lifecycle: &Lifecycle,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let at = |time: Option<DateTime<Utc>>| time.map(millis);
    let changes = i64::try_from(lifecycle.changes.len()).unwrap_or(i64::MAX);
    let Serving {
        interviewer,
        left_at,
        awaited_since,
        back_at,
        next,
        given_up,
        replaced,
        succeeded_at,
        died,
        awaited_for: _,
    } = &lifecycle.serving;
    let identity = |of: &Option<Presence>| of.as_ref().map(|of| of.identity.clone());
    let sid = |of: &Option<Presence>| of.as_ref().map(|of| of.sid.clone());
    sqlx::query(
        "UPDATE interviews SET attempt = $1, room_sid = $2, ends_at = $3, started_at = $4, ended_at = $5, ended_by = $6,
           outcome = $7, confirmed = $8, client_record = $9, agent_report = $10, agent_seen_at = $11,
           room_missing_since = $12, room_closed_at = $13, completed_at = $14, revision = $15, room_attempt = $16,
           closing_at = $17, client_outcome = $18, agent_identity = $19, agent_sid = $20, agent_left_at = $21,
           agent_awaited_since = $22, agent_back_at = $23, agent_next_identity = $24, agent_next_sid = $25,
           agent_given_up = $26, agent_replaced = $27, agent_died = $28,
           agent_succeeded_at = $29 WHERE id = $30",
    )
    .bind(lifecycle.attempt)
    .bind(&lifecycle.room_sid)
    .bind(at(lifecycle.ends_at))
    .bind(at(lifecycle.started_at))
    .bind(at(lifecycle.ended_at))
    .bind(&lifecycle.ended_by)
    .bind(lifecycle.outcome.map(|outcome| outcome.to_string()))
    .bind(i64::from(lifecycle.confirmed))
    .bind(lifecycle.client.as_str())
    .bind(lifecycle.agent.as_str())
    .bind(at(lifecycle.agent_seen_at))
    .bind(at(lifecycle.room_missing_since))
    .bind(at(lifecycle.room_closed_at))
    .bind(at(lifecycle.completed_at))
    .bind(lifecycle.revision + changes)
    .bind(lifecycle.room_attempt)
    .bind(at(lifecycle.closing_at))
    .bind(lifecycle.client_outcome.map(|outcome| outcome.to_string()))
    .bind(identity(interviewer))
    .bind(sid(interviewer))
    .bind(at(*left_at))
    .bind(at(*awaited_since))
    .bind(at(*back_at))
    .bind(identity(next))
    .bind(sid(next))
    .bind(given_up)
    .bind(replaced)
    .bind(died)
    .bind(at(*succeeded_at))
    .bind(id)
    .execute(&mut **tx)
    .await?;
    let mut first = lifecycle.revision + 1;
    for changes in lifecycle.changes.chunks(2) {
        let mut insert =
            sqlx::query(if changes.len() == 2 { INSERT_TWO } else { INSERT_ONE }).bind(id).bind(millis(now));
        for (change, revision) in changes.iter().zip(first..) {
            insert = insert.bind(revision).bind(change.what.to_string()).bind(change.teller.as_str());
        }
        insert.execute(&mut **tx).await?;
        first += 2;
    }
    let revisions = lifecycle.revision + 1..;
    let events: Vec<_> = (lifecycle.changes.iter().zip(revisions))
        .filter_map(|(change, revision)| {
            Some((revision, feed::event_of(id, lifecycle, change, revision, now)?))
        })
        .collect();
    feed::write(tx, id, events).await
}
