//! Durable journal of what happened; delivery; receipts.
//!
//! **In:** a link; what happens in the interview, as it happens; the record at its end.
//! **Out:** the granted join; receipts that were verified; what is still to be delivered.
//! **What never happens here:** no LiveKit, no audio, no decision about the interview. Nothing is
//! called delivered without a receipt whose signature, interview, attempt and digest were checked. No
//! row is ever dropped: what the backend refuses is parked, what is damaged is quarantined.
//!
//! What can't be sent now waits on disk; [`Outbox::deliver_due`] is called again and again by the
//! client, at every start and while it runs.

mod backend;
mod damage;
mod delivery;
mod folder;
mod queue;
mod receipt;
mod retention;
mod seal;
mod store;

pub use backend::{Backend, BackendError};
pub use damage::Quarantined;
pub use delivery::{Asked, DeliveryEvent, DeliveryOutcome, LONGEST_PAUSE, Renewed, Sent, pause, send};
pub use folder::{in_use, private_folder};
pub use queue::Pending;
pub use receipt::{Receipt, ReceiptError, verify};
pub use seal::Seal;
pub use store::{Granted, Join, Outbox, OutboxError};
