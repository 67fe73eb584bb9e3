//! Why a client does not start.

use adjourn_outbox::OutboxError;

/// The client could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The outbox can't be opened, or another process has it open.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A part of the program is missing or damaged, as its own error says.
    #[error("{0}")]
    Incomplete(String),
}
