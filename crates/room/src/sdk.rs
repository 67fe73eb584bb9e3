//! The one place that names the LiveKit SDK.

#[cfg(feature = "static-sdk")]
pub(crate) use livekit::*;
#[cfg(not(feature = "static-sdk"))]
pub(crate) use livekit_dylib::*;
