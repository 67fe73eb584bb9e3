//! What every request shares.

use std::sync::Arc;
use std::time::Duration;

use adjourn_protocol::Secret;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::codes::Codes;
use crate::commit_queue::CommitQueue;
use crate::feed::Feed;
use crate::hooks::{Allowed, Courier, Sender};
use crate::http::uploads::Uploads;
use crate::keys::ReceiptKeys;
use crate::lasting::Lasting;
use crate::lifecycle::Deadlines;
use crate::limits::{Mistakes, Pace};
use crate::livekit::LiveKit;
use crate::proxies::Proxies;
use crate::room_closer::RoomCloser;
use crate::seldom::Seldom;
use crate::shares::Shares;
use crate::store::Store;
use crate::tokens::Signer;

/// Shared state of the server. Clones are cheap.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) store: Store,
    pub(crate) public_url: Url,
    pub(crate) livekit: Arc<LiveKit>,
    pub(crate) keys: Arc<ReceiptKeys>,
    pub(crate) tokens: Signer,
    pub(crate) codes: Codes,
    /// Whether it takes more.
    pub(crate) readiness: Lasting<bool>,
    pub(crate) commit_queue: CommitQueue,
    pub(crate) room_closer: RoomCloser,
    pub(crate) feed: Feed,
    pub(crate) courier: Courier,
    pub(crate) uploads: Uploads,
    pub(crate) deadlines: Deadlines,
    pub(crate) organiser_key: Option<Secret>,
    pub(crate) proxies: Proxies,
    /// Streams of events, of each interview.
    pub(crate) watchers: Shares,
    /// What takes much memory or time: so many at once.
    pub(crate) large: Shares,
    pub(crate) lookups: Pace,
    pub(crate) checks: Pace,
    pub(crate) mistakes: Mistakes,
    /// Of webhooks that are refused.
    pub(crate) seldom: Seldom,
    /// Days after the receipt for which clients keep what was said.
    pub(crate) keep_days: u32,
    /// How long interviews are kept; without end if there is none.
    pub(crate) retain: Option<chrono::Duration>,
    /// Cancelled when the server stops.
    pub(crate) stop: CancellationToken,
}

/// Streams of events of one interview at a time: its client, and an organiser's few pages and programs.
const WATCHERS: usize = 32;

/// Whole reports at a time, and tries of one webhook.
const LARGE: usize = 2;

/// What an operator chooses.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address under which clients and agents reach this server.
    pub public_url: Url,
    /// A key for everything that organisers' keys are for, besides those in the database.
    pub organiser_key: Option<Secret>,
    /// Who stands before this server.
    pub proxies: Proxies,
    /// How long reports are waited for.
    pub deadlines: Deadlines,
    /// Days after the receipt for which clients keep what was said.
    pub keep_days: u32,
    /// How long interviews are kept; without end if there is none.
    pub retain: Option<chrono::Duration>,
    /// Hosts that webhooks may go to although they are private.
    pub hook_hosts: Allowed,
}

impl App {
    /// Prepares a server on an open database, and begins to write what is submitted.
    ///
    /// # Errors
    /// The stored keys are damaged, the database failed, or the computer has no thread left.
    pub async fn new(store: Store, codes: Codes, livekit: LiveKit, options: Options) -> anyhow::Result<Self> {
        let Options { public_url, organiser_key, proxies, deadlines, keep_days, retain, hook_hosts } =
            options;
        let keys = ReceiptKeys::load(store.clone()).await?;
        let tokens = Signer::new(store.clone());
        let livekit = Arc::new(livekit);
        let commit_queue = CommitQueue::start(store.clone(), deadlines)?;
        let feed = Feed::of(&store).await?;
        let courier = Courier::new(hook_hosts)?;
        let room_closer = RoomCloser::start(Arc::clone(&livekit), commit_queue.clone());
        Ok(Self {
            store,
            public_url,
            livekit,
            keys: Arc::new(keys),
            tokens,
            codes,
            readiness: Lasting::new(Duration::from_secs(3)),
            commit_queue,
            room_closer,
            feed,
            courier,
            uploads: Uploads::default(),
            deadlines,
            organiser_key,
            proxies,
            watchers: Shares::of(WATCHERS),
            large: Shares::of(LARGE),
            lookups: Pace::of_lookups(),
            checks: Pace::of_checks(),
            mistakes: Mistakes::default(),
            seldom: Seldom::default(),
            keep_days,
            retain,
            stop: CancellationToken::new(),
        })
    }

    /// Sends webhooks until the server stops.
    pub async fn send_hooks(self) {
        let Self { store, feed, courier, public_url, stop, .. } = self;
        Sender { store, feed, courier, public_url }.run(stop).await;
    }

    /// Cancel it, and streams and the reconciler end.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A server on that database, with LiveKit at that address.
    pub(crate) async fn app_at(store: Store, livekit: std::net::SocketAddr) -> App {
        let codes = Codes::of(&store, None).await.unwrap();
        let url = format!("ws://{livekit}").parse().unwrap();
        let livekit = LiveKit::new(url, "key".to_owned(), Secret::new("secret".to_owned())).unwrap();
        let options = Options {
            public_url: "https://interviews.example.com".parse().unwrap(),
            organiser_key: None,
            proxies: Proxies::parse(std::iter::empty()).unwrap(),
            deadlines: Deadlines::default(),
            keep_days: 7,
            retain: None,
            hook_hosts: Allowed::default(),
        };
        App::new(store, codes, livekit, options).await.unwrap()
    }
}
