//! A sound system without sound, for tests of what is built on [`Host`]. It keeps the real one's quirks: opening may hang for ever,
//! a device may leave while it is open, and what nobody takes waits and is dropped.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::FRAME;
use crate::device::{AudioError, Device, DeviceChoice, Devices};
use crate::host::{Host, OnFrame, Pending};
use crate::mixer::{Source, Speaker, mixer};
use crate::stream::{Capture, CaptureShared, Playback, PlaybackShared};

/// The fake. Clones are the same.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    devices: Devices,
    /// Nothing that is asked comes to an end.
    hangs: bool,
    refuses: Option<AudioError>,
    captures: Vec<(Weak<CaptureShared>, DeviceChoice, OnFrame)>,
    playbacks: Vec<(Weak<PlaybackShared>, DeviceChoice, Source)>,
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
            };
            names.iter().enumerate().map(device).collect()
        };
        self.0.lock().devices = Devices { inputs: devices(inputs), outputs: devices(outputs) };
    }

    /// Whether what is asked from now on comes to no end.
    pub fn hang(&self, hangs: bool) {
        self.0.lock().hangs = hangs;
    }

    /// What is asked from now on fails so.
    pub fn refuse(&self, error: Option<AudioError>) {
        self.0.lock().refuses = error;
    }

    /// Every open device fails, as if it were pulled.
    pub fn fail(&self) {
        let state = self.0.lock();
        let captures = state.captures.iter().filter_map(|(shared, ..)| shared.upgrade());
        captures.for_each(|shared| shared.fail());
        let playbacks = state.playbacks.iter().filter_map(|(shared, ..)| shared.upgrade());
        playbacks.for_each(|shared| shared.fail());
    }

    /// What is open: microphones and loudspeakers, by what they were asked for as.
    pub fn open(&self) -> (Vec<DeviceChoice>, Vec<DeviceChoice>) {
        let mut state = self.0.lock();
        state.captures.retain(|(shared, ..)| shared.upgrade().is_some_and(|shared| !shared.stopped()));
        state.playbacks.retain(|(shared, ..)| shared.upgrade().is_some_and(|shared| !shared.stopped()));
        let captures = state.captures.iter().map(|(_, choice, _)| choice.clone()).collect();
        (captures, state.playbacks.iter().map(|(_, choice, _)| choice.clone()).collect())
    }

    /// 10 ms at every open microphone.
    pub fn speak(&self, frame: &[i16; FRAME]) {
        self.open();
        for (shared, _, on_frame) in &mut self.0.lock().captures {
            if let Some(shared) = shared.upgrade() {
                shared.count(frame);
                on_frame(frame);
            }
        }
    }

    /// 10 ms of what the newest loudspeaker plays; silence, if there is none.
    pub fn hear(&self) -> [i16; FRAME] {
        self.open();
        let mut heard = [0; FRAME];
        if let Some((_, _, source)) = self.0.lock().playbacks.last_mut() {
            source.fill(&mut heard);
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

    fn capture(&self, choice: DeviceChoice, on_frame: OnFrame) -> Pending<Capture> {
        self.pending(move |state| {
            choice.check(&state.devices.inputs, AudioError::NoMicrophone)?;
            let shared = Arc::new(CaptureShared::default());
            let capture = Capture::new(&shared, None);
            state.captures.push((Arc::downgrade(&shared), choice, on_frame));
            Ok(capture)
        })
    }

    fn playback(&self, choice: DeviceChoice) -> Pending<(Playback, Speaker)> {
        self.pending(move |state| {
            choice.check(&state.devices.outputs, AudioError::NoSpeaker)?;
            let shared = Arc::new(PlaybackShared::default());
            let playback = Playback::new(&shared, None);
            let (speaker, source) = mixer(&shared);
            state.playbacks.push((Arc::downgrade(&shared), choice, source));
            Ok((playback, speaker))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let capture = now(fake.capture(DeviceChoice::SystemDefault, on_frame)).unwrap().unwrap();
        let (_playback, mut speaker) = now(fake.playback(DeviceChoice::SystemDefault)).unwrap().unwrap();
        fake.speak(&[7; FRAME]);
        assert_eq!((*heard.lock()).clone(), [7]);
        assert_eq!(capture.stats().frames, 1);
        let mut voice = speaker.voice().unwrap();
        voice.push(&[9; FRAME]);
        assert_eq!(fake.hear(), [9; FRAME]);
        drop(capture);
        assert_eq!(fake.open(), (Vec::new(), vec![DeviceChoice::SystemDefault]));
        fake.speak(&[7; FRAME]);
        assert_eq!(heard.lock().len(), 1);
    }

    #[test]
    fn it_hangs_fails_and_lacks_what_a_real_one_does() {
        let fake = Fake::usual();
        let capture = |choice| now(fake.capture(choice, Box::new(|_| {})));
        let named = DeviceChoice::Named("headset".to_owned());
        assert_eq!(capture(named).unwrap().unwrap_err(), AudioError::Missing("headset".to_owned()));
        let open = capture(DeviceChoice::SystemDefault).unwrap().unwrap();
        fake.fail();
        assert!(open.failed());
        fake.hang(true);
        assert!(capture(DeviceChoice::SystemDefault).is_none());
        fake.hang(false);
        fake.plug(&[], &[]);
        assert_eq!(capture(DeviceChoice::SystemDefault).unwrap().unwrap_err(), AudioError::NoMicrophone);
    }
}
