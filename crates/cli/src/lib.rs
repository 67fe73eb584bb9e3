//! Adjourn in a terminal.
//!
//! **In:** a link, a trace or a receipt. **Out:** lines of JSON, or text.
//! **What never happens here:** nothing fails on purpose (that is `adjourn-qa`), and nothing calls one system alone.

pub mod devices;
pub mod explain;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod headless;
pub mod logging;
pub mod policy;
pub mod replay;
pub mod timeline;
pub mod verify;
