//! Devices as they come and go.

use tokio::sync::watch;

use crate::device::{AudioError, Devices};

/// What was found at a look, or why nothing could be found.
pub type Found = Result<Devices, AudioError>;

/// Tells which devices there are, now and whenever that changes. Dropping it ends the watching.
#[derive(Debug)]
pub struct DeviceWatch(watch::Receiver<Option<Found>>);

impl DeviceWatch {
    pub(crate) fn new() -> (Watcher, Self) {
        let (sender, receiver) = watch::channel(None);
        (Watcher(sender), Self(receiver))
    }

    /// The next list that differs from the last one; the first one at once. Never comes, once nobody watches any more.
    /// What changes twice before somebody asks is told once, as it is then.
    pub async fn next(&mut self) -> Found {
        loop {
            if self.0.changed().await.is_err() {
                return std::future::pending().await;
            }
            if let Some(found) = self.0.borrow_and_update().clone() {
                return found;
            }
        }
    }
}

/// The side that looks for devices.
#[derive(Clone, Debug)]
pub(crate) struct Watcher(watch::Sender<Option<Found>>);

impl Watcher {
    /// Says what there is now. Nothing is told that is known already.
    pub(crate) fn found(&self, found: Found) {
        self.0.send_if_modified(|last| {
            let changed = last.as_ref() != Some(&found);
            *last = Some(found);
            changed
        });
    }

    /// Whether somebody still wants to know.
    pub(crate) fn wanted(&self) -> bool {
        !self.0.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_known_already_is_not_told_again() {
        let (watcher, mut watch) = DeviceWatch::new();
        let silent = || Err(AudioError::Hangs);
        watcher.found(Ok(Devices::default()));
        assert_eq!(watch.next().await, Ok(Devices::default()));
        watcher.found(Ok(Devices::default()));
        watcher.found(silent());
        watcher.found(silent());
        assert_eq!(watch.next().await, silent());
        assert!(watcher.wanted());
        drop(watch);
        assert!(!watcher.wanted());
    }
}
