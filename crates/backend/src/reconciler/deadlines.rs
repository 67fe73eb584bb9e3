//! Deadlines that passed, rooms that should be closed, things that may be forgotten: every ten seconds.

use chrono::{DateTime, Utc};

use super::settling::settle;
use crate::lease::{Lease, PAUSE};
use crate::lifecycle::{Lifecycle, OVERTIME};
use crate::lifecycle_store::lifecycles_of;
use crate::state::App;
use crate::store::{Store, millis, now};
use crate::{audit, feed, limits, seats, tombstone};

/// Interviews of one kind in one round; the rest is for the next.
const ROUND: i64 = 5_000;
/// Ids of webhooks are kept longer than an event may be old.
const WEBHOOKS: chrono::Duration = chrono::Duration::hours(1);

pub(super) const DUE: &str = "SELECT * FROM interviews WHERE completed_at IS NULL AND started_at IS NOT NULL
     AND ((ended_at IS NULL AND ends_at < $1) OR (agent_report = 'pending' AND ended_at < $2)
       OR (client_record = 'pending' AND ended_at < $3)) LIMIT $4";
pub(super) const CLOSABLE: &str =
    "SELECT * FROM interviews WHERE room_closed_at IS NULL AND ended_at IS NOT NULL AND attempt > 0
     ORDER BY ended_at LIMIT $1";

/// Looks for ever.
pub(super) async fn look(app: &App, lease: &Lease) {
    loop {
        lease.held().await;
        if let Err(error) = round(app).await {
            tracing::warn!(%error, "a round was broken off; the next one tries again");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn round(app: &App) -> Result<(), sqlx::Error> {
    let (store, now) = (&app.store, now());
    let deadlines = app.deadlines;
    settle(&app.commit_queue, due(app, now).await?, move |_, lifecycle| lifecycle.deadlines(&deadlines, now))
        .await?;
    let closable = closable(store).await?;
    let to_close = closable.iter().filter(|(_, lifecycle)| lifecycle.room_to_close(now));
    for (id, lifecycle) in to_close.take(app.room_closer.places()) {
        app.room_closer.add(id, lifecycle.attempt);
    }
    let mut tx = store.write().await?;
    limits::forget(&mut tx, now).await?;
    if feed::look_at_clock(&mut tx, now).await? {
        audit::forget(&mut tx, now).await?;
        feed::forget(&mut tx, now).await?;
        tombstone::forget(&mut tx, now).await?;
        seats::forget(&mut tx, now).await?;
    }
    sqlx::query("DELETE FROM webhooks WHERE received_at < $1")
        .bind(millis(now - WEBHOOKS))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    store.rest().await
}

/// Interviews with a deadline that passed.
async fn due(app: &App, now: DateTime<Utc>) -> Result<Vec<(String, Lifecycle)>, sqlx::Error> {
    let rows = sqlx::query(DUE)
        .bind(millis(now - OVERTIME))
        .bind(millis(now - app.deadlines.agent))
        .bind(millis(now - app.deadlines.client))
        .bind(ROUND)
        .fetch_all(app.store.read())
        .await?;
    lifecycles_of(&rows)
}

/// Ended interviews whose rooms are not known to be closed.
async fn closable(store: &Store) -> Result<Vec<(String, Lifecycle)>, sqlx::Error> {
    let rows = sqlx::query(CLOSABLE).bind(ROUND).fetch_all(store.read()).await?;
    lifecycles_of(&rows)
}
