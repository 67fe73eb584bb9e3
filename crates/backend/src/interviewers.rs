//! One interviewer in a room. When a server of several dies, another one opens its rooms anew: LiveKit sends a second interviewer
//! there before the first one has noticed that it was cut off. It is sent away, and the first one awaited; only if that one does not
//! come back another one is called.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::Row as _;

use crate::app::App;
use crate::standing::AWAITED;
use crate::store::{Store, Tx, millis, now};
use crate::{join, standings};

/// A try to send somebody away that failed is made once more after this, and so often.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(300);
const TRIES: u32 = 10;

/// Notes that one is sent away, in the transaction that found it out.
pub(crate) async fn sent_away(
    tx: &mut Tx,
    id: &str,
    identity: &str,
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO sent_away (interview_id, identity, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(identity)
    .bind(millis(at))
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Sends one away, in the background: it has begun to greet the candidate.
pub(crate) fn send_away(app: &App, room: String, identity: String) {
    let app = app.clone();
    metrics::counter!("adjourn_interviewers_sent_away").increment(1);
    tokio::spawn(async move {
        for _ in 0..TRIES {
            match app.livekit.remove_participant(&room, &identity).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "a second interviewer could not be sent away"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
}

/// Sources (`agent:<job id>`) whose word is nobody's: they were sent away. livekit-agents calls a job's participant
/// `agent-<job id>`; one that chose another name is not told apart here.
pub(crate) async fn in_vain(store: &Store, id: &str) -> Result<BTreeSet<String>, sqlx::Error> {
    let rows = sqlx::query("SELECT identity FROM sent_away WHERE interview_id = $1")
        .bind(id)
        .fetch_all(store.read())
        .await?;
    let mut sources = BTreeSet::new();
    for row in &rows {
        let identity: String = row.try_get("identity")?;
        sources.extend(identity.strip_prefix("agent-").map(|job| format!("agent:{job}")));
    }
    Ok(sources)
}

/// The same of one source, within a transaction.
pub(crate) async fn is_in_vain(tx: &mut Tx, id: &str, source: &str) -> Result<bool, sqlx::Error> {
    let Some(job) = source.strip_prefix("agent:") else { return Ok(false) };
    let found = sqlx::query("SELECT 1 FROM sent_away WHERE interview_id = $1 AND identity = $2")
        .bind(id)
        .bind(format!("agent-{job}"))
        .fetch_optional(&mut **tx)
        .await?;
    Ok(found.is_some())
}

/// Looks after the one that is awaited, once its time is over. If this process ends before, the rounds do it.
pub(crate) fn look_later(app: &App, id: String) {
    let app = app.clone();
    let wait = AWAITED.to_std().unwrap_or_default() + PAUSE;
    tokio::spawn(async move {
        tokio::time::sleep(wait).await;
        if let Err(error) = give_up(&app, &id).await {
            tracing::warn!(%error, "an interviewer that did not come back is looked after in the next round");
        }
    });
}

/// Interviews whose interviewer was awaited long enough.
pub(crate) async fn overdue(store: &Store, now: DateTime<Utc>) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::query("SELECT id FROM interviews WHERE agent_awaited_since < $1 LIMIT 100")
        .bind(millis(now - AWAITED))
        .fetch_all(store.read())
        .await?;
    rows.iter().map(|row| row.try_get("id")).collect()
}

/// Calls another interviewer, if the one of before is not back. LiveKit is asked first: its word that it is back may have been
/// lost. Under the row's lock: one replica does.
pub(crate) async fn give_up(app: &App, id: &str) -> Result<(), sqlx::Error> {
    let agents = match app.livekit.agents(id).await {
        Ok(agents) => agents,
        Err(error) => {
            tracing::warn!(%error, "whether an interviewer is back is not known yet");
            return Ok(());
        }
    };
    let at = now();
    let called = standings::change(&app.store, id, at, |standing| {
        // Servers that share a Redis go on listing whoever was on the one that died: only another presence is a return.
        let before = (standing.agent_identity.as_deref(), standing.agent_sid.as_deref());
        let returned = |(identity, sid): &&(String, String)| {
            Some(identity.as_str()) == before.0 && Some(sid.as_str()) != before.1
        };
        let back = agents.iter().find(returned).cloned();
        if let Some((identity, sid)) = back.filter(|_| standing.agent_awaited_since.is_some()) {
            standing.interviewer_came(&identity, &sid, at);
        }
        standing.gives_up_waiting(at).then_some(standing.attempt)
    });
    let Some(Some(attempt)) = called.await? else { return Ok(()) };
    if !join::call_interviewer(app, id, attempt, at).await {
        standings::change(&app.store, id, at, |standing| standing.nobody_was_called(at)).await?;
    }
    Ok(())
}
