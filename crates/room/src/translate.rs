//! The one function that matches the SDK's events; its wildcard arm is the only one of its kind.

use std::collections::HashMap;

use adjourn_session::{AgentState, Input, LeaveReason, Participant, ParticipantKind};

use crate::sdk;
use crate::sdk::participant::ParticipantKind as SdkKind;
use crate::sdk::prelude::{DisconnectReason, RemoteParticipant, RoomEvent};

/// RPC that the agent package calls to say that the interview is over, and attribute that it sets.
pub(crate) const END_MARKER: &str = "adjourn.ended";
/// Our answer to that RPC when somebody else calls it. Codes from 1001 to 1999 are an application's own.
pub(crate) const NOT_THE_INTERVIEWER: u32 = 1_403;

/// What an event means, before any stream is read.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// For the machine.
    Input(Input),
    /// Somebody's attributes say that the interview is over.
    Marked(Participant),
    /// The room is restored: the roster has to be read.
    Restored,
    /// The room's metadata changed.
    Metadata(String),
    /// Somebody can be heard.
    Track(sdk::prelude::RemoteAudioTrack, String),
    /// A byte stream begins.
    Bytes(sdk::data_stream::api::ByteStreamReader, String),
    /// A text stream begins.
    Text(sdk::data_stream::api::TextStreamReader, String),
    /// Nothing that matters here.
    Nothing,
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the SDK's enum is open; this is the one place that says so"
)]
#[cfg_attr(not(feature = "static-sdk"), expect(clippy::useless_conversion, reason = "another type upstream"))]
pub(crate) fn translate(event: RoomEvent) -> Meaning {
    match event {
        RoomEvent::ParticipantConnected(p) => Meaning::Input(Input::ParticipantJoined(participant(&p))),
        RoomEvent::ParticipantActive(p) => Meaning::Input(Input::ParticipantChanged(participant(&p))),
        RoomEvent::ParticipantDisconnected(p) => Meaning::Input(Input::ParticipantLeft {
            sid: p.sid().into(),
            reason: reason(p.disconnect_reason()),
        }),
        RoomEvent::ParticipantAttributesChanged {
            participant: sdk::prelude::Participant::Remote(p),
            changed_attributes,
        } => {
            let changed = participant(&p);
            match changed_attributes.get(END_MARKER) {
                Some(word) if !word.is_empty() => Meaning::Marked(changed),
                Some(_) | None => Meaning::Input(Input::ParticipantChanged(changed)),
            }
        }
        RoomEvent::TrackPublished { participant: p, .. } => {
            Meaning::Input(Input::ParticipantChanged(participant(&p)))
        }
        RoomEvent::TrackSubscribed {
            track: sdk::prelude::RemoteTrack::Audio(track), participant: p, ..
        } => Meaning::Track(track, p.sid().into()),
        RoomEvent::RoomMetadataChanged { metadata, .. } => Meaning::Metadata(metadata),
        RoomEvent::ByteStreamOpened { reader, participant_identity, .. } => reader
            .take()
            .map_or(Meaning::Nothing, |reader| Meaning::Bytes(reader, participant_identity.into())),
        RoomEvent::TextStreamOpened { reader, participant_identity, .. } => reader
            .take()
            .map_or(Meaning::Nothing, |reader| Meaning::Text(reader, participant_identity.into())),
        RoomEvent::Reconnecting => Meaning::Input(Input::Reconnecting),
        RoomEvent::Reconnected => Meaning::Restored,
        // Upstream gives the protocol's own enum here, the library binding the public one.
        RoomEvent::Disconnected { reason: why } => {
            Meaning::Input(Input::Disconnected { reason: reason(why.into()) })
        }
        // The SDK's enum is open. What is not named above has no meaning for an interview.
        other => {
            tracing::trace!(
                event = event_name(&other),
                "an event of the room without meaning for the interview"
            );
            Meaning::Nothing
        }
    }
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
        SdkKind::Standard
        | SdkKind::Ingress
        | SdkKind::Egress
        | SdkKind::Sip
        | SdkKind::Connector
        | SdkKind::Bridge => ParticipantKind::Other,
    };
    let name = attributes.get("lk.agent.name").or_else(|| attributes.get("lk.agent_name"));
    Participant {
        sid: p.sid().into(),
        identity: p.identity().into(),
        kind,
        agent_name: name.filter(|name| !name.is_empty()).cloned(),
        state: attributes.get("lk.agent.state").and_then(|state| agent_state(state)),
        audio: p.track_publications().values().any(|t| t.kind() == sdk::prelude::TrackKind::Audio),
    }
}

fn helper(attributes: &HashMap<String, String>) -> bool {
    attributes.contains_key("lk.publish_on_behalf") || attributes.contains_key("lk.simulator")
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
