//! Another interviewer in the place of one that is lost: what a candidate's client asks for, and what is said of one that died.

use adjourn_session::Outcome;
use serde::{Deserialize, Serialize};

/// `POST /v1/interviews/{id}/attempts/{attempt}/replacement`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplacementAsked {
    /// LiveKit's id of the lost interviewer's presence: asked for once more, it is the same replacement.
    pub sid: String,
    /// Its identity in the room.
    pub identity: String,
    /// How the interview ends if nobody comes: why it counts as lost.
    #[serde(with = "crate::outcome")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub otherwise: Outcome,
}

/// Answer to it: another one is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Replaced {
    /// So many may still be replaced.
    pub left: u8,
}

/// `POST …/records/{source}/died`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobDied {
    /// The job's identity in the room.
    pub identity: String,
}
