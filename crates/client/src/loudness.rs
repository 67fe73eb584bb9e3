//! How loud the microphone is, and since when it has given nothing.

use std::sync::Arc;
use std::time::Duration;

use adjourn_audio::{Level, SILENCE_DBFS};
use parking_lot::Mutex;
use tokio::time::Instant;

/// A microphone that gave no frame for so long has stalled.
const STALLED: Duration = Duration::from_millis(300);
/// A microphone that gives nothing for so long is told of (scenario `flat-zero`).
const SILENT: Duration = Duration::from_millis(2_500);

/// Of the device that is open, or of the file that is spoken.
pub(crate) struct Loudness {
    file: Arc<Mutex<f32>>,
    device: Option<Level>,
    /// Since when it has given nothing at all.
    nothing_since: Option<Instant>,
    /// Frames at the last look.
    frames: u64,
    silent: bool,
}

impl Default for Loudness {
    fn default() -> Self {
        let file = Arc::new(Mutex::new(SILENCE_DBFS));
        Self { file, device: None, nothing_since: None, frames: 0, silent: false }
    }
}

impl Loudness {
    /// Where a file that is spoken says how loud it is.
    pub(crate) fn of_file(&self) -> Arc<Mutex<f32>> {
        Arc::clone(&self.file)
    }

    /// A device is open.
    pub(crate) fn of_device(&mut self, level: Level) {
        self.device = Some(level);
    }

    /// Nothing is open.
    pub(crate) fn closed(&mut self) {
        self.device = None;
        *self.file.lock() = SILENCE_DBFS;
    }

    /// Whether it gives nothing at all, not even the noise of a room.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }

    /// Level, dBFS; `frames` were given so far, `wanted`: a device is to give some. No microphone in a room is as silent as
    /// zeros.
    pub(crate) fn look(&mut self, frames: u64, wanted: bool) -> f32 {
        let stalled = frames == self.frames;
        self.frames = frames;
        let level = self.device.as_ref().map_or_else(|| *self.file.lock(), Level::get);
        if !wanted || !stalled && level > SILENCE_DBFS {
            (self.nothing_since, self.silent) = (None, false);
            return level;
        }
        let lasted = self.nothing_since.get_or_insert_with(Instant::now).elapsed();
        self.silent = lasted >= SILENT;
        // A look may fall between two frames.
        if lasted < STALLED { level } else { SILENCE_DBFS }
    }
}
