//! A database that is a file: whose it is, who may read it, and whether it is still there.

use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::{Arc, OnceLock};

use sqlx::{Connection as _, Row as _};

/// A file as it was when it was opened.
#[derive(Clone, Debug)]
pub(crate) struct OpenFile {
    pub(crate) path: PathBuf,
    /// Which file it is, whatever its name is by now: device and number.
    #[cfg(unix)]
    identity: (u64, u64),
    /// The same of its log and the log's index, which SQLite makes as it is used: what is committed is there and nowhere else,
    /// until it is copied into the file. They stay as long as somebody has the file open.
    #[cfg(unix)]
    beside: Arc<OnceLock<[(u64, u64); 2]>>,
}

/// What lies beside a database that is used.
#[cfg(unix)]
const BESIDE: [&str; 2] = ["-wal", "-shm"];

impl OpenFile {
    pub(crate) fn of(path: &Path) -> std::io::Result<Self> {
        let path = std::path::absolute(path)?;
        #[cfg(unix)]
        let identity = identity(&path)?;
        Ok(Self {
            path,
            #[cfg(unix)]
            identity,
            #[cfg(unix)]
            beside: Arc::default(),
        })
    }

    /// A change was begun: what SQLite makes for that lies beside it now.
    #[cfg(unix)]
    pub(crate) fn is_used(&self) {
        if self.beside.get().is_none()
            && let [Ok(log), Ok(index)] = BESIDE.map(|ending| identity(&beside(&self.path, ending)))
        {
            // Another one was as fast: it saw the same.
            let _ = self.beside.set([log, index]);
        }
    }

    /// Windows lets nobody take a file away that is open.
    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "as on other systems")]
    pub(crate) fn is_used(&self) {}

    /// Whether the path still names the file that is open. What is written into one that was deleted or replaced is gone with
    /// the process.
    #[cfg(unix)]
    pub(crate) fn is_in_place(&self) -> std::io::Result<()> {
        let open = std::iter::once((self.path.clone(), self.identity)).chain(
            self.beside.get().into_iter().flat_map(|known| {
                BESIDE.iter().zip(known).map(|(ending, known)| (beside(&self.path, ending), *known))
            }),
        );
        for (path, known) in open {
            if identity(&path).ok() != Some(known) {
                let path = path.display();
                return Err(std::io::Error::other(format!(
                    "{path} is not the file any more that was opened: it was moved, deleted or replaced; start the server again"
                )));
            }
        }
        Ok(())
    }

    /// Windows lets nobody take a file away that is open.
    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as on other systems")]
    pub(crate) fn is_in_place(&self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// Nobody else's, as long as this lives: a file beside the one that is written, as locks of the same file would be in SQLite's way
/// (network volumes make one kind of them of the other).
#[derive(Debug)]
pub(crate) struct Alone {
    path: PathBuf,
    _locked: std::fs::File,
}

impl Drop for Alone {
    fn drop(&mut self) {
        // While it is locked: who waits for it finds another one, and begins anew.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Makes sure that no other process writes that file. Where there are no locks, it is written all the same.
///
/// # Errors
/// Another process is at it, or nothing can be written there.
pub(crate) fn alone(path: &Path) -> anyhow::Result<Alone> {
    let lock = beside(path, ".lock");
    owners_alone(&lock, true)?;
    let file = std::fs::OpenOptions::new().write(true).open(&lock)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            anyhow::bail!("another copy of that name is being made: wait for it, or choose another name")
        }
        Err(std::fs::TryLockError::Error(error)) => {
            tracing::warn!(%error, "nothing can be locked there; see to it that no other copy of that name is made");
        }
    }
    // Between opening and locking it, the one who had it may have removed it.
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let ours = file.metadata()?;
        let is_ours = identity(&lock).is_ok_and(|there| there == (ours.dev(), ours.ino()));
        anyhow::ensure!(is_ours, "another copy of that name was just made");
    }
    Ok(Alone { path: lock, _locked: file })
}

/// Gives a file its name, on disk.
pub(crate) fn named(part: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::rename(part, to)?;
    if let Some(folder) = to.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Whether a file is ours, or about to be: nothing, an empty file, or a database with our tables.
pub(crate) async fn recognise(file: &Path) -> anyhow::Result<()> {
    let name = file.display();
    let Ok(metadata) = std::fs::metadata(file) else { return Ok(()) };
    anyhow::ensure!(metadata.is_file(), "{name} is no file; give the database's path with --database");
    if metadata.len() == 0 {
        return Ok(());
    }
    let mut head = [0; 16];
    let read = std::fs::File::open(file).and_then(|mut it| std::io::Read::read_exact(&mut it, &mut head));
    if let Err(error) = read
        && error.kind() != std::io::ErrorKind::UnexpectedEof
    {
        return Err(anyhow::Error::new(error).context(format!("the database {name} can't be opened")));
    }
    anyhow::ensure!(head == *b"SQLite format 3\0", "{name} is no database; it stays as it is");
    // The file alone, without what lies beside it: looked at, and not touched. After a crash it may not be readable alone, and
    // its tables may be in its log.
    let address = format!("sqlite://{}?mode=ro&immutable=true", percent(&file.to_string_lossy()));
    if let Ok(tables) = tables(&address).await {
        let ours =
            tables.iter().all(|it| it == "_sqlx_migrations") || tables.iter().any(|it| it == "interviews");
        anyhow::ensure!(ours, "{name} is a database of something else; it stays as it is");
    }
    Ok(())
}

pub(crate) async fn tables(address: &str) -> Result<Vec<String>, sqlx::Error> {
    let mut looked = sqlx::AnyConnection::connect(address).await?;
    let rows =
        sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            .fetch_all(&mut looked)
            .await?;
    rows.iter().map(|row| row.try_get("name")).collect()
}

/// Free bytes on the disk of a file, for those who are not root.
#[cfg(unix)]
pub(crate) fn free(path: &Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Not known here: a change that is not taken shows it.
#[cfg(not(unix))]
pub(crate) fn free(_: &Path) -> std::io::Result<u64> {
    Ok(u64::MAX)
}

/// How the file system of a database loses what was written, by its kind (statfs(2)): a sentence, or nothing.
#[cfg(target_os = "linux")]
pub(crate) fn medium(path: &Path) -> anyhow::Result<Option<String>> {
    let kind = rustix::fs::statfs(path)?.f_type as u64;
    Ok(match kind & 0xffff_ffff {
        0x0102_1994 | 0x8584_58f6 => Some(format!(
            "{} is in memory (tmpfs): everything is gone with the next start of the computer. Put it on a disk.",
            path.display()
        )),
        0x6969 | 0xff53_4d42 | 0xfe53_4d42 | 0x517b => Some(format!(
            "{} is on another computer's disk (NFS or SMB), where SQLite's locks and syncs can't be trusted: put it on a disk of this \
             one, or use Postgres.",
            path.display()
        )),
        _ => None,
    })
}

/// Not known here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn medium(_: &Path) -> anyhow::Result<Option<String>> {
    Ok(None)
}

/// A file of SQLite's beside a database.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Only its owner may read and write a database and what lies beside it: SQLite gives its log the rights of the file.
pub(crate) fn owners_alone(path: &Path, make: bool) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(make).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        options.mode(0o600);
        let file = options.open(path)?;
        let owner = std::fs::Permissions::from_mode(0o600);
        // Of another user's file we can't say who may read it; that one said so.
        if let Err(error) = file.set_permissions(owner.clone()) {
            tracing::warn!(%error, path = %path.display(), "others may be able to read the database");
        }
        for ending in BESIDE {
            // Mostly there is none.
            let _ = std::fs::set_permissions(beside(path, ending), owner.clone());
        }
    }
    #[cfg(not(unix))]
    options.open(path).map(drop)?;
    Ok(())
}

/// What would end a path in an address.
pub(crate) fn percent(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}
