//! Several records, the closings of their rooms and what the reconciler finds, in one transaction: on SQLite every commit
//! waits for the disk, and a test center's clients end at the same minute. Each still gets its own answer, after the commit.

use std::panic::AssertUnwindSafe;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot};

use crate::api_error::ApiError;
use crate::lifecycle::{Deadlines, Lifecycle};
use crate::lifecycle_store;
use crate::record_budget::{QueuePermit, RecordBudget};
use crate::store::{Store, Tx};
use crate::submission::{self, NotStored, Signed, Stored, Submission};

/// Writes in one transaction at most: what waits longer than one sync of the disk is not more than that.
const LARGEST: usize = 128;
/// Writes that wait at most; more records are asked to come again, others wait for a place.
const WAITING: usize = 8_192;

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

/// The way to the one who writes. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct CommitQueue {
    waiting: mpsc::Sender<WriteOp>,
    writer: Writer,
    /// Of the records that wait here, and of those that are still on their way in.
    pub(crate) budget: RecordBudget,
}

impl CommitQueue {
    /// Begins to write what is submitted, on a thread of its own: among the tasks of thousands of requests that come at once
    /// (after an outage) the one who writes would get its turn after each of them, at every statement. It ends with the last
    /// clone of the queue.
    ///
    /// # Errors
    /// The computer has no thread left.
    pub(crate) fn start(store: Store, deadlines: Deadlines) -> std::io::Result<Self> {
        let (waiting, receiver) = mpsc::channel(WAITING);
        let writer = Writer { store, deadlines };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let own = writer.clone();
        let work = move || runtime.block_on(own.work(receiver));
        std::thread::Builder::new().name("records".to_owned()).spawn(work)?;
        Ok(Self { waiting, writer, budget: RecordBudget::default() })
    }

    /// Stores a record and answers once it is on disk.
    pub(crate) async fn submit(
        &self,
        submission: Submission,
        permit: QueuePermit,
    ) -> Result<Stored, ApiError> {
        let signed = submission.sign()?;
        let (answer, answered) = oneshot::channel();
        let stored = Err(ApiError::unavailable());
        let op =
            WriteOp::Record { submission: Box::new(submission), signed, stored, answer, _permit: permit };
        if !self.writer.store.batches() {
            self.writer.alone(op).await;
        } else if self.waiting.try_send(op).is_err() {
            return Err(self.budget.put_off());
        }
        answered.await.unwrap_or_else(|_| Err(ApiError::unavailable()))
    }

    /// Notes that a room was closed, and answers once that is on disk.
    pub(crate) async fn room_closed(
        &self,
        room: &str,
        attempt: i64,
        at: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let room = room.to_owned();
        self.written(|answer| WriteOp::RoomClosed { room, attempt, at, answer }).await
    }

    /// Changes an interview as it stands then, and answers once that is on disk.
    pub(crate) async fn change(
        &self,
        id: String,
        at: DateTime<Utc>,
        by: impl Fn(&mut Lifecycle) + Send + Sync + 'static,
    ) -> Result<(), sqlx::Error> {
        self.written(|answer| WriteOp::Lifecycle { id, at, by: Box::new(by), answer }).await
    }

    /// Waits for a place, and until it is on disk.
    async fn written(
        &self,
        op: impl FnOnce(oneshot::Sender<Result<(), sqlx::Error>>) -> WriteOp,
    ) -> Result<(), sqlx::Error> {
        let (answer, answered) = oneshot::channel();
        let op = op(answer);
        if !self.writer.store.batches() {
            self.writer.alone(op).await;
        } else if self.waiting.send(op).await.is_err() {
            return Err(sqlx::Error::WorkerCrashed);
        }
        answered.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }
}

/// The one who writes.
#[derive(Clone, Debug)]
struct Writer {
    store: Store,
    deadlines: Deadlines,
}

impl Writer {
    /// Writes what waits, until nobody can send any more: a server that stops answers first what is under way. A write that
    /// makes this code panic takes its batch with it (who waits is told to come again), and no other.
    async fn work(self, mut waiting: mpsc::Receiver<WriteOp>) {
        let mut batch = Vec::with_capacity(LARGEST);
        while waiting.recv_many(&mut batch, LARGEST).await > 0 {
            metrics::histogram!("adjourn_changes_per_commit").record(batch.len() as f64);
            if AssertUnwindSafe(self.write(&mut batch)).catch_unwind().await.is_err() {
                tracing::error!(changes = batch.len(), "a batch was given up");
                metrics::counter!("adjourn_batches_given_up").increment(1);
                batch.clear();
            }
        }
    }

    async fn write(&self, batch: &mut Vec<WriteOp>) {
        let written = match self.store.write().await {
            Ok(tx) => self.together(tx, batch).await,
            // Nobody's write is to blame: one by one each would wait as long again.
            Err(error) => {
                tracing::warn!(%error, changes = batch.len(), "nothing can be written");
                for op in batch.drain(..) {
                    op.answer(Err(sqlx::Error::PoolTimedOut));
                }
                return;
            }
        };
        if let Err(error) = &written {
            tracing::warn!(%error, changes = batch.len(), "a batch failed; one by one");
        }
        for op in batch.drain(..) {
            match written {
                Ok(()) => op.answer(Ok(())),
                Err(_) => self.alone(op).await,
            }
        }
    }

    async fn together(&self, mut tx: Tx, batch: &mut [WriteOp]) -> Result<(), sqlx::Error> {
        for op in batch {
            op.write(&self.deadlines, &mut tx).await?;
        }
        tx.commit().await
    }

    async fn alone(&self, mut op: WriteOp) {
        let written =
            async { self.together(self.store.write().await?, std::slice::from_mut(&mut op)).await }.await;
        op.answer(written);
    }
}

impl WriteOp {
    async fn write(&mut self, deadlines: &Deadlines, tx: &mut Tx) -> Result<(), sqlx::Error> {
        match self {
            Self::Record { submission, signed, stored, .. } => {
                *stored = match submission::store(tx, submission, signed, deadlines).await {
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
