//! Writes the session's inputs with their times, so that a field trace replays.

use std::io::Write as _;
use std::path::Path;

use adjourn_session::trace::Entry;
use adjourn_session::{Input, Policy, Time};

/// A trace being written: the policy on its first line, one entry per further line.
pub(crate) struct TraceFile(Option<std::io::BufWriter<std::fs::File>>);

impl TraceFile {
    pub(crate) fn create(path: Option<&Path>) -> Self {
        let file = path.and_then(|path| match std::fs::File::create(path) {
            Ok(file) => Some(std::io::BufWriter::new(file)),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "the trace can't be written");
                None
            }
        });
        Self(file)
    }

    pub(crate) fn policy(&mut self, policy: &Policy) {
        self.line(policy);
    }

    pub(crate) fn input(&mut self, at: Time, input: Option<&Input>) {
        self.line(&Entry { at, input: input.cloned() });
    }

    fn line(&mut self, value: &impl serde::Serialize) {
        let Some(file) = &mut self.0 else { return };
        let written = serde_json::to_vec(value).map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            file.write_all(&line)?;
            file.flush()
        });
        if let Err(error) = written {
            tracing::warn!(%error, "the trace ends here");
            self.0 = None;
        }
    }
}
