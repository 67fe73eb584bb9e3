//! Webhooks: events of the feed, sent to an organiser's own server until it took them.
//!
//! By the Standard Webhooks specification (<https://www.standardwebhooks.com>): at least once, of one interview in its order, with
//! the same `webhook-id` however often. One server that does not answer delays no other, and one interview's event that is refused
//! no other interview's.

mod address;
mod delivery;
mod full_event;
mod queue;
mod register;
mod retry;
mod sender;

pub use address::Allowed;
pub use delivery::Courier;
pub(crate) use delivery::because;
pub(crate) use full_event::FullEvent;
pub use queue::{Since, replay};
pub use register::{Hook, MadeHook, Wish, add, list, remove, rotate};
pub(crate) use register::{NoHook, Refused};
pub(crate) use retry::GIVEN_UP;
pub(crate) use sender::Sender;
pub use sender::{Tried, test};
