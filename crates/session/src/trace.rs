//! Inputs with their times, so that a field trace replays.

use serde::{Deserialize, Serialize};

use crate::{Input, Output, Policy, Session, Time};

/// One line of a trace: an input, or the mere passing of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Time,
    /// What; `None` for a timeout.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
}

/// Plays a trace from the start and gives every output in order.
pub fn replay(policy: Policy, entries: &[Entry]) -> (Session, Vec<Output>) {
    let start = entries.first().map_or(Time::ZERO, |entry| entry.at);
    let mut session = Session::new(policy, start);
    let mut outputs = Vec::new();
    for entry in entries {
        match &entry.input {
            Some(input) => session.handle(input.clone(), entry.at),
            None => session.handle_timeout(entry.at),
        }
        while let Some(output) = session.poll_output() {
            outputs.push(output);
        }
    }
    (session, outputs)
}
