//! What can be done to a request.

use serde::{Deserialize, Serialize};

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fault {
    /// To which requests.
    pub on: Part,
    /// What is done.
    pub act: Act,
    /// How often; without it: until it is mended.
    #[serde(default)]
    pub times: Option<u32>,
}

/// Which requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// `POST /v1/join`.
    Join,
    /// The client's record.
    Record,
    /// LiveKit's webhooks.
    Webhook,
    /// Everything else.
    Other,
}

impl Part {
    /// By the first line of a request.
    pub(super) fn of(start: &str) -> Self {
        let path = start.split(' ').nth(1).unwrap_or_default();
        if path == "/v1/join" {
            Self::Join
        } else if path.ends_with("/records/client") {
            Self::Record
        } else if path == "/v1/livekit/webhook" {
            Self::Webhook
        } else {
            Self::Other
        }
    }
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// The connection is closed before anything is passed on.
    Drop,
    /// Passed on; the answer is lost with the connection.
    LoseAnswer,
    /// Passed on twice.
    Twice,
    /// Answered with an error, not passed on.
    Refuse {
        /// HTTP status.
        status: u16,
        /// The problem's code.
        code: String,
        /// Seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// The answer's head comes, and then nothing.
    Hang,
    /// The answer comes byte by byte.
    Trickle,
    /// The answer to a join is changed.
    #[serde(rename = "twist")]
    Mutation(Mutation),
    /// Not passed on; a receipt of the proxy's own making is given.
    Receipt(Forged),
}

/// What is changed in the answer to a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mutation {
    /// LiveKit's token has expired.
    Expired,
    /// LiveKit's token is not valid yet.
    Early,
    /// LiveKit's token is signed with another key.
    WrongKey,
    /// LiveKit's token gives no right to send data.
    NoData,
    /// LiveKit's host does not exist.
    NoHost,
    /// LiveKit's port is closed.
    Refused,
    /// LiveKit's certificate is one that nobody vouches for.
    Tls,
    /// LiveKit's host takes the connection and says nothing.
    SilentHost,
    /// The proxy's own key is among those of the receipts.
    AddKey,
}

/// A receipt that proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forged {
    /// For other bytes, with a key that the join gave out.
    OtherHash,
    /// Its signature is not of this text.
    BadSignature,
    /// Signed with a key that the join did not give out.
    UnknownKey,
}
