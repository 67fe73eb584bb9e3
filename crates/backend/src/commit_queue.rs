//! Several records, the closings of their rooms and what the reconciler finds, in one transaction: on SQLite every commit waits for the disk, and
//! a test center's clients end at the same minute. Each still gets its own answer, after the commit.

use std::ops::RangeInclusive;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::api_error::ApiError;
use crate::lifecycle::Lifecycle;
use crate::lifecycle_store;
use crate::state::App;
use crate::store::Tx;
use crate::submission::{self, NotStored, Signed, Stored, Submission};

/// Changes in one transaction at most: what waits longer than one sync of the disk is not more than that.
const LARGEST: usize = 128;
/// Changes that wait at most; more records are asked to come again, other changes wait for a place.
const WAITING: usize = 8_192;
/// Bytes of records that wait at most: 6,600 ordinary ones (written in 5 s, and clients wait 8 s), or 16 of the largest.
const WAITING_BYTES: usize = 128 * 1024 * 1024;
/// Records a second that are asked to come again: under a fifth of what one backend writes (docs/scale.md), because
/// new ones come as well, and the machine may be a slower one.
const CALLED_BACK_PER_S: u32 = 400;
/// Nobody is asked to stay away for less or for longer than this.
const CALLED_BACK: RangeInclusive<Duration> = Duration::from_secs(2)..=Duration::from_secs(60);

/// What is to be written, for somebody who waits.
enum WriteOp {
    Record {
        submission: Box<Submission>,
        signed: Signed,
        /// What it became, if the transaction holds.
        stored: Result<Stored, ApiError>,
        answer: oneshot::Sender<Result<Stored, ApiError>>,
        _permit: QueuePermit,
    },
    RoomClosed {
        room: String,
        attempt: i64,
        at: DateTime<Utc>,
        answer: oneshot::Sender<Result<(), sqlx::Error>>,
    },
    Lifecycle {
        id: String,
        at: DateTime<Utc>,
        by: Box<dyn Fn(&mut Lifecycle) + Send + Sync>,
        answer: oneshot::Sender<Result<(), sqlx::Error>>,
    },
}

/// A record's part of [`WAITING_BYTES`], until it is written.
#[derive(Debug)]
pub(crate) struct QueuePermit(OwnedSemaphorePermit);

/// The way to the one who writes.
#[derive(Clone, Debug)]
pub(crate) struct CommitQueue {
    waiting: mpsc::Sender<WriteOp>,
    bytes: Arc<Semaphore>,
    turns: Arc<Mutex<Turns>>,
}

/// When those who are turned away may come again: one after another, so that they don't meet again.
#[derive(Debug)]
struct Turns {
    next: Instant,
}

impl Turns {
    /// Seconds until the next free turn.
    fn take(&mut self, now: Instant) -> u64 {
        let earliest = now + *CALLED_BACK.start();
        self.next = self.next.max(earliest).min(now + *CALLED_BACK.end())
            + Duration::from_secs(1) / CALLED_BACK_PER_S;
        (self.next - now).as_secs()
    }
}

/// What [`work`] works on.
#[derive(Debug)]
pub(crate) struct Waiting(mpsc::Receiver<WriteOp>);

impl CommitQueue {
    pub(crate) fn new() -> (Self, Waiting) {
        let (waiting, receiver) = mpsc::channel(WAITING);
        let bytes = Arc::new(Semaphore::new(WAITING_BYTES));
        let turns = Arc::new(Mutex::new(Turns { next: Instant::now() }));
        (Self { waiting, bytes, turns }, Waiting(receiver))
    }

    /// Room for a record of that many bytes among those that wait, or when to come again.
    pub(crate) fn permit(&self, bytes: usize) -> Result<QueuePermit, ApiError> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Arc::clone(&self.bytes).try_acquire_many_owned(bytes).map(QueuePermit).map_err(|_| self.put_off())
    }

    /// More of it has arrived.
    pub(crate) fn grow(&self, permit: &mut QueuePermit, bytes: usize) -> Result<(), ApiError> {
        let more = self.permit(bytes)?;
        permit.0.merge(more.0);
        Ok(())
    }

    /// Bytes that are free.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.bytes.available_permits()
    }

    /// Stores a record and answers once it is on disk.
    pub(crate) async fn submit(
        &self,
        app: &App,
        submission: Submission,
        permit: QueuePermit,
    ) -> Result<Stored, ApiError> {
        let signed = submission.sign()?;
        let (answer, answered) = oneshot::channel();
        let stored = Err(ApiError::unavailable());
        let change =
            WriteOp::Record { submission: Box::new(submission), signed, stored, answer, _permit: permit };
        if !app.store.batches() {
            alone(app, change).await;
        } else if self.waiting.try_send(change).is_err() {
            return Err(self.put_off());
        }
        answered.await.unwrap_or_else(|_| Err(ApiError::unavailable()))
    }

    fn put_off(&self) -> ApiError {
        metrics::counter!("adjourn_records_put_off").increment(1);
        ApiError::unavailable().retry_after(self.turns.lock().take(Instant::now()))
    }

    /// Notes that a room was closed, and answers once that is on disk.
    pub(crate) async fn room_closed(
        &self,
        app: &App,
        room: &str,
        attempt: i64,
        at: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let room = room.to_owned();
        self.written(app, |answer| WriteOp::RoomClosed { room, attempt, at, answer }).await
    }

    /// Changes an interview as it stands then, and answers once that is on disk.
    pub(crate) async fn change(
        &self,
        app: &App,
        id: String,
        at: DateTime<Utc>,
        by: impl Fn(&mut Lifecycle) + Send + Sync + 'static,
    ) -> Result<(), sqlx::Error> {
        self.written(app, |answer| WriteOp::Lifecycle { id, at, by: Box::new(by), answer }).await
    }

    /// Waits for a place, and until it is on disk.
    async fn written(
        &self,
        app: &App,
        change: impl FnOnce(oneshot::Sender<Result<(), sqlx::Error>>) -> WriteOp,
    ) -> Result<(), sqlx::Error> {
        let (answer, answered) = oneshot::channel();
        let change = change(answer);
        if !app.store.batches() {
            alone(app, change).await;
        } else if self.waiting.send(change).await.is_err() {
            return Err(sqlx::Error::WorkerCrashed);
        }
        answered.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }
}

/// Writes what waits, on a thread of its own: among the tasks of thousands of requests that come at once (after an
/// outage) the one who writes would get its turn after each of them, at every statement.
///
/// # Errors
/// The computer has no thread left.
pub(crate) fn start(app: App, waiting: Waiting) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let work = move || runtime.block_on(work(app, waiting));
    std::thread::Builder::new().name("records".to_owned()).spawn(work).map(drop)
}

/// Writes what waits, for as long as the process lives: a server that stops answers first what is under way. A change that
/// makes this code panic takes its batch with it (who waits is told to come again), and no other.
async fn work(app: App, Waiting(mut waiting): Waiting) {
    let mut batch = Vec::with_capacity(LARGEST);
    while waiting.recv_many(&mut batch, LARGEST).await > 0 {
        metrics::histogram!("adjourn_changes_per_commit").record(batch.len() as f64);
        if AssertUnwindSafe(write(&app, &mut batch)).catch_unwind().await.is_err() {
            tracing::error!(changes = batch.len(), "a batch was given up");
            metrics::counter!("adjourn_batches_given_up").increment(1);
            batch.clear();
        }
    }
}

async fn write(app: &App, batch: &mut Vec<WriteOp>) {
    let written = match app.store.write().await {
        Ok(tx) => together(app, tx, batch).await,
        // Nobody's change is to blame: one by one each would wait as long again.
        Err(error) => {
            tracing::warn!(%error, changes = batch.len(), "nothing can be written");
            for change in batch.drain(..) {
                change.answer(Err(sqlx::Error::PoolTimedOut));
            }
            return;
        }
    };
    if let Err(error) = &written {
        tracing::warn!(%error, changes = batch.len(), "a batch failed; one by one");
    }
    for change in batch.drain(..) {
        match written {
            Ok(()) => change.answer(Ok(())),
            Err(_) => alone(app, change).await,
        }
    }
}

impl WriteOp {
    async fn write(&mut self, app: &App, tx: &mut Tx) -> Result<(), sqlx::Error> {
        match self {
            Self::Record { submission, signed, stored, .. } => {
                *stored = match submission::store(app, tx, submission, signed).await {
                    Ok(stored) => Ok(stored),
                    // Refused before anything was written.
                    Err(NotStored::Refused(refusal)) => Err(refusal),
                    Err(NotStored::Database(error)) => return Err(error),
                };
                Ok(())
            }
            Self::RoomClosed { room, attempt, at, .. } => {
                lifecycle_store::room_closed(tx, room, *attempt, *at).await
            }
            Self::Lifecycle { id, at, by, .. } => lifecycle_store::change_in(tx, id, *at, by).await.map(drop),
        }
    }

    /// Tells the one who waits what became of the transaction. Who hung up comes again and gets the same receipt.
    fn answer(self, written: Result<(), sqlx::Error>) {
        match self {
            Self::Record { stored, answer, .. } => {
                drop(answer.send(written.map_err(ApiError::from).and(stored)));
            }
            Self::RoomClosed { answer, .. } | Self::Lifecycle { answer, .. } => drop(answer.send(written)),
        }
    }
}

async fn together(app: &App, mut tx: Tx, batch: &mut [WriteOp]) -> Result<(), sqlx::Error> {
    for change in batch {
        change.write(app, &mut tx).await?;
    }
    tx.commit().await
}

async fn alone(app: &App, mut change: WriteOp) {
    let written =
        async { together(app, app.store.write().await?, std::slice::from_mut(&mut change)).await }.await;
    change.answer(written);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_are_turned_away_come_again_one_after_another() {
        let now = Instant::now();
        let mut turns = Turns { next: now };
        let asked: Vec<u64> = (0..CALLED_BACK_PER_S * 100).map(|_| turns.take(now)).collect();
        assert_eq!(asked[0], CALLED_BACK.start().as_secs());
        assert!(asked.is_sorted());
        let in_one_second = asked.iter().filter(|at| **at == 10).count();
        assert_eq!(in_one_second, CALLED_BACK_PER_S as usize);
        assert_eq!(asked.last(), Some(&CALLED_BACK.end().as_secs()));
        // Later the way is free again.
        let later = now + *CALLED_BACK.end() * 2;
        assert_eq!(turns.take(later), CALLED_BACK.start().as_secs());
    }
}
