//! The whole state of the screen, as one value.

use adjourn_kiosk::SeatEnd;
use adjourn_session::{Outcome, Role};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::sound_check::{Finding, SoundFindings};
use crate::voice_options::VoiceOptions;
use crate::{Appearance, Language, Message};

/// Which screen is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "Screen.ts")]
pub enum Screen {
    /// No link yet.
    #[default]
    Start,
    /// No link yet, at a seat of a test center: a code is entered.
    Seat,
    /// A host that was not used before has to be confirmed.
    ConfirmHost,
    /// Device check.
    Checking,
    /// On the way into the room.
    Joining,
    /// In the room, the interviewer is not ready yet.
    Waiting,
    /// The interview.
    Interview,
    /// The record is being written.
    WrappingUp,
    /// The end.
    Completed,
}

/// A caption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "Caption.ts")]
pub struct Caption {
    /// Id; later lines with the same id replace it.
    pub id: String,
    /// Who speaks.
    #[ts(type = "\"candidate\" | \"interviewer\"")]
    pub speaker: Role,
    /// What.
    pub text: String,
    /// Whether it will not change any more.
    pub done: bool,
}

/// What the interviewer does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "InterviewerState.ts")]
pub enum InterviewerState {
    /// Not there yet.
    #[default]
    Absent,
    /// Listens.
    Listening,
    /// Thinks.
    Thinking,
    /// Speaks.
    Speaking,
    /// Does not answer at the moment.
    Checking,
    /// Left; somebody may come back.
    Gone,
}

/// Whose turn it is, as the ring shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "PresenceState.ts")]
pub enum PresenceState {
    /// On the way into the room.
    Joining,
    /// No interviewer is there yet.
    Waiting,
    /// There, and has said nothing yet.
    Greeting,
    /// It is the candidate's turn.
    Listening,
    /// The interviewer speaks.
    Speaking,
    /// The interviewer thinks.
    Thinking,
    /// The interviewer ended the interview; it is about to be decided.
    Goodbye,
    /// The room is gone, and it is asked why.
    Closed,
    /// The interviewer does not answer.
    Checking,
    /// The interviewer left; somebody may come back.
    Gone,
    /// A person took the interviewer's place.
    Person,
    /// Our own connection does not deliver.
    Reconnecting,
    /// It is the candidate's turn, and they switched their microphone off.
    Muted,
    /// It is the candidate's turn, and nobody hears them for another reason.
    NotHeard,
    /// It is the candidate's turn, and they hear nobody.
    HearsNothing,
}

/// What goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "Presence.ts")]
pub struct Presence {
    /// As the ring shows it.
    pub state: PresenceState,
    /// In few words.
    pub heading: Message,
    /// What it means, or what to do.
    pub line: Option<Message>,
    /// Whole seconds, at the time of this snapshot, after which this is over at the latest, where it is waited for.
    #[ts(type = "number | null")]
    pub seconds_left: Option<u64>,
}

/// What the candidate is invited to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "Invitation.ts")]
pub struct Invitation {
    /// Who invites, if they gave a name.
    pub organiser: Option<String>,
    /// How long it takes at most, in minutes.
    #[ts(type = "number")]
    pub minutes: i64,
    /// It was begun before, here or at another computer.
    pub begun: bool,
}

/// What the candidate needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "Adjustment.ts")]
pub struct Adjustment {
    /// Of which link, counted: what is written is for that one.
    pub of: u32,
    /// In their own words; empty: nothing.
    pub text: String,
    /// It is on this computer's disk, and will be in the interview's record.
    pub kept: bool,
    /// It could not be kept there.
    pub failed: bool,
}

/// A device to choose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "DeviceList.ts")]
pub struct DeviceList {
    /// Id and name of every device.
    pub devices: Vec<(String, String)>,
    /// Id of the chosen one; `None` for the system's default.
    pub chosen: Option<String>,
    /// Id of the one that is really open, where the system says so.
    pub open: Option<String>,
    /// Name of the system's default.
    pub default_name: Option<String>,
    /// Why the chosen one does not work.
    pub problem: Option<Message>,
    /// The chosen one is not there, and another one stands in for it.
    pub away: Option<Message>,
    /// The one that is open is muted, or turned down to nothing, in the system's settings.
    pub muted: Option<Message>,
}

impl DeviceList {
    /// Takes over which devices there are.
    pub(crate) fn list(&mut self, found: &[adjourn_audio::Device]) {
        self.default_name = found.iter().find(|device| device.default).map(|device| device.name.clone());
        self.devices = found.iter().map(|device| (device.id.clone(), device.name.clone())).collect();
    }
}

/// A field to type into.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "TypingField.ts")]
pub struct TypingField {
    /// What was sent is on its way; the next one is taken after it.
    pub sending: bool,
    /// What did not go out, to be sent again.
    pub not_sent: Option<String>,
    /// What was being typed, for a page that is loaded again.
    pub draft: String,
}

/// A question to the candidate; the answers are "keep waiting" and "it is over".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "Asking.ts")]
pub struct Asking {
    /// The question.
    pub question: Message,
    /// What is known, in plain words.
    pub explanation: Message,
    /// How to say that it goes on.
    pub go_on: Message,
    /// Whole seconds, at the time of this snapshot, until the interview ends without an answer.
    #[ts(type = "number | null")]
    pub seconds_left: Option<u64>,
}

/// The end screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "Completed.ts")]
pub struct Completed {
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Heading.
    pub headline: Message,
    /// Why it ended.
    pub reason: Message,
    /// What happens next, if there is more to say than [`Self::fate`] does.
    pub next: Option<Message>,
    /// When the end was decided, RFC 3339.
    pub ended_at: String,
    /// What the decision rests on, latest first.
    pub signs: Vec<Sign>,
    /// The interviewer's own report says that the interview was finished: once it does.
    pub confirmed: Option<Message>,
    /// Where the record is.
    pub delivery: RecordState,
    /// What that means for the candidate: it alone says whether the window may be closed.
    pub fate: Message,
    /// Nothing is lost, and nothing has to be waited for, if the window is closed now.
    pub can_close: bool,
    /// What does not get through by itself can be handed over as a file.
    pub can_copy: bool,
    /// Receipt's number, once verified.
    pub receipt: Option<String>,
}

/// Where the record of an interview is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "RecordState.ts")]
pub enum RecordState {
    /// It is being written to the disk.
    Saving,
    /// On the disk, and on its way.
    Sending,
    /// On the disk; delivered later.
    Saved,
    /// On the disk; the backend does not take it.
    Parked,
    /// The disk does not take it; on its way from memory.
    Unsaved,
    /// Neither the disk nor the backend takes it.
    Refused,
    /// At the backend, with a receipt.
    Received,
}

impl RecordState {
    /// The word for it, as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Saving => "saving",
            Self::Sending => "sending",
            Self::Saved => "saved",
            Self::Parked => "parked",
            Self::Unsaved => "unsaved",
            Self::Refused => "refused",
            Self::Received => "received",
        }
    }

    /// Whether nothing more comes of it while this client runs, as far as is known.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Saving | Self::Sending | Self::Unsaved => false,
            Self::Saved | Self::Parked | Self::Refused | Self::Received => true,
        }
    }
}

/// One thing that an end was decided by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "Sign.ts")]
pub struct Sign {
    /// What.
    pub what: Message,
    /// When, RFC 3339.
    pub at: String,
}

/// The seat of a test center that this window is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "SeatView.ts")]
pub struct SeatView {
    /// Its name in its center; empty: it does not know.
    pub name: String,
    /// Its center.
    pub center: String,
    /// Its policy was looked at.
    pub ready: bool,
    /// Languages that can be chosen, the first one is shown until somebody does; empty: all.
    pub languages: Vec<Language>,
    /// Why nobody can begin an interview here.
    pub trouble: Option<SeatTrouble>,
    /// An interview broke off here, and goes on for whoever enters its code.
    pub broke_off: bool,
    /// Somebody called for help.
    pub help: bool,
    /// What the center has to say to whoever sits here.
    pub message: Option<String>,
    /// The staff tells when an interview may begin.
    pub on_hold: bool,
    /// What came of the last PIN.
    pub pin: PinAnswer,
    /// Whole seconds, at the time of this snapshot, after which nothing of this candidate is left here, once they are counted.
    #[ts(type = "number | null")]
    pub seconds_left: Option<u64>,
    /// The interview is over and what was said is safe: the next one may come.
    pub may_go: bool,
    /// The window is about to close.
    #[serde(skip)]
    pub ends: Option<SeatEnd>,
}

/// Why nobody can begin an interview at a seat. The details are for whoever looks after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export, export_to = "SeatTrouble.ts")]
pub enum SeatTrouble {
    /// It has no policy that is good here and now.
    Policy {
        /// Why.
        detail: String,
    },
    /// Something is missing or broken that an interview needs.
    Unwell {
        /// What, and what to do.
        detail: String,
    },
    /// It is locked less than its policy wants.
    NotLocked {
        /// What is weak.
        detail: String,
    },
}

impl SeatTrouble {
    /// Why, for whoever looks after the seat.
    pub(crate) fn into_detail(self) -> String {
        match self {
            Self::Policy { detail } | Self::Unwell { detail } | Self::NotLocked { detail } => detail,
        }
    }
}

/// What came of a PIN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export, export_to = "PinAnswer.ts")]
pub enum PinAnswer {
    /// None was tried.
    #[default]
    None,
    /// It opens nothing.
    Wrong,
    /// Too many were wrong.
    Wait {
        /// So long nothing is tried.
        #[ts(type = "number")]
        seconds: u64,
    },
    /// It is right; what was said is nowhere safe and would be lost: once more, and the seat is let go all the same.
    Loses,
}

/// The whole state of the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "Snapshot.ts")]
pub struct Snapshot {
    /// Grows with every snapshot.
    #[ts(type = "number")]
    pub seq: u64,
    /// Of the program, for who asks; empty before it has begun.
    pub version: String,
    /// Which screen.
    pub screen: Screen,
    /// How the window looks, and which language it speaks.
    pub appearance: Appearance,
    /// The interview's title, once known.
    pub title: Option<String>,
    /// What the link invites to, before the interview, once known.
    pub invitation: Option<Invitation>,
    /// What the candidate needs, before the interview.
    pub adjustment: Option<Adjustment>,
    /// How the organiser is reached, once known.
    pub contact: Option<String>,
    /// Host to confirm, or in use.
    pub host: Option<String>,
    /// What is wrong, and what to do.
    pub problem: Option<Message>,
    /// Whether trying again can help.
    pub can_retry: bool,
    /// What else to know, that is no reason to stop.
    pub notices: Vec<Message>,
    /// Microphones.
    pub input: DeviceList,
    /// Loudspeakers.
    pub output: DeviceList,
    /// What the device check finds.
    pub check: SoundFindings,
    /// What was found of the way to the interview room, once it is tried.
    pub connection: Option<Finding>,
    /// Where the candidate can type instead of speaking.
    pub typing: Option<TypingField>,
    /// What the candidate can choose about their own voice.
    pub voice: VoiceOptions,
    /// Whether the microphone is open.
    pub microphone_open: bool,
    /// Why nobody hears the candidate, or they hear nobody, besides what the line on what goes on says.
    pub sound: Vec<Message>,
    /// Whether the microphone is muted.
    pub muted: bool,
    /// Whether our own connection delivers.
    pub connected: bool,
    /// What the interviewer does.
    pub interviewer: InterviewerState,
    /// What goes on, on the way into the room and in it.
    pub presence: Option<Presence>,
    /// What the candidate is asked, if anything: whether the interview goes on.
    pub asking: Option<Asking>,
    /// Whether the candidate is asked if the interview shall end, because the window was to be closed.
    pub closing: bool,
    /// A report of a problem, to be read before it is saved.
    pub problem_report: Option<String>,
    /// Captions, oldest first.
    pub captions: Vec<Caption>,
    /// Whole seconds since the interview began, at the time of this snapshot.
    #[ts(type = "number | null")]
    pub elapsed_s: Option<u64>,
    /// Whole seconds until the interview's maximum length, at the time of this snapshot.
    #[ts(type = "number | null")]
    pub remaining_s: Option<u64>,
    /// The time is nearly over: so many minutes are left at most, 5 or 1.
    #[ts(type = "number | null")]
    pub minutes_left: Option<u64>,
    /// The end.
    pub completed: Option<Completed>,
    /// The seat, in a test center.
    pub seat: Option<SeatView>,
}

/// Levels in dBFS, -120 for silence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "Meters.ts")]
pub struct Meters {
    /// Microphone.
    pub input: f32,
    /// Loudspeaker.
    pub output: f32,
}
