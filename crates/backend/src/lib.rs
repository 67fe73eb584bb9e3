//! Reference server: join codes, records, receipts, room closing.
//!
//! **In:** HTTP from organisers, clients and agents (`docs/backend-api.md`); a LiveKit server's
//! address and keys. **Out:** joins with LiveKit tokens; receipts, made in the same transaction as
//! the record; rooms made and closed. **What never happens here:** nothing is stored on an error;
//! no receipt without a stored record; no LiveKit token in a link or a log.

pub mod app;
mod create;
mod join;
mod keys;
mod limits;
pub mod livekit;
mod openapi;
mod problem;
mod records;
mod status;
pub mod store;
mod tokens;

pub use create::{NewInterview, create};
pub use openapi::document;
