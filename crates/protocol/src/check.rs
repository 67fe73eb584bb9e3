//! Trying the way to the interview room beforehand (see `docs/backend-api.md`).

use serde::{Deserialize, Serialize};

use crate::{LiveKitInfo, Secret};

/// `POST /v1/check`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckRequest {
    /// The candidate's code.
    pub code: Secret,
}

/// Answer to `POST /v1/check`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckAnswer {
    /// A room on the interview's server, in which nobody is.
    pub livekit: LiveKitInfo,
}
