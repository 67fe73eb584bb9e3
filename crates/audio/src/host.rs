//! Where devices come from: the system, or a fake for tests of what is built on it.

use std::pin::Pin;

use crate::FRAME;
use crate::device::{AudioError, DeviceChoice, Devices};
use crate::mixer::Speaker;
use crate::stream::{Capture, Playback};

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
