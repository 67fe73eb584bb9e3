//! The replica that holds the lease sends; each webhook has a task of its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use adjourn_protocol::{Event, EventData, EventKind};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;
use utoipa::ToSchema;

use super::delivery::{Answer, Courier, Envelope};
use super::full_event;
use super::queue::{self, Due};
use super::register::{self, Hook, NoHook, Went};
use super::retry::{RESTS, rest};
use crate::feed::Feed;
use crate::lease::{HOOKS, Lease};
use crate::store::{Store, now, random};
use crate::supervision::kept_up;

/// Events of different interviews that are under way to one server at a time.
const AT_ONCE: usize = 16;
/// The same where each may be a MiB.
const AT_ONCE_FULL: usize = 4;
/// How often it is looked whether webhooks were added or removed, and whether the time of something has come.
const LOOK: Duration = Duration::from_millis(500);
/// How often it is counted what waits.
const COUNTED: Duration = Duration::from_secs(10);
/// Pause after the database failed.
const PAUSE: Duration = Duration::from_secs(2);

/// What sends. Clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) store: Store,
    pub(crate) feed: Feed,
    pub(crate) courier: Courier,
    /// Where a report is that is too large to be sent.
    pub(crate) public_url: Url,
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
    let (mut tasks, mut counted) = (Tasks::default(), None::<Instant>);
    loop {
        if !lease.is_held() {
            // Another one sends, and says how much.
            tasks = Tasks::default();
            figures(&[], 0);
            lease.held().await;
        }
        match register::all(&sender.store).await {
            Ok(hooks) => {
                tasks.0.retain(|id, task| {
                    let wanted = !task.is_finished() && hooks.iter().any(|hook| hook.id == *id);
                    if !wanted {
                        task.abort();
                    }
                    wanted
                });
                for hook in hooks.iter().filter(|hook| hook.stopped_at.is_none()) {
                    if !tasks.0.contains_key(&hook.id) {
                        tasks.0.insert(hook.id.clone(), tokio::spawn(serve(sender.clone(), hook.id.clone())));
                    }
                }
                if counted.is_none_or(|at| at.elapsed() > COUNTED) {
                    counted = Some(Instant::now());
                    count(sender, &hooks).await;
                }
            }
            Err(error) => tracing::warn!(%error, "which webhooks there are can't be found out"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn count(sender: &Sender, hooks: &[Hook]) {
    let mut waiting = 0;
    for hook in hooks {
        match register::counts(&sender.store, &hook.id).await {
            Ok((waits, _)) => waiting += waits,
            Err(error) => tracing::warn!(%error, "how many events wait can't be found out"),
        }
    }
    figures(hooks, waiting);
}

fn figures(hooks: &[Hook], waiting: i64) {
    let failing = hooks.iter().filter(|hook| hook.failing_since.is_some()).count();
    let stopped = hooks.iter().filter(|hook| hook.stopped_at.is_some()).count();
    metrics::gauge!("adjourn_events_undelivered").set(waiting as f64);
    metrics::gauge!("adjourn_hooks", "state" => "failing").set(failing as f64);
    metrics::gauge!("adjourn_hooks", "state" => "stopped").set(stopped as f64);
}

/// Sends to one webhook, until it is removed or wants nothing any more.
async fn serve(sender: Sender, id: String) {
    let mut news = sender.feed.watch();
    let mut way = Way { sender, id, busy: HashSet::new(), rests_until: None };
    let mut under_way = FuturesUnordered::new();
    loop {
        let last = *news.borrow_and_update();
        match way.next(last, under_way.len()).await {
            Ok(Next::Over) => return,
            Ok(Next::Due(due, hook)) => {
                for due in due {
                    way.busy.insert(due.interview_id.clone());
                    under_way.push(deliver(way.sender.clone(), Arc::clone(&hook), due));
                }
            }
            Err(error) => {
                tracing::warn!(%error, hook = way.id, "what is to be sent can't be found out");
                tokio::time::sleep(PAUSE).await;
            }
        }
        tokio::select! {
            Some(first) = under_way.next() => {
                let mut answers = vec![first];
                while let Some(Some(another)) = under_way.next().now_or_never() {
                    answers.push(another);
                }
                way.settles(answers).await;
            }
            // The feed outlives this.
            _ = news.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// One event on its way.
async fn deliver(sender: Sender, hook: Arc<Hook>, due: Due) -> (Due, Answer) {
    let began = Instant::now();
    let full = if hook.with_report {
        match full_event::body(&sender.store, &sender.public_url, &due.body).await {
            Ok(body) => Some(body),
            Err(error) => {
                tracing::warn!(
                    ?error,
                    hook = hook.id,
                    interview_id = due.interview_id,
                    "a report can't be put together"
                );
                let why = "The report could not be read here; it is tried again.".to_owned();
                return (due, Answer::Failed { why, down: false, retry_after: None });
            }
        }
    } else {
        None
    };
    let body = full.as_deref().unwrap_or(&due.body);
    let envelope = Envelope { id: &due.event_id, body, secrets: &hook.secrets };
    let answer = sender.courier.deliver(&hook.url, envelope, now()).await;
    let result = match &answer {
        Answer::Delivered(_) => "delivered",
        Answer::Gone => "gone",
        Answer::Failed { .. } => "failed",
    };
    metrics::histogram!("adjourn_hook_seconds", "result" => result).record(began.elapsed().as_secs_f64());
    (due, answer)
}

/// What is to be done for one webhook.
enum Next {
    Due(Vec<Due>, Arc<Hook>),
    /// It is removed or stopped.
    Over,
}

/// The way to one webhook.
struct Way {
    sender: Sender,
    id: String,
    /// Interviews of which an event is under way.
    busy: HashSet<String>,
    rests_until: Option<Instant>,
}

impl Way {
    async fn next(&self, last: i64, under_way: usize) -> Result<Next, sqlx::Error> {
        let store = &self.sender.store;
        let hook = register::find(store, &self.id).await?.filter(|hook| hook.stopped_at.is_none());
        let Some(mut hook) = hook else { return Ok(Next::Over) };
        while queue::take_over(store, &hook, last, now()).await? {
            let Some(after) = register::find(store, &self.id).await? else { return Ok(Next::Over) };
            hook = after;
        }
        let rests =
            hook.rests() && (under_way > 0 || self.rests_until.is_some_and(|until| Instant::now() < until));
        let most = if hook.with_report { AT_ONCE_FULL } else { AT_ONCE };
        let room = if hook.rests() { 1 } else { most.saturating_sub(under_way) };
        let mut due = Vec::new();
        if room > 0 && !rests && !hook.left_alone(now()) {
            // Those that are under way are due as well.
            due = queue::due(store, &hook, now(), room + self.busy.len()).await?;
            due.retain(|due| !self.busy.contains(&due.interview_id));
            due.truncate(room);
        }
        Ok(Next::Due(due, Arc::new(hook)))
    }

    /// Writes down what became of them; until that is written, nothing else of those interviews is sent.
    async fn settles(&mut self, answers: Vec<(Due, Answer)>) {
        let went = loop {
            match queue::settle(&self.sender.store, &self.id, &answers, now(), luck).await {
                Ok(went) => break went,
                Err(error) => {
                    tracing::warn!(%error, hook = self.id, "what became of what was sent can't be written down");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        for (due, _) in &answers {
            self.busy.remove(&due.interview_id);
        }
        match went {
            Some(Went::Gone) => tracing::warn!(
                hook = self.id,
                "a webhook answered 410 Gone: it is sent nothing until `hook replay`"
            ),
            Some(Went::Badly { down: true, failures }) => {
                self.rests_until = rest(failures).map(|pause| Instant::now() + pause);
                if failures == RESTS {
                    let why = answers.last().map(|(_, answer)| answer);
                    tracing::warn!(
                        hook = self.id,
                        ?why,
                        "a webhook does not arrive: it is tried with one event at a time"
                    );
                }
            }
            Some(Went::Well) => self.rests_until = None,
            Some(Went::Badly { down: false, .. }) | None => {}
        }
    }
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
        Answer::Failed { why, .. } => (false, why),
    };
    Ok(Tried { delivered, said, milliseconds })
}
