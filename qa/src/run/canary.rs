//! Whether the machine was starved while a scenario ran: a bound that is missed then says nothing of the product.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A thread that only wants to wake up every so often.
const SLEEP: Duration = Duration::from_millis(10);
/// Later than this, and nothing on the machine is in time.
pub(super) const STARVED: Duration = Duration::from_millis(300);

/// Watches how late a thread wakes up, until it is dropped.
#[derive(Debug)]
pub(super) struct Canary {
    stop: Arc<AtomicBool>,
    worst_us: Arc<AtomicU64>,
}

impl Canary {
    /// # Errors
    /// The computer has no thread left.
    pub(super) fn start() -> std::io::Result<Self> {
        let (stop, worst_us) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, worst) = (Arc::clone(&stop), Arc::clone(&worst_us));
        let watch = move || {
            while !stopped.load(Ordering::Relaxed) {
                let began = Instant::now();
                std::thread::sleep(SLEEP);
                let late = began.elapsed().saturating_sub(SLEEP);
                worst.fetch_max(u64::try_from(late.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        };
        std::thread::Builder::new().name("canary".to_owned()).spawn(watch)?;
        Ok(Self { stop, worst_us })
    }

    /// How late it was at worst.
    pub(super) fn worst(&self) -> Duration {
        Duration::from_micros(self.worst_us.load(Ordering::Relaxed))
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_notices_and_stops() {
        let canary = Canary::start().unwrap();
        std::thread::sleep(SLEEP * 5);
        assert!(canary.worst() > Duration::ZERO, "no thread wakes up in the very moment");
        let stop = Arc::clone(&canary.stop);
        drop(canary);
        assert!(stop.load(Ordering::Relaxed));
    }
}
