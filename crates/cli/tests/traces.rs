//! Traces that clients of earlier versions wrote, on real parts, still open and end as they did.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::path::Path;

use adjourn_cli::explain;
use adjourn_cli::replay::Trace;

#[test]
fn old_traces_open_and_end_as_they_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../session/tests/traces");
    for (name, outcome) in [
        ("zombie", Some("finished")),
        ("respawn", Some("finished")),
        ("thank-you-bye", Some("finished")),
        ("blocks-while-listening", Some("finished")),
        ("bad-join", None),
        // Its version had no rule for a connection that was restored and brings no data.
        ("restored-without-data", Some("ended by candidate")),
    ] {
        let trace = Trace::read(&folder.join(format!("{name}.jsonl"))).unwrap();
        // Nothing fires that their version did not have.
        assert!(!explain::text(&trace).contains("no data comes over it"), "{name}");
        let ended = trace.replay().ending().map(|ending| ending.outcome.to_string());
        assert_eq!(ended.as_deref(), outcome, "{name}");
    }
}
