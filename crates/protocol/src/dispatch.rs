//! What the backend tells an interviewer and a room through LiveKit.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Secret;

/// A dispatch's metadata: for which interview an interviewer is sent, and how it reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DispatchMetadata {
    /// The attempt.
    pub attempt: i64,
    /// The interview.
    pub interview_id: String,
    /// Token for its reports.
    pub report_token: Secret,
    /// Where it reports: the backend's address.
    pub report_url: Url,
    /// The identity of the interviewer that was lost, in whose place it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// And where what was said so far can be read, with its token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_url: Option<Url>,
}

/// A room's metadata, once the organiser ended the interview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomMetadata {
    /// Set when the organiser ended it.
    #[serde(rename = "adjourn.ended")]
    pub ended: EndedByOrganiser,
}

impl RoomMetadata {
    /// Whether a room's metadata says that the organiser ended the interview. Anybody's other metadata says nothing.
    pub fn says_ended(metadata: &str) -> bool {
        // An object, not a list of values that would do for one.
        let fields = serde_json::from_str::<BTreeMap<String, serde_json::Value>>(metadata);
        fields.is_ok_and(|fields| fields.get("adjourn.ended").is_some_and(|ended| !ended.is_null()))
    }
}

/// The organiser ended an interview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedByOrganiser {
    /// When.
    pub at: DateTime<Utc>,
    /// Why, in one word.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_an_end() {
        assert!(RoomMetadata::says_ended(
            r#"{"adjourn.ended": {"at": "2026-11-28T12:03:03Z", "reason": "x"}}"#
        ));
        assert!(RoomMetadata::says_ended(r#"{"adjourn.ended": true, "theirs": 7}"#), "of a later version");
        for other in [
            "",
            "{}",
            "[]",
            r#"["x"]"#,
            "null",
            r#"{"adjourn.ended": null}"#,
            r#"{"title": "adjourn.ended"}"#,
        ] {
            assert!(!RoomMetadata::says_ended(other), "{other}");
        }
    }
}
