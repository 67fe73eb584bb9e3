//! Trying the way to the interview room beforehand (see `docs/backend-api.md`).

use serde::{Deserialize, Serialize};

use crate::plain_text::{shown_line, shown_line_if_any};
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
    /// A room on the interview's server, in which nobody is; `None`: no room can be opened right now.
    #[serde(default)]
    pub livekit: Option<LiveKitInfo>,
    /// What the candidate is invited to; `None` from a backend that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited: Option<Invited>,
}

/// What a candidate is invited to, as it may be told to whoever has the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invited {
    /// Title.
    pub title: String,
    /// Who invites, if they gave a name.
    pub organiser: Option<String>,
    /// How to reach them, if they said so: an address, a number, a sentence.
    pub contact: Option<String>,
    /// Language tag.
    pub language: String,
    /// Maximum length in minutes.
    pub max_minutes: i64,
    /// Somebody was in it before: it goes on.
    pub begun: bool,
}

impl Invited {
    /// As it can be shown, whatever a server says: texts of a line, without signs that turn it around.
    pub fn plain(self) -> Self {
        Self {
            title: shown_line(&self.title),
            organiser: shown_line_if_any(self.organiser),
            contact: shown_line_if_any(self.contact),
            ..self
        }
    }
}
