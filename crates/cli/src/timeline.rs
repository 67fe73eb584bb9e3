//! What happened, from every side, in one order.

use serde::{Deserialize, Serialize};

/// Whose point of view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// What the testbed did.
    Testbed,
    /// What the interviewer wrote down.
    Interviewer,
    /// What the client was told, by the trace.
    Signal,
    /// What the client decided, by the trace.
    Decision,
    /// What the candidate saw.
    Screen,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Seconds since 1970.
    pub at: f64,
    /// Whose point of view.
    pub lane: Lane,
    /// What.
    pub text: String,
}
