//! What says that the interview is over, as opposed to merely quiet.

use serde::{Deserialize, Serialize};

use crate::Time;

/// Where evidence comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// One of the policy's end tools succeeded.
    EndTool(String),
    /// One of the policy's end tools began, and the interview was over before it ended, or it failed.
    EndToolBegan(String),
    /// The interviewer's package said so.
    EndMarker,
    /// The interviewer's session said that its task was done, and closed.
    SessionCompleted,
    /// The interviewer's report says so.
    Report,
    /// The organiser's backend said so.
    Organiser,
    /// The interview's maximum length was reached.
    TimeLimit,
}

/// A piece of evidence with its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Where it comes from.
    pub kind: EvidenceKind,
    /// When it arrived.
    pub at: Time,
}
