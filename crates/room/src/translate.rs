//! The one function that matches the SDK's events; its wildcard arm is the only one of its kind.

use std::collections::HashMap;

use adjourn_session::{AgentState, Input, LeaveReason, Participant, ParticipantKind};

use crate::room_event::{SoundKind, Token};
use crate::sdk;
use crate::sdk::participant::ParticipantKind as SdkKind;
use crate::sdk::prelude::{
    DisconnectReason, RemoteParticipant, RemoteTrackPublication, RoomEvent, TrackSource,
};

/// RPC that the agent package calls to say that the interview is over, and attribute that it sets.
pub(crate) const END_MARKER: &str = "adjourn.ended";
/// Our answer to that RPC when somebody else calls it. LiveKit keeps 1001 to 1999 for itself.
pub(crate) const NOT_THE_INTERVIEWER: u32 = 403;
/// Name of the track of livekit-agents' `BackgroundAudioPlayer` (`voice/background_audio.py`).
const BACKGROUND_TRACK: &str = "background_audio";

/// What an event means, before any stream is read.
#[derive(Debug)]
pub(crate) enum SdkEvent {
    /// For the machine.
    Input(Input),
    /// The room is restored: the roster has to be read.
    Restored,
    /// The room's metadata changed.
    Metadata(String),
    /// A fresh token for this room.
    Token(Token),
    /// Somebody can be heard.
    Track(Heard),
    /// A track can't be heard any more.
    TrackGone(String),
    /// A byte stream begins.
    Bytes(sdk::data_stream::api::ByteStreamReader, String),
    /// A text stream begins.
    Text(sdk::data_stream::api::TextStreamReader, String),
    /// Nothing that matters here.
    Nothing,
}

/// A track that can be heard.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) track: sdk::prelude::RemoteAudioTrack,
    pub(crate) sid: String,
    pub(crate) speaks_for: String,
    pub(crate) kind: SoundKind,
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the SDK's enum is open; this is the one place that says so"
)]
#[cfg_attr(not(feature = "static-sdk"), expect(clippy::useless_conversion, reason = "another type upstream"))]
pub(crate) fn translate(event: RoomEvent) -> SdkEvent {
    match event {
        RoomEvent::ParticipantConnected(p) => SdkEvent::Input(Input::ParticipantJoined(participant(&p))),
        RoomEvent::ParticipantActive(p) => SdkEvent::Input(Input::ParticipantChanged(participant(&p))),
        RoomEvent::ParticipantDisconnected(p) => SdkEvent::Input(Input::ParticipantLeft {
            sid: p.sid().into(),
            reason: reason(p.disconnect_reason()),
        }),
        RoomEvent::ParticipantAttributesChanged {
            participant: sdk::prelude::Participant::Remote(p), ..
        } => SdkEvent::Input(Input::ParticipantChanged(participant(&p))),
        RoomEvent::TrackPublished { participant: p, .. } => {
            SdkEvent::Input(Input::ParticipantChanged(participant(&p)))
        }
        RoomEvent::TrackSubscribed {
            track: sdk::prelude::RemoteTrack::Audio(track),
            publication,
            participant: p,
        } => SdkEvent::Track(Heard {
            track,
            sid: p.sid().into(),
            speaks_for: p.attributes().get(ON_BEHALF).cloned().unwrap_or_else(|| p.identity().into()),
            kind: sound_kind(&publication, &p),
        }),
        RoomEvent::TrackUnsubscribed { track, .. } => SdkEvent::TrackGone(track.sid().into()),
        RoomEvent::RoomMetadataChanged { metadata, .. } => SdkEvent::Metadata(metadata),
        RoomEvent::ByteStreamOpened { reader, participant_identity, .. } => reader
            .take()
            .map_or(SdkEvent::Nothing, |reader| SdkEvent::Bytes(reader, participant_identity.into())),
        RoomEvent::TextStreamOpened { reader, participant_identity, .. } => reader
            .take()
            .map_or(SdkEvent::Nothing, |reader| SdkEvent::Text(reader, participant_identity.into())),
        RoomEvent::TokenRefreshed { token } => SdkEvent::Token(Token(token)),
        RoomEvent::Reconnecting => SdkEvent::Input(Input::Reconnecting),
        RoomEvent::Reconnected => SdkEvent::Restored,
        // Upstream gives the protocol's own enum here, the library binding the public one.
        RoomEvent::Disconnected { reason: why } => {
            SdkEvent::Input(Input::Disconnected { reason: reason(why.into()) })
        }
        // The SDK's enum is open. What is not named above has no meaning for an interview.
        other => {
            tracing::trace!(
                event = event_name(&other),
                "an event of the room without meaning for the interview"
            );
            SdkEvent::Nothing
        }
    }
}

/// A voice, unless its publisher says otherwise: by livekit-agents' name for its background, or by having a microphone's
/// track besides.
fn sound_kind(publication: &RemoteTrackPublication, publisher: &RemoteParticipant) -> SoundKind {
    let speaks = || {
        publisher
            .track_publications()
            .values()
            .any(|other| other.sid() != publication.sid() && other.source() == TrackSource::Microphone)
    };
    let beside = publication.source() != TrackSource::Microphone && speaks();
    if publication.name() == BACKGROUND_TRACK || beside { SoundKind::Background } else { SoundKind::Voice }
}

/// The variant's name without its content, which may be private.
fn event_name(event: &RoomEvent) -> String {
    let text = format!("{event:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// LiveKit's participant as the machine sees it. Attributes: livekit-agents `types.py`.
pub(crate) fn participant(p: &RemoteParticipant) -> Participant {
    let attributes = p.attributes();
    let kind = match p.kind() {
        SdkKind::Agent if helper(&attributes) => ParticipantKind::Helper,
        SdkKind::Agent => ParticipantKind::Agent,
        SdkKind::Standard | SdkKind::Sip | SdkKind::Connector | SdkKind::Bridge => ParticipantKind::Person,
        SdkKind::Ingress | SdkKind::Egress => ParticipantKind::Other,
    };
    let name = attributes.get("lk.agent.name").or_else(|| attributes.get("lk.agent_name"));
    Participant {
        sid: p.sid().into(),
        identity: p.identity().into(),
        kind,
        agent_name: name.filter(|name| !name.is_empty()).cloned(),
        state: attributes.get("lk.agent.state").and_then(|state| agent_state(state)),
        audio: p.track_publications().values().any(|t| t.kind() == sdk::prelude::TrackKind::Audio),
        name: Some(p.name()).filter(|name| !name.is_empty()),
        marked: attributes.get(END_MARKER).is_some_and(|word| !word.is_empty()),
    }
}

/// Identity of the agent that an avatar stands for (livekit-agents `types.py`).
pub(crate) const ON_BEHALF: &str = "lk.publish_on_behalf";

fn helper(attributes: &HashMap<String, String>) -> bool {
    attributes.contains_key(ON_BEHALF) || attributes.contains_key("lk.simulator")
}

fn agent_state(text: &str) -> Option<AgentState> {
    match text {
        "initializing" => Some(AgentState::Initializing),
        "listening" | "idle" => Some(AgentState::Listening),
        "thinking" => Some(AgentState::Thinking),
        "speaking" => Some(AgentState::Speaking),
        _ => None,
    }
}

fn reason(reason: DisconnectReason) -> LeaveReason {
    match reason {
        DisconnectReason::UnknownReason => LeaveReason::Unknown,
        DisconnectReason::ClientInitiated => LeaveReason::ClientInitiated,
        DisconnectReason::DuplicateIdentity => LeaveReason::DuplicateIdentity,
        DisconnectReason::ServerShutdown => LeaveReason::ServerShutdown,
        DisconnectReason::ParticipantRemoved => LeaveReason::ParticipantRemoved,
        DisconnectReason::RoomDeleted => LeaveReason::RoomDeleted,
        DisconnectReason::StateMismatch => LeaveReason::StateMismatch,
        DisconnectReason::JoinFailure => LeaveReason::JoinFailure,
        DisconnectReason::Migration => LeaveReason::Migration,
        DisconnectReason::SignalClose => LeaveReason::SignalClose,
        DisconnectReason::RoomClosed => LeaveReason::RoomClosed,
        DisconnectReason::UserUnavailable => LeaveReason::UserUnavailable,
        DisconnectReason::UserRejected => LeaveReason::UserRejected,
        DisconnectReason::SipTrunkFailure => LeaveReason::SipTrunkFailure,
        DisconnectReason::ConnectionTimeout => LeaveReason::ConnectionTimeout,
        DisconnectReason::MediaFailure => LeaveReason::MediaFailure,
        DisconnectReason::AgentError => LeaveReason::AgentError,
    }
}
