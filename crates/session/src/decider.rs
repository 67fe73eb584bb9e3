//! What decided that an interview is over.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The rule or the input that decided. On disk it is a text, which never changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Decider {
    /// Our own connection did not come back.
    LinkLost,
    /// No interviewer came.
    NeverStarted,
    /// The interviewer came and did not become ready.
    NotReady,
    /// The interviewer's process does not answer.
    ProcessLost,
    /// The session ping is lost, and evidence stands.
    SessionFinished,
    /// The session says that it closed.
    SessionSaidClosed,
    /// The session ping is lost, and nobody waits for it.
    SessionClosed,
    /// The session ping is lost, and it was busy.
    SessionBlocked,
    /// The interviewer left, and nobody took over.
    LeftSettled,
    /// The interviewer ended it, and the candidate did not say that it goes on.
    OverUnanswered,
    /// The candidate did not answer.
    NoAnswer,
    /// No proof of life of any kind.
    NoProofOfLife,
    /// The room was replaced, and the interviewer is not back.
    ReplacedRoom,
    /// The interview's longest time.
    TimeLimit,
    /// The interviewer left after it had ended the interview.
    LeftWithEvidence,
    /// Three interviewers were lost, one after another.
    ThreeLost,
    /// The candidate.
    Candidate,
    /// The computer is shut down.
    System,
    /// A part of this application failed.
    ClientFailed,
    /// The organiser, by the room's own word.
    Organiser,
    /// The organiser, by the backend's word.
    OrganiserByBackend,
    /// The backend says that the room is gone.
    RoomGone,
    /// Another client joined in our place.
    AnotherClient,
    /// We were removed after the interviewer had ended the interview.
    RemovedWithEvidence,
    /// We were removed.
    Removed,
    /// The room was closed after the interviewer had ended the interview.
    RoomClosedWithEvidence,
    /// The room was closed.
    RoomClosed,
    /// The agent's report is in.
    Reported,
    /// What another version of this program calls so.
    Unknown(String),
}

impl Decider {
    /// Every one that this version knows.
    pub const ALL: [Self; 28] = [
        Self::LinkLost,
        Self::NeverStarted,
        Self::NotReady,
        Self::ProcessLost,
        Self::SessionFinished,
        Self::SessionSaidClosed,
        Self::SessionClosed,
        Self::SessionBlocked,
        Self::LeftSettled,
        Self::OverUnanswered,
        Self::NoAnswer,
        Self::NoProofOfLife,
        Self::ReplacedRoom,
        Self::TimeLimit,
        Self::LeftWithEvidence,
        Self::ThreeLost,
        Self::Candidate,
        Self::System,
        Self::ClientFailed,
        Self::Organiser,
        Self::OrganiserByBackend,
        Self::RoomGone,
        Self::AnotherClient,
        Self::RemovedWithEvidence,
        Self::Removed,
        Self::RoomClosedWithEvidence,
        Self::RoomClosed,
        Self::Reported,
    ];

    /// As it is kept on disk.
    pub fn as_str(&self) -> &str {
        match self {
            Self::LinkLost => "link_lost",
            Self::NeverStarted => "never_started",
            Self::NotReady => "not_ready",
            Self::ProcessLost => "process_lost",
            Self::SessionFinished => "session_finished",
            Self::SessionSaidClosed => "session_said_closed",
            Self::SessionClosed => "session_closed",
            Self::SessionBlocked => "session_blocked",
            Self::LeftSettled => "left_settled",
            Self::OverUnanswered => "over_unanswered",
            Self::NoAnswer => "no_answer",
            Self::NoProofOfLife => "no_proof_of_life",
            Self::ReplacedRoom => "replaced_room",
            Self::TimeLimit => "time_limit",
            Self::LeftWithEvidence => "the interviewer left, with evidence",
            Self::ThreeLost => "three interviewers were lost",
            Self::Candidate => "the candidate ended it",
            Self::System => "the system ended it",
            Self::ClientFailed => "a part of the application failed",
            Self::Organiser => "the organiser ended it",
            Self::OrganiserByBackend => "the backend says that the organiser ended it",
            Self::RoomGone => "the backend says that the room is gone",
            Self::AnotherClient => "another client joined in our place",
            Self::RemovedWithEvidence => "removed, with evidence",
            Self::Removed => "removed from the room",
            Self::RoomClosedWithEvidence => "the room was closed, with evidence",
            Self::RoomClosed => "the room was closed",
            Self::Reported => "the agent's report is in",
            Self::Unknown(text) => text,
        }
    }
}

impl std::fmt::Display for Decider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Decider {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Decider {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = Self::ALL.into_iter().find(|decider| decider.as_str() == text);
        Ok(known.unwrap_or(Self::Unknown(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_read_as_it_is_written_and_no_two_are_written_alike() {
        for decider in Decider::ALL.into_iter().chain([Decider::Unknown("the moon".to_owned())]) {
            let text = serde_json::to_string(&decider).unwrap();
            assert_eq!(serde_json::from_str::<Decider>(&text).unwrap(), decider, "{text}");
        }
    }
}
