//! The event loop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adjourn_audio::{DeviceChoice, Devices};
use adjourn_outbox::wire::ClientInfo;
use adjourn_outbox::{Attempt, Backend, DeliveryEvent, Granted, JoinLink, Outbox, OutboxError, Secret};
use adjourn_room::{Fact, Joined, RoomLink, Transport};
use adjourn_session::{
    Agent, AgentState, Delivery, Ending, Input, JoinGrant, OrganiserWord, Output, Phase, Policy, Role,
    Session, Time,
};
use tokio::sync::{Notify, mpsc};
use tokio::time::MissedTickBehavior;

use crate::devices::{Ears, Mouth, Open};
use crate::join::{Admission, Rejection, admission};
use crate::journal::{self, Journal, finish_abandoned};
use crate::snapshot::{Completed, DeviceList, InterviewerState, Line, Meters, Screen, Snapshot, Speaker};
use crate::tracefile::TraceFile;
use crate::{Command, Shell, deliverer, sound, words};

/// Meters: 20 times a second at most (a webview's queue must not grow).
const METERS: Duration = Duration::from_millis(50);
/// Statistics of our own connection (design: every 500 ms; a request costs 1 to 3 ms).
const STATS: Duration = Duration::from_millis(500);
/// Facts that wait; the room is held back beyond that.
const WAITING_FACTS: usize = 1_024;
/// Results that wait; their makers are held back beyond that.
const WAITING_EVENTS: usize = 256;
/// Captions on the screen; older ones are in the record.
const SHOWN_CAPTIONS: usize = 200;
/// What is buffered may be played this long before the loudspeaker is closed.
const PLAY_OUT: Duration = Duration::from_millis(500);

/// What a client is started with.
#[derive(Debug)]
pub struct Setup {
    /// Folder of the outbox.
    pub data: PathBuf,
    /// Who we are.
    pub info: ClientInfo,
    /// The candidate's voice.
    pub mouth: Mouth,
    /// The interviewer's voice.
    pub ears: Ears,
    /// Where to write the session's inputs, if anywhere.
    pub trace: Option<PathBuf>,
    /// A link to begin with.
    pub link: Option<String>,
}

/// The client could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The outbox can't be opened.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

/// What comes back from work beside the loop.
pub(crate) enum Event {
    Host { link: JoinLink, known: bool },
    Admitted(Box<Admission>),
    Rejected(Rejection),
    Organiser(OrganiserWord),
    Committed,
    NotCommitted(Vec<u8>),
    NotJournaled,
    Delivery(DeliveryEvent),
    Devices(Result<Devices, String>),
}

/// A client that is about to run.
pub struct Client<T: Transport, S: Shell> {
    transport: Arc<T>,
    shell: S,
    outbox: Outbox,
    setup: Setup,
    started: Instant,
    session: Session,
    trace: TraceFile,
    events: mpsc::Sender<Event>,
    events_in: Option<mpsc::Receiver<Event>>,
    rooms: mpsc::Sender<Result<Joined<T::Room>, String>>,
    rooms_in: Option<mpsc::Receiver<Result<Joined<T::Room>, String>>>,
    facts: mpsc::Sender<Fact>,
    facts_in: Option<mpsc::Receiver<Fact>>,
    wake: Arc<Notify>,
    open: Open,
    room: Option<Arc<T::Room>>,
    connecting: Option<tokio::task::JoinHandle<()>>,
    link: Option<JoinLink>,
    unconfirmed: Option<JoinLink>,
    admission: Option<Admission>,
    journal: Option<Journal>,
    agent_state: Option<AgentState>,
    live_since: Option<Instant>,
    asked_history: Option<String>,
    audible: bool,
    connected_rooms: u32,
    /// What is true now.
    shown: Snapshot,
    /// What the shell was shown last.
    sent: Option<Snapshot>,
}

impl<T: Transport, S: Shell> Client<T, S> {
    /// Opens the outbox and prepares everything; delivery of what waits begins at once.
    ///
    /// # Errors
    /// The outbox can't be opened.
    pub async fn new(transport: T, mut shell: S, setup: Setup) -> Result<Self, StartError> {
        let (outbox, quarantined) = Outbox::open(&setup.data).await?;
        let (events, events_in) = mpsc::channel(WAITING_EVENTS);
        let (facts, facts_in) = mpsc::channel(WAITING_FACTS);
        let (rooms, rooms_in) = mpsc::channel(4);
        let mut shown = empty();
        shown.notice = quarantined.first().map(ToString::to_string);
        shell.show(&shown);
        Ok(Self {
            transport: Arc::new(transport),
            shell,
            outbox,
            started: Instant::now(),
            session: Session::new(Policy::default(), Time::ZERO),
            trace: TraceFile::create(setup.trace.as_deref()),
            setup,
            events,
            events_in: Some(events_in),
            rooms,
            rooms_in: Some(rooms_in),
            facts,
            facts_in: Some(facts_in),
            wake: Arc::new(Notify::new()),
            open: Open::default(),
            room: None,
            connecting: None,
            link: None,
            unconfirmed: None,
            admission: None,
            journal: None,
            agent_state: None,
            live_since: None,
            asked_history: None,
            audible: false,
            connected_rooms: 0,
            shown,
            sent: None,
        })
    }

    /// Runs until [`Command::Quit`] or until nobody can send commands any more; gives the snapshot
    /// that was shown last.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> Snapshot {
        let (Some(mut events), Some(mut facts), Some(mut rooms)) =
            (self.events_in.take(), self.facts_in.take(), self.rooms_in.take())
        else {
            return self.shown;
        };
        tokio::spawn(deliverer::run(
            self.outbox.clone(),
            self.setup.info.clone(),
            Arc::clone(&self.wake),
            self.events.clone(),
        ));
        self.refresh_devices();
        if let Some(link) = self.setup.link.take() {
            self.open_link(&link);
        }
        let mut meters = tokio::time::interval(METERS);
        meters.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut stats = tokio::time::interval(STATS);
        stats.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            self.show();
            let timeout = self.session.poll_timeout().map(|at| self.started + Duration::from_millis(at.0));
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Quit) | None => break,
                    Some(Command::Close) if !matches!(self.session.phase(), Phase::Waiting | Phase::Live) => break,
                    Some(command) => self.command(command),
                },
                Some(event) = events.recv() => self.event(event).await,
                Some(joined) = rooms.recv() => self.entered(joined),
                Some(fact) = facts.recv() => self.fact(fact),
                () = sleep_until(timeout) => {
                    let now = self.now();
                    self.trace.input(now, None);
                    self.session.handle_timeout(now);
                    self.act();
                }
                _ = meters.tick() => self.measure(),
                _ = stats.tick() => if let Some(room) = &self.room {
                    room.request_stats();
                },
            }
        }
        self.quit(&mut events).await;
        self.shown
    }

    /// The window was closed: while an interview is open it ends, is committed and left; what can't be
    /// delivered now waits on disk.
    async fn quit(&mut self, events: &mut mpsc::Receiver<Event>) {
        self.feed(Input::SystemEnds);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(2);
        while self.session.phase() == Phase::WrappingUp {
            match tokio::time::timeout_at(deadline, events.recv()).await {
                Ok(Some(event)) => self.event(event).await,
                Ok(None) | Err(_) => break,
            }
        }
        self.open.close_microphone();
        if let Some(room) = self.room.take() {
            // A dead link must not hold the exit.
            let _ = tokio::time::timeout(Duration::from_millis(500), room.leave()).await;
        }
        self.show();
        self.outbox.close().await;
    }

    fn now(&self) -> Time {
        Time(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Gives the session an input and does what it says.
    fn feed(&mut self, input: Input) {
        let now = self.now();
        self.trace.input(now, Some(&input));
        self.session.handle(input, now);
        self.act();
    }

    fn act(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::RequestJoin => self.request_join(),
                Output::Connect => self.connect(),
                Output::CancelConnect => {
                    self.connecting.take().inspect(tokio::task::JoinHandle::abort);
                }
                Output::ReadRoster => {
                    if let Some(roster) = self.room.as_ref().map(|room| room.roster()) {
                        self.feed(Input::Roster { roster });
                    }
                }
                Output::Probe { sid, probe, id } => {
                    if let Some(room) = &self.room {
                        room.probe(&sid, probe, id);
                    }
                }
                Output::AskOrganiser => self.ask_organiser(),
                Output::ReleaseMicrophone => {
                    self.open.microphone.set(None);
                    self.open.close_microphone();
                }
                Output::LeaveRoom => self.leave(),
                Output::CommitRecord(ending) => self.commit(ending),
            }
        }
        if self.session.phase() == Phase::Live && self.live_since.is_none() {
            self.live_since = Some(Instant::now());
            self.note("live", serde_json::Value::Null);
        }
        // The conversation so far, from an interviewer that is new to us (or after our restart).
        if let Some(sid) = self.session.interviewer_sid().map(str::to_owned)
            && self.session.phase() == Phase::Live
            && self.asked_history.as_ref() != Some(&sid)
            && let Some(room) = &self.room
        {
            room.request_history(&sid);
            self.asked_history = Some(sid);
        }
    }

    // --- commands -------------------------------------------------------------

    fn command(&mut self, command: Command) {
        match command {
            Command::OpenLink { link } => self.open_link(&link),
            Command::ConfirmHost => {
                if let Some(link) = self.unconfirmed.take() {
                    self.check_host(link, true);
                }
            }
            Command::ForgetLink => {
                self.unconfirmed = None;
                if self.session.phase() == Phase::Checking {
                    self.link = None;
                    self.open.close_microphone();
                    self.open.close_speaker();
                }
            }
            Command::ChooseInput { id } => {
                self.setup.mouth = Mouth::Device(DeviceChoice::from_id(id));
                self.open_microphone();
            }
            Command::ChooseOutput { id } => {
                self.setup.ears = Ears::Device(DeviceChoice::from_id(id));
                self.open_speaker();
            }
            Command::RefreshDevices => self.refresh_devices(),
            Command::PlayTestSound => self.play_test_sound(),
            Command::Join => self.join(),
            Command::SetMuted { muted } => {
                self.shown.muted = muted;
                if let Some(room) = &self.room {
                    room.set_muted(muted);
                }
                self.note(if muted { "muted" } else { "unmuted" }, serde_json::Value::Null);
            }
            Command::End => self.feed(Input::EndConfirmed),
            Command::GoOn => self.feed(Input::GoOnPressed),
            Command::Close => self.shown.closing = true,
            Command::Stay => self.shown.closing = false,
            Command::Quit => {}
        }
    }

    fn open_link(&mut self, text: &str) {
        if self.session.phase() != Phase::Checking {
            return; // an interview is under way
        }
        match JoinLink::parse(text) {
            Ok(link) => {
                self.shown.problem = None;
                self.check_host(link, false);
            }
            Err(error) => self.shown.problem = Some(error.to_string()),
        }
    }

    fn check_host(&self, link: JoinLink, confirm: bool) {
        let (outbox, events) = (self.outbox.clone(), self.events.clone());
        tokio::spawn(async move {
            let local = link.server.scheme() == "http"; // this very machine
            let known = outbox.host_known(&link.host(), confirm).await.unwrap_or(false);
            // The loop is gone: the process is ending.
            let _ = events.send(Event::Host { link, known: known || confirm || local }).await;
        });
    }

    fn join(&mut self) {
        if self.link.is_none() || self.session.phase() != Phase::Checking {
            return;
        }
        if !self.open.microphone_open() {
            self.open_microphone();
        }
        self.open_speaker();
        let broken = self.shown.input.problem.clone().or_else(|| self.shown.output.problem.clone());
        match broken {
            Some(problem) => self.shown.problem = Some(problem),
            None => self.feed(Input::JoinPressed),
        }
    }

    // --- devices ----------------------------------------------------------------

    fn refresh_devices(&self) {
        let events = self.events.clone();
        tokio::task::spawn_blocking(move || {
            let devices = adjourn_audio::devices().map_err(|e| e.to_string());
            // The loop is gone: the process is ending.
            let _ = events.blocking_send(Event::Devices(devices));
        });
    }

    fn open_microphone(&mut self) {
        self.shown.input.problem = self.open.open_microphone(&self.setup.mouth).err().map(|e| e.to_string());
        if let Mouth::Device(choice) = &self.setup.mouth {
            self.shown.input.chosen = chosen(choice);
        }
    }

    fn open_speaker(&mut self) {
        self.shown.output.problem = self.open.open_speaker(&self.setup.ears).err().map(|e| e.to_string());
        if let Ears::Device(choice) = &self.setup.ears {
            self.shown.output.chosen = chosen(choice);
        }
    }

    fn play_test_sound(&mut self) {
        self.open_speaker();
        let speaker = self.open.speaker.clone();
        tokio::spawn(async move {
            let mut pace = tokio::time::interval(Duration::from_millis(10));
            for frame in adjourn_audio::chime() {
                pace.tick().await;
                speaker.push(&frame);
            }
        });
    }

    fn measure(&mut self) {
        let phase = self.session.phase();
        if matches!(phase, Phase::Waiting | Phase::Live) {
            let audible = self.open.speaker.audible();
            if audible != self.audible {
                self.audible = audible;
                self.feed(Input::InterviewerLevel { audible });
            }
            if self.open.took_speech() && !self.shown.muted {
                self.feed(Input::CandidateSpoke);
            }
        }
        if phase != Phase::Completed {
            self.shell.meters(Meters { input: self.open.input_level(), output: self.open.speaker.level() });
        }
    }

    // --- the outside world --------------------------------------------------------

    fn request_join(&mut self) {
        let Some(link) = self.link.clone() else { return };
        let (outbox, info, events) = (self.outbox.clone(), self.setup.info.clone(), self.events.clone());
        tokio::spawn(async move {
            let event = match admission(&outbox, &link, &info).await {
                Ok(admission) => Event::Admitted(Box::new(admission)),
                Err(rejection) => Event::Rejected(rejection),
            };
            // The loop is gone: the process is ending.
            let _ = events.send(event).await;
        });
    }

    fn connect(&mut self) {
        let Some(livekit) = self.admission.as_ref().and_then(|a| a.answer.livekit.clone()) else { return };
        let (transport, facts, rooms) = (Arc::clone(&self.transport), self.facts.clone(), self.rooms.clone());
        // A connection of before is of no use any more.
        self.room = None;
        self.connecting = Some(tokio::spawn(async move {
            let joined = transport
                .connect(&livekit.url, livekit.token.expose(), facts)
                .await
                .map_err(|e| e.to_string());
            // The loop is gone: the process is ending.
            let _ = rooms.send(joined).await;
        }));
    }

    fn entered(&mut self, joined: Result<Joined<T::Room>, String>) {
        self.connecting = None;
        match joined {
            Ok(joined) if matches!(self.session.phase(), Phase::Joining | Phase::Waiting | Phase::Live) => {
                let room = Arc::new(joined.room);
                self.open.microphone.set(Some(room.microphone()));
                room.set_muted(self.shown.muted);
                self.room = Some(room);
                self.asked_history = None;
                self.connected_rooms += 1;
                self.note("connected", serde_json::json!({ "room_sid": joined.room_sid }));
                self.feed(Input::Connected { room_sid: joined.room_sid, roster: joined.roster });
            }
            Ok(_) => {} // given up meanwhile: dropping it leaves
            Err(message) => self.feed(Input::ConnectFailed { message }),
        }
    }

    fn ask_organiser(&self) {
        let Some((link, granted)) = self.link.clone().zip(self.granted()) else { return };
        let events = self.events.clone();
        tokio::spawn(async move {
            let status = match Backend::new(&link.server) {
                Ok(backend) => backend.status(&granted.interview_id, &granted.client_token).await,
                Err(error) => Err(error),
            };
            let word = match status {
                Ok(status) if status.ended_by_organiser.is_some() => OrganiserWord::Ended,
                Ok(_) => OrganiserWord::Running,
                Err(_) => OrganiserWord::Unreachable,
            };
            // The loop is gone: the process is ending.
            let _ = events.send(Event::Organiser(word)).await;
        });
    }

    fn granted(&self) -> Option<Granted> {
        self.admission.as_ref().map(|a| Granted {
            interview_id: a.answer.interview.id.clone(),
            attempt: a.answer.interview.attempt,
            title: a.answer.interview.title.clone(),
            client_token: a.answer.client_token.clone(),
            receipt_keys: a.answer.receipt_keys.clone(),
            head: Some(a.head.clone()),
        })
    }

    fn leave(&mut self) {
        let Some(room) = self.room.take() else { return };
        let buffered = self.open.speaker.buffered().min(PLAY_OUT);
        let speaker = self.open.speaker.clone();
        tokio::spawn(async move {
            tokio::time::sleep(buffered).await;
            room.leave().await;
            speaker.set(None);
        });
    }

    fn commit(&mut self, ending: Ending) {
        self.note("audio", self.open.statistics());
        match &self.journal {
            Some(journal) => journal.commit(ending),
            None => tracing::error!("an interview ended without a journal"),
        }
    }

    /// A line on the record's timeline.
    fn note(&self, what: &str, detail: serde_json::Value) {
        if let Some(journal) = &self.journal {
            journal.write(
                journal::TIMELINE,
                self.now().0,
                serde_json::json!({ "what": what, "detail": detail }),
            );
        }
    }

    // --- events -------------------------------------------------------------------

    async fn event(&mut self, event: Event) {
        match event {
            Event::Host { link, known: true } => {
                self.link = Some(link);
                self.open_microphone();
                self.refresh_devices();
            }
            Event::Host { link, known: false } => self.unconfirmed = Some(link),
            Event::Admitted(admission) => self.admitted(*admission).await,
            Event::Rejected(rejection) => {
                self.feed(Input::JoinFailed { message: rejection.message, retry: rejection.retry });
            }
            Event::Organiser(word) => self.feed(Input::Organiser { word }),
            Event::Committed => {
                self.feed(Input::RecordCommitted);
                self.wake.notify_one();
            }
            Event::NotCommitted(record) => {
                self.feed(Input::RecordNotSaved);
                if let (Some(link), Some(granted), Some(a)) =
                    (self.link.clone(), self.granted(), &self.admission)
                {
                    let work = deliverer::from_memory(
                        link,
                        granted,
                        a.join.join_id.clone(),
                        record,
                        self.events.clone(),
                    );
                    tokio::spawn(work);
                }
            }
            Event::NotJournaled => self.shown.notice = Some(words::NOT_JOURNALED.to_owned()),
            Event::Delivery(event) => self.delivery(event),
            Event::Devices(devices) => self.devices(devices),
        }
    }

    async fn admitted(&mut self, admission: Admission) {
        if self.session.phase() != Phase::Joining {
            return;
        }
        let join_id: Secret = admission.join.join_id.clone();
        if admission.answer.livekit.is_none() {
            if let Err(error) = finish_abandoned(&self.outbox, &join_id, admission.head.clone()).await {
                tracing::error!(%error, "an earlier interview could not be closed");
            }
            self.wake.notify_one();
            self.feed(Input::JoinFailed { message: words::ALREADY_ENDED.to_owned(), retry: false });
            return;
        }
        self.session.set_policy(admission.answer.policy.clone());
        self.trace.policy(&admission.answer.policy);
        let (answer, head) = (&admission.answer, admission.head.clone());
        let remaining = (answer.interview.ends_at - answer.now).num_milliseconds();
        let grant = JoinGrant {
            agent_name: answer.livekit.as_ref().and_then(|l| l.agent_name.clone()),
            remaining: u64::try_from(remaining).unwrap_or(0),
        };
        self.shown.title = Some(answer.interview.title.clone());
        self.journal = Some(Journal::start(self.outbox.clone(), join_id, head, self.events.clone()));
        self.admission = Some(admission);
        self.note("joined", serde_json::Value::Null);
        self.feed(Input::JoinGranted(grant));
    }

    fn delivery(&mut self, event: DeliveryEvent) {
        let ours = self.admission.as_ref().is_some_and(|a| a.join.join_id == event.join_id);
        match event.attempt {
            Attempt::Delivered { receipt_id } if ours => self.feed(Input::Delivered { receipt: receipt_id }),
            Attempt::Delivered { receipt_id } => {
                self.shown.notice =
                    Some(format!("An earlier interview has been received. Receipt: {receipt_id}"));
            }
            Attempt::Parked { reason } if ours => {
                self.shown.notice = Some(reason);
                self.feed(Input::DeliveryParked);
            }
            Attempt::Parked { reason } => {
                self.shown.notice = Some(format!("An earlier interview was not accepted: {reason}"));
            }
            Attempt::Later { .. } => {}
        }
    }

    fn devices(&mut self, devices: Result<Devices, String>) {
        match devices {
            Ok(found) => {
                let list = |devices: Vec<adjourn_audio::Device>, old: &DeviceList| DeviceList {
                    default_name: devices.iter().find(|d| d.default).map(|d| d.name.clone()),
                    devices: devices.into_iter().map(|d| (d.id, d.name)).collect(),
                    chosen: old.chosen.clone(),
                    problem: old.problem.clone(),
                };
                self.shown.input = list(found.inputs, &self.shown.input);
                self.shown.output = list(found.outputs, &self.shown.output);
            }
            Err(problem) => self.shown.input.problem = Some(problem),
        }
    }

    // --- facts --------------------------------------------------------------------

    fn fact(&mut self, fact: Fact) {
        match fact {
            Fact::Input(input) => {
                self.observe(&input);
                self.feed(input);
            }
            Fact::Said { sid, said } => {
                if self.session.interviewer_sid() == Some(sid.as_str()) {
                    let body = serde_json::json!({"id": said.id, "role": said.role, "text": said.text, "at": chrono::Utc::now()});
                    if let Some(journal) = &self.journal {
                        journal.write(journal::SAID, self.now().0, body);
                    }
                }
            }
            Fact::Caption(caption) => {
                let line = Line {
                    id: caption.segment,
                    speaker: match caption.role {
                        Role::Candidate => Speaker::Candidate,
                        Role::Interviewer => Speaker::Interviewer,
                    },
                    text: caption.text,
                    done: caption.done,
                };
                match self.shown.captions.iter_mut().find(|known| known.id == line.id) {
                    Some(known) => *known = line,
                    None => self.shown.captions.push(line),
                }
                if self.shown.captions.len() > SHOWN_CAPTIONS {
                    self.shown.captions.remove(0);
                }
            }
            Fact::Sound(sound) => {
                tokio::spawn(sound::play(sound, self.open.speaker.clone()));
            }
        }
    }

    /// What the screen and the timeline want to know of an input.
    fn observe(&mut self, input: &Input) {
        let pinned = self.session.interviewer_sid().map(str::to_owned);
        let is_pinned = |sid: &str| pinned.as_deref() == Some(sid);
        let state = if let Input::AgentStateChanged { sid, state } = input {
            Some((sid, *state))
        } else if let Input::ParticipantChanged(p) | Input::ParticipantJoined(p) = input {
            p.state.map(|state| (&p.sid, state))
        } else {
            None
        };
        if let Some((sid, state)) = state
            && (is_pinned(sid) || pinned.is_none())
            && self.agent_state != Some(state)
        {
            self.agent_state = Some(state);
            self.note("interviewer", serde_json::json!({ "state": state }));
            if state == AgentState::Listening {
                self.open.your_turn();
            }
        }
        if let Input::ParticipantLeft { reason, .. } = input {
            self.note("participant_left", serde_json::json!({ "reason": reason }));
        } else if let Input::Disconnected { reason } = input {
            self.note("disconnected", serde_json::json!({ "reason": reason }));
        } else if *input == Input::Reconnecting {
            self.note("reconnecting", serde_json::Value::Null);
        } else if let Input::Reconnected { .. } = input {
            self.note("reconnected", serde_json::Value::Null);
        } else if let Input::ToolEnded { name, ok, .. } = input {
            self.note("tool_ended", serde_json::json!({ "name": name, "ok": ok }));
        }
    }

    // --- the screen -----------------------------------------------------------------

    fn show(&mut self) {
        let view = self.session.view();
        let mut next = self.shown.clone();
        next.screen = match view.phase {
            Phase::Checking if self.unconfirmed.is_some() => Screen::ConfirmHost,
            Phase::Checking if self.link.is_none() => Screen::Start,
            Phase::Checking => Screen::Checking,
            Phase::Joining => Screen::Joining,
            Phase::Waiting => Screen::Waiting,
            Phase::Live => Screen::Interview,
            Phase::WrappingUp => Screen::WrappingUp,
            Phase::Completed => Screen::Completed,
        };
        next.host = self.unconfirmed.as_ref().or(self.link.as_ref()).map(JoinLink::host);
        if let Some(problem) = &view.problem {
            next.problem = Some(problem.message.clone());
            next.can_retry = problem.retry;
        } else if view.phase != Phase::Checking {
            next.problem = None;
        }
        next.microphone_open = self.open.microphone_open();
        next.connected = view.link_fresh;
        next.interviewer = match view.agent {
            Agent::Expected => InterviewerState::Absent,
            Agent::Quiet => InterviewerState::Checking,
            Agent::Gone => InterviewerState::Gone,
            Agent::Present => match self.agent_state {
                Some(AgentState::Thinking) => InterviewerState::Thinking,
                Some(AgentState::Speaking) => InterviewerState::Speaking,
                Some(AgentState::Listening | AgentState::Initializing) | None => InterviewerState::Listening,
            },
        };
        next.status = words::status(&view, next.interviewer, next.muted).to_owned();
        next.asking = view.asking;
        let over = view.ending.is_some();
        if !over {
            next.elapsed_s = self.live_since.map(|at| at.elapsed().as_secs());
            next.remaining_s = view.remaining.map(|ms| ms / 1_000);
        }
        next.completed = view.ending.as_ref().map(|ending| {
            let (headline, reason, what_next) = words::ending(ending.outcome);
            let (delivery, delivery_text) = words::delivery(&view.delivery);
            Completed {
                outcome: ending.outcome.to_string(),
                headline: headline.to_owned(),
                reason: reason.to_owned(),
                next: what_next.to_owned(),
                delivery: delivery.to_owned(),
                delivery_text: delivery_text.to_owned(),
                receipt: match &view.delivery {
                    Delivery::Received { receipt } => Some(receipt.clone()),
                    Delivery::Saving
                    | Delivery::Sending
                    | Delivery::Saved
                    | Delivery::Parked
                    | Delivery::Unsaved => None,
                },
            }
        });
        // Seconds tick in the window itself; they are no reason for a new snapshot.
        let unchanged = self.sent.as_ref().is_some_and(|sent| {
            let seconds = Snapshot {
                seq: sent.seq,
                elapsed_s: sent.elapsed_s,
                remaining_s: sent.remaining_s,
                ..next.clone()
            };
            seconds == *sent
        });
        self.shown = next;
        if !unchanged {
            self.shown.seq += 1;
            self.shell.show(&self.shown);
            self.sent = Some(self.shown.clone());
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

fn chosen(choice: &DeviceChoice) -> Option<String> {
    match choice {
        DeviceChoice::SystemDefault => None,
        DeviceChoice::Named(id) => Some(id.clone()),
    }
}

fn empty() -> Snapshot {
    Snapshot {
        seq: 0,
        screen: Screen::Start,
        title: None,
        host: None,
        problem: None,
        can_retry: false,
        notice: None,
        input: DeviceList::default(),
        output: DeviceList::default(),
        microphone_open: false,
        muted: false,
        connected: false,
        interviewer: InterviewerState::Absent,
        status: String::new(),
        asking: false,
        closing: false,
        captions: Vec::new(),
        elapsed_s: None,
        remaining_s: None,
        completed: None,
    }
}
