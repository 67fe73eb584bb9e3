//! Interviewers that were not gone when they were sent away, and those that were awaited long enough: what the request that found it
//! did not come to.

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use tracing::Instrument as _;

use crate::interview_span::of_interview;
use crate::interviewers::{give_up_or_say, put_out};
use crate::lease::{Lease, PAUSE};
use crate::lifecycle_store::lifecycles_of;
use crate::sent_away::PENDING;
use crate::state::App;
use crate::store::{Store, millis, now};

/// The request that found it tries for so long.
const TRIED: chrono::Duration = chrono::Duration::seconds(5);
/// Questions to LiveKit at a time: it is slow when a server of it died.
const AT_A_TIME: usize = 8;

/// Of those who are awaited, each interview's policy says which is due.
pub(super) const AWAITED: &str =
    "SELECT * FROM interviews WHERE agent_awaited_since < $1 AND ended_at IS NULL
     ORDER BY agent_awaited_since LIMIT 500";

/// Looks after all, for ever: those who were not gone when they were sent away, those who were awaited long enough.
pub(super) async fn look_after(app: &App, lease: &Lease) {
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
        put_out(app, &room, &identity).instrument(of_interview(&room)).await;
    };
    futures_util::stream::iter(pending?).for_each_concurrent(AT_A_TIME, put_out).await;
    let awaited = lifecycles_of(&listed(&app.store, AWAITED, now).await?)?;
    let overdue = awaited.into_iter().filter(|(_, lifecycle)| lifecycle.serving.is_overdue(now));
    let overdue: Vec<String> = overdue.map(|(id, _)| id).collect();
    let give_up = |id: String| async move { give_up_or_say(app, &id).instrument(of_interview(&id)).await };
    futures_util::stream::iter(overdue).for_each_concurrent(AT_A_TIME, give_up).await;
    Ok(())
}

async fn listed(
    store: &Store,
    query: &'static str,
    before: DateTime<Utc>,
) -> Result<Vec<AnyRow>, sqlx::Error> {
    sqlx::query(query).bind(millis(before)).fetch_all(store.read()).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use adjourn_protocol::Source;
    use parking_lot::Mutex;
    use serde_json::{Value, json};

    use super::*;
    use crate::sent_away;
    use crate::serving;
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
            interview(&store, millis(now() - serving::AWAITED)).await;
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
        sent_away::note(&mut tx, "i", "agent-AJ_2", false, now()).await.unwrap();
        let source = |job: &str| Source::Agent(job.to_owned());
        assert!(sent_away::is_in_vain(&mut tx, "i", &source("AJ_2")).await.unwrap());
        for other in [source("AJ_3"), Source::Client] {
            assert!(!sent_away::is_in_vain(&mut tx, "i", &other).await.unwrap(), "{other}");
        }
        tx.commit().await.unwrap();
        assert_eq!(sent_away::in_vain(&store, "i").await.unwrap(), BTreeSet::from([source("AJ_2")]));
        // Nobody listens there: the next round tries again.
        let nowhere = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
        let later = now() + TRIED + chrono::Duration::seconds(1);
        round(&app_at(store.clone(), nowhere).await, later).await.unwrap();
        let (address, asked) = livekit(json!({})).await;
        let app = app_at(store.clone(), address).await;
        round(&app, now()).await.unwrap();
        assert_eq!(asked.lock().len(), 0, "the request that found it tries for some seconds");
        for _ in 0..2 {
            round(&app, later).await.unwrap();
        }
        let expected = ("RemoveParticipant".to_owned(), json!({"room": "i", "identity": "agent-AJ_2"}));
        assert_eq!(*asked.lock(), [expected], "once it is out nobody asks again");
        // It comes once more.
        let mut tx = store.write().await.unwrap();
        sent_away::note(&mut tx, "i", "agent-AJ_2", false, now()).await.unwrap();
        tx.commit().await.unwrap();
        round(&app, later).await.unwrap();
        assert_eq!(asked.lock().len(), 2);
    }
}
