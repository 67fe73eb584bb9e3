//! Numbers of what is open, and of what was: for the screen and for the record.

use adjourn_audio::{Capture, CaptureStats, Playback, PlaybackStats};
use adjourn_protocol::{AudioStatistics, DeviceCheck};

use super::AudioIo;
use crate::diagnostics::{self, Diagnostics, OpenDevice};
use crate::sound_check::SoundFindings;

impl AudioIo {
    pub(super) fn remember_formats(&mut self) {
        self.input.does(self.capture.as_ref().and_then(Capture::format));
        self.output.does(self.playback.as_ref().and_then(Playback::format));
    }

    fn open_microphone_is(&self) -> Option<OpenDevice<CaptureStats>> {
        let capture = self.capture.as_ref()?;
        Some(OpenDevice { name: self.input.name(), format: capture.format(), counters: capture.stats() })
    }

    fn open_loudspeaker_is(&self) -> Option<OpenDevice<(PlaybackStats, f32)>> {
        let playback = self.playback.as_ref()?;
        let counters = (playback.stats(), playback.drift_ppm());
        Some(OpenDevice { name: self.output.name(), format: playback.format(), counters })
    }

    /// Numbers about sound, if they are others than at the last look.
    pub(crate) fn diagnostics(&mut self) -> Option<&Diagnostics> {
        let (microphone, loudspeaker) = (self.open_microphone_is(), self.open_loudspeaker_is());
        let now = diagnostics::look(microphone.as_ref(), loudspeaker.as_ref(), &self.link);
        let changed = now != self.diagnostics;
        self.diagnostics = now;
        changed.then_some(&self.diagnostics)
    }

    /// The candidate goes on: what the device check has found is kept for the record.
    pub(crate) fn keep_what_the_check_found(&mut self) {
        let SoundFindings { microphone, loudspeaker, .. } = &self.findings;
        let (microphone, loudspeaker) = (microphone.verdict.into(), loudspeaker.verdict.into());
        self.checked = Some(DeviceCheck { microphone, loudspeaker });
    }

    /// What the device check had found.
    pub(crate) fn device_check(&self) -> DeviceCheck {
        self.checked.unwrap_or_default()
    }

    /// Counters for the record, of everything that was open since the start.
    pub(crate) fn statistics(&mut self) -> AudioStatistics {
        self.remember_formats();
        let (mut capture, mut playback) = (self.captured, self.played_before);
        capture += self.capture.as_ref().map(Capture::stats).unwrap_or_default();
        playback += self.playback.as_ref().map(Playback::stats).unwrap_or_default();
        AudioStatistics {
            captured_frames: capture.frames,
            lost_samples: capture.lost_samples,
            played_samples: playback.played,
            underruns: playback.underruns,
            skipped_samples: playback.skipped,
            reopened: capture.reopened + playback.reopened + self.input.reopened() + self.output.reopened(),
            microphone: self.input.used(),
            loudspeaker: self.output.used(),
            link: self.link.statistics(),
        }
    }
}
