//! How long the journal takes on this disk, each line synced.

use std::path::Path;
use std::time::Instant;

use adjourn_outbox::Outbox;
use adjourn_protocol::{Entry, InviteLink, Line, Role, Turn};
use chrono::Utc;
use serde::Serialize;

/// Milliseconds from asking to having it on disk.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Append {
    /// Lines.
    pub lines: usize,
    /// Half of them were not slower.
    pub p50_ms: f64,
    /// 99 of 100 were not slower.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

/// Appends so many lines of a usual size to a journal in `folder`, one after the other.
///
/// # Errors
/// The folder can't be written.
pub async fn append(folder: &Path, lines: usize) -> anyhow::Result<Append> {
    anyhow::ensure!(lines > 0, "--lines 0 measures nothing");
    let folder = tempfile::tempdir_in(folder)?;
    let (outbox, _) = Outbox::open(folder.path()).await?;
    let join = outbox.join_for(&InviteLink::new("http://127.0.0.1:9", "BBBB-2222")?).await?;
    let mut took = Vec::with_capacity(lines);
    for n in 0..lines {
        let text = "I would measure first, then change one thing, then measure again. ".repeat(3);
        let turn = Turn { id: format!("item_{n}"), role: Role::Candidate, text, at: Utc::now() };
        let entry = Entry { at: Utc::now(), mono_ms: n as u64, line: Line::Said(turn) };
        let began = Instant::now();
        outbox.append(&join.join_id, std::slice::from_ref(&entry)).await?;
        took.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    outbox.close().await;
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((lines - 1) as f64 * share) as usize];
    Ok(Append { lines, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1.0) })
}
