//! What strangers' bytes are read by here, for `fuzz/` and for a test that reads its corpus again.

use chrono::DateTime;

use crate::{Entry, InviteLink, Record, RecordHead};

/// A link that somebody pasted: what is read is written as a link that says the same. Gives whether it is one.
pub fn link(bytes: &[u8]) -> bool {
    let Some(link) = std::str::from_utf8(bytes).ok().and_then(|text| InviteLink::parse(text).ok()) else {
        return false;
    };
    let again = InviteLink::parse(&link.to_text());
    assert!(again.is_ok_and(|again| again.to_text() == link.to_text()), "another link than was read");
    true
}

/// A journal from a disk: every line is an entry, a known one or one that is kept as it is, and a record comes of them. Gives
/// whether nothing in it is damaged.
pub fn journal(bytes: &[u8]) -> bool {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let entries: Vec<Entry> =
        lines.map(|line| serde_json::from_slice(line).unwrap_or_else(|_| Entry::lost())).collect();
    for entry in &entries {
        let again =
            serde_json::to_vec(entry).ok().and_then(|text| serde_json::from_slice::<Entry>(&text).ok());
        assert!(again.is_some(), "an entry that was read can't be written and read");
    }
    let record = Record::from_journal(head(), entries, None, DateTime::UNIX_EPOCH);
    let again =
        serde_json::to_vec(&record).ok().and_then(|text| serde_json::from_slice::<Record>(&text).ok());
    assert!(again.is_some(), "a record that was made can't be written and read");
    record.damaged == 0
}

fn head() -> RecordHead {
    RecordHead {
        interview_id: "i".to_owned(),
        attempt: 1,
        room: "r".to_owned(),
        build: "b".to_owned(),
        policy_sha256: "p".to_owned(),
    }
}

#[cfg(test)]
#[path = "../../../fuzz/corpus.rs"]
mod corpus;

#[cfg(test)]
mod tests {
    use super::corpus;

    #[test]
    fn the_corpora_are_read() {
        corpus::again("link", super::link);
        corpus::again("journal", super::journal);
    }
}
