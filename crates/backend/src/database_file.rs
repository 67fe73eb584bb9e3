//! A database that is a file: whose it is, who may read it, and whether it is still there.

use std::path::{Path, PathBuf};

use sqlx::{Connection as _, Row as _};

/// A file as it was when it was opened.
#[derive(Clone, Debug)]
pub(crate) struct OpenFile {
    pub(crate) path: PathBuf,
    /// Which file it is, whatever its name is by now: device and number.
    #[cfg(unix)]
    identity: (u64, u64),
}

impl OpenFile {
    pub(crate) fn of(path: &Path) -> std::io::Result<Self> {
        let path = std::path::absolute(path)?;
        #[cfg(unix)]
        let identity = identity(&path)?;
        Ok(Self {
            path,
            #[cfg(unix)]
            identity,
        })
    }

    /// Whether the path still names the file that is open. What is written into one that was deleted or replaced is gone with
    /// the process.
    #[cfg(unix)]
    pub(crate) fn is_in_place(&self) -> std::io::Result<()> {
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            return Ok(());
        }
        let path = self.path.display();
        Err(std::io::Error::other(format!(
            "{path} is not the file any more that was opened: it was moved, deleted or replaced; start the server again"
        )))
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
        for ending in ["-wal", "-shm"] {
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
