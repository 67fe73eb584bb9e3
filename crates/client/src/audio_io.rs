//! The candidate's voice and the interviewer's: which devices are wanted, which are open, what is wrong with them, and how
//! loud it is. Devices are opened beside the loop: a sound system that hangs holds up no interview.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use adjourn_audio::{
    AudioError, Capture, CaptureStats, DeviceChoice, Devices, FRAME, FileMicrophone, Found, Host, Level,
    Playback, PlaybackStats, Reference, SILENCE_DBFS, SpeechDetector, StreamStatus, dbfs,
};
use adjourn_protocol::AudioStatistics;
use adjourn_room::{Microphone, Sound};
use adjourn_session::SoundProcessing;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::audio_ends::{AudioInput, AudioOutput};
use crate::event::{Event, Events};
use crate::opening::{Opened, Opening, Stream, Use};
use crate::preferences::PreferencesFile;
use crate::processing::{Switch, VoiceProcessing, stages};
use crate::snapshot::{DeviceList, Meters};
use crate::sound::{self, Floor, MicrophoneRoute, SpeakerRoute};
use crate::sound_check::{self, SoundCheck, SoundFindings};
use crate::wanted::{Chosen, Wanted};
use crate::{Environment, Message};

/// A microphone that gave no frame for so long has stalled.
const STALLED: Duration = Duration::from_millis(300);
/// A microphone that gives nothing for so long is told of (scenario `flat-zero`).
const MICROPHONE_SILENT: Duration = Duration::from_millis(2_500);
/// A device that failed is opened again this often.
const MENDING_PAUSE: Duration = Duration::from_secs(2);
/// What is buffered may be played this long before the loudspeaker is closed.
const PLAY_OUT: Duration = Duration::from_millis(500);

/// What one look at the devices shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) meters: Meters,
    /// Whether the interviewer's voice is heard, if that changed.
    pub(crate) audible: Option<bool>,
    /// Whether the candidate spoke since the last look.
    pub(crate) spoke: bool,
}

/// Microphone and loudspeaker.
pub(crate) struct AudioIo {
    host: Arc<dyn Host>,
    events: Events,
    preferences: PreferencesFile,
    /// What is spoken instead of a microphone.
    recording: Option<Vec<i16>>,
    /// Nothing is played.
    no_output: bool,
    wants: (Wanted, Wanted),
    found: Devices,
    environment: Environment,
    /// What the loudspeaker plays, for what takes its echo away, and what is done to a voice.
    played: Reference,
    switch: Switch,
    processing: SoundProcessing,
    pub(crate) check: SoundCheck,
    findings: SoundFindings,
    input: DeviceList,
    output: DeviceList,
    capture: Option<Capture>,
    file: Option<FileMicrophone>,
    playback: Option<Playback>,
    microphone: MicrophoneRoute,
    speaker: SpeakerRoute,
    capturing: Opening<DeviceChoice>,
    playing: Opening<DeviceChoice>,
    /// Whether microphone and loudspeaker have to be opened again, and when that was last tried.
    mending: (bool, bool),
    mended: Option<Instant>,
    /// The devices could not be listed at the last look.
    unlisted: bool,
    spoke: Arc<AtomicBool>,
    level: Arc<Mutex<f32>>,
    capture_level: Option<Level>,
    /// Since when the microphone has given nothing at all.
    nothing_since: Option<Instant>,
    /// Frames at the last look.
    frames_seen: u64,
    microphone_silent: bool,
    audible: bool,
    /// Counters of what is closed already.
    captured: CaptureStats,
    played_before: PlaybackStats,
}

impl AudioIo {
    pub(crate) fn new(
        environment: &Environment,
        events: Events,
        audio_input: AudioInput,
        audio_output: AudioOutput,
        preferences: PreferencesFile,
    ) -> Self {
        // What was asked for at the start counts more than what was chosen at another one.
        let wanted = |choice, remembered: Option<Chosen>| match choice {
            DeviceChoice::Named(id) => Wanted::new(Some(Chosen { name: id.clone(), id })),
            DeviceChoice::SystemDefault => Wanted::new(remembered),
        };
        let remembered = preferences.get();
        let (choice, recording) = match audio_input {
            AudioInput::Device(choice) => (choice, None),
            AudioInput::Recording(samples) => (DeviceChoice::SystemDefault, Some(samples)),
        };
        let microphone = wanted(choice, remembered.microphone);
        let (choice, no_output) = match audio_output {
            AudioOutput::Device(choice) => (choice, false),
            AudioOutput::None => (DeviceChoice::SystemDefault, true),
        };
        let mut audio = Self {
            host: environment.audio.clone(),
            events,
            preferences,
            recording,
            no_output,
            wants: (microphone, wanted(choice, remembered.loudspeaker)),
            found: Devices::default(),
            environment: environment.clone(),
            played: Reference::default(),
            switch: Switch::default(),
            processing: SoundProcessing::default(),
            check: SoundCheck::default(),
            findings: SoundFindings::default(),
            input: DeviceList::default(),
            output: DeviceList::default(),
            capture: None,
            file: None,
            playback: None,
            microphone: MicrophoneRoute::default(),
            speaker: SpeakerRoute::default(),
            capturing: Opening::default(),
            playing: Opening::default(),
            mending: (false, false),
            mended: None,
            unlisted: false,
            spoke: Arc::default(),
            level: Arc::new(Mutex::new(SILENCE_DBFS)),
            capture_level: None,
            nothing_since: None,
            frames_seen: 0,
            microphone_silent: false,
            audible: false,
            captured: CaptureStats::default(),
            played_before: PlaybackStats::default(),
        };
        audio.show_wanted();
        audio
    }

    /// What is chosen, what stands in for it, and how it is, as the screen shows it.
    fn show_wanted(&mut self) {
        let away =
            |wanted: &Wanted| wanted.away().map(|device| Message::DeviceAway { device: device.to_owned() });
        let id = |wanted: &Wanted| wanted.chosen().map(|chosen| chosen.id.clone());
        (self.input.chosen, self.input.away) = (id(&self.wants.0), away(&self.wants.0));
        (self.output.chosen, self.output.away) = (id(&self.wants.1), away(&self.wants.1));
        self.input.muted = self.found.inputs.iter().any(|device| device.muted && self.input.is_open(device));
        let worn = self.found.outputs.iter().any(|device| device.headphones && self.output.is_open(device));
        self.switch.set(stages(self.processing, worn));
    }

    /// What the organiser wants to be done to the candidate's voice.
    pub(crate) fn process(&mut self, processing: SoundProcessing) {
        self.processing = processing;
        self.show_wanted();
    }

    /// Makes the open microphone heard again that is muted in the system's settings, beside the loop.
    pub(crate) fn unmute_in_system(&self) {
        let Some(device) = self.found.inputs.iter().find(|device| self.input.is_open(device)) else { return };
        let (unmuting, events) = (self.host.unmute(device.id.clone()), self.events.clone());
        tokio::spawn(async move {
            if let Err(error) = unmuting.await {
                events.tell(Event::NotUnmuted(error)).await;
            }
        });
    }

    /// The system does not unmute it.
    pub(crate) fn not_unmuted(&mut self, error: &AudioError) {
        self.input.problem = Some(error.into());
    }

    /// Microphones, as the screen shows them.
    pub(crate) fn input(&self) -> &DeviceList {
        &self.input
    }

    /// Loudspeakers, as the screen shows them.
    pub(crate) fn output(&self) -> &DeviceList {
        &self.output
    }

    pub(crate) fn microphone_open(&self) -> bool {
        self.capture.is_some() || self.file.is_some()
    }

    /// Whether the microphone gives nothing at all, not even the noise of a room.
    pub(crate) fn microphone_silent(&self) -> bool {
        self.microphone_silent
    }

    /// Whether a device is being opened right now.
    pub(crate) fn is_opening(&self) -> bool {
        self.capturing.under_way() || self.playing.under_way()
    }

    /// What is wrong with the devices, if something is.
    pub(crate) fn problem(&self) -> Option<&Message> {
        self.input.problem.as_ref().or(self.output.problem.as_ref())
    }

    /// Looks for devices once more, beside the loop, for who does not believe that they are watched.
    pub(crate) fn look_for_devices(&self) {
        let (found, events) = (self.host.devices(), self.events.clone());
        tokio::spawn(async move { events.tell(Event::Devices(found.await)).await });
    }

    /// Follows which devices there are, beside the loop.
    pub(crate) fn watch_devices(&self) {
        let (mut watch, events) = (self.host.watch(), self.events.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    found = watch.next() => events.tell(Event::Devices(found)).await,
                    () = events.closed() => return,
                }
            }
        });
    }

    /// These devices there are now. What could not be opened is tried again, now that there are others.
    pub(crate) fn found(&mut self, found: Found) {
        match found {
            Ok(found) => {
                if std::mem::take(&mut self.unlisted) {
                    self.input.problem = None;
                }
                self.mending.0 |= self.input.problem.is_some() && !found.inputs.is_empty();
                self.mending.1 |= self.output.problem.is_some() && !found.outputs.is_empty();
                self.mending.0 |= self.wants.0.comes_back(&found.inputs);
                self.mending.1 |= self.wants.1.comes_back(&found.outputs);
                self.input.list(&found.inputs);
                self.output.list(&found.outputs);
                self.found = found;
                self.show_wanted();
                self.mended = None;
            }
            Err(problem) => {
                self.input.problem = Some((&problem).into());
                self.unlisted = true;
            }
        }
    }

    /// An open stream says how it is.
    pub(crate) fn tells(&mut self, stream: Stream, number: u64, status: StreamStatus) {
        let (opening, list, mending) = match stream {
            Stream::Microphone => (&self.capturing, &mut self.input, &mut self.mending.0),
            Stream::Loudspeaker => (&self.playing, &mut self.output, &mut self.mending.1),
        };
        if !opening.is_newest(number) {
            return;
        }
        tracing::info!(?stream, ?status, "a device");
        match status {
            StreamStatus::Open { device } | StreamStatus::Starved { device } => list.open = device,
            StreamStatus::Lost => list.open = None,
            StreamStatus::Failed => {
                (list.open, *mending) = (None, true);
                // It failed just now: nothing is to be waited for.
                self.mended = None;
            }
        }
        self.show_wanted();
    }

    /// Follows how an open stream is, beside the loop, as long as it is open.
    fn follow(&self, stream: Stream, number: u64, mut status: watch::Receiver<StreamStatus>) {
        let events = self.events.clone();
        tokio::spawn(async move {
            loop {
                let status_now = status.borrow_and_update().clone();
                events.tell(Event::Stream { stream, number, status: status_now }).await;
                if status.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    pub(crate) fn choose_input(&mut self, id: Option<String>) {
        self.recording = None;
        self.wants.0 = Wanted::by_id(id, &self.input);
        let chosen = self.wants.0.chosen().cloned();
        self.preferences.change(|preferences| preferences.microphone = chosen);
        self.show_wanted();
    }

    pub(crate) fn choose_output(&mut self, id: Option<String>) {
        self.no_output = false;
        self.wants.1 = Wanted::by_id(id, &self.output);
        let chosen = self.wants.1.chosen().cloned();
        self.preferences.change(|preferences| preferences.loudspeaker = chosen);
        self.show_wanted();
    }

    /// Opens the candidate's voice. A device's answer comes as [`Event::Opened`]; until then the last one stands.
    pub(crate) fn open_microphone(&mut self) {
        self.close_microphone();
        let Some(samples) = self.recording.clone() else {
            if let Some((choice, number)) = self.capturing.begin(self.wants.0.to_open(), Instant::now()) {
                self.capture_beside(choice, number);
            }
            return;
        };
        let (level, mut on_frame) = (Arc::clone(&self.level), self.on_frame());
        let file = FileMicrophone::start(samples, move |frame| {
            *level.lock() = dbfs(frame);
            on_frame(frame);
        });
        self.input.problem = file.as_ref().err().map(Message::from);
        self.file = file.ok();
    }

    fn on_frame(&self) -> impl FnMut(&[i16; FRAME]) + Send + 'static {
        let (route, spoke) = (self.microphone.clone(), Arc::clone(&self.spoke));
        let sample = self.check.sample.clone();
        let mut detector = SpeechDetector::default();
        move |frame: &[i16; FRAME]| {
            if detector.speech(frame) {
                spoke.store(true, Ordering::Relaxed);
            }
            sample.push(frame);
            route.push(frame);
        }
    }

    fn capture_beside(&self, choice: DeviceChoice, number: u64) {
        let make = Arc::clone(&self.environment.processing.0);
        let processing =
            VoiceProcessing::new(make, self.switch.clone(), self.played.clone(), self.check.ear.listener());
        let opening = self.host.capture(choice, Some(Box::new(processing)), Box::new(self.on_frame()));
        let events = self.events.clone();
        tokio::spawn(async move {
            events.tell(Event::Opened(Box::new(Opened::Microphone(number, opening.await)))).await;
        });
    }

    fn play_beside(&self, choice: DeviceChoice, number: u64) {
        let opening = self.host.playback(choice, Some(self.played.tap()));
        let events = self.events.clone();
        tokio::spawn(async move {
            events.tell(Event::Opened(Box::new(Opened::Speaker(number, opening.await)))).await;
        });
    }

    /// Opens the interviewer's voice. A device's answer comes as [`Event::Opened`].
    pub(crate) fn open_speaker(&mut self) {
        self.close_speaker();
        if self.no_output {
            return;
        }
        if let Some((choice, number)) = self.playing.begin(self.wants.1.to_open(), Instant::now()) {
            self.play_beside(choice, number);
        }
    }

    /// Takes what came of opening: it is used, dropped because nobody wants it any more, or something else is opened instead.
    pub(crate) fn opened(&mut self, opened: Opened) {
        let now = Instant::now();
        match opened {
            Opened::Microphone(number, result) => match self.capturing.ended(number, now) {
                Use::Taken if matches!(result, Err(AudioError::Missing(_))) && self.wants.0.stands_in() => {
                    self.show_wanted();
                    self.open_microphone();
                }
                Use::Taken => {
                    self.input.problem = result.as_ref().err().map(Message::from);
                    self.mending.0 &= result.is_err();
                    if let Ok(capture) = result {
                        self.check.another_microphone();
                        self.follow(Stream::Microphone, number, capture.status());
                        self.capture_level = Some(capture.level());
                        self.capture = Some(capture);
                    }
                }
                Use::Dropped => {}
                Use::Instead(next, number) => {
                    // Closed first: some devices are open only once.
                    drop(result);
                    self.capture_beside(next, number);
                }
            },
            Opened::Speaker(number, result) => match self.playing.ended(number, now) {
                Use::Taken if matches!(result, Err(AudioError::Missing(_))) && self.wants.1.stands_in() => {
                    self.show_wanted();
                    self.open_speaker();
                }
                Use::Taken => {
                    self.output.problem = result.as_ref().err().map(Message::from);
                    self.mending.1 &= result.is_err();
                    if let Ok((playback, speaker)) = result {
                        self.check.another_loudspeaker();
                        self.follow(Stream::Loudspeaker, number, playback.status());
                        self.playback = Some(playback);
                        self.speaker.set(Some(speaker));
                    }
                }
                Use::Dropped => {}
                Use::Instead(next, number) => {
                    drop(result);
                    self.play_beside(next, number);
                }
            },
        }
    }

    /// Gives up attempts that never came back. Gives whether there were any.
    pub(crate) fn give_up_hanging(&mut self) -> bool {
        let now = Instant::now();
        let hangs = || AudioError::System("it hangs".to_owned());
        let microphone = self.capturing.hangs(now).map(|number| Opened::Microphone(number, Err(hangs())));
        let speaker = self.playing.hangs(now).map(|number| Opened::Speaker(number, Err(hangs())));
        let hanging: Vec<Opened> = microphone.into_iter().chain(speaker).collect();
        let any = !hanging.is_empty();
        hanging.into_iter().for_each(|opened| self.opened(opened));
        any
    }

    /// Opens again what failed in the middle, or could not be opened before the devices changed, until that works; `wanted`: a device may be open.
    pub(crate) fn mend(&mut self, wanted: bool) {
        if self.mended.is_some_and(|at| at.elapsed() < MENDING_PAUSE) || self.mending == (false, false) {
            return;
        }
        self.mended = Some(Instant::now());
        if wanted && self.mending.0 && self.capturing.wanted() && !self.capturing.under_way() {
            self.open_microphone();
        }
        if wanted && self.mending.1 && self.playing.wanted() && !self.playing.under_way() {
            self.open_speaker();
        }
    }

    pub(crate) fn close_microphone(&mut self) {
        self.captured += self.capture.take().map(|capture| capture.stats()).unwrap_or_default();
        self.file = None;
        self.input.open = None;
        self.capturing.unwanted();
        self.capture_level = None;
        *self.level.lock() = SILENCE_DBFS;
    }

    pub(crate) fn close_speaker(&mut self) {
        self.speaker.set(None);
        self.playing.unwanted();
        self.output.open = None;
        self.played_before += self.playback.take().map(|playback| playback.stats()).unwrap_or_default();
    }

    /// Where captured frames go from now on.
    pub(crate) fn speak_into(&self, microphone: Option<Microphone>) {
        self.microphone.set(microphone);
    }

    /// Plays a track to its end, beside the loop.
    pub(crate) fn play(&self, sound: Sound) {
        tokio::spawn(sound::play(sound, self.speaker.clone()));
    }

    /// Says who is heard from now on.
    pub(crate) fn give_floor(&self, floor: Floor) {
        self.speaker.give_floor(floor);
    }

    /// What is still to be played when a room is left.
    pub(crate) fn buffered(&self) -> Duration {
        self.speaker.buffered().min(PLAY_OUT)
    }

    /// The interviewer listens: a recording speaks now.
    pub(crate) fn your_turn(&self) {
        if let Some(file) = &self.file {
            file.speak();
        }
    }

    /// Plays the test sound, beside the loop.
    pub(crate) fn chime(&mut self) {
        self.check.chimes(Instant::now());
        self.play_frames(adjourn_audio::chime());
    }

    fn play_frames(&self, frames: Vec<[i16; FRAME]>) {
        let Some(mut speaker) = self.speaker.own_voice() else { return };
        tokio::spawn(async move {
            let mut pace = tokio::time::interval(Duration::from_millis(10));
            for frame in frames {
                pace.tick().await;
                speaker.push(&frame);
            }
        });
    }

    /// Records the candidate's voice, to be played to them.
    pub(crate) fn record_sample(&mut self) {
        if self.microphone_open() {
            self.check.record();
        }
    }

    /// What the device check shows.
    pub(crate) fn findings(&self) -> &SoundFindings {
        &self.findings
    }

    /// Looks at what the device check found.
    pub(crate) fn look_at_the_check(&mut self) {
        let now = Instant::now();
        if let Some(sample) = self.check.play(now) {
            let (frames, _) = sample.as_chunks::<FRAME>();
            self.play_frames(frames.to_vec());
        }
        let microphone = sound_check::Microphone {
            muted_in_system: self.input.muted,
            silent: self.microphone_silent && self.microphone_open(),
        };
        self.findings = self.check.findings(microphone, now);
    }

    /// Looks at the levels; `open`: an interview is open, and what is heard and said counts.
    pub(crate) fn measure(&mut self, open: bool) -> Measured {
        let audible = self.speaker.audible();
        let changed = open && audible != self.audible;
        if changed {
            self.audible = audible;
        }
        let spoke = open && self.spoke.swap(false, Ordering::Relaxed);
        let (input, nothing_for) = self.listen();
        self.microphone_silent = nothing_for >= MICROPHONE_SILENT;
        Measured {
            meters: Meters { input, output: self.speaker.level() },
            audible: changed.then_some(audible),
            spoke,
        }
    }

    /// Level of the microphone, and how long it has given nothing: no frame, or frames of nothing but zeros. No
    /// microphone in a room is as silent as that.
    fn listen(&mut self) -> (f32, Duration) {
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

    /// Counters for the record, of everything that was open since the start.
    pub(crate) fn statistics(&self) -> AudioStatistics {
        let (mut capture, mut playback) = (self.captured, self.played_before);
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
