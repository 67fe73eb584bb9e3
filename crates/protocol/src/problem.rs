//! Errors as the backend answers them.

use serde::{Deserialize, Serialize};

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
