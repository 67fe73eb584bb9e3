//! A sound system without sound, for tests of what is built on [`Host`]. It keeps the real one's quirks: opening may hang for ever,
//! a device may leave while it is open, and what nobody takes waits and is dropped.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::FRAME;
use crate::device::{AudioError, Device, DeviceChoice, DeviceKind, Devices};
use crate::format::StreamFormat;
use crate::frame_work::FrameWork;
use crate::host::{Host, Pending};
use crate::mixer::{PlaybackHandle, Source, mixer};
use crate::processor::{FrameProcessor, OnFrame};
use crate::status::StreamState;
use crate::stream::{Capture, CaptureShared, Playback, PlaybackShared};
use crate::watch::{DeviceWatch, Watcher};

/// What each of its devices does.
const FORMAT: StreamFormat = StreamFormat { rate: 44_100, channels: 2, buffer_ms: 10 };

/// The fake. Clones are the same.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    devices: Devices,
    /// Nothing that is asked comes to an end.
    hangs: bool,
    refuses: Option<AudioError>,
    refuses_unmuting: Option<AudioError>,
    watchers: Vec<Watcher>,
    captures: Vec<(Arc<CaptureShared>, DeviceChoice, FrameWork)>,
    playbacks: Vec<(Arc<PlaybackShared>, DeviceChoice, Source)>,
}

impl State {
    /// Tells who watches what there is now. A system that hangs tells nothing.
    fn tell(&mut self) {
        if self.hangs {
            return;
        }
        self.watchers.retain(Watcher::wanted);
        for watcher in &self.watchers {
            watcher.found(self.refuses.clone().map_or_else(|| Ok(self.devices.clone()), Err));
        }
    }

    /// What a sound server does with open streams when devices come and go: those of the default device follow it, and are nowhere
    /// while there is none; those of a chosen one end with it.
    fn move_streams(&mut self) {
        let opens = |choice: &DeviceChoice, kind| match choice {
            DeviceChoice::Named(id) => self.devices.of(kind).iter().any(|d| d.id == *id).then(|| id.clone()),
            DeviceChoice::SystemDefault => self.opens(choice, kind),
        };
        let tell = |state: &StreamState, choice: &DeviceChoice, kind| match (opens(choice, kind), choice) {
            (Some(id), _) => state.opened(Some(&id)),
            (None, DeviceChoice::SystemDefault) => state.lost(),
            (None, DeviceChoice::Named(_)) => {
                state.fail();
                state.tell_failure();
            }
        };
        let captures = self.captures.iter().map(|(shared, choice, _)| (&shared.state, choice));
        captures.for_each(|(state, choice)| tell(state, choice, DeviceKind::Microphone));
        let playbacks = self.playbacks.iter().map(|(shared, choice, _)| (&shared.state, choice));
        playbacks.for_each(|(state, choice)| tell(state, choice, DeviceKind::Loudspeaker));
    }

    /// Id of the device that a choice comes to.
    fn opens(&self, choice: &DeviceChoice, kind: DeviceKind) -> Option<String> {
        match choice {
            DeviceChoice::Named(id) => Some(id.clone()),
            DeviceChoice::SystemDefault => {
                self.devices.of(kind).iter().find(|device| device.default).map(|device| device.id.clone())
            }
        }
    }

    fn of(&mut self, kind: DeviceKind, id: &str) -> Option<&mut Device> {
        let devices = match kind {
            DeviceKind::Microphone => &mut self.devices.inputs,
            DeviceKind::Loudspeaker => &mut self.devices.outputs,
        };
        devices.iter_mut().find(|device| device.id == id)
    }
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    /// With one microphone and one loudspeaker.
    pub fn usual() -> Self {
        let fake = Self::default();
        fake.plug(&["Built-in Microphone"], &["Built-in Speakers"]);
        fake
    }

    /// From now on there are these microphones and loudspeakers; the first of each is the system's default.
    pub fn plug(&self, inputs: &[&str], outputs: &[&str]) {
        let devices = |names: &[&str]| {
            let device = |(n, name): (usize, &&str)| Device {
                id: name.to_lowercase().replace(' ', "-"),
                name: (*name).to_owned(),
                default: n == 0,
                ..Device::default()
            };
            names.iter().enumerate().map(device).collect()
        };
        let mut state = self.0.lock();
        state.devices = Devices { inputs: devices(inputs), outputs: devices(outputs) };
        state.tell();
        state.move_streams();
    }

    /// A device is muted in the system's settings.
    pub fn mute(&self, kind: DeviceKind, id: &str) {
        let mut state = self.0.lock();
        if let Some(device) = state.of(kind, id) {
            device.muted = true;
        }
        state.tell();
    }

    /// Whether what is asked from now on comes to no end.
    pub fn hang(&self, hangs: bool) {
        self.0.lock().hangs = hangs;
    }

    /// What is asked from now on fails so.
    pub fn refuse(&self, error: Option<AudioError>) {
        let mut state = self.0.lock();
        state.refuses = error;
        state.tell();
    }

    /// Unmuting fails so from now on.
    pub fn refuse_unmuting(&self, error: Option<AudioError>) {
        self.0.lock().refuses_unmuting = error;
    }

    /// Every open device fails, as if it were pulled.
    pub fn fail(&self) {
        let told = |state: &StreamState| {
            state.fail();
            state.tell_failure();
        };
        self.each(told);
    }

    /// Every open stream is moved to another device by the system.
    pub fn move_to(&self, device: &str) {
        self.each(|state| state.opened(Some(device)));
    }

    fn each(&self, tell: impl Fn(&StreamState)) {
        let state = self.0.lock();
        state.captures.iter().for_each(|(shared, ..)| tell(&shared.state));
        state.playbacks.iter().for_each(|(shared, ..)| tell(&shared.state));
    }

    /// What is open: microphones and loudspeakers, by what they were asked for as.
    pub fn open(&self) -> (Vec<DeviceChoice>, Vec<DeviceChoice>) {
        let mut state = self.0.lock();
        state.captures.retain(|(shared, ..)| !shared.state.stopped());
        state.playbacks.retain(|(shared, ..)| !shared.state.stopped());
        let captures = state.captures.iter().map(|(_, choice, _)| choice.clone()).collect();
        (captures, state.playbacks.iter().map(|(_, choice, _)| choice.clone()).collect())
    }

    /// 10 ms at every open microphone.
    pub fn speak(&self, frame: &[i16; FRAME]) {
        self.open();
        for (_, _, work) in &mut self.0.lock().captures {
            work.take(&mut frame.clone());
        }
    }

    /// 10 ms of what the newest loudspeaker plays; silence, if there is none.
    pub fn hear(&self) -> [i16; FRAME] {
        self.open();
        let mut heard = [0; FRAME];
        if let Some((_, _, source)) = self.0.lock().playbacks.last_mut() {
            source.fill_i16(&mut heard);
        }
        heard
    }

    /// What is asked comes to this.
    fn pending<T: Send + 'static>(
        &self,
        make: impl FnOnce(&mut State) -> Result<T, AudioError> + Send + 'static,
    ) -> Pending<T> {
        let fake = self.clone();
        Box::pin(async move {
            if fake.0.lock().hangs {
                return std::future::pending().await;
            }
            let mut state = fake.0.lock();
            match &state.refuses {
                Some(error) => Err(error.clone()),
                None => make(&mut state),
            }
        })
    }
}

impl Host for Fake {
    fn devices(&self) -> Pending<Devices> {
        self.pending(|state| Ok(state.devices.clone()))
    }

    fn watch(&self) -> DeviceWatch {
        let (watcher, watch) = DeviceWatch::new();
        let mut state = self.0.lock();
        state.watchers.push(watcher);
        state.tell();
        watch
    }

    fn capture(
        &self,
        choice: DeviceChoice,
        processor: Option<Box<dyn FrameProcessor>>,
        on_frame: OnFrame,
    ) -> Pending<Capture> {
        self.pending(move |state| {
            choice.check(&state.devices.inputs, AudioError::NoMicrophone)?;
            let shared = Arc::new(CaptureShared::default());
            shared.state.opened(state.opens(&choice, DeviceKind::Microphone).as_deref());
            shared.state.format.set(FORMAT);
            let capture = Capture::new(&shared, None);
            let work = FrameWork::new(&shared, processor, on_frame);
            state.captures.push((shared, choice, work));
            Ok(capture)
        })
    }

    fn playback(
        &self,
        choice: DeviceChoice,
        on_played: Option<OnFrame>,
    ) -> Pending<(Playback, PlaybackHandle)> {
        self.pending(move |state| {
            choice.check(&state.devices.outputs, AudioError::NoSpeaker)?;
            let shared = Arc::new(PlaybackShared::default());
            shared.state.opened(state.opens(&choice, DeviceKind::Loudspeaker).as_deref());
            shared.state.format.set(FORMAT);
            let playback = Playback::new(&shared, None);
            let (speaker, source) = mixer(&shared, on_played)?;
            state.playbacks.push((shared, choice, source));
            Ok((playback, speaker))
        })
    }

    fn unmute(&self, kind: DeviceKind, id: String) -> Pending<()> {
        self.pending(move |state| {
            if let Some(error) = &state.refuses_unmuting {
                return Err(error.clone());
            }
            state.of(kind, &id).ok_or(AudioError::Missing(id))?.muted = false;
            state.tell();
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::StreamStatus;

    fn now<T>(pending: Pending<T>) -> Option<Result<T, AudioError>> {
        let mut pending = pending;
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match pending.as_mut().poll(&mut context) {
            std::task::Poll::Ready(result) => Some(result),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn what_is_opened_is_open_until_it_is_dropped() {
        let fake = Fake::usual();
        let heard: Arc<Mutex<Vec<i16>>> = Arc::default();
        let hears = Arc::clone(&heard);
        let on_frame: OnFrame = Box::new(move |frame| hears.lock().push(frame[0]));
        let capture = now(fake.capture(DeviceChoice::SystemDefault, None, on_frame)).unwrap().unwrap();
        let (_playback, mut speaker) =
            now(fake.playback(DeviceChoice::SystemDefault, None)).unwrap().unwrap();
        fake.speak(&[7; FRAME]);
        assert_eq!((*heard.lock()).clone(), [7]);
        assert_eq!(capture.stats().frames, 1);
        let mut voice = speaker.voice().unwrap();
        voice.push(&[9; FRAME]);
        voice.push(&[9; FRAME]);
        fake.hear();
        assert!(fake.hear().contains(&9));
        drop(capture);
        assert_eq!(fake.open(), (Vec::new(), vec![DeviceChoice::SystemDefault]));
        fake.speak(&[7; FRAME]);
        assert_eq!(heard.lock().len(), 1);
    }

    #[test]
    fn it_hangs_fails_and_lacks_what_a_real_one_does() {
        let fake = Fake::usual();
        let capture = |choice| now(fake.capture(choice, None, Box::new(|_| {})));
        let named = DeviceChoice::Named("headset".to_owned());
        assert_eq!(capture(named).unwrap().unwrap_err(), AudioError::Missing("headset".to_owned()));
        let open = capture(DeviceChoice::SystemDefault).unwrap().unwrap();
        fake.fail();
        assert_eq!(*open.status().borrow(), StreamStatus::Failed);
        fake.hang(true);
        assert!(capture(DeviceChoice::SystemDefault).is_none());
        fake.hang(false);
        fake.plug(&[], &[]);
        assert_eq!(capture(DeviceChoice::SystemDefault).unwrap().unwrap_err(), AudioError::NoMicrophone);
    }
}
