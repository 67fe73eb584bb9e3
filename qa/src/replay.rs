//! Plays a recorded trace again.

use std::path::Path;

use adjourn_session::trace::{Entry, replay};
use adjourn_session::{Policy, Session};
use anyhow::Context as _;

/// Reads a trace file: policy, entries, and the SHA-256 of the file.
///
/// # Errors
/// The file can't be read or is no trace.
pub fn read_trace(path: &Path) -> anyhow::Result<(Policy, Vec<Entry>, String)> {
    let bytes = std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
    let text = std::str::from_utf8(&bytes).with_context(|| format!("{} is no trace", path.display()))?;
    let mut policy = Policy::default();
    let mut entries: Vec<Entry> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        // The policy comes with the join; a trace that never got that far has none.
        if let Ok(given) = serde_json::from_str::<Policy>(line) {
            policy = given;
        } else {
            let entry = serde_json::from_str(line)
                .with_context(|| format!("{}, line {}: not a line of a trace", path.display(), number + 1))?;
            entries.push(entry);
        }
    }
    Ok((policy, entries, adjourn_outbox::sha256(&bytes)))
}

/// Replays a trace file and gives the session at its end, and the SHA-256 of the file.
///
/// # Errors
/// The file can't be read or is no trace.
pub fn replay_file(path: &Path) -> anyhow::Result<(Session, String)> {
    let (policy, entries, sha256) = read_trace(path)?;
    let (session, _) = replay(policy, &entries);
    Ok((session, sha256))
}
