//! Finds, checks and loads the prebuilt library.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::{ffi, server};

/// Version of the Python wheel `livekit` that the library is taken from.
pub const WHEEL_VERSION: &str = "1.2.1";

/// Environment variable that overrides where the library is looked for: an absolute path.
pub const PATH_VARIABLE: &str = "ADJOURN_LIVEKIT_LIBRARY";

/// File name of the library on this platform.
pub const FILE_NAME: &str = if cfg!(target_os = "windows") {
    "livekit_ffi.dll"
} else if cfg!(target_os = "macos") {
    "liblivekit_ffi.dylib"
} else {
    "liblivekit_ffi.so"
};

/// SHA-256 of the library inside the pinned wheel for this platform, or `None` where the wheel has
/// none. Source: the wheels `livekit` 1.2.1 of the Python package index.
pub const SHA256: Option<&str> = if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
    Some("b0e3b91dcf42b486045b6acca4863b132e3c4d114d5701b5759c7661c04ea1eb")
} else if cfg!(all(target_os = "linux", target_arch = "aarch64")) {
    Some("1851e0a2b740be6041e5a8bf66f419f78f0a424348b4d44d52bf2ece231ab740")
} else if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
    Some("f7ef1bb6803a43559382dc72a5447fb6743dcacdad194edd065140af85078eb4")
} else if cfg!(all(target_os = "macos", target_arch = "x86_64")) {
    Some("659767038036c1a6c6e33ffff6be08f10dec03b957a27d8a103fda713ec040c9")
} else if cfg!(all(target_os = "windows", target_arch = "x86_64")) {
    Some("f3456b002f2157b9cbacad5296433d71b2ba1228c1bc26c5a89c8e559e05c103")
} else if cfg!(all(target_os = "windows", target_arch = "aarch64")) {
    Some("dbacc26914977bb54fb70105444d79342f296dbc450615ba54d5e35b0dfb8132")
} else {
    None
};

/// Why the library could not be loaded. Each message says what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// No candidate path exists.
    #[error(
        "the LiveKit library {FILE_NAME} was not found in {places}; reinstall Adjourn, or run `cargo xtask fetch` in a checkout"
    )]
    Missing {
        /// The places that were looked at, comma separated.
        places: String,
    },
    /// The file could not be read.
    #[error(
        "the LiveKit library {path} cannot be read ({source}); check its permissions or reinstall Adjourn"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not the pinned one.
    #[error(
        "the LiveKit library {path} is damaged or of another version (it is not the one of livekit {WHEEL_VERSION}); reinstall Adjourn, or run `cargo xtask fetch` in a checkout"
    )]
    Mismatch {
        /// The file.
        path: PathBuf,
    },
    /// The system's loader refused it.
    #[error(
        "the LiveKit library {path} does not load on this system ({message}); Adjourn needs a 64-bit system with glibc 2.28 or newer"
    )]
    Unloadable {
        /// The file.
        path: PathBuf,
        /// What the loader said.
        message: String,
    },
    /// The wheel has no library for this platform.
    #[error("there is no LiveKit library for this platform; Adjourn runs on 64-bit Linux, macOS and Windows")]
    Unsupported,
}

/// The places to look at, in order: [`PATH_VARIABLE`], the folder of this executable, where a package of Debian's keeps it
/// (`/usr/lib/adjourn` for `/usr/bin/adjourn`), `resource_dir` (where other packages keep it), then what `cargo xtask fetch` fetched for this user last.
pub fn candidates(resource_dir: Option<&Path>) -> Vec<PathBuf> {
    if let Some(path) = std::env::var_os(PATH_VARIABLE) {
        return vec![PathBuf::from(path)];
    }
    let exe = std::env::current_exe().ok();
    let folder = exe.as_deref().and_then(Path::parent);
    let beside = folder.map(|dir| dir.join(FILE_NAME));
    let package = folder.and_then(Path::parent).zip(exe.as_deref().and_then(Path::file_stem));
    let package = package.map(|(dir, name)| dir.join("lib").join(name).join(FILE_NAME));
    let installed = resource_dir.map(|dir| dir.join(FILE_NAME));
    [beside, package, installed, fetched()].into_iter().flatten().collect()
}

/// What was fetched into this user's cache last; the same folders as in `xtask/src/fetch.rs`.
fn fetched() -> Option<PathBuf> {
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = path("ADJOURN_CACHE")
        .or_else(|| path("XDG_CACHE_HOME").map(|caches| caches.join("adjourn")))
        .or_else(|| path("HOME").map(|home| home.join(".cache/adjourn")))?;
    newest_in(&cache)
}

/// The library that was put into a cache last. One that was fetched for another system is none.
fn newest_in(cache: &Path) -> Option<PathBuf> {
    let folders = std::fs::read_dir(cache).ok()?.flatten().filter(|entry| {
        // Not one that is only half fetched.
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("sdk-") && !name.contains('.')
    });
    let dated = folders.filter_map(|entry| {
        let library = entry.path().join("livekit/rtc/resources").join(FILE_NAME);
        library.is_file().then_some((entry.metadata().ok()?.modified().ok()?, library))
    });
    dated.max().map(|(_, library)| library)
}

/// Loads the library from the first of [`candidates`] that exists, after comparing its SHA-256
/// with the pinned one. Does nothing if it is loaded already. Takes about 40 ms.
///
/// # Errors
/// One sentence that says what is wrong, where, and what to do.
pub fn load(resource_dir: Option<&Path>) -> Result<(), LibraryError> {
    load_from(&candidates(resource_dir))
}

/// As [`load`], with the candidate paths given.
///
/// # Errors
/// As [`load`].
pub fn load_from(candidates: &[PathBuf]) -> Result<(), LibraryError> {
    if ffi::loaded().is_some() {
        return Ok(());
    }
    let expected = SHA256.ok_or(LibraryError::Unsupported)?;
    let Some(path) = candidates.iter().find(|path| path.is_file()) else {
        let places = candidates.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(LibraryError::Missing { places });
    };
    let bytes =
        std::fs::read(path).map_err(|source| LibraryError::Unreadable { path: path.clone(), source })?;
    if hex::encode(Sha256::digest(&bytes)) != expected {
        return Err(LibraryError::Mismatch { path: path.clone() });
    }
    drop(bytes);
    // SAFETY: the file's hash is that of livekit-ffi 0.13.2.
    unsafe { ffi::open(path, server::dispatch) }
        .map_err(|error| LibraryError::Unloadable { path: path.clone(), message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_was_fetched_for_another_system_is_none() {
        let cache = tempfile::tempdir().unwrap();
        let put = |folder: &str, name: &str| {
            let folder = cache.path().join(folder).join("livekit/rtc/resources");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(name), "").unwrap();
            folder.join(name)
        };
        assert_eq!(newest_in(cache.path()), None);
        let ours = put("sdk-1", FILE_NAME);
        put("sdk-2", "liblivekit_ffi.of-another-system");
        put("sdk-3.part77", FILE_NAME);
        assert_eq!(newest_in(cache.path()), Some(ours));
    }
}
