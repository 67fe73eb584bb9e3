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
        if let Err(error) = round(&app, &holder, now()).await {
            tracing::warn!(%error, "a round was broken off; the next one tries again");
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
    let waiting = standings_of(
        &app.store,
        "SELECT * FROM interviews WHERE completed_at IS NULL AND started_at IS NOT NULL ORDER BY started_at LIMIT $1",
    )
    .await?;
    for (id, standing) in waiting {
        settle(app, &id, &standing, now, |standing| standing.deadlines(&app.deadlines, now)).await?;
    }
    let rooms = standings_of(
        &app.store,
        "SELECT * FROM interviews WHERE room_closed_at IS NULL AND ended_at IS NOT NULL ORDER BY ended_at LIMIT $1",
    )
    .await?;
    let to_close = rooms.into_iter().filter(|(_, standing)| standing.room_to_close(now)).map(|(id, _)| id);
    app.close_rooms_now(to_close.collect()).await;
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

async fn standings_of(store: &Store, query: &'static str) -> Result<Vec<(String, Standing)>, sqlx::Error> {
    let rows = sqlx::query(query).bind(ROUND).fetch_all(store.read()).await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, standings::read(row)?))).collect()
}

/// Changes an interview, if it would change as it was just read: most don't in a round, and need no lock for that.
async fn settle(
    app: &App,
    id: &str,
    read: &Standing,
    now: DateTime<Utc>,
    by: impl Fn(&mut Standing),
) -> Result<(), sqlx::Error> {
    let mut changed = read.clone();
    by(&mut changed);
    if changed != *read {
        standings::change(&app.store, id, now, by).await?;
    }
    Ok(())
}

/// Compares LiveKit's rooms with what should be.
async fn look_at_rooms(app: &App, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let live = standings_of(
        &app.store,
        "SELECT * FROM interviews WHERE ended_at IS NULL AND started_at IS NOT NULL AND room_sid IS NOT NULL
           AND room_closed_at IS NULL ORDER BY started_at LIMIT $1",
    )
    .await?;
    for asked in live.chunks(ASKED) {
        let names: Vec<String> = asked.iter().map(|(id, _)| id.clone()).collect();
        let listed = match app.livekit.rooms(&names).await {
            Ok(listed) => listed,
            Err(error) => {
                // No answer is no news.
                tracing::warn!(%error, "LiveKit's rooms can't be listed");
                return Ok(());
            }
        };
        for (id, standing) in asked {
            let there = listed.contains(id);
            // A room may close between the two questions: then the next round tells.
            let agent =
                there && standing.agent_seen_at.is_none() && app.livekit.has_agent(id).await.unwrap_or(false);
            settle(app, id, standing, now, |standing| {
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
