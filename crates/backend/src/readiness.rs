//! Whether the server takes more: its database writes, and its disk is not full.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::store::Store;

/// What was found when it was last looked. Anybody may ask, so it is looked now and then only. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readiness(Arc<Mutex<Option<(Instant, bool)>>>);

/// So long one look is good for.
const LOOKED: Duration = Duration::from_secs(3);

impl Readiness {
    pub(crate) async fn look(&self, store: &Store) -> bool {
        let mut last = self.0.lock().await;
        if let Some((at, ready)) = *last
            && at.elapsed() < LOOKED
        {
            return ready;
        }
        let found = store.takes_more().await;
        if let Err(error) = &found {
            tracing::error!(error = format!("{error:#}"), "not ready");
        }
        *last = Some((Instant::now(), found.is_ok()));
        found.is_ok()
    }
}
