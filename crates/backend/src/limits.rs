//! Wrong codes are limited per address and per code; right ones never are, because a test center's
//! candidates share one address.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Failures within [`WINDOW`] before the next one is refused: a candidate mistypes twice, a guesser
/// needs 32^8 tries.
const FAILURES: usize = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Keys that are remembered at most; past that the oldest windows are forgotten.
const REMEMBERED: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Failures {
    seen: Mutex<HashMap<String, Vec<Instant>>>,
}

impl Failures {
    /// Whether `key` failed too often lately.
    pub(crate) fn blocked(&self, key: &str, now: Instant) -> bool {
        let seen = self.seen.lock();
        seen.get(key)
            .is_some_and(|at| at.iter().filter(|at| now.duration_since(**at) < WINDOW).count() >= FAILURES)
    }

    /// Notes a failure.
    pub(crate) fn note(&self, key: &str, now: Instant) {
        let mut seen = self.seen.lock();
        if seen.len() >= REMEMBERED {
            seen.retain(|_, at| at.iter().any(|at| now.duration_since(*at) < WINDOW));
        }
        let at = seen.entry(key.to_owned()).or_default();
        at.retain(|at| now.duration_since(*at) < WINDOW);
        at.push(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_wrong_code_waits_a_minute() {
        let failures = Failures::default();
        let now = Instant::now();
        for _ in 0..FAILURES {
            assert!(!failures.blocked("10.0.0.1", now));
            failures.note("10.0.0.1", now);
        }
        assert!(failures.blocked("10.0.0.1", now));
        assert!(!failures.blocked("10.0.0.2", now));
        assert!(!failures.blocked("10.0.0.1", now + WINDOW));
    }
}
