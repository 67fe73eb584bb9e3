//! The interview as a pure machine.
//!
//! **In:** [`Input`]s (what the room, the backend, the outbox and the candidate did) and the time.
//! **Out:** [`Output`]s (what to do now), the time of the next decision, and a [`View`].
//! **What never happens here:** no IO, no clock, no randomness, no thread, no sleep. The same
//! inputs at the same times give the same outputs, so a recorded [`trace`] replays bit for bit.
//!
//! ```
//! use adjourn_session::{Input, Output, Phase, Policy, Session, Time};
//!
//! let mut session = Session::new(Policy::default(), Time::ZERO);
//! session.handle(Input::JoinPressed, Time::ZERO);
//! assert_eq!(session.poll_output(), Some(Output::RequestJoin));
//! // Nothing answers: time alone brings the candidate back to a screen with a way on.
//! while let Some(at) = session.poll_timeout() {
//!     session.handle_timeout(at);
//! }
//! assert_eq!(session.phase(), Phase::Checking);
//! assert!(session.view().problem.is_some());
//! ```
//!
//! Call order: [`Session::handle`] or [`Session::handle_timeout`], then [`Session::poll_output`]
//! until `None`, then [`Session::poll_timeout`] for when to come back.
//!
//! Every decision that waits is one line of the table in [`rules`]: a [`rules::Rule`] with the time
//! at which it fires. There are no other timers, so "time alone leads to the end" can be read off it.

mod asking;
mod calls;
mod connection;
mod conversation;
mod decider;
mod end_sign;
mod evidence;
mod firing;
mod input;
mod interviewer;
mod link;
mod log;
mod machine;
mod outcome;
mod output;
mod policy;
mod presence;
mod probes;
mod replacement;
pub mod rules;
#[cfg(all(test, not(target_family = "wasm")))] // some millions of states, once, natively
mod search;
mod time;
pub mod trace;
mod view;

pub use asking::Question;
pub use decider::Decider;
pub use evidence::{Evidence, EvidenceKind};
pub use input::{
    AgentState, CloseReason, Input, JoinGrant, LeaveReason, OrganiserWord, Participant, ParticipantKind,
    ProbeKind, Role,
};
pub use link::ConnectionState;
pub use log::Logged;
pub use machine::Session;
pub use outcome::{EndedWhy, Ending, InterruptedWhy, Outcome, UnknownOutcome};
pub use output::Output;
pub use policy::{Policy, PolicyError, SoundProcessing};
pub use time::Time;
pub use view::{Agent, Delivery, Phase, Problem, Trouble, View};
