//! A part of the program that fails must end the interview with a word, never freeze it.
//!
//! A panic anywhere in the process, on any thread, is told to the loop, which ends the interview as
//! *interrupted*. Tasks that hold something which must not be lost (the journal, the delivery) go on.

use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;

use futures_util::FutureExt as _;
use tokio::sync::mpsc;

/// Panics that wait to be told; one is enough, more are dropped.
const WAITING: usize = 4;

static TOLD: OnceLock<mpsc::Sender<()>> = OnceLock::new();

/// Hears of panics.
#[derive(Debug)]
pub struct Panics(mpsc::Receiver<()>);

impl Panics {
    /// Hears of every panic of this process from now on; the earlier hook still prints. The
    /// first caller hears; a process has one client.
    pub fn watch() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        if TOLD.set(sender).is_ok() {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                before(info);
                if let Some(sender) = TOLD.get() {
                    // Full: the loop has not yet taken the earlier one, which says the same.
                    let _ = sender.try_send(());
                }
            }));
        }
        Self(receiver)
    }

    /// Hears of none.
    pub(crate) fn nobody() -> Self {
        Self(mpsc::channel(1).1)
    }

    /// The next panic; never, where nobody watches.
    pub(crate) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

/// Runs `work`; `None` if it panicked.
pub(crate) async fn guarded<T>(work: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(work).catch_unwind().await.ok()
}
