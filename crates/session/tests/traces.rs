//! Traces that clients of an earlier version wrote (at 5cfc5be, on real parts) still open and end as they did.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use adjourn_session::trace::{Entry, replay};
use adjourn_session::{Phase, Policy};

fn played(trace: &str) -> (Phase, Option<String>) {
    // The policy stands where it was granted.
    let mut policy = Policy::default();
    let mut entries: Vec<Entry> = Vec::new();
    for line in trace.lines() {
        match serde_json::from_str(line) {
            Ok(granted) => policy = granted,
            Err(_) => entries.push(serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))),
        }
    }
    let (session, _) = replay(policy, &entries);
    let view = session.view();
    (view.phase, view.ending.map(|ending| ending.outcome.to_string()))
}

#[test]
fn old_traces_open_and_end_as_they_did() {
    for (name, trace, outcome) in [
        ("zombie", include_str!("traces/zombie.jsonl"), "finished"),
        ("respawn", include_str!("traces/respawn.jsonl"), "finished"),
        ("thank-you-bye", include_str!("traces/thank-you-bye.jsonl"), "finished"),
        ("blocks-while-listening", include_str!("traces/blocks-while-listening.jsonl"), "finished"),
    ] {
        assert_eq!(played(trace), (Phase::Completed, Some(outcome.to_owned())), "{name}");
    }
    assert_eq!(played(include_str!("traces/bad-join.jsonl")), (Phase::Checking, None));
}
