//! The reconciler: every ten seconds one replica looks for what nobody told us: deadlines that passed, rooms that should be
//! closed, things that may be forgotten. Beside them it compares LiveKit's rooms with ours, as fast as LiveKit answers, and looks
//! after interviewers that are to go or to come back.

pub(crate) mod lease;
mod rooms;

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use sqlx::Row as _;

use self::lease::Lease;
use crate::state::App;

use crate::lifecycle::{Lifecycle, OVERTIME};
use crate::store::{Store, millis, now};
use crate::{audit, interviewers, lifecycle_store, limits};

/// From one round to the next.
pub(crate) const PAUSE: Duration = Duration::from_secs(10);
/// Interviews of one kind in one round; the rest is for the next.
const ROUND: i64 = 5_000;
/// Changes that wait for the database at a time: on SQLite they share a commit, on Postgres each has a connection.
const CHANGED_AT_A_TIME: usize = 8;
/// Ids of webhooks are kept longer than an event may be old.
const WEBHOOKS: chrono::Duration = chrono::Duration::hours(1);

const DUE: &str = "SELECT * FROM interviews WHERE completed_at IS NULL AND started_at IS NOT NULL
     AND ((ended_at IS NULL AND ends_at < $1) OR (agent_report = 'pending' AND ended_at < $2)
       OR (client_record = 'pending' AND ended_at < $3)) LIMIT $4";
const CLOSABLE: &str =
    "SELECT * FROM interviews WHERE room_closed_at IS NULL AND ended_at IS NOT NULL AND attempt > 0
     ORDER BY ended_at LIMIT $1";

/// Reconciles until the server stops.
pub async fn run(app: App) {
    let lease = Lease::default();
    let stop = app.stop();
    let loops = async {
        tokio::join!(
            lease.keep(&app.store),
            deadlines(&app, &lease),
            rooms::compare(&app, &lease),
            interviewers::look_after(&app, &lease)
        )
    };
    tokio::select! {
        _ = loops => {}
        () = stop.cancelled() => {}
    }
}

async fn deadlines(app: &App, lease: &Lease) {
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
    settle(app, due(app, now).await?, move |_, lifecycle| lifecycle.deadlines(&deadlines, now)).await?;
    let closable = closable(store).await?;
    let to_close = closable.iter().filter(|(_, lifecycle)| lifecycle.room_to_close(now));
    for (id, lifecycle) in to_close.take(app.room_closer.places()) {
        app.room_closer.add(id, lifecycle.attempt);
    }
    let mut tx = store.write().await?;
    limits::forget(&mut tx, now).await?;
    audit::forget(&mut tx, now).await?;
    sqlx::query("DELETE FROM webhooks WHERE received_at < $1")
        .bind(millis(now - WEBHOOKS))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    store.rest().await
}

/// Changes the interviews that would change as they were just read: most don't in a round, and need no lock for that. An
/// interview that is in another attempt or room by then stays as it is: what was found is not about that one.
pub(crate) async fn settle(
    app: &App,
    interviews: Vec<(String, Lifecycle)>,
    by: impl Fn(&str, &mut Lifecycle) + Clone + Send + Sync + 'static,
) -> Result<(), sqlx::Error> {
    let to_change = interviews.into_iter().filter(|(id, read)| {
        let mut changed = read.clone();
        by(id, &mut changed);
        changed != *read
    });
    let changes = futures_util::stream::iter(to_change).map(|(id, read)| {
        let (by, of) = (by.clone(), id.clone());
        app.commit_queue.change(app, id, now(), move |lifecycle| {
            if (lifecycle.attempt, &lifecycle.room_sid) == (read.attempt, &read.room_sid) {
                by(&of, lifecycle);
            }
        })
    });
    let mut changes = changes.buffer_unordered(CHANGED_AT_A_TIME);
    while let Some(changed) = changes.next().await {
        changed?;
    }
    Ok(())
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

pub(crate) fn lifecycles_of(rows: &[sqlx::any::AnyRow]) -> Result<Vec<(String, Lifecycle)>, sqlx::Error> {
    rows.iter().map(|row| Ok((row.try_get("id")?, lifecycle_store::read(row)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_round_reads_what_it_looks_for_however_many_interviews_there_are() {
        let (store, _folder) = Store::temporary().await;
        for (query, index) in [
            (DUE, "interviews_overdue"),
            (DUE, "interviews_without_report"),
            (DUE, "interviews_without_record"),
            (CLOSABLE, "interviews_closable"),
            (rooms::LIVE, "interviews_live"),
            (interviewers::OVERDUE, "interviews_awaiting"),
            (interviewers::PENDING, "sent_away_pending"),
        ] {
            let plan = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
            let plan: Vec<String> = sqlx::query(plan)
                .fetch_all(store.read())
                .await
                .unwrap()
                .iter()
                .map(|row| row.try_get("detail").unwrap())
                .collect();
            let searched = plan.iter().any(|step| step.starts_with("SEARCH") && step.contains(index));
            let all = plan.iter().any(|step| step.starts_with("SCAN") || step.contains("TEMP B-TREE"));
            assert!(searched && !all, "{query}: {plan:?}");
        }
    }
}
