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
#[path = "../../../fuzz/corpus.rs"]
mod corpus;

#[cfg(test)]
mod tests {
    use super::corpus;

    #[test]
    fn the_corpus_is_read() {
        corpus::again("trace", super::trace);
    }
}
