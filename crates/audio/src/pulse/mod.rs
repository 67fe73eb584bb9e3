//! PulseAudio (and PipeWire's Pulse server), on threads of ours.
//!
//! Each stream and the watch of devices have a thread with a main loop of its own, which never waits longer than
//! [`server::TURN`]: a device that gives or takes nothing, or a server that hangs, is let go of as soon as it is
//! closed. When the server dies the thread connects again.

mod devices;
mod server;
mod stream;

pub(crate) use devices::{devices, unmute, watch};
pub(crate) use stream::{capture, playback};
