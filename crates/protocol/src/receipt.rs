//! Receipts: what proves that the backend has a record.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Source;

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
    /// Whose record it is.
    pub source: Source,
    /// SHA-256 of the record, lower-case hex.
    pub sha256: String,
    /// Length of the record.
    pub bytes: i64,
    /// When it was received.
    pub received_at: DateTime<Utc>,
}
