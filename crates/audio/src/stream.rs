//! Open devices, from their owner's side: counters, levels, and closing by dropping.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use tokio::sync::watch;

use crate::format::StreamFormat;
use crate::level::Level;
use crate::status::{StreamState, StreamStatus};

/// What keeps a device open that no thread of ours holds.
pub(crate) struct Held(#[expect(dead_code, reason = "it is kept for being dropped")] Box<dyn Any + Send>);

impl Held {
    pub(crate) fn new(device: impl Send + 'static) -> Self {
        Self(Box::new(device))
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Held")
    }
}

/// Counters of a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureStats {
    /// Frames of 10 ms that were captured.
    pub frames: u64,
    /// Samples that were lost because our thread was late.
    pub lost_samples: u64,
    /// How often the device was opened again.
    pub reopened: u64,
}

impl std::ops::AddAssign for CaptureStats {
    fn add_assign(&mut self, other: Self) {
        self.frames += other.frames;
        self.lost_samples += other.lost_samples;
        self.reopened += other.reopened;
    }
}

/// What the device's side of a capture shares with its owner.
#[derive(Debug, Default)]
pub(crate) struct CaptureShared {
    pub(crate) state: Arc<StreamState>,
    pub(crate) frames: AtomicU64,
    pub(crate) lost_samples: AtomicU64,
    pub(crate) level: Level,
}

/// An open microphone. Dropping it closes the device within 20 ms.
#[derive(Debug)]
pub struct Capture {
    shared: Arc<CaptureShared>,
    /// `None` where a thread of ours holds the device.
    _held: Option<Held>,
}

impl Capture {
    /// One whose device's side has `shared`, and is closed when `held` is dropped.
    pub(crate) fn new(shared: &Arc<CaptureShared>, held: Option<Held>) -> Self {
        Self { shared: Arc::clone(shared), _held: held }
    }

    /// How it is, now and later.
    pub fn status(&self) -> watch::Receiver<StreamStatus> {
        self.shared.state.watch()
    }

    /// What the device really does, as far as is known.
    pub fn format(&self) -> Option<StreamFormat> {
        self.shared.state.format.get()
    }

    /// Level of the newest frame.
    pub fn level(&self) -> Level {
        self.shared.level.clone()
    }

    /// Counters so far.
    pub fn stats(&self) -> CaptureStats {
        CaptureStats {
            frames: self.shared.frames.load(Ordering::Relaxed),
            lost_samples: self.shared.lost_samples.load(Ordering::Relaxed),
            reopened: self.shared.state.times_reopened(),
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.shared.state.stop();
    }
}

/// Counters of a playback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaybackStats {
    /// Samples played.
    pub played: u64,
    /// How often sound ran out in the middle.
    pub underruns: u64,
    /// Samples skipped or dropped to stay close to now.
    pub skipped: u64,
    /// How often the device was opened again.
    pub reopened: u64,
}

impl std::ops::AddAssign for PlaybackStats {
    fn add_assign(&mut self, other: Self) {
        self.played += other.played;
        self.underruns += other.underruns;
        self.skipped += other.skipped;
        self.reopened += other.reopened;
    }
}

/// What the device's side of a playback shares with its owner.
#[derive(Debug, Default)]
pub(crate) struct PlaybackShared {
    pub(crate) state: Arc<StreamState>,
    pub(crate) played: AtomicU64,
    pub(crate) underruns: AtomicU64,
    pub(crate) skipped: AtomicU64,
    /// `f32` bits.
    pub(crate) drift_ppm: AtomicU32,
}

/// An open loudspeaker. Dropping it closes the device within 20 ms.
#[derive(Debug)]
pub struct Playback {
    shared: Arc<PlaybackShared>,
    _held: Option<Held>,
}

impl Playback {
    /// One whose device's side has `shared`, and is closed when `held` is dropped.
    pub(crate) fn new(shared: &Arc<PlaybackShared>, held: Option<Held>) -> Self {
        Self { shared: Arc::clone(shared), _held: held }
    }

    /// How it is, now and later.
    pub fn status(&self) -> watch::Receiver<StreamStatus> {
        self.shared.state.watch()
    }

    /// What the device really does, as far as is known.
    pub fn format(&self) -> Option<StreamFormat> {
        self.shared.state.format.get()
    }

    /// By how many parts per million the computer's clock is faster than the device's, as far as is known.
    pub fn drift_ppm(&self) -> f32 {
        f32::from_bits(self.shared.drift_ppm.load(Ordering::Relaxed))
    }

    /// Counters so far.
    pub fn stats(&self) -> PlaybackStats {
        PlaybackStats {
            played: self.shared.played.load(Ordering::Relaxed),
            underruns: self.shared.underruns.load(Ordering::Relaxed),
            skipped: self.shared.skipped.load(Ordering::Relaxed),
            reopened: self.shared.state.times_reopened(),
        }
    }
}

impl Drop for Playback {
    fn drop(&mut self) {
        self.shared.state.stop();
    }
}
