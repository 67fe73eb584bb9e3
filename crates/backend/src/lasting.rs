//! What anybody may ask for, as often as they like, is made now and then only.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// What was made last. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Lasting<T> {
    lasts: Duration,
    last: Arc<Mutex<Option<(Instant, T)>>>,
}

impl<T: Clone> Lasting<T> {
    /// Nothing yet; what will be made is good for so long.
    pub(crate) fn new(lasts: Duration) -> Self {
        Self { lasts, last: Arc::default() }
    }

    /// What was made last, or, if that was too long ago, what is made now. Who asks meanwhile waits for it.
    pub(crate) async fn get(&self, make: impl AsyncFnOnce() -> T) -> T {
        let mut last = self.last.lock().await;
        if let Some((at, made)) = &*last
            && at.elapsed() < self.lasts
        {
            return made.clone();
        }
        let made = make().await;
        *last = Some((Instant::now(), made.clone()));
        made
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn it_is_made_once_for_all_who_ask_within_its_time_and_anew_afterwards() {
        let made = Cell::new(0);
        let make = async || {
            tokio::task::yield_now().await;
            made.set(made.get() + 1);
            made.get()
        };
        let lasting = Lasting::new(Duration::from_secs(60));
        assert_eq!(tokio::join!(lasting.get(make), lasting.get(make)), (1, 1));
        let short = Lasting { lasts: Duration::ZERO, ..lasting };
        assert_eq!(short.get(make).await, 2);
    }
}
