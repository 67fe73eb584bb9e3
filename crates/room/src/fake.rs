//! A room without LiveKit, for unit tests of what is built on [`Transport`].
//!
//! It keeps the real one's quirks: on a full reconnect everybody is reported as gone (reason
//! unknown) *before* `Reconnecting`; a session that closed leaves its participant in the room,
//! answering process probes; a frozen link swallows probes without an error.

use std::sync::Arc;
use std::time::Duration;

use adjourn_session::{AgentState, Input, LeaveReason, Participant, ParticipantKind, ProbeKind};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::link_check::{self, LinkCheck};
use crate::refusal::ConnectError;
use crate::room_event::{EventSender, LinkNumbers, RoomEvent, WAITING_EVENTS};
use crate::transport::{Joined, Microphone, RoomHandle, Transport};

/// What entering takes at least; with a real server 38 to 110 ms.
const ENTERING: Duration = Duration::from_millis(60);

/// Enters the fake room.
#[derive(Clone, Debug, Default)]
pub struct Fake {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    events: Option<EventSender>,
    roster: Vec<Participant>,
    session_open: bool,
    process_alive: bool,
    link_up: bool,
    /// The connection was restored, and its data still waits for what was lost.
    data_stalled: bool,
    refuse: Option<String>,
    /// How long entering takes.
    takes: Duration,
    received: u64,
    link_numbers: LinkNumbers,
    link_check: LinkCheck,
    left: bool,
    muted: bool,
    frames: u64,
    pongs: u64,
    process_answers: u64,
    /// Counts connections: what was sent over an earlier one is never answered.
    life: u64,
    histories: u64,
    typed: Vec<String>,
    swallows_typed: bool,
    /// How often the room was entered.
    entries: u64,
    token: String,
    early: Vec<Input>,
}

/// The fake room.
#[derive(Clone, Debug)]
pub struct FakeRoom {
    state: Arc<Mutex<State>>,
    entry: Arc<Entry>,
}

/// One stay in the room. Dropping it leaves, unless our next presence took its place.
#[derive(Debug)]
struct Entry {
    state: Arc<Mutex<State>>,
    number: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        state.left |= state.entries == self.number;
    }
}

impl Fake {
    /// The next time that the room is entered, this is said in it before the client hears that it is in.
    pub fn overtakes(&self, input: Input) {
        self.state.lock().early.push(input);
    }

    /// Makes the next attempts to enter fail.
    pub fn refuse(&self, message: &str) {
        self.state.lock().refuse = Some(message.to_owned());
    }

    /// The room can be entered again.
    pub fn admit(&self) {
        self.state.lock().refuse = None;
    }

    /// Entering takes so long.
    pub fn entering_takes(&self, takes: Duration) {
        self.state.lock().takes = takes;
    }

    /// An interviewer, as it is listed.
    pub fn interviewer(&self, sid: &str) -> Participant {
        Participant {
            sid: sid.to_owned(),
            identity: format!("agent-{sid}"),
            kind: ParticipantKind::Agent,
            agent_name: None,
            state: Some(AgentState::Listening),
            audio: true,
            name: None,
            marked: false,
        }
    }

    /// The interviewer comes, ready and answering.
    pub async fn interviewer_joins(&self, sid: &str) {
        let participant = self.interviewer(sid);
        {
            let mut state = self.state.lock();
            state.roster.push(participant.clone());
            state.session_open = true;
            state.process_alive = true;
        }
        self.say(RoomEvent::Input(Input::ParticipantJoined(participant))).await;
    }

    /// The session closes; the participant stays, as with a bare `session.shutdown()`.
    pub fn session_closes(&self) {
        self.state.lock().session_open = false;
    }

    /// The interviewer's process dies; nobody says so.
    pub fn process_dies(&self) {
        let mut state = self.state.lock();
        state.session_open = false;
        state.process_alive = false;
    }

    /// The interviewer leaves.
    pub async fn interviewer_leaves(&self, sid: &str, reason: LeaveReason) {
        self.state.lock().roster.retain(|p| p.sid != sid);
        self.say(RoomEvent::Input(Input::ParticipantLeft { sid: sid.to_owned(), reason })).await;
    }

    /// A full reconnect, in the SDK's order of events. Probes and requests that are under way are lost with the
    /// connection, and so is whatever was told meanwhile.
    pub async fn full_reconnect(&self) {
        let roster = {
            let mut state = self.state.lock();
            state.life += 1;
            state.link_up = false;
            state.received = 0;
            state.pongs = 0;
            state.process_answers = 0;
            state.roster.clone()
        };
        for p in &roster {
            let left = Input::ParticipantLeft { sid: p.sid.clone(), reason: LeaveReason::Unknown };
            self.say(RoomEvent::Input(left)).await;
        }
        self.say(RoomEvent::Input(Input::Reconnecting)).await;
        self.state.lock().link_up = true;
        self.say(RoomEvent::Input(Input::Reconnected { room_sid: "RM_fake".to_owned(), roster })).await;
    }

    /// The line was out for longer, and the SDK restores the connection: sound comes, data does not until the room is
    /// entered anew (measured: up to 15 s).
    pub async fn resume_without_data(&self) {
        self.say(RoomEvent::Input(Input::Reconnecting)).await;
        let roster = {
            let mut state = self.state.lock();
            state.data_stalled = true;
            state.roster.clone()
        };
        self.say(RoomEvent::Input(Input::Reconnected { room_sid: "RM_fake".to_owned(), roster })).await;
    }

    /// Data comes again.
    pub fn data_flows(&self) {
        self.state.lock().data_stalled = false;
    }

    /// How often the room was entered.
    pub fn entries(&self) -> u64 {
        self.state.lock().entries
    }

    /// Any other event.
    pub async fn say(&self, event: RoomEvent) {
        let events = self.state.lock().events.clone();
        if let Some(events) = events {
            // A test that dropped the client hears nothing more.
            let _ = events.send(event).await;
        }
    }

    /// Whether the room was left.
    pub fn is_left(&self) -> bool {
        self.state.lock().left
    }

    /// Session pings and process probes that were answered since the last full reconnect.
    pub fn answered(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.pongs, state.process_answers)
    }

    /// How often the conversation so far was asked for.
    pub fn histories(&self) -> u64 {
        self.state.lock().histories
    }

    /// What the interviewer was given that the candidate typed.
    pub fn typed(&self) -> Vec<String> {
        self.state.lock().typed.clone()
    }

    /// Nothing more is heard of what the candidate types, as when the room is entered anew meanwhile.
    pub fn swallows_typed(&self, swallows: bool) {
        self.state.lock().swallows_typed = swallows;
    }

    /// What the room was entered with last.
    pub fn token(&self) -> String {
        self.state.lock().token.clone()
    }

    /// Whether the microphone is muted.
    pub fn is_muted(&self) -> bool {
        self.state.lock().muted
    }

    /// What a try of the way to the server shows from now on.
    pub fn set_link_check(&self, check: LinkCheck) {
        self.state.lock().link_check = check;
    }

    /// The link's numbers from now on.
    pub fn set_link_numbers(&self, numbers: LinkNumbers) {
        self.state.lock().link_numbers = numbers;
    }

    /// Microphone frames that arrived.
    pub fn frames(&self) -> u64 {
        self.state.lock().frames
    }
}

impl Transport for Fake {
    type Room = FakeRoom;

    async fn connect(&self, _url: &str, token: &str) -> Result<Joined<FakeRoom>, ConnectError> {
        let takes = self.state.lock().takes;
        tokio::time::sleep(takes.max(ENTERING)).await;
        let mut state = self.state.lock();
        token.clone_into(&mut state.token);
        if let Some(message) = &state.refuse {
            return Err(ConnectError::of(message.clone()));
        }
        let (events, receiver) = mpsc::channel(WAITING_EVENTS);
        for input in std::mem::take(&mut state.early) {
            // There is room: it is new.
            let _ = events.try_send(RoomEvent::Input(input));
        }
        if let Some(before) = state.events.replace(events) {
            // The earlier stay is told why it ends, if it is still listened to.
            let reason = LeaveReason::DuplicateIdentity;
            let _ = before.try_send(RoomEvent::Input(Input::Disconnected { reason }));
        }
        // Each entry is a new participant, whose microphone is on.
        state.muted = false;
        state.link_up = true;
        state.data_stalled = false;
        state.life += 1;
        state.entries += 1;
        let roster = state.roster.clone();
        let entry = Entry { state: Arc::clone(&self.state), number: state.entries };
        Ok(Joined {
            room: FakeRoom { state: Arc::clone(&self.state), entry: Arc::new(entry) },
            room_sid: "RM_fake".to_owned(),
            roster,
            events: receiver,
        })
    }

    async fn try_link(&self, _url: &str, _token: &str) -> Result<LinkCheck, ConnectError> {
        let takes = self.state.lock().takes;
        tokio::time::sleep(takes.max(ENTERING)).await;
        let refused = self.state.lock().refuse.clone();
        if let Some(message) = refused {
            return Err(ConnectError::of(message));
        }
        tokio::time::sleep(link_check::SENDS).await;
        Ok(self.state.lock().link_check)
    }
}

impl FakeRoom {
    fn answer(&self, event: RoomEvent) {
        let state = Arc::clone(&self.state);
        let life = state.lock().life;
        tokio::spawn(async move {
            let events = {
                let state = state.lock();
                state.events.clone().filter(|_| state.life == life)
            };
            if let Some(events) = events {
                let _ = events.send(event).await;
            }
        });
    }
}

impl RoomHandle for FakeRoom {
    fn roster(&self) -> Vec<Participant> {
        self.state.lock().roster.clone()
    }

    fn probe(&self, sid: &str, probe: ProbeKind, id: u64) {
        let answers = {
            let mut state = self.state.lock();
            let answers = state.link_up
                && !state.data_stalled
                && match probe {
                    ProbeKind::Session => state.session_open,
                    ProbeKind::Process => state.process_alive,
                };
            match probe {
                ProbeKind::Session => state.pongs += u64::from(answers),
                ProbeKind::Process => state.process_answers += u64::from(answers),
            }
            answers
        };
        if answers {
            self.answer(RoomEvent::Input(Input::ProbeAnswered { sid: sid.to_owned(), probe, id }));
        }
    }

    fn pin(&self, _sid: &str) {}

    fn ask_history(&self, sid: &str) {
        let open = {
            let mut state = self.state.lock();
            state.histories += 1;
            state.link_up && !state.data_stalled && state.session_open
        };
        if open {
            self.answer(RoomEvent::History { sid: sid.to_owned(), said: Vec::new(), last_tool: None });
        }
    }

    fn type_to(&self, sid: &str, text: String) {
        let there = {
            let mut state = self.state.lock();
            let there = state.link_up && state.roster.iter().any(|p| p.sid == sid);
            if there {
                state.typed.push(text);
            }
            there
        };
        if !self.state.lock().swallows_typed {
            self.answer(RoomEvent::Typed { sent: there });
        }
    }

    fn request_stats(&self) {
        let received = {
            let mut state = self.state.lock();
            state.received += if state.link_up { 100 } else { 0 };
            state.received
        };
        self.answer(RoomEvent::Input(Input::LinkStats { received }));
        let numbers = self.state.lock().link_numbers;
        self.answer(RoomEvent::Link(numbers));
    }

    fn microphone(&self) -> Microphone {
        let state = Arc::clone(&self.state);
        Microphone(Arc::new(move |_| state.lock().frames += 1))
    }

    fn set_muted(&self, muted: bool) {
        let mut state = self.state.lock();
        // Each stay has a track of its own.
        if state.entries == self.entry.number {
            state.muted = muted;
        }
    }

    async fn leave(&self) {
        tokio::task::yield_now().await;
        let mut state = self.state.lock();
        state.left = true;
        state.events = None;
    }
}
