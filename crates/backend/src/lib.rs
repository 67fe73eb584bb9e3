//! The reference backend.
//!
//! **In:** HTTP requests of organisers, clients, agents and LiveKit; the time.
//! **Out:** join answers, receipts, where each interview stands; rooms made and closed.
//! **What never happens here:** a record is acknowledged before it is on disk; a room is closed while its interview goes
//! on; a secret is logged; a replica keeps something in memory that another one needs.

mod api_error;
pub mod audit;
mod codes;
mod commit_queue;
mod create;
mod erase;
mod interviewers;
mod items;
mod join;
mod keys;
mod lifecycle;
mod lifecycle_store;
mod limits;
pub mod livekit;
mod openapi;
mod operator;
pub mod organisers;
pub mod proxies;
pub mod reconciler;
mod records;
mod room_closer;
mod router;
pub mod server;
mod serving;
pub mod settings;
pub mod state;
mod status;
pub mod store;
mod submission;
mod tokens;
mod transcript;
mod uploads;
mod webhooks;

pub use codes::Codes;
pub use create::{Created, NewInterview, Window, another_code, create};
pub use erase::erase;
pub use items::Item;
pub use keys::rotate as rotate_receipt_key;
pub use lifecycle::Deadlines;
pub use openapi::document;
pub use tokens::rotate as rotate_tokens;
pub use transcript::Transcript;
