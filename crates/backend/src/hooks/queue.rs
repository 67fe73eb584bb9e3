//! What is still to be sent to each webhook. On disk before it is sent, and gone from there once it was taken: whoever sends may
//! die at any moment, and another one goes on.

use chrono::{DateTime, Utc};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::delivery::Answer;
use super::register::{self, Hook, NoHook, Went};
use super::retry::{GIVEN_UP, LONGEST_WAIT, RESTS, granted, pause};
use crate::audit::{self, Actor, Deed};
use crate::store::{Store, Tx, millis, time};

/// Events that are taken over in one transaction.
const BATCH: i64 = 500;

/// An event that is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Due {
    /// Of one interview, one is under way at a time.
    pub(super) interview_id: String,
    revision: i64,
    turn: i64,
    tries: i64,
    first_at: Option<DateTime<Utc>>,
    /// `webhook-id`.
    pub(super) event_id: String,
    /// The event as it is sent.
    pub(super) body: String,
}

const TAKE: &str = "INSERT INTO deliveries (hook_id, interview_id, revision, place, turn, due_at)
     SELECT $1, interview_id, revision, place, 1, $2 FROM events
     WHERE place > $3 AND place <= $4 AND ($5 = '' OR (',' || $5 || ',') LIKE ('%,' || kind || ',%'))
     ON CONFLICT (hook_id, interview_id, revision) DO UPDATE
       SET due_at = $2, turn = deliveries.turn + 1, tries = 0, first_at = NULL, given_up_at = NULL";

/// Takes over what came into the feed, up to `last`. Gives whether there may be more.
pub(super) async fn take_over(
    store: &Store,
    hook: &Hook,
    last: i64,
    at: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    if hook.place >= last {
        return Ok(false);
    }
    let mut tx = store.write().await?;
    let upto: Option<i64> = sqlx::query(
        "SELECT MAX(place) FROM (SELECT place FROM events WHERE place > $1 ORDER BY place LIMIT $2) AS next",
    )
    .bind(hook.place)
    .bind(BATCH)
    .fetch_one(&mut *tx)
    .await?
    .try_get(0)?;
    // What was erased or forgotten is passed by.
    let upto = upto.unwrap_or(last);
    let moved = sqlx::query("UPDATE hooks SET place = $1 WHERE id = $2 AND place = $3")
        .bind(upto)
        .bind(&hook.id)
        .bind(hook.place)
        .execute(&mut *tx)
        .await?
        .rows_affected();
    // Else another replica was faster, somebody wants it from elsewhere, or it was removed.
    if moved == 1 {
        sqlx::query(TAKE)
            .bind(&hook.id)
            .bind(millis(at))
            .bind(hook.place)
            .bind(upto)
            .bind(&hook.wanted)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// From where on events are sent once more.
#[derive(Clone, Copy, Debug)]
pub enum Since {
    /// What happened at that time, and later.
    Time(DateTime<Utc>),
    /// What comes after that place of the feed.
    Place(i64),
}

/// Sends events once more, and begins again to send to a webhook that was stopped. Gives how many events there are from there to where
/// it was; they are taken over bit by bit.
///
/// # Errors
/// There is no such webhook, or the database failed.
pub async fn replay(store: &Store, id: &str, since: Since, actor: &Actor) -> anyhow::Result<i64> {
    let mut tx = store.write().await?;
    let resumed = sqlx::query(
        "UPDATE hooks SET stopped_at = NULL, failures = 0, failing_since = NULL, not_before = NULL
         WHERE id = $1 RETURNING place",
    );
    let row = resumed.bind(id).fetch_optional(&mut *tx).await?.ok_or(NoHook)?;
    let place: i64 = row.try_get(0)?;
    let after = match since {
        Since::Place(after) => Some(after),
        Since::Time(time) => {
            let row = sqlx::query("SELECT MIN(place) FROM events WHERE at >= $1 AND place IS NOT NULL");
            let first: Option<i64> = row.bind(millis(time)).fetch_one(&mut *tx).await?.try_get(0)?;
            first.map(|first| first - 1)
        }
    };
    let after = after.unwrap_or(place).min(place);
    let again: i64 = sqlx::query("SELECT COUNT(*) FROM events WHERE place > $1 AND place <= $2")
        .bind(after)
        .bind(place)
        .fetch_one(&mut *tx)
        .await?
        .try_get(0)?;
    sqlx::query("UPDATE hooks SET place = $1 WHERE id = $2").bind(after).bind(id).execute(&mut *tx).await?;
    audit::note_in(&mut tx, actor, Deed::ReplayedHook, id).await?;
    tx.commit().await?;
    Ok(again)
}

/// Of each interview the next event, if its time has come; of a server that rests one, whether its time has come or not: what was
/// tried least is tried first.
pub(super) async fn due(
    store: &Store,
    hook: &Hook,
    at: DateTime<Utc>,
    most: usize,
) -> Result<Vec<Due>, sqlx::Error> {
    // A time further off than any pause was written by a clock that was wrong.
    const DUE: &str = "(d.due_at <= $2 OR d.due_at > $3)";
    let (whose, order) =
        if hook.rests() { ("$2 <= $3", "d.tries, d.place") } else { (DUE, "d.due_at, d.place") };
    let query = format!(
        "SELECT d.interview_id, d.revision, d.turn, d.tries, d.first_at, e.id AS event_id, e.body FROM deliveries d
         JOIN events e ON e.interview_id = d.interview_id AND e.revision = d.revision
         WHERE d.hook_id = $1 AND d.given_up_at IS NULL AND {whose} AND NOT EXISTS (
           SELECT 1 FROM deliveries b WHERE b.hook_id = d.hook_id AND b.interview_id = d.interview_id
             AND b.revision < d.revision AND b.given_up_at IS NULL)
         ORDER BY {order} LIMIT $4"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(&hook.id)
        .bind(millis(at))
        .bind(millis(at + LONGEST_WAIT))
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(store.read())
        .await?;
    let read = |row: &AnyRow| {
        Ok(Due {
            interview_id: row.try_get("interview_id")?,
            revision: row.try_get("revision")?,
            turn: row.try_get("turn")?,
            tries: row.try_get("tries")?,
            first_at: time(row, "first_at")?,
            event_id: row.try_get("event_id")?,
            body: row.try_get("body")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Writes down what became of what was sent. `luck`: 0 to 1, once for each. Gives how the webhook does, if that says something.
pub(super) async fn settle(
    store: &Store,
    hook: &str,
    answers: &[(Due, Answer)],
    at: DateTime<Utc>,
    mut luck: impl FnMut() -> f64,
) -> Result<Option<Went>, sqlx::Error> {
    let mut tx = store.write().await?;
    // The lock, as whoever removes or replays has it first.
    let before = sqlx::query("UPDATE hooks SET failures = failures WHERE id = $1 RETURNING failures");
    let Some(before) = before.bind(hook).fetch_optional(&mut *tx).await? else { return Ok(None) };
    let before: i64 = before.try_get(0)?;
    let (mut arrived, mut gone, mut down, mut until, mut reason) = (false, false, false, None, None);
    for (due, answer) in answers {
        match answer {
            Answer::Delivered(_) => {
                arrived = true;
                delivered(&mut tx, hook, due).await?;
            }
            Answer::Gone => gone = true,
            Answer::Failed { why, down: is_down, retry_after } => {
                down |= is_down;
                reason = Some(why.as_str());
                until = until.max(retry_after.map(|wait| at + granted(wait)));
                failed(&mut tx, hook, due, at, pause(due.tries, luck(), *retry_after)).await?;
            }
        }
    }
    let went = match (gone, arrived) {
        (true, _) => Some(Went::Gone),
        (false, true) => Some(Went::Well),
        (false, false) => reason.map(|_| Went::Badly { failures: before + i64::from(down), down }),
    };
    if let Some(went) = &went {
        register::went(&mut tx, hook, went, at).await?;
    }
    let why = if gone { Some("It answered 410 Gone.") } else { reason };
    if let Some(why) = why {
        register::refused(&mut tx, hook, why, at).await?;
    }
    if let Some(until) = until {
        register::leave_alone(&mut tx, hook, until).await?;
    }
    if arrived && before >= RESTS {
        // It is back: what waited for a later try only did so because nothing arrived.
        sqlx::query(
            "UPDATE deliveries SET due_at = $1 WHERE hook_id = $2 AND due_at > $1 AND given_up_at IS NULL",
        )
        .bind(millis(at))
        .bind(hook)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(went)
}

async fn delivered(tx: &mut Tx, hook: &str, due: &Due) -> Result<(), sqlx::Error> {
    let delete =
        "DELETE FROM deliveries WHERE hook_id = $1 AND interview_id = $2 AND revision = $3 AND turn = $4";
    sqlx::query(delete)
        .bind(hook)
        .bind(&due.interview_id)
        .bind(due.revision)
        .bind(due.turn)
        .execute(&mut **tx)
        .await
        .map(drop)
}

async fn failed(
    tx: &mut Tx,
    hook: &str,
    due: &Due,
    at: DateTime<Utc>,
    pause: std::time::Duration,
) -> Result<(), sqlx::Error> {
    let given_up = due.first_at.is_some_and(|first| at - first >= GIVEN_UP).then(|| millis(at));
    if given_up.is_some() {
        metrics::counter!("adjourn_events_given_up").increment(1);
        tracing::error!(
            hook,
            interview_id = due.interview_id,
            revision = due.revision,
            "an event was given up after three days of tries; `hook replay` sends it once more"
        );
    }
    sqlx::query(
        "UPDATE deliveries SET tries = tries + 1, first_at = COALESCE(first_at, $1), due_at = $2, given_up_at = $3
         WHERE hook_id = $4 AND interview_id = $5 AND revision = $6 AND turn = $7",
    )
    .bind(millis(at))
    .bind(millis(at + pause))
    .bind(given_up)
    .bind(hook)
    .bind(&due.interview_id)
    .bind(due.revision)
    .bind(due.turn)
    .execute(&mut **tx)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use adjourn_protocol::{Event, EventData, EventKind};

    use super::*;
    use crate::feed::{Feed, place, write};
    use crate::hooks::{Allowed, Wish, add};
    use crate::store::now;

    struct Stage {
        store: Store,
        id: String,
        _folder: tempfile::TempDir,
    }

    impl Stage {
        async fn set(kinds: &[EventKind]) -> Self {
            let (store, folder) = Store::temporary().await;
            Feed::of(&store).await.unwrap();
            let (allowed, actor) = (Allowed::default(), Actor::command_line());
            let made = add(
                &store,
                &allowed,
                Wish { url: "https://hooks.example.com", kinds, with_report: false },
                &actor,
            )
            .await
            .unwrap();
            let id = made.id;
            Self { store, id, _folder: folder }
        }

        async fn hook(&self) -> Hook {
            register::find(&self.store, &self.id).await.unwrap().unwrap()
        }

        /// So many events of that interview, taken over.
        async fn happens(&self, interview: &str, revisions: std::ops::RangeInclusive<i64>, kind: EventKind) {
            let event = |n| {
                let data = EventData::Hook { hook_id: String::new() };
                (n, Event { id: String::new(), kind, timestamp: now(), data })
            };
            let mut tx = self.store.write().await.unwrap();
            write(&mut tx, interview, revisions.map(event).collect()).await.unwrap();
            tx.commit().await.unwrap();
            place(&self.store, now()).await.unwrap();
            self.takes_over(now()).await;
        }

        async fn takes_over(&self, at: DateTime<Utc>) {
            let last =
                sqlx::query("SELECT MAX(place) FROM events").fetch_one(self.store.read()).await.unwrap();
            let last: i64 = last.try_get(0).unwrap();
            while take_over(&self.store, &self.hook().await, last, at).await.unwrap() {}
        }

        /// What is due, as `interview.revision`.
        async fn due(&self, at: DateTime<Utc>) -> Vec<String> {
            let due = due(&self.store, &self.hook().await, at, 100).await.unwrap();
            due.iter().map(|due| format!("{}.{}", due.interview_id, due.revision)).collect()
        }

        async fn settles(&self, answers: &[(Due, Answer)], at: DateTime<Utc>) {
            settle(&self.store, &self.id, answers, at, || 1.0).await.unwrap();
        }

        async fn each(&self, at: DateTime<Utc>, answer: &Answer) {
            let due = due(&self.store, &self.hook().await, at, 100).await.unwrap();
            let answers: Vec<_> = due.into_iter().map(|due| (due, answer.clone())).collect();
            self.settles(&answers, at).await;
        }
    }

    fn failed(down: bool, seconds: Option<u64>) -> Answer {
        let retry_after = seconds.map(Duration::from_secs);
        Answer::Failed { why: "It answered 503.".to_owned(), down, retry_after }
    }

    fn taken() -> Answer {
        Answer::Delivered(reqwest::StatusCode::OK)
    }

    const ENDED: EventKind = EventKind::InterviewEnded;

    #[tokio::test]
    async fn of_one_interview_each_waits_for_the_one_before_and_the_pauses_grow() {
        let stage = Stage::set(&[]).await;
        let at = now();
        stage.happens("a", 1..=2, ENDED).await;
        stage.happens("b", 1..=1, ENDED).await;
        let later = at + Duration::from_secs(1);
        assert_eq!(stage.due(later).await, ["a.1", "b.1"]);
        stage.each(later, &failed(false, None)).await;
        assert!(stage.due(later + Duration::from_millis(4_999)).await.is_empty());
        let second = later + Duration::from_secs(5);
        assert_eq!(stage.due(second).await, ["a.1", "b.1"]);
        stage.each(second, &failed(false, None)).await;
        assert!(stage.due(second + Duration::from_secs(9)).await.is_empty(), "twice as long");
        let third = second + Duration::from_secs(10);
        stage.each(third, &taken()).await;
        assert_eq!(stage.due(third).await, ["a.2"]);
        assert!(!stage.hook().await.rests(), "what is refused is the interview's affair");
        // A time that a wrong clock wrote is none.
        stage.each(third + Duration::from_secs(9_000_000), &failed(false, None)).await;
        assert_eq!(stage.due(third).await, ["a.2"]);
    }

    #[tokio::test]
    async fn what_was_tried_for_three_days_is_given_up_and_what_follows_has_its_own() {
        let stage = Stage::set(&[]).await;
        let at = now();
        stage.happens("a", 1..=2, ENDED).await;
        stage.each(at + Duration::from_secs(1), &failed(false, None)).await;
        let nearly = at + GIVEN_UP;
        stage.each(nearly, &failed(false, None)).await;
        assert_eq!(stage.due(nearly + Duration::from_secs(86_000)).await, ["a.1"], "not yet");
        let over = nearly + Duration::from_secs(86_000);
        stage.each(over, &failed(false, None)).await;
        assert_eq!(stage.due(over).await, ["a.2"]);
        stage.each(over, &failed(false, None)).await;
        assert_eq!(stage.due(over + Duration::from_secs(86_000)).await, ["a.2"], "three days of its own");
        let (waiting, given_up) = register::counts(&stage.store, &stage.id).await.unwrap();
        assert_eq!((waiting, given_up), (1, 1));
        let again = replay(&stage.store, &stage.id, Since::Place(0), &Actor::command_line()).await.unwrap();
        assert_eq!(again, 2);
        stage.takes_over(over).await;
        assert_eq!(stage.due(over).await, ["a.1"], "and the second after it");
    }

    #[tokio::test]
    async fn who_asks_for_a_pause_has_it_for_everything() {
        let stage = Stage::set(&[]).await;
        let at = now() + Duration::from_secs(1);
        stage.happens("a", 1..=1, ENDED).await;
        stage.happens("b", 1..=1, ENDED).await;
        let one = due(&stage.store, &stage.hook().await, at, 1).await.unwrap().remove(0);
        stage.settles(&[(one, failed(true, Some(3_600)))], at).await;
        let hook = stage.hook().await;
        assert!(
            hook.left_alone(at + Duration::from_secs(3_599))
                && !hook.left_alone(at + Duration::from_secs(3_600))
        );
        assert!(!hook.left_alone(at - Duration::from_secs(900_000)), "by a clock that was wrong");
        replay(&stage.store, &stage.id, Since::Time(at), &Actor::command_line()).await.unwrap();
        assert!(!stage.hook().await.left_alone(at), "whoever replays knows better");
    }

    #[tokio::test]
    async fn a_server_that_rests_is_tried_with_what_was_tried_least_and_gets_everything_when_it_is_back() {
        let stage = Stage::set(&[]).await;
        let mut at = now() + Duration::from_secs(1);
        stage.happens("a", 1..=1, ENDED).await;
        for _ in 0..RESTS {
            stage.each(at, &failed(true, None)).await;
            at += Duration::from_secs(3_600);
        }
        assert!(stage.hook().await.rests());
        stage.happens("b", 1..=1, ENDED).await;
        let at = now();
        assert_eq!(stage.due(at).await, ["b.1", "a.1"], "whatever their pauses");
        let untried = due(&stage.store, &stage.hook().await, at, 1).await.unwrap().remove(0);
        stage.settles(&[(untried, taken())], at).await;
        assert!(!stage.hook().await.rests());
        assert_eq!(stage.due(at).await, ["a.1"], "at once");
    }

    #[tokio::test]
    async fn what_becomes_of_an_earlier_turn_says_nothing_of_the_next() {
        let stage = Stage::set(&[]).await;
        stage.happens("a", 1..=1, ENDED).await;
        let at = now();
        let first = due(&stage.store, &stage.hook().await, at, 1).await.unwrap().remove(0);
        // Under way; meanwhile somebody wants everything once more.
        replay(&stage.store, &stage.id, Since::Place(0), &Actor::command_line()).await.unwrap();
        stage.takes_over(at).await;
        stage.settles(&[(first, taken())], at).await;
        assert_eq!(stage.due(at).await, ["a.1"]);
    }

    #[tokio::test]
    async fn only_what_is_wanted_is_taken_over_and_what_is_forgotten_blocks_nothing() {
        let stage = Stage::set(&[EventKind::ReportMissing, ENDED]).await;
        stage.happens("a", 1..=1, EventKind::ReportReceived).await;
        stage.happens("a", 2..=3, ENDED).await;
        assert_eq!(stage.due(now()).await, ["a.2"]);
        let mut tx = stage.store.write().await.unwrap();
        sqlx::query("DELETE FROM events WHERE revision = 2").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(stage.due(now()).await, ["a.3"]);
        // Kinds that only another version knows: none of them is sent by this one.
        let mut tx = stage.store.write().await.unwrap();
        sqlx::query("UPDATE hooks SET kinds = 'interview.dreamt'").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        stage.happens("c", 1..=1, ENDED).await;
        assert_eq!(stage.due(now()).await, ["a.3"]);
    }
}
