//! The event loop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adjourn_audio::Devices;
use adjourn_outbox::{DeliveryEvent, Outbox, OutboxError};
use adjourn_protocol::{ClientInfo, JoinLink, Note, ToolEnded};
use adjourn_room::{Fact, Joined, RoomLink, Transport};
use adjourn_session::{AgentState, Delivery, Input, OrganiserWord, Output, Phase, Policy, Session, Time};
use chrono::{DateTime, Utc};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::MissedTickBehavior;

use crate::clock::Clock;
use crate::devices::{Ears, Mouth, Open, Opened};
use crate::join::{Admission, Rejection};
use crate::journal::Journal;
use crate::panics::{Panics, guarded};
use crate::snapshot::Snapshot;
use crate::sound::Floor;
use crate::told::Told;
use crate::tracefile::TraceFile;
use crate::{Command, Shell, deliverer, words};

/// Meters: 20 times a second at most (a webview's queue must not grow).
const METERS: Duration = Duration::from_millis(50);
/// Statistics of our own connection (design: every 500 ms; a request costs 1 to 3 ms).
const STATS: Duration = Duration::from_millis(500);
/// The conversation so far is asked for again after this, until it is told; each time the pause is twice as long, for
/// an interviewer that tells nothing and a link that is narrow.
const HISTORY_AGAIN: Duration = Duration::from_secs(3);
/// Longest pause.
const HISTORY_LONGEST: Duration = Duration::from_secs(96);
/// A loop that failed more often is left.
const MOST_FAILURES: u32 = 3;
/// At the end of the process, a record that is nowhere safe yet is waited for so long.
const LAST_COMMIT: Duration = Duration::from_secs(12);
/// At the end of the process, a delivery that is under way gets so long.
const LAST_DELIVERY: Duration = Duration::from_secs(2);
/// A second press on the window's X counts as one after this: a double click is one press.
const SECOND_PRESS: Duration = Duration::from_secs(1);
/// Results that wait; their makers are held back beyond that.
const WAITING_EVENTS: usize = 256;

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
    /// Folder for copies of reports that a person asks for.
    pub copies: PathBuf,
    /// Who hears of panics; nobody in a test.
    pub panics: Option<Panics>,
}

/// The client could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The outbox can't be opened, or another process has it open.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

/// What comes back from work beside the loop.
pub(crate) enum Event {
    Host {
        link: JoinLink,
        known: bool,
    },
    Unfinished {
        open: Option<JoinLink>,
    },
    Admitted(Box<Admission>),
    Rejected(Rejection),
    /// The answer to the question of that number.
    Organiser {
        question: u64,
        word: OrganiserWord,
    },
    /// The agent's report is in.
    Reported {
        finished: bool,
    },
    Confirmed,
    Committed,
    CommittedInMemory,
    CommitIsSlow(Vec<u8>),
    NotCommitted(Vec<u8>),
    NotJournaled,
    Copied(Result<PathBuf, String>),
    Left,
    Delivery(DeliveryEvent),
    Devices(Result<Devices, String>),
    Opened(Box<Opened>),
}

/// What a person asked for that needs open devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pressed {
    Join,
    TestSound,
}

/// What a notice is about that goes when that is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// A link that was opened.
    Link,
}

/// What the loop waits for.
struct Inbox<R> {
    commands: mpsc::Receiver<Command>,
    events: mpsc::Receiver<Event>,
    rooms: mpsc::Receiver<Result<Joined<R>, String>>,
    panics: Panics,
    meters: tokio::time::Interval,
    stats: tokio::time::Interval,
}

/// Whether the loop goes on.
enum Turn {
    Goes,
    Ends,
}

/// A client that is about to run.
pub struct Client<T: Transport, S: Shell> {
    pub(crate) transport: Arc<T>,
    pub(crate) shell: S,
    pub(crate) outbox: Outbox,
    pub(crate) setup: Setup,
    pub(crate) clock: Clock,
    pub(crate) session: Session,
    pub(crate) trace: TraceFile,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) events_in: Option<mpsc::Receiver<Event>>,
    pub(crate) rooms: mpsc::Sender<Result<Joined<T::Room>, String>>,
    pub(crate) rooms_in: Option<mpsc::Receiver<Result<Joined<T::Room>, String>>>,
    /// What comes out of the room that was entered last.
    pub(crate) facts: Option<mpsc::Receiver<Fact>>,
    pub(crate) wake: Arc<Notify>,
    pub(crate) open: Open,
    pub(crate) room: Option<Arc<T::Room>>,
    pub(crate) connecting: Option<tokio::task::JoinHandle<()>>,
    pub(crate) link: Option<JoinLink>,
    /// The link whose host is being looked up.
    pub(crate) checking: Option<JoinLink>,
    pub(crate) unconfirmed: Option<JoinLink>,
    pub(crate) admission: Option<Admission>,
    pub(crate) journal: Option<Journal>,
    /// The record, if the disk did not take it.
    pub(crate) unsaved: Option<Vec<u8>>,
    /// When the interview's end was decided, by the wall clock.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// The interviewer's report says that the interview was finished.
    pub(crate) confirmed: bool,
    pub(crate) agent_state: Option<AgentState>,
    pub(crate) live_since: Option<Time>,
    /// The interviewer that is pinned in this room.
    pub(crate) pinned: Option<String>,
    /// When its conversation so far was last asked for, until it is told, and the pause until it is asked again.
    pub(crate) history_asked: Option<(Instant, Duration)>,
    /// Questions that the backend was asked so far.
    pub(crate) questions: u64,
    /// The last try to enter the room was answered, and refused.
    pub(crate) turned_away: bool,
    pub(crate) audible: bool,
    /// Whether microphone and loudspeaker have to be opened again, and when that was last tried.
    pub(crate) mending: (bool, bool),
    pub(crate) mended: Option<Instant>,
    /// What the notice on the screen is about, and until when it stands, if not until something settles it.
    pub(crate) notice: Option<(About, Option<Instant>)>,
    /// What was pressed and waits for the devices.
    pub(crate) pressed: Option<Pressed>,
    /// When this run of the client began, by the wall clock.
    pub(crate) started: DateTime<Utc>,
    /// Turns that are written down.
    pub(crate) turns: Told,
    /// What an earlier run of this join saw last.
    pub(crate) remembered: Option<ToolEnded>,
    /// Lines on the record's timeline so far, and those that were left out.
    pub(crate) noted: u32,
    pub(crate) left_out: u64,
    /// Ends the delivering.
    stop: watch::Sender<bool>,
    /// When the window was first asked to close, and has not been told to stay since.
    pub(crate) close_asked: Option<Instant>,
    /// What is true now.
    pub(crate) shown: Snapshot,
    /// What the shell was shown last.
    pub(crate) sent: Option<Snapshot>,
    /// The session's problem that was put on the screen last.
    pub(crate) told: Option<adjourn_session::Problem>,
    /// The room is being left.
    pub(crate) leaving: Option<tokio::task::JoinHandle<()>>,
    /// The backend is being asked for the join.
    pub(crate) joining: Option<tokio::task::JoinHandle<()>>,
    /// Interviews of an earlier run are being looked after.
    pub(crate) looking: Option<tokio::task::JoinHandle<()>>,
}

impl<T: Transport, S: Shell> Client<T, S> {
    /// Opens the outbox and prepares everything; delivery of what waits begins at once.
    ///
    /// # Errors
    /// The outbox can't be opened.
    pub async fn new(transport: T, mut shell: S, setup: Setup) -> Result<Self, StartError> {
        let (outbox, notice) = match Outbox::open(&setup.data).await {
            Ok((outbox, quarantined)) => (outbox, quarantined.first().map(ToString::to_string)),
            // Another window has it: nothing is taken over from that.
            Err(error @ OutboxError::InUse(_)) => return Err(error.into()),
            Err(error) => {
                tracing::error!(%error, "the interview is kept in memory");
                (Outbox::in_memory().await?, Some(words::NOT_JOURNALED.to_owned()))
            }
        };
        let (events, events_in) = mpsc::channel(WAITING_EVENTS);
        let (rooms, rooms_in) = mpsc::channel(4);
        let mut shown = crate::screen::empty();
        shown.notice = notice;
        shell.show(&shown);
        Ok(Self {
            transport: Arc::new(transport),
            shell,
            outbox,
            clock: Clock::start(),
            session: Session::new(Policy::default(), Time::ZERO),
            trace: TraceFile::create(setup.trace.as_deref()),
            setup,
            open: Open::new(events.clone()),
            events,
            events_in: Some(events_in),
            rooms,
            rooms_in: Some(rooms_in),
            facts: None,
            wake: Arc::new(Notify::new()),
            room: None,
            connecting: None,
            link: None,
            checking: None,
            unconfirmed: None,
            admission: None,
            journal: None,
            unsaved: None,
            ended_at: None,
            confirmed: false,
            agent_state: None,
            live_since: None,
            pinned: None,
            history_asked: None,
            questions: 0,
            turned_away: false,
            audible: false,
            mending: (false, false),
            mended: None,
            notice: None,
            pressed: None,
            started: Utc::now(),
            turns: Told::default(),
            remembered: None,
            noted: 0,
            left_out: 0,
            stop: watch::Sender::new(false),
            close_asked: None,
            shown,
            sent: None,
            told: None,
            leaving: None,
            joining: None,
            looking: None,
        })
    }

    /// Runs until [`Command::Quit`] or until nobody can send commands any more; gives the snapshot
    /// that was shown last.
    pub async fn run(mut self, commands: mpsc::Receiver<Command>) -> Snapshot {
        let (Some(events), Some(rooms)) = (self.events_in.take(), self.rooms_in.take()) else {
            return self.shown;
        };
        let mut meters = tokio::time::interval(METERS);
        meters.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut stats = tokio::time::interval(STATS);
        stats.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let panics = self.setup.panics.take().unwrap_or_else(Panics::nobody);
        let mut inbox = Inbox { commands, events, rooms, panics, meters, stats };
        let mut delivering = tokio::spawn(deliverer::keep_delivering(
            self.outbox.clone(),
            self.setup.info.clone(),
            Arc::clone(&self.wake),
            self.events.clone(),
            self.stop.subscribe(),
        ));
        self.refresh_devices();
        match self.setup.link.take() {
            Some(link) => self.open_link(&link),
            None => self.look_after_unfinished(),
        }
        let mut failures = 0;
        loop {
            match guarded(self.turn(&mut inbox)).await {
                Some(Turn::Goes) => {}
                Some(Turn::Ends) => break,
                // What failed is told by the panic itself. A loop that fails again and again is left, so
                // that what was said is committed all the same.
                None if failures < MOST_FAILURES => failures += 1,
                None => break,
            }
        }
        // Whoever sends something from now on is told that it will not be done.
        inbox.commands.close();
        self.quit(&mut inbox.events).await;
        // Whoever still works on the journal beside the loop does not find it closed. What is cut off here is done at
        // the next start.
        for beside in [self.looking.take(), self.joining.take()].into_iter().flatten() {
            beside.abort();
            // Cancelled, or done: either is its end.
            let _ = beside.await;
        }
        // What is being written down is written to its end. Nobody watches any more, so nobody is told.
        let _ = self.stop.send(true);
        inbox.events.close();
        if tokio::time::timeout(LAST_DELIVERY, &mut delivering).await.is_err() {
            delivering.abort();
        }
        // Nor a slow disk: what is not written by now is safe elsewhere, or was waited for above. Apart, since
        // SQLite closes on the thread that asks.
        let outbox = self.outbox.clone();
        let closing = tokio::spawn(async move { outbox.close().await });
        let _ = tokio::time::timeout(Duration::from_secs(1), closing).await;
        self.shown
    }

    /// Shows what is true, waits for one thing, and does what it asks for.
    async fn turn(&mut self, inbox: &mut Inbox<T::Room>) -> Turn {
        fail::fail_point!("loop");
        self.show();
        let due = self.due();
        tokio::select! {
            command = inbox.commands.recv() => match command {
                Some(Command::Quit) | None => return Turn::Ends,
                Some(Command::Close) if self.may_close() => return Turn::Ends,
                Some(command) => self.command(command),
            },
            () = inbox.panics.next() => self.feed(Input::ClientFailed),
            Some(event) = inbox.events.recv() => self.event(event).await,
            Some(joined) = inbox.rooms.recv() => self.entered(joined),
            fact = next_fact(&mut self.facts) => self.fact(fact),
            () = sleep_until(due) => self.time_passed(),
            _ = inbox.meters.tick() => self.measure(),
            _ = inbox.stats.tick() => {
                if let Some(room) = &self.room {
                    room.request_stats();
                }
                self.ask_history_again();
                self.mend_devices();
                self.forget_notice();
            }
        }
        Turn::Goes
    }

    /// The window was closed: while an interview is open it ends, is committed and left; what can't be
    /// delivered now waits on disk.
    async fn quit(&mut self, events: &mut mpsc::Receiver<Event>) {
        self.feed(Input::SystemEnds);
        let deadline = tokio::time::Instant::now() + LAST_COMMIT;
        while self.unsafe_still() {
            match tokio::time::timeout_at(deadline, guarded(self.wait_for_safety(events))).await {
                Ok(Some(true)) => {}
                Ok(_) | Err(_) => break,
            }
        }
        self.open.close_microphone();
        self.leave();
        if let Some(leaving) = self.leaving.take() {
            // A dead link must not hold the exit.
            let _ = tokio::time::timeout(Duration::from_secs(1), leaving).await;
        }
        self.show();
    }

    /// Nothing is left to do for this process once its record is delivered and no earlier one waits: the same link can be
    /// opened again (an interview that never started stays open) although this window still shows its end.
    pub(crate) fn let_go_of_the_folder(&self) {
        let (outbox, stop) = (self.outbox.clone(), self.stop.clone());
        tokio::spawn(async move {
            match outbox.pending().await {
                // The deliverer closes it, once it has written what it is at.
                Ok(waiting) if waiting.is_empty() => drop(stop.send(true)),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the journal stays open"),
            }
        });
    }

    /// The window shall be closed. While an interview is open, or what was said is nowhere safe, that is asked back
    /// first; asked twice, it closes: the page may be dead and unable to ask.
    fn may_close(&mut self) -> bool {
        let view = self.session.view();
        let open = matches!(view.phase, Phase::Waiting | Phase::Live);
        let lost = matches!(view.delivery, Delivery::Saving | Delivery::Unsaved | Delivery::Refused);
        let ended = matches!(view.phase, Phase::WrappingUp | Phase::Completed);
        if !(open || ended && lost) {
            return true;
        }
        if self.close_asked.is_some_and(|at| at.elapsed() >= SECOND_PRESS) {
            return true;
        }
        self.close_asked.get_or_insert_with(Instant::now);
        self.shown.closing = true;
        false
    }

    /// Whether what was said is neither on disk nor at the backend yet.
    fn unsafe_still(&self) -> bool {
        let view = self.session.view();
        view.phase == Phase::WrappingUp
            || (view.phase == Phase::Completed
                && matches!(view.delivery, Delivery::Saving | Delivery::Unsaved))
    }

    /// One more event, or the session's next timeout; `false` when nothing comes any more.
    async fn wait_for_safety(&mut self, events: &mut mpsc::Receiver<Event>) -> bool {
        self.show();
        let due = self.due();
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => self.event(event).await,
                None => return false,
            },
            () = sleep_until(due) => self.time_passed(),
        }
        true
    }

    /// When the session wants to know what time it is.
    fn due(&self) -> Option<Instant> {
        let left = self.session.poll_timeout()?.since(self.now());
        Some(Instant::now() + Duration::from_millis(left))
    }

    fn time_passed(&mut self) {
        let now = self.now();
        self.trace.input(now, None);
        self.session.handle_timeout(now);
        self.act();
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Gives the session an input and does what it says.
    pub(crate) fn feed(&mut self, input: Input) {
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
                    self.joining.take().inspect(tokio::task::JoinHandle::abort);
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
                Output::AskReport => self.ask_report(),
                Output::ReleaseMicrophone => {
                    self.open.microphone.set(None);
                    self.open.close_microphone();
                }
                Output::LeaveRoom => self.leave(),
                Output::CommitRecord(ending) => {
                    // Whoever wanted to close the window wanted to end the interview: that is done.
                    (self.shown.closing, self.close_asked) = (false, None);
                    // Whatever was said of a link is settled.
                    self.unsay(About::Link);
                    self.commit(ending);
                }
            }
        }
        if self.session.phase() == Phase::Live && self.live_since.is_none() {
            self.live_since = Some(self.now());
            self.note(Note::Live);
        }
        // An interviewer that is new to us (or to this room, after our restart or redial).
        if let Some(sid) = self.session.interviewer_sid().map(str::to_owned)
            && self.session.phase() == Phase::Live
            && self.pinned.as_ref() != Some(&sid)
            && let Some(room) = &self.room
        {
            room.pin(&sid);
            let identity = self.session.interviewer_identity().map(str::to_owned);
            self.note(Note::InterviewerPinned { sid, identity });
            self.pinned = Some(sid);
            self.ask_history();
            if let Some(tool) = self.remembered.take() {
                self.remember(tool);
            }
        }
        // When a person goes on with the candidate, every person is heard: who of them talks is not ours to say.
        self.open.speaker.give_floor(Floor {
            identity: self.session.interviewer_identity().map(str::to_owned),
            guests: self.session.policy().hear_guests,
            persons: self.session.floor_is_a_person(),
        });
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

    fn ask_history_again(&mut self) {
        let due = self.history_asked.filter(|(at, pause)| at.elapsed() >= *pause);
        if let Some((_, pause)) = due.filter(|_| self.session.phase() == Phase::Live) {
            self.ask_history_and_again_after((pause * 2).min(HISTORY_LONGEST));
        }
    }
}

/// The next fact of the room, if there is one.
async fn next_fact(facts: &mut Option<mpsc::Receiver<Fact>>) -> Fact {
    loop {
        match facts {
            Some(open) => match open.recv().await {
                Some(fact) => return fact,
                // The room is gone; what there was to say of it has been said.
                None => *facts = None,
            },
            None => std::future::pending().await,
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
