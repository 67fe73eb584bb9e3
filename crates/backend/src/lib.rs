//! The reference backend.
//!
//! **In:** HTTP requests of organisers, clients, agents and LiveKit; the time.
//! **Out:** join answers, receipts, where each interview stands; rooms made and closed.
//! **What never happens here:** a record is acknowledged before it is on disk; a room is closed while its interview goes
//! on; a secret is logged; a replica keeps something in memory that another one needs.

pub mod app;
pub mod audit;
mod batch;
mod closings;
mod codes;
mod create;
mod erase;
mod interviewers;
mod items;
mod join;
mod keys;
mod lease;
mod limits;
pub mod livekit;
mod openapi;
mod operator;
pub mod organisers;
mod problem;
pub mod proxies;
mod records;
mod rooms;
pub mod rounds;
mod routes;
pub mod server;
mod serving;
pub mod settings;
mod standing;
mod standings;
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
pub use openapi::document;
pub use standing::Deadlines;
pub use tokens::rotate as rotate_tokens;
pub use transcript::Transcript;
