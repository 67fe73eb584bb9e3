//! What can happen to an interview.

use serde::{Deserialize, Serialize};

/// What a participant is, as far as the machine cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantKind {
    /// An agent that may be the interviewer.
    Agent,
    /// An avatar or simulator: never the interviewer.
    Helper,
    /// A person, in the room or by telephone: never the interviewer, but may go on with the candidate.
    Person,
    /// Anything else: a recorder, a stream.
    Other,
}

/// Somebody else in the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Id of this presence.
    pub sid: String,
    /// Unique name within the room.
    pub identity: String,
    /// What it is.
    pub kind: ParticipantKind,
    /// Name under which the agent was dispatched, if it says one.
    pub agent_name: Option<String>,
    /// `lk.agent.state`, if set.
    pub state: Option<AgentState>,
    /// Whether it publishes sound.
    pub audio: bool,
    /// Name to show, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether its attributes say that the interview is over (`adjourn.ended`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub marked: bool,
}

/// Why an agent's session closed, as it says itself (`livekit.agent.CloseReason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// It does not say.
    Unknown,
    /// Its models failed.
    Error,
    /// Its job was shut down.
    JobShutdown,
    /// It believes that the candidate left.
    ParticipantDisconnected,
    /// Its own code closed it.
    UserInitiated,
    /// Its task was done.
    Completed,
}

/// What the interviewer says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Still starting.
    Initializing,
    /// Waits for the candidate.
    Listening,
    /// Prepares an answer, or runs a tool.
    Thinking,
    /// Speaks.
    Speaking,
}

/// LiveKit's reasons for a departure, one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum LeaveReason {
    Unknown,
    ClientInitiated,
    DuplicateIdentity,
    ServerShutdown,
    ParticipantRemoved,
    RoomDeleted,
    StateMismatch,
    JoinFailure,
    Migration,
    SignalClose,
    RoomClosed,
    UserUnavailable,
    UserRejected,
    SipTrunkFailure,
    ConnectionTimeout,
    MediaFailure,
    AgentError,
}

/// The two questions that tell a live interviewer from a closed one and from a dead one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeKind {
    /// Ping on `lk.agent.session`: answered while the agent's session is open.
    Session,
    /// RPC to a method that nobody registered: answered while the agent's process lives.
    Process,
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The candidate.
    Candidate,
    /// The interviewer.
    Interviewer,
}

/// What the backend granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinGrant {
    /// Name under which the interviewer is dispatched.
    pub agent_name: Option<String>,
    /// Milliseconds from now to the interview's maximum length.
    pub remaining: u64,
    /// So many interviewers may still be sent in the place of one that is lost.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub replacements: u8,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
fn is_zero(count: &u8) -> bool {
    *count == 0
}

/// What the backend knows about a room that is gone or was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganiserWord {
    /// The organiser ended the interview.
    Ended,
    /// The interview is not ended.
    Running,
    /// The interview is not ended, its room is there, and nobody told the backend that its interviewer left.
    InterviewerExpected,
    /// The organiser did not end the interview, and LiveKit has no such room any more.
    RoomGone,
    /// The agent's report is in.
    Reported {
        /// It says that the interview was finished.
        finished: bool,
    },
    /// The backend could not be asked: never a reason to end.
    Unreachable,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum Input {
    /// The candidate finished the device check.
    JoinPressed,
    /// The candidate confirmed that the interview shall end.
    EndConfirmed,
    /// The candidate answered "are you still talking?": go on.
    GoOnPressed,
    /// The machine is being shut down or the window closed.
    SystemEnds,
    /// The candidate made a sound that is speech by its level and length.
    CandidateSpoke,
    /// What the candidate typed went out to the interviewer.
    CandidateTyped,
    /// The interviewer's session heard the candidate: their voice, or words of theirs.
    CandidateHeard {
        /// Heard by whom.
        sid: String,
    },
    /// A part of the application failed in a way that it can't recover from.
    ClientFailed,

    /// The backend granted the join.
    JoinGranted(JoinGrant),
    /// An earlier run of this client was in this interview already. Comes before the room is entered.
    Resumed {
        /// The last thing that it saw was an end tool that succeeded.
        ended: bool,
    },
    /// The backend refused, or could not be reached.
    JoinFailed {
        /// Why, for engineers who read the trace.
        message: String,
        /// Whether trying again can help.
        retry: bool,
    },
    /// We are in the room (first time, or by our own redial).
    Connected {
        /// Id of this life of the room.
        room_sid: String,
        /// Everybody else.
        roster: Vec<Participant>,
    },
    /// The room could not be reached.
    ConnectFailed {
        /// Why, for engineers who read the trace.
        message: String,
    },
    /// The SDK restores the connection.
    Reconnecting,
    /// The SDK restored the connection.
    Reconnected {
        /// Id of this life of the room.
        room_sid: String,
        /// Everybody else, read anew.
        roster: Vec<Participant>,
    },
    /// We are out of the room.
    Disconnected {
        /// Why.
        reason: LeaveReason,
    },
    /// Statistics of our connection: a counter that grows with what we receive.
    LinkStats {
        /// Received bytes.
        received: u64,
    },

    /// Somebody came.
    ParticipantJoined(Participant),
    /// Something about somebody changed (name, state, sound).
    ParticipantChanged(Participant),
    /// Somebody left.
    ParticipantLeft {
        /// Id of the presence that ended.
        sid: String,
        /// Why.
        reason: LeaveReason,
    },
    /// Everybody else, read anew.
    Roster {
        /// Who is there.
        roster: Vec<Participant>,
    },
    /// RTP packets received from somebody, counted from the start.
    RtpPackets {
        /// Whose.
        sid: String,
        /// Of which track.
        #[serde(default)]
        track: String,
        /// Packets.
        packets: u64,
    },
    /// The interviewer's sound at our loudspeaker.
    InterviewerLevel {
        /// Whether it is above the threshold of audibility.
        audible: bool,
    },

    /// A probe was answered.
    ProbeAnswered {
        /// By whom.
        sid: String,
        /// Which kind.
        probe: ProbeKind,
        /// Which one.
        id: u64,
    },
    /// Somebody's session state changed.
    AgentStateChanged {
        /// Whose.
        sid: String,
        /// To what.
        state: AgentState,
    },
    /// Words of somebody were transcribed while they are spoken.
    Transcribed {
        /// Whose.
        sid: String,
    },
    /// A finished piece of conversation.
    Item {
        /// Reported by whom.
        sid: String,
        /// Who said it.
        role: Role,
    },
    /// A tool of the interviewer began.
    ToolStarted {
        /// Whose.
        sid: String,
        /// Its name.
        name: String,
        /// Id of the call.
        call_id: String,
    },
    /// A tool of the interviewer ended.
    ToolEnded {
        /// Whose.
        sid: String,
        /// Its name.
        name: String,
        /// Whether it succeeded.
        ok: bool,
        /// Id of the call; both messages about one call carry the same.
        call_id: String,
    },
    /// The interviewer's session reported an error.
    SessionFailed {
        /// Whose.
        sid: String,
    },
    /// The interviewer's session says that it closed.
    SessionClosed {
        /// Whose.
        sid: String,
        /// Why.
        reason: CloseReason,
    },
    /// The interviewer's package says that the interview is over.
    EndMarker {
        /// Who says so.
        sid: String,
    },
    /// The room's metadata says that the organiser ended the interview.
    RoomEnded,
    /// The backend's answer to [`crate::Output::AskOrganiser`].
    Organiser {
        /// Its word.
        word: OrganiserWord,
    },

    /// The backend knows that the process of an interviewer's job has ended without a goodbye.
    InterviewerDied {
        /// Whose.
        identity: String,
    },
    /// The backend sends nobody in the place of the interviewer that is lost.
    ReplacementRefused,

    /// The record is on disk.
    RecordCommitted,
    /// The record could not be put on disk; it is sent from memory.
    RecordNotSaved,
    /// The backend has the record; the receipt is verified.
    Delivered {
        /// Receipt's id.
        receipt: String,
    },
    /// The backend will never take the record; it is kept and shown.
    DeliveryParked,
}
