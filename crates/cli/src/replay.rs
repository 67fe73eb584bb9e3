//! Plays a recorded trace again.

use std::path::Path;

use adjourn_session::trace::{Entry, replay};
use adjourn_session::{Ending, Policy, Session};
use anyhow::Context as _;
use serde::Serialize;
use serde_json::{Map, Value};

/// A recorded trace.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The policy that came with the join.
    pub policy: Policy,
    /// What the session was given.
    pub entries: Vec<Entry>,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// Constants of rules that came later than the first traces, in milliseconds.
const LATER: [&str; 1] = ["data_stall"];
/// Longer than any interview, in milliseconds.
const NEVER: u64 = 1_000_000_000;

/// The policy, if a line is one. A constant that it lacks is of a rule that its version did not have, which never fired.
fn policy_of(line: &str) -> Option<Policy> {
    let mut constants: Map<String, Value> = serde_json::from_str(line).ok()?;
    for later in LATER {
        constants.entry(later).or_insert_with(|| NEVER.into());
    }
    serde_json::from_value(Value::Object(constants)).ok()
}

/// What a trace comes to.
#[derive(Serialize)]
struct Replayed<'a> {
    ending: Option<&'a Ending>,
    trace_sha256: &'a str,
}

impl Trace {
    /// Reads a trace file.
    ///
    /// # Errors
    /// The file can't be read or is no trace.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
        Self::parse(&bytes, path)
    }

    /// Reads a trace; `path` is where it came from, for messages.
    ///
    /// # Errors
    /// It is no trace.
    pub(crate) fn parse(bytes: &[u8], path: &Path) -> anyhow::Result<Self> {
        let text = std::str::from_utf8(bytes).with_context(|| format!("{} is no trace", path.display()))?;
        let mut policy = Policy::default();
        let mut entries: Vec<Entry> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            // The policy comes with the join; a trace that never got that far has none.
            if let Some(given) = policy_of(line) {
                policy = given;
            } else {
                let entry = serde_json::from_str(line).with_context(|| {
                    format!("{}, line {}: not a line of a trace", path.display(), number + 1)
                })?;
                entries.push(entry);
            }
        }
        Ok(Self { policy, entries, sha256: adjourn_protocol::sha256(bytes) })
    }

    /// How it ended and the trace's digest, as a line of JSON.
    ///
    /// # Errors
    /// Not reached: an ending is always a line.
    pub fn replayed(&self) -> anyhow::Result<String> {
        let session = self.replay();
        Ok(serde_json::to_string(&Replayed { ending: session.ending(), trace_sha256: &self.sha256 })?)
    }

    /// The session at the trace's end.
    pub fn replay(&self) -> Session {
        replay(self.policy.clone(), &self.entries).0
    }
}
