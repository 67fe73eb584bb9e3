//! What looks after a test center's seat: it starts a sound server, the compositor and in it the window, and ends all of them with the
//! candidate. Whoever starts it (systemd, by `packaging/kiosk/adjourn-kiosk.service`) wipes the home that all of it had, and starts it
//! again.
//!
//! **In:** the seat's settings; words of the window (one datagram each); the system's wish that it ends.
//! **Out:** beats for the system's watchdog, while the window lives; why it ended, as an exit code.
//! **What never happens here:** nothing is read of an interview, nothing is decided about one; nothing outlives it that it started.

#[cfg(unix)]
mod children;
#[cfg(unix)]
mod supervisor;

#[cfg(unix)]
pub use supervisor::{Programs, Supervised, supervise};
