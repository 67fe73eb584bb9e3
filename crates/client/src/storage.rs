//! What is kept on this computer, as the client needs it: [`Outbox`], or a fake for tests.

use adjourn_outbox::{Asked, DeliveryEvent, Join, Outbox, OutboxError};
use adjourn_protocol::{ClientInfo, Entry, InviteLink, JoinAnswer, Record, RecordHead, Secret};
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

/// What storage comes to.
pub type Stored<'a, T> = BoxFuture<'a, Result<T, OutboxError>>;

/// Hears of each delivery once its result is written down.
pub type Tell = dyn Fn(DeliveryEvent) -> BoxFuture<'static, ()> + Send + Sync;

/// Joins, journals, records and their delivery; each as the method of [`Outbox`] of that name.
#[expect(missing_docs, reason = "each is documented where it is done")]
pub trait Storage: std::fmt::Debug + Send + Sync + 'static {
    fn volatile(&self) -> bool;
    fn host_known<'a>(&'a self, host: &'a str, confirm: bool) -> Stored<'a, bool>;
    fn join_for<'a>(&'a self, link: &'a InviteLink) -> Stored<'a, Join>;
    fn adjustment<'a>(&'a self, link: &'a InviteLink) -> Stored<'a, String>;
    fn keep_adjustment<'a>(&'a self, link: &'a InviteLink, text: &'a str) -> Stored<'a, ()>;
    fn granted<'a>(&'a self, join: &'a Join, answer: &'a JoinAnswer, head: &'a RecordHead) -> Stored<'a, ()>;
    fn append<'a>(&'a self, join_id: &'a Secret, entries: &'a [Entry]) -> Stored<'a, ()>;
    fn journal<'a>(&'a self, join_id: &'a Secret) -> Stored<'a, Vec<Entry>>;
    fn commit<'a>(
        &'a self,
        join_id: &'a Secret,
        record: &'a Record,
        rest: &'a [Entry],
    ) -> Stored<'a, Vec<u8>>;
    fn has_record<'a>(&'a self, join_id: &'a Secret) -> Stored<'a, bool>;
    fn record_of<'a>(&'a self, link: &'a InviteLink) -> Stored<'a, Option<(Vec<u8>, Option<String>)>>;
    fn unfinished(&self) -> Stored<'_, Vec<Join>>;
    /// Whether a record waits for its delivery.
    fn waits(&self) -> Stored<'_, bool>;
    /// Whether one is not delivered: it waits, or the server does not take it.
    fn undelivered(&self) -> Stored<'_, bool>;
    fn next_due(&self) -> Stored<'_, Option<i64>>;
    fn deliver_due<'a>(
        &'a self,
        client: &'a ClientInfo,
        now: DateTime<Utc>,
        jitter: f64,
        tell: &'a Tell,
    ) -> Stored<'a, ()>;
    fn erase_due(&self, now: DateTime<Utc>) -> Stored<'_, usize>;
    fn ask_again<'a>(&'a self, client: &'a ClientInfo) -> Stored<'a, Asked>;
    fn close(&self) -> BoxFuture<'_, ()>;
}

impl Storage for Outbox {
    fn volatile(&self) -> bool {
        Self::volatile(self)
    }

    fn host_known<'a>(&'a self, host: &'a str, confirm: bool) -> Stored<'a, bool> {
        Box::pin(Self::host_known(self, host, confirm))
    }

    fn join_for<'a>(&'a self, link: &'a InviteLink) -> Stored<'a, Join> {
        Box::pin(Self::join_for(self, link))
    }

    fn adjustment<'a>(&'a self, link: &'a InviteLink) -> Stored<'a, String> {
        Box::pin(Self::adjustment(self, link))
    }

    fn keep_adjustment<'a>(&'a self, link: &'a InviteLink, text: &'a str) -> Stored<'a, ()> {
        Box::pin(Self::keep_adjustment(self, link, text))
    }

    fn granted<'a>(&'a self, join: &'a Join, answer: &'a JoinAnswer, head: &'a RecordHead) -> Stored<'a, ()> {
        Box::pin(Self::granted(self, join, answer, head))
    }

    fn append<'a>(&'a self, join_id: &'a Secret, entries: &'a [Entry]) -> Stored<'a, ()> {
        Box::pin(Self::append(self, join_id, entries))
    }

    fn journal<'a>(&'a self, join_id: &'a Secret) -> Stored<'a, Vec<Entry>> {
        Box::pin(Self::journal(self, join_id))
    }

    fn commit<'a>(
        &'a self,
        join_id: &'a Secret,
        record: &'a Record,
        rest: &'a [Entry],
    ) -> Stored<'a, Vec<u8>> {
        Box::pin(Self::commit(self, join_id, record, rest))
    }

    fn has_record<'a>(&'a self, join_id: &'a Secret) -> Stored<'a, bool> {
        Box::pin(Self::has_record(self, join_id))
    }

    fn record_of<'a>(&'a self, link: &'a InviteLink) -> Stored<'a, Option<(Vec<u8>, Option<String>)>> {
        Box::pin(Self::record_of(self, link))
    }

    fn unfinished(&self) -> Stored<'_, Vec<Join>> {
        Box::pin(Self::unfinished(self))
    }

    fn waits(&self) -> Stored<'_, bool> {
        Box::pin(async { Ok(!self.pending().await?.is_empty()) })
    }

    fn undelivered(&self) -> Stored<'_, bool> {
        Box::pin(Self::undelivered(self))
    }

    fn next_due(&self) -> Stored<'_, Option<i64>> {
        Box::pin(Self::next_due(self))
    }

    fn deliver_due<'a>(
        &'a self,
        client: &'a ClientInfo,
        now: DateTime<Utc>,
        jitter: f64,
        tell: &'a Tell,
    ) -> Stored<'a, ()> {
        Box::pin(Self::deliver_due(self, client, now, jitter, tell))
    }

    fn erase_due(&self, now: DateTime<Utc>) -> Stored<'_, usize> {
        Box::pin(Self::erase_due(self, now))
    }

    fn ask_again<'a>(&'a self, client: &'a ClientInfo) -> Stored<'a, Asked> {
        Box::pin(Self::ask_again(self, client))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(Self::close(self))
    }
}
