//! Writes the session's inputs with their times, so that a field trace replays.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use adjourn_session::trace::Entry;
use adjourn_session::{Input, Policy, Time};

/// Longest trace in bytes. An hour of an interview takes 2.5 MB (0.7 kB/s, measured), 8 hours 20 MB.
const MOST: usize = 256 << 20;

/// Traces of one name.
const MOST_TRACES: u32 = 1_000;

/// A trace being written: the policy on its first line, one entry per further line.
pub(crate) struct TraceFile {
    file: Option<std::io::BufWriter<std::fs::File>>,
    left: usize,
}

impl TraceFile {
    pub(crate) fn create(path: Option<&Path>) -> Self {
        let file = path.and_then(|path| match fresh(path) {
            Ok((file, fresh)) => {
                if fresh != path {
                    tracing::info!(path = %fresh.display(), "there is something already where the trace was to go; it goes here");
                }
                Some(std::io::BufWriter::new(file))
            }
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

/// A file that was not there before: the trace of a run that died is what somebody is looking for.
fn fresh(path: &Path) -> std::io::Result<(std::fs::File, PathBuf)> {
    let named = |number: u32| {
        let mut name = path.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{number}"));
        let mut next = path.with_file_name(name);
        if let Some(ending) = path.extension() {
            next.add_extension(ending);
        }
        next
    };
    // Beside a folder or a device nobody would look for it.
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            "there is something that is no file",
        ));
    }
    let candidates = std::iter::once(path.to_owned()).chain((2..=MOST_TRACES).map(named));
    for candidate in candidates {
        match std::fs::File::create_new(&candidate) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (file, candidate)),
        }
    }
    Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, "there are a thousand beside it already"))
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
        // The next run's goes beside it.
        TraceFile::create(Some(&path)).policy(&Policy::default());
        assert_eq!(std::fs::read(&path).unwrap(), written);
        assert!(std::fs::read(folder.path().join("trace-2.jsonl")).unwrap().ends_with(b"}\n"));
    }
}
