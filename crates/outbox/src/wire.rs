//! What travels between client and backend, as JSON (see `docs/backend-api.md`).

use adjourn_session::Policy;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Secret;

/// `POST /v1/join`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JoinRequest {
    /// The candidate's code.
    pub code: Secret,
    /// 128 random bits in hex, secret, stored before the first send: the same code and `join_id` give
    /// the same interview and attempt.
    pub join_id: Secret,
    /// Who asks.
    pub client: ClientInfo,
    /// Only an upload token and the keys of receipts are needed: no room is made, and nobody is called into one.
    #[serde(default)]
    pub uploads_only: bool,
}

impl JoinRequest {
    /// To enter the room.
    pub fn new(code: &Secret, join_id: &Secret, client: &ClientInfo) -> Self {
        Self { code: code.clone(), join_id: join_id.clone(), client: client.clone(), uploads_only: false }
    }
}

/// The client's build.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClientInfo {
    /// Version.
    pub version: String,
    /// Operating system and architecture.
    pub platform: String,
    /// Whether it runs in a test center.
    pub kiosk: bool,
}

/// Answer to `POST /v1/join`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JoinAnswer {
    /// The backend's time.
    pub now: DateTime<Utc>,
    /// The interview.
    pub interview: InterviewInfo,
    /// How to enter the room; `None` once the interview has ended (only uploads are left).
    pub livekit: Option<LiveKitInfo>,
    /// For uploads.
    pub client_token: Secret,
    /// Constants that differ from the defaults.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub policy: Policy,
    /// Keys that this interview's receipts are signed with (a JWK set).
    pub receipt_keys: serde_json::Value,
    /// Days after the receipt for which the client keeps what was said; 0: erased at once.
    #[serde(default = "a_week")]
    pub keep_days: u32,
}

fn a_week() -> u32 {
    7
}

/// The interview, as the candidate may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InterviewInfo {
    /// Random id.
    pub id: String,
    /// Counts from 1.
    pub attempt: i64,
    /// Title.
    pub title: String,
    /// The candidate's name, if the organiser gave one.
    pub candidate_name: Option<String>,
    /// Language tag.
    pub language: String,
    /// Maximum length in minutes.
    pub max_minutes: i64,
    /// When the maximum length is reached.
    pub ends_at: DateTime<Utc>,
}

/// How to enter the room.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LiveKitInfo {
    /// `ws://` or `wss://`.
    pub url: String,
    /// Access token.
    pub token: Secret,
    /// Name of the room.
    pub room: String,
    /// Name under which the interviewer is dispatched.
    pub agent_name: Option<String>,
}

/// An error answer (RFC 9457).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Stable code.
    pub code: String,
    /// One sentence.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// Id of the receipt that exists already (`record_exists`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_id: Option<String>,
}

/// Answer to a delivered record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiptAnswer {
    /// The receipt as a compact JWS.
    pub receipt: String,
}

/// What a receipt says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiptClaims {
    /// Id to show and to quote.
    pub receipt_id: String,
    /// The interview.
    pub interview_id: String,
    /// The attempt.
    pub attempt: i64,
    /// `client` or `agent:<job id>`.
    pub source: String,
    /// SHA-256 of the record, lower-case hex.
    pub sha256: String,
    /// Length of the record.
    pub bytes: i64,
    /// When it was received.
    pub received_at: DateTime<Utc>,
}

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
    /// `none`, `pending`, `received`, `received late`, `missing`.
    pub client_record: String,
    /// The same of the agent's report.
    pub agent_report: String,
    /// Whether an interviewer is in the room, as far as LiveKit's webhooks told.
    #[serde(default)]
    pub interviewer: Option<InterviewerState>,
    /// Number of stored records of all attempts and sources.
    pub records: i64,
    /// The interview's own outcome, once known: the client's word, unless the agent's report confirms that it was
    /// finished.
    pub outcome: Option<String>,
    /// What the candidate's client says, whatever the agent's report says.
    #[serde(default)]
    pub client_outcome: Option<String>,
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
    pub what: String,
    /// Who told: `client`, `agent`, `organiser`, `webhook`, `poll`, `deadline`.
    pub source: String,
}
