//! The candidate's voice and the interviewer's: which devices are wanted, which are open, what is wrong with them, and how
//! loud it is. Devices are opened beside the loop: a sound system that hangs holds up no interview.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use adjourn_audio::{
    AudioError, Capture, CaptureStats, DeviceChoice, DeviceKind, FRAME, FileMicrophone, Found, Host,
    Playback, PlaybackStats, Reference, SpeechDetector, StreamStatus, dbfs,
};
use adjourn_protocol::AudioStatistics;
use adjourn_room::{Microphone, Sound};
use adjourn_session::SoundProcessing;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::audio_ends::{AudioInput, AudioOutput};
use crate::diagnostics::{self, Diagnostics, LinkGauge, OpenDevice};
use crate::event::{Event, Events, Opened};
use crate::loudness::Loudness;
use crate::preferences::{Preferences, PreferencesFile};
use crate::processing::{Switch, VoiceProcessing};
use crate::side::{Attempt, Brought, Side};
use crate::snapshot::{DeviceList, Meters};
use crate::sound::{self, Floor, MicrophoneRoute, SpeakerRoute};
use crate::sound_check::{Known, SoundCheck};
use crate::voice_options::{VoiceOptions, VoiceStage, wanted_stages};
use crate::{Environment, Message, SoundSide};

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
    pub(crate) recording: Option<Vec<i16>>,
    /// Nothing is played.
    pub(crate) no_output: bool,
    pub(crate) input: Side,
    pub(crate) output: Side,
    environment: Environment,
    /// What the loudspeaker plays, for what takes its echo away, and what is done to a voice.
    played: Reference,
    switch: Switch,
    processing: SoundProcessing,
    /// The key is held with which the candidate talks.
    talking: bool,
    pub(crate) check: SoundCheck,
    /// How sound goes over the link.
    pub(crate) link: LinkGauge,
    diagnostics: Diagnostics,
    capture: Option<Capture>,
    file: Option<FileMicrophone>,
    playback: Option<Playback>,
    microphone: MicrophoneRoute,
    speaker: SpeakerRoute,
    spoke: Arc<AtomicBool>,
    loudness: Loudness,
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
        let remembered = preferences.get();
        let (choice, recording) = match audio_input {
            AudioInput::Device(choice) => (choice, None),
            AudioInput::Recording(samples) => (DeviceChoice::SystemDefault, Some(samples)),
        };
        let input = Side::new(DeviceKind::Microphone, choice, remembered.microphone);
        let (choice, no_output) = match audio_output {
            AudioOutput::Device(choice) => (choice, false),
            AudioOutput::None => (DeviceChoice::SystemDefault, true),
        };
        let audio = Self {
            host: environment.audio.clone(),
            events,
            preferences,
            recording,
            no_output,
            input,
            output: Side::new(DeviceKind::Loudspeaker, choice, remembered.loudspeaker),
            environment: environment.clone(),
            played: Reference::default(),
            switch: Switch::default(),
            processing: SoundProcessing::default(),
            talking: false,
            check: SoundCheck::default(),
            link: LinkGauge::default(),
            diagnostics: Diagnostics::default(),
            capture: None,
            file: None,
            playback: None,
            microphone: MicrophoneRoute::default(),
            speaker: SpeakerRoute::default(),
            spoke: Arc::default(),
            loudness: Loudness::default(),
            audible: false,
            captured: CaptureStats::default(),
            played_before: PlaybackStats::default(),
        };
        audio.hold();
        audio
    }

    /// What is done to the candidate's voice: what the organiser wants, and no more than the loudspeaker needs.
    fn set_stages(&self) {
        let headphones = self.wears_headphones();
        let wanted = |wish: &Preferences| wanted_stages(self.processing, headphones, &wish.without);
        self.switch.set(self.preferences.read(wanted));
    }

    fn wears_headphones(&self) -> bool {
        let worn = self.output.device().is_some_and(|device| device.headphones);
        // A device may say so and stand on the desk.
        worn && !self.check.hears_itself()
    }

    /// What the candidate can choose about their own voice.
    pub(crate) fn voice_options(&self) -> VoiceOptions {
        let headphones = self.wears_headphones();
        self.preferences.read(|wish| {
            let talking = wish.push_to_talk.then_some(self.talking);
            VoiceOptions::of(talking, &wish.without, self.processing, headphones)
        })
    }

    pub(crate) fn set_stage(&mut self, stage: VoiceStage, on: bool) {
        self.preferences.change(|preferences| {
            preferences.without.retain(|without| *without != stage);
            preferences.without.extend((!on).then_some(stage));
        });
        self.set_stages();
    }

    /// The voice is heard only while a key is held, or always.
    pub(crate) fn set_push_to_talk(&mut self, on: bool) {
        self.preferences.change(|preferences| preferences.push_to_talk = on);
        self.talking = false;
        self.hold();
    }

    /// That key is held, or not. Gives whether that changes anything.
    pub(crate) fn talk(&mut self, talking: bool) -> bool {
        let before = self.is_held();
        self.talking = talking;
        self.hold();
        before != self.is_held()
    }

    fn hold(&self) {
        self.microphone.hold(self.preferences.read(|wish| wish.push_to_talk) && !self.talking);
    }

    /// Whether the voice is held back, because no key is held.
    pub(crate) fn is_held(&self) -> bool {
        self.microphone.is_held()
    }

    /// What the organiser wants to be done to the candidate's voice.
    pub(crate) fn process(&mut self, processing: SoundProcessing) {
        self.processing = processing;
        self.set_stages();
    }

    fn side(&mut self, kind: DeviceKind) -> &mut Side {
        match kind {
            DeviceKind::Microphone => &mut self.input,
            DeviceKind::Loudspeaker => &mut self.output,
        }
    }

    /// Makes the open device heard again that is muted in the system's settings, beside the loop.
    pub(crate) fn unmute_in_system(&mut self, kind: DeviceKind) {
        let muted = self.side(kind).device().filter(|device| device.muted);
        let Some(id) = muted.map(|device| device.id.clone()) else { return };
        let (unmuting, events) = (self.host.unmute(kind, id), self.events.clone());
        tokio::spawn(async move {
            if let Err(error) = unmuting.await {
                tracing::warn!(?kind, %error, "a device stays muted");
                events.tell(Event::NotUnmuted(kind)).await;
            }
        });
    }

    /// The system does not unmute it.
    pub(crate) fn not_unmuted(&mut self, kind: DeviceKind) {
        self.side(kind).not_unmuted();
    }

    /// Microphones, as the screen shows them.
    pub(crate) fn input(&self) -> &DeviceList {
        self.input.list()
    }

    /// Loudspeakers, as the screen shows them.
    pub(crate) fn output(&self) -> &DeviceList {
        self.output.list()
    }

    pub(crate) fn microphone_open(&self) -> bool {
        self.capture.is_some() || self.file.is_some()
    }

    /// Why nobody hears the candidate, as far as the microphone goes that is to be open.
    pub(crate) fn not_heard(&self) -> Option<Message> {
        if self.recording.is_some() || !self.input.is_wanted() {
            return None;
        }
        let silent = self.loudness.is_silent() && self.microphone_open();
        self.input.trouble().or_else(|| silent.then_some(Message::MicrophoneSilent))
    }

    /// Why the candidate hears nobody, as far as the loudspeaker goes that is to be open.
    pub(crate) fn hears_nothing(&self) -> Option<Message> {
        if self.no_output {
            return None;
        }
        let muted = || self.output.list().muted.clone();
        if self.output.is_wanted() { self.output.trouble() } else { muted() }
    }

    /// Whether a device is being opened right now.
    pub(crate) fn is_opening(&self) -> bool {
        self.input.is_opening() || self.output.is_opening()
    }

    /// What is wrong with the devices, if something is.
    pub(crate) fn problem(&self) -> Option<Message> {
        // What is spoken from a file, and played nowhere, needs no device.
        let input = self.input.problem().filter(|_| self.recording.is_none());
        input.or_else(|| self.output.problem().filter(|_| !self.no_output))
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

    /// These devices there are now.
    pub(crate) fn found(&mut self, found: Found) {
        let now = Instant::now();
        match found {
            Ok(found) => {
                self.input.found(&found.inputs, now);
                self.output.found(&found.outputs, now);
                self.set_stages();
            }
            // Said once; it is about both.
            Err(problem) => self.input.not_listed(&problem),
        }
    }

    /// An open stream says how it is.
    pub(crate) fn tells(&mut self, kind: DeviceKind, number: u64, status: StreamStatus) {
        tracing::info!(?kind, number, ?status, "a device");
        self.side(kind).tells(number, status, Instant::now());
        self.set_stages();
    }

    /// Follows how an open stream is, beside the loop, as long as it is open.
    fn follow(&self, kind: DeviceKind, number: u64, mut status: watch::Receiver<StreamStatus>) {
        let events = self.events.clone();
        tokio::spawn(async move {
            loop {
                let status_now = status.borrow_and_update().clone();
                events.tell(Event::Stream { kind, number, status: status_now }).await;
                if status.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    /// The candidate chooses a device; `None`: the system's default.
    pub(crate) fn choose(&mut self, side: SoundSide, id: Option<String>) {
        match side {
            SoundSide::Microphone => {
                self.recording = None;
                let chosen = self.input.choose(id);
                self.preferences.change(|preferences| preferences.microphone = chosen);
            }
            SoundSide::Loudspeaker => {
                self.no_output = false;
                let chosen = self.output.choose(id);
                self.preferences.change(|preferences| preferences.loudspeaker = chosen);
            }
        }
    }

    /// Opens the candidate's voice, unless it is open. A device's answer comes as [`Event::Opened`]; until then the last one stands.
    pub(crate) fn open_microphone(&mut self) {
        let Some(samples) = self.recording.clone() else {
            self.file = None;
            self.input.want();
            return self.reconcile();
        };
        self.close_microphone();
        let (level, mut on_frame) = (self.loudness.of_file(), self.on_frame());
        let file = FileMicrophone::start(samples, move |frame| {
            *level.lock() = dbfs(frame);
            on_frame(frame);
        });
        self.file = match file {
            Ok(file) => Some(file),
            Err(error) => {
                tracing::error!(%error, "the recording can't be spoken");
                None
            }
        };
    }

    /// Opens them once more, for who does not believe that they work.
    pub(crate) fn open_anew(&mut self, microphone: bool) {
        if microphone && self.recording.is_none() {
            self.input.want_anew();
        }
        if !self.no_output {
            self.output.want_anew();
        }
        self.reconcile();
    }

    /// Opens what is to be open and is not, in place of what is and is not to be.
    pub(crate) fn reconcile(&mut self) {
        let now = Instant::now();
        // Before: after it, they would be those of the device that is opened.
        self.remember_formats();
        let (microphone, loudspeaker) = (self.input.due(now), self.output.due(now));
        if !self.input.is_open() && self.capture.is_some() {
            self.let_go_of_the_microphone();
        }
        if !self.output.is_open() && self.playback.is_some() {
            self.let_go_of_the_loudspeaker();
        }
        if let Some(attempt) = microphone {
            self.capture_beside(attempt);
        }
        if let Some(attempt) = loudspeaker {
            self.play_beside(attempt);
        }
    }

    fn on_frame(&self) -> impl FnMut(&[i16; FRAME]) + Send + 'static {
        let (route, spoke) = (self.microphone.clone(), Arc::clone(&self.spoke));
        let sample = self.check.sample.clone();
        let mut detector = SpeechDetector::default();
        move |frame: &[i16; FRAME]| {
            if detector.speech(frame) && !route.is_held() {
                spoke.store(true, Ordering::Relaxed);
            }
            sample.push(frame);
            route.push(frame);
        }
    }

    fn capture_beside(&self, (choice, number): Attempt) {
        let make = Arc::clone(&self.environment.processing.0);
        let processing =
            VoiceProcessing::new(make, self.switch.clone(), self.played.clone(), self.check.ear.listener());
        let opening = self.host.capture(choice, Some(Box::new(processing)), Box::new(self.on_frame()));
        let events = self.events.clone();
        tokio::spawn(async move {
            events.tell(Event::Opened(Box::new(Opened::Microphone(number, opening.await)))).await;
        });
    }

    fn play_beside(&self, (choice, number): Attempt) {
        let opening = self.host.playback(choice, Some(self.played.tap()));
        let events = self.events.clone();
        tokio::spawn(async move {
            events.tell(Event::Opened(Box::new(Opened::Speaker(number, opening.await)))).await;
        });
    }

    /// Opens the interviewer's voice, unless it is open. A device's answer comes as [`Event::Opened`].
    pub(crate) fn open_speaker(&mut self) {
        if !self.no_output {
            self.output.want();
            self.reconcile();
        }
    }

    /// Takes what came of opening: it is used, or something else is to be opened by now.
    pub(crate) fn opened(&mut self, opened: Opened) {
        let now = Instant::now();
        let missing = match opened {
            Opened::Microphone(number, result) => {
                let missing = matches!(result, Err(AudioError::Missing(_)));
                if let Brought::Open(capture) = self.input.ended(number, result, now) {
                    self.check.another_microphone();
                    self.follow(DeviceKind::Microphone, number, capture.status());
                    self.loudness.of_device(capture.level());
                    self.capture = Some(capture);
                }
                missing
            }
            Opened::Speaker(number, result) => {
                let missing = matches!(result, Err(AudioError::Missing(_)));
                if let Brought::Open((playback, speaker)) = self.output.ended(number, result, now) {
                    self.check.another_loudspeaker();
                    self.follow(DeviceKind::Loudspeaker, number, playback.status());
                    self.playback = Some(playback);
                    self.speaker.set(Some(speaker));
                }
                missing
            }
        };
        if missing {
            // What is listed may be older than that.
            self.look_for_devices();
        }
        self.reconcile();
    }

    /// Gives up attempts that never came back. Gives whether there were any.
    pub(crate) fn give_up_hanging(&mut self) -> bool {
        let now = Instant::now();
        let any = [&mut self.input, &mut self.output].map(|side| side.give_up_hanging(now));
        any.contains(&true)
    }

    fn let_go_of_the_microphone(&mut self) {
        self.captured += self.capture.take().map(|capture| capture.stats()).unwrap_or_default();
        self.loudness.closed();
    }

    fn let_go_of_the_loudspeaker(&mut self) {
        self.speaker.set(None);
        self.played_before += self.playback.take().map(|playback| playback.stats()).unwrap_or_default();
    }

    pub(crate) fn close_microphone(&mut self) {
        self.remember_formats();
        self.let_go_of_the_microphone();
        self.file = None;
        self.input.close();
    }

    pub(crate) fn close_speaker(&mut self) {
        self.remember_formats();
        self.let_go_of_the_loudspeaker();
        self.output.close();
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
        // What can't be heard is not asked about.
        if let Some(speaker) = self.speaker.own_voice() {
            self.check.chimes(Instant::now());
            sound::play_frames(speaker, adjourn_audio::chime());
        }
    }

    /// Records the candidate's voice, to be played to them.
    pub(crate) fn record_sample(&mut self) {
        if self.microphone_open() {
            self.check.record(Instant::now());
        }
    }

    /// Looks at what the device check found.
    pub(crate) fn look_at_the_check(&mut self) {
        let now = Instant::now();
        if let Some(sample) = self.check.play(now) {
            let (frames, _) = sample.as_chunks::<FRAME>();
            if let Some(speaker) = self.speaker.own_voice() {
                sound::play_frames(speaker, frames.to_vec());
            }
        }
        let known = Known {
            not_heard: self.not_heard(),
            hears_nothing: self.hears_nothing(),
            echo_is_cancelled: self.switch.get().echo,
        };
        self.check.look(known, now);
        self.set_stages();
    }

    /// Looks at the levels; `open`: an interview is open, and what is heard and said counts.
    pub(crate) fn measure(&mut self, open: bool) -> Measured {
        let audible = self.speaker.audible();
        let changed = open && audible != self.audible;
        if changed {
            self.audible = audible;
        }
        let spoke = open && self.spoke.swap(false, Ordering::Relaxed);
        let frames = self.capture.as_ref().map_or(0, |capture| capture.stats().frames);
        let input = self.loudness.look(frames, self.input.is_wanted());
        Measured {
            meters: Meters { input, output: self.speaker.level() },
            audible: changed.then_some(audible),
            spoke,
        }
    }

    fn remember_formats(&mut self) {
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

    /// What was looked at last.
    pub(crate) fn figures(&self) -> &Diagnostics {
        &self.diagnostics
    }

    /// Counters for the record, of everything that was open since the start.
    pub(crate) fn statistics(&mut self) -> AudioStatistics {
        self.remember_formats();
        let (mut capture, mut playback) = (self.captured, self.played_before);
        capture += self.capture.as_ref().map(Capture::stats).unwrap_or_default();
        playback += self.playback.as_ref().map(Playback::stats).unwrap_or_default();
        diagnostics::statistics(capture, playback, &self.link, (&self.input, &self.output))
    }
}
