//! Closing rooms, in the background: each once at a time, few at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::state::App;
use crate::store::now;

/// Tries to close a room before that is left to the next round.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);
/// Rooms that wait for being closed; what is more is left to the reconciler.
const WAITING: usize = 4_096;
/// Calls to LiveKit at a time: a test center's rooms end at the same minute, and neither records nor other calls must
/// wait for their closing.
const AT_A_TIME: usize = 4;

/// The way to the one who closes rooms. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct RoomCloser {
    waiting: mpsc::Sender<Room>,
    /// Those that wait, and those that are being closed.
    known: Arc<Mutex<HashSet<Room>>>,
}

/// A room by its name and the attempt that it is for: the next attempt's has the same name.
type Room = (String, i64);

/// What [`work`] works on.
#[derive(Debug)]
pub(crate) struct ToClose(mpsc::Receiver<Room>);

impl RoomCloser {
    pub(crate) fn new() -> (Self, ToClose) {
        let (waiting, receiver) = mpsc::channel(WAITING);
        (Self { waiting, known: Arc::default() }, ToClose(receiver))
    }

    /// Rooms that may still be added.
    pub(crate) fn places(&self) -> usize {
        self.waiting.capacity()
    }

    /// Closes a room soon, if that is not coming already. Without a place it is left to the reconciler.
    pub(crate) fn add(&self, room: &str, attempt: i64) {
        let room = (room.to_owned(), attempt);
        if !self.known.lock().insert(room.clone()) {
            return;
        }
        if self.waiting.try_send(room.clone()).is_err() {
            self.known.lock().remove(&room);
            metrics::counter!("adjourn_closings_left_to_the_rounds").increment(1);
        }
    }
}

/// Closes the rooms that it is told, for as long as the process lives.
pub(crate) async fn work(app: App, ToClose(rooms): ToClose) {
    let rooms = futures_util::stream::unfold(rooms, |mut rooms| async { Some((rooms.recv().await?, rooms)) });
    rooms
        .for_each_concurrent(AT_A_TIME, |room| {
            let app = &app;
            async move {
                for _ in 0..TRIES {
                    if closed(app, &room).await {
                        break;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                app.room_closer.known.lock().remove(&room);
            }
        })
        .await;
}

/// Closes a room, and notes that. Gives whether there is nothing more to do.
async fn closed(app: &App, (room, attempt): &Room) -> bool {
    // Under the row's lock, and before LiveKit is asked: an attempt that begins meanwhile waits, or its room would go.
    let stands = Arc::new(AtomicBool::new(false));
    let (of, found, at) = (*attempt, Arc::clone(&stands), now());
    let begun = app.commit_queue.change(app, room.clone(), at, move |lifecycle| {
        found.store(lifecycle.begins_to_close(of, at), Ordering::Relaxed);
    });
    if let Err(error) = begun.await {
        tracing::warn!(%error, "a room is not closed yet");
        return false;
    }
    if !stands.load(Ordering::Relaxed) {
        return true;
    }
    if let Err(error) = app.livekit.delete_room(room).await {
        tracing::warn!(%error, "a room could not be closed");
        let failed =
            app.commit_queue.change(app, room.clone(), now(), move |lifecycle| lifecycle.does_not_close(of));
        if let Err(error) = failed.await {
            tracing::warn!(%error, "a room that is not being closed is taken for one for some seconds");
        }
        return false;
    }
    metrics::counter!("adjourn_rooms_closed").increment(1);
    let noted = app.commit_queue.room_closed(app, room, *attempt, now()).await;
    noted.inspect_err(|error| tracing::warn!(%error, "a closed room could not be noted")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_waits_once_and_only_while_there_is_a_place() {
        let (closer, ToClose(mut rooms)) = RoomCloser::new();
        closer.add("a", 1);
        closer.add("a", 1);
        assert_eq!(closer.places(), WAITING - 1);
        assert_eq!(rooms.try_recv().unwrap(), ("a".to_owned(), 1));
        for room in 0..=WAITING {
            closer.add(&room.to_string(), 1);
        }
        assert_eq!(closer.places(), 0);
        assert_eq!(closer.known.lock().len(), WAITING + 1, "the one without a place may come again");
    }

    /// A candidate whose record waits must be able to join for its token, whatever LiveKit does.
    #[tokio::test]
    async fn a_room_that_livekit_does_not_close_is_not_being_closed() {
        let (store, _folder) = crate::store::Store::temporary().await;
        sqlx::query(
            "INSERT INTO interviews (id, title, language, max_minutes, window_from, window_to, policy, code_hash, created_at,
               attempt, room_sid, room_attempt, started_at, ended_at) VALUES ('i', 't', 'en', 30, 0, 0, '{}', 'c', 0, 1, 'RM_1', 1, 0, 1)",
        )
        .execute(store.read())
        .await
        .unwrap();
        // Nobody listens there.
        let app = crate::state::tests::app_at(store.clone(), ([127, 0, 0, 1], 9).into()).await;
        assert!(!closed(&app, &("i".to_owned(), 1)).await);
        let lifecycle =
            crate::lifecycle_store::read(&crate::lifecycle_store::row(&store, "i").await.unwrap()).unwrap();
        assert_eq!((lifecycle.closing_at, lifecycle.room_closed_at), (None, None));
    }
}
