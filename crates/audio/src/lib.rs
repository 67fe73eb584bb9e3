//! Devices, capture, playback, resampling, levels: the only crate that opens a sound card.
//!
//! **In:** a [`DeviceChoice`]; frames to play, 48 kHz mono, 10 ms each; a [`FrameProcessor`] for
//! what is captured.
//! **Out:** captured frames of the same shape, handed to a closure; levels in dBFS; counters; devices as they come and go
//! ([`DeviceWatch`]); how each open stream is ([`StreamStatus`]).
//! **What never happens here:** no room, no network, no decision. The device's own thread takes no
//! lock, allocates nothing and logs nothing; what has to wait, waits on a thread of ours.
//!
//! On Linux a PulseAudio client with explicit buffer sizes (it serves PipeWire too); without a
//! Pulse server, and on other systems, cpal (`docs/decisions/0003-pulse-client.md`).

mod channels;
mod convert;
mod cpal_host;
mod device;
mod drift;
mod ear;
pub mod fake;
mod file;
mod format;
mod frame_work;
mod host;
mod level;
mod limiter;
mod mixer;
mod pace;
mod processor;
#[cfg(target_os = "linux")]
mod pulse;
mod realtime;
mod reference;
mod status;
mod stream;
mod system;
mod tone;
mod urgent;
mod voice;
mod watch;

pub use device::{AudioError, Device, DeviceChoice, DeviceKind, Devices, is_same_device};
pub use ear::{Ear, Heard, Listener};
pub use file::{FileMicrophone, load_wav};
pub use format::StreamFormat;
pub use host::{Host, Pending};
pub use level::{Level, SILENCE_DBFS, SpeechDetector, dbfs};
pub use mixer::{PlaybackHandle, VoiceQueue};
pub use processor::{FrameProcessor, OnFrame};
pub use reference::Reference;
pub use status::StreamStatus;
pub use stream::{Capture, CaptureStats, Playback, PlaybackStats};
pub use system::{System, devices, open_loudspeaker, open_microphone};
pub use tone::chime;
pub use watch::{DeviceWatch, Found};

/// Hertz, everywhere inside.
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples of one frame: 10 ms.
pub const FRAME: usize = 480;
