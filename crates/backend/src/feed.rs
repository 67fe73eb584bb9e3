//! The feed: every event in one order, so that a reader who follows it with a cursor misses none.
//!
//! An event is written in the transaction of the change that it tells of. Which transactions of several replicas are seen first is
//! not the order in which they began, so a number that is taken at that moment would let a reader pass an event by that is
//! committed later. Places are therefore given afterwards: under the lock of one row, to what is committed by then. Whoever sees a
//! place sees all before it.

use std::time::Duration;

use adjourn_protocol::{Arrival, Event, EventData, EventKind, Happened, InterviewEvent, Reporter};
use chrono::{DateTime, Utc};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use tokio::sync::watch;

use crate::lifecycle::{Change, Lifecycle};
use crate::store::{Store, Tx, millis, now, random};

/// Places that are given in one transaction at most.
const BATCH: i64 = 1_000;
/// How often a replica looks for events without a place, its own and those of one that died.
const LOOK: Duration = Duration::from_millis(50);
/// How long events are kept.
const KEPT: chrono::Duration = chrono::Duration::days(30);

/// The event that a change is, if it is one. `revision`: its line of the history.
pub(crate) fn event_of(
    id: &str,
    lifecycle: &Lifecycle,
    change: &Change,
    revision: i64,
    at: DateTime<Utc>,
) -> Option<Event> {
    let report = |arrival: Arrival| match arrival {
        Arrival::None | Arrival::Pending => None,
        Arrival::Received => Some(EventKind::ReportReceived),
        Arrival::ReceivedLate => Some(EventKind::ReportLate),
        Arrival::Missing => Some(EventKind::ReportMissing),
    };
    // What comes after the interview is complete is late, whichever attempt it is of.
    let complete = lifecycle.completed_at.is_some();
    let earlier = if complete { EventKind::ReportLate } else { EventKind::ReportReceived };
    let (client, agent) = (Some(Reporter::Client), Some(Reporter::Agent));
    let newest = lifecycle.attempt;
    let (kind, attempt, report_of) = match change.what {
        Happened::Live | Happened::LiveAgain => (EventKind::InterviewStarted, newest, None),
        Happened::Ended => (EventKind::InterviewEnded, newest, None),
        Happened::Complete => (EventKind::InterviewComplete, newest, None),
        Happened::ClientRecord(arrival) => (report(arrival)?, newest, client),
        Happened::AgentReport(arrival) => (report(arrival)?, newest, agent),
        Happened::EarlierClientRecord(attempt) => (earlier, attempt, client),
        Happened::EarlierAgentReport(attempt) => (earlier, attempt, agent),
        Happened::Judgement => (EventKind::JudgementReceived, newest, agent),
        Happened::InterviewerLost | Happened::InterviewerReplaced => {
            (EventKind::InterviewerReplaced, newest, None)
        }
        Happened::ReplacedReport => (earlier, newest, agent),
        // That it was confirmed is told with the report that does so.
        Happened::Confirmed
        | Happened::SentAwayReport
        | Happened::RoomOpenedAnew
        | Happened::InterviewerBack
        | Happened::InterviewerDied
        | Happened::RoomClosed
        | Happened::RoomEnded(_)
        | Happened::SessionClosed(_)
        | Happened::ModelErrors(_)
        | Happened::Newer => return None,
    };
    let data = InterviewEvent {
        interview_id: id.to_owned(),
        attempt,
        revision,
        told_by: change.teller,
        report_of,
        state: lifecycle.state(),
        outcome: lifecycle.outcome,
        client_outcome: lifecycle.client_outcome,
        confirmed: lifecycle.confirmed,
        client_record: lifecycle.client,
        agent_report: lifecycle.agent,
    };
    let data = EventData::Interview(Box::new(data));
    Some(Event { id: String::new(), kind, timestamp: at, data })
}

/// An id that no other event has: a database that was restored from a copy counts the same revisions once more, for other events.
fn event_id(interview: &str, revision: i64) -> Result<String, sqlx::Error> {
    let own = random::<4>().map_err(|error| sqlx::Error::Encode(error.into()))?;
    Ok(format!("{interview}.{revision}.{}", hex::encode(own)))
}

/// Writes events within the transaction of their changes: `(revision, event)`. They get their ids.
pub(crate) async fn write(tx: &mut Tx, id: &str, events: Vec<(i64, Event)>) -> Result<(), sqlx::Error> {
    for (revision, event) in events {
        let event = Event { id: event_id(id, revision)?, ..event };
        let body = serde_json::to_string(&event).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        sqlx::query(
            "INSERT INTO events (interview_id, revision, kind, at, body, id) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id)
        .bind(revision)
        .bind(event.kind.as_str())
        .bind(millis(event.timestamp))
        .bind(body)
        .bind(&event.id)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Tells that an interview was erased. `revision`: of its last change.
pub(crate) async fn erased(
    tx: &mut Tx,
    id: &str,
    revision: i64,
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let revision = revision + 1;
    let event = Event {
        id: String::new(),
        kind: EventKind::InterviewErased,
        timestamp: at,
        data: EventData::Erased { interview_id: id.to_owned() },
    };
    write(tx, id, vec![(revision, event)]).await
}

/// Gives places to what is committed. Gives how many there were.
pub(crate) async fn place(store: &Store, now: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let waiting = sqlx::query("SELECT 1 FROM events WHERE place IS NULL LIMIT 1");
    if waiting.fetch_optional(store.read()).await?.is_none() {
        return Ok(0);
    }
    let mut tx = store.write().await?;
    // The lock. What is read below was committed before.
    let last: i64 = sqlx::query("UPDATE feed SET last = last WHERE name = 'events' RETURNING last")
        .fetch_one(&mut *tx)
        .await?
        .try_get(0)?;
    // No place is ever given twice, nor by a database that was restored from a copy: who saw a place sees later events after it.
    let floor = last.max(millis(now));
    // Of one interview, earlier changes are committed earlier: none of them is left out here, and later ones come after them.
    let placed = sqlx::query(
        "UPDATE events SET place = $1 + waiting.number
         FROM (SELECT interview_id, revision, ROW_NUMBER() OVER (ORDER BY interview_id, revision) AS number
               FROM events WHERE place IS NULL ORDER BY interview_id, revision LIMIT $2) AS waiting
         WHERE events.interview_id = waiting.interview_id AND events.revision = waiting.revision",
    )
    .bind(floor)
    .bind(BATCH)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    // Not counted: one that is just being erased is passed by, and those after it keep their numbers.
    sqlx::query(
        "UPDATE feed SET last = (SELECT MAX(place) FROM events)
         WHERE name = 'events' AND last < (SELECT MAX(place) FROM events)",
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(placed)
}

/// A clock that went back by more than this jumped: it, or what it said before, was wrong.
const BACK: chrono::Duration = chrono::Duration::hours(1);
/// And one that went on by more than this between two looks. A server may be switched off or asleep over a holiday; a clock that is
/// wrong by less erases so much too early, or too late.
const ON: chrono::Duration = chrono::Duration::days(4);
/// It is not believed until it went on for so long: by a wrong one everything is old.
const BELIEVED: chrono::Duration = chrono::Duration::hours(24);

/// Notes what the clock says, and gives whether it is believed.
pub(crate) async fn look_at_clock(tx: &mut Tx, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let row =
        sqlx::query("UPDATE feed SET last = last WHERE name = 'events' RETURNING looked_at, steady_since")
            .fetch_one(&mut **tx)
            .await?;
    let (looked, mut steady): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let at = millis(now);
    if at - looked < -BACK.num_milliseconds() || at - looked > ON.num_milliseconds() {
        steady = at;
    }
    sqlx::query("UPDATE feed SET looked_at = $1, steady_since = $2 WHERE name = 'events'")
        .bind(at)
        .bind(steady)
        .execute(&mut **tx)
        .await?;
    Ok(at - steady >= BELIEVED.num_milliseconds())
}

/// Whether the clock is believed, as it was looked at last.
pub(crate) async fn clock_is_believed(store: &Store, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("SELECT looked_at, steady_since FROM feed WHERE name = 'events'");
    let row = row.fetch_one(store.read()).await?;
    let (looked, steady): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let since = (millis(now) - looked).abs();
    Ok(since <= BACK.num_milliseconds() && looked - steady >= BELIEVED.num_milliseconds())
}

/// Forgets events that are old, up to the first one that is not, with what is still to be sent of them.
pub(crate) async fn forget(tx: &mut Tx, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let upto: Option<i64> = sqlx::query(
        "SELECT MAX(place) FROM events WHERE at < $1
           AND place < COALESCE((SELECT MIN(place) FROM events WHERE at >= $1), 9223372036854775807)",
    )
    .bind(millis(now - KEPT))
    .fetch_one(&mut **tx)
    .await?
    .try_get(0)?;
    let Some(upto) = upto else { return Ok(()) };
    sqlx::query("UPDATE feed SET forgotten = $1 WHERE name = 'events'").bind(upto).execute(&mut **tx).await?;
    let waited = sqlx::query("SELECT COUNT(*) FROM deliveries WHERE place <= $1 AND given_up_at IS NULL");
    let waited: i64 = waited.bind(upto).fetch_one(&mut **tx).await?.try_get(0)?;
    if waited > 0 {
        tracing::error!(events = waited, "events that no webhook took within 30 days are forgotten");
    }
    sqlx::query("DELETE FROM events WHERE place <= $1").bind(upto).execute(&mut **tx).await?;
    Ok(())
}

/// A place in the feed of one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    feed: String,
    pub(crate) place: i64,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.feed, self.place)
    }
}

/// Why a cursor can't be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// It is no cursor, or one of another server.
    Unknown,
    /// What came after it was forgotten.
    Forgotten,
}

/// Some of the feed.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) events: Vec<Placed>,
    pub(crate) more: bool,
}

/// An event with its place.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) place: i64,
    pub(crate) body: String,
}

/// The feed of a database, as one replica sees it. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    store: Store,
    name: String,
    last: watch::Sender<i64>,
}

impl Feed {
    /// The feed of that database.
    pub(crate) async fn of(store: &Store) -> anyhow::Result<Self> {
        let name = hex::encode(store.secret_or("feed", &random::<4>()?).await?);
        Ok(Self { store: store.clone(), name, last: watch::Sender::new(0) })
    }

    /// Gives places and tells who waits, for ever.
    pub(crate) async fn keep(&self) {
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "the feed stands still; it is tried again");
                tokio::time::sleep(LOOK * 20).await;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn look(&self) -> Result<(), sqlx::Error> {
        while place(&self.store, now()).await? > 0 {}
        let (last, _) = self.ends().await?;
        self.last.send_if_modified(|known| std::mem::replace(known, last) != last);
        Ok(())
    }

    /// The last place, and the last one that was forgotten.
    async fn ends(&self) -> Result<(i64, i64), sqlx::Error> {
        let row = sqlx::query("SELECT last, forgotten FROM feed WHERE name = 'events'");
        let row = row.fetch_one(self.store.read()).await?;
        Ok((row.try_get("last")?, row.try_get("forgotten")?))
    }

    /// Tells when there may be more.
    pub(crate) fn watch(&self) -> watch::Receiver<i64> {
        self.last.subscribe()
    }

    /// A cursor at that place.
    pub(crate) fn cursor(&self, place: i64) -> Cursor {
        Cursor { feed: self.name.clone(), place }
    }

    /// The cursor of a text; without one, at the beginning of what is kept. Where the database was restored from a copy it may be
    /// further than the feed goes: what happens from now on comes after it.
    pub(crate) async fn read_cursor(&self, text: Option<&str>) -> Result<Result<Cursor, Lost>, sqlx::Error> {
        let (_, forgotten) = self.ends().await?;
        let Some(text) = text else { return Ok(Ok(self.cursor(forgotten))) };
        let ours = text.strip_prefix(self.name.as_str()).and_then(|rest| rest.strip_prefix('-'));
        let place = ours.and_then(|place| place.parse::<i64>().ok()).filter(|place| *place >= 0);
        Ok(match place {
            None => Err(Lost::Unknown),
            Some(place) if place < forgotten => Err(Lost::Forgotten),
            Some(place) => Ok(self.cursor(place)),
        })
    }

    /// Whether what comes after that place was still there when it was read.
    pub(crate) async fn still_has(&self, place: i64) -> Result<bool, sqlx::Error> {
        Ok(self.ends().await?.1 <= place)
    }

    /// What comes after a place, `most` events at most.
    pub(crate) async fn after(&self, place: i64, most: i64) -> Result<Page, sqlx::Error> {
        let rows = sqlx::query("SELECT place, body FROM events WHERE place > $1 ORDER BY place LIMIT $2")
            .bind(place)
            .bind(most + 1)
            .fetch_all(self.store.read())
            .await?;
        let mut events = rows.iter().map(placed).collect::<Result<Vec<_>, _>>()?;
        let wanted = usize::try_from(most).unwrap_or(usize::MAX);
        let more = events.len() > wanted;
        events.truncate(wanted);
        Ok(Page { events, more })
    }
}

fn placed(row: &AnyRow) -> Result<Placed, sqlx::Error> {
    Ok(Placed { place: row.try_get("place")?, body: row.try_get("body")? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use adjourn_protocol::Teller;

    use crate::lifecycle_store::{change, lock};
    use crate::store::now;

    async fn interview(store: &Store, id: &str) {
        let insert = format!(
            "INSERT INTO interviews (id, title, language, max_minutes, window_from, window_to, policy, code_hash, created_at)
             VALUES ('{id}', 't', 'en', 30, 0, 0, '{{}}', 'hash of {id}', 0)"
        );
        let mut tx = store.write().await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(insert)).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn all(feed: &Feed) -> Vec<Event> {
        let page = feed.after(0, 1_000).await.unwrap();
        page.events.iter().map(|placed| serde_json::from_str(&placed.body).unwrap()).collect()
    }

    #[tokio::test]
    async fn what_matters_is_told_with_the_change_and_in_order() {
        let (store, _folder) = Store::temporary().await;
        let feed = Feed::of(&store).await.unwrap();
        interview(&store, "i").await;
        let at = now();
        change(&store, "i", at, |lifecycle| lifecycle.joined(at, at)).await.unwrap();
        change(&store, "i", at, |lifecycle| lifecycle.room("RM_1")).await.unwrap();
        assert!(all(&feed).await.is_empty(), "it has no place yet");
        change(&store, "i", at, |lifecycle| {
            lifecycle.agent_seen(at);
            lifecycle.organiser_ends(at)
        })
        .await
        .unwrap();
        feed.look().await.unwrap();
        let told = all(&feed).await;
        let kinds: Vec<EventKind> = told.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::InterviewStarted, EventKind::InterviewEnded]);
        assert!(told[0].id.starts_with("i.1."), "{}", told[0].id);
        let EventData::Interview(data) = &told[1].data else { panic!("{told:?}") };
        assert_eq!((data.told_by, data.attempt), (Teller::Organiser, 1));
        assert!(data.outcome.is_none());
    }

    #[tokio::test]
    async fn an_event_whose_change_is_not_kept_is_none() {
        let (store, _folder) = Store::temporary().await;
        let feed = Feed::of(&store).await.unwrap();
        interview(&store, "i").await;
        let at = now();
        let mut tx = store.write().await.unwrap();
        let mut lifecycle = lock(&mut tx, "i").await.unwrap().unwrap();
        lifecycle.joined(at, at);
        crate::lifecycle_store::save(&mut tx, "i", &lifecycle, at).await.unwrap();
        drop(tx);
        feed.look().await.unwrap();
        assert!(all(&feed).await.is_empty());
    }

    #[tokio::test]
    async fn a_cursor_is_followed_or_it_is_said_why_not() {
        let (store, _folder) = Store::temporary().await;
        let feed = Feed::of(&store).await.unwrap();
        let at = now();
        for id in ["a", "b", "c"] {
            interview(&store, id).await;
            change(&store, id, at, |lifecycle| lifecycle.joined(at, at)).await.unwrap();
        }
        feed.look().await.unwrap();
        let page = feed.after(0, 2).await.unwrap();
        assert!(page.more);
        let places: Vec<i64> = page.events.iter().map(|placed| placed.place).collect();
        assert_eq!(places[1], places[0] + 1);
        let cursor = feed.cursor(places[1]).to_string();
        assert_eq!(feed.read_cursor(Some(&cursor)).await.unwrap(), Ok(feed.cursor(places[1])));
        assert!(!feed.after(places[1], 2).await.unwrap().more);
        for nonsense in ["", "2", "x-2", "0000-2", &format!("{}--1", feed.name), &format!("{}-x", feed.name)]
        {
            assert_eq!(feed.read_cursor(Some(nonsense)).await.unwrap(), Err(Lost::Unknown), "{nonsense}");
        }
        let forgets = async |at: DateTime<Utc>| {
            let mut tx = store.write().await.unwrap();
            if look_at_clock(&mut tx, at).await.unwrap() {
                forget(&mut tx, at).await.unwrap();
            }
            tx.commit().await.unwrap();
        };
        // A clock that is a month ahead is not believed at once, nor one that was put right.
        let later = at + KEPT + chrono::Duration::days(2);
        for at in [later, later + chrono::Duration::minutes(30), at, later] {
            forgets(at).await;
        }
        assert_eq!(feed.after(0, 9).await.unwrap().events.len(), 3);
        // Once it went on for a day, what is old is forgotten, and who slept so long is told.
        for half_hours in 0..=50 {
            forgets(later + chrono::Duration::minutes(30 * half_hours)).await;
        }
        assert!(feed.after(0, 9).await.unwrap().events.is_empty());
        assert_eq!(feed.read_cursor(Some(&cursor)).await.unwrap(), Err(Lost::Forgotten));
        assert!(!feed.still_has(places[1]).await.unwrap());
        let end = feed.cursor(places[1] + 1);
        assert_eq!(
            feed.read_cursor(Some(&end.to_string())).await.unwrap(),
            Ok(end.clone()),
            "it missed nothing"
        );
        assert_eq!(feed.read_cursor(None).await.unwrap(), Ok(end));
    }

    #[tokio::test]
    async fn a_clock_that_jumped_is_not_believed_and_a_server_that_stood_still_is() {
        let (store, _folder) = Store::temporary().await;
        let looks = async |at: DateTime<Utc>| {
            let mut tx = store.write().await.unwrap();
            let believed = look_at_clock(&mut tx, at).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(clock_is_believed(&store, at).await.unwrap(), believed);
            believed
        };
        let hours = |hours| chrono::Duration::hours(hours);
        let mut at = now();
        assert!(!looks(at).await, "nobody knows it yet");
        // Switched off or asleep at night, and over a long weekend.
        for off in [14, 14] {
            at += hours(off);
            looks(at).await;
        }
        at += hours(90);
        assert!(looks(at).await);
        // A month from now, and back.
        assert!(!looks(at + hours(24 * 30)).await);
        assert!(!looks(at).await, "one of the two was wrong");
        assert!(!looks(at + hours(23)).await);
        assert!(looks(at + hours(25)).await);
        // Another replica's clock that is a little behind is no jump.
        assert!(looks(at + hours(25) - chrono::Duration::minutes(5)).await);
        assert!(!looks(at + hours(20)).await);
    }

    #[tokio::test]
    async fn a_restored_copy_tells_new_things_after_the_old_places_and_by_other_names() {
        let (store, folder) = Store::temporary().await;
        interview(&store, "i").await;
        // Before the copy, so that it has the feed's name.
        Feed::of(&store).await.unwrap();
        let copy = folder.path().join("copy.db");
        store.backup(&copy).await.unwrap();
        let tell = async |store: &Store| {
            let at = now();
            change(store, "i", at, |lifecycle| lifecycle.joined(at, at)).await.unwrap();
            let feed = Feed::of(store).await.unwrap();
            feed.look().await.unwrap();
            let placed = feed.after(0, 9).await.unwrap().events.remove(0);
            (placed.place, serde_json::from_str::<Event>(&placed.body).unwrap().id, feed)
        };
        let (place, id, feed) = tell(&store).await;
        let cursor = feed.cursor(place).to_string();
        tokio::time::sleep(Duration::from_millis(5)).await; // nobody restores a copy within a millisecond
        let restored = Store::open(copy.to_str().unwrap(), crate::store::Open::Existing).await.unwrap();
        let (again, other, feed) = tell(&restored).await;
        assert!(again > place, "{again} after {place}");
        assert_ne!(id, other, "who remembers ids takes it for what it is");
        assert!(feed.read_cursor(Some(&cursor)).await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn more_than_fits_into_one_transaction_keeps_its_order() {
        let (store, _folder) = Store::temporary().await;
        let feed = Feed::of(&store).await.unwrap();
        let mut tx = store.write().await.unwrap();
        for n in 0..1_200_i64 {
            let id = format!("i{}", n % 3);
            let event = Event {
                id: String::new(),
                kind: EventKind::HookTest,
                timestamp: now(),
                data: EventData::Hook { hook_id: String::new() },
            };
            write(&mut tx, &id, vec![(n, event)]).await.unwrap();
        }
        tx.commit().await.unwrap();
        feed.look().await.unwrap();
        let rows = sqlx::query("SELECT interview_id, revision, place FROM events ORDER BY place");
        let rows = rows.fetch_all(store.read()).await.unwrap();
        let mut last = std::collections::HashMap::new();
        let first: i64 = rows[0].try_get(2).unwrap();
        for (row, expected) in rows[..1_000].iter().zip(first..) {
            let (id, revision, place): (String, i64, i64) =
                (row.try_get(0).unwrap(), row.try_get(1).unwrap(), row.try_get(2).unwrap());
            assert_eq!(place, expected, "no gap");
            assert!(last.insert(id, revision).is_none_or(|before| before < revision));
        }
        assert_eq!(rows.len(), 1_200);
        let end: i64 = rows[1_199].try_get(2).unwrap();
        assert_eq!(*feed.watch().borrow(), end);
    }
}
