//! By whose word it is known what was said.

use serde::{Deserialize, Serialize};

/// Who tells what was said in an interview, as far as the backend knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TranscriptSource {
    /// Reports of all its interviewers.
    #[serde(rename = "agent")]
    Agent,
    /// Reports of some of its interviewers.
    #[serde(rename = "agent in part")]
    AgentInPart,
    /// What its interviewers told while they lived; no report came.
    #[serde(rename = "agent while it lived")]
    AgentWhileItLived,
    /// The candidate's client: nobody else tells as much.
    #[serde(rename = "client")]
    Client,
    /// Nobody.
    #[serde(rename = "none")]
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_sent_by_its_name() {
        for (source, name) in [
            (TranscriptSource::Agent, "agent"),
            (TranscriptSource::AgentInPart, "agent in part"),
            (TranscriptSource::AgentWhileItLived, "agent while it lived"),
            (TranscriptSource::Client, "client"),
            (TranscriptSource::None, "none"),
        ] {
            assert_eq!(serde_json::to_value(source).unwrap(), name);
        }
    }
}
