//! Writes the journal beside the loop, and the record at its end.

use adjourn_outbox::{Entry, EntryKind, Outbox, Record, RecordHead, Secret};
use adjourn_session::Ending;
use chrono::Utc;
use tokio::sync::mpsc;

use crate::run::Event;

enum Order {
    Write(Entry),
    Commit(Box<Ending>),
}

/// The journal of one join. Orders are carried out one after the other, so a record never misses a
/// line. The queue is unbounded on purpose: a few lines a second at most, and none may be dropped,
/// however slow the disk is.
#[derive(Clone)]
pub(crate) struct Journal(mpsc::UnboundedSender<Order>);

impl Journal {
    pub(crate) fn start(
        outbox: Outbox,
        join_id: Secret,
        head: RecordHead,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let (sender, orders) = mpsc::unbounded_channel();
        tokio::spawn(write(outbox, join_id, head, orders, events));
        Self(sender)
    }

    pub(crate) fn write(&self, kind: EntryKind, mono_ms: u64, body: serde_json::Value) {
        self.order(Order::Write(Entry { kind, at: Utc::now(), mono_ms, body }));
    }

    pub(crate) fn commit(&self, ending: Ending) {
        self.order(Order::Commit(Box::new(ending)));
    }

    fn order(&self, order: Order) {
        if self.0.send(order).is_err() {
            tracing::error!("the journal's writer is gone");
        }
    }
}

async fn write(
    outbox: Outbox,
    join_id: Secret,
    head: RecordHead,
    mut orders: mpsc::UnboundedReceiver<Order>,
    events: mpsc::Sender<Event>,
) {
    // Lines that the disk did not take; the record is made of them too.
    let mut unwritten: Vec<Entry> = Vec::new();
    while let Some(order) = orders.recv().await {
        match order {
            Order::Write(entry) => {
                if let Err(error) = outbox.append(&join_id, &entry).await {
                    tracing::error!(%error, "the journal could not be written");
                    if unwritten.is_empty() {
                        tell(&events, Event::NotJournaled).await;
                    }
                    unwritten.push(entry);
                }
            }
            Order::Commit(ending) => {
                let mut entries = outbox.journal(&join_id).await.unwrap_or_else(|error| {
                    tracing::error!(%error, "the journal could not be read");
                    Vec::new()
                });
                entries.append(&mut unwritten);
                entries.sort_by_key(|entry| entry.at);
                let record = Record::from_journal(head.clone(), entries, Some(*ending), Utc::now());
                match outbox.commit(&join_id, &record).await {
                    Ok(_) => tell(&events, Event::Committed).await,
                    Err(error) => {
                        tracing::error!(%error, "the record could not be written");
                        let bytes = serde_json::to_vec(&record).unwrap_or_default();
                        tell(&events, Event::NotCommitted(bytes)).await;
                    }
                }
            }
        }
    }
}

async fn tell(events: &mpsc::Sender<Event>, event: Event) {
    // The loop is gone: the process is ending.
    let _ = events.send(event).await;
}

/// Makes and commits the record of a join whose client died in the middle, from its journal alone.
pub(crate) async fn finish_abandoned(
    outbox: &Outbox,
    join_id: &Secret,
    head: RecordHead,
) -> Result<(), adjourn_outbox::OutboxError> {
    let entries = outbox.journal(join_id).await?;
    let record = Record::from_journal(head, entries, None, Utc::now());
    outbox.commit(join_id, &record).await?;
    Ok(())
}
