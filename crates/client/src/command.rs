//! What a person can ask for.

use adjourn_audio::DeviceKind;
use adjourn_protocol::Secret;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Language, TextSize, Theme, VoiceStage};

/// Microphone or loudspeaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "SoundSide.ts")]
pub enum SoundSide {
    /// The candidate's voice.
    Microphone,
    /// The interviewer's voice.
    Loudspeaker,
}

impl From<SoundSide> for DeviceKind {
    fn from(side: SoundSide) -> Self {
        match side {
            SoundSide::Microphone => Self::Microphone,
            SoundSide::Loudspeaker => Self::Loudspeaker,
        }
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "command", rename_all = "snake_case")]
#[ts(export, export_to = "Command.ts")]
pub enum Command {
    /// Use this link (opened, typed or from the command line).
    OpenLink {
        /// The link.
        link: String,
    },
    /// The host of the link may be used.
    ConfirmHost,
    /// Forget the link.
    ForgetLink,
    /// Choose a device.
    ChooseDevice {
        /// For which side of the sound.
        side: SoundSide,
        /// Id of the device; `None` for the system's default.
        id: Option<String>,
    },
    /// Try the way to the interview room again.
    TryConnection,
    /// Look for devices again.
    RefreshDevices,
    /// Play the test sound.
    PlayTestSound,
    /// Whether the test sound was heard.
    ChimeHeard {
        /// Whether it was.
        heard: bool,
    },
    /// Record the candidate's voice for three seconds, and play it.
    RecordSample,
    /// The candidate needs something that the organiser should know of; empty: nothing any more.
    AskAdjustment {
        /// For which link, by the snapshot's number of it.
        of: u32,
        /// What, in their own words.
        text: String,
    },
    /// The device check is done: join.
    Join,
    /// Save a copy of the report for the organiser, where a person finds it.
    SaveCopy,
    /// Save the receipt as a page, where a person finds it.
    SaveReceipt,
    /// Show what a report of a problem would say, as it is now.
    WriteProblemReport,
    /// Save that report, where a person finds it.
    SaveProblemReport,
    /// Leave it.
    DropProblemReport,
    /// Mute or unmute the microphone.
    SetMuted {
        /// Whether it is muted.
        muted: bool,
    },
    /// The voice is heard only while a key is held, or always.
    SetPushToTalk {
        /// Whether it is.
        on: bool,
    },
    /// That key was pressed, or let go.
    Talk {
        /// Whether it is held.
        talking: bool,
    },
    /// Do, or leave out, a stage of what is done to the voice.
    SetStage {
        /// Which.
        stage: VoiceStage,
        /// Whether it is wanted.
        on: bool,
    },
    /// Give the interviewer this as an answer, without speaking.
    Type {
        /// What was typed.
        text: String,
    },
    /// This is being typed, and not sent yet: a page that is loaded again has it in its field.
    Draft {
        /// So far.
        text: String,
    },
    /// Unmute a device in the system's settings.
    UnmuteInSystem {
        /// Which.
        side: SoundSide,
    },
    /// Speak this language from now on.
    SetLanguage {
        /// Which.
        language: Language,
    },
    /// Have these colours.
    SetTheme {
        /// Which.
        theme: Theme,
    },
    /// Show captions in this size.
    SetTextSize {
        /// Which.
        size: TextSize,
    },
    /// End the interview (already confirmed).
    End,
    /// Answer to "is your interview still going on?": yes.
    GoOn,
    /// The window shall be closed: asked back while an interview is open.
    Close,
    /// The question that [`Command::Close`] led to is on the screen.
    CloseAsked,
    /// The window shall stay open after all.
    Stay,
    /// At a seat of a test center: this code was entered.
    EnterCode {
        /// The code.
        #[ts(type = "string")]
        code: Secret,
    },
    /// At a seat: somebody is to come, or need not come any more.
    CallHelp {
        /// Whether.
        on: bool,
    },
    /// At a seat: a supervisor's PIN.
    TryPin {
        /// As it was typed.
        #[ts(type = "string")]
        pin: Secret,
    },
    /// At a seat: the candidate is done with the end screen.
    NextCandidate,
    /// End now: the system is shutting down.
    Quit,
}
