//! What strangers' bytes are read by here, for `fuzz/` and for a test that reads its corpus again.

use std::path::Path;

use crate::explain;
use crate::replay::Trace;

/// Longest trace that is played, in bytes: time alone must not be what is found.
const LONGEST: usize = 64 << 10;

/// A trace that somebody sent in: it is played, and explained. Gives whether it is one.
pub fn trace(bytes: &[u8]) -> bool {
    if bytes.len() > LONGEST {
        return false;
    }
    let Ok(trace) = Trace::parse(bytes, Path::new("a trace")) else { return false };
    !explain::text(&trace).is_empty()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_is_read() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/trace");
        let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
        assert!(!seeds.is_empty());
        for seed in seeds {
            let path = seed.unwrap().path();
            assert!(super::trace(&std::fs::read(&path).unwrap()), "{}", path.display());
        }
    }
}
