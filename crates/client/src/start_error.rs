//! Why a client does not start.

use adjourn_outbox::OutboxError;

/// The client could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The outbox can't be opened, or another process has it open.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The user has no folder for data, and none was named.
    #[error("there is no folder for what an interview keeps: this user has no home; name one with --data")]
    NoFolder,
    /// A part of the program is missing or damaged, as its own error says.
    #[error("{0}")]
    Incomplete(String),
}
