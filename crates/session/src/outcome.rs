//! How an interview ended.

use serde::{Deserialize, Serialize};

use crate::decider::Decider;
use crate::{Evidence, Time};

/// The one word for how it ended. It never changes afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "why", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export_to = "Outcome.ts"))]
pub enum Outcome {
    /// Over, with evidence.
    Finished,
    /// Over, without evidence.
    Ended(EndedWhy),
    /// Broken off.
    Interrupted(InterruptedWhy),
    /// Our own connection was lost.
    ConnectionLost,
    /// No interviewer came, or none became ready.
    NeverStarted,
    /// The candidate ended it.
    EndedByCandidate,
}

/// Why an interview is over without evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export_to = "EndedWhy.ts"))]
pub enum EndedWhy {
    /// The interviewer's session closed.
    SessionClosed,
    /// The interviewer left.
    InterviewerLeft,
    /// The room was closed.
    RoomClosed,
    /// The organiser closed the interview.
    ClosedByOrganiser,
    /// The interview goes on elsewhere.
    ContinuedElsewhere,
    /// The candidate did not answer the question.
    NoAnswer,
    /// The computer was shut down.
    BySystem,
    /// The time was over while the candidate waited for the interviewer.
    TimeLimit,
}

/// Why an interview broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export_to = "InterruptedWhy.ts"))]
pub enum InterruptedWhy {
    /// The interviewer's process or its network is gone.
    InterviewerLost,
    /// The interviewer's process lives and does nothing.
    InterviewerStoppedResponding,
    /// The interviewer reported an error and closed.
    InterviewerFailed,
    /// The candidate was removed from the room.
    Removed,
    /// A part of this application failed.
    ClientFailed,
}

impl Outcome {
    /// Every outcome there is.
    pub const ALL: [Self; 17] = [
        Self::Finished,
        Self::Ended(EndedWhy::SessionClosed),
        Self::Ended(EndedWhy::InterviewerLeft),
        Self::Ended(EndedWhy::RoomClosed),
        Self::Ended(EndedWhy::ClosedByOrganiser),
        Self::Ended(EndedWhy::ContinuedElsewhere),
        Self::Ended(EndedWhy::NoAnswer),
        Self::Ended(EndedWhy::BySystem),
        Self::Ended(EndedWhy::TimeLimit),
        Self::Interrupted(InterruptedWhy::InterviewerLost),
        Self::Interrupted(InterruptedWhy::InterviewerStoppedResponding),
        Self::Interrupted(InterruptedWhy::InterviewerFailed),
        Self::Interrupted(InterruptedWhy::Removed),
        Self::Interrupted(InterruptedWhy::ClientFailed),
        Self::ConnectionLost,
        Self::NeverStarted,
        Self::EndedByCandidate,
    ];
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match self {
            Self::Finished => "finished",
            Self::Ended(EndedWhy::SessionClosed) => "ended",
            Self::Ended(EndedWhy::InterviewerLeft) => "ended(interviewer left)",
            Self::Ended(EndedWhy::RoomClosed) => "ended(room closed)",
            Self::Ended(EndedWhy::ClosedByOrganiser) => "ended(closed by the organiser)",
            Self::Ended(EndedWhy::ContinuedElsewhere) => "ended(continued elsewhere)",
            Self::Ended(EndedWhy::NoAnswer) => "ended(no answer)",
            Self::Ended(EndedWhy::BySystem) => "ended(by the system)",
            Self::Ended(EndedWhy::TimeLimit) => "ended(time limit)",
            Self::Interrupted(InterruptedWhy::InterviewerLost) => "interrupted(interviewer lost)",
            Self::Interrupted(InterruptedWhy::InterviewerStoppedResponding) => {
                "interrupted(interviewer stopped responding)"
            }
            Self::Interrupted(InterruptedWhy::InterviewerFailed) => "interrupted(interviewer failed)",
            Self::Interrupted(InterruptedWhy::Removed) => "interrupted(removed)",
            Self::Interrupted(InterruptedWhy::ClientFailed) => "interrupted(client failed)",
            Self::ConnectionLost => "connection lost",
            Self::NeverStarted => "never started",
            Self::EndedByCandidate => "ended by candidate",
        };
        f.write_str(text)
    }
}

/// A text that is no outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownOutcome(String);

impl std::fmt::Display for UnknownOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is not how an interview ends", self.0)
    }
}

impl std::error::Error for UnknownOutcome {}

impl std::str::FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, UnknownOutcome> {
        let known = Self::ALL.into_iter().find(|outcome| outcome.to_string() == text);
        known.ok_or_else(|| UnknownOutcome(text.to_owned()))
    }
}

/// The decision, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// When this was decided.
    pub decided_at: Time,
    /// The rule or input that decided.
    pub decided_by: Decider,
    /// Standing evidence, if any.
    pub evidence: Option<Evidence>,
    /// Last pong of the interviewer's session.
    pub last_pong: Option<Time>,
    /// Last sign of life of the interviewer's process.
    pub last_process_answer: Option<Time>,
    /// Last growth of what our connection received.
    pub last_received: Option<Time>,
}
