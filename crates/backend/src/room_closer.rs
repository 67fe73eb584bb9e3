//! Closing rooms, in the background: each once at a time, few at a time.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tracing::Instrument as _;

use crate::commit_queue::CommitQueue;
use crate::interview_span::of_interview;
use crate::livekit::LiveKit;
use crate::store::now;

/// Tries to close a room before that is left to the reconciler.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);
/// Rooms that wait for being closed; what is more is left to the reconciler.
const WAITING: usize = 4_096;
/// Calls to LiveKit at a time: a test center's rooms end at the same minute, and neither records nor other calls must
/// wait for their closing.
const AT_A_TIME: usize = 4;

/// A room by its name and the attempt that it is for: the next attempt's has the same name.
type Room = (String, i64);

/// The way to the one who closes rooms. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct RoomCloser {
    waiting: mpsc::Sender<Room>,
    /// Those that wait, and those that are being closed.
    known: Arc<Mutex<HashSet<Room>>>,
}

impl RoomCloser {
    /// Begins to close the rooms that it is told, until the last clone is gone.
    pub(crate) fn start(livekit: Arc<LiveKit>, commit_queue: CommitQueue) -> Self {
        let (closer, rooms) = Self::new();
        tokio::spawn(work(Closing { livekit, commit_queue }, rooms, Arc::clone(&closer.known)));
        closer
    }

    fn new() -> (Self, mpsc::Receiver<Room>) {
        let (waiting, receiver) = mpsc::channel(WAITING);
        (Self { waiting, known: Arc::default() }, receiver)
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

async fn work(closing: Closing, rooms: mpsc::Receiver<Room>, known: Arc<Mutex<HashSet<Room>>>) {
    let rooms = futures_util::stream::unfold(rooms, |mut rooms| async { Some((rooms.recv().await?, rooms)) });
    rooms
        .for_each_concurrent(AT_A_TIME, |room| {
            let (closing, known) = (&closing, &known);
            async move {
                let tries = async {
                    for _ in 0..TRIES {
                        if closing.closes(&room).await {
                            break;
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                };
                // The request that asked for it is over, and its span with it.
                let tries = tries.instrument(of_interview(&room.0));
                // One room's panic is that room's: the reconciler closes it later.
                if AssertUnwindSafe(tries).catch_unwind().await.is_err() {
                    metrics::counter!("adjourn_closings_left_to_the_rounds").increment(1);
                }
                known.lock().remove(&room);
            }
        })
        .await;
}

/// What it takes to close a room.
#[derive(Debug)]
struct Closing {
    livekit: Arc<LiveKit>,
    commit_queue: CommitQueue,
}

impl Closing {
    /// Closes a room, and notes that. Gives whether there is nothing more to do.
    async fn closes(&self, (room, attempt): &Room) -> bool {
        let queue = &self.commit_queue;
        // Under the row's lock, and before LiveKit is asked: an attempt that begins meanwhile waits, or its room would go.
        let stands = Arc::new(AtomicBool::new(false));
        let (of, found, at) = (*attempt, Arc::clone(&stands), now());
        let begun = queue.change(room.clone(), at, move |lifecycle| {
            found.store(lifecycle.begins_to_close(of, at), Ordering::Relaxed);
        });
        if let Err(error) = begun.await {
            tracing::warn!(%error, "a room is not closed yet");
            return false;
        }
        if !stands.load(Ordering::Relaxed) {
            return true;
        }
        if let Err(error) = self.livekit.delete_room(room).await {
            tracing::warn!(%error, "a room could not be closed");
            let failed = queue.change(room.clone(), now(), move |lifecycle| lifecycle.does_not_close(of));
            if let Err(error) = failed.await {
                tracing::warn!(%error, "a room that is not being closed is taken for one for some seconds");
            }
            return false;
        }
        metrics::counter!("adjourn_rooms_closed").increment(1);
        let noted = queue.room_closed(room, *attempt, now()).await;
        noted.inspect_err(|error| tracing::warn!(%error, "a closed room could not be noted")).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use adjourn_protocol::Secret;

    use super::*;
    use crate::lifecycle::Deadlines;
    use crate::lifecycle_store;
    use crate::store::Store;

    #[test]
    fn a_room_waits_once_and_only_while_there_is_a_place() {
        let (closer, mut rooms) = RoomCloser::new();
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
        let (store, _folder) = Store::temporary().await;
        sqlx::query(
            "INSERT INTO interviews (id, title, language, max_minutes, window_from, window_to, policy, code_hash, created_at,
               attempt, room_sid, room_attempt, started_at, ended_at) VALUES ('i', 't', 'en', 30, 0, 0, '{}', 'c', 0, 1, 'RM_1', 1, 0, 1)",
        )
        .execute(store.read())
        .await
        .unwrap();
        // Nobody listens there.
        let nowhere = "ws://127.0.0.1:9".parse().unwrap();
        let livekit = LiveKit::new(nowhere, "key".to_owned(), Secret::new("secret".to_owned())).unwrap();
        let commit_queue = CommitQueue::start(store.clone(), Deadlines::default()).unwrap();
        let closing = Closing { livekit: Arc::new(livekit), commit_queue };
        assert!(!closing.closes(&("i".to_owned(), 1)).await);
        let lifecycle = lifecycle_store::read(&lifecycle_store::row(&store, "i").await.unwrap()).unwrap();
        assert_eq!((lifecycle.closing_at, lifecycle.room_closed_at), (None, None));
    }
}
