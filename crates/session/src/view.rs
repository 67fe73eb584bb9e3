//! What the screen needs to know.

use serde::{Deserialize, Serialize};

use crate::{ConnectionState, Ending, Question, Time};

/// Where the interview stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Device check; also where a failed join comes back to.
    Checking,
    /// On the way into the room.
    Joining,
    /// In the room, no interviewer ready yet.
    Waiting,
    /// The interview.
    Live,
    /// Decided; the record is being committed.
    WrappingUp,
    /// The end screen.
    Completed,
}

/// How the interviewer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agent {
    /// Not there yet.
    Expected,
    /// There and answering.
    Present,
    /// There and not answering: "checking on the interviewer".
    Quiet,
    /// Left.
    Gone,
}

/// Where the record is. Separate from the outcome, which never changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "delivery", rename_all = "snake_case")]
pub enum Delivery {
    /// Not on disk yet.
    Saving,
    /// On disk, being sent.
    Sending,
    /// On disk; sending goes on later.
    Saved,
    /// On disk; the backend will never take it.
    Parked,
    /// Sent from memory: the disk did not take it.
    Unsaved,
    /// Neither disk nor backend take it; it is in memory only.
    Refused,
    /// At the backend, receipt verified.
    Received {
        /// Receipt's id.
        receipt: String,
    },
}

/// Why a join failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The join was refused, or the backend can't be reached; its caller knows why.
    JoinFailed,
    /// Nobody answered in time.
    JoinUnanswered,
    /// The room could not be entered; its caller knows why.
    ConnectFailed,
    /// It could not be reached in time.
    RoomUnreachable,
    /// A part of the client failed.
    PartFailed,
}

/// A failed join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What failed.
    pub trouble: Trouble,
    /// Whether trying again can help.
    pub retry: bool,
}

/// A picture of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Where the interview stands.
    pub phase: Phase,
    /// Our own connection as the SDK tells it.
    pub link: ConnectionState,
    /// Whether our own connection delivers.
    pub link_fresh: bool,
    /// The interviewer.
    pub agent: Agent,
    /// We are out because the room is gone; it is asked why.
    pub room_gone: bool,
    /// The interviewer is lost, and another one is awaited in its place.
    pub replacing: bool,
    /// The interviewer has said something, here or to an earlier run of this client.
    pub greeted: bool,
    /// What the interviewer did says that it is over, and nobody took that back; it is not decided yet.
    pub said_goodbye: bool,
    /// When time alone ends the interview if nothing else happens; its maximum length is [`View::remaining`]. It never moves later while
    /// everything stays as it is.
    pub ends_at: Option<Time>,
    /// Waiting takes longer than usual.
    pub waiting_long: bool,
    /// The candidate is asked whether the interview goes on.
    pub asking: Option<Question>,
    /// The interviewer left and this person is there: name, or else identity.
    pub person: Option<String>,
    /// Milliseconds to the interview's maximum length, at the time of the view.
    pub remaining: Option<u64>,
    /// Why the last join failed.
    pub problem: Option<Problem>,
    /// The decision.
    pub ending: Option<Ending>,
    /// Where the record is.
    pub delivery: Delivery,
}
