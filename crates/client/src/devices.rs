//! The candidate's ears and mouth: sound card, or a file for demonstrations.

use adjourn_audio::{
    AudioError, Capture, CaptureStats, DeviceChoice, FRAME, FileMicrophone, Level, Playback, PlaybackStats,
    SILENCE_DBFS, SpeechDetector, dbfs,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::sound::{MicrophoneRoute, SpeakerRoute};

/// A microphone that gave no frame for so long has stalled.
const STALLED: Duration = Duration::from_millis(300);

/// Where the candidate's voice comes from.
#[derive(Clone, Debug)]
pub enum Mouth {
    /// A microphone.
    Device(DeviceChoice),
    /// A recording (48 kHz mono), spoken each time the interviewer listens.
    Recording(Vec<i16>),
}

/// Where the interviewer's voice goes.
#[derive(Clone, Debug)]
pub enum Ears {
    /// A loudspeaker.
    Device(DeviceChoice),
    /// Nowhere; levels are measured all the same.
    None,
}

/// Everything that is open.
#[derive(Default)]
pub(crate) struct Open {
    capture: Option<Capture>,
    file: Option<FileMicrophone>,
    playback: Option<Playback>,
    pub(crate) microphone: MicrophoneRoute,
    pub(crate) speaker: SpeakerRoute,
    spoke: Arc<AtomicBool>,
    level: Arc<Mutex<f32>>,
    capture_level: Option<Level>,
    /// A sound card's microphone is wanted, whether it is open or not.
    wanted: bool,
    /// Since when the microphone has given nothing at all.
    nothing_since: Option<Instant>,
    /// Frames at the last look.
    frames_seen: u64,
    /// Counters of what is closed already.
    captured: CaptureStats,
    played: PlaybackStats,
}

impl Open {
    pub(crate) fn open_microphone(&mut self, mouth: &Mouth) -> Result<(), AudioError> {
        self.close_microphone();
        let (route, spoke, level) =
            (self.microphone.clone(), Arc::clone(&self.spoke), Arc::clone(&self.level));
        let mut detector = SpeechDetector::default();
        let on_frame = move |frame: &[i16; FRAME]| {
            if detector.speech(frame) {
                spoke.store(true, Ordering::Relaxed);
            }
            route.push(frame);
        };
        match mouth {
            Mouth::Device(choice) => {
                self.wanted = true;
                let capture = Capture::open(choice, on_frame)?;
                self.capture_level = Some(capture.level());
                self.capture = Some(capture);
            }
            Mouth::Recording(samples) => {
                let mut on_frame = on_frame;
                self.file = Some(FileMicrophone::start(samples.clone(), move |frame| {
                    *level.lock() = dbfs(frame);
                    on_frame(frame);
                })?);
            }
        }
        Ok(())
    }

    pub(crate) fn close_microphone(&mut self) {
        self.captured += self.capture.take().map(|capture| capture.stats()).unwrap_or_default();
        self.file = None;
        self.wanted = false;
        self.capture_level = None;
        *self.level.lock() = SILENCE_DBFS;
    }

    pub(crate) fn microphone_open(&self) -> bool {
        self.capture.is_some() || self.file.is_some()
    }

    pub(crate) fn open_speaker(&mut self, ears: &Ears) -> Result<(), AudioError> {
        self.close_speaker();
        if let Ears::Device(choice) = ears {
            let (playback, speaker) = Playback::open(choice)?;
            self.playback = Some(playback);
            self.speaker.set(Some(speaker));
        }
        Ok(())
    }

    pub(crate) fn close_speaker(&mut self) {
        self.speaker.set(None);
        self.played += self.playback.take().map(|playback| playback.stats()).unwrap_or_default();
    }

    /// The interviewer listens: a recording speaks now.
    pub(crate) fn your_turn(&self) {
        if let Some(file) = &self.file {
            file.speak();
        }
    }

    /// Whether the candidate spoke since this was asked last.
    pub(crate) fn took_speech(&self) -> bool {
        self.spoke.swap(false, Ordering::Relaxed)
    }

    /// Level of the microphone, and how long it has given nothing: no frame, or frames of nothing but zeros. No
    /// microphone in a room is as silent as that.
    pub(crate) fn listen(&mut self) -> (f32, Duration) {
        let frames = self.capture.as_ref().map_or(0, |capture| capture.stats().frames);
        let stalled = frames == self.frames_seen;
        self.frames_seen = frames;
        let level = self.capture_level.as_ref().map_or_else(|| *self.level.lock(), Level::get);
        let nothing = self.wanted && (stalled || level <= SILENCE_DBFS);
        if !nothing {
            self.nothing_since = None;
            return (level, Duration::ZERO);
        }
        let lasted = self.nothing_since.get_or_insert_with(Instant::now).elapsed();
        // A look may fall between two frames.
        (if lasted < STALLED { level } else { SILENCE_DBFS }, lasted)
    }

    /// Whether the microphone, or the loudspeaker, failed and has to be opened again.
    pub(crate) fn failed(&self) -> (bool, bool) {
        let capture = self.capture.as_ref().is_some_and(Capture::failed);
        (capture, self.playback.as_ref().is_some_and(Playback::failed))
    }

    /// Counters for the record, of everything that was open since the start.
    pub(crate) fn statistics(&self) -> serde_json::Value {
        let (mut capture, mut playback) = (self.captured, self.played);
        capture += self.capture.as_ref().map(Capture::stats).unwrap_or_default();
        playback += self.playback.as_ref().map(Playback::stats).unwrap_or_default();
        serde_json::json!({
            "captured_frames": capture.frames, "lost_samples": capture.lost_samples,
            "played_samples": playback.played, "underruns": playback.underruns, "skipped_samples": playback.skipped,
            "reopened": capture.reopened + playback.reopened,
        })
    }
}
