//! One interviewer in a room (see `serving.rs`): who is one too many is sent away until it is gone, and in the place of one that
//! does not come back another one is called.

use std::collections::BTreeSet;
use std::time::Duration;

use adjourn_protocol::Source;
use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use sqlx::any::AnyRow;
use sqlx::{Any, Executor, Row as _};

use crate::livekit::{LiveKitError, Participant};
use crate::reconciler::PAUSE;
use crate::reconciler::lease::Lease;
use crate::serving::{AWAITED, Presence, Seen};
use crate::state::App;
use crate::store::{Store, Tx, millis, now};
use crate::{join, lifecycle_store};

/// From one look at LiveKit to the next, of whoever is to go or to come back.
const LOOK: Duration = Duration::from_millis(300);
/// So often one is put out at once; then by the reconciler, which comes this long after it was found out at the earliest.
const TRIES: u32 = 10;
const TRIED: chrono::Duration = chrono::Duration::seconds(5);
/// Questions to LiveKit at a time: it is slow when a server of it died.
const AT_A_TIME: usize = 8;

pub(crate) const OVERDUE: &str =
    "SELECT id FROM interviews WHERE agent_awaited_since < $1 AND ended_at IS NULL LIMIT 500";
pub(crate) const PENDING: &str =
    "SELECT interview_id, identity FROM sent_away WHERE gone_at IS NULL AND at < $1 ORDER BY at LIMIT 500";

/// The name under which an interview's interviewer is dispatched.
pub(crate) async fn wanted<'e>(
    of: impl Executor<'e, Database = Any>,
    id: &str,
) -> Result<Option<String>, sqlx::Error> {
    let row = sqlx::query("SELECT agent_name FROM interviews WHERE id = $1").bind(id).fetch_optional(of);
    row.await?.map_or(Ok(None), |row| row.try_get("agent_name"))
}

/// Notes that one is sent away, in the transaction that found it out.
pub(crate) async fn sent_away(
    tx: &mut Tx,
    id: &str,
    identity: &str,
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    metrics::counter!("adjourn_interviewers_sent_away").increment(1);
    // One that comes once more is to go once more.
    sqlx::query(
        "INSERT INTO sent_away (interview_id, identity, at) VALUES ($1, $2, $3)
         ON CONFLICT (interview_id, identity) DO UPDATE SET at = $3, gone_at = NULL",
    )
    .bind(id)
    .bind(identity)
    .bind(millis(at))
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Sends one away, in the background: it has begun to greet the candidate. What this process does not come to, the reconciler does.
pub(crate) fn send_away(app: &App, room: String, identity: String) {
    let app = app.clone();
    tokio::spawn(async move {
        for _ in 0..TRIES {
            if put_out(&app, &room, &identity).await {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    });
}

/// Puts one out of the room. Gives whether it is out, and noted to be.
async fn put_out(app: &App, room: &str, identity: &str) -> bool {
    if let Err(error) = app.livekit.remove_participant(room, identity).await {
        tracing::warn!(%error, "a second interviewer could not be sent away");
        return false;
    }
    gone(&app.store, room, identity)
        .await
        .inspect_err(|error| tracing::warn!(%error, "who was sent away could not be noted"))
        .is_ok()
}

async fn gone(store: &Store, room: &str, identity: &str) -> Result<(), sqlx::Error> {
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
    let rows = sqlx::query("SELECT identity FROM sent_away WHERE interview_id = $1")
        .bind(id)
        .fetch_all(store.read())
        .await?;
    let mut sources = BTreeSet::new();
    for row in &rows {
        let identity: String = row.try_get("identity")?;
        sources.extend(identity.strip_prefix("agent-").map(|job| Source::Agent(job.to_owned())));
    }
    Ok(sources)
}

/// The same of one source, within a transaction.
pub(crate) async fn is_in_vain(tx: &mut Tx, id: &str, source: &Source) -> Result<bool, sqlx::Error> {
    let Source::Agent(job) = source else { return Ok(false) };
    let found = sqlx::query("SELECT 1 FROM sent_away WHERE interview_id = $1 AND identity = $2")
        .bind(id)
        .bind(format!("agent-{job}"))
        .fetch_optional(&mut **tx)
        .await?;
    Ok(found.is_some())
}

/// Looks after the one that is awaited, once its time is over. If this process ends before, the reconciler does it.
pub(crate) fn look_later(app: &App, id: String) {
    let app = app.clone();
    let wait = AWAITED.to_std().unwrap_or_default() + LOOK;
    tokio::spawn(async move {
        tokio::time::sleep(wait).await;
        give_up_or_say(&app, &id).await;
    });
}

/// Looks after all, for ever: those who were not gone when they were sent away, those who were awaited long enough.
pub(crate) async fn look_after(app: &App, lease: &Lease) {
    loop {
        lease.held().await;
        if let Err(error) = round(app, now()).await {
            tracing::warn!(%error, "interviewers are looked after in the next round");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn round(app: &App, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let pending = listed(&app.store, PENDING, now - TRIED).await?;
    let pending: Result<Vec<(String, String)>, sqlx::Error> =
        pending.iter().map(|row| Ok((row.try_get("interview_id")?, row.try_get("identity")?))).collect();
    let put_out = |(room, identity): (String, String)| async move {
        put_out(app, &room, &identity).await;
    };
    futures_util::stream::iter(pending?).for_each_concurrent(AT_A_TIME, put_out).await;
    let overdue = listed(&app.store, OVERDUE, now - AWAITED).await?;
    let overdue: Result<Vec<String>, sqlx::Error> = overdue.iter().map(|row| row.try_get("id")).collect();
    let give_up = |id: String| async move { give_up_or_say(app, &id).await };
    futures_util::stream::iter(overdue?).for_each_concurrent(AT_A_TIME, give_up).await;
    Ok(())
}

async fn listed(
    store: &Store,
    query: &'static str,
    before: DateTime<Utc>,
) -> Result<Vec<AnyRow>, sqlx::Error> {
    sqlx::query(query).bind(millis(before)).fetch_all(store.read()).await
}

async fn give_up_or_say(app: &App, id: &str) {
    if let Err(error) = give_up(app, id).await {
        tracing::warn!(%error, "an interviewer that did not come back is looked after in the next round");
    }
}

/// Calls another interviewer, if the one of before is not back. LiveKit is asked first: its word that it is back may have been
/// lost. Under the row's lock: one replica does.
async fn give_up(app: &App, id: &str) -> Result<(), sqlx::Error> {
    let listed: Vec<Presence> = match app.livekit.participants(id).await {
        Ok(listed) => listed.iter().filter(|who| who.is_agent()).map(Participant::presence).collect(),
        Err(error) => {
            tracing::warn!(%error, "whether an interviewer is back is not known yet");
            return Ok(());
        }
    };
    let at = now();
    let called = lifecycle_store::change(&app.store, id, at, |lifecycle| {
        if let Some(back) = lifecycle.serving.returned(&listed) {
            lifecycle.interviewer_came(back, at);
        }
        lifecycle.gives_up_waiting(at).then_some(lifecycle.attempt)
    });
    let Some(Some(attempt)) = called.await? else { return Ok(()) };
    if !join::call_interviewer(app, id, attempt, at).await {
        lifecycle_store::change(&app.store, id, at, |lifecycle| lifecycle.nobody_was_called(at)).await?;
    }
    Ok(())
}

/// Looks into a room.
pub(crate) async fn seen_in(app: &App, id: &str, agent_name: Option<&str>) -> Result<Seen, LiveKitError> {
    let there = app.livekit.participants(id).await?;
    Ok(Seen {
        agent: there.iter().any(Participant::is_agent),
        interviewer: there.iter().find(|who| who.interviews(agent_name)).map(Participant::presence),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use serde_json::{Value, json};

    use super::*;
    use crate::state::tests::app_at;

    /// A LiveKit that lists one agent, and takes note of what it is asked.
    async fn livekit(listed: Value) -> (std::net::SocketAddr, Arc<Mutex<Vec<(String, Value)>>>) {
        let asked: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let noted = Arc::clone(&asked);
        let answer = axum::routing::post(
            move |axum::extract::Path(call): axum::extract::Path<String>, body: axum::Json<Value>| async move {
                noted.lock().push((call.clone(), body.0));
                axum::Json(if call == "ListParticipants" { listed } else { json!({}) })
            },
        );
        let router = axum::Router::new()
            .route("/twirp/livekit.RoomService/{call}", answer.clone())
            .route("/twirp/livekit.AgentDispatchService/{call}", answer);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (address, asked)
    }

    async fn interview(store: &Store, awaited_since: i64) {
        let mut tx = store.write().await.unwrap();
        sqlx::query(
            "INSERT INTO interviews (id, title, language, max_minutes, window_from, window_to, policy, code_hash, created_at,
               attempt, room_sid, room_attempt, started_at, agent_name, agent_identity, agent_sid, agent_seen_at, agent_awaited_since)
             VALUES ('i', 't', 'en', 30, 0, 0, '{}', 'c', 0, 1, 'RM_1', 1, 0, 'interviewer', 'agent-1', 'PA_1', 0, $1)",
        )
        .bind(awaited_since)
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    fn agent(sid: &str) -> Value {
        json!({"participants": [{"kind": "AGENT", "identity": "agent-1", "sid": sid}]})
    }

    #[tokio::test]
    async fn another_one_is_called_in_the_place_of_one_that_is_not_back() {
        // The dead server's presence is still listed; or it is back, and nobody told; or there is nobody.
        for (listed, called) in [(agent("PA_1"), true), (agent("PA_1b"), false), (json!({}), true)] {
            let (store, _folder) = Store::temporary().await;
            interview(&store, millis(now() - AWAITED)).await;
            let (address, asked) = livekit(listed.clone()).await;
            let app = app_at(store, address).await;
            for _ in 0..2 {
                round(&app, now() + chrono::Duration::seconds(1)).await.unwrap();
            }
            let dispatched: Vec<Value> = asked
                .lock()
                .iter()
                .filter(|(call, _)| call == "CreateDispatch")
                .map(|(_, body)| body.clone())
                .collect();
            assert_eq!(dispatched.len(), usize::from(called), "{listed}: {dispatched:?}");
            assert!(dispatched.iter().all(|d| d["room"] == "i" && d["agent_name"] == "interviewer"));
        }
    }

    #[tokio::test]
    async fn who_was_sent_away_is_put_out_by_the_reconciler_if_nobody_did_and_reports_in_vain() {
        let (store, _folder) = Store::temporary().await;
        interview(&store, millis(now())).await;
        let mut tx = store.write().await.unwrap();
        sent_away(&mut tx, "i", "agent-AJ_2", now()).await.unwrap();
        let source = |job: &str| Source::Agent(job.to_owned());
        assert!(is_in_vain(&mut tx, "i", &source("AJ_2")).await.unwrap());
        for other in [source("AJ_3"), Source::Client] {
            assert!(!is_in_vain(&mut tx, "i", &other).await.unwrap(), "{other}");
        }
        tx.commit().await.unwrap();
        assert_eq!(in_vain(&store, "i").await.unwrap(), BTreeSet::from([source("AJ_2")]));
        // Nobody listens there: the next round tries again.
        let nowhere = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
        let later = now() + TRIED + chrono::Duration::seconds(1);
        round(&app_at(store.clone(), nowhere).await, later).await.unwrap();
        let (address, asked) = livekit(json!({})).await;
        let app = app_at(store.clone(), address).await;
        round(&app, now()).await.unwrap();
        assert_eq!(asked.lock().len(), 0, "whoever found it out tries for some seconds");
        for _ in 0..2 {
            round(&app, later).await.unwrap();
        }
        let expected = ("RemoveParticipant".to_owned(), json!({"room": "i", "identity": "agent-AJ_2"}));
        assert_eq!(*asked.lock(), [expected], "once it is out nobody asks again");
        // It comes once more.
        let mut tx = store.write().await.unwrap();
        sent_away(&mut tx, "i", "agent-AJ_2", now()).await.unwrap();
        tx.commit().await.unwrap();
        round(&app, later).await.unwrap();
        assert_eq!(asked.lock().len(), 2);
    }
}
