//! The one event loop joining session, room, audio and outbox, generic over a [`Shell`].
//!
//! The session decides; each part does one thing and owns its state: the invitation (link, join, questions to the backend), the
//! connection (the room), audio (devices), the recorder (journal and record), deliveries, the screen's own state. The loop
//! (`run.rs`) carries what happens from one to the other; the screen is made out of what is true (`presenter.rs`).
//!
//! **In:** [`Command`]s of a person (or a test). **Out:** whole [`Snapshot`]s for the screen, meters
//! at most 20 times a second, and what the four crates do in the outside world.
//! **What never happens here:** no decision about the interview (the session decides), no text for
//! a person that is not in the catalogue, no LiveKit type, no SQL. Nothing blocks the loop: what takes
//! long runs beside it and comes back as an event.

mod adjustment;
mod admission;
mod appearance;
mod audio_ends;
mod audio_io;
mod backend;
mod catalogue;
mod client;
mod clock;
mod closing;
mod command;
mod commands;
mod connection;
mod connection_check;
mod deliveries;
mod diagnostics;
mod effects;
mod environment;
mod event;
mod events;
mod fate;
mod fault_messages;
mod invitation;
mod journal;
mod leaving;
mod lenient;
mod loudness;
mod message;
mod messages;
mod new_file;
mod panics;
mod preferences;
mod presence;
mod presenter;
mod problem_report;
mod processing;
mod receipt_page;
mod recorder;
mod remembered;
mod report_export;
mod room_events;
mod run;
mod seat;
mod seat_center;
mod seat_health;
mod seat_monitor;
mod seat_policy;
mod seat_turn;
mod shell;
mod side;
mod snapshot;
mod sound;
mod sound_check;
mod start_error;
mod storage;
mod told;
mod told_to_end;
mod tracefile;
mod typed_answers;
mod typing;
mod ui_state;
mod unfinished;
mod voice_options;

pub use appearance::{Appearance, Language, TextSize, Theme};
pub use audio_ends::{AudioInput, AudioOutput};
pub use backend::{Answered, Backend, Center, Http};
pub use catalogue::{Catalogue, sentences};
pub use client::{Client, Setup};
pub use clock::{Clock, SystemClock};
pub use command::{Command, SoundSide};
pub use diagnostics::Diagnostics;
pub use environment::{Environment, Jitter, Processing};
pub use message::Message;
pub use panics::Panics;
pub use processing::{MakeModule, VoiceModule};
pub use seat::SeatSetup;
pub use shell::{Shell, Silent};
pub use snapshot::{
    Adjustment, Asking, Caption, Completed, DeviceList, InterviewerState, Invitation, Meters, PinAnswer,
    Presence, PresenceState, RecordState, Screen, SeatTrouble, SeatView, Sign, Snapshot, TypingField,
};
pub use sound_check::{Finding, SampleState, SoundFindings, Verdict};
pub use start_error::StartError;
pub use storage::{Storage, Stored, Tell};
pub use told_to_end::told_to_end;
pub use typing::LONGEST as LONGEST_TYPED;
pub use voice_options::{StageOption, VoiceOptions, VoiceStage};
