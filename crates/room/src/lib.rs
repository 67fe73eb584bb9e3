//! LiveKit behind a trait: translates and probes, decides nothing.
//!
//! **In:** an address and a token; probes to send; microphone frames.
//! **Out:** [`RoomEvent`]s: [`adjourn_session::Input`]s for the machine, finished conversation items and
//! captions for the record and the screen, streams of sound for the loudspeaker.
//! **What never happens here:** no decision about the interview, no clock of its own (the caller asks
//! for statistics and probes), no sound card, no file. An agent's instructions and the arguments
//! and outputs of its tools are not even decoded.
//!
//! The SDK is named in one place, [`sdk`]: the prebuilt library by default, the upstream crate
//! with the feature `static-sdk`, which CI type-checks.

mod agent_session;
pub mod fake;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod link_check;
mod live;
mod processing;
mod refusal;
mod room_event;
mod sdk;
mod stats;
mod translate;
mod transport;

pub use link_check::{LinkCheck, Way};
pub use live::{LiveKitRoom, LiveKitTransport};
pub use processing::{Processing, Stages};
pub use refusal::{ConnectError, Refusal};
pub use room_event::{Caption, LinkNumbers, ReceivedTotals, RoomEvent, Said, Sound, SoundKind, Token};
pub use transport::{Joined, Microphone, RoomHandle, Transport};

/// Finds and loads the SDK library; see [`livekit_dylib::library::load`].
///
/// # Errors
/// One sentence that says what is wrong, where, and what to do.
#[cfg(not(feature = "static-sdk"))]
pub fn load_sdk(resource_dir: Option<&std::path::Path>) -> Result<(), livekit_dylib::library::LibraryError> {
    livekit_dylib::library::load(resource_dir)
}
