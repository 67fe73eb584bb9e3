//! A seat in a test center, as far as it can be thought without one.
//!
//! **In:** a seat's settings, a policy's file and the keys that may sign one, a PIN that somebody typed, what was seen of the computer
//! around the window, when the window was heard of; the time.
//! **Out:** a policy that is of this very seat and good now, or one sentence that says why there is none; whether the PIN opens; how far
//! the seat is locked, and what is missing; whether the window lives.
//! **What never happens here:** no clock, no process, no window; a policy whose signature is not checked is never given out; a wrong or a
//! missing policy never locks anybody in.

mod key;
mod lock;
mod pin;
mod policy;
mod settings;
mod signed;
mod watch;
mod word;

pub use adjourn_protocol::{LockLevel, Weakness};
pub use key::{KeyError, PolicyKey, PolicyKeys};
pub use lock::{Around, Compositor};
pub use pin::{Pin, PinError, Tries, Try};
pub use policy::{
    All, Devices, Escapes, Maintenance, NAME_FORM, PolicyError, Reset, SeatPolicy, Seats, is_name,
};
pub use settings::{SeatSettings, SettingsError, SoundServer};
pub use signed::{Seat, SignedPolicy, Unusable};
pub use watch::Watch;
pub use word::{LONGEST_WORD, SETTINGS, SOCKET, SeatEnd, SeatWord};
