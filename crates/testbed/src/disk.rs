//! Disks that are full, can't be written, fail or are slow.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::Command;

use super::faketime::preload;
use super::process::{replace, run};

/// A small file system of the testbed's own; gone when this is dropped.
#[derive(Debug)]
pub struct Mount {
    at: PathBuf,
}

impl Mount {
    /// Mounts 1 MiB of memory at `at`; `written`: whether it may be written. Needs root.
    ///
    /// # Errors
    /// It can't be mounted.
    pub fn new(at: &Path, written: bool) -> anyhow::Result<Self> {
        std::fs::create_dir_all(at)?;
        let options = if written { "size=1m,mode=700" } else { "size=1m,mode=700,ro" };
        run(std::process::Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at))?;
        Ok(Self { at: at.to_owned() })
    }

    /// Why that can't be done here, if so.
    pub fn missing() -> Option<&'static str> {
        let probe = tempfile::tempdir().ok().and_then(|folder| Self::new(folder.path(), true).ok());
        probe.is_none().then_some("file systems can't be mounted (needs root)")
    }

    /// Fills what is left of it.
    ///
    /// # Errors
    /// It was not full before nothing more went in.
    pub fn fill(&self) -> anyhow::Result<()> {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.at.join("filling"))?;
        let block = [7_u8; 4_096];
        for _ in 0..1_024 {
            match file.write_all(&block) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        anyhow::bail!("4 MiB went into a file system of 1 MiB")
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: somebody may still hold a file there, who is gone soon.
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.at).stderr(Stdio::null()).status();
    }
}

/// Between a process and its files in one folder: a library of the testbed's own (`disk.c`) that fails writes
/// and syncs, or lets each sync take 5 s.
#[derive(Debug)]
pub struct DiskFaults {
    library: PathBuf,
    order: PathBuf,
    folder: PathBuf,
}

impl DiskFaults {
    /// For files in `data`; the library and its orders live in `folder`.
    ///
    /// # Errors
    /// There is no C compiler.
    pub fn new(folder: &Path, data: &Path) -> anyhow::Result<Self> {
        let faults = Self {
            library: folder.join("disk.so"),
            order: folder.join("disk.order"),
            folder: data.to_owned(),
        };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/disk.c");
        let mut compile = std::process::Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&faults.library).arg(source).arg("-ldl");
        run(&mut compile).context("the testbed's disk needs a C compiler")?;
        faults.order("fine")?;
        Ok(faults)
    }

    /// `fine`, `eio` or `slow`, from now on.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn order(&self, word: &str) -> anyhow::Result<()> {
        replace(&self.order, word)
    }

    /// Puts it before a process.
    pub fn give(&self, command: &mut Command) {
        preload(command, &self.library);
        // With a slash: other names begin alike.
        command.env("ADJOURN_DISK_FOLDER", self.folder.join("")).env("ADJOURN_DISK_ORDER", &self.order);
    }
}

/// Changes one bit in the middle of `needle`, wherever it is in the database's files.
///
/// # Errors
/// It is nowhere.
pub fn flip(folder: &Path, needle: &[u8]) -> anyhow::Result<()> {
    let mut flipped = 0;
    for name in ["outbox.db", "outbox.db-wal"] {
        let path = folder.join(name);
        let Ok(mut bytes) = std::fs::read(&path) else { continue };
        let places: Vec<usize> =
            bytes.windows(needle.len()).enumerate().filter(|(_, w)| *w == needle).map(|(at, _)| at).collect();
        for at in &places {
            bytes[at + needle.len() / 2] ^= 1;
        }
        if !places.is_empty() {
            std::fs::write(&path, bytes)?;
        }
        flipped += places.len();
    }
    anyhow::ensure!(flipped > 0, "{:?} is not on the disk", String::from_utf8_lossy(needle));
    Ok(())
}

/// Cuts the database in the middle of its fourth page from the end (pages have 4 KiB), as a disk that lost what it said
/// it had written.
///
/// # Errors
/// There is no database.
pub fn tear(folder: &Path) -> anyhow::Result<()> {
    let file = std::fs::OpenOptions::new().write(true).open(folder.join("outbox.db"))?;
    let length = file.metadata()?.len();
    Ok(file.set_len(length.saturating_sub(3 * 4_096 + 2_048))?)
}
