//! The candidate's ears and mouth: sound card, or a file for demonstrations.

use adjourn_audio::{
    AudioError, Capture, CaptureStats, DeviceChoice, FRAME, FileMicrophone, Level, Playback, PlaybackStats,
    SILENCE_DBFS, Speaker, SpeechDetector, dbfs,
};
use adjourn_protocol::AudioStatistics;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

use crate::opening::{Opening, Use};
use crate::run::Event;
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

/// What came of an attempt to open a device, with the attempt's number.
#[derive(Debug)]
pub(crate) enum Opened {
    /// A microphone.
    Microphone(u64, Result<Capture, AudioError>),
    /// A loudspeaker.
    Speaker(u64, Result<(Playback, Speaker), AudioError>),
}

/// Which way sound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// From the candidate.
    Microphone,
    /// To the candidate.
    Speaker,
}

/// Everything that is open. Sound cards are opened beside the loop: a sound server that hangs holds up no interview.
pub(crate) struct Open {
    events: mpsc::Sender<Event>,
    capture: Option<Capture>,
    file: Option<FileMicrophone>,
    playback: Option<Playback>,
    pub(crate) microphone: MicrophoneRoute,
    pub(crate) speaker: SpeakerRoute,
    capturing: Opening<DeviceChoice>,
    playing: Opening<DeviceChoice>,
    spoke: Arc<AtomicBool>,
    level: Arc<Mutex<f32>>,
    capture_level: Option<Level>,
    /// Since when the microphone has given nothing at all.
    nothing_since: Option<Instant>,
    /// Frames at the last look.
    frames_seen: u64,
    /// Counters of what is closed already.
    captured: CaptureStats,
    played: PlaybackStats,
}

impl Open {
    pub(crate) fn new(events: mpsc::Sender<Event>) -> Self {
        Self {
            events,
            capture: None,
            file: None,
            playback: None,
            microphone: MicrophoneRoute::default(),
            speaker: SpeakerRoute::default(),
            capturing: Opening::default(),
            playing: Opening::default(),
            spoke: Arc::default(),
            level: Arc::new(Mutex::new(SILENCE_DBFS)),
            capture_level: None,
            nothing_since: None,
            frames_seen: 0,
            captured: CaptureStats::default(),
            played: PlaybackStats::default(),
        }
    }

    /// Opens the candidate's voice. A sound card's answer comes as [`Event::Opened`].
    pub(crate) fn open_microphone(&mut self, mouth: &Mouth) -> Result<(), AudioError> {
        self.close_microphone();
        match mouth {
            Mouth::Device(choice) => {
                if let Some((choice, number)) = self.capturing.begin(choice.clone(), Instant::now()) {
                    self.capture_beside(choice, number);
                }
            }
            Mouth::Recording(samples) => {
                let (level, mut on_frame) = (Arc::clone(&self.level), self.on_frame());
                self.file = Some(FileMicrophone::start(samples.clone(), move |frame| {
                    *level.lock() = dbfs(frame);
                    on_frame(frame);
                })?);
            }
        }
        Ok(())
    }

    fn on_frame(&self) -> impl FnMut(&[i16; FRAME]) + Send + 'static {
        let (route, spoke) = (self.microphone.clone(), Arc::clone(&self.spoke));
        let mut detector = SpeechDetector::default();
        move |frame: &[i16; FRAME]| {
            if detector.speech(frame) {
                spoke.store(true, Ordering::Relaxed);
            }
            route.push(frame);
        }
    }

    fn capture_beside(&self, choice: DeviceChoice, number: u64) {
        let on_frame = self.on_frame();
        self.beside(number, Opened::Microphone, move || Capture::open(&choice, on_frame));
    }

    fn play_beside(&self, choice: DeviceChoice, number: u64) {
        self.beside(number, Opened::Speaker, move || Playback::open(&choice));
    }

    /// On a thread of its own, that nobody waits for: the end of the process does not either.
    fn beside<D: 'static>(
        &self,
        number: u64,
        opened: fn(u64, Result<D, AudioError>) -> Opened,
        open: impl FnOnce() -> Result<D, AudioError> + Send + 'static,
    ) {
        let events = self.events.clone();
        let work = move || {
            // The loop is gone: the process is ending, and dropping what was opened closes it.
            let _ = events.blocking_send(Event::Opened(Box::new(opened(number, open()))));
        };
        // Without a thread the attempt hangs, and is given up as one.
        if let Err(error) = std::thread::Builder::new().name("opens-device".to_owned()).spawn(work) {
            tracing::error!(%error, "there is no thread to open a device on");
        }
    }

    /// Attempts that never came back, as failures.
    pub(crate) fn hanging(&self) -> Vec<Opened> {
        let now = Instant::now();
        let hangs = || AudioError::System("it hangs".to_owned());
        let microphone = self.capturing.hangs(now).map(|number| Opened::Microphone(number, Err(hangs())));
        let speaker = self.playing.hangs(now).map(|number| Opened::Speaker(number, Err(hangs())));
        microphone.into_iter().chain(speaker).collect()
    }

    /// Takes what came of opening. `None` if nobody wants it any more, or something else is wanted instead.
    pub(crate) fn opened(&mut self, opened: Opened) -> Option<(Side, Result<(), AudioError>)> {
        let now = Instant::now();
        match opened {
            Opened::Microphone(number, result) => match self.capturing.ended(number, now) {
                Use::Taken => {
                    let result = result.map(|capture| {
                        self.capture_level = Some(capture.level());
                        self.capture = Some(capture);
                    });
                    Some((Side::Microphone, result))
                }
                Use::Dropped => None,
                Use::Instead(next, number) => {
                    // Closed first: some devices are open only once.
                    drop(result);
                    self.capture_beside(next, number);
                    None
                }
            },
            Opened::Speaker(number, result) => match self.playing.ended(number, now) {
                Use::Taken => {
                    let result = result.map(|(playback, speaker)| {
                        self.playback = Some(playback);
                        self.speaker.set(Some(speaker));
                    });
                    Some((Side::Speaker, result))
                }
                Use::Dropped => None,
                Use::Instead(next, number) => {
                    drop(result);
                    self.play_beside(next, number);
                    None
                }
            },
        }
    }

    pub(crate) fn close_microphone(&mut self) {
        self.captured += self.capture.take().map(|capture| capture.stats()).unwrap_or_default();
        self.file = None;
        self.capturing.unwanted();
        self.capture_level = None;
        *self.level.lock() = SILENCE_DBFS;
    }

    pub(crate) fn microphone_open(&self) -> bool {
        self.capture.is_some() || self.file.is_some()
    }

    /// Whether microphone and loudspeaker are being opened right now.
    pub(crate) fn opening(&self) -> (bool, bool) {
        (self.capturing.under_way(), self.playing.under_way())
    }

    /// Opens the interviewer's voice. A sound card's answer comes as [`Event::Opened`].
    pub(crate) fn open_speaker(&mut self, ears: &Ears) {
        self.close_speaker();
        if let Ears::Device(choice) = ears
            && let Some((choice, number)) = self.playing.begin(choice.clone(), Instant::now())
        {
            self.play_beside(choice, number);
        }
    }

    pub(crate) fn close_speaker(&mut self) {
        self.speaker.set(None);
        self.playing.unwanted();
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
        let nothing = self.capturing.wanted() && (stalled || level <= SILENCE_DBFS);
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
    pub(crate) fn statistics(&self) -> AudioStatistics {
        let (mut capture, mut playback) = (self.captured, self.played);
        capture += self.capture.as_ref().map(Capture::stats).unwrap_or_default();
        playback += self.playback.as_ref().map(Playback::stats).unwrap_or_default();
        AudioStatistics {
            captured_frames: capture.frames,
            lost_samples: capture.lost_samples,
            played_samples: playback.played,
            underruns: playback.underruns,
            skipped_samples: playback.skipped,
            reopened: capture.reopened + playback.reopened,
        }
    }
}
