//! Whether the machine was starved while a scenario ran: a bound that is missed then says nothing of the product.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use adjourn_testbed::AgentEvent;

/// A thread that only wants to wake up every so often.
const SLEEP: Duration = Duration::from_millis(10);
/// Later than this, and nothing on the machine is in time.
pub(super) const STARVED: Duration = Duration::from_millis(300);
/// An interviewer whose voice has so many holes got no time, whatever a single thread did. (One that a scenario stops has one or two.)
const MANY_HOLES: usize = 10;
/// With so many seconds of them nothing can be said of what the candidate's side made of that voice.
pub(super) const STUTTERED_S: f64 = 1.0;

/// Seconds of holes in the interviewer's own voice, where there were many: those were never said.
pub(super) fn stuttered_s(events: &[AgentEvent]) -> f64 {
    let holes: Vec<f64> = events.iter().filter(|e| e.event == "stutter").filter_map(|e| e.lasts_s).collect();
    if holes.len() < MANY_HOLES { 0.0 } else { holes.iter().sum() }
}

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

    #[test]
    fn many_holes_are_an_interviewer_without_time_and_one_is_an_interviewer_that_was_stopped() {
        let hole = |lasts_s: f64| {
            let line = serde_json::json!({ "at": 0.0, "event": "stutter", "pid": 1, "line": "q1.ogg", "lasts_s": lasts_s });
            serde_json::from_value::<AgentEvent>(line).unwrap()
        };
        assert!(stuttered_s(&[hole(8.0)]).abs() < f64::EPSILON);
        let many: Vec<_> = (0..MANY_HOLES).map(|_| hole(0.2)).collect();
        assert!((stuttered_s(&many) - 2.0).abs() < 1e-9);
    }
}
