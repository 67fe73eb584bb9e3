//! Plays a recorded trace again.

use std::path::Path;

use adjourn_session::trace::{Entry, replay};
use adjourn_session::{Policy, Session};
use anyhow::Context as _;

/// Replays a trace file and gives the session at its end, and the SHA-256 of the file.
///
/// # Errors
/// The file can't be read or is no trace.
pub fn replay_file(path: &Path) -> anyhow::Result<(Session, String)> {
    let bytes = std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
    let text = std::str::from_utf8(&bytes)?;
    let mut policy = Policy::default();
    let mut entries: Vec<Entry> = Vec::new();
    for line in text.lines() {
        // The policy comes with the join; a trace that never got that far has none.
        if let Ok(given) = serde_json::from_str::<Policy>(line) {
            policy = given;
        } else {
            entries.push(serde_json::from_str(line).with_context(|| format!("not a trace: {line}"))?);
        }
    }
    let (session, _) = replay(policy, &entries);
    Ok((session, adjourn_outbox::sha256(&bytes)))
}
