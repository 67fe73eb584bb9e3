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
mod tests {
    #[test]
    fn the_corpus_is_read() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/agent_session");
        let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
        assert!(!seeds.is_empty());
        for seed in seeds {
            let path = seed.unwrap().path();
            let said = super::agent_session(&std::fs::read(&path).unwrap());
            // A tool that merely begins to be updated says nothing to us.
            assert!(said || path.ends_with("odd"), "{}", path.display());
        }
    }
}
