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
            root: Path::new(env!("CARGO_MANIFEST_DIR"))
                .ancestors()
                .nth(2)
                .context("no checkout around crates/testbed")?
                .to_owned(),
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

    /// LiveKit's own mock server.
    ///
    /// # Errors
    /// It is neither given nor fetched.
    pub fn mock_server() -> anyhow::Result<PathBuf> {
        path_of(&fetched(), "ADJOURN_LIVEKIT_MOCK")
    }

    /// Something of the client for Windows, by the name of its variable.
    ///
    /// # Errors
    /// It is neither given nor made.
    pub(crate) fn of_windows(name: &str) -> anyhow::Result<PathBuf> {
        let path = PathBuf::from(std::env::var_os(name).with_context(|| {
            format!("{name} is not set; `cargo xtask test windows` and `cargo xtask qa … --windows` set it")
        })?);
        anyhow::ensure!(path.exists(), "{name} is set to {}, and nothing is there", path.display());
        fresh(&path)?;
        Ok(path)
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
        anyhow::ensure!(path.exists(), "{} is not built; run `cargo xtask build`", path.display());
        fresh(&path)?;
        Ok(path)
    }
}

/// Whether a program is what the sources say.
fn fresh(program: &Path) -> anyhow::Result<()> {
    if let Some(newer) = newer_source(program)? {
        anyhow::bail!(
            "{} is older than {}: it is not what the sources say; run `cargo xtask build`",
            program.display(),
            newer.display()
        );
    }
    Ok(())
}

/// A source of a program that was changed after the program was built, by cargo's own list of its sources.
fn newer_source(program: &Path) -> anyhow::Result<Option<PathBuf>> {
    let list = program.with_extension("d");
    // A program that was installed has no such list, and no sources beside it.
    let Ok(text) = std::fs::read_to_string(&list) else { return Ok(None) };
    let built = program.metadata()?.modified()?;
    let sources = text.split_once(": ").map_or("", |(_, sources)| sources);
    // Spaces in a path are written as `\\ `.
    for source in sources.replace("\\ ", "\u{0}").split_whitespace() {
        let source = PathBuf::from(source.replace('\u{0}', " "));
        // A source that is gone was a part of it, too: the program has what the sources no longer have.
        let as_built = source.metadata().and_then(|m| m.modified()).is_ok_and(|changed| changed <= built);
        if !as_built {
            return Ok(Some(source));
        }
    }
    Ok(None)
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
    if let Some(set) = std::env::var_os(name).map(PathBuf::from).filter(|set| !set.exists()) {
        anyhow::bail!("{name} is set to {}, and nothing is there", set.display());
    }
    std::env::var_os(name)
        .map(PathBuf::from)
        .or_else(|| fetched.get(name).map(PathBuf::from))
        .filter(|path| path.exists())
        .with_context(|| format!("{name} is not set and not fetched; run `cargo xtask fetch`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_older_than_its_sources_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (source, program) = (folder.path().join("a b.rs"), folder.path().join("tool"));
        std::fs::write(&source, "").unwrap();
        std::fs::write(&program, "").unwrap();
        let list = format!("{}: {}", program.display(), source.display().to_string().replace(' ', "\\ "));
        assert_eq!(newer_source(&program).unwrap(), None, "installed");
        std::fs::write(folder.path().join("tool.d"), list).unwrap();
        assert_eq!(newer_source(&program).unwrap(), None);
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        std::fs::File::options().append(true).open(&source).unwrap().set_modified(later).unwrap();
        assert_eq!(newer_source(&program).unwrap(), Some(source.clone()));
        std::fs::remove_file(&source).unwrap();
        assert_eq!(newer_source(&program).unwrap(), Some(source), "gone");
    }
}
