//! Whom a test center expects.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Secret;

/// How far somebody's interview is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RosterState {
    /// Nobody joined it.
    Expected,
    /// Somebody did, and it is not over.
    Begun,
    /// It is over.
    Over,
}

/// Somebody whom a center expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RosterEntry {
    /// The organiser's own number or name for them, each once in a center.
    pub reference: String,
    /// Their interview.
    pub interview_id: String,
    /// Their name.
    pub candidate: String,
    /// The seat that is meant for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<String>,
    /// When they are expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<DateTime<Utc>>,
    /// The interview's longest time, with what they have more than others.
    pub minutes: i64,
    /// What they have more than others.
    pub extra_minutes: i64,
    /// How far it is.
    pub state: RosterState,
}

/// `GET /v1/centers/{center}/roster`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CenterRoster {
    /// Whoever is expected or was here within a day; by their time, then by their reference.
    pub entries: Vec<RosterEntry>,
}

/// An interview that a roster made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RosterMade {
    /// Whose.
    pub reference: String,
    /// Its id.
    pub interview_id: String,
    /// Its code; nobody is told it again.
    pub code: Secret,
}

/// `PUT /v1/centers/{center}/roster`: the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RosterImported {
    /// What was not there before.
    pub made: Vec<RosterMade>,
    /// How many were there with something else.
    pub changed: usize,
    /// How many were there just so.
    pub unchanged: usize,
    /// How many were not there, and their time is over: of a sheet that is brought again.
    pub past: usize,
}

/// `POST /v1/centers/{center}/seats/{seat}/assignment`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AssignmentAsked {
    /// The life of the seat that was told that somebody is assigned to it.
    pub life: String,
}

/// What is assigned to a seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Assignment {
    /// A code of theirs, made for this.
    pub code: Secret,
}
