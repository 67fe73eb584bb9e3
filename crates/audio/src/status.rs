//! The state of an open stream, told to its owner.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::format::KnownFormat;

/// A stream that gives or takes nothing for so long has run dry. A card's period is 10 to 40 ms; the longest pause of
/// a Bluetooth link that is still alive is about 200 ms.
const STARVED: Duration = Duration::from_millis(300);
/// Before that, after it was opened, nobody says so: a server takes what fills its own store at once, and then nothing while the device
/// is woken up (seen: more than 0.3 s in 9 of 21 opens of a loudspeaker under load; a Bluetooth headset that changes its profile takes
/// one to two seconds).
const OPENING: Duration = Duration::from_secs(2);

/// How an open stream is. The newest status is kept, none is missed for good: who comes late sees how it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamStatus {
    /// Sound goes through this device: its id, where the system says which one it is. Another id than before: it moved.
    Open {
        /// The device that is really open.
        device: Option<String>,
    },
    /// It is open, and gives or takes nothing.
    Starved {
        /// The device that is really open.
        device: Option<String>,
    },
    /// The device is gone. It is opened again as soon as there is one.
    Lost,
    /// The device is gone for good: its owner has to open it again.
    Failed,
}

/// What the device's side shares with the stream's owner, in both directions.
#[derive(Debug)]
pub(crate) struct StreamState {
    stop: AtomicBool,
    /// Set where nothing may be waited for, in the system's own callback; a thread of ours tells it.
    broken: AtomicBool,
    reopened: AtomicU64,
    /// Times that something went wrong for a moment.
    hiccups: AtomicU64,
    /// What the device really does.
    pub(crate) format: KnownFormat,
    status: watch::Sender<StreamStatus>,
}

impl Default for StreamState {
    fn default() -> Self {
        Self {
            stop: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            reopened: AtomicU64::new(0),
            hiccups: AtomicU64::new(0),
            format: KnownFormat::default(),
            status: watch::Sender::new(StreamStatus::Open { device: None }),
        }
    }
}

impl StreamState {
    /// Nobody holds the stream any more.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The device failed. Waits for nothing: a thread of ours tells it with [`Self::tell_failure`].
    pub(crate) fn fail(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    /// Something went wrong for a moment. Waits for nothing.
    pub(crate) fn hiccup(&self) {
        self.hiccups.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells that the device failed, if it did, and writes down what else went wrong.
    pub(crate) fn tell_failure(&self) {
        let hiccups = self.hiccups.swap(0, Ordering::Relaxed);
        if hiccups > 0 {
            tracing::debug!(hiccups, "a device had too much or too little for a moment");
        }
        if self.broken.load(Ordering::Relaxed) {
            self.set(StreamStatus::Failed);
        }
    }

    /// It is open, on this device.
    pub(crate) fn opened(&self, device: Option<&str>) {
        self.set(StreamStatus::Open { device: device.map(str::to_owned) });
    }

    /// It is open once more, beneath (Pulse): others are opened anew by their owner.
    #[cfg(target_os = "linux")]
    pub(crate) fn reopened(&self) {
        self.reopened.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it was opened again.
    pub(crate) fn times_reopened(&self) -> u64 {
        self.reopened.load(Ordering::Relaxed)
    }

    /// The device is gone, and looked for.
    pub(crate) fn lost(&self) {
        self.format.forget();
        self.set(StreamStatus::Lost);
    }

    fn set(&self, status: StreamStatus) {
        self.status.send_if_modified(|now| {
            let changed = *now != status;
            *now = status;
            changed
        });
    }

    /// The same device gives nothing, or gives something again.
    fn starve(&self, starved: bool) {
        self.status.send_if_modified(|status| {
            let device = match status {
                StreamStatus::Open { device } if starved => device.take(),
                StreamStatus::Starved { device } if !starved => device.take(),
                StreamStatus::Open { .. }
                | StreamStatus::Starved { .. }
                | StreamStatus::Lost
                | StreamStatus::Failed => return false,
            };
            *status = if starved { StreamStatus::Starved { device } } else { StreamStatus::Open { device } };
            true
        });
    }

    pub(crate) fn watch(&self) -> watch::Receiver<StreamStatus> {
        self.status.subscribe()
    }
}

/// Notices on a thread of ours when sound stops to flow. As long as it flows, this is a comparison.
#[derive(Debug)]
pub(crate) struct Flow {
    opened: Instant,
    last: Instant,
    starved: bool,
}

impl Flow {
    pub(crate) fn new(now: Instant) -> Self {
        Self { opened: now, last: now, starved: false }
    }

    /// A look at it; `flowed`: something came or went since the last look.
    pub(crate) fn look(&mut self, flowed: bool, now: Instant, state: &StreamState) {
        if flowed {
            self.last = now;
        }
        let starved = now.duration_since(self.last) >= STARVED && now.duration_since(self.opened) >= OPENING;
        if starved != self.starved {
            self.starved = starved;
            state.starve(starved);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(device: &str) -> StreamStatus {
        StreamStatus::Open { device: Some(device.to_owned()) }
    }

    #[test]
    fn a_stream_that_runs_dry_is_told_of_once_and_so_is_its_coming_back() {
        let state = StreamState::default();
        let mut told = state.watch();
        state.opened(Some("headset"));
        assert_eq!(*told.borrow_and_update(), open("headset"));
        let mut flow = Flow::new(Instant::now());
        let start = Instant::now() + OPENING;
        flow.look(true, start, &state);
        flow.look(false, start + STARVED / 2, &state);
        assert!(!told.has_changed().unwrap(), "a pause is no change");
        flow.look(false, start + STARVED, &state);
        assert_eq!(*told.borrow_and_update(), StreamStatus::Starved { device: Some("headset".to_owned()) });
        flow.look(false, start + STARVED * 9, &state);
        assert!(!told.has_changed().unwrap(), "it is told once");
        flow.look(true, start + STARVED * 9, &state);
        assert_eq!(*told.borrow_and_update(), open("headset"));
    }

    #[test]
    fn a_stream_that_was_just_opened_has_longer() {
        let state = StreamState::default();
        state.opened(Some("headset"));
        let (mut told, start) = (state.watch(), Instant::now());
        let mut flow = Flow::new(start);
        // Its store is filled, and the device wakes up.
        flow.look(true, start, &state);
        flow.look(false, start + STARVED * 2, &state);
        flow.look(false, start + OPENING - Duration::from_millis(1), &state);
        assert!(!told.has_changed().unwrap(), "it is being woken up");
        flow.look(false, start + OPENING, &state);
        assert_eq!(*told.borrow_and_update(), StreamStatus::Starved { device: Some("headset".to_owned()) });
        flow.look(true, start + OPENING, &state);
        assert_eq!(*told.borrow_and_update(), open("headset"));
    }

    #[test]
    fn a_stream_that_moves_is_open_on_another_device_and_one_that_is_lost_gives_nothing() {
        let state = StreamState::default();
        let mut told = state.watch();
        state.opened(Some("headset"));
        state.opened(Some("headset"));
        assert_eq!(*told.borrow_and_update(), open("headset"));
        state.opened(Some("built-in"));
        assert_eq!(*told.borrow_and_update(), open("built-in"));
        state.lost();
        state.starve(true);
        assert_eq!(*told.borrow_and_update(), StreamStatus::Lost);
        state.tell_failure();
        assert!(!told.has_changed().unwrap());
        state.fail();
        state.tell_failure();
        assert_eq!(*told.borrow_and_update(), StreamStatus::Failed);
    }
}
