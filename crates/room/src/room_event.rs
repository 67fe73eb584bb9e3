//! What comes out of a room.

use adjourn_session::{Input, Role};
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// A finished piece of conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The agent's id of the item; the same item may come twice (event and history).
    pub id: String,
    /// Who said it.
    pub role: Role,
    /// What.
    pub text: String,
    /// Whether the candidate interrupted it.
    pub interrupted: bool,
}

/// A line being spoken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caption {
    /// Id of the segment; later captions of one segment replace earlier ones.
    pub segment: String,
    /// Who speaks.
    pub role: Role,
    /// What, so far.
    pub text: String,
    /// Whether it will not change any more.
    pub done: bool,
}

/// What a track is, as far as its publisher says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SoundKind {
    /// Somebody's voice.
    Voice,
    /// Music or noise beside a voice (livekit-agents' `BackgroundAudioPlayer`).
    Background,
}

/// Decoded sound of one track: 10 ms frames, 48 kHz, mono.
pub struct Sound {
    /// Id of the publisher's presence.
    pub sid: String,
    /// Identity for whom it speaks: the publisher's own, or whom an avatar stands for.
    pub speaks_for: String,
    /// Id of the track.
    pub track: String,
    /// What it is.
    pub kind: SoundKind,
    /// The frames; ends with the track.
    pub frames: BoxStream<'static, Vec<i16>>,
}

impl std::fmt::Debug for Sound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sound")
            .field("sid", &self.sid)
            .field("track", &self.track)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// How sound goes over the link, by WebRTC's own counters.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinkNumbers {
    /// There and back to the room's server, in seconds.
    pub round_trip: Option<f64>,
    /// Share of our own packets that the server missed lately, 0 to 1.
    pub sent_lost: Option<f64>,
    /// Of everything that is received now.
    pub received: ReceivedTotals,
}

/// Totals of the tracks that are received; fewer than before once a track is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReceivedTotals {
    /// Packets that came.
    pub packets: u64,
    /// Packets that did not; negative where more came twice.
    pub lost: i64,
    /// Seconds in the jitter buffer, summed over `emitted` samples.
    pub jitter_buffer: f64,
    /// Samples that left the jitter buffer.
    pub emitted: u64,
    /// Samples that were played, those included that stood in for what was lost.
    pub samples: u64,
    /// Samples that stood in for what was lost.
    pub concealed: u64,
}

impl std::ops::AddAssign for ReceivedTotals {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.lost += other.lost;
        self.jitter_buffer += other.jitter_buffer;
        self.emitted += other.emitted;
        self.samples += other.samples;
        self.concealed += other.concealed;
    }
}

/// What lets into a room. A secret: prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// One thing that came out of the room.
#[derive(Debug)]
pub enum RoomEvent {
    /// For the machine.
    Input(Input),
    /// For the record.
    Said {
        /// Reported by whom.
        sid: String,
        /// What.
        said: Said,
    },
    /// The conversation so far, as the interviewer's session tells it when it is asked.
    History {
        /// By whom.
        sid: String,
        /// Every turn, in order.
        said: Vec<Said>,
        /// A tool that ended and was the last thing to happen, but for the interviewer's own words to it.
        last_tool: Option<Input>,
    },
    /// For who wants to see numbers; twice a second.
    Link(LinkNumbers),
    /// The server gave a fresh token, to enter this room again with.
    Token(Token),
    /// For the screen.
    Caption(Caption),
    /// What the candidate typed last.
    Typed {
        /// Whether it went out.
        sent: bool,
    },
    /// For the loudspeaker.
    Sound(Sound),
}

/// Where events go. Bounded: a late reader holds the room's translator back, nothing is dropped.
pub(crate) type EventSender = mpsc::Sender<RoomEvent>;

/// Events that wait at most; the room is held back beyond that.
pub(crate) const WAITING_EVENTS: usize = 1_024;
