//! Writes the journal beside the loop, and the record at its end.

use std::time::Duration;

use adjourn_protocol::{Entry, Line, Record, RecordHead, Secret};
use adjourn_session::Ending;
use tokio::sync::mpsc;
use tracing::Instrument as _;

use crate::Environment;
use crate::event::{Event, Events};
use crate::panics::guarded;

/// A disk that takes longer for the record is not waited for: it is sent from memory meanwhile.
const SLOW_DISK: Duration = Duration::from_secs(2);

enum JournalCommand {
    Write(Entry),
    Commit(Box<Ending>),
}

/// The journal of one join. Orders are carried out one after the other, so a record never misses a
/// line. The queue is unbounded on purpose: a few lines a second at most, and none may be dropped,
/// however slow the disk is.
#[derive(Clone)]
pub(crate) struct Journal {
    orders: mpsc::UnboundedSender<JournalCommand>,
    environment: Environment,
}

impl Journal {
    pub(crate) fn start(environment: Environment, join_id: Secret, head: RecordHead, events: Events) -> Self {
        let (orders, received) = mpsc::unbounded_channel();
        tokio::spawn(write(environment.clone(), join_id, head, received, events).in_current_span());
        Self { orders, environment }
    }

    pub(crate) fn write(&self, mono_ms: u64, line: Line) {
        self.order(JournalCommand::Write(Entry { at: self.environment.clock.wall(), mono_ms, line }));
    }

    pub(crate) fn commit(&self, ending: Ending) {
        self.order(JournalCommand::Commit(Box::new(ending)));
    }

    fn order(&self, order: JournalCommand) {
        if self.orders.send(order).is_err() {
            tracing::error!("the journal's writer is gone");
        }
    }
}

async fn write(
    environment: Environment,
    join_id: Secret,
    head: RecordHead,
    mut orders: mpsc::UnboundedReceiver<JournalCommand>,
    events: Events,
) {
    // Lines that the disk did not take; the record is made of them too.
    let mut unwritten: Vec<Entry> = Vec::new();
    while let Some(first) = orders.recv().await {
        // A slow disk is asked once for everything that came meanwhile.
        let (mut lines, mut ending) = (Vec::new(), None);
        let mut next = Some(first);
        while let Some(order) = next {
            match order {
                JournalCommand::Write(entry) => lines.push(entry),
                JournalCommand::Commit(decided) => ending = Some(decided),
            }
            next = if ending.is_none() { orders.try_recv().ok() } else { None };
        }
        if let Some(ending) = ending {
            unwritten.append(&mut lines);
            commit(&environment, &join_id, &head, *ending, &unwritten, &events).await;
            unwritten.clear();
            continue;
        }
        if let Err(error) = append(&environment, &join_id, &lines).await {
            tracing::error!(error, "the journal could not be written");
            if unwritten.is_empty() {
                events.tell(Event::NotJournaled).await;
            }
            unwritten.append(&mut lines);
        }
    }
}

/// Writes lines down. What waits for the disk is given a time, and that runs on while this computer sleeps: what failed is tried once
/// more before the disk is said to take nothing.
async fn append(environment: &Environment, join_id: &Secret, lines: &[Entry]) -> Result<(), String> {
    let mut tries = 0;
    loop {
        let written = guarded(async {
            fail::fail_point!("journal");
            environment.storage.append(join_id, lines).await
        });
        match written.await {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) if tries == 0 => {
                tracing::warn!(%error, "the journal could not be written, and is tried once more");
                tries += 1;
            }
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err("it panicked".to_owned()),
        }
    }
}

async fn commit(
    environment: &Environment,
    join_id: &Secret,
    head: &RecordHead,
    ending: Ending,
    rest: &[Entry],
    events: &Events,
) {
    let storage = &environment.storage;
    let mut entries = storage.journal(join_id).await.unwrap_or_else(|error| {
        tracing::error!(%error, "the journal could not be read");
        // The record says that something of it is missing.
        vec![Entry::lost()]
    });
    entries.extend_from_slice(rest);
    entries.sort_by_key(|entry| entry.at);
    let record = Record::from_journal(head.clone(), entries, Some(ending), environment.clock.wall());
    let mut committing = std::pin::pin!(guarded(storage.commit(join_id, &record, rest)));
    let committed = match tokio::time::timeout(SLOW_DISK, &mut committing).await {
        Ok(committed) => committed,
        Err(_) => {
            // What is safe at the backend needs no disk; the disk gets it all the same.
            events.tell(Event::CommitIsSlow(serde_json::to_vec(&record).unwrap_or_default())).await;
            committing.await
        }
    };
    match committed {
        // In memory it waits for its delivery, but nothing is saved.
        Some(Ok(_)) if storage.volatile() => events.tell(Event::CommittedInMemory).await,
        Some(Ok(_)) => events.tell(Event::Committed).await,
        failed => {
            let error =
                failed.and_then(Result::err).map_or_else(|| "it panicked".to_owned(), |e| e.to_string());
            tracing::error!(error, "the record could not be written");
            let bytes = serde_json::to_vec(&record).unwrap_or_default();
            events.tell(Event::NotCommitted(bytes)).await;
        }
    }
}
