//! Where an interview stands, as the backend tells it.

use adjourn_session::Outcome;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Arrival, Happened, Teller};

/// Where an interview stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InterviewState {
    /// Nobody joined yet.
    Scheduled,
    /// Somebody joined.
    Live,
    /// It ended; not everything has arrived.
    Ended,
    /// Everything has arrived.
    Complete,
}

/// Whether LiveKit has the interview's room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RoomState {
    /// It is there.
    Open,
    /// There is no such room (any more).
    Gone,
}

/// What LiveKit's webhooks told of an interviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InterviewerState {
    /// It came, and did not leave.
    Present,
    /// It left.
    Left,
}

/// `GET /v1/interviews/{id}`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InterviewStatus {
    /// The interview.
    pub id: String,
    /// Where it stands.
    pub state: InterviewState,
    /// The newest attempt; 0 before the first.
    pub attempt: i64,
    /// Set when the organiser ended it.
    pub ended_by_organiser: Option<DateTime<Utc>>,
    /// Whether the client's record came.
    pub client_record: Arrival,
    /// The same of the agent's report.
    pub agent_report: Arrival,
    /// Whether an interviewer is in the room, as far as LiveKit's webhooks told.
    #[serde(default)]
    pub interviewer: Option<InterviewerState>,
    /// The identity of the last interviewer whose process is known to have ended without a goodbye.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interviewer_died: Option<String>,
    /// Number of stored records of all attempts and sources.
    pub records: i64,
    /// The interview's own outcome, once known: the client's word, unless the agent's report confirms that it was
    /// finished.
    #[serde(default, with = "crate::outcome::optional")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub outcome: Option<Outcome>,
    /// What the candidate's client says, whatever the agent's report says.
    #[serde(default, with = "crate::outcome::optional")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub client_outcome: Option<Outcome>,
    /// Whether the agent's report confirms it.
    #[serde(default)]
    pub confirmed: bool,
    /// Whether LiveKit has its room: looked up if the request says `room=true`, absent if LiveKit does not
    /// answer.
    #[serde(default)]
    pub room: Option<RoomState>,
    /// What happened, in order.
    #[serde(default)]
    pub history: Vec<HistoryEntry>,
}

/// One line of an interview's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryEntry {
    /// Counts from 1.
    pub revision: i64,
    /// When the backend learned of it.
    pub at: DateTime<Utc>,
    /// What: `live`, `ended`, `complete`, `agent's report received`, …
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub what: Happened,
    /// Who told: `client`, `agent`, `organiser`, `webhook`, `poll`, `deadline`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub source: Teller,
}
