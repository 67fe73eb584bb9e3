//! Another wall clock for one process, by libfaketime; its monotonic clocks stay as they are.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::process::Command;

use super::process::replace;

/// Where Debian keeps the library.
const LIBRARY: &str = "faketime/libfaketime.so.1";

/// A wall clock that can be set while the process runs.
#[derive(Debug)]
pub struct Faketime {
    library: PathBuf,
    file: PathBuf,
}

impl Faketime {
    /// A clock that is set to `time`, as libfaketime takes it: `-1h`, `@1970-01-01 00:10:00`.
    ///
    /// # Errors
    /// libfaketime is not installed, or the folder can't be written.
    pub fn new(folder: &Path, name: &str, time: &str) -> anyhow::Result<Self> {
        let library = find().context(MISSING)?;
        let clock = Self { library, file: folder.join(format!("{name}.clock")) };
        clock.set(time)?;
        Ok(clock)
    }

    /// Why there is none on this machine, if so.
    pub fn missing() -> Option<&'static str> {
        find().is_none().then_some(MISSING)
    }

    /// Sets it from now on.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn set(&self, time: &str) -> anyhow::Result<()> {
        replace(&self.file, &format!("{time}\n"))
    }

    /// Gives a process this clock.
    pub fn give(&self, command: &mut Command) {
        preload(command, &self.library);
        command
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            .env("FAKETIME_NO_CACHE", "1")
            // Otherwise timed waits of condition variables return at once while the clock is behind, and the
            // realtime threads of the SDK library take both cores.
            .env("FAKETIME_FORCE_MONOTONIC_FIX", "0")
            // The name depends on the version.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1");
    }
}

/// What is said where it is missing.
const MISSING: &str = "libfaketime is not installed (`apt-get install libfaketime`)";

fn find() -> Option<PathBuf> {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
    folders.iter().map(|folder| Path::new(folder).join(LIBRARY)).find(|path| path.exists())
}

/// Adds a library to those that are loaded before all others.
pub(super) fn preload(command: &mut Command, library: &Path) {
    let name = "LD_PRELOAD";
    let before = command.as_std().get_envs().find(|(key, _)| *key == name).and_then(|(_, value)| value);
    let library = library.display();
    let all = before.map_or_else(|| library.to_string(), |b| format!("{}:{library}", b.to_string_lossy()));
    command.env(name, all);
}
