//! The connection to the interview room: one room at a time, entered, probed, listened to and left.

use std::sync::Arc;
use std::time::Duration;

use adjourn_protocol::LiveKitInfo;
use adjourn_room::{ConnectError, Joined, Microphone, Refusal, RoomEvent, RoomHandle, Transport};
use adjourn_session::{Input, LeaveReason, Participant, ProbeKind};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::event::{Event, Events};

/// The conversation so far is asked for again after this, until it is told; each time the pause is twice as long, for
/// an interviewer that tells nothing and a link that is narrow.
const HISTORY_AGAIN: Duration = Duration::from_secs(3);
/// Longest pause.
const HISTORY_LONGEST: Duration = Duration::from_secs(96);
/// Attempts that ended and wait to be looked at; there is one at a time.
const WAITING_ROOMS: usize = 4;

/// What an attempt to enter a room came to.
pub(crate) type Entered<R> = Result<Joined<R>, ConnectError>;

pub(crate) struct Connection<T: Transport> {
    transport: Arc<T>,
    rooms: mpsc::Sender<Entered<T::Room>>,
    /// The room that was entered last. It stays while the next one is being entered, and is muted, read and left as
    /// before: it may heal, and leaving it would end the session of an interviewer that closes when its candidate leaves.
    /// Our next presence takes its place.
    room: Option<Arc<T::Room>>,
    room_sid: String,
    /// What comes out of it.
    room_events: Option<mpsc::Receiver<RoomEvent>>,
    /// As far as it says itself, we are in it.
    inside: bool,
    /// That our place was taken, told while we were entering anew: by us, if that succeeds; else by somebody else.
    replaced: Option<Input>,
    connecting: Option<JoinHandle<()>>,
    /// The room is being left.
    leaving: Option<JoinHandle<()>>,
    /// The interviewer that is pinned in this room.
    pinned: Option<String>,
    /// When its conversation so far was last asked for, until it is told, and the pause until it is asked again.
    history_asked: Option<(Instant, Duration)>,
    /// The probe that was sent last.
    last_probe: u64,
    /// The last try to enter the room was answered, and refused.
    turned_away: bool,
    /// What kept us out the last time.
    refusal: Option<Refusal>,
}

impl<T: Transport> Connection<T> {
    /// With where attempts' results come from.
    pub(crate) fn new(transport: T) -> (Self, mpsc::Receiver<Entered<T::Room>>) {
        let (rooms, entered) = mpsc::channel(WAITING_ROOMS);
        let connection = Self {
            transport: Arc::new(transport),
            rooms,
            room: None,
            room_sid: String::new(),
            room_events: None,
            inside: false,
            replaced: None,
            connecting: None,
            leaving: None,
            pinned: None,
            history_asked: None,
            last_probe: 0,
            turned_away: false,
            refusal: None,
        };
        (connection, entered)
    }

    /// What enters rooms.
    pub(crate) fn transport(&self) -> Arc<T> {
        Arc::clone(&self.transport)
    }

    /// Enters the room, beside the loop, unless it is being entered already.
    pub(crate) fn connect(&mut self, livekit: LiveKitInfo) {
        if self.connecting.is_some() {
            return;
        }
        let (transport, rooms) = (Arc::clone(&self.transport), self.rooms.clone());
        let enter = async move {
            let joined = transport.connect(&livekit.url, livekit.token.expose()).await;
            // The loop is gone: the process is ending.
            let _ = rooms.send(joined).await;
        };
        self.connecting = Some(tokio::spawn(enter.in_current_span()));
    }

    /// Gives up entering.
    pub(crate) fn cancel(&mut self) {
        self.connecting.take().inspect(JoinHandle::abort);
    }

    /// An attempt ended; `wanted`: somebody still wants to be in. Gives what to tell the session, in order, and where sound
    /// goes.
    pub(crate) fn entered(
        &mut self,
        entered: Entered<T::Room>,
        wanted: bool,
        muted: bool,
    ) -> (Vec<Input>, Option<Microphone>) {
        self.connecting = None;
        let replaced = self.replaced.take();
        match entered {
            Ok(joined) if wanted => {
                let room = Arc::new(joined.room);
                // Muted first: what is said meanwhile is nobody's to hear.
                room.set_muted(muted);
                let microphone = room.microphone();
                // The earlier one is dropped only now.
                (self.room, self.room_events, self.inside) = (Some(room), Some(joined.events), true);
                self.room_sid.clone_from(&joined.room_sid);
                (self.pinned, self.history_asked, self.turned_away) = (None, None, false);
                let input = Input::Connected { room_sid: joined.room_sid, roster: joined.roster };
                (vec![input], Some(microphone))
            }
            // Given up meanwhile: dropping it leaves.
            Ok(_) => (Vec::new(), None),
            Err(error) => {
                tracing::warn!(%error, "the room could not be entered");
                self.turned_away = error.turned_away;
                self.refusal = Some(error.refusal);
                let failed = Input::ConnectFailed { message: error.to_string() };
                // What is left is the earlier connection, if there is one.
                (std::iter::once(failed).chain(replaced.or_else(|| self.still_inside())).collect(), None)
            }
        }
    }

    /// That we are in the room of the earlier connection, if we are.
    fn still_inside(&self) -> Option<Input> {
        let room = self.room.as_ref().filter(|_| self.inside)?;
        Some(Input::Reconnected { room_sid: self.room_sid.clone(), roster: room.roster() })
    }

    /// Whether the interview room's servers were reached at last, and let nobody in.
    pub(crate) fn turned_away(&self) -> bool {
        self.turned_away
    }

    /// What kept us out the last time.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    /// The next event of the room, if there is one.
    pub(crate) async fn next_room_event(&mut self) -> RoomEvent {
        loop {
            let Some(open) = &mut self.room_events else { return std::future::pending().await };
            let Some(event) = open.recv().await else {
                // The room is gone; what there was to say of it has been said.
                (self.room_events, self.inside) = (None, false);
                continue;
            };
            let RoomEvent::Input(input) = &event else { return event };
            let taken = Input::Disconnected { reason: LeaveReason::DuplicateIdentity };
            if *input == taken && self.connecting.is_some() {
                (self.inside, self.replaced) = (false, Some(taken));
                continue;
            }
            if matches!(input, Input::Disconnected { .. } | Input::Reconnecting) {
                self.inside = false;
            } else if matches!(input, Input::Reconnected { .. }) {
                self.inside = true;
            }
            return event;
        }
    }

    pub(crate) fn roster(&self) -> Option<Vec<Participant>> {
        self.room.as_ref().map(|room| room.roster())
    }

    pub(crate) fn probe(&mut self, sid: &str, probe: ProbeKind, id: u64) {
        self.last_probe = self.last_probe.max(id);
        if let Some(room) = &self.room {
            room.probe(sid, probe, id);
        }
    }

    /// The number of the probe that was sent last.
    pub(crate) fn last_probe(&self) -> u64 {
        self.last_probe
    }

    pub(crate) fn request_stats(&self) {
        if let Some(room) = &self.room {
            room.request_stats();
        }
    }

    pub(crate) fn set_muted(&self, muted: bool) {
        if let Some(room) = &self.room {
            room.set_muted(muted);
        }
    }

    /// This participant is the interviewer from now on. Gives whether it was not before, in this room.
    pub(crate) fn pin(&mut self, sid: &str) -> bool {
        let Some(room) = self.room.as_ref().filter(|_| self.pinned.as_deref() != Some(sid)) else {
            return false;
        };
        room.pin(sid);
        self.pinned = Some(sid.to_owned());
        self.ask_history();
        true
    }

    /// Asks the interviewer for the conversation so far: what was said before we came, or while we were out of the
    /// room.
    pub(crate) fn ask_history(&mut self) {
        self.ask_history_and_again_after(HISTORY_AGAIN);
    }

    fn ask_history_and_again_after(&mut self, pause: Duration) {
        if let (Some(room), Some(sid)) = (&self.room, &self.pinned) {
            room.ask_history(sid);
            self.history_asked = Some((Instant::now(), pause));
        }
    }

    /// Asks again what was asked and not told.
    pub(crate) fn ask_history_again(&mut self) {
        let due = self.history_asked.filter(|(at, pause)| at.elapsed() >= *pause);
        if let Some((_, pause)) = due {
            self.ask_history_and_again_after((pause * 2).min(HISTORY_LONGEST));
        }
    }

    /// The conversation so far is told. Gives whether by the interviewer.
    pub(crate) fn history_told(&mut self, sid: &str) -> bool {
        let by_interviewer = self.pinned.as_deref() == Some(sid);
        if by_interviewer {
            self.history_asked = None;
        }
        by_interviewer
    }

    /// Gives the interviewer what the candidate typed; false where there is none.
    pub(crate) fn type_to_interviewer(&self, text: String) -> bool {
        let (Some(room), Some(sid)) = (&self.room, &self.pinned) else { return false };
        room.type_to(sid, text);
        true
    }

    /// Leaves the room, beside the loop, after what is buffered was played. Gives whether there was one to leave, or it is
    /// being left already.
    pub(crate) fn leave(&mut self, buffered: Duration, events: &Events) -> bool {
        // A room that is still being entered would be entered for nobody.
        self.cancel();
        let Some(room) = self.room.take() else { return self.leaving.is_some() };
        let events = events.clone();
        let leave = async move {
            tokio::time::sleep(buffered).await;
            room.leave().await;
            events.tell(Event::Left).await;
        };
        self.leaving = Some(tokio::spawn(leave.in_current_span()));
        true
    }

    /// Waits until the room is left, for so long: a dead link must not hold the exit.
    pub(crate) async fn left(&mut self, limit: Duration) {
        if let Some(leaving) = self.leaving.take() {
            let _ = tokio::time::timeout(limit, leaving).await;
        }
    }
}
