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
mod database_address;
mod database_file;
mod erase;
mod feed;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod hooks;
mod http;
mod interview_span;
mod interview_status;
mod interviewers;
mod interviews;
mod keys;
mod lasting;
mod lease;
mod lifecycle;
mod lifecycle_store;
mod limits;
pub mod livekit;
pub mod organisers;
pub mod proxies;
pub mod reconciler;
mod record_budget;
mod recorded;
mod replacements;
mod report;
mod room_closer;
mod roster;
mod roster_file;
pub mod router;
mod seats;
mod seldom;
mod sent_away;
pub mod server;
mod serving;
pub mod settings;
pub mod setup_check;
mod shares;
pub mod state;
pub mod store;
mod submission;
mod supervision;
pub mod tls;
mod tokens;
mod tombstone;
mod transcript;

pub use codes::Codes;
pub use erase::erase;
pub use http::openapi::document;
pub use interviews::{Created, NewInterview, Window, another_code, create};
pub use keys::rotate as rotate_receipt_key;
pub use lifecycle::Deadlines;
pub use recorded::{ChatRole, Item};
pub use roster::import_file as import_roster;
pub use tokens::rotate as rotate_tokens;
pub use tombstone::Tombstone;
pub use transcript::Transcript;
