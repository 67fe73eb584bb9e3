//! The `livekit` crate's API over LiveKit's official prebuilt library.
//!
//! **In:** the absolute path of `liblivekit_ffi` (see [`library`]) and calls with the names
//! and signatures of the `livekit` crate 0.10, for the part that Adjourn uses.
//! **Out:** rooms, participants, tracks, data streams, RPC, statistics and audio processing;
//! events on an unbounded receiver, as upstream.
//!
//! The library is the same Rust SDK, compiled by LiveKit and shipped inside its Python wheel; it
//! speaks protobuf over three C functions. Linking the crate itself needs a C++ toolchain and a
//! libwebrtc that its build script downloads (`docs/decisions/0001-prebuilt-sdk-library.md`).
//!
//! **What never happens here:** no decision about the interview, no sound card, no retry. No
//! handle outlives its owner: each one that the library gives us is a [`handle::FfiHandle`],
//! counted by [`handle::outstanding`]. No size reaches the library unchecked, because a panic in
//! there aborts the process. No error text carries a token.

mod audio;
mod events;
mod ffi;
pub mod handle;
pub mod library;
pub mod options;
pub mod participant;
mod redact;
mod room;
mod rpc;
mod server;
mod stats;
mod stream;
mod track;

/// The wire protocol, generated from `proto/livekit_ffi.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/livekit.proto.rs"));
}

pub use events::RoomEvent;
pub use options::RoomOptions;
/// Scenarios that the library can play against itself, for tests.
pub use room::SimulateScenario;
pub use room::{
    ConnectionState, DataPacketKind, EngineError, EngineResult, Room, RoomError, RoomResult, SessionStats,
};
pub use stream::TakeCell;

/// Everything a program that joins a room needs, as `livekit::prelude`.
pub mod prelude {
    pub use crate::participant::{
        ConnectionQuality, DisconnectReason, LocalParticipant, Participant, ParticipantIdentity,
        ParticipantKind, ParticipantSid, RemoteParticipant,
    };
    pub use crate::room::RoomSid;
    pub use crate::rpc::{PerformRpcData, RpcError, RpcErrorCode, RpcInvocationData};
    pub use crate::track::{
        LocalAudioTrack, LocalTrack, LocalTrackPublication, RemoteAudioTrack, RemoteTrack,
        RemoteTrackPublication, TrackKind, TrackPublication, TrackSid, TrackSource,
    };
    pub use crate::{ConnectionState, DataPacketKind, Room, RoomError, RoomEvent, RoomOptions, RoomResult};
}

/// Data streams, as `livekit::data_stream`.
pub mod data_stream {
    /// The public part, as `livekit::data_stream::api`.
    pub mod api {
        pub use crate::stream::{
            ByteStreamInfo, ByteStreamReader, SendByteOptions, SendTextOptions, StreamError, StreamReader,
            StreamResult, TextStreamInfo, TextStreamReader,
        };
    }
}

/// Audio and statistics, as `livekit::webrtc`.
pub mod webrtc {
    /// PCM frames, as `livekit::webrtc::audio_frame`.
    pub mod audio_frame {
        pub use crate::audio::AudioFrame;
    }
    /// Sources that the caller feeds, as `livekit::webrtc::audio_source`.
    pub mod audio_source {
        pub use crate::audio::{AudioSourceOptions, RtcAudioSource};
        /// Sources fed with PCM frames.
        pub mod native {
            pub use crate::audio::NativeAudioSource;
        }
    }
    /// Streams of decoded audio, as `livekit::webrtc::audio_stream`.
    pub mod audio_stream {
        /// Streams read as PCM frames.
        pub mod native {
            pub use crate::audio::{NativeAudioStream, NativeAudioStreamOptions};
        }
    }
    /// Echo cancellation, noise suppression and gain, as `livekit::webrtc::native::apm`.
    pub mod native {
        /// WebRTC's audio processing module.
        pub mod apm {
            pub use crate::audio::AudioProcessingModule;
        }
    }
    /// W3C statistics, as `livekit::webrtc::stats`.
    pub mod stats {
        pub use crate::stats::{
            CandidatePairStats, IceServerTransportProtocol, InboundRtpStats, LocalCandidateStats,
            RemoteInboundRtpStats, RtcStats, TransportStats, dictionaries,
        };
    }
    pub use crate::audio::RtcError;
}
