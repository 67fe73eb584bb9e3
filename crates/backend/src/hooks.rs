//! Webhooks: events of the feed, sent to an organiser's own server until it took them.
//!
//! By the Standard Webhooks specification (<https://www.standardwebhooks.com>): at least once, of one interview in its order, with
//! the same `webhook-id` however often. One server that does not answer delays no other, and one interview's event that is refused
//! no other interview's.

mod address;
mod delivery;
mod queue;
mod register;
mod retry;
mod sender;

pub use address::Allowed;
pub(crate) use address::checked;
pub use delivery::Courier;
pub(crate) use register::NoHook;
pub use register::{Hook, MadeHook, Since, add, list, remove, replay, rotate};
pub use sender::{Tried, run, test};
