//! What strangers' bytes are read by here, for `fuzz/` and for a test that reads its corpus again.

use crate::agent_session::Decoder;

/// A message on the topic of agents' sessions, twice: the second one may be about the first.
pub fn agent_session(bytes: &[u8]) {
    let mut decoder = Decoder::new("nonce".to_owned());
    for _ in 0..2 {
        decoder.decode("PA_stranger", bytes);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_is_read() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/agent_session");
        let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
        assert!(!seeds.is_empty());
        for seed in seeds {
            super::agent_session(&std::fs::read(seed.unwrap().path()).unwrap());
        }
    }
}
