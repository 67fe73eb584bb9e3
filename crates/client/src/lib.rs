//! The one event loop joining session, room, audio and outbox, generic over a [`Shell`].
//!
//! **In:** [`Command`]s of a person (or a test). **Out:** whole [`Snapshot`]s for the screen, meters
//! at most 20 times a second, and what the four crates do in the outside world.
//! **What never happens here:** no decision about the interview (the session decides), no text for
//! a person that is not in [`words`], no LiveKit type, no SQL. Nothing blocks the loop: what takes
//! long runs beside it and comes back as an event.

mod clock;
mod command;
mod copy;
mod deliverer;
mod devices;
mod happenings;
mod join;
mod journal;
mod opening;
mod orders;
mod panics;
mod remembered;
mod run;
mod screen;
mod shell;
mod snapshot;
mod sound;
mod told;
mod tracefile;
pub mod words;
mod world;

pub use command::Command;
pub use devices::{Ears, Mouth};
pub use panics::Panics;
pub use run::{Client, Setup, StartError};
pub use shell::{Shell, Silent};
pub use snapshot::{
    Asking, Completed, DeviceList, InterviewerState, Line, Meters, Screen, Snapshot, Speaker,
};
