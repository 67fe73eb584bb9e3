//! Writes the session's inputs with their times, so that a field trace replays.

use std::io::Write as _;
use std::path::Path;

use adjourn_session::trace::Entry;
use adjourn_session::{Input, Policy, Time};

/// Longest trace in bytes. An hour of an interview takes 2.5 MB (0.7 kB/s, measured), 8 hours 20 MB.
const MOST: usize = 256 << 20;

/// A trace being written: the policy on its first line, one entry per further line.
pub(crate) struct TraceFile {
    file: Option<std::io::BufWriter<std::fs::File>>,
    left: usize,
}

impl TraceFile {
    pub(crate) fn create(path: Option<&Path>) -> Self {
        let file = path.and_then(|path| match std::fs::File::create(path) {
            Ok(file) => Some(std::io::BufWriter::new(file)),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "the trace can't be written");
                None
            }
        });
        Self { file, left: MOST }
    }

    pub(crate) fn policy(&mut self, policy: &Policy) {
        self.line(policy);
    }

    pub(crate) fn input(&mut self, at: Time, input: Option<&Input>) {
        self.line(&Entry { at, input: input.cloned() });
    }

    fn line(&mut self, value: &impl serde::Serialize) {
        let Some(file) = &mut self.file else { return };
        let written = serde_json::to_vec(value).map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            let full = || std::io::Error::new(std::io::ErrorKind::FileTooLarge, "it is as long as it may be");
            self.left = self.left.checked_sub(line.len()).ok_or_else(full)?;
            file.write_all(&line)?;
            file.flush()
        });
        if let Err(error) = written {
            tracing::warn!(%error, "the trace ends here");
            self.file = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_stops_at_its_longest_and_still_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.jsonl");
        let mut trace = TraceFile::create(Some(&path));
        trace.left = 10_000;
        trace.policy(&Policy::default());
        for ms in 0..1_000 {
            trace.input(Time(ms), None);
        }
        let written = std::fs::read(&path).unwrap();
        assert!((9_000..=10_000).contains(&written.len()), "{} bytes", written.len());
        assert!(written.ends_with(b"}\n"));
    }
}
