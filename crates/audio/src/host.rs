//! Where devices come from: the system, or a fake for tests of what is built on it.

use std::pin::Pin;

use tokio::sync::oneshot;

use crate::{AudioError, Capture, DeviceChoice, Devices, FRAME, Playback, Speaker};

/// Takes frames of 10 ms on a thread of the host's.
pub type OnFrame = Box<dyn FnMut(&[i16; FRAME]) + Send>;

/// Something that is asked of a host. It may take as long as the system's sound service likes: the caller limits it by dropping
/// it, and what is opened after that is closed again.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, AudioError>> + Send>>;

/// Finds and opens devices, without holding up whoever asks.
pub trait Host: std::fmt::Debug + Send + Sync + 'static {
    /// Lists the usable devices.
    fn devices(&self) -> Pending<Devices>;
    /// Opens a microphone.
    fn capture(&self, choice: DeviceChoice, on_frame: OnFrame) -> Pending<Capture>;
    /// Opens a loudspeaker.
    fn playback(&self, choice: DeviceChoice) -> Pending<(Playback, Speaker)>;
}

/// The computer's own devices.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Host for System {
    fn devices(&self) -> Pending<Devices> {
        beside(crate::devices)
    }

    fn capture(&self, choice: DeviceChoice, on_frame: OnFrame) -> Pending<Capture> {
        beside(move || Capture::open(&choice, on_frame))
    }

    fn playback(&self, choice: DeviceChoice) -> Pending<(Playback, Speaker)> {
        beside(move || Playback::open(&choice))
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
        result.await.unwrap_or_else(|_| Err(AudioError::System("it failed".to_owned())))
    })
}
