//! What the window of a seat tells its supervisor: one datagram each.

use serde::{Deserialize, Serialize};

/// The variable that names the supervisor's socket.
pub const SOCKET: &str = "ADJOURN_SEAT_SOCKET";
/// The variable that names the seat's settings.
pub const SETTINGS: &str = "ADJOURN_SEAT";
/// Longest datagram, in bytes.
pub const LONGEST_WORD: usize = 512;

/// One thing that the window tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "snake_case")]
pub enum SeatWord {
    /// The client has done something since the last one.
    Beat {
        /// And the page has answered.
        page: bool,
    },
    /// The window is about to close, and why.
    Ends {
        /// Why.
        why: SeatEnd,
    },
}

/// Why a seat's window closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatEnd {
    /// The next candidate finds nothing of this one.
    NextCandidate,
    /// A supervisor let the seat go, or its policy did.
    Released,
}

impl SeatEnd {
    /// What the supervisor ends with: a unit that is released is not started again (`RestartPreventExitStatus=`).
    pub fn exit_code(self) -> u8 {
        match self {
            Self::NextCandidate => 0,
            Self::Released => 77,
        }
    }
}

impl SeatWord {
    /// As it is sent.
    pub fn to_bytes(self) -> Vec<u8> {
        // Of these types nothing can go wrong.
        serde_json::to_vec(&self).unwrap_or_default()
    }

    /// What was sent; `None`: nothing that anybody knows.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_as_it_was_said() {
        let ends = [SeatEnd::NextCandidate, SeatEnd::Released].map(|why| SeatWord::Ends { why });
        let beats = [true, false].map(|page| SeatWord::Beat { page });
        for word in [beats, ends].concat() {
            assert_eq!(SeatWord::parse(&word.to_bytes()), Some(word));
            assert!(word.to_bytes().len() <= LONGEST_WORD);
        }
        assert_eq!(SeatWord::Beat { page: true }.to_bytes(), br#"{"word":"beat","page":true}"#);
        assert_eq!(SeatWord::parse(b"beat"), None);
    }
}
