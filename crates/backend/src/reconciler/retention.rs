//! Interviews that are kept no longer, and what those that were erased left in the database's files.

use chrono::{DateTime, Duration, Utc};
use sqlx::Row as _;

use crate::audit::Actor;
use crate::erase::{Erasure, erase_by, overwrite_what_is_left};
use crate::feed;
use crate::hooks::GIVEN_UP;
use crate::lease::{Lease, PAUSE};
use crate::state::App;
use crate::store::{Store, millis, now};

/// Interviews of one kind in one round; the rest is for the next.
const ROUND: i64 = 100;

/// Nothing of it is waited for any more, and who is to be told of it was told, or could not be for as long as webhooks are tried ($2). By the latest of its
/// times: one of them may have been written by a clock that was wrong.
pub(super) const OVER: &str = "SELECT id FROM interviews WHERE completed_at IS NOT NULL AND ended_at < $1
       AND completed_at < $1 AND created_at < $1
       AND (completed_at < $2 OR NOT EXISTS (SELECT 1 FROM deliveries JOIN hooks ON hooks.id = deliveries.hook_id
         WHERE deliveries.interview_id = interviews.id AND deliveries.given_up_at IS NULL AND hooks.stopped_at IS NULL)
         AND NOT EXISTS (SELECT 1 FROM events WHERE events.interview_id = interviews.id AND (events.place IS NULL
           OR events.place > (SELECT MIN(hooks.place) FROM hooks WHERE hooks.stopped_at IS NULL))))
     ORDER BY ended_at LIMIT $3";
/// Nobody began it, and nobody can any more.
pub(super) const UNUSED: &str = "SELECT id FROM interviews WHERE attempt = 0 AND window_to < $1 AND created_at < $1 ORDER BY window_to LIMIT $2";

/// Looks for ever.
pub(super) async fn look(app: &App, lease: &Lease) {
    loop {
        lease.held().await;
        // Each for itself: what can't be erased keeps nothing from being overwritten.
        if let Err(error) = round(&app.store, app.retain, now()).await {
            tracing::warn!(%error, "what is kept no longer could not be erased; the next round tries again");
        }
        if let Err(error) = overwrite_what_is_left(&app.store).await {
            tracing::warn!(%error, "what was erased could not be overwritten; the next round tries again");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn round(store: &Store, retain: Option<Duration>, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    if let Some(retain) = retain
        && feed::clock_is_believed(store, now).await?
    {
        let mut erased = 0_u32;
        for id in kept_no_longer(store, now - retain).await? {
            match erase_by(store, &id, &Actor::retention(), now).await {
                Ok(Erasure::Done(_)) => erased += 1,
                // Somebody began it, or erased it, just now.
                Ok(Erasure::GoesOn | Erasure::RoomOpen | Erasure::Unknown) => {}
                Err(error) => {
                    tracing::warn!(%error, interview_id = id, "an interview that is kept no longer can't be erased");
                }
            }
        }
        if erased > 0 {
            tracing::info!(interviews = erased, days = retain.num_days(), "kept long enough: erased");
        }
    }
    Ok(())
}

async fn kept_no_longer(store: &Store, before: DateTime<Utc>) -> Result<Vec<String>, sqlx::Error> {
    let over = sqlx::query(OVER).bind(millis(before)).bind(millis(before - GIVEN_UP)).bind(ROUND);
    let unused = sqlx::query(UNUSED).bind(millis(before)).bind(ROUND);
    let mut ids = Vec::new();
    for query in [over, unused] {
        for row in query.fetch_all(store.read()).await? {
            ids.push(row.try_get(0)?);
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit;

    async fn set(store: &Store, statement: String) {
        let mut tx = store.write().await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// An interview that ended, or could be begun, until so many days ago.
    async fn interview(store: &Store, id: &str, days: i64, now: DateTime<Utc>, ended: bool) {
        let at = millis(now - Duration::days(days));
        let (attempt, over) = if ended { (1, at.to_string()) } else { (0, "NULL".to_owned()) };
        set(
            store,
            format!(
                "INSERT INTO interviews (id, title, language, max_minutes, window_from, window_to, policy, code_hash, created_at, attempt,
                   started_at, ended_at, completed_at) VALUES ('{id}', 't', 'en', 30, 0, {at}, '{{}}', 'hash of {id}', 0, {attempt}, {over}, {over}, {over})"
            ),
        )
        .await;
    }

    async fn left(store: &Store) -> Vec<String> {
        let rows =
            sqlx::query("SELECT id FROM interviews ORDER BY id").fetch_all(store.read()).await.unwrap();
        rows.iter().map(|row| row.try_get(0).unwrap()).collect()
    }

    /// The clock went on for a day, as far as the database knows.
    async fn steady(store: &Store, now: DateTime<Utc>) {
        let (looked, since) = (millis(now - Duration::seconds(10)), millis(now - Duration::days(3)));
        set(store, format!("UPDATE feed SET looked_at = {looked}, steady_since = {since}")).await;
    }

    #[tokio::test]
    async fn what_is_older_is_erased_and_nothing_else() {
        let (store, _folder) = Store::temporary().await;
        let now = now();
        for (id, days, ended) in [("a", 31, true), ("b", 29, true), ("c", 31, false), ("d", 29, false)] {
            interview(&store, id, days, now, ended).await;
        }
        // Its records are waited for.
        interview(&store, "f", 31, now, true).await;
        set(&store, "UPDATE interviews SET completed_at = NULL WHERE id = 'f'".to_owned()).await;
        // It goes on: its time is not over, however long ago nobody else could begin it.
        interview(&store, "e", 31, now, false).await;
        set(&store, "UPDATE interviews SET attempt = 1 WHERE id = 'e'".to_owned()).await;
        let retain = Some(Duration::days(30));
        // A clock that nobody knows yet is not believed, and without a time nothing is erased.
        round(&store, retain, now).await.unwrap();
        steady(&store, now).await;
        round(&store, None, now).await.unwrap();
        assert_eq!(left(&store).await, ["a", "b", "c", "d", "e", "f"]);
        round(&store, retain, now).await.unwrap();
        assert_eq!(left(&store).await, ["b", "d", "e", "f"]);
        let who: Vec<String> =
            audit::log(&store, Some("a")).await.unwrap().into_iter().map(|entry| entry.who).collect();
        assert_eq!(who, ["retention"]);
        // A clock that jumped makes everything old: nothing of that is believed.
        round(&store, retain, now + Duration::days(300)).await.unwrap();
        assert_eq!(left(&store).await, ["b", "d", "e", "f"]);
        // What is still to be told is told first.
        set(
            &store,
            "INSERT INTO events VALUES ('b', 1, 'e', 'interview.complete', 0, '{}', 1);
             INSERT INTO hooks (id, url, kinds, created_at, place) VALUES ('h', 'https://h', '', 0, 1);
             INSERT INTO deliveries (hook_id, interview_id, revision, place, turn, due_at) VALUES ('h', 'b', 1, 1, 1, 0)"
                .to_owned(),
        )
        .await;
        let later = now + Duration::days(3);
        steady(&store, later).await;
        round(&store, retain, later).await.unwrap();
        assert_eq!(left(&store).await, ["b", "e", "f"]);
        // A webhook that wants nothing any more keeps nothing.
        set(&store, "UPDATE hooks SET stopped_at = 1".to_owned()).await;
        round(&store, retain, later).await.unwrap();
        assert_eq!(left(&store).await, ["e", "f"]);
    }
}
