//! What happens in a room.

use std::collections::HashMap;
use std::sync::Arc;

use crate::participant::{
    ConnectionQuality, DisconnectReason, Participant, ParticipantIdentity, RemoteParticipant,
};
use crate::room::{ConnectionState, DataPacketKind};
use crate::stream::{ByteStreamReader, TakeCell, TextStreamReader};
use crate::track::{RemoteTrack, RemoteTrackPublication, TrackPublication};

/// Something happened. On a full reconnect the SDK reports every remote participant as gone
/// (reason unknown) *before* it says `Reconnecting`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RoomEvent {
    /// Somebody joined; data may not reach them yet.
    ParticipantConnected(RemoteParticipant),
    /// Somebody can receive data now.
    ParticipantActive(RemoteParticipant),
    /// Somebody left.
    ParticipantDisconnected(RemoteParticipant),
    /// A track can be heard.
    TrackSubscribed {
        /// The track.
        track: RemoteTrack,
        /// Its publication.
        publication: RemoteTrackPublication,
        /// Its publisher.
        participant: RemoteParticipant,
    },
    /// A track can no longer be heard.
    TrackUnsubscribed {
        /// The track.
        track: RemoteTrack,
        /// Its publication.
        publication: RemoteTrackPublication,
        /// Its publisher.
        participant: RemoteParticipant,
    },
    /// Somebody published a track.
    TrackPublished {
        /// The publication.
        publication: RemoteTrackPublication,
        /// Its publisher.
        participant: RemoteParticipant,
    },
    /// Somebody took back a track.
    TrackUnpublished {
        /// The publication.
        publication: RemoteTrackPublication,
        /// Its publisher.
        participant: RemoteParticipant,
    },
    /// A track was muted by its publisher.
    TrackMuted {
        /// Its publisher.
        participant: Participant,
        /// The publication.
        publication: TrackPublication,
    },
    /// A track was unmuted by its publisher.
    TrackUnmuted {
        /// Its publisher.
        participant: Participant,
        /// The publication.
        publication: TrackPublication,
    },
    /// The room's metadata changed.
    RoomMetadataChanged {
        /// Before.
        old_metadata: String,
        /// Now.
        metadata: String,
    },
    /// Somebody's attributes changed.
    ParticipantAttributesChanged {
        /// Whose.
        participant: Participant,
        /// What changed.
        changed_attributes: HashMap<String, String>,
    },
    /// The server's estimate of somebody's connection changed.
    ConnectionQualityChanged {
        /// The new estimate.
        quality: ConnectionQuality,
        /// Whose.
        participant: Participant,
    },
    /// A data packet that is not part of a stream.
    DataReceived {
        /// The bytes.
        payload: Arc<Vec<u8>>,
        /// Topic.
        topic: Option<String>,
        /// Reliable or lossy.
        kind: DataPacketKind,
        /// The sender; `None` for the server.
        participant: Option<RemoteParticipant>,
    },
    /// A byte stream begins.
    ByteStreamOpened {
        /// Reads it.
        reader: TakeCell<ByteStreamReader>,
        /// Topic.
        topic: String,
        /// Its sender.
        participant_identity: ParticipantIdentity,
    },
    /// A text stream begins.
    TextStreamOpened {
        /// Reads it.
        reader: TakeCell<TextStreamReader>,
        /// Topic.
        topic: String,
        /// Its sender.
        participant_identity: ParticipantIdentity,
    },
    /// The state of our connection changed.
    ConnectionStateChanged(ConnectionState),
    /// We joined.
    Connected {
        /// Who was there already, and what they publish.
        participants_with_tracks: Vec<(RemoteParticipant, Vec<RemoteTrackPublication>)>,
    },
    /// We are out of the room; nothing follows.
    Disconnected {
        /// Why.
        reason: DisconnectReason,
    },
    /// Our connection is being restored.
    Reconnecting,
    /// Our connection is restored.
    Reconnected,
    /// The server gave us a fresh token, for reconnects.
    TokenRefreshed {
        /// The token.
        token: String,
    },
}
