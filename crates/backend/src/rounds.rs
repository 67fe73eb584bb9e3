//! The rounds: every ten seconds one replica looks for what nobody told us. Rooms that are gone, rooms that
//! should be, deadlines that passed, things that may be forgotten.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::Row as _;

use crate::app::App;
use crate::standing::Standing;
use crate::store::{Store, millis, now};
use crate::{limits, standings};

/// From one round to the next.
const PAUSE: Duration = Duration::from_secs(10);
/// A replica that did the last round may do the next one; another takes over after this.
const LEASE: chrono::Duration = chrono::Duration::seconds(35);
/// Rooms in one question to LiveKit.
const ASKED: usize = 100;
/// Interviews of one kind in one round; the rest is for the next.
const ROUND: i64 = 5_000;
/// Ids of webhooks are kept longer than an event may be old.
const WEBHOOKS: chrono::Duration = chrono::Duration::hours(1);

/// Does the rounds until the server stops.
pub async fn walk(app: App) {
    let holder = hex::encode(rand16());
    loop {
        match round(&app, &holder, now()).await {
            Ok(()) => {}
            // The next round tries again.
            Err(error) => tracing::warn!(%error, "a round was broken off"),
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = app.stop.cancelled() => return,
        }
    }
}

fn rand16() -> [u8; 16] {
    let mut random = [0_u8; 16];
    if let Err(error) = getrandom::fill(&mut random) {
        tracing::error!(%error, "no random numbers: two replicas may do the same round, which is harmless");
    }
    random
}

/// One round, if it is ours to do.
pub(crate) async fn round(app: &App, holder: &str, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    if !ours(&app.store, holder, now).await? {
        return Ok(());
    }
    look_at_rooms(app, now).await?;
    // An index serves it: what is complete or never began is not looked at.
    let waiting = ids(
        &app.store,
        "SELECT id FROM interviews WHERE completed_at IS NULL AND started_at IS NOT NULL ORDER BY started_at LIMIT $1",
    )
    .await?;
    for id in waiting {
        change(app, &id, now, |standing| standing.deadlines(&app.deadlines, now)).await?;
    }
    let rooms = ids(
        &app.store,
        "SELECT id FROM interviews WHERE room_closed_at IS NULL AND ended_at IS NOT NULL ORDER BY ended_at LIMIT $1",
    )
    .await?;
    for id in rooms {
        let mut to_close = false;
        change(app, &id, now, |standing| to_close = standing.room_to_close(now)).await?;
        if to_close {
            app.close_room_now(&id).await;
        }
    }
    limits::forget(&app.store, now).await?;
    let mut tx = app.store.write().await?;
    sqlx::query("DELETE FROM webhooks WHERE received_at < $1")
        .bind(millis(now - WEBHOOKS))
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

/// Takes the lease, or keeps it.
async fn ours(store: &Store, holder: &str, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let mut tx = store.write().await?;
    let taken = sqlx::query(
        "INSERT INTO leases (name, holder, until) VALUES ('rounds', $1, $2)
         ON CONFLICT (name) DO UPDATE SET holder = $1, until = $2 WHERE leases.holder = $1 OR leases.until < $3",
    )
    .bind(holder)
    .bind(millis(now + LEASE))
    .bind(millis(now))
    .execute(&mut *tx)
    .await?
    .rows_affected();
    tx.commit().await?;
    Ok(taken == 1)
}

async fn ids(store: &Store, query: &'static str) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::query(query).bind(ROUND).fetch_all(store.read()).await?;
    rows.iter().map(|row| row.try_get("id")).collect()
}

/// Changes one interview under its lock; writes nothing if nothing changed.
pub(crate) async fn change(
    app: &App,
    id: &str,
    now: DateTime<Utc>,
    by: impl FnOnce(&mut Standing),
) -> Result<(), sqlx::Error> {
    let mut tx = app.store.write().await?;
    if let Some(mut standing) = standings::lock(&mut tx, id).await? {
        let before = standing.clone();
        by(&mut standing);
        if standing != before {
            standings::save(&mut tx, id, &standing, now).await?;
            return tx.commit().await;
        }
    }
    tx.rollback().await
}

/// Compares LiveKit's rooms with what should be.
async fn look_at_rooms(app: &App, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let live = ids(
        &app.store,
        "SELECT id FROM interviews WHERE ended_at IS NULL AND started_at IS NOT NULL AND room_sid IS NOT NULL
           AND room_closed_at IS NULL ORDER BY started_at LIMIT $1",
    )
    .await?;
    for names in live.chunks(ASKED) {
        let listed = match app.livekit.rooms(names).await {
            Ok(listed) => listed,
            Err(error) => {
                // No answer is no news.
                tracing::warn!(%error, "LiveKit's rooms can't be listed");
                return Ok(());
            }
        };
        for name in names {
            let there = listed.contains(name);
            let row = sqlx::query("SELECT agent_seen_at FROM interviews WHERE id = $1")
                .bind(name)
                .fetch_one(app.store.read())
                .await?;
            let seen: Option<i64> = row.try_get("agent_seen_at")?;
            // A room may close between the two questions: then the next round tells.
            let agent = there && seen.is_none() && app.livekit.has_agent(name).await.unwrap_or(false);
            change(app, name, now, |standing| {
                standing.room_listed(there, now);
                if agent {
                    standing.agent_seen(now);
                }
            })
            .await?;
        }
    }
    Ok(())
}
