//! Where devices come from: the system (PulseAudio, or what cpal knows), or a fake for tests of what is built on it.

use std::pin::Pin;

use crate::device::{AudioError, DeviceChoice, DeviceKind, Devices};
use crate::mixer::PlaybackHandle;
use crate::processor::{FrameProcessor, OnFrame};
use crate::stream::{Capture, Playback};
use crate::watch::DeviceWatch;

/// Something that is asked of a host. It may take as long as the system's sound service likes: the caller limits it by dropping
/// it, and what is opened after that is closed again.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, AudioError>> + Send>>;

/// Finds and opens devices, without holding up the caller.
pub trait Host: std::fmt::Debug + Send + Sync + 'static {
    /// Lists the usable devices.
    fn devices(&self) -> Pending<Devices>;
    /// Tells which devices there are, now and whenever that changes, without being asked.
    fn watch(&self) -> DeviceWatch;
    /// Opens a microphone. What it captures goes through `processor` first.
    fn capture(
        &self,
        choice: DeviceChoice,
        processor: Option<Box<dyn FrameProcessor>>,
        on_frame: OnFrame,
    ) -> Pending<Capture>;
    /// Opens a loudspeaker. `on_played` gets what it plays, mixed, in the moment in which the device takes it: an echo canceller's far
    /// end.
    fn playback(
        &self,
        choice: DeviceChoice,
        on_played: Option<OnFrame>,
    ) -> Pending<(Playback, PlaybackHandle)>;
    /// Makes a device heard again that is muted, or turned down to nothing, in the system's settings.
    fn unmute(&self, kind: DeviceKind, id: String) -> Pending<()>;
}
