//! Work beside the requests that goes on as long as the server: what panics is told, counted, and begun again.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;

/// Pause before work is begun again that panicked: what made it panic may still be there.
const PAUSE: Duration = Duration::from_secs(1);

/// Does `work` to its end, again from its beginning each time it panics.
pub(crate) async fn kept_up<F: Future<Output = ()>>(name: &'static str, work: impl Fn() -> F) {
    while AssertUnwindSafe(work()).catch_unwind().await.is_err() {
        // The panic itself said what and where.
        tracing::error!(work = name, "it panicked, and is begun again");
        metrics::counter!("adjourn_work_begun_again", "work" => name).increment(1);
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_panics_is_begun_again_and_what_ends_has_ended() {
        let tries = AtomicU32::new(0);
        kept_up("a test", || async {
            assert!(tries.fetch_add(1, Ordering::Relaxed) == 2, "not yet");
        })
        .await;
        assert_eq!(tries.load(Ordering::Relaxed), 3);
    }
}
