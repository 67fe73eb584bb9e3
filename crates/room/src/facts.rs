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

/// Decoded sound of one participant: 10 ms frames, 48 kHz, mono.
pub struct Sound {
    /// Whose.
    pub sid: String,
    /// The frames; ends with the track.
    pub frames: BoxStream<'static, Vec<i16>>,
}

impl std::fmt::Debug for Sound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sound").field("sid", &self.sid).finish_non_exhaustive()
    }
}

/// One thing that came out of the room.
#[derive(Debug)]
pub enum Fact {
    /// For the machine.
    Input(Input),
    /// For the record.
    Said {
        /// Reported by whom.
        sid: String,
        /// What.
        said: Said,
    },
    /// For the screen.
    Caption(Caption),
    /// For the loudspeaker.
    Sound(Sound),
}

/// Where facts go. Bounded: a late reader holds the room's translator back, nothing is dropped.
pub type Facts = mpsc::Sender<Fact>;
