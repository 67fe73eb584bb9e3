//! The computer's own devices: PulseAudio where there is a server of it, else cpal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::cpal_host;
use crate::device::{AudioError, DeviceChoice, DeviceKind, Devices};
use crate::frame_work::{FrameSink, FrameWork};
use crate::host::{Host, Pending};
use crate::mixer::{PlaybackHandle, mixer};
use crate::processor::{FrameProcessor, OnFrame};
#[cfg(target_os = "linux")]
use crate::pulse;
use crate::stream::{Capture, CaptureShared, Playback, PlaybackShared};
use crate::watch::{DeviceWatch, Watcher};

/// Pause between two looks for devices where nobody tells of them. Short of what a person waits before pressing a button,
/// long enough that listing (some 10 ms with ALSA and WASAPI) costs nothing.
const LOOK: Duration = Duration::from_secs(1);

/// Lists the usable devices. Takes up to 2 s when the sound service hangs.
///
/// # Errors
/// The sound service does not answer.
pub fn devices() -> Result<Devices, AudioError> {
    #[cfg(target_os = "linux")]
    if let Some(found) = pulse::devices()? {
        return Ok(found);
    }
    cpal_host::devices()
}

/// Opens a microphone; `on_frame` gets 48 kHz mono frames of 10 ms on a thread of ours, beside the device's.
///
/// # Errors
/// One sentence that says what is wrong and what to do.
pub fn open_microphone(
    choice: &DeviceChoice,
    processor: Option<Box<dyn FrameProcessor>>,
    on_frame: OnFrame,
) -> Result<Capture, AudioError> {
    let shared = Arc::new(CaptureShared::default());
    let sink = FrameSink::start(FrameWork::new(&shared, processor, on_frame))?;
    #[cfg(target_os = "linux")]
    if let Some(found) = pulse::devices()? {
        choice.check(&found.inputs, AudioError::NoMicrophone)?;
        // Made first: if the opening fails, dropping it ends a thread that may still be at it.
        let capture = Capture::new(&shared, None);
        pulse::capture(choice, shared, sink)?;
        return Ok(capture);
    }
    let held = cpal_host::capture(choice, Arc::clone(&shared), sink)?;
    Ok(Capture::new(&shared, Some(held)))
}

/// Opens a loudspeaker; `on_played` gets what it plays, on the device's thread.
///
/// # Errors
/// One sentence that says what is wrong and what to do.
pub fn open_loudspeaker(
    choice: &DeviceChoice,
    on_played: Option<OnFrame>,
) -> Result<(Playback, PlaybackHandle), AudioError> {
    let shared = Arc::new(PlaybackShared::default());
    let (speaker, source) = mixer(&shared, on_played)?;
    #[cfg(target_os = "linux")]
    if let Some(found) = pulse::devices()? {
        choice.check(&found.outputs, AudioError::NoSpeaker)?;
        // Made first: if the opening fails, dropping it ends a thread that may still be at it.
        let playback = Playback::new(&shared, None);
        pulse::playback(choice, shared, source)?;
        return Ok((playback, speaker));
    }
    let held = cpal_host::playback(choice, Arc::clone(&shared), source)?;
    Ok((Playback::new(&shared, Some(held)), speaker))
}

/// The computer's own devices.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Host for System {
    fn devices(&self) -> Pending<Devices> {
        beside(devices)
    }

    fn watch(&self) -> DeviceWatch {
        let (watcher, watch) = DeviceWatch::new();
        let failed = watcher.clone();
        let spawned =
            std::thread::Builder::new().name("watches-devices".to_owned()).spawn(move || look(&watcher));
        if let Err(error) = spawned {
            failed.found(Err(AudioError::System(error.to_string())));
        }
        watch
    }

    fn capture(
        &self,
        choice: DeviceChoice,
        processor: Option<Box<dyn FrameProcessor>>,
        on_frame: OnFrame,
    ) -> Pending<Capture> {
        beside(move || open_microphone(&choice, processor, on_frame))
    }

    fn playback(
        &self,
        choice: DeviceChoice,
        on_played: Option<OnFrame>,
    ) -> Pending<(Playback, PlaybackHandle)> {
        beside(move || open_loudspeaker(&choice, on_played))
    }

    fn unmute(&self, kind: DeviceKind, id: String) -> Pending<()> {
        beside(move || {
            #[cfg(target_os = "linux")]
            if pulse::unmute(kind, &id)? {
                return Ok(());
            }
            #[cfg(not(target_os = "linux"))]
            let _ = kind;
            Err(AudioError::Unusable(format!("{id} can be unmuted in the system's settings only")))
        })
    }
}

/// Looks for devices until nobody wants to know. Where the system says when they change, it is listened to; elsewhere, and
/// while its sound service is away or hangs, they are looked for again and again.
fn look(watcher: &Watcher) {
    while watcher.wanted() {
        #[cfg(target_os = "linux")]
        match pulse::watch(watcher) {
            // Lost: it may come back at once.
            Ok(true) => {}
            Ok(false) => watcher.found(cpal_host::devices()),
            Err(error) => watcher.found(Err(error)),
        }
        #[cfg(not(target_os = "linux"))]
        watcher.found(cpal_host::devices());
        let again = Instant::now() + LOOK;
        while watcher.wanted() && Instant::now() < again {
            std::thread::sleep(LOOK / 10);
        }
    }
}

/// On a thread of its own, that nobody waits for: the end of the process does not either.
fn beside<T: Send + 'static>(work: impl FnOnce() -> Result<T, AudioError> + Send + 'static) -> Pending<T> {
    let (done, result) = oneshot::channel();
    // Nobody waits any more: dropping what was opened closes it.
    let work = move || drop(done.send(work()));
    let spawned = std::thread::Builder::new().name("opens-device".to_owned()).spawn(work);
    Box::pin(async move {
        if let Err(error) = spawned {
            return Err(AudioError::System(error.to_string()));
        }
        result.await.unwrap_or(Err(AudioError::Hangs))
    })
}
