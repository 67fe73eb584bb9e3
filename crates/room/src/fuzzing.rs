//! What strangers' bytes are read by here, for `fuzz/` and for a test that reads its corpus again.

use crate::agent_session::Decoder;

/// A message on the topic of agents' sessions, twice: the second one may be about the first. Gives whether it says something.
pub fn agent_session(bytes: &[u8]) -> bool {
    let mut decoder = Decoder::new("nonce".to_owned());
    let first = decoder.decode("PA_stranger", bytes);
    let second = decoder.decode("PA_stranger", bytes);
    !first.is_empty() || !second.is_empty()
}

#[cfg(test)]
#[path = "../../../fuzz/corpus.rs"]
mod corpus;

#[cfg(test)]
mod tests {
    use super::corpus;

    #[test]
    fn the_corpus_is_read() {
        corpus::again("agent_session", super::agent_session);
    }
}
