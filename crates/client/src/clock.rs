//! The session's clock: milliseconds since this run of the client began, also those that the computer slept.
//!
//! `std::time::Instant` stands still on Linux and macOS while the computer sleeps, and a sleep of ten minutes would be
//! none. `CLOCK_BOOTTIME` (Linux) and `CLOCK_MONOTONIC` (macOS, where it is that) go on; on Windows `Instant` does
//! itself.

use std::time::Duration;

use adjourn_session::Time;
use chrono::{DateTime, Utc};

/// Tells the time.
pub trait Clock: std::fmt::Debug + Send + Sync + 'static {
    /// Since this run of the client began; never goes backwards.
    fn now(&self) -> Time;
    /// By the calendar; goes where somebody sets it.
    fn wall(&self) -> DateTime<Utc>;
}

/// The computer's clock, since it was started.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Moment,
}

impl SystemClock {
    /// Begins at zero now.
    pub fn start() -> Self {
        Self { started: Moment::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Time {
        Time(u64::try_from(Moment::now().since(self.started).as_millis()).unwrap_or(u64::MAX))
    }

    fn wall(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

#[cfg(unix)]
#[derive(Clone, Copy, Debug)]
struct Moment(Duration);

#[cfg(unix)]
impl Moment {
    fn now() -> Self {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
        // Neither is ever negative.
        Self(rustix::time::clock_gettime(CLOCK).try_into().unwrap_or_default())
    }

    fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(not(unix))]
#[derive(Clone, Copy, Debug)]
struct Moment(std::time::Instant);

#[cfg(not(unix))]
impl Moment {
    fn now() -> Self {
        Self(std::time::Instant::now())
    }

    fn since(self, earlier: Self) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }
}
