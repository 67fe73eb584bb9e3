//! What the machine wants done.

use serde::{Deserialize, Serialize};

use crate::{Ending, Outcome, ProbeKind};

/// One thing to do, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "output", rename_all = "snake_case")]
pub enum Output {
    /// Ask the backend for the join (same `join_id` each time).
    RequestJoin,
    /// Enter the room and open the microphone.
    Connect,
    /// Give up an attempt to enter the room.
    CancelConnect,
    /// Read who is in the room and say it as [`crate::Input::Roster`].
    ReadRoster,
    /// Send a probe.
    Probe {
        /// To whom (id of the presence).
        sid: String,
        /// Which kind.
        probe: ProbeKind,
        /// Its number, to be given back with the answer.
        id: u64,
    },
    /// Ask the backend whether the organiser ended the interview.
    AskOrganiser,
    /// Ask the backend whether the agent's report is in, and whether its job has ended.
    AskReport,
    /// Ask the backend for another interviewer in the place of this one, which is lost.
    Replace {
        /// Id of the presence that is lost: nobody listens to it any more.
        sid: String,
        /// Its identity.
        identity: String,
        /// How it ends if nobody comes.
        otherwise: Outcome,
    },
    /// Close the microphone device.
    ReleaseMicrophone,
    /// Leave the room, after what is buffered was played (at most 0.5 s).
    LeaveRoom,
    /// Commit the record with this ending to the outbox and deliver it.
    CommitRecord(Ending),
}
