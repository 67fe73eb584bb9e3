//! The folder of the journal: one process at a time, readable by its owner, and the file that it was.

use std::path::Path;

use crate::OutboxError;

/// What tells one file from another that has its name later.
pub(crate) type FileId = (u64, u64);

/// Which file has this name now, if any.
pub(crate) fn file_id(path: &Path) -> Option<FileId> {
    let known = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        Some((known.dev(), known.ino()))
    }
    // Elsewhere a file that is open can't be removed.
    #[cfg(not(unix))]
    {
        let _ = known;
        Some((0, 0))
    }
}

/// Locks the folder for this process; the system lets go of it when the process ends, however it ends. Where it can't be
/// locked (a file system without locks), it is used without.
pub(crate) fn lock(folder: &Path) -> Result<Option<std::fs::File>, OutboxError> {
    let path = folder.join("outbox.lock");
    let mut options = std::fs::File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    {
        // Whoever may open it may hold it.
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(&path);
    let locked = file.map_err(std::fs::TryLockError::Error).and_then(|file| file.try_lock().map(|()| file));
    match locked {
        Ok(file) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(OutboxError::InUse(folder.to_owned())),
        Err(std::fs::TryLockError::Error(error)) => {
            tracing::warn!(%error, "the journal's folder can't be locked");
            Ok(None)
        }
    }
}

/// Whether another process works with this folder right now.
pub fn in_use(folder: &Path) -> bool {
    // What is not there yet is nobody's.
    folder.is_dir() && matches!(lock(folder), Err(OutboxError::InUse(_)))
}

/// Makes the folder, readable by its owner only. One that is there already is somebody's, with what else lies in it: its rights stay
/// as they are, and each file of ours is its owner's alone in any case (`private_file`).
///
/// # Errors
/// It can't be made.
pub fn private_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Makes a file of a database, if there is none: readable by its owner only, and so is what SQLite puts beside it.
pub(crate) fn private_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let file = options.mode(0o600).open(path)?;
        for ending in ["", "-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            let owner = std::fs::Permissions::from_mode(0o600);
            // Mostly there is nothing beside it; and of another user's file we can't say who may read it.
            if let Err(error) = std::fs::set_permissions(&name, owner)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(%error, "others may be able to read the journal");
            }
        }
        drop(file);
    }
    #[cfg(not(unix))]
    options.open(path).map(drop)?;
    Ok(())
}
