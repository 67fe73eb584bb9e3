//! What is still to be sent to each webhook. On disk before it is sent, and gone from there once it was taken: whoever sends may
//! die at any moment, and another one goes on.

use chrono::{DateTime, Utc};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::delivery::Answer;
use super::register::{self, Hook, NoHook, Went};
use super::retry::{GIVEN_UP, RESTS, pause};
use crate::audit::{self, Actor, Deed};
use crate::store::{Store, Tx, known_time, millis, now};

/// Places of the feed that are taken over in one transaction.
const BATCH: i64 = 500;

/// An event that is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Due {
    interview_id: String,
    revision: i64,
    tries: i64,
    taken_at: DateTime<Utc>,
    /// The event as it is sent.
    pub(super) body: String,
}

impl Due {
    /// `webhook-id`.
    pub(super) fn event_id(&self) -> String {
        crate::feed::event_id(&self.interview_id, self.revision)
    }
}

const TAKE: &str = "INSERT INTO deliveries (hook_id, interview_id, revision, place, taken_at, due_at)
     SELECT $1, interview_id, revision, place, $2, $2 FROM events
     WHERE place > $3 AND place <= $4 AND ($5 = '' OR (',' || $5 || ',') LIKE ('%,' || kind || ',%'))
     ON CONFLICT (hook_id, interview_id, revision) DO UPDATE
       SET taken_at = $2, due_at = $2, tries = 0, given_up_at = NULL";

fn kinds(hook: &Hook) -> String {
    hook.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(",")
}

/// Takes over what came into the feed, up to `last`. Gives whether there was something.
pub(super) async fn take_over(
    store: &Store,
    hook: &Hook,
    last: i64,
    at: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    if hook.place >= last {
        return Ok(false);
    }
    let upto = last.min(hook.place + BATCH);
    let mut tx = store.write().await?;
    let moved = sqlx::query("UPDATE hooks SET place = $1 WHERE id = $2 AND place = $3")
        .bind(upto)
        .bind(&hook.id)
        .bind(hook.place)
        .execute(&mut *tx)
        .await?
        .rows_affected();
    if moved == 1 {
        take(&mut tx, hook, (hook.place, upto), at).await?;
    }
    // Else another replica was faster, or it was removed.
    tx.commit().await?;
    Ok(true)
}

async fn take(
    tx: &mut Tx,
    hook: &Hook,
    (after, upto): (i64, i64),
    at: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let taken = sqlx::query(TAKE).bind(&hook.id).bind(millis(at)).bind(after).bind(upto).bind(kinds(hook));
    Ok(taken.execute(&mut **tx).await?.rows_affected())
}

/// From where on events are sent once more.
#[derive(Clone, Copy, Debug)]
pub enum Since {
    /// What happened at that time, and later.
    Time(DateTime<Utc>),
    /// What comes after that place of the feed.
    Place(i64),
}

/// Sends events once more, and begins again to send to a webhook that was stopped. Gives how many will be sent.
///
/// # Errors
/// There is no such webhook, or the database failed.
pub async fn replay(store: &Store, id: &str, since: Since, actor: &Actor) -> anyhow::Result<u64> {
    let at = now();
    let mut tx = store.write().await?;
    let resumed =
        sqlx::query("UPDATE hooks SET stopped_at = NULL, failures = 0, failing_since = NULL WHERE id = $1");
    anyhow::ensure!(resumed.bind(id).execute(&mut *tx).await?.rows_affected() > 0, NoHook);
    let again = again(&mut tx, id, since, at).await?;
    audit::note_in(&mut tx, actor, Deed::ReplayedHook, id).await?;
    tx.commit().await?;
    Ok(again)
}

/// Puts what was sent, or given up, into the queue once more.
async fn again(tx: &mut Tx, id: &str, since: Since, at: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let after = match since {
        Since::Place(place) => place,
        Since::Time(time) => {
            let row = sqlx::query(
                "SELECT COALESCE(MIN(place) - 1, 9223372036854775807) FROM events WHERE at >= $1 AND place IS NOT NULL",
            );
            row.bind(millis(time)).fetch_one(&mut **tx).await?.try_get(0)?
        }
    };
    let row =
        sqlx::query("SELECT kinds, place FROM hooks WHERE id = $1").bind(id).fetch_one(&mut **tx).await?;
    let (kinds, place): (String, i64) = (row.try_get("kinds")?, row.try_get("place")?);
    let taken = sqlx::query(TAKE).bind(id).bind(millis(at)).bind(after).bind(place).bind(kinds);
    Ok(taken.execute(&mut **tx).await?.rows_affected())
}

/// Of each interview the next event, if its time has come, at most so many.
pub(super) async fn due(
    store: &Store,
    hook: &str,
    at: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Due>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT d.interview_id, d.revision, d.tries, d.taken_at, e.body FROM deliveries d
         JOIN events e ON e.interview_id = d.interview_id AND e.revision = d.revision
         WHERE d.hook_id = $1 AND d.given_up_at IS NULL AND d.due_at <= $2 AND NOT EXISTS (
           SELECT 1 FROM deliveries b WHERE b.hook_id = d.hook_id AND b.interview_id = d.interview_id
             AND b.revision < d.revision AND b.given_up_at IS NULL)
         ORDER BY d.due_at, d.place LIMIT $3",
    )
    .bind(hook)
    .bind(millis(at))
    .bind(most)
    .fetch_all(store.read())
    .await?;
    let read = |row: &AnyRow| {
        Ok(Due {
            interview_id: row.try_get("interview_id")?,
            revision: row.try_get("revision")?,
            tries: row.try_get("tries")?,
            taken_at: known_time(row, "taken_at")?,
            body: row.try_get("body")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Writes down what became of what was sent. `luck`: 0 to 1, once for each.
pub(super) async fn settle(
    store: &Store,
    hook: &Hook,
    answers: &[(Due, Answer)],
    at: DateTime<Utc>,
    mut luck: impl FnMut() -> f64,
) -> Result<(), sqlx::Error> {
    let mut tx = store.write().await?;
    let (mut arrived, mut gone, mut reason) = (false, false, None);
    for (due, answer) in answers {
        match answer {
            Answer::Delivered(_) => {
                arrived = true;
                sqlx::query(
                    "DELETE FROM deliveries WHERE hook_id = $1 AND interview_id = $2 AND revision = $3",
                )
                .bind(&hook.id)
                .bind(&due.interview_id)
                .bind(due.revision)
                .execute(&mut *tx)
                .await?;
            }
            Answer::Gone => gone = true,
            Answer::Failed { why, retry_after } => {
                reason = Some(why.clone());
                let next = at + pause(due.tries, luck(), *retry_after);
                let given_up = (at - due.taken_at >= GIVEN_UP).then(|| millis(at));
                if given_up.is_some() {
                    metrics::counter!("adjourn_events_given_up").increment(1);
                    tracing::error!(
                        hook = hook.id,
                        interview_id = due.interview_id,
                        revision = due.revision,
                        why,
                        "an event was given up after three days; `hook replay` sends it once more"
                    );
                }
                sqlx::query(
                    "UPDATE deliveries SET tries = tries + 1, due_at = $1, given_up_at = $2
                     WHERE hook_id = $3 AND interview_id = $4 AND revision = $5",
                )
                .bind(millis(next))
                .bind(given_up)
                .bind(&hook.id)
                .bind(&due.interview_id)
                .bind(due.revision)
                .execute(&mut *tx)
                .await?;
            }
        }
    }
    let went = match (gone, arrived, reason) {
        (true, ..) => Some(Went::Gone),
        (false, true, _) => Some(Went::Well),
        (false, false, Some(why)) => Some(Went::Badly { why }),
        (false, false, None) => None,
    };
    if let Some(went) = &went {
        register::went(&mut tx, &hook.id, went, at).await?;
    }
    if arrived && hook.failures >= RESTS {
        // It is back: what waited for a later try only did so because nothing arrived.
        sqlx::query(
            "UPDATE deliveries SET due_at = $1 WHERE hook_id = $2 AND due_at > $1 AND given_up_at IS NULL",
        )
        .bind(millis(at))
        .bind(&hook.id)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await
}
