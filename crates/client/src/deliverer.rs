//! Delivers what waits, at the start and as long as the client runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use adjourn_protocol::ClientInfo;
use adjourn_outbox::{Asked, Attempt, DeliveryEvent, Granted, Join, Outbox, pause, send};
use chrono::Utc;
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, mpsc, watch};

use crate::panics::guarded;
use crate::run::Event;

/// Longest sleep: something may become due by another process.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// How often servers are asked whether they still have what they gave receipts for: at the start, and then so often.
const ASKED_AGAIN: Duration = Duration::from_secs(12 * 3600);
/// The same where a server did not answer.
const ASKED_SOON: Duration = Duration::from_secs(600);

/// Pause before delivery is begun again after a part of it failed.
const AGAIN: Duration = Duration::from_secs(1);

/// Delivers until the loop is gone, whatever fails on the way, or until it is told to `stop`: then the outbox is closed,
/// too. `wake` says that something new waits.
pub(crate) async fn keep_delivering(
    outbox: Outbox,
    client: ClientInfo,
    wake: Arc<Notify>,
    events: mpsc::Sender<Event>,
    mut stop: watch::Receiver<bool>,
) {
    while guarded(deliver(&outbox, &client, &wake, &events, &mut stop)).await.is_none() {
        tokio::time::sleep(AGAIN).await;
    }
    if *stop.borrow() {
        outbox.close().await;
    }
}

async fn deliver(
    outbox: &Outbox,
    client: &ClientInfo,
    wake: &Notify,
    events: &mpsc::Sender<Event>,
    stop: &mut watch::Receiver<bool>,
) {
    let tell = |event: DeliveryEvent| -> BoxFuture<'static, ()> {
        if let Attempt::Later { reason, .. } = &event.attempt {
            tracing::info!(%reason, "a record waits");
        }
        let events = events.clone();
        // The loop is gone: the process is ending.
        Box::pin(async move { drop(events.send(Event::Delivery(event)).await) })
    };
    let mut failures = 0;
    let mut ask_again = Instant::now();
    loop {
        if events.is_closed() || *stop.borrow() {
            return;
        }
        fail::fail_point!("deliverer");
        let now = Utc::now();
        let delivered = outbox.deliver_due(client, now, jitter(), &tell).await;
        failures = if delivered.is_ok() { 0 } else { failures + 1 };
        if let Err(error) = delivered {
            tracing::error!(%error, "the outbox failed");
        }
        match outbox.erase_due(now).await {
            Ok(0) => {}
            Ok(erased) => tracing::info!(erased, "delivered interviews were erased from this computer"),
            Err(error) => tracing::error!(%error, "what was delivered could not be erased"),
        }
        if Instant::now() >= ask_again {
            ask_again = Instant::now() + ASKED_AGAIN;
            match outbox.ask_again(client).await {
                Ok(Asked { lost, silent }) => {
                    if silent > 0 {
                        ask_again = Instant::now() + ASKED_SOON;
                    }
                    if lost > 0 {
                        tracing::warn!(lost, "a server lost what it had received; it is delivered again");
                        continue;
                    }
                }
                Err(error) => tracing::error!(%error, "the outbox failed"),
            }
        }
        let due = outbox.next_due().await.ok().flatten();
        let sleep = due.map_or(LONGEST_SLEEP, |due| {
            Duration::from_millis(u64::try_from(due - Utc::now().timestamp_millis()).unwrap_or(0))
                .min(LONGEST_SLEEP)
        });
        // A disk that does not take when to try next says that everything is due.
        let sleep = if failures > 0 { sleep.max(pause(failures - 1, None, jitter())) } else { sleep };
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            () = wake.notified() => {}
            _ = stop.changed() => return,
            () = events.closed() => return,
        }
    }
}

/// Delivers a record that the disk did not take (or is slow to take), until the backend has it or refuses it for good.
pub(crate) async fn from_memory(
    join: Join,
    mut granted: Granted,
    client: ClientInfo,
    record: Vec<u8>,
    events: mpsc::Sender<Event>,
) {
    for tries in 0.. {
        let sent = send(&join.link, &join.join_id, &granted, &client, &record).await;
        if let Some(renewed) = sent.renewed {
            granted.renew(renewed);
        }
        let after = match sent.attempt {
            Attempt::Later { reason, after } => {
                tracing::info!(%reason, "a record that is not on disk waits");
                after
            }
            attempt @ (Attempt::Delivered { .. } | Attempt::Parked { .. }) => {
                let event = DeliveryEvent { join_id: join.join_id, attempt };
                // The loop is gone: the process is ending.
                let _ = events.send(Event::Delivery(event)).await;
                return;
            }
        };
        if !rested(tries, after, &events).await {
            return;
        }
    }
}

/// Rests after so many failed tries, as long as the server `asked` at least. Gives whether the loop still listens.
pub(crate) async fn rested(tries: u32, asked: Option<Duration>, events: &mpsc::Sender<Event>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause(tries, asked, jitter())) => true,
        () = events.closed() => false,
    }
}

/// Random in 0..1.
fn jitter() -> f64 {
    let mut bytes = [0_u8; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}
