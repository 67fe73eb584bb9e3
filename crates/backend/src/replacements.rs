//! Interviewers that candidates' clients lost, and in whose places others are called: who may be replaced, and who calls.

use std::time::Duration;

use adjourn_protocol::{ProblemCode, Source};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use sqlx::Row as _;

use crate::api_error::ApiError;
use crate::lifecycle::Lifecycle;
use crate::lifecycle_store;
use crate::livekit::Participant;
use crate::sent_away;
use crate::serving::{Presence, age, is_of_a_job};
use crate::store::{Store, Tx, millis, now, time};

/// Interviewers of one interview that may be replaced at most.
pub(crate) const MOST: u8 = 3;

/// One who calls is done after this, or died over it: two calls of LiveKit (5 s each), and a commit.
const CALLING: Duration = Duration::from_secs(15);

/// What a request comes to.
pub(crate) enum Claim {
    /// Another one was called before.
    Called,
    /// It is for this process to call another one.
    Ours {
        /// Somebody tried before, and does not know what came of it.
        again: bool,
        /// The attempt for which the room's interviewers report.
        attempt: i64,
    },
}

/// Finds out whether another one is to be called, and by whom. Gives how many may still be replaced after it.
pub(crate) async fn claim(
    store: &Store,
    id: &str,
    attempt: i64,
    (lost, jobs): (&Presence, &[String]),
    listed: &[Participant],
    now: DateTime<Utc>,
) -> Result<(Claim, u8), ApiError> {
    let mut tx = store.write().await?;
    let Some(mut lifecycle) = lifecycle_store::lock(&mut tx, id).await? else {
        return Err(lifecycle_store::gone(&mut *tx, id).await?);
    };
    if lifecycle.attempt != attempt || lifecycle.ended_at.is_some() {
        let title = "This interview is over, or goes on at another computer.";
        return Err(ApiError::new(StatusCode::GONE, ProblemCode::NotOpen, title));
    }
    let row = sqlx::query("SELECT replacements, agent_name FROM interviews WHERE id = $1")
        .bind(id)
        .fetch_one(&mut *tx)
        .await?;
    let (allowed, agent_name): (i64, Option<String>) =
        (row.try_get("replacements")?, row.try_get("agent_name")?);
    let used = used(&mut tx, id).await?;
    let known =
        sqlx::query("SELECT calling_at, called_at FROM replacements WHERE interview_id = $1 AND sid = $2")
            .bind(id)
            .bind(&lost.sid)
            .fetch_optional(&mut *tx)
            .await?;
    // Who goes on at another computer finds the same interviewer in the same room: it reports for the first attempt there.
    let in_room = if lifecycle.room_attempt > 0 { lifecycle.room_attempt } else { attempt };
    let is_new = known.is_none();
    let claim = if let Some(known) = known {
        if time(&known, "called_at")?.is_some() {
            Claim::Called
        } else {
            let calling = time(&known, "calling_at")?;
            if calling.is_some_and(|at| age(at, now).to_std().unwrap_or_default() < CALLING) {
                return Err(ApiError::unavailable());
            }
            sqlx::query("UPDATE replacements SET calling_at = $1 WHERE interview_id = $2 AND sid = $3")
                .bind(millis(now))
                .bind(id)
                .bind(&lost.sid)
                .execute(&mut *tx)
                .await?;
            Claim::Ours { again: true, attempt: in_room }
        }
    } else {
        if used >= allowed {
            let title = "No other interviewer may be called in this interview.";
            return Err(ApiError::new(StatusCode::CONFLICT, ProblemCode::NoReplacementLeft, title));
        }
        if !serves(&lifecycle, lost, listed, agent_name.as_deref()) {
            let title = "That is not this interview's interviewer.";
            return Err(ApiError::new(StatusCode::CONFLICT, ProblemCode::NotTheInterviewer, title));
        }
        // Of several under that name, the one that was not replaced before.
        let before = sqlx::query("SELECT job FROM replacements WHERE interview_id = $1 AND job IS NOT NULL");
        let before = before.bind(id).fetch_all(&mut *tx).await?;
        let before: Vec<String> = before.iter().map(|row| row.try_get("job")).collect::<Result<_, _>>()?;
        let job = jobs.iter().find(|job| !before.contains(job));
        sqlx::query(
            "INSERT INTO replacements (interview_id, sid, identity, job, attempt, asked_at, calling_at)
             VALUES ($1, $2, $3, $4, $5, $6, $6)",
        )
        .bind(id)
        .bind(&lost.sid)
        .bind(&lost.identity)
        .bind(job)
        .bind(attempt)
        .bind(millis(now))
        .execute(&mut *tx)
        .await?;
        if is_of_a_job(&lost.identity) {
            // What it told counts; that it comes back does not.
            sent_away::note(&mut tx, id, &lost.identity, true, now).await?;
        }
        lifecycle.interviewer_lost(lost, now);
        lifecycle_store::save(&mut tx, id, &lifecycle, now).await?;
        Claim::Ours { again: false, attempt: in_room }
    };
    tx.commit().await?;
    Ok((claim, left(allowed, used + i64::from(is_new))))
}

/// How many of an interview's interviewers were replaced.
pub(crate) async fn used(tx: &mut Tx, id: &str) -> Result<i64, sqlx::Error> {
    let count = sqlx::query("SELECT COUNT(*) FROM replacements WHERE interview_id = $1").bind(id);
    count.fetch_one(&mut **tx).await?.try_get(0)
}

/// How many may still be.
pub(crate) fn left(allowed: i64, used: i64) -> u8 {
    u8::try_from((allowed - used).clamp(0, MOST.into())).unwrap_or(0)
}

/// Whether that is an interviewer of this interview, by what LiveKit told or by its list: a candidate's token puts nobody else out.
fn serves(lifecycle: &Lifecycle, lost: &Presence, listed: &[Participant], agent_name: Option<&str>) -> bool {
    let told = lifecycle.serving.is_or_may_be(&lost.identity);
    let there = listed.iter().find(|who| who.identity == lost.identity);
    there.map_or(told, |who| told && who.is_agent() || who.interviews(agent_name))
}

/// Notes that another one was called, or that the next one who asks may try.
pub(crate) async fn called_or_not(
    store: &Store,
    id: &str,
    lost: &Presence,
    called: bool,
) -> Result<(), sqlx::Error> {
    let mut tx = store.write().await?;
    let what = if called {
        sqlx::query("UPDATE replacements SET called_at = $1 WHERE interview_id = $2 AND sid = $3")
            .bind(millis(now()))
    } else {
        sqlx::query("UPDATE replacements SET calling_at = $1 WHERE interview_id = $2 AND sid = $3")
            .bind(0_i64)
    };
    what.bind(id).bind(&lost.sid).execute(&mut *tx).await?;
    tx.commit().await
}

/// Whether the one that reports so was replaced: whatever it says of the end, it can't end what goes on without it.
pub(crate) async fn was_replaced(tx: &mut Tx, id: &str, source: &Source) -> Result<bool, sqlx::Error> {
    let Some(job) = source.job() else { return Ok(false) };
    let found = sqlx::query("SELECT 1 FROM replacements WHERE interview_id = $1 AND job = $2")
        .bind(id)
        .bind(job)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(found.is_some())
}
