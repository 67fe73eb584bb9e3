//! LiveKit's rooms against ours: what webhooks tell, if they come, found out without them. Every live interview is looked
//! at in each pass; a pass takes as long as LiveKit needs for it.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use tracing::Instrument as _;

use super::settling::settle;
use crate::interview_span::of_interview;
use crate::lease::{Lease, PAUSE};
use crate::lifecycle::Lifecycle;
use crate::lifecycle_store::lifecycles_of;
use crate::livekit::LiveKitError;
use crate::serving::Seen;
use crate::state::App;
use crate::store::{Store, millis, now};
use crate::{interviewers, sent_away};

/// Rooms in one question to LiveKit.
const ASKED: i64 = 100;
/// Rooms that are looked into for an interviewer in one pass: without webhooks nobody tells of one.
const LOOKED_INTO: usize = 500;
/// And so many where we know of one: a webhook that says it left may be lost, or come before the one that says it came.
const LOOKED_AFTER: usize = 100;
/// One that is not found for so long is not there: a room that is opened anew elsewhere lists nobody for a moment, and LiveKit's
/// word that it was is on its way.
const ABSENT: Duration = Duration::from_secs(15);
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
    /// Rooms with one.
    served: Vec<(String, Lifecycle)>,
    /// Interviews whose interviewer was not found: its presence, and since when. Kept from pass to pass.
    absent: HashMap<String, (String, Instant)>,
}

/// Compares for ever.
pub(super) async fn compare(app: &App, lease: &Lease) {
    let mut pass = Pass::default();
    loop {
        lease.held().await;
        match pass.walk(app, lease).await {
            Ok(true) => {
                let absent = std::mem::take(&mut pass.absent);
                pass = Pass { number: pass.number.wrapping_add(1), absent, ..Pass::default() };
            }
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
                // What another replica sees meanwhile is not known here.
                self.absent.clear();
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
            let in_rooms = page.iter().filter(|(id, _)| listed.contains(id)).cloned();
            let (unseen, known): (Vec<_>, Vec<_>) =
                // Of one that was called in another's place nobody may tell either.
                in_rooms.partition(|(_, lifecycle)| {
                    lifecycle.serving.interviewer.is_none() || lifecycle.serving.is_gone()
                });
            let present =
                |(_, lifecycle): &(String, Lifecycle)| lifecycle.serving.settled_presence().is_some();
            self.served.extend(known.into_iter().filter(present));
            settle(&app.commit_queue, page, move |id, lifecycle| {
                lifecycle.room_listed(listed.contains(id), at)
            })
            .await?;
            self.unseen.extend(unseen);
            self.last = last;
        }
        let unseen = in_turn(std::mem::take(&mut self.unseen), self.number, LOOKED_INTO);
        let served = std::mem::take(&mut self.served);
        let still: HashSet<&str> = served.iter().map(|(id, _)| id.as_str()).collect();
        self.absent.retain(|id, _| still.contains(id.as_str()));
        let served = in_turn(served, self.number, LOOKED_AFTER);
        let mut failed = 0;
        for (id, read) in unseen.into_iter().chain(served) {
            if !lease.is_held() || failed == FAILURES {
                break;
            }
            let agent_name = interviewers::wanted(app.store.read(), &id).await?;
            let sent_away = sent_away::all(&app.store, &id).await?;
            let looked = interviewers::seen_in(app, &id, agent_name.as_deref(), &sent_away);
            let Some(seen) = with_backoff(looked).instrument(of_interview(&id)).await else {
                failed += 1;
                continue;
            };
            // LiveKit's word that they came again was lost.
            for identity in &seen.out {
                interviewers::put_out(app, &id, identity).instrument(of_interview(&id)).await;
            }
            failed = 0;
            let at = now();
            let gone = self.is_gone(&id, &read, &seen, Instant::now());
            settle(&app.commit_queue, vec![(id, read)], move |_, lifecycle| {
                lifecycle.seen_in_room(&seen, at);
                if let Some(sid) = &gone {
                    lifecycle.serving.left(sid, at);
                }
            })
            .await?;
        }
        metrics::histogram!("adjourn_round_seconds").record(began.elapsed().as_secs_f64());
        Ok(true)
    }
}

impl Pass {
    /// The presence of an interviewer that is known and was not found, now and before.
    fn is_gone(&mut self, id: &str, read: &Lifecycle, seen: &Seen, now: Instant) -> Option<String> {
        let presence = read.serving.settled_presence().filter(|who| !seen.sids.contains(&who.sid));
        let Some(sid) = presence.map(|presence| presence.sid.clone()) else {
            self.absent.remove(id);
            return None;
        };
        let (known, since) = self.absent.entry(id.to_owned()).or_insert_with(|| (sid.clone(), now));
        if *known != sid {
            (*known, *since) = (sid.clone(), now);
        }
        (now.duration_since(*since) >= ABSENT).then_some(sid)
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
fn in_turn<T>(mut of: Vec<T>, pass: usize, most: usize) -> Vec<T> {
    if of.len() > most {
        let first = pass.wrapping_mul(most) % of.len();
        of.rotate_left(first);
        of.truncate(most);
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
    use adjourn_protocol::InterviewerState;

    use super::*;
    use crate::serving::Presence;

    #[test]
    fn each_room_is_looked_into_in_some_pass() {
        let rooms: Vec<usize> = (0..LOOKED_INTO * 5 / 2).collect();
        let mut seen = HashSet::new();
        for round in 0..3 {
            let turn = in_turn(rooms.clone(), round, LOOKED_INTO);
            assert_eq!(turn.len(), LOOKED_INTO);
            seen.extend(turn);
        }
        assert_eq!(seen.len(), rooms.len());
        assert_eq!(in_turn(vec![1, 2], 7, LOOKED_INTO), [1, 2]);
    }

    #[test]
    fn an_interviewer_that_left_without_a_word_is_missed_twice_before_it_is_gone() {
        let (mut pass, began) = (Pass::default(), Instant::now());
        let who = |sid: &str| Presence { identity: "agent".to_owned(), sid: sid.to_owned() };
        let mut read = Lifecycle::default();
        read.interviewer_came(who("PA_1"), now());
        let nobody = Seen::default();
        let there = Seen {
            agent: true,
            interviewer: Some(who("PA_1")),
            sids: vec!["PA_1".to_owned()],
            ..Seen::default()
        };
        let mut gone = |read: &Lifecycle, seen: &Seen, s: u64| {
            pass.is_gone("id", read, seen, began + Duration::from_secs(s))
        };
        assert_eq!(gone(&read, &nobody, 0), None, "once may be a room that is opened anew");
        assert_eq!(gone(&read, &nobody, 10), None);
        assert_eq!(gone(&read, &there, 12), None);
        assert_eq!(gone(&read, &nobody, 20), None, "it was there in between");
        assert_eq!(gone(&read, &nobody, 35), Some("PA_1".to_owned()));
        // Another stay is another one.
        read.interviewer_came(who("PA_2"), now());
        assert_eq!(gone(&read, &nobody, 40), None);
        assert_eq!(gone(&read, &nobody, 60), Some("PA_2".to_owned()));
        // Somebody else's stay is not its own.
        let other = Seen {
            agent: true,
            interviewer: Some(who("PA_9")),
            sids: vec!["PA_9".to_owned()],
            ..Seen::default()
        };
        assert_eq!(gone(&read, &other, 70), Some("PA_2".to_owned()));
        read.serving.left("PA_2", now());
        assert_eq!(gone(&read, &nobody, 80), None);
        // Back without a webhook that says so: found by looking. Its stay of before is none.
        let before = Seen {
            agent: true,
            interviewer: Some(who("PA_2")),
            sids: vec!["PA_2".to_owned()],
            ..Seen::default()
        };
        read.seen_in_room(&before, now());
        assert_eq!(read.serving.state(), Some(InterviewerState::Left));
        read.seen_in_room(&other, now());
        assert_eq!(read.serving.state(), Some(InterviewerState::Present));
    }
}
