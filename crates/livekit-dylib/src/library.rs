//! Finds, checks and loads the prebuilt library: the only module that calls C.

use std::ffi::{CString, c_char};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libloading::Library as DynamicLibrary;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::{proto, server};

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

type Callback = extern "C" fn(*const u8, usize);
type InitializeFn = unsafe extern "C" fn(Callback, bool, *const c_char, *const c_char);
type RequestFn = unsafe extern "C" fn(*const u8, usize, *mut *const u8, *mut usize) -> u64;
type DropHandleFn = unsafe extern "C" fn(u64) -> bool;

pub(crate) struct Library {
    request: RequestFn,
    drop_handle: DropHandleFn,
    /// Keeps the code mapped; never unloaded, because its threads outlive every room.
    _library: DynamicLibrary,
}

static LIBRARY: OnceLock<Library> = OnceLock::new();

pub(crate) fn loaded() -> Option<&'static Library> {
    LIBRARY.get()
}

/// The places to look at, in order: [`PATH_VARIABLE`], the folder of this executable, then
/// `resource_dir` (where an installed package keeps it).
pub fn candidates(resource_dir: Option<&Path>) -> Vec<PathBuf> {
    if let Some(path) = std::env::var_os(PATH_VARIABLE) {
        return vec![PathBuf::from(path)];
    }
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(|dir| dir.join(FILE_NAME)));
    beside.into_iter().chain(resource_dir.map(|dir| dir.join(FILE_NAME))).collect()
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
    if loaded().is_some() {
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
    let library = open(path)?;
    // Two threads may load at once: the second one's mapping is simply dropped before its init.
    let _ = LIBRARY.set(library);
    Ok(())
}

fn open(path: &Path) -> Result<Library, LibraryError> {
    let unloadable = |error: libloading::Error| LibraryError::Unloadable {
        path: path.to_owned(),
        message: error.to_string(),
    };
    // SAFETY: the file's hash is the pinned one, so its constructors and the three signatures below
    // are those of livekit-ffi 0.13.2 (`livekit_ffi.h` in the same wheel).
    unsafe {
        let library = DynamicLibrary::new(path).map_err(unloadable)?;
        let initialize: InitializeFn = *library.get(b"livekit_ffi_initialize\0").map_err(unloadable)?;
        let request: RequestFn = *library.get(b"livekit_ffi_request\0").map_err(unloadable)?;
        let drop_handle: DropHandleFn = *library.get(b"livekit_ffi_drop_handle\0").map_err(unloadable)?;
        let sdk = CString::from(c"rust");
        let version = CString::new(env!("CARGO_PKG_VERSION")).unwrap_or_default();
        // capture_logs: without it the library writes to standard error itself.
        initialize(on_event, true, sdk.as_ptr(), version.as_ptr());
        Ok(Library { request, drop_handle, _library: library })
    }
}

/// Called by the library on its own threads, concurrently; must not block or unwind.
extern "C" fn on_event(data: *const u8, len: usize) {
    // SAFETY: the library passes a buffer of `len` bytes that lives until we return.
    let bytes = unsafe { std::slice::from_raw_parts(data, len) };
    let result = std::panic::catch_unwind(|| match proto::FfiEvent::decode(bytes) {
        Ok(event) => server::dispatch(event),
        Err(error) => tracing::warn!(%error, "an event of the LiveKit library could not be decoded"),
    });
    if result.is_err() {
        tracing::error!("handling an event of the LiveKit library panicked");
    }
}

impl Library {
    /// Sends one request and returns its response, or `None` when the library refused it (it
    /// writes the reason to its log).
    pub(crate) fn request(
        &self,
        message: proto::ffi_request::Message,
    ) -> Option<proto::ffi_response::Message> {
        let bytes = proto::FfiRequest { message: Some(message) }.encode_to_vec();
        let mut data: *const u8 = std::ptr::null();
        let mut len = 0_usize;
        // SAFETY: `bytes` is valid for the call; `data` and `len` are written before it returns.
        let handle = unsafe { (self.request)(bytes.as_ptr(), bytes.len(), &mut data, &mut len) };
        if handle == 0 || data.is_null() {
            return None;
        }
        // SAFETY: the response buffer lives until its handle is dropped, below.
        let response = proto::FfiResponse::decode(unsafe { std::slice::from_raw_parts(data, len) });
        self.drop_handle(handle);
        response.ok()?.message
    }

    pub(crate) fn drop_handle(&self, handle: u64) {
        // SAFETY: takes any number; an unknown one is answered with false.
        unsafe { (self.drop_handle)(handle) };
    }
}

/// Copies one PCM frame out of the library's memory.
pub(crate) fn copy_samples(info: &proto::AudioFrameBufferInfo) -> Vec<i16> {
    let len = info.num_channels as usize * info.samples_per_channel as usize;
    if info.data_ptr == 0 || len == 0 {
        return Vec::new();
    }
    // SAFETY: the library owns `len` samples at `data_ptr` until the frame's handle is dropped,
    // which its caller does after this copy.
    unsafe { std::slice::from_raw_parts(info.data_ptr as *const i16, len) }.to_vec()
}

/// Copies a data packet out of the library's memory.
pub(crate) fn copy_bytes(info: &proto::BufferInfo) -> Vec<u8> {
    if info.data_ptr == 0 || info.data_len == 0 {
        return Vec::new();
    }
    // SAFETY: as above, for `data_len` bytes until the buffer's handle is dropped.
    unsafe { std::slice::from_raw_parts(info.data_ptr as *const u8, info.data_len as usize) }.to_vec()
}
