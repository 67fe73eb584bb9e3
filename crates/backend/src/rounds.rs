//! The rounds: every ten seconds one replica looks for what nobody told us. Rooms that are gone, rooms that
//! should be, deadlines that passed, things that may be forgotten.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use sqlx::Row as _;
use tokio::time::Instant;

use crate::app::App;
use crate::livekit::LiveKitError;
use crate::standing::{OVERTIME, Standing};
use crate::store::{Store, millis, now};
use crate::{limits, standings};

/// From one round to the next.
const PAUSE: Duration = Duration::from_secs(10);
/// A replica that did the last round may do the next one; another takes over after this.
const LEASE: chrono::Duration = chrono::Duration::seconds(35);
/// A round that takes longer says so that often.
const RENEWED: Duration = Duration::from_secs(10);
/// Rooms in one question to LiveKit.
const ASKED: i64 = 100;
/// Rooms that are looked into for an agent in one round: without webhooks nobody tells of one.
const LOOKED_INTO: usize = 500;
/// After LiveKit's answer the round rests so many times as long as that took: at most a fifth of LiveKit is ours, be it
/// as slow as it likes. One process without Redis compares each name that is asked for with each of its rooms.
const REST: u32 = 4;
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
const LIVE: &str =
    "SELECT * FROM interviews WHERE ended_at IS NULL AND room_sid IS NOT NULL AND room_closed_at IS NULL
     AND (started_at, id) > ($1, $2) ORDER BY started_at, id LIMIT $3";

/// Does the rounds until the server stops.
pub async fn walk(app: App) {
    let holder = hex::encode(rand16());
    for number in 0.. {
        let round = Round { app: &app, holder: &holder, number };
        tokio::select! {
            done = round.walk() => if let Err(error) = done {
                tracing::warn!(%error, "a round was broken off; the next one tries again");
            },
            () = app.stop.cancelled() => return,
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

/// One round.
struct Round<'a> {
    app: &'a App,
    /// Who does it.
    holder: &'a str,
    number: usize,
}

impl Round<'_> {
    /// Does it, if it is ours to do.
    async fn walk(&self) -> Result<(), sqlx::Error> {
        let store = &self.app.store;
        let now = now();
        if !ours(store, self.holder, now).await? {
            return Ok(());
        }
        let began = Instant::now();
        let deadlines = self.app.deadlines;
        let due = due(self.app, now).await?;
        self.settle(due, move |_, standing| standing.deadlines(&deadlines, now)).await?;
        // What waits already is closed first.
        if !self.app.closings_wait() {
            for (id, _) in closable(store).await?.iter().filter(|(_, standing)| standing.room_to_close(now)) {
                self.app.close_room(id);
            }
        }
        self.look_at_rooms().await?;
        limits::forget(store, now).await?;
        let mut tx = store.write().await?;
        sqlx::query("DELETE FROM webhooks WHERE received_at < $1")
            .bind(millis(now - WEBHOOKS))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        metrics::histogram!("adjourn_round_seconds").record(began.elapsed().as_secs_f64());
        Ok(())
    }

    /// Compares LiveKit's rooms with what should be.
    async fn look_at_rooms(&self) -> Result<(), sqlx::Error> {
        let mut renewed = Instant::now();
        let mut unseen = Vec::new();
        let mut last = (0, String::new());
        loop {
            let page = live(&self.app.store, &last).await?;
            let Some((id, standing)) = page.last() else { break };
            last = (standing.started_at.map(millis).unwrap_or_default(), id.clone());
            let names: Vec<String> = page.iter().map(|(id, _)| id.clone()).collect();
            let Some(listed) = at_ease(self.app.livekit.rooms(&names)).await else { return Ok(()) };
            let at = now();
            let without_agent = page.iter().filter(|(_, standing)| standing.agent_seen_at.is_none());
            unseen.extend(without_agent.filter(|(id, _)| listed.contains(id)).cloned());
            self.settle(page, move |id, standing| standing.room_listed(listed.contains(id), at)).await?;
            if renewed.elapsed() > RENEWED {
                if !ours(&self.app.store, self.holder, at).await? {
                    return Ok(());
                }
                renewed = Instant::now();
            }
        }
        let mut with_agent = Vec::new();
        for interview in in_turn(unseen, self.number) {
            // A room may close between the two questions: then the next round tells.
            let Some(there) = at_ease(self.app.livekit.has_agent(&interview.0)).await else { break };
            with_agent.extend(there.then_some(interview));
        }
        let at = now();
        self.settle(with_agent, move |_, standing| standing.agent_seen(at)).await
    }

    /// Changes the interviews that would change as they were just read: most don't in a round, and need no lock for that.
    async fn settle(
        &self,
        interviews: Vec<(String, Standing)>,
        by: impl Fn(&str, &mut Standing) + Clone + Send + Sync + 'static,
    ) -> Result<(), sqlx::Error> {
        let to_change = interviews.into_iter().filter(|(id, read)| {
            let mut changed = read.clone();
            by(id, &mut changed);
            changed != *read
        });
        let changes = futures_util::stream::iter(to_change).map(|(id, _)| {
            let (by, of) = (by.clone(), id.clone());
            self.app.batches.change(self.app, id, now(), move |standing| by(&of, standing))
        });
        let mut changes = changes.buffer_unordered(CHANGED_AT_A_TIME);
        while let Some(changed) = changes.next().await {
            changed?;
        }
        Ok(())
    }
}

/// What LiveKit answered; then rests. `None` is no news, and no reason to ask on.
async fn at_ease<T>(asked: impl Future<Output = Result<T, LiveKitError>>) -> Option<T> {
    let began = Instant::now();
    match asked.await {
        Ok(answer) => {
            tokio::time::sleep(began.elapsed() * REST).await;
            Some(answer)
        }
        Err(error) => {
            tracing::warn!(%error, "LiveKit's rooms can't be looked at");
            None
        }
    }
}

/// Those whose turn it is in this round: all come, one round or another.
fn in_turn<T>(mut of: Vec<T>, round: usize) -> Vec<T> {
    if of.len() > LOOKED_INTO {
        let first = round.wrapping_mul(LOOKED_INTO) % of.len();
        of.rotate_left(first);
        of.truncate(LOOKED_INTO);
    }
    of
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

/// Interviews with a deadline that passed.
async fn due(app: &App, now: DateTime<Utc>) -> Result<Vec<(String, Standing)>, sqlx::Error> {
    let rows = sqlx::query(DUE)
        .bind(millis(now - OVERTIME))
        .bind(millis(now - app.deadlines.agent))
        .bind(millis(now - app.deadlines.client))
        .bind(ROUND)
        .fetch_all(app.store.read())
        .await?;
    standings_of(&rows)
}

/// Ended interviews whose rooms are not known to be closed.
async fn closable(store: &Store) -> Result<Vec<(String, Standing)>, sqlx::Error> {
    let rows = sqlx::query(CLOSABLE).bind(ROUND).fetch_all(store.read()).await?;
    standings_of(&rows)
}

/// The next live interviews with a room, in the order in which they were started: time and id.
async fn live(store: &Store, after: &(i64, String)) -> Result<Vec<(String, Standing)>, sqlx::Error> {
    let rows = sqlx::query(LIVE).bind(after.0).bind(&after.1).bind(ASKED).fetch_all(store.read()).await?;
    standings_of(&rows)
}

fn standings_of(rows: &[sqlx::any::AnyRow]) -> Result<Vec<(String, Standing)>, sqlx::Error> {
    rows.iter().map(|row| Ok((row.try_get("id")?, standings::read(row)?))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_room_is_looked_into_in_some_round() {
        let rooms: Vec<usize> = (0..LOOKED_INTO * 5 / 2).collect();
        let mut seen = HashSet::new();
        for round in 0..3 {
            let turn = in_turn(rooms.clone(), round);
            assert_eq!(turn.len(), LOOKED_INTO);
            seen.extend(turn);
        }
        assert_eq!(seen.len(), rooms.len());
        assert_eq!(in_turn(vec![1, 2], 7), [1, 2]);
    }

    #[tokio::test]
    async fn a_round_reads_what_it_looks_for_however_many_interviews_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("backend.db").to_str().unwrap()).await.unwrap();
        for (query, index) in [
            (DUE, "interviews_overdue"),
            (DUE, "interviews_without_report"),
            (DUE, "interviews_without_record"),
            (CLOSABLE, "interviews_closable"),
            (LIVE, "interviews_live"),
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
