//! Several records in one transaction: on SQLite every commit waits for the disk, and a test center's clients
//! end at the same minute. Each record still gets its own answer, after the commit.

use tokio::sync::{mpsc, oneshot};

use crate::app::App;
use crate::problem::Refusal;
use crate::submission::{self, NotStored, Stored, Submission};

/// Records in one transaction at most: what waits longer than one sync of the disk is not more than that.
const LARGEST: usize = 64;
/// Records that wait at most; more are asked to come again.
const WAITING: usize = 1_024;

type Answer = Result<Stored, Refusal>;

/// The way to the one who writes records.
#[derive(Clone, Debug)]
pub(crate) struct Batches {
    waiting: mpsc::Sender<(Submission, oneshot::Sender<Answer>)>,
}

/// What [`work`] works on.
pub(crate) type Waiting = mpsc::Receiver<(Submission, oneshot::Sender<Answer>)>;

impl Batches {
    pub(crate) fn new() -> (Self, Waiting) {
        let (waiting, receiver) = mpsc::channel(WAITING);
        (Self { waiting }, receiver)
    }

    /// Stores a record and answers once it is on disk.
    pub(crate) async fn submit(&self, app: &App, submission: Submission) -> Answer {
        if !app.store.batches() {
            return alone(app, &submission).await;
        }
        let (answer, answered) = oneshot::channel();
        if self.waiting.try_send((submission, answer)).is_err() {
            metrics::counter!("adjourn_records_put_off").increment(1);
            return Err(Refusal::unavailable());
        }
        answered.await.unwrap_or_else(|_| Err(Refusal::unavailable()))
    }
}

/// Stores what waits, for as long as the process lives: a server that stops answers first what is under way.
pub(crate) async fn work(app: App, mut waiting: Waiting) {
    let mut batch = Vec::with_capacity(LARGEST);
    while waiting.recv_many(&mut batch, LARGEST).await > 0 {
        metrics::histogram!("adjourn_records_per_commit").record(batch.len() as f64);
        let answers = match together(&app, batch.iter().map(|(submission, _)| submission)).await {
            Ok(answers) => answers,
            Err(error) => {
                tracing::warn!(%error, records = batch.len(), "a batch failed; one by one");
                let mut answers = Vec::with_capacity(batch.len());
                for (submission, _) in &batch {
                    answers.push(alone(&app, submission).await);
                }
                answers
            }
        };
        for ((_, sender), answer) in batch.drain(..).zip(answers) {
            // The client hung up; it will come again and get the same receipt.
            let _ = sender.send(answer);
        }
    }
}

async fn together(app: &App, batch: impl Iterator<Item = &Submission>) -> Result<Vec<Answer>, sqlx::Error> {
    let mut tx = app.store.write().await?;
    let mut answers = Vec::new();
    for submission in batch {
        answers.push(match submission::store(app, &mut tx, submission).await {
            Ok(stored) => Ok(stored),
            // Refused before anything was written.
            Err(NotStored::Refused(refusal)) => Err(refusal),
            Err(NotStored::Database(error)) => return Err(error),
        });
    }
    tx.commit().await?;
    Ok(answers)
}

async fn alone(app: &App, submission: &Submission) -> Answer {
    let mut tx = app.store.write().await?;
    let stored = submission::store(app, &mut tx, submission).await?;
    tx.commit().await?;
    Ok(stored)
}
