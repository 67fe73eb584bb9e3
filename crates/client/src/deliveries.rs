//! Delivery of records: of what waits on disk, at the start and as long as the client runs, and of what the disk did not take.

use std::sync::Arc;
use std::time::Duration;

use adjourn_outbox::{Asked, DeliveryEvent, DeliveryOutcome, Granted, Join, Receipt, pause};
use adjourn_protocol::ClientInfo;
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::environment::Jitter;
use crate::event::{Event, Events};
use crate::panics::guarded;
use crate::{Environment, Storage};

/// Longest sleep: something may become due by another process.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// How often servers are asked whether they still have what they gave receipts for: at the start, and then so often.
const ASKED_AGAIN: Duration = Duration::from_secs(12 * 3600);
/// The same where a server did not answer.
const ASKED_SOON: Duration = Duration::from_secs(600);
/// Pause before delivery is begun again after a part of it failed.
const AGAIN: Duration = Duration::from_secs(1);
/// At the end of the process, a delivery that is under way gets so long.
const LAST_DELIVERY: Duration = Duration::from_secs(2);

/// The deliveries of this client.
pub(crate) struct Deliveries {
    environment: Environment,
    info: ClientInfo,
    events: Events,
    /// Says that something new waits.
    wake: Arc<Notify>,
    /// Ends the delivering.
    stop: watch::Sender<bool>,
    delivering: Option<JoinHandle<()>>,
    /// The interviewer's report says that the interview was finished.
    confirmed: bool,
    /// Of this interview's record, once it is there.
    receipt: Option<Receipt>,
    /// It was tried, and is to be tried again later.
    put_off: bool,
}

impl Deliveries {
    pub(crate) fn new(environment: Environment, info: ClientInfo, events: Events) -> Self {
        let (wake, stop) = (Arc::new(Notify::new()), watch::Sender::new(false));
        Self {
            environment,
            info,
            events,
            wake,
            stop,
            delivering: None,
            confirmed: false,
            receipt: None,
            put_off: false,
        }
    }

    /// Begins to deliver.
    pub(crate) fn start(&mut self) {
        self.delivering = Some(tokio::spawn(keep_delivering(
            self.environment.clone(),
            self.info.clone(),
            Arc::clone(&self.wake),
            self.events.clone(),
            self.stop.subscribe(),
        )));
    }

    /// This interview's record is at the backend.
    pub(crate) fn received(&mut self, receipt: Receipt) {
        self.receipt = Some(receipt);
    }

    /// This interview's record was tried, and is to be tried again later.
    pub(crate) fn put_off(&mut self) {
        self.put_off = true;
    }

    /// Whether it was.
    pub(crate) fn was_put_off(&self) -> bool {
        self.put_off
    }

    /// The receipt of this interview's record, once there is one.
    pub(crate) fn receipt(&self) -> Option<&Receipt> {
        self.receipt.as_ref()
    }

    /// Something new waits.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Delivers a record that is not on disk.
    pub(crate) fn send_from_memory(&self, join: Join, granted: Granted, record: Vec<u8>) {
        let (environment, info) = (self.environment.clone(), self.info.clone());
        let sending = from_memory(environment, join, granted, info, record, self.events.clone());
        tokio::spawn(sending.in_current_span());
    }

    /// Nothing is left to do for this process once its record is delivered and no earlier one waits: the same link can be
    /// opened again (an interview that never started stays open) although this window still shows its end.
    pub(crate) fn let_go_of_the_folder(&self) {
        let (storage, stop) = (Arc::clone(&self.environment.storage), self.stop.clone());
        tokio::spawn(async move {
            match storage.waits().await {
                // The deliverer closes it, once it has written what it is at.
                Ok(false) => drop(stop.send(true)),
                Ok(true) => {}
                Err(error) => tracing::warn!(%error, "the journal stays open"),
            }
        });
    }

    /// The interviewer's report says that the interview was finished.
    pub(crate) fn confirm(&mut self) {
        self.confirmed = true;
    }

    pub(crate) fn confirmed(&self) -> bool {
        self.confirmed
    }

    /// Ends the delivering: what is being written down is written to its end.
    pub(crate) fn stop(&self) {
        let _ = self.stop.send(true);
    }

    /// Waits for its end, but not long.
    pub(crate) async fn stopped(&mut self) {
        if let Some(mut delivering) = self.delivering.take()
            && tokio::time::timeout(LAST_DELIVERY, &mut delivering).await.is_err()
        {
            delivering.abort();
        }
    }
}

/// Delivers until the loop is gone, whatever fails on the way, or until it is told to `stop`: then the storage is closed,
/// too.
async fn keep_delivering(
    environment: Environment,
    client: ClientInfo,
    wake: Arc<Notify>,
    events: Events,
    mut stop: watch::Receiver<bool>,
) {
    while guarded(deliver(&environment, &client, &wake, &events, &mut stop)).await.is_none() {
        tokio::time::sleep(AGAIN).await;
    }
    if *stop.borrow() {
        environment.storage.close().await;
    }
}

async fn deliver(
    environment: &Environment,
    client: &ClientInfo,
    wake: &Notify,
    events: &Events,
    stop: &mut watch::Receiver<bool>,
) {
    let Environment { storage, clock, jitter, .. } = environment;
    let to = events.clone();
    let tell = move |event: DeliveryEvent| -> BoxFuture<'static, ()> {
        match &event.attempt {
            DeliveryOutcome::Delivered { receipt } => {
                tracing::info!(receipt = receipt.claims.receipt_id, "a record was received");
            }
            DeliveryOutcome::Later { reason, .. } => tracing::info!(%reason, "a record waits"),
            // The loop says so, and on the screen too.
            DeliveryOutcome::Parked { .. } => {}
        }
        let events = to.clone();
        Box::pin(async move { events.tell(Event::Delivery(event)).await })
    };
    let mut failures = 0;
    let mut ask_again = Instant::now();
    loop {
        if events.is_closed() || *stop.borrow() {
            return;
        }
        fail::fail_point!("deliverer");
        let now = clock.wall();
        let delivered = storage.deliver_due(client, now, jitter.draw(), &tell).await;
        failures = if delivered.is_ok() { 0 } else { failures + 1 };
        if let Err(error) = delivered {
            tracing::error!(%error, "the outbox failed");
        }
        match storage.erase_due(now).await {
            Ok(0) => {}
            Ok(erased) => tracing::info!(erased, "delivered interviews were erased from this computer"),
            Err(error) => tracing::error!(%error, "what was delivered could not be erased"),
        }
        if Instant::now() >= ask_again {
            let asked = ask(storage.as_ref(), client).await;
            ask_again = Instant::now() + if asked.silent > 0 { ASKED_SOON } else { ASKED_AGAIN };
            if asked.lost > 0 {
                continue;
            }
        }
        let due = storage.next_due().await.ok().flatten();
        let sleep = due.map_or(LONGEST_SLEEP, |due| {
            let left = due - clock.wall().timestamp_millis();
            Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(LONGEST_SLEEP)
        });
        // A disk that does not take when to try next says that everything is due.
        let sleep = if failures > 0 { sleep.max(pause(failures - 1, None, jitter.draw())) } else { sleep };
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            () = wake.notified() => {}
            _ = stop.changed() => return,
            () = events.closed() => return,
        }
    }
}

/// Asks servers whether they still have what they gave receipts for.
async fn ask(storage: &dyn Storage, client: &ClientInfo) -> Asked {
    match storage.ask_again(client).await {
        Ok(asked) => {
            if asked.lost > 0 {
                let lost = asked.lost;
                tracing::warn!(lost, "a server lost what it had received; it is delivered again");
            }
            asked
        }
        Err(error) => {
            tracing::error!(%error, "the outbox failed");
            Asked::default()
        }
    }
}

/// Delivers a record that the disk did not take (or is slow to take), until the backend has it or refuses it for good.
async fn from_memory(
    environment: Environment,
    join: Join,
    mut granted: Granted,
    client: ClientInfo,
    record: Vec<u8>,
    events: Events,
) {
    for tries in 0.. {
        let sent = environment.backend.send(&join, &granted, &client, &record).await;
        if let Some(renewed) = sent.renewed {
            granted.renew(renewed);
        }
        let after = match sent.attempt {
            DeliveryOutcome::Later { reason, after } => {
                tracing::info!(%reason, "a record that is not on disk waits");
                after
            }
            attempt @ (DeliveryOutcome::Delivered { .. } | DeliveryOutcome::Parked { .. }) => {
                events.tell(Event::Delivery(DeliveryEvent { join_id: join.join_id, attempt })).await;
                return;
            }
        };
        if !rested(tries, after, &environment.jitter, &events).await {
            return;
        }
    }
}

/// Rests after so many failed tries, as long as the server `asked` at least. Gives whether the loop still listens.
pub(crate) async fn rested(tries: u32, asked: Option<Duration>, jitter: &Jitter, events: &Events) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause(tries, asked, jitter.draw())) => true,
        () = events.closed() => false,
    }
}
