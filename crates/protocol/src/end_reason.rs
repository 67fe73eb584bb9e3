//! What LiveKit says of an end: of a room's, in its webhooks, and of a session's, in the agent's own report.

use std::fmt;

/// Why a room ended (`room_end_reason` of `room_finished`; livekit-server from 1.13.7 on).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomEnd {
    /// Somebody deleted it.
    Deleted,
    /// Nobody was in it.
    Idle,
    /// Its server shut down.
    ServerShutdown,
    /// Another server has it.
    Superseded,
    /// Its server could not open it.
    OpenFailed,
}

impl RoomEnd {
    /// Every one.
    pub(crate) const ALL: [Self; 5] =
        [Self::Deleted, Self::Idle, Self::ServerShutdown, Self::Superseded, Self::OpenFailed];

    /// Reads LiveKit's name for it. `None`: it says nothing of it, or what is not known here.
    pub fn of_livekit(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.livekit() == name)
    }

    /// Its name in LiveKit's protocol.
    fn livekit(self) -> &'static str {
        match self {
            Self::Deleted => "ROOM_END_API_DELETE",
            Self::Idle => "ROOM_END_IDLE_TIMEOUT",
            Self::ServerShutdown => "ROOM_END_SERVER_SHUTDOWN",
            Self::Superseded => "ROOM_END_SUPERSEDED",
            Self::OpenFailed => "ROOM_END_OPEN_FAILED",
        }
    }
}

impl fmt::Display for RoomEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deleted => "it was deleted",
            Self::Idle => "nobody was in it",
            Self::ServerShutdown => "its server shut down",
            Self::Superseded => "another server has it",
            Self::OpenFailed => "its server could not open it",
        })
    }
}

/// Why an agent's session closed (`close_reason` of livekit-agents' `SessionReport`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// Its own code asked for it; or its job's end did, as some versions say.
    AskedFor,
    /// Its models failed.
    Failed,
    /// The candidate was gone.
    CandidateGone,
    /// Its job was shut down.
    JobShutDown,
    /// Its task was done.
    Completed,
}

impl SessionEnd {
    /// Every one.
    pub(crate) const ALL: [Self; 5] =
        [Self::AskedFor, Self::Failed, Self::CandidateGone, Self::JobShutDown, Self::Completed];

    /// Reads livekit-agents' name for it. `None`: it says nothing of it, or what is not known here.
    pub fn of_livekit(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.livekit() == name)
    }

    /// Its name in LiveKit's protocol.
    fn livekit(self) -> &'static str {
        match self {
            Self::AskedFor => "CR_USER_INITIATED",
            Self::Failed => "CR_ERROR",
            Self::CandidateGone => "CR_PARTICIPANT_DISCONNECTED",
            Self::JobShutDown => "CR_JOB_SHUTDOWN",
            Self::Completed => "CR_COMPLETED",
        }
    }
}

impl fmt::Display for SessionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AskedFor => "it was asked for",
            Self::Failed => "its models failed",
            Self::CandidateGone => "the candidate was gone",
            Self::JobShutDown => "its job was shut down",
            Self::Completed => "its task was done",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn livekits_own_names_are_read_and_no_others() {
        assert_eq!(RoomEnd::of_livekit("ROOM_END_SERVER_SHUTDOWN"), Some(RoomEnd::ServerShutdown));
        assert_eq!(SessionEnd::of_livekit("CR_COMPLETED"), Some(SessionEnd::Completed));
        for other in ["", "ROOM_END_UNKNOWN", "SERVER_SHUTDOWN", "CR_UNKNOWN", "room_end_idle_timeout"] {
            assert_eq!((RoomEnd::of_livekit(other), SessionEnd::of_livekit(other)), (None, None), "{other}");
        }
    }
}
