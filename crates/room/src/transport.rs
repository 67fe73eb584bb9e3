//! The seam: what a room can do, for the real one and the fake.

use adjourn_session::{Participant, ProbeKind};

use crate::{ConnectError, LinkCheck, RoomEvent};

/// What is known right after entering.
#[derive(Debug)]
pub struct Joined<R> {
    /// The room.
    pub room: R,
    /// Id of this life of the room.
    pub room_sid: String,
    /// Everybody else.
    pub roster: Vec<Participant>,
    /// What comes out of this room from now on. Of its own: nothing of it is read before the room is known to have
    /// been entered, and nothing of an earlier room can come between.
    pub events: tokio::sync::mpsc::Receiver<RoomEvent>,
}

/// Enters rooms.
pub trait Transport: Send + Sync + 'static {
    /// The room that is entered.
    type Room: RoomHandle;

    /// Enters the room at `url` that `token` names, and publishes the microphone. May take long on a
    /// silent host: the caller limits it by dropping the future.
    fn connect(
        &self,
        url: &str,
        token: &str,
    ) -> impl Future<Output = Result<Joined<Self::Room>, ConnectError>> + Send;

    /// Enters the room at `url` that `token` names, where nobody is, sends silence for three seconds, looks how that
    /// goes, and leaves. The caller limits it by dropping the future.
    fn try_link(
        &self,
        url: &str,
        token: &str,
    ) -> impl Future<Output = Result<LinkCheck, ConnectError>> + Send;
}

/// A room that was entered. Dropping it leaves the room.
pub trait RoomHandle: Send + Sync + 'static {
    /// Everybody else, now.
    fn roster(&self) -> Vec<Participant>;
    /// Sends probe `id`; an answer comes as an event.
    fn probe(&self, sid: &str, probe: ProbeKind, id: u64);
    /// This participant is the interviewer from now on: only its word that the interview is over is taken.
    fn pin(&self, sid: &str);
    /// Asks for the whole conversation so far, which comes as one [`RoomEvent::History`]. The
    /// request may be lost.
    fn ask_history(&self, sid: &str);
    /// Gives this participant words that the candidate typed, as a turn of theirs; whether they went out comes as one
    /// [`RoomEvent::Typed`].
    fn type_to(&self, sid: &str, text: String);
    /// Reads our connection's statistics; they come as events.
    fn request_stats(&self);
    /// Where microphone frames go.
    fn microphone(&self) -> Microphone;
    /// Stops or goes on sending sound.
    fn set_muted(&self, muted: bool);
    /// Leaves.
    fn leave(&self) -> impl Future<Output = ()> + Send;
}

/// Takes microphone frames of exactly 10 ms (480 samples at 48 kHz, mono), from a thread of the caller.
#[derive(Clone)]
pub struct Microphone(pub(crate) std::sync::Arc<TakeFrame>);

type TakeFrame = dyn Fn(&[i16]) + Send + Sync;

impl Microphone {
    /// Gives one frame to the encoder; takes 45 to 90 µs.
    pub fn push(&self, frame: &[i16]) {
        (self.0)(frame);
    }
}

impl std::fmt::Debug for Microphone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Microphone")
    }
}
