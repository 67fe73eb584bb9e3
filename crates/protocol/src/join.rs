//! Joining: what a client asks for, and what it is granted (see `docs/backend-api.md`).

use adjourn_session::Policy;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Secret;
use crate::plain_text::{shown_line, shown_line_if_any};

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
    #[serde(default, with = "crate::policy::wire")]
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
    /// So many interviewers may still be replaced, if they are lost.
    #[serde(default, skip_serializing_if = "none_left")]
    pub replacements: u8,
    /// How the candidate reaches who invites, if they said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
fn none_left(replacements: &u8) -> bool {
    *replacements == 0
}

impl InterviewInfo {
    /// As it can be shown, whatever a server says: texts of a line, without signs that turn it around.
    pub fn plain(self) -> Self {
        Self {
            title: shown_line(&self.title),
            candidate_name: shown_line_if_any(self.candidate_name),
            contact: shown_line_if_any(self.contact),
            ..self
        }
    }
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
