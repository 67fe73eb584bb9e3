//! What strangers' bytes are read by here, for `fuzz/` and for a test that reads its corpus again.

use crate::http::webhooks::WebhookEvent;
use crate::recorded::{self, MOST};

/// A record, as an agent's and as a client's. Gives whether it is one of them, whole.
pub fn record(bytes: &[u8]) -> bool {
    let Ok(body) = std::str::from_utf8(bytes) else { return false };
    let both = [recorded::of_agent(body), recorded::of_client(body)];
    for turns in &both {
        assert!(turns.items.len() <= MOST, "more turns than are read");
        assert!(turns.items.iter().all(|turn| turn.created_at.is_finite()), "a time that is none");
    }
    both.iter().any(|turns| turns.unreadable == 0)
}

/// An event of LiveKit's, after its signature was checked. Gives whether it is one.
pub fn webhook(bytes: &[u8]) -> bool {
    let Ok(event) = WebhookEvent::parse(bytes) else { return false };
    assert!(event.created().timestamp_subsec_nanos() == 0, "a time to the second");
    true
}

#[cfg(test)]
#[path = "../../../fuzz/corpus.rs"]
mod corpus;

#[cfg(test)]
mod tests {
    use super::corpus;

    #[test]
    fn the_corpora_are_read() {
        corpus::again("record", super::record);
        corpus::again("webhook", super::webhook);
    }
}
