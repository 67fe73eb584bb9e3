//! The microphone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::host::OnFrame;
use crate::{AudioError, DeviceChoice, FRAME, Level};

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

#[derive(Debug, Default)]
pub(crate) struct CaptureShared {
    pub(crate) stop: AtomicBool,
    pub(crate) frames: AtomicU64,
    pub(crate) lost_samples: AtomicU64,
    pub(crate) reopened: AtomicU64,
    /// The device failed, and is not opened again by itself.
    pub(crate) failed: AtomicBool,
    pub(crate) level: Level,
}

impl CaptureShared {
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// A frame came.
    pub(crate) fn count(&self, frame: &[i16; FRAME]) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.level.measure(frame);
    }
}

/// An open microphone. Dropping it closes the device within 20 ms.
#[derive(Debug)]
pub struct Capture {
    shared: Arc<CaptureShared>,
    /// Keeps a cpal stream open; `None` where our own thread holds the device.
    _stream: Option<crate::cpal_host::Held>,
}

impl Capture {
    /// Opens a microphone; `on_frame` gets 48 kHz mono frames of 10 ms on a thread of ours.
    ///
    /// # Errors
    /// One sentence that says what is wrong and what to do.
    pub fn open(
        choice: &DeviceChoice,
        on_frame: impl FnMut(&[i16; FRAME]) + Send + 'static,
    ) -> Result<Self, AudioError> {
        let shared = Arc::new(CaptureShared::default());
        let on_frame: OnFrame = Box::new(on_frame);
        #[cfg(target_os = "linux")]
        if let Some(found) = crate::pulse::devices()? {
            check(choice, &found.inputs, AudioError::NoMicrophone)?;
            // Made first: if the opening fails, dropping it ends a thread that may still be at it.
            let capture = Self { shared: Arc::clone(&shared), _stream: None };
            crate::pulse::capture(choice, shared, on_frame)?;
            return Ok(capture);
        }
        let held = crate::cpal_host::capture(choice, Arc::clone(&shared), on_frame)?;
        Ok(Self { shared, _stream: Some(held) })
    }

    /// One that somebody else feeds.
    pub(crate) fn without_device() -> (Self, Arc<CaptureShared>) {
        let shared = Arc::new(CaptureShared::default());
        (Self { shared: Arc::clone(&shared), _stream: None }, shared)
    }

    /// Whether the device failed for good: it has to be opened again.
    pub fn failed(&self) -> bool {
        self.shared.failed.load(Ordering::Relaxed)
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
            reopened: self.shared.reopened.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

/// Whether the choice can be met by what there is.
pub(crate) fn check(
    choice: &DeviceChoice,
    found: &[crate::Device],
    none: AudioError,
) -> Result<(), AudioError> {
    if found.is_empty() {
        return Err(none);
    }
    match choice.name() {
        Some(id) if !found.iter().any(|device| device.id == id) => Err(AudioError::Missing(id.to_owned())),
        Some(_) | None => Ok(()),
    }
}
