//! Where the parts are that are fetched or built from elsewhere.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Paths of everything that is not built from this repository.
#[derive(Clone, Debug)]
pub struct Tools {
    /// livekit-server.
    pub livekit_server: PathBuf,
    /// Python with livekit-agents.
    pub agent_python: PathBuf,
    /// Python with livekit-agents 1.5.1.
    pub old_agent_python: PathBuf,
    /// The SDK library.
    pub library: PathBuf,
    /// This checkout.
    pub root: PathBuf,
}

impl Tools {
    /// Reads the environment, and for what is missing there the file that `cargo xtask fetch` wrote.
    ///
    /// # Errors
    /// Something is neither given nor fetched.
    pub fn find() -> anyhow::Result<Self> {
        let fetched = fetched();
        let path = |name: &str| path_of(&fetched, name);
        Ok(Self {
            livekit_server: path("ADJOURN_LIVEKIT_SERVER")?,
            agent_python: path("ADJOURN_AGENT_PYTHON")?,
            old_agent_python: path("ADJOURN_OLD_AGENT_PYTHON")?,
            library: path("ADJOURN_LIVEKIT_LIBRARY")?,
            root: Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no parent folder")?.to_owned(),
        })
    }

    /// Python with schemathesis.
    ///
    /// # Errors
    /// It is neither given nor fetched.
    pub fn fuzz_python() -> anyhow::Result<PathBuf> {
        path_of(&fetched(), "ADJOURN_FUZZ_PYTHON")
    }

    /// The modules of the interviewer for Node.
    ///
    /// # Errors
    /// They are neither given nor fetched.
    pub fn node_modules() -> anyhow::Result<PathBuf> {
        path_of(&fetched(), "ADJOURN_NODE_MODULES")
    }

    /// tauri-driver.
    ///
    /// # Errors
    /// It is neither given nor fetched.
    pub fn driver(&self) -> anyhow::Result<PathBuf> {
        path_of(&fetched(), "ADJOURN_TAURI_DRIVER")
    }

    /// toxiproxy-server.
    ///
    /// # Errors
    /// It is neither given nor fetched.
    pub fn toxiproxy() -> anyhow::Result<PathBuf> {
        path_of(&fetched(), "ADJOURN_TOXIPROXY")
    }

    /// The folder of the scripted interviewers.
    pub fn interviewers(&self) -> PathBuf {
        self.root.join("agents/interviewers")
    }

    /// A binary of this workspace, beside this executable.
    ///
    /// # Errors
    /// It is not built.
    pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
        let mut folder = std::env::current_exe()?;
        folder.pop();
        // Test executables live one folder deeper.
        if folder.ends_with("deps") {
            folder.pop();
        }
        let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        anyhow::ensure!(path.exists(), "{} is not built; run `cargo build --workspace`", path.display());
        Ok(path)
    }
}

fn fetched() -> HashMap<String, String> {
    let cache = std::env::var_os("ADJOURN_CACHE").map(PathBuf::from).or_else(|| {
        let home = PathBuf::from(std::env::var_os("HOME")?);
        Some(
            std::env::var_os("XDG_CACHE_HOME")
                .map_or_else(|| home.join(".cache"), PathBuf::from)
                .join("adjourn"),
        )
    });
    let text =
        cache.and_then(|cache| std::fs::read_to_string(cache.join("tools.env")).ok()).unwrap_or_default();
    text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

fn path_of(fetched: &HashMap<String, String>, name: &str) -> anyhow::Result<PathBuf> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .or_else(|| fetched.get(name).map(PathBuf::from))
        .filter(|path| path.exists())
        .with_context(|| format!("{name} is not set and not fetched; run `cargo xtask fetch`"))
}
