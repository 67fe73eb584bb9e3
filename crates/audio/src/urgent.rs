//! Threads that sound passes through come before others, where the system grants it.
//!
//! Linux asks rtkit on the system's bus, Windows its multimedia scheduler, macOS its own; a system that grants nothing is no fault:
//! it is logged once, and sound goes on as an ordinary thread's.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::SAMPLE_RATE;

/// What a thread may compute before it waits for something, in frames: rtkit's own bound, 200 ms. Below it, a thread of ours that is
/// slow once would end the program (`RLIMIT_RTTIME`); it needs 2 ms in 10.
const BUDGET: u32 = SAMPLE_RATE / 5;

/// A thread rests after so much computing: a quarter of what it may. Whatever waits for it (what a device recorded while the computer
/// slept, a sound server that never stops talking), it is not ended for it.
const RESTS_AFTER: Duration = Duration::from_millis(50);
/// For how long. Shorter than any margin of ours.
const REST: Duration = Duration::from_millis(1);

/// It was said that the system refuses. It is asked for the next device all the same: a thread may end before its answer, and a bus may
/// come late.
static SAID: AtomicBool = AtomicBool::new(false);

/// The calling thread carries sound, as long as this lives: it comes before others.
pub(crate) struct Urgent {
    #[cfg(not(target_os = "linux"))]
    granted: Option<audio_thread_priority::RtPriorityHandle>,
}

impl Urgent {
    /// Asks for it. Waits for nothing: a bus that does not answer may take ten seconds, and the thread has sound to carry.
    #[cfg(target_os = "linux")]
    pub(crate) fn ask() -> Self {
        match audio_thread_priority::get_current_thread_info() {
            Ok(thread) => ask_for(thread),
            Err(error) => refused(&error.to_string()),
        }
        Self {}
    }

    /// Asks for it.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn ask() -> Self {
        let asked = audio_thread_priority::promote_current_thread_to_real_time(BUDGET, SAMPLE_RATE);
        Self { granted: asked.inspect_err(|error| refused(&error.to_string())).ok() }
    }
}

/// Rests of a thread that comes before others: whoever never waits takes the computer from everybody, and is ended for it.
#[derive(Debug, Default)]
pub(crate) struct Rests {
    /// What the thread had computed when it last rested.
    rested: Duration,
}

impl Rests {
    /// To be called wherever a thread may go on without having waited for anything; rests if it is time to.
    pub(crate) fn look(&mut self) {
        let computed = computed();
        if computed.saturating_sub(self.rested) >= RESTS_AFTER {
            self.rested = computed;
            std::thread::sleep(REST);
        }
    }
}

/// What the calling thread has computed since it began. The limit is Linux's; elsewhere nobody counts.
fn computed() -> Duration {
    #[cfg(target_os = "linux")]
    {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
    }
    #[cfg(not(target_os = "linux"))]
    Duration::ZERO
}

/// Asks on a thread that has nothing else to do.
#[cfg(target_os = "linux")]
fn ask_for(thread: audio_thread_priority::RtPriorityThreadInfo) {
    let ask = move || match audio_thread_priority::promote_thread_to_real_time(thread, BUDGET, SAMPLE_RATE) {
        // Given back by the thread's end.
        Ok(_) => tracing::debug!("a thread that carries sound comes before others"),
        Err(error) => refused(&reason(&error)),
    };
    if let Err(error) = std::thread::Builder::new().name("asks-priority".to_owned()).spawn(ask) {
        refused(&error.to_string());
    }
}

/// The error and what it comes from: the outer one alone says "Thread promotion error".
#[cfg(target_os = "linux")]
fn reason(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// Says so, once.
fn refused(why: &str) {
    if !SAID.swap(true, Ordering::Relaxed) {
        tracing::info!(why, "the system gives sound no priority: under load it may be late or have gaps");
    }
}

#[cfg(not(target_os = "linux"))]
impl Drop for Urgent {
    fn drop(&mut self) {
        if let Some(granted) = self.granted.take()
            && let Err(error) = audio_thread_priority::demote_current_thread_from_real_time(granted)
        {
            tracing::debug!(%error, "a thread keeps the priority of sound");
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn who_computes_without_end_rests_and_who_waits_does_not() {
        let mut rests = Rests::default();
        let mut counted = 0;
        let mut last = rests.rested;
        let began = computed();
        while computed() - began < Duration::from_millis(500) {
            rests.look();
            if rests.rested != last {
                // Never longer without a rest than what the system allows, with a margin for a look that came late.
                assert!(rests.rested - last < Duration::from_millis(100), "{:?}", rests.rested - last);
                (last, counted) = (rests.rested, counted + 1);
            }
        }
        assert!((5..=10).contains(&counted), "{counted}");
        // From a rest on: what was computed before would make the next one due.
        while rests.rested == last {
            rests.look();
        }
        let before = rests.rested;
        let until = Instant::now() + Duration::from_millis(50);
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
            rests.look();
        }
        assert_eq!(rests.rested, before);
    }
}
