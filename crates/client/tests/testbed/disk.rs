//! A disk in memory, with the outbox's promises. It keeps a real one's quirks: it may be slow, full, or only memory, and what was
//! begun when a process dies is not on it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use adjourn_client::{Backend as _, Storage, Stored, Tell};
use adjourn_outbox::{Asked, DeliveryEvent, DeliveryOutcome, Granted, Join, OutboxError, pause};
use adjourn_protocol::{ClientInfo, Entry, InviteLink, JoinAnswer, Record, RecordHead, Secret};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::backend::FakeBackend;

/// The fake. Clones are the same.
#[derive(Clone, Debug)]
pub struct FakeDisk {
    backend: FakeBackend,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
pub struct State {
    /// Every change takes so long.
    pub latency: Duration,
    /// Only looking up a host does.
    pub lookup: Duration,
    /// It takes nothing.
    pub full: bool,
    /// The next change fails, as one does that waited while the computer slept.
    pub fails_once: bool,
    /// It is only memory.
    pub volatile: bool,
    pub hosts: BTreeSet<String>,
    joins: Vec<Kept>,
    pub closed: bool,
}

#[derive(Debug)]
struct Kept {
    join: Join,
    journal: Vec<Entry>,
    record: Option<Waiting>,
    adjustment: String,
}

#[derive(Clone, Debug)]
struct Waiting {
    body: Vec<u8>,
    receipt: Option<String>,
    parked: bool,
    tries: u32,
    next_try: i64,
}

impl FakeDisk {
    pub fn new(backend: FakeBackend) -> Self {
        Self { backend, state: Arc::default() }
    }

    /// Changes what it does.
    pub fn set<T>(&self, by: impl FnOnce(&mut State) -> T) -> T {
        by(&mut self.state.lock())
    }

    /// What an earlier run wrote down of a join that was granted.
    pub fn was_granted(&self, link: &InviteLink, journal: Vec<Entry>) -> Secret {
        let head = RecordHead {
            interview_id: link.code.expose().to_owned(),
            attempt: 1,
            room: link.code.expose().to_owned(),
            build: "0".to_owned(),
            policy_sha256: String::new(),
        };
        let granted = Granted {
            interview_id: head.interview_id.clone(),
            attempt: 1,
            title: "Backend engineer".to_owned(),
            client_token: Secret::new("upload"),
            receipt_keys: serde_json::Value::Null,
            head: Some(head),
        };
        let join_id = Secret::new(format!("{:032x}", self.state.lock().joins.len()));
        let join = Join { join_id: join_id.clone(), link: link.clone(), granted: Some(granted) };
        self.state.lock().joins.push(Kept { join, journal, record: None, adjustment: String::new() });
        join_id
    }

    /// A record that an earlier run committed, and that waits.
    pub fn waits_for_delivery(&self, link: &InviteLink, record: &[u8]) {
        self.was_granted(link, Vec::new());
        let waiting =
            Waiting { body: record.to_owned(), receipt: None, parked: false, tries: 0, next_try: 0 };
        self.state.lock().joins.last_mut().unwrap().record = Some(waiting);
    }

    /// The record of a link, as committed, and whether its receipt is written down.
    pub fn committed(&self, link: &str) -> Option<(Record, bool)> {
        let link = InviteLink::parse(link).unwrap();
        let state = self.state.lock();
        let waiting = state.joins.iter().find(|kept| kept.join.link == link)?.record.as_ref()?;
        Some((serde_json::from_slice(&waiting.body).unwrap(), waiting.receipt.is_some()))
    }

    /// Lines of the journal of a link.
    pub fn lines(&self, link: &str) -> Vec<Entry> {
        let link = InviteLink::parse(link).unwrap();
        let state = self.state.lock();
        let kept = state.joins.iter().find(|kept| kept.join.link == link);
        kept.map(|kept| kept.journal.clone()).unwrap_or_default()
    }

    async fn read<T>(&self, by: impl FnOnce(&State) -> T) -> Result<T, OutboxError> {
        tokio::task::yield_now().await;
        Ok(by(&self.state.lock()))
    }

    async fn change<T>(
        &self,
        by: impl FnOnce(&mut State) -> Result<T, OutboxError>,
    ) -> Result<T, OutboxError> {
        let latency = self.state.lock().latency;
        tokio::time::sleep(latency).await;
        let mut state = self.state.lock();
        if state.full || std::mem::take(&mut state.fails_once) {
            let (path, reason) = (PathBuf::from("outbox.db"), "no space left on device".to_owned());
            return Err(OutboxError::Unwritable { path, reason });
        }
        by(&mut state)
    }

    fn waiting(&self) -> Vec<(Join, Waiting)> {
        let state = self.state.lock();
        let waits = |kept: &Kept| {
            let waiting = kept.record.clone().filter(|r| r.receipt.is_none() && !r.parked)?;
            Some((kept.join.clone(), waiting))
        };
        state.joins.iter().filter_map(waits).collect()
    }
}

fn kept<'a>(state: &'a mut State, join_id: &Secret) -> Result<&'a mut Kept, OutboxError> {
    let known = state.joins.iter_mut().find(|kept| kept.join.join_id == *join_id);
    known.ok_or_else(|| OutboxError::Unreadable("there is no such join".to_owned()))
}

impl Storage for FakeDisk {
    fn volatile(&self) -> bool {
        self.state.lock().volatile
    }

    fn host_known<'a>(&'a self, host: &'a str, confirm: bool) -> Stored<'a, bool> {
        async move {
            let lookup = std::mem::take(&mut self.state.lock().lookup);
            tokio::time::sleep(lookup).await;
            let mut state = self.state.lock();
            if confirm {
                state.hosts.insert(host.to_owned());
            }
            Ok(state.hosts.contains(host))
        }
        .boxed()
    }

    fn join_for<'a>(&'a self, link: &'a InviteLink) -> Stored<'a, Join> {
        async move {
            if let Some(known) = self
                .read(|state| state.joins.iter().find(|k| k.join.link == *link).map(|k| k.join.clone()))
                .await?
            {
                return Ok(known);
            }
            self.change(|state| {
                let join_id = Secret::new(format!("{:032x}", state.joins.len()));
                let join = Join { join_id, link: link.clone(), granted: None };
                let adjustment = String::new();
                state.joins.push(Kept { join: join.clone(), journal: Vec::new(), record: None, adjustment });
                Ok(join)
            })
            .await
        }
        .boxed()
    }

    fn adjustment<'a>(&'a self, link: &'a InviteLink) -> Stored<'a, String> {
        self.read(|state| {
            let kept = state.joins.iter().find(|kept| kept.join.link == *link);
            kept.map(|kept| kept.adjustment.clone()).unwrap_or_default()
        })
        .boxed()
    }

    fn keep_adjustment<'a>(&'a self, link: &'a InviteLink, text: &'a str) -> Stored<'a, ()> {
        async move {
            let join = self.join_for(link).await?;
            self.change(|state| {
                text.clone_into(&mut kept(state, &join.join_id)?.adjustment);
                Ok(())
            })
            .await
        }
        .boxed()
    }

    fn granted<'a>(&'a self, join: &'a Join, answer: &'a JoinAnswer, head: &'a RecordHead) -> Stored<'a, ()> {
        self.change(|state| {
            kept(state, &join.join_id)?.join.granted = Some(Granted {
                interview_id: answer.interview.id.clone(),
                attempt: answer.interview.attempt,
                title: answer.interview.title.clone(),
                client_token: answer.client_token.clone(),
                receipt_keys: answer.receipt_keys.clone(),
                head: Some(head.clone()),
            });
            Ok(())
        })
        .boxed()
    }

    fn append<'a>(&'a self, join_id: &'a Secret, entries: &'a [Entry]) -> Stored<'a, ()> {
        self.change(|state| {
            kept(state, join_id)?.journal.extend_from_slice(entries);
            Ok(())
        })
        .boxed()
    }

    fn journal<'a>(&'a self, join_id: &'a Secret) -> Stored<'a, Vec<Entry>> {
        async move {
            tokio::task::yield_now().await;
            Ok(kept(&mut self.state.lock(), join_id)?.journal.clone())
        }
        .boxed()
    }

    fn commit<'a>(
        &'a self,
        join_id: &'a Secret,
        record: &'a Record,
        rest: &'a [Entry],
    ) -> Stored<'a, Vec<u8>> {
        self.change(|state| {
            let body = serde_json::to_vec(record).unwrap();
            let kept = kept(state, join_id)?;
            match &kept.record {
                Some(known) if known.body != body => Err(OutboxError::OtherRecord),
                Some(_) => Ok(body),
                None => {
                    kept.journal.extend_from_slice(rest);
                    let waiting =
                        Waiting { body: body.clone(), receipt: None, parked: false, tries: 0, next_try: 0 };
                    kept.record = Some(waiting);
                    Ok(body)
                }
            }
        })
        .boxed()
    }

    fn has_record<'a>(&'a self, join_id: &'a Secret) -> Stored<'a, bool> {
        async move {
            tokio::task::yield_now().await;
            Ok(kept(&mut self.state.lock(), join_id)?.record.is_some())
        }
        .boxed()
    }

    fn record_of<'a>(&'a self, link: &'a InviteLink) -> Stored<'a, Option<(Vec<u8>, Option<String>)>> {
        self.read(|state| {
            let kept = state.joins.iter().find(|kept| kept.join.link == *link)?;
            kept.record.as_ref().map(|record| (record.body.clone(), record.receipt.clone()))
        })
        .boxed()
    }

    fn unfinished(&self) -> Stored<'_, Vec<Join>> {
        self.read(|state| {
            let open = state.joins.iter().filter(|kept| kept.join.granted.is_some() && kept.record.is_none());
            open.map(|kept| kept.join.clone()).collect()
        })
        .boxed()
    }

    fn waits(&self) -> Stored<'_, bool> {
        async { Ok(!self.waiting().is_empty()) }.boxed()
    }

    fn undelivered(&self) -> Stored<'_, bool> {
        async {
            let parked =
                self.state.lock().joins.iter().any(|kept| kept.record.as_ref().is_some_and(|it| it.parked));
            Ok(parked || !self.waiting().is_empty())
        }
        .boxed()
    }

    fn next_due(&self) -> Stored<'_, Option<i64>> {
        async { Ok(self.waiting().iter().map(|(_, waiting)| waiting.next_try).min()) }.boxed()
    }

    fn deliver_due<'a>(
        &'a self,
        client: &'a ClientInfo,
        now: DateTime<Utc>,
        jitter: f64,
        tell: &'a Tell,
    ) -> Stored<'a, ()> {
        async move {
            let began = tokio::time::Instant::now();
            for (join, waiting) in self.waiting() {
                if waiting.next_try > now.timestamp_millis() {
                    continue;
                }
                let Some(granted) = &join.granted else { continue };
                let attempt = self.backend.send(&join, granted, client, &waiting.body).await.attempt;
                if let Some(record) = kept(&mut self.state.lock(), &join.join_id)?.record.as_mut() {
                    match &attempt {
                        DeliveryOutcome::Delivered { receipt } => record.receipt = Some(receipt.jws.clone()),
                        DeliveryOutcome::Parked { .. } => record.parked = true,
                        DeliveryOutcome::Later { after, .. } => {
                            let rest = pause(record.tries, *after, jitter);
                            record.tries += 1;
                            record.next_try = (now + began.elapsed()).timestamp_millis()
                                + i64::try_from(rest.as_millis()).unwrap();
                        }
                    }
                }
                tell(DeliveryEvent { join_id: join.join_id.clone(), attempt }).await;
            }
            Ok(())
        }
        .boxed()
    }

    fn erase_due(&self, _: DateTime<Utc>) -> Stored<'_, usize> {
        async { Ok(0) }.boxed()
    }

    fn ask_again<'a>(&'a self, _: &'a ClientInfo) -> Stored<'a, Asked> {
        async { Ok(Asked::default()) }.boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async { self.state.lock().closed = true }.boxed()
    }
}
