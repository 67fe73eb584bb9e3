//! The replica that holds the lease sends; each webhook has a task of its own.

use std::collections::HashMap;
use std::time::Duration;

use adjourn_protocol::{Event, EventData, EventKind};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::delivery::{Answer, Courier, Envelope};
use super::queue;
use super::register::{self, Hook, NoHook};
use super::retry::{RESTS, rest};
use crate::feed::Feed;
use crate::lease::{HOOKS, Lease};
use crate::store::{Store, now, random};
use crate::supervision::kept_up;

/// Events of different interviews that are under way to one server at a time.
const AT_ONCE: usize = 16;
/// Events that are read at a time.
const BATCH: i64 = 64;
/// How often it is looked whether webhooks were added or removed, and whether the time of something has come.
const LOOK: Duration = Duration::from_millis(500);
/// Pause after the database failed.
const PAUSE: Duration = Duration::from_secs(2);

/// What sends. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) store: Store,
    pub(crate) feed: Feed,
    pub(crate) courier: Courier,
}

impl Sender {
    /// Keeps the feed in order, and sends, until the server stops.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let lease = Lease::of(HOOKS);
        let loops = async {
            tokio::join!(
                kept_up("feed", || self.feed.keep()),
                kept_up("hooks' lease", || lease.keep(&self.store)),
                kept_up("hooks", || send(self, &lease)),
            )
        };
        tokio::select! {
            _ = loops => {}
            () = stop.cancelled() => lease.give_back(&self.store).await,
        }
    }
}

/// The task of each webhook; they end with this.
#[derive(Default)]
struct Tasks(HashMap<String, JoinHandle<()>>);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.values().for_each(JoinHandle::abort);
    }
}

async fn send(sender: &Sender, lease: &Lease) {
    let mut tasks = Tasks::default();
    loop {
        if !lease.is_held() {
            // Another one sends.
            tasks = Tasks::default();
            lease.held().await;
        }
        match register::list(&sender.store).await {
            Ok(hooks) => {
                tasks.0.retain(|id, task| {
                    let wanted = !task.is_finished() && hooks.iter().any(|hook| hook.id == *id);
                    if !wanted {
                        task.abort();
                    }
                    wanted
                });
                let mut waiting = 0;
                for hook in hooks {
                    waiting += hook.waiting;
                    if hook.stopped_at.is_none() && !tasks.0.contains_key(&hook.id) {
                        tasks.0.insert(hook.id.clone(), tokio::spawn(serve(sender.clone(), hook.id)));
                    }
                }
                metrics::gauge!("adjourn_events_undelivered").set(waiting as f64);
            }
            Err(error) => tracing::warn!(%error, "which webhooks there are can't be found out"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Sends to one webhook, until it is removed or wants nothing any more.
async fn serve(sender: Sender, id: String) {
    let mut news = sender.feed.watch();
    let mut rests_until = Instant::now();
    loop {
        tokio::time::sleep_until(rests_until).await;
        let last = *news.borrow_and_update();
        match round(&sender, &id, last).await {
            Ok(Round::Over) => return,
            // There may be more.
            Ok(Round::Sent) => {}
            Ok(Round::Rests(pause)) => rests_until = Instant::now() + pause,
            Ok(Round::Nothing) => {
                // Whatever comes first; the feed outlives this.
                let _ = tokio::time::timeout(LOOK, news.changed()).await;
            }
            Err(error) => {
                tracing::warn!(%error, hook = id, "what is to be sent can't be found out, or not what became of it");
                rests_until = Instant::now() + PAUSE;
            }
        }
    }
}

enum Round {
    Nothing,
    Sent,
    Rests(Duration),
    Over,
}

async fn round(sender: &Sender, id: &str, last: i64) -> Result<Round, sqlx::Error> {
    let Some(hook) = register::find(&sender.store, id).await?.filter(|hook| hook.stopped_at.is_none()) else {
        return Ok(Round::Over);
    };
    let taken = queue::take_over(&sender.store, &hook, last, now()).await?;
    let most = if hook.failures >= RESTS { 1 } else { BATCH };
    let due = queue::due(&sender.store, id, now(), most).await?;
    if due.is_empty() {
        return Ok(if taken { Round::Sent } else { Round::Nothing });
    }
    let answers: Vec<_> = stream::iter(due)
        .map(async |due| {
            let (id, began) = (due.event_id(), Instant::now());
            let envelope = Envelope { id: &id, body: &due.body, secrets: &hook.secrets };
            let answer = sender.courier.deliver(&hook.url, envelope, now()).await;
            let result = match &answer {
                Answer::Delivered(_) => "delivered",
                Answer::Gone => "gone",
                Answer::Failed { .. } => "failed",
            };
            metrics::histogram!("adjourn_hook_seconds", "result" => result)
                .record(began.elapsed().as_secs_f64());
            (due, answer)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    queue::settle(&sender.store, &hook, &answers, now(), luck).await?;
    let arrived = answers.iter().any(|(_, answer)| matches!(answer, Answer::Delivered(_)));
    let failures = if arrived { 0 } else { hook.failures.saturating_add(1) };
    if failures > 0 && hook.failures == 0 {
        tracing::warn!(hook = id, why = ?answers.last().map(|(_, answer)| answer), "a webhook does not arrive");
    }
    Ok(rest(failures).map_or(Round::Sent, Round::Rests))
}

/// 0 to 1; without random numbers the longest pause.
fn luck() -> f64 {
    random::<4>().map_or(1.0, |bytes| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}

/// What became of a try.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Tried {
    /// Whether it was taken.
    pub delivered: bool,
    /// What the server answered, or why it did not.
    pub said: String,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

/// Sends one event that tells of nothing, at once and once only.
///
/// # Errors
/// There is no such webhook, the database failed, or there are no random numbers.
pub async fn test(store: &Store, courier: &Courier, id: &str) -> anyhow::Result<Tried> {
    let hook: Hook = register::find(store, id).await?.ok_or(NoHook)?;
    let event = Event {
        id: format!("test.{}", hex::encode(random::<8>()?)),
        kind: EventKind::HookTest,
        timestamp: now(),
        data: EventData::Hook { hook_id: hook.id.clone() },
    };
    let body = serde_json::to_string(&event)?;
    let envelope = Envelope { id: &event.id, body: &body, secrets: &hook.secrets };
    let began = Instant::now();
    let answer = courier.deliver(&hook.url, envelope, now()).await;
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (delivered, said) = match answer {
        Answer::Delivered(status) => (true, format!("It answered {status}.")),
        Answer::Gone => (false, "It answered 410 Gone: it wants nothing any more.".to_owned()),
        Answer::Failed { why, retry_after: _ } => (false, why),
    };
    Ok(Tried { delivered, said, milliseconds })
}
