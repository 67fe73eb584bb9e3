//! What crosses a process or lands on disk, typed once: client, backend, agents and the testbed read and write the same types.
//!
//! **In and out:** JSON, links, digests. What is written parses back (a property), and byte for byte as it was written
//! before (golden files).
//! **What never happens here:** no IO, no network, no clock, no decision. What does not parse is an error with a sentence, or, of
//! a line on disk, kept as it is and counted.
//!
//! The words for how an interview ended ([`Outcome`], [`Ending`]) are the session machine's, and come from there.

mod arrival;
mod check;
mod digest;
mod dispatch;
mod end_reason;
mod entry;
mod event;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod history;
mod join;
mod link;
mod monitor;
mod note;
mod outcome;
mod plain_text;
mod policy;
mod problem;
mod receipt;
mod record;
mod replacement;
mod roster;
mod seat;
mod secret;
mod source;
mod status;
mod transcript_source;

pub use adjourn_session::{Ending, Outcome, Policy, Role, UnknownOutcome};
pub use arrival::{Arrival, UnknownArrival};
pub use check::{CheckAnswer, CheckRequest, Invited};
pub use digest::sha256;
pub use dispatch::{DispatchMetadata, EndedByOrganiser, RoomMetadata};
pub use end_reason::{RoomEnd, SessionEnd};
pub use entry::{Entry, Line, Unreadable};
pub use event::{Event, EventData, EventKind, EventPage, InterviewEvent, Reporter, UnknownEventKind};
pub use history::{Happened, Teller, UnknownWord};
pub use join::{ClientInfo, InterviewInfo, JoinAnswer, JoinRequest, LiveKitInfo};
pub use link::{InviteLink, LinkError, code_as_printed};
pub use monitor::{
    CenterSeats, GivenOrder, NumberedOrder, OrderGiven, SeatOrder, SeatOrders, SeatSeen, SeatStage,
    SeatState, SeatTold,
};
pub use note::{AudioStatistics, Checked, DeviceCheck, DeviceUsed, LinkStatistics, Note, ToolEnded};
pub use plain_text::{is_plain, plain_text};
pub use policy::{differences, policy_constants, policy_of, policy_with_known};
pub use problem::{Problem, ProblemCode};
pub use receipt::{ReceiptAnswer, ReceiptClaims};
pub use record::{Decided, LONGEST_ADJUSTMENT, Record, RecordHead, TYPED, Turn, is_typed, letters};
pub use replacement::{JobDied, Replaced, ReplacementAsked};
pub use roster::{
    Assignment, AssignmentAsked, CenterRoster, RosterEntry, RosterImported, RosterMade, RosterState,
};
pub use seat::{LockLevel, SeatNote, Weakness};
pub use secret::Secret;
pub use source::{Source, UnknownSource};
pub use status::{HistoryEntry, InterviewState, InterviewStatus, InterviewerState, RoomState};
pub use transcript_source::TranscriptSource;
