//! LiveKit's rooms against ours: what webhooks tell, if they come, found out without them. Every live interview is looked
//! at in each pass; a pass takes as long as LiveKit needs for it.

use std::time::Instant;

use super::lease::{Lease, PAUSE};
use super::settling::settle;
use crate::interviewers;
use crate::lifecycle::Lifecycle;
use crate::lifecycle_store::lifecycles_of;
use crate::livekit::LiveKitError;
use crate::state::App;
use crate::store::{Store, millis, now};

/// Rooms in one question to LiveKit.
const ASKED: i64 = 100;
/// Rooms that are looked into for an interviewer in one pass: without webhooks nobody tells of one.
const LOOKED_INTO: usize = 500;
/// After LiveKit's answer we rest so many times as long as that took: at most a fifth of LiveKit is ours, be it
/// as slow as it likes. One process without Redis compares each name that is asked for with each of its rooms.
const REST: u32 = 4;
/// So many questions may fail one after another before a pass is left.
const FAILURES: u32 = 3;

pub(super) const LIVE: &str =
    "SELECT * FROM interviews WHERE ended_at IS NULL AND room_sid IS NOT NULL AND room_closed_at IS NULL
     AND (started_at, id) > ($1, $2) AND started_at <= $3 ORDER BY started_at, id LIMIT $4";

/// A pass over all live interviews, in the order in which they were started.
#[derive(Debug, Default)]
struct Pass {
    number: usize,
    /// When it began; who joined later is for the next one.
    began: Option<(i64, Instant)>,
    /// The last interview that was looked at: when it was started, and its id.
    last: (i64, String),
    /// Rooms without an interviewer, as far as we know.
    unseen: Vec<(String, Lifecycle)>,
}

/// Compares for ever.
pub(super) async fn compare(app: &App, lease: &Lease) {
    let mut pass = Pass::default();
    loop {
        lease.held().await;
        match pass.walk(app, lease).await {
            Ok(true) => pass = Pass { number: pass.number.wrapping_add(1), ..Pass::default() },
            // Goes on where it was: what failed must not hide what comes behind it.
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the rooms can't be compared; tried again"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Pass {
    /// Goes on to its end, or until the lease is lost, or LiveKit does not answer. Gives whether it is done.
    async fn walk(&mut self, app: &App, lease: &Lease) -> Result<bool, sqlx::Error> {
        let (until, began) = *self.began.get_or_insert_with(|| (millis(now()), Instant::now()));
        loop {
            if !lease.is_held() {
                return Ok(false);
            }
            let page = live(&app.store, &self.last, until).await?;
            let Some((id, lifecycle)) = page.last() else { break };
            let last = (lifecycle.started_at.map(millis).unwrap_or_default(), id.clone());
            let names: Vec<String> = page.iter().map(|(id, _)| id.clone()).collect();
            let Some(listed) = with_backoff(app.livekit.rooms(&names)).await else {
                self.last = last;
                return Ok(false);
            };
            let at = now();
            let without = page.iter().filter(|(_, lifecycle)| lifecycle.serving.interviewer.is_none());
            let unseen: Vec<_> = without.filter(|(id, _)| listed.contains(id)).cloned().collect();
            settle(&app.commit_queue, page, move |id, lifecycle| {
                lifecycle.room_listed(listed.contains(id), at)
            })
            .await?;
            self.unseen.extend(unseen);
            self.last = last;
        }
        let mut failed = 0;
        for (id, read) in in_turn(std::mem::take(&mut self.unseen), self.number) {
            if !lease.is_held() || failed == FAILURES {
                break;
            }
            let agent_name = interviewers::wanted(app.store.read(), &id).await?;
            let Some(seen) = with_backoff(interviewers::seen_in(app, &id, agent_name.as_deref())).await
            else {
                failed += 1;
                continue;
            };
            failed = 0;
            let at = now();
            settle(&app.commit_queue, vec![(id, read)], move |_, lifecycle| {
                lifecycle.seen_in_room(&seen, at)
            })
            .await?;
        }
        metrics::histogram!("adjourn_round_seconds").record(began.elapsed().as_secs_f64());
        Ok(true)
    }
}

/// What LiveKit answered; then rests. `None` is no news.
async fn with_backoff<T>(asked: impl Future<Output = Result<T, LiveKitError>>) -> Option<T> {
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

/// Those whose turn it is in this pass: all come, one pass or another.
fn in_turn<T>(mut of: Vec<T>, pass: usize) -> Vec<T> {
    if of.len() > LOOKED_INTO {
        let first = pass.wrapping_mul(LOOKED_INTO) % of.len();
        of.rotate_left(first);
        of.truncate(LOOKED_INTO);
    }
    of
}

/// The next live interviews with a room, in the order in which they were started.
async fn live(
    store: &Store,
    after: &(i64, String),
    until: i64,
) -> Result<Vec<(String, Lifecycle)>, sqlx::Error> {
    let rows = sqlx::query(LIVE)
        .bind(after.0)
        .bind(&after.1)
        .bind(until)
        .bind(ASKED)
        .fetch_all(store.read())
        .await?;
    lifecycles_of(&rows)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_room_is_looked_into_in_some_pass() {
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
}
