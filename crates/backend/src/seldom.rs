//! What anybody can make happen as often as they like is logged once a minute.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

const PAUSE: Duration = Duration::from_secs(60);

/// When it was last logged. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seldom(Arc<Mutex<Option<Instant>>>);

impl Seldom {
    /// Whether it is to be logged now; not again for a minute then.
    pub(crate) fn is_due(&self) -> bool {
        let mut last = self.0.lock();
        let due = last.is_none_or(|at| at.elapsed() >= PAUSE);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_is_enough() {
        let seldom = Seldom::default();
        assert!(seldom.is_due());
        assert!(!seldom.is_due() && !seldom.clone().is_due());
    }
}
