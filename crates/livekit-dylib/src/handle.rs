//! Handles of the library, owned and counted.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::ffi;

static OUTSTANDING: AtomicI64 = AtomicI64::new(0);

/// Number of handles that the library gave us and that we have not given back.
/// A process that closed every room and dropped every track reads 0.
pub fn outstanding() -> i64 {
    OUTSTANDING.load(Ordering::SeqCst)
}

/// Owns one handle of the library and gives it back when dropped.
#[derive(Debug)]
pub(crate) struct FfiHandle(u64);

impl FfiHandle {
    /// Takes over the handle `id`, which must be one that the library said we own.
    pub(crate) fn new(id: u64) -> Self {
        OUTSTANDING.fetch_add(1, Ordering::SeqCst);
        Self(id)
    }

    /// The number to name this handle in requests.
    pub(crate) fn id(&self) -> u64 {
        self.0
    }

    /// Forgets the handle without giving it back: the library consumed it itself (stream readers
    /// once they are read).
    pub(crate) fn consumed(self) {
        OUTSTANDING.fetch_sub(1, Ordering::SeqCst);
        std::mem::forget(self);
    }
}

impl Drop for FfiHandle {
    fn drop(&mut self) {
        OUTSTANDING.fetch_sub(1, Ordering::SeqCst);
        if let Some(library) = ffi::loaded() {
            library.drop_handle(self.0);
        }
    }
}
