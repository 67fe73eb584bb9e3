//! The timeline: what happened to connection, interviewer and devices.

use adjourn_session::{AgentState, Input, LeaveReason, Outcome};
use serde::{Deserialize, Serialize};

use crate::SeatNote;

/// One thing on the timeline. On disk: `{"what": …, "detail": …}`, the detail `null` where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", content = "detail", rename_all = "snake_case")]
pub enum Note {
    /// The backend granted the join.
    Joined,
    /// The room was entered; the id is that of this life of it.
    Connected {
        /// LiveKit's id of the room.
        room_sid: String,
    },
    /// The connection to the room is interrupted.
    Reconnecting,
    /// It was restored.
    Reconnected {
        /// LiveKit's id of the room.
        room_sid: String,
    },
    /// It is over.
    Disconnected {
        /// Why, as far as LiveKit said.
        reason: LeaveReason,
    },
    /// This participant is the interviewer from now on.
    InterviewerPinned {
        /// Id of its presence.
        sid: String,
        /// Its identity, if it is still listed.
        identity: Option<String>,
    },
    /// The interviewer was lost, and another one was asked for in its place.
    InterviewerLost {
        /// Id of its presence.
        sid: String,
        /// Its identity.
        identity: String,
        /// How the interview ends if nobody comes: why it counts as lost.
        #[serde(with = "crate::outcome")]
        otherwise: Outcome,
    },
    /// The interview began.
    Live,
    /// What the interviewer does.
    Interviewer {
        /// Its session's state.
        state: AgentState,
    },
    /// A tool of the interviewer ended.
    ToolEnded(ToolEnded),
    /// Somebody left the room.
    ParticipantLeft {
        /// Why, as far as LiveKit said.
        reason: LeaveReason,
    },
    /// The candidate muted the microphone.
    Muted,
    /// The candidate's microphone is heard again.
    Unmuted,
    /// What the device check had found when the candidate went on.
    DeviceCheck(DeviceCheck),
    /// The candidate needs something that the organiser should know of, in their own words.
    AdjustmentAsked {
        /// What they wrote.
        text: String,
    },
    /// The seat of a test center at which the interview is held.
    Seat(SeatNote),
    /// Counters of microphone and loudspeaker, at the end.
    Audio(AudioStatistics),
    /// There was more than a timeline takes.
    NotesLeftOut {
        /// How many notes are missing.
        count: u64,
    },
}

impl Note {
    /// The life of the room that was entered, or gone on in.
    pub fn room_sid(&self) -> Option<&String> {
        if let Self::Connected { room_sid } | Self::Reconnected { room_sid } = self {
            Some(room_sid)
        } else {
            None
        }
    }

    /// Who is the interviewer from now on.
    pub fn interviewer(&self) -> Option<&String> {
        if let Self::InterviewerPinned { identity, .. } = self { identity.as_ref() } else { None }
    }

    /// Whether it is always kept, however many notes there are: what names the room's lives, its interviewers and their losses.
    pub fn is_always_kept(&self) -> bool {
        self.room_sid().is_some()
            || matches!(self, Self::InterviewerPinned { .. } | Self::InterviewerLost { .. })
    }
}

/// A tool of the interviewer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolEnded {
    /// The interviewer's presence.
    pub sid: String,
    /// The tool.
    pub name: String,
    /// Whether it succeeded.
    pub ok: bool,
    /// The call.
    pub call_id: String,
}

impl ToolEnded {
    /// The tool of which an input tells, if it does.
    pub fn of(input: &Input) -> Option<Self> {
        let Input::ToolEnded { sid, name, ok, call_id } = input else { return None };
        Some(Self { sid: sid.clone(), name: name.clone(), ok: *ok, call_id: call_id.clone() })
    }

    /// As an input.
    pub fn input(self) -> Input {
        Input::ToolEnded { sid: self.sid, name: self.name, ok: self.ok, call_id: self.call_id }
    }
}

/// What a device check found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCheck {
    /// Of the microphone.
    pub microphone: Checked,
    /// Of the loudspeaker.
    pub loudspeaker: Checked,
    /// Of the way to the interview room.
    #[serde(default, skip_serializing_if = "Checked::is_not_tried")]
    pub connection: Checked,
}

/// How a device was found to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// Nobody tried.
    #[default]
    NotTried,
    /// It works.
    Good,
    /// It works, and could be better.
    Warning,
    /// It does not work.
    Bad,
}

impl Checked {
    fn is_not_tried(&self) -> bool {
        *self == Self::NotTried
    }
}

/// A device that was open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceUsed {
    /// Its name, as its system shows it.
    pub name: String,
    /// Samples a second, by itself.
    pub rate: u32,
    /// Channels, by itself.
    pub channels: u16,
    /// What it gives or takes at once, or keeps waiting, in milliseconds.
    pub buffer_ms: u16,
}

/// How sound went over the link, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStatistics {
    /// There and back to the room's server, in milliseconds, on average.
    pub round_trip_ms: u32,
    /// The longest that was seen of it.
    pub worst_round_trip_ms: u32,
    /// Packets of sound that came.
    pub packets: u64,
    /// Packets of sound that did not.
    pub lost_packets: u64,
    /// What waited in the jitter buffer, in milliseconds, on average.
    pub jitter_buffer_ms: u32,
    /// Sound that stood in for what was lost, in milliseconds.
    pub concealed_ms: u32,
}

/// Counters of everything that was open since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioStatistics {
    /// Frames of 10 ms that the microphone gave.
    pub captured_frames: u64,
    /// Samples of the microphone that nobody took in time.
    pub lost_samples: u64,
    /// Samples that the loudspeaker played.
    pub played_samples: u64,
    /// Times that the loudspeaker had nothing to play in the middle of sound.
    pub underruns: u64,
    /// Samples that were left out because they came too late.
    pub skipped_samples: u64,
    /// Times that a device had to be opened again.
    pub reopened: u64,
    /// The microphone that was open last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub microphone: Option<DeviceUsed>,
    /// The loudspeaker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loudspeaker: Option<DeviceUsed>,
    /// The way to the room, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkStatistics>,
}
