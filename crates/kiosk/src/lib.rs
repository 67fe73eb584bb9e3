//! A seat in a test center, as far as it can be thought without one.
//!
//! **In:** a policy's file and the keys that may sign one, a PIN that somebody typed, what was seen of the computer around the window;
//! the time.
//! **Out:** a policy that is of this very seat and good now, or one sentence that says why there is none; whether the PIN opens; how far
//! the seat is locked, and what is missing.
//! **What never happens here:** no clock, no process, no window; a policy whose signature is not checked is never given out; a wrong or a
//! missing policy never locks anybody in.

mod key;
mod lock;
mod pin;
mod policy;
mod signed;

pub use key::{KeyError, PolicyKey, PolicyKeys};
pub use lock::{Around, Compositor, LockLevel, Weakness};
pub use pin::{Pin, PinError, Tries, Try};
pub use policy::{All, Devices, Escapes, Maintenance, PolicyError, Reset, SeatPolicy, Seats};
pub use signed::{Seat, SignedPolicy, Unusable};
