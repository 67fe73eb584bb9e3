//! Options of joining and publishing, with the names and defaults of `livekit::options`.

use std::time::Duration;

use crate::track::TrackSource;

/// How to join a room.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RoomOptions {
    /// Subscribe to every track as it is published.
    pub auto_subscribe: bool,
    /// Video only: let the server adapt layers to what is shown.
    pub adaptive_stream: bool,
    /// Video only: publish only the layers that somebody watches.
    pub dynacast: bool,
    /// How often the first connection is tried again.
    pub join_retries: u32,
    /// One peer connection for both directions instead of two.
    pub single_peer_connection: bool,
    /// Limit of one attempt to reach the signalling server.
    pub connect_timeout: Duration,
}

impl Default for RoomOptions {
    fn default() -> Self {
        Self {
            auto_subscribe: true,
            adaptive_stream: false,
            dynacast: false,
            join_retries: 3,
            single_peer_connection: true,
            connect_timeout: Duration::from_secs(5),
        }
    }
}

/// Audio encoding limits.
#[derive(Debug, Clone)]
pub struct AudioEncoding {
    /// Bits per second.
    pub max_bitrate: u64,
}

/// How to publish a track.
#[derive(Debug, Clone)]
pub struct TrackPublishOptions {
    /// Limits of the encoder; the SDK's own when `None`.
    pub audio_encoding: Option<AudioEncoding>,
    /// Opus discontinuous transmission: send almost nothing in silence.
    pub dtx: bool,
    /// Redundant audio data: each packet repeats the one before.
    pub red: bool,
    /// What the track is.
    pub source: TrackSource,
}

impl Default for TrackPublishOptions {
    fn default() -> Self {
        Self { audio_encoding: None, dtx: true, red: true, source: TrackSource::Unknown }
    }
}
