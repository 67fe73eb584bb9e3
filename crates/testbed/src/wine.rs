//! The client as it is built for Windows, under Wine: the same process to whoever watches it from outside.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::Tools;

/// Where Wine, the client's program and its library are. Which Windows it is, and how quiet, is in the environment: `cargo xtask` makes and
/// gives all of it.
#[derive(Clone, Debug)]
pub struct Wine {
    program: PathBuf,
    client: PathBuf,
    library: PathBuf,
}

impl Wine {
    /// What was made.
    ///
    /// # Errors
    /// Something is neither given nor made.
    pub fn find() -> anyhow::Result<Self> {
        Ok(Self {
            program: Tools::of_windows("ADJOURN_WINE")?,
            client: Tools::of_windows("ADJOURN_WINDOWS_CLIENT")?,
            library: Tools::of_windows("ADJOURN_WINDOWS_LIBRARY")?,
        })
    }

    /// The program that runs as the candidate's client.
    pub fn client(&self) -> &Path {
        &self.client
    }

    /// A command of the client.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(&self.client).env("ADJOURN_LIVEKIT_LIBRARY", Self::path(&self.library));
        command
    }

    /// A path of ours as a program under Wine finds it: `/tmp/a` is `Z:\tmp\a`.
    pub fn path(path: &Path) -> OsString {
        let mut windows = OsString::from("Z:");
        windows.push(path.to_string_lossy().replace('/', "\\"));
        windows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_named_as_windows_names_it() {
        assert_eq!(Wine::path(Path::new("/tmp/a b/c")), r"Z:\tmp\a b\c");
    }
}
